"""Pools and selections from the files that the steps hand to each other."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..base import read_json, require
from .keys import Keys
from .pool import Pool
from .rollouts import read_rollouts
from .selection import Selection
from .words import type_name

TABLES = (".csv", ".tsv", ".xlsx")
PART = re.compile(r"\d{7,}-\d{7,}")
JOB = "job.json"  # what a job that writes parts notes of itself, its "count" of prompts too
ROWS = (".jsonl", ".json", ".ndjson", ".parquet")  # how files of rows are called


def read_pool(path: Path | str, skip_bad: bool = False, keys: Keys | None = None) -> Pool:
    """A pool from an ``.npz`` file, or from rollouts in any file that :func:`read_rollouts` reads.

    Or from a folder of parts, see :func:`pools_in`.

    ``skip_bad``: leave out broken lines instead of raising. ``keys``: what is what in the lines.
    """
    if Path(path).is_dir():
        check_keys(path, keys)
        return Pool.concat(list(pools_in(path)))
    name = str(path).removesuffix(".gz")
    require(
        not name.endswith(TABLES),
        f"{path} is a table; a pool (.npz), JSON lines or Parquet is expected. Turn it into "
        "JSON lines, with pandas: read_csv(...).to_json(NAME, orient='records', lines=True).",
    )
    if name.endswith(ROWS):
        return read_rollouts(path, skip_bad, keys)
    check_keys(path, keys)
    return Pool.load(path)


def check_keys(path: Path | str, keys: Keys | None) -> None:
    """Raise where ``keys`` are given for what is no file of rows."""
    rows = str(path).removesuffix(".gz").endswith(ROWS) and not Path(path).is_dir()
    require(
        rows or not keys,
        f"{path} is read as a pool, which takes no --keys; files of rows end in {', '.join(ROWS)}.",
    )


def parts_in(folder: Path | str) -> list[tuple[int, int]]:
    """The parts in a folder: the first prompt of each, and the one after its last.

    A part is a folder such as ``0000128-0000256``, with its pool in ``pool.npz``. Raises
    :class:`~course_lib.base.CourseError` where there is none, or one is missing.
    """
    names = [file.parent.name for file in Path(folder).glob("*-*/pool.npz")]
    ends = [name.split("-") for name in names if PART.fullmatch(name)]
    spans = sorted((int(start), int(stop)) for start, stop in ends)
    require(spans, f"{folder} holds no pool: parts such as 0000000-0000128/pool.npz are expected.")
    for (_, stop), (start, _) in zip([(0, 0), *spans], spans, strict=False):
        require(
            start == stop,
            f"{folder} has no part with prompt {min(start, stop)} alone: the job that writes it "
            "is not done, or parts of two jobs lie there. Run its command again.",
        )
    there, count = spans[-1][1], _count_of(Path(folder) / JOB)
    require(
        count in (None, there),
        f"{folder} has {there} of the {count} prompts of its job, which is not done. Run its "
        "command again.",
    )
    return spans


def _count_of(note: Path) -> int | None:
    """How many prompts the job has whose parts lie beside ``note``; None where none is known."""
    try:
        return read_json(note).get("count")
    except (OSError, ValueError, AttributeError):
        return None


def pools_in(folder: Path | str) -> Iterator[Pool]:
    """The pools of a folder of parts, in order, one at a time."""
    for start, stop in parts_in(folder):
        yield Pool.load(Path(folder) / f"{start:07d}-{stop:07d}" / "pool.npz")


def read_selection(path: Path | str, skip_bad: bool = False, keys: Keys | None = None) -> Selection:
    """The replies to train on in a file of prompts and replies, with their weights.

    - Empty replies are left out.
    - Of preferences only the preferred replies are taken, of KTO's rows those with a true label.
    - Other rewards do not count: all replies are taken. Select with a rule first.
    - A line without ``weight`` counts 1; one of weight 0 is left out.

    ``settings`` of the selection says how many replies were ``read`` and why others were
    ``left_out``. Raises :class:`~course_lib.base.CourseError` when no reply is left.
    """
    pool = read_rollouts(path, skip_bad, keys)
    written = torch.tensor([[bool(text) for text in row] for row in pool.texts])  # (P, N)
    wanted = pool.present & written
    left_out = {"empty": int((pool.present & ~written).sum())}
    for name, why in (("preference", "not preferred"), ("label", "label is false")):
        if name in pool.rewards:
            good = pool.reward(name) == 1
            left_out[why] = int((wanted & ~good).sum())
            wanted &= good
    left_out |= pool.provenance.dropped or {}
    left_out["bad line"] = len(pool.provenance.skipped or ())
    for i, j in wanted.nonzero().tolist():
        if _weight(pool, i, j) == 0:
            wanted[i, j] = False
            left_out["weight is 0"] = left_out.get("weight is 0", 0) + 1
    prompts, candidates = wanted.nonzero(as_tuple=True)  # (K,) and (K,)
    why = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    require(len(prompts) > 0, f"{path} holds no replies to train on. Left out: {why or 'none'}.")
    places = zip(prompts.tolist(), candidates.tolist(), strict=True)
    weights = [_weight(pool, i, j) for i, j in places]
    settings = {
        "read": int(pool.present.sum()),
        "left_out": {why: count for why, count in left_out.items() if count},
        "unused_rewards": [n for n in pool.rewards if n not in ("preference", "label")],
    }
    return Selection(pool, prompts, candidates, torch.tensor(weights), "file", settings)


def _weight(pool: Pool, prompt: int, candidate: int) -> float:
    """The weight that the file gives a reply."""
    weight: Any = pool.info[prompt].get("weight", 1.0)
    if isinstance(weight, list):  # lines of one prompt that differ in it were read as a list
        weight = weight[candidate] if candidate < len(weight) else 1.0
        weight = 1.0 if weight is None else weight  # a line without
    good = isinstance(weight, int | float) and 0 <= weight < float("inf")
    require(
        good,
        f"prompt {prompt} has a 'weight' that is not a number from 0: {type_name(weight)}.",
    )
    return float(weight)
