"""Questions as widgets."""

import html

from ...base import CourseError
from ..explore import View, widgets
from ..record import load_progress
from .answers import answer, case_text, item_text, mark
from .items import LETTERS, items, shuffled
from .mastery import due, summary


def ask(lesson):
    """Show a lesson's questions.

    Returns a :class:`~course_lib.classroom.explore.View`, whose stand-in is the questions as text.
    """
    return _cards(items(lesson), lambda: summary(lesson))


def review(limit=5):
    """Ask again what is due: at most ``limit`` questions of all lessons, the longest overdue first.

    Shown like :func:`ask`.
    """
    found = due()[:limit]
    return _cards(
        found,
        lambda: (
            f"{len(due())} questions are due."
            if found
            else "Nothing is due: what you have answered waits for its day, and the rest is "
            "asked in its lesson."
        ),
    )


def _cards(found, status_line):
    """Questions one below the other, with a line on where the reader stands."""
    text = "\n\n".join(map(item_text, found)) or status_line()
    w = widgets()
    if w is None:
        return View(None, text)
    cards = {
        item["id"]: {"single": _single, "order": _order, "case": _case}[item["kind"]](w, item)
        for item in found
    }
    status = w.HTML()

    def refresh():
        try:
            status.value = f"<p>{html.escape(status_line())}</p>"
        except CourseError as error:
            status.value = f"<p>{html.escape(str(error))}</p>"

    refresh()
    for card in cards.values():
        card.done = refresh
    return View(
        w.VBox([card.box for card in cards.values()] + [status]), text, cards=cards, status=status
    )


class Card:
    """The widgets of one item: ``box`` to show, its controls by name, and ``done`` to call after
    an answer is kept.
    """

    def __init__(self, w, item, *rows, **controls):
        self.item, self.feedback = item, w.HTML("")
        self.box = w.VBox(
            [w.HTML(f"<p><b>{_safe(item['question'])}</b></p>"), *rows, self.feedback],
            layout=w.Layout(margin="0 0 1.5em 0"),
        )
        self.done = lambda: None
        for name, control in controls.items():
            setattr(self, name, control)

    def say(self, text):
        """Show ``text`` below the item; screen readers announce it."""
        self.feedback.value = f'<div role="status" aria-live="polite">{_safe(text)}</div>'

    def act(self, function):
        """A button's callback: show what ``function`` returns, or the error it raises."""

        def clicked(_button=None):
            try:
                self.say(function())
            except CourseError as error:
                self.say(str(error))
            self.done()

        return clicked


def _safe(text):
    return html.escape(text).replace("\n", "<br>")


def _kept(item):
    """What is kept for an item; nothing when the progress file cannot be read (the status line
    then says so).
    """
    try:
        return load_progress().get(item["id"], {})
    except CourseError:
        return {}


def _last(item):
    """The last answer kept for an item, or None."""
    return (_kept(item).get("answers") or [{}])[-1].get("answer")


def _single(w, item):
    letters = LETTERS[: len(item["options"])]
    listing = w.HTML(
        "".join(
            f"<div>{letter}) {_safe(option['text'])}</div>"
            for letter, option in zip(letters, item["options"], strict=True)
        )
    )
    choice = w.RadioButtons(
        options=list(letters),
        value=_last(item) if _last(item) in set(letters) else None,
        description="",
    )
    button = w.Button(description="Check")
    card = Card(w, item, listing, choice, button, choice=choice, button=button)
    button.on_click(
        card.act(
            lambda: (
                answer(item["id"], choice.value)
                if choice.value
                else "Choose one of the letters first."
            )
        )
    )
    return card


def _order(w, item):
    offered = shuffled(item)
    letters = dict(zip(offered, LETTERS, strict=False))
    last = _last(item)
    order = (
        [offered[LETTERS.index(g)] for g in last]
        if last and sorted(last) == list(LETTERS[: len(offered)])
        else list(offered)
    )
    # buttons only: JupyterLab takes the arrow keys of lists and menus for itself
    places = range(len(order))
    small = w.Layout(width="3.5em", min_width="3.5em")
    up, down = (
        [
            w.Button(description=sign, tooltip=f"move step {place + 1} {word}", layout=small)
            for place in places
        ]
        for sign, word in (("↑", "up"), ("↓", "down"))
    )
    texts, button = [w.HTML() for _ in places], w.Button(description="Check")
    card = Card(
        w,
        item,
        w.VBox([w.HBox([up[place], down[place], texts[place]]) for place in places]),
        button,
        up=up,
        down=down,
        texts=texts,
        button=button,
        order=order,
    )

    def draw():
        for place, k in enumerate(order):
            texts[place].value = f"{place + 1}. {_safe(item['steps'][k]['text'])}"

    def move(at, by):
        def moved(_button=None):
            to = at + by
            if 0 <= to < len(order):
                order[at], order[to] = order[to], order[at]
                draw()
                same = (up if by < 0 else down)[to]
                if hasattr(same, "focus"):  # ipywidgets 8: the focus follows the step
                    same.focus()

        return moved

    draw()
    for place in places:
        up[place].on_click(move(place, -1))
        down[place].on_click(move(place, +1))
    button.on_click(card.act(lambda: answer(item["id"], [letters[k] for k in order])))
    return card


def _case(w, item):
    wide = w.Layout(width="95%")
    text = w.Textarea(
        value=_kept(item).get("draft", ""),
        placeholder="Write a few sentences first.",
        layout=w.Layout(width="95%", height="8em"),
    )
    button = w.Button(description="Show a model answer", layout=w.Layout(width="max-content"))
    points = [
        w.Checkbox(value=False, indent=False, description=f"point {k + 1}", layout=wide)
        for k in range(len(item["rubric"]))
    ]
    keep = w.Button(description="Keep my mark")
    marking = w.VBox(
        [w.HTML("Which points did your answer have?"), *points, keep],
        layout=w.Layout(display="none"),
    )
    card = Card(
        w, item, text, button, text=text, button=button, points=points, keep=keep, marking=marking
    )
    card.box.children = [*card.box.children, marking]

    def show():
        said = answer(item["id"], text.value)
        marking.layout.display = ""
        return said

    button.on_click(card.act(show))
    keep.on_click(
        card.act(
            lambda: (
                case_text(item)
                + "\n\n"
                + mark(item["id"], [k + 1 for k, box in enumerate(points) if box.value])
            )
        )
    )
    return card
