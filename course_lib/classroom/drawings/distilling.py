"""Lesson 05: rejection-sampling fine-tuning distils best-of-n, and served colder it passes it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ... import results
from ...base import require
from ...estimators import best_of_n_distribution
from ..plots.figure import STYLE, Figure, done
from .ink import INK, KEPT, POLICY, SMALL, arrow, dot, faded, rule, sheet, width_of, words

# six replies to one question, from the worst to the best; the second is the bland letter
PROBABILITIES = (0.16, 0.42, 0.18, 0.11, 0.08, 0.05)
LARGER = 11  # points, of formulas: their small letters are still read
GOLD = (0, 3)  # points at the ends of the right panel
SPACE = 5  # units: a blank in a formula
STEPS = 6  # of gradient descent on the logits, of length 1
BASE, TUNED, BEST, COLD = "base policy", "fine-tuned", "best of n", "fine-tuned, colder"
TOP, ROW, TALL = 66, 82, 56  # units: first row, from one to the next, height of the tallest bar
TOY, DESK = (206, 408), (470, 672)  # units: left and right ends of the two panels
COLOUR = {BASE: INK, TUNED: POLICY, BEST: KEPT, COLD: POLICY}


def towards_best_of_n(
    probabilities: ArrayLike,
    rewards: ArrayLike,
    n: int,
    steps: int = STEPS,
    temperature: float = 0.3,
) -> dict[str, np.ndarray]:
    """Four distributions over K replies: name → (K,) probabilities.

    ``probabilities``, ``rewards``: (K,) of the base policy π. Best of n is π_n, exactly; the
    fine-tuned policy has made ``steps`` steps of gradient descent from π on KL(π_n ‖ π_θ), whose
    gradient with respect to the logits is π_θ − π_n; colder it is served at ``temperature``.
    """
    require(temperature > 0, f"temperature must be above 0; got {temperature}.")
    p = np.asarray(probabilities, dtype=float)
    target = best_of_n_distribution(p, rewards, n)
    require((p > 0).all(), "every reply needs a probability above 0.")
    logits = np.log(p)
    for _ in range(steps):
        logits = logits - (_softmax(logits) - target)
    return {
        BASE: p / p.sum(),
        TUNED: _softmax(logits),
        BEST: target,
        COLD: _softmax(logits / temperature),
    }


def _softmax(logits: np.ndarray) -> np.ndarray:
    exps = np.exp(logits - logits.max())
    return exps / exps.sum()


@rc_context(STYLE)
def distillation(
    probabilities: Sequence[float] = PROBABILITIES,
    temperature: float = 0.3,
    quiet: bool = False,
) -> Figure:
    """Base policy, fine-tuned policy, its teacher best-of-n, and the fine-tuned policy colder.

    Left: replies to one question from the worst to the best, with these ``probabilities`` under the
    base policy, best-of-n exact and the fine-tuned policy on its way to it; ``temperature``: of the
    last row. Right: gold as ``benchmarks/distilled.py`` measured it on the help desk, n as there.
    """
    found = results.load("distilled")
    n, rewards = found["size"]["n"], np.arange(len(probabilities), dtype=float)
    rows = towards_best_of_n(probabilities, rewards, n, temperature=temperature)
    means = {name: float(values @ rewards) for name, values in rows.items()}
    gold = measured(found)
    most = max(values.max() for values in rows.values())
    fig, axis = sheet(TOP + ROW * 4 + 4)
    _heads(axis, n, gold[BEST], means[BEST], rewards)
    for k, (name, values) in enumerate(rows.items()):
        floor = TOP + ROW * k + TALL
        _name(axis, name, n, floor)
        _bars(axis, floor, values / most, COLOUR[name], name == COLD)
        _mean(axis, _across(TOY, means[name], 0, rewards[-1]), floor + 9, COLOUR[name])
        if name == BASE:
            faded(axis, _across(TOY, means[name], 0, rewards[-1]) + 9, floor + 10, "mean")
        _dot(axis, gold[name], floor, COLOUR[name], gold[name]["mean"] < gold[BEST]["mean"])
    _pulls(axis)
    text = (
        f"Fine-tuning on the best of {n} distils best-of-{n}: training pulls the policy towards it "
        f"by lowering KL(π_N ‖ π_θ). Mean reward of {len(rewards)} replies, left: "
        f"{_listed(means)}. Gold on the help desk, right, chosen by {found['reward']}: "
        f"{_listed({name: value['mean'] for name, value in gold.items()})}; the base "
        f"policy at its best temperature {found['rows'][0]['gold_at_best']['mean']:.1f}."
    )
    return done(fig, text.replace(BEST, f"best of {n}"), quiet)


def measured(found: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """Gold of the four rows, as stored intervals, from the results of ``benchmarks/distilled.py``.

    The fine-tuned policy is that of the epochs compared there, colder at its best temperature.
    """
    by_epochs = {row["epochs"]: row for row in found["rows"]}
    tuned = by_epochs[found["epochs_compared"]]
    return {
        BASE: by_epochs[0]["gold"],
        TUNED: tuned["gold"],
        BEST: found["best_of_n"],
        COLD: tuned["gold_at_best"],
    }


def _listed(means: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in means.items())


def _across(panel: tuple[float, float], value: float, low: float, high: float) -> float:
    return panel[0] + (value - low) / (high - low) * (panel[1] - panel[0])


def _heads(axis: Axes, n: int, best: Mapping[str, float], mean: float, rewards: np.ndarray) -> None:
    """What the panels are, and the line of best-of-n through all rows."""
    words(
        axis, sum(TOY) / 2, 18, f"{len(rewards)} replies, worst to best", bold=True, align="center"
    )
    words(axis, sum(DESK) / 2, 18, "help desk, measured gold", bold=True, align="center")
    bottom = TOP + ROW * 3 + TALL + 16
    for x in (_across(TOY, mean, 0, rewards[-1]), _across(DESK, best["mean"], *GOLD)):
        rule(axis, (x, 50), (x, bottom), KEPT, 1.3, dashes=True)
        words(axis, x, 40, f"best of {n}", KEPT, align="center")


def _name(axis: Axes, name: str, n: int, floor: float) -> None:
    symbol = {BASE: "π", TUNED: "π_θ", BEST: "π_N, the teacher", COLD: "one reply"}[name]
    shown = name.replace(BEST, f"best of {n}")
    words(axis, 14, floor - 34, shown, COLOUR[name], 11.5, bold=True)
    _formula(axis, 14, floor - 14, symbol, INK)


def _formula(axis: Axes, x: float, y: float, text: str, colour: str) -> None:
    """Words in which a letter behind "_" stands lower."""
    for k, part in enumerate(re.split(r"_(.)", text)):
        lower, size = (5, SMALL) if k % 2 else (0, LARGER)
        x += SPACE * part.startswith(" ")
        words(axis, x, y + lower, part.strip(), colour, size)
        x += width_of(part.strip(), size) + SPACE * part.endswith(" ")


def _bars(axis: Axes, floor: float, values: np.ndarray, colour: str, solid: bool) -> None:
    """A bar for each reply, as tall as it is probable; the tallest of all rows is 1."""
    step = (TOY[1] - TOY[0]) / (len(values) - 1)
    for k, value in enumerate(values):
        axis.bar(
            TOY[0] + k * step,
            -TALL * value,
            0.72 * step,
            floor,
            color=colour,
            alpha=0.9 if solid else 0.6,
            linewidth=0,
        )
    rule(axis, (TOY[0] - step / 2, floor), (TOY[1] + step / 2, floor), INK, 1.0)


def _mean(axis: Axes, x: float, y: float, colour: str) -> None:
    axis.plot(x, y, "^", color=colour, markersize=7)


def _dot(axis: Axes, value: Mapping[str, float], floor: float, colour: str, left: bool) -> None:
    """Gold with its interval, and its number on one side."""
    y = floor - 18
    rule(axis, (DESK[0] - 12, y), (DESK[1] + 12, y), INK, 0.3)
    low, middle, high = (_across(DESK, value[key], *GOLD) for key in ("low", "mean", "high"))
    rule(axis, (low, y), (high, y), colour, 2)
    dot(axis, middle, y, colour, 6)
    align, away = ("right", -4) if left else ("left", 4)
    words(axis, middle + away, y - 17, f"{value['mean']:.1f}", colour, 12, True, align)


def _pulls(axis: Axes) -> None:
    """From the fine-tuned policy to its teacher: what the loss does."""
    y = TOP + ROW + TALL
    arrow(axis, (22, y + 4), (22, y + ROW - 50), KEPT)
    _formula(axis, 32, y + 14, "KL(π_N ‖ π_θ) pulls", KEPT)
