"""Two processes side by side: do threads that wait keep the other one from working?

    python benchmarks/threads.py [--quick] [--json]

Each pair of processes trains a small network with as many threads as there are cores. The ways
differ in what was imported first: torch alone (threads spin), torch and then the course, the course
and then torch, and torch with one thread. The aim is a ratio: torch and then the course takes at
most 1.3 times the course and then torch.
"""

import os
import subprocess
import sys

from common import finish, options

args = options(__doc__).parse_args()

from course_lib.base import versions  # noqa: E402

WORK = """
import sys, time
import torch
layers = torch.nn.Linear(128, 512), torch.nn.GELU(), torch.nn.Linear(512, 128)
model, x = torch.nn.Sequential(*layers), torch.randn(800, 128)
optimizer = torch.optim.AdamW(model.parameters(), fused=True)
def steps(count):
    for _ in range(count):
        (model(x) - x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
steps(20)
started = time.perf_counter()
steps(int(sys.argv[1]))
print((time.perf_counter() - started) / int(sys.argv[1]) * 1000)
"""
WAYS = {  # name → what comes before the work
    "torch alone": "import torch",
    "torch, then the course": "import torch, course_lib",
    "the course, then torch": "import course_lib, torch",
    "torch, one thread": "import torch; torch.set_num_threads(1)",
}


def milliseconds(before, count, beside=2):
    """Milliseconds a step, the mean of ``beside`` processes that run at once."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "GOMP_"))}
    command = [sys.executable, "-c", f"{before}\n{WORK}", str(count)]
    running = [
        subprocess.Popen(command, env=keep, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        for _ in range(beside)
    ]
    said = [process.communicate()[0] for process in running]
    return sum(map(float, said)) / beside


steps = 60 if args.quick else 400
found = {name: milliseconds(before, steps) for name, before in WAYS.items()}
lines = [f"{name:24} {value:8.1f} ms a step" for name, value in found.items()]
ratio = found["torch, then the course"] / found["the course, then torch"]
ratios = {"torch first against the course first": ratio}
aims = {"torch first against the course first": 1.3}
result = {"ratios": ratios, "aims": aims, "at_most": list(aims), "milliseconds": found}
finish(args, {**result, "versions": versions()}, lines)
