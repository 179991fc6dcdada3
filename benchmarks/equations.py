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

parser = options(__doc__.splitlines()[0])
parser.add_argument("--data", help="folder with GSM8K's train.jsonl")
args = parser.parse_args()

import numpy as np  # noqa: E402

from course_lib.experiments import layout  # noqa: E402
from course_lib.worlds import (  # noqa: E402
    KINDS,
    Arithmetic,
    gsm8k,  # noqa: E402
    write_solution,
)

count = 200 if args.quick else 2000
sources = {"arithmetic, train": [row["solution"] for row in Arithmetic().problems("train")]}
if args.data:
    sources = {
        "GSM8K, train": [
            p["solution"] for p in gsm8k.read_problems(Path(args.data) / "train.jsonl")
        ],
        **sources,
    }
reports = {}
for name, texts in sources.items():
    steps = Counter(len(gsm8k.equations(text)) for text in texts)
    reports[name] = {
        **gsm8k.equation_report(texts),
        "distinct_paths": len({gsm8k.equation_path(text) for text in texts}),
        "by_steps": {str(k): steps[k] for k in sorted(steps)},
    }
rng, paths = np.random.default_rng(0), {}
# how many right paths a problem of each kind has, found by drawing
for kind, (make, _, _) in KINDS.items():
    rows = [row for row in Arithmetic().problems("train") if row["kind"] == kind][
        : 2 if args.quick else 10
    ]
    paths[kind] = float(
        np.mean(
            [
                len(
                    {
                        gsm8k.equation_path(write_solution(make(*row["numbers"]), rng))
                        for _ in range(count)
                    }
                )
                for row in rows
            ]
        )
    )
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
lines = layout(
    [
        ["", *(c.replace("_", " ") for c in columns)],
        *[
            [name, *(f"{r[c]:,.2f}" if c == "mean" else f"{r[c]:,}" for c in columns)]
            for name, r in reports.items()
        ],
    ]
)
lines += ["", "solutions by number of equations"] + [
    f"{name}: " + ", ".join(f"{k} × {v:,}" for k, v in r["by_steps"].items())
    for name, r in reports.items()
]
lines += [
    "",
    f"right paths of an arithmetic problem found in {count:,} random solutions: "
    + ", ".join(f"{kind} {mean:.0f}" for kind, mean in paths.items()),
]
finish(args, {"ratios": {}, "aims": {}, "reports": reports, "paths": paths}, lines)
