"""Decoding N candidates of a prompt whose keys and values are stored once for all N.

The softmax over a candidate's tokens is taken in two parts: the prompt's, in one product for all
candidates of a prompt, and the candidate's own. Layers with a window keep their own tokens in a
ring, and the prompt's in reverse, so that what a window still sees is always the beginning.

This is the way of plain operations, for any machine; ``fused_prefix.py`` is that of a GPU.

Letters in shapes: P prompts of at most L tokens, R candidate rows, W rows of the prompt that has
most; H heads on Hkv key and value heads, G = H / Hkv; D numbers a head; t tokens written so far.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.cache_utils import Cache

from .attention import refuse_unknown, window_of

Prefix = Sequence[tuple[torch.Tensor, torch.Tensor]]  # per layer (keys, values)


class SharedPrefixCache(Cache):
    """Keys and values of P prompts, once each, and of R candidate rows' own tokens.

    Row r belongs to prompt ``owner[r]``. Own tokens live in buffers (T, R, Hkv, D) allocated once
    and filled in place, a step at a time; rows that finish are dropped by :meth:`keep`. All rows
    are at the same step, so no row needs a mask of its own.
    """

    def __init__(
        self,
        prefix: Prefix,
        lengths: torch.Tensor,
        windows: Sequence[int | None],
        rows_per_prompt: int,
        max_tokens: int,
    ) -> None:
        """``prefix``: per layer (keys, values), each (P, Hkv, L, D), padded on the right.

        ``lengths`` (P,) tokens of each prompt. ``windows``: how many tokens each layer sees; None
        sees all, and a layer with a window has its prompts in reverse.
        """
        super().__init__(layers=[])
        self.prefix = list(prefix)
        self.lengths = lengths
        self.windows = windows
        self.max_tokens = max_tokens
        self.step = 0
        # per layer [keys, values], each (slots, R, Hkv, D), allocated at the first step
        self.own: list[list[torch.Tensor]] = [[] for _ in prefix]
        P = len(lengths)
        self.lay_out(torch.arange(P, device=lengths.device).repeat_interleave(rows_per_prompt), P)
        self.see()

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

    def see(self) -> None:
        """What this step sees of the prompts: a bias (P, 1, 1, L) for each window there is."""
        L = self.prefix[0][0].shape[2]
        places = torch.arange(L, device=self.lengths.device)
        self.bias = {}
        for window in set(self.windows):
            seen = self.lengths  # (P,)
            if window is not None:
                seen = seen.clamp(max=max(0, window - 1 - self.step))
            zeros = torch.zeros(self.P, L, dtype=torch.float32, device=seen.device)
            hidden = places >= seen[:, None]
            self.bias[window] = zeros.masked_fill(hidden, float("-inf"))[:, None, None, :]

    def advance(self) -> None:
        """On to the next step."""
        self.step += 1
        if any(window is not None for window in self.windows):
            self.see()

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but ``rows`` (sorted indices), and prompts without rows."""
        prompts, owner = torch.unique_consecutive(self.owner[rows], return_inverse=True)
        if len(prompts) < self.P:
            self.prefix = [(keys[prompts], values[prompts]) for keys, values in self.prefix]
            self.lengths = self.lengths[prompts]
            self.bias = {window: bias[prompts] for window, bias in self.bias.items()}
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

        Return each row's own ones that are seen, (R, Hkv, t, D).
        """
        if not self.own[layer_idx]:
            R, H, _, D = key_states.shape
            slots = min(self.max_tokens, self.windows[layer_idx] or self.max_tokens)
            self.own[layer_idx] = [
                key_states.new_empty(slots, R, H, D),
                value_states.new_empty(slots, R, H, value_states.shape[-1]),
            ]
        keys, values = self.own[layer_idx]
        at = self.step % len(keys)  # a ring: beyond its window the oldest token is forgotten
        keys[at] = key_states[:, :, 0]
        values[at] = value_states[:, :, 0]
        so_far = slice(min(self.step + 1, len(keys)))
        return keys[so_far].permute(1, 2, 0, 3), values[so_far].permute(1, 2, 0, 3)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self.prefix[0][0].shape[2] + self.step

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
    own, that share their maximum and their total. Sinks ``s_aux`` (H,) are a logit of each head
    that takes its share of the softmax and gives nothing.
    """
    refuse_unknown(module, kwargs, handled=("sliding_window", "s_aux"))
    s_aux: torch.Tensor | None = kwargs.get("s_aux")
    bias = shared.bias[window_of(module, kwargs)]
    layer: Any = module.layer_idx
    prefix_key, prefix_value = shared.prefix[layer]  # (P, Hkv, L, D) each
    R, H, _, D = query.shape
    Hkv = key.shape[1]
    q = query.view(R, Hkv, H // Hkv, D) * scaling  # (R, Hkv, G, D)

    by_prompt = shared.by_prompt(q)  # (P, Hkv, W·G, D): one product for all rows of a prompt
    past = torch.matmul(by_prompt, prefix_key.transpose(-1, -2)).float() + bias
    own = torch.matmul(q, key.transpose(-1, -2)).float()  # (R, Hkv, G, t); past (P, Hkv, W·G, L)

    past_top = shared.by_row(past.amax(-1, keepdim=True))
    top = torch.maximum(past_top, own.amax(-1, keepdim=True))  # (R, Hkv, G, 1)
    if s_aux is not None:
        sinks = s_aux.float().view(1, Hkv, H // Hkv, 1)
        top = torch.maximum(top, sinks)
    past = past.sub_(shared.by_prompt(top)).exp_()
    own = own.sub_(top).exp_()

    total = shared.by_row(past.sum(-1, keepdim=True)) + own.sum(-1, keepdim=True)
    if s_aux is not None:
        total = total + (sinks - top).exp()
    past_value = shared.by_row(torch.matmul(past.to(value.dtype), prefix_value))
    out = past_value + torch.matmul(own.to(value.dtype), value)  # (R, Hkv, G, D)
    return (out / total.to(out.dtype)).reshape(R, 1, H, -1), None


AttentionInterface.register("course_shared", shared_attention)
