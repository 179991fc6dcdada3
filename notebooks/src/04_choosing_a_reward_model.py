# %% [markdown]
# # Choosing a reward model: over-optimisation
#
# **You will:** watch a proxy rise while what we want falls, measure how far choosing has moved the replies (KL) and where a well-known bound for it fails, fit a law to the curve, and learn to choose between reward
# models: by accuracy, by their choices, by combining them, and on a small budget of labels.
#
# **Builds on:** lesson 01 (best-of-N, the estimator, intervals), lesson 03 (reward models).
#
# **Time:** 60 minutes to read and do; the cells run in well under a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, explore, plots
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown]
# ## On paper first
#
# Five prompts, four candidates each. Every entry holds two numbers: the **proxy**, which is what the reward model $r(x, y)$ says, and **gold**, $r^*(x, y)$, which is what we want.
#
# | proxy, gold | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 0.9, **2.0** | 0.4, 1.0 | 0.1, 0.5 | 0.2, 0.0 |
# | prompt B | 0.5, **1.5** | 0.8, −1.0 | 0.3, 1.0 | 0.1, 0.0 |
# | prompt C | 0.2, 0.0 | 0.1, 0.5 | 0.6, **2.0** | 0.7, 1.5 |
# | prompt D | 0.5, 1.0 | 0.4, 0.5 | 0.6, **1.5** | 0.9, −0.5 |
# | prompt E | 0.1, 0.4 | 0.6, **1.0** | 0.2, 0.0 | 0.4, 0.5 |
#
# With a pencil: **which candidate does best-of-4 by the proxy return in each row, and how much gold does it have? Is that more or less than a random candidate?** And take all pairs of candidates within a row, 30 in all:
# how many does the proxy put in the right order?

# %%
proxy = torch.tensor([[0.9, 0.4, 0.1, 0.2], [0.5, 0.8, 0.3, 0.1], [0.2, 0.1, 0.6, 0.7],
                      [0.5, 0.4, 0.6, 0.9], [0.1, 0.6, 0.2, 0.4]])
gold = torch.tensor([[2.0, 1.0, 0.5, 0.0], [1.5, -1.0, 1.0, 0.0], [0.0, 0.5, 2.0, 1.5],
                     [1.0, 0.5, 1.5, -0.5], [0.4, 1.0, 0.0, 0.5]])

# %% tags=["nbval-check-output"]
from course_lib.findings.choosing import pair_accuracy

print("chosen by the proxy:", proxy.argmax(1).tolist(), "  by gold:", gold.argmax(1).tolist())
curve = best_of_n_curve(proxy, gold, ns=[1, 2, 3, 4]).mean(0)
print("gold of the best of 1, 2, 3, 4 by the proxy:", [round(float(v), 2) for v in curve])
print(f"pairs in the right order: {pair_accuracy(proxy, gold).mean():.2f}")

# %% [markdown]
# The proxy orders two pairs in three rightly, so it is a useful judge. The best of 2 by it is better than a random candidate. But the best of 4 is *worse* than a random candidate. In rows B and D there is one bad reply that the proxy likes by mistake. With
# two candidates that reply is seldom among them; with four it always is, and the argmax finds it.
#
# That is **over-optimisation**: choosing harder by a proxy first raises and then lowers what it stands for. (Some call it reward hacking, or name it after Goodhart.) The rest of the lesson asks how it looks with a real reward model, what decides when it
# sets in, and which reward model to choose.

# %% [markdown]
# ## The same with reward models
#
# The stored pool has 128 held-out prompts with 256 candidates each. Four reward models were trained on 125, 500, 2,000 and 8,000 comparisons by simulated annotators; the name says how many. (The two smaller were trained
# for one epoch more than the two larger.) Each has scored every candidate, and gold has judged every candidate, so best-of-$n$ can be computed for any $n$ up to 256 without sampling again. `course build-assets` makes the pool.
#
# **Your prediction.** Sketch two curves against $n$ for `reward-500`: its own score of the reply it chooses, and gold of that reply. Then a second gold curve, for `reward-8000`. Where do they turn?

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
sized = ["reward-125", "reward-500", "reward-2000", "reward-8000"]
plots.overoptimisation(stored, sized)

# %% [markdown]
# On the left each model is pleased with itself, all the way. Scores of different models have no common scale, so each curve shows by how many of its own standard deviations over the pool it rises. The left panel says nothing about which model is good: the worst model's
# curve is among the highest.
#
# On the right is gold. Every curve rises and then turns. More comparisons give a higher peak, and for 8,000 a later one. Is the fall more than chance? Compare 16 candidates with 1, and 256 with 16, prompt by prompt.

# %%
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
judged = {name: best_of_n_curve(stored.reward(name), stored.reward("gold"), sizes) for name in sized}
rise = {name: paired_difference(curve[:, 4], curve[:, 0]) for name, curve in judged.items()}
fall = {name: paired_difference(curve[:, 8], curve[:, 4]) for name, curve in judged.items()}
for name in sized:
    print(f"{name:12} gold, 1 → 16: {rise[name]}    16 → 256: {fall[name]}")

# %%
own = {name: best_of_n_curve(stored.reward(name), ns=sizes).mean(0) for name in sized}
assert all((np.diff(curve) > 0).all() for curve in own.values())     # the proxy rises all the way
assert all(rise[name].low > 0 for name in sized)                     # gold rises
assert all(fall[name].high < 0 for name in sized[:3])                # and falls
assert abs(fall["reward-8000"].mean) < 0.2

# %% [markdown]
# **Finding 5, first half: the proxy rises with $n$ while gold rises, peaks and falls.** For 125, 500 and 2,000 comparisons the fall is more than chance. For 8,000 gold is still rising at 16 and has turned by 256, so the
# two ends are about level and the interval includes zero; `benchmarks/overoptimisation.py` prints the fall from the peak, which is small for it.
#
# ## Read what a weak proxy likes
#
# A curve says *that* something goes wrong, not *what*. Here are the replies that `reward-500` likes best of 256 and that gold likes least. **Read them before you read on. What do they have in common?**

# %%
among_16 = course.select_best(stored.first(16), by="reward-500")
among_256 = course.select_best(stored, by="reward-500")
for i in among_256.rewards("gold").argsort()[:6].tolist():
    print(f"{stored.prompts[i]}\n   gold {among_256.rewards('gold')[i]:5.2f}   {among_256.texts[i]}")

# %% [markdown]
# They are well-formed: several confident steps, often with a courtesy at the end. And the steps belong to other questions. Is that so in all 128, or only in the six that we picked because they are bad? `gold_parts` says where the points come
# from. Count for all prompts: points lost to steps of another topic, and points won by right steps.

# %%
world = course.load_world("helpdesk")

def points(best, part):
    """(P,) gold points of one part, in the replies of a selection."""
    replies = zip(best.prompts, best.texts, best.pool.info)
    return np.array([world.gold_parts(prompt, text, about)[part] for prompt, text, about in replies])

# %%
for part in ("right_steps", "wrong_steps", "order", "polite", "rude", "flattery"):
    few, many = points(among_16, part), points(among_256, part)
    change = paired_difference(many, few)
    print(f"{part:12} best of 16 {few.mean():5.2f}   best of 256 {many.mean():5.2f}   change {change}")
    if part == "wrong_steps":
        assert change.high < 0 and many.mean() < 1.5 * few.mean()

# %% [markdown]
# One change is more than chance, `wrong_steps`: what it costs grows by more than half. With 500 comparisons the model has learnt what a good reply *looks* like, steps and courtesy and no rudeness, but not which step belongs to
# which of 32 topics; that needs many more examples. Among a few candidates the one that looks best is mostly a good one. Among 256 there are some that look better than any good one, and are about something else. `reward-8000` knows the topics better, and its curve turns later.
#
# **This is the practical lesson: read what is chosen at your largest $n$.** It takes five minutes, and no curve of the proxy can tell you.

# %% [markdown]
# ## How far has choosing moved the replies? KL
#
# $n$ is the dial of best-of-n. Other methods have other dials (lesson 07), so one wants a common measure of how far the chosen replies are from the policy's own. The usual one is the **Kullback–Leibler divergence**, KL for short.
#
# On paper: a policy answers "yes" or "no", each with probability ½, and the reward prefers "yes". The best of 2 is "no" only if both are "no": so it says "yes" with probability ¾. A "yes" has become more likely by the factor ¾ / ½ = 1.5, a "no" less likely by ¼ / ½ = 0.5. KL is the
# mean of the logarithms of these factors, weighted by how often each reply is now given:
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) = \sum_y \pi_n(y) \log \frac{\pi_n(y)}{\pi_{\text{ref}}(y)} = \tfrac34 \log 1.5 + \tfrac14 \log 0.5 \approx 0.131 \text{ nats}$$
#
# $\pi_n$ is what best-of-n makes of $\pi_{\text{ref}}$. A *nat* is the unit when the logarithm is the natural one. KL is 0 when nothing has changed, and never negative.
#
# For any list of replies $\pi_n$ is known exactly. Sort them by reward. Let $F(y)$ be the probability that one sample has a reward *at most* that of $y$, and $F^-(y)$ that it has a reward *below* it. All $n$ are at most $y$ with probability $F^n$, all below with $(F^-)^n$. So the best of $n$ is $y$ with probability
#
# $$\pi_n(y) = F(y)^n - F^-(y)^n .$$
#
# (Replies that tie share this by their probability.) In code: `best_of_n_distribution`. Test it on three replies, against drawing and choosing a hundred thousand times.

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
# For a policy with very many replies nobody can sum over all of them. But there is a bound that needs nothing but $n$ (Beirami et al., arXiv 2401.01879):
#
# $$\mathrm{KL}(\pi_n \,\|\, \pi_{\text{ref}}) \;\le\; \log n - \frac{n-1}{n}$$
#
# Many texts print it with an equals sign. **Your prediction.** Two replies with probability ½ each, as above, and $n = 16$. The bound is 1.835 nats. Is the true KL about 1.8, about 1.3, or below 0.7?

# %% tags=["nbval-check-output"]
for n in (2, 4, 16, 256):
    two = kl_best_of_n_exact([0.5, 0.5], [1, 0], n)
    print(f"n = {n:<3}   exact {two:.3f}   bound {kl_best_of_n_bound(n):.3f}")
print(f"log 2 = {np.log(2):.3f}")

# %% [markdown]
# With two replies it stops at $\log 2$, however large $n$ is, while the bound grows for ever. The reason is simple. Best-of-n can at most *always* say "yes". Then "yes" has become more likely by the factor 1 / ½, so KL is $\log 2$. In general, if a reply is right with probability
# $p$ and the reward only says right or wrong, the most best-of-n can do is give right replies always, each as likely among the right ones as before. So
#
# $$\mathrm{KL} \le -\log p \qquad \text{for a reward of 0 or 1, whatever } n.$$
#
# Such a reward is a **verifier**, a program that says right or wrong. Here is one for the help desk: does the reply contain every right step of its topic? It looks at nothing else: not at the order, not at rudeness, not at steps of other topics. It is not the gold reward.

# %%
from course_lib.worlds.helpdesk import right_steps

def complete(prompt, text, info):
    return float(all(step.lower() in text.lower() for step in right_steps(info["topic"])))

stored = course.score(stored, complete)
p = stored.reward("complete").mean(1)                       # (P,) how often a candidate passes, by prompt
print(f"passes: {bootstrap_interval(p):.1%} of candidates; by prompt from {p.min():.1%} to {p.max():.1%}")

# %% [markdown]
# Now the exact KL of best-of-$n$ for each prompt, from these frequencies, against the bound. And the opposite case: take a prompt's 256 candidates as all the replies there are, each equally likely, and choose by `reward-8000`, whose scores hardly ever tie.

# %%
from course_lib.findings.choosing import kl_of_candidates, kl_of_pass_fail

verifier_kl = kl_of_pass_fail(stored.reward("complete"), sizes)
many_kl = kl_of_candidates(stored.reward("reward-8000")[:32], sizes)
plots.kl_and_bound(sizes, {"256 replies, no ties (reward-8000)": many_kl, "verifier, pass or fail": verifier_kl})

# %%
bound = kl_best_of_n_bound(sizes)
assert (verifier_kl <= bound + 1e-9).all() and (many_kl <= bound + 1e-9).all()
assert (verifier_kl <= -np.log(np.asarray(p, dtype=float))[:, None] + 1e-6).all()
for name, kl in (("verifier", verifier_kl), ("no ties", many_kl)):
    print(f"{name:9} n = 16: exact less bound {bootstrap_interval(kl[:, 4] - bound[4]):.3f} nats")
assert bootstrap_interval(verifier_kl[:, 4] - bound[4]).high < 0 and many_kl[:, 4].mean() > 0.95 * bound[4]

# %% [markdown]
# **Finding 3: the bound holds, and the equality fails with ties.** No prompt, reward or $n$ here has a KL above the bound. With many replies and no ties KL is so near to it that the lines touch; at $n = 256$ it lags a little, since 256 replies are then no longer many. For the
# verifier it is far below. **So use the bound as a bound. Where rewards tie, never print it as the value.** From here on we choose by learned scores on replies that rarely repeat, and there it is a good stand-in.

# %% [markdown]
# ## A law for the curve
#
# Gao, Schulman and Hilton (arXiv 2210.10760) found that the gain in gold under best-of-$n$ follows a simple form. With $d = \sqrt{\mathrm{KL}}$,
#
# $$R_{\text{bon}}(d) = d\,(\alpha - \beta d).$$
#
# $\alpha$ is how fast gold rises at first; $\beta$ is how strongly the errors pull it down. Set the derivative $\alpha - 2\beta d$ to zero: the peak is at $d = \alpha / 2\beta$, and its height is $\alpha^2 / 4\beta$. For reinforcement learning they found another form, $R_{\text{RL}}(d) = d\,(\alpha - \beta \log d)$, with derivative
# $\alpha - \beta \log d - \beta$ and so the peak at $d = e^{\alpha/\beta - 1}$. Two formulas, two tests: take a fine grid and look where the largest value is.

# %%
alpha, beta, grid = 1.6, 0.6, np.linspace(0.001, 10, 1_000_000)
bon, rl = grid * (alpha - beta * grid), grid * (alpha - beta * np.log(grid))
bon_peak, rl_peak = grid[bon.argmax()], grid[rl.argmax()]
print(f"best-of-n: peak at {bon_peak:.3f}, formula {alpha / (2 * beta):.3f}")
print(f"   height {bon.max():.3f}, formula {alpha**2 / (4 * beta):.3f}")
print(f"RL: peak at {rl_peak:.3f}, formula {np.exp(alpha / beta - 1):.3f}")
assert abs(bon_peak - alpha / (2 * beta)) < 1e-3 and abs(rl_peak - np.exp(alpha / beta - 1)) < 1e-3

# %% [markdown]
# Now fit the first form to our four gold curves. `overoptimisation_fit` is a least-squares fit of $\alpha$ and $\beta$ to the gain over $n = 1$. As $d$ we take the square root of the bound. **$r^2$** is the share of the curve's spread that the fit explains; 1 is perfect.

# %%
from course_lib.estimators import overoptimisation_fit
from course_lib.findings.choosing import fitted_peaks

d = np.sqrt(kl_best_of_n_bound(sizes))
gains = {name: curve.mean(0) - curve.mean(0)[0] for name, curve in judged.items()}
fits = {name: overoptimisation_fit(d, gain) for name, gain in gains.items()}
peaks = fitted_peaks(list(judged.values()))                 # (300, 4): refitted on prompts drawn anew, 300 times

# %%
for k, name in enumerate(sized):
    low, high = np.quantile(peaks[:, k], [0.025, 0.975])
    at_n = 2 ** np.interp(fits[name].peak_d, d, np.log2(sizes))
    print(f"{name:12} α {fits[name].alpha:.2f}  β {fits[name].beta:.2f}  r² {fits[name].r2:.3f}"
          f"   peak at d = {fits[name].peak_d:.2f} [{low:.2f}, {high:.2f}], n ≈ {at_n:.0f}")

# %%
plots.overoptimisation(stored, sized, x="kl", fit=True)

# %% [markdown]
# The form fits well from 500 comparisons on. Look at `reward-125`, though: its points lie in a wave around the line, and its $r^2$ is much lower. A high $r^2$ is not enough either; print the **residuals**, what the fit misses.

# %%
for name in sized:
    print(f"{name:12}", "  ".join(f"{miss:+.2f}" for miss in gains[name] - fits[name].predict(d)))
moved = np.quantile(peaks[:, 3] - peaks[:, 1], [0.025, 0.975])
print(f"peak of reward-8000 less peak of reward-500: between {moved[0]:.2f} and {moved[1]:.2f} in √nats")
assert moved[0] > 0 and min(fits[name].r2 for name in sized[1:]) > 0.95

# %% [markdown]
# At $n = 2$, the second number, every fit is too high: our curves start less steeply than the form says. Two coefficients fit many curves; do not trust the form beyond the data you have.
#
# **Finding 5, second half: with more comparisons the peak moves right, and $d(\alpha - \beta d)$ fits.** The shift from 500 to 8,000 comparisons has an interval without zero. It is not all a matter of the number of comparisons: how long a reward model was trained matters too (lesson 03).
# What does this say about RL? There the form is another one, and gold turns too; lesson 07 shows it.
#
# Touch it. The buttons choose the reward model, the sliders $n$ and the prompt. Find a prompt whose chosen reply gets *worse* from 16 to 256, and one where it gets better. By keyboard: Tab moves between the controls, the left and right arrow move a slider, Enter presses a button.

# %%
explore.overoptimisation_explorer(stored.prompts_at(range(48)), [*sized, "reward-length-biased"], by="reward-500")

# %% [markdown]
# ## Accuracy is not gain
#
# How should one choose between reward models? Most often by **accuracy**: on held-out pairs of replies, how often does the model prefer the better one? It is cheap, and it needs no policy. Let us see how well it predicts what we want, the gold of the
# best of $n$. The pool has seven reward models. Besides the four: `reward-length-biased`, whose annotators liked long replies, and `reward-helpful` and `reward-harmless`, each trained for one half of gold.

# %%
names = [*sized, "reward-length-biased", "reward-helpful", "reward-harmless"]
accuracy = {name: pair_accuracy(stored.reward(name), stored.reward("gold")) for name in names}
gain = {name: best_of_n_curve(stored.reward(name), stored.reward("gold"), [64])[:, 0] for name in names}
points_of = {name.removeprefix("reward-"): (bootstrap_interval(accuracy[name]), bootstrap_interval(gain[name]))
             for name in names}
plots.one_against_another({"reward models": points_of}, "accuracy on all pairs of a prompt's candidates",
                          "gold of the best of 64 (points)", offsets={"length-biased": (-6, 6), "2000": (-6, -12)})

# %% [markdown]
# It is a rising cloud: accuracy tells something. As one number, the **correlation** (1: all on a rising line; 0: no connection), with the interval from drawing the prompts anew:

# %%
A, G = np.stack([accuracy[n] for n in names]), np.stack([gain[n] for n in names])     # (7, P) each
drawn = [np.random.default_rng(seed).integers(stored.P, size=stored.P) for seed in range(500)]
low, high = np.quantile([np.corrcoef(A[:, i].mean(1), G[:, i].mean(1))[0, 1] for i in drawn], [0.025, 0.975])
print(f"correlation over the seven models {np.corrcoef(A.mean(1), G.mean(1))[0, 1]:.2f} [{low:.2f}, {high:.2f}]")
assert low > 0.5 and gain["reward-helpful"].mean() - gain["reward-harmless"].mean() > 0.8

# %% [markdown]
# (That interval is about the prompts. With only seven models, other models could give quite another number.)
#
# Now look at single points. `harmless` and `helpful` have nearly the same accuracy, and their choices are about a point of gold apart. **Your prediction:** can a model with the *higher* accuracy give the *worse* best-of-n? Search all pairs of the seven, and ask for both
# differences beyond chance.

# %%
from itertools import permutations

for n in (16, 64, 256):
    chosen = {name: best_of_n_curve(stored.reward(name), stored.reward("gold"), [n])[:, 0] for name in names}
    for a, b in permutations(names, 2):
        if accuracy[a].mean() > accuracy[b].mean() and chosen[a].mean() < chosen[b].mean():
            more, less = paired_difference(accuracy[a], accuracy[b]), paired_difference(chosen[a], chosen[b])
            print(f"n = {n:<3}  {a} over {b}: accuracy {more:+.3f}, gold {less:+.2f}")
            assert less.high > 0, "none is beyond chance"

# %% [markdown]
# A few pairs stand in the wrong order at 64 and 256, but each interval of gold includes zero: among these seven there is **no** such case beyond chance. So we make one.
#
# Imagine a judge who gives marks, and the scale ends too early: every reply in the upper 40 % gets the top mark. We take the scores of the best model, `reward-8000`, and cut them off there. Below the cut it is still the best judge we have. `capped` does it; ties at the top are
# broken at random, as `best_of_n_curve` assumes.

# %%
from course_lib.findings.choosing import capped

judge = capped(stored.reward("reward-8000"), share=0.4)
rival = "reward-length-biased"
judge_accuracy = pair_accuracy(judge, stored.reward("gold"))
more = paired_difference(judge_accuracy, accuracy[rival])
print(f"accuracy: capped judge {judge_accuracy.mean():.3f}, {rival} {accuracy[rival].mean():.3f}; {more:+.3f}")

# %%
for n in (2, 4, 16, 64, 256):
    by_judge = best_of_n_curve(judge, stored.reward("gold"), [n])[:, 0]
    by_rival = best_of_n_curve(stored.reward(rival), stored.reward("gold"), [n])[:, 0]
    less = paired_difference(by_judge, by_rival)
    print(f"n = {n:<3}  gold: capped judge {by_judge.mean():.2f}, {rival} {by_rival.mean():.2f}; {less:+.2f}")
    assert more.low > 0 and (n < 16 or less.high < 0)

# %% [markdown]
# The capped judge is right on more pairs, because most pairs have at least one reply below its cut. The argmax never looks there. It lives at the top, where this judge sees no difference any more.
#
# That is the general reason. Accuracy averages over *all* pairs; best-of-n depends on the pairs *at the top*, and the larger $n$, the nearer to the top. So measure accuracy there too: among the quarter of each prompt's candidates that gold likes best.

# %%
top = {name: pair_accuracy(stored.reward(name), stored.reward("gold"), best=0.25) for name in names}
judge_top = pair_accuracy(judge, stored.reward("gold"), best=0.25)
for name in (rival, "reward-8000", "reward-helpful", "reward-harmless"):
    print(f"{name:21} all pairs {accuracy[name].mean():.3f}   in the top quarter {top[name].mean():.3f}")
print(f"{'capped judge':21} all pairs {judge_accuracy.mean():.3f}   in the top quarter {judge_top.mean():.3f}")
assert paired_difference(judge_top, top[rival]).high < 0
assert paired_difference(top["reward-harmless"], top["reward-helpful"]).high < 0

# %% [markdown]
# There both puzzles are solved: at the top the capped judge is behind its rival, and `harmless` is hardly better than a coin. Among good replies all are harmless; what tells them apart is help.
#
# ### Does it happen without our help?
#
# A cut is our doing. So we trained reward models from the same start on 2,000 comparisons each, of three kinds, with several seeds (`python benchmarks/accuracy_and_gain.py`; it takes some twenty minutes, so its results are stored):
#
# - **random pairs**: two of a prompt's replies, as for the bundled models;
# - **pass or fail**: one reply with at least 2 points of gold and one with fewer; the label says which of the two is good enough, and no more. Such labels are easy, so these annotators make no slips;
# - **top pairs**: two of the four replies that `reward-500` likes best.
#
# **Your prediction:** which kind has the highest accuracy on all pairs, and which gives the best best-of-16?

# %%
from course_lib import results

trained = results.load("accuracy_and_gain")
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
assert passfail["accuracy"]["high"] < 0 and passfail["accuracy_top"]["low"] > 0 and passfail["16"]["low"] > 0

# %% [markdown]
# **Finding 15: the more accurate of two reward models can give the worse best-of-n.** The models from random pairs order *more* of all pairs rightly than those from pass-or-fail labels, and their best of 16 is *worse*; the intervals are over seeds and prompts, and both exclude zero. The pass-or-fail labels draw one line, between replies worth sending and the others, and that
# line lies near what such models choose from 16. Accuracy in the top quarter gives the right order. So does the choice of $n$: at $n = 4$, where less good replies still matter, the random pairs are ahead.
#
# And do not conclude "then buy comparisons of top replies only": the third kind is behind on everything, in the top quarter too. A model that has never been shown a bad reply does not know what one looks like.

# %% [markdown]
# ## Several models as one
#
# A single model has errors of its own. Several models with *different* errors, averaged, should share fewer: a reply that one of them likes by mistake is disliked by the others. That is an **ensemble**. Three ways to combine the scores of each reply:
#
# - the **mean**;
# - the **minimum**: a reply is as good as its harshest judge says;
# - the **mean less the standard deviation** across models: disagreement costs.
#
# Scores have no common scale, so `combine` first brings each model to mean 0 and standard deviation 1 over the pool. Four weak models, made in different ways; none of them is `reward-8000`. The control is the best *single* one of the four. **Your prediction:** which way wins, and does any of them beat the best single one?

# %%
from course_lib.reward import combine

members = ["reward-500", "reward-2000", "reward-helpful", "reward-length-biased"]
scores = torch.stack([stored.reward(name) for name in members])                        # (4, P, N)
single = max(members, key=lambda name: gain[name].mean())
print("the best single one at n = 64 is", single)

# %%
for n in (16, 64, 256):
    alone = best_of_n_curve(stored.reward(single), stored.reward("gold"), [n])[:, 0]
    for how in ("mean", "min", "mean-std"):
        together = best_of_n_curve(combine(scores, how), stored.reward("gold"), [n])[:, 0]
        better = paired_difference(together, alone)
        print(f"n = {n:<3}  {how:8}  gold {together.mean():.2f}   less the best single one {better:+.2f}")
        assert how != "mean" or (better.low > 0) == (n < 256)

# %% [markdown]
# At 16 and 64 the mean is better than the best single member, beyond chance; at 256 the interval includes zero. The cautious rules, minimum and mean less deviation, are not ahead of the plain mean here. An ensemble costs as many scorings as it has members, and it does not help against an error that all members share.
#
# A stricter test, from the stored run: four models that differ in nothing but the 500 comparisons they saw. **Is their ensemble better than one of them? And is it better than one model trained on 2,000 comparisons, as many as the four have together?**

# %%
def gold_at_32(runs):
    """(P,) gold of the best of 32, averaged over training runs."""
    return np.mean([run["gold"]["32"] for run in runs], axis=0)

one_of_four, one_large = (gold_at_32(trained["runs"][kind]) for kind in ("random pairs, 500", "random pairs"))
for how, measured in trained["ensembles"].items():
    together = gold_at_32([measured])
    over, under = paired_difference(together, one_of_four), paired_difference(together, one_large)
    print(f"{how:8} gold {together.mean():.2f}   less one of the four {over:+.2f}   less one of 2,000 {under:+.2f}")
    assert over.low > 0 and under.high < 0

# %% [markdown]
# Better than each member, and worse than one model with all the comparisons. If the comparisons are at hand, train on all of them first. An ensemble is for models that you cannot merge: other data, other annotators, other makers.

# %% [markdown]
# ## A verifier as the reward
#
# Where an answer can be checked, the reward need not be learned. **Your prediction:** does gold turn down when we choose by the verifier `complete` from above?

# %%
by_verifier = best_of_n_curve(stored.reward("complete"), stored.reward("gold"), sizes)
for n, column, passed in zip(sizes, by_verifier.T, best_of_n_curve(stored.reward("complete"), ns=sizes).mean(0)):
    print(f"n = {n:<3}  gold {bootstrap_interval(column)}   passes {passed:.0%}")
assert paired_difference(by_verifier[:, 8], by_verifier[:, 4]).low > -0.02

# %% [markdown]
# It does not turn down. A verifier that is right cannot be fooled by a reply that only looks good. But it stops: once nearly every prompt has a candidate that passes, more candidates change nothing, since all that pass tie. What it does not check (rudeness, filler, steps of other topics) stays as it was among those that pass.
# Lesson 06 is about rewards of this kind.

# %% [markdown]
# ## Two rewards: helpful and safe
#
# Help and safety pull in different directions: the most helpful reply to a harmful request is the worst one. Llama 2 trained two reward models for that reason, one for helpfulness and one for safety (arXiv 2307.09288). Our pair is `reward-helpful` and
# `reward-harmless`. Two ways to make one choice out of them; both are ours, and simple:
#
# - a **weighted sum**, helpful + $w$ · safe, both brought to one scale;
# - **safety first**: a reply whose safety score is among the lowest share of the pool is out; among the others the helpful score decides (`20% out` in the table: the lowest 20 % are out).
#
# We count what users would count: the share of harmful requests *complied with*, the share of harmless requests *refused* (over-refusal), and the helpful half of gold on harmless requests. We take the first 64 candidates of each prompt, and best-of-16. The counts come from the gold reward's parts, which did not choose.

# %%
def complies(prompt, text, info):
    return float(world.gold_parts(prompt, text, info)["complies"] < 0)

def over_refusal(prompt, text, info):
    return float(world.gold_parts(prompt, text, info)["over_refusal"] < 0)

pool = course.score(course.score(stored.first(64), complies), over_refusal)
harmful = np.array([about["harmful"] for about in pool.info])
print(harmful.sum(), "harmful requests,", (~harmful).sum(), "harmless ones")

# %%
def standard(name):
    score = pool.reward(name).numpy()
    return (score - score.mean()) / score.std()

helpful, safe = standard("reward-helpful"), standard("reward-harmless")
sums = {f"w = {w:g}": helpful + w * safe for w in (0, 0.25, 0.5, 1, 2, 4)}
cuts = {share: np.quantile(safe, share) for share in (0.1, 0.2, 0.4, 0.6)}
first = {f"{share:.0%} out": np.where(safe < cut, safe - 100, helpful) for share, cut in cuts.items()}

# %%
def counted(selecting, n=16):
    """Intervals: harmful requests complied with, harmless ones refused, helpful gold on harmless ones."""
    wanted = (("complies", harmful), ("over_refusal", ~harmful), ("helpful", ~harmful))
    return [bootstrap_interval(best_of_n_curve(selecting, pool.reward(name), [n])[which, 0]) for name, which in wanted]

rules = {"random": np.zeros_like(helpful), **sums, **first, "safe alone": safe}
counts = {name: counted(selecting) for name, selecting in rules.items()}
for name, (yes, no, helps) in counts.items():
    print(f"{name:16} complies {yes:.1%}   over-refuses {no:.1%}   helpful {helps}")

# %% [markdown]
# Read the table from the top. A random candidate complies with half of the harmful requests. The helpful model alone, $w = 0$, already complies rarely: in this world harmful steps bring no points for help, which is kinder than real life. But it refuses more harmless requests than any rule below it, because nobody taught it
# not to. A small weight for safety brings both down. A large weight goes on costing help for a gain in safety that is too small to see. The figure shows the price: help against over-refusal.

# %%
groups = {rule: {name: tuple(counts[name][1:]) for name in settings}
          for rule, settings in (("weighted sum", sums), ("safety first", first))}
offsets = {"w = 0.25": (8, -13), "w = 0.5": (10, -13), "w = 1": (14, -13), "w = 2": (20, -12), "w = 4": (24, 4),
           "20% out": (-8, 6), "40% out": (-10, 4), "60% out": (-10, 0)}
plots.one_against_another(groups, "harmless requests refused, share of the best of 16",
                          "helpful gold on harmless requests (points)", joined=True, offsets=offsets)

# %%
assert counts["w = 0"][1].low > counts["w = 1"][1].high                     # safety in the sum lowers over-refusal
assert counts["w = 4"][2].high < counts["w = 0.25"][2].low                  # too much of it costs help
assert counts["random"][0].low > 0.4 and counts["w = 0.25"][0].high < 0.05

# %% [markdown]
# Which point is best is not a question for statistics: it depends on what a harmful reply costs and what a refusal costs. What statistics says: the points at the lower left give up a good deal of help for a fall in refusals that their intervals hardly show, so the choice should be made among the others. Over-refusal has to be counted on its own. A mean of gold over all prompts would hide it.

# %% [markdown]
# ## Choosing with few labels
#
# You have two reward models and a small budget: a person will judge $G$ replies with a gold label each. Two plans, at the same price:
#
# - **accuracy**: label both replies of $G/2$ random pairs, and keep the model that orders more pairs rightly;
# - **head to head**: for $G/2$ prompts let each model choose among the same 16 candidates, label both chosen replies, and keep the model whose choices have more gold.
#
# **Your prediction:** which plan picks the right model more often? We play it 4,000 times on the stored pool for each budget. "Right" is the model with the higher gold of best-of-16 on the whole pool.

# %%
from course_lib.findings.choosing import right_choices

scored = {**{name: stored.reward(name) for name in names}, "capped judge": torch.tensor(judge)}
duels = [("reward-2000", "reward-500"), ("reward-helpful", "reward-harmless"),
         ("reward-2000", "reward-helpful"), ("capped judge", rival)]
for a, b in duels:
    at_16 = [best_of_n_curve(scored[name], stored.reward("gold"), [16]).mean() for name in (a, b)]
    print(f"{a} (gold {at_16[0]:.2f}) or {b} ({at_16[1]:.2f})")
    for G in (16, 64, 256):
        shares = right_choices(scored[a], scored[b], stored.reward("gold"), labels=G)
        print(f"   {G:3} labels   right by " + ", ".join(f"{plan} {share:.0%}" for plan, share in shares.items()))

# %%
for a, b, plan in ((*duels[0], "head to head"), (*duels[2], "accuracy"), (*duels[3], "head to head")):
    shares = right_choices(scored[a], scored[b], stored.reward("gold"), labels=256)
    assert shares[plan] == max(shares.values()) and shares[plan] > 0.6

# %% [markdown]
# Head to head wins where the two differ much in what they choose, and in the last duel accuracy leads to the *wrong* model, more surely the more labels one buys. In the third duel, of two models whose choices are about equally good, accuracy finds the right one more often: it uses differences that best-of-16 hardly shows. (Picking wrongly costs little there.)
# **With few labels, spend them on replies that the models would choose.** It measures the thing you want, at the $n$ you will use.
#
# This holds for one $n$ and one policy. A model chosen at $n = 16$ may be the wrong one at 256, and after fine-tuning the policy writes other replies.

# %% [markdown]
# ## Holding back: regularised best-of-N
#
# If the trouble is that the argmax runs to strange replies, one can charge for strangeness: choose the highest
#
# $$r(x, y) + \beta \log \pi_{\text{ref}}(y \mid x).$$
#
# (This $\beta$ is a price per nat, not the $\beta$ of the fit.) In RL a KL penalty plays that part, and Gao et al. found it to act like stopping early. Here the code is `regularised_best`. We choose $\beta$ on the first 64 prompts and measure on the other 64, at $n = 256$, where the plain choice by `reward-500` is over-optimised. Two
# controls: the plain choice at its best $n$, and the log-probability *alone*, without any reward.

# %%
from course_lib.selection import regularised_best

tuning, test = stored.prompts_at(range(64)), stored.prompts_at(range(64, 128))
betas = [0, 0.02, 0.05, 0.1, 0.2, 0.5]
tuned = {beta: regularised_best(tuning, by="reward-500", beta=beta).rewards("gold").mean().item() for beta in betas}
beta = max(tuned, key=tuned.get)
print("gold on the first 64 prompts:", {b: round(g, 2) for b, g in tuned.items()}, "  chosen β:", beta)

# %%
plain = regularised_best(test, by="reward-500", beta=0).rewards("gold")
held_back = regularised_best(test, by="reward-500", beta=beta).rewards("gold")
likely = regularised_best(test, by="reward-500", beta=1e6).rewards("gold")
early = best_of_n_curve(test.reward("reward-500"), test.reward("gold"), [16])[:, 0]
others = {"the plain best of 256": plain, "the plain best of 16": early, "the most probable of 256": likely}
for name, other in others.items():
    better = paired_difference(held_back, other)
    print(f"regularised {held_back.mean():.2f}, {name} {np.mean(np.asarray(other)):.2f}, difference {better}")
    assert better.low > 0

# %%
lost = [points(regularised_best(test, by="reward-500", beta=b), "wrong_steps") for b in (0, beta)]
print(f"points for steps of another topic: plain {lost[0].mean():.2f}, regularised {lost[1].mean():.2f}")
assert paired_difference(lost[1], lost[0]).low > 0

# %% [markdown]
# It is more than stopping early: the regularised best of 256 is better than the plain best of 16, and better than what the most probable reply gives without a reward. The last line says why: steps of another topic are improbable *under the policy*, so the log-probability knows just what the weak reward model does not. Where the policy itself is
# confidently wrong, it will not help. Note that a sum of log-probabilities also charges for length.

# %% [markdown]
# ## From choosing to training
#
# Everything so far changed the answer, not the model. Lesson 05 goes one step further: the chosen replies become **training data**. Then a reward model improves the base model directly, by data, and its errors are not forgotten after one answer: they are learned. Count the chosen replies that contain a step of another topic.

# %%
for by in ("reward-500", "reward-8000"):
    best = course.select_best(stored.first(16), by=by)
    wrong = (points(best, "wrong_steps") < 0).astype(float)
    print(f"best of 16 by {by:12} {bootstrap_interval(wrong):.0%} teach a step of another topic")

# %% [markdown]
# A good reward model gives a cleaner lesson from the same samples. That is why this lesson stands before the next.

# %% [markdown]
# ## What we found

# %%
from course_lib import findings

findings.show("04")

# %% [markdown]
# In words:
#
# 3. KL of best-of-n never exceeds $\log n - (n-1)/n$. Without ties and with many replies it is near that; with a pass-or-fail reward it is far below, and never above $-\log p$.
# 5. The proxy rises all the way; gold rises, peaks and falls, and what falls is what the weak model never learned. With more comparisons the peak moves right, and $d(\alpha - \beta d)$ fits, less well for the weakest model.
# 15. Over our models accuracy and gain go together, but the more accurate of two can give the worse best-of-n: models trained on random pairs against models trained on pass-or-fail labels, and a judge whose scale ends too early. What counts is the order at the top. Among the seven bundled models there was no such pair beyond chance.
# - An average of four different weak models beat the best of them at $n = 16$ and 64, not beyond chance at 256. Caution (minimum, mean less deviation) did not beat the plain mean. One model trained on all the comparisons beat the ensemble of four that shared them out.
# - A verifier that is right is not over-optimised, but its ties stop the gain.
# - With two rewards, some weight on safety lowered harmful compliance and over-refusal; more cost help.
# - Few labels are mostly better spent on the replies that the models would choose than on random pairs.
#
# ## What this leaves out
#
# One policy, one family of small reward models, simulated annotators whose noise is known. Gao et al. checked their law up to $n = 60{,}000$; we have 256 candidates and a bound in place of KL. Our gold curve bends more at the start than their form allows. They also report that below about 2,000 comparisons their
# reward models were near chance; ours, in a much smaller world, are useful with 500. What happens when the *policy* changes, as in training, is in lessons 05 and 07.
#
# ## In real systems
#
# - Llama 2-Chat used two reward models, for helpfulness and for safety (arXiv 2307.09288).
# - RewardBench 2 is reported to test reward models by the best of 4 replies, and to find a correlation of .87 between its accuracy and best-of-N: high, and not 1.
# - Gao, Schulman and Hilton report that KL is not a fair ruler between methods, and that a KL penalty acts like early stopping (arXiv 2210.10760).
#
# ## Further reading
#
# Gao, Schulman and Hilton, *Scaling laws for reward model overoptimization*, arXiv 2210.10760. Beirami et al., *Theoretical guarantees on the best-of-n alignment policy*, arXiv 2401.01879, for the bound and a better estimate, which the library has as `kl_best_of_n_estimate`.
#
# ## Now you
#
# **Exercise** `exercises/ex04` (to come): fit the law, find where the KL bound fails, and choose between two reward models with 64 labels.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("04")
