"""What our two attention functions share, and which models may have them.

``transformers`` lets a program register its own attention and passes extra keyword arguments of
``model(...)`` down to it. Both functions use only that, so every decoder that supports it
(Llama, Qwen3, Mistral ...) runs unchanged. Whether a model does is tried before it is used
(``proving.py``), and callers have a plain fallback for the others.

* ``course_packed`` (``packing.py``): sequences of different lengths laid end to end in one row.
  Linear layers see no padding.
* ``course_shared`` (``shared_prefix.py``): decoding N candidates of a prompt. The prompt's keys and
  values are stored once for all N.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch

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
    """A model asks for something in its attention that our two functions do not do."""


def refuse_unknown(
    module: torch.nn.Module, given: dict[str, Any], handled: Collection[str] = ()
) -> None:
    """Raise where an argument would change attention: a soft cap, a bias, what nobody knows yet.

    ``handled``: names of arguments that the caller does what they ask for.
    """
    for name, value in given.items():
        meant = value is not None and value is not False
        if meant and name not in WITHOUT_MEANING and name not in handled:
            raise CannotAttendError(f"its attention needs {name}")
    if given.get("is_causal") is False or getattr(module, "is_causal", True) is False:
        raise CannotAttendError("its attention is not causal")


def window_of(module: torch.nn.Module, given: dict[str, Any]) -> int | None:
    """How many tokens a layer sees, itself included, or None for all before it.

    Read from the arguments of its attention, and compared with its configuration: some models say
    it in a mask only, which the functions here do not get. Raises where the two differ.
    """
    config: Any = getattr(module, "config", None)
    if config is None:
        raise CannotAttendError("its attention does not know its configuration")
    layer: Any = getattr(module, "layer_idx", None)
    window, expected = given.get("sliding_window"), window_of_layer(config, layer)
    if window != expected:
        raise CannotAttendError(f"layer {layer} was given the window {window}, not {expected}")
    return window


def window_of_layer(config: Any, layer: int) -> int | None:
    """The window of a layer by a model's configuration; None where it sees all before it."""
    kinds = getattr(config, "layer_types", None)
    slides = kinds[layer] == "sliding_attention" if kinds else True
    if slides and getattr(config, "use_sliding_window", True):
        return getattr(config, "sliding_window", None)
    return None


def misfit(model: torch.nn.Module) -> str:
    """Why ``model`` cannot run our attention functions, or "" when it may.

    What shows in a long text only and no short trial would find: chunks, positions that shift. The
    rest is tried on a few tokens, see :mod:`course_lib.models.proving`.
    """
    config: Any = model.config
    config = config.get_text_config(decoder=True)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if not getattr(model.base_model, "_supports_attention_backend", False):
        return "it takes no attention from outside"
    if not kinds <= {"full_attention", "sliding_attention"}:
        return f"it has layers of the kinds {', '.join(sorted(kinds))}"
    if getattr(config, "attention_chunk_size", None) is not None:
        return "it has an attention_chunk_size"
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
