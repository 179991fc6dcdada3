"""The memory planner in the browser computes what Python computes."""

import re

import pytest

from course_lib.classroom import explore
from course_lib.classroom.explore import memory as planner
from course_lib.classroom.explore.memory import RANK
from course_lib.estimators import Savings


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
    assert "RFT training needs 15.4 GB, too tight" in page.evaluate(label)
    assert "PPO (lesson 07) needs 25.0 GB, does not fit" in page.evaluate(label)
    # every part is named below its bar, none in a legend
    names = page.locator("svg .ck-part-name").all_text_contents()
    assert {"weights", "gradients", "moments", "half copy", "activations", "logits"} <= set(names)
    assert page.locator(".ck-legend").count() == 0
    page.get_by_label("computed again").check()
    page.wait_for_function(f"{label}.includes('RFT training needs 12.5 GB, fits')")
    page.get_by_label("on the card").check()
    page.wait_for_function(f"{label}.includes('RFT training needs 13.7 GB, fits')")
    part = page.get_by_label("replies in a part")
    part.focus()
    page.keyboard.press("End")
    assert part.get_attribute("aria-valuetext") == "32 replies"
    page.wait_for_function(f"{label}.includes('RFT training needs 25.8 GB, does not fit')")
    page.get_by_label("80 GB").check()
    page.wait_for_function(f"{label}.includes('PPO (lesson 07) needs 36.6 GB, fits')")
    fits(page)
    accessible(page)


def test_python_and_browser_agree_at_many_settings(page_of):
    card = explore.memory_planner()
    page = page_of(card)
    page.get_by_text("The numbers").click()
    sizes, lengths = card.data["sizes"], card.data["tokens"]
    settings = [
        (0.6, 4, 200, Savings()),
        (0.1, 1, 50, Savings(resting=False)),
        (1.7, 12, 800, Savings(RANK, recompute=True)),
        (8.0, 32, 1600, Savings(RANK, resting=False)),
        (4.0, 7, 100, Savings(recompute=True)),
    ]
    for billions, replies, tokens, savings in settings:
        move(page, "parameters", sizes.index(billions))
        move(page, "replies in a part", replies - 1)
        move(page, "tokens of each", lengths.index(tokens))
        page.get_by_label("LoRA only" if savings.lora else "all weights").check()
        page.get_by_label("computed again" if savings.recompute else "kept").check()
        page.get_by_label("in main memory" if savings.resting else "on the card").check()
        wanted = planner.plan(billions, replies, tokens, savings)
        found = table(page)
        for place, parts in enumerate(wanted.values()):
            for part, size in parts.items():
                assert found[part][place] == pytest.approx(size, abs=0.006), (part, billions)
            assert found["together"][place] == pytest.approx(sum(parts.values()), abs=0.006)
