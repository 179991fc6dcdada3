# %% [markdown] tags=["slide"]
# # Rejection-sampling fine-tuning: learn from your own best replies
#
# **You will:** train the policy on its own best replies, measure the gain against a fair control
# and against every temperature of the untrained policy, see how near it comes to best-of-N and why,
# watch a frozen reward model being hacked over several rounds, and see what the policy loses.
#
# **Builds on:** lesson 01 (best-of-N), lesson 02 (temperature), lesson 03 (reward models),
# lesson 04 (over-optimisation, KL).
#
# **Time:** 80 minutes for the core, and 40 more for the parts marked *Deeper*; the cells run in
# one to two minutes.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import explore, plots, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown] tags=["slide"]
# ## Pay once instead of each time
#
# Best-of-N gives better replies, but it pays for $N$ replies at every question, for ever.
# The idea of this lesson: do it once, for many questions, and *train* the policy on the replies
# that won.
# Afterwards it should write such replies at the first attempt.
#
# 1. **Sample.**
#    For each training prompt $x$, draw $N$ candidates
#    $\hat y_1, \dots, \hat y_N \sim \pi_{\text{ref}}(\cdot \mid x)$.
# 2. **Score** each one with the reward model $r(x, \hat y_i)$.
# 3. **Select.**
#    Keep $\hat y_{\text{best}}$ of each prompt and reject the rest.
#    That rejection gave the method its name: rejection-sampling fine-tuning, **RFT**.
# 4. **Fine-tune** the policy on the pairs $(x, \hat y_{\text{best}})$, as if a person had written
#    them.
# 5. **Measure** on other prompts, with a judge that did not choose.
#
# Step 4 is plain supervised fine-tuning (SFT): make the kept replies more likely, word by word.
# It is the same training that made the assistant in the first place; only the data are new.
# We write $\pi_\theta$ for the policy being trained.
#
# This is how a good reward model improves a policy **by data**.
# No gradient passes through the reward model.
# It only decides which replies become training data; then its work is done, and the trained policy
# answers without it.
#
# ## On paper first: what is kept
#
# Five prompts, four candidates each, a reward matrix as in lesson 01.
# Two rules.
# **Best per prompt** keeps the highest of each row.
# **Top-k overall** looks at all twenty together and keeps the $k = 5$ highest.
#
# | | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 2.0 | 1.6 | 2.4 | 1.9 |
# | prompt B | 0.3 | −0.2 | 0.1 | 0.9 |
# | prompt C | −1.0 | −1.4 | −0.6 | −2.0 |
# | prompt D | 0.5 | 1.1 | 1.1 | −0.4 |
# | prompt E | 2.2 | 1.0 | −0.5 | 1.8 |
#
# Take a pencil.
# **Which five replies does each rule keep? From which prompts? Which of the two training sets has
# the higher mean reward?**

# %%
R = [[2.0, 1.6, 2.4, 1.9], [0.3, -0.2, 0.1, 0.9], [-1.0, -1.4, -0.6, -2.0],
     [0.5, 1.1, 1.1, -0.4], [2.2, 1.0, -0.5, 1.8]]
texts = [[f"{prompt}{j}" for j in range(4)] for prompt in "ABCDE"]
paper = course.Pool.from_candidates(list("ABCDE"), texts, rewards={"r": R})

# %% tags=["nbval-check-output"]
from course_lib.pools import best_per_prompt, top_k_overall

both = best_per_prompt(paper), top_k_overall(paper, k=5)
show.table(["rule", "keeps", "of each prompt", "mean reward"],
    [(kept.rule, " ".join(kept.texts), " ".join(map(str, kept.per_prompt.tolist())),
        f"{kept.rewards().mean():.2f}") for kept in both])

# %% [markdown]
# Row D has a tie, and the lowest index wins it.
# Top-k overall has the far higher mean reward, and it has thrown away three of the five questions.
# A policy trained on its set never sees B, C and D. Best per prompt also keeps a reply with reward
# −0.6, the best there was for C: the rule takes the best of each prompt, not only good ones.
# Keep both in mind; we will come back to them with a model.
#
# The training set itself is a list of pairs.
# This is all that step 4 gets to see: no reward, and none of the rejected replies.

# %% tags=["nbval-check-output"]
show.table(["prompt", "completion"],
    [(row["prompt"], row["completion"]) for row in best_per_prompt(paper).to_rows()])

# %% [markdown]
# ## On paper: which tokens count
#
# Training on a reply means: for each of its tokens, the probability the policy gives to it should
# rise.
# The loss is the negative log-probability, in nats (natural logarithms).
# The question is: *which* tokens?
#
# A conversation of six tokens.
# The policy reads from left to right; at each place it gives a probability to the token that comes
# next.
#
# | place | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|
# | token | user | hello | assistant | good | morning | end |
# | belongs to | prompt | prompt | prompt | reply | reply | reply |
# | its probability, given the ones before | – | 0.01 | 0.9 | 0.5 | 0.25 | 0.8 |
# | counts in the loss? | no | no | no | **yes** | **yes** | **yes** |
#
# Prompt tokens do not count: the policy should learn to answer questions, not to write them.
# The **end token counts**: it is how the policy learns to stop.
# So the sum of the loss is $-(\ln 0.5 + \ln 0.25 + \ln 0.8) = -\ln 0.1$.
# **How much is that, and how much for each of the three tokens?**

# %% tags=["nbval-check-output"]
p = torch.tensor([0.5, 0.25, 0.8])
print("each of the three:", [round(v, 3) for v in (-p.log()).tolist()], "nats")
print(
    f"sum {-p.log().sum():.3f} nats, mean over three tokens {-p.log().mean():.3f} nats"
)

# %% [markdown]
# In symbols, over all kept pairs, with $|y|$ the number of tokens of a reply, its end token among
# them, $y_t$ its token at place $t$, and $y_{<t}$ the tokens of the reply before that place:
#
# $$\mathcal L(\theta) = -\frac{\sum_{(x,\, y)\ \text{kept}} \sum_{t=1}^{|y|} \log \pi_\theta(y_t \mid x, y_{<t})}{\sum_{(x,\, y)\ \text{kept}} |y|}$$
#
# The library's `sft_loss` is *minus* the upper sum; it also returns the number of tokens below the
# line.
# Compare it with the same thing done by hand: run the model over the whole conversation, and add up
# the log-probabilities of the reply's tokens only.
# The proxy of this lesson is *reward-2000*, trained on 2,000 comparisons.
# It is weaker than the one of lesson 01 (*reward-8000*): weak enough to be hacked within the four
# rounds further down.

# %%
from course_lib.methods import sft_loss

policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-2000"), name="proxy")
world = course.load_world("helpdesk")
# token ids of the prompt, in its chat template
question = policy.encode(["How do I reset my password?"])[0]
# token ids of the reply, its end token last
reply = policy.encode_responses(["Open the sign-in page."])[0]

# %%
with torch.no_grad():
    logp = policy.model(torch.tensor([question + reply])).logits[0].log_softmax(-1)
    loss, terms = sft_loss(policy, [(question, reply)])
by_hand = -sum(logp[place - 1, token] for place, token in enumerate(question + reply)
    if place >= len(question))
print(f"by hand {by_hand:.4f}, sft_loss {loss:.4f} nats over {terms} tokens")
print("the last token is", policy.tokenizer.decode(reply[-1:]))

# %% tags=["hide", "remove-input"]
assert abs(by_hand - loss) < 1e-3 and terms == len(reply)

# %% [markdown]
# `place - 1` is the other classic trap: the token at a place is predicted by the output one place
# *before* it.
#
# ## The loop, live
#
# 192 training prompts with 16 candidates each, then one round.
# The **control** is trained in exactly the same way, on the same number of replies to the same
# prompts, but on a *random* one of the sixteen instead of the best.
# If training on just any replies of its own changed the policy, the control would show it.
# The difference between tuned and control is due to the choice.
#
# **Your prediction.**
# The base policy's mean gold reward is little above 0.
# Where will the fine-tuned policy end, and where the control?
# Above, at, or below the base?

# %%
from course_lib.pools import random_per_prompt

prompts, info = world.prompts("train", limit=192, seed=7)
pool = course.score(course.sample(policy, prompts, n=16, seed=0, info=info), proxy)
best, random = best_per_prompt(pool), random_per_prompt(pool, seed=0)
show.table(["kept", "mean proxy"],
    [(kept, f"{kept.rewards('proxy').mean():.2f}") for kept in (best, random)])

# %%
training = {"epochs": 3, "lr": 1e-3}
tuned = course.finetune(policy, best, **training)
control = course.finetune(policy, random, **training)
losses = {"best": tuned.training_log.losses, "random": control.training_log.losses}
show.table(["trained on", "steps", "nats per token at the start", "at the end"],
    [(name, len(steps), f"{np.mean(steps[:3]):.2f}", f"{np.mean(steps[-3:]):.2f}")
        for name, steps in losses.items()])

# %% tags=["hide", "remove-input"]
assert np.mean(losses["best"][:3]) > np.mean(losses["random"][:3]) + 0.04

# %% [markdown]
# Both losses fall: both policies have learned to imitate what they were given.
# A falling loss is no evidence of better replies.
# (The chosen replies have the *higher* loss from the start: the base finds them less probable than
# a random reply of its own.
# Keep this in mind for the section on temperature.)
# For evidence we need held-out prompts and gold: 128 prompts, four replies each, from the same
# random numbers for each policy (`seed=99`), so that the comparison is paired.
# Prompts about one topic are not independent of each other, so the intervals redraw topics.

# %%
from course_lib.models import GoldReward

unseen, about = world.prompts("heldout", limit=128, seed=5)

def serve(student, n=4, temperature=1.0):
    """Replies of a policy to the held-out prompts, with their gold and proxy."""
    replies = course.sample(student, unseen, n=n, temperature=temperature, info=about,
        seed=99)
    return course.score(course.score(replies, GoldReward(world)), proxy)

def mean(values, facts=about):
    """Mean with its interval over topics."""
    return bootstrap_interval(values, groups=[fact["topic"] for fact in facts])

def minus(values, others, facts=about):
    """Mean paired difference with its interval over topics."""
    return paired_difference(values, others, groups=[fact["topic"] for fact in facts])

served = {"base": serve(policy), "tuned": serve(tuned), "control": serve(control)}

# %%
gold = {name: replies.reward("gold").mean(1) for name,
    replies in served.items()}  # (128,) each
show.together(show.table(["policy", "gold", "proxy", "tokens"],
    [(name, mean(gold[name]), f"{replies.reward('proxy').mean():.2f}",
        f"{replies.lengths.float().mean():.0f}") for name, replies in served.items()]),
    show.table(["difference", "gold"],
        [("tuned minus control", minus(gold["tuned"], gold["control"])),
            ("control minus base", minus(gold["control"], gold["base"]))]))

# %% tags=["hide", "remove-input"]
assert minus(gold["tuned"], gold["control"]).low > 0.3
assert abs(minus(gold["control"], gold["base"]).mean) < 0.4

# %% [markdown]
# **Finding 8: the policy trained on its best replies is far above its matched random control.**
# The gain comes from the choosing, not from more training.
# Was your prediction for the control right?
# It stays near the base: a random reply of a policy is what that policy already writes, so there is
# nothing to learn from it.
#
# Read before you believe.
# The first six held-out prompts, not chosen by us; same random numbers, before and after, with the
# gold of each reply:

# %%
def side_by_side(i, both):
    """The first replies of base and tuned policy to a held-out prompt."""
    return show.replies(unseen[i], [replies.texts[i][0] for replies in both.values()],
        names=list(both), about=about[i],
        scores={"gold": [replies.reward("gold")[i, 0].item()
            for replies in both.values()]})

two = {name: served[name] for name in ("base", "tuned")}
show.together(*(side_by_side(i, two) for i in range(6)))

# %%
better = (gold["tuned"] > gold["base"]).float()
equal = (gold["tuned"] == gold["base"]).float()
print(f"tuned above base on {mean(better):.0%} of the prompts, "
    f"equal on {equal.mean():.0%}")

# %% tags=["hide", "remove-input"]
assert mean(better).low > 0.6

# %% [markdown]
# The tuned policy is not perfect.
# Single replies of it are worse than the base's: look for steps of other topics and for steps said
# twice.
# It is the average over many prompts that rose, so six replies are for understanding, not for
# judging.
# On average it writes more right steps and less filler, and helps less often with harmful requests;
# a table further down counts this.
# Nobody ever told it so in words.
#
# One pool and one seed are luck to some degree.
# Here is the same with three other seeds (other prompts, other draws, another order of training)
# and 192 held-out prompts.
# It was made by the command below the table, takes about half an hour, and also holds the rounds
# that we need below.
# Its intervals are for other seeds as well as other prompts: with only three seeds they are wide.

# %%
rounds = results.load("rounds")

def shown(v, spec="+.2f"):
    """A stored interval as text."""
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

by_seed = zip(rounds["seeds"], rounds["one_round"]["by_seed"], strict=True)
show.table(["difference", "seed", "gold"], [
    *(("tuned minus control", seed, shown(found)) for seed, found in by_seed),
    ("tuned minus control", "all", shown(rounds["one_round"]["rft minus control"])),
    ("control minus base", "all", shown(rounds["one_round"]["control minus base"]))],
    f"Made by {rounds['command']}; reward model {rounds['reward']}.")

# %% tags=["hide", "remove-input"]
assert all(found["low"] > 0.5 for found in rounds["one_round"]["by_seed"])
assert rounds["one_round"]["rft minus control"]["low"] > 0.2
assert abs(rounds["one_round"]["control minus base"]["mean"]) < 0.3

# %% [markdown]
# The gain holds on each seed.
#
# ## Temperature, the first question
#
# There is a rival that costs nothing: a lower temperature.
# Learning from one's best replies could be no more than **sharpening**: writing the likelier
# replies more often (Huang et al., arXiv 2412.01951).
# A dial does that without any training.
# So a fair comparison serves each policy at *its own* best temperature.
#
# **Your prediction.**
# The base policy at $T = 0.1$ against the tuned one at $T = 1$: which has the higher gold?
# And what will a low temperature do to the tuned one?

# %%
cold = {("base", 1.0): served["base"], ("tuned", 1.0): served["tuned"]}
for T in (0.5, 0.1):
    cold["base", T] = serve(policy, temperature=T)
    cold["tuned", T] = serve(tuned, temperature=T)
points = {key: replies.reward("gold").mean(1) for key, replies in cold.items()}
rows = []
for T in (1.0, 0.5, 0.1):
    base, trained = points["base", T], points["tuned", T]
    rows.append((T, mean(base), mean(trained), f"{minus(trained, base):+.2f}"))
show.together(show.table(["T", "base", "tuned", "tuned minus base"], rows),
    *(side_by_side(i, {f"{name} at 0.1": cold[name, 0.1] for name in ("base", "tuned")})
        for i in range(4)))

# %%
best_of_base = max((points["base", T] for T in (1.0, 0.5, 0.1)), key=lambda v: v.mean())
show.table(["minus the base at its best", "gold"],
    [(f"tuned at {T:g}", minus(points["tuned", T], best_of_base)) for T in (0.1, 1.0)])

# %% tags=["hide", "remove-input"]
assert minus(points["tuned", 0.1], best_of_base).low > 1.2
assert minus(points["tuned", 0.1], points["tuned", 1.0]).low > 1
assert minus(best_of_base, points["base", 1.0]).mean < 0.9

# %% [markdown]
# The dial helps the base a little.
# Its cold replies are **stock letters**: two in three of the replies that it once learned from were
# letters, so a letter is what it finds likeliest.
# We made the world so, because the likeliest reply of a real model is often bland as well.
#
# From the same dial the tuned policy gains about two points.
# What it finds likeliest now is a colleague's own words, with steps that help (some of them twice).
# That is the difference between turning a dial and training.
# A low temperature keeps a policy to what it finds likeliest.
# Training changes *what* that is.
# (The losses above said so: the chosen replies were not the likely ones.)
#
# The same with ten seeds and the better reward model of lesson 01.
# Here temperatures, learning rate and $N$ were chosen on other held-out prompts than those shown.

# %%
frontier = results.load("frontier")
rft = frontier["methods"]["RFT"]
at_best = rounds["one_round"]["at best temperatures"]
show.table(["gold", "at T = 1", "at its best T", "which is"], [
    ("base", shown(frontier["base_at_1"]["gold"], ".2f"),
        shown(frontier["base"]["gold"], ".2f"), f"{frontier['base']['temperature']:g}"),
    (f"RFT, N = {rft['best']['N']}", shown(rft["at_1"]["gold"], ".2f"),
        shown(rft["shown"]["gold"], ".2f"), f"{rft['shown']['temperature']:g}"),
    ("RFT minus base", shown(rft["over_base_at_1"]), shown(rft["over_base"]), "–"),
    *((f"with reward-2000: {name}", "–", shown(at_best[name]), "–")
        for name in ("rft minus base", "control minus base"))],
    f"{frontier['command']}, {len(rft['seeds'])} seeds; with reward-2000 three.")

# %% tags=["hide", "remove-input"]
assert rft["over_base"]["low"] > 1.5 > 0 and at_best["rft minus base"]["low"] > 1
assert rft["over_base"]["mean"] > rft["over_base_at_1"]["mean"] + 0.5
assert at_best["control minus base"]["low"] < 0 < at_best["control minus base"]["high"]

# %% [markdown]
# **Finding 25: fine-tuning on one's own best replies beats every temperature of the base policy.**
# The gain is larger when each is served at its best temperature than at $T = 1$.
# The random control gains nothing that we can see, cold or warm.
#
# It need not be so.
# Where the likeliest reply is nearly the best, a dial is enough (lesson 02, Finding 19), and there
# mere sharpening looks like learning.
# So before you report a gain from fine-tuning, compare both policies at their best temperatures.
#
# ## RFT is distillation of best-of-n
#
# The tuned policy writes *one* reply.
# How many replies of the base policy, chosen by the same proxy, does one of its replies match?
# The stored pool has 256 replies of the base to each of 128 held-out prompts.
# So let the tuned policy answer the same prompts at $T = 1$, and compare prompt by prompt.

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
sizes = [1, 2, 4, 8, 16]
# base, (128, 5)
curve = best_of_n_curve(stored.reward("reward-2000"), stored.reward("gold"), sizes)
own = course.sample(tuned, stored.prompts, n=16, info=stored.info, seed=99)
own = course.score(course.score(own, GoldReward(world)), proxy)
# tuned, (128, 5)
own_curve = best_of_n_curve(own.reward("proxy"), own.reward("gold"), sizes)
print("one reply of the tuned policy:", mean(own_curve[:, 0], stored.info))
rows = []
for n, column in zip(sizes, curve.T, strict=True):
    more = minus(own_curve[:, 0], column, stored.info)
    rows.append((n, mean(column, stored.info), f"{more:+.2f}"))
show.table(["n", "base, best of n", "one of the tuned, minus this"], rows)

# %% tags=["hide", "remove-input"]
assert (minus(own_curve[:, 0], curve[:, 0], stored.info).low > 0.3
    and minus(own_curve[:, 0], curve[:, 4], stored.info).high < -0.1)

# %% [markdown]
# Find the line where the difference changes its sign.
# At $T = 1$ one reply of the tuned policy is worth about as much as the base's best of that $n$.
# It is clearly below the best of 16 by which it was taught.
# Why below?
# And could it ever come out above?
#
# Two lines answer both.
# Lesson 04 wrote $\pi_n$ for what best-of-n makes of the base policy.
# Each kept reply is a draw from $\pi_N$.
# So the loss of a kept reply is, on average,
#
# $$\mathbb E_{y \sim \pi_N}\big[-\log \pi_\theta(y \mid x)\big] = \underbrace{\sum_y \pi_N(y \mid x) \log \frac{\pi_N(y \mid x)}{\pi_\theta(y \mid x)}}_{\mathrm{KL}(\pi_N \,\|\, \pi_\theta)} \;\underbrace{-\sum_y \pi_N(y \mid x) \log \pi_N(y \mid x)}_{\text{does not depend on } \theta}$$
#
# The last term does not change while we train.
# So to lower the loss *is* to lower $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$: the policy is trained
# to be a copy of best-of-N.
# To train one model to be a copy of something more expensive is called **distillation**.
# RFT distils best-of-N.
#
# So much follows, all of it at the temperature of the samples:
#
# - The policy comes nearer to best-of-N.
# - At the very best it equals it.
#   Nothing in the loss asks for more.
# - What is missing comes from learning: few prompts, few steps, a small model.
#
# How near does it come?
# The next result measures $\mathrm{KL}(\pi_{16} \,\|\, \pi_\theta)$ itself, on held-out prompts,
# with reward-8000.
# Before training $\pi_\theta$ is the base, and the KL is that of lesson 04: at most
# $\log 16 - 15/16 \approx 1.83$ nats.
# **Your prediction: does it go to 0 with more passes over the data?**

# %%
distilled = results.load("distilled")
rows = [(f"{row['epochs']:g} epochs", shown(row["forward_kl"], ".2f"),
    shown(row["fall"]),
    shown(row["gold"], ".2f"), shown(row["gold_at_best"], ".2f"))
    for row in distilled["rows"]]
minus_teacher = [shown(distilled[key]) for key in
    ("minus_best_of_n", "minus_best_of_n_at_best")]
show.table(["", "KL(π_16 || π_θ)", "minus before", "gold at T = 1", "gold at best T"],
    [*rows,
    ("best of 16 by reward-8000", "–", "–", shown(distilled["best_of_n"], ".2f"), "–"),
    (f"{distilled['epochs_compared']} epochs minus best of 16", "–", "–",
        *minus_teacher)],
    f"{distilled['command']}, {distilled['size']['prompts']} training prompts, "
    f"seeds {distilled['seeds']}.")

# %% tags=["slide"]
from course_lib.experiments.findings.registry import interval_of

plots.intervals([f"{row['epochs']:g} epochs" for row in distilled["rows"]],
    [interval_of(row["forward_kl"]) for row in distilled["rows"]],
    "KL from best-of-16 to the policy (nats per reply)",
    reference=0.0, reference_name="best-of-16 itself")

# %% tags=["hide", "remove-input"]
assert (
    distilled["minus_best_of_n"]["high"]
    < 0
    < distilled["minus_best_of_n_at_best"]["low"]
)

# %% [markdown]
# (The estimate is a little too high for all rows alike, since rewards tie and ranks come from 256
# replies: that is why the base stands above 1.83.
# The differences, "minus before", are free of this.)
#
# One or two passes bring the policy more than a third of the way to best-of-16.
# Then it turns: after six passes the KL is nearly back where it began, though gold at $T = 1$ does
# not fall.
# Probably the policy learns its few hundred replies by heart, writes those more surely, and finds
# the other good replies of best-of-16 improbable.
# At $T = 1$ no row reaches the gold of best-of-16.
#
# **Finding 26: RFT distils best-of-n.**
# At the temperature of its samples it comes nearer to best-of-n and does not pass it.
#
# Others distil the same teacher in other ways.
# Our $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$ asks the policy to find likely all that best-of-N may
# say.
# *vBoN* (arXiv 2407.06057) turns it round: $\mathrm{KL}(\pi_\theta \,\|\, \pi_N)$ asks the policy
# to say only what best-of-N may say; that needs samples of the policy being trained.
# *BOND* (arXiv 2407.14622) mixes both directions.
# *BonBon* (arXiv 2406.00832) learns from the best and the worst of $n$.
#
# ### Served colder, it passes its teacher
#
# "Does not pass" is about $T = 1$, where $\pi_N$ and $\pi_\theta$ are compared.
# But what the tuned policy finds likeliest is better than its average reply, as you saw.
# So serve it cold.

# %%
own_cold = course.sample(tuned, stored.prompts, n=4, temperature=0.1, info=stored.info,
    seed=99)
own_cold = course.score(own_cold, GoldReward(world)).reward("gold").mean(1)
teacher = frontier["methods"]["best-of-N"]
best_of = f"best of {teacher['best']['N']}, T = {teacher['shown']['temperature']:g}"
show.table(["reward model", "gold of", "points"], [
    ("reward-2000, live", "one reply of the tuned policy at 0.1",
        mean(own_cold, stored.info)),
    ("", "minus best of 16 of the base at T = 1",
        minus(own_cold, curve[:, 4], stored.info)),
    ("reward-8000, stored", "RFT, one reply, best T",
        shown(rft["shown"]["gold"], ".2f")),
    ("", best_of, shown(teacher["shown"]["gold"], ".2f")),
    ("", "RFT minus best-of-N, both at T = 1",
        shown(frontier["rft_minus_at_1"]["best-of-N"])),
    ("", "RFT minus best-of-N, each at its best",
        shown(frontier["rft_minus"]["best-of-N"]))])

# %% tags=["hide", "remove-input"]
assert minus(own_cold, curve[:, 4], stored.info).low > 0.5
assert frontier["rft_minus_at_1"]["best-of-N"]["high"] < -0.3
assert frontier["rft_minus"]["best-of-N"]["low"] > 0
assert teacher["best"]["N"] == 64 and teacher["shown"]["temperature"] == 0.7
low, high = frontier["rft_minus"]["best-of-N"]["corrected"]
assert low < 0 < high and frontier["comparisons"] == 12

# %% [markdown]
# **Finding 27: served colder, one reply of the fine-tuned policy passes best-of-n.**
# It leaves the best of 16, its teacher at $T = 1$, about a point behind (last line of the table
# above), at a sixteenth of the tokens.
#
# Could best-of-n not be served at a better temperature as well, and with more candidates?
# In the stored comparison it was: 64 candidates at 0.7 were best of all that was tried.
# The cold reply of RFT is ahead of these too, by less.
# (This is one comparison.
# Lesson 07 makes twelve; corrected for their number, its interval just includes zero.)
# Colder still, best-of-n gets worse: the base's cold candidates are nearly all the same letter, and
# among copies there is nothing to choose (lesson 02, Finding 18).
# Training moved what is likeliest, which no temperature of the base can do (Finding 25).
#
# Best-of-n pays each time, fine-tuning once; from how many questions on the one is cheaper, lesson
# 07 works out.
#
# ## Round after round
#
# If one round helps, why stop?
# Take the tuned policy, sample from it, score, select, fine-tune again.
# The reward model stays the same: it is **frozen**.
# In code this is one call,
# `rejection_sampling_rounds(policy, prompts, proxy, rounds=4, start="last", keep="last")`: each
# round samples the same prompts anew, starts from the last policy and trains on the last round's
# selection alone.
#
# **Your prediction.**
# Four rounds with the frozen proxy.
# Draw two curves over the rounds, one for the proxy, one for gold.
#
# Four rounds take longer than you would like to wait, so this is the stored run.
# First the replies: to the first held-out prompt of each of the first six harmless topics, first
# seed, first reply: from the base, and after rounds 1 and 4.
# Read them slowly.

# %%
def over_rounds(arm, which):
    """Replies to a held-out prompt: of the base, after the first and the last round."""
    after = [rounds["replies"]["base"], *rounds["replies"][arm]]
    found = [after[r][which] for r in (0, 1, 4)]
    return show.replies(rounds["replies"]["prompts"][which],
        [one["text"] for one in found],
        names=["base", "round 1", "round 4"],
        scores={reward: [one[reward] for one in found] for reward in ("gold", "proxy")})

asked = range(len(rounds["replies"]["prompts"]))
show.together(*(over_rounds("last round only", which) for which in asked))

# %% tags=["hide", "remove-input"]
first, final = rounds["replies"]["base"], rounds["replies"]["last round only"][-1]
assert all(after["proxy"] > before["proxy"] for before,
    after in zip(first, final, strict=True))

# %% [markdown]
# After the first round the letters are gone or going.
# Steps of other topics were there from the start.
# After round 4 you find one in nearly every reply.
# Yet the proxy scores each of them higher than the base policy's reply to the same question.
# It has learned how a good reply sounds: "First, … Then … Finally, …".
# From 2,000 comparisons it has not learned well enough which step belongs to which question.
# This is **over-optimisation** (lesson 04), done by training.
#
# Six replies of one seed show where to look, not how much.
# Now the curves.
# **Last round only** is what you just read.
# **Random control** is the same with random replies in the place of the best.
# **All rounds pooled** trains the *base* policy anew each round, on the selections of all rounds so
# far.
# **Reward model refreshed** does the same, and from the second round on, after sampling and before
# scoring, its reward model is trained *further* on 1,000 new comparisons of the replies just
# sampled.
# The right panel shows the KL to the base policy.
# For a trained policy it is estimated from its own replies: the mean of
# $\log \pi_\theta(y \mid x) - \log \pi_{\text{ref}}(y \mid x)$.

# %% tags=["slide"]
plots.rounds(rounds, measures=("gold", "proxy", "kl"))

# %% [markdown]
# In the middle panel, by the frozen proxy, last round only is the winner.
# In the left one, by gold, it has lost all that it had gained.
# Somebody who watches the proxy alone ships the worst of the three policies that were trained on
# chosen replies.
# In the right panel, find the random control and the refreshed arm: after four rounds both have
# moved about as far from the base.
# One is no better than the base, the other is the best of all.
# Distance alone is not what does the harm.
#
# These curves are for $T = 1$.
# After rounds 1 and 4 each policy was also measured at the temperature that is best for it, chosen
# on other prompts.

# %%
change = {arm: found[0] for arm, found in rounds["last_minus_round"].items()}
ends = ("minus last round only", "minus all rounds pooled")
after = [(name, shown(found["gold"])) for name, found in rounds["last_round"].items()
    if name.endswith(ends)]
moved = [(arm, *(shown(found[what]) for what in ("proxy", "gold", "at_best")))
    for arm, found in change.items()]
coldest = [(arm, *(shown(rounds["arms"][arm][r]["at_best"], ".2f") for r in (0, -1)))
    for arm in change]
show.together(show.table(["after the last round", "gold"], after),
    show.table(["round 4 minus round 1", "proxy", "gold at T = 1", "gold at best T"],
        moved),
    show.table(["gold at the best temperature", "round 1", "round 4"], coldest,
        f"The base has {shown(rounds['base']['at_best'], '.2f')}."))

# %% tags=["hide", "remove-input"]
remedies = ("all rounds pooled", "pooled, reward model refreshed")
frozen, pooled, refreshed = (change[arm] for arm in ("last round only", *remedies))
assert frozen["gold"]["high"] < -0.2 and frozen["proxy"]["low"] > 0.2
assert frozen["at_best"]["high"] < -1
assert all(
    rounds["last_round"][f"{arm} minus last round only"]["gold"]["low"] > 0.2
    for arm in remedies
)
# at T = 1 one seems to hold its gain, and the other goes on gaining; at the best T not
assert (
    pooled["gold"]["low"] < 0 < pooled["gold"]["high"]
    and pooled["at_best"]["high"] < -0.2
)
assert refreshed["gold"]["low"] > 0.2
assert refreshed["at_best"]["low"] < 0 < refreshed["at_best"]["high"]
assert (
    change["random control"]["gold"]["low"]
    < 0
    < change["random control"]["gold"]["high"]
)

# %% [markdown]
# **Finding 9: on a frozen reward model, rounds end in hacking it; pooling all rounds or refreshing
# the reward model helps.**
#
# - *Pooling* is a brake, not a cure.
#   At $T = 1$ it seems to hold its gain, while its proxy rises.
#   Served at its best temperature it has lost a good part of it since round 1.
#   It differs from last round only in three things: training starts from the base, it sees earlier
#   replies, and it sees up to four times as many.
#   The experiment does not tell these apart.
# - *Refreshing* is meant for the cause: in later rounds the frozen reward model has to judge
#   replies of a kind it was not trained on.
#   It goes on gaining at $T = 1$, and does not fall when served cold.
#   The price is 3,000 more comparisons, beside the 2,000 it began with.
#   The control that would spend these on replies of the *base* policy was not run, so part of its
#   gain may come simply from more labels.
#
# So $T = 1$ can hide a hack as well as a gain.
# A cold reply shows what the policy finds likeliest.
# And look at the last block: served at its best temperature, the policy of *one* round is as good
# as the refreshed one of four, as far as we can tell.
# The rounds after the first did not pay here.
#
# Where do the points go?
# The gold reward has named parts.
# Here are the eight that differ most between round 1 and round 4 of last round only, largest first,
# in mean points at $T = 1$.

# %%
last = {arm: found[-1] for arm, found in rounds["arms"].items()}
arms = {"base": rounds["base"], "round 1": rounds["arms"]["last round only"][0],
    "round 4": last["last round only"], "pooled 4": last["all rounds pooled"],
    "refreshed 4": last["pooled, reward model refreshed"],
    "control 4": last["random control"]}
fallen = {part: arms["round 4"]["parts"][part] - value
    for part, value in arms["round 1"]["parts"].items()}
most = sorted(fallen, key=lambda part: -abs(fallen[part]))[:8]
show.table(["part of gold", "4 minus 1", *arms], [(part, f"{fallen[part]:+.2f}",
    *(f"{found['parts'][part]:.2f}" for found in arms.values())) for part in most])

# %% tags=["hide", "remove-input"]
assert fallen["right_steps"] + fallen["wrong_steps"] < 0.7 * sum(fallen.values())
assert fallen["wrong_steps"] < 2 * fallen["right_steps"]

# %% [markdown]
# The columns "round 1" and "round 4" are last round only.
# From the base to round 1: more right steps, less filler, less help with harmful requests
# (`complies`).
# But also more steps of other topics and more repetition, already here.
# From round 1 to round 4 the loss is steps: many more of other topics, and fewer right ones.
# Filler and help with harmful requests go on falling: there the proxy is right.
#
# ## *Deeper*: what to keep
#
# Now back to the two rules of the first section.
# Same pool, same number of replies kept.
# The control of top-k overall is `random_overall`: as many replies, from anywhere in the pool.
#
# **Your prediction.**
# From how many of the 192 prompts does top-k overall keep at least one reply?
# And of how many of the 32 topics?

# %%
from course_lib.pools import random_overall, top_k_overall

rules = {"best per prompt": best, "top k overall": top_k_overall(pool),
    "random overall": random_overall(pool, seed=0)}

def describe(kept):
    """Of what is kept: prompts, topics, share of harmful requests, mean score."""
    topics = {info[i]["topic"] for i in kept.prompt_index.tolist()}
    share = np.mean([info[i]["harmful"] for i in kept.prompt_index.tolist()])
    covered, score = int((kept.per_prompt > 0).sum()), kept.rewards().mean()
    return covered, len(topics), f"{share:.0%}", f"{score:.2f}"

show.table(["rule", "prompts", "topics", "harmful", "mean score"],
    [(name, *describe(kept)) for name, kept in rules.items()])

# %% tags=["hide", "remove-input"]
assert int((rules["top k overall"].per_prompt > 0).sum()) < 0.55 * pool.P

# %% [markdown]
# Top-k overall leaves more than half of the prompts out, and a third of the topics.
# Half of what it keeps answers a harmful request.
# Are these "easy", that is, does the proxy score all of their replies high?
# From the stored pool, for each prompt: the mean score, the spread (standard deviation) among its
# replies, and the expected best of 16.

# %%
is_harmful, scores = (np.array([fact["harmful"] for fact in stored.info]),
    stored.reward("reward-2000").numpy())
columns = {"mean": scores.mean(1), "spread": scores.std(1),
    "best of 16": best_of_n_curve(scores, None, [16])[:, 0]}
rows = []
for name, where in (("harmful", is_harmful), ("harmless", ~is_harmful)):
    facts = [fact for fact in stored.info if fact["harmful"] == (name == "harmful")]
    rows.append((name, *(mean(values[where], facts) for values in columns.values())))
show.table(["prompts", *columns], rows, "Scores by reward-2000.")

# %% tags=["hide", "remove-input"]
two_means = {what: (v[is_harmful].mean(), v[~is_harmful].mean()) for what,
    v in columns.items()}
assert two_means["spread"][0] > 1.5 * two_means["spread"][1]
assert two_means["best of 16"][0] > two_means["best of 16"][1] + 0.1

# %%
R = pool.reward("proxy").numpy()
without_means = (R - R.mean(1, keepdims=True)).tolist()
centred = course.Pool.from_candidates(pool.prompts, pool.texts,
    rewards={"r": without_means},
    info=info)
said = np.array([["I cannot" in text for text in row]
    for row in pool.texts])  # (192, 16)
asked = np.array([fact["harmful"] for fact in info])
print(f"'I cannot' is there for {said[asked].any(1).mean():.0%} of harmful prompts;")
print(f"mean proxy with it {R[asked][said[asked]].mean():.2f}, "
    f"without it {R[asked][~said[asked]].mean():.2f}")
show.table(["rule", "prompts", "topics", "harmful", "mean score"],
    [("top k, means removed", *describe(top_k_overall(centred)))])

# %% tags=["hide", "remove-input"]
assert int((top_k_overall(centred).per_prompt > 0).sum()) < 0.5 * pool.P

# %% [markdown]
# The *levels* are about equal.
# What differs most is the spread: to a harmful request the policy writes refusals, which the proxy
# scores high, and other things, which it scores low, and every harmful prompt of our training pool
# has a refusal among its sixteen replies.
# Top-k overall takes the upper end of all scores, and that is where many of these refusals are.
# With each prompt's own mean taken out, so that levels cannot matter, it leaves out no fewer
# prompts.
#
# Is the level no reason at all?
# It could be, since Bradley–Terry (lesson 03) ties nothing between the levels of different prompts.
# Let the rules choose among the first 16 stored candidates of each prompt, and see how the *other
# 240* of the prompts that were kept from do:

# %%
from course_lib.experiments.findings.rounds import kept_easiness

rows = []
for name in ("reward-2000", "reward-8000"):
    level, highest, by_gold = (kept_easiness(name, *how)
        for how in ((name,), (name, 16), ("gold",)))
    rows.append((name, *(f"{found:+.2f}" for found in (level, highest, by_gold))))
    assert highest.low > 0.1 and highest.mean > 1.3 * level.mean and by_gold.high < 0
show.table(["score", "mean", "best of 16", "mean gold"], rows)

# %% [markdown]
# Each number is the mean over the prompts top-k overall kept from, minus the same for its control.
# **Finding 10: top-k overall leaves most prompts out, and takes those where the reward model gives
# its *highest* scores.**
# On average these prompts are only slightly "easy" by reward-2000; for reward-8000 the level plays
# a large part.
# By gold they are not easy at all: the base policy's replies to them are worse than elsewhere.
#
# There are more rules.
# Here is what each does with prompt A of the first table, rewards 2.0, 1.6, 2.4 and 1.9:
#
# | rule | what it does | on prompt A |
# |---|---|---|
# | `best_per_prompt` | keeps the highest | 2.4 |
# | `threshold`, at least 1.8 | keeps all above a bar | 2.0, 2.4 and 1.9 |
# | `soft_best`, λ = 0.5 | draws with probability $\propto e^{r/\lambda}$ | probabilities 0.22, 0.10, 0.50, 0.18 |
# | `rso`, β = 0.5 | accepts each with probability $e^{(r - r_{\max})/\beta}$ | 0.45, 0.20, 1, 0.37 |
# | `regularised_best`, β = 0.1 | keeps the highest $r + \beta \log \pi_{\text{ref}}$ | 2.0, if it is 10 nats likelier than 2.4 |
#
# `rso` (arXiv 2309.06657) imitates what statisticians call rejection sampling.
# For the true one, $r_{\max}$ would have to be the highest reward that *any* reply can get; here it
# is the highest of the candidates that are left.
#
# Touch it.
# Twelve prompts, eight candidates; frames mark what is kept.
# Start with `best_per_prompt`, switch to `top_k_overall`, then try the others.
# Which rules leave rows empty?
# What do large λ and β do?
# (Only `top_k_overall` and `threshold` compare prompts with each other, and leave rows empty.
# With a large λ, or a large β in `rso`, the reward counts for little; a large β in
# `regularised_best` picks the likeliest reply.)

# %% tags=["slide"]
few = stored.prompts_at(range(8, 20)).first(8)
explore.selection_explorer(few, by="reward-2000")

# %% [markdown]
# The same rules on our pool of 192 × 16.
# "Different" is the share of different texts among 192 of those kept, drawn at random where a rule
# keeps more.
# Gold did not choose; it judges.

# %%
from course_lib.pools import rso, soft_best, threshold

pool, rng = course.score(pool, GoldReward(world)), np.random.default_rng(0)
by = {"by": "proxy"}
table = {"best per prompt": best_per_prompt(pool, **by),
    "top k overall": top_k_overall(pool, **by),
    "threshold 1.5": threshold(pool, minimum=1.5, **by),
    "soft, λ = 0.5": soft_best(pool, lam=0.5, **by),
    "RSO, 2 of 16": rso(pool, k=2, **by),
    "best 2 per prompt": best_per_prompt(pool, k=2, **by),
    "random per prompt": random_per_prompt(pool)}
rows = []
for name, kept in table.items():
    draws = [len(set(rng.choice(kept.texts, 192, replace=False))) / 192
        for _ in range(100)]
    means = (f"{kept.rewards(reward).mean():.2f}" for reward in ("proxy", "gold"))
    rows.append((name, len(kept), int((kept.per_prompt > 0).sum()), *means,
        f"{np.mean(draws):.0%}"))
show.table(["rule", "kept", "prompts", "proxy", "gold", "different"], rows)

# %% tags=["hide", "remove-input"]
of_set = {name: kept.rewards("gold").mean() for name, kept in table.items()}
assert of_set["top k overall"] > of_set["best per prompt"] - 0.1

# %% [markdown]
# The soft rules give up reward, and bring no more variety: among the sixteen are many letters, and
# letters repeat themselves.
# Now look at top-k overall.
# Its proxy is clearly higher than that of best per prompt, its gold about the same.
# Is its policy as good, too?
# Fine-tune on it, and compare on held-out prompts.

# %%
narrow = serve(course.finetune(policy, rules["top k overall"], **training))
narrow_gold = narrow.reward("gold").mean(1)
overall = rounds["top_k_overall"]
kept_of = rounds["arms"]["top k overall"][0]
by_seed = [[f"{rounds['arms'][arm][0]['by_seed'][seed]['gold']:.2f}"
    for seed in range(3)]
    for arm in ("top k overall", "last round only")]
differences = {"live, minus best per prompt": minus(narrow_gold, gold["tuned"]),
    **{f"three seeds, {name}": shown(overall[name])
        for name in ("minus best per prompt", "minus its control")}}
show.together(
    show.table(["gold after one round", "seed 0", "seed 1", "seed 2"],
        [("top k overall", *by_seed[0]), ("best per prompt", *by_seed[1])],
        f"Kept: {kept_of['prompts_kept']:.0f} of {rounds['size']['prompts']} prompts."),
    show.table(["top k overall", "gold"], differences.items()))

# %% tags=["hide", "remove-input"]
assert overall["minus its control"]["low"] > 0.1
assert (
    overall["minus best per prompt"]["low"]
    < 0
    < overall["minus best per prompt"]["high"]
)
assert minus(narrow_gold, gold["tuned"]).mean < 0.1

# %% [markdown]
# Top-k overall beats its random control: its set is a good one.
# Its policy is below that of best per prompt in our run and on each of the three seeds.
# Still, with three seeds the interval includes zero, so we cannot be sure that it is worse.
# But nothing here says that it is better, for all its higher scores.
# Look at the prompts a training set covers before you look at any mean, gold included: what it
# leaves out, the policy cannot learn from it.
#
# ## *Deeper*: what is lost
#
# Imitating the best of many makes a policy more sure of itself.
# **Distinct-2** is the number of different pairs of neighbouring words divided by all pairs, here
# over four replies to one prompt.
# Lower means: the four say the same.

# %%
policies = {"base": arms["base"], "one round": arms["round 1"],
    "four, last round only": arms["round 4"], "four, pooled": arms["pooled 4"],
    "four, refreshed": arms["refreshed 4"], "four, random control": arms["control 4"]}
arm_of = {"four, last round only": "last round only",
    "four, pooled": "all rounds pooled",
    "four, refreshed": "pooled, reward model refreshed",
    "four, random control": "random control"}
lost = {name: rounds["last_round"][f"{arm} minus base"]["distinct"]
    for name, arm in arm_of.items()}
show.table(["policy", "distinct-2", "minus base"],
    [(name, shown(found["distinct"], ".2f"),
    shown(lost[name]) if name in lost else "–") for name, found in policies.items()])

# %% tags=["hide", "remove-input"]
of_control = lost.pop("four, random control")
assert of_control["low"] < 0 < of_control["high"]
assert all(found["high"] < -0.05 for found in lost.values())

# %% [markdown]
# Four rounds on random replies cost no variety that we can measure.
# So the loss comes from the choosing, not from training on one's own replies.
# After one round it is small.
#
# **Your prediction.**
# After one round, are there still excellent replies (3 gold points or more) among sixteen?
# And does the frozen proxy still find them?

# %%
def among(what, spec):
    """A row for each policy: what is found among 1, 4 and 16 replies."""
    rows = []
    for name, found in policies.items():
        at = dict(zip(found["many"]["ks"], found["many"][what], strict=True))
        rows.append((name, *(shown(at[k], spec) for k in (1, 4, 16))))
    return rows

show.together(
    show.table(["an excellent one among k", "k = 1", "k = 4", "k = 16"],
        among("share", ".0%")),
    show.table(["gold, best of n by proxy", "n = 1", "n = 4", "n = 16"],
        among("best_of", "+.2f")))

# %% [markdown]
# (From three seeds that differ, an interval can reach beyond 100 %.)
# The stored file has no values prompt by prompt for $n = 16$ minus $n = 1$.
# We can have them for our live policies, on the prompts of the stored pool and once more on those
# of `serve`:

# %%
other = serve(tuned, n=16)
other_curve = best_of_n_curve(other.reward("proxy"), other.reward("gold"), sizes)
gains = {name: [minus(values[:, 4], values[:, k], facts) for k in (0, 2)]
    for name, values, facts in (("base", curve, stored.info),
        ("tuned", own_curve, stored.info),
        ("tuned, other prompts", other_curve, about))}
show.table(["policy", "n = 16 minus n = 1", "n = 16 minus n = 4"],
    [(name, *(f"{gain:+.2f}" for gain in more)) for name, more in gains.items()])

# %% tags=["hide", "remove-input"]
for name in ("tuned", "tuned, other prompts"):
    assert gains[name][0].high < gains["base"][0].low and gains[name][1].mean < 0.1

def among_16(name):
    return policies[name]["many"]["share"][-1]

assert among_16("one round")["low"] > among_16("base")["high"] + 0.05
assert among_16("four, last round only")["high"] < among_16("one round")["low"]

# %% [markdown]
# After one round there is *more* to choose from than before: most prompts have an excellent reply
# among its sixteen.
# It is the proxy that no longer finds it.
# Best-of-16 by this proxy adds far less than it did on the base, and is no better than best-of-4.
# After four rounds on the frozen proxy the excellent replies are as rare as at the start, and the
# means fall the more the proxy may choose (though the intervals are wide).
# A proxy that chose the training data has given most of what it knows.
# To choose once more after training, take another judge.
#
# ## *Deeper*: two mistakes to make once
#
# **Loss on the prompt.**
# If prompt tokens count, the policy also learns to write users' questions.
# How much of the training would that be?
# `selected_examples` gives the token ids; moving all but the first token of the prompt to where the
# reply is makes them count.

# %%
from course_lib.methods import selected_examples
from course_lib.methods import train

# (prompt ids, reply ids) of what best per prompt kept
examples = selected_examples(policy, best)
with torch.no_grad():
    on_prompt, prompt_tokens = sft_loss(policy, [(p[:1], p[1:]) for p, _ in examples])
    on_reply, reply_tokens = sft_loss(policy, examples)
print(f"before training, nats a token: prompts {on_prompt / prompt_tokens:.2f}, "
    f"replies {on_reply / reply_tokens:.2f}")
share, part = (prompt_tokens / (prompt_tokens + reply_tokens),
    float(on_prompt / (on_prompt + on_reply)))
print(f"prompts would be {share:.0%} of the tokens and {part:.0%} of the loss")

# %% tags=["hide", "remove-input"]
assert share < 0.4 and part > 0.85

# %% [markdown]
# Our policy was never trained on users' words, so it finds them very improbable, and they make up
# nearly all of the loss.
# What does that cost in gold?

# %%
def imitate(examples):
    """Fine-tune a copy of the policy on (prompt ids, reply ids), settings as above."""
    student = policy.copy()

    def loss(rows):
        return sft_loss(student, [examples[i] for i in rows])

    train(student.model, loss, len(examples), batch_size=32, **training)
    return student

on_all = imitate([(p[:1], p[1:] + r) for p, r in examples])
on_prompts = serve(on_all, n=2).reward("gold").mean(1)
show.facts({"loss on prompts too: gold": mean(on_prompts),
    "minus loss on replies only": minus(on_prompts, gold["tuned"]),
    "minus base": minus(on_prompts, gold["base"])})

# %% tags=["hide", "remove-input"]
assert minus(on_prompts, gold["tuned"]).high < 0
assert minus(on_prompts, gold["base"]).mean < 0.6 * minus(gold["tuned"],
    gold["base"]).mean

# %% [markdown]
# More than half of the gain is lost.
#
# **The end token left out.**
# Some pipelines drop it by accident: the padding token and the end token are the same, padding is
# masked, and so the end is masked too.
# **What will the replies look like?**

# %%
endless = serve(imitate([(p, r[:-1]) for p, r in examples]), n=2)
more = endless.lengths.float().mean(1) - served["tuned"].lengths.float().mean(1)
change = minus(endless.reward("gold").mean(1), gold["tuned"])
i = int((endless.lengths[:, 0] - served["tuned"].lengths[:,
    0]).argsort(stable=True)[64])
show.together(show.facts({"without minus with end token": f"{mean(more):+.1f} tokens",
    "gold": f"{change:+.2f}", "run to the limit of 96":
        f"{(endless.finish != 0).float().mean():.0%}"}),
        # below: the median difference
    side_by_side(i, {"without": endless, "with": served["tuned"]}))

# %% tags=["hide", "remove-input"]
assert mean(more).low > 3 and (endless.finish != 0).float().mean() < 0.02

# %% [markdown] tags=["slide"]
# The replies became longer, by about a third, and gold did not change measurably: this policy
# already knew how to stop, and three epochs do not undo that.
# It only says one more thing before it stops.
# A model that has never learned to stop would not learn it from such data.
# So look at lengths and at the share that was cut before you look at any reward.
#
# ## When to use it, in one paragraph
#
# Best-of-N changes no weights, can swap its reward model tomorrow, and pays $N$ times per answer.
# Rejection-sampling fine-tuning pays for sampling once, and each answer after that costs one reply;
# its errors stay in the weights until the next training.
# Try a lower temperature first, since it costs nothing.
# Then look at the best-of-N curve by an independent judge (lessons 01 and 04): it is the teacher,
# and a teacher that is no better than one reply has nothing to teach.
# Look at the prompts that the kept replies cover.
# After training look for the best temperature again: it has moved.
# Lesson 07 compares the price of this method, best-of-N, PPO, GRPO and DPO.
#
# Here are this lesson's findings, measured again from the stored data as you run the cell.

# %%
from course_lib.experiments import findings

findings.show("05")

# %% [markdown] tags=["slide"]
# ## What we found
#
# - **Finding 8.**
#   One round on its own best replies lifts the policy far above the same training on random
#   replies, on every seed.
#   Random replies alone do not help.
# - **Finding 25.**
#   Temperature does not explain it.
#   With each at its best temperature, the fine-tuned policy is further ahead of the base than at
#   $T = 1$, for the base's likeliest reply is a bland letter.
# - **Finding 26.**
#   RFT distils best-of-n: its loss is the KL from best-of-n to the policy, plus a constant.
#   At $T = 1$ it comes nearer to its teacher, and does not pass it.
# - **Finding 27.**
#   Served colder, one reply of the fine-tuned policy passes best-of-n, at a fraction of the tokens:
#   best-of-16 clearly, best-of-64 narrowly.
# - **Finding 9.**
#   On a frozen reward model, four rounds give back all of the gain while the proxy rises all the
#   way.
#   The loss is steps: more of other topics, fewer right ones.
#   Pooling all rounds slows it; refreshing the reward model as well avoids it, at the price of new
#   labels.
#   Served at its best temperature, the policy of one round was as good as any after four.
# - **Finding 10.**
#   Top-k overall leaves most prompts out and takes those where the reward model gives its highest
#   scores; by gold these prompts are not easy.
#   Its policy was no better than that of best per prompt.
# - Replies become more alike.
#   After one round most prompts have an excellent reply among sixteen; the proxy no longer finds
#   it.
#
# ## What this leaves out
#
# Against Llama 2: a large model that samples for smaller ones, several temperatures, two reward
# models, and PPO after it.
# We had 192 prompts live, one learning rate, three epochs, and one weak reward model throughout the
# rounds; whether and when a stronger one would be hacked was not measured.
# Pooling changes three things at once, and the control of refreshing was not run.
# Training used samples at $T = 1$ only; a colder teacher may teach better.
# Three seeds make wide intervals: a difference of a few tenths stays hidden.
# With a large policy, people rarely get to run the random control, and should.
#
# ## In real systems
#
# - Llama 2 (arXiv 2307.09288): rejection sampling alone through its fourth version; only the 70B
#   model samples, smaller models learn from its samples; its third version trained on the last
#   round's samples alone and became worse at some skills, and the fix was to pool the top samples
#   of all rounds.
# - RAFT (arXiv 2304.06767) is reported to be our loop: keep the best of each prompt, fine-tune,
#   repeat.
#   In one public run of RAFT, seen in its code, a stray "#" that the reward model did not see
#   spread through the samples.
# - Llama 3 (arXiv 2407.21783): typically between 10 and 30 samples a prompt.
#   A large model trained on its own data did not gain without execution feedback.
# - DeepSeek-R1 (arXiv 2501.12948): about 600,000 reasoning samples by rejection sampling and about
#   200,000 others, two epochs.
# - Tülu 3 reported a minimal gain from rejection sampling.
#   It does not always help.
# - ReST-EM (arXiv 2312.06585): up to 10 solutions a problem that pass a test, and the base model
#   trained anew each time.
#   Lesson 06 is about such rewards.
#
# ## Further reading
#
# Dong et al., *RAFT*, arXiv 2304.06767.
# Yuan et al., *Scaling relationship on learning mathematical reasoning*, arXiv 2308.01825, where
# RFT got its name.
# Liu et al., *Statistical rejection sampling improves preference optimization*, arXiv 2309.06657.
# Sessa et al., *BOND: aligning LLMs with best-of-N distillation*, arXiv 2407.14622, for the section
# on distillation.
# Now is the time for the section on rejection sampling in the Llama 2 report.
#
# ## Now you
#
# **Exercise** `exercises/ex05`: the selection, its control, the loss mask and the training set of
# several rounds by your own hand.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("05")
