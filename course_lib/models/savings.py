"""What saves memory while a model is trained: activations computed again, idle models at rest."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

import torch

from ..base import require
from .adapters import without_adapter

Contexts = tuple[contextlib.AbstractContextManager[Any], contextlib.AbstractContextManager[Any]]

_keeping: WeakSet[torch.nn.Module] = WeakSet()


@contextlib.contextmanager
def recomputing(model: torch.nn.Module, wanted: bool = True) -> Iterator[None]:
    """Inside the block, ``model`` computes activations again in its backward pass.

    Only those between layers are held (gradient checkpointing). Each layer is computed again with
    the attention that it had the first time, so packed rows stay packed rows. Nothing changes where
    it is not ``wanted``, or where the model does so already. Raises
    :class:`~course_lib.base.CourseError` for a model that cannot.
    """
    inner = without_adapter(model)
    if not wanted or recomputes(inner):
        yield
        return
    require(
        getattr(inner, "supports_gradient_checkpointing", False),
        f"{type(inner).__name__} cannot compute its activations again; leave recompute out.",
    )
    enable, disable = _switches(inner)
    enable({"use_reentrant": False, "context_fn": _same_attention(inner)})
    _keeping.add(model)
    try:
        yield
    finally:
        _keeping.discard(model)
        disable()


def recomputes(model: torch.nn.Module) -> bool:
    """Whether activations are recomputed in the backward pass: gradient checkpointing."""
    newer = getattr(model, "is_activation_checkpointing", None)
    return bool(getattr(model, "is_gradient_checkpointing", False) if newer is None else newer)


def loses_attention(model: torch.nn.Module) -> bool:
    """Whether layers are computed again, but with the attention that the model then has."""
    return recomputes(model) and model not in _keeping


def _switches(model: Any) -> tuple[Callable[[dict[str, Any]], None], Callable[[], None]]:
    """What turns it on, and off: ``transformers`` gave both a new name."""
    if hasattr(model, "activation_checkpointing_enable"):
        return model.activation_checkpointing_enable, model.activation_checkpointing_disable
    return model.gradient_checkpointing_enable, model.gradient_checkpointing_disable


def _same_attention(model: torch.nn.Module) -> Callable[[], Contexts]:
    """A pair of contexts a layer: for its first pass, and for the one in the backward pass."""
    found = [part.config for part in model.modules() if hasattr(part, "config")]
    configs: list[Any] = list({id(config): config for config in found}.values())

    @contextlib.contextmanager
    def named(names: list[str]) -> Iterator[None]:
        before = [config._attn_implementation for config in configs]
        _name(configs, names)
        try:
            yield
        finally:
            _name(configs, before)

    def contexts() -> Contexts:
        now = [config._attn_implementation for config in configs]
        return contextlib.nullcontext(), named(now)

    return contexts


def _name(configs: list[Any], names: list[str]) -> None:
    for config, name in zip(configs, names, strict=True):
        config._attn_implementation_internal = name


@contextlib.contextmanager
def resting(*models: torch.nn.Module | None) -> Iterator[None]:
    """Inside the block, ``models`` that are on a GPU lie in the computer's memory.

    Whatever happens, they are back afterwards. None and models that are there already stay.
    """
    moved: list[tuple[torch.nn.Module, torch.device]] = []
    try:
        for model in {id(one): one for one in models if one is not None}.values():
            place = place_of(model)
            if place.type != "cpu":
                moved.append((model, place))
                model.to("cpu")
        yield
    finally:
        for model, place in moved:
            model.to(place)


def place_of(model: torch.nn.Module) -> torch.device:
    """The device of a model's weights."""
    return next(model.parameters()).device
