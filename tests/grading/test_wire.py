"""What comes from a box is JSON with limits, and becomes values here."""

import json
import os

import numpy as np
import pytest
import torch

from course_lib.classroom.checks import same_value
from course_lib.grading.wire import (
    MOST_LEAVES,
    Closed,
    Garbled,
    decoded,
    encoded,
    from_json,
    receive,
    send,
)

VALUES = [
    None, True, 3, -2.5, "text", "", 2**70, float("inf"), float("-inf"), [], [1, [2, "a"]], (1, 2),
    {"a": 1, 2: [3]}, {(1, 2): "pair"}, {1, 2}, frozenset({3}), range(2, 9, 3), ...,
    np.arange(6.0).reshape(2, 3), np.array([True, False]), np.array(["a", "b"]),
    torch.arange(4), torch.tensor(2.5), torch.ones(2, 0), torch.ones(3, dtype=torch.bfloat16),
    torch.tensor([float("nan"), 1.0]), np.array([1, 2], dtype="int8"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back(value):
    back = decoded(from_json(json.dumps(encoded(value)).encode()))
    assert same_value(back, value, 0.0)
    if isinstance(value, torch.Tensor):
        assert back.dtype == value.dtype and back.shape == value.shape
    elif not (isinstance(value, np.ndarray) and value.dtype.kind == "U"):
        assert type(back) is type(value)


def test_what_is_no_value_is_called_a_thing():
    back = decoded(encoded(object()))
    assert repr(back) == "<object>" and not back.once
    assert decoded(encoded(iter([1]))).once


@pytest.mark.parametrize(
    "told",
    [
        {"a": 1},
        [],
        [1],
        ["nothing", 1],
        ["tensor", "float32", [2, 2], [1.0]],
        ["tensor", "object", [-1], [1.0]],
        ["array", "float32", [10**9, 10**9], []],
        ["array", "float32", [3], ["a", "b", "c"]],
        ["dict", [["list", 1], 2]],
        ["float", "1e9"],
        ["int", "__import__('os')"],
        ["range", 1, 2, 0],
        ["set", ["list"]],
        ["list", *[0] * (MOST_LEAVES + 1)],
        ["thing"],
        "x" * 200_000,
    ],
    ids=lambda told: repr(told)[:40],
)
def test_what_a_box_may_not_send_is_garbled(told):
    with pytest.raises(Garbled):
        decoded(told)


def test_depth_and_broken_json_are_garbled():
    deep: list = ["list", 1]
    for _ in range(80):
        deep = ["list", deep]
    with pytest.raises(Garbled):
        decoded(deep)
    for data in (b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 5000):
        with pytest.raises(Garbled):
            from_json(data)


def test_messages_keep_their_limits():
    out, into = os.pipe()
    send(into, b"hello")
    send(into, b"")
    assert receive(out) == b"hello" and receive(out) == b""
    send(into, b"x" * 100)
    with pytest.raises(Garbled):
        receive(out, 99)
    os.close(into)
    with pytest.raises(Closed):
        os.read(out, 100) and receive(out)
    os.close(out)
