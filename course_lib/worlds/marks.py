"""What points to an answer in a reply, what takes one back, and what a reply says at all."""

import re

from .chains import Doubt
from .numbers import MAX_STATEMENT, plain_text
from .statements import Behind, read_box

MARK = re.compile(
    r"""
    (?P<hashes>(?<!\#)\#{4,}+)
  | (?P<box>\\(?:boxed|fbox)(?![a-zA-Z]))
  | (?P<says>
        \b(?i:answers?)["*_`]{0,4}
            (?:\s{1,3}(?i:is|was|would\ be|should\ be|equals)\b|\s{0,3}(?::|=))[*_:]{0,4}
      | 答案\s?(?:是|为|:)
      | <(?i:answer)>)
  | (?P<letter>^[ \t]{0,8}A:)
    """,
    re.VERBOSE | re.MULTILINE,
)
NAMES = {"hashes": "####", "box": "\\boxed", "says": "answer is", "letter": "A:"}

# a model that was shown examples goes on with a question of its own
NEXT_QUESTION = re.compile(
    r"^[ \t]{0,4}[*#]{0,4}[ ]?(?:Q|Question|Problem|Human|User)(?:[ ]?[0-9]{1,3})?:",
    re.MULTILINE | re.IGNORECASE,
)

_NAME = r"(?:thinking|thoughts?|think|reasoning|reflection|scratchpad|analysis)"
_THOUGHT = re.compile(
    rf"(?P<open>[<◁\[]\|?(?:begin_of_)?{_NAME}\|?[>▷\]]|<\|channel\|>analysis)"
    rf"|[<◁\[](?:/|\|?/|\|end_of_){_NAME}\|?[>▷\]]|<\|channel\|>final",
    re.IGNORECASE,
)
_HTML = re.compile(
    r"</?(?:b|i|u|em|strong|span|p|div|br|code|sup)\b[^<>\n]{0,60}>|^>[ ]", re.I | re.M
)
_SOLVED = re.compile(r"<<[^<>\n]{0,80}+>>(?=\s?[$€£]?\s?[0-9])")  # GSM8K's 6*7=<<6*7=42>>42
_TOKEN = re.compile(r"<\|[a-zA-Z_]{1,24}\|>")  # a model's end mark, such as <|im_end|>
_BOLD = re.compile(r"(?<![0-9])\*\*|\*\*(?![0-9])")
_TIMES = re.compile(r"(?<=[0-9])([ ]?)[xX](?=[ ]?[$€£]?[.]?[0-9])")

_NEAR = 120  # characters in which an answer may be taken back
_TAKEN_BACK = re.compile(
    r"[\s\W]{0,12}"
    r"(?i:or|no|wait|actually|alternatively|hmm|maybe|perhaps|possibly|oops|sorry|correction)\b[^\n]{0,80}[0-9]"
)
_OFFERED = re.compile(r"[0-9][^\n.]{0,40}\b(?i:or|either)\W{0,6}\Z")
_DENIED = re.compile(r"(?i:\bnot|n't|\bnever)\W{0,4}\Z")
_BULLET = re.compile(r"\n[ \t]{0,8}[-+*][ \t]{1,4}\Z")
# a box that is part of a calculation
_GOES_ON = re.compile(
    r"\s?[/^×÷]|[ ]?[π√±]|[0-9.](?=[0-9])|[0-9]|\s?[+-]\s?[0-9\\(]|[ ]?\\(?:sqrt|log)\b"
)
_GOES_BEFORE = re.compile(r"(?:[-+/^×÷√π≤≥≠]\s?\$?|[0-9]|\s[<>]\s?|frac\s?\{|\}\{)\Z")
_CHOICES = re.compile(r"[^\n]*\n+[ \t]*B[:.)]")
_SCALE = re.compile(
    r'[\s$"*]{0,4}(%|percent\b|per cent\b|thousand\b|million\b|billion\b|trillion\b)'
)


def spoken(text: str) -> str | None:
    """What a reply says after its last think block; None when that never ended."""
    start = 0
    for match in _THOUGHT.finditer(text):
        start = -1 if match["open"] else match.end()
    return None if start < 0 else text[start:]


def prepared(text: str) -> str:
    """The text in one spelling, without what only decorates it. Time is linear in the text."""
    text = _HTML.sub(" ", _TOKEN.sub("\n", plain_text(text)))
    return _TIMES.sub(r"\1×", _BOLD.sub("", _SOLVED.sub(" ", text)))


def check_behind(text: str, end: int) -> None:
    """Raise :class:`Doubt` where the answer that ends at ``end`` is taken back."""
    if _TAKEN_BACK.match(text[end : end + _NEAR]):
        raise Doubt("the answer is taken back, or another one is offered")


def check_mark(text: str, mark: re.Match[str]) -> None:
    """Raise :class:`Doubt` for an ``<answer>`` left open, and ``A: 5`` among choices."""
    behind = text[mark.end() : mark.end() + MAX_STATEMENT]
    if mark[0].startswith("<") and "</" not in behind:
        raise Doubt("the answer is not closed")
    if mark.lastgroup == "letter" and _CHOICES.match(behind):
        raise Doubt("a list of choices")


def read_boxed(text: str, mark: re.Match[str]) -> Behind | None:
    """The number in the box of a mark. None where no box is made ("write \\boxed around it")."""
    opened = re.compile(r"\s{0,3}\{").match(text, mark.end())
    if opened is None:
        if text[mark.end() : mark.end() + 2].strip()[:1].isdigit():
            raise Doubt("the box has no brackets")
        return None
    close = _closing(text, opened.end())
    content = text[opened.end() : close]
    before, after = text[max(0, mark.start() - _NEAR) : mark.start()], text[close + 1 :][:_NEAR]
    scale = _SCALE.match(after)
    if scale:
        content += " " + scale[1]
    elif _GOES_ON.match(after):
        raise Doubt("the box is part of a calculation")
    bullet = _BULLET.search("\n" * (mark.start() <= _NEAR) + before)
    if not bullet and (_GOES_BEFORE.search(before) or _DENIED.search(before)):
        raise Doubt("the box is part of a calculation, or denied")
    if _OFFERED.search(before):
        raise Doubt("the box is one of several answers")
    return Behind(read_box(content), close + 1 - mark.end())


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that opened before ``start``."""
    depth = 1
    for place in range(start, min(len(text), start + MAX_STATEMENT)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise Doubt("the box is not closed")
