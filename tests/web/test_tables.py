"""Tables of numbers, alone and beside cards."""

import pytest

from course_lib.classroom import explore, show

SPARED = "e => e.hasAttribute('data-lm-suppress-shortcuts')"  # keys that JupyterLab leaves alone


@pytest.fixture
def table():
    shown = show.table(["rule", "kept"], [["best", 4], ["random", 12]])
    return shown._repr_mimebundle_()["text/html"]


def test_a_table_that_is_reached_by_keys_keeps_them_without_a_script(page_of, table):
    page = page_of(table, width=390, scripts=False)
    page.keyboard.press("Tab")
    assert page.evaluate(f"({SPARED})(document.activeElement)")


@pytest.mark.parametrize("beside", [(), (explore.memory_planner(),)], ids=["alone", "beside"])
def test_numbers_stand_at_the_right_with_a_card_on_the_page_too(page_of, table, beside):
    page = page_of(table, *beside)
    cell = page.locator(".ck-still td", has_text="12")
    assert cell.evaluate("e => getComputedStyle(e).textAlign") in ("right", "-webkit-right")
    word = page.locator(".ck-still td", has_text="best")
    assert word.evaluate("e => getComputedStyle(e).textAlign") == "left"
