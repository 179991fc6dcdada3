"""Pools on disk: one compressed ``.npz`` file each, without pickle so that anyone may send one.

The file holds ``meta`` (JSON: format, prompts, info, settings, texts), ``finish``, those of the
log-probabilities that the pool has, ``tokens`` or else ``lengths``, and one array
``reward:NAME`` for each reward.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base import CourseError, atomic_write, require
from .provenance import Provenance

FORMAT = 1

LOGPROBS = ("logprobs", "sampling_logprobs", "sum_logprobs")


def save_fields(fields: Mapping[str, Any], path: Path | str) -> None:
    """Write a pool's fields (name → value) to ``path``, atomically; equal pools in equal bytes."""
    with atomic_write(path) as file:
        np.savez_compressed(file, **_arrays(fields))


def _arrays(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The file's arrays, in the order they are written in."""
    meta = {
        "format": FORMAT,
        "prompts": fields["prompts"],
        "info": fields["info"],
        "settings": fields["provenance"].to_dict(),
        "texts": fields["texts"],
    }
    arrays = {
        "meta": np.frombuffer(_json(meta), dtype=np.uint8),
        "finish": fields["finish"].numpy().astype(np.int8),
    }
    for name in LOGPROBS:
        value = fields[name]
        # without a filter both distributions are one, which is written once
        twice = name == "sampling_logprobs" and _equal(value, fields["logprobs"])
        if value is not None and not twice:
            arrays[name] = value.numpy()
    tokens = fields["tokens"]
    if tokens is not None:
        arrays["tokens"] = tokens.numpy().astype(_token_type(tokens))
    else:
        arrays["lengths"] = fields["lengths"].numpy().astype(np.int32)
    for name, reward in fields["rewards"].items():
        arrays[f"reward:{name}"] = reward.numpy()
    return arrays


def _equal(a: torch.Tensor | None, b: torch.Tensor | None) -> bool:
    return a is b or (a is not None and b is not None and torch.equal(a, b))


def _json(meta: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(meta, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character (a lone surrogate) in some info
        return json.dumps(meta).encode()


def _token_type(tokens: torch.Tensor) -> type:
    """The smallest type that holds the token ids."""
    small = tokens.numel() == 0 or tokens.max() < 2**15
    return np.int16 if small else np.int32


def load_fields(path: Path | str) -> dict[str, Any]:
    """The fields of the pool that :func:`save_fields` wrote.

    Raises :class:`CourseError` when the file is missing, cut short or not a pool.
    """
    arrays, meta = _read(Path(path))
    fields: dict[str, Any] = {
        "prompts": meta["prompts"],
        "texts": meta["texts"],
        "info": meta["info"],
        "provenance": Provenance.from_dict(meta["settings"]),
        "finish": torch.from_numpy(arrays["finish"]),
        "rewards": {},
    }
    for name, array in arrays.items():
        if name in LOGPROBS:
            fields[name] = torch.from_numpy(array)
        elif name == "tokens":
            fields[name] = torch.from_numpy(array.astype(np.int32))
        elif name == "lengths":
            fields[name] = torch.from_numpy(array.astype(np.int64))
        elif name.startswith("reward:"):
            fields["rewards"][name.removeprefix("reward:")] = torch.from_numpy(array)
    if "logprobs" in fields:
        fields.setdefault("sampling_logprobs", fields["logprobs"])
    return fields


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of the file at ``path``, and its ``meta`` as a dictionary."""
    require(
        not path.is_dir(),
        f"{path} is a folder; a pool's file (.npz) is expected. A folder of parts is read by "
        "course_lib.pools.read_pool.",
    )
    require(path.is_file(), f"no pool at {path}. Make one with `course sample`, or check the path.")
    with open(path, "rb") as file:
        require(
            file.read(2) in (b"PK", b""),
            f"{path} is no pool's file (.npz). JSON lines and Parquet are read by "
            "course_lib.pools.read_pool, or read_rollouts.",
        )
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        meta = json.loads(arrays.pop("meta").tobytes().decode())
    except Exception as error:
        raise CourseError(
            f"{path} is not a readable pool ({type(error).__name__}: {error}). It may be "
            "cut short: delete it and sample again."
        ) from error
    require(
        meta.get("format") == FORMAT,
        f"{path} has pool format {meta.get('format')}, this version reads {FORMAT}. Sample "
        "again, or use the version that wrote it.",
    )
    return arrays, meta
