"""The entry point of the ``course`` command."""

import sys
from collections.abc import Sequence

from ..base import CourseError, progress, terminal
from .parser import build_parser

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status.

    0, 1 after a clear error (2 where 1 has a meaning of its own), 130 when interrupted, 141 when
    nobody reads what is printed any more.
    """
    terminal.make_printable(sys.stdout, sys.stderr)
    try:
        try:
            return run_command_line(argv)
        finally:
            # --help ends by an exception: what it printed is flushed too
            terminal.flush()
    except OSError as error:
        if terminal.is_full(error):
            print(
                "course: no space left where this is written. Make room and run it again.",
                file=sys.stderr,
            )
            terminal.drop_output()
            return 1
        if not terminal.is_closed_pipe(error):
            raise
        terminal.drop_output()
        return terminal.CLOSED_PIPE


def run_command_line(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns the exit status."""
    parser = build_parser()
    args = parser.parse_args(argv)
    args.argv = list(sys.argv[1:] if argv is None else argv)  # for processes that do the same
    if args.command is None:
        parser.print_help()
        return 0
    before, progress.quiet = progress.quiet, args.quiet
    try:
        return args.function(args) or 0
    except CourseError as error:
        columns = terminal.columns_of(sys.stderr)
        print(terminal.fitted(f"course: {error}", columns), file=sys.stderr)
        return getattr(args, "error", 1)
    except KeyboardInterrupt:
        print(
            "course: interrupted. Stages and parts that were finished are kept; run the same "
            "command again to go on.",
            file=sys.stderr,
        )
        return INTERRUPTED
    finally:
        progress.quiet = before  # whoever called this from Python keeps their bars


if __name__ == "__main__":
    sys.exit(main())
