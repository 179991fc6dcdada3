"""Writing pools, selections and pairs as JSON lines, in the shapes other tools read."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base import (
    CourseError,
    atomic_write,
    check_prompt,
    last_turn,
    messages_of,
    prompt_key,
    require,
)
from .pool import FINISH, LENGTH, Pool
from .shapes import LISTS, PAIRS, SHAPES
from .words import type_name

TRL = ("prompt/completion/reward", "prompt/chosen/rejected")  # shapes that its trainers read


def write_rollouts(pool: Pool, path: Path | str, shape: str = "prompt/responses/rewards") -> None:
    """Write a pool's prompts, replies, rewards, finish and info, atomically.

    ``shape`` is one of those that :func:`read_rollouts` reads, all but ``model solutions``. Reading
    the file back gives the same prompts, texts, rewards (to the last bit), finish and info. Missing
    candidates are not written, so those in the middle of a row move to its end. Info goes under the
    key ``info``, ``finish_reason`` is written when some reply was cut, and ``prompt_index`` on
    rows of one reply when two prompts are equal. A reward called ``reward`` that is
    alone is written bare, others by name. ``prompt/chosen/rejected`` needs two candidates and a
    reward ``preference`` that differs. Where a prompt is a dialogue, all prompts are written as
    chat messages, and in the shapes that TRL reads the replies too: it wants one form a file.
    """
    require(shape in SHAPES, f"no shape {shape!r} to write; the shapes are: {', '.join(SHAPES)}.")
    require(pool.P > 0, "this pool has no prompts: there is nothing to write.")
    empty = (~pool.present).all(1).nonzero().flatten().tolist()
    require(
        not empty,
        f"{len(empty)} prompts have no reply at all, first prompt {empty[0] if empty else ''}: "
        "this file could not hold them. Leave them out with pool.prompts_at(...).",
    )
    blank = [i for i, prompt in enumerate(pool.prompts) if not last_turn(prompt).strip()]
    require(
        not blank,
        f"{len(blank)} prompts are empty, first prompt {blank[0] if blank else ''}: no reader "
        "takes such a file. Leave them out with pool.prompts_at(...).",
    )
    if shape in PAIRS:
        rows = _pair_rows(pool)
    elif shape in LISTS:
        rows = _list_rows(pool, *LISTS[shape])
    else:
        rows = _single_rows(pool, *SHAPES[shape])
    if any(not isinstance(prompt, str) for prompt in pool.prompts):
        ask, *sides = SHAPES[shape][:2] if shape not in PAIRS else SHAPES[shape]
        rows = _as_messages(rows, ask, sides if shape in TRL else [])
    write_rows(rows, path)


def write_selection(rows: Iterable[Mapping[str, Any]], path: Path | str) -> None:
    """Write rows with ``prompt`` and ``completion``, as TRL's SFT trainer reads them.

    :meth:`Selection.to_rows` gives such rows; other keys are kept. Where a prompt is a dialogue,
    all rows are written as chat messages (TRL's conversational form).
    """
    write_rows(_checked(rows, ("completion",)), path)


def write_pairs(rows: Iterable[Mapping[str, Any]], path: Path | str) -> None:
    """Write rows with ``prompt``, ``chosen`` and ``rejected``, as TRL's DPO trainer reads them.

    So does its reward trainer. :func:`preference_pairs` gives such rows; other keys are kept. Where
    a prompt is a dialogue, all rows are written as chat messages (TRL's conversational form).
    """
    write_rows(_checked(rows, ("chosen", "rejected")), path)


# ---- rows of a pool


def list_rows(pool: Pool) -> Iterator[dict[str, Any]]:
    """The rows of ``prompt/responses/rewards``: one a prompt, with all of its replies."""
    yield from _list_rows(pool, *LISTS["prompt/responses/rewards"])


def _list_rows(pool: Pool, ask: str, reply: str, extra: str) -> Iterator[dict[str, Any]]:
    """One row per prompt, with all of its replies."""
    finish, rewards, numbered = _finish(pool), _rewards(pool), _has_equal_prompts(pool)
    for i, prompt in enumerate(pool.prompts):
        there = _present(pool, i)
        row: dict[str, Any] = {ask: prompt, reply: [pool.texts[i][j] for j in there]}
        row |= _bare(extra, {name: [r[i][j] for j in there] for name, r in rewards.items()})
        if finish:
            row["finish_reason"] = [finish[i][j] for j in there]
        if numbered and len(there) == 1:  # else it would be read as one reply of several
            row["prompt_index"] = i
        yield row | _info(pool, i)


def _single_rows(pool: Pool, ask: str, reply: str, extra: str) -> Iterator[dict[str, Any]]:
    """One row per reply; equal prompts are told apart by ``prompt_index``."""
    finish, rewards, numbered = _finish(pool), _rewards(pool), _has_equal_prompts(pool)
    for i, prompt in enumerate(pool.prompts):
        for j in _present(pool, i):
            row: dict[str, Any] = {ask: prompt, reply: pool.texts[i][j]}
            row |= _bare(extra, {name: r[i][j] for name, r in rewards.items()})
            if finish:
                row["finish_reason"] = finish[i][j]
            if numbered:
                row["prompt_index"] = i
            yield row | _info(pool, i)


def _pair_rows(pool: Pool) -> Iterator[dict[str, Any]]:
    """One row per prompt, with its two replies; the reward ``preference`` says which is chosen."""
    for i, prompt in enumerate(pool.prompts):
        there = _present(pool, i)
        require(
            len(there) == 2,
            f"prompt {i} has {len(there)} replies; a pair needs exactly two. Make pairs with "
            "preference_pairs and write_pairs.",
        )
        first, second = pool.reward("preference")[i, there].tolist()
        require(
            first != second,
            f"prompt {i} has equal preferences, so neither reply is the chosen one.",
        )
        chosen, rejected = there if first > second else reversed(there)
        texts = {"chosen": pool.texts[i][chosen], "rejected": pool.texts[i][rejected]}
        yield {"prompt": prompt, **texts, **_info(pool, i)}


def _has_equal_prompts(pool: Pool) -> bool:
    return len({prompt_key(prompt) for prompt in pool.prompts}) < pool.P


def _present(pool: Pool, i: int) -> list[int]:
    """The candidates of prompt ``i`` that are there."""
    return pool.present[i].nonzero().flatten().tolist()


def _rewards(pool: Pool) -> dict[str, list[list[float]]]:
    """The rewards as lists, name → P rows of N."""
    return {name: values.tolist() for name, values in pool.rewards.items()}


def _finish(pool: Pool) -> list[list[str]]:
    """P rows of N words for how each reply ended, or no rows when all ended by themselves."""
    if not (pool.finish == LENGTH).any():
        return []
    return [[FINISH[f] for f in row] for row in pool.finish.tolist()]


def _info(pool: Pool, i: int) -> dict[str, Any]:
    return {"info": pool.info[i]} if pool.info[i] else {}


def _bare(key: str, rewards: Mapping[str, Any]) -> dict[str, Any]:
    """The rewards under ``key``, by name unless there is one alone that is called ``reward``."""
    if not rewards:
        return {}
    return {key: rewards["reward"] if list(rewards) == ["reward"] else rewards}


# ---- lines


def _checked(rows: Iterable[Mapping[str, Any]], replies: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows with their prompt and ``replies`` first, as chat messages if a prompt needs that.

    Raises where one of them is not a string, or the prompt not a prompt.
    """
    rows = list(rows)
    for number, row in enumerate(rows, 1):
        check_prompt(row.get("prompt"), f"row {number}: the prompt")
        for key in replies:
            require(
                isinstance(row.get(key), str),
                f"row {number} has {type_name(row.get(key))} under {key!r}; expected a string.",
            )
    ordered = [{key: row[key] for key in ("prompt", *replies)} | dict(row) for row in rows]
    if all(isinstance(row["prompt"], str) for row in rows):
        return iter(ordered)
    return _as_messages(ordered, "prompt", replies)


def _as_messages(
    rows: Iterable[Mapping[str, Any]], ask: str, replies: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The rows with the prompt under ``ask`` and the texts under ``replies`` as chat messages."""
    for row in rows:
        said = {key: [{"role": "assistant", "content": row[key]}] for key in replies}
        yield {**row, ask: messages_of(row[ask]), **said}


def write_rows(rows: Iterable[Mapping[str, Any]], path: Path | str) -> None:
    """Write one JSON object a line, or one array where the name ends in ``.json``, atomically.

    Gzip'd when the name ends in ``.gz``.
    """
    name = str(path).removesuffix(".gz")
    require(
        name.endswith((".jsonl", ".json", ".ndjson")),
        f"{path} would be written as JSON lines; give a name that ends in .jsonl, .json or "
        ".jsonl.gz. For CSV or Parquet, write JSON lines and turn them into it: "
        "datasets.load_dataset('json', data_files=...) has to_csv and to_parquet.",
    )
    array = name.endswith(".json")
    with atomic_write(path) as file:
        zipped = None
        if str(path).endswith(".gz"):
            # with no time stamp and no name, so that equal rows give equal files
            zipped = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
        text = io.TextIOWrapper(zipped or file, encoding="utf-8", newline="\n")
        between = "[\n" if array else ""
        for number, row in enumerate(rows, 1):
            text.write(between + _line(number, row))
            between = ",\n" if array else "\n"
        text.write("\n]\n" if array else "\n")
        text.flush()
        text.detach()  # closing the wrapper would close the file under it
        if zipped:
            zipped.close()


def _line(number: int, row: Mapping[str, Any]) -> str:
    """The row as one line of JSON."""
    try:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False)
        line.encode()
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
        reason = str(error)
        if isinstance(error, UnicodeError):
            reason = "half a character (a lone surrogate)"
        raise CourseError(
            f"row {number} cannot be written as JSON: {reason}. Keep only text, finite "
            "numbers, lists and dictionaries in info."
        ) from None
    return line
