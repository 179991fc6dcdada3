"""Arrays in, numbers out.

Best-of-n curves, KL, win rates, intervals, over-optimisation, texts, costs, forecasts.
"""

from .best_of_n import (
    best_of_n_curve,
    best_of_n_weights,
    bootstrap_best_of_n,
    decidable,
    expected_max_normal,
    pass_at_k,
    prefix_best_of_n,
    top_n_mean,
)
from .costs import break_even, equal_quality_n, serving_flops
from .forecast import Stage, forecast, machine, shards, timed
from .intervals import (
    Interval,
    minimum_detectable_effect,
    permutation_test,
    wilson_interval,
)
from .kl import (
    best_of_n_distribution,
    kl_best_of_n_bound,
    kl_best_of_n_estimate,
    kl_best_of_n_exact,
    kl_k3,
    kl_monte_carlo,
    kl_tilted,
)
from .means import (
    agreement_interval,
    between_seeds_interval,
    bootstrap_interval,
    grouped_interval,
    paired_difference,
    seeds_and_prompts_interval,
)
from .memory import (
    GB,
    PROMPT,
    Savings,
    Shape,
    activation_bytes,
    cache_bytes,
    in_gb,
    logits_bytes,
    phases,
    sampling_memory,
    training_bytes,
    training_memory,
)
from .overoptimisation import OveroptimisationFit, overoptimisation_fit
from .text import distinct_fraction, distinct_n, mean_similarity
from .votes import majority, weighted_majority
from .wins import (
    WinRate,
    pair_accuracy,
    pair_margins,
    win_rate,
    win_rate_of_best,
    win_rate_theory,
    win_scores,
)

__all__ = [
    "GB",
    "Interval",
    "OveroptimisationFit",
    "PROMPT",
    "Savings",
    "Shape",
    "Stage",
    "WinRate",
    "activation_bytes",
    "agreement_interval",
    "best_of_n_curve",
    "best_of_n_distribution",
    "best_of_n_weights",
    "bootstrap_best_of_n",
    "between_seeds_interval",
    "bootstrap_interval",
    "break_even",
    "cache_bytes",
    "decidable",
    "distinct_fraction",
    "distinct_n",
    "equal_quality_n",
    "expected_max_normal",
    "forecast",
    "grouped_interval",
    "in_gb",
    "kl_best_of_n_bound",
    "kl_best_of_n_estimate",
    "kl_best_of_n_exact",
    "kl_k3",
    "kl_monte_carlo",
    "kl_tilted",
    "logits_bytes",
    "machine",
    "majority",
    "mean_similarity",
    "minimum_detectable_effect",
    "overoptimisation_fit",
    "pair_accuracy",
    "pair_margins",
    "paired_difference",
    "pass_at_k",
    "permutation_test",
    "phases",
    "prefix_best_of_n",
    "seeds_and_prompts_interval",
    "sampling_memory",
    "serving_flops",
    "shards",
    "timed",
    "top_n_mean",
    "training_bytes",
    "training_memory",
    "weighted_majority",
    "wilson_interval",
    "win_rate",
    "win_rate_of_best",
    "win_rate_theory",
    "win_scores",
]
