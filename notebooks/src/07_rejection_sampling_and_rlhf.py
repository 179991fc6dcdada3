# %% [markdown]
# # Rejection sampling and RLHF
#
# **You will:** see that PPO, GRPO, RLOO, RAFT and rejection-sampling fine-tuning are one formula with different weights, work each by hand once, compare them at the same number of
# sampled tokens, and decide which one to use when.
#
# **Builds on:** lesson 04 (over-optimisation, KL), lesson 05 (rejection-sampling fine-tuning).
#
# **Time:** 60 minutes to read and do; the cells run in under a minute and a half.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, explore, plots, results
from course_lib.rlhf.grpo import advantages, grpo

# %% [markdown]
# ## One wish, several ways
#
# All of these methods want the same thing: replies with a high reward $r$ from a policy $\pi_\theta$ that has not strayed far from the one we started with, $\pi_{\text{ref}}$. Written as one number to be made large:
#
# $$J(\theta) = \mathbb{E}_{y \sim \pi_\theta(\cdot \mid x)}\big[r(x, y)\big] \;-\; \beta\,\mathrm{KL}(\pi_\theta \,\|\, \pi_{\text{ref}})$$
#
# The KL term is the leash. Without it a policy may go wherever the reward model happens to be wrong; lesson 04 showed that there are such places.
#
# - **Best-of-N** changes no weights. It samples $N$ times for every question and keeps one.
# - **Rejection-sampling fine-tuning (RFT)** samples once for many questions, keeps the best, and imitates them.
# - **RAFT** repeats that in small steps; **RAFT++** corrects each step for the policy having moved.
# - **GRPO** and **RLOO** also use the replies that were *not* the best, by pushing them down.
# - **PPO** does the same with a second model that predicts the reward to come, token by token.
# - **DPO** learns from pairs of replies, better and worse, without sampling again.
#
# ## On paper: what is each reply worth?
#
# One prompt, four replies, rewards 1, 2, 3 and 6. Each method turns these four rewards into four weights: how strongly to push each reply up or down. **Work out three of them with a pencil:** RAFT gives 1 to the
# best reply and 0 to the rest. GRPO without the standard deviation takes the reward less the mean of the four. RLOO takes the reward less the mean of the *other three*.

# %%
rewards = torch.tensor([[1.0, 2.0, 3.0, 6.0]])

# %% tags=["nbval-check-output"]
for kind in ("best", "group", "leave_one_out", "group_std"):
    print(f"{kind:14}", [round(a, 2) for a in advantages(rewards, kind)[0].tolist()])

# %% [markdown]
# `best` is RAFT, `group` and `group_std` are GRPO (the latter divides by the standard deviation), `leave_one_out` is RLOO. Two things to see. All but RAFT have weights that sum to zero: as much is pushed down as up.
# And RLOO's weights are GRPO's times $N/(N-1) = 4/3$: a reply should not be compared with an average that contains itself. The factor changes the length of the step, not its direction.
#
# ## RFT is a policy gradient with weights of 0 and 1
#
# This is the one derivation of the lesson. Let $w(x, y)$ be any weight of a reply, and let us climb its expectation. For a fixed prompt,
#
# $$\nabla_\theta \sum_y \pi_\theta(y \mid x)\, w(x, y) = \sum_y \pi_\theta(y \mid x)\, w(x, y)\, \nabla_\theta \log \pi_\theta(y \mid x)
#   = \mathbb{E}_{y \sim \pi_\theta}\big[\, w(x, y)\, \nabla_\theta \log \pi_\theta(y \mid x) \,\big],$$
#
# because $\nabla \pi = \pi\, \nabla \log \pi$. So: sample replies from $\pi_\theta$, and follow the gradient of $\sum_i w_i \log \pi_\theta(\hat y_i \mid x)$. That is the policy gradient, and it is all there is to REINFORCE.
#
# Now choose $w_i = 1$ for the replies we keep and $w_i = 0$ for the others. Then the gradient is that of $\sum_{\text{kept}} \log \pi_\theta(\hat y_i \mid x)$: the log-likelihood of the kept replies, which is what supervised fine-tuning maximises.
# **The first step of rejection-sampling fine-tuning is a policy-gradient step whose reward is "was kept".** Test it: the two gradients of the bundled policy, on the same 32 replies, must be equal.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
world = course.load_world("helpdesk")
prompts, info = world.prompts("train", limit=512, seed=7)

# %%
from course_lib.finetuning import sft_loss
from course_lib.rlhf.online import collect, now

batch = collect(policy, policy, prompts[:8], info[:8], proxy, n=4, temperature=1.0, max_tokens=96, seed=0)
weight = advantages(batch.rewards, "best").flatten()
kept = [example for example, w in zip(batch.examples, weight) if w]

# %% [markdown]
# `batch` holds 8 prompts × 4 replies with everything an update needs. `weight` is 1 for the best reply to each prompt and 0 for the rest; `kept` are the replies that supervised fine-tuning would train on.

# %%
def gradient(loss, model):
    """The gradient of ``loss`` with respect to all weights, as one long vector."""
    return torch.cat([g.flatten().double() for g in torch.autograd.grad(loss, list(model.parameters()))])

logp = now(policy, batch, range(32))                                   # (32, T) log-probabilities, with gradients
policy_gradient = gradient(-(weight[:, None] * logp).sum(), policy.model)
imitation = gradient(sft_loss(policy, kept)[0], policy.model)
cosine = torch.nn.functional.cosine_similarity(policy_gradient, imitation, dim=0).item()

# %%
print(f"cosine of the two gradients {cosine:.5f}, ratio of their lengths {policy_gradient.norm() / imitation.norm():.5f}")
assert cosine > 0.9999 and abs(policy_gradient.norm() / imitation.norm() - 1) < 1e-3

# %% [markdown]
# What then separates RFT from RLHF? Three things, and only these.
#
# 1. **How often the samples are drawn anew.** RFT takes hundreds of steps on one large sample. After the first step the policy is no longer the one that wrote the replies. RAFT++, GRPO and PPO sample again after each step or two, and
#    multiply by the ratio $\rho = \pi_\theta / \pi_{\text{old}}$, clipped, for what has moved in between.
# 2. **Negative weights.** With $w \in \{0, 1\}$ nothing is pushed down. A baseline makes the worse-than-average replies count too.
# 3. **The leash.** RFT has no KL term; that it stops after a few passes is what holds it back.
#
# ## PPO by hand
#
# PPO gives each *token* a weight. A second model, the **critic**, predicts from every prefix the reward to come, $V_t$. The surprise at token $t$ is $\delta_t = r_t + V_{t+1} - V_t$: how much better things look after the token than before. And since
# a token's merit may show only later, PPO adds up the later surprises too, each discounted by $\lambda$ (generalised advantage estimation, arXiv 1506.02438):
#
# $$A_t = \delta_t + \lambda A_{t+1}$$
#
# A reply of three tokens, reward 1 at its end, values 0.5, 0.2, 0.4, and $\lambda = 0.5$. From the back: $A_3 = 1 - 0.4 = 0.6$. Then $A_2 = (0.4 - 0.2) + 0.5 \cdot 0.6 = 0.5$. **And $A_1$?**

# %% tags=["nbval-check-output"]
from course_lib.rlhf.ppo import gae

mask = torch.ones(1, 3, dtype=torch.bool)
A, target = gae(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.5, 0.2, 0.4]]), mask, lam=0.5)
print([round(a, 3) for a in A[0].tolist()])

# %% [markdown]
# $A_1 = (0.2 - 0.5) + 0.5 \cdot 0.5 = -0.05$. The first token made things look worse, and most of that was made good later.
#
# So PPO needs four models in memory: the policy, the reference for the leash, the reward model, and the critic. GRPO drops the critic by using the group's mean in its place.
#
# ## DPO by hand
#
# For the wish $J$ the best policy is known: $\pi^*(y \mid x) \propto \pi_{\text{ref}}(y \mid x)\, e^{r(x, y)/\beta}$. Turn that around and the reward can be read off a policy: $r = \beta \log \pi^*/\pi_{\text{ref}}$, up to a constant per prompt. Put it into
# Bradley–Terry (lesson 03), and preferences train the policy directly (arXiv 2305.18290):
#
# $$-\log \sigma\Big(\beta \log \frac{\pi_\theta(y_w \mid x)}{\pi_{\text{ref}}(y_w \mid x)} - \beta \log \frac{\pi_\theta(y_l \mid x)}{\pi_{\text{ref}}(y_l \mid x)}\Big)$$
#
# Before the first step $\pi_\theta = \pi_{\text{ref}}$. **What is the loss then?**

# %% tags=["nbval-check-output"]
from course_lib.rlhf.dpo import dpo_loss

same = torch.tensor([-10.0])
print(f"at the start {dpo_loss(same, same, same, same)[0].item():.4f} nats, log 2 = {np.log(2):.4f}")

# %% [markdown]
# ## Watch one learn
#
# GRPO on the help desk: at each step 16 prompts × 8 replies, scored by the proxy, one update. Sixteen steps, so that you need not wait. Watch three columns: the proxy's reward should rise, the KL with it, and the
# entropy (how undecided the policy is, per token) should fall.

# %%
student = grpo(policy, prompts, proxy, info, method="grpo", steps=16, prompts_per_step=16, n=8, lr=3e-4, beta=0.05)
for step in student.training_log.steps[::5]:
    print("   ".join(f"{name} {step[name]:6.2f}" for name in ("reward", "kl", "entropy", "length")))

# %%
log = student.training_log
assert np.mean(log.column("reward")[-4:]) > np.mean(log.column("reward")[:4])
print(log.account)

# %% [markdown]
# The last line is the run's **account**: what it sampled, scored, read with the reference and trained on, the work in floating-point operations, and which models it held. Every method in this course carries one, and that is
# what makes a fair comparison possible.
#
# ## The comparison
#
# Here is the experiment of this course. Every method may sample as many tokens as 512 prompts × 16 replies take. Every method has the same start, the same proxy, the same optimiser. Each was tried at four values of its own main dial ($N$ for RFT, the
# learning rate for the online methods, $\beta$ for DPO); the value with the highest gold reward on one seed was then trained on three other seeds and judged on other held-out prompts. It takes about an hour, so its results are stored
# (`python benchmarks/frontier.py` makes them again).
#
# **Your prediction.** Order these by the gold reward you expect: RFT in one round, RFT in three rounds, DPO, GRPO, PPO. And which of them will have moved furthest from the base policy?

# %%
frontier = results.load("frontier")
print(frontier["command"], "| seeds", frontier["shown_seeds"], "|", f"{frontier['size']['budget']:,} tokens sampled by each")

# %%
plots.frontier(frontier)

# %% [markdown]
# Look at the left panel first. All methods start at the base policy on the left and climb. The black line is best-of-N. Then look right, at larger KL: the small marks that fall are the same methods with their dial one step too far. In the right
# panel, the proxy's, the same marks do not fall. **They have hacked the proxy**, exactly as in lesson 04, only by training instead of by choosing.

# %%
def value(v):
    return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

for name, m in frontier["methods"].items():
    print(f"{name:50} {m['dial']:>4} {m['best']:<8g} gold {value(m['shown']['gold'])}   KL {value(m['shown']['kl'])}")

# %% [markdown]
# Were your predictions right? Ours were not all. Which differences are more than chance? Here is one-round RFT against each of the others: gold of RFT less gold of the other, by seed and prompt. An interval that contains 0 does not tell
# them apart.

# %%
for name, gap in frontier["rft_minus"].items():
    verdict = "told apart" if gap["low"] > 0 or gap["high"] < 0 else "not told apart"
    print(f"RFT less {name:50} {gap['mean']:+.2f} [{gap['low']:+.2f}, {gap['high']:+.2f}]  {verdict}")

# %%
minus = frontier["rft_minus"]
assert minus["RAFT++"]["low"] > 0 and minus["DPO"]["low"] > 0          # RFT is above these two
assert minus["RLOO"]["high"] < 0 and minus["best-of-N"]["high"] < 0    # and below these
assert minus["GRPO"]["low"] < 0 < minus["GRPO"]["high"]                # not told apart
assert minus["PPO"]["low"] < 0 < minus["PPO"]["high"]
refreshed = frontier["methods"]["RFT, three rounds pooled, reward model refreshed"]["shown"]["gold"]
others = [m["shown"]["gold"] for name, m in frontier["methods"].items() if name != "best-of-N" and "refreshed" not in name]
assert all(refreshed["low"] > other["high"] for other in others)       # above every other trained policy

# %% [markdown]
# **Finding 13: at the same number of sampled tokens, one round of RFT does better than RAFT++ and DPO here, about as well as GRPO and PPO, and not as well as RLOO.** Three seeds make such an interval somewhat too narrow, so treat the close calls as close calls.
# And three rounds of RFT with a reward model refreshed between them do better than every other trained policy, but they also had something the others did not: 2,000 new comparisons.
#
# No trained policy passes best-of-64, which pays 64 times as much for every answer.
#
# ### One step too far
#
# What happened to the methods with a learning rate when it was too high? Gold and proxy at each value tried, on the choosing seed.

# %%
for name in ("PPO", "GRPO", "RLOO", "RAFT++"):
    print(name)
    for value, point in frontier["methods"][name]["grid"].items():
        print(f"   lr {value:7}", *(f"{m} {point[m]['mean']:7.2f}" for m in ("gold", "proxy", "kl")), sep="   ")

# %%
ppo = frontier["methods"]["PPO"]["grid"]
assert ppo["0.001"]["proxy"]["mean"] > ppo["0.0001"]["proxy"]["mean"] + 0.5    # the proxy says: much better
assert ppo["0.001"]["gold"]["high"] < ppo["0.0001"]["gold"]["low"] - 1         # gold says: far worse

# %% [markdown]
# Going up by a factor of ten in the learning rate, PPO's proxy doubles while its gold falls below that of the base policy. Somebody who looks at the proxy alone would choose exactly this value. RLOO, with the same penalty, hardly suffers: its
# penalty is taken out of the reward of the whole reply. That is one run of one seed; read it as a hint.
#
# RFT cannot go wrong in this way in one round: its replies were written by the base policy. It can over many rounds (lesson 05).
#
# Move the dials yourself. The buttons choose a method, the slider the value of its dial; the numbers beside the points are the values. For which methods would choosing by the proxy have cost you gold?

# %%
explore.frontier_explorer(frontier)
#
# ## What each one needs
#
# The best gold is not the only thing that counts. Held in memory while training, trained tokens, seconds on two cores, and new labels bought:

# %%
print(f"{'':50} models   trained tokens   seconds   labels")
for name, m in frontier["methods"].items():
    s = m["shown"]
    if name != "best-of-N":
        print(f"{name:50} {s['models']:6}   {s['tokens_trained']:14,.0f}   {s['seconds']:7.0f}   {s['labels']:6,.0f}")
trained_on = {name: m["shown"]["tokens_trained"] for name, m in frontier["methods"].items()}
assert trained_on["PPO"] > 40 * trained_on["RFT, one round"]

# %% [markdown]
# | | data it needs | memory | stability | tuning effort |
# |---|---|---|---|---|
# | best-of-N | prompts at serving time, a reward model then too | policy and reward model | nothing to go wrong but $N$ | one number |
# | RFT | prompts, a reward model or verifier | one model at a time | cannot leave what the base policy writes, in one round | little: SFT settings and $N$ |
# | DPO | pairs; no reward model, no sampling | policy and reference | may push *both* replies down; the pairs grow stale | $\beta$ and the learning rate |
# | GRPO, RLOO | prompts, a reward model or verifier, fresh samples each step | policy, reference, reward model | hacks the proxy when pushed | learning rate and $\beta$ matter much |
# | PPO | the same | the same and a critic | the same, and the critic must keep up | most dials of all |
#
# ## When has fine-tuning paid for itself?
#
# Best-of-N costs nothing today and $N$ replies for ever. Fine-tuning costs something today and one reply from then on. The fair rival is not best-of-64, though: it is the $n$ at which best-of-$n$ is *as good* as the fine-tuned policy.
# **Your prediction:** after how many answered questions has one round of RFT paid for itself? A hundred, ten thousand, a million?

# %%
from course_lib.budget import break_even, equal_quality_n, flops_per_token, serving_flops

ladder = {int(n): p["gold"]["mean"] for n, p in frontier["best_of_n"].items()}
sizes = sorted(ladder)
rft = frontier["methods"]["RFT, one round"]["shown"]
equal = equal_quality_n(sizes, [ladder[n] for n in sizes], rft["gold"]["mean"])
print(f"RFT has gold {rft['gold']['mean']:.2f}; best-of-n is as good at n = {equal:.1f}")

# %%
question = float(np.mean([len(row) for row in policy.encode(prompts[:100])]))
reply = frontier["base"]["length"]["mean"]
writes, reads = flops_per_token(policy.model), flops_per_token(proxy.model)
by_choosing = serving_flops(writes, question, reply, n=equal, reward_flops=reads)
by_rft = serving_flops(writes, question, rft["length"]["mean"])

# %%
queries = break_even(rft["flops"], by_choosing, by_rft)
print(f"fine-tuning {rft['flops']:.1e} FLOPs, an answer {by_choosing:.1e} by choosing and {by_rft:.1e} by RFT")
print(f"repaid after {queries:,.0f} answers")
assert 100 < queries < 100_000

# %% [markdown]
# **Finding 16: there is a number of served questions after which fine-tuning is cheaper than choosing, and it is small.** It does not depend on the size of the model, as both sides scale with it; it depends on how many replies were sampled for training
# and on the $n$ it replaces. What the sum leaves out: the engineer's time, and that best-of-$n$ can change its reward model tomorrow without training anything.
#
# ## When to use which
#
# - **No training possible, or few questions to answer:** best-of-N.
# - **Many questions, a reward you do not fully trust, one machine:** RFT. Measure, refresh the reward model with replies of the new policy, repeat.
# - **Pairs from people and no sampling budget:** DPO.
# - **A reward that cannot be hacked** (a verifier, lesson 06), and the will to tune: GRPO or RLOO. Watch the KL and a judge that is not the reward.
# - **PPO**, when tokens differ in merit and memory is no concern. In many systems it comes after RFT, not instead of it (lesson 08).
#
# ## What we found
#
# 1. The gradient of RFT's first step *is* a policy gradient, with weights 0 and 1; measured, the two agree to four decimals.
# 2. At equal sampled tokens one-round RFT is above RAFT++ and DPO, below RLOO, and not told apart from GRPO and PPO (the intervals are printed above). Rounds with a refreshed reward model are above all of them, at the price of new labels.
# 3. The online methods reach as far as you let them, and past a point the proxy rises while gold falls.
# 4. Against the best-of-$n$ of equal quality one round of RFT repays itself soon; the number of answers is printed above.
#
# ## What this leaves out
#
# One dial was tuned for each method and everything else stood still: a specialist of any of them could do better. The budget counts sampled tokens; PPO trained on more than forty times as many tokens as RFT. The world is small, its
# proxy was trained by simulated annotators, and KL is not a fair ruler between methods (arXiv 2210.10760). The code of each method opens with what it leaves out of its paper.
#
# ## In real systems
#
# - Llama 2 used rejection sampling alone up to its fourth version and PPO on top of it after that (arXiv 2307.09288).
# - *A minimalist approach to LLM reasoning* (arXiv 2504.11343) finds that much of GRPO's edge over RAFT comes from leaving out prompts whose samples are all wrong. Lesson 06 tries that with a verifier.
# - The TRL library (version 1.16) has trainers for SFT, reward models, DPO, KTO, GRPO and RLOO; PPO was taken out of it in version 1.13.
#
# ## Further reading
#
# Schulman et al., *Proximal policy optimization*, arXiv 1707.06347. Shao et al., *DeepSeekMath*, arXiv 2402.03300, for GRPO. Ahmadian et al., *Back to basics*, arXiv 2402.14740, for RLOO. Rafailov et al., *Direct preference optimization*,
# arXiv 2305.18290. Dong et al., *RAFT*, arXiv 2304.06767.
#
# ## Now you
#
# **Exercise** `exercises/ex07` (to come): the advantages, the clip and the DPO loss by your own hand.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("07")
