# %% [markdown] tags=["slide"]
# # Start here
#
# **You will:** check that your machine is ready, see the whole course on one page, meet the
# assistant we are going to improve, and read twenty of its replies before any number is computed.
#
# **Builds on:** Python, and having called a PyTorch model once.
# Nothing about alignment or reinforcement learning.
#
# **Time:** 25 minutes to read and do; the cells run in well under a minute.

# %% tags=["slide", "hide"]
from course_lib.classroom import explore

explore.hero()

# %% [markdown]
# This is the course in one picture: more replies, a choice, and the question of who chooses.
# Move $n$, then let the weak reward model choose.

# %% [markdown]
# ## Is everything here?
#
# The first cell of this page installs the course when you have opened it on Colab; on your own
# machine it finds the package and does nothing.
# The cell below asks which *tier* your machine can run.
# A tier is a set of sizes: `cpu` uses the small models that come with the course and needs no
# network, `t4` and `big` use models from the Hugging Face Hub on a GPU.
# Lessons 00 to 08 start from `cpu`, also on a machine with a GPU, so that you see the numbers we
# saw.
# Lesson 09 is the one that wants a GPU.

# %%
import course_lib as course
from course_lib import assets
from course_lib.classroom import plots, show

print("this machine can run the tier:", course.tier().name)
tier = course.tier("cpu")

# %% [markdown]
# ## The course in four steps
#
# A language model is a distribution over replies.
# Ask it the same thing sixteen times and you get sixteen replies, some better than others.
# So there is a simple way to improve an assistant: **sample** several candidates, **score** each
# one, **select** the best.
# If you also **finetune** the model on what you selected, it learns to write such replies at the
# first attempt.
# The first three steps are *best-of-N*.
# All four are *rejection-sampling fine-tuning*: most candidates are rejected, and the model is
# trained on the rest.
#
# Three words that will come again and again.
# The model that writes the replies is called the **policy** (the word comes from reinforcement
# learning).
# A reply it writes is a **candidate**.
# A **reward model** is a second network that reads a prompt and a reply and returns one number; it
# has learned from pairs of replies of which somebody said which was better (lesson 03).

# %% tags=["slide"]
plots.loop()

# %% [markdown] tags=["slide"]
# In code, the four steps are four lines.
# You will run the first three in lesson 01 and the fourth in lesson 05.
# `temperature` says how freely the policy draws each word: at 1 it uses its own probabilities, near
# 0 it nearly always takes the most likely word, and at 0 all candidates would be the same.
#
# ```python
# pool   = sample(policy, prompts, n=16, temperature=1.0)  # 16 replies to each prompt
# pool   = score(pool, reward_model)                       # a number for each
# best   = select_best(pool)                               # which of them to keep
# better = finetune(policy, best)                          # learn to write such replies
# ```
#
# And a fifth step, always: measure the result on *other* prompts, with a judge that did not do the
# choosing.

# %% tags=["nbval-check-output"]
show.facts({"policy": tier.policy, "reward model": tier.reward,
    "candidates per prompt": tier.n})

# %% [markdown]
# These are the models we use for it; both come with the course.
# The lessons take these steps apart, one question at a time:
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
# | 09 On a real model | Do the same four lines work on a model of 0.6 billion parameters? |

# %% [markdown]
# ## One notation
#
# The same symbols are used in every lesson, each with the name it has in the code.
#
# | symbol | meaning | in the code |
# |---|---|---|
# | $x$ | a prompt, what the user wrote | `prompt`, one of `pool.prompts` |
# | $y$ | a response, any reply to it | one of `pool.texts[i]` |
# | $\pi(\cdot \mid x)$ | a policy: the probability of every possible reply, given the prompt $x$ | `policy` |
# | $\pi_{\text{ref}}$ | the policy we start from and sample from ("ref" for reference), before any training of ours | `policy` |
# | $N$ | candidates stored per prompt | `pool.N` |
# | $n \le N$ | how many of them we choose among | `n` |
# | $\hat y_1 \dots \hat y_N$ | the candidates; the hat says: this one was sampled | `pool.texts[i]` |
# | $r(x, y)$ | the reward model's score, the *proxy* | `pool.reward("reward-8000")` |
# | $r^*(x, y)$ | the gold reward: what we really want | `pool.reward("gold")` |
# | $R$ | the matrix of rewards, $P$ prompts × $N$ candidates | the same, as a tensor of shape `(P, N)` |

# %% [markdown]
# ## Meet the assistant
#
# It answers for an office help desk: passwords, printers, refunds.
# It is a real transformer in the usual Hugging Face format, only very small.
# It learned from the replies of a busy help desk.
# Two in three of them were **stock letters**: polite sentences that fit any question, and at most
# one step, not always the right one.
# The others were a colleague's own words: some careful, some sloppy, some rude.
#
# We made this desk so on purpose.
# A model that is always right leaves nothing to choose.
# And the reply that a language model finds likeliest is often bland; the letters see to it that
# ours is bland, too.
# The good replies are there, but they are rare.
#
# A `world` is the setting of an experiment: it supplies the prompts, what each of them is about
# (`info`), and the rule that judges.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
world = course.load_world("helpdesk")
print(f"{sum(p.numel() for p in policy.model.parameters()):,} parameters, "
    f"{len(policy.tokenizer)} words")

# %% [markdown]
# The policy does not see your question as you typed it.
# Its chat template writes who speaks, and where the reply starts.
# A reply ends when the model writes its end token, or when it reaches a limit.
# (A *token* is the unit a model reads and writes; for this small model it is a word or a
# punctuation mark.)

# %% tags=["nbval-check-output"]
question = "How do I reset my password?"
print(policy.render([question])[0])

# %% [markdown]
# Now ask it.
# `sample` returns a `Pool`: prompts × candidates, with all that is known about them.
# Run the cell again with another seed, and the reply changes.

# %%
pool = course.sample(policy, [question], n=1, seed=0)
show.replies(question, pool.texts[0])

# %% [markdown]
# And what does it say when it takes the likeliest word each time, at temperature 0?

# %%
likeliest = course.sample(policy, [question], n=1, temperature=0).texts[0][0]
show.replies(question, [likeliest])

# %% [markdown]
# A stock letter: polite, not wrong, and with one of the three steps that the question needs.

# %% [markdown]
# ## Read twenty replies
#
# Before we let a number speak, read.
# Here are five questions with four replies each, as they come.
# The last two questions ask for something the assistant should refuse.
# **As you read, count the replies that you would be content to send to a colleague.**

# %%
prompts, info = world.prompts("heldout", seed=4)
harmful = [i for i, about in enumerate(info) if about["harmful"]]
harmless = [i for i, about in enumerate(info) if not about["harmful"]]
picked = harmless[:3] + harmful[:2]
pool = course.sample(policy, [prompts[i] for i in picked], n=4, seed=1,
    info=[info[i] for i in picked])

# %%
show.candidates(pool)

# %% [markdown]
# **Your prediction.**
# How many of the twenty would you send?
# Write the number down.
# What did the good ones have in common, and what was wrong with the others?
# Look for right steps, steps that belong to another question, letters that would fit any question,
# flattery, rudeness, careless advice, and help with something harmful.
#
# ## A reward we can trust
#
# With people, "would you send it?" has no formula.
# In this world it has one, because every sentence the assistant was taught comes from a known
# stock.
# The **gold reward** $r^*(x, y)$ adds up points for named parts.
# It stands in for what people want, and we use it to *judge*.
# In real life you do not have it; that is why reward models exist, and why lesson 04 is about their
# mistakes.

# %%
from course_lib.models import GoldReward
from course_lib.worlds import POINTS

show.table(["part of a reply", "points"], [(p, f"{v:+.2f}") for p, v in POINTS.items()])

# %% [markdown]
# Most names speak for themselves.
# `order` counts each right step that stands behind the right step before it.
# `filler` counts empty sentences; most sentences of a letter are such.
# On a harmful request the right reply is a refusal with a safe alternative; `over_refusal` is a
# refusal where none was due.
# A step that does the harmful thing counts twice: `as_asked`, for it is what the user wanted, and
# `complies`, for the harm.
# Together they cost 1.5 points.
# Lesson 04 takes the two apart.
# `unsafe` is careless advice, `garbled` a sentence that nobody taught it, `truncation` a reply that
# never ended.
#
# Try it on replies you know before you use it on any others: a good one, the same steps in another
# order, a rude one, and the policy's likeliest.
# `gold_parts` says where the points come from: it counts each part.
# A line under a sentence says what the sentence does.

# %% tags=["nbval-check-output"]
about = {"topic": "password"}
good = world.ideal_reply(about)
mixed = ("Happy to help. First, follow the link in the email. "
    "Then open the sign-in page. Finally, choose forgot password.")
tried = [good, mixed, "Read the manual.", likeliest]
found = [world.gold_parts(question, reply, about) for reply in tried]
parts = [{k: round(v, 2) for k, v in each.items() if v} for each in found]
show.replies(question, tried, about=about,
    scores={"gold": [world.gold(question, reply, about) for reply in tried]},
    notes=[", ".join(f"{k} {v:+g}" for k, v in each.items()) for each in parts])

# %% [markdown]
# The wrong order costs a quarter of a point for each step out of its place; steps of another topic,
# repetition and filler cost more.
# Now the twenty replies.
# Look at the ones where you and the gold reward disagree: a step that belongs to another topic is
# easy to miss when reading fast.

# %%
pool = course.score(pool, GoldReward(world))
show.candidates(pool, rewards=["gold"], parts=True)

# %% [markdown]
# Twenty replies are too few to judge an assistant by.
# The course comes with a stored pool, 128 held-out prompts with 256 candidates each, so we can ask
# the same question of many more.
# ("Held out": these ways of asking about a topic were kept out of the assistant's training.)
# Count as "one to send" a reply with at least 2 points; where to draw the line is our choice.
# Three right steps in order and nothing else are worth 3.5.
#
# **How to read an interval.**
# `40% [35%, 45%]` is an estimate and, in brackets, a range: ranges made this way contain the true
# value about 95 times in 100.
# For the stored pool we find it by drawing as many topics as the pool has, with repeats, two
# thousand times, and watching how far the mean moves (the *bootstrap*).
# Topics are redrawn, not single replies or prompts: the replies to one prompt share its difficulty,
# and so do the prompts about one topic.
# (`groups=` says what belongs together; the bands in our figures redraw prompts.)
# For the twenty replies we use a textbook formula for shares, Wilson's.

# %%
from course_lib.estimators import bootstrap_interval, wilson_interval

stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
topics = [about["topic"] for about in stored.info]
good_enough = (stored.reward("gold") >= 2).float()
share = bootstrap_interval(good_enough.mean(1), groups=topics)
twenty = int((pool.reward("gold") >= 2).sum())
show.facts({"the stored pool": stored, "worth sending, of all": f"{share:.1%}",
    "of the twenty": f"{twenty}, so {wilson_interval(twenty, 20):.0%}"})

# %% [markdown]
# How does that compare with the number you wrote down?
# (Our twenty also had more harmful requests among them than the pool has: we put two in on
# purpose.)
# Note how wide the interval of the twenty is.
# From twenty replies you cannot tell an assistant that hardly ever helps from one that helps one
# time in five; keep that in mind when somebody shows you ten examples.
#
# The picture shows all replies.
# There is no single "quality of the model": there is a distribution, and a wide one.
# The tall peak is bland: a letter with one right step is worth between 0.4 and 1 point.
# To the left are many bad replies, far to the right a few excellent ones.
# The course depends on this spread: if all replies were alike, there would be nothing to choose.

# %% tags=["slide"]
plots.reward_histogram(stored.reward("gold"),
    title="Gold reward of the base policy's replies")

# %% [markdown]
# One number carries the message.
# For each prompt, take the highest of the candidates and their mean.
# The gap between them is what is on offer if we could always choose the best.
#
# (Folded cells such as the one below hold lines with `assert`.
# They check that what the text says is true of the numbers you just got; you need not read them.)

# %%
gold = stored.reward("gold")
mean = bootstrap_interval(gold.mean(1), groups=topics)
highest = bootstrap_interval(gold.max(1).values, groups=topics)
gap = bootstrap_interval(gold.max(1).values - gold.mean(1), groups=topics)
show.facts({"mean of the candidates": f"{mean} points",
    "best of 256": f"{highest} points",
    "gap": f"{gap} points"})

# %% tags=["hide", "remove-input"]
assert gap.low > 2 and share.high < 0.2 and world.gold(question, likeliest, about) < 1.5
assert ((gold >= 0.4) & (gold <= 1)).float().mean() > 0.25, "the bland peak"

# %% [markdown]
# ## Random, and yet repeatable
#
# Sampling is random, but nothing in this course changes when you run it twice: candidate $j$ of
# prompt $i$ depends on the seed, $i$ and $j$ alone.
# So a pool of 4 is the beginning of a pool of 8, and you can enlarge a pool without losing what you
# had.

# %%
four = course.sample(policy, [question], n=4, seed=0)
eight = course.sample(policy, [question], n=8, seed=0)

# %% tags=["nbval-check-output"]
print("the first four of eight are the four:", eight.texts[0][:4] == four.texts[0])

# %% [markdown]
# ## Browse
#
# Choose a prompt, sort by a reward, and turn the pages.
# Put the highest gold first, then the lowest.
# Then sort by `reward-8000`, a reward model trained on 8,000 comparisons: where does it put a reply
# that gold dislikes?
# A reward model's numbers have no zero of their own, so a negative one need not be bad: compare
# them only between replies to the same prompt.
# By keyboard: Tab moves between the controls, the left and right arrow move a slider, Enter presses
# a button.
#
# (On GitHub, and wherever widgets cannot run, you see the first page as a table.)

# %% tags=["slide"]
from course_lib.classroom import explore

some = stored.prompts_at(range(24)).first(64)
explore.candidate_browser(some, rewards=["gold", "reward-500", "reward-8000"])

# %% [markdown] tags=["slide"]
# ## What we found
#
# - The assistant's replies are of very mixed quality, and few are worth sending; the share is
#   printed above, with its interval.
# - Its likeliest reply to our question is a stock letter: polite, with one right step.
# - For the same prompt, the best of 256 candidates is far better than the average one.
#   The gap, printed above, is what selection can use.
# - Twenty replies tell little: their interval is several times as wide as that of the stored pool.
#
# ## What this leaves out
#
# Our assistant has a few hundred words and our gold reward is a formula.
# How bland its likeliest reply is we decided ourselves, by the share of letters; lesson 02 also
# visits a desk where nobody sends letters.
# Real replies are judged by people who disagree, and no formula is at hand.
# What carries over is the logic: choosing among samples, judging with a reward that did not do the
# choosing, comparing with a random choice, and giving intervals.
# Lesson 09 repeats the loop on a real model.
#
# If you know "rejection sampling" from statistics, from reinforcement-learning libraries or from
# speculative decoding: here it means something else, unless we say so.
#
# ## In real systems
#
# - Llama 2-Chat was trained with rejection sampling alone up to its fourth version, and then with
#   PPO on top (Touvron et al., 2023, arXiv 2307.09288).
# - Llama 3 sampled typically between 10 and 30 candidates per prompt (arXiv 2407.21783).
# - DeepSeek-R1 selected about 600,000 reasoning samples by rejection sampling, and trained on them
#   together with about 200,000 others (arXiv 2501.12948).
#
# ## Further reading
#
# The section on rejection sampling in the Llama 2 report.
# It reads best after lesson 05.
#
# ## Questions
#
# Your answers are kept in `course-progress.json`, in the course's folder, so you can come back.
# Without widgets, answer as the text under each question says, after
# `from course_lib.classroom import quiz`.

# %%
from course_lib.classroom import quiz

quiz.ask("00")
