"""Temperature and n in the browser."""

import numpy as np
import pytest

from course_lib.classroom import explore
from course_lib.pools import Pool


@pytest.fixture
def card():
    """At 0.1 every reply is the same text; at 0.7 the best of 4 is better; at 1.3 all is bad."""
    rng = np.random.default_rng(0)
    ask = [f"question {i}" for i in range(40)]
    pools = {}
    for heat, spread, mean in ((0.1, 0.01, 1.0), (0.7, 1.0, 0.7), (1.3, 1.0, -3.0)):
        gold = mean + spread * rng.normal(size=(40, 8))
        texts = [[f"at {heat}: {j if heat > 0.5 else 0}" for j in range(8)] for _ in ask]
        pools[heat] = Pool.from_candidates(ask, texts, {"gold": gold, "proxy": -gold})
    return explore.temperature_explorer(pools, rewards=["gold", "proxy"], n=8, temperature=0.7)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_replies_and_the_best_temperature_follow(page_of, fits, accessible, card, width, dark):
    page = page_of(card, width=width, dark=dark)
    assert page.get_by_text("8 different texts among 8.").is_visible()
    assert page.get_by_text("For n = 8 the best temperature of these is 0.7, clearly.").is_visible()
    assert page.locator(".ck-bubble").count() == 4 and page.get_by_text("and 4 more").is_visible()
    heat = page.get_by_label("temperature", exact=True)
    heat.focus()
    page.keyboard.press("ArrowLeft")
    assert heat.get_attribute("aria-valuetext") == "0.1"
    assert page.get_by_text("All 8 replies are the same text.").is_visible()
    assert "said 8 times" in page.locator(".ck-chosen").inner_text()
    page.get_by_label("n", exact=True).focus()
    page.keyboard.press("Home")
    assert page.get_by_text("For n = 1 the best temperature of these is 0.1").is_visible()
    page.get_by_label("proxy").focus()
    page.keyboard.press("Space")
    assert "chosen by proxy" in page.locator(".ck-chosen").inner_text()
    page.get_by_label("prompt", exact=True).focus()
    page.keyboard.press("End")
    assert page.get_by_text("question 7").is_visible()
    page.wait_for_function(
        "document.querySelector('[role=img]').ariaLabel.startsWith('T = 0.1, n = 1: gold')"
    )
    fits(page)
    accessible(page)


def test_without_scripts_a_picture_and_a_table_stand_there(page_of, card):
    page = page_of(card, scripts=False)
    assert "n = 1 is highest" in page.locator("img").get_attribute("alt")
    assert page.locator("tbody tr").count() == 4
