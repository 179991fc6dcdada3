"""Best-of-n while a slider moves, with keys alone."""

import pytest

from course_lib.classroom import explore
from course_lib.pools import Pool


@pytest.fixture
def pool():
    gold = [[float(j) for j in range(16)], [float(-j) for j in range(16)]]
    texts = [[f"reply <{i}> {j}" for j in range(16)] for i in range(2)]
    proxy = [[-v for v in row] for row in gold]
    return Pool.from_candidates(["first & only", "second"], texts, {"gold": gold, "proxy": proxy})


@pytest.mark.parametrize("width", [1280, 390])
def test_the_chosen_reply_follows_the_slider(page_of, fits, accessible, pool, width):
    page = page_of(explore.best_of_n_slider(pool, by="gold", n=1), width=width)
    n = page.get_by_label("n", exact=True)
    assert n.get_attribute("aria-valuetext") == "1 candidate"
    assert "reply <0> 0" in page.locator(".ck-chosen").inner_text()
    n.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert n.get_attribute("aria-valuetext") == "8 candidates"
    assert "reply <0> 7" in page.locator(".ck-chosen").inner_text()
    page.get_by_label("gold", exact=True).focus()
    page.keyboard.press("ArrowRight")
    chosen = page.locator(".ck-chosen").inner_text()
    assert "reply <0> 0" in chosen and "7 have a higher gold" in chosen
    page.get_by_label("prompt", exact=True).focus()
    page.keyboard.press("End")
    assert "reply <1> 7" in page.locator(".ck-chosen").inner_text()
    page.wait_for_function("document.querySelector('[role=img]').ariaLabel.includes('Best of 8')")
    fits(page)
    accessible(page)


def test_nothing_moves_when_a_longer_reply_is_chosen(page_of, pool):
    long = " ".join(["a long reply that needs several lines on a phone"] * 4)
    pool.texts[0][7] = long
    page = page_of(explore.best_of_n_slider(pool, by="gold", n=1), width=390)
    n = page.get_by_label("n", exact=True)
    n.focus()
    tops = set()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        tops.add(page.locator(".ck-figure").bounding_box()["y"])
    assert len(tops) == 1


def test_every_dot_stays_inside_at_any_n(page_of):
    gold = [[1.0] * 250 + [float(j) for j in range(6)], [0.0] * 250 + [0.5 * j for j in range(6)]]
    many = Pool.from_candidates(["p", "q"], [["r"] * 256] * 2, {"gold": gold})
    page = page_of(explore.best_of_n_slider(many, n=256), width=390)
    highest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('circle')].map(c => c.cy.baseVal.value"
        " - c.r.baseVal.value))"
    )
    label = page.evaluate("document.querySelector('.ck-label').y.baseVal[0].value")
    assert highest > label


def test_without_scripts_a_picture_and_the_text_stand_there(page_of, pool):
    page = page_of(explore.best_of_n_slider(pool, by="gold", n=4), scripts=False)
    assert "reply <0> 3" in page.locator("blockquote").inner_text()
    assert page.locator("img").get_attribute("alt").startswith("Best of 4 by gold")
