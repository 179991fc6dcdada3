"""Slides: a deck per lesson, from the cells tagged ``slide``, with reveal.js of the npm registry.

``python -m course_lib.authoring.slides`` (``make slides``) writes ``site/build/slides/NN_….html``
and copies reveal.js beside them, so that the decks need no network. A marked text is a slide: from
its heading to the next one, as many whole paragraphs as fit. A marked code cell is a slide with its
output; its code is shown where the output is no figure and no explorer.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..base import CourseError, require
from .formulas import formulas_in, mathml, with_formulas
from .links import Page, Pages, linked, pages_of
from .places import ROOT
from .site import BADGE_LINE, Kit, copied, fonts, written

TAG = "slide"
WORDS = 120  # on a slide of text
LARGEST_CODE = 6  # lines
NO_REVEAL = (
    "reveal.js is missing: run `npm ci` in site/ once, with a network. Decks need none afterwards."
)
HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$")
LEFT_OUT = ("**Builds on:**", "**Time:**")


def slides_of(notebook: dict, page: Page, pages: Pages) -> list[dict]:
    """The cells of a lesson's deck, each with nbconvert's ``slideshow`` metadata."""
    found = []
    heading = ""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        marked = TAG in cell["metadata"].get("tags", [])
        if cell["cell_type"] == "markdown":
            if marked:
                shown = one_slide(BADGE_LINE.sub("", text), heading)
                found.append(_slide(cell, linked(shown, page.folder, pages, page.stem)))
            heading = _last_heading(text) or heading
        elif marked:
            found += _code_slide(cell, heading)
    return found


def one_slide(text: str, heading: str) -> str:
    """The part of a text cell that fits on a slide: whole blocks, up to the next heading.

    ``heading``: the one above, for a text that has none of its own.
    """
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    if not HEADING.match(blocks[0].split("\n")[0]):
        blocks.insert(0, f"## {heading}")
    kept, words = [blocks[0]], 0
    for block in blocks[1:]:
        if HEADING.match(block.split("\n")[0]):
            break
        if block.startswith(LEFT_OUT) or block == "In words:":
            continue
        block = _first_points(block, WORDS - words)
        words += 30 if block.startswith("```") else len(block.split())
        if len(kept) > 1 and words > WORDS:
            break
        kept.append(block)
    return "\n\n".join(kept)


def _first_points(block: str, room: int) -> str:
    """A list cut to the points that fit; any other block as it is."""
    points = re.split(r"\n(?=- |\d+\. )", block)
    if len(points) < 2:
        return block
    kept: list[str] = []
    for point in points:
        if kept and sum(len(each.split()) for each in [*kept, point]) > room:
            break
        kept.append(point)
    return "\n".join(kept)


def _last_heading(text: str) -> str:
    found = [match[2] for match in map(HEADING.match, text.split("\n")) if match]
    return found[-1] if found else ""


def _code_slide(cell: dict, heading: str) -> list[dict]:
    """A heading, and the cell below it without code where it shows a picture."""
    shown = any(
        {"text/html", "image/png", "image/svg+xml"} & set(output.get("data", {}))
        for output in cell["outputs"]
    )
    lines = "".join(cell["source"]).count("\n") + 1
    hidden = shown or lines > LARGEST_CODE
    title = {"cell_type": "markdown", "id": f"{cell['id'][:8]}top", "metadata": {}, "source": ""}
    # what is printed beside a picture says the same in words
    outputs = [each for each in cell["outputs"] if not shown or each["output_type"] != "stream"]
    body = {
        **cell,
        "outputs": outputs,
        "metadata": {"slideshow": {"slide_type": "-"}, "hidden": hidden},
    }
    return [_slide(title, f"## {heading}"), body]


def _slide(cell: dict, text: str) -> dict:
    return {**cell, "source": text, "metadata": {"slideshow": {"slide_type": "slide"}}}


def deck(cells: Sequence[dict], title: str, kit: Kit) -> str:
    """The HTML of a deck. ``cells``: those of :func:`slides_of`."""
    import nbformat
    from nbconvert import SlidesExporter

    texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    made = mathml([formula for text in texts for formula in formulas_in(text)])
    seen: set[str] = set()
    ready = []
    for cell in cells:
        cell = json.loads(json.dumps(cell))  # a copy
        if cell["cell_type"] == "markdown":
            cell["source"] = with_formulas(cell["source"], made)
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                html = "".join(output["data"]["text/html"])
                output["data"] = {"text/html": kit.shared(html, "", seen)}
        ready.append(cell)
    notebook = nbformat.from_dict(
        {"cells": ready, "metadata": {"title": title}, "nbformat": 4, "nbformat_minor": 5}
    )
    exporter = SlidesExporter(
        extra_template_basedirs=[str(ROOT / "site" / "slides")], template_name="course"
    )
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    html, _ = exporter.from_notebook_node(notebook)
    return html


def build_slides(
    root: Path = ROOT, out: Path | None = None, only: Sequence[str] | None = None
) -> Path:
    """Write the decks and what they need into the folder ``out``; returns it.

    ``only``: numbers of lessons. Raises :class:`~course_lib.base.CourseError` without reveal.js,
    for a lesson that does not exist, and when a notebook that was asked for has no marked cell.
    """
    reveal = root / "site" / "node_modules" / "reveal.js" / "dist"
    require((reveal / "reveal.js").is_file(), NO_REVEAL)
    known = pages_of(root).lessons
    unknown = [name for name in only or [] if name not in known]
    require(not unknown, f"no lesson {', '.join(unknown)}; the lessons are {', '.join(known)}.")
    out = Path(out or root / "site" / "build" / "slides")
    shutil.rmtree(out, ignore_errors=True)
    static = out / "_static"
    kit = Kit(static / "kit")
    for name in ("reveal.js", "reveal.css", "reset.css"):
        copied(reveal / name, static / name)
    copied(root / "site" / "slides" / "deck.css", static / "deck.css")
    written(static / "fonts.css", fonts(root / "site" / "node_modules"))
    decks = list(_decks(root, out, kit, only))
    lacking = sorted(set(only or known) - {number for number, _ in decks})
    require(
        decks and not (only and lacking),
        f"no cell of lesson {', '.join(lacking)} is tagged `slide`; tag one, or build the notebook "
        "from its source (`course build`).",
    )
    written(out / "index.html", _index(decks))
    return out


def _decks(
    root: Path, out: Path, kit: Kit, only: Sequence[str] | None
) -> Iterator[tuple[str, Page]]:
    """Write each deck; gives (number, page) of those that have a slide."""
    pages = pages_of(root)
    for number, page in pages.lessons.items():
        if only and number not in only:
            continue
        notebook: dict[str, Any] = json.loads((root / page.path).read_text(encoding="utf-8"))
        cells = slides_of(notebook, page, pages)
        if cells:
            html = deck(cells, page.short, kit).replace('.ipynb"', '.html"')
            written(out / f"{page.stem}.html", html)
            yield number, page


def _index(decks: Sequence[tuple[str, Page]]) -> str:
    rows = "".join(
        f'<li><a href="{page.stem}.html">{number} {page.short}</a></li>' for number, page in decks
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Slides</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="_static/fonts.css">'
        '<link rel="stylesheet" href="_static/deck.css">'
        f'<body class="list"><main><h1>Slides</h1><ul>{rows}</ul></main></body></html>'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m course_lib.authoring.slides``."""
    parser = argparse.ArgumentParser(prog="course_lib.authoring.slides")
    parser.add_argument("names", nargs="*", help="numbers of lessons, such as 01")
    parser.add_argument("--out", type=Path, help="folder (default: site/build/slides)")
    args = parser.parse_args(argv)
    try:
        out = build_slides(ROOT, args.out, args.names)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"open {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
