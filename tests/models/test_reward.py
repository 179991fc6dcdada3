"""Reward models: loading, scoring, Bradley–Terry training, ensembles, reports, and the refusals."""

import math

import pytest
import torch

from course_lib.base import CourseError
from course_lib.methods import bradley_terry_loss, train_reward_model
from course_lib.models import (
    Ensemble,
    FunctionReward,
    GoldReward,
    combine,
    load_reward_model,
    new_reward_model,
    preference_report,
    score,
    tiny_policy,
)
from course_lib.pools import MISSING, Pool, annotate
from course_lib.worlds import Annotator, Helpdesk, write_reply

TEXTS = [
    "good reply",
    "a bad reply that is rather long, longer than the others",
    "fine",
    "so so reply",
]


@pytest.fixture(scope="session", params=[pytest.param("llama", marks=pytest.mark.slow), "qwen3"])
def tiny(request):
    return tiny_policy(
        TEXTS * 3 + ["good good good bad bad"], request.param, width=32, vocabulary=300, seed=1
    )


@pytest.fixture(scope="session")
def model(tiny):
    rm = new_reward_model(tiny, seed=3)
    with torch.no_grad():
        rm.model.score.weight.mul_(100)
    return rm


def pool_of(texts, prompts=None):
    return Pool.from_candidates(prompts or [f"prompt {i}" for i in range(len(texts))], texts)


def test_packed_scores_are_those_of_the_models_own_forward(model):
    rows = model.encode(["prompt"] * 4, TEXTS)
    expected = [float(model.model(torch.tensor([row])).logits[0, 0]) for row in rows]
    assert model.score_texts(["prompt"] * 4, TEXTS).tolist() == pytest.approx(
        expected, rel=1e-3, abs=1e-4
    )
    assert model.score_texts(["prompt"] * 4, TEXTS, budget=1).tolist() == pytest.approx(
        expected, rel=1e-3, abs=1e-4
    )
    assert len({round(x, 4) for x in expected}) == 4


def test_plain_models_give_the_same_scores(model, monkeypatch):
    packed = model.score_texts(["prompt"] * 4, TEXTS)
    monkeypatch.setattr("course_lib.models.reward_model.packs", lambda m: False)
    for side in ("left", "right"):
        model.tokenizer.padding_side = side
        torch.testing.assert_close(
            model.score_texts(["prompt"] * 4, TEXTS), packed, atol=1e-3, rtol=1e-3
        )
    model.tokenizer.padding_side = "left"


def test_conversations_are_written_by_the_template_with_their_end(model):
    row = model.encode(["a"], ["b"])[0]
    text = model.tokenizer.decode(row)
    assert text.startswith("<|im_start|>user\na<|im_end|>") and "b<|im_end|>" in text


def test_pool_scores_keep_order_and_mark_missing(model):
    pool = pool_of([TEXTS[:3], TEXTS[1:3]])
    scored = score(pool, model)
    flat = model.score_texts([pool.prompts[0]] * 3 + [pool.prompts[1]] * 2, TEXTS[:3] + TEXTS[1:3])
    assert scored.rewards["proxy"][0].tolist() == pytest.approx(flat[:3].tolist(), abs=1e-4)
    assert scored.rewards["proxy"][1, :2].tolist() == pytest.approx(flat[3:].tolist(), abs=1e-4)
    assert math.isnan(scored.rewards["proxy"][1, 2]) and pool.finish[1, 2] == MISSING


def test_functions_are_rewards(model):
    pool = pool_of([["yes", "no"]])
    scored = score(pool, lambda prompt, text, info: text == "yes", "verifier")
    assert scored.rewards["verifier"].tolist() == [[1, 0]]
    with pytest.raises(CourseError, match="NaN"):
        score(pool, FunctionReward(lambda *a: float("nan")))


def test_a_policy_is_not_a_reward(tiny):
    with pytest.raises(CourseError, match="gives replies, not rewards"):
        score(pool_of([["a"]]), tiny)


def test_causal_lm_is_refused_as_reward_model(tiny, tmp_path):
    tiny.save(tmp_path / "lm")
    with pytest.raises(CourseError, match="causal language model.*not a reward model"):
        load_reward_model(tmp_path / "lm")


def test_missing_head_is_refused(model, tmp_path):
    from safetensors.torch import load_file, save_file

    model.save(tmp_path / "rm")
    loaded = load_reward_model(tmp_path / "rm", device="cpu")
    expected = model.score_texts(["p"], ["good reply"]).item()
    assert loaded.score_texts(["p"], ["good reply"]).item() == pytest.approx(expected, abs=1e-4)
    file = tmp_path / "rm" / "model.safetensors"
    weights = load_file(file)
    headless = {name: tensor for name, tensor in weights.items() if "score" not in name}
    save_file(headless, file, metadata={"format": "pt"})
    with pytest.raises(CourseError, match="score.weight.*random"):
        load_reward_model(tmp_path / "rm", device="cpu")


def test_several_labels_are_refused(model, tmp_path):
    import json

    model.save(tmp_path / "rm")
    file = tmp_path / "rm" / "config.json"
    config = json.loads(file.read_text())
    config["id2label"] = {"0": "a", "1": "b"}
    config["label2id"] = {"a": 0, "b": 1}
    file.write_text(json.dumps(config))
    with pytest.raises(CourseError, match="2 labels"):
        load_reward_model(tmp_path / "rm")


def test_unknown_reward_folder(tmp_path):
    with pytest.raises(CourseError, match="no reward model at"):
        load_reward_model(tmp_path / "nowhere")


def test_bradley_terry_loss_is_minus_log_sigmoid():
    a, b = torch.tensor([1.0, -2.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    expected = [-math.log(1 / (1 + math.exp(-d))) for d in (1.0, -3.0, 0.0)]
    assert bradley_terry_loss(a, b).tolist() == pytest.approx(expected, rel=1e-5)


def test_training_learns_a_simple_preference(tiny):
    pairs = [
        {"prompt": f"p {i}", "chosen": "good " * (1 + i % 3), "rejected": "bad " * (1 + i % 3)}
        for i in range(48)
    ]
    rm = train_reward_model(tiny, pairs[:32], epochs=6, lr=3e-3, batch_size=8)
    report = preference_report(rm, pairs[32:])
    assert report.accuracy.mean == 1.0 and report.ties == 0 and report.log_loss < 0.3
    turned = [{**p, "chosen": p["rejected"], "rejected": p["chosen"]} for p in pairs[32:]]
    flipped = preference_report(rm, turned)
    assert flipped.accuracy.mean == 0.0 and flipped.log_loss > 1


def test_equal_pairs_are_dropped_and_counted(tiny):
    pairs = [
        {"prompt": "p", "chosen": "good", "rejected": "bad"},
        {"prompt": "p", "chosen": "same", "rejected": "same"},
    ]
    assert train_reward_model(tiny, pairs, epochs=1).facts["dropped_equal_pairs"] == 1
    with pytest.raises(CourseError, match="the same"):
        train_reward_model(tiny, pairs[1:])
    long = "x" * 500
    cut = [{"prompt": "p", "chosen": "a" + long, "rejected": "b" + long}]
    with pytest.raises(CourseError, match="the same"):
        train_reward_model(tiny, cut, max_length=5)


def test_report_counts_ties_as_half(tiny):
    rm = new_reward_model(tiny)
    torch.nn.init.zeros_(rm.model.score.weight)
    report = preference_report(rm, [{"prompt": "p", "chosen": "good", "rejected": "bad"}] * 10)
    assert report.ties == 10
    assert report.accuracy.mean == 0.5
    assert report.log_loss == pytest.approx(math.log(2))


def test_combine_rules():
    scores = torch.tensor(
        [[[0.0, 1.0, 2.0], [5.0, 1.0, 3.0]], [[0.0, 20.0, 10.0], [30.0, 0.0, 0.0]]]
    )
    centred = [s - s.mean(1, keepdim=True) for s in scores]
    z = torch.stack([c / c.square().mean().sqrt() for c in centred])
    torch.testing.assert_close(combine(scores), z.mean(0))
    torch.testing.assert_close(combine(scores, "min"), z.amin(0))
    std = (z[0] - z[1]).abs() / 2
    torch.testing.assert_close(combine(scores, "mean-std", k=2.0), z.mean(0) - 2 * std)
    with pytest.raises(CourseError, match="how must be"):
        combine(scores, "max")
    with pytest.raises(CourseError, match="at least two"):
        Ensemble([1])


@pytest.mark.parametrize("how", ["mean", "min", "mean-std"])
def test_combine_ignores_a_models_constant_for_a_prompt_and_its_scale(how):
    scores = torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(0))
    constants = 10 * torch.randn(3, 4, 1, generator=torch.Generator().manual_seed(1))
    scales = torch.tensor([1.0, 5.0, 0.2])[:, None, None]
    moved = scores * scales + constants
    torch.testing.assert_close(combine(moved, how), combine(scores, how), atol=1e-4, rtol=1e-4)
    moved[:, 2, 5:] = float("nan")
    assert combine(moved, how).isnan().sum() == 3, (
        "missing candidates stay missing, and spoil no other"
    )


def test_ensemble_scores_a_pool(tiny, model):
    pool = pool_of([TEXTS])
    ensemble = Ensemble([model, new_reward_model(tiny, seed=9)], how="min")
    assert score(pool, ensemble).rewards["ensemble"].shape == (1, 4)


# ---- the help desk's annotators ----------------------------------------------------------------


@pytest.fixture(scope="session")
def replies():
    import numpy as np

    rng, world = np.random.default_rng(0), Helpdesk()
    prompts, infos = world.prompts("train", limit=60)
    return Pool.from_candidates(
        prompts, [[write_reply(i["topic"], rng) for _ in range(4)] for i in infos], info=infos
    )


def test_annotators_prefer_what_their_utility_says(replies):
    gold = score(replies, GoldReward(Helpdesk())).rewards["gold"]
    look = {}
    for prompt, texts, values in zip(replies.prompts, replies.texts, gold.tolist(), strict=True):
        for text, value in zip(texts, values, strict=True):
            look[prompt, text] = value
    sharp = annotate(replies, Annotator(noise=1e-6), 200)
    assert all(look[r["prompt"], r["chosen"]] >= look[r["prompt"], r["rejected"]] for r in sharp)
    noisy = annotate(replies, Annotator(noise=50.0), 300)
    as_gold = [look[r["prompt"], r["chosen"]] > look[r["prompt"], r["rejected"]] for r in noisy]
    assert 0.35 < sum(as_gold) / 300 < 0.65
    lengthy = annotate(replies, Annotator(length_bias=20.0), 200)
    assert sum(len(r["chosen"].split()) >= len(r["rejected"].split()) for r in lengthy) > 190


def test_fewer_comparisons_are_a_prefix(replies):
    few = annotate(replies, Annotator(), 10, seed=4)
    assert few == annotate(replies, Annotator(), 50, seed=4)[:10]
    with pytest.raises(CourseError, match="different pairs"):
        annotate(replies, Annotator(), 10**6)


def test_annotator_settings_are_checked():
    with pytest.raises(CourseError, match="noise must be above 0"):
        Annotator(noise=0)
    with pytest.raises(CourseError, match="part must be"):
        Annotator(part="style")


def test_a_function_is_a_reward_when_it_takes_three():
    pool = Pool.from_candidates(["a", "b"], [["x", "xyz"], ["", "xy"]])
    assert score(pool, lambda prompt, text, info: len(text)).reward().tolist() == [[1, 3], [0, 2]]

    def brevity(prompt, text):
        return -len(text)

    with pytest.raises(CourseError, match=r"\(prompt, text, info\).*brevity does not"):
        score(pool, brevity)
