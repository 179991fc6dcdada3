"""How long a fresh process takes to import the course, to record a point, and to show progress.

    python benchmarks/startup.py [--quick] [--json]

Limits: ``import course_lib`` 0.3 s; recording a point 50 ms, counted from before the import of the
progress file's module to after the point is on disk; ``course progress`` 0.5 s. Each number is the
median of 7 fresh processes (3 with ``--quick``), whose modules were compiled once before. The start
of Python itself is not counted.
"""

from common import finish, options

args = options(__doc__.splitlines()[0]).parse_args()

import json  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

LIMITS = {"import course_lib": 0.3, "record a point": 0.05, "course progress": 0.5}  # seconds
WORK = {
    "import course_lib": "import course_lib",
    "record a point": (
        "from course_lib.classroom.record import record_task; record_task('ex01.best_of_n', 3, 3)"
    ),
    "course progress": (
        "import contextlib, io; from course_lib.commands.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()): main(['progress'])\n"
    ),
}
HEAVY = ("torch", "numpy", "matplotlib", "transformers")


def fresh(work: str, folder: str) -> dict:
    """Seconds of ``work`` in a process of its own, and the heavy packages it loaded."""
    program = (
        "import sys, time; started = time.perf_counter(); "
        f"{work}\n"
        "seconds = time.perf_counter() - started; import json; "
        f"heavy = [name for name in {HEAVY} if name in sys.modules]; "
        "print(json.dumps({'seconds': seconds, 'heavy': heavy}))"
    )
    environment = {
        **os.environ,
        "COURSE_PROGRESS": str(Path(folder) / "progress.json"),
        "PYTHONPYCACHEPREFIX": str(Path(folder) / "compiled"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    Path(environment["COURSE_PROGRESS"]).unlink(missing_ok=True)
    out = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return json.loads(out.stdout)


repeats = 3 if args.quick else 7
rows = {}
with tempfile.TemporaryDirectory() as folder:
    for name, work in WORK.items():
        fresh(work, folder)  # compiles
        runs = [fresh(work, folder) for _ in range(repeats)]
        seconds = [run["seconds"] for run in runs]
        rows[name] = {
            "median": statistics.median(seconds),
            "least": min(seconds),
            "seconds": seconds,
            "heavy": runs[0]["heavy"],
        }

lines = [f"median and least of {repeats} fresh processes, milliseconds"]
for name, row in rows.items():
    loaded = ", ".join(row["heavy"]) or "no heavy package"
    median = 1000 * row["median"]
    least = 1000 * row["least"]
    lines.append(f"{name:18} {median:7.1f} {least:7.1f}   loads {loaded}")
finish(
    args,
    {
        "ratios": {f"{name}, seconds": row["median"] for name, row in rows.items()},
        "aims": {f"{name}, seconds": limit for name, limit in LIMITS.items()},
        "at_most": [f"{name}, seconds" for name in LIMITS],
        "rows": rows,
    },
    lines,
)
