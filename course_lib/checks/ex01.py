"""Checks of exercise ex01. Made by `course build` from exercises/src/ex01_best_of_n.py: edit there."""

from course_lib.checks.core import need  # noqa: F401, I001
import torch

from course_lib.checks.core import task

L01 = "lesson 01"


@task("ex01", points=3, minutes=8, difficulty="easy", idea="input and output formulation in best-of-N", read=f"{L01}, 'What goes in, what comes out'", hints=(
    "A user reads a reply, not a reward. Which of max and argmax gives you something to look the reply up with?",
    "rewards.argmax(dim=1) gives one index for each prompt. dim=1 runs over candidates, dim=0 over prompts.",
    "Go through texts and indices together with zip, and take row[i] of each."))
def best_of_n(t):
    texts, rewards = [["a", "b"]], torch.tensor([[1.0, 2.0]])
    with t.part(1, "returns texts, one for each prompt"):
        got = t.run(texts, rewards)
        shown = f"{t._call((texts, rewards))} gave {got!r}"
        t.holds(isinstance(got, (list, tuple)), "the result should be a list with one text for each prompt.", shown)
        numbers = [x for x in got if isinstance(x, (int, float)) or hasattr(x, "dtype")]
        if numbers:
            t.holds(float(numbers[0]) != 2.0, "these are the highest rewards. A user wants the reply that has it: argmax, not max.", shown)
            t.holds(False, "these are indices. Look the replies up in texts.", shown)
        t.holds(len(got) == 1 and all(isinstance(x, str) for x in got), "the result should be one string for each prompt.", shown)
    with t.part(1, "takes the highest reward, for any number of prompts and candidates"):
        t.same((texts, rewards), ["b"], [(["a"], "that is the candidate with the lowest reward.")], otherwise="that is not the candidate with the highest reward")
        t.same(([["a", "b"]], torch.tensor([[-2.0, -1.0]])), ["b"], [(["a"], "-1 is higher than -2: is the reward compared by its absolute value?")], otherwise="that is not the candidate with the highest reward")
        three = [["a", "b", "c"], ["d", "e", "f"]], torch.tensor([[3.0, 1.0, 2.0], [-5.0, -3.0, -4.0]])
        t.same(three, ["a", "e"], [(["b", "d"], "that is the candidate with the lowest reward."), (["a", "d"], "the second prompt gets the first candidate, whatever its reward."),
                                   (["a", "b", "c"], "the highest is taken over prompts. Take it over candidates: dim=1.")], otherwise="that is not the candidate with the highest reward of each row")
    with t.part(1, "ties go to the lowest index"):
        t.same(([["a", "b", "c"]], torch.tensor([[0.0, 1.0, 1.0]])), ["b"], [(["c"], "of two equal rewards the last wins; the lowest index should.")], otherwise="with a tie the lowest index should win")


@task("ex01", points=3, minutes=6, difficulty="easy", idea="win rate n/(n+1) and ties", read=f"{L01}, 'Win rate: a result that needs no model'", hints=(
    "Each prompt gives 1, a half, or 0. The answer is their mean.",
    "a > b and a == b are tensors of truth values; .float() makes numbers of them.",
    "(a > b).float() + 0.5 * (a == b).float(), then the mean."))
def win_share(t):
    one, two = torch.tensor([2.0, 1.0]), torch.tensor([1.0, 3.0])
    with t.part(1, "counts wins"):
        t.same((torch.tensor([2.0]), torch.tensor([1.0])), 1.0, [(0.0, "a is higher and you count a loss: is it turned around?")], otherwise="a wins the only prompt")
        t.same((one, two), 0.5, [(1.0, "this is the number of wins, not their share.")], otherwise="a wins one of two prompts")
    with t.part(1, "a tie counts half"):
        t.same((torch.tensor([1.0]), torch.tensor([1.0])), 0.5, [(0.0, "a tie counts as a loss here; it should count half."), (1.0, "a tie counts as a win here; it should count half.")], otherwise="a tie should count half")
        t.same((torch.tensor([1.0, 2.0, 2.0]), torch.tensor([1.0, 1.0, 1.0])), 2.5 / 3, [(1.0, "ties are left out of the count; they should count half.")], otherwise="two wins and a tie are 2.5 of 3")
    with t.part(1, "one number, for any scale of rewards"):
        t.same((torch.tensor([5.0, 0.1]), torch.tensor([1.0, 0.0])), 1.0, [(2.05, "this is the mean difference of rewards. A win counts 1, however large.")], otherwise="a wins both prompts, by much and by little")
        t.same((torch.tensor([-1.0, -2.0, -3.0, -4.0]), torch.tensor([-2.0, -1.0, -2.0, -3.0])), 0.25, otherwise="a wins one of four prompts")


@task("ex01", points=4, minutes=15, difficulty="medium", idea="estimating the best of n from a pool", read=f"{L01}, 'On paper first'", hints=(
    "Sort the rewards upwards first. How many subsets of n have the i-th lowest as their best?",
    "The best is the i-th lowest when the other n - 1 come from the i - 1 below it: comb(i - 1, n - 1) subsets. i counts from 1.",
    "sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)."))
def expected_best(t):
    row = [0.2, 1.1, 0.7, -0.3]
    with t.part(1, "n = 1 is the mean, n = N the highest"):
        t.same(([3.0, 1.0], 1), 2.0, [(3.0, "with n = 1 there is nothing to choose: the expected reward is the mean of the candidates."), (1.0, "with n = 1 the expected reward is the mean, not the lowest."),
                                      (1.5, "the result is too low by a factor: divide by the number of subsets, comb(N, n).")], otherwise="with n = 1 the result should be the mean")
        t.same(([3.0, 1.0], 2), 3.0, [(2.0, "this is the mean of the n best, not the best of n."), (2.5, "this draws with replacement: 3 and 3, 3 and 1, 1 and 3, 1 and 1. A candidate cannot be drawn twice."), (1.0, "that is the lowest of n.")], otherwise="with n = N the result should be the highest")
    with t.part(2, "averages over all subsets"):
        t.same((row, 2), 4.9 / 6, [(0.9, "this is the mean of the 2 best, not the expected best of 2."), (1.1, "this is the best of the whole pool; the best of 2 is lower on average."),
                                   (13.3 / 16, "close: this draws with replacement, which counts a pair of a candidate with itself."), (4.9, "this is the sum over subsets; divide by their number."), (0.1 / 6, "these are the lowest of each pair: sort upwards."),
                                   (2.1 / 6, "off by one: i counts from 1, so the lowest gets comb(0, n - 1).")], otherwise="the average over the six pairs is another number")
        t.same((list(reversed(row)), 2), 4.9 / 6, otherwise="the order of the rewards should not matter: sort them first")
    with t.part(1, "works for any N and n, with ties"):
        t.same(([1.0, 1.0, 0.0], 2), 1.0, otherwise="every pair of [1, 1, 0] has a 1 in it")
        t.same(([5.0, -1.0, 2.0, 0.0, 3.0], 3), 4.1, otherwise="the result is not right for N = 5, n = 3")


@task("ex01", points=3, minutes=12, difficulty="medium", idea="improving a chatbot's replies with best-of-N and what it costs", read=f"{L01}, 'A case: improving a chatbot's replies'", hints=(
    "First compute the quality you want: where the curve starts, plus a share of the way to its highest point.",
    "The gain is max(quality) - quality[0]. A curve by a weak reward model falls at the end, so its highest point need not be its last.",
    "Go through the affordable n from small to large and return the first whose quality is at least quality[0] + share * gain."))
def cheapest_n(t):
    ns, rising = [1, 2, 4, 8], [0.0, 4.0, 7.0, 10.0]
    with t.part(1, "the smallest n that has the share"):
        t.same((ns, rising, 0.5, 100), 4, [(2, "n = 2 has 4 of the 10 points of gain, less than half."), (8, "n = 4 already has the share; the smallest n that has it is wanted."), (7.0, "this is the quality. Return n."), (2.0, "n = 2 has 4 of the 10 points of gain, less than half.")],
               otherwise="half of the gain of 10 points is first reached at another n")
        t.same((ns, [4.0, 5.0, 7.0, 8.0], 0.5, 100), 4, [(1, "the share is of the gain over n = 1, not of the quality itself.")], otherwise="the share is of the gain over n = 1")
    with t.part(1, "the gain goes up to the highest point, also when the curve falls"):
        t.same((ns, [0.0, 6.0, 10.0, 3.0], 0.9, 100), 4, [(2, "the curve falls at its end, and you measure the gain to its last point. Measure it to the highest.")], otherwise="measure the gain to the highest point of the curve")
    with t.part(1, "keeps to the budget"):
        t.same((ns, rising, 0.9, 4), 4, [(8, "n = 8 is over the budget of 4 candidates.")], otherwise="with a budget of 4 nothing reaches 90 %, so the best affordable n is wanted")
        t.same((ns, [0.0, 6.0, 5.0, 10.0], 0.9, 4), 2, [(4, "nothing affordable has the share; then the affordable n of the highest quality is wanted, not the largest."), (8, "n = 8 is over the budget of 4 candidates.")],
               otherwise="nothing affordable has the share, so the affordable n of the highest quality is wanted")
