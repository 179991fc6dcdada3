"""The core path of a lesson, and the parts marked *Deeper*.

A markdown cell that is nothing but ``## Deeper: Name`` begins such a part; it ends before the next
heading of that level. What is left is the core, which runs and reads by itself.
"""

import builtins
import re
import symtable
from collections.abc import Sequence

from ..base import require
from .links import CODE_BLOCK, HEADING

DEEPER = "## Deeper: "
ENDS = {"navigation"}  # a cell with such a tag belongs to the whole page


def begins_deeper(cell: dict) -> bool:
    """Whether a cell is the heading of a Deeper part, alone.

    Raises :class:`~course_lib.base.CourseError` for such a heading with anything beside it: front
    ends hide the cells after a closed heading, and not what stands in its own cell.
    """
    if cell["cell_type"] != "markdown":
        return False
    text = "".join(cell["source"]).strip()
    headings = HEADING.findall(CODE_BLOCK.sub("", text))
    deeper = [heading for heading in headings if f"## {heading}".startswith(DEEPER)]
    require(
        not deeper or text == f"## {deeper[0]}",
        f"the heading '## {deeper and deeper[0]}' must stand in a cell of its own, because front "
        "ends close what comes after its cell. Put the text below it into the next cell.",
    )
    return bool(deeper)


def in_deeper(cells: Sequence[dict]) -> list[bool]:
    """For each cell of a notebook, whether it belongs to a Deeper part (its heading does)."""
    found, deeper = [], False
    for cell in cells:
        if begins_deeper(cell):
            deeper = True
        elif ENDS & set(cell["metadata"].get("tags", [])):
            deeper = False
        elif cell["cell_type"] == "markdown":
            text = CODE_BLOCK.sub("", "".join(cell["source"]))
            deeper = deeper and not HEADING.search(text)
        found.append(deeper)
    return found


def core_of(cells: Sequence[dict]) -> list[dict]:
    """The cells of the core path, in order."""
    return [cell for cell, deeper in zip(cells, in_deeper(cells), strict=True) if not deeper]


def borrowed(cells: Sequence[dict]) -> list[str]:
    """Names that a core cell reads and a Deeper part has set last, each with the cell's first line.

    Empty for a lesson whose core stands alone, and whose Deeper parts change nothing that the core
    reads afterwards.
    """
    faults: list[str] = []
    owner = {name: "core" for name in dir(builtins)}
    for cell, deeper in zip(cells, in_deeper(cells), strict=True):
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or "%pip" in source:
            continue
        read, bound = _names(source)
        if not deeper:
            first = source.strip().split("\n")[0]
            wrong = sorted(n for n in read - bound if owner.get(n) == "deeper")
            faults += [f"{name}: {first}" for name in wrong]
        owner |= dict.fromkeys(bound, "deeper" if deeper else "core")
    return faults


def _names(source: str) -> tuple[set[str], set[str]]:
    """(names that a cell reads from outside, names that it sets at its outermost level)."""
    code = re.sub(r"^\s*[%!].*$", "pass", source, flags=re.MULTILINE)
    top = symtable.symtable(code, "cell", "exec")
    read = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    inner = list(top.get_children())
    while inner:  # functions, classes, comprehensions
        table = inner.pop()
        read |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
        inner += table.get_children()
    return read, bound
