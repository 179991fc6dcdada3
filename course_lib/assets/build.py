"""``course build-assets``: pretrain the policies of the worlds, train the reward models, sample and
score the stored pools.

Everything follows from the seeds in :mod:`~course_lib.assets.helpdesk`,
:mod:`~course_lib.assets.careful`, :mod:`~course_lib.assets.arithmetic` and
:mod:`~course_lib.assets.temperatures`. On the machine and versions named in the manifest the files
come out the same byte for byte; elsewhere the last bits of the weights may differ. One thread does
it, so that the number of cores changes nothing; where several worlds are built on several cores,
the one that takes longest has a process of its own.
"""

import multiprocessing
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ..base import require
from . import arithmetic, careful, helpdesk, temperatures
from .parts import adopt

# in order: the last reads the first
WORLDS = {
    "helpdesk": helpdesk,
    "helpdesk-careful": careful,
    "arithmetic": arithmetic,
    "temperatures": temperatures,
}
LONGEST = "arithmetic"  # which none of the others reads


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
    out = Path(out)
    beside = LONGEST in worlds and len(worlds) > 1 and not miniature and (os.cpu_count() or 1) > 1
    apart = out / f".{LONGEST}.apart"
    if beside:
        spawn = multiprocessing.get_context("spawn")
        process = spawn.Process(target=_build_one, args=(apart, LONGEST, miniature))
        process.start()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in worlds:
            if not (beside and name == LONGEST):
                manifest = _build_one(out, name, miniature, log)
    finally:
        torch.set_num_threads(threads)
        if beside:
            process.join()
    if beside:
        require(
            process.exitcode == 0,
            f"building the world {LONGEST} ended with status {process.exitcode}, see above. Run "
            "the command again: it goes on where it was.",
        )
        manifest = adopt(out, apart, LONGEST, log)
        shutil.rmtree(apart)
    return manifest


def _build_one(
    out: Path, name: str, miniature: bool, log: Callable[[str], None] | None = None
) -> dict:
    """Build one world with one thread. Returns the manifest."""
    torch.set_num_threads(1)
    world = WORLDS[name]
    size = world.MINIATURE if miniature else world.FULL
    return world.build(out, size, log or _say)


def _say(line: str) -> None:
    print(line, flush=True)
