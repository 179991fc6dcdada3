"""The clinic: a broken pipeline, seen as its author sees it and as a careful measurement does.

Look, measure, name the fault, repair it.
"""

import html
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base import require
from .. import plots
from ..plots import Figure
from . import view
from .view import View, paragraphs

if TYPE_CHECKING:  # the cases bring the trainers with them
    from ...experiments.clinic import Case

SHUFFLE = 8  # the order of patients is fixed, so that two readers can speak of patient 3
COLUMNS = {
    "gold": "gold (points)",
    "greedy": "gold at temperature 0",
    "kl": "KL to base (nats)",
    "length": "length (tokens)",
    "distinct": "distinct-2",
    "cut": "unfinished",
}
QUESTION = "Which fault is it?"
LEFT = ' style="text-align:left"'


def _value(v: Mapping, spec: str = ".2f") -> str:
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def patients(result: Mapping) -> list[str]:
    """Names of the cases of ``results.load("clinic")`` in the order in which the clinic shows them.

    ``result``: all that was stored.
    """
    names = sorted(result["cases"])
    return [names[k] for k in np.random.default_rng(SHUFFLE).permutation(len(names))]


def author_lines(case: Mapping, claim: str = "") -> list[str]:
    """What the author of a pipeline reports, as sentences.

    ``claim``: what the author concludes, with ``{gain}`` for the reported gain.
    """
    broken = case["broken"]
    rounds = case["setting"]["rounds"]
    before = broken["reported"]["before"]
    after = broken["reported"]["after"]
    by_round = zip(broken["selected"]["all"], broken["selected"]["selected"], strict=True)
    pairs = "; ".join(f"{every:.2f} and {selected:.2f}" for every, selected in by_round)
    if case["reports"] == "proxy":
        judge = "the reward model's mean score on our test prompts"
    else:
        judge = "people's mean score (gold) on our test prompts"
    shipping = "."
    if rounds > 1:
        shipped = ", ".join(map(str, broken["shipped"]))
        shipping = f", shipping round {shipped} of {rounds} (three runs)."
    lines = [
        "Mean score of all candidates and of the selected "
        f"ones{', round by round' if rounds > 1 else ''}: {pairs}.",
        f"We report {judge}: {_value(before)} before, {_value(after)} after{shipping}",
    ]
    if claim:
        # of the printed numbers, as an author would
        gain = round(after["mean"], 2) - round(before["mean"], 2)
        lines.append(claim.format(gain=gain))
    return lines


def measured_rows(case: Mapping, repaired: bool = False) -> list[tuple[str, Mapping]]:
    """(name, measures) of the base policy, the random control and the pipeline.

    With ``repaired``, of its repaired twin too.
    """
    rows = [
        ("base policy", case["base"]),
        ("random control", case["control"]["careful"]),
        ("this pipeline", case["broken"]["careful"]),
    ]
    if repaired:
        rows.append(("repaired", case["healthy"]["careful"]))
    return rows


def measured_html(case: Mapping, repaired: bool = False) -> str:
    """The careful measurement as an HTML table."""
    head = "".join(f'<th scope="col">{title}</th>' for title in ("", *COLUMNS.values()))
    body = ""
    for name, measures in measured_rows(case, repaired):
        cells = "".join(f"<td>{_value(measures[m])}</td>" for m in COLUMNS)
        body += f'<tr><th scope="row"{LEFT}>{name}</th>{cells}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def measured_lines(case: Mapping, repaired: bool = False) -> list[str]:
    """The careful measurement as sentences."""
    lines = []
    for name, measures in measured_rows(case, repaired):
        values = ", ".join(f"{title} {_value(measures[m])}" for m, title in COLUMNS.items())
        lines.append(f"{name}: {values}.")
    return lines + _differences(case, repaired)


def _differences(case: Mapping, repaired: bool) -> list[str]:
    """The sentences on differences: one, and with ``repaired`` three more."""
    lines = [
        f"Gold gained over the base policy: {_value(case['broken']['gold_over_base'])}; gold "
        f"minus that of the random control: {_value(case['broken_minus_control'])}."
    ]
    if not repaired:
        return lines
    healthy = case["healthy"]
    reported = healthy["reported"]
    shipping = "."
    if case["setting"]["rounds"] > 1:
        shipping = (
            f", shipping round {', '.join(map(str, healthy['shipped']))} (by seed; "
            f"the broken one shipped {', '.join(map(str, case['broken']['shipped']))})."
        )
    return [
        *lines,
        "Gold of the broken minus that of the repaired pipeline: "
        f"{_value(case['broken_minus_healthy'])}; of the repaired minus the random control: "
        f"{_value(case['healthy_minus_control'])}.",
        "What the repaired pipeline would report: "
        f"{_value(reported['before'])} before, {_value(reported['after'])} after{shipping}",
        "Tokens of the broken minus those of the repaired pipeline: "
        f"{_value(case['length_gap'], '.1f')}; share of unfinished replies: "
        f"{_value(case['cut_gap'])}.",
    ]


def reply_lines(case: Mapping, who: str = "broken") -> list[tuple[str, str]]:
    """The first replies of a pipeline ("broken", "healthy") to held-out prompts."""
    return [(row["prompt"], row["reply"]) for row in case[who]["samples"]]


def _replies_html(case: Mapping, repaired: bool = False) -> str:
    titles = ["prompt", "this pipeline"]
    prompts = [prompt for prompt, _ in reply_lines(case)]
    columns = [prompts, [reply for _, reply in reply_lines(case)]]
    if repaired:
        titles.append("repaired")
        columns.append([reply for _, reply in reply_lines(case, "healthy")])
    head = "".join(f'<th scope="col"{LEFT}>{title}</th>' for title in titles)
    body = ""
    for row in zip(*columns, strict=True):
        cells = "".join(f"<td{LEFT}>{html.escape(text)}</td>" for text in row)
        body += f"<tr>{cells}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def pipeline_clinic(result: Mapping, first: int = 1, show: str = "author") -> View:
    """The broken-pipeline clinic.

    ``result``: what ``benchmarks/clinic.py`` stored (``results.load("clinic")``); ``first`` and
    ``show`` ("author" or "careful"): what is shown first, and all that is shown where widgets
    cannot run. Choose a patient, look at what its author sees, press the second button for the
    careful measurement, name the fault, and press Repair.
    """
    from ...experiments.clinic import BY_NAME

    pages = _Pages(result, BY_NAME)
    count = len(pages.order)
    require(1 <= first <= count, f"first must be a patient from 1 to {count}; got {first}.")
    require(show in ("author", "careful"), f'show must be "author" or "careful"; got {show!r}.')
    shown, text, figure = pages.page(first, show)
    faults = [pages.cases[name].fault for name in pages.by_fault]
    text += f"\n{QUESTION}\n" + "\n".join(f"  - {fault}" for fault in faults)
    listing = "".join(f"<li>{html.escape(fault)}</li>" for fault in faults)
    still = view.picture(figure) + shown + f"<p>{QUESTION}</p><ul>{listing}</ul>"
    w = view.widgets()
    if w is None:
        return View(None, text, still)
    clinic = _Clinic(w, pages)
    clinic.build_controls(first, show)
    clinic.build_display(shown, figure)
    clinic.listen()
    return View(
        clinic.box(),
        text,
        still,
        patient=clinic.patient,
        look=clinic.look,
        image=clinic.image,
        words=clinic.words,
        caption=clinic.caption,
        verdict=clinic.verdict,
        guesses=clinic.guesses,
        repair=clinic.repair,
        tell=clinic.tell,
    )


class _Pages:
    """What there is to see of every patient."""

    def __init__(self, result: Mapping, cases: Mapping[str, "Case"]) -> None:
        self.result = result
        self.cases = cases
        self.order = patients(result)  # names of cases, as the patients are numbered
        self.by_fault = sorted(self.order, key=lambda name: cases[name].fault)

    def page(self, number: int, what: str) -> tuple[str, str, Figure]:
        """HTML, text and figure of patient ``number``: "author", "careful" or "repaired"."""
        name = self.order[number - 1]
        case = self.result["cases"][name]
        repaired = what == "repaired"
        figure = plots.clinic_patient(case, what, f"Patient {number}")
        if what == "author":
            lines = author_lines(case, self.cases[name].claim)
            shown = paragraphs(lines)
        else:
            lines = measured_lines(case, repaired)
            differences = _differences(case, repaired)
            shown = measured_html(case, repaired) + paragraphs(differences)
        replies = [f"  {prompt}\n    {reply}" for prompt, reply in reply_lines(case)]
        text = "\n".join([figure.summary, *lines, "Some replies:", *replies])
        return shown + _replies_html(case, repaired), text, figure


class _Clinic:
    """The controls of the clinic and what follows when they are used."""

    def __init__(self, w: ModuleType, pages: _Pages) -> None:
        self.w = w
        self.pages = pages
        self.named: set[str] = set()  # cases whose fault was named or told

    def build_controls(self, first: int, show: str) -> None:
        w = self.w
        numbers = [(str(k), k) for k in range(1, len(self.pages.order) + 1)]
        looks = [("what its author sees", "author"), ("careful measurement", "careful")]
        wide = w.Layout(width="max-content", margin="1px")
        self.patient = view.buttons(w, options=numbers, value=first, description="patient")
        self.look = view.buttons(w, options=looks, value=show, description="show")
        self.guesses = {
            name: w.Button(description=self.pages.cases[name].fault, layout=wide)
            for name in self.pages.by_fault
        }
        self.repair = w.Button(description="Repair", disabled=True, button_style="success")
        self.tell = w.Button(description="Tell me the fault", layout=wide)

    def build_display(self, shown: str, figure: Figure) -> None:
        w = self.w
        self.image = view.image(w, figure, 840)
        self.caption = w.HTML(paragraphs([figure.summary]))
        self.words = w.HTML(shown)
        self.verdict = w.HTML("")

    def box(self) -> Any:
        w = self.w
        return w.VBox(
            [
                self.patient,
                self.look,
                self.image,
                self.caption,
                self.words,
                w.HTML(f"<p><b>{QUESTION}</b></p>"),
                w.VBox(list(self.guesses.values())),
                w.HBox([self.tell, self.repair]),
                self.verdict,
            ]
        )

    def listen(self) -> None:
        view.watch((self.patient, self.look), self.moved)
        for name, button in self.guesses.items():
            button.on_click(self.guessed(name))
        self.tell.on_click(self.told)
        self.repair.on_click(self.repaired)

    @property
    def case(self) -> "Case":
        """The case of the patient who is shown."""
        return self.pages.cases[self.pages.order[self.patient.value - 1]]

    def say(self, message: str) -> None:
        """Show ``message``; screen readers announce it."""
        said = paragraphs([message])
        self.verdict.value = f'<div role="status" aria-live="polite">{said}</div>'

    def draw(self, what: str) -> None:
        self.words.value, _, figure = self.pages.page(self.patient.value, what)
        self.image.value = figure.png()
        self.caption.value = paragraphs([figure.summary])

    def moved(self, change: dict) -> None:
        """Another patient or another look."""
        if change["owner"] is self.patient:
            self.verdict.value = ""
            self.repair.disabled = self.case.name not in self.named
            if self.look.value != "author":
                self.look.value = "author"  # draws again
                return
        self.draw(self.look.value)

    def guessed(self, name: str) -> Callable:
        """What the button of the fault of case ``name`` does."""

        def clicked(_button: Any = None) -> None:
            if name == self.case.name:
                self.found(f"Right: {self.case.fault}.")
                return
            would = self.pages.cases[name].would
            closer = " at the careful measurement." if self.look.value == "author" else "."
            self.say(f"Not this one. {would} Look again{closer}")

        return clicked

    def told(self, _button: Any = None) -> None:
        self.found(f"It is this: {self.case.fault}.")

    def found(self, start: str) -> None:
        """The fault is known: say what gives it away, and let it be repaired."""
        self.named.add(self.case.name)
        self.repair.disabled = False
        self.say(f"{start} {self.case.tells} Now press Repair.")

    def repaired(self, _button: Any = None) -> None:
        self.draw("repaired")
        self.say(f"Repaired. {self.case.repair}")
