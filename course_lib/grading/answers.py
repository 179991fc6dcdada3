"""From a handed-in notebook to what is run of it: the answers, and what they rest on.

An answer is found by its name, wherever it stands. What it rests on (imports, helpers, constants)
is followed by name, statement by statement, and nothing else enters a box: no plot, no training, no
later cell of the exercise's own, which cost seconds and on which no task rests. Of several
definitions that one is taken which the check below the answer saw; of an answer itself, the last
that is written.
"""

import ast
import bisect
import difflib
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .notebooks import Cell, Notebook
from .plan import Plan, Probed, without_checks
from .statements import BUILTIN, Statement, Statements, Unread, root_of, statements_of

MOST_NOTES = 20
SHOWN = "def display(*objects, **options):\n    print(*objects)"
FUTURE = "from __future__ import annotations\n"
ALIKE = 0.5  # share of a cell's statements that makes it a changed copy of an own one
SETTING = ("np", "numpy", "torch", "random", "warnings")


@dataclass
class Found:
    """What a submission is run as.

    Attributes
    ----------
    cells : sources for a box, in order.
    missing : task → what was not found, in a sentence, for tasks that are nowhere in the notebook.
    notes : what else was noticed, in sentences.
    """

    cells: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def cells_to_run(plan: Plan, notebook: Notebook) -> Found:
    """What is run of a notebook for the tasks of ``plan``, and what is missing in it.

    The order is: imports, functions and constants as they stand in the notebook, then the other
    statements on which an answer rests.
    """
    statements = statements_of(notebook.cells, frozenset(plan.tasks))
    choice = _Choice(plan, statements)
    for probed in plan.tasks.values():
        choice.take(probed.handed_in)
    found = Found(choice.sources())
    for name, probed in plan.tasks.items():
        those = choice.effective(probed.handed_in, None)
        if not those:
            found.missing[name] = _missing(plan, name, statements, notebook.cells)
        elif is_stub(choice.all[those[0]]):
            found.notes += filter(None, [_elsewhere(probed, statements, notebook.cells)])
    found.notes = [*found.notes, *_notes(choice, statements)][:MOST_NOTES]
    return found


@functools.lru_cache(maxsize=32)
def _of_plan(given: tuple[str, ...], others: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """Names that an exercise's own cells define, their statements, those of later cells, names."""
    first = statements_of([Cell("code", source) for source in given]).read
    later = statements_of([Cell("code", without_checks(source)) for source in others]).read
    names = frozenset().union(*(s.binds for s in first))
    texts = (frozenset(dumped(s.node) for s in some) - {""} for some in (first, later))
    return names, *texts, frozenset().union(*(s.binds for s in later))


class _Choice:
    """Which statements are run. ``taken``: their numbers; ``unknown``: names that are nowhere."""

    def __init__(self, plan: Plan, statements: Statements) -> None:
        self.plan, self.all = plan, statements.read
        self.handed_in = {probed.handed_in for probed in plan.tasks.values()}
        self.given, same, own, names = _of_plan(tuple(plan.given), tuple(plan.others))
        self.own = self._own_ones(own, names)
        self.defined = {name: s for s in self.all if s.kind == "def" for name in s.binds}
        self.bindings: dict[str, list[int]] = {}
        self.changes: dict[str, list[int]] = {}
        for at, statement in enumerate(self.all):
            if dumped(statement.node) in same or isinstance(statement.node, ast.Delete):
                continue
            for name in statement.binds:
                self.bindings.setdefault(name, []).append(at)
            for name in self._effects(statement) - statement.binds:
                self.changes.setdefault(name, []).append(at)
        self.kinds: dict[str, tuple[list[int], ...]] = {}
        made = (s.binds for s in self.all if s.kind in ("def", "import"))
        self.functions = frozenset().union(*made)
        self.readers: dict[str, list[int]] = {}
        for at, statement in enumerate(self.all):
            for name in statement.reads if statement.kind == "def" else ():
                self.readers.setdefault(name, []).append(at)
        self.stars = [at for at, s in enumerate(self.all) if _is_star(s.node)]
        self.taken: set[int] = set()
        self.meant: dict[int, dict[str, list[int]]] = {}  # statement → name → what it means by it
        self.unknown: dict[str, int | None] = {}
        self.shows = False

    def _own_ones(self, own: frozenset[str], names: frozenset[str]) -> set[int]:
        """Statements of the exercise's later cells, changed copies of such cells included."""
        exact = {at for at, s in enumerate(self.all) if dumped(s.node) in own}
        cells: dict[int, list[int]] = {}
        for at, statement in enumerate(self.all):
            cells.setdefault(statement.cell, []).append(at)
        copies = set(exact)
        for members in cells.values():
            answers = any(self.all[at].binds & self.handed_in for at in members)
            if not answers and len(exact.intersection(members)) >= ALIKE * len(members):
                copies.update(at for at in members if self.all[at].binds <= names)
        return copies

    def _effects(self, statement: Statement) -> frozenset[str]:
        """What running a statement changes; a call such as ``set_up()``, or ``@rule``, included."""
        node = statement.node
        called = [part.func if isinstance(part, ast.Call) else part for part in _decorators(node)]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called.append(node.value.func)
        names = {part.id for part in called if isinstance(part, ast.Name)} - self.handed_in
        own = statement.changes if statement.kind != "def" else frozenset()
        return own.union(*(self.defined[n].changes for n in names if n in self.defined))

    # ---- which binding of a name -------------------------------------------------------------

    def effective(self, name: str, user: int | None) -> list[int]:
        """The statements that make up what ``user`` means by ``name``."""
        mine, functions, imports, constants = self._sorted(name)
        if name in self.handed_in:
            return self._answer(name, mine)
        if functions:
            return self._with_wraps(name, self._version(name, functions, user), mine)
        if imports:
            return [self._version(name, imports, user)]
        if name in self.given or name in BUILTIN:
            return []  # a loop's `sum` does not replace Python's
        if mine and constants == mine and not self.changes.get(name):
            return [self._version(name, constants, user)]
        if mine or self.changes.get(name):
            return self._values(name, mine, user)
        safe = ("def", "import", "constant")
        return [at for at in self.bindings.get(name, []) if self.all[at].kind in safe][-1:]

    def _sorted(self, name: str) -> tuple[list[int], ...]:
        """Statements that bind ``name``: all, written functions, imports, constants."""
        if name not in self.kinds:
            mine = [at for at in self.bindings.get(name, []) if at not in self.own]
            written = [at for at in mine if not is_stub(self.all[at])]
            functions = [at for at in written if self._is_function(name, at)]
            imports, constants = (
                [at for at in mine if self.all[at].kind == kind] for kind in ("import", "constant")
            )
            self.kinds[name] = mine, functions, imports, constants
        return self.kinds[name]

    def _answer(self, name: str, mine: list[int]) -> list[int]:
        """An answer: the last that is written, else the last stub."""
        functions = self._sorted(name)[1]
        if functions:
            return self._with_wraps(name, functions[-1], mine)
        values = [at for at in mine if not self.all[at].calls and not is_stub(self.all[at])]
        return values[-1:] or mine[-1:]

    def _is_function(self, name: str, at: int) -> bool:
        """Whether a statement makes ``name`` a function, by itself or as another name of one."""
        statement = self.all[at]
        value = getattr(statement.node, "value", None)
        if isinstance(statement.node, ast.Assign) and isinstance(value, ast.Name):
            return value.id != name and value.id in self.functions
        return statement.kind == "def"

    def _with_wraps(self, name: str, at: int, mine: list[int]) -> list[int]:
        """A function, with what is set around it: ``f = lru_cache(f)``, ``f.table = {}``."""
        wraps = [
            k
            for k in mine
            if self.all[k].kind == "value"
            and name in self.all[k].reads
            and name not in self.all[k].calls
            and isinstance(self.all[k].node, ast.Assign)
            and _passes(self.all[k].node, name)
        ]
        later = [k for k in wraps if k > at]
        marks = [k for k in self.changes.get(name, []) if isinstance(self.all[k].node, ast.Assign)]
        marks = [k for k in marks if k not in self.own and name in _attributes(self.all[k].node)]
        return [at, *(later or wraps), *marks]

    def _version(self, name: str, versions: list[int], user: int | None) -> int:
        """The one of several that the check below ``user`` saw: the nearest above.

        A function further down that no other function rests on was mended there, and counts.
        """
        if user is None or len(versions) == 1:
            return versions[-1]
        at = bisect.bisect_right(versions, user)
        mended = at - 1
        for later in range(max(at, 1), len(versions)):
            if self.all[versions[later]].kind != "def" or self._rested_on(name, versions, later):
                break
            mended = later
        return versions[max(mended, 0)]

    def _rested_on(self, name: str, versions: list[int], at: int) -> bool:
        """Whether another function, above the next version, looks ``name`` up."""
        readers = self.readers.get(name, [])
        end = versions[at + 1] if at + 1 < len(versions) else len(self.all)
        return bisect.bisect_left(readers, end) > bisect.bisect_right(readers, versions[at])

    def _values(self, name: str, mine: list[int], user: int | None) -> list[int]:
        """All that sets or changes a value up to its user, or anywhere where nothing does."""
        changed = [at for at in self.changes.get(name, []) if at not in self.own]
        stretch = self.all[user].stretch if user is not None else len(self.all)
        above = [at for at in mine if self.all[at].stretch <= stretch]
        if all(name in self.all[at].reads for at in above):  # none stands by itself
            return sorted({*mine, *changed})
        return sorted({*above, *(at for at in changed if self.all[at].stretch <= stretch)})

    # ---- all that is needed ------------------------------------------------------------------

    def take(self, name: str) -> None:
        """Take what ``name`` means, and all that this rests on."""
        waiting = self.effective(name, None) + self.stars + self._settings()
        while waiting:
            at = waiting.pop()
            if at in self.taken:
                continue
            self.taken.add(at)
            meant = self.meant.setdefault(at, {})
            for needed in sorted(self.all[at].reads):
                those = self.effective(needed, at)
                meant[needed] = [k for k in those if k != at]
                waiting += (k for k in meant[needed] if k not in self.taken)
                if not those:
                    self._not_bound(needed, at)

    def _not_bound(self, name: str, at: int) -> None:
        if name == "display":
            self.shows = True
        elif name not in self.given and name not in BUILTIN and not self.stars:
            self.unknown.setdefault(name, at)

    def _settings(self) -> list[int]:
        """Statements such as ``torch.manual_seed(0)``, of a library and plain values."""
        return [
            at
            for at, s in enumerate(self.all)
            if s.kind == "other" and at not in self.own and _is_setting(s.node)
        ]

    def sources(self) -> list[str]:
        """Sources of all that is taken: what defines first, then the rest, each in order."""
        mixed = {
            name
            for at in self.taken
            if self.all[at].kind not in ("def", "import", "constant")
            for name in self.all[at].binds
        }

        def rank(at: int) -> tuple[bool, int]:
            s = self.all[at]
            late = s.kind == "value" or (s.kind == "constant" and bool(s.binds & mixed))
            late = late or (s.kind == "other" and not _is_setting(s.node))
            return late, at

        new = _Renamed(self)
        future = any(getattr(s.node, "module", "") == "__future__" for s in self.all)
        out = [SHOWN] if self.shows else []
        for at in sorted(self.taken, key=rank):
            out.append((FUTURE if future else "") + new.source(at))
        return out


class _Renamed:
    """Two helpers of one name, each with its own answer: all but one get another name."""

    def __init__(self, choice: _Choice) -> None:
        self.choice = choice
        self.names: dict[int, dict[str, str]] = {}
        used: dict[str, set[int]] = {}
        for meant in choice.meant.values():
            for name, those in meant.items():
                if len(those) == 1 and choice.all[those[0]].kind in ("def", "constant"):
                    used.setdefault(name, set()).add(those[0])
        for name, versions in used.items():
            if name not in choice.handed_in and len(versions) > 1:
                for at in sorted(versions)[:-1]:
                    self._rename(name, at)

    def _rename(self, name: str, version: int) -> None:
        new = f"{name}__{version}"
        users = [at for at, meant in self.choice.meant.items() if meant.get(name) == [version]]
        for at in {*users, version}:
            self.names.setdefault(at, {})[name] = new

    def source(self, at: int) -> str:
        """The source of a statement with its new names; as it is where that cannot be done."""
        statement = self.choice.all[at]
        names = self.names.get(at)
        if not names:
            return statement.source
        try:
            tree = ast.parse(statement.source)
            return ast.unparse(_Names(names).visit(tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return statement.source


class _Names(ast.NodeTransformer):
    """Gives global names others; a function's own variables keep theirs."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names, self.depth = names, 0

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> ast.AST:
        outer, depth = self.names, self.depth
        if depth == 0 and not isinstance(node, ast.Lambda):
            node.name = self.names.get(node.name, node.name)
        local = {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
        inside = [n for n in ast.walk(node) if n is not node]
        local |= {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        local |= {n.name for n in inside if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        self.names = {old: new for old, new in outer.items() if old not in local}
        self.depth += 1
        self.generic_visit(node)
        self.names, self.depth = outer, depth
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if self.depth == 0:
            node.name = self.names.get(node.name, node.name)
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1
        return node


# ---- kinds of statements -----------------------------------------------------------------------


def dumped(node: ast.stmt) -> str:
    """A statement without blanks and comments; "" for one too deep to be compared."""
    try:
        return ast.dump(node)
    except (RecursionError, MemoryError):
        return ""


def is_stub(statement: Statement) -> bool:
    """Whether a statement is what a student gets: an empty function, or a name set to nothing."""
    node = statement.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return all(map(_does_nothing, node.body))
    if isinstance(node, ast.Assign | ast.AnnAssign):
        value = node.value
        return isinstance(value, ast.Constant) and value.value in (None, ...)
    return False


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.Return):
        return False
    empty = isinstance(node.value, ast.Constant) and node.value.value in (None, ...)
    return node.value is None or empty


def _decorators(node: ast.stmt) -> list[ast.expr]:
    return list(getattr(node, "decorator_list", []))


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def _passes(node: ast.Assign, name: str) -> bool:
    """Whether the value is a call that is given ``name`` itself, as in ``f = lru_cache(f)``."""
    if not isinstance(node.value, ast.Call):
        return False
    given = [*node.value.args, *(keyword.value for keyword in node.value.keywords)]
    return any(isinstance(arg, ast.Name) and arg.id == name for arg in given)


def _attributes(node: ast.Assign) -> set[str]:
    """Names of which the statement sets an attribute or an entry."""
    parts = (target for target in node.targets if not isinstance(target, ast.Name))
    return {root_of(part) for part in parts if isinstance(part, ast.Attribute | ast.Subscript)}


def _is_setting(node: ast.stmt) -> bool:
    """Whether a statement sets something in a library: a call with plain values, an attribute."""
    if isinstance(node, ast.Assign):
        return bool(_attributes(node) & set(SETTING)) and not _called(node.value)
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    known = root_of(call.func) in SETTING or call.func.attr == "setrecursionlimit"
    return known and not any(map(_called, given))


def _called(node: ast.expr) -> bool:
    """Whether an expression computes something."""
    plain = (ast.Constant, ast.Name, ast.Attribute, ast.expr_context, ast.UnaryOp, ast.unaryop)
    return not all(isinstance(part, plain) for part in ast.walk(node))


# ---- what is missing ---------------------------------------------------------------------------


def _missing(plan: Plan, name: str, statements: Statements, cells: Sequence[Cell]) -> str:
    """What became of an answer that is nowhere, in the words of a kind teacher."""
    wanted = plan.tasks[name].handed_in
    elsewhere = _elsewhere(plan.tasks[name], statements, cells)
    if elsewhere:
        return elsewhere
    near = _nearest(plan, name, statements.read)
    if near:
        return f"there is no {wanted} in the notebook. Is it {near}? Then give it its name back."
    return f"there is no {wanted} in the notebook. Was its cell deleted?"


def _elsewhere(probed: Probed, statements: Statements, cells: Sequence[Cell]) -> str:
    """Where an answer stands that cannot be run, and why; ""."""
    wanted, word = probed.handed_in, re.escape(probed.handed_in)
    start = re.compile(rf"^\s*(?:(?:async\s+)?def\s+{word}\b|{word}\s*=)(?!=)", re.M)
    for piece in statements.unread:
        if start.search(piece.source):
            return f"{wanted} is in cell {piece.cell}, but Python cannot read it: {piece.problem}"
    for at, cell in enumerate(cells):
        if cell.kind != "code" and start.search(cell.source):
            return (
                f"{wanted} stands in cell {at + 1}, which is a {_kind_of(cell)} cell, so it is not "
                "run. Was it turned by accident? Select it, press Esc, then Y."
            )
    read = {name for statement in statements.read for name in statement.binds}
    for at, cell in enumerate(cells) if wanted not in read else ():
        if cell.kind == "code" and start.search(cell.source):
            return (
                f"{wanted} stands in cell {at + 1}, but not as a function of its own: is it "
                "indented below something else, or commented out by a %% line or quotes?"
            )
    return ""


def _kind_of(cell: Cell) -> str:
    return "text" if cell.kind == "markdown" else "raw"


def _nearest(plan: Plan, name: str, statements: Iterable[Statement]) -> str:
    """The name of the student's function that may be the answer; "" when none looks like it."""
    wanted = plan.tasks[name].handed_in
    others = {probed.handed_in for probed in plan.tasks.values()}
    functions = [s.node for s in statements if isinstance(s.node, ast.FunctionDef)]
    functions = [f for f in functions if f.name not in others]
    plain = {f.name.lower().replace("_", ""): f.name for f in functions}
    close = difflib.get_close_matches(wanted.lower().replace("_", ""), plain, 1, 0.75)
    if close:
        return plain[close[0]]
    mine = _parameters(ast.parse(plan.tasks[name].stub), wanted)
    alike = [f.name for f in functions if mine and [a.arg for a in f.args.args] == mine]
    return alike[-1] if alike else ""


def _parameters(tree: ast.Module, name: str) -> list[str]:
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return [arg.arg for arg in functions[0].args.args] if functions else []


def _notes(choice: _Choice, statements: Statements) -> list[str]:
    """What else was noticed, most useful first."""
    notes = [_unread_note(piece) for piece in statements.unread] + statements.notes
    for name, at in choice.unknown.items():
        user = choice.all[at] if at is not None else None
        what = next(iter(sorted(user.binds)), "a statement") if user else "an answer"
        notes.append(f"{what} uses {name}, which the notebook does not define before it.")
    return notes


def _unread_note(piece: Unread) -> str:
    return f"a part of cell {piece.cell} is no Python: {piece.problem}"
