"""Grading a class: `course grade` on 300 submissions that import torch, nbgrader on some of them.

    python benchmarks/grading.py [--quick] [--json] [--exercise ex01] [--submissions N] [--peers N]

Half of nbgrader's share is graded before, half after, so that a machine that is busy for a while
treats both alike. Its start is not counted, ours is. nbgrader 0.9.6 runs in an environment of its
own (`make nbgrader`; another one: NBGRADER_ENV); without it there is no ratio. Linux.
"""

import contextlib
import csv
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import common

ROOT = Path(__file__).resolve().parents[1]
SEED = 17
SECRET = "20270301"
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
BEGINS = "Creating/updating student"  # nbgrader's first words on a submission
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'class'\n"


# ---- what a tree of processes takes ------------------------------------------------------------


@dataclass
class Taken:
    """Wall seconds, and peak memory of all processes together, MiB.

    ``start``: seconds until it said that it begins.
    """

    seconds: float = 0.0
    peak_mb: float = 0.0
    start: float = 0.0


def parent_of(process: str) -> int:
    """The parent of a process; 0 when it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{process}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[1])
    return 0


def tree_of(root: int) -> list[int]:
    """``root`` and all processes below."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        children.setdefault(parent_of(name), []).append(int(name))
    tree = [root]
    for process in tree:  # it grows on the way
        tree += children.get(process, [])
    return tree


def memory_of(process: int) -> float:
    """Bytes of a process: what it shares counts in part, in full where the system hides that."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text("utf-8")
        return int(text.split("Pss:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        with contextlib.suppress(OSError):
            return int(Path(f"/proc/{process}/statm").read_text("utf-8").split()[1]) * PAGE
    return 0


@contextlib.contextmanager
def watched(root: int) -> Iterator[Taken]:
    """Look at a tree of processes every second, until the end."""
    taken, ended, begun = Taken(), threading.Event(), time.monotonic()

    def look() -> None:
        while not ended.wait(1):
            used = sum(map(memory_of, tree_of(root)))
            taken.peak_mb = max(taken.peak_mb, used / 2**20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield taken
    finally:
        ended.set()
        thread.join()
        taken.seconds = time.monotonic() - begun


def run(command: Sequence[str], begins: str = "", **how: Any) -> tuple[Taken, str, int]:
    """Run a command: what it took, all it said, its status.

    ``begins``: what stands in the line with which its start is over.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.PIPE, text=True, encoding="utf-8", **how
        )
        begun, said = time.monotonic(), []
        with watched(process.pid) as taken:
            assert process.stderr
            for line in process.stderr:
                said.append(line)
                if begins and begins in line and not taken.start:
                    taken.start = time.monotonic() - begun
            status = process.wait()
        out.seek(0)
        said.append(out.read())
    return taken, "".join(said), status


# ---- nbgrader ----------------------------------------------------------------------------------


class Peer:
    """nbgrader's own programs on a course made for them."""

    def __init__(self, folder: Path, exercise: str, file: str, handed_out: str) -> None:
        home = Path(os.environ.get("NBGRADER_ENV", ROOT / ".venv-nbgrader"))
        self.program = home / "bin" / "nbgrader"
        self.course, self.exercise, self.file = folder / "course", exercise, file
        self.taken: list[Taken] = []
        self.timeouts = self.failures = 0
        self.graded: list[str] = []
        if not self.program.is_file():
            return
        self.environment = {
            **os.environ,
            "JUPYTER_PATH": str(folder / "jupyter"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "HOME": str(folder),
            "COURSE_PROGRESS": str(folder / "progress.json"),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        kernel = folder / "jupyter" / "kernels" / "python3"
        kernel.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(spec), "utf-8")
        source = self.course / "source" / exercise
        source.mkdir(parents=True)
        (source / file).write_text(handed_out, encoding="utf-8")
        (self.course / "nbgrader_config.py").write_text(CONFIG, "utf-8")
        self.call("generate_assignment", exercise, "--create")

    @property
    def there(self) -> bool:
        """Whether nbgrader is installed."""
        return self.program.is_file()

    def call(self, *words: str) -> tuple[Taken, str]:
        command = [str(self.program), *words]
        taken, said, status = run(command, BEGINS, cwd=self.course, env=self.environment)
        if status and words[0] != "autograde":  # which ends so where one submission failed
            raise SystemExit(f"nbgrader {words[0]} failed: {said[-2000:]}")
        return taken, said

    def grade(self, made: Sequence[Any]) -> None:
        """Autograde these, and remember what it took from the first submission on."""
        if not made or not self.there:
            return
        for one in made:
            place = self.course / "submitted" / one.student / self.exercise
            place.mkdir(parents=True)
            (place / self.file).write_bytes(one.data)
        taken, said = self.call("autograde", self.exercise, "--create")
        self.taken.append(taken)
        self.timeouts += said.count("Timeout waiting for execute reply")
        self.failures += said.count("There was an error processing assignment")
        self.graded += [one.student for one in made]

    def points(self) -> dict[str, float]:
        """student → points, as nbgrader exports them."""
        self.call("export", "--to", "grades.csv")
        with open(self.course / "grades.csv", encoding="utf-8") as file:
            return {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}


# ---- ours --------------------------------------------------------------------------------------


def graded(exercise: str, submissions: Path, book: Path, workers: int) -> Taken:
    """`course grade`, as an instructor runs it."""
    secret = book.with_suffix(".secret")
    secret.write_text(SECRET, "utf-8")
    words = ["grade", exercise, str(submissions), "--gradebook", str(book), "--quiet"]
    words += ["--seed-file", str(secret), "--workers", str(workers), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    taken, said, status = run([sys.executable, "-m", "course_lib", *words], env=environment)
    if status not in (0, 1):  # 1: some could not be read, as some should
        raise SystemExit(f"course grade failed: {said}")
    return taken


def rows_of(book_file: Path, exercise: str, made: Sequence[Any]) -> list[dict[str, Any]]:
    """What came of each submission."""
    from course_lib.grading.gradebook import Gradebook

    kinds = {one.student: one for one in made}
    rows = []
    with Gradebook(book_file) as book:
        for entry in book.entries(exercise):
            results, one = book.results(entry.id), kinds[entry.student]
            row = {
                "student": entry.student,
                "kind": one.kind,
                "fault": one.fault,
                "points": sum(result.points for result in results),
                "most": sum(result.most for result in results),
                "seconds": sum(result.seconds for result in results),
                "peak_mb": max(result.peak_mb for result in results),
            }
            rows.append(row | {"as expected": as_expected(row)})
    return rows


def as_expected(row: dict[str, Any]) -> bool:
    """Whether a submission of its kind may earn these points."""
    share = row["points"] / row["most"]
    return {
        "right": share == 1,
        "partly": share < 1,
        "wrong": share < 1,
        "broken": share < 1,
        "empty": share == 0,
    }[row["kind"]]


def by_kind(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of each kind, and of each fault: how many, mean share of the points, seconds of boxes."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["kind"], []).append(row)
        if row["fault"]:
            groups.setdefault(f"broken: {row['fault']}", []).append(row)
    return {
        name: {
            "submissions": len(group),
            "share": statistics.mean(row["points"] / row["most"] for row in group),
            "seconds": statistics.mean(row["seconds"] for row in group),
            "peak_mb": max(row["peak_mb"] for row in group),
            "as_expected": sum(row["as expected"] for row in group),
        }
        for name, group in sorted(groups.items())
    }


# ---- the whole ---------------------------------------------------------------------------------


def measured(args: Any) -> dict[str, Any]:
    """All numbers of one run."""
    from synthetic_class import Classroom, written

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        room = Classroom(args.exercise, SEED)
        made = room.submissions(args.submissions, args.peers)
        theirs = [one for one in made if one.peer]
        peer = Peer(folder, args.exercise, room.file, room.handed_out)
        busy = [os.getloadavg()[0]]
        peer.grade(theirs[::2])
        busy.append(os.getloadavg()[0])
        submissions = written(made, room.file, folder / "handed_in")
        ours = graded(args.exercise, submissions, folder / "grades.sqlite", args.workers)
        busy.append(os.getloadavg()[0])
        peer.grade(theirs[1::2])
        rows = rows_of(folder / "grades.sqlite", args.exercise, made)
        result = {
            "exercise": args.exercise,
            "submissions": len(rows),
            "workers": args.workers,
            "cores": len(os.sched_getaffinity(0)),
            "load before, between, after": [round(load, 1) for load in busy],
            "seconds": ours.seconds,
            "peak_mb": ours.peak_mb,
            "kinds": by_kind(rows),
            "unexpected": [row for row in rows if not row["as expected"]],
            "ratios": {"seconds a submission": ours.seconds / len(rows)},
            "aims": {"seconds a submission": 1, "times nbgrader's rate": 8},
            "at_most": ["seconds a submission"],
        }
        if peer.graded:
            compare(result, peer, {row["student"]: row for row in rows})
    return result


def compare(result: dict[str, Any], peer: Peer, rows: dict[str, dict[str, Any]]) -> None:
    """Add nbgrader's numbers and the ratios to ``result``."""
    count = len(peer.graded)
    seconds = sum(taken.seconds - taken.start for taken in peer.taken) / count
    points = peer.points()
    result["nbgrader"] = {
        "submissions": count,
        "seconds a submission": seconds,
        "seconds of its starts, not counted": [taken.start for taken in peer.taken],
        "cells stopped by its limit of 30 s": peer.timeouts,
        "submissions that it failed on": peer.failures,
        "peak_mb": max(taken.peak_mb for taken in peer.taken),
        "points, ours and its": {
            f"{name} ({rows[name]['kind']})": [rows[name]["points"], points.get(name)]
            for name in peer.graded
        },
    }
    ratios = result["ratios"]
    ratios["times nbgrader's rate"] = seconds / ratios["seconds a submission"]


def lines_of(result: dict[str, Any]) -> list[str]:
    """The result as text."""
    lines = [
        f"{result['submissions']} submissions of {result['exercise']}, {result['workers']} "
        f"workers, {result['cores']} cores; load {result['load before, between, after']}",
        f"course grade: {result['seconds']:.1f} s, at most {result['peak_mb']:.0f} MiB together",
        "",
        f"{'kind':24}{'how many':>9}{'points':>8}{'s in boxes':>12}{'MiB':>6}{'as expected':>13}",
    ]
    for kind, row in result["kinds"].items():
        lines.append(
            f"{kind:24}{row['submissions']:9}{row['share']:8.0%}{row['seconds']:12.2f}"
            f"{row['peak_mb']:6.0f}{row['as_expected']:13}"
        )
    lines += [f"NOT as expected: {row}" for row in result["unexpected"]]
    peer = result.get("nbgrader")
    if peer is None:
        return [*lines, "", "nbgrader was not run (`make nbgrader` installs it)", ""]
    lines += ["", f"nbgrader on {peer['submissions']} of them, not counting its start of "]
    lines[-1] += ", ".join(f"{start:.1f} s" for start in peer["seconds of its starts, not counted"])
    lines[-1] += (
        f": {peer['seconds a submission']:.2f} s each, "
        f"{peer['peak_mb']:.0f} MiB; "
        f"{peer['cells stopped by its limit of 30 s']} cells stopped by its limit of 30 s, "
        f"{peer['submissions that it failed on']} submissions not graded"
    )
    for name, (mine, its) in peer["points, ours and its"].items():
        theirs = "none" if its is None else f"{its:g}"
        lines.append(f"  {name}: {mine:g} points; nbgrader {theirs}")
    return [*lines, ""]


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--exercise", default="ex01", help="which (default ex01)")
    parser.add_argument("--submissions", type=int, help="how many (default 300; --quick: 24)")
    parser.add_argument("--peers", type=int, help="of them for nbgrader (default 6; --quick: 2)")
    parser.add_argument("--workers", type=int, default=2, help="of `course grade` (default 2)")
    args = parser.parse_args()
    args.submissions = args.submissions or (24 if args.quick else 300)
    args.peers = (2 if args.quick else 6) if args.peers is None else args.peers
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        raise SystemExit("grading needs Linux and bubblewrap, see docs/instructors.md.")
    if importlib.util.find_spec("ipykernel") is None:
        args.peers = 0
    common.finish(args, (result := measured(args)), lines_of(result))


if __name__ == "__main__":
    main()
