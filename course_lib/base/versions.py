"""The versions that results depend on."""

import platform


def versions() -> dict[str, str]:
    """Name → version of this library, Python, torch, transformers and numpy."""
    import numpy as np
    import torch
    import transformers

    from .. import __version__

    return {
        "course": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }
