# %% [markdown]
# # Verifiable rewards
#
# **You will:** write down what a verifier takes in and gives out, attack one with bad strings, estimate pass@k by hand and in code, see why *distinct* right solutions matter, fine-tune on verified replies
# against two controls, and find out what training on a verifier does to a policy's breadth.
#
# **Builds on:** lesson 01 (best-of-N, unbiased estimates, ties), lesson 05 (rejection-sampling fine-tuning).
#
# **Time:** 60 minutes to read and do; the cells run in under a minute.

# %%
from collections import Counter

import numpy as np
import torch

import course_lib as course
from course_lib import assets, explore, plots, results
from course_lib.estimators import bootstrap_interval, decidable, paired_difference, pass_at_k

# %% [markdown]
# ## A world where answers can be checked
#
# A reward model guesses what people would like. For some tasks nobody has to guess: a program can check the reply. A sum is right or wrong; code passes its tests or fails them. Such a check is called a
# **verifier**, and what it says, a *verdict*, can be used as a reward: 1 for right, 0 for anything else.
#
# Our world is word problems with numbers below 100. The policy has been fine-tuned on 4,000 of them with one solution each (that is supervised fine-tuning, SFT). Other problems, held out, were answered 64 times
# each; those replies are stored.

# %%
world = course.load_world("arithmetic")
stored = course.Pool.load(assets.path("arithmetic/pools/heldout.npz"))
print(stored)

# %% tags=["nbval-check-output"]
print(stored.prompts[0], "| right answer:", stored.info[0]["answer"])
for text in stored.texts[0][:5]:
    print("  ", text)

# %% [markdown]
# A reply is a list of steps, each in double brackets, and an answer after `####`. **Before you read on, check the five by hand.** Which are right? In the wrong ones, where is the first mistake?
#
# In the wrong ones every single sum is true; what goes wrong is *which* numbers are taken. (Further down we count how often that is so.)
#
# ## A verifier: text in, verdict out
#
# Here is a verifier of one line. It looks whether the right answer stands somewhere in the reply. We try it on a few strings before anything is trained on it; that is a habit to keep for every reward that you write.

# %% tags=["nbval-check-output"]
def naive(text, answer):
    return answer in text

for text, answer in (("#### 18", "18"), ("#### 180", "18"), ("18 + 1 = 19. #### 19", "18"), ("#### 1,800", "1800")):
    print(f"{text:22} right answer {answer:5} verdict {naive(text, answer)}")

# %% [markdown]
# One of four is a fair verdict that means anything. The second and third replies are wrong and pass: these are **false positives**. The last is right and fails: a **false negative**. A policy trained with this verifier
# is paid for writing many numbers.
#
# A better verifier has three parts: *find* the final answer by a stated rule, *read* it as a number, *compare* exactly. It must work on every string, since a policy at temperature 1 will sooner or later write every
# kind of string, and training makes those kinds frequent that pay. And it never runs what it reads. Public code has been seen to call `eval` on the reply, which executes whatever code stands there; reading a number takes a few lines.
#
# `world.verify` says "correct", "wrong" (another number was read) or "unreadable" (no number was found where one must stand). Its rule: the number after the **last** `####` counts.
#
# **Your prediction.** The right answer is 18. Write down for each of these what the verdict should be, and then what you think it will be.
#
# `#### 18` · `#### 18.0` · `#### 18 pens` · `18` · `The answer is 18.` · `#### 18 #### 19` · `#### 19 #### 18` · `#### -18` · `#### 1e999` · `#### eighteen` · `#### 17 + 1` · `#### 36/2` · `#### 1,8` · `#### __import__('os').getcwd()` · an empty reply

# %% tags=["nbval-check-output"]
strings = ["#### 18", "#### 18.0", "#### 18 pens", "18", "The answer is 18.", "#### 18 #### 19", "#### 19 #### 18",
           "#### -18", "#### 1e999", "#### eighteen", "#### 17 + 1", "#### 36/2", "#### 1,8",
           "#### __import__('os').getcwd()", ""]
for text in strings:
    verdict = world.verify("", text, {"answer": "18"})
    print(f"{text!r:34} {verdict['status']:11} read: {verdict['answer']}")

# %% [markdown]
# Go through those you got wrong. Some are choices that one may argue about:
#
# - `18` without the mark is unreadable, not correct. This verifier is *strict*: it wants the format. A lenient one takes the last number of the reply, and is then right more often and fooled more often.
# - `#### 19 #### 18` is correct, since the last one counts. With "any of them counts" a policy could list all numbers and never be wrong.
# - `#### 1,8` is read as 18: commas are dropped wherever they stand. A German 1,8 would be less than two.
# - `#### 17 + 1` is wrong. The verifier reads a number, 17; it does not do the policy's sums.
#
# ## Three outcomes, kept apart
#
# As a reward, wrong and unreadable are both 0. As a *measurement* they are different facts: one says the policy cannot do the task, the other that policy and verifier do not agree on the format.

# %% tags=["nbval-check-output"]
verdicts = [[world.verify(prompt, text, about) for text in texts]
            for prompt, texts, about in zip(stored.prompts, stored.texts, stored.info)]
print(Counter(v["status"] for row in verdicts for v in row))

# %% [markdown]
# Now suppose that another policy writes the same replies, but `Answer 34` in place of `#### 34`. Somebody who counts only "correct" sees this:

# %% tags=["nbval-check-output"]
other = [[world.verify("", text.replace("####", "Answer"), about)["status"] for text in texts]
         for texts, about in zip(stored.texts, stored.info)]
counts = Counter(status for row in other for status in row)
print(f"accuracy {counts['correct'] / counts.total():.1%}")
print(counts)

# %% [markdown]
# The accuracy alone says "this policy cannot do sums". The second line says what is the matter. Whenever an accuracy is near zero, or falls suddenly, look at the unreadable replies first.
#
# What is unreadable in our pool? Here are two.

# %% tags=["nbval-check-output"]
unreadable = [(i, j) for i, row in enumerate(verdicts) for j, v in enumerate(row) if v["status"] == "unreadable"]
for i, j in unreadable[:2]:
    print(stored.prompts[i], "\n  ", stored.texts[i][j])

# %% [markdown]
# The policy ended in the middle of a step. No answer was given, so there is none to call wrong.
#
# ## A verifier can be wrong too
#
# Ours reads the final number only. **Your prediction:** of a hundred replies with the right number, how many have a false step, such as `3 * 4 = 11`, on the way?
#
# We can count, because steps can be checked too. `equations` finds them, `equation_holds` says whether the two sides are equal.

# %%
from course_lib.worlds.gsm8k import equation_holds, equations

def steps_true(text):
    """True when there is a step and every step is exactly true."""
    found = equations(text)
    return bool(found) and all(equation_holds(step, tolerance=0) for step in found)

# %% tags=["nbval-check-output"]
for text in ("<< 3 * 6 = 18 >>. #### 18", "<< 6 * 96 = 96 >>. #### 96", "#### 18", "<< friends 4 = 4 >>. #### 4"):
    print(f"{text:32} {steps_true(text)}")

# %% [markdown]
# Tried on good and bad strings, as promised. Now on the replies that the verifier calls correct: first a few that are right by false steps, then the share, problem by problem, with its interval.

# %% tags=["nbval-check-output"]
right = stored.reward("verifier").bool()
true = torch.tensor([[steps_true(text) for text in texts] for texts in stored.texts])
lucky = (right & ~true).nonzero().tolist()
true_but_wrong = (true & ~right).sum() / (~right).sum()
print(f"{len(lucky)} of {int(right.sum()):,} right replies have a false step")
print(f"{true_but_wrong:.0%} of the other replies have none")
for i, j in (lucky[0], lucky[1], lucky[4]):
    print(stored.prompts[i], "\n  ", stored.texts[i][j])

# %%
solved = right.any(1)
share = (right & ~true).sum(1)[solved] / right.sum(1)[solved]
print(f"false steps behind a right answer: {bootstrap_interval(share):.1%} of right replies, mean over problems solved")
assert 0.01 < share.mean() < 0.15

# %% [markdown]
# These are false positives: the number is right, the work is not. There are few, but selection keeps all of them, and fine-tuning teaches them. (There are more ways to be right by luck. A true step may use a number that is not in the
# problem; our check does not see that.)
#
# So we have two judges. The **verifier** looks at the answer; it will *select*. A reply is **sound** when the answer is right and every step is true; that will *judge* what we train. The one that selects is not the one that judges.

# %%
from course_lib.reward import FunctionReward, GoldReward

verifier = GoldReward(world, name="verifier")
sound = FunctionReward(lambda prompt, text, about: world.gold(prompt, text, about) * steps_true(text), "sound")
stored = course.score(stored, sound)
print(f"right {stored.reward('verifier').mean():.3f}, sound {stored.reward('sound').mean():.3f}")

# %% [markdown]
# Look through the pool yourself. The slider chooses the problem, the buttons the order. Find a problem that the policy never solves, one that it always solves, and a false step. By keyboard: Tab moves between the controls, the left and
# right arrow move a slider, Enter presses a button.

# %%
def named(verdict, steps):
    return "right, but a false step" if verdict == "correct" and not steps else verdict.replace("correct", "right")

names = [[named(v["status"], bool(t)) for v, t in zip(row, line)] for row, line in zip(verdicts, true)]
explore.candidate_browser(stored.prompts_at(range(40)), rewards=["verifier"], verdicts=names[:40])

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
# - **pass@1**: how often is one sample right? The mean of the table of right and wrong.
# - **pass@k**: how often is *at least one of k* samples right? It is what best-of-$k$ by this verifier would reach.
# - **majority vote**: answer with the number that most samples gave. It needs no verifier at all.
#
# **With a pencil: pass@1, pass@5, and the majority's answers. In which problems can a verifier choose anything at all? And what is pass@2 for problem A?** For the last: count the pairs of samples (there are ten) in which
# none is right.

# %%
answers = [["18", "20", "20", "18", "21"], ["9", "5", "9", "9", "6"], ["12"] * 5, ["31", "30", "31", None, "33"]]
truth = ["18", "7", "12", "30"]
correct = np.array([[a == t for a in row] for row, t in zip(answers, truth)], dtype=float)   # (P, N)

def majority(row):
    """The answer given most often; of several, the one that came first. Unreadable replies have no vote."""
    votes = Counter(answer for answer in row if answer is not None)
    return votes.most_common(1)[0][0] if votes else None

# %% tags=["nbval-check-output"]
print(f"pass@1 {correct.mean():.2f}   pass@5 {correct.any(1).mean():.2f}")
print("majority:", [majority(row) for row in answers], " right:", [majority(r) == t for r, t in zip(answers, truth)])
print("decidable:", decidable(correct).tolist())

# %% [markdown]
# Problem A is a tie of two and two, and the rule "the first" decides for the right one: luck, and a reason to state the rule. In problem D the majority is wrong although the right answer is among the five. Problem B shows that five wrong
# answers can agree well.
#
# A problem is **decidable** when some of its samples are right and some wrong. Only there does it matter which sample a verifier picks: in B there is nothing right to pick, in C nothing wrong.
#
# For pass@2 of problem A: of the 5 samples 3 are wrong, so 3 of the 10 pairs have none right, and pass@2 is $1 - 3/10 = 0.7$. In general, with $c$ of $N$ samples right,
#
# $$\widehat{\text{pass@}k} = 1 - \binom{N - c}{k} \Big/ \binom{N}{k}$$
#
# (Chen et al., arXiv 2107.03374). It is lesson 01's estimator for a reward of 0 or 1. Test it by counting all pairs:

# %% tags=["nbval-check-output"]
from itertools import combinations

counted = [np.mean([max(pair) for pair in combinations(row, 2)]) for row in correct]
print("counted ", [round(float(v), 2) for v in counted])
print("formula ", [round(float(v), 2) for v in pass_at_k(correct, [2])[:, 0]])

# %% [markdown]
# The tempting shortcut is to take the share right, $c/N$, for the probability $p$, and to compute $1 - (1 - c/N)^k$. For problem A it gives $1 - 0.6^2 = 0.64$ instead of 0.7. Is that a small matter? Deal the 64 stored samples of each problem
# into eight hands of eight, estimate pass@4 from each hand in both ways, and compare with what all 64 say.

# %%
hands = stored.reward("verifier").double().reshape(stored.P, 8, 8)                # (problems, hands, samples)
known = pass_at_k(stored.reward("verifier"), [4])[:, 0]
ours = pass_at_k(hands.flatten(0, 1), [4]).reshape(stored.P, 8).mean(1)
shortcut = (1 - (1 - hands.mean(2)) ** 4).mean(1).numpy()
print(f"formula less known  {paired_difference(ours, known):+.3f}")
print(f"shortcut less known {paired_difference(shortcut, known):+.3f}")
assert paired_difference(shortcut, known).high < -0.02 and abs((ours - known).mean()) < 0.01

# %% [markdown]
# The shortcut is too low, by more than many published improvements. Like the bootstrap of lesson 01 it draws the same sample twice.
#
# ## What many samples are worth
#
# **Your prediction.** This policy is right in a bit more than a quarter of its samples. With 16 samples a problem: how often is at least one right? And how often is the majority right?

# %%
ks = [1, 2, 4, 8, 16, 32, 64]
reached = pass_at_k(stored.reward("verifier"), ks)

def vote(row, answer, k):
    """How often the majority of k is right, over the N/k hands of k that a problem's replies make."""
    hands = [[verdict["answer"] for verdict in row[i:i + k]] for i in range(0, len(row), k)]
    return np.mean([majority(hand) == answer for hand in hands])

voted = np.array([[vote(row, about["answer"], k) for k in ks] for row, about in zip(verdicts, stored.info)])
one = np.repeat(reached[:, :1], len(ks), axis=1)
plots.pass_at_k(ks, {"pass@k (a verifier picks)": reached, "majority of k": voted, "a random one (control)": one})

# %%
agreeing = paired_difference(voted[:, 4], reached[:, 0])
knowing = paired_difference(reached[:, 4], voted[:, 4])
print(f"majority of 16 less one sample {agreeing}, pass@16 less majority of 16 {knowing}")
assert agreeing.low > 0 and knowing.low > 0.1

# %% [markdown]
# The first is a gain that needs no verifier: wrong answers scatter, right ones agree. The second is what knowing the answer is worth on top.
#
# Do not read pass@k as what a user would get. To hand over the right one of $k$ replies, somebody must recognise it. For a sum, the verifier needs the right answer; but who has that needs no model. Where verifiers are real, as with
# tests for code or with training problems whose answers are known, pass@k is what selection has to work with.
#
# ### Ties, once more
#
# A verifier ties nearly always: any two right replies are equal, and any two wrong ones. So two formulas of earlier lessons do not apply. The win rate $n/(n+1)$ (lesson 01) needs a reward without ties. And the bound
# $\log n - (n-1)/n$ (lesson 04) is far above the divergence itself. Suppose 30 % of replies are right:

# %%
from course_lib.estimators import kl_best_of_n_bound, kl_best_of_n_exact, win_rate_of_best, win_rate_theory

win = win_rate_of_best(stored.reward("verifier"), 16).rate
print(f"win rate of the best of 16: {bootstrap_interval(win)}, formula {win_rate_theory(16):.2f}")
for n in (4, 16, 64):
    exact = kl_best_of_n_exact([0.7, 0.3], [0, 1], n)
    print(f"n = {n:<3} KL {exact:.2f} nats, bound {kl_best_of_n_bound(n):.2f}")
assert bootstrap_interval(win).high < win_rate_theory(16) - 0.05

# %% [markdown]
# The divergence stops at $-\log 0.3 = 1.20$ nats: once a right reply is nearly sure, more samples change nothing.
#
# ## Which problems teach?
#
# At each problem, eight samples are drawn. Count the problems that are all wrong, mixed (decidable) and all right, for this policy, and how that changes with $n$.

# %%
for n in (2, 4, 8, 16, 64):
    first = stored.reward("verifier")[:, :n]
    wrong, all_right = (first.sum(1) == 0).double(), (first.sum(1) == n).double()
    mixed = bootstrap_interval(decidable(first).astype(float))
    print(f"n = {n:<3} all wrong {wrong.mean():5.1%}   decidable {mixed:.1%}   all right {all_right.mean():5.1%}")

# %% [markdown]
# At $n = 8$ nearly a third of the problems give nothing to select. More samples help with those; an easier set of problems would too, and so would a better policy. At the other end, a policy that solves nearly everything has mostly
# problems that are all right, and again nothing to select. A policy for which most prompts are decidable is called *unsaturated*. In one public run of rejection sampling on GSM8K only 26 % of the prompts were reported to be decidable, and the
# verifier's choice came out level with a random one.
#
# ## Right in different ways
#
# Here are right replies to the first problem.

# %% tags=["nbval-check-output"]
from course_lib.selection import distinct_paths, overall_control

different = distinct_paths(stored, by="verifier", key=world.path)
print(stored.prompts[0])
for text in different.texts[:3]:
    print("  ", text)
print(int(right[0].sum()), "right replies,", int(different.per_prompt[0]), "distinct paths")

# %% [markdown]
# The **path** of a solution is its list of equations, in order. Two solutions with the same path differ at most in their filler words. `distinct_paths` keeps, among the right replies to a problem, the first with each path. It is the rule
# of the paper on rejection-sampling fine-tuning for school mathematics (RFT, arXiv 2308.01825). Note that `6 + 10` and `10 + 6` count as different; the rule compares spelling, not ideas.
#
# How does the number of distinct paths grow with the number of samples $k$, compared with the number of right replies? **Your prediction: if you double $k$, do the paths double?**

# %%
kept_of = [distinct_paths(stored.first(k), by="verifier", key=world.path) for k in ks]
paths = np.stack([kept.per_prompt.numpy() for kept in kept_of], axis=1)                              # (P, 7)
replies = np.stack([stored.reward("verifier")[:, :k].sum(1).numpy() for k in ks], axis=1)
plots.paths_against_k(ks, {"right replies": replies, "distinct right paths": paths})

# %% [markdown]
# Right replies grow in proportion to $k$. Distinct paths grow more slowly: the more samples, the more often a right reply repeats what is there. The same bend is in the paper: on GSM8K a 7B model found 1.17 distinct paths a problem with 1 sample,
# 1.44 with 3, 2.20 with 12 and 5.25 with 100 (arXiv 2308.01825). So most of a large sample's right replies are copies, and the question is whether copies teach anything.
#
# ## Do distinct paths drive the gain?
#
# In the paper, fine-tuning on distinct paths changes the accuracy on GSM8K, one answer a problem, like this (per cent):
#
# | | 7B | 7B, second generation | 13B | 13B, second generation | 33B |
# |---|---|---|---|---|---|
# | SFT | 35.9 | 41.6 | 43.0 | 50.0 | 54.6 |
# | RFT, k = 100 | 41.7 | 47.5 | 49.1 | 54.8 | 54.5 |
# | distinct paths a question | 5.25 | 5.19 | 5.26 | 5.29 | 2.78 |
#
# The paper's conclusion is that distinct paths, not the number of replies kept, drive the gain. The 33B column fits it: few distinct paths, no gain. To test it one needs the right control, and here it is: *as many right
# replies, chosen without regard to paths*. Our benchmark has three arms that all start from the same policy, train for the same number of steps, and mix the 4,000 solutions of SFT with the same number of sampled replies:
#
# - **distinct**: one right reply for each path,
# - **duplicates**: as many right replies, paths ignored,
# - **control**: as many replies, not verified at all.
#
# And SFT continued, without any sampled replies. **Your prediction:** order the four by pass@1; then by pass@16.

# %%
rft = results.load("verifiable")
print(rft["command"])

def show(v, spec="+.3f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

for name, arm in rft["arms"].items():
    levels = "   ".join(f"{what} {show(arm['heldout, ' + what], '.3f')}" for what in ("pass@1", "pass@16"))
    print(f"{name:20} kept {arm['kept']:6,}   {levels}")

# %% [markdown]
# `start` is the policy before, `sft` the one with more SFT. Levels are for orientation; differences, paired over the same 800 problems, decide. Verification first: right replies against unverified ones.

# %%
gaps = rft["differences"]
for k in (1, 4, 16, 64):
    print(f"k = {k:<3} distinct less unverified: pass@1 {show(gaps[f'pass@1: k = {k}, distinct - control'])}")
assert all(gaps[f"pass@1: k = {k}, distinct - control"]["low"] > 0 for k in (1, 4, 16, 64))

# %% [markdown]
# Training on verified replies is better than on unverified ones, at every $k$. Now paths against copies.

# %%
for what in ("pass@1", "pass@16"):
    for k in (4, 16, 64):
        print(f"{what:8} k = {k:<3} distinct less duplicates {show(gaps[f'{what}: k = {k}, distinct - duplicates'])}")
    over_seeds = rft["over_seeds"][f"{what}: k = 16, distinct - duplicates"]
    print(f"{what:8} k = 16 over three seeds         {show(over_seeds)}")

# %%
first_try = [gaps[f"pass@1: k = {k}, distinct - duplicates"] for k in (4, 16, 64)]
assert all(gap["low"] < 0 < gap["high"] for gap in first_try)
assert gaps["pass@16: k = 64, distinct - duplicates"]["low"] > 0
assert rft["over_seeds"]["pass@16: k = 16, distinct - duplicates"]["low"] < 0

# %% [markdown]
# **Finding 11, in part: distinct paths make a difference in pass@16 at $k = 64$, and none that we can tell in pass@1.** Copies of right replies raise pass@1 as well as distinct ones do. What distinct paths add is breadth: problems that are solved by at
# least one of 16 samples. Even that is one interval of several that we looked at, from one training seed, and at $k = 16$ over three seeds the interval includes zero. We believe the direction, since it grows with $k$ and with the number of paths; we would
# not bet on the size.
#
# The paper has far larger models, real problems and 100 samples. That it finds more than we do is no contradiction.
#
# ## The same, live and small
#
# 300 problems that the policy has not seen, 8 samples each, verified, one reply for each distinct path. Two controls of the same size: as many *unverified* replies from the same samples, and as many of the SFT solutions again.

# %%
from course_lib.worlds.arithmetic import SFT_PROBLEMS

policy = course.load_policy(assets.path("arithmetic/policy"))
prompts, info = world.prompts("train", limit=SFT_PROBLEMS + 300, seed=0)
new, about_new = prompts[SFT_PROBLEMS:], info[SFT_PROBLEMS:]
fresh = course.sample(policy, new, n=8, max_tokens=world.max_tokens, info=about_new, seed=0)
fresh = course.score(fresh, verifier)
kept = distinct_paths(fresh, by="verifier", key=world.path)
print(kept)

# %%
solutions = [(p, about["solution"]) for p, about in zip(prompts[:len(kept)], info)]
data = {"RFT": kept, "unverified": overall_control(kept, seed=0), "SFT continued": solutions}
training = {"epochs": 36 * 32 / len(kept), "batch_size": 32, "lr": 5e-4}      # 36 steps each
trained = {name: course.finetune(policy, chosen, **training) for name, chosen in data.items()}

# %% [markdown]
# The judge is `sound`, which did not select, on the 200 held-out problems. (The start policy's replies are the first eight of the stored pool: `seed=201` made them, so all four policies draw with the same random numbers.) **Your prediction:** can 36 steps be told from nothing?

# %%
def judged(policy):
    """(P, 8) of 0 and 1: which of eight fresh replies to the held-out problems are sound."""
    replies = course.sample(policy, stored.prompts, n=8, max_tokens=world.max_tokens, info=stored.info, seed=201)
    return course.score(replies, sound).reward("sound")

scores = {"start": stored.first(8).reward("sound"), **{name: judged(p) for name, p in trained.items()}}

# %%
by_problem = {name: s.mean(1) for name, s in scores.items()}
for name in scores:
    print(f"{name:14} sound {bootstrap_interval(by_problem[name]):.3f}")
for other in ("unverified", "SFT continued", "start"):
    print(f"RFT less {other:14} {paired_difference(by_problem['RFT'], by_problem[other]):+.3f}")
assert paired_difference(by_problem["RFT"], by_problem["unverified"]).mean > 0

# %% [markdown]
# Look at which intervals exclude zero. On our machine the one against unverified replies did: the same training without the verdicts is worse, so it is the verdicts that help. Against the start and against more SFT the intervals include
# zero: 200 problems and 36 steps are too few. How few? The smallest true difference that such a comparison would show four times in five is called the *minimum detectable effect*:

# %%
from course_lib.estimators import minimum_detectable_effect

smallest = minimum_detectable_effect((by_problem["RFT"] - by_problem["start"]).numpy())
print(f"detectable: {smallest:.3f}")
print("RFT less start in the stored result, k = 16:", show(gaps["pass@1: k = 16, distinct - start"]))
assert smallest > 0.025

# %% [markdown]
# The stored result's gain is about as large as that, with eight times as many steps behind it. So the live run can show that the machinery works, and cannot show the finding. That is what the stored benchmark is for.
#
# ## What training on verdicts costs: breadth
#
# RFT takes one large sample. *Online* methods draw fresh samples at every step, verify them and update at once: **RAFT** imitates the right ones, **GRPO** also pushes the wrong ones down (lesson 07 has both in full). Here all three train on problems
# that the policy has not seen, with the same number of sampled replies, three seeds each. RFT keeps one reply for each distinct path and mixes the SFT solutions in. Then every policy answers the same 400 held-out problems, 32 times each.
#
# **Your prediction.** Draw pass@k against $k$ for the policy before training. Now draw it for RAFT, which has been rewarded for right answers and nothing else. Is its curve above the first one everywhere?

# %%
trials = results.load("passk")
print(trials["command"], "| seeds", trials["seeds"], "|", trials["size"]["held_out"], "problems")
curves = {name.replace("start", "start policy"): np.array(rows).T for name, rows in trials["curves"].items()}
plots.pass_at_k(trials["ks"], curves)

# %% [markdown]
# On the left, at $k = 1$, the means of the online methods are above the start policy. On the right, at large $k$, they are behind it: the curves cross. The bands overlap, but they answer another question, how the level varies from problem to problem.
# Is the *difference* more than chance? Each policy less the start, on the same problems, over seeds and problems:

# %%
less = trials["minus_start"]
plots.pass_gain(trials["ks"], {name: [row[f"pass@{k}"] for k in trials["ks"]] for name, row in less.items()})

# %%
for name in less:
    print(f"{name:5}", "   ".join(f"pass@{k} {show(less[name][f'pass@{k}'])}" for k in (1, 8, 32)))

# %% [markdown]
# Read it from left to right. At $k = 1$ the online methods gain, RAFT not by more than chance. At $k = 32$ both have lost: there are problems that the start policy solves now and then and they no longer do. What they have lost is variety. Three ways to measure it:
#
# - the **entropy**, how undecided the policy is, in nats a token;
# - the share of **different texts** among the 32 replies to a problem;
# - **distinct paths among right replies**. Not the plain count: who has more right replies has more paths for that reason alone. So count the paths in *four* right replies of each policy, averaged over all ways to draw four. It is the estimator of
#   pass@k once more, one time for each path. For a problem with right replies by paths `aaab`, two drawn replies show how many different paths on average? Six pairs: three of them are `aa`, three `ab`, so 1.5.

# %% tags=["nbval-check-output"]
from course_lib.findings.verifiable import distinct_among

by_hand = np.mean([len(set(pair)) for pair in combinations("aaab", 2)])
print("by hand", float(by_hand), " formula", distinct_among([3, 1], 2))

# %%
widths = ("entropy, nats a token", "distinct texts, share", "distinct paths among 4 right replies")
for what in widths:
    print(f"{what}; start policy {show(trials['levels']['start'][what], '.3f')}")
    for name in less:
        print(f"   {name:5} less start {show(less[name][what])}")

# %%
assert less["GRPO"]["pass@1"]["low"] > 0 and less["RAFT"]["pass@1"]["mean"] > 0 > less["RAFT"]["pass@1"]["low"]
for name in ("RAFT", "GRPO"):
    assert less[name]["pass@32"]["high"] < 0 and all(less[name][what]["high"] < 0 for what in widths)
assert less["RFT"]["pass@1"]["low"] > 0 and less["RFT"]["pass@8"]["low"] > 0
assert less["RFT"]["pass@32"]["high"] > 0 and less["RFT"][widths[2]]["high"] > 0

# %% [markdown]
# **Finding 12: GRPO on a verifier raises pass@1, and lowers pass@32 and every measure of variety.** RAFT loses as much. Its mean gain at pass@1 is about as large as GRPO's, but the interval includes zero; look at the three seeds:

# %%
for name in less:
    print(f"{name:5}", "   ".join(f"{what} by seed {less[name][what]['by_seed']}" for what in ("pass@1", "pass@32")))

# %% [markdown]
# Two of RAFT's three runs gained and one did not; all three lost at pass@32. With one seed we would have reported a clear gain, or none.
#
# It does **not** appear for RFT on distinct paths with the SFT data mixed in: its gain at pass@1 is small but steady, it is best in the middle, at pass@8, and nothing was lost at pass@32 that we can tell. Why? RFT here differs in three ways at
# once: it keeps one reply for each path, it goes on seeing the SFT solutions, and its replies were all written by the policy as it was at the start. Which of the three matters most, this experiment does not say.
#
# Is the loss a loss? If users get one reply, no: pass@1 is what they see. If the policy is the start of further rounds of sampling and selecting, yes: a problem it never solves teaches it nothing, and the next round has fewer to select from.
#
# ## Groups that are all wrong
#
# Now one claim that did not come out. *A minimalist approach to LLM reasoning* (arXiv 2504.11343) compares GRPO with RAFT and finds that much of GRPO's edge is that it drops prompts whose samples are all wrong. Where could that come from?
# **Work it out:** eight samples, all wrong, reward −1 for wrong and +1 for right. What weight does each sample get in RAFT (1 if right, else 0), in GRPO (reward less the group's mean) and in REINFORCE without a baseline (the reward itself)?

# %% tags=["nbval-check-output"]
from course_lib.rlhf.grpo import advantages

all_wrong = torch.full((1, 8), -1.0)
for name, kind in (("RAFT", "positive"), ("GRPO", "group_std"), ("REINFORCE", "reward")):
    print(f"{name:10}", advantages(all_wrong, kind)[0].tolist())

# %% [markdown]
# RAFT never uses such a group, and in GRPO it has no gradient. REINFORCE pushes all eight down: without anything to push *up*, it only learns "not this", and for a language model nearly everything else is worse. So leaving those groups out should help
# REINFORCE, change little in GRPO, and nothing in RAFT. The stored benchmark, 20 steps, three seeds:

# %%
for name, m in rft["online"].items():
    print(f"{name:36} pass@1 {show(m['pass@1'], '.3f')}")
edges = rft["online_differences"]
for name in ("GRPO - RAFT", "GRPO without all-wrong groups - GRPO", "REINFORCE without all-wrong groups - REINFORCE"):
    print(f"{name:48} {show(edges['pass@1: ' + name])}")

# %%
assert edges["pass@1: GRPO - RAFT"]["high"] < 0                                             # no edge
assert edges["pass@1: REINFORCE without all-wrong groups - REINFORCE"]["low"] > 0
drop = edges["pass@1: GRPO without all-wrong groups - GRPO"]
assert drop["low"] < 0 < drop["high"]

# %% [markdown]
# **Finding 14 does not hold here as it is stated:** in our runs GRPO has no edge over RAFT that could be explained; if anything it is behind. The part with a mechanism does appear: without all-wrong groups REINFORCE is better, by more than chance. These runs are short,
# with one learning rate for all. And in the runs of the section before, twice as long, the two are not told apart:

# %%
print("GRPO less RAFT, 40 steps:", show(trials["grpo_minus_raft"]["pass@1"]))
assert trials["grpo_minus_raft"]["pass@1"]["low"] < 0 < trials["grpo_minus_raft"]["pass@1"]["high"]

# %% [markdown]
# ## Real answers, counted
#
# At the end, no toy. With GSM8K, a set of school problems in words, OpenAI released answers of four systems to the test problems: a model of 6 billion parameters and one of 175 billion, each fine-tuned on solutions, giving one answer; and each again with
# 100 samples a problem, from which a **trained verifier** picks one (Cobbe et al., arXiv 2110.14168). A trained verifier is a reward model that learned from right and wrong solutions. It does not know the answer at test time.
#
# **Your prediction.** Which is better: one answer of the large model, or the best of 100 of the small one?
#
# Our own verifier of this lesson judged every released answer. We counted the first 660 of the 1,319 problems; `python benchmarks/gsm8k_solutions.py --data DIR` counts all that are in your folder (its first lines say where to fetch the file).

# %%
gsm8k = results.load("gsm8k_solutions")
agree = f"{gsm8k['labels_agree']:,} of {gsm8k['labels']:,}"
print(f"{gsm8k['problems']} of {gsm8k['of']:,} problems; labels that agree with our verdicts: {agree}")
for name, row in gsm8k["systems"].items():
    counts = f"correct {row['correct']:3}  wrong {row['wrong']:3}  unreadable {row['unreadable']}"
    print(f"{name:18} {counts}   {show(row['accuracy'], '.1%')}")

# %%
for name, gain in gsm8k["differences"].items():
    print(f"{name:36} {show(gain, '+.1%')}")
assert all(gain["low"] > 0 for gain in gsm8k["differences"].values())
assert gsm8k["labels_agree"] == gsm8k["labels"]

# %% [markdown]
# The first two lines are what best-of-100 adds, at equal size. The third compares the small model with best-of-100 with the large one without: the small one is ahead. Over all 1,319 problems the counts are 21.7 % → 39.0 % for 6B and 34.7 % → 56.3 % for 175B.
#
# The released file has a label for every answer, and our verdict agrees with all of them: a check of one verifier against another, on text that no small world has made. Steps can be checked here too:

# %%
steps = gsm8k["false_steps"]
false, counted = steps["right_with_a_false_equation"], steps["right_with_equations"]
print(f"{false} of {counted:,} right answers with steps have a false one")

# %% [markdown]
# Far fewer than in our world. It does not follow that all the others are right for a good reason: a true equation may still be the wrong thing to compute.
#
# ## What we found

# %%
from course_lib import findings

findings.show("06")

# %% [markdown]
# In words:
#
# - A verifier needs three outcomes, a stated rule for the final answer, and bad strings to be tried on. It can be wrong: a few in a hundred right replies come by a false step.
# - pass@k is best-of-k with a reward of 0 or 1. Use the estimator over subsets; the shortcut $1 - (1 - c/N)^k$ is too low. A majority vote gets part of the gain without any verifier.
# - Verified replies are better to train on than unverified ones, at every $k$ tried.
# - 11, in part: distinct paths add breadth (pass@16, at $k = 64$), and nothing that we can tell in pass@1.
# - 12: GRPO raises pass@1 and lowers pass@32 and variety; the curves cross. RAFT loses as much, and its gain at pass@1 is not told apart from zero. RFT on distinct paths, mixed with the SFT data, shows no such loss.
# - 14 does not hold as stated: no edge of GRPO over RAFT here. Leaving out all-wrong groups helps REINFORCE.
#
# ## What this leaves out
#
# Problems whose answer is not a number; verifiers that run code, which must be done in a sandbox; verifiers of single steps. The paper's RFT trains the *pretrained* model anew, and its best results pool the samples of several models; ours goes on
# from the SFT policy for a fixed number of steps. Learning rates were not tuned for each method. In the stored benchmarks the verifier both selects and judges, though on other problems; only the live part has a
# judge of its own.
#
# ## In real systems
#
# - RFT on GSM8K: 100 samples at temperature 0.7, one right reply for each distinct list of equations, then the pretrained model is trained (arXiv 2308.01825).
# - ReST-EM: 32 or 64 samples a problem, at most 10 right ones kept of each, and every round trains the *base* model again (arXiv 2312.06585).
# - DeepSeek-R1 used about 600,000 reasoning samples, gained by rejection sampling, together with 200,000 others, for two epochs (its report).
# - Llama 3: a big model did not gain from training on its own data without feedback from execution (arXiv 2407.21783).
#
# ## Further reading
#
# Cobbe et al., *Training verifiers to solve math word problems*, arXiv 2110.14168. Yuan et al., *Scaling relationship on learning mathematical reasoning with large language models*, arXiv 2308.01825. Chen et al., *Evaluating large language models trained on code*, arXiv 2107.03374,
# for pass@k. *A minimalist approach to LLM reasoning*, arXiv 2504.11343, for all-wrong groups and the loss of entropy.
#
# ## Now you
#
# **Exercise** `exercises/ex06` (to come): a verifier that survives a list of bad strings, pass@k, and distinct paths.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("06")
