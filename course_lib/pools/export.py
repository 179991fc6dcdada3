"""Writing pools, selections and pairs as JSON lines, in the shapes other tools read."""

import gzip
import io
import json
from itertools import pairwise

from ..base import CourseError, atomic_write, require
from .pool import FINISH, LENGTH
from .rollouts import LISTS, PAIRS, SHAPES, type_name


def write_rollouts(pool, path, shape="prompt/responses/rewards"):
    """Write a pool's prompts, replies, rewards, finish and info in one of the shapes (all but
    ``model solutions``), atomically.

    Reading the file back gives the same prompts, texts, rewards (to the last bit), finish and info.
    Missing candidates are not written, so those in the middle of a row move to its end. Info goes
    under the key ``info``, ``finish_reason`` is written when some reply was cut, and
    ``prompt_index`` in the one-reply shapes when two neighbouring prompts are equal. A reward
    called ``reward`` that is alone is written bare, others by name. ``prompt/chosen/rejected``
    needs two candidates and a reward ``preference`` that differs.
    """
    require(shape in SHAPES, f"no shape {shape!r} to write; the shapes are: {', '.join(SHAPES)}.")
    require(pool.P > 0, "this pool has no prompts: there is nothing to write.")
    empty = (~pool.present).all(1).nonzero().flatten().tolist()
    require(
        not empty,
        f"{len(empty)} prompts have no reply at all, first prompt {empty[0] if empty else ''}: "
        "this file could not hold them. Leave them out with pool.prompts_at(...).",
    )
    ask, reply, extra = SHAPES[shape]
    cut = bool((pool.finish == LENGTH).any())
    numbered = any(a == b for a, b in pairwise(pool.prompts))
    rewards = {name: values.tolist() for name, values in pool.rewards.items()}

    def rows():
        for i, prompt in enumerate(pool.prompts):
            there = pool.present[i].nonzero().flatten().tolist()
            info = {"info": pool.info[i]} if pool.info[i] else {}
            if shape in PAIRS:
                yield {ask: prompt, **_chosen_rejected(pool, i, there), **info}
            elif shape in LISTS:
                row = {ask: prompt, reply: [pool.texts[i][j] for j in there]}
                row |= _bare(
                    extra, {name: [values[i][j] for j in there] for name, values in rewards.items()}
                )
                row |= {"finish_reason": [FINISH[pool.finish[i, j]] for j in there]} if cut else {}
                yield row | info
            else:
                for j in there:
                    row = {
                        ask: prompt,
                        reply: pool.texts[i][j],
                        **_bare(extra, {name: values[i][j] for name, values in rewards.items()}),
                    }
                    row |= {"finish_reason": FINISH[pool.finish[i, j]]} if cut else {}
                    yield row | ({"prompt_index": i} if numbered else {}) | info

    _write_jsonl(rows(), path)


def _bare(key, rewards):
    return (
        {} if not rewards else {key: rewards["reward"] if list(rewards) == ["reward"] else rewards}
    )


def _chosen_rejected(pool, i, there):
    require(
        len(there) == 2,
        f"prompt {i} has {len(there)} replies; a pair needs exactly two. Make pairs with "
        "preference_pairs and write_pairs.",
    )
    first, second = pool.reward("preference")[i, there].tolist()
    require(
        first != second, f"prompt {i} has equal preferences, so neither reply is the chosen one."
    )
    chosen, rejected = (there[0], there[1]) if first > second else (there[1], there[0])
    return {"chosen": pool.texts[i][chosen], "rejected": pool.texts[i][rejected]}


def write_selection(rows, path):
    """Write rows with ``prompt`` and ``completion`` (:meth:`Selection.to_rows`), as TRL's SFT
    trainer reads them; other keys are kept.
    """
    _write_jsonl(_checked(rows, ("prompt", "completion")), path)


def write_pairs(rows, path):
    """Write rows with ``prompt``, ``chosen`` and ``rejected`` (:func:`preference_pairs`), as TRL's
    DPO and reward trainers read them; other keys are kept.
    """
    _write_jsonl(_checked(rows, ("prompt", "chosen", "rejected")), path)


def _checked(rows, keys):
    for number, row in enumerate(rows, 1):
        for key in keys:
            require(
                isinstance(row.get(key), str),
                f"row {number} has {type_name(row.get(key))} under {key!r}; expected a string.",
            )
        yield {**{key: row[key] for key in keys}, **row}


def _write_jsonl(rows, path):
    """One JSON object a line, atomically; gzip'd when the name ends in ``.gz`` (with no time stamp.

    Equal rows give equal files).
    """
    with atomic_write(path) as file:
        zipped = (
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
            if str(path).endswith(".gz")
            else None
        )
        text = io.TextIOWrapper(zipped or file, encoding="utf-8", newline="\n")
        for number, row in enumerate(rows, 1):
            try:
                line = json.dumps(row, ensure_ascii=False, allow_nan=False)
                line.encode()
            except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
                kind = (
                    "half a character (a lone surrogate)"
                    if isinstance(error, UnicodeError)
                    else str(error)
                )
                raise CourseError(
                    f"row {number} cannot be written as JSON: {kind}. Keep only text, finite "
                    "numbers, lists and dictionaries in info."
                ) from None
            text.write(line + "\n")
        text.flush()
        text.detach()
        if zipped:
            zipped.close()
