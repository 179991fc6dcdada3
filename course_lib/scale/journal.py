"""A journal of what is done: JSON lines, added to as work is finished, read again after a stop.

The first line says what job it is, each further one holds what was made of one prompt. Lines are
only ever added, so a process killed at any moment loses at most the line it was writing. In memory
there is a number a prompt: where its line begins.
"""

import contextlib
import json
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..base import CourseError, require

FORMAT = "course journal 1"
BEGIN = json.dumps({"format": FORMAT})[:-1].encode()  # of the first line
NOT_YET = -1


class Journal:
    """What is done of a job of ``count`` prompts; to be used in a ``with``.

    ``job`` is plain data: all that may change a result. A journal of another job is refused with
    what differs, and so is one that another process has open.
    """

    def __init__(self, path: Path | str, job: dict[str, Any], count: int) -> None:
        self.path = Path(path)
        self.job = json.loads(json.dumps(job))  # as it comes back from a file
        self.count = count
        self.at = array("q", [NOT_YET]) * count  # where each prompt's line begins
        self.done = 0
        self.began = False  # whether the first line is ours
        self.file: IO[bytes] = _opened(self.path)
        try:
            self._read()
            self.began = True
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __contains__(self, number: int) -> bool:
        return self.at[number] != NOT_YET

    def missing(self) -> Iterator[int]:
        """The prompts that are not done, in order."""
        return (number for number in range(self.count) if self.at[number] == NOT_YET)

    def add(self, number: int, row: dict[str, Any]) -> None:
        """Keep what was made of prompt ``number``. What is there already stays.

        Raises :class:`~course_lib.base.CourseError` where the disk takes no more.
        """
        if number in self:
            return
        self._write({"prompt": number, **row})
        self.at[number] = self.end
        self.done += 1
        self.end = self.file.tell()

    def row(self, number: int) -> dict[str, Any]:
        """What was made of prompt ``number``."""
        self.file.seek(self.at[number])
        row = json.loads(self.file.readline())
        self.file.seek(self.end)
        return row

    def close(self) -> None:
        """Write through to the disk, and let others have it. One without work is taken away."""
        if not self.file.closed:
            try:
                if self.began and not self.done:
                    self.path.unlink(missing_ok=True)
                self.file.flush()
                os.fsync(self.file.fileno())
            finally:
                self.file.close()

    def remove(self) -> None:
        """Take the journal away: the job is done and its output is written."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        try:
            self.file.write(line)
            self.file.flush()
        except OSError as error:
            with contextlib.suppress(OSError):  # it tries to write the rest
                self.file.close()
            raise CourseError(
                f"could not write {self.path}: {error.strerror}. What is in it is kept: make "
                "room, and run the same command again."
            ) from error

    def _read(self) -> None:
        """Look where each line begins, and drop a last one that was not finished."""
        self.end = 0
        first = self.file.readline()
        # killed within its first line
        torn = not first.endswith(b"\n") and BEGIN.startswith(first[: len(BEGIN)])
        # new, or torn, or of a job that did nothing
        if torn or not self._fits(first):
            self.file.seek(0)
            self.file.truncate()
            self._write({"format": FORMAT, "prompts": self.count, **self.job})
            self.end = self.file.tell()
            return
        self.end = len(first)
        self.file.seek(self.end)
        for place, line in enumerate(self.file, 2):
            number = self._number(line)
            if number is None:
                self._drop(place)
                return
            if number not in self:
                self.at[number] = self.end
                self.done += 1
            self.end += len(line)

    def _drop(self, place: int) -> None:
        """Take away the broken line that was just read, if it is the last one."""
        require(
            not self.file.read(1),
            f"{self.path} line {place} is broken, and lines follow it. Delete that line, and its "
            "prompt is done again.",
        )
        self.file.seek(self.end)
        self.file.truncate()

    def _number(self, line: bytes) -> int | None:
        """The prompt whose line this is; None of a torn or broken one."""
        try:
            number = json.loads(line)["prompt"] if line.endswith(b"\n") else None
        except (ValueError, TypeError, KeyError):
            return None
        good = isinstance(number, int) and 0 <= number < self.count
        return number if good else None

    def _fits(self, first: bytes) -> bool:
        """Whether the first line is this job's. Raises where it is that of another's work."""
        try:
            found = json.loads(first)
        except ValueError:
            found = None
        require(
            isinstance(found, dict) and found.pop("format", None) == FORMAT,
            f"{self.path} is not a journal of this course's; move it, or give another name.",
        )
        wanted = {"prompts": self.count, **self.job}
        other = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
        lines = self._lines() if other else 0
        if not lines:
            return not other
        told = "; ".join(
            f"{name}: {_short(found.get(name))} there, {_short(wanted.get(name))} asked"
            for name in other
        )
        raise CourseError(
            f"{self.path} holds {lines} finished prompts of another job ({told}). Ask for "
            "the same again to go on with it, or give another name, or delete it to begin anew."
        )

    def _lines(self) -> int:
        """Finished ones behind the first; reads to the end."""
        return sum(line.endswith(b"\n") for line in self.file)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + " …"


def _opened(path: Path) -> IO[bytes]:
    """The file, held for this process alone as far as the system has locks."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+b")
    except OSError as error:
        raise CourseError(f"could not write {path}: {error.strerror}.") from None
    try:
        import fcntl
    except ImportError:  # Windows: two at once are not noticed
        fcntl = None  # type: ignore[assignment]
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())
        except BlockingIOError:
            ours = False
        except OSError:  # a file system without locks
            ours = True
        if not ours:
            file.close()
            raise CourseError(
                f"another process is writing to {path}. Wait for it, or end it, and run the same "
                "command again: it goes on where it was."
            )
    file.seek(0)
    return file
