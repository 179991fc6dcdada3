"""Figures of the lessons: one question each, colours that survive colour blindness, units, interval bands, a text beside them.

Every function prints one line that says what the picture shows and returns a :class:`Figure`. In a notebook the figure
appears as an HTML picture whose ``alt`` text is that line (JupyterLab's own PNG display has no alt text), with a plain PNG for
front ends that do not show HTML.
"""

import base64
import html
import io

import numpy as np
from matplotlib import figure, rc_context
from matplotlib.patches import FancyBboxPatch

from .errors import require
from .estimators import bootstrap_interval

# Okabe and Ito (2008): distinct with every common form of colour blindness; each line also has a marker and a dash of its own
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
STYLE = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "axes.titlesize": 11,
         "legend.frameon": False, "figure.dpi": 100}


class Figure(figure.Figure):
    """A matplotlib figure that knows its text: ``summary`` is the line printed beside it and the picture's alt text."""

    summary = ""

    def png(self):
        """The picture as PNG bytes, in 64 colours (about 10 kB), with the summary in its metadata."""
        from PIL import Image, PngImagePlugin
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=100)
        small, text = io.BytesIO(), PngImagePlugin.PngInfo()
        text.add_itxt("Description", self.summary)
        Image.open(drawn).convert("RGB").quantize(64).save(small, format="PNG", optimize=True, pnginfo=text)
        return small.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = base64.b64encode(self.png()).decode()
        size = {"width": int(self.get_figwidth() * 100), "height": int(self.get_figheight() * 100)}
        picture = f'<img alt="{html.escape(self.summary)}" width="{size["width"]}" src="data:image/png;base64,{data}">'
        return {"text/plain": f"Figure: {self.summary}", "text/html": picture, "image/png": data}, {"image/png": {**size, "alt": self.summary}}


def _new(columns=1, width=7.0, height=3.6):
    """An empty figure and its axes (a list)."""
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, list(np.atleast_1d(fig.subplots(1, columns)))


def _done(fig, summary, quiet=False):
    fig.summary = summary
    if not quiet:
        print(summary)
    return fig


def _powers_axis(axis, ns, label):
    """A log-2 axis with whole numbers written at ``ns``."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(ns, [str(n) for n in ns])
    axis.minorticks_off()
    axis.set_xlabel(label)


def _band(axis, x, matrix, name, k, level=0.95):
    """One curve: the mean over prompts with its interval band. ``matrix`` is (P, len(x)). Returns the means."""
    matrix = np.asarray(matrix, dtype=float)
    require(matrix.ndim == 2 and matrix.shape[1] == len(x), f"curve {name!r} must have shape (prompts, {len(x)}); got {matrix.shape}.")
    intervals = [bootstrap_interval(column, level) for column in matrix.T]
    colour = COLOURS[k % len(COLOURS)]
    axis.fill_between(x, [i.low for i in intervals], [i.high for i in intervals], color=colour, alpha=0.2, linewidth=0)
    axis.plot(x, [i.mean for i in intervals], color=colour, marker=MARKERS[k % len(MARKERS)], linestyle=DASHES[k % len(DASHES)], markersize=4, label=name)
    return [i.mean for i in intervals]


@rc_context(STYLE)
def best_of_n(ns, curves, ylabel="gold reward of the best of n (points)", title="", quiet=False):
    """Curves against n on a log-2 axis, each with its 95 % band over prompts.

    ``ns``: sizes; ``curves``: name → (P, len(ns)) values by prompt, as from :func:`course_lib.estimators.best_of_n_curve`.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = _new()
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = _band(axis, ns, matrix, name, k)
        peak = int(np.argmax(means))
        turn = f", highest {means[peak]:.2f} at n = {ns[peak]}" if peak < len(ns) - 1 and means[peak] > means[-1] + 0.005 else ""
        parts.append(f"{name} goes from {means[0]:.2f} at n = {ns[0]} to {means[-1]:.2f} at n = {ns[-1]}{turn}")
    _powers_axis(axis, ns, "n, candidates per prompt (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    if len(curves) > 1:
        axis.legend()
    return _done(fig, f"{title or ylabel[0].upper() + ylabel[1:]}: " + "; ".join(parts) + ". Bands: 95 % over prompts.", quiet)


@rc_context(STYLE)
def reward_histogram(rewards, chosen=None, xlabel="gold reward (points)", title="", quiet=False):
    """How the rewards of candidates spread. ``rewards``: any shape; ``chosen``: the reward of a chosen reply, marked by a line."""
    values = np.asarray(rewards, dtype=float).ravel()
    values = values[~np.isnan(values)]
    require(values.size, "no rewards to draw.")
    fig, (axis,) = _new(height=3.0)
    axis.hist(values, bins=min(30, max(5, int(np.sqrt(values.size) * 2))), color=COLOURS[0], alpha=0.75, edgecolor="white", linewidth=0.5)
    axis.axvline(values.mean(), color=COLOURS[6], linestyle="--", label=f"mean {values.mean():.2f}")
    mark = ""
    if chosen is not None:
        axis.axvline(float(chosen), color=COLOURS[1], linewidth=2, label=f"chosen {float(chosen):.2f}")
        mark = f" The chosen reply has {float(chosen):.2f}."
    axis.set_xlabel(xlabel)
    axis.set_ylabel("number of candidates")
    axis.set_title(title)
    axis.legend()
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    return _done(fig, f"{title or xlabel[0].upper() + xlabel[1:]} of {values.size} candidates: lowest {low:.2f}, median {middle:.2f}, mean {values.mean():.2f}, highest {high:.2f}.{mark}", quiet)


@rc_context(STYLE)
def cost_quality(costs, curves, ns=None, xlabel="tokens sampled per answer (log scale)", ylabel="gold reward (points)", title="", quiet=False):
    """What quality costs. ``costs``: (K,) price of each setting; ``curves``: name → (P, K) values by prompt; ``ns`` labels the points."""
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = _new()
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = _band(axis, costs, matrix, name, k)
        parts.append(f"{name} goes from {means[0]:.2f} at {costs[0]:.0f} to {means[-1]:.2f} at {costs[-1]:.0f}")
        if k == 0 and ns is not None:
            for n, x, y in zip(ns, costs, means):
                axis.annotate(f"n = {n}", (x, y), textcoords="offset points", xytext=(4, -11), fontsize=8)
    axis.set_xscale("log")
    axis.set_xticks(costs, [f"{cost:,.0f}" for cost in costs])
    axis.minorticks_off()
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    axis.legend()
    return _done(fig, f"{title or 'Quality against cost'}, by {xlabel.removesuffix(' (log scale)')}: " + "; ".join(parts) + ". Bands: 95 % over prompts.", quiet)


@rc_context(STYLE)
def intervals(names, values, xlabel, reference=None, reference_name="reference", title="", quiet=False):
    """Means with their intervals, one row each.

    ``values``: :class:`~course_lib.estimators.Interval` objects; ``reference``: a mark for each row, or one number for all, called ``reference_name``.
    """
    fig, (axis,) = _new(height=0.9 + 0.35 * len(names))
    rows = np.arange(len(names))[::-1]
    for row, value in zip(rows, values):
        axis.plot([value.low, value.high], [row, row], color=COLOURS[0], linewidth=2)
    axis.plot([v.mean for v in values], rows, "o", color=COLOURS[0], label="measured, 95 % interval")
    if reference is not None:
        axis.plot(np.broadcast_to(reference, len(names)), rows, "|", color=COLOURS[1], markersize=14, markeredgewidth=2, label=reference_name)
        axis.legend(bbox_to_anchor=(0.5, 1.0), loc="lower center", ncols=2)
    axis.set_yticks(rows, names)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xlabel(xlabel)
    axis.set_title(title)
    marks = "" if reference is None else f" Marks, {reference_name}: " + ", ".join(f"{mark:.2f}" for mark in np.broadcast_to(reference, len(names))) + "."
    return _done(fig, f"{title or xlabel[0].upper() + xlabel[1:]}: " + "; ".join(f"{n} {v}" for n, v in zip(names, values)) + f".{marks}", quiet)


@rc_context(STYLE)
def best_of_n_at(n, ns, curve, rewards, chosen, names, quiet=True):
    """Two panels for one setting of the best-of-n slider.

    Left: the selecting reward of the first n candidates of one prompt, ``rewards`` (n,), with that of the ``chosen`` one. Right: the evaluating
    reward of the best of n averaged over prompts, ``curve`` (P, len(ns)), with n marked. ``names``: of the selecting and evaluating reward.
    """
    fig, (left, right) = _new(columns=2, width=8.0, height=3.0)
    left.hist(rewards, bins=min(24, max(4, len(rewards) // 4)), color=COLOURS[0], alpha=0.75, edgecolor="white", linewidth=0.5)
    left.axvline(chosen, color=COLOURS[1], linewidth=2, label="chosen")
    left.set_xlabel(f"{names[0]} of {len(rewards)} candidates")
    left.set_ylabel("candidates")
    left.legend()
    means = _band(right, ns, curve, names[1], 0)
    here = list(ns).index(n)
    right.plot(n, means[here], marker="o", markersize=11, markerfacecolor="none", markeredgecolor=COLOURS[1], markeredgewidth=2)
    _powers_axis(right, ns, "n (log scale)")
    right.set_ylabel(f"{names[1]} of the best of n")
    return _done(fig, f"Best of {n} by {names[0]}: the chosen reply has {names[0]} {chosen:.2f}; over all prompts the mean {names[1]} of the best of {n} is {means[here]:.2f}.", quiet)


@rc_context(STYLE)
def loop(quiet=False):
    """The four steps as a picture: sample, score, select, finetune, and back."""
    fig, (axis,) = _new(height=2.0)
    axis.axis("off")
    axis.set(xlim=(-0.55, 3.55), ylim=(-0.75, 0.5))
    steps = (("sample", "N candidates\nfor each prompt"), ("score", "one number\nfor each candidate"), ("select", "keep the best\nof each prompt"), ("finetune", "train the policy\non what was kept"))
    for k, (name, text) in enumerate(steps):
        axis.text(k, 0.1, f"{name}\n", ha="center", va="center", fontsize=12, fontweight="bold", color=COLOURS[k])
        axis.text(k, 0.0, text, ha="center", va="center", fontsize=9)
        axis.add_patch(FancyBboxPatch((k - 0.38, -0.22), 0.76, 0.55, boxstyle="round,pad=0.02", fill=False, edgecolor=COLOURS[k], linewidth=1.5))
        if k:
            axis.annotate("", (k - 0.41, 0.05), (k - 0.59, 0.05), arrowprops={"arrowstyle": "->", "linewidth": 1.5})
    axis.annotate("", (0, -0.26), (3, -0.26), arrowprops={"arrowstyle": "->", "linewidth": 1.5, "connectionstyle": "arc,angleA=-90,angleB=-90,armA=25,armB=25,rad=8"})
    axis.text(1.5, -0.68, "another round, with the better policy", ha="center", va="bottom", fontsize=9)
    return _done(fig, "The four steps: sample N candidates for each prompt, score each, select the best of each prompt, finetune the policy on them; "
                      "the better policy can go round again. Best-of-N is the first three.", quiet)


FRONTIER_STYLE = {"best-of-N": (6, "."), "RFT, one round": (0, "o"), "RFT, three rounds pooled": (0, "s"), "RFT, three rounds pooled, reward model refreshed": (0, "^"),
                  "RAFT++": (5, "P"), "DPO": (2, "D"), "GRPO": (1, "v"), "RLOO": (4, "X"), "PPO": (3, "*")}


def frontier(result, title="", quiet=False):
    """Gold and proxy reward against KL for every method of ``benchmarks/frontier.py``.

    ``result``: what that benchmark stored. Small marks are the values of the dial that were tried, on the choosing seeds; a large mark is the
    chosen value on other seeds, with 95 % intervals over seeds and prompts. The line is best-of-N. KL is drawn on a square-root scale, up to 25
    nats; the title says how many points lie beyond.
    """
    with rc_context(STYLE):
        fig, axes = _new(2, 9.6, 4.6)
        methods = {name: m for name, m in result["methods"].items() if name in FRONTIER_STYLE}
        everywhere = [p["kl"]["mean"] for m in methods.values() for p in m["grid"].values()]
        right = min(25.0, 1.2 * max(everywhere))
        outside = sum(kl > right for kl in everywhere)
        for axis, reward in zip(axes, ("gold", "proxy")):
            ladder = sorted((p["kl"]["mean"], p[reward]["mean"]) for p in result["best_of_n"].values())
            axis.plot(*zip(*ladder), "-", color=COLOURS[6], marker=".", label="best-of-N (KL: bound)", zorder=2)
            for name, m in methods.items():
                if name == "best-of-N":
                    continue
                k, marker = FRONTIER_STYLE[name]
                tried = sorted((p["kl"]["mean"], p[reward]["mean"]) for p in m["grid"].values())
                axis.plot(*zip(*tried), ":", color=COLOURS[k], marker=marker, markersize=3.5, linewidth=0.8, alpha=0.7, zorder=1)
                x, y = m["shown"]["kl"], m["shown"][reward]
                axis.errorbar([x["mean"]], [y["mean"]], xerr=[[x["mean"] - x["low"]], [x["high"] - x["mean"]]], yerr=[[y["mean"] - y["low"]], [y["high"] - y["mean"]]],
                              color=COLOURS[k], marker=marker, markersize=7, capsize=2, elinewidth=1, linestyle="none", label=name, zorder=3,
                              markerfacecolor="none" if "rounds" in name else COLOURS[k])
            axis.axhline(result["base"][reward]["mean"], color="#666666", linewidth=0.8)
            axis.annotate("base policy", (0.99, result["base"][reward]["mean"]), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8, color="#666666")
            axis.set_xscale("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), np.square))
            axis.set_xticks([0, 0.25, 1, 2, 4, 8, 16, 24], ["0", "¼", "1", "2", "4", "8", "16", "24"])
            axis.set_xlim(0, right)
            axis.set_xlabel("KL to the base policy (nats, square-root scale)")
            axis.set_ylabel(f"{reward} reward ({'points' if reward == 'gold' else 'its own scale'})")
        low = min(m["shown"]["gold"]["low"] for m in methods.values())
        axes[0].set_ylim(bottom=max(axes[0].get_ylim()[0], min(0.0, low) - 1.0))
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
        axes[1].set_ylim(top=max(p["proxy"]["mean"] for m in methods.values() for p in m["grid"].values() if p["kl"]["mean"] <= right) + 0.3)
        fig.suptitle((title or "Reward against KL at the same number of sampled tokens") + (f" (values tried that lie beyond the right edge: {outside})" if outside else ""), fontsize=11)
    best = max((name for name in methods if name != "best-of-N"), key=lambda name: methods[name]["shown"]["gold"]["mean"])
    g = methods[best]["shown"]["gold"]
    return _done(fig, f"At {result['size']['budget']:,} sampled tokens the highest gold reward of a trained policy is {g['mean']:.2f} [{g['low']:.2f}, {g['high']:.2f}] ({best}), "
                      f"at KL {methods[best]['shown']['kl']['mean']:.1f}; the base policy has {result['base']['gold']['mean']:.2f}.", quiet)
