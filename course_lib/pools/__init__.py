"""Pools of candidates, what is kept of them, and the files they travel in."""

from .dialogues import PairList, hh_pairs, read_pairs
from .export import list_rows, write_pairs, write_rollouts, write_rows, write_selection
from .keys import Keys, parse_keys
from .model_solutions import SYSTEMS, agreement, load_model_solutions
from .pairs import annotate, preference_pairs
from .pool import FINISH, LENGTH, MISSING, STOP, Pool
from .provenance import Provenance
from .reading import JOB, check_keys, parts_in, pools_in, read_pool, read_selection
from .reward_rules import (
    best_per_prompt,
    matched_control,
    overall_control,
    random_overall,
    random_per_prompt,
    regularised_best,
    rso,
    select_best,
    soft_best,
    top_k_overall,
)
from .rollouts import read_rollouts
from .rules import RULES, Dial, Rule, check_minimum
from .scoring import is_verdict
from .selection import Selection
from .shapes import SHAPES
from .systems import system_report
from .verifier_rules import distinct_paths, threshold

__all__ = [
    "JOB",
    "check_keys",
    "Dial",
    "FINISH",
    "Keys",
    "LENGTH",
    "MISSING",
    "PairList",
    "Pool",
    "Provenance",
    "RULES",
    "Rule",
    "SHAPES",
    "STOP",
    "SYSTEMS",
    "Selection",
    "agreement",
    "annotate",
    "best_per_prompt",
    "check_minimum",
    "distinct_paths",
    "hh_pairs",
    "is_verdict",
    "list_rows",
    "load_model_solutions",
    "matched_control",
    "overall_control",
    "parse_keys",
    "parts_in",
    "pools_in",
    "preference_pairs",
    "random_overall",
    "random_per_prompt",
    "read_pairs",
    "read_pool",
    "read_rollouts",
    "read_selection",
    "regularised_best",
    "rso",
    "select_best",
    "soft_best",
    "system_report",
    "threshold",
    "top_k_overall",
    "write_pairs",
    "write_rollouts",
    "write_rows",
    "write_selection",
]
