"""Questions at the end of a lesson: single choice, ordering, and case analysis, each with an explanation for every option.

Items are data: ``course_lib/quizzes/NN.json``. ``ask("01")`` shows a lesson's items; without widgets the same items are texts,
answered with ``answer("01-...", ...)``. What was answered is kept in ``course-progress.json`` in the working folder (or where the
environment variable ``COURSE_PROGRESS`` says), so that a reader can go on later. Each item there has a ``level`` that rises with
every right answer and falls to 0 with a wrong one, and a day when it is ``due`` again (Leitner's boxes).
"""

import html
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .errors import CourseError, require
from .explore import View, widgets
from .files import read_json, write_json

FOLDER = Path(__file__).parent / "quizzes"
KINDS = ("single", "order", "case")
DAYS = (1, 3, 7, 21, 60)  # until an item is due again, by level: 0 after a wrong answer
LETTERS = "abcdefgh"
RIGHT = 0.75  # a score from here on counts as right
# what a reader arrives and leaves with; each has items of at least two kinds somewhere in the course
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
FORMAT = 1


# ---- items --------------------------------------------------------------------------------------------------------------


def items(lesson):
    """The items of a lesson ("01"), as dictionaries; each is checked by :func:`validate`."""
    path = FOLDER / f"{lesson}.json"
    require(path.is_file(), f"no quiz for lesson {lesson!r}; there are quizzes for: {', '.join(sorted(p.stem for p in FOLDER.glob('*.json')))}.")
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
    """Raise :class:`~course_lib.errors.CourseError` unless ``item`` is complete.

    All kinds: ``id``, ``idea`` (what it is about), ``kind``, ``question``. ``single``: ``options`` of ``text``, ``right``, ``why``, one of
    them right. ``order``: ``steps`` of ``text`` and ``why``, in the right order. ``case``: ``model_answer`` and ``rubric``, a list of
    ``point`` and ``why``.
    """
    name = item.get("id", "an item without id")
    for key in ("id", "idea", "kind", "question"):
        require(isinstance(item.get(key), str) and item[key].strip(), f"quiz item {name}: {key!r} is missing or empty.")
    require(item["kind"] in KINDS, f"quiz item {name}: kind must be one of {', '.join(KINDS)}; got {item['kind']!r}.")
    rows, keys = {"single": ("options", ("text", "why")), "order": ("steps", ("text", "why")), "case": ("rubric", ("point", "why"))}[item["kind"]]
    require(isinstance(item.get(rows), list) and 2 <= len(item[rows]) <= len(LETTERS), f"quiz item {name}: {rows!r} must be a list of 2 to {len(LETTERS)}.")
    for row in item[rows]:
        require(all(isinstance(row.get(k), str) and row[k].strip() for k in keys), f"quiz item {name}: every one of {rows!r} needs {' and '.join(keys)}.")
    texts = [row[keys[0]] for row in item[rows]]
    require(len(set(texts)) == len(texts), f"quiz item {name}: two of {rows!r} have the same text.")
    if item["kind"] == "single":
        require(sum(row.get("right") is True for row in item["options"]) == 1, f"quiz item {name}: exactly one option must be right.")
    if item["kind"] == "case":
        require(isinstance(item.get("model_answer"), str) and item["model_answer"].strip(), f"quiz item {name}: 'model_answer' is missing.")


def shuffled(item):
    """The steps of an ordering item in the order they are offered: fixed by the item's id, never the right one. A list of positions."""
    order = list(range(len(item["steps"])))
    rng = random.Random(item["id"])
    while order == sorted(order):
        rng.shuffle(order)
    return order


# ---- progress -----------------------------------------------------------------------------------------------------------


def progress_path():
    """Where answers are kept. Notebooks in notebooks/ and exercises/ of a clone share one file, in the folder above."""
    if given := os.environ.get("COURSE_PROGRESS"):
        return Path(given)
    here = Path.cwd()
    clone = here.name in ("notebooks", "exercises") and all((here.parent / name).is_dir() for name in ("notebooks", "exercises"))
    return (here.parent if clone else here) / "course-progress.json"


def load_progress():
    """Answers so far: item id → {"level", "due", "answers": [{"at", "answer", "score"}, ...]}; empty when there are none."""
    return _load()["items"]


def load_tasks():
    """Points in exercises so far: task id → {"points", "most", "at"}, the best of all tries."""
    return _load()["tasks"]


def record_task(task_id, points, most):
    """Keep a task's points when they are higher than before."""
    kept = _load()
    if points > kept["tasks"].get(task_id, {"points": -1})["points"]:
        kept["tasks"][task_id] = {"points": points, "most": most, "at": datetime.now(UTC).replace(microsecond=0).isoformat()}
        _store(kept)


def _store(kept):
    write_json(progress_path(), {"format": FORMAT, **kept})


def _load():
    path = progress_path()
    if not path.is_file():
        return {"items": {}, "tasks": {}}
    try:
        kept = read_json(path)
        require(kept["format"] == FORMAT, f"{path.name} has format {kept['format']}, this version reads {FORMAT}. Move it away to start anew.")
        found = {"items": kept["items"], "tasks": kept.get("tasks", {})}
        if not all(isinstance(part, dict) and all(isinstance(entry, dict) for entry in part.values()) for part in found.values()):
            raise TypeError("items and tasks are dictionaries of dictionaries")
        return found
    except CourseError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path.name} cannot be read as quiz progress ({type(error).__name__}). Move it away to start anew; nothing was changed.") from error


def record(item_id, answer, score):
    """Keep one answer with its score in [0, 1]; at least 0.75 counts as right. Returns the item's record."""
    now = datetime.now(UTC).replace(microsecond=0)
    kept = _load()
    entry = kept["items"].setdefault(item_id, {"level": 0, "due": None, "answers": []})
    entry["answers"].append({"at": now.isoformat(), "answer": answer, "score": round(float(score), 3)})
    entry["level"] = min(entry["level"] + 1, len(DAYS) - 1) if score >= RIGHT else 0
    entry["due"] = (now + timedelta(days=DAYS[entry["level"]])).isoformat()
    _store(kept)
    return entry


def summary(lesson):
    """One line on what was answered in a lesson."""
    kept, found = load_progress(), items(lesson)
    answered = [kept[i["id"]] for i in found if kept.get(i["id"], {}).get("answers")]
    right = sum(entry["answers"][-1]["score"] >= RIGHT for entry in answered)
    kind = "Exercise" if lesson.startswith("ex") else "Lesson"
    return f"{kind} {lesson}: {len(answered)} of {len(found)} questions answered, {right} right."


def due(now=None):
    """Items that were answered and are due again, the longest overdue first. Each answer moves the day: see ``DAYS``."""
    now = (now or datetime.now(UTC)).isoformat()
    kept = load_progress()
    waiting = [(kept[i["id"]]["due"], i) for lesson in lessons() for i in items(lesson) if kept.get(i["id"], {}).get("due")]
    return [item for day, item in sorted(waiting, key=lambda pair: pair[0]) if day <= now]


def mastery():
    """The map of ideas: a list of ``idea``, ``lessons``, ``items``, ``answered``, ``right`` (last answers), ``due``, ``tasks``, ``points``, ``most`` and ``mastered``.

    ``tasks`` are those of the exercises, ``points`` of ``most`` the best of all tries. An idea is mastered when the last answer to every one of
    its items was right, none is due again, and its tasks have all their points.
    """
    from . import checks
    kept, done, waiting, found = load_progress(), load_tasks(), {item["id"] for item in due()}, {idea: ([], []) for idea in IDEAS}
    for lesson in lessons():
        for item in items(lesson):
            found.setdefault(item["idea"], ([], []))[0].append((lesson, item))
    for exercise in checks.exercises():
        for task in checks.tasks(exercise).values():
            found.setdefault(task.idea, ([], []))[1].append((exercise, task))
    rows = []
    for idea, (mine, work) in found.items():
        last = [answers[-1]["score"] for _, item in mine if (answers := kept.get(item["id"], {}).get("answers"))]
        again = sum(item["id"] in waiting for _, item in mine)
        right = sum(score >= RIGHT for score in last)
        most = sum(task.points for _, task in work)
        points = sum(min(done.get(task.id, {"points": 0})["points"], task.points) for _, task in work)
        rows.append({"idea": idea, "lessons": sorted({lesson for lesson, _ in mine + work}), "items": len(mine), "answered": len(last), "right": right, "due": again,
                     "tasks": [task.id for _, task in work], "points": points, "most": most, "mastered": right == len(mine) and points == most and not again})
    return rows


def mastery_text(rows):
    """:func:`mastery` for a reader."""
    marks = [("mastered" if r["mastered"] else "due again" if r["due"] else "begun" if r["answered"] or r["points"] else "not yet") for r in rows]
    lines = [f"{'':10} questions   points in exercises"]
    for mark, r in zip(marks, rows):
        questions, tasks = (f"{r['right']} of {r['items']}" if r["items"] else "", f"{r['points']:g} of {r['most']:g}" if r["most"] else "")
        lines.append(f"{mark:10} {questions:9}   {tasks:9}   {r['idea']} ({', '.join(r['lessons'])})")
    again = sum(r["due"] for r in rows)
    lines.append(f"{sum(r['mastered'] for r in rows)} of {len(rows)} ideas mastered. " + (f"{again} questions are due again: quiz.review() in a notebook." if again else "Nothing is due again today."))
    return "\n".join(lines)


# ---- answering ----------------------------------------------------------------------------------------------------------


def answer(item_id, given):
    """Check an answer, keep it, and return the explanation as text.

    ``given``: for a single choice the letter ("b"); for an ordering the letters of the steps in the right order ("bca" or a list); for a case
    your own text. A case is not marked by the computer: read the model answer, then call :func:`mark`.
    """
    item = item_of(item_id)
    if item["kind"] == "case":
        require(isinstance(given, str) and given.strip(), "write your answer as a text first; the model answer is shown after it.")
        kept = _load()
        kept["items"].setdefault(item_id, {"level": 0, "due": None, "answers": []})["draft"] = given
        _store(kept)
        return case_text(item)
    score, text = evaluate(item, given)
    record(item_id, given if isinstance(given, str) else "".join(given), score)
    return text


def evaluate(item, given):
    """(score in [0, 1], explanation of every option) of an answer to a single choice or an ordering; nothing is kept."""
    if item["kind"] == "single":
        letters = LETTERS[: len(item["options"])]
        require(isinstance(given, str) and given.strip().lower() in set(letters), f"answer with one letter from {letters[0]} to {letters[-1]}; got {given!r}.")
        chosen = letters.index(given.strip().lower())
        right = next(k for k, option in enumerate(item["options"]) if option.get("right") is True)
        lines = ["Right." if chosen == right else f"Not quite: the answer is {letters[right]}."]
        lines += [f"  {letter}) {option['why']}" for letter, option in zip(letters, item["options"])]
        return float(chosen == right), "\n".join(lines)
    require(item["kind"] == "order", f"{item['id']} is a case analysis, which is not evaluated: answer({item['id']!r}, ...), then mark({item['id']!r}, ...).")
    letters = LETTERS[: len(item["steps"])]
    require(isinstance(given, str | list | tuple) and all(isinstance(g, str) for g in given), f"answer with letters, such as {letters[::-1]!r} or {list(letters[::-1])}; got {given!r}.")
    given = [g for g in (given if not isinstance(given, str) else given.lower()) if g not in " ,;"]
    require(sorted(given) == list(letters), f"answer with each of the letters {letters} once, in your order, such as {letters[::-1]!r}; got {''.join(given)!r}.")
    offered = shuffled(item)
    order = [offered[letters.index(g)] for g in given]
    pairs = [(a, b) for a in range(len(order)) for b in range(a + 1, len(order))]
    score = sum(order[a] < order[b] for a, b in pairs) / len(pairs)
    score = score if score == 1 else min(score, 0.7)  # an order is right or it is not; the number only says how near it is
    wrong = next((k for k, at in enumerate(order) if at != k), None)
    lines = ["Right."] if wrong is None else [f"Not quite: place {wrong + 1} is the first that differs. The order is:"]
    lines += [f"  {k + 1}. {step['text']} {step['why']}" for k, step in enumerate(item["steps"])]
    return score, "\n".join(lines)


def mark(item_id, points):
    """Mark your own case answer: ``points`` lists the numbers (from 1) of the rubric's points that your answer has."""
    item = item_of(item_id)
    require(item["kind"] == "case", f"{item_id} is not a case analysis; use answer({item_id!r}, ...).")
    count = len(item["rubric"])
    require(isinstance(points, list | tuple | set) and all(isinstance(p, int) and 1 <= p <= count for p in points), f"the rubric has points 1 to {count}, and yours are a list such as [1, 2]; got {points!r}.")
    draft = load_progress().get(item_id, {}).get("draft", "")
    record(item_id, draft, len(set(points)) / count)
    return f"Noted: {len(set(points))} of {count} points."


def case_text(item):
    """Model answer and rubric of a case, as text."""
    return "\n".join(["A model answer: " + item["model_answer"], "", "Compare with yours, point by point:"]
                     + [f"  {k + 1}. {row['point']} {row['why']}" for k, row in enumerate(item["rubric"])])


# ---- showing ------------------------------------------------------------------------------------------------------------


def item_text(item):
    """A question as plain text, with how to answer it."""
    lines = [f"[{item['id']}] {item['question']}"]
    if item["kind"] == "single":
        lines += [f"  {letter}) {option['text']}" for letter, option in zip(LETTERS, item["options"])]
        lines.append(f'  Answer: print(quiz.answer("{item["id"]}", "a"))')
    elif item["kind"] == "order":
        lines += [f"  {letter}) {item['steps'][k]['text']}" for letter, k in zip(LETTERS, shuffled(item))]
        lines.append(f'  Answer, the letters in your order: print(quiz.answer("{item["id"]}", "{LETTERS[:len(item["steps"])]}"))')
    else:
        lines.append(f'  Write a few sentences: print(quiz.answer("{item["id"]}", "...")), then quiz.mark("{item["id"]}", [1, 2]) for the points you had.')
    return "\n".join(lines)


def ask(lesson):
    """Show a lesson's questions. Returns a :class:`~course_lib.explore.View`, whose stand-in is the questions as text."""
    return _cards(items(lesson), lambda: summary(lesson))


def review(limit=5):
    """Ask again what is due: at most ``limit`` questions of all lessons, the longest overdue first. Shown like :func:`ask`."""
    found = due()[:limit]
    return _cards(found, lambda: f"{len(due())} questions are due." if found else "Nothing is due: what you have answered waits for its day, and the rest is asked in its lesson.")


def _cards(found, status_line):
    """Questions one below the other, with a line on where the reader stands."""
    text = "\n\n".join(map(item_text, found)) or status_line()
    w = widgets()
    if w is None:
        return View(None, text)
    cards = {item["id"]: {"single": _single, "order": _order, "case": _case}[item["kind"]](w, item) for item in found}
    status = w.HTML()

    def refresh():
        try:
            status.value = f"<p>{html.escape(status_line())}</p>"
        except CourseError as error:
            status.value = f"<p>{html.escape(str(error))}</p>"

    refresh()
    for card in cards.values():
        card.done = refresh
    return View(w.VBox([card.box for card in cards.values()] + [status]), text, cards=cards, status=status)


class Card:
    """The widgets of one item: ``box`` to show, its controls by name, and ``done`` to call after an answer is kept."""

    def __init__(self, w, item, *rows, **controls):
        self.item, self.feedback = item, w.HTML("")
        self.box = w.VBox([w.HTML(f"<p><b>{_safe(item['question'])}</b></p>"), *rows, self.feedback], layout=w.Layout(margin="0 0 1.5em 0"))
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
    """What is kept for an item; nothing when the progress file cannot be read (the status line then says so)."""
    try:
        return load_progress().get(item["id"], {})
    except CourseError:
        return {}


def _last(item):
    """The last answer kept for an item, or None."""
    return (_kept(item).get("answers") or [{}])[-1].get("answer")


def _single(w, item):
    letters = LETTERS[: len(item["options"])]
    listing = w.HTML("".join(f"<div>{letter}) {_safe(option['text'])}</div>" for letter, option in zip(letters, item["options"])))
    choice = w.RadioButtons(options=list(letters), value=_last(item) if _last(item) in set(letters) else None, description="")
    button = w.Button(description="Check")
    card = Card(w, item, listing, choice, button, choice=choice, button=button)
    button.on_click(card.act(lambda: answer(item["id"], choice.value) if choice.value else "Choose one of the letters first."))
    return card


def _order(w, item):
    offered = shuffled(item)
    letters = dict(zip(offered, LETTERS))
    last = _last(item)
    order = [offered[LETTERS.index(g)] for g in last] if last and sorted(last) == list(LETTERS[: len(offered)]) else list(offered)
    # buttons only: JupyterLab takes the arrow keys of lists and menus for itself
    places = range(len(order))
    small = w.Layout(width="3.5em", min_width="3.5em")
    up, down = ([w.Button(description=sign, tooltip=f"move step {place + 1} {word}", layout=small) for place in places] for sign, word in (("↑", "up"), ("↓", "down")))
    texts, button = [w.HTML() for _ in places], w.Button(description="Check")
    card = Card(w, item, w.VBox([w.HBox([up[place], down[place], texts[place]]) for place in places]), button, up=up, down=down, texts=texts, button=button, order=order)

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
    text = w.Textarea(value=_kept(item).get("draft", ""), placeholder="Write a few sentences first.", layout=w.Layout(width="95%", height="8em"))
    button = w.Button(description="Show a model answer", layout=w.Layout(width="max-content"))
    points = [w.Checkbox(value=False, indent=False, description=f"point {k + 1}", layout=wide) for k in range(len(item["rubric"]))]
    keep = w.Button(description="Keep my mark")
    marking = w.VBox([w.HTML("Which points did your answer have?"), *points, keep], layout=w.Layout(display="none"))
    card = Card(w, item, text, button, text=text, button=button, points=points, keep=keep, marking=marking)
    card.box.children = [*card.box.children, marking]

    def show():
        said = answer(item["id"], text.value)
        marking.layout.display = ""
        return said

    button.on_click(card.act(show))
    keep.on_click(card.act(lambda: case_text(item) + "\n\n" + mark(item["id"], [k + 1 for k, box in enumerate(points) if box.value])))
    return card
