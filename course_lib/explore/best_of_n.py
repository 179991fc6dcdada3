"""A slider over n: what is chosen, and what best-of-n gives over all prompts."""

import html

from .. import plots
from ..estimators import best_of_n_curve
from . import view
from .candidates import only


def best_of_n_slider(pool, by=None, gold="gold", rewards=None, n=4):
    """Move n and see which of the first n candidates is chosen, and what best-of-n gives over all prompts. Returns a :class:`View`.

    ``by``: the selecting reward shown first (by default the first of ``rewards``); ``rewards``: names of those that can be chosen (default: all of the
    pool's); ``gold``: the evaluating reward.
    """
    evaluating_reward, pool = pool.reward(gold), only(pool, rewards)
    by = by or next(iter(pool.rewards), None)
    pool.reward(by)  # must be there, without NaN
    sizes = [2**k for k in range(pool.N.bit_length()) if 2**k <= pool.N]
    n = n if n in sizes else sizes[-1]
    curves = {}

    def state(prompt, n, by):
        """What one setting shows: (HTML of the chosen reply, text, figure)."""
        if by not in curves:
            curves[by] = best_of_n_curve(pool.reward(by), evaluating_reward, sizes)
        selecting, evaluating = pool.reward(by)[prompt, :n], evaluating_reward[prompt, :n]
        best = int(selecting.argmax())
        above = int((evaluating > evaluating[best]).sum())
        facts = f"{by} {float(selecting[best]):.2f}, {gold} {float(evaluating[best]):.2f}; {above} of {n} candidates have a higher {gold}"
        text = f"Prompt: {pool.prompts[prompt]}\nBest of {n} by {by} is candidate {best} ({facts}):\n{pool.texts[prompt][best] or '(empty)'}"
        shown = (f"<p><b>{html.escape(pool.prompts[prompt])}</b></p><p>Best of {n} by {html.escape(by)} is candidate {best} ({html.escape(facts)}):</p>"
                 f"<blockquote>{html.escape(pool.texts[prompt][best]) or '(empty)'}</blockquote>")
        return shown, text, plots.best_of_n_at(n, sizes, curves[by], selecting.numpy(), float(selecting[best]), (by, gold))

    shown, text, figure = state(0, n, by)
    text += f"\n{figure.summary}"
    picture = view.picture(figure)
    w = view.widgets()
    if w is None:
        return view.View(None, text, shown + picture)
    slider = view.slider(w, w.SelectionSlider, options=sizes, value=n, description="n")
    prompt = view.slider(w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt")
    reward = view.buttons(w, options=list(pool.rewards), value=by, description="selecting by")
    reply, image, caption = w.HTML(shown), w.Image(value=figure.png(), format="png", width=800), w.HTML(f"<p>{html.escape(figure.summary)}</p>")

    def redraw(change=None):
        reply.value, _, drawn = state(prompt.value, slider.value, reward.value)
        image.value, caption.value = drawn.png(), f"<p>{html.escape(drawn.summary)}</p>"

    for control in (slider, prompt, reward):
        control.observe(redraw, names="value")
    return view.View(w.VBox([slider, prompt, reward, reply, image, caption]), text, shown + picture,
                n=slider, prompt=prompt, reward=reward, reply=reply, image=image, caption=caption)
