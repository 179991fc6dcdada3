"""Which fast ways a model can have: each is tried once, on a few tokens, before it is used.

A list of good names would always be behind. So every way of reading and writing is compared with
the model's own plain pass over one row without padding, and the fastest that agrees is taken. What
a short trial cannot show (windows, chunks) is asked of the configuration.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch

from ..base import CourseError, require
from .attention import CannotAttendError, attention, misfit, shifts
from .decoding import (
    CapturedEngine,
    Engine,
    FusedEngine,
    RepeatedCacheEngine,
    RereadingEngine,
    SharedPrefixEngine,
    UnpaddedEngine,
    plain_logits,
)
from .loading import check_decoder, evaluating, vocabulary_size
from .packing import Packing
from .policy import Policy
from .savings import loses_attention

ENGINES: tuple[type[Any], ...] = (
    CapturedEngine,
    FusedEngine,
    SharedPrefixEngine,
    RepeatedCacheEngine,
    UnpaddedEngine,
    RereadingEngine,
)
SLOWER = {
    RepeatedCacheEngine: "each prompt's cache is repeated for its candidates: slower, same replies",
    UnpaddedEngine: "prompts of different lengths are written apart: slower, same replies",
    RereadingEngine: "each reply is read again at every token: much slower, same replies",
}

# The most that logits may differ, as a share of what the tokens before do to them. A wrong
# attention is off by a tenth or more; rounding is far below.
TOLERANCE = {torch.float32: 1e-2, torch.float64: 1e-2}
HALF_TOLERANCE = 0.15


class _DiffersError(ValueError):
    """A way of reading or writing does not give what the plain pass gives."""


@dataclass
class _Proof:
    """What is known of one model: its engine, and whether packed rows are read rightly."""

    engine: type[Any] | None = None
    packs: bool | None = None
    reasons: dict[str, str] = field(default_factory=dict)  # why faster ways were left


_proofs: WeakKeyDictionary[torch.nn.Module, _Proof] = WeakKeyDictionary()
_said: set[str] = set()  # one line a class and engine, not one a copy of the model


def new_engine(policy: Policy, ids: Sequence[Sequence[int]]) -> Engine:
    """The fastest engine that is right for ``policy``'s model, with the prompts ``ids`` read.

    Raises :class:`~course_lib.base.CourseError` for a model that is no causal language model.
    """
    return engine_class(policy)(policy, ids)


def engine_class(policy: Policy) -> type[Any]:
    """The fastest engine that gives the logits of the model's plain pass."""
    proof = _proofs.setdefault(policy.model, _Proof())
    if proof.engine is None:
        with _trying(policy.model):
            proof.engine = _first_right_engine(policy, proof.reasons)
        _say(policy.model, proof)
    return proof.engine


def engine_report(policy: Policy) -> dict[str, str]:
    """Which engine samples from ``policy``, and why each faster one does not: name → reason or "".

    The engine in use comes last.
    """
    engine = engine_class(policy)
    return {**_proofs[policy.model].reasons, engine.__name__: ""}


def packs(model: torch.nn.Module) -> bool:
    """Whether rows laid end to end are read as each row alone.

    Never while activations are recomputed in the backward pass by anything but
    :func:`~course_lib.models.recomputing`: that runs after the attention was put back.
    """
    if model.training and loses_attention(model):
        return False
    proof = _proofs.setdefault(model, _Proof())
    if proof.packs is None:
        with _trying(model):
            proof.packs = not misfit(model) and not _reason(lambda: _packing_error(model))
    return proof.packs


# ---- the trial ---------------------------------------------------------------------------------


@contextmanager
def _trying(model: torch.nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode, without gradients and without mixed precision."""
    device = next(model.parameters()).device.type
    with evaluating(model), torch.autocast(device, enabled=False):
        yield


def _first_right_engine(policy: Policy, reasons: dict[str, str]) -> type[Any]:
    """The first of :data:`ENGINES` that agrees with the plain pass; why not goes to ``reasons``."""
    case = _Case(policy.model, _ordinary_tokens(policy))
    for engine in ENGINES:
        reason = ""
        if issubclass(engine, FusedEngine) and engine.part_of(policy.model) is None:
            reason = "there is no GPU of the kind"
        elif issubclass(engine, SharedPrefixEngine):
            reason = misfit(policy.model)
        elif engine is RepeatedCacheEngine and shifts(policy.model):
            reason = misfit(policy.model)
        if not reason:
            reason = _reason(partial(_engine_error, engine, policy, case))
        if not reason:
            return engine
        reasons[engine.__name__] = reason
    raise CourseError(
        f"{type(policy.model).__name__} cannot be sampled: no way of decoding gives what its own "
        f"plain pass gives ({reasons[RereadingEngine.__name__]}). Use another causal language "
        "model."
    )


def _reason(error_of: Callable[[], None]) -> str:
    """Why a way is not taken: what it said, or "" when it agrees."""
    try:
        error_of()
    except torch.OutOfMemoryError:
        raise
    except (_DiffersError, CannotAttendError) as error:
        return str(error)
    except Exception as error:  # any model's own code runs here: whatever fails, fails the trial
        return f"{type(error).__name__} when it was tried"
    return ""


class _Case:
    """Two prompts and two replies to each, and what the model's plain pass says of them."""

    lengths = (3, 7)
    steps = 5  # as many as let a captured step be replayed twice

    def __init__(self, model: torch.nn.Module, tokens: Sequence[int]) -> None:
        """Raises :class:`~course_lib.base.CourseError` when ``model`` is not causal."""
        check_decoder(model.config, type(model).__name__)
        device = next(model.parameters()).device
        generator = torch.Generator().manual_seed(0)
        many = torch.tensor(tokens)[
            torch.randint(len(tokens), (2, max(self.lengths) + 2 * self.steps), generator=generator)
        ].to(device)
        self.prompts = [many[i, :n] for i, n in enumerate(self.lengths)]
        replies = [many[i, n : n + 2 * self.steps].view(2, -1) for i, n in enumerate(self.lengths)]
        self.replies = torch.cat(replies)  # (4, steps)
        self.logits = []  # (steps, V) of each of the four rows
        for r, reply in enumerate(self.replies):
            row = torch.cat([self.prompts[r // 2], reply])[None]  # (1, L)
            self.logits.append(plain_logits(model, row)[0, -self.steps - 1 : -1])
        require(
            not any(torch.isnan(part).any() or torch.isposinf(part).any() for part in self.logits),
            f"the logits of {type(model).__name__} are not numbers (NaN or infinite). Its weights "
            "may be damaged, or too large for float16: load it again, in bfloat16 or float32.",
        )
        self.scale = _context_effect(model, row, self.logits[-1][-1])
        self._check_causal(model, row)

    def _check_causal(self, model: torch.nn.Module, row: torch.Tensor) -> None:
        cut = plain_logits(model, row[:, : -self.steps])[0, -1]
        require(
            _close(cut, self.logits[-1][0], self.scale),
            f"{type(model).__name__} is not a causal language model: what it says of a token "
            "changes with the tokens after it, as an encoder's does. Use a causal one (a "
            "decoder; for BERT's kin is_decoder=True).",
        )


def _ordinary_tokens(policy: Policy) -> list[int]:
    """Up to 64 token ids of ``policy`` that are not special."""
    size = vocabulary_size(policy.model)
    config: Any = policy.model.config
    special = {policy.pad_id, *policy.stop_ids, *policy.tokenizer.all_special_ids}
    special |= {getattr(config, f"{name}_token_id", None) for name in ("bos", "pad", "mask")}
    ordinary = [i for i in range(size) if i not in special]
    return ordinary[:: max(1, len(ordinary) // 64)] or [0]


def _context_effect(model: torch.nn.Module, row: torch.Tensor, last: torch.Tensor) -> float:
    """How much the tokens before change the logits after the last one but one, on average."""
    alone = plain_logits(model, row[:, -2:-1])[0, -1]
    return _distance(alone, last)


def _close(one: torch.Tensor, other: torch.Tensor, scale: float) -> bool:
    """Whether two tensors of logits differ by rounding only."""
    masked = torch.isneginf(one)  # tokens that a model never gives
    if not torch.equal(masked, torch.isneginf(other)):
        return False
    return _distance(one, other) <= TOLERANCE.get(one.dtype, HALF_TOLERANCE) * scale + 1e-6


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """The mean difference of two tensors of logits; tokens that are never given do not count."""
    difference = (one.float() - other.float()).abs()
    return float(difference[~torch.isneginf(one)].mean())


def _require_close(one: torch.Tensor, other: torch.Tensor, scale: float) -> None:
    if not _close(one, other, scale):
        error = _distance(one, other) / max(scale, 1e-12)
        raise _DiffersError(f"its logits were off by {error:.1%} of what the context does to them")


def _engine_error(engine: type[Any], policy: Policy, case: _Case) -> None:
    """Write the four replies with ``engine``, one row of them left out on the way; or raise."""
    running = engine(policy, [prompt.tolist() for prompt in case.prompts])
    logits = running.start(2, case.steps)
    rows = torch.arange(4, device=logits.device)
    for t in range(case.steps):
        for b, r in enumerate(rows.tolist()):
            _require_close(logits[b], case.logits[r][t], case.scale)
        if t == case.steps - 1:
            return
        if t == 1:
            going_on = torch.tensor([0, 2, 3], device=rows.device)
            running.keep(going_on)
            rows = rows[going_on]
        logits = running.step(case.replies[rows, t])


def _packing_error(model: torch.nn.Module) -> None:
    """Read three rows packed and each alone, up to the backbone's last layer; or raise."""
    backbone: Any = model.base_model
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(0)
    size = vocabulary_size(model)
    lengths = (5, 9, 3)
    rows = [torch.randint(size, (n,), generator=generator).to(device) for n in lengths]
    packing = Packing.of(lengths, device)
    with attention(model, "course_packed"):
        packed = backbone(
            input_ids=torch.cat(rows)[None],
            position_ids=packing.positions,
            use_cache=False,
            packing=packing,
        )[0][0]  # (S, D)
    for row, read in zip(rows, packed.split(lengths), strict=True):
        alone = backbone(input_ids=row[None], use_cache=False)[0][0]  # (L, D)
        single = backbone(input_ids=row[None, -1:], use_cache=False)[0][0, -1]
        scale = _distance(single, alone[-1])
        _require_close(read, alone, scale)


def _say(model: torch.nn.Module, proof: _Proof) -> None:
    """One line about a model that cannot have the fastest engine."""
    engine = proof.engine
    if engine is None or issubclass(engine, SharedPrefixEngine):
        return
    name = type(model).__name__
    why = proof.reasons[SharedPrefixEngine.__name__]
    line = f"{name} is sampled without the fastest engine ({why}): {SLOWER[engine]}."
    if line not in _said:
        _said.add(line)
        warnings.warn(line, stacklevel=2)
