"""In which precision a model computes while it is trained, and what it is given back in.

On a CPU, and where no ``dtype`` is asked for, all is float32. With float16 on a GPU, weights are
float32 and autocast copies them for each step; a :class:`Stepper` scales the loss. With bfloat16 on
a GPU the model itself computes in bfloat16, and the optimiser has the float32 weights
(:class:`Masters`): nothing is copied in a forward pass, and what runs between the matrix products
moves half the bytes. Norms are then one operation each.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch

from ..models import fused_norms

Own = dict[str, torch.Tensor | torch.dtype]  # by name: a buffer as it was, a parameter's dtype
HALVES = (torch.float16, torch.bfloat16)


def to_float32(model: torch.nn.Module, dtype: torch.dtype | None = None) -> Own:
    """Turn ``model`` into float32; what it was before, for :func:`to_own_precision`.

    Where it will be trained in half precision ``dtype`` on a GPU, weights that are not trained stay
    as they are: below an adapter, those are nearly all.
    """
    own: Own = {name: weight.dtype for name, weight in model.named_parameters()}
    own |= {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
    frozen = [weight for weight in model.parameters() if not weight.requires_grad]
    on_gpu = next(model.parameters()).device.type == "cuda"
    if frozen and on_gpu and dtype in HALVES:
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()
    else:
        model.float()
    return own


def to_own_precision(model: torch.nn.Module, own: Own) -> None:
    """Give every parameter and buffer of ``model`` the precision it had before training.

    One by one, as a model may mix them: float32 adapters on a base in half precision, or rotary
    frequencies, which are never in half precision.
    """
    for name, weight in model.named_parameters():
        weight.data = weight.data.to(own[name])
        weight.grad = None
    for name, buffer in model.named_buffers():
        before = own[name].to(buffer.device)
        same = before.shape == buffer.shape and torch.equal(before.to(buffer.dtype), buffer)
        buffer.data = before if same else buffer.data.to(before.dtype)


def wants_masters(device: torch.device, dtype: torch.dtype | None) -> bool:
    """Whether a model on ``device`` computes in bfloat16 while float32 weights are optimised."""
    return device.type == "cuda" and dtype == torch.bfloat16


class Masters:
    """Float32 weights to optimise, beside a model that computes in ``dtype``.

    From here to :meth:`give_back`, every float weight of ``model`` is in ``dtype``. The gradient of
    a trained one is added to its float32 weight's as soon as it is complete, so that parts of a
    batch add up in float32 and no two sets of gradients are held.
    """

    def __init__(self, model: torch.nn.Module, dtype: torch.dtype) -> None:
        self.model, self.dtype = model, dtype
        self.pairs: list[tuple[torch.nn.Parameter, torch.nn.Parameter]] = []  # theirs, ours
        self.frozen: list[tuple[torch.nn.Parameter, torch.dtype]] = []
        self.hooks = []
        for weight in model.parameters():
            if not weight.is_floating_point():
                continue
            if weight.requires_grad:
                ours = torch.nn.Parameter(weight.detach().float())
                self.pairs.append((weight, ours))
                self.hooks.append(weight.register_post_accumulate_grad_hook(_moved_to(ours)))
            else:
                self.frozen.append((weight, weight.dtype))
            weight.data = weight.data.to(dtype)
        self.inside = contextlib.ExitStack()
        self.inside.enter_context(fused_norms(model))

    @property
    def weights(self) -> list[torch.nn.Parameter]:
        """The float32 weights, in the order of the model's trained ones."""
        return [ours for _, ours in self.pairs]

    @torch.no_grad()
    def spread(self) -> None:
        """Give the model the float32 weights as they are now."""
        if self.pairs:
            theirs, ours = zip(*self.pairs, strict=True)
            torch._foreach_copy_(theirs, ours)

    def give_back(self) -> None:
        """The model gets the float32 weights themselves; frozen ones their own precision."""
        self.inside.close()
        for hook in self.hooks:
            hook.remove()
        for weight, ours in self.pairs:
            weight.data = ours.data
        for weight, own in self.frozen:
            weight.data = weight.data.to(own)
        self.pairs, self.frozen, self.hooks = [], [], []


def _moved_to(ours: torch.nn.Parameter) -> Any:
    """A hook that adds a weight's gradient to that of ``ours`` and takes it away."""

    def move(weight: torch.Tensor) -> None:
        gradient, weight.grad = weight.grad, None
        if gradient is None:
            return
        if ours.grad is None:
            ours.grad = gradient.float()
        else:
            ours.grad.add_(gradient)

    return move


def trained_weights(model: torch.nn.Module) -> Sequence[tuple[str, torch.nn.Parameter]]:
    """The weights of ``model`` that are trained, each once, by name."""
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
