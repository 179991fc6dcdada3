"""Progress bars: shown in a terminal or notebook, silent elsewhere and under ``--quiet``."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

quiet = False  # True under --quiet: then no bar is shown anywhere


def in_notebook() -> bool:
    """True inside a Jupyter or Colab kernel (not in plain IPython)."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return type(shell).__name__ in {"ZMQInteractiveShell", "Shell"}


def bar(total: float, label: str, unit: str = "it") -> Any:
    """A tqdm bar over ``total`` units, cleared when done so that saved outputs stay clean.

    In a notebook the bar goes to stderr as text and is removed at the end: no widget state is left
    behind.
    """
    from tqdm import tqdm

    hidden = quiet or not (sys.stderr.isatty() or in_notebook())
    return tqdm(
        total=total,
        desc=label,
        unit=unit,
        disable=hidden,
        leave=False,
        mininterval=0.3,
        file=sys.stderr,
    )


@contextlib.contextmanager
def no_loading_bars() -> Iterator[None]:
    """Load a checkpoint without transformers' own bars: ours are the ones a reader should see."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
