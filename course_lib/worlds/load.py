"""Worlds: where prompts, the gold reward and (simulated) annotators come from.

Every world has ``name``, ``system`` (the system message or None), ``max_tokens``, ``prompts(split,
limit, seed)``, ``gold(prompt, text, info)`` and ``gold_parts(prompt, text, info)``. ``needs`` is
the key of ``info`` that gold reads. One whose policy is bundled names it in ``policy``; one with a
verifier has ``verifiable`` and ``path(prompt, text, info)``.
"""

from ..base import CourseError

NAMES = ("helpdesk", "arithmetic", "gsm8k")


def load_world(name, data=None):
    """The world called ``name``. ``gsm8k`` reads its problems from the folder ``data``.

    Raises :class:`~course_lib.base.CourseError` for an unknown name or missing data.
    """
    if name == "helpdesk":
        from .helpdesk import Helpdesk

        return Helpdesk()
    if name == "arithmetic":
        from .arithmetic import Arithmetic

        return Arithmetic()
    if name == "gsm8k":
        from .gsm8k import GSM8K

        if data is None:
            raise CourseError(
                "the world 'gsm8k' needs a folder with train.jsonl and test.jsonl: give it "
                "with --data DIR (in Python: data=DIR)."
            )
        return GSM8K(data)
    raise CourseError(f"no world {name!r}; the worlds are: {', '.join(NAMES)}.")
