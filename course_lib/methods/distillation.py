"""Best-of-n as a target: the reward under which KL-regularised RL learns best-of-n's distribution.

Best-of-n samples from π_n(y) ∝ π_ref(y)·F(r(y))^(n−1), where F(r) is the probability that a sample
of π_ref has a reward of at most r (without ties). Supervised fine-tuning on best replies minimises
the forward KL(π_n ‖ π_θ). Maximising E_θ[log F(r(y))] − KL(π_θ ‖ π_ref)/(n − 1) minimises the
*backward* KL(π_θ ‖ π_n), as BOND (2407.14622) and vBoN (2407.06057) do: the same target, approached
from the other side.

What this leaves out: BOND's mixture of both directions, its moving anchor, and quantiles that are
estimated anew while training.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..base import prompt_key, require
from ..models import score
from ..pools import Pool
from ..pools.scoring import finite_reward


def backward_beta(n: int) -> float:
    """The weight of the KL penalty, 1/(n − 1), that makes best-of-``n`` the optimum."""
    require(n >= 2, f"best-of-n is the policy itself at n = 1; n must be at least 2, got {n}.")
    return 1 / (n - 1)


@dataclass
class LogRank:
    """log F(r): how a reply's reward ranks among the base policy's replies to the same prompt.

    ``reward`` scores, ``pool`` holds replies of the base policy, scored by the same reward under
    the name ``by``. F is estimated as (1 + how many of the M are at most r)/(M + 1), so that no
    reply has −∞. Raises :class:`~course_lib.base.CourseError` for a prompt that ``pool`` lacks.
    """

    reward: Any
    pool: Pool
    by: str | None = None
    name: str = "log rank"
    _sorted: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        values = finite_reward(self.pool, self.by)  # (P, M)
        for prompt, row in zip(self.pool.prompts, values, strict=True):
            self._sorted[prompt_key(prompt)] = np.sort(row)

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32 in nats, at most 0."""
        rewards = score(pool, self.reward, "ranked").rewards["ranked"]
        rows = []
        for prompt, row in zip(pool.prompts, rewards.numpy(), strict=True):
            key = prompt_key(prompt)
            require(
                key in self._sorted,
                f"the base policy has no replies to the prompt {str(prompt)[:60]!r}, so nothing "
                "can be ranked among them. Sample the pool for all prompts.",
            )
            known = self._sorted[key]
            at_most = np.searchsorted(known, row, side="right")  # (N,)
            rows.append(np.log((1 + at_most) / (1 + len(known))))
        return torch.tensor(np.array(rows), dtype=torch.float32)
