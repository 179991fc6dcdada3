"""Findings of lesson 07, from the stored frontier."""

from .. import results
from ..budget import break_even, equal_quality_n, serving_flops
from ..estimators import Interval
from . import finding

COMMAND = "python benchmarks/frontier.py"


@finding(13, "07", "At equal sampled tokens RFT is as good as most RLHF methods.",
         "gold points: one round of RFT less GRPO", COMMAND)
def frontier_gap():
    found = results.load("frontier")
    gap = {name: Interval(**{k: v for k, v in g.items() if k in ("mean", "low", "high", "level", "n")}) for name, g in found["rft_minus"].items()}
    above = [name for name, g in gap.items() if g.low > 0]
    below = [name for name, g in gap.items() if g.high < 0]
    equal = [name for name in gap if name not in above + below]
    return gap["GRPO"], gap["GRPO"].low > -0.25, f"RFT is above {', '.join(above)}; below {', '.join(below)}; not told apart from {', '.join(equal)}"
