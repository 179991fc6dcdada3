"""The table of rules: what it says of each is true."""

import inspect

import pytest

from course_lib.pools import RULES, Pool, best_per_prompt


@pytest.fixture
def pool():
    rewards = [[1.0, 3.0, 2.0], [5.0, 4.0, 6.0]]
    return Pool.from_candidates(["p", "q"], [["a", "b", "c"], ["d", "e", "f"]], {"proxy": rewards})


@pytest.mark.parametrize("name", list(RULES))
def test_an_entry_tells_the_truth_of_its_function(name):
    rule = RULES[name]
    assert rule.name == name == rule.function.__name__
    parameters = inspect.signature(rule.function).parameters
    assert ("by" in parameters) == ("reward" in rule.needs)
    assert ("key" in parameters) == ("path" in rule.needs)
    defaults = {p: v.default for p, v in parameters.items() if p not in ("pool", "by", "key")}
    assert defaults == {name: dial.default for name, dial in rule.dials.items()}
    assert (rule.control is None) == name.startswith("random")


def test_a_rule_is_called_as_its_function_is(pool):
    kept = RULES["best_per_prompt"](pool, by="proxy", k=2)
    assert kept.texts == best_per_prompt(pool, "proxy", k=2).texts == ["b", "c", "f", "d"]


def test_options_set_what_a_rule_takes():
    assert RULES["rso"].options == ("by", "k", "seed")
    assert RULES["rso"].from_options(by="r", k=3, seed=4) == {"by": "r", "k": 3, "seed": 4}
    assert RULES["threshold"].options == ("by", "k")
    assert RULES["threshold"].from_options(k=3, seed=4) == {"at_most": 3}
    assert RULES["random_overall"].from_options(by="r", seed=0) == {"seed": 0}


def test_sliders_set_what_a_rule_takes_and_are_said(pool):
    sliders = {"k": 2, "strength": 0.5, "minimum": 1.0}
    settings, said = RULES["top_k_overall"].from_sliders(pool, "proxy", **sliders)
    assert settings == {"by": "proxy", "k": 4}
    assert said == "k = 4 in the whole pool, 2 for each of 2 prompts on average"
    settings, said = RULES["regularised_best"].from_sliders(pool, "proxy", **sliders)
    assert settings == {"by": "proxy", "k": 2, "beta": 0.5, "regulariser": "similarity"}
    assert said == "k = 2 of each prompt, β = 0.5 for similarity"


def test_a_run_gives_the_worlds_path():
    class World:
        def path(self, prompt, text, info):
            return text

    world = World()
    assert RULES["distinct_paths"].for_world(world) == {"key": world.path}
    assert RULES["distinct_paths"].for_world(object()) == {}
    assert RULES["threshold"].for_world(world) == {"at_most": 4}
