"""Each fault of the clinic really changes what it says it changes, and nothing else.

The clinic's figures and widget work on a made-up result.
"""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from course_lib import assets, load_policy, load_reward_model
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
    """8 prompts × 4 candidates at most 24 tokens long, so that some are cut, scored by the healthy
    step.
    """
    prompts, info = clinic.training_prompts(SMALL, 0)
    return clinic.score_candidates(
        clinic.sample_candidates(policy, prompts, info, replace(SMALL, max_tokens=24), 0), reward
    )


@pytest.fixture(scope="module")
def chosen(pool):
    return clinic.select_best_of_each(pool)


def test_every_case_differs_from_its_twin_in_one_step_or_one_setting():
    for case in clinic.CASES:
        pipeline, setting = case.repaired
        steps = [
            f.name
            for f in fields(clinic.Pipeline)
            if getattr(case.broken, f.name) != getattr(pipeline, f.name)
        ]
        settings = [
            f.name
            for f in fields(clinic.Setting)
            if getattr(case.setting, f.name) != getattr(setting, f.name)
        ]
        if case.name == "control":  # its fault is the claim: nothing is compared with it
            assert not steps and case.step == "report"
        else:
            assert steps + settings == [case.step], case.name
    assert len(clinic.CASES) >= 10 and len({case.fault for case in clinic.CASES}) == len(
        clinic.CASES
    )


def test_an_unknown_case_is_named():
    with pytest.raises(CourseError, match="no case 'flu' in the clinic; there are: sign, "):
        clinic.case("flu")


def test_flipped_sign_selects_the_worst(pool, reward):
    flipped = clinic.flipped_score(pool, reward)
    assert torch.equal(flipped.rewards["proxy"], -pool.rewards["proxy"])
    worst = clinic.select_best_of_each(flipped)
    assert torch.equal(worst.candidate_index, pool.rewards["proxy"].argmin(1))


def test_prompt_tokens_carry_loss(policy, chosen):
    for (prompt, reply), (first, rest) in zip(
        clinic.reply_examples(policy, chosen),
        clinic.conversation_examples(policy, chosen),
        strict=True,
    ):
        assert first == prompt[:1] and first + rest == prompt + reply, (
            "the same tokens, only the border moved"
        )
        assert len(rest) - len(reply) == len(prompt) - 1 > 3


def test_no_end_token_is_left(policy, chosen):
    healthy, endless = (
        clinic.reply_examples(policy, chosen),
        clinic.endless_examples(policy, chosen),
    )
    assert any(r[-1] == policy.end_id for _, r in healthy)
    assert all(policy.end_id not in r for _, r in endless)


def test_cut_replies_get_an_end_token(policy, chosen, pool):
    cut = (pool.finish[chosen.prompt_index, chosen.candidate_index] == LENGTH).tolist()
    assert any(cut) and not all(cut)
    for was_cut, (_, healthy), (_, broken) in zip(
        cut,
        clinic.reply_examples(policy, chosen),
        clinic.cut_as_complete_examples(policy, chosen),
        strict=True,
    ):
        assert broken[-1] == policy.end_id and (healthy[-1] == policy.end_id) == (not was_cut)
        assert broken == (healthy + [policy.end_id] if was_cut else healthy)


def test_zip_pairs_replies_with_other_prompts(policy, chosen):
    right = dict(
        zip(
            map(tuple, (r for _, r in clinic.reply_examples(policy, chosen))),
            (p for p, _ in clinic.reply_examples(policy, chosen)),
            strict=True,
        )
    )
    wrong = clinic.misaligned_examples(policy, chosen)
    assert (
        len(wrong) < len(chosen)
        and sum(right[tuple(reply)] != prompt for prompt, reply in wrong) >= len(wrong) // 2
    )


def test_clones_are_one_greedy_reply(policy, reward):
    prompts, info = clinic.training_prompts(SMALL, 0)
    clones = clinic.greedy_clones(policy, prompts, info, SMALL, 3)
    assert clones.N == SMALL.n and all(len(set(row)) == 1 for row in clones.texts)
    assert any(
        len(set(row)) > 1 for row in clinic.sample_candidates(policy, prompts, info, SMALL, 3).texts
    )
    scored = clinic.score_candidates(clones, reward)
    assert (
        float((scored.rewards["proxy"].amax(1) - scored.rewards["proxy"].mean(1)).abs().max())
        < 1e-5
    ), "nothing to choose"


def test_another_template_changes_what_the_reward_model_reads(pool, reward):
    other = clinic.OtherTemplate(reward.model, reward.tokenizer, reward.name)
    mine, theirs = (m.encode(pool.prompts[:1], pool.texts[0][:1])[0] for m in (reward, other))
    end = reward.tokenizer.eos_token_id
    assert end in mine and end not in theirs
    assert not torch.equal(
        clinic.score_in_another_template(pool, reward).rewards["proxy"], pool.rewards["proxy"]
    )


def test_leak_puts_test_prompts_into_training():
    setting = clinic.Setting(prompts=32, topics="quarters", test_prompts=16)
    test, fresh = set(clinic.test_prompts(setting)[0]), set(clinic.fresh_prompts(setting)[0])
    clean, leaking = clinic.training_prompts(setting, 0)[0], clinic.leaking_prompts(setting, 0)[0]
    assert len(leaking) == len(clean) == 32
    assert not test & set(clean) and test <= set(leaking)
    assert not fresh & (test | set(clean) | set(leaking))
    topics = [
        {about["topic"] for about in part(setting)[1]}
        for part in (clinic.test_prompts, clinic.fresh_prompts)
    ]
    assert not topics[0] & topics[1], "fresh prompts ask about other topics"


def test_last_round_only_drops_the_others(pool):
    rounds = [clinic.select_best_of_each(pool.prompts_at(range(k, k + 2))) for k in (0, 2, 4)]
    assert (
        clinic.keep_last_round(rounds) == rounds[-1:] and clinic.keep_all_rounds(rounds) == rounds
    )
    assert len(Selection.concat(clinic.keep_all_rounds(rounds))) == 6


def test_who_ships_decides_by_whom(monkeypatch, policy, reward):
    """Two "policies" whose replies gold and proxy rank the other way round."""

    def replies(which, prompts, n, seed, info):
        text = {"liked": "What a great question!", "good": Helpdesk().ideal_reply(info[0])}[which]
        return Pool.from_candidates(prompts[:1], [[text] * n], info=info[:1])

    def proxy(pool, _reward):
        return pool.with_reward(
            "proxy",
            torch.tensor([[1.0 if "great" in t else 0.0 for t in row] for row in pool.texts]),
        )

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


def test_a_run_keeps_what_its_author_sees(policy, reward):
    outcome = clinic.run(clinic.HEALTHY, replace(SMALL, batch_size=4, epochs=2), 0, policy, reward)
    assert (
        len(outcome.losses) == 4
        and len(outcome.checkpoints) == 3
        and outcome.checkpoints[0] is policy
        and outcome.checkpoints[-1] is outcome.policy
    )
    assert outcome.selected["selected"][0] > outcome.selected["all"][0]
    measures, pool = clinic.careful(outcome.policy, policy, SMALL)
    assert set(measures) == set(clinic.MEASURES) and all(v.shape == (8,) for v in measures.values())
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
    clinic.run(
        replace(clinic.HEALTHY, keep=clinic.keep_last_round),
        replace(tiny, start="last"),
        0,
        policy,
        reward,
    )
    assert started == [(True, 8), (False, 8), (False, 8)]


# ---- pictures and widget, on a made-up result --------------------------------------------------


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
        assert (
            len(drawn.png()) < 40_000
            and drawn.summary.startswith("Patient 2: ")
            and clinic.case("zip").fault not in drawn.summary
        )
        assert all(axis.get_xlabel() for axis in drawn.axes)
    assert (
        "-1.00" in plots.clinic_patient(case, "careful").summary
        and "1.50" not in plots.clinic_patient(case, "careful").summary
    )
    assert "1.50" in plots.clinic_patient(case, "repaired").summary
    with pytest.raises(CourseError, match="view must be one of author"):
        plots.clinic_patient(case, "x-ray")


def test_clinic_from_guess_to_repair(result):
    c = explore.pipeline_clinic(result).controls
    here = explore.patients(result)[0]
    wrong = next(name for name in result["cases"] if name != here)
    assert c["repair"].disabled and clinic.case(here).fault not in c["words"].value
    c["guesses"][wrong].click()
    assert (
        clinic.case(wrong).would[:30] in c["verdict"].value.replace("&#x27;", "'")
        and c["repair"].disabled
    )
    before = bytes(c["image"].value)
    c["look"].value = "careful"
    assert bytes(c["image"].value) != before and "random control" in c["words"].value
    c["guesses"][here].click()
    assert "Right" in c["verdict"].value and not c["repair"].disabled
    measured = bytes(c["image"].value)
    c["repair"].click()
    assert (
        bytes(c["image"].value) != measured
        and "reply &lt;1.5&gt;" in c["words"].value
        and "Repaired" in c["verdict"].value
    )
    c["patient"].value = 2
    assert c["repair"].disabled and c["verdict"].value == "" and c["look"].value == "author", (
        "a new patient starts afresh"
    )
    c["patient"].value = 1
    assert not c["repair"].disabled, "a patient once named stays named"


def test_clinic_can_tell_and_has_a_stand_in(result, monkeypatch):
    view = explore.pipeline_clinic(result)
    view.controls["tell"].click()
    assert clinic.case(explore.patients(result)[0]).fault in view.controls["verdict"].value.replace(
        "&#x27;", "'"
    )
    assert (
        "Patient 1" in view.text
        and all(clinic.case(name).fault in view.text for name in result["cases"])
        and "<img alt=" in view.html
    )
    assert not any(type(w).__name__ in ("Dropdown", "Select") for w in view.widget.children)
    monkeypatch.setattr(explore.view, "widgets", lambda: None)
    assert explore.pipeline_clinic(result).widget is None
    with pytest.raises(CourseError, match="from 1 to 3"):
        explore.pipeline_clinic(result, first=4)
    with pytest.raises(CourseError, match="show must be"):
        explore.pipeline_clinic(result, show="repaired")


def test_without_widgets_every_patient_can_be_seen_and_measured(result, monkeypatch):
    monkeypatch.setattr(explore.view, "widgets", lambda: None)
    author, careful = (
        explore.pipeline_clinic(result, first=2, show=show).text for show in ("author", "careful")
    )
    assert "Patient 2" in author and "random control" not in author
    assert "Patient 2" in careful and "random control" in careful and "unfinished" in careful


def test_only_the_author_without_a_control_claims_the_gain_for_the_reward_model(result):
    claims = {case.name: case.claim for case in clinic.CASES if case.claim}
    assert list(claims) == ["control"]
    result["cases"]["control"] = made_up(2.0)
    pages = {k: explore.pipeline_clinic(result, first=k).text for k in range(1, 5)}
    assert [
        k for k, text in pages.items() if "So our reward model is worth 2.00 points." in text
    ] == [1 + explore.patients(result).index("control")]
