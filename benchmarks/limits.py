"""What a machine must do at least: bytes of a decoding run, operations of a training step, and how
fast this machine copies and multiplies.

Arithmetic on a model's own configuration, so that a measured speed can be shown as a share of what
the same machine was seen to do in the same run.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from course_lib.base import flops_per_token


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all it was given; nothing on a CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(function: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Seconds of one call, over ``repeats`` calls after one that is not counted."""
    function()
    synchronize(device)
    started = time.perf_counter()
    for _ in range(repeats):
        function()
    synchronize(device)
    return (time.perf_counter() - started) / repeats


def copy_bandwidth(device: torch.device, size: int = 2**30, repeats: int = 20) -> float:
    """Bytes a second of a copy within the device, read and written bytes counted."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / seconds_of(lambda: target.copy_(source), device, repeats)


def product_rate(
    device: torch.device, dtype: torch.dtype, width: int = 8192, repeats: int = 20
) -> float:
    """Operations a second of a square matrix product of random numbers."""
    a, b = (torch.randn(width, width, device=device).to(dtype) for _ in range(2))
    return 2 * width**3 / seconds_of(lambda: a @ b, device, repeats)


# ---- a smaller card ----------------------------------------------------------------------------


class _Smaller:
    """A card's properties, with less memory."""

    def __init__(self, facts: Any, total: int) -> None:
        self._facts = facts
        self.total_memory = total

    def __getattr__(self, name: str) -> Any:
        return getattr(self._facts, name)


@contextlib.contextmanager
def as_small_as(gib: float, device: torch.device) -> Iterator[None]:
    """Let a GPU have ``gib`` GiB and say so when asked; a CPU stays as it is.

    torch refuses to allocate more; what is free and the card's size are told accordingly, since
    programs choose by them.
    """
    if device.type != "cuda":
        yield
        return
    properties, free_and_total = torch.cuda.get_device_properties, torch.cuda.mem_get_info
    whole = properties(device).total_memory
    total = min(whole, int(gib * 2**30))

    def smaller(*which: Any) -> Any:
        return _Smaller(properties(*which), total)

    def left(*which: Any) -> tuple[int, int]:
        here = torch.cuda.memory_reserved(*which)
        return min(free_and_total(*which)[0], total - here), total

    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(total / whole)
    torch.cuda.get_device_properties, torch.cuda.mem_get_info = smaller, left
    try:
        yield
    finally:
        torch.cuda.get_device_properties, torch.cuda.mem_get_info = properties, free_and_total
        torch.cuda.set_per_process_memory_fraction(1.0)


# ---- decoding: bytes ---------------------------------------------------------------------------


def windows(config: Any) -> list[int | None]:
    """For each layer, how many positions its attention sees; None is all."""
    config = config.get_text_config(decoder=True)
    layers = config.num_hidden_layers
    width = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        kinds = ["sliding_attention" if width else "full_attention"] * layers
    return [width if kind == "sliding_attention" else None for kind in kinds]


def position_bytes(config: Any, size: int) -> int:
    """Bytes of one token's key and value in one layer, ``size`` bytes a number."""
    config = config.get_text_config(decoder=True)
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return 2 * (getattr(config, "num_key_value_heads", None) or heads) * width * size


def weight_bytes(model: Any) -> int:
    """Bytes of the weights a decoding step reads: all, less an embedding that is only looked up."""
    total = sum(p.numel() * p.element_size() for p in model.parameters())
    embedding = model.get_input_embeddings().weight
    if model.get_output_embeddings().weight is embedding:
        return total
    return total - embedding.numel() * embedding.element_size()


def decode_bytes(
    config: Any, weights: int, prompts: Sequence[int], n: int, tokens: int, size: int
) -> int:
    """Bytes that must be read to write ``tokens`` tokens in ``n`` replies to each prompt.

    The ``weights`` (bytes) once for each token; each reply's own keys and values once a step; those
    of a prompt once a step for all of its replies. ``prompts``: tokens of each. All replies are
    written at once, whatever memory that takes. What is written, and activations, are left out.
    """
    each = position_bytes(config, size)
    total = tokens * weights
    for window in windows(config):
        seen = float("inf") if window is None else window
        for t in range(1, tokens):  # at step t a reply has t tokens of its own to look at
            own = min(t, seen)
            shared = sum(max(0, min(length, seen - own)) for length in prompts)
            total += each * (n * len(prompts) * own + shared)
    return int(total)


def decode_limit(
    model: Any, prompts: Sequence[int], n: int, tokens: int, bandwidth: float
) -> float:
    """Tokens a second if nothing but :func:`decode_bytes` had to move, at ``bandwidth`` bytes/s."""
    size = next(model.parameters()).element_size()
    moved = decode_bytes(model.config, weight_bytes(model), prompts, n, tokens, size)
    return len(prompts) * n * tokens * bandwidth / moved


# ---- training: operations ----------------------------------------------------------------------

FORMULA = (
    "6 x weights of the layers x tokens + 6 x weights of the head x reply tokens + 12 x heads x "
    "head width x (positions each token sees, summed) a layer; neither the embedding nor padding "
    "nor what is computed twice counts"
)


def training_flops(model: Any, examples: Sequence[tuple[int, int]]) -> float:
    """Operations of a forward and a backward pass, by :data:`FORMULA`.

    ``examples``: (tokens of the prompt, tokens of the reply) of each.
    """
    config = model.config.get_text_config(decoder=True)
    head = model.get_output_embeddings().weight.numel()
    blocks = flops_per_token(model) // 2 - head
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    total = 0.0
    for prompt, reply in examples:
        length = prompt + reply
        total += 6 * blocks * length + 6 * head * reply
        for window in windows(config):
            full = length if window is None else min(length, window)
            seen = full * (full + 1) // 2 + (length - full) * full
            total += 12 * heads * width * seen
    return total
