"""Whole runs, printing nothing: the comparison, lesson 09's job, the clinic, the findings."""

from .finetune_run import finetune_from_file
from .interruptions import Disconnected, Watch, counting, disconnect
from .measures import ROWS
from .report import pool_report, report_text
from .results import Out
from .reward_run import train_reward_from_file
from .run import run
from .sample_run import sample_from_world
from .settings import TIERS, RunSettings, detect, find_gsm8k, job, tier
from .sources import make_reward, reward_for, world_of_file
from .standin import is_held_out, sums, write_sums
from .tables import layout, rollouts_table, table

__all__ = [
    "Disconnected",
    "Out",
    "ROWS",
    "RunSettings",
    "TIERS",
    "Watch",
    "counting",
    "detect",
    "disconnect",
    "find_gsm8k",
    "finetune_from_file",
    "is_held_out",
    "job",
    "layout",
    "make_reward",
    "pool_report",
    "report_text",
    "reward_for",
    "rollouts_table",
    "run",
    "sample_from_world",
    "sums",
    "table",
    "tier",
    "train_reward_from_file",
    "world_of_file",
    "write_sums",
]
