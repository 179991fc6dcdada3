"""What proves ex06's check of verdict: probes, wrong solutions, other right ones."""

import re
from fractions import Fraction

from course_lib.authoring.proofs import Proof

proof = Proof("ex06", "verdict")
verdict = proof.solved("verdict")


@proof.probe()
def verdict_inputs(rng):
    for i in range(48):
        a, b = rng.integers(2, 9000, 2).tolist()
        if a == b:
            b += 1
        shapes = [
            f"{a}",
            f"{a:,}",
            f"${a:,}",
            f"-{a}",
            f"-${a:,}",
            f"{a}.0",
            f"{a}.50",
            f"{a}.",
            f"{a}, I think",
            f"{a} pens",
            f"{a} eggs",
            f"{a} + {b}",
            f"{a - 1} + 1",
            f"{a}e{b}",
            f"{a}E+{b}",
            f"{a}e-3",
            "",
            "none",
            f"about {a}",
            f"__import__('os').getcwd()[:{a}]",
            f"{a}{b}{a}{b}{a}{b}",
            f"{b}",
        ]
        before = int(rng.integers(0, 3))
        kinds = [*rng.integers(0, len(shapes), before).tolist(), i % len(shapes)]
        marks = " ".join(f"#### {shapes[kind]}" for kind in kinds)
        text = f"<<{b}+{a}={a + b}>> {marks}"
        if i % 9 == 0:
            text = text.replace("#### ", "Answer ")
        references = [f"{a}", f"{a}", f"-{a}", f"{a}.5"]
        yield text, references[int(rng.choice(4, p=[0.6, 0.1, 0.15, 0.15]))]


PATTERN = r"####\s*(-?\$?[0-9][0-9,]*(?:\.[0-9]+)?)([eE][-+]?[0-9])?"  # number, exponent


def same_number(x, y):
    return Fraction(x) == Fraction(y)


def judged(number, reference, same=same_number):
    """The verdict on one number that was read."""
    return "correct" if same(number.replace(",", "").replace("$", ""), reference) else "wrong"


def of_the_last(marks, reference, same=same_number):
    """The verdict by the last of the pairs (number, exponent): the end of most solutions."""
    if not marks or marks[-1][1]:
        return "unreadable"
    return judged(marks[-1][0], reference, same)


@proof.wrong(says="begins with the reference")
def looks_for_the_answer(text, reference):
    return "correct" if reference in text else "wrong"


@proof.wrong(says="format is part of the rule")
def last_number(text, reference):
    numbers = re.findall(r"-?[0-9][0-9,]*(?:\.[0-9]+)?", text)
    return judged(numbers[-1], reference) if numbers else "unreadable"


@proof.wrong(says="keep the two apart")
def unreadable_is_wrong(text, reference):
    return "correct" if verdict(text, reference) == "correct" else "wrong"


@proof.wrong(says="one truth value")
def truth_values(text, reference):
    return verdict(text, reference) == "correct"


@proof.wrong(says="run as code")
def calls_eval(text, reference):
    if "####" not in text:
        return "unreadable"
    try:
        value = eval(text.split("####")[-1].replace("$", ""))
        return "correct" if value == float(reference) else "wrong"
    except Exception:
        return "unreadable"


@proof.wrong(says="run as code")
def calls_eval_without_builtins(text, reference):
    try:
        value = eval(text.split("####")[1].strip(), {"__builtins__": {}}, {})
        return judged(str(value), reference)
    except Exception:
        return "unreadable"


@proof.wrong(says="the first decided")
def first_mark(text, reference):
    marks = re.findall(PATTERN, text)
    return of_the_last(marks[:1], reference)


@proof.wrong(says="list all numbers")
def any_mark(text, reference):
    marks = re.findall(PATTERN, text)
    found = [judged(number, reference) for number, exponent in marks if not exponent]
    if not found:
        return "unreadable"
    return "correct" if "correct" in found else "wrong"


@proof.wrong(says="no number behind it")
def last_hashes(text, reference):
    if "####" not in text:
        return "unreadable"
    found = re.match(PATTERN, "####" + text.split("####")[-1])
    return of_the_last([found.groups()] if found else [], reference)


@proof.wrong(says="digit first, then commas")
def comma_may_begin(text, reference):
    marks = re.findall(PATTERN.replace("[0-9][0-9,]*", "[0-9,]+"), text)
    if marks and not 0 < len(marks[-1][0].replace(",", "")) < 60:
        return "unreadable"
    return of_the_last(marks, reference)


@proof.wrong(says="no mark: there must be four")
def any_number_of_hashes(text, reference):
    return verdict(re.sub("#+", "####", text), reference)


@proof.wrong(says="but need not")
def some_blank(text, reference):
    return verdict(re.sub(r"####(?! )", "", text), reference)


@proof.wrong(says="more than one blank")
def one_blank(text, reference):
    return verdict(re.sub(r"####(?=  )", "", text), reference)


@proof.wrong(says="not only before three digits")
def groups_of_three(text, reference):
    return verdict(re.sub(r",(?![0-9]{3})", " ", text), reference)


@proof.wrong(says="words may follow")
def nothing_may_follow(text, reference):
    return verdict(text, reference) if re.search(r"[0-9]\s*$", text) else "unreadable"


@proof.wrong(says="Here a word follows")
def every_e(text, reference):
    return verdict(re.sub(r"(?<=[0-9])[eE]", "e1", text), reference)


@proof.wrong(says="drop commas")
def comma_ends(text, reference):
    marks = re.findall(r"####\s*(-?\$?[0-9]+(?:\.[0-9]+)?)([eE][-+]?[0-9])?", text)
    return of_the_last(marks, reference)


@proof.wrong(says="the $ in front")
def no_dollar(text, reference):
    marks = re.findall(PATTERN.replace(r"\$?", ""), text)
    return of_the_last(marks, reference)


@proof.wrong(says="minus is lost")
def no_minus(text, reference):
    marks = re.findall(PATTERN.replace("(-?", "-?("), text)
    return of_the_last(marks, reference)


@proof.wrong(says="not their texts")
def compares_texts(text, reference):
    marks = re.findall(PATTERN, text)
    return of_the_last(marks, reference, same=lambda x, y: x == y)


@proof.wrong(says="behind the point are lost")
def whole_numbers(text, reference):
    marks = re.findall(PATTERN, text)
    return of_the_last(marks, reference, same=lambda x, y: int(float(x)) == int(float(y)))


@proof.wrong(says="stopped with ValueError")
def takes_the_points(text, reference):
    marks = re.findall(r"####\s*(-?\$?[0-9][0-9,.]*)([eE][-+]?[0-9])?", text)
    return of_the_last(marks, reference)


@proof.wrong(says="belong to the sentence")
def catches_what_the_points_do(text, reference):
    try:
        return takes_the_points(text, reference)
    except ValueError:
        return "unreadable"


@proof.wrong(says="is calculated")
def adds_up(text, reference):
    sums = re.findall(PATTERN + r" \+ ([0-9]+)", text)
    if not sums:
        return verdict(text, reference)
    left, _, right = sums[-1]
    return judged(str(Fraction(left) + int(right)), reference)


@proof.wrong(says="only the 1 is read")
def exponent_ignored(text, reference):
    marks = re.findall(PATTERN, text)
    return judged(marks[-1][0], reference) if marks else "unreadable"


@proof.wrong(says="is read here")
def exponent_read(text, reference):
    marks = re.findall(PATTERN.replace("[0-9])?", "[0-9]+)?"), text)
    if not marks:
        return "unreadable"
    return judged("".join(marks[-1]), reference, same=lambda x, y: float(x) == float(y))


@proof.wrong(says="does not take over")
def another_mark_takes_over(text, reference):
    marks = [number for number, exponent in re.findall(PATTERN, text) if not exponent]
    return judged(marks[-1], reference) if marks else "unreadable"


@proof.wrong(says="without a tolerance")
def nearly(text, reference):
    marks = re.findall(PATTERN, text)
    return of_the_last(marks, reference, same=lambda x, y: abs(float(x) - float(y)) < 1e-6)


@proof.wrong(says="float keeps only")
def floats(text, reference):
    marks = re.findall(PATTERN, text)
    return of_the_last(marks, reference, same=lambda x, y: float(x) == float(y))


@proof.wrong(says="stops your function")
def long_numbers_stop_it(text, reference):
    marks = re.findall(PATTERN, text)
    return of_the_last(marks, reference)


@proof.wrong(says="returns nothing")
def forgets_a_return(text, reference):
    if (found := verdict(text, reference)) != "unreadable":
        return found


@proof.wrong(says="a large E")
def small_e_only(text, reference):
    marks = re.findall(PATTERN.replace("[eE]", "e"), text)
    if marks and len(marks[-1][0]) > 60:
        return "unreadable"
    return of_the_last(marks, reference)


@proof.wrong(says="and a sign")
def exponents_without_sign(text, reference):
    marks = re.findall(PATTERN.replace("[-+]?", ""), text)
    if marks and len(marks[-1][0]) > 60:
        return "unreadable"
    return of_the_last(marks, reference)


@proof.right
def by_characters(text, reference):
    from decimal import Decimal

    for piece in reversed(text.split("####")[1:]):
        piece = piece.lstrip()
        sign = "-" if piece.startswith("-") else ""
        piece = piece[len(sign) :].removeprefix("$")
        digits, at = "", 0
        while at < len(piece):
            c = piece[at]
            a_point = c == "." and "." not in digits and piece[at + 1 : at + 2].isdigit()
            if c not in "0123456789" and not (digits and (c == "," or a_point)):
                break
            digits += c.replace(",", "")
            at += 1
        if not digits:
            continue
        rest = piece[at:].lower()
        if rest[:1] == "e" and rest[1:].lstrip("+-")[:1].isdigit():
            return "unreadable"
        return "correct" if Decimal(sign + digits) == Decimal(reference) else "wrong"
    return "unreadable"


NAMED = re.compile(
    r"####[ \t\n]*(?P<minus>-?)\$?(?P<whole>\d[\d,]*)(\.(?P<rest>\d+))?(?P<power>[eE][+-]?\d)?"
)


def normal(minus, whole, rest):
    """(negative, whole part, digits behind the point), equal for equal numbers."""
    whole = whole.replace(",", "").lstrip("0")
    rest = (rest or "").rstrip("0")
    return bool(minus) and bool(whole or rest), whole, rest


@proof.right
def with_named_groups(text, reference):
    marks = list(NAMED.finditer(text))
    if not marks or marks[-1]["power"]:
        return "unreadable"
    last = marks[-1]
    whole, _, rest = reference.lstrip("-").partition(".")
    found = normal(last["minus"], last["whole"], last["rest"])
    return "correct" if found == normal(reference[0] == "-", whole, rest) else "wrong"
