"""``course progress``: the map of ideas in the terminal, without waiting for torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.classroom import quiz, record
from course_lib.commands.help import world_names
from course_lib.worlds import WORLDS

ROOT = Path(__file__).resolve().parents[2]
SLOW = ("torch", "numpy", "matplotlib", "transformers", "IPython", "ipywidgets", "PIL")


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own for every test."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


def test_it_loads_nothing_slow():
    program = (
        "import sys\nfrom course_lib.commands.cli import main\nmain(['progress'])\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "0 of 29 ideas mastered" in done.stdout
    assert not set(done.stderr.split()) & set(SLOW)


def test_it_shows_the_map(course):
    record.record("01-win-rate", "b", 1.0)
    record.record_task("ex01.win_share", 3, 3)
    status, out, err = course("progress")
    assert (status, err) == (0, "")
    assert out.startswith("Nothing is due again today.")
    assert "● mastered   1 of 1      3 of 3    win rate n/(n+1) and ties (also ex01)" in out
    assert "1 of 29 ideas mastered, 28 not yet, 0 begun, 0 due again; 3 of 158 points" in out


def test_as_json_it_is_a_row_for_each_idea(course):
    status, out, _ = course("progress", "--json")
    rows = json.loads(out)
    assert status == 0 and rows == quiz.mastery()
    assert {row["state"] for row in rows} == {"not yet"}


def test_help_names_the_worlds_that_there_are():
    assert world_names() == list(WORLDS)
