# %% [markdown]
# # Exercise 04: choosing a reward model
#
# **You will:** write the KL bound of best-of-$n$ and the exact value, choose between two reward
# models on a budget of gold labels, and combine several models into a cautious one.
# Then you use all of it on the stored pool.
#
# **Builds on:** lesson 01 (best-of-N), lesson 04.
#
# **How it works.**
# Each task has a cell to fill in and a check below it.
# Replace the line that says so, run the cell, run the check.
# A check says what is wrong in words, on the smallest input that shows it, and gives points for
# each property that holds.
# Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# *Run All* stops at the first check that does not hold yet.
# Stuck?
# A check that does not hold yet offers a folded hint, and one more after each try;
# `check.kl_bound.hint(1)` prints it.

# %%
import math

import numpy as np
import torch

from course_lib.classroom.checks import ex04 as check

# %% [markdown] task="kl_bound"
# ## Task 1. The bound
#
# Write the upper bound on $\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}})$ for best-of-$n$, in nats:
#
# $$\log n - \frac{n-1}{n}$$
#
# `n` is a whole number, 1 or more.
# Return one number.

# %% role="task" task="kl_bound"
def kl_bound(n):
    """Upper bound on the KL of best-of-n from the policy, in nats.

    n: a whole number from 1 on. Returns a float.
    """
    # SOLUTION
    return math.log(n) - 1 + 1 / n
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="best_of_n_distribution"
# ## Task 2. What best-of-$n$ makes of a policy
#
# A policy has $K$ possible replies.
# `probabilities` and `rewards` are NumPy arrays of shape `(K,)`; the probabilities sum to 1.
# Return the probabilities of the $K$ replies under best-of-$n$, an array of shape `(K,)` in the
# same order.
#
# $F(y)$ is the probability that one sample has a reward at most that of $y$, and $F^-(y)$ that it
# has a lower one.
# The best of $n$ has the reward of $y$ with probability
#
# $$F(y)^n - F^-(y)^n$$
#
# Replies of equal reward **share** this number in proportion to their probabilities.
# A reply of probability 0 stays at 0.
# The result is exact: nothing is drawn.

# %% role="task" task="best_of_n_distribution"
def best_of_n_distribution(probabilities, rewards, n):
    """(K,) probabilities of the K replies under best-of-n.

    Replies of equal reward share in proportion. probabilities, rewards: (K,).
    """
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

# %% [markdown] task="exact_kl"
# ## Task 3. The exact KL
#
# `after` and `before` hold the probabilities of the same $K$ replies, NumPy arrays of shape `(K,)`:
# after choosing ($\pi_n$), and before ($\pi_{\text{ref}}$).
# Return, in nats,
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) = \sum_y \pi_n(y) \log \frac{\pi_n(y)}{\pi_{\text{ref}}(y)}$$
#
# A reply with $\pi_n(y) = 0$ adds nothing; leave it out.
# (Choosing does not make an impossible reply possible: where $\pi_{\text{ref}}$ is 0, $\pi_n$ is 0
# too, and the reply is left out as well.)

# %% role="task" task="exact_kl"
def exact_kl(after, before):
    """KL of `after` from `before` in nats.

    Replies with probability 0 after choosing are left out.
    after, before: (K,). Returns a float.
    """
    # SOLUTION
    kept = np.asarray(after) > 0
    q, p = np.asarray(after)[kept], np.asarray(before)[kept]
    return float(q @ (np.log(q) - np.log(p)))
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="pick_reward_model"
# ## Task 4. Two models and a budget
#
# `first` and `second` are the scores of two reward models for the same candidates, tensors of shape
# `(P, N)`.
# Gold labels cost money, and you may use `labels` of them, 2 or more, even or odd.
# On each prompt you judge two replies, the one that each model chooses among all $N$.
# So the budget is enough for the first `labels // 2` prompts.
# (Where both choose the same reply one label would do.
# Keep it simple and count two.)
# `gold` has shape `(L, N)` with $L \le P$: it is known for the first $L$ prompts only, never fewer
# than `labels // 2`.
#
# Return 0 if the first model's best-of-N has the higher mean gold on those prompts, 1 if the
# second's has.
# With equal means return 0.

# %% role="task" task="pick_reward_model"
def pick_reward_model(first, second, gold, labels):
    """0 or 1: the model whose best-of-N has more gold on the first labels // 2 prompts.

    0 if equal. first, second: (P, N); gold: (L, N).
    """
    # SOLUTION
    m = labels // 2
    best = [scores[:m].argmax(1, keepdim=True) for scores in (first, second)]
    means = [gold[:m].gather(1, index).double().mean() for index in best]
    return int(means[1] > means[0])
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="cautious"
# ## Task 5. A cautious ensemble
#
# `scores` holds the scores of $M$ reward models, a tensor of shape `(M, P, N)`.
# Scores of different models have no common scale, and no common zero from prompt to prompt.
# So:
#
# 1. for each model on its own, subtract each prompt's mean over its $N$ candidates;
# 2. divide each model by **one** standard deviation, over all its $P \cdot N$ centred scores;
# 3. for each candidate, return the mean across models minus $k$ times the standard deviation across
#    models, shape `(P, N)`.
#
# Both standard deviations divide by the count, not by the count minus 1 (in torch: `correction=0`).
# A model that gives all candidates of a prompt the same score, on every prompt, has a deviation of
# 0 in step 2.
# Let its scores count as 0.

# %% role="task" task="cautious"
def cautious(scores, k):
    """(P, N): the mean across models minus k standard deviations.

    Each model is centred by prompt and scaled by one deviation. scores: (M, P, N).
    """
    # SOLUTION
    z = scores.double() - scores.double().mean(dim=2, keepdim=True)
    z = z / z.pow(2).mean(dim=(1, 2), keepdim=True).sqrt().clamp(min=1e-8)
    return z.mean(0) - k * (z - z.mean(0)).pow(2).mean(0).sqrt()
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# First KL on real candidates.
# Take the 256 stored replies of a prompt as all the replies there are, each equally likely.
# First `reward-8000` chooses among them, then a *verifier* that only says whether gold is at least
# 2.
# **Your prediction:** for which of the two is the bound a good stand-in for the value, and where
# does the other one stop?

# %%
import course_lib as course
from course_lib import assets

pool = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold = pool.reward("gold")
uniform, sizes = np.full(256, 1 / 256), (4, 16, 64, 256)
rewards = {"reward-8000": pool.reward("reward-8000"), "verifier": (gold >= 2).double()}
for name, R in rewards.items():
    found = []
    for n in sizes:
        chosen = [best_of_n_distribution(uniform, np.asarray(row), n) for row in R[:16]]
        kl = np.mean([exact_kl(after, uniform) for after in chosen])
        found.append(f"n = {n}: {kl:.2f} (bound {kl_bound(n):.2f})")
    print(f"{name:12}", "  ".join(found))
passes = rewards["verifier"][:16].mean(1)
surprise = -passes[passes > 0].log().mean()
print(f"mean of −log p over the prompts where a reply passes: {surprise:.2f}")

# %% [markdown]
# Now the budget.
# With all 128 prompts we know which of two models has the better best-of-16.
# How often does `pick_reward_model` find it with few labels, when the prompts come in another order
# each time?
# **Your prediction:** how many labels for the right answer in nine of ten cases?
# One pair is far apart, the other close.

# %%
names = ("reward-500", "reward-2000", "reward-8000", "reward-125")
few = {name: pool.reward(name)[:, :16] for name in names}
judge, rng = gold[:, :16], np.random.default_rng(0)
orders = [torch.tensor(rng.permutation(128)) for _ in range(300)]
for a, b in (("reward-125", "reward-8000"), ("reward-2000", "reward-8000")):
    best = pick_reward_model(few[a], few[b], judge, 256)
    for labels in (2, 10, 40, 100):
        found = [
            pick_reward_model(few[a][i], few[b][i], judge[i], labels) == best
            for i in orders
        ]
        print(f"{a} or {b}, {labels:3} labels: right in {np.mean(found):.0%}")

# %% [markdown]
# (The 128 prompts are also the ones that say which model is better, and with 100 labels you use 50
# of them.
# So the last numbers are somewhat too good.)
#
# Finally the ensemble, at $n = 64$, against the plain mean ($k = 0$), with intervals that take
# topics as units.
# **Which differences can you tell from 0?**

# %%
from course_lib.estimators import best_of_n_curve, paired_difference

members = ["reward-500", "reward-2000", "reward-helpful", "reward-length-biased"]
scores = torch.stack([pool.reward(name) for name in members])
reached = {}
for k in (0.0, 0.5, 1.0, 2.0, 8.0):
    reached[k] = best_of_n_curve(cautious(scores, k), gold, [64])[:, 0]
topics = [about["topic"] for about in pool.info]
for k, value in reached.items():
    line = f"k = {k:g}: gold {value.mean():.2f}"
    if k:
        over = paired_difference(value, reached[0.0], groups=topics)
        line += f"   minus the plain mean {over:+.2f}"
    print(line)

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex04")
