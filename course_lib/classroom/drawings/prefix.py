"""The shared prefix: n candidates need the prompt's computation once, not n times."""

from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ..plots.figure import STYLE, Figure, done
from . import ink

MOST = 8  # rows; of more candidates the first seven and the last are drawn
TOP, ROW, HIGH = 92, 24, 15  # units: the middle of the first row, from one to the next, a bar
LEFT, RIGHT, WIDE = 14, 372, 314  # units: where each half begins, and how wide it is
FAN = 34  # units between the shared prompt and the replies


@rc_context(STYLE)
def shared_prefix(
    prompt_tokens: int = 400, n: int = 8, reply_tokens: int = 100, quiet: bool = False
) -> Figure:
    """What is computed for n candidates: n times the prompt, or the prompt once.

    Left: n · (prompt + reply) tokens. Right: prompt + n · reply.
    """
    for name, value in {
        "prompt_tokens": prompt_tokens,
        "n": n,
        "reply_tokens": reply_tokens,
    }.items():
        require(value == int(value) and value > 0, f"{name} must be a whole number above 0.")
    whole, shared = tokens_computed(prompt_tokens, n, reply_tokens)
    rows = min(n, MOST)
    fig, axis = ink.sheet(TOP + ROW * rows + 6)
    unit = (WIDE - FAN) / (prompt_tokens + reply_tokens)  # units a token, the same in both halves
    long, short = prompt_tokens * unit, reply_tokens * unit
    _title(axis, LEFT, "each candidate by itself", whole)
    _title(axis, RIGHT, "the prompt only once", shared)
    middle = TOP + ROW * (rows - 1) / 2
    joint = RIGHT + long
    for row in range(rows):
        y = TOP + ROW * row
        if n > rows and row == rows - 2:
            for x in (LEFT + long, joint + FAN + short / 2):
                ink.words(axis, x, y, f"… {n} in all", align="center")
            continue
        _piece(axis, LEFT, y, long, ink.POLICY)
        _piece(axis, LEFT + long, y, short, ink.KEPT)
        ink.curve(axis, (joint, middle), (joint + FAN - 1, y), ink.INK, 1.0)
        _piece(axis, joint + FAN, y, short, ink.KEPT)
    _piece(axis, RIGHT, middle, long, ink.POLICY)
    for x, y, end in ((LEFT, TOP, LEFT + long + short), (RIGHT, middle, joint + FAN + short)):
        above = HIGH / 2 + 10
        ink.words(axis, x, y - above, f"prompt, {prompt_tokens:,}", ink.POLICY, bold=True)
        words = f"reply, {reply_tokens:,}"
        ink.words(axis, end, TOP - above, words, ink.KEPT, bold=True, align="right")
    text = (
        f"The shared prefix: {n} candidates of {reply_tokens:,} tokens to one prompt of "
        f"{prompt_tokens:,}; each by itself they cost {whole:,} tokens; when the prompt is read "
        f"once and its keys and values are shared, {shared:,}."
    )
    return done(fig, text, quiet)


def tokens_computed(prompt_tokens: int, n: int, reply_tokens: int) -> tuple[int, int]:
    """Tokens that pass through the model: the prompt for each candidate, and the prompt once."""
    return n * (prompt_tokens + reply_tokens), prompt_tokens + n * reply_tokens


def _title(axis: Axes, x: float, words: str, tokens: int) -> None:
    ink.words(axis, x, 22, words, size=11, bold=True)
    ink.words(axis, x, 44, f"{tokens:,} tokens through the model", size=10)


def _piece(axis: Axes, x: float, y: float, width: float, colour: str) -> None:
    ink.bar(axis, x + 0.5, y - HIGH / 2, width - 1, HIGH, colour, 0.75)
