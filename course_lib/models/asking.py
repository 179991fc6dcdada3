"""Prompts on their way to a model: checked, encoded, and with room for a reply."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..base import Prompt, check_prompt, require, simplest
from .loading import positions, vocabulary_size
from .policy import Policy


def checked_prompts(prompts: Iterable[Prompt]) -> list[Prompt]:
    """The prompts as a list, each in its simplest form.

    Raises :class:`~course_lib.base.CourseError` unless they are strings or lists of chat messages,
    at least one.
    """
    require(
        not isinstance(prompts, str | bytes | Mapping),
        f"prompts must be a list of prompts; got one {type(prompts).__name__}. For one prompt, "
        "write [prompt].",
    )
    given = list(prompts)
    require(len(given) > 0, "no prompts to sample for: give at least one.")
    for i, prompt in enumerate(given):
        check_prompt(prompt, f"prompt {i}")
    return [simplest(prompt) for prompt in given]


def check_room(model: Any, ids: Sequence[Sequence[int]], max_tokens: int) -> None:
    """Raise :class:`~course_lib.base.CourseError` where a reply would run past the positions."""
    most = positions(model)
    longest = max(range(len(ids)), key=lambda i: len(ids[i]))
    length = len(ids[longest])
    require(
        most is None or length + max_tokens <= most,
        f"prompt {longest} has {length} tokens and max_tokens is {max_tokens}, but the model has "
        f"only {most} positions. Shorten the prompt, or lower max_tokens"
        + (f" to {most - length} or less." if most and length < most else "."),
    )


def encoded(policy: Policy, prompts: Sequence[Prompt]) -> list[list[int]]:
    """Token ids of each prompt. Raises :class:`~course_lib.base.CourseError` where one has none."""
    ids = policy.encode(prompts)
    for i, prompt in enumerate(ids):
        require(
            prompt,
            f"prompt {i} has no tokens, so there is nothing to continue. "
            "Use a chat template, or give it some text.",
        )
    size = vocabulary_size(policy.model)
    highest = max(max(prompt) for prompt in ids)
    require(
        highest < size,
        f"the tokenizer writes token {highest}, but the model knows {size} tokens. They do not "
        "belong together.",
    )
    return ids
