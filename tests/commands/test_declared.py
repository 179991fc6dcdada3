"""What the package imports is what pyproject.toml declares.

On Colab the course is installed without its dependencies and compares versions itself, by what is
declared: an import that is missing there is found by nobody before a student does.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"course_lib", "google"}  # the second is there on Colab, and asked for nowhere else
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS = {
    "PIL": "pillow",
    "IPython": "ipython",
    "jupyterlab_server": "jupyterlab",
    "docutils": "sphinx",
}  # where the import has another name


def declared(requirements: list[str]) -> set[str]:
    """Names of distributions, without their bounds."""
    return {re.match(r"[\w.-]+", line)[0].lower() for line in requirements}


CORE = declared(PROJECT["dependencies"])
EXTRAS = {name: declared(lines) for name, lines in PROJECT["optional-dependencies"].items()}
ALL = CORE.union(*EXTRAS.values())
# they import each other by name, and their tests put the folder on the path
BENCHMARKS = {file.stem for file in (ROOT / "benchmarks").glob("*.py")}
HELPERS = {file.stem for place in ("tests", "site/ext") for file in (ROOT / place).rglob("*.py")}


def names_of(node: ast.AST) -> list[str]:
    """Top-level modules that a statement imports; relative imports are our own."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module.split(".")[0]]
    return []


def may_be_missing(node: ast.AST) -> bool:
    """True for a ``try`` that has an answer when an import fails."""
    if not isinstance(node, ast.Try):
        return False
    return any(ast.unparse(handler.type) == "ImportError" for handler in node.handlers)


def imports(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    """(file, distribution, whether the code can do without) of every import of others' packages."""
    for file in sorted(folder.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        guarded = {
            id(inner)
            for node in ast.walk(tree)
            if may_be_missing(node)
            for statement in node.body
            for inner in ast.walk(statement)
        }
        for node in ast.walk(tree):
            for name in names_of(node):
                if name not in OURS | sys.stdlib_module_names:
                    yield file, DISTRIBUTIONS.get(name, name), id(node) in guarded


def undeclared(folder: str, allowed: set[str], guarded_too: set[str] = frozenset()) -> list[str]:
    """Imports under ``folder`` that are not in ``allowed``, nor guarded and in ``guarded_too``."""
    return [
        f"{file.relative_to(ROOT)} imports {name}"
        for file, name, guarded in imports(ROOT / folder)
        if name not in allowed and not (guarded and name in guarded_too)
    ]


def test_what_readers_import_is_a_dependency():
    found = undeclared("course_lib", CORE, guarded_too=ALL)
    own = ("course_lib/authoring/", "course_lib/scale/")  # rooms with extras of their own
    assert [line for line in found if not line.startswith(own)] == []
    for sources in ("notebooks/src", "exercises/src"):
        assert undeclared(sources, CORE) == []


def test_what_authors_import_is_in_the_extras():
    assert undeclared("course_lib/authoring", CORE | EXTRAS["dev"] | EXTRAS["site"]) == []


def test_what_work_past_one_machine_imports_is_in_its_extra():
    assert undeclared("course_lib/scale", CORE | EXTRAS["scale"]) == []


def test_what_tests_import_is_in_the_extras():
    assert undeclared("tests", ALL | BENCHMARKS | HELPERS) == []


def test_what_benchmarks_import_is_in_the_extras():
    assert undeclared("benchmarks", CORE | EXTRAS["peers"] | EXTRAS["dev"] | BENCHMARKS) == []


def test_every_dependency_is_imported():
    read = [*imports(ROOT / "course_lib"), *imports(ROOT / "notebooks/src")]
    assert CORE <= {name for _, name, _ in read}


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_every_dependency_has_a_lower_bound(line):
    assert ">=" in line


def test_a_package_that_nobody_declared_is_found(tmp_path):
    (tmp_path / "a.py").write_text(
        "import json, scipy.stats\n"
        "from PIL import Image\n"
        "from . import b\n"
        "def later():\n"
        "    try:\n"
        "        import nbclient\n"
        "    except ImportError:\n"
        "        import rich\n"
    )
    found = [(name, guarded) for _, name, guarded in imports(tmp_path)]
    assert found == [("scipy", False), ("pillow", False), ("nbclient", True), ("rich", False)]
