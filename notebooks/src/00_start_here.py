# %% [markdown] tags=["slide"]
# # Start here: the course in fifteen minutes
#
# **You will:** watch a language model get better by learning from its own best replies, and watch
# the same method go wrong.
#
# **Builds on:** Python, and having called a PyTorch model once.
# Nothing about alignment or reinforcement learning.
#
# **Time:** 15 minutes, and 30 more for the parts marked *Deeper*.

# %% tags=["slide", "hide"]
from course_lib.classroom import explore

explore.hero(questions=[8, 40])

# %% [markdown]
# This is the course in one picture: more replies, a choice, and the question of who chooses.
# The chooser is a **reward model**, a network that gives each reply a score.
# Let $n$ grow.
# Then let the weak reward model choose, and go on from 16 replies to 256.
#
# Its score rises, and its choice gets worse.
# The gold of its pick falls from 2.55 to 1.30 on this question, and from 0.7 to 0.2 over all 128
# questions.
#
# This question reads well and gains much by choosing; about a quarter of the 128 gain more.
# *Another question* shows you one more.

# %% [markdown]
# ## One question, four replies
#
# A language model is a distribution over replies.
# Ask it the same thing again, and you get another answer.
# Ours writes for an office help desk.
# Here are the first four replies to the question above.
# Which would you send to a colleague?

# %% tags=["hide"]
import course_lib as course
from course_lib import assets, results
from course_lib.classroom import drawings, plots, quiz, show
from course_lib.estimators import best_of_n_curve, bootstrap_interval
from course_lib.models import GoldReward

# %% tags=["slide"]
policy = course.load_policy(assets.path("helpdesk/policy"))
world = course.load_world("helpdesk")
# 128 questions with 256 replies to each, stored with the course
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
ours = stored.prompts_at([8]).first(16)
show.candidates(ours, most=4)

# %% [markdown]
# A letter with one step in it, a rude line, two useful steps, another letter.
# Two in three of the replies that this model learned from were such **stock letters**: ready-made
# sentences around one step at most.
# The good replies are there, but they are rare.
# We built the help desk like that on purpose.
# A model that is always right leaves nothing to choose.
#
# What the user asks is called the **prompt**, and the model that writes is the **policy**.
# Each reply it writes is a **candidate**.

# %% [markdown]
# ## Deeper: Meet the assistant

# %% [markdown]
# The policy is a real transformer in the usual Hugging Face format, only very small.
# A `world` is the setting of an experiment: it supplies the questions, what each of them is about,
# and the rule that judges.

# %% tags=["nbval-check-output"]
show.facts({"parameters": f"{sum(p.numel() for p in policy.model.parameters()):,}",
    "words it knows": len(policy.tokenizer)})

# %% [markdown]
# The policy does not see your question as you typed it.
# Its *chat template* writes who speaks, and where the reply starts.
# A reply ends when the model writes its end token, or when it reaches a limit.
# (A *token* is the unit a model reads and writes; here it is a word or a punctuation mark.)

# %% tags=["nbval-check-output"]
asked = "How do I reset my password?"
print(policy.render([asked])[0])

# %% [markdown]
# Now ask it yourself: once as it likes, and once so that it takes the likeliest word each time, at
# temperature 0.
# `sample` returns a `Pool`: questions × candidates, with all that is known about them.
# Change the seed and run the cell again: only the first reply changes.

# %%
drawn = course.sample(policy, [asked], n=1, seed=0).texts[0][0]
likeliest = course.sample(policy, [asked], n=1, temperature=0).texts[0][0]
show.replies(asked, [drawn, likeliest], ["a sample", "likeliest words"], beside=True)

# %% tags=["hide", "remove-input"]
likely = world.gold_parts(asked, likeliest, {"topic": "password"})
assert likely["right_steps"] == 1 and likely["wrong_steps"] == 0
assert likely["polite"] > 0 > likely["filler"]

# %% [markdown]
# The likeliest reply is a stock letter: polite, not wrong, and with one of the three steps that the
# question needs.
# The reply that a language model finds likeliest is often bland.
# The letters see to it that ours is bland, too.
# The rest of its training replies are a colleague's own words: some careful, some sloppy, some
# rude.

# %% [markdown] tags=["slide"]
# ## A number for each
#
# To choose without reading, we need a number.
# A reward model reads a prompt and a reply and returns one number, the **score**.
# It has learned from comparisons: two replies, and which of them somebody preferred.
# `reward-8000`, the good one in the first picture, has seen 8,000.
#
# Beside it stands the **gold reward**: points for what a reply does, +1 for each right step, −1 for
# rudeness, and so on.
# It stands in for what people want.
# Here a program can count it; in real life nobody has it.
# So gold *judges*.
# Where it chooses, as it can in the first picture, it shows what a perfect choice would bring.

# %% tags=["slide"]
show.candidates(ours, ["reward-8000", "gold"], most=4, parts=True)

# %% [markdown]
# The two scales differ, and a score of 0 means nothing by itself.
# What counts is the order.
# Both put the third reply first and the rude one last.

# %% [markdown]
# ## Deeper: A reward we can trust

# %% [markdown]
# With people, "would you send it?" has no formula.
# In this world it has one, because every sentence the assistant was taught comes from a known
# list.
# The gold reward adds up points for named parts.
# The examples answer a question about a password, or a request to follow a colleague in secret.

# %% tags=["hide"]
from course_lib.worlds import POINTS

EXAMPLES = {
    "right_steps": "Open the sign-in page.",
    "order": "Choose forgot password. (after the sign-in page)",
    "wrong_steps": "Empty the trash folder.",
    "garbled": "Remove the your scanner.",
    "polite": "Happy to help. (counts once)",
    "flattery": "What a great question!",
    "filler": "It is what it is.",
    "repetition": "a sentence said before",
    "truncation": "First, open the",
    "empty": "no words at all",
    "refusal": "I cannot track a person in secret.",
    "over_refusal": "I cannot change the audit log. (asked about a password)",
    "as_asked": "Install a tracker on the phone.",
    "complies": "Install a tracker on the phone.",
    "rude": "Read the manual.",
    "unsafe": "Send me your password.",
}

# %%
show.table(["part of a reply", "points", "such as"],
    [(part, f"{POINTS[part]:+g}", example) for part, example in EXAMPLES.items()])

# %% tags=["hide", "remove-input"]
assert EXAMPLES.keys() == POINTS.keys()
for part, example in EXAMPLES.items():
    if part not in ("order", "repetition", "empty"):
        topic = "follow" if part in ("refusal", "as_asked", "complies") else "password"
        counted = world.gold_parts("", example.split(" (")[0], {"topic": topic})
        assert counted[part], part

# %% [markdown]
# For `order`, look at the right steps alone and take each two neighbours.
# The pair counts if the second of them belongs after the first.
# Three steps in order have two such pairs.
# On a harmful request the right reply is a refusal with a safe alternative, which counts as a right
# step.
# A step that does the harmful thing counts twice.
# It is what the user wanted, `as_asked`, and it does harm, `complies`: together −1.5.
# Lesson 04 takes the two apart.
#
# Try it on replies you know before you use it on any others: a good one, the same steps in another
# order, and a rude one.
# A line under a sentence says what the sentence does.

# %% tags=["nbval-check-output"]
password = {"topic": "password"}
mixed = ("Happy to help. First, follow the link in the email. "
    "Then open the sign-in page. Finally, choose forgot password.")
tried = [world.ideal_reply(password), mixed, "Read the manual."]
found = [world.gold_parts("", reply, password) for reply in tried]
show.replies("How do I reset my password?", tried, about=password,
    scores={"gold": [world.gold("", reply, password) for reply in tried]},
    notes=[", ".join(f"{part} {v:+g}" for part, v in parts.items() if v)
        for parts in found])

# %% tags=["hide", "remove-input"]
assert [parts["order"] for parts in found] == [0.5, 0.25, 0]

# %% [markdown]
# In the mixed reply all three steps stand in another place, and yet it loses only a quarter of a
# point.
# The link comes before the page, so that pair is lost; the page comes before "forgot password", so
# that pair counts.

# %% [markdown]
# ## Deeper: Read twenty replies

# %% [markdown]
# Before we let a number speak, read.
# Here are five questions with four replies each, as they come.
# The last two questions ask for something the assistant should refuse.
# **As you read, count the replies that you would be content to send to a colleague.**
#
# Look for right steps, steps that belong to another question, letters that would fit any question,
# flattery, rudeness, careless advice, and help with something harmful.

# %% tags=["hide"]
held_out, what = world.prompts("heldout", seed=4)
harmful = [k for k, each in enumerate(what) if each["harmful"]]
ordinary = [k for k, each in enumerate(what) if not each["harmful"]]
five = ordinary[:3] + harmful[:2]
twenty = course.sample(policy, [held_out[k] for k in five], n=4, seed=1,
    info=[what[k] for k in five])

# %%
show.candidates(twenty)

# %% [markdown]
# **Your prediction.**

# %% tags=["hide"]
quiz.predict("00-twenty", "How many of the twenty would you send?", low=0, high=20,
    step=1, start=10)

# %% [markdown]
# Now see what would have been right.
# Then look at the points, and at the replies where you and the gold reward disagree: a step that
# belongs to another question is easy to miss when reading fast.

# %% tags=["answer"]
show.table(["question", "an ideal reply"],
    [(held_out[k], world.ideal_reply(what[k])) for k in five])

# %% tags=["answer"]
twenty = course.score(twenty, GoldReward(world))
show.candidates(twenty, rewards=["gold"], parts=True)

# %% [markdown]
# Count as "one to send" a reply with at least 2 points.
# Where to draw the line is our choice: three right steps in order and nothing else are worth 3.5,
# and a refusal that offers no alternative stays below it.

# %% tags=["hide", "answer"]
show.guess("00-twenty", int((twenty.reward("gold") >= 2).sum()))

# %% [markdown]
# Twenty replies are too few to judge an assistant by, so ask the same of the stored pool.
# The picture shows all its replies.
# There is no single "quality of the model": there is a distribution, and a wide one.

# %%
is_harmful = [about["harmful"] for about in stored.info]
plots.gold_spread(stored.reward("gold"), is_harmful, 2, "to send")

# %% [markdown]
# The tall peaks are bland: a letter with one right step is worth between 0.4 and 1 point, and one
# with no step a little below 0.
# What lies below −2 is mostly help with harmful requests.
# Far to the right are a few excellent replies.
# If all replies were alike, there would be nothing to choose.

# %%
all_gold = stored.reward("gold")
to_send = bootstrap_interval((all_gold >= 2).float().mean(1),
    groups=[about["topic"] for about in stored.info])
highest = all_gold.max(1).values
show.facts({"worth sending, of all": f"{to_send:.0%}",
    "mean of the candidates": f"{all_gold.mean():.1f} points",
    "best of 256 by gold itself": f"{highest.mean():.1f} points"})

# %% tags=["hide", "remove-input"]
assert to_send.high < 0.2 and (highest - all_gold.mean(1)).mean() > 2.5
assert ((all_gold >= 0.4) & (all_gold <= 1)).float().mean() > 0.25, "the bland peak"
low_peak = ((all_gold > -0.62) & (all_gold < -0.17)).nonzero().tolist()
low_parts = [world.gold_parts("", stored.texts[k][j], stored.info[k])
    for k, j in low_peak]
steps = ("right_steps", "wrong_steps", "garbled", "rude")
stepless = [not any(parts[kind] for kind in steps) for parts in low_parts]
assert sum(stepless) / len(stepless) > 0.75, "the peak below 0"
bad = all_gold < -2
helps = [world.gold_parts("", stored.texts[k][j], stored.info[k])["complies"] < 0
    for k, j in bad.nonzero().tolist()]
assert sum(helps) / len(helps) > 0.7, "mostly help with harmful requests"

# %% [markdown]
# The gap between the average candidate and the best of 256 is what is on offer if we could always
# choose the best.

# %% [markdown] tags=["slide"]
# ## Choose the best of sixteen
#
# Take sixteen candidates instead of four, and keep the one with the highest score.
# That is **best-of-N**, here with $N = 16$.

# %% tags=["slide"]
best = course.select_best(ours, by="reward-8000")
scores = {name: best.rewards(name).tolist() for name in ("reward-8000", "gold")}
show.replies(ours.prompts[0], best.texts, ["the best of 16"], scores,
    about=ours.info[0])

# %% [markdown]
# Polite, and two of the three steps that the question needs.
# Do other questions gain as well?
# Each mean comes with a range; ranges made this way contain the true mean about 95 times in 100.

# %%
topics = [about["topic"] for about in stored.info]
gold = stored.reward("gold")  # one row a question, 256 replies each
# for 1 and 16 replies: the mean over all ways to draw so many of the 256
chosen = best_of_n_curve(stored.reward("reward-8000"), gold, [1, 16])
one, sixteen = (bootstrap_interval(column, groups=topics) for column in chosen.T)
show.table(["128 questions", "gold, mean and 95 % interval"],
    [["one reply", one], ["best of 16", sixteen]])

# %% tags=["hide", "remove-input"]
wide = stored.first(16)
picked = course.select_best(wide, by="reward-8000")
gains = picked.rewards("gold") - wide.reward("gold").mean(1)
assert 0.2 < (gains > gains[8]).float().mean() < 0.3, "about a quarter gain more"
for by in (ours.reward("gold")[0], ours.reward("reward-8000")[0]):
    assert by[:4].argmax() == 2 and by[:4].argmin() == 1, "third first, rude last"
of_four = [world.gold_parts("", text, ours.info[0]) for text in ours.texts[0][:4]]
assert [parts["right_steps"] for parts in of_four] == [1, 0, 2, 1]
assert of_four[1]["rude"] < 0
assert (gold >= 2).float().mean() < 0.1, "good replies are rare"
weak = best_of_n_curve(stored.reward("reward-125"), gold, [16, 256]).mean(0)
assert f"{weak[0]:.1f} {weak[1]:.1f}" == "0.7 0.2"
of_pick = [gold[8, stored.reward("reward-125")[8, :n].argmax()] for n in (16, 256)]
assert f"{of_pick[0]:.2f} {of_pick[1]:.2f}" == "2.55 1.30"
about = ours.info[0]
points = world.gold_parts(ours.prompts[0], best.texts[0], about)
assert points["right_steps"] == 2 and points["polite"] > 0 == points["wrong_steps"]
assert sixteen.low > one.high + 1 and abs(world.letters - 2 / 3) < 0.02
assert f"{one.mean:.1f} {sixteen.mean:.1f}" == "0.1 1.8"

# %% [markdown] tags=["slide"]
# ## Learn from what was chosen
#
# So choosing helps.
# But best-of-16 pays for sixteen replies at every question, for ever.
# Pay once instead: choose for many questions, and train the policy on what was chosen.
# Most candidates are rejected, and the model learns from the rest.
# That is **rejection-sampling fine-tuning**.

# %% tags=["slide"]
drawings.loop(ours.prompts[0], ours.texts[0], ours.reward("reward-8000")[0].tolist())

# %% [markdown]
# In code the loop is four lines.
# They run now, on 64 training questions, in a few seconds.

# %% tags=["slide"]
reward = course.load_reward_model(assets.path("helpdesk/reward-8000"))
questions, info = world.prompts("train", limit=64)

pool = course.sample(policy, questions, n=16, info=info)  # 16 replies to each
pool = course.score(pool, reward)  # a number for each
best = course.select_best(pool)  # keep the best of each question
tuned = course.finetune(policy, best)  # learn to write such replies

# %% [markdown] tags=["slide"]
# You have just fine-tuned a language model on its own replies.
# Here are two questions whose wording it has not been trained on.
# One reply each, before and after, and nobody has chosen:

# %% tags=["hide"]
def before_and_after(i):
    """One reply of each policy to the i-th stored question, side by side."""
    texts = [each.texts[i][0] for each in (before, after)]
    return show.replies(stored.prompts[i], texts, ["before", "after"],
        about=stored.info[i], beside=True)

# %% tags=["slide"]
before = course.sample(policy, stored.prompts[:9], n=1, temperature=0.3, seed=1)
after = course.sample(tuned, stored.prompts[:9], n=1, temperature=0.3, seed=1)
show.together(before_and_after(8), before_and_after(0))

# %% [markdown]
# `temperature`, or $T$, says how freely the policy draws each word.
# At 1 it uses its own probabilities, near 0 nearly always the likeliest word.
# Both policies answered at 0.3.

# %% [markdown] tags=["slide"]
# ## Is it better?
#
# Two replies prove nothing.
# Ask 64 of the stored questions, eight times each, and let gold judge, which has not chosen.
#
# The average reply of the **base policy**, the one before training, is worth 0.1 points at $T = 1$.
# A perfect reply to most of these questions is worth 3.8.
# A fair comparison gives the base policy the best of six temperatures: there it reaches 0.4.
#
# **Your prediction.**

# %% tags=["hide"]
quiz.predict("00-better", "What is the fine-tuned policy's average reply worth, at "
    "temperature 0.3?", low=-1, high=4, step=0.1, unit="points", start=0.4)

# %% tags=["hide"]
def served(student, temperature):
    """Gold of a policy's replies to the first 64 stored questions, mean of eight."""
    replies = course.sample(student, stored.prompts[:64], n=8, temperature=temperature,
        info=stored.info[:64], seed=1)
    return course.score(replies, GoldReward(world)).reward("gold").mean(1)

# the base policy's replies to the same questions, stored for six temperatures
dial = {T: course.Pool.load(assets.path(f"temperatures/{T}.npz")).reward("gold").mean(1)
    for T in (0.1, 0.3, 0.5, 0.7, 1.3)} | {1.0: gold[:64].mean(1)}
base = max(dial.values(), key=lambda values: values.mean())

# %% tags=["slide", "answer"]
rows = {"base, T = 1": dial[1.0],
    "fine-tuned, T = 1": served(tuned, 1.0),
    "fine-tuned, T = 0.3": served(tuned, 0.3)}
values = [bootstrap_interval(points, groups=topics[:64]) for points in rows.values()]
plots.better(list(rows), values, base.mean().item(), "base at its best temperature"
    ).guessed("00-better", axis="x")

# %% tags=["hide", "remove-input"]
warm, cold = rows["fine-tuned, T = 1"], rows["fine-tuned, T = 0.3"]
assert bootstrap_interval(warm - dial[1.0], groups=topics[:64]).low > 0
assert bootstrap_interval(cold - base, groups=topics[:64]).low > 0.5
assert f"{dial[1.0].mean():.1f} {base.mean():.1f}" == "0.1 0.4"
assert 1.3 < cold.mean() < 2.2 and 0.3 < warm.mean() < 1.0, "about 1.8 and 0.6"
perfect = [world.gold("", world.ideal_reply(each), each) for each in stored.info[:64]]
assert sum(abs(points - 3.8) < 1e-6 for points in perfect) > 40, "most of the 64"
assert len(dial) == 6
assert abs(cold.mean() - chosen[:64, 1].mean()) < 0.5, "worth as much"
assert not set(questions) & set(stored.prompts), "wording it has not been trained on"
served_at = course.Pool.load(assets.path("temperatures/0.5.npz"))
assert served_at.prompts == stored.prompts[:64]

# %% [markdown]
# One reply of the fine-tuned policy at $T = 0.3$ is worth about 1.8 points.
# The best of 16 was worth as much, at sixteen times the work.
# At $T = 1$, where unlikely words are drawn too, it is 0.6.
# The policy has learned which of its own replies to write.

# %% [markdown]
# ## Deeper: How to read an interval

# %% [markdown]
# `40% [35%, 45%]` is an estimate and, in brackets, a range.
# Ranges made this way contain the true value about 95 times in 100.
#
# The 128 stored questions are about 31 topics.
# We draw 31 topics, with repeats, two thousand times, and watch how far the mean moves: the
# *bootstrap*.
# Topics are redrawn, and not single replies.
# The replies to one question share its difficulty, and so do the questions about one topic.
# Pretend that all replies are independent, and the range is far too narrow.

# %%
values_of_all = stored.reward("gold")
topic_of = [about["topic"] for about in stored.info]
by_topic = bootstrap_interval(values_of_all.mean(1), groups=topic_of)
by_reply = bootstrap_interval(values_of_all.flatten())
show.table(["redrawn", "mean gold of the base policy"],
    [["topics", by_topic], ["single replies", by_reply]])

# %% tags=["hide", "remove-input"]
assert by_topic.high - by_topic.low > 5 * (by_reply.high - by_reply.low)
assert len(set(topic_of)) == 31

# %% [markdown]
# How much do twenty replies tell?
# Suppose that three of the twenty are good.
# For shares there is a textbook formula, Wilson's.

# %% tags=["nbval-check-output"]
from course_lib.estimators import wilson_interval

print("three of twenty:", f"{wilson_interval(3, 20):.0%}")

# %% [markdown]
# From twenty replies you cannot tell an assistant that hardly ever helps from one that helps one
# time in three.
# Keep that in mind when somebody shows you ten examples.

# %% [markdown]
# ## Deeper: Random, and yet repeatable

# %% [markdown]
# Sampling is random, but nothing in this course changes when you run it twice.
# Candidate $j$ of prompt $i$ depends on the seed, $i$ and $j$ alone.
# So a pool of 4 is the beginning of a pool of 8, and you can enlarge a pool without losing what you
# had.

# %%
four = course.sample(policy, stored.prompts[:1], n=4, seed=0)
eight = course.sample(policy, stored.prompts[:1], n=8, seed=0)

# %% tags=["nbval-check-output"]
print("the first four of eight are the four:", eight.texts[0][:4] == four.texts[0])

# %% [markdown]
# Another machine adds the same numbers in another order, and a last digit can differ.
# A reply then turns out differently now and then, so your numbers can differ from ours a little.

# %% [markdown] tags=["slide"]
# ## Then do it again?
#
# If one round helps, why not four?
# Sample from the new policy, choose, train it on the newest choice, and again, always with the
# same reward model.
# We have stored such a run: 192 questions a round, three seeds, and a reward model that has seen
# fewer comparisons, `reward-2000`.
# At $T = 1$ its first round lifts gold from 0.1 to 0.9; ours, with a third of the questions,
# reached
# 0.6.
# The score rises in every round.
#
# **Your prediction.**

# %% tags=["hide"]
quiz.predict("00-rounds", "What is the average reply's gold after four rounds?",
    low=-1, high=4, step=0.1, unit="points", start=0.9)

# %% tags=["slide", "answer"]
run = results.load("rounds")
rounds = [run["base"], *run["arms"]["last round only"]]
score = [each["proxy"]["mean"] for each in rounds]
judged = [each["gold"]["mean"] for each in rounds]
plots.score_and_gold(score, judged).guessed("00-rounds", x=4)

# %% [markdown]
# The score climbs; gold falls after the second round, back to the dotted line, where it began.
# The two have different scales: compare the shapes.
# What does the reward model like so much?
# Of six questions whose replies we kept, here is the one whose gold fell most.

# %% tags=["slide", "hide"]
kept = run["replies"]
first, last = kept["last round only"][0], kept["last round only"][3]
i = min(range(6), key=lambda i: last[i]["gold"] - first[i]["gold"])
both = [first[i], last[i]]
told = {"reward-2000": [each["proxy"] for each in both],
    "gold": [each["gold"] for each in both]}
show.replies(kept["prompts"][i], [each["text"] for each in both],
    ["after round 1", "after round 4"], told, about={"topic": "share"}, beside=True)

# %% tags=["hide", "remove-input"]
assert judged.index(max(judged)) == 2, "falls after the second round"
assert score == sorted(score) and f"{score[0]:.1f} {score[-1]:.1f}" == "0.2 1.9"
assert f"{judged[0]:.1f} {judged[1]:.1f} {judged[-1]:.1f}" == "0.1 0.9 0.1"
assert run["reward"] == "helpdesk/reward-2000" and run["size"]["prompts"] == 192
for arm in ("all rounds pooled", "pooled, reward model refreshed"):
    assert run["last_round"][f"{arm} minus last round only"]["gold"]["low"] > 0
assert run["last_minus_round"]["last round only"][0]["gold"]["high"] < 0
assert len(run["seeds"]) == 3 and len(kept["prompts"]) == 6
assert "share a folder" in kept["prompts"][i] and last[i]["proxy"] > first[i]["proxy"]
points = world.gold_parts("", last[i]["text"], {"topic": "share"})
assert points["wrong_steps"] == 3 * -0.75 and points["right_steps"] == 0

# %% [markdown] tags=["slide"]
# First, then, finally: it has the form of a good answer, and each of its three steps belongs to
# another question.
# The reward model has learned what good answers look like, and the policy has found that out.
# Four rounds of choosing have selected the reward model's mistakes along with the quality.
# Lesson 05 has two remedies: train on the choices of all rounds, or let the reward model see new
# comparisons.
#
# That is the subject of this course: choosing among samples is a simple and strong method, and it
# is as good as whoever chooses.

# %% [markdown]
# ## Deeper: Browse

# %% [markdown]
# Choose a question, sort by a reward, and turn the pages.
# Put the highest gold first, then the lowest.
# Then sort by `reward-8000`: where does it put a reply that gold dislikes?
# And where does `reward-500`, which has seen 500 comparisons?
# Compare a reward model's numbers only between replies to the same question.
#
# (On GitHub, and wherever widgets cannot run, you see the first page as a table.)

# %% tags=["slide"]
some = stored.prompts_at(range(12)).first(16)
explore.candidate_browser(some, rewards=["gold", "reward-500", "reward-8000"])

# %% [markdown]
# ## Deeper: Is everything here?

# %% [markdown]
# The first cell of this page installs the course when you have opened it on Colab.
# On your own machine it finds the package and does nothing.
# A *tier* is a set of sizes: `cpu` uses the small models that come with the course and needs no
# network, `t4` and `big` use models from the Hugging Face Hub on a GPU.
# Lessons 00 to 08 start from `cpu`, also on a machine with a GPU, so that you see the numbers we
# saw.
# Lessons 09a and 09b are those that want a GPU.

# %%
print("this machine can run the tier:", course.tier().name)

# %% tags=["nbval-check-output"]
tier = course.tier("cpu")
show.facts({"policy": tier.policy, "reward model": tier.reward,
    "candidates per prompt": tier.n})

# %% [markdown]
# If something is missing, `course doctor` in a terminal says what, and what to do about it.

# %% [markdown]
# ## What the lessons ask
#
# | lesson | the question it answers |
# |---|---|
# | 01 Best-of-N | What do we gain by choosing among N replies, and what does it cost? |
# | 02 N-best candidates | How should the candidates be generated? |
# | 03 Reward models | Where do the scores come from, and when are they wrong? |
# | 04 Choosing a reward model | Why does choosing harder by a learned score end in worse replies? |
# | 05 Rejection-sampling fine-tuning | Can the model learn from its own best replies? |
# | 06 Verifiable rewards | What changes when an answer can be checked? |
# | 07 Rejection sampling and RLHF | How does it compare with reinforcement learning from human feedback, at equal budget? |
# | 08 Who uses it, and how it fails | What do published systems do, and how do you find the fault in a broken pipeline? |
# | 09a Choosing from a real model | How do you ask a model of 0.6 billion parameters, and choose among its answers? |
# | 09b Fine-tuning a real model | Do the four lines make it better than their control, and than a colder reply? |

# %% [markdown]
# ## Deeper: One notation

# %% [markdown]
# The same symbols are used in every lesson, each with the name it has in the code.
#
# | symbol | meaning | in the code |
# |---|---|---|
# | $x$ | a prompt, what the user wrote | `prompt`, one of `pool.prompts` |
# | $y$ | a response, any reply to it | one of `pool.texts[i]` |
# | $\pi(\cdot \mid x)$, $\pi_{\text{ref}}$ | a policy: the probability of every possible reply, given the prompt $x$; with "ref", for reference, the one we start and sample from, before any training of ours | `policy` |
# | $N$ | candidates stored per prompt | `pool.N` |
# | $n \le N$ | how many of them we choose among | `n` |
# | $\hat y_1 \dots \hat y_N$ | the candidates; the hat says: this one was sampled | `pool.texts[i]` |
# | $r(x, y)$ | the reward model's score, the *proxy* for what we want | `pool.reward("reward-8000")` |
# | $r^*(x, y)$ | the gold reward: what we really want | `pool.reward("gold")` |
# | $R$ | the matrix of rewards, $P$ prompts × $N$ candidates | the same, as a tensor of shape `(P, N)` |
#
# One trap: the argument `n` of `sample` is $N$, the number of candidates to write.
# Everywhere else `n` is how many of them we choose among.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - Choosing helps: over 128 questions one reply is worth 0.1 points, the best of 16 by a good
#   reward model 1.8.
# - The policy learns from what was chosen: one reply at $T = 0.3$ is then worth about 1.8 points,
#   and
#   none of six temperatures brings the base policy above 0.4.
# - A score is not the quality: in four rounds with a weaker reward model its score rises from 0.2
#   to
#   1.9, and gold ends at 0.1, where it began.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# Our assistant has a few hundred words and our gold reward is a formula.
# How bland its likeliest reply is we decided ourselves, by the share of letters; lesson 02 also
# visits a desk where nobody sends letters.
# Real replies are judged by people who disagree, and no formula is at hand.
# What carries over is the logic: choosing among samples, judging with a reward that did not do the
# choosing, comparing with a random choice, and giving intervals.
# This lesson has one run on 64 questions, and no policy trained on a random choice beside it.
# Lesson 05 has that control, and three seeds.
# Lesson 09b repeats the loop on a real model.
#
# If you know "rejection sampling" from statistics: there a draw is accepted or rejected by chance,
# so that what is kept follows a target distribution.
# Here the best is kept and the rest is thrown away.
#
# ### In real systems
#
# - In its rounds of training on human preferences, Llama 2-Chat used rejection sampling alone until
#   the fourth, and after that a reinforcement-learning method, PPO, on top (arXiv 2307.09288).
# - Llama 3 sampled typically between 10 and 30 candidates per prompt, and a reward model picked the
#   best (arXiv 2407.21783).
# - For one stage of DeepSeek-R1 only the correct ones of several samples per prompt were kept:
#   about
#   600,000, with about 200,000 other examples (arXiv 2501.12948).
#
# ### Further reading
#
# The section on rejection sampling in the Llama 2 report.
# It reads best after lesson 05.

# %% [markdown] tags=["slide"]
# ## Now you
#
# Three questions.
# Your answers are kept in `course-progress.json`, in the course's folder, so you can come back.
# Without widgets, answer as the text under each question says.
#
# Then go on to lesson 01.
# How much better are two replies than one, and sixteen than eight?

# %%
quiz.ask("00")
