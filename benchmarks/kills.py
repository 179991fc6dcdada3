"""A run that is disturbed in every way ends with the result of an undisturbed one.

    python benchmarks/kills.py [--quick] [--json]

kill -9 at random moments, again and again in one folder; two runs at once in one folder; a file
size limit that cuts every large write (as a full disk does); a folder that may not be written to.
Linux and macOS.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common

RUN = ["run", "--world", "helpdesk", "--prompts", "48", "-n", "8", "--held-out", "48"]
RUN += ["--epochs", "6", "--json", "--quiet"]
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sys.argv = ["course", *sys.argv[1:]]
runpy.run_module("course_lib", run_name="__main__")
"""


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "course_lib", *RUN, "--out", str(out)]


def start(out: Path) -> subprocess.Popen:
    return subprocess.Popen(
        command(out),
        env=ENV,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def rows(process: subprocess.Popen) -> Any:
    """The measurements of a run that has ended well; timings are left out."""
    out, error = process.communicate()
    if process.returncode:
        raise SystemExit(f"a run failed with {process.returncode}: {error[-2000:]}")
    found = json.loads(out)["rows"]
    return {
        name: {key: value for key, value in row.items() if "ms" not in key and "second" not in key}
        for name, row in found.items()
    }


def killed(folder: Path, clean: Any, seconds: float, times: int, seed: int = 0) -> dict[str, Any]:
    """kill -9 at ``times`` random moments; each new run goes on where the last was cut off.

    A run that ends before its moment is compared, and the next begins in a folder of its own.
    """
    rng = random.Random(seed)
    moments: list[float] = []
    ended, equal, number = 0, 0, 0
    while len(moments) < times:
        moment = rng.uniform(0.05, 1.0) * seconds
        process = start(folder / f"killed-{number}")
        time.sleep(moment)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            moments.append(round(moment, 2))
            continue
        ended, equal, number = ended + 1, equal + (rows(process) == clean), number + 1
    equal += rows(start(folder / f"killed-{number}")) == clean
    return {"kills": len(moments), "moments": moments, "ended": ended + 1, "equal": equal}


def together(folder: Path, clean: Any) -> dict[str, Any]:
    both = [start(folder / "together") for _ in range(2)]
    return {"runs": 2, "equal": sum(rows(process) == clean for process in both)}


def no_room(folder: Path, clean: Any) -> dict[str, Any]:
    """Every file may hold 100 kB: the model cannot be written. Then the limit is gone."""
    out = folder / "full"
    limited = [sys.executable, "-c", LIMITED, *RUN, "--out", str(out)]
    first = subprocess.run(limited, env=ENV, capture_output=True, text=True, encoding="utf-8")
    said = first.stderr.strip().splitlines()[-1:] or [""]
    clear = first.returncode != 0 and "Traceback" not in first.stderr
    return {"clear": clear, "said": said[0], "equal": rows(start(out)) == clean}


def read_only(folder: Path) -> dict[str, Any]:
    """A folder without permission to write; root may write anywhere, so /proc stands for one."""
    out = Path("/proc/course") if os.geteuid() == 0 else folder / "locked" / "out"
    if os.geteuid():
        (folder / "locked").mkdir(mode=0o500)
    done = subprocess.run(command(out), env=ENV, capture_output=True, text=True, encoding="utf-8")
    said = done.stderr.strip().splitlines()[-1:] or [""]
    clear = done.returncode != 0 and "Traceback" not in done.stderr
    return {"clear": clear, "said": said[0]}


def main() -> None:
    options = common.options(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begun = time.perf_counter()
        clean = rows(start(folder / "clean"))
        seconds = time.perf_counter() - begun
        found = {
            "killed": killed(folder, clean, seconds, 5 if options.quick else 30),
            "two at once": together(folder, clean),
            "no room": no_room(folder, clean),
            "read-only": read_only(folder),
        }
    if options.json:
        print(json.dumps(found))
        return
    for name, row in found.items():
        print(name, row)


if __name__ == "__main__":
    main()
