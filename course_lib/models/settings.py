"""The settings of :func:`~course_lib.models.sample`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..base import no_key, number, require, whole

METHODS = ("sample", "beam", "diverse_beam")
COLDEST = 1e-3  # the lowest temperature above 0: logits of thousands still divide


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
    stop : token ids, or texts of any length, that end a response. Ids stand in place of the model's
        own end tokens, texts beside them. A response goes up to the first stop text, wherever
        tokens begin and end. None: the model's own end tokens.
    method : "sample", or "beam" (the likeliest replies a search finds, the likeliest first) or
        "diverse_beam": not independent samples, kept for comparison.
    memory_mb : memory for the candidates in flight, in MiB. None: 384, or on a GPU most of what is
        free. In float32 it changes no candidate; in half precision rounding may, see
        :func:`~course_lib.models.sample`.
    """

    n: int = 16
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 96
    seed: int = 0
    stop: int | str | Sequence[int | str] | None = None
    method: str = "sample"
    memory_mb: float | None = no_key(None)

    @property
    def plain(self) -> bool:
        """True when tokens come from the model's own distribution: temperature 1, no filter."""
        return self.temperature == 1.0 and self.top_p >= 1.0 and not self.top_k

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for the first setting out of range."""
        n = whole(self.n, "n, the number of candidates per prompt,", 1)
        whole(self.top_k, "top_k (0 switches it off)", 0)
        whole(self.max_tokens, "max_tokens", 1)
        whole(self.seed, "seed", 0, 2**64 - 1)
        if self.memory_mb is not None:
            number(self.memory_mb, "memory_mb (None is what fits)", 0)
        temperature = number(self.temperature, "temperature (0 is greedy)", 0)
        require(
            temperature == 0 or temperature >= COLDEST,
            f"temperature must be 0 (greedy) or at least {COLDEST}: below, dividing by it gives no "
            f"numbers any more; got {self.temperature}.",
        )
        top_p = number(self.top_p, "top_p (1 switches it off)", 0, 1)
        require(top_p > 0, f"top_p must be above 0 and at most 1 (1 switches it off); got {top_p}.")
        require(
            self.method in METHODS,
            f"method must be one of {', '.join(METHODS)}; got {self.method!r}.",
        )
        require(
            temperature > 0 or n == 1 or self.method != "sample",
            f"temperature 0 is greedy: all {n} candidates of a prompt would be the same "
            "reply. Use n=1, or a temperature above 0.",
        )

    def normal(self) -> "Sampling":
        """The same settings, checked, with whole numbers as int: 4.0 counts as 4."""
        self.check()
        return replace(
            self,
            n=int(self.n),
            top_k=int(self.top_k),
            max_tokens=int(self.max_tokens),
            seed=int(self.seed),
        )
