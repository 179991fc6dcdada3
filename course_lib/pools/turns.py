r"""Where a prompt ends and the replies begin, when files hold them together.

Preference data often holds two whole dialogues and no prompt ("implicit" in TRL's words): what they
share is the prompt. As messages they are compared one by one; as text the prompt ends at the last
mark of a turn that both share, such as ``"\n\nAssistant:"``, and without marks at a word's end.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..base import Message, Prompt, last_turn, messages_of, require, simplest
from .messages import Side, checked, from_chatml

ASSISTANT = "\n\nAssistant:"  # hh-rlhf's
MARKS = (
    "<|im_start|>assistant\n",
    "<|assistant|>",
    "<start_of_turn>model\n",
    "<|start_header_id|>assistant<|end_header_id|>",
    "[/INST]",
    "### Response:",
    "### Assistant:",
    "ASSISTANT:",
    "Assistant:",
)
# with what a dialogue as text begins, what may close a turn, and the tokens that end a reply
OPENING = re.compile(
    r"\s*(<\|\w+\|>|<s>|<bos>|<start_of_turn>|\[INST\]|(### ?)?(human|user|system|instruction):)",
    re.IGNORECASE,
)
BETWEEN = r"(?:<\|im_end\|>|<\|eot_id\|>|<\|end\|>|<end_of_turn>|</s>)?"
SPECIAL = re.compile(r"<\|\w+\|>|\[/INST\]|<start_of_turn>")
ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<|im_end|>", "<|eot_id|>", "<|end|>",
        "<end_of_turn>")  # fmt: skip
CLOSING = "?!:>]"
LONG = 20  # characters: a shorter prompt may stand at the beginning of replies by chance


class Divided(NamedTuple):
    """A prompt and the replies to it. ``unused``: a prompt beside the dialogues, not among them."""

    prompt: Prompt
    texts: list[str]
    unused: Prompt | None = None


def divided(asked: Prompt | None, sides: Sequence[Side]) -> Divided:
    """The prompt and the text of each reply.

    ``asked`` is the prompt that the file gives, None where it is only in ``sides``. Where the sides
    are dialogues with a history of their own, the history is the prompt. Raises
    :class:`CourseError` where they part before their last message, or share nothing.
    """
    texts = [side for side in sides if isinstance(side, str)]
    if len(texts) == len(sides):
        if asked is None:
            return Divided(*implicit(texts))
        return _repeated(asked, texts) or Divided(asked, texts)
    require(
        not texts,
        "found replies as text beside replies as dialogues; expected all in one form.",
    )
    dialogues = [side for side in sides if not isinstance(side, str)]
    size = _shared_messages(dialogues)
    shared = dialogues[0][:size]
    replies = [_only_reply(dialogue[size:]) for dialogue in dialogues]
    whole, unused = _joined(asked, shared)
    require(whole, "found a reply without a prompt before it; expected a message from the user.")
    return Divided(checked(whole, "the messages before the reply"), replies, unused)


def _shared_messages(dialogues: Sequence[list[Message]]) -> int:
    """How many messages the dialogues begin with in common; each keeps at least one more."""
    size = 0
    limit = min(len(dialogue) for dialogue in dialogues) - 1
    while size < limit and all(one[size] == dialogues[0][size] for one in dialogues):
        size += 1
    return size


def _only_reply(rest: list[Message]) -> str:
    require(
        len(rest) == 1,
        "found dialogues that part before their last message; expected the same messages up to "
        "one reply from the assistant.",
    )
    return rest[0]["content"]


def _joined(asked: Prompt | None, shared: list[Message]) -> tuple[list[Message], Prompt | None]:
    """The messages of the prompt, and ``asked`` where they do not hold it."""
    if asked is None:
        return shared, None
    before = messages_of(asked)
    if not shared or before[-len(shared) :] == shared:
        return before, None  # it may have a system message that the dialogues lack
    if shared[0]["role"] == "assistant":
        return before + shared, None  # the dialogue goes on where the prompt ends
    if before[0]["role"] == "system" and shared[0]["role"] != "system":
        shared = [before[0], *shared]
    said = {message["content"].strip() for message in shared}
    held = all(message["content"].strip() in said for message in before)
    return shared, None if held else asked


# ---- texts


def implicit(texts: Sequence[str]) -> tuple[Prompt, list[str]]:
    """The prompt with which all ``texts`` begin, and what follows it in each, stripped of blanks.

    A prompt in ChatML becomes messages.
    """
    require(len(texts) > 1, "found a reply and no prompt; expected both.")
    prompt, replies = split_texts(texts)
    require(
        prompt.strip(),
        "found replies as text that share no beginning, and no prompt; expected a prompt, or whole "
        "dialogues. Those of hh-rlhf are read by hh_pairs too.",
    )
    replies = [_without_end(prompt, reply) for reply in replies]
    return checked(from_chatml(prompt), "the shared beginning"), replies


def split_texts(texts: Sequence[str]) -> tuple[str, list[str]]:
    """The shared beginning of ``texts`` up to a turn or a word, and what follows it in each."""
    first = texts[0]
    shared = min(shared_length(first, other) for other in texts[1:])
    end = _turn_end(first, shared)
    if end:
        return first[:end], [text[end:].strip() for text in texts]
    require(
        not any(all(mark in text for text in texts) for mark in (ASSISTANT, *MARKS)),
        "found dialogues as text that part before their first reply; expected the same dialogue up "
        "to a reply.",
    )
    while shared and not _word_ends(texts, shared):
        shared -= 1
    return first[:shared].rstrip(), [text[shared:].strip() for text in texts]


def marked(texts: Sequence[str]) -> bool:
    """Whether all ``texts`` begin with the same turns of a dialogue, by their marks."""
    shared = min((shared_length(texts[0], other) for other in texts[1:]), default=0)
    return shared > 0 and _turn_end(texts[0], shared) > 0


def _turn_end(text: str, shared: int) -> int:
    """Where the last turn before ``shared`` begins to be answered; 0 where no mark says it."""
    end = _after(ASSISTANT, text, shared)
    return end or max(_after(mark, text, shared) for mark in MARKS)


def _word_ends(texts: Sequence[str], at: int) -> bool:
    """Whether no word is cut at ``at``, and every text goes on behind it."""
    before = texts[0][at - 1]
    between = before.isspace() or before in CLOSING or all(t[at : at + 1].isspace() for t in texts)
    return between and all(text[at:].strip() for text in texts)


def _after(mark: str, text: str, end: int) -> int:
    """Where the last ``mark`` before ``end`` ends; 0 where there is none."""
    place = text.rfind(mark, 0, end)
    return place + len(mark) if place >= 0 else 0


def shared_length(one: str, other: str) -> int:
    """How many characters the two texts begin with in common."""
    # one may be longer than the other
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return i
    return min(len(one), len(other))


# ---- a prompt beside text dialogues that repeat it


def _repeated(asked: Prompt, texts: Sequence[str]) -> Divided | None:
    """The prompt and replies where all ``texts`` are dialogues whose last turn is asked again.

    None where they are not. A dialogue may have more turns before it than ``asked``.
    """
    end = _end_of_question(asked, texts)
    if not end or not all(text[end:].strip() for text in texts):
        return None
    before = texts[0][:end]
    replies = [_without_end(before, text[end:].strip()) for text in texts]
    whole = from_chatml(before)
    messages = messages_of(asked)
    if whole != before or before.strip() == last_turn(asked).strip():
        prompt, unused = _joined(asked, messages_of(whole))
        return Divided(checked(prompt, "the dialogue"), replies, unused)
    system = [one for one in messages if one["role"] == "system"]
    said = all(one["content"].strip() in before for one in messages if one not in system)
    return Divided(simplest([*system, *messages_of(before)]), replies) if said else None


def _end_of_question(asked: Prompt, texts: Sequence[str]) -> int:
    """Where the reply begins in dialogues that hold what is asked; 0 where they are none."""
    question = last_turn(asked).strip()
    first = texts[0]
    whole = question.endswith(tuple(mark.strip() for mark in MARKS))  # a dialogue itself
    if not whole and not OPENING.match(first):
        return 0
    shared = len(first) if len(texts) == 1 else min(shared_length(first, t) for t in texts[1:])
    if whole:
        start = len(first) - len(first.lstrip())
        end = start + len(question)
        return end if end <= shared and first[start:end] == question else 0
    marks = "|".join(re.escape(mark.strip()) for mark in MARKS)
    pattern = rf"{re.escape(question)}\s*{BETWEEN}\s*(?:{marks})\n*"
    found = re.finditer(pattern, first[:shared])
    end = max((one.end() for one in found), default=0)
    require(
        end or not all(re.search(pattern, text) for text in texts),
        "found dialogues as text that part before their last message; expected the same dialogue "
        "up to a reply.",
    )
    return end


def _without_end(before: str, reply: str) -> str:
    """The reply without the token that ends turns in dialogues such as ``before``."""
    if not SPECIAL.search(before):
        return reply
    for end in ENDS:
        reply = reply.removesuffix(end).rstrip()
    return reply
