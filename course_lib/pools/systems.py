"""Several systems' answers to the same problems, one candidate each.

Their accuracies and differences.
"""

from typing import Any

from ..base import require
from ..estimators import decidable, paired_difference, pass_at_k, wilson_interval
from .model_solutions import SYSTEMS
from .pool import Pool
from .words import listed

COMPARED = (
    ("6b_verification", "6b_finetuning"),
    ("175b_verification", "175b_finetuning"),
    ("6b_verification", "175b_finetuning"),
)


def system_report(pool: Pool, by: str = "verifier") -> dict[str, Any]:
    """What the released GSM8K solutions show.

    ``pool`` is that of :func:`~course_lib.pools.load_model_solutions`. Returns ``{"accuracy":
    {system: Interval}, "difference": {"a − b": Interval}, "pass_at": {k: mean over prompts},
    "decidable": Interval}``: Wilson intervals over prompts, paired bootstrap intervals, all at
    95 %. A "verification" answer is the best of 100 samples by a trained verifier (2110.14168). The
    candidates come from four models, so ``pass_at[k]`` is over k of these four systems drawn
    without replacement, not over k samples of one model.
    """
    right = pool.reward(by)  # (P, N)
    systems = pool.provenance.systems or ()
    require(
        set(SYSTEMS) <= set(systems),
        "the report needs the pool of load_model_solutions, with the systems "
        f"{', '.join(SYSTEMS)}; got {listed(systems)}.",
    )
    column = {system: right[:, j] for j, system in enumerate(systems)}  # (P,) each
    accuracy = {
        system: wilson_interval(int(values.sum()), pool.P) for system, values in column.items()
    }
    difference = {f"{a} − {b}": paired_difference(column[a], column[b]) for a, b in COMPARED}
    ks = range(1, pool.N + 1)
    pass_at = pass_at_k(right, ks).mean(0).tolist()
    return {
        "accuracy": accuracy,
        "difference": difference,
        "pass_at": dict(zip(ks, pass_at, strict=True)),
        "decidable": wilson_interval(int(decidable(right).sum()), pool.P),
    }
