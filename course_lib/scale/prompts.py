"""Where the prompts of a large job come from, a part at a time: a list, a file, a folder of parts.

A source travels to the workers, so it is small: a file's source is its path and where each part
begins. On several machines the file must lie where all of them can read it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from ..base import CourseError, Prompt, object_of, parquet_file, require, whole
from ..experiments import prompt_of, read_prompts
from ..methods import Span

Asked = tuple[list[Prompt], list[dict[str, Any]]]  # prompts, and what is known of each


class Source(Protocol):
    """Prompts by their number. ``count`` is how many there are."""

    count: int

    def part(self, span: Span) -> Asked:
        """The prompts from ``span[0]`` to ``span[1]``, and their info."""


@dataclass(frozen=True)
class Listed:
    """Prompts that are in memory."""

    prompts: Sequence[Prompt]
    info: Sequence[dict[str, Any]]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.prompts)

    def part(self, span: Span) -> Asked:
        """The prompts from ``span[0]`` to ``span[1]``, and their info."""
        where = slice(*span)
        return list(self.prompts[where]), list(self.info[where])


@dataclass(frozen=True)
class JsonLines:
    """A file of JSON lines, read where a part begins.

    ``begins`` holds, for every ``size``-th prompt, its first byte and the number of its line.
    """

    path: str
    length: int  # of the file, in bytes
    count: int
    size: int
    begins: Sequence[tuple[int, int]]

    @classmethod
    def indexed(cls, path: Path, size: int) -> "JsonLines":
        """Look once where every ``size``-th prompt is; nothing is kept of the lines.

        A line without a prompt ends a job here, not once it has worked for hours.
        """
        begins, count = [], 0
        with open(path, "rb") as file:
            at = 0
            for number, line in enumerate(file, 1):
                if line.strip():
                    _read(line, f"{path} line {number}")
                    if count % size == 0:
                        begins.append((at, number))
                    count += 1
                at += len(line)
        require(count, f"{path} is empty; one JSON object a line is expected.")
        return cls(str(path), at, count, size, begins)

    def part(self, span: Span) -> Asked:
        """The prompts from ``span[0]`` to ``span[1]``, and their info."""
        _unchanged(self.path, self.length)
        start, stop = span
        at, number = self.begins[start // self.size]
        passed = start % self.size
        prompts, info = [], []
        with open(self.path, "rb") as file:
            file.seek(at)
            for line in file:
                if len(prompts) == stop - start:
                    break
                if line.strip():
                    if passed:
                        passed -= 1
                    else:
                        prompt, facts = _read(line, f"{self.path} line {number}")
                        prompts.append(prompt)
                        info.append(facts)
                number += 1
        return prompts, info


@dataclass(frozen=True)
class Parquet:
    """A Parquet file with a column ``prompt``; only the row groups that a part needs are read."""

    path: str
    length: int  # of the file, in bytes
    count: int
    groups: Sequence[int]  # rows before each row group

    @classmethod
    def indexed(cls, path: Path) -> "Parquet":
        """Look how many rows its groups have, and that each has a prompt."""
        with parquet_file(path) as file:
            known = file.metadata
            rows = [known.row_group(k).num_rows for k in range(known.num_row_groups)]
            require(sum(rows), f"{path} has no rows; one prompt a row is expected.")
            names = file.schema_arrow.names
            # without the column, the first row says which there are
            wanted = ["prompt"] if "prompt" in names else names
            batches = file.iter_batches(1024, columns=wanted)
            looked = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
            for number, row in enumerate(looked, 1):
                _read(_known(row), f"{path} row {number}")
        groups = [sum(rows[:k]) for k in range(len(rows))]
        return cls(str(path), path.stat().st_size, sum(rows), groups)

    def part(self, span: Span) -> Asked:
        """The prompts from ``span[0]`` to ``span[1]``, and their info."""
        _unchanged(self.path, self.length)
        start, stop = span
        ends = [*self.groups[1:], self.count]
        wanted = [
            k
            for k, (first, end) in enumerate(zip(self.groups, ends, strict=True))
            if first < stop and end > start
        ]
        with parquet_file(Path(self.path)) as file:
            rows = file.read_row_groups(wanted).slice(start - self.groups[wanted[0]], stop - start)
        read = [
            _read(_known(row), f"{self.path} row {number}")
            for number, row in enumerate(rows.to_pylist(), start + 1)
        ]
        return [prompt for prompt, _ in read], [info for _, info in read]


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a table without its empty columns."""
    return {name: value for name, value in row.items() if value is not None}


def _read(row: Any, where: str) -> tuple[Prompt, dict[str, Any]]:
    try:
        return prompt_of(object_of(row))
    except CourseError as error:
        raise CourseError(f"{where}: {error}") from None


def _unchanged(path: str, length: int) -> None:
    """Raise where a file is missing or has another length: its parts would mix two files."""
    there = Path(path).stat().st_size if Path(path).is_file() else None
    require(
        there == length,
        f"{path} has {'gone' if there is None else 'changed'} since this job began. Put the file "
        "back as it was, where every worker can read it.",
    )


def source_of(path: str | Path, size: int = 64) -> Source:
    """The prompts of a file, to be read in parts; JSON lines best in multiples of ``size``.

    Every row is looked at once, and one without a prompt is named.

    JSON lines and Parquet stay on disk; text files, packed ones and arrays are read whole. A row
    has its prompt under ``prompt``, a text or a list of chat messages; its other keys are info.
    """
    path = Path(path).resolve()  # workers have a working folder of their own
    require(path.is_file(), f"no file at {path}. Give a .jsonl, .parquet or .txt file of prompts.")
    with open(path, "rb") as file:
        first = file.read(4)
    if first == b"PAR1":
        return Parquet.indexed(path)
    lines = path.suffix == ".jsonl" and not first.startswith((b"\x1f\x8b", b"["))
    if lines:
        return JsonLines.indexed(path, size)
    return Listed(*read_prompts(path))


def limited(source: Source, count: int | None) -> Source:
    """The first ``count`` prompts of ``source``; None: all of them."""
    if count is None or count >= source.count:
        return source
    whole(count, "prompts", 1)
    if isinstance(source, Listed):
        return Listed(source.prompts[:count], source.info[:count])
    return replace(source, count=count)  # type: ignore[type-var]


def first_prompts(source: Source, few: int = 64) -> list[Prompt]:
    """A few of the prompts, to see what they are like."""
    return source.part((0, min(few, source.count)))[0]
