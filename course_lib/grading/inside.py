"""What runs in a sandbox: a parent that has imported everything, and a box for each submission.

Started by :mod:`course_lib.grading.box` inside bubblewrap, with messages on stdin and stdout. For
each submission the parent forks a box: its own user, process, mount, network and IPC namespaces,
nothing writable but a small private /tmp, no privileges, limits on everything. In the box the
student's cells run once; then each task is a process forked from that state, which answers calls.

The parent is trusted until the end: a box cannot see, signal or trace it. A box is not: all that
comes from it is JSON, and whoever reads it believes nothing of it but the answers.
"""

import contextlib
import ctypes
import functools
import gc
import json
import os
import pickle
import platform
import select
import signal
import sys
import time
import types
from collections.abc import Sequence
from typing import Any

try:
    import resource
except ImportError:  # on Windows, where grading refuses
    resource = None

NEW_NAMESPACES = 0x10000000 | 0x20000000 | 0x00020000 | 0x08000000 | 0x40000000 | 0x04000000
MS_PRIVATE, MS_REC, MS_RDONLY, MS_NOSUID, MS_NODEV = 1 << 18, 1 << 14, 1, 2, 4
KEYCTL = {"x86_64": 250, "aarch64": 219}  # the number of the system call
JOIN_SESSION_KEYRING = 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
PLAN, JOB, CALL, END = b"P", b"J", b"C", b"E"  # how messages of the grader begin
UNPRIVILEGED = 64999  # a user id that nobody has
LOOK = 0.05  # seconds between two looks at a box's memory
GROWN = 8 << 20  # bytes after which it is counted anew


@functools.cache
def libc() -> Any:
    """The C library."""
    return ctypes.CDLL(None, use_errno=True)


def _system(name: str, *args: Any) -> None:
    """A call of the C library that must succeed."""
    if getattr(libc(), name)(*args) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


# ---- the box -----------------------------------------------------------------------------------


def enter_box(limits: dict[str, Any]) -> None:
    """Leave everything behind; what forks from here on is in the box."""
    for name, value in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", limits["file_mb"] << 20),
        ("RLIMIT_NOFILE", 256),
        ("RLIMIT_CPU", limits["cpu_seconds"]),
        ("RLIMIT_AS", limits["address_mb"] << 20),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))
    user, group = os.getuid(), os.getgid()
    _system("unshare", NEW_NAMESPACES)
    # not before: the limit at that moment also holds for the user outside, all boxes together
    resource.setrlimit(resource.RLIMIT_NPROC, (limits["processes"], limits["processes"]))
    # without this its own entries in /proc are root's
    _system("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"1000 {user} 1"),
        ("gid_map", f"1000 {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    _system("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)


def furnish(limits: dict[str, Any]) -> None:
    """Inside: hide what must not be seen, and drop every privilege."""
    _system("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    flags = MS_NOSUID | MS_NODEV
    for place in ("/proc", "/dev/shm"):
        if os.path.isdir(place):
            empty = (b"tmpfs", flags | MS_RDONLY, b"size=4k,nr_inodes=2")
            _system("mount", b"none", place.encode(), *empty)
    size = f"size={limits['disk_mb']}m,nr_inodes=4096,mode=700".encode()
    _system("mount", b"none", b"/tmp", b"tmpfs", flags, size)
    os.chdir("/tmp")
    if platform.machine() in KEYCTL:  # a keyring of its own: the one before all boxes share
        libc().syscall(KEYCTL[platform.machine()], JOIN_SESSION_KEYRING, None)
    for capability in range(64):
        libc().prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    _system("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _system("capset", header, (ctypes.c_uint32 * 6)())


def box(job: dict[str, Any], plan: dict[str, Any], calls: int, answers: int) -> None:
    """The first process outside the box: makes it, waits for its end, and ends. Never returns."""
    status = 1
    try:
        os.setsid()
        _system("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        enter_box(job["limits"])
        first = os.fork()
        if first == 0:
            _first_process(job, plan, calls, answers)
        os.close(calls)
        os.close(answers)
        _, ended = os.waitpid(first, 0)
        status = 0 if ended == 0 else 1
    except BaseException as error:
        with contextlib.suppress(OSError):
            _tell(answers, {"broken": f"{type(error).__name__}: {error}"[:300]})
    finally:
        os._exit(status)


def _first_process(job: dict[str, Any], plan: dict[str, Any], calls: int, answers: int) -> None:
    """Process 1 of the box: when it ends, all that is left in the box is killed."""
    try:
        _system("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        furnish(job["limits"])
        student = os.fork()
        if student == 0:
            try:
                Student(job, plan, calls, answers).serve()
            finally:
                os._exit(0)
        while True:
            ended, status = os.waitpid(-1, 0)  # orphans end here, too
            if ended == student:
                os._exit(0 if status == 0 else 1)
    except BaseException as error:
        with contextlib.suppress(OSError):
            _tell(answers, {"broken": f"{type(error).__name__}: {error}"[:300]})
        os._exit(1)


class Student:
    """The student's cells, run once, and a process for each task that answers calls.

    What it needs of Python is taken before a line of the student's has run. Whoever changes it from
    within changes their own answers only.
    """

    def __init__(self, job: dict[str, Any], plan: dict[str, Any], calls: int, answers: int) -> None:
        self.job, self.plan, self.calls, self.answers = job, plan, calls, answers
        _system("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # the watchdog outside reads its memory
        nowhere = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nowhere, fd)
        sys.stdin = open(0, encoding="utf-8")
        sys.stdout = sys.stderr = open(1, "w", encoding="utf-8")

    def serve(self) -> None:
        """Run the cells, then answer for one task after another."""
        _tell(self.answers, {"made": True})  # what fails before this is not the student's fault
        namespace = self.run_cells()
        _tell(self.answers, {"ready": True})
        while True:
            asked = json.loads(_receive(self.calls))
            if asked["kind"] == "end":
                return
            process = os.fork()
            if process == 0:
                try:
                    self.answer_for(asked, namespace)
                except BaseException as error:
                    _tell(self.answers, {"broken": f"{type(error).__name__}: {error}"[:300]})
                finally:
                    os._exit(0)
            os.waitpid(process, 0)
            _tell(self.answers, {"over": asked["task"]})

    def run_cells(self) -> dict[str, Any]:
        """The namespace after all cells; a cell that fails, or takes too long, is left behind."""
        module = types.ModuleType("__main__")
        namespace = module.__dict__
        sys.modules["__main__"] = module
        namespace.update(self.plan["namespace"])
        errors: list[str] = []
        waiting = list(enumerate(self.job["cells"]))
        while waiting:
            failed = []
            for at, source in waiting:
                error = _run_cell(source, f"cell {at}", namespace, self.job["cell_seconds"])
                if error:
                    failed.append((at, source, error))
            # cells may have been put in another order: those that failed are tried once more
            if len(failed) == len(waiting) or not failed:
                errors = [f"cell {at}: {error}" for at, _, error in failed]
                break
            waiting = [(at, source) for at, source, _ in failed]
        _tell(self.answers, {"errors": errors[:20]})
        return namespace

    def answer_for(self, asked: dict[str, Any], namespace: dict[str, Any]) -> None:
        """Answer calls of one task until it ends."""
        from course_lib.classroom.checks.calling import has_body

        value = namespace.get(asked["object"], None)
        there = asked["object"] in namespace
        told = {"there": there, "callable": callable(value), "names": _parameters(value)}
        told["body"] = callable(value) and bool(has_body(value))
        if there and not callable(value):
            told["value"] = _plain(value)
        _tell(self.answers, told)
        while True:
            call = _receive(self.calls)
            if not call:
                return
            _tell(self.answers, _made(value, call))


def _run_cell(source: str, name: str, namespace: dict[str, Any], seconds: float) -> str:
    """Run one cell; what went wrong in a line, or ""."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"it took longer than {seconds:g} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        exec(compile(source, name, "exec"), namespace)
        return ""
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _made(value: Any, call: bytes) -> dict[str, Any]:
    """One call of the student's function, as :class:`~..classroom.checks.calling.Call` makes it."""
    from course_lib.classroom.checks.calling import Call
    from course_lib.classroom.checks.outcome import NotWritten

    args, kwargs, times, which = pickle.loads(call)  # from the grader
    answer = Call(args, kwargs, times, None, which).made(value)
    if answer.wrong is not None:
        return {
            "wrong": answer.wrong.message[:2000],
            "unwritten": isinstance(answer.wrong, NotWritten),
            "stopped": getattr(answer.stopped, "__name__", None),
        }
    from course_lib.classroom.checks.plain import builtin_value

    return {"got": _plain(builtin_value(answer.got))}


def _plain(value: Any) -> Any:
    from course_lib.classroom.checks.plain import builtin_value
    from course_lib.grading.wire import encoded

    return encoded(builtin_value(value))


def _parameters(value: Any) -> list[str]:
    import inspect

    try:
        return [str(name)[:60] for name in inspect.signature(value).parameters][:20]
    except (TypeError, ValueError):
        return []


# ---- the parent --------------------------------------------------------------------------------


def _tell(fd: int, message: Any) -> None:
    from course_lib.grading.wire import send

    send(fd, json.dumps(message).encode())


def _receive(fd: int) -> bytes:
    from course_lib.grading.wire import receive

    return receive(fd)


def processes_of(box: int) -> list[int]:
    """A box's processes, its first one first."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = _text(f"/proc/{name}/stat").rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(name))
    found = [box]
    for process in found:  # it grows on the way
        found += children.get(process, [])
    return found


def resident_of(processes: Sequence[int]) -> int:
    """Bytes that processes have in memory; what they share counts once for each. Quickly told."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError, IndexError, ValueError):
            total += int(_text(f"/proc/{process}/statm").split()[1])
    return total * resource.getpagesize()


def memory_of(processes: Sequence[int]) -> int:
    """Bytes of memory that processes take; what they share with others counts in part.

    Of the two of a box that only wait the system tells nothing, and they hold nothing. For each
    other it counts pages for some milliseconds.
    """
    total = 0
    for process in processes:
        with contextlib.suppress(OSError, IndexError, ValueError):
            total += int(_text(f"/proc/{process}/smaps_rollup").split("Pss:")[1].split()[0])
    return total * 1024


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def serve() -> None:
    """Plans and jobs from stdin, one after the other; whatever a box tells goes to stdout."""
    from course_lib.grading.wire import Closed

    if os.getuid() == 0:  # for root most limits do not hold
        os.setgroups([])
        os.setgid(UNPRIVILEGED)
        os.setuid(UNPRIVILEGED)
    # students print to 1: the grader is spoken to through another number
    out, source = os.dup(1), os.dup(0)
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.dup2(2, 1)

    _system("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _tell(out, {"up": True, "uid": os.getuid()})
    plan: dict[str, Any] = {"namespace": {}}
    while True:
        try:
            message = _receive(source)
        except Closed:
            return
        if message[:1] == PLAN:
            plan = _planned(json.loads(message[1:]))
            gc.collect()
            gc.freeze()  # so that a box that collects garbage does not copy all of this
            _tell(out, {"planned": True, "errors": plan["errors"]})
        elif message[:1] == JOB:
            _one_box(json.loads(message[1:]), plan, source, out)
        # else: meant for a box that has ended since


def _planned(message: dict[str, Any]) -> dict[str, Any]:
    """An exercise's own cells, run once: what they define is in every box from the start."""
    module = types.ModuleType("__main__")
    errors = []
    for source in message["given"]:
        error = _run_cell(source, "given", module.__dict__, 600)
        errors += [error] if error else []
    return {"namespace": dict(module.__dict__), "errors": errors}


def _one_box(job: dict[str, Any], plan: dict[str, Any], source: int, out: int) -> None:
    """A box for one submission: its messages are passed on until it ends or must."""
    calls_out, calls_in = os.pipe()
    answers_out, answers_in = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(source)
        os.close(out)
        os.close(calls_in)
        os.close(answers_out)
        box(job, plan, calls_out, answers_in)
    os.close(calls_out)
    os.close(answers_in)
    watch = Watch(process, job["limits"])
    why = _relayed(watch, source, out, calls_in, answers_out)
    # its second process is the first of the box: with it all others end
    for one in processes_of(process)[:2]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    os.close(calls_in)
    os.close(answers_out)
    os.waitpid(process, 0)
    seconds = time.monotonic() - watch.started
    _tell(out, {"why": why, "seconds": seconds, "peak_mb": watch.peak / 2**20})


class Watch:
    """A box's time, memory and output against its limits."""

    def __init__(self, process: int, limits: dict[str, Any]) -> None:
        self.process, self.limits = process, limits
        self.started = self.looked = time.monotonic()
        self.counted, self.resident = 0.0, 0  # when it was last looked at closely, and what it had
        self.peak = self.told = 0

    def over(self) -> str:
        """Which limit is passed: "time", "memory", "output" or ""."""
        now = time.monotonic()
        if now - self.looked > LOOK:
            self.looked = now
            self._look(now)
        if self.peak > self.limits["memory_mb"] << 20:
            return "memory"
        if self.told > self.limits["output_mb"] << 20:
            return "output"
        return "time" if now - self.started > self.limits["seconds"] else ""

    def _look(self, now: float) -> None:
        """Count its memory, where that may have passed the limit, has grown, or once a second."""
        processes = processes_of(self.process)
        resident = resident_of(processes)  # never less than what counts
        near = resident > self.limits["memory_mb"] << 20
        if near or resident > self.resident + GROWN or now - self.counted > 1:
            self.counted, self.resident = now, resident
            self.peak = max(self.peak, memory_of(processes))


def _relayed(watch: Watch, source: int, out: int, calls: int, answers: int) -> str:
    """Pass messages between the grader and a box; why that ended, "" for the grader's own end.

    A box that does not read must not make this wait: it may have shrunk its pipe to a page.
    """
    from course_lib.grading.wire import HEAD, Garbled

    os.set_blocking(calls, False)
    heard = told = b""
    while not (why := watch.over()):
        ready, writable, _ = select.select([source, answers], [calls] if told else [], [], LOOK)
        if writable:
            try:
                told = told[os.write(calls, told) :]
            except BrokenPipeError:
                told = b""
        if source in ready:
            message = _receive(source)
            if message[:1] == END:
                return ""
            told += HEAD.pack(len(message) - 1) + message[1:]
        if answers in ready:
            data = os.read(answers, 1 << 16)
            if not data:
                return "ended"
            watch.told += len(data)
            try:
                heard = _passed_on(heard + data, out)
            except Garbled:
                return "garbled"
    return why


def _passed_on(buffer: bytes, out: int) -> bytes:
    """Whole messages of a box are sent on, marked as its own; the rest is returned."""
    from course_lib.grading.wire import HEAD, MOST_BYTES, Garbled, send

    while len(buffer) >= HEAD.size:
        (length,) = HEAD.unpack(buffer[: HEAD.size])
        if length > MOST_BYTES:
            raise Garbled("a message that is too long")
        if len(buffer) < HEAD.size + length:
            return buffer
        send(out, b"\x00" + buffer[HEAD.size : HEAD.size + length])
        buffer = buffer[HEAD.size + length :]
    return buffer


if __name__ == "__main__":
    serve()
