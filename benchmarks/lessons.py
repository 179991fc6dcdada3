"""Every lesson and every solved exercise from a clean kernel: seconds and peak memory, against
their limits.

    python benchmarks/lessons.py [--quick] [--json] [--times K] [NAME ...]

Limits: a lesson 90 s and 1.5 GB, all lessons together 10 minutes, a solved exercise 60 s and
1.5 GB.

Each lesson runs as `course build` runs it, in its own kernel, one after another; a failing cell
stops the benchmark. ``--times 10`` runs them ten times in a row. ``--quick`` runs lesson 00 and
exercise 01 only. The kernel itself reports its peak resident memory in a cell added at the end.
"""

from common import finish, options

parser = options(__doc__)
parser.add_argument(
    "names",
    nargs="*",
    metavar="NAME",
    help="lessons and exercises, such as 01 or ex01 (default: all)",
)
parser.add_argument("--times", type=int, default=1, help="how often each runs")
args = parser.parse_args()

import os
import sys
import time
from dataclasses import replace

from course_lib.authoring import ROOT, lesson_sources
from course_lib.authoring.exercises import Exercise, exercise_sources
from course_lib.authoring.lessons import prepare, repository_address
from course_lib.authoring.write import run
from course_lib.base import versions

LIMITS = {"seconds": 90, "mb": 1500, "together": 600, "exercise": 60}
PEAK = "import resource\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # what a reader has
address = repository_address(ROOT / "pyproject.toml")
rows = {}
names = ["00", "ex01"] if args.quick else args.names
some_lessons, some_exercises = (
    [n for n in names if n.startswith("ex") == exercises] for exercises in (False, True)
)
lessons = (
    [prepare(source, address) for source in lesson_sources(some_lessons)]
    if some_lessons or not names
    else []
)
exercises = (
    [Exercise(source).notebook(True, address) for source in exercise_sources(some_exercises)]
    if some_exercises or not names
    else []
)
os.environ["COURSE_CHECK_LOG"] = os.devnull  # the last cell of an exercise would run it once more
for attempt in range(args.times):
    for lesson in lessons + exercises:
        last = {
            "cell_type": "code",
            "id": "peak",
            "metadata": {},
            "source": PEAK,
            "execution_count": None,
            "outputs": [],
        }
        started = time.perf_counter()
        done = run(replace(lesson, cells=[*lesson.cells, last]), ROOT / lesson.folder)
        row = rows.setdefault(lesson.name, {"seconds": [], "mb": []})
        row["seconds"].append(round(time.perf_counter() - started, 1))
        row["mb"].append(round(float(done[-1]["outputs"][0]["text"])))
        if not args.json:
            print(
                f"run {attempt + 1}  {lesson.name}: {row['seconds'][-1]} s, {row['mb'][-1]} MB",
                file=sys.stderr,
                flush=True,
            )
ratios = {"largest / 1.5 GB": max(max(row["mb"]) for row in rows.values()) / LIMITS["mb"]}
seconds = {
    kind: [rows[lesson.name]["seconds"] for lesson in found]
    for kind, found in (("lesson", lessons), ("exercise", exercises))
}
if lessons:
    ratios["slowest lesson / 90 s"] = max(map(max, seconds["lesson"])) / LIMITS["seconds"]
if not names:
    ratios["all lessons / 10 minutes"] = (
        max(map(sum, zip(*seconds["lesson"], strict=True))) / LIMITS["together"]
    )
if exercises:
    ratios["slowest solved exercise / 60 s"] = (
        max(map(max, seconds["exercise"])) / LIMITS["exercise"]
    )
lines = [f"{'notebook':44} seconds (most)   MB (most)   runs"] + [
    f"{name:44} {max(row['seconds']):14.1f}   {max(row['mb']):9.0f}   {len(row['mb']):4}"
    for name, row in rows.items()
]
finish(
    args,
    {
        "ratios": ratios,
        "aims": {name: 1.0 for name in ratios},
        "at_most": list(ratios),
        "notebooks": rows,
        "limits": LIMITS,
        "versions": versions(),
    },
    lines,
)
