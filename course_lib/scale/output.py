"""Pools that come one after another, written to one place with one of them in memory."""

import contextlib
import importlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..base import CourseError, atomic_directory, atomic_write, require
from ..methods import keep_part, part_place
from ..pools import FINISH, Pool, list_rows, parts_in, write_rows

NOTHING = "there are no prompts: nothing was written."
ANY = "Give a name that ends in .jsonl, which holds any."
KINDS = (".npz", ".jsonl", ".jsonl.gz", ".parquet")


def check_output(out: str | Path) -> None:
    """Raise unless :func:`write_pools` can write ``out``. Ask before the work."""
    name = str(out)
    require(
        name.endswith(KINDS) or not Path(name).suffix,
        f"{out} cannot be written: give a name that ends in {', '.join(KINDS)}, or one without an "
        "ending for a folder of parts.",
    )
    if name.endswith(".parquet"):
        _parquet(name)


def _parquet(name: str) -> tuple[Any, Any]:
    """pyarrow and its module for Parquet; an error in words where it is not installed."""
    try:
        pyarrow = importlib.import_module("pyarrow")
        return pyarrow, importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise CourseError(
            f"{name} would be a Parquet file, and pyarrow, which writes those, is not installed: "
            "pip install pyarrow. Or give a name that ends in .jsonl."
        ) from None


def check_replaced(out: str | Path) -> None:
    """Raise where a folder at ``out`` holds anything but parts: only those are replaced."""
    folder = Path(out)
    there = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    parts = parts_in(folder) if there else []
    other = sorted(there - {part_place(folder, *span).name for span in parts})
    require(
        not other,
        f"the folder {out} holds what is no part of a pool ({', '.join(other[:3])}), and is not "
        "replaced. Give another name.",
    )


def write_pools(pools: Iterable[Pool], out: str | Path) -> int:
    """Write pools of consecutive prompts, in order; how many prompts there were.

    By the ending of ``out``: ``.npz`` is one pool, and the only kind that needs all of them in
    memory; ``.jsonl``, ``.jsonl.gz`` and ``.parquet`` have a row a prompt, of the shape
    prompt/responses/rewards, without token ids; no ending is a folder of parts, which takes the
    place of one that is there. All are written whole or not at all.
    """
    check_output(out)
    check_replaced(out)
    out, seen = Path(out), [0]
    counted = _counted(pools, seen)
    if out.suffix == ".npz":
        Pool.concat(list(counted)).save(out)
    elif out.suffix == ".parquet":
        _write_parquet(counted, out)
    elif out.suffix:
        write_rows(rows_of(counted), out)
    else:
        with atomic_directory(out) as folder:
            for pool in counted:
                span = (seen[0] - pool.P, seen[0])
                keep_part(folder, span, lambda start, stop, made=pool: made)
            require(seen[0], NOTHING)
    require(seen[0], NOTHING)
    return seen[0]


def _counted(pools: Iterable[Pool], seen: list[int]) -> Iterator[Pool]:
    for pool in pools:
        seen[0] += pool.P
        yield pool


def rows_of(pools: Iterable[Pool]) -> Iterator[dict[str, Any]]:
    """One row a prompt: its replies, how each ended, rewards and info.

    Where a prompt has a single reply, ``prompt_index`` tells equal prompts apart.
    """
    first = 0
    for pool in pools:
        for i, row in enumerate(list_rows(pool)):
            there = pool.present[i]
            row["finish_reason"] = [FINISH[f] for f in pool.finish[i][there].tolist()]
            if there.sum() == 1:
                row["prompt_index"] = first + i
            yield row
        first += pool.P


def _write_parquet(pools: Iterable[Pool], out: Path) -> None:
    """A row group for every 256 rows. The first one decides what the columns are."""
    pyarrow, parquet = _parquet(str(out))
    rows, first = rows_of(pools), None
    with atomic_write(out) as file, contextlib.ExitStack() as stack:
        while chunk := list(itertools.islice(rows, 256)):
            try:
                table = pyarrow.Table.from_pylist(chunk)
            except pyarrow.ArrowException as error:
                reason = str(error).splitlines()[0][:100]
                raise CourseError(
                    f"what is known of the prompts, or they themselves, differ in kind between "
                    f"rows, which no column of {out} holds ({reason}). {ANY}"
                ) from None
            if first is None:
                first = table.schema
                writer = stack.enter_context(parquet.ParquetWriter(file, first))
            require(
                table.schema.equals(first),
                f"what is known of the prompts differs in kind between rows ({out} would have the "
                f"columns {first.names}, then {table.schema.names}). {ANY}",
            )
            writer.write_table(table)
