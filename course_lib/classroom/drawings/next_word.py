"""Softmax: the probabilities of the next word at several temperatures, side by side."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ... import assets
from ...base import require
from ...models import load_policy
from ..plots.figure import STYLE, Figure, done
from . import ink
from .stored import question

MOST = 6  # words that have a bar of their own
OTHERS = "all others"
TOP, ROW = 62, 27  # units: the middle of the first bar, from one to the next
NAMES = 104  # units: where the words end


@rc_context(STYLE)
def softmax(
    words: Sequence[str] | None = None,
    logits: ArrayLike | None = None,
    temperatures: Sequence[float] = (1, 0.5, 0.1),
    quiet: bool = False,
) -> Figure:
    """The same next-word bars at each temperature, the likeliest word marked.

    ``words`` and ``logits`` (V,) of the whole vocabulary; the six likeliest words have a bar each,
    the others share one. Without them, the first word of the help desk's reply to a question.
    """
    require((words is None) == (logits is None), "give words and logits together, or neither.")
    require(
        0 < len(temperatures) <= 4 and all(T > 0 for T in temperatures),
        f"one to four temperatures above 0 can stand side by side; got {temperatures}.",
    )
    if words is None:
        words, logits = first_words()
    scores = np.asarray(logits, dtype=float)
    require(
        scores.shape == (len(words),) and len(words) > 1 and np.isfinite(scores).all(),
        f"{len(words)} words need a finite logit each, and at least two; got {scores.shape}.",
    )
    names, bars = next_words(words, scores, temperatures)
    fig, axis = ink.sheet(TOP + ROW * len(names))
    wide = (ink.WIDE - NAMES - 10) / len(temperatures)
    for k, name in enumerate(names):
        bold, colour = (True, ink.POLICY) if k == 0 else (False, ink.INK)
        ink.words(axis, NAMES, TOP + ROW * k, name, colour, 10, bold, "right")
    for k, (temperature, shares) in enumerate(zip(temperatures, bars, strict=True)):
        _panel(axis, NAMES + 12 + wide * k, wide, f"T = {temperature:g}", shares)
    shown = [
        f"{ink.percent(shares[0])} at T = {temperature:g}"
        for temperature, shares in zip(temperatures, bars, strict=True)
    ]
    text = (
        f"The next word at {len(temperatures)} temperatures: the likeliest, “{names[0]}”, has "
        f"{', '.join(shown)}; the lower the temperature, the more of the probability it takes."
    )
    return done(fig, text, quiet)


def first_words(begun: str = "") -> tuple[list[str], np.ndarray]:
    """All words of the help desk's policy and their logits (V,) after the reply has ``begun``."""
    policy = load_policy(assets.path("helpdesk/policy"))
    read = policy.render([question().asked])[0] + begun
    tokens = policy.tokenizer([read], return_tensors="pt").input_ids  # (1, L)
    with torch.inference_mode():
        logits = policy.model(tokens).logits[0, -1].numpy()  # (V,)
    words = [policy.tokenizer.decode([k]).strip() for k in range(len(logits))]
    return words, logits


def next_words(
    words: Sequence[str], logits: np.ndarray, temperatures: Sequence[float]
) -> tuple[list[str], np.ndarray]:
    """The likeliest words and (T, len(names)) probabilities, those of all others in the last."""
    scaled = np.stack([(logits - logits.max()) / T for T in temperatures])  # (T, V)
    shares = np.exp(scaled)
    shares /= shares.sum(1, keepdims=True)
    order = np.argsort(-logits, kind="stable")
    names = [words[k] for k in order[:MOST]]
    bars = shares[:, order[:MOST]]
    if len(words) <= MOST:
        return names, bars
    return [*names, OTHERS], np.column_stack([bars, shares[:, order[MOST:]].sum(1)])


def _panel(axis: Axes, x: float, wide: float, title: str, shares: np.ndarray) -> None:
    """The bars of one temperature, with the percentage at the end of each."""
    longest = wide - 62
    ink.words(axis, x, TOP - 36, title, size=12, bold=True)
    ink.rule(axis, (x, TOP - 16), (x, TOP + ROW * len(shares) - 12), line=1)
    for k, share in enumerate(shares):
        colour = ink.INK if k else ink.POLICY
        y = TOP + ROW * k
        ink.bar(axis, x, y - 9, longest * share, 18, colour, 0.55 if k else 0.9)
        if share >= 0.005:
            ink.words(axis, x + longest * share + 6, y, ink.percent(share), colour, bold=not k)
