# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown] tags=["slide"]
# # On a real model
#
# **You will:** run the four lines on an ordinary Hugging Face model and on data in GSM8K's own file
# format, work out beforehand whether it fits in memory and how long it takes, lose the machine
# twice and go on as if nothing had happened, and split the work over two processes without changing
# a single reply.
#
# **Builds on:** lesson 05 (rejection-sampling fine-tuning, the matched random control) and lesson
# 06 (verifiers, distinct paths, pass@k); lesson 02 for the temperature, lesson 03 for reward models
# and lesson 07 for PPO are named once or twice.
#
# **Time:** 40 minutes, and 45 more for the parts marked *Deeper*.
# On a GPU the long run takes much longer: the forecast below says how long.

# %% [markdown] tags=["slide"]
# ## What is real on this page, and what is not
#
# **The outputs saved in this notebook come from a stand-in**: a Qwen3 of about seventy thousand
# parameters, trained in some seconds by the cells below on sums of three small numbers in GSM8K's
# file format.
# Everything else is what a real run uses: architecture, kind of tokenizer, file format, loading
# code, prompts, verifier, selection, training.
# The model's ability and every score are the stand-in's.
#
# On a GPU the *same cells* use `Qwen/Qwen3-0.6B-Base` as the policy,
# `Skywork/Skywork-Reward-V2-Qwen3-0.6B` as the reward model, and GSM8K.
# **When this was written, no cell of this page had been run with those weights, and none on a T4.**
# Where that matters the text says so again.
#
# ## Before anything: what have we got?

# %%
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
from course_lib.experiments import find_gsm8k, job
from course_lib.worlds import few_shot

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
# A full disk can end a run after an hour; you can see it coming in the first minute.
# (`course doctor` prints these facts in a terminal.)
# On Colab: *Runtime → Change runtime type → T4 GPU*.
# This page asks Colab for one by itself.
#
# **The switch.**
# `tier` is `cpu`, `t4` or `big`, by what was found.
# A `job` is everything that depends on it: models, data, sizes.
# By design, all other cells are the same on every machine; the only places that ask `work.standin`
# are the `assert` lines, which insist on less for the real model.
#
# `folder` is where everything is kept.
# A temporary folder is right for a lesson.
# **On Colab it is wrong for real work**: the machine's disk goes when the machine goes.
# Mount Google Drive (the folder icon on the left, then *Mount Drive*; or
# `from google.colab import drive; drive.mount("/content/drive")`) and put `folder` on it.
# We could not try that here.

# %%
folder = Path(tempfile.mkdtemp())  # on Colab: Path("/content/drive/MyDrive/lesson09")
tier = course.tier()
work = job(tier, folder)  # without a GPU: makes the stand-in, some seconds

# %% tags=["nbval-check-output"]
from course_lib.experiments import TIERS

t4 = TIERS["t4"]
show.table(["", "stand-in", "prompts", "held out", "candidates"], [
    ("here", work.standin, work.prompts, work.held_out, work.n),
    ("on a T4", False, t4.prompts, t4.held_out, t4.n)],
    f"On a T4 candidates have at most {t4.max_tokens} tokens.")

# %% [markdown]
# ## The data
#
# GSM8K is 7,473 training and 1,319 test problems in two files of JSON lines (Cobbe et al., arXiv
# 2110.14168), in the public repository `openai/grade-school-math` under the MIT licence, and on the
# Hub as `openai/gsm8k`.
# It does not come with this course.
# `find_gsm8k` looks for the files in a few usual places, and says what to do when they are not
# there:

# %% tags=["nbval-check-output"]
try:
    found = bool(find_gsm8k())
except CourseError as error:
    found = f"no. {error}"
show.facts({"GSM8K found": found})

# %% [markdown]
# The stand-in's problems are in the same format: a question, and a solution with its equations
# between `<<` and `>>` and the answer after `####`.
# So the code that reads real files reads these.

# %%
world = course.load_world("gsm8k", data=work.data)
questions, info = world.prompts("train", limit=work.prompts)
# the bare question travels with its prompt
info = [{**about, "question": q} for q, about in zip(questions, info, strict=True)]
show.replies(questions[0], [info[0]["solution"]], names=["solution"],
    notes=[f"answer {info[0]['answer']}"])

# %% [markdown]
# Test problems use other *sets* of numbers: 2, 3 and 5 are in the test or in training, in whatever
# order they stand.
# So a list of answers cannot help.
# (The stand-in's own training and the training questions here have different questions, but their
# numbers may coincide.)
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

# %% [markdown] tags=["slide"]
# ## The model is a folder
#
# A `transformers` model is a folder: weights, configuration, tokenizer.
# `from_pretrained` takes such a folder or a name on the Hub, and so does `load_policy`.
# We load it, save it, load it again, and compare every weight.
# Do this once before a long run: you then know that what will be saved at the end can be read.

# %%
dtype = getattr(torch,
    work.dtype)                                # float32 without a GPU
policy = course.load_policy(work.policy, template="plain", dtype=dtype)
policy.save(folder / "copy")
again = course.load_policy(folder / "copy", template="plain", dtype=dtype)
pairs = zip(policy.model.state_dict().values(), again.model.state_dict().values(),
    strict=True)
same = all(torch.equal(a, b) for a, b in pairs)
del again

# %% tags=["nbval-check-output"]
show.facts({"model": type(policy.model).__name__,
    "files": ", ".join(sorted(f.name for f in (folder / "copy").iterdir())),
    "the same weights after saving and loading": same})

# %% [markdown] tags=["slide"]
# ### How is the question put?
#
# A **chat template** writes who speaks and where the reply starts.
# This is ours, in the style that Qwen's models use:

# %% tags=["nbval-check-output"]
print(replace(policy, template="chat").render(["What is 3 plus 4?"])[0])

# %% [markdown]
# The lessons before used such a template.
# Here we do not, because `Qwen3-0.6B-Base` is a **base model**: it has read text, and nobody has
# taught it to take turns.
# There may be a template in its folder whose marks it has not learned: for Qwen3's base models this
# is reported by a developer (github.com/QwenLM/Qwen3 issue 1608; we have not tested it).
# A model that never writes the end mark never stops, and the verifier then reads the answer of some
# later, invented question.
#
# `template="plain"` gives the text as it is.
# A **few-shot prompt** shows some solved problems first, so that the model goes on in the same
# form.
# The real job shows four; the stand-in has been trained on this very form and needs none.
# Here is one example, only to see the form (`questions[0]` is a training prompt; the real examples
# are other problems, see below):

# %%
solved = list(zip(questions, (i["solution"] for i in info), strict=True))
print(few_shot(questions[-1:], solved[:1])[0])

# %% [markdown]
# What ends a reply now?
# The empty line between two problems.
# So the real job stops at `"\n\n"` or at the model's own end token.
# A stop is a text: `sample` cuts a reply where the text first stands, however the tokenizer cuts it
# (a full stop and an empty line may be one token).
# The student is then taught its own end token there, so it needs no stop text later.
#
# The examples are taken from the end of the training list and are not among the prompts.
# They serve the base policy only.
# What we train on is the question *without* examples: shorter, so cheaper, and the student needs
# none afterwards.

# %%
ends = {repr(text): len(policy.tokenizer.encode(text, add_special_tokens=False))
    for text in work.stop or []}
four = [(q, i["solution"]) for q, i in zip(*world.prompts("train"), strict=True)][-4:]
examples = four[: work.shots]
asked, bare = few_shot(questions, examples), few_shot(questions)
ways = {"four examples": few_shot(questions[:1], four), "here": asked, "bare": bare}
show.together(show.table(["stops at", "tokens"], ends.items()),
    show.table(["question with", "tokens"],
        [(name, len(policy.encode(prompts[:1])[0])) for name, prompts in ways.items()]))

# %% [markdown] tags=["slide"]
# ## Does it fit? By hand
#
# Training with AdamW holds, for every parameter: its weight in float32 (4 bytes), a gradient (4),
# and two running means, Adam's moments (8).
# And the policy that did the sampling stays loaded, in half precision (2).
# **On paper: 0.6 billion parameters × how many bytes? Does that fit on a T4 with 15 GB? And would
# PPO fit (lesson 07), which trains a policy and a critic, and holds a reference and a reward model
# in half precision?**

# %% tags=["nbval-check-output"]
from course_lib.estimators import GB, cache_bytes, phases, training_bytes

rft = {part: size / GB for part, size in training_bytes(0.6e9).items()}
show.table(["RFT on 0.6 billion parameters", "GB"], [*((part, f"{size:.1f}")
    for part, size in rft.items()), ("together", f"{sum(rft.values()):.1f}")])

# %% [markdown]
# Eighteen bytes a parameter for RFT.
# PPO: policy and critic 16 each, reference and reward model 2 each, so 36 bytes, or 21.6 GB.

# %% tags=["nbval-check-output"]
each = 2 * 16 + 2 * 2
print(f"PPO: {each} bytes a parameter, {each * 0.6e9 / GB:.1f} GB before logits")

# %% [markdown]
# Are RFT's bytes right?
# Count them on the model in hand: one backward pass, one step of AdamW, and then ask every tensor
# for its size.

# %%
model = policy.copy().model.float()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
ids = torch.tensor(policy.encode(bare[:1]), device=policy.device)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
count = sum(p.numel() for p in model.parameters())
moments = [t for state in optimizer.state.values() for t in state.values() if t.dim()]
held = {"weights": model.parameters(), "gradients": [p.grad
    for p in model.parameters()],
    "Adam's moments": moments}

# %%
rows = []
for part, tensors in held.items():
    real, by_hand = sum(t.nbytes for t in tensors), training_bytes(count)[part]
    rows.append((part, f"{real:,}", f"{by_hand:,}"))
del model, optimizer, moments, held, tensors
show.table(["", "bytes", "by the formula"], rows)

# %% tags=["hide", "remove-input"]
assert all(real == by_hand for _, real, by_hand in rows)

# %% [markdown]
# Two more things need memory.
#
# **Keys and values**, while sampling: what attention remembers of every earlier token, two vectors
# in each layer for each **key-value head**.
# (Qwen3 has fewer of these than attention heads: several attention heads read the same keys and
# values, which saves memory.)
#
# **Logits**, in training: one float32 for every response token and every word of the vocabulary, in
# about three copies (logits, their gradient, a temporary).
# Qwen3-0.6B has 151,936 words.
# In a step, 4 replies of 200 tokens need 1.5 GB, and 32 of them 11.7 GB.
#
# The first formula, on a real cache, with its numbers:

# %%
with torch.inference_mode():
    cache = policy.model(input_ids=ids, use_cache=True).past_key_values
real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
size = next(policy.model.parameters()).element_size()
by_hand = cache_bytes(policy.model.config, ids.shape[1], size)
c = policy.model.config
print(f"2 × {c.num_hidden_layers} layers × {c.num_key_value_heads} key-value heads × "
    f"{c.head_dim} numbers\n× {ids.shape[1]} tokens × {size} bytes = {by_hand:,}; "
    f"measured {real:,}")

# %% tags=["hide", "remove-input"]
assert real == by_hand

# %% [markdown]
# Qwen3-0.6B's configuration has 28 layers and 8 key-value heads of width 128.
# **On paper: how many bytes is one token in half precision? And 256 candidates of 320 tokens?**

# %% tags=["nbval-check-output"]
from course_lib.estimators import logits_bytes

token = 2 * 28 * 8 * 128 * 2
print(f"a token {token:,} bytes; "
    f"256 candidates of 320 tokens {256 * 320 * token / GB:.1f} GB")
few_logits, many_logits = (logits_bytes(replies * 200, 151_936) / GB
    for replies in (4, 32))
print(f"logits of 4 replies {few_logits:.1f} GB, of 32 {many_logits:.1f} GB")
print(f"the T4 job gives candidates at most {t4.memory_mb * 2**20 / GB:.1f} GB")

# %% tags=["slide"]
plots.memory(phases(0.6e9, replies=4, reply_tokens=200), 15, "a T4",
    "Memory for 0.6 billion parameters")

# %% [markdown]
# So candidates in flight can need more than the model.
# `sample` therefore works in groups that fit into `memory_mb`; the figure shows that limit.
# In single precision the groups change no candidate.
# In half precision rounding changes some: 20 of 512 of our help desk's policy in bfloat16, and most
# of a real model's (`benchmarks/half_precision.py`).
# They come from the same distribution, so no mean is harmed; only do not expect the same replies
# again after changing `memory_mb`.
# RFT should fit, with some gigabytes left for activations, and PPO with all its weights trained
# should not.
# *Should*: this is arithmetic, and activations are not in it.
# Three habits make room.
# Load the reward model only while it scores.
# Delete every model that you are done with (each 0.6-billion copy in half precision is 1.2 GB; this
# page does it with `del`).
# And cut a step into parts (`accumulate`): the gradient is that of the whole batch, the logits in
# memory are those of one part.
#
# Move the dials: model sizes from 0.1 to 8 billion, 1 to 32 replies in a part, three cards.
# **How many replies may be in one part on a T4? Which of these models can be trained in this way on
# 24 GB?**
# (Keys and values stay at the T4 job's limit whatever the model.)
# By keyboard: Tab moves between the controls, arrows move the slider, Enter presses a button.

# %% tags=["slide"]
explore.memory_planner()

# %% tags=["nbval-check-output"]
fits = [r for r in range(1, 33) if sum(phases(0.6e9, r)["RFT training"].values()) <= 15]
print(f"0.6 billion on 15 GB: up to {fits[-1]} replies in a part, "
    "with nothing left for activations")
print("1.7 billion:", round(sum(phases(1.7e9)["RFT training"].values()), 1), "GB")

# %% [markdown]
# So plan well below that number: the job takes 4.
# Of these sizes, only those up to 0.6 billion can be trained with all their weights on 24 GB.
# The model that samples need not be the one that learns.

# %% [markdown]
# ## Deeper: Half precision

# %% [markdown] tags=["slide"]
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

# %% [markdown] tags=["slide"]
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
# First on a few prompts, to see that everything works.
# The verifier decides who is kept, one reply for each distinct list of equations (lesson 06).
# This is the **lenient** verifier: it takes the number after `####`, or else other marks and in the
# end the last number in the text.
# So a reply in the wrong form may count as right, and the count of unreadable replies below does
# not show it.
# Look for such replies yourself.

# %%
from course_lib.models import GoldReward
from course_lib.pools import distinct_paths

def keep(pool):
    """One right reply for each distinct path, under the question without examples."""
    unprompted = replace(pool, prompts=few_shot([about["question"]
        for about in pool.info]))
    return distinct_paths(unprompted, by="verifier", key=world.path)

verifier = GoldReward(world, name="verifier")

# %%
few = slice(0, 24)
pool = course.sample(policy, asked[few], work.sampling, info=info[few], seed=0)
pool = course.score(pool, verifier)
best = keep(pool)
course.finetune(policy, best,
    work.training)  # to see that it runs; the result is not kept
show.facts({"sampled": pool, "right": int(pool.reward().sum()),
    "kept as distinct paths": len(best)})

# %% [markdown]
# Now read.
# For the first three prompts, two right replies and two wrong ones, where there are such.

# %%
def some_of(i):
    """Two right and two wrong replies to question i, as far as there are."""
    at = [(word, j) for value, word in ((1, "right"), (0, "wrong"))
        for j in (pool.reward()[i] == value).nonzero().flatten().tolist()[:2]]
    return show.replies(f"{questions[i]} ({info[i]['answer']})",
        [pool.texts[i][j].strip() for _, j in at], names=[word for word, _ in at])

show.together(*(some_of(i) for i in range(3)))

# %% [markdown]
# Look at *how* the wrong ones are wrong: numbers that are not in the question (a wrong reading),
# sums that do not hold (a wrong calculation), a reply that was cut or gave no answer.
# The last kind is a fault of your settings, not of the model, and you want to find it now.

# %%
from course_lib.worlds import verify

verdicts = [verify(t, a["answer"]).status
    for row, a in zip(pool.texts, pool.info, strict=True) for t in row]
show.table(["verdict", "replies"],
    [(status, verdicts.count(status)) for status in ("correct", "wrong", "unreadable")],
    f"Cut at the token limit: {(pool.finish == 1).float().mean():.1%}.")

# %% tags=["hide", "remove-input"]
assert not work.standin or verdicts.count("correct") > 10

# %% [markdown]
# And look at the right ones.
# Some reach the right number by wrong steps.
# The verifier does not read steps.
# Let us call a reply *sound* when, besides being right, every marked equation holds and the first
# one uses numbers of the question.
# (Lesson 06 asked for true steps only; a true step with an invented number passes there, and not
# here.)
# **Of the right answers, how many are sound?**

# %% tags=["hide"]
from course_lib.worlds import equation_holds, equations

def sound(question, text):
    """True when every equation holds and the first uses numbers of the question."""
    steps, numbers = equations(text), re.compile(r"[0-9]+")
    if not steps or not all(equation_holds(step) for step in steps):
        return False
    return set(numbers.findall(steps[0].split("=")[0])) <= set(
        numbers.findall(question)
    )

def right_ones(pool):
    """(question, text) of every right reply."""
    return [
        (pool.info[i]["question"], pool.texts[i][j])
        for i, j in (pool.reward("verifier") > 0.5).nonzero().tolist()
    ]

# %%
right = right_ones(pool)
print(f"{len(right)} right answers, {sum(sound(*r) for r in right)} of them sound")

# %% tags=["hide", "remove-input"]
assert not work.standin or len(right) / 2 < sum(sound(*r) for r in right) < len(right)

# %% [markdown]
# On the stand-in most, but not all.
# How many answers would be right by luck alone?
# The control: judge each reply by the answer to *another* question.

# %%
other = replace(pool, info=[*pool.info[1:], pool.info[0]])
lucky = course.score(other, GoldReward(world, name="luck")).reward("luck").mean()
print(f"right {pool.reward('verifier').mean():.1%}, "
    f"by another question's answer {lucky:.1%}")

# %% tags=["hide", "remove-input"]
assert not work.standin or pool.reward("verifier").mean() > 2 * lucky

# %% [markdown]
# So the stand-in does add, rather than guess.
# Still, training on a right answer with wrong steps teaches wrong steps.
# A stricter rule would keep a reply only if its equations hold as well; here we go on with the
# plain verifier.

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
print(f"inside the 95 % interval: {share:.1%}")

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
# The test: held-out prompts, three policies.
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
    ("together", f"{expected:.1f}")], f"That is {expected.mean / 60:.1f} minutes.")

# %% [markdown]
# On the stand-in training took longest when this page was made: it does many small steps, while
# hundreds of candidates are sampled side by side.
# A large model on a GPU may well turn this round, since training reads many tokens at once and
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
pairs = zip(whole.policy.model.state_dict().values(),
    resumed.policy.model.state_dict().values(),
    strict=True)
weights = all(torch.equal(a, b) for a, b in pairs)
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
assert third["training"] == uninterrupted["training"] - 2

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
torch.cuda.empty_cache()        # does nothing without a GPU

# %% [markdown] tags=["slide"]
# ## The long run
#
# The four lines, all training prompts, every stage kept.
# Then the control: **from each prompt** as many replies as were kept, chosen at random, trained in
# the same way.
# (`Stages` is the folder of finished stages; `sampled` and `trained` are the loop's own two long
# steps, kept in it.)

# %%
from course_lib.methods import (Request, Stages, rejection_sampling_rounds, sampled,
    trained)
from course_lib.pools import matched_control

kept = Stages(folder / "run")
long = replace(work.loop, select=keep, training=work.training)
spent_treatment, rounds = timed(rejection_sampling_rounds, policy, asked, verifier,
    long, info=info,
    out=kept)
run = rounds[0]

# %%
control = matched_control(run.selection, seed=0)
spent_control, random_student = timed(trained, policy, control, work.training, kept,
    "control-policy")
right = float(control.rewards("verifier").mean())
print(f"{len(run.selection)} right replies on distinct paths")
print(f"the control has {len(control)}, {right:.0%} of them right; "
    f"in the pool {run.pool.reward().mean():.0%}")

# %% tags=["hide", "remove-input"]
assert not work.standin or right < 0.95

# %% [markdown]
# The control chose without looking at the reward, yet its share of right replies need not be the
# pool's.
# It takes *as many from each prompt as were kept*: more from prompts solved in many ways, none from
# prompts never solved.
# So it copies which prompts teach, and what is left between it and RFT is the effect of its wrong
# and repeated replies.
#
# The test: held-out problems, the same number of candidates from each of the three.
# The base gets the few-shot prompt, the two students the bare question.
# All are served at the temperature of sampling first; colder replies come below.

# %%
held_questions, held_info = world.prompts("heldout", limit=work.held_out)
held_info = [{**about, "question": q} for q,
    about in zip(held_questions, held_info, strict=True)]
test = replace(work.sampling, n=work.groups, seed=1)

def examined(name, who, shown=(), at=test):
    request = Request(few_shot(held_questions, shown), held_info, at, work.part)
    return course.score(sampled(who, request, kept, f"test-{name}"), verifier)

policies = {"base": (policy, examples), "RFT": (run.policy, ()),
    "random control": (random_student, ())}
spent_test, results = timed(lambda: {name: examined(name, *p) for name,
    p in policies.items()})

# %% [markdown]
# ## Deeper: Was the forecast right?

# %% [markdown]
# This needs the part above on how long it will take.

# %%
actual = spent_treatment + spent_control + spent_test
inside = expected.low <= actual <= expected.high
print(
    f"forecast {expected:.0f} s, actual {actual:.0f} s: inside the interval: {inside}"
)

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
# RFT against base: how many points of pass@1?
# And against the control?
# (pass@1: the share of right replies; pass@k: the chance that at least one of k replies is right,
# lesson 06.)

# %% tags=["hide"]
quiz.predict("09-gain", "RFT minus base: the difference in pass@1 on held-out problems?",
    low=-0.3, high=0.5, step=0.01)

# %%
from course_lib.estimators import bootstrap_interval, paired_difference, pass_at_k

one = {name: answers.reward("verifier").double().mean(1) for name,
    answers in results.items()}
eight = {name: pass_at_k(answers.reward("verifier"), [work.groups])[:, 0]
    for name, answers in results.items()}

# %% tags=["slide", "answer"]
gain, control_gain = (paired_difference(one["RFT"], one["base"]),
    paired_difference(one["random control"], one["base"]))
treatment = paired_difference(one["RFT"], one["random control"])
names = ["RFT minus base", "random control minus base", "RFT minus random control"]
figure = plots.intervals(names, [gain, control_gain, treatment],
    "difference in pass@1 on held-out problems")
figure.axes[0].axvline(0, color=plots.COLOURS[6], linestyle="--")  # no difference
figure.guessed("09-gain", axis="x")

# %% tags=["slide"]
more = paired_difference(eight["RFT"], eight["base"])
verdict = "no difference we can detect" if more.low <= 0 <= more.high else "a difference"
show.table(["policy", "pass@1", f"pass@{work.groups}"], [(name,
    f"{bootstrap_interval(one[name]):.2f}", f"{bootstrap_interval(eight[name]):.2f}")
    for name in results],
    f"pass@{work.groups}, RFT minus base: {more:+.2f}, {verdict}.")

# %% tags=["hide", "remove-input"]
assert not work.standin or (0.2 < one["base"].mean() < 0.8 and treatment.low > 0
    and control_gain.mean < gain.mean)

# %% [markdown] tags=["slide"]
# On the stand-in, at the temperature of sampling, RFT answers more held-out problems than the
# control, and the interval excludes zero: an effect of *which replies were chosen*, with everything
# else equal.
# But look at the first row: **against the base policy the saved run shows no gain that can be told
# from zero**; it is the control that fell.
# Training on one's own replies, wrong ones included, did harm at this temperature, and choosing the
# right ones prevented it.
# (One reason may be that the stand-in had met the training questions' numbers before, so right
# replies teach it little; we did not test that.)
# Without the control one would not have seen this; without the base one would have reported a
# success.
# One training of each kind, one seed: the interval covers the questions, not the luck of training,
# for which one needs several seeds (lesson 05).
# The questions also share number sets, so it is somewhat too narrow.

# %% [markdown]
# **A trap on the real model.**
# There the base policy is tested with solved examples in its prompt and the students without.
# "RFT minus base" then mixes two things: what the selection taught, and that training of *any* kind
# teaches the form of the answer.
# The random control learns the form as well, and may rise for that alone.
# Only the comparison with the control is clean.

# %% [markdown]
# ## Deeper: Right for the right reasons

# %% [markdown]
# Did it learn to add, or to guess better?
# `sound` took no part in the selection, so it can judge.
# Take *all* replies, not only the right ones: which share is right and sound?
# (The two students may give different numbers of right answers, so shares of those could mislead.)

# %%
def right_and_sound(pool):
    """(P,) share of each question's replies that are right and sound."""
    right = pool.reward("verifier") > 0.5
    good = [[sound(a["question"], t) for t in row]
        for a, row in zip(pool.info, pool.texts, strict=True)]
    return (right & torch.tensor(good)).double().mean(1)

honest = {name: right_and_sound(answers) for name, answers in results.items()}
show.table(["policy", "right and sound", "right"],
    [(name, f"{bootstrap_interval(values):.3f}", f"{one[name].mean():.3f}")
        for name, values in honest.items()])

# %%
sound_treatment = paired_difference(honest["RFT"], honest["random control"])
print(f"right and sound, RFT minus control: {sound_treatment:+.3f}")
print(f"RFT minus base: {paired_difference(honest['RFT'], honest['base']):+.3f}")

# %% tags=["hide", "remove-input"]
assert not work.standin or sound_treatment.low > 0

# %% [markdown]
# So on the stand-in the lead over the control is not only in lucky answers.
# It need not be so: the reward measures the last number, and where many right answers are lucky,
# luck is what it makes more frequent.

# %% [markdown] tags=["slide"]
# ## And the dial?
#
# Serving colder costs nothing.
# So a fair rival of a fine-tuned policy is the base policy at a lower temperature.
# On the help desk that rival is weak: its likeliest reply is a bland letter (lessons 02 and 05).
# Is it weak here, too?
#
# **Your prediction.**
# All three policies again at temperatures 0.3 and 0.1.
# What becomes of pass@1, of pass@8, and of the lead over the control?
# (This cell takes twice as long as the test, and it is not in the forecast.)

# %%
served, rows = {(test.temperature, name): values for name, values in one.items()}, []
for t in (0.3, 0.1):
    cold = replace(test, temperature=t)
    for name, (who, shown) in policies.items():
        answers = examined(f"{name}-{t}", who, shown, cold)
        served[t, name] = answers.reward("verifier").double().mean(1)
        several = pass_at_k(answers.reward("verifier"), [work.groups]).mean()
        rows.append((t, name, f"{bootstrap_interval(served[t, name]):.3f}",
            f"{several:.3f}"))
show.table(["T", "policy", "pass@1", f"pass@{work.groups}"], rows)

# %%
rows = []
for t in (test.temperature, 0.3, 0.1):
    lead = paired_difference(served[t, "RFT"], served[t, "random control"])
    over = paired_difference(served[t, "RFT"], served[t, "base"])
    rows.append((t, f"{lead:+.3f}", f"{over:+.3f}"))
dial = paired_difference(served[0.1, "base"], one["RFT"])
show.table(["T", "RFT minus control", "RFT minus base"], rows,
    f"The base at T = 0.1 minus RFT at T = {test.temperature}: {dial:+.3f}")

# %% tags=["hide", "remove-input"]
assert not work.standin or dial.low > 0

# %% [markdown] tags=["slide"]
# On the stand-in the dial wins.
# The cold base policy is more than ten points above RFT at the temperature of sampling.
# Served equally cold, we can detect no difference between RFT and the base, nor its control.
# The reason is the stand-in: its likeliest answer is often right, so a cold reply needs no
# choosing.
# And pass@8 falls, because cold replies to one question resemble each other.
# So sample warm what you want to choose from, and find the temperature for serving afterwards.
#
# Which of the two worlds is your real model like?
# Only such a table can say.
# Choose the temperature of each policy on problems that are not in the report.
# (`course run` does so for every method, and shows each one at both temperatures.)

# %% [markdown]
# A student and its control may differ in how they *write*, too.
# Read some of each before you publish a number.
# The students have done their work; delete them.

# %%
random_student = policies = rounds = None
run = replace(run, policy=None)
torch.cuda.empty_cache()

# %% [markdown]
# ## Deeper: pass@8 and luck, and enough questions

# %% [markdown]
# If every question had the same chance $p$ of a right reply, eight independent tries would succeed
# with probability $1 - (1-p)^8$.
# With unequal questions the true pass@8 is *lower* at the same average: some questions are solved
# eight times, others never.
# A policy that only guesses comes close to the formula.

# %%
p = float(one["base"].mean())
equal = 1 - (1 - p) ** work.groups
print(f"base: pass@{work.groups} {eight['base'].mean():.3f}, "
    f"if all questions were equally hard {equal:.3f}")

# %% tags=["hide", "remove-input"]
assert not work.standin or eight["base"].mean() < equal

# %% [markdown]
# **Enough questions?**
# What is the smallest true difference this test would find in four of five repetitions (lesson 06)?

# %%
from course_lib.estimators import minimum_detectable_effect

spread = float((one["RFT"] - one["random control"]).std())
show.table(["questions", "smallest difference seen"],
    [(count, f"{minimum_detectable_effect(spread, count):.3f}")
        for count in (128, work.held_out, t4.held_out)])

# %% [markdown]
# With 128 questions only a difference of several points is seen; that is why the T4 job has more.
# The real model's spread may differ: put yours in.

# %% [markdown]
# ## Deeper: A reward model of the same kind

# %% [markdown] tags=["slide"]
# For a task without a verifier the score comes from a reward model: a sequence classifier with one
# label.
# `load_reward_model` takes its folder like any other.
# Reward models are chat models: they read question and reply in *their own* template.
# So give them the bare question, not the few-shot prompt.
#
# **The stand-in's reward model has a random head.**
# A head that was never trained might still prefer right replies, or wrong ones, since the
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
    [(name, f"{found:.3f}", found.n) for name, found in right_above.items()])

# %% tags=["hide", "remove-input"]
assert not work.standin or 0.1 < right_above["reward model"].mean < 0.9

# %% [markdown]
# A coin would get 0.5.
# A random head need not land there: each draw gives its own value, for no reason but the draw.
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

# %% [markdown] tags=["slide"]
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
assert unnumbered.texts != alone.texts[12:]

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

# %% [markdown] tags=["slide"]
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
show.replies("", [printed.rsplit("\n95 %", 1)[0]], names=["what `course run` prints"])

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
#
# ## What to report when you run it for real
#
# Fill in this table, and nothing less.
# Every row with its interval over test problems; at least three seeds for the two trainings.
# Every row but the ceiling twice: at the temperature of sampling, and at the one that is best for
# it, chosen on other problems.
#
# | | T | pass@1 | pass@8 | tokens sampled | hours, on what |
# |---|---|---|---|---|---|
# | base, few-shot | | | | | |
# | base, best of N by the reward model | | | – | | |
# | base, best of N by the verifier (ceiling) | | | – | | |
# | RFT | | | | | |
# | matched random control | | | | | |
# | RFT minus control, paired | | | | – | – |
#
# Best of N gives one reply, so it has no pass@8.
# Here is what the stand-in would fill in at the temperature of sampling (one seed, and nothing
# served colder, so not yet a report):

# %% tags=["slide"]
rows = [(name, f"{bootstrap_interval(one[name]):.2f}",
    f"{bootstrap_interval(eight[name]):.2f}",
    f"{int(answers.lengths.sum()):,}") for name, answers in results.items()]
ceiling = results["base"].reward("verifier").max(1).values
rows.append((f"best of {work.groups} by the verifier", f"{bootstrap_interval(ceiling):.2f}",
    "–", "–"))
breadth = paired_difference(eight["RFT"], eight["random control"])
rows.append(("RFT minus control", f"{treatment:+.2f}", f"{breadth:+.2f}", "–"))
show.table(["", "pass@1", f"pass@{work.groups}", "tokens"], rows)

# %% [markdown] tags=["slide"]
# And beside it: model and revision, number of prompts, N, temperature of sampling, token limit and
# share of replies cut, how answers are read, share of prompts with some right and some wrong
# replies, number of distinct right paths, seeds.

# %% [markdown]
# A small test hides what it looks for.
# A public run with a stronger model on 200 test problems found 79.0 % for top-per-prompt and 79.5 %
# for its random control, with a standard error of about 3 points
# (pull request 357 of the repository `natolambert/rlhf-book`).
# Such a test cannot see an effect of the size you hope for, whatever the truth.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - One description of a job is all that differs between a laptop and a GPU; model, verifier,
#   selection and training code are the same lines.
# - 18 bytes a parameter by hand, 36 for PPO; keys and values of the candidates come on top while
#   sampling, logits while training.
#   The formulas agree exactly with the tensors of the model in hand.
# - On the stand-in's held-out sums RFT is above its matched random control at the temperature of
#   sampling, in right answers and in right and sound ones, both with intervals that exclude zero.
#   A gain over the base policy did **not** appear: that interval includes zero in the saved run.
# - Served colder, the base policy gains more than RFT did, and RFT and its control are alike as far
#   as we can detect.
#   The stand-in's likeliest answer is often right; the help desk's likeliest reply is bland.
#   Nothing on this page says what the real model does.
# - Some right answers have wrong steps; the verifier keeps them.
# - Interrupted twice and resumed, the run repeats one step, samples nothing twice, and gives the
#   same replies and weights to the last bit; two processes give the candidates of one.
# - A forecast is an interval, and it holds only while the machine stays as it was.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# The real weights: **not one of the cells above was run with Qwen3-0.6B-Base, with the Skywork
# reward model, with GSM8K's own problems as prompts, on a GPU, or on Colab** when this was written.
# Activations are not in the memory estimate.
# Training all weights is only one way: adapters (LoRA) need far less memory and are not in this
# course.
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
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("09")
