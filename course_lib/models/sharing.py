"""Which tokens of several sequences need be read once only: those of a common beginning.

What a causal model says of a token depends on those before it alone, so two replies to one prompt
need the prompt once. Attention still gives each sequence its own row (``packing.py``).
"""

from collections.abc import Sequence

import torch

WORTH = 0.85  # of the tokens: sharing must leave no more, as gathering rows costs time too


def common_beginning(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens ``one`` and ``other`` have in common before they differ."""
    count = min(len(one), len(other))
    if one[:count] == other[:count]:
        return count
    return next(i for i in range(count) if one[i] != other[i])


def shared_tokens(rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor] | None:
    """(owner (S',), first (S,)), or None where too little is shared.

    The S' tokens of all ``rows`` end to end are S different ones: ``owner`` says which of them each
    is, ``first`` where each stands for the first time.
    """
    order = sorted(range(len(rows)), key=rows.__getitem__)  # equal beginnings stand together
    starts = torch.tensor([0, *map(len, rows)]).cumsum(0).tolist()
    shared = [0] * len(rows)
    for before, this in zip(order, order[1:], strict=False):
        shared[this] = common_beginning(rows[before], rows[this])
    total = starts[-1]
    if total - sum(shared) > WORTH * total:
        return None
    stands = torch.arange(total)  # where the token that each one is stands first
    previous = order[0]
    for this in order[1:]:
        count = shared[this]
        at, like = starts[this], starts[previous]
        stands[at : at + count] = stands[like : like + count]
        previous = this
    first, owner = stands.unique(return_inverse=True)
    return owner, first
