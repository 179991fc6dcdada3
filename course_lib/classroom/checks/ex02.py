"""Checks of exercise 02, N-best candidates.

What the reader's answer must do, property by property.
"""

import math

import numpy as np
import torch

from .compare import in_a_line
from .outcome import Wrong
from .registry import need as need
from .registry import task

L02 = "lesson 02"
NAN = math.nan


def _distribution(t, args, right, mistakes, otherwise):
    """As ``t.same``; where no mistake fits, a row that does not add up to 1 is told so."""
    try:
        t.same(args, right, mistakes, otherwise=otherwise)
    except Wrong as wrong:
        if wrong.message == f"{otherwise}." and np.any(
            np.abs(np.asarray(t.run(*args)).sum(axis=1) - 1) > 1e-3
        ):
            raise Wrong(
                "a row does not add up to 1. Divide its numbers by their own sum, the sum of "
                "exactly these numbers.",
                wrong.shown,
            ) from None
        raise


@task(
    "ex02",
    points=3,
    minutes=8,
    difficulty="easy",
    idea="generating N-best candidates",
    read=f"{L02}, 'From logits to a word'",
    hints=(
        "Two steps: make positive numbers of the logits with exp, then divide each row by its "
        "sum. For large logits: what changes in the result when you take the same number off "
        "all logits of a row?",
        "Nothing changes, since the factor cancels. Take off each row's highest logit: "
        "logits.amax(dim=1, keepdim=True). Then no exponent is above 0. keepdim=True keeps the "
        "shape (R, 1), so that it fits to (R, V).",
        "Three lines: take each row's highest logit off and divide by T; exp; divide by "
        ".sum(dim=1, keepdim=True).",
    ),
)
def softmax_at(t):
    three = math.log(3)
    with t.part(1, "each row is its own distribution"):
        _distribution(
            t,
            (torch.tensor([[0.0, three]]), 1.0),
            [[0.25, 0.75]],
            [
                *[
                    (v, "these are positive, but they do not add up to 1: divide by their sum.")
                    for v in ([[1.0, 3.0]], [[1 / 3, 1.0]])
                ],
                (
                    [[0.5, 0.5]],
                    "the two words come out alike: is each logit taken off itself? The highest "
                    "of a row is amax(dim=1).",
                ),
                ([[0.0, three]], "these are still logits."),
                (
                    [[0.75, 0.25]],
                    "the word with the higher logit gets the lower probability: is a sign "
                    "turned round?",
                ),
                (
                    [[1.0, 1.0]],
                    "every number is divided by itself. Sum over the words of a row: dim=1.",
                ),
                ([[0.25 / 2, 0.75 / 2]], "the row adds up to a half, not to 1."),
                ([[math.log(0.25), math.log(0.75)]], "these are logarithms of probabilities."),
                (
                    [[0.0, 1.0]],
                    "all the probability goes to the likeliest word: that is the limit of T "
                    "near 0, not T = 1.",
                ),
            ],
            otherwise="these are not the probabilities of this row at T = 1",
        )
        _distribution(
            t,
            (torch.tensor([[0.0, three], [0.0, 0.0]]), 1.0),
            [[0.25, 0.75], [0.5, 0.5]],
            [
                (
                    [[0.5, 0.75], [0.5, 0.25]],
                    "the columns add up to 1. Each row should: sum over dim=1.",
                ),
                *[
                    (v, "all numbers together add up to 1. Each row should by itself.")
                    for v in ([[1 / 6, 0.5], [1 / 6, 1 / 6]], [[0.1, 0.3], [0.3, 0.3]])
                ],
                *[
                    (
                        v,
                        "each column is divided by a row's sum. The sums have shape (R,); with "
                        "keepdim=True they have (R, 1) and fit to the rows.",
                    )
                    for v in ([[0.25, 1.5], [0.25, 0.5]], [[0.25, 0.5], [0.75, 0.5]])
                ],
                (
                    [[0.1, 2.25], [0.1, 0.75]],
                    "the rows' highest logits and sums have shape (R,) and go to the columns. "
                    "With keepdim=True they have (R, 1) and fit to the rows.",
                ),
                (
                    [[0.1, 0.9], [0.25, 0.75]],
                    "from each column a row's highest logit is taken off. With keepdim=True "
                    "these have shape (R, 1) and fit to the rows.",
                ),
                (
                    [[0.25, 0.75], [0.25, 0.75]],
                    "the second row gets the probabilities of the first.",
                ),
            ],
            otherwise="with two rows each should have its own probabilities",
        )
    with t.part(1, "the temperature divides the logits"):
        for T, right, turned in ((0.5, 9.0, 3**0.5), (2.0, 3**0.5, 9.0)):
            _distribution(
                t,
                (torch.tensor([[0.0, three]]), T),
                [[1 / (1 + right), right / (1 + right)]],
                [
                    (
                        [[1 / (1 + turned), turned / (1 + turned)]],
                        "a temperature below 1 should make the likely word likelier, one above "
                        "1 less so. Here it is the other way round: divide by T, do not "
                        "multiply.",
                    ),
                    (
                        [[0.25, 0.75]],
                        "the temperature has no effect. (Dividing the numbers after exp does "
                        "nothing: the factor cancels.)",
                    ),
                    (
                        [[0.25 / T, 0.75 / T]],
                        "the probabilities are divided by T, and no longer add up to 1. Divide "
                        "the logits, before exp.",
                    ),
                    (
                        [[1 / (1 + math.exp(0.5 / T)), 1 - 1 / (1 + math.exp(0.5 / T))]],
                        "a second softmax is taken of the probabilities divided by T. Divide "
                        "the logits by T, and take one softmax.",
                    ),
                    (
                        [[0.25 ** (1 / T), 0.75 ** (1 / T)]],
                        "the probabilities are raised to the power 1/T, which is right, but "
                        "then they have to be divided by their sum again.",
                    ),
                ],
                otherwise=f"these are not the probabilities at T = {T:g}",
            )
    with t.part(1, "stable for large logits and small T"):
        odds, overflow = (
            1 / (1 + math.e),
            "nan: exp of a large number is inf, and inf / inf is nan. Take the row's highest "
            "logit off first; the probabilities stay the same.",
        )
        near = 1e-4  # float32 keeps four digits after the point of a logit of 1000
        t.same(
            (torch.tensor([[1000.0, 1001.0]]), 1.0),
            [[odds, 1 - odds]],
            [
                ([[NAN, NAN]], overflow),
                ([[0.0, NAN]], overflow),
                ([[0.5, 0.5]], "the large logits are cut off, so their difference is lost."),
                ([[0.0, 0.0]], "the sum is inf, and what is divided by it is 0."),
            ],
            tolerance=near,
            otherwise="the probabilities of large logits are not right; only the difference of "
            "the two counts",
        )
        t.same(
            (torch.tensor([[-1000.0, -1001.0]]), 1.0),
            [[1 - odds, odds]],
            [
                (
                    [[NAN, NAN]],
                    "nan: exp of -1000 is 0, and 0 / 0 is nan. Take the row's highest logit "
                    "off, whatever its sign.",
                ),
                (
                    [[0.0, 0.0]],
                    "both are 0: exp of -1000 is too small for a float. Take the row's highest "
                    "logit off, whatever its sign.",
                ),
                ([[0.5, 0.5]], "the low logits are cut off, so their difference is lost."),
            ],
            tolerance=near,
            otherwise="the probabilities of very low logits are not right; only the difference "
            "of the two counts",
        )
        late = (
            "nan: an exponent is still too large. Is the highest logit taken off before T "
            "divides the others? Divide the difference by T."
        )
        t.same(
            (torch.tensor([[30.0, 31.0]]), 0.0625),
            [[1 / (1 + math.exp(16)), 1 / (1 + math.exp(-16))]],
            [
                ([[NAN, NAN]], late),
                ([[0.0, NAN]], late),
                ([[odds, 1 - odds]], "the temperature has no effect here."),
            ],
            otherwise="a small temperature makes the exponents large; the result is not right then",
        )
        t.same(
            (torch.tensor([[0.0, 1000.0]]), 1.0),
            [[0.0, 1.0]],
            [
                (
                    v,
                    "nan: an exponent is still too large. What is taken off has to be the "
                    "highest logit of the row, not its mean or lowest.",
                )
                for v in ([[0.0, NAN]], [[NAN, NAN]])
            ],
            otherwise="a row of a low and a very high logit is not right",
        )
        t.same(
            (torch.tensor([[0.0, 1000.0]]), 500.0),
            [[1 / (1 + math.exp(2)), 1 / (1 + math.exp(-2))]],
            [
                (
                    [[0.0, 1.0]],
                    "the first word is lost: without T its probability is rounded to 0, and no "
                    "power brings it back. Divide the logits by T before exp.",
                )
            ],
            tolerance=near,
            otherwise="a high temperature brings large logits together; the result is not right "
            "then",
        )
        t.same(
            (torch.tensor([[0.0, 1.0], [1000.0, 1001.0]]), 1.0),
            [[odds, 1 - odds]] * 2,
            [
                (
                    [[NAN, NAN], [odds, 1 - odds]],
                    "the first row is lost: the highest of all rows is taken off. Take off "
                    "each row's own.",
                ),
                (
                    [[odds, 1 - odds], [NAN, NAN]],
                    "the second row is lost: the first row's highest logit is taken off. Take "
                    "off each row's own.",
                ),
            ],
            tolerance=near,
            otherwise="two rows of different size should both come out right",
        )


def _row_sizes(value):
    """The sizes of the rows of a matrix; anything else is told so."""
    if not isinstance(value, (list, tuple)) and not hasattr(value, "shape"):
        raise Wrong(
            "the result should have the shape (R, V) of probs, but is "
            f"{'one number' if isinstance(value, (int, float)) else 'a ' + type(value).__name__}."
        )
    return [
        len(row) if isinstance(row, (list, tuple)) or getattr(row, "shape", ()) else None
        for row in value
    ]


def _keeps(
    t,
    probs,
    p,
    right,
    mistakes=(),
    otherwise="that is not the smallest set of most likely words that reaches p",
):
    """Which words stay, whatever their new probabilities; sets of positions, one for each row."""
    got = t.run(torch.tensor(probs), p)
    shown = f"{t.call_text((torch.tensor(probs), p))} gave {in_a_line(got)}"
    sizes = _row_sizes(got)
    t.holds(
        len(sizes) >= len(probs),
        f"the result has {len(sizes)} of the {len(probs)} rows. Does return stand inside the loop?",
        shown,
    )
    t.holds(
        sizes == [len(row) for row in probs],
        "the result should have the shape (R, V) of probs. Words outside the nucleus get 0; "
        "they are not removed.",
        shown,
    )
    rows = [[float(v) for v in row] for row in got]
    kept = [[k for k, v in enumerate(row) if v and v == v] for row in rows]
    for value, message in mistakes:
        t.holds(kept != value, message, shown)
    t.holds(
        all(v == v for row in rows for v in row),
        "nan: a row was divided by 0, because no word was left in it.",
        shown,
    )
    t.holds(all(kept), "a row has no word left.", shown)
    t.holds(kept == right, f"{otherwise}.", shown)


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
        "wants dim by its name. Their running sum (cumsum), less the word's own probability, "
        "is what stands before it. torch.zeros_like(probs).scatter(1, index, values) puts "
        "values back into their columns.",
        "A word goes when (running sum - own probability) >= p; set this to False in column 0, "
        "so that one word always stays. Put 0 where it is True (masked_fill), scatter back, "
        "and divide by the row's sum with keepdim=True.",
    ),
)
def nucleus(t):
    row, mixed = [0.5, 0.25, 0.1875, 0.0625], [0.125, 0.5, 0.125, 0.25]
    with t.part(1, "keeps the smallest set that reaches p"):
        few, many = (
            "the set does not reach p: the word with which the sum reaches p belongs to it.",
            "the set is larger than needed: it reaches p without its last word.",
        )
        _keeps(
            t,
            [row],
            0.7,
            [[0, 1]],
            [
                ([[0]], few),
                ([[0, 1, 2]], many),
                (
                    [[0, 1, 2, 3]],
                    "all words stay. Sum up along the row (dim=1) from the likeliest word, and "
                    "stop when p is reached.",
                ),
                (
                    [[]],
                    "no word is left: is each probability by itself compared with p? Compare "
                    "their running sum.",
                ),
                ([[2, 3]], "the nucleus was set to 0 and the rest kept: turned round."),
                ([[1, 2, 3]], "the likeliest word is gone: begin with the likeliest."),
            ],
        )
        _keeps(t, [row], 0.8, [[0, 1, 2]], [([[0, 1]], few), ([[0, 1, 2, 3]], many), ([[0]], few)])
    with t.part(1, "what stays is divided by its sum"):
        t.same(
            (torch.tensor([row]), 0.7),
            [[2 / 3, 1 / 3, 0, 0]],
            [
                (
                    [[0.5, 0.25, 0.0, 0.0]],
                    "the right words stay, but the row no longer adds up to 1: divide it by "
                    "its sum.",
                ),
                ([[1.0, 1.0, 0.0, 0.0]], "these say which words stay. Return their probabilities."),
                (
                    [[0.5, 0.5, 0.0, 0.0]],
                    "the words that stay should keep their proportion, 2 to 1: divide them by "
                    "their sum.",
                ),
                (
                    [[0.5 / 0.7, 0.25 / 0.7, 0.0, 0.0]],
                    "the row is divided by p. What is left is more than p: divide by its sum.",
                ),
                (
                    [
                        [
                            math.exp(0.5) / (math.exp(0.5) + math.exp(0.25)),
                            math.exp(0.25) / (math.exp(0.5) + math.exp(0.25)),
                            0.0,
                            0.0,
                        ]
                    ],
                    "a softmax is taken of probabilities. Divide them by their sum.",
                ),
            ],
            otherwise="the words that stay should keep their proportion, 2 to 1: divide them by "
            "their sum",
        )
    with t.part(1, "words in any order, each row by itself"):
        _keeps(
            t,
            [mixed],
            0.7,
            [[1, 3]],
            [
                (
                    [[0, 1]],
                    "the first two places stay: these are places in the sorted row. Put the "
                    "probabilities, or the marks of what stays, back in their own places: "
                    "column k belongs to word k.",
                ),
                (
                    [[0, 2]],
                    "the words come back in wrong places. index says for each sorted word "
                    "where it came from; scatter(1, index, ...) undoes the sorting, taking by "
                    "index once more does not.",
                ),
                (
                    [[0, 1, 2, 3]],
                    "the running sum goes over the row as it stands. Sort it first, likeliest "
                    "first.",
                ),
                (
                    [[0, 1, 3]],
                    "word 0 stays and is not needed. The word that always stays is the first "
                    "of the sorted row, not the first of probs.",
                ),
                (
                    [[0, 1, 2]],
                    "the set is summed up in the order in which the words stand. Begin with "
                    "the likeliest.",
                ),
            ],
        )
        t.same(
            (torch.tensor([mixed]), 0.7),
            [[0, 2 / 3, 0, 1 / 3]],
            [
                ([[0.0, 0.5, 0.0, 0.25]], "the row does not add up to 1: divide it by its sum."),
                (
                    [[0.0, 1 / 3, 0.0, 2 / 3]],
                    "the right places, but the two probabilities are swapped.",
                ),
            ],
            otherwise="the right words stay, but their probabilities are not right",
        )
        carried = (
            "the sum is carried on from the first row into the second. Begin each row at 0 "
            "(cumsum: dim=1)."
        )
        _keeps(
            t,
            [row, [0.3, 0.1, 0.35, 0.25]],
            0.7,
            [[0, 1], [0, 2, 3]],
            [
                (
                    [[0, 1], [0, 1]],
                    "the second row keeps the places of the first row's words. Each row has "
                    "its own nucleus.",
                ),
                ([[0, 1], []], carried),
                ([[0, 1], [2]], carried),
                (
                    [[0, 1], [0, 2]],
                    "the second row keeps as many words as the first. Here it needs more: each "
                    "row has its own number.",
                ),
            ],
            otherwise="with two rows each should keep its own most likely words",
        )
        t.same(
            (torch.tensor([row, [0.0625, 0.25, 0.5, 0.1875]]), 0.7),
            [[2 / 3, 1 / 3, 0, 0], [0, 1 / 3, 2 / 3, 0]],
            [
                (
                    [[1 / 3, 1 / 6, 0, 0], [0, 1 / 6, 1 / 3, 0]],
                    "all rows together add up to 1. Divide each by its own sum.",
                )
            ],
            otherwise="each row should be divided by its own sum",
        )
    with t.part(1, "edges: p just reached, p = 0 and 1, equal words"):
        _keeps(
            t,
            [row],
            0.3,
            [[0]],
            [
                (
                    [[]],
                    "no word is left. The likeliest word alone is more than p, and it should stay.",
                ),
                ([[0, 1]], "the first word reaches p by itself."),
            ],
        )
        _keeps(
            t,
            [row],
            0.75,
            [[0, 1]],
            [
                (
                    [[0, 1, 2]],
                    "0.5 + 0.25 is 0.75, which reaches p: no more are needed. Is > used for "
                    ">=, or the other way round?",
                ),
                ([[0]], "the set does not reach p."),
            ],
        )
        _keeps(
            t,
            [row],
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
            [row],
            0.0,
            [[0]],
            [([[]], "with p = 0 no word is left; one always stays.")],
            otherwise="with p = 0 one word should stay, the likeliest",
        )
        _keeps(
            t,
            [[0.25] * 4],
            0.5,
            [[0, 1]],
            [
                (
                    [[0, 1, 2, 3]],
                    "all words that are as likely as the last one of the set stay too. Two of "
                    "them reach p, so the set is not the smallest.",
                ),
                (
                    [[2, 3]],
                    "of equally likely words those on the right stay; those on the left should "
                    "(a stable sort).",
                ),
            ],
            otherwise="of four equally likely words two should stay, those on the left. Is a "
            "word looked up by its probability? Here all have the same",
        )


def _varies(t):
    """Whether the same u gives different words; False for what cannot be run."""
    probs, u = torch.full((8, 8), 0.125), torch.linspace(0.05, 0.95, 8)
    try:
        return len({tuple(int(k) for k in t.run(probs, u)) for _ in range(4)}) > 1
    except Exception:
        return False


@task(
    "ex02",
    points=4,
    minutes=15,
    difficulty="medium",
    idea="generating N-best candidates",
    read=f"{L02}, 'From logits to a word'",
    hints=(
        "Where does each piece end? The word that is drawn is the first whose piece ends beyond u.",
        "The ends are running sums, probs.cumsum(dim=1). Count in each row the ends that are "
        "at or below u: that many pieces lie wholly to the left of the point. u[:, None] has "
        "shape (R, 1) and so can be compared with (R, V).",
        "The count of ends <= u is the index. Then the trap: find each row's last index with "
        "probability above 0, and take the smaller of the two (torch.minimum). Multiplying "
        "torch.arange(V) by (probs > 0) and taking the highest in each row gives it.",
    ),
)
def draw_tokens(t):
    six, elsewhere = [0.3, 0.2, 0.1, 0.25, 0.05, 0.1], "the point u lies in another word's piece"
    with t.part(1, "draws the word whose piece holds u"):
        try:
            t.same(
                (torch.tensor([six]), torch.tensor([0.68])),
                [3],
                [
                    (
                        [0],
                        "that is the likeliest word, or simply the first. Its piece ends before u.",
                    ),
                    (
                        [1],
                        "the point is looked for on another ruler, read from its right end or "
                        "with the words sorted. Begin on the left, and leave the words in "
                        "their order.",
                    ),
                    (
                        [2],
                        "too low: this word's piece ends before u. Is 1 taken off the index, "
                        "or are the words sorted?",
                    ),
                    ([4], "one too far: are the words counted from 1? Their indices begin at 0."),
                    (
                        [5],
                        "too far. A probability is the length of a piece, not where it ends: "
                        "add them up along the row.",
                    ),
                    (
                        [6],
                        "no word has this index. Are the probabilities added up along the row, "
                        "dim=1?",
                    ),
                    ([0.25], "this is a probability. Return the index of the word."),
                    ([0.85], "this is where the piece ends. Return the index of the word."),
                    ([[0, 0, 0, 1, 0, 0]], "one index for each row is wanted."),
                    (
                        [[0, 0, 0, 1, 1, 1]],
                        "these are truth values. They tell which pieces end beyond u; make one "
                        "index of each row.",
                    ),
                    (
                        [[1, 1, 1, 0, 0, 0]],
                        "these are truth values. They tell which pieces end before u; make one "
                        "index of each row.",
                    ),
                ],
                otherwise=elsewhere,
            )
            t.same(
                (torch.tensor([six]), torch.tensor([0.1])),
                [0],
                [([1], "the first word's piece holds this point. The words are counted from 0.")],
                otherwise=elsewhere,
            )
            last = torch.tensor([six]), torch.tensor([0.95])
            got = t.same(
                last,
                [5],
                [([4], "one too low: the last word's piece holds this point.")],
                otherwise=elsewhere,
            )
            t.holds(
                np.asarray(got).dtype.kind in "iu",
                "the index is right, but it is not of a type of whole numbers, so no word can "
                "be looked up with it. Return integers (for a tensor: torch.long).",
                f"{t.call_text(last)} gave {in_a_line(got)}",
            )
        except Wrong:
            if not _varies(t):
                raise
        t.holds(
            not _varies(t),
            "the same u gave different words on two calls. The word should follow from u, "
            "without further chance.",
        )
    with t.part(1, "each row has its own probabilities and its own u"):
        t.same(
            (torch.tensor([[0.1, 0.1, 0.1, 0.7], [0.2, 0.5, 0.2, 0.1]]), torch.tensor([0.8, 0.5])),
            [3, 1],
            [
                ([3, 3], "the second row is drawn with the probabilities of the first."),
                ([3, 2], "all rows are drawn with the first u. Each row has its own."),
                (
                    [4, 2],
                    "the probabilities are added up over rows. Add them up along a row: dim=1.",
                ),
                (
                    [3, 0],
                    "the second row stops at its first word: is the running sum carried on "
                    "from the first row? Begin each row at 0.",
                ),
                ([3], "the second row is missing: does return stand inside the loop?"),
                (3, "one word for all rows. Each row has its own."),
            ],
            otherwise="two rows should give two words, each by its own probabilities and its own u",
        )
    with t.part(1, "on an edge the word to the right, and never one of probability 0"):
        t.same(
            (torch.tensor([[0.5, 0.5]]), torch.tensor([0.5])),
            [1],
            [
                (
                    [0],
                    "the point lies on the edge between the two pieces; it belongs to the one "
                    "on its right. (Compare ends with u by <=; or searchsorted with "
                    "right=True.)",
                )
            ],
            otherwise="a point on an edge belongs to the piece on its right",
        )
        t.same(
            (torch.tensor([[0.0, 0.5, 0.5]]), torch.tensor([0.0])),
            [1],
            [
                (
                    [0],
                    "u = 0 drew a word of probability 0, which has no piece. Top-p makes many "
                    "of those.",
                )
            ],
            otherwise="u = 0 should draw the first word that has a piece",
        )
        t.same(
            (torch.tensor([[0.5, 0.0, 0.5]]), torch.tensor([0.5])),
            [2],
            [
                ([1], "a word of probability 0 was drawn; it has no piece."),
                ([0], "the point lies on an edge and belongs to the piece on its right."),
            ],
            otherwise="the point belongs to the piece on its right",
        )
    with t.part(1, "a row that adds up to a little less than 1"):
        # rounding, drawn large
        beyond = "u lies beyond the last end; take the last word that has any probability"
        t.same(
            (torch.tensor([[0.2, 0.5, 0.299]]), torch.tensor([0.9995])),
            [2],
            [
                (
                    [3],
                    "no word has this index: u lies beyond the last end. Here an error would "
                    "come when the model reads the word.",
                ),
                (
                    [0],
                    "u lies beyond the last end, and the first word came out (argmax of a row "
                    "without any True gives 0). Take the last word that has any probability.",
                ),
                (
                    [1],
                    "u lies beyond the last end, and the likeliest word came out. Take the "
                    "last word that has any probability.",
                ),
                (
                    [],
                    "no word is drawn for this row: u lies beyond the last end. Take the last "
                    "word that has any probability.",
                ),
            ],
            otherwise=beyond,
        )
        t.same(
            (
                torch.tensor([[0.5, 0.499, 0.0], [0.25, 0.25, 0.499]]),
                torch.tensor([0.9995, 0.9995]),
            ),
            [1, 2],
            [
                (
                    [2, 2],
                    "the last word of the first row has probability 0. Take the last one that "
                    "has any.",
                ),
                (
                    [1, 1],
                    "the last word with any probability is looked for in the first row alone. "
                    "Each row has its own.",
                ),
            ],
            otherwise=beyond,
        )


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
        "zip(words, words[1:]) gives the pairs of neighbouring words. set keeps each different "
        "one once; it needs tuples or strings, not lists.",
        "One list before the loop; in the loop split the text and add its pairs; at the end "
        "the size of the set divided by the size of the list, or 0 when the list is empty.",
    ),
)
def distinct_bigrams(t):
    with t.part(1, "counts different pairs of neighbouring words"):
        t.same(
            (["go up up on up on go up"],),
            5 / 7,
            [  # 8 words, 7 pairs, 5 of them different
                (5, "this is the number of different pairs. Divide it by the number of all pairs."),
                (7, "this is the number of pairs."),
                (
                    2 / 7,
                    "this is the share of repeated pairs; the share of different ones is wanted.",
                ),
                (3 / 8, "these are single words. Take pairs of neighbours."),
                (
                    5 / 8,
                    "the different pairs are divided by the number of words. Eight words have "
                    "seven pairs.",
                ),
                (
                    6 / 8,
                    "the last word is counted as the beginning of a pair; no word follows it. "
                    "Eight words have seven pairs.",
                ),
                (5 / 6, "a pair is missing at the end of the text. Eight words have seven pairs."),
                (4 / 7, "'up on' and 'on up' count as one pair. The order matters."),
                *[
                    (
                        v,
                        "only pairs that stand there once are counted. Count every different "
                        "pair, however often it stands.",
                    )
                    for v in (3 / 7, 3 / 5)
                ],
                (9 / 28, "these are pairs of any two words. Take neighbours only."),
                (
                    2 / 4,
                    "each word is in one pair only. Neighbouring pairs share a word: up up, up on.",
                ),
                (4 / 6, "'up up' is not counted. Equal neighbours are a pair, too."),
                (
                    1.0,
                    "nothing is counted as repeated, but 'go up' stands here twice. Are these "
                    "pairs, two words each, and one by one in the list?",
                ),
                (9 / 22, "these are pairs of letters. Split the text into words first."),
                (7 / 5, "turned round: different pairs divided by all pairs."),
                (0, "the result is 0, but there are pairs here. Is it cut to a whole number (//)?"),
                *[(v, "the result should be a share between 0 and 1.") for v in (5.0, 500 / 7)],
            ],
            otherwise="the share of different pairs is not right",
        )
        t.same(
            (["a bc ab c"],),
            1.0,
            [
                (
                    2 / 3,
                    "'a bc' and 'ab c' count as one pair. Keep the two words of a pair apart, "
                    "in a tuple.",
                )
            ],
            otherwise="all three pairs of this text are different",
        )
    with t.part(1, "all texts together, no pair across two texts"):
        t.same(
            (["up up up up", "go on"],),
            2 / 4,
            [
                (
                    (1 / 3 + 1) / 2,
                    "this is the mean of the texts' own shares. Count the pairs of all texts "
                    "together.",
                ),
                (
                    3 / 5,
                    "a pair reaches from the first text into the second. Take the pairs of "
                    "each text by itself.",
                ),
                (1.0, "only the last text is counted."),
                (
                    1 / 4,
                    "the different pairs are those of the last text only. Collect them over "
                    "all texts.",
                ),
                (1 / 3, "only the first text is counted."),
                (2, "this is a sum over texts; the result should be a share between 0 and 1."),
            ],
            otherwise="two texts should be counted together",
        )
        t.same(
            (["go on"] * 3,),
            1 / 3,
            [
                (
                    1.0,
                    "the same text stands here three times, and its copies are not seen. A "
                    "pair in another text is the same pair; do not drop repeated texts either.",
                ),
                (2 / 5, "a pair reaches from one text into the next."),
                (3.0, "the shares of the texts are added up."),
            ],
            otherwise="the same pair in three texts counts once as a different one, and three "
            "times among all",
        )
    with t.part(1, "blanks, capital letters, and lists without a pair"):
        t.same(
            (["go  on", "go on"],),
            1 / 2,
            [
                (
                    1.0,
                    "two blanks between words make another pair here. split() without an "
                    "argument takes any number of blanks.",
                ),
                (
                    3 / 4,
                    "two blanks between words make pairs with an empty word. Use split() "
                    "without an argument.",
                ),
            ],
            otherwise="two blanks between words should count like one",
        )
        t.same(
            (["Go on", "go on", "go on."],),
            1.0,
            [
                (v, "capital letters or punctuation are taken away. Leave the words as they are.")
                for v in (2 / 3, 1 / 3)
            ],
            otherwise="words should be left as they are",
        )
        t.same(
            (["", "go on up"],),
            1.0,
            [
                (2.0, "an empty text takes a pair away. It has no words and no pairs, not -1."),
                (
                    0.0,
                    "one text without a pair makes the whole result 0. Go on with the next text.",
                ),
            ],
            otherwise="an empty text should change nothing",
        )
        t.same(
            (["go"],),
            0.0,
            [
                (1.0, "a text of one word has no pair; without any pair the result is 0."),
                (NAN, "nan: without any pair the result is 0."),
            ],
            otherwise="a text of one word has no pair",
        )
        t.same(([],), 0.0, otherwise="without texts the result is 0")


@task(
    "ex02",
    points=4,
    minutes=10,
    difficulty="medium",
    idea="temperature and N",
    read=f"{L02}, 'Which temperature for which n?'",
    hints=(
        "First one number for each temperature, then the temperature of the highest number. "
        "Which of two equal ones comes out depends on the order in which you look.",
        "best_of_n_curve(rewards[T], ns=[n]).mean() is the number of one temperature. "
        "sorted(rewards) gives the temperatures from low to high. max returns the first of "
        "equal ones.",
        "Go through the temperatures from low to high, keep the best value so far and its T, "
        "and replace them only when the new value is higher, not when it is equal.",
    ),
)
def best_temperature(t):
    low, high = 0.1, 0.7

    def compare(a, b, n, right, message, mistakes=()):
        """Two temperatures: a at 0.1, b at 0.7.

        ``message``: why the other one is not the answer.
        """
        t.same(
            ({low: torch.tensor(a), high: torch.tensor(b)}, n),
            right,
            [(high if right == low else low, message), *mistakes],
            otherwise="the result should be one of the temperatures, a key of the dictionary",
        )

    with t.part(1, "returns a temperature, with n = 1 by the mean"):
        kinds = [
            (0, "this is a position. Return the temperature, a key of the dictionary."),
            (2.0, "this is the value of the best temperature. Return the temperature itself."),
            (5.0, "this is a reward. Return the temperature."),
        ]
        compare(
            [[0.0, 0.0]],
            [[5.0, -1.0]],
            1,
            high,
            "the temperature of the lowest value came out, or always the first. The highest "
            "value is wanted.",
            [(1, kinds[0][1]), *kinds[1:]],
        )
        compare(
            [[2.0, 2.0]],
            [[5.0, -3.0]],
            1,
            low,
            "with n = 1 there is nothing to choose from: the mean of all candidates counts, "
            "not the highest, not the first. (Or does the last temperature always come out? "
            "Then the best value so far is not kept.)",
            kinds,
        )
        below = (
            "all values are below 0 here, and the higher one was not taken: does the "
            "search for the highest begin at 0?"
        )
        try:
            compare([[-5.0, -3.0]], [[-2.0, -2.0]], 1, high, below)
        except Wrong as wrong:
            raise Wrong(
                below
                if "returns nothing" in wrong.message or "UnboundLocalError" in wrong.message
                else wrong.message,
                wrong.shown,
            ) from None
    with t.part(1, "takes the best of n, over all ways to take n"):
        compare(
            [[1.5, 1.5, 1.5]],
            [[3.0, 0.0, 0.0]],
            2,
            high,
            "this temperature has the better single reply (the mean), but n is 2: two of the "
            "three pairs at T = 0.7 hold the reward 3.",
        )
        compare(
            [[2.0, 2.0, 2.0, 2.0]],
            [[0.0, 3.0, 0.0, 0.0]],
            2,
            low,
            "T = 0.7 has the highest reward of all, but n is 2, and only half of its pairs "
            "hold that reward. Is the highest of the whole row, or of its first n, taken?",
        )
        compare(
            [[1.5, 1.5, 1.5]],
            [[0.0, 0.0, 3.0]],
            2,
            high,
            "the candidates are looked at in their order: the first two at T = 0.7 are 0, but "
            "two of its three pairs hold the 3.",
        )
        compare(
            [[4.5, 4.5, 4.5, 4.5]],
            [[5.0, 5.0, 0.0, 0.0]],
            2,
            low,
            "the mean of the n highest is taken. That is not what the best of n is worth: one "
            "pair at T = 0.7 has no 5 in it.",
        )
        compare(
            [[1.4, 1.4, 1.4, 1.4]],
            [[3.0, 0.0, 0.0, 0.0]],
            2,
            high,
            "close: this draws with replacement, so that a candidate can come twice. Half of "
            "the pairs of different candidates hold the 3.",
        )
    with t.part(1, "averages over prompts"):
        compare(
            [[2.0, 2.0], [2.0, 2.0]],
            [[5.0, 5.0], [-3.0, -3.0]],
            1,
            low,
            "T = 0.7 is better for one of the prompts only. The average over prompts counts.",
        )
        compare(
            [[2.0, 2.0], [2.0, 2.0]],
            [[3.0, 3.0], [0.0, 0.0]],
            2,
            low,
            "the candidates of different prompts are thrown together. The best of n is taken "
            "for each prompt; then average.",
        )
        compare(
            [[2.0], [2.0], [2.0]],
            [[3.0], [3.0], [-9.0]],
            1,
            low,
            "T = 0.7 is better for most prompts, but far worse for one. Average the values, do "
            "not count prompts or take the median.",
        )
    with t.part(1, "ties go to the lower temperature"):
        compare(
            [[1.0, 1.0]],
            [[1.004, 1.004]],
            1,
            high,
            "T = 0.7 leads by little, but it leads, so this is no tie. Are values rounded, or "
            "is a small lead not taken?",
        )
        same = torch.tensor([[1.0, 0.0]])
        t.same(
            ({low: same, high: same}, 1),
            low,
            [(high, "the two tie, and the higher one came out.")],
            otherwise="with a tie the lower temperature is wanted",
        )
        t.same(
            ({1.3: same, high: same, 1.0: same}, 2),
            high,
            [
                (
                    1.3,
                    "three tie, and the first of the dictionary came out. The lower "
                    "temperature is wanted, whatever the order.",
                ),
                (1.0, "three tie, and the last of the dictionary came out. The lowest is wanted."),
            ],
            otherwise="with a tie the lowest temperature is wanted",
        )
