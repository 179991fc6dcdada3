"""Pictures of one patient of the clinic.

What its author sees, what a careful measurement sees, and both after the repair; and of Llama 2's
loop.
"""

import numpy as np
from matplotlib import rc_context

from ...base import require
from .figure import COLOURS, DASHES, MARKERS, STYLE, done, new

VIEWS = ("author", "careful", "repaired")
OWN = {
    "proxy": "reported: the author's own reward score",
    "gold": "reported: gold on the author's test prompts",
}


def _curve(axis, points, name, k):
    """Means with a 95 % band against epochs or rounds 0, 1, 2 …; ``points``.

    Dictionaries with mean, low, high.
    """
    x = np.arange(len(points))
    axis.fill_between(
        x,
        [p["low"] for p in points],
        [p["high"] for p in points],
        color=COLOURS[k],
        alpha=0.2,
        linewidth=0,
    )
    axis.plot(
        x,
        [p["mean"] for p in points],
        color=COLOURS[k],
        marker=MARKERS[k],
        linestyle=DASHES[k],
        markersize=4,
        label=name,
    )
    axis.set_xticks(x)


def _rows(axis, names, values, xlabel):
    """Means with their intervals, one row each."""
    rows = np.arange(len(names))[::-1]
    for k, (row, v) in enumerate(zip(rows, values, strict=True)):
        axis.plot([v["low"], v["high"]], [row, row], color=COLOURS[k], linewidth=2)
        axis.plot([v["mean"]], [row], MARKERS[k], color=COLOURS[k])
    axis.set_yticks(rows, names)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xlabel(xlabel)


def clinic_patient(case, view="author", title="", quiet=True):
    """Two panels about one case of ``benchmarks/clinic.py`` (an entry of
    ``results.load("clinic")["cases"]``).

    ``view``: "author" (training loss, and the reported score by epoch or round), "careful" (gold by
    epoch or round; gold of base, pipeline and random control) or "repaired" (the same, broken
    beside repaired). Bands and bars are 95 % over seeds and prompts. The summary never names the
    fault.
    """
    require(view in VIEWS, f"view must be one of {', '.join(VIEWS)}; got {view!r}.")
    broken, healthy, rounds = case["broken"], case["healthy"], case["setting"]["rounds"]
    unit = "epochs of training" if rounds == 1 else "rounds"
    with rc_context(STYLE):
        fig, (left, right) = new(2, 8.4, 3.1)
        if view == "author":
            steps, losses = zip(*broken["losses"], strict=True)
            left.plot(steps, losses, color=COLOURS[0], marker=".", label="training loss")
            left.set_ylim(bottom=0)
            left.set_xlabel("training step")
            left.set_ylabel("training loss (nats a trained token)")
            _curve(right, broken["curve"]["own"], "this pipeline", 0)
            right.set_xlabel(unit)
            right.set_ylabel(OWN[case["reports"]].replace(": ", ":\n"))
            before, after = broken["curve"]["own"][0]["mean"], broken["curve"]["own"][-1]["mean"]
            text = (
                f"training loss goes from {losses[0]:.2f} to {losses[-1]:.2f} nats; "
                f"{OWN[case['reports']].removeprefix('reported: ')} goes from {before:.2f} "
                f"to {after:.2f}"
            )
        else:
            shown = [("this pipeline" if view == "careful" else "broken", broken)] + (
                [("repaired", healthy)] if view == "repaired" else []
            )
            for k, (name, side) in enumerate(shown):
                _curve(left, side["curve"]["gold"], name, k)
            left.set_xlabel(unit)
            left.set_ylabel("gold reward (points)")
            left.legend()
            names = [name for name, _ in shown] + ["random control", "base policy"]
            values = [side["careful"]["gold"] for _, side in shown] + [
                case["control"]["careful"]["gold"],
                case["base"]["gold"],
            ]
            _rows(right, names, values, "gold reward of what was shipped (points)")
            text = "gold reward " + "; ".join(
                f"{n} {v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"
                for n, v in zip(names, values, strict=True)
            )
        fig.suptitle(title, fontsize=11)
    return done(fig, f"{title + ': ' if title else ''}{text}.", quiet)


def llama2_loop(result, quiet=False):
    """Gold (left) and proxy (right) after each stage of ``benchmarks/llama2_loop.py``, with 95 %
    intervals over seeds and prompts.
    """
    with rc_context(STYLE):
        fig, axes = new(2, 9.6, 2.9)
        names = list(result["stages"])
        for axis, reward in zip(axes, ("gold", "proxy"), strict=True):
            _rows(
                axis,
                names if axis is axes[0] else [""] * len(names),
                [result["stages"][n][reward] for n in names],
                f"{reward} reward ({'points' if reward == 'gold' else 'its own scale'})",
            )
    parts = [f"{n} {result['stages'][n]['gold']['mean']:.2f}" for n in names]
    return done(
        fig,
        "Gold reward after each stage: "
        + ", ".join(parts)
        + ". Intervals: 95 % over seeds and prompts.",
        quiet,
    )
