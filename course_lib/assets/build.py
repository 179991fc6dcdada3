"""``course build-assets``: pretrain the policies of the worlds, train the reward models, sample and
score the stored pools.

Everything follows from the seeds in :mod:`~course_lib.assets.helpdesk`,
:mod:`~course_lib.assets.arithmetic` and :mod:`~course_lib.assets.temperatures`. On the machine and
versions named in the manifest the files come out the same byte for byte; elsewhere the last bits of
the weights may differ.
"""

from pathlib import Path

from ..base import require
from . import FOLDER, arithmetic, check, helpdesk, temperatures

# in order: the last reads the first
WORLDS = {"helpdesk": helpdesk, "arithmetic": arithmetic, "temperatures": temperatures}


def build(out, miniature=False, worlds=tuple(WORLDS), log=print):
    """Build the assets of ``worlds``, in that order, under ``out`` and write ``out``/manifest.json,
    which is returned.

    Finished parts wait in ``out``/.WORLD.partial, so an interrupted build goes on; ``out``/WORLD is
    replaced at the end.
    """
    for name in worlds:
        world = WORLDS[name]
        manifest = world.build(Path(out), world.MINIATURE if miniature else world.FULL, log)
    return manifest


def main(args):
    """The command: build, build a miniature elsewhere, or check the files against the manifest."""
    if args.check:
        problems = check(args.out or FOLDER)
        print("\n".join(problems) or "every bundled file is as in the manifest")
        return 1 if problems else 0
    require(
        not args.miniature or args.out,
        "--miniature needs --out DIR, so that it never replaces the bundled models.",
    )
    build(
        args.out or FOLDER,
        args.miniature,
        [args.world] if args.world else tuple(WORLDS),
        log=lambda line: print(line, flush=True),
    )
    return 0
