"""Links that the build makes: "lesson 04", "exercise 03" and "arXiv 2307.09288" in prose.

Authors write plain words. :func:`linked` turns them into markdown links that are relative to the
notebook's folder, so that they work in JupyterLab, on GitHub and on the website. Code, formulas,
headings and links that are there already stay as they are. A lesson or exercise that does not exist
is an error of the build.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..base import require
from .places import ROOT

ARXIV = "https://arxiv.org/abs/"
BADGE = "notebooks/_static/colab-badge.svg"
LESSONS = "[0-9][0-9]*_*.py"  # names of the lessons' sources
ONE = r"\d\d(?:[a-z]\b)?"  # a lesson's number: 04, or 09b
MANY = rf"{ONE}(?:(?:,\s+(?:and\s+)?|\s+(?:and|or|to)\s+){ONE})*(?![.,]?\d)"
# what is left alone comes first: whoever matches first wins
PROSE = re.compile(
    r"(?P<kept>^(?:```|~~~).*?^(?:```|~~~)[^\n]*$"  # a block of code
    r"|^[ ]{0,3}#{1,6}\s[^\n]*$"  # a heading
    r"|^<[^\n]+(?:\n[^\n]+)*"  # a block of HTML, up to an empty line
    r"|\$\$.*?\$\$"
    r"|(?<!\\)\$(?![\s$])(?:[^$\\]|\\.)+?\$"
    r"|\[!\[[^\]]*\]\([^)]*\)\]\([^)]*\)|!?\[[^\]]*\]\([^)]*\)"
    r"|<[^>\n]+>)"
    r"|(?P<file>`exercises/ex\d\d(?:_\w+)?(?:\.ipynb)?`|\bexercises/ex\d\d(?:_\w+)?(?:\.ipynb)?\b)"
    r"|(?P<code>(`+).+?\4(?!`))"
    rf"|^\|\s(?P<row>(?P<at>{ONE})\s[^|$`\[\n]+?)\s\|"
    rf"|\b(?P<one>[Ll]esson|[Ee]xercise)\s+(?P<number>{ONE})(?![.,]?\d)"
    rf"|\b(?P<word>[Ll]essons|[Ee]xercises)(?P<gap>\s+)(?P<numbers>{MANY})"
    r"|\barXiv[:\s]\s*(?P<paper>\d{4}\.\d{4,5})(?:v\d+)?\b",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^##\s+(.+?)\s*$", re.MULTILINE)
CODE_BLOCK = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
PICTURED = re.compile(r"\[!\[([^\]]*)\]\([^)]*\)\]")  # a link whose words are a picture
RELATIVE = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    """A lesson or an exercise: its folder, the name of its notebook, and its title."""

    folder: str
    stem: str
    title: str

    @property
    def path(self) -> str:
        """The notebook, relative to the repository."""
        return f"{self.folder}/{self.stem}.ipynb"

    @property
    def short(self) -> str:
        """The title up to its colon; an exercise's number is part of it."""
        name, _, rest = self.title.partition(":")
        return f"{name}: {rest.strip()}" if self.folder == "exercises" else name


@dataclass(frozen=True)
class Pages:
    """What can be linked to: ``lessons`` ("04", "09b" → page) and ``exercises`` ("03" → page).

    An exercise belongs to the lesson of its number; where that has parts, to the last of them.
    """

    lessons: dict[str, Page]
    exercises: dict[str, Page]

    def find(self, kind: str, number: str) -> Page:
        """The page of "lesson" or "exercise" ``number``. Raises when there is none."""
        known = self.lessons if kind == "lesson" else self.exercises
        require(
            number in known,
            f"the text speaks of {kind} {number}, which does not exist; there are "
            f"{', '.join(known) or 'none'}.",
        )
        return known[number]

    def exercise_of(self, lesson: str) -> str | None:
        """The number of the exercise that belongs to a lesson; None where there is none."""
        number = lesson[:2]
        last = max((n for n in self.lessons if n[:2] == number), default="")
        return number if lesson == last and number in self.exercises else None

    def lesson_of(self, exercise: str) -> str | None:
        """The number of the lesson that an exercise belongs to; None where there is none."""
        return next((n for n in self.lessons if self.exercise_of(n) == exercise), None)

    def beside(self, stem: str) -> list[tuple[str, Page]]:
        """What the bar at the end of ``stem`` leads to: (label, page), in reading order."""
        lessons = list(self.lessons.values())
        for number, page in self.exercises.items():
            if page.stem == stem:
                lesson = self.lesson_of(number)
                after = [p for n, p in self.lessons.items() if n > (lesson or number)][:1]
                own = [("← {}", self.lessons[lesson])] if lesson else []
                return own + [("{} →", page) for page in after]
        at = next((k for k, page in enumerate(lessons) if page.stem == stem), None)
        if at is None:
            return []
        found = [("← {}", page) for page in lessons[max(at - 1, 0) : at]]
        own = self.exercise_of(number_of(stem))
        found += [("{}", self.exercises[own])] if own else []
        return found + [("{} →", page) for page in lessons[at + 1 : at + 2]]


def number_of(stem: str) -> str:
    """The number in the name of a lesson or exercise: "04" of 04_…, "09b" of 09b_… and ex03's."""
    return stem.partition("_")[0].removeprefix("ex")


def pages_of(root: Path = ROOT) -> Pages:
    """The lessons and exercises whose sources lie in the repository ``root``."""
    lessons = sorted((root / "notebooks" / "src").glob(LESSONS))
    exercises = sorted((root / "exercises" / "src").glob("ex[0-9][0-9]_*.py"))
    return Pages(
        {
            number_of(source.stem): Page("notebooks", source.stem, _title(source))
            for source in lessons
        },
        {
            number_of(source.stem): Page("exercises", source.stem, _title(source))
            for source in exercises
        },
    )


def _title(source: Path) -> str:
    """The first heading of a py:percent file."""
    found = re.search(r"^# # (.+)$", source.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else source.stem


def linked(text: str, folder: str, pages: Pages | None = None, here: str = "") -> str:
    """Markdown ``text`` of a notebook in ``folder`` ("notebooks", "exercises") with its links.

    ``pages``: what there is to link to (default: this repository's); ``here``: the notebook's own
    name, to which nothing is linked. Done twice, it changes nothing. Raises
    :class:`~course_lib.base.CourseError` for a lesson or exercise that does not exist.
    """
    pages = pages or pages_of()

    def to(kind: str, number: str, words: str) -> str:
        page = pages.find(kind, number)
        return words if page.stem == here else f"[{words}]({_from(folder, page.path)})"

    def replace(match: re.Match[str]) -> str:
        if match["kept"] or match["code"]:
            return match[0]
        if match["file"]:
            return to("exercise", re.search(r"ex(\d\d)", match["file"])[1], match["file"])
        if match["row"]:
            known = match["at"] in pages.lessons
            return f"| {to('lesson', match['at'], match['row'])} |" if known else match[0]
        if match["paper"]:
            return f"[{match[0]}]({ARXIV}{match['paper']})"
        if match["one"]:
            return to(match["one"].lower(), match["number"], match[0])
        kind = match["word"].lower().rstrip("s")
        each = re.sub(ONE, lambda number: to(kind, number[0], number[0]), match["numbers"])
        return f"{match['word']}{match['gap']}{each}"

    return PROSE.sub(replace, text)


def _from(folder: str, path: str) -> str:
    return posixpath.relpath(path, folder or ".")


def contents(texts: Sequence[str]) -> str:
    """Links to the sections (``## …``) of a notebook; empty when there are under three.

    A line for the core, and one for the parts marked *Deeper*. ``texts``: the markdown cells. The
    targets are those that JupyterLab gives a heading.
    """
    core, deeper = [], []
    for text in texts:
        for heading in HEADING.findall(CODE_BLOCK.sub("", text)):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", heading)
            # JupyterLab names a heading by what it shows: n for $n$
            name = words.replace("$", "").replace(" ", "-")
            place = deeper if words.startswith("Deeper: ") else core
            shown = words.removeprefix("Deeper: ")
            place.append(f"[{shown}](#{quote(name, safe='-:?,')})")
    if len(core) + len(deeper) < 3:
        return ""
    lines = [f"**On this page:** {' · '.join(core)}"] if core else []
    return "\n\n".join([*lines, f"**Deeper:** {' · '.join(deeper)}"] if deeper else lines)


def bar(stem: str, folder: str, pages: Pages | None = None) -> str:
    """The line at the end of a notebook: to the one before, its exercise, and the next."""
    pages = pages or pages_of()
    found = [
        f"[{label.format(page.short)}]({_from(folder, page.path)})"
        for label, page in pages.beside(stem)
    ]
    return f"---\n\n{' · '.join(found)}" if found else ""


def badge(notebook: str, folder: str, address: str) -> str:
    """The badge that opens ``notebook`` of the repository at ``address`` in Colab, as markdown.

    Its picture is a file of this repository, so that it shows without a network.
    """
    return f"[![Open in Colab]({_from(folder, BADGE)})]({colab(notebook, address)})"


def colab(notebook: str, address: str) -> str:
    """Where Colab opens ``notebook`` of the repository at ``address``."""
    where = address.removeprefix("https://github.com/").removesuffix(".git").strip("/")
    return f"https://colab.research.google.com/github/{where}/blob/main/{notebook}"


def absolute(text: str, folder: str, address: str) -> str:
    """``text`` with whole links in place of relative ones, for a notebook that is handed out alone.

    They lead to the repository at ``address``, as GitHub shows it; the badge becomes words, since
    its picture stays behind.
    """
    base = f"{address.removesuffix('.git').rstrip('/')}/blob/main"

    def whole(match: re.Match[str]) -> str:
        return f"]({base}/{posixpath.normpath(posixpath.join(folder, match[1]))})"

    return RELATIVE.sub(whole, PICTURED.sub(r"[\1]", text))
