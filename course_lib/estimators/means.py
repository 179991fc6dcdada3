"""Intervals of means, chosen by the kind of value and tested for how often they cover.

| values | interval |
|---|---|
| only 0 and 1, or shares of a rare outcome | exact: Korn and Graubard's Clopper–Pearson |
| differences of such: −1, 0, 1 | Agresti and Min's |
| few or skewed | bootstrap-t |
| others | percentile bootstrap |

Values of one group (a topic, a prompt with several comparisons) are not independent: with
``groups``, groups are the units. ``benchmarks/interval_coverage.py`` measures how often each one
covers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..base import require, whole
from .arrays import as_array, as_pair
from .intervals import Interval, check_level, wilson_interval
from .quantiles import beta_quantile, t_quantile

ROUNDING = 1e-12  # relative to the largest value: what sums in another order leave
FEW = 30  # units: with fewer, the percentile bootstrap is too narrow
SKEWED = 1.0  # as is it for values of this skewness or more
LEAST_ERROR = 4.0  # a resampled error counts as at least the sample's divided by this
RARE = 5  # an outcome that fewer units than this have, or lack
TWO_VALUED = 4  # so many units with two values between them are a yes and a no by another name


def bootstrap_interval(
    values: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> Interval:
    """:class:`Interval` of the mean of ``values`` (P,), one for each prompt.

    Chosen by the kind of value, see the table above. Average a prompt's candidates first: they
    share the prompt and are not independent units. Values that are all equal say nothing of their
    spread: but for 0 and 1, their interval has no width. ``groups`` (P,) names what prompts have in
    common, such as their topic, when the claim is about other topics too; ``n`` is then the number
    of groups. Raises :class:`~course_lib.base.CourseError` for values that are not finite.
    """
    return _interval(as_array(values, "values", 1), groups, level, _Resampling(resamples, seed))


@dataclass(frozen=True)
class _Resampling:
    """How often to resample, and from which seed."""

    resamples: int
    seed: int

    def __post_init__(self) -> None:
        whole(self.resamples, "resamples", 100)
        whole(self.seed, "seed", 0)


def _interval(
    values: np.ndarray,
    groups: ArrayLike | None,
    level: float,
    how: _Resampling,
    signed: bool = False,
) -> Interval:
    """The interval that fits ``values``; ``signed``: they might be negative, though none is."""
    check_level(level)
    require(
        bool(np.isfinite(values).all()),
        "values holds an infinite number, of which no mean exists. Find where it comes from.",
    )
    if values.size and np.ptp(values) <= ROUNDING * np.abs(values).max():
        values = np.full_like(values, values[0])  # they differ by rounding alone
    unit = "prompts" if groups is None else "groups"
    units = _Units.of(values, np.arange(len(values)) if groups is None else groups)
    require(units.G >= 2, f"an interval needs at least 2 {unit}; got {units.G}.")
    rng = np.random.default_rng(how.seed)
    if not signed and _only(values, (0, 1)):
        return _share(units, level)
    if groups is None and _only(values, (-1, 0, 1)) and (signed or 0 in values):
        return _difference_of_shares(values, level)
    ends = np.unique(values)
    if len(ends) == 2 and units.G >= TWO_VALUED:
        return _of_two_values(ends, units, level)
    if not signed and values.min() >= 0 and values.max() <= 1 and _is_rare(units):
        return _wider(_share(units, level), _bootstrap_t(units, level, how.resamples, rng))
    if units.G < FEW or abs(units.skewness()) >= SKEWED:
        found = _bootstrap_t(units, level, how.resamples, rng)
        shares = not signed and values.min() >= 0 and values.max() <= 1
        return _within(found, 0.0, 1.0) if shares else found
    draws = units.means(rng, how.resamples)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(units.mean, float(low), float(high), level, units.G)


def grouped_interval(
    values: ArrayLike,
    groups: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """:class:`Interval` of the mean of ``values`` (K,), with whole groups as the units.

    ``groups`` (K,) says which prompt each value belongs to. For comparisons, of which a prompt has
    one or many: those of one prompt share its difficulty and are not independent units. ``n`` is
    the number of groups.
    """
    return bootstrap_interval(values, level, resamples, seed, groups)


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> Interval:
    """:class:`Interval` of the mean of a − b over prompts, both (P,), prompts in the same order.

    Pairing takes out how hard each prompt is, so it is narrower than the two intervals apart
    suggest. ``groups`` as in :func:`bootstrap_interval`.
    """
    a, b = as_pair(a, b, ("a", "b"), 1)
    return _interval(a - b, groups, level, _Resampling(resamples, seed), signed=True)


def _seeds_by_prompts(matrix: ArrayLike) -> np.ndarray:
    """``matrix`` as an array (S, P), at least two of each."""
    array = as_array(matrix, "matrix", 2)
    require(
        min(array.shape) >= 2,
        f"matrix must be (seeds, prompts) with at least 2 of each; got {array.shape}.",
    )
    return array


def seeds_and_prompts_interval(
    matrix: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """:class:`Interval` of the mean of ``matrix`` (S, P), resampling both seeds and prompts.

    S seeds (training runs) and P prompts, both with replacement. All seeds answer the same prompts;
    for a comparison give the differences of the two methods. When the spread is all between seeds,
    a few of them give too narrow an interval: 95 % then covers about 73 % of the time with 3 seeds,
    83 % with 5, 90 % with 10.
    """
    matrix = _seeds_by_prompts(matrix)
    check_level(level)
    S, P = matrix.shape
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(resamples):
        by_prompt = matrix[rng.integers(S, size=S)].mean(0)  # (P,)
        draws.append(by_prompt[rng.integers(P, size=P)].mean())
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(matrix.mean()), float(low), float(high), level, S * P)


def between_seeds_interval(
    matrix: ArrayLike, level: float = 0.95, groups: ArrayLike | None = None
) -> Interval:
    """:class:`Interval` of the mean of ``matrix`` (S, P) for other seeds and other prompts.

    S seeds (training runs) and P prompts, all seeds on the same prompts. Student's half-width over
    the seeds' means and that over the prompts' means, each with its own degrees of freedom, are
    added in squares, so that three seeds count as three. ``groups`` (P,) names what prompts have in
    common, such as their topic. ``benchmarks/interval_coverage.py`` measures how often it covers,
    beside :func:`seeds_and_prompts_interval`. ``n`` is S.
    """
    matrix = _seeds_by_prompts(matrix)
    check_level(level)
    S, P = matrix.shape
    seeds = _Units.of(matrix.mean(1), np.arange(S))
    prompts = _Units.of(matrix.mean(0), np.arange(P) if groups is None else groups)
    require(prompts.G >= 2, f"an interval needs at least 2 groups; got {prompts.G}.")
    tail = (1 + level) / 2
    halves = [t_quantile(tail, u.G - 1) * u.standard_error() for u in (seeds, prompts)]
    mean, half = float(matrix.mean()), math.hypot(*halves)
    return Interval(mean, mean - half, mean + half, level, S)


def agreement_interval(right: ArrayLike, prompts: Sequence[Any] | np.ndarray) -> Interval:
    """95 % :class:`Interval` of a share of comparisons, resampled over prompts.

    ``right`` (K,) holds 1, 0, or ½ for a tie, ``prompts`` (K,) the prompt of each, which may be a
    dialogue. Where resampling prompts would give an interval of no width (a single prompt, or all
    right or all wrong), it is Wilson's over pairs.
    """
    right = np.asarray(right, dtype=float)
    differ = 0 < right.mean() < 1
    several = len(set(map(repr, prompts))) > 1
    if differ and several:
        return grouped_interval(right, prompts)
    return wilson_interval(float(right.sum()), len(right))


# ---- the units of a mean -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Units:
    """Independent units of a mean: ``sums`` of their values and their ``sizes``, (G,) each."""

    sums: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, groups: ArrayLike) -> "_Units":
        given: Any = groups
        names = [repr(name) for name in given]  # anything may name a group, a dialogue too
        require(
            len(names) == len(values),
            f"groups must name a group for each of the {len(values)} values; got {len(names)}.",
        )
        # in the order they come in: a seed then draws the same units whatever they are called
        number = {name: k for k, name in enumerate(dict.fromkeys(names))}
        group_of = np.array([number[name] for name in names])
        return cls(np.bincount(group_of, values), np.bincount(group_of).astype(float))

    @property
    def G(self) -> int:
        """Number of units."""
        return len(self.sums)

    @property
    def mean(self) -> float:
        """The mean of all values."""
        return float(self.sums.sum() / self.sizes.sum())

    def standard_error(self) -> float:
        """The standard error of the mean between units."""
        return float(_standard_errors(self.sums[None], self.sizes[None])[0])

    def skewness(self) -> float:
        """The skewness of the units' deviations; 0 where they do not vary."""
        deviation = self.sums - self.mean * self.sizes
        spread = deviation.std()
        if spread <= 1e-12 * max(1.0, float(np.abs(self.sums).max())):
            return 0.0
        return float((deviation**3).mean() / spread**3)

    def means(self, rng: np.random.Generator, resamples: int) -> list[float]:
        """Means of units drawn again."""
        draws = []
        for _ in range(resamples):
            drawn = rng.integers(self.G, size=self.G)
            draws.append(self.sums[drawn].sum() / self.sizes[drawn].sum())
        return draws


def _standard_errors(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(B,) standard errors of the means of B sets of units, (B, G) each: by linearisation."""
    G = sums.shape[1]
    total = sizes.sum(1, keepdims=True)
    deviation = sums - sums.sum(1, keepdims=True) / total * sizes
    return np.sqrt((deviation**2).sum(1) * G / (G - 1)) / total[:, 0]


def _only(values: np.ndarray, allowed: Sequence[float]) -> bool:
    return bool(np.isin(values, allowed).all())


def _is_rare(units: _Units) -> bool:
    """Whether fewer than :data:`RARE` units have the outcome at all, or lack it at all."""
    return min((units.sums > 0).sum(), (units.sums < units.sizes).sum()) < RARE


# ---- the kinds ---------------------------------------------------------------------------------


def _share(units: _Units, level: float) -> Interval:
    """Clopper–Pearson's with as many trials as the spread between units is worth.

    For independent zeros and ones these are the units themselves. Source: Korn and Graubard (1998).
    """
    p, error = units.mean, units.standard_error()
    trials = float(units.G)
    if error > 0 and 0 < p < 1:
        trials = p * (1 - p) / error**2
        count = units.sizes.sum()
        if count > units.G:  # groups: fewer degrees of freedom than values
            tail = (1 + level) / 2
            trials *= (t_quantile(tail, count - 1) / t_quantile(tail, units.G - 1)) ** 2
        elif _only(units.sums, (0, 1)):
            trials = float(units.G)
    successes, tail = p * trials, (1 - level) / 2
    low = beta_quantile(tail, successes, trials - successes + 1) if p > 0 else 0.0
    high = beta_quantile(1 - tail, successes + 1, trials - successes) if p < 1 else 1.0
    return Interval(p, min(low, p), max(high, p), level, units.G)


def _of_two_values(ends: np.ndarray, units: "_Units", level: float) -> Interval:
    """For marks of two values, such as −1 and 1, or 0 and 100: a share between the two."""
    low, high = float(ends[0]), float(ends[1])
    sums = np.round((units.sums - low * units.sizes) / (high - low))  # (G,) how many are high
    share = _share(_Units(sums, units.sizes), level)
    scale = high - low
    return Interval(units.mean, low + scale * share.low, low + scale * share.high, level, units.G)


def _wider(one: Interval, other: Interval) -> Interval:
    """From the lower of two lows to the higher of two highs, for shares."""
    low, high = max(0.0, min(one.low, other.low)), min(1.0, max(one.high, other.high))
    return Interval(one.mean, low, high, one.level, one.n)


def _within(one: Interval, low: float, high: float) -> Interval:
    """The part of an interval that the mean of such values can have."""
    return Interval(one.mean, max(low, one.low), min(high, one.high), one.level, one.n)


def _difference_of_shares(values: np.ndarray, level: float) -> Interval:
    """For paired zeros and ones: half a pair is added to each kind. Source: Agresti, Min (2005)."""
    n = len(values)
    up, down = float((values > 0).sum()) + 0.5, float((values < 0).sum()) + 0.5
    centre = (up - down) / (n + 2)
    variance = ((up + down) - (up - down) ** 2 / (n + 2)) / (n + 2) ** 2
    half = t_quantile((1 + level) / 2, n) * math.sqrt(variance)
    mean = float(values.mean())
    return Interval(
        mean, max(-1.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)), level, n
    )


def _bootstrap_t(units: _Units, level: float, resamples: int, rng: np.random.Generator) -> Interval:
    """Resampled means in units of their own standard error. Source: Efron and Tibshirani (1993)."""
    error = units.standard_error()
    if error <= 1e-12 * max(1.0, abs(units.mean)):  # no spread, nothing to resample
        return Interval(units.mean, units.mean, units.mean, level, units.G)
    drawn = rng.integers(units.G, size=(resamples, units.G))  # (B, G)
    sums, sizes = units.sums[drawn], units.sizes[drawn]
    errors = _standard_errors(sums, sizes)  # (B,)
    # a set of nearly equal units has next to no error of its own, and would decide the interval
    errors = np.maximum(errors, error / LEAST_ERROR)
    means = sums.sum(1) / sizes.sum(1)
    t = (means - units.mean) / errors
    tail = (1 - level) / 2
    low, high = np.quantile(t, [tail, 1 - tail])
    # few units say little of the tails: at least as wide as Student's
    student = t_quantile(1 - tail, units.G - 1)
    return Interval(
        units.mean,
        float(units.mean - max(high, student) * error),
        float(units.mean - min(low, -student) * error),
        level,
        units.G,
    )
