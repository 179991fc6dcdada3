"""What points to an answer in a reply, what takes one back, and what a reply says at all."""

import re

from .chains import Doubt
from .numbers import MAX_STATEMENT, plain_text
from .statements import Behind, read_box, read_surroundings

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
_TOKEN = re.compile(
    r"<\|[a-zA-Z_]{1,24}\|>|<(?:end|start)_of_turn>"
)  # a model's end mark, such as <|im_end|>
_BOLD = re.compile(r"(?<![0-9])\*\*|\*\*(?![0-9])")
_TIMES = re.compile(r"(?<=[0-9])([ ]?)[xX](?=[ ]?[$€£]?[.]?[0-9])")

_NEAR = 120  # characters in which an answer may be taken back
_TAKEN_BACK = re.compile(
    r"[\s\W]{0,12}"
    r"(?i:or|no|wait|actually|alternatively|hmm|maybe|perhaps|possibly|oops|sorry|correction|but"
    r"|however|on\ second\ thought|let\ me\ (?:re-?)?(?:check|do|calculate|count))\b"
    r"[^\n]{0,80}[0-9]"
)
# what is said of an answer that is none: before it in its sentence, and behind it
_NOT_MEANT = re.compile(
    r"\b(?:wrong|incorrect|false|mistaken?|mistakes|error|trap|cannot|can't|not|never|isn't"
    r"|unlikely|doubt(?:ful)?|what if|suppose|supposing|assum(?:e|es|ed|ing)|imagine|pretend|guess"
    r"|(?:might|may|could|would|some) (?:say|think|believe|claim|argue|answer|guess)"
    r"|(?:if|whether)(?= (?:(?:the|my|our|your|his|her|its|final|correct|right) ){0,3}\Z)"
    r"|(?:if|whether)(?= (?:the )?\Z))\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.!?;:\n]|,|\b(?:but|so|hence|thus|therefore|then)\b", re.IGNORECASE)
_NOT_TRUE = re.compile(
    r"\b(?:wrong|incorrect|false|mistaken|contradict\w{0,6}|absurd|impossible"
    r"|(?:not|isn't|can't be|cannot be) (?:the )?(?:right|correct|true|possible|answer|it\b))\b",
    re.IGNORECASE,
)
# where another turn of the dialogue begins, the reply has ended
_OTHER_TURN = re.compile(
    r"<\|(?:im_start|start_header_id|start)\|>\s{0,2}(?:user|human|system)\b"
    r"|<\|(?:user|human|system|prompter)\|>|\[INST\]|<start_of_turn>\s{0,2}user\b"
    r"|<\|start_of_role\|>user|<(?:user|human)>",
    re.IGNORECASE,
)
_OFFERED = re.compile(r"[0-9][^\n.]{0,40}\b(?i:or|either)\W{0,6}\Z")
_DENIED = re.compile(r"(?i:\bnot|n't|\bnever)[^\w\n]{0,4}\Z")
_BULLET = re.compile(r"\n[ \t]{0,8}[-+*][ \t]{1,4}\Z")
# a box that is part of a calculation
_GOES_ON = re.compile(
    r"\s?[/^×÷]|[ ]?\*[ ]?[0-9\\(]|[ ]?[π√±]|[0-9.](?=[0-9])|[0-9]"
    r"|\s?[+-]\s?[0-9\\(]|[ ]?\\(?:sqrt|log)\b"
)
_GOES_BEFORE = re.compile(
    r"(?:[-+/^×÷√π≤≥≠]\s?\$?|[0-9]|\s[<>]\s?|\}\{"
    r"|\\(?!boxed|fbox)[a-zA-Z]++\s?(?:\[[^]\n]{0,9}\])?\{|\\(?:sqrt|log|ln|sin|cos|tan)\s?|\)"
    r"|(?<![a-zA-Z])[a-zA-Z])\Z"
)
_LABEL = re.compile(r"([^\S\n]{0,3}\n?\s{0,8})[\"*]{0,2}([1-9]|[12][0-9])[.)][\"*]?[ \t]{1,4}(\S)")
_CHOICES = re.compile(r"[^\n]*\n+[ \t]*B[:.)]")
_SCALE = re.compile(
    r'[\s$"*]{0,4}(%|percent\b|per cent\b|thousand\b|million\b|billion\b|trillion\b)'
)


def spoken(text: str) -> str | None:
    """What a reply says after its last think block; None when that never ended.

    What follows where a turn of somebody else begins is no part of it.
    """
    other = next((m for m in _OTHER_TURN.finditer(text) if text[: m.start()].strip()), None)
    text = text[: other.start()] if other else text
    start = 0
    for match in _THOUGHT.finditer(text):
        start = -1 if match["open"] else match.end()
    return None if start < 0 else text[start:]


def prepared(text: str) -> str:
    """The text in one spelling, without what only decorates it. Time is linear in the text."""
    text = _TOKEN.sub("\n", plain_text(text))
    # a quote in the place of each mark: what stood apart must not become one number
    for pattern in (_HTML, _SOLVED, _BOLD):
        text = pattern.sub('"', text)
    return _TIMES.sub(r"\1×", text)


def check_behind(text: str, start: int, end: int) -> None:
    """Raise :class:`Doubt` where the answer from ``start`` to ``end`` is taken back."""
    behind = text[end : end + _NEAR]
    sentence = re.match(r"[\s\W]{0,6}[^\n.!?]*+", behind)
    if _NOT_TRUE.search(text[start:end] + (sentence[0] if sentence else "")):
        raise Doubt("the answer is called wrong")
    if _TAKEN_BACK.match(text[end : end + _NEAR]):
        raise Doubt("the answer is taken back, or another one is offered")


def check_label(mark: re.Match[str], behind: str) -> None:
    """Raise :class:`Doubt` where the number behind a mark may be the label of a list or heading.

    As in ``#### 2. Multiply`` or "Answer:", above a line that begins with "1."
    """
    label = _LABEL.match(behind)
    if label and mark.lastgroup != "box":
        listed = mark.lastgroup == "says" and "\n" in label[1]
        if listed or mark.lastgroup != "says" or not label[3][0].isalpha():
            raise Doubt("the number may be the label of a step", told=listed)


def check_mark(text: str, mark: re.Match[str]) -> None:
    """Raise :class:`Doubt` for an ``<answer>`` left open, ``A: 5`` among choices, "or #### 5"."""
    behind = text[mark.end() : mark.end() + MAX_STATEMENT]
    if _OFFERED.search(text[max(0, mark.start() - _NEAR) : mark.start()]):
        raise Doubt("the answer is one of several")
    if mark.lastgroup in ("says", "box"):
        before = text[max(0, mark.start() - _NEAR) : mark.start()]
        if _NOT_MEANT.search(_CLAUSE.split(before)[-1]):
            raise Doubt("the answer is denied, or only supposed")
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
    number = read_box(content)
    others = read_surroundings(content.strip(' "$'), before, "" if scale else after)
    return Behind(number.or_else(*others), close + 1 - mark.end())


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that opened before ``start``."""
    depth = 1
    for place in range(start, min(len(text), start + MAX_STATEMENT)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise Doubt("the box is not closed")
