"""Prompts and conversations as the text that a model reads, by its tokenizer's chat template."""

from collections.abc import Sequence
from typing import Any

from ..base import CourseError, Message, Prompt, messages_of, require

MARK = "REPLYSTANDSHERE"  # a word that no template changes


def rendered(tokenizer: Any, prompts: Sequence[Prompt], system: str | None = None) -> list[str]:
    """Each prompt in its chat template, ready for the reply to follow.

    ``system`` is the system message of prompts without one of their own. Where a template refuses
    or drops system messages (Gemma's does), it goes before the first user message, in one text.
    Raises :class:`~course_lib.base.CourseError` when the template cannot be used.
    """
    return [_written(tokenizer, messages_of(prompt, system), True) for prompt in prompts]


def conversations(
    tokenizer: Any,
    prompts: Sequence[Prompt],
    texts: Sequence[str],
    system: str | None = None,
) -> list[str]:
    """Each prompt with its reply and what ends a turn: what the policy read, and what it wrote.

    The reply stands where the policy wrote it. A template given the whole conversation may write
    more: Qwen3's puts an empty block of thoughts before the reply.
    """
    if not prompts:
        return []
    # the first prompt as the example: some templates want a system message, or turns in order
    asked = messages_of(prompts[0], system)
    reply: Message = {"role": "assistant", "content": MARK}
    whole = _written(tokenizer, [*asked, reply], False)
    require(
        whole.count(MARK) == 1,
        f"the chat template writes a reply {whole.count(MARK)} times; expected once. Set "
        "tokenizer.chat_template to one that writes the whole conversation.",
    )
    end_of_turn = whole.partition(MARK)[2]
    begins_reply = _written(tokenizer, asked, True) != _written(tokenizer, asked, False)
    rows = []
    for prompt, text in zip(prompts, texts, strict=True):
        messages = messages_of(prompt, system)
        if begins_reply:
            rows.append(_written(tokenizer, messages, True) + text + end_of_turn)
        else:  # the template has no beginning of a reply to go on from
            reply = {"role": "assistant", "content": text}
            rows.append(_written(tokenizer, [*messages, reply], False))
    return rows


def _written(tokenizer: Any, messages: list[Message], begin_reply: bool) -> str:
    """``messages`` by the chat template, the system message kept in one way or another."""
    system = messages[0]["content"] if messages[0]["role"] in ("system", "developer") else ""
    try:
        text = _applied(tokenizer, messages, begin_reply)
        # some templates drop what they do not know, without a word
        if system.strip() in text:
            return text
    except Exception as error:  # the template is somebody's program
        if not system:
            raise _broken(error) from error
    try:
        return _applied(tokenizer, _without_system(messages), begin_reply)
    except Exception as error:
        raise _broken(error) from error


def _applied(tokenizer: Any, messages: list[Message], begin_reply: bool) -> str:
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=begin_reply
    )


def _without_system(messages: list[Message]) -> list[Message]:
    """The messages with the system message's text before that of the first user message."""
    system, *others = messages
    for i, message in enumerate(others):
        if message["role"] == "user":
            joined = {"role": "user", "content": f"{system['content']}\n\n{message['content']}"}
            return [*others[:i], joined, *others[i + 1 :]]
    return [{"role": "user", "content": system["content"]}, *others]


def _broken(error: Exception) -> CourseError:
    said = (str(error).splitlines() or [""])[0][:200]
    return CourseError(
        f"the tokenizer's chat template cannot write these messages ({type(error).__name__}: "
        f"{said}). Templates want roles in turn, user first: check the prompts, set "
        "tokenizer.chat_template, or use template='plain' (--template plain)."
    )
