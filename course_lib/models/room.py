"""How many candidates are written side by side: from a memory budget, or from what is free."""

from typing import Any

import torch

from ..base import require
from .attention import window_of_layer
from .policy import Policy

CPU_MB = 384  # MiB, where nothing else was asked for
SHARE = 0.8  # of what is free on a GPU: kernels and graphs need some of their own
# a batch that shrinks copies its buffers; on a GPU a layer at a time
SPARE = {"cpu": 1.5, "cuda": 1.15}


def rows_at_once(
    policy: Policy,
    max_tokens: int,
    memory_mb: float | None = None,
    prompt_tokens: int = 0,
    n: int = 1,
) -> int:
    """How many candidates of at most ``max_tokens`` tokens fit into ``memory_mb`` MiB, at least 1.

    None: 384 MiB, or on a GPU four fifths of the memory that is free now, of which each candidate
    also takes its share of its prompt: ``prompt_tokens`` tokens for ``n`` candidates.
    """
    each = bytes_per_row(policy, max_tokens)
    if memory_mb is not None:
        return max(1, int(memory_mb * 2**20 / each))
    if policy.device.type != "cuda":
        return max(1, int(CPU_MB * 2**20 / each))
    each += kept_bytes(policy, prompt_tokens, windows=False) // max(1, n)
    return max(1, int(SHARE * free_bytes(policy.device) / each))


def free_bytes(device: torch.device) -> int:
    """Bytes of a GPU's memory that this process may still take."""
    free, total = torch.cuda.mem_get_info(device)
    taken = torch.cuda.memory_allocated(device)
    cached = torch.cuda.memory_reserved(device) - taken
    allowed = torch.cuda.get_per_process_memory_fraction(device) * total - taken
    return int(min(free + cached, allowed))


def bytes_per_row(policy: Policy, max_tokens: int) -> int:
    """About how much memory one candidate needs while it is being generated.

    Its keys and values, and a few rows of logits.
    """
    model: Any = policy.model
    config = model.config.get_text_config(decoder=True)
    hidden = getattr(config, "hidden_size", 1024)  # models of other kinds have other names
    cache = int(kept_bytes(policy, max_tokens) * SPARE.get(policy.device.type, 1.5))
    return cache + 16 * config.vocab_size + 16 * hidden


def kept_bytes(policy: Policy, tokens: int, windows: bool = True) -> int:
    """Bytes of the keys and values of ``tokens`` tokens, in all layers.

    ``windows``: a layer with a window keeps no more than it sees.
    """
    model: Any = policy.model
    config = model.config.get_text_config(decoder=True)
    hidden = getattr(config, "hidden_size", 1024)
    layers = getattr(config, "num_hidden_layers", 12)
    queries = getattr(config, "num_attention_heads", None) or 1
    heads = getattr(config, "num_key_value_heads", None) or queries
    width = getattr(config, "head_dim", None) or hidden // queries
    kept = 0  # tokens, over all layers
    for layer in range(layers):
        window = window_of_layer(config, layer) if windows else None
        kept += min(tokens, window or tokens)
    return 2 * heads * width * kept * next(model.parameters()).element_size()


def halved(rows: int) -> int:
    """Half of ``rows``, after memory ran out with as many.

    Raises :class:`~course_lib.base.CourseError` when there is nothing to halve.
    """
    require(
        rows > 1,
        "the memory does not suffice for a single candidate. Lower max_tokens, shorten the "
        "prompts, or free memory (other models on the GPU: del them, or .to('cpu')).",
    )
    return rows // 2
