"""Guesses before an answer: asked, kept, drawn into figures, and said beside the truth."""

import json
import math

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import guesses, plots, quiz, record, show
from course_lib.classroom.plots import figure as figures

NS = [1, 4, 16]
BEST = np.array([[0.0, 1.0, 2.0], [0.2, 1.2, 2.2]])


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own for every test; its path."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def best(**settings):
    return plots.best_of_n(NS, {"gold": BEST}, quiet=True, **settings)


def marks(fig, panel=0):
    """The guess in a panel: its line, or None; and the texts there."""
    axis = fig.axes[panel]
    found = [line for line in axis.lines if line.get_label() == "_guess"]
    return (found[0] if found else None), [text.get_text() for text in axis.texts]


# ---- kept ----


@pytest.mark.parametrize("value", [1.2, 0, -3, "longer"])
def test_a_guess_is_kept_and_replaced(value):
    assert quiz.guess("01-gain") is None
    record.record_guess("01-gain", 7)
    assert quiz.heard_guess({"name": "01-gain", "value": value}) == {"file": "progress.json"}
    assert quiz.guess("01-gain") == value and quiz.guess("other") is None


@pytest.mark.parametrize("value", [None, True, [1], "", "x" * 201, math.nan])
def test_what_is_no_guess_is_refused(value, progress):
    with pytest.raises(CourseError, match="a guess is a number, or one of the options"):
        quiz.heard_guess({"name": "01-gain", "value": value})
    assert not progress.exists()


def test_an_older_file_still_loads_and_keeps_what_it_has(progress):
    old = {"format": 1, "items": {"01-steps": {"level": 1}}, "tasks": {"ex01.a": {"points": 2}}}
    progress.write_text(json.dumps(old))
    record.record_guess("01-gain", 1.2)
    kept = json.loads(progress.read_text())
    assert {part: kept[part] for part in old} == old
    assert kept["guesses"]["01-gain"]["value"] == 1.2
    record.record_task("ex01.b", 1, 1)
    assert quiz.guess("01-gain") == 1.2, "a point does not take the guess away"


@pytest.mark.parametrize("content", ["{", '{"format": 1, "items": {}, "guesses": []}'])
def test_a_file_that_cannot_be_read_stops_no_lesson(progress, content):
    progress.write_text(content)
    assert quiz.guess("01-gain") is None and show.guess("01-gain", 8).text == "It is 8."
    card = quiz.predict("01-gain", "How much?", 0, 1, 0.5)
    assert "cannot be read" in card.data["error"]
    with pytest.raises(CourseError, match="cannot be read"):
        quiz.heard_guess({"name": "01-gain", "value": 1})
    assert progress.read_text() == content


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1.2, "points", "1.2 points"),
        (1, "points", "1 point"),
        (1, "%", "1 %"),
        (1, "loss", "1 loss"),
        (-0.25, "", "−0.25"),
        (12_500.0, "prompts", "12,500 prompts"),
        (np.float64(8), "%", "8 %"),
        ("longer", "points", "longer"),
    ],
)
def test_values_in_words(value, unit, words):
    assert guesses.in_words(value, unit) == words


# ---- asked ----


def test_a_slider_has_its_range_its_start_and_its_digits():
    card = quiz.predict("01-gain", "How much <b>?", low=-0.5, high=4, step=0.05, unit="points")
    asked = {name: card.data[name] for name in ("low", "step", "steps", "start", "digits", "kept")}
    assert asked == {"low": -0.5, "step": 0.05, "steps": 90, "start": 45, "digits": 2, "kept": None}
    assert card.text == repr(card) == "How much <b>? From −0.5 to 4 points."
    assert card.fallback == "<p><b>How much &lt;b&gt;?</b></p><p>From −0.5 to 4 points.</p>"
    assert quiz.predict("a", "?", 0, 100, 10, start=30).data["start"] == 3
    assert quiz.predict("a", "?", 0, 100, 10).data["digits"] == 0
    record.record_guess("a", 30)
    assert quiz.predict("a", "?", 0, 100, 10).data["kept"] == 30


def test_a_choice_lists_its_options():
    card = quiz.predict("01-which", "Which?", options=["the mean", "the best"])
    assert card.data["options"] == ["the mean", "the best"]
    assert card.text == "Which? the mean; the best."


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "needs low, high and step"),
        ({"low": 1, "high": 0, "step": 1}, "needs low, high and step"),
        ({"low": 0, "high": 1, "step": 0.3}, "whole steps of 0.3"),
        ({"low": 0, "high": 1001, "step": 1}, "at most 1000 whole steps"),
        ({"low": 0, "high": 4, "step": 1, "start": 0.5}, "start must be one of"),
        ({"low": 0, "high": 4, "step": 1, "start": 5}, "start must be one of"),
        ({"options": ["one"]}, "two different texts or more"),
        ({"options": "ab"}, "two different texts or more"),
        ({"options": ["a", "a"]}, "two different texts or more"),
        ({"options": ["a", "b"], "low": 0}, "takes no low, high or step"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(asked, message):
    with pytest.raises(CourseError, match=message):
        quiz.predict("01-gain", "How much?", **asked)


# ---- drawn ----


def test_without_a_guess_a_figure_stays_as_it_is(capsys):
    fig, same = best(), best()
    assert fig.guessed("01-gain", x=16) is fig
    assert fig.svg() == same.svg() and fig.summary == same.summary
    assert capsys.readouterr().out == ""


def test_a_diamond_stands_at_x_and_is_named_inside():
    record.record_guess("01-gain", 1.2)
    fig = best().guessed("01-gain", x=16)
    line, texts = marks(fig)
    assert line.get_marker() == "D" and line.get_xydata().tolist() == [[16, 1.2]]
    assert texts == ["your guess: 1.2"] and "your guess: 1.2" in fig.svg()
    assert fig.summary.endswith("Bands: 95 % over prompts. Your guess was 1.2.")
    (name,) = fig.axes[0].texts
    box, frame = name.get_window_extent(), fig.axes[0].bbox
    assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1


@pytest.mark.parametrize("value", [-5, 1.2, 40])
def test_limits_widen_until_the_guess_lies_inside(value):
    record.record_guess("01-gain", value)
    before = best().axes[0].get_ylim()
    fig = best().guessed("01-gain")
    low, high = fig.axes[0].get_ylim()
    assert low < value < high and low <= before[0] and high >= before[1]
    assert (before == (low, high)) == (value == 1.2)
    line, _ = marks(fig)
    assert list(line.get_ydata()) == [value, value] and line.get_linestyle() == "--"


def test_an_upright_line_on_a_log_axis():
    record.record_guess("n", 64)
    fig = best().guessed("n", axis="x")
    line, texts = marks(fig)
    assert list(line.get_xdata()) == [64, 64] and texts == ["your guess: 64"]
    assert fig.axes[0].get_xlim()[1] > 64 and fig.axes[0].get_xscale() == "log"
    assert [text.get_text() for text in fig.axes[0].get_xticklabels()] == ["1", "4", "16"]


def test_a_panel_is_chosen_and_an_axis_that_runs_down_keeps_its_way():
    record.record_guess("a", 9)
    fig, panels = figures.new(columns=2)
    for axis in panels:
        axis.plot([0, 1], [0, 1])
        axis.invert_yaxis()
    figures.done(fig, "Two lines.", quiet=True).guessed("a", panel=1)
    assert marks(fig, 0)[0] is None and marks(fig, 1)[0] is not None
    low, high = panels[1].get_ylim()
    assert low > 9 and high < 0


def test_a_text_is_only_said():
    record.record_guess("which", "the best")
    fig, same = best().guessed("which", x=16), best()
    assert fig.svg() == same.svg()
    assert fig.summary == f"{same.summary} Your guess was “the best”."


@pytest.mark.parametrize("value", [0, -1, 1e6])
def test_a_guess_for_which_the_axis_has_no_place_is_only_said(value):
    record.record_guess("n", value)
    fig = best().guessed("n", axis="x")
    fig.svg()
    assert "Your guess was" in fig.summary
    assert value > 0 or marks(fig)[0] is None


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, math.nan, math.inf])
def test_what_is_no_guess_in_the_file_crashes_no_figure(progress, value):
    kept = {"format": 1, "items": {}, "guesses": {"n": {"value": value}, "m": {}}}
    progress.write_text(json.dumps(kept))
    for name in ("n", "m"):
        assert "guess" not in best().guessed(name).summary


def test_what_an_author_asks_wrongly_is_told_also_without_a_guess():
    with pytest.raises(CourseError, match='axis must be "x" or "y"'):
        best().guessed("a", axis="z")
    with pytest.raises(CourseError, match="there are 1 panels"):
        best().guessed("a", panel=1)


def test_names_of_lines_find_their_places_again():
    record.record_guess("a", 12)
    curves = {"gold": BEST, "reward-500": BEST + 0.3}
    fig = plots.best_of_n(NS, curves, quiet=True).guessed("a")
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert len(boxes) == 3
    for k, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[k + 1 :])


def test_the_guess_reads_on_white_and_on_black():
    from course_lib.classroom.plots.mark import COLOUR

    def light(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        red, green, blue = [p / 12.92 if p <= 0.04 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05

    for ground in ("#ffffff", "#111111"):
        darker, lighter = sorted([light(COLOUR), light(ground)])
        assert lighter / darker >= 3.9


# ---- said ----


def test_an_answer_that_is_no_figure():
    assert show.guess("rate", 8, "%").text == "It is 8 %."
    record.record_guess("rate", 30)
    shown = show.guess("rate", 8, "%")
    assert shown.text == "You guessed 30 %; it is 8 %."
    assert "<p>You guessed <b>30 %</b>; it is <b>8 %</b>.</p>" in shown.html
    record.record_guess("rate", "<b>")
    shown = show.guess("rate", "the mean")
    assert "You guessed: <b>&lt;b&gt;</b>. The answer: <b>the mean</b>." in shown.html
    assert shown.text == "You guessed: <b>. The answer: the mean."
    assert show.guess("which", "the mean").text == "The answer: the mean."


def test_what_cells_show_begins_with_a_line_that_says_nothing():
    """JupyterLab shows the first line of a closed output."""
    for shown in (show.guess("a", 1), show.facts({"a": 1}), quiz.predict("a", "?", 0, 1, 1)):
        assert shown._repr_mimebundle_()["text/html"].startswith(" \n<div")
    assert best().guessed("a")._repr_mimebundle_()[0]["text/html"].startswith(" \n<figure")
