"""Candidates in the browser: order, direction, page and verdicts, with keys alone."""

import pytest

from course_lib.classroom import explore
from course_lib.pools import Pool


@pytest.fixture
def card():
    gold = [[float(j) for j in range(12)], [float(-j) for j in range(12)]]
    texts = [[f"reply <{i}> {j}\nsecond line" for j in range(12)] for i in range(2)]
    pool = Pool.from_candidates(["first & only", "second"], texts, {"gold": gold})
    verdicts = [["right"] * 11 + ["no answer found"], ["wrong number"] * 12]
    return explore.candidate_browser(pool, verdicts=verdicts)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_browser_follows_prompt_order_and_page(page_of, fits, accessible, card, width, dark):
    page = page_of(card, width=width, dark=dark)
    bubbles = page.locator(".ck-bubble")
    first = bubbles.first
    assert bubbles.count() == 8 and "reply <0> 0" in first.inner_text()
    assert "✓ right" in first.inner_text() and "ended by itself" in first.inner_text()
    assert page.get_by_label("highest first").is_disabled(), "nothing to turn round yet"
    page.get_by_label("gold", exact=True).focus()
    page.keyboard.press("Space")
    assert "reply <0> 11" in first.inner_text() and "gold 11.00" in first.inner_text()
    turn = page.get_by_label("page", exact=True)
    turn.focus()
    page.keyboard.press("ArrowRight")
    assert turn.get_attribute("aria-valuetext") == "2 of 2"
    assert bubbles.count() == 4 and "reply <0> 3" in first.inner_text()
    page.get_by_label("lowest first").focus()
    page.keyboard.press("Space")
    assert "reply <0> 0" in first.inner_text(), "a new order starts at its first page"
    page.get_by_label("prompt", exact=True).focus()
    page.keyboard.press("End")
    assert "reply <1> 11" in first.inner_text() and "✗ wrong number" in first.inner_text()
    page.locator("[role=status]", has_text="Candidates 1 to 8 of 12, gold, lowest first.").wait_for(
        state="attached"
    )
    fits(page)
    accessible(page)


def test_a_short_last_page_keeps_its_place(page_of, card):
    page = page_of(card)
    height = "() => document.querySelector('.ck').offsetHeight"
    full = page.evaluate(height)
    page.get_by_label("page", exact=True).focus()
    page.keyboard.press("End")
    page.wait_for_timeout(100)
    assert page.locator(".ck-bubble").count() == 4
    assert page.evaluate(height) == full, "what stands below did not move"


def test_without_scripts_the_first_page_is_a_table(page_of, card, fits):
    page = page_of(card, scripts=False, width=390)
    assert page.locator("tbody tr").count() == 8
    assert "reply <0> 0" in page.locator("tbody tr").first.inner_text()
    fits(page)
