"""How often a 95 % interval holds the true mean, by the kind of value and the number of units.

    python benchmarks/interval_coverage.py [--quick] [--json]

Each row draws many samples of a known mean and counts. "percentile" is the percentile bootstrap of
the means, which is what many papers use; "ours" is ``bootstrap_interval``.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np

from course_lib.estimators import (
    between_seeds_interval,
    bootstrap_interval,
    seeds_and_prompts_interval,
)

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray | None]]


def binary(p: float, n: int) -> Draw:
    return lambda rng: ((rng.random(n) < p).astype(float), None)


def marks(p: float, n: int) -> Draw:
    """Verdicts written as 1 and −1."""
    return lambda rng: (np.where(rng.random(n) < p, 1.0, -1.0), None)


def difference(p: float, q: float, n: int) -> Draw:
    """Differences of two rare outcomes of the same prompts."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        kind = rng.random(n)
        return (kind < p).astype(float) - ((kind >= p) & (kind < p + q)), None

    return draw


def shares(p: float, n: int, candidates: int) -> Draw:
    """Each prompt's share of right candidates; prompts differ in how hard they are."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        hard = rng.beta(p * 0.5, (1 - p) * 0.5, n)
        return rng.binomial(candidates, hard) / candidates, None

    return draw


def clustered(topics: int, prompts: int, share: float) -> Draw:
    """Normal values of prompts in topics; ``share`` of their variance is the topic's."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        topic = np.repeat(np.arange(topics), prompts)
        of_topic = rng.normal(size=topics)[topic] * np.sqrt(share)
        return of_topic + rng.normal(size=len(topic)) * np.sqrt(1 - share), topic

    return draw


def plain(name: str, n: int) -> Draw:
    draws = {
        "uniform": lambda rng: rng.uniform(0.3, 0.7, n),
        "normal": lambda rng: rng.normal(size=n),
        "exponential": lambda rng: rng.exponential(size=n),
        "lognormal": lambda rng: np.exp(rng.normal(size=n)),
    }
    return lambda rng: (draws[name](rng), None)


def of_seeds(seeds: int, share: float, topics: int = 24, prompts: int = 4) -> Draw:
    """Runs on the same prompts: (S, P) values and the prompts' topics.

    ``share`` of the variance of the mean is between seeds; the rest is the topics'.
    """

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        topic = np.repeat(np.arange(topics), prompts)
        of_seed = rng.normal(size=(seeds, 1)) * np.sqrt(share * seeds)
        of_topic = rng.normal(size=topics)[topic] * np.sqrt((1 - share) * topics)
        return of_seed + of_topic + rng.normal(size=(seeds, len(topic))), topic

    return draw


SEEDS: dict[str, tuple[float, Draw]] = {
    f"{seeds} seeds, {share:.0%} between them": (0.0, of_seeds(seeds, share))
    for seeds in (3, 5, 10)
    for share in (0.1, 0.5, 0.9)
}
CASES: dict[str, tuple[float, Draw]] = {
    **{f"binary .01, P = {n}": (0.01, binary(0.01, n)) for n in (20, 100, 400)},
    **{f"binary .3, P = {n}": (0.3, binary(0.3, n)) for n in (10, 50)},
    **{f"difference .02 − .01, P = {n}": (0.01, difference(0.02, 0.01, n)) for n in (20, 100)},
    **{f"share .02 of 8, P = {n}": (0.02, shares(0.02, n, 8)) for n in (20, 100)},
    **{f"marks −1 and 1, .9, P = {n}": (0.8, marks(0.9, n)) for n in (20, 50)},
    **{f"uniform shares, P = {n}": (0.5, plain("uniform", n)) for n in (2, 3, 8)},
    **{f"normal, P = {n}": (0.0, plain("normal", n)) for n in (5, 10, 30)},
    **{f"exponential, P = {n}": (1.0, plain("exponential", n)) for n in (10, 30, 100)},
    **{f"lognormal, P = {n}": (np.exp(0.5), plain("lognormal", n)) for n in (20, 50, 100)},
    **{
        f"{topics} topics × 8, {share:.0%} between": (0.0, clustered(topics, 8, share))
        for topics, share in ((5, 0.3), (16, 0.1), (16, 0.5))
    },
}


def percentile(values: np.ndarray, rng: np.random.Generator, resamples: int) -> tuple[float, float]:
    """The percentile bootstrap over single values, whatever they have in common."""
    drawn = rng.integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    return float(low), float(high)


def coverage(mean: float, draw: Draw, trials: int, resamples: int, seed: int = 0) -> dict[str, Any]:
    """Shares of ``trials`` samples whose interval holds ``mean``, and median widths."""
    rng = np.random.default_rng(seed)
    held = {"ours": 0, "percentile": 0}
    widths: dict[str, list[float]] = {"ours": [], "percentile": []}
    for trial in range(trials):
        values, groups = draw(rng)
        own = bootstrap_interval(values, resamples=resamples, seed=trial, groups=groups)
        ends = {"ours": (own.low, own.high), "percentile": percentile(values, rng, resamples)}
        for name, (low, high) in ends.items():
            held[name] += low - 1e-12 <= mean <= high + 1e-12
            widths[name].append(high - low)
    return {
        "trials": trials,
        **{name: held[name] / trials for name in held},
        **{f"{name}_width": float(np.median(widths[name])) for name in widths},
    }


def seed_coverage(mean: float, draw: Draw, trials: int, resamples: int) -> dict[str, Any]:
    """As :func:`coverage`, for seeds × prompts: "percentile" resamples seeds and prompts."""
    rng = np.random.default_rng(0)
    held = {"ours": 0, "percentile": 0}
    widths: dict[str, list[float]] = {"ours": [], "percentile": []}
    for trial in range(trials):
        matrix, topics = draw(rng)
        found = {
            "ours": between_seeds_interval(matrix, groups=topics),
            "percentile": seeds_and_prompts_interval(matrix, resamples=resamples, seed=trial),
        }
        for name, interval in found.items():
            held[name] += interval.low <= mean <= interval.high
            widths[name].append(interval.high - interval.low)
    return {
        "trials": trials,
        **{name: held[name] / trials for name in held},
        **{f"{name}_width": float(np.median(widths[name])) for name in widths},
    }


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--out", type=Path, help="write JSON there")
    options = parser.parse_args()
    trials, resamples = (200, 300) if options.quick else (2000, 1000)
    found = {name: coverage(*case, trials, resamples) for name, case in CASES.items()}
    for name, case in SEEDS.items():
        found[name] = seed_coverage(*case, trials, resamples)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    print(f"{'95 % intervals':34}   ours   (width)   percentile   (width)   {trials} samples each")
    for name, row in found.items():
        print(
            f"{name:34}   {row['ours']:.3f}  ({row['ours_width']:.3f})     "
            f"{row['percentile']:.3f}     ({row['percentile_width']:.3f})"
        )


if __name__ == "__main__":
    main()
