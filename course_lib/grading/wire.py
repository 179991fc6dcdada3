"""What passes between the grader and a box: lengths, and plain JSON leaves.

To a box go source texts and pickled inputs. From a box comes JSON alone, which is read with limits
and made into numbers, texts and arrays here: nothing that a student's code wrote is unpickled or
evaluated.
"""

import json
import math
import os
import struct
from typing import Any

import numpy as np
import torch

from ..classroom.checks.plain import Thing

MOST_BYTES = 4_000_000  # of one message from a box
MOST_LEAVES = 200_000  # numbers and texts in one answer
MOST_TEXT = 100_000  # characters of one text
DEEPEST = 60
HEAD = struct.Struct(">I")
ARRAYS = ("bool", "int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")


class Garbled(ValueError):
    """A message from a box that is not what a box may send."""


class Closed(EOFError):
    """The other side is gone."""


def send(fd: int, data: bytes) -> None:
    """Write one message, its length first."""
    view = memoryview(HEAD.pack(len(data)) + data)
    while view:
        view = view[os.write(fd, view) :]


def receive(fd: int, most: int = 1 << 30) -> bytes:
    """Read one message of at most ``most`` bytes. Raises where it is longer or cut short."""
    (length,) = HEAD.unpack(_exactly(fd, HEAD.size))
    if length > most:
        raise Garbled(f"a message of {length} bytes, where {most} are allowed")
    return _exactly(fd, length)


def _exactly(fd: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            raise Closed("the message ended early")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


# ---- values ------------------------------------------------------------------------------------


def encoded(value: Any) -> Any:
    """A plain value (:func:`~course_lib.classroom.checks.plain.builtin_value`) as JSON's types.

    Whatever JSON has no form for is a list with a name first: ``["tuple", ...]``.
    """
    if value is None or isinstance(value, bool | str):
        return value if not isinstance(value, str) else value[: MOST_TEXT + 1]
    if isinstance(value, int):
        return value if abs(value) < 2**53 else ["int", str(value)[:400]]
    if isinstance(value, float):
        return value if math.isfinite(value) else ["float", repr(value)]
    if isinstance(value, list | tuple | set | frozenset):
        return [type(value).__name__, *(encoded(x) for x in value)]
    if isinstance(value, dict):
        return ["dict", *([encoded(k), encoded(v)] for k, v in value.items())]
    if isinstance(value, np.ndarray):
        return _array("array", str(value.dtype), value.shape, value.ravel().tolist())
    if isinstance(value, torch.Tensor):
        flat = value.reshape(-1)
        flat = (flat.float() if value.dtype == torch.bfloat16 else flat).tolist()
        return _array("tensor", str(value.dtype).removeprefix("torch."), value.shape, flat)
    if value is Ellipsis:
        return ["ellipsis"]
    if isinstance(value, range):
        return ["range", value.start, value.stop, value.step]
    kind = value.kind if isinstance(value, Thing) else type(value).__name__
    return ["thing", kind[:80], bool(getattr(value, "once", hasattr(value, "__next__")))]


def _array(kind: str, dtype: str, shape: Any, flat: list) -> list:
    return [kind, dtype, list(shape), [encoded(x) for x in flat]]


def decoded(told: Any) -> Any:
    """The value that :func:`encoded` made JSON of. Raises :class:`Garbled` for anything else."""
    return _Decoder().value(told, 0)


class _Decoder:
    """Counts what it has read: an answer has a largest size."""

    def __init__(self) -> None:
        self.leaves = 0

    def value(self, told: Any, depth: int) -> Any:
        self.leaves += 1
        if self.leaves > MOST_LEAVES or depth > DEEPEST:
            raise Garbled("an answer that is too large or too deep")
        if told is None or isinstance(told, bool | int | float):
            return told
        if isinstance(told, str):
            if len(told) > MOST_TEXT:
                raise Garbled("a text that is too long")
            return told
        if not isinstance(told, list) or not told or not isinstance(told[0], str):
            raise Garbled("an answer that is no value")
        kind, *rest = told
        try:
            return self._named(kind, rest, depth + 1)
        except (TypeError, ValueError, IndexError, KeyError, RuntimeError, OverflowError) as error:
            if isinstance(error, Garbled):
                raise
            raise Garbled(f"a {kind[:20]!r} that is none") from None

    def _named(self, kind: str, rest: list, depth: int) -> Any:
        if kind in ("list", "tuple", "set", "frozenset"):
            make: Any = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind]
            return make(self.value(x, depth) for x in rest)
        if kind == "dict":
            return {self.value(k, depth): self.value(v, depth) for k, v in rest}
        if kind in ("array", "tensor"):
            return self._array(kind, *rest)
        if kind == "int":
            return int(str(rest[0])[:400])
        if kind == "float":
            return float({"inf": "inf", "-inf": "-inf", "nan": "nan"}[rest[0]])
        if kind == "ellipsis":
            return ...
        if kind == "range":
            return range(*(int(x) for x in rest))
        if kind == "thing":
            thing = Thing(object)
            thing.kind, thing.once = str(rest[0])[:80], bool(rest[1])
            return thing
        raise Garbled("an answer of an unknown kind")

    def _array(self, kind: str, dtype: str, shape: list, flat: list) -> Any:
        self.leaves += len(flat)
        sizes = [int(n) for n in shape]
        if self.leaves > MOST_LEAVES or min(sizes, default=0) < 0 or len(sizes) > 16:
            raise Garbled("an array that is too large")
        values = [self.value(x, 1) if isinstance(x, list) else x for x in flat]
        half = dtype == "bfloat16" and kind == "tensor"
        if not half and dtype not in ARRAYS:
            # texts and whatever else an array may hold: as a list
            return np.array(values).reshape(sizes).tolist()
        array = np.array(values, dtype="float32" if half else dtype).reshape(sizes)
        if kind == "array":
            return array
        tensor = torch.from_numpy(array)
        return tensor.to(torch.bfloat16) if half else tensor


def as_json(value: Any) -> bytes:
    """``value`` as bytes of JSON."""
    return json.dumps(value).encode()


def from_json(data: bytes) -> Any:
    """JSON from a box. Raises :class:`Garbled`."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"no JSON ({type(error).__name__})") from None
