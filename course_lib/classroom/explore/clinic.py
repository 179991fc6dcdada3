"""The clinic: look at a broken pipeline as its author does, measure it, name the fault, repair
it.
"""

import html

import numpy as np

from ...base import require
from .. import plots
from . import view

SHUFFLE = 8  # the order of patients is fixed, so that two readers can speak of patient 3
COLUMNS = {
    "gold": "gold (points)",
    "greedy": "gold at temperature 0",
    "kl": "KL to base (nats)",
    "length": "length (tokens)",
    "distinct": "distinct-2",
    "cut": "unfinished",
}


def _value(v, spec=".2f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def patients(result):
    """Names of the cases of ``results.load("clinic")`` in the order in which the clinic shows
    them.
    """
    names = sorted(result["cases"])
    return [names[k] for k in np.random.default_rng(SHUFFLE).permutation(len(names))]


def author_lines(case, claim=""):
    """What the author of a pipeline reports, as sentences.

    ``claim``: what the author concludes, with ``{gain}`` for the reported gain.
    """
    broken = case["broken"]
    rounds = case["setting"]["rounds"]
    pairs = "; ".join(
        f"{a:.2f} and {s:.2f}"
        for a, s in zip(broken["selected"]["all"], broken["selected"]["selected"], strict=True)
    )
    judge = (
        "the reward model's mean score on our test prompts"
        if case["reports"] == "proxy"
        else "people's mean score (gold) on our test prompts"
    )
    # of the printed numbers, as an author would
    gain = round(broken["reported"]["after"]["mean"], 2) - round(
        broken["reported"]["before"]["mean"], 2
    )
    return [
        "Mean score of all candidates and of the selected "
        f"ones{', round by round' if rounds > 1 else ''}: {pairs}.",
        f"We report {judge}: {_value(broken['reported']['before'])} before, "
        f"{_value(broken['reported']['after'])} after"
        + (
            f", shipping round {', '.join(map(str, broken['shipped']))} of {rounds} (three runs)."
            if rounds > 1
            else "."
        ),
        *([claim.format(gain=gain)] if claim else []),
    ]


def measured_rows(case, repaired=False):
    """(name, measures) of the base policy, the random control, the pipeline and, with
    ``repaired``, its repaired twin.
    """
    rows = [
        ("base policy", case["base"]),
        ("random control", case["control"]["careful"]),
        ("this pipeline", case["broken"]["careful"]),
    ]
    return rows + ([("repaired", case["healthy"]["careful"])] if repaired else [])


def measured_html(case, repaired=False):
    """The careful measurement as an HTML table."""
    head = "".join(f'<th scope="col">{h}</th>' for h in ("", *COLUMNS.values()))
    body = "".join(
        "<tr>"
        + f'<th scope="row" style="text-align:left">{name}</th>'
        + "".join(f"<td>{_value(row[m])}</td>" for m in COLUMNS)
        + "</tr>"
        for name, row in measured_rows(case, repaired)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def measured_lines(case, repaired=False):
    """The careful measurement as sentences."""
    lines = [
        f"{name}: " + ", ".join(f"{title} {_value(row[m])}" for m, title in COLUMNS.items()) + "."
        for name, row in measured_rows(case, repaired)
    ]
    lines.append(
        f"Gold gained over the base policy: {_value(case['broken']['gold_over_base'])}; gold "
        f"less that of the random control: {_value(case['broken_minus_control'])}."
    )
    if repaired:
        lines.append(
            "Gold of the broken less that of the repaired pipeline: "
            f"{_value(case['broken_minus_healthy'])}; of the repaired less the random control: "
            f"{_value(case['healthy_minus_control'])}."
        )
        lines.append(
            "What the repaired pipeline would report: "
            f"{_value(case['healthy']['reported']['before'])} before, "
            f"{_value(case['healthy']['reported']['after'])} after"
            + (
                f", shipping round {', '.join(map(str, case['healthy']['shipped']))} (by seed; "
                f"the broken one shipped {', '.join(map(str, case['broken']['shipped']))})."
                if case["setting"]["rounds"] > 1
                else "."
            )
        )
        lines.append(
            "Tokens of the broken less those of the repaired pipeline: "
            f"{_value(case['length_gap'], '.1f')}; share of unfinished replies: "
            f"{_value(case['cut_gap'])}."
        )
    return lines


def reply_lines(case, who="broken"):
    """The first replies of a pipeline ("broken", "healthy") to held-out prompts."""
    return [(row["prompt"], row["reply"]) for row in case[who]["samples"]]


def _replies_html(case, repaired=False):
    sides = [("broken", "this pipeline")] + ([("healthy", "repaired")] if repaired else [])
    head = "".join(
        f'<th scope="col" style="text-align:left">{h}</th>'
        for h in ("prompt", *(title for _, title in sides))
    )
    columns = [reply_lines(case, who) for who, _ in sides]
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:left">{html.escape(t)}</td>'
            for t in (rows[0][0], *(r for _, r in rows))
        )
        + "</tr>"
        for rows in zip(*columns, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def pipeline_clinic(result, first=1, show="author"):
    """The broken-pipeline clinic. Returns a :class:`View`.

    ``result``: what ``benchmarks/clinic.py`` stored (``results.load("clinic")``); ``first`` and
    ``show`` ("author" or "careful"): what is shown first, and all that is shown where widgets
    cannot run. Choose a patient, look at what its author sees, press the second button for the
    careful measurement, name the fault, and press Repair.
    """
    from ...experiments.clinic import BY_NAME

    order = patients(result)
    require(
        1 <= first <= len(order), f"first must be a patient from 1 to {len(order)}; got {first}."
    )
    require(show in ("author", "careful"), f'show must be "author" or "careful"; got {show!r}.')
    faults = sorted(order, key=lambda name: BY_NAME[name].fault)

    def page(number, what):
        """(HTML, text, figure) of a patient: "author", "careful" or "repaired"."""
        case, title = result["cases"][order[number - 1]], f"Patient {number}"
        figure = plots.clinic_patient(case, what, title)
        lines = (
            author_lines(case, BY_NAME[order[number - 1]].claim)
            if what == "author"
            else measured_lines(case, what == "repaired")
        )
        table = "" if what == "author" else measured_html(case, what == "repaired")
        shown = (
            table
            + "".join(
                f"<p>{html.escape(line)}</p>"
                for line in (
                    lines if what == "author" else lines[-4 if what == "repaired" else -1 :]
                )
            )
            + _replies_html(case, what == "repaired")
        )
        text = "\n".join(
            [
                figure.summary,
                *lines,
                "Some replies:",
                *(f"  {p}\n    {r}" for p, r in reply_lines(case)),
            ]
        )
        return shown, text, figure

    shown, text, figure = page(first, show)
    text += "\nWhich fault is it?\n" + "\n".join(f"  - {BY_NAME[name].fault}" for name in faults)
    listing = (
        "<p>Which fault is it?</p><ul>"
        + "".join(f"<li>{html.escape(BY_NAME[name].fault)}</li>" for name in faults)
        + "</ul>"
    )
    stand_in = view.picture(figure) + shown + listing
    w = view.widgets()
    if w is None:
        return view.View(None, text, stand_in)
    patient = view.buttons(
        w,
        options=[(str(k), k) for k in range(1, len(order) + 1)],
        value=first,
        description="patient",
    )
    look = view.buttons(
        w,
        options=[("what its author sees", "author"), ("careful measurement", "careful")],
        value=show,
        description="show",
    )
    image, words = w.Image(value=figure.png(), format="png", width=840), w.HTML(shown)
    caption, verdict = w.HTML(f"<p>{html.escape(figure.summary)}</p>"), w.HTML("")
    wide = w.Layout(width="max-content", margin="1px")
    guesses = {name: w.Button(description=BY_NAME[name].fault, layout=wide) for name in faults}
    repair = w.Button(description="Repair", disabled=True, button_style="success")
    tell = w.Button(description="Tell me the fault", layout=wide)
    named = set()

    def say(message):
        verdict.value = f'<div role="status" aria-live="polite"><p>{html.escape(message)}</p></div>'

    def draw(what):
        words.value, _, drawn = page(patient.value, what)
        image.value, caption.value = drawn.png(), f"<p>{html.escape(drawn.summary)}</p>"

    def found(start):
        here = order[patient.value - 1]
        named.add(here)
        repair.disabled = False
        say(f"{start} {BY_NAME[here].tells} Now press Repair.")

    def guess(name):
        def clicked(_button=None):
            here = order[patient.value - 1]
            if name == here:
                found(f"Right: {BY_NAME[here].fault}.")
            else:
                say(
                    f"Not this one. {BY_NAME[name].would} Look again"
                    + (" at the careful measurement." if look.value == "author" else ".")
                )

        return clicked

    def repaired(_button=None):
        draw("repaired")
        say(f"Repaired. {BY_NAME[order[patient.value - 1]].repair}")

    def moved(change):
        if change["owner"] is patient:
            verdict.value, repair.disabled = "", order[patient.value - 1] not in named
            if look.value != "author":
                look.value = "author"  # draws again
                return
        draw(look.value)

    for control in (patient, look):
        control.observe(moved, names="value")
    for name, button in guesses.items():
        button.on_click(guess(name))
    tell.on_click(lambda _b=None: found(f"It is this: {BY_NAME[order[patient.value - 1]].fault}."))
    repair.on_click(repaired)
    box = w.VBox(
        [
            patient,
            look,
            image,
            caption,
            words,
            w.HTML("<p><b>Which fault is it?</b></p>"),
            w.VBox(list(guesses.values())),
            w.HBox([tell, repair]),
            verdict,
        ]
    )
    return view.View(
        box,
        text,
        stand_in,
        patient=patient,
        look=look,
        image=image,
        words=words,
        caption=caption,
        verdict=verdict,
        guesses=guesses,
        repair=repair,
        tell=tell,
    )
