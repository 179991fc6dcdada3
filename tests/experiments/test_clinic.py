"""Each fault of the clinic really changes what it says it changes, and nothing else.

The clinic's figures and desk work on a made-up result.
"""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from course_lib import assets, load_policy, load_reward_model, results
from course_lib.base import CourseError
from course_lib.classroom import explore, plots
from course_lib.experiments import clinic
from course_lib.pools import LENGTH, Pool, Selection
from course_lib.worlds import Helpdesk

SMALL = clinic.Setting(prompts=8, n=4, epochs=1, test_prompts=8, served=2, max_tokens=40)


@pytest.fixture(scope="module")
def policy():
    return load_policy(assets.path("helpdesk/policy"), device="cpu")


@pytest.fixture(scope="module")
def reward():
    return load_reward_model(assets.path("helpdesk/reward-8000"), device="cpu")


@pytest.fixture(scope="module")
def pool(policy, reward):
    """8 prompts × 4 candidates at most 24 tokens long, scored by the healthy step: some are cut."""
    short = replace(SMALL, max_tokens=24)
    prompts, info = clinic.training_prompts(short, 0)
    sampled = clinic.sample_candidates(policy, prompts, info, short, 0)
    return clinic.score_candidates(sampled, reward)


@pytest.fixture(scope="module")
def chosen(pool):
    return clinic.select_best_of_each(pool)


def differing(a, b):
    """Names of the fields in which two dataclasses of one kind differ."""
    return [f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)]


def test_every_case_differs_from_its_twin_in_one_step_or_one_setting():
    for case in clinic.CASES:
        pipeline, setting = case.repaired
        changes = differing(case.broken, pipeline) + differing(case.setting, setting)
        if case.name == "control":  # its fault is the claim: nothing is compared with it
            assert not differing(case.broken, pipeline) and case.step == "report"
        else:
            assert changes == [case.step], case.name


def test_there_are_ten_different_faults_or_more():
    faults = {case.fault for case in clinic.CASES}
    assert len(clinic.CASES) >= 10
    assert len(faults) == len(clinic.CASES)


def test_an_unknown_case_is_named():
    with pytest.raises(CourseError, match="no case 'flu' in the clinic; there are: sign, "):
        clinic.case("flu")


def test_flipped_sign_selects_the_worst(pool, reward):
    flipped = clinic.flipped_score(pool, reward)
    assert torch.equal(flipped.rewards["proxy"], -pool.rewards["proxy"])
    worst = clinic.select_best_of_each(flipped)
    assert torch.equal(worst.candidate_index, pool.rewards["proxy"].argmin(1))


def test_prompt_tokens_carry_loss(policy, chosen):
    healthy = clinic.reply_examples(policy, chosen)
    broken = clinic.conversation_examples(policy, chosen)
    for (prompt, reply), (first, rest) in zip(healthy, broken, strict=True):
        assert first == prompt[:1]
        assert first + rest == prompt + reply, "the same tokens, only the border moved"
        assert len(rest) - len(reply) == len(prompt) - 1 > 3


def test_no_end_token_is_left(policy, chosen):
    healthy = clinic.reply_examples(policy, chosen)
    endless = clinic.endless_examples(policy, chosen)
    assert any(reply[-1] == policy.end_id for _, reply in healthy)
    assert all(policy.end_id not in reply for _, reply in endless)


def test_cut_replies_get_an_end_token(policy, chosen, pool):
    cut = (pool.finish[chosen.prompt_index, chosen.candidate_index] == LENGTH).tolist()
    assert any(cut) and not all(cut)
    examples = clinic.reply_examples(policy, chosen)
    faulty = clinic.cut_as_complete_examples(policy, chosen)
    for was_cut, (_, healthy), (_, broken) in zip(cut, examples, faulty, strict=True):
        assert broken[-1] == policy.end_id
        assert (healthy[-1] == policy.end_id) == (not was_cut)
        assert broken == (healthy + [policy.end_id] if was_cut else healthy)


def test_zip_pairs_replies_with_other_prompts(policy, chosen):
    healthy = clinic.reply_examples(policy, chosen)
    prompt_of = {tuple(reply): prompt for prompt, reply in healthy}
    pairs = clinic.misaligned_examples(policy, chosen)
    assert len(pairs) < len(chosen)
    wrong = sum(prompt_of[tuple(reply)] != prompt for prompt, reply in pairs)
    assert wrong >= len(pairs) // 2


def test_clones_are_one_greedy_reply(policy, reward):
    prompts, info = clinic.training_prompts(SMALL, 0)
    clones = clinic.greedy_clones(policy, prompts, info, SMALL, 3)
    assert clones.N == SMALL.n
    assert all(len(set(row)) == 1 for row in clones.texts)
    healthy = clinic.sample_candidates(policy, prompts, info, SMALL, 3)
    assert any(len(set(row)) > 1 for row in healthy.texts)
    proxy = clinic.score_candidates(clones, reward).rewards["proxy"]  # (P, N)
    best_above_mean = proxy.amax(1) - proxy.mean(1)
    assert float(best_above_mean.abs().max()) < 1e-5, "nothing to choose"


def test_another_template_changes_what_the_reward_model_reads(pool, reward):
    other = clinic.OtherTemplate(reward.model, reward.tokenizer, reward.name)
    prompt, text = pool.prompts[:1], pool.texts[0][:1]
    end = reward.tokenizer.eos_token_id
    assert end in reward.encode(prompt, text)[0]
    assert end not in other.encode(prompt, text)[0]
    scored = clinic.score_in_another_template(pool, reward)
    assert not torch.equal(scored.rewards["proxy"], pool.rewards["proxy"])


def test_leak_puts_test_prompts_into_training():
    setting = clinic.Setting(prompts=32, topics="quarters", test_prompts=16)
    test, about_test = clinic.test_prompts(setting)
    fresh, about_fresh = clinic.fresh_prompts(setting)
    clean, _ = clinic.training_prompts(setting, 0)
    leaking, _ = clinic.leaking_prompts(setting, 0)
    assert len(leaking) == len(clean) == 32
    assert not set(test) & set(clean)
    assert set(test) <= set(leaking)
    assert not set(fresh) & {*test, *clean, *leaking}
    test_topics = {about["topic"] for about in about_test}
    fresh_topics = {about["topic"] for about in about_fresh}
    assert not test_topics & fresh_topics, "fresh prompts ask about other topics"


def test_last_round_only_drops_the_others(pool):
    rounds = [clinic.select_best_of_each(pool.prompts_at(range(k, k + 2))) for k in (0, 2, 4)]
    assert clinic.keep_last_round(rounds) == rounds[-1:]
    assert clinic.keep_all_rounds(rounds) == rounds
    assert len(Selection.concat(clinic.keep_all_rounds(rounds))) == 6


def test_who_ships_decides_by_whom(monkeypatch, policy, reward):
    """Two "policies" whose replies gold and proxy rank the other way round."""

    def replies(which, prompts, n, seed, info):
        text = {"liked": "What a great question!", "good": Helpdesk().ideal_reply(info[0])}[which]
        return Pool.from_candidates(prompts[:1], [[text] * n], info=info[:1])

    def proxy(pool, _reward):
        likes = [[1.0 if "great" in text else 0.0 for text in row] for row in pool.texts]
        return pool.with_reward("proxy", torch.tensor(likes))

    monkeypatch.setattr("course_lib.experiments.clinic.pipeline.sample", replies)
    monkeypatch.setattr("course_lib.experiments.clinic.faults.sample", replies)
    monkeypatch.setattr("course_lib.experiments.clinic.faults.score_candidates", proxy)
    both = ["good", "liked"]
    assert clinic.ship_by_proxy(both, policy, reward, SMALL, 0) == 1
    assert clinic.ship_by_judges(both, policy, reward, SMALL, 0) == 0


def test_unfinished_counts_cut_and_stopped_in_mid_sentence():
    pool = Pool.from_candidates(["p"], [["Press send.", "Press", "Hello!", "Open the."]])
    pool.finish[0, 3] = LENGTH
    assert clinic.unfinished(pool).tolist() == [[False, True, False, True]]


def weights_of(policy):
    """All weights of a policy in one row."""
    return torch.cat([p.detach().flatten() for p in policy.model.parameters()])


@pytest.mark.parametrize(("epochs", "steps", "copies"), [(1, 3, 0), (2, 6, 1), (4, 12, 3)])
def test_a_copy_is_kept_after_each_epoch_but_the_last(policy, chosen, epochs, steps, copies):
    """8 examples make batches of 3, 3 and 2."""
    setting = replace(SMALL, batch_size=3, epochs=epochs)
    examples = clinic.reply_examples(policy, chosen)
    student, after, losses = clinic.train_on(policy, examples, setting, 0)
    assert len(losses) == steps
    assert len(after) == copies
    different = {tuple(weights_of(p)[:1000].tolist()) for p in (policy, *after, student)}
    assert len(different) == copies + 2


def test_a_run_keeps_what_its_author_sees(policy, reward):
    two_epochs = replace(SMALL, batch_size=4, epochs=2)
    outcome = clinic.run(clinic.HEALTHY, two_epochs, 0, policy, reward)
    assert len(outcome.losses) == 4
    base, after_one, after_two = outcome.checkpoints
    assert base is policy and after_two is outcome.policy
    assert not any(p.model.training for p in outcome.checkpoints)
    first, second = (weights_of(p) for p in (after_one, after_two))
    assert not torch.equal(first, weights_of(policy)), "one epoch has changed the policy"
    assert not torch.equal(first, second), "the copy was made before the second epoch"

    assert outcome.selected["selected"][0] > outcome.selected["all"][0]
    measures, pool = clinic.careful(outcome.policy, policy, SMALL)
    assert set(measures) == set(clinic.MEASURES)
    assert all(values.shape == (8,) for values in measures.values())
    assert np.allclose(measures["gold"], pool.rewards["gold"].mean(1))
    assert clinic.reported(clinic.HEALTHY, outcome.policy, SMALL, reward).shape == (8,)


@pytest.mark.slow
def test_rounds_start_where_they_say(monkeypatch, policy, reward):
    started = []

    def no_training(start, examples, setting, seed):
        started.append((start is policy, len(examples)))
        return start.copy(), [], [1.0]

    monkeypatch.setattr("course_lib.experiments.clinic.pipeline.train_on", no_training)
    tiny = replace(SMALL, rounds=3, max_tokens=12)
    clinic.run(clinic.HEALTHY, tiny, 0, policy, reward)
    assert started == [(True, 8), (True, 16), (True, 24)], "from the base, all rounds pooled"
    started.clear()
    last_round_only = replace(clinic.HEALTHY, keep=clinic.keep_last_round)
    clinic.run(last_round_only, replace(tiny, start="last"), 0, policy, reward)
    assert started == [(True, 8), (False, 8), (False, 8)]


# ---- what the cases say, on the stored result ---------------------------------------------------


@pytest.fixture(scope="module")
def stored():
    return results.load("clinic")["cases"]


def test_every_case_was_measured_and_its_author_reports_a_rise(stored):
    assert set(stored) == set(clinic.BY_NAME)
    for name, case in stored.items():
        told = case["broken"]["reported"]
        assert told["after"]["mean"] > told["before"]["mean"], name


def test_flipped_and_wrongly_paired_end_below_the_base_and_the_control(stored):
    for name in ("sign", "zip"):
        assert stored[name]["broken"]["gold_over_base"]["high"] < 0
        assert stored[name]["broken_minus_control"]["high"] < 0
    assert stored["sign"]["greedy_gap"]["high"] < 0, "at temperature 0 as well"


def test_losses_start_where_the_cases_say(stored):
    starts = {
        name: [stored[name][side]["losses"][0][1] for side in ("broken", "healthy")]
        for name in ("prompt", "zip")
    }
    assert starts["prompt"][0] > 5 * starts["prompt"][1]
    assert starts["zip"][0] > 1.5 * starts["zip"][1]
    assert starts["prompt"][1] < 0.5


def test_some_faults_cost_at_temperature_1_and_do_not_show_at_0(stored):
    for name in ("prompt", "truncated"):
        at_zero = stored[name]["greedy_gap"]
        assert stored[name]["broken_minus_healthy"]["high"] < 0
        assert at_zero["low"] < 0 < at_zero["high"]


def test_other_measures_give_a_fault_away(stored):
    assert stored["truncated"]["cut_gap"]["low"] > 0.1
    assert stored["endless"]["length_gap"]["low"] > 0
    assert stored["length"]["length_gap"]["low"] > 0
    copies = stored["clones"]
    assert copies["broken"]["selected"]["selected"] == copies["broken"]["selected"]["all"]
    diversity = [copies[side]["careful"]["distinct"]["mean"] for side in ("broken", "healthy")]
    assert diversity[0] < diversity[1] / 2
    before = [
        stored["template"][side]["reported"]["before"]["mean"] for side in ("broken", "healthy")
    ]
    assert abs(before[0] - before[1]) > 0.2, "the template changes the base policy's own score"


def test_rounds_go_as_the_cases_say(stored):
    judge, last = stored["judge"], stored["last"]
    own = [point["mean"] for point in judge["broken"]["curve"]["own"]]
    gold = [point["mean"] for point in judge["broken"]["curve"]["gold"]]
    assert own == sorted(own) and max(gold) == gold[1]
    assert set(judge["broken"]["shipped"]) == {4} and max(judge["healthy"]["shipped"]) < 4
    turned, pooled = (
        [point["mean"] for point in last[side]["curve"]["gold"]] for side in ("broken", "healthy")
    )
    assert turned[4] < turned[2] and pooled[4] > pooled[2]
    assert set(last["broken"]["shipped"]) == {2}


def test_what_is_claimed_too_much(stored):
    leak, control = stored["leak"], stored["control"]
    assert leak["reported_gap"]["mean"] > leak["broken_minus_healthy"]["mean"] + 0.3
    told = control["broken"]["reported"]
    claimed = told["after"]["mean"] - told["before"]["mean"]
    assert claimed / 3 < control["control"]["gold_over_base"]["mean"] < claimed


# ---- pictures and desk, on a made-up result  --------------------------------------------------


def made_up(gold):
    def value(mean):
        return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}

    def side(after):
        return {
            "careful": {m: value(after) for m in clinic.MEASURES},
            "gold_over_base": value(after),
            "curve": {"own": [value(0.0), value(2.0)], "gold": [value(0.0), value(after)]},
            "losses": [[1, 1.0], [2, 0.5]],
            "shipped": [1],
            "selected": {"all": [0.0], "selected": [1.0]},
            "reported": {"before": value(0.0), "after": value(2.0)},
            "samples": [{"prompt": "How & why?", "reply": f"reply <{after}>", "gold": after}],
            "gold_by_seed": [after],
        }

    return {
        "setting": {"rounds": 1},
        "healthy_setting": {"rounds": 1},
        "reports": "proxy",
        "base": {m: value(0.0) for m in clinic.MEASURES},
        "base_samples": [],
        "broken": side(gold),
        "healthy": side(1.5),
        "control": side(0.1),
        "broken_minus_healthy": value(gold - 1.5),
        "broken_minus_control": value(gold - 0.1),
        "healthy_minus_control": value(1.4),
        "length_gap": value(3.0),
        "cut_gap": value(0.2),
    }


@pytest.fixture
def result():
    return {"cases": {name: made_up(-k) for k, name in enumerate(("sign", "zip", "clones"))}}


def test_pictures_show_each_view_without_naming_the_fault(result):
    case = result["cases"]["zip"]
    for view in ("author", "careful", "repaired"):
        drawn = plots.clinic_patient(case, view, "Patient 2")
        assert len(drawn.png()) < 40_000
        assert drawn.summary.startswith("Patient 2: ")
        assert clinic.case("zip").fault not in drawn.summary
        assert all(axis.get_xlabel() for axis in drawn.axes)
    careful = plots.clinic_patient(case, "careful").summary
    assert "-1.00" in careful
    assert "1.50" not in careful
    assert "1.50" in plots.clinic_patient(case, "repaired").summary
    with pytest.raises(CourseError, match="view must be one of author"):
        plots.clinic_patient(case, "x-ray")


def test_clinic_has_a_stand_in(result):
    card = explore.pipeline_clinic(result)
    assert "Patient 1" in card.text
    assert all(clinic.case(name).fault in card.text for name in result["cases"])
    assert "<img alt=" in card.fallback and "reply &lt;" in card.fallback


def test_clinic_refuses_what_it_cannot_show(result):
    with pytest.raises(CourseError, match="from 1 to 3"):
        explore.pipeline_clinic(result, first=4)
    with pytest.raises(CourseError, match="show must be"):
        explore.pipeline_clinic(result, show="repaired")


def test_without_scripts_every_patient_can_be_seen_and_measured(result):
    author = explore.pipeline_clinic(result, first=2, show="author").text
    assert "Patient 2" in author
    assert "random control" not in author
    careful = explore.pipeline_clinic(result, first=2, show="careful").text
    assert "Patient 2" in careful
    assert "random control" in careful and "unfinished" in careful


@pytest.mark.slow
def test_only_the_author_without_a_control_claims_the_gain_for_the_reward_model(result):
    claims = {case.name: case.claim for case in clinic.CASES if case.claim}
    assert list(claims) == ["control"]
    result["cases"]["control"] = made_up(2.0)
    claim = "So our reward model is worth 2.00 points."
    pages = {k: explore.pipeline_clinic(result, first=k).text for k in range(1, 5)}
    claiming = [k for k, text in pages.items() if claim in text]
    assert claiming == [1 + explore.patients(result).index("control")]
