# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown] tags=["slide"]
# # Fine-tuning a real model: a run, with its control
#
# **You will:** see whether a training fits in memory and how long it takes, fine-tune a model on
# its own verified replies beside a control, and judge each policy at its best temperature.
#
# **Builds on:** lesson 05 (RFT, the matched random control), lesson 06 (distinct paths, pass@k) and
# lesson 09a (the model, the prompt, the verifier).
#
# **Time:** 28 minutes, and 40 more for the parts marked *Deeper*.
# On a GPU the long run takes longer.

# %% [markdown] tags=["slide"]
# ## Does it fit?
#
# The file of `Qwen3-0.6B-Base` is 1.2 GB: 0.6 billion numbers of 2 bytes.
# The GPU that Colab lends, a T4, has 15.8 GB.
#
# Training takes more than the file.
# AdamW holds each weight in float32 (4 bytes), its gradient (4), and two running means of
# gradients, Adam's **moments** (8).
# And fast arithmetic is done on a copy of each weight in half precision (2).
#
# **Your prediction.**
# How many bytes are these for each parameter, and how many GB for 0.6 billion?

# %% tags=["hide"]
# what this lesson uses
import re
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

# %% tags=["hide"]
# what it uses of the course
import course_lib as course
from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import explore, plots, quiz, show
from course_lib.estimators import (Interval, Savings, Shape, Stage, bootstrap_interval,
    forecast, in_gb, paired_difference, pass_at_k, phases, training_bytes,
    training_memory)
from course_lib.experiments import (COLAB_T4, Ledger, job, predicted_against_actual,
    preflight, problems_for, timed_parts, timed_steps, training_steps)
from course_lib.methods import Request, Stages, sampled, trained
from course_lib.models import GoldReward
from course_lib.pools import Pool, distinct_paths, matched_control
from course_lib.worlds import equation_holds, equations, few_shot

# %% tags=["hide"]
# a question for your guess
quiz.predict("09b-memory",
    "Fine-tuning 0.6 billion parameters: how many GB for these alone?",
    low=0, high=30, step=0.1, unit="GB")

# %% tags=["slide", "answer", "nbval-check-output"]
size = Shape.like_qwen3(0.6e9)
for_weights = in_gb(training_memory(size, 0, 0, parameters=0.6e9))
show.together(show.table(["0.6 billion parameters", "GB"],
    [(part, f"{held:.1f}") for part, held in for_weights.items()]),
    show.guess("09b-memory", round(sum(for_weights.values()), 1), "GB"))

# %% [markdown] tags=["slide"]
# Eighteen bytes a parameter.
# Three things come on top:
#
# - **Activations**: what each layer keeps of every token for the backward pass.
# - **Logits**: a score for each of 151,936 words, at every token of a reply.
# - **Other models**: the policy that sampled, in half precision.
#
# So a step is cut into parts of four replies, and only one part is in memory.
# Below, each row makes more room than the one above; the last is there to compare.

# %% tags=["slide"]
def gigabytes(savings, replies=4):
    """GB of each part of a training step, with four replies of 200 tokens at once."""
    return phases(0.6e9, replies, savings=savings)["RFT training"]

ladder = {"everything on the GPU": gigabytes(Savings(resting=False)),
    "the other model rests": gigabytes(Savings()),
    "activations computed again": gigabytes(Savings(recompute=True)),
    "LoRA": gigabytes(Savings(recompute=True, lora=16)),
    "PPO (lesson 07)": phases(0.6e9)["PPO (lesson 07)"]}
plots.memory(ladder, 15.8, "a T4", "Training 0.6 billion parameters")

# %% tags=["hide", "remove-input"]
totals = {name: sum(parts.values()) for name, parts in ladder.items()}
assert round(sum(for_weights.values()), 1) == 10.8 == round(18 * 0.6, 1)
assert totals["everything on the GPU"] > 15.8 and totals["the other model rests"] > 15
assert totals["activations computed again"] < 13
assert totals["LoRA"] < 4 and totals["PPO (lesson 07)"] > 20

# %% [markdown] tags=["slide"]
# **With everything on the GPU, it does not fit**, and the second row leaves nothing for what no
# formula knows.
# Three things can be done.
#
# - A model that is not at work *rests* in main memory.
# - Activations are not kept, but *computed again* in the backward pass: less memory, a third more
#   arithmetic.
# - **LoRA** trains small matrices beside the weights, which stay in half precision and need no
#   gradient.
#
# With the first two, training fits with three GB to spare.
# PPO trains two models; its row rests the others, and does not fit.

# %% [markdown]
# **How many replies may be in one part on a T4 when activations are computed again?
# Which of these models can be trained, with all weights, on 24 GB?**

# %% tags=["slide"]
explore.memory_planner()

# %% tags=["answer", "nbval-check-output"]
def all_weights(billions, replies=4):
    made = phases(billions * 1e9, replies, savings=Savings(recompute=True))
    return sum(made["RFT training"].values())

fits = [replies for replies in range(1, 33) if all_weights(0.6, replies) <= 15.8]
show.facts({"0.6 billion on 15.8 GB": f"up to {fits[-1]} replies in a part",
    "1 billion, four replies": f"{all_weights(1.0):.1f} GB",
    "1.7 billion, four replies": f"{all_weights(1.7):.1f} GB"})

# %% tags=["hide", "remove-input"]
assert all_weights(1.0) < 24 < all_weights(1.7) and 6 < fits[-1] < 14

# %% [markdown]
# ## What is real here, and what the run takes

# %% [markdown] tags=["slide"]
# As in lesson 09a, **the outputs saved here come from a stand-in**: a Qwen3 of 75,000 parameters
# that adds three numbers.
# On a GPU the same cells take the real model and GSM8K.
# **When this was written, no cell of this page had been run on a GPU.**
# One section below shows real weights: a stored run with another model.

# %%
folder = Path(tempfile.mkdtemp())
tier = course.tier()
data = problems_for(tier, folder)  # on a GPU: fetches GSM8K, 5 MB
work = job(tier, folder, data)     # without one: makes the stand-in, some 20 seconds
plan = preflight(work)

# %% [markdown]
# What the whole run takes on a T4, by arithmetic, before anything is downloaded (lesson 09a shows
# what is assumed):

# %% tags=["slide"]
on_t4 = preflight(job(course.tier("t4"), folder, data), COLAB_T4)
show.table(["stage", "GB at most", "GB there are", "minutes"],
    [(stage, f"{most:.1f}", f"{on_t4.room_gb:.1f}", f"{on_t4.minutes[stage]:.0f}")
        for stage, most in on_t4.peak_gb.items()])

# %% tags=["hide", "remove-input"]
assert on_t4.fits and 30 < sum(on_t4.minutes.values()) < 90
assert on_t4.minutes["test"] > on_t4.minutes["training"] > on_t4.minutes["sampling"]

# %% [markdown]
# Minutes are counted in **steps**: a GPU that writes one token of each of a hundred replies needs
# about as long as for one reply.
# So groups and the longest reply cost, and not the number of candidates.
# The test is the dearest stage, with four policies at three temperatures.
# Together it is about an hour; none of these minutes was measured on a T4.

# %% tags=["hide"]
# as in lesson 09a: the world, the questions, the policy, the prompts
world = course.load_world("gsm8k", data=work.data)

def read(split, limit):
    """Questions of a split, and their info with the bare question in it."""
    questions, info = world.prompts(split, limit=limit)
    told = zip(questions, info, strict=True)
    return questions, [{**about, "question": question} for question, about in told]

questions, info = read("train", work.prompts)
last = list(zip(*world.prompts("train"), strict=True))[-4:]
examples = [(question, about["solution"]) for question, about in last][: work.shots]
asked = few_shot(questions, examples)
policy = course.load_policy(work.policy, template="plain",
    dtype=getattr(torch, work.dtype))
verifier = GoldReward(world, name="verifier")

# %% tags=["hide"]
# who is kept
def keep(pool):
    """One right reply for each distinct path, under the question without examples."""
    bare = few_shot([about["question"] for about in pool.info])
    return distinct_paths(replace(pool, prompts=bare), by="verifier", key=world.path)

# %% [markdown] tags=["slide"]
# ## The first parts, timed
#
# A GPU is lent for a while.
# So begin the long run, stop after a few parts, and look at the clock.
# The parts are kept: the long run finds them and does not do them again.

# %%
kept = Stages(folder / "run", scratch=work.scratch)
ledger = Ledger(folder / "ledger.json")  # seconds and the GPU's peak memory by stage
request = Request(asked, info, work.sampling, work.part)
with ledger.stage("sampling"):
    seconds = timed_parts(policy, request, kept, "samples", parts=3)
sampling = Stage("sampling", seconds, len(asked) / work.part)
show.facts({"parts of the sampling": f"3 of {sampling.parts:.0f}",
    "forecast for all of them": f"{sampling.total:.1f} seconds"})

# %% [markdown]
# If the upper end is beyond the time you have, lower `prompts` or `n` **now**, with
# `work = work.changed(prompts=...)`, and begin again.
# Changing them later is choosing by result.

# %% [markdown]
# ## Deeper: How long will it take?

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
# Each stage is timed by itself, since none can stand for another.
# Sampling is bound by steps, training by arithmetic, and the test has other groups than the
# sampling.
# Half-widths of independent timings are added as squares, as variances are; `forecast` does so.

# %% [markdown] tags=["slide"]
# ## The long run
#
# The four lines, with a memory: what is finished lies in the folder, under a key made of all that
# affects it (weights, prompts, settings).
# If the machine goes away, run the cells again and they go on.

# %%
with ledger.stage("sampling"):
    pool = sampled(policy, request, kept, "samples")
pool = course.score(pool, verifier)
best = keep(pool)

# %% [markdown]
# Then the control (lesson 05): **from each prompt** as many replies as were kept, chosen at random,
# trained in the same way.
# And a rival: the human solutions of the same problems, for as many steps.

# %%
control = matched_control(best, seed=0)
solutions = Pool.from_candidates(questions, [[f" {a['solution']}"] for a in info],
    info=info)
human = keep(course.score(solutions, verifier))
as_long = replace(work.training, epochs=work.epochs * len(best) / len(human))
lessons = {"RFT": (best, work.training), "random control": (control, work.training),
    "human solutions": (human, as_long)}
right = float(control.rewards("verifier").mean())
show.table(["", "replies", "right"], [
    ("kept: right, distinct paths", len(best), "100%"),
    ("control", len(control), f"{right:.0%}"),
    ("all that was sampled", pool.reward().numel(), f"{pool.reward().mean():.0%}")])

# %% tags=["hide", "remove-input"]
assert not work.standin or len(human) == len(info)
assert len(control) == len(best) and (not work.standin or right < 0.95)
assert float(best.rewards("verifier").min()) == 1

# %% [markdown]
# The control takes more from prompts solved in many ways, and none from prompts never solved.
# So it copies *which prompts* teach, and differs from RFT in the choice of replies.
#
# Now the counts are known, so the other stages can be forecast, each from a few parts of its own:

# %% tags=["hide"]
# how the policies are tested: on what, how warm, in which parts
held_out, held_info = read("heldout", work.held_out)
test = replace(work.sampling, n=work.groups, seed=1)
warm, *colder = temperatures = (test.temperature, 0.3, 0.1)

def asking(name, temperature):
    """(request, name of the stage) for a policy's replies to the test problems."""
    at = replace(test, temperature=temperature)
    shown = few_shot(held_out, examples if name == "base" else ())
    request = Request(shown, held_info, at, work.part_for(at.n))
    return request, f"test-{name.replace(' ', '-')}-{temperature:g}"

# %%
steps = timed_steps(policy, best, work.training)
request, stage = asking("base", warm)
with ledger.stage("test"):
    few = timed_parts(policy, request, kept, stage)
tests = 4 * len(temperatures) * len(held_out) / request.part  # four policies
count = 3 * training_steps(best, work.training)  # three students
forecasts = [sampling, Stage("training", steps, count), Stage("test", few, tests)]
show.table(["", "seconds"], [(one.name, f"{one.total:.0f}") for one in forecasts]
    + [("together", f"{forecast(forecasts):.0f}")])

# %% [markdown]
# On a GPU the next cell is dear: three trainings.
# After each, the student rests in main memory.
# float16 leaves out a step whose gradient overflows (lesson 09a, "Half precision"); count those.

# %% tags=["hide"]
# a model that is not at work keeps no memory of the GPU
def rest(who):
    """The policy, in main memory; without a GPU it is there already."""
    who.model.to("cpu")
    torch.cuda.empty_cache()
    return who

@contextmanager
def at_work(who):
    """The policy on the GPU for a block, and at rest after it."""
    who.model.to(device)
    yield who
    rest(who)

device = policy.device

# %%
with ledger.stage("training"):
    policies = {name: rest(trained(policy, chosen, how, kept, name.replace(" ", "-")))
        for name, (chosen, how) in lessons.items()}
policies["base"] = policy
logs = {name: policies[name].training_log for name in lessons}
show.table(["student", "steps", "left out by float16"],
    [(name, len(log.losses), log.skipped) for name, log in logs.items()])

# %% [markdown] tags=["slide"]
# ## Better than what?
#
# All four answer the same test problems.
# The base gets the few-shot prompt, the students the bare question.
#
# **Your prediction.**
# The measure is pass@1, the share of right replies.

# %% tags=["hide"]
# a question for your guess, and the test
quiz.predict("09b-gain",
    "RFT minus base at the temperature of sampling: how many points?",
    low=-30, high=50, step=1, unit="points")

# %% tags=["hide"]
# every policy on the test problems, at one temperature after the other
def examined(name, temperature):
    """The pool of a policy's replies to the test problems, with verdicts."""
    with at_work(policies[name]) as who:
        request, stage = asking(name, temperature)
        written = sampled(who, request, kept, stage)
    return course.score(written, verifier)

# %%
with ledger.stage("test"):  # on a GPU the dearest: four policies, three temperatures
    answers = {(name, T): examined(name, T) for name in policies for T in temperatures}
solved = {at: 100 * pool.reward("verifier").double().mean(1).numpy()
    for at, pool in answers.items()}  # per cent of each problem's replies

# %% tags=["hide"]
# a quarter of the problems chooses temperatures, the rest is reported
alike = [" ".join(sorted(re.findall("[0-9]+", question))) for question in held_out]
quarter = set(sorted(set(alike))[::4])  # whole sets of numbers
choosing = np.array([numbers in quarter for numbers in alike])
told = [numbers for numbers in alike if numbers not in quarter]
coldest = {name: max(temperatures, key=lambda T: solved[name, T][choosing].mean())
    for name in policies}

def minus(one, other):
    """The difference of two (policy, temperature), in points, over sets of numbers."""
    return paired_difference(solved[one][~choosing], solved[other][~choosing],
        groups=told)

def share(name, temperature):
    """Right replies in per cent, with their interval over sets of numbers."""
    return bootstrap_interval(solved[name, temperature][~choosing], groups=told)

PAIRS = (("RFT", "base"), ("random control", "base"), ("RFT", "random control"),
    ("RFT", "human solutions"))
differences = {f"{a} minus {b}": minus((a, warm), (b, warm)) for a, b in PAIRS}

# %% tags=["slide", "answer"]
figure = plots.intervals(list(differences), list(differences.values()),
    "difference at the temperature of sampling (points)", reference=0,
    reference_name="no difference")
figure.guessed("09b-gain", axis="x")

# %% tags=["hide", "remove-input"]
gain, fall, treatment, rival = differences.values()
assert not work.standin or (treatment.low > 0 and treatment.mean < 15)
assert not work.standin or (fall.mean < min(0, gain.mean) and abs(gain.mean) < 10)

# %% [markdown] tags=["slide"]
# **RFT is above its control**, by seven points in the saved run, and the interval excludes zero.
# That is the effect of *which replies were chosen*, with everything else equal.
#
# **Against the base the saved run shows no difference we can detect.**
# It is the control that fell.
# Training on one's own replies, wrong ones included, did harm, and choosing the right ones
# prevented it.
# Without the base you would have reported a success.
#
# Nor is there a difference from the human solutions.
# One training of each kind, one seed: the intervals cover the questions, and not the luck of
# training.

# %% [markdown]
# **A trap on the real model.**
# There the base is tested with solved examples in its prompt and the students without.
# "RFT minus base" then mixes what the selection taught with the form of the answer, which training
# of *any* kind teaches.
# The two other trainings learn the form as well, so compare with them.

# %% [markdown]
# ## Deeper: Right for the right reasons

# %% [markdown]
# Did it learn to add, or to guess better?
# A reply is *sound* when it is right, every equation holds, and the first one uses numbers of the
# question (lesson 09a).
# This took no part in the selection, so it can judge.
# Take *all* replies, not only the right ones: which share is right and sound?
# (The students give different numbers of right answers, so shares of those could mislead.)

# %%
def sound(question, text):
    """Whether every equation holds and the first uses numbers of the question."""
    steps, numbers = equations(text), re.compile(r"[0-9]+")
    if not steps or not all(map(equation_holds, steps)):
        return False
    used = numbers.findall(steps[0].split("=")[0])
    return set(used) <= set(numbers.findall(question))

def right_and_sound(pool):
    """(P,) per cent of each problem's replies that are right and sound."""
    good = [[sound(a["question"], t) for t in row]
        for a, row in zip(pool.info, pool.texts, strict=True)]
    right = pool.reward("verifier").numpy() > 0.5
    return 100 * (right & np.array(good)).mean(1)

# %%
honest = {name: right_and_sound(answers[name, warm]) for name in policies}
sound_gain = {other: paired_difference(honest["RFT"], honest[other], groups=alike)
    for other in ("random control", "base")}
show.table(["right and sound: RFT minus …", "points"],
    [(other, f"{value:+z.0f}") for other, value in sound_gain.items()])

# %% tags=["hide", "remove-input"]
assert not work.standin or sound_gain["random control"].low > 0

# %% [markdown]
# So on the stand-in the lead over the control is not only in lucky answers.
# Elsewhere it can be: the reward measures the last number, and where many right answers are lucky,
# luck is what it makes more frequent.
#
# The stand-in is trained while the page runs, and sums round otherwise with another number of
# threads.
# So the differences on your page can be others than those of the saved run.
#
# And why did right replies teach the stand-in so little?
# One guess is that it had met the numbers of the training questions before (lesson 09a, "Seen
# numbers flatter"); we did not test that.

# %% [markdown] tags=["slide"]
# ## Each at its best temperature
#
# Serving colder costs nothing.
# So a fair rival of a fine-tuned policy is the base policy at *its* best temperature.
# It is chosen among three, on a quarter of the test problems, and reported on the rest.
#
# **Your prediction.**
# At the temperature of sampling, about half of the base's replies are right.

# %% tags=["hide"]
# a question for your guess
quiz.predict("09b-dial",
    "The base policy at its best temperature: how many of 100 replies are right?",
    low=0, high=100, step=1, unit="replies")

# %% tags=["slide", "answer"]
order = ("base", "RFT", "random control", "human solutions")
marks = {f"T = {warm:g}": [share(name, warm) for name in order],
    "its best T": [share(name, coldest[name]) for name in order]}
plots.dumbbells(order, marks, "right replies to test problems (%)", spec=".0f").guessed(
    "09b-dial", axis="x")

# %% tags=["hide", "remove-input"]
cold = {other: minus(("RFT", coldest["RFT"]), (other, coldest[other]))
    for other in ("base", "random control", "human solutions")}
dial = minus(("base", coldest["base"]), ("RFT", warm))
assert not work.standin or (dial.low > 0 and warm == 1 and max(coldest.values()) < 1)
assert not work.standin or (all(abs(value.mean) < 10 for value in cold.values())
    and 40 < share("base", warm).mean < 60)

# %%
show.table(["each at its best T: RFT minus …", "points"],
    [(other, f"{value:+z.0f}") for other, value in cold.items()])

# %% [markdown] tags=["slide"]
# **On the stand-in the dial wins.**
# In the saved run the base at its best temperature is fourteen points above RFT at T = 1, and with all four cold we
# detect no difference between RFT and any other.
# The stand-in's likeliest answer is often right, so a cold reply needs no choosing.
#
# On the help desk that rival is weak: its likeliest reply is a bland letter (lessons 02 and 05).
# Is your model like the stand-in or like the help desk?
# Only such a figure can say.

# %% tags=["hide"]
# the students have done their work
policies = None
torch.cuda.empty_cache()

# %% [markdown]
# ## Deeper: pass@8 and luck, and enough questions

# %% [markdown]
# Cold replies to one question resemble each other, so the chance that at least one of several is
# right falls.
# Sample warm what you want to choose from:

# %%
several = {at: 100 * pass_at_k(pool.reward("verifier"), [work.groups])[:, 0]
    for at, pool in answers.items()}
show.table([f"pass@{work.groups}", *(f"T = {T:g}" for T in temperatures)],
    [(name, *(f"{several[name, T].mean():.0f}" for T in temperatures))
        for name in order])

# %% [markdown]
# If every question had the same chance $p$ of a right reply, eight independent tries would succeed
# with probability $1 - (1-p)^8$.
# With unequal questions the true pass@8 is *lower* at the same average: some questions are solved
# eight times, others never.
# A policy that only guesses comes close to the formula.

# %%
p = float(solved["base", warm].mean()) / 100
equal = 100 * (1 - (1 - p) ** work.groups)
show.facts({f"base, pass@{work.groups}": f"{several['base', warm].mean():.0f} %",
    "if all questions were equally hard": f"{equal:.1f} %"})

# %% tags=["hide", "remove-input"]
assert not work.standin or several["base", warm].mean() < equal
falls = several["base", warm].mean() - several["base", 0.1].mean()
assert not work.standin or falls > 5

# %% [markdown]
# **Enough questions?**
# What is the smallest true difference this test would find in four of five repetitions (lesson 06)?

# %%
from course_lib.estimators import minimum_detectable_effect

spread = float((solved["RFT", warm] - solved["random control", warm]).std(ddof=1))
show.table(["questions", "smallest difference seen, points"],
    [(count, f"{minimum_detectable_effect(spread, count):.0f}")
        for count in (64, 256, 1319)])

# %% [markdown]
# With 64 questions only a difference of many points is seen.
# (This takes the questions for independent ones; the stand-in's share their numbers, so it needs
# more.)
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
# ## Predicted and actual
#
# Memory was predicted by arithmetic, and time from the first parts of each stage.
# A ratio above 1 says that more came than was predicted.

# %%
by_parts = {one.name: one.total.mean for one in forecasts}  # seconds
show.table(["stage", "GB predicted", "GB came", "ratio", "minutes predicted",
    "minutes came", "ratio "], predicted_against_actual(plan, ledger, by_parts))

# %% [markdown]
# Without a GPU there is no memory to compare.
# The minutes are those of one machine at one moment; do not rely on them.
# Where the two differ by much, find out why before you plan anything larger with them: other work on
# the machine, longer replies, a stage that was found finished on disk and took no time.

# %% [markdown] tags=["slide"]
# ## The same with real weights
#
# The stand-in shows that the loop runs.
# A stored run has real weights, of another model that is small enough for it, and GSM8K's own
# problems.
#
# It begins with **SFT** on human solutions.
# That policy answers other problems several times, and three trainings of equal length go on from
# it:
#
# - *SFT continued*: on the human solutions again,
# - *RFT*: on these and the right paths,
# - *random control*: on these and as many random replies.
#
# Each policy's temperature is chosen on problems that nothing else uses.

# %% tags=["hide"]
# a stored run with real weights; where it is not there, the page goes on without it
def stored_run():
    """The result, or None."""
    try:
        return results.load("real_weights")
    except CourseError:
        return None

def in_per_cent(value):
    """An interval as it was stored, a share, as one in per cent."""
    ends = (100 * value[end] for end in ("mean", "low", "high"))
    return Interval(*ends, 0.95, 0)

real = stored_run()

# %% tags=["hide"]
# the same run as rows of a figure, and what it was
def rows_of(run, where):
    """Name → right answers at ``where``, of policies and of two ways to choose."""
    n, sft = run["asked"]["n_test"], run["policies"]["SFT"]
    rows = {name: one[f"pass@1 {where}"] for name, one in run["policies"].items()}
    rows |= {f"SFT, majority of {n}": sft[f"majority of {n} {where}"],
        f"SFT, verifier’s choice of {n}": sft[f"pass@{n} {where}"]}
    return {name: in_per_cent(value) for name, value in rows.items()}

def about(run):
    """Weights, problems, machine, seeds and versions of a stored run."""
    asked = run["asked"]
    return {"weights": run["weights"], "machine": run["device"],
        "problems": f"{asked['sft']} for SFT, {asked['problems']} answered "
            f"{asked['n']} times, {asked['test']} in the test",
        "seeds": len(run["by_seed"]),
        "versions": ", ".join(f"{name} {which}"
            for name, which in run["versions"].items())}

# %% tags=["slide"]
figure = None
if real is not None:
    warm_rows, own_rows = (rows_of(real, where) for where in ("at 1", "at its T"))
    figure = plots.dumbbells(list(own_rows), {"T = 1": list(warm_rows.values()),
        "its best T": list(own_rows.values())}, "right answers to GSM8K (%)", ".0f")
figure

# %%
told_of_it = show.facts({"stored run": "not in this copy of the course"})
if real is not None:
    each = {pair: one["pass@1 at its T"] for pair, one in real["differences"].items()}
    told_of_it = show.together(show.table(["each at its best T", "points"],
        [(pair, f"{in_per_cent(value):+z.0f}") for pair, value in each.items()]),
        show.facts(about(real)))
told_of_it

# %% tags=["hide", "remove-input"]
if real is not None:
    ones = [one["pass@1 at its T"]["mean"] for one in real["policies"].values()]
    gaps = [one["pass@1 at its T"] for one in real["differences"].values()]
    assert min(ones) > 0.01 and max(ones) < 0.05
    assert all(gap["low"] < 0 < gap["high"] for gap in gaps)
    assert (real["asked"]["test"], real["asked"]["n_test"]) == (48, 4)
    assert real["by_seed"][0]["sampled"]["paths"] == 18 and len(real["by_seed"]) == 1

# %% [markdown]
# Two to five replies of a hundred are right, and there were 18 right paths to learn from.
# With 48 problems no policy is told from another: every interval holds zero.
# That is the run's size, and no verdict on the method.
# The problems are short ones, chosen after a first try had 2 right of 256 training replies.
# `benchmarks/real_weights.py` names the command for a GPU; it has not run there.

# %% [markdown] tags=["slide"]
# ## What to report
#
# Fill in this table, every row with its interval over test problems, at least three seeds for the
# trainings.
# Every row but the ceiling twice: at the temperature of sampling, and at its best.
#
# | | T | pass@1 | pass@8 | tokens | hours |
# |---|---|---|---|---|---|
# | base, few-shot | | | | | |
# | base, best of 8 by the reward model | | | – | | |
# | base, best of 8 by the verifier (ceiling) | | | – | | |
# | RFT | | | | | |
# | matched random control | | | | | |
# | human solutions, as many steps | | | | | |
# | RFT minus control, paired | | | | – | – |

# %% [markdown]
# Beside it stand model and revision, number of prompts, N, temperature of sampling, token limit and
# share of replies cut.
# Then how answers are read, the share of prompts with both right and wrong replies, the number of
# distinct right paths, and the seeds.
# This page has one seed, so it is not yet a report.

# %% [markdown]
# ## Deeper: Memory, counted on the model in hand

# %% [markdown]
# Are the bytes right?
# One backward pass, one step of AdamW, and then ask every tensor for its size.

# %%
def held_while_training():
    """Part → its bytes, after one step of AdamW on a copy of the policy."""
    model = policy.copy().model.float()
    ids = torch.tensor(policy.encode(asked[:1]), device=policy.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    states = optimizer.state.values()
    moments = [t for state in states for t in state.values() if t.dim()]
    held = {"weights": model.parameters(), "Adam's moments": moments,
        "gradients": [p.grad for p in model.parameters()]}
    return {part: sum(t.nbytes for t in tensors) for part, tensors in held.items()}

# %%
parameters = sum(p.numel() for p in policy.model.parameters())
with at_work(policy):
    counted = held_while_training()
by_hand = training_bytes(parameters)
show.table(["", "bytes", "by the formula"],
    [(part, f"{real_bytes:,}", f"{by_hand[part]:,}")
        for part, real_bytes in counted.items()])

# %% tags=["hide", "remove-input"]
assert all(found == by_hand[part] for part, found in counted.items())

# %% [markdown]
# The function gives everything back when it returns.
# In a notebook that is worth a habit: a name at the top level, even that of a loop, keeps what it
# holds until the kernel ends.
# (One forgotten loop variable with Adam's moments in it is 4.8 GB of a T4.)
#
# Logits are counted three times: themselves, their gradient, a temporary.
#
# Three habits make room.
# Load the reward model only while it scores.
# Let every model rest that you are done with (each 0.6-billion copy in half precision is 1.2 GB).
# And cut a step into parts (`accumulate`): the gradient is that of the whole batch.
#
# In the planner, by keyboard: Tab moves between the controls, arrows move a slider, Enter presses a
# button.

# %% [markdown]
# ## Deeper: Losing the machine

# %% [markdown]
# Free runtimes disconnect.
# `rejection_sampling_rounds(out=...)` is the four lines with a memory: every finished part of the
# sampling, a checkpoint in training, and every finished stage is written to `out`, under a key made
# of all that affects it.
# Run the same cell again and it goes on.
#
# We lose the machine on purpose, and **with the stand-in on every machine**: a checkpoint of 0.6
# billion parameters is 7 GB, and this would write several.
# `disconnect` raises an exception in the middle of the work, like a runtime that goes away;
# `counting` interrupts nothing.
# Both count the work really done, through `hooks` that the loop calls.
#
# **Work it out.**
# 24 prompts in 3 parts, a checkpoint every 2 steps.
# We disconnect after two parts, again after three steps, and then let it finish.
# How many parts will the second and the third call sample?
# How many steps are done twice?
# And compared with a run that was never interrupted: the same replies, the same weights?

# %% tags=["hide"]
# the stand-in, its problems, and the loop on 24 of them
from course_lib.experiments import counting, disconnect
from course_lib.methods import rejection_sampling_rounds

toy = work if work.standin else job(course.tier("cpu"), folder / "toy")
toy_world = course.load_world("gsm8k", data=toy.data)
toy_questions, toy_info = toy_world.prompts("train", limit=24)
toy_info = [{**a, "question": q} for q, a in zip(toy_questions, toy_info, strict=True)]
often = replace(toy.training, checkpoint_every=2)
toy_loop = replace(toy.loop, select=keep, training=often, part=8)
toy_verifier = GoldReward(toy_world, name="verifier")

def run(watch, out):
    """The four lines, with a memory in ``out``."""
    policy = course.load_policy(toy.policy, template="plain", device="cpu")
    return rejection_sampling_rounds(policy, few_shot(toy_questions), toy_verifier,
        toy_loop, info=toy_info, out=out, hooks=watch.hooks)[0]

# %%
with counting() as uninterrupted:
    whole = run(uninterrupted, folder / "whole")
with disconnect("sampling", after=2) as first:
    run(first, folder / "small")
with disconnect("training", after=3) as second:
    run(second, folder / "small")
with counting() as third:
    resumed = run(third, folder / "small")

# %%
calls = {"uninterrupted": uninterrupted, "1st call": first, "2nd call": second,
    "3rd call": third}
show.table(["", "parts sampled", "steps trained"],
    [(name, done["sampling"], done["training"]) for name, done in calls.items()])

# %% tags=["hide", "remove-input"]
assert (first["sampling"], second["sampling"], third["sampling"]) == (2, 1, 0)
assert third["training"] == uninterrupted["training"] - 2
ends = zip(whole.policy.model.state_dict().values(),
    resumed.policy.model.state_dict().values(), strict=True)
assert whole.pool.texts == resumed.pool.texts
assert all(torch.equal(a, b) for a, b in ends)
del ends, whole, resumed

# %% [markdown]
# Nothing was sampled twice, and of the three steps before the second disconnection the third call
# repeats only the last, which came after the checkpoint.
# The replies are the same, and so are the weights, to the last bit.
# That alone would prove little: with the same seed a run that starts from nothing each time ends in
# the same place, too.
# The counts show that it did not.
#
# The results agree because candidate $j$ of prompt $i$ depends on the seed, $i$ and $j$ alone, and
# because a checkpoint holds the optimiser's state and the step number besides the weights.
# (On a GPU some sums are made in an order that changes, so equal bits are not to be expected there.)
#
# On Colab the machine's disk goes when the machine goes.
# Mount Google Drive (the folder icon on the left, then *Mount Drive*), and let finished stages have a
# folder on it.
# Checkpoints are large and short-lived: they stay on the machine's own disk.
# We could not try that here.
#
# ```
# kept = Stages("/content/drive/MyDrive/lesson09b", scratch="/content/checkpoints")
# ```
#
# If you write your own loop: `pool.save(path)` after every stage is most of the benefit.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - Fine-tuning with AdamW takes 18 bytes a parameter, 10.8 GB for 0.6 billion, and what comes on
#   top does not fit on a T4 unless models rest and activations are computed again.
# - RFT is seven points above its random control at T = 1.
#   Over the base the saved run shows no gain.
# - The base at its best temperature is fourteen points above RFT at T = 1.
# - As many steps on human solutions are as good: no difference we can detect.
# - With real weights, the run a CPU allows tells no policy from another.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# Qwen3's real weights: **not one of the cells above was run with Qwen3-0.6B-Base, on a GPU, or on
# Colab** when this was written.
# The memory figure is arithmetic.
# Serving engines, which are made for sampling on GPUs, are not used: `docs/at_work.md` says how to
# sample from one, and how the same four lines run on several machines.
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
# - Llama 2: only the largest model sampled, and the smaller ones learned from its replies (arXiv
#   2307.09288).
#
# ### Further reading
#
# Yuan et al., *Scaling relationship on learning mathematical reasoning with large language models*,
# arXiv 2308.01825: the experiment this page follows.
# Hu et al., *LoRA*, arXiv 2106.09685, and Chen et al., *Training deep nets with sublinear memory
# cost*, arXiv 1604.06174, for the two ways to make room.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex09`: plan, forecast, shard and resume a run, and hand it on.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# The one on the forecast belongs to a Deeper part.
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("09b")
