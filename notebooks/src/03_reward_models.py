# %% [markdown] tags=["slide"]
# # Reward models: where the scores come from
#
# **You will:** be an annotator, turn comparisons into a loss, train a reward model in seconds,
# catch one that likes length, and see what silent errors in scoring cost.
#
# **Builds on:** lesson 00 (policy, pool, gold reward, intervals), lesson 01 (best-of-N, paired
# differences).
#
# **Time:** 30 minutes, and 25 more for the parts marked *Deeper*.

# %% [markdown] tags=["slide"]
# ## Be the annotator
#
# Two replies to one question.
# **Which is the better one?**
# Choose for a few pairs, and see what twenty others, gold and a reward model say.

# %% tags=["hide"]
import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import drawings, explore, plots, quiz, show
from course_lib.estimators import (best_of_n_curve, bootstrap_interval,
    grouped_interval, pair_accuracy, pair_margins, paired_difference)
from course_lib.experiments.misreadings import (last_column, misread_scores,
    with_random_head)
from course_lib.methods import bradley_terry_loss, train_reward_model
from course_lib.models import new_reward_model
from course_lib.pools import annotate
from course_lib.worlds import Annotator, gold_parts, right_steps

# %% tags=["hide"]
policy = course.load_policy(assets.path("helpdesk/policy"))
world = course.load_world("helpdesk")
# 128 held-out prompts with 256 stored candidates of the policy to each
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold = stored.reward("gold")
topics = np.array([about["topic"] for about in stored.info])

# %% tags=["slide", "nbval-check-output"]
pairs_to_judge = stored.prompts_at([43, 25, 14, 44, 16, 53, 58, 48])
explore.be_the_annotator(pairs_to_judge, reward="reward-8000")

# %% [markdown] tags=["slide"]
# You have just done the work that every reward model is made of.
# Lesson 01 used one as if it had fallen from the sky, but somebody has to say what is good.
#
# Why not ask people for a number between 0 and 10?
# Because one person's 7 is another's 5, and a person's 7 on Monday is a 6 on Friday.
# To say which of *two* replies is better is easier, and needs no common scale.
# Such an answer is called a **comparison** or **preference**, and the person who gives it an
# **annotator**.

# %% [markdown]
# Our annotators are simulated.
# Each looks at the gold reward $r^*$ of both replies, but is not sure of it.
# A is preferred to B, written $A \succ B$, with probability
#
# $$\Pr(A \succ B) = \sigma\big(r^*(x, A) - r^*(x, B)\big), \qquad
# \sigma(z) = \frac{1}{1 + e^{-z}}.$$
#
# The **sigmoid** $\sigma$ turns any number into a probability.
# If both replies are equally good, that is a coin flip.
# One point better gives 73 %, two points 88 %, three points 95 %.
#
# So close pairs get mixed answers: comparisons are **noisy**.
# Two annotators judge 2,048 pairs, 16 for each of 128 questions.
# Gold judges them, too: it always names the reply with more points.

# %%
few = stored.first(32)
A, B = few.reward("gold")[:, 0::2], few.reward("gold")[:, 1::2]
# (128, 16): did the annotator prefer the first of the two?
votes = Annotator().prefers_first(A, B, np.random.default_rng(1))
again = Annotator().prefers_first(A, B, np.random.default_rng(2))  # somebody else

# %% tags=["hide"]
def mean(values, rows=slice(None)):
    """Mean of one value a prompt, with its 95 % interval over topics."""
    return bootstrap_interval(np.asarray(values), groups=topics[rows])

def minus(values, others, rows=slice(None)):
    """Mean paired difference, with its interval over topics."""
    return paired_difference(values, others, groups=topics[rows])

def accuracy(R, said=votes):
    """(P,) share of a prompt's pairs that scores R order as the annotator did."""
    return pair_accuracy(R[:, : 2 * said.shape[1]], said)

# %% tags=["nbval-check-output"]
agreement, ceiling = mean((votes == again).mean(1)), mean(accuracy(gold))
show.facts({"a second annotator agrees on": f"{agreement.mean:.0%} of the pairs",
    "gold agrees on": f"{ceiling.mean:.0%}"})

# %% tags=["hide", "remove-input"]
assert round(100 * ceiling.mean) == 76
assert [round(100 / (1 + np.exp(-z))) for z in range(4)] == [50, 73, 88, 95]
assert minus(accuracy(gold), (votes == again).mean(1)).low > 0.05
assert votes.shape == (128, 16) and few.N == 32

# %% [markdown]
# A second annotator, as noisy as the first, agrees less often.
# Even a perfect judge cannot agree with every label.
# The share that gold gets right is the **ceiling**: no reward model can be expected to pass it.
# The share of pairs that a model orders as the annotator did is called its **accuracy**.

# %% [markdown] tags=["slide"]
# ## Bradley–Terry: from comparisons to scores
#
# We want a score for every reply, and have only comparisons.
# Bradley and Terry suppose that there is a hidden score $r$, and that
#
# $$\Pr(A \succ B) = \sigma(r_A - r_B).$$
#
# Our annotators answer in just this way, with gold as the hidden score.
# Now choose the scores under which our comparisons are most likely.
# One comparison has a chosen and a rejected reply.
# Its loss, in **nats**, is minus the natural logarithm of its probability:
#
# $$\text{loss} =
# -\log \sigma(\underbrace{r_{\text{chosen}} - r_{\text{rejected}}}_{\text{margin}})$$

# %% tags=["slide"]
drawings.margin()

# %% [markdown]
# The **margin** is how far the chosen reply is ahead, here in `reward-8000`'s scores.
# The loss pulls the chosen score up and the rejected one down, by what the chance lacks of 100 %.
# A large margin pulls little, a surprise pulls hard.
#
# ### On paper
#
# Three replies to one prompt have the scores $r_A = 2$, $r_B = 0$, $r_C = 1$.
# Three comparisons came in: A was preferred to B, C to B, and C to A.
# You need $-\log \sigma(z)$, which is 0.02, 0.13, 0.31, 1.31 and 2.13 for $z = 4, 2, 1, -1, -2$.
# **What is the mean loss?
# What does it become when you add 5 to all three scores?
# Does it rise or fall when you double them?**

# %%
r = torch.tensor([2.0, 0.0, 1.0], requires_grad=True)  # A, B, C
chosen, rejected = [0, 2, 2], [1, 1, 0]  # A over B, C over B, C over A

# %% tags=["slide", "answer", "nbval-check-output"]
rows = []
for name, scores in {"as they are": r, "plus 5": r + 5, "doubled": 2 * r}.items():
    losses = bradley_terry_loss(scores[chosen], scores[rejected]).tolist()
    rows.append((name, *(f"{v:.2f}" for v in losses), f"{np.mean(losses):.2f}"))
show.table(["scores", "A over B", "C over B", "C over A", "mean loss"], rows)

# %% tags=["hide", "remove-input"]
assert rows[0][1:] == rows[1][1:]
assert rows[2][3] > rows[0][3] and rows[0][-1] != rows[2][-1]
given = [f"{np.log1p(np.exp(-z)):.2f}" for z in (4, 2, 1, -1, -2)]
assert given == ["0.02", "0.13", "0.31", "1.31", "2.13"]

# %% [markdown] tags=["slide"]
# Adding 5 changes nothing.
# **Only differences within a prompt count**, since comparisons are always between replies to the
# same prompt.
# Doubling does change the loss: it makes the model surer of everything, of its mistake as well.
#
# So never compare scores across prompts.
# Best-of-N compares within one prompt and is safe.

# %% [markdown]
# ## Deeper: The gradient of one comparison

# %% [markdown]
# The derivative of $-\log \sigma(z)$ is $-(1 - \sigma(z))$.
# So each comparison pushes the chosen score up and the rejected one down, both by
# $1 - \sigma(\text{margin})$.
# That is the probability which the model gave to the *other* answer.
# With $1 - \sigma(2) = 0.12$, $1 - \sigma(1) = 0.27$ and $1 - \sigma(-1) = 0.73$:
# **what is the slope of the sum of the three losses for A, for B, for C?**

# %% tags=["nbval-check-output", "answer"]
bradley_terry_loss(r[chosen], r[rejected]).sum().backward()
s = 1 - torch.sigmoid(r[chosen] - r[rejected]).detach()  # surprise
by_hand = [s[2] - s[0], s[0] + s[1], -s[1] - s[2]]
show.table(["slope of", "A", "B", "C"],
    [("by hand", *(f"{g:+.2f}" for g in by_hand)),
    ("autograd", *(f"{g:+.2f}" for g in r.grad.tolist()))])

# %% tags=["hide", "remove-input"]
assert torch.allclose(torch.stack(by_hand), r.grad) and abs(r.grad.sum()) < 1e-6
assert r.grad.abs().argmax() == 2 and r.grad[2] < 0

# %% [markdown]
# A positive slope means that the loss falls when this score is lowered.
# C has the steepest slope, and it is negative: change this score first, upwards.
# The three slopes sum to zero: no comparison can push all scores up together.
# That is why a constant added to a prompt's scores can never be learned.

# %% [markdown]
# ## Deeper: Two clouds

# %% [markdown]
# What goes wrong when scores of different prompts are compared all the same?
# This desk gets ordinary questions and **harmful** requests, which a good reply refuses.
# On harmful ones the policy often does what it should refuse, so gold is lower there.
# **Your prediction: is the mean score of reward-8000 lower there, too?**
# In the picture each stroke is one prompt, 16 of each kind: a straight line through its 256
# replies.
# A large mark is the mean of all prompts of a kind.

# %% tags=["answer"]
harmful = np.array([about["harmful"] for about in stored.info])
kinds = {"ordinary": ~harmful, "harmful": harmful}
plots.two_clouds(gold, stored.reward("reward-8000"), kinds, "score of reward-8000")

# %% tags=["hide", "remove-input"]
level = {(name, kind): mean(stored.reward(name).mean(1)[k], k)
    for name in ("gold", "reward-8000") for kind, k in kinds.items()}
assert level["gold", "harmful"].high < level["gold", "ordinary"].low
assert level["reward-8000", "harmful"].low > level["reward-8000", "ordinary"].high
within = [np.corrcoef(a, b)[0, 1]
    for a, b in zip(gold, stored.reward("reward-8000"), strict=True)]
assert mean(within).low > 0.6

# %% [markdown]
# Within a prompt the strokes rise: the score follows gold.
# From one kind of prompts to the other the order is turned round.
# Training could not have told the model otherwise, since no comparison joins two prompts.
# Statisticians call such a picture Simpson's paradox.
# A rule that ranks the replies of all prompts together falls into it: lesson 05 shows one.

# %% [markdown] tags=["slide"]
# ## From a language model to a reward model
#
# We want a function that scores any reply.
# Take a language model and replace its last layer, which gives a number for every word.
# The new one gives a *single* number.
# It is called the **head**, and all layers below it the **body**.

# %% tags=["slide"]
drawings.scalar_head()

# %% [markdown]
# Why the last token?
# In such a model each token sees only what stands before it.
# The last one alone has seen the whole conversation.
# This is what our reward model reads:

# %% tags=["nbval-check-output"]
untrained = new_reward_model(policy, layers=2, seed=0)
row = untrained.encode(["How do I print a document?"], ["Read the manual."])[0]
print(" ".join(untrained.tokenizer.convert_ids_to_tokens(row)))

# %% tags=["hide", "remove-input"]
assert untrained.model.score.weight.shape == (1, 128)
assert policy.model.config.num_hidden_layers == 3
assert untrained.model.config.num_hidden_layers == 2

# %% [markdown]
# Prompt *and* reply, with marks that say who speaks, and the end token `<|end|>` last.
# The mark ▁ stands for a blank before a word.
# The score is the inner product of 128 numbers, which the body holds at `<|end|>`, with the head's
# 128 weights.
# The body is a copy of the policy's first two layers of three, so it knows the words already.
# The head starts as random numbers.

# %% [markdown]
# ## Deeper: What a random head scores

# %% [markdown]
# **Your prediction: how accurate is a reward model with a random head?
# Always exactly 50 %?**
# Take twenty random heads on the same body, and four of our pairs for each prompt, 512 in all.

# %% tags=["answer"]
eight = stored.first(8)
rows = untrained.encode([p for p in eight.prompts for _ in range(8)],
    [text for row in eight.texts for text in row])
states = last_column(untrained, rows)  # (1024, 128)
heads = torch.randn(20, 128, generator=torch.Generator().manual_seed(0))
by_chance = np.array([accuracy((states @ head).reshape(128, 8), votes[:, :4]).mean()
    for head in heads])
show.facts({"mean of twenty heads": f"{by_chance.mean():.0%}",
    "lowest and highest": f"{by_chance.min():.0%} and {by_chance.max():.0%}"})

# %% tags=["hide", "remove-input"]
assert abs(by_chance.mean() - 0.5) < 0.03 and 0.01 < by_chance.std() < 0.06
assert by_chance.max() > 0.53

# %% [markdown]
# One half on average: turn a head's sign, and its accuracy becomes one minus it.
# But a single random head can be several points off.
# The luck of 512 pairs alone explains about two points up or down.
# So a reward model with "53 % accuracy" may have learned nothing at all.

# %% [markdown] tags=["slide"]
# ## Train one
#
# First the data: 1,000 comparisons of replies to 128 *training* prompts.
# `annotate` hands back what a labelling team would: prompt, chosen, rejected.
# Here is one.

# %%
train_prompts, train_info = world.prompts("train", limit=128, seed=5)
replies = course.sample(policy, train_prompts, n=8, seed=3, info=train_info)
pairs = annotate(replies, Annotator(), 1000, seed=1)

# %%
one = pairs[54]
show.replies(one["prompt"], [one["chosen"], one["rejected"]], ["chosen", "rejected"],
    about=one["info"], beside=True)

# %% tags=["hide", "remove-input"]
assert len(pairs) == 1000

# %% [markdown] tags=["slide"]
# Training goes over all 1,000 comparisons four times: four **passes**.
# After each pass we look at the 2,048 pairs of *other* prompts, which it never sees.
#
# **Your prediction.**
# A coin gets 50 % of the held-out pairs right, and gold about three quarters.
# What will our model reach after its last pass?

# %% tags=["hide"]
quiz.predict("03-accuracy", "How many held-out pairs will our model get right?",
    low=45, high=80, step=1, unit="%")

# %%
after = []  # its scores of the held-out candidates, after each pass
mine = train_reward_model(policy, pairs, epochs=4, lr=1e-3, batch_size=32, layers=2,
    name="mine", after_pass=lambda model: after.append(model.score_pool(few)))

# %% tags=["slide", "answer"]
right = [accuracy(R) for R in after]
held_out = [np.logaddexp(0, -pair_margins(R, votes)).mean(1) for R in after]
longer = accuracy(few.lengths.float())
plots.training_passes(mine.facts["losses"], [mean(v) for v in held_out],
    [mean(v) for v in right], {"gold, the ceiling": ceiling.mean,
    "a second annotator": agreement.mean, "longer is better": longer.mean()}
    ).guessed("03-accuracy", x=4, panel=1)

# %% tags=["hide", "remove-input"]
assert minus(right[-1], longer).low > 0 and minus(right[-1], accuracy(gold)).high < 0
assert (right[-1].mean() - longer.mean()) / (ceiling.mean - longer.mean()) < 0.5
passes = [part.mean() for part in np.array_split(mine.facts["losses"], 4)]
assert passes == sorted(passes, reverse=True) and passes[-1] < 0.45
assert minus(held_out[3], held_out[1]).low > 0 and held_out[3].mean() > 0.65
choices = [best_of_n_curve(R, few.reward("gold"), [16])[:, 0] for R in after]
assert minus(choices[3], choices[1]).high > 0
assert abs(minus(right[3], right[1]).mean) < 0.02
assert 0.59 < right[3].mean() < 0.63 and abs(held_out[3].mean() - np.log(2)) < 0.05

# %% [markdown] tags=["slide"]
# Left: the loss on the pairs it has seen falls from pass to pass.
# On held-out pairs it turns after the second pass and ends where a coin is.
# The model learns single pairs by heart, noise included.
# Yet it gets as many held-out pairs right as before: it is no worse at choosing, but too sure.
# **Only held-out numbers count.**
#
# Right: read an accuracy between its two ends, a rule without training and the ceiling.
# Our model beats the rule "the longer reply is better".
# Most of the way to the ceiling is still to go.
# Always ask how far such a rule gets.

# %% [markdown]
# ## Deeper: How low can it honestly go?

# %% [markdown]
# Which loss is a good one?
# Ask the judge who knows the annotators' probabilities exactly: gold.
# Here are both, on the 1,000 pairs of the training and on the held-out 2,048.
# Ours is scored after the last pass.
# The last step of the figure is a little higher: a mean over that pass, while the model learned.

# %% tags=["hide"]
def on_training(score):
    """(1000,) losses of ``pairs``; ``score`` maps the texts of one side to scores."""
    sides = [np.asarray(score([p[side] for p in pairs]))
        for side in ("chosen", "rejected")]
    return np.logaddexp(0, sides[1] - sides[0])

asked = [p["prompt"] for p in pairs]
about = [p["info"]["topic"] for p in pairs]
seen = {"ours": on_training(lambda texts: mine.score_texts(asked, texts)),
    "gold": on_training(lambda texts: [Annotator().utility(text, topic)
        for text, topic in zip(texts, about, strict=True)])}
new = {"ours": held_out[-1],
    "gold": np.logaddexp(0, -pair_margins(few.reward("gold"), votes)).mean(1)}

# %%
show.table(["loss in nats", "training pairs", "held-out pairs"],
    [(name, f"{seen[name].mean():.2f}", f"{new[name].mean():.2f}") for name in seen],
    f"A coin has {np.log(2):.2f}.")

# %% tags=["hide", "remove-input"]
assert grouped_interval(seen["ours"] - seen["gold"], about).high < 0
assert new["gold"].mean() < new["ours"].mean()

# %% [markdown]
# On the pairs it has seen, our model's loss is *below* that of the perfect judge.
# That is a warning and no success.
#
# ### A ceiling without gold
#
# With real people there is no gold reward.
# But you can ask two annotators about the same pairs.
# If they agree on a share $g$, the best possible accuracy lies between $g$ and
# $\tfrac{1}{2}\big(1 + \sqrt{2g - 1}\big)$.
# The reason: where the likelier answer has probability $m$, the best judge is right with
# probability $m$.
# Two annotators agree with probability $m^2 + (1-m)^2$, which is never more than $m$.
# The upper end is what $m$ would be if all pairs were equally hard.

# %%
g = agreement.mean
highest = (1 + np.sqrt(2 * g - 1)) / 2
show.facts({"two annotators agree": f"{g:.0%}", "bounds": f"{g:.0%} to {highest:.0%}",
    "the ceiling": f"{ceiling.mean:.0%}"})

# %% tags=["hide", "remove-input"]
assert g < ceiling.mean < highest

# %% [markdown]
# The bounds hold, and the interval is wide.
# Have some pairs labelled twice: it is the cheapest yardstick that you can buy.

# %% [markdown] tags=["slide"]
# ## What more comparisons buy
#
# Four stored reward models, `reward-125` to `reward-8000`, learned from as many comparisons as
# their names say.
# Left: their accuracy on our pairs.
# Right: the gold reward of the reply that each likes best among 16.

# %% tags=["hide"]
def best_of_16(R, of):
    """(P,) mean of ``of`` (P, N) over the choices that R makes among 16 candidates."""
    return best_of_n_curve(R, of, [16])[:, 0]

# %% tags=["slide"]
sizes = [125, 500, 2000, 8000]
by_size = [accuracy(stored.reward(f"reward-{size}")) for size in sizes]
kept = [best_of_16(stored.reward(f"reward-{size}"), gold) for size in sizes]
plots.learning_curve(sizes,
    {"held-out pairs it gets right": by_size, "gold of the best of 16 (points)": kept},
    {"held-out pairs it gets right": {"gold, the ceiling": ceiling.mean,
        "a second annotator": agreement.mean, "longer is better": longer.mean()},
    "gold of the best of 16 (points)": {"chosen by gold": best_of_16(gold, gold).mean(),
        "a random reply": gold.mean().item()}}, topics)

# %% tags=["hide", "remove-input"]
for values in (by_size, kept):
    first, second, third = (minus(values[k + 1], values[k]) for k in range(3))
    assert second.low > 0 and third.low > 0
assert first.low < 0 < first.high  # of the replies
assert abs(minus(by_size[-1], (votes == again).mean(1)).mean) < 0.03
assert minus(by_size[-1], accuracy(gold)).high < -0.03
assert minus(kept[0], gold.mean(1).numpy()).low > 0
assert 0.4 < kept[0].mean() - gold.mean() < 0.7
assert 0.52 < by_size[0].mean() < 0.58 and round(100 * by_size[-1].mean()) == 68

# %% [markdown] tags=["slide"]
# From 500 on, four times the comparisons buy accuracy, and better replies.
# Between 125 and 500 there is no difference in the replies that we can detect.
# At the end the model agrees with an annotator about as often as a second annotator does.
#
# `reward-125` is little better than a coin on pairs, and yet its choice is half a point better than
# a random reply.
# Sixteen candidates give a weak preference many chances.
#
# Lesson 05 trains the policy on such kept replies.
# That is how a better reward model improves a policy: **through the data it picks**.
# A more accurate one does not always choose better: lesson 04 shows a case.

# %% [markdown]
# ## Deeper: Does it mean what it says?

# %% [markdown]
# A margin of 2 says that 88 % of annotators prefer this reply.
# A model whose probabilities come true is called **calibrated**.
# Take for each pair the probability which it gives to the reply that it likes better,
# $\sigma(|\text{margin}|)$, so from 50 % up.
# Sort the pairs by it, cut them into five equal groups, and compare with how often it came true.
#
# The repair is one number: divide all scores by a constant $\tau$, as the temperature divided the
# logits in lesson 02.
# We find it on half of the topics, as the one with the smallest loss, and judge on the other half.
# For five groups we need more pairs: all 16,384 of the 256 candidates.
# **Your prediction.
# Each training label said 100 %.
# Will the models be too sure, or not sure enough?**

# %% tags=["hide"]
careful = Annotator().prefers_first(gold[:, 0::2], gold[:, 1::2],
    np.random.default_rng(1))
half = np.isin(topics, np.unique(topics)[::2])
names = ["reward-500", "reward-8000", "gold"]
margins = {name: pair_margins(stored.reward(name), careful) for name in names}

def loss_at(name, tau, rows):
    """(P,) mean loss in nats of a model's scores divided by tau."""
    return np.logaddexp(0, -margins[name][rows] / tau).mean(1)

tau = {name: min(np.arange(5, 61) / 10, key=lambda t: loss_at(name, t, half).mean())
    for name in names}

# %% tags=["answer"]
rest = ~half
panels = {"as trained": {name: m[rest] for name, m in margins.items()},
    "divided by τ": {f"{n}, τ = {t:.1f}": margins[n][rest] / t for n, t in tau.items()}}
plots.calibration(panels, topics=dict.fromkeys(panels, topics[rest]))

# %% tags=["hide", "remove-input"]
before, repaired = (loss_at("reward-500", t, rest) for t in (1, tau["reward-500"]))
assert minus(repaired, before, rest).high < 0 and before.mean() > 0.75
assert 0.69 > repaired.mean()
small = stored.reward("reward-500")
assert (small.argmax(1) == (small / tau["reward-500"]).argmax(1)).all()
assert abs(minus(loss_at("reward-8000", tau["reward-8000"], rest),
    loss_at("reward-8000", 1, rest), rest).mean) < 0.02

# %% [markdown]
# Gold lies on the diagonal by construction: it is the control.
# The reward models are **overconfident** where they are sure, `reward-8000` a little, `reward-500`
# badly.
# Noise alone is not the reason: over very many different pairs, single labels average out.
# The reason is memory.
# A model that can remember single pairs pushes their margins outwards, and with 500 pairs there is
# little else to learn from.
#
# After the division the probabilities are close to honest, and *nothing else changes*: same order,
# same accuracy, same best-of-N choice.
# Calibration matters where the size of a score is used: a threshold, a mix of two rewards, or the
# reward of a policy gradient (lesson 07).

# %% [markdown]
# ## Deeper: Ties, and the right margin

# %% [markdown]
# Suppose 14 of 20 annotators prefer A to B.
# Which margin makes the loss smallest?
# Try many.

# %% tags=["nbval-check-output"]
z = torch.linspace(-4, 4, 8001, dtype=torch.float64)
rows = []
for share in (0.5, 0.7, 0.95, 1.0):
    loss = -share * torch.nn.functional.logsigmoid(z) \
        - (1 - share) * torch.nn.functional.logsigmoid(-z)
    best = z[loss.argmin()]
    rows.append((f"{share:.0%}", f"{abs(best):.1f}", f"{best.sigmoid():.0%}"))
show.table(["prefer A", "best margin", "σ(margin)"], rows)

# %% tags=["hide", "remove-input"]
assert [row[0] for row in rows[:3]] == [row[2] for row in rows[:3]]
assert rows[3][1] == "4.0" and abs(np.log(0.7 / 0.3) - 0.85) < 0.01

# %% [markdown]
# The best margin is the one with $\sigma(\text{margin})$ equal to the share: for 14 of 20,
# $\log(0.7/0.3) = 0.85$.
# With 100 % there is no best margin; 4 is only the end of the range we tried.
# Remember that each of our training pairs is labelled *once*, so every single label says 100 %.
#
# ### Ties and equal pairs
#
# Three kinds of comparisons teach little or nothing:
#
# - **Chosen and rejected are the same text.**
#   The margin is 0 whatever the weights are, and so is the gradient.
# - **They become the same after cutting.**
#   A model reads at most so many tokens.
#   Two long conversations that differ only in the part that is cut away are equal for it.
#   That was so for 352 of 5,000 pairs of UltraFeedback at 512 tokens
#   ([RLHF book, issue 503](https://github.com/natolambert/rlhf-book/issues/503)).
# - **A real tie, forced into an answer.**
#   The label is a coin flip: weak, not wrong.
#
# `train_reward_model` drops the first two and counts them in `facts["dropped_equal_pairs"]`.

# %% [markdown] tags=["slide"]
# ## It likes length
#
# Suppose annotators are in a hurry, and a long reply looks thorough.
# To ours every ten words look like one point more.
# `reward-length-biased` learned from 8,000 of their comparisons.
# Nobody told the modelling team.
# Like everyone, they hold out comparisons *by the same annotators* and measure accuracy.
#
# **Your prediction.**
# Beside `reward-8000`, how does the biased model look to them?

# %% tags=["hide"]
quiz.predict("03-length", "Judged by the hurried annotators, the biased model looks …",
    options=["worse", "the same", "better"])

# %% tags=["hide"]
careful = Annotator().prefers_first(gold[:, 0::2], gold[:, 1::2],
    np.random.default_rng(1))
words = torch.tensor([[len(text.split()) for text in row] for row in stored.texts])
looks = gold + words / 10  # one point for every ten words
hurried = Annotator().prefers_first(looks[:, 0::2], looks[:, 1::2],
    np.random.default_rng(3))

# %% tags=["slide", "answer"]
judges = {"by hurried annotators": hurried, "by careful annotators": careful}
both = ("reward-8000", "reward-length-biased")
judged = {name: [accuracy(stored.reward(name), said) for said in judges.values()]
    for name in both}
plots.dumbbells(list(judges),
    {name: [mean(v) for v in row] for name, row in judged.items()},
    "pairs it gets right", spec=".0%").guessed("03-length")

# %% tags=["hide", "remove-input"]
(fair_hurried, fair_careful), (biased_hurried, biased_careful) = judged.values()
assert minus(biased_hurried, fair_hurried).low > 0.02
assert minus(biased_careful, fair_careful).high < -0.02
L = stored.lengths.float()
long = {name: best_of_16(stored.reward(name), L) for name in ("gold", *both)}
assert minus(long[both[1]], long[both[0]]).low > 5
assert [round(v) for v in (L.mean().item(), long[both[1]].mean())] == [25, 33]
assert abs(minus(long[both[0]], L.mean(1).numpy()).mean) < 2
assert minus(best_of_16(stored.reward(both[1]), gold),
    best_of_16(stored.reward(both[0]), gold)).high < 0

# %% [markdown] tags=["slide"]
# By its own annotators the biased model looks *better*.
# A held-out set cannot show a fault that the labels themselves have.
# On the same pairs, all 16,384 stored ones, both differences are clear.
#
# So look at what the model *does*.
# This is the question where the biased model's choice among 16 costs most gold.

# %% tags=["slide"]
picks = [course.select_best(stored.first(16), by=name) for name in both]
cost = picks[0].rewards("gold") - picks[1].rewards("gold")
i = int(cost.argmax())
show.replies(stored.prompts[i], [pick.texts[i] for pick in picks],
    [f"chosen by {name}" for name in both], about=stored.info[i], beside=True)

# %%
show.table(["chosen among 16 by", "tokens"],
    [("nobody, a random reply", f"{L.mean():.0f}"),
    *((name, f"{values.mean():.0f}") for name, values in long.items())])

# %% [markdown]
# Flattery, a refusal that does not fit the question, steps of other topics, and all of it *long*.
#
# Tell annotators not to reward length, or compare replies of similar length.
# And always watch the length of what is chosen.

# %% [markdown] tags=["slide"]
# ## Silent errors
#
# Now a perfectly good model, `reward-8000`, used wrongly.
# None of the following raises an error.
#
# **Wrong text.**
# The prompt is missing, or it is *the next prompt*, because a list no longer lines up.
# The marks of who speaks are missing (*no template*), or are those of *another template*.
# The end token is missing, or the end of the reply is cut off.
#
# **Wrong place.**
# Conversations differ in length, so a batch is filled up with pad tokens, on one side.
#
#     right:   a  b  c  END  pad  pad        the last column is a pad
#     left:    pad  pad  a  b  c  END        correct, if a mask tells the model to ignore pads
#
# **Wrong head.**
# Open a *language model* as a classifier, and `transformers` makes up the missing head from random
# numbers.
# Its warning is easy to miss.

# %% [markdown]
# To lose the end token takes no more than this:

# %% tags=["nbval-check-output"]
rm = course.load_reward_model(assets.path("helpdesk/reward-8000"))
i = 43  # the first pair you judged
ids = rm.encode([stored.prompts[i]] * 2, stored.texts[i][:2])
with torch.inference_mode():
    whole, cut = rm.logits(ids), rm.logits([row[:-1] for row in ids])
show.table(["", "A", "B"],
    [("with the end token", *(f"{v:.1f}" for v in whole.tolist())),
    ("without", *(f"{v:.1f}" for v in cut.tolist()))])

# %% [markdown]
# Nothing looks broken.
#
# **Your prediction.**
# Best-of-4 by this model gains one point of gold over a random reply.
# How much of that gain is lost when the end token is missing everywhere?

# %% tags=["hide"]
quiz.predict("03-end", "Share of best-of-4's gain that is lost without the end token?",
    low=0, high=100, step=5, unit="%")

# %% tags=["hide"]
eight = stored.first(8)
prompts = [p for p in eight.prompts for _ in range(8)]
texts = [text for row in eight.texts for text in row]
others = prompts[8:] + prompts[:8]  # the next prompt's
headless = with_random_head(assets.path("helpdesk/policy"))
ways = {name: scores.reshape(128, 8)
    for name, scores in misread_scores(rm, headless, prompts, texts, others).items()}
by_luck = eight.reward("gold").mean(1).numpy()
best_of_4 = {name: best_of_n_curve(R, eight.reward("gold"), [4])[:, 0]
    for name, R in ways.items()}
gained = minus(best_of_4["as trained"], by_luck).mean
lost = {name: 1 - minus(best, by_luck).mean / gained
    for name, best in best_of_4.items()}

# %% tags=["slide", "answer"]
table = show.table(["read", "of best-of-4's gain is lost", "pairs it gets right"],
    [(name, f"{lost[name]:.0%}", f"{accuracy(R, votes[:, :4]).mean():.0%}")
    for name, R in sorted(ways.items(), key=lambda way: lost[way[0]])])
show.together(table, show.guess("03-end", round(100 * lost["no end token"]), "%"))

# %% tags=["hide", "remove-input"]
padded = "left padding, with its mask"
costly = [name for name in ways if name not in ("as trained", "no template", padded)]
for name in costly:
    assert minus(best_of_4[name], best_of_4["as trained"]).high < 0
    assert lost[name] > 0.33
assert len(costly) == 8 and abs(lost["no template"]) < 0.1
at_random = minus(best_of_4["random head"], by_luck)
assert at_random.low < 0 < at_random.high and 0.3 < lost["another template"] < 0.4
assert abs(lost[padded]) < 0.005 and 0.95 < gained < 1.05
lengths = np.array([len(ids) for ids in rm.encode(prompts, texts)])
at = np.argsort(lengths)[[0, 340, 680, 1023]].tolist()  # the shortest … the longest
kept_scores = eight.reward("reward-8000").flatten()[at]
four = misread_scores(rm, headless, *([column[k] for k in at]
    for column in (prompts, texts, others)))
same = [name for name, found in four.items()
    if (found - kept_scores).abs().max() < 0.01]
assert same == ["as trained", padded]

# %% [markdown] tags=["slide"]
# The two rows of 0 % are correct.
# Of the nine mistakes below them, eight cost a third of the gain or more.
# A random head loses all of it.
# The end token carries no words, but the model learned to put its judgement *there*.
# With the end token in place, a missing template costs next to nothing, and a foreign one a third.
#
# **What to do about it.**
# Keep a few conversations with their scores beside every reward model, and compare before each use.
# Take short and long ones, and score them in *one batch*.
# Here four are enough to find all nine.

# %% [markdown]
# ## Deeper: A case: what to ask the annotators

# %% [markdown]
# Your team can pay for 4,000 comparisons and has three drafts of the guideline:
#
# - *Helpful*: "prefer the reply with the right content, well written; ignore rudeness and safety."
# - *Harmless*: "prefer the safer and less rude reply; ignore whether it helps."
# - *Both*: "weigh everything", which takes twice as long a pair, so you would get 2,000.
#
# **Decide before you read on.
# Which one would you choose for ordinary questions, and which for harmful ones?**
#
# Gold is a sum of two halves.
# The *helpful* half counts right steps, order and style.
# A step that carries out a harmful request counts +1 there, since it is what was asked for.
# The *harmless* half counts refusals, rudeness and unsafe advice, and the same step −2.5.
# Each draft has been tried, with one model each.

# %% tags=["answer"]
is_harmful = np.array([about["harmful"] for about in stored.info])
drafts = {"helpful, 4,000": "reward-helpful", "harmless, 4,000": "reward-harmless",
    "both, 2,000": "reward-2000"}
gain = {draft: best_of_16(stored.reward(name), gold) - gold.mean(1).numpy()
    for draft, name in drafts.items()}
plots.dumbbells(list(drafts), {f"{kind} prompts": [mean(v[k], k) for v in gain.values()]
    for kind, k in (("harmful", is_harmful), ("ordinary", ~is_harmful))},
    "gold of the best of 16 minus a random reply (points)", spec="+.1f")

# %% tags=["hide"]
complies = torch.tensor([[gold_parts(text, topic)["complies"] < 0 for text in row]
    for topic, row in zip(topics, stored.texts, strict=True)]).double()
offers = torch.tensor([[right_steps(topic)[1] in text.lower() for text in row]
    for topic, row in zip(topics, stored.texts, strict=True)]).double()
everyone = {"a random reply": torch.zeros(128, 256),
    **{draft: stored.reward(name) for draft, name in drafts.items()},
    "helpful half itself": stored.reward("helpful")}
share = {name: [best_of_16(R, of)[is_harmful].mean() for of in (complies, offers)]
    for name, R in everyone.items()}

# %%
show.table(["harmful prompts, by", "does what it should refuse", "offers a safe way"],
    [(name, *(f"{v:.0%}" for v in row)) for name, row in share.items()])

# %% tags=["hide", "remove-input"]
one, other, whole = gain.values()
on, off = is_harmful, ~is_harmful
assert abs(minus(one[off], whole[off], off).mean) < 0.25
assert mean(one[off], off).low > 0.5
assert mean(one[on], on).high < -0.5 and mean(other[off], off).mean < 0.1
assert minus(other[off], whole[off], off).high < -0.5 and mean(other[on], on).low > 1
assert minus(other[on], whole[on], on).mean < 0 < mean(whole[on], on).low
assert 0.85 < (stored.reward("harmless")[off] >= 0).double().mean() < 0.95
assert share["helpful, 4,000"][0] > 0.6 and share["harmless, 4,000"][0] < 0.05
assert share["helpful half itself"][0] > 0.6
assert share["harmless, 4,000"][1] < share["both, 2,000"][1]

# %% [markdown]
# *Helpful* learned what its annotators were told.
# On ordinary prompts it does as well as *both*, and on harmful ones far worse than chance.
# The helpful half itself, which makes no mistakes, complies nearly as often: the guideline is at
# fault, not the model.
# *Harmless* refuses what must be refused.
# On ordinary prompts it chooses no better than chance, since nine in ten replies there are
# harmless.
#
# What annotators are not asked for, the reward model does not learn.
# We would take *both*: half the labels, and the only draft that does well on both kinds.
# Write into a guideline even what seems obvious.
# Two reward models are a third way: lesson 04.

# %% [markdown] tags=["slide"]
# ## What we found
#
# - Comparisons are noisy: gold itself agrees with only 76 % of the answers, the ceiling.
# - Bradley–Terry turns them into scores, of which only differences within a prompt count.
# - 1,000 comparisons give about 61 % of held-out pairs, 8,000 give 68 %, and better replies.
# - A bias of the annotators does not show in accuracy by the same annotators.
#   It shows in the length of what is chosen: 33 tokens, not 25.
# - Of nine silent mistakes eight cost a third of the gain or more.

# %% [markdown]
# ## Deeper: Limits, real systems, reading

# %% [markdown]
# ### What this leaves out
#
# Our annotators follow Bradley–Terry on one gold reward and differ only by chance.
# Real annotators differ in taste, tire, and can be inconsistent in circles (A over B, B over C, C
# over A), which no scores can express.
# One learning rate, three or four passes, and one seed for each size: the curve shows data *and*
# luck.
#
# ### In real systems
#
# - Llama 2 trained two reward models, one for helpfulness and one for safety (arXiv 2307.09288).
# - With fewer than about 2,000 comparisons, reward models were near chance in the study of Gao,
#   Schulman and Hilton (arXiv 2210.10760).
# - RewardBench 2 (arXiv 2506.01937) tests by the best of 4.
#   Over seven tasks its score has a correlation of 0.87 with best-of-N accuracy.
# - The silent errors are from practice: a head lost when saving with the wrong class
#   ([TRL, issue 368](https://github.com/huggingface/trl/issues/368)), template tokens that a base
#   model never learned ([Qwen3, issue
#   1608](https://github.com/QwenLM/Qwen3/issues/1608)), pairs equal after cutting
#   ([OpenRLHF, issue 1311](https://github.com/OpenRLHF/OpenRLHF/issues/1311)).
#   The course's `load_reward_model` refuses a model without a trained head, and says why.
# - Length is a strong bias: a policy paid for length alone reproduces most of the gains in
#   simulated preference of one paid by learned reward models (arXiv 2310.03716).
# - `course train-reward FILE --out FOLDER` trains on your own comparisons.
#
# ### Further reading
#
# Bai et al., *Training a helpful and harmless assistant with reinforcement learning from human
# feedback*, arXiv 2204.05862.
# The reward-modelling section of the Llama 2 report, arXiv 2307.09288.

# %% [markdown]
# ## Now you
#
# **Exercise** `exercises/ex03`: Bradley–Terry, pairs that teach, a reward model fitted by your own
# loop, and calibration.
#
# **Questions** come last.

# %%
quiz.ask("03")
