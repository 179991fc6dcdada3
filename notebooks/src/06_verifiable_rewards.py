# %% [markdown] tags=["slide"]
# # Verifiable rewards
#
# **You will:** see many samples agree on a mistake, try a verifier on strings meant to fool it,
# work out pass@k on paper, and fine-tune on verified replies.
#
# **Builds on:** lesson 01 (best-of-n, ties), lesson 02 (temperature), lesson 05 (rejection-sampling
# fine-tuning).
#
# **Time:** 32 minutes, and 40 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Three agree, and all three are wrong
#
# A small policy has learned to solve word problems from 6,000 solutions.
# Here are a problem new to it and five of its replies.
# Each step stands in double brackets, the answer behind `####`.
# **Check all five by hand before you read on.**

# %% tags=["hide"]
# what this lesson uses, and what a hurried reader answers
from collections import Counter

import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import plots, quiz, show
from course_lib.estimators import (bootstrap_interval, decidable, majority,
    paired_difference, pass_at_k)
from course_lib.experiments.findings.verifiable import share_true
from course_lib.worlds import KINDS, SFT_PROBLEMS, value_of
from course_lib.worlds.problems import MISREAD

def misread(about):
    """The answer of who misreads a problem, as text; None where nobody does."""
    wrong = KINDS[about["kind"]].misread
    return None if wrong is None else str(value_of(wrong(*about["numbers"])))

# %% tags=["slide", "nbval-check-output"]
world = course.load_world("arithmetic")
stored = course.Pool.load(assets.path("arithmetic/pools/heldout.npz"))
problem, about = stored.prompts[0], stored.info[0]
show.replies(problem, stored.texts[0][:5])

# %% [markdown]
# Only the third is right: 6, 7 and 9 are 22 coins a day, so 44 in two days.
# Three others agree on 28: they count the 6 coins twice, and the 7 and the 9 only once.
# And yet every step in all five is true.
# This policy seldom miscalculates; it misreads.
#
# What do all 64 stored replies to this problem say?

# %% tags=["hide"]
# the verdict on each stored reply
verdicts = [
    [world.verify(prompt, text, info) for text in texts]
    for prompt, texts, info in zip(
        stored.prompts, stored.texts, stored.info, strict=True
    )
]
counts = Counter(v["answer"] or "none" for v in verdicts[0])

# %% tags=["slide"]
plots.answer_counts(counts, right=about["answer"], usual=misread(about))

# %% tags=["hide", "remove-input"]
assert (SFT_PROBLEMS, MISREAD, about["answer"], misread(about)) == (
    6000,
    0.6,
    "44",
    "28",
)
assert [v["status"] for v in verdicts[0][:5]].index("correct") == 2
assert [v["answer"] for v in verdicts[0][:5]].count("28") == 3
assert all(share_true(text) == 1 for text in stored.texts[0][:5])
assert counts["28"] > 0.4 * 64 and counts["44"] == 4
wrongly = [text for texts, row in zip(stored.texts, verdicts, strict=True)
    for text, v in zip(texts[:8], row, strict=False) if v["status"] != "correct"]
assert np.mean([share_true(text) == 1 for text in wrongly]) > 0.8
assert (sum(kind.misread is not None for kind in KINDS.values()), len(KINDS)) == (7, 8)

# %% [markdown]
# Nearly half say 28, and four say 44.
#
# We made it so.
# The solutions it learned from were *written in a hurry*.
# In seven of eight kinds of problems about 60 % of them misread the problem, in the kind's typical
# way.
# People in a hurry repeat their mistakes, and a model learns them with the rest.
# Then the likeliest answer is usually wrong, and the right way is there as a minority.
# This lesson is about finding that minority.

# %% [markdown]
# ## Deeper: Eight kinds of problems, seven misreadings

# %% [markdown]
# | kind | what stands there | how it is misread |
# |---|---|---|
# | `change` | some are lost, some come back | what comes back is forgotten |
# | `boxes` | two kinds of packs, and single ones | the single ones are left out |
# | `each` | the same three numbers several times | only the first is multiplied |
# | `spend` | several of two things are bought | only one of the second is paid |
# | `more` | "12 more than Ann" | read as 12 |
# | `share` | all is shared by several people | the sharing is forgotten |
# | `twice` | two numbers several times, minus some | only the first is multiplied |
# | `collect` | four numbers to add | nobody misreads it |
#
# `world` knows each problem's numbers, so a program can compute what a hurried reader gets.

# %% tags=["nbval-check-output"]
show.table(["problem", "kind", "right", "misread"],
    [(stored.prompts[i], stored.info[i]["kind"], stored.info[i]["answer"],
        misread(stored.info[i])) for i in (0, 2, 3)])

# %% [markdown] tags=["slide"]
# ## A verifier: text in, verdict out
#
# A reward model guesses what people would like.
# For some tasks nobody has to guess: a calculation is right or wrong, code passes its tests or not.
# A program that checks this is a **verifier**.
# A text goes in, a *verdict* comes out; as a reward, right is 1 and anything else 0.
#
# Here is one of a single line.
# Try every reward on a few strings before you train on it.

# %% tags=["nbval-check-output"]
def naive(text, answer):
    return answer in text

tried = (("#### 18", "18"), ("#### 180", "18"), ("18 + 1 = 19. #### 19", "18"),
    ("#### 1,800", "1800"))
show.table(["reply", "right answer", "passes"],
    [(text, answer, naive(text, answer)) for text, answer in tried])

# %% [markdown] tags=["slide"]
# The second and third replies are wrong and pass: **false positives**.
# The last is right and fails: a **false negative**.
# A policy trained with this verifier is paid for writing many numbers.
#
# A better verifier *finds* the final answer by a stated rule, *reads* it as a number, and
# *compares* exactly.
# It never runs what it reads.
# Its verdicts are **correct**, **wrong** (another number was surely read) and **unreadable** (no
# number, or not surely one).
#
# **Work it out.**
# The right answer is 18, and of several `####` with a number behind them the last counts.
# What should be said of these?
#
# `18` · `#### 19 #### 18` · `#### -18` · `#### 17 + 1` · `#### 1,8` ·
# `#### __import__('os').getcwd()`

# %% tags=["nbval-check-output"]
strings = ["18", "#### 19 #### 18", "#### -18", "#### 17 + 1", "#### 1,8",
    "#### __import__('os').getcwd()"]
show.table(["reply", "verdict"],
    [(text, world.verify("", text, {"answer": "18"})["status"]) for text in strings])

# %% [markdown]
# The bare `18` is unreadable, because this verifier is *strict*: it wants the format.
# `17 + 1` is a sum left undone.
# And `#### 1,8` could be 18 with a comma too many, a German 1.8, or two numbers.
# What can be meant in several ways is neither paid nor called wrong.
#
# ## Three outcomes, kept apart
#
# As a reward, wrong and unreadable are both 0.
# As a *measurement* they are different facts.
# Suppose that another policy writes the same replies, but `Answer 44` in place of `#### 44`.

# %% tags=["hide"]
# the shares of the three verdicts, for both policies
NAMES = ("correct", "wrong", "unreadable")

def three(statuses):
    """The shares of the three verdicts among these."""
    found = Counter(statuses)
    return [found[name] / found.total() for name in NAMES]

ours = three(v["status"] for row in verdicts for v in row)
other = three(world.verify("", text.replace("####", "Answer"), info)["status"]
    for texts, info in zip(stored.texts, stored.info, strict=True) for text in texts)

# %% tags=["slide"]
plots.shares({"our policy": ours, "with “Answer”": other}, NAMES, "% of replies")

# %% tags=["hide", "remove-input"]
assert 0.14 < ours[0] < 0.18 and other == [0, 0, 1] and 0 < ours[2] < 0.001

# %% [markdown]
# Whoever counts only "correct" sees accuracy fall from 16 % to zero and says: it cannot calculate.

# Whenever an accuracy is near zero, or falls suddenly, look at the unreadable replies first.

# %% [markdown]
# ## Deeper: A verifier can be wrong too

# %% [markdown]
# Ours reads the final number only.
# How many replies with the right number have a false step on the way, such as `3 * 4 = 11`?
# `share_true` gives the share of a reply's steps whose two sides are equal, and 0 where there is
# none.

# %% tags=["nbval-check-output"]
tried_steps = ("<< 3 * 6 = 18 >>. #### 18", "<< 6 * 96 = 96 >>. #### 96", "#### 18",
    "<< friends 4 = 4 >>. #### 4")
show.table(["reply", "true steps"], [(text, f"{share_true(text):.0%}")
    for text in tried_steps])

# %% tags=["nbval-check-output"]
right = stored.reward("verifier").bool()
true = torch.tensor([[share_true(text) == 1 for text in row] for row in stored.texts])
lucky = (right & ~true).nonzero().tolist()
show.together(*(show.replies(stored.prompts[i], [stored.texts[i][j]])
    for i, j in (lucky[0], lucky[4])))

# %%
solved = right.any(1)
share = 100 * (right & ~true).sum(1)[solved] / right.sum(1)[solved]
misled = (true & ~right).sum() / (~right).sum()
show.facts({"right replies with a false step": f"{len(lucky)} of {int(right.sum()):,}",
    "their share, mean over solved problems": f"{bootstrap_interval(share):.0f} %",
    "replies not right, all steps true": f"{misled:.0%}"})

# %% tags=["hide", "remove-input"]
assert 1 < share.mean() < 15 and (true & ~right).sum() / (~right).sum() > 0.8

# %% [markdown]
# These are false positives: the number is right, the work is not.
# There are few, but selection keeps every one, and fine-tuning teaches them.
# As in the first problem, most replies that are not right calculate truly, with the wrong numbers.
#
# So the live run has a stricter judge, though not an independent one.
#
# On school problems, 14 % of the right answers of the best earlier system had wrong reasoning.
# Feedback on steps, or a reward model that imitates it, brought that to 3 % (Uesato et al., arXiv
# 2211.14275).

# %% [markdown] tags=["slide"]
# ## On paper: pass@k
#
# One problem, five samples.
# The right answer is 18:
#
# | sample | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|
# | answer | **18** | 20 | 20 | **18** | 21 |
#
# Draw one of the five at random: pass@1 is 2/5.
# **pass@k** is the probability that at least one of $k$ samples is right.
# For $k = 2$ count the pairs.
# Three samples are wrong, so 3 of the 10 pairs hold no right one, and pass@2 is $1 - 3/10$.
# In general, with $c$ of $N$ samples right,
#
# $$\widehat{\text{pass@}k} = 1 - \binom{N - c}{k} \Big/ \binom{N}{k}$$
#
# (Chen et al., arXiv 2107.03374).
# It is lesson 01's best-of-$k$ for a reward of 0 or 1.
# **Work out pass@3, then run the cell.**

# %% tags=["nbval-check-output"]
sample = np.array([[1.0, 0, 0, 1, 0]])  # one problem, five samples
by_formula = pass_at_k(sample, range(1, 6))[0]
show.table(["k", *range(1, 6)], [("pass@k", *(f"{v:.0%}" for v in by_formula))])

# %% tags=["hide", "remove-input"]
from itertools import combinations

counted = [np.mean([max(few) for few in combinations(sample[0], k)])
    for k in range(1, 6)]
assert np.allclose(counted, by_formula) and np.isclose(by_formula[1], 0.7)

# %% [markdown]
# ## Deeper: The tempting shortcut

# %% [markdown]
# One could take the share right, $c/N$, for the probability, and compute $1 - (1 - c/N)^k$.
# For our five samples that gives 64 % at $k = 2$, and the count says 70 %.

# Deal the 64 stored samples of each problem into eight hands of eight.
# Estimate pass@4 from each hand in both ways, and compare with what all 64 say.

# %%
# (problems, hands, samples)
hands = stored.reward("verifier").double().reshape(stored.P, 8, 8)
known = 100 * pass_at_k(stored.reward("verifier"), [4])[:, 0]
by_hand = 100 * pass_at_k(hands.flatten(0, 1), [4]).reshape(stored.P, 8).mean(1)
shortcut = 100 * (1 - (1 - hands.mean(2)) ** 4).mean(1).numpy()
show.facts({"pass@4 from all 64": f"{known.mean():.0f} %",
    "formula minus that": f"{paired_difference(by_hand, known):+.1f} points",
    "shortcut minus that": f"{paired_difference(shortcut, known):+.0f} points"})

# %% tags=["hide", "remove-input"]
assert np.isclose(1 - (1 - 2 / 5) ** 2, 0.64)
assert (
    paired_difference(shortcut, known).high < -2 and abs((by_hand - known).mean()) < 1
)

# %% [markdown]
# The shortcut is five points too low: it can draw a sample twice, like lesson 01's bootstrap.
# The formula is right on average.

# %% [markdown] tags=["slide"]
# ## What many samples are worth
#
# One sample of this policy is right for about one problem in six.
# A verifier picks a right one wherever there is one: pass@16.
# A **majority vote** takes the answer given most often, and needs no verifier.
# The cheapest rival is one reply at temperature 0.
#
# **Your prediction.**

# %% tags=["hide"]
# a question for your guess
quiz.predict("06-solved",
    "How many of 100 problems have at least one right reply among 16 samples?",
    low=0, high=100, step=1, unit="problems")

# %% tags=["hide"]
# what k samples reach by a verifier and by a vote, and one reply at temperature 0
ks = [1, 2, 4, 8, 16, 32, 64]
reached = pass_at_k(stored.reward("verifier"), ks)  # (P, 7)

def vote(row, answer, k):
    """How often the majority of k is right, over the N/k hands of the replies."""
    dealt = [[v["answer"] for v in row[i : i + k]] for i in range(0, len(row), k)]
    return np.mean([majority(few) == answer for few in dealt])

voted = np.array([[vote(row, info["answer"], k) for k in ks]
    for row, info in zip(verdicts, stored.info, strict=True)])
policy = course.load_policy(assets.path("arithmetic/policy"))
likeliest = course.sample(policy, stored.prompts, n=1, temperature=0,
    max_tokens=world.max_tokens, info=stored.info)
cold = np.array([[world.gold("", row[0], info)] * len(ks)
    for row, info in zip(likeliest.texts, stored.info, strict=True)])

# %% tags=["slide", "answer"]
lines = {
    "verifier’s choice (pass@k)": reached,
    "majority of k": voted,
    "one reply at temperature 0": cold,
}
plots.pass_at_k(ks, lines, ylabel="problems answered right (%)").guessed(
    "06-solved", x=16
)

# %% tags=["hide", "remove-input"]
assert 0.14 < reached[:, 0].mean() < 0.18 and 0.72 < reached[:, 4].mean() < 0.78
assert (
    0.18 < voted[:, 4].mean() < 0.24 and abs((voted[:, 6] - voted[:, 4]).mean()) < 0.03
)
hurried = [misread(info) for info in stored.info]
in_seven = [i for i, answer in enumerate(hurried) if answer is not None]
alone = [
    world.verify("", likeliest.texts[i][0], {"answer": hurried[i]})["status"]
    for i in in_seven
]
assert alone.count("correct") > 0.4 * len(in_seven)
together = [
    majority([v["answer"] for v in verdicts[i]]) == hurried[i] for i in in_seven
]
assert np.mean(together) > 0.5
assert cold.mean() < 0.2 and abs(cold[:, 0].mean() - reached[:, 0].mean()) < 0.04

# %% [markdown] tags=["slide"]
# The right way is there: with 16 samples, three problems in four are solved at least once.
# The vote does not find it: of 64 samples it is hardly better than of 16.
# The reply at temperature 0 is about as good as a random one.
# Both look for what is usual, and the usual is the mistake.
#
# **Finding 6.1: a majority vote agrees on the usual mistake; only a verifier finds the minority's
# path.**
#
# But pass@k is not what a user gets.
# Our verifier needs the right answer, and whoever has that does not need the model.
# So the rest of this lesson *trains*, on problems whose answers are known, for those whose answers
# are not.

# %% [markdown]
# ## Deeper: Choosing without a verifier

# %% [markdown]

# There is a control in the pool: in the kind `collect` nobody misreads, so errors scatter.

# %%
misreadings = [misread(info) for info in stored.info]
can = np.array([m is not None for m in misreadings])
rows = [
    (
        name,
        at.sum(),
        *(
            f"{100 * column[at].mean():.0f} %"
            for column in (reached[:, 0], voted[:, -1], reached[:, 4])
        ),
    )
    for name, at in (("collect: errors scatter", ~can), ("the other seven kinds", can))
]
show.table(
    ["kind", "problems", "one sample", "majority of 64", "at least one of 16"], rows
)

# %% tags=["hide", "remove-input"]
scattered = paired_difference(voted[~can, -1], reached[~can, 0])
assert (
    scattered.low > 0.05
    and 1.7 < voted[~can, -1].mean() / reached[~can, 0].mean() < 2.1
)

# %% [markdown]
# Where errors scatter over many numbers, the vote nearly doubles the share of right answers.
# That is **self-consistency** (Wang et al., arXiv 2203.11171).
# Where errors agree, the vote returns the error.
#
# Votes can have weights.
# Our stored replies carry the policy's **self-certainty**: how far its prediction of each token is
# from "all tokens alike", averaged over the reply (Kang et al., arXiv 2502.18581).
# A **weighted majority** adds up such weights in place of votes; a softmax makes them positive, and
# the factor 16 lets small differences count.
#
# **Work it out:** for self-certainty to help here, of which replies must the policy be surer?

# %% tags=["hide"]
# weighted majorities, and how sure the policy is of a misreading
from course_lib.estimators import weighted_majority

hurry = torch.tensor([[m is not None and v["answer"] == m for v in row]
    for row, m in zip(verdicts, misreadings, strict=True)])  # (P, N)
certain, good = stored.reward("self-certainty"), stored.reward("verifier").bool()

def majority_right(weights):
    """Per cent of problems whose weighted majority of the first 16 is right."""
    won = [weighted_majority([v["answer"] for v in row[:16]], w) == info["answer"]
        for row, w, info in zip(verdicts, weights, stored.info, strict=True)]
    return 100 * np.mean(won)

both = (hurry.any(1) & good.any(1)).nonzero()[:, 0].tolist()
surer = [float(certain[i][hurry[i]].mean() - certain[i][good[i]].mean()) for i in both]

# %%
heavy = majority_right(torch.softmax(16 * certain[:, :16], dim=1).tolist())
in_sd = bootstrap_interval(np.array(surer) / float(certain.std()))
plain = majority_right([[1.0] * 16] * stored.P)
show.facts({"majority of 16": f"{plain:.0f} %",
    "weighted by self-certainty": f"{heavy:.0f} %",
    "at least one of 16": f"{100 * reached[:, 4].mean():.0f} %",
    "surer of the misreading, in standard deviations": f"{in_sd:+.1f}"})

# %% tags=["hide", "remove-input"]
assert heavy < 35 and abs(np.mean(surer)) < 0.25 * certain.std()

# %% [markdown]
# The policy is about as sure of its misreading as of the right way.
# What it has learned wrongly, it cannot find out by asking itself.

# %% [markdown]
# ## Deeper: Steps as a process reward

# %% [markdown]
# A verifier of the answer must know the answer.
# A check of the *steps* needs nothing: $6 \cdot 2 = 12$ is true whatever the problem.
# So let the reward be the share of a reply's steps that are true.
# Of 16 replies take the one with the highest share, with ties broken at random.
# **Guess first:** how far does that go, from one random reply to the verifier's choice?

# %%
from course_lib.estimators import best_of_n_curve

step_share = np.array([[share_true(text) for text in texts] for texts in stored.texts])
by_steps = 100 * best_of_n_curve(
    step_share, stored.reward("verifier"), [1, 16]
)  # (P, 2)
way = paired_difference(by_steps[:, 1], by_steps[:, 0])
show.facts(
    {
        "one reply": f"{by_steps[:, 0].mean():.0f} %",
        "best of 16 by true steps": f"{by_steps[:, 1].mean():.0f} %",
        "by the verifier": f"{100 * reached[:, 4].mean():.0f} %",
        "best of 16 by steps minus one reply": f"{way:+.1f} points",
    }
)

# %% tags=["hide", "remove-input"]
assert 0 < way.low and way.high < 2 < 40 < (100 * reached[:, 4] - by_steps[:, 0]).mean()

# %% [markdown]
# **Finding 6.2: checking every step does not find a misreading: its steps are true.**
# It removes slips of calculation and gains one point.
#
# **Process reward models** judge steps and do much better.
# *Let's verify step by step* (Lightman et al., arXiv 2305.20050) trained one on 800,000 labels of
# single steps, and best-of-n by it beat best-of-n by a model of the final answer.
# Our check says "this equation is true".
# Their label says "this step is right *for this problem*", and whoever gives it has to read with
# care.

# %% [markdown]
# ## Which problems teach?
#
# A problem is **decidable** when some of its samples are right and some wrong.
# Where all are wrong there is nothing right to keep; where all are right, any choice would do.

# %% tags=["hide"]
# the shares of decidable, all wrong and all right problems
split = {}
for n in (2, 4, 8, 16, 64):
    first = stored.reward("verifier")[:, :n]
    mixed = decidable(first).mean()
    split[f"{n} samples"] = (mixed, (first.sum(1) == 0).double().mean(),
        (first.sum(1) == n).double().mean())

# %% tags=["slide"]
plots.shares(split, ("decidable", "all wrong", "all right"), "% of problems",
    colours=(0, 6, 2))

# %% tags=["hide", "remove-input"]
assert 0.4 < split["8 samples"][1] < 0.5 and split["8 samples"][2] < 0.02
assert split["64 samples"][0] > 0.9

# %% [markdown] tags=["slide"]
# With 8 samples, more than two problems in five are all wrong.
# (Of the first 8 stored; pass@8 averages over all choices of 8.)
#
# Before you train, count the decidable problems.
# Where they are few, a verdict has little to choose from.

# %% [markdown] tags=["slide"]
# ## Training on verified replies
#
# Sample replies to training problems, keep right ones, and fine-tune on these, as in lesson 05.
# Copies are dropped: of a problem's right replies we keep the first with each **path**, its list of
# equations in order.
# We do it now, small: 256 new problems, 8 samples each.

# %%
from course_lib.pools import distinct_paths, overall_control

prompts, info = world.prompts("train", limit=SFT_PROBLEMS + 256, seed=0)
new, about_new = prompts[SFT_PROBLEMS:], info[SFT_PROBLEMS:]
fresh = course.sample(
    policy, new, n=8, max_tokens=world.max_tokens, info=about_new, seed=0
)
fresh = course.score(fresh, course.models.GoldReward(world, name="verifier"))
kept = distinct_paths(fresh, by="verifier", key=world.path)
kept

# %% [markdown]
# The control trains for as many steps on as many of these 2,048 replies, drawn at random,
# unverified.

# %%
data = {"trained, unverified": overall_control(kept, seed=0), "trained, verified": kept}
epochs = 25 / np.ceil(len(kept) / 32)  # 25 steps each
trained = {name: course.finetune(policy, chosen, epochs=epochs, batch_size=32, lr=5e-4)
    for name, chosen in data.items()}

# %% tags=["hide"]
# the stricter judge, and the start policy at three temperatures
sound = course.models.FunctionReward(
    lambda prompt, text, info: world.gold(prompt, text, info) * (share_true(text) == 1),
    "sound")

policies, written = {"start": policy, **trained}, {}

def judged(name, temperature):
    """(P,) per cent of four fresh replies to each held-out problem that are sound."""
    fresh = course.sample(policies[name], stored.prompts, n=4, temperature=temperature,
        max_tokens=world.max_tokens, info=stored.info, seed=201)
    written[name, temperature] = fresh.texts
    return 100 * course.score(fresh, sound).reward("sound").mean(1)

# the first four stored replies were drawn at temperature 1 with the same seed
start = {1.0: 100 * course.score(stored.first(4), sound).reward("sound").mean(1),
    0.4: judged("start", 0.4), 0.2: judged("start", 0.2)}

# %% tags=["hide", "remove-input"]
assert max(start, key=lambda T: start[T].mean()) == 0.4 and 260 < len(kept.texts) < 290
assert abs(start[0.4].mean() - 18) < 2
assert all(len(one.training_log.losses) == 25 for one in trained.values())

# %% [markdown]
# The judge is stricter than the verifier, so that luck does not count: a reply is **sound** when
# its
# answer is right *and* every step is true.
# Each policy writes four replies to each of 200 other problems.
# One rival costs nothing: the start policy at its best temperature.
# Of 1, 0.4 and 0.2 that is 0.4, with about 18 sound replies of 100.
#
# **Your prediction.**

# %% tags=["hide"]
# a question for your guess
quiz.predict("06-trained",
    "How many of 100 replies are sound, trained on verified replies, at T = 0.4?",
    low=0, high=100, step=1, unit="replies")

# %% tags=["hide"]
# all policies judged at both temperatures
scores = {"start": start,
    **{name: {T: judged(name, T) for T in (1.0, 0.4)} for name in trained}}
marks = {f"T = {T:g}": [bootstrap_interval(by_T[T]) for by_T in scores.values()]
    for T in (1.0, 0.4)}

# %% tags=["slide", "answer"]
plots.dumbbells(list(scores), marks, "sound replies (%)", spec=".0f").guessed(
    "06-trained", axis="x")

# %% tags=["hide", "remove-input"]
lead = {name: paired_difference(scores["trained, verified"][0.4], scores[name][0.4])
    for name in ("start", "trained, unverified")}
assert all(gap.low > 4 for gap in lead.values()) and lead["start"].mean > 8
assert scores["trained, unverified"][0.4].mean() < start[0.4].mean() + 2

def given(name, wanted):
    """Per cent of the seven kinds' replies at T = 0.4 that give the wanted answer."""
    found = [world.verify("", text, {"answer": wanted[i]})["status"]
        for i in in_seven for text in written[name, 0.4][i]]
    return 100 * np.mean([status == "correct" for status in found])

assert abs(scores["trained, verified"][0.4].mean() - 30) < 3
right_one = [info["answer"] for info in stored.info]
pair = ("start", "trained, verified")
mis0, mis1 = (given(name, hurried) for name in pair)
right0, right1 = (given(name, right_one) for name in pair)
assert abs(mis0 - 45) < 4 and abs(mis1 - 14) < 4
assert 0.4 < (right1 - right0) / (mis0 - mis1) < 0.7

# %% [markdown] tags=["slide"]
# Some 270 replies that a program found right, and 25 steps: at T = 0.4, sound replies rise from
# about
# 18 to 30 of 100.
# In the seven kinds that are misread, the usual mistake falls from 45 % of replies to 14 %.
# Right replies gain about half of that, and other mistakes the rest.
# The same training on unverified replies gains nothing.
#
# A larger run is stored: 1,500 problems, 16 samples each, three seeds, judged by the verifier on
# 300
# problems.
# One more rival trains on new *hurried* solutions.
# Each policy has its best temperature, chosen on other problems.

# %% tags=["hide"]
# the stored run, and how its numbers are written
def points(value):
    """A stored difference of shares, in points, with its interval."""
    mean, low, high = (100 * value[key] for key in ("mean", "low", "high"))
    mean, low, high = (round(each) + 0.0 for each in (mean, low, high))
    return f"{mean:+.0f} points [{low:+.0f}, {high:+.0f}]"

def percent(value):
    """A stored share in per cent."""
    return f"{100 * value['mean']:.0f} %"

rft = results.load("verifiable")
level, gaps, what = rft["arms"], rft["differences"], "heldout at best T, pass@1"

# %% tags=["slide"]
rows = [("nothing: the start", percent(level["start"][what]), "–")]
for name, arm in (
    ("hurried solutions", "sft"),
    ("unverified replies", "control, k = 16"),
    ("verified replies", "distinct, k = 16"),
):
    gap = gaps[f"{what}: {arm.split(',')[0]} - start"]
    rows.append((name, percent(level[arm][what]), points(gap)))
show.table(["trained on", "right", "minus the start"], rows)

# %% tags=["hide", "remove-input"]
assert rft["size"]["problems"] == 1500 and rft["size"]["seeds_at"] == 16
assert rft["size"]["held_out"] == 300
assert gaps[f"{what}: distinct - start"]["low"] > 0.15
assert len(rft["size"]["seeds"]) == 3
for arm in ("sft", "control"):
    gap = gaps[f"{what}: {arm} - start"]
    assert gap["low"] < 0 < gap["high"]
new_words = gaps["templates at best T, pass@1: distinct - start"]
assert new_words["high"] < gaps[f"{what}: distinct - start"]["low"]
assert round(100 * level["start"]["templates at best T, pass@1"]["mean"]) == 6
assert [round(100 * new_words[key]) for key in ("mean", "low", "high")] == [4, -2, 11]
dials = [round(100 * (level[arm][what]["mean"] - level[arm]["heldout, pass@1"]["mean"]))
    for arm in ("start", "distinct, k = 16")]
assert dials == [2, 14]

# %% [markdown]
# **Finding 6.3: RFT on right replies moves what the policy usually writes; no temperature of the
# start does.**
# This rests on the stored run: the live run's steps, learning rate and number of problems were
# chosen after trying four settings on the same 200 problems.
# It is the verdicts: training as long on the other two gains nothing.
#
# A lower temperature makes the likeliest reply more frequent.
# Before, that was often the misreading, and the dial gains 2 points; after training it gains 14.
# So train to move the usual answer, then serve it cold.
#
# One limit: on wordings never trained on, 6 % are right before, and the gain is 4 points [−2, 11].
# The policy reads known wordings with more care; that it reads with care is not shown.

# %% [markdown]
# ## Deeper: More of the larger run

# %% [markdown]
# How many samples does it take, and what becomes of the vote?

# %%
arms = [level[f"distinct, k = {k}"] for k in rft["size"]["k"]]
show.table(["samples a problem", "replies kept", "right, at best T", "pass@16, T = 1"],
    [(k, f"{arm['kept']:,}", percent(arm[what]), percent(arm["heldout, pass@16"]))
    for k, arm in zip(rft["size"]["k"], arms, strict=True)])

# %%
new_words = gaps["templates at best T, pass@1: distinct - start"]
voters = {name: level[arm]["majority"]
    for name, arm in (("start", "start"), ("after training", "distinct, k = 16"))}
show.facts({
    **{f"majority of 16 right, {who}": percent(v) for who, v in voters.items()},
    "right replies on new wordings, minus the start": points(new_words)})

# %% tags=["hide", "remove-input"]
few, more, none = (level[arm][what]["mean"]
    for arm in ("distinct, k = 4", "distinct, k = 16", "start"))
assert few - none > 0.7 * (more - none)
assert voters["after training"]["mean"] > 0.5 > 0.25 > voters["start"]["mean"]

# %% [markdown]
# With 4 samples a problem, where only some 900 replies are kept, most of the gain is there already
# (the rows for 4 and 64 have one seed).
# And the vote has become useful: half of the majorities are right now, since a vote agrees with
# what is usual.

# %% [markdown]
# ## Deeper: Right in different ways

# %% [markdown]
# Three right replies to the second problem:

# %% tags=["nbval-check-output"]
different = distinct_paths(stored, by="verifier", key=world.path)
show.replies(stored.prompts[1],
    [different.texts[i] for i in np.flatnonzero(different.prompt_index == 1)[:3]])

# %% [markdown]
# Each has its own path: `8 * 5` and `5 * 8` differ, since spelling counts, not ideas.
# The rule comes from the paper that gave RFT its name (Yuan et al., arXiv 2308.01825).
#
# If you double the samples, do the paths double?

# %% tags=["hide"]
# right replies and distinct paths among the first k samples
paths = np.stack(
    [
        distinct_paths(
            stored.first(k), by="verifier", key=world.path
        ).per_prompt.numpy()
        for k in ks
    ],
    axis=1,
)  # (P, 7)
replies = np.stack(
    [stored.reward("verifier")[:, :k].sum(1).numpy() for k in ks], axis=1
)

# %%
plots.paths_against_k(ks, replies, paths)

# %% tags=["hide", "remove-input"]
grown = paths.mean(0)[4:] / paths.mean(0)[3:-1]  # from k = 8 on
assert (1.55 < grown).all() and (grown < 1.8).all()
assert 0.4 < paths[:, -1].sum() / replies[:, -1].sum() < 0.6

# %% [markdown]
# Right replies double.
# Paths do so at first, while copies are rare; later each doubling adds about two thirds.
# Of the right replies among 64 samples, half are copies.

# %% [markdown]
# ## Deeper: Do distinct paths drive the gain?

# %% [markdown]
# In the paper of Yuan et al., fine-tuning on distinct paths changes the accuracy on GSM8K, one
# answer a problem, like this (per cent):
#
# | | 7B | 13B | 33B |
# |---|---|---|---|
# | SFT | 35.9 | 43.0 | 54.6 |
# | RFT, k = 100 | 41.7 | 49.1 | 54.5 |
# | distinct paths a question | 5.25 | 5.26 | 2.78 |
#
# Its conclusion: distinct paths drive the gain.
# The 33B column fits: few distinct paths, no gain.
# But three columns are no control.
#
# Two more arms of our benchmark keep *as many* right replies as `distinct`:
#
# - **duplicates**: drawn from all right replies, so they lean to easy problems.
# - **same problems**: of each problem as many as it has distinct paths, drawn without regard to
#   paths.
#   Only the paths differ, so this control decides.
#
# **Guess first:** how do the three rank, by one reply and by 16?

# %%
rows = []
for name, measure in (("16 replies, T = 1", "heldout, pass@16"),
        ("one reply, best T", what)):
    for rival in ("same problems", "duplicates"):
        rows.append((name, rival, points(gaps[f"{measure}: distinct - {rival}"])))
first_of_path = [(k, f"{found['distinct_paths'] / found['right']:.0%}")
    for k, found in rft["sampled"].items()]
show.together(show.table(["measured by", "distinct minus", "difference"], rows),
    show.table(["samples", "right replies that are the first of their path"],
        first_of_path))

# %% tags=["hide", "remove-input"]
assert rft["sampled"]["16"]["distinct_paths"] > 0.7 * rft["sampled"]["16"]["right"]
four_gaps = [gaps[f"{measure}: distinct - {rival}"]
    for measure in ("heldout, pass@16", what)
    for rival in ("same problems", "duplicates")]
assert all(gap["low"] < 0 < gap["high"] for gap in four_gaps)

# %% [markdown]
# **Finding 6.4, that distinct right paths drive the gain, does not hold here:** all four intervals
# include zero.
# The second table says why.
# With 16 samples, nearly four in five right replies have a path of their own, so `distinct` and
# `same problems` are largely the same replies.
# The paper's models were right far more often and took 100 samples; there most right replies are
# copies.
# Before you run such a comparison, count how far its two data sets differ.
#
# Keeping distinct paths costs nothing, and `distinct` is nowhere shown to be worse.
# That is a reason for the rule, and no evidence for the claim.

# %% [markdown] tags=["slide"]
# ## One good reply, or many?
#
# Verified training raised pass@1; what of pass@k, the policy's **breadth**?
# A smaller stored run, 384 problems and three seeds, draws 32 samples at temperature 1 and at 0.2.
# For one reply of either policy 0.2 is best.
# At temperature 1, 32 samples of the start solve 80 problems of 100.
#
# **Your prediction.**

# %% tags=["hide"]
# a question for your guess
quiz.predict("06-breadth",
    "How many of 100 problems do 32 samples after RFT solve, at T = 0.2?",
    low=0, high=100, step=1, unit="problems")

# %% tags=["hide"]
# the stored run of 32 samples
trials = results.load("passk")

def curve(levels, which):
    """One stored interval for each k."""
    return [trials[levels][which][f"pass@{k}"] for k in trials["ks"]]

warm_of, cold_of = ({"start": curve(levels, "start"), "after RFT": curve(levels, "RFT")}
    for levels in ("levels", "levels_at_best"))

# %% tags=["slide", "answer"]
plots.breadth(trials["ks"], warm_of, cold_of, names=("T = 1", "T = 0.2")).guessed(
    "06-breadth", x=32)

# %% tags=["hide", "remove-input"]
assert trials["temperatures"]["start"] == [0.2] == trials["temperatures"]["RFT"][:1]
assert set(trials["temperatures"]["RFT"]) == {0.2} and trials["ks"][-1] == 32
assert round(100 * warm_of["start"][-1]["mean"]) == 80
size, wide = trials["size"], trials["minus_start"]["RFT"]["pass@32"]
assert size["steps"] * size["prompts"] * size["group"] // size["rft_n"] == 384
assert [round(100 * wide[key]) for key in ("mean", "low", "high")] == [8, 1, 14]
assert all(trials["minus_start"]["RFT"][f"pass@{k}"]["low"] > 0 for k in trials["ks"])
dialled = trials["cold_start_minus_start"]["0.2"]
assert dialled["pass@32"]["high"] < -0.2 and dialled["pass@1"]["low"] < 0
assert trials["minus_start_at_best"]["RFT"]["pass@1"]["low"] > 0.05
first, last = (np.array([[of[who][at]["mean"] for of in (warm_of, cold_of)]
    for who in ("start", "after RFT")]) for at in (0, -1))  # (policy, warm or cold)
assert first[1, 1] > first[1, 0] + 0.08 and first[1, 1] > 1.9 * first[0].max()
assert (last[:, 1] < last[:, 0] - 0.2).all() and last[1, 1] < last[0, 0] - 0.1
served = trials["minus_start_at_best"]["RFT"]
assert all(served[f"pass@{k}"]["low"] > 0 for k in trials["ks"])

# %% [markdown] tags=["slide"]
# Compare colours first: at either temperature the trained policy is above the start.
# At T = 1 training has cost no breadth: 8 points more at 32 samples [1, 14].
#
# Now compare dashes.
# The cold dial **sharpens**: it makes the likely likelier.
# That costs much with many replies.
# Trained *and* cold, the policy is twice as good as the start with one reply.
# With 32 it solves fewer problems than the untrained start at temperature 1.
#
# **Finding 6.5: a colder start sharpens and loses breadth; training on verdicts learns and keeps
# it.**
# So choose the temperature for what you serve.
# And never show pass@k before and after training without the dial beside it.

# %% [markdown]
# ## Deeper: Sharpening or learning?

# %% [markdown]
# Yue et al. (arXiv 2504.13837) compare models before and after training on verdicts.
# At small $k$ the trained ones have the higher pass@k, at large $k$ the untrained ones catch up or
# lead: the curves cross.
# They conclude that training makes paths likelier that the base model already had.
# That is called **sharpening**.
#
# But a lower temperature sharpens too, without training and without a verdict.
# So the dial is the control: the cold start and RFT, each minus the start at temperature 1.

# %%
cold_start = trials["cold_start_minus_start"]["0.2"]
plots.pass_gain(trials["ks"], {
    "start at T = 0.2": [cold_start[f"pass@{k}"] for k in trials["ks"]],
    "RFT at T = 1": [trials["minus_start"]["RFT"][f"pass@{k}"] for k in trials["ks"]]},
    start="the start at T = 1")

# %%
show.facts(
    {
        "pass@1, RFT minus the start, each at T = 0.2": points(
            trials["minus_start_at_best"]["RFT"]["pass@1"]
        ),
        "pass@1, RFT at T = 1 minus the start": points(
            trials["minus_start"]["RFT"]["pass@1"]
        ),
        "pass@1, cold start minus the start": points(cold_start["pass@1"]),
        "pass@32, cold start minus the start": points(cold_start["pass@32"]),
    }
)

# %% tags=["hide", "remove-input"]
assert 0 < trials["minus_start"]["RFT"]["pass@1"]["low"] < cold_start["pass@1"]["high"]

# %% [markdown]
# The cold start is what sharpening looks like.
# RFT does something else: its gain is above zero at every $k$.
#
# How was this judged?
# Our first rule asked that at $k = 1$ the trained policy at $T = 1$ gain more than the cold start,
# with intervals that do not overlap.
# They do overlap, and only then did we take the comparison at best temperatures as the rule.
# It is fairer, and a rule chosen after the results is weaker evidence.
#
# None of this refutes the paper: our start's usual answer is wrong, our training is short, and we
# looked no further than $k = 32$.

# %% [markdown]
# ## Deeper: Real answers, counted

# %% [markdown]
# With GSM8K, a set of school problems, OpenAI released answers of four systems: a model of 6
# billion parameters and one of 175 billion, each giving one answer, and each with 100 samples a
# problem from which a **trained verifier** picks one (Cobbe et al., arXiv 2110.14168).
# That is a reward model that learned from right and wrong solutions; it does not know the answer at
# test time.
#
# **Guess first:** which is ahead, one answer of the large model or the best of 100 of the small
# one?
#
# Our verifier judged the first 660 of the 1,319 problems, in a lenient mode that takes the last
# number where there is no mark.

# %%
gsm8k = results.load("gsm8k_solutions")
systems = {
    "6b_finetuning": "small, one answer",
    "6b_verification": "small, best of 100",
    "175b_finetuning": "large, one answer",
    "175b_verification": "large, best of 100",
}
counted_rows = [gsm8k["systems"][key] for key in systems]
show.table(
    ["system", "right", "wrong", "unreadable", "accuracy"],
    [
        (name, *(row[v] for v in NAMES), percent(row["accuracy"]))
        for name, row in zip(systems.values(), counted_rows, strict=True)
    ],
)

# %%
apart = gsm8k["differences"]
show.facts({
    "small: best of 100 minus one": points(apart["6b_verification - 6b_finetuning"]),
    "best of 100 of the small minus one of the large":
        points(apart["6b_verification - 175b_finetuning"]),
    "labels that agree": f"{gsm8k['labels_agree']:,} of {gsm8k['labels']:,}"})

# %% tags=["hide", "remove-input"]
steps = gsm8k["false_steps"]
assert (gsm8k["problems"], gsm8k["of"]) == (660, 1319)
assert all(gain["low"] > 0 for gain in gsm8k["differences"].values())
assert gsm8k["labels_agree"] == gsm8k["labels"]
assert (steps["right_with_a_false_equation"], steps["right_with_equations"]) == (
    1,
    1007,
)

# %% [markdown]
# The small model with best-of-100 is ahead of the large one without.
# Our verdict agrees with every label of the released file: one verifier checked against another.
# Of 1,007 right answers with written steps, one has a false equation.
# It does not follow that the others are right for a good reason.

# %% [markdown]
# ## Deeper: After lesson 07

# %% [markdown]
# **Read this after lesson 07.**
# It uses that lesson's words: GRPO, RAFT, REINFORCE, and the weight that each gives to a reply.
#
# ### Breadth after online training
#
# RFT samples once.
# Here online methods draw groups of eight fresh replies at every step, as many in all as RFT, three
# seeds each.
# RAFT imitates every right reply of a group.

# %%
plots.pass_gain(trials["ks"], {
    f"{name} at T = 1": [trials["minus_start"][name][f"pass@{k}"] for k in trials["ks"]]
    for name in ("RFT", "GRPO", "RAFT")}, start="the start at T = 1")

# %%
show.table(
    ["minus the start", "pass@1, each at its best T", "pass@32, both at T = 1"],
    [
        (
            name,
            points(trials["minus_start_at_best"][name]["pass@1"]),
            points(trials["minus_start"][name]["pass@32"]),
        )
        for name in ("RFT", "GRPO", "RAFT")
    ],
)

# %% tags=["hide", "remove-input"]
assert trials["minus_start_at_best"]["GRPO"]["pass@1"]["low"] > 0.03
assert trials["minus_start"]["GRPO"]["pass@32"]["low"] > -0.05
ranked = sorted(trials["minus_start"]["RAFT"]["pass@1"]["by_seed"])
assert ranked[2] > 0.09 > 0.03 > ranked[1]
assert trials["differences"]["GRPO - RFT"]["pass@1"]["low"] < 0

# %% [markdown]
# GRPO keeps breadth as RFT does, and is ahead of the start where each has its best temperature.
# RAFT's interval is wide: of its three runs one gained ten points and two next to nothing.
# This is no contest of methods: RFT has a higher learning rate and three passes.
#
# ### Groups that are all wrong
#
# *A minimalist approach to LLM reasoning* (arXiv 2504.11343) says that GRPO's main advantage comes
# from discarding prompts whose samples are all wrong, and not from normalising rewards.

# **Work it out:** eight samples, all wrong, reward −1 for wrong and +1 for right.
# What weight has each in RAFT, GRPO and REINFORCE?

# %% tags=["nbval-check-output"]
from course_lib.methods import advantages

all_wrong = torch.full((1, 8), -1.0)
kinds = {"RAFT": "positive", "GRPO": "group_std", "REINFORCE": "reward"}
show.table(["method", "weight of each of the eight"], [(name,
    f"{advantages(all_wrong, kind)[0, 0].item():g}") for name, kind in kinds.items()])

# %% [markdown]
# RAFT and GRPO make nothing of such a group; REINFORCE pushes all eight down and nothing up.
# So the claim can be tested: leave these groups out of REINFORCE.
# **Reinforce-Rej** leaves out those that are all right as well.

# %%
four = ("REINFORCE without all-wrong groups - REINFORCE",
    "GRPO - REINFORCE without all-wrong groups",
    "Reinforce-Rej - REINFORCE without all-wrong groups", "GRPO - RAFT")
dropped = trials["differences"][four[0]]["pass@1"]
show.table(["difference at T = 1", "pass@1"], [(name.replace(" - ", " minus "),
    points(trials["differences"][name]["pass@1"])) for name in four],
    "The first by seed, in points: "
    + ", ".join(f"{100 * gap:+.0f}" for gap in dropped["by_seed"]))

# %% tags=["hide", "remove-input"]
edges = {name: row["pass@1"] for name, row in trials["differences"].items()}
assert all(edges[name]["low"] < 0 < edges[name]["high"] for name in four)
assert dropped["by_seed"][0] > 0.03 and dropped["by_seed"][1] < -0.03

# %% [markdown]
# With the first run alone we would have confirmed the paper, and with the second contradicted it.
# **Finding 6.6, that much of GRPO's advantage is leaving out prompts whose samples are all wrong,
# does not hold here**, and three such runs do not refute it either.
#
# ### Difficulty filtering
#
# Why not leave such problems out *before* the training?
# DAPO (arXiv 2503.14476) samples more and filters until its batch has only groups that are neither
# all wrong nor all right.
# Our arm filters once: four samples of the start for each problem, and GRPO trains on the decidable
# ones.
# It pays for the four samples, so it makes half as many steps.
# A last arm leaves out GRPO's division by the group's standard deviation, which gives very easy and
# very hard problems more weight (*Dr. GRPO*, arXiv 2503.20783).

# %%
show.table(["difference at T = 1", "pass@1"], [(name.replace(" - ", " minus "),
    points(edges[name]))
    for name in ("GRPO on decidable problems - GRPO", "GRPO without std - GRPO")])

# %% tags=["hide", "remove-input"]
assert edges["GRPO on decidable problems - GRPO"]["low"] < 0
assert edges["GRPO on decidable problems - GRPO"]["high"] > 0
assert (
    edges["GRPO without std - GRPO"]["low"]
    < 0
    < edges["GRPO without std - GRPO"]["high"]
)
runs = trials["training"]
assert 2 * len(runs["GRPO on decidable problems"]["reward"]) == len(
    runs["GRPO"]["reward"]
)

# %% [markdown]
# **Finding 6.7, that training on problems that are sometimes solved is worth its filter, does not
# hold here.**
# The two are about level, with a narrow interval.
# Half as many steps ended where all of them did, so a step on decidable problems was worth more,
# and the filter cost what was gained.
# For the division by the standard deviation there is no difference we can detect.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - **Finding 6.1.**
#   A vote and a cold reply return the usual mistake.
#   With 16 samples a verifier reaches three problems in four, the vote one in five.
# - **Finding 6.3.**
#   RFT on verified replies raised the share right by 28 points on known wordings, each policy at
#   its best temperature.
# - **Finding 6.5.**
#   The cold dial costs the start 34 points of pass@32; training costs none.
# - With 8 samples, 56 % of the problems are decidable; only there does a verifier choose.
# - Keep three outcomes apart: a change of format took the accuracy from 16 % to 0.

# %% tags=["hide", "remove-input"]
assert round(100 * gaps[f"{what}: distinct - start"]["mean"]) == 28
assert f"{100 * split['8 samples'][0]:.0f}" == "56" and round(100 * ours[0]) == 16
assert round(100 * dialled["pass@32"]["mean"]) == -34

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% tags=["hide"]
# the findings of this lesson, measured now
from course_lib.experiments import findings

findings.show("06")

# %% [markdown]
# ### What this leaves out
#
# Problems whose answer is not a number; verifiers that run code, which needs a sandbox; training a
# reward model of steps.
# The paper's RFT trains the *pretrained* model anew; ours goes on from the fine-tuned policy.
# Learning rates were not tuned for each method.
# In the stored runs the verifier both selects and judges, though on other problems; only the live
# run has a stricter judge.
#
# ### In real systems
#
# - ReST-EM: 32 or 64 samples a problem, at most 10 right ones kept of each, and every round trains
#   the *base* model again (arXiv 2312.06585).
# - DeepSeek-R1: several responses to each prompt, only right ones kept, about 600,000 reasoning
#   samples with 200,000 others (arXiv 2501.12948).
# - OpenR1-Math-220k: two answers by DeepSeek-R1 for each of 400,000 problems, checked by a program,
#   and by a language model where it could not read the answer (Hugging Face, *Open R1: update 2*).
# - SWE-bench Lite: 16 % of the problems are solved with one sample, 56 % with 250 (arXiv
#   2407.21787).
#
# ### Further reading
#
# Cobbe et al., *Training verifiers to solve math word problems*, arXiv 2110.14168.
# Yuan et al., *Scaling relationship on learning mathematical reasoning with large language models*,
# arXiv 2308.01825.
# Wang et al., *Self-consistency improves chain of thought reasoning*, arXiv 2203.11171.

# Yue et al., *Does reinforcement learning really incentivize reasoning capacity in LLMs beyond the
# base model?*, arXiv 2504.13837.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex06`: a verifier that survives a list of bad strings, pass@k, and
# distinct paths.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("06")
