"""How many candidates change with the size of the batch, in single and in half precision.

    python benchmarks/half_precision.py [--quick] [--json] [--model FOLDER]

A candidate is drawn from its own stream of uniforms, so it should not depend on how many others are
in flight. Rounding makes it depend a little: sums of another order differ in their last bits, and a
token changes where its uniform falls in between. Each row samples the same candidates under two
budgets of memory and counts those that differ.
"""

import json
from pathlib import Path
from typing import Any

import common
import torch

from course_lib import load_policy
from course_lib.assets import path
from course_lib.base import CourseError
from course_lib.models import Policy, Sampling, sample
from course_lib.worlds import load_world

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def changed(policy: Policy, prompts: list[str], settings: Sampling, budgets: Any) -> dict[str, Any]:
    """Candidates that differ between two budgets, and after how many tokens at the median."""
    one, other = (sample(policy, prompts, settings, memory_mb=mb).tokens for mb in budgets)
    T = max(one.shape[-1], other.shape[-1])
    pad = torch.nn.functional.pad
    one = pad(one, (0, T - one.shape[-1]), value=-1).flatten(0, 1)  # (P·N, T)
    other = pad(other, (0, T - other.shape[-1]), value=-1).flatten(0, 1)
    differ = one != other
    rows = differ.any(1)
    first = differ.int().argmax(1)[rows]
    return {
        "candidates": len(rows),
        "changed": int(rows.sum()),
        "tokens_until": int(first.median()) if rows.any() else None,
    }


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--model", type=Path, help="also a model of your own, with plain prompts")
    options = parser.parse_args()
    prompts, _ = load_world("helpdesk").prompts("heldout", limit=8)
    jobs = {"bundled policy": (load_policy(path("helpdesk/policy")), prompts, 64, (384, 0.4))}
    if options.model:
        real = load_policy(options.model, template="plain")
        jobs[options.model.name] = (real, ["The capital of France is", "1, 2, 3,"], 8, (999, 0.4))
    found = {}
    for name, (policy, asked, n, budgets) in jobs.items():
        settings = Sampling(n=16 if options.quick else n, max_tokens=48 if n > 8 else 16, seed=0)
        for precision, dtype in PRECISIONS.items():
            half = policy.copy()
            half.model.to(dtype)
            try:
                found[f"{name}, {precision}"] = changed(half, asked, settings, budgets)
            except CourseError as error:  # float16 overflows in some models
                found[f"{name}, {precision}"] = {"error": str(error)}
    if options.json:
        print(json.dumps(found))
        return
    for name, row in found.items():
        if "error" in row:
            print(f"{name:32} {row['error']}")
            continue
        after = "" if row["tokens_until"] is None else f", at token {row['tokens_until']} (median)"
        print(f"{name:32} {row['changed']:4} of {row['candidates']} candidates change{after}")


if __name__ == "__main__":
    main()
