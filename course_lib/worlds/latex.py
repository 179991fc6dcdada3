r"""LaTeX as plain text: what a small answer needs of it, and no more.

``\frac{1}{2}`` becomes ``1/2``, ``1{,}000`` and ``1\,000`` lose their marks, ``\text{ cm}`` its
command. A command that is not known here stays and makes the number beside it unreadable.
"""

import re

from .characters import CLOSE, OPEN, THIN, place_fractions

# what JSON and Python make of a backslash that was not doubled, as in "\boxed" and "\times"
_LOST = re.compile(r"\x08(?=oxed)|\x0c(?=rac)|\t(?=imes\b|ext\{|frac\b)")
_LETTER = {"\x08": r"\b", "\x0c": r"\f", "\t": r"\t"}

_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname|emph)\s?"
    r"\{([^{}]*+)\}"
)
_SEPARATOR = re.compile(r"\{\s?(,|\.|~|\\[,;: !])\s?\}")  # 1{,}000
_TOP = r"(?:\{\s?([-+]?[0-9][0-9.,]*+)\s?\}|([0-9]))"
_FRACTION = re.compile(rf"\\[dtc]?frac\s?{_TOP}\s?{_TOP}")
_THIN_AND_MORE = re.compile(rf" ?{THIN}[ {THIN}]*+")
_COMMAND = re.compile(r"\\(?:[a-zA-Z]++|.)", re.DOTALL)

_MEANS: dict[str, str] = {
    **dict.fromkeys((r"\,", r"\;", r"\:", r"\ ", r"\>", r"\thinspace", r"\space"), THIN),
    **dict.fromkeys((r"\!", r"\left", r"\right", r"\displaystyle", r"\textstyle", r"\bf"), ""),
    **dict.fromkeys((r"\quad", r"\qquad", r"\hfill"), "  "),
    **dict.fromkeys((r"\(", r"\)", r"\[", r"\]"), "$"),
    **dict.fromkeys((r"\times", r"\cdot", r"\ast"), "×"),
    **dict.fromkeys((r"\approx", r"\simeq", r"\equiv", r"\doteq"), "="),
    **dict.fromkeys((r"\pm", r"\mp"), "±"),
    **dict.fromkeys((r"\le", r"\leq", r"\lt", r"\leqslant"), "≤"),
    **dict.fromkeys((r"\ge", r"\geq", r"\gt", r"\geqslant"), "≥"),
    **dict.fromkeys((r"\ne", r"\neq"), "≠"),
    **dict.fromkeys((r"\dots", r"\ldots", r"\cdots"), "…"),
    **dict.fromkeys((r"\circ", r"\degree"), "°"),
    **dict.fromkeys((r"\to", r"\rightarrow", r"\Rightarrow", r"\implies", r"\therefore"), "→"),
    **{"\\" + char: char for char in "$%&#_{}"},
    r"\div": "÷",
    r"\in": "∈",
    r"\pi": "π",
    r"\\": "\n",
    r"\n": "\n",
}


def with_backslashes(text: str) -> str:
    r"""The text with the backslashes that a careless quotation of ``\boxed`` or ``\frac`` lost."""
    return _LOST.sub(lambda m: _LETTER[m[0]], text)


def without_latex(text: str) -> str:
    r"""The text without LaTeX, as far as answers need it. Time is linear in the text.

    ``\boxed`` and ``\fbox`` stay, as do commands that are not known; what stood in ``\text`` is
    quoted, so that a unit is told from a variable.
    """
    if "\\" not in text and "{,}" not in text:
        return text
    text = _SEPARATOR.sub(lambda m: m[1], text)
    text = _TEXT.sub(r'"\1"', text)
    text = text.replace(r"^\circ", "°").replace(r"^{\circ}", "°")
    text = text.replace("\\!", "").replace("~", THIN)
    text = place_fractions(_FRACTION.sub(_plain_fraction, text))
    text = _COMMAND.sub(lambda m: _MEANS.get(m[0], m[0]), text.replace("{10}^", "10^"))
    return _THIN_AND_MORE.sub(THIN, text)


def _plain_fraction(match: re.Match[str]) -> str:
    top = match[1] or match[2]
    bottom = match[3] or match[4]
    return f"{OPEN}{top}/{bottom}{CLOSE}"
