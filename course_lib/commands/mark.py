"""``course mark``: written answers read side by side, and their points written to the gradebook."""

import argparse
import getpass
import sys
import threading
from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext, suppress

# (name, help, function) → the parser of a new command
AddCommand = Callable[[str, str, Callable], argparse.ArgumentParser]


def mark_command(args: Namespace) -> None:
    """``course mark``: serves the page until Ctrl+C, then says how far marking is."""
    from ..grading.desk import opened, served
    from ..grading.marking import Desk

    desk = Desk(args.gradebook, args.exercise, args.author or _me())
    # Ctrl+C may come as soon as the address can be read
    with served(desk, args.port) as server, suppress(KeyboardInterrupt):
        print(f"Written answers of {args.exercise}, on this machine alone: {server.address}")
        print("Each mark is in the gradebook as soon as it is given. Ctrl+C ends.", flush=True)
        with opened(server.address) if args.browser else nullcontext():
            threading.Event().wait()
    print(f"\n{desk.standing()}", file=sys.stderr)


def _me() -> str:
    """The name of who runs this, or "" where the system does not know."""
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def add_mark(command: AddCommand) -> None:
    """The parser of ``course mark``."""
    p = command(
        "mark",
        "mark written answers in the browser, names hidden; points go to the gradebook",
        mark_command,
    )
    p.add_argument("gradebook", help="the gradebook that `course grade` made")
    p.add_argument("exercise", help="such as ex03")
    p.add_argument("--author", help="who marks (default: your user name)")
    p.add_argument(
        "--port", type=int, default=0, help="of the page on 127.0.0.1 (default: a free one)"
    )
    p.add_argument(
        "--no-browser", dest="browser", action="store_false", help="only print the address"
    )
