"""Files of rollouts, read as a pool.

The shapes of their lines are in ``shapes.py``, the checks of one line in ``records.py``. Files may
be gzip'd. What this leaves out: token ids and log-probabilities; :meth:`Pool.save` keeps those.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..base import read_jsonl, require
from .model_solutions import parse_solution, solutions_pool
from .pool import Pool
from .provenance import Provenance
from .records import Record, grouped, record_of
from .shapes import SINGLES, SOLUTIONS, listed, shape_of


def read_rollouts(path: Path | str, skip_bad: bool = False) -> Pool:
    """Read a file of rollouts as a :class:`Pool`; the first line's keys fix the shape of the file.

    - A prompt may be a string or a list of chat messages: the last user message becomes the prompt,
      the others go to ``info["messages"]``. A completion may be a string or a list with one
      assistant message. Empty replies are kept.
    - In the shapes with one reply a line, **neighbouring** lines with the same prompt (and the same
      ``prompt_index``, if they have one) are the candidates of one prompt. The same prompt further
      down is another prompt: duplicates stay apart.
    - Prompts with fewer replies than others are filled up with ``missing`` candidates.
    - Other keys go to ``info``. Where the lines of one group differ in such a key, it becomes the
      list of their values. ``finish_reason`` ("stop" or "length") goes to ``finish``.

    A bad line (broken JSON, another shape, missing keys, wrong types, a reward that is not finite,
    fewer rewards than replies) raises :class:`CourseError` with file, line number, what was found
    and what was expected; with ``skip_bad`` the others are read and ``provenance.skipped`` lists
    ``{"line", "reason"}``. Messages never quote prompts or replies.
    """
    parser = _Parser()
    records, skipped = read_jsonl(path, parser.parse, skip_bad)
    if parser.shape == SOLUTIONS:
        return solutions_pool(records, path, skipped)
    if parser.shape in SINGLES:
        records = grouped(records)
    provenance = Provenance(
        source=Path(path).name,
        shape=parser.shape,
        n=max(len(record.texts) for record in records),
        skipped=tuple(skipped),
    )
    return _pool_of(records, parser.rewards, provenance)


class _Parser:
    """Turns line after line into records; the first good line fixes the shape and the rewards."""

    def __init__(self) -> None:
        self.shape = ""
        self.rewards: list[str] = []

    def parse(self, row: Mapping[str, Any]) -> Any:
        shape = shape_of(row)
        require(
            self.shape in ("", shape),
            f"found shape {shape}, but the file began with {self.shape}; expected one shape a "
            "file.",
        )
        if shape == SOLUTIONS:
            self.shape = shape
            return parse_solution(row)
        record = record_of(row, shape)
        if not self.shape:
            self.shape, self.rewards = shape, list(record.rewards)
        require(
            set(record.rewards) == set(self.rewards),
            f"found rewards {listed(record.rewards)}; expected {listed(self.rewards)} as on "
            "the first line.",
        )
        return record


def _pool_of(records: Sequence[Record], rewards: Sequence[str], provenance: Provenance) -> Pool:
    pool = Pool.from_candidates(
        [record.prompt for record in records],
        [record.texts for record in records],
        {name: [record.rewards[name] for record in records] for name in rewards},
        [record.info for record in records],
        provenance,
    )
    for i, record in enumerate(records):
        pool.finish[i, : len(record.finish)] = torch.tensor(record.finish, dtype=torch.int8)
    return pool
