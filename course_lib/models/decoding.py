"""Decoding engines, the fastest first.

Prompts stored once, on a GPU with fused kernels and captured steps; the library's own cache
repeated for every row; the same without any padding; and no cache at all. Which of them a model can
have is tried in ``proving.py``.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from transformers.cache_utils import Cache

from .attention import CannotAttendError, attention, window_of_layer
from .captured import Step, cuda_graph
from .fused import Part, fused_part
from .fused_prefix import FusedPrefixCache
from .packing import Packing
from .policy import Policy
from .shared_prefix import SharedPrefixCache


class Engine(Protocol):
    """Reads P prompts once, then writes R rows, a token a step. All rows are at the same step."""

    drops_below: float
    """The share of rows that must go on, or the batch is made smaller."""

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        """Begin R = P · ``rows_per_prompt`` rows, those of a prompt side by side.

        Returns the logits (R, V) of their first token. May be called again for more rows of the
        same prompts.
        """

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (R, V) after giving each row its next token (R,)."""

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with the rows at these sorted positions only."""


class SharedPrefixEngine:
    """Decoding with prompts stored once: for models that run the attention of ours."""

    name = "course_shared"
    drops_below = 0.75
    cache: Any

    def __init__(self, policy: Policy, ids: Sequence[Sequence[int]]) -> None:
        """Read the prompts ``ids`` (lists of token ids) once: packed in one row, no padding."""
        self.policy = policy
        lengths = [len(prompt) for prompt in ids]
        self.lengths = torch.tensor(lengths, device=policy.device)  # (P,)
        packing = Packing.of(lengths, policy.device)
        packed = [token for prompt in ids for token in prompt]  # S = sum(lengths) tokens
        capture = _Capture()
        with attention(policy.model, "course_packed"):
            self.first_logits = policy.model(
                input_ids=torch.tensor([packed], device=policy.device),  # (1, S)
                position_ids=packing.positions,
                use_cache=True,
                past_key_values=capture,
                logits_to_keep=self.lengths.cumsum(0) - 1,  # each prompt's last token
                packing=packing,
            ).logits[0]  # (P, V)

        # a multiple of 16, so that sums do not depend on the neighbours' lengths
        longest = -(-max(lengths) // 16) * 16
        self.mask = torch.arange(longest, device=policy.device)[None] < self.lengths[:, None]
        model: Any = policy.model
        config = model.config.get_text_config(decoder=True)
        self.windows = [window_of_layer(config, layer) for layer in sorted(capture.seen)]
        self.prefix = []
        for layer, window in zip(sorted(capture.seen), self.windows, strict=True):
            keys, values = capture.seen[layer]
            reverse = window is not None
            self.prefix.append((self._by_prompt(keys, reverse), self._by_prompt(values, reverse)))

    def _by_prompt(self, packed: torch.Tensor, reverse: bool) -> torch.Tensor:
        """Keys or values (1, Hkv, S, D) of the packed row → (P, Hkv, L, D), padded on the right.

        ``reverse``: each prompt's last token first.
        """
        _, H, _, D = packed.shape
        P, L = self.mask.shape
        slots = self.mask.flatten().nonzero()[:, 0]  # (S,)
        if reverse:
            row, place = slots // L, slots % L
            slots = row * L + self.lengths[row] - 1 - place
        flat = packed.new_zeros(P * L, H, D)
        flat.index_copy_(0, slots, packed[0].transpose(0, 1))
        return self.stored(flat.view(P, L, H, D))

    def stored(self, states: torch.Tensor) -> torch.Tensor:
        """Prompts' keys or values (P, L, Hkv, D) as the cache wants them."""
        return states.transpose(1, 2).contiguous()

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        self.cache = self.new_cache(rows_per_prompt, max_tokens)
        self.position = self.lengths.repeat_interleave(rows_per_prompt)[:, None]  # (R, 1)
        return self.first_logits.repeat_interleave(rows_per_prompt, 0)

    def new_cache(self, rows_per_prompt: int, max_tokens: int) -> Cache:
        """An empty cache for R = P · ``rows_per_prompt`` rows."""
        return SharedPrefixCache(
            self.prefix, self.lengths, self.windows, rows_per_prompt, max_tokens
        )

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        logits = self.forward(tokens[:, None])
        self.position += 1
        self.cache.advance()
        return logits

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (R, V) after the next token (R, 1) of each row."""
        with attention(self.policy.model, self.name):
            return self.policy.model(
                input_ids=tokens,
                position_ids=self.position,
                past_key_values=self.cache,
                use_cache=True,
                shared=self.cache,
            ).logits[:, -1]

    def keep(self, rows: torch.Tensor) -> None:
        self.cache.keep(rows)
        self.position = self.position[rows]


class FusedEngine(SharedPrefixEngine):
    """The same with the fused kernels of a GPU, which need no copy of what they read."""

    name = "course_fused"
    part_of: Callable[[torch.nn.Module], Part | None] = staticmethod(fused_part)

    def stored(self, states: torch.Tensor) -> torch.Tensor:
        return states

    def new_cache(self, rows_per_prompt: int, max_tokens: int) -> Cache:
        part = self.part_of(self.policy.model)
        if part is None:
            raise CannotAttendError("there is no fused kernel for it here")
        return FusedPrefixCache(
            self.prefix, self.lengths, self.windows, rows_per_prompt, max_tokens, part
        )

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.one_step(tokens[:, None])

    def one_step(self, tokens: torch.Tensor) -> torch.Tensor:
        """A whole step on tokens (R, 1), in operations on the device only."""
        self.cache.see()
        logits = self.forward(tokens)
        self.position += 1
        self.cache.written += 1
        return logits


class CapturedEngine(FusedEngine):
    """The same with a step captured once for each number of rows, and replayed.

    The logits that a step returns are written over by the next.
    """

    record: Callable[[Step], Step] = staticmethod(cuda_graph)
    drops_below = 0.5  # fewer kinds of batch: each is captured anew

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        logits = super().start(rows_per_prompt, max_tokens)
        self._new_shape()
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        super().keep(rows)
        self._new_shape()

    def _new_shape(self) -> None:
        self.replay: Step | None = None
        self.tokens = torch.zeros_like(self.position)  # (R, 1), where a replay looks for them
        self.warm = False

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.tokens.copy_(tokens[:, None])
        if not self.warm:  # what is made once must not be made while recording
            self.warm = True
            return self.one_step(self.tokens)
        if self.replay is None:
            self.replay = self.record(lambda: self.one_step(self.tokens))
        return self.replay()


class _Capture(Cache):
    """Takes the prompts' keys and values as they are computed, packed in one row."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.seen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self.seen[layer_idx] = (key_states, value_states)  # (1, Hkv, S, D) each
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0


class RepeatedCacheEngine:
    """Decoding with the library's own cache, the prompt's part repeated for every row.

    For any causal LM that reads a batch padded on the left as it reads each row alone.
    """

    drops_below = 0.75
    cache: Any

    def __init__(self, policy: Policy, ids: Sequence[Sequence[int]]) -> None:
        self.policy = policy
        longest = max(len(prompt) for prompt in ids)
        pad = policy.pad_id
        rows, masks = [], []
        for prompt in ids:
            # on the left, so that every prompt ends in the last column, where its reply begins
            padding = longest - len(prompt)
            rows.append([pad] * padding + list(prompt))
            masks.append([0] * padding + [1] * len(prompt))
        self.ids = torch.tensor(rows, device=policy.device)  # (P, L)
        self.prompt_mask = torch.tensor(masks, device=policy.device)  # (P, L)
        # not every model has positions to give, or a mask to take
        self.takes = set(inspect.signature(policy.model.forward).parameters)
        self.cache_name = "cache_params" if "cache_params" in self.takes else "past_key_values"

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        self.cache = None  # the library's own, made in the first pass
        self.mask = self.prompt_mask
        logits = self._forward(self.ids)  # (P, V)
        for layer in self.cache.layers:
            if hasattr(layer, "batch_repeat_interleave"):
                layer.batch_repeat_interleave(rows_per_prompt)
            _change_states(layer, lambda x: x.repeat_interleave(rows_per_prompt, 0))
        self.mask = self.mask.repeat_interleave(rows_per_prompt, 0)
        return logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        return self._forward(tokens[:, None])

    def keep(self, rows: torch.Tensor) -> None:
        for layer in self.cache.layers:
            if hasattr(layer, "batch_select_indices"):
                layer.batch_select_indices(rows)
            _change_states(layer, lambda x: x.index_select(0, rows))
        self.mask = self.mask[rows]

    def _forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits (R, V) after the tokens ``ids`` (R, t), the last columns of ``self.mask``."""
        counted = (self.mask.cumsum(-1) - 1).clamp(min=0)  # padding is not counted
        given = {"attention_mask": self.mask, "position_ids": counted[:, -ids.shape[1] :]}
        if self.cache_name == "cache_params" and self.cache is not None:
            del given["attention_mask"]  # a state needs no mask of what it has taken in
        given = {name: value for name, value in given.items() if name in self.takes}
        given[self.cache_name] = self.cache
        out = self.policy.model(input_ids=ids, use_cache=True, **given)
        self.cache = out[self.cache_name]
        return out.logits[:, -1]


def _change_states(layer: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Apply ``change`` to the states of linear attention, which the library leaves alone."""
    for name in ("conv_states", "recurrent_states"):
        states = getattr(layer, name, None)
        if isinstance(states, dict):
            for place, state in states.items():
                if state is not None:
                    states[place] = change(state)


class UnpaddedEngine:
    """Decoding without padding: prompts of one length go together, each length on its own.

    For models with layers that padding would disturb, such as linear attention.
    """

    inner: type = RepeatedCacheEngine
    drops_below = 0.75

    def __init__(self, policy: Policy, ids: Sequence[Sequence[int]]) -> None:
        lengths = [len(prompt) for prompt in ids]
        self.groups = []  # per length: its prompts' places, and the engine that reads them
        for length in sorted(set(lengths)):
            places = [i for i, n in enumerate(lengths) if n == length]
            self.groups.append((places, self.inner(policy, [ids[i] for i in places])))
        self.device = policy.device

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        width = rows_per_prompt
        self.parts = []  # per engine: its rows' places in the batch
        logits: list[torch.Tensor] = []
        for places, engine in self.groups:
            first = torch.tensor(places, device=self.device)[:, None] * width
            rows = (first + torch.arange(width, device=self.device)).flatten()
            self.parts.append((rows, engine))
            logits.append(engine.start(width, max_tokens))
        return self._joined(logits)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        return self._joined([engine.step(tokens[rows]) for rows, engine in self.parts])

    def keep(self, rows: torch.Tensor) -> None:
        new_place = torch.full((int(rows.max()) + 1,), -1, device=self.device)
        new_place[rows] = torch.arange(len(rows), device=self.device)
        parts = []
        for old, engine in self.parts:
            kept = torch.isin(old, rows).nonzero()[:, 0]
            if len(kept):
                engine.keep(kept)
                parts.append((new_place[old[kept]], engine))
        self.parts = parts

    def _joined(self, logits: Sequence[torch.Tensor]) -> torch.Tensor:
        """The engines' logits as one (R, V), each row at its place in the batch."""
        places = torch.cat([rows for rows, _ in self.parts])
        return torch.cat(list(logits))[places.argsort()]


class _RereadingEngine:
    """Decoding without any cache: at each step every row is read again from its beginning.

    All prompts must have one length.
    """

    def __init__(self, policy: Policy, ids: Sequence[Sequence[int]]) -> None:
        self.policy = policy
        self.prompts = torch.tensor(ids, device=policy.device)  # (P, L)

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        self.ids = self.prompts.repeat_interleave(rows_per_prompt, 0)  # (R, L)
        return plain_logits(self.policy.model, self.prompts)[:, -1].repeat_interleave(
            rows_per_prompt, 0
        )

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.ids = torch.cat([self.ids, tokens[:, None]], 1)  # (R, L + t)
        return plain_logits(self.policy.model, self.ids)[:, -1]

    def keep(self, rows: torch.Tensor) -> None:
        self.ids = self.ids[rows]


class RereadingEngine(UnpaddedEngine):
    """Decoding without a cache, for models whose memory is not keys and values. It is slow."""

    inner = _RereadingEngine


def plain_logits(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    """Logits (B, L, V) of rows without padding (B, L): the model's own pass, nothing else."""
    takes = inspect.signature(model.forward).parameters
    given = {"use_cache": False} if "use_cache" in takes else {}
    return model(input_ids=ids, **given).logits
