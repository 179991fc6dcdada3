"""What all figures share: a figure that knows its text, colours, and bands over prompts."""

import base64
import html
import io

import numpy as np
from matplotlib import figure

from ...base import require
from ...estimators import bootstrap_interval

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

    summary = ""

    def png(self):
        """The picture as PNG bytes, in 64 colours (about 10 kB), with the summary in its
        metadata.
        """
        from PIL import Image, PngImagePlugin

        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=100)
        small, text = io.BytesIO(), PngImagePlugin.PngInfo()
        text.add_itxt("Description", self.summary)
        Image.open(drawn).convert("RGB").quantize(64).save(
            small, format="PNG", optimize=True, pnginfo=text
        )
        return small.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = base64.b64encode(self.png()).decode()
        size = {"width": int(self.get_figwidth() * 100), "height": int(self.get_figheight() * 100)}
        picture = (
            f'<img alt="{html.escape(self.summary)}" width="{size["width"]}" '
            f'src="data:image/png;base64,{data}">'
        )
        return {"text/plain": f"Figure: {self.summary}", "text/html": picture, "image/png": data}, {
            "image/png": {**size, "alt": self.summary}
        }


def new(columns=1, width=7.0, height=3.6):
    """An empty figure and its axes (a list)."""
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, list(np.atleast_1d(fig.subplots(1, columns)))


def done(fig, summary, quiet=False):
    fig.summary = summary
    if not quiet:
        print(summary)
    return fig


def powers_axis(axis, ns, label):
    """A log-2 axis with whole numbers written at ``ns``."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(ns, [str(n) for n in ns])
    axis.minorticks_off()
    axis.set_xlabel(label)


def band(axis, x, matrix, name, k, level=0.95):
    """One curve: the mean over prompts with its interval band. ``matrix`` is (P, len(x)).

    Returns the means.
    """
    matrix = np.asarray(matrix, dtype=float)
    require(
        matrix.ndim == 2 and matrix.shape[1] == len(x),
        f"curve {name!r} must have shape (prompts, {len(x)}); got {matrix.shape}.",
    )
    intervals = [bootstrap_interval(column, level) for column in matrix.T]
    colour = COLOURS[k % len(COLOURS)]
    axis.fill_between(
        x,
        [i.low for i in intervals],
        [i.high for i in intervals],
        color=colour,
        alpha=0.2,
        linewidth=0,
    )
    axis.plot(
        x,
        [i.mean for i in intervals],
        color=colour,
        marker=MARKERS[k % len(MARKERS)],
        linestyle=DASHES[k % len(DASHES)],
        markersize=4,
        label=name,
    )
    return [i.mean for i in intervals]
