"""What a run costs: tokens sampled, scored and trained on, models held, peak bytes, seconds, FLOPs.

Open an :class:`Account` around any code of this library and it is filled in::

    with Account() as account:
        pool = sample(policy, prompts)

Accounts may be nested; each sees all that happens inside it. FLOPs are an estimate, counted as 2
for each weight and token of a forward pass and 6 with the backward pass; products of queries with
keys are left out, which is little at these lengths.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_open: list["Account"] = []  # the accounts being kept, outermost first

_ADDED_UP = (
    "tokens_sampled",
    "tokens_scored",
    "tokens_read",
    "tokens_trained",
    "flops",
    "seconds",
)


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
    models: dict[str, int] = field(default_factory=dict)
    peak_bytes: int = 0
    seconds: float = 0.0

    def __enter__(self) -> "Account":
        self._started = time.perf_counter()
        if not _open:
            _reset_peak()
        _open.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _open.remove(self)
        self.seconds += time.perf_counter() - self._started
        self.peak_bytes = max(self.peak_bytes, _peak())

    def add(self, other: "Account | Mapping[str, Any]") -> None:
        """Add the counts of another account, or of its dictionary.

        Such as that of the part of a run before it was interrupted.
        """
        counts = other.to_dict() if isinstance(other, Account) else other
        for name in _ADDED_UP:
            setattr(self, name, getattr(self, name) + counts[name])
        self.models.update(counts["models"])
        self.peak_bytes = max(self.peak_bytes, counts["peak_bytes"])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON; for an open account, up to now."""
        seconds, peak_bytes = self.seconds, self.peak_bytes
        if self in _open:
            seconds += time.perf_counter() - self._started
            peak_bytes = max(peak_bytes, _peak())
        return {**asdict(self), "seconds": seconds, "peak_bytes": peak_bytes}

    def __str__(self) -> str:
        copies = ", ".join(f"{name} {count:,}" for name, count in self.models.items())
        return (
            f"{self.tokens_sampled:,} tokens sampled, {self.tokens_scored:,} scored, "
            f"{self.tokens_read:,} read, {self.tokens_trained:,} trained on; "
            f"{self.flops:.2e} FLOPs, {self.seconds:.1f} s, peak "
            f"{self.peak_bytes / 2**20:,.0f} MB; models (parameters): {copies or 'none noted'}"
        )


def flops_per_token(model: Any) -> int:
    """Floating-point operations of one token's forward pass of a ``transformers`` model.

    Twice the weights that take part in a matrix product (the output layer even when tied).
    """
    embedding = model.get_input_embeddings().weight
    head = model.get_output_embeddings()
    weights = 0
    for p in model.parameters():
        # the embedding is looked up, not multiplied with; the head is added below, tied or not
        outside = p is embedding or (head is not None and p is head.weight)
        if p.dim() == 2 and not outside:
            weights += p.numel()
    if head is not None:
        weights += head.weight.numel()
    return 2 * weights


def note(kind: str, model: Any, tokens: int, passed: int | None = None) -> None:
    """Enter ``tokens`` of ``kind`` ("sampled", "scored", "read", "trained") in every open account.

    ``passed``: how many tokens went through the model, where that is more than ``tokens``.
    """
    if not _open:
        return
    work = flops_per_token(model) * (tokens if passed is None else passed)
    if kind == "trained":
        work *= 3  # the backward pass costs two forward passes
    for account in _open:
        setattr(account, f"tokens_{kind}", getattr(account, f"tokens_{kind}") + int(tokens))
        account.flops += work


def spent(before: Mapping[str, Any] | None) -> None:
    """Enter what an earlier, interrupted part of this run cost in every open account.

    ``before``: an account's dictionary, or None when there was no such part.
    """
    if before:
        for account in _open:
            account.add(before)


def hold(**models: Any) -> None:
    """Enter the models a method keeps in memory at the same time, by name; None is passed over."""
    if not _open:
        return
    sizes = {}
    for name, model in models.items():
        if model is not None:
            sizes[name] = sum(p.numel() for p in model.parameters())
    for account in _open:
        account.models.update(sizes)


# ---- the peak of memory: torch is asked only where it is loaded already


def _reset_peak() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        # Linux: the process's peak starts anew
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pass


def _peak() -> int:
    """The most bytes used since the last reset."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated()
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return _peak_since_start()


def _peak_since_start() -> int:
    """The most bytes this process ever used; 0 where the system does not tell, as on Windows."""
    try:
        import resource  # Unix only
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
