"""The house stays as ARCHITECTURE.md says: `python benchmarks/structure.py` prints what is here."""

import ast
import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "structure.py"
SPEC = importlib.util.spec_from_file_location("structure", FILE)
structure = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(structure)


@pytest.fixture(scope="module")
def house():
    return structure.measure()


def test_rooms_have_floors(house):
    assert len(house["rooms"]) <= 16 and house["unknown_rooms"] == []


@pytest.mark.parametrize("fault", ["upward", "circles", "private"])
def test_no_arrow_goes_up_or_round_and_no_private_name_is_borrowed(house, fault):
    assert house[fault] == []


@pytest.mark.parametrize("fault", ["long_functions", "wide_functions"])
def test_functions_can_be_read_in_one_go(house, fault):
    assert house[fault] == []


def test_lines_fit(house):
    assert len(house["long_lines"]) <= 5, house["long_lines"]


def test_prompts_carry_little_from_run_to_sample(house):
    assert max(house["carried"].values()) <= structure.CARRIED, house["carried"]


def test_the_measure_finds_what_it_looks_for(tmp_path, monkeypatch):
    """A small package with one fault of each kind."""
    package = tmp_path / "course_lib"
    files = {
        "base/a.py": "def f():\n    from ..pools.b import g\n    return g\n",
        "pools/b.py": "from .c import _h\n\n\ndef g(" + ", ".join("abcdefghi") + "):\n    _h()\n",
        "pools/c.py": "from . import b\n\n\ndef _h():\n" + "    b.g()\n" * 70,
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    (package / "pools" / "__init__.py").write_text("x = '" + "y" * 120 + "'\n")
    monkeypatch.setattr(structure, "ROOT", tmp_path)
    found = structure.measure(tmp_path)
    assert found["upward"] == ["base.a imports pools.b"]
    assert found["circles"] == ["pools.b ↔ pools.c"]
    assert found["private"] == ["pools.b imports pools.c._h"]
    assert found["long_functions"] == ["pools/c.py:_h 71"]
    assert found["wide_functions"] == ["pools/b.py:g 9"]
    assert found["long_lines"] == ["course_lib/pools/__init__.py:1"]


CLOCK = {"seconds", "elapsed", "milliseconds", "perf_counter", "monotonic"}


def timed(source):
    """Asserts that compare a duration with a number above 0: true on a fast machine only."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Assert):
            continue
        for compare in (n for n in ast.walk(node.test) if isinstance(n, ast.Compare)):
            sides = [compare.left, *compare.comparators]
            inside = [n for side in sides for n in ast.walk(side)]
            names = {
                getattr(n, "attr", getattr(n, "id", getattr(n, "value", None)))
                for n in inside
                if isinstance(n, ast.Attribute | ast.Name | ast.Constant)
            }
            limits = [s.value for s in sides if isinstance(s, ast.Constant)]
            limits = [v for v in limits if isinstance(v, int | float) and v > 0]
            if names & CLOCK and limits:
                lines.append(ast.unparse(node))
    return lines


def test_no_test_asserts_how_long_something_takes():
    files = sorted(Path(__file__).parent.rglob("*.py"))
    assert [line for file in files for line in timed(file.read_text(encoding="utf-8"))] == []


def test_asserts_on_durations_are_found():
    assert timed('assert all(w["seconds"] < 3600 for w in worlds)')
    assert timed("assert perf_counter() - start < 2") and timed("assert 5 > run.seconds")
    assert not timed("assert whole.seconds >= part.seconds > 0") and not timed("assert len(x) < 3")
