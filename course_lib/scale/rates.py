"""Measured rates: what a stage took on one machine, and so what more of it will take there.

A stage takes so long a part (replies that are written side by side, a batch that is scored, a
training step) and so long a token. Measurements of different size give both, by least squares; one
alone gives seconds a token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..base import number, require

# stage → what an account calls its tokens
COUNTED = {"sample": "tokens_sampled", "score": "tokens_scored", "train": "tokens_trained"}


@dataclass(frozen=True)
class Measured:
    """One measurement of a stage: so many tokens in so many parts, and the seconds it took."""

    tokens: float
    parts: float
    seconds: float

    def __post_init__(self) -> None:
        for name in ("tokens", "parts", "seconds"):
            value = number(getattr(self, name), f"{name} of a measurement", 0)
            require(value > 0, f"{name} of a measurement must be above 0.")


@dataclass(frozen=True)
class Rate:
    """Seconds a part and seconds a token of a stage, from so many measurements."""

    part: float
    token: float
    points: int = 1

    @classmethod
    def of(cls, measured: Sequence[Measured]) -> "Rate":
        """The rate with the least relative errors, neither of its numbers below 0."""
        require(len(measured) > 0, "a rate needs a measurement.")
        # columns: parts and tokens a second that was measured; what they cost adds up to 1
        a = np.array([[m.parts / m.seconds, m.tokens / m.seconds] for m in measured])
        alone = cls(0.0, float(a[:, 1].sum() / (a[:, 1] ** 2).sum()), len(measured))
        if np.linalg.matrix_rank(a / a.max(0), tol=1e-3) < 2:
            return alone
        part, token = np.linalg.lstsq(a / a.max(0), np.ones(len(a)), rcond=None)[0] / a.max(0)
        if part < 0 or token < 0:
            return alone
        return cls(float(part), float(token), len(measured))

    def seconds(self, tokens: float, parts: float) -> float:
        """Of so many tokens in so many parts."""
        return self.part * parts + self.token * tokens


@dataclass(frozen=True)
class Rates:
    """Rates of stages, measured on one GPU or machine.

    Attributes
    ----------
    stages : "sample", "score" or "train" → its rate.
    source : where they are from.
    found : what a plan can take from there: "tokens" of a reply, "prompt_tokens", "distinct", see
        :class:`~course_lib.scale.plans.Work`.
    """

    stages: Mapping[str, Rate]
    source: str = "measured"
    found: Mapping[str, float] = field(default_factory=dict)

    def described(self) -> list[tuple[str, str, str]]:
        """(what, value, where it is from) of each rate."""
        rows = []
        for name, rate in self.stages.items():
            value = f"{1 / rate.token:,.0f} tokens/s" if rate.token else "nothing a token"
            if rate.part:
                value += f" and {rate.part:.2g} s a part"
            rows.append((f"rate, {name}", value, f"{self.source}: {rate.points} measured"))
        return rows
