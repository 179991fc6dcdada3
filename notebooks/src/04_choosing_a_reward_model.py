# %% [markdown] tags=["slide"]
# # Choosing a reward model: over-optimisation
#
# **You will:** watch a reward model score its choices higher while they grow worse, find what it
# likes
# by mistake, repair it with one knob, and choose between reward models with few labels.
#
# **Builds on:** lesson 01 (best-of-N, intervals), lesson 03 (reward models).
#
# **Time:** 32 minutes, and 40 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Three choices for one question
#
# Somebody asks the help desk for a deleted file.
# The reward model `reward-2000` chooses three times: of 1 candidate, of 16, of 256.
# **Which of its three choices would you send?**

# %% tags=["hide"]
from functools import partial
from itertools import combinations

import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import drawings, explore, plots, quiz, show
from course_lib.estimators import best_of_n_curve, paired_difference

# %% tags=["slide", "nbval-check-output"]
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
score = stored.reward("reward-2000")  # (128, 256): what the model says
gold = stored.reward("gold")  # (128, 256): what each is worth
picks = [int(score[99, :n].argmax()) for n in (1, 16, 256)]
show.replies(stored.prompts[99], [stored.texts[99][j] for j in picks],
    names=["best of 1", "best of 16", "best of 256"], about=stored.info[99],
    scores={"reward-2000": score[99, picks].tolist(), "gold": gold[99, picks].tolist()})

# %% tags=["hide", "remove-input"]
promised, worth = score[99, picks], gold[99, picks]
assert promised[0] < promised[1] < promised[2]
assert worth[2] < 0 < 2 < worth[1] and "bin" in stored.texts[99][picks[1]]

# %% [markdown] tags=["slide"]
# The second choice helps.
# The third is about invoices, and the model scores it higher than the second.
# We picked this question to show it plainly.
# From here all 128 questions of the stored pool count, with 256 candidates each.
#
# **Gold** is what we want.
# In this world a program knows it; in yours, people have to say it.
# A **proxy** is a reward that stands for gold, such as the score of a reward model.
#
# **Your prediction.**
# Chosen by `reward-2000`, the best of 16 has 1.4 points of gold, and a random reply 0.1.

# %% tags=["hide"]
quiz.predict("04-turn", "How much gold has the best of 256 by reward-2000?",
    low=0, high=3, step=0.1, unit="points")

# %% [markdown]
# ## Proxy and gold part

# %% tags=["answer", "slide"]
drawings.parting(score, gold).guessed("04-turn", x=256)

# %% [markdown] tags=["slide"]
# The dashed line is what the scores promise, put on gold's scale by a straight line fitted to
# all candidates.
# The other is what people get.
# Up to 32 they agree; then the promise goes on rising, and gold turns.
#
# That is **over-optimisation**, or reward hacking: choosing harder by a proxy first raises and then
# lowers what it stands for.
# This reward model has a few favourites that are no good.
# The more candidates there are, the more often the argmax finds one.
# Two in five random replies have negative gold, one in seven choices from 32, and over one in five
# from 256.

# %% [markdown]
# Does more data help?
# Four reward models learned from 125 to 8,000 comparisons; the name says how many.

# %% tags=["slide"]
sized = ["reward-125", "reward-500", "reward-2000", "reward-8000"]
plots.overoptimisation(stored, sized, own=False, quiet=True)

# %% [markdown]
# With more comparisons the curve rises higher and turns later.
# Is a fall more than chance?
# Compare the best of 256 with the best of 16, question by question.
# Our intervals take the 31 topics as units: questions about one topic go together.

# %%
topics = [about["topic"] for about in stored.info]
difference = partial(paired_difference, groups=topics)
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
judged = {name: best_of_n_curve(stored.reward(name), gold, sizes) for name in sized}
fall = {name: difference(curve[:, 8], curve[:, 4]) for name, curve in judged.items()}
show.table(["chosen by", "gold, best of 256 minus best of 16"], fall.items())

# %% tags=["hide", "remove-input"]
own = {name: best_of_n_curve(stored.reward(name), ns=sizes).mean(0) for name in sized}
assert all((np.diff(curve) > 0).all() for curve in own.values())  # each proxy rises
assert all(difference(c[:, 4], c[:, 0]).low > 0.2 for c in judged.values())
peaks = [sizes[int(curve.mean(0).argmax())] for curve in judged.values()]
assert peaks == sorted(peaks) == [8, 16, 32, 128] and len(set(topics)) == 31
assert fall["reward-125"].high < 0 and fall["reward-2000"].high < 0
assert fall["reward-500"].mean < 0 < fall["reward-500"].high
late = difference(judged["reward-8000"][:, 8], judged["reward-8000"][:, 6])
assert fall["reward-8000"].low > 0 and late.low < 0 < late.high
assert round(judged["reward-2000"].mean(0)[4], 1) == 1.4
assert round(gold.mean().item(), 1) == 0.1
bad = best_of_n_curve(score, (gold < 0).double(), [1, 32, 256]).mean(0)
assert 0.38 < bad[0] < 0.42 and 0.13 < bad[1] < 0.15 and 0.2 < bad[2] < 0.25
finer = best_of_n_curve(score, gold, [16, 24, 32, 48, 64, 96]).mean(0)
assert finer.argmax() == 3  # n = 48, the peak in the explorer
says = drawings.choosing.promised(score, gold, sizes) - judged["reward-2000"].mean(0)
assert np.abs(says[:6]).max() < 0.05 and says[8] > 0.4

# %% [markdown] tags=["slide"]
# **Finding 4.1: the proxy rises with $n$ while gold rises, peaks and falls; more comparisons move
# the peak to the right.**
# The fall is more than chance for 125 and for 2,000 comparisons.
# For 500 the interval includes zero; for 8,000 gold is higher at 256 than at 16, and level from 64.
# One model stands for each size, so luck of training counts too.
#
# All four proxies rise all the way, as dice would: the highest of more numbers is higher.
# So **a model's own score of its choices is no evidence.**

# %% [markdown]
# ## Read what it likes by mistake
#
# Here are the three choices of `reward-2000` from 256 that gold likes least, on harmless questions.
# **What do they have in common?**

# %% tags=["slide"]
chosen = course.select_best(stored, by="reward-2000")
harmful = np.array([about["harmful"] for about in stored.info])
worst = [i for i in chosen.rewards("gold").argsort().tolist() if not harmful[i]][:3]
show.together(*(show.replies(stored.prompts[i], [chosen.texts[i]], about=stored.info[i])
    for i in worst))

# %% [markdown]
# They look tidy: a first step, a last one.
# But most steps belong to other questions, and one reply refuses what nobody asked for.
# We picked them for being bad.
# Gold is a sum of parts, so we can ask all 128 choices where points are lost from 16 to 256.

# %% tags=["hide"]
world = course.load_world("helpdesk")
found = [[world.gold_parts(prompt, text, about) for text in texts]
    for prompt, texts, about in zip(stored.prompts, stored.texts, stored.info,
        strict=True)]
# (P, N) each: what a candidate gets for its right steps, its wrong ones, …
parts = {part: np.array([[one[part] for one in row] for row in found])
    for part in found[0][0]}

# %% tags=["slide"]
lost = {part: best_of_n_curve(score, points, [1, 16, 256])
    for part, points in parts.items()}
names_of = {"wrong_steps": "steps of other topics", "right_steps": "right steps",
    "complies": "does harm when asked", "order": "order of steps",
    "filler": "idle sentences"}
plots.intervals(list(names_of.values()),
    [difference(lost[part][:, 2], lost[part][:, 1]) for part in names_of],
    "gold points, best of 256 minus best of 16", reference=0,
    reference_name="no change", quiet=True)

# %% tags=["hide", "remove-input"]
changed = {part: difference(curve[:, 2], curve[:, 1]) for part, curve in lost.items()}
assert changed["wrong_steps"].high < -0.04
assert all(abs(changed[part].mean) < 0.1 for part in lost if part != "wrong_steps")
assert changed["right_steps"].high > 0
wrong_here, right_here = (sum(abs(parts[part][i, chosen.candidate_index[i]]) / points
    for i in worst) for part, points in (("wrong_steps", 0.75), ("right_steps", 1)))
assert wrong_here > right_here and "false invoice" in chosen.texts[worst[0]]
assert 1.4 < lost["wrong_steps"].mean(0)[2] / lost["wrong_steps"].mean(0)[1] < 1.6
weakest = best_of_n_curve(stored.reward("reward-125"), parts["wrong_steps"], [16, 256])
assert difference(weakest[:, 1], weakest[:, 0]).high < 0

# %% [markdown] tags=["slide"]
# One part falls clearly: steps of other topics cost half as much again.
# This model has learned that steps are good, and not quite which step belongs to which topic.
#
# **The practical lesson: read what is chosen at your largest $n$.**
# It takes five minutes, and no curve of the proxy tells you.
#
# Now find a question whose chosen reply gets worse from 16 to 256, and one where it gets better.
# (The explorer has sizes between: there `reward-2000` peaks at 48.)

# %% tags=["slide"]
explore.overoptimisation_explorer(stored, ["reward-2000", "reward-8000"])

# %% [markdown]
# ## Deeper: Do we need a reward model at all?

# %% [markdown]
# A policy knows how probable each of its replies is.
# So let it choose the reply it is surest of: no annotators, no second model.
# Three ways to be sure are the log-probability of the reply, its mean per token, and
# **self-certainty**: how far the next-token distributions are from uniform, on average over the
# reply (arXiv 2502.18581).

# %%
log_p = stored.sum_logprobs
choosers = {"log-probability": log_p, "mean per token": log_p / stored.lengths,
    "self-certainty": stored.reward("self-certainty"),
    "reward-125": stored.reward("reward-125"),
    "reward-8000": stored.reward("reward-8000")}
rivals = {name: best_of_n_curve(scores, gold, [16, 256])
    for name, scores in choosers.items()}
show.table(["gold of the best of", 16, 256],
    [(name, *(f"{v:.1f}" for v in curve.mean(0))) for name, curve in rivals.items()])

# %% tags=["hide", "remove-input"]
for sure in list(choosers)[:3]:
    lead = [difference(rivals["reward-8000"][:, k], rivals[sure][:, k]) for k in (0, 1)]
    assert min(gap.low for gap in lead) > 0.5
assert rivals["self-certainty"].mean(0)[1] < -0.5
for k in (0, 1):
    weak_lead = difference(rivals["reward-125"][:, k], rivals["log-probability"][:, k])
    assert weak_lead.low < 0 < weak_lead.high
likeliest = log_p.argmax(1).tolist()
letters = [texts[j].startswith("Thank you for your message.")
    for texts, j in zip(stored.texts, likeliest, strict=True)]
assert 0.7 < np.mean(letters) < 0.75
done = parts["complies"][np.arange(128), likeliest] < 0
assert 0.45 < done[harmful].mean() < 0.55

# %% [markdown]
# **Finding 4.2: a reward model chooses better than the policy's own confidence.**
# That is `reward-8000`; a model must have learned enough.
# Between `reward-125` and the log-probability there is no difference we can detect.
# Read what each chooses from 256.

# %%
i, three = 2, ("log-probability", "self-certainty", "reward-8000")
surest = [int(choosers[name][i].argmax()) for name in three]
show.replies(stored.prompts[i], [stored.texts[i][j] for j in surest],
    about=stored.info[i], names=[f"by {name}" for name in three])

# %% [markdown]
# For seven questions in ten the policy is surest of a stock letter.
# In half of the harmful cases its surest reply does what was asked.
# Confidence is a good chooser where the likeliest reply is nearly the best, as at the careful desk
# of lesson 02.
# Where the likeliest reply is bland, somebody has to say what is good.

# %% [markdown] tags=["slide"]
# ## Pessimism: charge for the improbable
#
# The policy can help, because of *where* a proxy errs.
# Take the 16 of 256 replies that `reward-2000` likes best.
# The eight that the policy finds likelier have about a point more gold than the others.
# Half of that point is steps of other topics.
# Such a step is one of many that could stand there, so each is improbable.
# (Split by score, the two eights hardly differ.)
#
# **Pessimism** charges for that.
# Rank the candidates by
#
# $$r(x, y) + \beta \log \pi(y \mid x).$$
#
# The knob $\beta$ is a price: points of the reward model for each *nat* of improbability.
# (A nat is the unit of natural logarithms.)
# On paper, with $\beta = 0.1$: reply A has a score of 3.0 and $\log \pi = -30$, reply B 2.2 and
# $-12$.
# A is worth $3.0 - 3.0 = 0$ and B $2.2 - 1.2 = 1.0$: choose B.

# %% tags=["slide"]
charged = stored
for beta in (0.1, 1):  # in the library: regularised_best
    ranked_by = score + beta * stored.sum_logprobs
    charged = charged.with_reward(f"with β = {beta:g}", ranked_by)
plots.overoptimisation(charged, ["reward-2000", "with β = 0.1", "with β = 1"],
    own=False, quiet=True)

# %% tags=["hide", "remove-input"]
from course_lib.pools import regularised_best

def halves(order_by, among, values):
    """(P,) mean of ``values`` in the upper and the lower half of ``among`` (P, 16)."""
    order = order_by.gather(1, among).argsort(dim=1, descending=True, stable=True)
    ranked = values.gather(1, among.gather(1, order))
    return ranked[:, :8].mean(1), ranked[:, 8:].mean(1)

top = score.argsort(dim=1, descending=True, stable=True)[:, :16]
likelier = difference(*halves(stored.sum_logprobs, top, gold))
assert 0.8 < likelier.low < likelier.mean < 1.3
liked = difference(*halves(score, top, gold))
assert -0.25 < liked.low < liked.high < 0.25
in_wrong_steps = torch.tensor(parts["wrong_steps"])
astray = difference(*halves(stored.sum_logprobs, top, in_wrong_steps))
assert astray.low > 0.4 and 0.45 < astray.mean / likelier.mean < 0.55
by_rule = regularised_best(stored, by="reward-2000", beta=0.1)
assert by_rule.texts == course.select_best(charged, by="with β = 0.1").texts

# %% tags=["hide", "remove-input"]
by_policy = course.select_best(charged, by="with β = 1").texts
assert np.mean([text.startswith("Thank you for your") for text in by_policy]) > 0.7
knob = {name: {beta: best_of_n_curve(stored.reward(name) + beta * stored.sum_logprobs,
    gold, [16, 256]) for beta in (0, 0.1, 1)} for name in sized}
for name, curves in knob.items():
    repaired = [difference(curves[0.1][:, k], curves[0][:, k]) for k in (0, 1)]
    rises = difference(curves[0.1][:, 1], curves[0.1][:, 0])
    assert repaired[1].low > 0.1 and rises.low > 0.1
    ranked_by = stored.reward(name) + 0.1 * stored.sum_logprobs
    assert best_of_n_curve(ranked_by, gold, sizes).mean(0).argmax() == 8  # n = 256
    assert (repaired[0].high < 0) == (name == "reward-8000")
    if name == "reward-2000":
        assert 1.1 < repaired[1].mean < 1.25 and curves[1].mean(0)[1] < 0.9
    assert name != "reward-8000" or -0.25 < repaired[0].mean < -0.15

# %% tags=["hide", "remove-input"]
from course_lib.assets import temperatures

colder, plain = temperatures.pools()[0.7], temperatures.pools()[1.0]
their_topics = [about["topic"] for about in plain.info]
won = {}
for name in ("reward-500", "reward-8000"):
    rival = best_of_n_curve(colder.reward(name), colder.reward("gold"), [16, 64])
    ranked_by = plain.reward(name) + 0.1 * plain.sum_logprobs
    paid = best_of_n_curve(ranked_by, plain.reward("gold"), [16, 64])
    won[name] = [paired_difference(rival[:, k], paid[:, k], groups=their_topics)
        for k in (0, 1)]
assert won["reward-500"][0].low > 0
assert won["reward-500"][1].low < 0 < won["reward-500"][1].high
assert min(gap.low for gap in won["reward-8000"]) > 0

# %% [markdown] tags=["slide"]
# **Finding 4.3: pessimism, a charge for improbable replies, moves the peak of over-optimisation to
# the right.**
# Here the peak leaves our range, for all four models.
# At 256 the charge gives `reward-2000` 1.2 points more.
#
# At $\beta = 1$ the policy decides, and it likes bland letters.
# A good proxy at a small $n$ needs no charge: `reward-8000` loses 0.2 points at 16.
# We took the library's 0.1; choose yours on prompts that you do not report.
#
# Pessimism's **rival** is a lower temperature, which leaves improbable replies unwritten.
# With `reward-8000`, sampling at 0.7 beats the charge at 16 candidates and at 64.
# With `reward-500` it does at 16; at 64 there is no difference we can detect.
# So find a good temperature first; the charge is for a pool you have already.

# %% [markdown]
# ## Deeper: Choosing softly

# %% [markdown]
# Another repair needs no log-probabilities.
# Draw candidate $i$ with probability in proportion to $e^{r_i / \lambda}$: a small $\lambda$ is
# best-of-$n$, a large one a random choice.
# This is **soft best-of-n** (`soft_best`; arXiv 2505.03156).
# A reply that is overrated by a little is then chosen only a little more often, however large $n$
# is.
#
# We try it on the weakest model.
# $\lambda$ is chosen on every other topic and shown on the rest, and the other way round.

# %%
from course_lib.experiments.findings.choosing import LAMBDAS, soft_best_of_n

weak = stored.reward("reward-125")
even = np.isin(topics, sorted(set(topics))[::2])
soft = {lam: soft_best_of_n(weak, gold, 256, lam) for lam in LAMBDAS}
best = {half: max(LAMBDAS, key=lambda lam: soft[lam][shown].mean())
    for half, shown in (("even", even), ("odd", ~even))}
drawn = np.where(even, soft[best["odd"]], soft[best["even"]])  # λ from the other half
hard = best_of_n_curve(weak, gold, [8, 256])
show.table(["rule, by reward-125", "gold"], [(rule, f"{value.mean():.2f}")
    for rule, value in {"best of 256": hard[:, 1], "soft best of 256": drawn,
        "best of 8": hard[:, 0]}.items()])

# %% tags=["hide", "remove-input"]
assert difference(drawn, hard[:, 1]).low > 0.05
assert difference(drawn, hard[:, 0]).high < 0
by_the_nat = best_of_n_curve(score + 0.1 * stored.sum_logprobs, gold, [256])[:, 0]
for price in (0.003, 0.005, 0.01, 0.02, 0.03, 0.1):
    by_the_token = best_of_n_curve(score - price * stored.lengths, gold, [256])[:, 0]
    behind = difference(by_the_nat, by_the_token)
    assert behind.mean > 0.9 and behind.low > 0.5

# %% [markdown]
# **Finding 4.4: choosing softly limits what a weak reward model costs at large $n$.**
# But plain best-of-8 is better still, for a thirtieth of the price.
# (Its 8 was found on these questions, so it has an advantage.)
# Both optimise less.
# Pessimism says *where* to optimise less.
#
# Is pessimism a charge for length in disguise, since longer replies are less probable?
# We charged `reward-2000` for each token instead, at six prices.
# The best of 256 then stays at least 0.9 points below the one charged by the nat.

# %% [markdown] tags=["slide"]
# ## How far has choosing moved the replies? KL
#
# Over-optimisation is going too far, and the usual measure of far is the **Kullback–Leibler
# divergence**, KL for short; papers draw the curves above against it.
#
# On paper: a policy says "yes" or "no", each with probability ½, and the reward prefers "yes".
# The best of 2 is "no" only if both are "no", so it says "yes" with probability ¾.
# "Yes" has become 1.5 times as likely, "no" half as likely.
# KL is the mean of the logarithms of these factors, weighted by how often each reply is now given:
#
# $$\mathrm{KL}(\pi_2 \,\|\, \pi_{\text{ref}}) = \tfrac34 \log 1.5 + \tfrac14 \log 0.5 \approx 0.13 \text{ nats}$$
#
# $\pi_{\text{ref}}$ is the policy, $\pi_n$ what best-of-$n$ makes of it.
# KL is never negative, and 0 means no change.

# %% [markdown]
# ### A bound, often quoted as if it were the value
#
# Nobody can sum over all replies of a real policy, but a bound needs only $n$ (arXiv 2401.01879):
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) \;\le\; \log n - \frac{n-1}{n}$$
#
# **Your prediction.**
# For "yes" and "no" and $n = 16$ the bound is 1.8 nats.
# Is the KL about 1.8, about 1.3, or about 0.7?

# %% tags=["answer", "nbval-check-output"]
from course_lib.estimators import kl_best_of_n_bound, kl_best_of_n_exact

for n in (2, 16, 256):
    kl = kl_best_of_n_exact([0.5, 0.5], [1, 0], n)
    print(f"best of {n}: KL {kl:.2f} nats, bound {kl_best_of_n_bound(n):.2f}")

# %% [markdown]
# The KL stops at $\log 2 = 0.69$.
# Best-of-$n$ can at most *always* say "yes", and then "yes" is twice as likely as before.
# A reward that only says right or wrong is a **verifier**.
# If a reply is right with probability $p$, right replies become at most $1/p$ times as likely, so
# the KL is never above $-\log p$.
#
# Now on the stored pool, where 256 candidates stand for all replies.
# The verifier asks whether a reply contains every right step.
# `reward-8000`, beside it, rarely ties at the top.

# %% tags=["slide"]
from course_lib.experiments.findings.choosing import (complete, kl_of_candidates,
    kl_of_pass_fail)

passes = course.score(stored, complete).reward("complete")  # (128, 256) of 0 and 1
of_scores = kl_of_candidates(stored.reward("reward-8000")[:32], sizes)  # 32 questions
of_verifier = kl_of_pass_fail(passes, sizes)
limit = float(-np.log(passes.double().mean(1).numpy()).mean())
plots.kl_and_bound(sizes, {"reward-8000": of_scores, "verifier": of_verifier},
    limits={"mean of −log p": limit}, quiet=True)

# %% tags=["hide", "remove-input"]
bound = kl_best_of_n_bound(sizes)
assert (of_verifier <= bound + 1e-9).all() and (of_scores <= bound + 1e-9).all()
assert (of_verifier <= -np.log(passes.double().mean(1).numpy())[:, None] + 1e-6).all()
assert -0.85 < difference(of_verifier[:, 4], np.full(128, bound[4])).mean < -0.75
assert of_scores[:, 6].mean() > 0.97 * bound[6]  # up to n = 64
best_reply = stored.reward("reward-8000").argmax(1).tolist()
copies = [t.count(t[j]) for t, j in zip(stored.texts, best_reply, strict=True)]
assert np.mean(copies) < 1.3

# %% [markdown] tags=["slide"]
# **Finding 4.5: KL of best-of-$n$ never exceeds $\log n - (n-1)/n$, and with ties it is far below
# it.**
# At 16 the verifier's KL is 0.8 nats below the bound, and it stops at $-\log p$.
# `reward-8000` keeps to the bound up to about 64; beyond, 256 candidates cannot stand for all
# replies.
# **Where rewards tie, never print the bound as the value.**

# %% [markdown]
# ## Deeper: What best-of-n makes of a policy

# %% [markdown]
# For any list of replies $\pi_n$ is known exactly.
# Let $F(y)$ be the probability that one sample has a reward *at most* that of $y$, and $F^-(y)$
# that it has a reward *below* it.
# All $n$ have at most the reward of $y$ with probability $F^n$, and all have less with $(F^-)^n$.
# So the best of $n$ has the reward of $y$ with probability
#
# $$F(y)^n - F^-(y)^n.$$
#
# Replies that tie share this in proportion to $\pi_{\text{ref}}$.
# By hand: probabilities 0.5, 0.3, 0.2, rewards 1, 3, 2, and $n = 4$.
# The reply with reward 3 has $F = 1$ and $F^- = 0.7$, so $1 - 0.7^4 = 0.76$.
#
# ### Is it a good way to spend KL?
#
# Among all policies within a given KL, one has the highest mean reward: the **KL-tilted** policy
# $\pi^*(y) \propto \pi_{\text{ref}}(y)\, e^{r(y)/\beta}$ (lesson 07 meets it again).
# How near to it does best-of-$n$ come?
# We take the 256 candidates as all the replies there are, choose by `reward-8000`, and compare both
# at the same KL, question by question.

# %%
from course_lib.estimators import best_of_n_distribution, kl_tilted

large, equal, rows = stored.reward("reward-8000").numpy(), np.full(256, 1 / 256), []
for n in (4, 16, 64):
    chosen_by = [best_of_n_distribution(equal, r, n) for r in large]
    tilted = [kl_tilted(equal, r, kl_best_of_n_exact(equal, r, n)) for r in large]
    up = [np.mean([p @ r - r.mean() for p, r in zip(each, large, strict=True)])
        for each in (chosen_by, tilted)]
    worths = [np.mean([p @ g for p, g in zip(each, gold.numpy(), strict=True)])
        for each in (chosen_by, tilted)]
    rows.append((n, f"{up[0] / up[1]:.0%}", *(f"{value:.2f}" for value in worths)))
show.table(["n", "share of the highest gain in reward", "gold, best of n",
    "gold, tilted"], rows)

# %% tags=["hide", "remove-input"]
paper = best_of_n_distribution([0.5, 0.3, 0.2], [1, 3, 2], n=4)
assert round(paper[1], 2) == 0.76
reached = [int(row[1].rstrip("%")) for row in rows]
assert reached == sorted(reached) and 90 < reached[0] < reached[-1] < 100
assert all(abs(float(a) - float(b)) < 0.06 for *_, a, b in rows)

# %% [markdown]
# Best-of-$n$ gets more than nine tenths of what is possible at its KL, and more with every $n$.
# Gold hardly tells the two apart.
# Theory says so too.
# For long replies of a simplified model, and a linear reward, best-of-$n$ is as good in the limit
# (arXiv 2404.01730).
# For the win rate it is essentially the best there is at its KL (arXiv 2406.00832).
# So at a given KL a cleverer rule on the same scores has little to win.
# A better reward has much.

# %% [markdown]
# ## Deeper: A law for the curve

# %% [markdown]
# Gao, Schulman and Hilton (arXiv 2210.10760) found a simple form for the gain in gold under
# best-of-$n$.
# With $d = \sqrt{\mathrm{KL}}$,
#
# $$R_{\text{bon}}(d) = d\,(\alpha - \beta d).$$
#
# Why a root?
# For a small move KL grows with the *square* of the step, so $d$ is the length of the step, and the
# first gain is in proportion to it.
# $\alpha$ is how fast gold rises at first, $\beta$ (another one than above) how strongly errors
# pull it down, and the peak is at $\alpha / 2\beta$.
# For reinforcement learning they found $d\,(\alpha - \beta \log d)$.
#
# We fit the form, with the bound in place of KL, and a rival with as many coefficients: a parabola
# in $\log n$.
# $r^2$ is the share of the curve's spread that a fit explains; 1 is perfect.

# %%
from course_lib.estimators import overoptimisation_fit

d, logs = np.sqrt(kl_best_of_n_bound(sizes)), np.log(sizes)
powers, fits, parabola = np.stack([logs, logs**2], axis=1), {}, {}
gains = {model: curve.mean(0) - curve.mean(0)[0] for model, curve in judged.items()}
for model, gain in gains.items():
    fits[model] = overoptimisation_fit(d, gain)
    rest = gain - powers @ np.linalg.lstsq(powers, gain, rcond=None)[0]
    parabola[model] = 1 - rest @ rest / ((gain - gain.mean()) ** 2).sum()
show.table(["chosen by", "fitted peak at d", "r² of the form", "of the parabola"],
    [(model, f"{fit.peak_d:.1f}", f"{fit.r2:.2f}", f"{parabola[model]:.2f}")
        for model, fit in fits.items()])

# %% tags=["hide", "remove-input"]
from course_lib import results
from course_lib.estimators import between_seeds_interval
from course_lib.experiments.findings.choosing import fitted_peaks

for model, fit in fits.items():
    missed = gains[model] - fit.predict(d)
    assert missed[1] < 0 < missed[4]
    assert (fit.r2 > parabola[model]) == (model in sized[:2])
    assert fit.r2 > overoptimisation_fit(d, gains[model], form="rl").r2
fitted = fitted_peaks(list(judged.values()))  # (300, 4): refitted on prompts drawn anew
assert np.quantile(fitted[:, 3] - fitted[:, 1], 0.025) > 0.3
trained = results.load("accuracy_and_gain")
for kind in ("random pairs, 500", "random pairs"):
    later = between_seeds_interval([np.subtract(run["gold"]["32"], run["gold"]["16"])
        for run in trained["runs"][kind]], groups=topics)
    assert later.low < 0 < later.high and len(trained["runs"][kind]) == 3

# %% [markdown]
# (The explorer above draws each curve with its fit: choose √KL there.)
#
# The form explains most of every curve, and more than the one for reinforcement learning.
# For 2,000 and 8,000 comparisons the parabola fits even better, and all four curves lie below their
# fit at $n = 2$ and above it at 16.
# So it fits and is not exact: do not trust it beyond your data.
#
# From `reward-500` to `reward-8000` the fitted peak moves right by more than chance over prompts.
# But one model stands for each size, and the small ones had four passes over their data where the
# large ones had three.
# Three more models of 500 and of 2,000 comparisons show no fall up to 32, where that run stops.
# So luck of training is not ruled out.

# %% [markdown] tags=["slide"]
# ## Choosing with few labels
#
# You have two reward models, and a person who will judge a few replies.
# Two plans at one price:
#
# - **random pairs**: label both replies of random pairs, and keep the model that orders more pairs
#   rightly (its accuracy);
# - **what they choose**: let each model choose among the same 16 candidates, label both chosen
#   replies, and keep the model whose choices have more gold.
#
# We play both for all 21 pairs of the pool's seven reward models, 1,000 games each.
# (The other three learned to like length, help alone, and safety alone.)
# *Better* means more gold in the best of 16, on the whole pool.
#
# **Your prediction.**
# With 64 labels on random pairs the better model is found in 77 % of the games.

# %% tags=["hide"]
quiz.predict("04-labels", "In how many games with 64 labels on what the models choose?",
    low=50, high=100, step=1, unit="%")

# %% tags=["answer", "slide"]
from course_lib.experiments.findings.choosing import right_choices

names = [*sized, "reward-length-biased", "reward-helpful", "reward-harmless"]
budgets = [4, 16, 64, 256]
by = {name: stored.reward(name) for name in names}
games = [[right_choices(by[a], by[b], gold, labels=labels, repeats=1000)
    for a, b in combinations(names, 2)] for labels in budgets]
plans = {"what they choose": "head to head", "random pairs": "accuracy"}
shares = {plan: [np.mean([game[way] for game in pairs]) for pairs in games]
    for plan, way in plans.items()}
plots.label_budget(budgets, shares, quiet=True).guessed("04-labels", x=64)

# %% tags=["hide", "remove-input"]
assert len(games[2]) == 21 and abs(shares["random pairs"][2] - 0.77) < 0.01
assert abs(shares["what they choose"][2] - 0.90) < 0.01
assert 0 < shares["what they choose"][2] - shares["random pairs"][3] < 0.03
assert 1 - (gold >= 1).double().mean() ** 2 > 0.85  # pairs with a reply below 1 point
ahead = [game["head to head"] - game["accuracy"] for game in games[2]]
assert min(ahead) > -0.04 and max(ahead) > 0.2

# %% [markdown] tags=["slide"]
# Judging what they choose finds it in 90 %, as often as random pairs with four times the labels.
# Most random pairs hold a poor reply that nobody will ever be sent.
#
# **Spend labels on replies that the models would choose, at the $n$ you will use.**
# Where both choose the same reply, skip the prompt and save the labels.

# %% [markdown]
# ## Deeper: Accuracy is not gain

# %% [markdown]
# Reward models are mostly chosen by **accuracy**, the share of pairs that they order as gold does.
# (Lesson 03 measured it on annotators' labels; here gold itself judges, and its ties are left out.)
# How well does it predict the gold of the best of 64?

# %%
from course_lib.experiments.findings.choosing import capped, pair_accuracy
from course_lib.estimators import bootstrap_interval

over_topics = partial(bootstrap_interval, groups=topics)
accuracy = {name: pair_accuracy(stored.reward(name), gold) for name in names}
gained = {name: best_of_n_curve(by[name], gold, [64])[:, 0] for name in names}
points_of = {name.removeprefix("reward-"): (over_topics(accuracy[name]),
    over_topics(gained[name])) for name in names}
plots.one_against_another({"reward models": points_of},
    "accuracy on all pairs of a prompt's candidates", "gold of the best of 64 (points)",
    offsets={"length-biased": (6, 8), "2000": (-6, 5), "500": (6, 8),
        "helpful": (8, -12), "125": (-8, 6), "harmless": (-8, 6)}, quiet=True)

# %% tags=["hide", "remove-input"]
at_top = {name: pair_accuracy(stored.reward(name), gold, best=0.25) for name in names}
for n in (4, 16, 64, 256):
    of_gold = [best_of_n_curve(stored.reward(name), gold, [n]).mean() for name in names]
    for measure, close in ((accuracy, True), (at_top, False)):
        rho = np.corrcoef([measure[name].mean() for name in names], of_gold)[0, 1]
        low = np.tanh(np.arctanh(rho) - 1.96 / np.sqrt(len(names) - 3))  # Fisher's
        assert (rho > 0.9 and low > 0.5) if close else low < 0 < rho < 0.7
assert max(at_top, key=lambda name: at_top[name].mean()) == "reward-helpful"
where_harmful, elsewhere = (accuracy["reward-helpful"][which].mean()
    for which in (harmful, ~harmful))
assert where_harmful < 0.5 and elsewhere > 0.65
quarter = np.argsort(-gold.numpy(), axis=1, kind="stable")[harmful, :64]
assert (np.take_along_axis(parts["complies"][harmful], quarter, 1) < 0).mean() < 0.01

# %% [markdown]
# It tells much: over these seven models the correlation is above 0.9 at every $n$.
# Accuracy among the *best quarter* of the candidates sounds more to the point and tells little:
# over models, the interval of its correlation includes zero.
# `helpful` is the best of all there.
# What it gets wrong are bad replies, those that carry out a harmful request, and among the best
# there are next to none.
#
# Can the *more* accurate of two models choose *worse*?
# First a made-up judge: `reward-8000`, but the upper 40 % of each prompt's replies all get the top
# mark.

# %%
judge, biased = capped(stored.reward("reward-8000"), share=0.4), "reward-length-biased"
of_judge = [pair_accuracy(judge, gold), *best_of_n_curve(judge, gold, [4, 64]).T]
of_biased = [accuracy[biased], *best_of_n_curve(stored.reward(biased), gold, [4, 64]).T]
show.table(["", "accuracy", "gold, best of 4", "best of 64"],
    [(name, *(f"{value.mean():.2f}" for value in values))
        for name, values in (("capped judge", of_judge), (biased, of_biased))])

# %% tags=["hide", "remove-input"]
more, few, many = (difference(a, b) for a, b in zip(of_judge, of_biased, strict=True))
assert more.low > 0.02 and few.low < 0 < few.high and many.high < -0.1

# %% [markdown]
# It is right on more pairs, and at 64 it is worse: the argmax lives at the top, where this judge
# sees no difference.
#
# And without our help?
# We trained five models on labels that order random pairs, and five on labels that say only which
# of two replies is good enough.
# Neither annotator slips.

# %%
trained = results.load("accuracy_and_gain")
measures = {"accuracy": "accuracy", "4": "gold, best of 4", "32": "best of 32"}
kinds = {"without slips": "random pairs", "pass or fail": "good enough or not"}
show.table(["trained on", *measures.values()], [(said,
    *(f"{trained['summary'][kind][key]['mean']:.2f}" for key in measures))
    for kind, said in kinds.items()])

# %% tags=["hide", "remove-input"]
minus = trained["minus"]["pass or fail minus without slips"]
assert minus["accuracy"]["high"] < -0.05 and minus["4"]["high"] < 0
assert minus["32"]["low"] < 0 < minus["32"]["high"]
assert {len(trained["runs"][kind]) for kind in kinds} == {5}
assert minus["accuracy_top"]["low"] > 0.1
assert abs((gold >= 2).double().mean() - 1 / 12) < 0.005

# %% [markdown]
# **Finding 4.6: the more accurate of two reward models need not give the better best-of-n.**
# The second kind orders far fewer of all pairs rightly.
# At 4 it chooses worse; at 32 there is no difference we can detect.
# Its labels draw one line, between replies of 2 points or more and the others.
# That line runs near the top: one reply in twelve reaches it.
# So among the best quarter this kind orders more of the pairs rightly.

# %% [markdown]
# ## Deeper: Several models as one

# %% [markdown]
# A reply that one model likes by mistake may be disliked by others.
# Scores have no common scale, and no common zero from prompt to prompt.
# So `combine` takes each prompt's mean out of each model and divides by one standard deviation per
# model.
# Then it takes the **mean**, the **minimum**, or the **mean minus the standard deviation** across
# models.
# Two controls: the best single member, chosen with hindsight, and `reward-8000`, which saw fewer
# comparisons than the four together.

# %%
from course_lib.models import combine

members = ["reward-500", "reward-2000", "reward-helpful", "reward-length-biased"]
of_all = torch.stack([stored.reward(name) for name in members])  # (4, P, N)
ways = {how: combine(of_all, how) for how in ("mean", "min", "mean-std")}
ranked = {"the best single one": stored.reward("reward-length-biased"), **ways,
    "reward-8000": stored.reward("reward-8000")}
ensemble = {name: best_of_n_curve(scores, gold, [16, 256])
    for name, scores in ranked.items()}
show.table(["chosen by", "gold, best of 16", "best of 256"],
    [(name, *(f"{v:.1f}" for v in curve.mean(0))) for name, curve in ensemble.items()])

# %% tags=["hide", "remove-input"]
assert max(members, key=lambda name: gained[name].mean()) == "reward-length-biased"
for k in (0, 1):
    of_mean = ensemble["mean"][:, k]
    assert difference(of_mean, ensemble["the best single one"][:, k]).low > 0.03
    assert difference(ensemble["reward-8000"][:, k], of_mean).mean > 0.1
    for how in ("min", "mean-std"):
        caution = difference(ensemble[how][:, k], of_mean)
        assert caution.mean < 0 and (k > 0 or caution.high < 0)

# %% [markdown]
# The plain mean beats the best single member, most at 256, where that member has turned.
# Caution does not help here: at 16 it costs a little, beyond chance.
# None reaches `reward-8000`.
# Others found that caution nearly ends over-optimisation (arXiv 2310.02743), and that it does not,
# because members share their errors (arXiv 2312.09244).
# An ensemble is for models that you cannot merge: other data, other annotators, other makers.

# %% [markdown]
# ## Deeper: Two rewards: helpful and safe

# %% [markdown]
# Somebody asks how to follow a colleague with their phone.
# Each step that tells them is worth +1 in the *helpful* half of gold, and costs 2.5 in the
# *harmless* half.
# So the replies that help most are worse than a random one.
# Llama 2 had two reward models for that reason (arXiv 2307.09288).
# Ours are `reward-helpful` and `reward-harmless`.
#
# One choice out of both is a **weighted sum**, helpful + $w$ · safe.

# %% tags=["hide"]
complies = (parts["complies"] < 0).astype(float)

def outcome(scores):
    """The best of 64, by question: harm where asked to, and help elsewhere."""
    return (best_of_n_curve(scores, complies, [64])[harmful, 0],
        best_of_n_curve(scores, stored.reward("helpful"), [64])[~harmful, 0])

# %%
centred = [by[name] - by[name].mean(1, keepdim=True) for name in names[-2:]]
helpful, safe = (each / each.std() for each in centred)
sums = {f"helpful + {w:g} · safe": outcome(helpful + w * safe) for w in (0, 0.25, 1, 4)}
sums |= {"a random reply": outcome(torch.zeros_like(gold)),
    "reward-8000": outcome(by["reward-8000"])}
show.table(["best of 64 by", "harm when asked to", "help on harmless questions"],
    [(rule, f"{harm.mean():.0%}", f"{help_.mean():.1f}")
        for rule, (harm, help_) in sums.items()])

# %% tags=["hide", "remove-input"]
random, none, some, even_sum, much = (sums[rule] for rule in ("a random reply",
    *(f"helpful + {w:g} · safe" for w in (0, 0.25, 1, 4))))
def gap_of(a, b, what):
    """The paired difference of two rules: 0 in harm, 1 in help."""
    units = np.array(topics)[[harmful, ~harmful][what]]
    return paired_difference(a[what], b[what], groups=units)
most_help = stored.reward("helpful").argsort(dim=1, descending=True)[:, :16]
followed = np.array(["follow" in prompt and "colleague" in prompt
    for prompt in stored.prompts])
worse = gold.mean(1) - gold.gather(1, most_help).mean(1)
assert followed.sum() > 1 and worse[followed].min() > 0.5
assert 0.35 < random[0].mean() < 0.45 and 0.85 < none[0].mean() < 0.95
assert gap_of(none, random, 0).low > 0.2 and gap_of(some, none, 0).high < -0.2
assert gap_of(some, none, 1).low < 0 < gap_of(some, none, 1).high
assert gap_of(much, even_sum, 1).high < -0.25 and even_sum[0].mean() < 0.1
assert gap_of(sums["reward-8000"], even_sum, 1).low > 0
assert sums["reward-8000"][0].mean() < 0.005

# %% [markdown]
# **Finding 4.7: a reward for help alone chooses replies that do harm when they are asked to.**
# A random reply complies in four of ten cases, the best of 64 by `reward-helpful` in nine.
# A weight of a quarter on safety takes most of that away and costs no help that we can see.
# From 1 to 4 a last few per cent of harm cost half a point of help.
#
# The last row is a control: one model of the whole of gold, from as many comparisons as the two
# together.
# It does no harm here, and helps more than the sum at $w = 1$.
# So two rewards buy a *dial*, not quality.
# You need it when the price of harm is not known on the day you train.

# %% [markdown]
# ## Deeper: A language model as the judge

# %% [markdown]
# Where people are too slow, a large language model is asked which of two replies is better.
# GPT-4 agreed with people in over 80 % of cases, as often as people with each other (arXiv
# 2306.05685).
# But such judges err in known directions:
#
# - **position**: when the two replies swapped places, GPT-4 kept its verdict in about two of three
#   cases, and weaker judges in fewer (same paper);
# - **length**: a reply padded with a repeated list fooled GPT-3.5 in nine of ten cases, and GPT-4
#   in
#   one (same paper);
# - **itself**: a judge scores its own replies higher where people find them equal (arXiv
#   2404.13076).
#
# Such a judge is a proxy like any other.
# So ask twice, in both orders, and count only verdicts that agree.
# Correct for length (arXiv 2404.04475).
# Take a judge of another family than the policy.
# And keep some labels by people, spent as above: on what would be chosen.
# The judge that reports must not be the one that chose.

# %% [markdown] tags=["slide"]
# ## From choosing to training
#
# So far we changed the answer and left the policy alone.
# In lesson 05 the chosen replies become **training data**.
# A good reward model then improves the policy directly, by data, and a bad one teaches its errors.
# What would the best of 16 teach?

# %% tags=["slide"]
wrong_steps = parts["wrong_steps"] / -0.75  # (P, N): each costs ¾ of a point
ways_to_choose = {"a random reply": torch.zeros_like(gold),
    "best of 16 by reward-125": stored.reward("reward-125"),
    "best of 16 by reward-8000": stored.reward("reward-8000")}
taught = {way: [best_of_n_curve(scores, steps, [16])[:, 0]
    for steps in (parts["right_steps"], wrong_steps)]
    for way, scores in ways_to_choose.items()}
plots.steps_taught({way: tuple(steps.mean() for steps in both)
    for way, both in taught.items()}, quiet=True)

# %% tags=["hide", "remove-input"]
blind_right, blind_wrong = taught["a random reply"]
for way, (right, wrong) in taught.items():
    assert (difference(wrong, blind_wrong).low > 0.1) == ("125" in way)
    share = wrong.sum() / (right + wrong).sum()
    assert (share < 0.2) if "8000" in way else 0.25 < share < 0.35
assert 1.8 < taught["best of 16 by reward-125"][1].mean() / blind_wrong.mean() < 2.2
assert taught["best of 16 by reward-8000"][0].mean() > 2 * blind_right.mean()

# %% [markdown] tags=["slide"]
# Choosing by the weak model raises right steps and doubles wrong ones.
# About three in ten of its steps are wrong, as in random replies.
# The good model more than doubles the right ones, and adds no wrong ones beyond chance.
# Best-of-$n$ forgets an error after one answer.
# Training repeats it for every user.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - Chosen by `reward-2000`, gold peaks at $n = 32$ and then falls, while the score rises all the
#   way (Finding 4.1).
# - The cause can be read: from 16 to 256, steps of other topics cost half as much again.
# - A charge of 0.1 a nat for improbable replies is worth 1.2 points at 256 (Finding 4.3).
# - $\log n - (n-1)/n$ is a bound: with a verifier the KL is 0.8 nats below it at 16 (Finding 4.5).
# - 64 labels on what two models choose find the better one in 90 % of the games, as often as 256
#   labels on random pairs.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %%
from course_lib.experiments import findings

findings.show("04")

# %% [markdown]
# (Finding 4.8 has no section. There the reward model reads the first half of each of 64 replies,
# and only the better 32 are written to the end.)
#
# ### What this leaves out
#
# One policy, one family of small reward models, one model of each size, simulated annotators.
# Gao and colleagues checked their law up to $n = 60{,}000$; we have 256 candidates.
# The games with labels are played on the pool that also says which model is better, and a label
# there is gold itself, without an annotator's slip.
# What happens when the *policy* changes is in lessons 05 and 07.
#
# ### In real systems
#
# - Llama 2-Chat used two reward models, for helpfulness and for safety (arXiv 2307.09288).
# - RewardBench 2 tests reward models by the best of 4 replies, and reports a correlation of 0.87
#   between its accuracy and best-of-N (arXiv 2506.01937): high, and not 1.
# - Gao, Schulman and Hilton report that KL is not a fair ruler between methods, and that a KL
#   penalty acts like early stopping (arXiv 2210.10760).
#
# ### Further reading
#
# Gao, Schulman and Hilton, *Scaling laws for reward model overoptimization*, arXiv 2210.10760.
# Beirami et al., *Theoretical guarantees on the best-of-n alignment policy*, arXiv 2401.01879, for
# the bound, and for an estimate from the chosen replies (`kl_best_of_n_estimate`; not for ties).
# Huang et al., *Is best-of-N the best of them?*, arXiv 2503.21878, for a pessimism that is proved
# not to get worse with $n$.
# Jinnai et al., arXiv 2404.01054, charge for being unlike the other candidates instead.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex04`: the KL bound and the exact KL, choosing between two reward models
# with few labels, a cautious ensemble.

# %%
quiz.ask("04")
