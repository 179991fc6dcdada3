"""Self-certainty: how sure a policy is of its own replies, without any reward."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..pools import Pool
from .loading import evaluating
from .logprobs import Example, batches_by_tokens, response_logits
from .policy import Policy, examples_of


@dataclass
class SelfCertainty:
    """The mean over a reply's tokens of KL(uniform ‖ π(·|what stands before)), in nats.

    High where the policy puts nearly all probability on few tokens. It sees no verdict and no
    preference: best-of-n by it needs nothing but the policy. Source: 2502.18581.
    """

    policy: Policy
    name: str = "self-certainty"
    budget: int = 8192

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32 in nats; NaN where a candidate is missing."""
        examples = self._examples(pool)
        values = torch.full((len(examples),), float("nan"))
        lengths = [len(prompt) + len(reply) for prompt, reply in examples]
        with evaluating(self.policy.model), torch.inference_mode():
            for group in batches_by_tokens(lengths, self.budget):
                logits, _, row = response_logits(self.policy, [examples[i] for i in group])
                logp = torch.log_softmax(logits.float(), -1)  # (K, V)
                # KL(U ‖ p) = −log V − mean over the vocabulary of log p
                sure = -logp.mean(-1) - torch.log(torch.tensor(float(logp.shape[-1])))  # (K,)
                total = torch.zeros(len(group)).index_add(0, row.cpu(), sure.cpu())
                count = torch.bincount(row.cpu(), minlength=len(group))
                values[group] = total / count.clamp(min=1)
        values = values.reshape(pool.P, pool.N)
        return torch.where(pool.present, values, float("nan"))

    def _examples(self, pool: Pool) -> Sequence[Example]:
        """Prompts and replies as token ids: the pool's own where it kept them."""
        if pool.tokens is None:
            prompts = [prompt for prompt in pool.prompts for _ in range(pool.N)]
            return examples_of(self.policy, prompts, [text for row in pool.texts for text in row])
        asked = [ids for ids in self.policy.encode(pool.prompts) for _ in range(pool.N)]
        rows = pool.tokens.flatten(0, 1).tolist()
        replies = [[token for token in row if token >= 0] for row in rows]
        return list(zip(asked, replies, strict=True))
