# %% [markdown] tags=["slide"]
# # Rejection sampling and RLHF
#
# **You will:** see that PPO, GRPO, RLOO, RAFT and rejection-sampling fine-tuning are one formula
# with different weights, work each by hand once, compare them at the same number of sampled tokens
# and each at its best temperature, and decide which one to use when.
#
# **Builds on:** lesson 04 (over-optimisation, KL), lesson 05 (rejection-sampling fine-tuning).
#
# **Time:** 70 minutes for the core, and 40 more for the parts marked *Deeper*; the cells run in
# about two minutes.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import explore, plots, show
from course_lib.methods import advantages, grpo

# %% [markdown] tags=["slide"]
# ## One wish, several ways
#
# All of these methods are ways towards the same wish: replies with a high reward $r$ from a policy
# $\pi_\theta$ that has not strayed far from the one we started with, $\pi_{\text{ref}}$.
# Written as one number to be made large ($\theta$ are the weights we train):
#
# $$J(\theta) = \mathbb{E}_{y \sim \pi_\theta(\cdot \mid x)}\big[r(x, y)\big] \;-\; \beta\,\mathrm{KL}(\pi_\theta \,\|\, \pi_{\text{ref}})$$
#
# The KL term is the leash.
# Without it a policy may go wherever the reward model happens to be wrong; lesson 04 showed that
# there are such places.
# Some of the methods have it, others are held back in another way:
#
# - **Best-of-N** changes no weights.
#   It samples $N$ times for every question and keeps one.
# - **RFT**, rejection-sampling fine-tuning, samples once for many questions, keeps the best, and
#   imitates them.
# - **RAFT** (reward-ranked fine-tuning) repeats that in small steps; **RAFT++** corrects each step
#   for the policy having moved.
# - **GRPO** (group relative policy optimisation) and **RLOO** (REINFORCE leave-one-out; REINFORCE
#   is the oldest policy-gradient method) use all replies: those above the average of their prompt
#   are pushed up, those below it down.
# - **PPO** (proximal policy optimisation) does so token by token, with a second model that predicts
#   the reward to come.
# - **DPO** (direct preference optimisation) learns from pairs of replies, better and worse, without
#   sampling again.
# - **vBoN** (variational best-of-N) trains towards the distribution of best-of-N, as RFT does, but
#   from the other side.
#
# ## On paper: what is each reply worth?
#
# One prompt, four replies, rewards 1, 2, 3 and 6.
# Each method turns these four rewards into four weights: how strongly to push each reply up or
# down.
# **Work out three of them with a pencil:** RAFT gives 1 to the best reply and 0 to the rest.
# GRPO without the standard deviation takes the reward minus the mean of the four.
# RLOO takes the reward minus the mean of the *other three*.

# %%
rewards = torch.tensor([[1.0, 2.0, 3.0, 6.0]])

# %% tags=["nbval-check-output"]
kinds = ("best", "group", "leave_one_out", "group_std")
show.table(
    ["reward of the reply", 1, 2, 3, 6],
    [
        (kind, *(f"{a:.2f}" for a in advantages(rewards, kind)[0].tolist()))
        for kind in kinds
    ],
)

# %% [markdown]
# `best` is RAFT, `group` and `group_std` are GRPO (the latter divides by the standard deviation),
# `leave_one_out` is RLOO.
# Two things to see.
# All but RAFT have weights that sum to zero: as much is pushed down as up.
# And RLOO's weights are GRPO's (without the standard deviation) times $N/(N-1) = 4/3$: a reply
# should not be compared with an average that contains itself.
# The factor changes the length of the step, not its direction.
# As they are used below, the two differ in more: GRPO divides by the standard deviation, has its KL
# term in the loss and averages over tokens; RLOO has the KL in the reward and treats a reply as one
# piece.
#
# Why may a mean be taken off at all?
# Take off a number that does not depend on the reply itself, such as the mean of the *others*.
# It leaves the *expected* gradient as it is: $\sum_y \nabla \pi_\theta(y \mid x) = \nabla 1 = 0$.
# It only makes the estimate less noisy.
# The group's mean does contain the reply, and that is where the factor $(N-1)/N$ comes from.
# What RAFT does is more than that: it throws away how much better the best was.
# Dividing by the standard deviation is more, too.
# A prompt whose replies hardly differ then gets weights as large as one whose replies differ a lot.
# *Dr. GRPO* (arXiv 2503.20783) calls that a bias, and leaves the division out.
# We shall see whether that helps here.
#
# ## RFT is a policy gradient with weights of 0 and 1
#
# This is the derivation to take away from the lesson.
# Let $w(x, y)$ be any weight of a reply, and let us climb its expectation.
# For a fixed prompt,
#
# $$\nabla_\theta \sum_y \pi_\theta(y \mid x)\, w(x, y) = \sum_y \pi_\theta(y \mid x)\, w(x, y)\, \nabla_\theta \log \pi_\theta(y \mid x)
#   = \mathbb{E}_{y \sim \pi_\theta}\big[\, w(x, y)\, \nabla_\theta \log \pi_\theta(y \mid x) \,\big],$$
#
# because $\nabla \pi = \pi\, \nabla \log \pi$.
# So: sample replies from $\pi_\theta$, and follow the gradient of
# $\sum_i w_i \log \pi_\theta(\hat y_i \mid x)$.
# That is the policy gradient, and it is all there is to REINFORCE.
#
# Now choose $w_i = 1$ for the replies we keep and $w_i = 0$ for the others.
# (Whether a reply is kept depends on its rivals too.
# Take the rivals as given, drawn from the policy before the step; then $w$ is a weight of the reply
# like any other.)
# Then the gradient is that of $\sum_{\text{kept}} \log \pi_\theta(\hat y_i \mid x)$: the
# log-likelihood of the kept replies, which is what supervised fine-tuning maximises.
# **The first step of rejection-sampling fine-tuning is a policy-gradient step whose reward is "was
# kept".**
#
# The first step.
# What of the tenth?
# By then the policy is another one, but the kept replies are still those of the first.
# So take the gradient of the kept replies after some passes over them, and beside it the gradient
# that *fresh* replies of the policy as it is now would give.
# Two sets of fresh replies do not agree entirely either, since they are samples; their agreement is
# the control.
# **Your prediction:** after four passes over the same replies, does their gradient still point the
# way the fresh ones do?

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
world = course.load_world("helpdesk")
prompts, info = world.prompts("train", limit=512, seed=7)

# %% tags=["hide"]
from course_lib import finetune, sample, score, select_best
from course_lib.methods import sft_loss
from course_lib.methods.sft import selected_examples

few, about = prompts[:64], info[:64]

def kept(student, seed):
    """The best of 8 new replies of ``student`` to each of 64 prompts, by the proxy."""
    return select_best(score(sample(student, few, n=8, info=about, seed=seed), proxy))

def gradient(student, selection):
    """Of log-likelihood, with respect to all weights: one long vector."""
    loss, _ = sft_loss(student, selected_examples(student, selection))
    parts = torch.autograd.grad(-loss, list(student.model.parameters()))
    return torch.cat([part.flatten().double() for part in parts])

def cosine(a, b):
    """1: the same direction, 0: at right angles, -1: opposite."""
    return torch.nn.functional.cosine_similarity(a, b, dim=0).item()

# %%
first = kept(policy, seed=0)
agreement = {}
for passes in (0, 2, 4):
    student = policy.copy()
    if passes:
        student = finetune(policy, first, lr=1e-3, epochs=passes, seed=0)
    fresh, more = (gradient(student, kept(student, seed)) for seed in (1, 2))
    old = gradient(student, first)
    agreement[passes] = (
        (cosine(old, fresh) + cosine(old, more)) / 2,
        cosine(fresh, more),
    )
show.table(
    ["passes", "first and fresh", "fresh and fresh"],
    [(passes, *(f"{c:+.2f}" for c in pair)) for passes, pair in agreement.items()],
)

# %% tags=["hide", "remove-input"]
assert agreement[0][0] > 0.2 and agreement[4][0] < 0.1 and agreement[4][1] > 0.2

# %% [markdown]
# At first the kept replies are as good a guide as fresh ones.
# After four passes they are none: the policy has learned them, and what is left to learn from
# them is their accidents.
# That is why RFT stops after a few passes, and why the online methods sample again.
#
# What then separates RFT from RLHF?
# Three things in the main.
#
# 1. **How often the samples are drawn anew.**
#    RFT takes all its steps on one large sample, in a few passes.
#    After the first step the policy is no longer the one that wrote the replies.
#    In this lesson GRPO and RLOO sample again after every update, RAFT++ after two, PPO after
#    four.
# 2. **Negative weights.**
#    With $w \in \{0, 1\}$ nothing is pushed down.
#    A baseline makes the worse-than-average replies count too.
# 3. **The leash.**
#    RFT and RAFT++ have no KL term; that RFT stops after a few passes is what holds it back.
#
# ## The same target from two sides
#
# The kept replies are samples of best-of-N; call its distribution $\pi_N$.
# Lesson 05 showed what imitating them means: fine-tuning makes
# $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$ small.
# So at $T = 1$ one reply of RFT comes near best-of-N and does not pass it; errors of imitation come
# on top.
# Served colder it may pass it.
#
# The same target can be approached from the other side, by $\mathrm{KL}(\pi_\theta \,\|\, \pi_N)$.
# BOND (arXiv 2407.14622) and vBoN (arXiv 2407.06057) do: they reward a reply for its *rank* among
# the base's own replies, by the logarithm, with a leash of $\beta = 1/(N-1)$.
# RFT's direction punishes a policy that leaves out something best-of-N writes; this one punishes a
# policy that writes something best-of-N would not.
#
# ## *Deeper*: the ratio and the clip, by hand
#
# When several steps are taken with one sample, each reply (or token) is weighted by the **ratio**
# $\rho = \pi_\theta / \pi_{\text{old}}$: how likely it is now against when it was sampled.
# That corrects for the policy having moved, as a poll corrects for groups it asked too often.
# But a ratio far from 1 is a sign that the sample is stale.
# (GRPO and RLOO as run here make one update a sample.
# Their ratio is 1, and the clip never acts.)
# So PPO maximises the smaller of two values,
# $\min(\rho A, \operatorname{clip}(\rho, 0.8, 1.2)\, A)$, where $A$, the **advantage**, is the
# weight.
# Take $A = 1$ and $\rho = 1.5$: the value is 1.2 and flat in $\rho$, so there is no further push.
# **What is it for $A = -1$ and $\rho = 0.5$? And is there still a push for $A = -1$ and
# $\rho = 1.5$?**

# %% tags=["nbval-check-output"]
from course_lib.methods import clipped

rows = []
for A, rho in ((1.0, 1.5), (-1.0, 0.5), (-1.0, 1.5)):
    ratio = torch.tensor([rho], requires_grad=True)
    loss, _ = clipped(ratio, torch.tensor([A]), 0.2)  # the loss is minus the value
    push = -torch.autograd.grad(loss.sum(), ratio)[0]
    rows.append((f"{A:+.0f}", rho, f"{-loss.item():+.1f}", f"{push.item() + 0.0:+.1f}"))
show.table(["A", "ratio", "value", "push on the ratio"], rows)

# %% [markdown]
# A reply that was good is not pushed up once it is 20 % more likely; one that was bad is not pushed
# down once it is 20 % less likely.
# But a bad reply that has become *more* likely is still pushed down with full force: the minimum is
# pessimistic.
#
# ## *Deeper*: PPO by hand
#
# PPO gives each *token* a weight.
# A second model, the **critic**, predicts from every prefix the reward to come: $V_t$ is its
# prediction before token $t$, and after the last token it is 0.
# $r_t$ is the reward at token $t$: the reward model's score at the last token, and at every token
# minus a penalty for the KL.
# The surprise at token $t$ is $\delta_t = r_t + V_{t+1} - V_t$: how much better things look after
# the token than before.
# And since a token's merit may show only later, PPO adds up the later surprises too, each
# discounted by $\lambda$ (generalised advantage estimation, arXiv 1506.02438, with its other
# discount, $\gamma$, left at 1; this $\lambda$ has nothing to do with that of soft best-of-N):
#
# $$A_t = \delta_t + \lambda A_{t+1}$$
#
# A reply of three tokens, reward 1 at its end, values 0.6, 0.3, 0.4, and $\lambda = 0.5$.
# From the back: $A_3 = 1 - 0.4 = 0.6$.
# Then $A_2 = (0.4 - 0.3) + 0.5 \cdot 0.6 = 0.4$.
# **And $A_1$?**

# %% tags=["nbval-check-output"]
from course_lib.methods import gae

mask = torch.ones(1, 3, dtype=torch.bool)
at_the_end, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.6, 0.3, 0.4]])
A, target = gae(at_the_end, values, mask, lam=0.5)
print([round(a, 3) for a in A[0].tolist()])

# %% [markdown]
# $A_1 = (0.3 - 0.6) + 0.5 \cdot 0.4 = -0.1$.
# The first token made things look worse, and most of that was made good later.
#
# One step of PPO, then: sample replies and score them; give every token its reward, with the KL
# penalty; compute the advantages from the critic's values; update policy and critic, the policy
# with the clipped ratio, the critic towards $A_t + V_t$.
#
# So PPO needs four models in memory: the policy, the reference for the leash, the reward model, and
# the critic.
# GRPO drops the critic by using the group's mean in its place.
#
# ## *Deeper*: DPO by hand
#
# For the wish $J$ the best policy is known.
# Write $\pi^*(y \mid x) = \pi_{\text{ref}}(y \mid x)\, e^{r(x, y)/\beta} / Z(x)$, where $Z(x)$
# makes the sum 1.
# Then $r = \beta \log(\pi^* / \pi_{\text{ref}}) + \beta \log Z$; put that into $J$ for one prompt:
#
# $$J = \mathbb{E}_{\pi_\theta}\Big[\beta \log \frac{\pi^*}{\pi_{\text{ref}}} + \beta \log Z - \beta \log \frac{\pi_\theta}{\pi_{\text{ref}}}\Big] = \beta \log Z - \beta\, \mathrm{KL}(\pi_\theta \,\|\, \pi^*).$$
#
# A KL is never negative, and 0 only for equal distributions, so $\pi_\theta = \pi^*$ is best.
#
# So the reward can be read off the best policy, up to $\beta \log Z$.
# That term is the same for all replies to one prompt, so it cancels in a difference.
# Put the difference into Bradley–Terry (lesson 03), with $y_w$ the preferred ("winning") reply and
# $y_l$ the other, and preferences train the policy directly (arXiv 2305.18290):
#
# $$-\log \sigma\Big(\beta \log \frac{\pi_\theta(y_w \mid x)}{\pi_{\text{ref}}(y_w \mid x)} - \beta \log \frac{\pi_\theta(y_l \mid x)}{\pi_{\text{ref}}(y_l \mid x)}\Big)$$
#
# Before the first step $\pi_\theta = \pi_{\text{ref}}$.
# **What is the loss then? And when $y_w$ has gained 1 nat, $y_l$ has lost 1, and $\beta = 0.5$?**

# %% tags=["nbval-check-output"]
from course_lib.methods import dpo_loss

same = torch.tensor([-10.0])
before = dpo_loss(same, same, same, same)[0].item()
later = dpo_loss(same + 1, same - 1, same, same, beta=0.5)[0].item()
print(f"at the start {before:.4f} nats, log 2 = {np.log(2):.4f}")
print(f"later        {later:.4f} nats, -log sigma(1) = {np.log1p(np.exp(-1)):.4f}")

# %% [markdown]
# DPO never samples again, so its pairs soon show replies that the policy no longer writes.
# *Iterative* DPO (arXiv 2312.11456) samples new pairs from the policy so far and goes on; it is the
# obvious rival of RFT in rounds, and stands beside it below.
#
# ## *Deeper*: watch one learn
#
# GRPO on the help desk: at each step 16 prompts × 8 replies, scored by the proxy, one update.
# Sixteen steps, so that you need not wait.
# Watch three columns: the proxy's reward should rise, and the KL with it.
# And the entropy, how undecided the policy is per token?
# **Your prediction:** does it rise or fall, in a policy that is very sure of its stock letters?
# Sixteen prompts a step are few, so we print means over four steps.
# The KL is an estimate from samples: in the beginning, where it is really 0, it can come out
# slightly negative.

# %%
student = grpo(policy, prompts, proxy, info, method="grpo", steps=16, n=8,
    prompts_per_step=16, lr=3e-4, beta=0.05)
columns = {name: student.training_log.column(name)
    for name in ("reward", "kl", "entropy", "length")}
rows = []
for k in range(0, 16, 4):
    means = (np.mean(values[k : k + 4]) for values in columns.values())
    rows.append((f"{k + 1} to {k + 4}", *(f"{mean:.2f}" for mean in means)))
show.table(["steps", *columns], rows)

# %% [markdown]
# It rises, at first: the policy leaves what it was sure of.
# One often reads that such training makes a policy more decided; that comes later, if at all.

# %%
account = student.training_log.account.to_dict()
show.facts(
    {
        name: count if isinstance(count, dict) else f"{count:,.0f}"
        for name, count in account.items()
    }
)  # tokens scored and trained on include the prompts

# %% tags=["hide", "remove-input"]
for name in ("entropy", "reward"):
    assert np.mean(columns[name][-4:]) > np.mean(columns[name][:4])

# %% [markdown]
# That is the run's **account**: what it sampled, scored, read with the reference and
# trained on, the work in floating-point operations, and which models it held.
# Every method in this course carries one, and that is what makes a fair comparison possible.
#
# ## The comparison
#
# Here is the experiment of this course.
# Every trained policy may sample about as many tokens as 256 prompts × 16 replies take (an online
# run may pass this by part of a step).
# Every method has the same start, the same proxy (`reward-8000`), the same optimiser, and the same
# schedule of the learning rate.
# DPO gets four pairs for each prompt: the four best of its 16 replies by the proxy, each with one
# of the four worst.
#
# **What was tuned.**
# The temperature a policy is *served* at is a dial of every method, the base policy included: 1,
# 0.7, 0.5, 0.3 and 0.1 were tried.
# (All training samples at 1.)
# Most methods have two more dials: $N$ and the learning rate for RFT, $\beta$ and the learning rate
# for DPO, the learning rate and the weight of the KL penalty for the online methods.
# The second was tried at the best value of the first.
# RAFT++, everything in rounds and the larger RFT had only the first.
# The dials with the highest gold on one seed were trained on other seeds, and judged on wordings
# that had no part in the choice.
# How many seeds is in the table below.
# We chose by gold, which in real life you do not have: so this is what each method *can* reach.
#
# **What is outside the budget.**
# Best-of-N trains nothing and pays when it answers.
# "RFT at GRPO's FLOPs" may sample 3.5 times as much, so that it costs about as many operations as
# GRPO.
# The rounds with a refreshed reward model buy 2,000 new comparisons.
#
# The experiment takes an hour or two, so its results are stored (`python benchmarks/frontier.py`
# makes them again).
#
# **Your prediction.**
# The base policy's likeliest reply is a bland letter, and at its best temperature one reply of it
# has a gold of about 0.4.
# Order these by the gold you expect at their best temperature: best-of-64, RFT, DPO, GRPO, PPO.
# And is that temperature high or low?

# %%
frontier = results.load("frontier")
methods = frontier["methods"]
show.facts({"made by": frontier["command"], "for": frontier["population"],
    "budget": f"{frontier['size']['budget']:,} sampled tokens"})

# %% tags=["slide"]
plots.frontier(frontier)

# %% [markdown]
# Read the filled marks first: each is one reply at the method's best temperature, with 95 % bars.
# The dashed line is the base policy at *its* best temperature.
# Every trained policy is far to its right.
# RFT and its relatives are blue, and the grey row is best-of-64, which writes 64 replies for every
# answer.
# The open marks are the same policies at $T = 1$.
# The columns say gold, the temperature it was served at, and what the training took.
#
# Here are the numbers, with the dials that were chosen.

# %%
def value(v):
    return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

rows = []
for name, m in methods.items():
    dials = ", ".join(f"{dial} {chosen:g}" for dial, chosen in m["best"].items())
    rows.append((name, len(m["seeds"]), dials, f"{m['shown']['temperature']:g}",
        value(m["shown"]["gold"]), value(m["at_1"]["gold"])))
show.table(["method", "seeds", "dials", "T", "gold at T", "gold at T = 1"], rows)

# %% [markdown]
# Were your predictions right?
# **Every trained policy is best cold,** at 0.1 or 0.3, by a point and more in most cases.
# For the base policy a low temperature brings little: its likeliest reply is a bland letter.
# Training moved the likeliest reply, and a low temperature then picks it.
# The two dials need each other.
#
# RFT imitates best-of-16.
# At $T = 1$ it does not reach its target; cold it passes it, and the mean of best-of-64 too.

# %%
at_1, best_of = methods["RFT"]["at_1"]["gold"], frontier["best_of_n"]
show.facts(
    {f"best of 16 at T = {T}": value(best_of[T]["16"]["gold"]) for T in ("1", "0.7")}
)

# %% tags=["hide", "remove-input"]
assert at_1["high"] < best_of["1"]["16"]["gold"]["low"] - 0.2
assert (
    methods["RFT"]["shown"]["gold"]["low"] > best_of["0.7"]["16"]["gold"]["high"] + 0.2
)
trained = [m for name, m in methods.items() if name != "best-of-N"]
assert all(m["shown"]["temperature"] <= 0.3 for m in trained)
assert all(
    m["shown"]["gold"]["mean"] > m["at_1"]["gold"]["mean"] + 0.4 for m in trained
)
assert all(m["over_base"]["low"] > 0.4 for m in trained)

# %% [markdown]
# Which differences are more than chance?
# Here is the gold of RFT minus that of each other method, by seed and by topic.
# The interval is Student's $t$: with ten seeds it is 2.3 standard errors wide to each side, where a
# normal interval is 2.
# With three it would be 4.3, since three runs say little about how much runs differ.
# And there are twelve differences.
# With twelve 95 % intervals, one that misses by chance is nearly an even bet.
# So the last column asks again with intervals of $1 - 0.05/12$ (Bonferroni's correction).

# %%
def verdict(gap):
    if gap["low"] <= 0 <= gap["high"]:
        return "not told apart"
    low, high = gap["corrected"]
    after = "not after correction" if low <= 0 <= high else "also corrected"
    return f"told apart, {after}"

def gaps(those, label):
    """A row for each difference."""
    return [(label + name.replace(" - ", " minus "),
        f"{gap['mean']:+.2f} [{gap['low']:+.2f}, {gap['high']:+.2f}]", verdict(gap))
        for name, gap in those.items()]

show.table(["difference in gold", "points", "verdict"],
    [*gaps(frontier["rft_minus"], "RFT minus "), *gaps(frontier["pairs"], "")])

# %% tags=["hide", "remove-input"]
minus, pairs = frontier["rft_minus"], frontier["pairs"]
for name in ("GRPO", "PPO", "DPO", "RFT at GRPO's FLOPs"):
    assert minus[name]["low"] < 0 < minus[name]["high"], name  # not told apart
above = (
    "RFT, three rounds pooled",
    "RAFT++",
    "DPO, three rounds",
    "GRPO without std",
    "vBoN",
)
for name, gap in minus.items():  # what is left after correction
    assert (gap["corrected"][0] > 0) == (name in above) and gap["corrected"][1] > 0, (
        name
    )
assert minus["best-of-N"]["low"] > 0 and minus["RLOO"]["low"] > 0

# %% tags=["hide", "remove-input"]
ablation = pairs["GRPO without std - GRPO"]
assert ablation["corrected"][1] < 0 and max(ablation["by_seed"]) < 0
assert sum(v < 0 for v in minus["DPO"]["by_seed"]) == 9
assert max(minus[name]["high"] for name in ("GRPO", "PPO")) < 0.34
at_1 = frontier["rft_minus_at_1"]
assert at_1["RFT, three rounds, reward model refreshed"]["high"] < -0.3
assert at_1["vBoN"]["low"] < 0 < at_1["vBoN"]["high"]
thrice, once = (methods[name]["shown"]["kl"]["mean"]
    for name in ("DPO, three rounds", "DPO"))
lost = pairs["DPO, three rounds - DPO"]["mean"]
assert 4.5 < thrice / once < 5.5 and -1.0 < lost < -0.6

# %% [markdown]
# **Finding 13: at the same number of sampled tokens, each at its best temperature, no online method
# is shown to be better than one round of RFT, which takes a third of the operations.**
# (A third of those of GRPO and RLOO; a ninth of PPO's.)
# GRPO and PPO are not told apart from it, nor is DPO.
# That is not "equal": up to a third of a point is open.
#
# RFT is above seven of the twelve: best-of-64, RLOO, GRPO without its standard deviation, RAFT++,
# vBoN, pooled rounds and three rounds of DPO.
# **After correction for twelve comparisons five of the seven are left**; best-of-64 and RLOO are
# not among them.
# DPO is ahead of RFT on nine of ten seeds, by little: its interval only just reaches zero.
#
# Four more things are worth knowing.
#
# - **Finding 32 does not hold: without the division by the standard deviation GRPO is not better.**
#   It is worse, by half a point, on every seed, and also after correction.
#   What Dr. GRPO proposes may matter elsewhere; here the division helps.
# - **Finding 33: the backward KL does not beat imitation here.**
#   vBoN is more than a point below RFT, and not told apart from it at $T = 1$.
#   It spends half of its budget on the replies among which it ranks, and so makes few steps.
# - **Three rounds of DPO show what choosing on one seed can do.**
#   On the choosing seed the smallest $\beta$ won by a hair.
#   On other seeds the same $\beta$ let the policy run away: the mean KL is five times that of one
#   round, with an interval as wide as it is absurd, and three quarters of a point of gold are lost.
# - **Rounds of RFT** do not help at this budget, where each round has a third of the prompts.
#   Pooled, they lose half a point.
#   A refreshed reward model makes up for most of it, at the price of new labels.
#   At $T = 1$ those rounds looked better than one round by half a point; cold, that is gone.
#
# ### One step too far
#
# What happens when a dial is pushed?
# Gold and proxy at each value tried, on the choosing seed, at the best temperature of each row.

# %%
rows = [(name, dials, f"{at['temperature']:g}", value(at["gold"]),
    f"{at['proxy']['mean']:+.2f}", f"{at['kl']['mean']:.1f}")
    for name in ("PPO", "GRPO", "RLOO", "RAFT++", "DPO")
    for dials, at in methods[name]["grid"].items()]
show.table(["method", "dials", "T", "gold", "proxy", "KL"], rows)

# %% tags=["hide", "remove-input"]
ppo = methods["PPO"]["grid"]
gentle, pushed = ppo["lr = 0.0001"], ppo["lr = 0.001"]
for low, high in ((gentle, pushed), (gentle["at_1"], pushed["at_1"])):
    assert high["proxy"]["mean"] > low["proxy"]["mean"] + 0.3  # the proxy says: better
    assert high["gold"]["mean"] < low["gold"]["mean"] - 0.3  # gold says: worse
grpo_grid, rloo_grid = methods["GRPO"]["grid"], methods["RLOO"]["grid"]
base_gold = frontier["base"]["gold"]["mean"]
assert (
    grpo_grid["lr = 0.001"]["gold"]["mean"] > base_gold + 0.5
)  # worse, but no collapse

# %% [markdown]
# With ten times the learning rate, PPO's proxy rises much further while its gold falls to a third.
# Somebody who looks at the proxy alone would choose exactly this value.
# GRPO at its highest learning rate goes the same way, but stays far above the base: it does not
# collapse here, with its standard deviation or without.
# RLOO's proxy rises too, and its gold hardly falls.
# DPO at its highest learning rate is another case: the KL is enormous, and gold and proxy both
# fall.
# That is not hacking, that is breaking.
# And for GRPO and RLOO the best weight of the KL penalty was 0: here the end of the budget was
# leash enough.
#
# RFT's target is best-of-N of the base policy, which bounds how far the reward can pull it;
# its errors of imitation come on top.
# Over many rounds it can go further (lesson 05).
# Each row is one run of one seed: a hint, not a finding.
#
# And there is a trap in the temperature.
# Look at the same runs at $T = 1$:

# %%
rows = []
for name in ("GRPO", "RLOO", "PPO"):
    low, high = [methods[name]["grid"][f"lr = {rate}"] for rate in
        (("0.0001", "0.0003") if name == "PPO" else ("0.0003", "0.001"))]
    rows += [(name, at["dials"]["lr"], f"{at['at_1']['gold']['mean']:.2f}",
        f"{at['gold']['mean']:.2f}") for at in (low, high)]
    assert high["at_1"]["gold"]["mean"] > low["at_1"]["gold"]["mean"] + 0.1
    assert high["gold"]["mean"] < low["gold"]["mean"]
show.table(["method", "learning rate", "gold at T = 1", "at its best T"], rows)

# %% [markdown]
# At $T = 1$ the higher learning rate looks better each time; at the best temperature it is not.
# Larger steps move more of the policy's probability to what the proxy likes best.
# A low temperature does that too, for nothing.
# So part of what training seems to gain at $T = 1$ is only a temperature.
#
# Move the dials yourself.
# The buttons choose a method, the slider its dials in the order they were tried; a ring marks the
# chosen run in both panels.
# For which methods would choosing by the proxy have cost you gold?

# %% tags=["slide"]
explore.frontier_explorer(frontier)

# %% [markdown]
# ## What each one needs
#
# The best gold is not the only thing that counts.
# Here are the models held in memory while training, the tokens that the policy was trained on (and
# PPO's critic beside it), operations, seconds on one core (roughly: the machine had other work),
# and new labels bought.

# %%
rows = []
for name, m in methods.items():
    if name != "best-of-N":
        cost = m["cost"]
        # PPO's critic learns from the same tokens
        critic = cost["tokens_trained"] / 2 if name == "PPO" else 0
        rows.append((name, cost["models"], f"{cost['tokens_trained'] - critic:,.0f}",
            f"{critic:,.0f}", f"{cost['flops'] / 1e12:.2f}",
            f"{cost['flops'] / methods['RFT']['cost']['flops']:.1f}",
            f"{cost['seconds']:.0f}", f"{cost['labels']:,.0f}"))
show.table(["method", "models", "policy's tokens", "critic's", "TFLOPs", "RFT = 1",
    "seconds", "labels"], rows)

# %% tags=["hide", "remove-input"]
work = {name: m["cost"]["flops"] / methods["RFT"]["cost"]["flops"]
    for name, m in methods.items()}
assert 2.5 < work["GRPO"] < 3.5 and 2.5 < work["RLOO"] < 3.5 and 7 < work["PPO"] < 11
assert 3.3 < work["DPO"] < 4.1
assert 0.7 < work["RFT at GRPO's FLOPs"] / work["GRPO"] < 1.4

# %% [markdown]
# GRPO and RLOO took about three times RFT's operations, DPO nearly four times, PPO nine times.
# PPO's account counts what policy *and* critic were trained on; half of it is the
# critic's.
# "RFT at GRPO's FLOPs" spends the difference on more samples, and gains nothing that ten seeds can
# show.
#
# | | data it needs | memory | stability (what we saw) | tuning effort (our experience) |
# |---|---|---|---|---|
# | best-of-N | prompts at serving time, a reward model then too | policy and reward model | nothing to go wrong but $N$ and $T$ | two numbers |
# | RFT | prompts, a reward model or verifier | one model at a time | no value tried fell below the base | little: SFT settings and $N$ |
# | DPO | pairs: bought from people, or made with a reward model as here | policy and reference | far from the base at a high learning rate | $\beta$ and the learning rate, both matter |
# | GRPO, RLOO | prompts, a reward model or verifier, fresh samples each step | policy, reference, reward model | too low a learning rate learns little, too high hacks | learning rate and $\beta$ |
# | PPO | the same | the same and a critic | hacks the proxy when pushed | most dials of all |
#
# ## When has fine-tuning paid for itself?
#
# Best-of-N costs nothing today and $N$ replies for ever.
# Fine-tuning costs something today and one reply from then on.
# Two rivals are fair.
# The first is the $n$ at which best-of-$n$ of the base, at *its* best temperature, is as good as
# the fine-tuned policy.
# The second is one reply of the base at its best temperature, which costs nothing at all.
# **Your prediction:** after how many answered questions has RFT paid for itself against best-of-16?
# A hundred, a thousand, ten thousand, a million?
# (A sum on paper helps: RFT sampled about 4,000 replies.)

# %%
from course_lib.base import flops_per_token
from course_lib.estimators import break_even, equal_quality_n, serving_flops

served = f"{methods['best-of-N']['shown']['temperature']:g}"
ladder = {int(n): p["gold"]["mean"] for n, p in frontier["best_of_n"][served].items()}
sizes = sorted(ladder)
rft = methods["RFT"]
equal = equal_quality_n(sizes, [ladder[n] for n in sizes], rft["shown"]["gold"]["mean"])
print(f"RFT has gold {rft['shown']['gold']['mean']:.2f}; "
    f"best-of-n is as good at n = {equal:.1f}")
show.table(["n", *sizes], [[f"gold of best-of-n at T = {served}",
    *(f"{ladder[n]:.2f}" for n in sizes)]])

# %%
question = float(np.mean([len(row) for row in policy.encode(prompts[:100])]))
writes, reads = flops_per_token(policy.model), flops_per_token(proxy.model)
reply, short = frontier["base"]["length"]["mean"], rft["shown"]["length"]["mean"]
by_choosing = serving_flops(writes, question, reply, n=16, reward_flops=reads)
by_base = serving_flops(writes, question, reply)
by_rft = serving_flops(writes, question, short)

# %%
queries = break_even(rft["cost"]["flops"], by_choosing, by_rft)
against_base = break_even(rft["cost"]["flops"], by_base, by_rft)
show.facts({"FLOPs of fine-tuning": f"{rft['cost']['flops']:.1e}",
    "of an answer by best-of-16": f"{by_choosing:.1e}", "by the base": f"{by_base:.1e}",
    "by RFT": f"{by_rft:.1e}", "repaid after": f"{queries:,.0f} answers",
    "repaid against one reply of the base": f"after {against_base:,.0f} answers "
        f"(RFT's replies are shorter: {short:.0f} tokens for {reply:.0f})",
    "gold of RFT minus the base, both at their best": value(rft["over_base"])})

# %% tags=["hide", "remove-input"]
assert 50 < queries < 1000 and rft["over_base"]["low"] > 1 and equal == float("inf")

# %% [markdown] tags=["slide"]
# No best-of-$n$ that was tried is as good as RFT served cold, so we took best-of-16, which RFT
# passes.
# **Finding 16: there is a number of served questions after which fine-tuning is cheaper than
# choosing, and it is small**: some hundreds.
# Against one reply of the base the question is another one.
# That costs as much to serve as a reply of RFT, or rather more, since letters are long.
# There the price of training buys two and a half points of gold.
#
# If policy and reward model grow by the same factor, both sides grow alike and the number stays; it
# depends on how many replies were sampled for training and on the $n$ it replaces.
# What the sum leaves out: the engineer's time, and that best-of-$n$ can change its reward model
# tomorrow without training anything.
#
# ## When to use which
#
# - **No training possible, or few questions to answer:** best-of-N, at a middle temperature.
# - **Many questions, a reward model, one machine:** RFT, served cold.
#   It takes the fewest operations and one model in memory, and nothing here is shown to be better.
# - **Pairs, from people or from a reward model:** DPO.
#   It has the highest mean here, at nearly four times RFT's operations.
#   Try several seeds: it can run away.
# - **A reward that is hard to hack** (a verifier, lesson 06), and the will to tune: GRPO or RLOO.
#   Watch the KL and a judge that is not the reward.
# - **PPO**, when tokens differ in merit and memory is no concern.
#   In Llama 2 it came on top of rejection sampling, not instead of it (lesson 08).
#
# Whatever you train, try the temperature again afterwards, and compare at the best one of each.
#
# ## What we found
#
# The numbered findings of this lesson, measured again from the stored frontier:

# %%
from course_lib.experiments import findings

findings.show("07")

# %% [markdown]
# In words:
#
# - The gradient of RFT's first step *is* a policy gradient, with weights 0 and 1.
#   After a few passes over the same replies it no longer points where fresh ones would.
# - RFT imitates best-of-N.
#   At $T = 1$ it stays below its target, and cold it passes it; all trained policies are best cold.
# - **Finding 13.**
#   At equal sampled tokens, each at its best temperature, no online method is shown to be better
#   than one round of RFT, which takes a third of the operations or less.
#   GRPO, PPO and DPO are not told apart from it; after correction for twelve comparisons RFT is above
#   five others.
# - **Finding 32** does not hold: without its standard deviation GRPO is worse here.
# - **Finding 33.**
#   Training towards best-of-N by the backward KL does not beat imitating its replies.
# - Past a point PPO's proxy rises while gold falls, and at $T = 1$ a learning rate can look better
#   that is not (one seed each).
# - **Finding 16.**
#   Against best-of-16, which it passes, one round of RFT repays itself after some hundreds of
#   answers.
#
# ## What this leaves out
#
# The world was made so that the policy's likeliest reply is bland, as a base model's often is: two
# thirds of the replies it learned from are stock letters.
# Where the likeliest reply is a good one already, a low temperature alone does most of the work
# (lesson 02).
# Few dials were tuned, on one seed, and some ended at the edge of what was tried: the learning
# rates of RFT and PPO at the lowest, vBoN's at the highest, $\beta$ of three-round DPO at the
# lowest.
# A specialist of any of them could do better.
# All training samples were drawn at $T = 1$.
# The world is small, its proxy was trained by simulated annotators, and KL is not a fair ruler
# between methods (arXiv 2210.10760).
# The code of each method opens with what it leaves out of its paper.
#
# ## In real systems
#
# - Llama 2 used rejection sampling alone up to its fourth version and PPO on top of it after that
#   (arXiv 2307.09288).
# - *A minimalist approach to LLM reasoning* (arXiv 2504.11343) finds that much of GRPO's edge over
#   RAFT comes from leaving out prompts whose samples are all wrong.
#   Lesson 06 tries that with a verifier.
# - The TRL library (version 1.16) has trainers for SFT, reward models, DPO, KTO, GRPO and RLOO; PPO
#   was taken out of it in version 1.13.
#
# ## Further reading
#
# Schulman et al., *Proximal policy optimization*, arXiv 1707.06347.
# Shao et al., *DeepSeekMath*, arXiv 2402.03300, for GRPO.
# Ahmadian et al., *Back to basics*, arXiv 2402.14740, for RLOO.
# Rafailov et al., *Direct preference optimization*, arXiv 2305.18290.
# Dong et al., *RAFT*, arXiv 2304.06767.
#
# ## Now you
#
# **Exercise** `exercises/ex07`: the advantages, the clip and the DPO loss by your own hand.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("07")
