"""Checks of exercise 06, verifiable rewards.

What the reader's answer must do, property by property.
"""

import builtins
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from .outcome import Wrong
from .registry import need as need
from .registry import task
from .trial import Trial

L06 = "lesson 06"
VERDICTS = ("correct", "wrong", "unreadable")
NO_VERDICT = (
    'the result should be one of the three words "correct", "wrong" and "unreadable", in small '
    "letters"
)
DOOR = "COURSE_DOOR"
CODE = f"#### __import__('os').environ.update({DOOR}='open')"  # when run, it sets DOOR

# two paths of one equation, and the rewards of one problem with one and with two samples
A = ("2+3=5",)
B = ("3+2=5",)
ONE_RIGHT = torch.tensor([[1.0]])
BOTH_RIGHT = torch.tensor([[1.0, 1.0]])

# messages of several cases
HOW_MANY = "this is how many there are. Their indices are wanted."
LAST_IS_KEPT = "the last reply of a path is kept; the first should be."
BEGIN_AT_0 = "indices should begin at 0 in each problem."
DOWN_THE_COLUMNS = "this looks down the columns. Rows are problems: dim=1."
TRUTH_VALUE_WANTED = "one truth value for each problem is wanted"


def _case(t: Trial, text: str, right: str, said: str, reference: str = "18", **other: str) -> None:
    """The verdict on one text must be ``right``.

    ``said``: the message for another verdict; ``correct=``, ``wrong=`` or ``unreadable=`` name one
    for that verdict alone.
    """
    mistakes = [(verdict, other.get(verdict, said)) for verdict in VERDICTS if verdict != right]
    t.same((text, reference), right, mistakes, otherwise=NO_VERDICT)


@contextmanager
def _watched(text: str) -> Iterator[list[str]]:
    """A list that notes when ``text``, or a part of it, is run.

    Handed to eval or exec it is noted and not run; run in another way it opens the door.
    """
    ran = []
    real = {name: getattr(builtins, name) for name in ("eval", "exec")}

    def guard(name):
        def watched(source, *rest, **names):
            if isinstance(source, str) and source.strip() and source.strip() in text:
                ran.append(name)
                raise ValueError("the check does not run this text")
            return real[name](source, *rest, **names)

        return watched

    os.environ.pop(DOOR, None)
    for name in real:
        setattr(builtins, name, guard(name))
    try:
        yield ran
    finally:
        for name, function in real.items():
            setattr(builtins, name, function)
        if os.environ.pop(DOOR, None):
            ran.append("code")


@task(
    "ex06",
    points=5,
    minutes=30,
    difficulty="medium",
    idea="building a verifier",
    read=f"{L06}, 'A verifier: text in, verdict out'",
    hints=(
        "Three steps, one after the other: find the number that decides, read it, compare it. "
        "Leave early with 'unreadable' when there is nothing to find or it cannot be read.",
        "re.findall gives all marks with their numbers, and [-1] the last. A pattern: ####, \\s*, "
        "then in brackets an optional -, an optional \\$, a digit, more digits and commas, perhaps "
        "a point and digits. float is not exact; Fraction is.",
        "Give the pattern a second group in brackets, for an exponent: [eE][-+]?[0-9], with a ? "
        "behind it. findall then gives pairs. The last pair's second part says 'unreadable' unless "
        "it is empty; so does a very long first part. Drop , and $ from the first part and hand it "
        "to Fraction.",
    ),
)
def verdict(t: Trial) -> None:
    with t.part(1, "three verdicts: the number behind #### is right, is another, or is not there"):
        _three_verdicts(t)
    with t.part(1, "nothing in the text is run"):
        _nothing_is_run(t)
    with t.part(1, "numbers as people write them, and no calculation"):
        _commas_and_signs(t)
        _points_and_digits(t)
        _nothing_is_calculated(t)
    with t.part(1, "the last mark with a number decides"):
        _last_mark_decides(t)
    with t.part(1, "exponents, long numbers, exact comparison"):
        _exponents(t)
        _exact_comparison(t)
        _very_long_number(t)
        t.untidy()


def _three_verdicts(t: Trial) -> None:
    _case(
        t,
        "#### 18",
        "correct",
        "the number behind #### is the reference. Is a text compared with a number?",
        unreadable="there is a number behind ####, but it is not found.",
    )
    _case(
        t,
        "#### 19",
        "wrong",
        "a number was read, and it is not the reference.",
        correct="19 is accepted where the reference is 18.",
    )
    _case(
        t,
        "#### 180",
        "wrong",
        "180 begins with the reference, but it is another number. Read the whole number, then "
        "compare.",
    )
    _case(
        t,
        "18",
        "unreadable",
        "no #### stands in this text. The format is part of the rule.",
        wrong="no number is marked here. 'Wrong' is for a number that was read and is another one; "
        "keep the two apart.",
    )
    _case(t, "", "unreadable", "the text is empty, so no number was read.")
    _case(t, "## 18", "unreadable", "two # are no mark: there must be four.")
    _case(t, "####18", "correct", "a blank may stand between #### and the number, but need not.")
    _case(t, "####   18", "correct", "more than one blank may stand between #### and the number.")
    _case(
        t,
        "18 is right. #### eighteen",
        "unreadable",
        "the number stands before the ####, and only a word behind it.",
    )
    _case(
        t,
        "#### about 18",
        "unreadable",
        "a word stands between #### and the number; the rule allows only blanks there.",
    )


def _nothing_is_run(t: Trial) -> None:
    _case(
        t,
        "#### 18",
        "correct",
        "not even the plain number is read, so nothing can be said about safety.",
    )
    ran = t.noted((CODE, "18"), lambda: _watched(CODE))
    t.holds(
        not ran,
        "the text was run as code. A policy may write any text, also one that deletes files. Never "
        "give a reply to eval or exec, not even inside try.",
        t.call_text((CODE, "18")),
    )
    _case(t, CODE, "unreadable", "code is not a number.")


def _commas_and_signs(t: Trial) -> None:
    _case(
        t,
        "#### 1,800",
        "correct",
        "the comma ends the number here. Drop commas.",
        reference="1800",
        unreadable="a number with a comma is not read. Drop commas.",
    )
    _case(
        t,
        "#### 1,8",
        "correct",
        "commas are dropped wherever they stand, not only before three digits.",
    )
    _case(t, "#### $18", "correct", "the $ in front is in the way.")
    _case(
        t,
        "#### -18",
        "wrong",
        "the minus is lost: -18 counts as 18.",
        unreadable="a minus in front is allowed, and this one is not read.",
    )
    _case(
        t,
        "#### -$4",
        "correct",
        "with -$ in front the number is not read well: is the minus lost?",
        reference="-4",
        unreadable="-$ in front is allowed, and this one is not read.",
    )


def _points_and_digits(t: Trial) -> None:
    number_with_a_point = "a number may have a point and digits."
    _case(
        t,
        "#### 18.0",
        "correct",
        "18.0 and 18 are one number. Compare numbers, not their texts.",
        unreadable=number_with_a_point,
    )
    _case(
        t,
        "#### 17.5",
        "wrong",
        "the digits behind the point are lost.",
        reference="17",
        unreadable=number_with_a_point,
    )
    _case(t, "#### 18 pens", "correct", "words may follow the number.")
    _case(
        t,
        "#### 18...",
        "correct",
        "the points at the end belong to the sentence, not to the number.",
    )


def _nothing_is_calculated(t: Trial) -> None:
    _case(
        t,
        "#### 17 + 1",
        "wrong",
        "17 + 1 is calculated. A verifier reads the number, which ends before the blank; it does "
        "not do the policy's work.",
        unreadable="the number ends where its digits end; what follows does not make it "
        "unreadable.",
    )
    _case(
        t,
        "#### 18 + 0",
        "correct",
        "the number ends where its digits end; what follows is not looked at.",
    )


def _last_mark_decides(t: Trial) -> None:
    no_number = "with two marks no number is found."
    _case(
        t, "#### 19 #### 18", "correct", "two marks, and the first decided.", unreadable=no_number
    )
    _case(
        t,
        "#### 18 #### 19",
        "wrong",
        "one of the marks has the reference, but not the last. With 'any of them counts' a policy "
        "could list all numbers.",
        unreadable=no_number,
    )
    _case(
        t,
        "#### 18 ####",
        "correct",
        "the last #### has no number behind it, so it is no mark. The one before it decides.",
    )
    _case(
        t,
        "#### 18 #### done 19",
        "correct",
        "the last #### has a word directly behind it, so it is no mark. The one before it decides.",
    )
    _case(
        t,
        "#### 18 #### ,",
        "correct",
        "the last #### has only a comma behind it, so it is no mark: a number has a digit first, "
        "then commas. The mark before it decides.",
    )


def _exponents(t: Trial) -> None:
    _case(
        t,
        "#### 1e999",
        "unreadable",
        "an exponent follows the 1 at once. By the rule this number cannot be read.",
        reference="1",
        correct="an exponent follows the 1 at once, and only the 1 is read.",
        wrong="an exponent is read here. By the rule it cannot be: 1e999 is more than float holds.",
    )
    _case(
        t,
        "#### 2E+5",
        "unreadable",
        "this is an exponent, too: it may have a large E, and a sign.",
        reference="2",
    )
    _case(
        t,
        "#### 18euros",
        "correct",
        "an exponent has a digit behind its e, or a sign and a digit. Here a word follows.",
    )
    _case(
        t,
        "#### 18 #### 1e9",
        "unreadable",
        "the last mark decides, and its number has an exponent. The one before it does not take "
        "over.",
    )


def _exact_comparison(t: Trial) -> None:
    _case(
        t,
        "#### 17.9999999",
        "wrong",
        "close is not equal: compare without rounding and without a tolerance.",
    )
    _case(
        t,
        "#### 9007199254740993",
        "wrong",
        "the last digits differ, but float keeps only about 16 digits. Fraction and int are exact.",
        reference="9007199254740992",
    )


def _very_long_number(t: Trial) -> None:
    text = "#### " + "7" * 5000
    try:
        got = t.run(text, "18")
    except Wrong as wrong:
        if "integer string conversion" not in wrong.message:
            raise
        raise Wrong(
            "a number of 5,000 digits stops your function: Python refuses to convert so long a "
            "text. Decide before you convert it.",
            wrong.shown,
        ) from None
    t.holds(
        got in ("wrong", "unreadable"),
        "a number of 5,000 digits is not the reference.",
        f"{t.call_text((text, '18'))} gave {got!r}",
    )


@task(
    "ex06",
    points=4,
    minutes=12,
    difficulty="easy",
    idea="estimating pass@k",
    read=f"{L06}, 'On paper: pass@k'",
    hints=(
        "How many subsets of k samples are there, and how many of these have no right sample at "
        "all?",
        "math.comb works with whole numbers of any size, and comb(w, k) is 0 when w is below k. "
        "int(row.sum()) gives c.",
        "For each row: count the wrong ones, w = N - c. 1 minus comb(w, k) divided by comb(N, k). "
        "Divide the whole numbers by each other; do not turn them into floats first.",
    ),
)
def pass_at_k(t: Trial) -> None:
    with t.part(1, "k = 1 is the share right; k = N asks whether any is right"):
        _one_of_two_right(t)
        _none_right(t)
    with t.part(2, "averages over all subsets of k, problem by problem"):
        _two_of_five_right(t)
        _two_of_seven_right(t)
        _two_problems(t)
    with t.part(1, "any k up to N, without overflow"):
        _few_wrong(t)
        _two_thousand_samples(t)
        t.untidy()


def _one_of_two_right(t: Trial) -> None:
    correct = torch.tensor([[0.0, 1.0]])
    mistakes = [
        (
            [1.0],
            "with k = 1 one sample is drawn, and half of them are right. (Is N the number of "
            "columns? Or is the fraction rounded down, by //?)",
        ),
        ([0.0], "do you look at the first sample only? Each of them may be the one drawn."),
        (
            0.5,
            "this is one number: the mean over problems, or that of one problem, from a return "
            "inside the loop or behind it. One number for each problem is wanted, in a list or "
            "tensor, also when there is one problem.",
        ),
    ]
    t.same(
        (correct, 1),
        [0.5],
        mistakes,
        otherwise="with k = 1 the estimate should be the share right, as int or float",
    )

    mistakes = [
        (
            [0.75],
            "this draws with replacement: it may draw the wrong sample twice. There is only one "
            "pair of two samples.",
        ),
        (
            [0.0],
            "is this the chance that none is right, or that all are? (Or do you return 0 where "
            "fewer than k are wrong?)",
        ),
        ([0.5], "for k = 2 the result is that of k = 1: does k matter, or is it one too small?"),
        ([1.5], "a probability above 1: is the fraction added?"),
    ]
    t.same(
        (correct, 2), [1.0], mistakes, otherwise="with k = N any right sample is always among them"
    )


def _none_right(t: Trial) -> None:
    correct = torch.tensor([[0.0, 0.0]])
    t.same(
        (correct, 1),
        [0.0],
        [([1.0], "no sample is right, and you say that one is found for certain.")],
        otherwise="with no right sample the estimate should be the lowest there is",
    )


def _two_of_five_right(t: Trial) -> None:
    correct = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]])
    mistakes = [
        ([0.64], "this is 1 - (1 - c/N)^k, which draws with replacement. It is too low."),
        ([0.3], "this is the chance that none of the two is right."),
        ([0.0], "do you look at the first k samples only? Average over all subsets."),
        ([1.0], "this says whether any of all N is right. Only k of them are drawn."),
        ([0.1], "this is the chance that all k are right. One is enough."),
        ([0.8], "chances added up: the pair in which both are right is counted twice."),
        ([0.4], "this is pass@1: k is not used."),
        ([0.9], "the roles of right and wrong are exchanged."),
    ]
    t.same(
        (correct, 2),
        [0.7],
        mistakes,
        otherwise="of the ten pairs of these five samples, count those without a right one",
    )


def _two_of_seven_right(t: Trial) -> None:
    correct = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    t.same(
        (correct, 3),
        [5 / 7],
        otherwise="with two of seven right, and k = 3, the result is not right: are digits rounded "
        "away?",
    )


def _two_problems(t: Trial) -> None:
    correct = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]])
    mistakes = [
        (0.55, "this is the mean over problems. One number for each problem is wanted."),
        ([0.7, 0.7], "the second problem gets the first one's number."),
        ([1 - 21 / 45] * 2, "all problems are thrown together. Count c for each."),
    ]
    t.same(
        (correct, 2), [0.7, 0.4], mistakes, otherwise="with two problems the result is not right"
    )


def _few_wrong(t: Trial) -> None:
    correct = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    t.same(
        (correct, 2),
        [1.0, 1.0],
        otherwise="with fewer than k wrong samples every subset has a right one",
    )


def _two_thousand_samples(t: Trial) -> None:
    correct = torch.zeros(1, 2000)
    correct[0, 3] = 1
    too_large = "the two numbers of subsets are too large for a float, and what is left is lost."
    mistakes = [
        (
            [float("nan")],
            "the result is not a number: two numbers too large for a float were divided, or two of "
            "zero.",
        ),
        ([0.0], too_large),
        ([1.0], too_large),
    ]
    t.same(
        (correct, 1000),
        [0.5],
        mistakes,
        tolerance=1e-5,
        otherwise="for N = 2,000 the result is not right: something is rounded on the way (float32 "
        "keeps only about seven digits), or too large for a float",
    )


def _is_tuple(t: Trial, text: str) -> None:
    """The path of ``text`` must be a tuple, whatever is in it."""
    got = t.run(text)
    shown = f"{t.call_text((text,))} gave {got!r}"
    t.holds(
        not isinstance(got, str), "the result should be a tuple of equations, not one text.", shown
    )
    t.holds(not isinstance(got, (set, frozenset)), "a set has no order. Return a tuple.", shown)
    t.holds(
        isinstance(got, tuple),
        "the result should be a tuple: other types, such as a list, cannot be put in a set, and "
        "task 4 has to find paths again.",
        shown,
    )


def _path(
    t: Trial,
    text: str,
    right: tuple,
    mistakes: Sequence[tuple] = (),
    otherwise: str = "the path is not right",
) -> None:
    """One reply's path; another number of equations is said in words."""
    got = t.run(text)
    another_number = isinstance(got, (list, tuple)) and len(got) != len(right)
    if another_number and all(tuple(got) != value for value, _ in mistakes):
        raise Wrong(
            f"{otherwise}. (Equations found here: {len(got)}. How many are marked in the text?)",
            f"{t.call_text((text,))} gave {got!r}",
        )
    t.same((text,), right, mistakes, otherwise=otherwise)


@task(
    "ex06",
    points=3,
    minutes=20,
    difficulty="medium",
    idea="distinct reasoning paths",
    read=f"{L06}, 'Deeper: Right in different ways'",
    hints=(
        "First find what stands between << and >>, then clean each piece: blanks, then numbers.",
        "re.findall(r'<<([^<>]*)>>', text) finds the pieces. re.sub takes a function, which gets "
        "each number's match m (its text is m[0]) and returns what to write in its place.",
        "In that function: drop commas, split at the point with partition('.'), int() takes "
        "leading zeros away from the whole part, rstrip('0') zeros from the end of the other. "
        "Write the point only when something is left behind it.",
    ),
)
def path_of(t: Trial) -> None:
    with t.part(1, "the marked equations, all of them, in their order, as a tuple"):
        _one_equation(t)
        _order_of_many(t)
        _two_equations(t)
        _repeats_and_no_equation(t)
    with t.part(1, "blanks do not count"):
        _blanks(t)
    with t.part(1, "numbers in their shortest form"):
        _zeros_of_whole_numbers(t)
        _zeros_behind_the_point(t)
        _numbers_below_one(t)
        _digits_kept(t)
        t.untidy()


def _one_equation(t: Trial) -> None:
    text = "Add: <<3+2=5>>. #### 5"
    _is_tuple(t, text)
    mistakes = [
        (("<<3+2=5>>",), "the double brackets are no part of the equation."),
        (("3+2",), "the whole equation belongs to the path, not its left side alone."),
        (("5",), "the whole equation belongs to the path, not its result alone."),
        (("3+2=5", "5"), "the number behind #### is no part of the path."),
        (("3", "2", "5"), "these are the numbers. The path has equations."),
        (("3.0+2.0=5.0",), "whole numbers need no point."),
        (("2+3=5",), "the numbers are exchanged. By the rule 2+3=5 is another equation."),
        (
            ("3", "+", "2", "=", "5"),
            "a text is taken apart, letter by letter: tuple() wants a list of equations.",
        ),
    ]
    _path(
        t,
        text,
        ("3+2=5",),
        mistakes,
        otherwise="the path of a reply with one equation is not right",
    )


def _order_of_many(t: Trial) -> None:
    """A set has the right order of a few equations now and then, of many never."""
    right = [f"{k}*7={7 * k}" for k in (5, 3, 9, 2, 8, 4, 7, 1, 6)]
    got = t.run(" ".join(f"<<{equation}>>" for equation in right))
    in_another = isinstance(got, tuple) and sorted(map(str, got)) == sorted(right)
    t.holds(
        not in_another or list(got) in (right, right[::-1]),
        "the order of the equations is lost: is something sorted? Or was this a set? A set has no "
        "order.",
        "a text with nine equations",
    )


def _two_equations(t: Trial) -> None:
    text = "First <<3*4=12>>, then <<12-1=11>>."
    runs_on = (
        "the pattern runs on to the last >>. It should stop at the first, so allow no < and > "
        "inside."
    )
    mistakes = [
        (("3*4=12",), "only the first equation is found."),
        (("12-1=11",), "only the last equation is found."),
        (("12-1=11", "3*4=12"), "the order is changed. Order is part of the path."),
        (("3*4=12>>,then<<12-1=11",), runs_on),
        (("3*4=12>>, then <<12-1=11",), runs_on),
    ]
    _path(
        t,
        text,
        ("3*4=12", "12-1=11"),
        mistakes,
        otherwise="the path of a reply with two equations is not right",
    )


def _repeats_and_no_equation(t: Trial) -> None:
    _path(
        t,
        "<<1+1=2>> <<1+1=2>>",
        ("1+1=2", "1+1=2"),
        [(("1+1=2",), "an equation that stands twice is two steps. Repeats stay.")],
        otherwise="the same equation twice is two steps",
    )
    _path(
        t,
        "Kim has 4 pens. 4 + 4 = 8 #### 8",
        (),
        otherwise="there is no marked equation in this text, so its path should be empty",
    )
    _path(
        t,
        "<<friends4>>",
        ("friends4",),
        otherwise="what stands between << and >> counts, also where it is no equation",
    )
    _path(
        t,
        "<<2+2=4>>, then <<28",
        ("2+2=4",),
        otherwise="this reply breaks off: its last << has no >>",
    )


def _blanks(t: Trial) -> None:
    _path(
        t,
        "<<2+3=5 >>",
        ("2+3=5",),
        [(("2+3=5 ",), "a blank is left at the end.")],
        otherwise="a blank at the end makes another path",
    )

    mistakes = [
        ((" 2 + 3 = 5 ",), "blanks are left."),
        (("2 + 3 = 5",), "blanks are left inside the equation."),
    ]
    _path(t, "<< 2 + 3 = 5 >>", ("2+3=5",), mistakes, otherwise="blanks make another path")


def _zeros_of_whole_numbers(t: Trial) -> None:
    zero_lost = "a zero at the end of a whole number is lost, and 10 becomes 1."
    mistakes = [
        (("06+10=16",), "a leading zero is left."),
        (("6+1=16",), zero_lost),
        (("06+1=16",), zero_lost),
        (("6+1E+1=16",), "10 is written with an exponent: that is another spelling."),
    ]
    _path(
        t,
        "<<06+10=16>>",
        ("6+10=16",),
        mistakes,
        otherwise="a whole number is not in its shortest form",
    )


def _zeros_behind_the_point(t: Trial) -> None:
    mistakes = [
        (("1.0+2.50=3.5",), "zeros at the end of the digits behind a point are left."),
        (("1+2.50=3.5",), "a zero at the end of the digits behind a point is left."),
        (("1+5/2=7/2",), "numbers with a point became fractions."),
        (("1.+2.5=3.5",), "the point is left without digits."),
        (("1+2=3",), "digits behind the point are lost."),
        (("1.0+2.5=3.5",), "where only zeros stand behind a point, the point goes with them."),
    ]
    _path(
        t,
        "<<1.0+2.50=3.5>>",
        ("1+2.5=3.5",),
        mistakes,
        otherwise="a number with a point is not in its shortest form",
    )


def _numbers_below_one(t: Trial) -> None:
    _path(
        t,
        "<<0.50*10=5>>",
        ("0.5*10=5",),
        [((".5*10=5",), "the zero before the point should stay.")],
        otherwise="a number below 1 is not in its shortest form",
    )

    mistakes = [
        (("+100=100",), "the number 0 is lost."),
        (("0+1=1",), "zeros at the end of a whole number are lost."),
    ]
    _path(
        t, "<<0.0+100=100>>", ("0+100=100",), mistakes, otherwise="zeros are not handled well here"
    )


def _digits_kept(t: Trial) -> None:
    mistakes = [
        (
            ("1.5*2=2.1",),
            "zeros between the point and another digit are lost, and 2.01 becomes 2.1.",
        ),
        (("1*2=2.01",), "a number is rounded. All its digits belong to it."),
    ]
    _path(
        t,
        "<<1.005*2=2.01>>",
        ("1.005*2=2.01",),
        mistakes,
        otherwise="digits behind the point are not kept as they are",
    )

    mistakes = [
        (("1,000*2=2,000",), "the commas are left."),
        (("1,0*2=2,0",), "a comma ends the number here; drop commas first."),
    ]
    _path(
        t, "<<1,000*2=2,000>>", ("1000*2=2000",), mistakes, otherwise="commas in numbers should go"
    )

    rounded = "a long number is rounded: the format g keeps six digits."
    _path(
        t,
        "<<1234567*1=1234567>>",
        ("1234567*1=1234567",),
        [(("1.23457e+06*1=1.23457e+06",), rounded)],
        otherwise="a long number should keep all its digits",
    )


@task(
    "ex06",
    points=3,
    minutes=12,
    difficulty="medium",
    idea="distinct reasoning paths",
    read=f"{L06}, 'Deeper: Right in different ways'",
    hints=(
        "Go through one problem's replies from the first to the last, and remember the paths that "
        "you have kept.",
        "A set remembers paths: path in seen, seen.add(path). Where must the set be made, and when "
        "may a path go into it?",
        "For each problem: an empty set and an empty list. For each j: when the reply is right and "
        "its path is not in the set, put the path in the set and j in the list. A wrong reply "
        "changes nothing.",
    ),
)
def distinct_right(t: Trial) -> None:
    with t.part(1, "one reply for each path, the first"):
        _one_path(t)
        _two_replies(t)
    with t.part(1, "right replies only; a wrong one does not stand for its path"):
        _only_right_replies(t)
        _problem_without_right_reply(t)
    with t.part(1, "each problem for itself, whole paths compared"):
        _one_path_in_two_problems(t)
        _parts_of_paths(t)
        _empty_paths(t)
        _copy_further_on(t)
        t.untidy()


def _one_path(t: Trial) -> None:
    got = t.run([[A]], ONE_RIGHT)
    inside = got if isinstance(got, (list, tuple)) else ()
    t.holds(
        not any(isinstance(part, (dict, set)) for part in (got, *inside)),
        "lists of indices are wanted: not a set or a dictionary, nor a list of these.",
        f"{t.call_text(([[A]], ONE_RIGHT))} gave {got!r}",
    )

    mistakes = [
        ([[]], "the only reply is right, and it is not kept. (correct has floats, 1.0 and 0.0.)"),
        ([[A]], "these are paths. Indices are wanted."),
        (
            [0],
            "a list for each problem is wanted, with indices in it. (Is the return inside the "
            "loop?)",
        ),
        ([1], HOW_MANY),
        (
            [[1]],
            "indices count from 0. (Or do you mark replies, by 1 for kept? Their indices are "
            "wanted.)",
        ),
    ]
    t.same(
        ([[A]], ONE_RIGHT), [[0]], mistakes, otherwise="the only reply is right and should be kept"
    )


def _two_replies(t: Trial) -> None:
    mistakes = [
        ([[0]], "the second path is lost."),
        ([[1]], "the first path is lost."),
        ([[1, 0]], "indices should ascend."),
        ([2], HOW_MANY),
    ]
    t.same(
        ([[A, B]], BOTH_RIGHT), [[0, 1]], mistakes, otherwise="two paths are two replies to keep"
    )

    mistakes = [
        ([[0, 1]], "the second reply has the same path: it is a copy."),
        ([[1]], LAST_IS_KEPT),
        ([[]], "a path that comes twice is left out altogether; its first reply should be kept."),
    ]
    t.same(
        ([[A, A]], BOTH_RIGHT),
        [[0]],
        mistakes,
        otherwise="of two replies with one path the first should be kept",
    )


def _only_right_replies(t: Trial) -> None:
    second = torch.tensor([[0.0, 1.0]])
    mistakes = [
        ([[0, 1]], "the first reply is not right."),
        (
            [[0]],
            "the first reply is not right, and the second is. Indices count all replies, not the "
            "right ones alone.",
        ),
    ]
    t.same(([[A, B]], second), [[1]], mistakes, otherwise="only right replies should be kept")

    mistakes = [
        (
            [[]],
            "the wrong reply has used up its path, so the right one behind it is lost. Only a "
            "right reply may enter a path as seen.",
        ),
        ([[0]], "the first reply is not right."),
    ]
    t.same(
        ([[A, A]], second), [[1]], mistakes, otherwise="a wrong reply should not stand for its path"
    )


def _problem_without_right_reply(t: Trial) -> None:
    correct = torch.tensor([[0.0], [1.0]])
    mistakes = [
        (
            [[0]],
            "a problem without a right reply is left out. It needs an empty list, or all later "
            "problems move up.",
        ),
        ([[]], "only the first problem is looked at: is the return inside the loop?"),
        ([[-1], [0]], "a problem without a right reply needs an empty list, without a -1."),
        ([[], [1]], BEGIN_AT_0),
    ]
    t.same(
        ([[A], [B]], correct),
        [[], [0]],
        mistakes,
        otherwise="a problem without a right reply should have an empty list",
    )


def _one_path_in_two_problems(t: Trial) -> None:
    correct = torch.tensor([[1.0], [1.0]])
    mistakes = [
        ([[0], []], "the path was seen in another problem. Begin each problem with nothing seen."),
        ([[0], [1]], BEGIN_AT_0),
    ]
    t.same(
        ([[A], [A]], correct),
        [[0], [0]],
        mistakes,
        otherwise="with two problems the result is not right",
    )


def _parts_of_paths(t: Trial) -> None:
    one = ("1+2=3", "2+2=4")
    other = ("2+2=4", "1+2=3")
    t.same(
        ([[one, other]], BOTH_RIGHT),
        [[0, 1]],
        [([[0]], "the same equations in another order are another path.")],
        otherwise="two orders of equations are two paths",
    )

    first, second = one[:1], one[1:]
    correct = torch.tensor([[1.0, 1.0, 1.0]])
    mistakes = [
        ([[0, 2]], "the first two paths begin alike, but one has more steps."),
        ([[0, 1]], "the first and the last path end alike, but one has more steps."),
    ]
    t.same(
        ([[one, first, second]], correct),
        [[0, 1, 2]],
        mistakes,
        otherwise="a longer path is another path",
    )


def _empty_paths(t: Trial) -> None:
    mistakes = [
        ([[]], "the empty path is left out. It is a path like the others."),
        ([[0, 1]], "the empty path comes twice: the second is a copy."),
    ]
    t.same(
        ([[(), ()]], BOTH_RIGHT),
        [[0]],
        mistakes,
        otherwise="with the empty path the result is not right",
    )


def _copy_further_on(t: Trial) -> None:
    again = ("1+4=5",)
    correct = torch.tensor([[1.0, 1.0, 1.0]])
    mistakes = [
        (
            [[0, 1, 2]],
            "the third reply has the first one's path. A copy need not stand next to its original.",
        ),
        ([[1, 2]], LAST_IS_KEPT),
    ]
    t.same(
        ([[again, B, again]], correct),
        [[0, 1]],
        mistakes,
        otherwise="the first reply of each of these two paths should be kept",
    )


def _truths(t: Trial, args: tuple, right: list, mistakes: Sequence[tuple], otherwise: str) -> None:
    """One case, with a word to those who wrote ``and`` and to those who forgot the brackets.

    torch says NotImplementedError to & between numbers that are not whole.
    """
    try:
        t.same(args, right, mistakes, otherwise=otherwise)
    except Wrong as wrong:
        if "is ambiguous" in wrong.message:
            raise Wrong(
                "your code stopped: if, and, or, not and a < b < c want one truth value, and here "
                "they are given several. Tensors of truth values are joined by &.",
                wrong.shown,
            ) from None
        if "not implemented for" not in wrong.message:
            raise
        raise Wrong(
            "your code stopped: & joins truth values, and here it is given numbers. & is done "
            "before > and <, so each comparison needs brackets of its own.",
            wrong.shown,
        ) from None


@task(
    "ex06",
    points=2,
    minutes=5,
    difficulty="easy",
    idea="decidable prompts",
    read=f"{L06}, 'Which problems teach?'",
    hints=(
        "Two conditions for each row, and both must hold.",
        "Count the right ones of each row: correct.sum(dim=1). Which counts leave something to "
        "choose?",
        "The count must be above 0 and below N. Two tensors of truth values are joined by &, with "
        "brackets around each comparison.",
    ),
)
def decidable(t: Trial) -> None:
    with t.part(1, "some right and some wrong"):
        _one_of_two_problems(t)
        _one_problem(t)
    with t.part(1, "for any number of problems and samples"):
        _three_problems(t)
        _five_samples(t)
        _one_sample(t)
        t.untidy()


def _one_of_two_problems(t: Trial) -> None:
    correct = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    mistakes = [
        ([1], "these are positions of problems. One truth value for each problem is wanted."),
        (
            1,
            "this is one value for all problems together. One truth value for each problem is "
            "wanted, so look along the rows: dim=1.",
        ),
        (0.5, "this is a share. One truth value for each problem is wanted."),
        ([2, 1], "these are counts of right samples. Truth values are wanted."),
        ([1, 0.5], "these are shares of right samples. Truth values are wanted."),
        (
            [True, True],
            "the first problem's samples are all right: whichever is chosen, it is right.",
        ),
        ([True, False], "true and false are exchanged."),
        (
            [False, False],
            "in the second problem one is right and one is wrong: here a verifier can choose.",
        ),
    ]
    _truths(t, (correct,), [False, True], mistakes, otherwise=TRUTH_VALUE_WANTED)


def _one_problem(t: Trial) -> None:
    correct = torch.tensor([[1.0, 0.0]])
    mistakes = [
        ([False], "one is right and one is wrong: here a verifier can choose."),
        ([False, False], DOWN_THE_COLUMNS),
    ]
    _truths(t, (correct,), [True], mistakes, otherwise=TRUTH_VALUE_WANTED)

    correct = torch.tensor([[0.0, 0.0]])
    _truths(
        t,
        (correct,),
        [False],
        [([True], "nothing is right, so there is nothing right to choose.")],
        otherwise=TRUTH_VALUE_WANTED,
    )

    correct = torch.tensor([[1.0, 1.0]])
    _truths(
        t,
        (correct,),
        [False],
        [([True], "all are right: whichever is chosen, it is right.")],
        otherwise=TRUTH_VALUE_WANTED,
    )


def _three_problems(t: Trial) -> None:
    correct = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    mistakes = [
        ([True, True], DOWN_THE_COLUMNS),
        ([True, False], DOWN_THE_COLUMNS),
        ([True, True, False], "problems that are all right have nothing to choose either."),
    ]
    _truths(
        t,
        (correct,),
        [False, True, False],
        mistakes,
        otherwise="three problems, of which one has something to choose; your result says "
        "something else",
    )


def _five_samples(t: Trial) -> None:
    correct = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0, 1.0]])
    mistakes = [
        ([False, False], "one right sample is enough, and so is one wrong one."),
        ([False, True], "one right sample among five is enough to choose it."),
        ([True, False], "one wrong sample among five is enough, wherever it stands."),
    ]
    _truths(t, (correct,), [True, True], mistakes, otherwise="for N = 5 the result is not right")


def _one_sample(t: Trial) -> None:
    correct = torch.tensor([[1.0], [0.0]])
    _truths(
        t,
        (correct,),
        [False, False],
        [([True, False], "with one sample there is nothing to choose from.")],
        otherwise="with one sample there is nothing to choose from",
    )
