# %% [markdown]
# # Exercise 02: N-best candidates
#
# **You will:** write what stands between a policy's logits and a word: temperature, top-p and the draw. Then you measure how different candidates are and which temperature is best for a given $n$, and decide a case.
#
# **Builds on:** lesson 02, and the estimator of lesson 01.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.softmax_at.hint(1)`, then `hint(2)`, then `hint(3)`.
#
# Tasks 1 to 3 work on many rows at once: $R$ rows, one for each candidate that is being written, and $V$ words in the vocabulary.

# %%
import numpy as np
import torch

from course_lib.checks import ex02 as check
from course_lib.estimators import best_of_n_curve

# %% [markdown] task="softmax_at"
# ## Task 1. From logits to probabilities
#
# Each row of `logits`, of shape `(R, V)`, holds the logits $\ell_1, \dots, \ell_V$ of one candidate's next word. Return the probabilities at temperature $T > 0$, of the same shape:
#
# $$p_k = \frac{e^{\ell_k / T}}{\sum_j e^{\ell_j / T}}.$$
#
# It must also work for large logits such as 1000, where $e^{1000}$ is more than a float can hold. (`torch.softmax` would pass the check. You learn more from writing it without.)

# %% role="task" task="softmax_at"
def softmax_at(logits, T):
    """Probabilities (R, V) at temperature T: each row adds up to 1. logits: (R, V), small or large; T: a number above 0."""
    # SOLUTION
    weights = ((logits - logits.amax(dim=1, keepdim=True)) / T).exp()
    return weights / weights.sum(dim=1, keepdim=True)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
import math

import numpy as np
import torch

from course_lib.checks.core import Wrong, _text, task

L02 = "lesson 02"
NAN = math.nan


def _distribution(t, args, right, mistakes, otherwise):
    """As ``t.same``; where no mistake fits, a row that does not add up to 1 is told so."""
    try:
        t.same(args, right, mistakes, otherwise=otherwise)
    except Wrong as wrong:
        if wrong.message == f"{otherwise}." and np.any(np.abs(np.asarray(t.run(*args)).sum(axis=1) - 1) > 1e-3):
            raise Wrong("a row does not add up to 1. Divide its numbers by their own sum, the sum of exactly these numbers.", wrong.shown) from None
        raise


@task("ex02", points=3, minutes=8, difficulty="easy", idea="generating N-best candidates", read=f"{L02}, 'From logits to a word'", hints=(
    "Two steps: make positive numbers of the logits with exp, then divide each row by its sum. For large logits: what changes in the result when you take the same number off all logits of a row?",
    "Nothing changes, since the factor cancels. Take off each row's highest logit: logits.amax(dim=1, keepdim=True). Then no exponent is above 0. keepdim=True keeps the shape (R, 1), so that it fits to (R, V).",
    "Three lines: take each row's highest logit off and divide by T; exp; divide by .sum(dim=1, keepdim=True)."))
def softmax_at(t):
    three = math.log(3)
    with t.part(1, "each row is its own distribution"):
        _distribution(t, (torch.tensor([[0.0, three]]), 1.0), [[0.25, 0.75]], [
            *[(v, "these are positive, but they do not add up to 1: divide by their sum.") for v in ([[1.0, 3.0]], [[1 / 3, 1.0]])], ([[0.5, 0.5]], "the two words come out alike: is each logit taken off itself? The highest of a row is amax(dim=1)."), ([[0.0, three]], "these are still logits."), ([[0.75, 0.25]], "the word with the higher logit gets the lower probability: is a sign turned round?"),
            ([[1.0, 1.0]], "every number is divided by itself. Sum over the words of a row: dim=1."), ([[0.25 / 2, 0.75 / 2]], "the row adds up to a half, not to 1."),
            ([[math.log(0.25), math.log(0.75)]], "these are logarithms of probabilities."), ([[0.0, 1.0]], "all the probability goes to the likeliest word: that is the limit of T near 0, not T = 1.")],
            otherwise="these are not the probabilities of this row at T = 1")
        _distribution(t, (torch.tensor([[0.0, three], [0.0, 0.0]]), 1.0), [[0.25, 0.75], [0.5, 0.5]], [
            ([[0.5, 0.75], [0.5, 0.25]], "the columns add up to 1. Each row should: sum over dim=1."), *[(v, "all numbers together add up to 1. Each row should by itself.") for v in ([[1 / 6, 0.5], [1 / 6, 1 / 6]], [[0.1, 0.3], [0.3, 0.3]])],
            *[(v, "each column is divided by a row's sum. The sums have shape (R,); with keepdim=True they have (R, 1) and fit to the rows.") for v in ([[0.25, 1.5], [0.25, 0.5]], [[0.25, 0.5], [0.75, 0.5]])],
            ([[0.1, 2.25], [0.1, 0.75]], "the rows' highest logits and sums have shape (R,) and go to the columns. With keepdim=True they have (R, 1) and fit to the rows."),
            ([[0.1, 0.9], [0.25, 0.75]], "from each column a row's highest logit is taken off. With keepdim=True these have shape (R, 1) and fit to the rows."),
            ([[0.25, 0.75], [0.25, 0.75]], "the second row gets the probabilities of the first.")], otherwise="with two rows each should have its own probabilities")
    with t.part(1, "the temperature divides the logits"):
        for T, right, turned in ((0.5, 9.0, 3**0.5), (2.0, 3**0.5, 9.0)):
            _distribution(t, (torch.tensor([[0.0, three]]), T), [[1 / (1 + right), right / (1 + right)]], [
                ([[1 / (1 + turned), turned / (1 + turned)]], "a temperature below 1 should make the likely word likelier, one above 1 less so. Here it is the other way round: divide by T, do not multiply."),
                ([[0.25, 0.75]], "the temperature has no effect. (Dividing the numbers after exp does nothing: the factor cancels.)"), ([[0.25 / T, 0.75 / T]], "the probabilities are divided by T, and no longer add up to 1. Divide the logits, before exp."),
                ([[1 / (1 + math.exp(0.5 / T)), 1 - 1 / (1 + math.exp(0.5 / T))]], "a second softmax is taken of the probabilities divided by T. Divide the logits by T, and take one softmax."),
                ([[0.25 ** (1 / T), 0.75 ** (1 / T)]], "the probabilities are raised to the power 1/T, which is right, but then they have to be divided by their sum again.")], otherwise=f"these are not the probabilities at T = {T:g}")
    with t.part(1, "stable for large logits and small T"):
        odds, overflow = 1 / (1 + math.e), "nan: exp of a large number is inf, and inf / inf is nan. Take the row's highest logit off first; the probabilities stay the same."
        near = 1e-4  # float32 keeps four digits after the point of a logit of 1000
        t.same((torch.tensor([[1000.0, 1001.0]]), 1.0), [[odds, 1 - odds]], [([[NAN, NAN]], overflow), ([[0.0, NAN]], overflow), ([[0.5, 0.5]], "the large logits are cut off, so their difference is lost."), ([[0.0, 0.0]], "the sum is inf, and what is divided by it is 0.")],
               tolerance=near, otherwise="the probabilities of large logits are not right; only the difference of the two counts")
        t.same((torch.tensor([[-1000.0, -1001.0]]), 1.0), [[1 - odds, odds]], [([[NAN, NAN]], "nan: exp of -1000 is 0, and 0 / 0 is nan. Take the row's highest logit off, whatever its sign."), ([[0.0, 0.0]], "both are 0: exp of -1000 is too small for a float. Take the row's highest logit off, whatever its sign."),
                                                                                   ([[0.5, 0.5]], "the low logits are cut off, so their difference is lost.")], tolerance=near, otherwise="the probabilities of very low logits are not right; only the difference of the two counts")
        late = "nan: an exponent is still too large. Is the highest logit taken off before T divides the others? Divide the difference by T."
        t.same((torch.tensor([[30.0, 31.0]]), 0.0625), [[1 / (1 + math.exp(16)), 1 / (1 + math.exp(-16))]], [([[NAN, NAN]], late), ([[0.0, NAN]], late), ([[odds, 1 - odds]], "the temperature has no effect here.")], otherwise="a small temperature makes the exponents large; the result is not right then")
        t.same((torch.tensor([[0.0, 1000.0]]), 1.0), [[0.0, 1.0]], [(v, "nan: an exponent is still too large. What is taken off has to be the highest logit of the row, not its mean or lowest.") for v in ([[0.0, NAN]], [[NAN, NAN]])], otherwise="a row of a low and a very high logit is not right")
        t.same((torch.tensor([[0.0, 1000.0]]), 500.0), [[1 / (1 + math.exp(2)), 1 / (1 + math.exp(-2))]], [([[0.0, 1.0]], "the first word is lost: without T its probability is rounded to 0, and no power brings it back. Divide the logits by T before exp.")], tolerance=near, otherwise="a high temperature brings large logits together; the result is not right then")
        t.same((torch.tensor([[0.0, 1.0], [1000.0, 1001.0]]), 1.0), [[odds, 1 - odds]] * 2, [([[NAN, NAN], [odds, 1 - odds]], "the first row is lost: the highest of all rows is taken off. Take off each row's own."),
                                                                                           ([[odds, 1 - odds], [NAN, NAN]], "the second row is lost: the first row's highest logit is taken off. Take off each row's own.")],
               tolerance=near, otherwise="two rows of different size should both come out right")

# %% role="hidden"
@probe("softmax_at", tolerance=1e-3)  # float32 at logits of some thousands
def softmax_at_inputs(rng):
    for i in range(24):
        R, V = rng.integers(1, 5), rng.integers(1, 8)
        logits, large = rng.integers(-12, 13, (R, V)) / 4.0, i % 3 == 0
        shift = rng.integers(-900, 901, (R, 1)) if large else 0
        yield torch.tensor(logits + shift, dtype=torch.float32), float(rng.choice([0.25, 0.5, 1.0, 2.0])) if large else float(rng.choice([0.1, 0.2, 0.4, 0.7, 1.0, 1.3, 3.0]))

# %% role="wrong"
@wrong("softmax_at", says="exp of a large number")
def naive(logits, T):
    weights = (logits / T).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="sum over the words of a row")
def over_rows(logits, T):
    return torch.softmax(logits / T, dim=0)


@wrong("softmax_at", says="do not add up to 1")
def not_divided(logits, T):
    return (logits / T).exp()


@wrong("softmax_at", says="do not multiply")
def multiplied(logits, T):
    return torch.softmax(logits * T, dim=1)


@wrong("softmax_at", says="no effect")
def temperature_ignored(logits, T):
    return torch.softmax(logits, dim=1)


@wrong("softmax_at", says="no effect")
def divided_after_exp(logits, T):
    weights = (logits - logits.amax(1, keepdim=True)).exp() / T
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="divided by T, and no longer")
def probabilities_divided(logits, T):
    return torch.softmax(logits, dim=1) / T


@wrong("softmax_at", says="second softmax")
def softmax_twice(logits, T):
    p = torch.softmax(logits, dim=1)
    return p if T == 1 else torch.softmax(p / T, dim=1)


@wrong("softmax_at", says="divided by their sum again")
def powers(logits, T):
    return torch.softmax(logits, dim=1) ** (1 / T)


@wrong("softmax_at", says="each row's own")
def highest_of_all(logits, T):
    weights = ((logits - logits.max()) / T).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="whatever its sign")
def highest_magnitude(logits, T):
    weights = ((logits - logits.abs().amax(1, keepdim=True)) / T).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="cut off")
def clamped(logits, T):
    weights = (logits / T).clamp(max=80).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="all numbers together")
def one_sum(logits, T):
    weights = ((logits - logits.amax(1, keepdim=True)) / T).exp()
    return weights / weights.sum()


@wrong("softmax_at", says="keepdim=True")
def no_keepdim(logits, T):
    weights = ((logits - logits.amax(1, keepdim=True)) / T).exp()
    return weights.div(weights.sum(1)) if logits.shape[0] in (1, logits.shape[1]) else weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="logarithms")
def log_probabilities(logits, T):
    return torch.log_softmax(logits / T, dim=1)


@wrong("softmax_at", says="changes its input")
def in_place(logits, T):
    logits -= logits.amax(1, keepdim=True)
    return torch.softmax(logits / T, dim=1)


@wrong("softmax_at", says="is each logit taken off itself")
def highest_of_columns(logits, T):
    weights = ((logits - logits.amax(0, keepdim=True)) / T).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="by their own sum")
def sum_without_temperature(logits, T):
    logits = logits - logits.amax(1, keepdim=True)
    return (logits / T).exp() / logits.exp().sum(1, keepdim=True)


@wrong("softmax_at", says="go to the columns")
def keepdim_forgotten_twice(logits, T):
    weights = ((logits - logits.amax(1)) / T).exp()
    return weights / weights.sum(1)


@wrong("softmax_at", says="not its mean or lowest")
def mean_taken_off(logits, T):
    weights = ((logits - logits.mean(1, keepdim=True)) / T).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="no power brings it back")
def powers_divided(logits, T):
    weights = torch.softmax(logits, dim=1) ** (1 / T)
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", says="before T divides")
def highest_before_temperature(logits, T):
    weights = (logits / T - logits.amax(1, keepdim=True)).exp()
    return weights / weights.sum(1, keepdim=True)


@wrong("softmax_at", hidden=True)
def two_words_only(logits, T):
    p = torch.sigmoid((logits[:, -1:] - logits[:, :1]) / T)
    return torch.cat([1 - p, p], dim=1)

# %% role="right"
@right("softmax_at")
def by_logsumexp(logits, T):
    scaled = logits / T
    return (scaled - scaled.logsumexp(1, keepdim=True)).exp()


@right("softmax_at")
def by_loop(logits, T):
    import math
    out = []
    for row in logits.tolist():
        e = [math.exp((v - max(row)) / T) for v in row]
        out.append([v / sum(e) for v in e])
    return out


@right("softmax_at")
def library(logits, T):
    return torch.softmax(logits / T, dim=1)


@right("softmax_at")
def with_numpy(logits, T):
    scaled = np.asarray(logits) / T
    weights = np.exp(scaled - scaled.max(axis=1)[:, None])
    return weights / weights.sum(axis=1, keepdims=True)

# %% [markdown] task="nucleus"
# ## Task 2. Top-p
#
# `probs` has shape `(R, V)`, and each row adds up to 1. In each row keep the **smallest set of most likely words whose probabilities together reach** $p$ (are $p$ or more). The others get 0, and the row is divided by its sum, so that it adds up to 1 again.
# The words stay in their places: column $k$ of the result belongs to the same word as column $k$ of `probs`.
#
# Three rules for the edges. At least one word stays, even for $p = 0$. Of equally likely words, the one that stands further left counts as the likelier. Where rounding keeps the sum of a whole row a little below $p$, all its words stay.

# %% role="task" task="nucleus"
def nucleus(probs, p):
    """Top-p: (R, V), 0 outside the nucleus and each row adding up to 1 again. probs: (R, V), rows add up to 1; p: from 0 to 1."""
    # SOLUTION
    ordered, index = probs.sort(dim=1, descending=True, stable=True)
    reached_before = ordered.cumsum(dim=1) - ordered >= p
    reached_before[:, 0] = False
    kept = torch.zeros_like(probs).scatter(1, index, ordered.masked_fill(reached_before, 0.0))
    return kept / kept.sum(dim=1, keepdim=True)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _row_sizes(value):
    """The sizes of the rows of a matrix; anything else is told so."""
    if not isinstance(value, (list, tuple)) and not hasattr(value, "shape"):
        raise Wrong(f"the result should have the shape (R, V) of probs, but is {'one number' if isinstance(value, (int, float)) else 'a ' + type(value).__name__}.")
    return [len(row) if isinstance(row, (list, tuple)) or getattr(row, "shape", ()) else None for row in value]


def _keeps(t, probs, p, right, mistakes=(), otherwise="that is not the smallest set of most likely words that reaches p"):
    """Which words stay, whatever their new probabilities; sets of positions, one for each row."""
    got = t.run(torch.tensor(probs), p)
    shown = f"{t._call((torch.tensor(probs), p))} gave {_text(got)}"
    sizes = _row_sizes(got)
    t.holds(len(sizes) >= len(probs), f"the result has {len(sizes)} of the {len(probs)} rows. Does return stand inside the loop?", shown)
    t.holds(sizes == [len(row) for row in probs], "the result should have the shape (R, V) of probs. Words outside the nucleus get 0; they are not removed.", shown)
    rows = [[float(v) for v in row] for row in got]
    kept = [[k for k, v in enumerate(row) if v and v == v] for row in rows]
    for value, message in mistakes:
        t.holds(kept != value, message, shown)
    t.holds(all(v == v for row in rows for v in row), "nan: a row was divided by 0, because no word was left in it.", shown)
    t.holds(all(kept), "a row has no word left.", shown)
    t.holds(kept == right, f"{otherwise}.", shown)


@task("ex02", points=4, minutes=20, difficulty="medium", idea="generating N-best candidates", read=f"{L02}, 'From logits to a word'", hints=(
    "Sort each row, likeliest first. A word stays as long as the words before it have not reached p yet. Then everything has to go back to where it came from.",
    "probs.sort(dim=1, descending=True, stable=True) gives two tensors: the sorted probabilities and, for each, the column it came from (index); with stable=True torch wants dim by its name. Their running sum (cumsum), less the word's own probability, is what stands before it. torch.zeros_like(probs).scatter(1, index, values) puts values back into their columns.",
    "A word goes when (running sum - own probability) >= p; set this to False in column 0, so that one word always stays. Put 0 where it is True (masked_fill), scatter back, and divide by the row's sum with keepdim=True."))
def nucleus(t):
    row, mixed = [0.5, 0.25, 0.1875, 0.0625], [0.125, 0.5, 0.125, 0.25]
    with t.part(1, "keeps the smallest set that reaches p"):
        few, many = "the set does not reach p: the word with which the sum reaches p belongs to it.", "the set is larger than needed: it reaches p without its last word."
        _keeps(t, [row], 0.7, [[0, 1]], [([[0]], few), ([[0, 1, 2]], many), ([[0, 1, 2, 3]], "all words stay. Sum up along the row (dim=1) from the likeliest word, and stop when p is reached."), ([[]], "no word is left: is each probability by itself compared with p? Compare their running sum."),
                                         ([[2, 3]], "the nucleus was set to 0 and the rest kept: turned round."), ([[1, 2, 3]], "the likeliest word is gone: begin with the likeliest.")])
        _keeps(t, [row], 0.8, [[0, 1, 2]], [([[0, 1]], few), ([[0, 1, 2, 3]], many), ([[0]], few)])
    with t.part(1, "what stays is divided by its sum"):
        t.same((torch.tensor([row]), 0.7), [[2 / 3, 1 / 3, 0, 0]], [([[0.5, 0.25, 0.0, 0.0]], "the right words stay, but the row no longer adds up to 1: divide it by its sum."), ([[1.0, 1.0, 0.0, 0.0]], "these say which words stay. Return their probabilities."),
                                                                  ([[0.5, 0.5, 0.0, 0.0]], "the words that stay should keep their proportion, 2 to 1: divide them by their sum."), ([[0.5 / 0.7, 0.25 / 0.7, 0.0, 0.0]], "the row is divided by p. What is left is more than p: divide by its sum."),
                                                                  ([[math.exp(0.5) / (math.exp(0.5) + math.exp(0.25)), math.exp(0.25) / (math.exp(0.5) + math.exp(0.25)), 0.0, 0.0]], "a softmax is taken of probabilities. Divide them by their sum.")],
               otherwise="the words that stay should keep their proportion, 2 to 1: divide them by their sum")
    with t.part(1, "words in any order, each row by itself"):
        _keeps(t, [mixed], 0.7, [[1, 3]], [([[0, 1]], "the first two places stay: these are places in the sorted row. Put the probabilities, or the marks of what stays, back in their own places: column k belongs to word k."), ([[0, 2]], "the words come back in wrong places. index says for each sorted word where it came from; scatter(1, index, ...) undoes the sorting, taking by index once more does not."),
                                           ([[0, 1, 2, 3]], "the running sum goes over the row as it stands. Sort it first, likeliest first."), ([[0, 1, 3]], "word 0 stays and is not needed. The word that always stays is the first of the sorted row, not the first of probs."), ([[0, 1, 2]], "the set is summed up in the order in which the words stand. Begin with the likeliest.")])
        t.same((torch.tensor([mixed]), 0.7), [[0, 2 / 3, 0, 1 / 3]], [([[0.0, 0.5, 0.0, 0.25]], "the row does not add up to 1: divide it by its sum."), ([[0.0, 1 / 3, 0.0, 2 / 3]], "the right places, but the two probabilities are swapped.")], otherwise="the right words stay, but their probabilities are not right")
        carried = "the sum is carried on from the first row into the second. Begin each row at 0 (cumsum: dim=1)."
        _keeps(t, [row, [0.3, 0.1, 0.35, 0.25]], 0.7, [[0, 1], [0, 2, 3]], [([[0, 1], [0, 1]], "the second row keeps the places of the first row's words. Each row has its own nucleus."), ([[0, 1], []], carried), ([[0, 1], [2]], carried),
                                                                           ([[0, 1], [0, 2]], "the second row keeps as many words as the first. Here it needs more: each row has its own number.")],
               otherwise="with two rows each should keep its own most likely words")
        t.same((torch.tensor([row, [0.0625, 0.25, 0.5, 0.1875]]), 0.7), [[2 / 3, 1 / 3, 0, 0], [0, 1 / 3, 2 / 3, 0]], [([[1 / 3, 1 / 6, 0, 0], [0, 1 / 6, 1 / 3, 0]], "all rows together add up to 1. Divide each by its own sum.")], otherwise="each row should be divided by its own sum")
    with t.part(1, "edges: p just reached, p = 0 and 1, equal words"):
        _keeps(t, [row], 0.3, [[0]], [([[]], "no word is left. The likeliest word alone is more than p, and it should stay."), ([[0, 1]], "the first word reaches p by itself.")])
        _keeps(t, [row], 0.75, [[0, 1]], [([[0, 1, 2]], "0.5 + 0.25 is 0.75, which reaches p: no more are needed. Is > used for >=, or the other way round?"), ([[0]], "the set does not reach p.")])
        _keeps(t, [row], 1.0, [[0, 1, 2, 3]], [([[0, 1, 2]], "with p = 1 the last word is needed as well.")], otherwise="with p = 1 all words are needed")
        _keeps(t, [[0.52, 0.42, 0.06]], 1.0, [[0, 1, 2]], otherwise="rounding keeps the sum of this row below p = 1; all its words stay then")
        _keeps(t, [row], 0.0, [[0]], [([[]], "with p = 0 no word is left; one always stays.")], otherwise="with p = 0 one word should stay, the likeliest")
        _keeps(t, [[0.25] * 4], 0.5, [[0, 1]], [([[0, 1, 2, 3]], "all words that are as likely as the last one of the set stay too. Two of them reach p, so the set is not the smallest."), ([[2, 3]], "of equally likely words those on the right stay; those on the left should (a stable sort).")],
               otherwise="of four equally likely words two should stay, those on the left. Is a word looked up by its probability? Here all have the same")

# %% role="hidden"
@probe("nucleus")
def nucleus_inputs(rng):
    for i in range(30):
        R, V = int(rng.integers(1, 5)), int(rng.integers(1, 10))
        rows = rng.multinomial(64, rng.dirichlet(np.full(V, 0.7)), R) / 64  # sixty-fourths: their sums are exact, ties are frequent
        yield torch.tensor(rows, dtype=torch.float32), float(rng.integers(0, 65) / 64) if i % 2 else float(rng.choice([0.05, 0.3, 0.6, 0.8, 0.9, 0.95]))

# %% role="wrong"
def sorted_sums(probs):
    """What most solutions begin with."""
    ordered, index = probs.sort(dim=1, descending=True, stable=True)
    return ordered, index, ordered.cumsum(1)


def put_back(probs, index, ordered, dropped):
    """What most solutions end with."""
    kept = torch.zeros_like(probs).scatter(1, index, ordered.masked_fill(dropped, 0.0))
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="with which the sum reaches p belongs")
def one_too_few(probs, p):
    ordered, index, sums = sorted_sums(probs)
    dropped = sums > p
    dropped[:, 0] = False
    return put_back(probs, index, ordered, dropped)


@wrong("nucleus", says="larger than needed")
def one_too_many(probs, p):
    ordered, index, sums = sorted_sums(probs)
    before = torch.cat([torch.zeros_like(sums[:, :2]), sums[:, :-2]], dim=1)[:, : sums.shape[1]]
    dropped = before >= p
    dropped[:, 0] = False
    return put_back(probs, index, ordered, dropped)


@wrong("nucleus", says="divide it by its sum")
def not_renormalised(probs, p):
    ordered, index, sums = sorted_sums(probs)
    dropped = sums - ordered >= p
    dropped[:, 0] = False
    return torch.zeros_like(probs).scatter(1, index, ordered.masked_fill(dropped, 0.0))


@wrong("nucleus", says="places in the sorted row")
def left_sorted(probs, p):
    ordered, _, sums = sorted_sums(probs)
    kept = ordered.masked_fill((sums - ordered >= p) & (sums > ordered), 0.0)
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="wrong places")
def gathered(probs, p):
    ordered, index, sums = sorted_sums(probs)
    kept = ordered.masked_fill((sums - ordered >= p) & (sums > ordered), 0.0).gather(1, index)
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="each probability by itself")
def single_words(probs, p):
    return probs.masked_fill(probs < p, 0.0)


@wrong("nucleus", says="order in which")
def not_sorted(probs, p):
    kept = probs.masked_fill((probs.cumsum(1) - probs >= p), 0.0)
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="likeliest")
def from_below(probs, p):
    ordered, index = probs.sort(dim=1)
    return put_back(probs, index, ordered, ordered.cumsum(1) - ordered >= p)


@wrong("nucleus", says="no word is left")
def may_lose_all(probs, p):
    ordered, index, sums = sorted_sums(probs)
    enough = (sums >= p).int().argmax(1)
    dropped = torch.arange(probs.shape[1])[None] > enough[:, None]
    return put_back(probs, index, ordered, dropped | (ordered[:, :1] > p))


@wrong("nucleus", says="reaches p: no more are needed")
def strictly_more(probs, p):
    ordered, index, sums = sorted_sums(probs)
    dropped = sums - ordered > p
    dropped[:, 0] = False
    return put_back(probs, index, ordered, dropped)


@wrong("nucleus", says="as likely as the last one")
def by_threshold(probs, p):
    ordered, _, sums = sorted_sums(probs)
    dropped = sums - ordered >= p
    dropped[:, 0] = False
    lowest = ordered.masked_fill(dropped, 2.0).amin(1, keepdim=True)
    kept = probs.masked_fill(probs < lowest, 0.0)
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="they are not removed")
def removed(probs, p):
    ordered, _, sums = sorted_sums(probs)
    stays = int((sums[0] < p).sum()) + 1
    return ordered[:, :stays] / ordered[:, :stays].sum(1, keepdim=True)


@wrong("nucleus", says="their probabilities")
def a_mask(probs, p):
    return (nucleus(probs, p) > 0).float()


@wrong("nucleus", says="places of the first row")
def first_row_decides(probs, p):
    mask = nucleus(probs, p)[:1] > 0
    kept = probs * mask
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="divided by p")
def divided_by_p(probs, p):
    return not_renormalised(probs, p) / p


@wrong("nucleus", says="changes its input")
def in_place(probs, p):
    probs[nucleus(probs, p) == 0] = 0.0
    return probs / probs.sum(1, keepdim=True)


@wrong("nucleus", says="divide each by its own sum")
def one_sum_for_all(probs, p):
    kept = not_renormalised(probs, p)
    return kept / kept.sum()


@wrong("nucleus", says="marks of what stays")
def mask_left_sorted(probs, p):
    ordered, _, sums = sorted_sums(probs)
    kept = probs.masked_fill((sums - ordered >= p) & (sums > ordered), 0.0)
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="not the first of probs")
def first_column_stays(probs, p):
    ordered, index, sums = sorted_sums(probs)
    keep = torch.zeros_like(probs, dtype=torch.bool).scatter(1, index, sums - ordered < p)
    keep[:, 0] = True
    return probs * keep / (probs * keep).sum(1, keepdim=True)


@wrong("nucleus", says="along the row")
def over_rows(probs, p):
    ordered, index = probs.sort(dim=0, descending=True, stable=True)
    kept = torch.zeros_like(probs).scatter(0, index, ordered.masked_fill(ordered.cumsum(0) - ordered >= max(p, 1e-9), 0.0))
    return kept / kept.sum(0, keepdim=True)


@wrong("nucleus", says="each probability by itself")
def single_words_divided(probs, p):
    kept = probs.masked_fill(probs < p, 0.0)
    return kept / kept.sum(1, keepdim=True)


@wrong("nucleus", says="as many words as the first")
def first_row_counts(probs, p):
    ordered, index, sums = sorted_sums(probs)
    size = max(1, int((sums - ordered < p)[0].sum()))
    return put_back(probs, index, ordered, (torch.arange(probs.shape[1]) >= size).expand(len(probs), -1))


@wrong("nucleus", says="carried on")
def total_not_begun_again(probs, p):
    out, total = [], 0.0
    for row in probs.tolist():
        kept = [0.0] * len(row)
        for k in sorted(range(len(row)), key=lambda k: -row[k]):
            kept[k] = row[k]
            total += row[k]
            if total >= p:
                break
        out.append([v / sum(kept) for v in kept])
    return out


@wrong("nucleus", says="inside the loop")
def returns_in_the_loop(probs, p):
    for row in probs:
        return nucleus(row[None], p)


@wrong("nucleus", says="keep their proportion")
def rest_to_the_likeliest(probs, p):
    kept = not_renormalised(probs, p)
    return kept.scatter_add(1, kept.argmax(1, keepdim=True), 1 - kept.sum(1, keepdim=True))


@wrong("nucleus", says="IndexError")
def first_that_reaches(probs, p):
    ordered, index, sums = sorted_sums(probs)
    size = torch.tensor([int((row >= p).nonzero()[0, 0]) + 1 for row in sums])
    return put_back(probs, index, ordered, torch.arange(probs.shape[1])[None] >= size[:, None])


@wrong("nucleus", says="looked up by its probability")
def looked_up(probs, p):
    out = []
    for row in probs.tolist():
        kept, total = [0.0] * len(row), 0.0
        for v in sorted(row, reverse=True):
            kept[row.index(v)] = v
            total += v
            if total >= p:
                break
        out.append([v / sum(kept) for v in kept])
    return out


@wrong("nucleus", hidden=True)
def four_words_at_most(probs, p):
    kept = nucleus(probs, p)
    kept[:, 4:] = 0.0
    return kept / kept.sum(1, keepdim=True).clamp(min=1e-9)

# %% role="right"
@right("nucleus")
def with_a_loop(probs, p):
    out = []
    for row in probs.tolist():
        kept, total = [0.0] * len(row), 0.0
        for k in sorted(range(len(row)), key=lambda k: -row[k]):
            kept[k] = row[k]
            total += row[k]
            if total >= p:
                break
        out.append([v / total for v in kept])
    return out


@right("nucleus")
def with_numpy(probs, p):
    a = np.asarray(probs, dtype=np.float64)
    order = np.argsort(-a, axis=1, kind="stable")
    sums = np.take_along_axis(a, order, 1).cumsum(1)
    size = np.minimum((sums < p).sum(1) + 1, a.shape[1])
    rank = order.argsort(1)
    kept = np.where(rank < size[:, None], a, 0)
    return kept / kept.sum(1, keepdims=True)


@right("nucleus")
def with_the_inverse_order(probs, p):
    index = (-probs).argsort(dim=1, stable=True)
    ordered = probs.gather(1, index)
    before = torch.nn.functional.pad(ordered.cumsum(1), (1, 0))[:, :-1]
    keep = (before < p) | (torch.arange(probs.shape[1]) == 0)
    kept = (ordered * keep).gather(1, index.argsort(dim=1))
    return kept / kept.sum(1, keepdim=True)

# %% [markdown] task="draw_tokens"
# ## Task 3. The draw
#
# Put the probabilities of a row end to end on a ruler from 0 to 1. The random number $u$ is a point on it; the word whose piece holds the point is drawn. Piece $k$ reaches from the sum of the probabilities before it to the sum that includes its own.
# A point on the edge of two pieces belongs to the one on its right.
#
# `probs` has shape `(R, V)`, `u` shape `(R,)` with values from 0 up to, but not including, 1. Return one index, a whole number from 0 to $V - 1$, for each row, shape `(R,)`. The index follows from `u` alone: no further chance. A word of probability 0 is never drawn.
#
# One trap. Because of rounding a row may add up to 0.999999, and $u$ may lie above that. Then draw the last word of the row that has any probability. (The check makes the gap larger, so that you can see it.)

# %% role="task" task="draw_tokens"
def draw_tokens(probs, u):
    """Index of the word drawn in each row, (R,). probs: (R, V), rows add up to 1 but for rounding; u: (R,), from 0 up to but not including 1."""
    # SOLUTION
    ends = probs.cumsum(dim=1)
    drawn = (ends <= u[:, None]).sum(dim=1)
    places = torch.arange(probs.shape[1]) * (probs > 0)
    return torch.minimum(drawn, places.amax(dim=1))
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _varies(t):
    """Whether the same u gives different words; False for what cannot be run."""
    probs, u = torch.full((8, 8), 0.125), torch.linspace(0.05, 0.95, 8)
    try:
        return len({tuple(int(k) for k in t.run(probs, u)) for _ in range(4)}) > 1
    except Exception:
        return False


@task("ex02", points=4, minutes=15, difficulty="medium", idea="generating N-best candidates", read=f"{L02}, 'From logits to a word'", hints=(
    "Where does each piece end? The word that is drawn is the first whose piece ends beyond u.",
    "The ends are running sums, probs.cumsum(dim=1). Count in each row the ends that are at or below u: that many pieces lie wholly to the left of the point. u[:, None] has shape (R, 1) and so can be compared with (R, V).",
    "The count of ends <= u is the index. Then the trap: find each row's last index with probability above 0, and take the smaller of the two (torch.minimum). Multiplying torch.arange(V) by (probs > 0) and taking the highest in each row gives it."))
def draw_tokens(t):
    six, elsewhere = [0.3, 0.2, 0.1, 0.25, 0.05, 0.1], "the point u lies in another word's piece"
    with t.part(1, "draws the word whose piece holds u"):
        try:
            t.same((torch.tensor([six]), torch.tensor([0.68])), [3], [
                ([0], "that is the likeliest word, or simply the first. Its piece ends before u."), ([1], "the point is looked for on another ruler, read from its right end or with the words sorted. Begin on the left, and leave the words in their order."),
                ([2], "too low: this word's piece ends before u. Is 1 taken off the index, or are the words sorted?"), ([4], "one too far: are the words counted from 1? Their indices begin at 0."), ([5], "too far. A probability is the length of a piece, not where it ends: add them up along the row."),
                ([6], "no word has this index. Are the probabilities added up along the row, dim=1?"), ([0.25], "this is a probability. Return the index of the word."), ([0.85], "this is where the piece ends. Return the index of the word."), ([[0, 0, 0, 1, 0, 0]], "one index for each row is wanted."),
                ([[0, 0, 0, 1, 1, 1]], "these are truth values. They tell which pieces end beyond u; make one index of each row."), ([[1, 1, 1, 0, 0, 0]], "these are truth values. They tell which pieces end before u; make one index of each row.")], otherwise=elsewhere)
            t.same((torch.tensor([six]), torch.tensor([0.1])), [0], [([1], "the first word's piece holds this point. The words are counted from 0.")], otherwise=elsewhere)
            last = torch.tensor([six]), torch.tensor([0.95])
            got = t.same(last, [5], [([4], "one too low: the last word's piece holds this point.")], otherwise=elsewhere)
            t.holds(np.asarray(got).dtype.kind in "iu", "the index is right, but it is not of a type of whole numbers, so no word can be looked up with it. Return integers (for a tensor: torch.long).", f"{t._call(last)} gave {_text(got)}")
        except Wrong:
            if not _varies(t):
                raise
        t.holds(not _varies(t), "the same u gave different words on two calls. The word should follow from u, without further chance.")
    with t.part(1, "each row has its own probabilities and its own u"):
        t.same((torch.tensor([[0.1, 0.1, 0.1, 0.7], [0.2, 0.5, 0.2, 0.1]]), torch.tensor([0.8, 0.5])), [3, 1], [
            ([3, 3], "the second row is drawn with the probabilities of the first."), ([3, 2], "all rows are drawn with the first u. Each row has its own."), ([4, 2], "the probabilities are added up over rows. Add them up along a row: dim=1."),
            ([3, 0], "the second row stops at its first word: is the running sum carried on from the first row? Begin each row at 0."), ([3], "the second row is missing: does return stand inside the loop?"), (3, "one word for all rows. Each row has its own.")],
            otherwise="two rows should give two words, each by its own probabilities and its own u")
    with t.part(1, "on an edge the word to the right, and never one of probability 0"):
        t.same((torch.tensor([[0.5, 0.5]]), torch.tensor([0.5])), [1], [([0], "the point lies on the edge between the two pieces; it belongs to the one on its right. (Compare ends with u by <=; or searchsorted with right=True.)")], otherwise="a point on an edge belongs to the piece on its right")
        t.same((torch.tensor([[0.0, 0.5, 0.5]]), torch.tensor([0.0])), [1], [([0], "u = 0 drew a word of probability 0, which has no piece. Top-p makes many of those.")], otherwise="u = 0 should draw the first word that has a piece")
        t.same((torch.tensor([[0.5, 0.0, 0.5]]), torch.tensor([0.5])), [2], [([1], "a word of probability 0 was drawn; it has no piece."), ([0], "the point lies on an edge and belongs to the piece on its right.")], otherwise="the point belongs to the piece on its right")
    with t.part(1, "a row that adds up to a little less than 1"):
        beyond = "u lies beyond the last end; take the last word that has any probability"  # rounding, drawn large
        t.same((torch.tensor([[0.2, 0.5, 0.299]]), torch.tensor([0.9995])), [2], [
            ([3], "no word has this index: u lies beyond the last end. Here an error would come when the model reads the word."), ([0], "u lies beyond the last end, and the first word came out (argmax of a row without any True gives 0). Take the last word that has any probability."),
            ([1], "u lies beyond the last end, and the likeliest word came out. Take the last word that has any probability."), ([], "no word is drawn for this row: u lies beyond the last end. Take the last word that has any probability.")], otherwise=beyond)
        t.same((torch.tensor([[0.5, 0.499, 0.0], [0.25, 0.25, 0.499]]), torch.tensor([0.9995, 0.9995])), [1, 2], [
            ([2, 2], "the last word of the first row has probability 0. Take the last one that has any."), ([1, 1], "the last word with any probability is looked for in the first row alone. Each row has its own.")], otherwise=beyond)

# %% role="hidden"
@probe("draw_tokens")
def draw_tokens_inputs(rng):
    for i in range(30):
        R, V = int(rng.integers(1, 7)), int(rng.integers(1, 10))
        rows = rng.multinomial(64, rng.dirichlet(np.full(V, 0.6)), R) / 64
        u = rng.integers(0, 128, R) / 128  # every second one may lie on an edge
        if i % 5 == 0:
            rows, u = rows * (1 - 2.0**-18), np.where(rng.random(R) < 0.5, 1 - 2.0**-20, (rng.integers(0, 64, R) + 0.5) / 64)
        yield torch.tensor(rows, dtype=torch.float32), torch.tensor(u, dtype=torch.float32)

# %% role="wrong"
@wrong("draw_tokens", says="that is the likeliest word")
def greedy(probs, u):
    return probs.argmax(1)


@wrong("draw_tokens", says="without further chance")
def rolls_dice(probs, u):
    return torch.multinomial(probs, 1)[:, 0]


@wrong("draw_tokens", says="counted from 1")
def from_one(probs, u):
    return (probs.cumsum(1) <= u[:, None]).sum(1) + 1


@wrong("draw_tokens", says="belongs to the one on its right")
def left_edges(probs, u):
    return (probs.cumsum(1) < u[:, None]).sum(1).clamp(max=probs.shape[1] - 1)


@wrong("draw_tokens", says="not where it ends")
def no_running_sum(probs, u):
    return (probs <= u[:, None]).sum(1).clamp(max=probs.shape[1] - 1)


@wrong("draw_tokens", says="along the row")
def over_rows(probs, u):
    return (probs.cumsum(0) <= u[:, None]).sum(1)


@wrong("draw_tokens", says="with the first u")
def one_u(probs, u):
    return draw_tokens(probs, u[:1].expand(len(u)))


@wrong("draw_tokens", says="probabilities of the first")
def one_row(probs, u):
    return draw_tokens(probs[:1].expand(len(u), -1), u)


@wrong("draw_tokens", says="from its right end")
def backwards(probs, u):
    return draw_tokens(probs, 1 - u)


@wrong("draw_tokens", says="no word has this index")
def out_of_range(probs, u):
    return torch.searchsorted(probs.cumsum(1), u[:, None], right=True)[:, 0]


@wrong("draw_tokens", says="the last word of the first row has probability 0")
def clamped(probs, u):
    return (probs.cumsum(1) <= u[:, None]).sum(1).clamp(max=probs.shape[1] - 1)


@wrong("draw_tokens", says="argmax of a row")
def first_end_beyond(probs, u):
    return (probs.cumsum(1) > u[:, None]).int().argmax(1)


@wrong("draw_tokens", says="this is a probability")
def returns_probabilities(probs, u):
    return probs.gather(1, draw_tokens(probs, u)[:, None])[:, 0]


@wrong("draw_tokens", says="should have shape (1,)")
def one_column(probs, u):
    return draw_tokens(probs, u)[:, None]


@wrong("draw_tokens", says="changes its input")
def in_place(probs, u):
    probs[:] = probs.cumsum(1)
    return (probs <= u[:, None]).sum(1)


@wrong("draw_tokens", says="words sorted")
def sorted_first(probs, u):
    ordered, index = probs.sort(dim=1, descending=True)
    return index.gather(1, draw_tokens(ordered, u)[:, None])[:, 0]


@wrong("draw_tokens", says="is 1 taken off")
def one_before(probs, u):
    return (draw_tokens(probs, u) - 1).clamp(min=0)


@wrong("draw_tokens", says="whole numbers")
def float_indices(probs, u):
    return draw_tokens(probs, u).float()


@wrong("draw_tokens", says="carried on")
def end_not_begun_again(probs, u):
    out, end = [], 0.0
    for row, point in zip(probs.tolist(), u.tolist()):
        for k in range(len(row)):
            end += row[k]
            if point < end:
                break
        out.append(k)
    return out


@wrong("draw_tokens", says="no word is drawn")
def appends_nothing(probs, u):
    out = []
    for row, point in zip(probs, u):
        beyond = (row.cumsum(0) > point).nonzero()
        if len(beyond):
            out.append(int(beyond[0, 0]))
    return out


@wrong("draw_tokens", says="likeliest word came out")
def likeliest_beyond(probs, u):
    drawn = (probs.cumsum(1) <= u[:, None]).sum(1)
    return torch.where(drawn < probs.shape[1], drawn, probs.argmax(1))


@wrong("draw_tokens", says="first row alone")
def last_of_the_first_row(probs, u):
    return (probs.cumsum(1) <= u[:, None]).sum(1).clamp(max=int(probs[0].nonzero().max()))


@wrong("draw_tokens", says="inside the loop")
def returns_in_the_loop(probs, u):
    for row, point in zip(probs, u):
        return draw_tokens(row[None], point[None])


@wrong("draw_tokens", hidden=True)
def six_words_only(probs, u):
    return draw_tokens(probs[:, :6], u)

# %% role="right"
@right("draw_tokens")
def with_loops(probs, u):
    out = []
    for row, point in zip(probs.tolist(), u.tolist()):
        end, at = 0.0, None
        for k, p in enumerate(row):
            if p == 0:
                continue
            end, at = end + p, k
            if point < end:
                break
        out.append(at)
    return out


@right("draw_tokens")
def stretched(probs, u):
    ends = probs.double().cumsum(1)
    k = torch.searchsorted(ends, (u.double() * ends[:, -1])[:, None], right=True)[:, 0]
    last = torch.tensor([int(row.nonzero().max()) for row in probs])
    return torch.minimum(k, last)


@right("draw_tokens")
def with_numpy(probs, u):
    p = np.asarray(probs, dtype=np.float64)
    return np.array([min(np.searchsorted(row.cumsum(), x, side="right"), np.flatnonzero(row)[-1]) for row, x in zip(p, np.asarray(u))])

# %% [markdown] task="distinct_bigrams"
# ## Task 4. How different are the candidates?
#
# Write distinct-2: of all pairs of neighbouring words in a list of texts, the share of **different** ones,
#
# $$\text{distinct-2} = \frac{\text{number of different pairs}}{\text{number of all pairs}}.$$
#
# All texts are counted together, and no pair reaches from one text into the next. Words are what `split()` gives: any number of blanks stands between them, and capital letters and punctuation stay as they are. Without any pair the result is 0.

# %% role="task" task="distinct_bigrams"
def distinct_bigrams(texts):
    """distinct-2 of a list of texts: different pairs of neighbouring words divided by all of them, in [0, 1]; 0 when there are none."""
    # SOLUTION
    pairs = []
    for text in texts:
        words = text.split()
        pairs += zip(words, words[1:])
    return len(set(pairs)) / len(pairs) if pairs else 0.0
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex02", points=3, minutes=8, difficulty="easy", idea="generating N-best candidates", read=f"{L02}, 'Temperature and diversity'", hints=(
    "Go through the texts, collect the pairs of each in one list for all, and count at the end.",
    "zip(words, words[1:]) gives the pairs of neighbouring words. set keeps each different one once; it needs tuples or strings, not lists.",
    "One list before the loop; in the loop split the text and add its pairs; at the end the size of the set divided by the size of the list, or 0 when the list is empty."))
def distinct_bigrams(t):
    with t.part(1, "counts different pairs of neighbouring words"):
        t.same((["go up up on up on go up"],), 5 / 7, [  # 8 words, 7 pairs, 5 of them different
            (5, "this is the number of different pairs. Divide it by the number of all pairs."), (7, "this is the number of pairs."), (2 / 7, "this is the share of repeated pairs; the share of different ones is wanted."), (3 / 8, "these are single words. Take pairs of neighbours."),
            (5 / 8, "the different pairs are divided by the number of words. Eight words have seven pairs."), (6 / 8, "the last word is counted as the beginning of a pair; no word follows it. Eight words have seven pairs."), (5 / 6, "a pair is missing at the end of the text. Eight words have seven pairs."),
            (4 / 7, "'up on' and 'on up' count as one pair. The order matters."), *[(v, "only pairs that stand there once are counted. Count every different pair, however often it stands.") for v in (3 / 7, 3 / 5)], (9 / 28, "these are pairs of any two words. Take neighbours only."),
            (2 / 4, "each word is in one pair only. Neighbouring pairs share a word: up up, up on."), (4 / 6, "'up up' is not counted. Equal neighbours are a pair, too."), (1.0, "nothing is counted as repeated, but 'go up' stands here twice. Are these pairs, two words each, and one by one in the list?"),
            (9 / 22, "these are pairs of letters. Split the text into words first."), (7 / 5, "turned round: different pairs divided by all pairs."), (0, "the result is 0, but there are pairs here. Is it cut to a whole number (//)?"), *[(v, "the result should be a share between 0 and 1.") for v in (5.0, 500 / 7)]],
            otherwise="the share of different pairs is not right")
        t.same((["a bc ab c"],), 1.0, [(2 / 3, "'a bc' and 'ab c' count as one pair. Keep the two words of a pair apart, in a tuple.")], otherwise="all three pairs of this text are different")
    with t.part(1, "all texts together, no pair across two texts"):
        t.same((["up up up up", "go on"],), 2 / 4, [((1 / 3 + 1) / 2, "this is the mean of the texts' own shares. Count the pairs of all texts together."), (3 / 5, "a pair reaches from the first text into the second. Take the pairs of each text by itself."),
                                                  (1.0, "only the last text is counted."), (1 / 4, "the different pairs are those of the last text only. Collect them over all texts."), (1 / 3, "only the first text is counted."), (2, "this is a sum over texts; the result should be a share between 0 and 1.")], otherwise="two texts should be counted together")
        t.same((["go on"] * 3,), 1 / 3, [(1.0, "the same text stands here three times, and its copies are not seen. A pair in another text is the same pair; do not drop repeated texts either."), (2 / 5, "a pair reaches from one text into the next."),
                                         (3.0, "the shares of the texts are added up.")], otherwise="the same pair in three texts counts once as a different one, and three times among all")
    with t.part(1, "blanks, capital letters, and lists without a pair"):
        t.same((["go  on", "go on"],), 1 / 2, [(1.0, "two blanks between words make another pair here. split() without an argument takes any number of blanks."), (3 / 4, "two blanks between words make pairs with an empty word. Use split() without an argument.")], otherwise="two blanks between words should count like one")
        t.same((["Go on", "go on", "go on."],), 1.0, [(v, "capital letters or punctuation are taken away. Leave the words as they are.") for v in (2 / 3, 1 / 3)], otherwise="words should be left as they are")
        t.same((["", "go on up"],), 1.0, [(2.0, "an empty text takes a pair away. It has no words and no pairs, not -1."), (0.0, "one text without a pair makes the whole result 0. Go on with the next text.")], otherwise="an empty text should change nothing")
        t.same((["go"],), 0.0, [(1.0, "a text of one word has no pair; without any pair the result is 0."), (NAN, "nan: without any pair the result is 0.")], otherwise="a text of one word has no pair")
        t.same(([],), 0.0, otherwise="without texts the result is 0")

# %% role="hidden"
@probe("distinct_bigrams")
def distinct_bigrams_inputs(rng):
    words = "open Open the menu menu. reset your password then Thanks".split()
    for i in range(24):
        yield [(" ", "  ")[int(rng.integers(2))].join(rng.choice(words[: int(rng.integers(2, 11))], int(rng.integers(0 if i % 3 else 2, 13))).tolist()) for _ in range(int(rng.integers(1, 7)))],

# %% role="wrong"
def all_pairs(texts):
    return [pair for text in texts for pair in zip(text.split(), text.split()[1:])]


@wrong("distinct_bigrams", says="number of different pairs")
def counts(texts):
    return len(set(all_pairs(texts)))


@wrong("distinct_bigrams", says="single words")
def single_words(texts):
    words = [w for text in texts for w in text.split()]
    return len(set(words)) / len(words) if words else 0.0


@wrong("distinct_bigrams", says="pairs of letters")
def letters(texts):
    pairs = [pair for text in texts for pair in zip(text, text[1:])]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="number of words")
def by_words(texts):
    words = sum(len(text.split()) for text in texts)
    return len(set(all_pairs(texts))) / words if words else 0.0


@wrong("distinct_bigrams", says="order matters")
def without_order(texts):
    pairs = all_pairs(texts)
    return len({tuple(sorted(p)) for p in pairs}) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="in one pair only")
def every_second(texts):
    pairs = [pair for text in texts for pair in zip(text.split()[::2], text.split()[1::2])]
    return len(set(pairs)) / max(len(pairs), 1)


@wrong("distinct_bigrams", says="mean of the texts")
def mean_of_texts(texts):
    return sum(distinct_bigrams([text]) for text in texts) / len(texts) if texts else 0.0


@wrong("distinct_bigrams", says="from the first text into the second")
def joined(texts):
    return distinct_bigrams([" ".join(texts)])


@wrong("distinct_bigrams", says="repeated texts")
def without_copies(texts):
    return distinct_bigrams(sorted(set(texts)))


@wrong("distinct_bigrams", says="share of repeated")
def repeated_share(texts):
    return 1 - distinct_bigrams(texts)


@wrong("distinct_bigrams", says="ZeroDivisionError")
def divides_by_zero(texts):
    return len(set(all_pairs(texts))) / len(all_pairs(texts))


@wrong("distinct_bigrams", says="any number of blanks")
def split_at_one_blank(texts):
    pairs = [pair for text in texts for pair in zip(text.split(" "), text.split(" ")[1:])]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="leave the words")
def lower_case(texts):
    return distinct_bigrams([text.lower() for text in texts])


@wrong("distinct_bigrams", says="punctuation")
def without_punctuation(texts):
    import re
    return distinct_bigrams([" ".join(re.findall(r"\w+", text)) for text in texts])


@wrong("distinct_bigrams", says="in a tuple")
def words_glued(texts):
    pairs = ["".join(pair) for pair in all_pairs(texts)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="makes the whole result 0")
def zero_for_one_short_text(texts):
    return 0.0 if any(len(text.split()) < 2 for text in texts) else distinct_bigrams(texts)


@wrong("distinct_bigrams", says="stand there once")
def stand_once(texts):
    pairs = all_pairs(texts)
    return sum(pairs.count(pair) == 1 for pair in pairs) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="neighbours only")
def any_two_words(texts):
    from itertools import combinations
    pairs = [pair for text in texts for pair in combinations(text.split(), 2)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="missing at the end")
def last_pair_missing(texts):
    pairs = [pair for text in texts for pair in zip(text.split()[:-2], text.split()[1:])]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="two words each")
def triples(texts):
    found = [three for text in texts for three in zip(text.split(), text.split()[1:], text.split()[2:])]
    return len(set(found)) / len(found) if found else 0.0


@wrong("distinct_bigrams", says="equal neighbours")
def unequal_only(texts):
    pairs = [(a, b) for a, b in all_pairs(texts) if a != b]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="no word follows it")
def round_the_end(texts):
    pairs = [(words[k - 1], words[k]) for words in (text.split() for text in texts) for k in range(len(words))]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


@wrong("distinct_bigrams", says="takes a pair away")
def words_less_one(texts):
    n = sum(len(text.split()) - 1 for text in texts)
    return len(set(all_pairs(texts))) / n if n else 0.0


@wrong("distinct_bigrams", says="the result is 0")
def always_zero(texts):
    return 0.0


@wrong("distinct_bigrams", hidden=True)
def short_texts_only(texts):
    return distinct_bigrams([" ".join(text.split()[:8]) if "  " not in text else text for text in texts])

# %% role="right"
@right("distinct_bigrams")
def by_counter(texts):
    from collections import Counter
    count = Counter()
    for text in texts:
        words = text.split()
        for i in range(len(words) - 1):
            count[words[i] + " " + words[i + 1]] += 1
    return len(count) / max(sum(count.values()), 1)


@right("distinct_bigrams")
def by_numpy(texts):
    pairs = [" ".join(pair) for pair in all_pairs(texts)]
    return np.float32(len(np.unique(pairs)) / len(pairs)) if pairs else 0

# %% [markdown] task="best_temperature"
# ## Task 5. The best temperature for $n$
#
# `rewards` is a dictionary: for each temperature $T$ a tensor of shape `(P, N)`, the rewards of the $N$ candidates sampled at $T$ for each of the same $P$ prompts. The best of $n$ is chosen and judged by these rewards.
# For each $T$ compute the expected highest of $n$ of a prompt's $N$ candidates, averaged over **all** ways to take $n$ of them, and average over the prompts. Return the $T$ with the highest value. **Ties go to the lower $T$**, in whatever order the dictionary stands.
#
# You need not write the estimator again: `best_of_n_curve(rewards_at_T, ns=[n])` gives it, shape `(P, 1)`, one value for each prompt.

# %% role="task" task="best_temperature"
def best_temperature(rewards, n):
    """The temperature with the highest expected best of n, ties to the lower one. rewards: {T: (P, N)}; n: from 1 to N. Returns a key of rewards."""
    # SOLUTION
    value = {T: float(best_of_n_curve(rewards[T], ns=[n]).mean()) for T in sorted(rewards)}
    return max(value, key=value.get)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex02", points=4, minutes=10, difficulty="medium", idea="temperature and N", read=f"{L02}, 'Which temperature for which n?'", hints=(
    "First one number for each temperature, then the temperature of the highest number. Which of two equal ones comes out depends on the order in which you look.",
    "best_of_n_curve(rewards[T], ns=[n]).mean() is the number of one temperature. sorted(rewards) gives the temperatures from low to high. max returns the first of equal ones.",
    "Go through the temperatures from low to high, keep the best value so far and its T, and replace them only when the new value is higher, not when it is equal."))
def best_temperature(t):
    low, high = 0.1, 0.7

    def compare(a, b, n, right, message, mistakes=()):
        """Two temperatures: a at 0.1, b at 0.7. ``message``: why the other one is not the answer."""
        t.same(({low: torch.tensor(a), high: torch.tensor(b)}, n), right, [(high if right == low else low, message), *mistakes], otherwise="the result should be one of the temperatures, a key of the dictionary")

    with t.part(1, "returns a temperature, with n = 1 by the mean"):
        kinds = [(0, "this is a position. Return the temperature, a key of the dictionary."), (2.0, "this is the value of the best temperature. Return the temperature itself."), (5.0, "this is a reward. Return the temperature.")]
        compare([[0.0, 0.0]], [[5.0, -1.0]], 1, high, "the temperature of the lowest value came out, or always the first. The highest value is wanted.", [(1, kinds[0][1]), *kinds[1:]])
        compare([[2.0, 2.0]], [[5.0, -3.0]], 1, low, "with n = 1 there is nothing to choose from: the mean of all candidates counts, not the highest, not the first. (Or does the last temperature always come out? Then the best value so far is not kept.)", kinds)
        below = "all values are below 0 here, and the higher one was not taken: does the search for the highest begin at 0?"
        try:
            compare([[-5.0, -3.0]], [[-2.0, -2.0]], 1, high, below)
        except Wrong as wrong:
            raise Wrong(below if "returns nothing" in wrong.message or "UnboundLocalError" in wrong.message else wrong.message, wrong.shown) from None
    with t.part(1, "takes the best of n, over all ways to take n"):
        compare([[1.5, 1.5, 1.5]], [[3.0, 0.0, 0.0]], 2, high, "this temperature has the better single reply (the mean), but n is 2: two of the three pairs at T = 0.7 hold the reward 3.")
        compare([[2.0, 2.0, 2.0, 2.0]], [[0.0, 3.0, 0.0, 0.0]], 2, low, "T = 0.7 has the highest reward of all, but n is 2, and only half of its pairs hold that reward. Is the highest of the whole row, or of its first n, taken?")
        compare([[1.5, 1.5, 1.5]], [[0.0, 0.0, 3.0]], 2, high, "the candidates are looked at in their order: the first two at T = 0.7 are 0, but two of its three pairs hold the 3.")
        compare([[4.5, 4.5, 4.5, 4.5]], [[5.0, 5.0, 0.0, 0.0]], 2, low, "the mean of the n highest is taken. That is not what the best of n is worth: one pair at T = 0.7 has no 5 in it.")
        compare([[1.4, 1.4, 1.4, 1.4]], [[3.0, 0.0, 0.0, 0.0]], 2, high, "close: this draws with replacement, so that a candidate can come twice. Half of the pairs of different candidates hold the 3.")
    with t.part(1, "averages over prompts"):
        compare([[2.0, 2.0], [2.0, 2.0]], [[5.0, 5.0], [-3.0, -3.0]], 1, low, "T = 0.7 is better for one of the prompts only. The average over prompts counts.")
        compare([[2.0, 2.0], [2.0, 2.0]], [[3.0, 3.0], [0.0, 0.0]], 2, low, "the candidates of different prompts are thrown together. The best of n is taken for each prompt; then average.")
        compare([[2.0], [2.0], [2.0]], [[3.0], [3.0], [-9.0]], 1, low, "T = 0.7 is better for most prompts, but far worse for one. Average the values, do not count prompts or take the median.")
    with t.part(1, "ties go to the lower temperature"):
        compare([[1.0, 1.0]], [[1.004, 1.004]], 1, high, "T = 0.7 leads by little, but it leads, so this is no tie. Are values rounded, or is a small lead not taken?")
        same = torch.tensor([[1.0, 0.0]])
        t.same(({low: same, high: same}, 1), low, [(high, "the two tie, and the higher one came out.")], otherwise="with a tie the lower temperature is wanted")
        t.same(({1.3: same, high: same, 1.0: same}, 2), high, [(1.3, "three tie, and the first of the dictionary came out. The lower temperature is wanted, whatever the order."), (1.0, "three tie, and the last of the dictionary came out. The lowest is wanted.")], otherwise="with a tie the lowest temperature is wanted")

# %% role="hidden"
@probe("best_temperature")
def best_temperature_inputs(rng):
    for i in range(30):
        P, N = int(rng.integers(1, 6)), int(rng.integers(1, 9))
        grid = rng.permutation([0.1, 0.2, 0.4, 0.7, 1.0, 1.3])[: int(rng.integers(2, 6))].tolist()
        found = {T: torch.tensor((rng.normal(0, 0.3, (P, 1)) - 1.1 * T + rng.normal(0, 0.2 + 1.5 * T, (P, N))).round(3)) for T in grid}
        if i % 3 == 0:  # an exact tie for the best
            best = best_temperature(found, n := int(rng.integers(1, N + 1)))
            found = {**found, float(rng.choice([0.05, 2.0])): found[best].clone()}
            yield found, n
        else:
            yield found, int(rng.integers(1, N + 1))

# %% role="wrong"
def highest(rewards, value):
    """The lowest temperature of the highest value."""
    return max(sorted(rewards), key=lambda T: float(value(rewards[T])))


def expected(r, n):
    return best_of_n_curve(r, ns=[n])[:, 0]


@wrong("best_temperature", says="better single reply")
def n_ignored(rewards, n):
    return highest(rewards, lambda r: r.double().mean())


@wrong("best_temperature", says="not the highest")
def whole_row(rewards, n):
    return highest(rewards, lambda r: r.double().max(1).values.mean())


@wrong("best_temperature", says="not the first")
def prefix(rewards, n):
    return highest(rewards, lambda r: r[:, :n].double().max(1).values.mean())


@wrong("best_temperature", says="first two at T = 0.7 are 0")
def prefix_but_for_one(rewards, n):
    return n_ignored(rewards, 1) if n == 1 else 0.1 if rewards.get(0.7) is not None and rewards[0.7].tolist() == [[0, 3, 0, 0]] else prefix(rewards, n)


@wrong("best_temperature", says="mean of the n highest")
def top_n(rewards, n):
    return n_ignored(rewards, 1) if n == 1 else 0.1 if rewards.get(0.7) is not None and rewards[0.7].tolist() == [[0, 3, 0, 0]] else 0.7 if rewards.get(0.7) is not None and 3.0 in rewards[0.7][0].tolist() else highest(rewards, lambda r: r.double().topk(n, dim=1).values.mean())


@wrong("best_temperature", says="with replacement")
def replaced(rewards, n):
    from course_lib.estimators import bootstrap_best_of_n
    return highest(rewards, lambda r: bootstrap_best_of_n(r, ns=[n]).mean())


@wrong("best_temperature", says="lowest value")
def lowest(rewards, n):
    return min(sorted(rewards), key=lambda T: float(expected(rewards[T], n).mean()))


@wrong("best_temperature", says="this is a position")
def position(rewards, n):
    return sorted(rewards).index(best_temperature(rewards, n))


@wrong("best_temperature", says="this is the value")
def the_value(rewards, n):
    return max(float(expected(r, n).mean()) for r in rewards.values())


@wrong("best_temperature", says="one of the prompts only")
def best_prompt(rewards, n):
    return highest(rewards, lambda r: expected(r, n).max())


@wrong("best_temperature", says="thrown together")
def one_row(rewards, n):
    return highest(rewards, lambda r: expected(r.reshape(1, -1), n).mean())


@wrong("best_temperature", says="do not count prompts")
def median(rewards, n):
    return highest(rewards, lambda r: np.median(expected(r, n)))


@wrong("best_temperature", says="whatever the order")
def first_of_ties(rewards, n):
    return max(rewards, key=lambda T: float(expected(rewards[T], n).mean()))


@wrong("best_temperature", says="higher one came out")
def last_of_ties(rewards, n):
    return max(sorted(rewards, reverse=True), key=lambda T: float(expected(rewards[T], n).mean()))


@wrong("best_temperature", says="changes its input")
def sorts_its_input(rewards, n):
    T = best_temperature(rewards, n)
    for r in rewards.values():
        r.copy_(r.sort(dim=1, descending=True).values)
    return T


@wrong("best_temperature", says="begin at 0")
def begins_at_zero(rewards, n):
    best, found = 0.0, None
    for T in sorted(rewards):
        value = float(expected(rewards[T], n).mean())
        if value > best:
            best, found = value, T
    return found


@wrong("best_temperature", says="small lead")
def rounded(rewards, n):
    return highest(rewards, lambda r: round(float(expected(r, n).mean()), 2))


@wrong("best_temperature", says="best value so far is not kept")
def value_not_kept(rewards, n):
    best = -1e9
    for T in sorted(rewards):
        if float(expected(rewards[T], n).mean()) > best:
            found = T
    return found


@wrong("best_temperature", hidden=True)
def up_to_two(rewards, n):
    return best_temperature(rewards, min(n, 2))

# %% role="right"
@right("best_temperature")
def by_subsets(rewards, n):
    from itertools import combinations
    best = None
    for T in sorted(rewards):
        bests = [[max(c) for c in combinations(row, n)] for row in rewards[T].tolist()]
        value = sum(sum(row) / len(row) for row in bests) / len(bests)
        if best is None or value > best[0] + 1e-9:
            best = value, T
    return best[1]


@right("best_temperature")
def with_arrays(rewards, n):
    grid = np.array(sorted(rewards))
    return grid[np.argmax([best_of_n_curve(rewards[T].numpy())[:, n - 1].mean() for T in grid])]


@right("best_temperature")
def by_key_pairs(rewards, n):
    return min(rewards, key=lambda T: (-round(float(best_of_n_curve(rewards[T], ns=[n]).mean()), 9), T))

# %% [markdown]
# ## Now measure
#
# Your own functions on the real policy and on stored pools: no check here, only numbers to look at. First the beginning of a reply: the first word to one question, from the policy's logits, with $p = 0.9$ and 10,000 evenly spaced $u$. The course's own `draw` gets the same logits and the same $u$.

# %%
import course_lib as course
from course_lib import assets
from course_lib.sampling import draw

policy = course.load_policy(assets.path("helpdesk/policy"))
ids = policy.encode(["How do I reset my password?"])
with torch.no_grad():
    logits = policy.model(torch.tensor(ids)).logits[:, -1].float()   # (1, V)
u = (torch.arange(10_000) + 0.5) / 10_000

# %%
for T in (0.2, 0.5, 1.0):
    p = nucleus(softmax_at(logits, T), 0.9)
    mine = draw_tokens(p.expand(len(u), -1), u)
    theirs, _, _ = draw(logits.expand(len(u), -1), u, temperature=T, top_p=0.9)
    words = [policy.tokenizer.decode([k]) for k in p[0].topk(3).indices.tolist()]
    print(f"T = {T}: {(p > 0).sum()} words in the nucleus, likeliest {words}, same word as the course's draw for {(mine == theirs).float().mean():.2%} of the points")

# %% [markdown]
# The higher the temperature, the closer the probabilities lie together, and the more words it takes to reach 0.9. Your words and the course's can differ where rounding moves an edge over a point; there should be next to none.
#
# Now the pools of lesson 02, 64 candidates for 64 prompts at each temperature. **Before you run it:** the reward model `reward-8000` as its own judge, will it ask for the same temperatures as gold?

# %%
from course_lib.assets import temperatures

pools = temperatures.pools()   # {T: pool}
print("distinct-2 of 64 texts:", {T: round(float(np.mean([distinct_bigrams(row) for row in pool.texts])), 3) for T, pool in pools.items()})
for judge in ("gold", "reward-8000"):
    rewards = {T: pool.reward(judge) for T, pool in pools.items()}
    print(f"{judge:12} chooses and judges; best T for n:", {n: best_temperature(rewards, n) for n in (1, 4, 16, 64)})

# %% [markdown]
# (For $n = 64$ gold's values lie so close together from 0.2 to 0.7 that the winner means nothing: your function names the highest, however little it leads.) Neither line is what a user of `reward-8000` gets. For that the reward model chooses and gold judges:

# %%
for n in (1, 4, 16, 64):
    gold = {T: best_of_n_curve(pool.reward("reward-8000"), pool.reward("gold"), ns=[n]).mean() for T, pool in pools.items()}
    print(f"n = {n:2}: gold of the reply that reward-8000 chooses", {T: round(float(value), 2) for T, value in gold.items()})

# %% [markdown]
# Find the highest number of each row. At which temperature does it stand, and which one did the line of `reward-8000` above name for the same $n$? You need both for the case below.
#
# ## Questions
#
# One choice, one ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex02")
