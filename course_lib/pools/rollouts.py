"""Files of rollouts and of preferences, read as a pool.

The shapes of their rows are in ``shapes.py``, what a row becomes in ``records.py``, the mapping for
other files in ``keys.py``. What this leaves out: token ids and log-probabilities; :meth:`Pool.save`
keeps those.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..base import read_jsonl, require
from .keys import Keys, mapped_shape, parse_keys
from .model_solutions import parse_solution, solutions_pool
from .pool import Pool
from .provenance import Provenance
from .records import Record, Row, grouped, with_answers, without_prompts
from .shapes import SHAPES, SOLUTIONS, TABLE, shape_of
from .words import listed

QUOTED = "prompts at the beginning of replies, cut off"
REPEATED = "the same reply under another filter"


def read_rollouts(path: Path | str, skip_bad: bool = False, keys: Keys | None = None) -> Pool:
    """Read a file of rollouts or preferences as a :class:`Pool`.

    JSON lines, a JSON array, either of them gzip'd, or Parquet. The first row's keys fix the shape
    of the file, see ``shapes.py``; ``keys`` says what is what in others, as a dictionary or as
    ``"prompt=doc.question,responses=outputs"`` (see ``keys.py``).

    - A prompt is a string or a list of chat messages, system message and history included; without
      an own key it is what the replies' dialogues share. It is never empty. Empty replies are kept.
    - ``context`` is part of the prompt. Text under two names of a prompt is refused until ``keys``
      says which it is, and so are replies without one beside text that may be it.
    - Replies in marked turns (``Human:``, ChatML …) are read without them. The prompt is cut off
      plain replies only where all of a file repeat it, in no shape that this course writes.
    - Where rows hold one reply each, all rows of a prompt are its candidates, wherever they stand.
      Equal prompts stay apart where ``prompt_index`` says so, or another number of prompts (``id``,
      ``question_id`` …) that comes in several rows. Rows with several replies stay apart.
    - Prompts with fewer replies than others are filled up with ``missing`` candidates.
    - A preference is the reward ``preference``, KTO's label the reward ``label``; a label with
      other numbers than 0 and 1 is an answer. Rewards that ``keys`` names stand alone.
    - Other keys go to ``info``. Where the rows of one group differ in such a key, it becomes the
      list of their values. ``finish_reason`` ("stop" or "length") goes to ``finish``, a reference
      under one of its usual names (``ground_truth``, ``gts``, ``target`` …) to ``info["answer"]``.

    A bad row (broken JSON, another shape, missing keys, wrong types, a reward that is not finite,
    fewer rewards than replies) raises :class:`CourseError` with file, line number, what was found
    and what was expected; with ``skip_bad`` the others are read and ``provenance.skipped`` lists
    ``{"line", "reason"}``. ``provenance.dropped`` counts what was left out for another reason.
    Messages never quote prompts or replies.
    """
    parser = _Parser(parse_keys(keys))
    parsed, skipped = read_jsonl(path, parser.parse, skip_bad)
    if parser.shape == SOLUTIONS:
        return solutions_pool(parsed, path, skipped)
    read = [record for record in parsed if record is not None]
    with_answers(read, path)
    alike = sum(record.rewards.keys() == read[0].rewards.keys() for record in read)
    require(
        alike == len(read),
        f"{path}: found a verdict under 'label' in some rows only ({len(read) - alike} differ from "
        "the first); expected it in all, or in none.",
    )
    # what this course writes itself holds replies as they are
    cut = without_prompts(read) if parser.shape not in SHAPES else 0
    records = grouped(read)
    dropped = {REPEATED: parser.repeated, QUOTED: cut}
    provenance = Provenance(
        source=Path(path).name,
        shape=parser.shape,
        n=max(len(record.texts) for record in records),
        skipped=tuple(skipped),
        dropped={reason: count for reason, count in dropped.items() if count} or None,
    )
    return _pool_of(records, list(records[0].rewards), provenance)


class _Parser:
    """Turns row after row into records; the first good row fixes the shape and the rewards."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self.keys = keys
        self.shape = ""
        self.rewards: list[str] = []
        self.same: Any = None  # what all rows have under the shape's ``same``
        self.repeated = 0

    def parse(self, row: Mapping[str, Any]) -> Any:
        if self.keys:
            shape, record = mapped_shape(row, self.keys)
        else:
            shape = shape_of(row)
            self._check_shape(shape)
            if shape == SOLUTIONS:
                solution = parse_solution(row)
                self.shape = shape
                return solution
            record = TABLE[shape].read(Row(row))
        self._check_shape(shape)
        same = TABLE[shape].same if shape in TABLE else None
        if not self.shape:
            self.shape, self.rewards = shape, list(record.rewards)
            self.same = row.get(same) if same else None
        if same and row.get(same) != self.same:
            self.repeated += 1
            return None
        # a number under "label" may be an answer, which only the whole file shows
        numbered = {"label"} if record.gold is not None else set()
        require(
            set(record.rewards) - numbered == set(self.rewards) - numbered,
            f"found rewards {listed(record.rewards)}; expected {listed(self.rewards)} as on "
            "the first line.",
        )
        return record

    def _check_shape(self, shape: str) -> None:
        known = self.shape in TABLE and shape in TABLE
        alike = known and TABLE[self.shape].read == TABLE[shape].read
        require(
            alike or self.shape in ("", shape),
            f"found shape {shape}, but the file began with {self.shape}; expected one shape a "
            "file.",
        )


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
