"""Intervals and tests: what a mean over prompts, seeds or pairs is worth."""

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..base import CourseError, require
from .arrays import as_array, as_pair


@dataclass(frozen=True)
class Interval:
    """A mean with its interval from ``low`` to ``high`` at ``level``, from ``n`` independent units.

    Prints as ``1.23 [1.10, 1.35]``; ``level`` is 0.95 unless another was asked for.
    """

    mean: float
    low: float
    high: float
    level: float
    n: int

    def __format__(self, spec: str) -> str:
        spec = spec or ".2f"
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __str__(self) -> str:
        return format(self, "")

    @property
    def excludes_zero(self) -> bool:
        """True when the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)


def check_level(level: float) -> None:
    require(0 < level < 1, f"level must be between 0 and 1, for example 0.95; got {level}.")


def wilson_interval(successes: float, n: int, level: float = 0.95) -> Interval:
    """Wilson :class:`Interval` of a proportion: ``successes`` of ``n`` independent trials.

    Sound near 0 and 1, where ± 2 standard errors is not. ``mean`` is the plain proportion. Source:
    Wilson (1927).
    """
    check_level(level)
    require(
        n >= 1 and 0 <= successes <= n,
        f"successes must be between 0 and n, and n at least 1; got {successes} of {n}.",
    )
    z = NormalDist().inv_cdf((1 + level) / 2)
    p = successes / n
    shrink = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # rounding must not push an end past p, 0 or 1
    low = max(0.0, min(p, centre - half))
    high = min(1.0, max(p, centre + half))
    return Interval(float(p), float(low), float(high), level, int(n))


def minimum_detectable_effect(
    values_or_sd: ArrayLike, n: int | None = None, power: float = 0.8, level: float = 0.95
) -> float:
    """The smallest true mean difference that ``n`` prompts would show with probability ``power``.

    (z₁₋α/₂ + z_power)·sd/√n, shown at ``level``. ``values_or_sd``: per-prompt differences (n is
    then their number unless given), or their standard deviation. Normal approximation.
    """
    check_level(level)
    require(0 < power < 1, f"power must be between 0 and 1, for example 0.8; got {power}.")
    values = as_array(values_or_sd, "values_or_sd")
    if values.ndim:
        values = as_array(values, "values_or_sd", 1)
        require(
            len(values) >= 2, f"a standard deviation needs at least 2 values; got {len(values)}."
        )
        n = len(values) if n is None else n
        sd = float(values.std(ddof=1))
    else:
        sd = float(values)
    if n is None or n < 1:
        raise CourseError(f"say how many prompts with n=..., 1 or more; got {n}.")
    z = NormalDist().inv_cdf
    return (z((1 + level) / 2) + z(power)) * sd / math.sqrt(n)


def permutation_test(a: ArrayLike, b: ArrayLike, seed: int = 0, resamples: int = 9999) -> float:
    """Two-sided p-value that ``a`` and ``b`` (P,), paired by prompt, have the same mean.

    By random sign flips of a − b. The observed signs count as one of the flips, so the smallest p
    is 1/(resamples + 1).
    """
    a, b = as_pair(a, b, ("a", "b"), 1)
    difference = a - b
    require(len(difference) >= 1, "no pairs to compare: give at least one.")
    rng = np.random.default_rng(seed)
    observed = abs(difference.sum())
    slack = 1e-9 * np.abs(difference).sum()  # equal sums may differ by rounding
    extreme = 0
    for _ in range(resamples):
        signs = rng.choice((-1.0, 1.0), len(difference))
        extreme += int(abs(difference @ signs) >= observed - slack)
    return (1 + extreme) / (1 + resamples)
