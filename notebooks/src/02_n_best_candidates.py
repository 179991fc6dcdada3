# %% [markdown] tags=["slide"]
# # N-best candidates: how to generate them
#
# **You will:** work out on paper what greedy decoding, beam search, sampling and temperature give,
# see why best-of-N wants independent samples, choose a temperature together with N, tell where a
# temperature alone is enough, and count what sampling costs and what can be saved.
#
# **Builds on:** lesson 01 (best-of-N, the curve from a stored pool, the win rate n/(n+1)).
#
# **Time:** 65 minutes to read, and about 20 for the pencil work and the quiz (a good place for a
# break: before "Temperature and diversity"); the cells run in about a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import explore, plots, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown] tags=["slide"]
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
tree = {
    "Open": (0.6, {"settings": 0.40, "menu": 0.35, "door": 0.25}),
    "Read": (0.4, {"manual": 0.90, "mail": 0.10}),
}
rewards = {
    "Open settings": 1,
    "Open menu": 3,
    "Open door": -1,
    "Read manual": 0,
    "Read mail": 2,
}

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
replies = {
    f"{a} {b}": pa * pb for a, (pa, rest) in tree.items() for b, pb in rest.items()
}
in_order = sorted(replies, key=replies.get, reverse=True)
show.table(
    ["reply", "probability", "reward"],
    [(reply, f"{replies[reply]:.2f}", rewards[reply]) for reply in in_order],
)

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
    """Keep the ``width`` likeliest first words, then the likeliest that begin so."""
    begun = sorted(tree, key=lambda a: tree[a][0], reverse=True)[:width]
    ended = [reply for reply in replies if reply.split()[0] in begun]
    return sorted(ended, key=replies.get, reverse=True)[:width]

# %% tags=["nbval-check-output"]
show.table(["beams", "list"], [(width, ", ".join(beam(width))) for width in (1, 2, 4)])

# %% [markdown]
# (One beam is greedy decoding.
# Ask twice and you get the same list twice: there is no chance in it.)
# Now choose the reply with the highest reward.
# From a list the best is the same each time.
# From $n$ samples it varies, so we take its expectation, which has a formula for so small a policy.
# Sort the replies by reward, and let $F$ be the sum of the probabilities up to a certain reply.
# The best of $n$ is at or below that reply when all $n$ draws are: probability $F^n$.
# So it *is* that reply with $F^n$ minus the same for the reply below it.
# "Open menu" has the highest reward: $F = 1$, and $0.79$ below it.
# It is the best of 2 with probability $1 - 0.79^2 = 0.376$.
# `best_of_n_distribution` computes this for all five.
#
# **Your prediction.**
# For $n = 2$ and for $n = 4$: which has the better best reply, the list or the samples?

# %% tags=["nbval-check-output"]
from course_lib.estimators import best_of_n_distribution

p, r = np.array(list(replies.values())), np.array([rewards[reply] for reply in replies])
rows = []
for n in (1, 2, 4):
    listed = max(rewards[reply] for reply in beam(n))
    rows.append((n, f"{listed:.2f}", f"{best_of_n_distribution(p, r, n) @ r:.2f}"))
show.table(["n", "best of the list", "best of the samples, on average"], rows)

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

# %% tags=["hide"]
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
rows = []
for T in (0.5, 1.0, 2.0):
    formula, drawn = torch.softmax(logits[0] / T, dim=0), shares(temperature=T)
    rows += [
        (f"T = {T}, formula", *rounded(formula)),
        (f"T = {T}, drawn", *rounded(drawn)),
    ]
    assert torch.allclose(formula, drawn, atol=2e-4)
show.table(["share of each word", 1, 2, 3, 4], rows)

# %% [markdown]
# Two *filters* take words out before the draw.
# **Top-k** keeps the $k$ likeliest words.
# **Top-p** (nucleus sampling) keeps the smallest set of likeliest words whose probabilities reach
# $p$.
# What is left is divided by its sum.
# With $p = 0.9$ here: 0.5 and 0.3 reach 0.8, which is not enough; with 0.15 it is.
# So three words stay, each divided by 0.95.

# %% tags=["nbval-check-output"]
rows = []
for name, settings in (
    ("top-k, k = 2", {"top_k": 2}),
    ("top-p, p = 0.9", {"top_p": 0.9}),
):
    kept, drawn = filtered(logits.exp(), **settings)[0], shares(**settings)
    formula = kept / kept.sum()
    rows += [
        (f"{name}, formula", *rounded(formula)),
        (f"{name}, drawn", *rounded(drawn)),
    ]
    assert torch.allclose(formula, drawn, atol=2e-4)
show.table(["share of each word", 1, 2, 3, 4], rows)

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
    refused = str(error)
show.facts({"CourseError": refused})

# %% [markdown]
# ## Beams and samples from the real policy
#
# First, what did this policy learn from?
# We made up its help desk, and about two thirds of the desk's replies are **stock letters**:
# "Thank you for your message. Your order matters to us. ... I hope this helps."
# A letter says the same each time, but for the subject and one step, which may be right, foreign or
# missing.
# The other replies are a colleague's own words: some bad, some excellent.
# We made it so on purpose.
# A letter is likely and bland, and the likeliest text of large models tends to be bland, too
# (arXiv 1904.09751).
#
# Eight candidates each for 48 held-out prompts, in four ways: sampled at temperature 1; sampled at
# 0.3, "cold"; by **beam search** with 8 beams, the likeliest reply first; and by **diverse beam
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
stored = course.Pool.load(
    assets.path("helpdesk/pools/heldout.npz")
)  # for its prompts, here
prompts, info = stored.prompts[:48], stored.info[:48]

def judged(pool):
    """The pool scored by the proxy and by gold."""
    return course.score(course.score(pool, proxy), GoldReward(world))

# %%
ways = {"samples, T = 1": {}, "samples, T = 0.3": {"temperature": 0.3},
    "beams": {"method": "beam"}, "diverse beams": {"method": "diverse_beam"}}
lists = {name: judged(course.sample(policy, prompts, n=8, seed=3, info=info, **way))
    for name, way in ways.items()}

# %% [markdown]
# Read before you count.
# One question, the eight candidates of each list with their gold rewards, copies counted.

# %%
from collections import Counter

def read(name, pool):
    """The different replies to the first question: gold, and the number of copies."""
    seen = Counter(zip(pool.reward("gold")[0].tolist(), pool.texts[0], strict=True))
    return show.replies(f"{prompts[0]} ({name})", [text for _, text in seen],
        scores={"gold": [gold for gold, _ in seen]}, about=info[0],
        notes=[f"{copies} times" if copies > 1 else "" for copies in seen.values()])

show.together(*(read(name, pool) for name, pool in lists.items()))

# %% [markdown]
# The samples at $T = 1$ say different things, letters and own words, good and bad.
# The cold samples are a letter and its copies.
# The beams hold no copies, but letters all the same: those of the team, with the likeliest step or
# with none.
# Diverse beams are made to differ (and may still end in copies).
# One of them could not begin like the letters before it, and look at what it wrote.
#
# And over all 48 questions.
# A reply counts as a letter when it has a sentence that only letters have.
# "Distinct-2" is the share of different pairs of neighbouring words among all eight replies (more
# on it below).

# %% tags=["hide"]
from course_lib.estimators import distinct_n
from course_lib.worlds.helpdesk_letters import letter_sentences
from course_lib.worlds.helpdesk_stock import POLITE_CLOSE, POLITE_OPEN

given_away_by = letter_sentences() - set(POLITE_OPEN + POLITE_CLOSE)

def is_letter(pool):
    """(P, N): whether each reply has a sentence that only letters have."""
    return np.array([[any(s in text for s in given_away_by) for text in row]
        for row in pool.texts])

# %%
chosen = {name: course.select_best(pool, by="proxy").rewards("gold")
    for name, pool in lists.items()}
means = {name: pool.reward("gold").mean(1) for name, pool in lists.items()}
letter = {name: is_letter(pool) for name, pool in lists.items()}
rows = []
for name, pool in lists.items():
    best = pool.reward("gold").max(1).values.mean()
    different = np.mean([distinct_n(row) for row in pool.texts])
    rows.append((name, f"{means[name].mean():.2f}", f"{chosen[name].mean():.2f}",
        f"{best:.2f}", f"{letter[name].mean():.0%}", f"{different:.2f}"))
show.table(["eight candidates", "mean gold", "best by proxy", "best by gold", "letters",
    "distinct-2"], rows)

# %% [markdown]
# Now each of the others minus the samples at $T = 1$.
# Questions about one topic are not independent of each other: the same letters answer them.
# So the topics are the units of our intervals from here on (`groups=`), not the questions.

# %%
def minus(a, b, about=info):
    """Mean of a minus b with its interval; questions about one topic are one unit."""
    return paired_difference(a, b, groups=[each["topic"] for each in about])

rest = {}
for name in list(lists)[1:]:
    rest[name] = [
        minus(values[name], values["samples, T = 1"]) for values in (means, chosen)
    ]
show.table(
    ["gold, minus that of T = 1", "mean", "best by proxy"],
    [(name, *differences) for name, differences in rest.items()],
)

# %% tags=["hide", "remove-input"]
assert rest["samples, T = 0.3"][1].mean < -0.3 and rest["diverse beams"][1].low > 0.5
assert rest["beams"][1].high < 0 and rest["diverse beams"][0].low > 0.2

# %% [markdown]
# Were you surprised?
# The cold samples and the beams are nearly all letters.
# That is bad for choosing: their best of eight is half a point worse than that of the samples at
# $T = 1$, though the cold samples are no worse on average.
# And the diverse beams win by far: by about half a point on average, and by more than a point once
# the proxy has chosen.
# Why?
# Look at letters and own words one by one, and at the places of the list.

# %%
own_gold = {}
for name in ("samples, T = 1", "diverse beams"):
    gold, own = lists[name].reward("gold").numpy(), ~letter[name]
    own_gold[name] = gold[own].mean()
    print(f"{name}: mean gold of letters {gold[~own].mean():.2f}, "
        f"of own words {gold[own].mean():.2f}")
by_place = (~letter["diverse beams"]).mean(0)
show.together(
    show.table(["list", "questions with a reply in own words"],
        [(name, f"{(~rows).any(1).mean():.0%}") for name, rows in letter.items()]),
    show.table(["place in the list", *range(1, 9)],
        [["own words among diverse beams", *(f"{share:.0%}" for share in by_place)]]))

# %% tags=["hide", "remove-input"]
assert (
    own_gold["diverse beams"] > own_gold["samples, T = 1"] + 1.5
    and by_place[4:].sum() > 1
)

# %% [markdown]
# The fine pushes a beam to words that the beams before it have not taken.
# So some of the last ones begin like a colleague, and from there go on with the likeliest words.
# A colleague's slips are scattered, so a colleague's *likeliest* reply has few of them.
# Such replies are on average more than two points better than own words sampled at $T = 1$.
# Every list holds one, and the proxy finds it.
#
# Some of this is our world's doing.
# Its two kinds of writers part at their first words, where the fine bites.
# On paper, the list lost for two candidates and won for four.
# Nothing in a method decides this; only a measurement does.
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
fresh = {
    name: judged(course.sample(policy, prompts, n=32, seed=9, info=info, **ways[name]))
    for name in list(ways)[:2]
}
shorter = {
    (name, n): judged(course.sample(policy, prompts, n=n, info=info, **ways[name]))
    for name in list(ways)[2:]
    for n in (1, 4)
}

def best_gold(pool, n):
    """(P,) gold of the best of n by the proxy, averaged over all ways to take n."""
    return best_of_n_curve(pool.reward("proxy"), pool.reward("gold"), ns=[n])[:, 0]

# %%
gaps, rows = {}, []
for n in (1, 4):
    for name in ways:
        measured = best_gold(fresh.get(name) or shorter[name, n], n)
        gaps[name, n] = minus(best_gold(lists[name], n), measured)
        rows.append((n, name, f"{measured.mean():.2f}", gaps[name, n]))
show.table(["best of", "from", "measured", "estimate from 8, minus measured"], rows)

# %% tags=["hide", "remove-input"]
assert gaps["diverse beams", 4].low > 0.5
assert not any(gaps[name, n].excludes_zero for name, n in gaps if name in fresh)

# %% [markdown]
# For the samples, at both temperatures, every interval contains 0: the estimate does what it
# promises.
# For diverse beams it is far off.
# It promises a best of 4 that is more than a point too good: a list of 4 is the first half of the
# list of 8, not any four of it, and the good beams are in the second half.
# (For plain beams we see no gap that is clear of 0.
# That is luck, no theory stands behind it.)
# And must a longer list begin with the shorter one?

# %%
pairs = zip(shorter["beams", 4].texts, lists["beams"].texts, strict=True)
same = sum(four == eight[:4] for four, eight in pairs)
print(f"the list of 8 begins with the list of 4 for {same} of {len(prompts)} questions")

# %% tags=["hide", "remove-input"]
assert same < len(prompts)

# %% [markdown]
# Mostly it does here, but it need not, as on paper.
#
# **The win rate.**
# The best of 8 should beat one fresh sample in 8 of 9 cases.
# The argument was that candidates and opponent are dealt from the same pack, so that each is
# equally likely to be the highest.
# For beams there is no such opponent.
# Let all four play against both kinds of sample.

# %%
from course_lib.estimators import win_rate_theory, win_scores

wins, rows = {}, []
for name in ways:
    top = lists[name].reward("proxy").max(1, keepdim=True).values.expand(-1, 32)
    for opponent, pool in fresh.items():
        scores = win_scores(top, pool.reward("proxy"))
        topics = [each["topic"] for each in info]
        wins[name, opponent] = bootstrap_interval(scores.mean(1), groups=topics)
        rows.append(
            (name, opponent, wins[name, opponent], f"{(scores == 0.5).mean():.0%}")
        )
show.table(
    ["best of 8 from", "against one of", "win rate", "ties"],
    rows,
    f"The formula says {win_rate_theory(8):.2f}.",
)

# %% tags=["hide", "remove-input"]
warm, cold = list(fresh)
assert (
    abs(wins[warm, warm].mean - win_rate_theory(8)) < 0.06
    and wins[cold, cold].high < 0.83
)
assert wins["beams", warm].mean < 0.87 and wins["diverse beams", warm].low > 0.92

# %% [markdown]
# $T = 1$ against $T = 1$ agrees with the formula.
# Against an opponent from another temperature, or for a list, the rate can be anything: below the
# formula for beams, above it for diverse beams.
# Cold samples against their own kind fall short although they are dealt fairly: many are copies,
# copies tie, and a tie counts half.
# So the formula needs draws from **one** distribution, and replies that **differ**.
#
# So if you only want a good reply today, a search may serve you well: measure it.
# If you want to know what another $n$ would give, draw samples.
# So do we, and in lesson 05 for one more reason: training wants the policy's own replies, each as
# often as it comes.
# Do not throw copies out, either: what is left is no longer a sample from the policy.

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
print(f"distinct_fraction {distinct_fraction(texts):.3f} (2 of 3), "
    f"distinct-2 {distinct_n(texts, n=2):.3f} (3 of 6)")

# %%
from course_lib.assets import temperatures

pools = temperatures.pools()   # {temperature: pool}
grid = list(pools)
show.facts({"temperatures": ", ".join(map(str, grid)), "each": pools[1.0]})

# %% tags=["slide"]
def by_prompt(measure):
    """(P, temperatures): a measure of each prompt's 64 texts."""
    return np.array([[measure(row) for row in pool.texts] for pool in pools.values()]).T

plots.against_temperature(
    grid,
    {
        "different texts among 64": by_prompt(distinct_fraction),
        "different pairs of words (distinct-2)": by_prompt(distinct_n),
    },
    "share",
    peaks=False,
)

# %% [markdown]
# At a low temperature most candidates are copies, and a copy gives best-of-N nothing new to choose
# from.
# At a high one most differ.
# But different is not the same as good.
# Read the first four candidates to one question, at the lowest, a middle and the highest
# temperature:

# %%
show.together(
    *(
        show.replies(
            f"{pools[T].prompts[0]} (T = {T:g})",
            pools[T].texts[0][:4],
            scores={"gold": pools[T].reward("gold")[0, :4].tolist()},
            about=pools[T].info[0],
        )
        for T in (grid[0], 0.7, grid[-1])
    )
)

# %% [markdown]
# At 0.1 you read one letter again and again.
# At 0.7 there are letters with right and foreign steps, and a reply in a colleague's own words.
# At 1.3 anything can follow anything.
#
# ## Which temperature for which n?
#
# Let gold itself choose, and judge.
#
# **Your prediction.**
# For one reply: which temperature of the grid is best, and by how much does it beat $T = 1$?
# For the best of 16: is the best temperature the same, a lower or a higher one?

# %% tags=["hide"]
ns = [1, 4, 16, 64]

def best_of(by, judge="gold"):
    """{n: (P, temperatures)}: the judge's reward of the best of n by a reward."""
    values = np.stack([best_of_n_curve(pool.reward(by), pool.reward(judge), ns)
        for pool in pools.values()], axis=1)
    return {n: values[:, :, k] for k, n in enumerate(ns)}

def named(curves):
    """The curves with names for a figure."""
    return {f"n = {n}": values for n, values in curves.items()}

# %% tags=["slide"]
ceiling = best_of("gold")
plots.against_temperature(grid, named(ceiling), "gold of the best of n (points)",
    title="Chosen by gold (ceiling)")

# %%
def compare(curves, n, T, other):
    """Gold of the best of n at T minus that at the other temperature, by topic."""
    at = curves[n][:, grid.index(T)], curves[n][:, grid.index(other)]
    return minus(*at, pools[T].info)

dial = {T: compare(ceiling, 1, T, 1.0) for T in (0.3, 0.5, 0.7)}
hill = {n: [compare(ceiling, n, 0.7, other) for other in (0.3, 0.5, 1.0)] for n in ns}
show.together(
    show.table(
        ["one reply, minus T = 1", "gold"], [(f"T = {T}", dial[T]) for T in dial]
    ),
    show.table(
        ["best of n at T = 0.7", "minus T = 0.3", "minus T = 0.5", "minus T = 1"],
        [(f"n = {n}", *hill[n]) for n in ns],
    ),
)

# %% tags=["hide", "remove-input"]
assert (
    0.15 < dial[0.5].mean < 0.4 and dial[0.7].low > 0.1 and not hill[1][0].excludes_zero
)
assert all(found.low > 0 for n in (4, 16) for found in hill[n][:2])
assert hill[16][2].low > 0 and hill[64][0].low > 0.4 and not hill[64][1].excludes_zero

# %% [markdown]
# For **one reply** the temperature is a dial that hardly matters between 0.1 and 0.7.
# A middle one is best, by a little: about a quarter of a point better than $T = 1$.
# Turned down, the dial cuts off what is rare, the blunders and the excellent replies alike.
# What stays is the letter.
#
# For the **best of $n$** the line becomes a hill.
# At the cold end there is hardly anything to choose from.
# At the hot end there is a choice, but among worse replies.
# The circles move right, from 0.5 for one reply to 0.7 for 4 and 16, and there 0.7 beats both 0.5
# and 1.
# (For 64 the top is flat: 0.5, 0.7 and 1 cannot be told apart.)
#
# **Finding 6: the best temperature rises with $n$**, when a perfect judge chooses.
# For one reply 0.3 is as good as 0.7; for the best of 16 it is more than a point worse.
# And with a reward model that chooses?
# **Predict before you run it.**

# %%
learned = best_of("reward-8000")
plots.against_temperature(grid, named(learned), "gold of the best of n (points)",
    title="Chosen by reward-8000")

# %%
slope = {
    n: [compare(learned, n, *pair) for pair in ((0.7, 0.3), (1.0, 0.5))] for n in ns
}
level = compare(ceiling, 64, 1.0, 0.5)
show.table(
    ["best of n", "T = 0.7 minus T = 0.3", "T = 1 minus T = 0.5"],
    [
        *((f"n = {n}, by reward-8000", *slope[n]) for n in ns),
        ("n = 64, by gold", "–", level),
    ],
)

# %% tags=["hide", "remove-input"]
assert slope[16][0].low > 0.5 and not slope[64][0].excludes_zero
assert slope[64][1].high < 0 and not level.excludes_zero

# %% [markdown]
# The hill is there again, lower, and its top lies between 0.5 and 0.7 for 16 and for 64.
# But look at $n = 64$, and at $T = 1$ beside 0.5.
# By gold (the last line) the two were level; by `reward-8000` the warmer one is clearly worse.
# Our explanation: spread is of use to a judge who can tell good from bad, and it harms one who can
# be fooled, for it offers more to be fooled by.
# Look at the question where going from $T = 0.5$ to 1 lost most.

# %%
picked = {T: course.select_best(pools[T], by="reward-8000") for T in (0.5, 1.0)}
lost = picked[1.0].rewards("gold") - picked[0.5].rewards("gold")
worst = int(lost.argmin())
print(
    f"T = 1 is worse by gold for {(lost < 0).sum()} of {len(lost)} questions, "
    f"better for {(lost > 0).sum()}"
)
show.replies(
    pools[0.5].prompts[worst],
    [choice.texts[worst] for choice in picked.values()],
    names=[f"best of 64 at T = {T}" for T in picked],
    about=pools[0.5].info[worst],
    scores={
        name: [choice.rewards(name)[worst].item() for choice in picked.values()]
        for name in ("gold", "reward-8000")
    },
)

# %% [markdown]
# The reward model prefers a muddle to three right steps in order, and the muddle was only there to
# be chosen at $T = 1$.
# One example is no proof, and for some questions the warmer choice was the better one.
# But it shows what can go wrong.
# So the temperature belongs to the policy, to $n$, *and* to the judge.
# Choose it by measuring, on prompts kept apart for that.
#
# ## A dial is no substitute for choosing
#
# A temperature costs nothing, and best-of-16 costs 16 times the tokens and a reward model.
# So the fair rival of best-of-16 is one reply at *its* best temperature.
# **Your prediction.**
# Which is better, and what does best-of-16 by `reward-8000` gain at $T = 0.1$?

# %%
best = {
    n: int(learned[n].mean(0).argmax()) for n in ns
}  # place of its best temperature
gain = minus(learned[16][:, best[16]], learned[1][:, best[1]], pools[1.0].info)
copies = sum(len(set(row[:16])) == 1 for row in pools[0.1].texts)
print(
    f"T = 0.1: all 16 candidates are one text for {copies} of {pools[0.1].P} questions"
)
show.table(
    ["gold", *(f"T = {T:g}" for T in grid)],
    [
        ["one reply", *(f"{value:.2f}" for value in learned[1].mean(0))],
        ["best of 16", *(f"{value:.2f}" for value in learned[16].mean(0))],
    ],
    f"Best of 16 at T = {grid[best[16]]} minus one at T = {grid[best[1]]}: {gain}",
)

# %% tags=["hide", "remove-input"]
assert gain.low > 1 and learned[16][:, 0].mean() < 0.8 and copies > 40
assert learned[1].mean(0).max() < 0.6 < 1.5 < learned[16][:, grid.index(1.0)].mean()

# %% [markdown]
# **Finding 18: turning the temperature down is no substitute for choosing.**
# With each at its best temperature, the best of 16 is nearly two points ahead.
# (Both temperatures were picked on these very questions, which flatters both a little.)
# The dial alone, from $T = 1$ to its best place, gave a quarter of a point.
# And among cold replies choosing is useless: for most questions all 16 are the same letter.
# So the two go together: warm enough for a choice, and then a choice.
#
# For fairness, the search from above.
# Eight diverse beams, chosen by the same reward model, for the same questions:

# %%
rows = slice(len(prompts))  # the questions of the beams are the first of these
beside = minus(chosen["diverse beams"], learned[64][rows, best[64]])
print(f"eight diverse beams minus best of 64 samples at T = {grid[best[64]]}: {beside}")

# %% tags=["hide", "remove-input"]
assert beside.mean > 0.15

# %% [markdown]
# With a reward model at hand, eight well-placed candidates beat 64 samples here, for far fewer
# tokens.
# The choice is what does it: unchosen, they were below one point on average.
# And it rests on how this desk's replies part at their first words.
#
# ## When the chooser is its own judge
#
# So far gold was the judge.
# Who has no gold may be tempted to plot the score of the chosen reply, by the reward model that
# chose it.
# Let us do so with a small reward model, `reward-500`, and put gold beside it.
# Both are shown in standard deviations of a reply at $T = 1$, since their units differ.
#
# **Your prediction.**
# Which temperature looks best for 64 candidates to each of the two judges?

# %%
def in_deviations(judge):
    """Best of 1 and of 64 by reward-500, by the judge, beside a reply at T = 1."""
    usual, curves = pools[1.0].reward(judge), best_of("reward-500", judge)
    return {n: (curves[n] - float(usual.mean())) / float(usual.std()) for n in (1, 64)}

judged_by = {judge: in_deviations(judge) for judge in ("reward-500", "gold")}
plots.against_temperature(grid, {f"n = {n}, judged by {judge}": values
    for judge, curves in judged_by.items() for n, values in curves.items()},
    "standard deviations", title="Chosen by reward-500")

# %%
about = pools[1.0].info
warmer = {judge: curves[64][:, grid.index(1.0)] - curves[64][:, grid.index(0.5)]
    for judge, curves in judged_by.items()}
looks = minus(warmer["reward-500"], warmer["gold"], about)
hot, single = judged_by["gold"][64][:, -1], judged_by["gold"][1][:, grid.index(0.5)]
show.table(["in standard deviations", "difference"], [
    *((f"best of 64, T = 1 minus T = 0.5, by {judge}", minus(change, 0 * change, about))
        for judge, change in warmer.items()),
    ("reward-500's view minus gold's", looks),
    ("by gold: best of 64 at T = 1.3 minus one at T = 0.5", minus(hot, single, about))])

# %% tags=["hide", "remove-input"]
assert looks.low > 0.3 and judged_by["reward-500"][64].mean(0).argmax() == len(grid) - 1

# %% [markdown]
# **Finding 17: judged by the reward model that chose, warmer sampling looks better than it is.**
# To itself, `reward-500` looks the better the hotter the candidates: the more of them are odd, the
# more often one is odd in just the way it likes.
# Gold sees its best of 64 fall steeply beyond 0.7.
# At 1.3 the best of 64 is no better than one reply drawn at 0.5 and not chosen at all.
#
# Llama 2 reports that the best temperature rises with the number of samples, to 1.2 to 1.3 for 10
# to 100 samples of its RLHF model (arXiv 2307.09288).
# In its figure the reward model that chooses is also the judge.
# Finding 6 says that such a rise can be real.
# Finding 17 says that such a figure cannot show it.
#
# ## When a dial is enough
#
# Our desk is one kind of world.
# Here is the other: `helpdesk-careful`, with the same questions, the same steps, the same gold, and
# a policy of its own.
# The one difference is what that policy learned from: at this desk nobody sends letters, and every
# reply is a colleague's own.
# A colleague's slips are scattered, the right steps are always the same.
# So here the likeliest reply is nearly the best, where at our desk it is a letter.
#
# **Your prediction.**
# One reply at $T = 0.1$, or the best of 16 *by gold* at $T = 1$: which is better at this desk?

# %%
careful = course.load_world("helpdesk-careful")
colleague = course.load_policy(assets.path("helpdesk-careful/policy"))
asked, about = careful.prompts("heldout", limit=96, seed=0)
other = {
    T: course.score(
        course.sample(colleague, asked, n=16, temperature=T, info=about, seed=11),
        GoldReward(careful),
    )
    for T in (1.0, 0.1)
}

# %%
def gold_of(desk, T, n):
    """(P,) gold of the best of n by gold at temperature T."""
    return best_of_n_curve(desk[T].reward("gold"), ns=[n])[:, 0]

rows = []
for name, desk in (("helpdesk", pools), ("helpdesk-careful", other)):
    for T in (1.0, 0.1):
        one, sixteen = (f"{gold_of(desk, T, n).mean():.2f}" for n in (1, 16))
        change = minus(gold_of(desk, T, 1), gold_of(desk, 1.0, 1), desk[1.0].info)
        rows.append((name, f"{T:g}", one, sixteen, change if T < 1 else "–"))
enough = minus(gold_of(other, 0.1, 1), gold_of(other, 1.0, 16), about)
print("helpdesk-careful, one at T = 0.1 minus best of 16 at T = 1:", enough)
show.table(
    ["desk", "T", "one reply", "best of 16 by gold", "one reply, minus T = 1"], rows
)

# %% tags=["hide", "remove-input"]
assert enough.low > 0

# %% [markdown]
# **Finding 19: where the likeliest reply is nearly the best, a dial is enough.**
# There the dial alone brings nearly three points, and one cold reply beats even a perfect choice
# among 16 at $T = 1$.
# (Choosing among cold replies by gold adds a little, for 16 times the tokens.)
# Best-of-16 beside one reply at $T = 1$ would have looked splendid, and a sixteenth of the tokens
# would have done better.
#
# How do you know which kind of world you are in?
# Ask before you pay for best-of-$n$.
# Draw **one cold reply and one warm one** for some dozens of questions, and compare them by a judge
# you trust: a verifier, or people.
# If the cold ones are far ahead and near the best you can imagine, serve them.
# If they are about level, the dial has nothing to give; read some, and see what they lack.
# Then measure best-of-$n$ at two or three temperatures, each beside the best single reply.
# A best-of-$n$ that has not been compared with one reply at the best temperature has not been
# compared with its real rival.
#
# Why does most of this course sample at $T = 1$ all the same?
# Because that is the policy as it is, and we want to see what choosing and training make of it.
# At 0.7 the best of 16 would be better still, as you saw.
# So look, at every gain, for the temperatures: the same for both sides, or each at its best.
#
# Turn the dials yourself.
# Put the temperature at 0.1 and move $n$: the choice hardly changes.
# Put it at 1.3, and select by `reward-500`: read what is chosen.

# %% tags=["slide"]
explore.temperature_explorer(pools, rewards=["reward-8000", "reward-500", "gold"],
    temperature=0.7)

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

# %% tags=["slide"]
gold, sizes = stored.reward("gold").double(), [1, 2, 4, 8, 16, 32, 64, 128, 256]
spread = {"highest of n": best_of_n_curve(gold, ns=sizes),
    "median of n": np.stack([np.median(gold.reshape(stored.P, -1, n), axis=2).mean(1)
    for n in sizes], axis=1), "lowest of n": -best_of_n_curve(-gold, ns=sizes)}
plots.best_of_n(sizes, spread, ylabel="gold reward (points)")

# %%
grown = {
    name: minus(values[:, -1], values[:, 0], stored.info)
    for name, values in spread.items()
}
show.table(["gold", "from n = 1 to n = 256"], grown.items())

# %% tags=["hide", "remove-input"]
assert (grown["highest of n"].low > 2 and abs(grown["median of n"].mean) < 0.25
    and grown["lowest of n"].high < -2)

# %% [markdown]
# **Finding 7: the highest reward grows with $n$ while the median stays nearly where it was.**
# Part of this is built in.
# The highest of more can only be higher.
# The median of one is the reply itself, so its line starts at the *mean* of all replies, and it
# ends at their median, which lies a little higher here: about a tenth of a point.
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
show.facts({"naive": N * (prompt_tokens + longest),
    "sharing only": prompt_tokens + N * longest,
    "retiring only": N * prompt_tokens + reply_tokens.sum(),
    "both": prompt_tokens + reply_tokens.sum()})

# %% [markdown]
# Now count in earnest.
# A *hook* is a function that PyTorch calls whenever a layer runs; ours notes how many tokens come
# in at the model's first layer while `sample` writes 16 candidates for each of 8 prompts.
# The naive number follows from the lengths of the same replies.

# %%
seen = []
layer = policy.model.get_input_embeddings()
hook = layer.register_forward_hook(
    lambda layer, given, out: seen.append(given[0].numel())
)
pool = course.sample(policy, prompts[:8], n=16, seed=0)
hook.remove()

# %%
read = np.array(
    [len(ids) for ids in policy.encode(prompts[:8])]
)  # tokens of each prompt
# the last token of a reply is not passed through
run = pool.lengths.numpy() - 1
naive, least = (16 * (read + run.max(1))).sum(), read.sum() + run.sum()
print(
    f"tokens computed: naively {naive:,}, by sample {sum(seen):,}, "
    f"least possible {least:,}"
)
print(
    f"on average a prompt has {read.mean():.0f} tokens, "
    f"a reply {pool.lengths.float().mean():.0f}"
)

# %% tags=["hide", "remove-input"]
assert least <= sum(seen) < 0.8 * naive

# %% [markdown]
# `sample` lies a little above the least, since it drops ended rows in groups and not one by one.
# How much sharing saves depends on the lengths: much where a long prompt (a system prompt, some
# documents) comes before short replies, less here.

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
# (Four packs of 32 for each prompt, and the average over the packs, since one pack is noisy.)

# %%
from course_lib.methods import beginnings, survivors, tokens_written

packs = 4
many = stored.first(32 * packs)
begun = beginnings(many, policy, at=10)
begun_scores = proxy.score_pool(begun)  # (P, 128): the proxy's scores of the beginnings
show.replies(many.prompts[0], [f"{text} …" for text in begun.texts[0][:3]],
    scores={"of the beginning": begun_scores[0, :3].tolist(),
        "in the end": many.reward("reward-8000")[0, :3].tolist()})

# %% [markdown]
# (The proxy has never seen half a reply, so its scores of beginnings are a guess about a guess.)
# Are they of any use?
# Compare the reply chosen among the 16 survivors with the one chosen among all 32, and, as a
# **control**, with best-of-$m$ that spends the same number of tokens in the plain way: fewer
# candidates, all written to the end.
# **Your prediction.**
# How much gold is lost?
# And does early stopping beat its control?

# %% tags=["hide"]
by_candidate = (
    begun_scores,
    many.reward("reward-8000"),
    many.reward("gold"),
    many.lengths,
)
# a row for each pack
early, final, judge, lengths = (values.reshape(-1, 32) for values in by_candidate)

def plain(m):
    """(P,) gold of the plain best of m of a pack."""
    return best_of_n_curve(final, judge, ns=[m])[:, 0].reshape(-1, packs).mean(1)

def stopped(keep, at=10):
    """Share of tokens saved, m for as many tokens, and gold (P,) of early stopping."""
    kept = survivors(early, keep)
    saved = 1 - tokens_written(lengths, kept, at).sum().item() / lengths.sum().item()
    chosen = final.masked_fill(~kept, -torch.inf).argmax(1, keepdim=True)
    gold = judge.gather(1, chosen).reshape(-1, packs).mean(1)
    return saved, round(32 * (1 - saved)), gold

# %%
found, rows = {}, []
for keep in (16, 8):
    saved, m, gold = stopped(keep)
    found[keep] = [minus(gold, plain(n), stored.info) for n in (32, m)]
    rows.append((keep, f"{saved:.0%}", *(f"{gap:.3f}" for gap in found[keep]), m))
    assert saved > 0.25 and found[keep][0].low > -0.15 and found[keep][1].mean > 0.05

kept, letter_rows = survivors(early, 16)[::packs].numpy(), is_letter(stored.first(32))
print(
    f"letters among the kept {letter_rows[kept].mean():.0%}, "
    f"among the dropped {letter_rows[~kept].mean():.0%}"
)
show.table(
    ["keep", "tokens saved", "gold, minus that of all 32", "minus best of m", "m"], rows
)

# %% [markdown]
# *Minus that of all 32* is the price, and we see none: both intervals contain 0, though half or
# even three quarters of the candidates were dropped.
# *Minus best of m* is the question that matters, since the same tokens could have been spent
# otherwise.
# There early stopping is better, by one or two tenths of a point.
# Ten tokens are enough to tell many a letter, and letters are what is dropped most.
#
# One cost is missing from this table: the proxy had to *read* the beginnings.
# On the other hand it need not read the dropped replies to their end.
# We count as if each text were read by itself.
# (`score_pool` reads equal texts of a question once, which would save in both ways.)

# %%
from course_lib.base import Account, flops_per_token

single = stored.first(1)
with Account() as account:  # counts the tokens that the proxy reads
    proxy.score_pool(single)
around = (
    account.tokens_scored - single.lengths.sum().item()
) / stored.P  # prompt and template
each = lengths.float().mean().item()  # tokens of a reply, as a mean
kept = survivors(early, 16)
writes = tokens_written(lengths, kept, at=10).sum().item()
reads = (lengths.clamp(max=10).sum() + lengths[kept].sum()).item() + around * (
    lengths.numel() + kept.sum().item()
)

# %%
# operations for one token
to_write, to_read = flops_per_token(policy.model), flops_per_token(proxy.model)
print(f"operations for one token: policy {to_write:,}, proxy {to_read:,}")
# of one candidate, written and read
plain_cost = to_write * each + to_read * (each + around)
equal = round((to_write * writes + to_read * reads) / len(lengths) / plain_cost)
early_tokens = [f"{tokens / len(lengths):,.0f}" for tokens in (writes, reads)]
show.table(["tokens, per question", "written", "read by the proxy"],
    [("early stopping", *early_tokens), *((f"plain best of {m}", f"{m * each:,.0f}",
        f"{m * (each + around):,.0f}") for m in (32, stopped(16)[1], equal))])

# %%
honest = minus(stopped(16)[2], plain(equal), stored.info)
print(f"gold of early stopping minus best of {equal}, which costs as much: {honest}")
assert -0.05 < honest.mean < 0.2 and writes < lengths.sum()
assert reads > 16 * (each + around) * len(lengths)

# %% [markdown]
# Beside best of 32 this saves: much less is written, and only a little more is read.
# Beside the control of the table, which writes as many tokens, the proxy reads about 500 tokens
# more.
# Spend those operations on candidates instead, and the control is the last line.
# What is left of the gain is a few hundredths of a point, at the edge of what we can see.
# Early stopping is made for long replies and cheap scores; ours are short.

# %% [markdown]
# ## What we found
#
# The numbered findings of this lesson, measured again from the stored pools.

# %%
from course_lib.experiments import findings

findings.show("02")

# %% [markdown] tags=["slide"]
# In words:
#
# - **Finding 6.**
#   With a perfect judge, the best temperature rises with $n$: for one reply it hardly matters
#   between 0.1 and 0.7; for the best of 16, 0.7 is better than its neighbours on the grid.
#   With `reward-8000` choosing the best lies between 0.5 and 0.7, and a warmer policy costs more.
# - **Finding 7.**
#   The highest reward of $n$ candidates grows with $n$, the median stays nearly where it was: more
#   candidates widen the choice, they do not improve the policy.
# - **Finding 17.**
#   Judged by the reward model that chose, warmer sampling looks better than it is.
# - **Finding 18.**
#   Turning the temperature down is no substitute for choosing: with each at its best temperature,
#   the best of 16 by `reward-8000` is nearly two points above one reply.
#   Among cold replies there is nothing to choose.
# - **Finding 19.**
#   Where the likeliest reply is nearly the best, a dial is enough: on the careful desk one cold
#   reply beats the best of 16 at $T = 1$.
#   Compare one cold reply with one warm one before you pay for $N$.
# - Beams are not samples.
#   Plain beams are bland here, like cold samples.
#   Diverse beams are far from bland, and their best of eight was better than the best of 64
#   samples; but the curve estimated from them is more than a point wrong about the list of four.
# - The curve needs independent draws.
#   The win rate $n/(n+1)$ needs more: an opponent from the same distribution, and replies that
#   differ.
# - Reading the prompt once and retiring ended replies saves tokens and changes nothing but
#   rounding.
#   Dropping half of the candidates after 10 tokens saved about a third of the written tokens and
#   lost no gold that we could see, which was better than writing as many tokens in the plain way.
#   With the reward model's reading counted, hardly anything is left of that.
#
# ## What this leaves out
#
# There are other filters; the question is the same for all: more spread, at what loss on average?
# We tried no temperature that changes within a reply, warm at its beginning and cold after it.
# Both our desks are made up, and lie far apart on purpose; a real task lies somewhere between.
# Speculative rejection proper drops candidates again and again, whenever the batch outgrows the
# memory, and is measured in time on a GPU; we dropped once and counted tokens.
# Nothing here changed the policy; that begins in lesson 05.
#
# ## In real systems
#
# - Llama 2 reports that the best temperature for sampling rises with the number of samples, to 1.2
#   to 1.3 for 10 to 100 samples of its RLHF model (arXiv 2307.09288).
#   The direction is that of our Finding 6; but there the chooser is the judge (Finding 17).
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
# Holtzman et al., *The curious case of neural text degeneration*: top-p, and why the likeliest text
# is bland, arXiv 1904.09751.
#
# ## Now you
#
# **Exercise** `exercises/ex02`: temperature, top-p, drawing a token, and the best temperature for a
# given n.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("02")
