"""``course build-assets``: pretrain the policies of the worlds, train the reward models, sample and
score the stored pools.

Everything follows from the seeds in :mod:`~course_lib.assets.helpdesk`,
:mod:`~course_lib.assets.careful`, :mod:`~course_lib.assets.arithmetic` and
:mod:`~course_lib.assets.temperatures`. On the machine and
versions named in the manifest the files come out the same byte for byte; elsewhere the last bits of
the weights may differ.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from . import arithmetic, careful, helpdesk, temperatures

# in order: the last reads the first
WORLDS = {
    "helpdesk": helpdesk,
    "helpdesk-careful": careful,
    "arithmetic": arithmetic,
    "temperatures": temperatures,
}


def build(
    out: Path | str,
    miniature: bool = False,
    worlds: Sequence[str] = tuple(WORLDS),
    log: Callable[[str], None] = print,
) -> dict:
    """Build the assets of ``worlds``, in that order, under ``out``; returns the manifest.

    The manifest is written to ``out``/manifest.json. Finished parts wait in ``out``/.WORLD.partial,
    so an interrupted build goes on; ``out``/WORLD is replaced at the end.
    """
    for name in worlds:
        world = WORLDS[name]
        manifest = world.build(Path(out), world.MINIATURE if miniature else world.FULL, log)
    return manifest
