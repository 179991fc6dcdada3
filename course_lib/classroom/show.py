"""What a lesson shows instead of printing: replies as bubbles, numbers as tables.

Each function returns something that a notebook shows as HTML and a terminal as aligned text. Long
replies wrap at the page's width, and a wide table scrolls; neither needs a script.
"""

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..base import require
from . import guesses, web
from .closed import FIRST_LINE

if TYPE_CHECKING:  # a table of numbers needs no torch
    from ..pools import Pool

WIDE = 96  # columns of text in a terminal
# a number with its sign, unit and interval; a dash where there is none
NUMBER = re.compile(
    r"[+\-−]?\d[\d,. ]*( ?[%×])?( (k|s|GB|MB|nats|points))?( \[[^\]]*\])?( ?%)?|[–-]?"
)
ARXIV = re.compile(r"arXiv (\d{4}\.\d{5})")
# kind of a sentence → what a reader is told of it, and the mark under it (web/parts/still.css)
KINDS = {
    "step": "a step asked for",
    "kind": "polite",
    "filler": "filler or repetition",
    "foreign": "a step of another topic, or garbled",
    "unsafe": "unsafe or rude",
}
Cell = Any  # what is shown as str(cell)


@dataclass(frozen=True)
class Shown:
    """Something to look at: ``html`` in a notebook, ``text`` in a terminal."""

    text: str
    html: str
    styled: bool = False  # whether its HTML needs the course's own style
    kinds: tuple[str, ...] = ()  # marks under sentences that a legend has to explain

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        inner = self.html + (_legend(self.kinds) if self.kinds else "")
        box = (
            web.still(inner)
            if self.styled
            else f'<div class="ck-still" style="max-width:none">{inner}</div>'
        )
        return {"text/plain": self.text, "text/html": FIRST_LINE + box}


def together(*shown: Shown) -> Shown:
    """Several things as one, each below the one before."""
    return Shown(
        "\n\n".join(each.text for each in shown),
        "".join(each.html for each in shown),
        any(each.styled for each in shown),
        tuple(kind for each in shown for kind in each.kinds),
    )


def table(head: Sequence[Cell], rows: Sequence[Sequence[Cell]], caption: str = "") -> Shown:
    """A table: numbers (with units and intervals, too) to the right, words to the left.

    ``head``: a name for each column; ``rows``: a cell for each, shown as ``str`` gives it;
    ``caption``: a sentence below.
    """
    head = [str(name) for name in head]
    cells = [[str(cell) for cell in row] for row in rows]
    wrong = [row for row in cells if len(row) != len(head)]
    require(
        not wrong,
        f"each row needs {len(head)} cells, one for each of {head}; got {wrong[:1]}.",
    )
    right = [all(NUMBER.fullmatch(row[k]) for row in cells) for k in range(len(head))]
    text = _aligned([head, *cells], right)
    page = _table(head, cells, right)
    if caption:
        text += f"\n{caption}"
        page += f"<p style='margin:2px 0 8px'>{html.escape(caption)}</p>"
    return Shown(text, page)


def facts(named: Mapping[str, Cell]) -> Shown:
    """A few values, each with its name before it."""
    rows = [[name, str(value)] for name, value in named.items()]
    style = "text-align:left;padding:3px 12px 3px 0;vertical-align:top"
    first = f'<th scope="row" style="{style};font-weight:400;white-space:nowrap">'
    lines = [
        f"<tr>{first}{html.escape(name)}</th>"
        f'<td style="{style};font-weight:600">{html.escape(value)}</td></tr>'
        for name, value in rows
    ]
    return Shown(_aligned(rows, [False, False]), _scrolled("", "".join(lines)))


def guess(name: str, truth: float | str, unit: str = "") -> Shown:
    """The reader's guess (``quiz.predict``) beside the truth: "You guessed 30 %; it is 8 %."

    ``name``: of the question; ``truth``: the number rounded as it shall be read, or the right
    option; ``unit``: such as "points". Without a guess: "It is 8 %." An option stands by itself:
    "You guessed: the mean. The answer: the median."
    """
    guessed = guesses.guess(name)
    right = guesses.in_words(truth, unit)
    bold = f"<b>{html.escape(right)}</b>"
    said = None if guessed is None else guesses.in_words(guessed, unit)
    if isinstance(truth, str):
        yours = "" if said is None else f"You guessed: {said}. "
        page = "" if said is None else f"You guessed: <b>{html.escape(said)}</b>. "
        return Shown(f"{yours}The answer: {right}.", f"<p>{page}The answer: {bold}.</p>")
    if said is None:
        return Shown(f"It is {right}.", f"<p>It is {bold}.</p>")
    return Shown(
        f"You guessed {said}; it is {right}.",
        f"<p>You guessed <b>{html.escape(said)}</b>; it is {bold}.</p>",
    )


def replies(
    question: str,
    texts: Sequence[str],
    names: Sequence[str] | None = None,
    scores: Mapping[str, Sequence[float]] | None = None,
    notes: Sequence[str] | None = None,
    chosen: int | None = None,
    about: Mapping[str, Any] | None = None,
    beside: bool = False,
) -> Shown:
    """A question and replies to it as bubbles.

    ``names``: what stands above each reply; ``scores``: reward name → a number for each, shown as
    chips; ``notes``: a few words for each; ``chosen``: place of a reply to mark; ``about``: the
    help desk's facts about the question (``pool.info[i]``), where each sentence shall be underlined
    by what it does; ``beside``: the replies side by side where the page is wide enough.
    """
    told = {"names": names, "notes": notes, **(scores or {})}
    for name, values in told.items():
        require(
            values is None or len(values) == len(texts),
            f"{name} must say something of each of {len(texts)} replies; got {len(values or ())}.",
        )
    asked = f"<b>{html.escape(question)}</b>"  # bold where the styles were dropped
    page = [f'<div class="ck-ask" style="margin-top:16px">{asked}</div>']
    page = page if question else []
    text = [_filled(question, "")] if question else []
    found: list[str] = []
    bubbles = []
    for j, reply in enumerate(texts):
        chips = [f"{name} {_number(values[j])}" for name, values in (scores or {}).items()]
        name = names[j] if names else ""
        note = "; ".join(filter(None, [notes[j] if notes else "", "chosen" * (j == chosen)]))
        said, kinds = _sentences(reply, about)
        found += kinds
        bubbles.append(_bubble(said, name, chips, note, j == chosen))
        told_of = ", ".join([*chips, *filter(None, [note])])
        lead = f"{name}: " if name else "- "
        text.append(_filled(reply + (f"  [{told_of}]" if told_of else ""), "  ", lead))
    page += [_across(bubbles)] if beside else bubbles
    return Shown("\n".join(text), "".join(page), styled=True, kinds=tuple(found))


def candidates(
    pool: "Pool",
    rewards: Sequence[str] = (),
    prompts: Sequence[int] | None = None,
    most: int | None = None,
    parts: bool = False,
) -> Shown:
    """Candidates of a pool under their prompts, with their ``rewards`` as chips.

    ``prompts``: which rows (default all); ``most``: candidates of each (default all); ``parts``:
    underline each sentence by what it does (the help desk alone).
    """
    shown = []
    for i in range(pool.P) if prompts is None else prompts:
        texts = pool.texts[i][:most]
        scores = {name: pool.reward(name)[i, : len(texts)].tolist() for name in rewards}
        about = pool.info[i] if parts else None
        shown.append(replies(pool.prompts[i], texts, scores=scores, about=about))
    return together(*shown)


def _number(value: float) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _sentences(text: str, about: Mapping[str, Any] | None) -> tuple[str, list[str]]:
    """HTML of a reply, its sentences marked where ``about`` says the topic; and their kinds."""
    if about is None or not text:
        return html.escape(text or "(empty)"), []
    from .explore.sentences import sentence_kinds

    said = sentence_kinds(text, about["topic"])
    marked = [
        f'<span class="ck-part ck-{kind}" title="{KINDS[kind]}">{html.escape(sentence)}</span>'
        for sentence, kind in said
    ]
    return " ".join(marked), [kind for _, kind in said]


def _bubble(said: str, name: str, chips: Sequence[str], note: str, chosen: bool) -> str:
    above = f'<span class="ck-note">{html.escape(name)}</span><br>' if name else ""
    facts = [f'<span class="ck-chip">{html.escape(chip)}</span>' for chip in chips]
    facts += [f'<span class="ck-note">{html.escape(note)}</span>'] if note else []
    below = " ".join(facts)
    below = f'<div class="ck-chips">{below}</div>' if below else ""
    kind = "ck-bubble ck-chosen" if chosen else "ck-bubble"
    return f'<div class="{kind}"><p>{above}{said}</p>{below}</div>'


def _across(bubbles: Sequence[str]) -> str:
    """Bubbles in columns, which a narrow page puts one below the other."""
    columns = "".join(f'<div style="flex:1 1 240px">{bubble}</div>' for bubble in bubbles)
    return f'<div style="display:flex;flex-wrap:wrap;gap:0 12px">{columns}</div>'


def _legend(kinds: Sequence[str]) -> str:
    """What the marks under sentences mean, for the kinds that are there."""
    marks = [f'<span class="ck-part ck-{k}">{KINDS[k]}</span>' for k in KINDS if k in kinds]
    return f'<p class="ck-note" style="font-size:.87em">{" &nbsp; ".join(marks)}</p>'


def _filled(text: str, indent: str, lead: str = "") -> str:
    """``text`` in lines that fit a terminal."""
    lines = text.split("\n")
    broken = [
        textwrap.fill(
            line,
            WIDE,
            initial_indent=indent + (lead if k == 0 else "  "),
            subsequent_indent=indent + " " * (2 if lead else 0),
            break_long_words=False,
        )
        for k, line in enumerate(lines)
    ]
    return "\n".join(broken)


def _aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Rows of cells as text, in columns."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(right))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ]
        lines.append("   ".join(cells).rstrip())
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """The table as HTML that carries its own style: it also stands where styles are dropped."""
    # JupyterLab puts all cells to the right, others none: each way said once, where it is needed
    sides = ["align=right" if flush else "style=text-align:left" for flush in right]
    top = "".join(
        f"<th scope=col {side}>{html.escape(name)}</th>" if name else "<td></td>"
        for name, side in zip(head, sides, strict=True)
    )
    body = [
        "<tr>"
        + "".join(
            f"<td {side}>{_whole(cell) if flush else _linked(cell)}</td>"
            for cell, side, flush in zip(row, sides, right, strict=True)
        )
        + "</tr>"
        for row in rows
    ]
    return _scrolled(f"<thead><tr>{top}</tr></thead>", f"<tbody>{''.join(body)}</tbody>")


def _linked(words: str) -> str:
    """Words of a cell; an arXiv number leads to its paper."""
    paper = r'<a href="https://arxiv.org/abs/\1">\g<0></a>'
    return ARXIV.sub(paper, html.escape(words))


def _whole(number: str) -> str:
    """A number with its unit and interval, which no line break takes apart."""
    return html.escape(number).replace(" ", "\u00a0")


def _scrolled(head: str, body: str) -> str:
    style = "margin:4px 0;font-variant-numeric:tabular-nums"
    return f'<div {web.SCROLLS}><table cellpadding=4 style="{style}">{head}{body}</table></div>'
