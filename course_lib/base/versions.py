"""The versions that results depend on."""

import platform

import numpy as np
import torch


def versions():
    """The versions that results depend on."""
    import transformers

    from .. import __version__

    return {
        "course": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
