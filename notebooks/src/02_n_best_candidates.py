# %% [markdown]
# # N-best candidates: how to generate them
#
# **You will:** work out on paper what greedy decoding, beam search, sampling and temperature give,
# see why best-of-N wants independent samples, choose a temperature together with N, and count what
# sampling costs and what can be saved.
#
# **Builds on:** lesson 01 (best-of-N, the curve from a stored pool, the win rate n/(n+1)).
#
# **Time:** 65 minutes to read, and about 20 for the pencil work and the quiz (a good place for a
# break: before "Temperature and diversity"); the cells run in under a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import explore, plots
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown]
# ## Two meanings of "N-best"
#
# Lesson 01 took its $N$ candidates from `sample` and asked no questions.
# Textbooks often call them an **N-best list** and write
#
# $$\{\hat y_1, \dots, \hat y_N\} = \operatorname{argTopN}_y \Pr(y \mid x),$$
#
# the $N$ replies with the highest probability under the policy, as a search would find them
# (argTopN: the $N$ arguments with the highest value).
# Lesson 01 did something else: it drew $N$ replies **independently** from $\pi(\cdot \mid x)$, each
# by a fresh throw of the dice.
# "Independent and identically distributed", or **i.i.d.**, is the usual name for such draws.
# Both give $N$ candidates.
# They are not the same candidates, and what we proved about best-of-N holds for one of them only.
#
# ## On paper: five replies
#
# A policy that can write five replies, of two words each.
# At the start it writes "Open" or "Read"; the second word depends on the first.

# %%
tree = {"Open": (0.6, {"settings": 0.40, "menu": 0.35, "door": 0.25}),
        "Read": (0.4, {"manual": 0.90, "mail": 0.10})}
rewards = {"Open settings": 1, "Open menu": 3, "Open door": -1, "Read manual": 0, "Read mail": 2}

# %% [markdown]
# **Take a pencil.**
# The probability of a reply is the product along its path: "Open settings" has
# $0.6 \cdot 0.4 = 0.24$.
#
# 1. **Greedy decoding** takes the likeliest word at each step.
#    Which reply does it write?
# 2. Which reply is the likeliest of the five?
# 3. **Beam search** with $N$ beams keeps, after each step, the $N$ likeliest beginnings.
#    What does it return for $N = 2$?

# %% tags=["nbval-check-output"]
replies = {f"{a} {b}": pa * pb for a, (pa, rest) in tree.items() for b, pb in rest.items()}
for reply in sorted(replies, key=replies.get, reverse=True):
    print(f"{replies[reply]:.2f}  reward {rewards[reply]:2}  {reply}")

# %% [markdown]
# Greedy decoding goes for "Open", since 0.6 is more than 0.4, and then for "settings": a reply with
# 0.24.
# The likeliest reply is another one, "Read manual" with 0.36.
# Greedy decoding cannot find it, since it threw "Read" away at the first step.
# Beam search with two beams keeps both first words, and returns the list "Read manual", "Open
# settings".
# With four beams:

# %%
def beam(width):
    """Keep the ``width`` likeliest first words, write all replies that begin so, keep the
    ``width`` likeliest.
    """
    begun = sorted(tree, key=lambda a: tree[a][0], reverse=True)[:width]
    ended = [reply for reply in replies if reply.split()[0] in begun]
    return sorted(ended, key=replies.get, reverse=True)[:width]

# %% tags=["nbval-check-output"]
for width in (1, 2, 4):
    print(width, beam(width))

# %% [markdown]
# (One beam is greedy decoding.
# Ask twice and you get the same list twice: there is no chance in it.)
# Now choose the reply with the highest reward.
# From a list the best is the same each time.
# From $n$ samples it varies, so we take its expectation, which has a formula for so small a policy.
# Sort the replies by reward, and let $F$ be the sum of the probabilities up to a certain reply.
# The best of $n$ is at or below that reply when all $n$ draws are: probability $F^n$.
# So it *is* that reply with $F^n$ less the same for the reply below it.
# "Open menu" has the highest reward: $F = 1$, and $0.79$ below it.
# It is the best of 2 with probability $1 - 0.79^2 = 0.376$.
# `best_of_n_distribution` computes this for all five.
#
# **Your prediction.**
# For $n = 2$ and for $n = 4$: which has the better best reply, the list or the samples?

# %% tags=["nbval-check-output"]
from course_lib.estimators import best_of_n_distribution

p, r = np.array(list(replies.values())), np.array([rewards[reply] for reply in replies])
for n in (1, 2, 4):
    listed = max(rewards[reply] for reply in beam(n))
    sampled = best_of_n_distribution(p, r, n) @ r
    print(f"n = {n}: best of the list {listed:.2f}, best of the samples on average {sampled:.2f}")

# %% [markdown]
# For $n = 2$ the samples win: the two likeliest replies happen to be mediocre ones, and a list
# never looks at anything else.
# For $n = 4$ the list wins: it holds four *different* replies of five, where samples repeat
# themselves.
# So a list is not bad as such.
# Three things set it apart:
#
# - It **knows nothing but probability**.
#   Whether its members are good depends on whether the likely replies are good.
# - It **has no chance in it**: no second list to compare with, and no average over lists.
# - Its members are **not interchangeable**.
#   They come in order of probability, so two of the list of 4 picked at random are not the list of
#   2.
#   And a longer list need not begin with the shorter one: the list of one was "Open settings", the
#   list of two begins with "Read manual".
#
# A real policy has more replies than anybody can count.
# There the $N$ likeliest are a tiny corner.

# %% [markdown]
# ## From logits to a word
#
# How does one draw?
# At each step the policy gives a number to each word of its vocabulary, its **logit** $\ell_k$.
# The probabilities are
#
# $$p_k = \frac{e^{\ell_k / T}}{\sum_j e^{\ell_j / T}},$$
#
# the *softmax* of the logits divided by the **temperature** $T$.
# $T = 1$ is the policy itself.
# Below 1 the likely words become likelier, above 1 the words come closer together.
# Dividing a logarithm by $T$ is the same as raising the probability to the power $1/T$: with
# probabilities 0.5, 0.3, 0.15, 0.05 and $T = 0.5$, square them and divide by the sum, 0.365.
# **Do the first one by hand.**
#
# To turn probabilities into a word, put them end to end on a ruler from 0 to 1.
# A random number $u$ is a point on it, and the word whose piece holds the point is drawn: $u = 0.6$
# falls into the second piece, from 0.5 to 0.8.
# That is `draw` in `course_lib/models/drawing.py`.
# Instead of random numbers we give it 10,000 evenly spaced ones, so that the shares must come out
# right.

# %%
from course_lib.models import draw, filtered

logits = torch.tensor([[0.50, 0.30, 0.15, 0.05]]).log()
u = (torch.arange(10_000) + 0.5) / 10_000

def shares(**settings):
    """How often each of the four words is drawn."""
    tokens, _, _ = draw(logits.expand(len(u), -1), u, **settings)
    return torch.bincount(tokens, minlength=4) / len(u)

def rounded(values):
    return [round(v, 3) for v in values.tolist()]

# %% tags=["nbval-check-output"]
for T in (0.5, 1.0, 2.0):
    formula, drawn = torch.softmax(logits[0] / T, dim=0), shares(temperature=T)
    print(f"T = {T}: formula {rounded(formula)}, drawn {rounded(drawn)}")
    assert torch.allclose(formula, drawn, atol=2e-4)

# %% [markdown]
# Two *filters* take words out before the draw.
# **Top-k** keeps the $k$ likeliest words.
# **Top-p** (nucleus sampling) keeps the smallest set of likeliest words whose probabilities reach
# $p$.
# What is left is divided by its sum.
# With $p = 0.9$ here: 0.5 and 0.3 reach 0.8, which is not enough; with 0.15 it is.
# So three words stay, each divided by 0.95.

# %% tags=["nbval-check-output"]
for settings in ({"top_k": 2}, {"top_p": 0.9}):
    kept, drawn = filtered(logits.exp(), **settings)[0], shares(**settings)
    print(settings, "formula", rounded(kept / kept.sum()), "drawn", rounded(drawn))
    assert torch.allclose(kept / kept.sum(), drawn, atol=2e-4)

# %% [markdown]
# The temperature acts on each *word*, not on the whole reply.
# Near $T = 0$ the likeliest word takes all at each step.
# That is greedy decoding, which in the tree above writes "Open settings" and not the likeliest
# reply.
#
# ## Greedy decoding N times
#
# A temperature of 0 means greedy decoding.
# Many text generators decode greedily unless told otherwise.
# Put the same prompt into the batch 8 times, and you get the same reply 8 times.
# Nothing complains.
# Best-of-8 runs, and its gain is exactly zero.
# `sample` refuses (and so does `generate` of the transformers library when asked for 8 greedy
# sequences of one prompt):

# %% tags=["nbval-check-output"]
from course_lib.base import CourseError

policy = course.load_policy(assets.path("helpdesk/policy"))
try:
    course.sample(policy, ["How do I reset my password?"], n=8, temperature=0)
except CourseError as error:
    print(error)

# %% [markdown]
# ## Beams and samples from the real policy
#
# Eight candidates each for 24 held-out prompts, in four ways: sampled at temperature 1; sampled at
# 0.2, "cold"; by **beam search** with 8 beams, the likeliest reply first; and by **diverse beam
# search** (arXiv 1610.02424), which fines a beam for taking a word that another beam took at the
# same step.
# All are scored by the proxy, `reward-8000`, which chooses, and by gold, which judges.
#
# (`generate` of the transformers library divides a beam's log-probability by its length unless told
# otherwise, which puts longer replies in front.
# `sample` switches that off: we want the likeliest replies, as in the formula.)
#
# **Your prediction.**
# Which list has the highest gold on average?
# In which is the best of eight best?

# %%
from course_lib.models import GoldReward

world = course.load_world("helpdesk")
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
prompts, info = world.prompts("heldout", limit=24, seed=21)

def judged(pool):
    """The pool scored by the proxy and by gold."""
    return course.score(course.score(pool, proxy), GoldReward(world))

# %%
ways = {"samples, T = 1": {}, "samples, T = 0.2": {"temperature": 0.2}, "beams": {"method": "beam"},
    "diverse beams": {"method": "diverse_beam"}}
lists = {name: judged(course.sample(policy, prompts, n=8, seed=3, info=info, **way))
    for name, way in ways.items()}

# %% [markdown]
# Read before you count.
# One question, the first four candidates of each list, with their gold rewards.

# %%
print(prompts[0])
for name, pool in lists.items():
    print(name)
    for gold, text in zip(pool.reward("gold")[0, :4].tolist(), pool.texts[0][:4], strict=True):
        print(f"   {gold:5.2f}  {text}")

# %% [markdown]
# The samples at $T = 1$ say different things, good and bad.
# The cold samples repeat themselves, word for word.
# The *likeliest* reply leaves a step out, and the complete one comes second: each further word
# multiplies the probability by a number below 1, which favours short replies.
# Diverse beams are made to differ, and begin with different courtesies.
#
# And over all 24 questions.
# "Distinct-2" is the share of different pairs of neighbouring words among all eight replies (more
# on it below).
# Then each way less the samples at $T = 0.2$: beams want likely replies, and so do cold samples, so
# these are the fair rival.

# %%
from course_lib.estimators import distinct_n

chosen = {name: course.select_best(pool, by="proxy").rewards("gold")
    for name, pool in lists.items()}
means = {name: pool.reward("gold").mean(1) for name, pool in lists.items()}
print(f"{'':18}mean gold  best by proxy  best by gold  distinct-2")
for name, pool in lists.items():
    best = pool.reward("gold").max(1).values.mean()
    different = np.mean([distinct_n(row) for row in pool.texts])
    print(f"{name:18}{means[name].mean():9.2f}{chosen[name].mean():15.2f}{best:14.2f}"
        f"{different:12.2f}")

# %%
rival, less = "samples, T = 0.2", {}
for name in ("samples, T = 1", "beams", "diverse beams"):
    less[name] = (paired_difference(means[name], means[rival]),
        paired_difference(chosen[name], chosen[rival]))
    print(f"{name:14} less {rival}: mean gold {less[name][0]}, best by proxy {less[name][1]}")
beams_ahead = paired_difference(chosen["beams"], chosen["samples, T = 1"])
print("beams less samples, T = 1: best by proxy", beams_ahead)
assert beams_ahead.low > 0 and less["beams"][0].high < 0 and not less["beams"][1].excludes_zero

# %% [markdown]
# Were you surprised?
# Beside the samples at $T = 1$ the beams win by far.
# Beside the cold samples they do not: their mean is lower, since the very likeliest replies leave
# steps out, and for their best of eight the interval contains 0.
# Diverse beams are lower on average too, but their best of eight is a little better.
# On paper, the list lost for two candidates and won for four.
# Nothing in the method decides this; only a measurement does.
#
# So why does this course sample?
# Because of what one may *conclude*.
# Take the two formulas of lesson 01.
#
# **The curve.**
# From 8 candidates `best_of_n_curve` estimates what the best of 1 or of 4 is worth, as the average
# over all ways to take 1 or 4 of the 8.
# Is it so?
# Measure the best of 1 and of 4 directly: from 32 fresh samples, or as the lists of 1 and of 4.
# (A list of one is the greedy reply.)

# %%
three = ["samples, T = 1", rival, "beams"]
fresh = {name: judged(course.sample(policy, prompts, n=32, seed=9, info=info, **ways[name]))
         for name in three[:2]}
shorter = {n: judged(course.sample(policy, prompts, n=n, info=info, method="beam")) for n in (1, 4)}

def best_gold(pool, n):
    """(P,) gold of the best of n by the proxy, averaged over all ways to take n of the pool."""
    return best_of_n_curve(pool.reward("proxy"), pool.reward("gold"), ns=[n])[:, 0]

# %%
gaps = {}
for n in (1, 4):
    for name in three:
        measured = best_gold(shorter[n] if name == "beams" else fresh[name], n)
        gaps[name, n] = paired_difference(best_gold(lists[name], n), measured)
        print(f"best of {n}, {name:17} measured {measured.mean():.2f}, estimate from 8 less "
            f"measured: {gaps[name, n]}")
assert gaps["beams", 1].high < -0.3
assert not any(gaps[name, n].excludes_zero for name, n in gaps if name != "beams")

# %% [markdown]
# For the samples, at both temperatures, every interval contains 0: the estimate does what it
# promises.
# For beams it is far off at $n = 1$: the average of the eight likeliest replies is not what the
# search returns when asked for one.
# (For 4 we see no gap.
# That is luck, no theory stands behind it.)
# And a longer list need not begin with the shorter one:

# %%
same = sum(four == eight[:4] for four, eight in zip(shorter[4].texts, lists["beams"].texts,
    strict=True))
print(f"the list of 4 is the beginning of the list of 8 for {same} of {len(prompts)} questions")
likeliest, greedy = (pool.reward("gold")[:, 0] for pool in (lists["beams"], shorter[1]))
print("gold of the likeliest reply found less that of the greedy one:",
    paired_difference(likeliest, greedy))
assert same < len(prompts) / 2 and paired_difference(likeliest, greedy).high < 0

# %% [markdown]
# (The last line once more: likely is not good.
# Of the eight, the one with the highest probability is on average worse than the greedy reply.)
#
# **The win rate.**
# The best of 8 should beat one fresh sample in 8 of 9 cases.
# The argument was that candidates and opponent are dealt from the same pack, so that each is
# equally likely to be the highest.
# For beams there is no such opponent.
# Let all three play against both kinds of sample.

# %%
from course_lib.estimators import win_rate_theory, win_scores

wins = {}
for name in three:
    top = lists[name].reward("proxy").max(1, keepdim=True).values.expand(-1, 32)
    for opponent, pool in fresh.items():
        scores = win_scores(top, pool.reward("proxy"))
        wins[name, opponent] = bootstrap_interval(scores.mean(1))
        print(f"{name:17} against {opponent:17} {wins[name, opponent]}, ties "
            f"{(scores == 0.5).mean():.0%}")
print(f"formula {win_rate_theory(8):.2f}")

# %%
assert abs(wins["samples, T = 1", "samples, T = 1"].mean - win_rate_theory(8)) < 0.06
assert wins["beams", "samples, T = 1"].low > win_rate_theory(8) + 0.02
assert wins[rival, rival].high < win_rate_theory(8) - 0.05

# %% [markdown]
# $T = 1$ against $T = 1$ agrees with the formula.
# (Beams against cold samples come near it by chance; nothing deals them from one pack.)
# Against an opponent from another temperature the rate can be anything.
# Cold samples against their own kind fall short although they are dealt fairly: many are copies,
# copies tie, and a tie counts half.
# So the formula needs draws from **one** distribution, and replies that **differ**.
#
# So who wants likely replies can draw cold samples: the curve holds for them, and only the win rate
# is lost.
# Do not throw copies out to repair that: what is left is no longer a sample from the policy.

# %% [markdown]
# ## Temperature and diversity
#
# The other dial is the temperature.
# Sampling at several of them takes minutes, so the pools are stored: 64 prompts, 64 candidates at
# each temperature (`course build-assets --world temperatures` makes them again).
#
# First, how different are the candidates?
# Two measures.
# `distinct_fraction` is the share of different texts among the 64.
# `distinct_n` (for $n = 2$) takes all pairs of neighbouring words in all texts, and gives the share
# of different ones (arXiv 1510.03055).
# Both fall when texts are added, so compare lists of equal length only.
# By hand, on three short texts:

# %% tags=["nbval-check-output"]
from course_lib.estimators import distinct_fraction

# pairs: 3 × open-the, 2 × the-menu, 1 × the-door
texts = ["open the menu", "open the menu", "open the door"]
print(f"distinct_fraction {distinct_fraction(texts):.3f} (2 of 3), distinct-2 "
    f"{distinct_n(texts, n=2):.3f} (3 of 6)")

# %%
from course_lib.assets import temperatures

pools = temperatures.pools()   # {temperature: pool}
grid = list(pools)
print(grid, pools[1.0])

# %%
def by_prompt(measure):
    """(P, temperatures): a measure of each prompt's 64 texts."""
    return np.array([[measure(row) for row in pool.texts] for pool in pools.values()]).T

plots.against_temperature(grid, {"different texts among 64": by_prompt(distinct_fraction),
    "different pairs of words (distinct-2)": by_prompt(distinct_n)}, "share", peaks=False)

# %% [markdown]
# At a low temperature most candidates are copies, and a copy gives best-of-N nothing new to choose
# from.
# At a high one nearly all differ.
# But different is not the same as good.
# Read the first three candidates to one question at the lowest, the middle and the highest
# temperature:

# %%
for T in (grid[0], 0.7, grid[-1]):
    print(f"T = {T:g}   {pools[T].prompts[0]}")
    three = pools[T].first(3)
    for gold, text in zip(three.reward("gold")[0].tolist(), three.texts[0], strict=True):
        print(f"   {gold:5.2f}  {text}")

# %% [markdown]
# ## Which temperature for which n?
#
# One cold sample was far better than one at $T = 1$.
# **Your prediction.**
# With 16 candidates, the best of them chosen by gold itself: is the best temperature of the grid
# the same as for one, a lower or a higher one?
# By how much is it better?

# %%
ns = [1, 4, 16, 64]

def best_of(by):
    """{n: (P, temperatures)}: gold of the best of n by a reward, for each prompt."""
    values = np.stack([best_of_n_curve(pool.reward(by), pool.reward("gold"), ns)
        for pool in pools.values()], axis=1)
    return {f"n = {n}": values[:, :, k] for k, n in enumerate(ns)}

ceiling = best_of("gold")
plots.against_temperature(grid, ceiling, "gold of the best of n (points)",
    title="Chosen by gold (ceiling)", zoom=(-0.4, 0.25))

# %% [markdown]
# On the left, the line of one candidate falls from the first point on.
# On the right the same curves, each less its own value at $T = 0.1$ and drawn larger: above 0 is
# better than $T = 0.1$.
# The circles mark the best temperature of the grid: they move right from $n = 1$ to 4 to 16.
# 16 candidates at the lowest temperature are a few replies many times over, and a little more
# spread pays, as long as somebody can pick the good ones.
# At $n = 64$ the line is flat from 0.2 to 0.7: the best of 64 is nearly the best reply there is,
# and where its circle stands on that stretch means nothing.
#
# Is each step more than chance?
# Compare neighbours on the grid, prompt by prompt.

# %%
def steps(curves):
    """{(n, T, the temperature before it on the grid).

    Gold at T less that before, paired}, printed.
    """
    found = {}
    for n in ns[:3]:
        for before, T in zip(grid[:2], grid[1:3], strict=True):
            values = curves[f"n = {n}"]
            found[n, T] = paired_difference(values[:, grid.index(T)], values[:, grid.index(before)])
            print(f"n = {n:2}: T = {T} less T = {before}: {found[n, T]}")
    return found

# %%
perfect = steps(ceiling)
assert (perfect[1, 0.2].high < 0 < perfect[4, 0.2].low
    and perfect[4, 0.4].high < 0 < perfect[16, 0.4].low)
# 0.2 to 0.7 tie
assert np.ptp(ceiling["n = 64"][:, grid.index(0.2) : grid.index(0.7) + 1].mean(0)) < 0.02

# %% [markdown]
# **Finding 6: the best temperature rises with $n$**, when a perfect judge chooses.
# For one reply 0.1 is the best of our grid (its lowest; we tried none below).
# For 4 replies 0.2 beats both neighbours.
# For 16, 0.4 beats 0.2, but only by a hair.
# And with a reward model as the judge?
# **Predict before you run it.**

# %%
learned = best_of("reward-8000")
plots.against_temperature(grid, learned, "gold of the best of n (points)",
    title="Chosen by reward-8000", zoom=(-0.4, 0.25))

# %%
fooled = steps(learned)
assert all(fooled[n, 0.4].high < 0 for n in ns[:3]) and not any(fooled[n, 0.2].low > 0
    for n in ns[:3])

# %% [markdown]
# The turn **does not appear**.
# 0.4 is worse than 0.2 for every $n$, and for 4 and 16 candidates 0.1 and 0.2 cannot be told apart:
# those intervals contain 0.
# Our explanation: spread is of use to a judge who can tell good from bad, and it harms one who can
# be fooled, for it offers more to be fooled by.
# Look at the question where going from $T = 0.1$ to 0.4 lost most.

# %%
picked = {T: course.select_best(pools[T].first(16), by="reward-8000") for T in (0.1, 0.4)}
worst = int((picked[0.4].rewards("gold") - picked[0.1].rewards("gold")).argmin())
print(pools[0.1].prompts[worst])
for T, choice in picked.items():
    gold, liked = choice.rewards("gold")[worst], choice.rewards("reward-8000")[worst]
    print(f"   T = {T}: gold {gold:5.2f}, reward-8000 {liked:5.2f}: {choice.texts[worst]}")
    assert T == 0.1 or liked > picked[0.1].rewards("reward-8000")[worst]

# %% [markdown]
# The reward model prefers a reply that leaves the first step out and says the others twice.
# One example is no proof, but it shows what can go wrong.
# So the temperature belongs to the policy, to $n$, *and* to the judge.
# Choose it by measuring, on prompts kept apart for that.
#
# There is a lesson about controls in these numbers, too.
# Lesson 01 sampled at temperature 1.
# What does *one* reply at $T = 0.1$ give, beside best-of-16 at $T = 1$, for less than a sixteenth
# of the tokens and without a reward model?

# %%
one_cold = ceiling["n = 1"][:, grid.index(0.1)]
sixteen = learned["n = 16"][:, grid.index(1.0)]
print("one sample at T = 0.1:", bootstrap_interval(one_cold))
print("best of 16 by reward-8000 at T = 1:", bootstrap_interval(sixteen))
cheaper = paired_difference(one_cold, sixteen)
print("difference:", cheaper)
written = {T: pools[T].lengths.float().mean().item() for T in (0.1, 1.0)}
print(f"tokens written for a question: {written[0.1]:.0f} against {16 * written[1.0]:.0f}")
assert cheaper.low > 0 and written[0.1] < written[1.0]

# %% [markdown]
# One sample at $T = 0.1$ beats the best of sixteen at $T = 1$.
# We think it is so because the help desk's good sentences are always the same, its faults are
# scattered, and a low temperature cuts the scattered ones off.
# It need not be so elsewhere, but it is the first thing to try: **a temperature costs no tokens.**
# A best-of-N that has not been compared with one sample at the best temperature has not been
# compared with its real rival.
#
# Why then does this course go on sampling at $T = 1$?
# Because that is the policy with all its faults, and we want to see whether selection and training
# can mend them.
# What we compare is always compared at one temperature.
#
# Turn the dials yourself.
# Put the temperature at 0.1 and move $n$: the choice hardly changes.
# Put it at 1.3, and select by `reward-500`: read what is chosen.

# %%
explore.best_of_n_slider(pools, rewards=["reward-8000", "reward-500", "gold"], n=16,
    temperature=0.4)

# %% [markdown]
# ## Highest, median, lowest
#
# One look at the same thing from another side.
# Take 2 of the stored candidates (temperature 1), then 4, and so on up to 256.
# **Your prediction.**
# As $n$ grows, what happens to the highest gold reward among the $n$, to the lowest, and to the
# median, the one in the middle?
# (For even $n$ it is the mean of the two in the middle.)
#
# The highest of $n$ is `best_of_n_curve`, an average over all ways to take $n$.
# The lowest is the same with the sign turned round.
# For the median, cut the 256 candidates into groups of $n$ and average the medians of the groups.

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold, sizes = stored.reward("gold").double(), [1, 2, 4, 8, 16, 32, 64, 128, 256]
spread = {"highest of n": best_of_n_curve(gold, ns=sizes),
    "median of n": np.stack([np.median(gold.reshape(stored.P, -1, n), axis=2).mean(1)
    for n in sizes], axis=1), "lowest of n": -best_of_n_curve(-gold, ns=sizes)}
plots.best_of_n(sizes, spread, ylabel="gold reward (points)")

# %%
grown = {name: paired_difference(values[:, -1], values[:, 0]) for name, values in spread.items()}
for name, change in grown.items():
    print(f"{name:13} from n = 1 to n = 256: {change}")
assert (grown["highest of n"].low > 2 and abs(grown["median of n"].mean) < 0.2
    and grown["lowest of n"].high < -2)

# %% [markdown]
# **Finding 7: the highest reward grows with $n$ while the median stays nearly where it was.**
# Part of this is built in.
# The highest of more can only be higher.
# The median of one is the reply itself, so its line starts at the *mean* of all replies, and it
# ends at their median; it is flat because mean and median lie close together here (the interval
# contains 0).
# What is measured is the size: how far the highest leaves the middle behind.
# More candidates do not make the policy better.
# They widen the range we can choose from, at both ends, so choosing badly costs more, too.
# Llama 2's authors drew this picture with their reward model's score, and called the gap between
# highest and median the gain on offer from fine-tuning on the best (arXiv 2307.09288).

# %% [markdown]
# ## What sampling costs, and three ways to save
#
# The unit is a **token computed**: one token passed once through the model.
# For $N$ candidates of a prompt, naively, the prompt is read $N$ times, and every row of the batch
# goes on until the longest reply has ended.
# Two savings change nothing in the result but rounding.
#
# - **Prefix sharing.**
#   Inside the model, each token that has been read leaves two vectors per layer, its *key* and its
#   *value*; later tokens look only at these.
#   So those of the prompt can be computed once and used by all $N$ candidates (the rows of the
#   batch).
# - **Retiring.**
#   A reply that has ended leaves the batch.
#
# On paper: a prompt of 10 tokens, four replies of 5, 8, 8 and 20 tokens.
# Naively each of the four rows reads 10 tokens and runs for 20 steps: $4 \cdot (10 + 20) = 120$.
# (The last token of a reply need not be passed through, which we leave out.)
# With both savings: $10 + 5 + 8 + 8 + 20 = 51$.
# **What would each saving alone give?**

# %% tags=["nbval-check-output"]
prompt_tokens, reply_tokens = 10, np.array([5, 8, 8, 20])
N, longest = len(reply_tokens), reply_tokens.max()
print("naive", N * (prompt_tokens + longest), "| sharing only", prompt_tokens + N * longest,
    "| retiring only", N * prompt_tokens + reply_tokens.sum(), "| both",
    prompt_tokens + reply_tokens.sum())

# %% [markdown]
# Now count in earnest.
# A *hook* is a function that PyTorch calls whenever a layer runs; ours notes how many tokens come
# in at the model's first layer while `sample` writes 16 candidates for each of 8 prompts.
# The naive number follows from the lengths of the same replies.

# %%
seen = []
layer = policy.model.get_input_embeddings()
hook = layer.register_forward_hook(lambda layer, given, out: seen.append(given[0].numel()))
pool = course.sample(policy, prompts[:8], n=16, seed=0)
hook.remove()

# %%
read = np.array([len(ids) for ids in policy.encode(prompts[:8])])  # tokens of each prompt
# the last token of a reply is not passed through
run = pool.lengths.numpy() - 1
naive, least = (16 * (read + run.max(1))).sum(), read.sum() + run.sum()
print(f"tokens computed: naively {naive:,}, by sample {sum(seen):,}, least possible {least:,}")
print(
    f"a prompt has {read.mean():.0f} tokens on average, a reply {pool.lengths.float().mean():.0f}")
assert least <= sum(seen) < 0.8 * naive

# %% [markdown]
# `sample` lies a little above the least, since it drops ended rows in groups and not one by one.
# How much sharing saves depends on the lengths: much where a long prompt (a system prompt, some
# documents) comes before short replies, little here.

# %% [markdown]
# The third way does change the result.
# **Stop early**: score how the replies *begin*, drop the worst half, and write only the others to
# the end.
# The idea is that of speculative rejection (arXiv 2410.20290, whose abstract reports 16 to 32 times
# less compute).
# On paper, four candidates of 20 tokens each, looked at after 10: all four write 10 tokens, two
# write 10 more.
# $40 + 20 = 60$ instead of 80.
# A quarter is saved, whatever the scores.
#
# What may be lost: a reply that begins badly and ends well.
# We replay it on the stored pool, 32 candidates for each prompt.
# Cut each after 10 tokens, let the proxy score what is there, keep 16.

# %%
from course_lib.base import Account
from course_lib.methods import beginnings, survivors, tokens_written

many = stored.first(32)
begun = beginnings(many, policy, at=10)
with Account() as account:  # counts the tokens that the proxy reads
    early = proxy.score_pool(begun)  # (P, 32): the proxy's scores of the beginnings
for j in range(3):
    print(f"{early[0, j]:5.2f}  {begun.texts[0][j]:55} …  in the end "
        f"{many.reward('reward-8000')[0, j]:5.2f}")

# %% [markdown]
# (The proxy has never seen half a reply, so its scores of beginnings are a guess about a guess.)
# Are they of any use?
# Compare the reply chosen among the 16 survivors with the one chosen among all 32, and, as a
# **control**, with best-of-$m$ that spends the same number of tokens in the plain way: fewer
# candidates, all written to the end.
# **Your prediction.**
# How much gold is lost?
# And does early stopping beat its control?

# %%
final, judge = many.reward("reward-8000"), many.reward("gold")

def stopped(early, keep, at=10):
    """Share of tokens saved, m, and gold by prompt.

    Stopped early, all 32, and the best of m for as many tokens.
    """
    kept = survivors(early, keep)
    saved = 1 - tokens_written(many.lengths, kept, at).sum().item() / many.lengths.sum().item()
    chosen = final.masked_fill(~kept, -torch.inf).argmax(1, keepdim=True)
    m = round(32 * (1 - saved))
    full, plain = best_of_n_curve(final, judge, ns=[32, m]).T
    return saved, m, judge.gather(1, chosen)[:, 0], full, plain

# %%
found = {}
print("keep  tokens saved  gold less that of all 32    gold less best of m")
for keep in (16, 8):
    saved, m, gold, full, plain = stopped(early, keep)
    found[keep] = saved, paired_difference(gold, full), paired_difference(gold, plain)
    print(f"{keep:4}  {saved:12.0%}  {found[keep][1]:.3f}  m = {m}: {found[keep][2]:.3f}")

saved, lost, gained = found[16]
assert saved > 0.25 and lost.low > -0.2 and gained.low > 0 and found[8][1].mean < lost.mean
assert not found[8][2].excludes_zero

# %% [markdown]
# *Less that of all 32* is the price: dropping half costs a few hundredths of a point of gold,
# dropping three quarters costs more.
# *Less best of m* is the question that matters, since the same tokens could have been spent
# otherwise.
# There, keeping 16 is better: its interval lies above 0.
# Keeping 8 cannot be told from simply sampling fewer: that interval contains 0.
#
# One cost is missing from this table: the proxy had to *read* the beginnings.
# On the other hand it need not read the dropped replies to their end.

# %%
from course_lib.base import flops_per_token

with Account() as whole:
    proxy.score_pool(many)
kept = survivors(early, 16)
# prompt and template, mean
around = (whole.tokens_scored - many.lengths.sum().item()) / many.lengths.numel()
# tokens read for one whole reply
each_read = many.lengths.float().mean().item() + around
reads = account.tokens_scored + many.lengths[kept].sum().item() + around * kept.sum().item()
writes = tokens_written(many.lengths, kept, at=10).sum().item()

# %%
# operations for one token
to_write, to_read = flops_per_token(policy.model), flops_per_token(proxy.model)
print(f"operations for one token: policy {to_write:,}, proxy {to_read:,}")
# of one candidate, written and read
plain_cost = to_write * many.lengths.float().mean().item() + to_read * each_read
equal = round((to_write * writes + to_read * reads) / many.P / plain_cost)
print(f"early stopping, per question: {writes / many.P:,.0f} tokens written, "
    f"{reads / many.P:,.0f} read by the proxy")
for m in (32, stopped(early, 16)[1], equal):
    print(f"plain best of {m}:            {m * many.lengths.float().mean():,.0f} written, "
        f"{m * each_read:,.0f} read")

# %%
gold = stopped(early, 16)[2]
honest = paired_difference(gold, best_of_n_curve(final, judge, ns=[equal])[:, 0])
print(f"gold of early stopping less best of {equal}, which costs as many operations: {honest}")
assert not honest.excludes_zero and writes < many.lengths.sum() and reads > 16 * each_read * many.P

# %% [markdown]
# Beside best of 32 this saves: much less is written, and only a little more is read.
# Beside the control of the table, which writes as many tokens, the proxy reads about 500 tokens
# more.
# Spend those operations on candidates instead, and the control is the last line, from which early
# stopping cannot be told apart: the interval contains 0.
# Early stopping is made for long replies and cheap scores; ours are short.

# %% [markdown]
# ## What we found
#
# The numbered findings of this lesson, measured again from the stored pools.

# %%
from course_lib.experiments import findings

findings.show("02")

# %% [markdown]
# In words:
#
# - **Finding 6.**
#   With a perfect judge, the best temperature rises with $n$: on our grid from 0.1 for one reply
#   (the lowest tried) to 0.2 for the best of 4 and 0.4, by a hair, for the best of 16.
#   With the reward model choosing we saw no such rise: 0.4 is worse than 0.2 for each $n$, and 0.1
#   and 0.2 cannot be told apart for 4 and 16.
# - **Finding 7.**
#   The highest reward of $n$ candidates grows with $n$, the median stays nearly where it was: more
#   candidates widen the choice, they do not improve the policy.
#   (Finding 5 is another lesson's.)
# - Beams are not samples.
#   Their best of eight was better than that of samples at $T = 1$ and could not be told from that
#   of samples at $T = 0.2$, and the curve estimated from eight beams is wrong about the list of
#   one.
#   The very likeliest replies leave steps out.
# - The curve needs independent draws.
#   The win rate $n/(n+1)$ needs more: an opponent from the same distribution, and replies that
#   differ.
# - One reply at a low temperature was better than the best of 16 at $T = 1$ by the reward model.
#   Try the temperature before you pay for $N$.
# - Reading the prompt once and retiring ended replies saves tokens and changes nothing but
#   rounding.
#   Dropping half of the candidates after 10 tokens saved about a third of the written tokens for a
#   few hundredths of a point, which was better than writing as many tokens in the plain way.
#   But that leaves out what the reward model reads; with it counted, we could not tell it from
#   plain best-of-$N$.
#
# ## What this leaves out
#
# There are other filters; the question is the same for all: more spread, at what loss on average?
# Our policy's cold replies are good ones.
# In a world where they are not, low temperatures come out worse.
# Speculative rejection proper drops candidates again and again, whenever the batch outgrows the
# memory, and is measured in time on a GPU; we dropped once and counted tokens.
# Nothing here changed the policy; that begins in lesson 05.
#
# ## In real systems
#
# - Llama 2 reports that the best temperature for sampling rises with the number of samples, to 1.2
#   to 1.3 for 10 to 100 samples of its RLHF model (arXiv 2307.09288).
#   The numbers differ from ours, as policy and judge do; only the direction is the same.
# - Llama 3 reports that PagedAttention (a way to keep the keys and values in memory) more than
#   doubled the throughput of sampling (arXiv 2407.21783).
# - Rejection-sampling fine-tuning on GSM8K sampled 100 solutions at $T = 0.7$ (arXiv 2308.01825);
#   ReST-EM 32 or 64 with top-k 40 at $T = 0.7$ (arXiv 2312.06585).
#
# ## Further reading
#
# Vijayakumar et al., *Diverse beam search*, arXiv 1610.02424.
# Speculative rejection: arXiv 2410.20290.
# Distinct-n: arXiv 1510.03055.
#
# ## Now you
#
# **Exercise** `exercises/ex02`: temperature, top-p, drawing a token, and the best temperature for a
# given n.
#
# **Questions.**
# Your answers are kept in `course-progress.json` beside this notebook.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("02")
