"""Everything that scores a pool: functions, a world's gold reward, ensembles."""

from dataclasses import dataclass

import torch

from ..base import require
from ..pools import MISSING
from ..worlds import World


@dataclass
class FunctionReward:
    """A reward from a function ``(prompt, text, info) -> number``.

    A verifier, a rule, a test suite.
    """

    function: object
    name: str = "verifier"

    def score_pool(self, pool):
        """(P, N) float32; NaN where a candidate is missing."""
        rows = [
            [
                self.function(p, t, info) if here else float("nan")
                for t, here in zip(texts, present, strict=True)
            ]
            for p, texts, info, present in zip(
                pool.prompts, pool.texts, pool.info, pool.present.tolist(), strict=True
            )
        ]
        return torch.tensor(rows, dtype=torch.float32).reshape(pool.P, pool.N)


@dataclass
class GoldReward:
    """A world's gold reward: the stand-in for what people want. ``part`` is "gold", "helpful" or
    "harmless" where the world splits it.

    ``name`` is what the reward is called in a pool, by default its part. When gold *selects*, give
    it another name, so that the selecting reward and the judge stay apart.
    """

    world: World
    part: str = "gold"
    name: str = ""

    def __post_init__(self):
        self.name = self.name or self.part

    def score_pool(self, pool):
        """(P, N) float32; NaN where a candidate is missing."""
        from ..worlds import helpdesk

        needed = self.world.needs
        lacking = [i for i, info in enumerate(pool.info) if needed and needed not in info]
        require(
            not lacking,
            f"the gold reward of the world {self.world.name!r} needs {needed!r} in each "
            f"prompt's info; prompt {lacking[0] if lacking else 0} has none. Add it to the "
            "rollouts, or use another reward.",
        )
        values, seen = torch.full((pool.P, pool.N), float("nan")), {}
        for i, (prompt, info) in enumerate(zip(pool.prompts, pool.info, strict=True)):
            for j, (text, finish) in enumerate(
                zip(pool.texts[i], pool.finish[i].tolist(), strict=True)
            ):
                if finish == MISSING:
                    continue
                key = (i, text, finish == 0)
                if key not in seen:
                    if self.part == "gold":
                        seen[key] = self.world.gold(prompt, text, info, finish == 0)
                    else:
                        half = {"helpful": helpdesk.helpfulness, "harmless": helpdesk.harmlessness}[
                            self.part
                        ]
                        seen[key] = half(self.world.gold_parts(prompt, text, info, finish == 0))
                values[i, j] = seen[key]
        return values


@dataclass
class Ensemble:
    """Several reward models as one: the mean, the minimum, or the mean less ``k`` standard
    deviations.

    The members are combined by :func:`combine`, which takes each prompt's mean out of each member.
    So an ensemble's scores rank the candidates of one prompt, and do not compare prompts.
    """

    members: list
    how: str = "mean"
    k: float = 1.0
    name: str = "ensemble"

    def __post_init__(self):
        require(
            len(self.members) >= 2,
            f"an ensemble needs at least two reward models; got {len(self.members)}.",
        )
        require(
            self.how in ("mean", "min", "mean-std"),
            f"how must be 'mean', 'min' or 'mean-std'; got {self.how!r}.",
        )

    def score_pool(self, pool):
        """(P, N) float32 in standard deviations."""
        scores = torch.stack([m.score_pool(pool) for m in self.members])
        return combine(scores, self.how, self.k)


def combine(scores, how="mean", k=1.0):
    """Combine rewards (M, P, N) of M models into (P, N): "mean", "min" or "mean-std" (mean − k·std
    across models).

    Scores of different models have no common scale, and no common zero from prompt to prompt: a
    reward model is identified only up to a constant per prompt. So each prompt's mean over its
    candidates is taken out of each model first, and then each model is divided by its one standard
    deviation over the pool. Without the first step those constants would decide which model is the
    harshest ("min"), or how much models disagree ("mean-std"). NaN where a candidate is missing.
    """
    scores = torch.as_tensor(scores, dtype=torch.float32)
    require(scores.dim() == 3, f"scores must have shape (models, P, N); got {tuple(scores.shape)}.")
    centred = scores - scores.nanmean(2, keepdim=True)
    std = centred.flatten(1).square().nanmean(1).sqrt().clamp(min=1e-8)
    z = centred / std[:, None, None]
    if how == "min":
        return z.amin(0)
    if how == "mean-std":
        return z.mean(0) - k * z.std(0, correction=0)
    require(how == "mean", f"how must be 'mean', 'min' or 'mean-std'; got {how!r}.")
    return z.mean(0)


def score(pool, reward, name=None):
    """``pool`` with one more reward: ``reward`` is a reward model, verifier, ensemble, gold reward,
    or a plain function.

    The values go by ``name``, or the reward's own name. Raises on NaN, and on a reward that cannot
    score.
    """
    if callable(reward) and not hasattr(reward, "score_pool"):
        reward = FunctionReward(reward, getattr(reward, "__name__", "verifier"))
    require(
        hasattr(reward, "score_pool"),
        "a reward must be a reward model, an ensemble, or a function of (prompt, text, info); "
        f"got {type(reward).__name__}. "
        "A causal language model gives replies, not rewards.",
    )
    return pool.with_reward(name or reward.name, reward.score_pool(pool))
