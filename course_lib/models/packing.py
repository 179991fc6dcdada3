"""Sequences of different lengths laid end to end in one row: no linear layer sees padding.

Letters in shapes: B sequences of at most L tokens, S tokens in one row; H heads on Hkv key and
value heads; D numbers a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface

from .attention import refuse_unknown


@dataclass
class Packing:
    """Where sequences of different lengths lie in one row of S tokens.

    ``shape`` is (B, L). ``slots`` (S,) gives each token's place in the padded (B·L) layout that
    attention alone uses; ``positions`` (1, S) counts from 0 in each sequence.
    """

    shape: tuple[int, int]
    slots: torch.Tensor
    positions: torch.Tensor

    @classmethod
    def of(cls, lengths: torch.Tensor | Sequence[int], device: torch.device) -> "Packing":
        """The packing of sequences of ``lengths`` in the order given, on ``device``."""
        lengths = torch.as_tensor(lengths, dtype=torch.long)  # (B,)
        B, L = len(lengths), int(lengths.max())
        inside = torch.arange(L)[None, :] < lengths[:, None]  # (B, L)
        rows, columns = inside.nonzero(as_tuple=True)  # (S,) each
        slots = rows * L + columns
        return cls((B, L), slots.to(device), columns[None].to(device))

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
    """Causal attention within each packed sequence.

    query (1, H, S, D), key and value (1, Hkv, S, D) → ((1, S, H, D), None). The order of the first
    five is that of ``transformers``; the mask is not used.
    """
    refuse_unknown(module, kwargs)
    dropout = kwargs.get("dropout", 0.0) if module.training else 0.0
    # padding stands after a sequence's tokens, so a causal mask alone keeps it out of them
    out = F.scaled_dot_product_attention(
        packing.padded(query),
        packing.padded(key),
        packing.padded(value),
        is_causal=True,
        scale=scaling,
        dropout_p=dropout,
        enable_gqa=query.shape[1] != key.shape[1],
    )  # (B, H, L, D)
    return packing.packed(out), None


AttentionInterface.register("course_packed", packed_attention)
