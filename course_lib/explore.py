"""Pictures to touch: a browser of candidates and a best-of-n slider.

Only core ipywidgets, so that the same code runs on versions 7.7 and 8, in JupyterLab, notebooks and Colab. Every control is
reached with Tab: sliders move with the left and right arrow, buttons are pressed with Enter. (No drop-down menus: JupyterLab takes
their arrow keys for itself and moves to the next cell.) Each explorer carries a static stand-in (the same table, a picture, a text), shown
wherever widgets cannot run: on GitHub, in a saved notebook, in a terminal.
"""

import base64
import html
import sys
from dataclasses import replace

import numpy as np

from . import plots
from .errors import require
from .estimators import best_of_n_curve
from .pool import FINISH

WIDGET = "application/vnd.jupyter.widget-view+json"
PAGE = 8  # candidates on one page of the browser


class View:
    """A widget with its static stand-in. Shown as the last line of a cell; ``controls`` are its widgets by name."""

    def __init__(self, widget, text, picture_html=None, **controls):
        self.widget, self.text, self.html, self.controls = widget, text, picture_html, controls

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": self.text}
        if self.widget is not None:
            bundle[WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        if self.html and not (self.widget is not None and "google.colab" in sys.modules):  # Colab would show both
            bundle["text/html"] = self.html
        return bundle


def widgets():
    """The ipywidgets module, or None where it is not installed: explorers then show their stand-in."""
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets


def _slider(w, kind, **settings):
    """A slider as wide as the page, with room for its label; it reports when it is let go."""
    return kind(layout=w.Layout(width="95%"), style={"description_width": "110px"}, continuous_update=False, **settings)


def _buttons(w, **settings):
    """One button for each option."""
    return w.ToggleButtons(style={"description_width": "110px", "button_width": "auto"}, **settings)


# ---- candidates ---------------------------------------------------------------------------------------------------------


def ranking(pool, prompt, by=None, highest_first=True):
    """Candidate indices of one prompt: as sampled (``by`` None) or by a reward, ties by index; missing candidates left out."""
    here = np.flatnonzero(pool.present[prompt].numpy())
    if by is None:
        return here.tolist()
    values = pool.reward(by)[prompt].numpy()[here]
    return here[np.argsort(-values if highest_first else values, kind="stable")].tolist()


def candidate_table(pool, prompt, candidates, verdicts=None):
    """An HTML table of some candidates of one prompt: number, verdict, how it ended, tokens, rewards by name, text."""
    heads = ["#", *(["verdict"] if verdicts is not None else []), "ended by", "tokens", *pool.rewards, "reply"]
    rows, lengths = [], pool.lengths[prompt]
    for j in candidates:
        cells = [str(j), *([str(verdicts[prompt][j])] if verdicts is not None else []), FINISH[int(pool.finish[prompt, j])], str(int(lengths[j])),
                 *(f"{float(r[prompt, j]):.2f}" for r in pool.rewards.values())]
        text = html.escape(pool.texts[prompt][j]) or "<em>(empty)</em>"
        rows.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + f'<td style="text-align:left">{text}</td></tr>')
    head = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
    return (f'<table><caption style="text-align:left">Prompt {prompt}: <b>{html.escape(pool.prompts[prompt])}</b></caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>")


def candidate_text(pool, prompt, candidates, verdicts=None):
    """The same table as plain text."""
    lines = [f"Prompt {prompt}: {pool.prompts[prompt]}"]
    for j in candidates:
        rewards = "  ".join(f"{name} {float(r[prompt, j]):.2f}" for name, r in pool.rewards.items())
        verdict = f"  {verdicts[prompt][j]}" if verdicts is not None else ""
        lines.append(f"  #{j}{verdict}  {rewards}  [{FINISH[int(pool.finish[prompt, j])]}]  {pool.texts[prompt][j] or '(empty)'}")
    return "\n".join(lines)


def _only(pool, names):
    """``pool`` with the rewards called ``names``, in that order; all of them by default."""
    return pool if names is None else replace(pool, rewards={name: pool.reward(name) for name in names})


def candidate_browser(pool, rewards=None, verdicts=None):
    """Look through a pool: choose a prompt, an order and a page. Returns a :class:`View`.

    ``rewards``: names of those to show (default: all). ``verdicts``: P lists of N short texts, such as "right", "wrong", "no answer found", shown beside each candidate.
    """
    require(pool.P and pool.N, "the pool is empty: there is nothing to browse.")
    pool = _only(pool, rewards)
    require(verdicts is None or (len(verdicts) == pool.P and all(len(row) == pool.N for row in verdicts)), f"verdicts must be {pool.P} lists of {pool.N} texts.")
    first = ranking(pool, 0)[:PAGE]
    stand_in = candidate_text(pool, 0, first, verdicts), candidate_table(pool, 0, first, verdicts)
    w = widgets()
    if w is None:
        return View(None, *stand_in)
    orders = [("as sampled", (None, True))] + [(f"{name}, {word} first", (name, word == "highest")) for name in pool.rewards for word in ("highest", "lowest")]
    prompt = _slider(w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt")
    order = _buttons(w, options=orders, value=orders[0][1], description="order")
    page = _slider(w, w.IntSlider, value=1, min=1, max=max(1, -(-pool.N // PAGE)), description="page")
    table = w.HTML(stand_in[1])

    def redraw(change=None):
        if change is not None and change["owner"] is not page and page.value != 1:
            page.value = 1  # draws again
            return
        start = (page.value - 1) * PAGE
        table.value = candidate_table(pool, prompt.value, ranking(pool, prompt.value, *order.value)[start: start + PAGE], verdicts)

    for control in (prompt, order, page):
        control.observe(redraw, names="value")
    return View(w.VBox([prompt, order, page, table]), *stand_in, prompt=prompt, order=order, page=page, table=table)


# ---- best of n ----------------------------------------------------------------------------------------------------------


def best_of_n_slider(pool, by=None, gold="gold", rewards=None, n=4):
    """Move n and see which of the first n candidates is chosen, and what best-of-n gives over all prompts. Returns a :class:`View`.

    ``by``: the selecting reward shown first (by default the first of ``rewards``); ``rewards``: names of those that can be chosen (default: all of the
    pool's); ``gold``: the evaluating reward.
    """
    evaluating_reward, pool = pool.reward(gold), _only(pool, rewards)
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
    picture = f'<img alt="{html.escape(figure.summary)}" width="800" src="data:image/png;base64,{base64.b64encode(figure.png()).decode()}">'
    w = widgets()
    if w is None:
        return View(None, text, shown + picture)
    slider = _slider(w, w.SelectionSlider, options=sizes, value=n, description="n")
    prompt = _slider(w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt")
    reward = _buttons(w, options=list(pool.rewards), value=by, description="selecting by")
    reply, image, caption = w.HTML(shown), w.Image(value=figure.png(), format="png", width=800), w.HTML(f"<p>{html.escape(figure.summary)}</p>")

    def redraw(change=None):
        reply.value, _, drawn = state(prompt.value, slider.value, reward.value)
        image.value, caption.value = drawn.png(), f"<p>{html.escape(drawn.summary)}</p>"

    for control in (slider, prompt, reward):
        control.observe(redraw, names="value")
    return View(w.VBox([slider, prompt, reward, reply, image, caption]), text, shown + picture,
                n=slider, prompt=prompt, reward=reward, reply=reply, image=image, caption=caption)
