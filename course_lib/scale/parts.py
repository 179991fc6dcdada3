"""A large job on disk: a folder with a part for every so many prompts, and a note of the job.

Parts are written whole or not at all and know their checksums (:mod:`course_lib.methods.stages`),
so a job that is killed goes on with those it has. The folder is a pool in parts, which every
command reads that reads a pool.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..assets import resolve
from ..base import CourseError, read_json, require, write_json
from ..experiments import differences
from ..methods import DONE, Span, fingerprint, part_place, unsealed
from ..pools import JOB, Pool


def parts_of(count: int, size: int) -> list[Span]:
    """``count`` prompts in parts of ``size``, the last one smaller."""
    return [(start, min(count, start + size)) for start in range(0, count, size)]


class Parts:
    """The parts of a job of ``count`` prompts, ``size`` each, in ``folder``.

    ``asked`` is all that decides what is in them: plain values, by name.
    """

    def __init__(self, folder: Path, count: int, size: int, asked: dict[str, Any]) -> None:
        self.folder = folder
        self.spans = parts_of(count, size)
        self.asked = {"count": count, "part": size, **asked}

    def begin(self) -> list[Span]:
        """The parts that are not there yet, or damaged.

        Raises :class:`~course_lib.base.CourseError` where ``folder`` holds another job.
        """
        note = self.folder / JOB
        if note.is_file():
            different = differences(_noted(note), self.asked)
            require(
                not different,
                f"{self.folder} holds the parts of another job ({different}). Give another --out, "
                "or delete that folder.",
            )
        else:
            empty = not self.folder.exists() or (
                self.folder.is_dir() and not any(self.folder.iterdir())
            )
            require(
                empty,
                f"{self.folder} is there already and holds no job. Give another --out.",
            )
            write_json(note, self.asked)
        return [span for span in self.spans if unsealed(part_place(self.folder, *span)) is None]

    def pools(self) -> Iterator[Pool]:
        """The pools of all parts, in order, one in memory at a time."""
        for span in self.spans:
            yield Pool.load(part_place(self.folder, *span) / "pool.npz")


def _noted(note: Path) -> dict[str, Any]:
    try:
        return read_json(note)
    except ValueError:
        raise CourseError(
            f"{note} cannot be read, so it is not known what job lies there. Give another --out, "
            "or delete that folder."
        ) from None


def digest(file: str | Path) -> str:
    """The SHA-256 of a file: what a job knows of it."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sealed(folder: Path, spans: list[Span]) -> str:
    """A digest of all parts in a folder, by what each knows of its files."""
    return fingerprint([read_json(part_place(folder, *span) / DONE)["seal"] for span in spans])


def model_facts(source: str) -> Any:
    """What tells a model from another that was written to the same folder later.

    The sizes and times of its files; a hub name is known by itself.
    """
    folder = Path(resolve(source))
    if not folder.is_dir():
        return source
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return [source, *([file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files)]


def placed(source: str) -> str:
    """Where a worker finds a model: a folder's whole path; a bundled or hub name as it is."""
    bundled = resolve(source) != source
    folder = Path(source)
    return str(folder.resolve()) if folder.is_dir() and not bundled else source
