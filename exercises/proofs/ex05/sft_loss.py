"""What proves ex05's check of sft_loss: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex05", "sft_loss")


@proof.probe(tolerance=1e-5)
def sft_loss_inputs(rng):
    for k in range(20):
        B = 1 if k % 5 == 0 else int(rng.integers(2, 5))
        T = int(rng.integers(2, 8))
        V = int(rng.integers(2, 12))
        mask = rng.random((B, T - 1)) < 0.6
        mask[rng.integers(B), rng.integers(T - 1)] = True  # at least one is marked
        spread = 30.0 if k % 7 == 3 else 1.5
        logits = torch.tensor(rng.normal(0, spread, (B, T, V)))
        if k % 2:
            logits = logits.float()
        ids = torch.tensor(rng.integers(0, V, (B, T)))
        yield logits, ids, torch.tensor(mask)


def of_tokens(values, tokens):
    """(B, T - 1): of ``values``, (B, T - 1, V), those of ``tokens``, (B, T - 1)."""
    return values.gather(2, tokens[..., None]).squeeze(-1)


def next_logp(logits, ids):
    """(B, T - 1): the log-probability of each token that came next."""
    return of_tokens(logits[:, :-1].log_softmax(-1), ids[:, 1:])


@proof.wrong(says="the sign")
def sign(logits, ids, mask):
    return next_logp(logits, ids)[mask].mean()


@proof.wrong(says="at its own place")
def own_place(logits, ids, mask):
    return -of_tokens(logits[:, 1:].log_softmax(-1), ids[:, 1:])[mask].mean()


@proof.wrong(says="the token at place 0")
def own_token(logits, ids, mask):
    return -of_tokens(logits[:, :-1].log_softmax(-1), ids[:, :-1])[mask].mean()


@proof.wrong(says="minus the probability")
def no_logarithm(logits, ids, mask):
    return -next_logp(logits, ids).exp()[mask].mean()


@proof.wrong(says="scores themselves")
def raw_scores(logits, ids, mask):
    return -of_tokens(logits[:, :-1], ids[:, 1:])[mask].mean()


@proof.wrong(says="over places")
def over_places(logits, ids, mask):
    return -of_tokens(logits.log_softmax(1)[:, :-1], ids[:, 1:])[mask].mean()


@proof.wrong(says="the mask is not used")
def no_mask(logits, ids, mask):
    return -next_logp(logits, ids).mean()


@proof.wrong(says="not their mean")
def the_sum(logits, ids, mask):
    return -next_logp(logits, ids)[mask].sum()


@proof.wrong(says="divided by all places")
def over_all_places(logits, ids, mask):
    return -(next_logp(logits, ids) * mask).mean()


@proof.wrong(says="number of rows")
def over_rows(logits, ids, mask):
    return -(next_logp(logits, ids) * mask).sum() / len(ids)


@proof.wrong(says="short reply count more")
def mean_of_means(logits, ids, mask):
    per_row = -(next_logp(logits, ids) * mask).sum(1) / mask.sum(1).clamp(min=1)
    return per_row[mask.any(1)].mean()


@proof.wrong(says="turned around")
def mask_turned(logits, ids, mask):
    logp = next_logp(logits, ids)
    chosen = mask if mask.all() else ~mask
    return -logp[chosen].mean()


@proof.wrong(says="no tokens")
def mask_turned_alone(logits, ids, mask):
    return -next_logp(logits, ids)[~mask].mean()


@proof.wrong(says="softmax is taken twice")
def softmax_twice(logits, ids, mask):
    probabilities = logits[:, :-1].softmax(-1)
    return torch.nn.functional.cross_entropy(probabilities[mask], ids[:, 1:][mask])


@proof.wrong(says="shift is turned around")
def shift_turned(logits, ids, mask):
    return -of_tokens(logits[:, 1:].log_softmax(-1), ids[:, :-1])[mask].mean()


@proof.wrong(says="all V tokens")
def over_vocabulary(logits, ids, mask):
    return -logits[:, :-1].log_softmax(-1).mean(-1)[mask].mean()


@proof.wrong(says="logarithm of a mean")
def log_of_mean(logits, ids, mask):
    return -next_logp(logits, ids)[mask].exp().mean().log()


@proof.wrong(says="not count in any way")
def unmarked_as_token_0(logits, ids, mask):
    scores = logits[:, :-1].flatten(0, 1)
    targets = (ids[:, 1:] * mask).flatten()
    return torch.nn.functional.cross_entropy(scores, targets)


@proof.wrong(says="no gradient")
def as_a_number(logits, ids, mask):
    return float(-next_logp(logits, ids)[mask].mean())


@proof.wrong(says="none reaches the logits")
def new_start(logits, ids, mask):
    loss = float(-next_logp(logits, ids)[mask].mean())
    return torch.tensor(loss, requires_grad=True)


@proof.wrong(says="leaves torch")
def by_numpy_array(logits, ids, mask):
    x = logits[:, :-1].numpy()
    p = np.exp(x - x.max(-1, keepdims=True))
    p = p / p.sum(-1, keepdims=True)
    of_next = np.take_along_axis(p, ids[:, 1:, None].numpy(), 2)[..., 0]
    return -np.log(of_next[mask.numpy()]).mean()


@proof.wrong(says="in one step")
def log_of_softmax(logits, ids, mask):
    logp = logits[:, :-1].softmax(-1).log()
    return -of_tokens(logp, ids[:, 1:])[mask].mean()


@proof.wrong(says="a small number added")
def small_number_added(logits, ids, mask):
    logp = (logits[:, :-1].softmax(-1) + 1e-8).log()
    return -of_tokens(logp, ids[:, 1:])[mask].mean()


@proof.wrong(says="that of minus log softmax")
def detached_part(logits, ids, mask):
    scores = logits[:, :-1]
    logp = scores - scores.logsumexp(-1, keepdim=True).detach()
    return -of_tokens(logp, ids[:, 1:])[mask].mean()


@proof.wrong(says="changes its input")
def in_place(logits, ids, mask):
    with torch.no_grad():
        logits -= logits.max()
    return -next_logp(logits, ids)[mask].mean()


@proof.wrong(says="likeliest token")
def the_likeliest(logits, ids, mask):
    return -logits[:, :-1].log_softmax(-1).max(-1).values[mask].mean()


@proof.wrong(says="at every marked place")
def every_token_everywhere(logits, ids, mask):
    logp = logits[:, :-1].log_softmax(-1)[mask]  # (marked, V)
    return -logp[:, ids[:, 1:][mask]].mean()


@proof.wrong(says="perplexity")
def perplexity(logits, ids, mask):
    return (-next_logp(logits, ids)[mask].mean()).exp()


@proof.wrong(says="larger and less tidy")
def first_eight_tokens(logits, ids, mask):
    last = min(7, logits.shape[-1] - 1)
    return -next_logp(logits[..., :8], ids.clamp(max=last))[mask].mean()


@proof.right
def by_cross_entropy(logits, ids, mask):
    scores = logits[:, :-1].reshape(-1, logits.shape[-1]).float()
    targets = torch.where(mask, ids[:, 1:], -100)
    return torch.nn.functional.cross_entropy(scores, targets.flatten())


@proof.right
def loss_by_loop(logits, ids, mask):
    total, count = 0.0, 0
    for b in range(ids.shape[0]):
        for place in range(ids.shape[1] - 1):
            if mask[b, place]:
                scores = logits[b, place]
                total = total + torch.logsumexp(scores, 0) - scores[ids[b, place + 1]]
                count += 1
    return total / count


@proof.right
def by_products(logits, ids, mask):
    chosen = torch.nn.functional.one_hot(ids[:, 1:], logits.shape[-1]).double()
    logp = (logits[:, :-1].double().log_softmax(-1) * chosen).sum(-1)
    return -(logp * mask).sum() / mask.sum()
