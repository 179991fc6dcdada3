"""The versions that results depend on."""


def versions() -> dict[str, str]:
    """The versions that results depend on."""
    # imported when asked for: ``course_lib.base`` itself must stay light, so that saving a point
    # in the progress file takes milliseconds
    import platform

    import numpy
    import torch
    import transformers

    from .. import __version__

    return {
        "course": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": numpy.__version__,
    }
