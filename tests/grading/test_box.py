"""The sandbox: what a submission sees, and what stops it. Every test makes real boxes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_lib.classroom.checks.calling import NOT_ENDED, Call
from course_lib.grading.box import Asked, Limits, Sandbox, Stopped, inside_of, sandbox_problem

pytestmark = pytest.mark.skipif(bool(sandbox_problem()), reason=sandbox_problem())
SLOW = Limits(seconds=120, cpu_seconds=120)  # for a machine that is ten times slower


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        assert running.plan(["import numpy as np", "import torch", "ours = 5"]) == []
        yield running


def told(sandbox, *cells, limits=SLOW):
    """The value of ``answer`` after ``cells``, in a box of its own."""
    with sandbox.box(cells, limits) as box:
        asked = box.task("answer", "answer")
        value = asked.value
        asked.over()
    return value


def tried(code):
    """A cell that keeps in ``answer`` what ``code`` gives, or the name of its error."""
    return (
        "import os, sys, socket\ntry:\n    answer = " + code + "\n"
        "except BaseException as error:\n    answer = type(error).__name__"
    )


def test_calls_are_made_in_the_box(sandbox):
    cells = ["def double(x, times=2):\n    return x * times + ours - 5"]
    with sandbox.box(cells, SLOW) as box:
        asked = box.task("double", "double")
        assert asked.there and asked.callable and asked.body
        assert asked.names == ["x", "times"]
        got = asked.made(Call((torch.ones(2, 3),))).got
        assert torch.equal(got, torch.full((2, 3), 2.0))
        assert asked.made(Call((4,), {"times": 3})).got == 12
        wrong = asked.made(Call(("a", "b"))).wrong
        assert "TypeError" in wrong.message
        asked.over()
        again = box.task("other", "other")
        assert not again.there
        again.over()
    assert box.why == "" and box.seconds > 0 and box.peak_mb > 1


def test_after_two_calls_that_do_not_end_no_other_is_made():
    class Slow:
        calls = 0

        def say(self, message):
            self.calls += 1

        def hear(self):
            return {"wrong": NOT_ENDED}

    slow = Slow()
    asked = Asked(slow, {"there": True, "callable": True})
    answers = [asked.made(Call((n,))) for n in range(5)]
    assert slow.calls == 2
    assert {answer.wrong.message for answer in answers} == {NOT_ENDED}


def test_cells_that_fail_are_left_behind_and_order_does_not_matter(sandbox):
    cells = ["answer = later() + 1", "1 / 0", "def later():\n    return 41", "def broken(:"]
    with sandbox.box(cells, SLOW) as box:
        asked = box.task("answer", "answer")
        assert asked.value == 42
        asked.over()
    assert [line.split(":")[0] for line in box.errors] == ["cell 1", "cell 3"]


def test_tasks_do_not_see_what_others_did(sandbox):
    cells = ["seen = []", "def f(x):\n    seen.append(x)\n    return len(seen)"]
    with sandbox.box(cells, SLOW) as box:
        for _ in range(2):
            asked = box.task("f", "f")
            assert asked.made(Call((1,), times=1)).got == 1
            asked.over()


def test_a_box_that_cannot_be_made_is_no_fault_of_the_student(sandbox):
    impossible = replace(SLOW, disk_mb=-1)
    with pytest.raises(OSError, match="could not be made: .*mount"):
        with sandbox.box(["answer = 1"], impossible):
            pass
    assert told(sandbox, "answer = 3") == 3


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("os.listdir('/proc')", []),
        ("os.listdir('/dev/shm')", []),
        ("os.listdir('/tmp')", []),
        ("os.listdir('/course')", ["course_lib"]),
        ("os.path.exists('/course/exercises')", False),
        ("os.listdir('/home')", "FileNotFoundError"),
        ("open('/etc/passwd').read()", "FileNotFoundError"),
        ("open('/etc/shadow').read()", "FileNotFoundError"),
        ("open('/course/course_lib/new', 'w')", "OSError"),
        ("open('/new', 'w')", "OSError"),
        ("open('/dev/new', 'w')", "OSError"),
        ("os.kill(1, 9) or os.getppid()", 1),
        ("sorted(set(os.environ) & {'SECRET', 'HOME', 'PATH'})", ["HOME", "PATH"]),
        ("socket.create_connection(('127.0.0.1', 80), 1)", "OSError"),
        ("socket.gethostbyname('example.org')", "gaierror"),
        ("open('/tmp/mine', 'w').write('x' * 10)", 10),
    ],
)
def test_what_a_box_sees(sandbox, code, seen, monkeypatch):
    found = told(sandbox, tried(code))
    if seen == "OSError":  # read-only, or not permitted: it depends on who started it
        assert found in ("OSError", "PermissionError", "ConnectionRefusedError")
    else:
        assert found == seen


def test_a_box_leaves_nothing_for_the_next(sandbox):
    told(sandbox, "open('/tmp/left', 'w').write('x')", "import torch", "torch.left = 1", "answer=1")
    code = "[os.path.exists('/tmp/left'), hasattr(sys.modules['torch'], 'left')]"
    assert told(sandbox, "import torch", tried(code)) == [False, False]


FORGED = """
import os
for fd in range(3, 20):
    try: os.write(fd, b'\\xff' * 64)
    except OSError: pass
"""
FLOOD = """
import os, struct
flood = struct.pack('>I', 1000) + b' ' * 1000
while True:
    for fd in range(3, 20):
        try: os.write(fd, flood)
        except OSError: pass
"""


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import signal\nsignal.setitimer(0, 0)\nwhile True: pass", "time"),
        ("import time\ntry: time.sleep(600)\nexcept BaseException: time.sleep(600)", "time"),
        ("keep = bytearray(300 << 20)", "memory"),
        (
            "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n"
            "        keep = bytearray(os.urandom(1 << 20) * 60); time.sleep(600)\ntime.sleep(600)",
            "memory",
        ),
        ("import os\nos._exit(0)", "ended"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended"),
        (FORGED, "garbled"),
        (FLOOD, "output"),
    ],
    ids=["loop", "sleep", "memory", "memory in many", "exit", "kill", "forged", "flood"],
)  # fmt: skip
def test_a_box_is_stopped_and_the_next_is_whole(sandbox, cell, why):
    limits = Limits(seconds=8, memory_mb=250, output_mb=1)
    with pytest.raises(Stopped) as stopped, sandbox.box([cell, "answer = 1"], limits) as box:
        box.task("answer", "answer")
    # a flood is also no answer, and what ends early may have been stopped while it was read
    assert stopped.value.why in {why, "garbled"} if why == "output" else stopped.value.why == why
    assert told(sandbox, "answer = 3") == 3


def test_a_box_that_does_not_read_does_not_make_the_grader_wait(sandbox):
    deaf = "import os, time\nreal = os.read\ndef answer(x): return x"
    shut = "read = lambda *a: real(*a) if a[1] < 400 else time.sleep(600)\nos.read = read"
    with pytest.raises(Stopped) as stopped, sandbox.box([deaf, shut], Limits(seconds=8)) as box:
        box.task("answer", "answer").made(Call(("x" * 500_000,)))
    assert stopped.value.why == "time"
    assert told(sandbox, "answer = 3") == 3


def test_many_processes_are_held_back(sandbox):
    """Nothing is left to answer with: without the limit it would be time or memory that ends it."""
    bomb = (
        "import os, time\nwhile True:\n    if os.fork() == 0:\n        time.sleep(600)\n"
        "        os._exit(0)"
    )
    with pytest.raises(Stopped) as stopped, sandbox.box([bomb, "answer = 1"], SLOW) as box:
        assert "BlockingIOError" in box.errors[0]
        box.task("answer", "answer")
    assert stopped.value.why == "ended"
    assert told(sandbox, "answer = 3") == 3


def test_the_disk_is_small(sandbox):
    fill = tried("open('/tmp/big', 'wb').write(b'x' * (64 << 20))")
    assert told(sandbox, fill) == "OSError"


def test_an_environment_below_tmp_is_reached_elsewhere():
    """A box's own /tmp hides that of the machine."""
    assert inside_of(Path("/tmp/x/.venv/bin/python")) == Path("/outside/tmp/x/.venv/bin/python")
    assert inside_of(Path("/opt/python")) == Path("/opt/python")


def test_without_a_sandbox_it_is_said_what_to_do(monkeypatch):
    from course_lib.grading import box

    box.sandbox_problem.cache_clear()
    monkeypatch.setattr(box.shutil, "which", lambda name: None)
    assert "apt install bubblewrap" in box.sandbox_problem()
    box.sandbox_problem.cache_clear()
    monkeypatch.setattr(box.sys, "platform", "darwin")
    assert "needs Linux" in box.sandbox_problem()
    box.sandbox_problem.cache_clear()
