"""Figures of verifiable rewards.

What many samples of one problem answer, shares of a whole, pass@k against k, and how distinct right
paths grow with the number of samples. All shares are drawn in per cent.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from .figure import COLOURS, INK, STYLE, Figure, band, done, look, new, powers_axis, stored_band
from .labels import SIZE, name_lines

LEAST = 7  # per cent of a bar in which its number has room
SHADE = 0.18  # of an area between two lines


def crossing(ks: Sequence[int], first: Sequence[float], other: Sequence[float]) -> int | None:
    """The first k from which ``first`` stays above ``other``, when ``other`` was above before.

    ``first``, ``other``: (K,) means at ``ks``. None when the two do not change places.
    """
    lead = np.asarray(first) - np.asarray(other)  # (K,)
    ahead = lead > 1e-9
    if lead[0] > -1e-9 or not ahead[-1]:
        return None
    last_behind = int(np.flatnonzero(~ahead)[-1])
    return ks[last_behind + 1]


def line(axis: Axes, x: Sequence[float], matrix: np.ndarray, name: str, k: int) -> list[float]:
    """Draw one curve without a band, and return its means. ``matrix`` is (P, len(x))."""
    means = np.asarray(matrix, dtype=float).mean(0)
    axis.plot(x, means, **look(k), markersize=4, label=name)
    return means.tolist()


@rc_context(STYLE)
def answer_counts(
    counts: Mapping[str, int],
    right: str,
    usual: str | None = None,
    most: int = 10,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """How often each answer was given to one problem, the most frequent first.

    ``counts``: answer → how many samples gave it; ``right``: the right answer; ``usual``: a wrong
    one to be named "the usual mistake". At most ``most`` answers have a bar of their own; the
    others, of which none is ``right`` or ``usual``, are one bar.
    """
    require(counts, "nothing to draw: give at least one answer with its count.")
    ordered = sorted(counts, key=lambda answer: -counts[answer])
    kept = [a for k, a in enumerate(ordered) if k < most or a in (right, usual)]
    numbers = {answer: counts[answer] for answer in kept}
    rest = len(counts) - len(kept)
    if rest:
        numbers[f"{rest} others"] = sum(counts.values()) - sum(numbers.values())
    named = {right: ("right", COLOURS[2]), usual: ("the usual\nmistake", COLOURS[1])}
    fig, (axis,) = new(height=2.8)
    for k, (answer, number) in enumerate(numbers.items()):
        name, colour = named.get(answer, ("", COLOURS[6]))
        axis.bar(k, number, color=colour, width=0.72, alpha=1 if name else 0.55)
        label = f"{name}\n{number}" if name else str(number)
        weight = "bold" if name else "normal"
        axis.annotate(
            label, (k, number), xytext=(0, 2), textcoords="offset points", ha="center",
            va="bottom", fontsize=SIZE, fontweight=weight, color=colour,
        )  # fmt: skip
    axis.set_xticks(range(len(numbers)), list(numbers))
    axis.grid(False, axis="x")
    axis.margins(y=0.35)
    axis.set_xlabel("answer")
    axis.set_ylabel("samples")
    axis.set_title(title)
    marks = "" if usual is None else f", {usual} is the usual mistake"
    parts = ", ".join(f"{answer} {number} times" for answer, number in numbers.items())
    start = title or f"Answers of {sum(counts.values())} samples to one problem"
    return done(fig, f"{start}: {parts}. {right} is right{marks}.", quiet)


@rc_context(STYLE)
def shares(
    rows: Mapping[str, Sequence[float]],
    parts: Sequence[str],
    xlabel: str,
    colours: Sequence[int] = (2, 1, 6),
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Bars that lie, each a whole cut into the same parts, in per cent.

    ``rows``: name → one share for each of ``parts``, together 1; the first row is at the top. The
    parts are named above it in their colours, the places ``colours`` in the course's list.
    """
    wrong = [n for n, r in rows.items() if len(r) != len(parts) or abs(sum(r) - 1) > 1e-6]
    require(
        rows and not wrong,
        f"each row needs {len(parts)} shares that add up to 1; "
        f"look at {', '.join(wrong) or 'the rows: there are none'}.",
    )
    fig, (axis,) = new(height=1.2 + 0.38 * len(rows))
    require(len(colours) == len(parts), f"a colour for each of {list(parts)}; got {list(colours)}.")
    values = 100 * np.array(list(rows.values()), dtype=float)  # (rows, parts)
    places = np.arange(len(rows))[::-1]
    left = np.zeros(len(rows))
    for part, k, wide in zip(parts, colours, values.T, strict=True):
        axis.barh(places, wide, left=left, color=COLOURS[k], height=0.72, label=part)
        for y, start, value in zip(places, left, wide, strict=True):
            if value >= LEAST:
                axis.text(
                    start + value / 2, y, f"{value:.0f} %", ha="center", va="center",
                    color="white", fontweight="bold", fontsize=SIZE,
                )  # fmt: skip
        left = left + wide
    axis.set_yticks(places, list(rows))
    axis.set_xlim(0, 100)
    axis.grid(False)
    axis.set_xlabel(xlabel)
    legend = axis.legend(bbox_to_anchor=(0.5, 1.0), loc="lower center", ncols=len(parts))
    for text, k in zip(legend.get_texts(), colours, strict=True):
        text.set(color=COLOURS[k], fontweight="bold")
    fig.suptitle(title)
    said = [
        f"{name}: " + ", ".join(f"{p} {v:.0f} %" for p, v in zip(parts, row, strict=True))
        for name, row in zip(rows, values, strict=True)
    ]
    return done(fig, f"{title or xlabel}: " + "; ".join(said) + ".", quiet)


@rc_context(STYLE)
def pass_at_k(
    ks: Sequence[int],
    curves: Mapping[str, np.ndarray],
    title: str = "",
    quiet: bool = False,
    ylabel: str = "pass@k (% of problems)",
    bands: Collection[str] | None = None,
) -> Figure:
    """pass@k in per cent on a log-2 axis, each curve with its 95 % band over problems.

    ``ks``: sizes; ``curves``: name → (P, len(ks)) shares by problem, as from
    :func:`course_lib.estimators.pass_at_k`. The first curve is the one that the text compares the
    others with. ``ylabel``: where some curve is not pass@k. ``bands``: names of the curves that get
    a band (default: all); where many would overlap, give one and show the differences apart.
    """
    require(curves, "nothing to draw: give at least one curve.")
    unknown = set(bands or ()) - set(curves)
    require(
        not unknown,
        f"bands names no curve of the figure: {', '.join(sorted(unknown))}. There are: "
        f"{', '.join(curves)}.",
    )
    fig, (axis,) = new()
    means = {}
    for k, (name, matrix) in enumerate(curves.items()):
        draw = band if bands is None or name in bands else line
        means[name] = draw(axis, ks, 100 * np.asarray(matrix, dtype=float), name, k)
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_ylim(bottom=0)
    axis.set_title(title)
    name_lines(axis, loc="upper left")
    first = next(iter(means))
    parts = []
    for name, values in means.items():
        at = None if name == first else crossing(ks, means[first], values)
        turn = "" if at is None else f", below {first} from k = {at} on"
        parts.append(
            f"{name} goes from {values[0]:.0f} % at k = {ks[0]} to {values[-1]:.0f} % at k = "
            f"{ks[-1]}{turn}"
        )
    which = "Bands" if bands is None else f"Band of {' and '.join(bands)}"
    text = f"{title or ylabel}: " + "; ".join(parts) + f". {which}: 95 % over problems."
    return done(fig, text, quiet)


@rc_context(STYLE)
def breadth(
    ks: Sequence[int],
    warm: Mapping[str, Sequence[Mapping]],
    cold: Mapping[str, Sequence[Mapping]],
    names: tuple[str, str] = ("T = 1", "cold"),
    quiet: bool = False,
) -> Figure:
    """pass@k of several policies, each at two temperatures: a colour a policy, dashes for cold.

    ``warm``, ``cold``: policy → one stored interval for each k, a dictionary with "mean"; the same
    policies in the same order. ``names``: what the two temperatures are called.
    """
    require(
        warm
        and list(warm) == list(cold)
        and all(len(v) == len(ks) for v in [*warm.values(), *cold.values()]),
        f"give the same policies warm and cold, each with {len(ks)} intervals.",
    )
    fig, (axis,) = new()
    parts = []
    for style, name_of, levels in (("-", names[0], warm), ("--", names[1], cold)):
        for k, (policy, points) in enumerate(levels.items()):
            means = [100 * point["mean"] for point in points]
            name = f"{policy}, {name_of}"
            settings = {**look(k), "linestyle": style}
            axis.plot(ks, means, **settings, markersize=4, label=name)
            parts.append(f"{name} goes from {means[0]:.0f} % to {means[-1]:.0f} %")
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_ylabel("pass@k (% of problems)")
    axis.set_ylim(bottom=0)
    name_lines(axis, loc="upper left")
    text = f"pass@k from k = {ks[0]} to {ks[-1]}: " + "; ".join(parts) + "."
    return done(fig, text, quiet)


@rc_context(STYLE)
def pass_gain(
    ks: Sequence[int],
    gains: Mapping[str, Sequence[Mapping]],
    start: str = "the start policy",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """How much pass@k differs from that of the policy it started from, by k, one panel a method.

    ``gains``: name → one stored interval for each k, a dictionary with "mean", "low" and "high"
    (shares; drawn in points). The axis of k is log-2, and zero is marked.
    """
    require(
        gains and all(len(values) == len(ks) for values in gains.values()),
        f"give at least one method, each with {len(ks)} intervals.",
    )
    fig, axes = new(columns=len(gains), width=max(4.0, 2.7 * len(gains)), height=2.9)
    lows = [100 * value["low"] for values in gains.values() for value in values]
    highs = [100 * value["high"] for values in gains.values() for value in values]
    parts = []
    # the first colour stays with the start policy
    for k, (axis, (name, values)) in enumerate(zip(axes, gains.items(), strict=True), 1):
        points = [{key: 100 * v[key] for key in ("mean", "low", "high")} for v in values]
        axis.axhline(0, color=COLOURS[0], linewidth=1.5)
        stored_band(axis, ks, points, name, k)
        powers_axis(axis, ks, "k (log scale)")
        axis.set_ylim(min(lows) - 3, max(highs) + 3)
        axis.set_title(name)
        first, last = points[0]["mean"], points[-1]["mean"]
        parts.append(f"{name} {first:+.0f} at k = {ks[0]} and {last:+.0f} at k = {ks[-1]}")
        if k > 1:
            axis.set_yticklabels([])
    axes[0].set_ylabel(f"pass@k minus that of\n{start} (points)")
    fig.suptitle(title)
    text = f"{title or f'pass@k minus that of {start}, in points'}: " + "; ".join(parts)
    return done(fig, text + ". Bands: 95 % over seeds and problems.", quiet)


@rc_context(STYLE)
def paths_against_k(
    ks: Sequence[int],
    right: np.ndarray,
    distinct: np.ndarray,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Right replies per problem and their distinct paths against k; between them lie the copies.

    ``right``, ``distinct``: (P, len(ks)) counts by problem. Both axes are linear: a straight line
    means "in proportion to k".
    """
    shapes = [np.shape(right), np.shape(distinct)]
    require(
        shapes[0] == shapes[1] and len(shapes[0]) == 2 and shapes[0][1] == len(ks) > 0,
        f"right and distinct must both have shape (problems, {len(ks)}); got {shapes}.",
    )
    fig, (axis,) = new(height=3.2)
    upper = line(axis, ks, right, "right replies", 0)
    lower = line(axis, ks, distinct, "distinct paths", 2)
    axis.fill_between(ks, lower, upper, color=INK, alpha=SHADE, linewidth=0)
    middle = (upper[-1] + lower[-1]) / 2
    axis.text(0.93 * ks[-1], middle, "copies", ha="right", va="center", fontweight="bold")
    axis.set_xticks([k for k in ks if k >= ks[-1] / 8], [str(k) for k in ks if k >= ks[-1] / 8])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("k, samples per problem")
    axis.set_ylabel("per problem, mean")
    axis.set_title(title)
    name_lines(axis, loc="upper left")
    text = (
        f"{title or 'Right replies per problem and their distinct paths'}: at k = {ks[-1]} there "
        f"are {upper[-1]:.1f} right replies with {lower[-1]:.1f} distinct paths; the rest are "
        "copies."
    )
    return done(fig, text, quiet)
