"""A frontier explorer: for each method, what each value of its dials did to gold, proxy and KL.

And what the proxy alone would have chosen.
"""

import html
from collections.abc import Mapping
from typing import Any

from ...base import require
from .. import plots
from ..plots import method_colour
from ..web import Card, picture

MEASURES = ("gold", "proxy", "kl")


def facts_of(result: Mapping, name: str, dials: str) -> list[str]:
    """What is known of one method with some dials (a key of its grid), in sentences."""
    grid = result["methods"][name]["grid"]
    point = grid[dials]
    base = result["base"]
    judged = max(grid, key=lambda d: grid[d]["gold"]["mean"])
    liked = max(grid, key=lambda d: grid[d]["proxy"]["mean"])

    def value(v: Mapping) -> str:
        return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

    at_1 = point["at_1"]
    lines = [
        f"{name} with {dials}. At its best temperature, {point['temperature']:g}: gold "
        f"{value(point['gold'])} (base policy at its best: {base['gold']['mean']:.2f}). At T = 1: "
        f"gold {value(at_1['gold'])}, proxy {value(at_1['proxy'])}, KL {value(at_1['kl'])} nats.",
        f"Highest gold with {judged}; highest proxy with {liked}.",
    ]
    if judged != liked:
        cost = grid[judged]["gold"]["mean"] - grid[liked]["gold"]["mean"]
        lines.append(f"Choosing by the proxy would cost {cost:.2f} points of gold.")
    return lines


def frontier_explorer(result: Mapping, method: str = "PPO") -> Card:
    """Choose a method and move its dials; gold and proxy against KL with the chosen point marked.

    The axes stay, and the other methods stay in the picture, so that they can be compared. Each has
    the colour that :func:`~course_lib.classroom.plots.frontier` gives it. ``result``: what
    ``benchmarks/frontier.py`` stored (``results.load("frontier")``); ``method``: the one shown
    first.
    """
    methods = {name: m for name, m in result["methods"].items() if m.get("grid")}
    require(
        method in methods, f"no method {method!r} in this result; it has: {', '.join(methods)}."
    )
    data = {
        "methods": [_method(result, name) for name in methods],
        "base": {"best": _values(result["base"]), "at_1": _values(result["base_at_1"])},
        "base_temperature": result["base"]["temperature"],
        "start": list(methods).index(method),
    }
    dials = list(methods[method]["grid"])[_chosen(methods[method])]
    lines = facts_of(result, method, dials)
    figure = plots.frontier_at(result, method, dials)
    fallback = "".join(f"<p>{html.escape(line)}</p>" for line in lines) + picture(figure)
    return Card("frontier", data, "\n".join(lines), fallback)


def _method(result: Mapping, name: str) -> dict[str, Any]:
    """One method as the browser draws it: its dials in the order in which they were tried."""
    method = result["methods"][name]
    return {
        "name": name,
        "colour": method_colour(name),
        "chosen": _chosen(method),
        "points": [
            {
                "dials": dials,
                "temperature": point["temperature"],
                "best": _values(point),
                "at_1": _values(point["at_1"]),
                "facts": facts_of(result, name, dials),
            }
            for dials, point in method["grid"].items()
        ],
    }


def _chosen(method: Mapping) -> int:
    """Place of the dials that were chosen for a method among those that were tried."""
    return [point["dials"] for point in method["grid"].values()].index(method["best"])


def _values(point: Mapping) -> dict[str, Any]:
    """Gold, proxy and KL as [mean, low, high]."""
    return {name: [point[name][end] for end in ("mean", "low", "high")] for name in MEASURES}
