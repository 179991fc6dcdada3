# %% [markdown] tags=["slide"]
# # Rejection sampling and RLHF
#
# **You will:** see that RFT, GRPO and PPO are one formula with different weights, compare them at
# equal budget and each at its best temperature, and decide which to use when.
#
# **Builds on:** lesson 04 (over-optimisation, KL), lesson 05 (rejection-sampling fine-tuning).
#
# **Time:** 30 minutes, and 45 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Three replies, one teacher
#
# Three policies answer one question.
# A is the assistant as it was.
# B and C both learned from the reward model `reward-8000`, each by a method of this lesson.
# The chips show its scores.

# %% tags=["hide"]
import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import drawings, explore, plots, quiz, show
from course_lib.experiments.findings.registry import interval_of
from course_lib.methods import advantages

pushed = results.load("pushed")
PUSHED = "PPO, 10 times the learning rate"
trio = ("base", "RFT", PUSHED)

def answers(which, *measures):
    """What the three policies answered to a stored question, with their scores."""
    rows = [pushed["policies"][name]["replies"][which] for name in trio]
    scores = {name: [row[name] for row in rows] for name in measures}
    return show.replies(pushed["prompts"][which], [row["text"] for row in rows], "ABC",
        scores, about=pushed["info"][which])

# %% tags=["nbval-check-output"]
answers(3, "reward-8000")

# %% [markdown]
# **Which policy would you ship?**
# Decide before the next cell adds what each reply is worth.

# %% tags=["slide", "answer", "nbval-check-output"]
answers(3, "reward-8000", "gold")

# %% [markdown] tags=["slide"]
# B is one round of rejection-sampling fine-tuning, **RFT**.
# C is PPO with ten times its best learning rate.
# PPO is the classic of **RLHF**, reinforcement learning from human feedback: a reward model learns
# from people, and a policy is trained towards it.
# The reward model likes C best, and not only here: question by question, its small lead is beyond
# chance.

# %%
judged = [pushed["policies"][name] for name in trio]
plots.dumbbells(["A: base", "B: RFT", "C: PPO, pushed"], {
    "score by reward-8000": [interval_of(row["reward-8000"]) for row in judged],
    "gold": [interval_of(row["gold"]) for row in judged]},
    "points, mean of 192 questions, each at its best T")

# %% tags=["hide", "remove-input"]
far_minus_rft = pushed["minus_rft"][PUSHED]
assert far_minus_rft["reward-8000"]["low"] > 0 and far_minus_rft["gold"]["high"] < -1
assert -2.2 < far_minus_rft["gold"]["mean"] < -1.8

# %% [markdown] tags=["slide"]
# Its gold is two points below B's.
# Which method should train your policy, and how far?
#
# ## One wish, several ways
#
# All have one wish: a high reward $r$, from a policy $\pi_\theta$ that has not strayed far from the
# one it started as, $\pi_{\text{ref}}$.
#
# $$J(\theta) = \mathbb{E}_{y \sim \pi_\theta}\big[r(x, y)\big] \;-\; \beta\,\mathrm{KL}(\pi_\theta \,\|\, \pi_{\text{ref}})$$
#
# That is the mean reward, minus $\beta$ times how far the policy has moved (lesson 04).
# The second term is the **leash**.
# Without it nothing keeps the policy from where the reward model is wrong.

# %% [markdown] tags=["slide"]
# - **RFT** samples once for many prompts and keeps the best reply of each.
#   It imitates what it kept, in a few passes.
#   (RAFT repeats that in small steps.)
# - **DPO**, direct preference optimisation, learns from pairs of a better and a worse reply.
#   It raises the first against the second, and samples nothing while it trains.
# - **GRPO**, group relative policy optimisation, samples a group of replies to each prompt.
#   Those above the group's mean are pushed up, those below it down.
#   (RLOO, its sister, takes the mean of the *others*.)
# - **PPO**, proximal policy optimisation, trains a second model, the **critic**, which guesses the
#   reward to come.
#   Each token is pushed by how much better things went than guessed.
#
# GRPO, RLOO and PPO are **online**: they draw fresh samples at every step.
# One step of PPO: sample and score replies, subtract the leash, compare with the critic's guesses,
# update both models a few times in small steps, throw the replies away.

# %% [markdown] tags=["slide"]
# ## On paper: what is each reply worth?
#
# Eight replies to one prompt, sorted by reward.
# Each method turns rewards into **weights**: how strongly to push each reply up or down.

# %% tags=["slide"]
drawings.weights()

# %% [markdown] tags=["slide"]
# On the left, RFT uses the best reply, and forgets by how much it was the best.
# The others push down as well as up.
# On the right replies are nearly alike.
# GRPO divides by the group's standard deviation, so small differences weigh as much as large ones.
# PPO pushes them all up, because its critic expected less.
#
# Take a pencil: four replies, rewards 1, 2, 3 and 6.
# **Which weights does RFT give? GRPO without the division? RLOO?**

# %% tags=["nbval-check-output", "answer"]
rewards = torch.tensor([[1.0, 2.0, 3.0, 6.0]])
kinds = {"RFT": "best", "GRPO without the division": "group", "RLOO": "leave_one_out"}
show.table(["reward of the reply", 1, 2, 3, 6], [
    (name, *(f"{a:.3g}" for a in advantages(rewards, kind)[0].tolist()))
    for name, kind in kinds.items()])

# %% tags=["hide", "remove-input"]
centred, left_out = (advantages(rewards, kind) for kind in ("group", "leave_one_out"))
assert torch.allclose(left_out, centred * 4 / 3)
assert all(abs(float(advantages(rewards, kind).sum())) < 1e-4
    for kind in ("group", "leave_one_out", "group_std"))

# %% [markdown]
# The weights of the last two rows sum to zero.
# RLOO's are the row above times 4/3, since no reply is compared with a mean that contains itself.

# %% [markdown] tags=["slide"]
# ## RFT is a policy gradient with weights of 0 and 1
#
# Let $w(x, y)$ be any weight of a reply.
# To climb its mean under the policy, follow the gradient
#
# $$\nabla_\theta \sum_y \pi_\theta(y \mid x)\, w(x, y) = \sum_y \pi_\theta(y \mid x)\, w(x, y)\, \nabla_\theta \log \pi_\theta(y \mid x)
#   = \mathbb{E}_{y \sim \pi_\theta}\big[\, w(x, y)\, \nabla_\theta \log \pi_\theta(y \mid x) \,\big],$$
#
# because $\nabla \pi = \pi\, \nabla \log \pi$.
# So: sample replies, and add up the gradients of their log-probabilities, each times its weight.
# That is the **policy gradient**.
#
# Now give the kept replies $w = 1$ and all others $w = 0$.
# What is left is the gradient of $\sum_{\text{kept}} \log \pi_\theta(y \mid x)$, which supervised
# fine-tuning climbs.
# **The first step of RFT is a policy-gradient step whose reward is "was kept".**
# (The replies it competed with are taken as given.)

# %% [markdown]
# And the tenth step?
# By then the policy has changed, and the kept replies have not.
# So compare their gradient, after some passes, with that of *fresh* kept replies by the policy as
# it is then (cosine 1: the same direction; 0: at right angles).
# Two fresh sets differ as well, by chance: their agreement is the control.

# %% tags=["hide"]
from course_lib import finetune, sample, score, select_best
from course_lib.methods import sft_loss
from course_lib.methods.sft import selected_examples

policy = course.load_policy(assets.path("helpdesk/policy"))
teacher = course.load_reward_model(assets.path("helpdesk/reward-8000"), "reward-8000")
prompts, info = course.load_world("helpdesk").prompts("train", limit=512, seed=7)
few, about = prompts[:64], info[:64]

def kept(student, seed):
    """The best of 8 new replies of ``student`` to each prompt, by reward-8000."""
    return select_best(score(sample(student, few, n=8, info=about, seed=seed), teacher))

def gradient(student, selection):
    """Of log-likelihood, with respect to all weights: one long vector."""
    loss, _ = sft_loss(student, selected_examples(student, selection))
    parts = torch.autograd.grad(-loss, list(student.model.parameters()))
    return torch.cat([part.flatten().double() for part in parts])

# %% tags=["hide"]
def cosine(a, b):
    """1: the same direction, 0: at right angles, -1: opposite."""
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()

def agreement(student, first):
    """Of the first kept replies with fresh ones, and of two fresh sets."""
    old = gradient(student, first)
    one, other = (gradient(student, kept(student, seed)) for seed in (1, 2))
    return (cosine(old, one) + cosine(old, other)) / 2, cosine(one, other)

# %% tags=["slide"]
first = kept(policy, seed=0)
students = [policy] + [
    finetune(policy, first, lr=1e-3, epochs=passes, seed=0) for passes in (2, 4)]
old, fresh = zip(*(agreement(student, first) for student in students), strict=True)
plots.freshness([0, 2, 4], old, fresh)

# %% tags=["hide", "remove-input"]
assert old[0] > 0.2 and old[2] < 0.1 and min(fresh) > 0.2

# %% [markdown] tags=["slide"]
# At first the kept replies point where fresh ones do.
# After four passes they do not.
# What is left in them to learn is their accidents.
# That is why RFT stops after a few passes, and why the online methods sample again.
#
# Three things, then, separate RFT from the online methods:
#
# 1. **Fresh samples.**
#    RFT takes all its steps on one large sample.
# 2. **Negative weights.**
#    RFT pushes nothing down.
# 3. **The leash.**
#    RFT has no KL term; it stops early instead.

# %% [markdown]
# ## Deeper: The ratio and the clip, by hand

# %% [markdown]
# PPO takes several steps with one sample.
# From the second on, the policy is no longer the one that wrote the replies.
# So each token is weighted by the **ratio** $\rho = \pi_\theta / \pi_{\text{old}}$: how likely it
# is now against when it was sampled.
# That corrects for the policy having moved, as a poll corrects for groups it asked too often.
# But a ratio far from 1 is a sign that the sample is stale.
# So PPO maximises the smaller of two values,
# $\min\!\big(\rho A,\ \operatorname{clip}(\rho,\, 0.8,\, 1.2)\, A\big)$, where $A$, the
# **advantage**, is the weight (arXiv 1707.06347).

# %%
drawings.clip()

# %% [markdown]
# Take a pencil: $A = 1$ and $\rho = 1.5$ give 1.2, and no push.
# **What is the value for $A = -1$ and $\rho = 0.5$?
# Is there still a push for $A = -1$ and $\rho = 1.5$?**

# %% tags=["nbval-check-output", "answer"]
from course_lib.methods import clipped

rows = []
for A, rho in ((1.0, 1.5), (-1.0, 0.5), (-1.0, 1.5)):
    ratio = torch.tensor([rho], requires_grad=True)
    loss, _ = clipped(ratio, torch.tensor([A]), 0.2)  # the loss is minus the value
    push = -torch.autograd.grad(loss.sum(), ratio)[0]
    rows.append((f"{A:+.0f}", rho, f"{-loss.item():+.1f}", f"{push.item() + 0.0:+.0f}"))
show.table(["A", "ratio", "value", "push on the ratio"], rows)

# %% [markdown]
# A token of a good reply is not pushed up once it is 20 % likelier.
# One of a bad reply is not pushed down once it is 20 % less likely.
# But a bad one that has become *likelier* is pushed down with full force: the minimum is
# pessimistic.
#
# GRPO and RLOO make one update a batch in this lesson.
# Their ratio is 1, so the clip never acts.
# RAFT++, in the comparison below, is RFT in small steps with fresh samples: two updates a batch,
# with ratio and clip.

# %% [markdown]
# ## Deeper: PPO by hand

# %% [markdown]
# PPO gives each *token* a weight.
# $V_t$ is the critic's guess, before token $t$, of the reward to come; after the last token it is
# 0.
# $r_t$ is the reward at token $t$.
# Every token gets $-\beta \log(\pi_\theta / \pi_{\text{ref}})$, the leash: summed over a reply, it
# is minus $\beta$ times the KL on average.
# The last token also gets the score of the reward model.
# The surprise at token $t$ is $\delta_t = r_t + V_{t+1} - V_t$: how much better things look after
# the token than before it.
# A token's merit can show later.
# So PPO adds the later surprises, each discounted once more by $\lambda$ (generalised advantage
# estimation, arXiv 1506.02438; its other discount, $\gamma$, is 1 here):
#
# $$A_t = \delta_t + \lambda A_{t+1}$$
#
# A reply of three tokens, reward 1 at its end, guesses 0.6, 0.3, 0.4, and $\lambda = 0.5$.
# From the back: $A_3 = 1 - 0.4 = 0.6$.
# Then $A_2 = (0.4 - 0.3) + 0.5 \cdot 0.6 = 0.4$.
# **And $A_1$?**

# %% tags=["nbval-check-output", "answer"]
from course_lib.methods import gae

mask = torch.ones(1, 3, dtype=torch.bool)
at_the_end, guesses = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.6, 0.3, 0.4]])
A, target = gae(at_the_end, guesses, mask, lam=0.5)
print([round(a, 3) for a in A[0].tolist()])

# %% [markdown]
# $A_1 = (0.3 - 0.6) + 0.5 \cdot 0.4 = -0.1$.
# The first token made things look worse, and most of that was made good later.
#
# One step of PPO, then:
#
# 1. Sample replies and score them.
# 2. Give every token its reward, minus the leash.
# 3. Turn the critic's guesses into advantages.
# 4. Update the policy a few times with the clipped ratio, and the critic towards $A_t + V_t$.
# 5. Throw the replies away.

# %% [markdown]
# ## Deeper: DPO by hand

# %% [markdown]
# For the wish $J$ the best policy is known.
# Write $\pi^*(y \mid x) = \pi_{\text{ref}}(y \mid x)\, e^{r(x, y)/\beta} / Z(x)$, where $Z(x)$
# makes the sum 1.
# Solved for the reward: $r = \beta \log(\pi^* / \pi_{\text{ref}}) + \beta \log Z$.
# Put that into $J$, for one prompt:
#
# $$J = \mathbb{E}_{\pi_\theta}\Big[\beta \log \frac{\pi^*}{\pi_{\text{ref}}} + \beta \log Z - \beta \log \frac{\pi_\theta}{\pi_{\text{ref}}}\Big] = \beta \log Z - \beta\, \mathrm{KL}(\pi_\theta \,\|\, \pi^*).$$
#
# A KL is never negative, and 0 only for equal distributions, so $\pi_\theta = \pi^*$ is best.
# Here it is with three replies and numbers:

# %% tags=["nbval-check-output"]
beta, start = 0.5, np.array([0.6, 0.3, 0.1])
r = np.array([0.0, 0.5, 1.0])

def J(p):
    """Mean reward minus beta times the KL to the start."""
    return p @ r - beta * (p * np.log(p / start)).sum()

best = start * np.exp(r / beta)
Z = best.sum()
best = best / Z
show.facts({"J of the start": f"{J(start):.3f}",
    "J of the best policy": f"{J(best):.3f}", "β log Z": f"{beta * np.log(Z):.3f}"})

# %% tags=["hide", "remove-input"]
assert abs(J(best) - beta * np.log(Z)) < 1e-12
for other in np.random.default_rng(0).dirichlet([1.0] * 3, size=200):
    assert J(other) <= J(best)
    distance = (other * np.log(other / best)).sum()
    assert abs(J(other) - (J(best) - beta * distance)) < 1e-9

# %% [markdown]
# So the reward can be read off the best policy, up to $\beta \log Z$.
# That term is the same for all replies to a prompt and cancels in a difference.
# Put the difference into Bradley–Terry (lesson 03), with $y_w$ the preferred ("winning") reply and
# $y_l$ the other, and preferences train the policy directly (arXiv 2305.18290):
#
# $$-\log \sigma\Big(\beta \log \frac{\pi_\theta(y_w \mid x)}{\pi_{\text{ref}}(y_w \mid x)} - \beta \log \frac{\pi_\theta(y_l \mid x)}{\pi_{\text{ref}}(y_l \mid x)}\Big)$$
#
# Before the first step $\pi_\theta = \pi_{\text{ref}}$.
# **What is the loss then?
# And when $y_w$ has gained 1 nat, $y_l$ has lost 1, and $\beta = 0.5$?**

# %% tags=["nbval-check-output", "answer"]
from course_lib.methods import dpo_loss

same = torch.tensor([-10.0])
before = dpo_loss(same, same, same, same)[0].item()
later = dpo_loss(same + 1, same - 1, same, same, beta=0.5)[0].item()
show.facts({"at the start": f"{before:.3f} nats, which is log 2",
    "later": f"{later:.3f} nats, which is -log σ(1)"})

# %% [markdown]
# What is each reply worth here?
# The gradient pushes $y_w$ up and $y_l$ down with the same weight, $\beta\,\sigma(-\text{margin})$,
# where the margin is what stands in the bracket.
# A pair that the policy has learned pushes no more.
#
# **Iterative DPO.**
# DPO never samples again, so its pairs soon show replies that the policy no longer writes.
# Iterative DPO samples new pairs from the policy so far, labels them, and goes on.
# That makes it the rival of RFT in rounds, and it stands beside it in the comparison below.
# Published results differ: it is said to improve much over plain DPO (arXiv 2504.11343, section 3),
# and Tülu 3 saw little or none from a relative, online DPO (arXiv 2411.15124, section 8.2).

# %% [markdown]
# ## Deeper: Watch one learn

# %% [markdown]
# GRPO on the help desk: at each step 16 prompts with 8 replies each, and one update.
# Sixteen steps, so that you need not wait.
# **Your prediction.**
# The reward should rise, and the KL with it.
# And the **entropy**, how undecided the policy is per token: will it rise or fall, in a policy that
# is very sure of its stock letters?

# %%
from course_lib.methods import grpo

learner = grpo(policy, prompts, teacher, info, method="grpo", steps=16, n=8,
    prompts_per_step=16, lr=3e-4, beta=0.05)

# %% tags=["answer"]
log = {name: learner.training_log.column(name)
    for name in ("reward", "kl", "entropy", "length")}
show.table(["steps", *log], [(f"{k + 1} to {k + 4}",
    *(f"{np.mean(values[k : k + 4]):.2f}" for values in log.values()))
    for k in (0, 12)], "Means of four steps.")

# %% tags=["hide", "remove-input"]
for name in ("entropy", "reward"):
    assert np.mean(log[name][-4:]) > np.mean(log[name][:4])

# %% [markdown]
# It rises, at first: the policy leaves what it was sure of.
# One often reads that such training makes a policy more decided; in these sixteen steps it did not.
#
# Every run carries an **account**: what was sampled, scored, read and trained on, and the
# operations.
# That is what makes a fair comparison possible.

# %%
account = learner.training_log.account.to_dict()
show.facts({name: f"{account[name]:,.0f}"
    for name in ("tokens_sampled", "tokens_scored", "tokens_trained", "flops")})

# %% [markdown] tags=["slide"]
# ## The comparison
#
# Every trained policy may sample about 100,000 tokens, some 4,000 replies.
# All start as the same assistant and learn from `reward-8000`, with ten seeds each.
# Learning rates and the like were chosen by gold, on another seed and on other prompts.
# Each is served at its best temperature, the base too.
#
# **Your prediction.**
# One round of RFT reaches a gold of 2.8, and the best of 64 replies of the base 2.6.
# GRPO samples as many tokens as RFT, all of them fresh, and needs three times the operations.
# Where will it stand?

# %% tags=["hide"]
quiz.predict("07-grpo", "Gold of one reply of GRPO, at its best temperature?",
    low=0, high=4, step=0.1, unit="points")

# %% tags=["slide", "answer"]
frontier = results.load("frontier")
methods = frontier["methods"]
plots.frontier(frontier, "One reply of each policy, ten seeds (* 64 replies)",
    only=["DPO", "RFT", "PPO", "GRPO", "best-of-N", "RLOO"],
    columns=("gold", "work")).guessed("07-grpo", axis="x")

# %% tags=["hide", "remove-input"]
minus, pairs = frontier["rft_minus"], frontier["pairs"]
for name in ("GRPO", "PPO", "DPO"):
    assert minus[name]["low"] < 0 < minus[name]["high"], name
assert 0.29 < max(minus[name]["high"] for name in ("GRPO", "PPO")) < 0.34
assert -0.25 < min(minus[name]["low"] for name in ("GRPO", "PPO")) < -0.14
assert sum(v < 0 for v in minus["DPO"]["by_seed"]) == 9
assert minus["best-of-N"]["low"] > 0 and minus["RLOO"]["low"] > 0
assert all(minus[name]["corrected"][0] < 0 for name in ("best-of-N", "RLOO"))
six = ("DPO", "RFT", "PPO", "GRPO", "RLOO")
for name in six:
    assert methods[name]["shown"]["temperature"] == 0.1
    cold, at_1 = (methods[name][key]["gold"]["mean"] for key in ("shown", "at_1"))
    assert cold - at_1 > 1 and methods[name]["over_base"]["low"] > 1
base_best, base_warm = (frontier[key]["gold"]["mean"] for key in ("base", "base_at_1"))
assert 0.2 < base_best - base_warm < 0.3
work = {name: m["cost"]["flops"] / methods["RFT"]["cost"]["flops"]
    for name, m in methods.items()}

# %% tags=["hide", "remove-input"]
assert [round(work[name]) for name in six] == [4, 1, 9, 3, 3]
assert f"{methods['RFT']['shown']['gold']['mean']:.1f}" == "2.8"
assert f"{methods['best-of-N']['shown']['gold']['mean']:.1f}" == "2.6"
assert methods["best-of-N"]["best"]["N"] == 64
assert round(frontier["size"]["budget"], -4) == 100_000
assert frontier["size"]["replies"] == 4096
assert all(len(methods[name]["seeds"]) == 10 for name in six)

# %% [markdown] tags=["slide"]
# Read the filled marks: one reply at the best temperature, with 95 % bars.
# The dashed line is the base at *its* best.
# "work" counts the operations of sampling, scoring and training.
#
# **Finding 7.1: at equal sampled tokens, each at its best temperature, no online method is shown to
# be better than one round of RFT, which takes a third of the operations.**
#
# Is RFT as good as GRPO, then?
# There is no difference we can detect, and up to a third of a point is open.
# DPO leads on nine of ten seeds, by little: the interval of its lead just reaches zero.
# RLOO and best-of-64 are below RFT, but no longer beyond chance when we allow for all twelve
# comparisons (five are here).

# %% [markdown]
# Now the open marks: the same policies at $T = 1$.
# **Every trained policy is best cold**, by a point and more.
# For the base, cold brings only a quarter of a point, since its likeliest reply is a bland letter.
# Training moves the likeliest reply, and a low temperature picks it.

# %% [markdown]
# ## Deeper: Is the comparison fair?

# %% [markdown]
# **The same for all:** start, reward model, optimiser, and a learning rate that falls to a tenth
# along a cosine.
# **Tuned:** the serving temperature (1, 0.7, 0.5, 0.3, 0.1) for everybody, and two dials of each
# method.
# They are $N$ and the learning rate for RFT, $\beta$ and the learning rate for DPO, the learning
# rate and the weight of the leash for the online methods.
# RAFT++, the methods in rounds and "RFT at GRPO's FLOPs" (below) had one dial only: learning rate,
# $\beta$ or $N$.
# GRPO and RLOO did best with $\beta = 0$, without the leash, in runs as short as these.
# DPO gets four pairs a prompt: the four best of its 16 replies, each with one of the four worst.
# Dials were chosen by gold, which in real life you do not have: this is what each *can* reach.
#
# **Outside the budget:** best-of-N trains nothing and pays when it answers.
# "RFT at GRPO's FLOPs" samples 3.5 times as much, so that it costs about as many operations as
# GRPO.
# The rounds with a refreshed reward model buy 2,000 new comparisons.
#
# Which differences are more than chance?
# Below is the gold of RFT minus that of each other method.
# The intervals count two kinds of chance, ten seeds and 32 topics, each by Student's $t$.
# With twelve 95 % intervals it is nearly an even bet that one misses by chance.
# A star marks those that exclude zero also at $1 - 0.05/12$ (Bonferroni's correction).

# %%
starred = [name + " *" * (gap["corrected"][0] > 0) for name, gap in minus.items()]
plots.intervals(starred,
    [interval_of(gap) for gap in minus.values()],
    "gold of RFT minus that of the other (points)", reference=0.0,
    reference_name="no difference")

# %% tags=["hide", "remove-input"]
above = {"RFT, three rounds pooled", "RAFT++", "DPO, three rounds",
    "GRPO without std", "vBoN"}
for name, gap in minus.items():  # what is left after correction
    assert (gap["corrected"][0] > 0) == (name in above), name
    assert gap["corrected"][1] > 0
assert sum(gap["low"] > 0 for gap in minus.values()) == 7
assert 1 - 0.95**12 > 0.45 and len(minus) == 12
larger = "RFT at GRPO's FLOPs"
assert minus[larger]["low"] < 0 < minus[larger]["high"]
assert 0.7 < work[larger] / work["GRPO"] < 1.4
assert minus["vBoN"]["low"] > 0.7
assert all(methods[name]["best"]["beta"] == 0 for name in ("GRPO", "RLOO"))

# %% tags=["hide", "remove-input"]
thrice, once = (methods[name]["shown"]["kl"]["mean"]
    for name in ("DPO, three rounds", "DPO"))
won = sorted(p["gold"]["mean"] for p in methods["DPO, three rounds"]["grid"].values())
assert methods["DPO, three rounds"]["best"]["beta"] == 0.1 and won[-1] - won[-2] < 0.02
lost = pairs["DPO, three rounds - DPO"]["mean"]
assert 4.5 < thrice / once < 5.5 and -1.0 < lost < -0.6
refresh = "RFT, three rounds, reward model refreshed"
assert pairs[f"{refresh} - RFT, three rounds pooled"]["low"] > 0.2
assert minus[refresh]["low"] < 0 and frontier["rft_minus_at_1"][refresh]["high"] < -0.3

# %% [markdown]
# RFT is above seven of the twelve, and above five after correction; best-of-64 and RLOO drop out.
# Three and a half times the samples gain nothing that ten seeds can show.
#
# - **Finding 7.3: training towards best-of-n by the backward KL does not beat imitating its replies
#   here.**
#   RFT lowers $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$.
#   vBoN (arXiv 2407.06057) lowers the same the other way round, and is more than a point below.
#   Half its budget goes into replies of the base, among which it ranks each new one, and so it
#   makes
#   few steps.
# - **Three rounds of DPO** show what choosing on one seed can do.
#   There the smallest $\beta$ won by a hair.
#   On other seeds it let the policy run away: five times the KL of one round, and three quarters of
#   a point lost.
# - **Rounds of RFT** do not help at this budget, where each has a third of the prompts.
#   A refreshed reward model makes up for most of what they lose, at the price of labels.
#   At $T = 1$ the refreshed rounds looked better than one by half a point; cold, that is gone.

# %% [markdown]
# ## Deeper: Why the standard deviation matters

# %% [markdown]
# GRPO divides by the standard deviation of each group.
# *Dr. GRPO* (arXiv 2503.20783) calls that a bias: very easy and very hard prompts have a small
# deviation, and so get more weight.
# Look at it with replies that pass (1) or fail (0).
# **One of eight is right in one group, four of eight in another.
# How much is pushed in each, up and down together, with the division and without?**

# %% tags=["nbval-check-output", "answer"]
groups = torch.tensor([[1.0] + 7 * [0.0], 4 * [1.0] + 4 * [0.0]])
total = {name: advantages(groups, kind).abs().sum(1).tolist()
    for name, kind in (("with", "group_std"), ("without", "group"))}
show.table(["division", "one right", "four right", "share of the first"],
    [(name, f"{a:.1f}", f"{b:.1f}", f"{a / (a + b):.0%}")
        for name, (a, b) in total.items()])

# %% tags=["hide", "remove-input"]
assert f"{total['with'][0] / sum(total['with']):.0%}" == "40%"
assert f"{total['without'][0] / sum(total['without']):.0%}" == "30%"
ablation = pairs["GRPO without std - GRPO"]
assert ablation["corrected"][1] < 0 and max(ablation["by_seed"]) < 0
assert -0.65 < ablation["mean"] < -0.5
level = pairs["RLOO - GRPO without std"]
assert level["low"] < 0 < level["high"] and abs(level["mean"]) < 0.1
assert abs(minus["RLOO"]["mean"] - minus["GRPO without std"]["mean"]) < 0.1

# %% [markdown]
# The division lifts the hard prompt's share from 30 to 40 %.
# Whether that is a fault depends on what your hard prompts are.
#
# **Finding 7.2, that without the division GRPO is better, does not hold here.**
# It is worse by half a point and more, on every seed, and also after correction.
# RLOO does not divide either, and stands where GRPO without the division stands.
# So the division is what sets GRPO apart from RLOO on this desk.
# We have no experiment that says why.
# Elsewhere the answer differs: Olmo 3 trains without the division (arXiv 2512.13961), and in lesson
# 06 there was no difference we can detect.
# What Dr. GRPO says about dividing by length was not tested.

# %% [markdown] tags=["slide"]
# ## One step too far
#
# Each dot is one run of a method with other dials, at its best temperature.

# %% tags=["slide"]
plots.reward_against_kl(frontier, ["RFT", "DPO", "GRPO", "RLOO", "PPO"])

# %% tags=["hide", "remove-input"]
from course_lib.estimators import kl_best_of_n_bound

for name in six:
    tried = sorted(methods[name]["grid"].values(), key=lambda p: p["kl"]["mean"])
    top = max(range(len(tried)), key=lambda k: tried[k]["gold"]["mean"])
    assert 0 < top < len(tried) - 1 and 4 < tried[top]["kl"]["mean"] < 6.5
    warm_kl = tried[top]["at_1"]["kl"]["mean"]
    assert 1 < warm_kl < 3.5 and 3 < tried[top]["kl"]["mean"] - warm_kl < 5

# %% tags=["hide", "remove-input"]
ppo = methods["PPO"]["grid"]
gentle, far = ppo["lr = 0.0001"], ppo["lr = 0.001"]
assert far["proxy"]["mean"] > gentle["proxy"]["mean"] + 0.3
assert 0.3 < far["gold"]["mean"] / gentle["gold"]["mean"] < 0.4
for name in ("GRPO", "RLOO", "PPO"):
    last = max(methods[name]["grid"].values(), key=lambda point: point["kl"]["mean"])
    assert last["proxy"]["mean"] == max(
        point["proxy"]["mean"] for point in methods[name]["grid"].values())
dpo = list(methods["DPO"]["grid"].values())
furthest = max(dpo, key=lambda p: p["kl"]["mean"])
assert furthest["proxy"]["mean"] < max(p["proxy"]["mean"] for p in dpo)
assert min(p["gold"]["mean"] for p in methods["RFT"]["grid"].values()) > base_best

# %% tags=["hide", "remove-input"]
assert methods["RFT"]["best"]["N"] == 16 and kl_best_of_n_bound(16) < 2
assert methods["RFT"]["at_1"]["kl"]["high"] < kl_best_of_n_bound(16)
photos = {name: sum(row["text"].endswith("attach the photo.")
    for row in pushed["policies"][name]["replies"]) for name in trio}
assert 12 <= photos[PUSHED] <= 16 and photos["RFT"] <= 2 and photos["base"] == 0

# %% [markdown] tags=["slide"]
# In every panel gold rises with the KL, peaks at 4 to 6 nats, and falls.
# (The low temperature adds 3 to 5 of them: at $T = 1$ the ringed runs are 1 to 3 out.)
# PPO with ten times the learning rate is policy C: the highest score, and two thirds of its gold
# gone.
# Nearly half of its 32 stored replies end with "attach the photo", whatever was asked.
# Somebody who watches the score alone ships it.
#
# RFT imitates best-of-16 of the base, which is under 2 nats out.
# So is its student at $T = 1$.
# DPO far out is another case: gold and score both fall.
# That is not hacking, that is breaking.
#
# One run a dot: only a hint.

# %% [markdown]
# ## Deeper: A trap in the temperature

# %% [markdown]
# Here are the same runs at $T = 1$ and cold, each method with a lower and a higher learning rate,
# one run each.

# %%
trap = []
for name in ("GRPO", "RLOO", "PPO"):
    rates = ("0.0001", "0.0003") if name == "PPO" else ("0.0003", "0.001")
    runs = [methods[name]["grid"][f"lr = {rate}"] for rate in rates]
    warm, cold = ([run["gold"]["mean"] for run in some]
        for some in ([run["at_1"] for run in runs], runs))
    trap.append((name, f"{warm[1] - warm[0]:+.1f}", f"{cold[1] - cold[0]:+.1f}"))
show.table(["gold, higher rate minus lower", "at T = 1", "each at its best T"], trap)

# %% tags=["hide", "remove-input"]
assert all(float(row[1]) > 0 and float(row[2]) <= 0 for row in trap)

# %% [markdown]
# At $T = 1$ the higher rate looks better each time; at the best temperature it is not.
# Larger steps move more of the probability to what the reward model likes best.
# A low temperature does that too, for nothing.
# So part of what training seems to gain at $T = 1$ is only a temperature.
#
# Move the dials yourself.
# The buttons choose a method, the slider its dials in the order they were tried.
# For which methods would choosing by the reward model ("proxy") have cost you gold?

# %%
explore.frontier_explorer(frontier)

# %% [markdown] tags=["slide"]
# ## What each one needs
#
# In memory during training:

# %% tags=["slide"]
drawings.models_in_memory()

# %% [markdown] tags=["slide"]
# PPO trains two models and keeps two more: twice the memory of RFT.
# GRPO drops the critic.
# RFT can do without its frozen box, the policy that sampled: one model at a time.
# So can DPO, with that policy's log-probabilities stored.
#
# ## When has fine-tuning paid for itself?
#
# Best-of-N costs nothing today and $N$ replies for ever; fine-tuning is the other way round.
#
# **Your prediction.**
# RFT sampled about 4,000 replies, chose, and trained three passes.
# After how many answered questions has it cost less than best-of-16?

# %% tags=["hide"]
quiz.predict("07-answers", "After how many answers is RFT cheaper than best-of-16?",
    options=["about 30", "about 300", "about 3,000", "about 30,000"])

# %% tags=["hide"]
from course_lib.base import flops_per_token
from course_lib.estimators import break_even, equal_quality_n, serving_flops

rft = methods["RFT"]
question = float(np.mean([len(row) for row in policy.encode(prompts[:100])]))  # tokens
writes, reads = flops_per_token(policy.model), flops_per_token(teacher.model)
letter, short = frontier["base"]["length"]["mean"], rft["shown"]["length"]["mean"]

# %% tags=["slide", "answer"]
by_16 = serving_flops(writes, question, letter, n=16, reward_flops=reads)
by_base = serving_flops(writes, question, letter)
by_rft = serving_flops(writes, question, short)
plots.repaid(rft["cost"]["flops"], by_rft, {"best of 16 of the base": by_16,
    "one reply of the base": by_base}, name="RFT").guessed("07-answers")

# %% tags=["hide", "remove-input"]
queries = break_even(rft["cost"]["flops"], by_16, by_rft)
served = f"{methods['best-of-N']['shown']['temperature']:g}"
ladder = {int(n): p["gold"]["mean"] for n, p in frontier["best_of_n"][served].items()}
sizes = sorted(ladder)
reached = equal_quality_n(sizes, list(map(ladder.get, sizes)),
    rft["shown"]["gold"]["mean"])
assert 0.5 <= float(served) <= 0.7  # a middle temperature
assert 250 < queries < 350 and reached == float("inf") and max(sizes) == 64
assert rft["shown"]["gold"]["low"] > frontier["best_of_n"][served]["16"]["gold"]["high"]
assert by_rft < by_base and 2.3 < rft["over_base"]["mean"] < 2.6 and short < letter
assert rft["best"]["N"] == 16 and rft["fixed"]["epochs"] == 3

# %% [markdown] tags=["slide"]
# **Finding 7.4: after some number of served queries fine-tuning is cheaper than the best-of-n of
# the base that it replaces.**
# Here it is about 300, and no best-of-$n$ that was tried, up to 64, has as much gold.
#
# The fairest rival is the grey line: one reply of the base at its best temperature.
# It costs no less to serve than a reply of RFT.
# Against it the training buys two and a half points of gold.

# %% [markdown] tags=["slide"]
# ## When to use which
#
# | you have | take | because |
# |---|---|---|
# | few questions, or no way to train | best-of-N, at a middle temperature | nothing to train |
# | many questions, a reward model, one machine | RFT, served cold | fewest operations, and nothing here is shown to be better |
# | pairs, from people or a reward model | DPO | highest mean here; try several seeds, it can run away |
# | a reward that is hard to hack, such as a verifier | GRPO, RLOO | fresh samples, and wrong replies are pushed down |
# | tokens that differ in merit, and memory | PPO | it weighs each token; it has the most dials |
#
# Whatever you train, try the temperature again, and judge with something that did not
# train it.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - RFT's first step is a policy gradient with weights of 0 and 1.
#   After 4 passes its replies are stale.
# - **7.1** At equal sampled tokens no online method is shown to be better than one round of RFT,
#   which takes a third of the operations.
# - All five trained policies are best cold, by a point and more.
# - Pushed to ten times the learning rate, PPO scores highest and has lost two thirds of its gold
#   (one seed).
# - **7.4** One round of RFT has repaid itself against best-of-16 after about 300 answers.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# The findings, measured again from the stored data as you run the cell:

# %%
from course_lib.experiments import findings

findings.show("07")

# %% [markdown]
# ### What this leaves out
#
# The world was made so that the policy's likeliest reply is bland: two thirds of the replies it
# learned from are stock letters.
# Where the likeliest reply is good already, a low temperature alone does most of the work (lesson
# 02).
# Few dials were tuned, on one seed, and some ended at the edge of what was tried, among them the
# learning
# rates of RFT and PPO and $\beta$ of three-round DPO at the lowest, vBoN's learning rate at the
# highest.
# A specialist of any of them could do better.
# The sum of operations leaves out the engineer's time, and that best-of-$n$ can change its reward
# model tomorrow.
# All training samples were drawn at $T = 1$.
# The world is small, its reward model learned from simulated annotators, and KL is no fair ruler
# between methods (arXiv 2210.10760).
# The code of each method opens with what it leaves out of its paper.
#
# ### In real systems
#
# - Llama 2 used only rejection sampling until its fourth version, and PPO on top of it after that
#   (arXiv 2307.09288).
# - RAFT's authors report a reward of 2.3 for it and 2.1 for PPO, on LLaMA-7B (arXiv 2304.06767).
# - On Qwen2.5-Math-7B the averages are 52.3 for RAFT, 56.1 for RAFT++, 56.3 for GRPO, 52.5 for PPO
#   and 48.8 for iterative DPO (arXiv 2504.11343, Table 1).
#   There much of GRPO's edge comes from leaving out prompts whose samples are all wrong; lesson 06
#   tries that.
# - The TRL library has trainers for SFT, reward models, DPO, GRPO and RLOO; PPO was taken out in
#   2026.
#
# ### Further reading
#
# Shao et al., *DeepSeekMath*, arXiv 2402.03300, for GRPO.
# Ahmadian et al., *Back to basics*, arXiv 2402.14740, for RLOO.
# Rafailov et al., *Direct preference optimization*, arXiv 2305.18290.
# Ouyang et al., *Training language models to follow instructions with human feedback*,
# arXiv 2203.02155, for PPO in RLHF.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex07`: the advantages, the clip and the DPO loss by your own hand.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.

# %%
quiz.ask("07")
