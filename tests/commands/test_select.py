"""`course select` reads the table of rules: one entry is all that a new rule needs."""

import json

import pytest

from course_lib.commands.cli import main
from course_lib.pools import RULES, Dial, Pool, Rule, Selection


@pytest.fixture
def file(tmp_path):
    rewards = [[1.0, 3.0, 2.0], [5.0, 4.0, 6.0]]
    texts = [["a", "b", "c"], ["d", "e", "f"]]
    pool = Pool.from_candidates(["p", "q"], texts, {"proxy": rewards})
    pool.sum_logprobs = -pool.lengths.float()
    pool.save(tmp_path / "p.npz")
    return tmp_path / "p.npz"


def select(file, *options):
    """The exit status of `course select` on ``file``."""
    out = str(file.with_name("s.jsonl"))
    return main(["select", str(file), "--out", out, *options])


def chosen(file):
    lines = file.with_name("s.jsonl").read_text().splitlines()
    return [json.loads(line)["completion"] for line in lines]


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_by_its_name(name, file):
    by = ["--by", "proxy"] if "reward" in RULES[name].needs else []
    assert select(file, "--rule", name, "-k", "2", *by) == 0
    kept = RULES[name](Pool.load(file), **RULES[name].from_options(k=2, seed=0))
    assert chosen(file) == kept.texts


def test_options_that_a_rule_does_not_take_are_named(file, capsys, monkeypatch):
    assert select(file, "--rule", "random_per_prompt", "--by", "proxy") == 1
    message = "the rule 'random_per_prompt' does not take --by proxy; leave it out."
    assert message in capsys.readouterr().err
    monkeypatch.setitem(RULES, "none", Rule("none", RULES["rso"].function, dials={}, needs=()))
    assert select(file, "--rule", "none", "--by", "proxy", "-k", "2") == 1
    assert "'none' does not take --by proxy or -k 2; leave it out." in capsys.readouterr().err


def test_one_entry_is_all_that_a_new_rule_needs(file, capsys, monkeypatch):
    def first_few(pool, by=None, count=1):
        """The first ``count`` candidates of each prompt, whatever their reward."""
        places = [(i, j) for i in range(pool.P) for j in range(count)]
        prompt_index, candidate_index = map(list, zip(*places, strict=True))
        return Selection(pool, prompt_index, candidate_index, rule="first_few")

    dials = {"count": Dial(1, option="k", slider="k")}
    rule = Rule("first_few", first_few, dials, sentence="the first {count} of each prompt")
    monkeypatch.setitem(RULES, "first_few", rule)
    assert select(file, "--rule", "first_few", "--by", "proxy", "-k", "2") == 0
    assert "Selection(4 of 6 candidates, from 2 of 2 prompts" in capsys.readouterr().out
    assert chosen(file) == ["a", "b", "d", "e"]
    settings, said = rule.from_sliders(Pool.load(file), "proxy", k=2)
    assert settings == {"by": "proxy", "count": 2} and said == "the first 2 of each prompt"
