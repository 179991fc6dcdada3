"""One page a student: points by task, what holds and what does not, a hint, and where to read.

A page is one HTML file without script, without anything from outside, and without the source of a
test or a right value. What a student wrote is shown as text.
"""

import base64
import hashlib
import html
import posixpath
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import atomic_write, require
from ..classroom.web import still
from .sheets import Mark, Override, Sheet, amount, file_name, harmless, one_line

if TYPE_CHECKING:
    from .judge import Result

# class → (state of the card, what is said)
VERDICTS = {
    "right": ("done", "✓ Right"),
    "partly": ("partly", "Partly right"),
    "hidden": ("partly", "Right on the visible inputs alone"),
    "wrong": ("wrong", "Not right yet"),
    "unwritten": ("waiting", "Not written yet"),
    "missing": ("waiting", "Not found in the notebook"),
    "stopped": ("wrong", "Stopped"),
}
PAGE = """
:root { color-scheme: light dark; }
body { margin: 0; background: #fff; }
main { max-width: 760px; margin: 0 auto; padding: 20px 16px 40px; }
main > header { margin-bottom: 14px; }
main h1 { font-size: 1.35em; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
main h2 { font-size: 1.1em; margin: 22px 0 6px; }
main .ck-head h2 { margin: 0; }
main.ck-wide { max-width: 940px; }
main p, main li { overflow-wrap: anywhere; }
main .ck-sum { font-size: 1.15em; font-weight: 600; margin: 2px 0; }
main svg.ck-bar { display: block; width: 100%; height: 8px; border-radius: 4px; margin: 6px 0 8px;
  background: color-mix(in srgb, var(--ck-ink) 14%, var(--ck-bg)); }
main svg.ck-bar rect { fill: var(--ck-state, var(--ck-c0)); }
main .ck-words { white-space: pre-wrap; }
main .ck-scroll { overflow-x: auto; }
main a { color: var(--ck-c0); }
main footer { margin-top: 26px; font-size: 0.87em; color: var(--ck-soft); }
main figure { margin: 12px 0; }
main img { max-width: 100%; height: auto; }
main figcaption { font-size: 0.87em; color: var(--ck-soft); }
@media (prefers-color-scheme: dark) { body { background: #14171a; } }
@media print { body { background: #fff; } .ck-check { break-inside: avoid; } }
"""
HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    '<meta name="referrer" content="no-referrer">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<title>{title}</title>\n<style>{style}</style>\n</head>\n"
)

Links = Callable[[str], str]  # "lesson 01, 'On paper first'" → its address, or ""


def sealed(title: str, inner: str, wide: bool = False) -> str:
    """A whole page around ``inner`` HTML: the course's colours, nothing from outside, no script.

    ``wide``: for a report, with figures.
    """
    style, _, _ = still("", "check").removeprefix("<style>").partition("</style>")
    style += PAGE
    policy = f"default-src 'none'; style-src '{digest(style)}'; base-uri 'none'; form-action 'none'"
    if wide:
        policy += "; img-src data:"
    head = HEAD.format(policy=policy, title=_safe(one_line(title)), style=style)
    kind = "ck-still ck-wide" if wide else "ck-still"
    return f'{head}<body>\n<main class="{kind}">\n{inner}\n</main>\n</body>\n</html>\n'


def digest(text: str) -> str:
    """How a Content-Security-Policy names an inline style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def lesson_links() -> Links:
    """Where lessons stand in the repository on the web."""
    from ..authoring.lessons import repository_address
    from ..authoring.places import ROOT
    from ..classroom.checks.links import to_section

    address = repository_address(ROOT / "pyproject.toml").removesuffix(".git").rstrip("/")

    @cache
    def link(read: str) -> str:
        found = to_section(read, ROOT / "exercises")
        return f"{address}/blob/main/{posixpath.normpath(f'exercises/{found}')}" if found else ""

    return link


def page(sheet: Sheet, links: Links | None = None) -> str:
    """The feedback page of one student.

    ``links``: from where a lesson explains something to its address (default: the repository's).
    """
    links = links or lesson_links()
    title = f"{sheet.exercise}: {sheet.called}"
    parts = [_head(sheet), *(_task(sheet, result, links) for result in sheet.results)]
    marks = sheet.last_marks()
    if marks:
        parts.append(f"<h2>Written answers</h2>{''.join(map(_mark, marks))}")
    parts.append(_foot(sheet))
    return sealed(title, "\n".join(filter(None, parts)))


def write_pages(
    sheets: Iterable[Sheet], folder: Path | str, links: Links | None = None
) -> dict[str, Path]:
    """Write a page for each sheet into ``folder``; returns student → its file.

    Raises where a student comes twice: one page would hide the other.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    taken: set[str] = set()
    for sheet in sheets:
        name = file_name(sheet)
        require(
            name not in taken,
            f"{one_line(sheet.student)!r} comes twice in {sheet.exercise}: give each student once.",
        )
        taken.add(name)
        with atomic_write(folder / name, "w") as file:
            file.write(page(sheet, links))
        written[sheet.student] = folder / name
    return written


def _safe(text: object) -> str:
    return html.escape(harmless(text), quote=True)


def _named(text: object) -> str:
    """A name on its own: whatever its script, it does not turn what stands beside it."""
    return f"<bdi>{html.escape(one_line(text), quote=True)}</bdi>"


def bar(points: float, most: float) -> str:
    """Points as a bar; the words beside it say the same."""
    share = 100 * min(max(points / most, 0), 1) if most else 0
    return (
        f'<svg class="ck-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{share:.0f}" height="8"/></svg>'
    )


def _of(points: float, most: float) -> str:
    return f"{amount(points)} of {amount(most)} points"


def _head(sheet: Sheet) -> str:
    whole = sheet.override_of("")
    lines = [
        f"<header><h1>Exercise {_safe(sheet.exercise.removeprefix('ex'))}: "
        f"{_named(sheet.called)}</h1>",
        f'<p class="ck-sum">{_of(sheet.total, sheet.most)}</p>',
        bar(sheet.total, sheet.most),
    ]
    if sheet.late:
        took = f": {amount(sheet.taken)} points less, of {amount(sheet.earned)}"
        lines.append(f"<p>Late. {_safe(sheet.late)}{took if sheet.taken else ''}.</p>")
    if whole:
        before = sum(map(sheet.points_of, sheet.results))
        lines.append(_changed("The whole exercise", before, whole.points, whole))
    if sheet.unsafe:
        lines.append("<p>Graded without a sandbox.</p>")
    if sheet.notes:
        said = "".join(f"<li>{_safe(note)}</li>" for note in sheet.notes)
        lines.append(f"<h2>About the notebook</h2><ul>{said}</ul>")
    return "\n".join([*lines, "</header>"])


def _changed(what: str, before: float, after: float, override: Override) -> str:
    by = f" by {_named(override.author)}" if override.author else ""
    on = f" on {_safe(override.at[:10])}" if override.at else ""
    return (
        f"<p><b>{what}: changed from {amount(before)} to {amount(after)} points</b>{by}{on}. "
        f'<span class="ck-words"><bdi>{_safe(override.reason)}</bdi></span></p>'
    )


def _task(sheet: Sheet, result: "Result", links: Links) -> str:
    state, verdict = VERDICTS.get(result.outcome, ("waiting", result.outcome))
    name = result.task.partition(".")[2] or result.task
    points = sheet.points_of(result)
    override = sheet.override_of(result.task)
    inner = [
        f'<div class="ck-head"><h2><code>{_safe(name)}</code></h2> '
        f'<span class="ck-verdict">{_safe(verdict)}</span> '
        f'<span class="ck-told">{_of(points, result.most)}</span></div>',
        bar(points, result.most),
    ]
    if override:
        inner.append(_changed("Points", result.points, override.points, override))
    if result.message and result.outcome != "right":
        inner.append(f'<p class="ck-says ck-words"><bdi>{_sentence(result.message)}</bdi></p>')
    if result.properties:
        rows = "".join(_property(*row) for row in result.properties)
        inner.append(f'<ul class="ck-parts">{rows}</ul>')
    if result.hint:
        inner.append(f"<p><b>Hint:</b> {_safe(result.hint)}</p>")
    if result.read and result.outcome != "right":
        inner.append(f'<p class="ck-read">Explained in {_linked(result.read, links)}.</p>')
    label = html.escape(f"{one_line(name)}: {verdict}, {_of(points, result.most)}", quote=True)
    body = "\n".join(inner)
    return f'<section class="ck-check ck-{state}" aria-label="{label}">\n{body}\n</section>'


def _property(name: str, points: float, holds: bool) -> str:
    kind, mark, word = ("yes", "✓", "holds") if holds else ("no", "✗", "does not hold")
    worth = f"{amount(points)} point{'' if points == 1 else 's'}"
    return (
        f'<li class="ck-{kind}"><span class="ck-mark" aria-hidden="true">{mark}</span> '
        f'{_safe(name)} <span class="ck-note">{word}, {worth}</span></li>'
    )


def _sentence(text: str) -> str:
    """A message as a sentence begins."""
    words = harmless(text)
    first = words.split(maxsplit=1)[0] if words.split() else ""
    plain = first.isalpha() and first.islower()
    return html.escape(words[:1].upper() + words[1:] if plain else words, quote=True)


def _linked(read: str, links: Links) -> str:
    address = links(read)
    if not address.startswith(("https://", "http://")):
        return _safe(read)
    return f'<a rel="noopener noreferrer" href="{_safe(address)}">{_safe(read)}</a>'


def _mark(mark: Mark) -> str:
    state = "done" if mark.points >= mark.most else "partly" if mark.points else "wrong"
    note = f'<p class="ck-words"><bdi>{_safe(mark.note)}</bdi></p>' if mark.note else ""
    told = _of(mark.points, mark.most)
    return (
        f'<section class="ck-check ck-{state}" aria-label="{_safe(mark.item)}: {told}">'
        f'<div class="ck-head"><h2><code>{_safe(mark.item)}</code></h2> '
        f'<span class="ck-told">{told}</span></div>{bar(mark.points, mark.most)}{note}</section>'
    )


def _foot(sheet: Sheet) -> str:
    facts: Sequence[str] = (
        f"Notebook: <bdi>{_safe(one_line(sheet.file))}</bdi>" if sheet.file else "",
        f"SHA-256 <code>{_safe(sheet.sha256[:16])}</code>" if sheet.sha256 else "",
        f"graded {_safe(sheet.graded)}" if sheet.graded else "",
        f"course {_safe(sheet.course)}" if sheet.course else "",
    )
    told = " · ".join(filter(None, facts))
    return f"<footer><p>{told}</p></footer>" if told else ""
