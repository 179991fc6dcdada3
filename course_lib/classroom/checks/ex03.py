"""Checks of exercise 03, a reward model by hand: what the reader's answer must do."""

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from .outcome import Wrong
from .registry import need as need
from .registry import task
from .trial import Trial

L03 = "lesson 03"


def sigma(z: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-z))


def loss(z: float) -> float:
    """-log σ(z) in nats: the loss of a comparison with margin z."""
    return max(-z, 0.0) + math.log1p(math.exp(-abs(z)))


def scores(*columns: list) -> tuple[torch.Tensor, ...]:
    """Tensors of double precision."""
    return tuple(torch.tensor(column, dtype=torch.float64) for column in columns)


def features(*columns: list) -> tuple[torch.Tensor, ...]:
    """Tensors of single precision, (K, D)."""
    return tuple(torch.tensor(column, dtype=torch.float32) for column in columns)


@contextlib.contextmanager
def _explained(*slips: tuple[tuple[str, ...], str]) -> Iterator[None]:
    """Say what is behind an error: of the slips (words, message) the first with a word in it."""
    try:
        yield
    except Wrong as wrong:
        for words, message in slips:
            if any(word in wrong.message for word in words):
                raise Wrong(message, wrong.shown) from None
        raise


NOT_A_NUMBER = (
    "this is not a number: e to the power of a large score is infinite in the computer, and "
    "infinity over infinity has no value. Take the difference of the scores first, and let a "
    "ready-made function do the rest."
)


@task(
    "ex03",
    points=3,
    minutes=5,
    difficulty="easy",
    idea="Bradley–Terry: only differences within a prompt count",
    read=f"{L03}, 'Be the annotator'",
    hints=(
        "The scores matter only through one number for each pair. Which one?",
        "Tensors of one shape are subtracted element by element. torch has σ under the name "
        "sigmoid; it does not overflow.",
        "One line: sigmoid of the scores of A minus the scores of B. No loop and no exp is needed.",
    ),
)
def preference_probability(t: Trial) -> None:
    with t.part(1, "gives the probability that A is preferred"):
        _equal_scores(t)
        _unequal_scores(t)
        _negative_scores(t)
    with t.part(1, "pair by pair, in any shape"):
        _pair_by_pair(t)
    with t.part(1, "holds for large scores"):
        _large_scores(t)
        t.untidy()


def _probability_is(
    t: Trial,
    args: tuple[torch.Tensor, ...],
    right: list,
    mistakes: Sequence[tuple[Any, str]] = (),
    otherwise: str = "this is not the probability that A is preferred",
) -> None:
    """As ``t.same``; errors of single numbers in the place of tensors are told as such."""
    table = args[0].dim() > 1
    here = "with a table of scores, rows and columns," if table else "with more than one pair"
    overflow = (
        ("OverflowError",),
        "exp of a number this large overflows. There is a ready-made function for σ that does not "
        "do this.",
    )
    single_numbers = (
        ("ambiguous", "only one element tensors", "a Tensor with"),
        f"{here} your function stops: what it treats as single numbers are tensors here. "
        "Use functions of tensors, which work on every entry.",
    )
    with _explained(overflow, single_numbers):
        t.same(args, right, mistakes, otherwise=otherwise)


def _equal_scores(t: Trial) -> None:
    args = scores([2.0], [2.0])
    mistakes = [
        ([0.0], "equal scores should be a coin flip. Is this the difference, or a yes or no?"),
        (
            [1.0],
            "equal scores should be a coin flip, not certainty. Is this a yes or no, the odds, or "
            "a softmax over the pairs in the place of the two replies?",
        ),
        ([[0.5, 0.5]], "these are the probabilities of both replies. Return only that of A."),
        (0.5, "return a tensor with the shape of the scores, here one entry, not a single number."),
        ([sigma(2)], "only one of the two scores is used. Take their difference."),
        ([sigma(1)], "the scores are divided. Take their difference."),
        ([sigma(4)], "the scores are added. Take their difference."),
        ([-math.log(2)], "this is a logarithm. Return the probability itself."),
        ([math.log(2)], "this is the loss. Return the probability itself."),
    ]
    _probability_is(t, args, [0.5], mistakes, otherwise="two equal scores should give a coin flip")


def _unequal_scores(t: Trial) -> None:
    args = scores([2.0], [0.5])
    mistakes = [
        (
            [sigma(-1.5)],
            "this is the probability that B is preferred. A's score comes first in the difference.",
        ),
        ([1.5], "this is the difference of the scores. It still has to go through σ."),
        ([1.0], "this is a yes or no. Return how likely it is."),
        (
            [0.8],
            "this divides A's score by the sum of both. That is no probability when scores are "
            "negative: put the difference through σ.",
        ),
        ([0.5], "A has the higher score, and you still say 50 %."),
        ([math.tanh(1.5)], "this is tanh. σ has values from 0 to 1."),
        ([sigma(2)], "only A's score is used. What about B's?"),
        (
            [sigma(2) - sigma(0.5)],
            "this is σ of each, then the difference. Take the difference first, then σ.",
        ),
        ([math.exp(1.5)], "this is the odds, how many times likelier A is. Return a probability."),
    ]
    _probability_is(t, args, [sigma(1.5)], mistakes)


def _negative_scores(t: Trial) -> None:
    args = scores([-3.0], [-1.0])
    mistakes = [
        (
            [sigma(2)],
            "A's score is the lower one, and you say that A is likelier. Is a size taken without "
            "its sign?",
        ),
    ]
    _probability_is(
        t,
        args,
        [sigma(-2)],
        mistakes,
        otherwise="with negative scores the result is not right",
    )


def _pair_by_pair(t: Trial) -> None:
    args = scores([0.0, 2.0], [1.0, 1.0])
    mistakes = [
        (0.5, "this is the mean over pairs. Return one probability for each pair."),
        (
            [[sigma(-1), sigma(-1)], [sigma(1), sigma(1)]],
            "every A meets every B. Pair them element by element.",
        ),
        (
            [sigma(1), sigma(-1)],
            "this is the probability that B is preferred. A's score comes first in the difference.",
        ),
    ]
    _probability_is(
        t,
        args,
        [sigma(-1), sigma(1)],
        mistakes,
        otherwise="with two pairs the result is not right",
    )

    _probability_is(
        t,
        scores([[0.0, 2.0], [1.0, -1.0]], [[1.0, 1.0], [1.0, -4.0]]),
        [[sigma(-1), sigma(1)], [0.5, sigma(3)]],
        otherwise="with scores of shape (2, 2) the result is not right",
    )


def _large_scores(t: Trial) -> None:
    _probability_is(
        t,
        scores([1000.0], [0.0]),
        [1.0],
        [([math.nan], NOT_A_NUMBER)],
        otherwise=(
            "A is 1000 points better. Is the difference or the result cut off somewhere? (What is "
            "printed is rounded.)"
        ),
    )

    _probability_is(
        t,
        scores([-1000.0], [1000.0]),
        [0.0],
        [([math.nan], NOT_A_NUMBER)],
        otherwise=(
            "A is 2000 points worse. Is the difference or the result cut off somewhere? (What is "
            "printed is rounded.)"
        ),
    )

    args = scores([1001.0], [1000.0])
    mistakes = [
        ([math.nan], NOT_A_NUMBER),
        (
            [1.0],
            "only the difference counts, and it is 1 here. Are the scores put through something "
            "before they are subtracted?",
        ),
        (
            [0.5],
            "only the difference counts, and it is 1 here. Are the scores cut off, or put through "
            "something, before they are subtracted?",
        ),
    ]
    _probability_is(
        t,
        args,
        [sigma(1)],
        mistakes,
        otherwise="only the difference counts, and it is 1 here",
    )


@task(
    "ex03",
    points=4,
    minutes=10,
    difficulty="medium",
    idea="Bradley–Terry: only differences within a prompt count",
    read=f"{L03}, 'Bradley–Terry: from comparisons to scores'",
    hints=(
        "First the margin of each comparison, then its loss, then the mean of the losses. The "
        "order matters.",
        "torch.nn.functional.logsigmoid gives log σ in one go and stays finite; log of a sigmoid "
        "does not. (-log σ(z) is also softplus(-z).) Do everything with tensors, so that the "
        "gradient survives.",
        "Three steps: chosen minus rejected; logsigmoid of that; minus the mean. Nothing is "
        "converted to a Python number.",
    ),
)
def bradley_terry(t: Trial) -> None:
    with t.part(1, "is minus the logarithm of the probability of what was chosen"):
        _minus_the_logarithm(t)
        _margin_above_zero(t)
        _margin_below_zero(t)
    with t.part(1, "is the mean over comparisons"):
        _mean_over_comparisons(t)
        t.untidy()
    with t.part(1, "stays right for scores of 1000 and -1000"):
        _scores_of_a_thousand(t)
    with t.part(1, "the gradient reaches chosen and rejected"):
        _gradient_reaches_both(t)
        _push_is_largest_far_below_zero(t)


def _minus_the_logarithm(t: Trial) -> None:
    args = scores([1.0], [0.75])
    right = loss(0.25)
    no_logarithm = "this is the probability, without its logarithm."
    mistakes = [
        (sigma(0.25), no_logarithm),
        (-sigma(0.25), no_logarithm),
        (-right, "the sign is missing: it is minus the logarithm."),
        (loss(-0.25), "chosen and rejected are the wrong way round."),
        (0.25, "this is the margin. It still has to go through -log σ."),
        (0.75, "this is a hinge, which is 0 from a margin of 1 on. The loss is -log σ."),
        (
            right / math.log(2),
            "this is the loss in bits. In nats the logarithm is the natural one, torch.log.",
        ),
        (right / math.log(10), "this is a logarithm to base 10. In nats it is the natural one."),
        (
            [right],
            "this is one loss for each comparison, or a mean that kept its dimension. Return one "
            "number.",
        ),
        (loss(1), "only the chosen score is used. Take the difference of the two."),
        (loss(1.75), "the two scores are added. Take their difference."),
        (
            math.inf,
            "the loss of one comparison is infinite. Is the sum divided by K - 1? Divide by K.",
        ),
    ]
    t.same(
        args,
        right,
        mistakes,
        otherwise="with a margin of 0.25 the loss is another number: it is -log σ of 0.25",
    )


def _margin_above_zero(t: Trial) -> None:
    args = scores([2.0], [0.5])
    mistakes = [
        (
            loss(-1.5),
            "the model is right here, and the loss is high: chosen and rejected are the wrong way "
            "round.",
        ),
        (-loss(1.5), "the sign is missing: it is minus the logarithm."),
        (
            -loss(-1.5),
            "this gets lower without end as the model gets worse. Is it log(1 - σ)? It should be "
            "-log σ.",
        ),
        (loss(2), "only the chosen score is used."),
        (loss(2.5), "the two scores are added. Take their difference."),
        (-1.5, "this is minus the margin. It still has to go through -log σ."),
        (
            loss(2) - loss(0.5),
            "this is the loss of each score, then the difference. Take the difference of the "
            "scores first.",
        ),
        (sigma(1.5), "this is the probability, without its logarithm."),
        (1 - sigma(1.5), "this is 1 - σ, the size of the push. The loss is -log σ."),
        (
            0.0,
            "the loss is 0 as soon as the model is right. Bradley–Terry goes on asking for more, "
            "ever less.",
        ),
    ]
    t.same(args, loss(1.5), mistakes, otherwise="with a margin of 1.5 the loss is another number")


def _margin_below_zero(t: Trial) -> None:
    args = scores([-1.0], [1.0])
    mistakes = [
        (
            loss(2),
            "the model is wrong here, and the loss is low. Is a size taken without its sign?",
        ),
        (loss(0), "-1 and 1 are two scores. Is a size taken without its sign?"),
    ]
    t.same(args, loss(-2), mistakes, otherwise="with a margin of -2 the loss is another number")


def _mean_over_comparisons(t: Trial) -> None:
    args = scores([2.0, 0.0], [0.0, 1.0])
    mistakes = [
        (
            loss(2) + loss(-1),
            "this is the sum. Take the mean, so that the step does not grow with the batch.",
        ),
        ([loss(2), loss(-1)], "this is one loss for each comparison. Take their mean, one number."),
        (
            loss(0.5),
            "this is the loss of the mean margin. Take the loss of each comparison, then their "
            "mean.",
        ),
        (loss(2), "only the first comparison counts."),
        (loss(-1), "only the last comparison counts."),
        (
            loss(-1) / 2,
            "the loss of the last comparison is divided by 2. Does your loop add up, "
            "total = total + ...?",
        ),
        (
            -math.log((sigma(2) + sigma(-1)) / 2),
            "this is the logarithm of the mean probability. Take the logarithm of each, then the "
            "mean.",
        ),
        (
            (loss(2) + loss(1) + loss(0) + loss(-1)) / 4,
            "every chosen meets every rejected. Compare pair by pair.",
        ),
    ]
    t.same(
        args,
        (loss(2) + loss(-1)) / 2,
        mistakes,
        otherwise="with two comparisons, one right and one wrong, the loss is another number",
    )

    t.same(
        scores([2.0, 0.0, 1.0], [0.0, 1.0, 1.0]),
        (loss(2) + loss(-1) + loss(0)) / 3,
        [
            (
                (loss(2) + loss(-1) + loss(0)) / 2,
                "the sum is divided by 2, and there are three comparisons.",
            )
        ],
        otherwise="with three comparisons the loss is another number",
    )


def _large_loss_is(
    t: Trial, args: tuple, right: float, mistakes: Sequence[tuple[Any, str]], otherwise: str
) -> None:
    overflow = (
        ("OverflowError", "math domain", "expected a positive input"),
        "exp of a large number overflows, and the logarithm of 0 has no value. There is a function "
        "of tensors for log σ that does not do this.",
    )
    with _explained(overflow):
        # float32 keeps four digits after the point of a score of 1000
        t.same(args, right, mistakes, tolerance=1e-4, otherwise=otherwise)


def _scores_of_a_thousand(t: Trial) -> None:
    args = scores([-1000.0], [0.0])
    mistakes = [
        (
            math.inf,
            "the loss is infinite: σ of a very negative number is 0 in the computer, or exp of a "
            "large one overflows. There is a function for log σ that does not do this.",
        ),
        (
            math.nan,
            "the loss is not a number: exp of a large number is infinite in the computer. There is "
            "a function for log σ that does not do this.",
        ),
    ]
    _large_loss_is(
        t,
        args,
        1000.0,
        mistakes,
        otherwise=(
            "with a margin far below 0 the loss is another number. Is the margin or the "
            "probability cut off somewhere?"
        ),
    )

    args = scores([1000.0, 1001.0], [-1000.0, 1000.0])
    mistakes = [
        (
            math.nan,
            "the loss is not a number for large positive margins: something overflows. There is a "
            "function for log σ that does not do this.",
        ),
        (math.inf, "the loss is infinite, and both comparisons are right: something overflows."),
    ]
    _large_loss_is(
        t,
        args,
        loss(1) / 2,
        mistakes,
        otherwise="with large scores the loss is another number. Only the difference counts",
    )


def _gradient_reaches_both(t: Trial) -> None:
    args = scores([2.0, 0.0], [0.0, 1.0])
    up, down = t.gradients(args, (0, 1))
    in_digits = [[round(x, 4) for x in gradient.tolist()] for gradient in (up, down)]
    shown = (
        f"{t.call_text(args)} has the gradient {in_digits[0]} for chosen and {in_digits[1]} for "
        "rejected"
    )
    t.holds(up.abs().sum() > 0, "no gradient reaches chosen. Is it detached on the way?", shown)
    t.holds(
        down.abs().sum() > 0,
        "no gradient reaches rejected. Is it detached on the way? Each comparison pushes one score "
        "up and the other down.",
        shown,
    )
    t.holds(
        bool((up < 0).all() and (down > 0).all()),
        "a step down the loss should raise chosen and lower rejected. The gradient says otherwise.",
        shown,
    )
    pushes = torch.tensor([1 - sigma(2), 1 - sigma(-1)], dtype=torch.float64)
    up_is_right = (up + pushes / 2).abs().max() < 1e-4
    down_is_right = (down - pushes / 2).abs().max() < 1e-4
    t.holds(
        bool(up_is_right and down_is_right),
        "the gradient has the wrong size. Is it cut in one of the steps?",
        shown,
    )


def _push_is_largest_far_below_zero(t: Trial) -> None:
    args = scores([-1000.0], [1000.0])
    up, down = t.gradients(args, (0, 1))
    shown = (
        f"{t.call_text(args)} has the gradient {up.item():.4g} for chosen and {down.item():.4g} "
        "for rejected"
    )
    t.holds(
        _has_size_one(up) and _has_size_one(down),
        "the loss is right but its gradient is not when the model is very wrong: the push should "
        "be largest there. Is something cut off, or does it overflow?",
        shown,
    )


def _has_size_one(gradient: torch.Tensor) -> bool:
    return bool(gradient.isfinite().all() and (gradient.abs() - 1).abs().max() < 1e-4)


def pair(chosen: str, rejected: str, **more: str) -> dict[str, str]:
    """A pair as the reader's function gets it."""
    return {"chosen": chosen, "rejected": rejected, **more}


GOOD = pair("yes", "no")
EQUAL = pair("yes", "yes")
LATE = pair("x b c", "y b c")  # differs before the last two words


@task(
    "ex03",
    points=4,
    minutes=10,
    difficulty="easy",
    idea="how a good reward model improves a base model directly, by data",
    read=f"{L03}, 'Ties and equal pairs'",
    hints=(
        "Ask of each pair: what does the model see of the two texts, and is that the same?",
        "text.split() gives a list of words, and a slice with a negative start gives the last "
        "ones. Two lists of words can be compared with !=. The pair that is kept is the whole one, "
        "not the cut one.",
        "A small function gives the last max_words words of a text. Keep a pair when this function "
        "gives two different things for its texts; the number dropped is the number of all pairs "
        "minus that of the kept.",
    ),
)
def usable_pairs(t: Trial) -> None:
    with t.part(1, "returns the kept pairs and the number dropped"):
        _kept_and_dropped(t)
    with t.part(1, "drops pairs of equal texts, and only those"):
        _equal_texts_are_dropped(t)
    with t.part(1, "cuts to the last max_words words before comparing"):
        _cut_to_the_last_words(t)
        _cut_at_the_end(t)
        _short_texts_are_read_whole(t)
    with t.part(1, "leaves everything else as it is"):
        _left_as_they_are(t)
        _capitals_and_full_stops(t)
        _order_and_edges(t)
        t.untidy()


def _kept_and_dropped(t: Trial) -> None:
    words_missing = (
        ("IndexError",),
        "your code stopped with an IndexError: this text has fewer than max_words words. words[-n] "
        "is one word; words[-n:] with a colon is a slice, and takes what is there.",
    )
    with _explained(words_missing):
        t.run([GOOD], 5)
    args = ([GOOD], 5)
    not_as_it_was = "the right pair is kept, but not as it was. Keep the dictionary itself."
    mistakes = [
        (([("yes", "no")], 0), not_as_it_was),
        (([["yes", "no"]], 0), not_as_it_was),
        (
            [GOOD],
            "these are the kept pairs alone. Return the number of dropped ones as well: return "
            "kept, dropped.",
        ),
        ((0, [GOOD]), "the order is: kept pairs first, then the number."),
        (([GOOD], 1), "the second thing should be how many were dropped, not how many were kept."),
        (
            ([], 1),
            "the two texts differ, and the pair is dropped. Is == in the place of !=, or is "
            "nothing left of a text that is shorter than max_words?",
        ),
        (([GOOD], []), "the second thing should be a number, not a list."),
        (([0], 0), "these are positions in the list. Return the pairs themselves."),
        ((1, 0), "the first thing should be the list of kept pairs, not their number."),
    ]
    t.same(
        args,
        ([GOOD], 0),
        mistakes,
        otherwise="the two texts differ, so the pair is usable. Return kept pairs and a number",
    )

    t.same(
        ([GOOD, pair("red", "blue")], 5),
        ([GOOD, pair("red", "blue")], 0),
        [(([GOOD], 0), "the second pair is lost. Is there a return inside the loop?")],
        otherwise="both pairs are usable",
    )


def _equal_texts_are_dropped(t: Trial) -> None:
    args = ([EQUAL], 5)
    mistakes = [
        (
            ([EQUAL], 0),
            "chosen and rejected are equal: such a pair has no gradient and should be dropped.",
        ),
        (([], 0), "the pair is dropped but not counted."),
        (([], 2), "one pair is dropped, and it is counted twice."),
        (([], [EQUAL]), "the second thing should be how many were dropped, not which ones."),
        ([], "return the number of dropped pairs as well, also when nothing is kept."),
    ]
    t.same(args, ([], 1), mistakes, otherwise="chosen and rejected are equal")

    args = ([EQUAL, EQUAL, GOOD], 5)
    mistakes = [
        (
            ([EQUAL, GOOD], 1),
            "of two equal pairs in a row the second one is left. Do you remove entries from the "
            "list that the loop runs over?",
        ),
        (([GOOD], 1), "two pairs were dropped, and one is counted."),
        (([GOOD], 0), "two pairs were dropped, and none is counted."),
        (
            ([GOOD], 2 / 3),
            "the second thing should be how many pairs were dropped, not their share.",
        ),
    ]
    t.same(
        args,
        ([GOOD], 2),
        mistakes,
        otherwise="two pairs of equal texts and a good one give another result",
    )

    args = ([GOOD, GOOD], 5)
    mistakes = [
        (
            ([GOOD], 1),
            "the two pairs are alike, but in each of them chosen and rejected differ. Compare "
            "within a pair, not between pairs.",
        ),
    ]
    t.same(
        args,
        ([GOOD, GOOD], 0),
        mistakes,
        otherwise="two annotators gave the same answer, and both pairs are usable",
    )


def _cut_to_the_last_words(t: Trial) -> None:
    animals = pair("cat", "rat")
    args = ([animals], 1)
    mistakes = [
        (
            ([], 1),
            "one word is read, and the two words differ. It looks as if the last letters are "
            "compared: split the text into words before you cut.",
        ),
    ]
    t.same(args, ([animals], 0), mistakes, otherwise="one word is read, and the two words differ")

    args = ([LATE], 2)
    mistakes = [
        (
            ([LATE], 0),
            "after cutting to the last 2 words both texts are the same. Cut before you compare, to "
            "exactly max_words words, the ones at the end.",
        ),
        (([pair("b c", "b c")], 0), "the texts are cut, but then not compared."),
    ]
    t.same(args, ([], 1), mistakes, otherwise="after cutting, both texts are the same")

    args = ([LATE], 3)
    mistakes = [
        (
            ([], 1),
            "three words are read here, and the first one differs. Is it cut one word too short?",
        ),
    ]
    t.same(args, ([LATE], 0), mistakes, otherwise="three words are read, and the first one differs")


def _cut_at_the_end(t: Trial) -> None:
    early = pair("a b x", "a b y")
    args = ([early], 2)
    mistakes = [
        (
            ([], 1),
            "the last 2 words differ here. Do you keep the first ones, or leave out the last one?",
        ),
        (
            ([pair("b x", "b y")], 0),
            "the right pair is kept, but cut. Cut only to compare, and keep the pair as it was.",
        ),
    ]
    t.same(args, ([early], 0), mistakes, otherwise="the last 2 words differ")


def _short_texts_are_read_whole(t: Trial) -> None:
    short = pair("no yes", "yes")
    args = ([short], 3)
    mistakes = [
        (
            ([], 1),
            "both texts are shorter than max_words, and read whole they differ. Is one cut to the "
            "length of the other? Or is there a start such as len(words) - max_words, which is "
            "negative here and then counts from the end?",
        ),
    ]
    t.same(
        args,
        ([short], 0),
        mistakes,
        otherwise="texts shorter than max_words are read whole, and these differ",
    )

    cats = pair("big cat", "red cat")
    args = ([cats], 2)
    mistakes = [
        (([], 1), "two words are read, and the first ones differ. Is only the last word compared?"),
    ]
    t.same(args, ([cats], 0), mistakes, otherwise="two words are read, and they differ")

    blanks = pair("red  cat", "red cat")
    args = ([blanks], 2)
    mistakes = [
        (
            ([blanks], 0),
            "both texts have the same two words. Words are what split() gives without an argument; "
            "split(' ') makes an empty word of a second blank.",
        ),
    ]
    t.same(args, ([], 1), mistakes, otherwise="both texts have the same two words")


def _left_as_they_are(t: Trial) -> None:
    turned = pair("a b", "b a", prompt="p")
    args = ([turned], 2)
    mistakes = [
        (
            ([], 1),
            "the same words in another order are another text. Compare lists of words, not sets or "
            "sorted words.",
        ),
        (([pair("a b", "b a")], 0), 'the entry "prompt" is lost. Keep the whole dictionary.'),
        (([("a b", "b a")], 0), "the pair should stay a dictionary."),
    ]
    t.same(
        args, ([turned], 0), mistakes, otherwise="the same words in another order are another text"
    )


def _capitals_and_full_stops(t: Trial) -> None:
    capital = pair("Yes", "yes", prompt="q")
    stop = pair("yes.", "yes")
    args = ([capital, stop], 2)
    mistakes = [
        (([stop], 1), "Yes and yes are two texts for a model. Do not change capitals."),
        (([capital], 1), "a full stop makes another text. Do not remove punctuation."),
        (
            ([], 2),
            "Yes, yes. and yes are three texts for a model. Do not change capitals or punctuation.",
        ),
    ]
    t.same(
        args, ([capital, stop], 0), mistakes, otherwise="capitals and full stops make a difference"
    )


def _order_and_edges(t: Trial) -> None:
    one, two, three = (
        pair("u v w", "w", prompt="r"),
        pair("Yes", "yes", prompt="q"),
        pair("a b", "b a", prompt="p"),
    )
    right = [one, two, three]
    orders = [list(order) for order in itertools.permutations(right) if list(order) != right]
    mistakes = [((order, 2), "the kept pairs are in another order.") for order in orders]
    t.same(
        ([one, EQUAL, two, LATE, three], 2),
        ([one, two, three], 2),
        mistakes,
        otherwise="with five pairs the result is not right",
    )
    t.same(([one, GOOD], 1), ([GOOD], 1), otherwise="with max_words = 1 only the last word counts")
    t.same(([], 3), ([], 0), otherwise="no pairs in, no pairs out")


@task(
    "ex03",
    points=5,
    minutes=20,
    difficulty="hard",
    idea="putting the steps of training a reward model in order",
    read=f"{L03}, 'Bradley–Terry: from comparisons to scores'",
    hints=(
        "Only the difference of the two feature vectors counts: the margin of a pair is the inner "
        "product of w with it. At w = 0 every margin is 0.",
        "By hand: the step for one pair is lr times 1 - σ(margin) times the difference, and you "
        "take the mean over pairs, dim 0. By autograd: w = torch.zeros(D, requires_grad=True), "
        "your loss of two (K,) scores, backward(), then change w inside torch.no_grad() and set "
        "its gradient to zero.",
        "Before the loop: the differences (K, D), and w as zeros of length D. In the loop: the "
        "margins (K,) are differences @ w; from them the pushes (K,); give those the shape (K, 1) "
        "to multiply the differences; add lr times the mean over rows to w.",
    ),
)
def fit_reward(t: Trial) -> None:
    with t.part(1, "the first step: up for chosen, down for rejected"):
        _first_step(t)
        _first_step_of_two_features(t)
    with t.part(1, "takes the mean over pairs, all at once"):
        _mean_over_pairs(t)
    with t.part(1, "each further step starts where the last one ended"):
        _further_steps(t)
    with t.part(2, "finds the weights that the comparisons ask for"):
        _weights_of_one_feature(t)
        _weights_of_more_features(t)
        t.untidy()


FITTING_SLIPS = [
    (
        ("NoneType",),
        "there is no gradient for w in one of the steps. After w = w - ... it is a new tensor, "
        "made by a computation: change it in place, w -= ..., inside torch.no_grad().",
    ),
    (
        ("in-place operation", "inplace operation"),
        "autograd refuses to change w while it watches. Put the update inside "
        "`with torch.no_grad():`.",
    ),
    (
        ("does not require grad",),
        "no gradient reaches w. It needs requires_grad=True (after .detach() once more), and the "
        "loss has to be computed from w outside torch.no_grad().",
    ),
    (
        ("second time",),
        "the same loss is sent backward twice. It belongs to the w it was computed from: compute "
        "it anew in every step, inside the loop.",
    ),
    (
        ("size mismatch", "shapes cannot be multiplied", "inconsistent tensor size"),
        "the shapes do not fit, and your code stops. There is one weight for each of the D "
        "features, not for each pair; (K, D) @ (D,) gives one score for each of K replies.",
    ),
]


def _weights_are(
    t: Trial,
    args: tuple,
    right: list[float],
    mistakes: Sequence[tuple[Any, str]] = (),
    otherwise: str = "the weights are not right",
) -> None:
    with _explained(*FITTING_SLIPS):
        t.same(args, right, mistakes, 1e-4, otherwise)


def _first_step(t: Trial) -> None:
    args = (*features([[5.0]], [[2.0]]), 1, 0.1)
    mistakes = [
        (
            [0.0],
            "the weight has not moved. Is the update applied, is w what you return, and does the "
            "loop run? (range(1, steps) is one step short.)",
        ),
        (
            [-0.15],
            "the weight has moved the wrong way: down the loss means up for what was chosen.",
        ),
        ([1.5], "the learning rate lr is not used."),
        ([0.15 + 0.3 * (1 - sigma(0.45))], "two steps were taken, and one was asked for."),
        ([1 + 0.3 * (1 - sigma(3))], "the weights start at 1. Start at 0."),
        ([1.0], "is w made to length 1? Do not change it besides the steps."),
        ([0.3], "the push is 1 - σ(margin), a half at the start. It looks like 1 here."),
        ([-0.3], "the push is 1 - σ(margin), with a plus sign when it is added to w."),
        ([0.25], "only the chosen reply is used. Take the difference of the two."),
        ([0.35], "the features are added. Take the difference of the two."),
        ([0.1], "the step is exactly lr long. Is this Adam? Use plain gradient descent."),
        (math.log(2), "this is the loss. Return w."),
        (0.15, "return w with its shape (D,), here one entry, not a single number."),
        (
            [[0.15]],
            "return one list of D weights, shape (D,): not a row or column of a table, and not the "
            "w of every step.",
        ),
    ]
    _weights_are(
        t,
        args,
        [0.15],
        mistakes,
        otherwise=(
            "after one step on one pair the weight is not right. Does w start at 0, and is exactly "
            "one step taken?"
        ),
    )


def _first_step_of_two_features(t: Trial) -> None:
    args = (*features([[1.0, 0.0]], [[0.0, 2.0]]), 1, 1.0)
    over_features = "the mean runs over the features too. Take it over the pairs only: dim=0."
    mistakes = [
        ([-0.25, -0.25], over_features),
        (-0.25, over_features),
        (
            [0.25, -0.5],
            "the step is divided by the number of features too. Each reply has one score, the sum "
            "over its features (chosen @ w), and the mean runs over pairs.",
        ),
        (
            [0.5, 1.0],
            "the second feature belongs to the rejected reply, and its weight has gone up.",
        ),
        ([0.5, 0.0], "only the chosen reply is used. Take the difference of the two."),
    ]
    _weights_are(
        t,
        args,
        [0.5, -1.0],
        mistakes,
        otherwise="with two features the first step is not right",
    )


def _mean_over_pairs(t: Trial) -> None:
    args = (*features([[1.0], [4.0]], [[0.0], [1.0]]), 1, 1.0)
    mistakes = [
        ([2.0], "this is the sum over pairs. The loss is a mean, and so is its gradient."),
        ([0.5], "only the first pair counts, or the sum is divided twice."),
        ([1.5], "only the last pair counts."),
        (
            [0.5 + 3 * (1 - sigma(1.5))],
            "one pair after the other: w has already moved when the second pair is read. Use all "
            "pairs with one w, then move it.",
        ),
        ([4.0], "the pushes are 1 - σ(margin), not 1, and the result is a mean, not a sum."),
        ([2.0, 2.0], "there should be one weight for each feature, not for each pair."),
        (
            [1.0, 1.0],
            "there should be one weight for each feature. A push of shape (K,) times differences "
            "of shape (K, D) pairs them up wrongly: give the pushes the shape (K, 1).",
        ),
        (
            [0.5, 1.5],
            "there should be one weight for each feature, not for each pair. Take the mean over "
            "pairs.",
        ),
    ]
    _weights_are(t, args, [1.0], mistakes, otherwise="with two pairs the first step is not right")

    args = (*features([[1.0], [2.0], [0.0]], [[0.0], [0.0], [3.0]]), 1, 3.0)
    mistakes = [
        (
            [1.0],
            "the sign of a difference is lost: in the third pair the reply with the smaller "
            "feature was chosen.",
        ),
    ]
    _weights_are(
        t,
        args,
        [0.0],
        mistakes,
        otherwise="with three pairs that cancel out the first step is not right",
    )


def _further_steps(t: Trial) -> None:
    one = features([[1.0]], [[0.0]])
    args = (*one, 2, 2.0)
    right = 1 + 2 * (1 - sigma(1))
    mistakes = [
        (
            [2.0],
            "each step uses the push at w = 0. Work out the margins anew in every step, with the w "
            "of now.",
        ),
        (
            [1 + 2 * (1.5 - sigma(1))],
            "gradients add up from step to step: autograd adds to w.grad. Set it to zero after "
            "each step.",
        ),
        (
            [1.0],
            "only one step was taken. Is there a return inside the loop, or a range that starts at "
            "1?",
        ),
        ([2 * (1 - sigma(1))], "the weight is replaced by the step instead of moved by it."),
        (
            [1 + 2 * (0.45 + 1 - sigma(1))],
            "the second step is too long by 0.9 of the first. Is this momentum? Use plain gradient "
            "descent.",
        ),
        (
            [1 + 2 * sigma(1)],
            "the push grows as the model gets surer. It is 1 - σ(margin), not σ(margin).",
        ),
        (
            [3.0],
            "the second step is as long as two first ones. Do gradients add up, and is w the one "
            "of now?",
        ),
        (
            [right + 2 * (1 - sigma(right))],
            "one step too many was taken.",
        ),
    ]
    _weights_are(t, args, [right], mistakes, otherwise="after two steps the weight is not right")

    args = (*one, 0, 2.0)
    mistakes = [
        ([1.0], "no step was asked for, and one was taken."),
        (0, "return w with its shape (D,), also after no steps."),
    ]
    _weights_are(t, args, [0.0], mistakes, otherwise="with steps = 0 nothing should move")


NEAR = math.log(3)  # σ of it is three quarters


def _weights_of_one_feature(t: Trial) -> None:
    three_of_four = features([[1.0], [1.0], [1.0], [0.0]], [[0.0], [0.0], [0.0], [1.0]])
    args = (*three_of_four, 300, 1.0)
    mistakes = [
        ([1.0], "is w made to length 1, or bounded? Do not change it besides the steps."),
        (
            [150.0],
            "the weight has gone off without end, although one of four comparisons says the "
            "opposite. Does the push depend on the margin, and does each pair keep its sign?",
        ),
    ]
    _weights_are(
        t,
        args,
        [NEAR],
        mistakes,
        otherwise=(
            "three of four comparisons ask for the feature: after 300 steps σ(w) should be three "
            "quarters. It is not"
        ),
    )


def _weights_of_more_features(t: Trial) -> None:
    none, up, down = [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]
    rows = (
        [none, none, none, up, none, down, down, down],
        [up, up, up, none, down, none, none, none],
    )
    _weights_are(
        t,
        (*features(*rows), 400, 2.0),
        [-NEAR, NEAR],
        [([NEAR, -NEAR], "both weights have the wrong sign.")],
        otherwise=(
            "two features, one disliked by three of four and one liked by three of four: the "
            "weights are not right"
        ),
    )

    chosen, rejected = rows
    far = (
        [[x + 10, y - 20] for x, y in chosen],
        [[x + 10, y - 20] for x, y in rejected],
    )
    _weights_are(
        t,
        (*features(*far), 400, 2.0),
        [-NEAR, NEAR],
        otherwise=(
            "the same pairs with a constant added to each feature of both replies. "
            "Only differences count, so w should not change"
        ),
    )

    _weights_are(
        t,
        (*features([[-1.0, 0.0, 2.0]], [[1.0, 0.0, 1.0]]), 1, 0.5),
        [-0.5, 0.0, 0.25],
        otherwise="with three features the first step is not right",
    )


@task(
    "ex03",
    points=4,
    minutes=10,
    difficulty="medium",
    idea="calibration of a reward model",
    read=f"{L03}, 'Deeper: Does it mean what it says?'",
    hints=(
        "A prediction and its outcome belong together: whatever you do to the one has to be done "
        "to the other.",
        "torch.argsort gives the positions that sort the predictions; use the same positions on "
        "both tensors. k groups of equal size: reshape the positions to k rows, -1 lets torch find "
        "the length.",
        "argsort, reshape to (k, -1), then for each row of positions the mean of the predictions "
        "there and the mean of the outcomes there, as a tuple in a list.",
    ),
)
def calibration(t: Trial) -> None:
    with t.part(1, "gives mean prediction and observed share"):
        _prediction_and_share(t)
    with t.part(1, "cuts into k groups, lowest predictions first"):
        _groups_in_order(t)
    with t.part(1, "sorts by prediction, and each outcome stays with its own"):
        _outcomes_stay_with_predictions(t)
    with t.part(1, "groups of equal size, for any k"):
        _groups_of_equal_size(t)
        t.untidy()


NOT_ONE_GROUP = [
    ((0.5, 2 / 3), "with one group the result is still a list, with one tuple in it."),
    (
        {0.5: 2 / 3},
        "this is a dictionary. Return a list of tuples: two groups may have the same mean.",
    ),
    ([0.5], "the observed share is missing."),
    ([2 / 3], "the mean prediction is missing."),
    (
        [[0.5], [2 / 3]],
        "this is a list of predictions and a list of shares. Return one tuple for each group.",
    ),
    (
        [(0.1, 0.0), (0.6, 1.0), (0.8, 1.0)],
        "there should be k groups, and k is 1 here. Is it used as their size?",
    ),
]


def _prediction_and_share(t: Trial) -> None:
    args = (*scores([0.1, 0.6, 0.8], [0.0, 1.0, 1.0]), 1)
    wrong_numbers = [
        (
            [(2 / 3, 0.5)],
            "the two are the wrong way round: mean prediction first, then the observed share.",
        ),
        (
            [(0.5, 2.0)],
            "the second number should be the share of ones: divide their count by the group's "
            "size.",
        ),
        (
            [(1.5, 2.0)],
            "these are sums. Divide by the number of pairs in the group: that is M / k, not k.",
        ),
        (
            [(0.5, 1 / 3)],
            "this is the share of outcomes that are 0. The share of those that are 1 is asked for.",
        ),
        (
            [(0.5, 1.0)],
            "the second number should be the share of outcomes that are 1. Is it the share of "
            "right guesses, or a median?",
        ),
        ([(0.6, 2 / 3)], "this is the median of the predictions. Take their mean."),
        ([(0.6, 1.0)], "these are medians. Take means."),
        (
            [(2.3 / 3, 1.0)],
            "predictions below one half are turned round, as in the lesson's figure. Here "
            "predictions and outcomes stay as they are.",
        ),
        (
            [(0.35, 0.5)],
            "the last pair is in no group. A slice a:b ends before b, and so does a range of "
            "values with < at its upper end.",
        ),
    ]
    t.same(
        args,
        [(0.5, 2 / 3)],
        [*wrong_numbers, *NOT_ONE_GROUP],
        otherwise=(
            "with one group of three the result is not right. Is something rounded or left out?"
        ),
    )


def _groups_in_order(t: Trial) -> None:
    ordered = scores([0.1, 0.2, 0.3, 0.6, 0.8, 1.0], [0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    args = (*ordered, 2)
    every_second = (
        "each group holds every second pair. Neighbours in the sorted order belong together."
    )
    mistakes = [
        (
            [(0.8, 1.0), (0.2, 1 / 3)],
            "the groups come highest first. Begin with the lowest predictions.",
        ),
        ([(0.4, 1 / 3), (0.6, 1.0)], every_second),
        ([(1.1 / 3, 1 / 3), (1.9 / 3, 1.0)], every_second),
        (
            [(0.2, 1 / 6), (0.8, 0.5)],
            "the count is divided by the number of all pairs. Divide by the group's size.",
        ),
        (
            [(0.2, 1 / 3), (1.1 / 3, 2 / 3)],
            "the groups overlap: the second one begins where the first one ends, not one pair "
            "further.",
        ),
        (
            [(0.2, 1 / 3), (0.7, 1.0)],
            "the last pair, with a prediction of 1, is in no group. Are the cuts at fixed "
            "probabilities? Cut the sorted list into k parts of equal length.",
        ),
        ([(0.2, 1 / 3)], "only the first group is returned. Is there a return inside the loop?"),
    ]
    t.same(
        args,
        [(0.2, 1 / 3), (0.8, 1.0)],
        mistakes,
        otherwise="with six pairs already in order and k = 2 the result is not right",
    )


MIXED = scores([0.8, 0.1, 0.6, 0.2, 1.0, 0.3], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0])


def _outcomes_stay_with_predictions(t: Trial) -> None:
    args = (*MIXED, 2)
    mistakes = [
        ([(0.5, 2 / 3), (0.5, 1 / 3)], "the pairs are not sorted by prediction."),
        (
            [(0.2, 2 / 3), (0.8, 1 / 3)],
            "the predictions are sorted, but the outcomes stay where they were. Move both in the "
            "same way.",
        ),
        (
            [(0.2, 0.0), (0.8, 1.0)],
            "predictions and outcomes are sorted each by itself, so an outcome no longer belongs "
            "to its prediction.",
        ),
        (
            [(2 / 3, 2 / 3), (1 / 3, 1 / 3)],
            "ranks are used as positions. argsort, once, gives the positions that sort; argsort of "
            "argsort gives ranks.",
        ),
        (
            [(1.4 / 3, 0.0), (1.6 / 3, 1.0)],
            "the pairs are sorted by outcome. Sort them by prediction.",
        ),
    ]
    t.same(
        args,
        [(0.2, 1 / 3), (0.8, 2 / 3)],
        mistakes,
        otherwise="when the pairs come in any order the result is not right",
    )


def _groups_of_equal_size(t: Trial) -> None:
    close = scores([0.5, 0.52, 0.54, 0.9], [1.0, 0.0, 1.0, 1.0])
    fixed_cuts = (
        "the cuts are at fixed probabilities, so the groups differ in size. Cut the "
        "sorted list into k parts of equal length."
    )
    args = (*close, 2)
    mistakes = [
        ([(0.52, 2 / 3), (0.9, 1.0)], fixed_cuts),
        ([(0.615, 0.75)], fixed_cuts),
        ([(math.nan, math.nan), (0.615, 0.75)], fixed_cuts),
        ([(0.0, 0.0), (0.615, 0.75)], fixed_cuts),
        ([(0.5, 1.0), (1.96 / 3, 2 / 3)], fixed_cuts),
        ([(0.51, 0.5), (0.54, 1.0)], "the last pair is lost. Mind the end of a slice."),
    ]
    t.same(
        args,
        [(0.51, 0.5), (0.72, 1.0)],
        mistakes,
        otherwise="the groups should have two pairs each",
    )

    t.same(
        (*close, 4),
        [(0.5, 1.0), (0.52, 0.0), (0.54, 1.0), (0.9, 1.0)],
        otherwise="with as many groups as pairs each pair is a group",
    )

    t.same(
        (*MIXED, 3),
        [(0.15, 0.5), (0.45, 0.5), (0.9, 0.5)],
        otherwise="with six pairs and k = 3 the result is not right",
    )
