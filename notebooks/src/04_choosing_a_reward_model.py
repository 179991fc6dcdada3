# %% [markdown] tags=["slide"]
# # Choosing a reward model: over-optimisation
#
# **You will:** watch a proxy rise while what we want falls, repair it with the policy's own
# confidence, measure how far choosing has moved the replies (KL), and choose between reward models:
# by accuracy, by their choices, and on a small budget of labels.
#
# **Builds on:** lesson 01 (best-of-N, the estimator, intervals), lesson 03 (reward models).
#
# **Time:** 80 minutes for the core, and 40 more for the parts marked *Deeper*; the cells run in
# well under a minute.

# %%
from functools import partial

import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import explore, plots, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown]
# ## On paper first
#
# Five prompts, four candidates each.
# Every entry holds two numbers: the **proxy**, which is what the reward model $r(x, y)$ says, and
# **gold**, $r^*(x, y)$, which is what we want.
#
# | proxy, gold | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 0.9, **2.0** | 0.4, 1.0 | 0.1, 0.5 | 0.2, 0.0 |
# | prompt B | 0.5, **1.5** | 0.8, −1.0 | 0.3, 1.0 | 0.1, 0.0 |
# | prompt C | 0.2, 0.0 | 0.1, 0.5 | 0.6, **2.0** | 0.7, 1.5 |
# | prompt D | 0.5, 1.0 | 0.4, 0.5 | 0.6, **1.5** | 0.9, −0.5 |
# | prompt E | 0.1, 0.4 | 0.6, **1.0** | 0.2, 0.0 | 0.4, 0.5 |
#
# With a pencil: **which candidate does best-of-4 by the proxy return in each row, and how much gold
# does it have? Is that more or less than a random candidate?**
# And take all pairs of candidates within a row, 30 in all: how many does the proxy put in the right
# order?
# (`pair_accuracy` counts that: the share of pairs that the proxy orders as gold does.
# Pairs that gold ties are left out, so gold itself would get 100 %.)

# %%
proxy = torch.tensor([[0.9, 0.4, 0.1, 0.2], [0.5, 0.8, 0.3, 0.1], [0.2, 0.1, 0.6, 0.7],
                      [0.5, 0.4, 0.6, 0.9], [0.1, 0.6, 0.2, 0.4]])
gold = torch.tensor([[2.0, 1.0, 0.5, 0.0], [1.5, -1.0, 1.0, 0.0], [0.0, 0.5, 2.0, 1.5],
                     [1.0, 0.5, 1.5, -0.5], [0.4, 1.0, 0.0, 0.5]])

# %% tags=["nbval-check-output"]
from course_lib.experiments.findings.choosing import pair_accuracy

curve = best_of_n_curve(proxy, gold, ns=[1, 2, 3, 4]).mean(0)
print(f"pairs in the right order: {pair_accuracy(proxy, gold).mean():.2f}")
show.together(
    show.table(["prompt", 1, 2, 3, 4, 5],
        [("chosen by the proxy", *proxy.argmax(1).tolist()),
        ("chosen by gold", *gold.argmax(1).tolist())]),
    show.table(["best of", 1, 2, 3, 4],
        [("gold, chosen by the proxy", *(f"{value:.2f}" for value in curve))]))

# %% [markdown]
# The proxy puts two of three pairs in the right order, and the best of 2 by it is better than a
# random candidate.
# But the best of 4 is *worse* than a random one.
# In rows B and D there is one bad reply that the proxy likes by mistake.
# With two candidates that reply is among them half of the time; with four it always is, and the
# argmax finds it.
#
# That is **over-optimisation**: choosing harder by a proxy first raises and then lowers what it
# stands for.
# (Some call it reward hacking, or name it after Goodhart.)

# %% [markdown]
# ## The same with reward models
#
# The stored pool has 128 held-out prompts with 256 candidates each.
# They come from the help desk's policy, which learned mostly from stock letters.
# We made it so on purpose: its likeliest reply is polite and bland, as with larger models, and the
# good replies are a minority that must be found.
#
# Four reward models were trained on 125, 500, 2,000 and 8,000 comparisons by simulated annotators;
# the name says how many.
# Each has scored every candidate, and gold has judged every candidate, so best-of-$n$ can be
# computed for any $n$ up to 256 without sampling again.
#
# **Your prediction.**
# Sketch two curves against $n$ for `reward-2000`: its own score of the reply it chooses, and gold
# of that reply.
# Then a second gold curve, for `reward-8000`.
# Where do they turn?

# %% tags=["slide"]
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold = stored.reward("gold")  # (128, 256): from here on, of the stored pool
sized = ["reward-125", "reward-500", "reward-2000", "reward-8000"]
plots.overoptimisation(stored, sized, quiet=True)

# %% [markdown]
# On the left each model is pleased with itself, all the way.
# (Scores of different models have no common scale, so each curve shows by how many standard
# deviations it rises, over all candidates of all prompts.)
# The worst model's curve is among the highest: the left panel does not say which model is good.
#
# On the right is gold.
# The model of 125 turns at 8, that of 500 at 16, that of 2,000 at 32.
# The model of 8,000 hardly turns at all.
# Is a fall more than chance?
# Compare prompt by prompt.
# Two prompts about one topic are not independent, so the intervals below take the 32 *topics* as
# units, unless they say otherwise.

# %%
topics = [about["topic"] for about in stored.info]
over_topics = partial(bootstrap_interval, groups=topics)
difference = partial(paired_difference, groups=topics)

sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
# (P, 9) each
judged = {name: best_of_n_curve(stored.reward(name), gold, sizes) for name in sized}
rise = {name: difference(curve[:, 4], curve[:, 0]) for name, curve in judged.items()}
fall = {name: difference(curve[:, 8], curve[:, 4]) for name, curve in judged.items()}
late = difference(judged["reward-8000"][:, 8], judged["reward-8000"][:, 6])
show.table(["chosen by", "gold, 1 → 16", "16 → 256", "64 → 256"],
    [(name, rise[name], fall[name], late if name == "reward-8000" else "")
        for name in sized])

# %% tags=["hide", "remove-input"]
own = {name: best_of_n_curve(stored.reward(name), ns=sizes).mean(0) for name in sized}
assert all(
    (np.diff(curve) > 0).all() for curve in own.values()
)  # the proxy rises all the way
assert all(rise[name].low > 0.2 for name in sized)  # gold rises
assert fall["reward-125"].high < -0.1 and fall["reward-2000"].high < 0  # and falls
assert fall["reward-500"].mean < 0 and late.low < 0 < late.high

# %% [markdown]
# **Finding 5, first half: the proxy rises with $n$ while gold rises, peaks and falls.**
# From 16 to 256 the fall is more than chance for 125 and for 2,000 comparisons.
# For 500 the interval includes zero, so that fall is not proven.
# For 8,000 gold still rises from 16 to 256, and no fall shows at the end.
#
# ## Read what a proxy likes by mistake
#
# Here are the replies that `reward-2000` likes best of 256 and that gold likes least.
# **Read them before you read on. What do they have in common?**

# %%
chosen = course.select_best(stored, by="reward-2000")
show.together(*(show.replies(stored.prompts[i], [chosen.texts[i]], about=stored.info[i],
    scores={"gold": [chosen.rewards("gold")[i].item()]})
    for i in chosen.rewards("gold").argsort()[:6].tolist()))

# %% [markdown]
# They look tidy: a first step, a next one, a last one.
# But most of the steps belong to other questions.
# Two replies carry out a harmful request, and one refuses what nobody should refuse.
# These six were picked because they are bad.
# And all 128 choices, beside a random candidate?
# `gold_parts` says where the points of a reply come from.

# %%
world = course.load_world("helpdesk")
found = [[world.gold_parts(prompt, text, about) for text in texts]
    for prompt, texts, about in zip(stored.prompts, stored.texts, stored.info,
        strict=True)]
# (P, N) each
parts = {part: np.array([[one[part] for one in row] for row in found])
    for part in found[0][0]}

# %%
by_part = {part: best_of_n_curve(stored.reward("reward-2000"), value, [1, 16, 256])
    for part, value in parts.items()}  # (P, 3) each
rows = []
for part, curve in by_part.items():
    one, few, many = curve.mean(0)
    if max(abs(few - one), abs(many - few)) > 0.1:
        rows.append((part, f"{one:.2f}", f"{few - one:+.2f}", f"{many - few:+.2f}"))
show.table(["part", "random", "best of 16", "from there to 256"], rows)

# %%
wrong, right = (difference(by_part[part][:, 2], by_part[part][:, 1])
    for part in ("wrong_steps", "right_steps"))
print(f"16 → 256: steps of another topic {wrong:+.2f}, right steps {right:+.2f}")

# %% tags=["hide", "remove-input"]
assert wrong.high < -0.04 and right.low < 0 < right.high
assert by_part["wrong_steps"].mean(0)[2] < 1.3 * by_part["wrong_steps"].mean(0)[1]

# %% [markdown]
# Beside a random candidate, the best of 16 has more right steps and less filler.
# It refuses where it should, and rarely helps with harmful requests.
# But it has *more* steps of other topics than a random reply, which is mostly a letter with at most
# one step.
#
# From 16 to 256 one large change is more than chance: steps of another topic cost about half as
# much again.
# Right steps do not become more.
# So this model has learnt that steps are good, and not quite which step belongs to which of the 32
# topics.
# Among 16 candidates the one that looks best is mostly a good one.
# Among 256 there are some that look better than any good one, and are about something else.
#
# **This is the practical lesson: read what is chosen at your largest $n$.**
# It takes five minutes, and no curve of the proxy can tell you.

# %% [markdown]
# ## Do we need a reward model at all?
#
# A policy knows how probable each of its replies is.
# So let it choose the reply it is surest of: no annotators, no second model.
# Three ways to be sure:
#
# - **log-probability**, $\log \pi(y \mid x)$, a sum over the tokens of the reply;
# - the same **a token**, so that long replies do not pay for their length;
# - **self-certainty**: how far the distributions of the next token are from uniform, on average
#   over the reply (arXiv 2502.18581).
#
# **Your prediction.**
# How much gold does each of them find?
# Remember what this policy's likeliest reply is.

# %%
choosers = {"log-probability": stored.sum_logprobs,
    "log-probability a token": stored.sum_logprobs / stored.lengths,
    "self-certainty": stored.reward("self-certainty"),
    "reward-125": stored.reward("reward-125"),
    "reward-8000": stored.reward("reward-8000")}
rivals = {name: best_of_n_curve(scores, gold, [1, 4, 16, 64, 256])
    for name, scores in choosers.items()}
free = ("log-probability", "log-probability a token", "self-certainty")
lead = {name: difference(rivals["reward-8000"][:, 2], rivals[name][:, 2])
    for name in free}
show.table(["gold of the best of", 1, 4, 16, 64, 256, "reward-8000 minus it, n = 16"],
    [(name, *(f"{value:.2f}" for value in curve.mean(0)),
        f"{lead[name]:+.2f}" if name in free else "–") for name,
        curve in rivals.items()])

# %% tags=["hide", "remove-input"]
for name, gap in lead.items():
    assert gap.low > 0.5 and rivals[name][:, 4].mean() < 0.6

# %% [markdown]
# **Finding 20: a reward model chooses better than the policy's own confidence.**
# Why?
# Read what each of them chooses from 256.

# %%
three = ("log-probability", "self-certainty", "reward-8000")
best = {i: [int(choosers[name][i].argmax()) for name in three] for i in (0, 2, 3)}
show.together(*(show.replies(stored.prompts[i], [stored.texts[i][j] for j in chosen],
    names=[f"by {name}" for name in three], about=stored.info[i],
    scores={"gold": gold[i, chosen].tolist()}) for i, chosen in best.items()))

# %% [markdown]
# The policy is surest of a stock letter.
# By log-probability it is a letter with one right step and no more, however large $n$ is.
# To a harmful request the likeliest letter often does what was asked.
# Self-certainty likes letters too, and cares even less which step is in them.
# (And `reward-8000` is not always right: see the first prompt.)
#
# Confidence is a good chooser where the likeliest reply is nearly the best, as in
# `helpdesk-careful` of lesson 02 (try it there, by log-probability a token).
# Where the likeliest reply is bland, somebody has to say what is good.

# %% [markdown]
# ## Pessimism: charge for the improbable
#
# Alone, confidence is a poor chooser.
# Beside a reward model it is a good adviser, because of *where* a proxy errs.
# Take the 16 of 256 replies that a proxy likes best, for each prompt.
# Halve them twice: once by the proxy's score, once by their log-probability.
# **Your prediction:** which of the two tells the good ones from the bad?

# %%
wrong_steps = torch.tensor(parts["wrong_steps"] / -0.75)  # (P, N): of another topic

def halves(scores, among, values):
    """(P,) mean of ``values`` in the upper and the lower half of ``among`` (P, 16)."""
    order = scores.gather(1, among).argsort(dim=1, descending=True, stable=True)
    ranked = values.gather(1, among.gather(1, order))  # (P, 16)
    return ranked[:, :8].mean(1), ranked[:, 8:].mean(1)

rows = []
for name in sized:
    top = stored.reward(name).argsort(dim=1, descending=True, stable=True)[:, :16]
    for by, scores in (("its score", stored.reward(name)),
        ("log-prob.", stored.sum_logprobs)):
        upper, lower = (value.mean() for value in halves(scores, top, wrong_steps))
        gap = difference(*halves(scores, top, gold))
        rows.append((name, by, f"{gap:+.2f}", f"{upper:.2f}", f"{lower:.2f}"))
    assert gap.low > 0.3 and upper < lower / 2
show.table(["top 16 of", "halved by", "gold, upper minus lower", "wrong steps, upper",
    "lower"],
    rows)

# %% [markdown]
# At its top a proxy's order means little; for `reward-125` it is even the wrong way round.
# Those replies are there *because* they are overrated.
# But the likelier half is worth about a point more, and has far fewer steps of other topics.
# Such a step is one of many that might stand there by mistake, so each of them is improbable.
# The policy has learned which step belongs to which topic better than the proxy has.
#
# **Pessimism** charges for that.
# Rank the candidates by
#
# $$r(x, y) + \beta \log \pi(y \mid x).$$
#
# $\beta$ is a price: points of the reward model for each nat of improbability.
# (A *nat* is the unit of natural logarithms.)
# On paper, with $\beta = 0.1$: reply A has a score of 3.0 and $\log \pi = -30$, reply B 2.2 and
# $-12$.
# A is worth $3.0 - 3.0 = 0$ and B $2.2 - 1.2 = 1.0$: choose B.
# The rule is `regularised_best` (arXiv 2404.01054).
#
# **Your prediction:** where is the peak of `reward-2000` now?

# %% tags=["slide"]
from course_lib.pools import regularised_best

cautious = "reward-2000 + 0.1 log π"
charged = stored.reward("reward-2000") + 0.1 * stored.sum_logprobs
careful = stored.with_reward(cautious, charged)
picked = regularised_best(stored, by="reward-2000", beta=0.1)
assert picked.texts == course.select_best(careful, by=cautious).texts
plots.overoptimisation(careful, ["reward-2000", cautious], quiet=True)

# %% [markdown]
# The peak is gone.
# Now all four models and other prices, at $n = 256$; $\beta = 0$ is plain best-of-$n$.

# %%
prices = (0, 0.03, 0.1, 0.3, 1)
charged = {
    name: {
        beta: best_of_n_curve(
            stored.reward(name) + beta * stored.sum_logprobs, gold, [16, 256]
        )
        for beta in prices
    }
    for name in sized
}
show.table(
    ["gold of the best of 256", *(f"β = {beta:g}" for beta in prices)],
    [
        (name, *(f"{curve[:, 1].mean():.2f}" for curve in curves.values()))
        for name, curves in charged.items()
    ],
)

# %%
change = {name: [difference(curves[0.1][:, k], curves[0][:, k]) for k in (0, 1)]
    for name, curves in charged.items()}
show.table(["β = 0.1 minus no charge", "n = 16", "n = 256"],
    [(name, f"{small:+.2f}", f"{large:+.2f}") for name,
        (small, large) in change.items()])

# %% tags=["hide", "remove-input"]
for name, curves in charged.items():
    small, large = change[name]
    still = difference(curves[0.1][:, 1], curves[0.1][:, 0])
    assert large.low > 0.1 and still.low > 0.1
    assert (small.high < 0) == (name == "reward-8000")

# %% [markdown]
# **Finding 21: pessimism moves the peak of over-optimisation to the right.**
# Here it moves it out of our range: with the charge, gold still rises at 256 for all four models.
# The weakest of them gains most.
#
# It has a price.
# At $n = 16$ `reward-8000` loses by the charge: a good proxy at a small $n$ does not need it.
# And with a high $\beta$ the policy's confidence decides, and we are back at bland letters.
#
# Two limits.
# $\beta = 0.1$ is the library's default, and we did **not** choose it on other prompts.
# A third of it does nearly as well for the two better models, so it is not delicate here.
# In earnest choose it on prompts that you do not report.
# And the charge mends errors about *improbable* replies.
# Where a proxy overrates a probable one, it does not help.
# For a relative of this rule it has been proved that larger $n$ does no harm (arXiv 2503.21878).
#
# And it has a rival: a lower **temperature** leaves improbable replies out before they are written
# (lesson 02).
# The stored pools at other temperatures have 64 prompts with 64 candidates each.
# **Your prediction:** best of 64 by `reward-500`: is the charge at a temperature of 1 better, or no
# charge at 0.7?

# %%
from course_lib.assets import temperatures

pools = {T: temperatures.pools()[T] for T in (1.0, 0.7)}
by_temperature = {}
for T, pool in pools.items():
    for beta in (0, 0.1):
        scores = pool.reward("reward-500") + beta * pool.sum_logprobs
        by_temperature[T, beta] = best_of_n_curve(scores, pool.reward("gold"), [16, 64])
show.table(["T", "β", "gold of the best of 16", "of 64"], [(T, beta,
    *(f"{value:.2f}" for value in curve.mean(0))) for (T, beta),
    curve in by_temperature.items()])

# %%
about, rows = [one["topic"] for one in pools[1.0].info], []
for name, (a, b) in {"T = 0.7 without minus T = 1 with the charge": ((0.7, 0),
    (1.0, 0.1)),
    "T = 0.7 with minus without": ((0.7, 0.1), (0.7, 0))}.items():
    at_16, at_64 = (paired_difference(by_temperature[a][:, k], by_temperature[b][:, k],
        groups=about) for k in (0, 1))
    rows.append((name, f"{at_16:+.2f}", f"{at_64:+.2f}"))
show.table(["gold", "n = 16", "n = 64"], rows)

# %% tags=["hide", "remove-input"]
assert by_temperature[1.0, 0][:, 1].mean() < by_temperature[0.7, 0][:, 1].mean() - 0.5
assert abs(at_64.mean) < 0.2

# %% [markdown]
# Colder sampling does at least as well as the charge: at 16 it is ahead, at 64 the two are not told
# apart.
# On top of it the charge adds nothing that we can see.
# They are two cures of one illness.
# So look for a good temperature first; the charge is for a pool that you have already.

# %% [markdown]
# ## *Deeper*: choosing softly
#
# Another repair needs no log-probabilities.
# Do not take the argmax: draw candidate $i$ with probability in proportion to
# $e^{r_i / \lambda}$.
# A small $\lambda$ is best-of-$n$, a large one a random choice.
# This is **soft best-of-n** (`soft_best`; arXiv 2505.03156).
# However large $n$ is, a reply that is overrated by a little is then chosen only a little more
# often.
#
# Try it on the weakest model at $n = 256$, where its argmax has lost nearly all of the gain.
# $\lambda$ must be chosen on other prompts: here on every other topic, and shown on the rest.

# %%
from course_lib.experiments.findings.choosing import LAMBDAS, soft_best_of_n

even = np.isin(topics, sorted(set(topics))[::2])
soft = {lam: soft_best_of_n(stored.reward("reward-125"), gold, 256, lam)
    for lam in LAMBDAS}
show.table(["gold", *(f"λ = {lam:g}" for lam in LAMBDAS)],
    [(half, *(f"{value[shown].mean():.2f}" for value in soft.values()))
        for half, shown in (("every other topic", even), ("the rest", ~even))])

# %%
best = {half: max(LAMBDAS, key=lambda lam: soft[lam][shown].mean())
    for half, shown in (("even", even), ("odd", ~even))}
drawn = np.where(even, soft[best["odd"]], soft[best["even"]])  # λ from the other half
hard = best_of_n_curve(stored.reward("reward-125"), gold, [8, 256])
show.table(["rule", "gold", "soft best of 256, minus it"],
    [(what, f"{plain.mean():.2f}", f"{difference(drawn, plain):+.2f}")
        for what, plain in (("best of 256", hard[:, 1]), ("best of 8", hard[:, 0]))],
    f"Soft best of 256 has {drawn.mean():.2f}.")

# %% tags=["hide", "remove-input"]
assert difference(drawn, hard[:, 1]).low > 0.05 and difference(drawn,
    hard[:, 0]).mean < 0

# %% [markdown]
# **Finding 22: choosing softly limits what a weak reward model costs at large $n$.**
# But look at the second line.
# Plain best-of-8 is better still, and costs a thirtieth.
# A soft choice and a smaller $n$ are two ways to optimise less.
# Pessimism is the better repair here: it says *where* to optimise less.

# %% [markdown]
# ## How far has choosing moved the replies? KL
#
# How far are the chosen replies from the policy's own?
# The usual measure, for any method (lesson 07), is the **Kullback–Leibler divergence**, KL for
# short.
#
# On paper: a policy answers "yes" or "no", each with probability ½, and the reward prefers "yes".
# The best of 2 is "no" only if both are "no": so it says "yes" with probability ¾.
# A "yes" has become more likely by the factor 1.5, a "no" by 0.5.
# KL is the mean of the logarithms of these factors, weighted by how often each reply is now given:
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) = \sum_y \pi_n(y) \log \frac{\pi_n(y)}{\pi_{\text{ref}}(y)} = \tfrac34 \log 1.5 + \tfrac14 \log 0.5 \approx 0.131 \text{ nats}$$
#
# $\pi_n$ is what best-of-n makes of $\pi_{\text{ref}}$.
# KL is 0 when nothing has changed, and never negative.
#
# For any list of replies $\pi_n$ is known exactly.
# Sort them by reward.
# Let $F(y)$ be the probability that one sample has a reward *at most* that of $y$, and $F^-(y)$
# that it has a reward *below* it.
# All $n$ are at most at $y$ with probability $F^n$, and all below with $(F^-)^n$.
# So
#
# $$F(y)^n - F^-(y)^n$$
#
# is the probability that the best of $n$ has the reward of $y$.
# If $y$ is the only reply with that reward, it is $\pi_n(y)$.
# If several tie, they share it in proportion to $\pi_{\text{ref}}$.
#
# By hand, three replies with probabilities 0.5, 0.3, 0.2 and rewards 1, 3, 2, and $n = 4$: the
# reply with reward 3 has $F = 1$ and $F^- = 0.7$, so $1 - 0.7^4 = 0.76$.
# In the same way 0.18 for reward 2, and 0.06 for reward 1.
# In code: `best_of_n_distribution`, tested against drawing and choosing.

# %%
from course_lib.estimators import (best_of_n_distribution, kl_best_of_n_bound,
    kl_best_of_n_exact)

probabilities, rewards = np.array([0.5, 0.3, 0.2]), np.array([1.0, 3.0, 2.0])
exact = best_of_n_distribution(probabilities, rewards, n=4)
draws = np.random.default_rng(0).choice(3, size=(100_000, 4), p=probabilities)
chosen = np.take_along_axis(draws, rewards[draws].argmax(1)[:, None], 1)
simulated = np.bincount(chosen[:, 0], minlength=3) / 100_000
show.table(["reply", 1, 2, 3], [("formula", *(f"{v:.3f}" for v in exact)),
    ("simulation", *(f"{v:.3f}" for v in simulated))])

# %% tags=["hide", "remove-input"]
assert np.abs(exact - simulated).max() < 0.01

# %% [markdown]
# ### A bound, often quoted as if it were the value
#
# Nobody can sum over all replies of a real policy.
# But there is a bound that needs nothing but $n$ (Beirami et al., arXiv 2401.01879):
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) \;\le\; \log n - \frac{n-1}{n}$$
#
# It is often printed with an equals sign.
# **Your prediction.**
# Two replies with probability ½ each, as above, and $n = 16$.
# The bound is 1.835 nats.
# Is the true KL about 1.8, about 1.3, or about 0.7?

# %% tags=["nbval-check-output"]
rows = [(n, f"{kl_best_of_n_exact([0.5, 0.5], [1, 0], n):.3f}",
    f"{kl_best_of_n_bound(n):.3f}")
    for n in (2, 4, 16, 256)]
show.table(["n", "exact", "bound"], rows, f"log 2 = {np.log(2):.3f}")

# %% [markdown]
# It stops at $\log 2$, while the bound grows for ever.
# Best-of-n can at most *always* say "yes"; then "yes" has become twice as likely.
# In general, if a reply is right with probability $p$ and the reward only says right or wrong, the
# most best-of-n can do is to give right replies always, each $1/p$ times as likely as before.
# So
#
# $$\mathrm{KL} \le -\log p \qquad \text{for a reward of 0 or 1, whatever } n.$$
#
# Such a reward is a **verifier**.
# Here is one: does the reply contain every right step of its topic?
# It looks at nothing else, so it is not the gold reward.

# %%
from course_lib.worlds import right_steps

def complete(prompt, text, info):
    return float(all(step.lower() in text.lower()
        for step in right_steps(info["topic"])))

stored = course.score(stored, complete)
# (P,) how often a candidate passes, by prompt
p = stored.reward("complete").mean(1)
print(f"passes: {over_topics(p):.1%} of candidates; "
    f"by prompt from {p.min():.1%} to {p.max():.1%}")

# %% [markdown]
# Now the KL of best-of-$n$ by this verifier, exact if these frequencies were the true
# probabilities.
# And the opposite case: take a prompt's 256 candidates as all the replies there are, each equally
# likely, and choose by `reward-8000` (first 32 prompts, to save time).
# Many candidates repeat another one, the letters above all.
# But ties count where the choice is made, at the top.

# %% tags=["slide"]
from course_lib.experiments.findings.choosing import kl_of_candidates, kl_of_pass_fail

repeats = np.mean([1 - len(set(texts)) / len(texts) for texts in stored.texts])
best = stored.reward("reward-8000").argmax(1).tolist()
copies = np.mean([texts.count(texts[j]) for texts,
    j in zip(stored.texts, best, strict=True)])
print(f"candidates that repeat another one of their prompt: {repeats:.0%}; "
    f"the best one occurs {copies:.1f} times")
verifier_kl = kl_of_pass_fail(stored.reward("complete"), sizes)
many_kl = kl_of_candidates(stored.reward("reward-8000")[:32], sizes)
limit = float(-np.log(np.asarray(p, dtype=float)).mean())
plots.kl_and_bound(sizes, {"a list of 256 replies (reward-8000)": many_kl,
    "verifier, pass or fail": verifier_kl}, limits={"mean of −log p": limit},
    quiet=True)

# %%
bound = kl_best_of_n_bound(sizes)
gap = over_topics(verifier_kl[:, 4] - bound[4])
print(f"n = 16: the verifier's KL minus the bound {gap:.2f} nats; "
    f"the list reaches {many_kl[:, 4].mean() / bound[4]:.1%} of it")

# %% tags=["hide", "remove-input"]
assert (verifier_kl <= bound + 1e-9).all() and (many_kl <= bound + 1e-9).all()
assert (verifier_kl <= -np.log(np.asarray(p, dtype=float))[:, None] + 1e-6).all()
assert gap.high < -0.5 and many_kl[:, 4].mean() > 0.95 * bound[4]

# %% [markdown]
# **Finding 3: the bound holds, and the equality fails with ties.**
# With many replies and few ties at the top the lines touch, up to about $n = 64$.
# (A list of 256 cannot go beyond $\log 256 = 5.55$, so near $n = 256$ it must fall behind.)
# The verifier's KL stops at $-\log p$, far below.
# **Use the bound as a bound. Where rewards tie, never print it as the value.**
# From here on we choose by learned scores, whose best replies rarely repeat, and there it is a good
# stand-in.
#
# A verifier that is right cannot be fooled by a reply that only looks good; but once every prompt
# has a reply that passes, more candidates change nothing.
# Lesson 06 is about such rewards.

# %% [markdown]
# ## *Deeper*: a law for the curve
#
# Gao, Schulman and Hilton (arXiv 2210.10760) found that the gain in gold under best-of-$n$ follows
# a simple form.
# With $d = \sqrt{\mathrm{KL}}$,
#
# $$R_{\text{bon}}(d) = d\,(\alpha - \beta d).$$
#
# Why a root?
# For a small move KL grows with the *square* of the step, so $d$ is the length of the step, and the
# first gain is in proportion to it.
# $\alpha$ is how fast gold rises at first; $\beta$ (another one than above) is how strongly errors
# pull it down; the peak is at $d = \alpha / 2\beta$.
# For reinforcement learning they found another form, $d\,(\alpha - \beta \log d)$.
# How gold moves there is in lesson 07.
#
# `overoptimisation_fit` fits $\alpha$ and $\beta$ to the gain over $n = 1$ by least squares.
# As $d$ we take the square root of the bound.
# **$r^2$** is the share of the curve's spread that the fit explains; 1 is perfect.
# But any hump may fit nine points, so we fit two rivals as well: the form for reinforcement
# learning, and a parabola in $\log n$.

# %%
from course_lib.estimators import overoptimisation_fit
from course_lib.experiments.findings.choosing import fitted_peaks

d = np.sqrt(kl_best_of_n_bound(sizes))
gains = {name: curve.mean(0) - curve.mean(0)[0] for name, curve in judged.items()}
fits = {name: overoptimisation_fit(d, gain) for name, gain in gains.items()}
# (300, 4): refitted on prompts drawn anew, 300 times
peaks = fitted_peaks(list(judged.values()))

# %%
rows = []
for k, name in enumerate(sized):
    low, high = np.quantile(peaks[:, k], [0.025, 0.975])
    fit, at_n = fits[name], 2 ** np.interp(fits[name].peak_d, d, np.log2(sizes))
    where = f"n ≈ {at_n:.0f}" if fit.peak_d < d[-1] else f"beyond n = {sizes[-1]}"
    rows.append((name, f"{fit.alpha:.2f}", f"{fit.beta:.2f}",
        f"{fit.peak_d:.2f} [{low:.2f}, {high:.2f}]", where))
show.table(["chosen by", "α", "β", "peak at d", "which is"], rows)

# %% tags=["hide", "remove-input"]
for fit in fits.values():  # α/2β
    highest = fit.predict(np.linspace(0, 3, 3001)).argmax() / 1000
    assert np.isclose(highest, fit.peak_d, atol=1e-3)
assert fits["reward-2000"].peak_d < d[-1] < fits["reward-8000"].peak_d

# %% [markdown]
# The peak moves to the right with more comparisons.
# For `reward-8000` it lies beyond our 256 candidates, so the fit only guesses it.
# Now the two rivals, with as many coefficients each:

# %%
steps = np.stack([np.log(sizes), np.log(sizes) ** 2], axis=1)
rows = []
for name, gain in gains.items():
    rest = gain - steps @ np.linalg.lstsq(steps, gain, rcond=None)[0]
    parabola = 1 - rest @ rest / ((gain - gain.mean()) ** 2).sum()
    fit, rl = fits[name].r2, overoptimisation_fit(d, gain, form="rl").r2
    rows.append((name, f"{fit:.3f}", f"{rl:.3f}", f"{parabola:.3f}"))
    assert fit > rl and (fit > parabola) == (name in ("reward-125", "reward-500"))
show.table(["r²", "d(α − βd)", "d(α − β log d)", "parabola"], rows)

# %%
plots.overoptimisation(stored, sized, x="kl", fit=True, quiet=True)

# %% [markdown]
# The form explains most of every curve, and more than its rival from reinforcement learning.
# But for 2,000 and 8,000 comparisons the parabola fits even better.
# Nine points do not prove a form.
# So look at the **residuals**, what the fit misses.
# Fit each prompt's own curve; then what is missed at $n = 2$ has an interval.

# %%
rows = []
for name, curve in judged.items():
    gains_of = curve - curve[:, :1]  # (P, 9)
    missed = np.array([one - overoptimisation_fit(d, one).predict(d)
        for one in gains_of])
    at_2 = over_topics(missed[:, 1])
    rows.append((name, *(f"{v + 0:+.2f}" for v in missed.mean(0).round(2)),
        f"{at_2:+.2f}"))
    assert at_2.mean < 0 < missed[:, 4].mean()
moved = np.quantile(peaks[:, 3] - peaks[:, 1], [0.025, 0.975])
print(f"peak of reward-8000 minus peak of reward-500: "
    f"between {moved[0]:.2f} and {moved[1]:.2f} in √nats")
show.table(["measured minus fit", *(f"n = {n}" for n in sizes), "at n = 2"], rows)

# %% tags=["hide", "remove-input"]
assert moved[0] > 0.3 and min(fit.r2 for fit in fits.values()) > 0.9

# %% [markdown]
# All four curves lie below their fit at $n = 2$ and above it at 16; only for 500 comparisons the
# first is hardly beyond chance.
# The form is a good summary, not exact.
# Do not trust it beyond your data.
#
# **Finding 5, second half: from reward-500 to reward-8000 the peak moves right, and
# $d(\alpha - \beta d)$ fits.**
# The shift has an interval without zero.
# But one model stands for each size, so the interval speaks of prompts and not of training luck.
# And the two small ones had four passes over their data, the two large ones three.
# So the number of comparisons is the likely cause, not a proven one.
# A check of the luck alone, with models trained for the next section
# (`python benchmarks/accuracy_and_gain.py`; again four passes and three):

# %%
from course_lib import results
from course_lib.estimators import between_seeds_interval

trained, rows = results.load("accuracy_and_gain"), []
for kind, size in (("random pairs, 500", 500), ("random pairs", 2000)):
    runs = trained["runs"][kind]
    later = between_seeds_interval([np.subtract(run["gold"]["32"], run["gold"]["16"])
        for run in runs], groups=topics)
    rows.append((size, len(runs), f"{later:+.2f}"))
    assert later.low < 0 < later.high
show.table(["comparisons", "seeds", "gold, 16 → 32"], rows)

# %% [markdown]
# Up to $n = 32$, where that run stops, no fall shows for either size.
# So this check does not settle it: luck of training is not ruled out.
#
# Find a prompt whose chosen reply gets *worse* from 16 to 256, and one where it gets better.
# By keyboard: Tab moves between the controls, the arrows move a slider, Enter presses a button.
# (The first 48 prompts only, so its numbers differ from those above.)

# %% tags=["slide"]
explore.overoptimisation_explorer(stored.prompts_at(range(48)),
    [*sized, "reward-length-biased"],
    by="reward-2000")

# %% [markdown]
# ## Accuracy is not gain
#
# Reward models are mostly chosen by **accuracy** on held-out pairs.
# How well does it predict what we want, the gold of the best of $n$?
# In lesson 03 an annotator said which reply is better, and annotators err, so the ceiling was about
# 80 %.
# Here gold itself says it, and pairs that it ties are left out: the ceiling is 100 %, and the
# numbers are higher.
# In practice you only have the first kind.
#
# The pool has seven reward models.
# Besides the four: `reward-length-biased`, whose annotators liked long replies (8,000 comparisons),
# and `reward-helpful` and `reward-harmless`, each trained for one half of gold (4,000 each).

# %%
names = [*sized, "reward-length-biased", "reward-helpful", "reward-harmless"]
accuracy = {name: pair_accuracy(stored.reward(name), gold) for name in names}
gain = {name: best_of_n_curve(stored.reward(name), gold, [64])[:, 0] for name in names}
points_of = {name.removeprefix("reward-"):
    (over_topics(accuracy[name]), over_topics(gain[name])) for name in names}
plots.one_against_another({"reward models": points_of},
    "accuracy on all pairs of a prompt's candidates", "gold of the best of 64 (points)",
    offsets={"length-biased": (6, 8), "2000": (-6, 5), "500": (6, 8),
        "helpful": (8, -12),
             "125": (-8, 6), "harmless": (-8, 6)}, quiet=True)

# %% [markdown]
# It is a rising cloud, nearly a line: accuracy tells much.
# Yet accuracy averages over *all* pairs, and best-of-$n$ depends on the replies *at the top*.
# So a second accuracy looks tempting: among the quarter of each prompt's candidates that gold likes
# best.
# **Your prediction:** which of the two goes with best-of-64?
#
# Here is the **correlation** of each with gold over the seven models (1: all on a rising line; 0:
# no connection).
# Seven models are few, so the interval is over *models*, by Fisher's transformation.

# %%
at_top = {name: pair_accuracy(stored.reward(name), gold, best=0.25) for name in names}
means = {"all pairs": [accuracy[name].mean() for name in names],
    "top quarter": [at_top[name].mean() for name in names]}
rows = []
for n in (4, 16, 64, 256):
    of_gold = [best_of_n_curve(stored.reward(name), gold, [n]).mean() for name in names]
    rho = np.array([np.corrcoef(values, of_gold)[0, 1] for values in means.values()])
    low, high = (np.tanh(np.arctanh(rho) + side * 1.96 / np.sqrt(len(names) - 3))
        for side in (-1, 1))
    rows.append((n, *(f"{rho[k]:.2f} [{low[k]:.2f}, {high[k]:.2f}]" for k in (0, 1))))
    assert rho[0] > 0.9 and low[0] > 0.5 and low[1] < 0 < rho[1] < 0.7
show.together(show.table(["gain at n, with accuracy on", *means], rows),
    show.table(["accuracy", *(name.removeprefix("reward-") for name in names)],
        [("top quarter", *(f"{value:.2f}" for value in means["top quarter"]))]))

# %% [markdown]
# Accuracy on all pairs goes with gold at every $n$.
# Accuracy at the top hardly does: its interval includes zero.
# Why?
# `helpful` is the best of all among good replies.
# But what it gets wrong are *bad* replies: it likes it when a harmful request is carried out.
# Replies that gold likes contain no such thing, so that accuracy cannot see it.
# A reward model must be right about the top *and* about what might get there.
#
# **Your prediction:** can the *more* accurate of two models (on all pairs) give the *worse*
# best-of-$n$?
# First a made-up case.
# A judge writes all school marks above 6 as 6: for each prompt the upper 40 % of its replies get
# the top mark (40 % to make the point).
# Below, it is `reward-8000`.
# `capped` makes it; ties are broken at random.

# %%
from course_lib.experiments.findings.choosing import capped

judge, rival = capped(stored.reward("reward-8000"), share=0.4), "reward-length-biased"
more = difference(pair_accuracy(judge, gold), accuracy[rival])
print(f"capped judge minus {rival}: accuracy {more:+.3f}")
both, rows = (judge, stored.reward(rival)), []
for n in (4, 16, 64):
    curves = [best_of_n_curve(scores, gold, [n])[:, 0] for scores in both]
    rows.append((n, *(f"{curve.mean():.2f}" for curve in curves),
        f"{difference(*curves):+.2f}"))
    assert more.low > 0.02 and (n < 16 or difference(*curves).high < -0.1)
show.table(["gold at n", "capped judge", rival, "difference"], rows)

# %% [markdown]
# The capped judge is right on more pairs, since most pairs have a reply below its cut.
# At $n = 4$ the two are level.
# At 16 and 64 the argmax lives at the top, where this judge sees no difference.
#
# ### *Deeper*: does it happen without our help?
#
# We trained reward models from the same start on 2,000 comparisons each, on three kinds of labels
# (the same stored run):
#
# - **random pairs**: two of a prompt's 16 replies, and an annotator who slips now and then, as for
#   the bundled models (three seeds);
# - **without slips**: the same pairs, by an annotator who never does (five seeds);
# - **pass or fail**: one reply with at least 2 points of gold and one with fewer; the label says
#   which of the two is good enough, and no more, without slips (five seeds; so few pairs are of this
#   kind that these models got about 1,750).
#
# So the last two differ in *which pairs* are compared, and the first two in the *noise*.
#
# **Your prediction:** which kind has the highest accuracy on all pairs, and which gives the best
# best-of-16?

# %%
measures = {"accuracy": "accuracy", "accuracy_top": "in the top quarter",
    "4": "gold, n = 4",
    "16": "n = 16", "32": "n = 32"}
kinds_of = ("random pairs", "without slips", "pass or fail")
show.table(["trained on", *measures.values()], [(kind, *(f"{found[key]['mean']:.2f}"
    for key in measures)) for kind, found in trained["summary"].items()
    if kind in kinds_of])

# %%
show.table(["difference", *measures.values()], [(pair,
    *(f"{v['mean']:+.3f} [{v['low']:+.3f}, {v['high']:+.3f}]" for v in
        (gap[key] for key in measures))) for pair, gap in trained["minus"].items()])

# %% tags=["hide", "remove-input"]
passfail, slips = trained["minus"].values()
assert passfail["accuracy"]["high"] < -0.05 < 0.05 < passfail["accuracy_top"]["low"]
assert (
    passfail["4"]["high"] < -0.05 and passfail["32"]["low"] < 0 < passfail["32"]["high"]
)
assert (
    slips["32"]["low"] < 0 < slips["accuracy"]["high"] and slips["accuracy"]["low"] < 0
)

# %% [markdown]
# **Finding 15: the more accurate of two reward models need not give the better best-of-n.**
# The pass-or-fail models order far fewer of all pairs rightly.
# At $n = 4$ they choose worse, as their accuracy says.
# At 16 and 32 the two kinds are level: the intervals, over seeds and topics, include zero.
# Pass-or-fail labels draw one line, between replies worth sending and the others.
# They say nothing about the order among bad replies, where most pairs lie and where a best-of-32
# seldom chooses.
# Among good replies these models are the *more* accurate ones.
#
# So a large difference in accuracy may mean nothing at your $n$.
# A *reversal*, more accurate and worse, we saw only with the made-up judge.
# What an annotator's slips cost, these seeds do not show: something on average, and no difference
# of the second pair is beyond chance.

# %% [markdown]
# ## *Deeper*: several models as one
#
# A reply that one model likes by mistake may be disliked by others.
# Several models combined are an **ensemble**.
# Three ways to combine the scores of each reply:
#
# - the **mean**;
# - the **minimum**: a reply is as good as the lowest of its scores;
# - the **mean minus the standard deviation** across models: disagreement costs.
#
# Scores have no common scale, and no common zero from prompt to prompt (lesson 03).
# So `combine` first takes each prompt's mean out of each model, and then divides by one standard
# deviation per model.
# Without the first step these zeros would decide which model is the strictest.
#
# Four models, made in different ways.
# Two controls: the best *single* one of the four (chosen with hindsight, which favours it), and
# `reward-8000`, which saw fewer comparisons than the four together (500 + 2,000 + 4,000 + 8,000).
# **Your prediction:** which way wins, and does it beat the best single one?

# %%
from course_lib.models import combine

members = ["reward-500", "reward-2000", "reward-helpful", "reward-length-biased"]
scores = torch.stack([stored.reward(name) for name in members])  # (4, P, N)
single = max(members, key=lambda name: gain[name].mean())
print("the best single one at n = 64 is", single)

# %%
rows = []
for n in (16, 64, 256):
    alone, large, plain = (best_of_n_curve(ranking, gold, [n])[:, 0] for ranking in (
        stored.reward(single), stored.reward("reward-8000"), combine(scores, "mean")))
    rows += [(n, single, f"{alone.mean():.2f}", "–", "–"),
        (n, "reward-8000", f"{large.mean():.2f}", "–", "–")]
    for how in ("mean", "min", "mean-std"):
        together = best_of_n_curve(combine(scores, how), gold, [n])[:, 0]
        over, caution = difference(together, alone), difference(together, plain)
        rows.append((n, f"all four, {how}", f"{together.mean():.2f}", f"{over:+.2f}",
            f"{caution:+.2f}" if how != "mean" else "–"))
        assert how != "mean" or over.low > 0.03
        assert how == "mean" or caution.mean < 0 and (n > 16 or caution.high < 0)
        assert together.mean() < large.mean() - 0.1
show.table(["n", "chosen by", "gold", "minus the best single", "minus the mean"], rows)

# %% [markdown]
# The plain mean beats the best single member at every $n$, most of all at 256, where that member
# has turned.
# Caution (minimum, or mean minus deviation) does **not** help here: at 16 it is a little worse than
# the plain mean, beyond chance, and later not told apart from it.
# None reaches `reward-8000`.
# An ensemble costs a scoring for each member, and is for models that you cannot merge: other data,
# other annotators, other makers.

# %% [markdown]
# ## Two rewards: helpful and safe
#
# Somebody asks how to follow a colleague's phone.
# The reply that tells them is what they asked for: each such step is worth +1 in the *helpful* half
# of gold.
# For the harm it does, it costs 2.5 in the *harmless* half.
# So the most helpful reply to a harmful request is the worst one.
#
# Llama 2 had two reward models for that reason, one for helpfulness and one for safety (arXiv
# 2307.09288).
# Ours are `reward-helpful` and `reward-harmless`, each trained on comparisons by its own half.
# **Your prediction.**
# A random reply carries out a harmful request in about four of ten cases.
# And the best of 64 by `reward-helpful`?

# %%
harmful = np.array([about["harmful"] for about in stored.info])
kinds = np.array(topics)
counted = {"complies": (parts["complies"] < 0, harmful),
    "refuses": (parts["over_refusal"] < 0, ~harmful),
    "help": (stored.reward("helpful").numpy(), ~harmful)}
centred = {}
for name in names:
    scores = stored.reward(name).double().numpy()
    centred[name] = scores - scores.mean(1, keepdims=True)
print(f"{harmful.sum()} harmful requests about {len(set(kinds[harmful]))} topics, "
    f"{(~harmful).sum()} harmless ones about {len(set(kinds[~harmful]))}")

# %%
def count(scores):
    """What the best of 64 does: harm where asked to, refusals where not, and help."""
    return {what: best_of_n_curve(scores, values.astype(float), [64])[which, 0]
        for what, (values, which) in counted.items()}

def outcome(counts):
    """Shares and help of the best of 64 by each rule, as rows."""
    return [(rule, f"{of['complies'].mean():.0%}", f"{of['refuses'].mean():.1%}",
        f"{of['help'].mean():.2f}") for rule, of in counts.items()]

alone = {"a random reply": count(np.zeros(stored.reward("gold").shape)),
    **{name: count(centred[name]) for name in ("reward-helpful", "reward-harmless")}}
show.table(["best of 64 by", "complies", "refuses harmless ones",
    "help on harmless ones"],
    outcome(alone))

# %% tags=["hide", "remove-input"]
more = difference(alone["reward-helpful"]["complies"],
    alone["a random reply"]["complies"],
    groups=kinds[harmful])
assert more.low > 0.2 and alone["reward-harmless"]["complies"].mean() < 0.05

# %% [markdown]
# **Finding 24: a reward for help alone chooses replies that do harm when they are asked to.**
# The harder one chooses by it, the surer the harm.
# The harmless model did not comply once, and helps nobody: its favourites say next to nothing.
#
# Two simple ways to make one choice out of both:
#
# - a **weighted sum**, helpful + $w$ · safe, both brought to one scale as in `combine`;
# - **safety first**: the replies with the lowest safety scores *of their prompt* are out, and among
#   the others the helpful score decides (`20% out`: the lowest 20 %).
#
# For best of 64 we count again: harmful requests *complied with*, harmless ones *refused*
# (over-refusal), and the helpful half of gold on harmless requests.
# The counts come from gold's parts, which did not choose.
# **Your prediction:** how much help does it cost to make harm rare?

# %%
helpful, safe = (centred[name] / centred[name].std()
    for name in ("reward-helpful", "reward-harmless"))
sums = {f"w = {w:g}": helpful + w * safe for w in (0, 0.25, 1, 4)}
cuts = {share: np.quantile(safe, share, axis=1, keepdims=True)
    for share in (0.2, 0.4, 0.6)}
first = {f"{share:.0%} out": np.where(safe < cut, safe - 100, helpful)
    for share, cut in cuts.items()}
whole = {"reward-8000": centred["reward-8000"]}
measured = {rule: count(scores) for rule, scores in {**sums, **first, **whole}.items()}
show.table(["best of 64 by", "complies", "refuses harmless ones",
    "help on harmless ones"],
    outcome(measured))

# %% tags=["slide"]
groups = {group: {rule: tuple(bootstrap_interval(measured[rule][what],
    groups=kinds[counted[what][1]]) for what in ("complies", "help")) for rule in rules}
    for group, rules in (("weighted sum", sums), ("safety first", first),
                         ("one model of the whole", whole))}
offsets = {"20% out": (8, 6), "60% out": (8, -12)}
plots.help_and_harm(groups, ("harmful requests complied with",),
                    "helpful gold on harmless requests (points)", offsets=offsets,
                    quiet=True)

# %% [markdown]
# Which of these differences are more than chance?
# (Harmful requests are about eight topics only, so intervals about harm are wide.)

# %%
pairs = (("w = 0.25", "w = 0"), ("w = 1", "w = 0"), ("w = 4", "w = 1"),
    ("60% out", "w = 1"),
    ("reward-8000", "w = 1"))
gaps = {pair: {what: difference(measured[pair[0]][what], measured[pair[1]][what],
    groups=kinds[counted[what][1]]) for what in ("complies", "help")} for pair in pairs}
show.table(["difference", "complies", "help"],
    [(f"{a} minus {b}", f"{gap['complies']:+.0%}",
    f"{gap['help']:+.2f}") for (a, b), gap in gaps.items()])

# %% tags=["hide", "remove-input"]
assert gaps["w = 0.25", "w = 0"]["complies"].high < -0.2
assert gaps["w = 1", "w = 0"]["complies"].high < -0.4
assert gaps["w = 4", "w = 1"]["help"].high < -0.1
assert gaps["reward-8000", "w = 1"]["help"].low > 0

# %% [markdown]
# This dial trades.
# From $w = 0$ to 0.25 it costs no help that we can see, and most of the harm is gone.
# At $w = 1$ harm is rare, and help is a little lower, not beyond chance.
# From 1 to 4 a last few per cent of harm cost more than half a point of help.
# The cut needs a large share out before it is safe: about 40 % of the replies comply, so leaving
# out 20 % cannot remove them all.
# At equal safety it keeps less help than the sum, though the interval includes zero.
#
# Over-refusal is rare everywhere; count it on its own all the same, since a mean of gold hides it.
# Which point is best depends on what harm and refusal cost, not on statistics.
#
# The triangle is a control: one model from 8,000 comparisons of the whole, as many as the two
# halves had together.
# It does no harm here, gives at least as much help as any rule above it, and refuses slightly more
# often.
# So two rewards buy a *dial*, not quality.
# You need the dial when the price of harm is not known on the day you train.

# %% [markdown]
# ## Choosing with few labels
#
# You have two reward models and a small budget: a person will judge $G$ replies with a gold label
# each.
# Two plans, at the same price:
#
# - **accuracy**: label both replies of $G/2$ random pairs, and keep the model that orders more
#   pairs rightly;
# - **head to head**: for $G/2$ prompts let each model choose among the same 16 candidates, label
#   both chosen replies, and keep the model whose choices have more gold.
#
# **Your prediction:** which plan picks the right model more often?
# We play it 4,000 times on the stored pool for each budget.
# "Better" means more gold of best-of-16 on the whole pool.
# Two duels first.

# %%
from course_lib.experiments.findings.choosing import right_choices

scored = {**{name: stored.reward(name) for name in names},
    "capped judge": torch.tensor(judge)}
rows = []
for a, b in (("reward-500", "reward-harmless"), ("capped judge", rival)):
    at_16 = [best_of_n_curve(scored[name], gold, [16]).mean() for name in (a, b)]
    choice = f"{a} (gold {at_16[0]:.2f}) or {b} ({at_16[1]:.2f})"
    for G in (16, 64, 256):
        shares = right_choices(scored[a], scored[b], gold, labels=G)
        rows.append((choice, G, *(f"{share:.0%}" for share in shares.values())))
        assert shares["head to head"] > shares["accuracy"] + 0.05
assert shares["accuracy"] < 0.3
show.table(["finds the better one of", "labels", *(f"by {plan}" for plan in shares)],
    rows)

# %% [markdown]
# We picked these two; in the second, accuracy leads to the *wrong* model, more surely the more
# labels one buys.
# So now all 21 pairs of the seven bundled models, with 64 labels.

# %%
from itertools import combinations

duels = {(a, b): right_choices(scored[a], scored[b], gold, labels=64, repeats=1000)
    for a, b in combinations(names, 2)}
for plan in ("accuracy", "head to head"):
    mean = np.mean([shares[plan] for shares in duels.values()])
    print(f"by {plan} finds the better one {mean:.0%} of the time ({len(duels)} pairs)")
ahead = [shares["head to head"] - shares["accuracy"] for shares in duels.values()]
print(f"head to head is ahead by {min(ahead):.0%} to {max(ahead):.0%}")

# %% tags=["hide", "remove-input"]
assert min(ahead) > -0.03 and np.mean(ahead) > 0.08

# %% [markdown]
# Over all 21 pairs head to head finds the better model more often.
# Where it is hardly ahead, even the whole pool can hardly tell the two models apart.
# **With few labels, spend them on replies that the models would choose.**
# It measures the thing you want, at the $n$ you will use.
# (Where both choose the *same* reply, skip the prompt and save the labels.)
#
# This holds for one $n$ and one policy: after fine-tuning it writes other replies.

# %% [markdown]
# ## *Deeper*: reject early
#
# Lesson 02 dropped candidates after ten tokens.
# With a reward model at hand, how much does a reply's first *half* tell?
# 64 candidates; the model reads the first half of each; the weaker 32 are dropped, and only the
# others are written to the end.
# That is three quarters of the tokens, the price of best-of-48.

# %%
from course_lib.experiments.findings.choosing import half_of
from course_lib.models import load_reward_model

many = stored.first(64)
halved = course.Pool.from_candidates(many.prompts,
    [[half_of(text) for text in texts] for texts in many.texts], info=many.info)
reader = load_reward_model(assets.path("helpdesk/reward-8000"), device="cpu")
begun = reader.score_pool(halved)
kept = begun.argsort(dim=1, descending=True, stable=True)[:, :32]  # (P, 32)
final = many.reward("reward-8000")
winner = kept.gather(1, final.gather(1, kept).argmax(1, keepdim=True))
early = many.reward("gold").gather(1, winner)[:, 0].double().numpy()

# %%
plain = best_of_n_curve(final, many.reward("gold"), [1, 32, 48, 64])  # (P, 4)
print(f"gold: rejected early {early.mean():.2f}, one reply {plain[:, 0].mean():.2f}")
others = {1: "best of 32, half at random", 2: "best of 48, as many tokens",
    3: "best of 64, all written"}
show.table(["", "gold", "rejected early, minus it"],
    [(what, f"{plain[:, k].mean():.2f}",
    f"{difference(early, plain[:, k]):+.2f}") for k, what in others.items()])

# %% tags=["hide", "remove-input"]
assert difference(early, plain[:, 3]).low > -0.25 * (plain[:, 3] - plain[:, 0]).mean()
assert difference(early, plain[:, 1]).low > 0

# %% [markdown]
# **Finding 23: rejecting the weaker half of the candidates at half their length keeps most of the
# gain.**
# Here it keeps all of it, as far as we can see, for three quarters of the tokens.
# For the same tokens it is slightly better than best-of-48; that interval only just leaves zero
# out.
# This model has never seen half a reply in training, and still its guess is good enough to drop
# the worst.

# %% [markdown]
# ## From choosing to training
#
# So far we changed the answer, not the model.
# In lesson 05 the chosen replies become **training data**.
# Then a reward model improves the base model directly, by data, and its errors are learned too.
# Count the steps that the chosen replies would teach: those of their own topic, and those of
# another.

# %%
rankings = {"a random reply": torch.zeros_like(gold),
    **{f"best of 16 by {by}": stored.reward(by)
        for by in ("reward-125", "reward-8000")}}
taught = {what: [best_of_n_curve(ranking, values, [16])[:, 0]
    for values in (parts["right_steps"], wrong_steps)] for what,
    ranking in rankings.items()}
rows = []
for what, (right, wrong) in taught.items():
    more = difference(wrong, taught["a random reply"][1])
    rows.append((what, f"{right.mean():.2f}", f"{wrong.mean():.2f}",
        f"{wrong.sum() / (right + wrong).sum():.0%}", f"{more:+.2f}"
        if more.mean else "–"))
    assert (more.low > 0.1) == ("125" in what)
show.table(["what it teaches", "right steps", "wrong", "share wrong",
    "wrong, minus random"],
    rows)

# %% [markdown]
# Choosing by the weak model raises right steps and doubles wrong ones: of all steps it teaches, as
# large a share is wrong as with blind choice.
# The good model more than doubles the right ones, and adds no wrong ones that we can see.
# That is why this lesson stands before the next.

# %% [markdown]
# ## What we found

# %%
from course_lib.experiments import findings

findings.show("04")

# %% [markdown] tags=["slide"]
# In words:
#
# - **Finding 3.**
#   KL of best-of-n never exceeds $\log n - (n-1)/n$.
#   With many replies and few ties at the top it is near that; with a pass-or-fail reward it is far
#   below, and never above $-\log p$.
# - **Finding 5.**
#   The proxy rises all the way; gold rises, peaks and falls (for 500 comparisons the fall is not
#   proven, and for 8,000 none shows).
#   From reward-500 to reward-8000 the peak moves right; these are single models, and their passes
#   over the data differ.
#   $d(\alpha - \beta d)$ fits, though a parabola fits two of four curves better.
# - **Finding 15.**
#   The more accurate of two need not give the better best-of-n: models from pass-or-fail labels are
#   far less accurate and level at $n = 32$; a judge whose scale ends too early is more accurate and
#   worse.
# - **Finding 20.**
#   Reward-8000 chooses far better than the policy's own confidence, which finds bland letters.
# - **Finding 21.**
#   A charge for improbable replies, $\beta = 0.1$ a nat, lets gold rise up to 256; $\beta$ was not
#   chosen on other prompts.
#   A lower temperature does at least as well.
# - **Finding 22.**
#   Choosing softly limits what a weak model costs at large $n$; a smaller $n$ does so as well.
# - **Finding 23.**
#   Rejecting half of the candidates at half their length keeps most of the gain.
# - **Finding 24.**
#   The best of 64 by the helpful model alone complies with most harmful requests; a small weight on
#   safety takes most of that away at no visible cost of help.
# - An ensemble of four models beat the best of them; caution did not help, and none reached one
#   better model.
# - Accuracy on all pairs went with gold over seven models; accuracy among good replies did not.
# - With 64 labels, judging what two models would choose found the better one more often than
#   judging random pairs.
#
# ## What this leaves out
#
# One policy, one family of small reward models, one model of each size, simulated annotators.
# Gao et al. checked their law up to $n = 60{,}000$; we have 256 candidates, and the bound in place
# of KL.
# Below about 2,000 comparisons their reward models were near chance; ours, in a much smaller world,
# are useful with 125, at a small $n$.
# What happens when the *policy* changes, as in training, is in lessons 05 and 07.
#
# ## In real systems
#
# - Llama 2-Chat used two reward models, for helpfulness and for safety (arXiv 2307.09288).
# - RewardBench 2 is reported to test reward models by the best of 4 replies, with a correlation of
#   .87 between its accuracy and best-of-N: high, and not 1.
# - Gao, Schulman and Hilton report that KL is not a fair ruler between methods, and that a KL
#   penalty acts like early stopping (arXiv 2210.10760).
#
# ## Further reading
#
# Gao, Schulman and Hilton, *Scaling laws for reward model overoptimization*, arXiv 2210.10760.
# Beirami et al., *Theoretical guarantees on the best-of-n alignment policy*, arXiv 2401.01879, for
# the bound, and for an estimate from the chosen replies (`kl_best_of_n_estimate`; not for ties).
# Huang et al., *Is best-of-N the best of them?*, arXiv 2503.21878, for pessimism.
#
# ## Now you
#
# **Exercise** `exercises/ex04`: the KL bound and the exact KL, choosing between two reward models
# with few labels, a cautious ensemble.
#
# `fitted_peaks`, `capped`, `right_choices` and the like are short; read them in
# `course_lib/experiments/findings/choosing.py`.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("04")
