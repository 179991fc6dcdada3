"""A slider over n: what is chosen, and what best-of-n gives over all prompts."""

import html

from ...base import require
from ...estimators import best_of_n_curve
from .. import plots
from . import view
from .candidates import only


def by_temperature(pools):
    """``pools`` as {temperature: pool}, from low to high; a single pool gets the key None.

    All must have the same prompts and N.
    """
    if not isinstance(pools, dict):
        return {None: pools}
    require(pools, "no pools: give at least one, as {temperature: pool}.")
    first = next(iter(pools.values()))
    odd = [t for t, pool in pools.items() if pool.prompts != first.prompts or pool.N != first.N]
    require(
        not odd,
        "the pools of all temperatures must have the same prompts and the same N; that of "
        f"{odd and odd[0]} has not.",
    )
    return dict(sorted(pools.items()))


def best_of_n_slider(pool, by=None, gold="gold", rewards=None, n=4, temperature=1.0):
    """Move n and see which of the first n candidates is chosen, and what best-of-n gives over all
    prompts. Returns a :class:`View`.

    ``pool``: a pool, or {temperature: pool} with the same prompts for a control of the temperature
    too, which starts at ``temperature``; ``by``: the selecting reward shown first (by default the
    first of ``rewards``); ``rewards``: names of those that can be chosen (default: all of the
    pool's); ``gold``: the evaluating reward.
    """
    pools = by_temperature(pool)
    judged = {t: p.reward(gold) for t, p in pools.items()}
    pools = {t: only(p, rewards) for t, p in pools.items()}
    start = temperature if temperature in pools else next(iter(pools))
    pool = pools[start]
    by = by or next(iter(pool.rewards), None)
    for each in pools.values():
        each.reward(by)  # must be there, without NaN
    sizes = [2**k for k in range(pool.N.bit_length()) if 2**k <= pool.N]
    n = n if n in sizes else sizes[-1]
    curves = {}

    def state(prompt, n, by, temperature):
        """What one setting shows: (HTML of the chosen reply, text, figure)."""
        pool = pools[temperature]
        if (by, temperature) not in curves:
            curves[by, temperature] = best_of_n_curve(pool.reward(by), judged[temperature], sizes)
        selecting, evaluating = pool.reward(by)[prompt, :n], judged[temperature][prompt, :n]
        best = int(selecting.argmax())
        above = int((evaluating > evaluating[best]).sum())
        sampled = "" if temperature is None else f", sampled at temperature {temperature:g},"
        facts = (
            f"{by} {float(selecting[best]):.2f}, {gold} {float(evaluating[best]):.2f}; "
            f"{above} of {n} candidates have a higher {gold}"
        )
        text = (
            f"Prompt: {pool.prompts[prompt]}\nBest of {n} by {by}{sampled} is candidate "
            f"{best} ({facts}):\n{pool.texts[prompt][best] or '(empty)'}"
        )
        shown = (
            f"<p><b>{html.escape(pool.prompts[prompt])}</b></p><p>Best of {n} by "
            f"{html.escape(by)}{sampled} is candidate {best} ({html.escape(facts)}):</p>"
            f"<blockquote>{html.escape(pool.texts[prompt][best]) or '(empty)'}</blockquote>"
        )
        return (
            shown,
            text,
            plots.best_of_n_at(
                n,
                sizes,
                curves[by, temperature],
                selecting.numpy(),
                float(selecting[best]),
                (by, gold),
            ),
        )

    shown, text, figure = state(0, n, by, start)
    text += f"\n{figure.summary}"
    picture = view.picture(figure)
    w = view.widgets()
    if w is None:
        return view.View(None, text, shown + picture)
    controls = {"n": view.slider(w, w.SelectionSlider, options=sizes, value=n, description="n")}
    if start is not None:
        controls["temperature"] = view.slider(
            w,
            w.SelectionSlider,
            options=[(f"{t:g}", t) for t in pools],
            value=start,
            description="temperature",
        )
    controls["prompt"] = view.slider(
        w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt"
    )
    controls["reward"] = view.buttons(
        w, options=list(pool.rewards), value=by, description="selecting by"
    )
    reply, image, caption = (
        w.HTML(shown),
        w.Image(value=figure.png(), format="png", width=800),
        w.HTML(f"<p>{html.escape(figure.summary)}</p>"),
    )

    def redraw(change=None):
        at = controls["temperature"].value if "temperature" in controls else None
        reply.value, _, drawn = state(
            controls["prompt"].value, controls["n"].value, controls["reward"].value, at
        )
        image.value, caption.value = drawn.png(), f"<p>{html.escape(drawn.summary)}</p>"

    for control in controls.values():
        control.observe(redraw, names="value")
    return view.View(
        w.VBox([*controls.values(), reply, image, caption]),
        text,
        shown + picture,
        **controls,
        reply=reply,
        image=image,
        caption=caption,
    )
