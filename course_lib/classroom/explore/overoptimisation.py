"""An over-optimisation explorer.

For each reward model and each n, proxy and gold over all prompts, and the reply chosen for one of
them.
"""

import html

import numpy as np

from ...base import require
from ...estimators import best_of_n_curve, kl_best_of_n_bound, overoptimisation_fit
from .. import plots
from . import view
from .candidates import only


def overoptimisation_explorer(pool, rewards, gold="gold", by=None, n=None):
    """Choose a reward model, n and a prompt: proxy and gold against √KL with the fit d(α − βd), and
    the reply chosen there. Returns a :class:`View`.

    ``rewards``: names of those that may choose; ``gold``: the one that judges; ``by`` and ``n``:
    shown first (default: the first of ``rewards``, the pool's size).
    """
    rewards = list(rewards)
    require(rewards, "give the names of the rewards to choose by.")
    require(
        gold not in rewards,
        f"the reward that judges must not be one that chooses; {gold!r} does both.",
    )
    judged, pool = pool.reward(gold), only(pool, rewards)
    by = by or rewards[0]
    pool.reward(by)
    sizes = [2**k for k in range(pool.N.bit_length()) if 2**k <= pool.N]
    require(
        len(sizes) >= 3, f"the fit needs at least 4 candidates a prompt; this pool has {pool.N}."
    )
    n = n if n in sizes else sizes[-1]
    d, known = np.sqrt(kl_best_of_n_bound(sizes)), {}

    def curves(by):
        if by not in known:
            proxy, value = (
                best_of_n_curve(pool.reward(by), ns=sizes),
                best_of_n_curve(pool.reward(by), judged, sizes),
            )
            known[by] = proxy, value, overoptimisation_fit(d, value.mean(0) - value.mean(0)[0])
        return known[by]

    def state(prompt, n, by):
        """(lines of text, the chosen reply, figure) of one setting."""
        proxy, value, fit = curves(by)
        scores, worth = pool.reward(by)[prompt, :n], judged[prompt, :n]
        best = int(scores.argmax())
        drawn = plots.overoptimisation_at(n, sizes, proxy, value, fit, (by, gold))
        lines = [
            drawn.summary,
            f"Prompt: {pool.prompts[prompt]}",
            f"Of the first {n} candidates {by} chooses number {best}: {by} "
            f"{float(scores[best]):.2f}, {gold} {float(worth[best]):.2f} (highest {gold} there "
            f"was: {float(worth.max()):.2f}):",
        ]
        return lines, pool.texts[prompt][best] or "(empty)", drawn

    def page(lines, reply):
        return (
            "".join(f"<p>{html.escape(line)}</p>" for line in lines)
            + f"<blockquote>{html.escape(reply)}</blockquote>"
        )

    lines, reply, figure = state(0, n, by)
    text, shown = "\n".join([*lines, reply]), page(lines, reply)
    w = view.widgets()
    if w is None:
        return view.View(None, text, shown + view.picture(figure))
    which = view.buttons(w, options=rewards, value=by, description="selecting by")
    size = view.slider(w, w.SelectionSlider, options=sizes, value=n, description="n")
    prompt = view.slider(w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt")
    words, image = w.HTML(shown), w.Image(value=figure.png(), format="png", width=800)

    def redraw(change=None):
        found, text, drawn = state(prompt.value, size.value, which.value)
        words.value, image.value = page(found, text), drawn.png()

    for control in (which, size, prompt):
        control.observe(redraw, names="value")
    return view.View(
        w.VBox([which, size, prompt, image, words]),
        text,
        shown + view.picture(figure),
        reward=which,
        n=size,
        prompt=prompt,
        words=words,
        image=image,
    )
