"""The gradebook: one SQLite file, written by the grader alone.

========== =======================================================================================
table      a row is
========== =======================================================================================
batch      one run of the grader over an exercise: which version of what, which limits, how shut in
submission one file that a student handed in, by the SHA-256 of its bytes
grading    one submission graded in one batch; the newest of a submission counts
result     what one task earned in one grading, with the evidence
answer     what a submission says to a question or a written case
override   points that a person gives in place of a task's, or of all; the newest counts
mark       points that a person gives a written answer; the newest of each item counts
rule       a deadline and what lateness costs; the newest counts, a student's own before all others
========== =======================================================================================

Nothing is ever changed or deleted but ``batch.ended`` and what is known of who handed a file in,
and when: triggers refuse it. So what was graded first can be read after it was graded again, and an
override stands beside the result. Each submission is one transaction: after kill -9 it is in the
gradebook, whole, or not there. ``docs/grading.md`` has every column.

The file is in WAL mode: any number of readers while the grader writes. WAL needs a disk of this
machine, not a network share. Times are UTC, as ISO 8601.
"""

import contextlib
import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..base import VERSION, CourseError, require
from .judge import CLASSES, Result

APPLICATION = 0x43524742  # "CRGB": how a gradebook is told from other SQLite files
SCHEMA_VERSION = 1
PATIENCE = 60  # seconds that a writer waits for another
REGRADE = ("", "changed", "all")

_LIST = ", ".join(f"'{name}'" for name in CLASSES)
TABLES = {
    "batch": """
        id INTEGER PRIMARY KEY,
        exercise TEXT NOT NULL,
        version TEXT NOT NULL,
        course TEXT NOT NULL,
        seed TEXT NOT NULL,
        limits TEXT NOT NULL,
        sandbox TEXT NOT NULL,
        unsafe INTEGER NOT NULL CHECK (unsafe IN (0, 1)),
        regrade TEXT NOT NULL CHECK (regrade IN ('', 'changed', 'all')),
        started TEXT NOT NULL,
        ended TEXT""",
    "submission": """
        id INTEGER PRIMARY KEY,
        exercise TEXT NOT NULL,
        student TEXT NOT NULL CHECK (student != ''),
        file TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        name TEXT NOT NULL,
        ids TEXT NOT NULL,
        submitted TEXT,
        late INTEGER CHECK (late IN (0, 1)),
        added TEXT NOT NULL,
        seen TEXT NOT NULL,
        UNIQUE (exercise, student, file, sha256)""",
    "grading": """
        id INTEGER PRIMARY KEY,
        submission INTEGER NOT NULL REFERENCES submission,
        batch INTEGER NOT NULL REFERENCES batch,
        copied INTEGER REFERENCES grading,
        problem TEXT NOT NULL,
        notes TEXT NOT NULL,
        graded TEXT NOT NULL,
        UNIQUE (submission, batch)""",
    "result": f"""
        grading INTEGER NOT NULL REFERENCES grading,
        task TEXT NOT NULL,
        points REAL NOT NULL CHECK (points >= 0 AND points <= most),
        most REAL NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ({_LIST})),
        message TEXT NOT NULL,
        hint TEXT NOT NULL,
        read TEXT NOT NULL,
        properties TEXT NOT NULL,
        hidden_right INTEGER NOT NULL,
        hidden INTEGER NOT NULL CHECK (hidden_right BETWEEN 0 AND hidden),
        seconds REAL NOT NULL,
        peak_mb REAL NOT NULL,
        PRIMARY KEY (grading, task)""",
    "answer": """
        submission INTEGER NOT NULL REFERENCES submission,
        question TEXT NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (submission, question)""",
    "override": """
        id INTEGER PRIMARY KEY,
        submission INTEGER NOT NULL REFERENCES submission,
        task TEXT NOT NULL,
        points REAL CHECK (points >= 0),
        reason TEXT NOT NULL CHECK (reason != ''),
        author TEXT NOT NULL CHECK (author != ''),
        made TEXT NOT NULL""",
    "mark": """
        id INTEGER PRIMARY KEY,
        submission INTEGER NOT NULL REFERENCES submission,
        item TEXT NOT NULL,
        points REAL NOT NULL CHECK (points >= 0 AND points <= most),
        most REAL NOT NULL,
        note TEXT NOT NULL,
        author TEXT NOT NULL CHECK (author != ''),
        made TEXT NOT NULL""",
    "rule": """
        id INTEGER PRIMARY KEY,
        exercise TEXT NOT NULL,
        student TEXT NOT NULL,
        deadline TEXT NOT NULL,
        percent REAL NOT NULL CHECK (percent BETWEEN 0 AND 100),
        cap REAL NOT NULL CHECK (cap BETWEEN 0 AND 100),
        grace REAL NOT NULL CHECK (grace >= 0),
        author TEXT NOT NULL CHECK (author != ''),
        made TEXT NOT NULL""",
}
# of these rows are added, and none is changed
KEPT = ("grading", "result", "answer", "override", "mark", "rule")
INDEXES = {
    "grading_of_submission": "grading (submission)",
    "submission_of_exercise": "submission (exercise, student)",
    "submission_of_bytes": "submission (sha256)",
}


@dataclass(frozen=True)
class Batch:
    """One run of the grader. ``version``, ``seed``: fingerprints. ``ended``: None while it runs."""

    id: int
    exercise: str
    version: str
    course: str
    seed: str
    limits: str
    sandbox: str
    unsafe: bool
    regrade: str
    started: str
    ended: str | None

    @property
    def key(self) -> tuple:
        """What the results of a file depend on beside its bytes."""
        return self.exercise, self.version, self.seed, self.limits, self.unsafe


@dataclass(frozen=True)
class Entry:
    """One submission in the gradebook, with its newest grading.

    ``student``: the key, as folder or file name gave it; ``name``, ``ids``: what else is known.
    ``copied_from``: the student whose file has the same bytes and was graded, or "".
    ``problem``: why it could not be read, or "". ``graded``: when, or "" while it is not.
    """

    id: int
    exercise: str
    student: str
    file: str
    sha256: str
    name: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    submitted: datetime | None = None
    late: bool | None = None
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    copied_from: str = ""
    batch: int | None = None
    graded: str = ""


@dataclass
class Stored(Result):
    """A result as it stands in the gradebook: with its batch, and when it was graded."""

    batch: int = 0
    graded: str = ""
    copied_from: str = ""


@dataclass(frozen=True)
class Override:
    """Points in place of a task's result, or of the whole where ``task`` is "".

    None for ``points`` takes an earlier override back.
    """

    task: str
    points: float | None
    reason: str
    author: str
    made: str


@dataclass(frozen=True)
class Mark:
    """Points that a person gave to a written answer, or to one item of its rubric."""

    item: str
    points: float
    most: float
    note: str
    author: str
    made: str


@dataclass(frozen=True)
class Rule:
    """What lateness costs: ``percent`` of the points for each day begun, ``cap`` at most.

    ``grace``: minutes past the deadline that cost nothing. ``student``: "" for everybody.
    """

    exercise: str
    student: str
    deadline: datetime
    percent: float
    cap: float
    grace: float
    author: str
    made: str


def now() -> str:
    """This moment, UTC, as the gradebook writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def as_utc(moment: datetime) -> str:
    """A moment as the gradebook writes it; without a zone it is taken as this machine's time."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def clean(text: str) -> str:
    """``text`` as a database can hold it: bytes that are no UTF-8 (in file names) are spelt out."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


class Gradebook:
    """A gradebook file. Use as a context manager; see the module for what is in it.

    ``create``: make it where there is none. Raises :class:`CourseError` for a file that is no
    gradebook, or of a newer version of the course, and where it is not there.
    """

    def __init__(self, path: Path | str, create: bool = False) -> None:
        self.path = Path(path)
        require(
            create or self.path.exists(),
            f"there is no gradebook at {self.path}. `course grade` makes one.",
        )
        require(not self.path.is_dir(), f"{self.path} is a folder; a gradebook is a file.")
        require(
            self.path.parent.is_dir(),
            f"there is no folder {self.path.parent} for the gradebook. Make it first.",
        )
        with self._explained():
            self.connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        try:
            with self._explained():
                self._open(create)
        except BaseException:
            self.connection.close()
            raise

    def __enter__(self) -> "Gradebook":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def _open(self, create: bool) -> None:
        known = self._value("PRAGMA application_id")
        version = self._value("PRAGMA user_version")
        tables = self._value("SELECT count(*) FROM sqlite_master")
        require(
            known == APPLICATION or (create and known == 0 and tables == 0),
            f"{self.path} is no gradebook: nothing was written. Give another --gradebook.",
        )
        require(
            version <= SCHEMA_VERSION,
            f"{self.path} was written by a newer version of the course (gradebook {version}; this "
            f"one reads {SCHEMA_VERSION}). Update the course: you have {VERSION}.",
        )
        self.connection.execute("PRAGMA foreign_keys = ON")
        if known == 0:
            # its own step: journal_mode cannot be part of a transaction
            self.connection.execute("PRAGMA journal_mode = WAL")
            self._make()
        self.connection.execute("PRAGMA synchronous = FULL")

    def _make(self) -> None:
        with self.transaction():
            if self._value("PRAGMA application_id") == APPLICATION:
                return  # another process was quicker
            for name, columns in TABLES.items():
                self.connection.execute(f"CREATE TABLE {name} ({columns})")
            for name, columns in INDEXES.items():
                self.connection.execute(f"CREATE INDEX {name} ON {columns}")
            for table in KEPT:
                for action in ("UPDATE", "DELETE"):
                    self.connection.execute(
                        f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, 'a {table} is kept as it is'); END"
                    )
            self.connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is kept together, or, after an error or kill, not at all."""
        with self._explained():
            self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        with self._explained():
            self.connection.execute("COMMIT")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors in words."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise CourseError(f"the gradebook does not take this: {error}.") from None
        except sqlite3.DatabaseError as error:
            said = str(error)
            if "locked" in said or "busy" in said:
                said = "another program is writing to it and does not end. Close it and try again"
            elif "not a database" in said:
                said = "it is no gradebook; nothing was written. Give another --gradebook"
            elif "readonly" in said or "unable to open" in said:
                said = "it cannot be opened here. May you write this file and its folder"
                said += "? WAL needs both, also to read"
            raise CourseError(f"{self.path}: {said}.") from None

    def _rows(self, sql: str, *values: Any) -> list[tuple]:
        with self._explained():
            return self.connection.execute(sql, values).fetchall()

    def _value(self, sql: str, *values: Any) -> Any:
        rows = self._rows(sql, *values)
        return rows[0][0] if rows else None

    def _add(self, table: str, **row: Any) -> int:
        """Add a row; its number."""
        cleaned = {k: clean(v) if isinstance(v, str) else v for k, v in row.items()}
        names, places = ", ".join(cleaned), ", ".join("?" * len(cleaned))
        with self._explained():
            done = self.connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(cleaned.values())
            )
        return int(done.lastrowid or 0)

    # ---- batches -------------------------------------------------------------------------------

    def unfinished(self, batch: Batch) -> Batch | None:
        """A batch that is the same in everything as ``batch`` and did not end; the newest."""
        for found in reversed(self.batches(batch.exercise)):
            same = found.key == batch.key and found.regrade == batch.regrade
            if same and found.ended is None:
                return found
        return None

    def add_batch(self, batch: Batch) -> Batch:
        """Begin a batch; ``id`` and ``started`` are set here. One transaction is yours."""
        row = asdict(batch) | {"started": now(), "ended": None}
        del row["id"]
        return replace(batch, id=self._add("batch", **row), started=row["started"])

    def end_batch(self, number: int) -> None:
        """Note that everything of a batch is graded."""
        with self.transaction():
            self._rows("UPDATE batch SET ended = ? WHERE id = ?", now(), number)

    def batches(self, exercise: str = "") -> list[Batch]:
        """All batches, or those of an exercise, oldest first."""
        names = ", ".join(f.name for f in fields(Batch))
        rows = self._rows(
            f"SELECT {names} FROM batch WHERE ? IN ('', exercise) ORDER BY id", exercise
        )
        return [Batch(*row[:7], bool(row[7]), *row[8:]) for row in rows]

    # ---- submissions and results ---------------------------------------------------------------

    def add_submission(self, entry: Entry) -> int:
        """The number of a submission, which is added where it is not there.

        What is newly known of who handed it in, and when, is added to what is there, and that it
        was seen now.
        """
        what = {
            "exercise": entry.exercise,
            "student": entry.student,
            "file": entry.file,
            "sha256": entry.sha256,
        }
        known = self._value(
            "SELECT id FROM submission WHERE (exercise, student, file, sha256) = (?, ?, ?, ?)",
            *map(clean, what.values()),
        )
        about = {
            "name": entry.name,
            "ids": json.dumps(entry.ids, sort_keys=True) if entry.ids else "",
            "submitted": as_utc(entry.submitted) if entry.submitted else None,
            "late": None if entry.late is None else int(entry.late),
        }
        if known is None:
            return self._add("submission", **what, **about, added=now(), seen=now())
        self._rows(
            "UPDATE submission SET name = coalesce(nullif(?, ''), name), "
            "ids = coalesce(nullif(?, ''), ids), submitted = coalesce(?, submitted), "
            "late = coalesce(?, late), seen = ? WHERE id = ?",
            *(clean(v) if isinstance(v, str) else v for v in about.values()),
            now(),
            known,
        )
        return int(known)

    def add_grading(
        self,
        submission: int,
        batch: int,
        results: Sequence[Result],
        problem: str = "",
        notes: Sequence[str] = (),
    ) -> int:
        """Keep what a submission earned; the number of this grading. One transaction is yours."""
        number = self._add(
            "grading",
            submission=submission,
            batch=batch,
            problem=problem,
            notes=json.dumps(list(notes)),
            graded=now(),
        )
        for result in results:
            row = asdict(result) | {"properties": json.dumps(result.properties)}
            self._add("result", grading=number, **row)
        return number

    def copy_grading(self, submission: int, batch: int, source: int) -> int:
        """Give a submission the results of another with the same bytes. One transaction is yours.

        Hints and messages, points and evidence are the same rows again; ``copied`` says whose.
        """
        problem, notes, copied = self._rows(
            "SELECT problem, notes, copied FROM grading WHERE id = ?", source
        )[0]
        number = self._add(
            "grading",
            submission=submission,
            batch=batch,
            copied=copied or source,
            problem=problem,
            notes=notes,
            graded=now(),
        )
        names = ", ".join(f.name for f in fields(Result))
        self._rows(
            f"INSERT INTO result (grading, {names}) SELECT ?, {names} FROM result "
            "WHERE grading = ?",
            number,
            source,
        )
        self._rows(
            "INSERT OR IGNORE INTO answer SELECT ?, question, answer FROM answer "
            "WHERE submission = (SELECT submission FROM grading WHERE id = ?)",
            submission,
            source,
        )
        return number

    def graded_in(self, submission: int, batch: Batch) -> str:
        """How the newest grading of a submission stands to a batch.

        "this": it is of that batch. "same": of another that is the same in everything a result
        depends on. "other": of one that is not. "": there is none.
        """
        rows = self._rows(
            "SELECT batch FROM grading WHERE submission = ? ORDER BY id DESC", submission
        )
        if not rows:
            return ""
        if batch.id in [row[0] for row in rows]:
            return "this"
        of = next(b for b in self.batches(batch.exercise) if b.id == rows[0][0])
        return "same" if of.key == batch.key else "other"

    def grading_of_bytes(
        self, sha256: str, file: str, batch: Batch, only_this: bool = False
    ) -> int | None:
        """A grading of the same bytes under the same conditions, to copy; None where none is.

        ``file``: its name, whose ending says how it is read. ``only_this``: of that batch alone.
        """
        rows = self._rows(
            "SELECT grading.id, grading.batch, submission.file FROM grading JOIN submission "
            "ON submission.id = grading.submission WHERE sha256 = ? AND exercise = ? "
            "AND copied IS NULL ORDER BY grading.id DESC",
            sha256,
            batch.exercise,
        )
        same = {b.id for b in self.batches(batch.exercise) if b.key == batch.key}
        wanted = {batch.id} if only_this else same
        ending = Path(file).suffix.lower()
        like = [row for row in rows if Path(row[2]).suffix.lower() == ending]
        return next((number for number, of, _ in like if of in wanted), None)

    def exercises(self) -> list[str]:
        """The exercises of which there are submissions."""
        return [x for (x,) in self._rows("SELECT DISTINCT exercise FROM submission ORDER BY 1")]

    def students(self) -> list[str]:
        """Everybody who handed something in, by name."""
        return [x for (x,) in self._rows("SELECT DISTINCT student FROM submission ORDER BY 1")]

    def entries(self, exercise: str, student: str = "", every: bool = False) -> list[Entry]:
        """For each student the submission that counts, by name; ``every``: all of them.

        Those that could be read go before those that could not. Of several the one that was handed
        in last counts; where that is not known of all, the one that the grader was given last.
        """
        rows = self._rows(
            """
            SELECT s.id, s.exercise, s.student, s.file, s.sha256, s.name, s.ids,
                   s.submitted, s.late, g.problem, g.notes, of.student, g.batch, g.graded
            FROM submission AS s
            LEFT JOIN grading AS g ON g.id =
                (SELECT max(id) FROM grading WHERE submission = s.id)
            LEFT JOIN grading AS source ON source.id = g.copied
            LEFT JOIN submission AS of ON of.id = source.submission
            WHERE s.exercise = ? AND ? IN ('', s.student) ORDER BY s.student, s.seen, s.id
            """,
            exercise,
            clean(student),
        )
        found = [_entry(row) for row in rows]
        if every:
            return found
        theirs: dict[str, list[Entry]] = {}
        for entry in found:
            theirs.setdefault(entry.student, []).append(entry)
        return [_counting(entries) for entries in theirs.values()]

    def results(self, entry_id: int) -> list[Stored]:
        """The results that count of a submission, in the order of the notebook."""
        names = ", ".join(f"r.{f.name}" for f in fields(Result))
        rows = self._rows(
            f"""
            SELECT {names}, g.batch, g.graded, of.student
            FROM result AS r JOIN grading AS g ON g.id = r.grading
            LEFT JOIN grading AS source ON source.id = g.copied
            LEFT JOIN submission AS of ON of.id = source.submission
            WHERE g.id = (SELECT max(id) FROM grading WHERE submission = ?) ORDER BY r.rowid
            """,
            entry_id,
        )
        found = [Stored(*row[:-1], row[-1] or "") for row in rows]
        for result in found:
            result.properties = [tuple(part) for part in json.loads(str(result.properties))]
        return found

    # ---- answers to questions ------------------------------------------------------------------

    def put_answers(self, entry_id: int, answers: dict[str, Any]) -> None:
        """Keep what a submission says to questions; what is there stays. A transaction is yours."""
        for question, answer in answers.items():
            self._rows(
                "INSERT OR IGNORE INTO answer VALUES (?, ?, ?)",
                entry_id,
                clean(question),
                json.dumps(answer),
            )

    def answers(self, entry_id: int) -> dict[str, Any]:
        """Question → answer of a submission."""
        rows = self._rows(
            "SELECT question, answer FROM answer WHERE submission = ? ORDER BY rowid", entry_id
        )
        return {question: json.loads(answer) for question, answer in rows}

    # ---- what people give ----------------------------------------------------------------------

    def override(
        self, entry_id: int, task: str, points: float | None, reason: str, author: str
    ) -> None:
        """Give a ``task`` ``points`` in place of its result's; None takes that back.

        The result stays. ``task`` "" is the whole exercise, before the late rule. Raises for a
        task that was not graded, and for points that it has not.
        """
        most = {result.task: result.most for result in self.results(entry_id)}
        require(
            task in most or not task,
            f"{task} is no graded task of this submission; it has {', '.join(most) or 'none'}.",
        )
        limit = most.get(task, math.inf)
        require(
            points is None or (math.isfinite(points) and 0 <= points <= limit),
            f"{task or 'the whole'} has 0 to {limit:g} points, got {points}.",
        )
        require(reason.strip(), "an override needs a reason: it is read by who asks later.")
        require(author.strip(), "an override needs an author.")
        with self.transaction():
            self._add(
                "override",
                submission=entry_id,
                task=task,
                points=points,
                reason=reason.strip(),
                author=author.strip(),
                made=now(),
            )

    def overrides(self, entry_id: int) -> list[Override]:
        """All overrides of a submission, oldest first; of a task the newest counts."""
        rows = self._rows(
            "SELECT task, points, reason, author, made FROM override WHERE submission = ? "
            "ORDER BY id",
            entry_id,
        )
        return [Override(*row) for row in rows]

    def mark(
        self,
        entry_id: int,
        item: str,
        points: float,
        most: float,
        note: str = "",
        author: str = "",
    ) -> None:
        """Give ``points`` of ``most`` to ``item``, a written answer or a part of its rubric."""
        require(0 <= points <= most, f"{item} has 0 to {most:g} points, got {points}.")
        require(author.strip(), "a mark needs an author.")
        with self.transaction():
            self._add(
                "mark",
                submission=entry_id,
                item=item,
                points=points,
                most=most,
                note=note,
                author=author.strip(),
                made=now(),
            )

    def marks(self, entry_id: int) -> list[Mark]:
        """The marks that count of a submission: the newest of each item."""
        rows = self._rows(
            "SELECT item, points, most, note, author, made FROM mark "
            "WHERE submission = ? ORDER BY id",
            entry_id,
        )
        return list({row[0]: Mark(*row) for row in rows}.values())

    def set_rule(
        self,
        exercise: str,
        deadline: datetime,
        percent: float,
        cap: float = 100.0,
        grace: float = 0.0,
        student: str = "",
        author: str = "",
    ) -> None:
        """Say what lateness costs in an exercise, for everybody or for one ``student``."""
        for name, value in (("percent", percent), ("cap", cap)):
            require(0 <= value <= 100, f"{name} is from 0 to 100 percent, got {value:g}.")
        require(grace >= 0, f"the grace is some minutes, or 0, got {grace:g}.")
        require(author.strip(), "a late rule needs an author.")
        with self.transaction():
            self._add(
                "rule",
                exercise=exercise,
                student=student,
                deadline=as_utc(deadline),
                percent=percent,
                cap=cap,
                grace=grace,
                author=author.strip(),
                made=now(),
            )

    def rule(self, exercise: str, student: str = "") -> Rule | None:
        """The late rule for a student: their own, or everybody's; None where there is none."""
        rows = self._rows(
            "SELECT exercise, student, deadline, percent, cap, grace, author, made FROM rule "
            "WHERE exercise = ? AND student IN ('', ?) ORDER BY student != '' DESC, id DESC",
            exercise,
            clean(student),
        )
        if not rows:
            return None
        row = rows[0]
        return Rule(*row[:2], datetime.fromisoformat(row[2]), *row[3:])

    def content(self) -> dict[str, list[tuple]]:
        """All that is in it but row numbers and times, in an order of its own.

        Two gradebooks of the same work are equal in this, whatever came in between.
        """
        said = {
            "batch": "SELECT exercise, version, seed, limits, sandbox, ended IS NULL FROM batch",
            "submission": "SELECT exercise, student, file, sha256, name, ids, submitted, late "
            "FROM submission",
            "result": """
                SELECT s.exercise, s.student, s.file, s.sha256, g.problem, g.notes, of.student,
                    r.task, r.points, r.most, r.outcome, r.message, r.hint, r.read, r.properties,
                    r.hidden_right, r.hidden
                FROM grading AS g JOIN submission AS s ON s.id = g.submission
                LEFT JOIN result AS r ON r.grading = g.id
                LEFT JOIN grading AS source ON source.id = g.copied
                LEFT JOIN submission AS of ON of.id = source.submission""",
            "answer": "SELECT s.student, s.file, question, answer FROM answer "
            "JOIN submission AS s ON s.id = submission",
        }
        return {name: sorted(self._rows(sql), key=repr) for name, sql in said.items()}


def _counting(entries: Sequence[Entry]) -> Entry:
    """Of one student's submissions, in the order in which they were given, the one that counts."""
    read = [entry for entry in entries if not entry.problem] or list(entries)
    dated = [(entry.submitted, at) for at, entry in enumerate(read) if entry.submitted]
    return read[max(dated)[1]] if len(dated) == len(read) else read[-1]


def _entry(row: tuple) -> Entry:
    *_, ids, submitted, late, problem, notes, copied_from, batch, graded = row
    return Entry(
        *row[:6],
        json.loads(ids) if ids else {},
        datetime.fromisoformat(submitted) if submitted else None,
        None if late is None else bool(late),
        problem or "",
        json.loads(notes) if notes else [],
        copied_from or "",
        batch,
        graded or "",
    )
