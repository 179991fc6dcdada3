"""Marking written answers: who wrote what is hidden, the rubric stands beside it.

The page is served by this machine to itself alone (:mod:`.desk`), and each mark goes to the
gradebook as it is given. A page without a server could not write there; a file to be imported later
could be lost or imported twice.

Pseudonyms are the same at every visit. They keep names out of sight, no more: an answer may name
its author, and whoever holds the gradebook can look each name up.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base import require
from ..classroom.handing_in import places_of
from ..classroom.quiz import items
from .gradebook import Entry, Gradebook
from .sheets import amount, harmless, one_line

BIRDS = (
    "Avocet", "Bittern", "Bunting", "Crane", "Curlew", "Dipper", "Dunlin", "Eider", "Falcon",
    "Finch", "Fulmar", "Gannet", "Godwit", "Goose", "Grebe", "Harrier", "Heron", "Hobby", "Ibis",
    "Jackdaw", "Kestrel", "Kite", "Knot", "Lapwing", "Lark", "Linnet", "Loon", "Magpie", "Martin",
    "Merlin", "Nuthatch", "Oriole", "Osprey", "Owl", "Petrel", "Pipit", "Plover", "Puffin",
    "Quail", "Rail", "Raven", "Robin", "Ruff", "Shrike", "Siskin", "Skua", "Smew", "Snipe",
    "Sparrow", "Starling", "Stilt", "Stork", "Swallow", "Swan", "Swift", "Teal", "Tern", "Thrush",
    "Tit", "Turnstone", "Wagtail", "Warbler", "Wigeon", "Wren",
)  # fmt: skip
LONGEST_NOTE = 2_000
SHORT, LONG = 5, 16  # digits of a pseudonym; the long ones where two were the same


@dataclass(frozen=True)
class Question:
    """A case: its text, what a good answer has (a point each), and a model answer."""

    item: str
    question: str
    rubric: list[str]
    model: str

    @property
    def most(self) -> int:
        """Points there are: one for each row of the rubric."""
        return len(self.rubric)


@dataclass
class Answer:
    """One answer on the desk.

    Attributes
    ----------
    key : names it to the page; another one where the student hands in anew.
    text : "" where nothing was handed in.
    own_points : rows of the rubric that the student found in it.
    same : how many others handed in the same text.
    points, note, author : of the mark that counts; None where there is none.
    """

    key: str
    item: str
    called: str
    text: str
    own_points: list[int] = field(default_factory=list)
    same: int = 0
    points: float | None = None
    note: str = ""
    author: str = ""


def questions_of(exercise: str) -> list[Question]:
    """The cases of an exercise, then those of its lessons."""
    found = [item for place in places_of(exercise) for item in items(place)]
    return [
        Question(
            item["id"],
            item["question"],
            [f"{row['point']} {row['why']}" for row in item["rubric"]],
            item["model_answer"],
        )
        for item in found
        if item["kind"] == "case"
    ]


class Desk:
    """The written answers of one exercise in a gradebook.

    Raises where there is no written answer to mark.
    """

    def __init__(self, path: Path | str, exercise: str, author: str) -> None:
        self.path, self.exercise = Path(path), exercise
        self.author = one_line(author).strip()
        require(self.author, "a mark needs an author: give --author NAME.")
        with Gradebook(self.path) as book:
            texts = [book.answers(entry.id) for entry, _ in self._on_desk(book)]
        known = [q for q in questions_of(exercise) if any(q.item in each for each in texts)]
        require(
            known,
            f"no notebook of {exercise} in {self.path.name} carries a written answer. Students "
            "write them into the card below the tasks, run the last cell, and save.",
        )
        self.questions = {question.item: question for question in known}

    def _on_desk(self, book: Gradebook) -> list[tuple[Entry, str]]:
        """(submission that counts, pseudonym) of each student."""
        entries = [entry for entry in book.entries(self.exercise) if not entry.problem]
        called = pseudonyms(self.exercise, [entry.student for entry in entries])
        return [(entry, called[entry.student]) for entry in entries]

    def answers(self) -> list[Answer]:
        """All answers with their marks: by question, in an order that says nothing of names.

        Those who handed in nothing come last.
        """
        found = []
        with Gradebook(self.path) as book:
            for entry, called in self._on_desk(book):
                given = book.answers(entry.id)
                marks = {mark.item: mark for mark in book.marks(entry.id)}
                for item in self.questions:
                    one = _answer(given.get(item), marks.get(item))
                    one.key, one.item, one.called = _key(item, entry), item, called
                    found.append(one)
        same = Counter((one.item, " ".join(one.text.split())) for one in found if one.text)
        for one in found:
            one.same = max(same[one.item, " ".join(one.text.split())] - 1, 0)
        order = list(self.questions)
        return sorted(found, key=lambda a: (order.index(a.item), not a.text, _digest(a.called)))

    def mark(self, key: str, points: float, note: str = "") -> None:
        """Give ``points`` to the answer ``key``. Raises for an unknown one and for wrong points.

        Nothing is written where the same mark stands there already.
        """
        item = key.partition("/")[0]
        question = self.questions.get(item)
        with Gradebook(self.path) as book:
            on_desk = [entry for entry, _ in self._on_desk(book)]
        entry = next((each for each in on_desk if _key(item, each) == key), None)
        require(
            entry is not None and question is not None,
            "this answer is not on the desk; perhaps it was handed in anew. Load the page again.",
        )
        assert entry is not None and question is not None
        number = isinstance(points, int | float) and not isinstance(points, bool)
        require(
            number and 0 <= points <= question.most and points * 2 == int(points * 2),
            f"{item} has 0 to {question.most} points, in halves; got {points!r}.",
        )
        require(isinstance(note, str), f"a note is a text; got {note!r}.")
        note = harmless(note, LONGEST_NOTE).strip()
        with Gradebook(self.path) as book:
            before = next((m for m in book.marks(entry.id) if m.item == item), None)
            if before is None or (before.points, before.note) != (points, note):
                book.mark(entry.id, item, float(points), question.most, note, self.author)

    def standing(self) -> str:
        """How far marking is, in words."""
        answers = self.answers()
        lines = []
        for item, question in self.questions.items():
            mine = [one for one in answers if one.item == item]
            done = [one.points for one in mine if one.points is not None]
            mean = f", mean {amount(sum(done) / len(done))} of {question.most}" if done else ""
            lines.append(f"{item}: {len(done)} of {len(mine)} marked{mean}.")
        return "\n".join(lines)


def _answer(given: Any, mark: Any) -> Answer:
    """An answer as the gradebook holds it, looked at, with its mark."""
    text = given.get("answer") if isinstance(given, dict) else None
    text = harmless(text, 20_000).strip() if isinstance(text, str) else ""
    own = given.get("own_points") if isinstance(given, dict) else None
    rows = [n for n in own if isinstance(n, int)] if isinstance(own, list) else []
    if mark is None:
        return Answer("", "", "", text, rows)
    return Answer("", "", "", text, rows, 0, mark.points, mark.note, mark.author)


def _key(item: str, entry: Entry) -> str:
    """What names an answer to the page: another one where it was handed in anew."""
    return f"{item}/{_digest(f'{entry.id} {entry.student} {entry.sha256}')[:24]}"


def pseudonyms(exercise: str, students: list[str]) -> dict[str, str]:
    """Student → a bird with a number, the same at every visit, and no two alike."""
    digests = {student: _digest(f"{exercise}\0{student}") for student in students}
    short = {student: _bird(digest, SHORT) for student, digest in digests.items()}
    twice = {name for name, count in Counter(short.values()).items() if count > 1}
    return {
        student: _bird(digests[student], LONG) if name in twice else name
        for student, name in short.items()
    }


def _bird(digest: str, digits: int) -> str:
    number = int(digest, 16)
    return f"{BIRDS[number % len(BIRDS)]} {str(number // len(BIRDS))[-digits:]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
