"""Progress bars: shown in a terminal or notebook, silent elsewhere and under ``--quiet``.

Short work shows none. In a notebook a bar appears after a second and a half, is drawn as HTML in
the cell's own output, and leaves nothing there: no widget, and no box of an empty error stream,
which is what a text bar leaves when it wipes itself out.
"""

import contextlib
import html
import sys
import time
from collections.abc import Iterator
from typing import Any

quiet = False  # True under --quiet: then no bar is shown anywhere
PATIENCE = 1.5  # seconds of work before a notebook shows a bar
PAUSE = 0.3  # seconds between two states of it
# JupyterLab keeps 20 pixels for the output of a cell that has none left
NO_ROOM = """<script>document.getElementById("ck-no-room") || document.head.append(Object.assign(
document.createElement("style"), {id: "ck-no-room", textContent:
".jp-Cell-outputWrapper:not(:has(.jp-OutputArea-child)) { display: none; }"}))</script>"""


def in_notebook() -> bool:
    """True inside a Jupyter or Colab kernel (not in plain IPython)."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return type(shell).__name__ in {"ZMQInteractiveShell", "Shell"}


def on_colab() -> bool:
    """True on Colab, whose kernel brings a module of its own."""
    return "google.colab" in sys.modules


def bar(total: float, label: str, unit: str = "it") -> Any:
    """A bar over ``total`` units with tqdm's ``update``, ``set_postfix`` and ``close``."""
    if in_notebook() and not quiet:
        return NotebookBar(total, label, unit)
    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()
    return tqdm(
        total=total,
        desc=label,
        unit=unit,
        disable=hidden,
        leave=False,
        mininterval=PAUSE,
        file=sys.stderr,
    )


class NotebookBar:
    """A ``<progress>`` in the output of the cell that runs.

    At the end its display is replaced by one without any data. JupyterLab and Notebook 7 then show
    nothing there, and a notebook that is built drops it (``authoring/output.py``).
    """

    def __init__(self, total: float, label: str, unit: str) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.n: float = 0
        self.facts = ""
        self.started = time.monotonic()
        self.drawn = 0.0  # when it was drawn last
        self.handle: Any = None  # IPython's, once it is shown

    def update(self, n: float = 1) -> None:
        """Count ``n`` more units as done."""
        self.n += n
        now = time.monotonic()
        if now - self.started >= PATIENCE and now - self.drawn >= PAUSE:
            self.drawn = now
            self._draw()

    def set_postfix(self, facts: dict | None = None, refresh: bool = True, **more: Any) -> None:
        """Facts to show behind the bar, at its next state."""
        shown = {**(facts or {}), **more}
        self.facts = ", ".join(f"{name} {value}" for name, value in shown.items())

    def close(self) -> None:
        """Take the bar away."""
        if self.handle is not None:
            self.handle.update({}, raw=True)
            self.handle = None

    def __enter__(self) -> "NotebookBar":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _draw(self) -> None:
        from IPython.display import display

        data = {"text/html": self.html(), "text/plain": self.text()}
        if self.handle is None:
            data["text/html"] += NO_ROOM
            self.handle = display(data, raw=True, display_id=True)
        else:
            self.handle.update(data, raw=True)

    def text(self) -> str:
        """How far it is, and about how long it will take, in words."""
        share = self.n / self.total if self.total else 1.0
        left = (time.monotonic() - self.started) * (1 - share) / share if share else 0.0
        parts = [f"{self.label}: {self.n:,.0f} of {self.total:,.0f} ({self.unit})"]
        parts.append(f"about {left:.0f} s left" if left < 90 else f"about {left / 60:.0f} min left")
        return ", ".join([*parts, self.facts] if self.facts else parts)

    def html(self) -> str:
        """The bar with the same words."""
        return (
            '<div style="font-size:.9em"><label>'
            f'<progress max="{self.total:g}" value="{self.n:g}" '
            'style="width:12em;max-width:40%;vertical-align:middle"></progress> '
            f"{html.escape(self.text())}</label></div>"
        )


@contextlib.contextmanager
def no_loading_bars() -> Iterator[None]:
    """Load a checkpoint without transformers' own bars, and without its report of the weights.

    Ours are the bars a reader should see, and who loads says in words what is missing.
    """
    from transformers.utils import logging

    shown, told = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity(max(told, logging.ERROR))
    try:
        yield
    finally:
        logging.set_verbosity(told)
        if shown:
            logging.enable_progress_bar()
