"""One spelling for the many characters that digits, signs and spaces are written with.

What a reader sees decides: an Arabic-Indic or full-width digit is its ASCII digit, every dash that
can be a minus is ``-``, a character that takes no room goes. What can stand for a number but is not
read here (circled and Roman numerals, broken characters) becomes :data:`UNKNOWN`, so that it is
never passed over in silence.
"""

import re
import unicodedata
from functools import lru_cache

UNKNOWN = "\ufffd"
THIN = "\u2009"  # every blank of a width of its own: a number may go on behind it
# a fraction that is one sign, such as "½", stands between these until its neighbours are known
OPEN, CLOSE = "\x1d", "\x1e"
_ACCENT = "\x1f"

_OTHERS = re.compile(r"[^\t\n -~]")  # all but plain ASCII
_RAISED = re.compile("[⁰¹²³⁴-⁹⁺⁻]++")
_LOWERED = re.compile("[₀-₉]++")
_TO_ASCII = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀₁₂₃₄₅₆₇₈₉", "0123456789+-0123456789")

_SAME: dict[str, str] = {
    **dict.fromkeys("‐‑‒–−﹣－➖", "-"),
    **dict.fromkeys("—―", "—"),
    **dict.fromkeys("×✕✖⨯·⋅∙", "×"),
    **dict.fromkeys("÷∶➗", "÷"),
    **dict.fromkeys("⁄∕⧸", "/"),
    **dict.fromkeys("≈≃≅≡≐", "="),
    **dict.fromkeys("’‘ʼ＇", "'"),
    **dict.fromkeys("。！？", ". "),
    **dict.fromkeys("\r\x0b\x0c\x85\u2028\u2029", "\n"),
    **dict.fromkeys("➕＋", "+"),
    "٫": ".",
    "٬": ",",
    "、": ",",
    "٪": "%",
    "\u3000": " ",
}


def plain_characters(text: str) -> str:
    """The text with one spelling for digits, signs and spaces. Time is linear in the text.

    ``10³`` becomes ``10^{3}`` and ``2½`` becomes ``2 1/2``.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _RAISED.sub(lambda m: "^{" + m[0].translate(_TO_ASCII) + "}", text)
    text = _LOWERED.sub(lambda m: "_{" + m[0].translate(_TO_ASCII) + "}", text)
    text = _OTHERS.sub(lambda m: _plain(m[0]), text)
    # an accent belongs to a letter; on a digit it may strike it out
    text = re.sub(f"(?<=[0-9]){_ACCENT}+", UNKNOWN, text).replace(_ACCENT, "")
    return place_fractions(text)


def place_fractions(text: str) -> str:
    """Fractions between OPEN and CLOSE take their place: behind a digit they make a mixed number.

    ``2½`` and ``2 ½`` become ``2 1/2``; a digit directly behind one is another number.
    """
    if OPEN not in text:
        return text
    text = re.sub(rf"(?<=[0-9])[ {THIN}]?{OPEN}", " ", text)
    text = re.sub(rf"{CLOSE}(?=[0-9])", " ", text)
    return text.replace(OPEN, "").replace(CLOSE, "")


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """The spelling of one character that is not plain ASCII."""
    if char in _SAME:
        return _SAME[char]
    if "！" <= char <= "～":  # full-width forms
        return chr(ord(char) - 0xFEE0)
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if unicodedata.decomposition(char).startswith("<fraction>"):
        written = unicodedata.normalize("NFKC", char).replace("⁄", "/")
        return f"{OPEN}{written}{CLOSE}" if written[-1].isdigit() else UNKNOWN
    if category == "Zs":
        return THIN
    if category == "Cf" and char not in "\u202d\u202e":  # these two turn the order of digits round
        return ""
    if category in ("Mn", "Me"):
        return _ACCENT
    if category in ("No", "Nl", "Cc", "Cf", "Cs", "Co", "Cn"):
        return UNKNOWN
    return char
