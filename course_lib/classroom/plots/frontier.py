"""Reward against KL for every method at equal budget."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from .figure import COLOURS, STYLE, Figure, done, new, ring, root, stored_bars

# method → (number of its colour, marker)
FRONTIER_STYLE = {
    "best-of-N": (6, "."),
    "RFT, one round": (0, "o"),
    "RFT, three rounds pooled": (0, "s"),
    "RFT, three rounds pooled, reward model refreshed": (0, "^"),
    "RAFT++": (5, "P"),
    "DPO": (2, "D"),
    "GRPO": (1, "v"),
    "RLOO": (4, "X"),
    "PPO": (3, "*"),
}

FARTHEST = 25.0  # nats; what lies beyond is counted in the title


@rc_context(STYLE)
def frontier(result: Mapping, title: str = "", quiet: bool = False) -> Figure:
    """Gold and proxy reward against KL for every method of ``benchmarks/frontier.py``.

    ``result``: what that benchmark stored. Small marks are the values of the dial that were tried,
    on the choosing seeds; a large mark is the chosen value on other seeds, with 95 % intervals over
    seeds and prompts. The line is best-of-N. KL is drawn on a square-root scale, up to 25 nats; the
    title says how many points lie beyond.
    """
    fig, axes = new(2, 9.6, 4.6)
    methods = {name: m for name, m in result["methods"].items() if name in FRONTIER_STYLE}
    tried = [point for method in methods.values() for point in method["grid"].values()]
    everywhere = [point["kl"]["mean"] for point in tried]
    right = min(FARTHEST, 1.2 * max(everywhere))
    outside = sum(kl > right for kl in everywhere)
    for axis, reward in zip(axes, ("gold", "proxy"), strict=True):
        _all_methods(axis, reward, result, methods)
        axis.set_xlim(0, right)
    low = min(method["shown"]["gold"]["low"] for method in methods.values())
    axes[0].set_ylim(bottom=max(axes[0].get_ylim()[0], min(0.0, low) - 1.0))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    inside = [point["proxy"]["mean"] for point in tried if point["kl"]["mean"] <= right]
    axes[1].set_ylim(top=max(inside) + 0.3)
    beyond = f" (values tried that lie beyond the right edge: {outside})" if outside else ""
    fig.suptitle(
        (title or "Reward against KL at the same number of sampled tokens") + beyond, fontsize=11
    )
    return done(fig, _the_best(result, methods), quiet)


def _the_best(result: Mapping, methods: Mapping[str, Mapping]) -> str:
    """The summary: which trained policy has the highest gold reward."""
    trained = [name for name in methods if name != "best-of-N"]
    best = max(trained, key=lambda name: methods[name]["shown"]["gold"]["mean"])
    shown = methods[best]["shown"]
    gold = shown["gold"]
    return (
        f"At {result['size']['budget']:,} sampled tokens the highest gold reward of a trained "
        f"policy is {gold['mean']:.2f} [{gold['low']:.2f}, {gold['high']:.2f}] ({best}), "
        f"at KL {shown['kl']['mean']:.1f}; the base policy has "
        f"{result['base']['gold']['mean']:.2f}."
    )


def _all_methods(axis: Axes, reward: str, result: Mapping, methods: Mapping[str, Mapping]) -> None:
    """One panel of :func:`frontier`: the ladder of best-of-N, every method, the base policy."""
    axis.plot(
        *_against_kl(result["best_of_n"].values(), reward),
        "-",
        color=COLOURS[6],
        marker=".",
        label="best-of-N (KL: bound)",
        zorder=2,
    )
    for name, method in methods.items():
        if name != "best-of-N":
            _method(axis, reward, name, method)
    base = result["base"][reward]["mean"]
    axis.axhline(base, color="#666666", linewidth=0.8)
    axis.annotate(
        "base policy",
        (0.99, base),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=8,
        color="#666666",
    )
    axis.set_xscale("function", functions=(root, np.square))
    axis.set_xticks([0, 0.25, 1, 2, 4, 8, 16, 24], ["0", "¼", "1", "2", "4", "8", "16", "24"])
    axis.set_xlabel("KL to the base policy (nats, square-root scale)")
    axis.set_ylabel(f"{reward} reward ({'points' if reward == 'gold' else 'its own scale'})")


def _method(axis: Axes, reward: str, name: str, method: Mapping) -> None:
    """The values tried, small and joined by a dotted line, and the chosen one with its bars."""
    number, marker = FRONTIER_STYLE[name]
    colour = COLOURS[number]
    axis.plot(
        *_against_kl(method["grid"].values(), reward),
        ":",
        color=colour,
        marker=marker,
        markersize=3.5,
        linewidth=0.8,
        alpha=0.7,
        zorder=1,
    )
    x = method["shown"]["kl"]
    y = method["shown"][reward]
    axis.errorbar(
        [x["mean"]],
        [y["mean"]],
        xerr=stored_bars([x]),
        yerr=stored_bars([y]),
        color=colour,
        marker=marker,
        markersize=7,
        capsize=2,
        elinewidth=1,
        linestyle="none",
        label=name,
        zorder=3,
        markerfacecolor="none" if "rounds" in name else colour,
    )


def _against_kl(points: Iterable[Mapping], reward: str) -> tuple[list[float], list[float]]:
    """KL and reward of ``points``, in the order of their KL."""
    pairs = sorted((point["kl"]["mean"], point[reward]["mean"]) for point in points)
    return [kl for kl, _ in pairs], [value for _, value in pairs]


@rc_context(STYLE)
def frontier_at(result: Mapping, name: str, dial: str, quiet: bool = True) -> Figure:
    """Gold (left) and proxy (right) against KL along one method's dial, with ``dial`` marked.

    ``result`` as for :func:`frontier`; ``dial``: a key of the method's grid. Bands of the points
    are 95 % intervals over prompts; the grey line is best-of-N, whose KL is the bound.
    """
    fig, axes = new(2, 8.0, 3.2)
    method = result["methods"][name]
    for axis, reward in zip(axes, ("gold", "proxy"), strict=True):
        _along_the_dial(axis, reward, result, name, dial)
    axes[0].legend(fontsize=8)
    here = method["grid"][dial]
    text = (
        f"{name} at {method['dial']} = {dial}: gold {here['gold']['mean']:.2f}, proxy "
        f"{here['proxy']['mean']:.2f}, KL {here['kl']['mean']:.1f} nats. "
        f"Numbers beside the points are values of {method['dial']}."
    )
    return done(fig, text, quiet)


def _along_the_dial(axis: Axes, reward: str, result: Mapping, name: str, dial: str) -> None:
    """One panel of :func:`frontier_at`."""
    method = result["methods"][name]
    ladder_kl, ladder = _against_kl(result["best_of_n"].values(), reward)
    axis.plot(ladder_kl, ladder, "-", color="#999999", linewidth=1.2, label="best-of-N")
    grid = sorted(method["grid"].items(), key=lambda item: item[1]["kl"]["mean"])
    x = [point["kl"]["mean"] for _, point in grid]
    values = [point[reward] for _, point in grid]
    axis.errorbar(
        x,
        [value["mean"] for value in values],
        yerr=stored_bars(values),
        color=COLOURS[0],
        marker="o",
        linestyle=":",
        capsize=2,
        label=name,
    )
    for setting, point in grid:
        place = (point["kl"]["mean"], point[reward]["mean"])
        axis.annotate(setting, place, textcoords="offset points", xytext=(7, -11), fontsize=8)
    here = method["grid"][dial]
    ring(axis, here["kl"]["mean"], here[reward]["mean"], COLOURS[1], 12)
    axis.axhline(result["base"][reward]["mean"], color="#666666", linewidth=0.8)
    axis.set_xscale("function", functions=(root, np.square))
    right = 1.15 * max(x + [ladder_kl[-1]])
    axis.set_xlim(0, right)
    ticks = [t for t in (0, 1, 2, 4, 9, 16, 25, 64, 100, 200, 300) if t <= right]
    axis.set_xticks(ticks, [str(t) for t in ticks])
    axis.set_xlabel("KL to the base policy (nats, square-root scale)")
    axis.set_ylabel(f"{reward} reward" + (" (points)" if reward == "gold" else ""))
