"""A frontier explorer: for each method, what each value of its dial did to gold, proxy and KL, and
what the proxy alone would have chosen.
"""

import html

from ...base import require
from .. import plots
from . import view

REWARDS = ("gold", "proxy")


def facts_of(result, name, dial):
    """What is known of one method at one value of its dial (a key of its grid).

    A list of sentences.
    """
    method = result["methods"][name]
    point, base = method["grid"][dial], result["base"]
    judged, liked = (
        max(method["grid"], key=lambda d: method["grid"][d][reward]["mean"]) for reward in REWARDS
    )

    def value(v):
        return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

    lines = [
        f"{name}, {method['dial']} = {dial}: gold {value(point['gold'])}, proxy "
        f"{value(point['proxy'])}, KL {value(point['kl'])} nats (base policy: gold "
        f"{base['gold']['mean']:.2f}, proxy {base['proxy']['mean']:.2f}).",
        f"Highest gold at {method['dial']} = {judged}; highest proxy at {method['dial']} = "
        f"{liked}.",
    ]
    if judged != liked:
        lines.append(
            "Choosing by the proxy would cost "
            f"{method['grid'][judged]['gold']['mean'] - method['grid'][liked]['gold']['mean']:.2f} "
            "points of gold."
        )
    return lines


def frontier_explorer(result, method="PPO"):
    """Choose a method and move its dial; gold and proxy against KL with the chosen point marked.
    Returns a :class:`View`.

    ``result``: what ``benchmarks/frontier.py`` stored (``results.load("frontier")``); ``method``:
    the one shown first.
    """
    names = [
        name
        for name, m in result["methods"].items()
        if m.get("grid") and name in plots.FRONTIER_STYLE
    ]
    require(method in names, f"no method {method!r} in this result; it has: {', '.join(names)}.")
    dials = {name: sorted(result["methods"][name]["grid"], key=float) for name in names}

    def state(name, place):
        dial = dials[name][place]
        lines = facts_of(result, name, dial)
        return lines, plots.frontier_at(result, name, dial)

    start = (
        dials[method].index(f"{result['methods'][method]['best']:g}")
        if f"{result['methods'][method]['best']:g}" in dials[method]
        else 0
    )
    lines, figure = state(method, start)
    text, shown = "\n".join(lines), "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    w = view.widgets()
    if w is None:
        return view.View(None, text, shown + view.picture(figure))
    which = view.buttons(w, options=names, value=method, description="method")
    dial = view.slider(
        w, w.IntSlider, value=start, min=0, max=len(dials[method]) - 1, description="dial"
    )
    words, image = w.HTML(shown), w.Image(value=figure.png(), format="png", width=800)

    def redraw(change):
        if change["owner"] is which:
            # never below the value: ipywidgets would move it and draw twice
            dial.max = max(dial.value, len(dials[which.value]) - 1)
            dial.value = min(dial.value, len(dials[which.value]) - 1)
            dial.max = len(dials[which.value]) - 1
        found, drawn = state(which.value, min(dial.value, len(dials[which.value]) - 1))
        words.value, image.value = (
            "".join(f"<p>{html.escape(line)}</p>" for line in found),
            drawn.png(),
        )

    for control in (which, dial):
        control.observe(redraw, names="value")
    return view.View(
        w.VBox([which, dial, words, image]),
        text,
        shown + view.picture(figure),
        method=which,
        dial=dial,
        words=words,
        image=image,
    )
