"""Worlds by name. A new world is one module and one entry here."""

from collections.abc import Callable
from pathlib import Path

from ..base import CourseError
from .answers import check_mode
from .arithmetic import Arithmetic
from .gsm8k import GSM8K
from .helpdesk import Helpdesk, careful_helpdesk
from .world import World

# name → how to make it from the folder of data, which is None unless the caller gave one
WORLDS: dict[str, Callable[[Path | str | None], World]] = {
    "helpdesk": lambda data: Helpdesk(),
    "helpdesk-careful": lambda data: careful_helpdesk(),
    "arithmetic": lambda data: Arithmetic(),
    "gsm8k": GSM8K,
}


def load_world(name: str, data: Path | str | None = None, answers: str | None = None) -> World:
    """The world called ``name``. ``gsm8k`` reads its problems from the folder ``data``,
    or where :func:`~course_lib.worlds.find_gsm8k` finds them.

    ``answers`` is how replies are read where a verifier reads them, "lenient" or "strict", see
    :func:`~course_lib.worlds.find_answer`; None is the world's own way. Raises
    :class:`~course_lib.base.CourseError` for an unknown name, missing data, or a world without
    answers.
    """
    if name not in WORLDS:
        raise CourseError(f"no world {name!r}; the worlds are: {', '.join(WORLDS)}.")
    world = WORLDS[name](data)
    if answers is not None:
        check_mode(answers)
        if not isinstance(world, Arithmetic | GSM8K):
            raise CourseError(
                f"the world {name!r} has no answers to read strictly or leniently; leave "
                "--answers out."
            )
        world.mode = answers
    return world
