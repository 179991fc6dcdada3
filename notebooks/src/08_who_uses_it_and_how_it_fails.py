# %% [markdown] tags=["slide"]
# # Who uses it, and how it fails
#
# **You will:** see who uses best-of-N and rejection-sampling fine-tuning, take a flawed pipeline
# apart and repair it, diagnose five broken ones, and leave with a checklist.
#
# **Builds on:** lesson 04 (reward model and gold), lesson 05 (rounds and the random control) and
# lesson 07.
#
# **Time:** 32 minutes, and 30 more for the parts marked *Deeper*.

# %% [markdown]
# ## Twelve teams report
#
# Twelve teams fine-tuned a help desk by rejection sampling.
# Each shows you one line: the score it reports, from the start of training to its end.

# %% tags=["slide"]
import course_lib as course
from course_lib import results
from course_lib.classroom import adoption, explore, plots, quiz, show
from course_lib.experiments import clinic

patients = results.load("clinic")
order = explore.patients(patients)
plots.dashboards(patients, order)

# %% tags=["hide", "remove-input"]
told = {name: patients["cases"][name]["broken"] for name in order}
for side in told.values():
    assert side["reported"]["after"]["mean"] > side["reported"]["before"]["mean"]
    assert side["curve"]["own"][-1]["mean"] > side["curve"]["own"][0]["mean"]
for name in order:
    line = patients["cases"][name]["healthy"]["curve"]["own"]
    assert line[-1]["mean"] > line[0]["mean"]
assert sum(side["gold_over_base"]["high"] < 0 for side in told.values()) == 2

# %% [markdown] tags=["slide"]
# Every line ends above its start.
# And all twelve pipelines are broken: in each, one step was replaced by a wrong one, or too much
# was claimed.
# By a careful measurement two of the twelve end *below* the assistant they began with.
# Nothing in the picture says which.
# Repaired, the twelve show rising lines too.
#
# **The dashboard of a broken pipeline looks like that of a healthy one.**
# This lesson is about telling them apart.
# First: who does this in earnest, and how?

# %% [markdown]
# ## Who does what
#
# Eight published systems.
# The fourth column tells whether any weights change.

# %% tags=["slide"]
adoption.systems()

# %% [markdown] tags=["slide"]
# Three patterns stand out.
#
# 1. **A check where there is one, a reward model where there is none.**
#    WebGPT and the two Llamas answer open questions and ask a reward model.
#    ReST-EM and DeepSeek-R1 keep what is correct.
#    A wrong path with a right answer slips through.
#    Flattery does not.
# 2. **Start from the base again, or learn from all rounds.**
#    ReST-EM and DeepSeek-R1 fine-tune the base model anew.
#    Llama 2 pools the best replies of all rounds.
#    Its version 3 kept those of the last round only, and rhymed worse.
# 3. **Often it is one stage of several.**
#    After it comes PPO in Llama 2, DPO in Llama 3, more RL in DeepSeek-R1 and Qwen3.
#    Tülu 3 tried it and dropped it.
#    Look for such rows before you adopt anything.

# %% tags=["hide", "remove-input"]
row = {system.name: system for system in adoption.SYSTEMS}
assert all("base model" in row[name].followed for name in ("ReST-EM", "DeepSeek-R1"))
assert all("correct" in row[name].chose for name in ("ReST-EM", "DeepSeek-R1"))
assert "PPO" in row["Llama 2-Chat"].followed and "DPO" in row["Llama 3"].followed
assert all("RL again" in row[name].followed for name in ("DeepSeek-R1", "Qwen3"))
asked = ("WebGPT", "Llama 2-Chat", "Llama 3")
assert all(row[name].chose == "a reward model" for name in asked)
assert "dropped" in row["Tülu 3"].followed and len(adoption.SHORT) == 8

# %% [markdown]
# ## Deeper: The whole table

# %% [markdown]
# All systems whose settings we could check, oldest first.
# Where a cell gives no number, we found none in its source.

# %%
adoption.systems(every=True)

# %% [markdown]
# Four of these rows say more than a cell can hold.
#
# - **The verifiers for GSM8K** showed in 2021 that choosing can go too far.
#   With up to 400 candidates the answers got better.
#   Beyond that the risk of "adversarial solutions that fool the verifier" outweighed the gain.
# - **Tülu 3** names two lessons from its failure (arXiv 2411.15124, section 8.2).
#   "Strong judges are vital", and it worked much better to let the judge keep the *original* reply
#   when that was the best.
# - **Llama-Nemotron** is built on a larger model's replies.
#   Rejection fine-tuning on top gave its 49B model no gain (arXiv 2505.00949, section 4.2).
# - **RSO** is the one that is rejection sampling in the statistician's sense: it accepts a
#   candidate with a probability that falls with its distance from the best.
#
# Not everybody does it, and those who do say little: Lambert's *RLHF Book* (2026) calls it "one of
# the most widely used yet least documented methods in preference fine-tuning".
# The papers of Olmo 2 and Olmo 3 describe fine-tuning, then DPO, then RL with verifiable rewards
# (arXiv 2501.00656, arXiv 2512.13961).
# And in s1 "rejection sampling" means something else: sample again until the reply is short enough
# (arXiv 2501.19393).
#
# Two libraries have taken the choice out.
# TRL removed its `BestOfNSampler` in version 0.25 because it was "not widely used" (TRL pull
# request
# 4291), and its PPO in September 2026 (pull request 7020).
# vLLM dropped `best_of`, which returned the likeliest of several replies: quality "isn't reliably
# correlated" with likelihood (vLLM issue 13361; lesson 04, Finding 4.2, measures that).
# Sampling n replies stays, and the choice is yours.

# %% [markdown]
# ## Deeper: Llama 2's loop in miniature

# %% [markdown]
# Llama 2-Chat in its later versions: sample, keep the best, fine-tune on the best of *all* rounds,
# then PPO on top.
# Here is a small piece of it, live on the help desk.

# %%
from course_lib import assets
from course_lib.methods import ppo

desk = course.load_policy(assets.path("helpdesk/policy"))
learned = course.load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy")
asked, about = course.load_world("helpdesk").prompts("train", limit=96, seed=0)
rounds = course.rejection_sampling_rounds(desk, asked, learned, info=about, rounds=2,
    keep="all", start="base", n=8, epochs=3, batch_size=16)
on_top = ppo(rounds[-1].policy, asked, learned, about, steps=5, prompts_per_step=48,
    n=1, lr=1e-4)
show.facts({f"trained on in round {k}": len(one.trained_on)
    for k, one in enumerate(rounds, 1)})

# %% [markdown]
# The second round trains the base policy again, on its own best replies and on those of the first.
# PPO pays for distance from the policy it starts from: its KL is to the policy of round 2, not to
# the base.
#
# The stored experiment (`python benchmarks/llama2_loop.py`) takes three seeds and rounds of 128
# prompts × 8.
# PPO then samples about as many tokens as a third round of rejection sampling.
# That third round is the control: PPO's samples could have gone into it.

# %% tags=["slide"]
from course_lib.estimators import bootstrap_interval
from course_lib.models import GoldReward

loop = results.load("llama2_loop")
world = course.load_world("helpdesk")
held, facts = world.prompts("heldout", limit=loop["size"]["held"], seed=0)
cold = course.score(course.sample(desk, held, n=1, temperature=0, info=facts),
    GoldReward(world)).reward("gold")[:, 0]
standing = {"base, T = 0": bootstrap_interval(cold, groups=[f["topic"] for f in facts])}
plots.llama2_loop(loop, standing)

# %% tags=["hide", "remove-input"]
gaps = {name: gap["gold"] for name, gap in loop["gaps"].items()}
assert gaps["RS, round 1 minus base"]["low"] > 0.4
assert gaps["RS, round 2 minus RS, round 1"]["low"] > 0.1
further = ("RS, round 3 minus RS, round 2", "RS, round 2, then PPO minus RS, round 2",
    "RS, round 2, then PPO minus RS, round 3")
assert all(gaps[name]["low"] < 0 < gaps[name]["high"] < 0.5 for name in further)
assert all(0 < gaps[name]["mean"] < 0.15 for name in further)
assert f"{max(gaps[name]['high'] for name in further):.1f}" == "0.4"
assert all(loop["gaps"][name]["proxy"]["low"] > 0 for name in further[:2])
assert loop["ppo_rate"] == min(map(float, loop["ppo_rates"]))
assert len(loop["ppo_rates"]) == 3
assert float(cold.mean()) < loop["stages"]["RS, round 1"]["gold"]["low"]
spent = {name: stage["tokens"] - loop["stages"]["RS, round 2"]["tokens"]
    for name, stage in loop["stages"].items()}
assert 1 < spent["RS, round 2, then PPO"] / spent["RS, round 3"] < 1.05
assert [len(one.trained_on) for one in rounds] == [96, 192]

# %% [markdown]
# Left the levels, all but the first at temperature 1.
# Right the paired differences, which are surer than overlapping bars suggest.
#
# - The first round brings a point, the second a third of one.
#   Both lie above the base at temperature 0.
# - After that neither a third round nor PPO adds gold that we can tell from zero.
#   Between the two there is no difference we can detect.
#   "PPO adds nothing" would be wrong too: the intervals leave room for 0.4 of a point.
# - The reward model's score rises in both, beyond chance.
#   A report by that score would speak of progress that gold does not confirm.
#
# PPO's learning rate was the best of three by gold, on another seed.
# It was the smallest, so a still smaller one was not tried.

# %% [markdown]
# ## On paper: three numbers in a report
#
# One prompt, four candidates.
# The reward model says 1, 2, 3 and 6.
# Gold, which the team cannot see, says 2, 3, 4 and 1.
# The pipeline keeps the candidate with the highest score.
# **With a pencil:** what is its gain over the average candidate, by the reward model?
# What is it by gold?
# And what does a random choice gain, on average?

# %% tags=["nbval-check-output", "slide"]
score, gold = [1, 2, 3, 6], [2, 3, 4, 1]
chosen = score.index(max(score))
average = sum(gold) / 4
show.facts({"by the reward model": score[chosen] - sum(score) / 4,
    "by gold": gold[chosen] - average,
    "by gold, a random choice": sum(each - average for each in gold) / 4})

# %% [markdown] tags=["slide"]
# By the reward model +3, by gold −1.5.
# The random choice gains 0 here: nothing is trained yet.
# With training in between it can gain a good deal, and that is why it is the control.
# Three numbers belong in every report: **before**, **after**, and **the random control**, all by
# judges who did not select (here gold).
# They split the gain in two:
#
# after − before = (after − control) + (control − before)
#
# The first bracket is due to the choice, the second to training at all.
# In the example by gold: −1.5 = −1.5 + 0.

# %% [markdown]
# ## A case: a flawed improvement pipeline
#
# In this lesson a pipeline is a list of functions, one a step.
# This is the healthy one:

# %%
rows = [(step, f"{function.__name__}: {function.__doc__.splitlines()[0]}")
    for step, function in vars(clinic.HEALTHY).items() if callable(function)]
show.table(["step", "what it does"], rows)

# %% [markdown]
# To break it, put another function in the place of one, with `dataclasses.replace`.
# The sizes stand in a `Setting`.
# A team replaced two functions and some sizes, and here is its report.
# Team and text are made up; the numbers are real, from this cell.

# %% tags=["slide"]
from course_lib import assets

policy = course.load_policy(assets.path("helpdesk/policy"))
strong, weak = (course.load_reward_model(assets.path(f"helpdesk/{name}"), name="proxy")
    for name in ("reward-8000", "reward-125"))
setting = clinic.TEAM_SETTING
outcome = clinic.run(clinic.TEAM, setting, base=policy, reward=weak)
show.replies("The team's report", [clinic.team_report(outcome, setting, weak)])

# %% [markdown]
# **Your prediction.**
# Find the faults before you read on; we count nine.
# And what did gold do?
# We ask it on questions that nobody trained on, at temperature 1 as in the team's test.

# %% tags=["hide"]
quiz.predict("08-team", "The team's score rose by 0.6. Gold changed by …", low=-1.0,
    high=1.0, step=0.1, unit="points", start=0.0)

# %% tags=["answer", "slide"]
from course_lib.estimators import paired_difference

before, _ = clinic.careful(policy, policy, setting)
after, replies = clinic.careful(outcome.policy, policy, setting)
own = [clinic.reported(clinic.TEAM, each, setting, weak)
    for each in (outcome.policy, policy)]
changes = {"the team's own score": paired_difference(*own),
    "gold at temperature 1": paired_difference(after["gold"], before["gold"]),
    "gold at temperature 0": paired_difference(after["greedy"], before["greedy"])}
plots.differences(list(changes), {"change": list(changes.values())},
    "after minus before (points)").guessed("08-team", axis="x")

# %% tags=["hide", "remove-input"]
cut, liked = clinic.unfinished(replies), course.score(replies, weak).reward("proxy")
assert changes["the team's own score"].low > 0.3
assert -0.4 < changes["gold at temperature 1"].mean < -0.1
assert -0.1 < changes["gold at temperature 1"].high < 0
assert changes["gold at temperature 0"].low > 0.5
assert 0.15 < after["cut"].mean() < 0.25 and before["cut"].mean() < 0.004
at = [about["topic"] for about in clinic.fresh_prompts(setting)[1]]
wide = paired_difference(after["gold"], before["gold"], groups=at)
assert len(set(at)) == 8 and -0.8 < wide.low < -0.6 and 0.7 < wide.high < 0.85
by_topic = {topic: [] for topic in at}
for topic, change in zip(at, after["gold"] - before["gold"], strict=True):
    by_topic[topic].append(change)
assert sorted(sum(found) > 0 for found in by_topic.values()) == [False] * 6 + [True] * 2
assert liked[cut].mean() > liked[~cut].mean() - 0.1

# %% [markdown]
# The team's score rose, and gold at the same temperature fell by a quarter of a point.
# One run: it fell on six of our eight topics and rose on two.
# For others the interval is −0.7 to 0.8.
# One reply in five now stops in mid-sentence; of the old assistant hardly any did.
# The team's reward model, trained on whole replies, does not mind.
#
# At temperature 0 the same assistant gains a whole point.
# Greedy replies alone would hide the damage.
#
# ### Data: what is in the training set?

# %% tags=["nbval-check-output"]
mine, _ = clinic.leaking_prompts(setting, 0)
test, _ = clinic.test_prompts(setting)
show.facts({"training prompts": len(mine), "test prompts": len(test),
    "in both": len(set(mine) & set(test))})

# %% [markdown]
# Half of the training questions are test questions.
# So we measured on other topics.
# The team has three quarters of them all, the last is ours: `Setting(topics="quarters")`.
#
# ### What is trained: which tokens carry loss?
#
# Print what the optimiser sees, as text.

# %% tags=["slide"]
shown = [tuple(map(policy.tokenizer.decode, pair)) for pair in outcome.examples]
ends = [reply.removesuffix("<|end|>").rstrip()[-1:] in ".!?" for _, reply in shown]
show.table(["no loss", "loss"], shown[1:5],
    f"{100 - 100 * sum(ends) / len(ends):.0f} % of all replies end in mid-sentence.")

# %% tags=["hide", "remove-input"]
assert 0.4 < 1 - sum(ends) / len(ends) < 0.6 and not all(ends[1:5])
assert all(reply.endswith("<|end|>") for _, reply in shown)

# %% [markdown]
# The limit of 20 tokens cut half of the replies, and "the trainer adds the end token" made each a
# complete one.
# The policy learns to stop there.

# %% [markdown] tags=["slide"]
# ### Nine faults
#
# - **Data:** half of the training questions are test questions.
# - **Training:** cut replies got an end token.
#   A falling loss is taken for promise, and it falls on bad data too.
# - **Judge:** the reward model comes from 125 comparisons.
#   The score that selects is also the judge.
#   The score of "the replies we trained on" stands among the results, and they were chosen for it.
# - **Claim:** no control, so the gain could be that of training at all.
#   One run and no interval.
#   Three more rounds are planned, with nobody else to say when to stop.

# %% [markdown]
# ### Repair, one fault at a time
#
# Below the team's, each row is a full run with one more repair.
# The last is the random control of the repaired pipeline.
# The bars allow for other questions about our eight topics, not for another run.

# %%
from dataclasses import replace

whole = replace(setting, max_tokens=96)
good = replace(whole, reward="reward-8000")
complete = replace(clinic.TEAM, examples=clinic.reply_examples)
at_random = replace(clinic.HEALTHY, select=clinic.choose_at_random)
ladder = {"replies complete": (complete, whole, weak),
    "+ 8,000 comparisons": (complete, good, strong),
    "+ test prompts out": (clinic.HEALTHY, good, strong),
    "its random control": (at_random, good, strong)}
measured = {"old assistant": before, "the team's": after}
for name, (pipeline, sizes, reward) in ladder.items():
    repaired = clinic.run(pipeline, sizes, base=policy, reward=reward)
    measured[name], _ = clinic.careful(repaired.policy, policy, sizes)

# %% tags=["slide"]
from course_lib.estimators import bootstrap_interval

marks = {where: [bootstrap_interval(found[key]) for found in measured.values()]
    for where, key in (("at temperature 0", "greedy"), ("at temperature 1", "gold"))}
plots.dumbbells(list(measured), marks, "gold reward (points)")

# %% tags=["hide", "remove-input"]
by_gold = [found["gold"] for found in measured.values()]
steps = [paired_difference(new, old)
    for old, new in zip(by_gold[:-1], by_gold[1:], strict=True)]
assert steps[1].low > 0.2 and steps[2].low > 0 and steps[1].mean > steps[2].mean
assert not steps[3].excludes_zero
by_choice = paired_difference(by_gold[4], by_gold[5])
by_training = paired_difference(by_gold[5], by_gold[0])
assert 0.75 < by_choice.mean < 0.85 and by_training.high < 0.1
assert 0.5 < by_choice.low < 0.65 and 0.95 < by_choice.high < 1.05
over_topics = paired_difference(by_gold[4], by_gold[5], groups=at)
assert 0.35 < over_topics.low < 0.5 and 1.4 < over_topics.high < 1.55

# %% tags=["hide", "remove-input"]
at_0 = [found["greedy"].mean() for found in measured.values()]
assert not paired_difference(before["greedy"], by_gold[4]).excludes_zero
assert 2.5 < at_0[4] < 2.7 and 0.84 < at_0[0] < 0.95
from course_lib.models import GoldReward

fresh, fresh_info = clinic.fresh_prompts(setting)
judge = GoldReward(course.load_world("helpdesk"))
for temperature in (0.2, 0.4, 0.6, 0.8):
    pool = course.sample(policy, fresh, n=2, temperature=temperature, info=fresh_info)
    warm = course.score(pool, judge).reward("gold").mean()
    assert warm < at_0[0]

# %% [markdown] tags=["slide"]
# - **Complete replies** bring the largest step at temperature 1.
# - **A reward model from 8,000 comparisons** brings another.
# - **Test prompts out:** no difference we can detect.
#   A leak spoils the *report*.
# - **The random control** gains nothing at temperature 1.
#   So the gain is due to the choice: 0.8 points, interval 0.6 to 1.0, over topics 0.4 to 1.5.

# %% [markdown] tags=["slide"]
# The standing rival is the old assistant at its best temperature, here 0.
# Between it and the repaired one at temperature 1 there is no difference we can detect.
# Served at 0 as well, the repaired one has 2.6 points against 0.9.
#
# What should the team have written?
# One line: *by judges who did not select, on fresh questions, at the temperature at which we serve:
# before, after and the control, each with its interval.*

# %% [markdown]
# ## The clinic
#
# Now you are the doctor, the twelve teams are your patients, by the same numbers.
# Each is a small pipeline (128 prompts × 8 candidates) with one fault, run on three
# seeds beside its repaired twin and a random control.
# Patient 8 comes first.
# Its loss falls, its score rises, and these are three of its replies.

# %% tags=["slide"]
case = patients["cases"][order[7]]
said = case["broken"]["samples"][1:4]
show.together(*(show.replies(one["prompt"], [one["reply"]]) for one in said))

# %% [markdown]
# **Your prediction.**
# Name the fault before you look.

# %% tags=["hide"]
five = [1, 3, 4, 5, 8]
quiz.predict("08-patient-8", "What is wrong with patient 8?",
    options=sorted(clinic.case(order[number - 1]).fault for number in five))

# %% tags=["answer"]
twin = case["healthy"]["samples"][1:4]
show.together(show.guess("08-patient-8", clinic.case(order[7]).fault),
    *(show.replies(one["prompt"], [one["reply"], other["reply"]],
        names=["patient 8", "its repaired twin"],
        scores={"gold": [one["gold"], other["gold"]]}, beside=True)
    for one, other in zip(said, twin, strict=True)))

# %% tags=["hide", "remove-input"]
losses = [loss for _, loss in case["broken"]["losses"]]
assert losses[-1] < losses[0]
assert order[7] == "zip" and sum(one["gold"] for one in said) < 0
assert all(one["gold"] < other["gold"] for one, other in zip(said, twin, strict=True))
assert [other["gold"] > 0 for other in twin] == [True, True, False]

# %% [markdown] tags=["slide"]
# ### Read the replies
#
# Most of these steps belong to somebody else's question.
# The twin slips too, in the third.
# Little code does it: the list of prompts was filtered, the list of replies was not, and `zip`
# says nothing.
#
# ```python
# prompts = [p for (p, _), r in zip(examples, reward) if r >= reward.median()]
# return list(zip(prompts, [response for _, response in examples]))
# ```
#
# With `strict=True` the second `zip` would have stopped with an error.
# Three printed pairs show it too.

# %% [markdown]
# ### Five patients
#
# Patient 8 you know; four are new.
# You first see what the author sees.
# Name the fault first, and turn to the careful measurement when you are stuck.
# A wrong guess is answered with what you *would* see if you were right.
# Then press *Repair*.

# %% tags=["slide"]
explore.pipeline_clinic(patients, core=five)

# %% [markdown]
# By keyboard: Tab moves between the controls, Enter or Space presses a button.
# Where widgets cannot run you see patient 1 as its author does.
# Run `explore.pipeline_clinic(patients, first=3)` for another one, with `show="careful"` for its
# careful measurement.
#
# ### What the five cost
#
# Do not run this before you have named some of them.

# %% tags=["answer", "slide"]
names = [order[number - 1] for number in five]
names.sort(key=lambda name: patients["cases"][name]["broken_minus_healthy"]["mean"])
lost = {"gold": [patients["cases"][name]["broken_minus_healthy"] for name in names]}
plots.differences([clinic.case(name).fault for name in names], lost,
    "gold at temperature 1, minus its repaired twin (points)")

# %% tags=["hide", "remove-input"]
over = {name: patients["cases"][name]["broken"]["gold_over_base"] for name in order}
assert {name for name in order if over[name]["high"] < 0} == {"sign", "zip"}
assert names[:2] == ["zip", "sign"] and names[4] == "control"
assert all(-0.9 < gap["mean"] < -0.6 for gap in lost["gold"][2:4])
assert all(gap["high"] < -0.25 for gap in lost["gold"][:4])
whole_gain = patients["cases"]["sign"]["healthy"]["gold_over_base"]["mean"]
assert all(0.2 < over[name]["mean"] < 1 / 3 for name in ("prompt", "clones"))
assert 0.9 < whole_gain < 1.1
drawn = patients["cases"]["control"]
claim = [drawn["broken"]["reported"][when]["mean"] for when in ("before", "after")]
share = drawn["control"]["gold_over_base"]["mean"] / (claim[1] - claim[0])
assert clinic.case("control").setting.temperature == 0.3
assert 0.4 < share < 0.6 and drawn["control"]["gold_over_base"]["low"] > 0

# %% [markdown] tags=["slide"]
# - **Ruined:** wrong pairs and a flipped sign end below the policy they started from.
# - **Most of the gain lost:** loss on the prompt, and copies of one reply.
#   Their twins gain a whole point, they gain less than a third.
# - **Only the claim is wrong:** the gain that was put down to the reward model.
#   A random choice among the same candidates (T = 0.3) brings half of it.

# %% [markdown]
# ## Deeper: All twelve patients, by number and by name

# %% [markdown]
# Seven more patients wait at the desk, with seven other faults to choose from: 2, 6, 7 and 9 to 12.
# Try some of them first.
#
# Here are all twelve by number, which gives no name away.
# Filled: gold of the patient at temperature 1, as it was.
# Open: its repaired twin.
# The upright mark is the base policy at temperature 0, the best of the temperatures we tried for
# it; patient 9 was measured on other topics, so its mark stands elsewhere.

# %% tags=["slide"]
plots.clinic_gold(patients, order)

# %% [markdown]
# In the mean eleven of the twelve repaired pipelines pass the base at its best, and seven of the
# broken ones end below it.
# Served at temperature 0 the repaired ones lead by more (lesson 05, Finding 5.2).
# Now the names, and both temperatures: what each fault costs against its repaired twin.

# %% tags=["slide"]
cases, at_1 = patients["cases"], "broken_minus_healthy"
worst = sorted(order, key=lambda name: cases[name][at_1]["mean"])
sides = {where: [cases[name][key] for name in worst]
    for where, key in (("at T = 0", "greedy_gap"), ("at T = 1", at_1))}
plots.differences([f"{order.index(name) + 1}: {clinic.case(name).fault}"
    for name in worst], sides, "gold, minus its repaired twin (points)")

# %% tags=["hide", "remove-input"]
warm_gap = {name: cases[name][at_1] for name in order}
cold_gap = {name: cases[name]["greedy_gap"] for name in order}
surely = ("sign", "zip", "prompt", "truncated", "clones")
assert all(warm_gap[name]["high"] < -0.25 for name in surely)
assert all(over[name]["mean"] < 1 / 3 for name in ("truncated", "prompt", "clones"))
edge = ("judge", "template", "length", "last")
assert all(-0.5 < warm_gap[name]["mean"] < -0.2 for name in edge)
assert all(-0.1 < warm_gap[name]["high"] < 0.2 for name in edge)
level = ("endless", "leak", "control")
assert all(warm_gap[name]["low"] <= 0 <= warm_gap[name]["high"] for name in level)
hidden = [cold_gap[name] for name in ("prompt", "truncated")]
assert all(gap["low"] < 0 < gap["high"] and gap["mean"] > -0.35 for gap in hidden)
assert all(cold_gap[name]["high"] < -0.3 for name in ("sign", "zip", "clones"))
assert cases["endless"]["length_gap"]["low"] > 1
assert cases["length"]["length_gap"]["low"] > 5

# %% tags=["hide", "remove-input"]
turned = [point["mean"] for point in cases["last"]["broken"]["curve"]["gold"]]
assert turned[-1] < max(turned) - 0.2 and turned.index(max(turned)) == 2
everywhere, infos = clinic.fresh_prompts(clinic.Setting())
for temperature in (0.2, 0.4, 0.6, 0.8):
    pool = course.sample(policy, everywhere, n=4, temperature=temperature, info=infos)
    warm = course.score(pool, judge).reward("gold").mean()
    assert warm < cases["sign"]["base"]["greedy"]["mean"]
above = {"healthy": 0, "broken": 0}
for one in cases.values():
    for side in above:
        level_of = one[side]["careful"]["gold"]["mean"]
        above[side] += level_of > one["base"]["greedy"]["mean"]
assert above == {"healthy": 11, "broken": 12 - 7}
assert all(cases[n]["healthy"]["careful"]["greedy"]["mean"]
    > cases[n]["healthy"]["careful"]["gold"]["mean"] for n in order)
taken = {n: [cases[n][side]["losses"][-1][0] for side in ("broken", "healthy")]
    for n in ("last", "zip")}
assert taken == {"last": [96, 240], "zip": [15, 24]}

# %% [markdown]
# - **Five cost gold well beyond chance**, between 0.7 and 1.8 points at temperature 1.
# - **Four are near the edge of chance:** length, the other template, the judge that is the
#   selector,
#   the last round's data only.
#   They lose a quarter to half a point in the mean, and their intervals end near zero.
#   Other measures give some of them away: replies a third longer, a curve of gold that turns down
#   after round 2.
# - **Three cost no gold:** the missing control, the leak, and the end token that is not trained.
#   The last has longer replies, with phrases after the point where an answer ends.
#
# At temperature 0 two of the five nearly vanish.
# Cut replies and loss on the prompt spoil the spread of replies around the greedy one, and you meet
# that wherever you sample: with users above temperature 0, and in the next round.
#
# Two faults also change how much is trained, so their rows mix two causes: "last round only" takes
# 96 steps where its twin takes 240, and the wrong pairs take 15 where theirs takes 24.

# %% [markdown]
# ## Deeper: A leak, a missing control, a judge who selects

# %% [markdown]
# ### What a leak does to a report
#
# Its author asks honest judges, but half of the training prompts are test prompts.
# The gain it reports, and the gain on topics that nobody trained on:

# %%
leak, gains = patients["cases"]["leak"], []
for who in ("broken", "healthy"):
    report, fresh_gain = leak[who]["reported"], leak[who]["gold_over_base"]["mean"]
    rise = report["after"]["mean"] - report["before"]["mean"]
    gains.append((who, f"{rise:+.1f}", f"{fresh_gain:+.1f}"))
gap = leak["reported_gap"]
show.table(["", "reported", "on fresh topics"], gains, "Reported, broken minus "
    f"repaired: {gap['mean']:+.2f} [{gap['low']:+.2f}, {gap['high']:+.2f}].")

# %% tags=["hide", "remove-input"]
assert 0.4 < gap["mean"] < 0.7 and 0 < gap["low"] < 0.05
assert abs(leak["broken_minus_healthy"]["mean"]) < 0.05

# %% [markdown]
# The leaking report ends half a point higher than that of its twin, and the interval only just
# excludes zero.
# On fresh topics the two are equal.
# The leaked prompts also teach the test's *topics*, so this is more than a memory of questions.
#
# ### Whose gain is it?
#
# One author sampled at temperature 0.3, had honest judges, and put the whole gain down to the
# reward model.

# %%
alone = patients["cases"]["control"]
start, end = (alone["broken"]["reported"][when]["mean"] for when in ("before", "after"))
parts = {"of a random choice": alone["control"]["gold_over_base"],
    "added by the choice": alone["broken_minus_control"]}
show.facts({"claimed for the reward model": f"{end - start:.2f}",
    **{name: f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"
    for name, v in parts.items()}})

# %% tags=["hide", "remove-input"]
assert alone["broken_minus_control"]["low"] < 0 < parts["of a random choice"]["low"]
sizes = clinic.case("control").setting
some, known = clinic.training_prompts(sizes, 0)
pool = course.sample(policy, some[:32], n=8, temperature=sizes.temperature,
    info=known[:32])
different = [len(set(texts)) for texts in pool.texts]
assert sizes.reward == "reward-125" and 2 < sum(different) / 32 < 3

# %% [markdown]
# Candidates at temperature 0.3 are sharper than the base at 1, and training on them makes the
# policy
# sharper, whoever chooses.
# What the choice adds is no difference we can detect.
# The two parts sum to a little less than the claim: they come from other samples of replies.
# It had little to work with: a reward model from 125 comparisons, and two or three different
# replies among eight.
#
# ### The judge that is the selector

# %%
hacked = patients["cases"]["judge"]
curves = hacked["broken"]["curve"]
show.table(["by round", *range(5)], [(name, *(f"{p['mean']:.1f}" for p in curves[key]))
    for name, key in (("its own score", "own"), ("gold", "gold"))],
    f"Shipped rounds, by seed: {hacked['broken']['shipped']}; by judges who did not "
    f"select: {hacked['healthy']['shipped']}. KL of what it ships: "
    f"{hacked['broken']['careful']['kl']['mean']:.0f} nats.")

# %% tags=["hide", "remove-input"]
climbs, falls = ([p["mean"] for p in curves[key]] for key in ("own", "gold"))
assert climbs == sorted(climbs) and falls[1] > falls[0]
assert falls[1:] == sorted(falls[1:], reverse=True) and falls[1] > falls[-1] + 0.1
assert set(hacked["broken"]["shipped"]) == {4} and max(hacked["healthy"]["shipped"]) < 4

# %% [markdown]
# Its own score rises with every round, so the fourth is shipped.
# Gold rises in the first round alone.
# Judges who did not select preferred an earlier round in all three runs.

# %% [markdown]
# ## Deeper: Copies that beat the healthy pipeline

# %% [markdown]
# Patient 4 chose among copies of one greedy reply, so there was nothing to choose.
# On this help desk that costs most of the gain, because the greedy reply is a bland stock letter.
# Lesson 02 has another desk, `helpdesk-careful`, whose greedy reply is nearly the best one.
# The same two pipelines there, one run each:

# %%
careful = course.load_policy(assets.path("helpdesk-careful/policy"))
sizes, found = clinic.Setting(), {}
arms = {"copies": clinic.case("clones").broken, "healthy": clinic.HEALTHY}
found["base"], _ = clinic.careful(careful, careful, sizes)
chosen_by = {}
for name, pipeline in arms.items():
    run = clinic.run(pipeline, sizes, base=careful, reward=strong)
    found[name], _ = clinic.careful(run.policy, careful, sizes)
    chosen_by[name] = run.selected["selected"][0] - run.selected["all"][0]

# %% tags=["slide"]
topics = [fact["topic"] for fact in clinic.fresh_prompts(sizes)[1]]
pairs = {where: [bootstrap_interval(one[key], groups=topics) for one in found.values()]
    for where, key in (("at temperature 0", "greedy"), ("at temperature 1", "gold"))}
plots.dumbbells(list(found), pairs, "gold reward on the careful desk (points)")

# %% tags=["hide", "remove-input"]
assert paired_difference(found["copies"]["gold"], found["healthy"]["gold"],
    groups=topics).low > 1
assert all(paired_difference(found["base"]["greedy"], found[name]["gold"],
    groups=topics).low > 0 for name in arms)
cold_means = {name: one["greedy"].mean() for name, one in found.items()}
assert max(cold_means, key=cold_means.get) == "base"
assert chosen_by["copies"] < 1e-5 and chosen_by["healthy"] > 1

# %% [markdown]
# The copies beat the healthy pipeline by more than a point at temperature 1.
# It looks like a triumph of selection, and there was none: the selected candidate scored exactly
# what the average one did.
# And the base, untrained, at temperature 0 is ahead of both at temperature 1.
# At temperature 0 neither is ahead of it.
# A gain says nothing about its cause, and the rival of every pipeline is the base at its best
# temperature.

# %% [markdown] tags=["slide"]
# ## A checklist to take away
#
# From cheap to dear.
#
# 1. **Print three training examples** as the model sees them: prompt, reply, and which tokens carry
#    loss.
# 2. **Count the candidates that differ**, and take the gap between selected and average score.
#    A gap of 0 means there was no choice.
# 3. **Score a good and a bad reply** that you wrote yourself.
# 4. **Compare training and test prompts**, by what they ask.
# 5. **Read twenty replies**, also the worst and the longest.
# 6. **Look at length, diversity, unfinished replies and KL**, before and after.
# 7. **Ask a judge that did not select**, on fresh prompts, at the temperature at which you serve
# and
#    the one at which you sample.
# 8. **Take the base at its best temperature** as the rival.
# 9. **Subtract a random choice** from the same candidates, trained in the same way.
# 10. **Repeat with three seeds, and give intervals.**

# %% [markdown] tags=["slide"]
# ## What we found
#
# - Of eight systems two fine-tune the base model anew on correct answers, and one tried rejection
#   sampling and dropped it.
# - A team's own score rose by 0.6 while gold at the same temperature fell by a quarter of a point
#   (one run, eight topics).
# - Repaired, the pipeline gains 0.8 points over its random control, interval 0.6 to 1.0: that much
#   is due to the choice.
# - Twelve of twelve broken pipelines reported a rise, and two of them ended below the policy they
#   started from.
# - Half of a gain that was claimed for a reward model came from training on colder replies, whoever
#   chose them.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# One fault at a time is a teaching device: the team's case shows how several hide each other.
# Our gold reward is a formula; with people, step 7 costs money and has errors of its own.
# The miniature of Llama 2 has one reward model, not two, and no larger model that samples for
# smaller ones.
# Three seeds make wide intervals: a fault that costs half a point can pass as none.
#
# ### In real systems
#
# - Llama 2's version 3 is the patient "only the last round's data".
#   The paper's example is rhyme, judged by reading, and pooling all rounds was the repair
#   (arXiv 2307.09288, section 3.2.3).
# - RAFT's authors show a hack on a tutorial page of their library
#   (LMFlow, `docs/source/examples/raft.md`): a stray "#" spread to half of the replies while the
#   reward rose.
#   Their repair was a large negative reward for every sample with one.
# - The *RLHF Book* (2026) holds the one public run we found with a random control: Qwen3-1.7B on
#   GSM8K, 8 candidates, one seed, 200 test problems.
#   Best per prompt 79.0 %, a random one per prompt 79.5 %, both "effectively tied"
#   (github.com/natolambert/rlhf-book, pull request 357).
#   Lesson 09b comes back to it.
# - A judge that selects likes what it likes.
#   With 4,096 candidates and the preference model used for Claude 2, about 75 % of the answers to
#   the hardest misconceptions flattered the asker, against about 25 % where an oracle chose
#   (arXiv 2310.13548, section 4.3).
#
# ### Further reading
#
# Touvron et al., *Llama 2*, arXiv 2307.09288, section 3.2 on the loop.
# Lambert et al., *Tülu 3*, arXiv 2411.15124, section 8.2 on what did not work.
# Gao, Schulman and Hilton, arXiv 2210.10760, for the judge that is the selector.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex08`: repair the parts of broken pipelines, and find the first fault in a
# report.
#
# **Questions.**
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %%
quiz.ask("08")
