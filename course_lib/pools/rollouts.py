r"""Rollouts in and out as JSON lines, in the shapes people already have.

| shape | one line holds | rewards |
|---|---|---|
| ``prompt/responses/rewards`` | a prompt and its N replies | a list, or ``{name: list}``, or absent |
| ``question/completions/rewards`` | the same under other names | the same |
| ``input/output/reward`` | one reply | a number, or ``{name: number}``, or absent |
| ``prompt/completion/reward`` | one reply, as TRL's SFT trainer reads it | the same |
| ``prompt/chosen/rejected`` | a pair, as TRL's DPO and reward trainers read it | reward ``preference`` is 1 and 0 |
| ``model solutions`` | a GSM8K problem and four systems' solutions (read only) | ``verifier`` and ``label`` |

Files may be gzip'd. What this leaves out: token ids and log-probabilities; :meth:`Pool.save` keeps
those.
"""

from pathlib import Path

import torch

from ..base import CourseError, read_jsonl, require, string
from .model_solutions import SYSTEMS, load_model_solutions
from .pool import FINISH, STOP, Pool

LISTS = {
    "prompt/responses/rewards": ("prompt", "responses", "rewards"),
    "question/completions/rewards": ("question", "completions", "rewards"),
}

SINGLES = {
    "input/output/reward": ("input", "output", "reward"),
    "prompt/completion/reward": ("prompt", "completion", "reward"),
}

PAIRS = {"prompt/chosen/rejected": ("prompt", "chosen", "rejected")}

SOLUTIONS = "model solutions"

SHAPES = {**LISTS, **SINGLES, **PAIRS}

LARGEST = 3.4e38  # rewards are kept as float32


def read_rollouts(path, skip_bad=False):
    """Read a file of rollouts as a :class:`Pool`; its keys tell the shape, which the first line
    fixes for the whole file.

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
    and what was expected; with ``skip_bad`` the others are read and ``settings["skipped"]`` lists
    ``{"line", "reason"}``. Messages never quote prompts or replies.
    """
    first = {}  # what the first good line fixes: the shape and the names of the rewards

    def parse(row):
        shape = _shape_of(row)
        require(
            first.get("shape", shape) == shape,
            f"found shape {shape}, but the file began with {first.get('shape')}; expected one "
            "shape a file.",
        )
        if shape == SOLUTIONS:
            first["shape"] = shape
            return None
        record = _record(row, shape)
        names = list(record["rewards"])
        require(
            set(first.get("rewards", names)) == set(names),
            f"found rewards {listed(names)}; expected {listed(first.get('rewards', ()))} as on "
            "the first line.",
        )
        first.setdefault("shape", shape)
        first.setdefault("rewards", names)
        return record

    records, skipped = read_jsonl(path, parse, skip_bad)
    if first["shape"] == SOLUTIONS:
        return load_model_solutions(path, skip_bad)
    if first["shape"] in SINGLES:
        records = _grouped(records)
    rewards = {name: [r["rewards"][name] for r in records] for name in first["rewards"]}
    pool = Pool.from_candidates(
        [r["prompt"] for r in records],
        [r["texts"] for r in records],
        rewards,
        [r["info"] for r in records],
        {"source": Path(path).name, "shape": first["shape"], "skipped": skipped},
    )
    pool.settings["n"] = pool.N
    for i, record in enumerate(records):
        pool.finish[i, : len(record["finish"])] = torch.tensor(record["finish"], dtype=torch.int8)
    return pool


def listed(names):
    return ", ".join(names) or "none"


def _shape_of(row):
    if "ground_truth" in row and any(system in row for system in SYSTEMS):
        return SOLUTIONS
    for shape, keys in SHAPES.items():
        if all(key in row for key in (keys if shape in PAIRS else keys[:2])):
            return shape
    known = "; ".join("{" + ", ".join(keys) + "}" for keys in SHAPES.values())
    hint = (
        " Dialogue pairs without a prompt, as in hh-rlhf, are read by hh_pairs."
        if {"chosen", "rejected"} <= row.keys()
        else ""
    )
    raise CourseError(
        f"found the keys {listed(sorted(row))[:200]}; expected one of the shapes {known}.{hint}"
    )


def _record(row, shape):
    """One line as ``{"prompt", "texts", "rewards", "finish", "info", "index"}``."""
    ask, reply, extra = SHAPES[shape]
    prompt, others = _prompt(row, ask)
    if shape in PAIRS:
        texts, rewards = (
            [_reply(row[reply], reply), _reply(row[extra], extra)],
            {"preference": [1.0, 0.0]},
        )
    elif shape in LISTS:
        require(
            isinstance(row[reply], list) and row[reply],
            f"found {type_name(row[reply])} under {reply!r}; expected a list of at least one "
            "reply.",
        )
        texts, rewards = (
            [_reply(value, reply) for value in row[reply]],
            _rewards(row, extra, len(row[reply])),
        )
    else:
        texts, rewards = [_reply(row[reply], reply)], _rewards(row, extra, None)
    used = {ask, reply, extra} | ({"prompt_index"} if shape in SINGLES else set())
    finish = _finish(row, shape, len(texts))
    if finish is not None:
        used.add("finish_reason")
    info = {key: value for key, value in row.items() if key not in used}
    if isinstance(info.get("info"), dict):  # where write_rollouts puts it
        info.update(info.pop("info"))
    if others:
        info["messages"] = others
    return {
        "prompt": prompt,
        "texts": texts,
        "rewards": rewards,
        "finish": finish or [STOP] * len(texts),
        "info": info,
        "index": row.get("prompt_index"),
    }


def _finish(row, shape, count):
    """The finish of each reply as indices into FINISH.

    None when the line does not say "stop" or "length" for every reply.
    """
    reasons = row.get("finish_reason") if shape in LISTS else [row.get("finish_reason")]
    if (
        shape in PAIRS
        or not isinstance(reasons, list)
        or len(reasons) != count
        or any(r not in ("stop", "length") for r in reasons)
    ):
        return None
    return [FINISH.index(reason) for reason in reasons]


def type_name(value):
    return "an empty list" if value == [] else "null" if value is None else type(value).__name__


def _prompt(row, key):
    """The prompt's text and the other chat messages."""
    if not isinstance(row[key], list):
        return string(row, key), []
    messages = row[key]
    for message in messages:
        _check_message(message, key)
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    require(
        users,
        f"found {len(messages)} chat messages under {key!r} and none from the user; expected "
        "at least one with role 'user'.",
    )
    return messages[users[-1]]["content"], messages[: users[-1]] + messages[users[-1] + 1 :]


def _check_message(message, key):
    require(
        isinstance(message, dict) and isinstance(message.get("role"), str),
        f'found a chat message without a role under {key!r}; expected {{"role", "content"}}.',
    )
    string(message, "content")


def _reply(value, key):
    if isinstance(value, list):
        require(
            len(value) == 1,
            f"found {len(value)} chat messages in one reply under {key!r}; expected one, from "
            "the assistant.",
        )
        _check_message(value[0], key)
        require(
            value[0]["role"] == "assistant",
            f"found a reply from {value[0]['role'][:20]!r} under {key!r}; expected role "
            "'assistant'.",
        )
        return value[0]["content"]
    require(
        isinstance(value, str),
        f"found {type_name(value)} as a reply under {key!r}; expected a string or a list with "
        "one assistant message.",
    )
    return string({key: value}, key)


def _rewards(row, key, count):
    """The rewards of one line by name.

    Lists of ``count`` numbers, or of one number when ``count`` is None.
    """
    value = row.get(key)
    if value is None:
        return {}
    named = value if isinstance(value, dict) else {"reward": value}
    for name, numbers in named.items():
        if count is not None:
            require(
                isinstance(numbers, list),
                f"found {type_name(numbers)} under {key!r}; expected a list of {count} "
                "numbers, or names with such lists.",
            )
            require(
                len(numbers) == count,
                f"found {len(numbers)} rewards {name!r} for {count} replies; expected one for "
                "each.",
            )
    rewards = {name: numbers if count is not None else [numbers] for name, numbers in named.items()}
    for name, numbers in rewards.items():
        for number in numbers:
            require(
                isinstance(number, int | float),
                f"found {type_name(number)} as a reward {name!r}; expected a number.",
            )
            require(
                -LARGEST < number < LARGEST,
                f"found {'NaN' if number != number else 'infinity or a number too large'} as a "
                f"reward {name!r}; expected a finite number.",
            )
    return {name: [float(number) for number in numbers] for name, numbers in rewards.items()}


def _grouped(records):
    """Join neighbouring records of the same prompt."""
    groups = []
    for record in records:
        if groups and (groups[-1][0]["prompt"], groups[-1][0]["index"]) == (
            record["prompt"],
            record["index"],
        ):
            groups[-1].append(record)
        else:
            groups.append([record])
    return [
        {
            "prompt": group[0]["prompt"],
            "texts": [r["texts"][0] for r in group],
            "finish": [r["finish"][0] for r in group],
            "rewards": {
                name: [r["rewards"][name][0] for r in group] for name in group[0]["rewards"]
            },
            "info": _joined([r["info"] for r in group]),
        }
        for group in groups
    ]


def _joined(infos):
    """One info for a group: a value that all lines share stays, others become the list of their
    values (None where absent).
    """
    keys = dict.fromkeys(key for info in infos for key in info)
    shared = {key: [info.get(key) for info in infos] for key in keys}
    return {
        key: values[0]
        if all(key in info for info in infos) and all(v == values[0] for v in values)
        else values
        for key, values in shared.items()
    }
