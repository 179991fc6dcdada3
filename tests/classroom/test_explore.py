import html

import pytest

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import explore
from course_lib.classroom.explore import facts_of


def test_frontier_explorer_follows_method_and_dial():
    found = results.load("frontier")
    view = explore.frontier_explorer(found, "PPO")
    c = view.controls
    grid = found["methods"]["PPO"]["grid"]
    best = found["methods"]["PPO"]["best"]
    assert list(grid.values())[c["dial"].value]["dials"] == best, "it opens at the chosen dials"
    c["dial"].value = c["dial"].max
    last = list(grid)[-1]
    assert f"PPO with {last}. At its best temperature" in c["words"].value
    assert f"gold {grid[last]['gold']['mean']:.2f}" in c["words"].value
    before = c["image"].value
    c["method"].value = "DPO"
    assert "DPO with beta = " in c["words"].value and c["image"].value != before
    c["dial"].value = 0
    first = list(found["methods"]["DPO"]["grid"])[0]
    assert f"DPO with {first}. At" in c["words"].value
    for name in found["methods"]:
        c["method"].value = name
        assert f"{name} with " in html.unescape(c["words"].value)
        assert c["dial"].max == len(found["methods"][name]["grid"]) - 1
    with pytest.raises(CourseError, match="no method 'XYZ'"):
        explore.frontier_explorer(found, "XYZ")


def test_frontier_explorer_says_what_choosing_by_the_proxy_costs():
    def numbers(gold, proxy):
        return {
            name: {"mean": v, "low": v - 0.1, "high": v + 0.1}
            for name, v in (("gold", gold), ("proxy", proxy), ("kl", 1.0))
        }

    def point(gold, proxy):
        return {**numbers(gold, proxy), "temperature": 0.3, "at_1": numbers(gold - 1, proxy)}

    grid = {"lr = 0.1": point(2.0, 1.0), "lr = 1": point(0.5, 3.0)}
    result = {"methods": {"PPO": {"grid": grid}}, "base": point(0.0, 0.0)}
    lines = facts_of(result, "PPO", "lr = 1")
    assert "Highest gold with lr = 0.1; highest proxy with lr = 1." in lines
    assert "Choosing by the proxy would cost 1.50 points of gold." in lines
    grid["lr = 1"] = point(0.5, 0.5)
    assert not any("cost" in line for line in facts_of(result, "PPO", "lr = 1"))
