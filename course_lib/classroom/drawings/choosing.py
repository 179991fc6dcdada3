"""Lesson 04: how the reward model and what people want part."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ...base import require
from ...estimators import best_of_n_curve
from ..plots.figure import STYLE, Figure, done, new, powers_axis, ring
from .ink import KEPT, REWARD, TINT

SHOWN = "reward-500"  # of the stored pool
ROOM = 0.25  # of the picture's height: a gap that has room for words


def promised(proxy: ArrayLike, gold: ArrayLike, ns: Sequence[int]) -> np.ndarray:
    """(len(ns),) mean gold that the best of n by ``proxy`` would have, had it no favourites.

    ``proxy``, ``gold``: (P, N) rewards of the same candidates. The scores are put on gold's scale
    by one straight line: the slope of gold against proxy over all candidates, each minus the mean
    of its prompt, through the mean of a random reply. Raises where a prompt's scores never differ.
    """
    proxy, gold = (np.asarray(values, dtype=float) for values in (proxy, gold))
    require(
        proxy.ndim == 2 and proxy.shape == gold.shape,
        "proxy and gold must be the rewards (prompts, candidates) of the same replies; got shapes "
        f"{proxy.shape} and {gold.shape}.",
    )
    x, y = (values - values.mean(1, keepdims=True) for values in (proxy, gold))  # (P, N)
    require((x**2).sum() > 0, "the proxy gives all replies to a prompt the same score.")
    slope = (x * y).sum() / (x**2).sum()  # points of gold a point of the proxy
    return gold.mean() + slope * (best_of_n_curve(proxy, ns=ns).mean(0) - proxy.mean())


@rc_context(STYLE)
def parting(
    proxy: ArrayLike | None = None,
    gold: ArrayLike | None = None,
    ns: Sequence[int] | None = None,
    quiet: bool = False,
) -> Figure:
    """What a reward model promises of its best of n, and what its choice is worth: they part.

    ``proxy``, ``gold``: (P, N) rewards of the same candidates, by default those of reward-500 and
    of gold in the stored pool of held-out prompts; ``ns``: sizes, by default the powers of 2 up to
    N. Both curves are in points of gold (see :func:`promised`).
    """
    name = "The reward model"
    if proxy is None or gold is None:
        require(proxy is None and gold is None, "give both proxy and gold, or neither.")
        name, proxy, gold = SHOWN, *_stored()
    gold = np.asarray(gold, dtype=float)
    sizes = list(ns) if ns is not None else _powers(gold.shape[-1])
    promise = promised(proxy, gold, sizes)
    got = best_of_n_curve(proxy, gold, sizes).mean(0)
    peak = int(got.argmax())
    fig, (axis,) = new(height=3.7)
    _curves(axis, sizes, promise, got)
    _names(axis, sizes, promise, got, peak)
    turns = 0 < peak < len(sizes) - 1
    most = f", {got[peak]:.2f} at n = {sizes[peak]}, the most," if turns else ""
    gap = " The gap is what it likes and people do not." if turns else ""
    text = (
        f"The reward model and gold part: {name} promises {promise[0]:.2f} points at n = "
        f"{sizes[0]} and {promise[-1]:.2f} at n = {sizes[-1]}; what it chooses is worth "
        f"{got[0]:.2f} at first{most} and {got[-1]:.2f} in the end.{gap}"
    )
    return done(fig, text, quiet)


def _stored() -> tuple[np.ndarray, np.ndarray]:
    """(P, N) rewards of :data:`SHOWN` and of gold."""
    from ...experiments.findings.best_of_n import stored

    pool = stored()
    return np.asarray(pool.reward(SHOWN), float), np.asarray(pool.reward("gold"), float)


def _powers(most: int) -> list[int]:
    return [2**k for k in range(most.bit_length()) if 2**k <= most]


def _curves(axis: Axes, ns: Sequence[int], promise: np.ndarray, got: np.ndarray) -> None:
    axis.fill_between(
        ns, got, promise, where=promise >= got, color=REWARD, alpha=TINT + 0.05, linewidth=0
    )
    axis.plot(ns, promise, color=REWARD, linewidth=2.5, linestyle=(0, (5, 1.5)))
    axis.plot(ns, got, color=KEPT, linewidth=3)
    powers_axis(axis, ns, "n, candidates to choose from")
    axis.set_ylabel("reward of the chosen reply (points)")
    axis.grid(False, axis="x")
    low, high = min(got.min(), promise.min()), max(got.max(), promise.max())
    axis.set_ylim(low - 0.08 * (high - low), high + 0.14 * (high - low))
    axis.set_xlim(ns[0] * 0.9, ns[-1] * 1.1)


def _names(axis: Axes, ns: Sequence[int], promise: np.ndarray, got: np.ndarray, peak: int) -> None:
    """What the two curves are, the peak, and what lies between."""
    end, big = ns[-1], {"fontsize": 12, "fontweight": "bold"}
    near = {"textcoords": "offset points", "ha": "right"}
    axis.annotate(
        "the reward model promises", (end, promise[-1]), xytext=(0, 8), color=REWARD, **near, **big
    )
    axis.annotate("people get", (end, got[-1]), xytext=(0, -9), va="top", color=KEPT, **near, **big)
    if 0 < peak < len(ns) - 1:
        ring(axis, ns[peak], got[peak], KEPT, 12)
        axis.annotate(
            f"best at n = {ns[peak]}",
            (ns[peak], got[peak]),
            xytext=(0, -14),
            va="top",
            color=KEPT,
            fontsize=10.5,
            textcoords="offset points",
            ha="center",
        )
    k = round(0.78 * (len(ns) - 1))
    low, high = axis.get_ylim()
    if promise[k] - got[k] > ROOM * (high - low):
        axis.text(
            ns[k],
            (promise[k] + got[k]) / 2,
            "the reward model likes this\nand people do not",
            color=REWARD,
            fontsize=10.5,
            ha="center",
            va="center",
            linespacing=1.3,
        )
