"""`run`: repeated runs, small runs, settings."""

import json

import pytest
import torch

from course_lib.base import CourseError
from course_lib.experiments import TIERS, run, sample_from_world
from course_lib.experiments.comparison import selector
from course_lib.methods import FineTuning
from course_lib.pools import Pool

SMALL = {"prompts": 8, "n": 2, "held_out": 8, "epochs": 1}


@pytest.mark.slow
def test_a_repeated_run_reports_the_times_of_the_first(tmp_path):
    """Nothing is sampled again, so nothing new can be known about how long sampling takes."""
    first = run(out=tmp_path, **SMALL)
    stored = json.loads((tmp_path / "result.json").read_text())
    again = run(out=tmp_path, **SMALL)
    assert again["rows"] == first["rows"] == stored["rows"]
    assert json.loads((tmp_path / "result.json").read_text())["rows"] == first["rows"]
    assert again["rows"]["base"]["milliseconds"]["mean"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["random_per_prompt", "random_overall"])
def test_a_random_treatment_is_not_its_own_control(rule):
    """Two draws: a difference of exactly nothing would mean that one was compared with itself."""
    difference = run(rule=rule, **SMALL)["differences"]["rft - random_control"]
    assert (difference["low"], difference["high"]) != (0, 0)


def test_a_rule_that_draws_draws_by_the_seed():
    pool = Pool.from_candidates(["a", "b"], [list("abcdefghijklmnop")] * 2)
    pool = pool.with_reward("proxy", torch.linspace(0, 1, 32).view(2, 16))
    for rule in ("random_per_prompt", "random_overall", "soft_best", "rso"):
        drawn = {tuple(selector(rule, None, seed)(pool).candidate_index) for seed in range(9)}
        assert len({tuple(map(int, one)) for one in drawn}) > 1, rule


def test_a_run_takes_its_data_and_sizes_by_name_only():
    with pytest.raises(TypeError, match="positional"):
        run("helpdesk", TIERS["cpu"])
    with pytest.raises(CourseError, match="unknown settings: settings"):
        run("helpdesk", settings=TIERS["cpu"])


def test_a_small_run_is_small():
    """Few prompts without a word on the held-out ones: few of them too, in proportion."""
    settings = TIERS["cpu"].changed(prompts=32, n=4)
    assert (settings.prompts, settings.held_out, settings.n) == (32, 16, 4)
    for tier in TIERS.values():
        assert tier.changed(prompts=tier.prompts) == tier, "the tier's own numbers stay"
    assert TIERS["cpu"].changed(prompts=32, held_out=64).held_out == 64
    assert TIERS["cpu"].changed(n=4).held_out == 256


def test_settings_are_changed_by_name_wherever_they_lie():
    settings = TIERS["cpu"].changed(n=3, lr=0.5, rounds=2, seed=7, rule=None, device="cpu")
    assert (settings.sampling.n, settings.training.lr, settings.loop.rounds) == (3, 0.5, 2)
    assert settings.sampling.seed == settings.training.seed == 7
    assert settings.rule is None and settings.device == "cpu"
    with pytest.raises(CourseError, match="unknown settings: temprature"):
        settings.changed(temprature=1)
    with pytest.raises(CourseError, match="sampling must be a Sampling"):
        settings.changed(sampling=FineTuning(seed=5))


def test_a_pool_does_not_say_where_the_package_lies():
    pool = sample_from_world("helpdesk", prompts=2, n=2, max_tokens=4)
    assert pool.provenance.policy == "helpdesk/policy"
