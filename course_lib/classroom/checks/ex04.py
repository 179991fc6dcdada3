"""Checks of exercise 04, choosing a reward model: what the reader's answer must do."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from .compare import in_a_line, same_value
from .registry import need as need
from .registry import task
from .trial import Trial

L04 = "lesson 04"
NAN = math.nan


@task(
    "ex04",
    points=2,
    minutes=4,
    difficulty="easy",
    idea="the KL bound of best-of-n and its misuse",
    read=f"{L04}, 'A bound, often quoted as if it were the value'",
    hints=(
        "Two terms: one grows with n for ever, the other comes near to 1. For n = 1 nothing has "
        "been chosen, so the bound is 0.",
        "math.log is the natural logarithm, so its result is in nats.",
        "math.log(n), minus the fraction with n - 1 above the line and n below. Mind the brackets "
        "around n - 1.",
    ),
)
def kl_bound(t: Trial) -> None:
    with t.part(1, "with n = 1 nothing has moved"):
        _nothing_moved(t)
    with t.part(1, "log n minus (n − 1)/n, in nats, for any n"):
        _bound_in_nats(t)
        t.untidy()


def _nothing_moved(t: Trial) -> None:
    args = (1,)
    both_zero = (
        "for n = 1 both terms are 0, and so is the bound. Does the fraction have n - 1 above the "
        "line?"
    )
    mistakes = [
        (-2.0, "brackets: n - 1 / n is not (n - 1) / n."),
        (-1.0, both_zero),
        (1.0, both_zero),
    ]
    t.same(
        args,
        0.0,
        mistakes,
        otherwise="one sample is the policy itself, so KL cannot be above 0, nor its bound below",
    )


def _bound_in_nats(t: Trial) -> None:
    args = (4,)
    log4 = math.log(4)
    mistakes = [
        (log4, "the fraction (n - 1)/n is missing, or // has rounded it down to 0."),
        (1.25, "this is a logarithm to base 2. Nats need the natural one."),
        (math.log10(4) - 0.75, "this is a logarithm to base 10. Nats need the natural one."),
        (log4 + 0.75, "the fraction is added; take it off."),
        (log4 - 3, "n - 1 is not divided by n."),
        (log4 - 3.75, "only the 1 is divided by n. Brackets: n - 1 stands above the line."),
        (
            (log4 - 3) / 4,
            "the logarithm is divided by n too. Only n - 1 stands above the line.",
        ),
        (0.75 - log4, "the sign is turned around: the bound is never negative."),
        (math.log(3.25), "the logarithm is taken of the whole. It belongs to n alone."),
        (log4 - 4 / 3, "the fraction is upside down."),
        (log4 - 1, "the fraction is rounded. Use / and not //."),
        (log4 - 0.25, "this takes off 1/n. The fraction has n - 1 above the line."),
    ]
    t.same(
        args,
        log4 - 0.75,
        mistakes,
        otherwise="the bound for n = 4 is another number, and it is not rounded",
    )

    t.same(
        (100,),
        math.log(100) - 0.99,
        otherwise="n = 4 is right and n = 100 is not: does it work for any n?",
    )


@task(
    "ex04",
    points=4,
    minutes=18,
    difficulty="medium",
    idea="the KL bound of best-of-n and its misuse",
    read=f"{L04}, 'What best-of-n makes of a policy'",
    hints=(
        "Work level by level: all replies with one value of the reward are a level. First find how "
        "likely it is that the best of n has this reward, then share that among the level's "
        "replies.",
        "F is the sum of the probabilities with rewards <= value, F⁻ of those with rewards < "
        "value: probabilities[rewards <= value].sum(). np.unique(rewards) lists the levels.",
        "For each value: mask = rewards == value, the level gets F**n - below**n, and each of its "
        "replies that number times probabilities[mask] over their sum. Skip a level whose sum is "
        "0.",
    ),
)
def best_of_n_distribution(t: Trial) -> None:
    with t.part(1, "F to the n minus F⁻ to the n, without ties"):
        _two_replies(t)
        _three_replies(t)
    with t.part(2, "replies of equal reward share in proportion"):
        _all_tied(t)
        _two_levels(t)
    with t.part(1, "a reply of probability 0 stays at 0, and one reply alone is certain"):
        _probability_zero_stays(t)
        t.untidy()


def _two_replies(t: Trial) -> None:
    rising = np.array([0.0, 1.0])
    args = (np.array([0.4, 0.6]), rising, 2)
    turned = (
        "the reply with the lower reward became more likely: is the order of the rewards turned "
        "around, or the result in the order of the rewards?"
    )
    mistakes = [
        ([0.64, 0.36], turned),
        ([0.84, 0.16], turned),
        (
            [0.32, 1.2],
            "these do not add up to 1. n p F to the power n - 1 holds for rewards without levels; "
            "here it is F to the n minus F⁻ to the n.",
        ),
        (
            [0.16, 1.0],
            "this is F to the n alone, which counts the lower replies too. Subtract F⁻ to the n.",
        ),
        (
            [0.4, 0.6],
            "these are the policy's own probabilities, although the best of 2 prefers the second "
            "reply. Are F and F⁻ each raised to the power n?",
        ),
        ([0.0, 1.0], "the best reply is not always among the n samples, so it is not certain."),
        (
            [0.64, 0.84],
            "this is the probability to sample a reply at least once. It must also be the best of "
            "those sampled.",
        ),
        ([0.16, 0.36], "this is (F − F⁻) to the n: raise each to the power n first."),
        (
            [0.16, 0.2],
            "F should count every reply with a reward at most that one, not one level alone.",
        ),
        ([0.0, 0.0], "this is zero for every reply; best-of-n always returns one of them."),
        ([0.4, 1.0], "this is F. It has to be raised to the power n, minus the power of F⁻."),
        (
            [0.064, 0.504],
            "each number is multiplied by the reply's probability. A share is that probability "
            "over the sum of its level, and here each reply is alone on its level.",
        ),
    ]
    t.same(
        args,
        [0.16, 0.84],
        mistakes,
        otherwise=(
            "with two replies and n = 2, list the four ways to draw two, how likely each is, and "
            "which reply is the best of each"
        ),
    )

    t.same(
        (np.array([0.2, 0.8]), rising, 1),
        [0.2, 0.8],
        otherwise="with n = 1 nothing is chosen: the result is the policy itself",
    )


def _three_replies(t: Trial) -> None:
    in_order = (
        "the result is in the order of the rewards. Put each number back in the place of its reply."
    )
    args = (np.array([0.5, 0.3, 0.2]), np.array([3.0, 1.0, 2.0]), 2)
    mistakes = [
        ([0.09, 0.16, 0.75], in_order),
        ([0.75, 0.16, 0.09], in_order),
        (
            [0.25, 0.39, 0.36],
            "the cumulative sum runs in the order of the list. It has to run in the order of the "
            "rewards.",
        ),
        (
            [0.16, 0.75, 0.09],
            "the numbers are put back in wrong places. np.argsort(rewards) gives the places of the "
            "replies from the lowest reward up; the lowest reply's number belongs in the first of "
            "them.",
        ),
    ]
    t.same(
        args,
        [0.75, 0.09, 0.16],
        mistakes,
        otherwise="two replies are right and these three are not",
    )


def _all_tied(t: Trial) -> None:
    args = (np.array([0.2, 0.8]), np.array([1.0, 1.0]), 2)
    mistakes = [
        (
            [1.0, 1.0],
            "each of the tied replies gets the whole of their level. Together they should have it "
            "once.",
        ),
        ([0.5, 0.5], "the tied replies share equally. Share in proportion to their probabilities."),
        ([0.04, 0.96], "of two tied replies the later one wins every time. They should share."),
        ([0.36, 0.64], "of two tied replies the first one wins every time. They should share."),
        (
            [0.04, 0.64],
            "each probability is raised to the power n by itself. Raise the level's sum, then "
            "share.",
        ),
        ([0.0, 0.0], "tied replies get nothing."),
        ([1.0, 0.0], "one of the tied replies gets the whole of their level. They should share."),
        (
            [0.36, 0.96],
            "a tied reply's own probability alone stands for its level. Sum over the whole level.",
        ),
    ]
    t.same(
        args,
        [0.2, 0.8],
        mistakes,
        otherwise="all rewards are equal, so choosing changes nothing",
    )


def _two_levels(t: Trial) -> None:
    args = (np.array([0.3, 0.2, 0.1, 0.4]), np.array([1.0, 0.0, 1.0, 0.0]), 3)
    mistakes = [
        (
            [0.392, 0.108, 0.392, 0.108],
            "the tied replies share equally. Share in proportion to their probabilities.",
        ),
        (
            [0.784, 0.216, 0.784, 0.216],
            "each of the tied replies gets the whole of their level. Together they should have it "
            "once.",
        ),
    ]
    t.same(
        args,
        [0.588, 0.072, 0.196, 0.144],
        mistakes,
        otherwise=(
            "two levels of two replies each are not shared as they should be. Are ties found that "
            "do not stand next to each other?"
        ),
    )


def _probability_zero_stays(t: Trial) -> None:
    empty_level = "0 divided by 0: a level without any probability needs a case of its own."
    t.same(
        (np.array([1.0, 0.0]), np.array([1.0, 0.0]), 4),
        [1.0, 0.0],
        [([1.0, NAN], empty_level)],
        otherwise="a reply that the policy never gives cannot be chosen",
    )
    t.same(
        (np.array([0.5, 0.0, 0.5]), np.array([0.0, 2.0, 1.0]), 2),
        [0.25, 0.0, 0.75],
        [([0.25, NAN, 0.75], empty_level)],
        otherwise="the highest reward belongs to a reply that the policy never gives",
    )
    t.same(
        (np.array([1.0]), np.array([3.0]), 5),
        [1.0],
        otherwise="a single reply is always returned",
    )


@task(
    "ex04",
    points=3,
    minutes=8,
    difficulty="easy",
    idea="the KL bound of best-of-n and its misuse",
    read=f"{L04}, 'How far has choosing moved the replies? KL'",
    hints=(
        "By which factor has each reply become more likely? Take the logarithms, and their mean "
        "weighted by how often each reply is now given.",
        "np.log works on whole arrays. A mask, after > 0, selects the replies that count, in both "
        "arrays.",
        "With kept = after > 0: the sum of after[kept] times the logarithm of after[kept] over "
        "before[kept].",
    ),
)
def exact_kl(t: Trial) -> None:
    with t.part(1, "0 when nothing has moved"):
        _nothing_has_moved(t)
    with t.part(1, "weights by the probabilities after choosing, in nats"):
        _weighted_by_after(t)
    with t.part(1, "leaves out replies of probability 0"):
        _zeros_left_out(t)
        t.untidy()


def _nothing_has_moved(t: Trial) -> None:
    before = np.array([0.5, 0.5])
    no_logarithm = "this does not take the logarithm of the factor."
    mistakes = [
        (
            -math.log(2),
            "this is the mean logarithm of the probabilities after choosing. Compare them with "
            "those before.",
        ),
        (math.log(2), "this is the entropy. Compare the probabilities with those before."),
        (1.0, no_logarithm),
        (2.0, no_logarithm),
    ]
    t.same((before, before), 0.0, mistakes, otherwise="no reply has become more or less likely")


def _weighted_by_after(t: Trial) -> None:
    args = (np.array([0.75, 0.25]), np.array([0.5, 0.5]))
    a, b = math.log(1.5), math.log(0.5)  # of the factors by which the two have become likelier
    right = 0.75 * a + 0.25 * b
    mistakes = [
        (-right, "the sign is turned around: KL is never negative."),
        (
            -(a + b) / 2,
            "after and before are exchanged: this is the KL of the policy from best-of-n.",
        ),
        (right / math.log(2), "this is a logarithm to base 2. Nats need the natural one."),
        (right / math.log(10), "this is a logarithm to base 10. Nats need the natural one."),
        (
            a + b,
            "the logarithms are summed without their weights, the probabilities after choosing.",
        ),
        (
            (a + b) / 2,
            "the weights should be the probabilities after choosing, not equal ones or those "
            "before.",
        ),
        (
            right / 2,
            "this is a mean over replies. The probabilities are the weights already, so sum.",
        ),
        (
            0.75 * a - 0.25 * b,
            "a reply that became less likely has a negative logarithm. Do not take absolute "
            "values.",
        ),
        (
            0.75 * a,
            "the second term is missing. Does the sum run over all replies? Those that became less "
            "likely count too, with a negative logarithm.",
        ),
        (0.0, "best-of-n has moved the policy here, and the result does not show it."),
        ([0.75 * a, 0.25 * b], "these are the terms. Sum them."),
    ]
    _not_nearly(t, args, right)
    t.same(
        args,
        right,
        mistakes,
        otherwise="the lesson works this example out by hand, and gets another number",
    )


def _not_nearly(t: Trial, args: tuple, right: float) -> None:
    got = t.run(*args)
    t.holds(
        same_value(got, right, 1e-6) or not same_value(got, right, 0.005),
        "close: is a small number added to the probabilities, or is this rounded? Leave replies of "
        "probability 0 out, and change nothing in the others.",
        f"{t.call_text(args)} gave {in_a_line(got)}",
    )


def _zeros_left_out(t: Trial) -> None:
    infinite = "the logarithm of 0 is infinite. Leave such replies out."
    zeros = [
        (
            NAN,
            "0 times the logarithm of 0 is not a number for the computer. Leave such replies out.",
        ),
        (math.inf, infinite),
        (-math.inf, infinite),
        (
            0.0,
            "the whole is 0 here. Leave out only the reply of probability 0, and go on to the next "
            "one.",
        ),
    ]
    adds_nothing = "a reply that is never given after choosing should add nothing"
    args = (np.array([0.0, 0.25, 0.75]), np.array([0.5, 0.25, 0.25]))
    right = 0.75 * math.log(3)
    mistakes = [
        *zeros,
        (
            0.25 * math.log(0.5) + 0.75 * math.log(3),
            "the probability before belongs to another reply. Leave out the same replies in both "
            "arrays.",
        ),
        (
            0.25 * math.log(0.5) + 0.75 * math.log(1.5),
            "the probabilities before are divided by the sum of what is left. Leave the reply out, "
            "and the others as they are.",
        ),
    ]
    _not_nearly(t, args, right)
    t.same(args, right, mistakes, otherwise=adds_nothing)

    t.same(
        (np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.0])),
        math.log(2),
        zeros,
        otherwise=adds_nothing,
    )


GOLD = torch.tensor([[4.0, 1.0]])
RISING = torch.tensor([[0.0, 1.0]])
FALLING = torch.tensor([[3.0, 2.0]])
SECOND_ALWAYS = torch.tensor([[0.0, 1.0]] * 3)  # a model that chooses the second of two replies
FIRST_ALWAYS = torch.tensor([[1.0, 0.0]] * 3)
NO_MODEL = "the result should be 0 or 1"


@task(
    "ex04",
    points=3,
    minutes=10,
    difficulty="medium",
    idea="reward-model selection",
    read=f"{L04}, 'Choosing with few labels'",
    hints=(
        "Each model chooses by its own scores; gold only judges what was chosen, and only on the "
        "prompts you can pay for.",
        "Cut all three tensors to the first labels // 2 prompts. argmax(dim=1) gives what a model "
        "chooses, and gold[torch.arange(m), chosen] looks it up.",
        "Let m be labels // 2. For each model take the mean of gold[torch.arange(m), "
        "scores[:m].argmax(dim=1)]. Return 1 only if the second mean is really higher.",
    ),
)
def pick_reward_model(t: Trial) -> None:
    with t.part(1, "judges the choices of each model by gold"):
        _choices_by_gold(t)
        _choices_row_by_row(t)
    with t.part(1, "keeps to the budget: two labels for each prompt"):
        _two_labels_a_prompt(t)
        _labels_for_two_prompts(t)
    with t.part(1, "compares means, and takes the first model when they are equal"):
        _means_and_not_wins(t)
        _equal_means(t)
        t.untidy()


def _choices_by_gold(t: Trial) -> None:
    args = (RISING, FALLING, GOLD, 2)
    mistakes = [
        (
            0,
            "the reply that the second model scores highest has more gold. Is it taken with "
            "argmax, by each model's own scores, and compared the right way round?",
        ),
        (4.0, "this is the gold of a reply. Return which model, 0 or 1."),
        (2, "models are counted from 0: return 0 or 1."),
    ]
    t.same(args, 1, mistakes, otherwise=NO_MODEL)

    args = (FALLING, RISING, GOLD, 2)
    mistakes = [
        (1, "with the two models exchanged the result should be exchanged too."),
        (4.0, "this is the gold of a reply. Return which model, 0 or 1."),
    ]
    t.same(args, 0, mistakes, otherwise=NO_MODEL)

    args = (torch.tensor([[5.0, 9.0]]), FALLING, GOLD, 2)
    mistakes = [
        (
            0,
            "the model with the higher scores of its own is picked. Scores of two models have no "
            "common scale: they only say which reply is chosen, and gold judges it.",
        ),
    ]
    t.same(args, 1, mistakes, otherwise=NO_MODEL)


def _choices_row_by_row(t: Trial) -> None:
    near = torch.tensor([[3.0, 4.0, 2.0, 1.0], [1.0, 2.0, 4.0, 3.0]])
    far = torch.tensor([[9.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 9.0]])
    gold = torch.tensor([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
    mistakes = [
        (
            0,
            "on both prompts the second model chooses a reply with more gold. Look each choice up "
            "in its own prompt's row of gold; how a model scores the other candidates does not "
            "count.",
        ),
    ]
    t.same((near, far, gold, 4), 1, mistakes, otherwise=NO_MODEL)


def _two_labels_a_prompt(t: Trial) -> None:
    gold = torch.tensor([[1.0, 2.0], [9.0, 0.0]])
    args = (SECOND_ALWAYS, FIRST_ALWAYS, gold, 2)
    mistakes = [
        (
            1,
            "this needs more than 2 labels, or another prompt than the first. A prompt takes two, "
            "so 2 labels are enough for the first prompt only.",
        ),
    ]
    t.same(args, 0, mistakes, otherwise=NO_MODEL)

    t.same(
        (SECOND_ALWAYS, FIRST_ALWAYS, gold, 3),
        0,
        [(1, "an odd label is of no use: 3 labels are enough for one prompt.")],
        otherwise=NO_MODEL,
    )


def _labels_for_two_prompts(t: Trial) -> None:
    gold = torch.tensor([[1.0, 1.0], [9.0, 0.0]])
    args = (SECOND_ALWAYS, FIRST_ALWAYS, gold, 4)
    mistakes = [
        (
            0,
            "4 labels pay for two prompts, and the second prompt does not seem to count. Does each "
            "model choose a reply on both?",
        ),
    ]
    t.same(args, 1, mistakes, otherwise=NO_MODEL)

    agrees_once = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    gold = torch.tensor([[1.0, 2.0], [3.0, 0.0], [9.0, 0.0]])
    args = (agrees_once, FIRST_ALWAYS, gold, 5)
    mistakes = [
        (
            1,
            "both models choose the same reply on the second prompt. It counts as two labels all "
            "the same, so 5 labels do not reach the third.",
        ),
    ]
    t.same(args, 0, mistakes, otherwise=NO_MODEL)


def _means_and_not_wins(t: Trial) -> None:
    gold = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, -9.0]])
    args = (SECOND_ALWAYS, FIRST_ALWAYS, gold, 6)
    mistakes = [
        (
            0,
            "the second model's mean gold is higher. Prompts won do not decide, nor the highest "
            "gold: one large loss outweighs two small gains.",
        ),
    ]
    t.same(args, 1, mistakes, otherwise=NO_MODEL)


def _equal_means(t: Trial) -> None:
    args = (RISING, RISING * 2, GOLD, 2)
    mistakes = [
        (1, "both models choose the same, so the means are equal: then the first should be taken."),
    ]
    t.same(args, 0, mistakes, otherwise="with equal means the first model should be taken")

    gold = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    t.same(
        (SECOND_ALWAYS, FIRST_ALWAYS, gold, 4),
        0,
        [(1, "the means are equal: then the first model should be taken.")],
        otherwise="with equal means the first model should be taken",
    )


@task(
    "ex04",
    points=4,
    minutes=18,
    difficulty="medium",
    idea="over-optimisation",
    read=f"{L04}, 'Several models as one'",
    hints=(
        "Three steps on three axes: candidates for the zero, the whole pool for the scale, models "
        "for agreement.",
        "mean and std take dim, keepdim=True and, for std, correction=0. dim=0 runs over models, "
        "dim=1 over prompts, dim=2 over candidates; dim=(1, 2) over a model's pool.",
        "Subtract the mean over dim=2; divide by the std over dim=(1, 2), kept away from 0 with "
        ".clamp(min=1e-8); then the mean over dim=0, minus k times the std over dim=0.",
    ),
)
def cautious(t: Trial) -> None:
    with t.part(1, "takes each prompt's own mean out of each model"):
        _centred_scores(t)
        _own_mean_of_each_prompt(t)
    with t.part(1, "divides each model by one standard deviation over its pool"):
        _one_scale_for_the_pool(t)
        _scale_of_each_model(t)
        _models_that_tell_nothing_apart(t)
    with t.part(2, "takes k standard deviations across models off the mean"):
        _agreement_costs_nothing(t)
        _disagreement_is_taken_off(t)
        _prompt_by_prompt(t)
        t.untidy()


def _models(*scores: list[list[float]]) -> torch.Tensor:
    """Scores of models, (M, P, N)."""
    return torch.tensor(scores, dtype=torch.float64)


def _scores_are(
    t: Trial,
    scores: torch.Tensor,
    k: float,
    right: list,
    mistakes: Sequence[tuple[list, str]] = (),
    otherwise: str = "the result is not right",
) -> None:
    t.same((scores, k), right, mistakes, tolerance=1e-5, otherwise=otherwise)


def _centred_scores(t: Trial) -> None:
    scores = _models([[1, 3]])
    mistakes = [
        ([[1, 3]], "nothing is taken out: each prompt's mean should become 0."),
        (
            [[-(0.5**0.5), 0.5**0.5]],
            "this standard deviation divides by the count minus 1. Use correction=0.",
        ),
        (
            [[NAN] * 2],
            "the result is not a number. A deviation that divides by the count minus 1 has nothing "
            "to divide by when there is one model: use correction=0.",
        ),
        (
            [[0, 0]],
            "all differences are gone. Is a mean or a deviation taken over a wrong axis "
            "(candidates are dim=2)? Or does k multiply more than the deviation across models?",
        ),
    ]
    _scores_are(
        t,
        scores,
        0.0,
        [[-1, 1]],
        mistakes,
        otherwise=(
            "with one model and one prompt, the result should be the centred scores over their "
            "standard deviation"
        ),
    )


def _own_mean_of_each_prompt(t: Trial) -> None:
    r26, r41 = 26**0.5, 41**0.5
    scores = _models([[1, 3], [11, 13]])
    mistakes = [
        (
            [[-6 / r26, -4 / r26], [4 / r26, 6 / r26]],
            "the mean of the model's whole pool is taken out. Take out each prompt's own.",
        ),
        ([[-1, -1], [1, 1]], "the mean is taken over prompts. Take it over candidates: dim=2."),
        (
            [[-1 / r41, -9 / r41], [9 / r41, 1 / r41]],
            "the mean of another prompt is taken out. With keepdim=True the means stay beside "
            "their prompts.",
        ),
        (
            [[-1 / r26, 1 / r26], [-1 / r26, 1 / r26]],
            "the standard deviation is taken before each prompt's mean is out. Take out the means "
            "first.",
        ),
    ]
    _scores_are(
        t,
        scores,
        0.0,
        [[-1, 1], [-1, 1]],
        mistakes,
        otherwise="two prompts that differ by a constant only should have the same result",
    )


def _one_scale_for_the_pool(t: Trial) -> None:
    s5, s6 = 5**0.5, 6**0.5
    sample = (3 / 20) ** 0.5
    scores = _models([[0, 2], [0, 6]])
    mistakes = [
        (
            [[-1, 1], [-1, 1]],
            "each prompt is divided by a standard deviation of its own. Take one for the whole "
            "pool of a model.",
        ),
        (
            [[-1, 1], [-3, 3]],
            "nothing is divided: the scale of the models would decide which of them counts.",
        ),
        ([[-0.2, 0.2], [-0.6, 0.6]], "this divides by the variance. Take its square root."),
        (
            [[-1 / s6, 1 / s6], [-3 / s6, 3 / s6]],
            "the standard deviation is taken before each prompt's mean is out. Take out the means "
            "first.",
        ),
        (
            [[-sample, sample], [-3 * sample, 3 * sample]],
            "this standard deviation divides by the count minus 1. Use correction=0.",
        ),
    ]
    _scores_are(
        t,
        scores,
        0.0,
        [[-1 / s5, 1 / s5], [-3 / s5, 3 / s5]],
        mistakes,
        otherwise="one model, two prompts of different spread: the scale is not right",
    )


def _scale_of_each_model(t: Trial) -> None:
    scores = _models([[0, 0.2]], [[0, 10]])
    mistakes = [
        (
            [[-2.55, 2.55]],
            "nothing is divided: the scale of the models would decide which of them counts.",
        ),
        (
            [[-5.1 / 50.02**0.5, 5.1 / 50.02**0.5]],
            "all models are divided by one number together. Each needs its own.",
        ),
        ([[-2, 2]], "this is the sum across models. Take the mean."),
        (
            [[-25.5, 0.51]],
            "scores are divided by the deviation of another model. With keepdim=True the "
            "deviations stay beside their models.",
        ),
        (
            [[-0.55, 0.55]],
            "the deviation of the first model is small, but not 0: divide by it too. Is the floor "
            "too high?",
        ),
    ]
    _scores_are(
        t,
        scores,
        0.0,
        [[-1, 1]],
        mistakes,
        otherwise="a second model with fifty times the scale should not change the result",
    )


def _models_that_tell_nothing_apart(t: Trial) -> None:
    plain = (
        "with k = 0 the plain mean remains. k multiplies the deviation across models, and nothing "
        "else."
    )
    scores = _models([[2, 2], [5, 5]], [[0, 2], [0, 2]])
    mistakes = [
        (
            [[NAN] * 2] * 2,
            "0 divided by 0: the first model tells no candidates of a prompt apart, so its "
            "deviation is 0. Keep what you divide by away from 0.",
        ),
        (
            [[-1, 1]] * 2,
            "the model that tells nothing apart is left out of the mean. It should count as 0.",
        ),
        ([[-1, 0]] * 2, plain),
        (
            [[0, 0]] * 2,
            "the second model's scores are lost. Only those of the model that tells nothing apart "
            "count as 0.",
        ),
    ]
    _scores_are(
        t,
        scores,
        0.0,
        [[-0.5, 0.5]] * 2,
        mistakes,
        otherwise=(
            "a model that gives the same score to all candidates of a prompt should count as 0"
        ),
    )


def _agreement_costs_nothing(t: Trial) -> None:
    scores = _models([[0, 2]], [[0, 2]])
    mistakes = [
        (
            [[-1.5, 0.5]],
            "two equal models do not disagree, and something is taken off: take the deviation "
            "across models, dim=0.",
        ),
    ]
    _scores_are(
        t,
        scores,
        0.5,
        [[-1, 1]],
        mistakes,
        otherwise="where models agree nothing should be taken off",
    )


def _disagreement_is_taken_off(t: Trial) -> None:
    three = _models([[0, 2]], [[0, 2]], [[6, 0]])
    m = 1 / 3  # mean
    sd = 8**0.5 / 3
    sample = (4 / 3) ** 0.5  # the standard deviation that divides by the count minus 1
    mistakes = [
        ([[-m, m]], "this is the plain mean: disagreement costs nothing."),
        ([[-m + sd / 2, m + sd / 2]], "disagreement is rewarded. Subtract it."),
        ([[-m - sd, m - sd]], "k is not used."),
        (
            [[-m - sample / 2, m - sample / 2]],
            "the deviation across models divides by the count minus 1. Use correction=0.",
        ),
        (
            [[-m - 4 / 9, m - 4 / 9]],
            "this subtracts the variance across models, or a mean of absolute differences. Take "
            "the standard deviation.",
        ),
        ([[-1, -1]], "this is the minimum across models. Take the mean minus k deviations."),
        (
            [[-m - 0.5, m - 0.5]],
            "the deviation is taken over candidates. Take it across models: dim=0.",
        ),
        ([[-1 - sd / 2, 1 - sd / 2]], "this sums across models. Take the mean."),
    ]
    _scores_are(
        t,
        three,
        0.5,
        [[-m - sd / 2, m - sd / 2]],
        mistakes,
        otherwise="three models, of which one disagrees: what is taken off is not right",
    )


def _prompt_by_prompt(t: Trial) -> None:
    _scores_are(
        t,
        _models([[0, 2], [0, 2]], [[0, 2], [6, 4]]),
        1.0,
        [[-1, 1], [-1, -1]],
        otherwise=(
            "the first prompt's models agree, the second's do not: only there something should be "
            "taken off"
        ),
    )
