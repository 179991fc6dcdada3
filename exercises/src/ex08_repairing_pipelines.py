# %% [markdown]
# # Exercise 08: repairing pipelines
#
# **You will:** write the five parts at which the pipelines of lesson 08 broke: a split without
# leaks, a filter that keeps pairs together, training examples with the right tokens in the loss, a
# report with a control, and a first diagnosis from measured numbers.
# Then you try them on the twelve patients of the clinic.
#
# **Builds on:** lesson 08.
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
# `check.split_prompts.hint(1)` prints it.

# %%
import numpy as np
import torch

from course_lib.classroom.checks import ex08 as check

# %% [markdown] task="split_prompts"
# ## Task 1. A split without leaks
#
# Split $P$ prompts into training and test so that **no test prompt occurs in training**, not even
# written a little differently.
# Two prompts are *the same* when they are equal after two changes: all letters are lower case, and
# every run of blanks (spaces, tabs, line ends) is one space, with none at the two ends.
# So `"  Reset my\tPassword"` and `"reset my password"` are the same.
# All prompts that are the same form one group, and a group stays together.
#
# 1. Put the groups in the order in which each **first appears**.
# 2. Move groups to the test set **from the last one backwards**, and stop as soon as the test set
#    holds at least `share` $\cdot P$ prompts (prompts, not groups).
#
# Return two lists of indices into `prompts`, `(train, test)`, each ascending.
# Every index is in exactly one of them.
#
# An example: `["send", "print", "Send", "close"]` has three groups, the first with two prompts.
# For a share of 0.5 the test set needs two prompts: "close" moves, then "print", and the result is
# `([0, 2], [1, 3])`.

# %% role="task" task="split_prompts"
def split_prompts(prompts, share):
    """(train, test): two ascending lists of indices, no test prompt in training.

    prompts: P strings; share: from 0 to 1.
    """
    # SOLUTION
    groups = {}
    for i, prompt in enumerate(prompts):
        groups.setdefault(" ".join(prompt.lower().split()), []).append(i)
    held_out = []
    for members in reversed(list(groups.values())):
        if len(held_out) >= share * len(prompts):
            break
        held_out += members
    return [i for i in range(len(prompts)) if i not in held_out], sorted(held_out)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="keep_aligned"
# ## Task 2. A filter that keeps pairs together
#
# `prompts`, `replies` and `rewards` are three lists of length $P$ that belong together: reply $i$
# answers prompt $i$ and has reward $i$.
# Return the list of pairs `(prompt, reply)` whose reward is **at least** `threshold`, in their
# order.
# The lesson's broken step filtered the prompts and not the replies, and `zip` said nothing.
#
# So that no later mistake of this kind goes by in silence: when the three lists differ in length,
# stop with a `ValueError`.

# %% role="task" task="keep_aligned"
def keep_aligned(prompts, replies, rewards, threshold):
    """The pairs (prompt, reply) with reward >= threshold, in order.

    prompts, replies: P strings; rewards: P numbers. ValueError when lengths differ.
    """
    # SOLUTION
    rows = zip(prompts, replies, rewards, strict=True)
    return [(prompt, reply) for prompt, reply, reward in rows if reward >= threshold]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="training_ids"
# ## Task 3. What the optimiser sees
#
# One training example from token ids: the prompt, then the reply, then the end token, **but the end
# token only if the reply was finished**.
# A reply that was cut at the token limit gets none: it did not end there.
# What there is of it is learnt all the same.
# Return `(ids, mask)`, two lists of the same length.
# The mask says which tokens are *learnt* (carry loss): 0 on the prompt, 1 on the reply and on its
# end token.
# `reply` comes without an end token.
# (Mask position $t$ belongs to `ids[t]`; the shift by one that predicting needs is made elsewhere.)

# %% role="task" task="training_ids"
def training_ids(prompt, reply, end, finished):
    """(ids, mask) of one example.

    prompt, reply: lists of token ids; end: the end token's id.
    finished: whether the reply ended by itself.
    """
    # SOLUTION
    learnt = list(reply) + ([end] if finished else [])
    return list(prompt) + learnt, [0] * len(prompt) + [1] * len(learnt)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="honest_report"
# ## Task 4. A report that may be believed
#
# `selecting` and `judge` hold two rewards of the same $P \times N$ candidates: $r$, which selects,
# and the judge's, which took no part in it.
# `u` holds $P$ uniform numbers in $[0, 1)$.
# Return a dictionary of three floats, **all by the judge**:
#
# - `"selected"`: the judge's mean over prompts of the candidate $\arg\max_i r(x, \hat{y}_i)$; ties
#   go to the lowest index.
# - `"control"`: the judge's mean of a random candidate of each prompt, the one at index
#   $\lfloor u N \rfloor$ (counted from 0).
# - `"difference"`: the mean over prompts of selected minus control.

# %% role="task" task="honest_report"
def honest_report(selecting, judge, u):
    """The judge's means, under the keys "selected", "control" and "difference".

    selecting, judge: tensors (P, N); u: (P,) in [0, 1).
    """
    # SOLUTION
    rows = torch.arange(len(judge))
    chosen = judge[rows, selecting.argmax(dim=1)].double()
    random = judge[rows, (u * judge.shape[1]).long()].double()
    return {
        "selected": float(chosen.mean()),
        "control": float(random.mean()),
        "difference": float((chosen - random).mean()),
    }
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="diagnose"
# ## Task 5. A first diagnosis
#
# `facts` is a dictionary of six measured numbers of a run.
# Return the name of the **first** rule in this order that holds, or `"none"`:
#
# | order | name | the rule holds when |
# |---|---|---|
# | 1 | `"leak"` | `train_in_test`, the share of the training prompts that are test prompts, is above 0 |
# | 2 | `"cut"` | `cut`, the share of the new policy's replies that do not end properly, is above 0.05 |
# | 3 | `"copies"` | `distinct`, the distinct-2 of the new policy's replies (the share of different word pairs), is below 0.35 |
# | 4 | `"proxy"` | `proxy_change`, of the score that the author reports, is above 0 **and** `gold_change` is not: the score rose and the quality did not |
# | 5 | `"control"` | `gold_change` minus `control_gold_change`, that of the random control, is below 0.25: a random choice gains nearly as much |
#
# A value exactly at a threshold does not count as above or below it.
# Changes are after minus before, in points.
# What makes the later numbers worthless comes first.
# The thresholds are rules of thumb for this small world; a real report gives intervals.

# %% role="task" task="diagnose"
def diagnose(facts):
    """Name of the first rule that holds, or "none".

    facts: train_in_test, cut, distinct, proxy_change, gold_change, control_gold_change;
    all floats.
    """
    # SOLUTION
    rules = {
        "leak": facts["train_in_test"] > 0,
        "cut": facts["cut"] > 0.05,
        "copies": facts["distinct"] < 0.35,
        "proxy": facts["proxy_change"] > 0 and facts["gold_change"] <= 0,
        "control": facts["gold_change"] - facts["control_gold_change"] < 0.25,
    }
    return next((name for name, holds in rules.items() if holds), "none")
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# Your own functions on stored data; no check here, only numbers to look at.
# First the report, on the stored pool of held-out prompts: two reward models select, gold judges.
# **Your prediction:** how many times as large is the difference by gold for the reward model from
# 8,000 comparisons as for the one from 125?
# (Each reward has a scale of its own, so their own means cannot be compared with gold or with each
# other.)

# %%
from course_lib import Pool, assets, results
from course_lib.experiments import clinic

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz")).first(16)
gold = stored.reward("gold").double()
u = torch.tensor(np.random.default_rng(8).random(len(stored.texts)))
for name in ("reward-125", "reward-8000"):
    r = stored.reward(name).double()
    own_mean = float(r.max(1).values.mean())
    told = honest_report(r, gold, u)
    by_gold = "   ".join(f"{key} {value:5.2f}" for key, value in told.items())
    print(f"{name:12} its own mean {own_mean:5.2f}   by gold: {by_gold}")

# %% [markdown]
# By gold both means lie above the random control, which is the same for both, and the difference is
# more than three times as large for the reward model from 8,000 comparisons.
#
# Now the twelve patients of the clinic: the stored run of each, its six facts in the order of the
# table (the proxy's change is that of whatever its author reports), with the leak counted by the
# keys of task 1.
# All are served at temperature 1.
# Which does `diagnose` find?
# Which does it not, and what would you look at there?

# %%
def same_text(prompt):
    return " ".join(prompt.lower().split())

def facts_of(case, stored_run):
    """The six facts of a stored run."""
    trained, _ = case.broken.prompts(case.setting, 0)
    tested = {same_text(p) for p in clinic.test_prompts(case.setting)[0]}
    careful = stored_run["broken"]["careful"]
    reported = stored_run["broken"]["reported"]
    control = stored_run["control"]["careful"]
    base_gold = stored_run["base"]["gold"]["mean"]
    return {
        "train_in_test": float(np.mean([same_text(p) in tested for p in trained])),
        "cut": careful["cut"]["mean"],
        "distinct": careful["distinct"]["mean"],
        "proxy_change": reported["after"]["mean"] - reported["before"]["mean"],
        "gold_change": careful["gold"]["mean"] - base_gold,
        "control_gold_change": control["gold"]["mean"] - base_gold,
    }

runs = results.load("clinic")["cases"]
names = []
print(f"{'fault':59}{'diagnosis':11}  leak   cut  distinct  proxy   gold  control")
for case in clinic.CASES:
    facts = facts_of(case, runs[case.name])
    leak, cut, distinct, proxy, gold_rise, control = facts.values()
    names.append(diagnose(facts))
    print(
        f"{case.fault:59}{names[-1]:11}{leak:6.2f}{cut:6.2f}{distinct:10.2f}"
        f"{proxy:7.2f}{gold_rise:7.2f}{control:9.2f}"
    )
print("none:", names.count("none"), "of", len(names))

# %% [markdown]
# A "none" is not a clean bill of health.
#
# - No rule asks for another template, for loss on the prompt, for the last round's data, for a love
#   of length, or for an end token that is not trained.
#   Look at training examples, a good and a bad reply of your own, lengths, and replies that
#   somebody reads.
# - The judge that is the selector is what rule 4 is made for.
#   It asks only whether the mean of gold rose; how sure that mean is, no rule here knows.
#   In lesson 08 each change has its interval.
# - A name that fits the numbers need not be the cause.
#   Compare each diagnosis with the fault beside it.
#
# ## Questions
#
# One ordering, one choice and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex08")
