# %% [markdown]
# # N-best candidates: how to generate them
#
# **You will:** work out on paper what greedy decoding, beam search, sampling and temperature give, see why best-of-N wants independent samples, choose a temperature together with N, and count what
# sampling costs and what can be saved.
#
# **Builds on:** lesson 01 (best-of-N, the curve from a stored pool, the win rate n/(n+1)).
#
# **Time:** 55 minutes to read and do; the cells run in under a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, explore, plots
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown]
# ## Two meanings of "N-best"
#
# Lesson 01 took its $N$ candidates from `sample` and asked no questions. Textbooks often call them an **N-best list** and write
#
# $$\{\hat y_1, \dots, \hat y_N\} = \operatorname{argTopN}_y \Pr(y \mid x),$$
#
# the $N$ replies with the highest probability under the policy, as a search would find them. Lesson 01 did something else: it drew $N$ replies **independently** from $\pi(\cdot \mid x)$, each by a fresh throw of the dice. "Independent and
# identically distributed", or **i.i.d.**, is the usual name for such draws. Both give $N$ candidates. They are not the same candidates, and what we proved about best-of-N holds for one of them only.
#
# ## On paper: five replies
#
# A policy that can write five replies, of two words each. At the start it writes "Open" or "Read"; the second word depends on the first.

# %%
tree = {"Open": (0.6, {"settings": 0.40, "menu": 0.35, "door": 0.25}),
        "Read": (0.4, {"manual": 0.90, "mail": 0.10})}
rewards = {"Open settings": 1, "Open menu": 3, "Open door": -1, "Read manual": 0, "Read mail": 2}

# %% [markdown]
# **Take a pencil.** The probability of a reply is the product along its path: "Open settings" has $0.6 \cdot 0.4 = 0.24$.
#
# 1. **Greedy decoding** takes the likeliest word at each step. Which reply does it write?
# 2. Which reply is the likeliest of the five?
# 3. **Beam search** with $N$ beams keeps, after each step, the $N$ likeliest beginnings. What does it return for $N = 2$?

# %% tags=["nbval-check-output"]
replies = {f"{a} {b}": pa * pb for a, (pa, rest) in tree.items() for b, pb in rest.items()}
for reply in sorted(replies, key=replies.get, reverse=True):
    print(f"{replies[reply]:.2f}  reward {rewards[reply]:2}  {reply}")

# %% [markdown]
# Greedy decoding goes for "Open", since 0.6 is more than 0.4, and then for "settings": a reply with 0.24. The likeliest reply is another one, "Read manual" with 0.36. Greedy decoding cannot find it, since it threw "Read" away at the first step.
# Beam search with two beams keeps both first words, and returns the list "Read manual", "Open settings". With four beams:

# %%
def beam(width):
    """Keep the ``width`` likeliest first words, write all replies that begin so, keep the ``width`` likeliest."""
    begun = sorted(tree, key=lambda a: -tree[a][0])[:width]
    ended = [(pa * pb, f"{a} {b}") for a in begun for pa, rest in [tree[a]] for b, pb in rest.items()]
    return [reply for _, reply in sorted(ended, reverse=True)[:width]]

# %% tags=["nbval-check-output"]
for width in (1, 2, 4):
    print(width, beam(width))

# %% [markdown]
# (One beam is greedy decoding. Ask twice and you get the same list twice: there is no chance in it.) Now choose the reply with the highest reward. From a list the best is the same each time. From $n$ samples it varies, so we take its
# expectation, which has a formula for so small a policy: with the replies sorted by reward, the best of $n$ is at or below a certain reply when all $n$ draws are, so with probability $F^n$, $F$ the sum of the probabilities up to there.
# `best_of_n_distribution` computes that.
#
# **Your prediction.** For $n = 2$ and for $n = 4$: which has the better best reply, the list or the samples?

# %% tags=["nbval-check-output"]
from course_lib.estimators import best_of_n_distribution

p, r = np.array(list(replies.values())), np.array([rewards[reply] for reply in replies])
for n in (1, 2, 4):
    listed = max(rewards[reply] for reply in beam(n))
    sampled = best_of_n_distribution(p, r, n) @ r
    print(f"n = {n}: best of {n} beams {listed:.2f}, best of {n} samples on average {sampled:.2f}")

# %% [markdown]
# For $n = 2$ the samples win: the two likeliest replies happen to be mediocre ones, and a list never looks at anything else. For $n = 4$ the list wins: it holds four *different* replies of five, where samples repeat themselves. So a list is
# not bad as such. Three things set it apart:
#
# - It **knows nothing but probability**. Whether its members are good depends on whether the likely replies are good.
# - It **has no chance in it**: no second list to compare with, and no average over lists.
# - Its members are **not exchangeable**: the first is not a typical one, and a list of 2 is not "two of the list of 4".
#
# A real policy has more replies than anybody can count. There the $N$ likeliest are a tiny corner. We shall see what lies in it.

# %% [markdown]
# ## From logits to a word
#
# How does one draw? At each step the policy gives a number to each word of its vocabulary, its **logit** $\ell_k$. The probabilities are
#
# $$p_k = \frac{e^{\ell_k / T}}{\sum_j e^{\ell_j / T}},$$
#
# the *softmax* of the logits divided by the **temperature** $T$. $T = 1$ is the policy itself. Below 1 the likely words become likelier, above 1 the words come closer together. Dividing a logarithm by $T$ is the same as raising the probability to the
# power $1/T$: with probabilities 0.5, 0.3, 0.15, 0.05 and $T = 0.5$, square them and divide by the sum, 0.365. **Do the first one by hand.**
#
# To turn probabilities into a word, put them end to end on a ruler from 0 to 1 and let a random number $u$ say where to cut. That is `draw` in `course_lib/sampling.py`. Instead of random numbers we give it 10,000 evenly spaced ones, so that the
# shares must come out right.

# %%
from course_lib.sampling import draw, filtered

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
# Two *filters* take words out before the draw. **Top-k** keeps the $k$ likeliest words. **Top-p** (nucleus sampling) keeps the smallest set of likeliest words whose probabilities reach $p$. What is left is divided by its sum. With $p = 0.9$ here:
# 0.5 and 0.3 reach 0.8, which is not enough; with 0.15 it is. So three words stay, each divided by 0.95.

# %% tags=["nbval-check-output"]
for settings in ({"top_k": 2}, {"top_p": 0.9}):
    kept, drawn = filtered(logits.exp(), **settings)[0], shares(**settings)
    print(settings, "formula", rounded(kept / kept.sum()), "drawn", rounded(drawn))
    assert torch.allclose(kept / kept.sum(), drawn, atol=2e-4)

# %% [markdown]
# Careful with the word "temperature": it acts on each *word*, not on the whole reply. In the tree above, a very low temperature takes "Open" and then "settings", like greedy decoding, although "Read manual" is the likeliest reply:

# %% tags=["nbval-check-output"]
def soften(ps, T):
    powers = np.array(list(ps)) ** (1 / T)
    return powers / powers.sum()

for T in (0.1, 0.5, 1.0, 2.0):
    starts = soften([pa for pa, _ in tree.values()], T)
    at_T = {f"{a} {b}": start * end for start, (a, (_, rest)) in zip(starts, tree.items())
            for b, end in zip(rest, soften(rest.values(), T))}
    print(f"T = {T}:", {reply: round(float(p), 2) for reply, p in at_T.items()})

# %% [markdown]
# Now the help-desk policy. The table shows the first word of its reply to one question: how likely the five likeliest are, and how many words the nucleus of 0.9 holds.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
question = "How do I reset my password?"
with torch.inference_mode():
    first = policy.model(torch.tensor(policy.encode([question]))).logits[:, -1]
for T in (0.4, 1.0, 1.6):
    p = torch.softmax(first / T, dim=-1)
    likely, ids = (best.tolist() for best in p[0].topk(5))
    words = [f"{word.strip('▁')} {q:.2f}" for word, q in zip(policy.tokenizer.convert_ids_to_tokens(ids), likely)]
    nucleus = int((filtered(p, top_p=0.9) > 0).sum())
    print(f"T = {T}: {', '.join(words)}; nucleus of 0.9: {nucleus} of {p.shape[1]} words")

# %% [markdown]
# At 0.4 a few openings take nearly all. At 1.6 a long tail of words gets a chance at every step, and a reply has some 26 steps. Keep that tail in mind.
#
# ## Greedy decoding N times
#
# A temperature of 0 means greedy decoding. Many text generators decode greedily unless told otherwise, and so this mistake is common: ask for 8 candidates, and get the same reply 8 times. Nothing complains. Best-of-8 runs, and its gain is
# exactly zero. `sample` refuses:

# %% tags=["nbval-check-output"]
from course_lib.errors import CourseError

try:
    course.sample(policy, [question], n=8, temperature=0)
except CourseError as error:
    print(error)

# %% [markdown]
# ## Beams and samples from the real policy
#
# Eight candidates each for 24 held-out prompts, in four ways: sampled at temperature 1; sampled at 0.2; by **beam search** with 8 beams; and by **diverse beam search** (arXiv 1610.02424), which fines a beam for taking a word that another beam took
# at the same step. All are scored by the proxy, `reward-8000`, which chooses, and by gold, which judges.
#
# **Your prediction.** Which list has the highest gold on average? In which is the best of eight best?

# %%
from course_lib.reward import GoldReward

world = course.load_world("helpdesk")
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
prompts, info = world.prompts("heldout", limit=24, seed=21)

def judged(pool):
    """The pool scored by the proxy and by gold."""
    return course.score(course.score(pool, proxy), GoldReward(world))

# %%
ways = {"samples, T = 1": {}, "samples, T = 0.2": {"temperature": 0.2},
        "beams": {"method": "beam"}, "diverse beams": {"method": "diverse_beam"}}
lists = {name: judged(course.sample(policy, prompts, n=8, seed=3, info=info, **way)) for name, way in ways.items()}

# %% [markdown]
# Read before you count. One question, every second candidate of each list, with its gold reward.

# %%
print(prompts[0])
for name, pool in lists.items():
    print(name)
    for gold, text in zip(pool.reward("gold")[0].tolist()[::2], pool.texts[0][::2]):
        print(f"   {gold:5.2f}  {text}")

# %% [markdown]
# The samples at $T = 1$ say different things, good and bad. The beams say one thing: the same three steps, with another courtesy in front or behind. Diverse beams force other openings, and some of these lead astray. The cold samples repeat themselves word for word.
# All eight candidates of this question, as dots:

# %%
plots.strips({name: pool.reward("gold")[0] for name, pool in lists.items()},
             title=f"Eight candidates for: {prompts[0]}")

# %% [markdown]
# And over all 24 questions. "Different words" is the share of different pairs of neighbouring words among all eight replies (distinct-2, more on it below); "spread" is the standard deviation of gold within a list.

# %%
from course_lib.estimators import distinct_n

print(f"{'':18}mean gold  best by proxy  best by gold  different words  spread")
for name, pool in lists.items():
    gold, best = pool.reward("gold"), course.select_best(pool, by="proxy").rewards("gold")
    words = np.mean([distinct_n(row) for row in pool.texts])
    print(f"{name:18}{gold.mean():9.2f}{best.mean():15.2f}{gold.max(1).values.mean():14.2f}"
          f"{words:17.2f}{gold.std(1).mean():8.2f}")

# %%
best = {name: course.select_best(pool, by="proxy").rewards("gold") for name, pool in lists.items()}
ahead = paired_difference(best["beams"], best["samples, T = 1"])
print("best of 8 beams less best of 8 samples at T = 1, gold:", ahead)
assert ahead.low > 0 and lists["beams"].reward("gold").mean() > best["samples, T = 1"].mean()

# %% [markdown]
# Were you surprised? Here the beams win by far: even their *mean* is above the best of eight samples. The likely replies of this policy happen to be its good ones. On paper above it was the other way round for two candidates. Nothing in the method decides this; only a measurement does.
#
# So why does this course sample? Because of what one may *conclude*. Take the two formulas of lesson 01.
#
# **The win rate.** The best of 8 should beat one fresh sample in 8 of 9 cases, whatever the policy and the reward. The argument was that candidates and opponent are dealt from the same pack, so that each is equally likely to be the highest. Beams are not dealt.

# %%
from course_lib.estimators import win_rate_theory, win_scores

fresh = judged(course.sample(policy, prompts, n=32, seed=9, info=info))   # the opponents, T = 1
wins = {}
for name in ("samples, T = 1", "beams", "diverse beams"):
    top = lists[name].reward("proxy").max(1, keepdim=True).values.expand(-1, fresh.N)
    wins[name] = bootstrap_interval(win_scores(top, fresh.reward("proxy")).mean(1))
    print(f"{name:15} win rate {wins[name]}   formula {win_rate_theory(8):.2f}")
assert abs(wins["samples, T = 1"].mean - win_rate_theory(8)) < 0.06 and wins["beams"].low > win_rate_theory(8) + 0.02

# %% [markdown]
# **The curve.** From 8 samples `best_of_n_curve` tells what a single sample is worth: for $n = 1$ it is their mean. Do the same with 8 beams. The result should be what *one* candidate is worth. But one beam is the greedy reply, and one sample is one sample:

# %%
greedy = judged(course.sample(policy, prompts, n=1, temperature=0, info=info)).reward("gold")[:, 0]
for name in ("beams", "samples, T = 1"):
    estimate = best_of_n_curve(lists[name].reward("gold"), ns=[1])[:, 0]
    print(f"one candidate, estimated from 8 {name:15} {bootstrap_interval(estimate)}")
one_sample = fresh.reward("gold").mean(1)
print("measured: greedy reply", bootstrap_interval(greedy), "  one sample", bootstrap_interval(one_sample))

# %%
from_beams = best_of_n_curve(lists["beams"].reward("gold"), ns=[1])[:, 0]
miss = paired_difference(from_beams, one_sample)
print("estimate from beams less one sample:", miss, "  less the greedy reply:", paired_difference(from_beams, greedy))
assert miss.low > 1 and not paired_difference(from_beams, greedy).excludes_zero

# %% [markdown]
# The estimate from samples agrees with the measured sample. The estimate from beams is far from it. (From the greedy reply it cannot be told apart here: the last interval contains 0. That is luck, not theory.) Such a list is what it is: eight replies, with nothing to be said from them about one,
# four or sixteen.
#
# All that this course says of KL, win rates, curves and, later, policy gradients rests on draws. And a pool of draws can be enlarged: the first 8 of its 16 are its 8. A list of beams promises no such thing; on paper the list of one was "Open settings", and the list of two began with "Read manual".
#
# The cold samples show the way out: they are **independent draws** too, from the policy at $T = 0.2$, and in the table they stand much nearer to the beams than the samples at $T = 1$ do. What one wants from a search, likely replies, one can have by temperature, and keep the theory (with an opponent from the same temperature).

# %% [markdown]
# ## Temperature and diversity
#
# The other dial is the temperature. Sampling at several of them takes minutes, so the pools are stored: the first 64 prompts of the held-out pool, 64 candidates at each temperature, with the same seed
# (`course build-assets --world temperatures` makes them again).
#
# First, how different are the candidates? Two measures. `distinct_fraction` is the share of different texts among the 64. `distinct_n` (for $n = 2$) takes all pairs of neighbouring words in all texts, and gives the share of different ones (arXiv 1510.03055).
# Both fall when texts are added, so compare lists of equal length only. By hand, on three short texts:

# %% tags=["nbval-check-output"]
from course_lib.estimators import distinct_fraction

texts = ["open the menu", "open the menu", "open the door"]   # pairs: 3 × open-the, 2 × the-menu, 1 × the-door
print(f"distinct_fraction {distinct_fraction(texts):.3f} (2 of 3), distinct-2 {distinct_n(texts, n=2):.3f} (3 of 6)")

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
                                 "different pairs of words (distinct-2)": by_prompt(distinct_n)},
                          "share", peaks=False)

# %% [markdown]
# At a low temperature most candidates are copies, and a copy gives best-of-N nothing new to choose from. At a high one nearly all differ. But different is not the same as good. Read the first three candidates to one question at the
# lowest, the middle and the highest temperature:

# %%
for T in (grid[0], 0.7, grid[-1]):
    print(f"T = {T:g}   {pools[T].prompts[0]}")
    for gold, text in zip(pools[T].reward("gold")[0].tolist()[:3], pools[T].texts[0]):
        print(f"   {gold:5.2f}  {text}")

# %% [markdown]
# ## Which temperature for which n?
#
# **Your prediction.** With one candidate per prompt, which temperature of the grid gives the highest gold? With 16 candidates, the best of them chosen by gold itself: the same temperature, a lower or a higher one?

# %%
ns = [1, 4, 16, 64]

def best_of(by):
    """{n: (P, temperatures)}: gold of the best of n by a reward, for each prompt."""
    values = np.stack([best_of_n_curve(pool.reward(by), pool.reward("gold"), ns) for pool in pools.values()], axis=1)
    return {f"n = {n}": values[:, :, k] for k, n in enumerate(ns)}

ceiling = best_of("gold")
plots.against_temperature(grid, ceiling, "gold reward of the best of n (points)", title="Chosen by gold (ceiling)")

# %% [markdown]
# Two things to see. First, the line of one candidate falls from left to right: a single reply is best at the *lowest* temperature. Second, the circles move right from $n = 1$ to 4 to 16: 16 candidates at the lowest temperature are a few replies many times over, and a
# little more spread pays, as long as somebody can pick the good ones. At $n = 64$ the line is flat on the left: the best of 64 is nearly the best reply there is, and where its circle stands between 0.2 and 0.7 means nothing.
#
# Is the turn more than chance? Compare $T = 0.4$ with $T = 0.1$, prompt by prompt, for each $n$; above 0 means that 0.4 is better.

# %%
cold, warm = grid.index(0.1), grid.index(0.4)
turn = {name: paired_difference(values[:, warm], values[:, cold]) for name, values in ceiling.items()}
for name, difference in turn.items():
    print(f"{name:7} chosen by gold, T = 0.4 less T = 0.1: {difference}")
assert turn["n = 1"].high < -0.5 and turn["n = 16"].low > 0.05
assert np.ptp(ceiling["n = 64"][:, grid.index(0.2): grid.index(0.7) + 1].mean(0)) < 0.02   # 0.2 to 0.7 tie

# %% [markdown]
# **Finding 6: the best temperature rises with $n$**, when a perfect judge chooses. For one reply 0.1 is better, for the best of 16 it is 0.4, and neither interval contains 0. (We picked 0.4 after seeing the circles, which flatters it a little; an interval so far from 0 can bear that.) And with a reward model as the judge? **Predict before you run it.**

# %%
learned = best_of("reward-8000")
plots.against_temperature(grid, learned, "gold reward of the best of n (points)", title="Chosen by reward-8000")

# %%
for name, values in learned.items():
    turn = paired_difference(values[:, warm], values[:, cold])
    print(f"{name:7} chosen by reward-8000, T = 0.4 less T = 0.1: {turn}")
    assert turn.mean < 0

# %% [markdown]
# The turn **does not appear**. The loss at the higher temperature shrinks from $n = 1$ to $n = 4$, but then it stays, and never becomes a gain. Spread is of use to a judge who can tell good from bad, and does harm to one who can be fooled: lesson 01
# ended on a reply that a reward model liked for a wrong reason, and more spread offers more of those. So the temperature belongs to the policy, to $n$, *and* to the judge. Choose it by measuring, on prompts kept apart for that.
#
# There is a lesson about controls in these numbers, too. Lesson 01 sampled at temperature 1. What does *one* reply at $T = 0.1$ give, beside best-of-16 at $T = 1$, for a sixteenth of the tokens?

# %%
one_cold = ceiling["n = 1"][:, cold]
sixteen = learned["n = 16"][:, grid.index(1.0)]
print("one sample at T = 0.1:", bootstrap_interval(one_cold))
print("best of 16 by reward-8000 at T = 1:", bootstrap_interval(sixteen))
cheaper = paired_difference(one_cold, sixteen)
print("difference:", cheaper)
assert cheaper.low > 0

# %% [markdown]
# One careful sample beats sixteen free ones. In this world the likely replies are the good ones: the help desk's good sentences are always the same, its faults are scattered, and a low temperature cuts the scattered ones off. It need not be so elsewhere, but it is the first
# thing to try: **the temperature costs nothing.** A best-of-N that has not been compared with one sample at the best temperature has not been compared with its real rival.
#
# Why then does this course go on sampling at $T = 1$? Because it is the policy as it is, with all its faults, and we want to see whether selection and training can mend them; the help desk stands in for a policy whose likely replies are not good enough. What we compare is always compared
# at one temperature.
#
# Turn the dials yourself. Put the temperature at 0.1 and move $n$: the choice hardly changes. Put it at 1.3, and select by `reward-500`: read what is chosen.

# %%
explore.best_of_n_slider(pools, rewards=["reward-8000", "reward-500", "gold"], n=16, temperature=0.4)

# %% [markdown]
# ## The best grows, the typical reply stays
#
# One look at the same thing from another side. Take the first 2 candidates of the stored pool (temperature 1), the first 4, and so on up to 256. **Your prediction.** As $n$ grows, what happens to the highest gold reward among the $n$, to the lowest, and to the
# median, the one in the middle?
#
# The highest of $n$ is `best_of_n_curve`. The lowest is the same with the sign turned round. For the median, cut the 256 candidates into groups of $n$ and average the medians of the groups.

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold, sizes = stored.reward("gold").double(), [1, 2, 4, 8, 16, 32, 64, 128, 256]
spread = {"highest of n": best_of_n_curve(gold, ns=sizes),
          "median of n": np.stack([np.median(gold.reshape(stored.P, -1, n), axis=2).mean(1) for n in sizes], axis=1),
          "lowest of n": -best_of_n_curve(-gold, ns=sizes)}
plots.best_of_n(sizes, spread, ylabel="gold reward (points)")

# %%
grown = {name: paired_difference(values[:, -1], values[:, 0]) for name, values in spread.items()}
for name, change in grown.items():
    print(f"{name:13} from n = 1 to n = 256: {change}")
assert grown["highest of n"].low > 2 and abs(grown["median of n"].mean) < 0.2 and grown["lowest of n"].high < -2

# %% [markdown]
# **Finding 7: the highest reward grows with $n$ while the median stays.** More candidates do not make the policy better. They widen the range we can choose from, at both ends: the lowest falls as the highest rises, so choosing badly costs more, too.
# Llama 2's authors drew the same picture of highest and median reward, and called the gap the gain on offer from fine-tuning on the best (arXiv 2307.09288).

# %% [markdown]
# ## What sampling costs, and three ways to save
#
# The unit is a **token computed**: one token passed once through the model. For $N$ candidates of a prompt, naively, the prompt is read $N$ times, and every row of the batch goes on until the longest reply has ended. Two savings change
# nothing in the result.
#
# - **Prefix sharing.** All $N$ candidates begin with the same prompt. Read it once and let all rows look at its keys and values.
# - **Retiring.** A reply that has ended leaves the batch.
#
# On paper: a prompt of 10 tokens, four replies of 5, 8, 8 and 20 tokens. Naively each of the four rows reads 10 tokens and runs for 20 steps: $4 \cdot (10 + 20) = 120$. (The last token of a reply need not be passed through, which we leave out.) With both
# savings: $10 + 5 + 8 + 8 + 20 = 51$. **What would each saving alone give?**

# %% tags=["nbval-check-output"]
prompt_tokens, reply_tokens = 10, np.array([5, 8, 8, 20])
N, longest = len(reply_tokens), reply_tokens.max()
print("naive", N * (prompt_tokens + longest), "| sharing only", prompt_tokens + N * longest,
      "| retiring only", N * prompt_tokens + reply_tokens.sum(), "| both", prompt_tokens + reply_tokens.sum())

# %% [markdown]
# Now count in earnest. A *hook* is a function that PyTorch calls whenever a layer runs; ours notes how many tokens come in at the bottom of the model. First the usual way, `generate` of the transformers library with 16 sequences for each of 8 prompts; then
# `sample`.

# %%
from contextlib import contextmanager

@contextmanager
def counting(model):
    """A list that grows by the number of tokens at every call of ``model``."""
    seen = []
    hook = model.get_input_embeddings().register_forward_hook(lambda layer, given, out: seen.append(given[0].numel()))
    yield seen
    hook.remove()

# %%
eight, ends = prompts[:8], policy.tokenizer
with torch.inference_mode(), counting(policy.model) as naive:
    torch.manual_seed(0)
    for ids in policy.encode(eight):
        policy.model.generate(torch.tensor([ids]), do_sample=True, top_k=0, num_return_sequences=16, max_new_tokens=96,
                              pad_token_id=ends.pad_token_id, eos_token_id=ends.eos_token_id)
with counting(policy.model) as saving:
    pool = course.sample(policy, eight, n=16, seed=0)

# %%
needed = sum(map(len, policy.encode(eight))) + int(pool.lengths.sum())
print(f"generate: {sum(naive):,} tokens computed; sample: {sum(saving):,}; at least needed: {needed:,}")
per_prompt = np.mean([len(ids) for ids in policy.encode(eight)])
print(f"a prompt has {per_prompt:.0f} tokens on average, a reply {pool.lengths.float().mean():.0f}")
assert sum(saving) < 0.8 * sum(naive)

# %% [markdown]
# `sample` lies a little above what is needed, since it drops ended rows in groups and not one by one. How much sharing saves depends on the lengths. Our prompts are shorter than the replies. With a prompt of 2,000 tokens (a system
# prompt, some documents) and replies of 200, for 16 candidates:

# %% tags=["nbval-check-output"]
long, short, n = 2000, 200, 16
without, sharing = n * (long + short), long + n * short
print(f"without sharing {without:,} tokens, with sharing {sharing:,}, a factor of {without / sharing:.1f}")

# %% [markdown]
# The third way does change the result. **Stop early**: score how the replies *begin*, drop the worst half, and write only the others to the end. The idea is that of speculative rejection (arXiv 2410.20290, whose abstract reports 16 to 32 times less
# compute). On paper, four candidates of 20 tokens each, looked at after 10: all four write 10 tokens, two write 10 more. $40 + 20 = 60$ instead of 80. A quarter is saved, whatever the scores.
#
# What may be lost: a reply that begins badly and ends well. We replay it on the stored pool, 32 candidates for each prompt. Cut each after 10 tokens, let the proxy score what is there, keep 16.

# %%
from course_lib.budget import Account
from course_lib.early_stopping import beginnings, survivors, tokens_written

many = stored.first(32)
begun = beginnings(many, policy, at=10)
with Account() as account:
    early = proxy.score_pool(begun)         # (P, 32): the proxy's scores of the beginnings
for j in range(3):
    print(f"{early[0, j]:5.2f}  {begun.texts[0][j]:55} …  in the end {many.reward('reward-8000')[0, j]:5.2f}")

# %% [markdown]
# (The proxy has never seen half a reply, so its scores of beginnings are a guess about a guess.) Are they of any use? Compare the reply chosen among the 16 survivors with the one chosen among all 32, and, as a **control**, with best-of-$m$ that spends the same number of
# tokens in the plain way: fewer candidates, all written to the end. **Your prediction.** How much gold is lost? And does early stopping beat its control?

# %%
final, judge = many.reward("reward-8000"), many.reward("gold")

def stopped(early, at, keep):
    """Share of tokens saved, m, and gold by prompt: stopped early, all 32, and the best of m for as many tokens."""
    kept = survivors(early, keep)
    saved = 1 - tokens_written(many.lengths, kept, at).sum().item() / many.lengths.sum().item()
    chosen = final.masked_fill(~kept, -torch.inf).argmax(1, keepdim=True)
    m = round(32 * (1 - saved))
    full, plain = best_of_n_curve(final, judge, ns=[32, m]).T
    return saved, m, judge.gather(1, chosen)[:, 0], full, plain

# %%
found = {}
for at, scores in ((10, early), (18, proxy.score_pool(beginnings(many, policy, 18)))):
    for keep in (16, 8):
        saved, m, gold, full, plain = stopped(scores, at, keep)
        found[at, keep] = saved, paired_difference(gold, full), paired_difference(gold, plain)
        print(f"look after {at} tokens, keep {keep:2}: {saved:.0%} of the tokens saved; gold less that of all 32: "
              f"{found[at, keep][1]}; less best of {m}: {found[at, keep][2]}")

# %%
saved, lost, gained = found[10, 16]
assert saved > 0.25 and lost.low > -0.2 and gained.low > 0    # much saved, little lost, better than fewer candidates
assert found[10, 8][1].mean < lost.mean                       # keeping fewer loses more
assert not found[10, 8][2].excludes_zero and not found[18, 8][2].excludes_zero

# %% [markdown]
# Read each line twice. *Less that of all 32* is the price: dropping half after 10 tokens costs a few hundredths of a point of gold. *Less best of m* is the question that matters, since the same tokens could have been spent otherwise. There, keeping 16 is better, and the interval lies above 0.
# Keeping only 8 saves more and loses more, and cannot be told from simply sampling fewer: both intervals contain 0. Even a guess about a guess helps, if one does not ask too much of it.
#
# One cost is missing from these lines: the proxy had to *read* the beginnings.

# %%
written_less = found[10, 16][0] * many.lengths.sum().item() / many.P
read_more = account.tokens_scored / many.P
print(f"per question: {written_less:.0f} tokens not written, {read_more:.0f} more tokens read by the proxy")
assert read_more > written_less

# %% [markdown]
# More is read than is saved. Reading is cheaper than writing, since a beginning is read in one pass and a reply is written token by token, and the proxy is smaller than the policy. But the share saved above counts written tokens, not all work. With a reward model as large as the policy, or
# with replies as short as ours, early stopping may save nothing. It is made for long replies.

# %% [markdown]
# ## What we found
#
# The numbered findings of this lesson, measured again from the stored pools.

# %%
from course_lib import findings

findings.show("02")

# %% [markdown]
# In words:
#
# 6. The best temperature rises with $n$ when a perfect judge chooses: from 0.1 for one reply to 0.4 for the best of 16. With the reward model choosing it does not rise; there the lowest temperature stays best.
# 7. The highest reward of $n$ candidates grows with $n$, the median does not move: more candidates widen the choice, they do not improve the policy.
# - Beams are not samples. Here they were better than samples at $T = 1$, because this policy's likely replies are good, and yet neither the win rate $n/(n+1)$ nor the best-of-$n$ curve holds for them.
# - One reply at a low temperature was better than the best of 16 at $T = 1$ by the reward model. Try the temperature before you pay for $N$.
# - Reading the prompt once and retiring ended replies saves tokens and changes nothing. Dropping half of the candidates early saved about a third of the written tokens for a few hundredths of a point, which was better than sampling fewer; but the reward model read more than was saved.
#
# ## What this leaves out
#
# Temperature and top-p can be set per position or per prompt, and there are other filters; the question is the same for all of them: more spread, at what loss on average? Our policy's likely replies are good ones, as the low temperatures showed. In a world
# where they are not, low temperatures and beams come out worse. Speculative rejection proper drops candidates again and again, whenever the batch outgrows the memory, and is measured in time on a GPU; we dropped once
# and counted tokens. Nothing here changed the policy; that begins in lesson 05.
#
# ## In real systems
#
# - Llama 2 reports that the best temperature for sampling rises with the number of samples, to 1.2 to 1.3 for 10 to 100 samples of its RLHF model (arXiv 2307.09288).
# - Llama 3 reports that PagedAttention (a way to manage the keys and values in memory) more than doubled the throughput of sampling (arXiv 2407.21783).
# - Rejection-sampling fine-tuning on GSM8K sampled 100 solutions at $T = 0.7$ (arXiv 2308.01825); ReST-EM 32 or 64 with top-k 40 at $T = 0.7$ (arXiv 2312.06585).
#
# ## Further reading
#
# Vijayakumar et al., *Diverse beam search*, arXiv 1610.02424. Speculative rejection: arXiv 2410.20290. Distinct-n: arXiv 1510.03055.
#
# ## Now you
#
# **Exercise** `exercises/ex02` (to come): write temperature, top-k and top-p, and find the temperature for a given N.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("02")
