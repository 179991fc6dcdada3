"""Formulas as MathML at build time."""

import re

from docutils import nodes
from sphinx.application import Sphinx

from course_lib.authoring.formulas import mathml

made: dict[tuple[str, bool], str] = {}


def asked(node: nodes.Node) -> tuple[str, bool]:
    return node.astext().strip(), isinstance(node, nodes.math_block)


def render(formulas: list[tuple[str, bool]]) -> None:
    made.update(mathml([formula for formula in formulas if formula not in made]))


def of_a_page(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """All formulas of a page in one run of node."""
    found = [node for node in doctree.findall(nodes.Element) if _is_math(node)]
    render([asked(node) for node in found])
    for node in found:
        if isinstance(node, nodes.math):
            keep_together(node)


def _is_math(node: nodes.Node) -> bool:
    return isinstance(node, nodes.math | nodes.math_block)


def keep_together(node: nodes.math) -> None:
    """What touches a formula, such as a full stop, stays on its line."""
    at, siblings = node.parent.index(node), node.parent.children
    before = siblings[at - 1] if at else None
    after = siblings[at + 1] if at + 1 < len(siblings) else None
    for name, beside, pattern in (
        ("before", before, r"[^\s]{1,12}$"),
        ("after", after, r"^[^\s]{1,12}"),
    ):
        found = isinstance(beside, nodes.Text) and re.search(pattern, beside.astext())
        if found:
            node[name] = found[0]
            rest = re.sub(pattern, "", beside.astext())
            node.parent.replace(beside, nodes.Text(rest))


def visit(self, node: nodes.Element) -> None:
    formula = asked(node)
    render([formula])  # titles in tables of contents come here first
    words = made[formula]
    before, after = (self.encode(node.get(name, "")) for name in ("before", "after"))
    if formula[1]:
        words = f'<div class="math-block">{words}</div>'
    elif before or after:
        words = f'<span class="nowrap">{before}{words}{after}</span>'
    self.body.append(words)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", of_a_page)
    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
