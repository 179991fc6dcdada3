"""Lesson 06: distinct paths at equally many right replies, figures, findings, benchmarks, quiz."""

import copy
import json
import math
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from course_lib import assets, load_policy, results
from course_lib.base import CourseError
from course_lib.classroom import plots, quiz
from course_lib.classroom.plots import crossing
from course_lib.experiments.findings import known, measure
from course_lib.experiments.findings.verifiable import distinct_among, share_true, votes_right
from course_lib.pools import SYSTEMS, load_model_solutions
from course_lib.worlds import load_world

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import gsm8k_solutions  # noqa: E402
import passk  # noqa: E402


@pytest.mark.parametrize("counts", [[3, 1], [1, 1, 1, 1], [6], [4, 2, 1], [2, 2, 2, 5]])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_distinct_paths_among_m_replies_are_the_average_over_all_subsets(counts, m):
    replies = [path for path, count in enumerate(counts) for _ in range(count)]
    assert distinct_among(counts, m) == pytest.approx(
        np.mean([len(set(c)) for c in combinations(replies, m)])
    )


def test_too_few_right_replies_have_no_value():
    assert math.isnan(distinct_among([2, 1], 4)) and math.isnan(distinct_among([], 1))
    with pytest.raises(CourseError, match="at least 1"):
        distinct_among([2], 0)


def test_crossing_names_the_first_k_where_the_first_curve_stays_above():
    ks = [1, 2, 4, 8]
    assert crossing(ks, [0.2, 0.4, 0.6, 0.8], [0.3, 0.45, 0.55, 0.7]) == 4
    assert crossing(ks, [0.2, 0.5, 0.5, 0.8], [0.3, 0.4, 0.6, 0.7]) == 8, (
        "ahead, behind again, ahead for good"
    )
    assert crossing(ks, [0.3, 0.4, 0.6, 0.8], [0.2, 0.3, 0.5, 0.7]) is None
    assert crossing(ks, [0.1] * 4, [0.2] * 4) is None


def test_pass_at_k_is_drawn_in_per_cent():
    rng = np.random.default_rng(0)
    curves = {
        "start": np.array([0.2, 0.5, 0.9]) + 0.01 * rng.standard_normal((30, 3)),
        "trained": np.array([0.4, 0.5, 0.7]) + 0.01 * rng.standard_normal((30, 3)),
    }
    fig = plots.pass_at_k([1, 4, 16], curves, quiet=True)
    assert "trained goes from 40 % at k = 1 to 70 % at k = 16, below start from k = " in fig.summary
    assert fig.axes[0].get_xscale() == "log"
    assert max(fig.axes[0].get_lines()[0].get_ydata()) == pytest.approx(90, abs=1)
    assert len(fig.axes[0].collections) == 2, "a band for each curve"
    one = plots.pass_at_k([1, 4, 16], curves, quiet=True, ylabel="right (%)", bands=["start"])
    assert len(one.axes[0].collections) == 1
    assert "Band of start" in one.summary
    assert one.axes[0].get_ylabel() == "right (%)"
    with pytest.raises(CourseError, match="names no curve"):
        plots.pass_at_k([1, 4, 16], curves, bands=["strat"])
    with pytest.raises(CourseError, match="at least one curve"):
        plots.pass_at_k([1], {})


def test_copies_lie_between_right_replies_and_their_paths():
    right, distinct = np.tile([0.5, 1.0, 2.0], (20, 1)), np.tile([0.5, 0.8, 1.2], (20, 1))
    fig = plots.paths_against_k([1, 2, 4], right, distinct, quiet=True)
    assert "at k = 4 there are 2.0 right replies with 1.2 distinct paths" in fig.summary
    assert fig.axes[0].get_yscale() == fig.axes[0].get_xscale() == "linear"
    assert "copies" in [text.get_text() for text in fig.axes[0].texts]
    with pytest.raises(CourseError, match=r"shape \(problems, 2\)"):
        plots.paths_against_k([1, 2], right, distinct)


def test_a_difference_of_pass_at_k_is_in_points_one_panel_a_method():
    gains = [{"mean": m, "low": m - 0.01, "high": m + 0.01} for m in (0.05, 0.0, -0.05)]
    fig = plots.pass_gain([1, 4, 16], {"RAFT": gains, "GRPO": gains}, quiet=True)
    assert "RAFT +5 at k = 1 and -5 at k = 16" in fig.summary and len(fig.axes) == 2
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
    with pytest.raises(CourseError, match="each with 2 intervals"):
        plots.pass_gain([1, 4], {"RAFT": gains})


def test_warm_and_cold_curves_of_a_policy_share_its_colour():
    points = [{"mean": 0.2}, {"mean": 0.6}]
    fig = plots.breadth([1, 8], {"start": points}, {"start": points[::-1]}, quiet=True)
    warm, cold = fig.axes[0].get_lines()
    assert warm.get_color() == cold.get_color()
    assert warm.get_linestyle() != cold.get_linestyle()
    assert "start, T = 1 goes from 20 % to 60 %; start, cold goes from 60 % to 20 %" in fig.summary
    for wrong in ({"other": points}, {"start": points[:1]}):
        with pytest.raises(CourseError, match="the same policies warm and cold"):
            plots.breadth([1, 8], {"start": points}, wrong)


def test_answers_of_one_problem_are_counted_and_the_right_one_is_named():
    counts = {"28": 9, "7": 5, "3": 4, "44": 2, "1": 1, "2": 1}
    fig = plots.answer_counts(counts, right="44", usual="28", most=2, quiet=True)
    heights = [bar.get_height() for bar in fig.axes[0].patches]
    assert heights == [9, 5, 2, 6], "the right answer has a bar of its own; three others share one"
    assert "44 is right, 28 is the usual mistake" in fig.summary and "3 others 6" in fig.summary
    unseen = plots.answer_counts({"1": 2}, right="9", quiet=True)
    assert [bar.get_height() for bar in unseen.axes[0].patches] == [2]
    with pytest.raises(CourseError, match="at least one answer"):
        plots.answer_counts({}, right="1")


def test_shares_of_a_whole():
    rows = {"ours": (0.2, 0.8, 0.0), "other": (0, 0, 1)}
    fig = plots.shares(rows, ("right", "wrong", "unreadable"), "% of replies", quiet=True)
    assert "ours: right 20 %, wrong 80 %, unreadable 0 %" in fig.summary
    widths = [bar.get_width() for bar in fig.axes[0].patches]
    assert widths == pytest.approx([20, 0, 80, 0, 0, 100])
    written = [text.get_text() for text in fig.axes[0].texts]
    assert written == ["20 %", "80 %", "100 %"], "no number where it has no room"
    with pytest.raises(CourseError, match="add up to 1; look at ours"):
        plots.shares({"ours": (0.5, 0.6)}, ("a", "b"), "%", colours=(0, 1))
    with pytest.raises(CourseError, match="a colour for each"):
        plots.shares({"ours": (0.5, 0.5)}, ("a", "b"), "%")


# ---- findings ----------------------------------------------------------------------------------


@pytest.fixture
def rows():
    return {one.number: one for one in known("06")}


def test_the_findings_say_what_was_measured(rows):
    found = {number: measure(one) for number, one in rows.items()}
    assert list(found) == [f"6.{place}" for place in range(1, 8)]
    assert found["6.1"].holds and found["6.1"].low > 0.25 and "self-certainty" in found["6.1"].note
    assert found["6.2"].holds and found["6.2"].high < 0.1
    assert found["6.3"].holds and found["6.3"].low > 0.15
    for number in STORED:
        assert found[number].seeds == 3 and "seeds" in found[number].population
    # the lesson says of these that they do not hold, and why
    assert not any(found[number].holds for number in ("6.4", "6.6", "6.7"))
    assert found["6.5"].holds and found["6.5"].low > 0.2, (
        "breadth is lost by the dial, not by training"
    )


def at(mean, half=0.01):
    """A stored interval around ``mean``."""
    return {"mean": mean, "low": mean - half, "high": mean + half}


SHOWN = {
    "6.4": {("differences", "heldout, pass@16: distinct - same problems"): at(0.05)},
    "6.5": {
        ("cold_start_minus_start", "0.2", "pass@32"): at(-0.3),
        ("minus_start", "GRPO", "pass@32"): at(-0.02),
        ("minus_cold_start", "0.2", "GRPO", "pass@32"): at(0.28),
        ("minus_start_at_best", "GRPO", "pass@1"): at(0.2),
        ("minus_start_at_best", "RFT", "pass@1"): at(0.2),
    },
    "6.6": {
        ("differences", "REINFORCE without all-wrong groups - REINFORCE", "pass@1"): at(0.1),
        ("differences", "GRPO - REINFORCE without all-wrong groups", "pass@1"): at(0.02),
    },
    "6.3": {
        ("differences", "heldout at best T, pass@1: distinct - start"): at(0.3),
        ("differences", "heldout at best T, pass@1: control - start"): at(-0.02),
        ("differences", "heldout, pass@16: distinct - start"): at(0.02),
    },
    "6.7": {("differences", "GRPO on decidable problems - GRPO", "pass@1"): at(0.05)},
}
STORED = {
    "6.3": "verifiable",
    "6.4": "verifiable",
    "6.5": "passk",
    "6.6": "passk",
    "6.7": "passk",
}


def measured_with(monkeypatch, one, changes):
    """The finding, were its stored numbers these."""
    changed = copy.deepcopy(results.load(STORED[one.number]))
    for path, value in changes.items():
        inner = changed
        for key in path:
            inner = inner[key]
        inner.update(value)
    with monkeypatch.context() as patched:
        patched.setattr(results, "load", lambda _: changed)
        return measure(one)


@pytest.mark.parametrize("number", SHOWN)
def test_a_finding_holds_when_its_numbers_show_it(rows, monkeypatch, number):
    assert measured_with(monkeypatch, rows[number], SHOWN[number]).holds


@pytest.mark.parametrize(
    ("number", "path", "value"),
    [
        ("6.4", ("differences", "heldout, pass@16: distinct - same problems"), at(0.005)),
        # the cold start loses no breadth
        ("6.5", ("cold_start_minus_start", "0.2", "pass@32"), at(0.0)),
        # one of the trained policies is not ahead of the start, each at its best temperature
        ("6.5", ("minus_start_at_best", "GRPO", "pass@1"), at(0.005)),
        ("6.5", ("minus_start_at_best", "RFT", "pass@1"), at(0.005)),
        # GRPO loses as much breadth as the cold start
        ("6.5", ("minus_cold_start", "0.2", "GRPO", "pass@32"), at(0.0)),
        (
            "6.6",
            ("differences", "REINFORCE without all-wrong groups - REINFORCE", "pass@1"),
            at(0.005),
        ),
        # most of the advantage is something else
        ("6.6", ("differences", "GRPO - REINFORCE without all-wrong groups", "pass@1"), at(0.2)),
        ("6.3", ("differences", "heldout at best T, pass@1: distinct - start"), at(0.1)),
        # unverified replies do as much
        ("6.3", ("differences", "heldout at best T, pass@1: control - start"), at(0.3)),
        ("6.3", ("differences", "heldout, pass@16: distinct - start"), at(-0.1)),
        ("6.7", ("differences", "GRPO on decidable problems - GRPO", "pass@1"), at(0.005)),
    ],
)
def test_a_finding_fails_when_its_numbers_do_not_show_it(rows, monkeypatch, number, path, value):
    assert not measured_with(monkeypatch, rows[number], {**SHOWN[number], path: value}).holds


def test_a_majority_and_a_weighted_one_by_hand():
    verdicts = [
        [{"answer": a, "status": "correct" if a == "7" else "wrong"} for a in row]
        for row in (["9", "7", "9"], ["7", "7", "9"], [None, None, "7"], [None, None, None])
    ]
    assert votes_right(verdicts).tolist() == [0, 1, 1, 0]
    heavy = [[0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.5, 0.5, 0.0], [1, 1, 1]]
    assert votes_right(verdicts, heavy).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("First << 3 * 4 = 12 >>. #### 12", 1.0),
        ("First << 3 * 4 = 12 >>, then << 12 + 1 = 14 >>. #### 14", 0.5),
        ("#### 12", 0.0),
        ("<< 3 * four = 12 >>. #### 12", 0.0),
    ],
)
def test_the_share_of_true_steps(text, share):
    assert share_true(text) == share


# ---- benchmarks --------------------------------------------------------------------------------


@pytest.mark.slow
def test_breadth_counts_paths_of_right_replies_only():
    world = load_world("arithmetic")
    prompts, info = world.prompts("train", limit=12, seed=0)
    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    found = passk.breadth(policy, world, prompts, info, 4)
    right = found["right"]
    assert found["ks"] == [1, 2, 4]
    assert [sum(counts) for counts in found["paths"]] == right
    assert found["pass"][0] == pytest.approx([r / 4 for r in right])
    assert found["pass"][2] == [float(r > 0) for r in right]
    for counts, different in zip(found["paths"], found["texts"], strict=True):
        assert len(counts) <= different <= 4
    assert min(found["entropy"]) > 0


def test_problems_without_a_value_leave_every_row():
    kept = passk.settled_in_all([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    assert kept.tolist() == [[1.0, 3.0], [4.0, 6.0]]


def test_counts_of_released_solutions(tmp_path):
    replies = {
        "right": "<< 2+2=4 >>\nA: 4",
        "lucky": "<< 2+3=4 >>\nA: 4",
        "wrong": "<< 2+3=5 >>\nA: 5",
        "none": "two and two",
    }
    rows = [
        ["right", "lucky", "wrong", "right"],
        ["none", "right", "wrong", "right"],
        ["wrong", "right", "right", "lucky"],
    ]
    with open(tmp_path / "model_solutions.jsonl", "w") as file:
        for row in rows:
            answers = {
                s: {"solution": replies[r], "is_correct": r in ("right", "lucky")}
                for s, r in zip(SYSTEMS, row, strict=True)
            }
            file.write(json.dumps({"question": "2 + 2?", "ground_truth": "A: 4", **answers}) + "\n")
    found = gsm8k_solutions.counted(load_model_solutions(tmp_path / "model_solutions.jsonl"))
    first = found["systems"]["6b_finetuning"]
    assert (first["correct"], first["wrong"], first["unreadable"]) == (1, 1, 1)
    assert found["labels_agree"] == found["labels"] == 12
    assert found["differences"]["6b_verification - 6b_finetuning"]["mean"] == pytest.approx(2 / 3)
    assert found["false_steps"]["right_with_equations"] == 8
    assert found["false_steps"]["right_with_a_false_equation"] == 2


def texts(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def test_stored_counts_hold_no_text_of_the_data():
    stored = results.load("gsm8k_solutions")
    assert stored["of"] == 1319
    assert stored["problems"] in (660, 1319)
    assert max(map(len, texts(stored))) < 60


def test_stored_breadth_is_complete():
    stored = results.load("passk")
    assert (results.FOLDER / "passk.json").stat().st_size < 300_000
    assert len(stored["seeds"]) >= 3
    assert stored["command"] == "python benchmarks/passk.py"
    assert {"start", "start at 0.2", "RFT", "RAFT", "GRPO"} <= set(stored["curves"])
    for name, rows in stored["curves"].items():
        assert np.array(rows).shape == (len(stored["ks"]), stored["size"]["held_out"]), name
        assert np.all(np.diff(np.array(rows).mean(1)) > 0), "pass@k rises with k"


# ---- quiz --------------------------------------------------------------------------------------


def test_the_right_option_is_not_the_longest():
    items = quiz.items("06")
    assert {i["kind"] for i in items} == {"single", "order", "case"}
    for item in items:
        if item["kind"] == "single":
            right = next(option["text"] for option in item["options"] if option["right"])
            assert len(right) < max(len(option["text"]) for option in item["options"])
