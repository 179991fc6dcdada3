"""Cells that sample, score and train leave no box behind: no error stream, not even an empty one.

In JupyterLab and in Notebook 7, with the bars made impatient, so that each is surely shown.
"""

import json
import secrets
import time

import pytest

from course_lib.authoring.lessons import METADATA

pytestmark = pytest.mark.slow

LOAD = """import course_lib as course
from course_lib import assets
from course_lib.base import progress
progress.PATIENCE = progress.PAUSE = 0
policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
prompts, info = course.load_world("helpdesk").prompts("train", limit=48, seed=7)"""
WORK = """pool = course.score(course.sample(policy, prompts, n=16, info=info, seed=0), proxy)
better = course.finetune(policy, course.select_best(pool, by="proxy"), epochs=4, seed=0)"""
AFTER = "print('the end')"
ERRORS = '[data-mime-type="application/vnd.jupyter.stderr"]'


def cell(source):
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": secrets.token_hex(4),
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def outputs_of(path):
    """The outputs of each cell, as the notebook was saved."""
    return [each["outputs"] for each in json.loads(path.read_text())["cells"]]


def started(cell):
    """Run a cell by keys; a key that comes while the page is still settling is pressed again."""
    prompt = cell.locator(".jp-InputPrompt").first
    for _ in range(30):
        cell.locator(".cm-content").click()
        cell.page.keyboard.press("Shift+Enter")
        for _ in range(50):
            if prompt.inner_text().strip() != "[ ]:":
                return
            cell.page.wait_for_timeout(200)
    raise AssertionError(f"the cell does not run: {cell.inner_text()}")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_sampling_and_training_leave_nothing_behind(jupyter, browser, tmp_path, app):
    content = {"cells": [cell(s) for s in (LOAD, WORK, AFTER)], "metadata": METADATA}
    path = tmp_path / "noise.ipynb"
    path.write_text(json.dumps(content | {"nbformat": 4, "nbformat_minor": 5}))
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(300_000)
    page.goto(jupyter(app)(path.name))
    cells = page.locator(".jp-CodeCell")
    cells.nth(2).wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    page.evaluate(  # the bars come and go: each that was ever there is noted
        "window.bars = []; new MutationObserver(() => document.querySelectorAll('progress')"
        ".forEach(e => bars.push(e.parentElement.innerText)))"
        ".observe(document.body, {childList: true, subtree: true})"
    )
    for k in range(3):
        started(cells.nth(k))
    until = time.time() + 600
    while not page.get_by_text("the end", exact=True).count():
        log = (tmp_path / "server.log").read_text()[-3000:]
        assert time.time() < until, f"{cells.all_inner_texts()}\n{log}"
        page.wait_for_timeout(300)
    bars = " ".join(page.evaluate("bars"))
    for label in ("sampling: ", "scoring (proxy): ", "of 768 (reply)", "(step)"):
        assert label in bars
    assert page.locator(ERRORS).count() == 0, page.locator(ERRORS).all_inner_texts()
    assert page.locator("progress").count() == 0
    for k in (0, 1):
        area = cells.nth(k).locator(".jp-OutputArea").first
        assert area.inner_text().strip() == ""
        assert area.evaluate("e => e.offsetHeight") == 0, "an empty output takes room"
    page.keyboard.press("ControlOrMeta+s")
    until = time.time() + 120
    while not outputs_of(tmp_path / "noise.ipynb")[2]:
        assert time.time() < until, "the notebook was not saved"
        time.sleep(0.2)
    for outputs in outputs_of(tmp_path / "noise.ipynb")[:2]:
        assert all(output.get("data") == {} for output in outputs), outputs
    page.close()
