"""The class report: what a class has earned, task by task, and which mistakes it made most.

The bank of wrong solutions (``exercises/proofs``) has a name for each mistake, and the part of the
check's message that is meant for it. A student's message is matched against those parts, so that no
student's code is looked at. Several wrong solutions may share a message: then all are named.
"""

import html
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator

from ..base import require
from ..classroom.plots import Figure
from ..classroom.plots.figure import COLOURS, INK, STYLE, done, new
from ..classroom.plots.svg import as_address
from .feedback import sealed
from .judge import CLASSES
from .sheets import Sheet, amount, one_line

SHOWN = 10  # of the commonest mistakes of a task
OUTCOMES = {
    "right": "right",
    "partly": "partly right",
    "hidden": "right on visible inputs",
    "wrong": "wrong",
    "unwritten": "not written",
    "missing": "not found",
    "stopped": "stopped",
}
COLOUR = dict(zip(CLASSES, (COLOURS[k] for k in (2, 0, 3, 1, 6, 5, 4)), strict=True))
WRITTEN_FROM = 6  # % of a bar from which its number stands in it

Bank = Mapping[str, Sequence[tuple[str, str]]]  # task id → (name, part of the message) of each


@dataclass(frozen=True)
class Mistake:
    """A mistake of the bank: its ``names`` there, the part of the message, and how often."""

    names: tuple[str, ...]
    says: str
    count: int


@dataclass
class TaskSummary:
    """One task, over the class.

    Attributes
    ----------
    task, most : its id, and its points.
    points : what each student earned, after overrides.
    outcomes : class → how many.
    mistakes : matched against the bank, the commonest first.
    others : (message, how often) of wrong answers that match nothing there.
    """

    task: str
    most: float
    points: list[float]
    outcomes: dict[str, int]
    mistakes: list[Mistake] = field(default_factory=list)
    others: list[tuple[str, int]] = field(default_factory=list)

    @property
    def matched(self) -> int:
        """Wrong answers that the bank has a name for."""
        return sum(mistake.count for mistake in self.mistakes)

    @property
    def unmatched(self) -> int:
        """Wrong answers that it has none for."""
        return sum(count for _, count in self.others)


@dataclass
class Summary:
    """A class's exercise.

    Attributes
    ----------
    totals, most : points of each student in the end, and the most there were.
    seconds, peak_mb : of grading each student: time of its boxes, and their peak memory in MiB.
    overridden, late, unsafe : how many students have an override, points off, no sandbox.
    marked : written answer → its (points, most) of each student.
    """

    exercise: str
    totals: list[float]
    most: float
    tasks: list[TaskSummary]
    seconds: list[float]
    peak_mb: list[float]
    overridden: int = 0
    late: int = 0
    unsafe: int = 0
    marked: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def bank_of(exercise: str) -> Bank:
    """Task id → (name, part of the message) of each wrong solution that a message is meant for."""
    from ..authoring.proofs import proofs_of

    return {
        f"{exercise}.{name}": [(wrong.__name__, says) for wrong, says, _ in proof.wrongs if says]
        for name, proof in proofs_of(exercise).items()
    }


def named(message: str, known: Sequence[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """(the part of ``message`` that the bank knows, names of the wrong solutions it is meant for).

    Of several parts the longest counts, which says most. ("", ()) where there is none.
    """
    said = message.lower()
    parts = {says.lower() for _, says in known if says and says.lower() in said}
    if not parts:
        return "", ()
    part = max(parts, key=lambda text: (len(text), text))
    return part, tuple(name for name, says in known if says.lower() == part)


def summary(sheets: Sequence[Sheet], bank: Bank) -> Summary:
    """What a class has earned in one exercise. Raises where there is nothing, or two exercises."""
    require(sheets, "there are no grades to report on: grade submissions first.")
    names = sorted({sheet.exercise for sheet in sheets})
    require(len(names) == 1, f"a report is on one exercise; these are {', '.join(names)}.")
    tasks = list(dict.fromkeys(found.task for sheet in sheets for found in sheet.results))
    marked: dict[str, list[tuple[float, float]]] = {}
    for sheet in sheets:
        for mark in sheet.last_marks():
            marked.setdefault(mark.item, []).append((mark.points, mark.most))
    return Summary(
        exercise=names[0],
        totals=[sheet.total for sheet in sheets],
        most=max(sheet.most for sheet in sheets),
        tasks=[_of_task(task, sheets, bank.get(task, ())) for task in tasks],
        seconds=[sum(found.seconds for found in sheet.results) for sheet in sheets],
        peak_mb=[max((r.peak_mb for r in sheet.results), default=0.0) for sheet in sheets],
        overridden=sum(bool(sheet.overrides) for sheet in sheets),
        late=sum(sheet.taken > 0 for sheet in sheets),
        unsafe=sum(sheet.unsafe for sheet in sheets),
        marked=marked,
    )


def _of_task(task: str, sheets: Sequence[Sheet], known: Sequence[tuple[str, str]]) -> TaskSummary:
    found = [(sheet, r) for sheet in sheets for r in sheet.results if r.task == task]
    mistakes: Counter[tuple[str, tuple[str, ...]]] = Counter()
    others: Counter[str] = Counter()
    for _, result in found:
        if result.outcome not in ("wrong", "partly"):
            continue  # what passes all properties, or is not there, has no message of the bank
        says, names = named(result.message, known)
        if names:
            mistakes[says, names] += 1
        else:
            others[one_line(result.message, 160)] += 1
    outcomes = Counter(result.outcome for _, result in found)
    return TaskSummary(
        task=task,
        most=max(result.most for _, result in found),
        points=[sheet.points_of(result) for sheet, result in found],
        outcomes={name: outcomes.get(name, 0) for name in CLASSES},
        mistakes=[Mistake(names, says, n) for (says, names), n in mistakes.most_common()],
        others=others.most_common(),
    )


# ---- in words ----------------------------------------------------------------------------------


def text(found: Summary) -> str:
    """The report for a reader of a terminal."""
    lines = [f"{found.exercise}: {said_of_class(found)}", ""]
    width = max(len(short(task.task)) for task in found.tasks) if found.tasks else 4
    head = f"{'task':{width}}  {'mean':>5} of  " + "".join(f"{name:>10}" for name in CLASSES)
    lines.append(head)
    for task in found.tasks:
        counts = "".join(f"{task.outcomes[name]:10}" for name in CLASSES)
        mean = amount(statistics.fmean(task.points))
        lines.append(f"{short(task.task):{width}}  {mean:>5} {amount(task.most):>2}  {counts}")
    for item, points in found.marked.items():
        mean = amount(statistics.fmean(p for p, _ in points))
        lines.append(
            f"{one_line(item)}: mean {mean} of {amount(points[0][1])}, {len(points)} marked"
        )
    for task in found.tasks:
        if task.mistakes or task.others:
            lines += ["", f"{short(task.task)}: {matched_in_words(task)}"]
        for mistake in task.mistakes[:SHOWN]:
            lines.append(f"  {mistake.count:4}  {', '.join(mistake.names)}: “… {mistake.says} …”")
        for message, count in task.others[:3]:
            lines.append(f"  {count:4}  (not in the bank) {message}")
    return "\n".join([*lines, "", taken_in_words(found)])


def short(task: str) -> str:
    """A task's name without its exercise."""
    return one_line(task.partition(".")[2] or task, 40)


def said_of_class(found: Summary) -> str:
    """How many students, and the points they have."""
    totals = sorted(found.totals)
    low, middle, high = _quarters(totals)
    count = f"{len(totals)} student{'' if len(totals) == 1 else 's'}"
    parts = [
        f"{count}, mean {amount(statistics.fmean(totals))} of {amount(found.most)} points, "
        f"median {amount(middle)}, the middle half from {amount(low)} to {amount(high)}."
    ]
    for many, words in (
        (found.late, "with points off for lateness"),
        (found.overridden, "with points changed by hand"),
        (found.unsafe, "graded WITHOUT A SANDBOX"),
    ):
        if many:
            parts.append(f"{many} {words}.")
    return " ".join(parts)


def matched_in_words(task: TaskSummary) -> str:
    """How many wrong answers the bank has names for."""
    count = task.matched + task.unmatched
    return (
        f"{count} answer{'' if count == 1 else 's'} wrong or partly right; of a wrong solution of "
        f"the bank {task.matched} of them have the message, {task.unmatched} have not."
    )


def taken_in_words(found: Summary) -> str:
    """What grading took."""
    if not found.seconds:
        return ""
    seconds, memory = statistics.median(found.seconds), statistics.median(found.peak_mb)
    return (
        f"Grading: {sum(found.seconds):.1f} s in boxes, median {seconds:.2f} s a student, at most "
        f"{max(found.seconds):.1f} s; peak memory median {memory:.0f} MiB, at most "
        f"{max(found.peak_mb):.0f} MiB."
    )


def _quarters(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


# ---- figures -----------------------------------------------------------------------------------


@rc_context(STYLE)
def outcomes_figure(found: Summary) -> Figure:
    """Shares of the outcomes, a bar a task."""
    fig, (axis,) = new(height=1.5 + 0.42 * len(found.tasks))
    rows = list(range(len(found.tasks)))[::-1]  # the first task at the top
    ends = [0.0] * len(rows)
    for name in CLASSES:
        shares = [100 * t.outcomes[name] / max(len(t.points), 1) for t in found.tasks]
        if not any(shares):
            continue
        style = {"color": COLOUR[name], "edgecolor": "white", "linewidth": 0.8}
        drawn = axis.barh(rows, shares, left=ends, height=0.66, label=OUTCOMES[name], **style)
        counts = [task.outcomes[name] for task in found.tasks]
        shown = [str(n) if s >= WRITTEN_FROM else "" for n, s in zip(counts, shares, strict=True)]
        axis.bar_label(drawn, shown, label_type="center", color="white", fontsize=8.5)
        ends = [end + share for end, share in zip(ends, shares, strict=True)]
    axis.set_yticks(rows, _labels(found))
    axis.set_xlim(0, 100)
    axis.set_xlabel("% of students")
    axis.legend(bbox_to_anchor=(0.5, 1.0), loc="lower center", ncols=3)
    parts = [
        f"{short(task.task)}: "
        + ", ".join(f"{n} {OUTCOMES[name]}" for name, n in task.outcomes.items() if n)
        for task in found.tasks
    ]
    return done(fig, "What came of each task: " + "; ".join(parts) + ".", quiet=True)


def _labels(found: Summary) -> list[str]:
    """The tasks' names; a dollar sign would begin a formula."""
    return [short(task.task).replace("$", r"\$") for task in found.tasks]


@rc_context(STYLE)
def points_figure(found: Summary) -> Figure:
    """How many students have how many points in each task: a disc's area is their number."""
    fig, (axis,) = new(height=1.2 + 0.5 * len(found.tasks))
    rows = list(range(len(found.tasks)))[::-1]
    parts = []
    for row, task in zip(rows, found.tasks, strict=True):
        counts = Counter(round(points, 2) for points in task.points)
        for points, count in sorted(counts.items()):
            size = 900 * count / max(len(task.points), 1)
            axis.scatter(points, row, s=size, color=COLOURS[0], alpha=0.55, linewidths=0)
            if 10 * count >= len(task.points):
                place = {"xytext": (0, 13), "textcoords": "offset points", "ha": "center"}
                axis.annotate(f"{count}", (points, row), fontsize=8.5, color=INK, **place)
        axis.plot([task.most], [row], "|", color=COLOURS[1], markersize=16, markeredgewidth=2)
        mean = amount(statistics.fmean(task.points))
        parts.append(f"{short(task.task)}: mean {mean} of {amount(task.most)}")
    axis.set_yticks(rows, _labels(found))
    axis.set_ylim(-0.7, len(rows) - 0.3)
    axis.set_xlabel("points (upright mark: all there are)")
    return done(fig, "Points by task: " + "; ".join(parts) + ".", quiet=True)


@rc_context(STYLE)
def totals_figure(found: Summary) -> Figure:
    """How many students have how many points in all."""
    fig, (axis,) = new(height=2.8)
    most = max(found.most, *found.totals, 1)
    axis.hist(found.totals, bins=20, range=(0, most), color=COLOURS[0], rwidth=0.92)
    axis.set_xlabel("points in all")
    axis.set_ylabel("students")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    return done(fig, f"Points in all: {said_of_class(found)}", quiet=True)


# ---- the page ----------------------------------------------------------------------------------


def page(found: Summary) -> str:
    """The report as one HTML file: no script, nothing from outside."""
    parts = [
        f"<header><h1>Exercise {_safe(found.exercise.removeprefix('ex'))}: the class</h1>",
        f"<p>{_safe(said_of_class(found))}</p></header>",
        _figure(totals_figure(found)),
    ]
    if found.tasks:
        parts += ["<h2>Tasks</h2>", _figure(outcomes_figure(found)), _figure(points_figure(found))]
        parts.append(_tasks_table(found))
    parts += [_mistakes(task) for task in found.tasks if task.mistakes or task.others]
    if found.marked:
        parts += ["<h2>Written answers</h2>", _marks_table(found)]
    parts.append(f"<footer><p>{_safe(taken_in_words(found))}</p></footer>")
    return sealed(f"{found.exercise}: class report", "\n".join(parts), wide=True)


def _safe(words: object) -> str:
    return html.escape(one_line(words, 1000), quote=True)


def _figure(figure: Figure) -> str:
    width, height = figure.size
    source = as_address(figure.svg())
    alt, caption = _safe(figure.summary.split(": ")[0]), _safe(figure.summary)
    return (
        f'<figure><img alt="Figure: {alt}. Its numbers stand below it." width="{width}" '
        f'height="{height}" src="{source}"><figcaption>{caption}</figcaption></figure>'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int]) -> str:
    """A table that scrolls sideways; ``numbers``: columns that stand to the right."""

    def cells(row: Sequence[object], tag: str) -> str:
        kinds = [' class="ck-num"' if k in numbers else "" for k in range(len(row))]
        filled = zip(kinds, row, strict=True)
        return "".join(f"<{tag}{kind}>{_safe(value)}</{tag}>" for kind, value in filled)

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="ck-scroll" tabindex="0" role="region" aria-label="{_safe(head[0])}">'
        f"<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _tasks_table(found: Summary) -> str:
    head = ["task", "mean", "median", "of", *(OUTCOMES[name] for name in CLASSES)]
    rows = []
    for task in found.tasks:
        mean, middle = statistics.fmean(task.points), statistics.median(task.points)
        counts = [task.outcomes[name] for name in CLASSES]
        rows.append([short(task.task), amount(mean), amount(middle), amount(task.most), *counts])
    return _table(head, rows, range(1, len(head)))


def _mistakes(task: TaskSummary) -> str:
    rows: list[Sequence[object]] = [
        (mistake.count, ", ".join(mistake.names), f"… {mistake.says} …")
        for mistake in task.mistakes[:SHOWN]
    ]
    rows += [(count, "(not in the bank)", message) for message, count in task.others[:SHOWN]]
    head = ("answers", "wrong solution of this name", "what its message says")
    return (
        f"<h2>Mistakes in <code>{_safe(short(task.task))}</code></h2>"
        f"<p>{_safe(matched_in_words(task))}</p>{_table(head, rows, (0,))}"
    )


def _marks_table(found: Summary) -> str:
    rows = []
    for item, marks in found.marked.items():
        points = [p for p, _ in marks]
        mean, middle = amount(statistics.fmean(points)), amount(statistics.median(points))
        rows.append((item, len(points), mean, middle, amount(marks[0][1])))
    return _table(("answer", "marked", "mean", "median", "of"), rows, range(1, 5))
