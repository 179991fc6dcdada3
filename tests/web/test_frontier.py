"""The frontier in the browser: methods over fixed axes, with dials said by name."""

import pytest

from course_lib import results
from course_lib.classroom import explore


@pytest.fixture(scope="module")
def stored():
    return results.load("frontier")


def scale(page):
    """The words along the axes of both panels."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.ck-figure text')].map((e) => e.textContent)
        .filter((t) => /^−?[0-9.]+$/.test(t))"""
    )


@pytest.mark.parametrize("width, dark", [(1280, False), (390, True)])
def test_dials_are_said_and_axes_stay(page_of, fits, accessible, stored, width, dark):
    page = page_of(explore.frontier_explorer(stored, "PPO"), width=width, dark=dark)
    dial = page.get_by_label("dials")
    grid = list(stored["methods"]["PPO"]["grid"])
    assert dial.get_attribute("aria-valuetext").endswith("(chosen)")
    before = scale(page)
    dial.focus()
    page.keyboard.press("End")
    assert dial.get_attribute("aria-valuetext").startswith(grid[-1])
    told = page.locator(".ck-told")
    assert f"PPO with {grid[-1]}. At its best temperature" in told.inner_text()
    for name in ("DPO", "GRPO"):
        page.get_by_label(name, exact=True).check()
        assert f"{name} with " in told.inner_text()
        page.wait_for_function(
            "(name) => document.querySelector('[role=img]').ariaLabel.startsWith(name)", arg=name
        )
        assert scale(page) == before, "methods can only be compared on the same axes"
    fits(page)
    accessible(page)


def test_a_method_can_be_kept_in_the_picture(page_of, stored):
    page = page_of(explore.frontier_explorer(stored, "PPO"))
    keep = page.get_by_role("button", name="Keep PPO in the picture")
    keep.click()
    assert keep.get_attribute("aria-pressed") == "true"
    page.get_by_label("RFT", exact=True).check()
    page.wait_for_function(
        "[...document.querySelectorAll('svg text')].some((e) => e.textContent === 'PPO')"
    )
    page.get_by_label("the best temperature for each").check()
    page.wait_for_function(
        "document.querySelector('[role=img]').ariaLabel.includes('each at its best temperature')"
    )


def test_labels_lie_on_no_point_of_their_method(page_of, stored):
    page = page_of(explore.frontier_explorer(stored, "DPO"))
    hit = page.evaluate(
        """() => {
          const box = (e) => e.getBBox();
          const points = [...document.querySelectorAll('.ck-touch')].map(box)
            .map((b) => [b.x + b.width / 2, b.y + b.height / 2]);
          return [...document.querySelectorAll('.ck-figure text')]
            .filter((e) => e.textContent.startsWith('beta'))
            .filter((e) => points.some(([x, y]) => x > box(e).x && x < box(e).x + box(e).width &&
              y > box(e).y && y < box(e).y + box(e).height)).map((e) => e.textContent);
        }"""
    )
    assert hit == []
