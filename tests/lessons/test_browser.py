"""Lesson 01 and exercise 01 in JupyterLab and Notebook 7 as a reader uses them, in a real browser.

Explorer, quiz and map with the keyboard, and a reload; a wrong try, a right one, the standing.
Needs Debian's (or any) Chromium and playwright; set CHROMIUM to its path when it is not on the
PATH. ``BROWSER_SHOTS=DIR`` keeps screenshots.
"""

import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from course_lib.classroom import quiz

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ERRORS = '[data-mime-type="application/vnd.jupyter.stderr"]'
FAILURES = '[data-mime-type="application/vnd.jupyter.error"]'


@pytest.fixture
def course(jupyter, tmp_path):
    """course(app, path): a course folder with one notebook of the repository; its address."""

    def start(app, path):
        for folder in ("notebooks", "exercises"):
            (tmp_path / folder).mkdir()
        shutil.copy(ROOT / path, tmp_path / path)
        return jupyter(app)(path)

    return start


def shot(page, name):
    """Keep a screenshot when BROWSER_SHOTS names a folder."""
    if folder := os.environ.get("BROWSER_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def opened(page, address):
    page.goto(address)
    page.locator(".jp-Cell").first.wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    page.wait_for_timeout(5_000)  # idle is shown before "Run All" reaches the kernel


def run_all(page):
    """Run > Run All Cells, and wait until every cell has run."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const kernel = document.querySelector('.jp-Notebook-ExecutionIndicator');
            const prompts = [...document.querySelectorAll('.jp-InputPrompt')];
            return /Idle|idle/.test(kernel?.dataset.status || '')
                && !prompts.some(p => p.textContent.includes('[*]'));
        }""",
        timeout=900_000,
    )


def tab_to(page, control, most=120):
    """Press Tab until ``control`` has the focus, as a reader without a mouse does."""
    for _ in range(most):
        if control.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} times Tab did not reach the control")


def cells(page):
    return page.locator(".jp-Notebook .jp-Cell").count()


def card(page, item_id):
    """The panel of a quiz item."""
    return page.locator(".ckq-item", has=page.get_by_text(quiz.item_of(item_id)["question"])).last


def explore_by_keyboard(page):
    """Best-of-n: another reply is chosen among 32 than among 4, and it is drawn."""
    explorer = page.locator('.ck[data-kind="best-of-n"]').last
    explorer.scroll_into_view_if_needed()
    n = explorer.get_by_label("n", exact=True)
    before = explorer.locator(".ck-chosen").inner_text()
    n.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert n.get_attribute("aria-valuetext") == "32 candidates"
    explorer.locator('[role="img"][aria-label*="Best of 32"]').wait_for()
    assert explorer.locator(".ck-chosen").inner_text() != before
    assert max(page.evaluate("courseKit.timings")) >= 0, "redraws are timed"


def answer_by_keyboard(page):
    """One item of each kind, with Tab, Space, arrows, Enter and letters only."""
    single, order, case = (card(page, f"01-{name}") for name in ("formulation", "steps", "chatbot"))
    single.scroll_into_view_if_needed()
    radios = single.locator("input[type=radio]")
    radios.first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert radios.nth(1).is_checked()
    page.keyboard.press("Enter")
    single.locator(".ckq-verdict", has_text="✓ Right.").wait_for()

    item = quiz.item_of("01-steps")
    places = quiz.shuffled(item)
    for place in range(len(places)):  # move the right step up to each place, from the first on
        text = item["steps"][place]["text"]
        for _ in range(places.index(place) - place):
            up = order.get_by_role("button", name=f"move step '{text}' up", exact=True)
            up.focus()
            page.keyboard.press("Enter")
        places.remove(place)
        places.insert(place, place)
    check = order.get_by_role("button", name="Check")
    tab_to(page, check)
    page.keyboard.press("Enter")
    order.locator(".ckq-verdict", has_text="✓ Right.").wait_for()

    tab_to(page, case.locator("textarea"))
    page.keyboard.type(
        "a, b and j: six candidates at most, judged by people on held-out questions."
    )
    tab_to(page, case.get_by_role("button", name="Show a model answer"))
    page.keyboard.press("Enter")
    for point in (0, 3):
        tab_to(page, case.locator("input[type=checkbox]").nth(point))
        page.keyboard.press("Space")
    tab_to(page, case.get_by_role("button", name="Keep my mark"))
    page.keyboard.press("Enter")
    case.get_by_text("2 of 6 points.").wait_for()


# Notebook 7 has the shorter tests of test_predictions_in_jupyter.py and test_noise.py
@pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=pytest.mark.long)])
def test_lesson_01_with_the_keyboard(course, page, tmp_path, app):
    address = course(app, "notebooks/01_best_of_n.ipynb")
    opened(page, address)
    run_all(page)
    assert page.locator(f"{ERRORS}, {FAILURES}").count() == 0, "an error stream was left behind"
    many = cells(page)
    explore_by_keyboard(page)
    shot(page, f"{app}-1-explorer")
    answer_by_keyboard(page)
    card(page, "01-steps").scroll_into_view_if_needed()
    shot(page, f"{app}-2-quiz")
    assert cells(page) == many, "a key meant for a card made or removed a cell"
    kept = tmp_path / "course-progress.json"
    until = time.time() + 120
    while "01-chatbot" not in (kept.read_text() if kept.is_file() else ""):
        assert time.time() < until, "the answers were not kept"
        time.sleep(0.2)
    items = json.loads(kept.read_text())["items"]
    assert items["01-formulation"]["level"] == items["01-steps"]["level"] == 1
    assert items["01-chatbot"]["answers"][-1]["score"] == pytest.approx(2 / 6, abs=1e-3)

    opened(page, address)  # as after closing the browser
    run_all(page)
    standing = page.get_by_text(re.compile(r"3 of \d+ questions answered, 2 right")).last
    standing.scroll_into_view_if_needed()
    assert card(page, "01-formulation").locator("input[type=radio]").nth(1).is_checked()
    assert "six candidates" in card(page, "01-chatbot").locator("textarea").input_value()
    shot(page, f"{app}-3-reloaded")


def write(page, cell, text):
    """Replace the text of a code cell."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def test_exercise_01_from_the_stub_to_the_standing(course, page, tmp_path):
    opened(page, course("lab", "exercises/ex01_best_of_n.ipynb"))
    stub = page.locator(".jp-CodeCell", has_text="def best_of_n(").first
    check = page.locator(
        ".jp-CodeCell", has_text=re.compile(r"check\.best_of_n\(best_of_n\)")
    ).first

    def says(words):
        run_all(page)  # stops at the first check that fails
        check.scroll_into_view_if_needed()
        output = check.locator(".jp-OutputArea")
        output.get_by_text(words).first.wait_for()
        text = output.text_content()  # inner_text is empty while JupyterLab draws a cell anew
        assert "Traceback" not in text
        return text

    says("Fill in the cell above")
    shot(page, "5-stub")
    write(
        page, stub, "def best_of_n(texts, rewards):\n    return rewards.max(dim=1).values.tolist()"
    )
    assert "argmax, not max" in says("The smallest input that shows it")
    shot(page, "6-wrong")
    write(
        page,
        stub,
        "def best_of_n(texts, rewards):\n    return [row[i] for row, i in zip(texts, "
        "rewards.argmax(dim=1).tolist())]",
    )
    says("3 of 3 points")
    shot(page, "6-right")

    page.keyboard.press("Escape")
    page.keyboard.press("ControlOrMeta+s")
    until = time.time() + 300
    notebook = tmp_path / "exercises" / "ex01_best_of_n.ipynb"
    while "rewards.argmax" not in notebook.read_text():
        assert time.time() < until, "the notebook was not saved"
        time.sleep(0.2)
    last = page.locator(".jp-CodeCell", has_text='checks.report("ex01")').last
    last.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    last.get_by_text("3 of 13 points").first.wait_for(timeout=600_000)
    last.scroll_into_view_if_needed()
    assert "win_share" in last.locator(".jp-OutputArea").last.text_content()
    shot(page, "7-standing")
    kept = json.loads((tmp_path / "course-progress.json").read_text())
    assert kept["tasks"]["ex01.best_of_n"]["points"] == 3
