"""What all figures share: a figure that knows its text, colours, and bands over prompts."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import figure, rc_context
from matplotlib.axes import Axes

from ...base import require
from ...base.progress import in_notebook
from ...estimators import Interval, bootstrap_interval
from ..closed import FIRST_LINE
from ..guesses import guess, in_words
from .labels import EndLabels, settle
from .mark import mark_guess
from .pixels import few_colours
from .svg import as_address, squeezed

# Each reads on white and on #111 (contrast 3 and more on both), and any two differ with every
# common form of colour blindness; each line also has a marker and a dash of its own. The last is
# the ink of axes and words: 4.3 on white and on #111, the most that one grey can have on both.
COLOURS = ("#2E73C8", "#E0660A", "#00A06A", "#C86FB0", "#7E5B18", "#8B3FE8", "#797979")
INK = COLOURS[6]
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
STYLE = {
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titleweight": "bold",
    "figure.titleweight": "bold",
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,  # the grid shows where a number stands
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.dpi": 100,
    "svg.fonttype": "none",
    "svg.hashsalt": "course",
}
PIXELS = 100  # an inch of a figure on the screen
CAPTION = "margin:2px 0 8px;text-align:left;font-style:normal;line-height:1.45"
# Colab's dark ground is lighter than that of others
LIFTED = "<style>html[theme=dark] .ck-plot img{filter:brightness(1.4)}</style>"
PNG_WIDTH = 440  # pixels of its stand-in, where HTML is not shown


class Figure(figure.Figure):
    """A matplotlib figure that knows its text.

    ``summary`` says what it shows: the caption below it in a notebook, the line printed elsewhere.
    """

    summary: str = ""

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.ends: list[EndLabels] = []  # names of lines that look for a place

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on the screen, in pixels."""
        return round(self.get_figwidth() * PIXELS), round(self.get_figheight() * PIXELS)

    def guessed(
        self, name: str, x: float | None = None, axis: str = "y", panel: int = 0
    ) -> "Figure":
        """The figure with the reader's guess in it (``quiz.predict``), named "your guess: 1.2".

        ``x``: draw a diamond there, as high as the guess; without it a line at the guess: across
        (``axis="y"``) or upright (``axis="x"``), in the ``panel``-th of the panels. The summary
        gets a sentence, which is all where the guess is a text or where the axis has no place for
        it. Unchanged when nothing was guessed.
        """
        require(axis in ("x", "y"), f'axis must be "x" or "y"; got {axis!r}.')
        require(0 <= panel < len(self.axes), f"there are {len(self.axes)} panels; got {panel!r}.")
        value = guess(name)
        if value is None:
            return self
        said = f"“{value}”" if isinstance(value, str) else in_words(value)
        if not isinstance(value, str):
            with rc_context(STYLE):
                mark_guess(self.axes[panel], value, x, axis, f"your guess: {said}")
                settle(self)
        sentence = f"Your guess was {said}."
        self.summary = f"{self.summary} {sentence}".strip()
        if not in_notebook():
            print(sentence)
        return self

    def png(self) -> bytes:
        """The picture as PNG bytes on a transparent ground; the summary stands in its metadata."""
        drawn = io.BytesIO()
        with rc_context(STYLE):
            self.savefig(drawn, format="png", dpi=PNG_WIDTH / self.get_figwidth())
        return few_colours(drawn.getvalue(), self.summary)

    def svg(self) -> str:
        """The picture as SVG: one line, in the font of the reader's system."""
        drawn = io.StringIO()
        with rc_context(STYLE):
            self.savefig(drawn, format="svg", metadata={"Date": None})
        return squeezed(drawn.getvalue(), *self.size)

    def image(self) -> str:
        """An HTML ``<img>`` of the SVG whose ``alt`` is the whole summary."""
        return self._image(self.summary)

    def _image(self, alt: str) -> str:
        width, height = self.size
        return (
            f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto" src="{as_address(self.svg())}">'
        )

    def html(self) -> str:
        """The picture with the summary as its caption; ``alt`` says only what kind it is."""
        alt = f"Figure: {self.summary.split(': ')[0].rstrip('.')}. Its numbers stand below it."
        return (
            f'<figure class="ck-plot" style="margin:0;max-width:{self.size[0]}px">'
            f"{self._image(alt)}"
            f'<figcaption style="{CAPTION}">{html.escape(self.summary)}</figcaption></figure>'
            f"{LIFTED}"
        )

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict]]:
        shown = {
            "text/plain": f"Figure: {self.summary}",
            "text/html": FIRST_LINE + self.html(),
            "image/png": base64.b64encode(self.png()).decode(),
        }
        return shown, {"image/png": {"alt": self.summary}}


def new(columns: int = 1, width: float = 7.0, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """An empty figure of ``width`` × ``height`` inches and its axes, side by side."""
    fig = Figure(figsize=(width, height), layout="constrained")
    axes = list(np.atleast_1d(fig.subplots(1, columns)))
    for axis in axes:
        axis.grid(True, clip_on=False)  # never outside, and shorter to write down
    return fig, axes


def done(fig: Figure, summary: str, quiet: bool = False) -> Figure:
    """``fig`` with its summary, and the names of its lines in their places.

    The summary is printed unless ``quiet``; not in a notebook, where it stands below the picture.
    """
    fig.summary = summary
    settle(fig)
    if not quiet and not in_notebook():
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
