# %% [markdown] tags=["slide"]
# # N-best candidates: how to generate them
#
# **You will:** turn logits into words, see what temperature and beam search do to N candidates,
# choose a temperature together with N, and compare best-of-N with its real rival.
#
# **Builds on:** lesson 01 (best-of-N, its curve, the win rate n/(n+1)).
#
# **Time:** 32 minutes, and 35 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Is a colder reply better, for free?
#
# Lesson 01 drew its replies at a *temperature* of 1.
# The temperature is one number in the settings of a sampler, and it costs nothing to change.
# Here the same assistant answers one question, once at 0.1 and three times at 1.

# %% tags=["hide"]
from collections import Counter

import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.assets import temperatures
from course_lib.classroom import drawings, explore, plots, quiz, show
from course_lib.estimators import best_of_n_curve, paired_difference
from course_lib.models import GoldReward

# %% tags=["slide", "nbval-check-output"]
pools = temperatures.pools()  # {temperature: pool}, stored
grid = list(pools)
i = 4  # the question
question, about = pools[1.0].prompts[i], pools[1.0].info[i]
show.replies(question, [pools[0.1].texts[i][0], *pools[1.0].texts[i][:3]],
    names=["T = 0.1", "T = 1", "T = 1, again", "T = 1, once more"], about=about)

# %% tags=["hide", "remove-input"]
world = course.load_world("helpdesk")
cold_parts, warm_parts, _, foreign = (world.gold_parts(question, text, about)
    for text in [pools[0.1].texts[i][0], *pools[1.0].texts[i][:3]])
assert cold_parts["right_steps"] * 3 == warm_parts["right_steps"] > 0
assert foreign["wrong_steps"] < 0 == foreign["right_steps"]
assert pools[0.1].texts[i][0] == pools[1.0].texts[i][1]

# %% [markdown] tags=["slide"]
# The cold reply is polite and gives one step of three.
# The first warm one gives all three.
# The second is the cold one again, and the third's step is for another question.
#
# Turning the dial is free.
# The best of sixteen warm replies costs all sixteen, and a reward model.
# **Why choose at all, if a colder reply is as good?**
# First: what does the dial do?

# %% [markdown] tags=["slide"]
# ## From logits to a word
#
# At each step the policy gives a number to every word of its vocabulary, the word's **logit**
# $\ell_k$.
# The *softmax* makes probabilities of them:
#
# $$p_k = \frac{e^{\ell_k / T}}{\sum_j e^{\ell_j / T}}$$
#
# $T$ is the **temperature**.
# $T = 1$ is the policy itself.
# Here are the probabilities of the first word of a reply to a question about a payment card.

# %% tags=["slide"]
drawings.softmax()

# %% [markdown]
# The colder, the more the likeliest word takes.
# At 0.1 nearly every reply here begins with "Thank".
#
# **Take a pencil.**
# Dividing logits by $T$ is the same as raising each probability to the power $1/T$, and then
# dividing by the sum.
# Four words have the probabilities 0.5, 0.3, 0.15 and 0.05.
# At $T = 0.5$ the power is 2: square all four, add the squares, divide each square by that sum.
# **What does the first word get?**

# %% tags=["nbval-check-output", "answer"]
words = torch.tensor([0.5, 0.3, 0.15, 0.05])
colder = torch.softmax(words.log() / 0.5, dim=0)
show.table(["probability of the word", 1, 2, 3, 4],
    [(f"T = {T}", *(f"{p:.2f}" for p in row.tolist()))
        for T, row in ((1, words), (0.5, colder))])

# %% tags=["hide", "remove-input"]
from course_lib.models import draw

assert torch.allclose(colder, words**2 / (words**2).sum())
assert draw(words.log()[None], torch.tensor([0.6]))[0].item() == 1

# %% [markdown]
# To draw a word, put the probabilities end to end on a ruler from 0 to 1.
# A random number $u$ is a point on the ruler, and the word whose piece holds the point is drawn.
# At $T = 1$ the point 0.6 lies in the second piece, from 0.5 to 0.8.
#
# Each candidate gets random numbers of its own.
# So the candidates are **independent** draws from one distribution ("i.i.d.").
#
# Many samplers have a second dial.
# **Top-p** keeps only the smallest set of likeliest words whose probabilities together reach $p$,
# and draws among these.

# %% [markdown]
# ## Deeper: Top-k and top-p

# %% [markdown]
# **Top-k** keeps the $k$ likeliest words, top-p the likeliest until they reach $p$.
# What is left is divided by its sum.
# **With the four words above, how many stay for $k = 2$, and how many for $p = 0.9$?**
#
# The next cell draws with 10,000 evenly spaced numbers $u$, so the shares come out right.

# %% tags=["hide"]
u = (torch.arange(10_000) + 0.5) / 10_000

def shares(**settings):
    """How often each of the four words is drawn, as text."""
    drawn, _, _ = draw(words.log().expand(len(u), -1), u, **settings)
    return [f"{share:.0%}" for share in torch.bincount(drawn, minlength=4) / len(u)]

# %% tags=["nbval-check-output", "answer"]
filters = {"top-k, k = 2": {"top_k": 2}, "top-p, p = 0.9": {"top_p": 0.9}}
show.table(["share of the word", 1, 2, 3, 4],
    [(name, *shares(**settings)) for name, settings in filters.items()])

# %% tags=["hide", "remove-input"]
for settings, right in (({"top_k": 2}, (0.5 / 0.8, 0.3 / 0.8, 0, 0)),
        ({"top_p": 0.9}, (0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0))):
    assert np.allclose([int(share[:-1]) / 100 for share in shares(**settings)], right,
        atol=0.006)

# %% [markdown]
# For $p = 0.9$ the first two reach only 0.8, so the third is needed, and three words stay.
# Each is divided by 0.95.
#
# Temperature comes first, then the filter.
# Both act on each *word* and not on the whole reply.

# %% [markdown]
# ## Greedy decoding N times
#
# A temperature of 0 means **greedy decoding**: always the likeliest word.
# Put one prompt into the batch eight times, and you get one reply eight times.
# Best-of-8 would run on them, and gain exactly nothing.
# So `sample` refuses:

# %% tags=["nbval-check-output"]
from course_lib.base import CourseError

policy = course.load_policy(assets.path("helpdesk/policy"))
try:
    course.sample(policy, [question], n=8, temperature=0)
except CourseError as error:
    refused = str(error)
show.facts({"CourseError": refused})

# %% [markdown] tags=["slide"]
# ## Beams are near copies
#
# Textbooks speak of an **N-best list**:
#
# $$\{\hat y_1, \dots, \hat y_N\} = \operatorname{argTopN}_y \Pr(y \mid x),$$
#
# the $N$ replies with the highest probability.
# **Beam search** looks for them: after each word it keeps the $N$ likeliest beginnings.
# Here $N = 2$, each box is a sentence, each number the log-probability so far.

# %% tags=["slide"]
drawings.beam_tree()

# %% [markdown]
# Two beams, two polite letters, one and the same step.
#
# Why letters?
# We made up this help desk, and about two thirds of the replies it learned from are *stock
# letters*: likely and bland.
# We did so on purpose, since the likeliest text of large models tends to be bland, too (arXiv
# 1904.09751).
#
# Back to the full mailbox.
# Five candidates in each of three ways, with their gold rewards; copies are counted.

# %%
ways = {"five samples, T = 1": {}, "five samples, T = 0.2": {"temperature": 0.2},
    "five beams": {"method": "beam"}}
fives = {name: course.sample(policy, [question], n=5, seed=3, info=[about], **way)
    for name, way in ways.items()}

# %% tags=["hide"]
from course_lib.worlds.helpdesk_letters import letter_sentences
from course_lib.worlds.helpdesk_stock import POLITE_CLOSE, POLITE_OPEN

given_away_by = letter_sentences() - set(POLITE_OPEN + POLITE_CLOSE)

def is_letter(pool):
    """(P, N): whether each reply has a sentence that only letters have."""
    return np.array([[any(s in text for s in given_away_by) for text in row]
        for row in pool.texts])

# %% tags=["hide"]
def read(name, pool):
    """The different replies to a question: gold, and the number of copies."""
    pool = course.score(pool, GoldReward(world))
    seen = Counter(zip(pool.reward("gold")[0].tolist(), pool.texts[0], strict=True))
    return show.replies(name, [text for _, text in seen], about=about,
        scores={"gold": [points for points, _ in seen]},
        notes=[f"{copies} times" if copies > 1 else "" for copies in seen.values()])

# %% tags=["slide"]
show.together(*(read(name, pool) for name, pool in fives.items()))

# %% tags=["hide", "remove-input"]
golds = {name: course.score(pool, GoldReward(world)).reward("gold")[0]
    for name, pool in fives.items()}
at_1, at_02, by_beam = golds.values()
assert at_1.max() > 3 > max(at_02.max(), by_beam.max()) + 2
assert at_1.min() < -1.5 < min(at_02.min(), by_beam.min())
assert Counter(fives["five samples, T = 0.2"].texts[0]).most_common(1)[0][1] == 4
assert 0.6 < is_letter(pools[1.0]).mean() < 0.72
five_beams = fives["five beams"].texts[0]
assert len(set(five_beams)) == 5
assert sum("Empty the trash folder." in text for text in five_beams) == 4

# %% [markdown] tags=["slide"]
# The cold samples are one letter four times, and another.
# The beams hold no copies, but four of the five give the same single step.
# The samples at $T = 1$ differ: the best reply of all is there, and the worst.
#
# There is no chance in a list of beams: ask twice, and you get it twice.
# So it is no sample.
# Lesson 01's curve and its $n/(n+1)$ were derived for independent draws, and for nothing else.

# %% [markdown]
# ## Deeper: Five replies on paper

# %% [markdown]
# A policy that can write five replies.
# It begins with "Open" (0.6) or "Read" (0.4), and the second word depends on the first:
#
# | reply | probability | reward |
# |---|---|---|
# | Read manual | 0.4 · 0.90 = 0.36 | 0 |
# | Open settings | 0.6 · 0.40 = 0.24 | 1 |
# | Open menu | 0.6 · 0.35 = 0.21 | 3 |
# | Open door | 0.6 · 0.25 = 0.15 | −1 |
# | Read mail | 0.4 · 0.10 = 0.04 | 2 |
#
# **Take a pencil.**
# What does greedy decoding write?
# What do two beams return?
#
# Greedy decoding goes for "Open" and then "settings".
# The likeliest reply is "Read manual"; greedy decoding threw "Read" away at the first word.
# Two beams keep both first words and return "Read manual" and "Open settings".
# The best of this list has a reward of 1, each time you ask.
#
# From two *samples* the best varies, so take its expectation.
# Sort the replies by reward, the lowest first, and let $F$ be the probability of this reply or a
# lower one.
# The best of two is this reply or a lower one when *both* draws are: $F^2$.
# The difference from one row to the next is the probability that the best is just this reply.

# %% tags=["nbval-check-output"]
chances = {"Open door": (0.15, -1), "Read manual": (0.36, 0),
    "Open settings": (0.24, 1), "Read mail": (0.04, 2), "Open menu": (0.21, 3)}
p, r = np.array(list(chances.values())).T
F = p.cumsum()
show.table(["reply", "reward", "F", "F²", "difference"],
    zip(chances, r.astype(int), *(
        [f"{value:.2f}" for value in column]
        for column in (F, F**2, np.diff(F**2, prepend=0))), strict=True))

# %% tags=["hide", "remove-input"]
from course_lib.estimators import best_of_n_distribution

for n in (2, 4):
    assert np.allclose(best_of_n_distribution(p, r, n), np.diff(F**n, prepend=0))
expected = [best_of_n_distribution(p, r, n) @ r for n in (2, 4)]
assert round(expected[0], 1) == 1.5 and expected[1] < 2.5 and np.isclose(p.sum(), 1)

# %% [markdown]
# Reward times difference, added up, is 1.5: two samples beat two beams.
# For four it is the other way round.
# Four beams return all but one reply of the five, "Open menu" among them, and have a 3; four
# samples repeat themselves and stay below 2.5.
# Neither way is better by its nature: measure.

# %% [markdown]
# ## Deeper: Beams in numbers

# %% [markdown]
# Eight candidates for each of 48 questions, in four ways.
# The fourth is **diverse beam search** (arXiv 1610.02424): it fines a beam for a word that another
# beam took at the same step.
# `reward-8000` chooses, gold judges.
#
# (`generate` of the transformers library divides a beam's log-probability by its length unless told
# otherwise; `sample` switches that off.)
#
# **Your prediction: which list has the highest gold on average, and which the best of eight?**

# %%
judge = course.load_reward_model(assets.path("helpdesk/reward-8000"),
    name="reward-8000")
asked, facts = pools[1.0].prompts[:48], pools[1.0].info[:48]

def eight(n=8, **way):
    """A list of n for each question, scored by the reward model and by gold."""
    made = course.sample(policy, asked, n=n, seed=3, info=facts, **way)
    return course.score(course.score(made, judge), GoldReward(world))

lists = {"samples, T = 1": eight(), "samples, T = 0.2": eight(temperature=0.2),
    "beams": eight(method="beam"), "diverse beams": eight(method="diverse_beam")}

# %% tags=["hide"]
topics48 = [each["topic"] for each in facts]
taken = {name: course.select_best(pool, by="reward-8000").rewards("gold")
    for name, pool in lists.items()}
average = {name: pool.reward("gold").mean(1) for name, pool in lists.items()}

# %% tags=["answer"]
show.table(["eight candidates", "mean gold", "best by reward-8000", "letters"],
    [(name, f"{average[name].mean():.1f}", f"{taken[name].mean():.1f}",
        f"{is_letter(pool).mean():.0%}") for name, pool in lists.items()])

# %% tags=["hide", "remove-input"]
def beside(name, values):
    return paired_difference(values[name], values["samples, T = 1"], groups=topics48)

assert beside("samples, T = 0.2", taken).high < -0.3 and beside("beams", taken).high < 0
assert beside("diverse beams", taken).low > 0.5
assert beside("diverse beams", average).low > 0.2
own_gold = {name: lists[name].reward("gold").numpy()[~is_letter(lists[name])].mean()
    for name in ("samples, T = 1", "diverse beams")}
assert own_gold["diverse beams"] > own_gold["samples, T = 1"] + 1.5
own_words = ~is_letter(lists["diverse beams"])
assert own_words.any(1).mean() > 0.95
assert own_words[:, 4:].sum() > own_words[:, :4].sum()
for name in ("samples, T = 0.2", "beams"):
    assert is_letter(lists[name]).mean() > 0.97
for pool in pools.values():
    by, judged = pool.reward("reward-8000"), pool.reward("gold")
    of_64 = best_of_n_curve(by, judged, ns=[64])[:48, 0]
    ahead_of_64 = paired_difference(taken["diverse beams"], of_64, groups=topics48)
    assert ahead_of_64.mean > 0.15 and ahead_of_64.low > -0.05

# %% [markdown]
# Cold samples and plain beams are letters, and choosing among letters gains little.
# Diverse beams win by far: choosing among eight of them is at least as good as among 64 samples, at
# every stored temperature.
# The fine pushes the last of them to other first words, and some of these begin a colleague's own
# reply, as a third of the training replies are.
# A colleague's slips are scattered, so a colleague's *likeliest* reply has few of them.
# That rests on our world: its two kinds of writers part at their first words.
#
# So why does this course sample?
# Because of what one can *conclude*.
# First estimate the best of 4 from the lists of 8, as lesson 01 does: the average over all ways to
# take 4.
# Then measure it: for diverse beams on lists of 4, for samples on the 256 stored ones.

# %%
def best_of_4(pool):
    """(P,) gold of the best of 4 by reward-8000, over all ways to take 4."""
    by, judged = pool.reward("reward-8000"), pool.reward("gold")
    return best_of_n_curve(by, judged, ns=[4])[:, 0]

kept256 = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
kept256 = kept256.prompts_at(range(48))
direct = {"samples, T = 1": kept256, "diverse beams": eight(4, method="diverse_beam")}
off = {name: paired_difference(best_of_4(lists[name]), best_of_4(pool), groups=topics48)
    for name, pool in direct.items()}
show.table(["best of 4", "estimate from 8, minus measured"],
    [(name, f"{gap:+.1f}") for name, gap in off.items()])

# %% tags=["hide", "remove-input"]
assert kept256.prompts == list(asked)
assert not off["samples, T = 1"].excludes_zero and off["diverse beams"].low > 0.5

# %% [markdown]
# For samples the estimate is right.
# For diverse beams it promises about a point too much: a list of 4 is not any four of the list of
# 8, and the good beams come late in it.
#
# If you want a good reply today, a search can serve you well: measure it.
# If you want to know what another $n$ would give, draw samples.
# Training wants them, too: the policy's own replies, each as often as it comes (lesson 05).
# And do not throw copies out, or what is left is no sample of the policy.
# (Cold samples are independent draws as well.
# But copies tie, and ties break the $n/(n+1)$: Finding 1.2.)

# %% [markdown]
# ## Temperature and diversity
#
# How different are 64 candidates to one question?
# Two measures: the share of different *texts*, and the share of different pairs of neighbouring
# words in all texts together, called **distinct-2** (arXiv 1510.03055).
# By hand, on three short texts:

# %% tags=["nbval-check-output"]
from course_lib.estimators import distinct_fraction, distinct_n

# pairs: 3 × open-the, 2 × the-menu, 1 × the-door
texts = ["open the menu", "open the menu", "open the door"]
show.facts({"different texts, 2 of 3": f"{distinct_fraction(texts):.2f}",
    "distinct-2, 3 of 6": f"{distinct_n(texts, n=2):.2f}"})

# %% [markdown]
# Now 64 questions with 64 candidates each, at six temperatures.

# %% tags=["slide"]
def by_prompt(measure):
    """(P, temperatures): a measure of each prompt's 64 texts."""
    return np.array([[measure(row) for row in pool.texts] for pool in pools.values()]).T

plots.against_temperature(grid, {"different texts": by_prompt(distinct_fraction),
    "distinct-2": by_prompt(distinct_n)}, "share of different ones", peaks=False)

# %% tags=["hide", "remove-input"]
same = sum(len(set(row[:16])) == 1 for row in pools[0.1].texts)
assert same == 52 and pools[0.1].P == 64 and pools[0.1].N == 64 and len(grid) == 6
assert by_prompt(distinct_fraction)[:, -1].mean() > 0.75
assert pools[1.3].reward("gold").mean() < pools[1.0].reward("gold").mean() - 0.4

# %% [markdown]
# At 0.1 nearly all candidates are copies.
# For 52 of the 64 questions, the first sixteen are one text, and best-of-16 has nothing to choose.
# At 1.3 most candidates differ.
# But different is not the same as good.
# The fourth to sixth candidate for our question, at 1.3:

# %% tags=["nbval-check-output"]
show.replies(question, pools[1.3].texts[i][3:6], about=about)

# %% [markdown] tags=["slide"]
# ## Which temperature for which n?
#
# Let gold itself choose and judge: the ceiling of lesson 01.
#
# **Your prediction.**
# Is one temperature best for one reply and for the best of sixteen?

# %% tags=["hide"]
quiz.predict("02-temperature", "At which temperature is the best of 16 best?",
    low=0.1, high=1.3, step=0.1)

# %% tags=["hide"]
ns = [1, 4, 16, 64]

def best_of(by, judged="gold"):
    """{n: (P, temperatures)}: the judge's reward of the best of n by a reward."""
    values = np.stack([best_of_n_curve(pool.reward(by), pool.reward(judged), ns)
        for pool in pools.values()], axis=1)
    return {n: values[:, :, k] for k, n in enumerate(ns)}

# %% tags=["answer", "slide"]
ceiling = best_of("gold")
plots.against_temperature(grid, {f"n = {n}": values for n, values in ceiling.items()},
    "gold of the best of n (points)").guessed("02-temperature", axis="x")

# %% tags=["hide", "remove-input"]
topics = [one["topic"] for one in pools[1.0].info]

def minus(a, b):
    """Mean of a minus b, both (P,), with its interval; topics are the units."""
    return paired_difference(a, b, groups=topics)

def warmer(curves, n, T, other):
    """Best of n at T minus that at the other temperature."""
    return minus(curves[n][:, grid.index(T)], curves[n][:, grid.index(other)])

peak = {n: grid[int(values.mean(0).argmax())] for n, values in ceiling.items()}
assert peak == {1: 0.5, 4: 0.7, 16: 0.7, 64: 0.7}
dial = warmer(ceiling, 1, 0.5, 1.0)
assert 0.2 < dial.mean < 0.3 and dial.low > 0 and warmer(ceiling, 1, 0.7, 1.0).low > 0.1
assert not any(warmer(ceiling, 1, T, 0.7).excludes_zero for T in (0.1, 0.3, 0.5))
assert warmer(ceiling, 16, 0.7, 0.3).low > 1
assert warmer(ceiling, 16, 0.7, 0.5).low > 0 and warmer(ceiling, 16, 0.7, 1.0).low > 0
assert not any(warmer(ceiling, 64, 0.7, T).excludes_zero for T in (0.5, 1.0))

# %% tags=["hide", "remove-input"]
ends = {T: pools[T].reward("gold") for T in (0.1, 1.0)}
assert ends[0.1].max() < 2 and (ends[0.1] < -2).float().mean() < 0.005
assert all((far > 2).float().mean() > 0.05 for far in (ends[1.0], -ends[1.0]))
assert is_letter(pools[0.1]).mean() > 0.99
firsts = {T: [row[0] for row in pools[T].texts] for T in ends}
complied = {T: sum(world.gold_parts(*each)["complies"] < 0
    for each in zip(pools[T].prompts, firsts[T], pools[T].info, strict=True))
    for T in ends}
assert complied[0.1] > complied[1.0] > 0

# %% [markdown] tags=["slide"]
# **For one reply** the line is flat from 0.1 to 0.7.
# The best place gains a quarter of a point over $T = 1$.
# So a colder reply is better, for free, but only by a little.
# Turned down, the dial cuts off both ends: at 0.1 no reply has 2 points, and hardly any under −2.
# What stays is the letter, even where a refusal is due.
#
# **For the best of $n$** the line becomes a hill.
# At the cold end there is nothing to choose from.
# At the hot end there is a choice, among worse replies.
#
# **Finding 2.1: the best sampling temperature rises with $n$,** here from 0.5 to 0.7.
# For one reply 0.3 is as good as 0.7; for the best of 16 it is more than a point worse.
# (The tops are broad: for $n = 64$ we see no difference from 0.5 to 1.)

# %% [markdown] tags=["slide"]
# ## A dial is no substitute for choosing
#
# Back to the first screen: why choose at all?
# On one side the best of 16 by `reward-8000`, on the other one reply, and each at *its* best
# temperature.
#
# **Your prediction.**
# From $T = 1$ to its best place, the dial alone gave a quarter of a point.

# %% tags=["hide"]
quiz.predict("02-dial", "How many points of gold is the best of 16 ahead of one reply?",
    low=-1, high=3, step=0.1, unit="points")

# %% tags=["answer", "slide"]
chosen = best_of("reward-8000")
rival = chosen[1][:, [grid.index(0.5)]]  # one reply where it is best
plots.against_temperature(grid, {"best of 16": chosen[16] - rival,
    "one reply": chosen[1] - rival}, "gold, minus one reply at T = 0.5 (points)",
).guessed("02-dial", x=0.7)

# %% tags=["hide", "remove-input"]
ahead = minus(chosen[16][:, grid.index(0.7)], rival[:, 0])
assert grid[int(chosen[16].mean(0).argmax())] == 0.7
assert grid[int(chosen[1].mean(0).argmax())] == 0.5
assert round(ahead.mean, 1) == 1.8 and ahead.low > 1.5
assert not any(minus(chosen[16][:, 0], one).excludes_zero
    for one in (rival[:, 0], chosen[1][:, 0]))
assert warmer(chosen, 16, 0.7, 1.0).low > 0.2
assert round(warmer(chosen, 16, 0.7, 1.0).mean, 1) == 0.4

# %% [markdown] tags=["slide"]
# **Finding 2.2: turning the temperature down is no substitute for choosing.**
# The best of 16 is ahead by 1.8 points, more than six times what the dial gave.
# (Both temperatures were picked on these questions, which flatters both sides a little.)
# And cold candidates leave nothing to choose: at 0.1 we detect no gain of the best of 16 over one
# reply.
# So the two go together: warm enough for a choice, and then a choice.
#
# A best-of-$n$ that has not been compared with one reply at the best temperature has not been
# compared with its real rival.
#
# Most of this course samples at $T = 1$, the policy as it is.
# At 0.7 the best of 16 would be 0.4 points better still.

# %% tags=["hide", "remove-input"]
assert ahead.mean / dial.mean > 6

# %% [markdown] tags=["slide"]
# ## When the chooser is its own judge
#
# Who has no gold may plot the *score* of the chosen reply, by the reward model that chose it.
# Do that with a weak one, `reward-500`, choosing among 64, and put gold beside it.
# **Which temperature will it ask for?**
#
# The two have different units, so each is measured from ordinary replies at $T = 1$: 0 is their
# mean, 1 a standard deviation above.

# %% tags=["slide", "answer"]
def in_deviations(judged):
    """(P, temperatures): best of 64 by reward-500, judged, beside a reply at T = 1."""
    usual, values = pools[1.0].reward(judged), best_of("reward-500", judged)[64]
    return (values - float(usual.mean())) / float(usual.std())

views = {f"judged by {name}": in_deviations(name) for name in ("reward-500", "gold")}
plots.against_temperature(grid, views, "best of 64 (standard deviations)")

# %% tags=["hide", "remove-input"]
by_itself, by_gold = views.values()
place = {T: k for k, T in enumerate(grid)}
change = [values[:, place[1.0]] - values[:, place[0.5]] for values in views.values()]
assert minus(*change).low > 0.3
assert minus(by_gold[:, place[0.7]], by_gold[:, place[1.0]]).low > 0.3
assert (np.diff(by_itself.mean(0)) > 0).all()
assert grid[int(by_gold.mean(0).argmax())] == 0.5
plain_gold = pools[1.0].reward("gold").numpy()
unchosen = (plain_gold.mean(1) - plain_gold.mean()) / plain_gold.std()
assert minus(by_gold[:, place[1.3]], unchosen).low < 0
assert warmer(chosen, 64, 0.5, 1.0).low > 0
assert not warmer(ceiling, 64, 0.5, 1.0).excludes_zero

# %% [markdown] tags=["slide"]
# **Finding 2.3: judged by the reward model that chose, warmer sampling looks better than it is
# judged by gold.**
# The hotter the candidates, the higher `reward-500` scores its own choice.
# Among many odd replies, one is odd in just the way it likes.
# Gold sees the same choice fall steeply beyond 0.7.
# At 1.3, the best of 64 is no better than a reply at $T = 1$ that nobody chose.
#
# For its tuned model, Llama 2 reports 1.2 to 1.3 as best for 10 to 100 samples (arXiv
# 2307.09288).
# There the reward model that chooses is also the judge.
# Finding 2.1 says that warmth can pay when there are many.
# Finding 2.3 says that such a figure cannot show it.

# %% [markdown]
# Turn the dials yourself.
# Put the temperature at 0.1 and move $n$: the choice hardly changes.
# Put it at 1.3 and select by `reward-500`: read what is chosen.
# At $n = 64$, 0.5 and 1 are level by gold, and by `reward-8000` 1 is worse: even a good judge can
# be
# fooled.

# %% tags=["slide"]
explore.temperature_explorer(pools, rewards=["reward-8000", "reward-500", "gold"],
    temperature=0.7, prompts=5)

# %% [markdown]
# ## Deeper: A judge that can be fooled

# %% [markdown]
# Even a good reward model pays for warmth.
# Take the best of 64 at $T = 1$ minus that at 0.5, by gold and by `reward-8000`, with gold as the
# judge of both.

# %%
learned64 = best_of("reward-8000")
show.table(["the best of 64, chosen by", "T = 1 minus T = 0.5 (gold points)"],
    [(name, f"{warmer(curves, 64, 1.0, 0.5):+.1f}")
        for name, curves in (("gold", ceiling), ("reward-8000", learned64))])

# %% tags=["hide", "remove-input"]
assert not warmer(ceiling, 64, 1.0, 0.5).excludes_zero
assert warmer(learned64, 64, 1.0, 0.5).high < 0

# %% [markdown]
# To a perfect judge the two are level; to `reward-8000` the warmer one is a loss.
# A perfect judge makes up for the worse average by the wider choice; one who can be fooled does
# not.
# This is the question that lost most.

# %%
both = {T: course.select_best(pools[T], by="reward-8000") for T in (0.5, 1.0)}
lost = both[1.0].rewards("gold") - both[0.5].rewards("gold")
worst = int(lost.argmin())
show.replies(pools[0.5].prompts[worst], [pick.texts[worst] for pick in both.values()],
    names=[f"best of 64 at T = {T}" for T in both], about=pools[0.5].info[worst],
    scores={name: [pick.rewards(name)[worst].item() for pick in both.values()]
        for name in ("gold", "reward-8000")})

# %% tags=["hide", "remove-input"]
assert lost[worst] < -1 and (lost > 0).any()
assert both[1.0].texts[worst] not in pools[0.5].texts[worst]
assert both[1.0].rewards("reward-8000")[worst] > both[0.5].rewards("reward-8000")[worst]

# %% [markdown]
# The reward model gives the worse reply the higher score, and that reply was only there to be
# chosen at $T = 1$.
# For some other questions the warmer choice was the better one.
# So the temperature belongs to the policy, to $n$ *and* to the judge.
# Choose it by measuring, on prompts kept apart for that.

# %% [markdown]
# ## Deeper: When a dial is enough

# %% [markdown]
# Our desk is one kind of world.
# Here is the other: `helpdesk-careful`, with the same questions, steps and gold.
# But its policy learned from a desk where nobody sends letters, and every reply is a colleague's
# own.
# A colleague's slips are scattered, the right steps are always the same.
# So here the *likeliest* reply is nearly the best.
#
# **Which is better at this desk: one reply at $T = 0.1$, or the best of 16 by gold at $T = 1$?**

# %%
careful = course.load_world("helpdesk-careful")
colleague = course.load_policy(assets.path("helpdesk-careful/policy"))
their_asked, their_facts = careful.prompts("heldout", limit=96, seed=0)
other = {T: course.score(course.sample(colleague, their_asked, n=16, temperature=T,
    info=their_facts, seed=11), GoldReward(careful)) for T in (1.0, 0.1)}

# %% tags=["hide"]
def gold_of(desk, T, n):
    """(P,) gold of the best of n by gold at a temperature."""
    return best_of_n_curve(desk[T].reward("gold"), ns=[n])[:, 0]

# %% tags=["answer"]
desks = {"helpdesk": pools, "helpdesk-careful": other}
show.table(["desk", "one reply, T = 1", "best of 16, T = 1", "one reply, T = 0.1"],
    [(name, *(f"{gold_of(desk, T, n).mean():.1f}" for T, n in ((1.0, 1), (1.0, 16),
        (0.1, 1)))) for name, desk in desks.items()])

# %% tags=["hide", "remove-input"]
their_topics = [one["topic"] for one in their_facts]
enough = paired_difference(gold_of(other, 0.1, 1), gold_of(other, 1.0, 16),
    groups=their_topics)
alone = paired_difference(gold_of(other, 0.1, 1), gold_of(other, 1.0, 1),
    groups=their_topics)
assert enough.low > 0 and 2.5 < alone.mean < 3.2
assert other[0.1].lengths.float().mean() < other[1.0].lengths.float().mean()

# %% [markdown]
# **Finding 2.4: where the likeliest reply is nearly the best, a dial is enough.**
# There the dial alone brings nearly three points.
# One cold reply beats even a perfect choice among 16 warm ones, for less than a sixteenth of the
# tokens.
# Beside one reply at $T = 1$, that best-of-16 would have looked splendid.
#
# Which kind of world is yours?
# Ask before you pay.
# Draw one cold reply and one warm one for some dozens of questions, and compare them by a judge you
# trust: people, or a program that checks the result.
# If the cold ones are far ahead and near the best you can imagine, serve them.
# If they are level, the dial has nothing to give; read some, and see what they lack.
# Then measure best-of-$n$ at two or three temperatures, each beside the best single reply.

# %% [markdown] tags=["slide"]
# ## Highest, median, lowest
#
# Where does the gain of choosing come from?
# Take $n$ stored candidates at $T = 1$, and look at the highest, the median and the lowest gold
# reward among them.
# **As $n$ grows, which of the three will move?**

# %% tags=["slide", "answer"]
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold, sizes = stored.reward("gold").double(), [1, 2, 4, 8, 16, 32, 64, 128, 256]
highest = best_of_n_curve(gold, ns=sizes)  # (128, 9)
lowest = -best_of_n_curve(-gold, ns=sizes)
median = np.stack([np.median(gold.reshape(128, -1, n), axis=2).mean(1)
    for n in sizes], axis=1)
plots.highest_to_lowest(sizes, highest, median, lowest)

# %% tags=["hide", "remove-input"]
units = [one["topic"] for one in stored.info]
up, middle, down = (paired_difference(values[:, -1], values[:, 0], groups=units)
    for values in (highest, median, lowest))
assert up.low > 3 and round(up.mean, 1) == 3.4 and down.high < -2
assert 0 < middle.mean < 0.2

# %% [markdown] tags=["slide"]
# **Finding 2.5: the highest reward of $n$ grows with $n$ while the median stays.**
# From 1 to 256 candidates the highest rises by 3.4 points, and the median by about a tenth.
#
# The highest of more can only be higher; we measured by how much.
# More candidates do not make the policy better.
# They widen the range, at both ends.
# The arrow is what choosing can use.
# The lower line is what choosing badly can cost.
#
# Llama 2's authors drew the upper two lines with their reward model's score.
# They read the gap as the gain on offer from fine-tuning on the best (arXiv 2307.09288).
# Lesson 05 takes up the offer.

# %% [markdown]
# ## Deeper: What sampling costs

# %% [markdown]
# The unit is a **token computed**: one token passed once through the model.
# Naively, $N$ candidates read the prompt $N$ times.

# %%
drawings.shared_prefix()

# %% [markdown]
# **Prefix sharing.**
# In each layer, every token that was read leaves two vectors, its *key* and its *value*, and later
# tokens look only at these.
# So those of the prompt are computed once and used by all candidates.
#
# **Retiring.**
# A reply that has ended leaves the batch.
#
# Both change nothing in the result but rounding.
# On paper: a prompt of 10 tokens, and four replies of 5, 8, 8 and 20.
# Naively each of the four rows reads 10 and runs for 20 steps: $4 \cdot (10 + 20) = 120$.
# **What does each saving alone leave, and what do both?**

# %% tags=["nbval-check-output", "answer"]
prompt_tokens, reply_tokens = 10, np.array([5, 8, 8, 20])
rows, longest = len(reply_tokens), reply_tokens.max()
show.facts({"naive": rows * (prompt_tokens + longest),
    "sharing only": prompt_tokens + rows * longest,
    "retiring only": rows * prompt_tokens + reply_tokens.sum(),
    "both": prompt_tokens + reply_tokens.sum()})

# %% [markdown]
# Now count in earnest.
# A *hook* is a function that PyTorch calls whenever a layer runs.
# Ours notes how many tokens reach the first layer while `sample` writes 16 candidates for each of 8
# prompts.

# %%
passed = []
layer = policy.model.get_input_embeddings()
hook = layer.register_forward_hook(
    lambda layer, given, out: passed.append(given[0].numel()))
counted = course.sample(policy, pools[1.0].prompts[:8], n=16, seed=0)
hook.remove()

# %%
given = np.array([len(ids) for ids in policy.encode(pools[1.0].prompts[:8])])
run = counted.lengths.numpy() - 1  # the last token of a reply is not passed through
naive, least = (16 * (given + run.max(1))).sum(), given.sum() + run.sum()
show.facts({"naive": f"{naive:,}", "computed by sample": f"{sum(passed):,}",
    "least possible": f"{least:,}"})

# %% tags=["hide", "remove-input"]
assert least <= sum(passed) < 0.8 * naive

# %% [markdown]
# `sample` lies a little above the least, since it drops ended rows in groups.
# Sharing saves most where a long prompt comes before short replies.
#
# ### Stop early
#
# A third way does change the result: score how the replies *begin*, drop the worst half, and write
# only the others to the end.
# That is the idea of speculative rejection (arXiv 2410.20290).
# We replay it on stored replies: 32 for each prompt, cut after 10 tokens; `reward-8000` keeps 16.
# The control is a plain best-of-$m$ that writes as many tokens.

# %% tags=["hide"]
from course_lib.methods import beginnings, survivors, tokens_written

packs = 4  # of 32 candidates for each prompt
many = stored.first(32 * packs)
reader = course.load_reward_model(assets.path("helpdesk/reward-8000"),
    name="reward-8000")
begun = reader.score_pool(beginnings(many, policy, at=10))
early, score, worth, lengths = (values.reshape(-1, 32) for values in (begun,
    many.reward("reward-8000"), many.reward("gold"), many.lengths))
kept = survivors(early, 16)
written = tokens_written(lengths, kept, 10).sum().item() / lengths.sum().item()
m = round(32 * written)

def over_packs(values):
    """(P,) mean over the packs of a prompt."""
    return values.reshape(-1, packs).mean(1)

def plain(n):
    """(P,) gold of the plain best of n of a pack."""
    return over_packs(best_of_n_curve(score, worth, ns=[n])[:, 0])

# %%
first = score.masked_fill(~kept, -torch.inf).argmax(1, keepdim=True)
stopped = over_packs(worth.gather(1, first)[:, 0])
price, gained = (paired_difference(stopped, plain(n), groups=units) for n in (32, m))
show.facts({"tokens saved": f"{1 - written:.0%}",
    "gold, minus that of all 32": f"{price:.2f}",
    f"minus best of {m}, as many tokens": f"{gained:.2f}"})

# %% tags=["hide", "remove-input"]
assert 0.25 < 1 - written < 0.4 and not price.excludes_zero and price.low > -0.15
assert gained.low > 0 and gained.mean > 0.05

# %% [markdown]
# A third of the tokens is saved, at no loss of gold that we can see, and for the same tokens it
# beats the plain way.
# Ten tokens can give a letter away: seven in ten of the dropped are letters, and about half of the
# kept.
# One cost is missing: the reward model also had to *read* the beginnings.
# With that counted, about half of the gain is left here.
# Early stopping is made for long replies and cheap scores.

# %% tags=["hide", "remove-input"]
from course_lib.base import Account, flops_per_token

single = stored.first(1)
with Account() as account:  # counts the tokens that the reward model reads
    reader.score_pool(single)
around = (account.tokens_scored - single.lengths.sum().item()) / stored.P
each = lengths.float().mean().item()
to_write, to_read = flops_per_token(policy.model), flops_per_token(reader.model)
reads = (lengths.clamp(max=10).sum() + lengths[kept].sum()).item() + around * (
    lengths.numel() + kept.sum().item())
one_plain = to_write * each + to_read * (each + around)
writes = written * lengths.sum().item()
equal = round((to_write * writes + to_read * reads) / len(lengths) / one_plain)
honest = paired_difference(stopped, plain(equal), groups=units)
assert m < equal < 32 and 0.35 < honest.mean / gained.mean < 0.65
are_letters = torch.from_numpy(is_letter(many)).reshape(-1, 32)
dropped, stayed = (are_letters[rows].float().mean() for rows in (~kept, kept))
assert 0.67 < dropped < 0.75 and 0.48 < stayed < 0.58

# %% [markdown] tags=["slide"]
# ## What we found
#
# - At its best temperature one reply gains a quarter of a point over $T = 1$.
# - The best temperature rises with $n$: for one reply 0.3 is as good as 0.7, for the best of 16 by
#   gold it is a point worse (Finding 2.1).
# - With each side at its best temperature, the best of 16 is 1.8 points ahead of one reply (Finding
#   2.2).
# - By its own score, the choice of `reward-500` is best at $T = 1.3$; by gold, at 0.5 (Finding
#   2.3).
# - From 1 to 256 candidates the highest reward rises by 3.4 points, and the median stays nearly
#   where it was (Finding 2.5).

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %%
from course_lib.experiments import findings

findings.show("02")

# %% [markdown]
# ### What this leaves out
#
# There are other filters; the question is the same for all: more spread, at what loss on average?
# We tried no temperature that changes within a reply.
# Both our desks are made up, and lie far apart on purpose.
# Speculative rejection proper drops candidates again and again, and is measured in time on a GPU;
# we dropped once and counted tokens.
#
# ### In real systems
#
# - Llama 3 reports that PagedAttention, a way to keep keys and values in memory, more than doubled
#   the throughput of sampling (arXiv 2407.21783).
# - Rejection-sampling fine-tuning on GSM8K sampled 100 solutions at $T = 0.7$ (arXiv 2308.01825);
#   ReST-EM 32 or 64 at $T = 0.7$ with top-k 40 (arXiv 2312.06585).
#
# ### Further reading
#
# Holtzman et al., *The curious case of neural text degeneration*, arXiv 1904.09751: top-p, and why
# the likeliest text is bland.
# Vijayakumar et al., *Diverse beam search*, arXiv 1610.02424.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex02`: temperature, top-p, drawing a token, and the best temperature for a
# given n.
#
# **Questions.**

# %%
quiz.ask("02")
