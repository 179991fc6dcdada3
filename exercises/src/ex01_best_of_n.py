# %% [markdown]
# # Exercise 01: best-of-N
#
# **You will:** write best-of-N, count wins with ties, and estimate what the best of $n$ gives from
# a pool of $N$.
# Then you decide a case.
#
# **Builds on:** lesson 01.
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
# `check.best_of_n.hint(1)` prints it.

# %%
import numpy as np
import torch

from course_lib.classroom.checks import ex01 as check

# %% [markdown] task="best_of_n"
# ## Task 1. The best of N
#
# Write the function that returns, for each prompt, the candidate with the highest reward.
# `texts` holds $P$ lists of $N$ strings, `rewards` is a tensor of shape `(P, N)`.
# Where rewards tie, the lowest index wins.
# The result is a list of $P$ strings.

# %% role="task" task="best_of_n"
def best_of_n(texts, rewards):
    """The highest-reward candidate of each prompt, a list of P strings.

    Ties go to the lowest index. rewards: (P, N).
    """
    # SOLUTION
    best = torch.as_tensor(rewards).argmax(dim=1)
    return [row[i] for row, i in zip(texts, best.tolist())]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="win_share"
# ## Task 2. Who wins?
#
# `a` and `b` are tensors of shape `(P,)`: the rewards of two methods' replies to the same $P$
# prompts.
# Return the share of prompts that `a` wins; **a tie counts half**.
# One number between 0 and 1.

# %% role="task" task="win_share"
def win_share(a, b):
    """Share of prompts where a has the higher reward, a tie counting one half.

    a, b: (P,). Returns a float in [0, 1].
    """
    # SOLUTION
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return float(((a > b).double() + 0.5 * (a == b).double()).mean())
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="expected_best"
# ## Task 3. The best of $n$ from a pool of $N$
#
# You have $N$ rewards of one prompt's candidates and want the expected highest of $n$ of them,
# drawn **without** replacement.
# Average over all subsets of $n$: the $i$-th lowest of the $N$ is the best of a subset with
# probability $\binom{i-1}{n-1} / \binom{N}{n}$.
# `rewards` is a list of $N$ numbers in any order.

# %% role="task" task="expected_best"
from math import comb


def expected_best(rewards, n):
    """Expected highest of n of the N rewards, over all subsets of n.

    rewards: N numbers; n: from 1 to N. Returns a float.
    """
    # SOLUTION
    ordered, N = sorted(float(r) for r in rewards), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="cheapest_n"
# ## Task 4. How far to go
#
# `ns` holds numbers of candidates, ascending, and `quality[k]` the expected gold reward of the best
# of `ns[k]`.
# The **gain on offer** is what lies between `quality[0]` and the highest of `quality`, whether or
# not the budget reaches that far.
#
# Return the **smallest** $n$ that costs no more than `budget` candidates and has at least the share
# `share` of the gain on offer: 0.9 is nine tenths of the way up.
# If no affordable $n$ has that share, return the affordable $n$ with the highest quality, of equals
# the smaller.
# `ns[0]` is always affordable, and the gain on offer may be 0.

# %% role="task" task="cheapest_n"
def cheapest_n(ns, quality, share, budget):
    """The smallest affordable n with at least `share` of the gain.

    If there is none, the best affordable n. ns, quality: K numbers each.
    """
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

# %% [markdown]
# ## Now measure
#
# Your own functions on the stored pool: no check here, only numbers to look at.
# To be quick they use 32 of the lesson's 128 prompts and 64 of its 256 candidates.
# On these the policy is a little worse than on the rest, so your curve starts lower than the
# lesson's; do its steps shrink in the same way?
# The gain is counted up to $n = 16$, where this short curve ends.

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
few = stored.prompts_at(range(32)).first(64)

# %%
sizes = [1, 2, 4, 8, 16]
rows = few.reward("gold").tolist()
curve = [np.mean([expected_best(row, n) for row in rows]) for n in sizes]
print("gold of the best of 1, 2, 4, 8, 16:", np.round(curve, 2))
for share in (0.5, 0.75, 0.9):
    n = cheapest_n(sizes, curve, share, budget=16)
    print(f"{share:.0%} of this gain at n =", n)

# %% [markdown]
# The best of 4 against a fifth candidate, in twelve games for each prompt, by the reward that
# chose: first the reward model's score, then a thumb, 1 for at least 2 points of gold.
# Which of them should be near $n/(n+1)$, and why is the other one not?

# %%
def games(rewards):
    shares = []
    for k in range(0, 60, 5):
        best_of_four = rewards[:, k : k + 4].max(dim=1).values
        shares.append(float(win_share(best_of_four, rewards[:, k + 4])))
    return np.mean(shares)

thumb = (few.reward("gold") >= 2).float()
print(f"reward-8000 {games(few.reward('reward-8000')):.2f}   thumb {games(thumb):.2f}")

# %% [markdown]
# And a look at what your best-of-64 returns by `reward-8000`.
# Is it a good answer?
# If not, did the reward model miss a better one, or was there none?
# The last line helps to tell.

# %%
print(few.prompts[0])
print("   by reward-8000:", best_of_n(few.texts, few.reward("reward-8000"))[0])
print("   by gold:       ", best_of_n(few.texts, few.reward("gold"))[0])

# %% [markdown]
# ## Questions
#
# One ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex01")
