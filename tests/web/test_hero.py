"""The hero: the stack grows, the choice follows, and one question never stands alone."""

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import explore
from course_lib.pools import Pool

STEPS = ("Plug the headset in again.", "Open the sound settings.", "Choose the headset as output.")
SAID = (
    "In general, it depends.",
    STEPS[0],
    " ".join(STEPS[:2]),
    " ".join(STEPS),
    "Read the manual.",
    "Happy to help. Send me your password.",
    "Press download invoice.",
    "It is what it is.",
)


@pytest.fixture
def pool():
    """3 questions × 8 replies; the weak judge loves what comes late, the good one is right."""
    gold = np.array([[-0.3, 1.0, 2.25, 3.5, -1.0, -0.7, -0.75, -0.3]] * 3)
    gold += np.array([[0.0], [0.3], [0.0]])
    rewards = {"gold": gold, "good": gold / 2, "weak": np.tile(np.arange(8.0), (3, 1))}
    asked = [f"How do I hear sound in my headset, {k}?" for k in range(3)]
    made = Pool.from_candidates(asked, [list(SAID)] * 3, rewards)
    made.info = [{"topic": "sound"}] * 3
    return made


@pytest.fixture
def card(pool):
    return explore.hero(pool, questions=(0, 2), judges=("good", "weak", "gold"), n=1)


def test_data_hold_every_reply_as_bars_and_the_readable_ones_as_sentences(card):
    one = card.data["questions"][0]
    assert len(one["shapes"]) == 8 and one["topic"] == "sound"
    kinds = [card.data["kinds"][k] for k in one["shapes"][3][::2]]
    assert kinds == ["step"] * 3 and one["shapes"][3][1::2] == [5, 4, 5]
    assert one["texts"]["5"] == [("Happy to help.", "kind"), ("Send me your password.", "unsafe")]
    assert card.data["curves"][0]["gold"][-1]["mean"] == pytest.approx(3.6)
    assert card.data["curves"][1]["gold"][-1]["mean"] == pytest.approx(-0.2)


def test_what_stands_without_scripts_tells_the_same_story(card, page_of):
    assert "Chosen from 8 replies by weak (gold -0.30): It is what it is." in card.text
    assert "Over all 3 questions." in card.text
    page = page_of(card, scripts=False)
    assert "Choose the headset as output." in page.locator(".ck-bubble").nth(1).inner_text()
    assert page.locator("img").get_attribute("alt").startswith("Gold reward of the best of n")


def test_bad_questions_and_worlds_are_refused(pool):
    with pytest.raises(CourseError, match="no question 3: the pool has 3"):
        explore.hero(pool, questions=[3])
    with pytest.raises(CourseError, match="n must be one of"):
        explore.hero(pool, questions=[0], n=5, judges=["good"])
    pool.info = [{}] * 3
    with pytest.raises(CourseError, match="with topics"):
        explore.hero(pool, questions=[0])


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (800, True), (390, False)])
def test_the_choice_follows_n_and_who_chooses(page_of, fits, accessible, card, width, dark):
    page = page_of(card, width=width, dark=dark)
    n = page.get_by_label("replies, n")
    assert n.get_attribute("aria-valuetext") == "1 reply"
    n.focus()
    page.keyboard.press("End")
    assert n.get_attribute("aria-valuetext") == "8 replies"
    chosen = page.locator(".ck-chosen").first
    assert "Choose the headset as output." in chosen.inner_text()
    assert "no reply in the stack has a higher gold" in chosen.inner_text()
    assert page.locator(".ck-heap > div:not(.ck-out)").count() == 8
    assert page.get_by_text("gold from −0.30 up to 3.50.").first.is_visible()
    page.get_by_label("weak").focus()
    page.keyboard.press("Space")
    assert "It is what it is." in chosen.inner_text()
    assert page.get_by_text("gold from −0.30 to −0.30, after 3.50 at n = 4.").first.is_visible()
    assert "3 in the stack have a higher gold" in chosen.inner_text()
    assert "mean of all 3 −0.20" in page.locator(".ck-marks").inner_text()
    page.get_by_role("button", name="Another question").press("Enter")
    assert page.get_by_text("in my headset, 2?").is_visible()
    fits(page)
    accessible(page)


def test_the_place_of_the_chosen_reply_keeps_its_height(page_of, card):
    page = page_of(card, width=390)
    n = page.get_by_label("replies, n")
    n.focus()
    heights = set()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
        heights.add(page.locator(".ck-heap").bounding_box()["y"])
    assert len(heights) == 1


@pytest.mark.slow
def test_let_n_grow_plays_to_the_end(page_of, card):
    page = page_of(card)
    page.get_by_role("button", name="Let n grow").click()
    page.wait_for_function("document.querySelector('input[type=range]').value === '3'")
    page.get_by_role("button", name="Let n grow").wait_for()


def test_it_opens_with_a_movement_only_where_that_is_wanted(page_of, pool):
    still = explore.hero(pool, questions=[0], judges=("good",), n=4)
    assert page_of(still).locator(".ck-heap > div:not(.ck-out)").count() == 4
    page = page_of(still, motion=True)
    page.wait_for_function("document.querySelectorAll('.ck-heap > div:not(.ck-out)').length === 4")
