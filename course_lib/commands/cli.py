"""The entry point of the ``course`` command."""

import sys
from collections.abc import Sequence

from ..base import CourseError, progress
from .parser import build_parser

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status: 0, 1 after a clear error, 130 when interrupted."""
    args = build_parser().parse_args(argv)
    progress.quiet = args.quiet
    try:
        return args.function(args) or 0
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "course: interrupted. Finished stages are kept; run the same command again to go on.",
            file=sys.stderr,
        )
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
