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
    siblings = node.parent.children
    at = next(k for k, each in enumerate(siblings) if each is node)
    for name, place, pattern in (
        ("before", at - 1, r"[^\s]{1,12}$"),
        ("after", at + 1, r"^[^\s]{1,12}"),
    ):
        beside = siblings[place] if 0 <= place < len(siblings) else None
        found = isinstance(beside, nodes.Text) and re.search(pattern, beside.astext())
        if found:
            node[name] = found[0]
            rest = re.sub(pattern, "", beside.astext())
            # by place: a text may stand twice in a paragraph, and replace() takes the first
            node.parent[place] = nodes.Text(rest)


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
