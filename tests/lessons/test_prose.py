"""The core path of each lesson: short enough to be finished, and standing alone."""

import json

import pytest

from course_lib import authoring
from course_lib.authoring import prose
from course_lib.authoring.lessons import METADATA, Lesson
from course_lib.authoring.paths import borrowed, core_of
from course_lib.authoring.write import run

NOTEBOOKS = authoring.ROOT / "notebooks"
LONGEST = {"09a_choosing_from_a_real_model", "09b_fine_tuning_a_real_model"}
LESSONS = [source.stem for source in authoring.lesson_sources()]


@pytest.fixture(params=LESSONS)
def name(request):
    return request.param


@pytest.fixture
def cells(name):
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def counts(cells):
    return prose.core_and_whole(cells)


def test_can_be_finished(counts):
    core, whole = counts
    assert core.words <= prose.CORE_WORDS
    assert whole.words <= prose.WHOLE_WORDS
    assert whole.decimals < prose.DECIMALS


def test_sentences_are_short_and_hedges_rare(name, counts):
    core, whole = counts
    assert not core.over, core.longest
    assert core.median < prose.MEDIAN
    assert not whole.hedged


def test_the_core_reads_nothing_that_a_deeper_part_sets(cells):
    assert borrowed(cells) == []


def test_has_a_deeper_part_closed_at_first(cells):
    closed = [c for c in cells if c["metadata"].get("jp-MarkdownHeadingCollapsed")]
    assert closed
    for cell in closed:
        assert cell["source"].startswith("## Deeper: ") and "\n" not in cell["source"]
        assert cell["metadata"]["id"] == cell["id"]


def test_no_visible_cell_asserts(cells):
    for cell in cells:
        if cell["cell_type"] == "code" and "hide" not in cell["metadata"].get("tags", []):
            assert "\nassert " not in "\n" + cell["source"], cell["source"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] if n in LONGEST else []) for n in LESSONS]
)
def test_the_core_runs_by_itself(name, cells, tmp_path):
    """Run as it is built: in a kernel of its own that finds this package.

    Nearly all of the longest is core; the whole is run as a notebook, and walked cell by cell in
    ``test_real_model.py``.
    """
    lesson = Lesson(name, "notebooks", core_of(cells), METADATA)
    made = run(lesson, tmp_path)
    shown = [o for cell in made for o in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in shown)
