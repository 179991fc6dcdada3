"""The progress file is a leaf: saving a point loads nothing heavy."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.base import CourseError
from course_lib.classroom import record

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "numpy", "matplotlib", "transformers", "ipywidgets")


def loaded_by(code, progress):
    """Names of the modules in a fresh process after ``code``."""
    program = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_PROGRESS": str(progress)}
    out = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(out.stdout))


def test_recording_a_point_loads_nothing_heavy(tmp_path):
    progress = tmp_path / "progress.json"
    code = (
        "from course_lib.classroom.record import record_task\nrecord_task('ex01.best_of_n', 2, 3)"
    )
    loaded = loaded_by(code, progress)
    assert json.loads(progress.read_text())["tasks"]["ex01.best_of_n"]["points"] == 2
    assert not loaded & set(HEAVY)
    rooms = {name.split(".")[1] for name in loaded if name.startswith("course_lib.")}
    assert rooms == {"base", "classroom"}
    assert {name for name in loaded if name.startswith("course_lib.classroom.")} == {
        "course_lib.classroom.record"
    }


def test_the_lowest_room_is_light(tmp_path):
    assert not loaded_by("import course_lib.base", tmp_path / "unused") & set(HEAVY)


def test_the_progress_file_imports_nothing_of_the_course_but_base():
    tree = ast.parse(Path(record.__file__).read_text(encoding="utf-8"))
    own = [
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert own == ["base"]


def test_only_more_points_replace_fewer(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    for points, best in ((2, 2), (1, 2), (3, 3)):
        record.record_task("ex01.best_of_n", points, 3)
        assert record.load_tasks()["ex01.best_of_n"]["points"] == best


def test_a_file_of_another_format_is_told(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    path.write_text('{"format": 2, "items": {}, "tasks": {}}')
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    with pytest.raises(CourseError, match="has format 2, this version reads 1"):
        record.load_tasks()


def test_what_others_handed_in_is_not_the_readers_own(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert record.is_own(Path("ex01_best_of_n.ipynb"))
    assert record.is_own(Path("exercises/ex01_best_of_n.ipynb"))
    assert not record.is_own(Path("handed_in/mueller_ex01.ipynb"))
    for folder in ("notebooks", "exercises"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert record.is_own(Path("../exercises/ex01_best_of_n.ipynb"))
