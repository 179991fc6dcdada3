"""The memory planner in the browser computes what Python computes."""

import re

import pytest

from course_lib.classroom import explore
from course_lib.classroom.explore import memory as planner


def move(page, label, place):
    """Put the slider called ``label`` at a place, as a hand would: with an event."""
    page.get_by_label(label, exact=True).evaluate(
        "(e, k) => { e.value = k; e.dispatchEvent(new Event('input', { bubbles: true })); }", place
    )


def table(page):
    """{part: [GB, one a phase]} of the table of numbers; a part that is not held is 0."""
    rows = page.locator("tbody tr").all()
    texts = [re.split(r"[\t\n]+", row.inner_text().strip()) for row in rows]
    return {name: [0.0 if v == "–" else float(v) for v in values] for name, *values in texts}


@pytest.mark.parametrize("width, dark", [(1280, False), (390, True)])
def test_the_planner_follows_its_dials(page_of, fits, accessible, width, dark):
    page = page_of(explore.memory_planner(), width=width, dark=dark)
    label = "document.querySelector('[role=img]').ariaLabel"
    assert "PPO (lesson 07) needs 23.1 GB, does not fit" in page.evaluate(label)
    part = page.get_by_label("replies in a part")
    part.focus()
    page.keyboard.press("End")
    assert part.get_attribute("aria-valuetext") == "32 replies"
    page.wait_for_function(f"{label}.includes('RFT training needs 22.5 GB, does not fit')")
    page.get_by_label("80 GB").check()
    page.wait_for_function(f"{label}.includes('PPO (lesson 07) needs 33.3 GB, fits')")
    fits(page)
    accessible(page)


def test_python_and_browser_agree_at_many_settings(page_of):
    card = explore.memory_planner()
    page = page_of(card)
    page.get_by_text("The numbers").click()
    sizes, lengths = card.data["sizes"], card.data["tokens"]
    settings = [
        (0.6, 4, 200, True, False),
        (0.1, 1, 50, False, False),
        (1.7, 12, 800, True, True),
        (8.0, 32, 1600, False, True),
        (4.0, 7, 100, True, False),
    ]
    for billions, replies, tokens, half, lora in settings:
        move(page, "parameters", sizes.index(billions))
        move(page, "replies in a part", replies - 1)
        move(page, "tokens of each", lengths.index(tokens))
        page.get_by_label("half precision" if half else "float32").check()
        page.get_by_label("LoRA only" if lora else "all weights").check()
        wanted = planner.plan(billions, replies, tokens, half, lora)
        found = table(page)
        for place, parts in enumerate(wanted.values()):
            for part, size in parts.items():
                assert found[part][place] == pytest.approx(size, abs=0.006), (part, billions)
            assert found["together"][place] == pytest.approx(sum(parts.values()), abs=0.006)
