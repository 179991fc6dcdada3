"""What beside a number makes it another one, or none: functions, bounds, operations, scales."""

import re
import unicodedata
from fractions import Fraction

_WINDOW = 60  # characters before and behind a number that are looked at

_TENTHS = (
    r"(?:hal(?:f|ves)|(?:third|fourth|quarter|fifth|sixth|seventh|eighth|ninth|tenth|eleventh"
    r"|twelfth|[a-z]{2,7}teenth|[a-z]{2,5}tieth|hundredth|thousandth|millionth|billionth)s?)"
)
_COMPARED = r"(?:more|less|fewer|greater|smaller|larger|bigger|higher|lower|longer|shorter)"
_BEFORE = re.compile(
    rf"""
    (?:
        \b(?i:
            at\ (?:least|most) | up\ to | (?:{_COMPARED}|other)\ than | no\ {_COMPARED}\ than
          | twice | thrice | double | triple | quadruple
          | (?:anything|everything|all|nothing)\ but | except(?:\ for)? | excluding
          | different\ from | not\ equal\ to
          | (?:square|cube|root|multiple|divisor|factor|factorial|power|reciprocal|inverse|opposite
              |logarithm|sine|cosine|{_TENTHS})s?\ of
          | log | ln | sin | cos | tan | sqrt | abs | exp | mod
          | nicht | kein | keine | pas | no\ es | non\ è | não\ é | niet | inte | ikke | не
        )(?:\ (?:the|a|an|these|those|all|about|around|exactly|just))?["'*\[($]{{0,3}}[ ]
      | (?:不是|不等于|不等於|不到|不足|没有|沒有|大于|小于|超过|至少|至多|最多|约為|아니라)[ ]?
    )["'*\[($]{{0,3}}\Z
    | [A-Za-z]\(\ ?\Z                              # f(5), sqrt(16)
    """,
    re.VERBOSE,
)
_BOUND = rf"(?:{_COMPARED}|above|below|beyond|over|under|up|upwards|later|earlier)\b"
_BEHIND = re.compile(
    rf"""
    ["'*$\])°]{{0,3}}
    (?:
        (?:\ ["']?[^\W\d_]++["']?){{0,3}}?\ (?i:or|and)\ (?i:{_BOUND})(?!\ [a-z]++\ )
      | \ (?i:divided\ by|multiplied|squared|cubed|raised\ to|to\ the\ power|choose)\b
      | \ (?i:times|plus|minus|mod|over)\ [-(\[$€£"\\]{{0,3}}[0-9]
      | (?:\ [^\W\d_]++){{0,2}}?\ (?i:{_COMPARED})(?:\ [^\W\d_]++)?\ (?i:than)\ [-($€£"]{{0,3}}[0-9]
      | (?:\ ?["']?[^\W\d_]++["']?){{0,3}}?\ (?i:below)\ (?i:zero|freezing|0|sea)\b
      | (?:\ [^\W\d_]++){{0,1}}?\ (?i:short|shy)\ of\b
    )""",
    re.VERBOSE,
)

# words behind a number that make it another one, or none; in several languages
_SCALES = re.compile(
    rf"""
      {_TENTHS} | hundreds? | dozens? | scores? | grand | gross | lakhs? | crores? | myriads?
    | thousands | millions | billions | trillions | tausend | hundert | dutzend
    | mil | mila | mille | milliers? | mln | mrd | mio | bn | tsd | tys
    | mill?i[oóõ] (?:n|ns|nen|ne|ni|nes|es|en|m|[a-zéõ]{{0,4}}) | mill?ones | milh[õã]\w{{1,3}}
    | mill?i[aá]rd\w{{0,3}} | mil?yon | milyar | docenas? | douzaines? | dezenas? | juta | ribu
    | тыс\w{{0,5}} | млн | млрд | милли\w{{1,7}} | сот\w? | десят\w{{1,4}} | дюжин\w? | х
    """,
    re.VERBOSE,
)
# letters of alphabets other than the Latin one behind a number: measures, and how a sentence ends
_NEUTRAL = frozenset(
    "руб рублей рубля рубль км кг см м г ч л мин час часа часов штук шт евро долларов".split()
)
_NEUTRAL_STARTS = (
    "个個只本人元円圆块枚冊册分秒天日月年岁歳歲小时時米公厘升克次页頁张張条條件题名位"
    "で개명원권살시일ह"
)
_HALVES = frozenset("半余餘多几幾来來点點만천백십억조반割折成倍")
# a unit that some leave to the number: 350 cents are 3.50, and 5 pairs are 10
_OTHER_UNITS = {
    **dict.fromkeys(("cent", "cents", "pct", "percents"), Fraction(1, 100)),
    **dict.fromkeys(("pair", "pairs", "couples"), Fraction(2)),
}


def is_altered(text: str, start: int, end: int) -> bool:
    """Whether what stands beside the number at a place surely or maybe changes it."""
    if text.startswith(".", start) and text[max(0, start - 1) : start] in (".", "…"):
        return True  # "...5" is not .5
    before = text[max(0, start - _WINDOW) : start]
    if re.search(r"\S\s+\S", text[start:end]) and re.search(r"[0-9]\s\Z", before):
        return True  # "x2 1 250"
    return bool(_BEFORE.search(before) or _BEHIND.match(text[end : end + _WINDOW]))


def is_scale(word: str) -> bool:
    """Whether a word behind a number makes it another one: "dozen", "tenths", "тысячи", "千".

    Of scripts other than the Latin one only a few measures are known not to.
    """
    small = word.lower()
    if small.isascii():
        return bool(_SCALES.fullmatch(small.split("-")[-1]))
    if any(c in _HALVES or unicodedata.numeric(c, None) is not None for c in small):
        return True
    if ord(small[0]) <= 0x24F:
        return bool(_SCALES.fullmatch(small))
    return small not in _NEUTRAL and small[0] not in _NEUTRAL_STARTS


def other_unit(word: str) -> Fraction | None:
    """What a number may also be multiplied by because of its unit: "350 cents" may be 3.50."""
    return _OTHER_UNITS.get(word.lower())
