# %% [markdown] tags=["slide"]
# # Rejection-sampling fine-tuning: learn from your own best replies
#
# **You will:** train the policy on its own best replies, compare it with a fair control and a
# colder base, see why it copies best-of-n, and watch a frozen reward model being hacked.
#
# **Builds on:** lesson 01 (best-of-n), lesson 02 (temperature), lesson 03 (reward models),
# lesson 04 (over-optimisation, KL).
#
# **Time:** 35 minutes, and 35 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Pay once instead of each time
#
# The next cells train the assistant on replies that it has written itself.
# Below them stand two questions it was never trained on, answered before and after, at $T = 0.1$.

# %% tags=["hide"]
import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import drawings, plots, quiz, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference
from course_lib.models import GoldReward
from course_lib.pools import best_per_prompt, random_per_prompt

# %% tags=["slide"]
policy = course.load_policy(assets.path("helpdesk/policy"))
reward = course.load_reward_model(assets.path("helpdesk/reward-2000"), "reward-2000")
world = course.load_world("helpdesk")
prompts, info = world.prompts("train", limit=192, seed=7)

pool = course.sample(policy, prompts, n=16, seed=0, info=info)  # sample
pool = course.score(pool, reward)  # score
best = best_per_prompt(pool)  # select
tuned = course.finetune(policy, best, epochs=3, lr=1e-3)  # fine-tune

# %% tags=["hide"]
# 128 held-out prompts with 256 stored replies of the base policy to each
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))

def serve(student, T=1.0, n=4):
    """Replies of a policy to the held-out prompts, with gold and score."""
    replies = course.sample(student, stored.prompts, n=n, temperature=T,
        info=stored.info, seed=99)
    return course.score(course.score(replies, GoldReward(world)), reward)

def before_and_after(i, first, second, names=("before", "after")):
    """The first reply of each of two pools to a held-out prompt, with its gold."""
    both = (first, second)
    golds = [one.reward("gold")[i, 0].item() for one in both]
    return show.replies(stored.prompts[i], [one.texts[i][0] for one in both], names,
        {"gold": golds}, about=stored.info[i])

# %% tags=["slide"]
cold_base, cold_tuned = serve(policy, T=0.1), serve(tuned, T=0.1)
show.together(*(before_and_after(i, cold_base, cold_tuned) for i in (3, 2)))

# %% tags=["hide", "remove-input"]
for i in (3, 2):
    assert cold_tuned.reward("gold")[i, 0] > cold_base.reward("gold")[i, 0] + 2

# %% [markdown] tags=["slide"]
# We picked two clear cases; the average comes further down.
#
# Best-of-n gives better replies too, but pays for $n$ of them at every question, for ever.
# The idea of this lesson: choose once, for many questions, and *train* the policy on the winners.
# Afterwards it should write such replies at the first attempt.
#
# 1. **Sample** $N$ candidates for each training prompt $x$.
# 2. **Score** each of them with the reward model.
# 3. **Select** the best of each prompt, so no prompt is left out, and reject the other replies.
#    That rejection gave the method its name: rejection-sampling fine-tuning, **RFT**.
# 4. **Fine-tune** the policy on what was kept, as if a person had written it.
# 5. **Judge** it on other prompts, with a judge that did not choose.

# %% [markdown] tags=["slide"]
# Steps 1 to 3 are best-of-n.
# Step 4 is plain supervised fine-tuning, SFT: the training that made the assistant in the first
# place, on new data.
# We write $\pi_\theta$ for the policy being trained.
#
# So a good reward model improves a policy **by data**: it decides which replies are trained on.
# No gradient passes through it, and the trained policy answers without it.
#
# ## On paper: which tokens count
#
# Step 4 makes a reply more probable, token by token.
# Which tokens?

# %% tags=["slide"]
drawings.loss_mask()

# %% [markdown] tags=["slide"]
# **Prompt tokens do not count.**
# The policy should learn to answer questions, not to write them.
# **The end token counts.**
# It is how the policy learns to stop.
#
# The loss of a token is $-\log p$ nats, where $p$ is the probability that the policy gives to it.
# Say the reply is "good morning" and its end token, with probabilities 0.5, 0.25 and 0.8.
# Take a pencil: **what is the loss of the reply, and what its mean over the three tokens?**

# %% tags=["nbval-check-output", "answer"]
p = torch.tensor([0.5, 0.25, 0.8])
loss = -p.log().sum().item()
show.facts({"loss of the reply": f"{loss:.2f} nats", "mean": f"{loss / 3:.2f} nats"})

# %% [markdown]
# The loss over all kept pairs, with $|y|$ the number of tokens of a reply, $y_t$ its token at place
# $t$ and
# $y_{<t}$ those before it:
#
# $$\mathcal L(\theta) = -\frac{\sum_{(x,\, y)\ \text{kept}} \sum_{t=1}^{|y|} \log \pi_\theta(y_t \mid x, y_{<t})}{\sum_{(x,\, y)\ \text{kept}} |y|}$$

# %% [markdown] tags=["slide"]
# ## The loop, live
#
# The four lines at the top did steps 1 to 4: 192 prompts, 16 candidates each.
# The reward model is *reward-2000*, trained on 2,000 comparisons: good enough to help, and weak
# enough to be hacked.
#
# Would *any* replies of its own have done the same?
# A **control** is trained in the same way, on as many replies to the same prompts, drawn at random
# from the sixteen.
# What separates the two is the choosing.

# %%
random = random_per_prompt(pool, seed=0)
control = course.finetune(policy, random, epochs=3, lr=1e-3)

# %% [markdown] tags=["slide"]
# A rival costs nothing: a lower temperature.
# Perhaps the policy only learns to write its likely replies more often: a dial does that without
# training.
# So each is judged at $T = 1$ and at $T = 0.1$.
# Of five temperatures tried on other prompts, 0.1 was best for base and tuned policy.
#
# **Your prediction.**
# At its best temperature the base has a mean gold reward of about 0.4 on held-out prompts.
# What does the tuned policy reach?
# And will the control end above the base, at it, or below?

# %% tags=["hide"]
quiz.predict("05-tuned",
    "Mean gold of one reply of the tuned policy, at its best temperature?",
    low=-1, high=4, step=0.1, unit="points")

# %% tags=["hide"]
# prompts of one topic are not independent of each other
topics = [about["topic"] for about in stored.info]

def mean(values):
    """Mean over the held-out prompts, with its interval over topics."""
    return bootstrap_interval(values, groups=topics)

def minus(values, others):
    """Mean paired difference, with its interval over topics."""
    return paired_difference(values, others, groups=topics)

def gold(replies):
    """Gold of each prompt's replies, (128,)."""
    return replies.reward("gold").mean(1)

# %% tags=["slide", "answer"]
students = {"base": policy, "random control": control, "tuned on its best": tuned}
warm = {name: serve(student) for name, student in students.items()}
cold = {"base": cold_base, "random control": serve(control, T=0.1),
    "tuned on its best": cold_tuned}
plots.dumbbells(list(students), {
    "T = 1": [mean(gold(replies)) for replies in warm.values()],
    "T = 0.1": [mean(gold(replies)) for replies in cold.values()]},
    "gold reward of one reply (points)").guessed("05-tuned", axis="x")

# %% tags=["hide", "remove-input"]
after = "tuned on its best"
assert minus(gold(warm[after]), gold(warm["random control"])).low > 0.3
assert minus(gold(cold[after]), gold(cold["base"])).low > 1.2
for T in (warm, cold):
    change = minus(gold(T["random control"]), gold(T["base"]))
    assert change.low < 0 < change.high and abs(change.mean) < 0.4
assert 0.1 < gold(cold["base"]).mean() < 0.7
assert 1.2 < gold(cold[after]).mean() - gold(warm[after]).mean() < 2.7
for student in (tuned, control):
    steps = student.training_log.losses
    assert np.mean(steps[-3:]) < np.mean(steps[:3]) - 0.03
of_base, of_tuned = (results.load("rounds")[key] for key in ("base", "arms"))
for found in (of_base, of_tuned["last round only"][0]):
    assert set(found["best_temperatures"]) == {0.1}
assert len(results.load("frontier")["temperatures"]) == 5

# %% [markdown] tags=["slide"]
# **Finding 5.1: fine-tuning on one's own best replies beats the same training on random ones.**
# The control stays where the base is.
# A random reply of a policy is what it writes anyway, so there is nothing to learn from it.
# The control's loss fell all the same: a falling loss is no evidence of better replies.
#
# **Finding 5.2: fine-tuning on one's own best replies beats every temperature of the base policy.**
# The dial does little for the base, whose likeliest reply is a bland letter.
# It gives the tuned policy about two points.
# A low temperature keeps a policy to what it finds likeliest.
# Training changes *what* that is.
#
# One seed is luck to some degree.
# The same with other seeds, and in the last row with the better reward-8000:

# %%
rounds, frontier = results.load("rounds"), results.load("frontier")
rft = frontier["methods"]["RFT"]

def shown(v, spec="+.2f"):
    """A stored interval as text."""
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

one_round = rounds["one_round"]
show.table(["difference in gold", "chosen by", "seeds", "points"], [
    ("tuned minus control, T = 1", "reward-2000", len(rounds["seeds"]),
        shown(one_round["rft minus control"])),
    ("tuned minus base, each at its best T", "reward-2000", len(rounds["seeds"]),
        shown(one_round["at best temperatures"]["rft minus base"])),
    ("tuned minus base, each at its best T", "reward-8000", len(rft["seeds"]),
        shown(rft["over_base"]))])

# %% tags=["hide", "remove-input"]
assert all(found["low"] > 0.5 for found in one_round["by_seed"])
assert one_round["rft minus control"]["low"] > 0.2
for found in (rft["over_base"], one_round["at best temperatures"]["rft minus base"]):
    assert found["low"] > 1

# %% [markdown]
# Read before you believe, at $T = 1$: a question at the lower quarter of all gains, one in the
# middle, one at the upper quarter.

# %%
first = {name: replies.reward("gold")[:, 0] for name, replies in warm.items()}
order = (first["tuned on its best"] - first["base"]).argsort(stable=True).tolist()
show.together(*(before_and_after(i, warm["base"], warm["tuned on its best"])
    for i in (order[32], order[64], order[96])))

# %% tags=["hide", "remove-input"]
def parts(replies):
    """Mean points of each named part of the gold reward."""
    found = [world.gold_parts(replies.prompts[i], text, replies.info[i])
        for i, row in enumerate(replies.texts) for text in row]
    return {part: np.mean([one[part] for one in found]) for part in found[0]}

part_of = {"before": parts(warm["base"]), "after": parts(warm[after]),
    "cold": parts(cold[after])}
assert part_of["after"]["right_steps"] > 1.4 * part_of["before"]["right_steps"]
assert abs(part_of["after"]["filler"]) < 0.6 * abs(part_of["before"]["filler"])
assert abs(part_of["after"]["complies"]) < 0.7 * abs(part_of["before"]["complies"])
assert part_of["after"]["wrong_steps"] < part_of["before"]["wrong_steps"]
assert part_of["after"]["repetition"] < part_of["before"]["repetition"]
steps = {when: part_of[when]["right_steps"] + abs(part_of[when]["wrong_steps"]) / 0.75
    for when in ("before", "after")}
assert steps["after"] > 1.4 * steps["before"]

# %% [markdown]
# On average the tuned policy writes more steps of every kind: far more right ones, and some more of
# other topics or said twice.
# It writes much less filler, and helps less with harmful requests.
# Nobody told it so in words.

# %% [markdown]
# ## Deeper: What to keep

# %% [markdown]
# Five prompts, four candidates each, a reward matrix as in lesson 01.
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
# **Which five replies does each rule keep, and which set has the higher mean reward?**

# %% tags=["nbval-check-output", "answer"]
from course_lib.pools import top_k_overall

R = [[2.0, 1.6, 2.4, 1.9], [0.3, -0.2, 0.1, 0.9], [-1.0, -1.4, -0.6, -2.0],
     [0.5, 1.1, 1.1, -0.4], [2.2, 1.0, -0.5, 1.8]]
named = [[f"{prompt}{j}" for j in range(4)] for prompt in "ABCDE"]
paper = course.Pool.from_candidates(list("ABCDE"), named, rewards={"r": R})
both = best_per_prompt(paper), top_k_overall(paper, k=5)
show.table(["rule", "keeps", "of each prompt", "mean reward"],
    [(kept.rule, " ".join(kept.texts), " ".join(map(str, kept.per_prompt.tolist())),
        f"{kept.rewards().mean():.2f}") for kept in both])

# %% [markdown]
# Top-k overall has the higher mean and has thrown away three of five questions.
# Best per prompt keeps a reply with −0.6, the best there was for C.
#
# There are more rules.
# Here is what each does with prompt A:
#
# | rule | what it does | on A: 2.0, 1.6, 2.4, 1.9 |
# |---|---|---|
# | `best_per_prompt` | keeps the highest | 2.4 |
# | `threshold`, at least 1.8 | keeps all above a bar | 2.0, 2.4 and 1.9 |
# | `soft_best`, λ = 0.5 | draws with probability $\propto e^{r/\lambda}$ | 2.4 with probability 0.50 |
# | `rso`, β = 0.5 | accepts each with probability $e^{(r - r_{\max})/\beta}$ | 2.0 with probability 0.45 |
# | `regularised_best`, β = 0.1 | keeps the highest $r + \beta \log \pi_{\text{ref}}$ | 2.0, if that is more than 4 nats likelier than 2.4 |
#
# $\pi_{\text{ref}}$ is the base policy.
# `rso` (arXiv 2309.06657) imitates what statisticians call rejection sampling.
# For the true one, $r_{\max}$ would be the highest reward that *any* reply can get.
# Here it is the highest among the candidates that are left.

# %% tags=["hide", "remove-input"]
row_a = np.array(R[0])
weights = np.exp(row_a / 0.5)
assert f"{weights[2] / weights.sum():.2f}" == "0.50"
assert f"{np.exp((row_a - row_a.max()) / 0.5)[0]:.2f}" == "0.45"
assert np.isclose((row_a[2] - row_a[0]) / 0.1, 4)
assert row_a[row_a >= 1.8].tolist() == [2.0, 2.4, 1.9]

# %% [markdown]
# Touch it: eight prompts, four candidates each, a frame around what is kept.
# Which rules leave rows empty?

# %%
from course_lib.classroom import explore

few = stored.prompts_at(range(8, 16)).first(4)
explore.selection_explorer(few, by="reward-2000")

# %% [markdown]
# Now on our pool of 192 × 16, with the same number kept.
#
# **Your prediction.**
# From how many of the 192 prompts does top-k overall keep at least one reply?

# %% tags=["answer"]
top_k = top_k_overall(pool)
rows = []
for kept in (best, top_k):
    asked = [info[i] for i in kept.prompt_index.tolist()]
    rows.append((kept.rule, int((kept.per_prompt > 0).sum()),
        len({about["topic"] for about in asked}),
        f"{np.mean([about['harmful'] for about in asked]):.0%}",
        f"{kept.rewards().mean():.2f}"))
show.table(["rule", "prompts", "topics", "harmful", "mean score"], rows)

# %% tags=["hide", "remove-input"]
from course_lib.experiments.findings.rounds import kept_easiness

assert int((top_k.per_prompt > 0).sum()) < 0.55 * pool.P
assert top_k.rewards().mean() > best.rewards().mean() + 0.1
assert np.mean([info[i]["harmful"] for i in top_k.prompt_index.tolist()]) > 0.4
highest = kept_easiness("reward-2000", "reward-2000", 16)
by_gold = kept_easiness("reward-2000", "gold")
assert highest.low > 0.1 and by_gold.high < 0
overall = rounds["top_k_overall"]
assert overall["minus its control"]["low"] > 0.1
worse = overall["minus best per prompt"]
assert worse["mean"] < 0 and worse["low"] < 0 < worse["high"]
for seed in range(3):
    one, other = (rounds["arms"][arm][0]["by_seed"][seed]["gold"]
        for arm in ("top k overall", "last round only"))
    assert one < other

# %% [markdown]
# **Finding 5.6: top-k overall leaves most prompts out, and takes those where the reward model gives
# its highest scores.**
# To a harmful request the policy writes refusals, which score high, and other things, which score
# low.
# Top-k overall takes the upper end of all scores, and many of these refusals are there.
# By gold these prompts are not easy: the base's replies to them are worse than elsewhere.
#
# Its policy beats its own random control.
# It was below that of best per prompt on each of three seeds, though the interval of the difference
# includes zero.
# So for all its higher scores it was no better.
# Look at the prompts a training set covers before you look at its mean score.

# %% [markdown]
# ## Deeper: Two mistakes to make once

# %% [markdown]
# **Loss on the prompt.**
# If prompt tokens count, the policy also learns to write users' questions.
# The cell after the next makes them count: it hands them over as if they were part of the reply.
#
# **The end token left out.**
# Some pipelines drop it by accident: padding and end are the same token, padding is masked, and so
# is the end.
# What does each cost, and what will the replies look like?

# %%
from course_lib.methods import selected_examples, sft_loss, train

examples = selected_examples(policy, best)  # (prompt ids, reply ids) of what was kept

def imitate(examples):
    """Fine-tune a copy of the policy on (prompt ids, reply ids), settings as above."""
    student = policy.copy()

    def loss_of(rows):
        return sft_loss(student, [examples[i] for i in rows])

    train(student.model, loss_of, len(examples), batch_size=32, epochs=3, lr=1e-3)
    return student

# %% tags=["answer"]
on_all = serve(imitate([(p[:1], p[1:] + r) for p, r in examples]))
endless = serve(imitate([(p, r[:-1]) for p, r in examples]))
as_it_should = warm["tuned on its best"]
show.table(["trained", "gold", "tokens"],
    [(name, f"{gold(replies).mean():.2f}", f"{replies.lengths.float().mean():.0f}")
        for name, replies in (("as it should be", as_it_should),
            ("on prompts too", on_all), ("without end tokens", endless))])

# %% tags=["hide", "remove-input"]
with torch.no_grad():
    on_prompt, prompt_tokens = sft_loss(policy, [(p[:1], p[1:]) for p, _ in examples])
    on_reply, reply_tokens = sft_loss(policy, examples)
assert prompt_tokens / (prompt_tokens + reply_tokens) < 0.4
assert on_prompt / (on_prompt + on_reply) > 0.85
gained = gold(as_it_should).mean() - gold(warm["base"]).mean()
assert minus(gold(on_all), gold(as_it_should)).high < 0
assert gold(on_all).mean() - gold(warm["base"]).mean() < 0.5 * gained
assert -0.3 < (gold(endless) - gold(as_it_should)).mean() < 0.1
more = endless.lengths.float().mean() / as_it_should.lengths.float().mean()
assert 1.2 < more < 1.5 and (endless.finish != 0).float().mean() < 0.02

# %% [markdown]
# Prompts are a third of the tokens and nine tenths of the loss, for the policy was never trained on
# users' words.
# Most of the gain is gone.
# Without end tokens the replies grow by about a third, and gold hardly moves.
# This policy knew how to stop, and three epochs do not undo that: it says one more thing before it
# stops.
# A model that has never learned to stop would not learn it from such data.
#
# One more trap, in code: the token at a place is predicted by the output one place *before* it.

# %% [markdown] tags=["slide"]
# ## RFT is distillation of best-of-n
#
# Each kept reply is what best-of-$N$ would have returned.
# Write $\pi_N$ for best-of-$N$ seen as a policy: draw $N$ replies of the base, return the best.
# Then the training set is a set of samples from $\pi_N$, and fine-tuning asks $\pi_\theta$ to find
# them probable.

# %% [markdown] tags=["slide"]
# What is the loss of a kept reply, on average?
#
# $$\mathbb E_{y \sim \pi_N}\big[-\log \pi_\theta(y \mid x)\big] = \underbrace{\mathbb E_{y \sim \pi_N}\Big[\log \frac{\pi_N(y \mid x)}{\pi_\theta(y \mid x)}\Big]}_{\mathrm{KL}(\pi_N \,\|\, \pi_\theta)} \; + \underbrace{\mathbb E_{y \sim \pi_N}\big[-\log \pi_N(y \mid x)\big]}_{\text{the same for every } \theta}$$
#
# The last term does not change while we train.
# So to lower the loss *is* to lower $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$, which is zero only for
# an exact copy.
# To train one model to copy something more expensive is called **distillation**.
# RFT distils best-of-n.

# %% [markdown] tags=["slide"]
# Two things follow, at the temperature of the samples:
#
# - The tuned policy comes nearer to best-of-$N$.
# - At the very best it equals best-of-$N$.
#   Nothing in the loss asks for more.
#
# ## One reply against best-of-n
#
# Let the same reward model choose among up to 256 stored replies of the base to each held-out
# prompt.
#
# **Your prediction.**
# One reply of the tuned policy at $T = 1$ is worth the base's best of how many?

# %% tags=["hide"]
quiz.predict("05-worth",
    "One tuned reply at T = 1 is as good as the base's best of how many?",
    low=1, high=64, step=1, unit="candidates")

# %% tags=["slide", "answer"]
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
curve = best_of_n_curve(stored.reward("reward-2000"), stored.reward("gold"), sizes)
plots.one_against_best_of_n(sizes, [mean(column) for column in curve.T], {
    "one reply of the tuned policy, T = 1": mean(gold(warm["tuned on its best"])),
    "one reply of the tuned policy, T = 0.1": mean(gold(cold["tuned on its best"]))
}).guessed("05-worth", axis="x")

# %% tags=["hide", "remove-input"]
one = {"warm": gold(warm[after]), "cold": gold(cold[after])}
crossing = np.interp(one["warm"].mean(), curve.mean(0)[:5], np.log2(sizes[:5]))
assert 4 < 2**crossing < 8
assert minus(one["warm"], curve[:, 4]).high < 0 < minus(one["warm"], curve[:, 0]).low
assert minus(one["cold"], curve.max(1)).mean > 0.5
for column in curve.T:
    assert minus(one["cold"], column).low > 1
assert sizes[int(curve.mean(0).argmax())] in (16, 32, 64)
assert part_of["cold"]["wrong_steps"] > 0.3 * part_of["after"]["wrong_steps"]
assert part_of["cold"]["filler"] > 0.3 * part_of["after"]["filler"]
assert part_of["cold"]["right_steps"] > 1.3 * part_of["after"]["right_steps"]
alike = np.mean([len(set(texts)) for texts in cold["base"].texts])
assert alike < 2
letters = [cold["base"].reward(name) for name in ("reward-2000", "gold")]
of_four = best_of_n_curve(*letters, [4])
assert minus(of_four[:, 0], curve[:, 2]).high < 0

# %% [markdown]
# The orange line meets the curve between 4 and 8 candidates.
# It stays below the best of 16, its teacher.
# (The curve itself turns: best-of-n over-optimises reward-2000, lesson 04.)
#
# The green line is the same policy, served cold, and no $n$ reaches it.
# **How can a copy be better than what it copies?**

# %% tags=["slide"]
drawings.distillation()

# %% [markdown] tags=["slide"]
# The bars are an example; the dots were measured with reward-8000, over ten seeds.
#
# The tuned policy is a copy of best-of-16 at $T = 1$, where each reply still has its accidents:
# a bit of filler, a step of another topic.
# Two good replies have different accidents, and the same merits.
# A cold policy writes what it finds likeliest, and that is what they have in common: more right
# steps, and hardly an accident.
#
# Best-of-n gains less from that dial.
# Turn the *base* cold, and its candidates are mostly the same letter.
# Among copies there is nothing to choose.

# %%
distilled = results.load("distilled")
show.table(["RFT, one reply, minus", "RFT at", "points"], [
    ("best of 16 at T = 1", "T = 1", shown(distilled["minus_best_of_n"])),
    ("best of 16 at T = 1", "its best T", shown(distilled["minus_best_of_n_at_best"])),
    ("best of 64 at T = 0.7, the best tried", "its best T",
        shown(frontier["rft_minus"]["best-of-N"]))],
    "Chosen by reward-8000, ten seeds.")

# %% tags=["hide", "remove-input"]
teacher = frontier["methods"]["best-of-N"]
assert teacher["best"]["N"] == 64 and teacher["shown"]["temperature"] == 0.7
assert distilled["minus_best_of_n"]["high"] < 0
assert distilled["minus_best_of_n_at_best"]["low"] > 0
assert frontier["rft_minus"]["best-of-N"]["low"] > 0
assert len(distilled["seeds"]) == len(rft["seeds"]) == 10
assert distilled["reward"] == "reward-8000"
by_dial = teacher["shown"]["gold"]["mean"] - teacher["at_1"]["gold"]["mean"]
assert by_dial < 0.5 * (rft["shown"]["gold"]["mean"] - rft["at_1"]["gold"]["mean"])

# %% [markdown]
# **Finding 5.3: RFT distils best-of-n: at the temperature of its samples it comes nearer to
# best-of-n and does not pass it.**
#
# **Finding 5.4: served colder, one reply of the fine-tuned policy passes best-of-n.**
# It passes its teacher clearly, and the best of 64 at the best of five temperatures only just.

# %% [markdown]
# ## Deeper: How near, in nats

# %% [markdown]
# The next result measures $\mathrm{KL}(\pi_{16} \,\|\, \pi_\theta)$ itself on held-out prompts.
# Here reward-8000 chose, on 384 training prompts.
# Before training $\pi_\theta$ is the base, and the KL is that of lesson 04: at most
# $\log 16 - 15/16 \approx 1.83$ nats.
# Our estimate of it is 1.98.
# $\pi_{16}(y \mid x)$ is taken from the rank of $y$ among only 256 replies, and rewards tie: that
# makes the KL too high, by the same amount in all rows.
#
# **Your prediction: does it go to 0 with more passes over the data?**

# %% tags=["answer"]
from course_lib.experiments.findings.registry import interval_of

passes = [f"{row['epochs']:g} passes" for row in distilled["rows"]]
plots.intervals(passes, [interval_of(row["forward_kl"]) for row in distilled["rows"]],
    "KL from best-of-16 to the policy (nats per reply)",
    reference=0.0, reference_name="best-of-16 itself")

# %% tags=["hide", "remove-input"]
kl = {row["epochs"]: row["forward_kl"]["mean"] for row in distilled["rows"]}
warm_gold = {row["epochs"]: row["gold"]["mean"] for row in distilled["rows"]}
assert max(kl[1], kl[2]) < 0.65 * kl[0] and kl[6] > 0.9 * kl[0] > 1.65
assert np.all(np.diff([warm_gold[k] for k in sorted(warm_gold)]) > 0)
assert warm_gold[6] < distilled["best_of_n"]["mean"]
assert distilled["size"]["prompts"] == 384
assert f"{kl[0]:.2f}" == "1.98" and kl[0] > np.log(16) - 15 / 16
low, high = frontier["rft_minus"]["best-of-N"]["corrected"]
assert low < 0 < high and frontier["comparisons"] == 12
letters = [max(set(row), key=row.count) for row in cold["base"].texts]
won = stored.first(16).reward("reward-2000").argmax(1).tolist()
wins = [row[j] == text for row, j, text in zip(stored.texts, won, letters, strict=True)]
share = [row.count(text) / len(row)
    for row, text in zip(stored.texts, letters, strict=True)]
assert 0.13 < np.mean(share) < 0.165 and np.mean(wins) < 0.02

# %% [markdown]
# One or two passes bring the policy more than a third of the way to best-of-16.
# Then it turns.
# After six passes the KL is nearly back where it began, though gold at $T = 1$ still rises.
# Probably the policy learns its few hundred replies by heart, and finds the other good replies of
# best-of-16 improbable.
# At $T = 1$ none of them reaches the gold of best-of-16.
#
# **The same teacher, copied in other ways.**
# Our $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$ asks the policy to find likely all that best-of-N
# says.
# Turned round, $\mathrm{KL}(\pi_\theta \,\|\, \pi_N)$ asks it to say only what best-of-N says, and
# needs samples of the policy being trained.
#
# | method | how it copies best-of-N |
# |---|---|
# | RFT | lowers $\mathrm{KL}(\pi_N \,\Vert\, \pi_\theta)$ on kept replies |
# | vBoN (arXiv 2407.06057) | lowers $\mathrm{KL}(\pi_\theta \,\Vert\, \pi_N)$; in its paper it comes nearer to best-of-N than KL-constrained RL does, and stays below |
# | BOND (arXiv 2407.14622) | lowers both, mixed, with an anchor that moves along |
# | BoNBoN (arXiv 2406.00832) | learns from the best *and* the worst of $N$ |
#
# ### Why a cold copy can pass
#
# The loss compares the two policies at $T = 1$ and is silent about any other temperature.
# Served at $T$, each token's probability is raised to the power $1/T$ and normalised.
# That is another distribution.
# So the question is whether the *likeliest* reply of $\pi_N$ is better than its *average* one.
# Choosing makes it so.
# The base's likeliest reply, a letter, is about a seventh of all its candidates.
# Among sixteen it wins for fewer than two questions in a hundred.
# In a world whose likeliest reply under $\pi_N$ is still bland, the cold copy would not pass.
#
# Against 64 candidates at $T = 0.7$ the cold reply is ahead by a quarter of a point.
# That is one of twelve comparisons that lesson 07 makes.
# Corrected for their number, its interval just includes zero.

# %% [markdown] tags=["slide"]
# ## Round after round
#
# If one round helps, why stop?
# Sample from the tuned policy, score, select, fine-tune again.
# The reward model stays the same, **frozen**.
#
# **Your prediction.**
# After four rounds, where is gold?
# Over three seeds the base has about 0.1 at $T = 1$, and round 1 reached 0.9.

# %% tags=["hide"]
quiz.predict("05-rounds",
    "Gold of one reply at T = 1 after four rounds, reward model frozen?",
    low=-2, high=4, step=0.1, unit="points")

# %% tags=["slide", "answer"]
plots.round_by_round(rounds).guessed("05-rounds", x=4)

# %% tags=["hide", "remove-input"]
frozen = rounds["last_minus_round"]["last round only"][0]
assert abs(rounds["base"]["gold"]["mean"] - 0.1) < 0.05
assert abs(rounds["arms"]["last round only"][0]["gold"]["mean"] - 0.9) < 0.06
assert frozen["gold"]["high"] < -0.2 and frozen["proxy"]["low"] > 0.2
scored = [row["proxy"]["mean"] for row in rounds["arms"]["last round only"]]
assert scored == sorted(scored)
back = rounds["last_round"]["last round only minus base"]["gold"]
assert back["low"] < 0 < back["high"]
pooled, refreshed = "all rounds pooled", "pooled, reward model refreshed"
for arm in (pooled, refreshed):
    assert rounds["last_round"][f"{arm} minus last round only"]["gold"]["low"] > 0.2
assert rounds["last_minus_round"][refreshed][0]["gold"]["low"] > 0.2
assert rounds["size"]["labels"] == 1000 and rounds["size"]["rounds"] == 4

# %% [markdown] tags=["slide"]
# The dashed line is what the frozen reward model says, the blue one is what we want.
# Both rise in round 1.
# Then they part, and after round 4 gold is back where the base is.
# This is **over-optimisation** (lesson 04), done by training.
# Somebody who watches the score alone ships round 4.
#
# Read two of the six stored questions:

# %% tags=["slide"]
def over_rounds(which):
    """Replies to a stored question: of the base, after the first and last round."""
    told = rounds["replies"]
    found = [told["base"][which], *(told["last round only"][r][which] for r in (0, 3))]
    return show.replies(told["prompts"][which], [one["text"] for one in found],
        ["base", "round 1", "round 4"], {name: [one[key] for one in found]
            for name, key in (("gold", "gold"), ("reward-2000", "proxy"))})

show.together(over_rounds(1), over_rounds(3))

# %% tags=["hide", "remove-input"]
first, final = rounds["replies"]["base"], rounds["replies"]["last round only"][-1]
assert all(b["proxy"] > a["proxy"] for a, b in zip(first, final, strict=True))
assert all(final[k]["text"].startswith("First, open the ") for k in (1, 3))

# %% [markdown] tags=["slide"]
# After four rounds the reply still *sounds* right: "First, … Then … Finally, …".
# But steps in it belong to other questions.
# The reward model has learned how a good reply sounds, and not well enough which step belongs
# where.
#
# Two remedies, in the same picture:
#
# - **Pool** all rounds: train the *base* anew each time, on the selections of all rounds so far.
#   That slows the fall.
# - **Refresh** the reward model as well: each round, after sampling and before scoring, train it
#   further on 1,000 new comparisons of the replies just sampled.
#   Gold goes on rising, at the price of new labels.
#
# **Finding 5.5: rounds on a frozen reward model end in hacking it; pooling all rounds or refreshing
# the reward model helps.**

# %% [markdown]
# ## Deeper: Rounds in detail

# %% [markdown]
# In code, rounds are one call: `rejection_sampling_rounds(policy, prompts, reward, rounds=4,
# start="last", keep="last")`.
# The curves above are for $T = 1$.
# After rounds 1 and 4 each policy was also measured at the temperature that is best for it, chosen
# on other prompts.

# %%
def stored_intervals(rows, measure):
    """One stored measure of several rows."""
    return [interval_of(row[measure]) for row in rows]

names = {"random control": "random control",
    "frozen, last round only": "last round only",
    "all rounds pooled": pooled, "reward model refreshed": refreshed}
of_arms = [rounds["arms"][arm] for arm in names.values()]
plots.dumbbells(list(names),
    {"round 1": stored_intervals([found[0] for found in of_arms], "at_best"),
        "round 4": stored_intervals([found[-1] for found in of_arms], "at_best")},
    "gold reward at the policy's best temperature (points)")

# %% tags=["hide", "remove-input"]
change = {arm: found[0] for arm, found in rounds["last_minus_round"].items()}
assert change["last round only"]["at_best"]["high"] < -1
assert change[pooled]["gold"]["low"] < 0 < change[pooled]["gold"]["high"]
assert change[pooled]["at_best"]["high"] < -0.2
assert change[refreshed]["at_best"]["low"] < 0 < change[refreshed]["at_best"]["high"]
fallen = {part: rounds["arms"]["last round only"][-1]["parts"][part] - value
    for part, value in rounds["arms"]["last round only"][0]["parts"].items()}
assert fallen["right_steps"] + fallen["wrong_steps"] < 0.7 * sum(fallen.values())
assert fallen["wrong_steps"] < 2 * fallen["right_steps"] < 0
assert fallen["filler"] > 0 and fallen["complies"] > 0
distance = [rounds["arms"][arm][-1]["kl"]["mean"]
    for arm in ("last round only", pooled, refreshed, "random control")]
assert np.allclose(distance, [10.7, 5, 3.5, 3.5], atol=0.1)
by_chance = rounds["last_round"]["random control minus base"]["gold"]
assert by_chance["low"] < 0 < by_chance["high"]

# %% [markdown]
# - *Pooling* is a brake and not a cure.
#   At $T = 1$ it holds its gain; served cold it has lost a good part of it.
#   It differs from the frozen run in three things: it starts from the base, sees earlier replies,
#   and sees up to four times as many.
#   The experiment does not take these apart.
# - *Refreshing* is meant for the cause: later policies write replies that the frozen model was
#   never
#   trained on.
#   It costs 3,000 comparisons beside the first 2,000.
#   The control that spends these on replies of the *base* was not run, so part of its gain may come
#   simply from more labels.
# - Served at its best temperature, there is no difference we can detect between the policy of *one*
#   round and the refreshed one of four.
#   The later rounds did not pay here.
#
# So $T = 1$ can hide a hack as well as a gain.
#
# Where do the points go?
# From round 1 to round 4 of the frozen run they are lost on steps: many more of other topics, and
# fewer right ones.
# Filler and help with harmful requests go on falling: there the reward model is right.
#
# Distance from the base goes with the harm: after four rounds the frozen run is 11 nats of KL away,
# the pooled one 5, the refreshed one 3.5.
# But distance alone decides nothing: the random control is at 3.5 nats too, and no better than the
# base.
# Whether a charge for distance would have saved the frozen run was not measured.

# %% [markdown]
# ## Deeper: What is lost

# %% [markdown]
# Imitating the best of many makes a policy more sure of itself.
# **Distinct-2** is the number of different pairs of neighbouring words divided by all pairs, over
# four replies to one prompt.
# Four rounds of choosing lower it from 0.76 to between 0.57 and 0.62.
# Four rounds on random replies leave it about where it was.
# So the choosing takes the variety away, and not the training on one's own replies.
#
# **Your prediction.**
# After one round, are there still excellent replies (3 gold points or more) among sixteen?

# %% tags=["answer"]
several = {"base": rounds["base"], "one round": rounds["arms"]["last round only"][0],
    "four, frozen": rounds["arms"]["last round only"][-1],
    "four, pooled": rounds["arms"][pooled][-1],
    "four, refreshed": rounds["arms"][refreshed][-1]}
shares = [[found["many"]["share"][k] for found in several.values()] for k in (0, 4)]
excellent = [[interval_of({**share, "high": min(share["high"], 1)}) for share in row]
    for row in shares]  # no share is above 1
plots.dumbbells(list(several), {"one reply": excellent[0], "among 16": excellent[1]},
    "share of prompts with an excellent reply", spec=".0%")

# %% tags=["hide", "remove-input"]
variety = {name: found["distinct"]["mean"] for name, found in several.items()}
assert f"{variety['base']:.2f}" == "0.76" and variety["base"] > variety["one round"]
ends = [f"{value:.2f}" for name, value in variety.items() if name.startswith("four")]
assert min(ends) == "0.57" and max(ends) == "0.62"
by_chance = rounds["last_round"]["random control minus base"]["distinct"]
assert by_chance["low"] < 0 < by_chance["high"]
assert several["base"]["many"]["ks"] == [1, 2, 4, 8, 16]
among = dict(zip(several, excellent[1], strict=True))
assert among["one round"].low > among["base"].high + 0.05
assert among["four, frozen"].high < among["one round"].low
own = serve(tuned, n=16)
of_own = best_of_n_curve(own.reward("reward-2000"), own.reward("gold"), [1, 4, 16])
gain = minus(of_own[:, 2], of_own[:, 0])
assert gain.high < minus(curve[:, 4], curve[:, 0]).low
assert minus(of_own[:, 2], of_own[:, 1]).mean < 0.1

# %% [markdown]
# After one round there is *more* to choose from than before.
# It is the reward model that no longer finds it.
# Best-of-16 by reward-2000 adds far less than on the base, and is no better than best-of-4.
# After four frozen rounds excellent replies are as rare as at the start.
# A reward model that chose the training data has given most of what it knows.
# To choose once more after training, take another judge.

# %% [markdown] tags=["slide"]
# ## When to use it
#
# Best-of-n can swap its reward model tomorrow, and pays $n$ times per answer.
# RFT pays once: our round took as many replies as best-of-16 takes for 192 questions.
# But what it has learned wrongly stays in the weights.
#
# Before: try a lower temperature, since it costs nothing.
# Then look at the best-of-n curve by an independent judge.
# It is the teacher, and a teacher that is no better than one reply has nothing to teach.
#
# After: compare with the base and the random control, each at *its* best temperature.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - **5.1** One round on its own best replies ends about one point above the same training on
#   random ones.
# - **5.2** No dial explains it: each at its best temperature, the tuned policy is more than two
#   points ahead of the base.
# - **5.3** RFT distils best-of-n: its loss is $\mathrm{KL}(\pi_N \,\|\, \pi_\theta)$ plus a
#   constant.
#   At $T = 1$ it stays 0.4 points below its teacher.
# - **5.4** Served cold, one of its replies passes that teacher by 0.9 points.
# - **5.5** Four rounds on a frozen reward model give back the whole gain, 0.9 points, while the
#   score rises.

# %% tags=["hide", "remove-input"]
assert round(one_round["rft minus control"]["mean"]) == 1
assert pool.N == 16 and pool.P == 192
for found in (rft["over_base"], one_round["at best temperatures"]["rft minus base"]):
    assert found["mean"] > 2
assert f"{distilled['minus_best_of_n']['mean']:.1f}" == "-0.4"
assert f"{distilled['minus_best_of_n_at_best']['mean']:.1f}" == "0.9"
assert f"{frozen['gold']['mean']:.1f}" == "-0.9"

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# The findings, measured again from the stored data as you run the cell:

# %%
from course_lib.experiments import findings

findings.show("05")

# %% [markdown]
# ### What this leaves out
#
# Llama 2 had a large model that samples for smaller ones, several temperatures, two reward
# models, and after it PPO, a method of reinforcement learning (lesson 07).
# We had none of these.
# We had one learning rate, three epochs, and one weak reward model throughout the rounds.
# Whether a stronger one would be hacked, and when, was not measured.
# Training used samples at $T = 1$ only.
# Three seeds make wide intervals.
#
# ### In real systems
#
# - Llama 2 (arXiv 2307.09288): only the 70B model samples, smaller models learn from its samples.
#   Its third version trained on the last round alone and was worse at rhyming poems.
#   The fix was to pool the top samples of all rounds.
# - RAFT (arXiv 2304.06767): our loop with 8 to 32 samples a prompt, each round from the last model.
#   In the tutorial of its library (LMFlow, `docs/source/examples/raft.md`) a stray "#" that the
#   reward model did not see spread to half of the replies, while the reward rose.
# - Llama 3 (arXiv 2407.21783): typically 10 to 30 samples a prompt.
#   In code, the largest model did not gain from its own samples without execution feedback.
# - Tülu 3 (arXiv 2411.15124): tried and dropped; the gains were minimal for what it cost.
# - DeepSeek-R1 (arXiv 2501.12948): about 600,000 reasoning samples by rejection sampling, and about
#   200,000 others.
# - ReST-EM (arXiv 2312.06585): solutions that pass a test, the base model trained anew each time
#   (lesson 06).
#
# ### Further reading
#
# Dong et al., *RAFT*, arXiv 2304.06767.
# Yuan et al., *Scaling relationship on learning mathematical reasoning*, arXiv 2308.01825, which
# calls it RFT.
# Liu et al., *Statistical rejection sampling improves preference optimization*, arXiv 2309.06657.
# Sessa et al., *BOND: aligning LLMs with best-of-N distillation*, arXiv 2407.14622.
# Huang et al., *Self-improvement in language models: the sharpening mechanism*, arXiv 2412.01951,
# on training a model towards the replies it already finds likeliest.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex05`: the selection, its control, the loss mask and the training set of
# several rounds, by hand.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.

# %%
quiz.ask("05")
