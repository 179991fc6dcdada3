"""What is measured of served replies, row by row of the comparison."""

import time
from collections.abc import Callable, Mapping, Sequence
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
from ..models import Policy, score, sequence_logprobs
from ..pools import Pool

BEST = "_best_temperature"  # a row at the temperature that was chosen for it
ROWS = (
    "base",
    f"base{BEST}",
    "best_of_n",
    f"best_of_n{BEST}",
    "best_of_n_gold",
    "rft",
    f"rft{BEST}",
    "random_control",
    f"random_control{BEST}",
)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
Measures = dict[str, np.ndarray]  # name → (P,) float64, one number a prompt


@dataclass
class Served:
    """Replies of one policy to the held-out prompts, scored by proxy and gold.

    ``seconds_per_token`` is what sampling them took, ``temperature`` that of sampling.
    """

    pool: Pool
    seconds_per_token: float
    temperature: float


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
    return Served(pool, seconds / tokens, request.sampling.temperature)


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
class Row:
    """What a row of the comparison serves: one reply of ``best_of``, chosen ``by`` a reward."""

    served: Served
    best_of: int = 1
    by: str | None = None


@dataclass
class Arms:
    """Every row of the comparison, and what its measures need.

    ``temperature`` is the base policy's, from which KL is measured; a row serves ``groups`` replies
    to each prompt.
    """

    rows: dict[str, Row]
    base_policy: Policy
    groups: int
    temperature: float

    def kl(self, name: str, index: torch.Tensor) -> tuple[np.ndarray, str]:
        """(P,) KL to the base in nats, and what that number is: exact, an estimate, or a bound.

        The base is the one that samples at ``temperature``, whatever the row's own.
        """
        row = self.rows[name]
        pool = row.served.pool
        if name == "base":
            return np.zeros(pool.P), "exact"
        if row.best_of == 1:
            return self.from_base(pool, index), "estimate"
        if row.by == "gold" or _ties(pool):
            chosen = np.full(pool.P, kl_best_of_n_bound(row.best_of))
            kind = "bound"
        else:
            log_best = pool.sampling_logprobs.sum(-1).gather(1, index).double()
            chosen, kind = kl_best_of_n_estimate(log_best, row.best_of).mean(1), "estimate"
        if row.served.temperature == self.temperature:
            return np.asarray(chosen, float), kind
        # and from the colder base to the base, over the replies that were chosen
        return np.asarray(chosen, float) + self.from_base(pool, index), kind

    def from_base(self, pool: Pool, index: torch.Tensor) -> np.ndarray:
        """(P,) mean of log π(y|x) − log π_ref(y|x) in nats of the replies at ``index`` (P, G)."""
        assert pool.tokens is not None and pool.sampling_logprobs is not None
        examples = []
        prompts = self.base_policy.encode(pool.prompts)
        for prompt, rows, at in zip(prompts, pool.tokens.tolist(), index.tolist(), strict=True):
            for j in at:
                examples.append((prompt, [token for token in rows[j] if token >= 0]))
        reference = sequence_logprobs(self.base_policy, examples, self.temperature)
        written = pool.sampling_logprobs.sum(-1).gather(1, index)  # (P, G)
        return (written - reference.reshape(written.shape)).double().mean(1).numpy()

    def row(self, name: str) -> tuple[Measures, str]:
        """Per-prompt measures of a row, and what its KL is."""
        row = self.rows[name]
        pool = row.served.pool
        index = served(pool, row.best_of, row.by)[:, : self.groups]
        kl, kind = self.kl(name, index)
        found = measures(pool, index, kl)
        found["tokens"] = row.best_of * pool.lengths.double().mean(1).numpy()
        found["milliseconds"] = found["tokens"] * row.served.seconds_per_token * 1000
        return found, kind


def _ties(pool: Pool) -> bool:
    """Whether the proxy's rewards tie so often that KL can only be bounded."""
    return len(torch.unique(pool.rewards["proxy"])) < pool.P * 4


def best_temperature(gold: Mapping[float, np.ndarray]) -> float:
    """The temperature with the highest mean of ``gold``, (P,) for each; of equals the first."""
    return max(gold, key=lambda temperature: float(np.mean(gold[temperature])))


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

    Each method at its best temperature, where one was chosen. ``asked`` is the mean length of a
    prompt in tokens, ``flops`` what one token through a model costs. Gives "serving_flops" and
    "equal_quality_n", and "rival": the cost of the best-of-n that is as good as the fine-tuned
    policy.
    """
    chosen, tuned = at_best("best_of_n", arms.rows), at_best("rft", arms.rows)
    n = arms.rows[chosen].best_of
    written = {"best_of_n": per_prompt[chosen]["tokens"].mean() / n}
    written["rft"] = per_prompt[tuned]["tokens"].mean()
    judged = flops(proxy.model) if hasattr(proxy, "model") else 0.0
    own = flops(arms.base_policy.model)

    def cost(row: str, replies: float) -> float:
        return serving_flops(own, asked, float(written[row]), replies, judged)

    pool = arms.rows[chosen].served.pool
    sizes = [k for k in SIZES if k <= pool.N]
    curve = best_of_n_curve(pool.reward("proxy"), pool.reward("gold"), sizes).mean(0)
    target = float(per_prompt[tuned]["gold"].mean())
    as_good = equal_quality_n(sizes, curve.tolist(), target)
    return {
        "serving_flops": {"best_of_n": cost("best_of_n", n), "rft": cost("rft", 1)},
        "equal_quality_n": as_good,
        "rival": cost("best_of_n", as_good) if as_good < np.inf else np.inf,
    }


def at_best(name: str, rows: Mapping[str, Any]) -> str:
    """``name``, or the row of it at its best temperature where ``rows`` have one."""
    return name + BEST if name + BEST in rows else name


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
