"""What every committed lesson must be.

That each runs is checked by ``pytest --nbval-lax notebooks``.
"""

import json
import re
import statistics

import pytest

from course_lib import authoring
from course_lib.authoring.links import number_of
from course_lib.authoring.output import WIDGET, machine_traces, without_progress
from course_lib.authoring.write import LARGEST

NOTEBOOKS = authoring.ROOT / "notebooks"
LESSONS = [source.stem for source in authoring.lesson_sources()]


@pytest.fixture(params=LESSONS)
def path(request):
    return NOTEBOOKS / f"{request.param}.ipynb"


@pytest.fixture
def notebook(path):
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def prose(notebook):
    return "\n\n".join(c["source"] for c in notebook["cells"] if c["cell_type"] == "markdown")


def test_there_is_a_source_for_every_notebook():
    assert sorted(p.stem for p in NOTEBOOKS.glob("*.ipynb")) == LESSONS


def test_matches_its_source(path):
    pytest.importorskip("jupytext")
    assert authoring.check_lessons([path.stem]) == []


def test_is_executed_without_errors_or_stderr(notebook):
    assert [c["execution_count"] for c in code_cells(notebook)] == list(
        range(1, len(code_cells(notebook)) + 1)
    ), "run once, from the top"
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            assert output["output_type"] != "error" and output.get("name") != "stderr"
            assert without_progress(
                str(output.get("text", output.get("data", {}).get("text/plain", "text")))
            ), "a progress bar was kept"


def test_is_small_and_free_of_machine_and_widget_state(path, notebook):
    assert path.stat().st_size < LARGEST
    assert "widgets" not in notebook["metadata"]
    for cell in code_cells(notebook):
        assert not machine_traces(cell["outputs"])
        assert not any(WIDGET in output.get("data", {}) for output in cell["outputs"])
        assert "execution" not in cell["metadata"], "times change from run to run"


def tags(cell):
    return cell["metadata"].get("tags", [])


def test_cells_are_short_with_text_between(notebook):
    sizes = [len(c["source"].splitlines()) for c in code_cells(notebook)]
    assert statistics.median(sizes) <= 8 and max(sizes) <= 20
    shown = [c for c in notebook["cells"] if not {"hide", "setup"} & set(tags(c))]
    kinds = "".join(c["cell_type"][0] for c in shown)
    assert "cccc" not in kinds, "at most three code cells without a paragraph between"


def test_code_and_printed_lines_fit_the_page(notebook):
    for cell in code_cells(notebook):
        if "setup" not in tags(cell):  # it holds a long address
            assert max(map(len, cell["source"].splitlines())) <= 88, cell["source"]
        for output in cell["outputs"]:
            lines = output.get("text", "").splitlines()
            assert max(map(len, lines), default=0) <= 100, lines


def test_checks_are_folded_away(notebook):
    """A cell of asserts alone is hidden, and hidden cells print nothing."""
    for cell in code_cells(notebook):
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        assert folded == bool({"hide", "setup"} & set(tags(cell)))
        if re.match("assert ", cell["source"]):
            assert folded, cell["source"]
        if "remove-input" in tags(cell):
            assert cell["outputs"] == [], cell["source"]
        if folded:  # its first line is what a reader sees of it in JupyterLab
            assert not cell["source"].startswith("assert "), cell["source"]


def test_tells_the_reader_where_they_are(notebook):
    title, text = notebook["cells"][0]["source"], prose(notebook)
    for part in ("**You will:**", "**Builds on:**", "**Time:**", "colab-badge.svg"):
        assert part in title, part
    for heading in ("What we found", "What this leaves out", "In real systems", "Further reading"):
        # the last three stand under Deeper
        assert re.search(rf"^##+ {heading}", text, re.MULTILINE), heading
    assert re.search(r"\*\*Your prediction", text), "a prediction before the main result"


def test_asks_colab_for_a_gpu_only_where_it_needs_one(path, notebook):
    asked = {
        key: notebook["metadata"][key]
        for key in ("accelerator", "colab")
        if key in notebook["metadata"]
    }
    closed = [
        cell["id"]
        for cell in notebook["cells"]
        if cell["metadata"].get("jp-MarkdownHeadingCollapsed")
    ]
    assert asked.get("colab", {}).pop("collapsed_sections", []) == closed
    assert asked == (
        {"accelerator": "GPU", "colab": {"gpuType": "T4"}}
        if path.stem.startswith("09")
        else {"colab": {}}
    )


def test_asks_its_own_quiz(path, notebook):
    assert f'quiz.ask("{number_of(path.stem)}")' in code_cells(notebook)[-1]["source"]


def test_pictures_have_alt_text(notebook):
    pictures = [
        o["data"]
        for c in code_cells(notebook)
        for o in c["outputs"]
        if "image/png" in o.get("data", {}) or "<img" in str(o.get("data", {}).get("text/html", ""))
    ]
    assert pictures
    for data in pictures:
        assert re.search(r'<img alt="[^"]{40,}"', data["text/html"])


def test_checked_outputs_exist(notebook):
    checked = [
        c for c in code_cells(notebook) if "nbval-check-output" in c["metadata"].get("tags", [])
    ]
    assert len(checked) >= 2 and all(c["outputs"] for c in checked)
    assert "assert " in "\n".join(c["source"] for c in code_cells(notebook)), (
        "findings that vary in the last digits are asserted"
    )


def test_no_assertion_depends_on_how_fast_the_machine_is(notebook):
    """Times are printed, never asserted: the lesson runs on slow and on busy machines, too."""
    clock = re.compile(r"\b(seconds|elapsed|perf_counter|milliseconds)\b|\.total\b")
    code = "\n".join(c["source"] for c in code_cells(notebook))
    asserts = re.findall(r"^\s*assert .*", code, re.MULTILINE)
    assert not [line for line in asserts if clock.search(line)]
