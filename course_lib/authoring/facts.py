"""What the first cell of a lesson says of it: title, question, minutes, what it builds on.

The landing page, the map of the course and the README's table are made from this.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from .links import CODE_BLOCK, HEADING, ONE, Page, Pages, pages_of
from .places import ROOT

ROW = re.compile(rf"^\|\s({ONE})\s[^|]+\|\s([^|]+?)\s\|$", re.MULTILINE)
BOLD = re.compile(r"^\*\*([A-Z][^*:]+):\*\*\s(.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
LATEX = {r"\pi": "π", r"\beta": "β", "$": ""}
# lesson 00 asks no question in its own table
FIRST = {"00": "What is the method, and how does it go wrong?"}
# sections that every lesson has say nothing about this one
COMMON = (
    "What we found",
    "What this leaves out",
    "In real systems",
    "Further reading",
    "Now you",
    "Questions",
)


@dataclass(frozen=True)
class Facts:
    """A lesson or exercise as a table names it; ``deeper``: minutes of its *Deeper* parts."""

    number: str
    page: Page
    question: str
    minutes: int
    deeper: int
    builds_on: tuple[str, ...]
    sections: tuple[str, ...]


def lesson_facts(root: Path = ROOT, pages: Pages | None = None) -> list[Facts]:
    """The facts of every lesson, in order."""
    pages = pages or pages_of(root)
    first = next(iter(pages.lessons.values()), None)
    questions = FIRST | (dict(ROW.findall(_markdown(root, first))) if first else {})
    return [_facts(root, number, page, questions) for number, page in pages.lessons.items()]


def exercise_facts(root: Path = ROOT, pages: Pages | None = None) -> list[Facts]:
    """The facts of every exercise, in order; its sections are the tasks."""
    pages = pages or pages_of(root)
    return [_facts(root, number, page, {}) for number, page in pages.exercises.items()]


def _facts(root: Path, number: str, page: Page, questions: dict[str, str]) -> Facts:
    text = _markdown(root, page)
    said = {name: " ".join(words.split()) for name, words in BOLD.findall(text)}
    minutes = [int(found) for found in re.findall(r"(\d+)(?: more)?", said.get("Time", ""))]
    deeper = re.search(r"(\d+) more for the parts marked \*Deeper\*", said.get("Time", ""))
    headings = [_plain(heading) for heading in HEADING.findall(CODE_BLOCK.sub("", text))]
    return Facts(
        number,
        page,
        questions.get(number) or _first_sentence(said.get("You will", "")),
        minutes[0] if minutes else 60,
        int(deeper[1]) if deeper else 0,
        tuple(dict.fromkeys(re.findall(rf"\b({ONE})\b", said.get("Builds on", "")))),
        tuple(heading for heading in headings if heading not in COMMON),
    )


def _markdown(root: Path, page: Page) -> str:
    """The text cells of a page's source."""
    source = root / page.folder / "src" / f"{page.stem}.py"
    cells = re.split(r"^# %%(.*)$", source.read_text(encoding="utf-8"), flags=re.MULTILINE)
    texts = [
        re.sub(r"^# ?", "", text, flags=re.MULTILINE).strip()
        for head, text in zip(cells[1::2], cells[2::2], strict=True)
        if head.lstrip().startswith("[markdown]")
    ]
    return "\n\n".join(texts)


def _first_sentence(text: str) -> str:
    """The first sentence, as a sentence of its own."""
    sentence = _plain(re.split(r"(?<=[.?!])\s", text)[0])
    return sentence[:1].upper() + sentence[1:]


def _plain(text: str) -> str:
    """A line of markdown without its marks."""
    for mark, word in LATEX.items():
        text = text.replace(mark, word)
    return re.sub(r"[*`]", "", text)
