# %% [markdown] tags=["slide"]
# # Best-of-N: choose among several replies
#
# **You will:** state what goes into best-of-N and what comes out, measure what choosing gains and
# what it costs, and decide how far to go for a chatbot.
#
# **Builds on:** lesson 00 (policy, reward model, gold reward, temperature; under *Deeper*,
# intervals).
#
# **Time:** 30 minutes, and 25 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Sixteen replies, one to send
#
# Somebody asks our help desk how to follow a colleague with their phone.
# The assistant writes sixteen replies.
# Below are the first three, and the one that a reward model chose from the sixteen.
# **Which of the four would you send?**

# %% tags=["hide"]
from functools import partial

import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import drawings, explore, plots, quiz, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% tags=["slide", "nbval-check-output"]
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
sixteen = stored.first(16)
best = course.select_best(sixteen, by="reward-8000")
gold = sixteen.reward("gold")  # (128, 16): what each reply is worth
gain = best.rewards("gold") - gold.mean(1)  # over a random one of the sixteen
good, typical, failure = (int(gain.argsort()[k]) for k in (-1, 63, 0))
show.replies(stored.prompts[good], [*sixteen.texts[good][:3], best.texts[good]],
    names=["first", "second", "third", "chosen of sixteen"], about=stored.info[good])

# %% tags=["hide", "remove-input"]
assert stored.P == 128 and stored.N == 256
assert "cannot track" in best.texts[good] and "tracker" in sixteen.texts[good][0]
assert best.rewards("gold")[good] > 3 > gold[good].mean() + 4

# %% [markdown]
# No weight changed.
# The assistant is the same; we only asked sixteen times and kept one reply.
#
# The course has a stored **pool**: 128 questions with 256 replies each.
# Of the 128 this is the one where choosing gained most over a random one of the first sixteen.

# %% [markdown] tags=["slide"]
# ## What goes in, what comes out
#
# **Input.**
# A prompt $x$, a reference policy $\pi_{\text{ref}}$ to sample from, a number $N$, and a reward
# $r(x, y)$:
# one number for a prompt and a reply.
#
# **What happens.**
# Draw $N$ candidates independently,
# $\hat y_1, \dots, \hat y_N \sim \pi_{\text{ref}}(\cdot \mid x)$.
# Score each.
#
# **Output.**
# One reply, the candidate with the highest reward:
#
# $$\hat y_{\text{best}} = \operatorname*{arg\,max}_{\hat y_1, \dots, \hat y_N} \; r(x, \hat y_i)$$
#
# It is easy to write $\max$ here.
# But $\max$ is a *value*, the highest reward, and a user cannot read a reward.
# What we want is $\arg\max$: the *candidate* that has it.
# In code that is `R.argmax(dim=1)`, and not `R.max(dim=1).values`.

# %% [markdown]
# ## On paper first
#
# Three prompts, four candidates each.
# Each row is a prompt and each entry a reward $r(x, \hat y_i)$; together they are the matrix $R$.
#
# | | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 0.2 | 1.1 | 0.7 | −0.3 |
# | prompt B | 1.5 | 0.1 | 1.5 | 0.9 |
# | prompt C | −1.0 | −0.4 | −0.8 | −2.3 |
#
# Take a pencil.
# **Which candidate does best-of-4 return in each row?
# By how much does the mean reward rise over a random candidate?**

# %%
R = torch.tensor([[0.2, 1.1, 0.7, -0.3], [1.5, 0.1, 1.5, 0.9],
    [-1.0, -0.4, -0.8, -2.3]])

# %% tags=["nbval-check-output"]
show.table(["", *"ABC"], [["argmax: which candidate", *R.argmax(dim=1).tolist()],
    ["max: its reward", *(f"{v:.1f}" for v in R.max(dim=1).values.tolist())]])

# %% tags=["hide", "remove-input"]
rise = R.max(dim=1).values.mean() - R.mean()
assert round(R.mean().item(), 1) == 0.1 and round(rise.item(), 1) == 0.6
assert np.isclose(best_of_n_curve(R, ns=[2])[0, 0], (0.2 + 2 * 0.7 + 3 * 1.1) / 6)

# %% [markdown]
# Row B has a tie, and a tie needs a rule.
# `argmax` takes the lowest index, and so do we: then a result can be repeated.
# Row C shows that best-of-N returns the best of what there is, not something good.
# A random candidate has 0.1 on average and the best of four 0.7, a rise of 0.6.
#
# You have four candidates for prompt A; what would best-of-**2** have given?
# Average over all six pairs.
# Sorted, the row is −0.3, 0.2, 0.7, 1.1.
# The lowest is never the best of a pair, 0.2 is it once, 0.7 twice, 1.1 three times:
#
# $$\hat R_2 = \tfrac{1}{6}\cdot 0.2 + \tfrac{2}{6}\cdot 0.7 + \tfrac{3}{6}\cdot 1.1 = 0.82$$
#
# The function `best_of_n_curve` does this for any $n$ out of $N$ stored candidates.

# %% [markdown]
# ## The same with a model
#
# Load two models, and 64 questions that neither has seen.
# The reward model `reward-8000` learned from 8,000 comparisons of two replies (lesson 03 trains
# one).
# Then sample, score and select: three of lesson 00's four lines.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
reward_model = course.load_reward_model(assets.path("helpdesk/reward-8000"),
    name="reward-8000")
world = course.load_world("helpdesk")
prompts, about = world.prompts("heldout", limit=64, seed=11)

# %%
pool = course.sample(policy, prompts, n=16, temperature=1.0, seed=0, info=about)
pool = course.score(pool, reward_model)
chosen = course.select_best(pool, by="reward-8000")

# %% [markdown]
# The score of the chosen replies is high by construction, so it says nothing.
# We need a judge that did not choose, here gold, and a control: a *random* one of the same sixteen.
# The function `paired_difference` subtracts question by question and takes the mean with its 95 %
# interval.
# If the interval leaves out 0, the difference is more than chance.
# Questions about one topic share their difficulty, so the interval counts topics (`groups`).

# %%
from course_lib.models import GoldReward
from course_lib.pools import random_per_prompt

pool = course.score(pool, GoldReward(world))
asked = [one["topic"] for one in about]
control = random_per_prompt(pool, seed=0)
by_model, at_random = (pool.reward("gold")[range(64), picked.candidate_index]
    for picked in (chosen, control))
gained = paired_difference(by_model, at_random, groups=asked)
show.facts({"gold, best of 16 minus a random one": f"{gained:.1f}"})

# %% tags=["hide", "remove-input"]
assert gained.low > 1, str(gained)
assert not {*prompts} & {*world.prompts("train")[0]}
lost = gain[failure].item()
assert 1.4 < gain[typical] < 1.7 and gain[typical] == gain.median() and lost < -3
assert int((gain < 0).sum()) == 11
assert best.rewards("gold")[failure] == best.rewards("gold").min()
assert gold[failure].max() > 3 and best.rewards("gold")[typical] >= 2

# %% [markdown]
# More than a point, far more than chance.
# But read before you believe a mean.
# Back to the 128 stored questions: this one has the *median* gain.

# %% tags=["slide", "nbval-check-output"]
show.replies(stored.prompts[typical], [sixteen.texts[typical][0], best.texts[typical]],
    names=["first", "chosen of sixteen"], about=stored.info[typical])

# %% [markdown]
# Not perfect, but you could send it.
# This is the question where choosing *lost* most.

# %% tags=["slide", "nbval-check-output"]
there = int(gold[failure].argmax())
show.replies(stored.prompts[failure],
    [best.texts[failure], sixteen.texts[failure][there]],
    names=["chosen of sixteen", "the best there was"], about=stored.info[failure])

# %% [markdown] tags=["slide"]
# A good reply was there, and the reward model missed it.
# That is one way to fail, and a better reward model is the cure.
# The other is row C of our matrix: no good reply among the sixteen.
# Then only more candidates help, or a better policy.
# In 11 of the 128 questions, the choice was worse than the average of the sixteen.

# %% [markdown]
# ## How the gain grows with $n$
#
# Let gold itself choose.
# That is the *ceiling*: what a perfect reward model would reach.
#
# **Your prediction.**
# A random reply has 0.1 points of gold, and a perfect one between 3 and 3.8, by question.

# %% tags=["hide"]
quiz.predict("01-gain", "How much gold has the best of 16, chosen by gold?",
    low=0, high=4, step=0.1, unit="points")

# %% [markdown]
# Two flat lines stand beside the curve: the control, a random reply, and a fair rival.
# The rival is one reply at the temperature that suits it best (lesson 02).

# %% tags=["hide"]
from course_lib.assets import temperatures

worth = stored.reward("gold")  # (128, 256)
topics = [one["topic"] for one in stored.info]
difference = partial(paired_difference, groups=topics)
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
pools = temperatures.pools()  # by temperature, of 64 of the questions
one_reply = {T: p.reward("gold").mean(1, keepdim=True) for T, p in pools.items()}
rival = max(one_reply.values(), key=lambda values: values.mean()).expand(-1, 9)

# %% tags=["answer", "slide"]
ceiling = best_of_n_curve(worth, ns=sizes)  # (128, 9), by question
plots.best_of_n(sizes, {"best of n by gold": ceiling,
    "one reply at its best temperature": rival,
    "a random reply": worth.mean(1, keepdim=True).expand(-1, 9),
}).guessed("01-gain", x=16)

# %% tags=["hide", "remove-input"]
added = np.diff(ceiling, axis=1)  # (128, 8): what each doubling adds
each = added / np.diff(sizes)  # what one candidate more adds
assert all(bootstrap_interval(step, groups=topics).low > 0 for step in added.T)
assert all(difference(each[:, k + 1], each[:, k]).high < 0 for k in range(7))
assert round(ceiling.mean(0)[4], 1) == 2.5 and round(worth.mean().item(), 1) == 0.1
assert round(added.mean(0)[0], 1) == 0.7 and round(added.mean(0)[-1], 1) == 0.1
assert 3.5 < ceiling.mean(0)[-1] < 3.8 and ceiling.mean(0)[1] > rival.mean() + 0.3
perfect = [world.gold(p, world.ideal_reply(i), i)
    for p, i in zip(stored.prompts, stored.info, strict=True)]
assert 3 < min(perfect) < 3.1 and round(max(perfect), 2) == 3.8

# %% [markdown] tags=["slide"]
# The best of 16 has 2.5 points.
# Already the best of two passes the rival.
#
# Each step to the right *doubles* the candidates: the first adds 0.7 points, the last 0.1.
#
# **Finding 1.1: the reward of the best of $n$ rises with $n$, and each further candidate adds
# less.**
# That it adds less is built in: one more counts only where it beats all the others.
# How fast is what we measured.

# %% [markdown] tags=["slide"]
# ## The tail
#
# Look at a single question.
# The hill shows the gold rewards of its 256 replies, and the dots are the first 16 draws.
# In green stands the best of $n$, on average.

# %% tags=["slide"]
drawings.tail()

# %% tags=["hide", "remove-input"]
hill = worth[drawings.stored.QUESTION]
assert (hill < 1).float().mean() > 0.7
assert (hill > best_of_n_curve(hill[None], ns=[16])[0, 0]).float().mean() < 1 / 20

# %% [markdown] tags=["slide"]
# Most replies are worth less than one point.
# The best of 16 already stands in the *tail* on the right: fewer than one reply in twenty is
# better.
# To raise it you need a draw *above the present best*.
# The better that is, the rarer such a draw.

# %% [markdown]
# ## Deeper: The steps as numbers

# %% [markdown]
# What does each doubling add, and does a fresh sample agree?
# Our 64 questions from above have 16 candidates each, drawn anew.

# %%
fresh = np.diff(best_of_n_curve(pool.reward("gold"), ns=sizes[:5]), axis=1)
show.table(["candidates", "adds (points)", "in the fresh sample"],
    [(f"{a} to {b}", bootstrap_interval(step, groups=topics),
        bootstrap_interval(fresh[:, k], groups=asked) if k < 4 else "")
        for k, (a, b, step) in enumerate(zip(sizes[:-1], sizes[1:], added.T,
            strict=True))])

# %% tags=["hide", "remove-input"]
for k in range(4):
    ours, theirs = (bootstrap_interval(values[:, k], groups=units)
        for values, units in ((fresh, asked), (added, topics)))
    assert ours.low < theirs.high and theirs.low < ours.high
assert added.mean(0)[3] > 0.9 * added.mean(0)[2]
later = difference(each[:, 3], each[:, 0])
assert later.high < -0.5

# %% [markdown]
# From 8 to 16 a doubling adds nearly what 4 to 8 adds: drawn over doublings, the curve is almost
# straight here.
# But each doubling takes twice as many *new* candidates as the one before.
# Counted for one candidate, the steps shrink all the way; the lesson's cells check that.
# The fresh sample has steps of the same size: its intervals overlap with those of the stored pool.

# %% [markdown]
# ## Deeper: Why the steps shrink

# %% [markdown]
# Say a reply is below 3 points with probability 0.9.
# Then all of ten replies are below 3 with probability $0.9^{10} \approx 0.35$, and all of twenty
# with $0.9^{20} \approx 0.12$.
# In general: if a reward is at most $t$ with probability $F(t)$, the best of $n$ is so with
# probability $F(t)^n$.
#
# How fast does the best rise when rewards are spread like a bell curve?
# The expected highest of $n$ draws from a normal distribution, in standard deviations above its
# mean, is `expected_max_normal(n)`.
# Beside it stands our own curve in standard deviations of the candidates.

# %%
from course_lib.estimators import expected_max_normal

deviation = worth.std(1).mean().item()
measured = (ceiling.mean(0) - ceiling[:, 0].mean()) / deviation
show.table(["n", "measured", "normal"],
    [(n, f"{a:.1f}", f"{expected_max_normal(n):.1f}")
        for n, a in zip(sizes, measured, strict=True) if n in (4, 16, 64, 256)],
    "In standard deviations.")

# %% tags=["hide", "remove-input"]
assert measured[-1] < expected_max_normal(256) - 0.1
assert all(abs(a - expected_max_normal(n)) < 0.1
    for n, a in zip(sizes[:7], measured[:7], strict=True))
draws = np.random.default_rng(0).standard_normal((20_000, 64))
assert all(abs(draws[:, :n].max(1).mean() - expected_max_normal(n)) < 0.03
    for n in (4, 16, 64))
assert round(0.9**10, 2) == 0.35 and round(0.9**20, 2) == 0.12

# %% [markdown]
# Up to 64 candidates the two are nearly the same.
# At 256 the real curve stays behind: there is a best possible reply, and no reward lies beyond it.

# %% [markdown]
# ## Deeper: Four estimates, one to report

# %% [markdown]
# Most of us do not have 256 candidates for each prompt.
# Say you have 16 and want to report best-of-4.
# Four ways suggest themselves:
#
# - **prefix**: the best of the first 4;
# - **with replacement**: draw 4 of the 16 again and again, each from all 16, and average the bests;
# - **mean of the top 4**: the average of the 4 highest;
# - **all subsets**: every set of 4 different candidates once, as in the pencil example.
#
# For the last there is a formula.
# With $N$ candidates sorted upwards, the $i$-th is the best of $n$ in a share
# $\binom{i-1}{n-1} / \binom{N}{n}$ of the sets, and that is its weight.
# WebGPT's paper uses it and calls it unbiased: right on average (arXiv 2112.09332, appendix I).
#
# **Your prediction.**
# Which of the four are right on average?
#
# To know the truth, let the stored pool's 256 candidates stand for all the replies there are.
# Deal 16 of them to each prompt as if we sampled, two hundred times over.
# The *bias* is the average error, the *spread* the standard deviation from deal to deal.

# %%
from course_lib.experiments.findings.best_of_n import estimates

errors = {n: estimates(N=16, n=n) for n in (4, 16)}  # n → name → (deals, prompts)
off_by = {n: {name: round(error.mean(), 2) + 0 for name, error in named.items()}
    for n, named in errors.items()}
show.table(["estimate", "bias at n = 4", "spread at n = 4", "bias at n = 16"],
    [(name, f"{off_by[4][name]:.2f}", f"{errors[4][name].std(0).mean():.2f}",
        f"{off_by[16][name]:.2f}") for name in errors[4]])

# %% tags=["hide", "remove-input"]
bias = {(n, name): bootstrap_interval(error.mean(0), groups=topics)
    for n in errors for name, error in errors[n].items()}
assert bias[16, "with replacement"].high < -0.1
assert bias[4, "mean of the top n"].low > 0.1
assert all(abs(bias[n, "all subsets (ours)"].mean) < 0.03 for n in errors)
spread_of = {name: error.std(0).mean() for name, error in errors[4].items()}
assert spread_of["prefix"] > 1.3 * spread_of["all subsets (ours)"]
assert round(16 * (1 - (15 / 16) ** 16)) == 10

# %% [markdown]
# The mean of the top $n$ is no estimate of best-of-$n$ at all.
# Drawing with replacement is too low, most so at $n = 16$: sixteen draws with replacement hold only
# $16\,(1 - (15/16)^{16}) \approx 10$ different candidates.
# The prefix is right on average, but it throws twelve of sixteen candidates away, and its spread
# shows it.
#
# **Finding 1.3: resampling with replacement is biased low and a prefix is noisy; the estimator over
# all subsets is neither.**

# %% [markdown] tags=["slide"]
# ## What it costs
#
# All $n$ candidates are written, and $n - 1$ are thrown away.
# One pays by the *token*, here a word or punctuation mark: see the axis.
# Two reward models choose now: one learned from 8,000 comparisons, one from 125.
# Gold judges.
# **Will their curves keep rising like the ceiling?**

# %% tags=["slide"]
tokens = stored.lengths.float().mean().item()  # of one reply
curves = {"by gold, the ceiling": ceiling}
for name in ("reward-8000", "reward-125"):
    curves[f"by {name}"] = best_of_n_curve(stored.reward(name), worth, sizes)
plots.cost_quality([n * tokens for n in sizes], curves, ns=sizes)

# %% tags=["hide", "remove-input"]
weak, strong = curves["by reward-125"], curves["by reward-8000"]
fall = difference(weak[:, 8], weak[:, 4])
more = difference(strong[:, 8], strong[:, 6])
assert -0.6 < fall.mean < -0.4 and fall.high < 0 and more.low < 0 < more.high
assert sizes[int(weak.mean(0).argmax())] == 8
assert strong.mean(0)[8] < 0.6 * ceiling.mean(0)[8]
few, many = (course.select_best(stored.first(n), by="reward-125") for n in (16, 256))
worst = int((many.rewards("gold") - few.rewards("gold")).argmin())
assert "tracker" in many.texts[worst] and "cannot track" in few.texts[worst]
assert many.rewards("reward-125")[worst] > few.rewards("reward-125")[worst]

# %% [markdown] tags=["slide"]
# A reward model gives part of the ceiling's gain, since it misjudges some replies.
# Its curve does not rise for ever.
# Chosen by `reward-125`, gold is highest at 8 candidates.
# The best of 256 costs sixteen times as much as the best of 16 and is *worse*, by half a point.
# For `reward-8000`, going from 64 to 256 makes no difference we can detect.
#
# Read the question where the weak model lost most.

# %% tags=["slide", "nbval-check-output"]
show.replies(stored.prompts[worst], [few.texts[worst], many.texts[worst]],
    names=["best of 16 by reward-125", "best of 256 by reward-125"],
    scores={name: [picked.rewards(name)[worst].item() for picked in (few, many)]
        for name in ("gold", "reward-125")}, about=stored.info[worst])

# %% [markdown]
# The tracker is back, and `reward-125` scores it *higher*.
# Among many candidates there are ever more that a weak model likes for a wrong reason, and
# best-of-$n$ finds them (lesson 04).
#
# Written side by side, the $n$ candidates do not take $n$ times as long.
# The work is $n$ times as much.

# %% [markdown]
# ## Win rate: a result that needs no model
#
# Let the best of $n$ play against one fresh reply.
# The reward that chose also judges.
#
# **Your prediction.**
# For $n = 4$ and our help desk:

# %% tags=["hide"]
quiz.predict("01-win", "Of 100 games, how many does the best of 4 win?",
    low=50, high=100, step=1, unit="%")

# %% [markdown]
# The picture has `reward-8000` and, for comparison, dice: a random number as the reward of each
# reply.

# %% tags=["hide"]
from course_lib.estimators import win_rate_of_best

def won(rewards):
    """(P, 7) win rate of the best of n, over all ways to draw n and an opponent."""
    return np.stack([win_rate_of_best(rewards, n).rate for n in sizes[:7]], axis=1)

throws = np.random.default_rng(0).random((20, stored.P, stored.N))  # 20 sets of dice

# %% tags=["answer", "slide"]
plots.win_rates(sizes[:7], {"reward-8000": won(stored.reward("reward-8000")),
    "dice": won(throws[0])}).guessed("01-win", x=4)

# %% tags=["hide", "remove-input"]
from course_lib.estimators import win_rate_theory

off = won(stored.reward("reward-8000")).mean(0) - win_rate_theory(sizes[:7])
by_dice = np.mean([best_of_n_curve(dice, worth, [16])[:, 0] for dice in throws], axis=0)
useless = difference(by_dice, worth.mean(1))
assert np.abs(off).max() < 0.01 and abs(useless.mean) < 0.05
by_thumb = won((worth >= 2).float()).mean(0)
assert round(100 * by_thumb[sizes.index(4)]) == 60

# %% [markdown] tags=["slide"]
# The dice win as often as a reward model that took 8,000 comparisons.
# Why?
#
# Count $n + 1$ independent draws: the $n$ candidates and the opponent.
# All come from the same policy in the same way; who is called the opponent is only a label.
# If no two rewards are equal, exactly one of the $n + 1$ is the highest, and each is equally likely
# to be it.
# The opponent is the highest with probability $1/(n+1)$.
# Then, and only then, best-of-$n$ loses:
#
# $$\Pr(\text{best of } n \text{ wins}) = \frac{n}{n+1}$$
#
# for every policy, every prompt and every reward without ties (Beirami et al., arXiv 2401.01879).
#
# Ties break it: let the reward be a thumb, up from 2 points of gold.
# The best of four then wins 60 games in 100, a tie counted half.
#
# For sixteen candidates that is 94 %, as if nearly everything were solved.
# It only says that a reward prefers what it chose itself.
# What the dice choose is worth no more than a random reply.

# %% [markdown]
# ## Deeper: Ties

# %% [markdown]
# The argument needs a *unique* highest.
# Take a thumb: 1 for a reply with at least 2 points of gold, 0 otherwise.
# A tie counts as half a game won.

# %%
thumb = (worth >= 2).float()
plots.win_rates(sizes[:7], {"gold": won(worth), "thumb": won(thumb)})

# %% tags=["hide", "remove-input"]
for k, size in enumerate(sizes[1:5], 1):
    below = bootstrap_interval(won(thumb)[:, k], groups=topics)
    assert below.high < win_rate_theory(size) - 0.05
    assert abs(won(worth)[:, k].mean() - win_rate_theory(size)) < 0.01
tied = [win_rate_of_best(r, 4).ties.mean() for r in (thumb, worth)]
assert tied[0] > 0.5 > 0.1 > tied[1] > 0

# %% [markdown]
# **Finding 1.2: the best of $n$ beats one sample with probability $n/(n+1)$, and ties break it.**
# Gold ties now and then, since different texts can be worth the same, and that moves the rate by
# less than a hundredth.
# The thumb has two values, so most games of a small $n$ are ties, and its rate is far below.
# A *verifier*, a program that says right or wrong, is such a thumb: do not use the formula with it.
#
# For a thumb there is an exact value.
# Let it go up with probability $p$.
# Best-of-$n$ is up with probability $1 - (1-p)^n$, the opponent with $p$.
# For easy sums take $p = \tfrac12$ and $n = 4$:

# %% tags=["nbval-check-output"]
p = 0.5
up = 1 - (1 - p) ** 4
wins, ties = up * (1 - p), up * p + (1 - up) * (1 - p)
print(f"wins {wins:.2f}, ties {ties:.2f}, "
    f"win rate {wins + ties / 2:.2f} and not 0.80")

# %% [markdown] tags=["slide"]
# ## A case: improving a chatbot's replies
#
# The help desk answers 100,000 questions a day, one reply each, 2.5 million tokens.
# People complain: too many replies are wrong, empty or rude.
# In the pool, 39 replies in 100 have a negative gold reward: replies to be ashamed of.
# There is a reward model, `reward-8000`.
# The budget allows up to six times today's tokens.
#
# **Your prediction.**
# What would the best of four do?

# %% tags=["hide"]
quiz.predict("01-shame", "Of 100 best-of-4 replies, how many are to be ashamed of?",
    low=0, high=40, step=1, unit="%")

# %% tags=["answer", "slide"]
options = [1, 2, 4, 6, 16, 64]
selecting = stored.reward("reward-8000")
ashamed = (worth < 0).float()  # the judge may be any 0/1 quantity
shame = best_of_n_curve(selecting, ashamed, options)
plots.within_budget(options, shame, most=6,
    ylabel="replies to be ashamed of (%)").guessed("01-shame", x=4)

# %% [markdown]
# Four replies remove two in three of the shameful ones.
# **Which $n$ do you propose?**
# The table says what each step further would buy.

# %%
quality = best_of_n_curve(selecting, worth, options)
place = {n: options.index(n) for n in options}
def bought(a, b):
    """Gold, and shame in 100 replies, of the best of b minus the best of a."""
    return [difference(v[:, place[b]], v[:, place[a]])
        for v in (quality, 100 * shame)]

rows = [(f"{a} to {b}", *bought(a, b)) for a, b in ((4, 6), (6, 16), (16, 64))]
show.table(["n", "gold (points)", "shameful replies in 100"],
    [(step, f"{points:+.1f}", f"{count:+.0f}") for step, points, count in rows])

# %% tags=["hide", "remove-input"]
four_six, six_more, sixteen_more = (row[1:] for row in rows)
assert four_six[0].low > 0 > four_six[1].high and six_more[0].low > 0 > six_more[1].high
assert sixteen_more[0].low > 0 and sixteen_more[1].high > 0 > sixteen_more[1].low
assert 0.25 < shame[:, 2].mean() / shame[:, 0].mean() < 0.4
assert round(100 * ashamed.mean().item()) == 39 and 24 < tokens < 26
assert round(six_more[0].mean, 1) == 0.4 and round(six_more[1].mean) == -2
assert round(sixteen_more[0].mean, 1) == 0.3

# %% [markdown] tags=["slide"]
# - The **budget** rules out 16 and 64.
#   The table does not: 16 would bring 0.4 points more than 6, and two shameful replies in a hundred
#   fewer.
# - The **table** says that 6 is better than 4 by more than chance.
#   From 16 to 64 it still finds 0.3 points, but no difference we can detect in shameful replies.
#
# So take 6, or 4 if scoring has to be paid from the same budget.
# To show that it works: new questions, a judge that did not choose, a random candidate as the
# control, an interval.

# %% [markdown]
# ## Deeper: A cheaper idea

# %% [markdown]
# A colleague says: keep one reply a question and turn the temperature down, that costs nothing.
# The course has stored pools at other temperatures, of 64 of these questions.
# **Your prediction: will one cold reply do as well as the best of four?**
# Besides gold and shame, count the replies worth sending, those with at least 2 points.

# %%
counted = {}
for T, k in ((1.0, 1), (0.1, 1), (1.0, 4), (0.7, 4)):
    by, judge = pools[T].reward("reward-8000"), pools[T].reward("gold")
    judges = judge, (judge < 0).float(), (judge >= 2).float()
    counted[T, k] = [best_of_n_curve(by, values, [k]).mean() for values in judges]
show.table(["best of", "temperature", "gold", "to be ashamed of", "worth sending"],
    [(k, f"{T:g}", f"{mean:.1f}", f"{shameful:.0%}", f"{sent:.0%}")
        for (T, k), (mean, shameful, sent) in counted.items()])

# %% tags=["hide", "remove-input"]
from course_lib.worlds.helpdesk_letters import letter_sentences
from course_lib.worlds.helpdesk_stock import POLITE_CLOSE, POLITE_OPEN

of_four = {T: best_of_n_curve(p.reward("reward-8000"), p.reward("gold"), [4])[:, 0]
    for T, p in pools.items()}
cold = pools[0.1].reward("gold")
some = [one["topic"] for one in pools[0.1].info]
assert paired_difference(of_four[1.0], cold.mean(1), groups=some).low > 0
assert paired_difference(of_four[0.7], of_four[1.0], groups=some).low > 0
letter = letter_sentences() - {*POLITE_OPEN, *POLITE_CLOSE}
assert np.mean([any(known in text for known in letter)
    for row in pools[0.1].texts for text in row]) > 0.95
assert (cold >= 2).float().mean() < 0.01 and 0.05 < (cold < 0).float().mean() < 0.25
assert all(p.reward("gold").mean() < of_four[1.0].mean() - 0.4 for p in pools.values())
warm, warmest = counted[0.7, 4], counted[1.0, 4]
assert warm[0] > warmest[0] and warm[1] < warmest[1] and warm[2] > warmest[2]

# %% [markdown]
# The colleague is half right.
# One cold reply is nearly always a stock letter, and most of the shameful replies are gone.
# But hardly one of the letters is worth sending.
# At each of the stored temperatures, one reply stays far below the best of four at 1.
#
# The temperature is no substitute for choosing, and it is a help.
# At 0.7, four candidates are better on all three counts than at 1.
# (We chose 0.7 on the questions that judge it; a team would choose it on others.)

# %% [markdown]
# ## Deeper: Where best-of-4 still fails

# %% [markdown]
# Users will see the failures, so look at them.
# Choose among the first four replies to each of the 128 questions.
# Here are the three choices with the least gold, and beside each the best of the four.

# %%
of_4 = stored.first(4)
picks = course.select_best(of_4, by="reward-8000")
possible = course.select_best(of_4, by="gold")
got, could = picks.rewards("gold"), possible.rewards("gold")
show.together(*(show.replies(of_4.prompts[i], [picks.texts[i], possible.texts[i]],
    names=["chosen", "the best of the four"], about=of_4.info[i],
    scores={"gold": [got[i].item(), could[i].item()]})
    for i in got.argsort()[:3].tolist()))

# %%
bad = got < 0
show.facts({"chosen replies to be ashamed of": int(bad.sum()),
    "one of the four was not": int((could[bad] >= 0).sum()),
    "one of the four was worth sending": int((could[bad] >= 2).sum())})

# %% tags=["hide", "remove-input"]
assert int(bad.sum()) == 13 and int((could[bad] >= 0).sum()) == 6
assert not (could[bad] >= 2).any()

# %% [markdown]
# So of 13 shameful choices about half were misjudgements, where the reward model passed over
# something better.
# In the others all four were bad, and no judge would have helped.
# In none of the 13 was one of the four worth sending.

# %% [markdown]
# ## Move n yourself
#
# The sliders set $n$ and the prompt; the buttons choose the selecting reward.
# Choose `reward-length-biased`, trained on annotators who like long replies, and move $n$ to
# the right.
# They get longer: up to which $n$ do they also get better?

# %% tags=["slide"]
explore.best_of_n_slider(stored.prompts_at(range(24)), gold="gold",
    rewards=["reward-8000", "reward-125", "reward-length-biased"])

# %% tags=["hide", "remove-input"]
in_card = slice(24)
long, liked = (best_of_n_curve(stored.reward("reward-length-biased")[in_card],
    values[in_card], sizes).mean(0) for values in (stored.lengths.float(), worth))
assert (np.diff(long) > 0).all() and liked[-1] < liked.max() - 0.4
assert sizes[int(liked.argmax())] in (32, 64)

# %% [markdown] tags=["slide"]
# ## What we found
#
# - The best of 16 by gold has 2.5 points where a random reply has 0.1; each further candidate adds
#   less (Finding 1.1).
# - By the reward that chose, the best of $n$ beats one fresh reply in $n/(n+1)$ of the games: 80 %
#   for four (Finding 1.2).
#   Dice do it too, and ties break it.
# - A reward model reaches part of the ceiling.
#   By a weak one the best of 256 is half a point *worse* than the best of 16.
# - Four candidates remove two in three of the shameful replies, for four times the tokens.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %%
from course_lib.experiments import findings

findings.show("01")

# %% [markdown]
# ### What this leaves out
#
# Nearly all candidates were sampled at temperature 1; lesson 02 varies that.
# Nothing in the argmax needs independent candidates, but two results do: the estimate of a smaller
# $n$, and $n/(n+1)$.
# The curves come from one policy and one set of questions: the shape is general, the numbers are
# not.
# And the cost counts sampling only; scoring $n$ replies with a large reward model is not free
# either.
#
# ### In real systems
#
# - OpenAI's GSM8K verifiers: a 6B model rises from 21.7 % to 39.0 % of test problems when the
#   answer is the best of 100 by a verifier, a 175B model from 34.7 % to 56.3 %.
#   So the small model with best-of-100 is ahead of the large one without (Cobbe et al., arXiv
#   2110.14168; counted in the released solutions of all 1,319 problems).
#   Beyond 400 candidates it got worse again, their section 5.1 says: the search finds answers that
#   fool the verifier.
# - WebGPT's best-of-64 was preferred to the behaviour-cloned model in 68 % of comparisons, its
#   reinforcement-learning model in 58 %, and the two together brought little over best-of-64 alone
#   (arXiv 2112.09332, section 5.1).
# - Llama 2 reports that the highest reward among N samples grows with N while the median stays flat
#   (arXiv 2307.09288).
#   Lesson 02 measures it.
#
# ### Further reading
#
# Beirami et al., *Theoretical guarantees on the best-of-n alignment policy*, arXiv 2401.01879, for
# the win rate.
# Gao, Schulman and Hilton, *Scaling laws for reward model overoptimization*, arXiv 2210.10760, for
# what happens at large $n$ (lesson 04).

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex01`: write best-of-N yourself, with its control and its estimator.
#
# **Questions.**

# %%
quiz.ask("01")
