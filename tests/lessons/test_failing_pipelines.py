"""Lesson 08: who does what, the desk with five patients first, and its figures."""

import re

import pytest

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import adoption, explore, plots
from course_lib.estimators import Interval
from course_lib.experiments import clinic

CORE = [1, 3, 4, 5, 8]


@pytest.fixture(scope="module")
def stored():
    return results.load("clinic")


@pytest.fixture(scope="module")
def order(stored):
    return explore.patients(stored)


# ---- who does what -----------------------------------------------------------------------------


def test_every_system_has_all_its_cells_and_one_source():
    systems = adoption.SYSTEMS
    assert len({system.name for system in systems}) == len(systems) == 19
    assert adoption.NOTES | set(adoption.SHORT) <= {system.name for system in systems}
    assert [system.year for system in systems] == sorted(system.year for system in systems)
    papers = [system.source for system in systems if system.source.startswith("arXiv")]
    assert papers == sorted(papers)  # oldest first, by the month and number of the preprint
    for system in systems:
        assert all(0 < len(cell) <= 70 for cell in system.row), system
        assert "not checked" not in " ".join(system.row)
        assert re.fullmatch(r"arXiv \d{4}\.\d{5}|huggingface\.co/\S+", system.source)
    assert len({system.source for system in systems}) == len(systems)


def test_the_tables_have_five_columns_and_lead_to_the_papers():
    short, whole = adoption.systems(), adoption.systems(every=True)
    assert len(adoption.HEAD) == 5
    assert len(repr(short).splitlines()) == 1 + 8
    assert '<a href="https://arxiv.org/abs/2307.09288">arXiv 2307.09288</a>' in short.html
    assert "STaR (2022) *" in repr(whole) and adoption.CAPTION in repr(whole)
    assert adoption.CAPTION not in repr(short)


# ---- the desk ----------------------------------------------------------------------------------


def test_five_patients_stand_first_with_their_own_faults(stored, order):
    card = explore.pipeline_clinic(stored, core=CORE)
    assert card.data["numbers"] == [*CORE, 2, 6, 7, 9, 10, 11, 12] and card.data["core"] == 5
    for number, patient, fault in zip(
        card.data["numbers"], card.data["patients"], card.data["fault"], strict=True
    ):
        known = clinic.case(order[number - 1])
        assert card.data["faults"][fault] == [known.fault, known.would]
        assert patient["tells"] == known.tells
    offered = {clinic.case(order[number - 1]).fault for number in CORE}
    assert {line[4:] for line in card.text.splitlines() if line.startswith("  - ")} == offered
    late = explore.pipeline_clinic(stored, core=CORE, first=2)
    assert late.data["start"]["patient"] == 5 and late.fallback.count("<li>") == 7


@pytest.mark.parametrize(
    "given, said",
    [
        ({"core": [1, 13]}, "different patients from 1 to 12"),
        ({"core": [1, 1]}, "different patients"),
        ({"first": 0}, "first must be a patient from 1 to 12"),
        ({"show": "repaired"}, 'must be "author" or "careful"'),
    ],
)
def test_a_patient_who_is_not_there_is_told(stored, given, said):
    with pytest.raises(CourseError, match=said):
        explore.pipeline_clinic(stored, **given)


# ---- figures -----------------------------------------------------------------------------------


def test_dashboards_show_what_each_team_reports_minus_its_start(stored, order):
    drawn = plots.dashboards(stored, order, quiet=True)
    assert [axis.get_title() for axis in drawn.axes] == [f"team {k}" for k in range(1, 13)]
    own = stored["cases"][order[6]]["broken"]["curve"]["own"]
    line = drawn.axes[6].lines[0].get_ydata()
    assert line[0] == 0 and line[-1] == pytest.approx(own[-1]["mean"] - own[0]["mean"])
    assert "team 1 +0.4" in drawn.summary


def test_patients_by_number_stand_beside_their_twins_and_the_base(stored, order):
    drawn = plots.clinic_gold(stored, order, quiet=True)
    words = [text.get_text() for text in drawn.axes[0].texts]
    assert words == ["repaired twin", "as it was", "base at T = 0"]
    greedy = drawn.axes[0].lines[-1].get_xdata()
    assert greedy[8] == stored["cases"]["leak"]["base"]["greedy"]["mean"]
    assert "patient 3 -0.6 and 1.1" in drawn.summary


def test_differences_take_intervals_and_stored_ones():
    loss = {"mean": -1.5, "low": -2.0, "high": -1.0}
    alone = plots.differences(["a", "b"], {"gold": [Interval(0.0, 0.0, 0.0, 0.95, 4), loss]}, "x")
    assert [text.get_text() for text in alone.axes[0].texts] == ["0", "−1.50"]
    assert alone.summary == "X: a 0; b −1.50. Bars: 95 %."
    both = plots.differences(["a"], {"cold": [loss], "warm": [loss]}, "x")
    assert [text.get_text() for text in both.axes[0].texts] == ["cold", "warm"]
    assert "X, cold and warm: a −1.50, −1.50" in both.summary


@pytest.mark.parametrize("sides, said", [({}, "one mark or two"), ({"a": []}, "each of 1 rows")])
def test_differences_need_a_side_with_every_row(sides, said):
    with pytest.raises(CourseError, match=said):
        plots.differences(["a"], sides, "x")


def test_the_loop_has_a_standing_row_and_its_paired_differences():
    loop = results.load("llama2_loop")
    standing = {"base, T = 0": Interval(0.4, 0.1, 0.8, 0.95, 30)}
    drawn = plots.llama2_loop(loop, standing, quiet=True)
    rows = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert rows == ["base, T = 0", "base", "round 1", "round 2", "round 3", "PPO"]
    gap = loop["gaps"]["RS, round 2, then PPO minus RS, round 3"]["gold"]["mean"]
    assert f"PPO minus round 3 {gap:+.2f}" in drawn.summary
    assert drawn.axes[1].get_yticklabels()[-1].get_text() == "PPO\nminus round 3"
