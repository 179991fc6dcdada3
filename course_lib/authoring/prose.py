"""What a lesson's prose weighs: words, long sentences, hedges, printed decimals.

Counted on the built notebook: what a reader sees, without links' addresses, code, and what the
build itself writes (badge, contents, bar).
"""

import html
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .links import CODE_BLOCK
from .paths import in_deeper

CORE_WORDS = 1_600
WHOLE_WORDS = 3_600
LONGEST = 35  # words of a sentence in the core
MEDIAN = 15  # words, which the median sentence stays under
HEDGES_IN_A_SECTION = 2
DECIMALS = 150  # numbers with a point in all outputs of a lesson
BUILT = {"contents", "navigation"}
HEDGES = re.compile(
    r"\b(may|might|perhaps|probably|possibly|presumably|seems?|appears?|somewhat|roughly"
    r"|tends? to|as far as|we do not know|no difference (?:that )?we can detect"
    r"|(?:not|cannot) be told apart|not told apart|need not|so far)\b",
    re.IGNORECASE,
)
DECIMAL = re.compile(r"(?<![\w.])[-+−]?\d*\.\d+(?![\w.]*\.\d)")
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|et al|vs|cf|arXiv|No|Fig|Sec)\.\s")


@dataclass(frozen=True)
class Prose:
    """The counts of a lesson, or of its core.

    Attributes
    ----------
    words : of all text, headings and tables included; a formula or a piece of code is one word.
    sentences : the number of words of each sentence, without headings and tables.
    longest : the longest sentence.
    hedged : section → its hedges, where there are more than two.
    decimals : numbers with a decimal point in the outputs, without pictures and explorers.
    """

    words: int
    sentences: tuple[int, ...]
    longest: str
    hedged: dict[str, list[str]]
    decimals: int

    @property
    def median(self) -> float:
        """Words of the median sentence."""
        return statistics.median(self.sentences) if self.sentences else 0.0

    @property
    def over(self) -> int:
        """Sentences of more than 35 words."""
        return sum(words > LONGEST for words in self.sentences)


def prose(cells: Sequence[dict]) -> Prose:
    """The counts of these cells of a built notebook."""
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown" and not _built(c)]
    whole = "\n\n".join(plain(text) for text in texts)
    found = list(sentences(whole))
    return Prose(
        words=len(_words(whole)),
        sentences=tuple(len(_words(sentence)) for sentence in found),
        longest=max(found, key=lambda sentence: len(_words(sentence)), default=""),
        hedged=hedged(whole),
        decimals=sum(decimals(c.get("outputs", [])) for c in cells),
    )


def core_and_whole(cells: Sequence[dict]) -> tuple[Prose, Prose]:
    """(core, whole) of a built notebook's cells."""
    core = [cell for cell, deeper in zip(cells, in_deeper(cells), strict=True) if not deeper]
    return prose(core), prose(cells)


def _built(cell: dict) -> bool:
    return bool(BUILT & set(cell["metadata"].get("tags", [])))


def plain(text: str) -> str:
    """Markdown as words: a formula and a piece of code are one word each."""
    text = re.sub(r"^\[!\[.*$", "", text, flags=re.MULTILINE)  # the badge
    text = CODE_BLOCK.sub("", text)
    text = re.sub(r"\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$", "X", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]+`", "code", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>\n]+>|[*_]{1,3}(?=\w)|(?<=[\w.,:;?)])[*_]{1,3}", "", text)
    return html.unescape(text)


def _words(text: str) -> list[str]:
    """What stands between spaces and holds a letter or a digit."""
    return [word for word in re.split(r"[\s|]+", text) if re.search(r"\w", word)]


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and points of lists, without headings and tables."""
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if not re.match(r"\s*(#|\|)", line)]
        yield from re.split(r"\n\s*(?=[-*] |\d+\. )", "\n".join(lines))


def sentences(text: str) -> Iterator[str]:
    """The sentences of a plain text, each on one line; a point of a list is at least one."""
    for block in _blocks(text):
        line = ABBREVIATIONS.sub(lambda m: m[0].replace(". ", "\N{NO-BREAK SPACE}"), block)
        line = " ".join(re.sub(r"^\s*([-*]|\d+\.)\s+", "", line).split())
        for sentence in re.split(r"(?<=[.!?])[)\"']*\s+(?=[\"'(]*[A-Z0-9])", line):
            if _words(sentence):
                yield sentence


def hedged(text: str) -> dict[str, list[str]]:
    """Section → its hedges, for sections with more than two."""
    found = {}
    parts = re.split(r"^#{1,3}\s+(.+)$", text, flags=re.MULTILINE)
    for name, section in zip(["", *parts[1::2]], parts[0::2], strict=True):
        hedges = [match[0].lower() for match in HEDGES.finditer(section)]
        if len(hedges) > HEDGES_IN_A_SECTION:
            found[name] = hedges
    return found


def decimals(outputs: Sequence[dict]) -> int:
    """Numbers with a decimal point that a cell's outputs show as text or in tables."""
    return sum(len(DECIMAL.findall(_shown(output))) for output in outputs)


def _shown(output: dict) -> str:
    """The text of an output; nothing of pictures and of cards, which are not read line by line."""
    data = output.get("data", {})
    shown = "".join(data.get("text/html", "")) or "".join(data.get("text/plain", ""))
    if "data-ck" in shown or "<svg" in shown:
        return ""
    shown = re.sub(r"<(style|script|figcaption)\b.*?</\1>", "", shown, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", shown)) + "".join(output.get("text", ""))
