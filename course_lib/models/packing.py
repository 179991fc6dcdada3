"""Sequences of different lengths laid end to end in one row: no linear layer sees padding.

Attention within each of them is one call of a fused kernel where there is one (``variable.py``),
and padded for the length of a call elsewhere.

Letters in shapes: B sequences of at most L tokens, S' in all, S tokens in one row; H heads on Hkv
key and value heads; D numbers a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface

from .attention import refuse_unknown, window_of
from .loading import to_device
from .sharing import shared_tokens
from .variable import variable_length

FEW, PADDED = 4, 1.5  # rows that a block may keep together, and how far it may pad one
HANDLED = ("sliding_window", "s_aux")  # a window, and sinks as GPT-OSS has them


@dataclass
class Packing:
    """Where sequences of different lengths lie in one row of S tokens.

    Attention alone pads them, in ``blocks``: each is (sequences, their longest), and sequences of
    about the same length share one. ``slots`` (S,) gives each token's place in the blocks, laid end
    to end; ``positions`` (1, S) counts from 0 in each sequence; ``ends`` (B + 1,) int32: sequence b
    has the tokens ``ends[b]`` to ``ends[b + 1]``; ``longest`` is L.

    Where beginnings are shared, the row has fewer tokens than the sequences: ``owner`` says which
    of the row each of theirs is and ``first`` which of theirs each of the row is; else both are
    None, and ``slots`` and ``ends`` count the sequences' tokens.
    """

    blocks: list[tuple[int, int]]
    slots: torch.Tensor
    positions: torch.Tensor
    ends: torch.Tensor
    longest: int
    owner: torch.Tensor | None = None
    first: torch.Tensor | None = None
    _bands: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, lengths: torch.Tensor | Sequence[int], device: torch.device) -> "Packing":
        """The packing of sequences of ``lengths`` in the order given, on ``device``."""
        lengths = torch.as_tensor(lengths, dtype=torch.long)  # (B,)
        order = lengths.argsort(descending=True, stable=True)
        blocks = blocks_of(lengths[order].tolist())
        widths = torch.tensor([L for count, L in blocks for _ in range(count)])  # of its block
        starts = torch.empty_like(lengths)  # of each sequence in the blocks
        starts[order] = widths.cumsum(0) - widths
        ends = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])  # (B + 1,)
        columns = torch.arange(int(ends[-1])) - ends[:-1].repeat_interleave(lengths)  # (S,)
        slots = starts.repeat_interleave(lengths) + columns
        slots, positions, ends = (to_device(x, device) for x in (slots, columns[None], ends.int()))
        return cls(blocks, slots, positions, ends, blocks[0][1])

    @classmethod
    def of_rows(
        cls, rows: Sequence[list[int]], device: torch.device, share: bool
    ) -> tuple["Packing", torch.Tensor]:
        """The packing of ``rows`` of token ids, and the ids (1, S) of its row.

        With ``share``, tokens that several rows begin with are there once, if they are many.
        """
        packing = cls.of([len(row) for row in rows], device)
        ids = to_device(torch.tensor([token for row in rows for token in row]), device)  # (S',)
        shared = shared_tokens(rows) if share else None
        if shared is not None:
            packing.owner, packing.first = (to_device(x, device) for x in shared)
            packing.positions = packing.positions[:, packing.first]
            ids = ids[packing.first]
        return packing, ids[None]

    def of_sequences(self, places: torch.Tensor) -> torch.Tensor:
        """Where in the row the sequences' tokens at ``places`` (of all, end to end) stand."""
        return places if self.owner is None else self.owner[places]

    def spread(self, x: torch.Tensor) -> torch.Tensor:
        """Rows (1, H, S, D) of the packed row as (S', H, D): those of the sequences' tokens."""
        rows = x[0].transpose(0, 1)
        return rows if self.owner is None else rows.index_select(0, self.owner)

    def gathered(self, rows: torch.Tensor) -> torch.Tensor:
        """Back: (S', H, D) as (1, S, H, D), shared tokens from where they stand first."""
        if self.first is None:
            return rows[None]
        return _Taken.apply(rows, self.first)[None]  # type: ignore[no-any-return]

    def padded(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Packed rows (1, H, S, D) in blocks (B', H, L', D), zeros after each sequence's end."""
        rows = self.spread(x)  # (S', H, D)
        _, H, D = rows.shape
        sizes = [count * L for count, L in self.blocks]
        flat = rows.new_zeros(sum(sizes), H, D).index_copy(0, self.slots, rows)
        return [
            part.view(count, L, H, D).transpose(1, 2)
            for part, (count, L) in zip(flat.split(sizes), self.blocks, strict=True)
        ]

    def packed(self, blocks: Sequence[torch.Tensor]) -> torch.Tensor:
        """Blocks (B', H, L', D) back as (1, S, H, D)."""
        rows = torch.cat([block.transpose(1, 2).flatten(0, 1) for block in blocks])
        places = self.slots if self.first is None else self.slots[self.first]
        return _Taken.apply(rows, places)[None]  # type: ignore[no-any-return]

    def band(self, window: int | None, L: int) -> torch.Tensor:
        """(L, L) bool: which tokens of a sequence each one sees, itself included.

        Those before it, or the last ``window`` of them.
        """
        width = L if window is None else min(window, L)
        if (width, L) not in self._bands:
            full = torch.ones(L, L, dtype=torch.bool, device=self.slots.device)
            self._bands[width, L] = full.tril().triu(1 - width)
        return self._bands[width, L]


def blocks_of(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """(sequences, their longest) of each block, from ``lengths`` that fall.

    A block ends before a sequence that would be padded by half its length, unless it is small.
    """
    blocks: list[tuple[int, int]] = []
    for length in lengths:
        count, longest = blocks[-1] if blocks else (0, length)
        if not blocks or (count >= FEW and length * PADDED < longest):
            blocks.append((1, length))
        else:
            blocks[-1] = (count + 1, longest)
    return blocks


class _Taken(torch.autograd.Function):
    """Rows of a tensor, each at most once: the backward pass has nothing to add up."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, rows: torch.Tensor, places: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(places)
        ctx.shape = rows.shape
        return rows.index_select(0, places)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # type: ignore[override]
        ctx: Any, grad: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        (places,) = ctx.saved_tensors
        return grad.new_zeros(ctx.shape).index_copy_(0, places, grad), None


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    packing: Packing,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each packed sequence, with the layer's window and sinks.

    query (1, H, S, D), key and value (1, Hkv, S, D) → ((1, S, H, D), None). The order of the first
    five is that of ``transformers``; the mask is not used.
    """
    refuse_unknown(module, kwargs, HANDLED)
    window = window_of(module, kwargs)
    if window is not None and window >= packing.longest:
        window = None  # no sequence is longer
    dropout = kwargs.get("dropout", 0.0) if module.training else 0.0
    sinks = kwargs.get("s_aux")
    query, key, value = in_autocast(query, key, value)
    kernel = None
    if dropout == 0 and sinks is None:
        kernel = variable_length(query, key, value, window is not None)
    if kernel is not None:
        q, k, v = (packing.spread(x) for x in (query, key, value))  # (S', heads, D)
        out = kernel(q, k, v, packing.ends, packing.longest, scaling, window)
        return packing.gathered(out), None
    return padded_attention(query, key, value, packing, scaling, window, sinks, dropout), None


def padded_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    packing: Packing,
    scaling: float | None = None,
    window: int | None = None,
    sinks: torch.Tensor | None = None,
    dropout: float = 0.0,
) -> torch.Tensor:
    """:func:`packed_attention` in the padded layout: (1, S, H, D).

    ``sinks`` (H,): one more logit a head in the softmax's denominator.
    """
    blocks = zip(*(packing.padded(x) for x in (query, key, value)), strict=True)
    out = []
    for q, k, v in blocks:  # (B', H, L', D) each
        # padding stands after a sequence's tokens, so a causal mask alone keeps it out of them
        L, mask = q.shape[2], None
        if window is not None or sinks is not None:
            mask = packing.band(window, L)
        if sinks is not None:
            k, v, mask = _with_sinks(q, k, v, mask, sinks)
        out.append(
            F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=mask,
                is_causal=mask is None,
                scale=scaling,
                dropout_p=dropout,
                enable_gqa=q.shape[1] != k.shape[1],
            )
        )
    return packing.packed(out)


def _with_sinks(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    seen: torch.Tensor | None,
    sinks: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Keys and values with one more, which all see with the sink's logit, and the mask for them."""
    key, value = F.pad(key, (0, 0, 0, 1)), F.pad(value, (0, 0, 0, 1))
    _, H, L, _ = query.shape
    scores = torch.zeros(L, L, dtype=query.dtype, device=query.device)
    if seen is not None:
        scores = scores.masked_fill(~seen, float("-inf"))
    column = sinks.to(query.dtype)[None, :, None, None].expand(1, H, L, 1)
    return key, value, torch.cat([scores.expand(1, H, L, L), column], dim=-1)


def in_autocast(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """``tensors`` in the precision of autocast, where it is on.

    Norms and rotations leave float32, and a kernel called by name is not cast by itself.
    """
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return tensors
    dtype = torch.get_autocast_dtype(kind)
    return tuple(x.to(dtype) for x in tensors)


AttentionInterface.register("course_packed", packed_attention)
