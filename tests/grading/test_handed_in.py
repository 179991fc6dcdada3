"""Answers that a notebook carries, read back; whatever else stands there does no harm."""

import json

import pytest
from printed import HOSTILE

from course_lib.classroom import quiz
from course_lib.classroom.handing_in import MARK, HandedIn
from course_lib.grading.handed_in import Given, handed_in
from course_lib.grading.notebooks import Cell, Notebook, read_notebook


def shown(text, kind="display_data", lines=False):
    text = text.splitlines(keepends=True) if lines else text
    if kind == "stream":
        return {"output_type": "stream", "name": "stdout", "text": text}
    return {"output_type": kind, "metadata": {}, "data": {"text/plain": text}}


def notebook(*outputs, source="checks.report('ex03')"):
    return Notebook([Cell("code", source, list(outputs))])


def told(items, **more):
    return f"Answers.\n{MARK} {json.dumps({'format': 1, 'items': items, **more})}"


@pytest.fixture
def answered(tmp_path, monkeypatch):
    """What the last cell shows after some answers."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    quiz.answer("ex03-dropped", "b")
    quiz.answer("ex03-case", "Loss 0.02 is no success.\nü")
    quiz.mark("ex03-case", [2])
    return repr(HandedIn("ex03"))


@pytest.mark.parametrize("kind", ["display_data", "stream", "update"])
@pytest.mark.parametrize("lines", [False, True])
def test_what_the_card_wrote_is_read_back(answered, kind, lines):
    """As JupyterLab and Colab write it (a list of lines), and as VS Code does."""
    found = handed_in(notebook(shown("other"), shown(answered, kind, lines)), "ex03")
    assert found.problem == "" and set(found.items) == {"ex03-dropped", "ex03-case"}
    choice, case = found.items["ex03-dropped"], found.items["ex03-case"]
    assert (choice.kind, choice.answer, choice.score, choice.tries) == ("single", "b", 1.0, 1)
    assert (case.kind, case.answer) == ("case", "Loss 0.02 is no success.\nü")
    assert case.score is None and case.own_points == (2,) and case.at.startswith("20")


def test_scores_are_computed_here_and_never_believed():
    items = {
        "ex03-dropped": {"answer": "a", "score": 1, "tries": -3},
        "ex03-order": {"answer": "zz", "score": 1},
        "ex04-case": {"answer": "not of this exercise"},
        "ex03-case": {"answer": "x", "points": [1, 99, True, "2"], "score": 1},
    }
    found = handed_in(notebook(shown(told(items))), "ex03").items
    assert found == {
        "ex03-dropped": Given("single", "a", 0.0),
        "ex03-case": Given("case", "x", own_points=(1,)),
    }


def test_the_last_run_counts():
    first, last = ({"ex03-case": {"answer": text}} for text in ("old", "new"))
    found = handed_in(notebook(shown(told(first)), shown(told(last))), "ex03")
    assert found.items["ex03-case"].answer == "new"


def test_where_outputs_were_cleared_it_is_said_and_cells_are_read():
    source = "print(quiz.answer('ex03-case', '''My\ntext'''))\nquiz.answer('ex03-case', x)"
    found = handed_in(notebook(source=source), "ex03")
    assert found.items == {"ex03-case": Given("case", "My\ntext")}
    assert "outputs were cleared" in found.problem and "in its cells" in found.problem
    empty = handed_in(notebook(), "ex03")
    assert empty.items == {} and "no answers to questions" in empty.problem
    assert handed_in(notebook(source="def f(:"), "ex03").items == {}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_become_harmless(text):
    items = {"ex03-case": {"answer": text, "at": text}, text: {"answer": text}}
    found = handed_in(notebook(shown(told(items))), "ex03").items
    assert set(found) <= {"ex03-case"}
    for given in found.values():
        json.dumps(given.answer, ensure_ascii=False).encode()
        assert "\0" not in given.answer and len(given.answer) <= 20_000 and len(given.at) <= 40


@pytest.mark.parametrize(
    "output",
    [
        None,
        3,
        {},
        {"data": 3},
        {"data": {"text/plain": 3}},
        {"data": {"text/plain": [3, None]}},
        {"text": {"a": 1}},
        shown(MARK),
        shown(f"{MARK} {{"),
        shown(f"{MARK} {'[' * 100_000}"),
        shown(f"{MARK} [1]"),
        shown(f'{MARK} {{"items": 3}}'),
        shown(f'{MARK} {{"items": {{"ex03-case": 3, "ex03-order": {{"answer": 5}}}}}}'),
        shown(f"{MARK} {'x' * 2_000_000}"),
    ],
)
def test_outputs_of_any_kind_are_read_without_an_error(output):
    assert handed_in(notebook(output), "ex03").items == {}
    broken = Notebook([Cell("code", "x", output)])
    assert handed_in(broken, "ex03").items == {}


@pytest.mark.slow
def test_a_notebook_that_jupyter_ran_and_saved_carries_its_answers(tmp_path, monkeypatch):
    """A card's answer is heard in the kernel, the last cell is run, the file is read as bytes."""
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    for name in ("PYTEST_CURRENT_TEST", "COURSE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    sources = (
        "from course_lib.classroom import quiz\n"
        "_ = quiz.heard({'item': 'ex03-case', 'answer': 'written in the card'})",
        "from course_lib.classroom import checks\nchecks.report('ex03')",
    )
    whole = nbformat.v4.new_notebook()
    whole.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(whole, timeout=600, kernel_name="python3", resources=resources)
    client.execute()
    data = nbformat.writes(whole).encode()
    found = handed_in(read_notebook(data), "ex03")
    assert found.problem == "" and found.items["ex03-case"].answer == "written in the card"
