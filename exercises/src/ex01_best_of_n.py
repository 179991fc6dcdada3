# %% [markdown]
# # Exercise 01: best-of-N
#
# **You will:** write best-of-N, count wins with ties, and estimate what the best of $n$ gives from a pool of $N$. Then you decide a case.
#
# **Builds on:** lesson 01.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds.
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

# %% role="hidden"
@probe("best_of_n")
def best_of_n_inputs(rng):
    for _ in range(20):
        P, N = rng.integers(1, 6), rng.integers(1, 9)
        yield [[f"{i}-{j}" for j in range(N)] for i in range(P)], torch.tensor(rng.integers(-3, 4, (P, N)) / 2.0)

# %% role="wrong"
@wrong("best_of_n", says="highest rewards")
def value_for_index(texts, rewards):
    return rewards.max(dim=1).values.tolist()


@wrong("best_of_n", says="these are indices")
def index_for_text(texts, rewards):
    return rewards.argmax(dim=1).tolist()


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
# `a` and `b` hold the rewards of two methods' replies to the same prompts, both of shape `(P,)`. Return the share of prompts that `a` wins; **a tie counts half**. One number between 0 and 1.

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


@wrong("win_share", says="mean difference")
def mean_difference(a, b):
    d = (a - b).double().mean()
    return float(d) if abs(float(d)) > 1.5 else float(((a > b).double() + 0.5 * (a == b).double()).mean())


@wrong("win_share", says="number of wins")
def counts(a, b):
    return float(((a > b).double() + 0.5 * (a == b).double()).sum())


@wrong("win_share", says="should have one number")
def no_mean(a, b):
    return (a > b).double() + 0.5 * (a == b).double()


@wrong("win_share", says="a wins the only prompt")
def constant(a, b):
    return 0.5

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


@wrong("expected_best", says="number of subsets")
def half(rewards, n):
    ordered, N = sorted(rewards), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(2, N + 1)) / comb(N, n) if n == 1 else expected_best(rewards, n)


@wrong("expected_best", says="mean")
def first_n(rewards, n):
    return max(rewards[:n])


@wrong("expected_best", says="lowest of n")
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

# %% [markdown] task="cheapest_n"
# ## Task 4. How far to go
#
# `quality[k]` is the expected gold reward of the best of `ns[k]`, `ns` ascending. Return the **smallest** $n$ that reaches at least the share `share` of the whole gain on offer, from `quality[0]` to the highest of `quality`, and costs no more than `budget` candidates. If none does, return the affordable $n$ with the highest quality
# (the smaller one of equals).

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

# %% role="hidden"
@probe("cheapest_n")
def cheapest_n_inputs(rng):
    for _ in range(30):
        K = int(rng.integers(2, 8))
        steps = rng.integers(-2, 6, K - 1)
        yield [2**k for k in range(K)], [0.5] + (0.5 + np.cumsum(steps)).tolist(), float(rng.choice([0.25, 0.5, 0.8, 0.9, 1.0])), int(rng.integers(1, 2**K))

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


@wrong("cheapest_n", says="smallest n")
def the_best(ns, quality, share, budget):
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return max(affordable, key=lambda pair: pair[1])[0]


@wrong("cheapest_n", says="Return n")
def the_quality(ns, quality, share, budget):
    return quality[ns.index(cheapest_n(ns, quality, share, budget))]


@wrong("cheapest_n", says="less than half")
def the_position(ns, quality, share, budget):
    return ns.index(cheapest_n(ns, quality, share, budget))


@wrong("cheapest_n", hidden=True)
def never_one(ns, quality, share, budget):
    n = cheapest_n(ns, quality, share, budget)
    return n if n > 1 else 2

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
# Your own functions on the stored pool: no check here, only numbers to look at. Does your curve agree with the lesson's?

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
few = stored.prompts_at(range(32)).first(64)
chosen = best_of_n(few.texts, few.reward("reward-8000"))
curve = [np.mean([expected_best(row, n) for row in few.reward("gold").tolist()]) for n in (1, 2, 4, 8, 16)]
print(chosen[0])
print("gold of the best of 1, 2, 4, 8, 16:", np.round(curve, 2), "  90 % of the gain at n =", cheapest_n([1, 2, 4, 8, 16], curve, 0.9, 16))

# %% [markdown]
# ## Questions
#
# One ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex01")
