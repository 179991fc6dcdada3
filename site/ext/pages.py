"""What pages need beyond Sphinx: anchors as notebooks have them, folded parts, tables that scroll,
and an index for the search, which works from a file as well as from a server."""

import html
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

GUESSED = re.compile(r"""(?:\.guessed|show\.guess)\(\s*["']([^"']+)["']""")


def own_title(section: nodes.section) -> nodes.title | None:
    title = section.next_node(nodes.title)
    return title if title is not None and title.parent is section else None


def names_of(title: nodes.title) -> set[str]:
    """A heading's anchors in notebooks: as JupyterLab shows it, and with its formulas' marks."""
    plain = title.astext()
    marked = "".join(
        f"${child.astext()}$" if isinstance(child, nodes.math) else child.astext()
        for child in title.children
    )
    return {plain.replace(" ", "-"), marked.replace(" ", "-")}


def anchors(doctree: nodes.document) -> None:
    """Headings get the anchors they have in notebooks too, so that links into those hold."""
    known = {name for section in doctree.findall(nodes.section) for name in section["ids"]}
    for section in doctree.findall(nodes.section):
        title = own_title(section)
        for name in names_of(title) - known if title is not None else ():
            known.add(name)
            section.insert(1, nodes.target("", "", ids=[name]))


def folded(doctree: nodes.document) -> None:
    """Sections marked *Deeper* are closed at first."""
    for section in list(doctree.findall(nodes.section)):
        title = own_title(section)
        if title is None or not title.astext().startswith("Deeper"):
            continue
        section["classes"].append("deeper")
        at = section.index(title) + 1
        opening = '<details class="deeper-part"><summary>Show this part</summary>'
        section.insert(at, nodes.raw("", opening, format="html"))
        section.append(nodes.raw("", "</details>", format="html"))


def answers(doctree: nodes.document) -> None:
    """What cells tagged *answer* show is closed at first, with a line for the reader's guess.

    The card that asked (web/parts/predict.js) finds the line by its ``data-guess``.
    """
    for cell in list(doctree.findall(nodes.container)):
        if "tag_answer" not in cell["classes"]:
            continue
        lines = "".join(
            f'<p class="answer-guess" data-guess="{html.escape(name)}" hidden></p>'
            for name in GUESSED.findall(cell.astext())
        )
        opening = f'<details class="answer-part"><summary>Show what came out</summary>{lines}'
        for shown in list(cell.findall(nodes.container)):
            if shown.get("nb_element") == "cell_code_output":
                at = shown.parent.index(shown)
                shown.parent.insert(at, nodes.raw("", opening, format="html"))
                shown.parent.insert(at + 2, nodes.raw("", "</details>", format="html"))


def scrolling(doctree: nodes.document) -> None:
    for table in list(doctree.findall(nodes.table)):
        box = nodes.container(classes=["table-scroll"])
        table.replace_self(box)
        box.append(table)


def entries(docname: str, doctree: nodes.document) -> list[list[str]]:
    """[page, page's title, heading, anchor, text] of each section; code is left out."""
    found = []
    page = ""
    for section in doctree.findall(nodes.section):
        title = own_title(section)
        heading = title.astext() if title is not None else ""
        page = page or heading
        parts = []
        for child in section.children:
            if isinstance(child, nodes.section | nodes.title):
                continue
            kinds = nodes.paragraph | nodes.term | nodes.title
            parts += [node.astext() for node in child.findall() if isinstance(node, kinds)]
        text = " ".join(" ".join(parts).split())
        found.append([docname, page, heading, section["ids"][0], text])
    return found


def on_resolved(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    index = Path(app.doctreedir) / "search"
    index.mkdir(exist_ok=True)
    name = docname.replace("/", "--")
    found = entries(docname, doctree) if docname not in ("index", "search") else []
    (index / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    anchors(doctree)
    scrolling(doctree)
    answers(doctree)
    folded(doctree)


def own_search(app: Sphinx) -> None:
    app.builder.search = False  # the theme has its own


def on_finished(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.name != "html":
        return
    found = []
    for part in sorted((Path(app.doctreedir) / "search").glob("*.json")):
        found += json.loads(part.read_text(encoding="utf-8"))
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir) / "_static" / "search-index.js"
    target.write_text(f"window.courseIndex={text};", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", own_search)
    app.connect("doctree-resolved", on_resolved)
    app.connect("build-finished", on_finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
