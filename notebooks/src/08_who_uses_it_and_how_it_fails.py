# %% [markdown] tags=["slide"]
# # Who uses it, and how it fails
#
# **You will:** see what published systems do with best-of-N and rejection-sampling fine-tuning, run
# Llama 2's loop in miniature, take a flawed pipeline apart and repair it, and diagnose twelve
# broken pipelines from their curves and their replies.
#
# **Builds on:** lessons 01 to 07, above all 04 (proxy and gold), 05 (rounds and the random control)
# and 07 (PPO).
#
# **Time:** 75 minutes to read and do, about 30 of them in the clinic (a good place for a break:
# before it), and 10 for the quiz; the cells run in under a minute.

# %%
from dataclasses import replace
from itertools import pairwise

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import explore, plots, show
from course_lib.experiments import clinic
from course_lib.estimators import bootstrap_interval, paired_difference
from course_lib.models import GoldReward

# %% [markdown]
# ## Who does what
#
# Read this table by columns.
# **What is sampled** is how the candidates are made ($N$ per prompt, temperature $T$).
# **What selects** is a reward model or a check.
# **What is trained** says whether any weights change at all.
# The last column is the one that most summaries leave out.
# "Not stated": the source does not say it.
# "Not checked": we did not look.
# "Reported": we rely on somebody's notes of the paper, not on its text.
#
# | who (source) | what is sampled | what selects | what is trained | what was found | not stated, or not checked |
# |---|---|---|---|---|---|
# | **Llama 2-Chat** (arXiv 2307.09288) | by the 70B model only; the best $T$ rises with $N$, about 1.2–1.3 for 10 to 100 samples of its RLHF model | reward models, one for helpfulness and one for safety | the policy, by rejection sampling alone up to version 4; after that with PPO on top, before the next sampling; smaller models learn from the 70B's samples | version 3 kept only the last round's samples and lost skills; pooling the best of all rounds was the repair. The highest reward grows with $N$, the median does not | not stated: $K$, the number of samples per prompt in training |
# | **Llama 3** (arXiv 2407.21783) | $K$ typically between 10 and 30 | (not checked) | the policy | a paged attention cache more than doubled sampling throughput; the largest model did not gain from its own data without execution feedback | not checked: what selects, the temperature |
# | **DeepSeek-R1** (arXiv 2501.12948) | about 600,000 reasoning samples kept, and about 200,000 others | rejection sampling for the reasoning part | 2 epochs of supervised fine-tuning on both parts | (not checked) | not checked: which model is trained, how many were sampled for one that was kept, a comparison without it |
# | **RFT on GSM8K** (arXiv 2308.01825) | $k = 100$, $T = 0.7$ | a correct answer; then one path for each distinct list of equations | the *pretrained* model, once | 7B: 35.9 → 41.7 %; 33B: 54.6 → 54.5 %. The driver is the number of distinct paths, not of replies kept | not checked: a random control at equal steps |
# | **ReST-EM** (arXiv 2312.06585) | 32 or 64 samples, top-$K$ 40, $T = 0.7$ | a correct answer, at most 10 solutions per problem | always the *base* model again | (not checked) | not checked: a random control, seeds and intervals |
# | **STaR** (arXiv 2203.14465), reported | (not checked) | (not checked) | the original model again in each loop | (not checked) | not checked: nearly everything |
# | **WebGPT** (arXiv 2112.09332), reported | best of 64 | a reward model | nothing, for best-of-64 | better than its RL model; RL and best-of-N together added little | not checked: cost at serving |
# | **OpenAI's verifiers** (arXiv 2110.14168), counted by us in the released solutions | best of 100 | a trained verifier | nothing: the choice is made when serving | 6B: 21.7 → 39.0 %, 175B: 34.7 → 56.3 % | not checked: what an answer then costs |
# | **Qwen2.5-Math** (arXiv 2409.12122, abstract) | "massive" sampling | a reward model | the data of supervised fine-tuning evolve over rounds with a reward model that is trained anew; then RL | the reward model also guides sampling when serving | not checked: numbers of samples (abstract only) |
# | **Gemma 3** (arXiv 2503.19786) | (not checked) | (not checked) | the policy learns to imitate its own best-of-N ("BOND", best-of-N distilled) | best-of-N as a *target* of training | not checked: $N$ and the gain |
# | **Tülu 3** (arXiv 2411.15124), reported | (not checked) | (not checked) | (not checked) | minimal gain from rejection sampling | not checked: settings |
# | **RAFT** (arXiv 2304.06767), reported | $K$ per prompt | a reward model, the argmax | the policy, again and again | a hack seen in its outputs: a stray "#", which the reward model did not see, spread while distinct-2 fell from .39 to .22 | not checked: seeds |
# | **RSO** (arXiv 2309.06657) | 64 candidates | accept candidate $c$ if $u < \exp((r_c - r_{\max})/\beta)$, $u$ uniform between 0 and 1, $\beta = 0.5$, until 8 are kept | (not checked) | the one method here that *is* rejection sampling in the statistician's sense | not checked: what is trained |

# %% [markdown]
# Three patterns are worth carrying away.
#
# 1. **A check, where there is one.**
#    RFT and ReST-EM select by a correct answer.
#    A wrong proof with a right answer may slip through, but flattery does not.
# 2. **What each round starts from.**
#    RFT, ReST-EM and (reported) STaR train the pretrained or base model again.
#    Llama 2 pools all rounds.
#    Both guard against a policy that learns from its latest self alone.
# 3. **It is one stage of several.**
#    Llama 2 and Qwen2.5-Math put reinforcement learning after it.
#    And Tülu 3 (reported) and Llama 3 (its largest model, without execution feedback) tell of
#    little or *no* gain: look for such rows before you adopt anything.
#
# ## On paper: three numbers in a report
#
# Before any model, one prompt with four candidates.
# The proxy says 1, 2, 3 and 6.
# Gold, which the team cannot see, says 2, 3, 4 and 1.
# The pipeline keeps the candidate with the highest proxy.
# **With a pencil:** what is the gain by the proxy, against the average candidate?
# What is it by gold?
# And what would a random choice give by gold, on average?

# %% tags=["nbval-check-output"]
proxy, gold = [1, 2, 3, 6], [2, 3, 4, 1]
chosen = proxy.index(max(proxy))
average = sum(gold) / 4
show.facts({"gain by the proxy": proxy[chosen] - sum(proxy) / 4,
    "gain by gold": gold[chosen] - average,
    "gain by gold of a random choice, on average": sum(g - average for g in gold) / 4})

# %% [markdown]
# By the proxy +3, by gold −1.5.
# The random choice gains 0 on average here, because nothing is trained.
# With training in between it need not (you will meet such a case below), and that is why it is the
# control.
# Written once for the whole lesson, with $\pi_c$ the policy trained on a random choice among the
# same candidates:
#
# $$\underbrace{\mathbb{E}\, r^*(\pi_\theta) - \mathbb{E}\, r^*(\pi_{\text{ref}})}_{\text{the whole gain, by gold}} \;=\; \underbrace{\mathbb{E}\, r^*(\pi_\theta) - \mathbb{E}\, r^*(\pi_c)}_{\text{due to the choice}} \;+\; \underbrace{\mathbb{E}\, r^*(\pi_c) - \mathbb{E}\, r^*(\pi_{\text{ref}})}_{\text{due to training at all}}$$
#
# ## Llama 2's loop in miniature
#
# Llama 2-Chat in its later versions: sample, keep the best, fine-tune on the best of *all* rounds;
# and PPO on top.
# We do it on the help desk.
# First a small piece, live: two rounds with few prompts, pooled.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
reward = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
world = course.load_world("helpdesk")
prompts, info = world.prompts("train", limit=192, seed=0)
test_prompts, test_info = world.prompts("heldout", limit=96, seed=0)
asked = [about["topic"]
    for about in test_info]  # prompts about one topic belong together

# %%
training = {"batch_size": 16, "epochs": 3}
pool = course.score(course.sample(policy, prompts[:96], n=8, info=info[:96], seed=0),
    reward)
best = course.select_best(pool)
first = course.finetune(policy, best, **training)
pool = course.score(course.sample(first, prompts[96:], n=8, info=info[96:], seed=1000),
    reward)
both = course.Selection.concat([best, course.select_best(pool)])
second = course.finetune(policy, both, **training)
both

# %% [markdown]
# `both` holds the best reply to each of 96 prompts from round 1 and of 96 others from round 2; the
# second policy is trained on all of them, from the base.
# `course.rejection_sampling_rounds(..., rounds=2)` does such rounds in one line, on one set of
# prompts.
# Now a little PPO on top (lesson 07), and the gold reward after each stage.

# %%
from course_lib.methods import ppo

on_top = ppo(second, prompts, reward, info, steps=5, prompts_per_step=48, n=1, lr=1e-4)
print("proxy reward while PPO samples:",
    [round(r, 2) for r in on_top.training_log.column("reward")])

# %%
def gold_of(policy, n=4):
    """(P,) mean gold of ``n`` replies to each held-out prompt."""
    pool = course.sample(policy, test_prompts, n=n, info=test_info, seed=99)
    return course.score(pool, GoldReward(world)).reward("gold").mean(1)

stages = {"base": policy, "round 1": first, "round 2, pooled": second,
    "and a little PPO": on_top}
after = {name: gold_of(p) for name, p in stages.items()}

# %%
more = paired_difference(after["and a little PPO"], after["round 2, pooled"],
    groups=asked)
show.table(["stage", "gold"], [*((name, bootstrap_interval(values, groups=asked))
    for name, values in after.items()), ("PPO minus round 2", more)])

# %% tags=["hide", "remove-input"]
assert paired_difference(after["round 2, pooled"], after["base"],
    groups=asked).low > 0.3

# %% [markdown]
# (As in the lessons before, the intervals redraw topics: prompts about one topic are not
# independent of each other.)
# Two small rounds already bring about a point.
# The proxy at each of PPO's steps is a mean over 48 other prompts, so it jumps: five steps show no
# trend.
# The last interval speaks of other topics, and of this one run of PPO.
# Even where it excludes zero, it says nothing about another run.
# The stored experiment (`python benchmarks/llama2_loop.py`) takes three seeds: rounds of 128
# prompts × 8, and PPO that samples about as many tokens as a third round.
# That third round of rejection sampling ("RS" below) is the control: PPO's samples could have gone
# into it.
#
# **Your prediction.**
# After two rounds: does PPO add something?
# Does it add more than a third round of rejection sampling with about as many sampled tokens?

# %% tags=["slide"]
loop = results.load("llama2_loop")
plots.llama2_loop(loop)

# %%
def span(v):
    """A stored difference with its interval and its sign."""
    return f"{v['mean']:+.2f} [{v['low']:+.2f}, {v['high']:+.2f}]"

def level(v):
    return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

def told_apart(gap):
    """Whether an interval lies on one side of zero."""
    return gap["low"] > 0 or gap["high"] < 0

show.table(["difference", "gold", "proxy", ""],
    [(name, span(gap["gold"]), span(gap["proxy"]),
    "" if told_apart(gap["gold"]) else "gold not told apart")
    for name, gap in loop["gaps"].items()])

# %%
rates = {float(lr): value for lr, value in loop["ppo_rates"].items()}
spent = {name: stage["tokens"] - loop["stages"]["RS, round 2"]["tokens"]
    for name, stage in loop["stages"].items()}
show.together(
    show.table(["PPO's learning rate", *(f"{lr:g}" for lr in rates)],
        [("gold on the choosing seed", *(f"{v:.2f}" for v in rates.values()))]),
    show.table(["tokens sampled after round 2", ""], [(name, f"{spent[name]:,.0f}")
        for name in ("RS, round 3", "RS, round 2, then PPO")]))

# %% tags=["hide", "remove-input"]
gaps = {name: gap["gold"] for name, gap in loop["gaps"].items()}
assert gaps["RS, round 1 minus base"]["low"] > 0.4
assert gaps["RS, round 2 minus RS, round 1"]["low"] > 0.1
further = ("RS, round 3 minus RS, round 2", "RS, round 2, then PPO minus RS, round 2",
    "RS, round 2, then PPO minus RS, round 3")
assert all(gaps[name]["low"] < 0 < gaps[name]["high"] < 0.5 for name in further)
assert all(loop["gaps"][name]["proxy"]["low"] > 0 for name in further[:2])
assert loop["ppo_rate"] == min(rates)
assert max(v for lr, v in rates.items() if lr > min(rates)) < 1.3

# %% [markdown]
# What can be read off it:
#
# - The first round brings most of the gain, the second adds to it beyond chance.
# - After that neither way of going on adds gold that can be told from zero: not PPO on top of round
#   2, not a third round.
#   Both add about a tenth of a point in the mean.
#   (These differences are paired by seed and prompt, so they are surer than the overlapping bars
#   suggest.)
# - The mean proxy, which both methods climb, rises in both, beyond chance.
#   So a report by the proxy would speak of progress that gold does not confirm.
# - **PPO against the third round**: the interval includes zero.
#   With three seeds at this size we cannot tell the two ways of going on apart.
#   "PPO adds nothing" would be wrong too: the intervals leave room for a third of a point.
#
# This comparison is fair in sampled tokens (PPO passes them by 3 %), not in all.
# PPO's learning rate was chosen by gold from three values, on another seed; the smallest was the
# best, so a still smaller one might be better yet.
# And PPO samples one reply to each of about a thousand prompts, the third round 8 to each of 128.
#
# ## A case: a flawed improvement pipeline
#
# Here is a write-up.
# The team and its text are constructed for this course.
# The numbers are of a real run: the cell runs the team's pipeline.

# %%
setting = clinic.TEAM_SETTING
theirs = course.load_reward_model(assets.path("helpdesk/reward-125"), name="proxy")
outcome = clinic.run(clinic.TEAM, setting, base=policy, reward=theirs)
show.replies("The team's report", [clinic.team_report(outcome, setting, theirs)])

# %% [markdown]
# **Your prediction.**
# List the faults before you read on; we count nine.
# For each, say what you would look at to be sure.
# And: is the new assistant better than the old one, by gold?
#
# We go through them by question: what data, what is trained, who judges, against what.
#
# ### Data: what is in the training set?

# %% tags=["nbval-check-output"]
mine, _ = clinic.leaking_prompts(setting, 0)
test, _ = clinic.test_prompts(setting)
show.facts({"training prompts": len(mine), "test prompts": len(test),
    "in both": len(set(mine) & set(test))})

# %% [markdown]
# Half of the training questions are test questions.
# So the score on the test questions measures, in part, what was learnt from them.
# We need questions that nobody has touched.
# In this case we also keep the *topics* apart: the team trains on two quarters of the topics and on
# the leaked ones, tests on the third quarter, and we measure on the fourth.
# (`Setting(topics="quarters")` does that.)
#
# ### What is trained: which tokens carry loss?
#
# Print what the optimiser sees, as text.

# %%
show.table(["no loss", "loss"], [tuple(policy.tokenizer.decode(ids) for ids in pair)
    for pair in outcome.examples[:6]])

# %%
last_words = [policy.tokenizer.decode(reply[-2:-1]) for _, reply in outcome.examples]
ended = [word.strip() in {".", "!", "?"} for word in last_words]
print("training replies that end in mid-sentence, with an end token all the same: "
    f"{1 - sum(ended) / len(ended):.0%}")

# %% tags=["hide", "remove-input"]
assert 0.05 < 1 - sum(ended) / len(ended) < 0.95

# %% [markdown]
# The limit of 20 tokens cut many replies, and "the trainer adds the end token" turned each into a
# complete one.
# The policy learns to stop there.
#
# ### Who judges?
#
# The score that rose is the score that selected, and it comes from only 125 comparisons.
# Ask a judge that had no part in it, on fresh prompts.

# %%
before, _ = clinic.careful(policy, policy, setting)
measured, replies = clinic.careful(outcome.policy, policy, setting)
gain = paired_difference(measured["gold"], before["gold"])
own, cut = course.score(replies, theirs).reward("proxy"), clinic.unfinished(replies)
rows = [(f"gold {where}", bootstrap_interval(before[what]),
    bootstrap_interval(measured[what]),
    paired_difference(measured[what], before[what]))
    for what, where in (("gold", "at temperature 1"), ("greedy", "at temperature 0"))]
rows.append(("replies that do not end properly", f"{before['cut'].mean():.0%}",
    f"{measured['cut'].mean():.0%}", "–"))
show.table(["", "before", "after", "difference"], rows,
    f"The team's own score of those that do not end properly: {own[cut].mean():.2f}, "
    f"of the others: {own[~cut].mean():.2f}.")

# %% tags=["hide", "remove-input"]
assert (
    gain.low < 0
    and gain.high < 0.2
    and measured["cut"].mean() > 0.1 > before["cut"].mean()
)
assert paired_difference(measured["greedy"], before["greedy"]).low > 0.3
assert own[cut].mean() > own[~cut].mean() - 0.1

# %% [markdown]
# (The intervals are for other questions about the same eight topics.
# Eight topics are too few to say much about others.)
# The score that the team reports went up.
# Gold did not: at temperature 1, where the team's score was taken, it fell if anything.
# And a good part of the replies now stop in mid-sentence, which those of the old assistant did not.
# The team's reward model does not mind: it scores these no lower than the others.
# It was never shown a reply that was cut.
#
# At temperature 0 the same assistant looks clearly *better* than the old one.
# The old one's greedy replies are bland: two in three of the replies it learned from were stock
# letters (we made this world so, because real models are like that; lesson 00).
# Training on chosen replies has changed that, though half of those were cut.
# So the answer depends on where you look, and greedy replies alone would have hidden the damage.
# We come back to this with the twelve patients.
#
# ### Against what? And how often?
#
# The rest needs no cell.
# The whole list:
#
# 1. Half of the training questions are test questions.
# 2. Replies that were cut got an end token.
# 3. The reward model comes from 125 comparisons.
# 4. The score that selects is also the judge.
# 5. The score of "the replies we trained on" stands among the results.
#    They were chosen for it.
# 6. The gain is put down to the reward model, without a control.
#    Even a true gain could come from the training alone.
# 7. There was one run, and no interval.
# 8. A falling loss is taken for promise.
#    A training loss falls on bad data too.
# 9. Three more rounds are planned with the same reward model, and no other judge to say when to
#    stop.
#
# ### Repair, one fault at a time
#
# Each line below is a full run, with one more repair than the line above (the first is the limit of
# 20 tokens together with the end token).
# The last line is the random control of the repaired pipeline.
# `replace` makes a copy of a pipeline, or of its settings, with one part changed.
# (One seed, to keep you from waiting; the intervals are paired over 96 prompts about those eight
# topics.)

# %%
whole = replace(setting, max_tokens=96)
good = replace(whole, reward="reward-8000")
ladder = {"replies complete": (replace(clinic.TEAM, examples=clinic.reply_examples),
    whole),
          "+ 8,000 comparisons": (replace(clinic.TEAM, examples=clinic.reply_examples),
              good),
          "+ test prompts out": (clinic.HEALTHY, good),
          "its random control": (replace(clinic.HEALTHY,
              select=clinic.choose_at_random), good)}

# %%
steps = {"as written": measured}
for name, (pipeline, sizes) in ladder.items():
    scorer = reward if sizes.reward == "reward-8000" else theirs
    repaired = clinic.run(pipeline, sizes, base=policy, reward=scorer)
    steps[name], _ = clinic.careful(repaired.policy, policy, sizes)

# %%
above, rows = before, []
for name, m in steps.items():
    over_base, step = (paired_difference(m["gold"], other["gold"])
        for other in (before, above))
    rows.append((name, bootstrap_interval(m["gold"]), over_base, step,
        f"{m['cut'].mean():.0%}", f"{m['greedy'].mean():.2f}"))
    above = m
repaired, control = (steps[name]["gold"]
    for name in ("+ test prompts out", "its random control"))
final = paired_difference(repaired, control)
by_training = paired_difference(control, before["gold"])
show.table(["", "gold", "over the base", "over the line above", "unfinished",
    "at T = 0"], rows,
    f"Due to the choice {final}, due to training at all {by_training}.")

# %% tags=["hide", "remove-input"]
total = paired_difference(steps["+ test prompts out"]["gold"], before["gold"])
assert abs(total.mean - (final.mean + by_training.mean)) < 1e-9  # the formula above
assert final.low > 0.3
means = [m["gold"].mean() for m in steps.values()]
assert max(b - a for a, b in pairwise(means)) == means[1] - means[0]  # the largest step
assert paired_difference(steps["replies complete"]["gold"], measured["gold"]).low > 0.2
assert not paired_difference(steps["+ test prompts out"]["gold"],
    steps["+ 8,000 comparisons"]["gold"]).excludes_zero
assert steps["replies complete"]["cut"].mean() < 0.05 < measured["cut"].mean()

# %% [markdown]
# Line by line:
#
# - **Complete replies**: the unfinished ones disappear, and gold rises.
#   It is the largest step in this run.
# - **A reward model from 8,000 comparisons** brings another, about half as large.
#   The weak one chooses less well.
# - **Test prompts out**: gold is not told apart from the line above.
#   A leak spoils the *report*.
#   By how much is measured below, with the patient who has a leak and nothing else.
# - **The random control** of the repaired pipeline gains nothing, so the pipeline's gain is due to
#   the choice.
#   The last two numbers are the two terms of the formula above.
#
# Another order of repairs would give other steps; only "as written" and the full repair ("+ test
# prompts out") do not depend on it.
# What should the team have written?
# Two lines: *gold on fresh questions, at the temperature at which we serve, by judges who did not
# select: before, after, and the control, each with its interval.*
#
# ## The clinic
#
# Twelve patients.
# Each is one small pipeline (128 prompts × 8 candidates, a few epochs or rounds) in which **one
# step** was replaced by a wrong one (for one of them only what is claimed is wrong);
# `course_lib/experiments/clinic` holds them as code, a few lines each.
# Each was run on three seeds, beside its repaired twin and a random control
# (`python benchmarks/clinic.py`).
#
# First you see what its author sees: training loss, the score of what was selected, and the score
# that is reported, in most cases the reward model's own.
# Then press *careful measurement*: gold on held-out prompts (in the case with the leak on topics of
# their own; in the others the author's test prompts, which nobody trained on), gold at temperature
# 0, KL, length, diversity (distinct-2, the share of different word pairs), and the share of replies
# that do not end properly.
# Name the fault.
# A wrong guess is answered with what you *would* see if you were right.
# Then press *Repair* and compare.
#
# **Your prediction.**
# Some of these faults ruin the policy, some only the report.
# Which of the twelve names below would you expect to cost no gold?
# And which would you overlook if you judged greedy replies only?

# %% tags=["slide"]
patients = results.load("clinic")
explore.pipeline_clinic(patients)

# %% [markdown]
# By keyboard: Tab moves between the controls, Enter or Space presses a button.
# Where widgets cannot run you see patient 1 as its author does.
# Run `explore.pipeline_clinic(patients, first=3)` for another one, and the same with
# `show="careful"` for its careful measurement.
#
# ### All twelve, by number
#
# Do not read on before you have tried some of them.
# Each row: what the author reported, before → after; gold of the base policy and of the random
# control; then six measures, this pipeline / its repaired twin (means; the careful measurement has
# the intervals).

# %% tags=["slide"]
order = explore.patients(patients)
titles = ("gold", "at T = 0", "KL", "length", "distinct-2", "unfinished")
rows = []
for number, name in enumerate(order, 1):
    c = patients["cases"][name]
    start, end = (c["broken"]["reported"][when]["mean"] for when in ("before", "after"))
    (_, base), (_, control), (_, mine), (_, twin) = explore.measured_rows(c,
        repaired=True)
    both = (f"{mine[m]['mean']:.2f} / {twin[m]['mean']:.2f}" for m in clinic.MEASURES)
    rows.append((number, f"{start:.2f} → {end:.2f}", f"{base['gold']['mean']:.2f}",
        f"{control['gold']['mean']:.2f}", *both))
show.table(["patient", "reported", "base", "control", *titles], rows)

# %%
told = [case["broken"]["reported"] for case in patients["cases"].values()]
rose = [report["after"]["mean"] > report["before"]["mean"] for report in told]
print(f"pipelines whose author reports a rise: {sum(rose)} of {len(rose)}")

# %% tags=["hide", "remove-input"]
assert all(rose)

# %% [markdown]
# All twelve authors have good news: **the dashboard of a broken pipeline looks like that of a
# healthy one.**
# (Patients 1, 3, 4, 8 and 10 are broken versions of the same pipeline: they share one repaired twin
# and one control.)
#
# ### All twelve, by name
#
# Which faults cost gold, beyond chance?
# Here is the broken pipeline minus its repaired twin, paired by seed and prompt, and its gain over
# the base.
# The intervals are for other seeds and other topics (lesson 07): three seeds make them wide.

# %%
gaps = {name: patients["cases"][name]["broken_minus_healthy"] for name in order}
over_base = {name: patients["cases"][name]["broken"]["gold_over_base"]
    for name in order}
rows = []
for name in sorted(gaps, key=lambda name: gaps[name]["mean"]):
    low, high = gaps[name]["low"], gaps[name]["high"]
    verdict = ("same policy" if low == high else "worse" if high < 0 else "better"
        if low > 0
        else "not told apart")
    rows.append((order.index(name) + 1, span(gaps[name]), verdict,
        span(over_base[name]),
        clinic.case(name).fault))
show.table(["", "minus its twin", "", "over the base", "fault"], rows)

# %% tags=["hide", "remove-input"]
surely = ("sign", "zip", "prompt", "truncated", "clones")
assert all(gaps[name]["high"] < -0.25 for name in surely)
maybe = ("judge", "template", "length", "last")
assert all(gaps[name]["mean"] < 0 and gaps[name]["high"] < 0.2 for name in maybe)
level_with = ("endless", "leak", "control")
assert all(gaps[name]["low"] <= 0 <= gaps[name]["high"] for name in level_with)
assert {n for n in order if over_base[n]["high"] < 0} == {"sign", "zip"}
assert all(over_base[n]["mean"] < 0.4 for n in ("truncated", "prompt", "clones"))

# %%
longer, liked = patients["cases"]["endless"], patients["cases"]["length"]
last = {side: [round(p["mean"], 2)
    for p in patients["cases"]["last"][side]["curve"]["gold"]]
    for side in ("broken", "healthy")}
show.together(
    show.table(["tokens, minus its twin's", ""], [
        ("the end token is not trained", span(longer["length_gap"])),
        ("the reward model likes length", span(liked["length_gap"]))]),
    show.table(["gold by round", *range(len(last["broken"]))], [
        ("last round's data only", *last["broken"]), ("all rounds", *last["healthy"])]),
    show.replies(longer["broken"]["samples"][1]["prompt"],
        [longer[side]["samples"][1]["reply"] for side in ("broken", "healthy")],
        names=["end token not trained", "repaired"]))

# %% tags=["hide", "remove-input"]
assert longer["length_gap"]["low"] > 1 and liked["length_gap"]["low"] > 5
assert patients["cases"]["truncated"]["cut_gap"]["low"] > 0.2
assert last["broken"][-1] < last["broken"][2] - 0.2 < last["healthy"][-1] - 0.2

# %% [markdown]
# - **Ruined:** the flipped sign and the wrong pairs end below the policy they started from.
# - **Most of the gain lost:** cut replies as complete, loss on the prompt, copies of one reply.
#   Less than a third of a point over the base is left in the mean, where their twins gain a whole
#   one.
#   Their authors are content.
# - **Less in the mean, near the edge of chance:** the judge that is the selector, another chat
#   template, the reward model that likes length, the last round's data only.
#   They lose a quarter to a half of a point in the mean, and their intervals end near zero, on one
#   side or the other.
#   Read the verdicts in the table with that in mind.
#   A "worse" by a hair is no proof, and "not told apart" is no acquittal: the intervals leave room
#   for a loss of half a point and more.
#   What gives two of them away is another measure: replies a third longer, or a curve that turns
#   down after the second round.
#   (Judges who did not select ship that second round, which limits the damage.)
# - **Not told apart in gold, and no loss in the mean:** the end token that is not trained.
#   Its replies are longer: there are phrases after the point where an answer ends, as in the one
#   printed.
#   Our gold reward hardly minds.
#   (A common cause: the pad token is the end token, and padding is left out of the loss.)
# - **What was claimed is too much:** the leak, and the gain that is put down to the reward model.
#   Both have a section below, and so has the judge that is the selector.
#
# Two of the faults also change how much is trained: pooling all rounds means up to four times as
# many examples and steps, and the wrong pairs are about half as many.
# The clinic does not take this apart.
#
# ### The same twelve, judged at temperature 0
#
# The careful measurement also holds gold at temperature 0, one greedy reply a prompt.
# **Your prediction.**
# Is a fault that costs most of the gain at temperature 1 as plain at temperature 0?

# %%
cold = {name: patients["cases"][name]["greedy_gap"] for name in order}
zero = {name: patients["cases"][name]["broken"]["careful"]["greedy"]["mean"]
    for name in order}
sharp = patients["cases"]["sign"]  # its repaired twin is the standard healthy pipeline
sides = {"base policy": sharp["base"], "healthy": sharp["healthy"]["careful"],
    "random control": sharp["control"]["careful"]}
by_gap = sorted(gaps, key=lambda name: gaps[name]["mean"])
show.together(
    show.table(["", "gold at temperature 1", "at 0"],
        [(side, level(found["gold"]), level(found["greedy"])) for side,
            found in sides.items()]),
    show.table(["", "minus its twin, T = 1", "T = 0", "gold at T = 0", "fault"],
        [(order.index(name) + 1, span(gaps[name]), span(cold[name]),
            f"{zero[name]:.2f}",
            clinic.case(name).fault) for name in by_gap]))

# %% tags=["hide", "remove-input"]
hidden, base_zero = ("prompt", "truncated"), sharp["base"]["greedy"]
assert all(cold[name]["low"] < 0 < cold[name]["high"] and cold[name]["mean"] > -0.5
    for name in hidden)
assert all(zero[name] > base_zero["mean"] + 1 for name in hidden)
assert all(cold[name]["high"] < -0.3 for name in ("sign", "zip", "clones"))
assert sharp["healthy"]["careful"]["greedy"]["low"] > base_zero["high"] + 0.5

# %% [markdown]
# First the healthy pipeline.
# The base policy's greedy reply is bland, so temperature 0 brings the base little.
# It brings the healthy pipeline a whole point: training on chosen replies has changed the greedy
# reply too.
# The random control stays where the base is.
#
# Then the faults.
# Cut replies and loss on the prompt cost most of the gain at temperature 1.
# At temperature 0 neither is told apart from its healthy twin, and both stand a point and a half
# above the base.
# Judged by greedy replies, two broken pipelines pass: what they spoil is the spread of replies
# around the greedy one.
# You meet it wherever you sample: with users above temperature 0, and in the next round.
# The wrong pairs look milder too: at temperature 0 they stand where the base is, not below it.
# The flipped sign and the copies show at both temperatures.
#
# We judge at temperature 1 in this course because that is where candidates come from.
# Measure at the temperature at which you serve, and at the one at which you sample.
#
# ### What a leak does to a report
#
# Its author asks honest judges (gold), but half of the training prompts are test prompts.
# The fresh prompts are about topics that nobody trained on.
# Both, for the leaking pipeline and for its repaired twin:

# %%
leak, told, rows = patients["cases"]["leak"], {}, []
for side in ("broken", "healthy"):
    start, end = leak[side]["reported"]["before"], leak[side]["reported"]["after"]
    told[side] = end["mean"] - start["mean"]
    rows.append((side, level(end), f"{told[side]:+.2f}",
        span(leak[side]["gold_over_base"])))
rows.append(("broken minus repaired", span(leak["reported_gap"]), "–",
    span(leak["broken_minus_healthy"])))
show.table(["", "reported", "a gain of", "gain on fresh prompts"], rows)

# %%
sizes = clinic.case("leak").setting
(test, about), (mine, _) = clinic.test_prompts(sizes), clinic.leaking_prompts(sizes, 0)
seen = [a["topic"] for p, a in zip(test, about, strict=True) if p in set(mine)]
topics = {a["topic"] for a in about}
print(f"test prompts in training: {len(seen)} of {len(test)}; "
    f"test topics: {len(set(seen))} of {len(topics)}")

# %% tags=["hide", "remove-input"]
assert leak["reported_gap"]["mean"] > 0.4 and leak["reported_gap"]["low"] > -0.1
assert told["broken"] > leak["broken"]["gold_over_base"]["mean"] + 0.3
assert abs(leak["broken_minus_healthy"]["mean"]) < 0.2

# %% [markdown]
# On the same test prompts the report of the leaking pipeline ends half a point above that of its
# twin, and the interval only just excludes zero.
# On fresh prompts the two are equal in the mean.
# So the leak makes the report promise more than the policy gives on new topics.
# The intervals are wide: there are only eight topics on either side, and three seeds.
# And the leaked prompts also teach all of the test's topics: how much of the excess is memory of
# single questions and how much is knowing the topics, this run does not separate.
#
# ### Whose gain is it?
#
# One author sampled at temperature 0.3, had honest judges, and put the whole gain down to the
# reward model.

# %%
control = patients["cases"]["control"]
start, end = (
    control["broken"]["reported"][when]["mean"] for when in ("before", "after")
)
show.facts(
    {
        "claimed for the reward model": f"{end - start:.2f}",
        "gain of the random control over the base": span(
            control["control"]["gold_over_base"]
        ),
        "what the choice adds to it": span(control["broken_minus_control"]),
    }
)

# %% tags=["hide", "remove-input"]
assert control["control"]["gold_over_base"]["low"] > 0
assert control["broken_minus_control"]["low"] < 0.1
assert control["control"]["gold_over_base"]["mean"] > 0.4 * (end - start)

# %% [markdown]
# A random choice among the same candidates gains about half of what was claimed.
# Its candidates are colder than the base at temperature 1, and training on them makes the policy
# colder too.
# What the choice adds is not told apart from zero: at temperature 0.3 the candidates are much
# alike, and a reward model from 125 comparisons sees little difference between them.
#
# ### The judge that is the selector, round by round

# %%
hacked = patients["cases"]["judge"]
curves = hacked["broken"]["curve"]
rows = [(side, " ".join(map(str, hacked[side]["shipped"])),
    f"{hacked[side]['careful']['kl']['mean']:.1f}",
    level(hacked[side]["careful"]["greedy"]))
    for side in ("broken", "healthy")]
show.together(
    show.table(["by round", *range(len(curves["own"]))], [(side,
        *(f"{p['mean']:.2f}" for p in curves[side])) for side in ("own", "gold")]),
    show.table(["", "shipped rounds, by seed", "KL (nats)", "gold at temperature 0"],
        rows,
        f"Gold, broken minus repaired: {span(hacked['broken_minus_healthy'])}."))

# %% tags=["hide", "remove-input"]
own, true = ([p["mean"] for p in hacked["broken"]["curve"][side]]
    for side in ("own", "gold"))
assert all(b > a for a, b in pairwise(own)) and max(true) == true[1] > true[-1] + 0.1
assert all(shipped == 4 for shipped in hacked["broken"]["shipped"])
assert all(shipped < 4 for shipped in hacked["healthy"]["shipped"])
lost = hacked["broken_minus_healthy"]
assert lost["mean"] < -0.15 and lost["high"] < 0.1

# %% [markdown]
# The author's own score rises with every round, so the fourth is shipped.
# The other judges (gold on 160 prompts of their own) preferred an earlier round in all three runs.
# Gold, in the mean, is highest after the first round and falls from there.
# The fourth round costs about 0.3 of gold against the round that the judges ship.
# That interval only just excludes zero.
# At temperature 0 the order is the same, with an interval too wide to decide.
# The KL is plain: nearly 13 nats, for a score that only its own reward model believes.
#
# ### Copies: nothing to choose
#
# The pipeline with *N* copies of a greedy reply had no choice at all.
# And still its author's score rose, and gold with it in the mean.
# Here is what a careful reader asks next.

# %%
copies = patients["cases"]["clones"]
seen, one = copies["broken"]["selected"], copies["broken"]["samples"][0]
show.together(
    show.table(["", "gold at temperature 1", "at 0", "distinct-2"],
        [(name, level(row["gold"]), level(row["greedy"]),
            f"{row['distinct']['mean']:.2f}")
            for name, row in explore.measured_rows(copies, repaired=True)],
        f"Selected minus average reply: {seen['selected'][0] - seen['all'][0]:.3f}."),
    show.replies(one["prompt"], [one["reply"]], names=["one reply of the pipeline"]))

# %% tags=["hide", "remove-input"]
assert (
    copies["broken"]["careful"]["gold"]["high"]
    < copies["healthy"]["careful"]["gold"]["low"]
)
assert all(
    abs(copies["broken"]["careful"][m]["mean"] - copies["base"]["greedy"]["mean"]) < 0.3
    for m in ("gold", "greedy")
)
assert abs(seen["selected"][0] - seen["all"][0]) < 1e-6
assert copies["broken"]["careful"]["distinct"]["high"] < 0.4

# %% [markdown]
# Training on copies of the greedy reply teaches the policy to give it at temperature 1 too.
# So gold moves to about what the base has at temperature 0, and there it ends.
# That is little, because the base's greedy reply is a stock letter: polite, with one step in it.
# The reward model took no part: the selected candidate was worth exactly what the average one was.
# And diversity is low: little is left to choose from in a next round.
#
# How such a fault looks depends on the policy it meets.
# Where the greedy reply is nearly the best one (lesson 02 has such a help desk,
# `helpdesk-careful`), the same copies would look like a triumph of selection.
# Both times the gap between selected and average candidate is zero, and tells.
#
# ### Read the replies
#
# Here is the pipeline whose prompts and replies were paired wrongly, beside its repaired twin, on
# the same questions.

# %%
wrong, right = (patients["cases"]["zip"][side]["samples"][:3]
    for side in ("broken", "healthy"))
show.together(*(show.replies(w["prompt"], [w["reply"], r["reply"]],
    names=["broken", "repaired"], scores={"gold": [w["gold"], r["gold"]]})
    for w, r in zip(wrong, right, strict=True)))

# %% [markdown]
# Read several: to the first question both give the same stock letter, which shows nothing.
# The second broken reply has steps from three other questions.
# The third has one right step, between one of another topic and one that makes no sense.
# And how little code the fault takes.
# The list of prompts is filtered, the list of replies is not, and `zip` says nothing:
#
# ```python
# prompts = [p for (p, _), r in zip(examples, reward) if r >= reward.median()]
# return list(zip(prompts, [response for _, response in examples]))
# ```
#
# With `strict=True`, `zip` would have stopped with an error.
# Printing finds it too.
# Three questions with one reply each, the first with the lowest reward:

# %% tags=["nbval-check-output"]
asked = ["How do I reset my password?", "How do I print a document?",
    "How do I restore a deleted file?"]
answered = [["Open the sign-in page."], ["Send the document again."],
    ["Open the recycle bin."]]
kept = course.select_best(course.Pool.from_candidates(asked, answered,
    {"proxy": [[0.0], [1.0], [2.0]]}))
rows = [(step.__name__, policy.decode([p])[0].strip(), policy.decode([r])[0])
    for step in (clinic.misaligned_examples, clinic.reply_examples)
    for p, r in step(policy, kept)]
show.table(["step", "prompt", "reply"], rows)

# %% [markdown] tags=["slide"]
# ## A checklist to take away
#
# Roughly from cheap to dear.
#
# 1. **Print three training examples**, as the model sees them: prompt, reply, and which tokens
#    carry loss.
#    (Pairing, template, end token, cut replies, loss on the prompt.)
# 2. **Count the candidates that differ** for each prompt, and the gap between the selected and the
#    average score.
#    (Copies, a temperature too low; a gap of 0 means that there was no choice.)
# 3. **Score a good and a bad reply** that you wrote yourself.
#    (Sign, template, a reward model with a random head, a love of length.)
# 4. **Compare training and test prompts**, by what they ask.
#    (Leaks.)
# 5. **Read twenty replies** of the new policy, also the worst and the longest.
#    (Everything, at least once.)
# 6. **Look at length, diversity, unfinished replies and KL**, before and after.
#    (Length, copies, end token, drift over rounds.)
# 7. **Ask a judge that did not select**, on prompts that nobody trained on, at the temperature at
#    which you serve and at the one at which you sample.
#    (Over-optimisation, the judge that is the selector, damage that greedy replies hide.)
# 8. **Subtract a random choice** from the same candidates, trained in the same way.
#    (A gain put down to the wrong cause.)
# 9. **Repeat with three seeds and give intervals.**
#    (Luck.)
#
# ## What we found
#
# No numbered finding belongs to this lesson.
# In words:
#
# - Published systems differ in what selects (a reward model or a check) and in what each round
#   starts from.
# - Two rounds of rejection sampling with all rounds pooled bring most of the gain.
#   After them neither PPO on top nor a third round that samples about as many tokens adds gold that
#   can be told from zero, and the two are not told apart.
#   The proxy rises in both.
# - The constructed team's report said "better" where gold at temperature 1 on fresh prompts had not
#   risen.
#   Repaired, the pipeline gives a gain beyond chance, and the control shows that this is due to the
#   choice.
# - In the clinic all twelve authors had good news.
#   Two pipelines ended below the base policy, three more lost most of their gain, all beyond chance.
#   Of the other seven only one lost gold beyond chance, and only just: the judge that is the
#   selector.
#   Other measures show some of the faults: length, a curve that turns down, the KL.
#   The leak and the missing control show in what was claimed.
# - Two of the faults that cost most at temperature 1 do not show at temperature 0.
#   A pipeline judged by its greedy replies alone may be broken.
# - A pipeline without any choice (copies of a greedy reply) reported a rise, too.
#   A gain is not evidence for its explanation; the control is.
#
# ## What this leaves out
#
# One fault at a time is a teaching device: the team's case shows how several hide each other.
# Our gold reward is a formula; with people, step 7 costs money and has errors of its own.
# The miniature of Llama 2 has one reward model, not two, no larger model that samples for smaller
# ones, and a PPO with one tuned dial.
# Three seeds make wide intervals: a fault that costs half a point is not always told from none.
#
# ## In real systems
#
# - Llama 2's version 3 is patient "only the last round's data", in a real system: some skills got
#   worse, and pooling the best samples of all rounds was the repair (arXiv 2307.09288).
# - RAFT's stray "#" (reported; arXiv 2304.06767) was not seen by the reward model, so selection
#   could not remove it, and training on it spread it.
#
# ## Further reading
#
# Touvron et al., *Llama 2*, arXiv 2307.09288, section 3.2 on the loop.
# Yuan et al., *Scaling relationship on learning mathematical reasoning*, arXiv 2308.01825, for RFT
# with its ablations.
# Gao, Schulman and Hilton, arXiv 2210.10760, for the judge that is the selector.
#
# ## Now you
#
# **Exercise** `exercises/ex08`: repair the parts of broken pipelines, and find the first fault in a
# report.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("08")
