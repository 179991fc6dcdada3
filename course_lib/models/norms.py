"""RMS norms as one operation each, while a model trains in half precision on a GPU.

Written in single operations, as ``transformers`` does, a norm reads and writes its rows about six
times, in float32; in a small model that costs more time than all matrix products. Each kind of norm
is tried on a few rows, forwards and backwards, and left as it is where the one operation differs.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

CLOSE = 0.02  # of the largest number: both round to half precision, at different places


@contextlib.contextmanager
def fused_norms(model: torch.nn.Module) -> Iterator[int]:
    """Inside the block, the RMS norms of ``model`` are one operation each; gives how many are."""
    proven: dict[tuple[type, torch.dtype, torch.Size, float], bool] = {}
    changed: list[torch.nn.Module] = []
    for norm in _norms(model):
        kind = (type(norm), norm.weight.dtype, norm.weight.shape, norm.variance_epsilon)
        if kind not in proven:
            proven[kind] = _agrees(norm)
        if proven[kind]:
            norm.forward = partial(fused, norm)
            changed.append(norm)
    try:
        yield len(changed)
    finally:
        for norm in changed:
            norm.__dict__.pop("forward", None)  # the class's own is there again


def fused(norm: Any, rows: torch.Tensor) -> torch.Tensor:
    """What ``norm`` gives for ``rows`` (…, D), in one operation."""
    shape, epsilon = list(norm.weight.shape), norm.variance_epsilon
    # by its own name: autocast would turn rms_norm into float32
    out: torch.Tensor = torch.ops.aten._fused_rms_norm(rows, shape, norm.weight, epsilon)[0]
    return out


def _norms(model: torch.nn.Module) -> Iterator[Any]:
    for part in model.modules():
        weight = getattr(part, "weight", None)
        named = type(part).__name__.endswith("RMSNorm") and "forward" not in part.__dict__
        simple = isinstance(weight, torch.nn.Parameter) and weight.dim() == 1
        if named and simple and isinstance(getattr(part, "variance_epsilon", None), float):
            yield part


def _agrees(norm: Any) -> bool:
    """Whether :func:`fused` gives the values and gradients of ``norm``."""
    weight = norm.weight
    generator = torch.Generator().manual_seed(0)
    rows, towards = torch.randn(2, 7, len(weight), generator=generator).to(weight)
    try:
        with torch.autocast(weight.device.type, enabled=False):
            found = [_traced(how, norm, rows, towards) for how in (norm, partial(fused, norm))]
    except torch.OutOfMemoryError:
        raise
    except Exception:  # a norm with more arguments, an operation that is not there
        return False
    return all(
        one.dtype == other.dtype
        and float((one.float() - other.float()).abs().max()) <= CLOSE * float(one.abs().max())
        for one, other in zip(*found, strict=True)
    )


def _traced(how: Any, norm: Any, rows: torch.Tensor, towards: torch.Tensor) -> list[torch.Tensor]:
    """The value, and the gradients of rows and weight, in the direction ``towards``."""
    with torch.inference_mode(False), torch.enable_grad():
        leaf = rows.clone().requires_grad_()
        asked = [leaf, norm.weight] if norm.weight.requires_grad else [leaf]
        out = how(leaf)
        return [out.detach(), *torch.autograd.grad(out, asked, towards)]
