# %% [markdown]
# # Exercise 09: planning a real run
#
# **You will:** write what stands between four lines that work and a run of some hours: does it fit,
# how long does it take, what is left to do after the machine was lost, who does which prompts, and
# how the chosen replies reach another trainer.
# At the end you lose a machine and go on.
# Then you judge a report.
#
# **Builds on:** lessons 09a and 09b.
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
# `check.training_gigabytes.hint(1)` prints it.

# %%
import math

import numpy as np
import torch

from course_lib.classroom.checks import ex09 as check

# %% [markdown] task="training_gigabytes"
# ## Task 1. Does it fit?
#
# Methods differ in which models they train and which they only hold.
# A **trained** parameter needs its weight in float32, a gradient in float32, and Adam's two moments
# in float32: 4 + 4 + 8 bytes.
# A **frozen** parameter is held in half precision: 2 bytes, and nothing else.
#
# `trained` and `frozen` are lists with the sizes of models **in billions of parameters**; either
# may be empty.
# The table says what goes in, for models of 0.6 billion:
#
# | method | trained | frozen |
# |---|---|---|
# | best of N | none: `[]` | policy, reward model: `[0.6, 0.6]` |
# | RFT | the student: `[0.6]` | the policy that sampled: `[0.6]` |
# | PPO | policy and critic: `[0.6, 0.6]` | reference and reward model: `[0.6, 0.6]` |
#
# Return all of it together, in GB of $10^9$ bytes.
# Logits, keys and values, activations, and copies in half precision of what is trained are left
# out.

# %% role="task" task="training_gigabytes"
def training_gigabytes(trained, frozen):
    """GB (10^9 bytes) of all parameters, with gradients and Adam's moments.

    trained, frozen: lists of sizes in billions. Returns a float.
    """
    # SOLUTION
    per_trained, per_frozen = 4 + 4 + 8, 2
    return float(per_trained * sum(trained) + per_frozen * sum(frozen))
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="forecast"
# ## Task 2. How long will it take?
#
# You timed $K$ equal parts of a long run: `seconds`, a list of $K \ge 2$ numbers with mean $m$ and
# standard deviation $s$ (the sample's, with $K - 1$ below).
# $M$ **more** parts of the same size are still to run.
# Return two numbers: the expected total seconds of these $M$ parts, and the half-width of its 95 %
# prediction interval,
#
# $$M m \;\pm\; t\, s\, \sqrt{M + M^2 / K}.$$
#
# Student's quantile `t` is given: 4.303 for three timings.
# $M$ need not be a whole number.

# %% role="task" task="forecast"
def forecast(seconds, M, t):
    """(total, half): expected seconds of M more parts, and the 95 % half-width.

    seconds: K numbers, K >= 2; t: Student's quantile. Two floats.
    """
    # SOLUTION
    K = len(seconds)
    m = float(np.mean(seconds))
    s = float(np.std(seconds, ddof=1))
    return M * m, t * s * math.sqrt(M + M * M / K)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="missing_parts"
# ## Task 3. What is left to do?
#
# The machine was lost and comes back.
# The run has `parts` parts, numbered from 0.
# `done` is what was read from the disk: a dictionary {part: result}.
# Return the list of the parts **still to make**, lowest first.
# Three things to mind:
#
# - Workers do not finish in order, so there can be gaps.
# - A part whose key is there is done, **whatever its result**.
#   An empty list is the result of a part in which no reply was right.
# - Other things may lie in the same folder.
#   Keys that are not one of the numbers 0 to `parts` − 1 are ignored.

# %% role="task" task="missing_parts"
def missing_parts(parts, done):
    """The parts still to make, a list of integers, lowest first.

    parts: how many there are; done: dictionary {part: result}.
    """
    # SOLUTION
    return [part for part in range(parts) if part not in done]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="shards"
# ## Task 4. Who does which prompts?
#
# $P$ prompts are to be sampled by $W$ workers.
# Each worker gets a **shard**, a run of neighbouring prompts, written as a pair (first prompt,
# **how many**).
# Prompts are numbered from 0.
# Every prompt is in exactly one shard; sizes differ by at most one; the larger shards come first.
# With more workers than prompts there are only $P$ shards: nobody gets an empty one.
# Return the list of pairs.
# (The lesson's own function writes (start, stop), and its larger shards need not come first.)

# %% role="task" task="shards"
def shards(P, W):
    """The shards of P prompts over W workers: a list of min(P, W) pairs (first, count).

    P, W: at least 1.
    """
    # SOLUTION
    W = min(P, W)
    each, over = divmod(P, W)
    counts = [each + 1] * over + [each] * (W - over)
    return [(sum(counts[:k]), counts[k]) for k in range(W)]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="trl_rows"
# ## Task 5. For another trainer
#
# `selected` is a list of pairs (prompt, reply), the replies that were kept.
# TRL's supervised trainer reads rows with two keys, `prompt` and `completion`, and puts the loss on
# the completion alone.
# Return a list with one row, a dictionary, for each pair, in the same order:
#
# - with `chat=False`, both values are the texts as they are;
# - with `chat=True`, both values are **lists of messages**, each here with one message: a
#   dictionary with `role` and `content`.
#   The prompt's role is `user`, the reply's `assistant`.
#
# Change nothing in the texts: a leading space or a final line break belongs to what the model
# wrote.
# A pair or a prompt that is there twice stays there twice.

# %% role="task" task="trl_rows"
def trl_rows(selected, chat=False):
    """A list of dictionaries with the keys prompt and completion.

    Under them texts, or lists of messages when chat. selected: list of (prompt, reply).
    """
    # SOLUTION
    def side(role, text):
        return [{"role": role, "content": text}] if chat else text

    rows = []
    for prompt, reply in selected:
        rows.append({"prompt": side("user", prompt), "completion": side("assistant", reply)})
    return rows
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# Your own functions: no check here, only numbers to look at.
# First the plan.
# Which of these fit on a T4 with 15 GB, before anything for logits, keys and values, and
# activations?

# %%
for size in (0.6, 1.7):
    methods = {
        "best of N": ([], [size, size]),
        "RFT": ([size], [size]),
        "PPO": ([size, size], [size, size]),
    }
    needed = {
        name: round(training_gigabytes(*models), 1) for name, models in methods.items()
    }
    print(f"{size} billion:", needed, "GB")
total, half = forecast([71.0, 64.0, 66.0], 40, 4.303)
print(f"40 more parts: {total / 60:.1f} ± {half / 60:.1f} minutes")

# %% [markdown]
# Then a lost machine.
# The stored pool of 200 problems is cut into seven parts; each part keeps the right replies of its
# problems among the first four.
# The first try is lost while it works, and its workers did not finish in order.
# Look for two things in the printout: is a part made twice, and does a reply get lost because the
# parts came in another order?

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("arithmetic/pools/heldout.npz")).first(4)
pieces = shards(stored.P, 7)
made = []

def make(part):
    """The right replies of one part, as pairs (prompt, reply)."""
    made.append(part)
    first, count = pieces[part]
    right = stored.reward("verifier")[first : first + count] > 0.5
    places = right.nonzero().tolist()
    return [(stored.prompts[first + i], stored.texts[first + i][j]) for i, j in places]

disk = {part: make(part) for part in (0, 3, 1)}  # what the first try left
disk["notes.txt"] = "first try, lost at 14:05"

# %%
for part in missing_parts(7, disk):
    disk[part] = make(part)
selected = [pair for part in range(7) for pair in disk[part]]
print("pieces:", pieces)
print("made, in this order:", made, "| twice:", len(made) - len(set(made)))
right = int(stored.reward("verifier").sum())
print(len(selected), "right replies; in the whole pool", right)
print(trl_rows(selected[:1], chat=True))

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex09")
