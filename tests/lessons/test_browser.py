"""Lesson 01 and exercise 01 in JupyterLab as a reader uses them, in a real browser.

Slider and quiz with the keyboard, and a reload; a wrong try, a right one, the standing.
Needs Debian's (or any) Chromium and playwright; set CHROMIUM to its path when it is not on the
PATH. ``BROWSER_SHOTS=DIR`` keeps screenshots.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from course_lib.classroom import quiz

CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: pip install -e '.[lab]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium found: apt-get install chromium, or set CHROMIUM to its path",
    ),
]


@pytest.fixture
def server(tmp_path, request):
    """A JupyterLab of its own over a copy of one notebook: (its address, folder)."""
    root, notebook = Path(__file__).resolve().parents[2], Path(request.param).name
    shutil.copy(root / request.param, tmp_path / notebook)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "HF_HUB_OFFLINE": "1",
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "HOME": str(tmp_path),
    }
    environment.pop("COURSE_PROGRESS", None)
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with open(tmp_path / "server.log", "w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=tmp_path)
    try:
        until = time.time() + 600
        while True:
            try:
                urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/api?token={token}", timeout=2
                ).read()
                break
            except OSError:
                assert process.poll() is None
                assert time.time() < until, (tmp_path / "server.log").read_text()[-2000:]
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/lab/tree/{notebook}?token={token}&reset", tmp_path
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1300, "height": 1000})
        tab.set_default_timeout(600_000)
        yield tab
        browser.close()


def shot(page, name):
    """Keep a screenshot when BROWSER_SHOTS names a folder."""
    if folder := os.environ.get("BROWSER_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def run_all(page):
    """Run > Run All Cells, and wait until every cell has run (the last cell's number tells)."""
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


def card(page, item_id):
    """The widget card of a quiz item."""
    question = quiz.item_of(item_id)["question"]
    return page.locator(
        ".jupyter-widgets.widget-vbox", has=page.get_by_text(question, exact=True)
    ).last


def tab_to(page, control, most=80):
    """Press Tab until ``control`` has the focus, as a reader without a mouse does."""
    for _ in range(most):
        if control.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{most} times Tab did not reach the control")


def feedback(page, item_id):
    """What the card says after an answer."""
    status = card(page, item_id).locator('[role="status"]')
    status.wait_for()
    return status.inner_text()


def answer_by_keyboard(page):
    """One item of each kind, with Tab, Space, Enter and letters only."""
    single, order, case = (card(page, f"01-{name}") for name in ("formulation", "steps", "chatbot"))
    single.scroll_into_view_if_needed()
    page.keyboard.press("Escape")

    tab_to(page, single.locator("input[type=radio]").nth(1))
    page.keyboard.press("Space")
    tab_to(page, single.get_by_role("button", name="Check"))
    page.keyboard.press("Enter")
    assert feedback(page, "01-formulation").startswith("Right.")

    item = quiz.item_of("01-steps")
    places = quiz.shuffled(item)
    for place in range(len(places)):  # move the right step up to each place, from the first on
        at = places.index(place)
        for k in range(at, place, -1):
            up = order.locator('button[title$=" up"]').nth(k)
            tab_to(page, up)
            page.keyboard.press("Enter")
            text = item["steps"][place]["text"]
            page.wait_for_function(
                "([box, text]) => box.innerText.includes(text)",
                arg=[order.element_handle(), f"{k}. {text}"],
            )
            places[k - 1], places[k] = places[k], places[k - 1]
    tab_to(page, order.get_by_role("button", name="Check"))
    page.keyboard.press("Enter")
    assert feedback(page, "01-steps").startswith("Right.")

    tab_to(page, case.locator("textarea"))
    page.keyboard.type(
        "Six candidates at most, judged by people on held-out questions against a random one."
    )
    tab_to(page, case.get_by_role("button", name="Show a model answer"))
    page.keyboard.press("Enter")
    assert "A model answer" in feedback(page, "01-chatbot")
    for point in (0, 3):
        tab_to(page, case.locator("input[type=checkbox]").nth(point))
        page.keyboard.press("Space")
    tab_to(page, case.get_by_role("button", name="Keep my mark"))
    page.keyboard.press("Enter")
    page.wait_for_function(
        "box => box.innerText.includes('Noted: 2 of 6')", arg=case.element_handle()
    )


def open_lesson(page, address):
    page.goto(address)
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


@pytest.mark.parametrize("server", ["notebooks/01_best_of_n.ipynb"], indirect=True)
def test_lesson_01_in_jupyterlab_with_the_keyboard(server, page):
    address, folder = server
    open_lesson(page, address)
    run_all(page)
    errors = page.locator(
        '.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"], '
        '.jp-RenderedText[data-mime-type="application/vnd.jupyter.error"]'
    )
    assert "".join(errors.all_inner_texts()).strip() == "", (
        "an error, a warning or a progress bar was left behind"
    )

    slider = page.locator(".widget-slider", has=page.get_by_text("n", exact=True)).first
    slider.scroll_into_view_if_needed()
    explorer = page.locator(".jupyter-widgets.widget-vbox", has=slider).last
    before = (
        explorer.locator("blockquote").inner_text(),
        explorer.locator("img").get_attribute("src"),
    )
    shot(page, "1-slider")
    slider.locator(".noUi-handle").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([box, image]) => /Best of 32 by reward-8000 is candidate \\d+/.test(box.innerText) "
        "&& box.querySelector('img').src !== image",
        arg=[explorer.element_handle(), before[1]],
    )
    assert explorer.locator("blockquote").inner_text() != before[0], (
        "another reply is chosen among 32 than among 4"
    )
    shot(page, "2-slider-moved")

    answer_by_keyboard(page)
    card(page, "01-steps").scroll_into_view_if_needed()
    shot(page, "3-quiz")
    kept = json.loads((folder / "course-progress.json").read_text())["items"]
    assert {"01-formulation", "01-steps", "01-chatbot"} <= set(kept)
    assert kept["01-formulation"]["level"] == kept["01-steps"]["level"] == 1
    assert kept["01-chatbot"]["answers"][-1]["score"] == pytest.approx(2 / 6, abs=1e-3)

    open_lesson(page, address)  # as after closing the browser
    run_all(page)
    page.get_by_text(
        re.compile(r"Lesson 01: 3 of \d+ questions answered, 2 right")
    ).scroll_into_view_if_needed()
    assert card(page, "01-formulation").locator("input[type=radio]").nth(1).is_checked()
    assert "Six candidates" in card(page, "01-chatbot").locator("textarea").input_value()
    shot(page, "4-reloaded")


def write(page, cell, text):
    """Replace the text of a code cell."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


@pytest.mark.parametrize("server", ["exercises/ex01_best_of_n.ipynb"], indirect=True)
def test_exercise_01_in_jupyterlab_from_the_stub_to_the_standing(server, page):
    address, folder = server
    open_lesson(page, address)
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

    assert "best_of_n: it returns nothing yet." in says("Fill in the cell above")
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
    assert "best_of_n: 3 of 3 points" in says("All 3 properties hold")

    page.keyboard.press("Escape")
    page.keyboard.press("ControlOrMeta+s")
    until = time.time() + 300
    while "rewards.argmax" not in (folder / "ex01_best_of_n.ipynb").read_text():
        assert time.time() < until, "the notebook was not saved"
        time.sleep(0.2)
    last = page.locator(".jp-CodeCell", has_text='checks.report("ex01")').last
    last.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    last.get_by_text("3 of 13 points").wait_for(timeout=600_000)
    last.scroll_into_view_if_needed()
    assert "Next: win_share." in last.locator(".jp-OutputArea").text_content()
    shot(page, "7-standing")
    kept = json.loads((folder / "course-progress.json").read_text())
    assert kept["tasks"]["ex01.best_of_n"]["points"] == 3
