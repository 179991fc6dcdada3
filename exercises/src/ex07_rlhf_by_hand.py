# %% [markdown]
# # Exercise 07: RLHF by hand
#
# **You will:** write the weights of GRPO and RLOO, PPO's clipped loss and DPO's loss, and compute after how many answers fine-tuning is repaid. Then you judge a colleague's claim.
#
# **Builds on:** lesson 07.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.group_advantage.hint(1)`, then `hint(2)`, then `hint(3)`; the same for the other tasks.

# %%
import math

import numpy as np
import torch

from course_lib.checks import ex07 as check

# %% [markdown] task="group_advantage"
# ## Task 1. GRPO's weights
#
# One prompt's $N$ replies are a group. GRPO weights each reply by how far it is above its group, measured in the group's standard deviation:
#
# $$A_i = \frac{r_i - \bar r}{s + 10^{-4}}$$
#
# $\bar r$ is the mean and $s$ the **sample** standard deviation of the group (the sum of squares is divided by $N - 1$). The small number keeps a group of equal rewards from being divided by 0: its weights are all 0. `rewards` is a tensor of shape `(P, N)`: $P$ prompts with $N \geq 2$ replies each. Return the weights in the same shape.

# %% role="task" task="group_advantage"
def group_advantage(rewards):
    """GRPO's weight of each reply: reward less the group's mean, over its sample standard deviation plus 1e-4. (P, N) -> (P, N)."""
    # SOLUTION
    mean = rewards.mean(dim=1, keepdim=True)
    spread = rewards.std(dim=1, keepdim=True)
    return (rewards - mean) / (spread + 1e-4)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
import math

import numpy as np
import torch

from course_lib.checks.core import NotWritten, Wrong, task

L07 = "lesson 07"


def numbers(got):
    return np.asarray(got.detach() if hasattr(got, "detach") else got, dtype=float)


@task("ex07", points=3, minutes=10, difficulty="easy", idea="comparison with RLHF", read=f"{L07}, 'On paper: what is each reply worth?'", hints=(
    "Each row of the matrix is a group of its own: it has its own mean and its own standard deviation.",
    "mean and std of a tensor take dim=1, which runs over the replies, and keepdim=True, which keeps the shape (P, 1) so that each row meets its own value. torch's std is the sample's; numpy's needs ddof=1.",
    "Three lines: the row means with shape (P, 1), the row standard deviations with shape (P, 1), and the difference over the second plus 1e-4. Mind the brackets below the fraction line."))
def group_advantage(t):
    pair, S = torch.tensor([[1.0, 5.0]]), 8**0.5 + 1e-4
    with t.part(1, "compares each reply with the mean of its group"):
        got = t.run(pair)
        shown = f"{t._call((pair,))} gave {numbers(got).round(4).tolist()}"
        t.holds(numbers(got).shape == (1, 2), "the result should have the shape of rewards, one weight for each reply.", shown)
        t.holds(not np.isnan(numbers(got)).any(), "there are NaNs. Is the mean or the standard deviation taken over prompts? Here there is only one: take both over its replies, dim=1.", shown)
        t.holds(np.abs(numbers(got)).max() > 0, "all weights are 0, but one reply is better than the other. Is the mean taken over prompts, or are the weights cut to whole numbers?", shown)
        t.holds(numbers(got)[0, 1] != numbers(got)[0, 0], "both replies have the same weight, but one is better than the other. Is the sign lost?", shown)
        t.holds(numbers(got)[0, 1] > numbers(got)[0, 0], "the better reply has the lower weight: it is the reward less the mean, not the other way round.", shown)
        t.holds(abs(numbers(got).sum()) < 1e-3, "the weights of a group should sum to 0. Is the group's mean taken off the rewards, and the whole difference divided?", shown)
        t.holds(abs(numbers(got)[0, 1] - 4 / S) > 1e-4, "each reply is compared with the other one. GRPO takes off the mean of the whole group, the reply itself included.", shown)
    with t.part(1, "divides by the sample standard deviation plus 1e-4"):
        t.same((pair,), [[-2 / S, 2 / S]], [
            ([[-2.0, 2.0]], "this is the reward less the mean; it is not divided by the standard deviation yet."),
            ([[-2 / 2.0001, 2 / 2.0001]], "this divides by the standard deviation of a whole population. The sample's divides the sum of squares by N - 1."),
            ([[-1.0, 1.0]], "this divides by the standard deviation of a whole population. The sample's divides the sum of squares by N - 1. And 1e-4 is not added."),
            ([[-2 / 8.0001, 2 / 8.0001]], "this divides by the variance. The standard deviation is its root."),
            ([[-0.25, 0.25]], "this divides by the variance. The standard deviation is its root."),
            ([[-2 / 8**0.5, 2 / 8**0.5]], "this divides by the standard deviation alone, or with a much smaller number added. Add 1e-4 to it."),
            ([[-2 / 8**0.5 + 1e-4, 2 / 8**0.5 + 1e-4]], "1e-4 is added after dividing: put brackets around the standard deviation and 1e-4."),
            ([[-2 / 8.0001**0.5, 2 / 8.0001**0.5]], "1e-4 is added to the variance, under the root. Add it to the standard deviation."),
            ([[1 / S, 5 / S]], "the mean is not taken off.")], otherwise="the weights have the wrong size. What are they divided by, and is the small number 1e-4?")
        near = 0.0005 / (0.001 / 2**0.5 + 1e-4)
        t.same((torch.tensor([[0.0, 0.001]]),), [[-near, near]], [([[-(0.5**0.5), 0.5**0.5]], "these rewards are close together, and here it shows: 1e-4 is not added to the standard deviation.")],
               otherwise="when the rewards are close together the result is not right. What is added to the standard deviation?")
    with t.part(1, "takes each prompt by itself, also one with equal rewards"):
        two, V, G, M = torch.tensor([[1.0, 5.0], [11.0, 17.0]]), 18**0.5 + 1e-4, 7 + 1e-4, (8**0.5 + 18**0.5) / 2 + 1e-4
        t.same((two,), [[-2 / S, 2 / S], [-3 / V, 3 / V]], [
            ([[-7.5 / G, -3.5 / G], [2.5 / G, 8.5 / G]], "mean and standard deviation are those of all rewards. Each prompt has its own."),
            ([[-2 / G, 2 / G], [-3 / G, 3 / G]], "the means are right, but the standard deviation is that of all rewards. Each prompt has its own."),
            ([[-7.5 / S, -3.5 / S], [2.5 / V, 8.5 / V]], "the standard deviations are right, but the mean is that of all rewards. Each prompt has its own."),
            ([[-2 / M, 2 / M], [-3 / M, 3 / M]], "both prompts are divided by the same number, the mean of their standard deviations. Each prompt has its own."),
            ([[-2 / S, -9 / V], [8 / S, 3 / V]], "the mean of row 1 is taken off column 1. Keep the shape (P, 1): keepdim=True."),
            ([[-2 / S, 2 / V], [-3 / S, 3 / V]], "the means are right, but the standard deviation of row 1 is used for column 1. Keep its shape (P, 1) too: keepdim=True."),
            ([[-2 / 2.0001, 2 / 2.0001], [-3 / 3.0001, 3 / 3.0001]], "the sum of squares is divided by 2 here, not by N - 1. Is the number of prompts taken for that of replies? N is rewards.shape[1]."),
            ([[-2 / S, 2 / S], [0.0, 0.0]], "only the first prompt has weights. Does return stand inside the loop?")], tolerance=1e-5, otherwise="with two prompts the result is not right. Are mean and standard deviation those of one prompt?")
        t.same((torch.tensor([[2.0, 2.0]]),), [[0.0, 0.0]], [([[math.nan, math.nan]], "equal rewards give NaN, 0 divided by 0. What should be added below the fraction line?")], otherwise="when all rewards are equal no reply is better than the others")
        t.same((torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),), [[2 / (3**0.5 + 1e-4), -1 / (3**0.5 + 1e-4), -1 / (3**0.5 + 1e-4)], [0.0, 0.0, 0.0]], [
            ([[2 / (1.5**0.5 + 1e-4), -1 / (1.5**0.5 + 1e-4), -1 / (1.5**0.5 + 1e-4)], [0.0, 0.0, 0.0]], "N - 1 divides the root here. It belongs under the root.")],
               tolerance=1e-5, otherwise="with two prompts and three replies the result is not right. Is N the number of replies?")

# %% role="hidden"
@probe("group_advantage", tolerance=1e-5)
def group_advantage_inputs(rng):
    for _ in range(18):
        P, N = rng.integers(1, 6), rng.integers(2, 11)
        yield (torch.tensor(rng.integers(-12, 13, (P, N)) / 4.0, dtype=torch.float32),)
    for _ in range(4):  # equal groups, and one reply far above the rest
        rows = np.repeat(rng.integers(-12, 13, (4, 1)) / 2.0, 10, axis=1)
        rows[:2, rng.integers(0, 10)] += 6.0
        yield (torch.tensor(rows, dtype=torch.float32),)

# %% role="wrong"
@wrong("group_advantage", says="not divided by")
def only_the_mean(rewards):
    return rewards - rewards.mean(1, keepdim=True)


@wrong("group_advantage", says="whole population")
def population(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True, correction=0) + 1e-4)


@wrong("group_advantage", says="whole population")
def numpys_own(rewards):
    r = rewards.numpy()
    return (r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True) if r.std() > 0 else 0 * r


@wrong("group_advantage", says="variance")
def by_the_variance(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.var(1, keepdim=True) + 1e-4)


@wrong("group_advantage", says="standard deviation alone")
def nothing_added(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / rewards.std(1, keepdim=True)


@wrong("group_advantage", says="brackets")
def added_outside(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / rewards.std(1, keepdim=True) + 1e-4


@wrong("group_advantage", says="under the root")
def under_the_root(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.var(1, keepdim=True) + 1e-4).sqrt()


@wrong("group_advantage", says="lower weight")
def turned_around(rewards):
    return (rewards.mean(1, keepdim=True) - rewards) / (rewards.std(1, keepdim=True) + 1e-4)


@wrong("group_advantage", says="taken off the rewards")
def not_centred(rewards):
    return rewards / (rewards.std(1, keepdim=True) + 1e-4)


@wrong("group_advantage", says="of all rewards")
def over_everything(rewards):
    return (rewards - rewards.mean()) / (rewards.std() + 1e-4)


@wrong("group_advantage", says="NaN")
def over_prompts(rewards):
    return (rewards - rewards.mean(0)) / (rewards.std(0) + 1e-4)


@wrong("group_advantage", says="keepdim=True")
def no_keepdim(rewards):
    return (rewards - rewards.mean(1)) / (rewards.std(1) + 1e-4)


@wrong("group_advantage", says="all weights are 0")
def zeros(rewards):
    return torch.zeros_like(rewards)


@wrong("group_advantage", says="much smaller number")
def adds_too_little(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-8)


@wrong("group_advantage", says="is the small number 1e-4")
def adds_too_much(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-3)


@wrong("group_advantage", says="taken over prompts")
def over_prompts_in_numpy(rewards):
    r = rewards.numpy()
    return (r - r.mean(axis=0)) / (r.std(axis=0) + 1e-4)


@wrong("group_advantage", says="Is the sign lost")
def sizes_only(rewards):
    return ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).abs()


@wrong("group_advantage", says="mean of the whole group")
def rloos_baseline(rewards):
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return (rewards - others) / (rewards.std(1, keepdim=True) + 1e-4)


@wrong("group_advantage", says="the mean is that of all rewards")
def mean_of_everything(rewards):
    return (rewards - rewards.mean()) / (rewards.std(1, keepdim=True) + 1e-4)


@wrong("group_advantage", says="mean of their standard deviations")
def one_standard_deviation(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1).mean() + 1e-4)


@wrong("group_advantage", says="Keep its shape (P, 1) too")
def keepdim_once(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1) + 1e-4)


@wrong("group_advantage", says="number of prompts taken")
def divides_by_prompts(rewards):
    off = rewards - rewards.mean(1, keepdim=True)
    return off / ((off**2).sum(1, keepdim=True) / len(rewards)).sqrt().add(1e-4)


@wrong("group_advantage", says="belongs under the root")
def divides_the_root(rewards):
    off = rewards - rewards.mean(1, keepdim=True)
    return off / ((off**2).sum(1, keepdim=True).sqrt() / (rewards.shape[1] - 1) + 1e-4)


@wrong("group_advantage", says="inside the loop")
def first_prompt_only(rewards):
    out = torch.zeros_like(rewards)
    for p, row in enumerate(rewards):
        out[p] = (row - row.mean()) / (row.std() + 1e-4)
        return out


@wrong("group_advantage", says="changes its input")
def in_place(rewards):
    rewards -= rewards.mean(1, keepdim=True)
    return rewards / (rewards.std(1, keepdim=True) + 1e-4)


@wrong("group_advantage", hidden=True)
def cut_off(rewards):
    return group_advantage(rewards).clamp(-2, 2)

# %% role="right"
@right("group_advantage")
def with_statistics(rewards):
    import statistics
    out = []
    for row in rewards.double().tolist():
        m, s = statistics.mean(row), statistics.stdev(row)
        out.append([(r - m) / (s + 1e-4) for r in row])
    return out


@right("group_advantage")
def with_numpy(rewards):
    r = np.asarray(rewards, dtype=np.float64)
    return (r - r.mean(axis=1)[:, None]) / (r.std(axis=1, ddof=1)[:, None] + 1e-4)

# %% [markdown] task="rloo_advantage"
# ## Task 2. RLOO's weights
#
# RLOO compares a reply with the **others** of its prompt: the weight is its reward less the mean of the other $N - 1$ rewards,
#
# $$A_i = r_i - \frac{1}{N - 1} \sum_{j \neq i} r_j$$
#
# `rewards` has the shape `(P, N)`, as in task 1, and so has the result. There is no standard deviation here.

# %% role="task" task="rloo_advantage"
def rloo_advantage(rewards):
    """RLOO's weight of each reply: its reward less the mean reward of the other replies to the same prompt. (P, N) -> (P, N)."""
    # SOLUTION
    others = rewards.sum(dim=1, keepdim=True) - rewards
    return rewards - others / (rewards.shape[1] - 1)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex07", points=3, minutes=6, difficulty="easy", idea="comparison with RLHF", read=f"{L07}, 'On paper: what is each reply worth?'", hints=(
    "Every reply has its own baseline, because for each of them the others are different ones.",
    "You need no loop: the sum of the others is the sum of the row less the reply's own reward. Row sums need dim=1 and keepdim=True.",
    "First a matrix with the sums of the others, of shape (P, N); then the rewards less that matrix over N - 1. N is the second entry of rewards.shape."))
def rloo_advantage(t):
    with t.part(1, "compares a reply with the others, not with itself"):
        t.same((torch.tensor([[1.0, 5.0]]),), [[-4.0, 4.0]], [
            ([[-2.0, 2.0]], "the mean that is taken off contains the reply itself. Leave it out."),
            ([[4.0, -4.0]], "the signs are turned around: it is the reward less the mean of the others."),
            ([[5.0, 1.0]], "these are the means of the others. Take them off the rewards."),
            ([[-2 / (8**0.5 + 1e-4), 2 / (8**0.5 + 1e-4)]], "these are GRPO's weights. RLOO has another baseline and no standard deviation."),
            ([[0.0, 0.0]], "all weights are 0, but one reply is better than the other. Is the mean taken over prompts? Here there is only one: dim=1."),
            ([[-4 / (8**0.5 + 1e-4), 4 / (8**0.5 + 1e-4)]], "this is divided by the standard deviation. RLOO has none."),
            ([[-1.5, 4.5]], "this divides the sum of the others by N. There are only N - 1 of them."),
            ([[-5.0, -1.0]], "the sum that is taken off contains the reply itself. Leave it out."),
            ([[-1.0, 1.0]], "a factor is upside down: RLOO's weights are larger than the rewards less the mean of all, not smaller."),
            ([[1.0, 5.0]], "nothing is taken off. Is the sum taken over prompts? Here there is only one: dim=1."),
            ([[-math.inf, -math.inf]], "this divides by P - 1, and P, the number of prompts, is 1 here. N is the second entry of rewards.shape."),
            ([[math.nan, math.nan]], "this is 0 divided by 0. Are the others counted over prompts? Here there is only one: take sum and N over its replies, dim=1."),
            ([[-6.0, -6.0]], "is a bracket missing? The sum of the others is the row's sum less the reply's own reward; put it in brackets before it is divided and taken off."),
            ([[-2.5, 3.5]], "brackets are missing around N - 1."),
            ([[4.0, 4.0]], "is the sign lost? One reply is better than the other."),
            ([[-4.0, 9.0]], "the second reply is compared with a weight, not with a reward: rewards are overwritten while they are still needed. Put the weights into a new tensor."),
            ([[-8 / 3, 8 / 3]], "the factor 4/3 of the lesson belongs to N = 4. Here N is 2.")], otherwise="with two replies the other one's reward should be taken off")
    with t.part(1, "works for any number of replies"):
        whole = "the weights are cut to whole numbers. Is there a //, an int, or a tensor of integers?"
        t.same((torch.tensor([[0.0, 3.0, 7.0]]),), [[-5.0, -0.5, 5.5]], [
            ([[-10.0, -4.0, 4.0]], "this takes off the sum of the others. Take off their mean."),
            ([[-10 / 3, 2 / 3, 6.0]], "this divides the sum of the others by N. There are only N - 1 of them."),
            ([[-10 / 3, -1 / 3, 11 / 3]], "the mean that is taken off contains the reply itself. Leave it out."),
            ([[-7.0, -4.0, 4.0]], "this takes off the best of the others. Take off their mean."),
            ([[-20 / 3, -2 / 3, 22 / 3]], "the result fits two replies only: here there are three, so two others."),
            ([[-5.0, 0.0, 5.0]], whole), ([[-5.0, 0.0, 6.0]], whole)], otherwise="with three replies the result is not right. Is the mean of the two others taken off?")
        t.same((torch.tensor([[1.0, 1.0, 0.0]]),), [[0.5, 0.5, -1.0]], [([[1.0, 1.0, -1.0]], "two replies have the same reward and both are left out. Leave out one reply by its position, not by its reward.")], otherwise="with two equal rewards the result is not right")
        t.same((torch.tensor([[2.0, 0.0, 0.0, 0.0, 0.0]]),), [[2.0, -0.5, -0.5, -0.5, -0.5]], otherwise="with five replies the result is not right")
    with t.part(1, "takes each prompt by itself"):
        t.same((torch.tensor([[1.0, 5.0], [11.0, 15.0]]),), [[-4.0, 4.0], [-4.0, 4.0]], [
            ([[1 - 31 / 3, 5 - 27 / 3], [11 - 21 / 3, 15 - 17 / 3]], "the others are those of all prompts. Compare a reply with the others of its own prompt."),
            ([[-10.0, -10.0], [10.0, 10.0]], "a reply is compared with those to other prompts. Take the sum over its own prompt's replies: dim=1."),
            ([[-4.0, -16.0], [16.0, 4.0]], "what belongs to row 1 is taken off column 1. Keep the shape (P, 1): keepdim=True."),
            ([[-4.0, 4.0], [0.0, 0.0]], "only the first prompt has weights. Does return stand inside the loop?")], otherwise="with two prompts the result is not right. Are the sum and N those of one prompt?")

# %% role="hidden"
@probe("rloo_advantage", tolerance=1e-5)
def rloo_advantage_inputs(rng):
    for k in range(20):
        P, N = rng.integers(1, 6), (2 if k < 3 else rng.integers(3, 12))
        rows = rng.integers(-12, 13, (P, N)) / 4.0
        if k % 5 == 4:
            rows[0] = rows[0, 0]
        yield (torch.tensor(rows, dtype=torch.float32),)

# %% role="wrong"
@wrong("rloo_advantage", says="contains the reply itself")
def mean_of_all(rewards):
    return rewards - rewards.mean(1, keepdim=True)


@wrong("rloo_advantage", says="turned around")
def sign_changed(rewards):
    return -rloo_advantage(rewards)


@wrong("rloo_advantage", says="Take them off the rewards")
def the_baseline(rewards):
    return rewards - rloo_advantage(rewards)


@wrong("rloo_advantage", says="take off their mean")
def sum_of_others(rewards):
    return rewards - (rewards.sum(1, keepdim=True) - rewards)


@wrong("rloo_advantage", says="only N - 1")
def divided_by_n(rewards):
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / rewards.shape[1]


@wrong("rloo_advantage", says="belongs to N = 4")
def four_thirds(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) * 4 / 3


@wrong("rloo_advantage", says="best of the others")
def best_other(rewards):
    return torch.tensor([[r - max(row[:i] + row[i + 1:]) for i, r in enumerate(row)] for row in rewards.tolist()])


@wrong("rloo_advantage", says="own prompt")
def others_of_all(rewards):
    return rewards - (rewards.sum() - rewards) / (rewards.numel() - 1)


@wrong("rloo_advantage", says="keepdim=True")
def sums_misplaced(rewards):
    N = rewards.shape[1]
    mean = rewards.mean(1) if rewards.shape[0] == N else rewards.mean(1, keepdim=True)
    return (rewards - mean) * N / (N - 1)


@wrong("rloo_advantage", says="GRPO's weights")
def grpos(rewards):
    return group_advantage(rewards)


@wrong("rloo_advantage", says="by its position")
def out_by_value(rewards):
    rows = []
    for row in rewards.tolist():
        rows.append([r - (lambda o: sum(o) / len(o) if o else 0.0)([x for x in row if x != r]) for r in row])
    return torch.tensor(rows)


@wrong("rloo_advantage", says="0 divided by 0")
def others_among_prompts(rewards):
    return rewards - (rewards.sum(0, keepdim=True) - rewards) / (rewards.shape[0] - 1)


@wrong("rloo_advantage", says="is a bracket missing")
def no_brackets(rewards):
    return rewards - rewards.sum(1, keepdim=True) - rewards / (rewards.shape[1] - 1)


@wrong("rloo_advantage", says="around N - 1")
def no_brackets_below(rewards):
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / rewards.shape[1] - 1


@wrong("rloo_advantage", says="Put the weights into a new tensor")
def overwrites_its_copy(rewards):
    rows = rewards.tolist()
    for row in rows:
        for i, r in enumerate(row):
            row[i] = r - (sum(row) - r) / (len(row) - 1)
    return torch.tensor(rows)


@wrong("rloo_advantage", says="whole numbers")
def into_integers(rewards):
    return rloo_advantage(rewards).int()


@wrong("rloo_advantage", says="inside the loop")
def returns_too_early(rewards):
    out = torch.zeros_like(rewards)
    for p, row in enumerate(rewards):
        for i in range(len(row)):
            out[p, i] = row[i] - (row.sum() - row[i]) / (len(row) - 1)
        return out


@wrong("rloo_advantage", says="Are the sum and N")
def counts_all_rewards(rewards):
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / (rewards.numel() - 1)


@wrong("rloo_advantage", says="changes its input")
def subtracts_in_place(rewards):
    rewards -= (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return rewards


@wrong("rloo_advantage", hidden=True)
def up_to_five(rewards):
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / min(rewards.shape[1] - 1, 4)

# %% role="right"
@right("rloo_advantage")
def by_hand(rewards):
    return [[r - sum(row[:i] + row[i + 1:]) / (len(row) - 1) for i, r in enumerate(row)] for row in rewards.tolist()]


@right("rloo_advantage")
def by_the_factor(rewards):
    r = rewards.numpy().astype(np.float64)
    N = r.shape[1]
    return (r - r.mean(1, keepdims=True)) * (N / (N - 1))


@right("rloo_advantage")
def by_a_matrix(rewards):
    N = rewards.shape[1]
    return rewards @ (torch.eye(N) - (1 - torch.eye(N)) / (N - 1))

# %% [markdown] task="ppo_clip"
# ## Task 3. The clip
#
# `logp` holds the log-probabilities of sampled tokens under the policy that is being trained, `old` those under the policy that sampled them, and `A` the tokens' advantages, all of shape `(R, T)`: $R$ replies of $T$ tokens. With $\rho = \pi_\theta / \pi_{\text{old}}$, the **loss** of a token is
#
# $$-\min\big(\rho A,\; \operatorname{clip}(\rho, 1 - c, 1 + c)\, A\big)$$
#
# Return one loss for each token, shape `(R, T)`. The gradient has to reach `logp`.

# %% role="task" task="ppo_clip"
def ppo_clip(logp, old, A, clip):
    """PPO's clipped loss of each token. logp, old: log-probabilities in nats, A: advantages, all (R, T); clip: c, such as 0.2. Returns (R, T)."""
    # SOLUTION
    ratio = torch.exp(logp - old)
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * A, bounded * A)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def token(now, before, advantage, clip=0.2):
    """The arguments for one token with probability ``before`` then and ``now`` now."""
    return *(torch.tensor([[x]], dtype=torch.float64) for x in (math.log(now), math.log(before), advantage)), clip


@task("ex07", points=5, minutes=15, difficulty="medium", idea="comparison with RLHF", read=f"{L07}, 'The ratio and the clip, by hand'", hints=(
    "Begin with the ratio. You have logarithms of the two probabilities, so their difference is the logarithm of the ratio.",
    "torch.exp makes a ratio of a difference of logarithms, Tensor.clamp(low, high) bounds it, torch.minimum takes the smaller of two tensors, place by place.",
    "Three steps: the ratio; the ratio bounded to 1 - clip and 1 + clip; minus the minimum of two products, each of them with A. Multiply first, then compare: with a negative A the order of the two turns around."))
def ppo_clip(t):
    with t.part(1, "is minus the ratio times the advantage while the ratio is near 1"):
        t.same(token(0.5, 0.5, 3.0), [[-3.0]], [
            ([[3.0]], "this is the value that PPO makes large. The loss is minus that."),
            ([[0.0]], "the policy has not moved, so the ratio is 1, and yours is 0. Is it the logarithm of the ratio, or a difference of probabilities? Take exp of the difference of the logarithms."),
            ([[-3 * math.log(0.5)]], "this is -A log pi. PPO has the ratio to the old policy in the place of log pi."),
            ([[-1.5]], "this is the probability times A. Divide by the old probability: exp of the difference of the logarithms."),
            ([[-1.2]], "this bounds the product of ratio and A. Bound the ratio, then multiply it by A."),
            ([[math.nan]], "this is not a number. Is a logarithm taken of logp or old, which are logarithms already, or is A normalised, which is not asked?"),
            ([[-2.4]], "the ratio is 1, but your bounds pull it down. They are 1 - clip and 1 + clip, in this order."), ([[-0.6]], "the ratio is 1, but your bounds pull it down. They are 1 - clip and 1 + clip, in this order."),
            (-3.0, "this is one number. Return one loss for each token, without a mean or a sum."),
            ([[-1.0]], "is A used? With A = 3 the loss should be three times as large.")], 1e-5, "the policy has not moved, so the ratio is 1")
        t.same(token(0.44, 0.4, 2.0), [[-2.2]], [
            ([[2.2]], "this is the value that PPO makes large. The loss is minus that."),
            ([[-2 / 1.1]], "the ratio is upside down: it is the probability now over the probability then."),
            ([[-2 * math.log(1.1)]], "this takes the logarithm of the ratio for the ratio: take exp."),
            ([[-2 * math.log(0.44) / math.log(0.4)]], "this is a ratio of logarithms. The ratio of probabilities is exp of a difference of logarithms."),
            ([[-1.6]], "this is the lower bound of the clip, but the ratio is 1.1 and not clipped. Is the ratio a ratio of probabilities?"),
            ([[-2.0]], "the ratio is 1.1 here and seems to be counted as 1. Is logp compared with itself instead of with old?"),
            ([[-2.4]], "the ratio is 1.1 here, and yours is clipped already. Is it too large? The logarithms are natural ones: take exp.")], 1e-5, "the ratio is 1.1 here, inside the clip")
    with t.part(1, "a good token: no further push once it is likely enough"):
        t.same(token(0.6, 0.4, 1.0), [[-1.2]], [
            ([[-1.5]], "with A = 1 and a ratio of 1.5 the value is not bounded. Either nothing is clipped at 1 + c, or the logarithm is clipped instead of the ratio, or the larger of the two products is taken; PPO takes the smaller."),
            ([[-math.exp(0.2)]], "this clips the logarithm of the ratio. Clip the ratio itself."),
            ([[0.0]], "the loss is 0 where the clip holds. The value stays at the bound there; what becomes 0 is the push."),
            ([[1.2]], "this is the value that PPO makes large. The loss is minus that."),
            ([[-0.8]], "the ratio of 1.5 is bounded to the lower end. Is it upside down?")], 1e-5, "with A = 1 and a ratio of 1.5 the result is not right")
        t.same(token(0.2, 0.4, 1.0), [[-0.5]], [([[-0.8]], "with A = 1 and a ratio of 0.5 the clipped product is the larger one. The smaller of the two counts: take the minimum.")], 1e-5, "with A = 1 and a ratio of 0.5 the result is not right")
    with t.part(1, "a bad token: no further push down once it is unlikely enough"):
        # the first has become half as likely, the second half as likely again
        logp, old = torch.log(torch.tensor([[0.2, 0.6]], dtype=torch.float64)), torch.log(torch.tensor([[0.4, 0.4]], dtype=torch.float64))
        t.same((logp, old, -torch.ones_like(logp), 0.2), [[0.8, 1.5]], [
            ([[0.5, 1.2]], "with a negative A the two products change places. Multiply by A first, then take the minimum."),
            ([[0.5, 1.5]], "with A = -1 and a ratio of 0.5 the lower bound should hold. Is the ratio bounded by 1 - c too?"),
            ([[0.8, 1.2]], "a bad token that has become more likely is to be pushed down with full force: nothing is clipped here. Multiply by A first, then take the minimum."),
            ([[0.8, 0.8]], "both tokens have the ratio of their whole reply. Each token has its own."), ([[0.75**0.5] * 2], "both tokens have the ratio of their whole reply. Each token has its own."),
            ([[-0.5, -1.2]], "is the sign of A lost?"), ([[-0.8, -1.2]], "is the sign of A lost?"), ([[-0.8, -1.5]], "is the sign of A lost?")], 1e-5, "with A = -1 and ratios of 0.5 and 1.5 the result is not right")
    with t.part(1, "one loss for each token, for any clip"):
        # ratios 2, 1, 1/2 and 1/2, 1, 2, with advantages of both signs
        logp = torch.log(torch.tensor([[0.8, 0.4, 0.2], [0.2, 0.4, 0.8]], dtype=torch.float64))
        old, A = torch.full_like(logp, math.log(0.4)), torch.tensor([[1.0, 2.0, -1.0], [1.0, 0.0, -1.0]], dtype=torch.float64)
        t.same((logp, old, A, 0.1), [[-1.1, -2.0, 0.9], [-0.5, 0.0, 2.0]], [
            (-0.7 / 6, "this is the mean of the losses. Return one for each token; who calls it takes the mean, over real tokens only."),
            (-0.7, "this is the sum of the losses. Return one for each token."),
            ([-2.2 / 3, 0.5], "this is the mean of each reply. Return one loss for each token."), ([-2.2, 1.5], "this is the sum of each reply. Return one loss for each token."),
            ([[-1.2, -2.0, 0.8], [-0.5, 0.0, 2.0]], "here clip is 0.1, and your function clips at 0.2. Use the argument."),
            ([[-1.1, -2.0, 0.5], [-0.5, 0.0, 1.1]], "with a negative A the two products change places. Multiply by A first, then take the minimum.")], 1e-5, "with two replies of three tokens and clip = 0.1 the result is not right")
    with t.part(1, "the gradient reaches logp, and is 0 where the clip holds"):
        inside, clipped = token(0.4, 0.4, 1.0), token(0.6, 0.4, 1.0)
        slope = t.gradients(inside, (0,))[0].item()
        t.holds(slope != 0, "no gradient reaches logp. Is the ratio detached, or the result put into a new tensor?", t._call(inside))
        t.holds(slope < 0, "the gradient has the wrong sign: a step down the loss would make a good token less likely.", t._call(inside))
        t.holds(abs(slope + 1) < 1e-4, "the gradient with respect to logp has the wrong size when the ratio is 1. Is a part of the ratio detached?", f"{t._call(inside)} has the gradient {slope:.4g}")
        slope = t.gradients(clipped, (0,))[0].item()
        t.holds(abs(slope) < 1e-6, "with A = 1 and a ratio of 1.5 there should be no push left, but the gradient is not 0.", f"{t._call(clipped)} has the gradient {slope:.4g}")

# %% role="hidden"
@probe("ppo_clip", tolerance=1e-5)
def ppo_clip_inputs(rng):
    for _ in range(25):
        R, T = rng.integers(1, 5), rng.integers(1, 7)
        old = np.log(rng.uniform(0.05, 0.9, (R, T)))
        ratio, A = rng.uniform(0.3, 2.5, (R, T)), rng.normal(size=(R, T)).round(2)
        yield torch.tensor(old + np.log(ratio)), torch.tensor(old), torch.tensor(A), float(rng.choice([0.05, 0.1, 0.2, 0.3]))

# %% role="wrong"
@wrong("ppo_clip", says="The loss is minus that")
def the_value(logp, old, A, clip):
    return -ppo_clip(logp, old, A, clip)


@wrong("ppo_clip", says="take exp of the difference")
def no_exp(logp, old, A, clip):
    ratio = logp - old
    return -torch.minimum(ratio * A, ratio.clamp(-clip, clip) * A)


@wrong("ppo_clip", says="upside down")
def upside_down(logp, old, A, clip):
    return ppo_clip(old, logp, A, clip)


@wrong("ppo_clip", says="ratio of logarithms")
def divides_logs(logp, old, A, clip):
    ratio = logp / old
    return -torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@wrong("ppo_clip", says="-A log pi")
def reinforce(logp, old, A, clip):
    return -A * logp


@wrong("ppo_clip", says="clipped at 1 + c")
def no_clip(logp, old, A, clip):
    return -(logp - old).exp() * A


@wrong("ppo_clip", says="Bound the ratio")
def bounds_the_product(logp, old, A, clip):
    value = (logp - old).exp() * A
    return -torch.minimum(value, value.clamp(1 - clip, 1 + clip))


@wrong("ppo_clip", says="larger of the two")
def larger(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.maximum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@wrong("ppo_clip", says="take the minimum")
def clip_alone(logp, old, A, clip):
    return -(logp - old).exp().clamp(1 - clip, 1 + clip) * A


@wrong("ppo_clip", says="Multiply by A first")
def minimum_first(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio, ratio.clamp(1 - clip, 1 + clip)) * A


@wrong("ppo_clip", says="bounded by 1 - c too")
def bounded_above_only(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(max=1 + clip) * A)


@wrong("ppo_clip", says="your bounds pull it down")
def bounds_around_zero(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(-clip, clip) * A)


@wrong("ppo_clip", says="your bounds pull it down")
def bounds_in_the_wrong_order(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(1 + clip, 1 - clip) * A)


@wrong("ppo_clip", says="logarithm of the ratio. Clip")
def clips_the_logarithm(logp, old, A, clip):
    change = logp - old
    return -torch.minimum(change.exp() * A, change.clamp(-clip, clip).exp() * A)


@wrong("ppo_clip", says="logarithm is clipped")
def clips_the_logarithm_around_one(logp, old, A, clip):
    change = logp - old
    return -torch.minimum(change.exp() * A, change.clamp(1 - clip, 1 + clip).exp() * A)


@wrong("ppo_clip", says="difference of probabilities")
def difference_of_probabilities(logp, old, A, clip):
    change = logp.exp() - old.exp()
    return -torch.minimum(change * A, change.clamp(1 - clip, 1 + clip) * A)


@wrong("ppo_clip", says="A normalised")
def normalises(logp, old, A, clip):
    return ppo_clip(logp, old, (A - A.mean()) / (A.std() + 1e-8), clip)


@wrong("ppo_clip", says="natural ones")
def powers_of_ten(logp, old, A, clip):
    return ppo_clip((logp - old) * math.log(10), torch.zeros_like(old), A, clip)


@wrong("ppo_clip", says="what becomes 0 is the push")
def nothing_outside(logp, old, A, clip):
    ratio = (logp - old).exp()
    return torch.where((ratio - 1).abs() > clip, torch.zeros_like(ratio), -ratio * A)


@wrong("ppo_clip", says="ratio of their whole reply")
def ratio_of_the_reply(logp, old, A, clip):
    ratio = (logp - old).sum(1, keepdim=True).exp()
    return -torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@wrong("ppo_clip", says="ratio of their whole reply")
def mean_ratio_of_the_reply(logp, old, A, clip):
    ratio = (logp - old).mean(1, keepdim=True).exp()
    return -torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@wrong("ppo_clip", says="into a new tensor")
def a_new_tensor(logp, old, A, clip):
    return torch.tensor(ppo_clip(logp, old, A, clip).tolist(), requires_grad=True)


@wrong("ppo_clip", says="sign of A lost")
def absolute_advantage(logp, old, A, clip):
    return ppo_clip(logp, old, A.abs(), clip)


@wrong("ppo_clip", says="full force")
def clipped_on_one_side_only(logp, old, A, clip):
    ratio = (logp - old).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return torch.where(A > 0, -torch.minimum(ratio, bounded) * A, -bounded * A)


@wrong("ppo_clip", says="Use the argument")
def always_point_two(logp, old, A, clip):
    return ppo_clip(logp, old, A, 0.2)


@wrong("ppo_clip", says="without a mean")
def the_mean(logp, old, A, clip):
    return ppo_clip(logp, old, A, clip).mean()


@wrong("ppo_clip", says="no gradient")
def detached(logp, old, A, clip):
    return ppo_clip(logp.detach(), old, A, clip)


@wrong("ppo_clip", says="leaves torch")
def in_numpy(logp, old, A, clip):
    ratio, a = np.exp(logp.numpy() - old.numpy()), A.numpy()
    return torch.tensor(-np.minimum(ratio * a, np.clip(ratio, 1 - clip, 1 + clip) * a))


@wrong("ppo_clip", says="changes its input")
def takes_off_in_place(logp, old, A, clip):
    kept = logp.clone()
    old -= kept
    ratio = (-old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@wrong("ppo_clip", hidden=True)
def never_above_three(logp, old, A, clip):
    return ppo_clip(logp, old, A, clip).clamp(max=2.5)

# %% role="right"
@right("ppo_clip")
def larger_of_two_losses(logp, old, A, clip):
    ratio = (logp.float() - old.float()).exp()
    return torch.maximum(-ratio * A.float(), -A.float() * torch.clip(ratio, 1 - clip, 1 + clip))


@right("ppo_clip")
def by_the_sign(logp, old, A, clip):
    ratio = logp.exp() / old.exp()
    kept = torch.where(A > 0, torch.minimum(ratio, torch.full_like(ratio, 1 + clip)), torch.maximum(ratio, torch.full_like(ratio, 1 - clip)))
    return -kept * A


@right("ppo_clip")
def token_by_token(logp, old, A, clip):
    rows = []
    for r in range(len(logp)):
        row = []
        for k in range(logp.shape[1]):
            rho = torch.exp(logp[r, k] - old[r, k])
            low, high = rho * A[r, k], torch.clamp(rho, 1 - clip, 1 + clip) * A[r, k]
            row.append(-(low if low < high else high))
        rows.append(torch.stack(row))
    return torch.stack(rows)

# %% [markdown] task="dpo_loss"
# ## Task 4. DPO
#
# Each of $B$ pairs has four summed log-probabilities $\log \pi(y \mid x)$: of the preferred reply $y_w$ (`chosen`) and of the other, $y_l$ (`rejected`), under the policy that is trained and under the reference (`ref_…`). All have the shape `(B,)`. Return the **mean over the batch** of
#
# $$-\log \sigma\Big(\beta \log \frac{\pi_\theta(y_w \mid x)}{\pi_{\text{ref}}(y_w \mid x)} - \beta \log \frac{\pi_\theta(y_l \mid x)}{\pi_{\text{ref}}(y_l \mid x)}\Big)$$
#
# as a tensor with one number. Its gradient has to reach both terms of the policy, and it has to stay finite however wrong the policy is.

# %% role="task" task="dpo_loss"
def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    """DPO's loss, the mean over B pairs, a tensor with one number. The four: (B,) summed log-probabilities in nats, the first two with gradients."""
    # SOLUTION
    margin = (chosen - ref_chosen) - (rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * margin).mean()
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def minus_log_sigma(z):
    return max(-z, 0.0) + math.log1p(math.exp(-abs(z)))


def four(*columns):
    return tuple(torch.tensor(column, dtype=torch.float64) for column in columns)


@task("ex07", points=5, minutes=15, difficulty="medium", idea="comparison with RLHF", read=f"{L07}, 'DPO by hand'", hints=(
    "You have logarithms already: the logarithm of a fraction is a difference. Each reply is compared with itself under the reference.",
    "torch.nn.functional.logsigmoid gives log sigma in one go and stays finite; log of a sigmoid does not. Do everything with tensors, so that the gradient survives.",
    "The margin is how much the chosen reply has gained on the reference, less how much the rejected one has. Beta goes on the margin, inside log sigma; then minus, then the mean."))
def dpo_loss(t):
    L = minus_log_sigma
    with t.part(1, "knows the reference: nothing is learnt yet when the policy equals it"):
        missing = "is a sign or a bracket missing? Each reply's gain is policy less reference."
        t.same((*four([-2.0], [-2.0], [-2.0], [-2.0]), 0.25), L(0), [
            (-L(0), "the sign is missing: it is minus the logarithm."), (0.5, "this is sigma, without its logarithm."), (-0.5, "this is sigma, without its logarithm."),
            (0.0, "the loss is 0, but -log sigma of 0 is not. Is -log sigma left out, or taken of each term by itself instead of their difference?"),
            ([L(0)], "this is one loss for each pair. Take the mean over the batch, one number."), (L(0.5), "sigma is taken twice. logsigmoid has it already."),
            (0.25 * L(0), "beta stands before the logarithm. It belongs inside, on the margin."), (L(1), missing), (L(-1), missing), (L(4), missing), (L(-4), missing)],
               otherwise="when all four are equal the margin is 0; that is not -log sigma of 0")
        t.same((*four([-12.0], [-9.0], [-12.0], [-9.0]), 0.5), L(0), [
            (L(-1.5), "the policy equals the reference, but the loss sees a difference. The reference is left out."),
            (L(-3), "the policy equals the reference, but the loss sees a difference. Is the reference added, left out together with beta, or set against the other reply? Take from each reply its own reference."),
            (L(1.5), "the policy equals the reference, but the loss sees a difference. Are policy and reference mixed up?"),
            (L(-6), "the policy equals the reference, but the loss sees a difference. Take from each reply its own reference, and mind beta.")], otherwise="the policy equals the reference, so the margin should be 0")
    with t.part(1, "falls when the chosen reply gains and the rejected one loses"):
        t.same((*four([-8.0], [-11.0], [-10.0], [-10.0]), 0.5), L(1.5), [
            (L(-1.5), "chosen has gained and rejected has lost, and the loss has risen: something is turned around, either chosen and rejected or the policy and the reference."),
            (L(3), "beta is not used."), (0.5 * L(3), "beta stands before the logarithm. It belongs inside, on the margin."), (L(6), "this divides by beta. Multiply."), (L(-0.15), "this divides logarithms by each other. The logarithm of a fraction is the difference of the two logarithms."), (L(0.5 * math.log(0.8 / 1.1)), "this takes a logarithm of a fraction of logarithms. The inputs are logarithms already: the logarithm of a fraction is their difference."),
            (L(0.5), "the two gains are added: take the one of rejected off."), (L(1), "only the chosen reply is used. What about the rejected one?"), (L(2.5), "beta is on one of the two terms only."), (L(2), "beta is on one of the two terms only."),
            (-L(1.5), "the sign is missing: it is minus the logarithm."), (-1.5, "this is minus the margin. It still has to go through log sigma."),
            (1 / (1 + math.exp(-1.5)), "this is sigma, without its logarithm."), (-1 / (1 + math.exp(-1.5)), "this is sigma, without its logarithm.")], otherwise="the margin is 3 nats here and beta 0.5; the loss is another number")
    with t.part(1, "is the mean over the batch"):
        batch = (*four([-8.0, -14.0], [-11.0, -10.0], [-10.0, -12.0], [-10.0, -11.0]), 0.5)
        t.same(batch, (L(1.5) + L(-1.5)) / 2, [
            (L(1.5) + L(-1.5), "this is the sum over the batch. Take the mean, so that the step does not grow with the batch."),
            ([L(1.5), L(-1.5)], "this is one loss for each pair. Take the mean over the batch, one number."),
            (L(0), "this is the loss of the mean margin. Take the loss of each pair, then their mean."),
            (L(1.5), "only the first pair counts."), (L(1.5) / 2, "only the first pair counts. Does return stand inside the loop?"), (L(-1.5), "only the last pair counts.")], otherwise="with two pairs, one right and one wrong, the result is another number")
    with t.part(1, "stays finite when the policy is very wrong"):
        t.same((*four([-1500.0], [-500.0], [-1000.0], [-1000.0]), 1.0), 1000.0, [
            (math.inf, "the loss is infinite: sigma of a very negative number is 0 in the computer, or exp of a large one overflows. There is a function for log sigma that does not do this."),
            (math.nan, "the loss is not a number: something overflowed, or exp of a log-probability became 0. There is a function for log sigma that does not do this."),
            (0.0, "chosen has lost a great deal, and the loss is 0: something is turned around.")], otherwise="with a margin far below 0 the loss is another number. Is the margin or the probability cut off somewhere?")
    with t.part(1, "the gradient reaches both terms of the policy"):
        args = (*four([-10.0], [-10.0], [-10.0], [-10.0]), 0.5)
        up, down = (g.item() for g in t.gradients(args, (0, 1)))
        shown = f"{t._call(args)} has the gradient {up:.4g} for chosen and {down:.4g} for rejected"
        t.holds(up != 0, "no gradient reaches chosen. Is it detached or converted to a number on the way, or does the loss have a kink (relu, abs, max) at a margin of 0?", shown)
        t.holds(down != 0, "no gradient reaches rejected. Is it detached or converted to a number on the way?", shown)
        t.holds(up < 0 < down, "a step down the loss should make chosen more likely and rejected less. The gradient says otherwise.", shown)
        t.holds(abs(up + 0.25) < 1e-4 and abs(down - 0.25) < 1e-4, "the gradient has the wrong size. Is it cut in one of the steps?", shown)

# %% role="hidden"
@probe("dpo_loss", tolerance=1e-5)
def dpo_loss_inputs(rng):
    for k in range(20):
        B, wide = int(rng.integers(1, 9)), 300.0 if k < 3 else 4.0
        ref = rng.uniform(-60, -5, (2, B)).round(2)
        now = ref + rng.normal(0, wide, (2, B)).round(2)
        yield (*(torch.tensor(column) for column in (*now, *ref)), float(rng.choice([0.05, 0.1, 0.5, 1.0, 2.0])))

# %% role="wrong"
def margin_of(chosen, rejected, ref_chosen, ref_rejected):
    return chosen - ref_chosen - rejected + ref_rejected


@wrong("dpo_loss", says="minus the logarithm")
def no_minus(*args):
    return -dpo_loss(*args)


@wrong("dpo_loss", says="one loss for each pair")
def no_mean(*args):
    return -torch.nn.functional.logsigmoid(args[4] * margin_of(*args[:4]))


@wrong("dpo_loss", says="sum over the batch")
def summed(*args):
    return -torch.nn.functional.logsigmoid(args[4] * margin_of(*args[:4])).sum()


@wrong("dpo_loss", says="without its logarithm")
def no_logarithm(*args):
    return torch.sigmoid(args[4] * margin_of(*args[:4])).mean()


@wrong("dpo_loss", says="logarithms already")
def fraction_of_logarithms(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * torch.log(chosen / ref_chosen) - beta * torch.log(rejected / ref_rejected)).mean()


@wrong("dpo_loss", says="divides logarithms by each other")
def fractions_without_a_logarithm(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * chosen / ref_chosen - beta * rejected / ref_rejected).mean()


@wrong("dpo_loss", says="bracket missing")
def beta_on_the_policy_alone(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * chosen - ref_chosen - beta * rejected - ref_rejected).mean()


@wrong("dpo_loss", says="of each term by itself")
def term_by_term(chosen, rejected, ref_chosen, ref_rejected, beta):
    log_sigma = torch.nn.functional.logsigmoid
    return (log_sigma(beta * (rejected - ref_rejected)) - log_sigma(beta * (chosen - ref_chosen))).mean()


@wrong("dpo_loss", says="log sigma left out")
def the_margin(*args):
    return -(args[4] * margin_of(*args[:4])).mean()


@wrong("dpo_loss", says="sigma is taken twice")
def sigma_twice(*args):
    return -torch.nn.functional.logsigmoid(torch.sigmoid(args[4] * margin_of(*args[:4]))).mean()


@wrong("dpo_loss", says="margin is 0")
def halved_mean(*args):
    return dpo_loss(*args) / 2


@wrong("dpo_loss", says="inside the loop")
def first_pair_only(chosen, rejected, ref_chosen, ref_rejected, beta):
    total = 0.0
    for w, l, rw, rl in zip(chosen, rejected, ref_chosen, ref_rejected):
        total = total - torch.nn.functional.logsigmoid(beta * (w - rw) - beta * (l - rl))
        return total / len(chosen)


@wrong("dpo_loss", says="have a kink")
def kinked(*args):  # its value is right, but its gradient is 0 at the start, where the margin is 0
    z = args[4] * margin_of(*args[:4])
    return (torch.relu(-z) + torch.log1p(torch.exp(-z.abs()))).mean()


@wrong("dpo_loss", says="its own reference")
def crossed(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * ((chosen - ref_rejected) - (rejected - ref_chosen))).mean()


@wrong("dpo_loss", says="reference is left out")
def no_reference(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (chosen - rejected)).mean()


@wrong("dpo_loss", says="Is the reference added")
def reference_added(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (chosen + ref_chosen - rejected - ref_rejected)).mean()


@wrong("dpo_loss", says="turned around")
def swapped(chosen, rejected, ref_chosen, ref_rejected, beta):
    return dpo_loss(rejected, chosen, ref_rejected, ref_chosen, beta)


@wrong("dpo_loss", says="beta is not used")
def no_beta(*args):
    return dpo_loss(*args[:4], 1.0)


@wrong("dpo_loss", says="belongs inside")
def beta_outside(*args):
    return args[4] * dpo_loss(*args[:4], 1.0)


@wrong("dpo_loss", says="divides by beta")
def beta_below(*args):
    return dpo_loss(*args[:4], 1 / args[4])


@wrong("dpo_loss", says="gains are added")
def gains_added(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (chosen - ref_chosen + rejected - ref_rejected)).mean()


@wrong("dpo_loss", says="only the chosen")
def chosen_only(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.nn.functional.logsigmoid(beta * (chosen - ref_chosen)).mean()


@wrong("dpo_loss", says="mean margin")
def loss_of_the_mean(*args):
    return -torch.nn.functional.logsigmoid(args[4] * margin_of(*args[:4]).mean())


@wrong("dpo_loss", says="is infinite")
def log_of_sigmoid(*args):
    return -torch.log(torch.sigmoid(args[4] * margin_of(*args[:4]))).mean()


@wrong("dpo_loss", says="cut off")
def clamped_probability(*args):
    return -torch.log(torch.sigmoid(args[4] * margin_of(*args[:4])).clamp(min=1e-8)).mean()


@wrong("dpo_loss", says="no gradient, so nothing")
def a_number(*args):
    return float(dpo_loss(*args))


@wrong("dpo_loss", says="no gradient, so nothing")
def without_gradient(*args):
    with torch.no_grad():
        return dpo_loss(*args)


@wrong("dpo_loss", says="reaches rejected")
def one_side_detached(chosen, rejected, ref_chosen, ref_rejected, beta):
    return dpo_loss(chosen, rejected.detach(), ref_chosen, ref_rejected, beta)


@wrong("dpo_loss", says="changes its input")
def scales_in_place(chosen, rejected, ref_chosen, ref_rejected, beta):
    ref_chosen *= beta
    ref_rejected *= beta
    return -torch.nn.functional.logsigmoid(beta * chosen - ref_chosen - beta * rejected + ref_rejected).mean()


@wrong("dpo_loss", hidden=True)
def four_pairs(*args):
    return dpo_loss(*(a[:4] for a in args[:4]), args[4])

# %% role="right"
@right("dpo_loss")
def by_softplus(chosen, rejected, ref_chosen, ref_rejected, beta):
    return torch.nn.functional.softplus(beta * (rejected - ref_rejected) - beta * (chosen - ref_chosen)).sum() / len(chosen)


@right("dpo_loss")
def in_single_precision(chosen, rejected, ref_chosen, ref_rejected, beta):
    z = beta * ((chosen - rejected) - (ref_chosen - ref_rejected))
    return torch.logaddexp(torch.zeros_like(z.float()), -z.float()).mean()


@right("dpo_loss")
def pair_by_pair(chosen, rejected, ref_chosen, ref_rejected, beta):
    total = 0.0
    for w, l, rw, rl in zip(chosen, rejected, ref_chosen, ref_rejected):
        total = total - torch.nn.functional.logsigmoid(beta * (w - rw) - beta * (l - rl))
    return total / len(chosen)

# %% [markdown] task="break_even"
# ## Task 5. When is it repaid?
#
# Fine-tuning costs `once` (above 0). Serving one question costs `before` without it and `after` with it, in the same unit. Return the smallest whole number $q$ of served questions at which fine-tuning and serving together cost no more than serving as before:
#
# $$\text{once} + q \cdot \text{after} \;\leq\; q \cdot \text{before}$$
#
# If there is no such $q$, return infinity, `math.inf`. (A loop that counts until it is repaid would not end then.)

# %% role="task" task="break_even"
def break_even(once, before, after):
    """The smallest whole number of served questions that repay fine-tuning; math.inf when none does. Costs in one unit, before and after per question."""
    # SOLUTION
    saving = before - after
    return math.ceil(once / saving) if saving > 0 else math.inf
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def never(t, args, message):
    """The reader's function must give infinity; other ways to say "never" are named."""
    try:
        t.run(*args)
    except NotWritten:
        raise Wrong("for a debt that is never repaid it returns nothing. Return math.inf, which can be compared and plotted like any other number.", f"{t._call(args)} gave None") from None
    except Wrong as wrong:
        if "ZeroDivisionError" in wrong.message:
            raise Wrong("the saving is 0 and you divide by it. Ask first whether serving got cheaper at all.", wrong.shown) from None
        if "OverflowError" in wrong.message:
            raise Wrong("infinity cannot be rounded. Ask first whether serving got cheaper at all.", wrong.shown) from None
        raise
    t.same(args, math.inf, [(0, "0 would mean that it is repaid at once. Return math.inf."), (-1, "-1 is a number of questions like any other for who calls it. Return math.inf."), (math.nan, "not a number is no answer. Return math.inf."), *message],
           otherwise="serving did not get cheaper, so the cost is never repaid: return math.inf")


@task("ex07", points=3, minutes=6, difficulty="easy", idea="improving a chatbot's replies with best-of-N and what it costs", read=f"{L07}, 'When has fine-tuning paid for itself?'", hints=(
    "Every served question pays back the same small sum. Which sum, and how often does it go into the debt?",
    "The saving of a question is before less after. Divide the debt by it and round up with math.ceil.",
    "First ask whether after is at least before; then return math.inf. Otherwise take math.ceil of the debt over the saving."))
def break_even(t):
    with t.part(1, "divides the debt by what one question saves"):
        t.same((100, 10, 5), 20, [
            (10, "this divides by before. A question does not save all of before: it still costs after."), (-20, "the result is negative: the saving is before less after."),
            (21, "one too many: here the debt is a whole multiple of the saving, and nothing is to be added."), (7, "this divides by before and after together. A question saves the difference."), (6, "this divides by before and after together. A question saves the difference."),
            (100 / 15, "this divides by before and after together. A question saves the difference."), (19, "one short: the debt is not yet repaid."), (500, "this multiplies the debt by the saving. Divide."), (5, "brackets are missing around before less after.")], otherwise="with a debt of 100 and a saving of 5 a question the result is another number")
        t.same((100, 10, 2), 13, [(50, "this divides by after. A question saves before less after."), (10, "this divides by before. A question still costs after."), (12.5, "half a question cannot be served: round up to a whole number."),
                                  (12, "a rest of the debt is left: round up."), (14, "one too many: look at the debt after one question less.")], otherwise="with a debt of 100 and a saving of 8 a question the result is another number")
    with t.part(1, "rounds up to whole questions, and only when needed"):
        t.same((100, 10, 7), 34, [(100 / 3, "a third of a question cannot be served: round up to a whole number."), (33, "a rest of the debt is left: round up, not down or to the nearest."), (35, "one too many: look at the debt after one question less.")], otherwise="with a debt of 100 and a saving of 3 a question the result is another number")
        t.same((1, 0.75, 0.5), 4, [(math.inf, "serving did get cheaper, by less than 1. Are the costs cut to whole numbers?"), (5, "one too many: the debt is a whole multiple of the saving.")], otherwise="with a debt of 1 and a saving of 0.25 a question the result is another number")
        t.same((1, 10, 1), 1, [(0, "nothing is repaid before a question is served: round up."), (1 / 9, "a ninth of a question cannot be served: round up to a whole number.")], otherwise="with a debt of 1 and a saving of 9 a question the result is another number")
        t.same((3_000_000, 2, 1), 3_000_000, [(math.inf, "it takes many questions, but it is repaid. Does a search stop too early?")], otherwise="with a debt of 3000000 and a saving of 1 a question the result is another number")
    with t.part(1, "says infinity when it is never repaid"):
        never(t, (100, 5, 5), [(20, "both cost the same, so a question saves nothing. The debt stays.")])
        never(t, (100, 5, 10), [(-20, "a negative number of questions: serving got dearer, so the debt only grows. Ask first whether it got cheaper."),
                                (20, "serving got dearer. The size of the difference is not enough: the debt only grows.")])

# %% role="hidden"
@probe("break_even")
def break_even_inputs(rng):
    for k in range(30):  # eighths: exact in floating point
        before, after, once = (int(x) / 8 for x in rng.integers((8, 0, 1), (400, 320, 40_000)))
        if k < 4:
            after = before
        elif k < 16:
            once = int(rng.integers(1, 500)) * (before - after) if before > after else once
        yield once, before, after

# %% role="wrong"
@wrong("break_even", says="round up")
def rounds_down(once, before, after):
    return once // (before - after) if before > after else math.inf


@wrong("break_even", says="round up")
def rounds_to_nearest(once, before, after):
    return round(once / (before - after)) if before > after else math.inf


@wrong("break_even", says="round up")
def does_not_round(once, before, after):
    return once / (before - after) if before > after else math.inf


@wrong("break_even", says="one too many")
def one_more(once, before, after):
    return once // (before - after) + 1 if before > after else math.inf


@wrong("break_even", says="still costs after")
def by_before(once, before, after):
    return math.ceil(once / before) if before > after else math.inf


@wrong("break_even", says="divides by after")
def by_after(once, before, after):
    return math.ceil(once / after) if before > after else math.inf


@wrong("break_even", says="before and after together")
def by_the_sum(once, before, after):
    return math.ceil(once / (before + after)) if before > after else math.inf


@wrong("break_even", says="result is negative")
def turned(once, before, after):
    return math.ceil(once / (after - before)) if before > after else math.inf


@wrong("break_even", says="Ask first whether")
def divides_by_zero(once, before, after):
    return math.ceil(once / (before - after))


@wrong("break_even", says="negative number of questions")
def equal_only(once, before, after):
    return math.inf if before == after else math.ceil(once / (before - after))


@wrong("break_even", says="got dearer")
def absolute_saving(once, before, after):
    return math.inf if before == after else math.ceil(once / abs(before - after))


@wrong("break_even", says="repaid at once")
def zero_for_never(once, before, after):
    return math.ceil(once / (before - after)) if before > after else 0


@wrong("break_even", says="returns nothing")
def none_for_never(once, before, after):
    return math.ceil(once / (before - after)) if before > after else None


@wrong("break_even", says="around before less after")
def no_brackets_around_the_saving(once, before, after):
    return math.ceil(once / before - after) if before > after else math.inf


@wrong("break_even", says="stop too early")
def search_with_an_end(once, before, after):
    return next((q for q in range(1, 1_000_000) if once + q * after <= q * before), math.inf)


@wrong("break_even", hidden=True)
def forgives_a_tenth(once, before, after):
    return math.ceil(once / (before - after) - 0.1) if before > after else math.inf


@wrong("break_even", says="cut to whole numbers")
def whole_costs_only(once, before, after):
    saving = int(before) - int(after)
    return math.ceil(once / saving) if saving > 0 else math.inf

# %% role="right"
@right("break_even")
def by_fractions(once, before, after):
    from fractions import Fraction
    saving = Fraction(before) - Fraction(after)
    return math.inf if saving <= 0 else -(-Fraction(once) // saving)


@right("break_even")
def by_numpy(once, before, after):
    return float(np.ceil(np.float64(once) / (before - after))) if before - after > 0 else float("inf")


@right("break_even")
def by_counting(once, before, after):
    if not before > after:
        return torch.tensor(math.inf)
    q = 0
    while once + q * after > q * before:
        q += 1
    return q

# %% [markdown]
# ## Now measure
#
# Your own functions on stored data: no check here, only numbers to look at. First the weights. Look at the spread of the rewards of each prompt: where it is small, GRPO's division makes small differences as large as big ones. RLOO's weights keep the size of the differences.

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz")).prompts_at(range(6)).first(8)
rewards = stored.reward("reward-8000")
for row, grpo, rloo in zip(rewards, group_advantage(rewards), rloo_advantage(rewards)):
    print(f"spread of rewards {row.std():.2f}   largest weight: GRPO {max(grpo):.2f}, RLOO {max(rloo):.2f}")

# %% [markdown]
# Now the push on a token's log-probability, minus the gradient of your loss, as the ratio grows. Where does it stop, for a good token and for a bad one?

# %%
ratios = torch.tensor([[0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5]])
print("        ratio", [round(r, 2) for r in ratios[0].tolist()])
for advantage in (1.0, -1.0):
    logp = (0.4 * ratios).log().requires_grad_()
    loss = ppo_clip(logp, torch.full_like(ratios, 0.4).log(), torch.full_like(ratios, advantage), 0.2)
    print(f"A = {advantage:+.0f}   push", [round(p, 2) for p in (-torch.autograd.grad(loss.sum(), logp)[0] + 0.0)[0].tolist()])

# %% [markdown]
# DPO's loss asks for a difference only. Here the chosen reply *loses* up to 10 nats and the loss still falls, because the rejected one loses more.

# %%
start = torch.tensor([-20.0])
for lost in (0.0, 5.0, 10.0, 20.0):
    print(f"chosen loses {lost / 2:4.1f} nats, rejected {lost:4.1f}: loss {float(dpo_loss(start - lost / 2, start - lost, start, start, 0.5)):.4f}")

# %% [markdown]
# At last: after how many answers is each method of lesson 07 repaid, against the best-of-$n$ that is as good? All costs are in floating-point operations and computed as in the lesson, so the first number is the lesson's, rounded up; `once` has the sampling and scoring in it. New labels, which the refreshed reward model needs, and the runs that chose each method's dial are not in it, and these are means without intervals.

# %%
import course_lib as course
from course_lib import assets, results
from course_lib.budget import equal_quality_n, flops_per_token, serving_flops

policy, proxy = course.load_policy(assets.path("helpdesk/policy")), course.load_reward_model(assets.path("helpdesk/reward-8000"))
writes, reads = flops_per_token(policy.model), flops_per_token(proxy.model)
prompts, _ = course.load_world("helpdesk").prompts("train", limit=512, seed=7)
question = float(np.mean([len(ids) for ids in policy.encode(prompts[:100])]))

# %%
frontier = results.load("frontier")
ladder = {int(n): point["gold"]["mean"] for n, point in frontier["best_of_n"].items()}
sizes = sorted(ladder)
for name in ("RFT, one round", "RFT, three rounds pooled, reward model refreshed", "DPO", "GRPO", "RLOO", "PPO"):
    shown = frontier["methods"][name]["shown"]
    n = equal_quality_n(sizes, [ladder[size] for size in sizes], shown["gold"]["mean"])
    before = serving_flops(writes, question, frontier["base"]["length"]["mean"], n=n, reward_flops=reads)
    after = serving_flops(writes, question, shown["length"]["mean"])
    print(f"{name:50} as good as best-of-{n:<4.1f} repaid after {break_even(shown['flops'], before, after):7,.0f} answers")

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex07")
