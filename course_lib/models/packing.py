"""Sequences of different lengths laid end to end in one row: no linear layer sees padding.

Attention within each of them is one call of a fused kernel where there is one (``variable.py``),
and padded for the length of a call elsewhere.

Letters in shapes: B sequences of at most L tokens, S tokens in one row; H heads on Hkv key and
value heads; D numbers a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface

from .attention import refuse_unknown, window_of
from .loading import to_device
from .variable import variable_length

HANDLED = ("sliding_window", "s_aux")  # a window, and sinks as GPT-OSS has them


@dataclass
class Packing:
    """Where sequences of different lengths lie in one row of S tokens.

    ``shape`` is (B, L). ``slots`` (S,) gives each token's place in the padded (B·L) layout that
    attention alone uses; ``positions`` (1, S) counts from 0 in each sequence; ``ends`` (B + 1,)
    int32: sequence b has the tokens ``ends[b]`` to ``ends[b + 1]``.
    """

    shape: tuple[int, int]
    slots: torch.Tensor
    positions: torch.Tensor
    ends: torch.Tensor
    _bands: dict[int, torch.Tensor] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, lengths: torch.Tensor | Sequence[int], device: torch.device) -> "Packing":
        """The packing of sequences of ``lengths`` in the order given, on ``device``."""
        lengths = torch.as_tensor(lengths, dtype=torch.long)  # (B,)
        B, L = len(lengths), int(lengths.max())
        inside = torch.arange(L)[None, :] < lengths[:, None]  # (B, L)
        rows, columns = inside.nonzero(as_tuple=True)  # (S,) each
        ends = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)]).int()
        slots, positions, ends = (
            to_device(x, device) for x in (rows * L + columns, columns[None], ends)
        )
        return cls((B, L), slots, positions, ends)

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """Packed rows (1, H, S, D) as (B, H, L, D), zeros after each sequence's end."""
        B, L = self.shape
        _, H, _, D = x.shape
        flat = x.new_zeros(B * L, H, D).index_copy(0, self.slots, x[0].transpose(0, 1))
        return flat.view(B, L, H, D).transpose(1, 2)

    def packed(self, x: torch.Tensor) -> torch.Tensor:
        """Padded (B, H, L, D) back as (1, S, H, D)."""
        B, H, L, D = x.shape
        flat = x.transpose(1, 2).reshape(B * L, H, D)
        return flat[self.slots][None]

    def band(self, window: int | None) -> torch.Tensor:
        """(L, L) bool: which tokens of a sequence each one sees, itself included.

        Those before it, or the last ``window`` of them.
        """
        L = self.shape[1]
        width = L if window is None else min(window, L)
        if width not in self._bands:
            full = torch.ones(L, L, dtype=torch.bool, device=self.slots.device)
            self._bands[width] = full.tril().triu(1 - width)
        return self._bands[width]


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
    if window is not None and window >= packing.shape[1]:
        window = None  # no sequence is longer
    dropout = kwargs.get("dropout", 0.0) if module.training else 0.0
    sinks = kwargs.get("s_aux")
    query, key, value = in_autocast(query, key, value)
    kernel = None
    if dropout == 0 and sinks is None:
        kernel = variable_length(query, key, value, window is not None)
    if kernel is not None:
        rows = [x[0].transpose(0, 1) for x in (query, key, value)]  # (S, heads, D)
        return kernel(*rows, packing.ends, packing.shape[1], scaling, window)[None], None
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
    # padding stands after a sequence's tokens, so a causal mask alone keeps it out of them
    query, key, value = (packing.padded(x) for x in (query, key, value))
    mask = None if window is None and sinks is None else packing.band(window)
    if sinks is not None:
        # a key more, which every token sees with the sink's logit, and whose value is zero
        key, value = F.pad(key, (0, 0, 0, 1)), F.pad(value, (0, 0, 0, 1))
        L, H = packing.shape[1], query.shape[1]
        hidden = torch.zeros(L, L, dtype=query.dtype, device=query.device)
        hidden = hidden.masked_fill(~mask, float("-inf")).expand(1, H, L, L)
        column = sinks.to(query.dtype)[None, :, None, None].expand(1, H, L, 1)
        mask = torch.cat([hidden, column], dim=-1)  # (1, H, L, L + 1)
    out = F.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        is_causal=mask is None,
        scale=scaling,
        dropout_p=dropout,
        enable_gqa=query.shape[1] != key.shape[1],
    )  # (B, H, L, D)
    return packing.packed(out)


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
