r"""Rollouts in and out as JSON lines, in the shapes people already have.

| shape | one line holds | rewards |
|---|---|---|
| ``prompt/responses/rewards`` | a prompt and its N replies | a list, or ``{name: list}``, or absent |
| ``question/completions/rewards`` | the same under other names | the same |
| ``input/output/reward`` | one reply | a number, or ``{name: number}``, or absent |
| ``prompt/completion/reward`` | one reply, as TRL's SFT trainer reads it | the same |
| ``prompt/chosen/rejected`` | a pair, as TRL's DPO and reward trainers read it | reward ``preference`` is 1 and 0 |
| ``model solutions`` | a GSM8K problem and four systems' solutions (read only) | ``verifier`` and ``label`` |

Files may be gzip'd. What this leaves out: token ids and log-probabilities; :meth:`Pool.save` keeps those.
"""

import gzip
import io
import json
from pathlib import Path

import torch

from .errors import CourseError, require
from .estimators import decidable, paired_difference, pass_at_k, wilson_interval
from .files import atomic_write
from .pool import FINISH, LENGTH, STOP, Pool
from .worlds.gsm8k import SYSTEMS, load_model_solutions, read_jsonl, string

LISTS = {"prompt/responses/rewards": ("prompt", "responses", "rewards"), "question/completions/rewards": ("question", "completions", "rewards")}
SINGLES = {"input/output/reward": ("input", "output", "reward"), "prompt/completion/reward": ("prompt", "completion", "reward")}
PAIRS = {"prompt/chosen/rejected": ("prompt", "chosen", "rejected")}
SOLUTIONS = "model solutions"
SHAPES = {**LISTS, **SINGLES, **PAIRS}
LARGEST = 3.4e38  # rewards are kept as float32


# ---- reading ----------------------------------------------------------------------------------------------------


def read_rollouts(path, skip_bad=False):
    """Read a file of rollouts as a :class:`Pool`; its keys tell the shape, which the first line fixes for the whole file.

    - A prompt may be a string or a list of chat messages: the last user message becomes the prompt, the others go to
      ``info["messages"]``. A completion may be a string or a list with one assistant message. Empty replies are kept.
    - In the shapes with one reply a line, **neighbouring** lines with the same prompt (and the same ``prompt_index``, if they have
      one) are the candidates of one prompt. The same prompt further down is another prompt: duplicates stay apart.
    - Prompts with fewer replies than others are filled up with ``missing`` candidates.
    - Other keys go to ``info``. Where the lines of one group differ in such a key, it becomes the list of their values.
      ``finish_reason`` ("stop" or "length") goes to ``finish``.

    A bad line (broken JSON, another shape, missing keys, wrong types, a reward that is not finite, fewer rewards than replies)
    raises :class:`CourseError` with file, line number, what was found and what was expected; with ``skip_bad`` the others are
    read and ``settings["skipped"]`` lists ``{"line", "reason"}``. Messages never quote prompts or replies.
    """
    first = {}  # what the first good line fixes: the shape and the names of the rewards

    def parse(row):
        shape = _shape_of(row)
        require(first.get("shape", shape) == shape, f"found shape {shape}, but the file began with {first.get('shape')}; expected one shape a file.")
        if shape == SOLUTIONS:
            first["shape"] = shape
            return None
        record = _record(row, shape)
        names = list(record["rewards"])
        require(set(first.get("rewards", names)) == set(names), f"found rewards {_names(names)}; expected {_names(first.get('rewards', ()))} as on the first line.")
        first.setdefault("shape", shape)
        first.setdefault("rewards", names)
        return record

    records, skipped = read_jsonl(path, parse, skip_bad)
    if first["shape"] == SOLUTIONS:
        return load_model_solutions(path, skip_bad)
    if first["shape"] in SINGLES:
        records = _grouped(records)
    rewards = {name: [r["rewards"][name] for r in records] for name in first["rewards"]}
    pool = Pool.from_candidates([r["prompt"] for r in records], [r["texts"] for r in records], rewards, [r["info"] for r in records],
                                {"source": Path(path).name, "shape": first["shape"], "skipped": skipped})
    pool.settings["n"] = pool.N
    for i, record in enumerate(records):
        pool.finish[i, : len(record["finish"])] = torch.tensor(record["finish"], dtype=torch.int8)
    return pool


def _names(names):
    return ", ".join(names) or "none"


def _shape_of(row):
    if "ground_truth" in row and any(system in row for system in SYSTEMS):
        return SOLUTIONS
    for shape, keys in SHAPES.items():
        if all(key in row for key in (keys if shape in PAIRS else keys[:2])):
            return shape
    known = "; ".join("{" + ", ".join(keys) + "}" for keys in SHAPES.values())
    hint = " Dialogue pairs without a prompt, as in hh-rlhf, are read by hh_pairs." if {"chosen", "rejected"} <= row.keys() else ""
    raise CourseError(f"found the keys {_names(sorted(row))[:200]}; expected one of the shapes {known}.{hint}")


def _record(row, shape):
    """One line as ``{"prompt", "texts", "rewards", "finish", "info", "index"}``."""
    ask, reply, extra = SHAPES[shape]
    prompt, others = _prompt(row, ask)
    if shape in PAIRS:
        texts, rewards = [_reply(row[reply], reply), _reply(row[extra], extra)], {"preference": [1.0, 0.0]}
    elif shape in LISTS:
        require(isinstance(row[reply], list) and row[reply], f"found {_kind(row[reply])} under {reply!r}; expected a list of at least one reply.")
        texts, rewards = [_reply(value, reply) for value in row[reply]], _rewards(row, extra, len(row[reply]))
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
    return {"prompt": prompt, "texts": texts, "rewards": rewards, "finish": finish or [STOP] * len(texts), "info": info, "index": row.get("prompt_index")}


def _finish(row, shape, count):
    """The finish of each reply as indices into FINISH; None when the line does not say "stop" or "length" for every reply."""
    reasons = row.get("finish_reason") if shape in LISTS else [row.get("finish_reason")]
    if shape in PAIRS or not isinstance(reasons, list) or len(reasons) != count or any(r not in ("stop", "length") for r in reasons):
        return None
    return [FINISH.index(reason) for reason in reasons]


def _kind(value):
    return "an empty list" if value == [] else "null" if value is None else type(value).__name__


def _prompt(row, key):
    """The prompt's text and the other chat messages."""
    if not isinstance(row[key], list):
        return string(row, key), []
    messages = row[key]
    for message in messages:
        _check_message(message, key)
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    require(users, f"found {len(messages)} chat messages under {key!r} and none from the user; expected at least one with role 'user'.")
    return messages[users[-1]]["content"], messages[: users[-1]] + messages[users[-1] + 1 :]


def _check_message(message, key):
    require(isinstance(message, dict) and isinstance(message.get("role"), str), f"found a chat message without a role under {key!r}; expected {{\"role\", \"content\"}}.")
    string(message, "content")


def _reply(value, key):
    if isinstance(value, list):
        require(len(value) == 1, f"found {len(value)} chat messages in one reply under {key!r}; expected one, from the assistant.")
        _check_message(value[0], key)
        require(value[0]["role"] == "assistant", f"found a reply from {value[0]['role'][:20]!r} under {key!r}; expected role 'assistant'.")
        return value[0]["content"]
    require(isinstance(value, str), f"found {_kind(value)} as a reply under {key!r}; expected a string or a list with one assistant message.")
    return string({key: value}, key)


def _rewards(row, key, count):
    """The rewards of one line by name: lists of ``count`` numbers, or of one number when ``count`` is None."""
    value = row.get(key)
    if value is None:
        return {}
    named = value if isinstance(value, dict) else {"reward": value}
    for name, numbers in named.items():
        if count is not None:
            require(isinstance(numbers, list), f"found {_kind(numbers)} under {key!r}; expected a list of {count} numbers, or names with such lists.")
            require(len(numbers) == count, f"found {len(numbers)} rewards {name!r} for {count} replies; expected one for each.")
    rewards = {name: numbers if count is not None else [numbers] for name, numbers in named.items()}
    for name, numbers in rewards.items():
        for number in numbers:
            require(isinstance(number, int | float), f"found {_kind(number)} as a reward {name!r}; expected a number.")
            require(-LARGEST < number < LARGEST, f"found {'NaN' if number != number else 'infinity or a number too large'} as a reward {name!r}; expected a finite number.")
    return {name: [float(number) for number in numbers] for name, numbers in rewards.items()}


def _grouped(records):
    """Join neighbouring records of the same prompt."""
    groups = []
    for record in records:
        if groups and (groups[-1][0]["prompt"], groups[-1][0]["index"]) == (record["prompt"], record["index"]):
            groups[-1].append(record)
        else:
            groups.append([record])
    return [{"prompt": group[0]["prompt"], "texts": [r["texts"][0] for r in group], "finish": [r["finish"][0] for r in group],
             "rewards": {name: [r["rewards"][name][0] for r in group] for name in group[0]["rewards"]}, "info": _joined([r["info"] for r in group])}
            for group in groups]


def _joined(infos):
    """One info for a group: a value that all lines share stays, others become the list of their values (None where absent)."""
    keys = dict.fromkeys(key for info in infos for key in info)
    shared = {key: [info.get(key) for info in infos] for key in keys}
    return {key: values[0] if all(key in info for info in infos) and all(v == values[0] for v in values) else values for key, values in shared.items()}


# ---- writing ----------------------------------------------------------------------------------------------------


def write_rollouts(pool, path, shape="prompt/responses/rewards"):
    """Write a pool's prompts, replies, rewards, finish and info in one of the shapes (all but ``model solutions``), atomically.

    Reading the file back gives the same prompts, texts, rewards (to the last bit), finish and info. Missing candidates are not
    written, so those in the middle of a row move to its end. Info goes under the key ``info``, ``finish_reason`` is written when some reply
    was cut, and ``prompt_index`` in the one-reply shapes when two neighbouring prompts are equal. A reward called ``reward`` that is alone
    is written bare, others by name. ``prompt/chosen/rejected`` needs two candidates and a reward ``preference`` that differs.
    """
    require(shape in SHAPES, f"no shape {shape!r} to write; the shapes are: {', '.join(SHAPES)}.")
    require(pool.P > 0, "this pool has no prompts: there is nothing to write.")
    empty = (~pool.present).all(1).nonzero().flatten().tolist()
    require(not empty, f"{len(empty)} prompts have no reply at all, first prompt {empty[0] if empty else ''}: this file could not hold them. Leave them out with pool.prompts_at(...).")
    ask, reply, extra = SHAPES[shape]
    cut = bool((pool.finish == LENGTH).any())
    numbered = any(a == b for a, b in zip(pool.prompts, pool.prompts[1:]))
    rewards = {name: values.tolist() for name, values in pool.rewards.items()}

    def rows():
        for i, prompt in enumerate(pool.prompts):
            there = pool.present[i].nonzero().flatten().tolist()
            info = {"info": pool.info[i]} if pool.info[i] else {}
            if shape in PAIRS:
                yield {ask: prompt, **_chosen_rejected(pool, i, there), **info}
            elif shape in LISTS:
                row = {ask: prompt, reply: [pool.texts[i][j] for j in there]}
                row |= _bare(extra, {name: [values[i][j] for j in there] for name, values in rewards.items()})
                row |= {"finish_reason": [FINISH[pool.finish[i, j]] for j in there]} if cut else {}
                yield row | info
            else:
                for j in there:
                    row = {ask: prompt, reply: pool.texts[i][j], **_bare(extra, {name: values[i][j] for name, values in rewards.items()})}
                    row |= {"finish_reason": FINISH[pool.finish[i, j]]} if cut else {}
                    yield row | ({"prompt_index": i} if numbered else {}) | info

    _write_jsonl(rows(), path)


def _bare(key, rewards):
    return {} if not rewards else {key: rewards["reward"] if list(rewards) == ["reward"] else rewards}


def _chosen_rejected(pool, i, there):
    require(len(there) == 2, f"prompt {i} has {len(there)} replies; a pair needs exactly two. Make pairs with preference_pairs and write_pairs.")
    first, second = pool.reward("preference")[i, there].tolist()
    require(first != second, f"prompt {i} has equal preferences, so neither reply is the chosen one.")
    chosen, rejected = (there[0], there[1]) if first > second else (there[1], there[0])
    return {"chosen": pool.texts[i][chosen], "rejected": pool.texts[i][rejected]}


def write_selection(rows, path):
    """Write rows with ``prompt`` and ``completion`` (:meth:`Selection.to_rows`), as TRL's SFT trainer reads them; other keys are kept."""
    _write_jsonl(_checked(rows, ("prompt", "completion")), path)


def write_pairs(rows, path):
    """Write rows with ``prompt``, ``chosen`` and ``rejected`` (:func:`preference_pairs`), as TRL's DPO and reward trainers read them; other keys are kept."""
    _write_jsonl(_checked(rows, ("prompt", "chosen", "rejected")), path)


def _checked(rows, keys):
    for number, row in enumerate(rows, 1):
        for key in keys:
            require(isinstance(row.get(key), str), f"row {number} has {_kind(row.get(key))} under {key!r}; expected a string.")
        yield {**{key: row[key] for key in keys}, **row}


def _write_jsonl(rows, path):
    """One JSON object a line, atomically; gzip'd when the name ends in ``.gz`` (with no time stamp: equal rows give equal files)."""
    with atomic_write(path) as file:
        zipped = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) if str(path).endswith(".gz") else None
        text = io.TextIOWrapper(zipped or file, encoding="utf-8", newline="\n")
        for number, row in enumerate(rows, 1):
            try:
                line = json.dumps(row, ensure_ascii=False, allow_nan=False)
                line.encode()
            except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
                kind = "half a character (a lone surrogate)" if isinstance(error, UnicodeError) else str(error)
                raise CourseError(f"row {number} cannot be written as JSON: {kind}. Keep only text, finite numbers, lists and dictionaries in info.") from None
            text.write(line + "\n")
        text.flush()
        text.detach()
        if zipped:
            zipped.close()


# ---- human preference pairs -------------------------------------------------------------------------------------

ASSISTANT = "\n\nAssistant:"


def hh_pairs(path, skip_bad=False, return_counts=False):
    r"""Anthropic's hh-rlhf pairs as a list of ``{"prompt", "chosen", "rejected"}`` (Bai et al., 2204.05862).

    A line holds two whole dialogues, ``"\n\nHuman: ... \n\nAssistant: ..."``. They are split after the last ``"\n\nAssistant:"``
    up to which they are equal: the prompt ends with it, what follows (stripped of blanks) is the reply. Where two dialogues part
    earlier than in the last turn, the replies go on with the turns after that. Pairs with equal replies teach nothing and are dropped.

    With ``return_counts`` also returns ``{"read", "kept", "identical", "early", "empty", "skipped"}``. The data holds offensive text by
    design: show counts, not replies. Errors never quote it.
    """
    def parse(row):
        chosen, rejected = string(row, "chosen"), string(row, "rejected")
        shared = next((i for i, (a, b) in enumerate(zip(chosen, rejected)) if a != b), min(len(chosen), len(rejected)))
        end = chosen.rfind(ASSISTANT, 0, shared)
        require(end >= 0, r"found two dialogues that part before their first '\n\nAssistant:'; expected the same dialogue up to a reply.")
        end += len(ASSISTANT)
        return {"prompt": chosen[:end], "chosen": chosen[end:].strip(), "rejected": rejected[end:].strip()}

    rows, skipped = read_jsonl(path, parse, skip_bad)
    kept = [row for row in rows if row["chosen"] != row["rejected"]]
    counts = {"read": len(rows), "kept": len(kept), "identical": len(rows) - len(kept),
              "early": sum(ASSISTANT in row["chosen"] or ASSISTANT in row["rejected"] for row in kept),
              "empty": sum(not row["chosen"] or not row["rejected"] for row in kept), "skipped": skipped}
    return (kept, counts) if return_counts else kept


# ---- the released model solutions -------------------------------------------------------------------------------


def system_report(pool, by="verifier"):
    """What the released GSM8K solutions show, on the pool of :func:`~course_lib.worlds.gsm8k.load_model_solutions`.

    Returns ``{"accuracy": {system: Interval}, "difference": {"a − b": Interval}, "pass_at": {k: mean over prompts},
    "decidable": Interval}``: Wilson intervals over prompts, paired bootstrap intervals, all at 95 %. A "verification" answer is
    the best of 100 samples by a trained verifier (2110.14168). The candidates come from four models, so ``pass_at[k]``
    is over k of these four systems drawn without replacement, not over k samples of one model.
    """
    right, systems = pool.reward(by), pool.settings.get("systems", [])
    require(set(SYSTEMS) <= set(systems), f"the report needs the pool of load_model_solutions, with the systems {', '.join(SYSTEMS)}; got {_names(systems)}.")
    column = {system: right[:, j] for j, system in enumerate(systems)}
    pairs = (("6b_verification", "6b_finetuning"), ("175b_verification", "175b_finetuning"), ("6b_verification", "175b_finetuning"))
    ks = range(1, pool.N + 1)
    return {"accuracy": {system: wilson_interval(int(values.sum()), pool.P) for system, values in column.items()},
            "difference": {f"{a} − {b}": paired_difference(column[a], column[b]) for a, b in pairs},
            "pass_at": dict(zip(ks, pass_at_k(right, ks).mean(0).tolist())),
            "decidable": wilson_interval(int(decidable(right).sum()), pool.P)}
