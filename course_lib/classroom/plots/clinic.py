"""Pictures of the clinic's patients, and of Llama 2's loop.

Of one patient: what its author sees, what a careful measurement sees, and both after the repair.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ...estimators import Interval
from .figure import COLOURS, INK, MARKERS, STYLE, Figure, done, new, stored_band, stored_bars
from .labels import SIZE, name_lines

WIDEST_ROW = 36  # characters in a line of a row's name
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
def dashboards(result: Mapping, order: Sequence[str], quiet: bool = False) -> Figure:
    """What the author of each patient reports, over epochs or rounds, minus its start.

    ``result``: ``results.load("clinic")``; ``order``: names of the patients, the first is number 1.
    One small panel each, all on one scale; the rise at the end is written there.
    """
    fig = Figure(figsize=(8.4, 3.6), layout="constrained")
    panels = fig.subplots(2, -(-len(order) // 2), sharey=True).flat
    rises = []
    for number, (axis, name) in enumerate(zip(panels, order, strict=False), 1):
        means = np.array([p["mean"] for p in result["cases"][name]["broken"]["curve"]["own"]])
        rise = means - means[0]
        axis.plot(rise, "-", color=COLOURS[0], linewidth=2)
        axis.plot([len(rise) - 1], rise[-1:], "o", color=COLOURS[0])
        axis.annotate(
            f"{rise[-1]:+.1f}",
            (len(rise) - 1, rise[-1]),
            xytext=(-6, 4),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontweight="bold",
            color=COLOURS[0],
        )
        axis.set_title(f"team {number}")
        axis.set_xticks([])
        axis.margins(x=0.12, y=0.2)
        rises.append(f"{rise[-1]:+.1f}")
    fig.supylabel("reported score, minus its start", fontsize=10, color=INK)
    text = f"The scores that {len(order)} teams report, from the start of training to its end"
    return done(fig, f"{text}: team 1 {rises[0]}, then {', '.join(rises[1:])}.", quiet)


@rc_context(STYLE)
def clinic_gold(result: Mapping, order: Sequence[str], quiet: bool = False) -> Figure:
    """Gold of each patient and of its repaired twin at temperature 1, by number.

    The upright marks are the base policy at temperature 0, on the same prompts.
    """
    fig, (axis,) = new(width=7.6, height=4.8)
    rows = np.arange(len(order))[::-1]
    cases = [result["cases"][name] for name in order]
    sides = {
        "repaired twin": [case["healthy"]["careful"]["gold"] for case in cases],
        "as it was": [case["broken"]["careful"]["gold"] for case in cases],
    }
    _marks(axis, rows, sides)
    greedy = [case["base"]["greedy"]["mean"] for case in cases]
    axis.plot(greedy, rows, "|", color=INK, markersize=15, markeredgewidth=2)
    _name_mark(axis, greedy[0], rows[0] + 0.3, "base at T = 0", INK)
    axis.set_yticks(rows, [f"patient {k}" for k in range(1, len(order) + 1)])
    axis.set_xlabel("gold reward at temperature 1 (points)")
    told = [
        f"patient {k} {mine['mean']:.1f} and {twin['mean']:.1f}"
        for k, (twin, mine) in enumerate(zip(*sides.values(), strict=True), 1)
    ]
    text = "Gold of each patient as it was, and of its repaired twin: " + "; ".join(told)
    return done(fig, f"{text}. Bars: 95 % over seeds and topics.", quiet)


@rc_context(STYLE)
def differences(
    names: Sequence[str],
    sides: Mapping[str, Sequence[Interval | Mapping]],
    xlabel: str,
    quiet: bool = False,
) -> Figure:
    """Differences with their intervals, one row each and one mark a side; zero is a line.

    ``sides``: one or two names → an Interval, or a stored one (mean, low, high), for each of
    ``names``. With one side its name is not drawn, and each mean is written.
    """
    require(1 <= len(sides) <= 2, f"a row has one mark or two; got {len(sides)}: {list(sides)}.")
    for side, values in sides.items():
        require(
            len(values) == len(names),
            f"{side!r} needs a difference for each of {len(names)} rows; got {len(values)}.",
        )
    stored = {
        side: [v.to_dict() if isinstance(v, Interval) else v for v in values]
        for side, values in sides.items()
    }
    fig, (axis,) = new(width=8.2, height=1.1 + 0.4 * len(names))
    rows = np.arange(len(names))[::-1]
    _marks(axis, rows, stored)
    axis.axvline(0, color=INK, linewidth=1)
    axis.set_yticks(rows, [textwrap.fill(name, WIDEST_ROW) for name in names])
    axis.set_xlabel(xlabel)
    written = [
        ", ".join(_written(values[k]["mean"], "+.2f") for values in stored.values())
        for k in range(len(names))
    ]
    told = "; ".join(f"{name} {value}" for name, value in zip(names, written, strict=True))
    which = f", {' and '.join(sides)}" if len(sides) > 1 else ""
    return done(fig, f"{xlabel[0].upper()}{xlabel[1:]}{which}: {told}. Bars: 95 %.", quiet)


def _marks(
    axis: Axes, rows: np.ndarray, sides: Mapping[str, Sequence[Mapping]], spec: str = "+.2f"
) -> None:
    """One mark a side in every row; of two the first is open and above, the other below."""
    for k, (side, values) in enumerate(sides.items()):
        first = len(sides) > 1 and k == 0
        colour, shift = COLOURS[int(first)], 0.0
        if len(sides) > 1:
            shift = 0.15 if first else -0.15
            _name_mark(axis, values[0]["mean"], rows[0] + 1.9 * shift, side, colour, first)
        means = [value["mean"] for value in values]
        style: dict[str, Any] = {"color": colour, "markerfacecolor": "none" if first else colour}
        axis.errorbar(means, rows + shift, xerr=stored_bars(values), fmt="o", capsize=2, **style)
        if len(sides) == 1:
            for row, mean in zip(rows, means, strict=True):
                _name_mark(axis, mean, row + 0.12, _written(mean, spec), colour)
    axis.set_ylim(-0.6, len(rows) - 0.1)
    axis.grid(False, axis="y")


def _written(mean: float, spec: str) -> str:
    """A number with a true minus; nothing has no sign."""
    return format(mean, spec).replace("-", "−") if mean else "0"


def _name_mark(axis: Axes, x: float, y: float, name: str, colour: str, above: bool = True) -> None:
    """What a kind of mark is, once, at the mark of the first row."""
    side = "bottom" if above else "top"
    style: dict[str, Any] = {"fontsize": SIZE, "fontweight": "bold", "color": colour}
    axis.text(x, y, name, ha="center", va=side, **style)


@rc_context(STYLE)
def llama2_loop(
    result: Mapping, standing: Mapping[str, Interval] | None = None, quiet: bool = False
) -> Figure:
    """Gold after each stage of ``benchmarks/llama2_loop.py``, and what each way of going on adds.

    Left: gold; ``standing``: further rows, such as the base policy at another temperature. Right:
    the paired differences of gold and of the proxy. Intervals: 95 % over seeds and topics.
    """
    fig, (left, right) = new(2, 9.6, 3.4)
    stages = {name: stage["gold"] for name, stage in result["stages"].items()}
    extra = {name: value.to_dict() for name, value in (standing or {}).items()}
    gold = {**extra, **stages}
    at = np.arange(len(gold))[::-1]
    _marks(left, at, {"gold": list(gold.values())}, ".1f")
    left.set_yticks(at, [_stage(name) for name in gold])
    left.set_xlabel("gold reward (points)")
    names = list(result["gaps"])
    sides = {
        side: [result["gaps"][name][key] for name in names]
        for side, key in (("reward model", "proxy"), ("gold", "gold"))
    }
    rows = np.arange(len(names))[::-1]
    _marks(right, rows, sides)
    right.axvline(0, color=INK, linewidth=1)
    right.set_yticks(rows, [_stage(name).replace(" minus ", "\nminus ") for name in names])
    right.set_xlabel("paired difference (points)")
    parts = [f"{_stage(name)} {value['mean']:.2f}" for name, value in gold.items()]
    gaps = [f"{_stage(name)} {gap['gold']['mean']:+.2f}" for name, gap in result["gaps"].items()]
    text = f"Gold after each stage: {', '.join(parts)}. Paired differences: {', '.join(gaps)}"
    return done(fig, text + ". Intervals: 95 % over seeds and topics.", quiet)


def _stage(name: str) -> str:
    """A stage of the loop in few words: "RS, round 2, then PPO" is "PPO"."""
    name = name.replace("RS, round 2, then PPO", "PPO")
    return name.replace("RS, ", "")
