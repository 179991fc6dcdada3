"""Checks of exercise 02, N-best candidates: what the reader's answer must do."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .compare import in_a_line
from .outcome import Wrong
from .registry import need as need
from .registry import task
from .trial import Trial

L02 = "lesson 02"
NAN = math.nan


LOG3 = math.log(3)
ODDS = 1 / (1 + math.e)  # of the lower of two logits that differ by 1
NEAR = 1e-4  # float32 keeps four digits after the point of a logit of 1000


@task(
    "ex02",
    points=3,
    minutes=8,
    difficulty="easy",
    idea="generating N-best candidates",
    read=f"{L02}, 'From logits to a word'",
    hints=(
        "Two steps: make positive numbers of the logits with exp, then divide each row by its sum. "
        "For large logits: what changes in the result when you take the same number off all logits "
        "of a row?",
        "Nothing changes, since the factor cancels. Take off each row's highest logit: "
        "logits.amax(dim=1, keepdim=True). Then no exponent is above 0. keepdim=True keeps the "
        "shape (R, 1), so that it fits to (R, V).",
        "Three lines: take each row's highest logit off and divide by T; exp; divide by "
        ".sum(dim=1, keepdim=True).",
    ),
)
def softmax_at(t: Trial) -> None:
    with t.part(1, "each row is its own distribution"):
        _one_row(t)
        _two_rows(t)
    with t.part(1, "the temperature divides the logits"):
        _temperature_divides_the_logits(t)
    with t.part(1, "stable for large logits and small T"):
        _large_logits(t)
        _very_low_logits(t)
        _small_temperature(t)
        _wide_rows(t)
        _rows_of_different_size(t)
        t.untidy()


def _distribution(
    t: Trial, args: tuple, right: list, mistakes: Sequence[tuple[Any, str]], otherwise: str
) -> None:
    """As ``t.same``; where no mistake fits, a row that does not add up to 1 is told so."""
    try:
        t.same(args, right, mistakes, otherwise=otherwise)
    except Wrong as wrong:
        if wrong.message != f"{otherwise}.":
            raise
        sums = np.asarray(t.run(*args)).sum(axis=1)
        if np.any(np.abs(sums - 1) > 1e-3):
            raise Wrong(
                "a row does not add up to 1. Divide its numbers by their own sum, the sum of "
                "exactly these numbers.",
                wrong.shown,
            ) from None
        raise


def _one_row(t: Trial) -> None:
    args = (torch.tensor([[0.0, LOG3]]), 1.0)
    not_divided = "these are positive, but they do not add up to 1: divide by their sum."
    mistakes = [
        ([[1.0, 3.0]], not_divided),
        ([[1 / 3, 1.0]], not_divided),
        (
            [[0.5, 0.5]],
            "the two words come out alike: is each logit taken off itself? The highest of a row is "
            "amax(dim=1).",
        ),
        ([[0.0, LOG3]], "these are still logits."),
        (
            [[0.75, 0.25]],
            "the word with the higher logit gets the lower probability: is a sign turned round?",
        ),
        ([[1.0, 1.0]], "every number is divided by itself. Sum over the words of a row: dim=1."),
        ([[0.25 / 2, 0.75 / 2]], "the row adds up to a half, not to 1."),
        ([[math.log(0.25), math.log(0.75)]], "these are logarithms of probabilities."),
        (
            [[0.0, 1.0]],
            "all the probability goes to the likeliest word: that is the limit of T near 0, not "
            "T = 1.",
        ),
    ]
    _distribution(
        t,
        args,
        [[0.25, 0.75]],
        mistakes,
        otherwise="these are not the probabilities of this row at T = 1",
    )


def _two_rows(t: Trial) -> None:
    args = (torch.tensor([[0.0, LOG3], [0.0, 0.0]]), 1.0)
    together = "all numbers together add up to 1. Each row should by itself."
    columns = (
        "each column is divided by a row's sum. The sums have shape (R,); with keepdim=True they "
        "have (R, 1) and fit to the rows."
    )
    mistakes = [
        ([[0.5, 0.75], [0.5, 0.25]], "the columns add up to 1. Each row should: sum over dim=1."),
        ([[1 / 6, 0.5], [1 / 6, 1 / 6]], together),
        ([[0.1, 0.3], [0.3, 0.3]], together),
        ([[0.25, 1.5], [0.25, 0.5]], columns),
        ([[0.25, 0.5], [0.75, 0.5]], columns),
        (
            [[0.1, 2.25], [0.1, 0.75]],
            "the rows' highest logits and sums have shape (R,) and go to the columns. With "
            "keepdim=True they have (R, 1) and fit to the rows.",
        ),
        (
            [[0.1, 0.9], [0.25, 0.75]],
            "from each column a row's highest logit is taken off. With keepdim=True these have "
            "shape (R, 1) and fit to the rows.",
        ),
        ([[0.25, 0.75], [0.25, 0.75]], "the second row gets the probabilities of the first."),
    ]
    _distribution(
        t,
        args,
        [[0.25, 0.75], [0.5, 0.5]],
        mistakes,
        otherwise="with two rows each should have its own probabilities",
    )


def _temperature_divides_the_logits(t: Trial) -> None:
    # the odds of 3 to 1 at T = 1 become 9 to 1 at T = 0.5, and √3 to 1 at T = 2
    for T, odds, odds_if_multiplied in ((0.5, 9.0, 3**0.5), (2.0, 3**0.5, 9.0)):
        args = (torch.tensor([[0.0, LOG3]]), T)
        second_softmax = 1 / (1 + math.exp(0.5 / T))
        mistakes = [
            (
                [[1 / (1 + odds_if_multiplied), odds_if_multiplied / (1 + odds_if_multiplied)]],
                "a temperature below 1 should make the likely word likelier, one above 1 less so. "
                "Here it is the other way round: divide by T, do not multiply.",
            ),
            (
                [[0.25, 0.75]],
                "the temperature has no effect. (Dividing the numbers after exp does nothing: the "
                "factor cancels.)",
            ),
            (
                [[0.25 / T, 0.75 / T]],
                "the probabilities are divided by T, and no longer add up to 1. Divide the logits, "
                "before exp.",
            ),
            (
                [[second_softmax, 1 - second_softmax]],
                "a second softmax is taken of the probabilities divided by T. Divide the logits by "
                "T, and take one softmax.",
            ),
            (
                [[0.25 ** (1 / T), 0.75 ** (1 / T)]],
                "the probabilities are raised to the power 1/T, which is right, but then they have "
                "to be divided by their sum again.",
            ),
        ]
        _distribution(
            t,
            args,
            [[1 / (1 + odds), odds / (1 + odds)]],
            mistakes,
            otherwise=f"these are not the probabilities at T = {T:g}",
        )


def _large_logits(t: Trial) -> None:
    overflow = (
        "nan: exp of a large number is inf, and inf / inf is nan. Take the row's highest logit off "
        "first; the probabilities stay the same."
    )
    args = (torch.tensor([[1000.0, 1001.0]]), 1.0)
    mistakes = [
        ([[NAN, NAN]], overflow),
        ([[0.0, NAN]], overflow),
        ([[0.5, 0.5]], "the large logits are cut off, so their difference is lost."),
        ([[0.0, 0.0]], "the sum is inf, and what is divided by it is 0."),
    ]
    t.same(
        args,
        [[ODDS, 1 - ODDS]],
        mistakes,
        tolerance=NEAR,
        otherwise=(
            "the probabilities of large logits are not right; only the difference of the two counts"
        ),
    )


def _very_low_logits(t: Trial) -> None:
    args = (torch.tensor([[-1000.0, -1001.0]]), 1.0)
    mistakes = [
        (
            [[NAN, NAN]],
            "nan: exp of -1000 is 0, and 0 / 0 is nan. Take the row's highest logit off, whatever "
            "its sign.",
        ),
        (
            [[0.0, 0.0]],
            "both are 0: exp of -1000 is too small for a float. Take the row's highest logit off, "
            "whatever its sign.",
        ),
        ([[0.5, 0.5]], "the low logits are cut off, so their difference is lost."),
    ]
    t.same(
        args,
        [[1 - ODDS, ODDS]],
        mistakes,
        tolerance=NEAR,
        otherwise=(
            "the probabilities of very low logits are not right; only the difference of the two "
            "counts"
        ),
    )


def _small_temperature(t: Trial) -> None:
    late = (
        "nan: an exponent is still too large. Is the highest logit taken off before T divides the "
        "others? Divide the difference by T."
    )
    args = (torch.tensor([[30.0, 31.0]]), 0.0625)
    mistakes = [
        ([[NAN, NAN]], late),
        ([[0.0, NAN]], late),
        ([[ODDS, 1 - ODDS]], "the temperature has no effect here."),
    ]
    t.same(
        args,
        [[1 / (1 + math.exp(16)), 1 / (1 + math.exp(-16))]],
        mistakes,
        otherwise="a small temperature makes the exponents large; the result is not right then",
    )


def _wide_rows(t: Trial) -> None:
    args = (torch.tensor([[0.0, 1000.0]]), 1.0)
    not_the_highest = (
        "nan: an exponent is still too large. What is taken off has to be the highest logit of the "
        "row, not its mean or lowest."
    )
    mistakes = [([[0.0, NAN]], not_the_highest), ([[NAN, NAN]], not_the_highest)]
    otherwise = "a row of a low and a very high logit is not right"
    t.same(args, [[0.0, 1.0]], mistakes, otherwise=otherwise)

    args = (torch.tensor([[0.0, 1000.0]]), 500.0)
    mistakes = [
        (
            [[0.0, 1.0]],
            "the first word is lost: without T its probability is rounded to 0, and no power "
            "brings it back. Divide the logits by T before exp.",
        ),
    ]
    t.same(
        args,
        [[1 / (1 + math.exp(2)), 1 / (1 + math.exp(-2))]],
        mistakes,
        tolerance=NEAR,
        otherwise="a high temperature brings large logits together; the result is not right then",
    )


def _rows_of_different_size(t: Trial) -> None:
    args = (torch.tensor([[0.0, 1.0], [1000.0, 1001.0]]), 1.0)
    mistakes = [
        (
            [[NAN, NAN], [ODDS, 1 - ODDS]],
            "the first row is lost: the highest of all rows is taken off. Take off each row's own.",
        ),
        (
            [[ODDS, 1 - ODDS], [NAN, NAN]],
            "the second row is lost: the first row's highest logit is taken off. Take off each "
            "row's own.",
        ),
    ]
    t.same(
        args,
        [[ODDS, 1 - ODDS]] * 2,
        mistakes,
        tolerance=NEAR,
        otherwise="two rows of different size should both come out right",
    )


ROW = [0.5, 0.25, 0.1875, 0.0625]


@task(
    "ex02",
    points=4,
    minutes=20,
    difficulty="medium",
    idea="generating N-best candidates",
    read=f"{L02}, 'From logits to a word'",
    hints=(
        "Sort each row, likeliest first. A word stays as long as the words before it have not "
        "reached p yet. Then everything has to go back to where it came from.",
        "probs.sort(dim=1, descending=True, stable=True) gives two tensors: the sorted "
        "probabilities and, for each, the column it came from (index); with stable=True torch "
        "wants dim by its name. Their running sum (cumsum), minus the word's own probability, is "
        "what stands before it. torch.zeros_like(probs).scatter(1, index, values) puts values back "
        "into their columns.",
        "A word goes when (running sum - own probability) >= p; set this to False in column 0, so "
        "that one word always stays. Put 0 where it is True (masked_fill), scatter back, and "
        "divide by the row's sum with keepdim=True.",
    ),
)
def nucleus(t: Trial) -> None:
    with t.part(1, "keeps the smallest set that reaches p"):
        _smallest_set(t)
    with t.part(1, "what stays is divided by its sum"):
        _divided_by_its_sum(t)
    with t.part(1, "words in any order, each row by itself"):
        _words_in_any_order(t)
        _each_row_by_itself(t)
    with t.part(1, "edges: p just reached, p = 0 and 1, equal words"):
        _edges_of_p(t)
        _equal_words(t)
        t.untidy()


def _keeps(
    t: Trial,
    probs: list[list[float]],
    p: float,
    right: list[list[int]],
    mistakes: Sequence[tuple[list[list[int]], str]] = (),
    otherwise: str = "that is not the smallest set of most likely words that reaches p",
) -> None:
    """Check which words stay, whatever their new probabilities.

    ``right`` and the values of ``mistakes``: the positions of words, one list for each row.
    """
    args = (torch.tensor(probs), p)
    got = t.run(*args)
    shown = f"{t.call_text(args)} gave {in_a_line(got)}"
    sizes = _row_sizes(got)
    t.holds(
        len(sizes) >= len(probs),
        f"the result has {len(sizes)} of the {len(probs)} rows. Does return stand inside the loop?",
        shown,
    )
    t.holds(
        sizes == [len(row) for row in probs],
        "the result should have the shape (R, V) of probs. Words outside the nucleus get 0; they "
        "are not removed.",
        shown,
    )
    rows = [[float(value) for value in row] for row in got]
    kept = [_positive(row) for row in rows]
    for value, message in mistakes:
        t.holds(kept != value, message, shown)
    has_nan = any(value != value for row in rows for value in row)
    t.holds(
        not has_nan,
        "nan: a row was divided by 0, because no word was left in it.",
        shown,
    )
    t.holds(all(kept), "a row has no word left.", shown)
    t.holds(kept == right, f"{otherwise}.", shown)


def _positive(row: list[float]) -> list[int]:
    """The positions of words that stay: neither 0 nor nan."""
    return [k for k, value in enumerate(row) if value and value == value]


def _row_sizes(value: Any) -> list[int | None]:
    """The sizes of the rows of a matrix; anything else is told so."""
    if isinstance(value, (list, tuple)) or hasattr(value, "shape"):
        return [_size(row) for row in value]
    kind = "one number" if isinstance(value, (int, float)) else f"a {type(value).__name__}"
    raise Wrong(f"the result should have the shape (R, V) of probs, but is {kind}.")


def _size(row: Any) -> int | None:
    return len(row) if isinstance(row, (list, tuple)) or getattr(row, "shape", ()) else None


def _smallest_set(t: Trial) -> None:
    few = "the set does not reach p: the word with which the sum reaches p belongs to it."
    many = "the set is larger than needed: it reaches p without its last word."
    mistakes = [
        ([[0]], few),
        ([[0, 1, 2]], many),
        (
            [[0, 1, 2, 3]],
            "all words stay. Sum up along the row (dim=1) from the likeliest word, and stop when p "
            "is reached.",
        ),
        (
            [[]],
            "no word is left: is each probability by itself compared with p? Compare their running "
            "sum.",
        ),
        ([[2, 3]], "the nucleus was set to 0 and the rest kept: turned round."),
        ([[1, 2, 3]], "the likeliest word is gone: begin with the likeliest."),
    ]
    _keeps(t, [ROW], 0.7, [[0, 1]], mistakes)

    mistakes = [
        ([[0, 1]], few),
        ([[0, 1, 2, 3]], many),
        ([[0]], few),
    ]
    _keeps(t, [ROW], 0.8, [[0, 1, 2]], mistakes)


def _divided_by_its_sum(t: Trial) -> None:
    args = (torch.tensor([ROW]), 0.7)
    total = math.exp(0.5) + math.exp(0.25)
    mistakes = [
        (
            [[0.5, 0.25, 0.0, 0.0]],
            "the right words stay, but the row no longer adds up to 1: divide it by its sum.",
        ),
        ([[1.0, 1.0, 0.0, 0.0]], "these say which words stay. Return their probabilities."),
        (
            [[0.5, 0.5, 0.0, 0.0]],
            "the words that stay should keep their proportion, 2 to 1: divide them by their sum.",
        ),
        (
            [[0.5 / 0.7, 0.25 / 0.7, 0.0, 0.0]],
            "the row is divided by p. What is left is more than p: divide by its sum.",
        ),
        (
            [[math.exp(0.5) / total, math.exp(0.25) / total, 0.0, 0.0]],
            "a softmax is taken of probabilities. Divide them by their sum.",
        ),
    ]
    t.same(
        args,
        [[2 / 3, 1 / 3, 0, 0]],
        mistakes,
        otherwise=(
            "the words that stay should keep their proportion, 2 to 1: divide them by their sum"
        ),
    )


def _words_in_any_order(t: Trial) -> None:
    mixed = [[0.125, 0.5, 0.125, 0.25]]
    mistakes = [
        (
            [[0, 1]],
            "the first two places stay: these are places in the sorted row. Put the probabilities, "
            "or the marks of what stays, back in their own places: column k belongs to word k.",
        ),
        (
            [[0, 2]],
            "the words come back in wrong places. index says for each sorted word where it came "
            "from; scatter(1, index, ...) undoes the sorting, taking by index once more does not.",
        ),
        (
            [[0, 1, 2, 3]],
            "the running sum goes over the row as it stands. Sort it first, likeliest first.",
        ),
        (
            [[0, 1, 3]],
            "word 0 stays and is not needed. The word that always stays is the first of the sorted "
            "row, not the first of probs.",
        ),
        (
            [[0, 1, 2]],
            "the set is summed up in the order in which the words stand. Begin with the likeliest.",
        ),
    ]
    _keeps(t, mixed, 0.7, [[1, 3]], mistakes)

    args = (torch.tensor(mixed), 0.7)
    mistakes = [
        ([[0.0, 0.5, 0.0, 0.25]], "the row does not add up to 1: divide it by its sum."),
        ([[0.0, 1 / 3, 0.0, 2 / 3]], "the right places, but the two probabilities are swapped."),
    ]
    t.same(
        args,
        [[0, 2 / 3, 0, 1 / 3]],
        mistakes,
        otherwise="the right words stay, but their probabilities are not right",
    )


def _each_row_by_itself(t: Trial) -> None:
    probs = [ROW, [0.3, 0.1, 0.35, 0.25]]
    carried = (
        "the sum is carried on from the first row into the second. Begin each row at 0 "
        "(cumsum: dim=1)."
    )
    mistakes = [
        (
            [[0, 1], [0, 1]],
            "the second row keeps the places of the first row's words. Each row has its own "
            "nucleus.",
        ),
        ([[0, 1], []], carried),
        ([[0, 1], [2]], carried),
        (
            [[0, 1], [0, 2]],
            "the second row keeps as many words as the first. Here it needs more: each row has its "
            "own number.",
        ),
    ]
    _keeps(
        t,
        probs,
        0.7,
        [[0, 1], [0, 2, 3]],
        mistakes,
        otherwise="with two rows each should keep its own most likely words",
    )

    args = (torch.tensor([ROW, [0.0625, 0.25, 0.5, 0.1875]]), 0.7)
    mistakes = [
        (
            [[1 / 3, 1 / 6, 0, 0], [0, 1 / 6, 1 / 3, 0]],
            "all rows together add up to 1. Divide each by its own sum.",
        ),
    ]
    t.same(
        args,
        [[2 / 3, 1 / 3, 0, 0], [0, 1 / 3, 2 / 3, 0]],
        mistakes,
        otherwise="each row should be divided by its own sum",
    )


def _edges_of_p(t: Trial) -> None:
    mistakes = [
        ([[]], "no word is left. The likeliest word alone is more than p, and it should stay."),
        ([[0, 1]], "the first word reaches p by itself."),
    ]
    _keeps(t, [ROW], 0.3, [[0]], mistakes)

    mistakes = [
        (
            [[0, 1, 2]],
            "0.5 + 0.25 is 0.75, which reaches p: no more are needed. Is > used for >=, or the "
            "other way round?",
        ),
        ([[0]], "the set does not reach p."),
    ]
    _keeps(t, [ROW], 0.75, [[0, 1]], mistakes)

    _keeps(
        t,
        [ROW],
        1.0,
        [[0, 1, 2, 3]],
        [([[0, 1, 2]], "with p = 1 the last word is needed as well.")],
        otherwise="with p = 1 all words are needed",
    )

    _keeps(
        t,
        [[0.52, 0.42, 0.06]],
        1.0,
        [[0, 1, 2]],
        otherwise="rounding keeps the sum of this row below p = 1; all its words stay then",
    )

    _keeps(
        t,
        [ROW],
        0.0,
        [[0]],
        [([[]], "with p = 0 no word is left; one always stays.")],
        otherwise="with p = 0 one word should stay, the likeliest",
    )


def _equal_words(t: Trial) -> None:
    mistakes = [
        (
            [[0, 1, 2, 3]],
            "all words that are as likely as the last one of the set stay too. Two of them reach "
            "p, so the set is not the smallest.",
        ),
        (
            [[2, 3]],
            "of equally likely words those on the right stay; those on the left should (a stable "
            "sort).",
        ),
    ]
    _keeps(
        t,
        [[0.25] * 4],
        0.5,
        [[0, 1]],
        mistakes,
        otherwise=(
            "of four equally likely words two should stay, those on the left. Is a word looked up "
            "by its probability? Here all have the same"
        ),
    )


SIX = torch.tensor([[0.3, 0.2, 0.1, 0.25, 0.05, 0.1]])
ELSEWHERE = "the point u lies in another word's piece"
BEYOND = "u lies beyond the last end; take the last word that has any probability"


@task(
    "ex02",
    points=4,
    minutes=15,
    difficulty="medium",
    idea="generating N-best candidates",
    read=f"{L02}, 'From logits to a word'",
    hints=(
        "Where does each piece end? The word that is drawn is the first whose piece ends beyond u.",
        "The ends are running sums, probs.cumsum(dim=1). Count in each row the ends that are at or "
        "below u: that many pieces lie wholly to the left of the point. u[:, None] has shape (R, "
        "1) and so can be compared with (R, V).",
        "The count of ends <= u is the index. Then the trap: find each row's last index with "
        "probability above 0, and take the smaller of the two (torch.minimum). Multiplying "
        "torch.arange(V) by (probs > 0) and taking the highest in each row gives it.",
    ),
)
def draw_tokens(t: Trial) -> None:
    with t.part(1, "draws the word whose piece holds u"):
        _word_in_the_middle(t)
        _first_and_last_word(t)
    with t.part(1, "each row has its own probabilities and its own u"):
        _own_probabilities_and_own_u(t)
    with t.part(1, "on an edge the word to the right, and never one of probability 0"):
        _points_on_an_edge(t)
    with t.part(1, "a row that adds up to a little less than 1"):
        _beyond_the_last_end(t)
        _last_word_of_each_row(t)
        t.untidy()


def _word_in_the_middle(t: Trial) -> None:
    args = (SIX, torch.tensor([0.68]))
    mistakes = [
        ([0], "that is the likeliest word, or simply the first. Its piece ends before u."),
        (
            [1],
            "the point is looked for on another ruler, read from its right end or with the words "
            "sorted. Begin on the left, and leave the words in their order.",
        ),
        (
            [2],
            "too low: this word's piece ends before u. Is 1 taken off the index, or are the words "
            "sorted?",
        ),
        ([4], "one too far: are the words counted from 1? Their indices begin at 0."),
        (
            [5],
            "too far. A probability is the length of a piece, not where it ends: add them up along "
            "the row.",
        ),
        ([6], "no word has this index. Are the probabilities added up along the row, dim=1?"),
        ([0.25], "this is a probability. Return the index of the word."),
        ([0.85], "this is where the piece ends. Return the index of the word."),
        ([[0, 0, 0, 1, 0, 0]], "one index for each row is wanted."),
        (
            [[0, 0, 0, 1, 1, 1]],
            "these are truth values. They tell which pieces end beyond u; make one index of each "
            "row.",
        ),
        (
            [[1, 1, 1, 0, 0, 0]],
            "these are truth values. They tell which pieces end before u; make one index of each "
            "row.",
        ),
    ]
    t.same(args, [3], mistakes, otherwise=ELSEWHERE)


def _first_and_last_word(t: Trial) -> None:
    args = (SIX, torch.tensor([0.1]))
    mistakes = [([1], "the first word's piece holds this point. The words are counted from 0.")]
    t.same(args, [0], mistakes, otherwise=ELSEWHERE)

    args = (SIX, torch.tensor([0.95]))
    mistakes = [([4], "one too low: the last word's piece holds this point.")]
    got = t.same(args, [5], mistakes, otherwise=ELSEWHERE)
    t.holds(
        np.asarray(got).dtype.kind in "iu",
        "the index is right, but it is not of a type of whole numbers, so no word can be looked up "
        "with it. Return integers (for a tensor: torch.long).",
        f"{t.call_text(args)} gave {in_a_line(got)}",
    )


def _own_probabilities_and_own_u(t: Trial) -> None:
    probs = torch.tensor([[0.1, 0.1, 0.1, 0.7], [0.2, 0.5, 0.2, 0.1]])
    u = torch.tensor([0.8, 0.5])
    mistakes = [
        ([3, 3], "the second row is drawn with the probabilities of the first."),
        ([3, 2], "all rows are drawn with the first u. Each row has its own."),
        ([4, 2], "the probabilities are added up over rows. Add them up along a row: dim=1."),
        (
            [3, 0],
            "the second row stops at its first word: is the running sum carried on from the first "
            "row? Begin each row at 0.",
        ),
        ([3], "the second row is missing: does return stand inside the loop?"),
        (3, "one word for all rows. Each row has its own."),
    ]
    t.same(
        (probs, u),
        [3, 1],
        mistakes,
        otherwise="two rows should give two words, each by its own probabilities and its own u",
    )


def _points_on_an_edge(t: Trial) -> None:
    args = (torch.tensor([[0.5, 0.5]]), torch.tensor([0.5]))
    mistakes = [
        (
            [0],
            "the point lies on the edge between the two pieces; it belongs to the one on its "
            "right. (Compare ends with u by <=; or searchsorted with right=True.)",
        ),
    ]
    t.same(args, [1], mistakes, otherwise="a point on an edge belongs to the piece on its right")

    args = (torch.tensor([[0.0, 0.5, 0.5]]), torch.tensor([0.0]))
    mistakes = [
        ([0], "u = 0 drew a word of probability 0, which has no piece. Top-p makes many of those."),
    ]
    t.same(args, [1], mistakes, otherwise="u = 0 should draw the first word that has a piece")

    args = (torch.tensor([[0.5, 0.0, 0.5]]), torch.tensor([0.5]))
    mistakes = [
        ([1], "a word of probability 0 was drawn; it has no piece."),
        ([0], "the point lies on an edge and belongs to the piece on its right."),
    ]
    t.same(args, [2], mistakes, otherwise="the point belongs to the piece on its right")


def _beyond_the_last_end(t: Trial) -> None:
    # rounding, drawn large
    args = (torch.tensor([[0.2, 0.5, 0.299]]), torch.tensor([0.9995]))
    mistakes = [
        (
            [3],
            "no word has this index: u lies beyond the last end. Here an error would come when the "
            "model reads the word.",
        ),
        (
            [0],
            "u lies beyond the last end, and the first word came out (argmax of a row without any "
            "True gives 0). Take the last word that has any probability.",
        ),
        (
            [1],
            "u lies beyond the last end, and the likeliest word came out. Take the last word that "
            "has any probability.",
        ),
        (
            [],
            "no word is drawn for this row: u lies beyond the last end. Take the last word that "
            "has any probability.",
        ),
    ]
    t.same(args, [2], mistakes, otherwise=BEYOND)


def _last_word_of_each_row(t: Trial) -> None:
    probs = torch.tensor([[0.5, 0.499, 0.0], [0.25, 0.25, 0.499]])
    u = torch.tensor([0.9995, 0.9995])
    mistakes = [
        (
            [2, 2],
            "the last word of the first row has probability 0. Take the last one that has any.",
        ),
        (
            [1, 1],
            "the last word with any probability is looked for in the first row alone. Each row has "
            "its own.",
        ),
    ]
    t.same((probs, u), [1, 2], mistakes, otherwise=BEYOND)


@task(
    "ex02",
    points=3,
    minutes=8,
    difficulty="easy",
    idea="generating N-best candidates",
    read=f"{L02}, 'Temperature and diversity'",
    hints=(
        "Go through the texts, collect the pairs of each in one list for all, and count at the "
        "end.",
        "zip(words, words[1:]) gives the pairs of neighbouring words. set keeps each different one "
        "once; it needs tuples or strings, not lists.",
        "One list before the loop; in the loop split the text and add its pairs; at the end the "
        "size of the set divided by the size of the list, or 0 when the list is empty.",
    ),
)
def distinct_bigrams(t: Trial) -> None:
    with t.part(1, "counts different pairs of neighbouring words"):
        _share_of_different_pairs(t)
        _neighbours_kept_apart(t)
    with t.part(1, "all texts together, no pair across two texts"):
        _texts_together(t)
    with t.part(1, "blanks, capital letters, and lists without a pair"):
        _words_as_they_are(t)
        _texts_without_a_pair(t)
        t.untidy()


def _share_of_different_pairs(t: Trial) -> None:
    args = (["go up up on up on go up"],)  # 8 words, 7 pairs, 5 of them different
    once = (
        "only pairs that stand there once are counted. Count every different pair, however often "
        "it stands."
    )
    no_share = "the result should be a share between 0 and 1."
    mistakes = [
        (5, "this is the number of different pairs. Divide it by the number of all pairs."),
        (7, "this is the number of pairs."),
        (2 / 7, "this is the share of repeated pairs; the share of different ones is wanted."),
        (3 / 8, "these are single words. Take pairs of neighbours."),
        (
            5 / 8,
            "the different pairs are divided by the number of words. Eight words have seven pairs.",
        ),
        (
            6 / 8,
            "the last word is counted as the beginning of a pair; no word follows it. Eight words "
            "have seven pairs.",
        ),
        (5 / 6, "a pair is missing at the end of the text. Eight words have seven pairs."),
        (4 / 7, "'up on' and 'on up' count as one pair. The order matters."),
        (3 / 7, once),
        (3 / 5, once),
        (9 / 28, "these are pairs of any two words. Take neighbours only."),
        (2 / 4, "each word is in one pair only. Neighbouring pairs share a word: up up, up on."),
        (4 / 6, "'up up' is not counted. Equal neighbours are a pair, too."),
        (
            1.0,
            "nothing is counted as repeated, but 'go up' stands here twice. Are these pairs, two "
            "words each, and one by one in the list?",
        ),
        (9 / 22, "these are pairs of letters. Split the text into words first."),
        (7 / 5, "turned round: different pairs divided by all pairs."),
        (0, "the result is 0, but there are pairs here. Is it cut to a whole number (//)?"),
        (500 / 7, no_share),
    ]
    t.same(args, 5 / 7, mistakes, otherwise="the share of different pairs is not right")


def _neighbours_kept_apart(t: Trial) -> None:
    args = (["a bc ab c"],)
    mistakes = [
        (
            2 / 3,
            "'a bc' and 'ab c' count as one pair. Keep the two words of a pair apart, in a tuple.",
        ),
    ]
    t.same(args, 1.0, mistakes, otherwise="all three pairs of this text are different")


def _texts_together(t: Trial) -> None:
    args = (["up up up up", "go on"],)
    mistakes = [
        (
            (1 / 3 + 1) / 2,
            "this is the mean of the texts' own shares. Count the pairs of all texts together.",
        ),
        (
            3 / 5,
            "a pair reaches from the first text into the second. Take the pairs of each text by "
            "itself.",
        ),
        (1.0, "only the last text is counted."),
        (
            1 / 4,
            "the different pairs are those of the last text only. Collect them over all texts.",
        ),
        (1 / 3, "only the first text is counted."),
        (2, "this is a sum over texts; the result should be a share between 0 and 1."),
    ]
    t.same(args, 2 / 4, mistakes, otherwise="two texts should be counted together")

    args = (["go on"] * 3,)
    mistakes = [
        (
            1.0,
            "the same text stands here three times, and its copies are not seen. A pair in another "
            "text is the same pair; do not drop repeated texts either.",
        ),
        (2 / 5, "a pair reaches from one text into the next."),
        (3.0, "the shares of the texts are added up."),
    ]
    t.same(
        args,
        1 / 3,
        mistakes,
        otherwise=(
            "the same pair in three texts counts once as a different one, and three times among all"
        ),
    )


def _words_as_they_are(t: Trial) -> None:
    args = (["go  on", "go on"],)
    mistakes = [
        (
            1.0,
            "two blanks between words make another pair here. split() without an argument takes "
            "any number of blanks.",
        ),
        (
            3 / 4,
            "two blanks between words make pairs with an empty word. Use split() without an "
            "argument.",
        ),
    ]
    t.same(args, 1 / 2, mistakes, otherwise="two blanks between words should count like one")

    args = (["Go on", "go on", "go on."],)
    changed = "capital letters or punctuation are taken away. Leave the words as they are."
    mistakes = [(2 / 3, changed), (1 / 3, changed)]
    t.same(args, 1.0, mistakes, otherwise="words should be left as they are")


def _texts_without_a_pair(t: Trial) -> None:
    args = (["", "go on up"],)
    mistakes = [
        (2.0, "an empty text takes a pair away. It has no words and no pairs, not -1."),
        (0.0, "one text without a pair makes the whole result 0. Go on with the next text."),
    ]
    t.same(args, 1.0, mistakes, otherwise="an empty text should change nothing")

    args = (["go"],)
    mistakes = [
        (1.0, "a text of one word has no pair; without any pair the result is 0."),
        (NAN, "nan: without any pair the result is 0."),
    ]
    t.same(args, 0.0, mistakes, otherwise="a text of one word has no pair")

    t.same(([],), 0.0, otherwise="without texts the result is 0")


LOW, HIGH = 0.1, 0.7


@task(
    "ex02",
    points=4,
    minutes=10,
    difficulty="medium",
    idea="temperature and N",
    read=f"{L02}, 'Which temperature for which n?'",
    hints=(
        "First one number for each temperature, then the temperature of the highest number. Which "
        "of two equal ones comes out depends on the order in which you look.",
        "best_of_n_curve(rewards[T], ns=[n]).mean() is the number of one temperature. "
        "sorted(rewards) gives the temperatures from low to high. max returns the first of equal "
        "ones.",
        "Go through the temperatures from low to high, keep the best value so far and its T, and "
        "replace them only when the new value is higher, not when it is equal.",
    ),
)
def best_temperature(t: Trial) -> None:
    with t.part(1, "returns a temperature, with n = 1 by the mean"):
        _temperature_of_the_best_mean(t)
        _values_below_zero(t)
    with t.part(1, "takes the best of n, over all ways to take n"):
        _best_of_n_over_all_ways(t)
    with t.part(1, "averages over prompts"):
        _average_over_prompts(t)
    with t.part(1, "ties go to the lower temperature"):
        _ties_go_to_the_lower(t)
        t.untidy()


def _compare(
    t: Trial,
    at_low: list[list[float]],
    at_high: list[list[float]],
    n: int,
    right: float,
    message: str,
    mistakes: Sequence[tuple[float, str]] = (),
) -> None:
    """Two temperatures and their rewards.

    ``message``: why the other one is not the answer.
    """
    args = ({LOW: torch.tensor(at_low), HIGH: torch.tensor(at_high)}, n)
    other = HIGH if right == LOW else LOW
    t.same(
        args,
        right,
        [(other, message), *mistakes],
        otherwise="the result should be one of the temperatures, a key of the dictionary",
    )


POSITION = "this is a position. Return the temperature, a key of the dictionary."
NO_TEMPERATURE = [
    (2.0, "this is the value of the best temperature. Return the temperature itself."),
    (5.0, "this is a reward. Return the temperature."),
]


def _temperature_of_the_best_mean(t: Trial) -> None:
    _compare(
        t,
        [[0.0, 0.0]],
        [[5.0, -1.0]],
        1,
        HIGH,
        "the temperature of the lowest value came out, or always the first. The highest value is "
        "wanted.",
        [(1, POSITION), *NO_TEMPERATURE],
    )
    _compare(
        t,
        [[2.0, 2.0]],
        [[5.0, -3.0]],
        1,
        LOW,
        "with n = 1 there is nothing to choose from: the mean of all candidates counts, not the "
        "highest, not the first. (Or does the last temperature always come out? Then the best "
        "value so far is not kept.)",
        [(0, POSITION), *NO_TEMPERATURE],
    )


def _values_below_zero(t: Trial) -> None:
    below = (
        "all values are below 0 here, and the higher one was not taken: does the search for the "
        "highest begin at 0?"
    )
    try:
        _compare(t, [[-5.0, -3.0]], [[-2.0, -2.0]], 1, HIGH, below)
    except Wrong as wrong:
        nothing_found = "returns nothing" in wrong.message or "UnboundLocalError" in wrong.message
        raise Wrong(below if nothing_found else wrong.message, wrong.shown) from None


def _best_of_n_over_all_ways(t: Trial) -> None:
    _compare(
        t,
        [[1.5, 1.5, 1.5]],
        [[3.0, 0.0, 0.0]],
        2,
        HIGH,
        "this temperature has the better single reply (the mean), but n is 2: two of the three "
        "pairs at T = 0.7 hold the reward 3.",
    )
    _compare(
        t,
        [[2.0, 2.0, 2.0, 2.0]],
        [[0.0, 3.0, 0.0, 0.0]],
        2,
        LOW,
        "T = 0.7 has the highest reward of all, but n is 2, and only half of its pairs hold that "
        "reward. Is the highest of the whole row, or of its first n, taken?",
    )
    _compare(
        t,
        [[1.5, 1.5, 1.5]],
        [[0.0, 0.0, 3.0]],
        2,
        HIGH,
        "the candidates are looked at in their order: the first two at T = 0.7 are 0, but two of "
        "its three pairs hold the 3.",
    )
    _compare(
        t,
        [[4.5, 4.5, 4.5, 4.5]],
        [[5.0, 5.0, 0.0, 0.0]],
        2,
        LOW,
        "the mean of the n highest is taken. That is not what the best of n is worth: one pair at "
        "T = 0.7 has no 5 in it.",
    )
    _compare(
        t,
        [[1.4, 1.4, 1.4, 1.4]],
        [[3.0, 0.0, 0.0, 0.0]],
        2,
        HIGH,
        "close: this draws with replacement, so that a candidate can come twice. Half of the "
        "pairs of different candidates hold the 3.",
    )


def _average_over_prompts(t: Trial) -> None:
    _compare(
        t,
        [[2.0, 2.0], [2.0, 2.0]],
        [[5.0, 5.0], [-3.0, -3.0]],
        1,
        LOW,
        "T = 0.7 is better for one of the prompts only. The average over prompts counts.",
    )
    _compare(
        t,
        [[2.0, 2.0], [2.0, 2.0]],
        [[3.0, 3.0], [0.0, 0.0]],
        2,
        LOW,
        "the candidates of different prompts are thrown together. The best of n is taken for each "
        "prompt; then average.",
    )
    _compare(
        t,
        [[2.0], [2.0], [2.0]],
        [[3.0], [3.0], [-9.0]],
        1,
        LOW,
        "T = 0.7 is better for most prompts, but far worse for one. Average the values, do not "
        "count prompts or take the median.",
    )


def _ties_go_to_the_lower(t: Trial) -> None:
    _compare(
        t,
        [[1.0, 1.0]],
        [[1.004, 1.004]],
        1,
        HIGH,
        "T = 0.7 leads by little, but it leads, so this is no tie. Are values rounded, or is a "
        "small lead not taken?",
    )

    same = torch.tensor([[1.0, 0.0]])
    t.same(
        ({LOW: same, HIGH: same}, 1),
        LOW,
        [(HIGH, "the two tie, and the higher one came out.")],
        otherwise="with a tie the lower temperature is wanted",
    )

    args = ({1.3: same, HIGH: same, 1.0: same}, 2)
    mistakes = [
        (
            1.3,
            "three tie, and the first of the dictionary came out. The lower temperature is wanted, "
            "whatever the order.",
        ),
        (1.0, "three tie, and the last of the dictionary came out. The lowest is wanted."),
    ]
    t.same(args, HIGH, mistakes, otherwise="with a tie the lowest temperature is wanted")
