"""A batch: submissions in, a gradebook that is right and complete out.

One process writes the gradebook, a transaction a submission. What is there is not graded again, so
after kill -9 at any moment the same call goes on. The same bytes are graded once: others get a copy
of what came of them, and the gradebook says of whom.

Answers that change from one call to the next are found by the checks, which make each call twice in
the box (:class:`~course_lib.classroom.checks.calling.Call`, ``times``): no batch is run twice for
that.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..base import VERSION, CourseError, progress, require
from .engines import ENGINES, Job
from .gradebook import REGRADE, Batch, Entry, Gradebook
from .submissions import Submission
from .work import (
    Graded,
    Setup,
    checked_setup,
    exercise_version,
    sandbox_description,
    seed_fingerprint,
)


@dataclass
class Batched:
    """What a batch did.

    Attributes
    ----------
    graded, copied, kept : submissions graded now, given the results of the same bytes, and found
        in the gradebook.
    older : of those kept, how many were graded by another version, seed or limits.
    resumed : whether it went on with a batch that had been cut off.
    problems : (student, file, why) of what could not be read, all that count.
    """

    exercise: str
    graded: int = 0
    copied: int = 0
    kept: int = 0
    older: int = 0
    resumed: bool = False
    problems: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class Todo:
    """What is left to do: a submission's number in the gradebook, and the submission."""

    entry: int
    sha256: str
    submission: Submission


def grade(
    setup: Setup,
    submissions: Sequence[Submission],
    gradebook: Path | str,
    workers: int = 2,
    engine: str = "processes",
    regrade: str = "",
) -> Batched:
    """Grade ``submissions`` into the file ``gradebook``, which is made where there is none.

    ``regrade``: "" grades what is not there; "changed" also what another version of the exercise,
    the grader, the seed or the limits has graded; "all" everything. ``engine``: "processes" or
    "ray". Raises :class:`CourseError` where nothing can be graded; then nothing is written.
    """
    require(engine in ENGINES, f"engine is {' or '.join(ENGINES)}, got {engine!r}.")
    require(regrade in REGRADE, f"regrade is 'changed' or 'all', got {regrade!r}.")
    require(workers >= 1, f"workers is at least 1, got {workers}.")
    require(submissions, "there is nothing to grade: no submission was found.")
    setup, path = checked_setup(setup), Path(gradebook)
    with only_grader(path):
        done = Batched(setup.exercise)
        batch, todo = _begun(setup, submissions, path, regrade, done)
        if batch.id:
            _work(setup, batch, todo, path, (engine, workers), done)
            with Gradebook(path) as book:
                book.end_batch(batch.id)
        with Gradebook(path) as book:
            for entry in book.entries(setup.exercise):
                if entry.problem:
                    done.problems.append((entry.student, entry.file, entry.problem))
    return done


def _begun(
    setup: Setup, submissions: Sequence[Submission], path: Path, regrade: str, done: Batched
) -> tuple[Batch, list[Todo]]:
    """The batch, and what is left of it; its number is 0 where nothing is."""
    new = Batch(
        id=0,
        exercise=setup.exercise,
        version=exercise_version(setup.exercise),
        course=VERSION,
        seed=seed_fingerprint(setup.seed),
        limits=json.dumps(asdict(setup.limits)),
        sandbox=sandbox_description(setup.unsafe),
        unsafe=setup.unsafe,
        regrade=regrade,
        started="",
        ended=None,
    )
    todo = []
    with Gradebook(path, create=True) as book, book.transaction():
        batch = book.unfinished(new) or new
        done.resumed = batch.id > 0
        for submission in submissions:
            data = submission.data
            sha256 = "" if data is None else hashlib.sha256(data).hexdigest()
            number = book.add_submission(_entry(setup.exercise, submission, sha256))
            stands = book.graded_in(number, batch)
            again = {"": [""], "changed": ["", "other"], "all": ["", "other", "same"]}[regrade]
            if stands in again:
                todo.append(Todo(number, sha256, submission))
            else:
                done.kept += 1
                done.older += stands == "other"
        if todo and not batch.id:
            batch = book.add_batch(new)
    return batch, list({one.entry: one for one in todo}.values())


def _entry(exercise: str, submission: Submission, sha256: str) -> Entry:
    return Entry(
        id=0,
        exercise=exercise,
        student=submission.student,
        file=submission.name,
        sha256=sha256,
        name=submission.shown,
        ids=ids_of(submission),
        submitted=submission.submitted,
        late=submission.late,
    )


def ids_of(submission: Submission) -> dict[str, str]:
    """How the learning platform calls a student, by the name of its own column."""
    number = submission.identity
    known = {
        "canvas": {"ID": number},
        "moodle": {"Identifier": f"Participant {number}"},
        "gradescope": {"email": submission.student, "SID": number},
    }
    found = known.get(submission.system, {})
    return found if number else {name: x for name, x in found.items() if name == "email"}


def _work(
    setup: Setup,
    batch: Batch,
    todo: Sequence[Todo],
    path: Path,
    how: tuple[str, int],
    done: Batched,
) -> None:
    """Do what is left. No connection is open while a worker starts, which is a fork of this one."""
    engine, workers = how
    same: dict[str, list[Todo]] = {}
    for number, one in enumerate(todo):
        # what has no bytes is like nothing else
        kind = Path(one.submission.name).suffix.lower()
        same.setdefault(f"{one.sha256}{kind}" if one.sha256 else f"none {number}", []).append(one)
    jobs, groups = [], list(same.values())
    with progress.bar(len(todo), f"grading {setup.exercise}", "file") as bar:
        for number, group in enumerate(groups):
            first, source = group[0], None
            given = first.submission
            if first.sha256:
                with Gradebook(path) as book:
                    source = book.grading_of_bytes(
                        first.sha256, given.name, batch, batch.regrade == "all"
                    )
            if source is None:
                jobs.append(Job(number, given.data, given.problem, given.name))
            else:
                _copied(path, batch, group, source, done)
                bar.update(len(group))
        if not jobs:
            return
        with contextlib.closing(ENGINES[engine](setup, jobs, workers)) as results:
            for number, graded in results:
                first, *others = groups[number]
                graded.notes += first.submission.notes
                source = _kept(path, batch, first, graded)
                done.graded += 1
                _copied(path, batch, others, source, done)
                bar.update(1 + len(others))


def _kept(path: Path, batch: Batch, one: Todo, graded: Graded) -> int:
    """Write what came of one submission, in one transaction; the number of its grading."""
    with Gradebook(path) as book, book.transaction():
        number = book.add_grading(one.entry, batch.id, graded.results, graded.problem, graded.notes)
        book.put_answers(one.entry, graded.answers)
    return number


def _copied(path: Path, batch: Batch, others: Sequence[Todo], source: int, done: Batched) -> None:
    """Give the same bytes the same results."""
    for one in others:
        with Gradebook(path) as book, book.transaction():
            book.copy_grading(one.entry, batch.id, source)
        done.copied += 1


@contextlib.contextmanager
def only_grader(path: Path) -> Iterator[None]:
    """Hold a gradebook for one grader; raises where another has it. Ends with this process.

    The lock is a file beside the gradebook, and readers do not look at it.
    """
    try:
        import fcntl
    except ImportError:
        raise CourseError("grading needs Linux; this system has no locks of its kind.") from None

    lock = path.with_name(path.name + ".grader")
    require(
        path.parent.is_dir(),
        f"there is no folder {path.parent} for the gradebook. Make it first.",
    )
    while True:
        try:
            file = open(lock, "a", encoding="utf-8")
        except OSError as error:
            raise CourseError(f"{lock} cannot be written: {error.strerror}.") from None
        try:
            # the kernel's own lock: it ends when this process does, and workers do not inherit it
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise CourseError(
                f"another `course grade` is writing to {path}. Wait for it, or end it; it goes on "
                "where it was."
            ) from None
        if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            break
        file.close()  # the one before us has just taken its file away
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        file.close()
