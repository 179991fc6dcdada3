"""Grading without a sandbox, for a machine that has none: loud, and noted in the gradebook.

The same parent and the same boxes (:mod:`.inside`), but a box is a plain process: it sees the files
and the network that this user sees, and may write and read them. What is left are limits on time,
memory and output, and that nothing of a submission runs in the grader's own process.
"""

import os
import sys
import tempfile
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from ..base import require
from .box import ENVIRONMENT, Sandbox

PACKAGES = Path(__file__).resolve().parents[2]
PATIENCE = 20  # seconds for the end of the parent, which takes its folder away
START = (
    "import sys; sys.path[:0] = ['{}']; sys.path += {}; "
    "from course_lib.grading.unsafe import serve_plainly; serve_plainly()"
)
WARNING = """\
NO SANDBOX. Each submission can read, change and send away whatever you can on this machine: the
cohort's secret, the gradebook, other students' files, your keys. Nothing they earn can be trusted
further than the students. The gradebook notes that it was graded so."""


class UnsafeSandbox(Sandbox):
    """A :class:`~.box.Sandbox` that shuts nothing in."""

    def __init__(self) -> None:
        require(
            sys.platform.startswith("linux"),
            "grading needs Linux, also without a sandbox: memory and processes of a submission "
            "are watched in Linux's own way. Use a Linux machine, or on Windows WSL 2.",
        )
        start = START.format(PACKAGES, [place for place in sys.path if "site-packages" in place])
        values = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        super().__init__(["env", "-i", *values, sys.executable, "-P", "-s", "-c", start])

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except TimeoutExpired:
            pass
        super().__exit__(*error)


def serve_plainly() -> None:
    """The parent, :func:`.inside.serve`, whose boxes have limits and no walls."""
    from . import inside

    if not all(_open_to_others(place) for place in (sys.base_prefix, sys.prefix, str(PACKAGES))):
        inside.UNPRIVILEGED = os.getuid()  # another user could not read Python itself
    with tempfile.TemporaryDirectory(prefix="course-grading-") as folder:
        if os.getuid() == 0:
            os.chown(folder, inside.UNPRIVILEGED, inside.UNPRIVILEGED)
        inside.enter_box = limit
        inside.furnish = lambda limits: settle(folder)
        inside.serve()


def limit(limits: dict[str, Any]) -> None:
    """The limits of a box that hold without namespaces."""
    from .inside import resource

    # not on processes: here they are counted for the whole user
    for name, value in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", limits["file_mb"] << 20),
        ("RLIMIT_NOFILE", 256),
        ("RLIMIT_CPU", limits["cpu_seconds"]),
        ("RLIMIT_AS", limits["address_mb"] << 20),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))


def settle(folder: str) -> None:
    """Work in ``folder``; what forks from here on ends with its parent."""
    from .inside import PR_SET_PDEATHSIG, libc

    os.chdir(folder)
    os.register_at_fork(after_in_child=lambda: libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0))


def _open_to_others(place: str) -> bool:
    """Whether every user may pass into a folder."""
    path = Path(place).resolve()
    return all(folder.stat().st_mode & 0o5 for folder in (path, *path.parents))
