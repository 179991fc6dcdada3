"""Whole runs, printing nothing: the comparison, lesson 09's job, the clinic, the findings."""

from .interruptions import Disconnected, Watch, counting, disconnect
from .measures import ROWS
from .reward_run import train_reward_from_file
from .rollouts_run import run_on_rollouts
from .run import run
from .settings import TIERS, RunSettings, detect, find_gsm8k, job, tier
from .sources import make_reward
from .standin import is_held_out, sums, write_sums
from .tables import layout, rollouts_table, table

__all__ = [
    "Disconnected",
    "ROWS",
    "RunSettings",
    "TIERS",
    "Watch",
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
    "run_on_rollouts",
    "sums",
    "table",
    "tier",
    "train_reward_from_file",
    "write_sums",
]
