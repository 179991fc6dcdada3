"""Submissions of a class that is not there: right, partly right, wrong, broken and empty notebooks.

Mistakes come from the bank of wrong solutions (``exercises/proofs``), other right answers too. Each
notebook is the one that `course release --nbgrader` makes, so that nbgrader can grade it as well.
The same seed makes the same bytes. No two files are alike, since equal ones are graded once.
"""

import ast
import copy
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.authoring.exercises import Exercise, between, exercise_sources
from course_lib.authoring.places import ROOT
from course_lib.authoring.release import release_exercise

SHARES = {"right": 0.45, "partly": 0.28, "wrong": 0.12, "broken": 0.08, "empty": 0.07}
# what nbgrader grades, too: no loops, no crashes, no edits that it cannot read
FOR_NBGRADER = ("right", "partly", "right", "wrong", "right", "empty")


@dataclass
class Answers:
    """Sources of answers to one task.

    Attributes
    ----------
    name : of the object that is handed in.
    stub : the cell as a student gets it.
    right, wrong : whole cells.
    """

    name: str
    stub: str
    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Made:
    """One submission: of what ``kind``, what is broken, whether nbgrader gets it, and its bytes."""

    student: str
    kind: str
    data: bytes
    fault: str = ""
    peer: bool = False


# ---- answers -----------------------------------------------------------------------------------


def answers_of(exercise: str) -> dict[str, Answers]:
    """task → :class:`Answers`, from the exercise's source and its proofs."""
    source = Exercise(exercise_sources([exercise])[0])
    found = {}
    for at, cell in enumerate(source.cells):
        if cell.metadata.get("role") != "task":
            continue
        task, where = cell.metadata["task"], f"{exercise}, cell {at}"
        name = cell.metadata.get("object", task)
        mine = Answers(name, between(cell.source, False, where))
        mine.right.append(between(cell.source, True, where))
        proof = ROOT / "exercises" / "proofs" / exercise / f"{task}.py"
        for kind, text in cells_of_proof(proof.read_text(encoding="utf-8"), name):
            getattr(mine, kind).append(text)
        found[task] = mine
    return found


def cells_of_proof(source: str, name: str) -> Iterator[tuple[str, str]]:
    """("right" or "wrong", cell) of the solutions in a proof that stand without the solution."""
    tree = ast.parse(source)
    imports = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and not (getattr(node, "module", None) or "").startswith("course_lib")
    ]
    helpers = {name: node for node in tree.body for name in bound(node)}
    for node in tree.body:
        kind = kind_of(node)
        if not kind:
            continue
        needed = closure(node, helpers)
        if needed is None or name in needed:
            continue
        answer = copy.deepcopy(node)
        answer.name, answer.decorator_list = name, []
        before = [helper for helper in tree.body if bound(helper) & needed]
        yield kind, "\n\n".join(ast.unparse(part) for part in [*imports, *before, answer])


def bound(node: ast.stmt) -> set[str]:
    """The names that a helper of a proof makes."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()


def kind_of(node: ast.stmt) -> str:
    """ "right" or "wrong" of a function that the proof registers so, else ""."""
    for decorator in getattr(node, "decorator_list", []):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Attribute) and called.attr in ("right", "wrong"):
            return called.attr
    return ""


def closure(node: ast.FunctionDef, helpers: dict[str, ast.stmt]) -> set[str] | None:
    """The helpers that a function rests on; None where it rests on the proof or the solution."""
    needed: set[str] = set()
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        for part in ast.walk(waiting.pop()):
            if not isinstance(part, ast.Name) or part.id in needed:
                continue
            if part.id == "proof":
                return None
            if part.id in helpers:
                needed.add(part.id)
                waiting.append(helpers[part.id])
    return needed


# ---- what is broken ----------------------------------------------------------------------------


def cut_line(answer: str) -> str:
    head = answer.index(":\n", answer.index("def "))
    return answer[: head - 1] + answer[head:]


def with_first_line(answer: str, line: str) -> str:
    """The last function of a cell with another first line in its body."""
    tree = ast.parse(answer)
    function = [node for node in tree.body if isinstance(node, ast.FunctionDef)][-1]
    function.body = ast.parse(line).body + function.body
    return ast.unparse(tree)


FAULTS: dict[str, Callable[[str], str]] = {
    "syntax error": cut_line,
    "unknown name": lambda answer: with_first_line(answer, "rewards = no_such_thing(3)"),
    "endless loop": lambda answer: with_first_line(answer, "while True: pass"),
    "memory": lambda answer: with_first_line(answer, "hoard = [b'x' * 10**8 for _ in range(500)]"),
    "exit": lambda answer: with_first_line(answer, "import os; os._exit(0)"),
    "file cut short": lambda answer: answer,
}


# ---- notebooks ---------------------------------------------------------------------------------


class Classroom:
    """Makes submissions of ``exercise`` from one handed-out notebook."""

    def __init__(self, exercise: str, seed: int) -> None:
        self.answers = answers_of(exercise)
        self.rng = random.Random(f"{exercise} {seed}")
        source = exercise_sources([exercise])[0]
        self.file = f"{source.stem}.ipynb"
        with tempfile.TemporaryDirectory() as folder:
            bundle = release_exercise(source, folder, nbgrader=True)
            self.handed_out = (bundle / self.file).read_text(encoding="utf-8")
        self.exercise = exercise

    def submissions(self, count: int, peers: int = 0) -> list[Made]:
        """``count`` submissions in the shares of SHARES, ``peers`` of them for nbgrader, too."""
        kinds = kinds_of(count)
        wanted = [FOR_NBGRADER[at % len(FOR_NBGRADER)] for at in range(peers)]
        for kind in wanted:
            kinds.remove(kind)
        self.rng.shuffle(kinds)
        faults = iter([list(FAULTS)[at % len(FAULTS)] for at in range(count)])
        made = []
        for number, kind in enumerate([*wanted, *kinds]):
            student, peer = f"student-{number:03}", number < peers
            fault = next(faults) if kind == "broken" else ""
            data = self.notebook(student, kind, fault, peer)
            made.append(Made(student, kind, data, fault, peer))
        return made

    def notebook(self, student: str, kind: str, fault: str, peer: bool) -> bytes:
        """The bytes of one submission."""
        document = json.loads(self.handed_out)
        chosen = self.chosen(kind, peer)
        if fault:
            task = self.rng.choice(list(chosen))
            chosen[task] = FAULTS[fault](chosen[task])
        for cell in document["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            task = grade_id.removeprefix(f"{self.exercise}-")
            if task in chosen:
                cell["source"] = chosen[task]
        note = {"cell_type": "markdown", "metadata": {}, "source": f"Handed in by {student}."}
        document["cells"].append(note)
        if not peer:
            self.edit(document["cells"])
        for number, cell in enumerate(document["cells"]):
            cell["id"] = f"{number:08x}"
        data = json.dumps(document, indent=1).encode()
        return data[: len(data) * 2 // 3] if fault == "file cut short" else data

    def chosen(self, kind: str, peer: bool = False) -> dict[str, str]:
        """task → the answer that a submission of ``kind`` gives.

        ``peer``: right answers are the course's own. Some others take minutes in cells that only
        measure, which nbgrader runs and `course grade` does not.
        """
        if kind == "empty":
            return {task: mine.stub for task, mine in self.answers.items()}
        tasks = list(self.answers)
        self.rng.shuffle(tasks)
        most = len(tasks)
        failed = {"partly": self.rng.randint(1, most - 1), "wrong": most}.get(kind, 0)
        given = {}
        for at, task in enumerate(tasks):
            mine = self.answers[task]
            if at >= failed:
                given[task] = mine.right[0] if peer else self.rng.choice(mine.right)
            elif kind == "partly" and self.rng.random() < 0.4:
                given[task] = mine.stub
            else:
                given[task] = self.rng.choice(mine.wrong)
        return given

    def edit(self, cells: list[dict]) -> None:
        """What students do to a notebook beside answering: up to three ordinary edits."""
        for edit in self.rng.sample(EDITS, self.rng.randint(0, 3)):
            edit(cells, self.rng)


def kinds_of(count: int) -> list[str]:
    """The kinds of ``count`` submissions, in the shares of SHARES."""
    exact = {kind: share * count for kind, share in SHARES.items()}
    whole = {kind: int(number) for kind, number in exact.items()}
    rest = sorted(exact, key=lambda kind: whole[kind] - exact[kind])
    for kind in rest[: count - sum(whole.values())]:
        whole[kind] += 1
    return [kind for kind, number in whole.items() for _ in range(number)]


def lose_metadata(cells: list[dict], rng: random.Random) -> None:
    for cell in cells:
        cell["metadata"] = {}


def scratch(cells: list[dict], rng: random.Random) -> None:
    text = rng.choice(["print(torch.arange(4))", "1 / 0", "import math as m\nm.pi", "help(len)"])
    cells.insert(rng.randrange(2, len(cells)), code(text))


def old_try(cells: list[dict], rng: random.Random) -> None:
    """An answer cell copied, with a first try in the copy above it."""
    answers = [cell for cell in cells if cell["source"].lstrip().startswith("def ")]
    if answers:
        cell = rng.choice(answers)
        head = cell["source"].split("\n")[0]
        cells.insert(cells.index(cell), code(f"{head}\n    return None  # ???"))


def outputs(cells: list[dict], rng: random.Random) -> None:
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            text = {"output_type": "stream", "name": "stdout", "text": "3 of 3 points\n" * 5}
            cell |= {"outputs": [text], "execution_count": number}


def code(source: str) -> dict:
    """A code cell."""
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


EDITS: list[Callable[[list[dict], random.Random], None]] = [
    lose_metadata,
    scratch,
    old_try,
    outputs,
]


def written(made: list[Made], file: str, folder: Path) -> Path:
    """Write submissions as a folder for each student; returns ``folder``."""
    for one in made:
        place = folder / one.student
        place.mkdir(parents=True)
        (place / file).write_bytes(one.data)
    return folder
