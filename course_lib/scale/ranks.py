"""What the processes of a launch say to each other: sums of gradients, and plain values."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from accelerate.utils import gather_object

from ..methods.parallel import Alone

BUCKET = 2**25  # numbers that are summed in one message: 128 MB of float32


class LaunchedProcesses(Alone):
    """:class:`~course_lib.methods.Processes` that accelerate started.

    ``state`` is its ``PartialState``.

    Attributes
    ----------
    rank : which one this is, from 0.
    size : how many there are.
    """

    def __init__(self, state: Any) -> None:
        self.rank, self.size = state.process_index, state.num_processes

    def summed(self, tensors: Sequence[Any]) -> None:
        """Replace each tensor by its sum over all processes, many in one message."""
        for bucket in buckets(tensors, BUCKET):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            torch.distributed.all_reduce(flat)
            parts = flat.split([tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def gathered(self, value: Any) -> list[Any]:
        """The ``value`` of every process, by rank."""
        return gather_object([value])


def buckets(tensors: Sequence[Any], most: int) -> Iterator[list[Any]]:
    """``tensors`` in lists of one dtype and at most ``most`` numbers, or one tensor."""
    bucket: list[Any] = []
    numbers = 0
    for tensor in tensors:
        full = numbers + tensor.numel() > most
        if bucket and (full or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket, numbers = [], 0
        bucket.append(tensor)
        numbers += tensor.numel()
    if bucket:
        yield bucket
