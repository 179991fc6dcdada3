"""Defaults that depend on the model."""

from typing import Any

SMALL = 50_000_000  # parameters of a model that is trained as the bundled ones are
LR_SMALL, LR_LARGE, LR_LORA = 1e-3, 1e-5, 2e-4


def chosen_lr(given: float | None, model: Any, lora: int = 0) -> tuple[float, str]:
    """The learning rate that was given, else the default for ``model``; and which of them it is."""
    return default_lr(model, lora) if given is None else (given, "as asked")


def default_lr(model: Any, lora: int = 0) -> tuple[float, str]:
    """The learning rate for a model nobody gave one for, and why.

    A pretrained model of real size forgets what it knows at a rate that suits a tiny one. With
    LoRA, whose few weights start at zero, the rate is larger again; ``lora`` is the rank of an
    adapter that is still to be put on, or 0.
    """
    if lora or hasattr(model, "peft_config"):
        return LR_LORA, "the default for LoRA"
    size = sum(p.numel() for p in model.parameters())
    if size <= SMALL:
        return LR_SMALL, f"the default for a small model, {size / 1e6:,.2g} million parameters"
    return LR_LARGE, f"the default for a model of {size / 1e6:,.0f} million parameters"
