"""Decoding N candidates of a prompt on a GPU: fused kernels, and no number the host must know.

The same as ``shared_prefix.py`` with other means. Prompt and own tokens are two calls of a kernel
that returns its log-sum-exp (``fused.py``). How many tokens are written is a number on the device,
so that a step may be captured once and replayed (``captured.py``).

Letters in shapes: P prompts of at most L tokens, R candidate rows of at most T tokens; H heads on
Hkv key and value heads, G = H / Hkv; D numbers a head; S = R·G queries.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.cache_utils import Cache

from .attention import refuse_unknown, window_of
from .fused import Groups, Part, joined
from .shared_prefix import Prefix


class FusedPrefixCache(Cache):
    """Keys and values of P prompts, once each, and of R candidate rows' own tokens.

    Own tokens live in buffers (R, slots, Hkv, D); a layer with a window keeps as many as it sees,
    in a ring. Whatever changes from step to step is a tensor that keeps its place.
    """

    def __init__(
        self,
        prefix: Prefix,
        lengths: torch.Tensor,
        windows: Sequence[int | None],
        rows_per_prompt: int,
        max_tokens: int,
        part: Part,
    ) -> None:
        """``prefix``: per layer (keys, values), each (P, L, Hkv, D), padded on the right.

        ``lengths`` (P,), ``windows`` as of :class:`~course_lib.models.shared_prefix
        .SharedPrefixCache`. ``part``: the kernel.
        """
        super().__init__(layers=[])
        self.prefix = list(prefix)
        self.lengths = lengths
        self.windows = windows
        self.max_tokens = max_tokens
        self.part = part
        self.some_empty = int(lengths.min()) == 0
        self.written = torch.zeros(1, dtype=torch.long, device=lengths.device)
        # per layer [keys, values], each (R, slots, Hkv, D), allocated at the first step
        self.own: list[list[torch.Tensor]] = [[] for _ in prefix]
        P = len(lengths)
        owner = torch.arange(P, device=lengths.device).repeat_interleave(rows_per_prompt)
        self.lay_out(owner, P)

    def lay_out(self, owner: torch.Tensor, P: int) -> None:
        """Remember which prompt each row belongs to. Rows of a prompt are side by side."""
        self.owner = owner  # (R,)
        self.P = P
        self.counts = torch.bincount(owner, minlength=P)  # (P,) rows of each prompt
        self.widest = int(self.counts.max())
        self.groups: dict[Any, Groups] = {}  # made at the first step, by what they are of

    def slots(self, window: int | None) -> int:
        """How many of a row's own tokens a layer with ``window`` keeps."""
        return min(self.max_tokens, window or self.max_tokens)

    def see(self) -> None:
        """What this step sees, for each window there is: operations on the device only.

        ``at`` (1,): the slot written now. ``seen`` (R,) own tokens, ``past`` (P,) prompt tokens,
        both int32. ``hidden`` (R,): the rows that see nothing of their prompt any more.
        """
        self.at, self.seen, self.past, self.hidden = {}, {}, {}, {}
        R = len(self.owner)
        for window in set(self.windows):
            slots = self.slots(window)
            self.at[window] = self.written % slots
            seen = (self.written + 1).clamp(max=slots).int()
            self.seen[window] = seen.expand(R).contiguous()
            past = self.lengths
            if window is not None:
                past = torch.minimum(past, (window - 1 - self.written).clamp(min=0))
            self.past[window] = past.int()
            self.hidden[window] = (past == 0)[self.owner]

    def groups_of(self, slots: int, own: bool, heads: int) -> Groups:
        """The queries of each row on its own ``slots``, or of each prompt's rows on its tokens."""
        name = (slots, own, heads)
        if name not in self.groups:
            counts = torch.ones_like(self.owner) if own else self.counts
            widest = 1 if own else self.widest
            self.groups[name] = Groups.of(counts * heads, widest * heads, slots)
        return self.groups[name]

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but ``rows`` (sorted indices), and prompts without rows."""
        prompts, owner = torch.unique_consecutive(self.owner[rows], return_inverse=True)
        if len(prompts) < self.P:
            self.prefix = [(keys[prompts], values[prompts]) for keys, values in self.prefix]
            self.lengths = self.lengths[prompts]
        for pair in self.own:
            for side, buffer in enumerate(pair):
                pair[side] = buffer.index_select(0, rows)
        self.lay_out(owner, len(prompts))

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store this step's key and value (R, Hkv, 1, D); return the buffers (R, slots, Hkv, D)."""
        window = self.windows[layer_idx]
        if not self.own[layer_idx]:
            for states in (key_states, value_states):
                R, Hkv, _, D = states.shape
                # zeros: what is not written yet must be a number
                self.own[layer_idx].append(states.new_zeros(R, self.slots(window), Hkv, D))
        keys, values = self.own[layer_idx]
        keys.index_copy_(1, self.at[window], key_states.transpose(1, 2))
        values.index_copy_(1, self.at[window], value_states.transpose(1, 2))
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return self.prefix[0][0].shape[1]


def fused_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    shared: FusedPrefixCache,
    scaling: float,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """One decoding step of R rows over their prompt's shared keys and their own.

    query (R, H, 1, D); key, value (R, slots, Hkv, D) as :meth:`FusedPrefixCache.update` returned
    them → ((R, 1, H, D), None). Sinks: ``s_aux`` (H,).
    """
    refuse_unknown(module, kwargs, handled=("sliding_window", "s_aux"))
    s_aux: torch.Tensor | None = kwargs.get("s_aux")
    window = window_of(module, kwargs)
    layer: Any = module.layer_idx
    R, H, _, D = query.shape
    _, slots, Hkv, _ = key.shape
    G = H // Hkv
    # the G heads of a key-value head are G queries of one head: (S, Hkv, D)
    q = query.view(R, Hkv, G, D).transpose(1, 2).reshape(R * G, Hkv, D)

    prefix_key, prefix_value = (x.flatten(0, 1) for x in shared.prefix[layer])  # (P·L, Hkv, D)
    of_prompts = shared.groups_of(len(prefix_key) // shared.P, False, G)
    past, past_total = shared.part(
        q, prefix_key, prefix_value, of_prompts, shared.past[window], scaling
    )
    if window is not None or shared.some_empty:
        hidden = shared.hidden[window].repeat_interleave(G, output_size=R * G)  # (S,)
        past = past.masked_fill(hidden[:, None, None], 0.0)
        past_total = past_total.masked_fill(hidden[:, None], float("-inf"))

    of_rows = shared.groups_of(slots, True, G)
    own, own_total = shared.part(
        q, key.flatten(0, 1), value.flatten(0, 1), of_rows, shared.seen[window], scaling
    )
    sinks = None
    if s_aux is not None:
        sinks = s_aux.float().view(Hkv, G).T.repeat(R, 1)  # (S, Hkv)
    out = joined(past, past_total, own, own_total, sinks)
    return out.view(R, G, Hkv, -1).transpose(1, 2).reshape(R, 1, H, -1), None


AttentionInterface.register("course_fused", fused_attention)
