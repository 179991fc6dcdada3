"""Whole runs, printing nothing: the comparison, the lessons' job, the clinic, the findings."""

from ..worlds import fetch_gsm8k, find_gsm8k
from .finetune_run import finetune_from_file
from .interruptions import Disconnected, Watch, counting, disconnect
from .jobs import job, problems_for
from .measures import ROWS
from .own_prompts import OwnPrompts, prompt_of, read_prompts
from .preflight import COLAB_T4, Preflight, predicted_against_actual, preflight, shape_of
from .prompting import Asker, is_base, load_asked
from .report import pool_report, report_text
from .results import Out, differences
from .reward_run import train_reward_from_file
from .run import run
from .sample_run import asked_prompts, own_of, sample_from_world, settings_for, sizes_for
from .settings import RunSettings
from .sources import make_reward, reward_for, world_of_file
from .standin import is_held_out, sums, write_sums
from .tables import layout, rollouts_table, table
from .tiers import TIERS, Card, card, detect, dtype_here, tier, why_tier
from .timing import Ledger, timed_parts, timed_steps, training_steps

__all__ = [
    "Asker",
    "COLAB_T4",
    "Card",
    "Disconnected",
    "Ledger",
    "Out",
    "OwnPrompts",
    "Preflight",
    "ROWS",
    "RunSettings",
    "TIERS",
    "Watch",
    "asked_prompts",
    "card",
    "counting",
    "detect",
    "differences",
    "disconnect",
    "dtype_here",
    "fetch_gsm8k",
    "find_gsm8k",
    "finetune_from_file",
    "is_base",
    "is_held_out",
    "job",
    "layout",
    "load_asked",
    "make_reward",
    "own_of",
    "pool_report",
    "predicted_against_actual",
    "preflight",
    "problems_for",
    "prompt_of",
    "read_prompts",
    "report_text",
    "reward_for",
    "rollouts_table",
    "run",
    "sample_from_world",
    "settings_for",
    "shape_of",
    "sizes_for",
    "sums",
    "table",
    "tier",
    "timed_parts",
    "timed_steps",
    "train_reward_from_file",
    "training_steps",
    "why_tier",
    "world_of_file",
    "write_sums",
]
