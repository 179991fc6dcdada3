"""What is measured of served replies, row by row of the comparison."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..estimators import (
    best_of_n_curve,
    bootstrap_interval,
    break_even,
    distinct_n,
    equal_quality_n,
    kl_best_of_n_bound,
    kl_best_of_n_estimate,
    serving_flops,
)
from ..methods import Request, Stages, sampled
from ..models import Policy, policy_kl, score
from ..pools import Pool

ROWS = ("base", "best_of_n", "best_of_n_gold", "rft", "random_control")
SELECTED_BY = {"best_of_n": "proxy", "best_of_n_gold": "gold"}  # the others serve what they sample
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
Measures = dict[str, np.ndarray]  # name → (P,) float64, one number a prompt


@dataclass
class Served:
    """Replies of one policy to the held-out prompts, scored by proxy and gold.

    ``seconds_per_token`` is what sampling them took.
    """

    pool: Pool
    seconds_per_token: float


def serve(
    policy: Policy, request: Request, rewards: list, stages: Stages | None, name: str
) -> Served:
    """Sample and score the replies of a policy.

    The time is that of sampling, also where a finished stage is only read from disk.
    """
    started = time.perf_counter()
    pool = sampled(policy, request, stages, name)
    seconds = time.perf_counter() - started
    if stages is not None:
        seconds = stages.account(name)["seconds"]
    tokens = max(1, int(pool.lengths.sum()))
    for reward in rewards:
        pool = score(pool, reward)
    return Served(pool, seconds / tokens)


def served(pool: Pool, n: int, by: str | None = None) -> torch.Tensor:
    """(P, groups) candidate indices.

    The reply each group of ``n`` candidates serves, its best by reward ``by`` or, with None, one
    per group unselected.
    """
    groups = pool.N // n
    if by is None:
        return torch.arange(groups).expand(pool.P, groups)
    values = pool.reward(by)[:, : groups * n].reshape(pool.P, groups, n)
    return values.argmax(-1) + n * torch.arange(groups)


def measures(pool: Pool, index: torch.Tensor, kl: Any) -> Measures:
    """Per-prompt measures of the replies at ``index`` (P, G); ``kl`` is (P,) in nats."""
    texts = [[pool.texts[i][j] for j in row] for i, row in enumerate(index.tolist())]

    def mean(values: torch.Tensor) -> np.ndarray:  # (P, N) → (P,)
        return values.gather(1, index).double().mean(1).numpy()

    return {
        "gold": mean(pool.rewards["gold"]),
        "proxy": mean(pool.rewards["proxy"]),
        "kl": np.asarray(kl, float),
        "length": mean(pool.lengths),
        "distinct": np.array([distinct_n(row, 2) for row in texts]),
    }


@dataclass
class Arms:
    """The replies of the three policies that are compared, and how many of them a row serves."""

    base: Served
    rft: Served
    random_control: Served
    base_policy: Policy
    n: int
    groups: int
    temperature: float

    def of(self, row: str) -> Served:
        """Whose replies a row serves: best-of-n is the base policy's."""
        return {"rft": self.rft, "random_control": self.random_control}.get(row, self.base)

    @property
    def ties(self) -> bool:
        """Whether the proxy's rewards tie so often that KL can only be bounded."""
        pool = self.base.pool
        return len(torch.unique(pool.rewards["proxy"])) < pool.P * 4

    def kl(self, row: str, index: torch.Tensor) -> tuple[Any, str]:
        """(P,) KL to the base in nats, and what that number is: exact, an estimate, or a bound."""
        pool = self.of(row).pool
        bound = np.full(pool.P, kl_best_of_n_bound(self.n))
        if row == "base":
            return np.zeros(pool.P), "exact"
        if row == "best_of_n_gold" or (row == "best_of_n" and self.ties):
            return bound, "bound"
        if row == "best_of_n":
            log_best = pool.sampling_logprobs.sum(-1).gather(1, index).double()
            return kl_best_of_n_estimate(log_best, self.n).mean(1), "estimate"
        return policy_kl(pool, self.base_policy, self.temperature), "estimate"

    def row(self, name: str) -> tuple[Measures, str]:
        """Per-prompt measures of a row, and what its KL is."""
        of, best_of = self.of(name), self.n if name in SELECTED_BY else 1
        index = served(of.pool, best_of, SELECTED_BY.get(name))
        if name == "base":
            index = index[:, : self.groups]
        kl, kind = self.kl(name, index)
        found = measures(of.pool, index, kl)
        found["tokens"] = best_of * of.pool.lengths.double().mean(1).numpy()
        found["milliseconds"] = found["tokens"] * of.seconds_per_token * 1000
        return found, kind


def summary(values: np.ndarray) -> dict[str, float]:
    """{"mean", "low", "high"}: mean with its 95 % bootstrap interval over prompts."""
    if np.ptp(values) == 0:
        same = float(values[0])
        return {"mean": same, "low": same, "high": same}
    interval = bootstrap_interval(values)
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def serving(
    arms: Arms,
    per_prompt: dict[str, Measures],
    asked: float,
    flops: Callable[[Any], float],
    proxy: Any,
) -> dict[str, Any]:
    """What serving a query costs, and after how many queries fine-tuning has paid for itself.

    ``asked`` is the mean length of a prompt in tokens, ``flops`` what one token through a model
    costs. Gives "serving_flops" and "equal_quality_n", and "rival": the cost of the best-of-n that
    is as good as the fine-tuned policy.
    """
    n = arms.n
    written = {"best_of_n": per_prompt["best_of_n"]["tokens"].mean() / n}
    written["rft"] = per_prompt["rft"]["tokens"].mean()
    judged = flops(proxy.model) if hasattr(proxy, "model") else 0.0
    own = flops(arms.base_policy.model)

    def cost(row: str, replies: float) -> float:
        return serving_flops(own, asked, float(written[row]), replies, judged)

    pool = arms.base.pool
    sizes = [k for k in SIZES if k <= pool.N]
    curve = best_of_n_curve(pool.reward("proxy"), pool.reward("gold"), sizes).mean(0)
    target = float(per_prompt["rft"]["gold"].mean())
    as_good = equal_quality_n(sizes, curve.tolist(), target)
    return {
        "serving_flops": {"best_of_n": cost("best_of_n", n), "rft": cost("rft", 1)},
        "equal_quality_n": as_good,
        "rival": cost("best_of_n", as_good) if as_good < np.inf else np.inf,
    }


def repaid_after(once: float, serving: dict[str, Any], gain: float) -> dict[str, float | None]:
    """After how many queries the cost ``once`` of fine-tuning is repaid; None for never.

    ``gain``: the gold reward of the fine-tuned policy above the base's. Without one nothing is
    repaid, however cheap a reply is: the base policy would have served as well for nothing.
    """
    costs = serving["serving_flops"]
    after, equal = None, None
    if gain > 0:
        after = finite(break_even(once, costs["best_of_n"], costs["rft"]))
        if serving["equal_quality_n"] < np.inf:
            equal = finite(break_even(once, serving["rival"], costs["rft"]))
    return {
        "break_even_queries": after,
        "equal_quality_n": finite(serving["equal_quality_n"]),
        "break_even_at_equal_quality": equal,
    }


def signalless(pools: Sequence[Pool], by: str) -> float | None:
    """The share of prompts with several candidates whose rewards are all equal.

    Such a prompt says nothing about which reply is better: choosing among its replies is drawing.
    None where no prompt has two candidates.
    """
    equal = several = 0
    for pool in pools:
        present, values = pool.present, pool.rewards[by].double()
        highest = values.masked_fill(~present, -np.inf).amax(1)  # (P,)
        lowest = values.masked_fill(~present, np.inf).amin(1)
        choice = present.sum(1) > 1
        several += int(choice.sum())
        equal += int((choice & (highest == lowest)).sum())
    return equal / several if several else None


def finite(value: float) -> float | None:
    """``value``, or None when it is infinite: JSON has no infinity."""
    return float(value) if np.isfinite(value) else None
