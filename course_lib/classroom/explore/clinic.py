"""The clinic: a broken pipeline, seen as its author sees it and as a careful measurement does.

Look, measure, name the fault, repair it.
"""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base import require
from .. import plots
from ..plots import Figure
from ..web import Card, picture, table

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
# what the desk calls them, where there is little room
SHORT = ("gold", "gold at T = 0", "KL, nats", "tokens", "distinct-2", "unfinished")
REPORTED = {
    "proxy": "reported: its own reward score",
    "gold": "reported: gold on its test prompts",
}
QUESTION = "Which fault is it?"


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
    rows = [
        [name, *(_value(measures[m]) for m in COLUMNS)]
        for name, measures in measured_rows(case, repaired)
    ]
    return table(["", *COLUMNS.values()], rows)


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


def pipeline_clinic(
    result: Mapping, first: int = 1, show: str = "author", core: Sequence[int] = ()
) -> Card:
    """The broken-pipeline clinic.

    ``result``: what ``benchmarks/clinic.py`` stored (``results.load("clinic")``); ``first`` and
    ``show`` ("author" or "careful"): what is shown first, and all that is shown where scripts do
    not run; ``core``: numbers of the patients who stand first, with the choice among their own
    faults alone, as the others have theirs. Choose a patient, look at what its author sees and at
    the careful measurement, read some replies, name the fault, and press Repair.
    """
    from ...experiments.clinic import BY_NAME

    order = patients(result)
    every = range(1, len(order) + 1)
    require(
        len(set(core)) == len(core) and set(core) <= set(every),
        f"core must be different patients from 1 to {len(order)}; got {core!r}.",
    )
    require(first in every, f"first must be a patient from 1 to {len(order)}; got {first!r}.")
    require(show in ("author", "careful"), f'show must be "author" or "careful"; got {show!r}.')
    numbers = [*core, *(number for number in every if number not in core)]
    names = [order[number - 1] for number in numbers]
    by_fault = sorted(names, key=lambda name: BY_NAME[name].fault)
    data = {
        "patients": [_patient(result["cases"][name], BY_NAME[name]) for name in names],
        "numbers": numbers,
        "core": len(core),
        "fault": [by_fault.index(name) for name in names],
        "faults": [[BY_NAME[name].fault, BY_NAME[name].would] for name in by_fault],
        "measures": SHORT,
        "start": {"patient": numbers.index(first), "look": int(show == "careful")},
    }
    case = result["cases"][order[first - 1]]
    figure = plots.clinic_patient(case, show, f"Patient {first}")
    beside = set(names[: len(core)] if first in core else names[len(core) :])
    faults = [BY_NAME[name].fault for name in by_fault if name in beside]
    claim = BY_NAME[order[first - 1]].claim
    return Card("clinic", data, *_still(case, claim, show, figure, faults))


def _patient(case: Mapping, known: "Case") -> dict[str, Any]:
    """What the desk shows of one patient, and what it says of the fault."""
    mine, twin = case["broken"], case["healthy"]
    answers = [case["base_samples"], mine["samples"], twin["samples"]]
    return {
        "unit": "epoch" if case["setting"]["rounds"] == 1 else "round",
        "own": REPORTED[case["reports"]],
        "author": author_lines(case, known.claim),
        "losses": [side["losses"] for side in (mine, twin)],
        "curves": {
            of: [_ends(side["curve"][of]) for side in (mine, twin)] for of in ("own", "gold")
        },
        "measured": [
            [name, [_ends([measures[m]])[0] for m in COLUMNS]]
            for name, measures in measured_rows(case, repaired=True)
        ],
        "differences": _differences(case, repaired=True),
        "prompts": [row["prompt"] for row in mine["samples"]],
        "replies": [[[row["reply"], row["gold"]] for row in rows] for rows in answers],
        "tells": known.tells,
        "repair": known.repair,
    }


def _ends(points: Sequence[Mapping]) -> list[list[float]]:
    """[mean, low, high] of stored intervals."""
    return [[point["mean"], point["low"], point["high"]] for point in points]


def _still(
    case: Mapping, claim: str, show: str, figure: Figure, faults: Sequence[str]
) -> tuple[str, str]:
    """(text, HTML) of one patient, "author" or "careful", and the question."""
    if show == "author":
        lines = author_lines(case, claim)
        shown = _paragraphs(lines)
    else:
        lines = measured_lines(case)
        shown = measured_html(case) + _paragraphs(_differences(case, repaired=False))
    replies = reply_lines(case)
    listed = [f"  {prompt}\n    {reply}" for prompt, reply in replies]
    named = "\n".join(f"  - {fault}" for fault in faults)
    text = "\n".join([figure.summary, *lines, "Some replies:", *listed, QUESTION, named])
    items = "".join(f"<li>{html.escape(fault)}</li>" for fault in faults)
    page = picture(figure) + shown + table(["prompt", "this pipeline"], replies)
    return text, f"{page}<p>{QUESTION}</p><ul>{items}</ul>"


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
