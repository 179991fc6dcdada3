"""What proves ex06's check of path_of: probes, wrong solutions, other right ones."""

import re
from fractions import Fraction

from course_lib.authoring.proofs import Proof

proof = Proof("ex06", "path_of")
path_of = proof.solved("path_of")


@proof.probe()
def path_of_inputs(rng):
    def written(number):
        text = f"{number:,}" if rng.random() < 0.3 else str(number)
        form = int(rng.integers(0, 6))
        forms = {
            0: f"0{text}",
            1: f"{text}.0",
            2: f"{text}.{rng.integers(1, 99)}0",
            3: f"0.{rng.integers(1, 99)}",
        }
        return forms.get(form, text)

    def blank():
        return " " * int(rng.integers(0, 2))

    def equation():
        a, b, c = (written(int(10 ** rng.uniform(0, 7))) for _ in range(3))
        left = f"{blank()}{a}{blank()}{rng.choice(list('+-*/'))}{blank()}{b}{blank()}"
        return f"<<{left}={blank()}{c}{blank()}>>"

    for i in range(24):
        steps = [equation() for _ in range(i % 8)]
        if len(steps) > 3:
            steps[-1] = steps[0]
        begin = f"Take {rng.integers(0, 100000)}: "
        end = f". #### {rng.integers(0, 1000)}"
        yield (begin + ", then ".join(steps) + end,)


def without_blanks(parts):
    return tuple("".join(part.split()) for part in parts)


def pieces(text):
    """The marked equations without blanks, numbers as they are written."""
    return without_blanks(re.findall(r"<<([^<>]*)>>", text))


def spelled(text, spell):
    """The path when ``spell`` writes each number, of which it is given the match."""
    return tuple(re.sub(r"[0-9][0-9,]*(?:\.[0-9]+)?", spell, part) for part in pieces(text))


def plain(match):
    """The number of a match, without commas."""
    return match[0].replace(",", "")


@proof.wrong(says="cannot be put in a set")
def as_a_list(text):
    return list(path_of(text))


@proof.wrong(says="has no order")
def as_a_set(text):
    return set(path_of(text))


@proof.wrong(says="not one text")
def as_one_text(text):
    return ", ".join(path_of(text))


@proof.wrong(says="runs on to the last")
def greedy(text):
    return without_blanks(re.findall(r"<<(.*)>>", text))


@proof.wrong(says="are no part of the equation")
def with_brackets(text):
    return tuple(f"<<{part}>>" for part in path_of(text))


@proof.wrong(says="behind #### is no part")
def with_answer(text):
    return path_of(text) + tuple(re.findall(r"#### ([0-9]+)", text))


@proof.wrong(says="is something sorted")
def ordered(text):
    return tuple(sorted(path_of(text)))


@proof.wrong(says="repeats stay")
def without_repeats(text):
    return tuple(dict.fromkeys(path_of(text)))


@proof.wrong(says="only the first equation")
def first_only(text):
    return path_of(text)[:1]


@proof.wrong(says="should be empty")
def every_equation(text):
    return path_of(text) or without_blanks(re.findall(r"[0-9]+ [-+*/] [0-9]+ = [0-9]+", text))


@proof.wrong(says="inside the equation")
def blanks_at_ends(text):
    return tuple(part.strip() for part in re.findall(r"<<([^<>]*)>>", text))


@proof.wrong(says="leading zero is left")
def as_written(text):
    return pieces(text)


@proof.wrong(says="10 becomes 1")
def strips_all_zeros(text):
    return spelled(text, lambda m: m[0].strip("0") or "0")


@proof.wrong(says="need no point")
def floats_written(text):
    return spelled(text, lambda m: str(float(plain(m))))


@proof.wrong(says="digits behind the point are lost")
def whole_parts(text):
    return spelled(text, lambda m: str(int(float(plain(m)))))


@proof.wrong(says="a number is rounded")
def two_digits_behind_the_point(text):
    return spelled(text, lambda m: f"{float(plain(m)):.2f}".rstrip("0").rstrip("."))


@proof.wrong(says="2.01 becomes 2.1")
def zeros_at_each_beginning(text):
    return tuple(re.sub(r"\b0+(?=[0-9])", "", part) for part in path_of(text))


@proof.wrong(says="became fractions")
def fractions_written(text):
    return spelled(text, lambda m: str(Fraction(plain(m))))


@proof.wrong(says="with an exponent")
def decimals_normalised(text):
    from decimal import Decimal

    return spelled(text, lambda m: str(Decimal(plain(m)).normalize()))


@proof.wrong(says="10 becomes 1")
def strips_zeros_at_the_end(text):
    return spelled(text, lambda m: m[0].rstrip("0").rstrip("."))


@proof.wrong(says="are exchanged")
def ordered_sides(text):
    path = []
    for part in path_of(text):
        left, sign, right = part.partition("=")
        path.append("+".join(sorted(left.split("+"))) + sign + right)
    return tuple(path)


@proof.wrong(says="letter by letter")
def letters(text):
    return tuple("".join(path_of(text)))


@proof.wrong(says="where it is no equation")
def only_signs_and_digits(text):
    return tuple(part for part in path_of(text) if re.fullmatch(r"[-0-9+*/=.]+", part))


@proof.wrong(says="where it is no equation")
def only_with_equals(text):
    return tuple(part for part in path_of(text) if "=" in part)


@proof.wrong(says="breaks off")
def to_the_end(text):
    return without_blanks(re.findall(r"<<([^<>]*)", text))


@proof.wrong(says="substring not found")
def by_index(text):
    at = 0
    while "<<" in text[at:]:
        at = text.index(">>", text.index("<<", at))
    return path_of(text)


@proof.wrong(says="keeps six digits")
def six_digits(text):
    return spelled(text, lambda m: f"{float(plain(m)):g}")


@proof.wrong(says="before the point should stay")
def no_zero_before_the_point(text):
    def spell(m):
        number = plain(m).lstrip("0")
        return (number.rstrip("0").rstrip(".") if "." in number else number) or "0"

    return spelled(text, spell)


@proof.wrong(says="commas")
def commas_stay(text):
    def spell(match):
        return f"{float(match[0]):.12g}"

    path = []
    for part in pieces(text):
        if "," not in part:
            part = re.sub(r"[0-9]+(?:\.[0-9]+)?(?![0-9,])", spell, part)
        path.append(part)
    return tuple(path)


@proof.wrong(says="larger and less tidy")
def four_steps(text):
    return path_of(text)[:4]


@proof.wrong(says="a set has no order")
def as_a_tuple_of_a_set(text):
    return tuple(set(path_of(text)))


@proof.right
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
                if "." in number:
                    number = number.rstrip("0").rstrip(".")
                number = number.lstrip("0")
                out += "0" + number if not number or number[0] == "." else number
                number = ""
            out += c
        found.append(out.rstrip("\0"))
    return tuple(found)


@proof.right
def by_decimals(text):
    from decimal import Decimal

    def spell(m):
        number = format(Decimal(plain(m)), "f")
        return number.rstrip("0").rstrip(".") if "." in number else number

    path = []
    for marked in re.finditer("<<(.*?)>>", text):
        equation = re.sub(r"\s", "", marked[1])
        path.append(re.sub(r"\d[\d,]*(\.\d+)?", spell, equation))
    return tuple(path)
