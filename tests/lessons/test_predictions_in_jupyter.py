"""A guess in JupyterLab and Notebook 7: kept by a key, and drawn by the cell that answers.

The answer is closed when the notebook is opened, and there once its cell has run.
"""

import json
from urllib.parse import unquote

import pytest

from course_lib import authoring

pytestmark = pytest.mark.slow

SOURCE = """# %% [markdown]
# # A guess

# %% tags=["hide"]
from course_lib.classroom import plots, quiz, show

quiz.predict("01-gain", "How much higher?", low=0, high=4, step=0.1, unit="points", start=1)

# %% tags=["answer"]
plots.best_of_n([1, 4, 16], {"gold": [[0, 1, 2], [0, 2, 3]]}).guessed("01-gain", x=16)

# %% tags=["hide", "answer"]
show.guess("01-gain", 5 / 2, "points")

# %% [markdown]
# The end.
"""


@pytest.fixture
def lesson(tmp_path):
    """The path of a lesson built as every other, with its outputs."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.urls]\nRepository = "https://github.com/o/c"\n'
    )
    source = tmp_path / "notebooks" / "src" / "01_guess.py"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE)
    (tmp_path / "exercises").mkdir()
    authoring.build([source], tmp_path / "notebooks")
    return "notebooks/01_guess.ipynb"


def run(page, cell):
    """Run a cell as a reader does, and wait until it has run."""
    before = cell.locator(".jp-InputPrompt").inner_text()
    cell.locator(".jp-InputPrompt").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(
        "([cell, before]) => /\\d/.test(cell.textContent) && cell.textContent !== before",
        arg=[cell.locator(".jp-InputPrompt").element_handle(), before],
    )


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_guess_is_drawn_by_the_cell_that_answers(jupyter, lesson, page, tmp_path, app):
    page.goto(jupyter(app)(lesson))
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    asks, draws, says = (page.locator(".jp-CodeCell").nth(k) for k in (1, 2, 3))
    closed = draws.locator(".jp-OutputPlaceholder")
    closed.wait_for()
    assert closed.inner_text().strip() == "", "nothing of the answer stands there"
    for answer in (draws, says):
        answer.locator(".jp-OutputPlaceholder").wait_for(state="attached")
        assert answer.locator(".jp-OutputArea-output").count() == 0
    assert "2.5" not in page.locator(".jp-Notebook").inner_text()

    run(page, asks)
    slider = asks.get_by_label("How much higher?")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    asks.get_by_text("Your guess: 1.2 points. Run the next cell.").wait_for()
    asks.get_by_text("Kept in course-progress.json.").wait_for()
    kept = json.loads((tmp_path / "course-progress.json").read_text())
    assert kept["guesses"]["01-gain"]["value"] == 1.2

    run(page, draws)
    draws.get_by_text("Your guess was 1.2.").wait_for()
    picture = draws.locator("figure img")
    assert picture.is_visible()
    assert "your guess: 1.2" in unquote(picture.get_attribute("src"))
    run(page, says)
    says.get_by_text("You guessed 1.2 points; it is 2.5 points.").wait_for()

    run(page, asks)  # again: the guess is there, and can be changed
    asks.get_by_text("Your guess: 1.2 points.").wait_for()
    assert slider.get_attribute("aria-valuetext") == "1.2 points"
