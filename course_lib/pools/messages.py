"""Prompts and replies as files hold them: plain text, or chat messages of several dialects.

``{"role", "content"}`` as OpenAI has it, ``{"from", "value"}`` as ShareGPT has it, content in
parts, and the names that people give to the same few roles.
"""

import re
from itertools import pairwise
from typing import Any

from ..base import Message, Prompt, check_prompt, require, simplest, string
from .words import type_name

# what a speaker is called → the role that chat templates know
ROLES = {
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
}
# a message with one of these says more than its text, which is all that can be kept
NOT_TEXT = ("tool_calls", "function_call", "reasoning_content", "reasoning", "thinking", "images")
CHATML = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n?", re.DOTALL)
CHATML_REPLY = "<|im_start|>assistant\n"

NEMO = re.compile(r"\n?<extra_id_[01]>(System|User|Assistant)\n?")

Side = str | list[Message]  # a reply: its text, or a dialogue that ends with it


def prompt_from(value: Any, key: str) -> Prompt:
    """The prompt under ``key``: a string, or chat messages that end with what is to be answered.

    Text in ChatML, as trainers dump what a model read, becomes the messages it was made from.
    Raises :class:`CourseError` for an empty prompt.
    """
    if isinstance(value, str):
        return checked(from_marks(string({key: value}, key)), key)
    require(
        isinstance(value, list | dict),
        f"found {type_name(value)} under {key!r}; expected a string or a list of chat messages.",
    )
    messages = messages_from(value, key)
    require(
        any(message["role"] == "user" for message in messages),
        f"found {len(messages)} chat messages under {key!r} and none from the user; expected "
        "at least one with role 'user'.",
    )
    return checked(messages, key)


def checked(prompt: Prompt, key: str = "prompt") -> Prompt:
    """``prompt`` in its simplest form. Raises :class:`CourseError` where there is nothing to
    answer.
    """
    if not isinstance(prompt, str):
        # a system message without words is none
        prompt = [one for one in prompt if one["role"] != "system" or one["content"].strip()]
    check_prompt(prompt, f"the prompt under {key!r}")
    last = prompt if isinstance(prompt, str) else prompt[-1]["content"]
    require(last.strip(), f"found an empty prompt under {key!r}; expected something to answer.")
    return simplest(prompt)


def from_marks(text: str) -> Prompt:
    """The messages of a whole prompt whose turns are marked as in ChatML or HelpSteer; or ``text``.

    HelpSteer may mark only the turns after the first.
    """
    first, *rest = NEMO.split(text)
    if not rest:
        return from_chatml(text)
    turns = list(zip(rest[::2], rest[1::2], strict=True))
    if first.strip():
        turns.insert(0, ("User", first))
    if turns[-1] == ("Assistant", ""):  # where the reply begins
        turns = turns[:-1]
    messages = [{"role": ROLES[who.lower()], "content": said} for who, said in turns]
    roles = [message["role"] for message in messages if message["content"].strip()]
    good = len(roles) == len(messages) > 0 and roles[-1] == "user" and "system" not in roles[1:]
    if not good or any(one == other for one, other in pairwise(roles)):
        return from_chatml(text)
    return simplest(messages)


def from_chatml(text: str) -> Prompt:
    """The messages of a whole prompt in ChatML that ends where the reply begins; else ``text``."""
    if not (text.startswith("<|im_start|>") and text.endswith(CHATML_REPLY)):
        return text
    inner = text.removesuffix(CHATML_REPLY)
    turns = CHATML.findall(inner)
    if CHATML.sub("", inner).strip() or not all(role in ROLES for role, _ in turns):
        return text
    messages = [{"role": ROLES[role], "content": content} for role, content in turns]
    answerable = bool(messages) and messages[-1]["role"] in ("user", "tool")
    return simplest(messages) if answerable else text


def side_from(value: Any, key: str) -> Side:
    """One reply under ``key``: a string, one message, or messages.

    A single message from the assistant is its text.
    """
    if isinstance(value, str):
        return string({key: value}, key)
    require(
        isinstance(value, list | dict),
        f"found {type_name(value)} as a reply under {key!r}; expected a string or a list with "
        "one assistant message.",
    )
    require(
        value,
        f"found 0 chat messages in one reply under {key!r}; expected one, from the assistant.",
    )
    messages = messages_from(value, key)
    require(
        messages[-1]["role"] == "assistant",
        f"found a reply under {key!r} whose last chat message is from the "
        f"{messages[-1]['role']}; expected role 'assistant'.",
    )
    return messages[0]["content"] if len(messages) == 1 else messages


def sides_from(value: Any, key: str) -> list[Side]:
    """The replies under ``key``: one, or a list of them."""
    if not isinstance(value, list) or is_dialogue(value):
        return [side_from(value, key)]
    require(value, f"found an empty list under {key!r}; expected at least one reply.")
    return [side_from(one, key) for one in value]


def is_messages(value: Any) -> bool:
    """Whether ``value`` looks like a list of chat messages."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(one, dict) and ("role" in one or "from" in one) for one in value)


def is_dialogue(value: Any) -> bool:
    """Whether ``value`` is a list of chat messages, and not of several replies to one prompt."""
    if not is_messages(value):
        return False
    roles = [_known_role(one) for one in value]
    return len(roles) == 1 or any(role != "assistant" for role in roles)


def _known_role(message: dict[str, Any]) -> str | None:
    return ROLES.get(str(message.get("role", message.get("from"))).strip().lower())


def messages_from(value: Any, key: str) -> list[Message]:
    """The chat messages under ``key``, with the roles and keys that ``transformers`` knows."""
    values = [value] if isinstance(value, dict) else value
    require(
        isinstance(values, list) and values,
        f"found {type_name(value)} under {key!r}; expected a list of chat messages.",
    )
    return [_message(one, key) for one in values]


def _message(one: Any, key: str) -> Message:
    role = one.get("role", one.get("from")) if isinstance(one, dict) else None
    require(
        isinstance(role, str),
        f'found a chat message without a role under {key!r}; expected {{"role", "content"}}.',
    )
    assert isinstance(role, str)
    known = ROLES.get(role.strip().lower())
    require(
        known is not None,
        f"found a chat message with an unknown role under {key!r}; the roles are system, user, "
        "assistant and tool.",
    )
    assert known is not None
    for name in NOT_TEXT:
        require(
            not one.get(name),
            f"found a chat message with {name!r} under {key!r}, which cannot be kept; expected "
            "text under 'content' only.",
        )
    name = "value" if "value" in one and "content" not in one else "content"
    return {"role": known, "content": _content(one, name)}


def _content(message: dict[str, Any], name: str) -> str:
    """The text of a message, whose parts are joined where it has parts."""
    value = message.get(name)
    if not isinstance(value, list):
        return string(message, name)
    texts = []
    for part in value:
        good = isinstance(part, dict) and part.get("type", "text") == "text" and "text" in part
        require(
            good,
            f"found list under {name!r} of a chat message with a part that is not text; expected "
            'a string, or parts {"type": "text", "text": ...}.',
        )
        texts.append(string(part, "text"))
    require(texts, f"found an empty list under {name!r} of a chat message; expected text.")
    return "".join(texts)
