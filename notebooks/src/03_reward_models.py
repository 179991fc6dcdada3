# %% [markdown] tags=["slide"]
# # Reward models: where the scores come from
#
# **You will:** be an annotator, turn comparisons of two replies into a loss and work it out on
# paper, train a reward model in seconds, read its accuracy against the right yardsticks, check
# whether its probabilities mean what they say, catch one liking length, and make nine silent
# changes to its input on purpose to see what each one costs.
#
# **Builds on:** lesson 00 (policy, pool, gold reward, how to read an interval), lesson 01
# (best-of-N, paired differences), lesson 02 (temperature).
#
# **Time:** 60 minutes to read and do; the cells run in about a minute.

# %%
from itertools import pairwise
import numpy as np
import torch

import course_lib as course
from course_lib import assets
from course_lib.classroom import explore, plots, show
from course_lib.estimators import (best_of_n_curve, bootstrap_interval,
    grouped_interval,
    paired_difference, win_scores)
from course_lib.methods import bradley_terry_loss, train_reward_model
from course_lib.models import new_reward_model
from course_lib.pools import annotate
from course_lib.worlds import Annotator, gold_parts, right_steps

# %% [markdown] tags=["slide"]
# ## Preferences instead of scores
#
# Lesson 01 used a reward model as if it had fallen from the sky.
# Somebody has to say what is good.
# Why not ask people for a number between 0 and 10?
# Because one person's 7 is another's 5, and a person's 7 on Monday is a 6 on Friday.
# To say which of *two* replies is better is easier, and needs no common scale.
# Such an answer is called a **preference** or **comparison**, and the person who gives it an
# **annotator**.
#
# Be one.
# For each question below there are two replies, A and B. **Your prediction.**
# Write down six letters.
# And for each: if twenty annotators answered, how many would say the same as you?

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
world = course.load_world("helpdesk")
# 128 held-out prompts × 256 candidates, sampled at temperature 1
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
gold = stored.reward("gold")
# (128,) what each prompt is about
topic = np.array([about["topic"] for about in stored.info])

# %% tags=["nbval-check-output"]
shown = [0, 2, 4, 6, 14, 13]
show.together(*(show.replies(f"{number}. {stored.prompts[i]}", stored.texts[i][:2],
    names=["A", "B"]) for number, i in enumerate(shown, 1)))

# %% [markdown]
# Many of these replies are the stock letters of lesson 00: polite sentences around one step, or
# around none.
# We made this desk send them, since the likeliest reply of a real model is often bland too.
#
# Our annotators are simulated, so that we can have thousands of them.
# Each one looks at the gold reward $r^*$ of both replies, but is not sure of it: A is preferred
# with probability
#
# $$\Pr(A \succ B) = \sigma\big(r^*(x, A) - r^*(x, B)\big), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# The sign $\succ$ reads "is preferred to".
# If both are equally good, that is a coin flip; one point better gives 73 %, two points 88 %, three
# points 95 %.
# Here is what twenty of them say about your six pairs.

# %% tags=["nbval-check-output"]
rng, rows = np.random.default_rng(1), []
for number, i in enumerate(shown, 1):
    a, b = gold[i, :2].tolist()
    for_a = Annotator().prefers_first(np.full(20, a), np.full(20, b), rng).sum()
    rows += [(number, "A", for_a, f"{a:.2f}", f"{stored.texts[i][0][:40]} …"),
        ("", "B", 20 - for_a, f"{b:.2f}", f"{stored.texts[i][1][:40]} …")]
show.together(
    show.table(["points better", 0, 1, 2, 3],
        [("preferred", *(f"{1 / (1 + np.exp(-z)):.0%}" for z in range(4)))]),
    show.table(["", "reply", "votes of 20", "gold", "begins"], rows))

# %% [markdown]
# In the fourth pair and the last gold is nearly equal: whatever you answered there, about half of
# the annotators disagree with you.
# Preferences are *noisy*.
# Here that is by construction, and its main reason is real: some pairs are close.
#
# How noisy are they in all?
# Match up the 256 stored candidates of each prompt, 0 against 1, 2 against 3, and so on: 128 pairs
# a prompt.
# Ask one annotator about each pair, and then ask a second one.
#
# The 128 prompts are about 31 topics, and prompts about one topic are not independent: what is hard
# about a topic is hard in all its wordings.
# So in this lesson topics are the units of the intervals, not prompts.
# They speak of other topics of such a desk, and are wider than intervals over prompts.

# %% tags=["hide"]
def interval(values, rows=slice(None)):
    """95 % interval of the mean of one value a prompt; topics are the units."""
    return bootstrap_interval(np.asarray(values), groups=topic[rows])

def difference(a, b, rows=slice(None)):
    """The same for a − b, paired by prompt."""
    return paired_difference(a, b, groups=topic[rows])

# %%
# (128, 128): gold of the first and the second
A, B = gold[:, 0::2], gold[:, 1::2]
# (128, 128): was the first preferred?
votes = Annotator().prefers_first(A, B, np.random.default_rng(1))
# a second annotator, same pairs
again = Annotator().prefers_first(A, B, np.random.default_rng(2))
agreement = interval((votes == again).mean(1))
print(f"two annotators agree on {agreement:.1%} of pairs")

# %% [markdown]
# So no judge can agree with every label, not even a perfect one.
# How well does the perfect judge do, the gold reward itself?
# Define **accuracy** once, for the whole lesson: the share of pairs where the reply with the higher
# score is the one the annotator preferred.
# A tie counts half.
# (A few pairs are the same text twice; they count half for everybody.)

# %%
def accuracy(R):
    """(P,) share of a prompt's pairs that scores R (P, N) order as the annotator did.

    A tie counts half.
    """
    first = win_scores(R[:, 0::2], R[:, 1::2])
    said = votes[:, : first.shape[1]]
    return np.where(said, first, 1 - first).mean(1)

ceiling = interval(accuracy(gold))
print(f"the gold reward agrees with the annotator on {ceiling:.1%} of pairs")

# %% [markdown]
# That is the **ceiling**: no reward model can be expected to get above it on these labels.
# It is higher than the agreement of two annotators, because gold always gives the more likely
# answer, while an annotator sometimes gives the less likely one.
#
# With real people there is no gold reward.
# But you can ask two annotators about the same pairs, and that gives a lower and an upper bound for
# the ceiling.
# If they agree on a share $g$ of pairs, the best possible accuracy lies between $g$ and
# $\tfrac{1}{2}\big(1 + \sqrt{2g - 1}\big)$.
# The reason: where the more likely answer has probability $m$, the best judge is right with
# probability $m$, and two annotators agree with probability $m^2 + (1-m)^2$, which is never more
# than $m$.
# (The upper end is what $m$ would be if all pairs were equally hard.)
# Do the bounds hold here?

# %%
g = agreement.mean
highest = (1 + np.sqrt(2 * g - 1)) / 2
print(f"two annotators agree on {g:.1%}: a ceiling between {g:.1%} and {highest:.1%}; "
    f"it is {ceiling.mean:.1%}")

# %% tags=["hide", "remove-input"]
assert g < ceiling.mean < highest

# %% [markdown]
# ## Bradley–Terry: from comparisons to scores
#
# We want a score for each reply, and have only comparisons.
# The idea of Bradley and Terry: suppose there is a hidden score $r$, and that the probability of a
# preference depends on the difference of two scores,
#
# $$\Pr(A \succ B) = \sigma(r_A - r_B).$$
#
# Then choose the scores that make the observed comparisons most likely.
# For one comparison with a chosen and a rejected reply, the loss is minus the log of its
# probability:
#
# $$\text{loss} = -\log \sigma(r_{\text{chosen}} - r_{\text{rejected}})$$
#
# In the code it is `bradley_terry_loss(chosen, rejected)`.
# The difference $r_{\text{chosen}} - r_{\text{rejected}}$ is called the **margin**.
# (Our simulated annotators follow this rule exactly.
# Real ones do so roughly at best.)
#
# ### On paper
#
# Three replies to one prompt have the scores $r_A = 2$, $r_B = 0$, $r_C = 1$.
# Three comparisons came in: A was preferred to B, C to B, and C to A. You need $\sigma(2) = 0.88$,
# $\sigma(1) = 0.73$, $\sigma(-1) = 0.27$, and $-\log 0.88 = 0.13$, $-\log 0.73 = 0.31$,
# $-\log 0.27 = 1.31$.
# **What is the mean loss? Which comparison costs most, and which score would you change first?**

# %% tags=["nbval-check-output"]
r = torch.tensor([2.0, 0.0, 1.0], requires_grad=True)        # A, B, C
chosen, rejected = [0, 2, 2], [1, 1,
    0]                      # A over B, C over B, C over A
losses = bradley_terry_loss(r[chosen], r[rejected])
show.table(["", "A over B", "C over B", "C over A", "mean"],
    [("loss", *(f"{v:.2f}" for v in losses.tolist()), f"{losses.mean():.2f}")])

# %% [markdown]
# The third comparison costs most: the scores say A, the annotator said C. Now the gradient.
# The derivative of $-\log \sigma(z)$ is $-(1 - \sigma(z))$.
# So each comparison pushes the chosen score up and the rejected one down, both by
# $1 - \sigma(\text{margin})$: the probability that the model gave to the *other* answer.
# A comparison that the model already gets right with certainty pushes nothing.
# **By hand, from the numbers above, for the sum of the three losses:** A is pushed up by 0.12 and
# down by 0.73.
# And B, and C?

# %% tags=["nbval-check-output"]
losses.sum().backward()
surprise = 1 - torch.sigmoid(r[chosen] - r[rejected]).detach()
by_hand = [float(-surprise[0] + surprise[2]), float(surprise[0] + surprise[1]),
    float(-surprise[1] - surprise[2])]
show.together(
    show.table(["", "A over B", "C over B", "C over A"],
        [("1 − σ", *(f"{s:.2f}" for s in surprise.tolist()))]),
    show.table(["slope of", "A", "B", "C"],
        [("by hand", *(f"{g:.2f}" for g in by_hand)),
        ("autograd", *(f"{g:.2f}" for g in r.grad.tolist()))]))

# %% [markdown]
# A positive gradient means: the loss falls when this score is lowered.
# (For the mean loss, divide by 3.)
# So the score to change first is that of C, upwards: it has the largest gradient.
# The three sum to zero.
# No comparison can push all scores up together, and that has a consequence.
#
# ### Only differences count
#
# **Your prediction.**
# Add 5 to all three scores.
# What happens to the loss?
# Then double all three.
# And then?

# %% tags=["nbval-check-output"]
rows = []
with torch.no_grad():
    for name, changed in (("as they are", r), ("plus 5", r + 5), ("doubled", 2 * r)):
        each = bradley_terry_loss(changed[chosen], changed[rejected])
        rows.append((name, *(f"{v:.2f}" for v in each.tolist()), f"{each.mean():.4f}"))
show.table(["rewards", "A over B", "C over B", "C over A", "mean loss"], rows)

# %% [markdown]
# Adding a constant changes nothing: the scores are identified **only up to a constant, one for each
# prompt**, since comparisons are always between replies to the same prompt.
# The scale does matter: it says how sure the model is.
# Doubling makes it surer of all three answers.
# Two were right and gain a little; the third was wrong and now costs $\log(1 + e^2) = 2.13$.
#
# So the scores of replies to *different* prompts must not be compared.
# Does it matter in practice?
# Take the two kinds of prompts of this world: ordinary questions, and requests that are
# **harmful**, which a good reply refuses.
# On harmful ones the policy often does what it should refuse, so gold is lower there.
# **Your prediction: is the mean score of reward-8000 lower there too?**

# %%
harmful = np.array([about["harmful"] for about in stored.info])
kinds = {"ordinary": ~harmful, "harmful": harmful}
means = {name: stored.reward(name).mean(1).numpy() for name in ("gold", "reward-8000")}
show.table(["mean", *(f"{kind} prompts" for kind in kinds)],
    [(name, *(interval(mean[k], k) for k in kinds.values())) for name,
        mean in means.items()])

# %% tags=["hide"]
def correlation(x, y, names):
    """Correlation of x and y with a 95 % interval that resamples topics, as text."""
    of_topic = [np.flatnonzero(names == name) for name in np.unique(names)]
    draws = np.random.default_rng(0).integers(len(of_topic), size=(2000, len(of_topic)))
    rows = [np.concatenate([of_topic[k] for k in draw]) for draw in draws]
    low, high = np.quantile([np.corrcoef(x[d], y[d])[0, 1] for d in rows],
        [0.025, 0.975])
    return f"{np.corrcoef(x, y)[0, 1]:+.2f} [{low:+.2f}, {high:+.2f}]"

# %%
pairs = zip(gold, stored.reward("reward-8000"), strict=True)
within = [np.corrcoef(a, b)[0, 1] for a, b in pairs]
rows = [("within a prompt", f"{interval(within):+.2f}")]
for kind, k in {"all": slice(None), **kinds}.items():
    of_means = correlation(means["gold"][k], means["reward-8000"][k], topic[k])
    rows.append((f"of the prompt means, {kind} prompts", of_means))
show.table(["correlation of reward-8000 with gold", ""], rows)

# %% tags=["hide", "remove-input"]
levels = {(name, kind): interval(mean[k], k)
    for name, mean in means.items() for kind, k in kinds.items()}
assert interval(within).low > 0.6
assert levels["gold", "harmful"].high < levels["gold", "ordinary"].low
assert levels["reward-8000", "harmful"].low > levels["reward-8000", "ordinary"].high

# %% [markdown]
# Within a prompt the scores follow gold.
# Between the two *kinds* of prompts the order is turned round, and training could not have told it
# otherwise.
# (Within one kind we cannot tell whether the prompt means go with gold.
# Nothing in the loss asks for it.)
# Best-of-N compares within a prompt and is safe.
# Anything that ranks replies of all prompts together is not: lesson 05 meets such a rule.
#
# ### What the right margin is
#
# Suppose 14 of 20 annotators prefer A to B. Which margin makes the loss smallest?
# Try many.

# %% tags=["nbval-check-output"]
margins = torch.linspace(-4, 4, 8001, dtype=torch.float64)

def mean_loss(share):
    return share * bradley_terry_loss(margins,
        0 * margins) + (1 - share) * bradley_terry_loss(0 * margins, margins)

rows = []
for share in (0.5, 0.7, 0.95, 1.0):
    best = mean_loss(share).argmin()
    rows.append((f"{share:.0%}", f"{abs(margins[best]):.2f}",
        f"{mean_loss(share)[best]:.2f}",
        f"{margins[best].sigmoid():.2f}"))
show.table(["prefer A", "best margin", "loss", "σ(margin)"], rows)

# %% [markdown]
# The best margin is the one with $\sigma(\text{margin})$ equal to the share, $\log(0.7/0.3) = 0.85$
# for 14 of 20.
# Even then the loss is above zero, because the labels are noisy.
# With 100 % there is no best margin; 4.00 is only the end of the range we tried.
# Remember that: each of our training pairs is labelled *once*, so every single label says 100 %.
#
# ## From a language model to a reward model
#
# We want a function that scores any reply.
# Take a language model and replace its last layer, which gives a number for every word in the
# vocabulary, by one that gives a *single* number: the **head**.
# All layers below it are the **body**.
# The number is computed from the last token's *hidden state*, the 128 numbers that the body's last
# layer holds for it, because in such a model each token sees only what stands before it; the last
# one alone has seen the whole conversation.

# %%
untrained = new_reward_model(policy, layers=2, seed=0)
row = untrained.encode(["How do I print a document?"], ["Read the manual."])[0]
print(" ".join(untrained.tokenizer.convert_ids_to_tokens(row)))

# %% [markdown]
# It reads prompt *and* reply, written by the chat template, with the end token `<|end|>` last.
# (The mark ▁ is how the tokenizer writes the space before a word.)
# The score is the inner product of that token's hidden state with the head's 128 weights.
#
# The body is a copy of the policy's first two layers, so it already knows the words.
# The head starts as random numbers.
# **Your prediction: how accurate is a reward model with a random head? Always exactly 50 %?**
# Take twenty random heads on the same body, and the 512 pairs of the first 8 candidates.

# %% tags=["hide"]
def last_column(model, rows, side="left", masked=True):
    """(K, 128) hidden states at the last column of batches of equal length."""
    out, pad = [], model.tokenizer.pad
    for k in range(0, len(rows), 32):
        batch = pad({"input_ids": rows[k : k + 32]}, padding_side=side,
            return_tensors="pt")
        mask = batch["attention_mask"] if masked else None
        with torch.inference_mode():
            hidden = model.model.base_model(input_ids=batch["input_ids"],
                attention_mask=mask).last_hidden_state
            out.append(hidden[:, -1])
    return torch.cat(out)

# %%
eight = stored.first(8)
prompts, texts = (
    [p for p in eight.prompts for _ in range(8)],
    [t for row in eight.texts for t in row],
)
# filled up on the left: the end token is last
states = last_column(untrained, untrained.encode(prompts, texts))
heads = torch.randn(20, 128, generator=torch.Generator().manual_seed(0))
by_chance = np.array(
    [accuracy((states @ head).reshape(128, 8)).mean() for head in heads]
)
print(
    f"mean {by_chance.mean():.3f}, from {by_chance.min():.2f} to {by_chance.max():.2f}"
)
print(
    f"standard deviation {by_chance.std():.3f}; "
    f"the luck of 512 pairs alone would give {0.5 / np.sqrt(512):.3f}"
)

# %% tags=["hide", "remove-input"]
assert abs(by_chance.mean() - 0.5) < 0.03 and 0.01 < by_chance.std() < 0.06

# %% [markdown]
# One half on average: turn a head's sign and its accuracy becomes one minus it.
# But a single random head can be several points off, about as much as the luck of 512 pairs
# explains.
# So a reward model with "53 % accuracy" may have learned nothing at all.
#
# ## Train one
#
# First the data: 128 *training* prompts with 8 replies each, and 1,000 comparisons of two different
# replies to the same prompt.
# `annotate` asks a simulated annotator and hands back what a labelling team would: prompt, chosen,
# rejected.

# %%
train_prompts, train_info = world.prompts("train", limit=128, seed=5)
replies = course.sample(policy, train_prompts, n=8, seed=3, info=train_info)
pairs = annotate(replies, Annotator(), 1000, seed=1)
print(len(pairs), "comparisons. The first one:")
show.replies(pairs[0]["prompt"], [pairs[0]["chosen"], pairs[0]["rejected"]],
    names=["chosen", "rejected"])

# %% [markdown]
# Do you agree with that annotator?
# **Your prediction.**
# Random heads get about one half, the ceiling is printed above.
# What will a model trained on these 1,000 comparisons get on pairs of the held-out prompts?
# And a rule without any training: "the longer reply is better"?

# %%
mine = train_reward_model(policy, pairs, epochs=4, lr=1e-3, batch_size=32, layers=2,
    name="mine")
plots.training_loss(mine.facts["losses"], 32, passes=4)

# %% [markdown]
# (A **nat** is the unit of a natural logarithm.)
# The loss starts near $\log 2 = 0.69$, the loss of a coin, and falls from pass to pass over the
# data.
# How low can it honestly go?
# Ask the judge who knows the annotators' probabilities exactly: gold.
# Compare both, on the pairs of the training and on the 2,048 pairs of the first 32 candidates of
# the held-out prompts.
# (`np.logaddexp(0, -m)` is $-\log \sigma(m)$.)

# %% tags=["hide"]
def margins_of(R, rows=slice(None)):
    """(P, pairs) score of the reply the annotator chose minus that of the other one."""
    said = np.where(votes[:, : R.shape[1] // 2], 1, -1)
    return said[rows] * (R[rows, 0::2] - R[rows, 1::2]).numpy()

def on_training(score):
    """(1000,) the same for ``pairs``; ``score`` maps one side of them to scores."""
    return np.subtract(*(np.asarray(score([p[side] for p in pairs]))
        for side in ("chosen", "rejected")))

# %%
asked = [p["prompt"] for p in pairs]
topics = [p["info"]["topic"] for p in pairs]
seen = {"gold": on_training(lambda texts: [Annotator().utility(t, topic)
    for t, topic in zip(texts, topics, strict=True)]),
    "mine": on_training(lambda texts: mine.score_texts(asked, texts))}
few = stored.first(32)
by_mine = mine.score_pool(few)
unseen = {"gold": margins_of(few.reward("gold")), "mine": margins_of(by_mine)}

# %%
rows = []
for name in ("gold", "mine"):
    old, new = np.logaddexp(0, -seen[name]), np.logaddexp(0, -unseen[name]).mean(1)
    right = [np.mean((m > 0) + 0.5 * (m == 0)) for m in (seen[name], unseen[name])]
    rows.append((name, grouped_interval(old, topics), interval(new),
        *(f"{share:.2f}" for share in right)))
gap = grouped_interval(np.logaddexp(0, -seen["mine"]) - np.logaddexp(0, -seen["gold"]),
    topics)
show.table(["", "loss, training pairs", "held-out pairs", "accuracy, training",
    "held-out"], rows,
    f"Training loss, mine minus gold: {gap:+.2f} nats. A coin has {np.log(2):.3f}.")

# %% tags=["hide", "remove-input"]
assert gap.high < 0 and np.logaddexp(0, -unseen["mine"]).mean() > 0.6

# %% [markdown]
# On the pairs it has seen, our model's loss is *below* that of the perfect judge.
# That is a warning, not a success: it remembers single pairs, noise included.
# On new prompts its loss is not told apart from a coin's, although it is right more often than a
# coin: it is too sure.
# (More on that under calibration below.)
#
# Only the held-out numbers count.
# Now its accuracy with its yardsticks: the same 2,048 pairs for every line.

# %%
scores = {"longer is better": few.lengths.float(), "mine, 1,000": by_mine,
    "reward-8000": few.reward("reward-8000"), "gold (ceiling)": few.reward("gold")}
results = {name: accuracy(R) for name, R in scores.items()}
plots.intervals(list(results), [interval(v) for v in results.values()],
    "accuracy on held-out pairs", reference=0.5, reference_name="coin")

# %%
mine_right, rule, best = (results[name]
    for name in ("mine, 1,000", "longer is better", "gold (ceiling)"))
print(f"mine minus the length rule {difference(mine_right, rule):+.2f}, "
    f"minus the ceiling {difference(mine_right, best):+.2f}")
way = (mine_right.mean() - 0.5) / (best.mean() - 0.5)
print(f"from coin to ceiling it has gone {way:.0%} of the way")

# %% tags=["hide", "remove-input"]
assert difference(mine_right, rule).low > 0 and difference(mine_right, best).high < 0

# %% [markdown]
# Read such a number between its two ends: the control below, the ceiling above.
# Compare a model with a ceiling on the *same* pairs only: labels of other pairs may be kinder.
# In this world the length rule is worth next to nothing; in real data it may be hard to beat, so
# always ask for it.
#
# ### What more comparisons buy
#
# Four stored reward models, trained on 125, 500, 2,000 and 8,000 comparisons (`course build-assets`
# makes them), and all 16,384 pairs.
# **Will four times the data add as much each time? And is reward-8000 as good as a second
# annotator?**

# %% tags=["slide"]
sizes = [125, 500, 2000, 8000]
by_size = [accuracy(stored.reward(f"reward-{size}")) for size in sizes]
length_rule = accuracy(stored.lengths.float()).mean()
plots.learning_curve(sizes, by_size,
    {"gold (ceiling)": ceiling.mean, "two annotators agree": agreement.mean,
    "longer is better": length_rule}, topics=topic)

# %%
steps = [difference(after, before) for before, after in pairwise(by_size)]
against = difference(by_size[-1], (votes == again).mean(1))
show.table(["comparisons", "accuracy", ""],
    [(f"{a:,} → {b:,}", f"{step:+.3f}", "" if step.excludes_zero else "includes 0")
        for (a, b), step in zip(pairwise(sizes), steps, strict=True)],
    f"Agreement of reward-8000 minus that of a second annotator: {against:+.3f}")

# %% tags=["hide", "remove-input"]
assert all(step.low > 0 for step in steps[1:])
assert abs(against.mean) < 0.03 and interval(by_size[-1]).high < ceiling.mean
assert difference(by_size[-1], accuracy(gold)).high < -0.03

# %% [markdown]
# The second and the third step are more than chance; from 125 to 500 we can tell nothing.
# At the end the model agrees with an annotator about as often as a second annotator does, which is
# no great praise: gold gets more right than either.
# (One model for each size; the two small ones had four passes in batches of 32, the two large ones
# three in batches of 64.
# The intervals speak of topics, not of training: another run of reward-125 would be another model.)
#
# **From accuracy to better data.**
# Take 16 candidates for each prompt and keep the one the reward model likes best.
# Lesson 05 trains the policy on these kept replies: so the reward model acts on the base model
# through the data it picks.
# The quality of that data, by gold:

# %%
def best_of_16(R, of):
    """(P,) mean of ``of`` (P, N) over the choices that R makes among 16 candidates."""
    return best_of_n_curve(R, of, [16])[:, 0]

data = {"a random reply (control)": gold.mean(1).numpy()}
for size in sizes:
    data[f"best of 16 by reward-{size}"] = best_of_16(stored.reward(f"reward-{size}"),
        gold)
names, kept = list(data), list(data.values())
steps = [difference(better, worse) for worse, better in pairwise(kept)]
show.table(["reply", "gold", "minus the line above", ""],
    [(names[0], interval(kept[0]), "–", ""), *((name, interval(values), f"{step:+.2f}",
        "" if step.excludes_zero else "includes 0")
        for name, values, step in zip(names[1:], kept[1:], steps, strict=True))])

# %% tags=["hide", "remove-input"]
assert steps[0].low > 0 and steps[2].low > 0 and steps[3].low > 0
assert kept[1].mean() > kept[0].mean() + 0.4

# %% [markdown]
# Here the more accurate model picks the better data, at the two steps where accuracy rises beyond
# chance; from 125 to 500 neither can be told apart.
# It need not be so; lesson 04 shows a case where it is not.
# (These candidates were sampled at temperature 1.
# From those of 0.7 reward-8000 chooses still better data: lesson 02.)
#
# Look at reward-125: hardly more than half of the pairs right, and yet the kept reply is about half
# a point better than a random one.
# Sixteen candidates give a weak preference many chances.
# What does it see?
# Gold has parts, so we can ask which of them its choices change.

# %%
parts = [[gold_parts(text, name) for text in row]
    for name, row in zip(topic, stored.texts, strict=True)]

def part(name):
    """(P, N) points of one part of gold."""
    return torch.tensor([[reply[name] for reply in row] for row in parts])

faults = ("right_steps", "filler", "wrong_steps", "over_refusal")
changes = {name: [best_of_16(stored.reward(name),
    part(fault)).mean() - part(fault).mean()
    for fault in faults] for name in ("reward-125", "reward-8000")}
show.table(["chosen by", *faults],
    [(name, *(f"{change:+.2f}" for change in row)) for name, row in changes.items()],
    "Best of 16 minus a random reply, in points of gold.")

# %% tags=["hide", "remove-input"]
small = changes["reward-125"]
assert small[0] > 0.3 and small[1] > 0.1 and max(small[2:]) < -0.05

# %% [markdown]
# It has learned the coarse thing, that steps are better than filler, and so it avoids letters.
# It has not learned *which* steps and refusals belong to a question: it picks more steps of other
# topics, and more refusals of harmless questions, than a random choice would.
# The choices of reward-8000 have hardly more of either fault than a random reply.
#
# ## Does it mean what it says?
#
# A margin of 2 says: $\sigma(2) = 88\,\%$ of annotators prefer this one.
# A model whose probabilities come true is called **calibrated**.
# To see it, take for each pair the predicted probability that the reply the model *likes better* is
# preferred, $\sigma(|\text{margin}|)$, so from 50 % up.
# Sort all pairs by it, cut them into five equal groups, and in each compare the mean prediction
# with how often it came true.
# **Your prediction.**
# Each training label said 100 %.
# Will the models be too sure, or not sure enough?
# And gold?

# %% tags=["slide"]
names = ["reward-500", "reward-8000", "gold"]
plots.calibration({name: margins_of(stored.reward(name)) for name in names},
    topics=topic)

# %% [markdown]
# Gold lies on the diagonal: our annotators follow Bradley–Terry on gold, so its margins are true by
# construction, and it is the control of this figure.
# Where they are sure, the reward models lie below the line: they are **overconfident**, reward-8000
# a little, reward-500 badly.
# The labels are noisy, but that alone is not the reason: over very many different pairs single
# labels average out to the right share.
# The reason is memory.
# Each label alone says 100 %, and a model that can remember single pairs pushes their margins
# outwards, as `mine` did above.
# With 500 pairs there is little else to learn from; with 8,000 it is harder to know them by heart.
# (reward-500 also had one pass more.)
#
# The repair is one number.
# Divide all scores by a constant $\tau$, as the temperature divided the logits in lesson 02.
# Find it on half of the topics, as the one with the smallest loss; judge on the other half.

# %%
def loss_at(R, tau, rows):
    """(P,) mean Bradley–Terry loss in nats of the scores divided by tau."""
    return np.logaddexp(0, -margins_of(R, rows) / tau).mean(1)

every_second = np.isin(topic, np.unique(topic)[::2])
half, rest, tau = np.flatnonzero(every_second), np.flatnonzero(~every_second), {}
choices = np.arange(5, 61) / 10
rows = []
for name in names:
    R = stored.reward(name)
    tau[name] = choices[np.argmin([loss_at(R, t, half).mean() for t in choices])]
    before, after = loss_at(R, 1, rest), loss_at(R, tau[name], rest)
    rows.append((name, f"{tau[name]:.1f}", f"{before.mean():.3f}",
        f"{after.mean():.3f}",
        f"{difference(after, before, rest):+.3f}"))
show.table(["scores", "τ", "loss on the other half", "after division", "change"], rows,
    f"In nats; a coin has {np.log(2):.3f}.")

# %%
divided = {f"{name} / {tau[name]:.1f}": margins_of(stored.reward(name),
    rest) / tau[name]
    for name in names}
plots.calibration(divided, topics=topic[rest])

# %%
small, t = stored.reward("reward-500"), tau["reward-500"]
show.facts(
    {
        "accuracy before": interval(accuracy(small)),
        "and after": interval(accuracy(small / t)),
        "same choices of best-of-256": bool(
            (small.argmax(1) == (small / t).argmax(1)).all()
        ),
    }
)

# %% tags=["hide", "remove-input"]
before, after = loss_at(small, 1, rest), loss_at(small, t, rest)
assert difference(after, before, rest).high < 0
assert before.mean() > 0.75 > 0.69 > after.mean()

# %% [markdown]
# As it was, reward-500 had a higher loss than a coin; divided, it has a lower one.
# (Of reward-8000 little was to repair: its loss hardly changes.)
# The probabilities become honest in all five groups, as far as the bars can tell; those of
# reward-500 are wide.
# And *nothing else changes*: same order, same accuracy, same best-of-N choice.
# Calibration matters where the size of a score is used: a threshold ("keep only if at least …"), a
# mix of two rewards, a soft choice, or the reward of a policy gradient (lesson 07).
#
# ## It likes length
#
# Suppose annotators are in a hurry, and a long reply looks thorough.
# `reward-length-biased` was trained on 8,000 comparisons by annotators to whom every ten words look
# like one point more.
# Nobody told the modelling team.
# They do what everyone does: hold out some comparisons *by the same annotators* and measure the
# accuracy.
# **Your prediction: will they notice?**

# %%
words = torch.tensor([[len(text.split()) for text in row] for row in stored.texts])
looks = gold + words / 10  # one point for every ten words
hurried = Annotator().prefers_first(
    looks[:, 0::2], looks[:, 1::2], np.random.default_rng(3)
)

def accuracy_for(R, said):
    first = win_scores(R[:, 0::2], R[:, 1::2])
    return np.where(said, first, 1 - first).mean(1)

# %%
both = {name: stored.reward(name) for name in ("reward-8000", "reward-length-biased")}
rows = []
for who, said in (("hurried annotators", hurried), ("careful annotators", votes)):
    fair, biased = (accuracy_for(R, said) for R in both.values())
    rows.append((who, interval(fair), interval(biased),
        f"{difference(biased, fair):+.3f}"))
show.table(["judged by", *both, "difference"], rows)

# %% [markdown]
# By its own annotators the biased model looks *better*.
# A held-out set cannot show a fault that the labels themselves have.
# What can: look at what the model *does*.
# First, the correlation of its score margin with the margin in length, within each prompt.
# Then the length of the reply it chooses among 16.
# Gold and a random reply are the controls.

# %%
L = stored.lengths.float()

def length_correlation(R):
    """(P,) correlation over a prompt's pairs of the margins in score and in tokens."""
    return np.array([np.corrcoef(a, b)[0, 1]
        for a, b in zip(R[:, 0::2] - R[:, 1::2], L[:, 0::2] - L[:, 1::2], strict=True)])

# %%
rows = [("a random reply", "–", f"{interval(L.mean(1)):.1f}")]
for name in ("gold", *both):
    R = stored.reward(name)
    rows.append((name, f"{interval(length_correlation(R)):+.2f}",
        f"{interval(best_of_16(R, L)):.1f}"))
fair, biased = both.values()
longer = difference(best_of_16(biased, L), best_of_16(fair, L))
worse = difference(best_of_16(biased, gold), best_of_16(fair, gold))
print(f"length-biased minus reward-8000: {longer:+.1f} tokens, "
    f"{worse:+.2f} points of gold")
show.table(["chosen by", "correlation with length", "tokens of the best of 16"], rows)

# %% tags=["hide", "remove-input"]
assert (
    longer.low > 5 and worse.high < 0 and interval(length_correlation(biased)).low > 0.3
)
assert max(abs(length_correlation(R).mean()) for R in (gold, fair)) < 0.15
for said, sign in ((hurried, 1), (votes, -1)):
    assert (
        sign * difference(accuracy_for(biased, said), accuracy_for(fair, said)).mean
        > 0.02
    )

# %% [markdown]
# Gold's choices are a little longer than a random reply, those of reward-8000 hardly; the biased
# model's are far longer.
# Read one: the prompt where its choice among 16 costs most gold.

# %%
picks = {name: course.select_best(stored.first(16), by=name) for name in both}
lost = picks["reward-8000"].rewards("gold") - picks["reward-length-biased"].rewards(
    "gold"
)
i = int(lost.argmax())
show.replies(
    stored.prompts[i],
    [pick.texts[i] for pick in picks.values()],
    names=[f"best of 16 by {name}" for name in picks],
    about=stored.info[i],
    scores={"gold": [pick.rewards("gold")[i].item() for pick in picks.values()]},
)

# %% [markdown]
# Flattery, a refusal that has nothing to do with the question, four steps of other topics, all
# of it *long*.
# Training on it would teach it.
# Remedies: tell annotators not to reward length, compare replies of similar length, or subtract
# from the score what length alone predicts; and watch the length of what is chosen, always.
#
# ## Ties and equal pairs
#
# Three kinds of comparisons teach little or nothing:
#
# - **Chosen and rejected are the same text.**
#   The margin is 0 whatever the weights, the loss is $\log 2$, and the gradient zero.
# - **They become the same after cutting.**
#   A model reads at most so many tokens; two long conversations that differ only in the part that
#   is cut away are equal for it.
#   This happened to 7 % of pairs in one public run, as reported.
# - **A real tie, forced into an answer.**
#   The label is a coin flip: weak, not wrong.
#
# `train_reward_model` drops the first two and counts them in `facts["dropped_equal_pairs"]`.
#
# ## Silent errors
#
# Most of the following are reported from practice; the others are easily made.
# None raises an error.
# We make each one on purpose: eight of them with reward-8000 on the first 16 candidates of the 128
# prompts, the ninth with the policy opened as a classifier.
# **Your prediction: which costs least, and which costs most?**
# Six change what the model reads:
#
# - *no prompt*: the reply is scored alone;
# - *another prompt*: a list was filtered and no longer lines up, so each reply is scored with the
#   next question;
# - *no template*: prompt and reply are joined by a blank, without the marks that say who speaks,
#   and the end token is put behind;
# - *another template*: that of some other model, `<|im_start|>user …`, whose marks this tokenizer
#   does not know, with our end token behind;
# - *end token missing*: the last token is the full stop;
# - *end cut off*: only the first 23 tokens are kept, and the end token.
#   (Often cutting loses the end token as well.
#   Then both errors add up.)

# %% tags=["hide"]
rm = course.load_reward_model(assets.path("helpdesk/reward-8000"))
tok, end = rm.tokenizer, row[-1]

def ended(pieces):
    return [ids + [end] for ids in tok(pieces, add_special_tokens=False)["input_ids"]]

chatml = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>"

def read_as(prompts, texts, others):
    """Token ids as trained and with six changes; ``others``: wrong prompts."""
    rows = rm.encode(prompts, texts)
    return {"as trained": rows, "no prompt": rm.encode([""] * len(texts), texts),
        "another prompt": rm.encode(others, texts),
        "no template": ended([f"{p} {t}" for p, t in zip(prompts, texts, strict=True)]),
        "another template": ended([chatml.format(p, t)
        for p, t in zip(prompts, texts, strict=True)]),
        "end token missing": [ids[:-1] for ids in rows],
        "end cut off": [ids[:23] + [end] if len(ids) > 24 else ids for ids in rows]}

# %% [markdown]
# The second place where it goes wrong: conversations differ in length, so a batch is filled up with
# pad tokens, on one side.
#
#     padded on the right:   a  b  c  END  pad  pad        the last column is a pad
#     padded on the left:    pad  pad  a  b  c  END        the last column is END, if the model is told to ignore the pads
#
# The **mask** tells it.
# Take the last column with right padding, or leave out the mask with left padding, and the score is
# read at the wrong place or from the wrong text.
# (If the end token serves as pad token too, `transformers` looks for the last token that is no pad
# and steps over it: *end token missing* by another road.)
#
# The third place is the head.
# Open a *language model* as a classifier, and `transformers` makes up the missing head from random
# numbers.
# Its warning is easy to miss among others.
# Save and merge a reward model with the wrong class, and the head is lost in the same way, as is
# reported.

# %%
from transformers import AutoModelForSequenceClassification, logging
from course_lib.base import no_loading_bars

logging.set_verbosity_error()  # what many scripts do
torch.manual_seed(0)  # so that you get our random head
with no_loading_bars():
    model = AutoModelForSequenceClassification.from_pretrained(
        assets.path("helpdesk/policy"), num_labels=1
    )
model.config.pad_token_id = tok.pad_token_id
random_head = course.RewardModel(model.eval(), tok)

# %% tags=["hide"]
def in_all_ways(prompts, texts, others):
    """name → (K,) scores: as trained, by two controls, and with the nine changes."""
    rows = read_as(prompts, texts, others)
    paddings = {"padded left, with mask (control)": ("left", True),
        "padded left, no mask": ("left", False),
        "padded right, last column": ("right", True)}
    with torch.inference_mode():
        out = {name: torch.cat([rm.logits(ids[k : k + 32])
            for k in range(0, len(ids), 32)])
            for name, ids in rows.items()}
        for name, how in paddings.items():
            out[name] = rm.model.score(last_column(rm, rows["as trained"], *how))[:, 0]
    out["random head"] = random_head.score_texts(prompts, texts)
    # all equal: every choice is a coin flip
    out["a random reply (control)"] = torch.zeros(len(texts))
    return out

# %%
sixteen = stored.first(16)
# each prompt's neighbour, for "another prompt"
next_one = sixteen.prompts[1:] + sixteen.prompts[:1]
columns = [list(c) for c in zip(*((p, t, q)
    for p, q, row in zip(sixteen.prompts, next_one, sixteen.texts, strict=True)
    for t in row),
    strict=True)]
ways = {name: s.reshape(128, 16) for name, s in in_all_ways(*columns).items()}
some = ("as trained", "no prompt", "another template", "padded left, no mask",
    "random head")
lengths = np.array([len(ids) for ids in rm.encode(*columns[:2])])
print(f"the conversations have {lengths.min()} to {lengths.max()} tokens; "
    f"{np.mean(lengths > 24):.0%} have over 24")
show.table(["read", "spread", "first scores", "", "", ""],
    [(name, f"{ways[name].std():.2f}",
    *(f"{v:.1f}" for v in ways[name][0, :4].tolist())) for name in some])

# %% [markdown]
# Nothing here looks broken.
# Now each line is compared with "as trained" and with a random choice, paired by prompt.
# (Best of 8, averaged over all ways to take 8 of the 16.)
# *Padded left, with mask* is right, and must change nothing.

# %%
def outcome(R):
    return accuracy(R), best_of_n_curve(R, sixteen.reward("gold"), [8])[:, 0]

right, by_luck = outcome(ways["as trained"]), outcome(ways["a random reply (control)"])
loses, gains, rows = {}, {}, []
for name, R in ways.items():
    good, kept = outcome(R)
    loses[name], gains[name] = difference(kept, right[1]), difference(kept, by_luck[1])
    lost = -loses[name].mean / gains["as trained"].mean
    rows.append((name, f"{good.mean():.2f}", f"{kept.mean():.2f}",
        f"{loses[name]:+.2f}",
        f"{gains[name]:+.2f}", f"{lost:.0%}"))
show.table(["read", "accuracy", "gold of best of 8", "minus as trained",
    "minus a random reply", "of the gain is lost"], rows)

# %% tags=["hide", "remove-input"]
costly = [name for name in ways if name not in ("as trained", "no template")
    and "control" not in name]
gained = gains["as trained"].mean
assert len(costly) == 8 and all(loses[name].high < 0
    for name in costly), "eight cost gold, beyond chance"
assert all(-loses[name].mean > 0.2 * gained for name in costly), "and not a little"
assert abs(loses["no template"].mean) < 0.1 * gained, "the ninth costs little"
assert gains["random head"].mean < 0.2 * gained, "a random head chooses at random"

# %% [markdown]
# How did your prediction do?
# Of the six things that can go wrong in reading, another prompt costs most, over half of what
# best-of-8 gains over a random reply.
# A foreign template and the missing end token cost nearly as much.
# (The end token is one token and carries no words; but the model learned to put its judgement
# *there*.)
# Scoring without the prompt, or with the end cut off, costs about a third.
# (Much can be seen in the reply alone: filler, repetition, flattery, rudeness.)
# Leaving out the marks of who speaks costs little or nothing, *as long as the end token is there*.
# So eight of the nine changes cost a good part of the gold.
# What looks like the fault of a template may be a lost end token; look for that first.
#
# Left padding without the mask costs about a third, the last column with right padding more than
# half, and the random head leaves nothing.
# (Another random head would give another number, above or below a random reply.)
#
# What to do about it?
# Keep a few conversations with their scores beside every reward model, and compare before each use.
# Take some of different length, a long one among them, and score them in *one batch*: a short one
# is not cut, and one alone has no padding.
# Four are enough to find all nine, the harmless one too:

# %%
# the shortest, two between, the longest
at = np.argsort(lengths)[[0, 680, 1360, 2047]].tolist()
kept_scores = sixteen.reward("reward-8000").flatten()[at]
four = in_all_ways(*([column[k] for k in at] for column in columns))
same = [name for name, s in four.items() if (s - kept_scores).abs().max() < 0.01]
show.table(["read", "scores"],
    [(name, "the same" if name in same else "DIFFERENT") for name in four])

# %% tags=["hide", "remove-input"]
assert same == ["as trained", "padded left, with mask (control)"]

# %% [markdown]
# And make loading strict.
# The course's `load_reward_model` refuses a model without a trained head, and says why.
#
# ## A case: what to ask the annotators
#
# Your team can pay for 4,000 comparisons and has three drafts of the guideline.
# *Helpful*: "prefer the reply with the right content, well written; ignore rudeness and safety."
# *Harmless*: "prefer the safer and less rude reply; ignore whether it helps."
# *Both*: "weigh everything", which takes twice as long a pair, so you would get 2,000.
# **Decide before you read on. Which one would you choose for ordinary questions, and which for
# harmful ones?**
#
# Each draft has been tried, one model each: `reward-helpful`, `reward-harmless` and `reward-2000`.
# The lines *perfect judge* choose by one half of gold itself.
# In this world a step that carries out a harmful request brings +1 in the helpful half, since it is
# what was asked for, and −2.5 in the harmless half.
# The last two columns: on harmful prompts, how often the chosen reply does what it should refuse,
# and how often it offers the safe alternative ("please ask your colleague …").

# %%
drafts = {"helpful, 4,000": "reward-helpful", "harmless, 4,000": "reward-harmless",
    "both, 2,000": "reward-2000", "helpful, perfect judge": "helpful",
    "harmless, perfect judge": "harmless"}
offers = torch.tensor([[right_steps(name)[1] in text.lower() for text in row]
    for name, row in zip(topic, stored.texts, strict=True)]).double()
complies = (part("complies") < 0).double()
selecting = {draft: stored.reward(name) for draft, name in drafts.items()}
# all equal: every choice is a coin flip
selecting["random reply (control)"] = torch.zeros(128, 256)
kept = {draft: best_of_16(R, gold) for draft, R in selecting.items()}
share, rows = {}, []
for draft, R in selecting.items():
    share[draft] = [best_of_16(R, of)[harmful].mean() for of in (complies, offers)]
    rows.append((draft, interval(kept[draft][~harmful], ~harmful),
        interval(kept[draft][harmful], harmful), *(f"{s:.0%}" for s in share[draft])))
show.table(["chosen by", "gold, ordinary", "gold, harmful", "complies", "alternative"],
    rows)

# %%
gaps, rows = {}, []
for draft in list(drafts)[:2]:
    for kind, k in kinds.items():
        for other in ("both, 2,000", "random reply (control)"):
            gap = difference(kept[draft][k], kept[other][k], k)
            gaps[draft[:4], kind, other[:4]] = gap
            rows.append((kind, f"{draft} minus {other}", f"{gap:+.2f}",
                "" if gap.excludes_zero else "includes 0"))
show.table(["prompts", "difference", "gold", ""], rows)

# %% tags=["hide", "remove-input"]
assert abs(gaps["help", "ordinary", "both"].mean) < 0.25
assert gaps["help", "ordinary", "rand"].low > 0.5 and gaps["help", "harmful",
    "rand"].high < -0.5
assert gaps["harm", "ordinary", "both"].high < -0.5 and gaps["harm", "ordinary",
    "rand"].mean < 0.1
assert gaps["harm", "harmful", "rand"].low > 1 and gaps["harm", "harmful",
    "both"].mean < 0
assert share["helpful, 4,000"][0] > 0.6 and share["harmless, 4,000"][0] < 0.05

# %% [markdown] tags=["slide"]
# *Helpful* learned what its annotators were told.
# On ordinary prompts it is not told apart from *both*.
# On harmful ones it is far worse than a random reply: most of its choices do what they should
# refuse, for that is what was asked.
# Its perfect judge does the same, so the guideline is at fault, not the model.
#
# *Harmless* refuses what must be refused.
# But on ordinary prompts its choice is no better than a random reply: nearly all replies there are
# harmless, and nobody told it what else is good.
# Its perfect judge gains next to nothing there either.
# And few of its refusals offer the safe alternative, which nobody was asked about.
# What annotators are not asked for, the reward model does not learn.
#
# *Both* comes with half the labels.
# On ordinary prompts nothing is lost by that, as far as we can tell.
# On harmful ones its gold is the highest of the three drafts; from *harmless* it is not told apart
# there, since harmful prompts have only eight topics.
# We would take *both*: it is the only draft that does well on both kinds.
# Write into a guideline even what seems obvious.
# (With other points in gold the answer could change.
# Two reward models are a third way: lesson 04.)
#
# ## What we found
#
# - Preferences are noisy.
#   Two annotators agree on fewer pairs than the gold reward gets right, and the gold reward gets
#   far from all: that is the ceiling.
#   The agreement of two annotators gives bounds for it.
# - Bradley–Terry turns comparisons into scores.
#   Each comparison pushes by $1 - \sigma(\text{margin})$, and only differences within a prompt
#   count: between ordinary and harmful prompts the scores of reward-8000 even point the wrong way.
# - A thousand comparisons and a few seconds give a model above a coin and the length rule, and well
#   below the ceiling.
#   From 500 comparisons on, each fourfold adds accuracy, and better data to train on; between 125
#   and 500 we could tell nothing.
# - Trained on few comparisons, each labelled once, a model remembers pairs and is overconfident.
#   One divisor repairs it, as far as we can tell, and changes no choice.
# - A bias of the annotators is invisible in held-out accuracy by the same annotators, and visible
#   in the length of what is chosen.
# - Of nine silent changes eight cost best-of-8 about a third of its gain or more, without an error;
#   four kept scores find all nine.
# - What the guideline leaves out, the model does not learn.
#   Asked for help alone, it chooses replies that do harm; asked for safety alone, it chooses no
#   better than chance on ordinary questions.
#
# (The numbered findings of the course are in the other lessons; this one makes the yardsticks for
# those of lesson 04.)
#
# ## What this leaves out
#
# Our annotators follow Bradley–Terry on one gold reward and differ only by chance.
# Real annotators differ in taste, tire, and can be inconsistent in circles (A over B, B over C, C
# over A), which no scores can express.
# We did not tune: one learning rate, three or four passes, one seed for each size, so the learning
# curve shows data *and* luck.
# Whether a more accurate model gives a better best-of-N is the question of lesson 04.
#
# ## In real systems
#
# - Llama 2 trained two reward models, one for helpfulness and one for safety (arXiv 2307.09288).
# - With fewer than about 2,000 comparisons, reward models were near chance in the study of Gao,
#   Schulman and Hilton (arXiv 2210.10760).
#   In our small world 500 are already somewhat above it.
# - RewardBench 2 is reported to score reward models by best-of-4, where chance is 25 %, and to find
#   a correlation of 0.87 with best-of-N accuracy.
# - `course train-reward FILE --out FOLDER` trains on your own comparisons.
#   On 1,800 pairs of hh-rlhf (harmlessness) a tiny model with random weights got 0.57 [0.52, 0.62]
#   on the 360 held out (`docs/log.md`).
#   Its margins went against length (correlation −0.36), so it may have learned little more than
#   "shorter is better".
#
# ## Further reading
#
# Bai et al., *Training a helpful and harmless assistant with reinforcement learning from human
# feedback*, arXiv 2204.05862, the paper of the hh-rlhf comparisons.
# The reward-modelling section of the Llama 2 report, arXiv 2307.09288.
#
# ## Now you
#
# **Exercise** `exercises/ex03`: Bradley–Terry, pairs that teach, a reward model fitted by your own
# loop, and calibration.
#
# **If you like, be the annotator for ten more pairs.**
# Choose A or B, and see what twenty annotators, gold and a reward model say.
# With how many majorities did you agree?
# (Tab and Enter work too.
# Where widgets cannot run, the answers stand below the pairs.)
#
# **Questions** come last.
# Your answers are kept in `course-progress.json`, in the course's folder.
# Without widgets, answer as the text under each question says.

# %% tags=["slide"]
explore.be_the_annotator(stored.prompts_at(range(20, 60)), reward="reward-8000")

# %%
from course_lib.classroom import quiz

quiz.ask("03")
