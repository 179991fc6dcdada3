"""What a run holds in memory, counted by hand: bytes by part, from a model's shape.

The parts of a training step: float32 weights, their gradients, AdamW's two moments; the copy in
half precision of every weight, autocast's or the one that computes; activations kept for the
backward pass; the logits of the reply's tokens; other models that stay on the card. The parts of
sampling: weights, keys and values, logits.

What this leaves out: fragmentation, the libraries' own workspace (some hundred MB on a GPU), and
what a kernel needs while it runs.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GB = 1e9
VOCABULARY = 151_936  # Qwen3's
DRAWN = 16  # bytes a logit while a token is drawn: half, and three or four arrays in float32
PROMPT = 100  # tokens of a bare question, about
T4_CACHE = 6000 * 2**20  # what the T4's tier gives keys and values


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder with gated feed-forward blocks, as Llama and Qwen3 have.

    Attributes
    ----------
    layers, hidden, intermediate : blocks, width of the stream, width inside a block.
    heads, kv_heads, head_dim : attention heads, those of keys and values, numbers a head.
    vocabulary : tokens.
    tied : embedding and output layer are one matrix.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int = VOCABULARY
    tied: bool = True

    @classmethod
    def of(cls, config: Any) -> "Shape":
        """Of a ``transformers`` configuration."""
        config = config.get_text_config(decoder=True)
        heads = config.num_attention_heads
        return cls(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            intermediate=getattr(config, "intermediate_size", None) or 4 * config.hidden_size,
            heads=heads,
            kv_heads=getattr(config, "num_key_value_heads", None) or heads,
            head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
            vocabulary=config.vocab_size,
            tied=bool(getattr(config, "tie_word_embeddings", False)),
        )

    @classmethod
    def like_qwen3(cls, parameters: float) -> "Shape":
        """Of a model of about so many parameters, in Qwen3's proportions.

        28 layers, or 36 from 3 billion on; 16 heads on 8 key-value heads of 128 numbers, twice as
        many from 3 billion on; a block 3 times as wide as the stream.
        """
        large = parameters >= 3e9
        layers, heads = (36, 32) if large else (28, 16)
        attention = 2 * heads * 128 + 2 * 8 * 128  # columns of q, o, k and v
        # parameters = V·h + layers·(attention·h + 9·h²), solved for h
        linear, square = VOCABULARY + layers * attention, 9 * layers
        hidden = (math.sqrt(linear**2 + 4 * square * parameters) - linear) / (2 * square)
        width = max(64, 64 * round(hidden / 64))
        return cls(layers, width, 3 * width, heads, 8, 128)

    @property
    def queries(self) -> int:
        """Numbers of all heads' queries of a token."""
        return self.heads * self.head_dim

    @property
    def keys(self) -> int:
        """Numbers of all heads' keys of a token; as many are its values."""
        return self.kv_heads * self.head_dim

    @property
    def parameters(self) -> int:
        """Weights in all matrices; norms, some ten thousand, are left out."""
        block = 2 * self.hidden * (self.queries + self.keys) + 3 * self.hidden * self.intermediate
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.layers * block

    def adapter(self, rank: int) -> int:
        """Weights of LoRA of this rank on every matrix inside the blocks."""
        sides = (
            2 * (self.hidden + self.queries)  # q and o
            + 2 * (self.hidden + self.keys)  # k and v
            + 3 * (self.hidden + self.intermediate)
        )
        return self.layers * rank * sides


@dataclass(frozen=True)
class Savings:
    """What can be done where a training does not fit.

    Attributes
    ----------
    lora : the rank of adapters that are trained in place of the weights; 0 trains all weights.
    recompute : activations are not kept but computed again in the backward pass.
    resting : models that are not at work lie in main memory.
    """

    lora: int = 0
    recompute: bool = False
    resting: bool = True


# ---- the pieces --------------------------------------------------------------------------------


def training_bytes(parameters: float, half: bool = True) -> dict[str, float]:
    """Bytes held while ``parameters`` weights are fine-tuned with AdamW: name → bytes.

    Training keeps float32 weights (4 bytes), a gradient (4) and Adam's two moments (8) for every
    parameter. The policy that sampled, where it stays on the card, takes 2 bytes in half precision
    or 4 in float32. :func:`training_memory` counts the rest, too.
    """
    return {
        "policy that sampled": (2 if half else 4) * parameters,
        "weights": 4 * parameters,
        "gradients": 4 * parameters,
        "Adam's moments": 8 * parameters,
    }


def cache_bytes(config: Any, tokens: int, size: int = 2) -> int:
    """Bytes of keys and values of ``tokens`` tokens, for a ``transformers`` model's ``config``.

    2 × layers × key-value heads × head width × tokens × ``size`` bytes a number. ``config`` may be
    a :class:`Shape`.
    """
    shape = config if isinstance(config, Shape) else Shape.of(config)
    return 2 * shape.layers * shape.keys * tokens * size


def logits_bytes(tokens: int, vocabulary: int, copies: int = 3) -> int:
    """Bytes of the logits of ``tokens`` response tokens in float32.

    The loss and its gradient hold about ``copies`` arrays of that size.
    """
    return 4 * tokens * vocabulary * copies


@dataclass(frozen=True)
class Kept:
    """Bytes that a block keeps for the backward pass, of each number of a token.

    Attributes
    ----------
    stream, inside, heads : of the stream, of the block's inside, of the queries and of the keys.
    last : of the stream, for the last norm.
    between : of the stream, at the entrance of a block.
    """

    stream: int
    inside: int
    heads: int
    last: int
    between: int


# in float16 autocast leaves the stream in float32, and each product keeps a cast of what it reads;
# in bfloat16 the model computes in bfloat16 weights
KEPT = {
    "float32": Kept(24, 16, 24, 8, 4),
    "float16": Kept(26, 8, 14, 8, 4),
    "bfloat16": Kept(16, 8, 14, 6, 2),
}


def activation_bytes(
    shape: Shape, tokens: int, precision: str = "float16", recompute: bool = False
) -> float:
    """Bytes that the blocks of a model keep of ``tokens`` tokens for the backward pass.

    Of blocks like Qwen3's, with norms on queries and keys: a product keeps what it multiplied, a
    norm what it read (in float32) and what it gave, attention its queries, keys, values and result,
    packed and padded. Scores are not among them: no fused kernel keeps them, but the plain
    attention of older cards does. A kernel for packed rows saves 4 bytes of each number of the
    heads. With ``recompute`` a block keeps its input alone, and one block at a time has the rest.
    """
    kept = KEPT[precision]
    numbers = shape.queries + shape.keys
    block = kept.stream * shape.hidden + kept.inside * shape.intermediate + kept.heads * numbers
    last = kept.last * shape.hidden
    if recompute:
        return float(tokens * (kept.between * shape.hidden * shape.layers + block + last))
    return float(tokens * (block * shape.layers + last))


# ---- whole stages ------------------------------------------------------------------------------


def training_memory(
    shape: Shape,
    tokens: int,
    scored: int,
    savings: Savings = Savings(),
    precision: str = "float16",
    held: float = 0,
    logits_at_once: int | None = None,
    parameters: float | None = None,
) -> dict[str, float]:
    """Bytes of the parts of a training step: part → bytes.

    ``tokens`` are read in one part of a step, prompts included, ``scored`` of them belong to
    replies. ``precision``: in half precision each weight has a copy, autocast's or the one that
    computes. ``held``: bytes of other models, which count unless they rest in main memory. At most
    ``logits_at_once`` tokens have logits together.
    ``parameters``: the model's, where they are known better than by its shape.
    """
    all_of_it, half = parameters or shape.parameters, precision != "float32"
    learns = shape.adapter(savings.lora) if savings.lora else all_of_it
    frozen = (all_of_it if savings.lora else 0) * (2 if half else 4)
    at_once = scored if logits_at_once is None else min(scored, logits_at_once)
    parts = {
        "weights": 4 * learns + frozen,
        "gradients": 4 * learns,
        "Adam's moments": 8 * learns,
        "half-precision copy": 2 * learns if half else 0,
        "activations": activation_bytes(shape, tokens, precision, savings.recompute),
        "logits": logits_bytes(at_once, shape.vocabulary),
        "other models": 0 if savings.resting else held,
    }
    return {part: float(size) for part, size in parts.items() if size}


def sampling_memory(
    shape: Shape,
    rows: int,
    tokens: int,
    prompts: int = 0,
    prompt_tokens: int = 0,
    size: int = 2,
) -> dict[str, float]:
    """Bytes of the parts of sampling ``rows`` candidates of ``tokens`` tokens side by side.

    ``prompts`` of ``prompt_tokens`` tokens are stored once for all their candidates. ``size`` is
    that of a number: 2 in half precision.
    """
    stored = rows * tokens + prompts * prompt_tokens
    return {
        "weights": float(size * shape.parameters),
        "keys and values": float(cache_bytes(shape, stored, size)),
        "logits": float((DRAWN - 2 + size) * rows * shape.vocabulary),
    }


def phases(
    parameters: float | Shape,
    replies: int = 4,
    reply_tokens: int = 200,
    savings: Savings = Savings(),
    cache: float = T4_CACHE,
    prompt_tokens: int = PROMPT,
) -> dict[str, dict[str, float]]:
    """GB of what is held in each phase: phase → {part: GB}.

    ``parameters`` in Qwen3's proportions, or a :class:`Shape`. ``replies`` of ``reply_tokens``
    tokens, each behind a prompt of ``prompt_tokens``, are in one part of a training step.
    ``cache``: bytes allowed for the keys and values of candidates being written (``memory_mb`` of
    :func:`~course_lib.models.sample`; here the T4 tier's). PPO here trains a policy and a critic of
    equal size, one after the other, and needs a reference and a reward model in half precision;
    its keys and values while it samples are left out.
    """
    shape = parameters if isinstance(parameters, Shape) else Shape.like_qwen3(parameters)
    size = parameters.parameters if isinstance(parameters, Shape) else parameters
    tokens, scored = replies * (reply_tokens + prompt_tokens), replies * reply_tokens
    rft = training_memory(shape, tokens, scored, savings, held=2 * size, parameters=size)
    ppo = training_memory(shape, tokens, scored, savings, held=4 * size, parameters=size)
    for part in ("weights", "gradients", "Adam's moments"):
        ppo[part] *= 2  # the policy and the critic
    sampling = {"weights": 2.0 * size, "keys and values": float(cache)}
    return {
        "sampling": in_gb(sampling),
        "RFT training": in_gb(rft),
        "PPO (lesson 07)": in_gb(ppo),
    }


def in_gb(parts: Mapping[str, float]) -> dict[str, float]:
    """The same parts in GB of 10⁹ bytes."""
    return {part: size / GB for part, size in parts.items()}
