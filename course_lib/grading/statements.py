"""Code cells as statements: what each binds, reads and changes, found without running anything.

Cells come as students leave them: with magics, prompts, leading blanks, several functions in one or
one function in two, and syntax errors that must not take their neighbours with them.
"""

import ast
import builtins
import re
import symtable
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from .notebooks import Cell

MOST_OF_A_CELL = 200_000  # characters that are parsed
MOST_STATEMENTS = 2_000
MOST_PARSED = 10_000_000  # characters, each try counted
MOST_PARTS = 200  # of a cell that does not parse
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
FOREIGN = set(
    "! bash cython file html javascript js latex markdown perl pypy python python2 python3 R ruby "
    "script sh shell sql svg system sx writefile bigquery".split()
)
MAGIC = re.compile(r"^\s*(%{1,2}[a-zA-Z]|!|\?|.*\?{1,2}\s*$|[\w, .\[\]]+=\s*(!|%[a-zA-Z]))")
STARTS = re.compile(r"^(def|class|async|@|import|from|[A-Za-z_(\[{])")
BUILTIN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


@dataclass
class Statement:
    """One top-level statement of a notebook.

    Attributes
    ----------
    source : its text, which starts in column 0.
    cell : the number of its cell, from 1, text cells counted.
    stretch : statements between two checks, and in one cell, have the same.
    kind : "def", "import", "constant", "value" or "other"; "constant" is a name set to literals.
    binds, reads, changes : names that it defines, looks up outside itself, and changes in place;
        of a function what calling it changes.
    calls : names that it binds to what calling their old value gives, as ``f = f(x)``.
    """

    source: str
    node: ast.stmt
    cell: int
    stretch: int
    kind: str
    binds: frozenset[str]
    reads: frozenset[str]
    changes: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()


@dataclass
class Unread:
    """A piece of a cell that is no Python, and why."""

    source: str
    cell: int
    problem: str


@dataclass
class Statements:
    """All statements of a notebook, in order, what could not be read, and what was left out."""

    read: list[Statement] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parsed: int = 0


def statements_of(cells: list[Cell], checks: frozenset[str] = frozenset()) -> Statements:
    """The top-level statements of all code cells.

    ``checks`` : names of tasks; a call such as ``check.NAME(...)`` ends a stretch.
    """
    found = Statements()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a student's "\\d"
        _read(cells, checks, found)
    return found


def _read(cells: list[Cell], checks: frozenset[str], found: Statements) -> None:
    stretch = 0
    for at, cell in enumerate(_healed(cells, found)):
        if cell.kind != "code":
            continue
        stretch += 1
        for node, source in _nodes(cell.source, at + 1, found):
            if len(found.read) >= MOST_STATEMENTS:
                found.notes.append(f"only the first {MOST_STATEMENTS} statements were read.")
                return
            statement = _statement(node, source, at + 1, stretch)
            if statement is None:
                found.unread.append(Unread(source, at + 1, "it is too involved to be read."))
                continue
            found.read.append(statement)
            stretch += _is_check(node, checks)


def _healed(cells: list[Cell], found: Statements) -> list[Cell]:
    """Cells whose function goes on in the next cell, joined; text cells keep their numbers."""
    out: list[Cell] = []
    before = -1  # the last code cell
    for at, cell in enumerate(cells):
        out.append(cell)
        if cell.kind != "code" or not cell.source.strip():
            continue
        goes_on = cell.source.lstrip("\n")[:1] in (" ", "\t") and before >= 0
        if goes_on and _compiles(_dedented(cell.source)) is False:
            joined = f"{out[before].source}\n{cell.source}"
            if re.search(r"^(def|class|async) ", out[before].source, re.M) and _compiles(joined):
                out[before] = Cell("code", joined)
                out[at] = Cell("raw", "")
                found.notes.append(f"cell {at + 1} was read as the end of cell {before + 1}.")
                continue
        before = at
    return out


def _compiles(source: str) -> bool | None:
    """Whether a text is Python, ``return`` in its place; None where that is not tried."""
    if len(source) > MOST_OF_A_CELL:
        return None
    try:
        compile(source, "cell", "exec", dont_inherit=True)
        return True
    except UNREADABLE:
        return False


# ---- from text to nodes ------------------------------------------------------------------------


def _nodes(source: str, cell: int, found: Statements) -> Iterator[tuple[ast.stmt, str]]:
    """(node, text) of each top-level statement of a cell; what fails goes to ``found.unread``."""
    body, dropped = _without_cell_magic(source)
    if dropped:
        found.notes.append(f"cell {cell} is not Python ({dropped}) and was left out.")
        return
    body = _dedented(_without_prompts(body))
    if len(body) > MOST_OF_A_CELL:
        found.unread.append(Unread(body[:1000], cell, f"it has {len(body):,} characters."))
        return
    tree, error = _parsed(body, found)
    if tree is not None:
        yield from _split(*tree)
        return
    parts = _parts(body)
    if len(parts) == 1:
        found.unread.append(Unread(body, cell, error))
        return
    yield from _saved(parts, cell, found)


def _saved(parts: list[str], cell: int, found: Statements) -> Iterator[tuple[ast.stmt, str]]:
    """What can be read of a cell that as a whole cannot."""
    at = 0
    while at < len(parts):
        first = ""
        for end in range(at + 1, min(at + 9, len(parts)) + 1):
            tree, error = _parsed("\n".join(parts[at:end]), found)
            first = first or error
            if tree is not None:
                yield from _split(*tree)
                break
        else:
            end = at + 1
            found.unread.append(Unread(parts[at], cell, first))
        at = end


def _parsed(source: str, found: Statements) -> tuple[tuple[ast.Module, str] | None, str]:
    """((tree, text without magics), "") of a text, or (None, what is wrong)."""
    lines = source.split("\n")
    for _ in range(60):
        found.parsed += len(source)
        if found.parsed > MOST_PARSED:
            return None, "the notebook is too large to be read whole."
        text = "\n".join(lines)
        try:
            return (ast.parse(text), text), ""
        except SyntaxError as error:
            said = f"line {error.lineno}: {error.msg}"[:200]
            if not _drop_magic(lines, (error.lineno or 0) - 1):
                break
        except UNREADABLE as error:
            return None, f"it cannot be read ({type(error).__name__})."
    bare = list(lines)
    for at, line in enumerate(lines):
        if re.match(r"\s*(%[a-zA-Z]|!)", line):
            _drop_magic(bare, at)
    try:
        return (ast.parse("\n".join(bare)), "\n".join(bare)), ""
    except UNREADABLE:
        return None, said


def _drop_magic(lines: list[str], at: int) -> bool:
    """Put ``pass`` where a magic, a shell command or a question stands; whether one does."""
    if not 0 <= at < len(lines) or not MAGIC.match(lines[at]):
        return False
    end = at
    while lines[end].rstrip().endswith("\\") and end + 1 < len(lines):
        end += 1
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at : end + 1] = [f"{indent}pass"] + [""] * (end - at)
    return True


def _without_cell_magic(source: str) -> tuple[str, str]:
    """(body, "") of a cell, or ("", magic) where a magic says that it is no Python."""
    lines = source.split("\n")
    for at, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        magic = re.match(r"\s*%%(!|\w+)", line)
        if magic is None:
            return source, ""
        if magic.group(1) in FOREIGN:
            return "", f"%%{magic.group(1)}"
        return _without_cell_magic("\n".join(lines[at + 1 :]))
    return source, ""


def _without_prompts(source: str) -> str:
    """Code pasted from a console, without its prompts; what it printed goes with them."""
    prompt = re.compile(r"^\s*(>>> ?|\.\.\. ?|In \[\d+\]: ?|   \.\.\.: ?)")
    if not re.match(r"\s*(>>> |In \[\d+\]: )", source):
        return source
    lines = [line for line in source.split("\n") if prompt.match(line)]
    return "\n".join(prompt.sub("", line, count=1) for line in lines)


def _dedented(source: str) -> str:
    """A cell that is indented as a whole, as IPython reads it."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    if not indent:
        return source
    return "\n".join(line.removeprefix(indent) for line in lines)


def _parts(source: str) -> list[str]:
    """A cell cut where something starts in column 0."""
    parts: list[list[str]] = [[]]
    decorated = False
    for line in source.split("\n"):
        starts = STARTS.match(line) is not None
        goes_on = re.match(r"(else|elif|except|finally)\b", line) is not None
        if starts and not decorated and not goes_on:
            parts.append([])
        decorated = line.startswith("@") if starts else decorated and not line.strip()
        parts[-1].append(line)
    whole = ["\n".join(part) for part in parts if "".join(part).strip()]
    return [*whole[: MOST_PARTS - 1], "\n".join(whole[MOST_PARTS - 1 :])][:MOST_PARTS] or [source]


def _split(tree: ast.Module, source: str) -> Iterator[tuple[ast.stmt, str]]:
    """(node, text) of each statement; ``%%time`` that nbconvert has folded is unfolded."""
    lines = source.split("\n")
    spans = [_span(node) for node in tree.body]
    for at, (node, (first, last)) in enumerate(zip(tree.body, spans, strict=True)):
        folded = _folded(node)
        if folded is not None:
            inner, _ = _parsed(folded, Statements())
            if inner is not None:
                yield from _split(*inner)
            continue
        text = "\n".join(lines[first - 1 : last])
        beside = [spans[k] for k in (at - 1, at + 1) if 0 <= k < len(spans)]
        if any(a <= last and first <= b for a, b in beside):  # a = 1; b = 2
            text = _unparsed(node)
        if not isinstance(node, ast.Pass):
            yield node, text


def _span(node: ast.stmt) -> tuple[int, int]:
    """(first, last) line, decorators included."""
    decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
    return min([node.lineno, *decorators]), node.end_lineno or node.lineno


def _unparsed(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return "pass"


def _folded(node: ast.stmt) -> str | None:
    """The body of ``get_ipython().run_cell_magic(name, line, body)`` where it is Python."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    given = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    if call.func.attr != "run_cell_magic" or len(given) != 3 or given[0] in FOREIGN:
        return None
    return given[2] if isinstance(given[2], str) else None


# ---- from nodes to names -----------------------------------------------------------------------


def _statement(node: ast.stmt, source: str, cell: int, stretch: int) -> Statement | None:
    try:
        table = symtable.symtable(source, "cell", "exec")
        binds, reads = _names(table)
        kind = _kind(node, binds)
        changes = _changed(node)
        changes = changes & reads if kind == "def" else changes
    except UNREADABLE:
        return None
    calls = frozenset()
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        called = node.value.func
        calls = frozenset({called.id}) & binds if isinstance(called, ast.Name) else frozenset()
    return Statement(source, node, cell, stretch, kind, binds, reads, changes, calls)


def _names(table: symtable.SymbolTable) -> tuple[frozenset[str], frozenset[str]]:
    """(bound, read) names of a module's top level; what functions read of it included."""
    symbols = table.get_symbols()
    binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    reads = {s.get_name() for s in symbols if s.is_referenced()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        reads |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
    return frozenset(binds), frozenset(reads)


def _kind(node: ast.stmt, binds: frozenset[str]) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return "def"
    if isinstance(node, ast.Import | ast.ImportFrom):
        return "import"
    if not binds:
        return "other"
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        if isinstance(node.value, ast.Lambda):
            return "def"
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        plain = all(isinstance(target, ast.Name) for target in targets)
        return "constant" if plain and _literal(node.value) else "value"
    if isinstance(node, ast.If | ast.Try | ast.With):
        inside = [n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef)]
        if set(inside) & binds:
            return "def"
    return "value"


def _literal(node: ast.expr) -> bool:
    """Whether an expression is made of literals alone."""
    allowed = (
        ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.operator,
        ast.unaryop, ast.expr_context,
    )  # fmt: skip
    return all(isinstance(part, allowed) for part in ast.walk(node))


def _changed(node: ast.stmt) -> frozenset[str]:
    """Names whose values a statement, or a call of its function, changes, as far as it says so."""
    changed = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute | ast.Subscript):
            if isinstance(part.ctx, ast.Store | ast.Del):
                changed.add(root_of(part))
        elif isinstance(part, ast.Global):
            changed.update(part.names)
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            call = part.value
            if isinstance(call.func, ast.Attribute):
                changed.add(root_of(call.func))
            if not (isinstance(call.func, ast.Name) and call.func.id in BUILTIN | {"display"}):
                changed |= {arg.id for arg in call.args if isinstance(arg, ast.Name)}
    return frozenset(changed - {""})


def root_of(node: ast.expr) -> str:
    """The name at the start of ``a.b[c].d``; "" where there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_check(node: ast.stmt, checks: frozenset[str]) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    called = call.func if isinstance(call, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in checks
