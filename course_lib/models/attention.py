"""Two attention functions for ``transformers`` models that waste nothing on padding or on repeated
prompts.

``transformers`` lets a program register its own attention and passes extra keyword arguments of
``model(...)`` down to it. Both functions here use only that, so every decoder that supports it
(Llama, Qwen3, Mistral ...) runs unchanged; :func:`supports` says whether a model does, and callers
have a plain fallback for the others.

* ``course_packed``: sequences of different lengths laid end to end in one row. Linear layers see no
  padding.
* ``course_shared``: decoding N candidates of a prompt. The prompt's keys and values are stored once
  for all N.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.cache_utils import Cache


def supports(model):
    """True when ``model`` passes our keyword arguments to a registered attention and attends to
    the whole past in every layer.
    """
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    base = model.base_model
    return (
        bool(getattr(base, "_supports_attention_backend", False))
        and kinds == {"full_attention"}
        and getattr(config, "sliding_window", None) is None
    )


@contextmanager
def attention(model, name):
    """Run ``model`` with the attention called ``name`` inside the block."""
    configs = {id(m.config): m.config for m in model.modules() if hasattr(m, "config")}.values()
    before = [(c, c._attn_implementation) for c in configs]
    try:
        for c in configs:
            c._attn_implementation_internal = name
        yield
    finally:
        for c, old in before:
            c._attn_implementation_internal = old


# ---- packed: training and scoring log-probabilities --------------------------------------------


@dataclass
class Packing:
    """Where B sequences of ``lengths`` lie in one row of S = sum(lengths) tokens.

    ``slots`` (S,) gives each token's place in the padded (B·L) layout that attention alone uses;
    ``positions`` (1, S).
    """

    lengths: torch.Tensor
    slots: torch.Tensor
    positions: torch.Tensor

    @classmethod
    def of(cls, lengths, device):
        lengths = torch.as_tensor(lengths, dtype=torch.long)
        inside = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
        rows, columns = inside.nonzero(as_tuple=True)
        return cls(lengths, (rows * inside.shape[1] + columns).to(device), columns[None].to(device))


def packed_attention(
    module,
    query,
    key,
    value,
    attention_mask=None,
    scaling=None,
    dropout=0.0,
    packing=None,
    **kwargs,
):
    """Causal attention within each packed sequence. query (1, H, S, D), key and value (1, Hkv, S,
    D) → ((1, S, H, D), None).
    """
    B, L = len(packing.lengths), int(packing.lengths.max())

    def padded(x):
        flat = x.new_zeros(B * L, x.shape[1], x.shape[3]).index_copy(
            0, packing.slots, x[0].transpose(0, 1)
        )
        return flat.view(B, L, x.shape[1], x.shape[3]).transpose(1, 2)

    out = F.scaled_dot_product_attention(
        padded(query),
        padded(key),
        padded(value),
        is_causal=True,
        scale=scaling,
        dropout_p=dropout if module.training else 0.0,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return out.transpose(1, 2).reshape(B * L, query.shape[1], query.shape[3])[packing.slots][
        None
    ], None


# ---- shared prefix: sampling -------------------------------------------------------------------


class SharedPrefixCache(Cache):
    """Keys and values of P prompts, once each, and of R candidate rows' own tokens.

    Row r belongs to prompt ``owner[r]``. Own tokens live in buffers (T, R, Hkv, D) allocated once
    and filled in place, a step at a time; rows that finish are dropped by :meth:`keep`. All rows
    are at the same step, so no row needs a mask of its own.
    """

    def __init__(self, prefix, mask, rows_per_prompt, max_tokens):
        """``prefix``: per layer (keys, values), each (P, Hkv, Lp, D).

        ``mask`` (P, Lp) bool, True on prompt tokens.
        """
        super().__init__(layers=[])
        self.prefix, self.max_tokens, self.step = prefix, max_tokens, 0
        P = mask.shape[0]
        self.bias = torch.zeros(mask.shape, dtype=torch.float32, device=mask.device).masked_fill(
            ~mask, float("-inf")
        )[:, None, None, :]
        self.lay_out(torch.arange(P, device=mask.device).repeat_interleave(rows_per_prompt), P)
        self.own = [None] * len(prefix)

    def lay_out(self, owner, P):
        """Remember which prompt each row belongs to, and its slot among that prompt's rows."""
        self.owner = owner
        counts = torch.bincount(owner, minlength=P)
        self.widest = int(counts.max())
        starts = counts.cumsum(0) - counts
        self.slot = (
            torch.arange(len(owner), device=owner.device) - starts[owner] + owner * self.widest
        )
        self.rectangular = bool((counts == self.widest).all())
        self.P = P

    def keep(self, rows):
        """Drop all rows but ``rows`` (sorted indices), and prompts without rows."""
        owner = self.owner[rows]
        prompts, owner = torch.unique_consecutive(owner, return_inverse=True)
        if len(prompts) < self.P:
            self.prefix = [(k[prompts], v[prompts]) for k, v in self.prefix]
            self.bias = self.bias[prompts]
        for pair in self.own:
            for side, buffer in enumerate(pair):
                pair[side] = buffer.new_empty(len(buffer), len(rows), *buffer.shape[2:])
                torch.index_select(buffer[: self.step], 1, rows, out=pair[side][: self.step])
        self.lay_out(owner, len(prompts))

    def update(self, key, value, layer_idx, *args, **kwargs):
        """Store this step's key and value (R, Hkv, 1, D).

        Return each row's own ones so far, (R, Hkv, t, D).
        """
        if self.own[layer_idx] is None:
            R, H, _, D = key.shape
            self.own[layer_idx] = [
                key.new_empty(self.max_tokens, R, H, D),
                value.new_empty(self.max_tokens, R, H, value.shape[-1]),
            ]
        keys, values = self.own[layer_idx]
        keys[self.step] = key[:, :, 0]
        values[self.step] = value[:, :, 0]
        return keys[: self.step + 1].permute(1, 2, 0, 3), values[: self.step + 1].permute(
            1, 2, 0, 3
        )

    def get_seq_length(self, layer_idx=0):
        return self.bias.shape[-1] + self.step


def shared_attention(
    module, query, key, value, attention_mask=None, scaling=None, shared=None, **kwargs
):
    """One decoding step of R rows over their prompt's shared keys and their own.

    query (R, H, 1, D); key, value (R, Hkv, t, D) as :meth:`SharedPrefixCache.update` returned them
    → ((R, 1, H, D), None).
    """
    prefix_key, prefix_value = shared.prefix[module.layer_idx]
    R, H, _, D = query.shape
    Hkv, P, W = key.shape[1], shared.P, shared.widest
    G = H // Hkv
    q = query.view(R, Hkv, G, D) * scaling

    if shared.rectangular:
        by_prompt = q.view(P, W, Hkv, G, D)
    else:
        by_prompt = (
            q.new_zeros(P * W, Hkv, G, D).index_copy_(0, shared.slot, q).view(P, W, Hkv, G, D)
        )
    by_prompt = by_prompt.transpose(1, 2).reshape(P, Hkv, W * G, D)
    # (P, Hkv, W·G, Lp)
    past = torch.matmul(by_prompt, prefix_key.transpose(-1, -2)).float() + shared.bias
    # (R, Hkv, G, t)
    own = torch.matmul(q, key.transpose(-1, -2)).float()

    def rows(x):  # (P, Hkv, W·G, d) → (R, Hkv, G, d)
        x = x.view(P, Hkv, W, G, x.shape[-1]).transpose(1, 2).reshape(P * W, Hkv, G, x.shape[-1])
        return x if shared.rectangular else x.index_select(0, shared.slot)

    top = torch.maximum(rows(past.amax(-1, keepdim=True)), own.amax(-1, keepdim=True))
    if shared.rectangular:
        top_by_prompt = top.view(P, W, Hkv, G, 1)
    else:
        top_by_prompt = (
            top.new_zeros(P * W, Hkv, G, 1).index_copy_(0, shared.slot, top).view(P, W, Hkv, G, 1)
        )
    past = past.sub_(top_by_prompt.transpose(1, 2).reshape(P, Hkv, W * G, 1)).exp_()
    own = own.sub_(top).exp_()
    total = rows(past.sum(-1, keepdim=True)) + own.sum(-1, keepdim=True)
    out = rows(torch.matmul(past.to(value.dtype), prefix_value)) + torch.matmul(
        own.to(value.dtype), value
    )
    return (out / total.to(out.dtype)).reshape(R, 1, H, -1), None


AttentionInterface.register("course_packed", packed_attention)
AttentionInterface.register("course_shared", shared_attention)
