"""Printing where the terminal cannot show a character, or has closed its pipe.

Text here has "×", "→" and "±". A console in cp1252, cp437 or ASCII lacks some of them; a program
that has done its work must not die of its last line.
"""

import codecs
import errno
import os
import shutil
import sys
import textwrap
import unicodedata
from typing import Any, TextIO

PLAIN = {
    "×": "x", "·": "|", "−": "-", "–": "-", "—": "-", "→": "->", "←": "<-", "↔": "<->", "±": "+-",
    "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "∝": "~", "∞": "inf", "√": "sqrt", "Σ": "sum",
    "‖": "||", "“": '"', "”": '"', "‘": "'", "’": "'", "✓": "ok", "✗": "no", "█": "#", "•": "*",
    "€": "EUR", "£": "GBP", "⁻": "-", "²": "^2", "³": "^3",
}  # fmt: skip
HANDLER = "course-plain"  # the name of the error handler, for ``errors=``
CLOSED_PIPE = 141  # the exit status of a program that a closed pipe ended: 128 + SIGPIPE


def plain(error: UnicodeError) -> tuple[str, int]:
    """The error handler: what cannot be encoded becomes ASCII, "?" where nothing stands for it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(stand_in, lacking)), error.end


def stand_in(character: str) -> str:
    """ASCII for one character: of :data:`PLAIN`, without its accents, by its Greek name, or "?"."""
    if character in PLAIN:
        return PLAIN[character]
    simple = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    if simple:
        return simple
    name = unicodedata.name(character, "")
    return name.split()[-1].lower() if name.startswith("GREEK") else "?"


codecs.register_error(HANDLER, plain)


def make_printable(*streams: TextIO) -> None:
    """Let text streams print any text. Those that have no encoding of their own stay as they are.

    Such as a notebook's.
    """
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=HANDLER)


def shows_unicode(stream: Any) -> bool:
    """Whether every character can be written to ``stream`` as it is."""
    name = getattr(stream, "encoding", None) or "utf-8"
    try:
        return codecs.lookup(name).name.startswith("utf")
    except LookupError:
        return False


def columns_of(stream: Any) -> int | None:
    """How many columns the terminal behind ``stream`` has; None where it is a file or a pipe."""
    isatty = getattr(stream, "isatty", None)
    return shutil.get_terminal_size().columns if isatty and isatty() else None


def fitted(text: str, columns: int | None) -> str:
    """``text`` with long lines broken at blanks; as it is where ``columns`` is None.

    What was broken goes on below, further in by two.
    """
    if columns is None:
        return text
    return "\n".join(_broken(line, columns) for line in text.split("\n"))


def _broken(line: str, columns: int) -> str:
    if len(line) <= columns:
        return line
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line.strip(),
        columns,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def is_closed_pipe(error: OSError) -> bool:
    """Whether ``error`` says that nobody reads what is printed any more, as after ``| head``."""
    # Windows reports a closed pipe as an invalid argument
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == 22)


def is_full(error: OSError) -> bool:
    """Whether ``error`` says that there is no room for what is written."""
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def flush() -> None:
    """Write out what was printed, so that a closed pipe shows here and not after the end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def drop_output() -> None:
    """Send what is still printed nowhere, so that Python's own last flush does not complain."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        for stream in (sys.stdout, sys.stderr):
            try:
                os.dup2(nowhere.fileno(), stream.fileno())
            except (AttributeError, OSError, ValueError):  # a stream without a file
                continue
