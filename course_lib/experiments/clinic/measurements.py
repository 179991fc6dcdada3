"""What the author of a pipeline reports, and the careful measurement of what it ships."""

import numpy as np
import torch

from ...estimators import distinct_n
from ...models import GoldReward, policy_kl, sample, score
from ...pools import LENGTH
from ...worlds import Helpdesk
from .pipeline import fresh_prompts, test_prompts


def unfinished(pool):
    """(P, N) bool: the reply was cut at the limit, or it ends without a full stop."""
    ends = torch.tensor(
        [[text.rstrip().endswith((".", "!", "?")) for text in row] for row in pool.texts]
    )
    return (pool.finish == LENGTH) | ~ends


def replies(policy, setting, prompts, info, seed, n=None):
    """Held-out replies as users would get them.

    Temperature 1, the policy's own template, the usual limit, scored by gold.
    """
    return score(
        sample(policy, prompts, n=n or setting.served, info=info, seed=2**31 + seed),
        GoldReward(Helpdesk()),
    )


def careful(policy, base, setting, seed=0, n=None):
    """Measures by prompt of ``policy`` on fresh prompts: (name → (P,) numpy array, the pool they
    come from).

    gold: points; greedy: gold of the reply at temperature 0; kl: nats to ``base``; length: tokens;
    distinct: distinct-2 over a prompt's replies; cut: share of replies that were cut or end without
    a full stop.
    """
    prompts, info = fresh_prompts(setting)
    pool = replies(policy, setting, prompts, info, seed, n)
    first = score(sample(policy, prompts, n=1, temperature=0, info=info), GoldReward(Helpdesk()))
    rows = {
        "gold": pool.rewards["gold"].double().mean(1),
        "greedy": first.rewards["gold"][:, 0],
        "kl": policy_kl(pool, base, 1.0),
        "length": pool.lengths.double().mean(1),
        "distinct": [distinct_n(row, 2) for row in pool.texts],
        "cut": unfinished(pool).double().mean(1),
    }
    return {name: np.asarray(values, float) for name, values in rows.items()}, pool


def reported(pipeline, policy, setting, reward, seed=0, n=None, pool=None):
    """(P,) what the author's own score says of ``policy`` on the author's test prompts (of
    ``pool``, when it is already sampled).
    """
    pool = pool or replies(policy, setting, *test_prompts(setting), seed, n)
    values = (
        pipeline.score(pool, reward).rewards["proxy"]
        if pipeline.reports == "proxy"
        else pool.rewards["gold"]
    )
    return values.double().mean(1).numpy()
