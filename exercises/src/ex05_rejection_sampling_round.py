# %% [markdown]
# # Exercise 05: a round of rejection-sampling fine-tuning
#
# **You will:** write the parts of one round with your own hand: the selection with its matched
# control, a second rule, the loss mask, the loss, and the pool of several rounds.
# At the end you train with them.
# Then you judge a report.
#
# **Builds on:** lesson 05, and exercise 01 for `argmax`.
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
# `check.best_and_control.hint(1)` prints it.

# %%
import numpy as np
import torch

from course_lib.classroom.checks import ex05 as check

# %% [markdown] task="best_and_control"
# ## Task 1. The best, and its matched control
#
# For each of $P$ prompts there are $N$ candidates with rewards $R$, shape `(P, N)`.
# Return two things, in this order:
#
# - `best`: the index of the highest reward of each prompt, shape `(P,)`; of equal rewards the
#   lowest index.
# - `control`: the index $\lfloor u_p \cdot N \rfloor$ of each prompt $p$, shape `(P,)`.
#   The `u` are uniform random numbers in $[0, 1)$, one for each prompt, drawn beforehand, so that
#   your function gives the same result each time.
#
# Both are integers, since both are used to look candidates up.
# The control is matched: the same prompts, the same candidates, as many kept.
# It differs only in that it does not look at the rewards.

# %% role="task" task="best_and_control"
def best_and_control(rewards, u):
    """(best, control): each prompt's index of the best candidate and of a random one.

    rewards: tensor (P, N); u: tensor (P,) in [0, 1). Both results: (P,) integers.
    """
    # SOLUTION
    N = rewards.shape[1]
    return rewards.argmax(dim=1), torch.floor(u * N).long()
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="top_k_overall"
# ## Task 2. Top-k overall
#
# The other rule of the lesson looks at the whole matrix at once.
# Return the $k$ pairs `(prompt, candidate)` with the highest rewards, the highest first.
# Of equal rewards the earlier prompt comes first; within a prompt, the lower candidate index.
# `rewards` has shape `(P, N)` and $1 \le k \le P \cdot N$.
#
# The prompts in the pairs show the **coverage**: how many of the $P$ prompts have a reply in the
# set.
# The part "Now measure" counts it; your function returns the pairs alone.

# %% role="task" task="top_k_overall"
def top_k_overall(rewards, k):
    """The k pairs (prompt, candidate) with the highest rewards, highest first.

    Ties go to the earlier prompt, then to the lower candidate. rewards: tensor (P, N).
    Returns a list of k pairs.
    """
    # SOLUTION
    pairs = [(p, j) for p in range(rewards.shape[0]) for j in range(rewards.shape[1])]
    return sorted(pairs, key=lambda pair: -float(rewards[pair]))[:k]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="response_mask"
# ## Task 3. Which tokens count
#
# A batch for training: each row of `ids` is a prompt, then a reply (as a rule with its end token),
# then padding on the right, so that all $B$ rows have the length $T$.
# `prompt_lengths[b]` says how many tokens of row $b$ are the prompt, `total_lengths[b]` how many
# are prompt and reply together, with the end token if there is one.
#
# The output at place $t$ predicts the token at place $t + 1$.
# So there are $T - 1$ predictions for each row.
# Return a mask of truth values, shape `(B, T − 1)`: True at each place whose **next** token is a
# token of the reply.
# The end token counts, prompt tokens and padding do not.
# Places count from 0, as in Python.
#
# Beware: in many pipelines padding has the same id as the end token, and a reply that was cut at
# the length limit has no end token at all (cut at once, it has no token).
# So the ids cannot tell you where a reply ends.
# The lengths can.

# %% role="task" task="response_mask"
def response_mask(ids, prompt_lengths, total_lengths):
    """True where the next token belongs to the reply.

    ids: (B, T) int64, padded on the right; prompt_lengths, total_lengths: (B,) int64.
    Returns a (B, T - 1) tensor of bool.
    """
    # SOLUTION
    following = torch.arange(1, ids.shape[1])[None]
    return (following >= prompt_lengths[:, None]) & (following < total_lengths[:, None])
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="sft_loss"
# ## Task 4. The loss
#
# `logits[b, t]` are the model's $V$ scores for the token at place $t + 1$ of row $b$; `mask` is
# that of task 3.
# With $M$ the places where the mask is True,
#
# $$\mathcal L = -\frac{1}{|M|} \sum_{(b,\, t) \in M} \log \pi_\theta(\text{ids}_{b,\, t+1} \mid \text{the tokens up to place } t), \qquad \pi_\theta = \operatorname{softmax}(\text{logits}_{b,\, t}).$$
#
# Every marked token of the batch counts the same, in a long reply or a short one.
# Return a tensor with one number, in nats, from which gradients flow back to the logits.
# At least one place is marked.

# %% role="task" task="sft_loss"
def sft_loss(logits, ids, mask):
    """Mean negative log-probability of the tokens that the mask marks.

    logits: (B, T, V); ids: (B, T) int64; mask: (B, T - 1) bool.
    Returns a tensor of shape (), with gradients.
    """
    # SOLUTION
    logp = logits[:, :-1].log_softmax(dim=-1)
    of_next = logp.gather(2, ids[:, 1:, None])[..., 0]
    return -of_next[mask].mean()
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="pool_rounds"
# ## Task 5. Pooling rounds
#
# After several rounds there are several selections.
# `rounds` is a list of them, the oldest first; each is a list of pairs `(prompt, reply)`.
# Return the training set of the next fine-tuning, a list of pairs:
#
# - `keep="all"`: the pairs of all rounds, the oldest round first;
# - `keep="last"`: those of the last round alone.
#
# A pair with the same prompt **and** the same reply as one before it in the set is left out, so
# that it does not count twice.
# The rest stays in the order of first appearance.
# One prompt may keep several different replies, and two prompts may have the same reply.

# %% role="task" task="pool_rounds"
def pool_rounds(rounds, keep="all"):
    """The training set over rounds, each pair once, in order of first appearance.

    rounds: a list of lists of (prompt, reply); keep: "all" or "last".
    Returns a list of (prompt, reply).
    """
    # SOLUTION
    chosen = rounds if keep == "all" else rounds[-1:]
    return list(dict.fromkeys((prompt, reply) for round_ in chosen for prompt, reply in round_))
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# No check here, only numbers to look at.
# First the selection, on the stored pool: 96 prompts for training, 16 candidates each, scored by
# *reward-2000*.
# Gold judges.
# Which of the three has the highest mean?
# And how many prompts does top-k overall cover?
# In the lesson both kinds of set are trained on.

# %%
import course_lib as course
from course_lib import assets

stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
pool = stored.prompts_at(range(96)).first(16)
R, gold = pool.reward("reward-2000"), pool.reward("gold")
u = torch.tensor(np.random.default_rng(0).random(pool.P))
best, control = best_and_control(R, u)
pairs, rows = top_k_overall(R, pool.P), range(pool.P)
print(
    f"mean gold: best {gold[rows, best].mean():.2f}, "
    f"control {gold[rows, control].mean():.2f}, "
    f"top-k overall {np.mean([float(gold[p, j]) for p, j in pairs]):.2f}"
)
covered = len({p for p, _ in pairs})
print(f"prompts covered: best {pool.P}, top-k overall {covered}, of {pool.P}")

# %% [markdown]
# Now the loss.
# `batch` puts prompt and reply into rows, padded on the right, and your two functions do the rest.
# Before any training the chosen replies have the **higher** loss: they are not what this policy
# writes most often.
# Most of its replies are stock letters, likely and bland, and few of these are the best of 16.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))

def batch(prompts, replies):
    """ids (B, T) and mask (B, T - 1) of a batch of texts."""
    asked = policy.encode(prompts)
    answered = policy.encode_responses(replies)
    texts = [torch.tensor(p + r) for p, r in zip(asked, answered)]
    prompt_lengths = torch.tensor([len(p) for p in asked])
    total_lengths = torch.tensor([len(text) for text in texts])
    ids = torch.nn.utils.rnn.pad_sequence(
        texts, batch_first=True, padding_value=policy.tokenizer.pad_token_id
    )
    return ids, response_mask(ids, prompt_lengths, total_lengths)

def loss_of(student, pairs):
    """Your loss of a list of (prompt, reply).

    Padding stands on the right, so no token before it is changed by it.
    """
    ids, mask = batch(*zip(*pairs))
    return sft_loss(student.model(ids).logits, ids, mask)

def pairs_at(kept):
    """The pairs (prompt, reply) of one candidate a prompt."""
    return [(pool.prompts[p], pool.texts[p][int(j)]) for p, j in enumerate(kept)]

chosen, random = pairs_at(best), pairs_at(control)
with torch.no_grad():
    chosen_loss, random_loss = loss_of(policy, chosen), loss_of(policy, random)
print(f"loss in nats a token: chosen {chosen_loss:.2f}, random {random_loss:.2f}")

# %% [markdown]
# And one round with your own loss: two epochs on the pairs, then two replies to each of the other
# 32 prompts, at temperature 1 and colder, at 0.5.
# The base is the policy before training.
# A colder base costs nothing.
# So ask of the numbers: what brings more here, the dial, the choice, or both together?
# These are other prompts than above, so compare the numbers only with each other.
# With so few prompts only a large difference can be told from chance: look at the intervals.

# %%
from course_lib.estimators import paired_difference
from course_lib.models import GoldReward

def train_on(pairs, epochs=2, lr=1e-3):
    """A copy of the policy, trained on the pairs by your loss."""
    student = policy.copy()
    rng = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(student.model.parameters(), lr=lr)
    for _ in range(epochs):
        order = rng.permutation(len(pairs))
        for rows in np.array_split(order, len(pairs) // 16):
            optimizer.zero_grad()
            loss_of(student, [pairs[i] for i in rows]).backward()
            optimizer.step()
    return student

unseen = stored.prompts_at(range(96, 128))
judge = GoldReward(course.load_world("helpdesk"))
points = {}
students = {
    "base": policy,
    "tuned": train_on(pool_rounds([chosen])),
    "control": train_on(pool_rounds([random])),
}
for t in (1.0, 0.5):
    for name, student in students.items():
        replies = course.sample(
            student, unseen.prompts, n=2, temperature=t, info=unseen.info, seed=9
        )
        points[name, t] = course.score(replies, judge).reward("gold").mean(1)
        print(f"T = {t}   {name:8} gold {points[name, t].mean():.2f}")
    at_t = {name: points[name, t] for name in students}
    print("tuned minus control:", paired_difference(at_t["tuned"], at_t["control"]))
    print("control minus base: ", paired_difference(at_t["control"], at_t["base"]))
both = paired_difference(points["tuned", 0.5], points["base", 0.5])
print("tuned minus base, both colder:", both)

# %% [markdown]
# ## Questions
#
# One ordering, one choice and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex05")
