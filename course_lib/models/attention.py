"""Two attention functions that waste nothing on padding or on repeated prompts.

``transformers`` lets a program register its own attention and passes extra keyword arguments of
``model(...)`` down to it. Both functions here use only that, so every decoder that supports it
(Llama, Qwen3, Mistral ...) runs unchanged. Whether a model does is tried before it is used
(``proving.py``), and callers have a plain fallback for the others.

* ``course_packed``: sequences of different lengths laid end to end in one row. Linear layers see no
  padding.
* ``course_shared``: decoding N candidates of a prompt. The prompt's keys and values are stored once
  for all N.

Letters in shapes: B sequences of at most L tokens, S tokens in one row; P prompts of at most L
tokens, R candidate rows, W rows of the prompt that has most; H heads on Hkv key and value heads, G
= H / Hkv; D numbers a head; t tokens written so far.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.cache_utils import Cache

# what transformers passes to an attention function and these two can do without: they know which
# tokens belong together, and the mask, the positions and the cache say the same in other ways
WITHOUT_MEANING = {
    "attention_mask", "cache_position", "cache_positions", "dropout", "is_causal", "layer_idx",
    "logits_to_keep", "max_length_k", "max_length_q", "output_attentions", "output_hidden_states",
    "output_router_logits", "packing", "position_embeddings", "position_ids", "return_dict",
    "shared", "use_cache",
}  # fmt: skip
SHIFTING_ROPE = ("dynamic", "longrope")  # turned by the longest text of a batch


class CannotAttendError(RuntimeError):
    """A model asks for something in its attention that the functions of this file do not do."""


def _refuse_unknown(module: torch.nn.Module, given: dict[str, Any]) -> None:
    """Raise where an argument would change attention: a window, a soft cap, sinks, a bias."""
    for name, value in given.items():
        meant = value is not None and value is not False
        if meant and name not in WITHOUT_MEANING:
            raise CannotAttendError(f"its attention needs {name}")
    if given.get("is_causal") is False or getattr(module, "is_causal", True) is False:
        raise CannotAttendError("its attention is not causal")


def misfit(model: torch.nn.Module) -> str:
    """Why ``model`` cannot run the attention functions of this file, or "" when it may.

    What shows in a long text only and no short trial would find: windows, chunks, positions that
    shift. The rest is tried on a few tokens, see :mod:`course_lib.models.proving`.
    """
    config: Any = model.config
    config = config.get_text_config(decoder=True)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if not getattr(model.base_model, "_supports_attention_backend", False):
        return "it takes no attention from outside"
    if kinds != {"full_attention"}:
        return f"it has layers of the kinds {', '.join(sorted(kinds))}"
    for name in ("sliding_window", "attention_chunk_size"):
        if getattr(config, name, None) is not None and getattr(config, "use_" + name, True):
            return f"it has a {name}"
    return "its positions depend on the longest text of a batch" if shifts(model) else ""


def shifts(model: torch.nn.Module) -> bool:
    """Whether a row is read otherwise beside a longer one: positions that turn with the longest."""
    config: Any = model.config
    config = config.get_text_config(decoder=True)
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    kinds = [rope, *rope.values()] if isinstance(rope, dict) else []
    named = [kind.get("rope_type", kind.get("type")) for kind in kinds if isinstance(kind, dict)]
    return any(name in SHIFTING_ROPE for name in named)


@contextmanager
def attention(model: torch.nn.Module, name: str) -> Iterator[None]:
    """Run ``model`` with the attention called ``name`` inside the block."""
    # modules share configs: each is set once
    configs: dict[int, Any] = {}
    for part in model.modules():
        if hasattr(part, "config"):
            configs[id(part.config)] = part.config
    before = [(config, config._attn_implementation) for config in configs.values()]
    try:
        for config in configs.values():
            config._attn_implementation_internal = name
        yield
    finally:
        for config, old in before:
            config._attn_implementation_internal = old


# ---- packed: training and scoring log-probabilities --------------------------------------------


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
    _refuse_unknown(module, kwargs)
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


# ---- shared prefix: sampling -------------------------------------------------------------------


class SharedPrefixCache(Cache):
    """Keys and values of P prompts, once each, and of R candidate rows' own tokens.

    Row r belongs to prompt ``owner[r]``. Own tokens live in buffers (T, R, Hkv, D) allocated once
    and filled in place, a step at a time; rows that finish are dropped by :meth:`keep`. All rows
    are at the same step, so no row needs a mask of its own.
    """

    def __init__(
        self,
        prefix: list[tuple[torch.Tensor, torch.Tensor]],
        mask: torch.Tensor,
        rows_per_prompt: int,
        max_tokens: int,
    ) -> None:
        """``prefix``: per layer (keys, values), each (P, Hkv, L, D).

        ``mask`` (P, L) bool, True on prompt tokens.
        """
        super().__init__(layers=[])
        self.prefix = prefix
        self.max_tokens = max_tokens
        self.step = 0
        zeros = torch.zeros(mask.shape, dtype=torch.float32, device=mask.device)
        self.bias = zeros.masked_fill(~mask, float("-inf"))[:, None, None, :]  # (P, 1, 1, L)
        # per layer [keys, values], each (T, R, Hkv, D), allocated at the first step
        self.own: list[list[torch.Tensor]] = [[] for _ in prefix]
        P = mask.shape[0]
        self.lay_out(torch.arange(P, device=mask.device).repeat_interleave(rows_per_prompt), P)

    def lay_out(self, owner: torch.Tensor, P: int) -> None:
        """Remember which prompt each row belongs to, and its slot among that prompt's rows."""
        self.owner = owner  # (R,)
        self.P = P
        counts = torch.bincount(owner, minlength=P)  # (P,) rows of each prompt
        self.widest = int(counts.max())
        self.rectangular = bool((counts == self.widest).all())
        starts = counts.cumsum(0) - counts  # (P,) each prompt's first row
        inside = torch.arange(len(owner), device=owner.device) - starts[owner]
        self.slot = inside + owner * self.widest  # (R,) places in the (P·W) layout

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but ``rows`` (sorted indices), and prompts without rows."""
        prompts, owner = torch.unique_consecutive(self.owner[rows], return_inverse=True)
        if len(prompts) < self.P:
            self.prefix = [(keys[prompts], values[prompts]) for keys, values in self.prefix]
            self.bias = self.bias[prompts]
        for pair in self.own:
            for side, buffer in enumerate(pair):
                # only the steps written so far are copied
                kept = buffer.new_empty(len(buffer), len(rows), *buffer.shape[2:])
                torch.index_select(buffer[: self.step], 1, rows, out=kept[: self.step])
                pair[side] = kept
        self.lay_out(owner, len(prompts))

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store this step's key and value (R, Hkv, 1, D).

        Return each row's own ones so far, (R, Hkv, t, D).
        """
        if not self.own[layer_idx]:
            R, H, _, D = key_states.shape
            self.own[layer_idx] = [
                key_states.new_empty(self.max_tokens, R, H, D),
                value_states.new_empty(self.max_tokens, R, H, value_states.shape[-1]),
            ]
        keys, values = self.own[layer_idx]
        keys[self.step] = key_states[:, :, 0]
        values[self.step] = value_states[:, :, 0]
        so_far = slice(self.step + 1)
        return keys[so_far].permute(1, 2, 0, 3), values[so_far].permute(1, 2, 0, 3)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self.bias.shape[-1] + self.step

    def by_prompt(self, x: torch.Tensor) -> torch.Tensor:
        """Rows (R, Hkv, G, d) side by side under their prompts: (P, Hkv, W·G, d)."""
        _, Hkv, G, d = x.shape
        P, W = self.P, self.widest
        if not self.rectangular:
            # prompts with fewer rows than the widest are filled up with zeros
            x = x.new_zeros(P * W, Hkv, G, d).index_copy_(0, self.slot, x)
        return x.view(P, W, Hkv, G, d).transpose(1, 2).reshape(P, Hkv, W * G, d)

    def by_row(self, x: torch.Tensor) -> torch.Tensor:
        """(P, Hkv, W·G, d) back as rows (R, Hkv, G, d)."""
        P, Hkv, _, d = x.shape
        W = self.widest
        G = x.shape[2] // W
        x = x.view(P, Hkv, W, G, d).transpose(1, 2).reshape(P * W, Hkv, G, d)
        return x if self.rectangular else x.index_select(0, self.slot)


def shared_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    shared: SharedPrefixCache,
    scaling: float,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """One decoding step of R rows over their prompt's shared keys and their own.

    query (R, H, 1, D); key, value (R, Hkv, t, D) as :meth:`SharedPrefixCache.update` returned them
    → ((R, 1, H, D), None). The softmax is taken in two parts, the prompt's tokens and the row's
    own, that share their maximum and their total.
    """
    _refuse_unknown(module, kwargs)
    layer: Any = module.layer_idx
    prefix_key, prefix_value = shared.prefix[layer]  # (P, Hkv, L, D) each
    R, H, _, D = query.shape
    Hkv = key.shape[1]
    q = query.view(R, Hkv, H // Hkv, D) * scaling  # (R, Hkv, G, D)

    by_prompt = shared.by_prompt(q)  # (P, Hkv, W·G, D): one product for all rows of a prompt
    past = torch.matmul(by_prompt, prefix_key.transpose(-1, -2)).float() + shared.bias
    own = torch.matmul(q, key.transpose(-1, -2)).float()  # (R, Hkv, G, t); past (P, Hkv, W·G, L)

    past_top = shared.by_row(past.amax(-1, keepdim=True))
    top = torch.maximum(past_top, own.amax(-1, keepdim=True))  # (R, Hkv, G, 1)
    past = past.sub_(shared.by_prompt(top)).exp_()
    own = own.sub_(top).exp_()

    total = shared.by_row(past.sum(-1, keepdim=True)) + own.sum(-1, keepdim=True)
    past_value = shared.by_row(torch.matmul(past.to(value.dtype), prefix_value))
    out = past_value + torch.matmul(own.to(value.dtype), value)  # (R, Hkv, G, D)
    return (out / total.to(out.dtype)).reshape(R, 1, H, -1), None


AttentionInterface.register("course_packed", packed_attention)
AttentionInterface.register("course_shared", shared_attention)
