"""The cards of checks: points, parts, the first thing wrong, hints, and where to go on.

Plain HTML that needs no script, so that it stands in a notebook that is opened again, trusted or
not. The text beside it is what a terminal shows.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .compare import as_sentence
from .links import READ, to_section, to_task
from .listing import tasks
from .outcome import Outcome, Part
from .registry import STALE, Task

MARKS = {"yes": ("✓", "holds"), "no": ("✗", "does not hold"), "untried": ("○", "not tried")}


@dataclass(frozen=True)
class Card:
    """What a notebook shows: ``html``, or ``text`` in its place; ``short``: the text in a line."""

    text: str
    html: str
    short: str = ""

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}


def show(card: Card, display_id: bool = False) -> Any:
    """Show a card below the cell; with ``display_id`` gives the handle that can change it."""
    from IPython.display import display

    return display(card, display_id=True) if display_id else display(card)


def framed(state: str, label: str, *inner: str) -> str:
    """``inner`` in a frame of the colour of ``state``: "done", "partly", "wrong" or "waiting".

    Its hints open by keys, which must not reach the notebook; no other card may be on the page.
    """
    from ..web import keys, still

    body = "".join(inner)
    text = html.escape(label, quote=True)
    card = f'<div class="ck-check ck-{state}" role="group" aria-label="{text}">{body}</div>'
    return f"{still(card, 'check')}<script>{keys()}</script>"


def of_outcome(task: Task, found: Outcome, stale: str = "") -> Card:
    """The card of a check. ``stale``: why the task's cell did not run when it was last tried."""
    text = task.text(found, stale)
    points = f"{found.points:g} of {task.points:g} points"
    if found.passed:
        state, verdict, body = "done", "✓ All properties hold", []
        parts = [_part(part, "yes") for part in found.parts]
    elif not found.written:
        state, verdict = "waiting", "Not written yet"
        todo = "Mend it" if stale else "Fill in the cell above"
        body = [_said(f"{as_sentence(found.message)} {todo}, run it, then run this check again.")]
        parts = [_part(part, "untried") for part in task.properties()]
    else:
        state = "partly" if found.points else "wrong"
        verdict = "Partly right" if found.points else "Not right yet"
        wrong = next(part for part in found.parts if not part.passed)
        body = [_said(as_sentence(wrong.message)), _smallest(wrong)]
        parts = [_part(part, "yes" if part.passed else "no") for part in found.parts]
    after = _going_on(task) if found.passed else _hints(task) + _lesson(task)
    inside = (
        _note(STALE.format(stale)) if stale else "",
        _head(task.name, verdict, points),
        bar(found.points, task.points),
        *body,
        f'<ul class="ck-parts">{"".join(parts)}</ul>' if parts else "",
        after,
    )
    label = f"{task.name}: {verdict.removeprefix('✓ ')}, {points}"
    return Card(text, framed(state, label, *inside), f"{task.name}: {points}.")


def of_undefined(task: Task, why: str) -> Card:
    """The card of a check whose answer is not defined; ``why`` its cell failed, or ""."""
    said = f"the cell above did not run: {why}" if why else "the cell above has not run yet."
    todo = "Mend it, run it, then run this check again." if why else "Run it, then this check."
    text = f"{task.name}: {said} {todo}"
    inside = (_head(task.name, "Nothing to check yet", ""), _note(said), _said(todo))
    return Card(text, framed("waiting", text, *inside), f"{task.name}: nothing to check yet.")


def of_waiting(text: str, lacking: Sequence[Task]) -> Card:
    """The card of a cell that uses tasks which have not passed their checks."""
    ways = "".join(f"<li>{_task_link(task)}</li>" for task in lacking)
    inside = (_said(text), f'<ul class="ck-parts">{ways}</ul>')
    return Card(text, framed("waiting", "This cell waits", *inside), "This cell waits.")


def of_standing(title: str, text: str, rows: Sequence[dict[str, Any]], note: str) -> Card:
    """The card of an exercise: a row a task, with points and state, and the next step.

    ``rows``: as :func:`~.running.standing` gives them, with a "state" each.
    """
    points, most = (sum(row[key] for row in rows) for key in ("points", "most"))
    whole = all(row["state"] == "done" for row in rows)
    ended = all(row["state"] not in ("waiting", "running") for row in rows)
    head = "<th scope=col>task</th><th scope=col>state</th><th scope=col class=ck-num>points</th>"
    head = f"<thead><tr>{head}</tr></thead>"
    body = "".join(map(_row, rows))
    inside = (
        _head(title, "✓ Everything is done" if whole else "", f"{points:g} of {most:g} points"),
        bar(points, most),
        f'<div class="ck-scroll"><table>{head}<tbody>{body}</tbody></table></div>',
        _next_step(rows) if ended and not whole else "",
        f'<p class="ck-note">{html.escape(note)}</p>' if note else "",
    )
    state = "done" if whole else "partly" if ended and points else "waiting"
    return Card(text, framed(state, f"{title}: {points:g} of {most:g} points", *inside))


STATES = {
    "done": ("✓", "ck-yes"),
    "begun": ("◐", "ck-some"),
    "not yet": ("○", "ck-untried"),
    "running": ("…", "ck-untried"),
    "waiting": ("○", "ck-untried"),
}


def _row(row: dict[str, Any]) -> str:
    mark, kind = STATES[row["state"]]
    exercise, name = row["task"].split(".")
    message = row["message"] if row["state"] == "begun" else ""
    said = f'<div class="ck-note">{html.escape(as_sentence(message))}</div>' if message else ""
    shown = (
        f"{row['points']:g} of {row['most']:g}"
        if row["state"] in ("done", "begun")
        else (
            f"– of {row['most']:g}"
            if row["state"] in ("running", "waiting")
            else f"0 of {row['most']:g}"
        )
    )
    return (
        f"<tr><td>{_linked(to_task(exercise, name), f'<code>{name}</code>')}{said}</td>"
        f'<td class="{kind}"><span class="ck-mark">{mark}</span> {row["state"]}</td>'
        f'<td class="ck-num">{shown}</td></tr>'
    )


def _next_step(rows: Sequence[dict[str, Any]]) -> str:
    """What to do about the first task that has not all its points."""
    row = next(row for row in rows if row["points"] < row["most"])
    exercise, name = row["task"].split(".")
    task = tasks(exercise)[name]
    said = "" if row["written"] else f" {html.escape(as_sentence(row['message']))}"
    return f'<p class="ck-next">Next: {_task_link(task)}.{said}</p>{_lesson(task)}'


def bar(points: float, most: float) -> str:
    """Points as a bar, said in words too."""
    share = 100 * points / most if most else 0
    return (
        f'<div class="ck-points" role="img" aria-label="{points:g} of {most:g} points">'
        f'<div style="width: {share:.0f}%"></div></div>'
    )


def _head(name: str, verdict: str, points: str) -> str:
    shown = f'<span class="ck-verdict">{html.escape(verdict)}</span>' if verdict else ""
    told = f'<span class="ck-told">{html.escape(points)}</span>' if points else ""
    words = " ".join(filter(None, (f"<code>{html.escape(name)}</code>", shown, told)))
    return f'<div class="ck-head" role="status">{words}</div>'


def _said(text: str) -> str:
    return f'<p class="ck-says">{html.escape(text)}</p>'


def _note(text: str) -> str:
    return f'<p class="ck-stale">⚠ {html.escape(as_sentence(text))}</p>'


def _part(part: Part, kind: str) -> str:
    mark, word = MARKS[kind]
    worth = f"{part.points:g} point{'' if part.points == 1 else 's'}"
    return (
        f'<li class="ck-{kind}"><span class="ck-mark">{mark}</span> {html.escape(part.name)} '
        f'<span class="ck-note">{word}, {worth}</span></li>'
    )


def _smallest(part: Part) -> str:
    """The smallest input that shows what is wrong, as a table; what should have come never."""
    if not part.shown:
        return ""
    title = "The smallest input that shows it"
    if not part.given:
        return f"<p>{title}: {html.escape(part.shown)}</p>"
    lines = [f"{name} = {value}" if name else value for name, value in part.given]
    cells = [("given", "\n".join(lines))] + ([("yours gave", part.gave)] if part.gave else [])
    head = "".join(f'<th scope="col">{name}</th>' for name, _ in cells)
    row = "".join(f"<td><code>{_lines(value)}</code></td>" for _, value in cells)
    return (
        f'<table class="ck-smallest"><caption>{title}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody><tr>{row}</tr></tbody></table>"
    )


def _lines(text: str) -> str:
    """Lines that stay apart where styles are dropped."""
    return html.escape(text).replace("\n", "<br>")


def _hints(task: Task) -> str:
    """The hints offered by now, folded."""
    folds = "".join(
        f"<details><summary>Hint {k}</summary><p>{html.escape(hint)}</p></details>"
        for k, hint in enumerate(task.hints[: task.level], 1)
    )
    more = "" if task.level == 3 else '<p class="ck-note">After another try there is one more.</p>'
    return f'<div class="ck-hints">{folds}{more}</div>'


def _lesson(task: Task) -> str:
    """Where the lesson explains it."""
    named = READ.match(task.read)
    lesson, title = named.groups() if named else ("", "")
    words = f"lesson {lesson}, “{title}”" if named else task.read
    return (
        f'<p class="ck-read">Explained in {_linked(to_section(task.read), html.escape(words))}.</p>'
    )


def _going_on(task: Task) -> str:
    """The next task, after one that passed."""
    names = list(tasks(task.exercise)) if task.name in tasks(task.exercise) else [task.name]
    after = names[names.index(task.name) + 1 :]
    if not after:
        return '<p class="ck-next">This was the last task: now measure.</p>'
    return f'<p class="ck-next">Next: {_task_link(tasks(task.exercise)[after[0]])}.</p>'


def _task_link(task: Task) -> str:
    at = list(tasks(task.exercise)).index(task.name) + 1
    words = f"task {at}, <code>{html.escape(task.name)}</code>"
    return _linked(to_task(task.exercise, task.name), words)


def _linked(address: str, words: str) -> str:
    return f'<a href="{html.escape(address)}">{words}</a>' if address else words
