"""Numbers that mean nothing are said to mean nothing; what a report shows, and what it cannot."""

import json
import warnings

import pytest
import torch

from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.experiments import pool_report, report_text, run
from course_lib.experiments.defaults import LR_LARGE, LR_LORA, LR_SMALL, SMALL, default_lr
from course_lib.experiments.measures import repaid_after, signalless
from course_lib.experiments.tables import few_prompts, no_signal, table
from course_lib.methods import grpo
from course_lib.models import tiny_policy
from course_lib.pools import Pool, check_minimum, is_verdict
from course_lib.pools.rules import RULES


@pytest.fixture(scope="module")
def result():
    """A small run: one row of numbers, to be changed."""
    return run(prompts=8, n=2, held_out=8, epochs=1, max_tokens=24, choosing=8)


def changed(result, gain, low, high):
    """The result with another difference between the fine-tuned policy and the base.

    Each at its best temperature.
    """
    name = "rft_best_temperature - base_best_temperature"
    difference = {**result["differences"][name], "mean": gain, "low": low, "high": high}
    return {**result, "differences": {**result["differences"], name: difference}}


@pytest.mark.slow
def test_below_the_base_nothing_is_repaid(result):
    text = table(changed(result, -0.5, -0.8, -0.2))
    assert "does not repay itself: the fine-tuned policy's gold reward is below the base" in text
    assert "queries" not in text and "-0.50 [-0.80, -0.20]" in text
    text = table(changed(result, -0.1, -0.4, 0.2))
    assert "does not repay itself" in text and "no higher than the base policy's" in text


@pytest.mark.slow
def test_a_gain_that_may_be_none_is_said_to_be_so(result):
    costs = {"break_even_queries": 50.0, "equal_quality_n": None}
    text = table({**changed(result, 0.3, -0.1, 0.7), **costs})
    assert "after 50 queries" in text and "no gain over the base that we can detect" in text
    assert "we can detect" not in table({**changed(result, 0.3, 0.1, 0.7), **costs})


def test_repaid_after_without_a_gain():
    costs = {
        "serving_flops": {"best_of_n": 16.0, "rft": 1.0},
        "equal_quality_n": 1.0,
        "rival": 4.0,
    }
    for gain in (0.0, -1.0):
        after = repaid_after(1000.0, costs, gain)
        assert after["break_even_queries"] is None and after["break_even_at_equal_quality"] is None
    assert repaid_after(1000.0, costs, 0.1)["break_even_queries"] == pytest.approx(1000 / 15)


@pytest.mark.slow
def test_few_prompts_and_prompts_without_signal_are_flagged(result):
    assert few_prompts(8) == [] and "over 7 prompts means little" in few_prompts(7)[0]
    assert no_signal(None) == no_signal(0.0) == []
    assert no_signal(0.25, "prompts") == [
        "25.0% of prompts have no signal: all their replies have the same reward."
    ]
    assert no_signal(1.0)[0].startswith("caution: 100.0% of prompts")
    text = table({**result, "held_out": 4, "no_signal": 0.75})
    assert "over 4 prompts means little" in text and "75.0% of training prompts" in text
    assert "caution" not in table({**result, "no_signal": 0.0})


@pytest.mark.slow
def test_a_run_knows_how_many_prompts_had_no_signal():
    """The gold reward of prompts whose replies are all refusals, say."""
    result = run("arithmetic", prompts=48, n=1, held_out=8, epochs=1, temperatures=(1.0,))
    assert result["no_signal"] is None, "one reply a prompt: nothing to choose from"
    result = run("arithmetic", prompts=24, n=4, held_out=8, epochs=1, temperatures=(1.0,))
    assert 0 < result["no_signal"] < 1
    assert "of training prompts have no signal" in table(result)


def test_signalless_counts_prompts_with_a_choice():
    rewards = [[1.0, 1.0, 1.0], [0.0, 1.0], [2.0], [0.5, 0.5]]
    pool = Pool.from_candidates(list("abcd"), [["x"] * len(r) for r in rewards], {"r": rewards})
    assert signalless([pool], "r") == pytest.approx(2 / 3)
    assert signalless([pool.prompts_at([2])], "r") is None


# ---- reports -------------------------------------------------------------------------------------


def of(rewards, texts=None):
    texts = texts or [[f"reply {j} here" for j in range(len(row))] for row in rewards]
    return Pool.from_candidates([f"p{i}" for i in range(len(rewards))], texts, {"r": rewards})


def test_a_report_has_lengths_and_pass_at_k():
    pool = of([[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]] * 4)
    report = pool_report(pool)
    assert report["length"]["unit"] == "words" or report["length"]["mean"] == 3
    rates = report["pass_at"]["r"]
    assert list(rates) == ["1", "2", "4"]
    assert rates["1"]["mean"] == pytest.approx(5 / 12) and rates["4"]["mean"] == pytest.approx(
        2 / 3
    )
    text = report_text(pool, report)
    assert "pass@k, at least one right of k by r:" in text and "length in" in text
    assert "66.7% of prompts, by r, have no signal" in text


def test_a_report_of_a_graded_reward_has_no_pass_at_k():
    pool = of([[0.5, 2.0]] * 8)
    report = pool_report(pool)
    assert report["pass_at"] == {} and "pass@k" not in report_text(pool, report)
    with pytest.raises(CourseError, match="this pool has none"):
        pool_report(pool, ks=[1])


def test_pass_at_more_than_there_are_is_refused():
    pool = of([[1, 0, 1, 0]] * 8)
    with pytest.raises(CourseError, match="pass@5 needs 5 candidates of each prompt.* has 4"):
        pool_report(pool, ks=[1, 5])
    assert list(pool_report(pool, ks=[3, 1])["pass_at"]["r"]) == ["1", "3"]


def test_what_is_not_known_is_not_reported_as_zero(tmp_path, capsys):
    file = tmp_path / "r.jsonl"
    rows = [
        {"prompt": f"p{i}", "responses": ["one two", "three"], "rewards": [1, 0]} for i in range(9)
    ]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["report", str(file)]) == 0
    text = capsys.readouterr().out
    assert "is not known" in text and "0.0%" not in text.split("length")[0]
    assert "length in words: mean 1.5" in text
    for row in rows:
        row["finish_reason"] = ["stop", "length"]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["report", str(file)]) == 0
    assert "50.0% of replies cut at the token limit" in capsys.readouterr().out


def test_few_prompts_are_flagged_in_a_report():
    pool = of([[1.0, 2.5]] * 5)
    assert "over 5 prompts means little" in report_text(pool, pool_report(pool))


# ---- a least reward, a learning rate, groups that teach nothing ----------------------------------


@pytest.mark.slow
def test_a_least_reward_must_be_given_where_one_means_nothing(capsys):
    words = ["run", "--prompts", "8", "-n", "4", "--held-out", "8", "--epochs", "1", "--quiet"]
    words += ["--max-tokens", "24"]
    assert main([*words, "--rule", "threshold"]) == 1
    assert "--minimum" in capsys.readouterr().err
    assert main([*words, "--rule", "threshold", "--minimum", "-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["minimum"] == -1
    assert main([*words, "--minimum", "2"]) == 1
    assert "'best_per_prompt' does not take --minimum 2.0" in capsys.readouterr().err
    assert main([*words, "--rule", "threshold", "--minimum", "nan"]) == 1
    assert "a finite number" in capsys.readouterr().err


def test_verdicts_need_no_least_reward():
    check_minimum(RULES["threshold"], None, verdicts=True)
    check_minimum(RULES["best_per_prompt"], None, verdicts=False)
    assert is_verdict(of([[1, 0]])) and not is_verdict(of([[1, 0.5]]))


def test_select_takes_a_least_reward_and_warns_where_it_must_guess(tmp_path, capsys):
    of([[0.5, 2.5], [1.5, 3.5]]).save(tmp_path / "p.npz")
    words = ["select", str(tmp_path / "p.npz"), "--rule", "threshold", "--out"]
    assert main([*words, str(tmp_path / "a.jsonl")]) == 0
    said = capsys.readouterr()
    assert "Say the least reward with --minimum" in said.err and "Selection(3 of 4" in said.out
    assert main([*words, str(tmp_path / "b.jsonl"), "--minimum", "2"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and "Selection(2 of 4" in said.out


class Sized:
    """A model of so many parameters, without holding them."""

    def __init__(self, count):
        self.count = count

    def parameters(self):
        yield torch.empty(self.count, device="meta")


def test_the_learning_rate_follows_from_the_model():
    assert default_lr(Sized(641_024))[0] == LR_SMALL == 1e-3
    assert default_lr(Sized(SMALL))[0] == LR_SMALL
    assert default_lr(Sized(600_000_000)) == (
        LR_LARGE,
        "the default for a model of 600 million parameters",
    )
    lora = Sized(600_000_000)
    lora.peft_config = {}
    assert default_lr(lora)[0] == LR_LORA and 1e-4 <= LR_LORA <= 2e-4


def test_a_chosen_learning_rate_is_said(tmp_path, capsys, monkeypatch):
    rows = [{"prompt": f"p{i}", "completion": "Have a nice day."} for i in range(4)]
    (tmp_path / "s.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = ["finetune", str(tmp_path / "s.jsonl"), "--epochs", "1", "--quiet", "--out"]
    assert main([*words, str(tmp_path / "a")]) == 0
    assert "lr 0.001 (the default for a small model" in capsys.readouterr().out
    assert main([*words, str(tmp_path / "b"), "--lr", "0.01"]) == 0
    assert "lr 0" not in capsys.readouterr().out
    monkeypatch.setattr("course_lib.experiments.defaults.SMALL", 1000)
    assert main([*words, str(tmp_path / "c")]) == 0
    assert "lr 1e-05 (the default for a model of 1 million" in capsys.readouterr().out


@pytest.mark.slow
def test_a_runs_learning_rate_follows_from_a_named_policy(monkeypatch):
    small = {"prompts": 6, "n": 2, "held_out": 4, "epochs": 1, "max_tokens": 8, "choosing": 4}
    monkeypatch.setattr("course_lib.experiments.defaults.SMALL", 1000)
    assert run(policy="helpdesk/policy", **small)["lr"] == 1e-5
    assert run(policy="helpdesk/policy", lr=2e-3, **small)["lr"] == 2e-3
    assert run(**small)["lr"] == 1e-3, "the tier's own policy has the tier's own rate"


@pytest.fixture(scope="module")
def tiny():
    return tiny_policy(["Hi there.", "How are you?"] * 3, "qwen3", width=32, vocabulary=300, seed=1)


STEPS = {"steps": 2, "prompts_per_step": 2, "n": 2, "max_tokens": 3}


def test_groups_without_signal_are_logged_and_warned_of(tiny):
    with pytest.warns(UserWarning, match="100% of the groups had no signal"):
        student = grpo(tiny, ["Hi", "How"], lambda *given: 1.0, **STEPS)
    assert student.training_log.column("no_signal") == [1.0, 1.0]


def test_groups_with_signal_are_not_warned_of(tiny):
    count = iter(range(10**6))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        student = grpo(tiny, ["Hi", "How"], lambda *given: float(next(count)), **STEPS)
        grpo(tiny, ["Hi", "How"], lambda *given: 1.0, method="reinforce", **STEPS)
    assert student.training_log.column("no_signal") == [0.0, 0.0]
