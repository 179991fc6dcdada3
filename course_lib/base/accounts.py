"""What a run costs: tokens sampled, scored and trained on, models in memory, peak bytes, seconds
and estimated FLOPs.

Open an :class:`Account` around any code of this library and it is filled in::

    with Account() as account:
        pool = sample(policy, prompts)

Accounts may be nested; each sees all that happens inside it. FLOPs are counted as 2 for each weight
and token of a forward pass and 6 with the backward pass; products of queries with keys are left
out, which is little at these lengths.
"""

import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

_open = []  # the accounts being kept, outermost first


@dataclass(eq=False)
class Account:
    """The account of a run.

    Attributes
    ----------
    tokens_sampled : response tokens generated, end tokens included.
    tokens_scored : tokens read by reward models (prompts and responses). A verifier or a programmed
        gold reward reads none.
    tokens_read : tokens of forward passes without gradients other than these: log-probabilities
        under a reference, values.
    tokens_trained : tokens of forward and backward passes, prompts included, counted again in every
        epoch.
    flops : estimated floating-point operations of all that.
    models : name → parameters of every model that is held in memory at once.
    peak_bytes : the most memory used since the outermost open account was opened: on a GPU
        allocated tensors, on a CPU the whole process.
    seconds : wall-clock time between opening and closing.
    """

    tokens_sampled: int = 0
    tokens_scored: int = 0
    tokens_read: int = 0
    tokens_trained: int = 0
    flops: float = 0.0
    models: dict = field(default_factory=dict)
    peak_bytes: int = 0
    seconds: float = 0.0

    def __enter__(self):
        self._started = time.perf_counter()
        if not _open:
            _reset_peak()
        _open.append(self)
        return self

    def __exit__(self, *error):
        _open.remove(self)
        self.seconds += time.perf_counter() - self._started
        self.peak_bytes = max(self.peak_bytes, _peak())

    def add(self, other):
        """Add the counts of another account, such as that of the part of a run before it was
        interrupted.
        """
        other = other if isinstance(other, dict) else other.to_dict()
        for name in (
            "tokens_sampled",
            "tokens_scored",
            "tokens_read",
            "tokens_trained",
            "flops",
            "seconds",
        ):
            setattr(self, name, getattr(self, name) + other[name])
        self.models.update(other["models"])
        self.peak_bytes = max(self.peak_bytes, other["peak_bytes"])

    def to_dict(self):
        """Plain numbers, for JSON; for an open account, up to now."""
        running = time.perf_counter() - self._started if self in _open else 0.0
        return {
            **asdict(self),
            "seconds": self.seconds + running,
            "peak_bytes": max(self.peak_bytes, _peak() if self in _open else 0),
        }

    def __str__(self):
        copies = (
            ", ".join(f"{name} {count:,}" for name, count in self.models.items()) or "none noted"
        )
        return (
            f"{self.tokens_sampled:,} tokens sampled, {self.tokens_scored:,} scored, "
            f"{self.tokens_read:,} read, {self.tokens_trained:,} trained on; "
            f"{self.flops:.2e} FLOPs, {self.seconds:.1f} s, peak "
            f"{self.peak_bytes / 2**20:,.0f} MB; models (parameters): {copies}"
        )


def flops_per_token(model):
    """Floating-point operations of one token's forward pass.

    Twice the weights that take part in a matrix product (the output layer even when tied).
    """
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings()
    inner = sum(
        p.numel()
        for p in model.parameters()
        if p.dim() == 2 and p is not embedding and (head is None or p is not head.weight)
    )
    return 2 * (inner + (head.weight.numel() if head is not None else 0))


def note(kind, model, tokens, passed=None):
    """Enter ``tokens`` of ``kind`` ("sampled", "scored", "read", "trained") in every open account.

    ``passed`` through the model if more than that.
    """
    if _open:
        work = (
            flops_per_token(model)
            * (tokens if passed is None else passed)
            * (3 if kind == "trained" else 1)
        )
        for account in _open:
            setattr(account, f"tokens_{kind}", getattr(account, f"tokens_{kind}") + int(tokens))
            account.flops += work


def spent(before):
    """Enter what an earlier, interrupted part of this run cost (an account's dictionary, or None)
    in every open account.
    """
    if before:
        for account in _open:
            account.add(before)


def hold(**models):
    """Enter the models a method keeps in memory at the same time."""
    for account in _open:
        account.models.update(
            {
                name: sum(p.numel() for p in model.parameters())
                for name, model in models.items()
                if model is not None
            }
        )


def _reset_peak():
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the process's peak starts anew
    except OSError:
        pass


def _peak():
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated()
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
            1 if sys.platform == "darwin" else 1024
        )
