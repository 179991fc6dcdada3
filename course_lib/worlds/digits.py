"""The value of a run of digits and separators: ``1,234.5``, ``1.234,50``, ``1 000``, ``1'000``."""

import re
from dataclasses import dataclass
from fractions import Fraction

# a longer number is unreadable: a word problem never needs it, and converting it takes quadratic
# time
MAX_DIGITS = 60


def _threes(separator: str) -> str:
    """Groups of three digits, at least two of them, the first perhaps shorter."""
    return rf"[1-9][0-9]{{0,2}}(?:{separator}[0-9]{{3}})+"


_BLANK, _APOSTROPHE = "[ \u2009]", "'"
_INDIAN = r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
# what stands between the groups → the whole number
_GROUPED = {
    ",": re.compile(rf"(?:{_threes(',')}|{_INDIAN})(?:\.[0-9]+)?"),
    _BLANK: re.compile(rf"{_threes(_BLANK)}(?:[.,][0-9]+)?"),
    _APOSTROPHE: re.compile(rf"{_threes(_APOSTROPHE)}(?:[.,][0-9]+)?"),
    "_": re.compile(rf"{_threes('_')}(?:\.[0-9]+)?"),
}
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
# three decimals could be another group, so 1.234,567 is left unread
_EUROPEAN = re.compile(
    rf"{_threes('[.]')},(?:[0-9]{{1,2}}|[0-9]{{4,}})|[1-9][0-9]{{0,2}}(?:[.][0-9]{{3}}){{2,}}"
)


@dataclass(frozen=True)
class Number:
    """A number that was read.

    Attributes
    ----------
    value : what it says.
    others : what it could also be meant to say: 20 % is 20, and could be 1/5. An answer that is
        right only in this other sense is neither right nor wrong.
    """

    value: Fraction
    others: frozenset[Fraction] = frozenset()

    @property
    def readings(self) -> frozenset[Fraction]:
        """Every value that it may have."""
        return self.others | {self.value}

    def negated(self) -> "Number":
        """The number with a minus before it."""
        return Number(-self.value, frozenset(-other for other in self.others))

    def or_else(self, *others: Fraction) -> "Number":
        """The same, with more that it could be meant to say."""
        return Number(self.value, (self.others | set(others)) - {self.value})

    def times(self, factor: Fraction) -> "Number":
        """The number times ``factor``, in every sense."""
        return Number(self.value * factor, frozenset(other * factor for other in self.others))


def read_digits(run: str) -> Number | None:
    """The value of digits with points, commas, blanks, apostrophes or low lines between them.

    None where the separators make no sense (``1,2,3``) or more than one (``3,4`` is a list, or
    3.4), and for more than :data:`MAX_DIGITS` digits. ``1,234`` is 1234 and ``1.234`` has three
    decimals, each the other way round in half of Europe, see :attr:`Number.others`.
    """
    if sum(char.isdigit() for char in run) > MAX_DIGITS:
        return None
    if _PLAIN.fullmatch(run):
        number = Number(Fraction(run))
        whole, _, decimals = run.partition(".")
        if len(decimals) == 3 and re.fullmatch(r"[1-9][0-9]{0,2}", whole):
            number = number.or_else(Fraction(whole + decimals))
        return number
    if _EUROPEAN.fullmatch(run):
        return Number(Fraction(run.replace(".", "").replace(",", ".")))
    for separator, grouped in _GROUPED.items():
        if grouped.fullmatch(run):
            return _from_groups(run, separator)
    return None


def _from_groups(run: str, separator: str) -> Number:
    """The value of groups of digits, perhaps with decimals behind them."""
    digits = re.sub(separator, "", run)
    number = Number(Fraction(digits.replace(",", ".")))
    if separator == "," and run.count(",") == 1 and "." not in run:
        return number.or_else(Fraction(run.replace(",", ".")))
    return number
