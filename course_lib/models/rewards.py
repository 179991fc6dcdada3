"""Everything that scores a pool: functions, a world's gold reward, ensembles."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from ..base import last_turn, require
from ..pools import MISSING, STOP, Pool
from ..worlds import World, harmlessness, helpfulness

# prompt (a string, or chat messages), text, info → number
RewardFunction = Callable[[Any, str, dict[str, Any]], float]


class Reward(Protocol):
    """What :func:`score` takes: anything that scores a whole pool, and has a name."""

    name: str

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32; NaN where a candidate is missing."""


@dataclass
class FunctionReward:
    """A reward from a function ``(prompt, text, info) -> number``.

    A verifier, a rule, a test suite. The prompt is a string, or a dialogue's list of messages.
    """

    function: RewardFunction
    name: str = "verifier"

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32; NaN where a candidate is missing."""
        rows = []
        present = pool.present.tolist()
        for i, (prompt, info) in enumerate(zip(pool.prompts, pool.info, strict=True)):
            row = []
            for text, here in zip(pool.texts[i], present[i], strict=True):
                row.append(self.function(prompt, text, info) if here else float("nan"))
            rows.append(row)
        return torch.tensor(rows, dtype=torch.float32).reshape(pool.P, pool.N)


@dataclass
class GoldReward:
    """A world's gold reward: the stand-in for what people want.

    ``part`` is "gold", "helpful" or "harmless" where the world splits it. ``name`` is what the
    reward is called in a pool, by default its part. When gold *selects*, give it another name, so
    that the selecting reward and the judge stay apart.
    """

    world: World
    part: str = "gold"
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or self.part

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32; NaN where a candidate is missing. Equal candidates are judged once."""
        self._check_info(pool)
        values = torch.full((pool.P, pool.N), float("nan"))
        for i, (prompt, info) in enumerate(zip(pool.prompts, pool.info, strict=True)):
            seen: dict[tuple[str, bool], float] = {}
            finishes = pool.finish[i].tolist()
            for j, (text, finish) in enumerate(zip(pool.texts[i], finishes, strict=True)):
                if finish == MISSING:
                    continue
                # a reply that was cut may be worth less than the same text that ended
                key = (text, finish == STOP)
                if key not in seen:
                    seen[key] = self._value(last_turn(prompt), text, info, finish == STOP)
                values[i, j] = seen[key]
        return values

    def _value(self, prompt: Any, text: str, info: dict[str, Any], ended: bool) -> float:
        if self.part == "gold":
            return self.world.gold(prompt, text, info, ended)
        half = {"helpful": helpfulness, "harmless": harmlessness}[self.part]
        return half(self.world.gold_parts(prompt, text, info, ended))

    def _check_info(self, pool: Pool) -> None:
        needed = self.world.needs
        if not needed:
            return
        lacking = [i for i, info in enumerate(pool.info) if needed not in info]
        require(
            not lacking,
            f"the gold reward of the world {self.world.name!r} needs {needed!r} in each "
            f"prompt's info; prompt {lacking[0] if lacking else 0} has none. Add it to the "
            "rollouts, or use another reward.",
        )


@dataclass
class Ensemble:
    """Several reward models as one.

    ``how`` says in which way: the mean, the minimum, or the mean minus ``k`` standard deviations.
    The members are combined by :func:`combine`, which takes each prompt's mean out of each member.
    So an ensemble's scores rank the candidates of one prompt, and do not compare prompts.
    """

    members: Sequence[Reward]
    how: str = "mean"
    k: float = 1.0
    name: str = "ensemble"

    def __post_init__(self) -> None:
        require(
            len(self.members) >= 2,
            f"an ensemble needs at least two reward models; got {len(self.members)}.",
        )
        require(
            self.how in ("mean", "min", "mean-std"),
            f"how must be 'mean', 'min' or 'mean-std'; got {self.how!r}.",
        )

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32 in standard deviations."""
        scores = torch.stack([member.score_pool(pool) for member in self.members])  # (M, P, N)
        return combine(scores, self.how, self.k)


def combine(scores: torch.Tensor, how: str = "mean", k: float = 1.0) -> torch.Tensor:
    """Combine rewards (M, P, N) of M models into (P, N).

    ``how``: "mean", "min" or "mean-std" (mean − k·std across models).

    Scores of different models have no common scale, and no common zero from prompt to prompt: a
    reward model is identified only up to a constant per prompt. So each prompt's mean over its
    candidates is taken out of each model first, and then each model is divided by its one standard
    deviation over the pool. Without the first step those constants would decide which model is the
    harshest ("min"), or how much models disagree ("mean-std"). NaN where a candidate is missing.
    """
    scores = torch.as_tensor(scores, dtype=torch.float32)
    require(scores.dim() == 3, f"scores must have shape (models, P, N); got {tuple(scores.shape)}.")
    centred = scores - scores.nanmean(2, keepdim=True)  # (M, P, N)
    variance = centred.flatten(1).square().nanmean(1)  # (M,)
    std = variance.sqrt().clamp(min=1e-8)
    z = centred / std[:, None, None]  # (M, P, N)
    if how == "min":
        return z.amin(0)
    if how == "mean-std":
        return z.mean(0) - k * z.std(0, correction=0)
    require(how == "mean", f"how must be 'mean', 'min' or 'mean-std'; got {how!r}.")
    return z.mean(0)


def takes_three(function: Any) -> bool:
    """Whether ``function`` can be called with three arguments, as far as Python can tell."""
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError:
        return False
    except ValueError:  # one of Python's own, which does not say
        return True
    return True


def score(pool: Pool, reward: Reward | RewardFunction, name: str | None = None) -> Pool:
    """``pool`` with one more reward.

    ``reward`` is a reward model, verifier, ensemble, gold reward, or a plain function ``(prompt,
    text, info) -> number``. The values go by ``name``, or the reward's own name. Raises
    :class:`~course_lib.base.CourseError` on NaN, and on a reward that cannot score.
    """
    scorer: Any = reward
    if callable(reward) and not hasattr(reward, "score_pool"):
        require(
            takes_three(reward),
            "a reward function is called as (prompt, text, info) and gives a number; "
            f"{getattr(reward, '__name__', 'this one')} does not take three arguments. "
            "info is what is known of the prompt, a dictionary that may be empty.",
        )
        scorer = FunctionReward(reward, getattr(reward, "__name__", "verifier"))
    require(
        hasattr(scorer, "score_pool"),
        "a reward must be a reward model, an ensemble, or a function of (prompt, text, info); "
        f"got {type(scorer).__name__}. A causal language model gives replies, not rewards.",
    )
    return pool.with_reward(name or scorer.name, scorer.score_pool(pool))
