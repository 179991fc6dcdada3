# %% [markdown]
# # Exercise 02: N-best candidates
#
# **You will:** write what stands between a policy's logits and a word: temperature, top-p and the
# draw.
# Then you measure how different candidates are and which temperature is best for a given $n$, and
# decide a case.
#
# **Builds on:** lesson 02, and the estimator of lesson 01.
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
# `check.softmax_at.hint(1)` prints it.
#
# Tasks 1 to 3 work on many rows at once: $R$ rows, one for each candidate that is being written,
# and $V$ words in the vocabulary.

# %%
import numpy as np
import torch

from course_lib.classroom.checks import ex02 as check
from course_lib.estimators import best_of_n_curve

# %% [markdown] task="softmax_at"
# ## Task 1. From logits to probabilities
#
# Each row of `logits`, of shape `(R, V)`, holds the logits $\ell_1, \dots, \ell_V$ of one
# candidate's next word.
# Return the probabilities at temperature $T > 0$, of the same shape:
#
# $$p_k = \frac{e^{\ell_k / T}}{\sum_j e^{\ell_j / T}}.$$
#
# It must also work for large logits such as 1000, where $e^{1000}$ is more than a float can hold.
# (`torch.softmax` would pass the check.
# You learn more from writing it without.)

# %% role="task" task="softmax_at"
def softmax_at(logits, T):
    """Probabilities (R, V) at temperature T: each row adds up to 1.

    logits: (R, V), small or large; T: a number above 0.
    """
    # SOLUTION
    weights = ((logits - logits.amax(dim=1, keepdim=True)) / T).exp()
    return weights / weights.sum(dim=1, keepdim=True)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="nucleus"
# ## Task 2. Top-p
#
# `probs` has shape `(R, V)`, and each row adds up to 1.
# In each row keep the **smallest set of most likely words whose probabilities together reach** $p$
# (are $p$ or more).
# The others get 0, and the row is divided by its sum, so that it adds up to 1 again.
# The words stay in their places: column $k$ of the result belongs to the same word as column $k$ of
# `probs`.
#
# Three rules for the edges.
# At least one word stays, even for $p = 0$.
# Of equally likely words, the one that stands further left counts as the likelier.
# Where rounding keeps the sum of a whole row a little below $p$, all its words stay.

# %% role="task" task="nucleus"
def nucleus(probs, p):
    """Top-p: (R, V), 0 outside the nucleus and each row adding up to 1 again.

    probs: (R, V), rows add up to 1; p: from 0 to 1.
    """
    # SOLUTION
    ordered, index = probs.sort(dim=1, descending=True, stable=True)
    reached_before = ordered.cumsum(dim=1) - ordered >= p
    reached_before[:, 0] = False
    kept = torch.zeros_like(probs).scatter(1, index, ordered.masked_fill(reached_before, 0.0))
    return kept / kept.sum(dim=1, keepdim=True)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="draw_tokens"
# ## Task 3. The draw
#
# Put the probabilities of a row end to end on a ruler from 0 to 1.
# The random number $u$ is a point on it; the word whose piece holds the point is drawn.
# Piece $k$ reaches from the sum of the probabilities before it to the sum that includes its own.
# A point on the edge of two pieces belongs to the one on its right.
#
# `probs` has shape `(R, V)`, `u` shape `(R,)` with values from 0 up to, but not including, 1.
# Return one index, a whole number from 0 to $V - 1$, for each row, shape `(R,)`.
# The index follows from `u` alone: no further chance.
# A word of probability 0 is never drawn.
#
# One trap.
# Because of rounding a row may add up to 0.999999, and $u$ may lie above that.
# Then draw the last word of the row that has any probability.
# (The check makes the gap larger, so that you can see it.)

# %% role="task" task="draw_tokens"
def draw_tokens(probs, u):
    """Index of the word drawn in each row, (R,).

    probs: (R, V), rows add up to 1 but for rounding.
    u: (R,), from 0 up to but not including 1.
    """
    # SOLUTION
    ends = probs.cumsum(dim=1)
    drawn = (ends <= u[:, None]).sum(dim=1)
    places = torch.arange(probs.shape[1]) * (probs > 0)
    return torch.minimum(drawn, places.amax(dim=1))
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="distinct_bigrams"
# ## Task 4. How different are the candidates?
#
# Write distinct-2: of all pairs of neighbouring words in a list of texts, the share of
# **different** ones,
#
# $$\text{distinct-2} = \frac{\text{number of different pairs}}{\text{number of all pairs}}.$$
#
# All texts are counted together, and no pair reaches from one text into the next.
# Words are what `split()` gives: any number of blanks stands between them, and capital letters and
# punctuation stay as they are.
# Without any pair the result is 0.

# %% role="task" task="distinct_bigrams"
def distinct_bigrams(texts):
    """distinct-2 of a list of texts, in [0, 1].

    Different pairs of neighbouring words divided by all of them; 0 when there are none.
    """
    # SOLUTION
    pairs = []
    for text in texts:
        words = text.split()
        pairs += zip(words, words[1:])
    return len(set(pairs)) / len(pairs) if pairs else 0.0
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="best_temperature"
# ## Task 5. The best temperature for $n$
#
# `rewards` is a dictionary: for each temperature $T$ a tensor of shape `(P, N)`, the rewards of the
# $N$ candidates sampled at $T$ for each of the same $P$ prompts.
# The best of $n$ is chosen and judged by these rewards.
# For each $T$ compute the expected highest of $n$ of a prompt's $N$ candidates, averaged over
# **all** ways to take $n$ of them, and average over the prompts.
# Return the $T$ with the highest value.
# **Ties go to the lower $T$**, in whatever order the dictionary stands.
#
# You need not write the estimator again: `best_of_n_curve(rewards_at_T, ns=[n])` gives it, shape
# `(P, 1)`, one value for each prompt.

# %% role="task" task="best_temperature"
def best_temperature(rewards, n):
    """The temperature with the highest expected best of n, ties to the lower one.

    rewards: {T: (P, N)}; n: from 1 to N. Returns a key of rewards.
    """
    # SOLUTION
    value = {T: float(best_of_n_curve(rewards[T], ns=[n]).mean()) for T in sorted(rewards)}
    return max(value, key=value.get)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# Your own functions on the real policy and on stored pools: no check here, only numbers to look at.
# First the beginning of a reply: the first word to one question, from the policy's logits, with
# $p = 0.9$ and 10,000 evenly spaced $u$.
# The course's own `draw` gets the same logits and the same $u$.

# %%
import course_lib as course
from course_lib import assets
from course_lib.models import draw

policy = course.load_policy(assets.path("helpdesk/policy"))
ids = policy.encode(["How do I reset my password?"])
with torch.no_grad():
    logits = policy.model(torch.tensor(ids)).logits[:, -1].float()   # (1, V)
u = (torch.arange(10_000) + 0.5) / 10_000

# %%
for T in (0.2, 0.5, 1.0):
    p = nucleus(softmax_at(logits, T), 0.9)
    mine = draw_tokens(p.expand(len(u), -1), u)
    theirs, _, _ = draw(logits.expand(len(u), -1), u, temperature=T, top_p=0.9)
    words = [policy.tokenizer.decode([k]) for k in p[0].topk(3).indices.tolist()]
    same = (mine == theirs).float().mean()
    print(
        f"T = {T}: {(p > 0).sum()} words in the nucleus, likeliest {words}, "
        f"same word as the course's draw for {same:.2%} of the points"
    )

# %% [markdown]
# The higher the temperature, the closer the probabilities lie together, and the more words it takes
# to reach 0.9.
# Your words and the course's can differ where rounding moves an edge over a point; there should be
# next to none.
#
# Now the pools of lesson 02, 64 candidates for 64 prompts at each temperature.
# **Before you run it:** the small reward model `reward-500` as its own judge, will it ask for the
# same temperatures as gold?

# %%
from course_lib.assets import temperatures

pools = temperatures.pools()  # {T: pool}
diversity = {}
for T, pool in pools.items():
    by_prompt = [distinct_bigrams(row) for row in pool.texts]
    diversity[T] = round(float(np.mean(by_prompt)), 3)
print("distinct-2 of 64 texts:", diversity)
for judge in ("gold", "reward-500"):
    rewards = {T: pool.reward(judge) for T, pool in pools.items()}
    best = {n: best_temperature(rewards, n) for n in (1, 4, 16, 64)}
    print(f"{judge:12} chooses and judges; best T for n:", best)

# %% [markdown]
# (For $n = 1$ gold's values lie so close together from 0.1 to 0.7, and for $n = 64$ from 0.5 to 1,
# that the winner means little: your function names the highest, however little it leads.)
# Neither line is what a user of `reward-500` gets.
# For that the reward model chooses and gold judges:

# %%
for n in (1, 4, 16, 64):
    gold = {}
    for T, pool in pools.items():
        curve = best_of_n_curve(pool.reward("reward-500"), pool.reward("gold"), ns=[n])
        gold[T] = round(float(curve.mean()), 2)
    print(f"n = {n:2}: gold of the reply that reward-500 chooses", gold)

# %% [markdown]
# Find the highest number of each row.
# At which temperature does it stand, and which one did the line of `reward-500` above name for the
# same $n$?
# You need both for the case below.
#
# ## Questions
#
# One choice, one ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex02")
