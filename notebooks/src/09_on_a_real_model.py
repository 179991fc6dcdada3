# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown] tags=["slide"]
# # On a real model
#
# **You will:** load a Hugging Face model, see whether its training fits in memory, run the four
# lines on it, and compare the result with its control and with a lower temperature.
#
# **Builds on:** lesson 05 (RFT, the matched random control) and lesson 06 (verifiers, distinct
# paths, pass@k).
#
# **Time:** 30 minutes, and 45 more for the parts marked *Deeper*.
# On a GPU the long run takes longer.

# %% [markdown] tags=["slide"]
# ## Would you pay for this?
#
# A small model was asked to add 5, 7 and 4.
# This is one of its replies:

# %% tags=["hide"]
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

import course_lib as course
from course_lib.base import CourseError
from course_lib.classroom import explore, plots, quiz, show
from course_lib.commands import doctor
from course_lib.estimators import machine, timed
from course_lib.experiments import TIERS, find_gsm8k, job
from course_lib.worlds import equation_holds, equations, few_shot, verify

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
# Read before you train.
#
# ## What is real on this page, and what is not

# %% [markdown] tags=["slide"]
# **The outputs saved in this notebook come from a stand-in**: a Qwen3 of 75,000 parameters, which a
# cell below trains in some seconds to add three small numbers.
# Everything else is what a real run uses: architecture, kind of tokenizer, file format, loading
# code, prompts, verifier, selection, training.
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
# A full disk can end a run after an hour; you can see it coming in the first minute.
# (`course doctor` prints these facts in a terminal.)

# %%
have, facts = machine(), doctor.examine()
show.facts({"GPU": have["gpu"] or "none", "tier": facts["tier"],
    "memory": f"{have['memory_gb']:.0f} GB",
    "on the GPU": f"{have['gpu_memory_gb']:.0f} GB",
    "disk free": f"{have['disk_free_gb']:.0f} GB", "torch": facts["packages"]["torch"],
    "transformers": facts["packages"]["transformers"]})

# %% tags=["hide", "remove-input"]
needed = 2 if facts["tier"] == "cpu" else 12
assert have["disk_free_gb"] > needed, "checkpoints will not fit on this disk"

# %% [markdown]
# On Colab: *Runtime → Change runtime type → T4 GPU*.
# This page asks Colab for one by itself.
#
# `folder` is where everything is kept.
# A temporary folder is right for a lesson.
# **On Colab it is wrong for real work**: the machine's disk goes when the machine goes.
# Mount Google Drive (the folder icon on the left, then *Mount Drive*; or
# `from google.colab import drive; drive.mount("/content/drive")`) and put `folder` on it, such as
# `Path("/content/drive/MyDrive/lesson09")`.
# We could not try that here.
#
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
def same_weights(a, b):
    """Whether two policies have equal weights, to the last bit."""
    first, second = a.model.state_dict(), b.model.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)

# %%
dtype = getattr(torch, work.dtype)  # float32 without a GPU
policy = course.load_policy(work.policy, template="plain", dtype=dtype)
policy.save(folder / "copy")
again = course.load_policy(folder / "copy", template="plain", dtype=dtype)
equal_weights = same_weights(policy, again)
del again

# %% tags=["nbval-check-output"]
show.facts({"model": type(policy.model).__name__,
    "files": ", ".join(sorted(f.name for f in (folder / "copy").iterdir())),
    "the same weights after saving and loading": equal_weights})

# %% tags=["hide", "remove-input"]
size = sum(p.numel() for p in policy.model.parameters())
assert equal_weights and (not work.standin or round(size, -3) == 75_000)

# %% [markdown] tags=["slide"]
# ### The question as the model sees it
#
# `Qwen3-0.6B-Base` is a **base model**: it has read text, and nobody has taught it to take turns.
# So the question is put as text to be continued.
# A **few-shot prompt** shows some solved problems first, and the model goes on in the same form.
# With one example:

# %%
solved = zip(*world.prompts("train"), strict=True)
four = [(question, about["solution"]) for question, about in solved][-4:]
examples = four[: work.shots]  # four on a GPU; the stand-in knows the form, needs none
asked, bare = few_shot(questions, examples), few_shot(questions)
print(few_shot(questions[:1], four[:1])[0])

# %% [markdown]
# **Where does a reply end?**
# The model could go on with a question of its own, and the verifier would read *its* answer.
# So the real job stops at the empty line between two problems, or at the model's own end token.
#
# The examples serve the base policy only.
# We train on the question *without* them: cheaper, and the student needs none afterwards.

# %% [markdown]
# ## Deeper: How the question is put

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
# The student is then taught its own end token there, so it needs no stop text later.
# The examples are taken from the end of the training list and are not among the prompts.
#
# Examples cost tokens, in every prompt:

# %% tags=["nbval-check-output"]
ways = {"four examples": few_shot(questions[:1], four), "none": bare[:1]}
show.table(["question with", "tokens"],
    [(name, len(policy.encode(prompts)[0])) for name, prompts in ways.items()])

# %% tags=["hide", "remove-input"]
assert not {question for question, _ in examples} & set(questions)

# %% [markdown]
# ## Does it fit? By hand

# %% [markdown] tags=["slide"]
# Training with AdamW holds four things for every parameter.
# Its weight in float32 takes 4 bytes, its gradient 4, and two running means, Adam's **moments**, 8.
# The policy that did the sampling stays loaded in half precision: 2 more.
# A T4 has 15 GB.
#
# **Your prediction.**
# 0.6 billion parameters × how many bytes?
# And would PPO fit (lesson 07)?
# It trains a policy and a critic, and holds two frozen models in half precision, the reference and
# the reward model.

# %% tags=["hide"]
quiz.predict("09-memory",
    "RFT on 0.6 billion parameters: how many GB before anything else?",
    low=0, high=30, step=0.1, unit="GB")

# %% tags=["answer"]
from course_lib.estimators import GB, phases, training_bytes

rft = {part: size / GB for part, size in training_bytes(0.6e9).items()}
show.together(show.table(["RFT on 0.6 billion parameters", "GB"],
    [(part, f"{size:.1f}") for part, size in rft.items()]),
    show.guess("09-memory", round(sum(rft.values()), 1), "GB"))

# %% tags=["hide", "remove-input"]
from course_lib.estimators import logits_bytes

few_logits, many_logits = (logits_bytes(n * 200, 151_936) / GB for n in (4, 32))
assert training_bytes(1)["weights"] == 4
assert round(sum(training_bytes(1).values())) == 18
token = 2 * 28 * 8 * 128 * 2  # of keys and values, by Qwen3-0.6B's configuration
assert round(256 * 320 * token / GB) == 9 and round(many_logits) == 12
assert round(few_logits, 1) == 1.5

# %% [markdown]
# Eighteen bytes a parameter.
# PPO takes 16 for policy and critic each, and 2 for the other two each: 36.
# Two things come on top, the orange and the green piece:

# %% tags=["slide"]
plots.memory(phases(0.6e9, replies=4, reply_tokens=200), 15, "a T4",
    "Memory for 0.6 billion parameters")

# %% tags=["hide", "remove-input"]
totals = {name: sum(parts.values()) for name, parts in phases(0.6e9).items()}
assert totals["RFT training"] < 15 < totals["PPO (lesson 07)"]

# %% [markdown] tags=["slide"]
# **Keys and values**, while sampling: what attention remembers of every earlier token.
# 256 candidates of 320 tokens would need 9 GB, so `sample` works in groups that fit into a limit.
#
# **Logits**, in training: a score for each of 151,936 words, at every token of a reply.
# Four replies of 200 tokens need 1.5 GB, and 32 of them 12.
# So a step is cut into parts, and only the logits of one part are in memory.
#
# By this arithmetic RFT fits on a T4, and PPO with all its weights trained does not.
# Activations come on top.

# %% [markdown]
# **How many replies may be in one part on a T4?
# Which of these models can be trained, with all their weights, on 24 GB?**

# %% tags=["slide"]
explore.memory_planner()

# %% tags=["answer", "nbval-check-output"]
def gigabytes(billions, replies=4):
    return sum(phases(billions * 1e9, replies)["RFT training"].values())

fits = [replies for replies in range(1, 33) if gigabytes(0.6, replies) <= 15]
show.facts({"0.6 billion on 15 GB": f"up to {fits[-1]} replies in a part",
    "1 billion, four replies": f"{gigabytes(1.0):.1f} GB",
    "1.7 billion, four replies": f"{gigabytes(1.7):.1f} GB"})

# %% tags=["hide", "remove-input"]
assert gigabytes(0.6, 4) < 15 and gigabytes(1.0) < 24 < gigabytes(1.7)

# %% [markdown]
# At eleven nothing is left for activations, so plan well below: the job takes 4.
# On 24 GB, one billion fits, and 1.7 does not.

# %% [markdown]
# ## Deeper: Memory, counted on the model in hand

# %% [markdown]
# Are RFT's bytes right?
# One backward pass, one step of AdamW, and then ask every tensor for its size.

# %%
ids = torch.tensor(policy.encode(bare[:1]), device=policy.device)

def held_while_training():
    """Part → its bytes, after one step of AdamW on a copy of the policy."""
    model = policy.copy().model.float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    states = optimizer.state.values()
    moments = [t for state in states for t in state.values() if t.dim()]
    held = {"weights": model.parameters(), "Adam's moments": moments,
        "gradients": [p.grad for p in model.parameters()]}
    return {part: sum(t.nbytes for t in tensors) for part, tensors in held.items()}

# %%
held, by_hand = held_while_training(), training_bytes(size)
show.table(["", "bytes", "by the formula"],
    [(part, f"{real:,}", f"{by_hand[part]:,}") for part, real in held.items()])

# %% tags=["hide", "remove-input"]
assert all(real == by_hand[part] for part, real in held.items())

# %% [markdown]
# Now keys and values: two vectors in each layer for each **key-value head**.
# (Qwen3 has fewer of these than attention heads: several attention heads read the same keys and
# values, which saves memory.)
# The formula, on a real cache, with its numbers:

# %%
from course_lib.estimators import cache_bytes

with torch.inference_mode():
    cache = policy.model(input_ids=ids, use_cache=True).past_key_values
real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
width, c = next(policy.model.parameters()).element_size(), policy.model.config
cache_size = cache_bytes(c, ids.shape[1], width)
print(f"2 × {c.num_hidden_layers} layers × {c.num_key_value_heads} key-value heads × "
    f"{c.head_dim} numbers\n× {ids.shape[1]} tokens × {width} bytes = {cache_size:,}; "
    f"measured {real:,}")

# %% tags=["hide", "remove-input"]
assert real == cache_size

# %% [markdown]
# Qwen3-0.6B's configuration has 28 layers and 8 key-value heads of width 128.
# **On paper: how many bytes is one token in half precision? And 256 candidates of 320 tokens?**

# %% tags=["answer", "nbval-check-output"]
show.facts({"keys and values of a token": f"{token:,} bytes",
    "256 candidates of 320 tokens": f"{256 * 320 * token / GB:.1f} GB",
    "what the T4 job gives them": f"{t4.memory_mb * 2**20 / GB:.1f} GB",
    "logits of 4 replies": f"{few_logits:.1f} GB",
    "logits of 32 replies": f"{many_logits:.1f} GB"})

# %% [markdown]
# (Logits are counted three times: themselves, their gradient, a temporary.)
#
# The groups of `sample` change no candidate in single precision.
# In half precision rounding changes some: 20 of 512 of our help desk's policy in bfloat16, and 13
# of 16 of Gemma 3 270M's (`benchmarks/half_precision.py`).
# They come from the same distribution, so no mean is harmed.
# Only do not expect the same replies again after changing `memory_mb`.
#
# Three habits make room.
# Load the reward model only while it scores.
# Delete every model that you are done with (each 0.6-billion copy in half precision is 1.2 GB).
# And cut a step into parts (`accumulate`): the gradient is that of the whole batch.
# The model that samples need not be the one that learns.
#
# In the planner keys and values stay at the T4 job's limit whatever the model.
# Its switch for LoRA trains small adapters and not all weights; this course trains none.
# By keyboard: Tab moves between the controls, arrows move a slider, Enter presses a button.

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
# On a CPU none of this is switched on, so we could not run the scaler here.

# %% [markdown] tags=["slide"]
# ## The four lines
#
# First on a few prompts.
# The verifier decides who is kept, one reply for each distinct list of equations (lesson 06).

# %%
from course_lib.models import GoldReward
from course_lib.pools import distinct_paths

def keep(pool):
    """One right reply for each distinct path, under the question without examples."""
    pool = replace(pool, prompts=few_shot([about["question"] for about in pool.info]))
    return distinct_paths(pool, by="verifier", key=world.path)

verifier = GoldReward(world, name="verifier")

# %%
few = slice(0, 24)
pool = course.sample(policy, asked[few], work.sampling, info=info[few], seed=0)
pool = course.score(pool, verifier)
best = keep(pool)
course.finetune(policy, best, work.training)  # to see that it runs; not kept
show.facts({"sampled": pool, "right": int(pool.reward().sum()),
    "kept as distinct paths": len(best)})

# %% [markdown]
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

def sound(question, text):
    """True when every equation holds and the first uses numbers of the question."""
    steps, numbers = equations(text), re.compile(r"[0-9]+")
    if not steps or not all(equation_holds(step) for step in steps):
        return False
    used = numbers.findall(steps[0].split("=")[0])
    return set(used) <= set(numbers.findall(question))

# %% tags=["slide"]
show.together(*(some_of(i) for i in range(3)))

# %% [markdown]
# Call a right reply *sound* when every equation holds and the first one uses numbers of the
# question.
# The reply that opened this page is right and not sound.
# **Of the right answers, how many are sound?**

# %% tags=["answer"]
right = [(pool.info[i]["question"], pool.texts[i][j])
    for i, j in (pool.reward("verifier") > 0.5).nonzero().tolist()]
print(f"{len(right)} right answers, {sum(sound(*r) for r in right)} of them sound")

# %% tags=["hide", "remove-input"]
assert not work.standin or 0.8 * len(right) < sum(sound(*r) for r in right) < len(right)
assert not sound("Leo has 5 cups, Eva has 7 and Gus has 4. How many?", lucky_reply)

# %% [markdown]
# More than four in five, and not all.
# Training on a right answer with wrong steps teaches wrong steps.
# Here we go on with the plain verifier.

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
    [(status, verdicts.count(status)) for status in ("correct", "wrong", "unreadable")],
    f"Cut at the token limit: {int((pool.finish == 1).sum())} of {len(verdicts)}.")

# %% tags=["hide", "remove-input"]
assert not work.standin or verdicts.count("correct") > 10

# %% [markdown]
# Lesson 06 asked for true steps only.
# A true step with an invented number passes there, and is not sound here.
#
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

# %% [markdown]
# ## Deeper: How long will it take?

# %% [markdown] tags=["slide"]
# A free GPU is lent for a while.
# Before you start something long, do a small part, time it, and extrapolate.
# The long run samples in parts of equal size, so time three of them, and one pass of training on
# what each gave.

# %%
from course_lib.estimators import Stage, forecast

def sample_part(start):
    here = slice(start, start + work.part)
    pool = course.sample(policy, asked[here], work.sampling, info=info[here],
        first_prompt=start)
    return course.score(pool, verifier)

parts = [timed(sample_part, k * work.part) for k in range(3)]
once = replace(work.training, epochs=1)
trainings = [timed(course.finetune, policy, keep(part), once)[0] for _, part in parts]

# %% [markdown]
# If $K$ parts took $m$ seconds on average with standard deviation $s$, then $M$ parts take about
# $M m$.
# How sure?
# The luck of the parts to come has variance $M s^2$, that of the mean we extrapolate $M^2 s^2 / K$.
# They are independent, so the variances add:
#
# $$M m \;\pm\; t_{K-1}\, s\, \sqrt{M + M^2 / K}$$
#
# $t_{K-1}$ comes from **Student's t distribution**, which replaces the 1.96 of a 95 % interval when
# the spread itself is estimated from few numbers: 4.3 for three.
# Test the algebra: draw 3 and then 40 times from a normal distribution, 4,000 times over, and count
# how often the total of the 40 lies inside.

# %%
draws = torch.distributions.Normal(10.0, 1.0).sample((4000, 43))
inside = [Stage("test", row[:3].tolist(), 40).total for row in draws]
share = (sum(i.low <= total <= i.high
    for i, total in zip(inside, draws[:, 3:].sum(1).tolist(), strict=True)) / 4000)
print(f"inside the 95 % interval: {share:.0%}")

# %% tags=["hide", "remove-input"]
assert 0.93 < share < 0.97

# %% [markdown]
# This tests the algebra only.
# Real parts are not draws from one normal distribution: machines warm up, and neighbours come and
# go.
#
# Now the plan.
# Sampling: all training prompts.
# Training: the number of passes (`epochs`), twice, since there is a control.
# The test: held-out prompts, three policies, `groups` candidates to each prompt.
# It is counted in parts of as many candidates as were timed.
# Half-widths of *independent* timings are added as squares, as variances are.
# But sampling and test extrapolate the same three timings: if those were too low, both are.
# `forecast` adds these two as they are.
#
# **Your prediction.**
# Which of the three will take longest here?
# And on a GPU with a model of 0.6 billion parameters?

# %%
seconds = [spent for spent, _ in parts]
M = work.prompts / work.part
test_parts = 3 * work.held_out * work.groups / (work.n * work.part)
plan = [Stage("sampling", seconds, M), Stage("training, twice", trainings,
    2 * work.epochs * M),
        Stage("test", seconds, test_parts)]
expected = forecast(plan)
show.table(["", "seconds"], [*((stage.name, f"{stage.total:.1f}") for stage in plan),
    ("together", f"{expected:.0f}")])

# %% [markdown]
# On the stand-in training took longest when this page was made: it does many small steps, while
# hundreds of candidates are sampled side by side.
# A large model on a GPU can turn this round, since training reads many tokens at once and
# sampling writes them one by one.
# Your own printout will say.
#
# The forecast is for *this* machine as it was a moment ago.
# We shall compare.
# If the interval goes beyond the time you have, lower `prompts` or `n` **now**:
# `work = work.changed(prompts=...)`.

# %% [markdown]
# ## Deeper: Losing the machine

# %% [markdown] tags=["slide"]
# Free runtimes disconnect.
# `rejection_sampling_rounds(out=...)` is the four lines with a memory: every finished part of the
# sampling, a checkpoint in training, and every finished stage is written to `out`, under a key made
# of all that affects it (weights, prompts, settings).
# Run the same cell again and it goes on.
# `disconnect` raises an exception in the middle of the work, like a runtime that goes away;
# `counting` interrupts nothing.
# Both count the work really done, through `hooks` that the loop calls.
#
# **Your prediction.**
# 24 prompts in 3 parts, a checkpoint every 2 steps.
# We disconnect after two parts, again after three steps, and then let it finish.
# How many parts will the second and the third call sample?
# How many steps are done twice?
# And compared with a run that was never interrupted: the same replies, the same weights?

# %%
from course_lib.methods import rejection_sampling_rounds
from course_lib.experiments import counting, disconnect

often = replace(work.training, checkpoint_every=2)
loop = replace(work.loop, select=keep, training=often, part=8)
small = dict(prompts=asked[:24], info=info[:24], reward=verifier, settings=loop)
with counting() as uninterrupted:
    whole = rejection_sampling_rounds(policy, out=folder / "whole",
        hooks=uninterrupted.hooks,
        **small)[0]

# %%
out = folder / "small"
with disconnect("sampling", after=2) as first:
    rejection_sampling_rounds(policy, out=out, hooks=first.hooks, **small)
with disconnect("training", after=3) as second:
    rejection_sampling_rounds(policy, out=out, hooks=second.hooks, **small)
with counting() as third:
    resumed = rejection_sampling_rounds(policy, out=out, hooks=third.hooks, **small)[0]

# %%
replies = resumed.pool.texts == whole.pool.texts
weights = same_weights(whole.policy, resumed.policy)
print("the same replies:", replies, "| the same weights, to the last bit:", weights)

# %% tags=["hide", "remove-input"]
assert not work.standin or (replies and weights)

# %% [markdown]
# That alone proves little: with the same seed a run that starts from nothing each time ends in the
# same place, too.
# So count the work.

# %%
calls = {"uninterrupted": uninterrupted, "1st call": first, "2nd call": second,
    "3rd call": third}
show.table(["", "parts sampled", "steps trained"],
    [(name, done["sampling"], done["training"]) for name, done in calls.items()])

# %% tags=["hide", "remove-input"]
assert (first["sampling"], second["sampling"], third["sampling"]) == (2, 1, 0)
assert not work.standin or third["training"] == uninterrupted["training"] - 2

# %% [markdown]
# Nothing was sampled twice, and of the three steps before the second disconnection the third call
# repeats only the last, which came after the checkpoint.
# The results agree because candidate $j$ of prompt $i$ depends on the seed, $i$ and $j$ alone, and
# because a checkpoint holds the optimiser's state and the step number besides the weights.
# (On a GPU some sums are made in an order that changes, so there we do not insist on equal bits.)
#
# If you write your own loop: `pool.save(path)` after every stage is most of the benefit.
# We are done with two students, so delete them: on a GPU each would keep its memory.

# %%
del whole, resumed
torch.cuda.empty_cache()  # does nothing without a GPU

# %% [markdown] tags=["slide"]
# ## The long run
#
# The four lines again, on all training prompts, every finished stage kept in a folder.
# If the machine goes away, run the cell again and it goes on.

# %%
from course_lib.methods import (Request, Stages, rejection_sampling_rounds, sampled,
    trained)
from course_lib.pools import matched_control

kept = Stages(folder / "run")
long = replace(work.loop, select=keep, training=work.training)
spent_treatment, rounds = timed(rejection_sampling_rounds, policy, asked, verifier,
    long, info=info, out=kept)
run = rounds[0]

# %% [markdown] tags=["slide"]
# Then the control (lesson 05): **from each prompt** as many replies as were kept, chosen at random,
# trained in the same way.

# %%
control = matched_control(run.selection, seed=0)
spent_control, random_student = timed(trained, policy, control, work.training, kept,
    "control-policy")
right_share = float(control.rewards("verifier").mean())
show.table(["", "replies", "right"], [
    ("kept: right, distinct paths", len(run.selection), "100%"),
    ("control", len(control), f"{right_share:.0%}"),
    ("all that was sampled", run.pool.reward().numel(),
        f"{run.pool.reward().mean():.0%}")])

# %% tags=["hide", "remove-input"]
assert len(control) == len(run.selection) and (not work.standin or right_share < 0.95)
assert float(run.selection.rewards("verifier").min()) == 1

# %% [markdown]
# The control takes more from prompts solved in many ways, and none from prompts never solved.
# So it copies *which prompts* teach, and differs from RFT in the choice of replies.
#
# The test: the same held-out problems for all three, one temperature.
# The base gets the few-shot prompt, the two students the bare question.

# %%
held_questions, held_info = world.prompts("heldout", limit=work.held_out)
held_info = [{**about, "question": q}
    for q, about in zip(held_questions, held_info, strict=True)]
test = replace(work.sampling, n=work.groups, seed=1)

def examined(name, who, shown=(), at=test):
    request = Request(few_shot(held_questions, shown), held_info, at, work.part)
    return course.score(sampled(who, request, kept, f"test-{name}"), verifier)

policies = {"base": (policy, examples), "RFT": (run.policy, ()),
    "random control": (random_student, ())}
spent_test, results = timed(lambda: {name: examined(name, *p)
    for name, p in policies.items()})

# %% [markdown]
# ## Deeper: Was the forecast right?

# %% [markdown]
# This needs the part above on how long it will take.

# %%
actual = spent_treatment + spent_control + spent_test
inside = expected.low <= actual <= expected.high
print(f"forecast {expected:.0f} s, actual {actual:.0f} s; inside: {inside}")

# %% [markdown]
# The seconds are those of one machine at one moment; do not rely on them.
# If the actual time lies outside, something changed between the timing and the run: other work on
# the machine, warming up, longer replies.
# The interval knows nothing of such things, so let the plan end well before the runtime does.
# (A stage found finished on disk takes no time: after a resumed run this comparison says nothing.)

# %% [markdown] tags=["slide"]
# ## RFT against the base and the control
#
# **Your prediction.**
# How much more does RFT answer than the base?
# The measure is **pass@1**, the share of right replies (lesson 06).

# %% tags=["hide"]
quiz.predict("09-gain",
    "RFT minus base: the difference in pass@1 on held-out problems?",
    low=-0.3, high=0.5, step=0.01)

# %%
from course_lib.estimators import bootstrap_interval, paired_difference, pass_at_k

one = {name: answers.reward("verifier").double().mean(1)
    for name, answers in results.items()}
gain = paired_difference(one["RFT"], one["base"])
control_gain = paired_difference(one["random control"], one["base"])
treatment = paired_difference(one["RFT"], one["random control"])
differences = {"RFT minus base": gain, "random control minus base": control_gain,
    "RFT minus random control": treatment}

# %% tags=["slide", "answer"]
figure = plots.intervals(list(differences), list(differences.values()),
    "difference in pass@1 on held-out problems")
figure.axes[0].axvline(0, color=plots.COLOURS[6], linestyle="--")  # no difference
figure.guessed("09-gain", axis="x")

# %%
def in_words(difference):
    return "a difference" if difference.excludes_zero else "no difference we can detect"

show.table(["", "pass@1", ""],
    [(name, f"{value:+.2f}", in_words(value)) for name, value in differences.items()])

# %% tags=["hide", "remove-input"]
assert not work.standin or (0.2 < one["base"].mean() < 0.8 and treatment.low > 0
    and treatment.mean < 0.15 and control_gain.mean < min(0, gain.mean)
    and abs(gain.mean) < 0.1)

# %% [markdown] tags=["slide"]
# **RFT is six points above its control**, and the interval excludes zero.
# That is the effect of *which replies were chosen*, with everything else equal.
#
# **Against the base the saved run shows no difference we can detect.**
# It is the control that fell.
# Training on one's own replies, wrong ones included, did harm at this temperature, and choosing the
# right ones prevented it.
# Without the base you would have reported a success.
#
# One training of each kind, one seed: the interval covers the questions, and not the luck of
# training.

# %% [markdown]
# **A trap on the real model.**
# There the base is tested with solved examples in its prompt and the students without.
# "RFT minus base" then mixes what the selection taught with the form of the answer, which training
# of *any* kind teaches.
# The random control learns the form as well.
# Only the comparison with the control is clean.

# %% [markdown]
# ## Deeper: Right for the right reasons

# %% [markdown]
# Did it learn to add, or to guess better?
# `sound` took no part in the selection, so it can judge.
# Take *all* replies, not only the right ones: which share is right and sound?
# (The two students give different numbers of right answers, so shares of those could mislead.)

# %%
def right_and_sound(pool):
    """(P,) share of each question's replies that are right and sound."""
    right = pool.reward("verifier") > 0.5
    good = [[sound(a["question"], t) for t in row]
        for a, row in zip(pool.info, pool.texts, strict=True)]
    return (right & torch.tensor(good)).double().mean(1)

honest = {name: right_and_sound(answers) for name, answers in results.items()}
sound_treatment = paired_difference(honest["RFT"], honest["random control"])
sound_gain = paired_difference(honest["RFT"], honest["base"])
show.table(["right and sound", "difference", ""], [
    ("RFT minus random control", f"{sound_treatment:+.2f}", in_words(sound_treatment)),
    ("RFT minus base", f"{sound_gain:+.2f}", in_words(sound_gain))])

# %% tags=["hide", "remove-input"]
assert not work.standin or sound_treatment.low > 0

# %% [markdown]
# So on the stand-in the lead over the control is not only in lucky answers.
# Elsewhere it can be: the reward measures the last number, and where many right answers are lucky,
# luck is what it makes more frequent.
#
# Three things about the comparison itself.
# The stand-in is trained while the page runs, and sums round otherwise with another number of
# threads.
# So the differences on your page can be others than those of the saved run.
# The questions share number sets, so the intervals over questions are too narrow.
# And why did right replies teach the stand-in so little?
# One guess is that it had met the numbers of the training questions before; we did not test that.

# %% [markdown] tags=["slide"]
# ## And the dial?
#
# Serving colder costs nothing.
# So a fair rival of a fine-tuned policy is the base policy at a lower temperature.
# On the help desk that rival is weak: its likeliest reply is a bland letter (lessons 02 and 05).
#
# **Your prediction.**
# At T = 1 half of the base's replies are right.
# And at T = 0.1?

# %% tags=["hide"]
quiz.predict("09-dial",
    "The base policy at T = 0.1: which share of its replies is right?",
    low=0, high=1, step=0.01)

# %%
served, several = {test.temperature: one}, {}
for t in (0.3, 0.1):
    cold = replace(test, temperature=t)
    answers = {name: examined(f"{name}-{t}", who, shown, cold)
        for name, (who, shown) in policies.items()}
    served[t] = {name: a.reward("verifier").double().mean(1)
        for name, a in answers.items()}
    several[t] = {name: pass_at_k(a.reward("verifier"), [work.groups])[:, 0]
        for name, a in answers.items()}

# %% tags=["slide", "answer"]
shares = {name: [bootstrap_interval(values[name]) for values in served.values()]
    for name in ("RFT", "base")}
figure = plots.dumbbells([f"T = {t:g}" for t in served], shares,
    "pass@1 on held-out problems")
figure.guessed("09-dial", axis="x")

# %%
leads = {t: paired_difference(values["RFT"], values["random control"])
    for t, values in served.items()}
show.table(["T", "RFT minus control", ""],
    [(f"{t:g}", f"{lead:+.2f}", in_words(lead)) for t, lead in leads.items()])

# %% tags=["hide", "remove-input"]
warm = test.temperature
several[warm] = {name: pass_at_k(a.reward("verifier"), [work.groups])[:, 0]
    for name, a in results.items()}
dial = paired_difference(served[0.1]["base"], one["RFT"])
broad = paired_difference(several[0.1]["base"], several[warm]["base"])
apart = [paired_difference(served[t]["RFT"], served[t]["base"]) for t in (0.3, 0.1)]
assert not work.standin or (dial.low > 0 and broad.high < 0)
assert not work.standin or (warm == 1 and 0.4 < one["base"].mean() < 0.6)
assert not work.standin or all(abs(difference.mean) < 0.1 for difference in apart)

# %% [markdown] tags=["slide"]
# **On the stand-in the dial wins.**
# In the saved run the base at T = 0.1 is thirteen points above RFT at T = 1.
# With all three equally cold, we detect no difference between RFT and the others there.
# The stand-in's likeliest answer is often right, so a cold reply needs no choosing.
#
# Cold replies to one question resemble each other, so the chance that at least one of eight is
# right falls.
# Sample warm what you want to choose from, and find the temperature for serving afterwards.
#
# Is your real model like the stand-in or like the help desk?
# Only such a figure can say.
# Choose each policy's temperature on problems that are not in the report.

# %% tags=["hide"]
# the students have done their work
random_student = policies = rounds = None
run = replace(run, policy=None)
torch.cuda.empty_cache()

# %% [markdown]
# ## Deeper: pass@8 and luck, and enough questions

# %% [markdown]
# pass@8, the chance that at least one of eight replies is right, warm and cold:

# %%
show.table([f"pass@{work.groups}", *(f"T = {t:g}" for t in served)],
    [(name, *(f"{several[t][name].mean():.2f}" for t in served)) for name in one])

# %% [markdown]
# If every question had the same chance $p$ of a right reply, eight independent tries would succeed
# with probability $1 - (1-p)^8$.
# With unequal questions the true pass@8 is *lower* at the same average: some questions are solved
# eight times, others never.
# A policy that only guesses comes close to the formula.

# %%
p = float(one["base"].mean())
equal = 1 - (1 - p) ** work.groups
print(f"base: pass@{work.groups} {several[warm]['base'].mean():.3f}, "
    f"if all questions were equally hard {equal:.3f}")

# %% tags=["hide", "remove-input"]
assert not work.standin or several[warm]["base"].mean() < equal

# %% [markdown]
# **Enough questions?**
# What is the smallest true difference this test would find in four of five repetitions (lesson 06)?

# %%
from course_lib.estimators import minimum_detectable_effect

spread = float((one["RFT"] - one["random control"]).std())
show.table(["questions", "smallest difference seen, points"],
    [(count, f"{100 * minimum_detectable_effect(spread, count):.1f}")
        for count in (128, work.held_out, t4.held_out)])

# %% [markdown]
# With 128 questions only a difference of several points is seen; that is why the T4 job has more.
# The real model's spread will be another: put yours in.
#
# A small test hides what it looks for.
# A public run with Qwen3-1.7B on 200 test problems found 79.0 % for the best reply of each prompt
# and 79.5 % for its random control (pull request 357 of the repository `natolambert/rlhf-book`).
# Each share has a standard error of about 3 points.
# Such a test cannot see an effect of the size you hope for, whatever the truth.

# %% tags=["hide", "remove-input"]
assert 2.5 < 100 * (0.79 * 0.21 / 200) ** 0.5 < 3.5

# %% [markdown]
# ## Deeper: A reward model of the same kind

# %% [markdown]
# For a task without a verifier the score comes from a reward model: a sequence classifier with one
# label, on a GPU `Skywork/Skywork-Reward-V2-Qwen3-0.6B`.
# `load_reward_model` takes its folder like any other.
# Reward models are chat models: they read question and reply in *their own* template.
# So give them the bare question, not the few-shot prompt.
#
# **The stand-in's reward model has a random head.**
# A head that was never trained can still prefer right replies, or wrong ones, since the
# backbone's features differ between them.
# How would you notice that it means nothing, if nobody told you?
# Ask how often it puts a right reply above a wrong one to the same question.
#
# **Your prediction.**
# What share would you expect?
# And from a second random head on the same backbone: the same?

# %%
reward_model = course.load_reward_model(work.reward, name="reward model", dtype=dtype)
judged = results["base"].prompts_at(range(min(120, work.held_out)))
judged = course.score(replace(judged, prompts=held_questions[: judged.P]), reward_model)
show.facts({"reward model": type(reward_model.model).__name__, "pool": judged})

# %%
from course_lib.estimators import win_scores
from course_lib.models import new_reward_model

def accuracy(pool, name):
    """How often a right reply scores above a wrong one, where there are both."""
    scores, correct = pool.reward(name), pool.reward("verifier") > 0.5
    return bootstrap_interval([win_scores(*torch.cartesian_prod(s[c], s[~c]).T).mean()
        for s, c in zip(scores, correct, strict=True) if c.any() and not c.all()])

# %%
second_head = replace(new_reward_model(policy, seed=7), name="second random head")
judged = course.score(judged, second_head)
del reward_model, second_head
right_above = {name: accuracy(judged, name)
    for name in ("reward model", "second random head")}
show.table(["", "right above wrong", "questions that have both"],
    [(name, f"{found:.2f}", found.n) for name, found in right_above.items()])

# %% tags=["hide", "remove-input"]
assert not work.standin or 0.1 < right_above["reward model"].mean < 0.9

# %% [markdown]
# A coin would get 0.5.
# A random head lands elsewhere: each draw gives its own value, for no reason but the draw.
# A value away from 0.5 does not prove that a head was trained.
# So compare with a random head too, and do not select by a reward model before you have made this
# check on your own data (lessons 03 and 04).
#
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
from course_lib.pools import read_rollouts, write_pairs, write_rollouts, write_selection
from course_lib.pools import preference_pairs

some = replace(run.pool.prompts_at(range(60)), prompts=questions[:60])
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
# ## What to report when you run it for real
#
# Fill in this table, every row with its interval over test problems, at least three seeds for the
# two trainings.
# Every row but the ceiling twice: at the temperature of sampling, and at its best.
#
# | | T | pass@1 | pass@8 | tokens | hours |
# |---|---|---|---|---|---|
# | base, few-shot | | | | | |
# | base, best of 8 by the reward model | | | – | | |
# | base, best of 8 by the verifier (ceiling) | | | – | | |
# | RFT | | | | | |
# | matched random control | | | | | |
# | RFT minus control, paired | | | | – | – |

# %% [markdown]
# Below is the stand-in at the temperature of sampling.
# With one seed and no cold rows, it is not yet a report.

# %%
rows = [(name, f"{one[name].mean():.2f}", f"{several[warm][name].mean():.2f}",
    f"{int(done.lengths.sum()):,}") for name, done in results.items()]
ceiling = results["base"].reward("verifier").max(1).values
rows.append((f"best of {work.groups} by the verifier", f"{ceiling.mean():.2f}",
    "–", "–"))
breadth = paired_difference(several[warm]["RFT"], several[warm]["random control"])
rows.append(("RFT minus control", f"{treatment:+.2f}", f"{breadth:+.2f}", "–"))
show.table(["", "pass@1", f"pass@{work.groups}", "tokens"], rows)

# %% [markdown]
# Beside it stand model and revision, number of prompts, N, temperature of sampling, token limit and
# share of replies cut.
# Then how answers are read, the share of prompts with both right and wrong replies, the number of
# distinct right paths, and the seeds.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - A model is a folder, and one `job` is all that differs between a laptop and a GPU.
#   Saved and loaded, all 75,000 weights were the same.
# - RFT takes 18 bytes a parameter, and PPO 36.
#   With 0.6 billion the first fits on a T4 by arithmetic, and the second does not.
# - RFT is six points above its random control at T = 1.
#   Over the base the saved run shows no gain.
# - The base at T = 0.1 is thirteen points above RFT at T = 1.
#   Nothing on this page says what the real model does.
# - More than four in five right answers are sound; the verifier keeps the others, too.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# The real weights: **not one of the cells above was run with Qwen3-0.6B-Base, with the Skywork
# reward model, with GSM8K's own problems as prompts, on a GPU, or on Colab** when this was written.
# Activations are not in the memory estimate.
# Training all weights is only one way: adapters (LoRA) need far less memory, and this course trains
# none.
# Serving engines, which are made for sampling on GPUs, are not used.
# And our sums are of one kind, so that "held out" here is a much smaller step than between real
# problems.
#
# ### In real systems
#
# - Rejection-sampling fine-tuning was studied on GSM8K with 100 samples a problem, temperature 0.7,
#   and one right path for each distinct list of equations; the gain grew with the number of
#   distinct paths (arXiv 2308.01825).
# - ReST-EM takes 32 or 64 samples and at most 10 solutions a problem, and always trains the base
#   model anew (arXiv 2312.06585).
# - Llama 3 reports that a paged memory for keys and values more than doubled the throughput of its
#   rejection sampling (arXiv 2407.21783).
# - Llama 2: only the largest model sampled, and the smaller ones learned from its replies (arXiv
#   2307.09288).
#
# ### Further reading
#
# Yuan et al., *Scaling relationship on learning mathematical reasoning with large language models*,
# arXiv 2308.01825: the experiment this page follows.
# Cobbe et al., arXiv 2110.14168, for the data.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex09`: plan, forecast, shard and resume a run, and hand it on.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Those on shards and on the forecast belong to Deeper parts.
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("09")
