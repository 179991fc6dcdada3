"""Be the annotator in the browser, with keys alone."""

import pytest

from course_lib.classroom import explore
from course_lib.pools import Pool


@pytest.fixture
def card():
    texts = [["good", "<b>bad"], ["close", "also close"], ["Happy to help.", "Read the manual."]]
    pool = Pool.from_candidates(["first?", "second?", "third?"], texts)
    pool.info = [{}, {}, {"topic": "sound"}]
    pool = pool.with_reward("gold", [[9.0, -9.0], [1.0, 1.0], [9.0, -9.0]])
    pool = pool.with_reward("proxy", [[-1.0, 1.0], [2.0, 0.0], [3.0, 0.0]])
    return explore.be_the_annotator(pool, "proxy")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_choose_then_see_what_others_say(page_of, fits, accessible, card, width, dark):
    page = page_of(card, width=width, dark=dark)
    status = page.get_by_role("status")
    assert "first?" in page.locator(".ck-ask").inner_text()
    assert "<b>bad" in page.locator(".ck-bubble").nth(1).inner_text()
    assert "9.00" not in page.locator(".ck").inner_text(), "gold waits for the choice"
    assert not page.locator(".ck-others").is_visible()
    a = page.get_by_role("button", name="A is better")
    a.focus()
    page.keyboard.press("Enter")
    assert "You say A. 20 of 20 annotators say A, proxy says B with 88 %" in status.inner_text()
    assert "gold prefers A, by 18.00." in status.inner_text()
    assert a.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="B is better").press("Enter")
    assert "You say A" in status.inner_text(), "the first answer counts"
    assert page.get_by_text("In the 1 pair with a majority you agreed with 1, proxy with 0.")
    accessible(page)
    page.get_by_role("button", name="Next pair").press("Enter")
    assert "second?" in page.locator(".ck-ask").inner_text()
    assert "Which reply is better?" in status.inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert "that they are about the same" in status.inner_text()
    assert page.get_by_text("You called 1 about the same; they are not counted.").is_visible()
    page.get_by_role("button", name="Next pair").press("Enter")
    assert page.locator(".ck-part:visible").count() == 0, "what sentences do is said afterwards"
    page.get_by_role("button", name="B is better").press("Enter")
    assert page.locator(".ck-bubble .ck-part.ck-unsafe").is_visible()
    assert page.get_by_text("3 answered. In the 2 pairs with a majority you agreed with 1").count()
    fits(page)
    accessible(page)


def test_pairs_stand_side_by_side_or_stacked(page_of, card):
    def tops(width):
        page = page_of(card, width=width)
        return [page.locator(".ck-bubble").nth(k).bounding_box()["y"] for k in range(2)]

    wide, narrow = tops(1280), tops(390)
    assert wide[0] == wide[1] and narrow[0] < narrow[1]


def test_without_scripts_the_answers_are_folded(page_of, card):
    page = page_of(card, scripts=False)
    assert page.get_by_text("first?").is_visible()
    assert not page.get_by_text("gold A 9.00").first.is_visible()
