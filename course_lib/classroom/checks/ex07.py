"""Checks of exercise 07, RLHF by hand: what the reader's answer must do, property by property."""

import math

import numpy as np
import torch

from .outcome import NotWritten, Wrong
from .registry import need as need
from .registry import task
from .trial import Trial

L07 = "lesson 07"
PAIR = torch.tensor([[1.0, 5.0]])  # the rewards of one group, (1, 2)
PPO_TOLERANCE = 1e-5

# messages of several cases
ONLY_THE_FIRST_PROMPT = "only the first prompt has weights. Does return stand inside the loop?"
CONTAINS_ITSELF = "the mean that is taken off contains the reply itself. Leave it out."
DIVIDED_BY_N = "this divides the sum of the others by N. There are only N - 1 of them."
THE_VALUE = "this is the value that PPO makes large. The loss is minus that."
MULTIPLY_FIRST = (
    "with a negative A the two products change places. Multiply by A first, then take the minimum."
)
NO_MINUS = "the sign is missing: it is minus the logarithm."
NO_LOGARITHM = "this is sigma, without its logarithm."
LOSS_OF_EACH_PAIR = "this is one loss for each pair. Take the mean over the batch, one number."
BETA_OUTSIDE = "beta stands before the logarithm. It belongs inside, on the margin."
ONE_MORE = "one too many: look at the debt one question earlier."


def _numbers(got: object) -> np.ndarray:
    """The reader's weights as an array."""
    return np.asarray(got.detach() if hasattr(got, "detach") else got, dtype=float)


@task(
    "ex07",
    points=3,
    minutes=10,
    difficulty="easy",
    idea="comparison with RLHF",
    read=f"{L07}, 'On paper: what is each reply worth?'",
    hints=(
        "Each row of the matrix is a group of its own: it has its own mean and its own standard "
        "deviation.",
        "mean and std of a tensor take dim=1, which runs over the replies, and keepdim=True, which "
        "keeps the shape (P, 1) so that each row meets its own value. torch's std is the sample's; "
        "numpy's needs ddof=1.",
        "Three lines: the row means with shape (P, 1), the row standard deviations with shape (P, "
        "1), and the difference over the second plus 1e-4. Mind the brackets below the fraction "
        "line.",
    ),
)
def group_advantage(t: Trial) -> None:
    with t.part(1, "compares each reply with the mean of its group"):
        _group_mean(t)
    with t.part(1, "divides by the sample standard deviation plus 1e-4"):
        _group_deviation(t)
        _rewards_close_together(t)
    with t.part(1, "takes each prompt by itself, also one with equal rewards"):
        _two_groups(t)
        _equal_rewards(t)
        _three_in_a_group(t)
        t.untidy()


def _group_mean(t: Trial) -> None:
    S = 8**0.5 + 1e-4  # the pair's sample standard deviation, plus 1e-4
    got = t.run(PAIR)
    weights = _numbers(got)
    shown = f"{t.call_text((PAIR,))} gave {weights.round(4).tolist()}"
    t.holds(
        weights.shape == (1, 2),
        "the result should have the shape of rewards, one weight for each reply.",
        shown,
    )
    t.holds(
        not np.isnan(weights).any(),
        "there are NaNs. Is the mean or the standard deviation taken over prompts? Here there is "
        "only one: take both over its replies, dim=1.",
        shown,
    )
    t.holds(
        np.abs(weights).max() > 0,
        "all weights are 0, but one reply is better than the other. Is the mean taken over "
        "prompts, or are the weights cut to whole numbers?",
        shown,
    )
    worse, better = weights[0]
    t.holds(
        better != worse,
        "both replies have the same weight, but one is better than the other. Is the sign lost?",
        shown,
    )
    t.holds(
        better > worse,
        "the better reply has the lower weight: it is the reward minus the mean, not the other way "
        "round.",
        shown,
    )
    t.holds(
        abs(weights.sum()) < 1e-3,
        "the weights of a group should sum to 0. Is the group's mean taken off the rewards, and "
        "the whole difference divided?",
        shown,
    )
    t.holds(
        abs(better - 4 / S) > 1e-4,
        "each reply is compared with the other one. GRPO takes off the mean of the whole group, "
        "the reply itself included.",
        shown,
    )


def _group_deviation(t: Trial) -> None:
    S = 8**0.5 + 1e-4  # the pair's sample standard deviation, plus 1e-4
    by_the_variance = "this divides by the variance. The standard deviation is its root."
    mistakes = [
        (
            [[-2.0, 2.0]],
            "this is the reward minus the mean; it is not divided by the standard deviation yet.",
        ),
        (
            [[-2 / 2.0001, 2 / 2.0001]],
            "this divides by the standard deviation of a whole population. The sample's divides "
            "the sum of squares by N - 1.",
        ),
        (
            [[-1.0, 1.0]],
            "this divides by the standard deviation of a whole population. The sample's divides "
            "the sum of squares by N - 1. And 1e-4 is not added.",
        ),
        ([[-2 / 8.0001, 2 / 8.0001]], by_the_variance),
        ([[-0.25, 0.25]], by_the_variance),
        (
            [[-2 / 8**0.5, 2 / 8**0.5]],
            "this divides by the standard deviation alone, or with a much smaller number added. "
            "Add 1e-4 to it.",
        ),
        (
            [[-2 / 8**0.5 + 1e-4, 2 / 8**0.5 + 1e-4]],
            "1e-4 is added after dividing: put brackets around the standard deviation and 1e-4.",
        ),
        (
            [[-2 / 8.0001**0.5, 2 / 8.0001**0.5]],
            "1e-4 is added to the variance, under the root. Add it to the standard deviation.",
        ),
        ([[1 / S, 5 / S]], "the mean is not taken off."),
    ]
    t.same(
        (PAIR,),
        [[-2 / S, 2 / S]],
        mistakes,
        otherwise="the weights have the wrong size. What are they divided by, and is the small "
        "number 1e-4?",
    )


def _rewards_close_together(t: Trial) -> None:
    rewards = torch.tensor([[0.0, 0.001]])
    weight = 0.0005 / (0.001 / 2**0.5 + 1e-4)
    without = 0.5**0.5
    not_added = (
        "these rewards are close together, and here it shows: 1e-4 is not added to the standard "
        "deviation."
    )
    t.same(
        (rewards,),
        [[-weight, weight]],
        [([[-without, without]], not_added)],
        otherwise="when the rewards are close together the result is not right. What is added to "
        "the standard deviation?",
    )


def _two_groups(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 5.0], [11.0, 17.0]])
    # standard deviations plus 1e-4: of the first group, of the second, of all, and the groups' mean
    S = 8**0.5 + 1e-4
    V = 18**0.5 + 1e-4
    G = 7 + 1e-4
    M = (8**0.5 + 18**0.5) / 2 + 1e-4
    mistakes = [
        (
            [[-7.5 / G, -3.5 / G], [2.5 / G, 8.5 / G]],
            "mean and standard deviation are those of all rewards. Each prompt has its own.",
        ),
        (
            [[-2 / G, 2 / G], [-3 / G, 3 / G]],
            "the means are right, but the standard deviation is that of all rewards. Each prompt "
            "has its own.",
        ),
        (
            [[-7.5 / S, -3.5 / S], [2.5 / V, 8.5 / V]],
            "the standard deviations are right, but the mean is that of all rewards. Each prompt "
            "has its own.",
        ),
        (
            [[-2 / M, 2 / M], [-3 / M, 3 / M]],
            "both prompts are divided by the same number, the mean of their standard deviations. "
            "Each prompt has its own.",
        ),
        (
            [[-2 / S, -9 / V], [8 / S, 3 / V]],
            "the mean of row 1 is taken off column 1. Keep the shape (P, 1): keepdim=True.",
        ),
        (
            [[-2 / S, 2 / V], [-3 / S, 3 / V]],
            "the means are right, but the standard deviation of row 1 is used for column 1. Keep "
            "its shape (P, 1) too: keepdim=True.",
        ),
        (
            [[-2 / 2.0001, 2 / 2.0001], [-3 / 3.0001, 3 / 3.0001]],
            "the sum of squares is divided by 2 here, not by N - 1. Is the number of prompts taken "
            "for that of replies? N is rewards.shape[1].",
        ),
        ([[-2 / S, 2 / S], [0.0, 0.0]], ONLY_THE_FIRST_PROMPT),
    ]
    t.same(
        (rewards,),
        [[-2 / S, 2 / S], [-3 / V, 3 / V]],
        mistakes,
        tolerance=1e-5,
        otherwise="with two prompts the result is not right. Are mean and standard deviation those "
        "of one prompt?",
    )


def _equal_rewards(t: Trial) -> None:
    rewards = torch.tensor([[2.0, 2.0]])
    not_a_number = (
        "equal rewards give NaN, 0 divided by 0. What should be added below the fraction line?"
    )
    t.same(
        (rewards,),
        [[0.0, 0.0]],
        [([[math.nan, math.nan]], not_a_number)],
        otherwise="when all rewards are equal no reply is better than the others",
    )


def _three_in_a_group(t: Trial) -> None:
    rewards = torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    S = 3**0.5 + 1e-4
    H = 1.5**0.5 + 1e-4  # the root of the sum of squares, divided by N - 1
    divides_the_root = "N - 1 divides the root here. It belongs under the root."
    t.same(
        (rewards,),
        [[2 / S, -1 / S, -1 / S], [0.0, 0.0, 0.0]],
        [([[2 / H, -1 / H, -1 / H], [0.0, 0.0, 0.0]], divides_the_root)],
        tolerance=1e-5,
        otherwise="with two prompts and three replies the result is not right. Is N the number of "
        "replies?",
    )


@task(
    "ex07",
    points=3,
    minutes=6,
    difficulty="easy",
    idea="comparison with RLHF",
    read=f"{L07}, 'On paper: what is each reply worth?'",
    hints=(
        "Every reply has its own baseline, because for each of them the others are different ones.",
        "You need no loop: the sum of the others is the sum of the row minus the reply's own "
        "reward. Row sums need dim=1 and keepdim=True.",
        "First a matrix with the sums of the others, of shape (P, N); then the rewards minus that "
        "matrix over N - 1. N is the second entry of rewards.shape.",
    ),
)
def rloo_advantage(t: Trial) -> None:
    with t.part(1, "compares a reply with the others, not with itself"):
        _two_replies(t)
    with t.part(1, "works for any number of replies"):
        _three_replies(t)
        _two_equal_of_three(t)
        _five_replies(t)
    with t.part(1, "takes each prompt by itself"):
        _two_prompts(t)
        t.untidy()


def _two_replies(t: Trial) -> None:
    S = 8**0.5 + 1e-4  # GRPO divides by it
    mistakes = [
        ([[-2.0, 2.0]], CONTAINS_ITSELF),
        (
            [[4.0, -4.0]],
            "the signs are turned around: it is the reward minus the mean of the others.",
        ),
        ([[5.0, 1.0]], "these are the means of the others. Take them off the rewards."),
        (
            [[-2 / S, 2 / S]],
            "these are GRPO's weights. RLOO has another baseline and no standard deviation.",
        ),
        (
            [[0.0, 0.0]],
            "all weights are 0, but one reply is better than the other. Is the mean taken over "
            "prompts? Here there is only one: dim=1.",
        ),
        ([[-4 / S, 4 / S]], "this is divided by the standard deviation. RLOO has none."),
        ([[-1.5, 4.5]], DIVIDED_BY_N),
        ([[-5.0, -1.0]], "the sum that is taken off contains the reply itself. Leave it out."),
        (
            [[-1.0, 1.0]],
            "a factor is upside down: RLOO's weights are larger than the rewards minus the mean of "
            "all, not smaller.",
        ),
        (
            [[1.0, 5.0]],
            "nothing is taken off. Is the sum taken over prompts? Here there is only one: dim=1.",
        ),
        (
            [[-math.inf, -math.inf]],
            "this divides by P - 1, and P, the number of prompts, is 1 here. N is the second entry "
            "of rewards.shape.",
        ),
        (
            [[math.nan, math.nan]],
            "this is 0 divided by 0. Are the others counted over prompts? Here there is only one: "
            "take sum and N over its replies, dim=1.",
        ),
        (
            [[-6.0, -6.0]],
            "is a bracket missing? The sum of the others is the row's sum minus the reply's own "
            "reward; put it in brackets before it is divided and taken off.",
        ),
        ([[-2.5, 3.5]], "brackets are missing around N - 1."),
        ([[4.0, 4.0]], "is the sign lost? One reply is better than the other."),
        (
            [[-4.0, 9.0]],
            "the second reply is compared with a weight, not with a reward: rewards are "
            "overwritten while they are still needed. Put the weights into a new tensor.",
        ),
        ([[-8 / 3, 8 / 3]], "the factor 4/3 of the lesson belongs to N = 4. Here N is 2."),
    ]
    t.same(
        (PAIR,),
        [[-4.0, 4.0]],
        mistakes,
        otherwise="with two replies the other one's reward should be taken off",
    )


def _three_replies(t: Trial) -> None:
    whole = "the weights are cut to whole numbers. Is there a //, an int, or a tensor of integers?"
    rewards = torch.tensor([[0.0, 3.0, 7.0]])
    mistakes = [
        ([[-10.0, -4.0, 4.0]], "this takes off the sum of the others. Take off their mean."),
        ([[-10 / 3, 2 / 3, 6.0]], DIVIDED_BY_N),
        ([[-10 / 3, -1 / 3, 11 / 3]], CONTAINS_ITSELF),
        ([[-7.0, -4.0, 4.0]], "this takes off the best of the others. Take off their mean."),
        (
            [[-20 / 3, -2 / 3, 22 / 3]],
            "the result fits two replies only: here there are three, so two others.",
        ),
        ([[-5.0, 0.0, 5.0]], whole),
        ([[-5.0, 0.0, 6.0]], whole),
    ]
    t.same(
        (rewards,),
        [[-5.0, -0.5, 5.5]],
        mistakes,
        otherwise="with three replies the result is not right. Is the mean of the two others taken "
        "off?",
    )


def _two_equal_of_three(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 1.0, 0.0]])
    out_by_reward = (
        "two replies have the same reward and both are left out. Leave out one reply by its "
        "position, not by its reward."
    )
    t.same(
        (rewards,),
        [[0.5, 0.5, -1.0]],
        [([[1.0, 1.0, -1.0]], out_by_reward)],
        otherwise="with two equal rewards the result is not right",
    )


def _five_replies(t: Trial) -> None:
    rewards = torch.tensor([[2.0, 0.0, 0.0, 0.0, 0.0]])
    t.same(
        (rewards,),
        [[2.0, -0.5, -0.5, -0.5, -0.5]],
        otherwise="with five replies the result is not right",
    )


def _two_prompts(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 5.0], [11.0, 15.0]])
    less_all_others = [[1 - 31 / 3, 5 - 27 / 3], [11 - 21 / 3, 15 - 17 / 3]]
    mistakes = [
        (
            less_all_others,
            "the others are those of all prompts. Compare a reply with the others of its own "
            "prompt.",
        ),
        (
            [[-10.0, -10.0], [10.0, 10.0]],
            "a reply is compared with those to other prompts. Take the sum over its own prompt's "
            "replies: dim=1.",
        ),
        (
            [[-4.0, -16.0], [16.0, 4.0]],
            "what belongs to row 1 is taken off column 1. Keep the shape (P, 1): keepdim=True.",
        ),
        ([[-4.0, 4.0], [0.0, 0.0]], ONLY_THE_FIRST_PROMPT),
    ]
    t.same(
        (rewards,),
        [[-4.0, 4.0], [-4.0, 4.0]],
        mistakes,
        otherwise="with two prompts the result is not right. Are the sum and N those of one "
        "prompt?",
    )


def _token(now: float, before: float, advantage: float, clip: float = 0.2) -> tuple:
    """The arguments for one token with probability ``before`` then and ``now`` now."""
    logp = torch.tensor([[math.log(now)]], dtype=torch.float64)
    old = torch.tensor([[math.log(before)]], dtype=torch.float64)
    A = torch.tensor([[advantage]], dtype=torch.float64)
    return logp, old, A, clip


@task(
    "ex07",
    points=5,
    minutes=15,
    difficulty="medium",
    idea="comparison with RLHF",
    read=f"{L07}, 'The ratio and the clip, by hand'",
    hints=(
        "Begin with the ratio. You have logarithms of the two probabilities, so their difference "
        "is the logarithm of the ratio.",
        "torch.exp makes a ratio of a difference of logarithms, Tensor.clamp(low, high) bounds it, "
        "torch.minimum takes the smaller of two tensors, place by place.",
        "Three steps: the ratio; the ratio bounded to 1 - clip and 1 + clip; minus the minimum of "
        "two products, each of them with A. Multiply first, then compare: with a negative A the "
        "order of the two turns around.",
    ),
)
def ppo_clip(t: Trial) -> None:
    with t.part(1, "is minus the ratio times the advantage while the ratio is near 1"):
        _ratio_of_one(t)
        _ratio_inside_the_clip(t)
    with t.part(1, "a good token: no further push once it is likely enough"):
        _good_token_likelier(t)
        _good_token_less_likely(t)
    with t.part(1, "a bad token: no further push down once it is unlikely enough"):
        _bad_tokens(t)
    with t.part(1, "one loss for each token, for any clip"):
        _two_replies_of_three_tokens(t)
        t.untidy()
    with t.part(1, "the gradient reaches logp, and is 0 where the clip holds"):
        _clip_gradient(t)


def _ratio_of_one(t: Trial) -> None:
    pulled_down = (
        "the ratio is 1, but your bounds pull it down. They are 1 - clip and 1 + clip, in this "
        "order."
    )
    mistakes = [
        ([[3.0]], THE_VALUE),
        (
            [[0.0]],
            "the policy has not moved, so the ratio is 1, and yours is 0. Is it the logarithm of "
            "the ratio, or a difference of probabilities? Take exp of the difference of the "
            "logarithms.",
        ),
        (
            [[-3 * math.log(0.5)]],
            "this is -A log pi. PPO has the ratio to the old policy in the place of log pi.",
        ),
        (
            [[-1.5]],
            "this is the probability times A. Divide by the old probability: exp of the difference "
            "of the logarithms.",
        ),
        (
            [[-1.2]],
            "this bounds the product of ratio and A. Bound the ratio, then multiply it by A.",
        ),
        (
            [[math.nan]],
            "this is not a number. Is a logarithm taken of logp or old, which are logarithms "
            "already, or is A normalised, which is not asked?",
        ),
        ([[-2.4]], pulled_down),
        ([[-0.6]], pulled_down),
        (-3.0, "this is one number. Return one loss for each token, without a mean or a sum."),
        ([[-1.0]], "is A used? With A = 3 the loss should be three times as large."),
    ]
    t.same(
        _token(0.5, 0.5, 3.0),
        [[-3.0]],
        mistakes,
        tolerance=PPO_TOLERANCE,
        otherwise="the policy has not moved, so the ratio is 1",
    )


def _ratio_inside_the_clip(t: Trial) -> None:
    mistakes = [
        ([[2.2]], THE_VALUE),
        (
            [[-2 / 1.1]],
            "the ratio is upside down: it is the probability now over the probability then.",
        ),
        ([[-2 * math.log(1.1)]], "this takes the logarithm of the ratio for the ratio: take exp."),
        (
            [[-2 * math.log(0.44) / math.log(0.4)]],
            "this is a ratio of logarithms. The ratio of probabilities is exp of a difference of "
            "logarithms.",
        ),
        (
            [[-1.6]],
            "this is the lower bound of the clip, but the ratio is 1.1 and not clipped. Is the "
            "ratio a ratio of probabilities?",
        ),
        (
            [[-2.0]],
            "the ratio is 1.1 here and seems to be counted as 1. Is logp compared with itself "
            "instead of with old?",
        ),
        (
            [[-2.4]],
            "the ratio is 1.1 here, and yours is clipped already. Is it too large? The logarithms "
            "are natural ones: take exp.",
        ),
    ]
    t.same(
        _token(0.44, 0.4, 2.0),
        [[-2.2]],
        mistakes,
        tolerance=PPO_TOLERANCE,
        otherwise="the ratio is 1.1 here, inside the clip",
    )


def _good_token_likelier(t: Trial) -> None:
    mistakes = [
        (
            [[-1.5]],
            "with A = 1 and a ratio of 1.5 the value is not bounded. Either nothing is clipped at "
            "1 + c, or the logarithm is clipped instead of the ratio, or the larger of the two "
            "products is taken; PPO takes the smaller.",
        ),
        ([[-math.exp(0.2)]], "this clips the logarithm of the ratio. Clip the ratio itself."),
        (
            [[0.0]],
            "the loss is 0 where the clip holds. The value stays at the bound there; what becomes "
            "0 is the push.",
        ),
        ([[1.2]], THE_VALUE),
        ([[-0.8]], "the ratio of 1.5 is bounded to the lower end. Is it upside down?"),
    ]
    t.same(
        _token(0.6, 0.4, 1.0),
        [[-1.2]],
        mistakes,
        tolerance=PPO_TOLERANCE,
        otherwise="with A = 1 and a ratio of 1.5 the result is not right",
    )


def _good_token_less_likely(t: Trial) -> None:
    clip_alone = (
        "with A = 1 and a ratio of 0.5 the clipped product is the larger one. The smaller of the "
        "two counts: take the minimum."
    )
    t.same(
        _token(0.2, 0.4, 1.0),
        [[-0.5]],
        [([[-0.8]], clip_alone)],
        tolerance=PPO_TOLERANCE,
        otherwise="with A = 1 and a ratio of 0.5 the result is not right",
    )


def _bad_tokens(t: Trial) -> None:
    # the first has become half as likely, the second half as likely again
    logp = torch.log(torch.tensor([[0.2, 0.6]], dtype=torch.float64))
    old = torch.log(torch.tensor([[0.4, 0.4]], dtype=torch.float64))
    A = -torch.ones_like(logp)
    whole_reply = "both tokens have the ratio of their whole reply. Each token has its own."
    sign_lost = "is the sign of A lost?"
    mistakes = [
        ([[0.5, 1.2]], MULTIPLY_FIRST),
        (
            [[0.5, 1.5]],
            "with A = -1 and a ratio of 0.5 the lower bound should hold. Is the ratio bounded by 1 "
            "- c too?",
        ),
        (
            [[0.8, 1.2]],
            "a bad token that has become more likely is to be pushed down with full force: nothing "
            "is clipped here. Multiply by A first, then take the minimum.",
        ),
        ([[0.8, 0.8]], whole_reply),
        ([[0.75**0.5] * 2], whole_reply),
        ([[-0.5, -1.2]], sign_lost),
        ([[-0.8, -1.2]], sign_lost),
        ([[-0.8, -1.5]], sign_lost),
    ]
    t.same(
        (logp, old, A, 0.2),
        [[0.8, 1.5]],
        mistakes,
        tolerance=PPO_TOLERANCE,
        otherwise="with A = -1 and ratios of 0.5 and 1.5 the result is not right",
    )


def _two_replies_of_three_tokens(t: Trial) -> None:
    # ratios 2, 1, 1/2 and 1/2, 1, 2, with advantages of both signs
    logp = torch.log(torch.tensor([[0.8, 0.4, 0.2], [0.2, 0.4, 0.8]], dtype=torch.float64))
    old = torch.full_like(logp, math.log(0.4))
    A = torch.tensor([[1.0, 2.0, -1.0], [1.0, 0.0, -1.0]], dtype=torch.float64)
    mistakes = [
        (
            -0.7 / 6,
            "this is the mean of the losses. Return one for each token; who calls it takes the "
            "mean, over real tokens only.",
        ),
        (-0.7, "this is the sum of the losses. Return one for each token."),
        ([-2.2 / 3, 0.5], "this is the mean of each reply. Return one loss for each token."),
        ([-2.2, 1.5], "this is the sum of each reply. Return one loss for each token."),
        (
            [[-1.2, -2.0, 0.8], [-0.5, 0.0, 2.0]],
            "here clip is 0.1, and your function clips at 0.2. Use the argument.",
        ),
        ([[-1.1, -2.0, 0.5], [-0.5, 0.0, 1.1]], MULTIPLY_FIRST),
    ]
    t.same(
        (logp, old, A, 0.1),
        [[-1.1, -2.0, 0.9], [-0.5, 0.0, 2.0]],
        mistakes,
        tolerance=PPO_TOLERANCE,
        otherwise="with two replies of three tokens and clip = 0.1 the result is not right",
    )


def _clip_gradient(t: Trial) -> None:
    inside = _token(0.4, 0.4, 1.0)
    slope = t.gradients(inside, (0,))[0].item()
    t.holds(
        slope != 0,
        "no gradient reaches logp. Is the ratio detached, or the result put into a new tensor?",
        t.call_text(inside),
    )
    t.holds(
        slope < 0,
        "the gradient has the wrong sign: a step down the loss would make a good token less "
        "likely.",
        t.call_text(inside),
    )
    t.holds(
        abs(slope + 1) < 1e-4,
        "the gradient with respect to logp has the wrong size when the ratio is 1. Is a part of "
        "the ratio detached?",
        f"{t.call_text(inside)} has the gradient {slope:.4g}",
    )

    clipped = _token(0.6, 0.4, 1.0)
    slope = t.gradients(clipped, (0,))[0].item()
    t.holds(
        abs(slope) < 1e-6,
        "with A = 1 and a ratio of 1.5 there should be no push left, but the gradient is not 0.",
        f"{t.call_text(clipped)} has the gradient {slope:.4g}",
    )


def L(z: float) -> float:
    """The loss of one pair with the margin ``z``, times beta: minus log sigma, in nats."""
    return max(-z, 0.0) + math.log1p(math.exp(-abs(z)))


def _batch(
    chosen: list, rejected: list, ref_chosen: list, ref_rejected: list, beta: float
) -> tuple:
    """The arguments of ``dpo_loss`` from plain lists."""
    columns = (chosen, rejected, ref_chosen, ref_rejected)
    return *(torch.tensor(column, dtype=torch.float64) for column in columns), beta


@task(
    "ex07",
    points=5,
    minutes=15,
    difficulty="medium",
    idea="comparison with RLHF",
    read=f"{L07}, 'DPO by hand'",
    hints=(
        "You have logarithms already: the logarithm of a fraction is a difference. Each reply is "
        "compared with itself under the reference.",
        "torch.nn.functional.logsigmoid gives log sigma in one go and stays finite; log of a "
        "sigmoid does not. Do everything with tensors, so that the gradient survives.",
        "The margin is how much the chosen reply has gained on the reference, minus how much the "
        "rejected one has. Beta goes on the margin, inside log sigma; then minus, then the mean.",
    ),
)
def dpo_loss(t: Trial) -> None:
    with t.part(1, "knows the reference: nothing is learnt yet when the policy equals it"):
        _all_four_equal(t)
        _policy_equals_reference(t)
    with t.part(1, "falls when the chosen reply gains and the rejected one loses"):
        _chosen_gains(t)
    with t.part(1, "is the mean over the batch"):
        _two_pairs(t)
        t.untidy()
    with t.part(1, "stays finite when the policy is very wrong"):
        _very_wrong(t)
    with t.part(1, "the gradient reaches both terms of the policy"):
        _dpo_gradient(t)


def _all_four_equal(t: Trial) -> None:
    missing = "is a sign or a bracket missing? Each reply's gain is policy minus reference."
    mistakes = [
        (-L(0), NO_MINUS),
        (0.5, NO_LOGARITHM),
        (-0.5, NO_LOGARITHM),
        (
            0.0,
            "the loss is 0, but -log sigma of 0 is not. Is -log sigma left out, or taken of each "
            "term by itself instead of their difference?",
        ),
        ([L(0)], LOSS_OF_EACH_PAIR),
        (L(0.5), "sigma is taken twice. logsigmoid has it already."),
        (0.25 * L(0), BETA_OUTSIDE),
        (L(1), missing),
        (L(-1), missing),
        (L(4), missing),
        (L(-4), missing),
    ]
    t.same(
        _batch([-2.0], [-2.0], [-2.0], [-2.0], 0.25),
        L(0),
        mistakes,
        otherwise="when all four are equal the margin is 0; that is not -log sigma of 0",
    )


def _policy_equals_reference(t: Trial) -> None:
    mistakes = [
        (
            L(-0.75),
            "the policy equals the reference, but the loss sees a difference. The reference is "
            "left out.",
        ),
        (
            L(-1.5),
            "the policy equals the reference, but the loss sees a difference. Is the reference "
            "added, or set against the other reply? Take from each reply its own reference.",
        ),
        (
            L(-3),
            "the policy equals the reference, but the loss sees a difference. The reference and "
            "beta are left out.",
        ),
        (
            L(2.25),
            "the policy equals the reference, but the loss sees a difference: beta is on the "
            "policy's terms only. It belongs on the whole margin.",
        ),
        (
            L(-2.25),
            "the policy equals the reference, but the loss sees a difference: beta is on the "
            "reference's terms only. It belongs on the whole margin.",
        ),
        (
            L(0.75),
            "the policy equals the reference, but the loss sees a difference. Are policy and "
            "reference mixed up?",
        ),
        (
            L(-6),
            "the policy equals the reference, but the loss sees a difference. Take from each reply "
            "its own reference, and mind beta.",
        ),
    ]
    t.same(
        _batch([-12.0], [-9.0], [-12.0], [-9.0], 0.25),
        L(0),
        mistakes,
        otherwise="the policy equals the reference, so the margin should be 0",
    )


def _chosen_gains(t: Trial) -> None:
    sigma = 1 / (1 + math.exp(-1.5))
    one_term_only = "beta is on one of the two terms only."
    mistakes = [
        (
            L(-1.5),
            "chosen has gained and rejected has lost, and the loss has risen: something is turned "
            "around, either chosen and rejected or the policy and the reference.",
        ),
        (L(3), "beta is not used."),
        (0.5 * L(3), BETA_OUTSIDE),
        (L(6), "this divides by beta. Multiply."),
        (
            L(-0.15),
            "this divides logarithms by each other. The logarithm of a fraction is the difference "
            "of the two logarithms.",
        ),
        (
            L(0.5 * math.log(0.8 / 1.1)),
            "this takes a logarithm of a fraction of logarithms. The inputs are logarithms "
            "already: the logarithm of a fraction is their difference.",
        ),
        (L(0.5), "the two gains are added: take the one of rejected off."),
        (L(1), "only the chosen reply is used. What about the rejected one?"),
        (L(2.5), one_term_only),
        (L(2), one_term_only),
        (-L(1.5), NO_MINUS),
        (-1.5, "this is minus the margin. It still has to go through log sigma."),
        (sigma, NO_LOGARITHM),
        (-sigma, NO_LOGARITHM),
    ]
    t.same(
        _batch([-8.0], [-11.0], [-10.0], [-10.0], 0.5),
        L(1.5),
        mistakes,
        otherwise="the margin is 3 nats here and beta 0.5; the loss is another number",
    )


def _two_pairs(t: Trial) -> None:
    batch = _batch([-8.0, -13.0], [-11.0, -10.0], [-10.0, -12.0], [-10.0, -11.0], 0.5)
    mean_probability = (math.exp(-L(1.5)) + math.exp(-L(-1))) / 2
    mistakes = [
        (
            L(1.5) + L(-1),
            "this is the sum over the batch. Take the mean, so that the step does not grow with "
            "the batch.",
        ),
        ([L(1.5), L(-1)], LOSS_OF_EACH_PAIR),
        (
            L(0.25),
            "this is the loss of the mean margin. Take the loss of each pair, then their mean.",
        ),
        (
            -math.log(mean_probability),
            "this is the logarithm of the mean probability. Take the loss of each pair, then their "
            "mean.",
        ),
        (L(1.5), "only the first pair counts."),
        (L(1.5) / 2, "only the first pair counts. Does return stand inside the loop?"),
        (L(-1), "only the last pair counts."),
    ]
    t.same(
        batch,
        (L(1.5) + L(-1)) / 2,
        mistakes,
        otherwise="with two pairs, one right and one wrong, the result is another number",
    )


def _very_wrong(t: Trial) -> None:
    mistakes = [
        (
            math.inf,
            "the loss is infinite: sigma of a very negative number is 0 in the computer, or exp of "
            "a large one overflows. There is a function for log sigma that does not do this.",
        ),
        (
            math.nan,
            "the loss is not a number: something overflowed, or exp of a log-probability became 0. "
            "There is a function for log sigma that does not do this.",
        ),
        (0.0, "chosen has lost a great deal, and the loss is 0: something is turned around."),
    ]
    t.same(
        _batch([-1500.0], [-500.0], [-1000.0], [-1000.0], 1.0),
        1000.0,
        mistakes,
        otherwise="with a margin far below 0 the loss is another number. Is the margin or the "
        "probability cut off somewhere?",
    )


def _dpo_gradient(t: Trial) -> None:
    args = _batch([-10.0], [-10.0], [-10.0], [-10.0], 0.5)
    of_chosen, of_rejected = t.gradients(args, (0, 1))
    up, down = of_chosen.item(), of_rejected.item()
    shown = f"{t.call_text(args)} has the gradient {up:.4g} for chosen and {down:.4g} for rejected"
    t.holds(
        up != 0,
        "no gradient reaches chosen. Is it detached or converted to a number on the way, or does "
        "the loss have a kink (relu, abs, max) at a margin of 0?",
        shown,
    )
    t.holds(
        down != 0,
        "no gradient reaches rejected. Is it detached or converted to a number on the way?",
        shown,
    )
    t.holds(
        up < 0 < down,
        "a step down the loss should make chosen more likely and rejected less. The gradient says "
        "otherwise.",
        shown,
    )
    t.holds(
        abs(up + 0.25) < 1e-4 and abs(down - 0.25) < 1e-4,
        "the gradient has the wrong size. Is it cut in one of the steps?",
        shown,
    )


def _never(t: Trial, args: tuple, mistakes: list[tuple]) -> None:
    """The reader's function must give infinity; other ways to say "never" are named."""
    other_ways = [
        (0, "0 would mean that it is repaid at once. Return math.inf."),
        (-1, "-1 is a number of questions like any other for who calls it. Return math.inf."),
        (math.nan, "not a number is no answer. Return math.inf."),
    ]
    try:
        t.run(*args)
    except NotWritten:
        raise Wrong(
            "for a debt that is never repaid it returns nothing. Return math.inf, which can be "
            "compared and plotted like any other number.",
            f"{t.call_text(args)} gave None",
        ) from None
    except Wrong as wrong:
        if "ZeroDivisionError" in wrong.message:
            raise Wrong(
                "the saving is 0 and you divide by it. Ask first whether serving got cheaper at "
                "all.",
                wrong.shown,
            ) from None
        if "OverflowError" in wrong.message:
            raise Wrong(
                "infinity cannot be rounded. Ask first whether serving got cheaper at all.",
                wrong.shown,
            ) from None
        raise
    t.same(
        args,
        math.inf,
        [*other_ways, *mistakes],
        otherwise="serving did not get cheaper, so the cost is never repaid: return math.inf",
    )


@task(
    "ex07",
    points=3,
    minutes=6,
    difficulty="easy",
    idea="improving a chatbot's replies with best-of-N and what it costs",
    read=f"{L07}, 'When has fine-tuning paid for itself?'",
    hints=(
        "Every served question pays back the same small sum. Which sum, and how often does it go "
        "into the debt?",
        "The saving of a question is before minus after. Divide the debt by it and round up with "
        "math.ceil.",
        "First ask whether after is at least before; then return math.inf. Otherwise take "
        "math.ceil of the debt over the saving.",
    ),
)
def break_even(t: Trial) -> None:
    with t.part(1, "divides the debt by what one question saves"):
        _whole_multiple(t)
        _with_a_rest(t)
    with t.part(1, "rounds up to whole questions, and only when needed"):
        _rest_of_a_third(t)
        _saving_below_one(t)
        _less_than_one_question(t)
        _many_questions(t)
    with t.part(1, "says infinity when it is never repaid"):
        _never_repaid(t)
        t.untidy()


def _whole_multiple(t: Trial) -> None:
    by_the_sum = "this divides by before and after together. A question saves the difference."
    mistakes = [
        (
            10,
            "this divides by before. A question does not save all of before: it still costs after.",
        ),
        (-20, "the result is negative: the saving is before minus after."),
        (
            21,
            "one too many: here the debt is a whole multiple of the saving, and nothing is to be "
            "added.",
        ),
        (7, by_the_sum),
        (6, by_the_sum),
        (100 / 15, by_the_sum),
        (19, "one short: the debt is not yet repaid."),
        (500, "this multiplies the debt by the saving. Divide."),
        (5, "brackets are missing around before minus after."),
    ]
    t.same(
        (100, 10, 5),
        20,
        mistakes,
        otherwise="with a debt of 100 and a saving of 5 a question the result is another number",
    )


def _with_a_rest(t: Trial) -> None:
    mistakes = [
        (50, "this divides by after. A question saves before minus after."),
        (10, "this divides by before. A question still costs after."),
        (12.5, "half a question cannot be served: round up to a whole number."),
        (12, "a rest of the debt is left: round up."),
        (14, ONE_MORE),
    ]
    t.same(
        (100, 10, 2),
        13,
        mistakes,
        otherwise="with a debt of 100 and a saving of 8 a question the result is another number",
    )


def _rest_of_a_third(t: Trial) -> None:
    mistakes = [
        (100 / 3, "a third of a question cannot be served: round up to a whole number."),
        (33, "a rest of the debt is left: round up, not down or to the nearest."),
        (35, ONE_MORE),
    ]
    t.same(
        (100, 10, 7),
        34,
        mistakes,
        otherwise="with a debt of 100 and a saving of 3 a question the result is another number",
    )


def _saving_below_one(t: Trial) -> None:
    mistakes = [
        (math.inf, "serving did get cheaper, by less than 1. Are the costs cut to whole numbers?"),
        (5, "one too many: the debt is a whole multiple of the saving."),
    ]
    t.same(
        (1, 0.75, 0.5),
        4,
        mistakes,
        otherwise="with a debt of 1 and a saving of 0.25 a question the result is another number",
    )


def _less_than_one_question(t: Trial) -> None:
    mistakes = [
        (0, "nothing is repaid before a question is served: round up."),
        (1 / 9, "a ninth of a question cannot be served: round up to a whole number."),
    ]
    t.same(
        (1, 10, 1),
        1,
        mistakes,
        otherwise="with a debt of 1 and a saving of 9 a question the result is another number",
    )


def _many_questions(t: Trial) -> None:
    stops_early = "it takes many questions, but it is repaid. Does a search stop too early?"
    t.same(
        (3_000_000, 2, 1),
        3_000_000,
        [(math.inf, stops_early)],
        otherwise="with a debt of 3000000 and a saving of 1 a question the result is another "
        "number",
    )


def _never_repaid(t: Trial) -> None:
    nothing_saved = "both cost the same, so a question saves nothing. The debt stays."
    _never(t, (100, 5, 5), [(20, nothing_saved)])

    mistakes = [
        (
            -20,
            "a negative number of questions: serving got dearer, so the debt only grows. Ask first "
            "whether it got cheaper.",
        ),
        (20, "serving got dearer. The size of the difference is not enough: the debt only grows."),
    ]
    _never(t, (100, 5, 10), mistakes)
