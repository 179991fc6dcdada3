"""Two decoding engines: prompts stored once, or the library's own cache repeated."""

import torch

from .attention import Packing, SharedPrefixCache, attention


class _Capture(SharedPrefixCache):
    """Takes the prompts' keys and values as they are computed, packed in one row."""

    def __init__(self):
        super(SharedPrefixCache, self).__init__(layers=[])
        self.seen = {}

    def update(self, key, value, layer_idx, *args, **kwargs):
        self.seen[layer_idx] = (key, value)
        return key, value

    def get_seq_length(self, layer_idx=0):
        return 0


class SharedPrefixEngine:
    """Decoding with prompts stored once.

    The way for models that :func:`course_lib.models.attention.supports`.
    """

    def __init__(self, policy, ids):
        """Read the prompts ``ids`` (lists of token ids) once: packed in one row, no padding."""
        self.policy, self.lengths = (
            policy,
            torch.tensor([len(p) for p in ids], device=policy.device),
        )
        packing = Packing.of([len(p) for p in ids], policy.device)
        capture = _Capture()
        with attention(policy.model, "course_packed"):
            self.first_logits = policy.model(
                input_ids=torch.tensor([[t for p in ids for t in p]], device=policy.device),
                position_ids=packing.positions,
                use_cache=True,
                past_key_values=capture,
                logits_to_keep=self.lengths.cumsum(0) - 1,
                packing=packing,
            ).logits[0]
        # a multiple of 16, so that sums do not depend on the neighbours' lengths
        P, L = len(ids), -(-int(self.lengths.max()) // 16) * 16
        self.mask = torch.arange(L, device=policy.device)[None] < self.lengths[:, None]
        slots = self.mask.flatten().nonzero()[:, 0]

        def padded(x):
            return (
                x.new_zeros(P * L, x.shape[1], x.shape[3])
                .index_copy_(0, slots, x[0].transpose(0, 1))
                .view(P, L, x.shape[1], -1)
                .transpose(1, 2)
                .contiguous()
            )

        self.prefix = [
            tuple(padded(x) for x in capture.seen[layer]) for layer in sorted(capture.seen)
        ]

    def start(self, rows_per_prompt, max_tokens):
        self.cache = SharedPrefixCache(self.prefix, self.mask, rows_per_prompt, max_tokens)
        self.position = self.lengths.repeat_interleave(rows_per_prompt)[:, None]
        return self.first_logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens):
        """Logits (R, V) after giving each row its next token (R,)."""
        with attention(self.policy.model, "course_shared"):
            logits = self.policy.model(
                input_ids=tokens[:, None],
                position_ids=self.position,
                past_key_values=self.cache,
                use_cache=True,
                shared=self.cache,
            ).logits[:, -1]
        self.position += 1
        self.cache.step += 1
        return logits

    def keep(self, rows):
        self.cache.keep(rows)
        self.position = self.position[rows]


class RepeatedCacheEngine:
    """Decoding with the library's own cache, the prompt's part repeated for every row.

    The way for any other causal LM.
    """

    def __init__(self, policy, ids):
        self.policy = policy
        longest = max(len(p) for p in ids)
        pad = policy.tokenizer.pad_token_id
        self.ids = torch.tensor(
            [[pad] * (longest - len(p)) + list(p) for p in ids], device=policy.device
        )
        self.prompt_mask = torch.tensor(
            [[0] * (longest - len(p)) + [1] * len(p) for p in ids], device=policy.device
        )

    def _positions(self, ids):
        """Position ids as a keyword, for the models that take them."""
        import inspect

        if "position_ids" not in inspect.signature(self.policy.model.forward).parameters:
            return {}
        return {"position_ids": (self.mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]}

    def _forward(self, ids):
        out = self.policy.model(
            input_ids=ids,
            attention_mask=self.mask,
            past_key_values=self.cache,
            use_cache=True,
            **self._positions(ids),
        )
        self.cache = out.past_key_values
        return out.logits[:, -1]

    def start(self, rows_per_prompt, max_tokens):
        self.cache, self.mask = None, self.prompt_mask
        logits = self._forward(self.ids)
        self.cache.batch_repeat_interleave(rows_per_prompt)
        self.mask = self.mask.repeat_interleave(rows_per_prompt, 0)
        return logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens):
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        return self._forward(tokens[:, None])

    def keep(self, rows):
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]


def bytes_per_row(policy, max_tokens):
    """About how much memory one candidate needs while it is being generated.

    Its keys and values, and a few rows of logits.
    """
    config = policy.model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    size = next(policy.model.parameters()).element_size()
    return (
        2 * config.num_hidden_layers * heads * width * max_tokens * size * 3 // 2
        + 16 * config.vocab_size
        + 16 * config.hidden_size
    )
