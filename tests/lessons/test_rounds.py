"""Lesson 05, rounds of fine-tuning: its figures, explorer, findings and benchmark."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from course_lib import assets, load_policy, load_reward_model, results
from course_lib.base import CourseError
from course_lib.classroom import explore, plots
from course_lib.classroom.explore import DIALS
from course_lib.classroom.explore import select as select_by
from course_lib.estimators import Interval
from course_lib.experiments import findings
from course_lib.experiments.findings import rounds as of_rounds
from course_lib.pools import Pool, best_per_prompt, top_k_overall

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import rounds as benchmark  # noqa: E402

PAPER = [
    [2.0, 1.6, 2.4, 1.9],
    [0.3, -0.2, 0.1, 0.9],
    [-1.0, -1.4, -0.6, -2.0],
    [0.5, 1.1, 1.1, -0.4],
    [2.2, 1.0, -0.5, 1.8],
]


@pytest.fixture
def pool():
    """The lesson's 5 × 4 matrix as proxy; gold is its negative."""
    texts = [[f"{p}{j}" for j in range(4)] for p in "ABCDE"]
    return Pool.from_candidates(
        list("ABCDE"),
        texts,
        {"proxy": PAPER, "gold": [[-v for v in row] for row in PAPER]},
        info=[{"topic": p.lower()} for p in "ABCDE"],
    )


@pytest.fixture(scope="module")
def stored():
    return results.load("rounds")


# ---- figures -----------------------------------------------------------------------------------


def frames(figure):
    """How many cells of the grid are framed."""
    return len(figure.axes[0].patches)


def test_the_grid_frames_what_is_kept_and_says_what_it_is_worth(pool):
    kept = top_k_overall(pool, by="proxy", k=5)
    figure = plots.selection_grid(kept, "proxy", quiet=True)
    assert frames(figure) == 5
    assert (
        frames(plots.selection_grid(best_per_prompt(pool, by="proxy", k=2), "proxy", quiet=True))
        == 10
    )
    assert "keeps 5 of 20 candidates, from 2 of 5 prompts" in figure.summary
    assert "mean proxy 2.06" in figure.summary
    assert "mean gold -2.06" in figure.summary
    bars = [bar.get_width() for bar in figure.axes[1].patches]
    assert sorted(bars) == [0, 0, 0, 2, 3]
    assert bars[:2] == [3, 2], "the easiest prompt stands at the top"
    assert Image.open(io.BytesIO(figure.png())).text["Description"] == figure.summary


def test_a_grid_too_large_to_read_is_refused():
    with pytest.raises(CourseError, match="too large to read"):
        large = Pool.from_candidates(["p"] * 30, [["t"] * 16] * 30, {"proxy": [[0.0] * 16] * 30})
        plots.selection_grid(best_per_prompt(large), "proxy", gold="proxy", quiet=True)


def told(figure):
    """All that is written in a figure."""
    return {text.get_text().replace("\n", " ") for text in figure.findobj(Text)}


def test_rounds_show_gold_of_three_arms_and_the_score_of_the_one_that_is_hacked(stored):
    figure = plots.round_by_round(stored, quiet=True)
    names = {"score by the frozen reward model", "gold, frozen, last round only"}
    assert names | {"gold, all rounds pooled", "gold, reward model refreshed"} <= told(figure)
    hacked = stored["arms"]["last round only"]
    gold = [stored["base"]["gold"]["mean"], *(row["gold"]["mean"] for row in hacked)]
    drawn = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert drawn["gold, frozen, last round only"] == gold
    assert drawn["score by the frozen reward model"][-1] == hacked[-1]["proxy"]["mean"]
    assert f"last round only {gold[0]:.2f}, {gold[1]:.2f}" in figure.summary


def test_two_marks_a_row_are_named_once_and_numbered():
    rows = [Interval(0.1, 0.0, 0.2, 0.95, 9), Interval(0.4, 0.3, 0.5, 0.95, 9)]
    marks = {"warm": rows, "cold": rows[::-1]}
    figure = plots.dumbbells(["base", "tuned"], marks, "gold (points)", quiet=True)
    assert {"warm", "cold", "base", "tuned", "0.10", "0.40"} <= told(figure)
    assert "base 0.10 (warm), 0.40 (cold); tuned 0.40 (warm), 0.10 (cold)" in figure.summary
    shares = plots.dumbbells(["base", "tuned"], marks, "share", spec=".0%", quiet=True)
    assert "40%" in told(shares)
    with pytest.raises(CourseError, match="each row has two marks"):
        plots.dumbbells(["base", "tuned"], {"warm": rows}, "gold", quiet=True)
    with pytest.raises(CourseError, match="for each of 3 rows"):
        plots.dumbbells(["a", "b", "c"], marks, "gold", quiet=True)


def test_one_reply_stands_across_the_curve_whose_highest_is_marked():
    means = [0.1, 0.5, 0.9, 0.7]
    best = [Interval(mean, mean - 0.1, mean + 0.1, 0.95, 9) for mean in means]
    one = {"one tuned reply": Interval(0.6, 0.5, 0.7, 0.95, 9)}
    figure = plots.one_against_best_of_n([1, 2, 4, 8], best, one, quiet=True)
    assert {"highest at n = 4", "one tuned reply", "best of n of the base"} <= told(figure)
    drawn = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert drawn["one tuned reply"] == [0.6, 0.6] and drawn["best of n of the base"] == means
    assert "to 0.90 at n = 4; one tuned reply has 0.60" in figure.summary
    with pytest.raises(CourseError, match="got 4"):
        plots.one_against_best_of_n([1, 2], best, one, quiet=True)


# ---- explorer ----------------------------------------------------------------------------------


def kept_by(card, rule, **dials):
    """(sentence, kept positions) of one setting, as the browser finds it."""
    data = card.data
    found = next(each for each in data["rules"] if each["name"] == rule)
    place = 0
    for dial, _ in found["dials"]:
        values = data["dials"][dial]
        place = place * len(values) + values.index(dials[dial])
    sentence, rows = found["kept"][place]
    N = len(data["scores"][0])
    bits = [f"{int(row, 16):0{N}b}" for row in rows.split()]
    return sentence, {(i, j) for i, row in enumerate(bits) for j in range(N) if row[j] == "1"}


def test_explorer_holds_what_every_rule_keeps_at_every_setting(pool):
    card = explore.selection_explorer(pool)
    sentence, kept = kept_by(card, "top_k_overall", k=1)
    assert {i for i, _ in kept} == {0, 4} and "k = 5 in the whole pool" in sentence
    assert len(kept_by(card, "top_k_overall", k=4)[1]) == 20
    highest = max(card.data["dials"]["minimum"])
    assert {i for i, _ in kept_by(card, "threshold", minimum=highest)[1]} == {0}
    for rule, k, strength in (("soft_best", 2, 0.5), ("rso", 3, 5.0), ("regularised_best", 1, 0.1)):
        selection, _ = select_by(pool, rule, "proxy", k=k, strength=strength)
        mask = selection.mask.tolist()
        wanted = {(i, j) for i in range(5) for j in range(4) if mask[i][j]}
        assert kept_by(card, rule, k=k, strength=strength)[1] == wanted, rule
    symbols = {rule["name"]: rule["dials"] for rule in card.data["rules"]}
    assert symbols["soft_best"] == [["k", "k"], ["strength", "λ"]]
    assert symbols["rso"] == [["k", "k"], ["strength", "β"]]
    assert symbols["threshold"] == [["minimum", "minimum"]]


def test_soft_rules_near_zero_are_the_plain_best(pool):
    for rule in ("soft_best", "regularised_best", "rso"):
        kept, said = select_by(pool, rule, "proxy", k=1, strength=1e-6)
        assert kept.texts == best_per_prompt(pool, by="proxy").texts and "1e-06" in said, rule


def test_explorer_starts_at_every_rule_and_refuses_the_selector_as_judge(pool):
    for rule in DIALS:
        assert rule in explore.selection_explorer(pool, rule=rule).text
    with pytest.raises(CourseError, match="must not be the one that judges"):
        explore.selection_explorer(pool, by="gold")
    with pytest.raises(CourseError, match="no rule 'luck'"):
        explore.selection_explorer(pool, rule="luck")


def test_explorer_has_a_stand_in_with_a_second_rule(pool):
    plain = explore.selection_explorer(pool)
    assert set(plain._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert 'alt="best_per_prompt keeps 5 of 20' in plain.fallback
    assert 'alt="top_k_overall keeps 5 of 20' in plain.fallback
    assert "Rows without any: b, c, d" in plain.text, "a second rule stands beside the first"
    assert (
        "best_per_prompt keeps 5 of 20"
        in explore.selection_explorer(pool, rule="top_k_overall").text
    )


# ---- findings ----------------------------------------------------------------------------------


def test_findings_hold_and_name_their_interval():
    rows = {row.finding: row for row in findings.show("05").rows}
    assert list(rows) == [f"5.{place}" for place in range(1, 7)]
    assert all(row.holds and row.low <= row.estimate <= row.high for row in rows.values())
    assert rows["5.1"].low > 0 and rows["5.5"].high < 0 and rows["5.6"].low > 0
    assert rows["5.2"].low > 1 and rows["5.3"].high < 0 < rows["5.4"].low


def test_findings_5_1_and_5_5_fail_on_results_that_do_not_show_them(stored, monkeypatch):
    flat = {"mean": 0.0, "low": -0.1, "high": 0.1, "level": 0.95, "n": 768}
    lucky = {
        **stored,
        "one_round": {
            **stored["one_round"],
            "by_seed": [*stored["one_round"]["by_seed"][:-1], flat],
        },
    }
    monkeypatch.setattr(of_rounds.results, "load", lambda name: lucky)
    assert not of_rounds.beats_its_control()[1], "one seed without an effect is enough to doubt it"
    useless = {
        **stored,
        "last_round": {
            **stored["last_round"],
            "all rounds pooled minus last round only": {"gold": flat},
        },
    }
    monkeypatch.setattr(of_rounds.results, "load", lambda name: useless)
    assert not of_rounds.frozen_is_hacked()[1], "pooling must help"


def without(stored, path, value):
    """A copy of a stored result with another value at a path of keys."""
    key, *rest = path
    copy = list(stored) if isinstance(stored, list) else dict(stored)
    copy[key] = without(stored[key], rest, value) if rest else value
    return copy


@pytest.mark.parametrize(
    ("finding", "name", "path"),
    [
        (of_rounds.beats_the_dial, "frontier", ("methods", "RFT", "over_base")),
        (of_rounds.distils, "distilled", ("minus_best_of_n",)),
        (of_rounds.distils, "distilled", ("rows", 1, "gold")),
        (of_rounds.distils, "distilled", ("rows", 4, "fall")),
        (of_rounds.colder_passes, "frontier", ("rft_minus", "best-of-N")),
        (of_rounds.colder_passes, "distilled", ("minus_best_of_n_at_best",)),
    ],
)
def test_findings_5_2_to_5_4_fail_on_results_that_do_not_show_them(
    monkeypatch, finding, name, path
):
    load = results.load
    assert finding()[1]
    shows_nothing = {"mean": 9.0, "low": -9.0, "high": 27.0, "level": 0.95, "n": 3}
    if path[-1] == "over_base":  # less than a point
        shows_nothing |= {"mean": 0.3, "low": 0.1, "high": 0.5}
    elif path == ("minus_best_of_n",):  # best-of-n passed
        shows_nothing |= {"mean": 0.3, "low": 0.1, "high": 0.5}
    changed = without(load(name), path, shows_nothing)
    monkeypatch.setattr(
        of_rounds.results, "load", lambda other: changed if other == name else load(other)
    )
    assert not finding()[1]


def test_finding_5_2_fails_where_the_control_gains_as_well(stored, monkeypatch):
    load = results.load
    path = ("one_round", "at best temperatures", "control minus base")
    gained = without(stored, path, {"mean": 2.0, "low": 1.8, "high": 2.2, "level": 0.95, "n": 3})
    monkeypatch.setattr(
        of_rounds.results, "load", lambda name: gained if name == "rounds" else load(name)
    )
    assert not of_rounds.beats_the_dial()[1], "then the choosing would not be what brings it"


def test_easiness_is_measured_on_candidates_that_were_not_chosen_from(monkeypatch):
    rng = np.random.default_rng(0)
    level = rng.normal(size=40)
    noise = rng.normal(size=(40, 64))

    def pool_of(rewards):
        return Pool.from_candidates(["p"] * 40, [["t"] * 64] * 40, {"r": rewards.tolist()})

    # all prompts alike · some easy
    for rewards, prefers in ((noise, False), (noise + 2 * level[:, None], True)):
        monkeypatch.setattr(of_rounds, "stored", lambda rewards=rewards: pool_of(rewards))
        found = of_rounds.kept_easiness("r", "r")
        assert (found.low > 0.5) == prefers and (prefers or abs(found.mean) < 0.2)


def test_a_constant_added_to_all_rewards_changes_no_easiness(monkeypatch):
    rewards = np.random.default_rng(1).normal(size=(30, 48)) + np.random.default_rng(2).normal(
        size=(30, 1)
    )
    found = []
    for constant in (0.0, 100.0):
        shifted = Pool.from_candidates(
            ["p"] * 30, [["t"] * 48] * 30, {"r": (rewards + constant).tolist()}
        )
        monkeypatch.setattr(of_rounds, "stored", lambda shifted=shifted: shifted)
        found.append([of_rounds.kept_easiness("r", "r"), of_rounds.kept_easiness("r", "r", n=8)])
    for before, after in zip(*found, strict=True):
        assert (before.mean, before.low, before.high) == pytest.approx(
            (after.mean, after.low, after.high), abs=1e-3
        )


def test_finding_10_fails_where_only_levels_are_high(monkeypatch):
    spread = np.random.default_rng(0).normal(size=(40, 64))
    even = Pool.from_candidates(
        ["p"] * 40,
        [["t"] * 64] * 40,
        {name: spread.tolist() for name in ("reward-2000", "gold")},
        info=[{"topic": str(i)} for i in range(40)],
    )
    monkeypatch.setattr(of_rounds, "stored", lambda: even)
    assert not of_rounds.leaves_prompts_out()[1], (
        "prompts that are all alike are left out no more often than by chance"
    )


# ---- benchmark ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_treatment_and_control_keep_as_many(tmp_path, monkeypatch):
    # the job sets it; this puts it back
    monkeypatch.setattr("course_lib.base.progress.quiet", True)
    size = {
        **benchmark.QUICK,
        "prompts": 6,
        "n": 3,
        "rounds": 1,
        "show": 8,
        "served": 2,
        "many": 2,
        "many_prompts": 4,
        "epochs": 1,
    }
    told = {}
    for arm in ("last round only", "random control", "top k overall"):
        file = benchmark.job((arm, 0, size, str(tmp_path / f"{arm}.json")))
        told[arm] = json.loads(Path(file).read_text())
    rows = {arm: found["rounds"][0] for arm, found in told.items()}
    assert [row["kept"] for row in rows.values()] == [6, 6, 6]
    assert rows["last round only"]["prompts_kept"] == rows["random control"]["prompts_kept"] == 6
    assert rows["top k overall"]["prompts_kept"] <= 6
    for row in rows.values():
        assert all(len(row[m]) == 8 for m in benchmark.MEASURES) and row["own"] == row["proxy"]
        assert 0 < len(row["replies"]) <= benchmark.TOLD
        assert len({r["topic"] for r in row["replies"]}) == len(row["replies"])
        assert len(row["at_best"]["gold"]) == 8


def test_judging_the_base_finds_no_distance_and_adds_up():
    from course_lib.worlds import load_world

    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(benchmark.REWARD), device="cpu")
    size = {**benchmark.QUICK, "show": 6, "served": 2}
    row = benchmark.judge(
        base, reward, base, reward, load_world("helpdesk"), size, seed=0, many=False
    )
    assert max(map(abs, row["kl"])) < 1e-3 and "many" not in row
    assert sum(row["parts"].values()) == pytest.approx(np.mean(row["gold"]), abs=1e-3), (
        "the parts are the gold reward"
    )


def test_topic_groups_split_topics_not_prompts():
    base = [{"proxy": [0.0, 0.1, 5.0, 5.1, 9.0, 9.1]}]
    groups = benchmark.topic_groups(base, ["a", "a", "b", "b", "c", "c"])
    assert groups == {"hard": [0, 1], "middle": [2, 3], "easy": [4, 5]}


def test_the_stored_rounds_are_complete(stored):
    assert stored["reward"] == benchmark.REWARD
    assert stored["size"] == benchmark.FULL
    assert len(stored["seeds"]) == 3
    for arm, (_, _, count) in benchmark.ARMS.items():
        assert len(stored["arms"][arm]) == (count or stored["size"]["rounds"])
        assert len(stored["arms"][arm][0]["gold"]) and len(stored["arms"][arm][0]["by_seed"]) == 3
        assert all(len(stored["arms"][arm][r]["best_temperatures"]) == 3 for r in (0, -1))
    for arm, replies in stored["replies"].items():
        if arm not in ("prompts", "base"):
            assert len(replies) == 4
            assert all(len(row) == len(stored["replies"]["prompts"]) for row in replies)
    assert len(stored["replies"]["base"]) == len(stored["replies"]["prompts"])
