"""A prompt: a string, or a list of chat messages with history and system message.

``"Hi"`` and ``[{"role": "user", "content": "Hi"}]`` are the same prompt; :func:`simplest` gives the
first form. A prompt of several messages stays a list of them, in the order of the dialogue, and
ends with what is to be answered.
"""

import json
from collections.abc import Mapping

from .errors import require

Message = dict[str, str]  # {"role": "system" | "user" | "assistant" | ..., "content": text}
Prompt = str | list[Message]
KEYS = ("role", "content")


def check_prompt(prompt: object, name: str = "a prompt") -> None:
    """Raise :class:`~course_lib.base.CourseError` unless ``prompt`` is one. Never quotes it."""
    if isinstance(prompt, str):
        _check_text(prompt, name)
        return
    require(
        isinstance(prompt, list | tuple),
        f"{name} must be a string or a list of chat messages; got {type(prompt).__name__}.",
    )
    assert isinstance(prompt, list | tuple)
    require(len(prompt) > 0, f"{name} is an empty list; give it at least one chat message.")
    for message in prompt:
        good = isinstance(message, Mapping) and all(
            isinstance(message.get(key), str) for key in ("role", "content")
        )
        require(
            good,
            f'{name} holds a chat message without text; expected {{"role": ..., "content": ...}} '
            "with a string each.",
        )
        more = [key for key, value in message.items() if value and key not in KEYS]
        require(
            not more,
            f"{name} holds a chat message with {', '.join(map(str, more))[:80]}; only role and "
            "content are read. Write what matters into the content.",
        )
        _check_text(message["content"], name)
    require(
        prompt[-1]["role"] not in ("assistant", "system"),
        f"{name} ends with a message from the {prompt[-1]['role'][:20]}; expected the user's last "
        "message there, the one to be answered.",
    )


def _check_text(text: str, name: str) -> None:
    require(
        text.isascii() or text.encode("utf-8", "ignore").decode() == text,
        f"{name} holds half a character (a lone surrogate); expected valid Unicode.",
    )


def simplest(prompt: Prompt) -> Prompt:
    """The prompt as a string where it is a single user message, else its list of messages."""
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and prompt[0]["role"] == "user":
        return prompt[0]["content"]
    return [{"role": one["role"], "content": one["content"]} for one in prompt]


def messages_of(prompt: Prompt, system: str | None = None) -> list[Message]:
    """The prompt as chat messages.

    ``system`` is put before them where the prompt brings no system message of its own.
    """
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    if system and messages[0]["role"] not in ("system", "developer"):
        messages = [{"role": "system", "content": system}, *messages]
    return messages


def last_turn(prompt: Prompt) -> str:
    """The text to be answered, for a person to read: the last message."""
    return prompt if isinstance(prompt, str) else prompt[-1]["content"]


def transcript(prompt: Prompt) -> str:
    """The prompt as plain text, for models without a chat template.

    A string stays as it is; a dialogue becomes ``User: ...``, ``Assistant: ...`` a paragraph each,
    ending with ``Assistant:``, and its system message stands before it without a name.
    """
    if isinstance(prompt, str):
        return prompt
    parts = []
    for message in prompt:
        role = message["role"]
        named = "" if role in ("system", "developer") else f"{role.capitalize()}: "
        parts.append(named + message["content"])
    return "\n\n".join([*parts, "Assistant:"])


def prompt_key(prompt: Prompt) -> str:
    """A string that two prompts share only when they are the same prompt: to group and split by."""
    short = simplest(prompt)
    return short if isinstance(short, str) else json.dumps(short, ensure_ascii=False)
