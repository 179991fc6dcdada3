"""Fused attention over packed sequences of different lengths, where there is a kernel for it.

On a GPU of compute capability 8.0 and more, in half precision, torch has flash attention for rows
laid end to end: no padding is computed or copied. Before it is used, it is tried on a few tokens of
the same shape against plain operations, forwards and backwards, and left where it fails or differs.

Letters in shapes: S tokens in one row, those of sequence b from ``ends[b]`` to ``ends[b + 1]``; H
heads on Hkv key and value heads; D numbers a head.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

HALVES = (torch.float16, torch.bfloat16)
CLOSE = 0.02  # of the largest number: rounding in half precision is below, a wrong window above

Case = tuple[str, torch.dtype, int, int, int, bool]  # device, precision, H, Hkv, D, with a window

_found: "dict[Case, Kernel | None]" = {}
reasons: dict[Case, str] = {}  # why a case is left to plain attention


def variable_length(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, windowed: bool
) -> "Kernel | None":
    """The kernel for packed rows (1, heads, S, D) like these, or None for plain attention."""
    if query.device.type != "cuda" or query.dtype not in HALVES:
        return None
    H, Hkv, D = query.shape[1], key.shape[1], query.shape[3]
    case = (str(query.device), query.dtype, H, Hkv, D, windowed)
    if case not in _found:
        _found[case] = _proven(case) if value.shape[3] == D else None
    return _found[case]


def _proven(case: Case) -> "Kernel | None":
    device = torch.device(case[0])
    if torch.cuda.get_device_capability(device) < (8, 0):
        reasons[case] = "the card is older than compute capability 8.0"
        return None
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        reasons[case] = "this torch has no attention for rows of different lengths"
        return None
    kernel, why = first_right(varlen_attn, case)
    if kernel is None:
        reasons[case] = why
    return kernel


def first_right(function: Callable[..., Any], case: Case) -> "tuple[Kernel | None, str]":
    """The first way of calling ``function`` that gives what plain attention gives, and "".

    Or None, and why not. ``function`` has the signature of torch's ``varlen_attn``.
    """
    why = ""
    for way in ways(function, grouped=case[2] != case[3]):
        kernel = Kernel(function, way)
        try:
            with torch.inference_mode(False), torch.enable_grad():
                why = difference(kernel, case)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # a kernel that is not there says so in many ways
            why = f"{type(error).__name__} when it was tried"
        if not why:
            return kernel, ""
    return None, why


def ways(function: Callable[..., Any], grouped: bool) -> Iterator[str]:
    """How fewer key heads than query heads may be given: "flag", "bare" or "repeated"."""
    if grouped and "enable_gqa" in inspect.signature(function).parameters:
        yield "flag"
    yield "bare"  # torch 2.11 has no flag and hands them on to the kernel as they are
    if grouped:
        yield "repeated"


@dataclass(frozen=True)
class Kernel:
    """Causal attention of packed rows by ``function``, torch's ``varlen_attn`` or one like it."""

    function: Callable[..., Any]
    way: str

    def __call__(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        ends: torch.Tensor,
        longest: int,
        scale: float | None,
        window: int | None,
    ) -> torch.Tensor:
        """query (S, H, D), key and value (S, Hkv, D) → (S, H, D).

        A ``window`` counts the token itself, as in ``transformers``; the kernel's only those
        before it.
        """
        more = {"enable_gqa": True} if self.way == "flag" else {}
        if self.way == "repeated":
            groups = query.shape[1] // key.shape[1]
            key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        before = -1 if window is None else window - 1
        out: torch.Tensor = self.function(
            query,
            key,
            value,
            ends,
            ends,
            longest,
            longest,
            scale=scale,
            window_size=(before, 0),
            **more,
        )
        return out


# ---- the trial ---------------------------------------------------------------------------------


def difference(kernel: Kernel, case: Case) -> str:
    """How ``kernel`` differs from plain attention on three short sequences, or ""."""
    device, dtype, H, Hkv, D, windowed = case
    lengths, window = (5, 17, 2), 4 if windowed else None
    generator = torch.Generator().manual_seed(0)
    sizes = ((H, D), (Hkv, D), (Hkv, D), (H, D))
    *inputs, towards = (
        torch.randn(sum(lengths), *size, generator=generator).to(device, dtype) for size in sizes
    )
    ends = torch.tensor([0, *lengths], device=device).cumsum(0).int()
    fused = partial(kernel, ends=ends, longest=max(lengths), scale=D**-0.5, window=window)
    exact = partial(plain, lengths=lengths, scale=D**-0.5, window=window)
    names = ("values", "gradients of queries", "gradients of keys", "gradients of values")
    for name, one, other in zip(
        names, _traced(fused, inputs, towards), _traced(exact, inputs, towards), strict=True
    ):
        error = float((one.float() - other.float()).abs().max() / other.float().abs().max())
        if not error <= CLOSE:
            return f"its {name} were off by {error:.1%}"
    return ""


def _traced(
    function: Callable[..., torch.Tensor], inputs: list[torch.Tensor], towards: torch.Tensor
) -> list[torch.Tensor]:
    """The value of ``function``, and the gradients of its inputs in the direction ``towards``."""
    leaves = [x.detach().requires_grad_() for x in inputs]
    out = function(*leaves)
    return [out.detach(), *torch.autograd.grad(out, leaves, towards)]


def plain(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: tuple[int, ...],
    scale: float | None,
    window: int | None,
) -> torch.Tensor:
    """The same by plain operations in float32, one sequence after another: (S, H, D)."""
    groups = query.shape[1] // key.shape[1]
    parts = []
    for q, k, v in zip(*(x.float().split(lengths) for x in (query, key, value)), strict=True):
        k, v = (x.repeat_interleave(groups, dim=1).transpose(0, 1) for x in (k, v))  # (H, L, D)
        L = len(q)
        seen = torch.ones(L, L, dtype=torch.bool, device=q.device).tril().triu(1 - (window or L))
        out = F.scaled_dot_product_attention(
            q.transpose(0, 1), k, v, attn_mask=seen, scale=scale
        )  # (H, L, D)
        parts.append(out.transpose(0, 1))
    return torch.cat(parts).to(query.dtype)
