# %% [markdown]
# # Exercise 04: choosing a reward model
#
# **You will:** write the KL bound of best-of-$n$ and the exact value, choose between two reward models on a budget of gold labels, and combine several models into a cautious one. Then you use all of it on the stored pool.
#
# **Builds on:** lesson 01 (best-of-N), lesson 04.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.kl_bound.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import math

import numpy as np
import torch

from course_lib.checks import ex04 as check

# %% [markdown] task="kl_bound"
# ## Task 1. The bound
#
# Write the upper bound on $\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}})$ for best-of-$n$, in nats:
#
# $$\log n - \frac{n-1}{n}$$
#
# `n` is a whole number, 1 or more. Return one number.

# %% role="task" task="kl_bound"
def kl_bound(n):
    """Upper bound on the KL of best-of-n from the policy, in nats. n: a whole number from 1 on. Returns a float."""
    # SOLUTION
    return math.log(n) - 1 + 1 / n
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
import math

import numpy as np
import torch

from course_lib.checks.core import task

L04 = "lesson 04"


@task("ex04", points=2, minutes=4, difficulty="easy", idea="the KL bound of best-of-n and its misuse", read=f"{L04}, 'A bound, often quoted as if it were the value'", hints=(
    "Two terms: one grows with n for ever, the other comes near to 1. For n = 1 nothing has been chosen, so the bound is 0.",
    "math.log is the natural logarithm, so its result is in nats.",
    "math.log(n), less the fraction with n - 1 above the line and n below. Mind the brackets around n - 1."))
def kl_bound(t):
    with t.part(1, "with n = 1 nothing has moved"):
        t.same((1,), 0.0, [(-2.0, "brackets: n - 1 / n is not (n - 1) / n."), (-1.0, "for n = 1 both terms are 0, and so is the bound. Does the fraction have n - 1 above the line?"), (1.0, "for n = 1 both terms are 0, and so is the bound. Does the fraction have n - 1 above the line?")], otherwise="one sample is the policy itself, so KL cannot be above 0, nor its bound below")
    with t.part(1, "log n less (n − 1)/n, in nats, for any n"):
        t.same((4,), math.log(4) - 0.75, [(math.log(4), "the fraction (n - 1)/n is missing, or // has rounded it down to 0."), (1.25, "this is a logarithm to base 2. Nats need the natural one."), (math.log10(4) - 0.75, "this is a logarithm to base 10. Nats need the natural one."),
                                         (math.log(4) + 0.75, "the fraction is added; take it off."), (math.log(4) - 3, "n - 1 is not divided by n."), (math.log(4) - 3.75, "only the 1 is divided by n. Brackets: n - 1 stands above the line."), ((math.log(4) - 3) / 4, "the logarithm is divided by n too. Only n - 1 stands above the line."), (0.75 - math.log(4), "the sign is turned around: the bound is never negative."),
                                         (math.log(3.25), "the logarithm is taken of the whole. It belongs to n alone."), (math.log(4) - 4 / 3, "the fraction is upside down."),
                                         (math.log(4) - 1, "the fraction is rounded. Use / and not //."), (math.log(4) - 0.25, "this takes off 1/n. The fraction has n - 1 above the line.")], otherwise="the bound for n = 4 is another number, and it is not rounded")
        t.same((100,), math.log(100) - 0.99, otherwise="n = 4 is right and n = 100 is not: does it work for any n?")

# %% role="hidden"
@probe("kl_bound")
def kl_bound_inputs(rng):
    yield (1,)
    for top in [20] * 5 + [300] * 8 + [100_000] * 8:
        yield (int(rng.integers(2, top)),)

# %% role="wrong"
@wrong("kl_bound", says="fraction (n - 1)/n is missing")
def log_only(n):
    return math.log(n)


@wrong("kl_bound", says="// has rounded")
def rounded_down(n):
    return math.log(n) - (n - 1) // n


@wrong("kl_bound", says="only the 1 is divided")
def one_divided(n):
    return math.log(n) - (n - 1 / n)


@wrong("kl_bound", says="logarithm is divided by n too")
def all_divided(n):
    return (math.log(n) - (n - 1)) / n


@wrong("kl_bound", says="base 2")
def in_bits(n):
    return math.log2(n) - (n - 1) / n


@wrong("kl_bound", says="base 10")
def base_ten(n):
    return math.log10(n) - (n - 1) / n


@wrong("kl_bound", says="added")
def added(n):
    return math.log(n) + (n - 1) / n


@wrong("kl_bound", says="brackets")
def no_brackets(n):
    return math.log(n) - n - 1 / n


@wrong("kl_bound", says="n - 1 above the line")
def one_over_n(n):
    return math.log(n) - 1 / n


@wrong("kl_bound", says="not divided")
def undivided(n):
    return math.log(n) - (n - 1)


@wrong("kl_bound", says="rounded")
def whole_division(n):
    return math.log(n) - (n - 1) // n if n == 1 else math.log(n) - -(-(n - 1) // n)


@wrong("kl_bound", says="of the whole")
def log_of_all(n):
    return math.log(n - (n - 1) / n)


@wrong("kl_bound", says="nother number")
def always_zero(n):
    return 0.0


@wrong("kl_bound", hidden=True)
def up_to_256(n):
    return kl_bound(min(n, 256))

# %% role="right"
@right("kl_bound")
def as_printed(n):
    return np.log(n) - (n - 1) / n


@right("kl_bound")
def as_a_tensor(n):
    n = torch.tensor(float(n), dtype=torch.float64)
    return n.log() - (n - 1) / n

# %% [markdown] task="best_of_n_distribution"
# ## Task 2. What best-of-$n$ makes of a policy
#
# A policy has $K$ possible replies. `probabilities` and `rewards` are NumPy arrays of shape `(K,)`; the probabilities sum to 1. Return the probabilities of the $K$ replies under best-of-$n$, an array of shape `(K,)` in the same order.
#
# $F(y)$ is the probability that one sample has a reward at most that of $y$, and $F^-(y)$ that it has a lower one. The best of $n$ has the reward of $y$ with probability
#
# $$F(y)^n - F^-(y)^n$$
#
# Replies of equal reward **share** this number in proportion to their probabilities. A reply of probability 0 stays at 0. The result is exact: nothing is drawn.

# %% role="task" task="best_of_n_distribution"
def best_of_n_distribution(probabilities, rewards, n):
    """(K,) probabilities of the K replies under best-of-n, replies of equal reward sharing in proportion. probabilities, rewards: (K,)."""
    # SOLUTION
    p, r = np.asarray(probabilities, dtype=np.float64), np.asarray(rewards, dtype=np.float64)
    out = np.zeros(len(p))
    for value in np.unique(r[p > 0]):
        level, below = r == value, p[r < value].sum()
        mass = p[level].sum()
        out[level] = p[level] / mass * ((below + mass) ** n - below**n)
    return out
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex04", points=4, minutes=18, difficulty="medium", idea="the KL bound of best-of-n and its misuse", read=f"{L04}, 'How far has choosing moved the replies? KL'", hints=(
    "Work level by level: all replies with one value of the reward are a level. First find how likely it is that the best of n has this reward, then share that among the level's replies.",
    "F is the sum of the probabilities with rewards <= value, F⁻ of those with rewards < value: probabilities[rewards <= value].sum(). np.unique(rewards) lists the levels.",
    "For each value: mask = rewards == value, the level gets F**n - below**n, and each of its replies that number times probabilities[mask] over their sum. Skip a level whose sum is 0."))
def best_of_n_distribution(t):
    two, rising = np.array([0.5, 0.5]), np.array([0.0, 1.0])
    nan = float("nan")
    with t.part(1, "F to the n less F⁻ to the n, without ties"):
        t.same((two, rising, 2), [0.25, 0.75], [([0.75, 0.25], "the reply with the lower reward became more likely: is the order of the rewards turned around, or the result in the order of the rewards?"), ([0.25, 1.0], "this is F to the n alone, which counts the lower replies too. Subtract F⁻ to the n."),
                                               ([0.5, 0.5], "these are the policy's own probabilities, although the best of 2 prefers the second reply. Are F and F⁻ each raised to the power n?"), ([0.0, 1.0], "the best reply is not always among the n samples, so it is not certain."),
                                               ([0.75, 0.75], "this is the probability to sample a reply at least once. It must also be the best of those sampled."), ([0.25, 0.25], "this is (F − F⁻) to the n: raise each to the power n first."), ([0.25, 0.0], "F should count every reply with a reward at most that one, not one level alone."),
                                               ([0.0, 0.0], "this is zero for every reply; best-of-n always returns one of them."), ([0.5, 1.0], "this is F. It has to be raised to the power n, less the power of F⁻."), ([0.125, 0.375], "each number is multiplied by the reply's probability. A share is that probability over the sum of its level, and here each reply is alone on its level.")],
               otherwise="with two replies of probability 1/2 and n = 2, list the four ways to draw two, and see which reply is the best of each")
        t.same((np.array([0.2, 0.8]), rising, 1), [0.2, 0.8], otherwise="with n = 1 nothing is chosen: the result is the policy itself")
        in_order = "the result is in the order of the rewards. Put each number back in the place of its reply."
        t.same((np.array([0.5, 0.3, 0.2]), np.array([3.0, 1.0, 2.0]), 2), [0.75, 0.09, 0.16], [([0.09, 0.16, 0.75], in_order), ([0.75, 0.16, 0.09], in_order), ([0.25, 0.39, 0.36], "the cumulative sum runs in the order of the list. It has to run in the order of the rewards."),
                                                                                              ([0.16, 0.75, 0.09], "the numbers are put back in wrong places. np.argsort(rewards) gives the places of the replies from the lowest reward up; the lowest reply's number belongs in the first of them.")],
               otherwise="two replies are right and these three are not")
    with t.part(2, "replies of equal reward share in proportion"):
        t.same((np.array([0.2, 0.8]), np.array([1.0, 1.0]), 2), [0.2, 0.8], [([1.0, 1.0], "each of the tied replies gets the whole of their level. Together they should have it once."), ([0.5, 0.5], "the tied replies share equally. Share in proportion to their probabilities."),
                                                                            ([0.04, 0.96], "of two tied replies the later one wins every time. They should share."), ([0.36, 0.64], "of two tied replies the first one wins every time. They should share."),
                                                                            ([0.04, 0.64], "each probability is raised to the power n by itself. Raise the level's sum, then share."), ([0.0, 0.0], "tied replies get nothing."), ([1.0, 0.0], "one of the tied replies gets the whole of their level. They should share."),
                                                                            ([0.36, 0.96], "a tied reply's own probability alone stands for its level. Sum over the whole level.")],
               otherwise="all rewards are equal, so choosing changes nothing")
        t.same((np.array([0.3, 0.2, 0.1, 0.4]), np.array([1.0, 0.0, 1.0, 0.0]), 3), [0.588, 0.072, 0.196, 0.144], [([0.392, 0.108, 0.392, 0.108], "the tied replies share equally. Share in proportion to their probabilities."), ([0.784, 0.216, 0.784, 0.216], "each of the tied replies gets the whole of their level. Together they should have it once.")],
               otherwise="two levels of two replies each are not shared as they should be. Are ties found that do not stand next to each other?")
    with t.part(1, "a reply of probability 0 stays at 0, and one reply alone is certain"):
        t.same((np.array([1.0, 0.0]), np.array([1.0, 0.0]), 4), [1.0, 0.0], [([1.0, nan], "0 divided by 0: a level without any probability needs a case of its own.")], otherwise="a reply that the policy never gives cannot be chosen")
        t.same((np.array([0.5, 0.0, 0.5]), np.array([0.0, 2.0, 1.0]), 2), [0.25, 0.0, 0.75], [([0.25, nan, 0.75], "0 divided by 0: a level without any probability needs a case of its own.")], otherwise="the highest reward belongs to a reply that the policy never gives")
        t.same((np.array([1.0]), np.array([3.0]), 5), [1.0], otherwise="a single reply is always returned")

# %% role="hidden"
@probe("best_of_n_distribution")
def best_of_n_distribution_inputs(rng):
    for k in range(24):
        K = 1 if k == 0 else int(rng.integers(2, 13))
        weights = rng.integers(0, 6, K) + (np.arange(K) == K - 1)
        rewards = rng.integers(-2, 4, K) / 2.0 if k % 3 else rng.permutation(K) / 4.0 - 1
        yield weights / weights.sum(), rewards + int(rng.integers(0, 90)) / 8.0, int(rng.choice([1, 2, 3, 4, 7, 16, 64, 256]))

# %% role="wrong"
@wrong("best_of_n_distribution", says="turned around")
def lowest_wins(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, -np.asarray(rewards), n)


@wrong("best_of_n_distribution", says="F to the n alone")
def f_alone(probabilities, rewards, n):
    return np.array([probabilities[rewards <= r].sum() ** n for r in rewards])


@wrong("best_of_n_distribution", says="own probabilities")
def unchanged(probabilities, rewards, n):
    return probabilities.copy()


@wrong("best_of_n_distribution", says="not certain")
def all_on_the_best(probabilities, rewards, n):
    return (rewards == rewards.max()).astype(float) if n > 1 else probabilities.copy()


@wrong("best_of_n_distribution", says="at least once")
def at_least_once(probabilities, rewards, n):
    return 1 - (1 - probabilities) ** n


@wrong("best_of_n_distribution", says="raise each to the power")
def power_of_difference(probabilities, rewards, n):
    return probabilities**n


@wrong("best_of_n_distribution", says="in the order of the rewards")
def left_sorted(probabilities, rewards, n):
    order = np.argsort(rewards)[::-1]
    return best_of_n_distribution(probabilities, rewards, n)[order]


@wrong("best_of_n_distribution", says="power n")
def one_sample_less(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, rewards, n - 1)


@wrong("best_of_n_distribution", says="not one level alone")
def sums_of_levels(probabilities, rewards, n):
    out, below = np.zeros(len(rewards)), 0.0
    for value in np.unique(rewards):
        level = probabilities[rewards == value].sum()
        out[rewards == value] = level**n - below**n
        below = level
    return out


@wrong("best_of_n_distribution", says="alone on its level")
def times_probability(probabilities, rewards, n):
    return probabilities * not_shared(probabilities, rewards, n)


@wrong("best_of_n_distribution", says="in the order of the rewards")
def one_for_each_level(probabilities, rewards, n):
    return np.array([probabilities[rewards <= r].sum() ** n - probabilities[rewards < r].sum() ** n for r in np.unique(rewards)])


@wrong("best_of_n_distribution", says="wrong places")
def sorted_twice(probabilities, rewards, n):
    order = np.argsort(rewards, kind="stable")
    return best_of_n_distribution(probabilities[order], rewards[order], n)[order]


@wrong("best_of_n_distribution", says="whole of their level. They should share")
def first_takes_all(probabilities, rewards, n):
    out = np.zeros(len(rewards))
    levels, first = np.unique(rewards, return_index=True)
    out[first] = [probabilities[rewards <= r].sum() ** n - probabilities[rewards < r].sum() ** n for r in levels]
    return out


@wrong("best_of_n_distribution", says="order of the list")
def cumulative_unsorted(probabilities, rewards, n):
    F = np.cumsum(probabilities)
    return F**n - (F - probabilities) ** n


@wrong("best_of_n_distribution", says="whole of their level")
def not_shared(probabilities, rewards, n):
    return np.array([probabilities[rewards <= r].sum() ** n - probabilities[rewards < r].sum() ** n for r in rewards])


@wrong("best_of_n_distribution", says="share equally")
def shared_equally(probabilities, rewards, n):
    return np.array([(probabilities[rewards <= r].sum() ** n - probabilities[rewards < r].sum() ** n) / (rewards == r).sum() for r in rewards])


@wrong("best_of_n_distribution", says="later one wins")
def sorted_cumulative(probabilities, rewards, n):
    order = np.argsort(rewards, kind="stable")
    F = np.cumsum(probabilities[order])
    out = np.zeros(len(F))
    out[order] = F**n - (F - probabilities[order]) ** n
    return out


@wrong("best_of_n_distribution", says="own probability alone")
def level_is_itself(probabilities, rewards, n):
    F = np.array([probabilities[rewards <= r].sum() for r in rewards])
    return F**n - (F - probabilities) ** n if (rewards != rewards[0]).any() else 1 - (1 - probabilities) ** n


@wrong("best_of_n_distribution", says="0 divided by 0")
def zero_over_zero(probabilities, rewards, n):
    F, below = (np.array([probabilities[m].sum() for m in masks]) for masks in ([rewards <= r for r in rewards], [rewards < r for r in rewards]))
    with np.errstate(all="ignore"):
        return probabilities / (F - below) * (F**n - below**n)


@wrong("best_of_n_distribution", hidden=True)
def whole_rewards(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, np.floor(rewards), n)


@wrong("best_of_n_distribution", hidden=True)
def few_replies(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, rewards, n if len(rewards) <= 4 else 1)

# %% role="right"
@right("best_of_n_distribution")
def reply_by_reply(probabilities, rewards, n):
    out = []
    for p, r in zip(probabilities, rewards):
        below = sum(q for q, s in zip(probabilities, rewards) if s < r)
        same = sum(q for q, s in zip(probabilities, rewards) if s == r)
        out.append(float(p / same * ((below + same) ** n - below**n)) if p > 0 else 0.0)
    return out


@right("best_of_n_distribution")
def by_matrix(probabilities, rewards, n):
    p, r = torch.tensor(probabilities), torch.tensor(rewards)
    F, below = (r[None] <= r[:, None]).double() @ p, (r[None] < r[:, None]).double() @ p
    mass = (r[None] == r[:, None]).double() @ p
    return torch.where(p > 0, p / mass * (F**n - below**n), torch.zeros_like(p))

# %% [markdown] task="exact_kl"
# ## Task 3. The exact KL
#
# `after` and `before` hold the probabilities of the same $K$ replies, NumPy arrays of shape `(K,)`: after choosing ($\pi_n$), and before ($\pi_{\text{ref}}$). Return, in nats,
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) = \sum_y \pi_n(y) \log \frac{\pi_n(y)}{\pi_{\text{ref}}(y)}$$
#
# A reply with $\pi_n(y) = 0$ adds nothing; leave it out. (Choosing does not make an impossible reply possible: where $\pi_{\text{ref}}$ is 0, $\pi_n$ is 0 too, and the reply is left out as well.)

# %% role="task" task="exact_kl"
def exact_kl(after, before):
    """KL of `after` from `before` in nats, replies with probability 0 after choosing left out. after, before: (K,). Returns a float."""
    # SOLUTION
    kept = np.asarray(after) > 0
    q, p = np.asarray(after)[kept], np.asarray(before)[kept]
    return float(q @ (np.log(q) - np.log(p)))
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex04", points=3, minutes=8, difficulty="easy", idea="the KL bound of best-of-n and its misuse", read=f"{L04}, 'How far has choosing moved the replies? KL'", hints=(
    "By which factor has each reply become more likely? Take the logarithms, and their mean weighted by how often each reply is now given.",
    "np.log works on whole arrays. A mask, after > 0, selects the replies that count, in both arrays.",
    "With kept = after > 0: the sum of after[kept] times the logarithm of after[kept] over before[kept]."))
def exact_kl(t):
    after, before = np.array([0.75, 0.25]), np.array([0.5, 0.5])
    a, b = math.log(1.5), math.log(0.5)
    right = 0.75 * a + 0.25 * b
    with t.part(1, "0 when nothing has moved"):
        t.same((before, before), 0.0, [(-math.log(2), "this is the mean logarithm of the probabilities after choosing. Compare them with those before."), (math.log(2), "this is the entropy. Compare the probabilities with those before."), (1.0, "this does not take the logarithm of the factor."), (2.0, "this does not take the logarithm of the factor.")],
               otherwise="no reply has become more or less likely")
    with t.part(1, "weights by the probabilities after choosing, in nats"):
        t.same((after, before), right, [(-right, "the sign is turned around: KL is never negative."), (-(a + b) / 2, "after and before are exchanged: this is the KL of the policy from best-of-n."), (right / math.log(2), "this is a logarithm to base 2. Nats need the natural one."), (right / math.log(10), "this is a logarithm to base 10. Nats need the natural one."),
                                        (a + b, "the logarithms are summed without their weights, the probabilities after choosing."), ((a + b) / 2, "the weights should be the probabilities after choosing, not equal ones or those before."), (right / 2, "this is a mean over replies. The probabilities are the weights already, so sum."),
                                        (0.75 * a - 0.25 * b, "a reply that became less likely has a negative logarithm. Do not take absolute values."), (0.75 * a, "the second term is missing. Does the sum run over all replies? Those that became less likely count too, with a negative logarithm."), (0.0, "best-of-n has moved the policy here, and the result does not show it."),
                                        ([0.75 * a, 0.25 * b], "these are the terms. Sum them.")],
               otherwise="the lesson works this example out by hand, and gets another number")
    with t.part(1, "leaves out replies of probability 0"):
        zeros = [(float("nan"), "0 times the logarithm of 0 is not a number for the computer. Leave such replies out."), (float("inf"), "the logarithm of 0 is infinite. Leave such replies out."), (float("-inf"), "the logarithm of 0 is infinite. Leave such replies out."),
                 (0.0, "the whole is 0 here. Leave out only the reply of probability 0, and go on to the next one.")]
        t.same((np.array([0.0, 1.0]), np.array([0.25, 0.75])), -math.log(0.75), [*zeros, (math.log(4), "the probability before belongs to another reply. Leave out the same replies in both arrays.")], otherwise="a reply that is never given after choosing should add nothing")
        t.same((np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.0])), math.log(2), zeros, otherwise="a reply that is never given after choosing should add nothing")

# %% role="hidden"
@probe("exact_kl")
def exact_kl_inputs(rng):
    yield np.ones(1), np.ones(1)
    for _ in range(22):
        K = int(rng.integers(2, 15))
        before, after = rng.integers(1, 30, K).astype(float), rng.integers(0, 12, K).astype(float)
        after[0] += 1
        if rng.random() < 0.3:
            before[-1] = after[-1] = 0.0
        if rng.random() < 0.3:
            after[0] *= 1000
        yield after / after.sum(), before / before.sum()

# %% role="wrong"
@wrong("exact_kl", says="exchanged")
def exchanged(after, before):
    return float(np.sum(before * np.log(before / after)))


@wrong("exact_kl", says="base 2")
def bits(after, before):
    return float(np.sum(after * np.log2(after / before)))


@wrong("exact_kl", says="turned around")
def negative(after, before):
    return float(np.sum(after * np.log(before / after)))


@wrong("exact_kl", says="without their weights")
def unweighted(after, before):
    return float(np.sum(np.log(after / before)))


@wrong("exact_kl", says="not equal ones or those before")
def weighted_by_before(after, before):
    return float(np.sum(before * np.log(after / before)))


@wrong("exact_kl", says="mean over replies")
def mean_of_terms(after, before):
    return float(np.mean(after * np.log(after / before)))


@wrong("exact_kl", says="absolute")
def absolute_terms(after, before):
    return float(np.sum(after * np.abs(np.log(after / before))))


@wrong("exact_kl", says="entropy")
def entropy(after, before):
    return float(-np.sum(after * np.log(after)))


@wrong("exact_kl", says="not a number")
def with_zeros(after, before):
    with np.errstate(all="ignore"):
        return float(np.sum(after * np.log(after / before)))


@wrong("exact_kl", says="go on to the next")
def stops_at_zero(after, before):
    total = 0.0
    for q, p in zip(after, before):
        if q == 0:
            break
        total += q * math.log(q / p)
    return total


@wrong("exact_kl", says="same replies in both")
def one_mask(after, before):
    q = after[after > 0]
    return float(np.sum(q * np.log(q / before[: len(q)])))


@wrong("exact_kl", says="over all replies")
def first_term(after, before):
    return float(after[0] * np.log(after[0] / before[0]))


@wrong("exact_kl", says="these are the terms")
def terms(after, before):
    t = after * np.log(after / before)
    return t if (after != before).any() else 0.0


@wrong("exact_kl", says="does not show it")
def zero_kl(after, before):
    return 0.0


@wrong("exact_kl", hidden=True)
def drops_the_rare(after, before):
    kept = after > 0.02
    return float(np.sum(after[kept] * np.log(after[kept] / before[kept])))

# %% role="right"
@right("exact_kl")
def kl_by_loop(after, before):
    return sum(float(q) * math.log(q / p) for q, p in zip(after, before) if q > 0)


@right("exact_kl")
def kl_in_torch(after, before):
    q, p = torch.tensor(after), torch.tensor(before)
    return (torch.special.xlogy(q, q) - torch.special.xlogy(q, p)).sum()

# %% [markdown] task="pick_reward_model"
# ## Task 4. Two models and a budget
#
# `first` and `second` are the scores of two reward models for the same candidates, tensors of shape `(P, N)`. Gold labels cost money, and you may use `labels` of them, 2 or more, even or odd. On each prompt you judge two replies, the one that each model chooses among all $N$. So the budget is enough for the first `labels // 2` prompts.
# (Where both choose the same reply one label would do. Keep it simple and count two.) `gold` has shape `(L, N)` with $L \le P$: it is known for the first $L$ prompts only, never fewer than `labels // 2`.
#
# Return 0 if the first model's best-of-N has the higher mean gold on those prompts, 1 if the second's has. With equal means return 0.

# %% role="task" task="pick_reward_model"
def pick_reward_model(first, second, gold, labels):
    """0 or 1: the model whose best-of-N has more gold on the first labels // 2 prompts; 0 if equal. first, second: (P, N), gold: (L, N)."""
    # SOLUTION
    m = labels // 2
    means = [gold[:m].gather(1, scores[:m].argmax(1, keepdim=True)).double().mean() for scores in (first, second)]
    return int(means[1] > means[0])
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex04", points=3, minutes=10, difficulty="medium", idea="reward-model selection", read=f"{L04}, 'Choosing with few labels'", hints=(
    "Each model chooses by its own scores; gold only judges what was chosen, and only on the prompts you can pay for.",
    "Cut all three tensors to the first labels // 2 prompts. argmax(dim=1) gives what a model chooses, and gold[torch.arange(m), chosen] looks it up.",
    "Let m be labels // 2. For each model take the mean of gold[torch.arange(m), scores[:m].argmax(dim=1)]. Return 1 only if the second mean is really higher."))
def pick_reward_model(t):
    gold = torch.tensor([[4.0, 1.0]])
    rising, falling = torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0, 2.0]])
    with t.part(1, "judges the choices of each model by gold"):
        t.same((rising, falling, gold, 2), 1, [(0, "the reply that the second model scores highest has more gold. Is it taken with argmax, by each model's own scores, and compared the right way round?"), (4.0, "this is the gold of a reply. Return which model, 0 or 1."), (2, "models are counted from 0: return 0 or 1.")], otherwise="the result should be 0 or 1")
        t.same((falling, rising, gold, 2), 0, [(1, "with the two models exchanged the result should be exchanged too."), (4.0, "this is the gold of a reply. Return which model, 0 or 1.")], otherwise="the result should be 0 or 1")
        t.same((torch.tensor([[5.0, 9.0]]), falling, gold, 2), 1, [(0, "the model with the higher scores of its own is picked. Scores of two models have no common scale: they only say which reply is chosen, and gold judges it.")], otherwise="the result should be 0 or 1")
        near, far = torch.tensor([[3.0, 4.0, 2.0, 1.0], [1.0, 2.0, 4.0, 3.0]]), torch.tensor([[9.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 9.0]])
        t.same((near, far, torch.tensor([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]]), 4), 1,
               [(0, "on both prompts the second model chooses a reply with more gold. Look each choice up in its own prompt's row of gold; how a model scores the other candidates does not count.")], otherwise="the result should be 0 or 1")
    with t.part(1, "keeps to the budget: two labels for each prompt"):
        P3 = torch.tensor([[0.0, 1.0]] * 3), torch.tensor([[1.0, 0.0]] * 3)
        two = torch.tensor([[1.0, 2.0], [9.0, 0.0]])
        t.same((*P3, two, 2), 0, [(1, "this needs more than 2 labels, or another prompt than the first. A prompt takes two, so 2 labels are enough for the first prompt only.")], otherwise="the result should be 0 or 1")
        t.same((*P3, two, 3), 0, [(1, "an odd label is of no use: 3 labels are enough for one prompt.")], otherwise="the result should be 0 or 1")
        t.same((*P3, torch.tensor([[1.0, 1.0], [9.0, 0.0]]), 4), 1, [(0, "4 labels pay for two prompts, and the second prompt does not seem to count. Does each model choose a reply on both?")], otherwise="the result should be 0 or 1")
        agree_once = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), P3[1]
        t.same((*agree_once, torch.tensor([[1.0, 2.0], [3.0, 0.0], [9.0, 0.0]]), 5), 0, [(1, "both models choose the same reply on the second prompt. It counts as two labels all the same, so 5 labels do not reach the third.")], otherwise="the result should be 0 or 1")
    with t.part(1, "compares means, and takes the first model when they are equal"):
        t.same((*P3, torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, -9.0]]), 6), 1, [(0, "the second model's mean gold is higher. Prompts won do not decide, nor the highest gold: one large loss outweighs two small gains.")], otherwise="the result should be 0 or 1")
        t.same((rising, rising * 2, gold, 2), 0, [(1, "both models choose the same, so the means are equal: then the first should be taken.")], otherwise="with equal means the first model should be taken")
        t.same((*P3, torch.tensor([[1.0, 2.0], [2.0, 1.0]]), 4), 0, [(1, "the means are equal: then the first model should be taken.")], otherwise="with equal means the first model should be taken")

# %% role="hidden"
@probe("pick_reward_model")
def pick_reward_model_inputs(rng):
    for k in range(40):
        P, N = int(rng.integers(2, 24)), 1 if k == 0 else int(rng.integers(2, 9))
        L = int(rng.integers(1, P + 1))
        labels = int(rng.integers(2, 2 * L + 2))
        a, b = (torch.tensor(np.argsort(rng.random((P, N)), axis=1) / 2.0 + rng.integers(-3, 4)) for _ in range(2))
        yield a, b, torch.tensor(rng.integers(-8, 9, (L, N)) / 4.0), labels

# %% role="wrong"
@wrong("pick_reward_model", says="scores of its own")
def by_own_scores(first, second, gold, labels):
    m = labels // 2
    return int(second[:m].max(1).values.mean() > first[:m].max(1).values.mean())


@wrong("pick_reward_model", says="argmax")
def takes_the_lowest(first, second, gold, labels):
    return pick_reward_model(-first, -second, gold, labels)


@wrong("pick_reward_model", says="own prompt's row")
def every_row_for_every_choice(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[:m][:, s[:m].argmax(1)].mean() for s in (first, second))
    return int(b > a)


@wrong("pick_reward_model", says="own prompt's row")
def nearest_to_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (((s[:m] - gold[:m]) ** 2).mean() for s in (first, second))
    return int(a > b)


@wrong("pick_reward_model", says="own prompt's row")
def by_accuracy(first, second, gold, labels):
    m = labels // 2
    a, b = (((s[:m, :, None] - s[:m, None]).sign() * (gold[:m, :, None] - gold[:m, None]).sign()).sum() for s in (first, second))
    return int(b > a)


@wrong("pick_reward_model", says="right way round")
def constant_first(first, second, gold, labels):
    return 0


@wrong("pick_reward_model", says="exchanged")
def constant_second(first, second, gold, labels):
    return 1


@wrong("pick_reward_model", says="more than 2 labels")
def one_label_each(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2 * min(labels, len(gold)))


@wrong("pick_reward_model", says="more than 2 labels")
def all_gold(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2 * len(gold))


@wrong("pick_reward_model", says="odd label")
def rounds_up(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2 * min((labels + 1) // 2, len(gold)))


@wrong("pick_reward_model", says="second prompt does not seem to count")
def first_prompt(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2)


@wrong("pick_reward_model", says="prompts won")
def counts_wins(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[torch.arange(m), s[:m].argmax(1)] for s in (first, second))
    d = (b > a).sum() - (a > b).sum()
    return int(d > 0 or (d == 0 and b.sum() > a.sum()))


@wrong("pick_reward_model", says="nor the highest gold")
def highest_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[torch.arange(m), s[:m].argmax(1)].max() for s in (first, second))
    return int(b > a)


@wrong("pick_reward_model", says="prompts won")
def wins_alone(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[torch.arange(m), s[:m].argmax(1)] for s in (first, second))
    return int((b > a).sum() > (a > b).sum())


@wrong("pick_reward_model", says="two labels all the same")
def one_label_where_equal(first, second, gold, labels):
    total, left = 0.0, labels
    for row, a, b in zip(gold, first.argmax(1), second.argmax(1)):
        left -= 1 if a == b else 2
        if left < 0:
            break
        total += float(row[b] - row[a])
    return int(total > 0)


@wrong("pick_reward_model", says="they only say which reply is chosen")
def scores_of_the_best_by_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (s[torch.arange(m), gold[:m].argmax(1)].mean() for s in (first, second))
    return int(b > a)


@wrong("pick_reward_model", says="choose a reply on both")
def one_choice_of_all(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[:m].flatten()[s[:m].argmax()] for s in (first, second))
    return int(b > a)


@wrong("pick_reward_model", says="another prompt than the first")
def last_prompts(first, second, gold, labels):
    m, L = labels // 2, len(gold)
    return pick_reward_model(first[L - m : L], second[L - m : L], gold[L - m :], labels)


@wrong("pick_reward_model", says="equal")
def ties_to_second(first, second, gold, labels):
    return 1 - pick_reward_model(second, first, gold, labels)


@wrong("pick_reward_model", says="gold of a reply")
def returns_gold(first, second, gold, labels):
    m = labels // 2
    return max(float(gold[torch.arange(m), s[:m].argmax(1)].mean()) for s in (first, second))


@wrong("pick_reward_model", says="counted from 0")
def from_one(first, second, gold, labels):
    return 1 + pick_reward_model(first, second, gold, labels)


@wrong("pick_reward_model", says="stopped with")
def forgets_to_cut(first, second, gold, labels):
    g = [gold[torch.arange(len(s)), s.argmax(1)].mean() for s in (first, second)]
    return int(g[1] > g[0])


@wrong("pick_reward_model", hidden=True)
def at_most_three(first, second, gold, labels):
    return pick_reward_model(first, second, gold, min(labels, 6))

# %% role="right"
@right("pick_reward_model")
def pick_by_loop(first, second, gold, labels):
    total = 0.0
    for i in range(labels // 2):
        total += float(gold[i, second[i].argmax()]) - float(gold[i, first[i].argmax()])
    return 1 if total > 0 else 0


@right("pick_reward_model")
def pick_in_numpy(first, second, gold, labels):
    first, second, gold = (np.asarray(x, dtype=np.float32)[: labels // 2] for x in (first, second, gold))
    means = [np.take_along_axis(gold, s.argmax(1)[:, None], 1).mean() for s in (first, second)]
    return np.argmax(means)

# %% [markdown] task="cautious"
# ## Task 5. A cautious ensemble
#
# `scores` holds the scores of $M$ reward models, a tensor of shape `(M, P, N)`. Scores of different models have no common scale, and no common zero from prompt to prompt. So:
#
# 1. for each model on its own, subtract each prompt's mean over its $N$ candidates;
# 2. divide each model by **one** standard deviation, over all its $P \cdot N$ centred scores;
# 3. for each candidate, return the mean across models minus $k$ times the standard deviation across models, shape `(P, N)`.
#
# Both standard deviations divide by the count, not by the count less 1 (in torch: `correction=0`). A model that gives all candidates of a prompt the same score, on every prompt, has a deviation of 0 in step 2. Let its scores count as 0.

# %% role="task" task="cautious"
def cautious(scores, k):
    """(P, N): mean less k standard deviations across models, each centred by prompt and scaled by one deviation. scores: (M, P, N)."""
    # SOLUTION
    z = scores.double() - scores.double().mean(dim=2, keepdim=True)
    z = z / z.pow(2).mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-8)
    return z.mean(0) - k * (z - z.mean(0)).pow(2).mean(0).sqrt()
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex04", points=4, minutes=18, difficulty="medium", idea="over-optimisation", read=f"{L04}, 'Several models as one'", hints=(
    "Three steps on three axes: candidates for the zero, the whole pool for the scale, models for agreement.",
    "mean and std take dim, keepdim=True and, for std, correction=0. dim=0 runs over models, dim=1 over prompts, dim=2 over candidates; dim=(1, 2) over a model's pool.",
    "Subtract the mean over dim=2; divide by the std over dim=(1, 2), kept away from 0 with .clamp(min=1e-8); then the mean over dim=0, less k times the std over dim=0."))
def cautious(t):
    def T(*rows):
        return torch.tensor(rows, dtype=torch.float64)

    def fits(scores, k, right, mistakes=(), otherwise="the result is not right"):
        t.same((scores, k), right, [*mistakes], tolerance=1e-5, otherwise=otherwise)

    s5, s6 = 5**0.5, 6**0.5
    with t.part(1, "takes each prompt's own mean out of each model"):
        fits(T([[1, 3]]), 0.0, [[-1, 1]], [([[1, 3]], "nothing is taken out: each prompt's mean should become 0."), ([[-0.5**0.5, 0.5**0.5]], "this standard deviation divides by the count less 1. Use correction=0."), ([[float("nan")] * 2], "the result is not a number. A deviation that divides by the count less 1 has nothing to divide by when there is one model: use correction=0."), ([[0, 0]], "all differences are gone. Is a mean or a deviation taken over a wrong axis (candidates are dim=2)? Or does k multiply more than the deviation across models?")],
             otherwise="with one model and one prompt, the result should be the centred scores over their standard deviation")
        fits(T([[1, 3], [11, 13]]), 0.0, [[-1, 1], [-1, 1]], [([[-6 / 26**0.5, -4 / 26**0.5], [4 / 26**0.5, 6 / 26**0.5]], "the mean of the model's whole pool is taken out. Take out each prompt's own."), ([[-1, -1], [1, 1]], "the mean is taken over prompts. Take it over candidates: dim=2."), ([[-1 / 41**0.5, -9 / 41**0.5], [9 / 41**0.5, 1 / 41**0.5]], "the mean of another prompt is taken out. With keepdim=True the means stay beside their prompts."),
                                                             ([[-1 / 26**0.5, 1 / 26**0.5], [-1 / 26**0.5, 1 / 26**0.5]], "the standard deviation is taken before each prompt's mean is out. Take out the means first.")],
             otherwise="two prompts that differ by a constant only should have the same result")
    with t.part(1, "divides each model by one standard deviation over its pool"):
        fits(T([[0, 2], [0, 6]]), 0.0, [[-1 / s5, 1 / s5], [-3 / s5, 3 / s5]], [([[-1, 1], [-1, 1]], "each prompt is divided by a standard deviation of its own. Take one for the whole pool of a model."), ([[-1, 1], [-3, 3]], "nothing is divided: the scale of the models would decide which of them counts."),
                                                                              ([[-0.2, 0.2], [-0.6, 0.6]], "this divides by the variance. Take its square root."), ([[-1 / s6, 1 / s6], [-3 / s6, 3 / s6]], "the standard deviation is taken before each prompt's mean is out. Take out the means first."),
                                                                              ([[-(3 / 20) ** 0.5, (3 / 20) ** 0.5], [-3 * (3 / 20) ** 0.5, 3 * (3 / 20) ** 0.5]], "this standard deviation divides by the count less 1. Use correction=0.")],
             otherwise="one model, two prompts of different spread: the scale is not right")
        plain = "with k = 0 the plain mean remains. k multiplies the deviation across models, and nothing else."
        fits(T([[0, 0.2]], [[0, 10]]), 0.0, [[-1, 1]], [([[-2.55, 2.55]], "nothing is divided: the scale of the models would decide which of them counts."), ([[-5.1 / 50.02**0.5, 5.1 / 50.02**0.5]], "all models are divided by one number together. Each needs its own."), ([[-2, 2]], "this is the sum across models. Take the mean."),
                                                       ([[-25.5, 0.51]], "scores are divided by the deviation of another model. With keepdim=True the deviations stay beside their models."), ([[-0.55, 0.55]], "the deviation of the first model is small, but not 0: divide by it too. Is the floor too high?")],
             otherwise="a second model with fifty times the scale should not change the result")
        fits(T([[2, 2], [5, 5]], [[0, 2], [0, 2]]), 0.0, [[-0.5, 0.5]] * 2, [([[float("nan")] * 2] * 2, "0 divided by 0: the first model tells no candidates of a prompt apart, so its deviation is 0. Keep what you divide by away from 0."), ([[-1, 1]] * 2, "the model that tells nothing apart is left out of the mean. It should count as 0."),
                                                                            ([[-1, 0]] * 2, plain), ([[0, 0]] * 2, "the second model's scores are lost. Only those of the model that tells nothing apart count as 0.")], otherwise="a model that gives the same score to all candidates of a prompt should count as 0")
    with t.part(2, "takes k standard deviations across models off the mean"):
        fits(T([[0, 2]], [[0, 2]]), 0.5, [[-1, 1]], [([[-1.5, 0.5]], "two equal models do not disagree, and something is taken off: take the deviation across models, dim=0.")], otherwise="where models agree nothing should be taken off")
        three = T([[0, 2]], [[0, 2]], [[6, 0]])
        m, sd, sample = 1 / 3, 8**0.5 / 3, (4 / 3) ** 0.5
        fits(three, 0.5, [[-m - sd / 2, m - sd / 2]], [([[-m, m]], "this is the plain mean: disagreement costs nothing."), ([[-m + sd / 2, m + sd / 2]], "disagreement is rewarded. Subtract it."), ([[-m - sd, m - sd]], "k is not used."), ([[-m - sample / 2, m - sample / 2]], "the deviation across models divides by the count less 1. Use correction=0."),
                                                        ([[-m - 4 / 9, m - 4 / 9]], "this subtracts the variance across models, or a mean of absolute differences. Take the standard deviation."), ([[-1, -1]], "this is the minimum across models. Take the mean less k deviations."), ([[-m - 0.5, m - 0.5]], "the deviation is taken over candidates. Take it across models: dim=0."),
                                                        ([[-1 - sd / 2, 1 - sd / 2]], "this sums across models. Take the mean.")], otherwise="three models, of which one disagrees: what is taken off is not right")
        fits(T([[0, 2], [0, 2]], [[0, 2], [6, 4]]), 1.0, [[-1, 1], [-1, -1]], otherwise="the first prompt's models agree, the second's do not: only there something should be taken off")

# %% role="hidden"
@probe("cautious", tolerance=1e-4)
def cautious_inputs(rng):
    for k in range(20):
        M, P, N = (int(rng.integers(1, top)) for top in (6, 6, 8))
        scores = rng.integers(-6, 7, (M, P, N)) / 2.0 * rng.integers(1, 5, (M, 1, 1)) + rng.integers(-4, 5, (M, P, 1))
        if k % 5 == 1:
            scores[0] = 1.5
        yield torch.tensor(scores), float(rng.choice([0.0, 0.5, 1.0, 2.0]))

# %% role="wrong"
def _z(scores, centre=True, correction=0):
    x = scores.double() - (scores.double().mean(2, keepdim=True) if centre else 0)
    return x / x.std((1, 2), keepdim=True, correction=correction).clamp(min=1e-8)


@wrong("cautious", says="nothing is taken out")
def raw(scores, k):
    x = scores.double()
    return x.mean(0) - k * x.std(0, correction=0)


@wrong("cautious", says="whole pool is taken out")
def pool_mean(scores, k):
    x = scores.double() - scores.double().mean((1, 2), keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="of its own")
def std_of_each_prompt(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std(2, keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="nothing is divided")
def unscaled(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    return x.mean(0) - k * x.std(0, correction=0)


@wrong("cautious", says="before each prompt's mean")
def std_first(scores, k):
    x = scores.double()
    z = (x - x.mean(2, keepdim=True)) / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="count less 1")
def sample_std(scores, k):
    z = _z(scores, correction=1)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="count less 1")
def sample_std_across(scores, k):
    z = _z(scores)
    return z.mean(0) - k * (z.std(0) if len(z) > 1 else 0)


@wrong("cautious", says="when there is one model")
def sample_std_of_one(scores, k):
    z = _z(scores)
    return z.mean(0) - k * z.std(0)


@wrong("cautious", says="one number together")
def one_scale(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std(correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="0 divided by 0")
def no_clamp(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="plain mean")
def mean_only(scores, k):
    return _z(scores).mean(0)


@wrong("cautious", says="rewarded")
def added_std(scores, k):
    z = _z(scores)
    return z.mean(0) + k * z.std(0, correction=0)


@wrong("cautious", says="k is not used")
def no_k(scores, k):
    z = _z(scores)
    return z.mean(0) - (z.std(0, correction=0) if k else 0)


@wrong("cautious", says="minimum")
def minimum(scores, k):
    return _z(scores).amin(0) if k else _z(scores).mean(0)


@wrong("cautious", says="with k = 0 the plain mean")
def k_always_one(scores, k):
    return cautious(scores, 1.0)


@wrong("cautious", says="k multiply more")
def k_times_all(scores, k):
    return k * cautious(scores, 1.0)


@wrong("cautious", says="beside their prompts")
def means_without_keepdim(scores, k):
    x = scores.double() - scores.double().mean(2)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="beside their models")
def deviations_without_keepdim(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std((1, 2), correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="floor too high")
def high_floor(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="0 divided by 0")
def only_constant_models(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    std = torch.where(scores.double().std((1, 2), keepdim=True, correction=0) == 0, 1.0, x.std((1, 2), keepdim=True, correction=0))
    z = x / std
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", says="lost")
def zero_if_any_is_flat(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    return cautious(scores, k) * bool((x.std((1, 2), correction=0) > 0).all())


@wrong("cautious", says="variance across")
def variance(scores, k):
    z = _z(scores)
    return z.mean(0) - k * z.var(0, correction=0)


@wrong("cautious", says="sum across models")
def summed(scores, k):
    z = _z(scores)
    return z.sum(0) - k * z.std(0, correction=0)


@wrong("cautious", says="changes its input")
def in_place(scores, k):
    scores -= scores.mean(2, keepdim=True)
    z = _z(scores)
    return z.mean(0) - k * z.std(0, correction=0)


@wrong("cautious", hidden=True)
def k_at_most_one(scores, k):
    return cautious(scores, min(k, 1.0))

# %% role="right"
@right("cautious")
def in_float32(scores, k):
    x = scores.float()
    x = x - x.mean(2, keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-6)
    return z.mean(0) - k * z.std(0, correction=0)


@right("cautious")
def model_by_model(scores, k):
    scaled = []
    for model in np.asarray(scores):
        model = model - model.mean(axis=1, keepdims=True)
        scaled.append(model / model.std() if model.std() > 1e-9 else 0 * model)
    return (np.mean(scaled, axis=0) - k * np.std(scaled, axis=0)).tolist()

# %% [markdown]
# ## Now measure
#
# First KL on real candidates. Take the 256 stored replies of a prompt as all the replies there are, each equally likely. First `reward-8000` chooses among them, then a *verifier* that only says whether gold is at least 2. **Your prediction:** for which of the two is the bound a good stand-in for the value, and where does the other one stop?

# %%
import course_lib as course
from course_lib import assets

pool = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold = pool.reward("gold")
uniform, sizes = np.full(256, 1 / 256), (4, 16, 64, 256)
rewards = {"reward-8000": pool.reward("reward-8000"), "verifier": (gold >= 2).double()}
for name, R in rewards.items():
    mean = [np.mean([exact_kl(best_of_n_distribution(uniform, np.asarray(row), n), uniform) for row in R[:16]]) for n in sizes]
    print(f"{name:12}", "  ".join(f"n = {n}: {kl:.2f} (bound {kl_bound(n):.2f})" for n, kl in zip(sizes, mean)))
passes = rewards["verifier"][:16].mean(1)
print(f"mean of −log p over the prompts where a reply passes: {-passes[passes > 0].log().mean():.2f}")

# %% [markdown]
# Now the budget. With all 128 prompts we know which of two models has the better best-of-16. How often does `pick_reward_model` find it with few labels, when the prompts come in another order each time? **Your prediction:** how many labels for the right answer in nine of ten cases? One pair is far apart, the other close.

# %%
few = {name: pool.reward(name)[:, :16] for name in ("reward-500", "reward-2000", "reward-8000", "reward-125")}
judge, rng = gold[:, :16], np.random.default_rng(0)
orders = [torch.tensor(rng.permutation(128)) for _ in range(300)]
for a, b in (("reward-125", "reward-8000"), ("reward-2000", "reward-8000")):
    best = pick_reward_model(few[a], few[b], judge, 256)
    for labels in (2, 10, 40, 100):
        found = [pick_reward_model(few[a][i], few[b][i], judge[i], labels) == best for i in orders]
        print(f"{a} or {b}, {labels:3} labels: right in {np.mean(found):.0%}")

# %% [markdown]
# (The 128 prompts are also the ones that say which model is better, and with 100 labels you use 50 of them. So the last numbers are somewhat too good.)
#
# Finally the ensemble, at $n = 64$, against the plain mean ($k = 0$), with intervals over prompts. **Which differences can you tell from 0?**

# %%
from course_lib.estimators import best_of_n_curve, paired_difference

members = ["reward-500", "reward-2000", "reward-helpful", "reward-length-biased"]
scores = torch.stack([pool.reward(name) for name in members])
reached = {k: best_of_n_curve(cautious(scores, k), gold, [64])[:, 0] for k in (0.0, 0.5, 1.0, 2.0, 8.0)}
for k, value in reached.items():
    print(f"k = {k:g}: gold {value.mean():.2f}" + (f"   less the plain mean {paired_difference(value, reached[0.0]):+.2f}" if k else ""))

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex04")
