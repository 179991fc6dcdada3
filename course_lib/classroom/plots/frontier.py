"""Reward against KL for every method at equal budget."""

import numpy as np
from matplotlib import rc_context

from .figure import COLOURS, STYLE, done, new

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


def frontier(result, title="", quiet=False):
    """Gold and proxy reward against KL for every method of ``benchmarks/frontier.py``.

    ``result``: what that benchmark stored. Small marks are the values of the dial that were tried,
    on the choosing seeds; a large mark is the chosen value on other seeds, with 95 % intervals over
    seeds and prompts. The line is best-of-N. KL is drawn on a square-root scale, up to 25 nats; the
    title says how many points lie beyond.
    """
    with rc_context(STYLE):
        fig, axes = new(2, 9.6, 4.6)
        methods = {name: m for name, m in result["methods"].items() if name in FRONTIER_STYLE}
        everywhere = [p["kl"]["mean"] for m in methods.values() for p in m["grid"].values()]
        right = min(25.0, 1.2 * max(everywhere))
        outside = sum(kl > right for kl in everywhere)
        for axis, reward in zip(axes, ("gold", "proxy"), strict=True):
            ladder = sorted(
                (p["kl"]["mean"], p[reward]["mean"]) for p in result["best_of_n"].values()
            )
            axis.plot(
                *zip(*ladder, strict=True),
                "-",
                color=COLOURS[6],
                marker=".",
                label="best-of-N (KL: bound)",
                zorder=2,
            )
            for name, m in methods.items():
                if name == "best-of-N":
                    continue
                k, marker = FRONTIER_STYLE[name]
                tried = sorted((p["kl"]["mean"], p[reward]["mean"]) for p in m["grid"].values())
                axis.plot(
                    *zip(*tried, strict=True),
                    ":",
                    color=COLOURS[k],
                    marker=marker,
                    markersize=3.5,
                    linewidth=0.8,
                    alpha=0.7,
                    zorder=1,
                )
                x, y = m["shown"]["kl"], m["shown"][reward]
                axis.errorbar(
                    [x["mean"]],
                    [y["mean"]],
                    xerr=[[x["mean"] - x["low"]], [x["high"] - x["mean"]]],
                    yerr=[[y["mean"] - y["low"]], [y["high"] - y["mean"]]],
                    color=COLOURS[k],
                    marker=marker,
                    markersize=7,
                    capsize=2,
                    elinewidth=1,
                    linestyle="none",
                    label=name,
                    zorder=3,
                    markerfacecolor="none" if "rounds" in name else COLOURS[k],
                )
            axis.axhline(result["base"][reward]["mean"], color="#666666", linewidth=0.8)
            axis.annotate(
                "base policy",
                (0.99, result["base"][reward]["mean"]),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=8,
                color="#666666",
            )
            axis.set_xscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
            axis.set_xticks(
                [0, 0.25, 1, 2, 4, 8, 16, 24], ["0", "¼", "1", "2", "4", "8", "16", "24"]
            )
            axis.set_xlim(0, right)
            axis.set_xlabel("KL to the base policy (nats, square-root scale)")
            axis.set_ylabel(
                f"{reward} reward ({'points' if reward == 'gold' else 'its own scale'})"
            )
        low = min(m["shown"]["gold"]["low"] for m in methods.values())
        axes[0].set_ylim(bottom=max(axes[0].get_ylim()[0], min(0.0, low) - 1.0))
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
        axes[1].set_ylim(
            top=max(
                p["proxy"]["mean"]
                for m in methods.values()
                for p in m["grid"].values()
                if p["kl"]["mean"] <= right
            )
            + 0.3
        )
        fig.suptitle(
            (title or "Reward against KL at the same number of sampled tokens")
            + (f" (values tried that lie beyond the right edge: {outside})" if outside else ""),
            fontsize=11,
        )
    best = max(
        (name for name in methods if name != "best-of-N"),
        key=lambda name: methods[name]["shown"]["gold"]["mean"],
    )
    g = methods[best]["shown"]["gold"]
    return done(
        fig,
        f"At {result['size']['budget']:,} sampled tokens the highest gold reward of a trained "
        f"policy is {g['mean']:.2f} [{g['low']:.2f}, {g['high']:.2f}] ({best}), "
        f"at KL {methods[best]['shown']['kl']['mean']:.1f}; the base policy has "
        f"{result['base']['gold']['mean']:.2f}.",
        quiet,
    )


def frontier_at(result, name, dial, quiet=True):
    """Gold (left) and proxy (right) against KL along one method's dial, with the value ``dial``
    marked. ``result`` as for :func:`frontier`.

    Bands of the points are 95 % intervals over prompts; the grey line is best-of-N, whose KL is the
    bound.
    """
    with rc_context(STYLE):
        fig, axes = new(2, 8.0, 3.2)
        method = result["methods"][name]
        grid = sorted(method["grid"].items(), key=lambda item: item[1]["kl"]["mean"])
        for axis, reward in zip(axes, ("gold", "proxy"), strict=True):
            ladder = sorted(
                (p["kl"]["mean"], p[reward]["mean"]) for p in result["best_of_n"].values()
            )
            axis.plot(
                *zip(*ladder, strict=True), "-", color="#999999", linewidth=1.2, label="best-of-N"
            )
            x = [p["kl"]["mean"] for _, p in grid]
            y = [p[reward]["mean"] for _, p in grid]
            spread = [
                [p[reward]["mean"] - p[reward]["low"] for _, p in grid],
                [p[reward]["high"] - p[reward]["mean"] for _, p in grid],
            ]
            axis.errorbar(
                x,
                y,
                yerr=spread,
                color=COLOURS[0],
                marker="o",
                linestyle=":",
                capsize=2,
                label=name,
            )
            for value, p in grid:
                axis.annotate(
                    value,
                    (p["kl"]["mean"], p[reward]["mean"]),
                    textcoords="offset points",
                    xytext=(7, -11),
                    fontsize=8,
                )
            here = method["grid"][dial]
            axis.plot(
                here["kl"]["mean"],
                here[reward]["mean"],
                "o",
                markersize=12,
                markerfacecolor="none",
                markeredgecolor=COLOURS[1],
                markeredgewidth=2,
            )
            axis.axhline(result["base"][reward]["mean"], color="#666666", linewidth=0.8)
            axis.set_xscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
            right = 1.15 * max(x + [ladder[-1][0]])
            axis.set_xlim(0, right)
            ticks = [t for t in (0, 1, 2, 4, 9, 16, 25, 64, 100, 200, 300) if t <= right]
            axis.set_xticks(ticks, [str(t) for t in ticks])
            axis.set_xlabel("KL to the base policy (nats, square-root scale)")
            axis.set_ylabel(f"{reward} reward" + (" (points)" if reward == "gold" else ""))
        axes[0].legend(fontsize=8)
    here = method["grid"][dial]
    return done(
        fig,
        f"{name} at {method['dial']} = {dial}: gold {here['gold']['mean']:.2f}, proxy "
        f"{here['proxy']['mean']:.2f}, KL {here['kl']['mean']:.1f} nats. "
        f"Numbers beside the points are values of {method['dial']}.",
        quiet,
    )
