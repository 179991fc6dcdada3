"""The versions that results depend on."""

import platform

VERSION = "0.1.0"  # of this library


def versions() -> dict[str, str]:
    """Name → version of this library, Python, torch, transformers and numpy."""
    import numpy as np
    import torch
    import transformers

    return {
        "course": VERSION,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
