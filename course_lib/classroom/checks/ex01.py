"""Checks of exercise 01, best-of-N: what the reader's answer must do, property by property."""

from typing import Any

import torch

from .outcome import Wrong
from .plain import plain_value
from .registry import need as need
from .registry import task
from .trial import Trial

L01 = "lesson 01"

FRUIT = [["pear", "fig", "plum", "kiwi"]]
FRUIT_REWARDS = torch.tensor([[2.0, 1.0, 3.0, 4.0]])


@task(
    "ex01",
    points=3,
    minutes=8,
    difficulty="easy",
    idea="input and output formulation in best-of-N",
    read=f"{L01}, 'What goes in, what comes out'",
    hints=(
        "A user reads a reply, not a reward. Which of max and argmax gives you something to look "
        "the reply up with?",
        "rewards.argmax(dim=1) gives one index for each prompt. dim=1 runs over candidates, dim=0 "
        "over prompts.",
        "Go through texts and indices together with zip, and take row[i] of each.",
    ),
)
def best_of_n(t: Trial) -> None:
    with t.part(1, "returns texts, one for each prompt"):
        _returns_texts(t)
    with t.part(1, "takes the highest reward, for any number of prompts and candidates"):
        _takes_the_highest(t)
        _takes_negative_ones(t)
        _takes_one_of_each_row(t)
    with t.part(1, "ties go to the lowest index"):
        _ties_go_to_the_lowest_index(t)
        t.untidy()


def _returns_texts(t: Trial) -> None:
    args = (FRUIT, FRUIT_REWARDS)
    got = t.run(*args)
    shown = f"{t.call_text(args)} gave {got!r}"
    numbers = _numbers_in(got)
    t.holds(
        4.0 not in numbers,
        "these are rewards. A user wants the reply that has the highest: argmax, not max.",
        shown,
    )
    t.holds(not numbers, "these are indices. Look the replies up in texts.", shown)
    t.holds(
        isinstance(plain_value(got), list),
        "the result should be a list with one text for each prompt, also where there is one "
        "prompt.",
        shown,
    )
    t.holds(
        len(got) == 1 and all(isinstance(text, str) for text in got),
        "the result should be one string for each prompt.",
        shown,
    )


def _numbers_in(result: Any) -> list[float]:
    """The numbers among the entries of a result, which may be a number itself."""
    plain = plain_value(result)
    entries = plain if isinstance(plain, list) else [plain]
    return [float(x) for x in entries if isinstance(x, (int, float))]


def _takes_the_highest(t: Trial) -> None:
    args = (FRUIT, FRUIT_REWARDS)
    mistakes = [
        (["fig"], "that is the candidate with the lowest reward."),
        (
            ["plum"],
            "that is the second highest: does your code look at every candidate of the row?",
        ),
        (
            ["pear"],
            "that is the first candidate, whatever its reward: is the highest taken over the "
            "candidates of a prompt (dim=1)?",
        ),
    ]
    t.same(args, ["kiwi"], mistakes, otherwise="that is not the candidate with the highest reward")


def _takes_negative_ones(t: Trial) -> None:
    negative = (
        "all rewards are below 0 here, and no candidate is chosen: does your search start at 0?"
    )
    args = ([["a", "b", "c"]], torch.tensor([[-4.0, -2.0, -5.0]]))
    mistakes = [
        (["c"], "-2 is higher than -5: is the reward compared by its absolute value?"),
        (
            ["a"],
            "all rewards are below 0 here, and the first candidate is chosen: does your search "
            "start above them, at 0 or -1?",
        ),
        ([None], negative),
        ([""], negative),
    ]
    t.same(args, ["b"], mistakes, otherwise="that is not the candidate with the highest reward")


def _takes_one_of_each_row(t: Trial) -> None:
    texts = [["a", "b", "c"], ["d", "e", "f"]]
    rewards = torch.tensor([[1.0, 3.0, 2.0], [-0.4, -0.45, -0.3]])
    mistakes = [
        (["a", "e"], "that is the candidate with the lowest reward."),
        (
            ["b", "e"],
            "the second prompt gets the candidate in the first one's place. Look for the highest "
            "of each row anew: dim=1, or in a loop a best that begins anew with each prompt.",
        ),
        (
            ["b", "d"],
            "the second prompt gets its first candidate. Its rewards differ by less than 1: are "
            "they rounded, or made whole numbers?",
        ),
        (
            ["b", "b"],
            "the second prompt gets a reply to the first: does the best of one prompt stay when "
            "the next one begins?",
        ),
        (
            ["b"],
            "there are two prompts, and the result holds one text: is the return inside the loop?",
        ),
        (["a", "b", "c"], "the highest is taken over prompts. Take it over candidates: dim=1."),
    ]
    t.same(
        (texts, rewards),
        ["b", "f"],
        mistakes,
        otherwise="that is not the candidate with the highest reward of each row",
    )


def _ties_go_to_the_lowest_index(t: Trial) -> None:
    args = ([["fig", "kiwi", "plum", "date"]], torch.tensor([[0.0, 1.0, 1.0, 1.0]]))
    mistakes = [
        (["date"], "of equal rewards the last wins; the lowest index should."),
        (["plum"], "of equal rewards the text decides; the lowest index should."),
    ]
    t.same(args, ["kiwi"], mistakes, otherwise="with a tie the lowest index should win")


@task(
    "ex01",
    points=3,
    minutes=6,
    difficulty="easy",
    idea="win rate n/(n+1) and ties",
    read=f"{L01}, 'Win rate: a result that needs no model'",
    hints=(
        "Each prompt gives 1, a half, or 0. The answer is their mean.",
        "a > b and a == b are tensors of truth values; .float() makes numbers of them.",
        "(a > b).float() + 0.5 * (a == b).float(), then the mean.",
    ),
)
def win_share(t: Trial) -> None:
    with t.part(1, "counts wins"):
        _loss_counts_nothing(t)
        _win_counts_one(t)
        _prompt_by_prompt(t)
    with t.part(1, "a tie counts half"):
        _tie_counts_half(t)
        _tie_among_wins_counts_half(t)
    with t.part(1, "one number, for any scale of rewards"):
        _wins_by_much_or_little(t)
        t.untidy()


def _loss_counts_nothing(t: Trial) -> None:
    args = (torch.tensor([1.0]), torch.tensor([3.0]))
    mistakes = [
        (1.0, "the reply of b is higher, and you count a win for a: is it turned around?"),
        (-1.0, "a loss counts 0, not -1."),
        (0.5, "a loss counts half here; only a tie should."),
        (-2.0, "this is the difference of the rewards. A win counts 1, however large."),
    ]
    t.same(
        args,
        0.0,
        mistakes,
        otherwise="the reply of b is higher: what does a lost prompt count?",
    )


def _win_counts_one(t: Trial) -> None:
    args = (torch.tensor([2.0]), torch.tensor([1.0]))
    mistakes = [
        (0.0, "the only prompt is not counted: does your loop stop before the last one?"),
        (100.0, "this is per cent. A share lies between 0 and 1."),
        (0.5, "a win counts half here; only a tie should."),
        (float("inf"), "this divides the wins by the losses. Divide by the number of prompts."),
    ]
    t.same(args, 1.0, mistakes, otherwise="the reply of a is higher: what does a won prompt count?")


def _prompt_by_prompt(t: Trial) -> None:
    args = (torch.tensor([2.0, 1.0]), torch.tensor([1.0, 3.0]))
    mistakes = [
        (1.0, "this is the number of wins, not their share."),
        (0.0, "are the means compared? Compare prompt by prompt, then take the mean."),
        (0.375, "each reply of a is compared with each of b. Compare prompt by prompt."),
        (
            0.25,
            "after sorting, replies to different prompts stand side by side. Compare prompt by "
            "prompt.",
        ),
    ]
    t.same(args, 0.5, mistakes, otherwise="compare prompt by prompt, then take the share")


def _tie_counts_half(t: Trial) -> None:
    args = (torch.tensor([1.0]), torch.tensor([1.0]))
    mistakes = [
        (0.0, "a tie counts as a loss here; it should count half."),
        (1.0, "a tie counts as a win here; it should count half."),
        (
            float("nan"),
            "ties are left out, and nothing is left to divide by; they should count half.",
        ),
    ]
    t.same(args, 0.5, mistakes, otherwise="a tie should count half")


def _tie_among_wins_counts_half(t: Trial) -> None:
    args = (torch.tensor([1.0, 2.0, 2.0]), torch.tensor([1.0, 1.0, 1.0]))
    mistakes = [
        (1.0, "ties are left out of the count; they should count half."),
        (0.5 / 3, "only the first prompt is counted: is the return inside the loop?"),
        (0.83, "this is rounded. Return the share as it is."),
    ]
    t.same(
        args,
        2.5 / 3,
        mistakes,
        otherwise="add what each prompt counts, then divide by the number of prompts",
    )


def _wins_by_much_or_little(t: Trial) -> None:
    args = (torch.tensor([5.0, 0.1]), torch.tensor([1.0, 0.0]))
    mistakes = [
        (2.05, "this is the mean difference of rewards. A win counts 1, however large."),
        (0.75, "a small win is a win: compare exactly, without a tolerance."),
    ]
    t.same(args, 1.0, mistakes, otherwise="a win counts 1, by much or by little")

    t.same(
        (torch.tensor([-1.0, -2.0, -3.0, -4.0]), torch.tensor([-2.0, -1.0, -2.0, -3.0])),
        0.25,
        otherwise="rewards may be negative: the higher one wins all the same",
    )


@task(
    "ex01",
    points=4,
    minutes=15,
    difficulty="medium",
    idea="estimating the best of n from a pool",
    read=f"{L01}, 'On paper first'",
    hints=(
        "Sort the rewards upwards first. How many subsets of n have the i-th lowest as their best?",
        "The best is the i-th lowest when the other n - 1 come from the i - 1 below it: "
        "comb(i - 1, n - 1) subsets. i counts from 1.",
        "sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n).",
    ),
)
def expected_best(t: Trial) -> None:
    with t.part(1, "n = 1 is the mean, n = N the highest"):
        _one_is_the_mean(t)
        _all_is_the_highest(t)
    with t.part(2, "averages over all subsets"):
        _all_six_pairs(t)
    with t.part(1, "works for any N and n, with ties"):
        _other_sizes_and_ties(t)
        t.untidy()


def _one_is_the_mean(t: Trial) -> None:
    args = ([7.0, 2.0, 3.0], 1)
    _comb_of_a_negative_number(t, args)
    mistakes = [
        (
            7.0,
            "with n = 1 there is nothing to choose: the expected reward is the mean of the "
            "candidates.",
        ),
        (2.0, "with n = 1 the expected reward is the mean, not the lowest."),
        (12.0, "the weights do not add up to 1: divide by the number of subsets, comb(N, n)."),
        (1.0, "these are the weights alone. Multiply each by its reward."),
        (17 / 3, "off by one: for the i-th lowest, i from 1, the weight has comb(i - 1, n - 1)."),
        (5 / 3, "the highest is left out: where does your range end?"),
        (0.0, "every weight is 0: does // round it down?"),
        (
            2 / 3,
            "only the lowest counts: are comb's arguments the other way round, or is the return "
            "inside the loop?",
        ),
        (4 / 3, "weights and rewards are multiplied and added up. Do not divide by N once more."),
    ]
    t.same(args, 4.0, mistakes, otherwise="with n = 1 the result should be the mean")


def _comb_of_a_negative_number(t: Trial, args: tuple) -> None:
    try:
        t.run(*args)
    except Wrong as wrong:
        t.holds(
            "non-negative" not in wrong.message,
            "comb got a negative number. In the formula i counts from 1: for the lowest it is "
            "comb(0, n - 1).",
            wrong.shown,
        )
        raise


def _all_is_the_highest(t: Trial) -> None:
    args = ([7.0, 2.0, 3.0], 3)
    mistakes = [
        (4.0, "this is the mean of the n best, not the best of n."),
        (156 / 27, "this draws with replacement. A candidate cannot be drawn twice."),
        (2.0, "that is the lowest of n: sort upwards."),
        (3.0, "the last of the list got the highest's weight: sort upwards first."),
        (24.0, "off by one: for the i-th lowest, i from 1, the weight has comb(i - 1, n - 1)."),
    ]
    t.same(args, 7.0, mistakes, otherwise="with n = N the result should be the highest")


def _all_six_pairs(t: Trial) -> None:
    row = [0.7, 1.1, 0.2, -0.3]
    mistakes = [
        (0.9, "this is the mean of the 2 best, not the expected best of 2."),
        (1.1, "this is the best of the whole pool; the best of 2 is lower on average."),
        (0.65, "only two pairs are counted here; four candidates have six."),
        (
            0.8,
            "is this rounded, or are only neighbours counted as pairs? Four candidates have six "
            "pairs.",
        ),
        (
            13.3 / 16,
            "close: this draws with replacement, which counts a pair of a candidate with itself.",
        ),
        (4.9, "this is the sum over subsets; divide by their number."),
        (0.1 / 6, "these are the lowest of each pair: sort upwards."),
        (2.1 / 6, "off by one: i counts from 1, so the lowest gets comb(0, n - 1)."),
        (4.4 / 6, "-0.3 is the lowest of the four: sort by value, not by absolute value."),
        (0.82, "this is rounded. Return the average as it is."),
    ]
    t.same((row, 2), 4.9 / 6, mistakes, otherwise="this is not the average over the six pairs")

    t.same(
        (row[::-1], 2),
        4.9 / 6,
        otherwise="the order of the rewards should not matter: sort them first",
    )


def _other_sizes_and_ties(t: Trial) -> None:
    t.same(
        ([2.0, 1.0, 1.0], 2),
        5 / 3,
        otherwise=(
            "equal rewards belong to different candidates, and each counts: a set, or the index of "
            "a value, makes one of them"
        ),
    )

    t.same(
        ([5.0, -1.0, 2.0, 0.0, 3.0], 3),
        4.1,
        otherwise="the result is not right for N = 5, n = 3",
    )


NS = [1, 4, 16, 64]
RISING = [0.0, 4.0, 7.0, 10.0]


@task(
    "ex01",
    points=3,
    minutes=15,
    difficulty="medium",
    idea="improving a chatbot's replies with best-of-N and what it costs",
    read=f"{L01}, 'A case: improving a chatbot's replies'",
    hints=(
        "First compute the quality you want: where the curve starts, plus a share of the way to "
        "its highest point.",
        "The gain is max(quality) - quality[0]. A curve by a weak reward model falls at the end, "
        "so its highest point need not be its last.",
        "Go through the affordable n from small to large and return the first whose quality is at "
        "least quality[0] + share * gain. After the loop, take the affordable n with the highest "
        "quality: max keeps the first of equals.",
    ),
)
def cheapest_n(t: Trial) -> None:
    with t.part(1, "the smallest n that has the share"):
        _smallest_with_the_share(t)
        _share_of_the_gain(t)
    with t.part(1, "the gain goes up to the highest point, also when the curve falls"):
        _gain_to_the_highest_point(t)
    with t.part(1, "keeps to the budget"):
        _within_the_budget(t)
        _best_affordable(t)
        t.untidy()


def _smallest_with_the_share(t: Trial) -> None:
    args = (NS, RISING, 0.6, 100)
    mistakes = [
        (4, "4 candidates have 4 of the 10 points of gain, less than six tenths."),
        (64, "a smaller n has the share too; the smallest that has it is wanted."),
        (7.0, "this is the quality. Return n."),
        (2, "this is the position in ns. Return the n that stands there."),
    ]
    t.same(
        args,
        16,
        mistakes,
        otherwise="six tenths of the gain of 10 points are first reached at another n",
    )

    t.same(
        (NS, [0.0, 3.0, 5.0, 10.0], 0.5, 100),
        16,
        [(64, "a smaller n has exactly half of the gain, and that is at least half: >=, not >.")],
        otherwise="half of the gain of 10 points is first reached at another n",
    )


def _share_of_the_gain(t: Trial) -> None:
    args = (NS, [4.0, 5.0, 8.0, 10.0], 0.5, 100)
    mistakes = [
        (1, "this is the share of the gain alone. Add it to where the curve starts."),
        (4, "the share is of the gain over quality[0], not of the quality itself."),
        (64, "the gain is what lies above quality[0]; you take the share of the whole quality."),
    ]
    t.same(args, 16, mistakes, otherwise="the share is of the gain over quality[0]")


def _gain_to_the_highest_point(t: Trial) -> None:
    args = (NS, [0.0, 6.0, 10.0, 3.0], 0.9, 100)
    mistakes = [
        (
            4,
            "the curve falls at its end, and you measure the gain to its last point. Measure it to "
            "the highest.",
        ),
    ]
    t.same(args, 16, mistakes, otherwise="measure the gain to the highest point of the curve")

    args = (NS, [4.0, 6.0, 0.0, 8.0], 0.5, 100)
    mistakes = [
        (
            1,
            "the curve dips, and you measure the gain from its lowest point. Measure it from "
            "quality[0].",
        ),
        (64, "this curve goes down and up again: look at each n in turn, from the smallest."),
    ]
    t.same(
        args,
        4,
        mistakes,
        otherwise="measure the gain from quality[0] to the highest point of the curve",
    )

    t.same(
        (NS, [5.0, 4.0, 3.0, 2.0], 0.5, 100),
        1,
        otherwise="this curve never rises, so the gain on offer is 0: which n has half of nothing?",
    )


def _within_the_budget(t: Trial) -> None:
    args = (NS, RISING, 0.9, 16)
    mistakes = [
        (64, "64 is over the budget of 16 candidates."),
        (4, "an n equal to the budget is affordable: <=, not <."),
    ]
    t.same(
        args,
        16,
        mistakes,
        otherwise="with a budget of 16 nothing reaches 90 %, so the best affordable n is wanted",
    )

    t.same(
        (NS, RISING, 0.5, 16),
        16,
        [(4, "the share is of the whole gain on offer, also of what the budget does not reach.")],
        otherwise="the share is of the whole gain on offer, whatever the budget",
    )


def _best_affordable(t: Trial) -> None:
    args = (NS, [0.0, 6.0, 5.0, 10.0], 0.9, 16)
    mistakes = [
        (
            16,
            "nothing affordable has the share; then the affordable n of the highest quality is "
            "wanted, not the largest.",
        ),
        (64, "64 is over the budget of 16 candidates."),
    ]
    t.same(
        args,
        4,
        mistakes,
        otherwise=(
            "nothing affordable has the share, so the affordable n of the highest quality is wanted"
        ),
    )

    args = (NS, [-9.0, -5.0, -5.0, -1.0], 0.9, 16)
    mistakes = [
        (16, "two affordable n have the same quality; then the smaller is wanted."),
        (1, "the qualities are below 0 here: does your search for the best start at 0?"),
    ]
    t.same(
        args,
        4,
        mistakes,
        otherwise=(
            "nothing affordable has the share, so the best affordable n is wanted, of equals the "
            "smaller"
        ),
    )

    args = ([1, 2, 3, 4], [0.0, 3.0, 7.0, 10.0], 0.5, 4)
    mistakes = [
        (
            4,
            "a smaller n has the share and is affordable: the budget is for one n, not for the sum "
            "of all tried.",
        ),
    ]
    t.same(args, 3, mistakes, otherwise="the budget is for one n")
