"""Questions at the end of a lesson: single choice, ordering, and case analysis, each with an
explanation for every option.

Items are data: ``course_lib/quizzes/NN.json``. ``ask("01")`` shows a lesson's items; without
widgets the same items are texts, answered with ``answer("01-...", ...)``. What was answered is kept
in ``course-progress.json`` in the working folder (or where the environment variable
``COURSE_PROGRESS`` says), so that a reader can go on later. Each item there has a ``level`` that
rises with every right answer and falls to 0 with a wrong one, and a day when it is ``due`` again
(Leitner's boxes).
"""

import random
from pathlib import Path

from ...base import CourseError, read_json, require

FOLDER = Path(__file__).parents[1] / "quizzes"

KINDS = ("single", "order", "case")

LETTERS = "abcdefgh"

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


def items(lesson):
    """The items of a lesson ("01"), as dictionaries; each is checked by :func:`validate`."""
    path = FOLDER / f"{lesson}.json"
    require(
        path.is_file(),
        f"no quiz for lesson {lesson!r}; there are quizzes for: "
        f"{', '.join(sorted(p.stem for p in FOLDER.glob('*.json')))}.",
    )
    found = read_json(path)
    for item in found:
        validate(item)
    return found


def lessons():
    """The lessons, and after them the exercises (\"ex01\"), that have questions."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def item_of(item_id):
    """The item with this id, such as ``01-steps``: the part before the first dash is its lesson."""
    for item in items(str(item_id).split("-")[0]):
        if item["id"] == item_id:
            return item
    known = ", ".join(i["id"] for i in items(str(item_id).split("-")[0]))
    raise CourseError(f"no quiz item {item_id!r}; this lesson's items are: {known}.")


def validate(item):
    """Raise :class:`~course_lib.base.CourseError` unless ``item`` is complete.

    All kinds: ``id``, ``idea`` (what it is about), ``kind``, ``question``. ``single``: ``options``
    of ``text``, ``right``, ``why``, one of them right. ``order``: ``steps`` of ``text`` and
    ``why``, in the right order. ``case``: ``model_answer`` and ``rubric``, a list of ``point`` and
    ``why``.
    """
    name = item.get("id", "an item without id")
    for key in ("id", "idea", "kind", "question"):
        require(
            isinstance(item.get(key), str) and item[key].strip(),
            f"quiz item {name}: {key!r} is missing or empty.",
        )
    require(
        item["kind"] in KINDS,
        f"quiz item {name}: kind must be one of {', '.join(KINDS)}; got {item['kind']!r}.",
    )
    rows, keys = {
        "single": ("options", ("text", "why")),
        "order": ("steps", ("text", "why")),
        "case": ("rubric", ("point", "why")),
    }[item["kind"]]
    require(
        isinstance(item.get(rows), list) and 2 <= len(item[rows]) <= len(LETTERS),
        f"quiz item {name}: {rows!r} must be a list of 2 to {len(LETTERS)}.",
    )
    for row in item[rows]:
        require(
            all(isinstance(row.get(k), str) and row[k].strip() for k in keys),
            f"quiz item {name}: every one of {rows!r} needs {' and '.join(keys)}.",
        )
    texts = [row[keys[0]] for row in item[rows]]
    require(len(set(texts)) == len(texts), f"quiz item {name}: two of {rows!r} have the same text.")
    if item["kind"] == "single":
        require(
            sum(row.get("right") is True for row in item["options"]) == 1,
            f"quiz item {name}: exactly one option must be right.",
        )
    if item["kind"] == "case":
        require(
            isinstance(item.get("model_answer"), str) and item["model_answer"].strip(),
            f"quiz item {name}: 'model_answer' is missing.",
        )


def shuffled(item):
    """The steps of an ordering item in the order they are offered.

    Fixed by the item's id, never the right one. A list of positions.
    """
    order = list(range(len(item["steps"])))
    rng = random.Random(item["id"])
    while order == sorted(order):
        rng.shuffle(order)
    return order
