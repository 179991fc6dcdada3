"""The sandbox as the grader sees it: started once, then a box for each submission.

bubblewrap shuts a parent process in: no network, a read-only system, nothing of the machine but
Python, its packages and this one, an empty environment. The parent (:mod:`.inside`) has torch
imported, so that a box costs a fork and not an import. Where no sandbox can be had,
:func:`sandbox_problem` says why and what to do, and grading refuses.
"""

import builtins
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import torch

import course_lib

from ..base import CourseError
from ..classroom.checks.calling import NOT_ENDED, Answer, Call
from ..classroom.checks.outcome import NotWritten, Wrong
from .inside import CALL, END, JOB, PLAN
from .wire import MOST_BYTES, Closed, Garbled, as_json, decoded, from_json, receive, send

START = (
    "import sys; sys.path[:0] = ['/course']; sys.path += {}; "
    "from course_lib.grading.inside import serve; serve()"
)
SYSTEM = (
    "/usr",
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/sbin",
    "/etc/ld.so.cache",
    "/etc/alternatives",
)
PATIENCE = 2  # calls of one answer that may take too long
STOPPED = {
    "time": "it was stopped: it took longer than it may.",
    "memory": "it was stopped: it took more memory than it may.",
    "output": "it was stopped: it gave more output than it may.",
    "garbled": "it was stopped: what it sent is no answer.",
    "ended": "it ended before it had answered.",
}


@dataclass(frozen=True)
class Limits:
    """What a box may use.

    Attributes
    ----------
    seconds : of wall time, everything together.
    cpu_seconds : of each process.
    memory_mb : of all processes together, MiB; a watchdog looks 20 times a second.
    address_mb : of address space of each process, MiB.
    processes : at a time.
    disk_mb : of its private /tmp, MiB.
    file_mb : of one file, MiB.
    output_mb : of all it says, MiB.
    """

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory_mb: int = 1024
    address_mb: int = 8192
    processes: int = 32
    disk_mb: int = 32
    file_mb: int = 16
    output_mb: int = 16


class Stopped(Exception):
    """A box was stopped or ended by itself: what it wrote is void.

    ``why`` is a key of STOPPED, or what the box said; ``early``: before any task was asked for.
    """

    def __init__(self, why: str, early: bool = False) -> None:
        super().__init__(STOPPED.get(why, why))
        self.why = why
        self.early = early


def bubblewrap_command() -> list[str]:
    """The command that starts Python in the sandbox."""
    package = Path(course_lib.__file__).parent
    python = Path(sys.executable)
    packages = sorted({str(Path(module.__file__).parents[1]) for module in (numpy, torch)})
    places = {Path(sys.prefix), Path(sys.base_prefix), python.resolve().parent.parent}
    places |= {Path(place) for place in packages}
    arguments = ["bwrap", "--unshare-net", "--unshare-ipc", "--unshare-pid", "--unshare-uts"]
    if os.getuid() != 0:
        arguments += ["--unshare-user"]
    else:
        # as root the parent gives up its privileges itself, once it can see its packages
        arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    arguments += ["--die-with-parent", "--new-session", "--clearenv"]
    covered = {Path("/usr"), *places}
    outermost = {p for p in places if not any(p != q and p.is_relative_to(q) for q in covered)}
    binds = {place: inside_of(place) for place in outermost - {Path("/usr")}}
    binds[package] = Path("/course", package.name)
    above = {parent for inside in binds.values() for parent in inside.parents} | {Path("/etc")}
    for parent in sorted(above - {Path("/")}):
        # bubblewrap makes them for its own user alone
        arguments += ["--perms", "0755", "--dir", str(parent)]
    for place in SYSTEM:
        if Path(place).is_symlink():
            arguments += ["--symlink", os.readlink(place), place]
        elif Path(place).exists():
            arguments += ["--ro-bind", place, place]
    for outside, inside in sorted(binds.items()):
        arguments += ["--ro-bind", str(outside), str(inside)]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    for name, value in ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    start = START.format([str(inside_of(Path(place))) for place in packages])
    return [*arguments, str(inside_of(python)), "-P", "-s", "-c", start]


def inside_of(place: Path) -> Path:
    """Where a place of this machine is in the sandbox: /tmp there is every box's own."""
    return Path("/outside", *place.parts[1:]) if place.is_relative_to("/tmp") else place


ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "agg",
    "PYTHONDONTWRITEBYTECODE": "1",
    "COURSE_GRADING": "1",
}


@cache
def sandbox_problem() -> str:
    """Why submissions cannot be shut in on this machine, and what to do; "" where they can."""
    if not sys.platform.startswith("linux"):
        return (
            "grading needs Linux: it shuts each submission in with bubblewrap, which other systems "
            "do not have. Use a Linux machine, or a virtual one (on Windows: WSL 2)."
        )
    if shutil.which("bwrap") is None:
        return (
            "bubblewrap is not installed, and without it a submission could read and change this "
            "machine. Install it: apt install bubblewrap (or your system's package of that name)."
        )
    try:
        with Sandbox() as sandbox:
            sandbox.plan([])
            with sandbox.box(["answer = 6 * 7"], Limits(seconds=120)) as box:
                task = box.task("answer", "answer")
                if task.value == 42:
                    return ""
        said = "a box gave a wrong answer"
    except (CourseError, Stopped, Closed, Garbled, OSError) as error:
        said = str(error)
    return (
        f"bubblewrap is installed but a box could not be made ({said}). Often user namespaces are "
        "switched off: look at `sysctl kernel.unprivileged_userns_clone "
        "kernel.apparmor_restrict_unprivileged_userns user.max_user_namespaces`; the first must be "
        "1, the second 0, the third above 0. In a container, give it the right to make namespaces."
    )


class Sandbox:
    """A parent with everything imported, shut in. Use as a context manager."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self.command = list(command or bubblewrap_command())

    def __enter__(self) -> "Sandbox":
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            bufsize=0,
            start_new_session=True,
        )
        assert self.process.stdin and self.process.stdout
        self.to, self.source = self.process.stdin.fileno(), self.process.stdout.fileno()
        try:
            told = json.loads(receive(self.source))
        except Closed:
            self.process.wait()
            self.said.seek(0)
            said = self.said.read().decode(errors="replace").strip()
            self.__exit__()
            raise CourseError(f"the sandbox did not start: {said[-400:]}") from None
        self.uid = told["uid"]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.said.close()

    def plan(self, given: Sequence[str]) -> list[str]:
        """Run an exercise's own cells in the parent; every box starts from what they define.

        Returns what went wrong in them.
        """
        send(self.to, PLAN + as_json({"given": list(given)}))
        return json.loads(receive(self.source))["errors"]

    def box(self, cells: Sequence[str], limits: Limits = Limits()) -> "Box":
        """A new box in which ``cells`` run. Use as a context manager."""
        return Box(self, cells, limits)


class Box:
    """One submission, shut in. ``errors``: what went wrong in its cells, a line each.

    Afterwards ``seconds`` and ``peak_mb`` are what it took.
    """

    def __init__(self, sandbox: Sandbox, cells: Sequence[str], limits: Limits) -> None:
        self.sandbox, self.cells, self.limits = sandbox, cells, limits
        self.seconds = self.peak_mb = 0.0
        self.why: str | None = None  # why it is closed; None while it is open

    def __enter__(self) -> "Box":
        job = {"cells": list(self.cells), "limits": asdict(self.limits)}
        send(self.sandbox.to, JOB + as_json({**job, "cell_seconds": self.limits.seconds / 3}))
        self._made()
        try:
            self.errors = [str(line)[:300] for line in self.hear()["errors"]][:20]
            self.hear()
        except Stopped as stopped:
            stopped.early = True
            raise
        except (KeyError, TypeError):
            self._stop("garbled")
            raise Stopped("garbled", early=True) from None
        return self

    def _made(self) -> None:
        """Hear that it is there. None of the student's code has run until then.

        Raises OSError where it could not be made: that is this machine's doing.
        """
        try:
            told = self.hear()
        except Stopped as stopped:
            told = {"broken": str(stopped)}
        if told != {"made": True}:
            self._close()
            raise OSError(f"a box could not be made: {str(told.get('broken', told))[:300]}")

    def __exit__(self, *_: object) -> None:
        self._close()

    def task(self, name: str, handed_in: str) -> "Asked":
        """The task ``name``, whose answer is the object called ``handed_in``."""
        self.say(as_json({"kind": "task", "task": name, "object": handed_in}))
        return Asked(self, self.hear())

    def say(self, message: bytes) -> None:
        """A message to the box."""
        if self.why is not None:
            raise Stopped(self.why)
        send(self.sandbox.to, CALL + message)

    def hear(self) -> dict[str, Any]:
        """The next message of the box. Raises :class:`Stopped` where there is none any more."""
        if self.why is not None:
            raise Stopped(self.why)
        data = receive(self.sandbox.source, MOST_BYTES + 1)
        if data[:1] != b"\x00":  # of the parent: the box is closed
            self._closed(data)
            raise Stopped(self.why or "ended")
        try:
            told = from_json(data[1:])
            if isinstance(told, dict):
                return told
        except Garbled:
            pass
        self._stop("garbled")
        raise Stopped("garbled")

    def _stop(self, why: str) -> None:
        self._close()
        self.why = why

    def _close(self) -> None:
        """Have the parent end the box, and hear what it took."""
        if self.why is None:
            send(self.sandbox.to, END)
            while (data := receive(self.sandbox.source, MOST_BYTES + 1))[:1] == b"\x00":
                pass
            self._closed(data)

    def _closed(self, data: bytes) -> None:
        told = json.loads(data)
        self.why = told["why"]
        self.seconds, self.peak_mb = told["seconds"], told["peak_mb"]


class Asked:
    """One task of a box: what was handed in, and calls of it."""

    def __init__(self, box: Box, told: dict[str, Any]) -> None:
        self.box, self.late = box, 0  # late: calls that did not end
        self.there = told.get("there") is True
        self.callable = told.get("callable") is True
        self.body = told.get("body") is True
        names = told.get("names")
        self.names = [str(n)[:60] for n in names][:20] if isinstance(names, list) else []
        self.value = self._decoded(told.get("value"))

    def made(self, call: Call) -> Answer:
        """The :class:`Answer` to a call, made in the box.

        Where PATIENCE calls have not ended in time, others are not made: an endless loop would
        take the time of all other tasks.
        """
        if self.late >= PATIENCE:
            return Answer(wrong=Wrong(NOT_ENDED))
        given = (call.args, call.kwargs, call.times, tuple(call.which))
        self.box.say(pickle.dumps(given))
        told = self.box.hear()
        if "broken" in told:
            raise Stopped(str(told["broken"])[:300])
        if "wrong" in told:
            kind = NotWritten if told.get("unwritten") is True else Wrong
            named = getattr(builtins, str(told.get("stopped")), None)
            is_error = isinstance(named, type) and issubclass(named, BaseException)
            # an error of the student's own class counts as any error
            stopped = named if is_error else Exception if told.get("stopped") else None
            self.late += told["wrong"] == NOT_ENDED
            return Answer(wrong=kind(str(told["wrong"])[:2000]), stopped=stopped)
        return Answer(got=self._decoded(told.get("got")))

    def over(self) -> None:
        """No more calls: on to the next task."""
        self.box.say(b"")
        while "over" not in self.box.hear():
            pass

    def _decoded(self, told: Any) -> Any:
        try:
            return decoded(told)
        except Garbled:
            self.box._stop("garbled")
            raise Stopped("garbled") from None
