r"""Where a prompt ends and the replies begin, when files hold them together.

Preference data often holds two whole dialogues and no prompt ("implicit" in TRL's words): what they
share is the prompt. As messages they are compared one by one; as text the prompt ends at the last
mark of a turn that both share, such as ``"\n\nAssistant:"``, and without marks at a word's end.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ..base import Message, Prompt, messages_of, require
from .messages import CHATML_END, Side, checked, from_chatml

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
        return Divided(asked, _unquoted(asked, texts))
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
    messages = from_chatml(prompt)
    if messages != prompt:
        replies = [reply.removesuffix(CHATML_END).rstrip() for reply in replies]
    return checked(messages, "the shared beginning"), replies


def split_texts(texts: Sequence[str]) -> tuple[str, list[str]]:
    """The shared beginning of ``texts`` up to a turn or a word, and what follows it in each."""
    first = texts[0]
    shared = min(shared_length(first, other) for other in texts[1:])
    end = _after(ASSISTANT, first, shared)
    if not end:
        end = max(_after(mark, first, shared) for mark in MARKS)
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


def _unquoted(asked: Prompt, texts: list[str]) -> list[str]:
    """The texts without the prompt, where all of them begin with it."""
    if not isinstance(asked, str) or len(asked) < LONG:
        return texts
    if not all(text.startswith(asked) and len(text) > len(asked) for text in texts):
        return texts
    return [text[len(asked) :].lstrip() for text in texts]
