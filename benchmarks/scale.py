"""Sampling past one process: the same bytes, what workers give and take, deaths, and memory.

    python benchmarks/scale.py [--quick] [--json] [--only NAME]

In one run, with the bundled help-desk policy:

- ray: a pool made by this process alone, by one worker of Ray and by two: whether its bytes are
  equal, tokens a second with and without the time until the first part is done, and the most
  memory of each process.
- kills: the same job, whose workers are killed (kill -9) at 10 random moments: whether it is whole
  and equal, and how often a worker was started.
- memory: 100,000 prompts × 4 from a file to a folder of parts, by two workers: what this process
  and a worker hold after a fifth of the parts, and at the end.

Training in several processes is compared with one in tests/scale/test_accelerated.py, sampling from
a server in benchmarks/serving.py, plans with what came in benchmarks/planning.py.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common

os.environ["OMP_NUM_THREADS"] = "1"  # workers have one thread each; so has this process

from course_lib import load_policy
from course_lib.assets import resolve
from course_lib.methods import Span
from course_lib.models import Policy, Sampling
from course_lib.scale.jobs import Place, sample_in_parts
from course_lib.scale.on_ray import OnRay, connect, load_ray
from course_lib.scale.prompts import source_of
from course_lib.scale.worker import Facts, Work, here

SEED = 7


def load() -> Policy:
    """The policy of every section."""
    return load_policy(resolve("helpdesk/policy"))


def asked(file: Path, count: int) -> Path:
    """A file of ``count`` prompts, no two alike."""
    with open(file, "w", encoding="utf-8") as out:
        for i in range(count):
            out.write(json.dumps({"prompt": f"My screen {i} is dark.", "number": i}) + "\n")
    return file


def status(name: str) -> int:
    """A line of this process's status, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.split(f"{name}:")[1].split()[0]) * 1024


@dataclass(frozen=True)
class Told:
    """A worker that tells, with each part, which process made it and what that holds."""

    start: Callable[[], Work]
    pids: Path | None = None

    def __call__(self) -> Work:
        """The worker, noted by the number of its process."""
        if self.pids is not None:
            (self.pids / str(os.getpid())).touch()
        work = self.start()

        def told(span: Span) -> Facts:
            facts = work(span)
            held = {"now": status("VmRSS"), "peak": status("VmHWM")}
            return {**facts, "pid": os.getpid(), "held": held}

        return told


@dataclass
class Watched:
    """An engine that remembers what its workers told, and when."""

    engine: Any
    pids: Path | None = None
    told: list[Facts] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    own: list[int] = field(default_factory=list)

    def __call__(self, start: Callable[[], Work], spans: Sequence[Span]) -> Iterator[Facts]:
        """As the engine itself."""
        for facts in self.engine(Told(start, self.pids), spans):
            self.told.append(facts)
            self.times.append(time.perf_counter())
            self.own.append(status("VmRSS"))
            yield facts


def made(file: Path, out: Path, engine: Watched, n: int, max_tokens: int, part: int) -> Any:
    """One job."""
    place = Place(out, engine, part)
    settings = Sampling(n=n, max_tokens=max_tokens, seed=SEED)
    return sample_in_parts(
        source_of(file, part), load, settings, place, asked={"policy": "helpdesk/policy"}
    )


# ---- the same bytes, rates, memory -------------------------------------------------------------


def workers(folder: Path, count: int) -> list[dict[str, Any]]:
    """One process, one worker, two workers, on the same prompts."""
    file, rows, first = asked(folder / "prompts.jsonl", count), [], b""
    engines = {"one process": here, "1 worker": OnRay(workers=1), "2 workers": OnRay(workers=2)}
    for name, engine in engines.items():
        watched, out = Watched(engine), folder / f"{name}.npz"
        began = time.perf_counter()
        done = made(file, out, watched, 8, 64, 32)
        first = first or out.read_bytes()
        peaks: dict[int, int] = {}
        for facts in watched.told:
            peaks[facts["pid"]] = max(peaks.get(facts["pid"], 0), facts["held"]["peak"])
        rest = sum(facts["tokens"] for facts in watched.told[1:])
        rows.append(
            {
                "who": name,
                "equal_bytes": out.read_bytes() == first,
                "tokens": done.tokens,
                "tokens_a_second": done.tokens / done.seconds,
                "after_the_first_part": rest / (watched.times[-1] - watched.times[0]),
                "until_the_first_part": watched.times[0] - began,
                "worker_peak_mb": [round(peak / 1e6) for peak in peaks.values()],
                "driver_mb": round(max(watched.own) / 1e6),
            }
        )
    for row in rows:
        row["of_one_process"] = row["after_the_first_part"] / rows[0]["after_the_first_part"]
    return rows


# ---- deaths ------------------------------------------------------------------------------------


def kill_workers(pids: Path, times: int, seed: int) -> int:
    """Kill a process noted in ``pids`` at random moments, ``times`` in all; how many it was."""
    draw, killed = random.Random(seed), 0
    while killed < times and pids.is_dir():
        time.sleep(draw.uniform(0.2, 2.0))
        alive = sorted(pids.iterdir())
        if alive:
            victim = draw.choice(alive)
            victim.unlink()
            try:
                os.kill(int(victim.name), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                continue
    return killed


def deaths(folder: Path, count: int, times: int) -> dict[str, Any]:
    """Jobs whose workers are killed, ``times`` in all, against one that is left alone."""
    file, pids = asked(folder / "prompts.jsonl", count), folder / "pids"
    pids.mkdir()
    made(file, folder / "alone.npz", Watched(here), 4, 32, 8)
    expected, killed = (folder / "alone.npz").read_bytes(), []
    killer = threading.Thread(target=lambda: killed.append(kill_workers(pids, times, SEED)))
    killer.start()
    equal, jobs, processes = True, 0, set()
    while killer.is_alive():
        out = folder / f"{jobs}.npz"
        watched = Watched(OnRay(workers=2), pids)
        made(file, out, watched, 4, 32, 8)
        processes |= {facts["pid"] for facts in watched.told}
        equal &= out.read_bytes() == expected
        jobs += 1
    killer.join()
    return {"kills": killed[0], "jobs": jobs, "equal_bytes": equal, "workers_seen": len(processes)}


# ---- memory ------------------------------------------------------------------------------------


def memory(folder: Path, count: int) -> dict[str, Any]:
    """A large job, and what its processes hold after a fifth of it and at the end."""
    file = asked(folder / "prompts.jsonl", count)
    watched = Watched(OnRay(workers=2))
    done = made(file, folder / "parts", watched, 4, 8, 256)
    last: dict[int, list[int]] = {}
    for facts in watched.told:
        last.setdefault(facts["pid"], []).append(facts["held"]["now"])
    fifth = len(watched.own) // 5
    return {
        "prompts": done.prompts,
        "replies": done.replies,
        "tokens_a_second": done.tokens / done.seconds,
        "driver_mb": [round(x / 1e6) for x in (watched.own[fifth], watched.own[-1])],
        "driver_growth": watched.own[-1] / watched.own[fifth],
        "workers_mb": [
            [round(x / 1e6) for x in (held[len(held) // 5], held[-1])] for held in last.values()
        ],
        "worker_growth": max(held[-1] / held[len(held) // 5] for held in last.values()),
    }


SECTIONS: dict[str, Callable[[Path, bool], Any]] = {
    "ray": lambda folder, quick: workers(folder, 96 if quick else 512),
    "kills": lambda folder, quick: deaths(folder, 32 if quick else 128, 2 if quick else 10),
    "memory": lambda folder, quick: memory(folder, 2_000 if quick else 100_000),
}


def main(given: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the sections and print what came."""
    parser = common.options(__doc__)
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    args: argparse.Namespace = parser.parse_args(given)
    ray = load_ray()
    connect(ray, None, 2)
    found: dict[str, Any] = {}
    try:
        for name, section in SECTIONS.items():
            if args.only in (None, name):
                with tempfile.TemporaryDirectory() as folder:
                    found[name] = section(Path(folder), args.quick)
                if not args.json:
                    show(name, found[name])
    finally:
        ray.shutdown()
    if args.json:
        print(json.dumps(found))
    return found


def show(name: str, rows: Any) -> None:
    """One section as lines of text."""
    print(f"\n{name}")
    for row in rows if isinstance(rows, list) else [rows]:
        for key, value in row.items():
            shown = f"{value:,.2f}" if isinstance(value, float) else value
            print(f"  {key.replace('_', ' '):24} {shown}")
        print()


if __name__ == "__main__":
    main()
