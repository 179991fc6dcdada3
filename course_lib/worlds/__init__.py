"""Worlds: where prompts, the gold reward and (simulated) annotators come from."""

from .answers import check_mode, extract_answer, find_answer
from .arithmetic import SFT_PROBLEMS, SIZES, Arithmetic
from .equation_paths import equation_holds, equation_path, equation_report, equations, evaluate
from .expressions import rewrite, steps_of, value_of
from .few_shot import few_shot
from .gsm8k import GSM8K, read_problems
from .gsm8k_files import fetch_gsm8k, find_gsm8k
from .helpdesk import Annotator, Helpdesk, careful_helpdesk, write_own_reply, write_reply
from .helpdesk_gold import POINTS, gold_parts, harmlessness, helpfulness
from .helpdesk_stock import HARMFUL, HELP, PHRASINGS, TOPICS, right_steps
from .load import WORLDS, load_world
from .numbers import parse_number
from .problems import (
    EASY,
    KINDS,
    LIMIT,
    NAMES,
    THINGS,
    Kind,
    draw_problem,
    in_words,
    is_heldout,
    write_hurried_solution,
    write_solution,
)
from .tokenizer import word_tokenizer
from .verdicts import Verdict, verifier, verify
from .world import BaseWorld, Info, World

__all__ = [
    "Annotator",
    "Arithmetic",
    "BaseWorld",
    "EASY",
    "GSM8K",
    "HARMFUL",
    "HELP",
    "Helpdesk",
    "Info",
    "KINDS",
    "Kind",
    "LIMIT",
    "NAMES",
    "PHRASINGS",
    "POINTS",
    "SFT_PROBLEMS",
    "SIZES",
    "THINGS",
    "TOPICS",
    "Verdict",
    "WORLDS",
    "World",
    "careful_helpdesk",
    "check_mode",
    "draw_problem",
    "equation_holds",
    "equation_path",
    "equation_report",
    "equations",
    "evaluate",
    "extract_answer",
    "fetch_gsm8k",
    "few_shot",
    "find_answer",
    "find_gsm8k",
    "gold_parts",
    "harmlessness",
    "helpfulness",
    "in_words",
    "is_heldout",
    "load_world",
    "parse_number",
    "read_problems",
    "rewrite",
    "right_steps",
    "steps_of",
    "value_of",
    "verifier",
    "verify",
    "word_tokenizer",
    "write_hurried_solution",
    "write_own_reply",
    "write_reply",
    "write_solution",
]
