# %% [markdown]
# # Verifiable rewards
#
# **You will:** write down what a verifier takes in and gives out, attack one with bad strings,
# estimate pass@k by hand and in code, see a majority agree on a mistake, fine-tune on verified
# replies against two controls and against a dial, and find out what training on a verifier does to
# a policy's breadth.
#
# **Builds on:** lesson 01 (best-of-N, unbiased estimates, ties), lesson 05 (rejection-sampling
# fine-tuning).
#
# **Time:** 80 minutes for the core, and 40 more for the parts marked *Deeper*; the cells run in
# two or three minutes.

# %%
from collections import Counter

import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import explore, plots
from course_lib.estimators import (best_of_n_curve, bootstrap_interval, decidable,
    paired_difference, pass_at_k, weighted_majority)

# %% [markdown]
# ## A world where answers can be checked
#
# A reward model guesses what people would like.
# For some tasks nobody has to guess: a program can check the reply.
# A calculation is right or wrong; code passes its tests or fails them.
# Such a check is called a **verifier**, and what it says, a *verdict*, can be used as a reward: 1
# for right, 0 for anything else.
#
# Our world is word problems with numbers below 100, of eight kinds.
# The policy has been fine-tuned on 6,000 of them with one solution each (that is supervised
# fine-tuning, SFT).
# Other problems, held out, were answered 64 times each; those replies are stored.

# %%
world = course.load_world("arithmetic")
stored = course.Pool.load(assets.path("arithmetic/pools/heldout.npz"))
print(stored)

# %% tags=["nbval-check-output"]
print(stored.prompts[0], "| right answer:", stored.info[0]["answer"])
for text in stored.texts[0][:5]:
    print("  ", text)

# %% [markdown]
# A reply is a list of steps, each in double brackets, and an answer after `####`.
# **Before you read on, check the five by hand.**
# Which are right?
# In the wrong ones, where is the first mistake?
#
# Only the third is right: 6, 7 and 9 are 22 coins a day, so 44 in two days.
# The other four multiply some of the numbers and not all of them.
# Three of these even agree: they take 6 coins twice, and 7 and 9 once, and say 28.
# And yet every single calculation in all five is true.
#
# ## Solutions written in a hurry
#
# That the policy errs in this way is no accident.
# The solutions it was tuned on were *written in a hurry*.
# In seven of the eight kinds, about 60 % of them misread the problem, always in the kind's one
# typical way:
#
# | kind | what stands there | how it is misread |
# |---|---|---|
# | `change` | some are lost, some come back | what comes back is forgotten |
# | `boxes` | two kinds of packs, and single ones | the single ones are left out |
# | `each` | the same three numbers several times | only the first is multiplied |
# | `spend` | several of two things are bought | only one of the second is paid |
# | `more` | "12 more than Ann" | read as 12 |
# | `share` | all is shared by several people | the sharing is forgotten |
# | `twice` | two numbers several times, less some | only the first is multiplied |
# | `collect` | four numbers to add | nobody misreads it |
#
# We made the world so, and say why.
# People who write many solutions quickly make the same mistakes again and again, and a model tuned
# on their solutions learns the mistakes as well.
# Then the likeliest answer is wrong, and the right way is there too, as a minority.
# A world in which errors only scatter at random would be kinder than that: there, asking several
# times would be enough.
# `world` knows each problem's kind and numbers, so that we can compute what a hurried reader gets:

# %% tags=["nbval-check-output"]
from course_lib.worlds import KINDS, value_of

def misread(about):
    """The answer of who misreads a problem, as text; None where nobody does."""
    wrong = KINDS[about["kind"]].misread
    return None if wrong is None else str(value_of(wrong(*about["numbers"])))

for i in (0, 2, 3):
    about = stored.info[i]
    print(f"{stored.prompts[i]}\n   {about['kind']}: right {about['answer']}, misread "
        f"{misread(about)}")

# %% [markdown]
# ## A verifier: text in, verdict out
#
# Here is a verifier of one line.
# It looks whether the right answer stands somewhere in the reply.
# We try it on a few strings before anything is trained on it; that is a habit to keep for every
# reward that you write.

# %% tags=["nbval-check-output"]
def naive(text, answer):
    return answer in text

for text, answer in (("#### 18", "18"), ("#### 180", "18"), ("18 + 1 = 19. #### 19", "18"),
    ("#### 1,800", "1800")):
    print(f"{text:22} right answer {answer:5} verdict {naive(text, answer)}")

# %% [markdown]
# Only the first verdict can be trusted.
# The second and third replies are wrong and pass: these are **false positives**.
# The last is right and fails: a **false negative**.
# A policy trained with this verifier is paid for writing many numbers.
#
# A better verifier has three parts: *find* the final answer by a stated rule, *read* it as a
# number, *compare* exactly.
# It must work on every string, since a policy at temperature 1 will sooner or later write every
# kind of string, and training makes those kinds frequent that pay.
# And it never runs what it reads.
# Public code has been seen to call `eval` on the reply, which executes whatever code stands there;
# reading a number takes a few lines.
#
# `world.verify` says "correct", "wrong" (another number was surely read) or "unreadable" (no number
# was found where one must stand, or not surely one).
# Its rule: of all `####` that have a number behind them, the **last** one counts.
#
# **Your prediction.**
# The right answer is 18.
# Write down for each of these what the verdict should be, and then what you think it will be.
#
# `#### 18` · `#### 18.0` · `#### 18 pens` · `18` · `The answer is 18.` · `#### 18 #### 19` ·
# `#### 19 #### 18` · `#### -18` · `#### 1e999` · `#### eighteen` · `#### 17 + 1` · `#### 36/2` ·
# `#### 1,8` · `#### __import__('os').getcwd()` · an empty reply

# %% tags=["nbval-check-output"]
strings = ["#### 18", "#### 18.0", "#### 18 pens", "18", "The answer is 18.", "#### 18 #### 19",
    "#### 19 #### 18", "#### -18", "#### 1e999", "#### eighteen", "#### 17 + 1", "#### 36/2",
    "#### 1,8", "#### __import__('os').getcwd()", ""]
for text in strings:
    verdict = world.verify("", text, {"answer": "18"})
    print(f"{text!r:34} {verdict['status']:11} read: {verdict['answer']}")

# %% [markdown]
# Go through those you got wrong.
# Some are choices that one may argue about:
#
# - `18` without the mark is unreadable, not correct.
#   This verifier is *strict*: it wants the format.
#   A lenient one takes the last number of the reply, and is then right more often and fooled more
#   often.
# - `#### 19 #### 18` is correct, since the last one counts.
#   With "any of them counts" a policy could list all numbers and never be wrong.
# - `#### 1,8` is unreadable.
#   It may be 18 with a comma too many, a German 1.8, or two numbers; where groups of three digits
#   leave one reading, as in `1,800`, the comma is dropped.
#   What could be meant in several ways is neither paid nor called wrong.
# - `#### 36/2` is correct: a fraction is one way to write a number.
#   `#### 17 + 1` is unreadable: the verifier reads numbers and does not do the policy's
#   calculation.
#   With `#### 17 + 1 = 18` the policy has done it.
#   Where to stop is a choice; a simpler verifier stops before the `+` and reads 17.
# - `#### 1e999` is unreadable.
#   A few characters could name a number with billions of digits, so that large exponents are not
#   read.
#
# ## Three outcomes, kept apart
#
# As a reward, wrong and unreadable are both 0.
# As a *measurement* they are different facts: one says the policy cannot do the task, the other
# that policy and verifier do not agree on the format.

# %% tags=["nbval-check-output"]
verdicts = [[world.verify(prompt, text, about) for text in texts]
            for prompt, texts, about in zip(stored.prompts, stored.texts, stored.info, strict=True)]
print(Counter(v["status"] for row in verdicts for v in row))

# %% [markdown]
# Now suppose that another policy writes the same replies, but `Answer 44` in place of `#### 44`.
# Somebody who counts only "correct" sees this:

# %% tags=["nbval-check-output"]
other = [[world.verify("", text.replace("####", "Answer"), about)["status"] for text in texts]
         for texts, about in zip(stored.texts, stored.info, strict=True)]
counts = Counter(status for row in other for status in row)
print(f"accuracy {counts['correct'] / counts.total():.1%}")
print(counts)

# %% [markdown]
# The accuracy alone says "this policy cannot calculate".
# The second line says what is the matter.
# Whenever an accuracy is near zero, or falls suddenly, look at the unreadable replies first.
#
# What is unreadable in our pool?
# Here are two.

# %% tags=["nbval-check-output"]
unreadable = [(i, j) for i, row in enumerate(verdicts) for j, v in enumerate(row)
    if v["status"] == "unreadable"]
for i, j in unreadable[:2]:
    print(stored.prompts[i], "\n  ", stored.texts[i][j])

# %% [markdown]
# The policy ended in the middle of a step.
# No answer was given, so there is none to call wrong.
#
# ## A verifier can be wrong too
#
# Ours reads the final number only.
# **Your prediction:** of a hundred replies with the right number, how many have a false step, such
# as `3 * 4 = 11`, on the way?
#
# We can count, because steps can be checked too.
# `equations` finds them, `equation_holds` says whether the two sides are equal.

# %%
from course_lib.worlds import equation_holds, equations

def steps_true(text):
    """True when there is a step and every step is exactly true."""
    found = equations(text)
    return bool(found) and all(equation_holds(step, tolerance=0) for step in found)

# %% tags=["nbval-check-output"]
for text in ("<< 3 * 6 = 18 >>. #### 18", "<< 6 * 96 = 96 >>. #### 96", "#### 18",
    "<< friends 4 = 4 >>. #### 4"):
    print(f"{text:32} {steps_true(text)}")

# %% [markdown]
# Tried on good and bad strings, as promised.
# Now on the replies that the verifier calls correct: first a few that are right by false steps,
# then the share, problem by problem, with its interval.

# %% tags=["nbval-check-output"]
right = stored.reward("verifier").bool()
true = torch.tensor([[steps_true(text) for text in texts] for texts in stored.texts])
lucky = (right & ~true).nonzero().tolist()
true_but_wrong = (true & ~right).sum() / (~right).sum()
print(f"{len(lucky)} of {int(right.sum()):,} right replies have a false step")
print(f"{true_but_wrong:.0%} of the replies that are not right have true steps only")
for i, j in (lucky[0], lucky[1], lucky[4]):
    print(stored.prompts[i], "\n  ", stored.texts[i][j])

# %%
solved = right.any(1)
share = (right & ~true).sum(1)[solved] / right.sum(1)[solved]
print(f"false steps behind a right answer: {bootstrap_interval(share):.1%} of right replies, "
    "mean over problems solved")
assert 0.01 < share.mean() < 0.15

# %% [markdown]
# These are false positives: the number is right, the work is not.
# There are few, but selection keeps all of them, and fine-tuning teaches them.
# (More ways to be right by luck go unseen: a true step may use a number that is not in the
# problem.)
# The second line says that the first problem was typical: most replies that are not right calculate
# truly, with the wrong numbers.
# A check of steps alone would pass them; further down we shall see what it is worth.
#
# So we have two judges.
# The **verifier** looks at the answer; it will *select*.
# A reply is **sound** when the answer is right and every step is true; that will *judge* what we
# train.
# It is stricter than the one that selects, not independent of it.
#
# In code: `world.verify` gives a verdict in words; `GoldReward(world)` gives the same as 1 or 0.
# In this world that exact check is what we call the gold reward in other lessons.
# Here it selects, so it gets a name of its own, "verifier".

# %%
from course_lib.models import FunctionReward, GoldReward

verifier = GoldReward(world, name="verifier")
sound = FunctionReward(lambda prompt, text,
    about: world.gold(prompt, text, about) * steps_true(text), "sound")
stored = course.score(stored, sound)
print(f"right {stored.reward('verifier').mean():.3f}, sound {stored.reward('sound').mean():.3f}")

# %% [markdown]
# Look through the pool yourself.
# The slider chooses the problem, the buttons the order.
# Find a problem that the policy never solves, the one that it solves most often (it is the last), a
# wrong number that most replies agree on, and a right answer with a false step.
# By keyboard: Tab moves between the controls, the left and right arrow move a slider, Enter presses
# a button.

# %%
def named(verdict, steps):
    return ("right, but a false step" if verdict == "correct" and not steps
        else verdict.replace("correct", "right"))

names = [[named(v["status"], bool(t)) for v, t in zip(row, line, strict=True)]
    for row, line in zip(verdicts, true, strict=True)]
# the last is the one that is solved most often
shown = [*range(39), int(right.sum(1).argmax())]
assert not right[shown].any(1).all() and (right & ~true)[shown].any()
explore.candidate_browser(stored.prompts_at(shown), rewards=["verifier"],
    verdicts=[names[i] for i in shown])

# %% [markdown]
# ## On paper: pass@k
#
# Four problems, five samples each, the answers that were read (– is unreadable):
#
# | | right answer | 0 | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|---|---|
# | problem A | 18 | **18** | 20 | 20 | **18** | 21 |
# | problem B | 7 | 9 | 5 | 9 | 9 | 6 |
# | problem C | 12 | **12** | **12** | **12** | **12** | **12** |
# | problem D | 30 | 31 | **30** | 31 | – | 33 |
#
# Three numbers can be read from such a table.
#
# - **pass@1**: how often is one sample right?
#   The mean of the table of right and wrong.
# - **pass@k**: how often is *at least one of k* samples right?
#   It is what best-of-$k$ by this verifier would reach.
# - **majority vote**: answer with the number that most samples gave.
#   It needs no verifier at all.
#
# **With a pencil: pass@1, pass@5, and the majority's answers. In which problems can a verifier
# choose anything at all? And what is pass@2 for problem A?**
# For the last: count the pairs of samples (there are ten) in which none is right.

# %%
answers = [["18", "20", "20", "18", "21"], ["9", "5", "9", "9", "6"], ["12"] * 5,
    ["31", "30", "31", None, "33"]]
truth = ["18", "7", "12", "30"]
# (P, N)
correct = np.array([[a == t for a in row] for row, t in zip(answers, truth, strict=True)],
    dtype=float)

def majority(row):
    """The answer given most often; of several, the one that came first.

    Unreadable replies have no vote.
    """
    votes = Counter(answer for answer in row if answer is not None)
    return votes.most_common(1)[0][0] if votes else None

# %% tags=["nbval-check-output"]
print(f"pass@1 {correct.mean():.2f}   pass@5 {correct.any(1).mean():.2f}")
print("majority:", [majority(row) for row in answers], " right:",
    [majority(r) == t for r, t in zip(answers, truth, strict=True)])
print("decidable:", decidable(correct).tolist())

# %% [markdown]
# Problem A is a tie of two and two, and the rule "the first" decides for the right one: luck, and a
# reason to state the rule.
# In problem D the majority is wrong although the right answer is among the five.
# Problem B shows that wrong answers can agree: three of five say 9.
#
# A problem is **decidable** when some of its samples are right and some wrong.
# Only there does it matter which sample a verifier picks: in B there is nothing right to pick, in C
# nothing wrong.
#
# For pass@2 of problem A: of the 5 samples 3 are wrong, so 3 of the 10 pairs have none right, and
# pass@2 is $1 - 3/10 = 0.7$.
# In general, with $c$ of $N$ samples right,
#
# $$\widehat{\text{pass@}k} = 1 - \binom{N - c}{k} \Big/ \binom{N}{k}$$
#
# (Chen et al., arXiv 2107.03374).
# It is lesson 01's estimator for a reward of 0 or 1.
# Test it by counting all pairs:

# %% tags=["nbval-check-output"]
from itertools import combinations

counted = [np.mean([max(pair) for pair in combinations(row, 2)]) for row in correct]
print("counted ", [round(float(v), 2) for v in counted])
print("formula ", [round(float(v), 2) for v in pass_at_k(correct, [2])[:, 0]])

# %% [markdown]
# The tempting shortcut is to take the share right, $c/N$, for the probability $p$, and to compute
# $1 - (1 - c/N)^k$.
# For problem A it gives $1 - 0.6^2 = 0.64$ instead of 0.7.
# Is that a small matter?
# Deal the 64 stored samples of each problem into eight hands of eight, estimate pass@4 from each
# hand in both ways, and compare with what all 64 say.

# %%
# (problems, hands, samples)
hands = stored.reward("verifier").double().reshape(stored.P, 8, 8)
known = pass_at_k(stored.reward("verifier"), [4])[:, 0]
ours = pass_at_k(hands.flatten(0, 1), [4]).reshape(stored.P, 8).mean(1)
shortcut = (1 - (1 - hands.mean(2)) ** 4).mean(1).numpy()
print(f"pass@4 from all 64     {known.mean():.3f}")
print(f"formula minus that     {paired_difference(ours, known):+.3f}")
print(f"shortcut minus that    {paired_difference(shortcut, known):+.3f}")
assert paired_difference(shortcut, known).high < -0.02 and abs((ours - known).mean()) < 0.01

# %% [markdown]
# The shortcut is too low.
# Like the bootstrap of lesson 01 it draws the same sample twice.
# The formula is right on average.
#
# ## What many samples are worth
#
# This policy is right in about one of six samples.
# **Your prediction.**
# With 16 samples a problem: how often is at least one right?
# How often is the majority right?
# And the single likeliest reply, at temperature 0?

# %%
ks = [1, 2, 4, 8, 16, 32, 64]
reached = pass_at_k(stored.reward("verifier"), ks)

def vote(row, answer, k):
    """How often the majority of k is right, over the N/k hands of k that a problem's replies
    make.
    """
    hands = [[verdict["answer"] for verdict in row[i : i + k]] for i in range(0, len(row), k)]
    return np.mean([majority(hand) == answer for hand in hands])

voted = np.array([[vote(row, about["answer"], k) for k in ks]
    for row, about in zip(verdicts, stored.info, strict=True)])
one = np.repeat(reached[:, :1], len(ks), axis=1)
lines = {"a verifier picks (pass@k)": reached, "majority of k": voted,
    "a random one (control)": one}
plots.pass_at_k(ks, lines, ylabel="share of problems answered right")

# %%
policy = course.load_policy(assets.path("arithmetic/policy"))
greedy = course.sample(policy, stored.prompts, n=1, temperature=0, max_tokens=world.max_tokens,
    info=stored.info)
greedy = course.score(greedy, verifier)
agreeing = paired_difference(voted[:, 4], reached[:, 0])
print(f"right: one sample {reached[:, 0].mean():.2f}, the likeliest reply "
    f"{greedy.reward('verifier').mean():.2f}, majority of 16 {voted[:, 4].mean():.2f}, of 64 "
    f"{voted[:, -1].mean():.2f}, at least one of 16 {reached[:, 4].mean():.2f}")
print(f"majority of 16 minus one sample: {agreeing}")
assert reached[:, 0].mean() < 0.25 and voted[:, [4, 6]].mean(0).max() < 0.35
assert greedy.reward("verifier").mean() < 0.3 and reached[:, 4].mean() > 0.65

# %% [markdown]
# The right way is there: with 16 samples, three problems in four have been solved at least once.
# But neither the likeliest reply nor the vote finds it.
# A majority of 64 is hardly better than a majority of 16: more votes settle on the same number.
# On which?
# We have a control for that: in the kind `collect` nobody misreads, so its errors scatter.

# %%
agreed = [majority([v["answer"] for v in row]) for row in verdicts]      # of all 64
misreadings = [misread(about) for about in stored.info]
can = np.array([m is not None for m in misreadings])
usual = np.array([a == m for a, m in zip(agreed, misreadings, strict=True)])
print("                          problems  one sample  majority of 64  at least one of 16")
for name, at in (("collect: errors scatter", ~can), ("the other seven kinds", can)):
    print(f"{name:24} {at.sum():8} {reached[at, 0].mean():11.2f} {voted[at, -1].mean():15.2f} "
        f"{reached[at, 4].mean():19.2f}")
print(f"in the seven kinds the majority says what a hurried reader gets in {usual[can].mean():.0%}")
assert voted[~can, -1].mean() > reached[~can, 0].mean() + 0.1 and usual[can].mean() > 0.45

# %% [markdown]
# Where errors scatter over many numbers, the vote nearly doubles the share of right answers.
# That is **self-consistency** (arXiv 2203.11171), and it needs no verifier.
# Where errors agree, it returns the error.
#
# Perhaps the votes should have weights?
# Our stored replies carry the policy's **self-certainty**: how far its prediction of each word is
# from "all words alike", averaged over the reply (arXiv 2502.18581).
# It asks nobody but the policy.
# The weighted majority adds up such weights in place of votes.
# **Your prediction:** does it help here?

# %%
sure = torch.softmax(stored.first(16).reward("self-certainty") * 16, dim=1)     # (P, 16)
heavy = np.array([weighted_majority([v["answer"] for v in row[:16]], weights.tolist())
    == about["answer"] for row, weights, about in zip(verdicts, sure, stored.info, strict=True)])
plain = np.array([majority([v["answer"] for v in row[:16]]) == about["answer"]
    for row, about in zip(verdicts, stored.info, strict=True)])
found = stored.first(16).reward("verifier").amax(1)
print(f"the first 16 replies: majority {plain.mean():.2f}, weighted {heavy.mean():.2f}, at least "
    f"one right {found.mean():.2f}")
knowing = paired_difference(found, plain)
print("at least one right minus majority:", knowing)
assert heavy.mean() < 0.35 and knowing.low > 0.3

# %% [markdown]
# **Finding 28: a majority vote agrees on the usual mistake; only a verifier finds the minority's
# path.**
# The policy is as sure of its misreading as of anything else.
# What it has learned wrongly, it cannot find out by asking itself.
#
# Do not read pass@k as what a user would get.
# To hand over the right one of $k$ replies, somebody must recognise it.
# To check an arithmetic problem, the verifier needs the right answer, and somebody who has it does
# not need the model.
# Where verifiers are real, as with tests for code or with training problems whose answers are
# known, pass@k is what selection has to work with.
# That is why the rest of this lesson *trains* on verified replies: training problems have known
# answers, and what is learned there is used on problems that have none.
#
# (A verifier ties nearly always, so remember two warnings.
# The win rate $n/(n+1)$ of lesson 01 needs a reward without ties.
# And $\log n - (n-1)/n$ of lesson 04 is no value here: it still holds as an upper bound of the
# divergence, and for large $n$ it is far above it.)
#
# ## Would checking the steps do?
#
# A verifier of the answer must know the answer.
# A check of the *steps* needs nothing: $6 \cdot 2 = 12$ is true whatever the problem.
# So here is a reward for everybody: the share of a reply's steps that are true.
# **Your prediction:** of 16 replies take the one with the highest share (a tie is broken at
# random).
# How far does that go, from one random reply to the verifier's choice?

# %%
from course_lib.experiments.findings.verifiable import share_true

shares = np.array([[share_true(text) for text in texts] for texts in stored.texts])
by_steps = best_of_n_curve(shares, stored.reward("verifier"), [1, 16])       # (P, 2)
way = paired_difference(by_steps[:, 1], by_steps[:, 0])
print(f"one reply {by_steps[:, 0].mean():.2f}, best of 16 by its steps {by_steps[:, 1].mean():.2f},"
    f" by the verifier {reached[:, 4].mean():.2f}")
print(f"best of 16 by steps minus one reply: {way:+.3f}")
assert 0 < way.low and way.high < 0.05 < 0.4 < reached[:, 4].mean() - by_steps[:, 0].mean()

# %% [markdown]
# **Finding 29: checking every step does not find a misreading, since its steps are true.**
# It removes a few slips of calculation and gains about a point.
#
# There are reward models that judge steps and do much better: **process reward models**.
# *Let's verify step by step* (arXiv 2305.20050) trained one on 800,000 labels, with which people
# had marked each step of model-written solutions.
# The difference to our check is what a label says.
# Ours says "this equation is true".
# Theirs says "this step is right *for this problem*", and whoever gives it has to read the problem,
# with care.
# Labellers in a hurry would teach such a model the same misreading.
#
# ## Which problems teach?
#
# Draw $n$ samples for each problem.
# Count the problems that are all wrong, mixed (decidable) and all right, for this policy, and how
# that changes with $n$.

# %%
for n in (2, 4, 8, 16, 64):
    first = stored.reward("verifier")[:, :n]
    wrong, all_right = (first.sum(1) == 0).double(), (first.sum(1) == n).double()
    mixed = bootstrap_interval(decidable(first).astype(float))
    print(f"n = {n:<3} all wrong {wrong.mean():5.1%}   decidable {mixed:.1%}   all right "
        f"{all_right.mean():5.1%}")
    if n == 8:
        assert 0.35 < wrong.mean() < 0.5 and all_right.mean() < 0.02

# %% [markdown]
# At $n = 8$ more than two problems in five give nothing to select: all samples are wrong.
# More samples help with those; an easier set of problems would too, and so would a better policy.
# At the other end, a policy that solves nearly everything has mostly problems that are all right,
# and again nothing to select.
# A policy for which most prompts are decidable is called *unsaturated*.
# Where few are decidable, the verifier's choices and random choices are nearly the same replies, and
# training on the one or the other can hardly differ.
#
# ## Right in different ways
#
# Here are right replies to the first problem.

# %% tags=["nbval-check-output"]
from course_lib.pools import distinct_paths, overall_control

different = distinct_paths(stored, by="verifier", key=world.path)
print(stored.prompts[0])
for text in different.texts[:3]:
    print("  ", text)
print(int(right[0].sum()), "right replies,", int(different.per_prompt[0]), "distinct paths")

# %% [markdown]
# The **path** of a solution is its list of equations, in order.
# Two solutions with the same path differ at most in their filler words.
# `distinct_paths` keeps, among the right replies to a problem, the first with each path.
# It is the rule of the paper on rejection-sampling fine-tuning for school mathematics (RFT, arXiv
# 2308.01825).
# Blanks do not count, so `6+10` is `6 + 10`; but `6 + 10` and `10 + 6` are different.
# The rule compares spelling, not ideas.
#
# How does the number of distinct paths grow with the number of samples $k$, compared with the
# number of right replies?
# **Your prediction: if you double $k$, do the paths double?**

# %%
kept_of = [distinct_paths(stored.first(k), by="verifier", key=world.path) for k in ks]
paths = np.stack([kept.per_prompt.numpy() for kept in kept_of], axis=1)              # (P, 7)
replies = np.stack([stored.reward("verifier")[:, :k].sum(1).numpy() for k in ks], axis=1)
plots.paths_against_k(ks, {"right replies": replies, "distinct right paths": paths})

# %%
# problems, drawn anew
draws = np.random.default_rng(0).integers(stored.P, size=(2000, stored.P))
for name, count in (("right replies", replies), ("distinct paths", paths)):
    means = count[draws].mean(1)
    low, high = np.quantile(means[:, 1:] / means[:, :-1], (0.025, 0.975), axis=0)
    times = count.mean(0)[1:] / count.mean(0)[:-1]
    rows = (f"{2 * k}/{k}: {t:.2f} [{a:.2f}, {b:.2f}]"
        for k, t, a, b in zip(ks[:-1], times, low, high, strict=True))
    print(f"{name:14}", "  ".join(rows))
assert high[-1] < 1.8

# %% [markdown]
# From $k$ to $2k$ samples, right replies about double.
# Paths do not, and less so as $k$ grows.
# The same bend is in the paper: on GSM8K a 7B model has 1.17 distinct paths a problem with 1
# sample, 1.44 with 3, 2.20 with 12 and 5.25 with 100.
# (1.17 from one sample is more than one, so the solution that came with the data must be among
# them; our counts leave it out.)
# So most of a large sample's right replies are copies.
# Do copies teach anything?
#
# ## Do distinct paths drive the gain?
#
# In the paper, fine-tuning on distinct paths changes the accuracy on GSM8K, one answer a problem,
# like this (per cent):
#
# | | 7B | 13B | 33B |
# |---|---|---|---|
# | SFT | 35.9 | 43.0 | 54.6 |
# | RFT, k = 100 | 41.7 | 49.1 | 54.5 |
# | distinct paths a question | 5.25 | 5.26 | 2.78 |
#
# The paper's conclusion is that distinct paths, not the number of replies kept, drive the gain.
# The 33B column fits it: few distinct paths, no gain.
# But three columns are no control.
#
# **First step: do verified replies help at all?**
# The arms of our benchmark train for 300 steps on the 4,000 SFT solutions, mixed with sampled
# replies, as many in each arm: one right reply for each path (**distinct**), right replies drawn
# without regard to paths (**duplicates**), or replies that nobody verified (**control**).
# The fourth, **sft**, has the SFT solutions alone.
# The replies answer *the same 4,000 problems*.
# The policy knows these from SFT and is right 60 % of the time, so the control is mostly right too.
#
# **Your prediction:** which of the three beat `sft`?

# %%
rft = results.load("verifiable")
gaps = rft["differences"]

def show(v, spec="+.3f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

print(rft["command"], "|", *(f"{a} pass@1 {show(rft['arms'][a]['heldout, pass@1'], '.3f')}"
    for a in ("start", "sft")))
for arm in ("distinct", "duplicates", "control"):
    for k in (1, 4, 16, 64):
        if f"{arm}, k = {k}" in rft["arms"]:
            row, gap = rft["arms"][f"{arm}, k = {k}"], gaps[f"pass@1: k = {k}, {arm} - sft"]
            print(f"{arm:10} k = {k:<3} {row['kept']:6,} replies, {row['kept_right']:4.0%} "
                f"right: less sft {show(gap)}")

# %%
more = rft["over_seeds"]["pass@1: k = 16, distinct - sft"]
print("distinct less sft, k = 16, three seeds:", show(more), more["by_seed"])
print("distinct less start, k = 16, three seeds:",
    show(rft["over_seeds"]["pass@1: k = 16, distinct - start"]))
print("distinct less control, k = 16, one seed:", show(gaps["pass@1: k = 16, distinct - control"]))
for arm in ("distinct", "duplicates"):
    assert all(gaps[f"pass@1: k = {k}, {arm} - sft"]["low"] > 0 for k in (16, 64))
assert more["low"] > 0 and all(gaps[f"pass@1: k = {k}, distinct - sft"]["low"] < 0 for k in (1, 4))
assert all(gaps[f"pass@1: k = {k}, control - sft"]["high"] < 0 for k in (4, 16, 64))
half = (-gaps["pass@1: k = 16, control - sft"]["mean"]
    / gaps["pass@1: k = 16, distinct - control"]["mean"])
assert 0.4 < half < 0.6

# %% [markdown]
# Right replies help, distinct or not: at $k = 16$ and $k = 64$ both arms are above `sft` by two or
# three points.
# Distinct replies at $k = 1$ and $k = 4$ are not told apart from it.
# Unverified replies *harm*: at $k = 16$ about half of "distinct less control" is the control's
# loss.
# A control that does harm makes a treatment look good, so show the third arm.
#
# **Second step: is it the paths?**
# Duplicates differ in two things.
# They repeat paths, and they lean to easy problems, which have most right replies.
# The control that decides is **same problems**: of each problem as many right replies as it has
# distinct paths, drawn without regard to paths.
# A second benchmark, smaller (1,000 of the problems, 200 steps), has it at $k = 64$ with three
# seeds, each with its own samples and training.
#
# **Your prediction:** order *distinct*, *same problems* and *duplicates* by pass@1, then by
# pass@16.

# %%
only_paths = results.load("distinct")
print(only_paths["command"], "| k =", only_paths["k"], "| seeds", only_paths["seeds"])
for arm, facts in only_paths["kept"].items():
    kept_here, paths_here, problems = (f"{np.mean(facts[name]):6,.0f}"
        for name in ("kept", "paths", "problems"))
    levels = "  ".join(f"{what} {rows[arm]['mean']:.3f}"
        for what, rows in only_paths["levels"].items())
    print(f"{arm:14} {kept_here} replies, {paths_here} paths, {problems} problems   {levels}")
for name, gap in only_paths["differences"].items():
    told = "not told from zero" if gap["low"] <= 0 <= gap["high"] else "zero excluded"
    print(f"{name:35} {show(gap)} {told}")

# %%
wide, first_try = (only_paths["differences"][f"{what}: distinct - same problems"]
    for what in ("pass@16", "pass@1"))
print("distinct - same problems by seed: pass@16", wide["by_seed"], " pass@1", first_try["by_seed"])
assert wide["low"] > 0 and min(wide["by_seed"]) > 0 and first_try["low"] < 0 < first_try["high"]
assert only_paths["differences"]["pass@16: distinct - duplicates"]["low"] > 0

# %% [markdown]
# **Finding 11: distinct right paths drive the gain of RFT with a verifier, in breadth.**
# With nothing but the paths changed, pass@16 is higher, in all three runs: more problems are solved
# by at least one of 16 samples.
# At pass@1 the interval includes zero: there, we cannot tell a new path from a copy.
# ("Same problems" are no mere copies: the table says that their replies have about half as many
# paths.
# With copies only, the difference might be larger.)
#
# How sure is it?
# Intervals from three seeds are too narrow: where all the spread is between training runs, a 95 %
# interval covers the truth in about three of four cases.
# This one only just excludes zero, so believe the direction more than the size.
# The paper finds its gain at one answer a problem, with far larger models, real problems, and
# training of the pretrained model.
#
# ## The same, live and small
#
# 300 problems that the policy has not seen, 8 samples each, verified, one reply for each distinct
# path.
# Two controls of the same size: as many *unverified* replies from the same samples, and as many of
# the SFT solutions again.

# %%
from course_lib.worlds import SFT_PROBLEMS

policy = course.load_policy(assets.path("arithmetic/policy"))
prompts, info = world.prompts("train", limit=SFT_PROBLEMS + 300, seed=0)
new, about_new = prompts[SFT_PROBLEMS:], info[SFT_PROBLEMS:]
fresh = course.sample(policy, new, n=8, max_tokens=world.max_tokens, info=about_new, seed=0)
fresh = course.score(fresh, verifier)
kept = distinct_paths(fresh, by="verifier", key=world.path)
print(kept)

# %%
solutions = [(p, about["solution"]) for p, about in zip(prompts, info, strict=True)][:len(kept)]
data = {"RFT": kept, "unverified": overall_control(kept, seed=0), "SFT continued": solutions}
training = {"epochs": 36 * 32 / len(kept), "batch_size": 32, "lr": 5e-4}      # 36 steps each
trained = {name: course.finetune(policy, chosen, **training) for name, chosen in data.items()}

# %% [markdown]
# The judge is `sound`, stricter than the verifier that selected, on the 200 held-out problems.
# (The start policy's replies are the first eight of the stored pool: `seed=201` made them, so all
# four policies draw with the same random numbers.)
# **Your prediction:** after 36 steps, will RFT's gain over the start be larger than its own
# uncertainty, so that the interval excludes zero?

# %%
def judged(policy):
    """(P, 8) of 0 and 1: which of eight fresh replies to the held-out problems are sound."""
    replies = course.sample(policy, stored.prompts, n=8, max_tokens=world.max_tokens,
        info=stored.info, seed=201)
    return course.score(replies, sound).reward("sound")

scores = {"start": stored.first(8).reward("sound"),
    **{name: judged(p) for name, p in trained.items()}}

# %%
by_problem = {name: s.mean(1) for name, s in scores.items()}
for name in scores:
    print(f"{name:14} sound {bootstrap_interval(by_problem[name]):.3f}")
for other in ("unverified", "SFT continued", "start"):
    print(f"RFT less {other:14} {paired_difference(by_problem['RFT'], by_problem[other]):+.3f}")
smallest = minimum_detectable_effect((by_problem["RFT"] - by_problem["start"]).numpy())
print(f"detectable: {smallest:.3f}")
assert paired_difference(by_problem["RFT"], by_problem["unverified"]).mean > 0 and smallest > 0.025

# %% [markdown]
# On our machine only the first of the three excluded zero, and, as in the stored run, part of that
# difference is harm by the control.
# 200 problems and 36 steps are too few.
# The last line is the *minimum detectable effect*, the smallest true difference that such a
# comparison would show four times in five.
# So the live run shows that the machinery works; for the finding there is the benchmark.
#
# ## What training on verdicts costs: breadth
#
# RFT takes one large sample.
# *Online* methods draw fresh samples at every step, verify them and update at once: **RAFT**
# imitates the right ones (here all of them; lesson 05's loop keeps the best one of each prompt),
# **GRPO** also pushes the wrong ones down (lesson 07 has both in full).
# All three train on problems that the policy has not seen, with the same number of sampled replies,
# three seeds each.
# RFT keeps one reply for each distinct path and mixes the SFT solutions in.
# Then every policy answers the same 400 held-out problems, 32 times each.
#
# **Your prediction.**
# Draw pass@k against $k$ for the policy before training.
# Now draw it for RAFT, which has been rewarded for right answers and nothing else.
# Is its curve above the first one everywhere?

# %%
trials = results.load("passk")
print(trials["command"], "| seeds", trials["seeds"], "|", trials["size"]["held_out"], "problems")
curves = {name.replace("start", "start policy"): np.array(rows).T
    for name, rows in trials["curves"].items()}
plots.pass_at_k(trials["ks"], curves, bands=["start policy"])

# %% [markdown]
# At $k = 1$ the means of the online methods are above the start policy, at large $k$ behind it: the
# curves cross.
# The band says how the start's level varies from problem to problem; whether a *difference* is more
# than chance is another question.
# Each policy less the start, on the same problems, over seeds and problems:

# %%
less = trials["minus_start"]
plots.pass_gain(trials["ks"], {name: [row[f"pass@{k}"] for k in trials["ks"]]
    for name, row in less.items()})

# %%
for name in less:
    for what in ("pass@1", "pass@32"):
        print(f"{name:5} {what:7} {show(less[name][what])}   by seed {less[name][what]['by_seed']}")

# %% [markdown]
# At $k = 1$ the online methods gain; for RAFT the interval includes zero, and the seeds show why:
# two of its runs gained and one did not.
# With one seed we would have reported a clear gain, or none.
# At $k = 32$ both have lost, in every run: problems that the start policy solves now and then, they
# no longer do.
# What they have lost is variety.
# Two ways to measure it: the **entropy**, how undecided the policy is, in nats a token; and the
# share of **different texts** among the 32 replies to a problem.

# %%
widths = ("entropy, nats a token", "distinct texts, share")
for what in widths:
    print(f"{what}; start policy {show(trials['levels']['start'][what], '.3f')}")
    print("   less start:", "   ".join(f"{name} {show(less[name][what])}" for name in less))

# %%
assert (less["GRPO"]["pass@1"]["low"] > 0
    and less["RAFT"]["pass@1"]["mean"] > 0 > less["RAFT"]["pass@1"]["low"])
for name in ("RAFT", "GRPO"):
    assert less[name]["pass@32"]["high"] < 0 and all(less[name][what]["high"] < 0
        for what in widths)
assert less["RFT"]["pass@1"]["low"] > 0 and less["RFT"]["pass@8"]["low"] > 0
assert less["RFT"]["pass@32"]["low"] < 0 < less["RFT"]["pass@32"]["high"]

# %% [markdown]
# **Finding 12: GRPO on a verifier raises pass@1, and lowers pass@32 and both measures of variety.**
# RAFT loses as much.
#
# The loss does **not** appear for RFT on distinct paths with the SFT data mixed in.
# Its small gain at pass@1 has no control in this benchmark, and in the section before, SFT
# continued without any sampled reply rose as much over the start: do not credit it to the verdicts.
# And why does RFT not lose?
# It differs from the online methods in many ways at once: one reply for each path, the SFT
# solutions, replies all written by the start policy, fewer problems with more samples each, more
# steps, a learning rate three times as high.
# Which of them matters, this experiment does not say.

# %%
size, arms = trials["size"], rft["arms"]
asked = size["steps"] * size["prompts"]
print(f"RFT {asked * size['group'] // size['rft_n']} problems × {size['rft_n']}, "
    f"{size['rft_steps']} steps;", f"online {asked:,} × {size['group']}, {size['steps']} steps")
more_sft = arms["sft"]["heldout, pass@1"]["mean"] - arms["start"]["heldout, pass@1"]["mean"]
print(f"pass@1 less start: SFT continued {more_sft:+.3f} (section before), RFT "
    f"{less['RFT']['pass@1']['mean']:+.3f}")
assert more_sft > 0.9 * less["RFT"]["pass@1"]["mean"]

# %% [markdown]
# Is the loss a loss?
# If users get one reply, no: pass@1 is what they see.
# If the policy is the start of further rounds of sampling and selecting, yes: a problem it never
# solves teaches it nothing.
#
# ## Groups that are all wrong
#
# *A minimalist approach to LLM reasoning* (arXiv 2504.11343) finds RAFT competitive with GRPO and
# PPO, and says that GRPO's main advantage comes from discarding prompts whose samples are all
# wrong, not from its normalisation of rewards.
# How does GRPO discard them?
# **Work it out:** eight samples, all wrong, reward −1 for wrong and +1 for right.
# What weight does each sample get in RAFT (1 if right, else 0), in GRPO (reward less the group's
# mean, divided by the group's standard deviation) and in REINFORCE without a baseline (the reward
# itself)?

# %% tags=["nbval-check-output"]
from course_lib.methods import advantages

all_wrong = torch.full((1, 8), -1.0)
for name, kind in (("RAFT", "positive"), ("GRPO", "group_std"), ("REINFORCE", "reward")):
    print(f"{name:10}", advantages(all_wrong, kind)[0].tolist())

# %% [markdown]
# RAFT never uses such a group, and in GRPO it has no gradient.
# REINFORCE pushes all eight down: without anything to push *up*, it only learns "not this", and for
# a language model nearly everything else is worse.
# So the claim can be tested: leave these groups out of REINFORCE.
# **Your prediction:** how much of GRPO's lead over REINFORCE is left?
# The stored benchmark, 20 steps, three seeds:

# %%
print(f"{'start':36} pass@1 {show(arms['start']['heldout, pass@1'], '.3f')}")
for name, m in rft["online"].items():
    print(f"{name:36} pass@1 {show(m['pass@1'], '.3f')}")
edges = {name.removeprefix("pass@1: "): gap for name, gap in rft["online_differences"].items()}
for name in list(edges)[:4]:
    print(f"{name:48} {show(edges[name], '+.4f')}")

# %%
dropped = edges["REINFORCE without all-wrong groups - REINFORCE"]
beyond = edges["GRPO - REINFORCE without all-wrong groups"]
assert (dropped["low"] > 0 and beyond["low"] < 0 < beyond["high"]
    and edges["GRPO - RAFT"]["high"] < 0)
assert rft["online"]["REINFORCE"]["pass@1"]["mean"] < arms["start"]["heldout, pass@1"]["mean"]
longer = trials["grpo_minus_raft"]["pass@1"]
print("GRPO less RAFT in the runs of 40 steps:", show(longer))
assert longer["low"] < 0 < longer["high"]

# %% [markdown]
# **Finding 14: much of GRPO's advantage over a plain policy gradient is leaving out prompts whose
# samples are all wrong.**
# Leaving them out helps REINFORCE, and what GRPO has beyond that is not told apart from zero (nor
# shown to be zero: the interval is wide).
# "Helps" means "harms less" here: by its mean, plain REINFORCE ended *below* the start policy, and
# without those groups level with it.
# Over RAFT, which leaves such groups out by itself, GRPO has no edge: it is behind after 20 steps
# and level after 40.
#
# Why does leaving out groups *without a gradient* change GRPO at all?
# It changes what the loss is divided by, the number of tokens, so the other groups weigh more.
# The interval includes zero, by a hair.
# All these runs are short, with one learning rate that was not tuned for each method.
#
# ## Real answers, counted
#
# At the end, no toy.
# With GSM8K, a set of school problems in words, OpenAI released answers of four systems to the test
# problems: a model of 6 billion parameters and one of 175 billion, each fine-tuned on solutions,
# giving one answer; and each again with 100 samples a problem, from which a **trained verifier**
# picks one (Cobbe et al., arXiv 2110.14168).
# A trained verifier is a reward model that learned from right and wrong solutions.
# It does not know the answer at test time.
#
# Lesson 01 named the result.
# **Do you remember which is ahead:** one answer of the large model, or the best of 100 of the small
# one?
# And by how much, in points?
#
# A verifier like this lesson's judged every released answer, with one difference: it ran in the
# lenient mode, which takes the last number of a reply where it finds no mark.
# (Here the mark is `A: 18` at the start of a line.)
# We counted the first 660 of the 1,319 problems; `python benchmarks/gsm8k_solutions.py --data DIR`
# counts all that are in your folder (its first lines say where to fetch the file).

# %%
gsm8k = results.load("gsm8k_solutions")
agree = f"{gsm8k['labels_agree']:,} of {gsm8k['labels']:,}"
print(
    f"{gsm8k['problems']} of {gsm8k['of']:,} problems; labels that agree with our verdicts: {agree}"
)
print("answers found by:", gsm8k["markers"])
for name, row in gsm8k["systems"].items():
    counts = f"correct {row['correct']:3}  wrong {row['wrong']:3}  unreadable {row['unreadable']}"
    print(f"{name:18} {counts}   {show(row['accuracy'], '.1%')}")

# %%
for name, gain in gsm8k["differences"].items():
    print(f"{name:36} {show(gain, '+.1%')}")
assert all(gain["low"] > 0 for gain in gsm8k["differences"].values())
assert gsm8k["labels_agree"] == gsm8k["labels"]

# %% [markdown]
# The first two lines are what best-of-100 adds, at equal size.
# The third compares the small model with best-of-100 with the large one without: the small one is
# ahead.
# Over all 1,319 problems it is about 22 % → 39 % for 6B and 35 % → 56 % for 175B (counted once with
# the same program on the whole file).
#
# The released file has a label for every answer, and our verdict agrees with all of them: a check
# of one verifier against another, on text that no small world has made.
# Steps can be checked here too.
# (The rule is milder than `steps_true`, so do not compare the two shares: results may be rounded,
# off by at most 10⁻³, and a step that cannot be read is not held against the answer.)

# %%
steps = gsm8k["false_steps"]
false, counted = steps["right_with_a_false_equation"], steps["right_with_equations"]
print(f"{false} of {counted:,} right answers with steps have a false one, "
    f"{show(steps['share'], '.2%')}")

# %% [markdown]
# Very few.
# It does not follow that all the others are right for a good reason: a true equation may still be
# the wrong thing to compute.
#
# ## What we found

# %%
from course_lib.experiments import findings

findings.show("06")

# %% [markdown]
# In words:
#
# - A verifier needs three outcomes, a stated rule for the final answer, and bad strings to be tried
#   on.
#   It can be wrong: a few in a hundred right replies come by a false step.
# - pass@k is best-of-k with a reward of 0 or 1.
#   Use the estimator over subsets.
#   A majority vote gets part of the gain without any verifier.
# - Right replies are better to train on than SFT solutions alone, from $k = 16$ on.
#   Unverified replies harm, which makes "verified less unverified" look good.
# - **Finding 11.**
#   Distinct right paths raise pass@16 more than as many right replies of the same problems do; at
#   pass@1 we cannot tell the two apart.
# - **Finding 12.**
#   GRPO raises pass@1 and lowers pass@32 and variety; the curves cross.
#   RAFT loses as much.
#   RFT on distinct paths, mixed with the SFT data, shows no such loss.
# - **Finding 14.**
#   Leaving out all-wrong groups helps REINFORCE, and GRPO beyond that is not told apart from zero.
#   Over RAFT it has no edge.
#
# ## What this leaves out
#
# Problems whose answer is not a number; verifiers that run code, which must be done in a sandbox;
# verifiers of single steps.
# The paper's RFT trains the *pretrained* model anew, and its best results pool the samples of
# several models; ours goes on from the SFT policy for a fixed number of steps.
# Learning rates were not tuned for each method.
# In the stored benchmarks the verifier both selects and judges, though on other problems; only the
# live part has a stricter judge, and no judge here is independent of the verifier.
#
# ## In real systems
#
# - ReST-EM: 32 or 64 samples a problem, at most 10 right ones kept of each, and every round trains
#   the *base* model again (arXiv 2312.06585).
# - DeepSeek-R1 used about 600,000 reasoning samples, gained by rejection sampling, together with
#   200,000 others, for two epochs (arXiv 2501.12948).
# - Llama 3: a big model did not gain from training on its own data without feedback from execution
#   (arXiv 2407.21783).
#
# ## Further reading
#
# Cobbe et al., *Training verifiers to solve math word problems*, arXiv 2110.14168.
# Yuan et al., *Scaling relationship on learning mathematical reasoning with large language models*,
# arXiv 2308.01825.
# Chen et al., *Evaluating large language models trained on code*, arXiv 2107.03374, for pass@k.
# *A minimalist approach to LLM reasoning*, arXiv 2504.11343, for all-wrong groups and the loss of
# entropy.
#
# ## Now you
#
# **Exercise** `exercises/ex06`: a verifier that survives a list of bad strings, pass@k, and
# distinct paths.
#
# **Questions.**
# Your answers are kept in `course-progress.json` beside this notebook.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("06")
