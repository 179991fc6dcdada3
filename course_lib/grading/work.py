"""Grading one submission after another: what every engine does, on this machine or another.

A :class:`Worker` owns a sandbox. When that dies it is started again, and the submission is tried
once more. Whether an answer is the same each time it is asked needs no second run here: each call
of a check is made twice in the box (``Call.times``), and what differs is said and earns nothing.
"""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..authoring.places import ROOT
from ..base import CourseError, require
from .answers import cells_to_run
from .box import STOPPED, Limits, Sandbox, sandbox_problem
from .handed_in import handed_in
from .judge import Result, graded, lacking
from .notebooks import read_notebook
from .plan import plan_of
from .unsafe import UnsafeSandbox
from .wire import Closed

PACKAGE = Path(__file__).resolve().parents[1]
DIED = "the sandbox ended twice while this was graded. Look at the file; no answer was read."
# what decides about points beside the exercise itself
JUDGING = ("answers", "box", "inside", "judge", "notebooks", "plan", "statements", "wire", "work")


@dataclass(frozen=True)
class Setup:
    """How submissions of an exercise are graded.

    Attributes
    ----------
    exercise : such as "ex03".
    seed : the cohort's secret, from which hidden inputs are drawn.
    limits : of each box.
    unsafe : without a sandbox.
    """

    exercise: str
    seed: int = field(repr=False)
    limits: Limits = Limits()
    unsafe: bool = False


@dataclass
class Graded:
    """What came of one submission: a result for each task.

    Attributes
    ----------
    problem : why it could not be read, "" where it could.
    notes : what the instructor should know of it, a sentence each.
    answers : question → what the notebook says to it.
    """

    results: list[Result]
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


class NoSandbox(CourseError):
    """There is no sandbox to grade in: nothing can be said of any submission."""


class Worker:
    """Grades submissions of one exercise in a sandbox of its own. Use as a context manager."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.plan = plan_of(setup.exercise, setup.seed)
        self.sandbox: Sandbox | None = None

    def __enter__(self) -> "Worker":
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        sandbox = UnsafeSandbox() if self.setup.unsafe else Sandbox()
        try:
            sandbox.__enter__()
            self.sandbox = sandbox
            errors = sandbox.plan(self.plan.given)
        except (CourseError, Closed, OSError) as error:
            raise NoSandbox(f"the sandbox cannot be started ({error}).") from None
        if errors:
            raise NoSandbox(
                f"the cells of {self.setup.exercise} that its tasks rest on fail in the sandbox: "
                f"{'; '.join(errors)[:300]}."
            )

    def _stop(self) -> None:
        if self.sandbox is not None:
            self.sandbox.__exit__()
            self.sandbox = None

    @property
    def tasks(self) -> int:
        """How many tasks the exercise has."""
        return len(self.plan.tasks)

    def graded(self, data: bytes | None, problem: str = "", name: str = "") -> Graded:
        """What a submission's bytes earn. ``problem``: why there are none; ``name``: the file's."""
        if data is None:
            outcome = "stopped" if problem == DIED else "missing"
            return self.none_of_it(problem or "there is no notebook.", outcome)
        try:
            return self._graded(data, name)
        except NoSandbox:
            raise  # no fault of the file's
        except CourseError as error:
            return self.none_of_it(str(error), "missing")
        except Exception as error:  # one file never ends the batch
            self._stop()
            said = f"{type(error).__name__}: {error}"[:300]
            return self.none_of_it(f"the grader itself failed on this file ({said}).", "stopped")

    def _graded(self, data: bytes, name: str) -> Graded:
        notebook = read_notebook(data, name)
        found = cells_to_run(self.plan, notebook)
        results = self._in_sandbox(found.cells)
        if results is None:
            return self.none_of_it(DIED, "stopped")
        by_id = {probed.task.id: name for name, probed in self.plan.tasks.items()}
        for result in results:
            if result.outcome == "missing":
                result.message = found.missing.get(by_id[result.task], result.message)
        handed = handed_in(notebook, self.setup.exercise)
        notes = [*notebook.notes, *found.notes, *filter(None, [handed.problem])]
        answers = {item: asdict(given) for item, given in handed.items.items()}
        return Graded(results, "", notes, answers)

    def none_of_it(self, problem: str, outcome: str) -> Graded:
        """No points for any task, and why."""
        tasks = self.plan.tasks.values()
        return Graded([lacking(probed, outcome, problem) for probed in tasks], problem)

    def _in_sandbox(self, cells: Sequence[str]) -> list[Result] | None:
        """The results of ``cells``; None where the sandbox dies twice.

        A box in which nothing could be heard is tried once more in a new sandbox: the machine may
        have been at fault, and not the student.
        """
        results = None
        for _ in range(2):
            if self.sandbox is None:
                self._start()
            assert self.sandbox is not None
            try:
                results = graded(self.plan, self.sandbox, cells, self.setup.limits)
            except (Closed, OSError, json.JSONDecodeError):
                self._stop()
                continue
            if any(result.message != STOPPED["garbled"] for result in results):
                break
            self._stop()
        return results


def checked_setup(setup: Setup) -> Setup:
    """``setup``, where it can be done. Raises in words where there is no sandbox, or no sources."""
    require(
        (ROOT / "exercises" / "proofs").is_dir(),
        "grading needs exercises/src and exercises/proofs, which an instructor's clone of the "
        "repository has; here they are not.",
    )
    problem = "" if setup.unsafe else sandbox_problem()
    require(not problem, f"submissions are not graded without a sandbox: {problem}")
    return setup


def exercise_version(exercise: str) -> str:
    """A fingerprint of all that decides about points: exercise, check, proofs and grader.

    12 hexadecimal digits; another one after any change in these files.
    """
    number = exercise[2:]
    checks = PACKAGE / "classroom" / "checks"
    shared = [file for file in checks.glob("*.py") if not file.stem.startswith("ex")]
    files = [
        *(ROOT / "exercises" / "src").glob(f"ex{number}_*.py"),
        *(ROOT / "exercises" / "proofs" / exercise).rglob("*.py"),
        checks / f"{exercise}.py",
        *shared,
        *(PACKAGE / "grading" / f"{name}.py" for name in JUDGING),
    ]
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.is_file()):
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def seed_fingerprint(seed: int) -> str:
    """16 hexadecimal digits that tell two secret seeds apart, and from which none is found."""
    slow = hashlib.pbkdf2_hmac("sha256", str(seed).encode(), b"gradebook of the course", 300_000)
    return slow.hex()[:16]


def sandbox_description(unsafe: bool) -> str:
    """How submissions are shut in, for the gradebook."""
    if unsafe:
        who = ", as root" if hasattr(os, "getuid") and os.getuid() == 0 else ""
        return f"NONE: graded without a sandbox{who}"
    said = subprocess.run(
        ["bwrap", "--version"], capture_output=True, text=True, encoding="utf-8"
    ).stdout.strip()
    return f"{said or 'bubblewrap'}, {platform.system()} {platform.release()}"
