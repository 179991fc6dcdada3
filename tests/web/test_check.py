"""The cards of checks on a page: keys, width, both themes, and nothing that needs a script."""

import pytest

from course_lib import authoring
from course_lib.classroom import checks
from course_lib.classroom.checks import cards, running


def rewards_only(texts, rewards):
    return rewards.max(dim=1).values.tolist()


def right(texts, rewards):
    best = rewards.argmax(dim=1).tolist()
    return [row[k] for row, k in zip(texts, best, strict=True)]


@pytest.fixture
def shown(monkeypatch):
    """The HTML of every kind of card: stub, wrong, right, a cell that did not run, the report."""
    monkeypatch.chdir(authoring.ROOT / "exercises")
    task = checks.tasks("ex01")["best_of_n"]
    monkeypatch.setattr(task, "tries", 2)
    why = "SyntaxError: '(' was never closed (line 2)."
    outcomes = {
        task.id: task.outcome(right).to_dict(),
        "ex01.win_share": {
            "points": 1,
            "written": True,
            "message": "a tie counts as a loss here; it should count half.",
        },
    }
    rows = running.rows_of("ex01", outcomes, "it returns nothing yet.")
    rows = [{**row, "state": running.state_of(row)} for row in rows]
    found = [
        cards.of_outcome(task, task.outcome(lambda *_: None)),
        cards.of_outcome(task, task.outcome(rewards_only), why),
        cards.of_outcome(task, task.outcome(right)),
        cards.of_undefined(task, ""),
        cards.of_waiting("This cell uses your best_of_n.", [task]),
        cards.of_standing("ex01", running.text_of(rows), rows, "As it was last saved."),
    ]
    return [card.html for card in found]


@pytest.mark.parametrize("width, dark", [(1280, False), (390, True), (390, False), (800, True)])
def test_cards_of_checks_fit_and_can_be_read_by_all(page_of, fits, accessible, shown, width, dark):
    page = page_of(*shown, width=width, dark=dark)
    assert page.locator(".ck-check").count() == len(shown)
    fits(page)
    accessible(page)
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.ck-check *')]"
        ".filter(e => e.innerText).map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 12.5


def test_hints_open_by_keyboard_and_without_scripts(page_of, shown):
    page = page_of(shown[1], scripts=False)
    first = page.locator("summary").first
    hint = page.get_by_text("Which of max and argmax")
    assert not hint.is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert hint.is_visible() and page.locator("details").count() == 2
    first.press("Space")
    assert not hint.is_visible()


SPARED = "e => e.hasAttribute('data-lm-suppress-shortcuts')"  # keys that JupyterLab leaves alone


def test_keys_on_a_hint_do_nothing_to_the_notebook(page_of, shown):
    page = page_of(shown[1])
    first = page.locator("summary").first
    for key in ("a", "d", "ArrowDown", "Space", "Enter"):
        first.press(key)
        assert first.evaluate(SPARED)
    for key in ("Shift+Enter", "Control+q", "Escape"):
        first.press(key)
        assert not first.evaluate(SPARED)
