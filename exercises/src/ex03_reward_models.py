# %% [markdown]
# # Exercise 03: a reward model by hand
#
# **You will:** write the Bradley–Terry probability and its loss, drop the comparisons that teach
# nothing, train a small reward model with your own gradient descent, and measure whether its
# probabilities come true.
# Then you find out what hurried annotators have taught it.
#
# **Builds on:** lesson 03.
#
# **How it works.**
# Each task has a cell to fill in and a check below it.
# Replace the line that says so, run the cell, run the check.
# A check says what is wrong in words, on the smallest input that shows it, and gives points for
# each property that holds.
# Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# *Run All* stops at the first check that does not hold yet.
# Stuck?
# A check that does not hold yet offers a folded hint, and one more after each try;
# `check.preference_probability.hint(1)` prints it.

# %%
import numpy as np
import torch

from course_lib.classroom.checks import ex03 as check

# %% [markdown] task="preference_probability"
# ## Task 1. From two scores to a probability
#
# `r_a` and `r_b` are tensors of one shape: the scores of replies A and B, pair by pair.
# Return, for each pair, the probability that A is preferred to B:
#
# $$\Pr(A \succ B) = \sigma(r_A - r_B), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# The result is a tensor of the shape of `r_a`.
# It must be right for scores of 1000 and −1000 too.

# %% role="task" task="preference_probability"
def preference_probability(r_a, r_b):
    """Probability that A is preferred to B under Bradley-Terry, pair by pair.

    r_a, r_b: tensors of one shape, as is the result.
    """
    # SOLUTION
    return torch.sigmoid(r_a - r_b)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="bradley_terry"
# ## Task 2. The loss
#
# `chosen` and `rejected` are tensors of shape `(K,)`: the scores of the two replies of $K$
# comparisons.
# Return the mean loss in nats, one number,
#
# $$\frac{1}{K} \sum_{k=1}^{K} -\log \sigma\big(r_{\text{chosen},k} - r_{\text{rejected},k}\big)$$
#
# as a tensor through which gradients flow to both.
# It must stay right when a score is 1000 or −1000.
# (The course has `course_lib.methods.bradley_terry_loss`.
# Write yours without it.)

# %% role="task" task="bradley_terry"
def bradley_terry(chosen, rejected):
    """Mean of -log sigma(chosen - rejected) over K comparisons, in nats.

    chosen, rejected: (K,). Returns a tensor with one number.
    """
    # SOLUTION
    return torch.nn.functional.softplus(rejected - chosen).mean()
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="usable_pairs"
# ## Task 3. Comparisons that teach nothing
#
# `pairs` is a list of dictionaries.
# Each has the texts `"chosen"` and `"rejected"`, and may have more entries.
# A model reads only the **last** `max_words` words of a text (`max_words` is at least 1).
# Words are what `text.split()` gives, so a second blank makes no difference; a shorter text is read
# whole.
# Drop every pair of which the model reads the same words on both sides: two equal texts, or two
# that become equal by the cut.
# Return two things: the list of kept pairs (the dictionaries as they were, not cut, in their
# order), and **how many** pairs were dropped.

# %% role="task" task="usable_pairs"
def usable_pairs(pairs, max_words):
    """(kept, dropped): pairs whose last max_words words differ, and how many do not.

    The kept pairs are uncut and in order. pairs: dicts with "chosen", "rejected".
    """
    # SOLUTION
    def seen(text):
        return text.split()[-max_words:]
    kept = [p for p in pairs if seen(p["chosen"]) != seen(p["rejected"])]
    return kept, len(pairs) - len(kept)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="fit_reward"
# ## Task 4. Train a reward model
#
# Here a reply is described by $D$ numbers, its **features** $f(y)$, such as its length, and the
# reward is linear in them: $r(y) = w \cdot f(y)$, the inner product with $D$ weights.
# `chosen` and `rejected` are tensors of shape `(K, D)`: the features of the two replies of $K$
# comparisons.
#
# Start with $w = 0$.
# Take `steps` steps of gradient descent, each on **all** pairs at once:
# $w \leftarrow w - \text{lr} \cdot \nabla_w \text{loss}$, where the loss is your mean loss of Task
# 2.
# Return $w$, a tensor of shape `(D,)`.
# You may let autograd find the gradient, or use what the lesson says: each comparison pushes by
# $1 - \sigma(\text{margin})$, here times the difference of the two feature vectors.
# No momentum, no Adam.

# %% role="task" task="fit_reward"
def fit_reward(chosen, rejected, steps, lr):
    """Weights (D,) of a linear reward after `steps` gradient steps from w = 0.

    Each step takes all pairs. The loss is Bradley-Terry's.
    chosen, rejected: (K, D) float32.
    """
    # SOLUTION
    d = chosen - rejected
    w = torch.zeros(d.shape[1])
    for _ in range(steps):
        surprise = 1 - torch.sigmoid(d @ w)
        w = w + lr * (surprise[:, None] * d).mean(dim=0)
    return w
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="calibration"
# ## Task 5. Do its probabilities come true?
#
# `predicted` holds $M$ probabilities that the first reply is preferred, `outcome` is 1 where it was
# and 0 where it was not; both are tensors of shape `(M,)`.
# Sort the pairs by prediction, lowest first, and cut them into `k` groups of **equal size** ($M$ is
# a multiple of $k$).
# Return a list with one tuple for each group, from the lowest predictions to the highest: (mean of
# the predictions, share of outcomes that are 1).
# You may assume that no two predictions are equal.
# (The lesson's figure turned predictions below one half round.
# Here they stay as they are.)

# %% role="task" task="calibration"
def calibration(predicted, outcome, k):
    """k tuples (mean prediction, observed share), lowest predictions first.

    Groups of equal size M/k. predicted, outcome: (M,) floats.
    """
    # SOLUTION
    order = torch.argsort(predicted)
    groups = order.reshape(k, -1)
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in groups]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# Your own functions on stored data: no check here, only numbers to look at.
# First: how many comparisons are left when a model reads only the last few words?
# The data are the first 16 candidates of 128 prompts, matched up as in the lesson: 0 against 1, 2
# against 3, and so on.
# The first 64 prompts are for training and the other 64 are held out.
# *Careful* annotators see gold; to *hurried* ones every ten words look like one point more.

# %%
import course_lib as course
from course_lib import assets
from course_lib.estimators import best_of_n_curve, bootstrap_interval
from course_lib.estimators import paired_difference, win_scores
from course_lib.worlds import helpdesk
from course_lib.worlds.helpdesk_letters import letter_sentences

pool = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
stored = pool.first(16)
gold = stored.reward("gold")
topic = np.array([about["topic"] for about in pool.info])
words = torch.tensor([[len(text.split()) for text in row] for row in stored.texts])
votes = {}
for who, looks in (("careful", gold), ("hurried", gold + words / 10)):
    annotator, rng = helpdesk.Annotator(), np.random.default_rng(1)
    first, second = looks[:, 0::2], looks[:, 1::2]
    votes[who] = annotator.prefers_first(first, second, rng)  # (128, 8)

# %%
def comparisons(said, rows):
    """Pairs of the prompts in rows, as a labelling team would hand them over."""
    out = []
    for i in rows:
        for j, first in enumerate(said[i]):
            a, b = stored.texts[i][2 * j], stored.texts[i][2 * j + 1]
            chosen, rejected = (a, b) if first else (b, a)
            pair = {"chosen": chosen, "rejected": rejected}
            out.append({"prompt": stored.prompts[i], **pair})
    return out

pairs = {who: comparisons(said, range(64)) for who, said in votes.items()}
for max_words in (2, 5, 10, 200):
    kept, dropped = usable_pairs(pairs["careful"], max_words)
    print(f"read the last {max_words:3} words: {len(kept)} usable, {dropped} dropped")

# %% [markdown]
# **Your prediction** before the next cell: six features, all of them visible on the surface of a
# reply.
# Which weight will differ most between the two kinds of annotators?

# %%
names = ["tens of words", "polite", "flattery", "filler", "rude", "letter"]
polite = helpdesk.POLITE_OPEN + helpdesk.POLITE_CLOSE
stock = [
    polite,
    helpdesk.FLATTERY,
    helpdesk.FILLER,
    helpdesk.RUDE,
    letter_sentences() - set(polite),  # those of the stock letters
]

def describe(text):
    """Six features: tens of words, and how many sentences of each stock occur."""
    found = [sum(s.lower() in text.lower() for s in group) for group in stock]
    return [len(text.split()) / 10, *map(float, found)]

def described(pairs, side):
    return torch.tensor([describe(p[side]) for p in pairs])

weights = {}
for who in votes:
    kept, _ = usable_pairs(pairs[who], 200)
    w = fit_reward(described(kept, "chosen"), described(kept, "rejected"), 500, 0.3)
    weights[who] = torch.as_tensor(w).detach().float()
for i, name in enumerate(names):
    print(f"{name:14}" + "".join(f"   {who} {w[i]:+.2f}" for who, w in weights.items()))

# %% [markdown]
# Now judge both models on the held-out prompts: by each kind of annotator, and by the gold of the
# reply that best-of-16 chooses.
# Which of these numbers could the team of the hurried annotators have seen?
# Judged by careful annotators, is there a difference between the two models that you can detect?
# And which line settles which of them chooses better?
# (The intervals are over topics, as in the lesson.)

# %%
held = slice(64, 128)
every = [[describe(text) for text in row] for row in stored.texts]
every = torch.tensor(every)  # (128, 16, 6)
linear = {who: every @ w for who, w in weights.items()}  # (128, 16) scores

def accuracy(R, said):
    first = win_scores(R[held, 0::2], R[held, 1::2])
    return np.where(said[held], first, 1 - first).mean(1)

for who, R in linear.items():
    judged = []
    for by, said in votes.items():
        interval = bootstrap_interval(accuracy(R, said), groups=topic[held])
        judged.append(f"accuracy by {by} {interval:.2f}")
    print(f"taught by {who} annotators:", "  ".join(judged))
# all 256 candidates, for steadier means
many = torch.tensor([[describe(text) for text in row] for row in pool.texts[held]])
judge = pool.reward("gold")[held]
best = {who: best_of_n_curve(many @ w, judge, [16])[:, 0] for who, w in weights.items()}
worse = paired_difference(best["hurried"], best["careful"], groups=topic[held])
better = paired_difference(best["careful"], judge.mean(1).numpy(), groups=topic[held])
print(f"gold of the best of 16, hurried minus careful: {worse:+.2f}")
print(f"careful minus a random reply: {better:+.2f}")

# %% [markdown]
# At last calibration.
# Six weights leave little room to remember single pairs; a language model with a head has much.
# Compare predicted and observed, group by group, with those of reward-500 and of gold, the control,
# and look at the losses.
# (A coin has 0.693 nats.
# Each group has 128 pairs, so an observed share is uncertain by about 0.09 either way.)

# %%
for name, R in {
    "six features": linear["careful"],
    "reward-500": stored.reward("reward-500"),
    "gold": gold,
}.items():
    a, b = R[held, 0::2].flatten().double(), R[held, 1::2].flatten().double()
    first = torch.tensor(votes["careful"][held]).flatten()
    loss = bradley_terry(torch.where(first, a, b), torch.where(first, b, a))
    p = torch.as_tensor(preference_probability(a, b))
    groups = calibration(p, first.double(), 4)
    found = "   ".join(f"{p:.2f} / {o:.2f}" for p, o in groups)
    print(f"{name:13} loss {loss:.3f}   predicted / observed   {found}")

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex03")
