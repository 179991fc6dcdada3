"""What the author of a pipeline reports, and the careful measurement of what it ships."""

from collections.abc import Sequence

import numpy as np
import torch

from ...estimators import distinct_n
from ...models import GoldReward, Policy, RewardModel, policy_kl, sample, score
from ...pools import LENGTH, Pool
from ...worlds import Helpdesk
from .pipeline import Pipeline, Setting, fresh_prompts, test_prompts


def unfinished(pool: Pool) -> torch.Tensor:
    """(P, N) bool: the reply was cut at the limit, or it ends without a full stop."""
    ends = [[text.rstrip().endswith((".", "!", "?")) for text in row] for row in pool.texts]
    return (pool.finish == LENGTH) | ~torch.tensor(ends)


def replies(
    policy: Policy,
    setting: Setting,
    prompts: Sequence[str],
    info: Sequence[dict],
    seed: int,
    n: int | None = None,
) -> Pool:
    """Held-out replies as users would get them, scored by gold.

    Temperature 1, the policy's own template, the usual limit; ``n`` a prompt, ``setting.served``
    unless it is given.
    """
    # far from the seeds of training, whose pools use the first numbers
    pool = sample(policy, prompts, n=n or setting.served, info=info, seed=2**31 + seed)
    return score(pool, GoldReward(Helpdesk()))


def careful(
    policy: Policy, base: Policy, setting: Setting, seed: int = 0, n: int | None = None
) -> tuple[dict[str, np.ndarray], Pool]:
    """Measures by prompt of ``policy`` on fresh prompts, and the pool they come from.

    (name → (P,) array, pool). gold: points; greedy: gold of the reply at temperature 0; kl: nats to
    ``base``; length: tokens; distinct: distinct-2 over a prompt's replies; cut: share of replies
    that were cut or end without a full stop.
    """
    prompts, info = fresh_prompts(setting)
    pool = replies(policy, setting, prompts, info, seed, n)
    greedy = sample(policy, prompts, n=1, temperature=0, info=info)
    greedy = score(greedy, GoldReward(Helpdesk()))
    measures = {
        "gold": pool.rewards["gold"].double().mean(1),
        "greedy": greedy.rewards["gold"][:, 0],
        "kl": policy_kl(pool, base, 1.0),
        "length": pool.lengths.double().mean(1),
        "distinct": [distinct_n(texts, 2) for texts in pool.texts],
        "cut": unfinished(pool).double().mean(1),
    }
    return {name: np.asarray(values, float) for name, values in measures.items()}, pool


def reported(
    pipeline: Pipeline,
    policy: Policy,
    setting: Setting,
    reward: RewardModel,
    seed: int = 0,
    n: int | None = None,
    pool: Pool | None = None,
) -> np.ndarray:
    """(P,) what the author's own score says of ``policy`` on the author's test prompts.

    Of ``pool``, when it is already sampled.
    """
    if pool is None:
        prompts, info = test_prompts(setting)
        pool = replies(policy, setting, prompts, info, seed, n)
    if pipeline.reports == "proxy":
        values = pipeline.score(pool, reward).rewards["proxy"]
    else:
        values = pool.rewards["gold"]
    return values.double().mean(1).numpy()
