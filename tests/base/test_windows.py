"""What is Unix's own: modules, attributes, an encoding taken for granted.

Nothing here runs on Windows. It runs where Unix's modules and attributes are taken away, and reads
the source for what would only fail there.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GONE = {
    "resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "spwd", "crypt", "nis",
    "readline", "posix", "curses",
}  # fmt: skip
OF_OS = (
    "fork", "forkpty", "getuid", "geteuid", "getgid", "uname", "sched_getaffinity", "getloadavg",
    "killpg", "wait4", "mkfifo", "chown", "nice", "getpgid", "setsid", "sysconf", "mknod",
)  # fmt: skip
OF_SIGNAL = ("SIGKILL", "SIGALRM", "SIGPIPE", "SIGHUP", "setitimer", "ITIMER_REAL", "alarm")

# other people's packages are loaded first: they know their system, and this one is not Windows
WITHOUT_UNIX = f"""
import errno, importlib, importlib.abc, os, pkgutil, signal, sys
import numpy, torch, matplotlib.pyplot, ipywidgets, tqdm
from transformers import AttentionInterface, AutoModelForCausalLM, AutoTokenizer
from transformers import AutoModelForSequenceClassification
import transformers.models.llama.modeling_llama

class Gone(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {GONE!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Gone())
for name in {GONE!r}:
    sys.modules.pop(name, None)
for name in {OF_OS!r}:
    os.__dict__.pop(name, None)
for name in {OF_SIGNAL!r}:
    signal.__dict__.pop(name, None)
errno.__dict__.pop("EDQUOT", None)
"""
IMPORT_ALL = """
import course_lib
names = [m.name for m in pkgutil.walk_packages(course_lib.__path__, "course_lib.")]
names = [name for name in names if not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names), "modules")
from course_lib.commands.cli import main
"""
COMMANDS = """
print("status", main(["doctor", "--quiet"]))
sizes = ["--prompts", "6", "-n", "2", "--quiet"]
print("status", main(["sample", *sizes, "--out", "p.npz"]))
print("status", main(["score", "p.npz", "--reward", "gold"]))
print("status", main(["report", "p.npz"]))
print("status", main(["select", "p.npz", "--out", "s.jsonl"]))
"""


def without_unix(code: str, folder: Path) -> str:
    """What a Python without Unix's modules prints."""
    command = [sys.executable, "-c", WITHOUT_UNIX + code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_every_module_is_imported_and_commands_run_without_unix(tmp_path):
    said = without_unix(IMPORT_ALL + COMMANDS, tmp_path)
    assert int(said.split(" modules")[0]) > 150
    assert said.count("status 0") == 5 and "status 1" not in said


@pytest.mark.slow
def test_doctor_is_not_ready_where_the_course_cannot_be_imported(tmp_path):
    broken = """
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "course_lib.methods.ppo":
            raise ImportError("no such thing on this system")

sys.meta_path.insert(0, Broken())
from course_lib.commands.cli import main
print("status", main(["doctor"]))
"""
    said = without_unix(broken, tmp_path)
    assert "status 1" in said and "not ready" in said
    assert "course_lib.methods" in said and "no such thing on this system" in said


# ---- read from the source ----------------------------------------------------------------------


def files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def guarded(tree: ast.AST) -> set[int]:
    """Statements inside a ``try`` that has an answer to an ImportError."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(
            "ImportError" in ast.unparse(handler.type or ast.Constant(""))
            for handler in node.handlers
        ):
            found |= {id(inner) for body in node.body for inner in ast.walk(body)}
    return found


def unix_imports(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    safe = guarded(tree)
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        if id(node) not in safe and GONE & {name.split(".")[0] for name in names}:
            yield f"{path.name}:{node.lineno}"


@pytest.mark.slow
def test_unix_modules_are_imported_only_where_they_may_be_missing():
    found = [line for path in files("course_lib", "benchmarks") for line in unix_imports(path)]
    assert found == []


def opens_text(node: ast.Call) -> bool:
    """Whether a call reads or writes text in the system's own encoding."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = {keyword.arg for keyword in node.keywords}
    if "encoding" in given or name not in ("open", "read_text", "write_text", "run", "Popen"):
        return False
    if name in ("run", "Popen"):
        return "text" in given
    if len(node.args) > {"read_text": 0, "write_text": 1}.get(name, 9):
        return False  # the encoding by its place
    if isinstance(node.func, ast.Attribute) and name == "open":
        return isinstance(node.func.value, ast.Name) and node.func.value.id in ("path", "file")
    strings = [a.value for a in node.args if isinstance(a, ast.Constant)]
    strings += [k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)]
    return not any(isinstance(s, str) and "b" in s and len(s) <= 3 for s in strings)


def test_text_files_are_opened_with_an_encoding():
    """Windows' own is cp1252: what was written elsewhere would be read wrongly, or not at all."""
    found = []
    for path in files("course_lib", "benchmarks"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and opens_text(node):
                found.append(f"{path.name}:{node.lineno} {ast.unparse(node)[:70]}")
    assert found == []


@pytest.mark.parametrize(
    "code, bad",
    [
        ("open(p)", True),
        ("open(p, 'rb')", False),
        ("open(p, encoding='utf-8')", False),
        ("file.read_text()", True),
        ("file.read_text('utf-8')", False),
        ("file.write_text(t, 'utf-8')", False),
        ("file.write_text(t)", True),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c)", False),
    ],
)
def test_the_search_finds_what_it_looks_for(code, bad):
    assert opens_text(ast.parse(code).body[0].value) == bad


def test_no_date_format_that_windows_lacks():
    """``%-d`` and ``%e`` are glibc's."""
    texts = {path: path.read_text(encoding="utf-8") for path in files("course_lib", "benchmarks")}
    assert [path.name for path, text in texts.items() if "strftime" in text and "%-" in text] == []
