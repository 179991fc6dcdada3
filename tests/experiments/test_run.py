"""`run`: repeated runs, small runs, settings."""

import json

import pytest
import torch

from course_lib.base import CourseError
from course_lib.experiments import ROWS, TIERS, run, sample_from_world, table
from course_lib.experiments.comparison import choosing_prompts, plan_of, selector
from course_lib.experiments.measures import BEST
from course_lib.methods import FineTuning
from course_lib.pools import Pool
from course_lib.worlds import load_world

SMALL = {"prompts": 8, "n": 2, "held_out": 8, "epochs": 1, "max_tokens": 24}


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


# ---- the temperature is a dial of every method -------------------------------------------------


@pytest.fixture(scope="module")
def chosen():
    return run(**SMALL, choosing=4, temperatures=(1.0, 0.5))


def test_every_method_is_shown_at_the_temperature_that_is_best_for_it(chosen):
    assert set(chosen["rows"]) == set(ROWS)
    for name, found in chosen["temperatures"].items():
        assert set(found["gold"]) == {"1", "0.5"}
        best = max(found["gold"], key=found["gold"].get)
        assert found["best"] == float(best) == chosen["rows"][name + BEST]["temperature"]
        assert chosen["rows"][name]["temperature"] == 1.0
        if found["best"] == 1.0:
            same = ("gold", "proxy", "length")
            for what in same:
                assert chosen["rows"][name + BEST][what] == chosen["rows"][name][what]
    assert f"rft{BEST} - base{BEST}" in chosen["differences"]
    text = table(chosen)
    assert "at its best T" in text and "each at the temperature that is best for it" in text
    assert table(chosen, columns=1000) == text


def test_a_wide_table_stands_in_blocks(chosen):
    numbers = table(chosen, columns=80).split("\ndifferences")[0].split("\n")
    assert max(map(len, numbers)) <= 80
    assert sum(line.startswith("base policy  ") for line in numbers) > 1
    wide = table(chosen).split("\ndifferences")[0]
    assert set(" ".join(numbers).split()) == set(wide.split())


def test_one_temperature_leaves_the_choice_out():
    result = run(**SMALL, temperatures=(1.0,))
    assert not any(name.endswith(BEST) for name in result["rows"]) and not result["temperatures"]
    assert result["choosing"] == result["tokens_to_choose"] == 0
    assert "best T" not in table(result)


def test_temperatures_are_chosen_on_prompts_that_are_neither_shown_nor_trained_on():
    world = load_world("helpdesk")
    settings = TIERS["cpu"].changed(prompts=64, held_out=256, seed=3)
    plan = plan_of(world, None, None, settings)
    _, choosing = choosing_prompts(plan)
    assert len(choosing) == settings.choosing > 0
    trained, _ = world.prompts("train", limit=64, seed=3)
    prompts, _ = choosing_prompts(plan)
    assert not set(prompts) & set(trained)
    _, shown = world.prompts("heldout", limit=256, seed=3)
    wording = {(about["topic"], about["phrasing"]) for about in shown}
    assert not wording & {(about["topic"], about["phrasing"]) for about in choosing}


def test_where_all_prompts_are_trained_on_the_last_are_chosen_on():
    world = load_world("helpdesk")
    everything = len(world.prompts("train")[0])
    plan = plan_of(world, None, None, TIERS["cpu"].changed(prompts=everything, held_out=8))
    assert len(choosing_prompts(plan)[0]) == plan.settings.choosing


def test_the_kl_of_a_colder_row_is_measured_from_the_base_at_its_own_temperature():
    """The base served colder is another policy: its KL is not 0."""
    result = run(**SMALL, choosing=4, temperatures=(1.0, 0.1))
    rows = result["rows"]
    assert rows["base"]["kl"]["mean"] == 0
    if rows[f"base{BEST}"]["temperature"] < 1:
        assert rows[f"base{BEST}"]["kl"]["mean"] > 0.5


def test_temperatures_are_checked():
    with pytest.raises(CourseError, match="temperatures to choose among must be above 0"):
        run(temperatures=(1.0, 0.0))
    with pytest.raises(CourseError, match="choosing is the number of prompts"):
        run(choosing=0)
