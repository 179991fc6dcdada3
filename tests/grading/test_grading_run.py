"""A batch: what is graded, copied, kept and graded again, and what workers' deaths leave behind."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from batches import SETUP, TASKS, WITHOUT, a_class, graded_by_length, handed_in, notebook

from course_lib.base import CourseError
from course_lib.commands import cli
from course_lib.grading import engines, run, work
from course_lib.grading.box import STOPPED, Sandbox, sandbox_problem
from course_lib.grading.engines import Job, processes
from course_lib.grading.finals import finals
from course_lib.grading.gradebook import Gradebook
from course_lib.grading.judge import lacking
from course_lib.grading.wire import Closed
from course_lib.grading.work import DIED, Worker, exercise_version, seed_fingerprint

ROOT = Path(__file__).resolve().parents[2]
needs_sandbox = pytest.mark.skipif(bool(sandbox_problem()), reason=sandbox_problem())


@pytest.fixture
def asked(monkeypatch):
    """The files that an engine without boxes was asked to grade; ``stop`` ends it after so many."""

    class Asked(list):
        stop = None

    jobs = Asked()

    def engine(setup, given, workers):
        for job in given:
            if jobs.stop is not None and len(jobs) == jobs.stop:
                raise KeyboardInterrupt
            jobs.append(job.data)
            yield job.number, graded_by_length(job)

    monkeypatch.setitem(engines.ENGINES, "processes", engine)
    return jobs


@pytest.fixture
def path(tmp_path):
    return tmp_path / "grades.sqlite"


def points(path):
    with Gradebook(path) as book:
        return {final.student: final.points for final in finals(book, "ex01")}


def content(path):
    with Gradebook(path) as book:
        return book.content()


def files(*names):
    """A submission for each name, each with bytes of its own."""
    return [handed_in(name, notebook(f"# {name}" + "!" * at)) for at, name in enumerate(names)]


# ---- the work list -----------------------------------------------------------------------------


def test_everything_is_graded_and_the_same_bytes_once(path, asked):
    submissions = a_class()
    done = run.grade(WITHOUT, submissions, path)
    assert (done.graded, done.copied, done.kept) == (8, 1, 0)
    assert len(asked) == len({s.data for s in submissions}) == 8
    assert set(points(path)) == {s.student for s in submissions}
    with Gradebook(path) as book:
        entries = {entry.student: entry for entry in book.entries("ex01")}
        assert entries["clara"].copied_from == "anna" and entries["frida"].sha256 == ""
        assert entries["clara"].name == "Clara" and len(entries["ida"].sha256) == 64
        clara, anna = (book.results(entries[name].id) for name in ("clara", "anna"))
        assert [r.message for r in clara] == [r.message for r in anna]
        assert book.answers(entries["clara"].id) == {"question": len(submissions[0].data)}
        (batch,) = book.batches()
        assert batch.ended and batch.unsafe and batch.sandbox.startswith("NONE")
    assert done.problems == [("frida", "ex01.ipynb", "there is no notebook in this folder.")]


def test_those_without_a_file_are_not_the_same_file(path, asked):
    run.grade(WITHOUT, [handed_in("a", None), handed_in("b", None)], path)
    with Gradebook(path) as book:
        assert [entry.copied_from for entry in book.entries("ex01")] == ["", ""]


def test_the_same_bytes_under_another_ending_are_another_file(path, asked):
    first, second = handed_in("a", b"x = 1"), handed_in("b", b"x = 1")
    second.name = "ex01.py"
    assert run.grade(WITHOUT, [first, second], path).graded == 2
    third = handed_in("c", b"x = 1")
    third.name = "mine.PY"
    assert run.grade(WITHOUT, [first, second, third], path).copied == 1
    with Gradebook(path) as book:
        assert book.entries("ex01", "c")[0].copied_from == "b"


def test_what_is_there_is_kept_and_what_is_new_is_graded(path, asked):
    first = files("anna", "berta")
    run.grade(WITHOUT, first, path)
    before = content(path)
    done = run.grade(WITHOUT, first, path)
    assert (done.graded, done.kept, len(asked)) == (0, 2, 2)
    assert content(path) == before  # not even a batch
    late = handed_in("clara", first[0].data)
    done = run.grade(WITHOUT, [*first, late, *files("dora")], path)
    assert (done.graded, done.copied, done.kept) == (1, 1, 2)
    with Gradebook(path) as book:
        assert book.entries("ex01", "clara")[0].copied_from == "anna"


def test_a_new_file_of_the_same_student_counts(path, asked):
    run.grade(WITHOUT, files("anna"), path)
    before = points(path)["anna"]
    run.grade(WITHOUT, [handed_in("anna", notebook("# another one"))], path)
    assert points(path)["anna"] != before
    with Gradebook(path) as book:
        assert len(book.entries("ex01", "anna", every=True)) == 2


def test_interrupted_it_goes_on_where_it_was(path, asked, tmp_path):
    submissions = a_class()
    for stop in (0, 2, 5):
        asked.stop = stop
        with pytest.raises(KeyboardInterrupt):
            run.grade(WITHOUT, submissions, path)
        with Gradebook(path) as book:
            assert book.batches()[0].ended is None
    asked.stop = None
    done = run.grade(WITHOUT, submissions, path)
    assert done.resumed and len(asked) == 8  # none was graded twice
    run.grade(WITHOUT, submissions, tmp_path / "whole.sqlite")
    assert content(path) == content(tmp_path / "whole.sqlite")


def test_a_batch_of_which_only_the_end_is_missing_is_ended(path, asked):
    run.grade(WITHOUT, files("anna"), path)
    with Gradebook(path) as book:
        book.connection.execute("UPDATE batch SET ended = NULL")
    done = run.grade(WITHOUT, files("anna"), path)
    assert done.resumed and done.graded == 0
    with Gradebook(path) as book:
        assert len(book.batches()) == 1 and book.batches()[0].ended


def test_regrade_what_changed_or_all(path, asked, monkeypatch):
    submissions = files("anna", "berta")
    run.grade(WITHOUT, submissions[:1], path)
    monkeypatch.setattr(run, "exercise_version", lambda exercise: "another")
    done = run.grade(WITHOUT, submissions, path)
    assert (done.graded, done.kept, done.older) == (1, 1, 1)
    done = run.grade(WITHOUT, submissions, path, regrade="changed")
    assert (done.graded, done.kept, done.older) == (1, 1, 0)
    done = run.grade(WITHOUT, submissions, path, regrade="changed")
    assert (done.graded, done.kept) == (0, 2)
    done = run.grade(WITHOUT, submissions, path, regrade="all")
    assert (done.graded, done.kept) == (2, 0)
    with Gradebook(path) as book:
        kept = book.connection.execute("SELECT count(*) FROM grading").fetchone()
        assert kept == (5,) and [b.regrade for b in book.batches()] == ["", "", "changed", "all"]


def test_regrading_all_goes_on_where_it_was_cut_off(path, asked):
    submissions = files("anna", "berta", "clara")
    run.grade(WITHOUT, submissions, path)
    asked.stop = 5
    with pytest.raises(KeyboardInterrupt):
        run.grade(WITHOUT, submissions, path, regrade="all")
    asked.stop = None
    done = run.grade(WITHOUT, submissions, path, regrade="all")
    assert (done.graded, done.kept) == (1, 2) and len(asked) == 6


@pytest.mark.parametrize(
    "change", [{"seed": 7}, {"limits": replace(SETUP.limits, memory_mb=64)}, {"unsafe": False}]
)
def test_bytes_graded_under_other_conditions_are_no_copy(path, asked, change, monkeypatch):
    monkeypatch.setattr(run, "checked_setup", lambda setup: setup)
    first = files("anna")
    run.grade(WITHOUT, first, path)
    done = run.grade(replace(WITHOUT, **change), [handed_in("berta", first[0].data)], path)
    assert (done.graded, done.copied) == (1, 0)
    done = run.grade(replace(WITHOUT, **change), first, path, regrade="changed")
    assert (done.graded, done.copied) == (0, 1)  # now berta's was under the same


def test_overrides_stay_when_a_file_is_graded_again(path, asked):
    run.grade(WITHOUT, files("anna"), path)
    with Gradebook(path) as book:
        book.override(book.entries("ex01")[0].id, TASKS[0], 2.5, "why", "me")
        before = finals(book, "ex01")[0].points
    run.grade(WITHOUT, files("anna"), path, regrade="all")
    assert points(path)["anna"] == before


def test_what_cannot_be_is_said_and_nothing_written(path, asked, tmp_path):
    for more, said in (
        ({"engine": "steam"}, "processes or ray"),
        ({"workers": 0}, "at least 1"),
        ({"regrade": "some"}, "'changed' or 'all'"),
    ):
        with pytest.raises(CourseError, match=said):
            run.grade(WITHOUT, files("anna"), path, **more)
    with pytest.raises(CourseError, match="nothing to grade"):
        run.grade(WITHOUT, [], path)
    with pytest.raises(CourseError, match="no folder"):
        run.grade(WITHOUT, files("anna"), tmp_path / "nowhere" / "g.sqlite")
    assert list(tmp_path.iterdir()) == []


HOLDER = """
import sys, time
from pathlib import Path
from course_lib.grading.run import only_grader
with only_grader(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_grader_at_a_time_and_a_killed_one_holds_nothing(path, asked):
    command = [sys.executable, "-c", HOLDER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    holder = subprocess.Popen(command, cwd=ROOT, **pipes)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(CourseError, match="another `course grade` is writing"):
        run.grade(WITHOUT, files("anna"), path)
    assert not path.exists()
    holder.kill()
    holder.communicate()
    assert run.grade(WITHOUT, files("anna"), path).graded == 1
    assert not path.with_name(path.name + ".grader").exists()


# ---- fingerprints ------------------------------------------------------------------------------


def test_the_seed_is_nowhere_in_the_gradebook(path, asked):
    run.grade(WITHOUT, files("anna"), path)
    for file in path.parent.iterdir():
        assert str(WITHOUT.seed).encode() not in file.read_bytes()
    assert str(WITHOUT.seed) not in repr(WITHOUT)
    assert seed_fingerprint(1) != seed_fingerprint(2) and len(seed_fingerprint(1)) == 16


def test_the_version_is_that_of_the_exercise_its_check_and_the_grader(tmp_path, monkeypatch):
    before = {name: exercise_version(name) for name in ("ex01", "ex02")}
    assert len(set(before.values())) == 2
    assert exercise_version("ex01") == before["ex01"]
    package, root = tmp_path / "course_lib", tmp_path
    for name in (
        "exercises/src/ex01_a.py",
        "exercises/proofs/ex01/best.py",
        "course_lib/classroom/checks/ex01.py",
        "course_lib/classroom/checks/ex02.py",
        "course_lib/classroom/checks/trial.py",
        "course_lib/grading/judge.py",
        "course_lib/grading/report.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.setattr(work, "ROOT", root)
    monkeypatch.setattr(work, "PACKAGE", package)
    seen = [exercise_version("ex01")]
    for file in sorted(root.rglob("*.py")):
        file.write_text("changed")
        seen.append(exercise_version("ex01"))
    changed = [one != other for one, other in zip(seen, seen[1:], strict=False)]
    names = [str(file.relative_to(root)) for file in sorted(root.rglob("*.py"))]
    unchanged = {name for name, differs in zip(names, changed, strict=True) if not differs}
    assert unchanged == {"course_lib/classroom/checks/ex02.py", "course_lib/grading/report.py"}


# ---- in the sandbox ----------------------------------------------------------------------------


@needs_sandbox
def test_a_class_is_graded_by_two_workers(path):
    done = run.grade(SETUP, a_class(), path)
    assert (done.graded, done.copied) == (8, 1)
    assert [student for student, _, _ in done.problems] == ["emil", "frida", "ida"]
    found = points(path)
    assert found["anna"] == found["clara"] == 13
    assert 0 < found["berta"] == found["hanna"] < 13
    assert found["dora"] == found["emil"] == found["frida"] == found["ida"] == 0
    assert found["gert"] == 10
    with Gradebook(path) as book:
        (batch,) = book.batches()
        assert batch.sandbox.startswith("bubblewrap") and not batch.unsafe
        anna = book.results(book.entries("ex01", "anna")[0].id)
        assert [r.task for r in anna] == list(TASKS)
        assert all(r.seconds > 0 and r.peak_mb > 0 and r.hidden > 0 for r in anna)
    assert content_of_one_worker(path) == content(path)


def content_of_one_worker(path):
    other = path.with_name("one.sqlite")
    run.grade(SETUP, a_class(), other, workers=1)
    return content(other)


@needs_sandbox
def test_a_sandbox_that_dies_is_started_again_and_the_submission_tried_once_more():
    right = a_class()[0].data
    with Worker(SETUP) as worker:
        first = worker.sandbox
        first.process.kill()
        found = worker.graded(right)
        assert sum(r.points for r in found.results) == 13 and worker.sandbox is not first
        first = worker.sandbox
        threading.Timer(0.3, first.process.kill).start()  # while it answers, or soon after
        endless = notebook("import time\ntime.sleep(2)", *["x = 1"])
        assert [r.outcome for r in worker.graded(endless).results] == ["missing"] * 4


@needs_sandbox
def test_a_submission_that_ends_the_sandbox_twice_counts_as_stopped(monkeypatch):
    calls = []

    def dies(plan, sandbox, cells, limits):
        calls.append(1)
        sandbox.process.kill()
        raise Closed("the message ended early")

    with Worker(SETUP) as worker:
        monkeypatch.setattr(work, "graded", dies)
        found = worker.graded(a_class()[0].data)
        assert len(calls) == 2 and found.problem == DIED
        assert {(r.outcome, r.points) for r in found.results} == {("stopped", 0.0)}
        monkeypatch.undo()
        assert sum(r.points for r in worker.graded(a_class()[0].data).results) == 13


@needs_sandbox
def test_a_box_that_could_not_be_heard_is_tried_once_more(monkeypatch):
    """As when the machine has no room for a process at that moment."""
    calls, real = [], work.graded

    def deaf(plan, sandbox, cells, limits):
        calls.append(sandbox)
        if len(calls) > 1:
            return real(plan, sandbox, cells, limits)
        return [lacking(probed, "stopped", STOPPED["garbled"]) for probed in plan.tasks.values()]

    monkeypatch.setattr(work, "graded", deaf)
    with Worker(SETUP) as worker:
        assert sum(r.points for r in worker.graded(a_class()[0].data).results) == 13
    assert len(calls) == 2 and calls[0] is not calls[1]


@needs_sandbox
def test_a_sandbox_that_cannot_be_started_is_no_fault_of_a_file(path, monkeypatch):
    monkeypatch.setattr(work, "Sandbox", lambda: Sandbox(["false"]))
    with pytest.raises(CourseError, match="sandbox cannot be started"):
        run.grade(SETUP, files("anna"), path)
    with Gradebook(path) as book:
        assert book.results(book.entries("ex01")[0].id) == []
    monkeypatch.undo()
    assert run.grade(SETUP, files("anna"), path).graded == 1


class Stumbling(Worker):
    """Ends its process on a file that says so."""

    def _start(self):
        pass

    def graded(self, data, problem="", name=""):
        if data and data.startswith(b"die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if data and data.startswith(b"once"):
            name = data.decode().split()[1]
            if not os.path.exists(name):
                open(name, "w").close()
                os._exit(1)
        return super().graded(None, problem or "fine")


def test_a_worker_that_dies_is_replaced_and_its_file_tried_once_more(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "Worker", Stumbling)
    once = f"once {tmp_path / 'been'}".encode()
    given = [b"die", b"a", once, b"b", b"die too", b"c"]
    jobs = [Job(number, data) for number, data in enumerate(given)]
    found = dict(processes(WITHOUT, jobs, 2))
    said = [found[number].problem for number in range(len(given))]
    assert said == [DIED, "fine", "fine", "fine", DIED, "fine"]
    assert found[0].results[0].outcome == "stopped"


def test_a_worker_that_hangs_is_killed(monkeypatch):
    class Hanging(Stumbling):
        def graded(self, data, problem="", name=""):
            if data == b"hang":
                time.sleep(3600)
            return super().graded(data, problem)

    monkeypatch.setattr(engines, "Worker", Hanging)
    monkeypatch.setattr(engines, "SLACK", 10)
    setup = replace(WITHOUT, limits=replace(WITHOUT.limits, seconds=0.0))
    found = dict(processes(setup, [Job(0, b"hang"), Job(1, b"a")], 2))
    assert (found[0].problem, found[1].problem) == (DIED, "fine")


def test_workers_that_never_start_end_the_batch(monkeypatch):
    class Dying(Stumbling):
        def _start(self):
            os._exit(3)

    monkeypatch.setattr(engines, "Worker", Dying)
    with pytest.raises(CourseError, match="die at once"):
        list(processes(WITHOUT, [Job(0, b"a")], 2))


def test_nothing_is_left_running_when_a_batch_ends_early(monkeypatch):
    monkeypatch.setattr(engines, "Worker", Stumbling)
    results = processes(WITHOUT, [Job(number, b"a") for number in range(20)], 2)
    next(results)
    results.close()
    import multiprocessing

    assert multiprocessing.active_children() == []


# ---- Ray ---------------------------------------------------------------------------------------

RAY = importlib.util.find_spec("ray") is not None


def test_without_ray_its_engine_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # an import of it fails
    with pytest.raises(CourseError, match="pip install 'ray"):
        run.grade(WITHOUT, files("anna"), path, engine="ray")


@needs_sandbox
@pytest.mark.skipif(not RAY, reason="Ray is not installed: pip install -e '.[scale]'")
@pytest.mark.slow
def test_ray_gives_the_same_gradebook(path, tmp_path):
    run.grade(SETUP, a_class(), path, engine="ray")
    run.grade(SETUP, a_class(), tmp_path / "here.sqlite")
    assert content(path) == content(tmp_path / "here.sqlite")


# ---- the command -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A class in folders of the students' names, and a secret."""
    for submission in a_class():
        place = tmp_path / "handed-in" / submission.student
        place.mkdir(parents=True)
        if submission.data is not None:
            (place / "ex01_best_of_n.ipynb").write_bytes(submission.data)
        else:
            (place / "answer.docx").write_bytes(b"PK")
    (tmp_path / "seed").write_text("8675309\n")
    return tmp_path


def course(capsys, *words):
    """(exit status, standard output, standard error)."""
    status = cli.main([str(word) for word in words])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def line(folder):
    book = folder / "grades.sqlite"
    start = ["grade", "ex01", folder / "handed-in", "--gradebook", book]
    return [*start, "--seed-file", folder / "seed", "--seconds", "300"]


@needs_sandbox
def test_course_grade_and_what_comes_after(folder, line, capsys):
    status, out, _ = course(capsys, *line)
    book = folder / "grades.sqlite"
    assert status == 1 and "could not be read" in out and f"gradebook: {book}" in out
    assert "1 copied from the same file" in out and "ex01.win_share" in out
    before = content(book)
    status, out, _ = course(capsys, *line)
    assert status == 1 and "0 submissions graded" in out and content(book) == before

    of = ["--gradebook", book]
    status, out, _ = course(capsys, "gradebook", "show", *of)
    assert status == 0 and "same file as anna's" in out and "bubblewrap" in out
    words = ["dora", "win_share", "2.5", "--reason", "told me how", "--author", "me"]
    status, out, _ = course(capsys, "gradebook", "override", *words, *of)
    assert status == 0 and "told me how (me)" in out and "dora, ex01: 2.5 of 13" in out
    status, out, _ = course(capsys, "gradebook", "late", "--deadline", "2027-03-01 12:00", *of)
    assert status == 0 and "10 % of the points for each day begun" in out
    status, out, _ = course(capsys, "gradebook", "late", *of)
    assert status == 0 and "due 2027-03-01 12:00" in out
    for kind in ("csv", "tasks", "canvas", "moodle", "gradescope"):
        file = folder / f"out-{kind}"
        assert course(capsys, "gradebook", "export", "--to", kind, "--out", file, *of)[0] == 0
        assert file.stat().st_size > 100
    status, out, err = course(capsys, "gradebook", "export", "--out", folder / "out-csv", *of)
    assert status == 2 and "out-csv" in err
    status, out, _ = course(capsys, "gradebook", "feedback", "--out", folder / "pages", *of)
    assert status == 0 and len(list((folder / "pages").iterdir())) == 9
    status, out, _ = course(capsys, "gradebook", "report", "--out", folder / "class.html", *of)
    assert status == 0 and (folder / "class.html").stat().st_size > 1000


def test_course_grade_refuses_without_a_sandbox(folder, line, capsys, monkeypatch):
    monkeypatch.setattr(work, "sandbox_problem", lambda: "bubblewrap is not installed.")
    status, _, err = course(capsys, *line)
    assert status == 2 and "bubblewrap is not installed." in err
    assert not (folder / "grades.sqlite").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="grading needs Linux")
@pytest.mark.slow
def test_without_a_sandbox_it_is_loud_and_noted(folder, line, capsys):
    status, out, err = course(capsys, *line, "--unsafe-no-sandbox")
    assert status == 1 and "NO SANDBOX" in err and "WITHOUT A SANDBOX" in out
    with Gradebook(folder / "grades.sqlite") as book:
        (batch,) = book.batches()
        assert batch.unsafe and batch.sandbox.startswith("NONE: graded without a sandbox")
        assert {f.student: f.points for f in finals(book, "ex01")}["anna"] == 13
    status, out, _ = course(capsys, "gradebook", "show", "--gradebook", folder / "grades.sqlite")
    assert "NONE: graded without a sandbox" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--cohort NAME"),
        (["--cohort", "none-27"], "no secret for the cohort"),
        (["--seed-file", "{}/nowhere"], "cannot be read"),
        (["--seed-file", "{}/keys.json"], "--keys FILE"),
        (["--seed-file", "{}/seed", "--cohort", "a"], "--cohort NAME"),
    ],
)
def test_a_secret_that_is_not_there_is_asked_for(folder, capsys, words, said, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "keys.json").write_text('{"a": 1}')
    words = [word.format(folder) for word in words]
    status, _, err = course(capsys, "grade", "ex01", folder / "handed-in", *words)
    assert status == 2 and said in " ".join(err.split())
    assert not (folder / "grades.sqlite").exists()


def test_the_cohorts_secret_is_that_of_its_release(folder, line, capsys, asked):
    keys = folder / "keys.json"
    keys.write_text('{"spring-27": 8675309, "autumn-27": 1}')
    line = [*line[:-4], "--unsafe-no-sandbox"]
    prints = set()
    for number, words in enumerate(
        (
            ["--cohort", "spring-27", "--keys", keys],
            ["--seed-file", folder / "seed"],
            ["--cohort", "autumn-27", "--keys", keys],
        )
    ):
        line[4] = folder / f"g{number}.sqlite"
        course(capsys, *line, *words)
        with Gradebook(line[4]) as book:
            prints.add(book.batches()[0].seed)
    assert prints == {seed_fingerprint(8675309), seed_fingerprint(1)}


def test_commands_on_a_gradebook_that_is_none_end_with_2(folder, capsys):
    book = folder / "grades.sqlite"
    status, _, err = course(capsys, "gradebook", "show", "--gradebook", book)
    assert status == 2 and "no gradebook at" in err
    (folder / "seed2").write_text("9" * 300)
    status, _, err = course(capsys, "gradebook", "show", "--gradebook", folder / "seed2")
    assert status == 2 and "is no gradebook" in err
    status, _, err = course(capsys, "grade", "ex99", folder, "--seed-file", folder / "seed")
    assert status == 2 and "there is no exercise" in err


# ---- beside each other -------------------------------------------------------------------------

BOMB = """
import os, time
children = []
try:
    while len(children) < 1000:
        child = os.fork()
        if child == 0:
            time.sleep(3600)
        children.append(child)
except OSError:
    pass
open("full", "w").close()
time.sleep(10)
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
"""


@needs_sandbox
def test_processes_of_one_box_take_no_room_from_another():
    """Boxes of two workers belong to one user of the system."""
    found = []

    def explode(sandbox):
        with sandbox.box([BOMB, "made = len(children)"], SETUP.limits) as box:
            found.append(box.task("made", "made").value)

    with Sandbox() as one, Sandbox() as other:
        one.plan([])
        other.plan([])
        bomb = threading.Thread(target=explode, args=(one,))
        bomb.start()
        while bomb.is_alive():
            with other.box(["import os\nanswer = os.fork() or os._exit(0)"], SETUP.limits) as box:
                assert box.errors == [] and box.task("answer", "answer").value > 0
    assert 1 < found[0] < SETUP.limits.processes
