"""Proof of the check of ex04.cautious: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "cautious")
cautious = proof.solved("cautious")


@proof.probe(tolerance=1e-4)
def cautious_inputs(rng):
    for k in range(20):
        M, P, N = (int(rng.integers(1, top)) for top in (6, 6, 8))
        candidates = rng.integers(-6, 7, (M, P, N)) / 2.0 * rng.integers(1, 5, (M, 1, 1))
        prompts = rng.integers(-4, 5, (M, P, 1))
        scores = candidates + prompts
        if k % 5 == 1:
            scores[0] = 1.5  # a model that tells nothing apart
        yield torch.tensor(scores), float(rng.choice([0.0, 0.5, 1.0, 2.0]))


def centred(scores):
    """Each prompt's own mean taken out."""
    return scores.double() - scores.double().mean(2, keepdim=True)


def pool_std(x, correction=0):
    """One standard deviation for each model, (M, 1, 1)."""
    return x.std((1, 2), keepdim=True, correction=correction)


def scaled(x):
    """Divided by each model's standard deviation, kept away from 0."""
    return x / pool_std(x).clamp(min=1e-8)


def mean_less(z, k):
    """The mean across models minus k standard deviations."""
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="nothing is taken out")
def raw(scores, k):
    return mean_less(scores.double(), k)


@proof.wrong(says="whole pool is taken out")
def pool_mean(scores, k):
    x = scores.double() - scores.double().mean((1, 2), keepdim=True)
    return mean_less(scaled(x), k)


@proof.wrong(says="of its own")
def std_of_each_prompt(scores, k):
    x = centred(scores)
    z = x / x.std(2, keepdim=True, correction=0).clamp(min=1e-8)
    return mean_less(z, k)


@proof.wrong(says="nothing is divided")
def unscaled(scores, k):
    return mean_less(centred(scores), k)


@proof.wrong(says="before each prompt's mean")
def std_first(scores, k):
    z = centred(scores) / pool_std(scores.double()).clamp(min=1e-8)
    return mean_less(z, k)


@proof.wrong(says="count minus 1")
def sample_std(scores, k):
    x = centred(scores)
    z = x / pool_std(x, correction=1).clamp(min=1e-8)
    return mean_less(z, k)


@proof.wrong(says="count minus 1")
def sample_std_across(scores, k):
    z = scaled(centred(scores))
    return z.mean(0) - k * (z.std(0) if len(z) > 1 else 0)


@proof.wrong(says="when there is one model")
def sample_std_of_one(scores, k):
    z = scaled(centred(scores))
    return z.mean(0) - k * z.std(0)


@proof.wrong(says="one number together")
def one_scale(scores, k):
    x = centred(scores)
    return mean_less(x / x.std(correction=0).clamp(min=1e-8), k)


@proof.wrong(says="0 divided by 0")
def no_clamp(scores, k):
    x = centred(scores)
    return mean_less(x / pool_std(x), k)


@proof.wrong(says="plain mean")
def mean_only(scores, k):
    return scaled(centred(scores)).mean(0)


@proof.wrong(says="rewarded")
def added_std(scores, k):
    return mean_less(scaled(centred(scores)), -k)


@proof.wrong(says="k is not used")
def no_k(scores, k):
    return mean_less(scaled(centred(scores)), 1 if k else 0)


@proof.wrong(says="minimum")
def minimum(scores, k):
    z = scaled(centred(scores))
    return z.amin(0) if k else z.mean(0)


@proof.wrong(says="with k = 0 the plain mean")
def k_always_one(scores, k):
    return cautious(scores, 1.0)


@proof.wrong(says="k multiply more")
def k_times_all(scores, k):
    return k * cautious(scores, 1.0)


@proof.wrong(says="beside their prompts")
def means_without_keepdim(scores, k):
    x = scores.double() - scores.double().mean(2)
    return mean_less(scaled(x), k)


@proof.wrong(says="beside their models")
def deviations_without_keepdim(scores, k):
    x = centred(scores)
    z = x / x.std((1, 2), correction=0).clamp(min=1e-8)
    return mean_less(z, k)


@proof.wrong(says="floor too high")
def high_floor(scores, k):
    x = centred(scores)
    return mean_less(x / pool_std(x).clamp(min=1), k)


@proof.wrong(says="0 divided by 0")
def only_constant_models(scores, k):
    x = centred(scores)
    constant = pool_std(scores.double()) == 0
    return mean_less(x / torch.where(constant, 1.0, pool_std(x)), k)


@proof.wrong(says="lost")
def zero_if_any_is_flat(scores, k):
    flat = pool_std(centred(scores)) == 0
    return cautious(scores, k) * bool(not flat.any())


@proof.wrong(says="variance across")
def variance(scores, k):
    z = scaled(centred(scores))
    return z.mean(0) - k * z.var(0, correction=0)


@proof.wrong(says="sum across models")
def summed(scores, k):
    z = scaled(centred(scores))
    return z.sum(0) - k * z.std(0, correction=0)


@proof.wrong(says="changes its input")
def in_place(scores, k):
    scores -= scores.mean(2, keepdim=True)
    return mean_less(scaled(centred(scores)), k)


@proof.wrong(says="larger and less tidy")
def k_at_most_one(scores, k):
    return cautious(scores, min(k, 1.0))


@proof.right
def in_float32(scores, k):
    x = scores.float()
    x = x - x.mean(2, keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-6)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.right
def model_by_model(scores, k):
    rows = []
    for model in np.asarray(scores):
        model = model - model.mean(axis=1, keepdims=True)
        rows.append(model / model.std() if model.std() > 1e-9 else 0 * model)
    return (np.mean(rows, axis=0) - k * np.std(rows, axis=0)).tolist()
