"""What a pool says, and how sure we may be: best-of-n curves, pass@k, KL, win rates, intervals and tests.

All functions take lists, numpy arrays or tensors and work in float64. P prompts, N candidates a prompt, n ≤ N the size asked about.
Every result about best-of-n assumes the N candidates of a prompt are independent draws from one policy: not beams, not de-duplicated.
"""

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from .errors import CourseError, require


def _array(values, name, dims=None):
    """``values`` as a float64 array; refuses ragged lists, a wrong number of dimensions, and NaN."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    try:
        values = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise CourseError(f"{name} must be numbers in rows of equal length; got something else ({error}).") from error
    wanted = {None: "", 1: "(n,)", 2: "(P, N)"}
    require(dims is None or values.ndim == dims, f"{name} must have shape {wanted.get(dims)}; got {values.shape}." +
            (" For a single prompt give a list with one row." if dims == 2 else ""))
    missing = int(np.isnan(values).sum())
    require(missing == 0, f"{name} has {missing} NaN values (missing candidates?). Every prompt needs all its values: "
            "drop the prompts that lack some, or use a smaller pool that all prompts fill.")
    return values


def _pair(a, b, names, dims=None):
    a, b = _array(a, names[0], dims), _array(b, names[1], dims)
    require(a.shape == b.shape, f"{names[0]} and {names[1]} must have one shape; got {a.shape} and {b.shape}.")
    return a, b


# ---- best-of-n from a pool of N ---------------------------------------------------------------------------------------------


def best_of_n_weights(N, n):
    """(N,) weights C(i−1, n−1)/C(N, n), i = 1..N: the chance that the i-th lowest of N is the best of n drawn without replacement.

    They sum to 1; n = 1 weighs all equally, n = N only the highest. Computed in log space, so large N does not overflow.
    """
    (n,) = _sizes(n, N)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, N + 1)))])
    i = np.arange(n, N + 1)
    log_weights = (log_factorial[i - 1] - log_factorial[n - 1] - log_factorial[i - n]
                   - log_factorial[N] + log_factorial[n] + log_factorial[N - n])
    return np.concatenate([np.zeros(n - 1), np.exp(log_weights)])


def _sizes(ns, N):
    """The sizes asked about as a list, by default 1..N."""
    ns = list(range(1, N + 1)) if ns is None else np.atleast_1d(ns).tolist()
    bad = [n for n in ns if n != int(n) or not 1 <= n <= N]
    require(not bad, f"n must be a whole number between 1 and {N}, the pool's size; got {bad and bad[0]}. Sample a larger pool or lower n.")
    return [int(n) for n in ns]


def _curve(selecting, evaluating, ns, weights):
    """(P, len(ns)): evaluating reward in ascending order of the selecting one, averaged in tied blocks, times ``weights(N, n)``."""
    selecting, evaluating = _pair(selecting, selecting if evaluating is None else evaluating, ("selecting", "evaluating"), 2)
    require(np.isfinite(evaluating).all(), "the evaluating reward has infinite values; an average over them means nothing.")
    P, N = selecting.shape
    order = selecting.argsort(axis=1, kind="stable")
    low, value = np.take_along_axis(selecting, order, 1), np.take_along_axis(evaluating, order, 1)
    starts = np.ones((P, N), dtype=bool)
    starts[:, 1:] = low[:, 1:] != low[:, :-1]
    block = starts.ravel().cumsum() - 1  # one number for each run of equal selecting rewards within a prompt
    mean = np.bincount(block, weights=value.ravel()) / np.bincount(block)
    return mean[block].reshape(P, N) @ np.stack([weights(N, n) for n in _sizes(ns, N)], axis=1)


def best_of_n_curve(selecting, evaluating=None, ns=None):
    """(P, len(ns)) unbiased estimates of the expected ``evaluating`` reward of the best of n by ``selecting``.

    R̂_n = Σᵢ C(i−1, n−1)/C(N, n) · r_eval(Sᵢ), with S the N candidates sorted upwards by the selecting reward: the average over all
    subsets of n. Between candidates of equal selecting reward the choice is taken to be random (their evaluating rewards are averaged).

    ``selecting``, ``evaluating``: (P, N), the latter the same reward by default; ``ns``: sizes up to N, by default 1..N.
    Average over axis 0 for the curve, :func:`bootstrap_interval` over prompts for its interval. Estimates at different n share their
    samples, so they err together. Raises on NaN and on n > N. Source: WebGPT (2112.09332), appendix I.
    """
    return _curve(selecting, evaluating, ns, best_of_n_weights)


def bootstrap_best_of_n(selecting, evaluating=None, ns=None):
    """(P, len(ns)) naive: the mean best of n drawn **with** replacement. Biased low when selecting and evaluating agree.

    n draws with replacement hold fewer than n different candidates. This is the exact limit of infinitely many resamples: weights
    (i/N)ⁿ − ((i−1)/N)ⁿ. Shown to compare with :func:`best_of_n_curve`; do not report it.
    """
    return _curve(selecting, evaluating, ns, lambda N, n: np.diff((np.arange(N + 1) / N) ** n))


def prefix_best_of_n(selecting, evaluating=None, ns=None):
    """(P, len(ns)) naive: the best among the **first** n of the pool; ties go to the lowest index. Unbiased, but noisy: one subset for each n."""
    selecting, evaluating = _pair(selecting, selecting if evaluating is None else evaluating, ("selecting", "evaluating"), 2)
    P, N = selecting.shape
    return np.stack([evaluating[np.arange(P), selecting[:, :n].argmax(1)] for n in _sizes(ns, N)], axis=1)


def top_n_mean(selecting, evaluating=None, ns=None):
    """(P, len(ns)) **not** best-of-n: the mean of the n candidates highest by ``selecting``. It falls with n where best-of-n rises."""
    return _curve(selecting, evaluating, ns, lambda N, n: (np.arange(N) >= N - n) / n)


def pass_at_k(correct, ks=None):
    """(P, len(ks)) unbiased estimates of the chance that at least one of k samples is right: 1 − C(N−c, k)/C(N, k) with c of N right.

    ``correct``: (P, N) of 0 and 1 or booleans. The same as :func:`best_of_n_curve` of a 0/1 reward. Source: 2107.03374.
    """
    correct = _array(correct, "correct", 2)
    require(np.isin(correct, (0, 1)).all(), "correct must hold only 0 and 1 (or booleans); for a graded reward choose a threshold first.")
    return best_of_n_curve(correct, ns=ks)


def decidable(correct):
    """(P,) bool: prompts with some right and some wrong candidates, the only ones where selecting by a verifier can matter."""
    correct = _array(correct, "correct", 2) > 0
    return correct.any(1) & ~correct.all(1)


@lru_cache
def expected_max_normal(n):
    """Expected highest of n independent standard normal scores, by numerical integration (n = 2: 0.564, 16: 1.766)."""
    require(n >= 1, f"n must be 1 or more; got {n}.")
    step = 0.002
    x = np.arange(0, 14, step)
    upper_tail = np.array([math.erfc(v / math.sqrt(2)) / 2 for v in x])
    above, below = -np.expm1(n * np.log1p(-upper_tail)), upper_tail**n  # P(max > x) and P(max < −x)
    integrand = above - below  # E[max] = ∫₀^∞ P(max > x) − P(max < −x) dx, by the trapezoid rule
    return float((integrand.sum() - integrand[0] / 2) * step)


# ---- KL of best-of-n -----------------------------------------------------------------------------------------------------


def _levels(probabilities, rewards, ties):
    """Normalised π, each outcome's level, and per level its probability and F, the CDF of the reward rank."""
    p, r = _pair(probabilities, rewards, ("probabilities", "rewards"), 1)
    require(ties in ("proportional", "order"), f"ties must be 'proportional' or 'order'; got {ties!r}.")
    require((p >= 0).all() and abs(p.sum() - 1) < 1e-6, f"probabilities must be 0 or more and sum to 1; got a sum of {p.sum():.6g}.")
    p = p / p.sum()
    if ties == "order":
        level = np.empty(len(p), dtype=int)
        level[np.lexsort((-np.arange(len(p)), r))] = np.arange(len(p))
    else:
        level = np.unique(r, return_inverse=True)[1]
    mass = np.bincount(level, weights=p)
    return p, level, mass, np.minimum(mass.cumsum(), 1.0)


def best_of_n_distribution(probabilities, rewards, n, ties="proportional"):
    """(K,) probabilities of each of K outcomes under best-of-n: π_n = Fⁿ − F⁻ⁿ, F the CDF of the reward rank under π, F⁻ its left limit.

    ``ties``: among outcomes of equal reward, ``"proportional"`` shares by π, which is what argmax over candidates in random order does;
    ``"order"`` always prefers the outcome listed first.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    p, level, mass, F = _levels(probabilities, rewards, ties)
    with np.errstate(divide="ignore", invalid="ignore"):
        level_n = np.where(mass > 0, -(F**n) * np.expm1(n * np.log1p(-np.minimum(mass / F, 1.0))), 0.0)  # Fⁿ − (F − mass)ⁿ without cancellation
        return np.where(p > 0, p / mass[level] * level_n[level], 0.0)


def kl_best_of_n_exact(probabilities, rewards, n, ties="proportional"):
    """KL(π_n ‖ π) in nats, exactly, for a discrete π: ``probabilities`` and ``rewards`` are (K,). See :func:`best_of_n_distribution`.

    Two equally likely outcomes and n = 16 give 0.693 where :func:`kl_best_of_n_bound` says 1.835.
    """
    p = _array(probabilities, "probabilities", 1)
    p_n = best_of_n_distribution(p, rewards, n, ties)
    chosen = p_n > 0
    return float(np.sum(p_n[chosen] * np.log(p_n[chosen] / (p[chosen] / p.sum()))))


def kl_best_of_n_bound(n):
    """log n − (n−1)/n in nats: an **upper bound** on KL(π_n ‖ π), not its value; far above it when rewards tie or replies repeat.

    ``n``: a number or an array. Source: Beirami et al., 2401.01879.
    """
    n = _array(n, "n")
    require((n >= 1).all(), f"n must be 1 or more; got {n.min():g}.")
    bound = np.log(n) - (n - 1) / n
    return float(bound) if bound.ndim == 0 else bound


def kl_best_of_n_estimate(logprob_of_best, n):
    """Estimates of KL(π_n ‖ π) in nats, one for each best-of-n reply; average them over many replies to a prompt.

    With ε = π(y_best|x): (1−ε)ⁿ(log n + (n−1)log(1−ε) − (n−1)/n) + (1−(1−ε)ⁿ)·log((1−(1−ε)ⁿ)/ε). Source: Beirami et al., 2401.01879, §4.

    ``logprob_of_best``: log ε in nats, any shape; the result has that shape. It lies between 0 and :func:`kl_best_of_n_bound`, which it
    approaches as ε → 0: it helps only where the best reply is itself likely. Against the exact KL of random discrete distributions its
    mean was never below and at most 0.11 nats above. It assumes that different replies never tie in reward: with ties (a verifier), give
    the log-probability of the whole tied level instead of the one reply's, or it comes out far too high.
    """
    logprob = _array(logprob_of_best, "logprob_of_best")
    require(n >= 1, f"n must be 1 or more; got {n}.")
    require((logprob < 1e-3).all(), f"logprob_of_best is a log-probability in nats and cannot be above 0; got {logprob.max() if logprob.size else 0:.3g}.")
    logprob = np.clip(logprob, -600.0, 0.0)  # below that ε underflows, and the estimate equals the bound
    with np.errstate(divide="ignore", invalid="ignore"):
        log_none = n * np.log1p(-np.exp(logprob))  # log of the chance that none of n draws is this reply
        none, some = np.exp(log_none), -np.expm1(log_none)
        rest = np.where(none > 0, none * (math.log(n) + (n - 1) / n * (log_none - 1)), 0.0)
    estimate = rest + some * (np.log(some) - logprob)
    return float(estimate) if estimate.ndim == 0 else estimate


def kl_monte_carlo(logp, logq):
    """KL(π ‖ π_ref) in nats: the mean of log π(y) − log π_ref(y) over samples y **from π**. Unbiased; can be negative by chance.

    ``logp``, ``logq``: summed log-probabilities per sample under π and π_ref, of one shape. Not KL(π_ref ‖ π): that needs samples from π_ref.
    """
    logp, logq = _pair(logp, logq, ("logp", "logq"))
    return float(np.mean(logp - logq))


def kl_k3(logp, logq):
    """KL(π ‖ π_ref) in nats by k3: the mean of exp(d) − d − 1, d = log π_ref − log π, over samples from π. Never negative.

    Less noisy than :func:`kl_monte_carlo` when the two are close, much noisier (rare huge exp(d)) when far apart. Float64 and expm1 keep
    small d from cancelling.
    """
    logp, logq = _pair(logp, logq, ("logp", "logq"))
    return float(np.mean(np.expm1(logq - logp) - (logq - logp)))


# ---- win rates -----------------------------------------------------------------------------------------------------------


class WinRate(NamedTuple):
    """``rate``: chance to win, a tie counting half; ``ties``: share of ties. Floats, or (P,) arrays."""

    rate: float | np.ndarray
    ties: float | np.ndarray


def win_scores(a, b):
    """1 where ``a`` is higher than ``b``, ½ where equal, 0 where lower; the shape of the inputs. Its mean is the win rate."""
    a, b = _pair(a, b, ("a", "b"))
    return (a > b) + 0.5 * (a == b)


def win_rate(a, b):
    """:class:`WinRate` of ``a`` against ``b``, paired element by element. For an interval, bootstrap :func:`win_scores` over prompts."""
    scores = win_scores(a, b)
    require(scores.size > 0, "no pairs to compare: give at least one.")
    return WinRate(float(scores.mean()), float((scores == 0.5).mean()))


def win_rate_of_best(selecting, n):
    """:class:`WinRate` with (P,) arrays: unbiased chance that the best of n has a higher reward than **one fresh sample** from the same policy.

    ``selecting``: (P, N) with N ≥ n + 1. Exact average over all ways to draw n and one other from the N. Without ties it is n/(n+1) whatever
    the reward; ties pull it towards ½.
    """
    selecting = _array(selecting, "selecting", 2)
    P, N = selecting.shape
    require(1 <= n < N, f"n must be between 1 and {N - 1}, one less than the pool's size; got {n}: the opponent needs a sample of its own.")
    all_below = np.cumsum([0.0, *best_of_n_weights(N - 1, n)])  # C(m, n)/C(N−1, n) for m = 0..N−1
    ranked = np.sort(selecting, axis=1)
    lower = np.stack([row.searchsorted(row, "left") for row in ranked])  # how many of the others are strictly below
    not_higher = np.stack([row.searchsorted(row, "right") for row in ranked]) - 1
    loses, not_wins = all_below[lower], all_below[not_higher]
    ties = (not_wins - loses).mean(1)
    return WinRate(1 - loses.mean(1) - ties / 2, ties)


def win_rate_theory(n):
    """n/(n+1): the win rate of best-of-n against one sample when no two rewards tie. A number or an array."""
    n = _array(n, "n")
    require((n >= 1).all(), f"n must be 1 or more; got {n.min():g}.")
    return float(n / (n + 1)) if n.ndim == 0 else n / (n + 1)


# ---- intervals and tests ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """A mean with its interval from ``low`` to ``high`` at ``level`` (0.95), from ``n`` independent units. Prints as ``1.23 [1.10, 1.35]``."""

    mean: float
    low: float
    high: float
    level: float
    n: int

    def __format__(self, spec):
        spec = spec or ".2f"
        return f"{self.mean:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __str__(self):
        return format(self, "")

    @property
    def excludes_zero(self):
        """True when the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    def to_dict(self):
        """Plain numbers, for JSON."""
        return asdict(self)


def _check_level(level):
    require(0 < level < 1, f"level must be between 0 and 1, for example 0.95; got {level}.")


def _percentile(mean, draws, level, n):
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(mean), float(low), float(high), level, n)


def bootstrap_interval(values, level=0.95, resamples=2000, seed=0):
    """Percentile-bootstrap :class:`Interval` of the mean of ``values`` (P,), one value for each prompt.

    Average a prompt's candidates first: they share the prompt and are not independent units. With few prompts it is too narrow:
    for normal values 95 % covers about 88 % of the time with 10 prompts, 93 % with 30.
    """
    values = _array(values, "values", 1)
    _check_level(level)
    require(len(values) >= 2, f"an interval needs at least 2 prompts; got {len(values)}.")
    rng = np.random.default_rng(seed)
    draws = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(resamples)]
    return _percentile(values.mean(), draws, level, len(values))


def grouped_interval(values, groups, level=0.95, resamples=2000, seed=0):
    """:class:`Interval` of the mean of ``values`` (K,), resampling whole groups: ``groups`` (K,) says which prompt each value belongs to.

    For comparisons, of which a prompt has one or many: those of one prompt share its difficulty and are not independent units.
    """
    values = _array(values, "values", 1)
    _check_level(level)
    require(len(groups) == len(values), f"groups must name a group for each of the {len(values)} values; got {len(groups)}.")
    names, at = np.unique(np.asarray(groups), return_inverse=True)
    require(len(names) >= 2, f"an interval over groups needs at least 2 of them; got {len(names)}.")
    sums, sizes = np.bincount(at, values), np.bincount(at)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(names), size=len(names)) for _ in range(resamples))
    return _percentile(values.mean(), [sums[d].sum() / sizes[d].sum() for d in drawn], level, len(names))


def paired_difference(a, b, level=0.95, resamples=2000, seed=0):
    """:class:`Interval` of the mean of a − b over prompts, both (P,) and in the same order of prompts.

    Pairing takes out how hard each prompt is, so it is narrower than the two intervals apart suggest.
    """
    a, b = _pair(a, b, ("a", "b"), 1)
    return bootstrap_interval(a - b, level, resamples, seed)


def seeds_and_prompts_interval(matrix, level=0.95, resamples=2000, seed=0):
    """:class:`Interval` of the mean of ``matrix`` (S, P), resampling S seeds (training runs) and P prompts, both with replacement.

    All seeds answer the same prompts; for a comparison give the differences of the two methods. When the spread is all between seeds, a few of
    them give too narrow an interval: 95 % then covers about 73 % of the time with 3 seeds, 83 % with 5, 90 % with 10.
    """
    matrix = _array(matrix, "matrix", 2)
    _check_level(level)
    S, P = matrix.shape
    require(S >= 2 and P >= 2, f"matrix must be (seeds, prompts) with at least 2 of each; got {matrix.shape}.")
    rng = np.random.default_rng(seed)
    draws = [matrix[rng.integers(S, size=S)].mean(0)[rng.integers(P, size=P)].mean() for _ in range(resamples)]
    return _percentile(matrix.mean(), draws, level, S * P)


def wilson_interval(successes, n, level=0.95):
    """Wilson :class:`Interval` of a proportion: ``successes`` of ``n`` independent trials. Sound near 0 and 1, where ± 2 standard errors is not.

    ``mean`` is the plain proportion. Source: Wilson (1927).
    """
    _check_level(level)
    require(n >= 1 and 0 <= successes <= n, f"successes must be between 0 and n, and n at least 1; got {successes} of {n}.")
    z, p = NormalDist().inv_cdf((1 + level) / 2), successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(float(p), float(max(0.0, min(p, centre - half))), float(min(1.0, max(p, centre + half))), level, int(n))


def minimum_detectable_effect(values_or_sd, n=None, power=0.8, level=0.95):
    """The smallest true mean difference that ``n`` prompts would show, at ``level``, with probability ``power``: (z₁₋α/₂ + z_power)·sd/√n.

    ``values_or_sd``: per-prompt differences (n is then their number unless given), or their standard deviation. Normal approximation.
    """
    _check_level(level)
    require(0 < power < 1, f"power must be between 0 and 1, for example 0.8; got {power}.")
    values = _array(values_or_sd, "values_or_sd")
    if values.ndim:
        values = _array(values, "values_or_sd", 1)
        require(len(values) >= 2, f"a standard deviation needs at least 2 values; got {len(values)}.")
    n = len(values) if n is None and values.ndim else n
    require(n is not None and n >= 1, f"say how many prompts with n=..., 1 or more; got {n}.")
    sd = float(values.std(ddof=1)) if values.ndim else float(values)
    return (NormalDist().inv_cdf((1 + level) / 2) + NormalDist().inv_cdf(power)) * sd / math.sqrt(n)


def permutation_test(a, b, seed=0, resamples=9999):
    """Two-sided p-value that ``a`` and ``b`` (P,), paired by prompt, have the same mean: random sign flips of a − b.

    The observed signs count as one of the flips, so the smallest p is 1/(resamples + 1).
    """
    a, b = _pair(a, b, ("a", "b"), 1)
    difference = a - b
    require(len(difference) >= 1, "no pairs to compare: give at least one.")
    rng = np.random.default_rng(seed)
    observed, slack = abs(difference.sum()), 1e-9 * np.abs(difference).sum()  # equal sums may differ by rounding
    extreme = sum(abs(difference @ rng.choice((-1.0, 1.0), len(difference))) >= observed - slack for _ in range(resamples))
    return (1 + int(extreme)) / (1 + resamples)


# ---- over-optimisation -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OveroptimisationFit:
    """R(d) with its two coefficients; ``peak_d`` in √nats and ``peak_value`` are infinite when the curve never turns down."""

    form: str
    alpha: float
    beta: float
    peak_d: float
    peak_value: float
    r2: float

    def predict(self, d):
        """Fitted gain in gold reward at ``d`` = √KL; the shape of ``d``."""
        linear, bend = _shape_of(self.form, _array(d, "d"))
        return self.alpha * linear - self.beta * bend

    def to_dict(self):
        """Plain numbers, for JSON."""
        return asdict(self)


def _shape_of(form, d):
    return d, d * d if form == "best_of_n" else d * np.log(np.where(d > 0, d, 1.0))


def overoptimisation_fit(d, gold, form="best_of_n"):
    """Least-squares fit of Gao, Schulman and Hilton's laws (2210.10760): an :class:`OveroptimisationFit`.

    ``d``: (n,) √KL(π ‖ π_ref), KL in nats; ``gold``: (n,) gold reward **as the gain over d = 0** (over n = 1).
    ``form="best_of_n"``: d(α − βd), peak at α/2β of α²/4β; ``"rl"``: d(α − β log d), peak at exp(α/β − 1) of β·exp(α/β − 1).
    ``r2`` compares with the mean of ``gold``. Two coefficients fit many curves: look at the residuals before believing a peak beyond the data.
    """
    d, gold = _pair(d, gold, ("d", "gold"), 1)
    require(form in ("best_of_n", "rl"), f"form must be 'best_of_n' or 'rl'; got {form!r}.")
    require((d >= 0).all(), f"d is √KL and cannot be negative; got {d.min() if d.size else 0:.3g}.")
    require(len(np.unique(d[d > 0])) >= 2, "a fit of two coefficients needs at least two different d above 0.")
    linear, bend = _shape_of(form, d)
    (alpha, beta), *_ = np.linalg.lstsq(np.stack([linear, -bend], axis=1), gold, rcond=None)
    if beta <= 0:
        peak_d = peak_value = math.inf
    elif form == "best_of_n":
        peak_d = max(alpha, 0.0) / (2 * beta)
        peak_value = peak_d * (alpha - beta * peak_d)
    else:
        peak_d = math.exp(min(alpha / beta - 1, 700.0))
        peak_value = beta * peak_d
    residual, spread = gold - (alpha * linear - beta * bend), gold - gold.mean()
    r2 = 1 - residual @ residual / (spread @ spread) if spread.any() else math.nan
    return OveroptimisationFit(form, float(alpha), float(beta), float(peak_d), float(peak_value), float(r2))


# ---- diversity -----------------------------------------------------------------------------------------------------------


def _texts(texts):
    require(not isinstance(texts, str), "give a list of texts; got a single string.")
    return list(texts)


def distinct_n(texts, n=2):
    """distinct-n of a list of texts, in [0, 1]: different n-grams of words divided by all n-grams; 0 when there are none. Source: 1510.03055.

    It falls as texts are added, so compare lists of equal length only.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    grams = [tuple(words[i:i + n]) for words in map(str.split, _texts(texts)) for i in range(len(words) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


def distinct_fraction(texts):
    """Share of different texts among N, in (0, 1]: 1 when no two are equal, 1/N when all are. It falls as N grows: compare equal N only."""
    texts = _texts(texts)
    require(len(texts) > 0, "no texts: give at least one.")
    return len(set(texts)) / len(texts)
