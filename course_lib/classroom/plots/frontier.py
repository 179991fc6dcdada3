"""Every method at equal budget: gold as a forest plot, and reward against KL along its dials."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from .figure import COLOURS, INK, STYLE, Figure, done, new, ring, root, stored_bars

# Place in COLOURS of each kind of method: those that imitate what was kept, DPO, the online ones.
# The explorer of the same numbers uses the places too (its colours are ``--ck-c0`` …).
METHOD_COLOURS = {
    "RFT": 0,
    "RAFT++": 0,
    "DPO": 2,
    "GRPO": 1,
    "RLOO": 4,
    "PPO": 3,
    "vBoN": 5,
    "best-of-N": 6,
}
# points from the last one's right edge; the head of each column beside the forest plot
COLUMNS = {"gold": 38, "at T": 38, "tokens": 58, "TFLOPs": 52, "work": 52}


def method_colour(name: str) -> int:
    """Place in ``COLOURS`` of a method; its variants ("DPO, three rounds") share its colour."""
    starts = [kind for kind in METHOD_COLOURS if name.startswith(kind)]
    return METHOD_COLOURS[max(starts, key=len)] if starts else len(COLOURS) - 1


@rc_context(STYLE)
def frontier(
    result: Mapping,
    title: str = "",
    only: Sequence[str] | None = None,
    columns: Sequence[str] = ("gold", "at T", "tokens", "TFLOPs"),
    quiet: bool = False,
) -> Figure:
    """Gold of the methods of ``benchmarks/frontier.py``, best first, as a forest plot.

    ``result``: what that benchmark stored; ``only``: names of methods (default: all). A filled
    mark is one reply at the temperature that is best for the method (best-of-N: one of its
    choices), an open one at temperature 1; bars are 95 % intervals for other seeds and prompts. The
    upright lines are the base policy at 1 and at its best. ``columns``: "gold", "at T"
    (temperature), "tokens" (sampled for the training), "TFLOPs" and "work" (operations of the
    training, of which RFT takes 1). A star marks what had more than the budget: more samples, new
    labels, or N replies an answer.
    """
    unknown = [column for column in columns if column not in COLUMNS]
    require(not unknown, f"columns are {', '.join(COLUMNS)}; got {unknown}.")
    methods = {name: result["methods"][name] for name in only or result["methods"]}
    order = sorted(methods, key=lambda name: methods[name]["shown"]["gold"]["mean"])
    fig, (axis,) = new(1, 9.2, 0.36 * len(order) + 1.7)
    for y, name in enumerate(order):
        _row(axis, y, methods[name], COLOURS[method_colour(name)])
    axis.set_yticks(range(len(order)), [_label(name, methods[name]) for name in order])
    for tick, name in zip(axis.get_yticklabels(), order, strict=True):
        tick.set(color=COLOURS[method_colour(name)], fontweight="bold")
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(-0.7, len(order) - 0.2)
    axis.set_xlim(left=min(0.0, result["base_at_1"]["gold"]["mean"]) - 0.1)
    _base_lines(axis, result, len(order) - 0.2)
    _columns(axis, [methods[name] for name in order], columns, _work_of_rft(result))
    axis.set_xlabel("gold reward (points); filled: best T, open: T = 1")
    fig.suptitle(title or "One reply of each; all sampled as many tokens (* had more)", fontsize=11)
    return done(fig, _the_best(result, order), quiet)


def _row(axis: Axes, y: float, method: Mapping, colour: str) -> None:
    """The two marks of a method with their bars: at its best temperature, and at 1."""
    shown, at_1 = method["shown"]["gold"], method["at_1"]["gold"]
    small = {"markersize": 4, "markerfacecolor": "none", "elinewidth": 0.8}
    large = {"markersize": 6.5, "capsize": 2.5, "elinewidth": 2}
    for value, place, look in ((at_1, y - 0.2, small), (shown, y + 0.08, large)):
        bars = stored_bars([value])
        axis.errorbar([value["mean"]], [place], xerr=bars, color=colour, marker="o", **look)


def _base_lines(axis: Axes, result: Mapping, top: float) -> None:
    """The base policy at temperature 1 and at its best, with their names above the frame."""
    best = f"base at its best, T = {result['base']['temperature']:g}"
    for value, text, style, side in (
        (result["base_at_1"]["gold"]["mean"], "base, T = 1", ":", "right"),
        (result["base"]["gold"]["mean"], best, "--", "left"),
    ):
        axis.axvline(value, color=INK, linestyle=style, linewidth=1.3)
        axis.annotate(
            text,
            (value, top),
            textcoords="offset points",
            xytext=(3 if side == "right" else -3, 3),
            ha=side,
            va="bottom",
            fontsize=9,
        )


def _work_of_rft(result: Mapping) -> float:
    """Operations of one round of RFT, by which work is counted."""
    return result["methods"].get("RFT", {"cost": {"flops": 1.0}})["cost"]["flops"]


def _cell(method: Mapping, column: str, unit: float) -> str:
    """What stands in a column beside a method; a dash where nothing was trained."""
    cost = method["cost"]
    if column in ("tokens", "TFLOPs", "work") and not cost["flops"]:
        return "–"
    return {
        "gold": lambda: f"{method['shown']['gold']['mean']:.2f}",
        "at T": lambda: f"{method['shown']['temperature']:g}",
        "tokens": lambda: f"{cost['tokens'] / 1e3:,.0f} k",
        "TFLOPs": lambda: f"{cost['flops'] / 1e12:.2f}",
        "work": lambda: f"{cost['flops'] / unit:.0f} ×",
    }[column]()


def _columns(axis: Axes, methods: Sequence[Mapping], columns: Sequence[str], unit: float) -> None:
    """Numbers beside the rows, each column flush right: what was reached, and what it took."""
    rows = [list(columns)]
    rows += [[_cell(method, column, unit) for column in columns] for method in methods]
    ends = np.cumsum([COLUMNS[column] for column in columns])
    for y, row in enumerate(rows, -1):
        place = y if y >= 0 else len(methods) - 0.2
        for text, x in zip(row, ends, strict=True):
            axis.annotate(
                text,
                (1.0, place),
                xycoords=("axes fraction", "data"),
                xytext=(x, 3 if y < 0 else 0),
                textcoords="offset points",
                ha="right",
                va="bottom" if y < 0 else "center",
                fontsize=9.5,
                fontweight="bold" if y < 0 else "normal",
                annotation_clip=False,
            )


def _label(name: str, method: Mapping) -> str:
    """What stands beside a row: the method, and a star for what had more than the budget."""
    outside = name == "best-of-N" or "times" in method["fixed"] or method["cost"]["labels"] > 0
    shown = f"best of {method['best']['N']} of the base" if name == "best-of-N" else name
    return f"{shown}{'*' if outside else ''}"


def _the_best(result: Mapping, order: list[str]) -> str:
    """The summary: which trained policy has the highest gold reward."""
    best = [name for name in order if name != "best-of-N"][-1]
    shown = result["methods"][best]["shown"]
    gold = shown["gold"]
    budget = round(result["size"]["budget"], -3)
    return (
        f"At about {budget:,} sampled tokens the highest gold reward of a trained policy is "
        f"{gold['mean']:.2f} [{gold['low']:.2f}, {gold['high']:.2f}] ({best}, served at T = "
        f"{shown['temperature']:g}); the base policy has {result['base']['gold']['mean']:.2f} at "
        "its best temperature."
    )


def _against_kl(points: Iterable[Mapping], reward: str) -> tuple[list[float], list[float]]:
    """KL and reward of ``points``, in the order of their KL."""
    pairs = sorted((point["kl"]["mean"], point[reward]["mean"]) for point in points)
    return [kl for kl, _ in pairs], [value for _, value in pairs]


@rc_context(STYLE)
def frontier_at(result: Mapping, name: str, dials: str, quiet: bool = True) -> Figure:
    """Gold (left) and proxy (right) against KL at T = 1, for the dials a method was tried with.

    ``result`` as for :func:`frontier`; ``dials``: a key of the method's grid, marked by a ring.
    Bands are 95 % intervals over topics; the grey line is best-of-N, whose KL is the bound.
    """
    fig, axes = new(2, 8.0, 3.2)
    for axis, reward in zip(axes, ("gold", "proxy"), strict=True):
        _along_the_dials(axis, reward, result, name, dials)
    axes[0].legend()
    here = result["methods"][name]["grid"][dials]
    at_1 = here["at_1"]
    text = (
        f"{name} with {dials}: at T = 1 gold {at_1['gold']['mean']:.2f}, proxy "
        f"{at_1['proxy']['mean']:.2f}, KL {at_1['kl']['mean']:.1f} nats; at T = "
        f"{here['temperature']:g} gold {here['gold']['mean']:.2f}."
    )
    return done(fig, text, quiet)


def _along_the_dials(axis: Axes, reward: str, result: Mapping, name: str, dials: str) -> None:
    """One panel of :func:`frontier_at`."""
    grid = result["methods"][name]["grid"]
    ladder_kl, ladder = _against_kl(result["best_of_n"]["1"].values(), reward)
    axis.plot(ladder_kl, ladder, "-", color=INK, linewidth=1.2, label="best-of-N, T = 1")
    points = sorted(grid.items(), key=lambda item: item[1]["at_1"]["kl"]["mean"])
    x = [point["at_1"]["kl"]["mean"] for _, point in points]
    values = [point["at_1"][reward] for _, point in points]
    axis.errorbar(
        x,
        [value["mean"] for value in values],
        yerr=stored_bars(values),
        color=COLOURS[0],
        marker="o",
        linestyle="none",
        capsize=2,
        label=name,
    )
    here = grid[dials]["at_1"]
    ring(axis, here["kl"]["mean"], here[reward]["mean"], COLOURS[1], 12)
    base = result["base_at_1"][reward]["mean"]
    axis.axhline(base, color=INK, linewidth=0.8, linestyle=":", label="base, one reply")
    axis.set_xscale("function", functions=(root, np.square))
    right = 1.15 * max(x + [ladder_kl[-1]])
    axis.set_xlim(0, right)
    ticks = [t for t in (0, 1, 2, 4, 9, 16, 25, 64, 100, 200, 300) if t <= right]
    axis.set_xticks(ticks, [str(t) for t in ticks])
    axis.set_xlabel("KL to the base policy (nats, square-root scale)")
    axis.set_ylabel(f"{reward} reward at T = 1")
