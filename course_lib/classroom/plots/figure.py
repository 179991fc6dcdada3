"""What all figures share: a figure that knows its text, colours, and bands over prompts."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import figure
from matplotlib.axes import Axes

from ...base import require
from ...estimators import Interval, bootstrap_interval

# Okabe and Ito (2008): distinct with every common form of colour blindness; each line also has a
# marker and a dash of its own
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "figure.dpi": 100,
}


class Figure(figure.Figure):
    """A matplotlib figure that knows its text.

    ``summary`` is the line printed beside it and the picture's alt text.
    """

    summary: str = ""

    def png(self) -> bytes:
        """The picture as PNG bytes in 64 colours, about 10 kB.

        The summary stands in its metadata.
        """
        from PIL import Image, PngImagePlugin

        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=100)
        text = PngImagePlugin.PngInfo()
        text.add_itxt("Description", self.summary)
        few_colours = Image.open(drawn).convert("RGB").quantize(64)
        small = io.BytesIO()
        few_colours.save(small, format="PNG", optimize=True, pnginfo=text)
        return small.getvalue()

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict]]:
        data = base64.b64encode(self.png()).decode()
        size = {"width": int(self.get_figwidth() * 100), "height": int(self.get_figheight() * 100)}
        picture = (
            f'<img alt="{html.escape(self.summary)}" width="{size["width"]}" '
            f'src="data:image/png;base64,{data}">'
        )
        shown = {"text/plain": f"Figure: {self.summary}", "text/html": picture, "image/png": data}
        return shown, {"image/png": {**size, "alt": self.summary}}


def new(columns: int = 1, width: float = 7.0, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """An empty figure of ``width`` × ``height`` inches and its axes, side by side."""
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, list(np.atleast_1d(fig.subplots(1, columns)))


def done(fig: Figure, summary: str, quiet: bool = False) -> Figure:
    """``fig`` with its summary, which is printed unless ``quiet``."""
    fig.summary = summary
    if not quiet:
        print(summary)
    return fig


def heading(title: str, label: str) -> str:
    """How a summary begins: with the title, or else with an axis label as a sentence begins."""
    return title or label[0].upper() + label[1:]


def look(k: int) -> dict[str, Any]:
    """Colour, marker and dash of the ``k``-th curve, as settings of matplotlib."""
    return {
        "color": COLOURS[k % len(COLOURS)],
        "marker": MARKERS[k % len(MARKERS)],
        "linestyle": DASHES[k % len(DASHES)],
    }


def powers_axis(axis: Axes, ns: Sequence[int], label: str) -> None:
    """A log-2 axis with whole numbers written at ``ns``."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(ns, [str(n) for n in ns])
    axis.minorticks_off()
    axis.set_xlabel(label)


def band(
    axis: Axes, x: Sequence[float], matrix: np.ndarray, name: str, k: int, level: float = 0.95
) -> list[float]:
    """Draw one curve, the mean over prompts with its interval band, and return its means.

    ``matrix`` is (P, len(x)).
    """
    matrix = np.asarray(matrix, dtype=float)  # (P, X)
    require(
        matrix.ndim == 2 and matrix.shape[1] == len(x),
        f"curve {name!r} must have shape (prompts, {len(x)}); got {matrix.shape}.",
    )
    intervals = [bootstrap_interval(column, level) for column in matrix.T]
    means = [value.mean for value in intervals]
    low = [value.low for value in intervals]
    high = [value.high for value in intervals]
    settings = look(k)
    axis.fill_between(x, low, high, color=settings["color"], alpha=0.2, linewidth=0)
    axis.plot(x, means, **settings, markersize=4, label=name)
    return means


def stored_band(
    axis: Axes, x: Sequence[float], points: Sequence[Mapping], name: str, k: int
) -> None:
    """The same curve from stored intervals, dictionaries with "mean", "low" and "high"."""
    means = [point["mean"] for point in points]
    low = [point["low"] for point in points]
    high = [point["high"] for point in points]
    settings = look(k)
    axis.fill_between(x, low, high, color=settings["color"], alpha=0.2, linewidth=0)
    axis.plot(x, means, **settings, markersize=4, label=name)


def bars(values: Sequence[Interval]) -> list[list[float]]:
    """Lengths of the error bars below and above each mean, as matplotlib wants them."""
    below = [value.mean - value.low for value in values]
    above = [value.high - value.mean for value in values]
    return [below, above]


def stored_bars(points: Sequence[Mapping]) -> list[list[float]]:
    """The same from stored intervals, dictionaries with "mean", "low" and "high"."""
    below = [point["mean"] - point["low"] for point in points]
    above = [point["high"] - point["mean"] for point in points]
    return [below, above]


def ring(axis: Axes, x: float, y: float, colour: str, size: float) -> None:
    """An open circle around one point."""
    axis.plot(
        x,
        y,
        "o",
        markersize=size,
        markerfacecolor="none",
        markeredgecolor=colour,
        markeredgewidth=2,
    )


def root(values: np.ndarray) -> np.ndarray:
    """Square root with 0 for negative numbers, which a root scale meets at its edge."""
    return np.sqrt(np.maximum(values, 0))
