"""`Provenance`: how a pool was made."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Provenance:
    """How a pool was made; None where it does not apply or is not known.

    Attributes
    ----------
    source, shape : a file of rollouts: its name, and its shape (see :func:`read_rollouts`).
    systems : the names of the candidates, where each comes from a system of its own.
    policy : where the policy came from: a folder, a hub name, or how it was trained.
    n : candidates per prompt.
    temperature, top_p, top_k, max_tokens, seed, method : the settings of sampling.
    vocabulary : a digest of the policy's vocabulary. Token ids mean the same under another policy
        only where this is equal.
    skipped : the bad lines of the file, ``{"line", "reason"}`` each.
    dropped : how many good lines were left out, or cut, by reason.
    """

    source: str | None = None
    shape: str | None = None
    systems: tuple[str, ...] | None = None
    policy: str | None = None
    n: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    seed: int | None = None
    method: str | None = None
    vocabulary: str | None = None
    skipped: tuple[dict[str, Any], ...] | None = None
    dropped: dict[str, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What is known as plain data, under ``"settings"`` in a pool's file."""
        known: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                known[field.name] = list(value) if isinstance(value, tuple) else value
        if self.skipped is not None and self.systems is None and "n" in known:
            # the order of keys is part of a file's bytes, and pools of rollouts have n last
            known["n"] = known.pop("n")
        return known

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> "Provenance":
        """The record of what :meth:`to_dict` gave. Keys that are no fields are passed over."""
        given: dict[str, Any] = {}
        for field in fields(cls):
            value = known.get(field.name)
            given[field.name] = tuple(value) if isinstance(value, list) else value
        return cls(**given)
