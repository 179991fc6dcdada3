# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown] tags=["slide"]
# # Choosing from a real model: its answers, and a choice among them
#
# **You will:** load a Hugging Face model, ask it as a base model must be asked, read what it
# writes, and choose among sixteen replies by a verifier, by a vote and by a reward model.
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
# what this lesson uses, and a lucky reply
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import course_lib as course
from course_lib.base import CourseError
from course_lib.classroom import plots, quiz, show
from course_lib.commands import doctor
from course_lib.estimators import (best_of_n_curve, bootstrap_interval, machine, majority,
    paired_difference, pass_at_k, win_scores)
from course_lib.experiments import TIERS, find_gsm8k, job
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
#
# On a GPU the *same cells* take `Qwen/Qwen3-0.6B-Base` and GSM8K.
# **When this was written, no cell of this page had been run with those weights, and none on a T4**,
# the GPU that Colab lends.

# %% [markdown]
# `tier` is `cpu`, `t4` or `big`, by what was found.
# A `job` is all that depends on it: models, data, sizes.

# %%
folder = Path(tempfile.mkdtemp())
tier = course.tier()
work = job(tier, folder)  # without a GPU: makes the stand-in, some seconds

# %% tags=["nbval-check-output"]
t4 = TIERS["t4"]
show.table(["", "model", "prompts", "held out", "candidates"], [
    ("here", "stand-in" if work.standin else work.policy, work.prompts, work.held_out,
        work.n),
    ("on a T4", t4.policy, t4.prompts, t4.held_out, t4.n)])

# %% [markdown]
# The data is in GSM8K's format: a question, and a solution with its equations between `<<` and `>>`
# and the answer after `####`.

# %%
world = course.load_world("gsm8k", data=work.data)
questions, info = world.prompts("train", limit=work.prompts)
# the bare question travels with its prompt
info = [{**about, "question": q} for q, about in zip(questions, info, strict=True)]
show.replies(questions[0], [info[0]["solution"]], names=["solution"],
    notes=[f"answer {info[0]['answer']}"])

# %% [markdown]
# ## Deeper: The machine, the folder, the data

# %% [markdown]
# `course doctor` prints these facts in a terminal.

# %%
have, facts = machine(), doctor.examine()
show.facts({"GPU": have["gpu"] or "none", "tier": facts["tier"],
    "memory": f"{have['memory_gb']:.0f} GB",
    "on the GPU": f"{have['gpu_memory_gb']:.0f} GB",
    "disk free": f"{have['disk_free_gb']:.0f} GB", "torch": facts["packages"]["torch"],
    "transformers": facts["packages"]["transformers"]})

# %% [markdown]
# GSM8K is 7,473 training and 1,319 test problems in two files of JSON lines (Cobbe et al., arXiv
# 2110.14168), in the public repository `openai/grade-school-math` under the MIT licence, and on the
# Hub as `openai/gsm8k`.
# It does not come with this course.
# `find_gsm8k` looks in a few usual places, and says what to do when the files are not there:

# %% tags=["nbval-check-output"]
try:
    found = bool(find_gsm8k())
except CourseError as error:
    found = f"no. {error}"
show.facts({"GSM8K found": found})

# %% [markdown]
# The stand-in's test problems use other *sets* of numbers than the training questions: 2, 3 and 5
# are in one or the other, in whatever order they stand.
# So a list of answers cannot help.
# (What the stand-in itself was first trained on has different questions, but their numbers may
# coincide.)
# Check it:

# %%
def number_sets(split):
    return {tuple(sorted(re.findall("[0-9]+", question)))
        for question in world.prompts(split)[0]}

shared = number_sets("heldout") & number_sets("train")
print(len(number_sets("heldout")), "sets of numbers in the test,", len(shared),
    "of them also in training")

# %% tags=["hide", "remove-input"]
assert not work.standin or not shared

# %% [markdown]
# ## The model is a folder

# %% [markdown] tags=["slide"]
# A `transformers` model is a folder: weights, configuration, tokenizer.
# `from_pretrained` takes such a folder or a name on the Hub, and so does `load_policy`.
# We load it, save it, load it again, and compare every weight.
# Do this before a long run: what is saved at the end can then be read.

# %% tags=["hide"]
def as_saved(policy, place):
    """Whether a policy that is saved and loaded has equal weights, to the last bit."""
    policy.save(place)
    again = course.load_policy(place, template="plain", dtype=dtype)
    first, second = policy.model.state_dict(), again.model.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)

# %%
dtype = getattr(torch, work.dtype)  # float32 without a GPU
policy = course.load_policy(work.policy, template="plain", dtype=dtype)
equal_weights = as_saved(policy, folder / "copy")

# %% tags=["nbval-check-output"]
show.facts({"model": type(policy.model).__name__,
    "files": ", ".join(sorted(f.name for f in (folder / "copy").iterdir())),
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

# %%
def solved(count):
    """The last problems of the training list with their solutions, as examples."""
    shown = zip(*world.prompts("train"), strict=True)
    return [(question, about["solution"]) for question, about in shown][-count:]

four = solved(4)
examples = four[: work.shots]  # four on a GPU; the stand-in knows the form, needs none
asked, bare = few_shot(questions, examples), few_shot(questions)
print(few_shot(questions[:1], four[:1])[0])

# %% tags=["hide", "remove-input"]
assert not {question for question, _ in examples} & set(questions)

# %% [markdown]
# **Where does a reply end?**
# The model could go on with a question of its own, and the verifier would read *its* answer.
# So the real job stops at the empty line between two problems, or at the model's own end token.

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
# A stop is a text: `sample` cuts a reply where the text first stands, whatever the tokens are.
# (A full stop and an empty line may be one token.)
# The examples are taken from the end of the training list and are not among the prompts.
#
# Examples cost tokens, in every prompt:

# %% tags=["nbval-check-output"]
ways = {"four examples": few_shot(questions[:1], four), "none": bare[:1]}
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
# ## Sixteen replies to each question
#
# Now sample.
# These are *training* questions: what you read and repair here must not be what you test on later.

# %%
first = slice(0, 192 if work.standin else 64)
verifier = GoldReward(world, name="verifier")
pool = course.sample(policy, asked[first], work.sampling, n=16, info=info[first], seed=0)
pool = course.score(pool, verifier)
show.facts({"sampled": pool, "right": int(pool.reward().sum()),
    "cut at the token limit": int((pool.finish == 1).sum())})

# %% [markdown]
# On a GPU this is the dear cell of the page: 1,024 replies of up to 320 tokens.
#
# Now read: two right replies and two wrong ones to three prompts, where there are such.
# *How* are the wrong ones wrong?
# By numbers that are not in the question, or by sums that do not hold?
# A reply that was cut is a fault of your settings: find it now.

# %% tags=["hide"]
def some_of(i):
    """Two right and two wrong replies to question i, as far as there are."""
    at = [(word, j) for value, word in ((1, "right"), (0, "wrong"))
        for j in (pool.reward()[i] == value).nonzero().flatten().tolist()[:2]]
    return show.replies(f"{questions[i]} ({info[i]['answer']})",
        [pool.texts[i][j].strip() for _, j in at], names=[word for word, _ in at])

# %% tags=["slide"]
show.together(*(some_of(i) for i in range(3)))

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
# A **verifier** picks a right reply wherever there is one: pass@k.
# A **majority vote** takes the answer that was given most often.
# The cheapest rival is one reply at temperature 0.
# In lesson 06 the vote was hardly better than one reply, because the mistakes agreed.
#
# **Your prediction.**
# The stand-in adds three numbers, and half of its replies are wrong.
# Do its mistakes agree?

# %% tags=["hide"]
# a question for your guess
quiz.predict("09a-vote",
    "How many of 100 questions does the majority of 16 answer right?",
    low=0, high=100, step=1, unit="questions")

# %% tags=["hide"]
# what k replies reach by a verifier and by a vote, and one reply at temperature 0
ks = [1, 2, 4, 8, 16]
answers = [[None if (a := find_answer(text)[0]) is None else str(a) for text in row]
    for row in pool.texts]

def vote(row, answer, k):
    """How often the majority of k is right, over the N/k hands of the replies."""
    hands = [row[i : i + k] for i in range(0, len(row), k)]
    return np.mean([majority(hand) == answer for hand in hands])

reached = pass_at_k(pool.reward("verifier"), ks)  # (P, 5)
voted = np.array([[vote(row, about["answer"], k) for k in ks]
    for row, about in zip(answers, pool.info, strict=True)])
likeliest = course.score(course.sample(policy, asked[first], work.sampling, n=1,
    temperature=0, info=info[first]), verifier)
greedy = likeliest.reward("verifier").numpy()  # (P, 1)

# %% tags=["slide", "answer"]
lines = {"verifier’s choice (pass@k)": reached, "majority of k": voted,
    "one reply at temperature 0": np.repeat(greedy, len(ks), 1)}
plots.pass_at_k(ks, lines, ylabel="questions answered right (%)").guessed(
    "09a-vote", x=16)

# %% tags=["hide", "remove-input"]
gain = paired_difference(voted[:, -1], greedy[:, 0])
over_one = paired_difference(voted[:, -1], reached[:, 0])
assert not work.standin or (reached[:, -1].mean() > 0.9 and over_one.low > 0.1)

# %% [markdown] tags=["slide"]
# On the stand-in the vote works: its mistakes scatter over many numbers, and the right answer is
# one.
# The verifier's line is higher, but a user has no verifier: whoever knows the answer does not ask.

# %% [markdown] tags=["slide"]
# ## By a reward model
#
# For a task without a verifier the score comes from a reward model, on a GPU
# `Skywork/Skywork-Reward-V2-Qwen3-0.6B`.
# `load_reward_model` takes its folder like any other.
# It is a chat model and reads the bare question in its own template, not the few-shot prompt.
#
# **The stand-in's reward model has a random head.**
# How would you notice that it means nothing, if nobody told you?
# Ask how often it puts a right reply above a wrong one to the same question.
#
# **Your prediction.**
# What share would you expect?
# And from a second random head on the same backbone: the same?

# %% tags=["hide"]
def judged_by(load):
    """The pool scored by the model that ``load`` gives, which is gone afterwards."""
    told = replace(pool, prompts=[about["question"] for about in pool.info])
    return course.score(told, load()).reward("reward")

def right_above(scores):
    """How often a right reply scores above a wrong one, where there are both."""
    both = zip(scores, pool.reward("verifier") > 0.5, strict=True)
    return bootstrap_interval([win_scores(*torch.cartesian_prod(s[c], s[~c]).T).mean()
        for s, c in both if c.any() and not c.all()])

# %%
heads = {
    "reward model": judged_by(
        lambda: course.load_reward_model(work.reward, name="reward", dtype=dtype)),
    "a random head": judged_by(
        lambda: replace(new_reward_model(policy, seed=7), name="reward"))}
show.table(["", "right above wrong", "best of 16 right"],
    [(name, f"{right_above(scores):.2f}",
        f"{best_of_n_curve(scores, pool.reward('verifier'), [16]).mean():.2f}")
        for name, scores in heads.items()])

# %% tags=["hide", "remove-input"]
assert not work.standin or all(0.1 < right_above(s).mean < 0.9 for s in heads.values())

# %% [markdown]
# A coin would get 0.5.
# A random head lands elsewhere: each draw gives its own value, for no reason but the draw.
# A value away from 0.5 does not prove that a head was trained.
# So compare with a random head too, and do not select by a reward model before you have made this
# check on your own data (lessons 03 and 04).

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
# Call a right reply *sound* when every equation holds and the first one uses numbers of the
# question.
# The reply that opened this page is right and not sound.
# **Of the right answers, how many are sound?**

# %% tags=["hide"]
def sound(question, text):
    """True when every equation holds and the first uses numbers of the question."""
    steps, numbers = equations(text), re.compile(r"[0-9]+")
    if not steps or not all(equation_holds(step) for step in steps):
        return False
    used = numbers.findall(steps[0].split("=")[0])
    return set(used) <= set(numbers.findall(question))

right = [(pool.info[i]["question"], pool.texts[i][j])
    for i, j in (pool.reward("verifier") > 0.5).nonzero().tolist()]

# %% tags=["answer"]
print(f"{len(right)} right answers, {sum(sound(*r) for r in right)} of them sound")

# %% tags=["hide", "remove-input"]
assert not work.standin or 0.8 * len(right) < sum(sound(*r) for r in right) < len(right)
assert not sound("Leo has 5 cups, Eva has 7 and Gus has 4. How many?", lucky_reply)

# %% [markdown]
# More than four in five, and not all.
# Training on a right answer with wrong steps teaches wrong steps.

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
# Now live: two separate Python processes, each with its own shard, its own copy of the model, and
# nothing in common but the folder.

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
assert not work.standin or together.texts == alone.texts
assert together.P == 25 and ended == [0, 0]

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
from course_lib.pools import distinct_paths, read_rollouts, write_pairs, write_rollouts, write_selection
from course_lib.pools import preference_pairs

some = replace(pool.prompts_at(range(60)), prompts=questions[:60])
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
# - More than four in five right answers are sound; the verifier keeps the others, too.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# The real weights.
#
# ### In real systems
#
# - Rejection-sampling fine-tuning was studied on GSM8K with 100 samples a problem (arXiv
#   2308.01825).
#
# ### Further reading
#
# Cobbe et al., arXiv 2110.14168, for the data.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex09`: after lesson 09b.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("09a")
