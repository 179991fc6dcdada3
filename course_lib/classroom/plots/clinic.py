"""Pictures of one patient of the clinic, and of Llama 2's loop.

Of a patient: what its author sees, what a careful measurement sees, and both after the repair.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from .figure import COLOURS, MARKERS, STYLE, Figure, done, new, stored_band
from .labels import name_lines

VIEWS = ("author", "careful", "repaired")
OWN = {
    "proxy": "reported: the author's own reward score",
    "gold": "reported: gold on the author's test prompts",
}


def _curve(axis: Axes, points: Sequence[Mapping], name: str, k: int) -> None:
    """Means with a 95 % band against epochs or rounds 0, 1, 2 …

    ``points``: dictionaries with mean, low, high.
    """
    x = np.arange(len(points))
    stored_band(axis, x, points, name, k)
    axis.set_xticks(x)


def _rows(axis: Axes, names: Sequence[str], values: Sequence[Mapping], xlabel: str) -> None:
    """Means with their intervals, one row each."""
    rows = np.arange(len(names))[::-1]  # the first name at the top
    for k, (row, value) in enumerate(zip(rows, values, strict=True)):
        axis.plot([value["low"], value["high"]], [row, row], color=COLOURS[k], linewidth=2)
        axis.plot([value["mean"]], [row], MARKERS[k], color=COLOURS[k])
    axis.set_yticks(rows, names)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xlabel(xlabel)


@rc_context(STYLE)
def clinic_patient(
    case: Mapping, view: str = "author", title: str = "", quiet: bool = True
) -> Figure:
    """Two panels about one case of ``benchmarks/clinic.py``.

    ``case``: an entry of ``results.load("clinic")["cases"]``. ``view``: "author" (training loss,
    and the reported score by epoch or round), "careful" (gold by epoch or round; gold of base,
    pipeline and random control) or "repaired" (the same, broken beside repaired). Bands and bars
    are 95 % over seeds and topics. The summary never names the fault.
    """
    require(view in VIEWS, f"view must be one of {', '.join(VIEWS)}; got {view!r}.")
    unit = "epochs of training" if case["setting"]["rounds"] == 1 else "rounds"
    fig, (left, right) = new(2, 8.4, 3.1)
    if view == "author":
        text = _as_its_author(left, right, case, unit)
    else:
        text = _as_measured(left, right, case, unit, repaired=view == "repaired")
    fig.suptitle(title, fontsize=11)
    return done(fig, f"{title + ': ' if title else ''}{text}.", quiet)


def _as_its_author(left: Axes, right: Axes, case: Mapping, unit: str) -> str:
    """Draw the training loss and the reported score; returns the summary."""
    broken = case["broken"]
    steps, losses = zip(*broken["losses"], strict=True)
    left.plot(steps, losses, color=COLOURS[0], marker=".", label="training loss")
    left.set_ylim(bottom=0)
    left.set_xlabel("training step")
    left.set_ylabel("training loss (nats a trained token)")
    reported = broken["curve"]["own"]
    name = OWN[case["reports"]]
    _curve(right, reported, "this pipeline", 0)
    right.set_xlabel(unit)
    right.set_ylabel(name.replace(": ", ":\n"))
    return (
        f"training loss goes from {losses[0]:.2f} to {losses[-1]:.2f} nats; "
        f"{name.removeprefix('reported: ')} goes from {reported[0]['mean']:.2f} "
        f"to {reported[-1]['mean']:.2f}"
    )


def _as_measured(left: Axes, right: Axes, case: Mapping, unit: str, repaired: bool) -> str:
    """Draw gold by epoch or round, and gold of all that was shipped; returns the summary."""
    shown = {"broken" if repaired else "this pipeline": case["broken"]}
    if repaired:
        shown["repaired"] = case["healthy"]
    for k, (name, side) in enumerate(shown.items()):
        _curve(left, side["curve"]["gold"], name, k)
    left.set_xlabel(unit)
    left.set_ylabel("gold reward (points)")
    name_lines(left)
    gold = {name: side["careful"]["gold"] for name, side in shown.items()}
    gold["random control"] = case["control"]["careful"]["gold"]
    gold["base policy"] = case["base"]["gold"]
    _rows(right, list(gold), list(gold.values()), "gold reward of what was shipped (points)")
    parts = [
        f"{name} {v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]" for name, v in gold.items()
    ]
    return "gold reward " + "; ".join(parts)


@rc_context(STYLE)
def llama2_loop(result: Mapping, quiet: bool = False) -> Figure:
    """Gold (left) and proxy (right) after each stage of ``benchmarks/llama2_loop.py``.

    Intervals: 95 % over seeds and topics.
    """
    fig, (left, right) = new(2, 9.6, 2.9)
    stages = result["stages"]
    gold = {name: stage["gold"] for name, stage in stages.items()}
    proxy = [stage["proxy"] for stage in stages.values()]
    _rows(left, list(gold), list(gold.values()), "gold reward (points)")
    _rows(right, [""] * len(proxy), proxy, "proxy reward (its own scale)")
    parts = [f"{name} {value['mean']:.2f}" for name, value in gold.items()]
    text = "Gold reward after each stage: " + ", ".join(parts)
    return done(fig, text + ". Intervals: 95 % over seeds and topics.", quiet)
