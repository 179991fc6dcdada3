"""What authors and instructors run: building, proving, releasing, and the bundled assets."""

import sys
from argparse import Namespace
from pathlib import Path

from ..base import free_to_write, require, terminal


def build_command(args: Namespace) -> int:
    """``course build``: returns 1 when ``--check`` finds differences."""
    from ..authoring import build_all, check_all, write_solved

    if args.solved:
        free_to_write(args.solved, args.force, folder=True)
        for path in write_solved(args.names, args.solved):
            print(path)
        return 0
    if not args.check:
        build_all(args.names, execute=not args.no_execute)
        return 0
    found = check_all(args.names)
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(
            "The notebooks differ from their sources: run `course build` and commit the result.",
            file=sys.stderr,
        )
    return int(bool(found))


def prove_command(args: Namespace) -> int:
    """``course prove``: returns 1 when something is not proven."""
    from ..authoring import proofs

    return proofs.prove_command(args.names, args.json)


def release_command(args: Namespace) -> None:
    """``course release``."""
    from ..authoring import releasable, release_exercise, secret_of

    keys = Path(args.keys)
    sources = releasable(args.names, args.all, args.out, args.cohort, keys)
    for source in sources:
        print(release_exercise(source, args.out, args.nbgrader))
    if args.cohort:
        secret_of(args.cohort, keys, create=True)
        said = (
            f"The secret seed of cohort {args.cohort} is in {keys}: keep that file, and keep "
            f"it to yourself. `course grade --cohort {args.cohort}` draws hidden inputs from it."
        )
        print(terminal.fitted(said, terminal.columns_of(sys.stdout)))


def build_assets_command(args: Namespace) -> int:
    """``course build-assets``: returns 1 when ``--check`` finds a changed file."""
    from ..assets import FOLDER, build, check

    folder = args.out or FOLDER
    if args.check:
        problems = check(folder)
        print("\n".join(problems) or "every bundled file is as in the manifest")
        return int(bool(problems))
    require(
        not args.miniature or args.out,
        "--miniature needs --out DIR, so that it never replaces the bundled models.",
    )
    worlds = [args.world] if args.world else list(build.WORLDS)
    if args.out:  # the package's own are there to be made again
        for world in worlds:
            free_to_write(Path(args.out) / world, args.force, folder=True)
    build.build(
        folder,
        args.miniature,
        worlds,
        log=lambda line: print(line, flush=True),
    )
    return 0
