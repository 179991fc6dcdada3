"""Drawings of lessons 04 to 07: right numbers, words for those who do not see them, small files."""

import html

import numpy as np
import pytest

from course_lib import assets, results
from course_lib.base import CourseError
from course_lib.classroom.drawings.choosing import parting, promised
from course_lib.classroom.drawings.clipping import clip, surrogate
from course_lib.classroom.drawings.distilling import (
    BASE,
    BEST,
    COLD,
    GOLD,
    PROBABILITIES,
    TUNED,
    distillation,
    measured,
    towards_best_of_n,
)
from course_lib.classroom.drawings.holding import HELD, bytes_held, models_in_memory
from course_lib.classroom.drawings.ink import INK, KEPT
from course_lib.classroom.drawings.masking import loss_mask
from course_lib.classroom.drawings.weighing import weights, weights_by_method
from course_lib.estimators import Savings, best_of_n_curve, phases
from course_lib.models import examples_of, load_policy, response_logits

LARGEST = 25_000  # bytes of SVG


def checked(figure):
    """What every drawing must be; returns its words."""
    svg = figure.svg()
    assert len(svg) < LARGEST and figure.size[0] == 700
    assert figure.summary.endswith(".") and html.escape(figure.summary) in figure.image()
    sizes = [text.get_fontsize() for axis in figure.axes for text in axis.texts if text.get_text()]
    assert all(size >= 9.5 for size in sizes)
    return svg


def texts_of(figure, colour):
    """The words of a drawing in one colour, in their order."""
    shown = [text for axis in figure.axes for text in axis.texts]
    return [text.get_text() for text in shown if text.get_color() == colour]


# ---- lesson 04: proxy and gold part ------------------------------------------------------------


def test_a_reward_model_that_is_gold_promises_what_it_keeps():
    gold = np.random.default_rng(0).normal(size=(30, 16))
    ns = [1, 2, 4, 8, 16]
    got = best_of_n_curve(gold, ns=ns).mean(0)
    assert np.allclose(promised(gold, gold, ns), got)
    # on whatever scale it scores
    assert np.allclose(promised(5 * gold - 3, gold, ns), got)


def test_promises_are_on_the_scale_of_gold():
    rng = np.random.default_rng(1)
    gold = rng.normal(size=(400, 16))
    proxy = gold + rng.normal(size=gold.shape)  # half of its spread is error
    promise = promised(proxy, gold, [1, 16])
    got = best_of_n_curve(proxy, gold, [1, 16]).mean(0)
    assert np.isclose(promise[0], gold.mean()) and np.allclose(promise, got, atol=0.05)


def test_the_stored_reward_model_parts_from_gold_at_its_peak():
    figure = parting(quiet=True)
    svg = checked(figure)
    assert "best at n = 16" in svg and "people get" in svg and "likes this" in svg
    assert "1.12 at n = 256" in figure.summary and "0.79 at n = 16, the most," in figure.summary
    promise, got = (line.get_ydata() for line in figure.axes[0].lines[:2])
    assert np.allclose(promise[:2], got[:2], atol=0.02)  # they rise together
    assert promise[-1] - got[-1] > 0.4


def test_curves_that_do_not_part_say_nothing_of_a_gap():
    gold = np.random.default_rng(0).normal(size=(30, 16))
    svg = checked(parting(gold, gold, [1, 4, 16], quiet=True))
    assert "likes this" not in svg and "best at" not in svg


def test_parting_wants_rewards_of_the_same_replies():
    with pytest.raises(CourseError, match="same replies"):
        parting(np.zeros((3, 4)), np.zeros((3, 5)), quiet=True)
    with pytest.raises(CourseError, match="both proxy and gold"):
        parting(np.zeros((3, 4)), quiet=True)
    with pytest.raises(CourseError, match="same score"):
        parting(np.zeros((3, 4)), np.zeros((3, 4)), quiet=True)


# ---- lesson 05: what the loss sees -------------------------------------------------------------


@pytest.fixture(scope="module")
def policy():
    return load_policy(assets.path("helpdesk/policy"))


def test_coloured_tokens_are_the_targets_of_the_loss(policy):
    prompt, reply = "Hello. I need to connect to the wifi today.", "Pick the office network."
    figure = loss_mask(policy, prompt, reply, quiet=True)
    checked(figure)
    _, targets, _ = response_logits(policy, examples_of(policy, [prompt], [reply]))
    seen = [policy.tokenizer.decode([token]) for token in targets.tolist()]
    coloured = texts_of(figure, KEPT)
    assert coloured[: len(seen)] == seen and seen[-1] == "<|end|>"
    assert "<|assistant|>" in texts_of(figure, INK) and "…" in texts_of(figure, INK)
    arrows = [p for p in figure.axes[0].patches if type(p).__name__ == "FancyArrowPatch"]
    assert len(arrows) == len(seen)  # one into each token that the loss sees


def test_a_long_reply_goes_on_in_the_next_row_and_a_short_prompt_is_whole(policy):
    reply = "Happy to help. Close the app. Install the latest version. I hope this helps."
    one, two = loss_mask(quiet=True), loss_mask(policy, "Hello.", reply, quiet=True)
    assert two.size[1] > one.size[1] and "…" not in texts_of(two, INK)
    checked(one), checked(two)
    assert "of 20 tokens of template and prompt none" in one.summary


def test_a_dollar_sign_is_no_formula(policy):
    checked(loss_mask(policy, "Price?", "It costs $ 5 or $ 6.", quiet=True))


def test_a_reply_must_be_there_and_fit(policy):
    with pytest.raises(CourseError, match="empty"):
        loss_mask(policy, reply=" ", quiet=True)
    with pytest.raises(CourseError, match="at most 32"):
        loss_mask(policy, reply="Close the app. " * 20, quiet=True)


# ---- lesson 05: distillation -------------------------------------------------------------------


def kl(p, q):
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


def test_best_of_two_of_two_replies_by_hand():
    rows = towards_best_of_n([0.5, 0.5], [0.0, 1.0], n=2, steps=1)
    assert np.allclose(rows[BEST], [0.25, 0.75])  # "no" only if both are "no"
    # one step from logits of equal height: the gradient is (0.5, 0.5) - (0.25, 0.75)
    assert np.allclose(rows[TUNED][1], 1 / (1 + np.exp(-0.5)))
    assert all(np.isclose(values.sum(), 1) for values in rows.values())


def test_fine_tuning_comes_nearer_to_its_teacher_and_the_cold_reply_passes_it():
    rewards = np.arange(6.0)
    paths = [towards_best_of_n(PROBABILITIES, rewards, 16, steps) for steps in (0, 3, 6, 400)]
    far = [kl(rows[BEST], rows[TUNED]) for rows in paths]
    assert far == sorted(far, reverse=True) and far[-1] < 0.01
    mean = {name: values @ rewards for name, values in paths[2].items()}
    assert mean[BASE] < mean[TUNED] < mean[BEST] < mean[COLD]
    assert all(values[TUNED] @ rewards <= mean[BEST] + 1e-9 for values in paths)


def test_distillation_shows_what_was_measured():
    figure = distillation(quiet=True)
    checked(figure)
    gold = measured(results.load("distilled"))
    assert all(GOLD[0] < value["low"] < value["high"] < GOLD[1] for value in gold.values())
    assert gold[TUNED]["mean"] < gold[BEST]["low"] and gold[BEST]["high"] < gold[COLD]["low"]
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert all(f"{value['mean']:.1f}" in shown for value in gold.values())
    assert "best of 16" in shown and "KL(π_N ‖ π_θ)" in figure.summary


def test_a_policy_gives_probabilities_and_a_temperature_is_above_zero():
    with pytest.raises(CourseError, match="sum to 1"):
        distillation((0.5, 0.6), quiet=True)
    with pytest.raises(CourseError, match="temperature"):
        distillation(temperature=0, quiet=True)
    with pytest.raises(CourseError, match="above 0"):
        distillation((0.5, 0.5, 0.0), quiet=True)


# ---- lesson 07: the clip -----------------------------------------------------------------------


def test_the_push_ends_on_one_side_only():
    ratio = np.array([0.5, 0.79, 0.9, 1.1, 1.21, 1.5])
    value, slope = surrogate(ratio, 1.0, 0.2)
    assert np.allclose(value, [0.5, 0.79, 0.9, 1.1, 1.2, 1.2])
    assert np.allclose(slope, [1, 1, 1, 1, 0, 0])
    value, slope = surrogate(ratio, -2.0, 0.2)
    assert np.allclose(value, [-1.6, -1.6, -1.8, -2.2, -2.42, -3.0])
    assert np.allclose(slope, [0, 0, -2, -2, -2, -2])


def test_the_clip_shades_where_nothing_pushes():
    figure = clip(epsilon=0.3, quiet=True)
    svg = checked(figure)
    assert "30 %" in figure.summary and svg.count("no push") == 2
    shaded = [axis.patches[0].get_bbox() for axis in figure.axes]
    assert np.allclose([shaded[0].x0, shaded[1].x1], [1.3, 0.7], atol=0.01)
    assert shaded[0].x1 > 1.5 and shaded[1].x0 < 0.5
    with pytest.raises(CourseError, match="between 0"):
        clip(epsilon=0, quiet=True)


# ---- lesson 07: weights ------------------------------------------------------------------------


def test_weights_by_hand():
    found = weights_by_method([[1.0, 2.0, 3.0, 6.0]], critic=2.5)
    std = np.std([1, 2, 3, 6], ddof=1)
    assert np.allclose(found["RFT, RAFT"], [[0, 0, 0, 1]])
    assert np.allclose(found["GRPO without std"], [[-2, -1, 0, 3]])
    assert np.allclose(found["RLOO"], np.array([[-2, -1, 0, 3]]) * 4 / 3)
    assert np.allclose(found["GRPO"], np.array([[-2, -1, 0, 3]]) / std, atol=1e-3)
    assert np.allclose(found["PPO"], [[-1.5, -0.5, 0.5, 3.5]])


def test_weights_shows_each_method_at_each_prompt():
    figure = weights(quiet=True)
    svg = checked(figure)
    assert "divided by the std" in svg and "all good, nearly alike" in svg
    bars = [[bar.get_height() for bar in axis.patches] for axis in figure.axes if axis.patches]
    assert len(bars) == 12 and all(len(row) == 8 for row in bars)
    names = ("rewards", "rft", "plain", "grpo", "rloo", "ppo")
    of = {name: bars[2 * k : 2 * k + 2] for k, name in enumerate(names)}
    for name in ("plain", "grpo", "rloo"):
        assert np.allclose([sum(row) for row in of[name]], 0, atol=1e-4)
    # divided by the standard deviation two prompts weigh the same
    assert np.allclose(*of["grpo"], atol=1e-2) and max(of["plain"][1]) < max(of["plain"][0]) / 5
    assert all(value > 0 for value in of["ppo"][1]), "all better than the critic expects"


def test_weights_want_replies_to_compare():
    with pytest.raises(CourseError, match="two replies"):
        weights([[1.0]], heads=["one"], quiet=True)
    with pytest.raises(CourseError, match="as many heads"):
        weights([[1.0, 2.0]], quiet=True)
    with pytest.raises(CourseError, match="as many replies"):
        weights([[1.0, 2.0], [1.0]], quiet=True)
    checked(weights([[0.0, 1.0, 1.0]], heads=["a verifier"], quiet=True))


# ---- lesson 07: models in memory ---------------------------------------------------------------


def gigabytes(method):
    """Of all models of a method, each of a billion parameters."""
    return sum(sum(parts.values()) for parts in bytes_held(method).values())


def test_bytes_are_those_of_the_planner_and_models_those_of_the_comparison():
    planned = phases(1e9, replies=0, savings=Savings(resting=False))
    for method, phase in (("PPO", "PPO (lesson 07)"), ("RFT", "RFT training")):
        copy = planned[phase].pop("half-precision copy")  # which the drawing leaves out
        assert copy == 2 and np.isclose(gigabytes(method), sum(planned[phase].values()))
    methods = results.load("frontier")["methods"]
    for method in ("DPO", "GRPO", "PPO"):  # as their accounts noted
        assert len(HELD[method]) == methods[method]["cost"]["models"]
    assert [gigabytes(method) for method in HELD] == [4, 18, 18, 20, 36]


def test_models_in_memory_fills_what_is_trained():
    figure = models_in_memory(8, quiet=True)
    checked(figure)
    assert "8 billion" in figure.summary and "PPO trains policy and critic" in figure.summary
    assert "288 GB" in figure.summary
    outlined = [patch for patch in figure.axes[0].patches if not patch.get_fill()]
    frozen = sum(not trained for models in HELD.values() for trained in models.values())
    assert len(outlined) == frozen + 1  # and one in the key
    with pytest.raises(CourseError, match="above 0"):
        models_in_memory(0, quiet=True)
    with pytest.raises(CourseError, match="method must be"):
        bytes_held("SFT")
