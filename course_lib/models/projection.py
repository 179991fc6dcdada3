"""The vocabulary projection in pieces, so that no batch holds the logits of all its tokens.

16,384 response tokens over a vocabulary of 151,936 are 2.5·10⁹ logits: 10 GB in float32, and as
much again for their gradient. In pieces of a bounded number of logits, only the losses stay. What a
piece had is then computed again in the backward pass (:func:`losses_in_pieces`), or its gradient is
taken at once (:func:`weighted_loss`), which a sum with weights known beforehand allows.

Letters in shapes: K response tokens, vocabulary V; hidden states of D numbers.
"""

from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from .adapters import without_adapter
from .loading import evaluating, vocabulary_size

# logits at once: 2**26 are 268 MB in float32. Small pieces cost time where a gradient is added up
ON_CPU, ON_SMALL_CARD, ON_LARGE_CARD = 2**28, 2**26, 2**28
LARGE = 30 * 2**30  # bytes
NEAR = {torch.float32: 1e-4, torch.float64: 1e-6}  # of the largest logit
NEAR_IN_HALF = 0.02

_proofs: WeakKeyDictionary[torch.nn.Module, bool] = WeakKeyDictionary()


def logits_at_once(device: torch.device) -> int:
    """How many logits a piece may have on ``device``."""
    if device.type != "cuda":
        return ON_CPU
    large = torch.cuda.get_device_properties(device).total_memory >= LARGE
    return ON_LARGE_CARD if large else ON_SMALL_CARD


def tokens_a_piece(model: torch.nn.Module, count: int) -> int | None:
    """Tokens whose logits are held at once; None where all ``count`` are, or must be.

    They must be where the head does more than :func:`project` knows.
    """
    size = vocabulary_size(model)
    most = logits_at_once(next(model.parameters()).device)
    if count * size <= most or not projects(model):
        return None
    return max(1, most // size)


def backbone_of(model: torch.nn.Module) -> Any:
    """The part of a causal LM that gives hidden states, with what an adapter adds to it."""
    return without_adapter(model).base_model


def project(model: torch.nn.Module, hidden: torch.Tensor) -> torch.Tensor:
    """Logits (K, V) of hidden states (K, D): the head, a scale, and a soft cap where there is one.

    Whether that is all that a model does is found out by :func:`projects`.
    """
    causal: Any = without_adapter(model)
    config = causal.config.get_text_config(decoder=True)
    logits = causal.get_output_embeddings()(hidden)
    divisor = getattr(config, "logits_scaling", None)
    factor = getattr(config, "logit_scale", None)
    cap = getattr(config, "final_logit_softcapping", None)
    if divisor is not None:
        logits = logits / divisor
    if factor is not None:
        logits = logits * factor
    if cap is not None:
        logits = torch.tanh(logits / cap) * cap
    return logits


def projects(model: torch.nn.Module) -> bool:
    """Whether :func:`project` gives the logits that ``model`` gives, tried on a few tokens."""
    if model not in _proofs:
        try:
            _proofs[model] = _agrees(model)
        except torch.OutOfMemoryError:
            raise
        except Exception:  # any model's own code runs here
            _proofs[model] = False
    return _proofs[model]


def _agrees(model: torch.nn.Module) -> bool:
    weight = next(model.parameters())
    size = vocabulary_size(model)
    ids = torch.randint(size, (1, 8), generator=torch.Generator().manual_seed(0)).to(weight.device)
    with evaluating(model), torch.autocast(weight.device.type, enabled=False):
        own = model(input_ids=ids, use_cache=False).logits[0].float()
        hidden = backbone_of(model)(input_ids=ids, use_cache=False)[0][0]
        ours = project(model, hidden).float()
    near = NEAR.get(weight.dtype, NEAR_IN_HALF)
    return own.shape == ours.shape and bool(((own - ours).abs() <= near * own.abs().max()).all())


def losses(logits: torch.Tensor, targets: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """−log π(token) (K,) in nats of ``targets`` (K,) under logits (K, V) at ``temperature``."""
    logits = logits.float()
    if temperature != 1:
        logits = logits / temperature
    return F.cross_entropy(logits, targets, reduction="none")


def losses_in_pieces(
    model: torch.nn.Module,
    hidden: torch.Tensor,
    targets: torch.Tensor,
    tokens: int,
    temperature: float = 1.0,
) -> torch.Tensor:
    """:func:`losses` (K,) from hidden states (K, D), ``tokens`` at a time.

    With gradients on, the logits of a piece are computed again in the backward pass.
    """

    def of_piece(states: torch.Tensor, those: torch.Tensor) -> torch.Tensor:
        return losses(project(model, states), those, temperature)

    parts = []
    for states, those in zip(hidden.split(tokens), targets.split(tokens), strict=True):
        if torch.is_grad_enabled():
            part = checkpoint(
                of_piece, states, those, use_reentrant=False, preserve_rng_state=False
            )
        else:
            part = of_piece(states, those)
        parts.append(part)
    return torch.cat(parts)


def weighted_loss(
    model: torch.nn.Module,
    hidden: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor,
    tokens: int,
) -> torch.Tensor:
    """The sum of ``weights`` (K,) times :func:`losses`, from hidden states (K, D): one number.

    Each piece of ``tokens`` has its gradient taken at once, so its logits are computed only once.
    Under autocast to float16 they are computed twice: the scale that keeps small gradients from
    vanishing comes with the backward pass.
    """
    kind = hidden.device.type
    float16 = hidden.dtype == torch.float16 or (
        torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
    )
    if float16 or not torch.is_grad_enabled():
        return (losses_in_pieces(model, hidden, targets, tokens) * weights).sum()
    head: Any = without_adapter(model)
    trained = [p for p in head.get_output_embeddings().parameters() if p.requires_grad]
    total: torch.Tensor = _AtOnce.apply(model, tokens, hidden, targets, weights, *trained)
    return total


class _AtOnce(torch.autograd.Function):
    """A weighted sum of losses whose gradient is computed in the forward pass, piece by piece."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        model: torch.nn.Module,
        tokens: int,
        hidden: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
        *trained: torch.Tensor,
    ) -> torch.Tensor:
        total = torch.zeros((), device=hidden.device)
        # float32, as many small pieces are added up
        sums = [torch.zeros_like(p, dtype=torch.float32) for p in trained]
        towards = torch.empty_like(hidden)
        for at in range(0, len(hidden), tokens):
            piece = slice(at, at + tokens)
            with torch.enable_grad():
                states = hidden[piece].detach().requires_grad_()
                part = losses(project(model, states), targets[piece])
                loss = (part * weights[piece]).sum()
                to_states, *gradients = torch.autograd.grad(loss, [states, *trained])
            total += loss.detach()
            towards[piece] = to_states
            torch._foreach_add_(sums, gradients) if sums else None
        # not saved for a second backward pass: the first one changes them
        ctx.gradients = [towards, *(s.to(p.dtype) for s, p in zip(sums, trained, strict=True))]
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        gradients, ctx.gradients = ctx.gradients, None
        towards, *sums = (g.mul_(grad.to(g.dtype)) for g in gradients)
        return (None, None, towards, None, None, *sums)
