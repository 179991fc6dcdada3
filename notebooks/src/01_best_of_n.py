# %% [markdown] tags=["slide"]
# # Best-of-N: choose among several replies
#
# **You will:** state exactly what goes into best-of-N and what comes out, work an example on paper,
# measure what choosing among $n$ replies gains and what it costs, and decide a case: how far to go
# for a real chatbot.
#
# **Builds on:** lesson 00 (policy, pool, gold reward).
#
# **Time:** 60 minutes to read and do; the cells run in under a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import explore, plots, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown] tags=["slide"]
# ## What goes in, what comes out
#
# **Input.**
# A prompt $x$, a policy $\pi_{\text{ref}}$ to sample from, a number $N$, and a reward $r(x, y)$
# that gives one number for a prompt and a reply.
#
# **What happens.**
# Draw $N$ candidates independently,
# $\hat y_1, \dots, \hat y_N \sim \pi_{\text{ref}}(\cdot \mid x)$.
# Score each one.
#
# **Output.**
# One reply, the candidate with the highest reward:
#
# $$\hat y_{\text{best}} = \operatorname*{arg\,max}_{\hat y_1, \dots, \hat y_N} \; r(x, \hat y_i)$$
#
# Some textbooks print $\max$ here.
# But $\max$ is a *value*, the highest reward, and a user cannot read a reward.
# What is intended is $\arg\max$: the *candidate* at which the highest value is reached.
# In code it is `R.argmax(dim=1)` against `R.max(dim=1).values`, and to mix them up is a frequent
# mistake.
#
# Some textbooks also call the candidates an *N-best list*, a name from search methods that look for
# the N most likely replies (lesson 02).
# Here they are independent samples, and what follows is only true for independent samples.
#
# ## On paper first
#
# Five prompts, four candidates each.
# Each row is a prompt, each column a candidate, each entry a reward $r(x, \hat y_i)$; together they
# are the matrix $R$.
#
# | | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 0.2 | 1.1 | 0.7 | −0.3 |
# | prompt B | 1.5 | 0.1 | 1.5 | 0.9 |
# | prompt C | −1.0 | −0.4 | −0.8 | −2.0 |
# | prompt D | 0.6 | 0.5 | 0.4 | 0.7 |
# | prompt E | 2.0 | −1.0 | 0.3 | 0.0 |
#
# Take a pencil.
# **For each row: which candidate does best-of-4 return? What happens in row B? And in row C, where
# every reply is bad? By how much does the mean reward rise compared with a random candidate?**
# Then run the cells.

# %%
R = torch.tensor([[0.2, 1.1, 0.7, -0.3], [1.5, 0.1, 1.5, 0.9], [-1.0, -0.4, -0.8, -2.0],
    [0.6, 0.5, 0.4, 0.7], [2.0, -1.0, 0.3, 0.0]])

# %% tags=["nbval-check-output"]
show.table(["", *"ABCDE"], [["argmax: which candidate", *R.argmax(dim=1).tolist()],
    ["max: its reward", *(f"{v:.1f}" for v in R.max(dim=1).values.tolist())]])

# %% [markdown]
# Row B has a tie, and a tie needs a rule.
# `argmax` takes the lowest index, and so does `select_best`, so that results can be repeated.
# Row C shows that best-of-N returns the best of what there is, not something good.
# If every candidate is bad, so is the answer.

# %% tags=["nbval-check-output"]
random, best_of_4 = R.mean(), R.max(dim=1).values.mean()
print(f"random candidate {random:.2f} on average, best of 4 {best_of_4:.2f}, "
    f"a rise of {best_of_4 - random:.2f}")

# %% [markdown]
# A random candidate gives, on average, the mean of its row.
# One more question before any model.
# Suppose you have these four candidates but want to know what best-of-**2** would give in row A.
# Drawing two of them once is a noisy answer.
# Average over all six pairs instead: sorted, the row is −0.3, 0.2, 0.7, 1.1.
# The lowest is never the best of a pair, 0.2 is the best of one pair, 0.7 of two, 1.1 of three:
#
# $$\hat R_2 = \tfrac{1}{6}\cdot 0.2 + \tfrac{2}{6}\cdot 0.7 + \tfrac{3}{6}\cdot 1.1 = 0.82$$
#
# In general: $N$ is how many candidates the pool holds, $n$ how many of them we pretend to have,
# and $\binom{N}{n}$ the number of ways to choose $n$ of $N$ (here 6).
# The $i$-th lowest is the best of $n$ with the weight $\binom{i-1}{n-1} / \binom{N}{n}$.
# This estimate is *unbiased*, right on average, neither too high nor too low, for every $n \le N$
# from one pool (WebGPT is reported to use it, arXiv 2112.09332).
# In the code it is `best_of_n_curve`; where rewards tie it averages over the tied candidates.
# The next cell compares it with counting all pairs by hand.

# %% tags=["nbval-check-output"]
from itertools import combinations, pairwise

by_hand = np.mean([max(pair) for pair in combinations(R[0].tolist(), 2)])
by_formula = best_of_n_curve(R, ns=[2])[0, 0]
print(f"all pairs {by_hand:.4f}, formula {by_formula:.4f}")

# %% [markdown]
# ## The same with a model
#
# Three of the four lines of the course.
# The policy is the help-desk assistant.
# The reward model was trained on 8,000 comparisons of two replies, made by simulated annotators;
# lesson 03 trains one.
# We call its score the *proxy*, because it stands for what we want without being it.
# (In the stored pool further down the same model's scores go by its full name, `reward-8000`.)

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
world = course.load_world("helpdesk")
prompts, info = world.prompts("heldout", limit=64, seed=11)
asked = [about["topic"] for about in info]   # prompts about one topic belong together

# %%
pool = course.sample(policy, prompts, n=16, temperature=1.0, seed=0, info=info)
pool = course.score(pool, proxy)
best = course.select_best(pool, by="proxy")
pool

# %% [markdown]
# Look before you average.
# For the first two prompts: the reply that best-of-16 returns, and the one it would have returned
# if we had asked for the lowest.

# %%
worst = pool.reward("proxy").argmin(dim=1).tolist()
show.together(*(show.replies(pool.prompts[i], [best.texts[i], pool.texts[i][worst[i]]],
    names=["highest by the proxy", "lowest by the proxy"]) for i in range(2)))

# %% [markdown]
# Is each "best" reply good?
# If not, then either no better one was among the sixteen, or the proxy missed it.
# Both happen; we come back to that at the end.
#
# Those replies were chosen by the proxy, so the proxy's opinion of them is of no interest: it rises
# by construction.
# We need a judge that did not choose.
# In this world it is the gold reward.
# And we need a control: what a *random* one of the same sixteen candidates would have given.
# `paired_difference` takes, for each prompt, the chosen reply's gold minus the control's, and then
# the mean over prompts with its 95 % interval (lesson 00 says how to read it, and why topics are
# the `groups`).
# If the interval does not contain 0, we call the difference more than chance.

# %%
from course_lib.models import GoldReward
from course_lib.pools import random_per_prompt

pool = course.score(pool, GoldReward(world))
gold = pool.reward("gold")
chosen = gold[range(pool.P), best.candidate_index]
control = gold[range(pool.P), random_per_prompt(pool, seed=0).candidate_index]
gain = paired_difference(chosen, control, groups=asked)
show.table(["gold", "points"], [
    ["best of 16 by the proxy", bootstrap_interval(chosen, groups=asked)],
    ["a random one", bootstrap_interval(control, groups=asked)], ["difference", gain]])

# %% tags=["hide", "remove-input"]
assert gain.low > 0.5

# %% [markdown]
# The control's interval is wide because it is a single random draw for each prompt.
# From here on we average over all candidates instead: the same expectation, with less noise.

# %% [markdown]
# ## How the gain grows with $n$
#
# **Your prediction.**
# Going from 1 candidate to 2 raises the gold reward by some amount.
# Does going from 2 to 4 raise it by as much, by more, or by less?
# And from 64 to 128?
#
# Choose by gold for now: this is the *ceiling*, what a perfect reward model would reach.
# We use the stored pool of 128 held-out prompts with 256 candidates each, sampled like ours.
# The flat line is the control: a random candidate, whatever $n$.

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
topics = [about["topic"] for about in stored.info]
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
ceiling = best_of_n_curve(stored.reward("gold"), ns=sizes)   # (P, 9), by prompt
print(stored.P, "prompts,", stored.N, "candidates each")

# %% tags=["slide"]
random_choice = stored.reward("gold").mean(1, keepdim=True).expand(-1, len(sizes))
plots.best_of_n(sizes, {"chosen by gold (ceiling)": ceiling,
    "random choice (control)": random_choice})

# %% [markdown]
# The axis is logarithmic: each step to the right doubles $n$.
# The curve rises all the way, and flattens towards its end.
# Here are the steps as numbers, each with its interval.

# %%
added = np.diff(ceiling, axis=1)   # (P, 8): what each doubling adds, by prompt
steps = [bootstrap_interval(column, groups=topics) for column in added.T]
show.table(["from", "to", "adds (points)"],
    [(a, b, step) for (a, b), step in zip(pairwise(sizes), steps, strict=True)])

# %% [markdown]
# The first doubling adds most and the last least.
# In between the steps hardly shrink: from 8 to 16 candidates adds nearly what 4 to 8 adds.
# Good replies are rare here, so one keeps finding better ones for a while.
# But each doubling takes twice as many *new* candidates as the one before.
# So divide: what does one candidate more add?
# And is that less than before, beyond chance?
# The same prompts are in both, so we take the difference prompt by prompt.
# A negative interval says yes.

# %%
# (P, 8): what one candidate more adds, within each doubling
each = added / np.diff(sizes)
falling = [
    paired_difference(after, before, groups=topics)
    for before, after in pairwise(each.T)
]
show.table(
    ["candidates", "add, each", "minus those before"],
    [
        (f"{a + 1} to {b}", f"{one:.4f}", f"{change:+.4f}")
        for (a, b), one, change in zip(
            pairwise(sizes[1:]), each.mean(0)[1:], falling, strict=True
        )
    ],
)

# %% tags=["hide", "remove-input"]
assert all(step.low > 0 for step in steps) and all(
    change.high < 0 for change in falling
)
assert added[:, 0].mean() > 3 * added[:, -1].mean(), "the first doubling adds most"

# %% [markdown]
# **Finding 1: the reward of the best rises with $n$, and each further candidate adds less.**
# That it adds less is built in: one more counts only where it beats all the others.
# How fast it goes is what we measured.
# Is that the stored pool's luck?
# Our own sample, with other prompts and other draws, must say the same: the two curves must have
# the same shape, and at each $n$ the two intervals should overlap.
# (All lines of one sample use the same candidates: if it is a bit higher on every line, that is one
# piece of luck, not five.)

# %%
live = best_of_n_curve(pool.reward("gold"), ns=sizes[:5])
show.table(
    ["n", "our own sample", "stored pool"],
    [
        (
            n,
            bootstrap_interval(ours, groups=asked),
            bootstrap_interval(theirs, groups=topics),
        )
        for n, ours, theirs in zip(sizes[:5], live.T, ceiling.T[:5], strict=True)
    ],
)

# %% tags=["hide", "remove-input"]
gained = np.diff(live.mean(0))
assert np.all(gained > 0) and np.all(np.diff(gained / np.diff(sizes[:5])) < 0)

# %% [markdown]
# ### Why the steps shrink
#
# Say a reply is below 3 points with probability 0.9.
# Then all of ten replies are below 3 with probability $0.9^{10} \approx 0.35$, and all of twenty
# with $0.9^{20} \approx 0.12$.
# To raise the best you need a draw *above the present best*; the better that already is, the rarer
# such a draw.
# So to add the same amount again takes ever more candidates.
#
# How fast does it go when rewards are spread like a bell curve?
# The code's name for the expected highest of $n$ draws from a normal distribution with mean 0 and
# standard deviation 1 is `expected_max_normal`; test it on random numbers.
# (For those who know distribution functions: if a reward is at most $t$ with probability $F(t)$,
# the best of $n$ is so with probability $F(t)^n$.)

# %%
from course_lib.estimators import expected_max_normal

draws = np.random.default_rng(0).standard_normal((20_000, 64))
simulated = [draws[:, :n].max(1).mean() for n in (2, 4, 16, 64)]
exact = [expected_max_normal(n) for n in (2, 4, 16, 64)]
show.table(
    ["highest of", "2", "4", "16", "64"],
    [
        ["simulated", *(f"{v:.2f}" for v in simulated)],
        ["exact", *(f"{v:.2f}" for v in exact)],
    ],
)

# %% tags=["hide", "remove-input"]
assert np.allclose(simulated, exact, atol=0.03)

# %% [markdown]
# Our gold reward is not normal.
# For one thing, it has a ceiling, the perfect reply with 3.8 points.
# How does the real curve compare with the normal one?
# Measure both in standard deviations of the candidates.

# %%
spread = stored.reward("gold").std(1).mean().item()
ours = (ceiling.mean(0) - ceiling[:, 0].mean()) / spread
show.table(
    ["n", "measured", "normal"],
    [
        (n, f"{a:.2f}", f"{expected_max_normal(n):.2f}")
        for n, a in zip(sizes[1:], ours[1:], strict=True)
    ],
    "In standard deviations.",
)

# %% tags=["hide", "remove-input"]
assert ours[-1] < expected_max_normal(256) - 0.1, "the real curve bends more at its end"
assert all(abs(a - expected_max_normal(n)) < 0.1
    for n, a in zip(sizes[:7], ours[:7], strict=True))

# %% [markdown]
# Up to 64 candidates the two are nearly the same.
# After that the real curve stays behind: the best reply there can be is near.
#
# ## Four estimates, one to report
#
# Most of us do not have 256 candidates for each prompt.
# Say you have 16 and want to know what best-of-$n$ gives.
# Four ways suggest themselves:
#
# - **prefix**: take the first $n$ of the 16 and their best;
# - **with replacement**: draw $n$ of the 16 again and again, putting each back before the next draw
#   (a bootstrap), and average the bests;
# - **mean of the top $n$**: average the $n$ highest of the 16;
# - **all subsets**: the formula from above, every set of $n$ different candidates once.
#
# **Your prediction.**
# Which of them are right on average at $n = 4$?
# And at $n = 16$, when all 16 are used?
#
# To know the truth, let the stored pool's 256 candidates stand for all the replies the policy can
# write.
# Then we can draw 16 from them for each prompt, as if we sampled (each draw sees all 256), and the
# exact best-of-$n$ of that population is known.
# Two hundred such deals; the error is the estimate minus the truth.

# %%
from course_lib.experiments.findings.best_of_n import estimates

errors = {n: estimates(N=16, n=n) for n in (4, 16)}  # n → name → (deals, prompts), gold
bias = {
    n: {
        name: bootstrap_interval(error.mean(0), groups=topics)
        for name, error in errors[n].items()
    }
    for n in errors
}
show.table(
    ["n", "estimate", "bias", "spread"],
    [
        (n, name, f"{bias[n][name]:+.3f}", f"{error.std(0).mean():.2f}")
        for n in errors
        for name, error in errors[n].items()
    ],
)

# %% [markdown]
# The *bias* is the average error.
# The *spread* is the standard deviation over the 200 deals for one prompt, averaged over prompts.
# The mean of the top $n$ is not an estimate of best-of-$n$ at all: too high at first, and at
# $n = 16$ just the mean of all sixteen.
# Drawing with replacement is biased low, and most so at $n = 16$: sixteen draws with replacement
# hold only $16\,(1 - (15/16)^{16}) \approx 10$ different candidates.
# Its smaller spread there is no merit, it is paid for with the bias.
# The prefix is right on average, but it throws away twelve of sixteen candidates at $n = 4$, and
# its spread shows it.

# %% tags=["hide", "remove-input"]
assert (
    bias[16]["with replacement"].high < -0.1 and bias[4]["mean of the top n"].low > 0.1
)
assert all(abs(bias[n]["all subsets (ours)"].mean) < 0.03 for n in bias)
spread_of = {name: error.std(0).mean() for name, error in errors[4].items()}
assert spread_of["prefix"] > 1.3 * spread_of["all subsets (ours)"]
assert round(16 * (1 - (15 / 16) ** 16)) == 10

# %% [markdown]
# **Finding 4: resampling with replacement is biased low, a prefix is noisy, and the average over
# all subsets is neither.**
# At $n = N$ the prefix and all subsets are the same thing, the best of all you have; there is only
# one set of 16.

# %% [markdown]
# ## What it costs
#
# All $n$ candidates are sampled, and $n - 1$ are thrown away.
# Tokens are what one pays for, so put them on the axis: tokens sampled for one answer shown.
# Choosing by gold is the ceiling.
# Two reward models are the realistic curves: one trained on 8,000 comparisons, one on 125.
# Here `best_of_n_curve` gets two rewards: the first *chooses*, the second *judges*.
# The curve is the expected gold reward of the reply with the highest score.
# **Will they keep rising like the ceiling?**

# %% tags=["slide"]
tokens = stored.lengths.float().mean().item()
curves = {"chosen by gold (ceiling)": ceiling}
for name in ("reward-8000", "reward-125"):
    curve = best_of_n_curve(stored.reward(name), stored.reward("gold"), sizes)
    curves[f"chosen by {name}"] = curve
plots.cost_quality([n * tokens for n in sizes], curves, ns=sizes)

# %% [markdown]
# A reward model gives part of the ceiling's gain, not all of it, since it misjudges some replies.
# And its curve does not rise for ever.
# Compare 256 candidates with 16, at sixteen times the cost, and with 64, at four times:

# %%
changes = {}
for name in ("reward-8000", "reward-125"):
    curve = curves[f"chosen by {name}"]
    for n in (16, 64):
        fewer = curve[:, sizes.index(n)]
        changes[name, n] = paired_difference(curve[:, -1], fewer, groups=topics)
show.table(["chosen by", "candidates", "difference in gold"],
    [(name, f"256 minus {n}", change) for (name, n), change in changes.items()])

# %% tags=["hide", "remove-input"]
assert changes["reward-125", 16].high < 0, "more candidates make it worse"
assert 0 < changes["reward-8000", 16].mean < 0.5 and changes["reward-8000", 64].low < 0

# %% [markdown]
# By the small reward model, the best of 256 is *worse* than the best of 16.
# The larger one still gains a little over 16.
# From 64 to 256, four times the cost, its interval includes zero: that bought nothing that we can
# tell.
# What happened?
# Look at the prompt where the small model's choice lost most.

# %%
few, many = (course.select_best(stored.first(n), by="reward-125") for n in (16, 256))
worst = int((many.rewards("gold") - few.rewards("gold")).argmin())
show.replies(stored.prompts[worst], [few.texts[worst], many.texts[worst]],
    names=["best of 16 by reward-125", "best of 256 by reward-125"],
    scores={name: [picked.rewards(name)[worst].item() for picked in (few, many)]
        for name in ("gold", "reward-125")}, about=stored.info[worst])

# %% [markdown]
# Among many candidates there are ever more that the small model likes for a wrong reason, and
# best-of-$n$ finds them.
# Lesson 04 studies this; here it is one more reason not to choose $n$ large.
#
# The $n$ candidates can be sampled side by side, so the user does not wait $n$ times as long.
# The work is $n$ times as much all the same.

# %% [markdown]
# ## Win rate: a result that needs no model
#
# How often is the best of $n$ better than one fresh sample?
# **Your prediction, for $n = 4$: 60 %, 80 %, or 95 %? Does it depend on the policy?**
#
# Count $n + 1$ independent draws: the $n$ candidates and the opponent.
# All of them come from the same policy in the same way; which one we call the opponent is only a
# label.
# If no two rewards are equal, exactly one of the $n + 1$ is the highest, and each is equally likely
# to be it.
# The opponent is the highest with probability $1/(n+1)$, and then, and only then, best-of-$n$
# loses.
# So
#
# $$\Pr(\text{best of } n \text{ wins}) = \frac{n}{n+1},$$
#
# for every policy, every prompt and every reward, as long as nothing ties (Beirami et al., arXiv
# 2401.01879).
# We test it by playing the game, with the reward that chooses also judging.
# Cut each prompt's candidates into groups of $n + 1$, let the first $n$ play against the last, and
# count: for $n = 2$ the groups are `[c0 c1 | c2] [c3 c4 | c5] …`.
# `win_scores(a, b)` is 1 where a is higher, ½ where they are equal, and 0 otherwise.

# %% tags=["hide"]
from course_lib.estimators import win_rate_theory, win_scores

def played(rewards, n):
    """(P,) share of games that the best of n wins against one more candidate."""
    P, N = rewards.shape
    games = N // (n + 1)
    dealt = np.asarray(rewards)[:, : games * (n + 1)].reshape(P, games, n + 1)
    return win_scores(dealt[..., :n].max(-1), dealt[..., n]).mean(1)

# %% [markdown]
# Three rewards for the same replies: the proxy's score, which has many digits; gold, which comes in
# steps of 0.05 points; and a thumb, 1 for a reply with at least 2 points of gold and 0 otherwise.
# What do you expect of the thumb?

# %%
thumb = (stored.reward("gold") >= 2).float()
rewards = {
    "reward-8000": stored.reward("reward-8000"),
    "gold": stored.reward("gold"),
    "thumb": thumb,
}
settings = [(name, n) for name in rewards for n in (2, 4, 16)]
rates = [
    bootstrap_interval(played(rewards[name], n), groups=topics) for name, n in settings
]

# %% tags=["slide"]
plots.intervals(
    [f"{name}, n = {n}" for name, n in settings],
    rates,
    "win rate against one sample, by the selecting reward",
    reference=[win_rate_theory(n) for _, n in settings],
    reference_name="n/(n+1)",
)

# %% [markdown]
# The first two rewards lie at the formula, up to the luck of the deal (with other seeds one
# interval may miss its mark: a 95 % interval does so one time in twenty).
# The thumb is far below.
#
# We can take the luck out.
# Instead of one deal of the cards, average over **all** ways to draw $n$ candidates and an opponent
# from the 256; `win_rate_of_best` does that, and counts the ties.

# %%
from course_lib.estimators import win_rate_of_best

rows = []
for name, n in settings:
    rate, ties = win_rate_of_best(rewards[name], n)
    mean = bootstrap_interval(rate, groups=topics)
    rows.append(
        (name, n, f"{mean:.3f}", f"{win_rate_theory(n):.3f}", f"{ties.mean():.1%}")
    )
show.table(["chosen and judged by", "n", "win rate", "formula", "ties"], rows)

# %% [markdown]
# **Finding 2: the win rate is $n/(n+1)$, and ties break it.**
# For the proxy the two agree within a few thousandths, and the interval has almost no width: the
# result is about ranks, so every prompt gives the same.
# Even the proxy ties now and then, where two candidates are the same text: a stock letter is often
# drawn twice.
# Gold ties about twice as often, since different texts can be worth the same.
# Neither moves the rate by more than about half a hundredth.
# The thumb has only two values, so most games of a small $n$ are ties, and it is far below.
# A *verifier*, a program that says right or wrong, is such a thumb: do not use the formula with it.

# %% tags=["hide", "remove-input"]
for n in (2, 4, 16):
    by_score = win_rate_of_best(rewards["reward-8000"], n).rate.mean()
    assert abs(by_score - win_rate_theory(n)) < 0.01
    lowered = bootstrap_interval(win_rate_of_best(thumb, n).rate, groups=topics)
    assert lowered.high < win_rate_theory(n) - 0.05

# %% [markdown]
# For ties there is an exact value too.
# Let a thumb go up with probability $p$.
# Best-of-$n$ is up with probability $1 - (1-p)^n$, the opponent with $p$.
# For another thumb, with $p = \tfrac12$ and $n = 4$, for easy sums:

# %% tags=["nbval-check-output"]
p, n = 0.5, 4
up = 1 - (1 - p) ** n
wins, ties = up * (1 - p), up * p + (1 - up) * (1 - p)
print(f"wins {wins:.3f}, ties {ties:.3f}, win rate {wins + ties / 2:.3f} "
    f"instead of {n / (n + 1):.3f}")

# %% [markdown]
# A warning goes with the formula.
# A win rate of 94 % at $n = 16$ sounds as if nearly everything were solved.
# It only says that the *selecting* reward prefers the best of 16 of its own choosing.
# It says nothing about how good the replies are: it holds for a policy that writes nonsense, and
# for a reward of random numbers.
# Check that:

# %%
# twenty sets of dice
throws = np.random.default_rng(0).random((20, stored.P, stored.N))
won = np.mean([played(dice, 16) for dice in throws], axis=0)
gold = stored.reward("gold")
by_dice = np.mean(
    [best_of_n_curve(dice, gold, ns=[16])[:, 0] for dice in throws], axis=0
)
useless = paired_difference(by_dice, gold.mean(1), groups=topics)
show.facts(
    {
        "win rate of the best of 16 by dice": bootstrap_interval(won, groups=topics),
        "gold of its choices, minus the mean candidate's": useless,
    }
)

# %% tags=["hide", "remove-input"]
assert abs(useless.mean) < 0.05

# %% [markdown]
# ## Move n yourself
#
# The sliders set $n$ and the prompt; the buttons choose the selecting reward.
# Start with `reward-8000`, then choose `reward-length-biased`, trained on annotators who like long
# replies, and move $n$ to the right.
# Watch what is chosen.
# By keyboard: Tab moves between the controls, the left and right arrow move a slider, Enter presses
# a button.

# %% tags=["slide"]
explore.best_of_n_slider(
    stored.prompts_at(range(32)),
    gold="gold",
    rewards=["reward-8000", "reward-125", "reward-length-biased", "gold"],
)

# %% [markdown]
# ## A case: improving a chatbot's replies
#
# The help desk answers 100,000 questions a day, one sample each.
# People complain: too many replies are wrong, empty or rude.
# There is a reward model, `reward-8000`.
# The budget allows up to six times today's sampling; scoring is paid from another pocket.
# **Decide for yourself before you read on: which $n$, and how would you show that it helps?**
#
# Besides the mean, count what people complain about: the share of replies with a negative gold
# reward, "one I would be ashamed of".
# The estimator takes any evaluating quantity, also a 0/1 one.

# %%
ashamed = (stored.reward("gold") < 0).float()
selecting = stored.reward("reward-8000")
options = [1, 2, 4, 6, 16, 64]
quality = best_of_n_curve(selecting, stored.reward("gold"), options)
shame = best_of_n_curve(selecting, ashamed, options)

# %%
rows = []
for n, good, bad in zip(options, quality.T, shame.T, strict=True):
    good, bad = (bootstrap_interval(values, groups=topics) for values in (good, bad))
    rows.append((n, good, f"{bad:.1%}", f"{n * tokens * 100_000 / 1e6:.1f}"))
show.table(["n", "gold reward", "to be ashamed of", "million tokens a day"], rows)

# %% [markdown]
# Read the table as the team would.
# From 1 to 4 two in three of the shameful replies go, for four times the tokens.
# From 16 to 64, for four times the tokens again, gold rises by a little and hardly a shameful reply
# goes.
# The budget allows 4, 5 or 6.
# Is 6 better than 4 by more than chance, and by how much?

# %%
one, four, six = (options.index(n) for n in (1, 4, 6))
more = paired_difference(quality[:, six], quality[:, four], groups=topics)
fewer = paired_difference(shame[:, six], shame[:, four], groups=topics)
better = paired_difference(shame[:, four], shame[:, one], groups=topics)
show.table(["", "difference"], [["gold, 6 minus 4", more],
    ["share to be ashamed of, 6 minus 4", f"{fewer:.1%}"],
    ["share to be ashamed of, 4 minus 1", f"{better:.1%}"]])

# %% tags=["hide", "remove-input"]
assert better.high < -0.15 and fewer.high < 0 < more.low
assert 0.25 < shame[:, four].mean() / shame[:, one].mean() < 0.4, "two in three go"

# %% [markdown]
# The first two lines say what 1.5 times the tokens would buy.
# Take 6 if the budget is there to be spent, 4 if money is short: with both numbers and their
# intervals on the table, that is a question about money, not about statistics.
# What the budget rules out is 16 or 64.
#
# ### A cheaper idea
#
# A colleague says: keep one reply a question and turn the temperature down, that costs nothing.
# The course has stored pools at other temperatures, of 64 of these prompts.
# **Your prediction: will one cold reply do as well as the best of four?**
# Besides gold and shame, count the replies worth sending, those with at least 2 points.

# %%
from course_lib.assets import temperatures

pools = temperatures.pools()
rows = []
for T in (0.1, 0.7, 1.0):
    by, judge = pools[T].reward("reward-8000"), pools[T].reward("gold")
    judges = judge, (judge < 0).float(), (judge >= 2).float()
    for n in (1, 4):
        good, bad, sent = (best_of_n_curve(by, values, [n]).mean() for values in judges)
        rows.append((T, n, f"{good:.2f}", f"{bad:.1%}", f"{sent:.1%}"))
show.table(["T", "n", "gold", "to be ashamed of", "worth sending"], rows)

# %%
of_four = {T: best_of_n_curve(p.reward("reward-8000"), p.reward("gold"), [4])[:, 0]
    for T, p in pools.items()}
cold = pools[0.1].reward("gold")
its_topics = [about["topic"] for about in pools[0.1].info]
choosing = paired_difference(of_four[1.0], cold.mean(1), groups=its_topics)
warmth = paired_difference(of_four[0.7], of_four[1.0], groups=its_topics)
show.table(["gold", "difference"], [
    ["best of 4 at T = 1 minus one reply at T = 0.1", choosing],
    ["best of 4, T = 0.7 minus T = 1", warmth]])

# %% tags=["hide", "remove-input"]
assert choosing.low > 0 and warmth.low > 0 and (cold >= 2).float().mean() < 0.01
assert 0.05 < (cold < 0).float().mean() < 0.25
assert of_four[0.1].mean() < of_four[1.0].mean() - 0.3
assert all(p.reward("gold").mean() < of_four[1.0].mean() - 0.4 for p in pools.values())

# %% [markdown]
# The colleague is half right.
# One cold reply is nearly always a stock letter: most of the shameful replies are gone, at no cost.
# But hardly one of the letters is worth sending.
# And cold candidates are so alike that choosing among them gains little.
# At each of the stored temperatures, one reply stays far below the best of four at 1.
# So the temperature is no substitute for choosing.
# It is a help: at 0.7, four candidates are better on all three counts than at 1, for nearly the
# same tokens.
# (We chose 0.7 on the prompts that judge it; a team would choose it on others.)
# Lesson 02 looks at the temperature closely.
# To stay with the rest of this lesson, we go on at 1.
#
# ### Where it still fails
#
# What best-of-4 cannot do: help where all four candidates are bad, or where the reward model is
# wrong.
# Look at where it still fails, for that is what the users will see.
# Here are the three chosen replies with the lowest gold reward, and beside each the best that was
# there to choose.

# %%
four = stored.first(4)
picks = course.select_best(four, by="reward-8000")
possible = course.select_best(four, by="gold")
got, could = picks.rewards("gold"), possible.rewards("gold")
show.together(
    *(
        show.replies(
            four.prompts[i],
            [picks.texts[i], possible.texts[i]],
            names=["chosen", "the best there was"],
            about=four.info[i],
            scores={"gold": [got[i].item(), could[i].item()]},
        )
        for i in got.argsort()[:3].tolist()
    )
)

# %% [markdown]
# For each, ask: was there a better candidate that the proxy missed, or were all four bad?
# Against the first a better reward model helps; against the second only more candidates, or a
# better policy.
# A mean over all prompts hides such failures.

# %% [markdown]
# ## What we found
#
# The numbered findings of this lesson, measured again from the stored pool.
# (`course findings` in a terminal prints those of all lessons.)

# %%
from course_lib.experiments import findings

findings.show("01")

# %% [markdown] tags=["slide"]
# In words:
#
# - **Finding 1.**
#   The expected reward of the best of $n$ rises with $n$, and each further candidate adds less; a
#   fresh sample agrees.
# - **Finding 2.**
#   The best of $n$ beats one sample with probability $n/(n+1)$ by the reward that chose it,
#   whatever the model.
#   Ties break this: with a thumb the rate is far lower.
# - **Finding 4.**
#   From a few candidates, estimate best-of-$n$ over all subsets of $n$; resampling with replacement
#   is too low and a prefix too noisy.
#   (Numbers of findings run through the whole course; finding 3 is in lesson 04.)
# - Choosing by a reward model gets part of what a perfect judge would get, at the same price of $n$
#   samples, and by a weak one a large $n$ does harm.
# - One cold reply is less often shameful than a warm one, but bland.
#   Turning the temperature down is no substitute for choosing.
#
# ## What this leaves out
#
# But for one table, each candidate was sampled at temperature 1; lesson 02 varies that, and makes
# sampling cheaper by sharing the prompt and stopping early.
# How far the replies have moved from the policy is measured by a KL divergence, in lesson 04, with
# a bound that is often quoted as if it were the value.
# The curves above come from one policy and one set of prompts: the shape is general, the numbers
# are not.
# And the cost counts sampling only; scoring $n$ replies with a large reward model is not free
# either.
#
# ## In real systems
#
# - OpenAI's GSM8K verifiers: a 6B model rises from 21.7 % to 39.0 % of test problems when the
#   answer is the best of 100 by a verifier, a 175B model from 34.7 % to 56.3 %.
#   So the small model with best-of-100 is ahead of the large one without (Cobbe et al., arXiv
#   2110.14168; counted in the released solutions of all 1,319 problems).
# - WebGPT's best-of-64 is reported to have been better than its reinforcement-learning model, and
#   reinforcement learning added little on top of best-of-N (arXiv 2112.09332).
# - Llama 2 reports a gap of the same kind: the highest reward among N samples grows with N while
#   the median stays flat (arXiv 2307.09288).
#   Lesson 02 measures it.
#
# ## Further reading
#
# Beirami et al., *Theoretical guarantees on the best-of-n alignment policy*, arXiv 2401.01879, for
# the win rate and the KL bound.
# Gao, Schulman and Hilton, *Scaling laws for reward model overoptimization*, arXiv 2210.10760, for
# what happens at large $n$ (lesson 04).
#
# ## Now you
#
# **Exercise** `exercises/ex01`: write best-of-N yourself, with its control and its estimator.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("01")
