"""The findings of the course, each computed from stored pools and results, or live.

Importing the files registers their findings, which are numbered by lesson: 4.2 is the second of
lesson 04.
"""

from .best_of_n import estimates, stored
from .candidates import best_temperature, warm_minus_cold
from .choosing import (
    capped,
    complete,
    fitted_peaks,
    kl_of_candidates,
    kl_of_pass_fail,
    pair_accuracy,
    right_choices,
)
from .registry import Finding, Measured, Row, Table, finding, interval_of, known, measure, show
from .rlhf import repaid_after
from .rounds import kept_counts, kept_easiness
from .verifiable import distinct_among, votes_right

__all__ = [
    "Finding",
    "Measured",
    "Row",
    "Table",
    "best_temperature",
    "capped",
    "complete",
    "distinct_among",
    "estimates",
    "finding",
    "fitted_peaks",
    "interval_of",
    "kept_counts",
    "kept_easiness",
    "kl_of_candidates",
    "kl_of_pass_fail",
    "known",
    "measure",
    "pair_accuracy",
    "repaid_after",
    "right_choices",
    "show",
    "stored",
    "votes_right",
    "warm_minus_cold",
]
