# ---
# jupyter:
#   accelerator: GPU
#   colab:
#     gpuType: T4
# ---

# %% [markdown]
# # On a real model
#
# **You will:** run the four lines on an ordinary Hugging Face model and on data in GSM8K's own file format, work out beforehand whether it fits in memory and how long it takes, lose the machine twice and go on as if nothing had happened, and split the work over two processes without changing a single reply.
#
# **Builds on:** lesson 05 (rejection-sampling fine-tuning, the matched random control) and lesson 06 (verifiers, distinct paths, pass@k).
#
# **Time:** 60 minutes to read and do; the cells run in under a minute without a GPU. On a GPU the long run takes much longer: the forecast below says how long.

# %% [markdown]
# ## What is real on this page, and what is not
#
# Say this first, for it is easy to misread a page like this one. **The outputs saved in this notebook come from a stand-in**: a Qwen3 of about seventy thousand parameters, made and trained in a few seconds by the cells
# below, and sums of three numbers written in GSM8K's file format. The architecture, the tokenizer's kind, the file format, the loading code, the prompts, the verifier, the selection and the training are those of a real run. The model's
# ability and every score are the stand-in's.
#
# On a GPU the *same cells* use `Qwen/Qwen3-0.6B-Base` as the policy, `Skywork/Skywork-Reward-V2-Qwen3-0.6B` as the reward model, and GSM8K. **When this was written, no cell of this page had been run with those weights, and none on
# a T4.** Where that matters the text says so again.
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
from course_lib import doctor, explore, plots
from course_lib.forecast import machine
from course_lib.job import few_shot, find_gsm8k, job

# %%
have, facts = machine(), doctor.examine()
print("GPU:", have["gpu"] or "none", "| tier:", facts["tier"])
print(f"memory {have['memory_gb']:.0f} GB, on the GPU {have['gpu_memory_gb']:.0f} GB;",
      f"disk free {have['disk_free_gb']:.0f} GB")
print("torch", facts["packages"]["torch"], "| transformers", facts["packages"]["transformers"])
assert have["disk_free_gb"] > (2 if facts["tier"] == "cpu" else 12), "checkpoints will not fit on this disk"

# %% [markdown]
# A run that dies after an hour because the disk is full is a run you could have stopped in the first minute. (`course doctor` prints these facts in a terminal.) On Colab: *Runtime → Change runtime type → T4 GPU*. This page asks Colab for one by itself.
#
# **The switch.** `tier` is `cpu`, `t4` or `big`, by what was found. A `job` is everything that depends on it: models, data, sizes. No other line of this page asks which machine it is on, except to know which results it may insist on.
#
# `folder` is where everything is kept. A temporary folder is right for a lesson. **On Colab it is wrong for real work**: the machine's disk goes when the machine goes. Mount Google Drive (the folder icon on the left, then *Mount Drive*; or
# `from google.colab import drive; drive.mount("/content/drive")`) and put `folder` on it. We could not try that here.

# %%
folder = Path(tempfile.mkdtemp())      # on Colab: Path("/content/drive/MyDrive/lesson09")
tier = course.tier()
work = job(tier, folder)               # without a GPU: makes the stand-in, some seconds

# %% tags=["nbval-check-output"]
print("stand-in:", work.standin, "| prompts:", work.prompts, "| held out:", work.held_out)
print("candidates per prompt:", work.n)

# %% [markdown]
# ## The data
#
# GSM8K is 7,473 training and 1,319 test problems in two files of JSON lines (Cobbe et al., arXiv 2110.14168), in the public repository `openai/grade-school-math` under the MIT licence, and on the Hub as `openai/gsm8k`. It does not come with this course. `find_gsm8k` looks for
# the files in a few usual places, and says what to do when they are not there:

# %% tags=["nbval-check-output"]
try:
    print("found:", bool(find_gsm8k()))
except course.errors.CourseError as error:
    print(error)

# %% [markdown]
# The stand-in's problems are in the same format: a question, and a solution with its equations between `<<` and `>>` and the answer after `####`. So the code that reads real files reads these.

# %%
world = course.load_world("gsm8k", data=work.data)
questions, info = world.prompts("train", limit=work.prompts)
info = [{**about, "question": q} for q, about in zip(questions, info)]   # the bare question travels with its prompt
print("QUESTION", questions[0])
print("SOLUTION", info[0]["solution"])
print("ANSWER  ", info[0]["answer"])

# %% [markdown]
# Test problems use other triples of numbers than training problems, so what is learned cannot be a list of answers. (The questions the stand-in was trained on and the training questions here are different too, but their numbers may coincide.)
#
# ## The model is a folder
#
# A `transformers` model is a folder: weights, configuration, tokenizer. `from_pretrained` takes such a folder or a name on the Hub, and so does `load_policy`. We load it, save it, load it again, and compare every weight. Do this once before a
# long run: you then know that what will be saved at the end can be read.

# %%
dtype = getattr(torch, work.dtype)                                # float32 without a GPU
policy = course.load_policy(work.policy, template="plain", dtype=dtype)
policy.save(folder / "copy")
again = course.load_policy(folder / "copy", template="plain", dtype=dtype)
pairs = zip(policy.model.state_dict().values(), again.model.state_dict().values())
same = all(torch.equal(a, b) for a, b in pairs)
del again

# %% tags=["nbval-check-output"]
print(type(policy.model).__name__)
print("files:", ", ".join(sorted(f.name for f in (folder / "copy").iterdir())))
print("the same weights after saving and loading:", same)

# %% [markdown]
# ### How is the question put?
#
# A **chat template** writes who speaks and where the reply starts. This is ours, in the style that Qwen's models use:

# %% tags=["nbval-check-output"]
print(replace(policy, template="chat").render(["What is 3 plus 4?"])[0])

# %% [markdown]
# The lessons before used such a template. Here we do not, because `Qwen3-0.6B-Base` is a **base model**: it has read text, and nobody has taught it to take turns. It may even have a template in its folder without having learned its marks: Qwen's
# developers say of their base models that `<|im_end|>` was not trained, and advise plain text with examples instead (reported, github.com/QwenLM/Qwen3 issues 927 and 1064). A model that never writes the end mark never stops, and the verifier
# then reads the answer of some later, invented question.
#
# `template="plain"` gives the text as it is. A **few-shot prompt** shows some solved problems first, so that the model goes on in the same form. The real job shows four; the stand-in has been trained on this very form and needs none. Here is one example, to see the form:

# %%
solved = list(zip(questions, (i["solution"] for i in info)))
print(few_shot(questions[-1:], solved[:1])[0])

# %% [markdown]
# What ends a reply now? The empty line between two problems. So the real job stops at `"\n\n"` or at the model's own end token. `sample` refuses a stop text that is not a single token of the tokenizer, since it compares tokens; that `"\n\n"` is one in
# Qwen's vocabulary is something we could not check here.
#
# The examples are taken from the end of the training list and are not among the prompts. They serve the base policy only. What we train on is the question *without* examples: shorter, so cheaper, and the student needs none afterwards.

# %%
examples = [(q, i["solution"]) for q, i in zip(*world.prompts("train"))][-4:][: work.shots]
asked, bare = few_shot(questions, examples), few_shot(questions)
print(len(policy.encode(asked[:1])[0]), "tokens with the examples,", len(policy.encode(bare[:1])[0]), "without")

# %% [markdown]
# ## Does it fit? By hand
#
# Training with AdamW holds, for every parameter: its weight in float32 (4 bytes), a gradient (4), and two running means, Adam's moments (8). And the policy that did the sampling stays loaded, in half precision (2). **On paper: 0.6 billion parameters × how many bytes? Does that
# fit on a T4 with 15 GB? And would PPO fit, which also holds a reference and a reward model in half precision, and a critic that is trained?**

# %% tags=["nbval-check-output"]
from course_lib.forecast import GB, cache_bytes, phases, training_bytes

rft = {part: size / GB for part, size in training_bytes(0.6e9).items()}
print({part: round(size, 1) for part, size in rft.items()}, "together", round(sum(rft.values()), 1), "GB")

# %% [markdown]
# Eighteen bytes a parameter. Are the bytes right? Count them on the model in hand: one backward pass, one step of AdamW, and then ask every tensor for its size.

# %%
model = policy.copy().model.float()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
ids = torch.tensor(policy.encode(bare[:1]), device=policy.device)
model(input_ids=ids, labels=ids).loss.backward()
optimizer.step()
count = sum(p.numel() for p in model.parameters())
moments = [t for state in optimizer.state.values() for t in state.values() if t.dim()]
held = {"weights": model.parameters(), "gradients": [p.grad for p in model.parameters()], "Adam's moments": moments}

# %%
for part, tensors in held.items():
    real, by_hand = sum(t.nbytes for t in tensors), training_bytes(count)[part]
    print(f"{part:15} {real:>13,} bytes, by the formula {by_hand:>13,}")
    assert real == by_hand
del model, optimizer, moments, held

# %% [markdown]
# Two more things need memory. **Keys and values** while sampling: what attention remembers of every earlier token, two vectors for each layer and each key-value head. And the **logits** in training: one float32 for every response token and every word of the vocabulary, and about three arrays of that size at once. Qwen3's
# configuration in `transformers` has a vocabulary of 151,936: here the vocabulary, not the model, is what surprises people. The first formula is tested on a real cache:

# %%
with torch.inference_mode():
    cache = policy.model(input_ids=ids, use_cache=True).past_key_values
real = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
size = next(policy.model.parameters()).element_size()
by_hand = cache_bytes(policy.model.config, ids.shape[1], size)
print(f"keys and values of {ids.shape[1]} tokens: {real:,} bytes, by the formula {by_hand:,}")
assert real == by_hand

# %%
plots.memory(phases(0.6e9, replies=4, reply_tokens=200), 15, "a T4", "Memory for 0.6 billion parameters")

# %% [markdown]
# So RFT should fit, with some gigabytes left for activations, and PPO with all its weights trained should not. *Should*: this is arithmetic, and activations are not in it. Two habits make room. Load the reward model only while it scores, and delete it before
# training. And cut a step into parts (`accumulate`): the gradient is that of the whole batch, the logits in memory are those of one part.
#
# Move the dials. How many replies may be in one part on a T4? What is the largest of these models that can be trained in this way on 24 GB? By keyboard: Tab moves between the controls, arrows move the slider, Enter presses a button.

# %%
explore.memory_planner()

# %%
too_large = sum(phases(1.7e9)["RFT, training"].values())
print(f"1.7 billion parameters: {too_large:.1f} GB")
assert too_large > 24

# %% [markdown]
# So of these sizes only those up to 0.6 billion can be trained with all their weights on 24 GB. Sampling needs far less, and the model that samples need not be the one that learns.
#
# ### Half precision
#
# A T4 computes fast in float16, and has no native bfloat16. float16 has ten binary digits after the leading one and a small range. Three facts, on paper first: **what is 1 + 0.0003 in float16? What becomes of a gradient of 0.00000001? And of 70,000?**

# %% tags=["nbval-check-output"]
half = torch.float16
print("1 + 0.0003 =", (torch.tensor(1.0, dtype=half) + torch.tensor(0.0003, dtype=half)).item())
scaled = torch.tensor(1024 * 1e-8, dtype=half).float().item() / 1024
print("0.00000001 =", torch.tensor(1e-8, dtype=half).item())
print(f"times 1024, and divided again in float32: {scaled:.1e}")
print("70,000 =", torch.tensor(70_000.0, dtype=half).item())

# %% [markdown]
# Hence three rules, all kept by `finetune(..., dtype=torch.float16)` on a GPU. *Weights stay float32 while training*: small steps would be lost (first line). *The loss is scaled up* before the backward pass and gradients down after it, by PyTorch's `GradScaler`, or small gradients become zero (second line).
# *The scale falls when something overflows*, and that step is left out (third line). Sampling keeps float16 weights, and draws each token from probabilities computed in float32. On a CPU none of this is switched on.
#
# ## The four lines
#
# First on a few prompts, to see that everything works. The verifier decides who is kept, one reply for each distinct list of equations (lesson 06).

# %%
from course_lib.reward import GoldReward
from course_lib.selection import distinct_paths

def keep(pool):
    """One right reply for each distinct path; trained on under the question without examples."""
    unprompted = replace(pool, prompts=few_shot([about["question"] for about in pool.info]))
    return distinct_paths(unprompted, by="verifier", key=world.path)

verifier = GoldReward(world, name="verifier")

# %%
few = slice(0, 24)
pool = course.sample(policy, asked[few], info=info[few], seed=0, **work.sampling)
pool = course.score(pool, verifier)
best = keep(pool)
better = course.finetune(policy, best, **work.training)
print(pool, "|", len(best), "kept")

# %% [markdown]
# Now read. For the first three prompts, two right replies and two wrong ones, where there are such.

# %%
for i in range(3):
    print(questions[i], "→", info[i]["answer"])
    for value, word in ((1, "right"), (0, "wrong")):
        for j in (pool.reward()[i] == value).nonzero().flatten().tolist()[:2]:
            print(f"   {word}: {' | '.join(pool.texts[i][j].strip().splitlines())}")

# %% [markdown]
# Look at *how* the wrong ones are wrong: numbers that are not in the question (a wrong reading), sums that do not hold (a wrong calculation), a reply that was cut or gave no answer. The last kind is a fault of your settings, not of the model, and you
# want to find it now.

# %%
from course_lib.worlds.gsm8k import verify

verdicts = [verify(t, a["answer"]).status for row, a in zip(pool.texts, pool.info) for t in row]
print({status: verdicts.count(status) for status in ("correct", "wrong", "unreadable")})
print(f"cut at the token limit: {(pool.finish == 1).float().mean():.1%}")
assert not work.standin or verdicts.count("correct") > 10

# %% [markdown]
# And look at the right ones. Did you notice how many reach the right number by wrong steps? The verifier reads the last number alone. Let us call a reply *sound* when every marked equation holds and the first one uses numbers of the question. **Of the right answers, how many are sound?**

# %%
from course_lib.worlds.gsm8k import equation_holds, equations

def sound(question, text):
    """True when every marked equation holds and the first one uses numbers of the question."""
    steps, numbers = equations(text), re.compile(r"[0-9]+")
    if not steps or not all(equation_holds(step) for step in steps):
        return False
    return set(numbers.findall(steps[0].split("=")[0])) <= set(numbers.findall(question))

def right_ones(pool):
    """(question, text) of every right reply."""
    return [(pool.info[i]["question"], pool.texts[i][j]) for i, j in (pool.reward("verifier") > 0.5).nonzero().tolist()]

# %%
right = right_ones(pool)
print(f"{len(right)} right answers, {sum(sound(*r) for r in right)} of them sound")
assert not work.standin or sum(sound(*r) for r in right) < len(right) / 2

# %% [markdown]
# On the stand-in fewer than half: it has learned about how large the sum is, and writes steps by habit. It guesses well.
#
# Training on a right answer with wrong steps teaches wrong steps. A weak model guesses more often than a strong one, so this is worst at the start. A stricter rule would keep a reply only if its equations hold as well; here we go on with the plain
# verifier.

# %% [markdown]
# ## How long will it take?
#
# A free GPU is lent for a while. Before you start something long, do a small part, time it, and extrapolate. The long run samples in parts of equal size, so time three of them, and one pass of training on what each gave.

# %%
from course_lib.forecast import Stage, forecast, timed

def sample_part(start):
    here = slice(start, start + work.part)
    pool = course.sample(policy, asked[here], info=info[here], first_prompt=start, seed=0, **work.sampling)
    return course.score(pool, verifier)

parts = [timed(sample_part, k * work.part) for k in range(3)]
once = {**work.training, "epochs": 1}
trainings = [timed(course.finetune, policy, keep(part), **once)[0] for _, part in parts]

# %% [markdown]
# If $K$ parts took $m$ seconds on average with standard deviation $s$, then $M$ parts take about $M m$. How sure? Two kinds of luck add up: that of the parts to come, and that of the parts we timed.
#
# $$M m \;\pm\; t_{K-1}\, s\, \sqrt{M + M^2 / K}$$
#
# $t_{K-1}$ is 4.3 for three parts: from three numbers one knows a spread badly, and the formula knows it. Test it: draw 3 and then 40 times from a known distribution, 4,000 times over, and count how often the total of the 40 lies inside.

# %%
draws = torch.distributions.Normal(10.0, 1.0).sample((4000, 43))
inside = [Stage("test", row[:3].tolist(), 40).total for row in draws]
share = sum(i.low <= total <= i.high for i, total in zip(inside, draws[:, 3:].sum(1).tolist())) / 4000
print(f"inside the 95 % interval: {share:.1%}")
assert 0.93 < share < 0.97

# %% [markdown]
# Now the plan. Sampling: all training prompts. Training: the number of passes (`epochs`), twice, since there is a control. The test: held-out prompts, three policies.
#
# **Your prediction.** Which of the three will take longest here? And on a GPU with a model of 0.6 billion parameters?

# %%
seconds = [spent for spent, _ in parts]
M = work.prompts / work.part
test_parts = 3 * work.held_out * work.groups / (work.n * work.part)
plan = [Stage("sampling", seconds, M), Stage("training, twice", trainings, 2 * work.epochs * M),
        Stage("test", seconds, test_parts)]
expected = forecast(plan)
for stage in plan:
    print(f"{stage.name:16} {stage.total:.1f} s")
assert not work.standin or plan[1].total.mean > plan[0].total.mean
print(f"{'together':16} {expected:.1f} s, that is {expected.mean / 60:.1f} minutes")

# %% [markdown]
# On the stand-in training takes longest: it does many small steps, while hundreds of candidates are sampled side by side. A large model on a GPU may well turn this round, since training reads many tokens at once and sampling writes them one by one. Your own printout will say.
#
# The forecast is for *this* machine as it was a moment ago. We shall compare. If the interval goes beyond the time you have, lower `prompts` or `n` **now**.
#
# ## Losing the machine
#
# Free runtimes disconnect. `rejection_sampling_rounds(out=...)` is the four lines with a memory: every finished part of the sampling, a checkpoint in training, and every finished stage is written to `out`, under a key made of all that affects it (weights, prompts,
# settings). Run the same cell again and it goes on. `disconnect` raises an exception in the middle of the work, like a runtime that goes away.
#
# **Your prediction.** We disconnect once after two parts of sampling, again after three steps of training, and then let it finish. Compared with a run that was never interrupted: the same replies? The same weights, or only nearly?

# %%
from course_lib.finetuning import rejection_sampling_rounds, sampled, trained
from course_lib.job import disconnect

loop = dict(select=keep, sampling=work.sampling, seed=0, checkpoint_every=2, **work.training)
small = dict(prompts=asked[:24], info=info[:24], part=8, **loop)
whole = rejection_sampling_rounds(policy, reward=verifier, **small)[0]

# %%
with disconnect("sampling", after=2):
    rejection_sampling_rounds(policy, reward=verifier, out=folder / "small", **small)
with disconnect("training", after=3):
    rejection_sampling_rounds(policy, reward=verifier, out=folder / "small", **small)
resumed = rejection_sampling_rounds(policy, reward=verifier, out=folder / "small", **small)[0]

# %%
replies = resumed.pool.texts == whole.pool.texts
pairs = zip(whole.policy.model.state_dict().values(), resumed.policy.model.state_dict().values())
weights = all(torch.equal(a, b) for a, b in pairs)
print("the same replies:", replies, "| the same weights, to the last bit:", weights)
assert not work.standin or (replies and weights)

# %% [markdown]
# The same, to the last bit. Two things make it so. Candidate $j$ of prompt $i$ depends on the seed, $i$ and $j$ alone, so a part sampled later is the part that would have been sampled before. And a checkpoint holds the optimiser's state and the step number, not only the weights; with the
# weights alone, Adam's moments would start again at zero. (On a GPU some sums are made in an order that changes, so there we ask for no more than a look at the two words.)
#
# If you write your own loop: `pool.save(path)` after every stage is most of the benefit.
#
# ## The long run
#
# The four lines, all training prompts, every stage kept. Then the control: as many replies from each prompt, chosen without looking at the reward, trained in the same way.

# %%
from course_lib.cache import Stages
from course_lib.selection import matched_control

kept = Stages(folder / "run")
long = dict(prompts=asked, info=info, part=work.part, out=kept, select=keep, sampling=work.sampling, seed=0)
spent_treatment, rounds = timed(rejection_sampling_rounds, policy, reward=verifier, **long, **work.training)
run = rounds[0]

# %%
control = matched_control(run.selection, seed=0)
same_training = {"seed": 0, **work.training}
spent_control, random_student = timed(trained, policy, control, same_training, kept, "control-policy")
right = float(control.rewards("verifier").mean())
print(f"{len(run.selection)} right replies on distinct paths")
print(f"the control has {len(control)}, {right:.0%} of them right")

# %% [markdown]
# The test: held-out problems, the same number of candidates from each of the three. The base gets the few-shot prompt, the two students the bare question.

# %%
held_questions, held_info = world.prompts("heldout", limit=work.held_out)
held_info = [{**about, "question": q} for q, about in zip(held_questions, held_info)]
test = {**work.sampling, "n": work.groups, "seed": 1}

def examined(name, who, shown=()):
    answers = sampled(who, few_shot(held_questions, shown), held_info, test, kept, f"test-{name}", work.part)
    return course.score(answers, verifier)

policies = {"base": (policy, examples), "RFT": (run.policy, ()), "random control": (random_student, ())}
spent_test, results = timed(lambda: {name: examined(name, *p) for name, p in policies.items()})

# %%
actual = spent_treatment + spent_control + spent_test
ratio = expected.mean / actual
print(f"forecast over actual: {ratio:.2f}")
assert not work.standin or 0.2 < ratio < 5

# %% [markdown]
# A ratio of 1 is a perfect forecast, above 1 means it took less than we said. Within a factor of two is a good result for three parts: other work on the same machine, and warming up, are in the number too. That is why the plan should end well before the runtime does.
#
# **Your prediction.** RFT against base, and against the control: how many points of pass@1? And pass@8, does it rise as well? (pass@k: the chance that at least one of k replies is right, lesson 06.)

# %%
from course_lib.estimators import bootstrap_interval, paired_difference, pass_at_k, win_scores

one = {name: answers.reward("verifier").double().mean(1) for name, answers in results.items()}
eight = {name: pass_at_k(answers.reward("verifier"), [work.groups])[:, 0] for name, answers in results.items()}
for name in results:
    first, several = bootstrap_interval(one[name]), bootstrap_interval(eight[name])
    print(f"{name:15} pass@1 {first:.3f}   pass@{work.groups} {several:.3f}")

# %%
gain, control_gain = paired_difference(one["RFT"], one["base"]), paired_difference(one["random control"], one["base"])
treatment = paired_difference(one["RFT"], one["random control"])
for name, value in (("RFT less base", gain), ("control less base", control_gain), ("RFT less control", treatment)):
    print(f"{name:18} {value:+.3f}")
names = ["RFT less base", "random control less base", "RFT less random control"]
plots.intervals(names, [gain, control_gain, treatment], "difference in pass@1 on held-out problems",
                reference=0.0, reference_name="no difference")

# %%
assert not work.standin or (0.05 < one["base"].mean() < 0.6 and treatment.low > 0 and gain.mean > 0)
more = paired_difference(eight["RFT"], eight["base"])
verdict = "not told apart" if more.low <= 0 <= more.high else "told apart"
print(f"pass@{work.groups}, RFT less base: {more:+.3f}", verdict)

# %% [markdown]
# On the stand-in, RFT answers more held-out problems than the control, and the interval excludes zero. That is a statement about *which replies were chosen*, with everything else equal. The difference from the base policy is smaller or larger by luck of this training; read its
# interval above. It is one training of each kind with one seed: the interval covers the prompts, not the luck of training, for which one needs several seeds (lesson 05).
#
# Did it learn to add, or to guess better? Count the sound ones among each policy's right answers.

# %%
for name, answers in results.items():
    right = right_ones(answers)
    share = sum(sound(*r) for r in right) / max(1, len(right))
    print(f"{name:15} {len(right):4} right, of which {share:.0%} sound")

# %% [markdown]
# If the shares are about equal, the selection has made all kinds of right answers more frequent, lucky ones too: that is what it was asked for. A reward pays for what it measures, and this one measures the last number.
#
# **A trap on the real model.** There the base policy is tested with solved examples in its prompt and the students without. "RFT less base" then mixes two things: what the selection taught, and that training of *any* kind teaches the form of the answer. The random control learns the form as well, and may rise for that alone. Only the comparison with the control is clean.
#
# pass@8 is another matter: it asks whether a right reply is possible at all, and training on one's own right replies mostly makes possible ones more frequent (lesson 06). Look at whether the last interval contains 0.
#
# A student and its control may well differ in how they *write*, too. Read some of each before you publish a number.
#
# ## A reward model of the same kind
#
# For a task without a verifier the score comes from a reward model: a sequence classifier with one label. `load_reward_model` takes its folder like any other. Reward models are chat models: they read question and reply in *their own* template. So give them the bare question, not the few-shot prompt.
#
# **The stand-in's reward model has a random head. Its scores are noise.** How would you notice, if nobody told you? Ask how often it puts a right reply above a wrong one to the same question.

# %%
reward_model = course.load_reward_model(work.reward, name="reward model", dtype=dtype)
judged = results["base"].prompts_at(range(min(120, work.held_out)))
judged = course.score(replace(judged, prompts=held_questions[: judged.P]), reward_model)
print(type(reward_model.model).__name__, "|", judged)

# %%
scores, correct = judged.reward("reward model"), judged.reward("verifier") > 0.5
pairs = [win_scores(*torch.cartesian_prod(s[c], s[~c]).T).mean()
         for s, c in zip(scores, correct) if c.any() and not c.all()]
accuracy = bootstrap_interval(pairs)
print(f"right above wrong: {accuracy:.3f} over {len(pairs)} questions that have both")
assert not work.standin or 0.3 < accuracy.mean < 0.7

# %% [markdown]
# A coin would get 0.5. Whatever you see here, do not select by a reward model before you have made this check on your own data (lessons 03 and 04).
#
# There is a worse case, and it is common: the head is *missing* from the folder, because a backbone was saved without it or weights were merged wrongly. `transformers` then fills it with random numbers and goes on with a warning. `load_reward_model` refuses:

# %%
from safetensors.torch import load_file, save_file
from course_lib.reward import new_reward_model
from course_lib.tiny import tiny_policy

new_reward_model(tiny_policy(questions, width=32, vocabulary=300)).save(folder / "headless")
file = folder / "headless" / "model.safetensors"
save_file({name: w for name, w in load_file(file).items() if "score" not in name}, file, metadata={"format": "pt"})

# %%
try:
    course.load_reward_model(folder / "headless")
except course.errors.CourseError as error:
    refused = str(error).replace(str(folder / "headless"), "headless")
print(refused)
assert "score.weight" in refused

# %% [markdown]
# ## More machines
#
# Sampling splits by prompts. Give each worker a **shard**, a run of neighbouring prompts, and tell it where the shard starts (`first_prompt`): then it draws exactly the candidates that the single run would have drawn. 25 prompts, 2 workers. **How many prompts does each get?**

# %% tags=["nbval-check-output"]
from course_lib.forecast import shards

print("ours:", shards(25, 2), "| 25 // 2 for each:", [(0, 12), (12, 24)], "loses prompt 24")

# %% [markdown]
# Dropping the remainder is a frequent bug; no error tells you. Now live: two separate Python processes, each with its own shard, its own copy of the model, and nothing in common but the folder.

# %%
worker = """
import sys, torch, course_lib as course
from course_lib.job import few_shot
policy, data, dtype, first, last, out = sys.argv[1:]
first, last = int(first), int(last)
policy = course.load_policy(policy, template="plain", dtype=getattr(torch, dtype))
questions, info = course.load_world("gsm8k", data=data).prompts("train", limit=last)
settings = dict(n=4, max_tokens=32, seed=0, info=info[first:], first_prompt=first)
course.sample(policy, few_shot(questions)[first:], **settings).save(out)
"""
outs = [folder / f"shard{k}.npz" for k in range(2)]
common = [sys.executable, "-c", worker, work.policy, work.data, work.dtype]
started = [subprocess.Popen([*common, str(a), str(b), str(out)]) for (a, b), out in zip(shards(25, 2), outs)]
alone = course.sample(policy, bare[:25], n=4, max_tokens=32, seed=0, info=info[:25])
assert [process.wait() for process in started] == [0, 0]

# %%
together = course.Pool.concat([course.Pool.load(out) for out in outs])
print(together.P, "prompts, the same replies as the single run:", together.texts == alone.texts)
assert not work.standin or together.texts == alone.texts
assert together.P == 25

# %% [markdown]
# This is the whole shape of a larger job. A scheduler such as Ray Data hands shards of prompts to workers, each holding one model on one GPU, and writes what they return as files; scoring is the same with the reward model in the worker; selection is a small step in one place; training on several GPUs (with `accelerate`, for
# example) is data-parallel: each GPU takes a part of the batch, gradients are averaged. What must be passed on, whatever the tool, is the number of the first prompt, or workers with the same seed draw the same random numbers for different prompts. This course ships no such script; we describe the shape, and have not run it.
#
# ## Replies from anywhere
#
# Often the candidates already exist: sampled by a faster server, or by somebody else. All we need is a file with prompts and replies, one JSON object a line. `read_rollouts` knows the usual shapes by their keys, and writing and reading again loses nothing:

# %%
from course_lib.rollouts import read_rollouts, write_pairs, write_rollouts, write_selection
from course_lib.selection import preference_pairs

some = replace(run.pool.prompts_at(range(60)), prompts=questions[:60])
write_rollouts(some, folder / "rollouts.jsonl", shape="question/completions/rewards")
back = read_rollouts(folder / "rollouts.jsonl")

# %%
print("keys of a line:", ", ".join(json.loads((folder / "rollouts.jsonl").read_text().splitlines()[0])))
print("the same after reading:", back.prompts == some.prompts, back.texts == some.texts, back.info == some.info)
chosen = distinct_paths(course.score(back, verifier), by="verifier", key=world.path)
assert back.texts == some.texts and len(chosen) == len(distinct_paths(some, by="verifier", key=world.path))

# %% [markdown]
# The whole of it on somebody's file is one command. It verifies, selects, and fine-tunes; without `--policy` it trains a tiny model with random weights, which shows that the loop works and nothing about reasoning.
#
# ```
# course run --world gsm8k --data DIR --rollouts FILE --reward verifier
# ```
#
# The same from Python:

# %%
from course_lib.run import rollouts_table, run as run_course

result = run_course(world="gsm8k", data=work.data, rollouts=folder / "rollouts.jsonl", reward="verifier", epochs=1)
print("\n".join(rollouts_table({**result, "rollouts": "rollouts.jsonl"}).splitlines()[:9]))

# %% [markdown]
# Out again, for other trainers: `write_selection` gives `prompt` and `completion`, as TRL's supervised trainer reads them; `write_pairs` gives `prompt`, `chosen` and `rejected`, as its DPO and reward trainers do.

# %%
write_selection(chosen.to_rows(), folder / "sft.jsonl")
write_pairs(preference_pairs(some, by="verifier"), folder / "pairs.jsonl")
for name in ("sft.jsonl", "pairs.jsonl"):
    lines = (folder / name).read_text().splitlines()
    print(name, len(lines), "lines;", {k: v[:38] for k, v in json.loads(lines[0]).items() if isinstance(v, str)})

# %% [markdown]
# ## What to report when you run it for real
#
# Fill in this table, and nothing less. Every row with its interval over test problems; at least three seeds for the two trainings.
#
# | | pass@1 | pass@8 | tokens sampled | hours, on what |
# |---|---|---|---|---|
# | base, few-shot | | | | |
# | base, best of N by the reward model | | | | |
# | base, best of N by the verifier (ceiling) | | | | |
# | RFT | | | | |
# | matched random control | | | | |
# | RFT less control, paired | | | | |
#
# And beside it: model and revision, number of prompts, N, temperature, token limit and share of replies cut, how answers are read, share of prompts with some right and some wrong replies, number of distinct right paths, seeds.
#
# What to expect? For Qwen3-0.6B-Base on GSM8K a pass@1 of 31 % and a pass@8 of 77 % are reported. That is the regime one wants: there is much to choose from, and most prompts can teach something. The stand-in's base policy was trained to be in the same regime. By contrast, a public
# run with a stronger model on 200 test problems is reported to have found 79.0 % for top-per-prompt and 79.5 % for its random control, with a standard error of about 4 points and only 26 % of prompts decidable: such a test cannot see an effect of the size you hope for, whatever the truth.
#
# ## What we found
#
# - One description of a job is all that differs between a laptop and a GPU; model, verifier, selection and training code are the same lines.
# - 18 bytes a parameter by hand; the bytes of weights, gradients, Adam's moments and of the cache on the model in hand agree exactly with the formulas.
# - On the stand-in's held-out sums RFT is above its matched random control, with an interval that excludes zero, printed above. Nothing on this page says what the real model does.
# - The verifier reads the last number only: most of the stand-in's right answers are not sound, and training keeps them.
# - Interrupted twice and resumed, the run gives the same replies and the same weights to the last bit; two processes give the candidates of one.
# - A forecast from three parts was right within the factor printed above.
#
# ## What this leaves out
#
# The real weights: **not one of the cells above was run with Qwen3-0.6B-Base, with the Skywork reward model, with GSM8K's own problems as prompts, on a GPU, or on Colab** when this was written. Activations are not in the memory estimate. Training all weights is only one way: adapters (LoRA) need far less memory
# and are not in this course. Serving engines, which are made for sampling on GPUs, are not used. And our sums are of one kind, so that "held out" here is a much smaller step than between real problems.
#
# ## In real systems
#
# - Rejection-sampling fine-tuning was studied on GSM8K with 100 samples a problem, temperature 0.7, and one right path for each distinct list of equations; the gain grew with the number of distinct paths (arXiv 2308.01825).
# - ReST-EM takes 32 or 64 samples and at most 10 solutions a problem, and always trains the base model anew (arXiv 2312.06585).
# - Llama 3 reports that a paged memory for keys and values more than doubled the throughput of its rejection sampling (arXiv 2407.21783).
# - Llama 2: only the largest model sampled, and the smaller ones learned from its replies (arXiv 2307.09288).
#
# ## Further reading
#
# Yuan et al., *Scaling relationship on learning mathematical reasoning with large language models*, arXiv 2308.01825: the experiment that this page repeats in small. Cobbe et al., arXiv 2110.14168, for the data.
#
# ## Now you
#
# **Exercise** `exercises/ex09` (to come): plan, forecast and resume a run, and report it with its control.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("09")
