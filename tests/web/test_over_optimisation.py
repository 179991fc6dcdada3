"""Over-optimisation while n moves, with keys alone."""

import pytest

from course_lib.classroom import explore
from course_lib.pools import Pool


@pytest.fixture
def card():
    """4 prompts × 16: gold rises with the proxy up to candidate 14, and the last is bad."""
    proxy = [[float(j) for j in range(16)]] * 4
    gold = [[j / 4 + i if j < 15 else -3.0 for j in range(16)] for i in range(4)]
    careful = [[-abs(j - 11.0) for j in range(16)]] * 4
    pool = Pool.from_candidates(
        [f"prompt <{i}>" for i in range(4)],
        [[f"reply <{i}> {j}" for j in range(16)] for i in range(4)],
        {"gold": gold, "proxy": proxy, "careful": careful},
    )
    return explore.overoptimisation_explorer(pool, ["proxy", "careful"])


@pytest.mark.parametrize("width, dark", [(1280, False), (390, True)])
def test_curves_and_the_reply_follow_n(page_of, fits, accessible, card, width, dark):
    page = page_of(card, width=width, dark=dark)
    n = page.get_by_label("n", exact=True).first
    assert n.get_attribute("aria-valuetext") == "16 candidates"
    reply = page.locator(".ck-chosen").first
    assert "reply <0> 15" in reply.inner_text() and "gold −3.00" in reply.inner_text()
    n.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert n.get_attribute("aria-valuetext") == "8 candidates"
    assert "reply <0> 7" in reply.inner_text() and "gold +1.75" in reply.inner_text()
    words = page.locator(".ck-over-words").inner_text()
    assert words.startswith("Best of 8 by proxy") and "its highest" in words
    page.get_by_label("careful").focus()
    page.keyboard.press("Space")
    page.get_by_label("prompt", exact=True).focus()
    page.keyboard.press("End")
    page.get_by_label("n", exact=True).first.focus()
    page.keyboard.press("End")
    assert "reply <3> 11" in page.locator(".ck-chosen").first.inner_text()
    page.wait_for_function(
        "document.querySelector('[role=img]').ariaLabel.startsWith('Best of 16 by careful')"
    )
    fits(page)
    accessible(page)


def test_the_curves_can_stand_against_kl_with_the_fit(page_of, card):
    page = page_of(card)
    assert page.locator(".ck-over-fit").count() == 0
    page.get_by_label("√KL, with the fit").check()
    page.wait_for_selector(".ck-over-fit")
    assert "Dashed: the fit d(α − βd)" in page.locator(".ck-over-curves").inner_text()


def test_without_scripts_the_picture_and_the_reply_stand_there(page_of, card):
    page = page_of(card, scripts=False)
    assert "reply <0> 15" in page.locator("blockquote").inner_text()
    assert page.locator("img").get_attribute("alt").startswith("Best of 16 by proxy")
