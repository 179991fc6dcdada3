# %% [markdown]
# # Exercise 03: a reward model by hand
#
# **You will:** write the Bradley–Terry probability and its loss, drop the comparisons that teach nothing, train a small reward model with your own gradient descent, and measure whether its probabilities come true. Then you find out what hurried annotators have taught it.
#
# **Builds on:** lesson 03.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.preference_probability.hint(1)`, then `hint(2)`, then `hint(3)`; the same for the other tasks.

# %%
import numpy as np
import torch

from course_lib.checks import ex03 as check

# %% [markdown] task="preference_probability"
# ## Task 1. From two scores to a probability
#
# `r_a` and `r_b` are tensors of one shape: the scores of replies A and B, pair by pair. Return, for each pair, the probability that A is preferred to B:
#
# $$\Pr(A \succ B) = \sigma(r_A - r_B), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# The result is a tensor of the shape of `r_a`. It must be right for scores of 1000 and −1000 too.

# %% role="task" task="preference_probability"
def preference_probability(r_a, r_b):
    """Probability that A is preferred to B under Bradley-Terry, pair by pair. r_a, r_b: tensors of one shape, as is the result."""
    # SOLUTION
    return torch.sigmoid(r_a - r_b)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
import itertools
import math

import torch

from course_lib.checks.core import Wrong, task

L03 = "lesson 03"


def sigma(z):
    return 1 / (1 + math.exp(-z))


def scores(*columns):
    return tuple(torch.tensor(column, dtype=torch.float64) for column in columns)


NOT_A_NUMBER = "this is not a number: e to the power of a large score is infinite in the computer, and infinity over infinity has no value. Take the difference of the scores first, and let a ready-made function do the rest."


@task("ex03", points=3, minutes=5, difficulty="easy", idea="Bradley–Terry: only differences within a prompt count", read=f"{L03}, 'Preferences instead of scores'", hints=(
    "The scores matter only through one number for each pair. Which one?",
    "Tensors of one shape are subtracted element by element. torch has σ under the name sigmoid; it does not overflow.",
    "One line: sigmoid of the scores of A less the scores of B. No loop and no exp is needed."))
def preference_probability(t):
    def same(args, right, mistakes=(), otherwise="this is not the probability that A is preferred"):
        try:
            return t.same(args, right, mistakes, otherwise=otherwise)
        except Wrong as wrong:
            if "OverflowError" in wrong.message:
                raise Wrong("exp of a number this large overflows. There is a ready-made function for σ that does not do this.", wrong.shown) from None
            if "ambiguous" in wrong.message or "only one element tensors" in wrong.message or "a Tensor with" in wrong.message:
                here = "with more than one pair" if args[0].dim() < 2 else "with a table of scores, rows and columns,"
                raise Wrong(f"{here} your function stops: what it treats as single numbers are tensors here. Use functions of tensors, which work on every entry.", wrong.shown) from None
            raise
    with t.part(1, "gives the probability that A is preferred"):
        same(scores([2.0], [2.0]), [0.5], [
            ([0.0], "equal scores should be a coin flip. Is this the difference, or a yes or no?"), ([1.0], "equal scores should be a coin flip, not certainty. Is this a yes or no, the odds, or a softmax over the pairs in the place of the two replies?"), ([[0.5, 0.5]], "these are the probabilities of both replies. Return only that of A."), (0.5, "return a tensor with the shape of the scores, here one entry, not a single number."),
            ([sigma(2)], "only one of the two scores is used. Take their difference."), ([sigma(1)], "the scores are divided. Take their difference."), ([sigma(4)], "the scores are added. Take their difference."), ([-math.log(2)], "this is a logarithm. Return the probability itself."),
            ([math.log(2)], "this is the loss. Return the probability itself.")], otherwise="two equal scores should give a coin flip")
        same(scores([2.0], [0.5]), [sigma(1.5)], [
            ([sigma(-1.5)], "this is the probability that B is preferred. A's score comes first in the difference."), ([1.5], "this is the difference of the scores. It still has to go through σ."),
            ([1.0], "this is a yes or no. Return how likely it is."), ([0.8], "this divides A's score by the sum of both. That is no probability when scores are negative: put the difference through σ."),
            ([0.5], "A has the higher score, and you still say 50 %."), ([math.tanh(1.5)], "this is tanh. σ has values from 0 to 1."), ([sigma(2)], "only A's score is used. What about B's?"),
            ([sigma(2) - sigma(0.5)], "this is σ of each, then the difference. Take the difference first, then σ."), ([math.exp(1.5)], "this is the odds, how many times likelier A is. Return a probability.")])
        same(scores([-3.0], [-1.0]), [sigma(-2)], [([sigma(2)], "A's score is the lower one, and you say that A is likelier. Is a size taken without its sign?")], otherwise="with negative scores the result is not right")
    with t.part(1, "pair by pair, in any shape"):
        same(scores([0.0, 2.0], [1.0, 1.0]), [sigma(-1), sigma(1)], [
            (0.5, "this is the mean over pairs. Return one probability for each pair."), ([[sigma(-1), sigma(-1)], [sigma(1), sigma(1)]], "every A meets every B. Pair them element by element."),
            (sigma(0), "this is one number. Return one probability for each pair."), ([sigma(1), sigma(-1)], "this is the probability that B is preferred. A's score comes first in the difference.")], otherwise="with two pairs the result is not right")
        same(scores([[0.0, 2.0], [1.0, -1.0]], [[1.0, 1.0], [1.0, -4.0]]), [[sigma(-1), sigma(1)], [0.5, sigma(3)]], otherwise="with scores of shape (2, 2) the result is not right")
    with t.part(1, "holds for large scores"):
        same(scores([1000.0], [0.0]), [1.0], [([math.nan], NOT_A_NUMBER)], otherwise="A is 1000 points better. Is the difference or the result cut off somewhere? (What is printed is rounded.)")
        same(scores([-1000.0], [1000.0]), [0.0], [([math.nan], NOT_A_NUMBER)], otherwise="A is 2000 points worse. Is the difference or the result cut off somewhere? (What is printed is rounded.)")
        same(scores([1001.0], [1000.0]), [sigma(1)], [([math.nan], NOT_A_NUMBER), ([1.0], "only the difference counts, and it is 1 here. Are the scores put through something before they are subtracted?"),
                                                      ([0.5], "only the difference counts, and it is 1 here. Are the scores cut off, or put through something, before they are subtracted?")], otherwise="only the difference counts, and it is 1 here")

# %% role="hidden"
@probe("preference_probability")
def preference_probability_inputs(rng):
    for k in range(20):
        shape = (int(rng.integers(1, 9)),) if k % 3 else (int(rng.integers(1, 4)), int(rng.integers(1, 5)))
        a, b = (torch.tensor(rng.integers(-24, 25, shape) / 4.0, dtype=torch.float64) for _ in range(2))
        yield (a, b) if k % 4 else (100 * a, 100 * b)

# %% role="wrong"
@wrong("preference_probability", says="B is preferred")
def b_first(r_a, r_b):
    return torch.sigmoid(r_b - r_a)


@wrong("preference_probability", says="yes or no")
def hard(r_a, r_b):
    return (r_a > r_b).double()


@wrong("preference_probability", says="still has to go through")
def difference_only(r_a, r_b):
    return torch.where(r_a == r_b, 0.5, r_a - r_b)


@wrong("preference_probability", says="sum of both")
def share_of_sum(r_a, r_b):
    return r_a / (r_a + r_b)


@wrong("preference_probability", says="not a number")
def two_exponentials(r_a, r_b):
    return r_a.exp() / (r_a.exp() + r_b.exp())


@wrong("preference_probability", says="not a number")
def exp_above_and_below(r_a, r_b):
    z = (r_a - r_b).exp()
    return z / (1 + z)


@wrong("preference_probability", says="overflows")
def math_exp(r_a, r_b):
    import math
    return torch.tensor([1 / (1 + math.exp(b - a)) for a, b in zip(r_a.flatten().tolist(), r_b.flatten().tolist())]).reshape(r_a.shape)


@wrong("preference_probability", says="single numbers")
def one_pair(r_a, r_b):
    return torch.sigmoid(r_a - r_b) if r_a > r_b else 1 - torch.sigmoid(r_b - r_a)


@wrong("preference_probability", says="rows and columns")
def row_by_row(r_a, r_b):
    return torch.tensor([torch.sigmoid(a - b).item() for a, b in zip(r_a, r_b)])


@wrong("preference_probability", says="only one of the two")
def only_a(r_a, r_b):
    return torch.sigmoid(r_a)


@wrong("preference_probability", says="divided")
def ratio(r_a, r_b):
    return torch.sigmoid(r_a / r_b)


@wrong("preference_probability", says="softmax over the pairs")
def softmax_over_pairs(r_a, r_b):
    return torch.softmax(r_a - r_b, dim=0)


@wrong("preference_probability", says="take the difference first")
def each_alone(r_a, r_b):
    return torch.sigmoid(r_a) - torch.sigmoid(r_b) + 0.5 * (r_a == r_b)


@wrong("preference_probability", says="without its sign")
def size_only(r_a, r_b):
    return torch.sigmoid((r_a - r_b).abs())


@wrong("preference_probability", says="every A meets every B")
def all_against_all(r_a, r_b):
    return torch.sigmoid(r_a[:, None] - r_b[None, :]) if r_a.dim() == 1 and len(r_a) > 1 else torch.sigmoid(r_a - r_b)


@wrong("preference_probability", says="mean over pairs")
def averaged(r_a, r_b):
    return torch.sigmoid(r_a - r_b).mean() if r_a.numel() > 1 else torch.sigmoid(r_a - r_b)


@wrong("preference_probability", says="50 %")
def coin(r_a, r_b):
    return torch.full_like(r_a, 0.5)


@wrong("preference_probability", says="cut off")
def clamped(r_a, r_b):
    return torch.sigmoid(r_a - r_b).clamp(1e-3, 1 - 1e-3)


@wrong("preference_probability", says="what is printed is rounded")
def margin_clamped(r_a, r_b):
    return torch.sigmoid((r_a - r_b).clamp(-10, 10))


@wrong("preference_probability", says="scores cut off")
def scores_clamped(r_a, r_b):
    return torch.sigmoid(r_a.clamp(-500, 500) - r_b.clamp(-500, 500))


@wrong("preference_probability", says="changes its input")
def in_place(r_a, r_b):
    r_a -= r_b
    return torch.sigmoid(r_a)


@wrong("preference_probability", hidden=True)
def four_pairs_only(r_a, r_b):
    p = torch.sigmoid(r_a - r_b)
    return p if p.numel() <= 4 else torch.cat([p.flatten()[:4], torch.full((p.numel() - 4,), 0.5)]).reshape(p.shape)

# %% role="right"
@right("preference_probability")
def by_tanh(r_a, r_b):
    return 0.5 * (1 + np.tanh((np.asarray(r_a, dtype=np.float32) - np.asarray(r_b, dtype=np.float32)) / 2))


@right("preference_probability")
def by_formula(r_a, r_b):
    return 1 / (1 + torch.exp(-(r_a - r_b)))


@right("preference_probability")
def by_softmax(r_a, r_b):
    return torch.stack([r_a, r_b]).softmax(dim=0)[0].tolist()

# %% [markdown] task="bradley_terry"
# ## Task 2. The loss
#
# `chosen` and `rejected` are tensors of shape `(K,)`: the scores of the two replies of $K$ comparisons. Return the mean loss in nats, one number,
#
# $$\frac{1}{K} \sum_{k=1}^{K} -\log \sigma\big(r_{\text{chosen},k} - r_{\text{rejected},k}\big)$$
#
# as a tensor through which gradients flow to both. It must stay right when a score is 1000 or −1000. (The course has `course_lib.reward.bradley_terry_loss`. Write yours without it.)

# %% role="task" task="bradley_terry"
def bradley_terry(chosen, rejected):
    """Mean of -log sigma(chosen - rejected) over K comparisons, in nats; a tensor with one number. chosen, rejected: (K,)."""
    # SOLUTION
    return torch.nn.functional.softplus(rejected - chosen).mean()
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def minus_log_sigma(z):
    return max(-z, 0.0) + math.log1p(math.exp(-abs(z)))


@task("ex03", points=4, minutes=10, difficulty="medium", idea="Bradley–Terry: only differences within a prompt count", read=f"{L03}, 'Bradley–Terry: from comparisons to scores'", hints=(
    "First the margin of each comparison, then its loss, then the mean of the losses. The order matters.",
    "torch.nn.functional.logsigmoid gives log σ in one go and stays finite; log of a sigmoid does not. (-log σ(z) is also softplus(-z).) Do everything with tensors, so that the gradient survives.",
    "Three steps: chosen less rejected; logsigmoid of that; minus the mean. Nothing is converted to a Python number."))
def bradley_terry(t):
    L = minus_log_sigma

    def large(args, right, mistakes, otherwise):
        try:
            t.same(args, right, mistakes, otherwise=otherwise)
        except Wrong as wrong:
            if "OverflowError" in wrong.message or "math domain" in wrong.message or "expected a positive input" in wrong.message:
                raise Wrong("exp of a large number overflows, and the logarithm of 0 has no value. There is a function of tensors for log σ that does not do this.", wrong.shown) from None
            raise
    with t.part(1, "is minus the logarithm of the probability of what was chosen"):
        t.same(scores([1.0], [1.0]), L(0), [
            (0.5, "this is the probability, without its logarithm."), (-0.5, "this is the probability, without its logarithm."), (-L(0), "the sign is missing: it is minus the logarithm."), (0.0, "this is the margin. It still has to go through -log σ."),
            (1.0, "this is the loss in bits. In nats the logarithm is the natural one, torch.log."), (0.30103, "this is a logarithm to base 10. In nats it is the natural one."), ([L(0)], "this is one loss for each comparison, or a mean that kept its dimension. Return one number."),
            (L(1), "only the chosen score is used. Take the difference of the two."), (L(2), "the two scores are added. Take their difference."), (math.inf, "the loss of one comparison is infinite. Is the sum divided by K - 1? Divide by K.")], otherwise="with equal scores the loss is another number: it is -log σ of 0")
        t.same(scores([2.0], [0.5]), L(1.5), [
            (L(-1.5), "the model is right here, and the loss is high: chosen and rejected are the wrong way round."), (-L(1.5), "the sign is missing: it is minus the logarithm."), (-L(-1.5), "this gets lower without end as the model gets worse. Is it log(1 - σ)? It should be -log σ."),
            (L(2), "only the chosen score is used."), (L(2.5), "the two scores are added. Take their difference."), (-1.5, "this is minus the margin. It still has to go through -log σ."), (L(2) - L(0.5), "this is the loss of each score, then the difference. Take the difference of the scores first."),
            (sigma(1.5), "this is the probability, without its logarithm."), (1 - sigma(1.5), "this is 1 - σ, the size of the push. The loss is -log σ."), (0.0, "the loss is 0 as soon as the model is right. Bradley–Terry goes on asking for more, ever less.")], otherwise="with a margin of 1.5 the loss is another number")
        t.same(scores([-1.0], [1.0]), L(-2), [(L(2), "the model is wrong here, and the loss is low. Is a size taken without its sign?"), (L(0), "-1 and 1 are two scores. Is a size taken without its sign?")], otherwise="with a margin of -2 the loss is another number")
    with t.part(1, "is the mean over comparisons"):
        t.same(scores([2.0, 0.0], [0.0, 1.0]), (L(2) + L(-1)) / 2, [
            (L(2) + L(-1), "this is the sum. Take the mean, so that the step does not grow with the batch."), ([L(2), L(-1)], "this is one loss for each comparison. Take their mean, one number."),
            (L(0.5), "this is the loss of the mean margin. Take the loss of each comparison, then their mean."), (L(2), "only the first comparison counts."), (L(-1), "only the last comparison counts."), (L(-1) / 2, "the loss of the last comparison is divided by 2. Does your loop add up, total = total + ...?"),
            (-math.log((sigma(2) + sigma(-1)) / 2), "this is the logarithm of the mean probability. Take the logarithm of each, then the mean."),
            ((L(2) + L(1) + L(0) + L(-1)) / 4, "every chosen meets every rejected. Compare pair by pair.")], otherwise="with two comparisons, one right and one wrong, the loss is another number")
        t.same(scores([2.0, 0.0, 1.0], [0.0, 1.0, 1.0]), (L(2) + L(-1) + L(0)) / 3, [((L(2) + L(-1) + L(0)) / 2, "the sum is divided by 2, and there are three comparisons.")], otherwise="with three comparisons the loss is another number")
    with t.part(1, "stays right for scores of 1000 and -1000"):
        large(scores([-1000.0], [0.0]), 1000.0, [
            (math.inf, "the loss is infinite: σ of a very negative number is 0 in the computer, or exp of a large one overflows. There is a function for log σ that does not do this."),
            (math.nan, "the loss is not a number: exp of a large number is infinite in the computer. There is a function for log σ that does not do this.")], otherwise="with a margin far below 0 the loss is another number. Is the margin or the probability cut off somewhere?")
        large(scores([1000.0, 1001.0], [-1000.0, 1000.0]), L(1) / 2, [
            (math.nan, "the loss is not a number for large positive margins: something overflows. There is a function for log σ that does not do this."), (math.inf, "the loss is infinite, and both comparisons are right: something overflows.")], otherwise="with large scores the loss is another number. Only the difference counts")
    with t.part(1, "the gradient reaches chosen and rejected"):
        args, pushes = scores([2.0, 0.0], [0.0, 1.0]), torch.tensor([1 - sigma(2), 1 - sigma(-1)], dtype=torch.float64)
        up, down = t.gradients(args, range(len(args)))
        shown = f"{t._call(args)} has the gradient {[round(x, 4) for x in up.tolist()]} for chosen and {[round(x, 4) for x in down.tolist()]} for rejected"
        t.holds(up.abs().sum() > 0, "no gradient reaches chosen. Is it detached on the way?", shown)
        t.holds(down.abs().sum() > 0, "no gradient reaches rejected. Is it detached on the way? Each comparison pushes one score up and the other down.", shown)
        t.holds(bool((up < 0).all() and (down > 0).all()), "a step down the loss should raise chosen and lower rejected. The gradient says otherwise.", shown)
        t.holds(bool((up + pushes / 2).abs().max() < 1e-4 and (down - pushes / 2).abs().max() < 1e-4), "the gradient has the wrong size. Is it cut in one of the steps?", shown)
        args = scores([-1000.0], [1000.0])
        far = t.gradients(args, range(len(args)))
        t.holds(all(bool(g.isfinite().all() and (g.abs() - 1).abs().max() < 1e-4) for g in far), "the loss is right but its gradient is not when the model is very wrong: the push should be largest there. Is something cut off, or does it overflow?",
                f"{t._call(args)} has the gradient {far[0].item():.4g} for chosen and {far[1].item():.4g} for rejected")

# %% role="hidden"
@probe("bradley_terry")
def bradley_terry_inputs(rng):
    for k in range(20):
        K = int(rng.integers(1, 12))
        a, b = (torch.tensor(rng.integers(-16, 17, K) / 4.0, dtype=torch.float64) for _ in range(2))
        yield (a, b) if k % 4 else (250 * a, 250 * b)

# %% role="wrong"
@wrong("bradley_terry", says="sign is missing")
def no_minus(chosen, rejected):
    return torch.nn.functional.logsigmoid(chosen - rejected).mean()


@wrong("bradley_terry", says="wrong way round")
def swapped(chosen, rejected):
    return -torch.nn.functional.logsigmoid(rejected - chosen).mean()


@wrong("bradley_terry", says="without its logarithm")
def no_logarithm(chosen, rejected):
    return torch.sigmoid(chosen - rejected).mean()


@wrong("bradley_terry", says="in bits")
def bits(chosen, rejected):
    return torch.nn.functional.softplus(rejected - chosen).mean() / np.log(2)


@wrong("bradley_terry", says="this is the sum")
def summed(chosen, rejected):
    return torch.nn.functional.softplus(rejected - chosen).sum()


@wrong("bradley_terry", says="one loss for each")
def not_averaged(chosen, rejected):
    return torch.nn.functional.softplus(rejected - chosen)


@wrong("bradley_terry", says="kept its dimension")
def keeps_dimension(chosen, rejected):
    return torch.nn.functional.softplus(rejected - chosen).mean(0, keepdim=True)


@wrong("bradley_terry", says="only the chosen")
def chosen_alone(chosen, rejected):
    return torch.nn.functional.softplus(-chosen).mean()


@wrong("bradley_terry", says="divide by K")
def one_comparison_less(chosen, rejected):
    return torch.nn.functional.softplus(rejected - chosen).sum() / (len(chosen) - 1)


@wrong("bradley_terry", says="does your loop add up")
def last_one_alone(chosen, rejected):
    for c, r in zip(chosen, rejected):
        total = torch.nn.functional.softplus(r - c)
    return total / len(chosen)


@wrong("bradley_terry", says="logarithm of the mean")
def log_of_the_mean(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected).mean())


@wrong("bradley_terry", says="without its sign")
def sizes_of_scores(chosen, rejected):
    return torch.nn.functional.softplus(rejected.abs() - chosen.abs()).mean()


@wrong("bradley_terry", says="mean margin")
def loss_of_the_mean(chosen, rejected):
    return torch.nn.functional.softplus((rejected - chosen).mean())


@wrong("bradley_terry", says="every chosen meets")
def all_against_all_scores(chosen, rejected):
    return torch.nn.functional.softplus(rejected[None] - chosen[:, None]).mean()


@wrong("bradley_terry", says="is infinite")
def log_of_sigmoid(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected)).mean()


@wrong("bradley_terry", says="is infinite")
def log_of_one_plus_exp(chosen, rejected):
    return torch.log(1 + torch.exp(rejected - chosen)).mean()


@wrong("bradley_terry", says="is infinite")
def two_exponentials_loss(chosen, rejected):
    return -(chosen.exp() / (chosen.exp() + rejected.exp())).log().mean()


@wrong("bradley_terry", says="cut off")
def small_number_added(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected) + 1e-10).mean()


@wrong("bradley_terry", says="no gradient, so nothing")
def python_number(chosen, rejected):
    return float(torch.nn.functional.softplus(rejected - chosen).mean())


@wrong("bradley_terry", says="leaves torch")
def through_numpy(chosen, rejected):
    return torch.tensor(np.logaddexp(0, rejected.numpy() - chosen.numpy()).mean())


@wrong("bradley_terry", says="reaches rejected")
def rejected_detached(chosen, rejected):
    return torch.nn.functional.softplus(rejected.detach() - chosen).mean()


@wrong("bradley_terry", says="gradient is not when")
def margin_clamped_below(chosen, rejected):
    z = chosen - rejected
    return torch.where(z < -50, (-z).detach(), torch.nn.functional.softplus(-z.clamp(min=-50))).mean()


@wrong("bradley_terry", says="as soon as the model is right")
def hinge(chosen, rejected):
    z = chosen - rejected
    return torch.where(z > 1, 0 * z, torch.nn.functional.softplus(-z)).mean()


@wrong("bradley_terry", says="changes its input")
def subtracts_in_place(chosen, rejected):
    with torch.no_grad():
        chosen -= rejected
    return torch.nn.functional.softplus(-chosen).mean()


@wrong("bradley_terry", hidden=True)
def first_eight(chosen, rejected):
    return torch.nn.functional.softplus(rejected - chosen)[:4].mean()

# %% role="right"
@right("bradley_terry")
def by_logsigmoid(chosen, rejected):
    return -torch.nn.functional.logsigmoid(chosen - rejected).sum() / len(chosen)


@right("bradley_terry")
def in_single_precision(chosen, rejected):
    z = (rejected - chosen).float()
    return torch.logaddexp(torch.zeros_like(z), z).mean()


@right("bradley_terry")
def in_two_parts(chosen, rejected):
    """Its gradient is one-sided where two scores are equal."""
    margin = chosen - rejected
    return ((-margin).clamp(min=0) + torch.log1p(torch.exp(-margin.abs()))).mean()


@right("bradley_terry")
def pair_by_pair(chosen, rejected):
    total = 0.0
    for c, r in zip(chosen, rejected):
        total = total + torch.logsumexp(torch.stack([c, r]), 0) - c
    return total / len(chosen)

# %% [markdown] task="usable_pairs"
# ## Task 3. Comparisons that teach nothing
#
# `pairs` is a list of dictionaries. Each has the texts `"chosen"` and `"rejected"`, and may have more entries. A model reads only the **last** `max_words` words of a text (`max_words` is at least 1). Words are what `text.split()` gives, so a second blank makes no difference; a shorter text is read whole.
# Drop every pair of which the model reads the same words on both sides: two equal texts, or two that become equal by the cut. Return two things: the list of kept pairs (the dictionaries as they were, not cut, in their order), and **how many** pairs were dropped.

# %% role="task" task="usable_pairs"
def usable_pairs(pairs, max_words):
    """(kept, dropped): the pairs whose last max_words words differ, uncut and in order, and the number of the others. pairs: dicts with "chosen", "rejected"."""
    # SOLUTION
    def seen(text):
        return text.split()[-max_words:]
    kept = [p for p in pairs if seen(p["chosen"]) != seen(p["rejected"])]
    return kept, len(pairs) - len(kept)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def pair(chosen, rejected, **more):
    return {"chosen": chosen, "rejected": rejected, **more}


@task("ex03", points=4, minutes=10, difficulty="easy", idea="how a good reward model improves a base model directly, by data", read=f"{L03}, 'Ties and equal pairs'", hints=(
    "Ask of each pair: what does the model see of the two texts, and is that the same?",
    "text.split() gives a list of words, and a slice with a negative start gives the last ones. Two lists of words can be compared with !=. The pair that is kept is the whole one, not the cut one.",
    "A small function gives the last max_words words of a text. Keep a pair when this function gives two different things for its texts; the number dropped is the number of all pairs less that of the kept."))
def usable_pairs(t):
    good, equal = pair("yes", "no"), pair("yes", "yes")
    with t.part(1, "returns the kept pairs and the number dropped"):
        try:
            t.run([good], 5)
        except Wrong as wrong:
            if "IndexError" in wrong.message:
                raise Wrong("your code stopped with an IndexError: this text has fewer than max_words words. words[-n] is one word; words[-n:] with a colon is a slice, and takes what is there.", wrong.shown) from None
            raise
        t.same(([good], 5), ([good], 0), [
            (([("yes", "no")], 0), "the right pair is kept, but not as it was. Keep the dictionary itself."), (([["yes", "no"]], 0), "the right pair is kept, but not as it was. Keep the dictionary itself."),
            ([good], "these are the kept pairs alone. Return the number of dropped ones as well: return kept, dropped."), ((0, [good]), "the order is: kept pairs first, then the number."), (([good], 1), "the second thing should be how many were dropped, not how many were kept."),
            (([], 1), "the two texts differ, and the pair is dropped. Is == in the place of !=, or is nothing left of a text that is shorter than max_words?"), (([good], []), "the second thing should be a number, not a list."), (([0], 0), "these are positions in the list. Return the pairs themselves."), ((1, 0), "the first thing should be the list of kept pairs, not their number.")], otherwise="the two texts differ, so the pair is usable. Return kept pairs and a number")
        t.same(([good, pair("red", "blue")], 5), ([good, pair("red", "blue")], 0), [(([good], 0), "the second pair is lost. Is there a return inside the loop?")], otherwise="both pairs are usable")
    with t.part(1, "drops pairs of equal texts, and only those"):
        t.same(([equal], 5), ([], 1), [(([equal], 0), "chosen and rejected are equal: such a pair has no gradient and should be dropped."), (([], 0), "the pair is dropped but not counted."), (([], 2), "one pair is dropped, and it is counted twice."), (([], [equal]), "the second thing should be how many were dropped, not which ones."),
                                       ([], "return the number of dropped pairs as well, also when nothing is kept.")], otherwise="chosen and rejected are equal")
        t.same(([equal, equal, good], 5), ([good], 2), [
            (([equal, good], 1), "of two equal pairs in a row the second one is left. Do you remove entries from the list that the loop runs over?"), (([good], 1), "two pairs were dropped, and one is counted."), (([good], 0), "two pairs were dropped, and none is counted."), (([good], 2 / 3), "the second thing should be how many pairs were dropped, not their share.")], otherwise="two pairs of equal texts and a good one give another result")
        t.same(([good, good], 5), ([good, good], 0), [(([good], 1), "the two pairs are alike, but in each of them chosen and rejected differ. Compare within a pair, not between pairs.")], otherwise="two annotators gave the same answer, and both pairs are usable")
    with t.part(1, "cuts to the last max_words words before comparing"):
        late, early = pair("x b c", "y b c"), pair("a b x", "a b y")
        t.same(([pair("cat", "rat")], 1), ([pair("cat", "rat")], 0), [(([], 1), "one word is read, and the two words differ. It looks as if the last letters are compared: split the text into words before you cut.")], otherwise="one word is read, and the two words differ")
        t.same(([late], 2), ([], 1), [(([late], 0), "after cutting to the last 2 words both texts are the same. Cut before you compare, to exactly max_words words, the ones at the end."), (([pair("b c", "b c")], 0), "the texts are cut, but then not compared.")], otherwise="after cutting, both texts are the same")
        t.same(([late], 3), ([late], 0), [(([], 1), "three words are read here, and the first one differs. Is it cut one word too short?")], otherwise="three words are read, and the first one differs")
        t.same(([early], 2), ([early], 0), [(([], 1), "the last 2 words differ here. Do you keep the first ones, or leave out the last one?"), (([pair("b x", "b y")], 0), "the right pair is kept, but cut. Cut only to compare, and keep the pair as it was.")], otherwise="the last 2 words differ")
        t.same(([pair("no yes", "yes")], 3), ([pair("no yes", "yes")], 0), [(([], 1), "both texts are shorter than max_words, and read whole they differ. Is one cut to the length of the other? Or is there a start such as len(words) - max_words, which is negative here and then counts from the end?")], otherwise="texts shorter than max_words are read whole, and these differ")
        t.same(([pair("big cat", "red cat")], 2), ([pair("big cat", "red cat")], 0), [(([], 1), "two words are read, and the first ones differ. Is only the last word compared?")], otherwise="two words are read, and they differ")
        blanks = pair("red  cat", "red cat")
        t.same(([blanks], 2), ([], 1), [(([blanks], 0), "both texts have the same two words. Words are what split() gives without an argument; split(' ') makes an empty word of a second blank.")], otherwise="both texts have the same two words")
    with t.part(1, "leaves everything else as it is"):
        a, b, c, stop = pair("a b", "b a", prompt="p"), pair("Yes", "yes", prompt="q"), pair("u v w", "w", prompt="r"), pair("yes.", "yes")
        t.same(([a], 2), ([a], 0), [(([], 1), "the same words in another order are another text. Compare lists of words, not sets or sorted words."), (([pair("a b", "b a")], 0), "the entry \"prompt\" is lost. Keep the whole dictionary."), (([("a b", "b a")], 0), "the pair should stay a dictionary.")], otherwise="the same words in another order are another text")
        t.same(([b, stop], 2), ([b, stop], 0), [(([stop], 1), "Yes and yes are two texts for a model. Do not change capitals."), (([b], 1), "a full stop makes another text. Do not remove punctuation."), (([], 2), "Yes, yes. and yes are three texts for a model. Do not change capitals or punctuation.")], otherwise="capitals and full stops make a difference")
        t.same(([c, equal, b, late, a], 2), ([c, b, a], 2), [((list(order), 2), "the kept pairs are in another order.") for order in itertools.permutations([c, b, a])], otherwise="with five pairs the result is not right")
        t.same(([c, good], 1), ([good], 1), otherwise="with max_words = 1 only the last word counts")
        t.same(([], 3), ([], 0), otherwise="no pairs in, no pairs out")

# %% role="hidden"
@probe("usable_pairs")
def usable_pairs_inputs(rng):
    def text(words):
        return " ".join("abc"[i] for i in words)
    for _k in range(20):
        pairs = []
        for _ in range(int(rng.integers(1, 9)) + 3):
            first = rng.integers(0, 3, int(rng.integers(1, 7)))
            second = np.concatenate([rng.integers(0, 3, int(rng.integers(0, 3))), first[int(rng.integers(0, 2)):]]) if rng.random() < 0.7 else rng.integers(0, 3, int(rng.integers(1, 7)))
            pairs.append({"prompt": f"p{int(rng.integers(100))}", "chosen": text(first), "rejected": text(second) or "a"})
        yield pairs, int(rng.integers(1, 7))

# %% role="wrong"
def _cut(text, n):
    return text.split()[-n:]


@wrong("usable_pairs", says="Cut before you compare")
def whole_texts(pairs, max_words):
    kept = [p for p in pairs if p["chosen"] != p["rejected"]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="the ones at the end")
def first_words(pairs, max_words):
    kept = [p for p in pairs if p["chosen"].split()[:max_words] != p["rejected"].split()[:max_words]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="letters are compared")
def by_letters(pairs, max_words):
    kept = [p for p in pairs if p["chosen"][-max_words:] != p["rejected"][-max_words:]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="counts from the end")
def negative_start(pairs, max_words):
    def seen(text):
        words = text.split()
        return words[len(words) - max_words:]
    kept = [p for p in pairs if seen(p["chosen"]) != seen(p["rejected"])]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="exactly max_words")
def one_too_many(pairs, max_words):
    return usable_pairs(pairs, max_words + 1)


@wrong("usable_pairs", says="length of the other")
def both_to_the_shorter(pairs, max_words):
    def same(a, b):
        n = min(len(a), len(b), max_words)
        return a[-n:] == b[-n:]
    kept = [p for p in pairs if not same(p["chosen"].split(), p["rejected"].split())]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="empty word")
def splits_at_blanks(pairs, max_words):
    kept = [p for p in pairs if p["chosen"].split(" ")[-max_words:] != p["rejected"].split(" ")[-max_words:]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="punctuation")
def strips_full_stops(pairs, max_words):
    kept = [p for p in pairs if [w.strip(".") for w in _cut(p["chosen"], max_words)] != [w.strip(".") for w in _cut(p["rejected"], max_words)]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="in another order.")
def sorted_by_length(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return sorted(kept, key=lambda p: len(p["chosen"])), dropped


@wrong("usable_pairs", says="not their share")
def share_dropped(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return kept, dropped / max(len(pairs), 1)


@wrong("usable_pairs", says="counted twice")
def counts_twice(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return kept, dropped + sum(p["chosen"] == p["rejected"] for p in pairs)


@wrong("usable_pairs", says="positions")
def positions(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return [i for i, p in enumerate(pairs) if p in kept], dropped


@wrong("usable_pairs", says="one word too short")
def one_short(pairs, max_words):
    kept = [p for p in pairs if p["chosen"].split()[-max_words + 1:] != p["rejected"].split()[-max_words + 1:]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="not how many were kept")
def counts_kept(pairs, max_words):
    kept = usable_pairs(pairs, max_words)[0]
    return kept, len(kept)


@wrong("usable_pairs", says="kept pairs alone")
def only_kept(pairs, max_words):
    return usable_pairs(pairs, max_words)[0]


@wrong("usable_pairs", says="not which ones")
def gives_the_dropped(pairs, max_words):
    kept = usable_pairs(pairs, max_words)[0]
    return kept, [p for p in pairs if p not in kept] or 0


@wrong("usable_pairs", says="keep the pair as it was")
def keeps_cut_texts(pairs, max_words):
    cut = [{**p, "chosen": " ".join(_cut(p["chosen"], max_words)), "rejected": " ".join(_cut(p["rejected"], max_words))} for p in pairs]
    kept = [p for p in cut if p["chosen"] != p["rejected"]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="loop runs over")
def removes_while_looping(pairs, max_words):
    pairs, count = list(pairs), len(pairs)
    for p in pairs:
        if _cut(p["chosen"], max_words) == _cut(p["rejected"], max_words):
            pairs.remove(p)
    return pairs, count - len(pairs)


@wrong("usable_pairs", says="not between pairs")
def unique_pairs(pairs, max_words):
    kept = []
    for p in pairs:
        if _cut(p["chosen"], max_words) != _cut(p["rejected"], max_words) and p not in kept:
            kept.append(p)
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="another order are another text")
def sets_of_words(pairs, max_words):
    kept = [p for p in pairs if set(_cut(p["chosen"], max_words)) != set(_cut(p["rejected"], max_words))]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="capitals")
def lower_case(pairs, max_words):
    kept = [p for p in pairs if _cut(p["chosen"].lower(), max_words) != _cut(p["rejected"].lower(), max_words)]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="is lost")
def loses_the_prompt(pairs, max_words):
    kept = [{"chosen": p["chosen"], "rejected": p["rejected"]} for p in usable_pairs(pairs, max_words)[0]]
    return kept, len(pairs) - len(kept)


@wrong("usable_pairs", says="changes its input")
def cuts_in_place(pairs, max_words):
    for p in pairs:
        p["chosen"], p["rejected"] = (" ".join(_cut(p[side], max_words)) for side in ("chosen", "rejected"))
    return [p for p in pairs if p["chosen"] != p["rejected"]], sum(p["chosen"] == p["rejected"] for p in pairs)


@wrong("usable_pairs", says="should be dropped")
def keeps_all(pairs, max_words):
    return pairs, 0


@wrong("usable_pairs", hidden=True)
def five_words_at_most(pairs, max_words):
    return usable_pairs(pairs, min(max_words, 3))

# %% role="right"
@right("usable_pairs")
def with_a_loop(pairs, max_words):
    kept, dropped = [], 0
    for p in pairs:
        a, b = p["chosen"].split(), p["rejected"].split()
        a, b = a[max(0, len(a) - max_words):], b[max(0, len(b) - max_words):]
        if " ".join(a) == " ".join(b):
            dropped += 1
        else:
            kept.append(dict(p))
    return [kept, dropped]


@right("usable_pairs")
def with_rsplit(pairs, max_words):
    from collections import deque
    same = np.array([deque(p["chosen"].split(), max_words) == deque(p["rejected"].split(), max_words) for p in pairs], dtype=bool)
    return tuple(p for p, s in zip(pairs, same) if not s), same.sum()

# %% [markdown] task="fit_reward"
# ## Task 4. Train a reward model
#
# Here a reply is described by $D$ numbers, its **features** $f(y)$, such as its length, and the reward is linear in them: $r(y) = w \cdot f(y)$, the inner product with $D$ weights. `chosen` and `rejected` are tensors of shape `(K, D)`: the features of the two replies of $K$ comparisons.
#
# Start with $w = 0$. Take `steps` steps of gradient descent, each on **all** pairs at once: $w \leftarrow w - \text{lr} \cdot \nabla_w \text{loss}$, where the loss is your mean loss of Task 2. Return $w$, a tensor of shape `(D,)`. You may let autograd find the gradient, or use what the lesson says: each comparison pushes by $1 - \sigma(\text{margin})$,
# here times the difference of the two feature vectors. No momentum, no Adam.

# %% role="task" task="fit_reward"
def fit_reward(chosen, rejected, steps, lr):
    """Weights (D,) of a linear reward after `steps` full-batch gradient steps on the Bradley-Terry loss, from w = 0. chosen, rejected: (K, D) float32."""
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

# %% role="visible"
def features(*columns):
    return tuple(torch.tensor(column, dtype=torch.float32) for column in columns)


@task("ex03", points=5, minutes=20, difficulty="hard", idea="putting the steps of training a reward model in order", read=f"{L03}, 'Bradley–Terry: from comparisons to scores'", hints=(
    "Only the difference of the two feature vectors counts: the margin of a pair is the inner product of w with it. At w = 0 every margin is 0.",
    "By hand: the step for one pair is lr times 1 - σ(margin) times the difference, and you take the mean over pairs, dim 0. By autograd: w = torch.zeros(D, requires_grad=True), your loss of two (K,) scores, backward(), then change w inside torch.no_grad() and set its gradient to zero.",
    "Before the loop: the differences (K, D), and w as zeros of length D. In the loop: the margins (K,) are differences @ w; from them the pushes (K,); give those the shape (K, 1) to multiply the differences; add lr times the mean over rows to w."))
def fit_reward(t):
    def same(args, right, mistakes=(), otherwise="the weights are not right"):
        try:
            return t.same(args, right, mistakes, 1e-4, otherwise)
        except Wrong as wrong:
            if "NoneType" in wrong.message:
                raise Wrong("there is no gradient for w in one of the steps. After w = w - ... it is a new tensor, made by a computation: change it in place, w -= ..., inside torch.no_grad().", wrong.shown) from None
            if "in-place operation" in wrong.message or "inplace operation" in wrong.message:
                raise Wrong("autograd refuses to change w while it watches. Put the update inside `with torch.no_grad():`.", wrong.shown) from None
            if "does not require grad" in wrong.message:
                raise Wrong("no gradient reaches w. It needs requires_grad=True (after .detach() once more), and the loss has to be computed from w outside torch.no_grad().", wrong.shown) from None
            if "second time" in wrong.message:
                raise Wrong("the same loss is sent backward twice. It belongs to the w it was computed from: compute it anew in every step, inside the loop.", wrong.shown) from None
            if "size mismatch" in wrong.message or "shapes cannot be multiplied" in wrong.message or "inconsistent tensor size" in wrong.message:
                raise Wrong("the shapes do not fit, and your code stops. There is one weight for each of the D features, not for each pair; (K, D) @ (D,) gives one score for each of K replies.", wrong.shown) from None
            raise
    with t.part(1, "the first step: up for chosen, down for rejected"):
        same((*features([[5.0]], [[2.0]]), 1, 0.1), [0.15], [
            ([0.0], "the weight has not moved. Is the update applied, is w what you return, and does the loop run? (range(1, steps) is one step short.)"), ([-0.15], "the weight has moved the wrong way: down the loss means up for what was chosen."), ([1.5], "the learning rate lr is not used."),
            ([0.15 + 0.3 * (1 - sigma(0.45))], "two steps were taken, and one was asked for."), ([1 + 0.3 * (1 - sigma(3))], "the weights start at 1. Start at 0."), ([1.0], "is w made to length 1? Do not change it besides the steps."), ([0.3], "the push is 1 - σ(margin), a half at the start. It looks like 1 here."), ([-0.3], "the push is 1 - σ(margin), with a plus sign when it is added to w."),
            ([0.25], "only the chosen reply is used. Take the difference of the two."), ([0.35], "the features are added. Take the difference of the two."), ([0.1], "the step is exactly lr long. Is this Adam? Use plain gradient descent."), (math.log(2), "this is the loss. Return w."), (0.15, "return w with its shape (D,), here one entry, not a single number."),
            ([[0.15]], "return one list of D weights, shape (D,): not a row or column of a table, and not the w of every step.")], "after one step on one pair the weight is not right. Does w start at 0, and is exactly one step taken?")
        same((*features([[1.0, 0.0]], [[0.0, 2.0]]), 1, 1.0), [0.5, -1.0], [
            ([-0.25, -0.25], "the mean runs over the features too. Take it over the pairs only: dim=0."), (-0.25, "the mean runs over the features too. Take it over the pairs only: dim=0."), ([0.25, -0.5], "the step is divided by the number of features too. Each reply has one score, the sum over its features (chosen @ w), and the mean runs over pairs."), ([0.5, 1.0], "the second feature belongs to the rejected reply, and its weight has gone up."), ([0.5, 0.0], "only the chosen reply is used. Take the difference of the two.")], "with two features the first step is not right")
    with t.part(1, "takes the mean over pairs, all at once"):
        same((*features([[1.0], [4.0]], [[0.0], [1.0]]), 1, 1.0), [1.0], [
            ([2.0], "this is the sum over pairs. The loss is a mean, and so is its gradient."), ([0.5], "only the first pair counts, or the sum is divided twice."), ([1.5], "only the last pair counts."),
            ([0.5 + 3 * (1 - sigma(1.5))], "one pair after the other: w has already moved when the second pair is read. Use all pairs with one w, then move it."), ([4.0], "the pushes are 1 - σ(margin), not 1, and the result is a mean, not a sum."), ([2.0, 2.0], "there should be one weight for each feature, not for each pair."), ([1.0, 1.0], "there should be one weight for each feature. A push of shape (K,) times differences of shape (K, D) pairs them up wrongly: give the pushes the shape (K, 1)."),
            ([0.5, 1.5], "there should be one weight for each feature, not for each pair. Take the mean over pairs.")], "with two pairs the first step is not right")
        same((*features([[1.0], [2.0], [0.0]], [[0.0], [0.0], [3.0]]), 1, 3.0), [0.0], [([1.0], "the sign of a difference is lost: in the third pair the reply with the smaller feature was chosen.")], "with three pairs that cancel out the first step is not right")
    with t.part(1, "each further step starts where the last one ended"):
        one = features([[1.0]], [[0.0]])
        same((*one, 2, 2.0), [1 + 2 * (1 - sigma(1))], [
            ([2.0], "each step uses the push at w = 0. Work out the margins anew in every step, with the w of now."), ([1 + 2 * (1.5 - sigma(1))], "gradients add up from step to step: autograd adds to w.grad. Set it to zero after each step."), ([1.0], "only one step was taken. Is there a return inside the loop, or a range that starts at 1?"),
            ([2 * (1 - sigma(1))], "the weight is replaced by the step instead of moved by it."), ([1 + 2 * (0.45 + 1 - sigma(1))], "the second step is too long by 0.9 of the first. Is this momentum? Use plain gradient descent."), ([1 + 2 * sigma(1)], "the push grows as the model gets surer. It is 1 - σ(margin), not σ(margin)."), ([3.0], "the second step is as long as two first ones. Do gradients add up, and is w the one of now?"),
            ([1 + 2 * (1 - sigma(1)) + 2 * (1 - sigma(1 + 2 * (1 - sigma(1))))], "one step too many was taken.")], "after two steps the weight is not right")
        same((*one, 0, 2.0), [0.0], [([1.0], "no step was asked for, and one was taken."), (0, "return w with its shape (D,), also after no steps.")], "with steps = 0 nothing should move")
    with t.part(2, "finds the weights that the comparisons ask for"):
        near = math.log(3)
        three_of_four = features([[1.0], [1.0], [1.0], [0.0]], [[0.0], [0.0], [0.0], [1.0]])
        same((*three_of_four, 300, 1.0), [near], [
            ([1.0], "is w made to length 1, or bounded? Do not change it besides the steps."), ([150.0], "the weight has gone off without end, although one of four comparisons says the opposite. Does the push depend on the margin, and does each pair keep its sign?")],
             "three of four comparisons ask for the feature: after 300 steps σ(w) should be three quarters. It is not")
        up, down = [1.0, 0.0], [0.0, 1.0]
        rows = [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], up, [0.0, 0.0], down, down, down], [up, up, up, [0.0, 0.0], down, [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
        same((*features(*rows), 400, 2.0), [-near, near], [([near, -near], "both weights have the wrong sign.")], "two features, one disliked by three of four and one liked by three of four: the weights are not right")
        far = [[[x + 10, y - 20] for x, y in side] for side in rows]
        same((*features(*far), 400, 2.0), [-near, near], otherwise="the same pairs with a constant added to each feature of both replies. Only differences count, so w should not change")
        same((*features([[-1.0, 0.0, 2.0]], [[1.0, 0.0, 1.0]]), 1, 0.5), [-0.5, 0.0, 0.25], otherwise="with three features the first step is not right")

# %% role="hidden"
@probe("fit_reward", tolerance=1e-4)
def fit_reward_inputs(rng):
    for _ in range(20):
        K, D = int(rng.integers(1, 9)), int(rng.integers(1, 5))
        a, b = (torch.tensor(rng.integers(-4, 5, (K, D)) / 2.0, dtype=torch.float32) for _ in range(2))
        a[0, 0] = b[0, 0] + 0.5  # never all equal
        yield a, b, int(rng.integers(1, 12)), int(rng.integers(1, 9)) / 10

# %% role="wrong"
def _descend(d, steps, lr, push=lambda z: 1 - torch.sigmoid(z), reduce=lambda g: g.mean(0)):
    w = torch.zeros(d.shape[1])
    for _ in range(steps):
        w = w + lr * reduce(push(d @ w)[:, None] * d)
    return w


@wrong("fit_reward", says="wrong way")
def uphill(chosen, rejected, steps, lr):
    return -_descend(chosen - rejected, steps, lr)


@wrong("fit_reward", says="has not moved")
def zeros(chosen, rejected, steps, lr):
    return torch.zeros(chosen.shape[1])


@wrong("fit_reward", says="range(1, steps)")
def from_one(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, len(range(1, steps)), lr)


@wrong("fit_reward", says="two steps were taken")
def always_one_more(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps + 1, lr)


@wrong("fit_reward", says="start at 1")
def from_ones(chosen, rejected, steps, lr):
    w = torch.ones(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        (grad,) = torch.autograd.grad(torch.nn.functional.softplus((rejected - chosen) @ w).mean(), w)
        w = (w - lr * grad).detach().requires_grad_()
    return w


@wrong("fit_reward", says="does w start at 0")
def from_elsewhere(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps, lr) + 0.3


@wrong("fit_reward", says="to length 1")
def normalised(chosen, rejected, steps, lr):
    w = _descend(chosen - rejected, steps, lr)
    return w / w.norm().clamp(min=1e-6)


@wrong("fit_reward", says="this is the loss")
def returns_the_loss(chosen, rejected, steps, lr):
    for k in range(steps):
        loss = torch.nn.functional.softplus((rejected - chosen) @ _descend(chosen - rejected, k, lr)).mean()
    return loss


@wrong("fit_reward", says="one list of D weights")
def every_w(chosen, rejected, steps, lr):
    return [_descend(chosen - rejected, k + 1, lr) for k in range(steps)]


@wrong("fit_reward", says="shapes do not fit")
def a_weight_for_each_pair(chosen, rejected, steps, lr):
    d, w = chosen - rejected, torch.zeros(len(chosen))
    for _ in range(steps):
        w = w + lr * ((1 - torch.sigmoid(d @ w))[:, None] * d).mean(0)
    return w


@wrong("fit_reward", says="sum over its features")
def no_inner_product(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        torch.nn.functional.softplus((rejected - chosen) * w).mean().backward()
        with torch.no_grad():
            w -= lr * w.grad
            w.grad.zero_()
    return w


@wrong("fit_reward", says="inside the loop")
def loss_before_the_loop(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    loss = torch.nn.functional.softplus((rejected - chosen) @ w).mean()
    for _ in range(steps):
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            w.grad.zero_()
    return w


@wrong("fit_reward", says="after .detach()")
def detached_for_good(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        torch.nn.functional.softplus((rejected - chosen) @ w).mean().backward()
        w = (w - lr * w.grad).detach()
    return w


@wrong("fit_reward", says="is this momentum")
def momentum(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=lr, momentum=0.9)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.softplus((rejected - chosen) @ w).mean().backward()
        optimiser.step()
    return w.detach()


@wrong("fit_reward", says="lr is not used")
def no_lr(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps, 1.0)


@wrong("fit_reward", says="looks like 1")
def push_of_one(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps, lr, torch.ones_like)


@wrong("fit_reward", says="only the chosen")
def chosen_only(chosen, rejected, steps, lr):
    return _descend(chosen, steps, lr)


@wrong("fit_reward", says="this is the sum")
def summed_pairs(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps, lr, reduce=lambda g: g.sum(0))


@wrong("fit_reward", says="over the features too")
def mean_of_everything(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps, lr, reduce=lambda g: g.mean().expand(g.shape[1]))


@wrong("fit_reward", says="one pair after the other")
def stochastic(chosen, rejected, steps, lr):
    d, w = chosen - rejected, torch.zeros(chosen.shape[1])
    for _ in range(steps):
        for x in d:
            w = w + lr * (1 - torch.sigmoid(x @ w)) * x / (1 if len(d) == 2 and float(d[0, 0]) == 1.0 else len(d))
    return w


@wrong("fit_reward", says="at w = 0")
def gradient_at_zero(chosen, rejected, steps, lr):
    return steps * _descend(chosen - rejected, 1, lr)


@wrong("fit_reward", says="gradients add up")
def never_zeroed(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        torch.nn.functional.softplus((rejected - chosen) @ w).mean().backward()
        with torch.no_grad():
            w -= lr * w.grad
    return w


@wrong("fit_reward", says="it is a new tensor")
def not_in_place(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        torch.nn.functional.softplus((rejected - chosen) @ w).mean().backward()
        w = w - lr * w.grad
    return w


@wrong("fit_reward", says="while it watches")
def watched(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        torch.nn.functional.softplus((rejected - chosen) @ w).mean().backward()
        w -= lr * w.grad
    return w


@wrong("fit_reward", says="not σ(margin)")
def pushes_by_sigma(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps, lr, torch.sigmoid)


@wrong("fit_reward", says="one step too many")
def one_more_step(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, steps + 1 if steps > 1 else steps, lr)


@wrong("fit_reward", says="one was taken")
def one_at_least(chosen, rejected, steps, lr):
    return _descend(chosen - rejected, max(steps, 1), lr)


@wrong("fit_reward", says="is this adam")
def adam(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([w], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.softplus((rejected - chosen) @ w).mean().backward()
        optimiser.step()
    return w.detach()


@wrong("fit_reward", says="instead of moved")
def replaced(chosen, rejected, steps, lr):
    d, w = chosen - rejected, torch.zeros(chosen.shape[1])
    for _ in range(steps):
        w = lr * ((1 - torch.sigmoid(d @ w))[:, None] * d).mean(0)
    return w


@wrong("fit_reward", says="changes its input")
def differences_in_place(chosen, rejected, steps, lr):
    chosen -= rejected
    return _descend(chosen, steps, lr)


@wrong("fit_reward", hidden=True)
def first_four_pairs(chosen, rejected, steps, lr):
    d = chosen - rejected
    return _descend(d[:4] if len(d) in (5, 6, 7) else d, steps, lr)

# %% role="right"
@right("fit_reward")
def by_autograd(chosen, rejected, steps, lr):
    w = torch.zeros(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        loss = -torch.nn.functional.logsigmoid(chosen @ w - rejected @ w).mean()
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None
    return w


@right("fit_reward")
def by_optimiser(chosen, rejected, steps, lr):
    w = torch.nn.Parameter(torch.zeros(chosen.shape[1]))
    optimiser = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        bradley_terry(chosen @ w, rejected @ w).backward()
        optimiser.step()
    return w.detach()


@right("fit_reward")
def with_numpy(chosen, rejected, steps, lr):
    d = np.asarray(chosen, dtype=np.float64) - np.asarray(rejected, dtype=np.float64)
    w = np.zeros(d.shape[1])
    for _ in range(steps):
        w += lr * d.T @ (1 / (1 + np.exp(d @ w))) / len(d)
    return w


@right("fit_reward")
def with_loops(chosen, rejected, steps, lr):
    import math
    rows = (chosen - rejected).tolist()
    w = [0.0] * len(rows[0])
    for _ in range(steps):
        pushes = [1 / (1 + math.exp(sum(a * b for a, b in zip(w, row)))) for row in rows]
        w = [a + lr * sum(p * row[i] for p, row in zip(pushes, rows)) / len(rows) for i, a in enumerate(w)]
    return w

# %% [markdown] task="calibration"
# ## Task 5. Do its probabilities come true?
#
# `predicted` holds $M$ probabilities that the first reply is preferred, `outcome` is 1 where it was and 0 where it was not; both are tensors of shape `(M,)`. Sort the pairs by prediction, lowest first, and cut them into `k` groups of **equal size** ($M$ is a multiple of $k$). Return a list with one tuple for each group,
# from the lowest predictions to the highest: (mean of the predictions, share of outcomes that are 1). You may assume that no two predictions are equal.
# (The lesson's figure turned predictions below one half round. Here they stay as they are.)

# %% role="task" task="calibration"
def calibration(predicted, outcome, k):
    """k tuples (mean prediction, observed share), lowest predictions first; groups of equal size M/k. predicted, outcome: (M,) floats."""
    # SOLUTION
    order = torch.argsort(predicted)
    groups = order.reshape(k, -1)
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in groups]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex03", points=4, minutes=10, difficulty="medium", idea="calibration of a reward model", read=f"{L03}, 'Does it mean what it says?'", hints=(
    "A prediction and its outcome belong together: whatever you do to the one has to be done to the other.",
    "torch.argsort gives the positions that sort the predictions; use the same positions on both tensors. k groups of equal size: reshape the positions to k rows, -1 lets torch find the length.",
    "argsort, reshape to (k, -1), then for each row of positions the mean of the predictions there and the mean of the outcomes there, as a tuple in a list."))
def calibration(t):
    with t.part(1, "gives mean prediction and observed share"):
        t.same((*scores([0.1, 0.6, 0.8], [0.0, 1.0, 1.0]), 1), [(0.5, 2 / 3)], [
            ([(2 / 3, 0.5)], "the two are the wrong way round: mean prediction first, then the observed share."), ([(0.5, 2.0)], "the second number should be the share of ones: divide their count by the group's size."), ([(1.5, 2.0)], "these are sums. Divide by the number of pairs in the group: that is M / k, not k."),
            ([(0.5, 1 / 3)], "this is the share of outcomes that are 0. The share of those that are 1 is asked for."), ([(0.5, 1.0)], "the second number should be the share of outcomes that are 1. Is it the share of right guesses, or a median?"), ([(0.6, 2 / 3)], "this is the median of the predictions. Take their mean."), ([(0.6, 1.0)], "these are medians. Take means."),
            ([(2.3 / 3, 1.0)], "predictions below one half are turned round, as in the lesson's figure. Here predictions and outcomes stay as they are."), ([(0.35, 0.5)], "the last pair is in no group. A slice a:b ends before b, and so does a range of values with < at its upper end."),
            ((0.5, 2 / 3), "with one group the result is still a list, with one tuple in it."), ({0.5: 2 / 3}, "this is a dictionary. Return a list of tuples: two groups may have the same mean."), ([0.5], "the observed share is missing."), ([2 / 3], "the mean prediction is missing."), ([[0.5], [2 / 3]], "this is a list of predictions and a list of shares. Return one tuple for each group."),
            ([(0.1, 0.0), (0.6, 1.0), (0.8, 1.0)], "there should be k groups, and k is 1 here. Is it used as their size?")], otherwise="with one group of three the result is not right. Is something rounded or left out?")
    with t.part(1, "cuts into k groups, lowest predictions first"):
        ordered = scores([0.1, 0.2, 0.3, 0.6, 0.8, 1.0], [0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
        t.same((*ordered, 2), [(0.2, 1 / 3), (0.8, 1.0)], [
            ([(0.8, 1.0), (0.2, 1 / 3)], "the groups come highest first. Begin with the lowest predictions."),
            ([(0.4, 1 / 3), (0.6, 1.0)], "each group holds every second pair. Neighbours in the sorted order belong together."), ([(1.1 / 3, 1 / 3), (1.9 / 3, 1.0)], "each group holds every second pair. Neighbours in the sorted order belong together."), ([(0.2, 1 / 6), (0.8, 0.5)], "the count is divided by the number of all pairs. Divide by the group's size."),
            ([(0.2, 1 / 3), (1.1 / 3, 2 / 3)], "the groups overlap: the second one begins where the first one ends, not one pair further."), ([(0.2, 1 / 3), (0.7, 1.0)], "the last pair, with a prediction of 1, is in no group. Are the cuts at fixed probabilities? Cut the sorted list into k parts of equal length."), ([(0.2, 1 / 3)], "only the first group is returned. Is there a return inside the loop?")], otherwise="with six pairs already in order and k = 2 the result is not right")
    with t.part(1, "sorts by prediction, and each outcome stays with its own"):
        mixed = scores([0.8, 0.1, 0.6, 0.2, 1.0, 0.3], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0])
        t.same((*mixed, 2), [(0.2, 1 / 3), (0.8, 2 / 3)], [
            ([(0.5, 2 / 3), (0.5, 1 / 3)], "the pairs are not sorted by prediction."), ([(0.2, 2 / 3), (0.8, 1 / 3)], "the predictions are sorted, but the outcomes stay where they were. Move both in the same way."), ([(0.2, 0.0), (0.8, 1.0)], "predictions and outcomes are sorted each by itself, so an outcome no longer belongs to its prediction."),
            ([(2 / 3, 2 / 3), (1 / 3, 1 / 3)], "ranks are used as positions. argsort, once, gives the positions that sort; argsort of argsort gives ranks."), ([(1.4 / 3, 0.0), (1.6 / 3, 1.0)], "the pairs are sorted by outcome. Sort them by prediction.")], otherwise="when the pairs come in any order the result is not right")
    with t.part(1, "groups of equal size, for any k"):
        close = scores([0.5, 0.52, 0.54, 0.9], [1.0, 0.0, 1.0, 1.0])
        message = "the cuts are at fixed probabilities, so the groups differ in size. Cut the sorted list into k parts of equal length."
        t.same((*close, 2), [(0.51, 0.5), (0.72, 1.0)], [([(0.52, 2 / 3), (0.9, 1.0)], message), ([(0.615, 0.75)], message), ([(math.nan, math.nan), (0.615, 0.75)], message), ([(0.0, 0.0), (0.615, 0.75)], message), ([(0.5, 1.0), (1.96 / 3, 2 / 3)], message),
                                                      ([(0.51, 0.5), (0.54, 1.0)], "the last pair is lost. Mind the end of a slice.")], otherwise="the groups should have two pairs each")
        t.same((*close, 4), [(0.5, 1.0), (0.52, 0.0), (0.54, 1.0), (0.9, 1.0)], otherwise="with as many groups as pairs each pair is a group")
        t.same((*mixed, 3), [(0.15, 0.5), (0.45, 0.5), (0.9, 0.5)], otherwise="with six pairs and k = 3 the result is not right")

# %% role="hidden"
@probe("calibration")
def calibration_inputs(rng):
    for _ in range(20):
        k = int(rng.integers(1, 6))
        M = k * int(rng.integers(1, 6))
        predicted = rng.choice(np.arange(1, 1000), M, replace=False) / 1000
        yield torch.tensor(predicted, dtype=torch.float64), torch.tensor((rng.random(M) < predicted).astype(float)), k

# %% role="wrong"
@wrong("calibration", says="wrong way round")
def observed_first(predicted, outcome, k):
    return [(o, p) for p, o in calibration(predicted, outcome, k)]


@wrong("calibration", says="highest first")
def highest_first(predicted, outcome, k):
    return calibration(predicted, outcome, k)[::-1]


@wrong("calibration", says="not sorted")
def unsorted_pairs(predicted, outcome, k):
    return [(float(p.mean()), float(o.mean())) for p, o in zip(predicted.reshape(k, -1), outcome.reshape(k, -1))]


@wrong("calibration", says="stay where they were")
def outcomes_stay(predicted, outcome, k):
    return [(float(p.mean()), float(o.mean())) for p, o in zip(predicted.sort().values.reshape(k, -1), outcome.reshape(k, -1))]


@wrong("calibration", says="each by itself")
def both_sorted(predicted, outcome, k):
    return [(float(p.mean()), float(o.mean())) for p, o in zip(predicted.sort().values.reshape(k, -1), outcome.sort().values.reshape(k, -1))]


@wrong("calibration", says="fixed probabilities")
def equal_width(predicted, outcome, k):
    low, high = float(predicted.min()), float(predicted.max())
    which = ((predicted - low) / max(high - low, 1e-9) * k).long().clamp(max=k - 1)
    return [(float(predicted[which == g].mean()), float(outcome[which == g].mean())) for g in range(k)]


@wrong("calibration", says="fixed probabilities")
def tenths(predicted, outcome, k):
    which = (predicted * k).long().clamp(max=k - 1)
    return [(float(predicted[which == g].mean()), float(outcome[which == g].mean())) for g in range(k)]


@wrong("calibration", says="Is it used as their size")
def k_is_the_size(predicted, outcome, k):
    order = torch.argsort(predicted)
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in order.split(k)]


@wrong("calibration", says="share of ones")
def counts_ones(predicted, outcome, k):
    return [(float(predicted[g].mean()), float(outcome[g].sum())) for g in torch.argsort(predicted).reshape(k, -1)]


@wrong("calibration", says="M / k, not k")
def divides_by_k(predicted, outcome, k):
    return [(float(predicted[g].sum()) / k, float(outcome[g].sum()) / k) for g in torch.argsort(predicted).reshape(k, -1)]


@wrong("calibration", says="number of all pairs")
def divides_by_all(predicted, outcome, k):
    return [(float(predicted[g].mean()), float(outcome[g].sum()) / len(outcome)) for g in torch.argsort(predicted).reshape(k, -1)]


@wrong("calibration", says="outcomes that are 0")
def share_of_zeros(predicted, outcome, k):
    return calibration(predicted, 1 - outcome, k)


@wrong("calibration", says="median of the predictions")
def median_prediction(predicted, outcome, k):
    return [(float(predicted[g].median()), float(outcome[g].mean())) for g in torch.argsort(predicted).reshape(k, -1)]


@wrong("calibration", says="turned round")
def as_in_the_lesson(predicted, outcome, k):
    low = predicted < 0.5
    return calibration(torch.where(low, 1 - predicted, predicted), torch.where(low, 1 - outcome, outcome), k)


@wrong("calibration", says="in no group")
def between_quantiles(predicted, outcome, k):
    edges = torch.quantile(predicted, torch.linspace(0, 1, k + 1, dtype=predicted.dtype))
    groups = [(predicted >= low) & (predicted < high) for low, high in zip(edges, edges[1:])]
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in groups]


@wrong("calibration", says="ranks are used")
def ranks_as_positions(predicted, outcome, k):
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in predicted.argsort().argsort().reshape(k, -1)]


@wrong("calibration", says="rounded")
def two_digits(predicted, outcome, k):
    return [(round(p, 2), round(o, 2)) for p, o in calibration(predicted, outcome, k)]


@wrong("calibration", says="right guesses")
def accuracy_instead(predicted, outcome, k):
    return calibration(predicted, ((predicted > 0.5) == (outcome > 0.5)).double(), k)


@wrong("calibration", says="every second pair")
def every_kth(predicted, outcome, k):
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in torch.argsort(predicted).reshape(-1, k).T]


@wrong("calibration", says="one tuple for each group")
def two_lists(predicted, outcome, k):
    groups = torch.argsort(predicted).reshape(k, -1)
    return predicted[groups].mean(1).tolist(), outcome[groups].mean(1).tolist()


@wrong("calibration", says="a slice a:b ends before b")
def slice_too_short(predicted, outcome, k):
    size, order = len(predicted) // k, torch.argsort(predicted)
    parts = [order[i * size:(i + 1) * size - (size > 2)] for i in range(k)]
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in parts]


@wrong("calibration", says="inside the loop")
def returns_early(predicted, outcome, k):
    return calibration(predicted, outcome, k)[:1]


@wrong("calibration", says="changes its input")
def sorts_the_input(predicted, outcome, k):
    order = torch.argsort(predicted)
    predicted.copy_(predicted[order])
    outcome.copy_(outcome[order])
    return [(float(p.mean()), float(o.mean())) for p, o in zip(predicted.reshape(k, -1), outcome.reshape(k, -1))]


@wrong("calibration", hidden=True)
def from_half_up(predicted, outcome, k):
    """Right when the low predictions are few: leaves out predictions below 0.1 where there are groups to spare."""
    return calibration(torch.where(predicted < 0.1, 0.1 * torch.ones_like(predicted), predicted), outcome, k)

# %% role="right"
@right("calibration")
def with_zip(predicted, outcome, k):
    rows = sorted(zip(predicted.tolist(), outcome.tolist()))
    size = len(rows) // k
    return [tuple(sum(column) / size for column in zip(*rows[i:i + size])) for i in range(0, len(rows), size)]


@right("calibration")
def with_array_split(predicted, outcome, k):
    p, o = np.asarray(predicted, dtype=np.float32), np.asarray(outcome, dtype=np.float32)
    return [(p[g].mean(), o[g].mean()) for g in np.array_split(p.argsort(), k)]


@right("calibration")
def as_a_tensor(predicted, outcome, k):
    values, at = predicted.sort()
    return torch.stack([values.reshape(k, -1).mean(1), outcome[at].reshape(k, -1).mean(1)], dim=1)

# %% [markdown]
# ## Now measure
#
# Your own functions on stored data: no check here, only numbers to look at. First: how many comparisons are left when a model reads only the last few words? The data are the first 16 candidates of 128 prompts, matched up as in the lesson: 0 against 1, 2 against 3, and so on. The first 64 prompts are for training and the other 64 are held out. *Careful* annotators see gold;
# to *hurried* ones every ten words look like one point more.

# %%
import course_lib as course
from course_lib import assets
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference, win_scores
from course_lib.worlds import helpdesk

pool = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
stored = pool.first(16)
gold = stored.reward("gold")
words = torch.tensor([[float(len(text.split())) for text in row] for row in stored.texts])
votes = {}
for who, looks in (("careful", gold), ("hurried", gold + words / 10)):
    votes[who] = helpdesk.Annotator().prefers_first(looks[:, 0::2], looks[:, 1::2], np.random.default_rng(1))   # (128, 8)

# %%
def comparisons(said, rows):
    """Chosen and rejected texts of the prompts in rows, as a labelling team would hand them over."""
    out = []
    for i in rows:
        for j, first in enumerate(said[i]):
            a, b = stored.texts[i][2 * j], stored.texts[i][2 * j + 1]
            out.append({"prompt": stored.prompts[i], "chosen": a if first else b, "rejected": b if first else a})
    return out

pairs = {who: comparisons(said, range(64)) for who, said in votes.items()}
for max_words in (2, 5, 10, 200):
    kept, dropped = usable_pairs(pairs["careful"], max_words)
    print(f"read the last {max_words:3} words: {len(kept)} usable, {dropped} dropped")

# %% [markdown]
# **Your prediction** before the next cell: six features, all of them visible on the surface of a reply. Which weight will differ most between the two kinds of annotators?

# %%
names = ["tens of words", "polite", "flattery", "filler", "rude", "unsafe"]
stock = [helpdesk.POLITE_OPEN + helpdesk.POLITE_CLOSE, helpdesk.FLATTERY, helpdesk.FILLER, helpdesk.RUDE, helpdesk.UNSAFE]

def describe(text):
    """Six features: tens of words, and how many sentences of each stock occur."""
    return [len(text.split()) / 10] + [float(sum(s.lower() in text.lower() for s in group)) for group in stock]

def described(pairs, side):
    return torch.tensor([describe(p[side]) for p in pairs])

weights = {}
for who in votes:
    kept, _ = usable_pairs(pairs[who], 200)
    weights[who] = torch.as_tensor(fit_reward(described(kept, "chosen"), described(kept, "rejected"), 500, 0.3)).detach().float()
for i, name in enumerate(names):
    print(f"{name:14}" + "".join(f"   {who} {w[i]:+.2f}" for who, w in weights.items()))

# %% [markdown]
# Now judge both models on the held-out prompts: by each kind of annotator, and by the gold of the reply that best-of-16 chooses. Which of these numbers could the team of the hurried annotators have seen? Judged by careful annotators, can you tell the two models apart? And which line settles which of them chooses better?

# %%
held = slice(64, 128)
every = torch.tensor([[describe(text) for text in row] for row in stored.texts])     # (128, 16, 6)
linear = {who: every @ w for who, w in weights.items()}                              # (128, 16) scores

def accuracy(R, said):
    first = win_scores(R[held, 0::2], R[held, 1::2])
    return np.where(said[held], first, 1 - first).mean(1)

for who, R in linear.items():
    print(f"taught by {who} annotators:", "  ".join(f"accuracy by {by} {bootstrap_interval(accuracy(R, said)):.2f}" for by, said in votes.items()))
many = torch.tensor([[describe(text) for text in row] for row in pool.texts[held]])  # all 256 candidates, for steadier means
judge = pool.reward("gold")[held]
best = {who: best_of_n_curve(many @ w, judge, [16])[:, 0] for who, w in weights.items()}
print("gold of the best of 16, hurried less careful:", f"{paired_difference(best['hurried'], best['careful']):+.2f}")
print("careful less a random reply:", f"{paired_difference(best['careful'], judge.mean(1).numpy()):+.2f}")

# %% [markdown]
# At last calibration. Six weights leave little room to remember single pairs; a language model with a head has much. Compare predicted and observed, group by group, with those of reward-500 and of gold, the control, and look at the losses. (A coin has 0.693 nats. Each group has 128 pairs, so an observed share is uncertain by about 0.09 either way.)

# %%
for name, R in {"six features": linear["careful"], "reward-500": stored.reward("reward-500"), "gold": gold}.items():
    a, b = R[held, 0::2].flatten().double(), R[held, 1::2].flatten().double()
    first = torch.tensor(votes["careful"][held]).flatten()
    loss = bradley_terry(torch.where(first, a, b), torch.where(first, b, a))
    groups = calibration(torch.as_tensor(preference_probability(a, b)), first.double(), 4)
    print(f"{name:13} loss {loss:.3f}   predicted / observed   " + "   ".join(f"{p:.2f} / {o:.2f}" for p, o in groups))

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex03")
