"""Count the released GSM8K model solutions: two sizes of model, one answer or the best of 100 by a
verifier.

    python benchmarks/gsm8k_solutions.py --data DIR [--json]

DIR holds ``model_solutions.jsonl`` (or .gz), the answers that OpenAI released with GSM8K: to each
test problem one answer of four systems, a 6B and a 175B model, each fine-tuned, and each with 100
samples of which a trained verifier picks one (Cobbe et al., 2110.14168). Fetch it from
github.com/openai/grade-school-math, grade_school_math/data/example_model_solutions.jsonl. The data
stay where they are: only counts go to course_lib/results/gsm8k_solutions.json, which lesson 06
reads. All 1,319 problems take a few seconds.
"""

import argparse
import time
from pathlib import Path

from common import finish

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "gsm8k_solutions.json"
NAMES = (
    "model_solutions.jsonl",
    "model_solutions.jsonl.gz",
    "example_model_solutions.jsonl",
    "example_model_solutions.jsonl.gz",
)
PAIRS = (
    ("6b_verification", "6b_finetuning"),
    ("175b_verification", "175b_finetuning"),
    ("6b_verification", "175b_finetuning"),
)
ALL = 1319  # problems of GSM8K's test split


def counted(pool):
    """Counts by system, paired differences over problems, agreement with the file's labels, and
    false steps behind right answers.
    """
    import numpy as np

    from course_lib.estimators import paired_difference, wilson_interval
    from course_lib.pools import agreement
    from course_lib.worlds import equation_holds, equations, verify

    systems = pool.provenance.systems
    right = pool.reward("verifier").numpy()
    labels = pool.reward("label").numpy()
    rows = {}
    for j, system in enumerate(systems):
        statuses = [
            verify(texts[j], info["answer"]).status
            for texts, info in zip(pool.texts, pool.info, strict=True)
        ]
        written = [
            [equation_holds(e) for e in equations(texts[j])]
            for texts, good in zip(pool.texts, right[:, j], strict=True)
            if good
        ]
        with_steps = [steps for steps in written if steps]
        false = sum(any(holds is False for holds in steps) for steps in with_steps)
        rows[system] = {
            "correct": statuses.count("correct"),
            "wrong": statuses.count("wrong"),
            "unreadable": statuses.count("unreadable"),
            "accuracy": wilson_interval(statuses.count("correct"), pool.P).to_dict(),
            "right_with_equations": len(with_steps),
            "right_with_a_false_equation": false,
        }
    at = {system: j for j, system in enumerate(systems)}
    differences = {
        f"{a} - {b}": paired_difference(right[:, at[a]], right[:, at[b]]).to_dict()
        for a, b in PAIRS
    }
    total = {
        key: sum(row[key] for row in rows.values())
        for key in ("right_with_equations", "right_with_a_false_equation")
    }
    return {
        "problems": pool.P,
        "of": ALL,
        "systems": rows,
        "differences": differences,
        "labels_agree": int((right == labels).sum()),
        "labels": int(labels.size),
        "false_steps": {
            **total,
            **(
                {
                    "share": wilson_interval(
                        total["right_with_a_false_equation"], total["right_with_equations"]
                    ).to_dict()
                }
                if total["right_with_equations"]
                else {}
            ),
        },
        "markers": agreement(pool)["markers"],
        "solved_by_none": int(np.sum(right.sum(1) == 0)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, help="folder with model_solutions.jsonl")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--out", default=str(RESULTS), help="file for the counts")
    args = parser.parse_args()
    from course_lib.base import require, versions, write_json
    from course_lib.experiments import layout
    from course_lib.pools import load_model_solutions

    began = time.perf_counter()
    file = next((p for p in (Path(args.data) / name for name in NAMES) if p.is_file()), None)
    require(
        file is not None,
        f"the folder has none of {', '.join(NAMES)}. Fetch one from "
        "github.com/openai/grade-school-math, grade_school_math/data.",
    )
    result = {
        "command": "python benchmarks/gsm8k_solutions.py --data DIR",
        **counted(load_model_solutions(file)),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }

    def show(v, spec=".1%"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    lines = [
        f"{result['problems']} of {ALL} problems; our verdicts agree with the released labels "
        f"in {result['labels_agree']:,} of {result['labels']:,}"
    ]
    lines += layout(
        [
            ["", "correct", "wrong", "unreadable", "accuracy"],
            *[
                [
                    name,
                    *(str(r[k]) for k in ("correct", "wrong", "unreadable")),
                    show(r["accuracy"]),
                ]
                for name, r in result["systems"].items()
            ],
        ]
    )
    lines += [""] + layout([[name, show(v, "+.1%")] for name, v in result["differences"].items()])
    lines += ["", f"right answers with a false equation among their steps: {result['false_steps']}"]
    write_json(args.out, result)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines)


if __name__ == "__main__":
    main()
