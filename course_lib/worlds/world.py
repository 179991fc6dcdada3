"""What a world is: where prompts, the gold reward and (simulated) annotators come from.

A new world is a module with a class that inherits :class:`BaseWorld` and gives ``name``,
``max_tokens``, ``prompts``, ``gold`` and ``gold_parts``, and one entry in ``WORLDS`` of
:mod:`course_lib.worlds.load`.
"""

from collections.abc import Hashable
from typing import Any, Protocol

# what a world knows of one prompt and its gold reward reads: plain data, kept beside the prompt
Info = dict[str, Any]


class World(Protocol):
    """What every world has, and all that the rest of the library asks of one.

    The properties may be plain attributes: nobody sets them from outside.
    """

    @property
    def name(self) -> str:
        """What ``load_world`` and stored results call it."""

    @property
    def system(self) -> str | None:
        """The system message put before its prompts, or None."""

    @property
    def max_tokens(self) -> int:
        """How many tokens a reply may have."""

    @property
    def needs(self) -> str | None:
        """The key of ``info`` that gold reads, or None."""

    @property
    def policy(self) -> str | None:
        """The bundled policy for its prompts, such as "helpdesk/policy", or None."""

    @property
    def verifiable(self) -> bool:
        """True when gold is a verifier's verdict, 1.0 or 0.0, so that it may also select."""

    @property
    def reward_system(self) -> str | None:
        """The system message a learned reward model reads before its prompts, or None."""

    def prompts(
        self, split: str = "train", limit: int | None = None, seed: int = 0
    ) -> tuple[list[str], list[Info]]:
        """The first ``limit`` prompts of a split in the order of ``seed``, and the info of each.

        Every world has the splits "train" and "heldout", which share no prompt. A smaller limit
        gives a prefix of a larger one. Raises :class:`~course_lib.base.CourseError` for a split or
        limit there is not.
        """

    def gold(self, prompt: str, text: str, info: Info, finished: bool = True) -> float:
        """The gold reward of the reply ``text``: the stand-in for what people want.

        ``finished`` is False when sampling was cut at the token limit.
        """

    def gold_parts(
        self, prompt: str, text: str, info: Info, finished: bool = True
    ) -> dict[str, Any]:
        """What is behind the gold reward, by name."""

    def path(self, prompt: str, text: str, info: Info) -> Hashable:
        """What two replies share when they count as the same one, for ``distinct_paths``."""


class BaseWorld:
    """The members of :class:`World` that a world need not give itself."""

    system: str | None = None
    needs: str | None = None
    policy: str | None = None
    verifiable: bool = False
    reward_system: str | None = None

    def path(self, prompt: str, text: str, info: Info) -> Hashable:
        """The reply's words: its text with the white space evened out."""
        return " ".join(text.split())
