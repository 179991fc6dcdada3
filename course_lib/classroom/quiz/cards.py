"""Questions as widgets."""

import html
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ...base import CourseError
from ..explore import View, widgets
from ..record import load_progress
from .answers import answer, case_text, item_text, mark
from .items import LETTERS, Item, items, shuffled
from .mastery import due, summary


def ask(lesson: str) -> View:
    """Show a lesson's questions.

    Returns a :class:`~course_lib.classroom.explore.View`, whose stand-in is the questions as text.
    """
    return _cards(items(lesson), lambda: summary(lesson))


def review(limit: int = 5) -> View:
    """Ask again what is due: at most ``limit`` questions of all lessons, the longest overdue first.

    Shown like :func:`ask`.
    """
    found = due()[:limit]

    def status_line() -> str:
        if found:
            return f"{len(due())} questions are due."
        return (
            "Nothing is due: what you have answered waits for its day, and the rest is "
            "asked in its lesson."
        )

    return _cards(found, status_line)


def _cards(found: Sequence[Item], status_line: Callable[[], str]) -> View:
    """Questions one below the other, with a line on where the reader stands."""
    text = "\n\n".join(map(item_text, found)) or status_line()
    w = widgets()
    if w is None:
        return View(None, text)
    cards = {item["id"]: CARDS[item["kind"]](w, item) for item in found}
    status = w.HTML()

    def refresh() -> None:
        try:
            line = status_line()
        except CourseError as error:
            line = str(error)
        status.value = f"<p>{html.escape(line)}</p>"

    refresh()
    for card in cards.values():
        card.done = refresh
    box = w.VBox([card.box for card in cards.values()] + [status])
    return View(box, text, cards=cards, status=status)


class Card:
    """The widgets of one item: ``box`` to show, and ``done`` to call after an answer is kept.

    A kind of item adds its controls by name.
    """

    def __init__(self, w: ModuleType, item: Item, *rows: Any) -> None:
        self.item = item
        self.feedback = w.HTML("")
        question = w.HTML(f"<p><b>{_safe(item['question'])}</b></p>")
        self.box = w.VBox([question, *rows, self.feedback], layout=w.Layout(margin="0 0 1.5em 0"))
        self.done: Callable[[], None] = lambda: None

    def say(self, text: str) -> None:
        """Show ``text`` below the item; screen readers announce it."""
        self.feedback.value = f'<div role="status" aria-live="polite">{_safe(text)}</div>'

    def act(self, function: Callable[[], str]) -> Callable:
        """A button's callback: show what ``function`` returns, or the error it raises."""

        def clicked(_button: Any = None) -> None:
            try:
                self.say(function())
            except CourseError as error:
                self.say(str(error))
            self.done()

        return clicked


class SingleCard(Card):
    """One of several options: ``choice`` among their letters, and ``button`` to check it."""

    def __init__(self, w: ModuleType, item: Item) -> None:
        letters = LETTERS[: len(item["options"])]
        lines = [
            f"<div>{letter}) {_safe(option['text'])}</div>"
            for letter, option in zip(letters, item["options"], strict=True)
        ]
        last = _last(item)
        self.choice = w.RadioButtons(
            options=list(letters),
            value=last if last in set(letters) else None,
            description="",
        )
        self.button = w.Button(description="Check")
        super().__init__(w, item, w.HTML("".join(lines)), self.choice, self.button)
        self.button.on_click(self.act(self.check))

    def check(self) -> str:
        if not self.choice.value:
            return "Choose one of the letters first."
        return answer(self.item["id"], self.choice.value)


class OrderCard(Card):
    """Steps to put in order: buttons ``up`` and ``down`` beside the ``texts``, and a check.

    ``order``: positions of the steps as they stand now.
    """

    def __init__(self, w: ModuleType, item: Item) -> None:
        self.offered = shuffled(item)
        self.order = self.start(_last(item))
        # buttons only: JupyterLab takes the arrow keys of lists and menus for itself
        small = w.Layout(width="3.5em", min_width="3.5em")
        places = range(len(self.order))
        self.up = [
            w.Button(description="↑", tooltip=f"move step {place + 1} up", layout=small)
            for place in places
        ]
        self.down = [
            w.Button(description="↓", tooltip=f"move step {place + 1} down", layout=small)
            for place in places
        ]
        self.texts = [w.HTML() for _ in places]
        self.button = w.Button(description="Check")
        rows = zip(self.up, self.down, self.texts, strict=True)
        super().__init__(w, item, w.VBox([w.HBox(row) for row in rows]), self.button)
        self.draw()
        for place in places:
            self.up[place].on_click(self.moving(place, -1))
            self.down[place].on_click(self.moving(place, +1))
        self.button.on_click(self.act(self.check))

    def start(self, last: Any) -> list[int]:
        """The order of the last answer, or else the one in which steps are offered."""
        if last and sorted(last) == list(LETTERS[: len(self.offered)]):
            return [self.offered[LETTERS.index(letter)] for letter in last]
        return list(self.offered)

    def draw(self) -> None:
        for place, k in enumerate(self.order):
            step = self.item["steps"][k]
            self.texts[place].value = f"{place + 1}. {_safe(step['text'])}"

    def moving(self, at: int, by: int) -> Callable:
        """What a button does: move the step at place ``at`` one place up or down."""

        def moved(_button: Any = None) -> None:
            to = at + by
            if not 0 <= to < len(self.order):
                return
            self.order[at], self.order[to] = self.order[to], self.order[at]
            self.draw()
            same = (self.up if by < 0 else self.down)[to]
            if hasattr(same, "focus"):  # ipywidgets 8: the focus follows the step
                same.focus()

        return moved

    def check(self) -> str:
        letters = [LETTERS[self.offered.index(k)] for k in self.order]
        return answer(self.item["id"], letters)


class CaseCard(Card):
    """A case: a ``text`` to write, then the model answer and a ``marking`` of one's own.

    ``points``: a box to tick for each point of the rubric; ``keep`` keeps the mark.
    """

    def __init__(self, w: ModuleType, item: Item) -> None:
        self.text = w.Textarea(
            value=_kept(item).get("draft", ""),
            placeholder="Write a few sentences first.",
            layout=w.Layout(width="95%", height="8em"),
        )
        self.button = w.Button(
            description="Show a model answer", layout=w.Layout(width="max-content")
        )
        wide = w.Layout(width="95%")
        self.points = [
            w.Checkbox(value=False, indent=False, description=f"point {k + 1}", layout=wide)
            for k in range(len(item["rubric"]))
        ]
        self.keep = w.Button(description="Keep my mark")
        self.marking = w.VBox(
            [w.HTML("Which points did your answer have?"), *self.points, self.keep],
            layout=w.Layout(display="none"),  # until there is an answer
        )
        super().__init__(w, item, self.text, self.button)
        self.box.children = [*self.box.children, self.marking]  # below the model answer
        self.button.on_click(self.act(self.show))
        self.keep.on_click(self.act(self.keep_mark))

    def show(self) -> str:
        said = answer(self.item["id"], self.text.value)
        self.marking.layout.display = ""
        return said

    def keep_mark(self) -> str:
        ticked = [k for k, box in enumerate(self.points, 1) if box.value]
        said = mark(self.item["id"], ticked)
        return f"{case_text(self.item)}\n\n{said}"


CARDS = {"single": SingleCard, "order": OrderCard, "case": CaseCard}


def _safe(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _kept(item: Item) -> dict[str, Any]:
    """What is kept for an item.

    Nothing when the progress file cannot be read; the status line then says so.
    """
    try:
        return load_progress().get(item["id"], {})
    except CourseError:
        return {}


def _last(item: Item) -> Any:
    """The last answer kept for an item, or None."""
    answers = _kept(item).get("answers")
    return answers[-1].get("answer") if answers else None
