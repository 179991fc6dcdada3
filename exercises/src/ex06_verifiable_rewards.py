# %% [markdown]
# # Exercise 06: verifiable rewards
#
# **You will:** write a verifier that no string can fool or break, estimate pass@k without bias, and
# find the right replies that differ in their path.
# Then you use all of it on a stored pool, and decide a case.
#
# **Builds on:** lesson 06, and the estimator of lesson 01.
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
# `check.verdict.hint(1)` prints it.

# %%
import re
from fractions import Fraction
from math import comb

import numpy as np
import torch

from course_lib.classroom.checks import ex06 as check

# %% [markdown] task="verdict"
# ## Task 1. A verifier
#
# Text in, one of three words out: `"correct"`, `"wrong"` or `"unreadable"`.
# `reference` is the right answer as a plain number in text, such as `"18"`, `"-4"` or `"2.5"`.
# The rule:
#
# 1. **Find.**
#    A mark is `####` with a number directly behind it; only blanks may stand between: none, one or
#    many.
#    The **last** mark in the text decides.
#    No mark: unreadable.
# 2. **Read.**
#    A number may begin with `-`, with `$`, or with `-$`; then comes a digit, then more digits and
#    commas, which are dropped wherever they stand (`1,800` is 1800, and `1,8` is 18), and perhaps a
#    point with more digits.
#    The number ends where the digits end: `18 pens`, `18euros` and `18...` are 18, and `18 + 0` is
#    18 too, because nothing is calculated.
#    But where an exponent follows at once, that is `e` or `E`, perhaps a sign, and a digit
#    (`1e999`, `2E+5`), the deciding number cannot be read, and the reply is unreadable.
# 3. **Compare** exactly.
#    18.0 is 18; 17.9999999 is not.
#
# (The library's own reader says *unreadable* where it is not sure, as with `1,8` and `18 + 0`; here
# the short rule counts.)
#
# Every string must get a verdict, and nothing in it may be run: no `eval`, no `exec`.
# A number of 5,000 digits must not stop your function (wrong or unreadable, as you like).
# Fractions such as `36/2`, other beginnings such as `+18`, `.5` and `$-4`, and tabs or line breaks
# behind a mark are left out here; no check has them.

# %% role="task" task="verdict"
def verdict(text, reference):
    """The verdict: "correct", "wrong" (another number was read) or "unreadable" (none).

    text: any string; reference: a number as text, such as "18".
    """
    # SOLUTION
    marks = re.findall(r"####\s*(-?\$?[0-9][0-9,]*(?:\.[0-9]+)?)([eE][-+]?[0-9])?", text)
    if not marks:
        return "unreadable"
    number, exponent = marks[-1]
    if exponent or len(number) > 60:
        return "unreadable"
    value = Fraction(number.replace(",", "").replace("$", ""))
    return "correct" if value == Fraction(reference) else "wrong"
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="pass_at_k"
# ## Task 2. pass@k
#
# `correct` holds a 1 for each right sample and a 0 for any other: a tensor of shape `(P, N)`.
# Estimate for each problem the chance that at least one of $k$ samples is right.
# With $c$ of its $N$ samples right:
#
# $$\widehat{\text{pass@}k} = 1 - \binom{N - c}{k} \Big/ \binom{N}{k}$$
#
# It must hold for every $k$ from 1 to $N$, also for $N$ = 2,000, where $\binom{N}{k}$ is far more
# than a float can hold.
# `comb` wants whole numbers, and `correct` has floats: `int(x)` turns a tensor with one number into
# a whole number.
# Return $P$ numbers.

# %% role="task" task="pass_at_k"
def pass_at_k(correct, k):
    """Unbiased estimates of pass@k, P numbers in [0, 1].

    correct: (P, N) of 0 and 1; k from 1 to N.
    """
    # SOLUTION
    N = correct.shape[1]
    wrong_ones = [N - int(row.sum()) for row in correct]
    return [1 - comb(w, k) / comb(N, k) for w in wrong_ones]
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="path_of"
# ## Task 3. The path of a reply
#
# The **path** is the tuple of the marked equations, `<<` … `>>`, in the order in which they stand.
# Make equal what is written differently but is the same:
#
# - all blanks inside an equation go (spaces; no check has tabs or line breaks);
# - every number gets its shortest form: commas go, leading zeros go (`06` → `6`), and so do zeros
#   at the end of the digits behind a point (`1.50` → `1.5`, `1.0` → `1`).
#   `10` and `0.5` stay as they are.
#   Every number here begins with a digit and ends with one.
#
# What stands between `<<` and `>>` counts as an equation, whatever it is: `<< friends 4 = 4 >>` is
# `friends4=4`, and `<< 28 >>` is `28`.
# Only `<` and `>` themselves never stand inside, as in `<<3<4>>`; no check has them.
# A `<<` whose `>>` is missing, as where a reply breaks off, is none.
# A reply without equations has the empty path `()`.
# Nothing else in the text counts, and no side of an equation is exchanged: `2+3=5` and `3+2=5` are
# different.

# %% role="task" task="path_of"
def path_of(text):
    """The reply's marked equations as a tuple of strings, in order.

    Blanks are removed, and numbers are in their shortest form.
    """
    # SOLUTION
    def shortest(found):
        whole, _, decimals = found[0].replace(",", "").partition(".")
        decimals = decimals.rstrip("0")
        return str(int(whole)) + ("." + decimals if decimals else "")

    inside = ["".join(part.split()) for part in re.findall(r"<<([^<>]*)>>", text)]
    return tuple(re.sub(r"[0-9][0-9,]*(?:\.[0-9]+)?", shortest, part) for part in inside)
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="distinct_right"
# ## Task 4. Distinct right replies
#
# Of each problem's right replies keep the **first** one of every path.
# `paths` holds $P$ lists of $N$ paths, each a tuple as in task 3; `correct` is a tensor of shape
# `(P, N)` of 0 and 1.
# Return $P$ lists of indices, ascending; a problem without a right reply has the empty list.
# The empty path `()` is a path like the others.
# Each problem is looked at for itself.

# %% role="task" task="distinct_right"
def distinct_right(paths, correct):
    """For each problem the indices of the first right reply of each path.

    paths: P lists of N tuples; correct: (P, N). Returns P lists, ascending.
    """
    # SOLUTION
    kept = []
    for row, right in zip(paths, correct.tolist()):
        first = {}
        for j, path in enumerate(row):
            if right[j] and path not in first:
                first[path] = j
        kept.append(list(first.values()))
    return kept
    # STUB
    # ...  # replace this line
    # END

# %% [markdown] task="decidable"
# ## Task 5. Where a verifier can choose
#
# A problem is **decidable** when some of its samples are right and some are wrong.
# `correct` has shape `(P, N)`.
# Return $P$ truth values.

# %% role="task" task="decidable"
def decidable(correct):
    """P truth values: which problems have some right and some wrong samples.

    correct: (P, N) of 0 and 1.
    """
    # SOLUTION
    right = correct.sum(dim=1)
    return (right > 0) & (right < correct.shape[1])
    # STUB
    # ...  # replace this line
    # END

# %% [markdown]
# ## Now measure
#
# Your own functions on the stored pool of 200 problems with 64 replies each: no check here, only
# numbers to look at.
# The policy learned from solutions written in a hurry, so most of its replies are wrong, and many
# are wrong in the same way.
# Does your verifier agree with the course's?
# Then lesson 06's numbers: pass@k as a mean over problems, the right replies and their paths, and
# the share of problems that are decidable when only the first n samples are drawn.
# How far do the right replies outnumber the paths?
# And with n = 2, how many problems give a verifier nothing to choose?

# %%
from collections import Counter

from course_lib import Pool, assets

stored = Pool.load(assets.path("arithmetic/pools/heldout.npz"))
verdicts = [
    [verdict(text, about["answer"]) for text in texts]
    for texts, about in zip(stored.texts, stored.info)
]
correct = torch.tensor([[float(v == "correct") for v in row] for row in verdicts])
print(Counter(v for row in verdicts for v in row))
differ = int((correct != stored.reward("verifier")).sum())
print("replies on which we differ from the stored verdicts:", differ)

# %%
def mean(values):
    return float(np.mean([float(v) for v in values]))

print("pass@k:", {k: round(mean(pass_at_k(correct, k)), 3) for k in (1, 4, 16, 64)})
paths = [[path_of(text) for text in texts] for texts in stored.texts]
kept = distinct_right(paths, correct)
distinct = sum(len(row) for row in kept)
print("right replies:", int(correct.sum()), "  distinct right paths:", distinct)
shares = {n: mean(decidable(correct[:, :n])) for n in (2, 8, 64)}
print("decidable with n samples:", shares)

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case.
# The case is for your own judgement, or your instructor's.

# %%
from course_lib.classroom import quiz

quiz.ask("ex06")
