"""Progress bars: shown in a terminal or notebook, silent elsewhere and under ``--quiet``."""

import contextlib
import sys

quiet = False


def in_notebook():
    """True inside a Jupyter or Colab kernel (not in plain IPython)."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return type(shell).__name__ in {"ZMQInteractiveShell", "Shell"}


def bar(total, label, unit="it"):
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
def no_loading_bars():
    """Loading a checkpoint without the library's own bars.

    Ours are the ones a reader should see.
    """
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
