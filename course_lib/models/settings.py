"""The settings of :func:`~course_lib.models.sample`."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..base import no_key, require

METHODS = ("sample", "beam", "diverse_beam")


@dataclass(frozen=True)
class Sampling:
    """How candidates are drawn.

    Attributes
    ----------
    n : candidates per prompt. A float with a whole value is accepted.
    temperature : divides the logits; 0 is greedy, for ``n=1`` only.
    top_p : the nucleus, in (0, 1]; 1 switches it off.
    top_k : the number of most likely tokens to draw from; 0 switches it off.
    max_tokens : the most tokens of a response, end token included.
    seed : the seed of all streams of uniforms.
    stop : token ids or one-token strings that end a response; None means the model's own end
        tokens.
    method : "sample", or "beam" (the likeliest replies a search finds, the likeliest first) or
        "diverse_beam": not independent samples, kept for comparison.
    memory_mb : memory for the candidates in flight, in MiB. It cannot change a candidate.
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

    @property
    def plain(self) -> bool:
        """True when tokens come from the model's own distribution: temperature 1, no filter."""
        return self.temperature == 1.0 and self.top_p >= 1.0 and not self.top_k

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for the first setting out of range."""
        n, temperature, top_p = self.n, self.temperature, self.top_p
        require(
            not isinstance(n, bool) and int(n) == n and n >= 1,
            "n is the number of candidates per prompt and must be a whole number of at least 1; "
            f"got {n}.",
        )
        require(temperature >= 0, f"temperature must be 0 (greedy) or above; got {temperature}.")
        require(
            0 < top_p <= 1,
            f"top_p must be above 0 and at most 1 (1 switches it off); got {top_p}.",
        )
        require(
            self.top_k >= 0,
            f"top_k must be 0 (off) or a positive number of tokens; got {self.top_k}.",
        )
        require(self.max_tokens >= 1, f"max_tokens must be at least 1; got {self.max_tokens}.")
        require(0 <= self.seed < 2**64, f"seed must be a whole number from 0; got {self.seed}.")
        require(
            self.method in METHODS,
            f"method must be one of {', '.join(METHODS)}; got {self.method!r}.",
        )
        require(
            temperature > 0 or n == 1 or self.method != "sample",
            f"temperature 0 is greedy: all {int(n)} candidates of a prompt would be the same "
            "reply. Use n=1, or a temperature above 0.",
        )
