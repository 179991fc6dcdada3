"""The house, measured: floors and arrows, circles, private names, long functions, long lines.

    python benchmarks/structure.py [--json]

Reads the source as text and runs nothing of it. An arrow is an import, deferred ones included. The
test tests/test_structure.py asserts what this prints.
"""

import argparse
import ast
import io
import json
import tokenize
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "course_lib"
# lowest first: a room imports only rooms below it
FLOORS = (
    "base", "estimators", "worlds", "pools", "models", "methods", "assets", "results",
    "experiments", "classroom", "scale", "authoring", "grading", "commands",
)  # fmt: skip
COLUMNS = 100
LINES, PARAMETERS = 60, 8  # of a function
CARRIED = 6  # things beside `prompts` on its way from run to sample
ROUTE = (
    "experiments/run.py:run",
    "experiments/comparison.py:compare",
    "experiments/comparison.py:train_both",
    "methods/rounds.py:rejection_sampling_rounds",
    "methods/rounds.py:sampled",
    "models/sampling.py:sample",
)


@dataclass(frozen=True)
class Module:
    """One file: its dotted name below the package, its text and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The first part of the name; "" for the package's own __init__ and __main__."""
        return self.name.split(".")[0] if self.name not in ("", "__main__") else ""


def modules(root: Path = ROOT) -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        text = path.read_text(encoding="utf-8")
        found[name] = Module(name, path, text, ast.parse(text))
    return found


def imports(module: Module, known: dict[str, Module]) -> list[tuple[str, str]]:
    """(module, name) of every import from the package, deferred ones included."""
    package = module.name.split(".") if module.path.name == "__init__.py" else []
    package = package or module.name.split(".")[:-1]
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found += [(n[len(PACKAGE) + 1 :], "") for n in names if n.startswith(PACKAGE + ".")]
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level == 0:
            if (node.module or "").split(".")[0] != PACKAGE:
                continue
            base = (node.module or "").split(".")[1:]
        else:
            base = package[: len(package) - (node.level - 1)]
            base = base + (node.module.split(".") if node.module else [])
        for alias in node.names:
            inner = ".".join([*base, alias.name])
            if inner in known:
                found.append((inner, ""))
            else:
                found.append((".".join(base), alias.name))
    return found


def upward(known: dict[str, Module]) -> list[str]:
    """Imports of a room that is not below the importing one."""
    lines = []
    for module in known.values():
        for target, _ in imports(module, known):
            there = target.split(".")[0]
            if not module.room or there == module.room:
                continue
            if not there:  # the package itself, above all rooms
                lines.append(f"{module.name} imports from {PACKAGE} itself")
            elif FLOORS.index(there) >= FLOORS.index(module.room):
                lines.append(f"{module.name} imports {target}")
    return sorted(set(lines))


def circles(known: dict[str, Module]) -> list[str]:
    """Groups of modules of one room that import each other in a circle."""
    arrows = {
        name: {t for t, _ in imports(m, known) if t != name and t in known}
        for name, m in known.items()
    }
    found = set()
    for start in known:
        seen, todo = set(), list(arrows[start])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += arrows[at]
        if start in seen:
            group = sorted(n for n in seen if start in _reach(n, arrows))
            found.add(" ↔ ".join(group))
    return sorted(found)


def _reach(start: str, arrows: dict[str, set[str]]) -> set[str]:
    seen, todo = set(), list(arrows[start])
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += arrows[at]
    return seen


def private(known: dict[str, Module]) -> list[str]:
    """Private names that are imported, or reached through an imported module, in another file."""
    lines = []
    for module in known.values():
        aliases = set()
        for target, name in imports(module, known):
            hidden = name.startswith("_") and not name.startswith("__")
            if hidden or any(
                part.startswith("_") for part in target.split(".") if part[:2] != "__"
            ):
                lines.append(f"{module.name} imports {target}.{name}")
            if not name:
                aliases.add(target.split(".")[-1])
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                hidden = node.attr.startswith("_") and not node.attr.startswith("__")
                if hidden and node.value.id in aliases:
                    lines.append(f"{module.name} uses {node.value.id}.{node.attr}")
    return sorted(set(lines))


def functions(known: dict[str, Module]) -> list[tuple[str, int, int, int, int]]:
    """(place, lines, parameters, parameters to annotate, annotated ones) of every function."""
    found = []
    for module in known.values():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            a = node.args
            named = [*a.posonlyargs, *a.args, *a.kwonlyargs]
            stars = [star for star in (a.vararg, a.kwarg) if star]
            count = len(named) + len(stars)
            typed = [arg for arg in named if arg.arg not in ("self", "cls")]
            annotated = sum(arg.annotation is not None for arg in typed)
            lines = node.end_lineno - node.lineno + 1
            place = f"{module.path.relative_to(ROOT / PACKAGE).as_posix()}:{node.name}"
            found.append((place, lines, count, len(typed), annotated))
    return found


def long_lines(root: Path = ROOT) -> list[str]:
    """Lines over the limit outside tables, headings and pictures of the notebooks' text."""
    found = []
    for folder in (PACKAGE, "tests", "benchmarks", "notebooks/src", "exercises"):
        for path in sorted((root / folder).rglob("*.py")):
            for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                prose = folder != PACKAGE and path.parent.name == "src"
                data = prose and line.startswith(
                    ("# |", "# #", "# ![", "# $", "# [", "# <", "#   ")
                )
                if len(line) > COLUMNS and not data:
                    found.append(f"{path.relative_to(root).as_posix()}:{number}")
    return found


def writing(known: dict[str, Module]) -> dict[str, float]:
    """Mean and 95th percentile of a line's length, and the share of lines that are comments."""
    lengths, comments = [], 0
    for module in known.values():
        lines = [line for line in module.text.split("\n") if line.strip()]
        lengths += [len(line) for line in lines]
        tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
        comments += sum(token.type == tokenize.COMMENT for token in tokens)
    lengths.sort()
    return {
        "mean_line": sum(lengths) / len(lengths),
        "p95_line": lengths[int(0.95 * len(lengths))],
        "comments_per_line": comments / len(lengths),
    }


def measure(root: Path = ROOT) -> dict:
    """Everything, as plain data."""
    known = modules(root)
    rooms = sorted({m.room for m in known.values() if m.room})
    every = functions(known)
    parameters = {place: count for place, _, count, _, _ in every}
    asked, given = sum(f[3] for f in every), sum(f[4] for f in every)
    return {
        "rooms": rooms,
        "files": len(known),
        "files_per_room": Counter(m.room for m in known.values() if m.room),
        "unknown_rooms": sorted(set(rooms) - set(FLOORS)),
        "upward": upward(known),
        "circles": circles(known),
        "private": private(known),
        "long_functions": [f"{place} {lines}" for place, lines, *_ in every if lines > LINES],
        "wide_functions": [f"{p} {count}" for p, _, count, *_ in every if count > PARAMETERS],
        "long_lines": long_lines(root),
        # one of a function's parameters is, or holds, the prompts
        "carried": {place: parameters.get(place, 99) - 1 for place in ROUTE},
        "annotated": given / asked,
        **writing(known),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    found = measure()
    if parser.parse_args().json:
        print(json.dumps(found, indent=1))
        return
    print(f"{len(found['rooms'])} rooms, {found['files']} files: {', '.join(found['rooms'])}")
    for name in (
        "upward", "circles", "private", "long_functions", "wide_functions", "long_lines",
    ):  # fmt: skip
        print(f"{name.replace('_', ' ')}: {len(found[name])}")
        for line in found[name][:20]:
            print(f"  {line}")
    carried = ", ".join(f"{place} {count}" for place, count in found["carried"].items())
    print(f"carried beside prompts (at most {CARRIED}): {carried}")
    print(
        f"line length: mean {found['mean_line']:.0f}, p95 {found['p95_line']:.0f}; "
        f"comments {found['comments_per_line']:.1%} of lines; "
        f"annotated parameters {found['annotated']:.0%}"
    )


if __name__ == "__main__":
    main()
