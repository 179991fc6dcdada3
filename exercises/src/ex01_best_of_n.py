# %% [markdown]
# # Exercise 01: best-of-N
#
# **You will:** write best-of-N, count wins with ties, and estimate what the best of $n$ gives from a pool of $N$. Then you decide a case.
#
# **Builds on:** lesson 01.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.best_of_n.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import numpy as np
import torch

from course_lib.checks import ex01 as check

# %% [markdown] task="best_of_n"
# ## Task 1. The best of N
#
# Write the function that returns, for each prompt, the candidate with the highest reward. `texts` holds $P$ lists of $N$ strings, `rewards` is a tensor of shape `(P, N)`. Where rewards tie, the lowest index wins. The result is a list of $P$ strings.

# %% role="task" task="best_of_n"
def best_of_n(texts, rewards):
    """The highest-reward candidate of each prompt, a list of P strings; ties go to the lowest index. rewards: (P, N)."""
    # SOLUTION
    best = torch.as_tensor(rewards).argmax(dim=1)
    return [row[i] for row, i in zip(texts, best.tolist())]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
import torch

from course_lib.checks.core import Wrong, task

L01 = "lesson 01"


@task("ex01", points=3, minutes=8, difficulty="easy", idea="input and output formulation in best-of-N", read=f"{L01}, 'What goes in, what comes out'", hints=(
    "A user reads a reply, not a reward. Which of max and argmax gives you something to look the reply up with?",
    "rewards.argmax(dim=1) gives one index for each prompt. dim=1 runs over candidates, dim=0 over prompts.",
    "Go through texts and indices together with zip, and take row[i] of each."))
def best_of_n(t):
    texts, rewards = [["pear", "fig", "plum", "kiwi"]], torch.tensor([[2.0, 1.0, 3.0, 4.0]])
    with t.part(1, "returns texts, one for each prompt"):
        got = t.run(texts, rewards)
        shown = f"{t._call((texts, rewards))} gave {got!r}"
        plain = got.tolist() if hasattr(got, "tolist") else got
        numbers = [float(x) for x in (plain if isinstance(plain, (list, tuple)) else [plain]) if isinstance(x, (int, float)) or hasattr(x, "dtype")]
        t.holds(4.0 not in numbers, "these are rewards. A user wants the reply that has the highest: argmax, not max.", shown)
        t.holds(not numbers, "these are indices. Look the replies up in texts.", shown)
        t.holds(isinstance(got, (list, tuple)), "the result should be a list with one text for each prompt, also where there is one prompt.", shown)
        t.holds(len(got) == 1 and all(isinstance(x, str) for x in got), "the result should be one string for each prompt.", shown)
    with t.part(1, "takes the highest reward, for any number of prompts and candidates"):
        t.same((texts, rewards), ["kiwi"], [(["fig"], "that is the candidate with the lowest reward."), (["plum"], "that is the second highest: does your code look at every candidate of the row?"),
                                            (["pear"], "that is the first candidate, whatever its reward: is the highest taken over the candidates of a prompt (dim=1)?")], otherwise="that is not the candidate with the highest reward")
        negative = "all rewards are below 0 here, and no candidate is chosen: does your search start at 0?"
        t.same(([["a", "b"]], torch.tensor([[-2.0, -1.0]])), ["b"], [(["a"], "-1 is higher than -2: is the reward compared by its absolute value?"), ([None], negative), ([""], negative)],
               otherwise="that is not the candidate with the highest reward")
        three = [["a", "b", "c"], ["d", "e", "f"]], torch.tensor([[3.0, 1.0, 2.0], [-0.5, -0.3, -0.4]])
        t.same(three, ["a", "e"], [(["b", "d"], "that is the candidate with the lowest reward."), (["a", "d"], "the second prompt gets its first candidate, whatever its reward."),
                                   (["a"], "there are two prompts, and the result holds one text: is the return inside the loop?"),
                                   (["a", "b", "c"], "the highest is taken over prompts. Take it over candidates: dim=1.")], otherwise="that is not the candidate with the highest reward of each row")
    with t.part(1, "ties go to the lowest index"):
        t.same(([["fig", "kiwi", "plum", "date"]], torch.tensor([[0.0, 1.0, 1.0, 1.0]])), ["kiwi"], [(["date"], "of equal rewards the last wins; the lowest index should."),
                                                                                                   (["plum"], "of equal rewards the text decides; the lowest index should.")], otherwise="with a tie the lowest index should win")

# %% role="hidden"
@probe("best_of_n")
def best_of_n_inputs(rng):
    for _ in range(20):
        P, N = rng.integers(1, 6), rng.integers(1, 9)
        yield [[f"{i}-{j}" for j in range(N)] for i in range(P)], torch.tensor(rng.integers(-3, 4, (P, N)) / 2.0)

# %% role="wrong"
@wrong("best_of_n", says="these are rewards")
def value_for_index(texts, rewards):
    return rewards.max(dim=1).values.tolist()


@wrong("best_of_n", says="these are indices")
def index_for_text(texts, rewards):
    return rewards.argmax(dim=1).tolist()


@wrong("best_of_n", says="argmax, not max")
def value_tensor(texts, rewards):
    return rewards.max(dim=1).values


@wrong("best_of_n", says="these are indices")
def index_tensor(texts, rewards):
    return rewards.argmax(dim=1)


@wrong("best_of_n", says="also where there is one prompt")
def one_text(texts, rewards):
    return texts[0][int(rewards[0].argmax())]


@wrong("best_of_n", says="dim=1")
def other_dimension(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.argmax(dim=0).tolist())]


@wrong("best_of_n", says="every candidate of the row")
def stops_early(texts, rewards):
    return [row[max(range(max(1, len(row) - 1)), key=lambda j: r[j])] for row, r in zip(texts, rewards)]


@wrong("best_of_n", says="start at 0")
def starts_at_zero(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        best, highest = None, 0
        for text, score in zip(row, scores):
            if score > highest:
                best, highest = text, score
        out.append(best)
    return out


@wrong("best_of_n", says="inside the loop")
def returns_in_the_loop(texts, rewards):
    for row, scores in zip(texts, rewards):
        return [row[int(scores.argmax())]]


@wrong("best_of_n", says="whatever its reward")
def whole_rewards(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.int().argmax(dim=1).tolist())]


@wrong("best_of_n", says="the text decides")
def by_pairs(texts, rewards):
    return [max(zip(scores.tolist(), row))[1] for row, scores in zip(texts, rewards)]


@wrong("best_of_n", says="changes its input")
def sorts_the_texts(texts, rewards):
    for row in texts:
        row.sort()
    return [row[i] for row, i in zip(texts, rewards.argmax(dim=1).tolist())]


@wrong("best_of_n", says="lowest reward")
def lowest(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.argmin(dim=1).tolist())]


@wrong("best_of_n", says="over prompts")
def wrong_dimension(texts, rewards):
    return [texts[i][j] if i < len(texts) else texts[0][j] for j, i in enumerate(rewards.argmax(dim=0).tolist())] if rewards.shape[0] > 1 else [texts[0][int(rewards[0].argmax())]]


@wrong("best_of_n", says="the last wins")
def last_of_ties(texts, rewards):
    return [row[max(j for j in range(len(row)) if r[j] == r.max())] for row, r in zip(texts, rewards)]


@wrong("best_of_n", says="absolute value")
def absolute(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.abs().argmax(dim=1).tolist())]


@wrong("best_of_n", says="whatever its reward")
def first_prompt_only(texts, rewards):
    return [row[int(rewards[0].argmax())] for row in texts]


@wrong("best_of_n", says="changes its input")
def sorts_its_input(texts, rewards):
    best = [row[i] for row, i in zip(texts, rewards.argmax(dim=1).tolist())]
    rewards.copy_(rewards.sort(dim=1, descending=True).values)
    return best

# %% role="right"
@right("best_of_n")
def with_a_loop(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        at = 0
        for j in range(len(row)):
            if scores[j] > scores[at]:
                at = j
        out.append(row[at])
    return out


@right("best_of_n")
def with_numpy(texts, rewards):
    return tuple(row[i] for row, i in zip(texts, np.asarray(rewards).argmax(1)))

# %% [markdown] task="win_share"
# ## Task 2. Who wins?
#
# `a` and `b` are tensors of shape `(P,)`: the rewards of two methods' replies to the same $P$ prompts. Return the share of prompts that `a` wins; **a tie counts half**. One number between 0 and 1.

# %% role="task" task="win_share"
def win_share(a, b):
    """Share of prompts where a has the higher reward, a tie counting one half. a, b: (P,). Returns a float in [0, 1]."""
    # SOLUTION
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return float(((a > b).double() + 0.5 * (a == b).double()).mean())
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex01", points=3, minutes=6, difficulty="easy", idea="win rate n/(n+1) and ties", read=f"{L01}, 'Win rate: a result that needs no model'", hints=(
    "Each prompt gives 1, a half, or 0. The answer is their mean.",
    "a > b and a == b are tensors of truth values; .float() makes numbers of them.",
    "(a > b).float() + 0.5 * (a == b).float(), then the mean."))
def win_share(t):
    one, two, three = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0])
    with t.part(1, "counts wins"):
        t.same((one, three), 0.0, [(1.0, "the reply of b is higher, and you count a win for a: is it turned around?"), (-1.0, "a loss counts 0, not -1."), (0.5, "a loss counts half here; only a tie should."),
                                   (-2.0, "this is the difference of the rewards. A win counts 1, however large.")], otherwise="the reply of b is higher: what does a lost prompt count?")
        t.same((two, one), 1.0, [(0.0, "the only prompt is not counted: does your loop stop before the last one?"), (100.0, "this is per cent. A share lies between 0 and 1."), (0.5, "a win counts half here; only a tie should."),
                                 (float("inf"), "this divides the wins by the losses. Divide by the number of prompts.")], otherwise="the reply of a is higher: what does a won prompt count?")
        t.same((torch.tensor([2.0, 1.0]), torch.tensor([1.0, 3.0])), 0.5, [(1.0, "this is the number of wins, not their share."), (0.0, "are the means compared? Compare prompt by prompt, then take the mean."),
                                                                           (0.375, "each reply of a is compared with each of b. Compare prompt by prompt."), (0.25, "after sorting, replies to different prompts stand side by side. Compare prompt by prompt.")],
               otherwise="compare prompt by prompt, then take the share")
    with t.part(1, "a tie counts half"):
        t.same((one, one), 0.5, [(0.0, "a tie counts as a loss here; it should count half."), (1.0, "a tie counts as a win here; it should count half."), (float("nan"), "ties are left out, and nothing is left to divide by; they should count half.")],
               otherwise="a tie should count half")
        t.same((torch.tensor([1.0, 2.0, 2.0]), torch.tensor([1.0, 1.0, 1.0])), 2.5 / 3, [(1.0, "ties are left out of the count; they should count half."), (0.5 / 3, "only the first prompt is counted: is the return inside the loop?"),
                                                                                       (0.83, "this is rounded. Return the share as it is.")], otherwise="add what each prompt counts, then divide by the number of prompts")
    with t.part(1, "one number, for any scale of rewards"):
        t.same((torch.tensor([5.0, 0.1]), torch.tensor([1.0, 0.0])), 1.0, [(2.05, "this is the mean difference of rewards. A win counts 1, however large."), (0.75, "a small win is a win: compare exactly, without a tolerance.")], otherwise="a win counts 1, by much or by little")
        t.same((torch.tensor([-1.0, -2.0, -3.0, -4.0]), torch.tensor([-2.0, -1.0, -2.0, -3.0])), 0.25, otherwise="rewards may be negative: the higher one wins all the same")

# %% role="hidden"
@probe("win_share")
def win_share_inputs(rng):
    for _ in range(20):
        P = rng.integers(1, 12)
        yield torch.tensor(rng.integers(-3, 4, P) / 2.0), torch.tensor(rng.integers(-3, 4, P) / 2.0)

# %% role="wrong"
@wrong("win_share", says="counts as a loss")
def ties_lose(a, b):
    return float((a > b).double().mean())


@wrong("win_share", says="counts as a win")
def ties_win(a, b):
    return float((a >= b).double().mean())


@wrong("win_share", says="left out")
def ties_dropped(a, b):
    n = int((a != b).sum())
    return float((a > b).sum() / n) if n else 0.5


@wrong("win_share", says="turned around")
def turned(a, b):
    return float(((b > a).double() + 0.5 * (a == b).double()).mean())


@wrong("win_share", says="difference of the rewards")
def difference(a, b):
    return float((a - b).double().mean())


@wrong("win_share", says="mean difference")
def mean_difference(a, b):
    d = (a - b).double().mean()
    return float(d) if float(d) > 1.5 else float(((a > b).double() + 0.5 * (a == b).double()).mean())


@wrong("win_share", says="number of wins")
def counts(a, b):
    return float(((a > b).double() + 0.5 * (a == b).double()).sum())


@wrong("win_share", says="should have one number")
def no_mean(a, b):
    return (a > b).double() + 0.5 * (a == b).double()


@wrong("win_share", says="a loss counts half")
def everything_else_half(a, b):
    return float((0.5 + 0.5 * (a > b).double()).mean())


@wrong("win_share", says="not -1")
def signs(a, b):
    return float(torch.sign(a - b).double().mean())


@wrong("win_share", says="before the last")
def one_too_few(a, b):
    points = 0.0
    for i in range(len(a) - 1):
        points += 1.0 if a[i] > b[i] else 0.5 if a[i] == b[i] else 0.0
    return points / len(a)


@wrong("win_share", says="per cent")
def per_cent(a, b):
    return 100 * float(((a > b).double() + 0.5 * (a == b).double()).mean())


@wrong("win_share", says="a win counts half")
def halved(a, b):
    return float((a >= b).double().mean()) / 2


@wrong("win_share", says="the losses")
def odds(a, b):
    return ((a > b).double().sum() + 0.5 * (a == b).sum()) / ((a < b).double().sum() + 0.5 * (a == b).sum())


@wrong("win_share", says="means compared")
def means_only(a, b):
    return float(a.mean() > b.mean()) + 0.5 * float(a.mean() == b.mean())


@wrong("win_share", says="with each of b")
def every_pair(a, b):
    return float(((a[:, None] > b).double() + 0.5 * (a[:, None] == b).double()).mean())


@wrong("win_share", says="after sorting")
def both_sorted(a, b):
    a, b = a.sort().values, b.sort().values
    return float(((a > b).double() + 0.5 * (a == b).double()).mean())


@wrong("win_share", says="nothing is left")
def ties_dropped_at_once(a, b):
    return (a > b).sum() / (a != b).sum()


@wrong("win_share", says="inside the loop")
def returns_in_the_loop(a, b):
    for x, y in zip(a, b):
        return (1.0 if x > y else 0.5 if x == y else 0.0) / len(a)


@wrong("win_share", says="rounded")
def two_digits(a, b):
    return round(float(((a > b).double() + 0.5 * (a == b).double()).mean()), 2)


@wrong("win_share", says="tolerance")
def nearly_equal(a, b):
    tie = torch.isclose(a, b, atol=0.2)
    return float(((a > b) & ~tie).double().mean() + 0.5 * tie.double().mean())

# %% role="right"
@right("win_share")
def by_loop(a, b):
    points = 0.0
    for x, y in zip(a, b):
        points += 1.0 if x > y else 0.5 if x == y else 0.0
    return points / len(a)


@right("win_share")
def by_sign(a, b):
    return np.mean((np.sign(np.asarray(a, dtype=np.float32) - np.asarray(b, dtype=np.float32)) + 1) / 2)

# %% [markdown] task="expected_best"
# ## Task 3. The best of $n$ from a pool of $N$
#
# You have $N$ rewards of one prompt's candidates and want the expected highest of $n$ of them, drawn **without** replacement. Average over all subsets of $n$: the $i$-th lowest of the $N$ is the best of a subset with probability
# $\binom{i-1}{n-1} / \binom{N}{n}$. `rewards` is a list of $N$ numbers in any order.

# %% role="task" task="expected_best"
from math import comb


def expected_best(rewards, n):
    """Expected highest of n of the N rewards, over all subsets of n. rewards: N numbers, n from 1 to N. Returns a float."""
    # SOLUTION
    ordered, N = sorted(float(r) for r in rewards), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex01", points=4, minutes=15, difficulty="medium", idea="estimating the best of n from a pool", read=f"{L01}, 'On paper first'", hints=(
    "Sort the rewards upwards first. How many subsets of n have the i-th lowest as their best?",
    "The best is the i-th lowest when the other n - 1 come from the i - 1 below it: comb(i - 1, n - 1) subsets. i counts from 1.",
    "sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)."))
def expected_best(t):
    pool, row = [7.0, 2.0, 3.0], [0.7, 1.1, 0.2, -0.3]
    with t.part(1, "n = 1 is the mean, n = N the highest"):
        try:
            once, again = t.run(pool, 1), t.run(pool, 1)
        except Wrong as wrong:
            t.holds("non-negative" not in wrong.message, "comb got a negative number. In the formula i counts from 1: for the lowest it is comb(0, n - 1).", wrong.shown)
            raise
        t.holds(repr(once) == repr(again), "two calls with the same input differ. Average over all subsets instead of random ones.", t._call((pool, 1)))
        t.same((pool, 1), 4.0, [(7.0, "with n = 1 there is nothing to choose: the expected reward is the mean of the candidates."), (2.0, "with n = 1 the expected reward is the mean, not the lowest."),
                                (12.0, "the weights do not add up to 1: divide by the number of subsets, comb(N, n)."), (1.0, "these are the weights alone. Multiply each by its reward."),
                                (17 / 3, "off by one: for the i-th lowest, i from 1, the weight has comb(i - 1, n - 1)."), (5 / 3, "the highest is left out: where does your range end?"), (0.0, "every weight is 0: does // round it down?"),
                                (2 / 3, "only the lowest counts: are comb's arguments the other way round, or is the return inside the loop?"), (4 / 3, "weights and rewards are multiplied and added up. Do not divide by N once more.")],
               otherwise="with n = 1 the result should be the mean")
        t.same((pool, 3), 7.0, [(4.0, "this is the mean of the n best, not the best of n."), (156 / 27, "this draws with replacement. A candidate cannot be drawn twice."), (2.0, "that is the lowest of n: sort upwards."),
                                (3.0, "the last of the list got the highest's weight: sort upwards first."), (24.0, "off by one: for the i-th lowest, i from 1, the weight has comb(i - 1, n - 1).")], otherwise="with n = N the result should be the highest")
    with t.part(2, "averages over all subsets"):
        t.same((row, 2), 4.9 / 6, [(0.9, "this is the mean of the 2 best, not the expected best of 2."), (1.1, "this is the best of the whole pool; the best of 2 is lower on average."), (0.65, "only two pairs are counted here; four candidates have six."), (0.8, "is this rounded, or are only neighbours counted as pairs? Four candidates have six pairs."),
                                   (13.3 / 16, "close: this draws with replacement, which counts a pair of a candidate with itself."), (4.9, "this is the sum over subsets; divide by their number."), (0.1 / 6, "these are the lowest of each pair: sort upwards."),
                                   (2.1 / 6, "off by one: i counts from 1, so the lowest gets comb(0, n - 1)."), (4.4 / 6, "-0.3 is the lowest of the four: sort by value, not by absolute value."), (0.82, "this is rounded. Return the average as it is.")],
               otherwise="this is not the average over the six pairs")
        t.same((list(reversed(row)), 2), 4.9 / 6, otherwise="the order of the rewards should not matter: sort them first")
    with t.part(1, "works for any N and n, with ties"):
        t.same(([2.0, 1.0, 1.0], 2), 5 / 3, otherwise="equal rewards belong to different candidates, and each counts: a set, or the index of a value, makes one of them")
        t.same(([5.0, -1.0, 2.0, 0.0, 3.0], 3), 4.1, otherwise="the result is not right for N = 5, n = 3")

# %% role="hidden"
@probe("expected_best")
def expected_best_inputs(rng):
    for _ in range(20):
        N = int(rng.integers(1, 12))
        yield (rng.integers(-6, 7, N) / 2.0).tolist(), int(rng.integers(1, N + 1))

# %% role="wrong"
@wrong("expected_best", says="mean of the n best")
def top_mean(rewards, n):
    return sum(sorted(rewards)[-n:]) / n if n > 1 else sum(rewards) / len(rewards)


@wrong("expected_best", says="with replacement")
def replaced(rewards, n):
    ordered, N = sorted(rewards), len(rewards)
    return sum(((i / N) ** n - ((i - 1) / N) ** n) * ordered[i - 1] for i in range(1, N + 1))


@wrong("expected_best", says="nothing to choose")
def highest(rewards, n):
    return max(rewards)


def weighted(rewards, weight):
    """The sum of weight(i) times the i-th lowest reward, i from 1."""
    return sum(weight(i) * r for i, r in enumerate(sorted(rewards), start=1))


@wrong("expected_best", says="number of subsets")
def not_divided(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n - 1))


@wrong("expected_best", says="i counts from 1")
def from_zero(rewards, n):
    ordered, N = sorted(rewards), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i] for i in range(N)) / comb(N, n)


@wrong("expected_best", says="off by one")
def comb_n(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n)) / comb(len(rewards), n)


@wrong("expected_best", says="off by one")
def comb_i(rewards, n):
    return weighted(rewards, lambda i: comb(i, n - 1)) / comb(len(rewards), n)


@wrong("expected_best", says="weights alone")
def no_rewards(rewards, n):
    return sum(comb(i - 1, n - 1) for i in range(1, len(rewards) + 1)) / comb(len(rewards), n)


@wrong("expected_best", says="range end")
def without_the_highest(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n - 1) * (i < len(rewards))) / comb(len(rewards), n)


@wrong("expected_best", says="other way round")
def arguments_swapped(rewards, n):
    return weighted(rewards, lambda i: comb(n - 1, i - 1)) / comb(len(rewards), n)


@wrong("expected_best", says="round it down")
def whole_division(rewards, n):
    return float(weighted(rewards, lambda i: comb(i - 1, n - 1) // comb(len(rewards), n)))


@wrong("expected_best", says="by N once more")
def mean_of_terms(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n - 1)) / comb(len(rewards), n) / len(rewards)


generator = np.random.default_rng(0)


@wrong("expected_best", says="two calls")
def random_subsets(rewards, n):
    return float(np.mean([max(generator.choice(rewards, n, replace=False)) for _ in range(500)]))


@wrong("expected_best", says="sort upwards first")
def not_sorted(rewards, n):
    return sum(comb(i, n - 1) * r for i, r in enumerate(rewards)) / comb(len(rewards), n)


@wrong("expected_best", says="only two pairs")
def groups(rewards, n):
    return sum(max(rewards[k : k + n]) for k in range(0, len(rewards), n)) / len(range(0, len(rewards), n))


@wrong("expected_best", says="only neighbours")
def windows(rewards, n):
    return sum(max(rewards[k : k + n]) for k in range(len(rewards) - n + 1)) / (len(rewards) - n + 1)


@wrong("expected_best", says="absolute value")
def by_size(rewards, n):
    return sum(comb(i, n - 1) * r for i, r in enumerate(sorted(rewards, key=abs))) / comb(len(rewards), n)


@wrong("expected_best", says="rounded")
def two_digits(rewards, n):
    return round(expected_best(rewards, n), 2)


@wrong("expected_best", says="each counts")
def without_doubles(rewards, n):
    different = sorted(set(rewards))
    return weighted(different, lambda i: comb(i - 1, n - 1)) / comb(len(different), n)


@wrong("expected_best", says="each counts")
def different_pairs(rewards, n):
    from itertools import combinations
    found = {max(c) if n == 1 else c for c in combinations(sorted(rewards), n)}
    return sum(c if n == 1 else max(c) for c in found) / len(found)


@wrong("expected_best", says="each counts")
def by_index(rewards, n):
    ordered = sorted(rewards)
    return sum(comb(ordered.index(r), n - 1) * r for r in rewards) / comb(len(rewards), n)


@wrong("expected_best", says="nothing to choose")
def first_n(rewards, n):
    return max(rewards[:n])


@wrong("expected_best", says="sort upwards")
def sorted_down(rewards, n):
    ordered, N = sorted(rewards, reverse=True), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)


@wrong("expected_best", says="order of the rewards")
def unsorted_pool(rewards, n):
    ordered, N = (sorted(rewards) if list(rewards)[0] != -0.3 else list(rewards)), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)


@wrong("expected_best", says="N = 5")
def only_four(rewards, n):
    return expected_best(rewards, n) if len(rewards) <= 4 else max(rewards)


@wrong("expected_best", hidden=True)
def only_small(rewards, n):
    return expected_best(rewards, n) if len(rewards) <= 5 else max(rewards)

# %% role="right"
@right("expected_best")
def by_subsets(rewards, n):
    from itertools import combinations
    bests = [max(c) for c in combinations([float(r) for r in rewards], n)]
    return sum(bests) / len(bests)


@right("expected_best")
def by_weights(rewards, n):
    ordered = np.sort(np.asarray(rewards, dtype=np.float64))
    N = len(ordered)
    weights = np.array([comb(i, n - 1) for i in range(N)], dtype=float)
    return torch.tensor(float(weights @ ordered / weights.sum()))


@right("expected_best")
def by_leaving_out(rewards, n):
    if n == len(rewards):
        return max(rewards)
    return sum(by_leaving_out(rewards[:k] + rewards[k + 1 :], n) for k in range(len(rewards))) / len(rewards) if len(rewards) < 7 else by_subsets(rewards, n)


@right("expected_best")
def by_ratios(rewards, n):
    total, weight, N = 0.0, n / len(rewards), len(rewards)
    for k, r in enumerate(sorted(rewards, reverse=True), start=1):  # from the highest down
        total += weight * r
        weight = weight * (N - k - n + 1) / (N - k) if k < N else 0.0
    return total

# %% [markdown] task="cheapest_n"
# ## Task 4. How far to go
#
# `ns` holds numbers of candidates, ascending, and `quality[k]` the expected gold reward of the best of `ns[k]`. The **gain on offer** is what lies between `quality[0]` and the highest of `quality`, whether or not the budget reaches that far.
#
# Return the **smallest** $n$ that costs no more than `budget` candidates and has at least the share `share` of the gain on offer: 0.9 is nine tenths of the way up. If no affordable $n$ has that share, return the affordable $n$ with the highest quality, of equals the smaller.
# `ns[0]` is always affordable, and the gain on offer may be 0.

# %% role="task" task="cheapest_n"
def cheapest_n(ns, quality, share, budget):
    """The smallest affordable n with at least `share` of the gain; else the best affordable n. ns, quality: K numbers each."""
    # SOLUTION
    wanted = quality[0] + share * (max(quality) - quality[0])
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    for n, q in affordable:
        if q >= wanted:
            return n
    return max(affordable, key=lambda pair: pair[1])[0]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex01", points=3, minutes=15, difficulty="medium", idea="improving a chatbot's replies with best-of-N and what it costs", read=f"{L01}, 'A case: improving a chatbot's replies'", hints=(
    "First compute the quality you want: where the curve starts, plus a share of the way to its highest point.",
    "The gain is max(quality) - quality[0]. A curve by a weak reward model falls at the end, so its highest point need not be its last.",
    "Go through the affordable n from small to large and return the first whose quality is at least quality[0] + share * gain. After the loop, take the affordable n with the highest quality: max keeps the first of equals."))
def cheapest_n(t):
    ns, rising = [1, 4, 16, 64], [0.0, 4.0, 7.0, 10.0]
    with t.part(1, "the smallest n that has the share"):
        t.same((ns, rising, 0.6, 100), 16, [(4, "4 candidates have 4 of the 10 points of gain, less than six tenths."), (64, "a smaller n has the share too; the smallest that has it is wanted."), (7.0, "this is the quality. Return n."), (2, "this is the position in ns. Return the n that stands there.")],
               otherwise="six tenths of the gain of 10 points are first reached at another n")
        t.same((ns, [0.0, 3.0, 5.0, 10.0], 0.5, 100), 16, [(64, "a smaller n has exactly half of the gain, and that is at least half: >=, not >.")], otherwise="half of the gain of 10 points is first reached at another n")
        t.same((ns, [4.0, 5.0, 8.0, 10.0], 0.5, 100), 16, [(1, "this is the share of the gain alone. Add it to where the curve starts."), (4, "the share is of the gain over quality[0], not of the quality itself."), (64, "the gain is what lies above quality[0]; you take the share of the whole quality.")],
               otherwise="the share is of the gain over quality[0]")
    with t.part(1, "the gain goes up to the highest point, also when the curve falls"):
        t.same((ns, [0.0, 6.0, 10.0, 3.0], 0.9, 100), 16, [(4, "the curve falls at its end, and you measure the gain to its last point. Measure it to the highest.")], otherwise="measure the gain to the highest point of the curve")
        t.same((ns, [4.0, 6.0, 0.0, 8.0], 0.5, 100), 4, [(1, "the curve dips, and you measure the gain from its lowest point. Measure it from quality[0]."), (64, "this curve goes down and up again: look at each n in turn, from the smallest.")], otherwise="measure the gain from quality[0] to the highest point of the curve")
        t.same((ns, [5.0, 4.0, 3.0, 2.0], 0.5, 100), 1, otherwise="this curve never rises, so the gain on offer is 0: which n has half of nothing?")
    with t.part(1, "keeps to the budget"):
        t.same((ns, rising, 0.9, 16), 16, [(64, "64 is over the budget of 16 candidates."), (4, "an n equal to the budget is affordable: <=, not <.")], otherwise="with a budget of 16 nothing reaches 90 %, so the best affordable n is wanted")
        t.same((ns, rising, 0.5, 16), 16, [(4, "the share is of the whole gain on offer, also of what the budget does not reach.")], otherwise="the share is of the whole gain on offer, whatever the budget")
        t.same((ns, [0.0, 6.0, 5.0, 10.0], 0.9, 16), 4, [(16, "nothing affordable has the share; then the affordable n of the highest quality is wanted, not the largest."), (64, "64 is over the budget of 16 candidates.")],
               otherwise="nothing affordable has the share, so the affordable n of the highest quality is wanted")
        t.same((ns, [-9.0, -5.0, -5.0, -1.0], 0.9, 16), 4, [(16, "two affordable n have the same quality; then the smaller is wanted."), (1, "the qualities are below 0 here: does your search for the best start at 0?")], otherwise="nothing affordable has the share, so the best affordable n is wanted, of equals the smaller")
        t.same(([1, 2, 3, 4], [0.0, 3.0, 7.0, 10.0], 0.5, 4), 3, [(4, "a smaller n has the share and is affordable: the budget is for one n, not for the sum of all tried.")], otherwise="the budget is for one n")

# %% role="hidden"
@probe("cheapest_n")
def cheapest_n_inputs(rng):
    for _ in range(30):
        K = int(rng.integers(2, 8))
        steps = rng.integers(-2, 6, K - 1)
        yield [2**k for k in range(K)], [0.5] + (0.5 + np.cumsum(steps)).tolist(), float(rng.choice([0.25, 0.5, 0.75, 1.0])), int(rng.integers(1, 2**K))

# %% role="wrong"
@wrong("cheapest_n", says="not of the quality itself")
def share_of_quality(ns, quality, share, budget):
    ok = [n for n, q in zip(ns, quality) if n <= budget and q >= share * max(quality)]
    return ok[0] if ok else max((q, -n) for n, q in zip(ns, quality) if n <= budget)[1] * -1


@wrong("cheapest_n", says="last point")
def to_the_last(ns, quality, share, budget):
    wanted = quality[0] + share * (quality[-1] - quality[0])
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return next((n for n, q in affordable if q >= wanted), max(affordable, key=lambda pair: pair[1])[0])


@wrong("cheapest_n", says="over the budget")
def no_budget(ns, quality, share, budget):
    wanted = quality[0] + share * (max(quality) - quality[0])
    return next(n for n, q in zip(ns, quality) if q >= wanted)


@wrong("cheapest_n", says="not the largest")
def largest_affordable(ns, quality, share, budget):
    wanted = quality[0] + share * (max(quality) - quality[0])
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return next((n for n, q in affordable if q >= wanted), affordable[-1][0])


@wrong("cheapest_n", says="smallest that has it")
def the_best(ns, quality, share, budget):
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return max(affordable, key=lambda pair: pair[1])[0]


@wrong("cheapest_n", says="Return n")
def the_quality(ns, quality, share, budget):
    return quality[ns.index(cheapest_n(ns, quality, share, budget))]


@wrong("cheapest_n", says="position in ns")
def the_position(ns, quality, share, budget):
    return ns.index(cheapest_n(ns, quality, share, budget))


def chosen_by(ns, quality, wanted, budget, fits=lambda n, budget: n <= budget, last=False):
    """The smallest n that ``fits`` the budget and has the quality ``wanted``; else the best (with ``last`` the last of equals)."""
    affordable = [(n, q) for n, q in zip(ns, quality) if fits(n, budget)] or [(ns[0], quality[0])]
    return next((n for n, q in affordable if q >= wanted), max(affordable, key=lambda pair: (pair[1], pair[0] if last else 0))[0])


@wrong("cheapest_n", says="less than six tenths")
def rest_of_share(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + (1 - share) * (max(quality) - quality[0]), budget)


@wrong("cheapest_n", says=">=, not >")
def strictly_more(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + share * (max(quality) - quality[0]) + 1e-9, budget)


@wrong("cheapest_n", says="where the curve starts")
def start_forgotten(ns, quality, share, budget):
    return chosen_by(ns, quality, share * (max(quality) - quality[0]), budget)


@wrong("cheapest_n", says="share of the whole quality")
def start_and_share_of_all(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + share * max(quality), budget)


@wrong("cheapest_n", says="lowest point")
def from_the_lowest(ns, quality, share, budget):
    return chosen_by(ns, quality, min(quality) + share * (max(quality) - min(quality)), budget)


@wrong("cheapest_n", says="each n in turn")
def by_bisection(ns, quality, share, budget):
    from bisect import bisect_left
    wanted = quality[0] + share * (max(quality) - quality[0])
    at = bisect_left(quality, wanted)
    return ns[at] if at < len(ns) and ns[at] <= budget else chosen_by(ns, quality, np.inf, budget)


@wrong("cheapest_n", says="ZeroDivisionError")
def divides_by_the_gain(ns, quality, share, budget):
    gain = max(quality) - quality[0]
    return next((n for n, q in zip(ns, quality) if n <= budget and (q - quality[0]) / gain >= share), chosen_by(ns, quality, np.inf, budget))


@wrong("cheapest_n", says="<=, not <")
def below_the_budget(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + share * (max(quality) - quality[0]), budget, fits=lambda n, budget: n < budget)


@wrong("cheapest_n", says="does not reach")
def gain_within_budget(ns, quality, share, budget):
    within = max(q for n, q in zip(ns, quality) if n <= budget)
    return chosen_by(ns, quality, quality[0] + share * (within - quality[0]), budget)


@wrong("cheapest_n", says="the smaller is wanted")
def larger_of_equals(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + share * (max(quality) - quality[0]), budget, last=True)


@wrong("cheapest_n", says="start at 0")
def search_from_zero(ns, quality, share, budget):
    wanted, best, highest = quality[0] + share * (max(quality) - quality[0]), ns[0], 0
    for n, q in zip(ns, quality):
        if n > budget:
            break
        if q >= wanted:
            return n
        if q > highest:
            best, highest = n, q
    return best


@wrong("cheapest_n", says="sum of all tried")
def summed_budget(ns, quality, share, budget):
    wanted, spent = quality[0] + share * (max(quality) - quality[0]), 0
    for n, q in zip(ns, quality):
        spent += n
        if spent <= budget and q >= wanted:
            return n
    return chosen_by(ns, quality, np.inf, budget)


@wrong("cheapest_n", says="end in a return")
def nothing_else(ns, quality, share, budget):
    for n, q in zip(ns, quality):
        if n <= budget and q >= quality[0] + share * (max(quality) - quality[0]):
            return n


@wrong("cheapest_n", says="changes its input")
def takes_away(ns, quality, share, budget):
    wanted = quality[0] + share * (max(quality) - quality[0])
    while ns[-1] > budget:
        ns.pop()
        quality.pop()
    return chosen_by(ns, quality, wanted, budget)


@wrong("cheapest_n", hidden=True)
def four_at_most(ns, quality, share, budget):
    return cheapest_n(ns[:4], quality[:4], share, budget)

# %% role="right"
@right("cheapest_n")
def with_arrays(ns, quality, share, budget):
    q = np.asarray(quality, dtype=np.float64)
    fits = np.asarray(ns) <= budget
    good = fits & (q >= q[0] + share * (q.max() - q[0]))
    return int(np.asarray(ns)[good][0]) if good.any() else int(np.asarray(ns)[np.where(fits, q, -np.inf).argmax()])


@right("cheapest_n")
def with_while(ns, quality, share, budget):
    k, best, top, start = 0, 0, max(quality), quality[0]
    while k < len(ns) and ns[k] <= budget:
        if quality[k] >= start + share * (top - start):
            return torch.tensor(ns[k])
        if quality[k] > quality[best]:
            best = k
        k += 1
    return ns[best]

# %% [markdown]
# ## Now measure
#
# Your own functions on the stored pool: no check here, only numbers to look at. To be quick they use 32 of the lesson's 128 prompts and 64 of its 256 candidates. On these the policy is worse than on the rest, so your curve starts lower than the lesson's; do its steps shrink in the same way?
# The gain is counted up to $n = 16$, where this short curve ends.

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
few = stored.prompts_at(range(32)).first(64)

# %%
sizes = [1, 2, 4, 8, 16]
curve = [np.mean([expected_best(row, n) for row in few.reward("gold").tolist()]) for n in sizes]
print("gold of the best of 1, 2, 4, 8, 16:", np.round(curve, 2))
for share in (0.5, 0.75, 0.9):
    print(f"{share:.0%} of this gain at n =", cheapest_n(sizes, curve, share, budget=16))

# %% [markdown]
# The best of 4 against a fifth candidate, in twelve games for each prompt, by the reward that chose: first the reward model's score, then a thumb, 1 for at least 2 points of gold. Which of them should be near $n/(n+1)$, and why is the other one not?

# %%
def games(rewards):
    return np.mean([float(win_share(rewards[:, k : k + 4].max(dim=1).values, rewards[:, k + 4])) for k in range(0, 60, 5)])


print(f"reward-8000 {games(few.reward('reward-8000')):.2f}   thumb {games((few.reward('gold') >= 2).float()):.2f}")

# %% [markdown]
# And a look at what your best-of-64 returns by `reward-8000`. Is it a good answer? If not, did the reward model miss a better one, or was there none? The last line helps to tell.

# %%
print(few.prompts[0])
print("   by reward-8000:", best_of_n(few.texts, few.reward("reward-8000"))[0])
print("   by gold:       ", best_of_n(few.texts, few.reward("gold"))[0])

# %% [markdown]
# ## Questions
#
# One ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex01")
