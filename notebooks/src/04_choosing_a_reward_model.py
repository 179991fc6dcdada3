# %% [markdown]
# # Choosing a reward model: over-optimisation
#
# **You will:** watch a proxy rise while what we want falls, measure how far choosing has moved the
# replies (KL), fit a law to the curve, and choose between reward models: by accuracy, by their
# choices, and on a small budget of labels.
#
# **Builds on:** lesson 01 (best-of-N, the estimator, intervals), lesson 03 (reward models).
#
# **Time:** 70 minutes to read and do; the cells run in well under a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import explore, plots
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

print("chosen by the proxy:", proxy.argmax(1).tolist(), "  by gold:", gold.argmax(1).tolist())
curve = best_of_n_curve(proxy, gold, ns=[1, 2, 3, 4]).mean(0)
print("gold of the best of 1, 2, 3, 4 by the proxy:", [round(float(v), 2) for v in curve])
print(f"pairs in the right order: {pair_accuracy(proxy, gold).mean():.2f}")

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
# Four reward models were trained on 125, 500, 2,000 and 8,000 comparisons by simulated annotators;
# the name says how many.
# Each has scored every candidate, and gold has judged every candidate, so best-of-$n$ can be
# computed for any $n$ up to 256 without sampling again.
#
# **Your prediction.**
# Sketch two curves against $n$ for `reward-500`: its own score of the reply it chooses, and gold of
# that reply.
# Then a second gold curve, for `reward-8000`.
# Where do they turn?

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
sized = ["reward-125", "reward-500", "reward-2000", "reward-8000"]
plots.overoptimisation(stored, sized, quiet=True)

# %% [markdown]
# On the left each model is pleased with itself, all the way.
# (Scores of different models have no common scale, so each curve shows by how many of its own
# standard deviations it rises.)
# The worst model's curve is among the highest: the left panel does not say which model is good.
#
# On the right is gold.
# The model of 500 turns at 16, early; the model of 8,000 hardly turns at all.
# Is the fall more than chance?
# Compare prompt by prompt.

# %%
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
judged = {name: best_of_n_curve(stored.reward(name), stored.reward("gold"), sizes)
    for name in sized}
rise = {name: paired_difference(curve[:, 4], curve[:, 0]) for name, curve in judged.items()}
fall = {name: paired_difference(curve[:, 8], curve[:, 4]) for name, curve in judged.items()}
for name in sized:
    print(f"{name:12} gold, 1 → 16: {rise[name]}    16 → 256: {fall[name]}")
late = paired_difference(judged["reward-8000"][:, 8], judged["reward-8000"][:, 6])
print(f"reward-8000, from its highest point, 64 → 256: {late}")

# %%
own = {name: best_of_n_curve(stored.reward(name), ns=sizes).mean(0) for name in sized}
assert all((np.diff(curve) > 0).all() for curve in own.values())     # the proxy rises all the way
assert all(rise[name].low > 0 for name in sized)                     # gold rises
assert all(fall[name].high < 0 for name in sized[:3])                # and falls
assert abs(fall["reward-8000"].mean) < 0.2

# %% [markdown]
# **Finding 5, first half: the proxy rises with $n$ while gold rises, peaks and falls.**
# For 125, 500 and 2,000 comparisons the fall is more than chance.
# For 8,000, gold at 16 and at 256 is about the same.
# The fall from 64 is only just beyond chance, and we picked 64 after looking at the curve: count it
# as not proven.
#
# ## Read what a weak proxy likes
#
# Here are the replies that `reward-500` likes best of 256 and that gold likes least.
# **Read them before you read on. What do they have in common?**

# %%
among_16 = course.select_best(stored.first(16), by="reward-500")
among_256 = course.select_best(stored, by="reward-500")
for i in among_256.rewards("gold").argsort()[:6].tolist():
    print(
        f"{stored.prompts[i]}\n   gold {among_256.rewards('gold')[i]:5.2f}   {among_256.texts[i]}")

# %% [markdown]
# They sound confident, often with a courtesy at the end.
# But the steps belong to other questions, one reply is rude, two refuse something that nobody asked
# for.
# These six were picked because they are bad.
# And all 128 choices, beside a random candidate?
# `gold_parts` says where the points of a reply come from.

# %%
world = course.load_world("helpdesk")
found = [[world.gold_parts(prompt, text, about) for text in texts]
    for prompt, texts, about in zip(stored.prompts, stored.texts, stored.info, strict=True)]
# (P, N) each
parts = {part: np.array([[one[part] for one in row] for row in found]) for part in found[0][0]}

# %%
rows = np.arange(stored.P)
for part, value in parts.items():
    random, few = value[:, :16].mean(1), value[rows, among_16.candidate_index]
    more, many = paired_difference(few, random), value[rows, among_256.candidate_index]
    change = paired_difference(many, few)
    print(f"{part:12} random {random.mean():5.2f}   best of 16: {more:+.2f}   from there to 256: "
        f"{change:+.2f}")
    assert part != "wrong_steps" or (change.high < 0 and more.low < 0.05
        and many.mean() < 1.5 * few.mean())

# %% [markdown]
# Beside a random candidate, the best of 16 has more right steps, more refusals where they are due,
# no help with harmful requests, and less filler.
# It is not more polite.
# And it has about as many wrong steps as a random reply (the interval includes zero).
#
# From 16 to 256 one change is more than chance: steps of another topic cost over half as much
# again.
# So this model has learnt some of what makes a reply good, but not which step belongs to which of
# the 32 topics.
# Among 16 candidates the one that looks best is mostly a good one.
# Among 256 there are some that look better than any good one, and are about something else.
#
# **This is the practical lesson: read what is chosen at your largest $n$.**
# It takes five minutes, and no curve of the proxy can tell you.

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
# $\pi_n$ is what best-of-n makes of $\pi_{\text{ref}}$; a *nat* is the unit of natural logarithms.
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
from course_lib.estimators import best_of_n_distribution, kl_best_of_n_bound, kl_best_of_n_exact

probabilities, rewards = np.array([0.5, 0.3, 0.2]), np.array([1.0, 3.0, 2.0])
exact = best_of_n_distribution(probabilities, rewards, n=4)
draws = np.random.default_rng(0).choice(3, size=(100_000, 4), p=probabilities)
chosen = np.take_along_axis(draws, rewards[draws].argmax(1)[:, None], 1)
simulated = np.bincount(chosen[:, 0], minlength=3) / 100_000
print("formula", exact.round(3), "  simulation", simulated.round(3))
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
for n in (2, 4, 16, 256):
    two = kl_best_of_n_exact([0.5, 0.5], [1, 0], n)
    print(f"n = {n:<3}   exact {two:.3f}   bound {kl_best_of_n_bound(n):.3f}")
print(f"log 2 = {np.log(2):.3f}")

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
    return float(all(step.lower() in text.lower() for step in right_steps(info["topic"])))

stored = course.score(stored, complete)
# (P,) how often a candidate passes, by prompt
p = stored.reward("complete").mean(1)
print(f"passes: {bootstrap_interval(p):.1%} of candidates; by prompt from {p.min():.1%} to "
    f"{p.max():.1%}")

# %% [markdown]
# Now the KL of best-of-$n$ by this verifier, exact if these frequencies were the true
# probabilities.
# And the opposite case: take a prompt's 256 candidates as all the replies there are, each equally
# likely, and choose by `reward-8000`, where few texts repeat and few scores tie (first 32 prompts,
# to save time).

# %%
from course_lib.experiments.findings.choosing import kl_of_candidates, kl_of_pass_fail

repeats = np.mean([1 - len(set(texts)) / len(texts) for texts in stored.texts])
print(f"candidates that repeat another one of their prompt: {repeats:.1%}")
verifier_kl = kl_of_pass_fail(stored.reward("complete"), sizes)
many_kl = kl_of_candidates(stored.reward("reward-8000")[:32], sizes)
limit = float(-np.log(np.asarray(p, dtype=float)).mean())
plots.kl_and_bound(sizes, {"a list of 256 replies (reward-8000)": many_kl,
    "verifier, pass or fail": verifier_kl}, limits={"mean of −log p": limit})

# %%
bound = kl_best_of_n_bound(sizes)
assert (verifier_kl <= bound + 1e-9).all() and (many_kl <= bound + 1e-9).all()
assert (verifier_kl <= -np.log(np.asarray(p, dtype=float))[:, None] + 1e-6).all()
for name, kl in (("verifier", verifier_kl), ("few ties", many_kl)):
    print(f"{name:9} n = 16: exact less bound {bootstrap_interval(kl[:, 4] - bound[4]):.3f} nats")
assert (bootstrap_interval(verifier_kl[:, 4] - bound[4]).high < 0
    and many_kl[:, 4].mean() > 0.95 * bound[4])

# %% [markdown]
# **Finding 3: the bound holds, and the equality fails with ties.**
# With many replies and few ties KL is so near to the bound that the lines touch.
# The verifier's KL stops at $-\log p$, far below.
# **Use the bound as a bound. Where rewards tie, never print it as the value.**
# From here on we choose by learned scores on replies that rarely repeat, and there it is a good
# stand-in.
#
# A verifier that is right cannot be fooled by a reply that only looks good; but once every prompt
# has a reply that passes, more candidates change nothing.
# Lesson 06 is about such rewards.

# %% [markdown]
# ## A law for the curve
#
# Gao, Schulman and Hilton (arXiv 2210.10760) found that the gain in gold under best-of-$n$ follows
# a simple form.
# With $d = \sqrt{\mathrm{KL}}$,
#
# $$R_{\text{bon}}(d) = d\,(\alpha - \beta d).$$
#
# $\alpha$ is how fast gold rises at first; $\beta$ is how strongly errors pull it down; the peak is
# at $d = \alpha / 2\beta$.
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
peaks = fitted_peaks(list(judged.values()))  # (300, 4): refitted on prompts drawn anew, 300 times

# %%
for k, name in enumerate(sized):
    low, high = np.quantile(peaks[:, k], [0.025, 0.975])
    fit, at_n = fits[name], 2 ** np.interp(fits[name].peak_d, d, np.log2(sizes))
    print(f"{name:12} α {fit.alpha:.2f}  β {fit.beta:.2f}"
        f"   peak at d = {fit.peak_d:.2f} [{low:.2f}, {high:.2f}], n ≈ {at_n:.0f}")
    # α/2β
    assert np.isclose(fit.predict(np.linspace(0, 3, 3001)).argmax() / 1000, fit.peak_d, atol=1e-3)

# %% [markdown]
# Each peak lies inside the measured range, and moves to the right with more comparisons.
# Now the two rivals, with as many coefficients each:

# %%
steps = np.stack([np.log(sizes), np.log(sizes) ** 2], axis=1)
for name, gain in gains.items():
    rest = gain - steps @ np.linalg.lstsq(steps, gain, rcond=None)[0]
    parabola = 1 - rest @ rest / ((gain - gain.mean()) ** 2).sum()
    fit, rl = fits[name].r2, overoptimisation_fit(d, gain, form="rl").r2
    print(f"{name:12} r²: d(α − βd) {fit:.3f}   d(α − β log d) {rl:.3f}   parabola {parabola:.3f}")
    assert (fit > max(rl, parabola)) == (name != "reward-125")

# %%
plots.overoptimisation(stored, sized, x="kl", fit=True, quiet=True)

# %% [markdown]
# From 500 comparisons on the form fits best of the three; for `reward-125` the parabola does.
# ($n$ at the peak is read off between the measured $n$.)
# A high $r^2$ is not enough: look at the **residuals**, what the fit misses.
# Each prompt's curve has its own, and their mean has an interval.

# %%
lines = np.stack([d, -(d**2)], axis=1)
missed = {name: (curve - curve[:, :1]) @ (np.eye(9) - lines @ np.linalg.pinv(lines))
    for name, curve in judged.items()}
# (P, 9) each
for name, miss in missed.items():
    at_2 = bootstrap_interval(miss[:, 1])
    print(f"{name:12}", "  ".join(f"{v + 0:+.2f}" for v in miss.mean(0).round(2)),
        f"   at n = 2: {at_2:+.2f}")
    assert at_2.high < 0
moved = np.quantile(peaks[:, 3] - peaks[:, 1], [0.025, 0.975])
print(f"peak of reward-8000 less peak of reward-500: between {moved[0]:.2f} and {moved[1]:.2f} "
    "in √nats")
assert moved[0] > 0 and min(fits[name].r2 for name in sized[1:]) > 0.95

# %% [markdown]
# All four miss in the same wave: low at $n = 2$ and at the end, high in between.
# For `reward-125` it is about twice as large on a curve half as high, hence its $r^2$.
# At $n = 2$ each miss is beyond chance: the form is a good summary, not exact.
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
from course_lib.estimators import seeds_and_prompts_interval

trained = results.load("accuracy_and_gain")
for kind, size in (("random pairs, 500", 500), ("random pairs", 2000)):
    runs = trained["runs"][kind]
    later = seeds_and_prompts_interval([np.subtract(run["gold"]["32"], run["gold"]["16"])
        for run in runs])
    print(f"{size:5} comparisons, {len(runs)} seeds: gold, 16 → 32: {later:+.2f}")
    assert (later.high < 0) == (size == 500)

# %% [markdown]
# With 500 comparisons gold falls from 16 to 32, over seeds and prompts; with 2,000 no fall shows.
#
# Find a prompt whose chosen reply gets *worse* from 16 to 256, and one where it gets better.
# By keyboard: Tab moves between the controls, the arrows move a slider, Enter presses a button.
# (The first 48 prompts only, so its numbers differ from those above.)

# %%
explore.overoptimisation_explorer(stored.prompts_at(range(48)), [*sized, "reward-length-biased"],
    by="reward-500")

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
accuracy = {name: pair_accuracy(stored.reward(name), stored.reward("gold")) for name in names}
gain = {name: best_of_n_curve(stored.reward(name), stored.reward("gold"), [64])[:, 0]
    for name in names}
points_of = {name.removeprefix("reward-"): (bootstrap_interval(accuracy[name]),
    bootstrap_interval(gain[name])) for name in names}
plots.one_against_another({"reward models": points_of},
    "accuracy on all pairs of a prompt's candidates", "gold of the best of 64 (points)",
    offsets={"length-biased": (-6, 6), "2000": (-6, -12)})

# %% [markdown]
# It is a rising cloud: accuracy tells something.
# But `harmless` and `helpful` have nearly the same accuracy, and their choices are about a point of
# gold apart.
# Accuracy averages over *all* pairs; best-of-$n$ depends on the replies *at the top*.
# So take a second accuracy, among the quarter of each prompt's candidates that gold likes best.
# Here is the **correlation** of each with gold over the seven models (1: all on a rising line; 0:
# no connection), with intervals from drawing the prompts anew:

# %%
top = {name: pair_accuracy(stored.reward(name), stored.reward("gold"), best=0.25) for name in names}
# (7, P) each
A, T = (np.stack([kind[name] for name in names]) for kind in (accuracy, top))
drawn = [np.arange(stored.P)] + [np.random.default_rng(seed).integers(stored.P, size=stored.P)
    for seed in range(500)]
for n in (4, 16, 64, 256):
    G = np.stack([best_of_n_curve(stored.reward(name), stored.reward("gold"), [n])[:, 0]
        for name in names])
    rho = np.array([[np.corrcoef(kind[:, i].mean(1), G[:, i].mean(1))[0, 1] for kind in (A, T)]
        for i in drawn])
    low, high = np.quantile(rho[1:], [0.025, 0.975], axis=0)
    print(f"n = {n:<3}", "   ".join(f"{kind} {rho[0, k]:.2f} [{low[k]:.2f}, {high[k]:.2f}]"
        for k, kind in enumerate(("all pairs", "top quarter"))))
    assert low.min() > 0.5
print({name.removeprefix("reward-"): round(float(values.mean()), 2)
    for name, values in top.items()})

# %% [markdown]
# At $n = 4$ accuracy on all pairs predicts better; from 16 on the top quarter comes out ahead,
# where some intervals overlap.
# (Seven models are few.)
# At the top `harmless` is hardly better than a coin: among good replies all are harmless, and what
# tells them apart is help.
# Still, accuracy among replies that gold likes cannot see whether a *bad* reply is overrated.
#
# **Your prediction:** can the *more* accurate of two models give the *worse* best-of-$n$?
# First a made-up case.
# A judge writes all school marks above 6 as 6: for each prompt the upper 40 % of its replies get
# the top mark (40 % to make the point).
# Below, it is `reward-8000`.
# `capped` makes it; ties are broken at random.

# %%
from course_lib.experiments.findings.choosing import capped

judge, rival = capped(stored.reward("reward-8000"), share=0.4), "reward-length-biased"
more = paired_difference(pair_accuracy(judge, stored.reward("gold")), accuracy[rival])
print(f"capped judge less {rival}: accuracy {more:+.3f}")
for n in (4, 16, 64):
    curves = [best_of_n_curve(scores, stored.reward("gold"), [n])[:, 0]
        for scores in (judge, stored.reward(rival))]
    print(f"   n = {n:<3}  gold {curves[0].mean():.2f} and {curves[1].mean():.2f}: "
        f"{paired_difference(*curves):+.2f}")
    assert more.low > 0 and (n < 16 or paired_difference(*curves).high < 0)

# %% [markdown]
# The capped judge is right on more pairs, since most pairs have a reply below its cut.
# At $n = 4$ it also chooses better.
# At 16 and 64 the argmax lives at the top, where this judge sees no difference.
#
# ### Does it happen without our help?
#
# We trained reward models from the same start on 2,000 comparisons each, of three kinds, with
# several seeds (the same stored run; some twenty minutes):
#
# - **random pairs**: two of a prompt's 16 replies, as for the bundled models (five seeds);
# - **pass or fail**: one reply with at least 2 points of gold and one with fewer; the label says
#   which of the two is good enough, and no more.
#   Such labels are easy, so these annotators make no slips (five seeds);
# - **top pairs**: two of the four replies that `reward-500` likes best (three seeds).
#
# **Your prediction:** which kind has the highest accuracy on all pairs, and which gives the best
# best-of-16?

# %%
for kind in ("random pairs", "pass or fail", "top pairs"):
    row = {k: f"{v['mean']:.2f}" for k, v in trained["summary"][kind].items() if k != "pairs"}
    print(f"{kind:13} accuracy {row['accuracy']}, in the top quarter {row['accuracy_top']},"
          f" gold at n = 4: {row['4']}, 16: {row['16']}, 32: {row['32']}")

# %%
for kind, gap in trained["minus_random_pairs"].items():
    print(f"{kind} less random pairs")
    for what, v in gap.items():
        if what != "1":
            print(f"   {what:13} {v['mean']:+.3f} [{v['low']:+.3f}, {v['high']:+.3f}]")
passfail = trained["minus_random_pairs"]["pass or fail"]
assert passfail["accuracy"]["high"] < 0
assert min(passfail["accuracy_top"]["low"], passfail["16"]["low"]) > 0

# %% [markdown]
# **Finding 15: the more accurate of two reward models can give the worse best-of-n.**
# The models from random pairs order *more* of all pairs rightly than those from pass-or-fail
# labels, and their best of 16 is *worse*; both intervals, over seeds and prompts, exclude zero.
# At $n = 4$ the random pairs are ahead.
# Why?
# Pass-or-fail labels draw one line, between replies worth sending and the others.
# They also have no noise.
# We have not separated these two causes.
#
# Do not conclude "then compare top replies only": the third kind is behind on everything.
# Such pairs are closer, so their labels are noisier; that may be the reason.
# We did not test it.

# %% [markdown]
# ## Several models as one
#
# A reply that one model likes by mistake may be disliked by others.
# Several models combined are an **ensemble**.
# Three ways to combine the scores of each reply:
#
# - the **mean**;
# - the **minimum**: a reply is as good as the lowest of its scores;
# - the **mean less the standard deviation** across models: disagreement costs.
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
scores = torch.stack([stored.reward(name) for name in members])                        # (4, P, N)
single = max(members, key=lambda name: gain[name].mean())
print("the best single one at n = 64 is", single)

# %%
for n in (16, 64, 256):
    alone, large = (best_of_n_curve(stored.reward(name), stored.reward("gold"), [n])[:, 0]
        for name in (single, "reward-8000"))
    print(
        f"n = {n:<3}  gold: the best single one {alone.mean():.2f}, reward-8000 {large.mean():.2f}")
    plain = best_of_n_curve(combine(scores, "mean"), stored.reward("gold"), [n])[:, 0]
    for how in ("mean", "min", "mean-std"):
        together = best_of_n_curve(combine(scores, how), stored.reward("gold"), [n])[:, 0]
        over, caution = paired_difference(together, alone), paired_difference(together, plain)
        print(f"   {how:8} {together.mean():.2f}   less the best single one {over:+.2f}"
            + (f"   less the plain mean {caution:+.2f}" if how != "mean" else ""))
        assert (n == 256 or over.low > 0) and paired_difference(together, large).mean < 0
        assert how == "mean" or n > 16 or caution.low > 0

# %% [markdown]
# At 16 and 64 all three beat the best single member; at 256 they are ahead by as much, with
# intervals that include zero or nearly do.
# Caution (minimum, or mean less deviation) adds a little to the plain mean at 16 and 64 (at 64 the
# minimum's interval touches zero); at 256 nothing beyond chance.
# None reaches `reward-8000`.
# An ensemble costs a scoring for each member, and is for models that you cannot merge: other data,
# other annotators, other makers.

# %% [markdown]
# ## Two rewards: helpful and safe
#
# The most helpful reply to a harmful request is the worst one.
# Llama 2 had two reward models for that reason, one for helpfulness and one for safety (arXiv
# 2307.09288).
# Ours are `reward-helpful` and `reward-harmless`.
# Two simple ways to make one choice out of them:
#
# - a **weighted sum**, helpful + $w$ · safe, both brought to one scale as in `combine`;
# - **safety first**: the replies with the lowest safety scores *of their prompt* are out, and among
#   the others the helpful score decides (`20% out`: the lowest 20 %).
#
# For best of 16 we count the share of harmful requests *complied with*, the share of harmless
# requests *refused* (over-refusal), and the helpful half of gold on harmless requests.
# The counts come from gold's parts, which did not choose.
# (First 64 candidates.)

# %%
pool, harmful = stored.first(64), np.array([about["harmful"] for about in stored.info])
counts_of = {"complies": (parts["complies"][:, :64] < 0, harmful),
    "refuses": (parts["over_refusal"][:, :64] < 0, ~harmful),
    "helpful": (pool.reward("helpful").numpy(), ~harmful)}
centred = {name: (pool.reward(name) - pool.reward(name).mean(1, keepdim=True)).numpy()
    for name in names}
helpful, safe = (centred[name] / centred[name].std()
    for name in ("reward-helpful", "reward-harmless"))
print(harmful.sum(), "harmful requests,", (~harmful).sum(), "harmless ones")

# %%
sums = {f"w = {w:g}": helpful + w * safe for w in (0, 0.25, 1, 4)}
cuts = {share: np.quantile(safe, share, axis=1, keepdims=True) for share in (0.2, 0.4, 0.6)}
first = {f"{share:.0%} out": np.where(safe < cut, safe - 100, helpful)
    for share, cut in cuts.items()}
rules = {"random": 0 * safe, **sums, **first, "safe alone": safe,
    "reward-8000": centred["reward-8000"]}
measured = {rule: [best_of_n_curve(scores, what.astype(float), [16])[which, 0]
    for what, which in counts_of.values()] for rule, scores in rules.items()}
counts = {rule: [bootstrap_interval(column) for column in columns]
    for rule, columns in measured.items()}
for rule, (yes, no, helps) in counts.items():
    print(f"{rule:12} complies {yes:.1%}   over-refuses {no:.1%}   helpful {helps}")

# %% [markdown]
# Which of these differences are more than chance?

# %%
from course_lib.estimators import wilson_interval

pairs = (("w = 0", "random"), ("w = 0.25", "w = 0"), ("20% out", "w = 0"), ("w = 4", "w = 1"))
differences = {pair: [paired_difference(a, b)
    for a, b in zip(*(measured[rule] for rule in pair), strict=True)] for pair in pairs}
for (a, b), (yes, no, helps) in differences.items():
    print(f"{a} less {b}: complies {yes:+.1%}   over-refuses {no:+.1%}   helpful {helps:+.2f}")
assert (differences[pairs[1]][1].high < 0 and differences[pairs[2]][1].high < 0
    and differences[pairs[3]][2].high < 0)
print(f"Wilson: 0 of 33 up to {wilson_interval(0, 33).high:.0%}, 0 of 95 up to "
    f"{wilson_interval(0, 95).high:.0%}")

# %%
groups = {rule: {name: counts[name] for name in settings}
          for rule, settings in (("weighted sum", sums), ("safety first", first))}
offsets = {"w = 0": (-8, -14), "w = 0.25": (8, -14), "w = 1": (8, -10),
           "20% out": (4, 8), "40% out": (-6, 9), "60% out": (7, -13)}
plots.help_and_harm(groups, ("harmful requests complied with", "harmless requests refused"),
                    "helpful gold on harmless requests (points)", offsets=offsets)

# %% [markdown]
# The helpful model alone, $w = 0$, rarely complies: harmful steps bring no points for help here,
# which is kinder than real life.
# It refuses harmless requests about as often as a random candidate (the difference includes zero),
# since the helpful half of gold has no line for refusals.
#
# A little safety, $w = 0.25$ or 20 % out, brings refusals down and costs no help that we can see.
# From $w = 1$ to 4 hardly anything but help falls.
# The sum is better against harmful requests; the cut keeps more help.
# (Where nothing was counted, an interval of zero width is wrong; use Wilson's.)
# Which point is best depends on what harm and refusal cost, not on statistics.
# But count refusals on their own: a mean of gold hides them.
#
# The last line is a control: one model from 8,000 comparisons of the whole, as many as the two
# halves had together.
# It gives more help than any rule above it and is about as safe: here two rewards buy a dial, not
# quality.

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

scored = {**{name: stored.reward(name) for name in names}, "capped judge": torch.tensor(judge)}
for a, b in (("reward-helpful", "reward-harmless"), ("capped judge", rival)):
    at_16 = [best_of_n_curve(scored[name], stored.reward("gold"), [16]).mean() for name in (a, b)]
    print(f"{a} (gold {at_16[0]:.2f}) or {b} ({at_16[1]:.2f}); finds the better one:")
    for G in (16, 64, 256):
        shares = right_choices(scored[a], scored[b], stored.reward("gold"), labels=G)
        print(f"   {G:3} labels   " + ", ".join(f"by {plan} {share:.0%}"
            for plan, share in shares.items()))
    assert shares["head to head"] > 0.75 > shares["accuracy"]

# %% [markdown]
# We picked these two; in the second, accuracy leads to the *wrong* model, more surely the more
# labels one buys.
# So now all 21 pairs of the seven bundled models, with 64 labels.

# %%
from itertools import combinations

duels = {(a, b): right_choices(scored[a], scored[b], stored.reward("gold"), labels=64, repeats=1000)
    for a, b in combinations(names, 2)}
for plan in ("accuracy", "head to head"):
    mean = np.mean([shares[plan] for shares in duels.values()])
    print(f"by {plan:12} finds the better one {mean:.0%} of the time, mean over {len(duels)} pairs")
at_16 = {name: best_of_n_curve(scored[name], stored.reward("gold"), [16])[:, 0] for name in names}
behind = {pair: shares for pair, shares in duels.items()
    if shares["head to head"] <= shares["accuracy"]}
for (a, b), shares in behind.items():
    apart = paired_difference(at_16[a], at_16[b])
    print(f"head to head is behind: {a} or {b}, {shares['head to head']:.0%} against "
        f"{shares['accuracy']:.0%};" f" gold {apart:+.2f}")
assert len(behind) <= 5

# %% [markdown]
# Over all 21 pairs head to head finds the better model more often, and in all but the few that are
# printed; one of these pairs even the whole pool cannot tell apart.
# **With few labels, spend them on replies that the models would choose.**
# It measures the thing you want, at the $n$ you will use.
# (Where both choose the *same* reply, skip the prompt and save the labels.)
#
# This holds for one $n$ and one policy: after fine-tuning it writes other replies.

# %% [markdown]
# ## From choosing to training
#
# So far we changed the answer, not the model.
# In lesson 05 the chosen replies become **training data**.
# Then a reward model improves the base model directly, by data, and its errors are learned too.
# Count the chosen replies that contain a step of another topic.

# %%
# (P, 16)
wrong = (parts["wrong_steps"][:, :16] < 0).astype(float)
print(f"a random one of the 16   {bootstrap_interval(wrong.mean(1)):.0%} teach a step of another "
    "topic")
for by in ("reward-500", "reward-8000"):
    best = wrong[rows, stored.reward(by)[:, :16].argmax(1)]
    less = paired_difference(best, wrong.mean(1))
    print(f"best of 16 by {by:11} {bootstrap_interval(best):.0%}; less a random one {less:+.0%}")
    assert less.excludes_zero == (by == "reward-8000")

# %% [markdown]
# Choosing by the weak model leaves about as many wrong steps in the data as choosing blindly (the
# interval includes zero); the good one removes most of them.
# That is why this lesson stands before the next.

# %% [markdown]
# ## What we found

# %%
from course_lib.experiments import findings

findings.show("04")

# %% [markdown]
# In words:
#
# - **Finding 3.**
#   KL of best-of-n never exceeds $\log n - (n-1)/n$.
#   With many replies and few ties it is near that; with a pass-or-fail reward it is far below, and
#   never above $-\log p$.
# - **Finding 5.**
#   The proxy rises all the way; gold rises, peaks and falls (for 8,000 comparisons the fall is not
#   proven).
#   From reward-500 to reward-8000 the peak moves right; these are single models, and their passes
#   over the data differ.
#   $d(\alpha - \beta d)$ fits from 500 comparisons on, though not exactly.
# - **Finding 15.**
#   Accuracy and gain go together, but the more accurate of two can give the worse best-of-n: models
#   from random pairs against models from pass-or-fail labels, and a judge whose scale ends too
#   early.
# - An ensemble of four models beat the best of them at $n = 16$ and 64, and caution added a little
#   to the plain mean; at 256 this was hardly beyond chance.
#   None reached one better model.
# - With two rewards, a little safety lowered over-refusal at no visible cost; much of it cost help.
# - With 64 labels, judging what two models would choose found the better one more often than
#   judging random pairs.
#
# ## What this leaves out
#
# One policy, one family of small reward models, one model of each size, simulated annotators.
# Gao et al. checked their law up to $n = 60{,}000$; we have 256 candidates, and the bound in place
# of KL.
# Below about 2,000 comparisons their reward models were near chance; ours, in a much smaller world,
# are useful with 500.
# One can also charge for improbable replies (`regularised_best`); it has to be compared with simply
# sampling at a low temperature (lesson 02).
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
#
# ## Now you
#
# **Exercise** `exercises/ex04`: the KL bound and the exact KL, choosing between two reward models
# with few labels, a cautious ensemble.
#
# `fitted_peaks`, `capped`, `right_choices` and the like are short; read them in
# `course_lib/findings/choosing.py`.
#
# **Questions.**
# Your answers are kept in `course-progress.json` beside this notebook.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("04")
