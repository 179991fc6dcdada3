"""Supervised fine-tuning on selected candidates, and rounds of rejection-sampling fine-tuning.

The loss is the mean negative log-probability of response tokens, the end token included and the prompt left out. Rows of
different lengths are packed end to end, so no step computes padding.
"""

import torch

from .policy import response_logits
from .training import train


def sft_loss(policy, examples, weights=None):
    """Mean negative log-probability per response token, in nats, of a batch of (prompt ids, response ids).

    ``weights`` (K examples) scales each example's tokens. Also returns the number of response tokens.
    """
    logits, targets, row = response_logits(policy, examples)
    loss = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    if weights is not None:
        loss = loss * torch.as_tensor(weights, dtype=torch.float32, device=loss.device)[row]
    return loss.sum(), len(targets)


def finetune_examples(policy, examples, weights=None, **settings):
    """Train ``policy`` in place on (prompt ids, response ids) pairs. ``settings`` are those of :func:`train`. Returns its log."""
    weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float32)

    def loss_of(indices):
        return sft_loss(policy, [examples[i] for i in indices], None if weights is None else weights[indices])

    return train(policy.model, loss_of, len(examples), **settings)
