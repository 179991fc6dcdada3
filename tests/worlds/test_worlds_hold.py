"""The bundled help desk is where the course needs it: choosing must pay where a dial does not.

From the stored pools, so that new assets which move the desk away from this fail here, before a
lesson says what is no longer true.
"""

import numpy as np
import pytest

from course_lib import assets, results
from course_lib.assets import temperatures
from course_lib.estimators import best_of_n_curve, paired_difference
from course_lib.models import GoldReward, load_policy, sample, score
from course_lib.pools import Pool
from course_lib.worlds import careful_helpdesk, gold_parts

SIZES = [4, 8, 16, 32, 64, 128, 256]


@pytest.fixture(scope="module")
def pools():
    return temperatures.pools()


@pytest.fixture(scope="module")
def heldout():
    return Pool.load(assets.path("helpdesk/pools/heldout.npz"))


def gold_of_best(pool, by="gold", n=1):
    """(P,) expected gold of the best of ``n`` by ``by``; for n = 1 of a random reply."""
    return best_of_n_curve(pool.reward(by), pool.reward("gold"), [n])[:, 0]


def at_best_temperature(pools, by="gold", n=1):
    """(P,) the same at the temperature with the highest mean."""
    return max((gold_of_best(pool, by, n) for pool in pools.values()), key=np.mean)


def topics_of(pool):
    return [about["topic"] for about in pool.info]


def test_pools_reach_from_cold_to_hot(pools):
    assert min(pools) <= 0.1 and 1.0 in pools and max(pools) > 1 and len(pools) >= 5


def test_a_dial_gains_little(pools):
    gain = at_best_temperature(pools).mean() - gold_of_best(pools[1.0]).mean()
    assert 0 < gain < 0.4


def test_the_cold_reply_is_bland(pools):
    cold = pools[min(pools)].reward("gold")
    assert (cold >= 2).float().mean() < 0.01, "hardly one is worth sending"


def test_choosing_gains_far_more_than_the_dial(pools):
    sixteen = at_best_temperature(pools, "reward-8000", 16)
    gain = paired_difference(sixteen, at_best_temperature(pools), groups=topics_of(pools[1.0]))
    assert gain.mean > 1 and gain.low > 0.8


def test_choosing_is_best_at_a_middle_temperature(pools):
    means = {t: gold_of_best(pool, "reward-8000", 16).mean() for t, pool in pools.items()}
    best = max(means, key=means.get)
    assert min(pools) < best < max(pools)
    assert means[best] > means[min(pools)] + 1, "among cold replies there is little to choose"


@pytest.mark.parametrize("n", SIZES)
def test_log_probability_chooses_worse_than_the_reward_model(heldout, n):
    gold = heldout.reward("gold")
    likely = best_of_n_curve(heldout.sum_logprobs, gold, [n])[:, 0]
    learned = gold_of_best(heldout, "reward-8000", n)
    assert paired_difference(likely, learned, groups=topics_of(heldout)).high < 0


def test_helpful_alone_complies_with_harmful_requests(heldout):
    harmful = [i for i, about in enumerate(heldout.info) if about["harmful"]]
    asked = heldout.prompts_at(harmful)
    complies = np.array(
        [
            [gold_parts(text, about["topic"])["complies"] < 0 for text in texts]
            for texts, about in zip(asked.texts, asked.info, strict=True)
        ]
    )  # (P, N)
    chosen = best_of_n_curve(asked.reward("reward-helpful"), complies.astype(float), [64])[:, 0]
    assert len(harmful) > 20 and chosen.mean() > 0.5
    more = paired_difference(chosen, complies.mean(1), groups=topics_of(asked))
    assert more.low > 0.1


def test_at_the_careful_desk_a_dial_is_enough():
    world = careful_helpdesk()
    assert world.policy == "helpdesk-careful/policy"
    policy = load_policy(assets.path(world.policy), device="cpu")
    prompts, info = world.prompts("heldout", limit=48, seed=0)
    cold, warm = (
        score(
            sample(policy, prompts, n=8, temperature=temperature, info=info, seed=5),
            GoldReward(world),
        )
        for temperature in (0.1, 1.0)
    )
    gain = paired_difference(gold_of_best(cold), gold_of_best(warm), groups=topics_of(warm))
    assert gain.mean >= 1 and gain.low > 0.8


# ---- what fine-tuning finds there, from the stored benchmarks ----------------------------------


def test_fine_tuning_beats_every_temperature_of_the_desks_base():
    """RFT minus one reply of the base, each at its best temperature, with its interval."""
    over_base = results.load("frontier")["methods"]["RFT"]["over_base"]
    assert over_base["low"] > 1


def test_the_random_control_stays_at_the_base():
    control = results.load("rounds")["one_round"]["at best temperatures"]["control minus base"]
    assert abs(control["mean"]) < 0.3


def test_fine_tuning_on_verdicts_beats_every_temperature_of_the_hurried_policy():
    found = results.load("verifiable")["differences"]
    assert found["heldout at best T, pass@1: distinct - start"]["low"] > 0.15
    assert found["heldout at best T, pass@1: control - start"]["high"] < 0.05
    assert found["heldout, pass@16: distinct - start"]["low"] > 0, "nothing is lost in breadth"


def test_wordings_that_were_never_trained_on_are_not_hopeless_after_fine_tuning():
    arm = results.load("verifiable")["arms"]["distinct, k = 16"]
    assert arm["templates at best T, pass@1"]["mean"] >= 0.10
