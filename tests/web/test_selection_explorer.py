"""Selection rules in the browser: what is kept, and only the dials that a rule listens to."""

import pytest

from course_lib.classroom import explore
from course_lib.pools import Pool

SCORES = [
    [2.0, 1.6, 2.4, 1.9],
    [0.3, -0.2, 0.1, 0.9],
    [-1.0, -1.4, -0.6, -2.0],
    [0.5, 1.1, 1.1, -0.4],
    [2.2, 1.0, -0.5, 1.8],
]


@pytest.fixture
def card():
    """5 prompts × 4, the gold of each is minus its proxy."""
    pool = Pool.from_candidates(
        list("ABCDE"),
        [[f"{p}{j}" for j in range(4)] for p in "ABCDE"],
        {"proxy": SCORES, "gold": [[-v for v in row] for row in SCORES]},
        info=[{"topic": f"topic {p}"} for p in "ABCDE"],
    )
    return explore.selection_explorer(pool)


def frames(page):
    """How many candidates are framed, once the picture is drawn anew."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("rect.ck-kept").count()


@pytest.mark.parametrize("width, dark", [(1280, True), (390, False)])
def test_rules_and_their_dials_by_keyboard(page_of, fits, accessible, card, width, dark):
    page = page_of(card, width=width, dark=dark)
    facts = page.locator(".ck-facts")
    assert frames(page) == 5 and "5 of 5 prompts" in facts.inner_text()
    k = page.get_by_label("k", exact=True)
    k.focus()
    page.keyboard.press("ArrowRight")
    assert k.get_attribute("aria-valuetext") == "2 of each prompt" and frames(page) == 10
    page.keyboard.press("Home")
    page.get_by_role("radio", name="best_per_prompt").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="top_k_overall").is_checked()
    assert frames(page) == 5 and "2 of 5 prompts" in facts.inner_text()
    assert "topic D, topic B, topic C" in facts.inner_text()
    assert page.locator("input[type=range]").count() == 1
    page.get_by_role("radio", name="soft_best").check()
    assert page.get_by_role("slider", name="λ").get_attribute("aria-valuetext") == "λ = 0.5"
    page.get_by_role("radio", name="threshold").check()
    assert page.get_by_label("k", exact=True).count() == 0, "a threshold has no k"
    least = page.get_by_role("slider", name="at least")
    least.focus()
    page.keyboard.press("End")
    assert least.get_attribute("aria-valuetext") == "proxy ≥ 2.21"
    assert frames(page) == 1 and "1 of 20 candidates" in facts.inner_text()
    fits(page)
    accessible(page)


def test_labels_are_whole_and_the_kept_replies_can_be_read(page_of, card):
    page = page_of(card)
    for label in page.locator("svg text").all():
        assert label.evaluate("(e) => e.getBBox().x") >= 0
    page.get_by_text("Read the replies that are kept").click()
    page.locator("details .ck-bubble").first.wait_for()
    said = page.locator("details .ck-bubble").all_inner_texts()
    assert len(said) == 5 and "A2" in said[0] and "gold −2.40" in said[0]


def test_without_scripts_two_rules_stand_beside_each_other(page_of, card):
    page = page_of(card, scripts=False)
    starts = [each.get_attribute("alt")[:13] for each in page.locator("img").all()]
    assert starts == ["best_per_prom", "top_k_overall"]
