# %% [markdown] tags=["slide"]
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
# one or two minutes.

# %%
from collections import Counter

import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import explore, plots, show
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
stored

# %% tags=["nbval-check-output"]
show.replies(f"{stored.prompts[0]} (right answer: {stored.info[0]['answer']})",
    stored.texts[0][:5])

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
# Further down we count how often that is so.
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

show.table(["problem", "kind", "right", "misread"], [(stored.prompts[i],
    stored.info[i]["kind"], stored.info[i]["answer"], misread(stored.info[i]))
    for i in (0, 2, 3)])

# %% [markdown] tags=["slide"]
# ## A verifier: text in, verdict out
#
# Here is a verifier of one line.
# It looks whether the right answer stands somewhere in the reply.
# We try it on a few strings before anything is trained on it; that is a habit to keep for every
# reward that you write.

# %% tags=["nbval-check-output"]
def naive(text, answer):
    return answer in text

tried = (("#### 18", "18"), ("#### 180", "18"), ("18 + 1 = 19. #### 19", "18"),
    ("#### 1,800", "1800"))
show.table(["reply", "right answer", "verdict"],
    [(text, answer, naive(text, answer)) for text, answer in tried])

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
strings = ["#### 18", "#### 18.0", "#### 18 pens", "18", "The answer is 18.",
    "#### 18 #### 19",
    "#### 19 #### 18", "#### -18", "#### 1e999", "#### eighteen", "#### 17 + 1",
    "#### 36/2",
    "#### 1,8", "#### __import__('os').getcwd()", ""]
read = {text: world.verify("", text, {"answer": "18"}) for text in strings}
show.table(["reply", "verdict", "read"],
    [(repr(text), verdict["status"], verdict["answer"]) for text,
        verdict in read.items()])

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
            for prompt, texts, about in zip(stored.prompts, stored.texts, stored.info,
                strict=True)]
show.table(["verdict", "replies"],
    Counter(v["status"] for row in verdicts for v in row).most_common())

# %% [markdown]
# Now suppose that another policy writes the same replies, but `Answer 44` in place of `#### 44`.
# Somebody who counts only "correct" sees this:

# %% tags=["nbval-check-output"]
other = [[world.verify("", text.replace("####", "Answer"), about)["status"]
    for text in texts] for texts, about in zip(stored.texts, stored.info, strict=True)]
counts = Counter(status for row in other for status in row)
show.table(["verdict", "replies"], counts.most_common(),
    f"Accuracy {counts['correct'] / counts.total():.1%}")

# %% [markdown]
# The accuracy alone says "this policy cannot calculate".
# The counts say what is the matter.
# Whenever an accuracy is near zero, or falls suddenly, look at the unreadable replies first.
#
# What is unreadable in our pool?
# Here are two.

# %% tags=["nbval-check-output"]
unreadable = [(i, j) for i, row in enumerate(verdicts) for j, v in enumerate(row)
    if v["status"] == "unreadable"]
show.together(*(show.replies(stored.prompts[i], [stored.texts[i][j]])
    for i, j in unreadable[:2]))

# %% [markdown]
# The policy lost its thread.
# After the mark stands no number, or one that goes on with a `+` and then nothing.
# Nobody can say what was meant, so neither is called wrong.
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
tried = ("<< 3 * 6 = 18 >>. #### 18", "<< 6 * 96 = 96 >>. #### 96", "#### 18",
    "<< friends 4 = 4 >>. #### 4")
show.table(["reply", "steps true"], [(text, steps_true(text)) for text in tried])

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
show.together(*(show.replies(stored.prompts[i], [stored.texts[i][j]])
    for i, j in (lucky[0], lucky[1], lucky[4])))

# %%
solved = right.any(1)
share = (right & ~true).sum(1)[solved] / right.sum(1)[solved]
print(f"false steps behind a right answer: {bootstrap_interval(share):.1%} "
    "of right replies, mean over problems solved")

# %% tags=["hide", "remove-input"]
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
print(f"right {stored.reward('verifier').mean():.3f}, "
    f"sound {stored.reward('sound').mean():.3f}")

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
correct = np.array([[a == t for a in row] for row,
    t in zip(answers, truth, strict=True)],
    dtype=float)

def majority(row):
    """The answer given most often; of several, the one that came first.

    Unreadable replies have no vote.
    """
    votes = Counter(answer for answer in row if answer is not None)
    return votes.most_common(1)[0][0] if votes else None

# %% tags=["nbval-check-output"]
rows = zip(answers, truth, decidable(correct).tolist(), strict=True)
show.table(["problem", "majority", "right", "decidable"],
    [(k, majority(row), majority(row) == t, mixed) for k,
        (row, t, mixed) in enumerate(rows, 1)],
    f"pass@1 is {correct.mean():.2f}, pass@5 is {correct.any(1).mean():.2f}.")

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
show.table(["pass@2 of problem", 1, 2, 3, 4],
    [("counted", *(f"{v:.2f}" for v in counted)),
    ("formula", *(f"{v:.2f}" for v in pass_at_k(correct, [2])[:, 0]))])

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
show.facts({"pass@4 from all 64": f"{known.mean():.3f}",
    "formula minus that": f"{paired_difference(ours, known):+.3f}",
    "shortcut minus that": f"{paired_difference(shortcut, known):+.3f}"})

# %% tags=["hide", "remove-input"]
assert paired_difference(shortcut,
    known).high < -0.02 and abs((ours - known).mean()) < 0.01

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

# %% tags=["slide"]
ks = [1, 2, 4, 8, 16, 32, 64]
reached = pass_at_k(stored.reward("verifier"), ks)

def vote(row, answer, k):
    """How often the majority of k is right, over the N/k hands of the replies."""
    hands = [[verdict["answer"] for verdict in row[i : i + k]]
        for i in range(0, len(row), k)]
    return np.mean([majority(hand) == answer for hand in hands])

voted = np.array([[vote(row, about["answer"], k) for k in ks]
    for row, about in zip(verdicts, stored.info, strict=True)])
one = np.repeat(reached[:, :1], len(ks), axis=1)
lines = {"a verifier picks (pass@k)": reached, "majority of k": voted,
    "a random one (control)": one}
plots.pass_at_k(ks, lines, ylabel="share of problems answered right")

# %%
policy = course.load_policy(assets.path("arithmetic/policy"))
greedy = course.sample(policy, stored.prompts, n=1, temperature=0,
    max_tokens=world.max_tokens,
    info=stored.info)
greedy = course.score(greedy, verifier)
agreeing = paired_difference(voted[:, 4], reached[:, 0])
show.facts({"one sample is right": f"{reached[:, 0].mean():.2f}",
    "the likeliest reply": f"{greedy.reward('verifier').mean():.2f}",
    "majority of 16": f"{voted[:, 4].mean():.2f}",
    "of 64": f"{voted[:, -1].mean():.2f}",
    "at least one of 16": f"{reached[:, 4].mean():.2f}",
    "majority of 16 minus one sample": agreeing})

# %% tags=["hide", "remove-input"]
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
rows = [(name, at.sum(), f"{reached[at, 0].mean():.2f}", f"{voted[at, -1].mean():.2f}",
    f"{reached[at, 4].mean():.2f}")
    for name, at in (("collect: errors scatter", ~can), ("the other seven kinds", can))]
scattered = paired_difference(voted[~can, -1], reached[~can, 0])
print(f"collect, majority of 64 minus one sample: {scattered}")
hurry = torch.tensor([[m is not None and v["answer"] == m for v in row]
    for row, m in zip(verdicts, misreadings, strict=True)])                     # (P, N)
cold = np.array([world.verify("", row[0], about)["answer"] == m for row, about, m
    in zip(greedy.texts, greedy.info, misreadings, strict=True)])
print("in the seven kinds, what a hurried reader gets:",
    f"{hurry[can].float().mean():.0%} of samples,")
print(f"{cold[can].mean():.0%} of likeliest replies, "
    f"{usual[can].mean():.0%} of majorities of 64")
show.table(["kind", "problems", "one sample", "majority of 64", "at least one of 16"],
    rows)

# %% tags=["hide", "remove-input"]
assert scattered.low > 0.05 and hurry[can].float().mean() < 0.35
assert cold[can].mean() > 0.4 and usual[can].mean() > 0.45

# %% [markdown]
# Where errors scatter over many numbers, the vote nearly doubles the share of right answers.
# That is **self-consistency** (arXiv 2203.11171), and it needs no verifier.
# Where errors agree, it returns the error.
# So does a low temperature: both look for what is usual.
#
# Perhaps the votes should have weights?
# Our stored replies carry the policy's **self-certainty**: how far its prediction of each word is
# from "all words alike", averaged over the reply (arXiv 2502.18581).
# It asks nobody but the policy.
# The weighted majority adds up such weights in place of votes.
# (A softmax makes weights of them; the factor 16 lets small differences count.)
# **Your prediction:** does it help here?

# %%
sure = torch.softmax(stored.first(16).reward("self-certainty") * 16,
    dim=1)     # (P, 16)
heavy = np.array([weighted_majority([v["answer"] for v in row[:16]], weights.tolist())
    == about["answer"] for row, weights,
    about in zip(verdicts, sure, stored.info, strict=True)])
plain = np.array([majority([v["answer"] for v in row[:16]]) == about["answer"]
    for row, about in zip(verdicts, stored.info, strict=True)])
found = stored.first(16).reward("verifier").amax(1)
knowing = paired_difference(found, plain)
certain = stored.reward("self-certainty")
both = (hurry.any(1) & right.any(1)).nonzero()[:, 0].tolist()
surer = torch.stack([certain[i][hurry[i]].mean() - certain[i][right[i]].mean()
    for i in both])
show.facts({"of the first 16: majority right": f"{plain.mean():.2f}",
    "weighted majority": f"{heavy.mean():.2f}",
    "at least one right": f"{found.mean():.2f}",
    "at least one right minus majority": knowing,
    "self-certainty, misread minus right": f"{bootstrap_interval(surer):.2f}",
    "its standard deviation": f"{certain.std():.2f}"})

# %% tags=["hide", "remove-input"]
assert (
    heavy.mean() < 0.35
    and knowing.low > 0.3
    and abs(surer.mean()) < 0.25 * certain.std()
)

# %% [markdown]
# **Finding 28: a majority vote agrees on the usual mistake; only a verifier finds the minority's
# path.**
# The policy is about as sure of its misreading as of the right way.
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
show.facts({"one reply": f"{by_steps[:, 0].mean():.2f}",
    "best of 16 by its steps": f"{by_steps[:, 1].mean():.2f}",
    "by the verifier": f"{reached[:, 4].mean():.2f}",
    "best of 16 by steps minus one reply": f"{way:+.3f}"})

# %% tags=["hide", "remove-input"]
assert 0 < way.low and way.high < 0.05 < 0.4 < reached[:, 4].mean() - by_steps[:,
    0].mean()

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
rows = []
for n in (2, 4, 8, 16, 64):
    first = stored.reward("verifier")[:, :n]
    wrong, all_right = (first.sum(1) == 0).double(), (first.sum(1) == n).double()
    mixed = bootstrap_interval(decidable(first).astype(float))
    rows.append((n, f"{wrong.mean():.1%}", f"{mixed:.1%}", f"{all_right.mean():.1%}"))
    if n == 8:
        assert 0.35 < wrong.mean() < 0.5 and all_right.mean() < 0.02
show.table(["n", "all wrong", "decidable", "all right"], rows)

# %% [markdown]
# At $n = 8$ more than two problems in five give nothing to select: all samples are wrong.
# More samples help with those; an easier set of problems would too, and so would a better policy.
# At the other end, a policy that solves nearly everything has mostly problems that are all right,
# and again nothing to select.
# A policy for which most prompts are decidable is called *unsaturated*.
# Where few are decidable, the verifier's choices and random choices are nearly the same replies.
# Then training on the one or the other can hardly differ.
#
# ## Right in different ways
#
# Here are right replies to the second problem.

# %% tags=["nbval-check-output"]
from course_lib.pools import distinct_paths, overall_control

different = distinct_paths(stored, by="verifier", key=world.path)
print(int(right[1].sum()), "right replies,", int(different.per_prompt[1]),
    "distinct paths")
show.replies(stored.prompts[1],
    [different.texts[i] for i in np.flatnonzero(different.prompt_index == 1)[:3]])

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

# %% tags=["slide"]
kept_of = [distinct_paths(stored.first(k), by="verifier", key=world.path) for k in ks]
paths = np.stack([kept.per_prompt.numpy() for kept in kept_of],
    axis=1)              # (P, 7)
replies = np.stack([stored.reward("verifier")[:, :k].sum(1).numpy() for k in ks],
    axis=1)
plots.paths_against_k(ks, {"right replies": replies, "distinct right paths": paths})

# %%
# problems, drawn anew
draws = np.random.default_rng(0).integers(stored.P, size=(2000, stored.P))
table = []
for name, count in (("right replies", replies), ("distinct paths", paths)):
    means = count[draws].mean(1)
    low, high = np.quantile(means[:, 1:] / means[:, :-1], (0.025, 0.975), axis=0)
    times = count.mean(0)[1:] / count.mean(0)[:-1]
    table.append((name, *(f"{t:.2f} [{a:.2f}, {b:.2f}]"
        for t, a, b in zip(times, low, high, strict=True))))
show.table(["times as many", *(f"{2 * k}/{k}" for k in ks[:-1])], table)

# %% tags=["hide", "remove-input"]
assert high[-1] < 1.8 and 0.4 < (paths.sum(0) / replies.sum(0))[-1] < 0.6

# %% [markdown]
# From $k$ to $2k$ samples, right replies about double.
# Paths do so at first, while copies are rare; from $k = 8$ on each doubling adds about two thirds.
# The same bend is in the paper: on GSM8K a 7B model has 1.17 distinct paths a problem with 1
# sample, 1.44 with 3, 2.20 with 12 and 5.25 with 100.
# (1.17 from one sample is more than one, so the solution that came with the data must be among
# them; our counts leave it out.)
# So of a large sample's right replies many are copies: half of them, in ours.
# Do copies teach anything?
#
# ## Does training on verified replies move the usual answer?
#
# A vote cannot tell the misreading from the right way, and a verifier can, on training problems.
# So sample there, keep what is right, and fine-tune on it: rejection-sampling fine-tuning, as in
# lesson 05.
# Our benchmark does it with 1,500 problems that the policy has not seen.
# The arms, each trained for the same number of steps:
#
# - **distinct**: of the first $k$ replies to each problem, one right reply for each path;
# - **control**: as many replies from the same samples, verified by nobody;
# - **sft**: no samples; one more *hurried* solution of each problem, as before.
#
# And the rival that costs nothing: the **start** policy at a lower temperature.
# Every arm may choose its temperature (1, 0.8, 0.6, 0.4 or 0.2), by pass@1 on problems that are
# shown to nobody else.
#
# **Your prediction.**
# At the best temperature of each: which arms are above the start?
# By a little, or by much?

# %%
rft = results.load("verifiable")
arms, gaps, k = rft["arms"], rft["differences"], rft["size"]["seeds_at"]

def span(v, spec="+.3f"):
    """A stored mean with its interval."""
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

rows = []
for name in ("start", "sft", f"control, k = {k}", "distinct, k = 4", "distinct, k = 16",
        "distinct, k = 64"):
    row = arms[name]
    good = "–" if row["kept_right"] is None else f"{row['kept_right']:.0%}"
    rows.append((name, f"{row['kept']:,}", good,
        f"{row['heldout, pass@1']['mean']:.2f}",
        f"{row['temperature']:g}", f"{row['heldout at best T, pass@1']['mean']:.2f}",
        f"{row['heldout, pass@16']['mean']:.2f}"))
show.table(["trained on", "replies", "right", "pass@1, T = 1", "best T", "pass@1 there",
    "pass@16, T = 1"], rows,
    f"{rft['command']}, {rft['size']['held_out']} held-out problems.")

# %%
measured = ("heldout at best T, pass@1", "heldout, pass@16",
    "templates at best T, pass@1")
gain, nothing, again = (gaps[f"heldout at best T, pass@1: {arm} - start"]
    for arm in ("distinct", "control", "sft"))
print(f"majority of 16 at T = 1: start {arms['start']['majority']['mean']:.2f}, "
    f"distinct {arms[f'distinct, k = {k}']['majority']['mean']:.2f}")
show.table([f"minus the start, k = {k}", "distinct", "control", "sft"], [(what,
    *(span(gaps[f"{what}: {arm} - start"]) for arm in ("distinct", "control", "sft")))
    for what in measured], f"{len(rft['size']['seeds'])} seeds.")

# %% tags=["hide", "remove-input"]
assert gain["low"] > 0.15 and max(nothing["high"], again["high"]) < 0.05
assert min(nothing["low"], again["low"]) > -0.1 and nothing["low"] < 0 < nothing["high"]
assert again["low"] < 0 < again["high"]
assert gaps["heldout, pass@16: distinct - start"]["low"] > 0.05
assert gaps["templates at best T, pass@1: distinct - start"]["low"] < 0
assert arms["distinct, k = 4"]["heldout at best T, pass@1"]["low"] > 0.25

# %% [markdown]
# Look at the start first.
# Its best temperature gains it next to nothing: a colder policy misreads more often.
# `distinct` is more than a quarter of all problems above it, each at its best temperature.
#
# **Finding 30: RFT on right replies moves what the policy usually writes; no temperature of the
# start does.**
# What it writes most often is now right in more than four problems of ten, and so a low temperature
# has become a good idea.
# Even the vote has: half of the majorities are right now, since a vote agrees with what is usual.
# Breadth has not been paid for it: pass@16 at $T = 1$ is higher as well.
#
# The controls say what does it.
# Unverified replies and more hurried solutions train as long and stay where the start is.
# It is the verdicts.
# And they need not be many: with 4 samples a problem, where only 900 replies are kept, most of the
# gain is there already.
#
# Now the limit.
# `templates` are problems in the fifth wording of each kind, which no training has shown.
# There the gain is small, and its interval includes zero.
# The policy has learned to read four wordings with care, and not to read with care.
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
# Two more arms of our benchmark keep *as many* right replies as `distinct`:
#
# - **duplicates**: drawn from all right replies.
#   They differ from `distinct` in two things: they repeat paths, and they lean to easy problems,
#   which have most right replies.
# - **same problems**: of each problem as many right replies as it has distinct paths, drawn without
#   regard to paths.
#   Here only the paths differ, so this is the control that decides.
#
# **Your prediction:** order *distinct*, *same problems* and *duplicates* by pass@1, then by
# pass@16.

# %%
rows, differences = [], []
for name in ("distinct", "same problems", "duplicates"):
    row = arms[f"{name}, k = {k}"]
    rows.append((name, f"{row['kept']:,}", f"{row['temperature']:g}",
        f"{row['heldout at best T, pass@1']['mean']:.3f}",
        f"{row['heldout, pass@16']['mean']:.3f}"))
for what in ("heldout, pass@16", "heldout at best T, pass@1"):
    for other in ("same problems", "duplicates"):
        gap = gaps[f"{what}: distinct - {other}"]
        assert gap["low"] < 0 < gap["high"]  # includes zero
        differences.append((what, f"distinct minus {other}", span(gap), gap["by_seed"]))
show.together(
    show.table(["kept", "replies", "best T", "pass@1 there", "pass@16 at T = 1"], rows),
    show.table(["", "difference", "mean", "by seed"], differences))

# %% [markdown]
# **Finding 11 says that distinct right paths drive the gain. Here we cannot show it.**
# All four intervals include zero.
# Right replies help, by much; whether they are right in different ways makes too little difference
# for this test.
#
# Why?
# Look at what the arms contain: how many of the right replies are the first of their path?

# %%
rows = []
for size in rft["size"]["k"]:
    facts = rft["sampled"][str(size)]
    rows.append((size, f"{facts['right']:.2f}", f"{facts['distinct_paths']:.2f}",
        f"{facts['distinct_paths'] / facts['right']:.0%}"))
show.table(["first samples", "right replies a problem", "distinct paths", "of them"],
    rows)

# %% tags=["hide", "remove-input"]
assert rft["sampled"]["16"]["distinct_paths"] > 0.7 * rft["sampled"]["16"]["right"]

# %% [markdown]
# With 16 samples, this policy is seldom right, and nearly four in five of its right replies have a
# path of their own.
# So `distinct` and `same problems` consist largely of the same replies, and a test cannot show a
# difference that its arms hardly have.
# The paper's models were right far more often and took 100 samples: there most right replies are
# copies.
# Before you run such a comparison, count how far its two data sets differ.
#
# Keeping distinct paths costs nothing, and `distinct` is nowhere told apart as worse.
# That is a reason to use the rule, and it is not evidence for the claim.
#
# ## The same, live and small
#
# 400 problems that the policy has not seen, 8 samples each, verified, one reply for each distinct
# path.
# Two controls: as many *unverified* replies from the same samples; and one more hurried solution of
# each problem.
# All train for the same number of steps.

# %%
from course_lib.assets.arithmetic import hurried_solutions
from course_lib.worlds import SFT_PROBLEMS

prompts, info = world.prompts("train", limit=SFT_PROBLEMS + 400, seed=0)
new, about_new = prompts[SFT_PROBLEMS:], info[SFT_PROBLEMS:]
fresh = course.sample(policy, new, n=8, max_tokens=world.max_tokens, info=about_new,
    seed=0)
fresh = course.score(fresh, verifier)
kept = distinct_paths(fresh, by="verifier", key=world.path)
kept

# %%
hurried = list(zip(new, hurried_solutions(about_new, seed=1), strict=True))
data = {"RFT": kept, "unverified": overall_control(kept, seed=0),
    "SFT continued": hurried}
# 36 steps each
trained = {name: course.finetune(policy, chosen, epochs=36 * 32 / len(chosen),
    batch_size=32, lr=5e-4) for name, chosen in data.items()}

# %% [markdown]
# The judge is `sound`, stricter than the verifier that selected, on the 200 held-out problems, four
# replies each, at temperature 1 and at 0.4.
# (The start policy's replies at 1 are the first four of the stored pool: `seed=201` made them, so
# all policies draw with the same random numbers.)
# **Your prediction:** where is RFT's lead over the start larger, at 1 or at 0.4?

# %%
def judged(policy, temperature):
    """(P,) share of four fresh replies to the held-out problems that are sound."""
    replies = course.sample(policy, stored.prompts, n=4, temperature=temperature,
        max_tokens=world.max_tokens, info=stored.info, seed=201)
    return course.score(replies, sound).reward("sound").mean(1)

scores = {"start": {1.0: stored.first(4).reward("sound").mean(1),
    0.4: judged(policy, 0.4)},
    **{name: {T: judged(p, T) for T in (1.0, 0.4)} for name, p in trained.items()}}

# %%
lead = {T: {other: paired_difference(scores["RFT"][T], scores[other][T])
    for other in scores
    if other != "RFT"} for T in (1.0, 0.4)}
show.together(
    show.table(["sound", "T = 1", "T = 0.4"],
        [(name, *(f"{bootstrap_interval(values):.2f}"
        for values in by_T.values())) for name, by_T in scores.items()]),
    show.table(["RFT minus", "T = 1", "T = 0.4"],
        [(other, lead[1.0][other], lead[0.4][other]) for other in lead[1.0]]))

# %% tags=["hide", "remove-input"]
assert all(gap.low > 0 for by_other in lead.values() for gap in by_other.values())
assert lead[0.4]["start"].mean > lead[1.0]["start"].mean + 0.02

# %% [markdown]
# After 36 steps on some 400 replies that a program found right, the policy misreads less.
# More of the same solutions, or its own replies unverified, do nothing of the kind.
# And turning the dial down now helps: it makes the likeliest reply more frequent, and the likeliest
# reply is better than it was.
# With the start policy it made the misreading more frequent as well.
# The two belong together: train to move the usual answer, then serve it at a low temperature.
#
# ## Sharpening or learning?
#
# RFT takes one large sample.
# *Online* methods draw fresh samples at every step, verify them and update at once.
# Here are three, in one sentence each (lesson 07 has them in full).
# A *group* is the replies to one problem, here eight.
#
# - **RAFT** takes a fine-tuning step on the right replies of each group.
#   (Lesson 05's loop keeps only the best one of each prompt.)
# - **GRPO** weighs each reply by its reward minus the group's mean, divided by the group's standard
#   deviation: right ones are pushed up, wrong ones down.
# - **REINFORCE** weighs each reply by its reward alone, here +1 for right and −1 for wrong.
#
# All train on problems that the policy has not seen, with the same number of sampled replies as
# RFT, three seeds each.
#
# What does such training do to a policy's breadth?
# *Does reinforcement learning really incentivize reasoning capacity beyond the base model?* (arXiv
# 2504.13837) compares models before and after training on verdicts.
# At small $k$ the trained ones have the higher pass@k, at large $k$ the untrained ones: the curves
# cross.
# The authors conclude that training makes paths likelier that the base model already had, and loses
# others.
# That is called **sharpening**.
#
# But a lower temperature sharpens too, without any training and without any verdict.
# So the control is the start policy at $T = 0.2$.
#
# **Your prediction.**
# Draw pass@k against $k$ for the start at $T = 1$.
# Now draw the same policy at 0.2, and then GRPO and RFT at $T = 1$.
# Which curves cross the first one?

# %% tags=["slide"]
trials = results.load("passk")
shown = ("start", "start at 0.2", "RFT", "GRPO", "RAFT")
curves = {name: np.array(trials["curves"][name]).T for name in shown}
plots.pass_at_k(trials["ks"], curves, bands=["start"])

# %% [markdown]
# The band says how the start's level varies from problem to problem; whether a *difference* is more
# than chance is another question.
# Each minus the start at $T = 1$, on the same problems, over seeds and problems:

# %%
minus = {"start at 0.2": trials["cold_start_minus_start"]["0.2"],
    **trials["minus_start"]}
plots.pass_gain(trials["ks"], {name: [minus[name][f"pass@{k}"] for k in trials["ks"]]
    for name in ("start at 0.2", "RFT", "GRPO")}, start="the start at T = 1")

# %%
what = "distinct texts, share"
rows = [(name, *(span(minus[name][measure]) for measure in ("pass@1", "pass@32")),
    f"{minus[name][what]['mean']:+.2f}") for name in shown[1:]]
start = trials["levels"]["start"][what]["mean"]
show.table(["minus the start", "pass@1", "pass@32", what], rows,
    f"{trials['command']}, {trials['size']['held_out']} problems, "
    f"{len(trials['seeds'])} seeds. The start has {start:.2f} distinct texts.")

# %% [markdown]
# And when each may choose its temperature, as it would be served?
# The start's best is the cold one.

# %%
at_best = trials["minus_start_at_best"]
rows = []
for name in ("RFT", "GRPO", "RAFT"):
    warm, served = (trials[level][name]["pass@32"]["mean"]
        for level in ("levels", "levels_at_best"))
    rows.append((name, trials["temperatures"][name], span(at_best[name]["pass@1"]),
        f"{warm:.2f}", f"{served:.2f}"))
show.table(["at its best temperature", "which is", "pass@1, minus the start",
    "its pass@32 at T = 1", "and there"], rows,
    f"The start is at its best, too: {trials['temperatures']['start']}.")

# %% tags=["hide", "remove-input"]
cold = minus["start at 0.2"]
assert trials["temperatures"]["start"] == [0.2] and cold["pass@32"]["high"] < -0.2
for name in ("RFT", "GRPO"):
    assert 0 < minus[name]["pass@1"]["low"] < cold["pass@1"]["high"]
    assert (
        minus[name]["pass@32"]["low"] > -0.05 and at_best[name]["pass@1"]["low"] > 0.03
    )
assert (
    max(minus["RAFT"]["pass@1"]["by_seed"])
    > 0.07
    > 0.04
    > sorted(minus["RAFT"]["pass@1"]["by_seed"])[1]
)

# %% [markdown]
# The cold start is what sharpening looks like.
# At $k = 1$ it gains two points or nothing; at $k = 32$ it loses a third of all problems.
# No wonder: its 32 replies to a problem are mostly copies.
#
# RFT and GRPO do something else.
# At $k = 1$ they are above the start, and at $k = 32$ they have lost nothing that we can see.
# Their curves do not cross the first one.
# And when they are served cold as well, they are far ahead of the cold start: the same dial, turned
# at a policy whose usual answer is better.
# The dial has its price for everybody, though: look at their pass@32 there.
# Choose the temperature for what you serve, one reply or many.
#
# **Finding 12: a colder start sharpens and loses breadth; training on verdicts learns and keeps
# it.**
# That breadth is lost by the dial and kept by training is shown with much room.
# That training *learns* more than a dial does is shown where each has its best temperature.
# You should know how this was judged.
# Our first rule asked for more: at $k = 1$ the trained policies at $T = 1$ should gain more than
# the cold start, with intervals that do not overlap.
# They do overlap.
# We saw that, and only then took the comparison at best temperatures as the rule.
# It is the fairer comparison, and a rule that is chosen after the results is weaker evidence.
#
# RAFT shows why intervals are so wide: of its three runs one gained ten points, and two next to
# nothing.
# Its mean curve crosses the first one, and its interval says that this may be chance.
# RFT differs from the online methods in more than one thing (it has three passes over its data and
# a higher learning rate), so do not read a contest of methods here; lesson 07 holds one.
#
# And the paper?
# Its curves cross and ours do not.
# That refutes nothing: our start's usual answer is wrong, our training is short, and we looked no
# further than $k = 32$.
# Take along the control: a curve of pass@k before and after training says little without the dial
# beside it.
#
# ## *Deeper*: groups that are all wrong
#
# *A minimalist approach to LLM reasoning* (arXiv 2504.11343) finds RAFT competitive with GRPO and
# PPO, and says that GRPO's main advantage comes from discarding prompts whose samples are all
# wrong, not from its normalisation of rewards.
# How does GRPO discard them?
# **Work it out:** eight samples, all wrong, reward −1 for wrong and +1 for right.
# What weight does each sample get in RAFT (1 if right, else 0), in GRPO and in REINFORCE?

# %% tags=["nbval-check-output"]
from course_lib.methods import advantages

all_wrong = torch.full((1, 8), -1.0)
kinds = {"RAFT": "positive", "GRPO": "group_std", "REINFORCE": "reward"}
show.table(["weights of", *range(1, 9)], [(name, *(f"{a:g}"
    for a in advantages(all_wrong, kind)[0].tolist())) for name, kind in kinds.items()])

# %% [markdown]
# RAFT never uses such a group, and in GRPO it has no gradient.
# REINFORCE pushes all eight down: without anything to push *up*, it only learns "not this", and for
# a language model nearly everything else is worse.
# So the claim can be tested: leave these groups out of REINFORCE.
# **Reinforce-Rej** of the same paper leaves out the groups that are all right as well.
#
# **Your prediction:** how much of GRPO's lead over REINFORCE is left?

# %%
rows = [("start", span(trials["levels"]["start"]["pass@1"], ".2f"), "–")]
for name in ("REINFORCE", "REINFORCE without all-wrong groups", "Reinforce-Rej", "RAFT",
    "GRPO"):
    rows.append((name, span(trials["levels"][name]["pass@1"], ".2f"),
        minus[name]["pass@1"]["by_seed"]))
show.table(["method", "pass@1", "minus the start, by seed"], rows)

# %%
edges = {name: row["pass@1"] for name, row in trials["differences"].items()}
four = ("REINFORCE without all-wrong groups - REINFORCE",
    "GRPO - REINFORCE without all-wrong groups",
    "Reinforce-Rej - REINFORCE without all-wrong groups", "GRPO - RAFT")
dropped = edges[four[0]]
show.table(["difference", "pass@1"],
    [(name.replace(" - ", " minus "), span(edges[name], "+.2f")) for name in four],
    f"The first of these by seed: {dropped['by_seed']}.")

# %% tags=["hide", "remove-input"]
assert all(edges[name]["low"] < 0 < edges[name]["high"] for name in four)
assert dropped["by_seed"][0] > 0.03 and dropped["by_seed"][1] < -0.03

# %% [markdown]
# Look at the last line.
# With the first run alone we would have confirmed the paper, and with the second refuted it.
# **Finding 14, that much of GRPO's advantage over a plain policy gradient is leaving out prompts
# whose samples are all wrong, does not hold here.**
# It is not refuted either: plain REINFORCE ended a little below the start in one run and ten points
# above it in another, and three such runs cannot show a difference of a few points.
# Reinforce-Rej is not told apart from its neighbour, nor is GRPO from RAFT.
# What you worked out by hand stays true; how much it matters takes more seeds than we have run.
#
# ## *Deeper*: problems worth sampling
#
# All-wrong groups are samples that teach nothing.
# Why not leave such problems out *before* the training?
# DAPO (arXiv 2503.14476) keeps sampling until its batch has only groups that are neither all wrong
# nor all right.
# Our arm does it once: four samples of the start policy for each problem, and GRPO then trains on
# the decidable ones.
# It pays for the four samples out of the same budget, so it makes fewer steps.
#
# **Your prediction:** is the filter worth its price?
#
# And one more arm: GRPO without the division by the group's standard deviation.
# The division makes a group with one right reply among eight weigh more than one with four; *Dr.
# GRPO* (arXiv 2503.20783) calls that a bias and leaves it out.

# %%
two = ("GRPO", "GRPO on decidable problems")
gaps_of = {name: trials["differences"][name]["pass@1"]
    for name in ("GRPO on decidable problems - GRPO", "GRPO without std - GRPO")}
show.together(
    show.table(["method", "steps", "pass@1"],
        [(name, len(trials["training"][name]["reward"]),
            span(trials["levels"][name]["pass@1"], ".3f")) for name in two]),
    show.table(["difference", "pass@1", "by seed"], [(name.replace(" - ", " minus "),
        span(gap), gap["by_seed"]) for name, gap in gaps_of.items()]))

# %% tags=["hide", "remove-input"]
assert all(gap["low"] < 0 < gap["high"] for gap in gaps_of.values())
assert 2 * len(trials["training"]["GRPO on decidable problems"]["reward"]) == 24

# %% [markdown]
# **Finding 31, that training on problems that are sometimes solved is worth its filter, does not
# hold here.**
# Its interval is narrow and includes zero: the two are about level.
# That is not nothing.
# The filter took half of all replies, so that this arm made half as many steps; it ended where GRPO
# without a filter did.
# So it seems that a step on decidable problems was worth more, and the filter cost what was gained.
# Replies for the filter that you have anyway, or use in several epochs, would change the sum.
#
# Leaving out the division by the standard deviation cannot be told from keeping it: again, runs
# differ more than the methods.
#
# ## *Deeper*: real answers, counted
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
print(f"{gsm8k['problems']} of {gsm8k['of']:,} problems; "
    f"labels that agree with our verdicts: {agree}")
print("answers found by:", gsm8k["markers"])
show.table(["system", "correct", "wrong", "unreadable", "accuracy"],
    [(name, row["correct"], row["wrong"], row["unreadable"],
        span(row["accuracy"], ".1%"))
        for name, row in gsm8k["systems"].items()])

# %%
show.table(["difference", "accuracy"],
    [(name, span(gain, "+.1%")) for name, gain in gsm8k["differences"].items()])

# %% tags=["hide", "remove-input"]
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
    f"{span(steps['share'], '.2%')}")

# %% [markdown]
# Very few.
# It does not follow that all the others are right for a good reason: a true equation may still be
# the wrong thing to compute.
#
# ## What we found

# %%
from course_lib.experiments import findings

findings.show("06")

# %% [markdown] tags=["slide"]
# In words:
#
# - A verifier needs three outcomes, a stated rule for the final answer, and bad strings to be tried
#   on.
#   It can be wrong: a few in a hundred right replies come by a false step.
# - pass@k is best-of-k with a reward of 0 or 1.
#   Use the estimator over subsets.
# - **Finding 28.**
#   Where a policy has learned a usual mistake, its likeliest reply and the majority of its samples
#   agree on it.
#   The right way is there, as a minority, and a verifier finds it.
# - **Finding 29.**
#   Checking that each step is true does not find a misreading.
# - **Finding 30.**
#   RFT on verified replies moved what the policy usually writes, from fewer than one in five right
#   to more than two in five, each at its best temperature.
#   Unverified replies and more hurried solutions did not, and no temperature of the start does.
#   On wordings that no training showed, little is left of the gain.
# - **Finding 12.**
#   A cold start sharpens its mistakes and loses breadth; RFT and GRPO kept breadth, and were ahead
#   of the start, each at its best temperature.
# - **Finding 11**, **Finding 14** and **Finding 31** do not hold here.
#   The arms of the first hardly differed; the runs of the second differed too much; the filter of
#   the third cost what it gained.
#
# ## What this leaves out
#
# Problems whose answer is not a number; verifiers that run code, which must be done in a sandbox;
# training a reward model of steps.
# Each kind has one misreading here; people have several, and models their own.
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
# Wang et al., *Self-consistency improves chain of thought reasoning*, arXiv 2203.11171.
# Lightman et al., *Let's verify step by step*, arXiv 2305.20050.
# Yue et al., *Does reinforcement learning really incentivize reasoning capacity in LLMs beyond the
# base model?*, arXiv 2504.13837.
# *A minimalist approach to LLM reasoning*, arXiv 2504.11343, for all-wrong groups and the loss of
# entropy.
#
# ## Now you
#
# **Exercise** `exercises/ex06`: a verifier that survives a list of bad strings, pass@k, and
# distinct paths.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("06")
