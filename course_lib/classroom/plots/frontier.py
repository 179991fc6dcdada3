"""Every method at equal budget: gold as a forest plot, and reward against KL along its dials."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from .figure import COLOURS, STYLE, Figure, done, new, ring, root, stored_bars

GREY = "#666666"


@rc_context(STYLE)
def frontier(result: Mapping, title: str = "", quiet: bool = False) -> Figure:
    """Gold of every method of ``benchmarks/frontier.py``, best first, as a forest plot.

    ``result``: what that benchmark stored. A filled mark is one reply at the temperature that is
    best for the method (best-of-N: one of its choices), an open one at temperature 1; bars are 95 %
    intervals for other seeds and prompts. The lines are the base policy at 1 and at its best. A
    star marks what had more than the budget: more samples, new labels, or N replies an answer.
    """
    methods = result["methods"]
    order = sorted(methods, key=lambda name: methods[name]["shown"]["gold"]["mean"])
    fig, (axis,) = new(1, 8.6, 0.38 * len(order) + 1.6)
    for y, name in enumerate(order):
        shown, at_1 = methods[name]["shown"]["gold"], methods[name]["at_1"]["gold"]
        colour = COLOURS[6] if name == "best-of-N" else COLOURS[0]
        colour = COLOURS[2] if name.startswith("RFT") else colour
        axis.errorbar(
            [at_1["mean"]],
            [y - 0.14],
            xerr=stored_bars([at_1]),
            color=colour,
            marker="o",
            markersize=4,
            markerfacecolor="none",
            elinewidth=0.7,
            alpha=0.8,
        )
        axis.errorbar(
            [shown["mean"]],
            [y + 0.14],
            xerr=stored_bars([shown]),
            color=colour,
            marker="o",
            markersize=6,
            capsize=2,
        )
    axis.set_yticks(range(len(order)), [_label(name, methods[name]) for name in order])
    axis.set_ylim(-0.7, len(order) + 0.1)
    axis.set_xlim(left=min(0.0, result["base_at_1"]["gold"]["mean"]) - 0.5)  # room for its name
    for value, text, style in (
        (result["base_at_1"]["gold"]["mean"], "base, T = 1", ":"),
        (result["base"]["gold"]["mean"], f"base, T = {result['base']['temperature']:g}", "--"),
    ):
        axis.axvline(value, color=GREY, linestyle=style, linewidth=1)
        right = style == "--"
        axis.annotate(
            text,
            (value, len(order) - 0.3),
            textcoords="offset points",
            xytext=(4 if right else -4, 0),
            ha="left" if right else "right",
            fontsize=8,
            color=GREY,
        )
    axis.set_xlabel("gold reward (points); filled: best T, open: T = 1")
    title = title or "One reply of each policy; all sampled as many tokens (* had more)"
    fig.suptitle(title, fontsize=11)
    return done(fig, _the_best(result, order), quiet)


def _label(name: str, method: Mapping) -> str:
    """What stands beside a row: the method, a star for what had more, and its temperature."""
    outside = name == "best-of-N" or "times" in method["fixed"] or method["cost"]["labels"] > 0
    shown = f"best of {method['best']['N']} of the base" if name == "best-of-N" else name
    return f"{shown}{'*' if outside else ''}  (T = {method['shown']['temperature']:g})"


def _the_best(result: Mapping, order: list[str]) -> str:
    """The summary: which trained policy has the highest gold reward."""
    best = [name for name in order if name != "best-of-N"][-1]
    shown = result["methods"][best]["shown"]
    gold = shown["gold"]
    return (
        f"At {result['size']['budget']:,} sampled tokens the highest gold reward of a trained "
        f"policy is {gold['mean']:.2f} [{gold['low']:.2f}, {gold['high']:.2f}] ({best}, served at "
        f"T = {shown['temperature']:g}); the base policy has "
        f"{result['base']['gold']['mean']:.2f} at its best temperature."
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
    axes[0].legend(fontsize=8)
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
    axis.plot(ladder_kl, ladder, "-", color="#999999", linewidth=1.2, label="best-of-N, T = 1")
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
    axis.axhline(base, color=GREY, linewidth=0.8, linestyle=":", label="base, one reply")
    axis.set_xscale("function", functions=(root, np.square))
    right = 1.15 * max(x + [ladder_kl[-1]])
    axis.set_xlim(0, right)
    ticks = [t for t in (0, 1, 2, 4, 9, 16, 25, 64, 100, 200, 300) if t <= right]
    axis.set_xticks(ticks, [str(t) for t in ticks])
    axis.set_xlabel("KL to the base policy (nats, square-root scale)")
    axis.set_ylabel(f"{reward} reward at T = 1")
