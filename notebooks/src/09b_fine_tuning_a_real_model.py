# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown] tags=["slide"]
# # Fine-tuning a real model: a run, with its control
#
# **You will:** see whether training fits in memory and how long it takes, run the four lines with
# their control, and compare each policy at its best temperature.
#
# **Builds on:** lesson 05 (RFT, the matched random control), lesson 06 (verifiers, distinct paths,
# pass@k) and lesson 09a (the model, the prompt, the verifier).
#
# **Time:** 28 minutes, and 40 more for the parts marked *Deeper*.
# On a GPU the long run takes longer.

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

folder = Path(tempfile.mkdtemp())
tier = course.tier()
work = job(tier, folder)  # without a GPU: makes the stand-in, some seconds

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
quiz.predict("09b-memory",
    "RFT on 0.6 billion parameters: how many GB before anything else?",
    low=0, high=30, step=0.1, unit="GB")

# %% tags=["answer"]
from course_lib.estimators import GB, phases, training_bytes

rft = {part: size / GB for part, size in training_bytes(0.6e9).items()}
show.together(show.table(["RFT on 0.6 billion parameters", "GB"],
    [(part, f"{size:.1f}") for part, size in rft.items()]),
    show.guess("09b-memory", round(sum(rft.values()), 1), "GB"))

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
# **The outputs saved in this notebook come from a stand-in**, as in lesson 09a.
# **When this was written, no cell of this page had been run on a GPU with the weights of Qwen3.**

# %% tags=["hide"]
# as in lesson 09a: the world, the questions, the policy
world = course.load_world("gsm8k", data=work.data)
questions, info = world.prompts("train", limit=work.prompts)
info = [{**about, "question": q} for q, about in zip(questions, info, strict=True)]
t4, dtype = TIERS["t4"], getattr(torch, work.dtype)
policy = course.load_policy(work.policy, template="plain", dtype=dtype)
size = sum(p.numel() for p in policy.model.parameters())
solved = [(q, about["solution"]) for q, about in zip(*world.prompts("train"), strict=True)]
examples = solved[-4:][: work.shots]
asked, bare = few_shot(questions, examples), few_shot(questions)

def same_weights(a, b):
    """Whether two policies have equal weights, to the last bit."""
    first, second = a.model.state_dict(), b.model.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)

def sound(question, text):
    """True when every equation holds and the first uses numbers of the question."""
    steps, numbers = equations(text), re.compile(r"[0-9]+")
    if not steps or not all(equation_holds(step) for step in steps):
        return False
    used = numbers.findall(steps[0].split("=")[0])
    return set(used) <= set(numbers.findall(question))

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

# %% [markdown] tags=["slide"]
# ## What is kept
#
# The verifier decides who is kept, one reply for each distinct list of equations (lesson 06).

# %%
from course_lib.models import GoldReward
from course_lib.pools import distinct_paths

def keep(pool):
    """One right reply for each distinct path, under the question without examples."""
    pool = replace(pool, prompts=few_shot([about["question"] for about in pool.info]))
    return distinct_paths(pool, by="verifier", key=world.path)

verifier = GoldReward(world, name="verifier")

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
quiz.predict("09b-gain",
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
figure.guessed("09b-gain", axis="x")

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
quiz.predict("09b-dial",
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
figure.guessed("09b-dial", axis="x")

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
quiz.ask("09b")
