# %% [markdown]
# # Exercise 07: RLHF by hand
#
# **You will:** write the weights of GRPO and RLOO, PPO's clipped loss and DPO's loss, and compute
# after how many answers fine-tuning is repaid.
# Then you judge a colleague's claim.
#
# **Builds on:** lesson 07.
#
# **How it works.**
# Each task has a cell to fill in and a check below it.
# Replace the line that says so, run the cell, run the check.
# A check says what is wrong in words, on the smallest input that shows it, and gives points for
# each property that holds.
# Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# *Run All* stops at the first check that does not hold yet.
# Stuck?
# A check that does not hold yet offers a folded hint, and one more after each try;
# `check.group_advantage.hint(1)` prints it.

# %%
import math

import numpy as np
import torch

from course_lib.classroom.checks import ex07 as check

# %% [markdown] task="group_advantage"
# ## Task 1. GRPO's weights
#
# One prompt's $N$ replies are a group.
# GRPO weights each reply by how far it is above its group, measured in the group's standard
# deviation:
#
# $$A_i = \frac{r_i - \bar r}{s + 10^{-4}}$$
#
# $\bar r$ is the mean and $s$ the **sample** standard deviation of the group (the sum of squares is
# divided by $N - 1$).
# The small number keeps a group of equal rewards from being divided by 0: its weights are all 0.
# `rewards` is a tensor of shape `(P, N)`: $P$ prompts with $N \geq 2$ replies each.
# Return the weights in the same shape.

# %% role="task" task="group_advantage"
def group_advantage(rewards):
    """GRPO's weight of each reply.

    The reward minus the group's mean, over its sample standard deviation plus 1e-4.
    (P, N) -> (P, N).
    """
    # SOLUTION
    mean = rewards.mean(dim=1, keepdim=True)
    spread = rewards.std(dim=1, keepdim=True)
    return (rewards - mean) / (spread + 1e-4)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="rloo_advantage"
# ## Task 2. RLOO's weights
#
# RLOO compares a reply with the **others** of its prompt: the weight is its reward minus the mean of
# the other $N - 1$ rewards,
#
# $$A_i = r_i - \frac{1}{N - 1} \sum_{j \neq i} r_j$$
#
# `rewards` has the shape `(P, N)`, as in task 1, and so has the result.
# There is no standard deviation here.

# %% role="task" task="rloo_advantage"
def rloo_advantage(rewards):
    """RLOO's weight of each reply.

    Its reward minus the mean reward of the other replies to the same prompt.
    (P, N) -> (P, N).
    """
    # SOLUTION
    others = rewards.sum(dim=1, keepdim=True) - rewards
    return rewards - others / (rewards.shape[1] - 1)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="ppo_clip"
# ## Task 3. The clip
#
# `logp` holds the log-probabilities of sampled tokens under the policy that is being trained, `old`
# those under the policy that sampled them, and `A` the tokens' advantages, all of shape `(R, T)`:
# $R$ replies of $T$ tokens.
# With $\rho = \pi_\theta / \pi_{\text{old}}$, the **loss** of a token is
#
# $$-\min\big(\rho A,\; \operatorname{clip}(\rho, 1 - c, 1 + c)\, A\big)$$
#
# Return one loss for each token, shape `(R, T)`.
# The gradient has to reach `logp`.

# %% role="task" task="ppo_clip"
def ppo_clip(logp, old, A, clip):
    """PPO's clipped loss of each token, (R, T).

    logp, old: log-probabilities in nats; A: advantages; all (R, T).
    clip: c, such as 0.2.
    """
    # SOLUTION
    ratio = torch.exp(logp - old)
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * A, bounded * A)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="dpo_loss"
# ## Task 4. DPO
#
# Each of $B$ pairs has four summed log-probabilities $\log \pi(y \mid x)$: of the preferred reply
# $y_w$ (`chosen`) and of the other, $y_l$ (`rejected`), under the policy that is trained and under
# the reference (`ref_…`).
# All have the shape `(B,)`.
# Return the **mean over the batch** of
#
# $$-\log \sigma\Big(\beta \log \frac{\pi_\theta(y_w \mid x)}{\pi_{\text{ref}}(y_w \mid x)} - \beta \log \frac{\pi_\theta(y_l \mid x)}{\pi_{\text{ref}}(y_l \mid x)}\Big)$$
#
# as a tensor with one number.
# Its gradient has to reach both terms of the policy, and it has to stay finite however wrong the
# policy is.

# %% role="task" task="dpo_loss"
def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    """DPO's loss, the mean over B pairs, a tensor with one number.

    The four: (B,) summed log-probabilities in nats, the first two with gradients.
    """
    # SOLUTION
    margin = (chosen - ref_chosen) - (rejected - ref_rejected)
    return -torch.nn.functional.logsigmoid(beta * margin).mean()
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="break_even"
# ## Task 5. When is it repaid?
#
# Fine-tuning costs `once` (above 0).
# Serving one question costs `before` without it and `after` with it, in the same unit.
# Return the smallest whole number $q$ of served questions at which fine-tuning and serving together
# cost no more than serving as before:
#
# $$\text{once} + q \cdot \text{after} \;\leq\; q \cdot \text{before}$$
#
# If there is no such $q$, return infinity, `math.inf`.
# (A loop that counts until it is repaid would not end then.)

# %% role="task" task="break_even"
def break_even(once, before, after):
    """The smallest whole number of served questions that repay fine-tuning.

    math.inf when none does. Costs in one unit, before and after per question.
    """
    # SOLUTION
    saving = before - after
    return math.ceil(once / saving) if saving > 0 else math.inf
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# Your own functions on stored data: no check here, only numbers to look at.
# First the weights.
# Look at the spread of the rewards of each prompt: where it is small, GRPO's division makes small
# differences as large as big ones.
# RLOO's weights keep the size of the differences.

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
stored = stored.prompts_at(range(6)).first(8)
rewards = stored.reward("reward-8000")
for row, grpo, rloo in zip(rewards, group_advantage(rewards), rloo_advantage(rewards)):
    largest = f"GRPO {max(grpo):.2f}, RLOO {max(rloo):.2f}"
    print(f"spread of rewards {row.std():.2f}   largest weight: {largest}")

# %% [markdown]
# Now the push on a token's log-probability, minus the gradient of your loss, as the ratio grows.
# Where does it stop, for a good token and for a bad one?

# %%
ratios = torch.tensor([[0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5]])
print("        ratio", [round(r, 2) for r in ratios[0].tolist()])
for advantage in (1.0, -1.0):
    logp = (0.4 * ratios).log().requires_grad_()
    old = torch.full_like(ratios, 0.4).log()
    loss = ppo_clip(logp, old, torch.full_like(ratios, advantage), 0.2)
    (grad,) = torch.autograd.grad(loss.sum(), logp)
    push = 0.0 - grad[0]  # minus the gradient, without a minus before 0
    print(f"A = {advantage:+.0f}   push", [round(p, 2) for p in push.tolist()])

# %% [markdown]
# DPO's loss asks for a difference only.
# Here the chosen reply *loses* up to 10 nats and the loss still falls, because the rejected one
# loses more.

# %%
start = torch.tensor([-20.0])
for lost in (0.0, 5.0, 10.0, 20.0):
    loss = float(dpo_loss(start - lost / 2, start - lost, start, start, 0.5))
    print(f"chosen loses {lost / 2:4.1f} nats, rejected {lost:4.1f}: loss {loss:.4f}")

# %% [markdown]
# At last: after how many answers is each method of lesson 07 repaid, against the best-of-$n$ of the
# base that is as good?
# Each method and best-of-$n$ are served at the temperature that is best for them.
# Where a method is above every best-of-$n$ that was tried, the rival is the best of those.
# All costs are in floating-point operations; `once` has the sampling and scoring in it.
# New labels, which the refreshed reward model needs, and the runs that chose each method's dials
# are not in it, and these are means without intervals.

# %%
import course_lib as course
from course_lib import assets, results
from course_lib.base import flops_per_token
from course_lib.estimators import equal_quality_n, serving_flops

policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"))
writes, reads = flops_per_token(policy.model), flops_per_token(proxy.model)
prompts, _ = course.load_world("helpdesk").prompts("train", limit=512, seed=7)
question = float(np.mean([len(ids) for ids in policy.encode(prompts[:100])]))

# %%
frontier = results.load("frontier")
methods = frontier["methods"]
choosing = methods["best-of-N"]["shown"]  # at the temperature that is best for it
at_its_best = frontier["best_of_n"][f"{choosing['temperature']:g}"]
gold = {int(n): point["gold"]["mean"] for n, point in at_its_best.items()}
sizes = sorted(gold)
base_length = choosing["length"]["mean"]
rounds = "RFT, three rounds, reward model refreshed"
for name in ("RFT", rounds, "DPO", "GRPO", "RLOO", "PPO"):
    shown = methods[name]["shown"]
    n = equal_quality_n(sizes, [gold[size] for size in sizes], shown["gold"]["mean"])
    how = "as good as"
    if math.isinf(n):  # above every n that was tried
        how, n = "better than", max(gold, key=gold.get)
    before = serving_flops(writes, question, base_length, n=n, reward_flops=reads)
    after = serving_flops(writes, question, shown["length"]["mean"])
    answers = break_even(methods[name]["cost"]["flops"], before, after)
    print(f"{name:43} {how:11} best-of-{n:<4.3g} repaid after {answers:7,.0f} answers")

# %% [markdown]
# One more rival costs nothing to make: one reply of the base policy at its best temperature.
# Against it fine-tuning saves next to nothing, since both write one reply.
# There the question is what the gain in gold is worth to you.

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex07")
