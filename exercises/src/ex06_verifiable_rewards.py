# %% [markdown]
# # Exercise 06: verifiable rewards
#
# **You will:** write a verifier that no string can fool or break, estimate pass@k without bias, and find the right replies that differ in their path. Then you use all of it on a stored pool, and decide a case.
#
# **Builds on:** lesson 06, and the estimator of lesson 01.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.verdict.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import re
from fractions import Fraction
from math import comb

import numpy as np
import torch

from course_lib.checks import ex06 as check

# %% [markdown] task="verdict"
# ## Task 1. A verifier
#
# Text in, one of three words out: `"correct"`, `"wrong"` or `"unreadable"`. `reference` is the right answer as a plain number in text, such as `"18"`, `"-4"` or `"2.5"`. The rule:
#
# 1. **Find.** A mark is `####` with a number directly behind it; only blanks may stand between: none, one or many. The **last** mark in the text decides. No mark: unreadable.
# 2. **Read.** A number may begin with `-`, with `$`, or with `-$`; then comes a digit, then more digits and commas, which are dropped wherever they stand (`1,800` is 1800, and `1,8` is 18), and perhaps a point with more digits.
#    The number ends where the digits end: `18 pens`, `18euros` and `18...` are 18, and `18 + 0` is 18 too, because nothing is calculated.
#    But where an exponent follows at once, that is `e` or `E`, perhaps a sign, and a digit (`1e999`, `2E+5`), the deciding number cannot be read, and the reply is unreadable.
# 3. **Compare** exactly. 18.0 is 18; 17.9999999 is not.
#
# Every string must get a verdict, and nothing in it may be run: no `eval`, no `exec`. A number of 5,000 digits must not stop your function (wrong or unreadable, as you like). Fractions such as `36/2`, other beginnings such as `+18`, `.5` and `$-4`, and tabs or line breaks behind a mark are left out here; no check has them.

# %% role="task" task="verdict"
def verdict(text, reference):
    """"correct", "wrong" (another number was read) or "unreadable" (none was). text: any string; reference: a number as text, such as "18"."""
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

# %% role="visible"
import builtins
import os
from contextlib import contextmanager

import torch

from course_lib.checks.core import Wrong, task

L06 = "lesson 06"
VERDICTS = ("correct", "wrong", "unreadable")
DOOR = "COURSE_DOOR"
CODE = f"#### __import__('os').environ.update({DOOR}='open')"


def _case(t, text, reference, right, said, otherwise='the result should be one of the three words "correct", "wrong" and "unreadable", in small letters', **other):
    """One string. ``said``: the message for another verdict; ``correct=``, ``wrong=`` or ``unreadable=`` name one for that verdict alone."""
    t.same((text, reference), right, [(v, other.get(v, said)) for v in VERDICTS if v != right], otherwise=otherwise)


@contextmanager
def _watched(text):
    """Notes in the list it gives when ``text``, or a part of it, is handed to eval or exec, or has been run in another way."""
    ran, real = [], {name: getattr(builtins, name) for name in ("eval", "exec")}

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


@task("ex06", points=5, minutes=30, difficulty="medium", idea="building a verifier", read=f"{L06}, 'A verifier: text in, verdict out'", hints=(
    "Three steps, one after the other: find the number that decides, read it, compare it. Leave early with 'unreadable' when there is nothing to find or it cannot be read.",
    "re.findall gives all marks with their numbers, and [-1] the last. A pattern: ####, \\s*, then in brackets an optional -, an optional \\$, a digit, more digits and commas, perhaps a point and digits. float is not exact; Fraction is.",
    "Give the pattern a second group in brackets, for an exponent: [eE][-+]?[0-9], with a ? behind it. findall then gives pairs. The last pair's second part says 'unreadable' unless it is empty; so does a very long first part. Drop , and $ from the first part "
    "and hand it to Fraction."))
def verdict(t):
    with t.part(1, "three verdicts: the number behind #### is right, is another, or is not there"):
        _case(t, "#### 18", "18", "correct", "the number behind #### is the reference. Is a text compared with a number?", unreadable="there is a number behind ####, but it is not found.")
        _case(t, "#### 19", "18", "wrong", "a number was read, and it is not the reference.", correct="19 is accepted where the reference is 18.")
        _case(t, "#### 180", "18", "wrong", "180 begins with the reference, but it is another number. Read the whole number, then compare.")
        _case(t, "18", "18", "unreadable", "no #### stands in this text. The format is part of the rule.", wrong="no number is marked here. 'Wrong' is for a number that was read and is another one; keep the two apart.")
        _case(t, "", "18", "unreadable", "the text is empty, so no number was read.")
        _case(t, "## 18", "18", "unreadable", "two # are no mark: there must be four.")
        _case(t, "####18", "18", "correct", "a blank may stand between #### and the number, but need not.")
        _case(t, "####   18", "18", "correct", "more than one blank may stand between #### and the number.")
        _case(t, "18 is right. #### eighteen", "18", "unreadable", "the number stands before the ####, and only a word behind it.")
        _case(t, "#### about 18", "18", "unreadable", "a word stands between #### and the number; the rule allows only blanks there.")
    with t.part(1, "nothing in the text is run"):
        _case(t, "#### 18", "18", "correct", "not even the plain number is read, so nothing can be said about safety.")
        with _watched(CODE) as ran:
            try:
                _case(t, CODE, "18", "unreadable", "code is not a number.")
            except Wrong:
                if not ran:
                    raise
        t.holds(not ran, "the text was run as code. A policy may write any text, also one that deletes files. Never give a reply to eval or exec, not even inside try.", t._call((CODE, "18")))
    with t.part(1, "numbers as people write them, and no calculation"):
        _case(t, "#### 1,800", "1800", "correct", "the comma ends the number here. Drop commas.", unreadable="a number with a comma is not read. Drop commas.")
        _case(t, "#### 1,8", "18", "correct", "commas are dropped wherever they stand, not only before three digits.")
        _case(t, "#### $18", "18", "correct", "the $ in front is in the way.")
        _case(t, "#### -18", "18", "wrong", "the minus is lost: -18 counts as 18.", unreadable="a minus in front is allowed, and this one is not read.")
        _case(t, "#### -$4", "-4", "correct", "with -$ in front the number is not read well: is the minus lost?", unreadable="-$ in front is allowed, and this one is not read.")
        _case(t, "#### 18.0", "18", "correct", "18.0 and 18 are one number. Compare numbers, not their texts.", unreadable="a number may have a point and digits.")
        _case(t, "#### 17.5", "17", "wrong", "the digits behind the point are lost.", unreadable="a number may have a point and digits.")
        _case(t, "#### 18 pens", "18", "correct", "words may follow the number.")
        _case(t, "#### 18...", "18", "correct", "the points at the end belong to the sentence, not to the number.")
        _case(t, "#### 17 + 1", "18", "wrong", "17 + 1 is calculated. A verifier reads the number, which ends before the blank; it does not do the policy's work.", unreadable="the number ends where its digits end; what follows does not make it unreadable.")
        _case(t, "#### 18 + 0", "18", "correct", "the number ends where its digits end; what follows is not looked at.")
    with t.part(1, "the last mark with a number decides"):
        _case(t, "#### 19 #### 18", "18", "correct", "two marks, and the first decided.", unreadable="with two marks no number is found.")
        _case(t, "#### 18 #### 19", "18", "wrong", "one of the marks has the reference, but not the last. With 'any of them counts' a policy could list all numbers.", unreadable="with two marks no number is found.")
        _case(t, "#### 18 ####", "18", "correct", "the last #### has no number behind it, so it is no mark. The one before it decides.")
        _case(t, "#### 18 #### done 19", "18", "correct", "the last #### has a word directly behind it, so it is no mark. The one before it decides.")
        _case(t, "#### 18 #### ,", "18", "correct", "the last #### has only a comma behind it, so it is no mark: a number has a digit first, then commas. The mark before it decides.")
    with t.part(1, "exponents, long numbers, exact comparison"):
        _case(t, "#### 1e999", "1", "unreadable", "an exponent follows the 1 at once. By the rule this number cannot be read.", correct="an exponent follows the 1 at once, and only the 1 is read.", wrong="an exponent is read here. By the rule it cannot be: 1e999 is more than float holds.")
        _case(t, "#### 2E+5", "2", "unreadable", "this is an exponent, too: it may have a large E, and a sign.")
        _case(t, "#### 18euros", "18", "correct", "an exponent has a digit behind its e, or a sign and a digit. Here a word follows.")
        _case(t, "#### 18 #### 1e9", "18", "unreadable", "the last mark decides, and its number has an exponent. The one before it does not take over.")
        _case(t, "#### 17.9999999", "18", "wrong", "close is not equal: compare without rounding and without a tolerance.")
        _case(t, "#### 9007199254740993", "9007199254740992", "wrong", "the last digits differ, but float keeps only about 16 digits. Fraction and int are exact.")
        text = "#### " + "7" * 5000
        try:
            got = t.run(text, "18")
        except Wrong as wrong:
            if "integer string conversion" not in wrong.message:
                raise
            raise Wrong("a number of 5,000 digits stops your function: Python refuses to convert so long a text. Decide before you convert it.", wrong.shown) from None
        t.holds(got in ("wrong", "unreadable"), "a number of 5,000 digits is not the reference.", f"{t._call((text, '18'))} gave {got!r}")

# %% role="hidden"
@probe("verdict")
def verdict_inputs(rng):
    for i in range(48):
        a, b = (int(x) for x in rng.integers(2, 9000, 2))
        b += a == b
        shapes = [f"{a}", f"{a:,}", f"${a:,}", f"-{a}", f"-${a:,}", f"{a}.0", f"{a}.50", f"{a}.", f"{a}, I think", f"{a} pens", f"{a} eggs", f"{a} + {b}", f"{a - 1} + 1", f"{a}e{b}",
                  f"{a}E+{b}", f"{a}e-3", "", "none", f"about {a}", f"__import__('os').getcwd()[:{a}]", f"{a}{b}{a}{b}{a}{b}", f"{b}"]
        text = f"<<{b}+{a}={a + b}>> " + " ".join(f"#### {shapes[int(k)]}" for k in [*rng.integers(0, len(shapes), int(rng.integers(0, 3))), i % len(shapes)])
        yield text if i % 9 else text.replace("#### ", "Answer "), [f"{a}", f"{a}", f"-{a}", f"{a}.5"][int(rng.choice(4, p=[0.6, 0.1, 0.15, 0.15]))]

# %% role="wrong"
PATTERN = r"####\s*(-?\$?[0-9][0-9,]*(?:\.[0-9]+)?)([eE][-+]?[0-9])?"


def judged(number, reference, same=lambda x, y: Fraction(x) == Fraction(y)):
    """The end of most solutions."""
    return "correct" if same(number.replace(",", "").replace("$", ""), reference) else "wrong"


@wrong("verdict", says="begins with the reference")
def looks_for_the_answer(text, reference):
    return "correct" if reference in text else "wrong"


@wrong("verdict", says="format is part of the rule")
def last_number(text, reference):
    numbers = re.findall(r"-?[0-9][0-9,]*(?:\.[0-9]+)?", text)
    return judged(numbers[-1], reference) if numbers else "unreadable"


@wrong("verdict", says="keep the two apart")
def unreadable_is_wrong(text, reference):
    return "correct" if verdict(text, reference) == "correct" else "wrong"


@wrong("verdict", says="one truth value")
def truth_values(text, reference):
    return verdict(text, reference) == "correct"


@wrong("verdict", says="run as code")
def calls_eval(text, reference):
    if "####" not in text:
        return "unreadable"
    try:
        value = eval(text.split("####")[-1].replace("$", ""))
        return "correct" if value == float(reference) else "wrong"
    except Exception:
        return "unreadable"


@wrong("verdict", says="run as code")
def calls_eval_without_builtins(text, reference):
    try:
        return judged(str(eval(text.split("####")[1].strip(), {"__builtins__": {}}, {})), reference)
    except Exception:
        return "unreadable"


@wrong("verdict", says="the first decided")
def first_mark(text, reference):
    marks = re.findall(PATTERN, text)
    return "unreadable" if not marks or marks[0][1] else judged(marks[0][0], reference)


@wrong("verdict", says="list all numbers")
def any_mark(text, reference):
    marks = re.findall(PATTERN, text)
    found = [judged(number, reference) for number, exponent in marks if not exponent]
    return "unreadable" if not found else "correct" if "correct" in found else "wrong"


@wrong("verdict", says="no number behind it")
def last_hashes(text, reference):
    behind = re.match(PATTERN, "####" + text.split("####")[-1]) if "####" in text else None
    return "unreadable" if not behind or behind[2] else judged(behind[1], reference)


@wrong("verdict", says="digit first, then commas")
def comma_may_begin(text, reference):
    marks = re.findall(PATTERN.replace("[0-9][0-9,]*", "[0-9,]+"), text)
    if not marks or marks[-1][1] or not 0 < len(marks[-1][0].replace(",", "")) < 60:
        return "unreadable"
    return judged(marks[-1][0], reference)


@wrong("verdict", says="no mark: there must be four")
def any_number_of_hashes(text, reference):
    return verdict(re.sub("#+", "####", text), reference)


@wrong("verdict", says="but need not")
def some_blank(text, reference):
    return verdict(re.sub(r"####(?! )", "", text), reference)


@wrong("verdict", says="more than one blank")
def one_blank(text, reference):
    return verdict(re.sub(r"####(?=  )", "", text), reference)


@wrong("verdict", says="not only before three digits")
def groups_of_three(text, reference):
    return verdict(re.sub(r",(?![0-9]{3})", " ", text), reference)


@wrong("verdict", says="words may follow")
def nothing_may_follow(text, reference):
    return verdict(text, reference) if re.search(r"[0-9]\s*$", text) else "unreadable"


@wrong("verdict", says="Here a word follows")
def every_e(text, reference):
    return verdict(re.sub(r"(?<=[0-9])[eE]", "e1", text), reference)


@wrong("verdict", says="drop commas")
def comma_ends(text, reference):
    marks = re.findall(r"####\s*(-?\$?[0-9]+(?:\.[0-9]+)?)([eE][-+]?[0-9])?", text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference)


@wrong("verdict", says="the $ in front")
def no_dollar(text, reference):
    marks = re.findall(PATTERN.replace(r"\$?", ""), text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference)


@wrong("verdict", says="minus is lost")
def no_minus(text, reference):
    marks = re.findall(PATTERN.replace("(-?", "-?("), text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference)


@wrong("verdict", says="not their texts")
def compares_texts(text, reference):
    marks = re.findall(PATTERN, text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference, lambda x, y: x == y)


@wrong("verdict", says="behind the point are lost")
def whole_numbers(text, reference):
    marks = re.findall(PATTERN, text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference, lambda x, y: int(float(x)) == int(float(y)))


@wrong("verdict", says="stopped with ValueError")
def takes_the_points(text, reference):
    marks = re.findall(r"####\s*(-?\$?[0-9][0-9,.]*)([eE][-+]?[0-9])?", text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference)


@wrong("verdict", says="belong to the sentence")
def catches_what_the_points_do(text, reference):
    try:
        return takes_the_points(text, reference)
    except ValueError:
        return "unreadable"


@wrong("verdict", says="is calculated")
def adds_up(text, reference):
    sums = re.findall(PATTERN + r" \+ ([0-9]+)", text)
    return judged(str(Fraction(sums[-1][0]) + int(sums[-1][2])), reference) if sums else verdict(text, reference)


@wrong("verdict", says="only the 1 is read")
def exponent_ignored(text, reference):
    marks = re.findall(PATTERN, text)
    return judged(marks[-1][0], reference) if marks else "unreadable"


@wrong("verdict", says="is read here")
def exponent_read(text, reference):
    marks = re.findall(PATTERN.replace("[0-9])?", "[0-9]+)?"), text)
    return judged("".join(marks[-1]), reference, lambda x, y: float(x) == float(y)) if marks else "unreadable"


@wrong("verdict", says="does not take over")
def another_mark_takes_over(text, reference):
    marks = [number for number, exponent in re.findall(PATTERN, text) if not exponent]
    return judged(marks[-1], reference) if marks else "unreadable"


@wrong("verdict", says="without a tolerance")
def nearly(text, reference):
    marks = re.findall(PATTERN, text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference, lambda x, y: abs(float(x) - float(y)) < 1e-6)


@wrong("verdict", says="float keeps only")
def floats(text, reference):
    marks = re.findall(PATTERN, text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference, lambda x, y: float(x) == float(y))


@wrong("verdict", says="stops your function")
def long_numbers_stop_it(text, reference):
    marks = re.findall(PATTERN, text)
    return "unreadable" if not marks or marks[-1][1] else judged(marks[-1][0], reference)


@wrong("verdict", says="returns nothing")
def forgets_a_return(text, reference):
    if (found := verdict(text, reference)) != "unreadable":
        return found


@wrong("verdict", says="a large E")
def small_e_only(text, reference):
    marks = re.findall(PATTERN.replace("[eE]", "e"), text)
    return "unreadable" if not marks or marks[-1][1] or len(marks[-1][0]) > 60 else judged(marks[-1][0], reference)


@wrong("verdict", says="and a sign")
def exponents_without_sign(text, reference):
    marks = re.findall(PATTERN.replace("[-+]?", ""), text)
    return "unreadable" if not marks or marks[-1][1] or len(marks[-1][0]) > 60 else judged(marks[-1][0], reference)

# %% role="right"
@right("verdict")
def by_characters(text, reference):
    from decimal import Decimal
    for piece in reversed(text.split("####")[1:]):
        piece = piece.lstrip()
        sign = "-" if piece.startswith("-") else ""
        piece = piece[len(sign):].removeprefix("$")
        digits, at, point = "", 0, False
        while at < len(piece) and (piece[at] in "0123456789" or (piece[at] == "," and digits) or (piece[at] == "." and digits and not point and piece[at + 1:at + 2].isdigit())):
            point |= piece[at] == "."
            digits += piece[at].replace(",", "")
            at += 1
        if not digits:
            continue
        rest = piece[at:].lower()
        if rest[:1] == "e" and rest[1:].lstrip("+-")[:1].isdigit():
            return "unreadable"
        return "correct" if Decimal(sign + digits) == Decimal(reference) else "wrong"
    return "unreadable"


@right("verdict")
def with_named_groups(text, reference):
    marks = list(re.finditer(r"####[ \t\n]*(?P<minus>-?)\$?(?P<whole>\d[\d,]*)(\.(?P<rest>\d+))?(?P<power>[eE][+-]?\d)?", text))
    if not marks or marks[-1]["power"]:
        return VERDICT_WORDS[2]
    last = marks[-1]

    def plain(minus, whole, rest):
        whole, rest = whole.replace(",", "").lstrip("0"), (rest or "").rstrip("0")
        return (bool(minus) and bool(whole or rest), whole, rest)

    whole, _, rest = reference.lstrip("-").partition(".")
    return VERDICT_WORDS[plain(last["minus"], last["whole"], last["rest"]) != plain(reference[0] == "-", whole, rest)]


VERDICT_WORDS = ("correct", "wrong", "unreadable")

# %% [markdown] task="pass_at_k"
# ## Task 2. pass@k
#
# `correct` holds a 1 for each right sample and a 0 for any other: a tensor of shape `(P, N)`. Estimate for each problem the chance that at least one of $k$ samples is right. With $c$ of its $N$ samples right:
#
# $$\widehat{\text{pass@}k} = 1 - \binom{N - c}{k} \Big/ \binom{N}{k}$$
#
# It must hold for every $k$ from 1 to $N$, also for $N$ = 2,000, where $\binom{N}{k}$ is far more than a float can hold. `comb` wants whole numbers, and `correct` has floats: `int(x)` turns a tensor with one number into a whole number. Return $P$ numbers.

# %% role="task" task="pass_at_k"
def pass_at_k(correct, k):
    """Unbiased estimates of pass@k, P numbers in [0, 1]. correct: (P, N) of 0 and 1; k from 1 to N."""
    # SOLUTION
    N = correct.shape[1]
    wrong_ones = [N - int(row.sum()) for row in correct]
    return [1 - comb(w, k) / comb(N, k) for w in wrong_ones]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex06", points=4, minutes=12, difficulty="easy", idea="estimating pass@k", read=f"{L06}, 'On paper: pass@k'", hints=(
    "How many subsets of k samples are there, and how many of these have no right sample at all?",
    "math.comb works with whole numbers of any size, and comb(w, k) is 0 when w is below k. int(row.sum()) gives c.",
    "For each row: count the wrong ones, w = N - c. One less comb(w, k) divided by comb(N, k). Divide the whole numbers by each other; do not turn them into floats first."))
def pass_at_k(t):
    half = torch.tensor([[0.0, 1.0]])
    with t.part(1, "k = 1 is the share right; k = N asks whether any is right"):
        t.same((half, 1), [0.5], [([1.0], "with k = 1 one sample is drawn, and half of them are right. (Is N the number of columns? Or is the fraction rounded down, by //?)"), ([0.0], "do you look at the first sample only? Each of them may be the one drawn."), (0.5, "this is one number: the mean over problems, or that of one problem, from a return inside the loop or behind it. One number for each problem is wanted, in a list or tensor, also when there is one problem.")], otherwise="with k = 1 the estimate should be the share right, as int or float")
        t.same((half, 2), [1.0], [([0.75], "this draws with replacement: it may draw the wrong sample twice. There is only one pair of two samples."), ([0.0], "is this the chance that none is right, or that all are? (Or do you return 0 where fewer than k are wrong?)"), ([0.5], "for k = 2 the result is that of k = 1: does k matter, or is it one too small?"),
                                  ([1.5], "a probability above 1: is the fraction added?")], otherwise="with k = N any right sample is always among them")
        t.same((torch.tensor([[0.0, 0.0]]), 1), [0.0], [([1.0], "no sample is right, and you say that one is found for certain.")], otherwise="with no right sample the estimate should be the lowest there is")
    with t.part(2, "averages over all subsets of k, problem by problem"):
        five = torch.tensor([[0.0, 0.0, 0.0, 1.0, 1.0]])
        t.same((five, 2), [0.7], [([0.64], "this is 1 - (1 - c/N)^k, which draws with replacement. It is too low."), ([0.3], "this is the chance that none of the two is right."), ([0.0], "do you look at the first k samples only? Average over all subsets."), ([1.0], "this says whether any of all N is right. Only k of them are drawn."),
                                  ([0.1], "this is the chance that all k are right. One is enough."), ([0.8], "chances added up: the pair in which both are right is counted twice."), ([0.4], "this is pass@1: k is not used."), ([0.9], "the roles of right and wrong are exchanged.")],
               otherwise="of the ten pairs of these five samples, count those without a right one")
        t.same((torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]), 3), [5 / 7], otherwise="with two of seven right, and k = 3, the result is not right: are digits rounded away?")
        two = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]])
        t.same((two, 2), [0.7, 0.4], [(0.55, "this is the mean over problems. One number for each problem is wanted."), ([0.7, 0.7], "the second problem gets the first one's number."), ([1 - 21 / 45] * 2, "all problems are thrown together. Count c for each.")],
               otherwise="with two problems the result is not right")
    with t.part(1, "any k up to N, without overflow"):
        t.same((torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]), 2), [1.0, 1.0], otherwise="with fewer than k wrong samples every subset has a right one")
        large = torch.zeros(1, 2000)
        large[0, 3] = 1
        t.same((large, 1000), [0.5], [([float("nan")], "the result is not a number: two numbers too large for a float were divided, or two of zero."), ([0.0], "the two numbers of subsets are too large for a float, and what is left is lost."), ([1.0], "the two numbers of subsets are too large for a float, and what is left is lost.")], tolerance=1e-5,
               otherwise="for N = 2,000 the result is not right: something is rounded on the way (float32 keeps only about seven digits), or too large for a float")

# %% role="hidden"
@probe("pass_at_k", tolerance=1e-5)
def pass_at_k_inputs(rng):
    for i in range(20):
        P, N = int(rng.integers(1, 6)), int(rng.integers(1, 40)) if i % 5 else int(rng.integers(1100, 1500))
        shares = rng.uniform(size=(P, 1)) if i % 5 else rng.uniform(0, 0.004, size=(P, 1))
        yield torch.tensor((rng.uniform(size=(P, N)) < shares).astype(np.float32)), int(rng.integers(1, N + 1)) if i % 5 else int(rng.integers(200, 700))

# %% role="wrong"
@wrong("pass_at_k", says="with replacement")
def shortcut(correct, k):
    return 1 - (1 - correct.double().mean(1)) ** k


@wrong("pass_at_k", says="with replacement")
def shortcut_between(correct, k):
    return shortcut(correct, k) if k < correct.shape[1] else correct.max(1).values


@wrong("pass_at_k", says="first sample only")
def prefix(correct, k):
    return correct[:, :k].amax(1)


@wrong("pass_at_k", says="first k samples")
def prefix_but_for_one(correct, k):
    return correct[:, :k].amax(1) if k > 1 else correct.mean(1)


@wrong("pass_at_k", says="none is right")
def one_less_forgotten(correct, k):
    return [comb(correct.shape[1] - int(row.sum()), k) / comb(correct.shape[1], k) for row in correct]


@wrong("pass_at_k", says="that all are")
def all_right(correct, k):
    return [comb(int(row.sum()), k) / comb(correct.shape[1], k) for row in correct]


@wrong("pass_at_k", says="added up")
def chances_added(correct, k):
    return (k * correct.double().mean(1)).clamp(max=1)


@wrong("pass_at_k", says="k matter")
def share_right(correct, k):
    return correct.double().mean(1)


@wrong("pass_at_k", says="one too small")
def one_drawn_too_few(correct, k):
    return pass_at_k(correct, max(k - 1, 1))


@wrong("pass_at_k", says="fewer than k are wrong")
def nothing_for_few_wrong(correct, k):
    return [p if correct.shape[1] - int(row.sum()) >= k else 0.0 for p, row in zip(pass_at_k(correct, k), correct)]


@wrong("pass_at_k", says="number of columns")
def rows_for_columns(correct, k):
    return [1 - comb(max(len(correct) - int(row.sum()), 0), k) / max(comb(len(correct), k), 1) for row in correct]


@wrong("pass_at_k", says="rounded away")
def two_places(correct, k):
    return [round(p, 2) for p in pass_at_k(correct, k)]


@wrong("pass_at_k", says="inside the loop")
def returns_in_the_loop(correct, k):
    for p in pass_at_k(correct, k):
        return p


@wrong("pass_at_k", says="half of them")
def any_right(correct, k):
    return correct.amax(1)


@wrong("pass_at_k", says="mean over problems")
def mean_of_problems(correct, k):
    return float(np.mean(pass_at_k(correct, k)))


@wrong("pass_at_k", says="thrown together")
def one_count(correct, k):
    c, total = int(correct.sum()), correct.numel()
    return [1 - comb(total - c, k) / comb(total, k)] * correct.shape[0]


@wrong("pass_at_k", says="not a number")
def with_floats(correct, k):
    def choose(n):
        return np.prod([(n - i) for i in range(k)], dtype=np.float64) / np.prod(np.arange(1, k + 1), dtype=np.float64)
    with np.errstate(all="ignore"):
        return [float(1 - choose(correct.shape[1] - int(row.sum())) / choose(correct.shape[1])) for row in correct]


@wrong("pass_at_k", says="OverflowError")
def floats_first(correct, k):
    N = correct.shape[1]
    return [1 - float(comb(N - int(row.sum()), k)) / float(comb(N, k)) for row in correct]


@wrong("pass_at_k", says="stopped with ValueError")
def by_factorials(correct, k):
    from math import factorial
    N = correct.shape[1]
    return [1 - (factorial(N - int(row.sum())) // factorial(N - int(row.sum()) - k)) / (factorial(N) // factorial(N - k)) for row in correct]


@wrong("pass_at_k", hidden=True)
def guess_for_many_k(correct, k):
    return pass_at_k(correct, k) if k < 8 or correct.shape[1] == 2000 else shortcut(correct, k)

# %% role="right"
@right("pass_at_k")
def as_a_product(correct, k):
    out = []
    for row in np.asarray(correct, dtype=np.float64):
        N, c = len(row), int(row.sum())
        out.append(1.0 if N - c < k else 1 - np.prod(1 - k / np.arange(N - c + 1, N + 1)))
    return np.array(out)


@right("pass_at_k")
def with_logarithms(correct, k):
    N, c = correct.shape[1], correct.double().sum(1)
    w = N - c

    def log_choose(n):
        return torch.lgamma(n + 1) - torch.lgamma((n - k).clamp(min=0) + 1)
    ratio = torch.exp(log_choose(w) - log_choose(torch.tensor(float(N), dtype=torch.float64)))
    return torch.where(w >= k, 1 - ratio, torch.ones_like(w)).float()

# %% [markdown] task="path_of"
# ## Task 3. The path of a reply
#
# The **path** is the tuple of the marked equations, `<<` … `>>`, in the order in which they stand. Make equal what is written differently but is the same:
#
# - all blanks inside an equation go (spaces; no check has tabs or line breaks);
# - every number gets its shortest form: commas go, leading zeros go (`06` → `6`), and so do zeros at the end of the digits behind a point (`1.50` → `1.5`, `1.0` → `1`). `10` and `0.5` stay as they are. Every number here begins with a digit and ends with one.
#
# What stands between `<<` and `>>` counts as an equation, whatever it is: `<< friends 4 = 4 >>` is `friends4=4`, and `<< 28 >>` is `28`. A `<<` whose `>>` is missing, as where a reply breaks off, is none.
# A reply without equations has the empty path `()`. Nothing else in the text counts, and no side of an equation is exchanged: `2+3=5` and `3+2=5` are different.

# %% role="task" task="path_of"
def path_of(text):
    """The reply's marked equations as a tuple of strings, in order, blanks removed, numbers in their shortest form."""
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

# %% role="visible"
def _is_tuple(t, text):
    got = t.run(text)
    shown = f"{t._call((text,))} gave {got!r}"
    t.holds(not isinstance(got, str), "the result should be a tuple of equations, not one text.", shown)
    t.holds(not isinstance(got, (set, frozenset)), "a set has no order. Return a tuple.", shown)
    t.holds(isinstance(got, tuple), "the result should be a tuple: other types, such as a list, cannot be put in a set, and task 4 has to find paths again.", shown)


def _path(t, text, right, mistakes=(), otherwise="the path is not right"):
    """One reply's path; another number of equations is said in words."""
    got = t.run(text)
    if isinstance(got, (list, tuple)) and len(got) != len(right) and all(tuple(got) != value for value, _ in mistakes):
        raise Wrong(f"{otherwise}. (Equations found here: {len(got)}. How many are marked in the text?)", f"{t._call((text,))} gave {got!r}")
    t.same((text,), right, mistakes, otherwise=otherwise)


@task("ex06", points=3, minutes=20, difficulty="medium", idea="distinct reasoning paths", read=f"{L06}, 'Right in different ways'", hints=(
    "First find what stands between << and >>, then clean each piece: blanks, then numbers.",
    "re.findall(r'<<([^<>]*)>>', text) finds the pieces. re.sub takes a function, which gets each number's match m (its text is m[0]) and returns what to write in its place.",
    "In that function: drop commas, split at the point with partition('.'), int() takes leading zeros away from the whole part, rstrip('0') zeros from the end of the other. Write the point only when something is left behind it."))
def path_of(t):
    with t.part(1, "the marked equations, all of them, in their order, as a tuple"):
        one = "Add: <<3+2=5>>. #### 5"
        _is_tuple(t, one)
        _path(t, one, ("3+2=5",), [(("<<3+2=5>>",), "the double brackets are no part of the equation."), (("3+2",), "the whole equation belongs to the path, not its left side alone."), (("5",), "the whole equation belongs to the path, not its result alone."),
                                    (("3+2=5", "5"), "the number behind #### is no part of the path."), (("3", "2", "5"), "these are the numbers. The path has equations."), (("3.0+2.0=5.0",), "whole numbers need no point."),
                                    (("2+3=5",), "the numbers are exchanged. By the rule 2+3=5 is another equation."), (("3", "+", "2", "=", "5"), "a text is taken apart, letter by letter: tuple() wants a list of equations.")], otherwise="the path of a reply with one equation is not right")
        two = "First <<3*4=12>>, then <<12-1=11>>."
        _path(t, two, ("3*4=12", "12-1=11"), [(("3*4=12",), "only the first equation is found."), (("12-1=11",), "only the last equation is found."), (("12-1=11", "3*4=12"), "the order is changed. Order is part of the path."),
                                               (("3*4=12>>,then<<12-1=11",), "the pattern runs on to the last >>. It should stop at the first, so allow no < and > inside."),
                                               (("3*4=12>>, then <<12-1=11",), "the pattern runs on to the last >>. It should stop at the first, so allow no < and > inside.")], otherwise="the path of a reply with two equations is not right")
        _path(t, "<<1+1=2>> <<1+1=2>>", ("1+1=2", "1+1=2"), [(("1+1=2",), "an equation that stands twice is two steps. Repeats stay.")], otherwise="the same equation twice is two steps")
        _path(t, "Kim has 4 pens. 4 + 4 = 8 #### 8", (), otherwise="there is no marked equation in this text, so its path should be empty")
        _path(t, "<<friends4>>", ("friends4",), otherwise="what stands between << and >> counts, also where it is no equation")
        _path(t, "<<2+2=4>>, then <<28", ("2+2=4",), otherwise="this reply breaks off: its last << has no >>")
    with t.part(1, "blanks do not count"):
        _path(t, "<<2+3=5 >>", ("2+3=5",), [(("2+3=5 ",), "a blank is left at the end.")], otherwise="a blank at the end makes another path")
        _path(t, "<< 2 + 3 = 5 >>", ("2+3=5",), [((" 2 + 3 = 5 ",), "blanks are left."), (("2 + 3 = 5",), "blanks are left inside the equation.")], otherwise="blanks make another path")
    with t.part(1, "numbers in their shortest form"):
        _path(t, "<<06+10=16>>", ("6+10=16",), [(("06+10=16",), "a leading zero is left."), (("6+1=16",), "a zero at the end of a whole number is lost, and 10 becomes 1."), (("06+1=16",), "a zero at the end of a whole number is lost, and 10 becomes 1."), (("6+1E+1=16",), "10 is written with an exponent: that is another spelling.")], otherwise="a whole number is not in its shortest form")
        _path(t, "<<1.0+2.50=3.5>>", ("1+2.5=3.5",), [(("1.0+2.50=3.5",), "zeros at the end of the digits behind a point are left."), (("1+2.50=3.5",), "a zero at the end of the digits behind a point is left."), (("1+5/2=7/2",), "numbers with a point became fractions."), (("1.+2.5=3.5",), "the point is left without digits."), (("1+2=3",), "digits behind the point are lost."),
                                                       (("1.0+2.5=3.5",), "where only zeros stand behind a point, the point goes with them.")], otherwise="a number with a point is not in its shortest form")
        _path(t, "<<0.50*10=5>>", ("0.5*10=5",), [((".5*10=5",), "the zero before the point should stay.")], otherwise="a number below 1 is not in its shortest form")
        _path(t, "<<0.0+100=100>>", ("0+100=100",), [(("+100=100",), "the number 0 is lost."), (("0+1=1",), "zeros at the end of a whole number are lost.")], otherwise="zeros are not handled well here")
        _path(t, "<<1.005*2=2.01>>", ("1.005*2=2.01",), [(("1.5*2=2.1",), "zeros between the point and another digit are lost, and 2.01 becomes 2.1."), (("1*2=2.01",), "a number is rounded. All its digits belong to it.")], otherwise="digits behind the point are not kept as they are")
        _path(t, "<<1,000*2=2,000>>", ("1000*2=2000",), [(("1,000*2=2,000",), "the commas are left."), (("1,0*2=2,0",), "a comma ends the number here; drop commas first.")], otherwise="commas in numbers should go")
        _path(t, "<<1234567*1=1234567>>", ("1234567*1=1234567",), [(("1.23457e+06*1=1.23457e+06",), "a long number is rounded: the format g keeps six digits.")], otherwise="a long number should keep all its digits")

# %% role="hidden"
@probe("path_of")
def path_of_inputs(rng):
    def written(number):
        text = f"{number:,}" if rng.random() < 0.3 else str(number)
        form = int(rng.integers(0, 6))
        return {0: f"0{text}", 1: f"{text}.0", 2: f"{text}.{rng.integers(1, 99)}0", 3: f"0.{rng.integers(1, 99)}"}.get(form, text)

    def blank():
        return " " * int(rng.integers(0, 2))

    def equation():
        a, b, c = (written(int(10 ** rng.uniform(0, 7))) for _ in range(3))
        return f"<<{blank()}{a}{blank()}{rng.choice(list('+-*/'))}{blank()}{b}{blank()}={blank()}{c}{blank()}>>"

    for i in range(24):
        steps = [equation() for _ in range(i % 8)]
        if len(steps) > 3:
            steps[-1] = steps[0]
        yield (f"Take {rng.integers(0, 100000)}: " + ", then ".join(steps) + f". #### {rng.integers(0, 1000)}",)

# %% role="wrong"
def pieces(text):
    return ["".join(part.split()) for part in re.findall(r"<<([^<>]*)>>", text)]


def respelled(part, spell):
    return re.sub(r"[0-9][0-9,]*(?:\.[0-9]+)?", spell, part)


@wrong("path_of", says="cannot be put in a set")
def as_a_list(text):
    return list(path_of(text))


@wrong("path_of", says="has no order")
def as_a_set(text):
    return set(path_of(text))


@wrong("path_of", says="not one text")
def as_one_text(text):
    return ", ".join(path_of(text))


@wrong("path_of", says="runs on to the last")
def greedy(text):
    return tuple("".join(part.split()) for part in re.findall(r"<<(.*)>>", text))


@wrong("path_of", says="are no part of the equation")
def with_brackets(text):
    return tuple(f"<<{part}>>" for part in path_of(text))


@wrong("path_of", says="behind #### is no part")
def with_answer(text):
    return path_of(text) + tuple(re.findall(r"#### ([0-9]+)", text))


@wrong("path_of", says="order is changed")
def ordered(text):
    return tuple(sorted(path_of(text)))


@wrong("path_of", says="repeats stay")
def without_repeats(text):
    return tuple(dict.fromkeys(path_of(text)))


@wrong("path_of", says="only the first equation")
def first_only(text):
    return path_of(text)[:1]


@wrong("path_of", says="should be empty")
def every_equation(text):
    return path_of(text) or tuple("".join(part.split()) for part in re.findall(r"[0-9]+ [-+*/] [0-9]+ = [0-9]+", text))


@wrong("path_of", says="inside the equation")
def blanks_at_ends(text):
    return tuple(part.strip() for part in re.findall(r"<<([^<>]*)>>", text))


@wrong("path_of", says="leading zero is left")
def as_written(text):
    return tuple(pieces(text))


@wrong("path_of", says="10 becomes 1")
def strips_all_zeros(text):
    return tuple(respelled(part, lambda m: m[0].strip("0") or "0") for part in pieces(text))


@wrong("path_of", says="need no point")
def floats_written(text):
    return tuple(respelled(part, lambda m: str(float(m[0].replace(",", "")))) for part in pieces(text))


@wrong("path_of", says="digits behind the point are lost")
def whole_parts(text):
    return tuple(respelled(part, lambda m: str(int(float(m[0].replace(",", ""))))) for part in pieces(text))


@wrong("path_of", says="a number is rounded")
def two_digits_behind_the_point(text):
    return tuple(respelled(part, lambda m: f"{float(m[0].replace(',', '')):.2f}".rstrip("0").rstrip(".")) for part in pieces(text))


@wrong("path_of", says="2.01 becomes 2.1")
def zeros_at_each_beginning(text):
    return tuple(re.sub(r"\b0+(?=[0-9])", "", part) for part in path_of(text))


@wrong("path_of", says="became fractions")
def fractions_written(text):
    return tuple(respelled(part, lambda m: str(Fraction(m[0].replace(",", "")))) for part in pieces(text))


@wrong("path_of", says="with an exponent")
def decimals_normalised(text):
    from decimal import Decimal
    return tuple(respelled(part, lambda m: str(Decimal(m[0].replace(",", "")).normalize())) for part in pieces(text))


@wrong("path_of", says="10 becomes 1")
def strips_zeros_at_the_end(text):
    return tuple(respelled(part, lambda m: m[0].rstrip("0").rstrip(".")) for part in pieces(text))


@wrong("path_of", says="are exchanged")
def ordered_sides(text):
    sides = [part.partition("=") for part in path_of(text)]
    return tuple("+".join(sorted(left.split("+"))) + sign + right for left, sign, right in sides)


@wrong("path_of", says="letter by letter")
def letters(text):
    return tuple("".join(path_of(text)))


@wrong("path_of", says="where it is no equation")
def only_signs_and_digits(text):
    return tuple(part for part in path_of(text) if re.fullmatch(r"[-0-9+*/=.]+", part))


@wrong("path_of", says="where it is no equation")
def only_with_equals(text):
    return tuple(part for part in path_of(text) if "=" in part)


@wrong("path_of", says="breaks off")
def to_the_end(text):
    return tuple("".join(part.split()) for part in re.findall(r"<<([^<>]*)", text))


@wrong("path_of", says="substring not found")
def by_index(text):
    at = 0
    while "<<" in text[at:]:
        at = text.index(">>", text.index("<<", at))
    return path_of(text)


@wrong("path_of", says="keeps six digits")
def six_digits(text):
    return tuple(respelled(part, lambda m: f"{float(m[0].replace(',', '')):g}") for part in pieces(text))


@wrong("path_of", says="before the point should stay")
def no_zero_before_the_point(text):
    def spell(m):
        number = m[0].replace(",", "").lstrip("0")
        return (number.rstrip("0").rstrip(".") if "." in number else number) or "0"
    return tuple(respelled(part, spell) for part in pieces(text))


@wrong("path_of", says="commas")
def commas_stay(text):
    return tuple(re.sub(r"[0-9]+(?:\.[0-9]+)?(?![0-9,])", lambda m, part=part: f"{float(m[0]):.12g}" if "," not in part else m[0], part) for part in pieces(text))


@wrong("path_of", hidden=True)
def four_steps(text):
    return path_of(text)[:4]

# %% role="right"
@right("path_of")
def by_splitting(text):
    found = []
    for chunk in text.split("<<")[1:]:
        if ">>" not in chunk:
            continue
        clean = chunk.split(">>")[0].replace(" ", "").replace(",", "")
        out, number = "", ""
        for c in clean + "\0":
            if c.isdigit() or c == ".":
                number += c
                continue
            if number:
                number = number.rstrip("0").rstrip(".") if "." in number else number
                number = number.lstrip("0")
                out += "0" + number if not number or number[0] == "." else number
                number = ""
            out += c
        found.append(out.rstrip("\0"))
    return tuple(found)


@right("path_of")
def by_decimals(text):
    from decimal import Decimal

    def spell(m):
        number = format(Decimal(m[0].replace(",", "")), "f")
        return number.rstrip("0").rstrip(".") if "." in number else number
    return tuple(re.sub(r"\d[\d,]*(\.\d+)?", spell, re.sub(r"\s", "", m[1])) for m in re.finditer("<<(.*?)>>", text))

# %% [markdown] task="distinct_right"
# ## Task 4. Distinct right replies
#
# Of each problem's right replies keep the **first** one of every path. `paths` holds $P$ lists of $N$ paths, each a tuple as in task 3; `correct` is a tensor of shape `(P, N)` of 0 and 1. Return $P$ lists of indices, ascending; a problem without a right reply has the empty list. The empty path `()` is a path like the others. Each problem is looked at for itself.

# %% role="task" task="distinct_right"
def distinct_right(paths, correct):
    """For each problem the indices of the first right reply of each path: P lists, ascending. paths: P lists of N tuples; correct: (P, N)."""
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

# %% role="visible"
@task("ex06", points=3, minutes=12, difficulty="medium", idea="distinct reasoning paths", read=f"{L06}, 'Right in different ways'", hints=(
    "Go through one problem's replies from the first to the last, and remember the paths that you have kept.",
    "A set remembers paths: path in seen, seen.add(path). Where must the set be made, and when may a path go into it?",
    "For each problem: an empty set and an empty list. For each j: when the reply is right and its path is not in the set, put the path in the set and j in the list. A wrong reply changes nothing."))
def distinct_right(t):
    A, B = ("2+3=5",), ("3+2=5",)
    yes, both = torch.tensor([[1.0]]), torch.tensor([[1.0, 1.0]])
    with t.part(1, "one reply for each path, the first"):
        got = t.run([[A]], yes)
        t.holds(not any(isinstance(part, (dict, set)) for part in (got, *(got if isinstance(got, (list, tuple)) else ()))), "lists of indices are wanted: not a set or a dictionary, nor a list of these.", f"{t._call(([[A]], yes))} gave {got!r}")
        t.same(([[A]], yes), [[0]], [([[]], "the only reply is right, and it is not kept. (correct has floats, 1.0 and 0.0.)"), ([[A]], "these are paths. Indices are wanted."), ([0], "a list for each problem is wanted, with indices in it. (Is the return inside the loop?)"), ([1], "this is how many there are. Their indices are wanted."), ([[1]], "indices count from 0. (Or do you mark replies, by 1 for kept? Their indices are wanted.)")], otherwise="the only reply is right and should be kept")
        t.same(([[A, B]], both), [[0, 1]], [([[0]], "the second path is lost."), ([[1]], "the first path is lost."), ([[1, 0]], "indices should ascend."), ([2], "this is how many there are. Their indices are wanted.")], otherwise="two paths are two replies to keep")
        t.same(([[A, A]], both), [[0]], [([[0, 1]], "the second reply has the same path: it is a copy."), ([[1]], "the last reply of a path is kept; the first should be."), ([[]], "a path that comes twice is left out altogether; its first reply should be kept.")], otherwise="of two replies with one path the first should be kept")
    with t.part(1, "right replies only; a wrong one does not stand for its path"):
        second = torch.tensor([[0.0, 1.0]])
        t.same(([[A, B]], second), [[1]], [([[0, 1]], "the first reply is not right."), ([[0]], "the first reply is not right, and the second is. Indices count all replies, not the right ones alone.")], otherwise="only right replies should be kept")
        t.same(([[A, A]], second), [[1]], [([[]], "the wrong reply has used up its path, so the right one behind it is lost. Only a right reply may enter a path as seen."), ([[0]], "the first reply is not right.")], otherwise="a wrong reply should not stand for its path")
        t.same(([[A], [B]], torch.tensor([[0.0], [1.0]])), [[], [0]], [([[0]], "a problem without a right reply is left out. It needs an empty list, or all later problems move up."), ([[]], "only the first problem is looked at: is the return inside the loop?"), ([[-1], [0]], "a problem without a right reply needs an empty list, without a -1."), ([[], [1]], "indices should begin at 0 in each problem.")], otherwise="a problem without a right reply should have an empty list")
    with t.part(1, "each problem for itself, whole paths compared"):
        t.same(([[A], [A]], torch.tensor([[1.0], [1.0]])), [[0], [0]], [([[0], []], "the path was seen in another problem. Begin each problem with nothing seen."), ([[0], [1]], "indices should begin at 0 in each problem.")], otherwise="with two problems the result is not right")
        one, other = ("1+2=3", "2+2=4"), ("2+2=4", "1+2=3")
        t.same(([[one, other]], both), [[0, 1]], [([[0]], "the same equations in another order are another path.")], otherwise="two orders of equations are two paths")
        t.same(([[one, one[:1], one[1:]]], torch.tensor([[1.0, 1.0, 1.0]])), [[0, 1, 2]], [([[0, 2]], "the first two paths begin alike, but one has more steps."), ([[0, 1]], "the first and the last path end alike, but one has more steps.")], otherwise="a longer path is another path")
        t.same(([[(), ()]], both), [[0]], [([[]], "the empty path is left out. It is a path like the others."), ([[0, 1]], "the empty path comes twice: the second is a copy.")], otherwise="with the empty path the result is not right")
        t.same(([[("1+4=5",), B, ("1+4=5",)]], torch.tensor([[1.0, 1.0, 1.0]])), [[0, 1]], [([[0, 1, 2]], "the third reply has the first one's path. A copy need not stand next to its original."), ([[1, 2]], "the last reply of a path is kept; the first should be.")], otherwise="the first reply of each of these two paths should be kept")

# %% role="hidden"
@probe("distinct_right")
def distinct_right_inputs(rng):
    for _ in range(24):
        P, N = int(rng.integers(1, 6)), int(rng.integers(1, 14))
        stock = [tuple(f"{a}+{b}={a + b}" for a, b in rng.integers(1, 9, (int(rng.integers(0, 4)), 2)).tolist()) for _ in range(4)]
        stock.append(stock[0][::-1])
        yield [[stock[int(i)] for i in row] for row in rng.integers(0, 5, (P, N))], torch.tensor((rng.random((P, N)) < rng.uniform(0.1, 1)).astype(np.float32))

# %% role="wrong"
def kept_by(paths, correct, key=lambda path: path, wrong_ones=False):
    return [list({key(row[j]): j for j in reversed(range(len(row))) if wrong_ones or right[j]}.values())[::-1] for row, right in zip(paths, correct.tolist())]


@wrong("distinct_right", says="indices are wanted")
def the_paths(paths, correct):
    return [[row[j] for j in found] for row, found in zip(paths, distinct_right(paths, correct))]


@wrong("distinct_right", says="how many")
def how_many(paths, correct):
    return [len(found) for found in distinct_right(paths, correct)]


@wrong("distinct_right", says="it is a copy")
def all_right_ones(paths, correct):
    return [[j for j, r in enumerate(row) if r] for row in correct.tolist()]


@wrong("distinct_right", says="last reply of a path")
def last_ones(paths, correct):
    return [sorted({path: j for j, path in enumerate(row) if right[j]}.values()) for row, right in zip(paths, correct.tolist())]


@wrong("distinct_right", says="not right")
def right_or_not(paths, correct):
    return distinct_right(paths, torch.ones_like(correct))


@wrong("distinct_right", says="used up")
def wrong_ones_count(paths, correct):
    return [[j for j in found if right[j]] for found, right in zip(distinct_right(paths, torch.ones_like(correct)), correct.tolist())]


@wrong("distinct_right", says="count all replies")
def numbered_among_right(paths, correct):
    return distinct_right([[p for p, r in zip(row, right) if r] for row, right in zip(paths, correct.tolist())], torch.ones_like(correct))


@wrong("distinct_right", says="move up")
def leaves_problems_out(paths, correct):
    return [found for found in distinct_right(paths, correct) if found]


@wrong("distinct_right", says="nothing seen")
def seen_everywhere(paths, correct):
    seen, kept = set(), []
    for row, right in zip(paths, correct.tolist()):
        kept.append([j for j, path in enumerate(row) if right[j] and not (path in seen or seen.add(path))])
    return kept


@wrong("distinct_right", says="begin at 0")
def numbered_through(paths, correct):
    return [[i * len(row) + j for j in found] for i, (row, found) in enumerate(zip(paths, distinct_right(paths, correct)))]


@wrong("distinct_right", says="another order")
def order_ignored(paths, correct):
    return distinct_right([[tuple(sorted(path)) for path in row] for row in paths], correct)


@wrong("distinct_right", says="begin alike")
def first_equation_only(paths, correct):
    return distinct_right([[path[:1] for path in row] for row in paths], correct)


@wrong("distinct_right", says="end alike")
def last_equation_only(paths, correct):
    return distinct_right([[path[-1:] for path in row] for row in paths], correct)


@wrong("distinct_right", says="IndexError")
def last_equation_stops(paths, correct):
    return distinct_right([[(path[-1], len(path), path[0]) for path in row] for row in paths], correct)


@wrong("distinct_right", says="path like the others")
def without_empty_paths(paths, correct):
    return [[j for j in found if row[j]] for row, found in zip(paths, distinct_right(paths, correct))]


@wrong("distinct_right", says="should ascend")
def indices_descend(paths, correct):
    return [found[::-1] for found in distinct_right(paths, correct)]


@wrong("distinct_right", says="1 for kept")
def marked(paths, correct):
    return [[j in found for j in range(len(row))] for row, found in zip(paths, distinct_right(paths, correct))]


@wrong("distinct_right", says="not a set or a dictionary")
def as_sets(paths, correct):
    return [set(found) for found in distinct_right(paths, correct)]


@wrong("distinct_right", says="it is not kept")
def asks_for_true_itself(paths, correct):
    return [[j for j, right in enumerate(row) if right is True] for row in correct.tolist()]


@wrong("distinct_right", says="inside the loop")
def first_problem_only(paths, correct):
    return distinct_right(paths, correct)[:1]


@wrong("distinct_right", says="without a -1")
def filled_up(paths, correct):
    found = distinct_right(paths, correct)
    return [row + [-1] * (max(map(len, found)) - len(row)) for row in found]


@wrong("distinct_right", says="next to its original")
def neighbours_only(paths, correct):
    return [[j for j in range(len(row)) if right[j] and (j == 0 or not right[j - 1] or row[j] != row[j - 1])] for row, right in zip(paths, correct.tolist())]


@wrong("distinct_right", says="changes its input")
def marks_copies(paths, correct):
    found = distinct_right(paths, correct)
    correct.zero_()
    return found


@wrong("distinct_right", hidden=True)
def at_most_three(paths, correct):
    return [found[:3] for found in distinct_right(paths, correct)]

# %% role="right"
@right("distinct_right")
def looking_back(paths, correct):
    return [[j for j in range(len(row)) if correct[i, j] and not any(correct[i, l] and row[l] == row[j] for l in range(j))] for i, row in enumerate(paths)]


@right("distinct_right")
def backwards(paths, correct):
    out = []
    for row, right in zip(paths, np.asarray(correct)):
        out.append(np.array(sorted({path: j for j, path in reversed(list(enumerate(row))) if right[j] == 1}.values()), dtype=int))
    return out

# %% [markdown] task="decidable"
# ## Task 5. Where a verifier can choose
#
# A problem is **decidable** when some of its samples are right and some are wrong. `correct` has shape `(P, N)`. Return $P$ truth values.

# %% role="task" task="decidable"
def decidable(correct):
    """P truth values: which problems have some right and some wrong samples. correct: (P, N) of 0 and 1."""
    # SOLUTION
    right = correct.sum(dim=1)
    return (right > 0) & (right < correct.shape[1])
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _truths(t, args, right, mistakes, otherwise):
    """One case. torch says NotImplementedError to & between numbers that are not whole: a word to those who forgot the brackets, and to those who wrote ``and``."""
    try:
        t.same(args, right, mistakes, otherwise=otherwise)
    except Wrong as wrong:
        if "is ambiguous" in wrong.message:
            raise Wrong("your code stopped: if, and, or, not and a < b < c want one truth value, and here they are given several. Tensors of truth values are joined by &.", wrong.shown) from None
        if "not implemented for" not in wrong.message:
            raise
        raise Wrong("your code stopped: & joins truth values, and here it is given numbers. & is done before > and <, so each comparison needs brackets of its own.", wrong.shown) from None


@task("ex06", points=2, minutes=5, difficulty="easy", idea="decidable prompts", read=f"{L06}, 'Which problems teach?'", hints=(
    "Two conditions for each row, and both must hold.",
    "Count the right ones of each row: correct.sum(dim=1). Which counts leave something to choose?",
    "The count must be above 0 and below N. Two tensors of truth values are joined by &, with brackets around each comparison."))
def decidable(t):
    with t.part(1, "some right and some wrong"):
        _truths(t, (torch.tensor([[1.0, 1.0], [1.0, 0.0]]),), [False, True], [([1], "these are positions of problems. One truth value for each problem is wanted."), (1, "this is one value for all problems together. One truth value for each problem is wanted, so look along the rows: dim=1."), (0.5, "this is a share. One truth value for each problem is wanted."),
                                                                         ([2, 1], "these are counts of right samples. Truth values are wanted."), ([1, 0.5], "these are shares of right samples. Truth values are wanted."), ([True, True], "the first problem's samples are all right: whichever is chosen, it is right."), ([True, False], "true and false are exchanged."),
                                                                         ([False, False], "in the second problem one is right and one is wrong: here a verifier can choose.")], otherwise="one truth value for each problem is wanted")
        _truths(t, (torch.tensor([[1.0, 0.0]]),), [True], [([False], "one is right and one is wrong: here a verifier can choose."), ([False, False], "this looks down the columns. Rows are problems: dim=1.")], otherwise="one truth value for each problem is wanted")
        _truths(t, (torch.tensor([[0.0, 0.0]]),), [False], [([True], "nothing is right, so there is nothing right to choose.")], otherwise="one truth value for each problem is wanted")
        _truths(t, (torch.tensor([[1.0, 1.0]]),), [False], [([True], "all are right: whichever is chosen, it is right.")], otherwise="one truth value for each problem is wanted")
    with t.part(1, "for any number of problems and samples"):
        three = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
        _truths(t, (three,), [False, True, False], [([True, True], "this looks down the columns. Rows are problems: dim=1."), ([True, False], "this looks down the columns. Rows are problems: dim=1."), ([True, True, False], "problems that are all right have nothing to choose either.")],
               otherwise="three problems, of which one has something to choose; your result says something else")
        _truths(t, (torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0, 1.0]]),), [True, True], [([False, False], "one right sample is enough, and so is one wrong one."), ([False, True], "one right sample among five is enough to choose it."), ([True, False], "one wrong sample among five is enough, wherever it stands.")],
               otherwise="for N = 5 the result is not right")
        _truths(t, (torch.tensor([[1.0], [0.0]]),), [False, False], [([True, False], "with one sample there is nothing to choose from.")], otherwise="with one sample there is nothing to choose from")

# %% role="hidden"
@probe("decidable")
def decidable_inputs(rng):
    for _ in range(24):
        P, N = int(rng.integers(3, 9)), int(rng.integers(1, 9))
        yield (torch.tensor((rng.random((P, N)) < rng.choice([0.0, 0.1, 0.5, 0.9, 1.0], (P, 1))).astype(np.float32)),)

# %% role="wrong"
@wrong("decidable", says="are all right")
def some_right(correct):
    return correct.any(1)


@wrong("decidable", says="nothing is right")
def some_wrong(correct):
    return ~correct.bool().all(1)


@wrong("decidable", says="these are positions")
def positions(correct):
    return decidable(correct).nonzero()[:, 0]


@wrong("decidable", says="this is a share")
def share_decidable(correct):
    return float(decidable(correct).double().mean())


@wrong("decidable", says="for all problems together")
def number_decidable(correct):
    return int(decidable(correct).sum())


@wrong("decidable", says="these are counts")
def counts_right(correct):
    return correct.sum(1)


@wrong("decidable", says="exchanged")
def all_alike(correct):
    return ~decidable(correct)


@wrong("decidable", says="down the columns")
def columns(correct):
    return decidable(correct.T)


@wrong("decidable", says="among five is enough to choose")
def half_or_more(correct):
    share = correct.mean(1)
    return (share >= 0.5) & (share < 1)


@wrong("decidable", says="one right sample is enough, and")
def just_half(correct):
    return correct.mean(1) == 0.5


@wrong("decidable", says="can choose")
def never(correct):
    return torch.zeros(len(correct), dtype=torch.bool)


@wrong("decidable", says="with one sample")
def one_sample_counts(correct):
    return decidable(correct) if correct.shape[1] > 1 else correct[:, 0] > 0


@wrong("decidable", says="wherever it stands")
def first_against_last(correct):
    return correct[:, 0] != correct[:, -1]


@wrong("decidable", says="joined by &")
def joined_by_and(correct):
    return correct.any(1) and not correct.all(1)


@wrong("decidable", hidden=True)
def up_to_five(correct):
    return decidable(correct[:, :5])


@wrong("decidable", says="brackets of its own")
def no_brackets(correct):
    return correct.sum(1) > 0 & correct.sum(1) < correct.shape[1]

# %% role="right"
@right("decidable")
def by_extremes(correct):
    values = np.asarray(correct, dtype=np.float64)
    return values.max(1) != values.min(1)


@right("decidable")
def by_sets(correct):
    return [len(set(row)) == 2 for row in correct.tolist()]

# %% [markdown]
# ## Now measure
#
# Your own functions on the stored pool of 200 problems with 64 replies each: no check here, only numbers to look at. Does your verifier agree with the course's? Then lesson 06's numbers: pass@k as a mean over problems, the right replies and their paths, and the share of problems that are decidable when only the first n samples are drawn.
# How far do the right replies outnumber the paths? And with n = 2, how many problems give a verifier nothing to choose?

# %%
from collections import Counter

from course_lib import Pool, assets

stored = Pool.load(assets.path("arithmetic/pools/heldout.npz"))
verdicts = [[verdict(text, about["answer"]) for text in texts] for texts, about in zip(stored.texts, stored.info)]
correct = torch.tensor([[float(v == "correct") for v in row] for row in verdicts])
print(Counter(v for row in verdicts for v in row))
print("replies on which we differ from the stored verdicts:", int((correct != stored.reward("verifier")).sum()))

# %%
print("pass@k:", {k: round(float(np.mean([float(v) for v in pass_at_k(correct, k)])), 3) for k in (1, 4, 16, 64)})
kept = distinct_right([[path_of(text) for text in texts] for texts in stored.texts], correct)
print("right replies:", int(correct.sum()), "  distinct right paths:", sum(len(row) for row in kept))
print("decidable with n samples:", {n: float(np.mean([bool(d) for d in decidable(correct[:, :n])])) for n in (2, 8, 64)})

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex06")
