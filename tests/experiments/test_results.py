"""What a run keeps: one result for one run, accounts with their stages, the right control."""

import json

import pytest
import torch

from course_lib.base import CourseError, read_json
from course_lib.experiments import Out, run
from course_lib.experiments.comparison import plan_of, train_both
from course_lib.experiments.results import differences, lasting
from course_lib.experiments.run import settings_of
from course_lib.methods import Stages
from course_lib.pools import RULES, Pool, overall_control, top_k_overall
from course_lib.worlds import load_world

SMALL = {"prompts": 8, "n": 2, "held_out": 8, "epochs": 1, "max_tokens": 24, "choosing": 8}


@pytest.mark.slow
def test_a_repeated_run_gives_the_same_result_to_the_last_second(tmp_path):
    first = run(out=tmp_path, **SMALL)
    stored = (tmp_path / "result.json").read_bytes()
    assert run(out=tmp_path, **SMALL) == json.loads(stored) == json.loads(json.dumps(first))
    assert (tmp_path / "result.json").read_bytes() == stored


@pytest.mark.slow
def test_where_something_else_came_out_the_new_result_is_kept(tmp_path):
    """As where a library is newer: what differs is not a matter of time alone."""
    run(out=tmp_path, **SMALL)
    file = tmp_path / "result.json"
    old = read_json(file)
    old["versions"]["torch"] = "1.0"
    file.write_text(json.dumps(old), encoding="utf-8")
    again = run(out=tmp_path, **SMALL)
    assert again["versions"] != old["versions"] and read_json(file) == again
    file.write_text("{", encoding="utf-8")
    assert lasting(run(out=tmp_path, **SMALL)) == lasting(again)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_another_one_is_refused(tmp_path):
    run(out=tmp_path, **SMALL)
    (tmp_path / "result.json").unlink()  # as if it had been killed before its end
    with pytest.raises(CourseError, match="other settings .n 2, now 3."):
        run(out=tmp_path, **{**SMALL, "n": 3})
    rows = run(out=tmp_path, **SMALL)["rows"]
    assert read_json(tmp_path / "result.json")["rows"] == rows
    other = run(out=Out(tmp_path, force=True), **{**SMALL, "n": 3})
    assert other["n"] == 3 == read_json(tmp_path / "result.json")["n"]


@pytest.mark.slow
def test_a_run_that_failed_before_it_began_is_in_nobodys_way(tmp_path):
    with pytest.raises(CourseError, match="no reward model"):
        run(out=tmp_path, reward="nosuch", **SMALL)
    assert run(out=tmp_path, **SMALL)["reward"] == "helpdesk/reward-8000"


def test_what_differs_is_named_and_not_all_of_it():
    before = {"world": "a", "sampling": {"n": 4, "top_k": 0}, "training": {"lr": 1e-3}}
    now = {"world": "a", "sampling": {"n": 8, "top_k": 0}, "training": {"lr": 1e-3}, "rule": "x"}
    assert differences(before, now) == "n 4, now 8; rule None, now x"
    many = {name: name for name in "abcdefg"}
    assert differences({}, many).endswith("d None, now d; and 3 more")


def test_a_note_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    (tmp_path / "stages").mkdir()
    with pytest.raises(CourseError, match="cannot be read"):
        run(out=tmp_path, **SMALL)


@pytest.mark.slow
def test_what_is_about_to_be_done_is_said_and_where_the_tokens_went():
    said = []
    result = run(out=Out(say=said.append), **SMALL)
    assert said[0].startswith("8 × 2 replies to train on, 8 × 16 for the comparison")
    assert "learning rate 0.001" in said[0] and "chat prompts" in said[0]
    assert 0 < result["tokens_to_compare"] < result["tokens_sampled"]


@pytest.mark.slow
def test_accounts_of_treatment_and_control_stand_side_by_side(tmp_path):
    """Both have a stage "round2-samples"; none may stand in the other's place."""
    world = load_world("helpdesk")
    settings = settings_of(world, "cpu", {**SMALL, "rounds": 2})
    stages = Stages(tmp_path)
    train_both(plan_of(world, None, None, settings), stages)
    names = [place.rpartition("-")[0] for place in stages.accounts]
    assert names.count("round2-samples") == names.count("round1-policy") == 2
    assert names.count("round1-samples") == 1, "the first pool is shared"
    assert len(stages.accounts) == len(list((tmp_path / "stages").iterdir()))
    last = [place for place in stages.accounts if place.startswith("round2-samples")][-1]
    assert stages.account("round2-samples") == stages.accounts[last]


# ---- the control ---------------------------------------------------------------------------------


@pytest.fixture
def pool():
    rewards = torch.arange(32.0).view(8, 4)  # later prompts have all the high rewards
    texts = [list("abcd") for _ in range(8)]
    return Pool.from_candidates([str(i) for i in range(8)], texts, {"proxy": rewards.tolist()})


def test_the_control_is_the_rules_own(pool):
    kept = top_k_overall(pool, k=8)
    control = RULES["top_k_overall"].control_of(kept, 3)
    expected = overall_control(kept, 3)
    assert control.prompt_index.tolist() == expected.prompt_index.tolist()
    assert control.per_prompt.tolist() != kept.per_prompt.tolist()
    best = RULES["best_per_prompt"](pool, k=2)
    assert RULES["best_per_prompt"].control_of(best, 3).per_prompt.tolist() == [2] * 8


@pytest.mark.parametrize("name", ["random_per_prompt", "random_overall"])
def test_the_control_of_a_random_rule_is_another_draw(name, pool):
    drawn = RULES[name](pool, seed=3)
    control = RULES[name].control_of(drawn, 3)
    assert control.candidate_index.tolist() != drawn.candidate_index.tolist()
    assert control.per_prompt.tolist() == drawn.per_prompt.tolist()


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_run_trains_the_rules_own_control(rounds, monkeypatch):
    """Where it is ``matched_control`` for every rule, top-k overall is compared with the wrong
    one.
    """
    seen = []
    rule = RULES["top_k_overall"]

    def watched(selection, seed):
        control = overall_control(selection, seed)
        seen.append(control.rule)
        return control

    monkeypatch.setitem(RULES, "top_k_overall", type(rule)(**{**vars(rule), "control": watched}))
    world = load_world("helpdesk")
    settings = settings_of(world, "cpu", {**SMALL, "rounds": rounds, "rule": "top_k_overall"})
    train_both(plan_of(world, None, None, settings), None)
    assert seen == ["random_overall"] * rounds
