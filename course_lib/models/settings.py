"""Settings of sampling: frozen, changed by name, whole in every key."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..base import no_key


@dataclass(frozen=True)
class Sampling:
    """How candidates are sampled.

    Attributes
    ----------
    n : candidates for every prompt.
    temperature : 0 is greedy, for n = 1 only.
    top_p, top_k : filters; 1 and 0 switch them off.
    max_tokens : tokens of a response at most, end token included.
    seed : with the numbers of prompt and candidate it decides every candidate.
    stop : token ids or one-token strings that end a response; None is the model's own end tokens.
    method : "sample", or "beam" or "diverse_beam", whose results are not independent samples.
    memory_mb : memory for the candidates in flight; it changes no candidate.
    """

    n: int = 16
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 96
    seed: int = 0
    stop: int | str | Sequence[int | str] | None = None
    method: str = "sample"
    memory_mb: float = no_key(384)
