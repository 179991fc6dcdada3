"""Whole runs, printing nothing: the comparison, lesson 09's job, the clinic, the findings."""

from .comparison import ROWS, run
from .interruptions import Disconnected, counting, disconnect
from .jobs import find_gsm8k, job
from .reward_run import train_reward_from_file
from .sources import make_reward
from .standin import is_held_out, sums, write_sums
from .tables import layout, rollouts_table, table
from .tiers import TIERS, detect, tier

__all__ = [
    "Disconnected",
    "ROWS",
    "TIERS",
    "counting",
    "detect",
    "disconnect",
    "find_gsm8k",
    "is_held_out",
    "job",
    "layout",
    "make_reward",
    "rollouts_table",
    "run",
    "sums",
    "table",
    "tier",
    "train_reward_from_file",
    "write_sums",
]
