"""Keys pressed in a card stay in it: none reaches the notebook, none scrolls the page."""

import pytest

from course_lib.classroom import explore, quiz

SPARED = "e => e.hasAttribute('data-lm-suppress-shortcuts')"  # keys that JupyterLab leaves alone
CELL = '<div class="jp-Cell" tabindex="0">'


@pytest.fixture(scope="module")
def planner():
    return explore.memory_planner()


def test_letters_and_arrows_are_the_cards_and_saving_is_the_notebooks(page_of, planner):
    dial = page_of(planner).get_by_label("parameters", exact=True)
    for key in ("a", "d", "0", "ArrowRight", "Enter"):
        dial.press(key)
        assert dial.evaluate(SPARED)
    for key in ("Control+q", "Shift+Enter", "Escape"):
        dial.press(key)
        assert not dial.evaluate(SPARED)


def test_the_space_bar_on_a_slider_does_not_scroll(page_of, planner):
    page = page_of(planner, '<div style="height:4000px"></div>')
    page.get_by_label("parameters", exact=True).press("Space")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == 0


def test_escape_leads_from_a_card_to_its_cell(page_of, planner):
    page = page_of(CELL + planner.html() + "</div>")
    page.get_by_label("parameters", exact=True).press("Escape")
    assert page.evaluate("document.activeElement.className") == "jp-Cell"


JUPYTERLAB = """<style>.jp-ThemedContainer button:focus-visible {
  outline: 2px solid #38a0f5; outline-offset: -1px;
}</style><div class="jp-ThemedContainer">"""


@pytest.mark.parametrize("dark", [False, True])
def test_the_focus_on_a_blue_button_is_a_ring_around_it(page_of, dark):
    page = page_of(JUPYTERLAB + quiz.ask("01").html() + "</div>", dark=dark)
    check = page.get_by_role("button", name="Check").first
    check.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    ring = check.evaluate("e => [e.matches(':focus-visible'), getComputedStyle(e).outlineOffset]")
    assert ring == [True, "2px"]
