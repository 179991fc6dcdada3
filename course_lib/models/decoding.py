"""Two decoding engines: prompts stored once, or the library's own cache repeated."""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from transformers.cache_utils import Cache

from .attention import Packing, SharedPrefixCache, attention, supports
from .policy import Policy


class Engine(Protocol):
    """Reads P prompts once, then writes R rows, a token a step. All rows are at the same step."""

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        """Begin R = P · ``rows_per_prompt`` rows, those of a prompt side by side.

        Returns the logits (R, V) of their first token. May be called again for more rows of the
        same prompts.
        """

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (R, V) after giving each row its next token (R,)."""

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with the rows at these sorted positions only."""


def new_engine(policy: Policy, ids: Sequence[Sequence[int]]) -> Engine:
    """The engine that fits ``policy``'s model, with the prompts ``ids`` (token ids) read."""
    if supports(policy.model):
        return SharedPrefixEngine(policy, ids)
    return RepeatedCacheEngine(policy, ids)


class SharedPrefixEngine:
    """Decoding with prompts stored once.

    The way for models that :func:`course_lib.models.attention.supports`.
    """

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
        self.prefix = []
        for layer in sorted(capture.seen):
            keys, values = capture.seen[layer]
            self.prefix.append((self._by_prompt(keys), self._by_prompt(values)))

    def _by_prompt(self, packed: torch.Tensor) -> torch.Tensor:
        """Keys or values (1, Hkv, S, D) of the packed row → (P, Hkv, L, D), padded on the right."""
        _, H, _, D = packed.shape
        P, L = self.mask.shape
        slots = self.mask.flatten().nonzero()[:, 0]  # (S,)
        flat = packed.new_zeros(P * L, H, D)
        flat.index_copy_(0, slots, packed[0].transpose(0, 1))
        return flat.view(P, L, H, D).transpose(1, 2).contiguous()

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        self.cache = SharedPrefixCache(self.prefix, self.mask, rows_per_prompt, max_tokens)
        self.position = self.lengths.repeat_interleave(rows_per_prompt)[:, None]  # (R, 1)
        return self.first_logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        with attention(self.policy.model, "course_shared"):
            logits = self.policy.model(
                input_ids=tokens[:, None],  # (R, 1)
                position_ids=self.position,
                past_key_values=self.cache,
                use_cache=True,
                shared=self.cache,
            ).logits[:, -1]  # (R, V)
        self.position += 1
        self.cache.step += 1
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        self.cache.keep(rows)
        self.position = self.position[rows]


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

    The way for any other causal LM.
    """

    cache: Any

    def __init__(self, policy: Policy, ids: Sequence[Sequence[int]]) -> None:
        self.policy = policy
        longest = max(len(prompt) for prompt in ids)
        pad = policy.tokenizer.pad_token_id
        rows, masks = [], []
        for prompt in ids:
            # on the left, so that every prompt ends in the last column, where its reply begins
            padding = longest - len(prompt)
            rows.append([pad] * padding + list(prompt))
            masks.append([0] * padding + [1] * len(prompt))
        self.ids = torch.tensor(rows, device=policy.device)  # (P, L)
        self.prompt_mask = torch.tensor(masks, device=policy.device)  # (P, L)
        # not every model has positions to give
        self.takes_positions = "position_ids" in inspect.signature(policy.model.forward).parameters

    def start(self, rows_per_prompt: int, max_tokens: int) -> torch.Tensor:
        self.cache = None  # the library's own, made in the first pass
        self.mask = self.prompt_mask
        logits = self._forward(self.ids)  # (P, V)
        self.cache.batch_repeat_interleave(rows_per_prompt)
        self.mask = self.mask.repeat_interleave(rows_per_prompt, 0)
        return logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        return self._forward(tokens[:, None])

    def keep(self, rows: torch.Tensor) -> None:
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]

    def _forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits (R, V) after the tokens ``ids`` (R, t), the last columns of ``self.mask``."""
        positions = {}
        if self.takes_positions:
            counted = (self.mask.cumsum(-1) - 1).clamp(min=0)  # padding is not counted
            positions["position_ids"] = counted[:, -ids.shape[1] :]
        out = self.policy.model(
            input_ids=ids,
            attention_mask=self.mask,
            past_key_values=self.cache,
            use_cache=True,
            **positions,
        )
        self.cache = out.past_key_values
        return out.logits[:, -1]


def bytes_per_row(policy: Policy, max_tokens: int) -> int:
    """About how much memory one candidate needs while it is being generated.

    Its keys and values, and a few rows of logits.
    """
    model: Any = policy.model
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    size = next(model.parameters()).element_size()
    cache = 2 * config.num_hidden_layers * heads * width * max_tokens * size * 3 // 2
    return cache + 16 * config.vocab_size + 16 * config.hidden_size
