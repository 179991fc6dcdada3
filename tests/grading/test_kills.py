"""kill -9 of the grader at random moments: what is kept is whole, what is left is graded once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import SETUP, TASKS, a_class, notebook

from course_lib.grading import run
from course_lib.grading.box import sandbox_problem
from course_lib.grading.gradebook import Gradebook

pytestmark = pytest.mark.skipif(bool(sandbox_problem()), reason=sandbox_problem())
HERE = Path(__file__).parent
PATIENCE = 600  # seconds for what must happen in the end
# that there is a sandbox is known
GRADER = """
import sys
from batches import SETUP, a_class
from course_lib.grading import run, work
work.sandbox_problem = lambda: ""
run.grade(SETUP, a_class(), sys.argv[1])
"""


def started(path):
    """The grader as a program of its own."""
    paths = [str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", GRADER, str(path)], env=environment)


def ended(others):
    """Wait until none of ``others`` is running any more."""
    until = time.monotonic() + PATIENCE
    while left := alive(others):
        assert time.monotonic() < until, left
        time.sleep(0.05)


def below(process):
    """(process, moment it began) of everything that a process has started."""
    parents, begun = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents.setdefault(int(fields[1]), []).append(int(name))
            begun[int(name)] = fields[19]
    found, todo = set(), [process]
    while todo:
        children = parents.get(todo.pop(), [])
        found |= {(child, begun[child]) for child in children}
        todo += children
    return found


def alive(processes):
    """Those of ``processes`` that are running."""
    left = set()
    for number, begun in processes:
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[19] == begun and fields[0] != "Z":
            left.add((number, begun))
    return left


def gradings(path):
    """(number, when, tasks graded) of every grading that is kept."""
    if not path.exists() or not path.stat().st_size:
        return []
    with Gradebook(path) as book:
        assert book.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return book.connection.execute(
            "SELECT g.id, g.graded, count(r.task) FROM grading AS g "
            "LEFT JOIN result AS r ON r.grading = g.id GROUP BY g.id ORDER BY g.id"
        ).fetchall()


def kept_now(path):
    """How many gradings there are, while somebody may be making the file."""
    try:
        return len(gradings(path))
    except ValueError:
        return 0


def moment_passes(grader, path, rng, seconds):
    """Wait for a random moment: of the whole run, or soon after one more submission is kept."""
    if rng.random() < 0.5:
        time.sleep(rng.uniform(0, 1) * seconds)
        return
    there = kept_now(path)
    while grader.poll() is None and kept_now(path) <= there:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.05) * seconds)


def disturbed(folder, kills, seconds, seed, same):
    """kill -9 ``kills`` times; gives each gradebook that was finished to ``same``."""
    rng = random.Random(seed)
    done = finished = 0
    path = folder / "killed-0.sqlite"
    while done < kills:
        before = gradings(path)
        grader = started(path)
        moment_passes(grader, path, rng, seconds)
        others = below(grader.pid)
        grader.kill()
        if grader.wait() == 0:  # it had ended before
            same(path)
            finished += 1
            path = folder / f"killed-{finished}.sqlite"
            continue
        done += 1
        after = gradings(path)
        assert after[: len(before)] == before  # what was kept is as it was
        assert {tasks for *_, tasks in after} <= {len(TASKS)}
        ended(others)
    assert started(path).wait() == 0
    same(path)
    return finished + 1


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.long)])
def test_killed_again_and_again_the_gradebook_is_that_of_an_undisturbed_run(tmp_path, kills):
    whole = tmp_path / "whole.sqlite"
    begun = time.monotonic()
    assert started(whole).wait() == 0
    seconds = time.monotonic() - begun
    with Gradebook(whole) as book:
        wanted = book.content()
    assert len(wanted["submission"]) == len(a_class())

    def same(path):
        with Gradebook(path) as book:
            assert book.content() == wanted
            # each submission once, whatever came in between
            assert len(gradings(path)) == len(a_class()) and len(book.batches()) == 1

    finished = disturbed(tmp_path, kills, seconds, kills, same)
    assert finished >= 1
    assert run.grade(SETUP, a_class(), whole).graded == 0


def test_control_c_ends_it_cleanly_and_it_goes_on(tmp_path):
    """As a terminal sends it: to the grader and all that it has started."""
    folder, book = tmp_path / "in", tmp_path / "g.sqlite"
    folder.mkdir()
    for submission in a_class():
        if submission.data:
            (folder / f"{submission.student}.ipynb").write_bytes(submission.data)
    # so that the batch is not over before it is interrupted
    sleeps = notebook("import time", "def win_share(a, b=time.sleep(3600)):\n    return 1")
    (folder / "zora.ipynb").write_bytes(sleeps)
    (tmp_path / "seed").write_text(str(SETUP.seed))
    words = ["grade", "ex01", folder, "--gradebook", book, "--seed-file", tmp_path / "seed"]
    words += ["--seconds", "300", "--quiet"]
    command = [sys.executable, "-m", "course_lib", *map(str, words)]
    grader = subprocess.Popen(
        command, cwd=HERE.parents[1], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not kept_now(book):
        assert grader.poll() is None
        time.sleep(0.01)
    others = below(grader.pid)
    os.killpg(grader.pid, signal.SIGINT)
    said = grader.communicate(timeout=PATIENCE)[1]
    assert grader.returncode == 130 and "run the same command again" in said
    assert "Traceback" not in said
    ended(others)
    there = gradings(book)
    (folder / "zora.ipynb").unlink()
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True)
    assert done.returncode == 1 and f"{len(there)} there already" in done.stdout
    assert gradings(book)[: len(there)] == there
    assert not book.with_name(book.name + ".grader").exists()
