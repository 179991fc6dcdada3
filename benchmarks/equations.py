"""Equations in worked solutions, counted by one extractor: GSM8K's reference solutions and the
arithmetic world's.

    python benchmarks/equations.py [--json] [--data ../shared/data/gsm8k]

``--data`` is a folder with GSM8K's train.jsonl (github.com/openai/grade-school-math,
grade_school_math/data); without it only the arithmetic world is counted. "false" is off by more
than 10⁻³, "inexact" is not exactly equal (10/3 = 3.33 is both).
"""

from collections import Counter
from pathlib import Path

from common import finish, options

parser = options(__doc__)
parser.add_argument("--data", help="folder with GSM8K's train.jsonl")
args = parser.parse_args()

import numpy as np

from course_lib.experiments import layout
from course_lib.worlds import (
    KINDS,
    Arithmetic,
    equation_path,
    equation_report,
    equations,
    gsm8k,
    write_solution,
)

count = 200 if args.quick else 2000
sources = {"arithmetic, train": [row["solution"] for row in Arithmetic().problems("train")]}
if args.data:
    problems = gsm8k.read_problems(Path(args.data) / "train.jsonl")
    sources = {"GSM8K, train": [problem["solution"] for problem in problems], **sources}
reports = {}
for name, texts in sources.items():
    steps = Counter(len(equations(text)) for text in texts)
    reports[name] = {
        **equation_report(texts),
        "distinct_paths": len({equation_path(text) for text in texts}),
        "by_steps": {str(k): steps[k] for k in sorted(steps)},
    }


def paths_found(make, numbers):
    """How many right paths a problem has, found by drawing."""
    drawn = [write_solution(make(*numbers), rng) for _ in range(count)]
    return len({equation_path(text) for text in drawn})


rng = np.random.default_rng(0)
paths = {}
each = 2 if args.quick else 10  # problems of a kind
for kind, (make, _, _) in KINDS.items():
    rows = [row for row in Arithmetic().problems("train") if row["kind"] == kind][:each]
    paths[kind] = float(np.mean([paths_found(make, row["numbers"]) for row in rows]))
columns = (
    "texts",
    "with_equations",
    "equations",
    "mean",
    "unreadable",
    "inexact",
    "false",
    "distinct_paths",
)
table = [["", *(c.replace("_", " ") for c in columns)]]
for name, report in reports.items():
    cells = [f"{report[c]:,.2f}" if c == "mean" else f"{report[c]:,}" for c in columns]
    table.append([name, *cells])
lines = layout(table)
lines += ["", "solutions by number of equations"]
for name, report in reports.items():
    lines.append(f"{name}: " + ", ".join(f"{k} × {v:,}" for k, v in report["by_steps"].items()))
lines += [
    "",
    f"right paths of an arithmetic problem found in {count:,} random solutions: "
    + ", ".join(f"{kind} {mean:.0f}" for kind, mean in paths.items()),
]
finish(args, {"ratios": {}, "aims": {}, "reports": reports, "paths": paths}, lines)
