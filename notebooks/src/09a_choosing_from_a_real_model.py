# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown] tags=["slide"]
# # Choosing from a real model: its answers, and a choice among them
#
# **You will:** load a Hugging Face model, ask it as a base model must be asked, and read what it
# writes.
# Then choose among sixteen replies by a verifier, by a vote and by a reward model.
#
# **Builds on:** lesson 01 (best-of-n), lesson 02 (temperature) and lesson 06 (verifiers, votes,
# pass@k).
#
# **Time:** 28 minutes, and 40 more for the parts marked *Deeper*.
# On a GPU the sampling takes longer.

# %% [markdown] tags=["slide"]
# ## Would you pay for this?
#
# A small model was asked to add 5, 7 and 4.
# This is one of its replies:

# %% tags=["hide"]
# what this lesson uses
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

# %% tags=["hide"]
# what it uses of the course, and a lucky reply
import course_lib as course
from course_lib.base import CourseError
from course_lib.classroom import plots, quiz, show
from course_lib.estimators import (best_of_n_curve, bootstrap_interval, majority,
    paired_difference, pass_at_k, win_scores)
from course_lib.experiments import COLAB_T4, job, preflight, problems_for
from course_lib.models import GoldReward, new_reward_model
from course_lib.worlds import equation_holds, equations, few_shot, find_answer, verify

lucky_reply = "<<5+3=8>>8\n<<7+9=16>>16\n#### 16"

# %% tags=["slide", "nbval-check-output"]
show.replies("Leo has 5 cups, Eva has 7 and Gus has 4. How many cups are there?",
    [lucky_reply], notes=["verifier: " + verify(lucky_reply, "16").status])

# %% tags=["hide", "remove-input"]
assert verify(lucky_reply, "16").status == "correct"
assert all(equation_holds(step) for step in equations(lucky_reply))

# %% [markdown]
# The number is right, both sums are true, and the verifier pays.
# Yet nobody has 3 cups, and nobody knows where the 9 comes from.
# Read before you count.
#
# ## What is real on this page, and what is not

# %% [markdown] tags=["slide"]
# **The outputs saved in this notebook come from a stand-in**: a Qwen3 of 75,000 parameters, which a
# cell below trains in some seconds to add three small numbers.
# Everything else is what a real run uses: architecture, kind of tokenizer, file format, loading
# code, prompts, verifier, choice.
# Every score is the stand-in's.
# It is trained while the page runs, and sums round otherwise with another number of threads, so
# your numbers are a little different from the saved ones.
#
# On a GPU the *same cells* take `Qwen/Qwen3-0.6B-Base` and GSM8K.
# **When this was written, no cell of this page had been run with those weights, and none on a T4**,
# the GPU that Colab lends.

# %% [markdown] tags=["slide"]
# ## Before a model is downloaded
#
# The data comes first.
# GSM8K is 7,473 training and 1,319 test problems from school, with their solutions (Cobbe et al.,
# arXiv 2110.14168).
# It is two files of 5 MB together, in the public repository `openai/grade-school-math` under the
# MIT licence, and not part of this course.
# On a GPU the next cell fetches it and checks what came.
# Where that fails, it says what to do by hand.
#
# `tier` says what this machine can run, from `cpu` to `big`.
# A `job` is all that depends on it: models, data, sizes.

# %%
folder = Path(tempfile.mkdtemp())
tier = course.tier()
data = problems_for(tier, folder)  # without a GPU: the stand-in's sums
work = job(tier, folder, data)     # without a GPU: makes the stand-in, some 20 seconds

# %% tags=["nbval-check-output"]
t4 = job(course.tier("t4"), folder, data)
show.table(["", "model", "prompts", "held out", "candidates"], [
    ("here", "stand-in" if work.standin else work.policy, work.prompts, work.held_out,
        work.n),
    ("on a T4", t4.policy, t4.prompts, t4.held_out, t4.n)])

# %% [markdown]
# **Does it fit, and how long does it take?**
# `preflight` says so before a model is downloaded.
# Here for lessons 09a and 09b on a T4, by arithmetic.
# *Keys and values* are what attention remembers of earlier tokens.
# A *step* writes one token of each of the replies that are written side by side.

# %% tags=["slide"]
plan = preflight(t4, COLAB_T4)
show.table(["what", "needed", "there is", "assumed"], plan.rows())

# %% [markdown] tags=["slide"]
# A problem is a question, and a solution with its equations between `<<` and `>>` and the answer
# after `####`.
# The stand-in's problems have the same form:

# %%
world = course.load_world("gsm8k", data=work.data)
questions, info = world.prompts("train", limit=work.prompts)
# the bare question travels with its prompt
info = [{**about, "question": q} for q, about in zip(questions, info, strict=True)]
show.replies(questions[0], [info[0]["solution"]], names=["solution"],
    notes=[f"answer {info[0]['answer']}"])

# %% [markdown]
# ## The model is a folder

# %% [markdown] tags=["slide"]
# A `transformers` model is a folder: weights, configuration, tokenizer.
# `from_pretrained` takes such a folder or a name on the Hub, and so does `load_policy`.
# We load it, save it, load it again, and compare every weight.
# Do this before a long run: what is saved at the end can then be read.

# %% tags=["hide"]
# save, load, compare, and leave nothing behind
def saved_and_loaded(policy, place):
    """(names of the files, whether the weights come back equal to the last bit)."""
    policy.save(place)
    files = sorted(file.name for file in place.iterdir())
    again = course.load_policy(place, template="plain", dtype=dtype, device="cpu")
    first, second = policy.model.state_dict(), again.model.state_dict()
    same = all(torch.equal(first[name].cpu(), second[name]) for name in first)
    shutil.rmtree(place)
    return files, same

# %%
dtype = getattr(torch, work.dtype)  # float32 without a GPU
policy = course.load_policy(work.policy, template="plain", dtype=dtype)
files, equal_weights = saved_and_loaded(policy, folder / "copy")

# %% tags=["nbval-check-output"]
show.facts({"model": type(policy.model).__name__, "files": ", ".join(files),
    "the same weights after saving and loading": equal_weights})

# %% tags=["hide", "remove-input"]
size = sum(p.numel() for p in policy.model.parameters())
assert equal_weights and (not work.standin or round(size, -3) == 75_000)

# %% [markdown] tags=["slide"]
# ## The question as the model sees it
#
# `Qwen3-0.6B-Base` is a **base model**: it has read text, and nobody has taught it to take turns.
# So the question is put as text to be continued.
# A **few-shot prompt** shows some solved problems first, and the model goes on in the same form.
# With one example:

# %% tags=["slide"]
solved = list(zip(*world.prompts("train"), strict=True))[-4:]  # the last four problems
four = [(question, about["solution"]) for question, about in solved]
examples = four[: work.shots]  # all on a GPU; the stand-in knows the form
asked = few_shot(questions, examples)
print(few_shot(questions[:1], four[:1])[0])

# %% tags=["hide", "remove-input"]
assert not {question for question, _ in four} & set(questions)

# %% [markdown] tags=["slide"]
# **Where does a reply end?**
# The model can go on with a question of its own, answer it too, and the verifier reads *that*
# answer.
# So a reply stops where the next question would begin, or at the model's own end token.
# A stop is a text: `sample` cuts where it first stands, whatever the tokens are.

# %% [markdown]
# ## Deeper: Chat templates

# %% [markdown]
# A **chat template** writes who speaks and where the reply starts.
# This is ours, in the style that Qwen's models use:

# %% tags=["nbval-check-output"]
print(replace(policy, template="chat").render(["What is 3 plus 4?"])[0])

# %% [markdown]
# The lessons before used such a template.
# There may be one in a base model's folder, too, whose marks the model has not learned.
# A developer of Qwen3 reports this of its base models (github.com/QwenLM/Qwen3 issue 1608); we have
# not tested it.
# A model that never writes the end mark never stops.
#
# `template="plain"` gives the text as it is.
# The stop is a text and not a token, since a full stop and an empty line can be one token.
# The examples are taken from the end of the training list and are not among the prompts.
#
# Examples cost tokens, in every prompt:

# %% tags=["nbval-check-output"]
ways = {"four examples": few_shot(questions[:1], four),
    "none": few_shot(questions[:1])}
show.table(["question with", "tokens"],
    [(name, len(policy.encode(prompts)[0])) for name, prompts in ways.items()])

# %% [markdown]
# ## Deeper: Half precision

# %% [markdown]
# A T4 computes fast in float16, and has no native bfloat16.
# Three facts about float16: near 1 its numbers are about 0.001 apart, and a sum goes to the
# nearest; the smallest positive one is about 0.00000006, and below half of that it becomes 0; the
# largest is 65,504.
# On paper, then: **what is 1 + 0.0003? What becomes of a gradient of 0.00000001? And of 70,000?**

# %% tags=["nbval-check-output"]
half = torch.float16
total = torch.tensor(1.0, dtype=half) + torch.tensor(0.0003, dtype=half)
print("1 + 0.0003 =", total.item())
scaled = torch.tensor(1024 * 1e-8, dtype=half).float().item() / 1024
print("0.00000001 =", torch.tensor(1e-8, dtype=half).item())
print(f"times 1024, and divided again in float32: {scaled:.1e}")
print("70,000 =", torch.tensor(70_000.0, dtype=half).item())

# %% [markdown]
# Hence three rules, all kept by `finetune(..., dtype=torch.float16)` on a GPU.
# *Weights stay float32 while training*: small steps would be lost (first line).
# *The loss is scaled up* before the backward pass and gradients down after it, by PyTorch's
# `GradScaler`, or small gradients become zero (second line).
# *The scale falls when something overflows*, and that step is left out (third line).
# Sampling keeps float16 weights, and draws each token from probabilities computed in float32.
# On a CPU none of this is switched on.

# %% [markdown] tags=["slide"]
# ## First a few, and read them
#
# Sample for a few *training* problems first.
# What you read and repair here must not be what you test on later.

# %%
few, verifier = slice(0, 24), GoldReward(world, name="verifier")
pool = course.sample(policy, asked[few], work.sampling, info=info[few], seed=0)
pool = course.score(pool, verifier)
show.facts({"sampled": pool, "right": int(pool.reward().sum()),
    "cut at the token limit": int((pool.finish == 1).sum())})

# %% [markdown]
# Two right replies and two wrong ones to three problems, where there are such.
# *How* are the wrong ones wrong?
# By sums that do not hold, or by numbers that are not in the question?
# A reply that was cut is a fault of your settings: find it now.

# %% tags=["hide"]
# right and wrong replies, side by side
def some_of(i):
    """Two right and two wrong replies to question i, as far as there are."""
    at = [(word, j) for value, word in ((1, "right"), (0, "wrong"))
        for j in (pool.reward()[i] == value).nonzero().flatten().tolist()[:2]]
    return show.replies(f"{questions[i]} ({info[i]['answer']})",
        [pool.texts[i][j].strip() for _, j in at], names=[word for word, _ in at])

def true_steps(text):
    """Whether there are equations in a reply, and all of them hold."""
    return bool(equations(text)) and all(map(equation_holds, equations(text)))

# %% tags=["slide"]
show.together(*(some_of(i) for i in range(3)))

# %% tags=["hide", "remove-input"]
wrongly = [true_steps(pool.texts[i][j])
    for i, j in (pool.reward("verifier") < 0.5).nonzero().tolist()]
assert not work.standin or np.mean(wrongly) > 0.8

# %% [markdown]
# The stand-in calculates well: in more than four of five wrong replies every sum holds.
# It does not read.
# What a 0.6-billion model does wrong, you find out in this cell.

# %% [markdown]
# ## Deeper: What the verifier does not see

# %% [markdown]
# This verifier is **lenient**: it takes the number after `####`, or else other marks and in the end
# the last number in the text.
# So a reply in the wrong form can count as right, and the count of unreadable replies does not show
# it.
# Look for such replies yourself.

# %%
verdicts = [verify(t, a["answer"]).status
    for row, a in zip(pool.texts, pool.info, strict=True) for t in row]
show.table(["verdict", "replies"],
    [(status, verdicts.count(status)) for status in ("correct", "wrong", "unreadable")])

# %% tags=["hide", "remove-input"]
assert not work.standin or verdicts.count("correct") > 10

# %% [markdown]
# How many answers would be right by luck alone?
# The control: judge each reply by the answer to *another* question.

# %%
other = replace(pool, info=[*pool.info[1:], pool.info[0]])
lucky = course.score(other, GoldReward(world, name="luck")).reward("luck").mean()
print(f"right {pool.reward('verifier').mean():.0%}, "
    f"by another question's answer {lucky:.0%}")

# %% tags=["hide", "remove-input"]
assert not work.standin or pool.reward("verifier").mean() > 2 * lucky

# %% [markdown]
# So the stand-in does add, rather than guess.

# %% [markdown] tags=["slide"]
# ## Which of the sixteen?
#
# Now sixteen replies to each of many *test* problems.
# Who chooses among them?
#
# - The **verifier** picks a right reply wherever there is one: pass@k.
# - A **majority vote** takes the answer that was given most often, and needs no verifier.
# - The cheapest rival chooses nothing: one reply at temperature 0.
#
# In lesson 06 the vote was hardly better than that rival, because the mistakes agreed.
#
# **Your prediction.**
# Here one reply in two is right, and two in three at temperature 0.

# %% tags=["hide"]
# a question for your guess
quiz.predict("09a-vote",
    "How many of 100 questions does the majority of 16 answer right?",
    low=0, high=100, step=1, unit="questions")

# %% [markdown]
# On a GPU the next cell is the dear one: 1,024 replies of up to a few hundred tokens.

# %%
count = work.held_out if work.standin else 64
held, held_info = world.prompts("heldout", limit=count)
held_info = [{**about, "question": q} for q, about in zip(held, held_info, strict=True)]
shown = few_shot(held, examples)
tested = course.sample(policy, shown, work.sampling, n=16, info=held_info, seed=1)
tested = course.score(tested, verifier)
likeliest = course.sample(policy, shown, work.sampling, n=1, temperature=0,
    info=held_info)
greedy = course.score(likeliest, verifier).reward().numpy()  # (P, 1)

# %% tags=["hide"]
# what k replies reach by a verifier and by a vote
ks = [1, 2, 4, 8, 16]

def answer_in(text):
    """The number that a reply ends with, as text; None where there is none."""
    found, _ = find_answer(text)
    return None if found is None else str(found)

def vote(row, answer, k):
    """How often the majority of k is right, over the N/k hands of the replies."""
    hands = [row[i : i + k] for i in range(0, len(row), k)]
    return np.mean([majority(hand) == answer for hand in hands])

given = [[answer_in(text) for text in row] for row in tested.texts]
reached = pass_at_k(tested.reward("verifier"), ks)  # (P, 5)
voted = np.array([[vote(row, about["answer"], k) for k in ks]
    for row, about in zip(given, held_info, strict=True)])
# questions with the same numbers are no independent ones
alike = [" ".join(sorted(re.findall("[0-9]+", question))) for question in held]

# %% tags=["slide", "answer"]
lines = {"verifier’s choice (pass@k)": reached, "majority of k": voted,
    "one reply at temperature 0": np.repeat(greedy, len(ks), 1)}
plots.pass_at_k(ks, lines, ylabel="questions answered right (%)").guessed(
    "09a-vote", x=16)

# %% tags=["hide", "remove-input"]
assert not work.standin or reached[:, -1].mean() > 0.9
assert not work.standin or 0.4 < reached[:, 0].mean() < greedy.mean() < 0.85

# %% [markdown] tags=["slide"]
# **Here the vote works.**
# The stand-in's mistakes agree less: of sixteen votes the right answer gets eight in the mean, and
# the most frequent wrong one five.
# So the right one wins more often than a single reply hits it, and more often than the likeliest
# reply does.
#
# The verifier's line is far above.
# But whoever has that verifier knows the answer, and need not ask.
# What a *user* gets from sixteen replies is the vote.
# The gap between the two lines is what training can go for, in lesson 09b.

# %%
def points(one, other):
    """One minus the other in points, with its interval over sets of numbers."""
    return paired_difference(100 * one, 100 * other, groups=alike)

over_one = points(voted[:, -1], reached[:, 0])
over_greedy = points(voted[:, -1], greedy[:, 0])
show.table(["majority of 16 minus …", "points"],
    [("one reply", f"{over_one:+z.0f}"), ("temperature 0", f"{over_greedy:+z.0f}")])

# %% tags=["hide", "remove-input"]
def most_wrong(row, answer):
    """Votes of the most frequent wrong answer."""
    return max(Counter(a for a in row if a and a != answer).values(), default=0)

most = np.mean([most_wrong(row, about["answer"])
    for row, about in zip(given, held_info, strict=True)])
assert not work.standin or (over_one.low > 10 and 4 < most < 5.5)
assert not work.standin or 7 < 16 * reached[:, 0].mean() < 9

# %% [markdown]
# ## Deeper: Seen numbers flatter

# %% [markdown]
# Why test problems?
# The stand-in met other questions with the numbers of the *training* problems while it was made.
# The test problems hold other sets of numbers: 2, 3 and 5 are in one or the other, in whatever
# order they stand.
# Check it, and then compare the two at temperature 0:

# %%
def number_sets(split):
    return {tuple(sorted(re.findall("[0-9]+", question)))
        for question in world.prompts(split)[0]}

both = number_sets("heldout") & number_sets("train")
trained_on = course.sample(policy, asked[:count], work.sampling, n=1, temperature=0,
    info=info[:count])
on_training = course.score(trained_on, verifier).reward().mean()
show.facts({"sets of numbers in the test": len(number_sets("heldout")),
    "of them also in training": len(both),
    "right at temperature 0, test": f"{greedy.mean():.0%}",
    "right at temperature 0, training": f"{on_training:.0%}"})

# %% tags=["hide", "remove-input"]
assert not work.standin or (not both and on_training > 0.9)

# %% [markdown]
# On the problems it has half seen nothing is left to choose, and every method looks the same.
# Whether GSM8K was in the text that a published model has read, its users do not know.
# (On GSM8K the two counts of sets mean little: there questions differ by more than numbers.)

# %% [markdown] tags=["slide"]
# ## By a reward model
#
# For a task without a right answer the score comes from a reward model: on a GPU
# `Skywork/Skywork-Reward-V2-Qwen3-0.6B`.
# `load_reward_model` takes its folder like any other.
# It is a chat model and reads the bare question in its own template, not the few-shot prompt.
#
# **The stand-in's reward model has a random head.**
# How would you notice that it means nothing, if nobody told you?
# Ask how often it puts a right reply above a wrong one to the same question.
# A coin does so in half of the cases.
#
# **Your prediction.**

# %% tags=["hide"]
# a question for your guess
quiz.predict("09a-head",
    "Of 100 pairs, in how many does the random head put the right reply first?",
    low=0, high=100, step=1, unit="pairs")

# %% tags=["hide"]
# the pool scored by one model after the other, each gone after its turn
def scores_by(load):
    """(P, N) scores of the replies under their bare questions."""
    pool = replace(tested, prompts=held)
    return course.score(pool, load()).reward("reward")

def right_first(scores):
    """How often a right reply scores above a wrong one, where there are both."""
    both = zip(scores, tested.reward("verifier") > 0.5, strict=True)
    pairs = (torch.cartesian_prod(s[c], s[~c]).T
        for s, c in both if c.any() and not c.all())
    return bootstrap_interval([100 * win_scores(*pair).mean() for pair in pairs])

def head(seed):
    """Loads a reward model on the policy's own layers, its head drawn at random."""
    return lambda: replace(new_reward_model(policy, seed=seed), name="reward")

# %%
by_model = {"the job's reward model": scores_by(
    lambda: course.load_reward_model(work.reward, name="reward", dtype=dtype))}
by_model |= {f"random head {k}": scores_by(head(seed=1 + k))
    for k in range(1, 7)}
firsts = {name: right_first(scores) for name, scores in by_model.items()}

# %% tags=["slide", "answer"]
figure = plots.intervals(list(firsts), list(firsts.values()),
    "right reply first (% of pairs)", reference=50, reference_name="a coin")
figure.guessed("09a-head", axis="x")

# %% tags=["hide", "remove-input"]
assert not work.standin or all(30 < value.mean < 70 for value in firsts.values())

# %% [markdown] tags=["slide"]
# The heads land on both sides of the coin, for no reason but the draw.
# What the layers below compute differs between right and wrong replies, and any head picks up
# something of it.
# So a value a little above 50 does not prove that a head was trained.
# Compare with random heads, and do not choose by a reward model before you have made this check on
# your own data (lessons 03 and 04).
#
# Nor is choosing by such a head like drawing lots.
# How many of 100 questions does the highest of sixteen answer right?

# %%
best = {name: 100 * best_of_n_curve(scores, tested.reward("verifier"), [16]).mean()
    for name, scores in by_model.items()}
show.facts({"one reply": f"{100 * reached[:, 0].mean():.0f}",
    "highest of 16 by the best of these heads": f"{max(best.values()):.0f}",
    "by the worst": f"{min(best.values()):.0f}"})

# %% tags=["hide", "remove-input"]
assert not work.standin or max(best.values()) < 100 * reached[:, 0].mean()

# %% [markdown]
# In the saved run every one of them is worse than taking any reply.
# A head that prefers right replies a little, pair by pair, can still have a wrong one on top.

# %% [markdown]
# ## Deeper: A head that is missing

# %% [markdown]
# There is a worse case, and it is reported: the head is *missing* from the folder, because a
# backbone was saved without it or weights were merged wrongly.
# `transformers` then fills it with random numbers and goes on with a warning.
# `load_reward_model` refuses:

# %%
from safetensors.torch import load_file, save_file
from course_lib.models import tiny_policy

new_reward_model(tiny_policy(questions, width=32,
    vocabulary=300)).save(folder / "headless")
file = folder / "headless" / "model.safetensors"
save_file({name: w for name, w in load_file(file).items() if "score" not in name}, file,
    metadata={"format": "pt"})

# %%
try:
    course.load_reward_model(folder / "headless")
except CourseError as error:
    refused = str(error).replace(str(folder / "headless"), "headless")
show.facts({"CourseError": refused})

# %% tags=["hide", "remove-input"]
assert "score.weight" in refused

# %% [markdown] tags=["slide"]
# ## Right, and for the right reasons
#
# The reply that opened this page is right by luck.
# Call a right reply **sound** when every equation holds and the first one uses numbers of the
# question.
#
# **Of the right replies, how many are sound?**

# %% tags=["hide"]
# which right replies are sound
def sound(question, text):
    """True when every equation holds and the first uses numbers of the question."""
    numbers = re.compile(r"[0-9]+")
    if not true_steps(text):
        return False
    used = numbers.findall(equations(text)[0].split("=")[0])
    return set(used) <= set(numbers.findall(question))

right = [(held[i], tested.texts[i][j])
    for i, j in (tested.reward("verifier") > 0.5).nonzero().tolist()]
share_sound = np.mean([sound(*reply) for reply in right])

# %% tags=["slide", "answer"]
plots.shares({f"{len(right):,} right replies": [share_sound, 1 - share_sound]},
    ("sound", "not sound"), "% of right replies", colours=(2, 1))

# %% tags=["hide", "remove-input"]
assert not work.standin or 0.75 < share_sound < 0.95
assert not sound("Leo has 5 cups, Eva has 7 and Gus has 4. How many?", lucky_reply)

# %% [markdown]
# Most, and not all.
# A verifier of the answer pays for luck, and fine-tuning on what it paid for teaches luck with the
# rest.
# Lesson 09b asks whether that happened.
# (In GSM8K numbers are also written as words, so there this check is too strict.)

# %% [markdown]
# ## Deeper: Memory of keys and values

# %% [markdown]
# While a reply is written, attention remembers two vectors of every earlier token, in each layer,
# for each **key-value head**.
# (Qwen3 has fewer of these than attention heads: several attention heads read the same keys and
# values, which saves memory.)
# The formula, and a real cache of this model:

# %%
from course_lib.estimators import GB, cache_bytes

def bytes_in_cache(prompt):
    """(tokens, bytes of their keys and values) of a prompt that was read."""
    ids = torch.tensor(policy.encode([prompt]), device=policy.device)
    with torch.inference_mode():
        cache = policy.model(input_ids=ids, use_cache=True).past_key_values
    return ids.shape[1], sum(a.keys.nbytes + a.values.nbytes for a in cache.layers)

# %%
c, width = policy.model.config, next(policy.model.parameters()).element_size()
tokens, real = bytes_in_cache(asked[0])
print(f"2 × {c.num_hidden_layers} layers × {c.num_key_value_heads} key-value heads × "
    f"{c.head_dim} numbers\n× {tokens} tokens × {width} bytes = "
    f"{cache_bytes(c, tokens, width):,}; measured {real:,}")

# %% tags=["hide", "remove-input"]
assert real == cache_bytes(c, tokens, width)

# %% [markdown]
# Qwen3-0.6B's configuration has 28 layers and 8 key-value heads of width 128.
# **On paper: how many bytes is one token in half precision? And 256 candidates of 320 tokens?**

# %% tags=["answer", "nbval-check-output"]
token = 2 * 28 * 8 * 128 * 2
show.facts({"keys and values of a token": f"{token:,} bytes",
    "256 candidates of 320 tokens": f"{256 * 320 * token / GB:.1f} GB"})

# %% [markdown]
# So `sample` works in groups that fit into what the card has free (`memory_mb` sets a limit).
# In single precision the groups change no candidate.
# In half precision rounding changes some: 20 of 512 of our help desk's policy in bfloat16, and 13
# of 16 of Gemma 3 270M's (`benchmarks/half_precision.py`).
# They come from the same distribution, so no mean is harmed.
# Only do not expect the same replies again after changing the limit.

# %% [markdown]
# ## Deeper: More machines

# %% [markdown]
# Sampling splits by prompts.
# Give each worker a **shard**, a run of neighbouring prompts, and tell it where the shard starts
# (`first_prompt`): then it draws exactly the candidates that the single run would have drawn.
# 25 prompts, 2 workers.
# **How many prompts does each get?**

# %% tags=["nbval-check-output"]
from course_lib.estimators import shards

show.table(["prompts of", "worker 0", "worker 1", ""], [("ours", *shards(25, 2), ""),
    ("25 // 2 for each", (0, 12), (12, 24), "loses prompt 24")])

# %% [markdown]
# Dropping the remainder is a bug seen in public code; no error tells you.
# Now live: two separate Python processes, each with its own shard, its own copy of the model (on a
# GPU 1.2 GB more for each), and nothing in common but the folder.

# %%
worker = """
import sys, torch, course_lib as course
from course_lib.worlds import few_shot
policy, data, dtype, first, last, out = sys.argv[1:]
first, last = int(first), int(last)
policy = course.load_policy(policy, template="plain", dtype=getattr(torch, dtype))
questions, info = course.load_world("gsm8k", data=data).prompts("train", limit=last)
settings = dict(n=4, max_tokens=32, seed=0, info=info[first:], first_prompt=first)
course.sample(policy, few_shot(questions)[first:], **settings).save(out)
"""
bare = few_shot(questions)
outs = [folder / f"shard{k}.npz" for k in range(2)]
common = [sys.executable, "-c", worker, work.policy, work.data, work.dtype]
started = [subprocess.Popen([*common, str(a), str(b), str(out)])
    for (a, b), out in zip(shards(25, 2), outs, strict=True)]
alone = course.sample(policy, bare[:25], n=4, max_tokens=32, seed=0, info=info[:25])
ended = [process.wait() for process in started]

# %%
together = course.Pool.concat([course.Pool.load(out) for out in outs])
same = together.texts == alone.texts
print(f"{together.P} prompts, the same replies as the single run: {same}")

# %% tags=["hide", "remove-input"]
assert not work.standin or (together.texts == alone.texts and ended == [0, 0])

# %% [markdown]
# The control: the second shard again, without `first_prompt`.

# %%
unnumbered = course.sample(policy, bare[12:25], n=4, max_tokens=32, seed=0,
    info=info[12:25])
pairs = [(a, b) for x, y in zip(unnumbered.texts, alone.texts[12:], strict=True)
    for a, b in zip(x, y, strict=True)]
print(sum(a == b for a, b in pairs), "of", len(pairs),
    "replies are those of the single run")

# %% tags=["hide", "remove-input"]
assert not work.standin or unnumbered.texts != alone.texts[12:]

# %% [markdown]
# They differ, since these workers number their prompts from 0 and so use the random numbers of the
# first shard again.
# (Equal replies are those a confident model writes with most random numbers.)
#
# A larger job has the same shape; we describe it, and have not run it.
# A scheduler such as Ray Data hands shards to workers, each holding one model on one GPU, and
# writes what they return as files.
# Scoring works in the same way.
# Selection is a small step in one place.
# Training on several GPUs is data-parallel: each takes a part of the batch, and gradients are
# averaged.

# %% [markdown]
# ## Deeper: Replies from anywhere

# %% [markdown]
# Often the candidates already exist: sampled by a faster server, or by somebody else.
# All we need is a file with prompts and replies, one JSON object a line.
# `read_rollouts` knows the usual shapes by their keys.
# Writing and reading again keeps prompts, replies, rewards, `info` and why each reply ended; it
# does not keep tokens and log-probabilities:

# %%
from course_lib.pools import (distinct_paths, preference_pairs, read_rollouts,
    write_pairs, write_rollouts, write_selection)

some = replace(pool, prompts=questions[few])
write_rollouts(some, folder / "rollouts.jsonl", shape="question/completions/rewards")
back = read_rollouts(folder / "rollouts.jsonl")

# %%
written = (folder / "rollouts.jsonl").read_text(encoding="utf-8").splitlines()
same = {what: getattr(back, what) == getattr(some, what)
    for what in ("prompts", "texts", "info")}
same["finish"] = torch.equal(back.finish, some.finish)
chosen = distinct_paths(course.score(back, verifier), by="verifier", key=world.path)
show.facts({"keys of a line": ", ".join(json.loads(written[0])),
    "the same after reading": ", ".join(what for what, kept_ in same.items() if kept_),
    "tokens kept": back.tokens is not None})

# %% tags=["hide", "remove-input"]
assert back.texts == some.texts and len(chosen) == len(distinct_paths(some,
    by="verifier",
    key=world.path))

# %% [markdown]
# The whole of it on somebody's file is one command.
# It verifies, selects, and fine-tunes; without `--policy` it trains a tiny model with random
# weights, which shows that the loop works and nothing about reasoning.
#
# ```
# course run --world gsm8k --data DIR --rollouts FILE --reward verifier
# ```
#
# The same from Python:

# %%
from course_lib.experiments import rollouts_table, run as run_course

result = run_course(world="gsm8k", data=work.data, rollouts=folder / "rollouts.jsonl",
    reward="verifier", epochs=1)
printed = rollouts_table({**result, "rollouts": "rollouts.jsonl", "seconds": 0})
tail = printed[printed.index("selected") :].split("\n")[0]
show.replies("", [tail], names=["one line of what `course run` prints"])

# %% [markdown]
# Out again, for other trainers: `write_selection` gives `prompt` and `completion`, as TRL's
# supervised trainer reads them; `write_pairs` gives `prompt`, `chosen` and `rejected`, as its DPO
# and reward trainers do.

# %%
write_selection(chosen.to_rows(), folder / "sft.jsonl")
write_pairs(preference_pairs(some, by="verifier"), folder / "pairs.jsonl")
rows = []
for name in ("sft.jsonl", "pairs.jsonl"):
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    rows += [(name, len(lines), key, f"{value[:38]} …")
        for key, value in json.loads(lines[0]).items() if isinstance(value, str)]
show.table(["file", "lines", "key of the first", "value"], rows)

# %% [markdown]
# Read the first pair.
# In the saved output the chosen reply adds a number that is not in the question and is right by
# luck.
# A pair teaches whatever differs between its two sides, luck included.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - A model is a folder, and one `job` is all that differs between a laptop and a GPU.
#   Saved and loaded, all 75,000 weights were the same.
# - In the saved run at least one of sixteen replies is right for 96 questions of 100, and the
#   majority is right for 73.
# - The vote beats the reply at temperature 0 by nine points.
#   In lesson 06, where mistakes agree, it did not.
# - Seven heads that were never trained put the right reply first in 40 to 60 pairs of 100, and
#   choosing by any of them is worse than taking one reply.
# - Of the right replies more than four in five are sound, and the verifier pays for the others too.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# The real weights: **not one of the cells above was run with Qwen3-0.6B-Base, with the Skywork
# reward model, with GSM8K's own problems, on a GPU, or on Colab** when this was written.
# Lesson 09b has a table of another model with real weights, on the real problems.
# Serving engines, which are made for sampling on GPUs, are not used.
#
# ### In real systems
#
# - Cobbe and others let a trained verifier choose among 100 solutions, and found that more than
#   some 400 made the choice worse (arXiv 2110.14168).
# - Self-consistency, the vote of this page, was reported with 40 samples of a large model
#   (arXiv 2203.11171).
# - Llama 3 reports that a paged memory for keys and values more than doubled the throughput of its
#   rejection sampling (arXiv 2407.21783).
#
# ### Further reading
#
# Cobbe et al., arXiv 2110.14168, for the data and for the first verifiers.
# Brown et al., *Large language monkeys*, arXiv 2407.21787, on what many samples reach.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex09`, after lesson 09b: two of its tasks, shards and rows for another
# trainer, belong to this one.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# The one on shards belongs to a Deeper part.
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("09a")
