"""Data and stand-ins of the explorers about curves and pipelines; tests/web moves their dials."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import explore, plots
from course_lib.classroom.explore import facts_of
from course_lib.classroom.explore import memory as planner
from course_lib.classroom.plots.figure import COLOURS
from course_lib.classroom.plots.memory import in_lanes, parts_of
from course_lib.classroom.web import packed
from course_lib.estimators import (
    Savings,
    best_of_n_curve,
    kl_best_of_n_bound,
    overoptimisation_fit,
    phases,
)
from course_lib.experiments import clinic
from course_lib.pools import Pool

# ---- over-optimisation -------------------------------------------------------------------------


@pytest.fixture
def turning():
    """4 prompts × 16: gold rises with the proxy up to candidate 14, and the last is bad."""
    proxy = [[float(j) for j in range(16)]] * 4
    gold = [[j / 4 + i if j < 15 else -3.0 for j in range(16)] for i in range(4)]
    return Pool.from_candidates(
        [f"prompt <{i}>" for i in range(4)],
        [[f"reply <{i}> {j}" for j in range(16)] for i in range(4)],
        {"gold": gold, "proxy": proxy, "careful": [[-abs(j - 11.0) for j in range(16)]] * 4},
    )


def test_curves_and_fit_are_those_of_the_estimators(turning):
    data = explore.overoptimisation_explorer(turning, ["proxy", "careful"]).data
    assert data["sizes"] == [1, 2, 3, 4, 6, 8, 12, 16]
    proxy, gold = turning.reward("proxy"), turning.reward("gold")
    value = best_of_n_curve(proxy, gold, data["sizes"]).mean(0)
    assert np.allclose([point["mean"] for point in data["curves"][0]["gold"]], value)
    assert all(
        point["low"] <= point["mean"] <= point["high"] for point in data["curves"][0]["rise"]
    )
    fit = overoptimisation_fit(np.sqrt(kl_best_of_n_bound(data["sizes"])), value - value[0])
    assert data["curves"][0]["fit"] == [fit.alpha, fit.beta, fit.peak_d]


def test_the_reply_chosen_from_the_first_n_is_known_for_every_n(turning):
    data = explore.overoptimisation_explorer(turning, ["proxy", "careful"]).data
    for name, chosen in zip(data["names"], data["chosen"], strict=True):
        for i, changes in enumerate(chosen):
            for k, n in enumerate(data["sizes"]):
                _, j, place, score, gold = [c for c in changes if c[0] <= k][-1]
                best = int(turning.reward(name)[i, :n].argmax())
                assert j == best and data["texts"][i][place] == turning.texts[i][best]
                assert score == turning.reward(name)[i, best]
                assert gold == pytest.approx(float(turning.reward("gold")[i, best]), abs=0.01)


def test_over_optimisation_has_a_stand_in_and_refuses_gold_as_selector(turning):
    card = explore.overoptimisation_explorer(turning, ["proxy"])
    assert 'alt="Best of 16 by proxy' in card.fallback
    assert "reply <0> 15" in card.text and "reply &lt;0&gt; 15" in card.fallback
    assert "gold is highest at n = 2." in card.text
    with pytest.raises(CourseError, match="'gold' does both"):
        explore.overoptimisation_explorer(turning, ["gold"])
    with pytest.raises(CourseError, match="no reward 'other'"):
        explore.overoptimisation_explorer(turning, ["other"])
    with pytest.raises(CourseError, match="at least 4 candidates"):
        explore.overoptimisation_explorer(turning.first(3), ["proxy"])


# ---- frontier ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared():
    return results.load("frontier")


def test_frontier_explorer_has_every_method_with_its_dials_and_facts(compared):
    card = explore.frontier_explorer(compared, "PPO")
    data = card.data
    assert [m["name"] for m in data["methods"]] == list(compared["methods"])
    assert data["methods"][data["start"]]["name"] == "PPO"
    for method in data["methods"]:
        grid = compared["methods"][method["name"]]["grid"]
        assert [point["dials"] for point in method["points"]] == list(grid)
        chosen = method["points"][method["chosen"]]["dials"]
        assert grid[chosen]["dials"] == compared["methods"][method["name"]]["best"]
        assert method["points"][0]["facts"] == facts_of(compared, method["name"], list(grid)[0])
    assert "PPO with lr = 0.0001. At its best temperature" in card.text
    assert "<img alt=" in card.fallback
    assert len(packed(data)) < 20_000
    with pytest.raises(CourseError, match="no method 'XYZ'"):
        explore.frontier_explorer(compared, "XYZ")


def test_methods_keep_the_colours_of_the_figure(compared):
    (axis,) = plots.frontier(compared, quiet=True).axes[:1]
    drawn = {to_hex(tick.get_color()) for tick in axis.get_yticklabels()}
    methods = explore.frontier_explorer(compared).data["methods"]
    assert {COLOURS[m["colour"]].lower() for m in methods} == drawn


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


# ---- memory ------------------------------------------------------------------------------------


def test_a_plan_is_that_of_the_estimators():
    assert planner.plan(0.6, 8, 100) == phases(0.6e9, 8, 100)
    lora = Savings(lora=planner.RANK)
    assert planner.plan(1, 4, savings=lora) == phases(1e9, 4, savings=lora)


@pytest.mark.parametrize("recompute", [True, False])
@pytest.mark.parametrize("lora", [0, planner.RANK])
def test_the_browser_gets_coefficients_that_add_up_to_the_plan(lora, recompute):
    savings = Savings(lora, recompute, resting=False)
    wanted = planner.plan(1.7, 6, 400, savings)
    for phase, *parts in planner.coefficients(1.7, savings):
        for part, fixed, reply, token in parts:
            found = (fixed + 6 * (reply + 400 * token)) / 1e9
            assert found == pytest.approx(wanted[phase][part], abs=1e-3)


def test_the_memory_planner_says_what_fits_and_takes_other_sizes():
    card = explore.memory_planner()
    assert "sampling: fits" in repr(card)
    assert "RFT training: too tight" in repr(card)
    assert "PPO (lesson 07): does not fit" in repr(card)
    assert '<img alt="Memory for 0.6 billion' in card.fallback
    other = explore.memory_planner(2.5, replies=32, limit=40).data
    assert 2.5 in other["sizes"] and other["cards"][-1] == ("40 GB", 40)
    assert other["start"]["replies"] == 31
    assert len(other["plans"]) == len(other["sizes"])
    for wrong in ({"billions": 0}, {"replies": 33}, {"limit": 0}):
        with pytest.raises(CourseError):
            explore.memory_planner(**wrong)


def test_names_below_a_bar_never_hang_through_one_another():
    row = {"weights": 2.4, "gradients": 2.4, "Adam's moments": 4.8, "half-precision copy": 1.2}
    parts = parts_of({**row, "activations": 3.4, "none": 0.0, "logits": 1.5})
    assert [name for name, *_ in parts] == [*row, "activations", "logits"]
    for most in (16, 26, 80):
        lanes = in_lanes(parts, most, 5.3)
        texts = [text for lane in lanes for text, *_ in lane]
        assert sorted(texts)[0] == "activations 3.4" and len(texts) == 6
        wide = {text: 0.062 * len(text) * most / 5.3 for text in texts}
        for k, lane in enumerate(lanes):
            spans = [(at, at + wide[text]) for text, at, _ in lane]
            assert all(0 <= low < high <= most * 1.001 for low, high in spans)
            # what hangs lower, and what stands to the right on the same line
            lines = [begin for below in lanes[k + 1 :] for _, at, begin in below if at == begin]
            assert not any(low < x < high for low, high in spans for x in lines)
            assert all(b[1] <= a[0] for a, b in pairwise(spans))


# ---- clinic ------------------------------------------------------------------------------------


def test_the_desk_has_every_patient_and_every_fault():
    stored = results.load("clinic")
    card = explore.pipeline_clinic(stored, first=3)
    order = explore.patients(stored)
    assert len(card.data["patients"]) == len(card.data["faults"]) == len(order) == 12
    for name, patient, fault in zip(order, card.data["patients"], card.data["fault"], strict=True):
        case = stored["cases"][name]
        assert card.data["faults"][fault] == [clinic.case(name).fault, clinic.case(name).would]
        assert patient["curves"]["gold"][1][-1][0] == case["healthy"]["curve"]["gold"][-1]["mean"]
        assert [who for who, _ in patient["measured"]] == [
            "base policy",
            "random control",
            "this pipeline",
            "repaired",
        ]
        assert [len(rows) for rows in patient["replies"]] == [len(patient["prompts"])] * 3
    assert card.data["start"] == {"patient": 2, "look": 0}
    assert len(packed(card.data)) < 30_000
    assert "Patient 3" in card.text and "<img alt=" in card.fallback
