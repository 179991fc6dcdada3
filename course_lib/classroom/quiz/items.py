"""Questions at the end of a lesson: single choice, ordering, and case analysis.

Each has an explanation for every option. Items are data, ``NN.json`` in
``course_lib/classroom/quizzes``. ``ask("01")`` shows a lesson's items as a card; in a terminal the
same items are texts, answered with ``answer("01-...", ...)``. What was answered is kept in
``course-progress.json`` in the working folder (or where the environment variable
``COURSE_PROGRESS`` says), so that a reader can go on later. Each item there has a ``level`` that
rises with every right answer and falls to 0 with a wrong one, and a day when it is ``due`` again
(Leitner's boxes).
"""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...base import CourseError, read_json, require

FOLDER = Path(__file__).parents[1] / "quizzes"

KINDS = ("single", "order", "case")

# kind → (the key of its list, what each entry of that list needs)
PARTS = {
    "single": ("options", ("text", "why")),
    "order": ("steps", ("text", "why")),
    "case": ("rubric", ("point", "why")),
}

LETTERS = "abcdefgh"

# lesson or exercise → its notebook, in notebooks/ or exercises/
NOTEBOOKS = {
    "00": "00_start_here",
    "01": "01_best_of_n",
    "02": "02_n_best_candidates",
    "03": "03_reward_models",
    "04": "04_choosing_a_reward_model",
    "05": "05_rejection_sampling_fine_tuning",
    "06": "06_verifiable_rewards",
    "07": "07_rejection_sampling_and_rlhf",
    "08": "08_who_uses_it_and_how_it_fails",
    "09a": "09a_choosing_from_a_real_model",
    "09b": "09b_fine_tuning_a_real_model",
    "ex01": "ex01_best_of_n",
    "ex02": "ex02_n_best_candidates",
    "ex03": "ex03_reward_models",
    "ex04": "ex04_choosing_a_reward_model",
    "ex05": "ex05_rejection_sampling_round",
    "ex06": "ex06_verifiable_rewards",
    "ex07": "ex07_rlhf_by_hand",
    "ex08": "ex08_repairing_pipelines",
    "ex09": "ex09_planning_a_real_run",
}

# what a reader arrives and leaves with; each has items of at least two kinds somewhere in the
# course
IDEAS = (
    "input and output formulation in best-of-N",
    "generating N-best candidates",
    "reward-model selection",
    "rejection sampling for fine-tuning",
    "comparison with RLHF",
    "adoption in LLMs",
    "analysing a flawed improvement pipeline",
    "improving a chatbot's replies with best-of-N and what it costs",
    "putting best-of-N's steps in order",
    "putting the steps of rejection-sampling fine-tuning in order",
    "how a good reward model improves a base model directly, by data",
)

Item = dict[str, Any]


def items(lesson: str) -> list[Item]:
    """The items of a lesson ("01"), as dictionaries; each is checked by :func:`validate`."""
    path = FOLDER / f"{lesson}.json"
    require(
        path.is_file(),
        f"no quiz for lesson {lesson!r}; there are quizzes for: {', '.join(lessons())}.",
    )
    found = read_json(path)
    for item in found:
        validate(item)
    return found


def lessons() -> list[str]:
    """The lessons, and after them the exercises ("ex01"), that have questions."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def every_item() -> list[Item]:
    """The items of all lessons and exercises."""
    return [item for lesson in lessons() for item in items(lesson)]


def place_name(place: str) -> str:
    """ "lesson 01" of "01", "exercise 01" of "ex01"."""
    kind = "exercise" if place.startswith("ex") else "lesson"
    return f"{kind} {place.removeprefix('ex')}"


def lesson_of(exercise: str) -> str:
    """The lesson that an exercise ("ex09") belongs to: the last one of its number."""
    number = exercise.removeprefix("ex")
    return max(name for name in NOTEBOOKS if name.startswith(number))


def item_of(item_id: str) -> Item:
    """The item with this id, such as ``01-steps``: the part before the first dash is its lesson."""
    found = {item["id"]: item for item in items(str(item_id).split("-")[0])}
    if item_id not in found:
        raise CourseError(f"no quiz item {item_id!r}; this lesson's items are: {', '.join(found)}.")
    return found[item_id]


def validate(item: Item) -> None:
    """Raise :class:`~course_lib.base.CourseError` unless ``item`` is complete.

    All kinds: ``id``, ``idea`` (what it is about), ``kind``, ``question``. ``single``: ``options``
    of ``text``, ``right``, ``why``, one of them right. ``order``: ``steps`` of ``text`` and
    ``why``, in the right order. ``case``: ``model_answer`` and ``rubric``, a list of ``point`` and
    ``why``.
    """
    name = item.get("id", "an item without id")
    for key in ("id", "idea", "kind", "question"):
        require(_has_text(item, key), f"quiz item {name}: {key!r} is missing or empty.")
    kind = item["kind"]
    require(
        kind in KINDS,
        f"quiz item {name}: kind must be one of {', '.join(KINDS)}; got {kind!r}.",
    )
    part, keys = PARTS[kind]
    rows = item.get(part)
    require(
        isinstance(rows, list) and 2 <= len(rows) <= len(LETTERS),
        f"quiz item {name}: {part!r} must be a list of 2 to {len(LETTERS)}.",
    )
    for row in rows:
        require(
            all(_has_text(row, key) for key in keys),
            f"quiz item {name}: every one of {part!r} needs {' and '.join(keys)}.",
        )
    texts = [row[keys[0]] for row in rows]
    require(len(set(texts)) == len(texts), f"quiz item {name}: two of {part!r} have the same text.")
    if kind == "single":
        right = [row for row in rows if row.get("right") is True]
        require(len(right) == 1, f"quiz item {name}: exactly one option must be right.")
    if kind == "case":
        require(_has_text(item, "model_answer"), f"quiz item {name}: 'model_answer' is missing.")


def _has_text(row: Mapping[str, Any], key: str) -> bool:
    value = row.get(key)
    return isinstance(value, str) and bool(value.strip())


def shuffled(item: Item) -> list[int]:
    """Positions of the steps of an ordering item in the order they are offered.

    Fixed by the item's id, never the right one.
    """
    order = list(range(len(item["steps"])))
    rng = random.Random(item["id"])
    while order == sorted(order):
        rng.shuffle(order)
    return order
