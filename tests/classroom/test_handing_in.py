"""Answers go with the notebook: what the last cell shows, and when it shows it."""

import json
from types import SimpleNamespace

import pytest

from course_lib.classroom import checks, handing_in, quiz
from course_lib.classroom.checks import registry, reporting


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def test_the_exercise_and_its_lessons_are_handed_in():
    assert handing_in.places_of("ex03") == ["ex03", "03"]
    assert handing_in.places_of("ex09") == ["ex09", "09a", "09b"]


def test_the_line_holds_what_was_answered_there_and_nothing_else():
    quiz.answer("ex03-dropped", "b")
    quiz.heard({"item": "ex03-order", "answer": "abcde", "try": 1})
    quiz.answer("ex03-case", "Loss 0.02 is no success.\n<b>ü</b>")
    quiz.mark("ex03-case", [1, 3])
    quiz.answer("04-by-data", "another lesson's")
    shown = handing_in.HandedIn("ex03")
    text = repr(shown)
    assert text.isascii(), "whatever a program does to other letters"
    line = text.split("\n")[-1]
    told = json.loads(line.removeprefix(handing_in.MARK))
    assert set(told["items"]) == {"ex03-dropped", "ex03-order", "ex03-case"}
    case = told["items"]["ex03-case"]
    assert case["answer"] == "Loss 0.02 is no success.\n<b>ü</b>" and case["points"] == [1, 3]
    assert told["items"]["ex03-dropped"]["answer"] == "b"
    assert "3 of 3 of exercise 03, 0 of 5 of lesson 03" in shown.sentence()
    page = shown.html()
    assert "&lt;b&gt;ü&lt;/b&gt;" in page and "<b>ü" not in page and "What is handed in" in page


def test_a_draft_is_handed_in_before_it_was_marked_and_a_long_one_is_cut():
    quiz.heard({"item": "ex03-case", "answer": "x" * 30_000})
    (found,) = handing_in.kept_answers("ex03").values()
    assert len(found["answer"]) == handing_in.LONGEST and found["tries"] == 0


def test_nothing_answered_and_a_spoilt_file_are_said(progress):
    assert "0 of 3 of exercise 03" in repr(handing_in.HandedIn("ex03"))
    progress.write_text("{")
    shown = handing_in.HandedIn("ex03")
    assert "No answers to questions go with this notebook" in shown.html()
    assert json.loads(repr(shown).split(handing_in.MARK)[1])["items"] == {}
    assert progress.read_text() == "{"


@pytest.mark.parametrize("found", [True, False], ids=["in a file", "on Colab"])
def test_the_last_cell_shows_it_in_a_notebook_alone(found, monkeypatch, tmp_path):
    said = []
    silent = SimpleNamespace(begins=said.append, heard=None, ends=lambda *_: said.append("ends"))
    for name in (registry.RUNNING, "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    if found:
        (tmp_path / "ex03_x.ipynb").write_text("{}")
    monkeypatch.setattr(reporting, "standing", lambda *_, **__: [])
    for kind in ("Report", "CardReport"):
        monkeypatch.setattr(reporting, kind, lambda name: silent)
    monkeypatch.setattr(handing_in, "show", lambda name: said.append(f"answers {name}"))
    checks.report("ex03")
    assert "answers ex03" not in said
    monkeypatch.setattr(reporting, "shows_cards", lambda: True)
    said.clear()
    checks.report("ex03")
    begun = ["ex03_x.ipynb, as it was last saved", "answers ex03", "ends"]
    assert [one.split(" (")[0] for one in said] == (begun if found else ["ends", "answers ex03"])
