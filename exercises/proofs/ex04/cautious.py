"""Proof of the check of ex04.cautious: probes, wrong solutions and other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "cautious")
cautious = proof.solved("cautious")


@proof.probe(tolerance=1e-4)
def cautious_inputs(rng):
    for k in range(20):
        M, P, N = (int(rng.integers(1, top)) for top in (6, 6, 8))
        scores = rng.integers(-6, 7, (M, P, N)) / 2.0 * rng.integers(
            1, 5, (M, 1, 1)
        ) + rng.integers(-4, 5, (M, P, 1))
        if k % 5 == 1:
            scores[0] = 1.5
        yield torch.tensor(scores), float(rng.choice([0.0, 0.5, 1.0, 2.0]))


def _z(scores, centre=True, correction=0):
    x = scores.double() - (scores.double().mean(2, keepdim=True) if centre else 0)
    return x / x.std((1, 2), keepdim=True, correction=correction).clamp(min=1e-8)


@proof.wrong(says="nothing is taken out")
def raw(scores, k):
    x = scores.double()
    return x.mean(0) - k * x.std(0, correction=0)


@proof.wrong(says="whole pool is taken out")
def pool_mean(scores, k):
    x = scores.double() - scores.double().mean((1, 2), keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="of its own")
def std_of_each_prompt(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std(2, keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="nothing is divided")
def unscaled(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    return x.mean(0) - k * x.std(0, correction=0)


@proof.wrong(says="before each prompt's mean")
def std_first(scores, k):
    x = scores.double()
    z = (x - x.mean(2, keepdim=True)) / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="count less 1")
def sample_std(scores, k):
    z = _z(scores, correction=1)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="count less 1")
def sample_std_across(scores, k):
    z = _z(scores)
    return z.mean(0) - k * (z.std(0) if len(z) > 1 else 0)


@proof.wrong(says="when there is one model")
def sample_std_of_one(scores, k):
    z = _z(scores)
    return z.mean(0) - k * z.std(0)


@proof.wrong(says="one number together")
def one_scale(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std(correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="0 divided by 0")
def no_clamp(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="plain mean")
def mean_only(scores, k):
    return _z(scores).mean(0)


@proof.wrong(says="rewarded")
def added_std(scores, k):
    z = _z(scores)
    return z.mean(0) + k * z.std(0, correction=0)


@proof.wrong(says="k is not used")
def no_k(scores, k):
    z = _z(scores)
    return z.mean(0) - (z.std(0, correction=0) if k else 0)


@proof.wrong(says="minimum")
def minimum(scores, k):
    return _z(scores).amin(0) if k else _z(scores).mean(0)


@proof.wrong(says="with k = 0 the plain mean")
def k_always_one(scores, k):
    return cautious(scores, 1.0)


@proof.wrong(says="k multiply more")
def k_times_all(scores, k):
    return k * cautious(scores, 1.0)


@proof.wrong(says="beside their prompts")
def means_without_keepdim(scores, k):
    x = scores.double() - scores.double().mean(2)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="beside their models")
def deviations_without_keepdim(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std((1, 2), correction=0).clamp(min=1e-8)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="floor too high")
def high_floor(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    z = x / x.std((1, 2), keepdim=True, correction=0).clamp(min=1)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="0 divided by 0")
def only_constant_models(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    std = torch.where(
        scores.double().std((1, 2), keepdim=True, correction=0) == 0,
        1.0,
        x.std((1, 2), keepdim=True, correction=0),
    )
    z = x / std
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(says="lost")
def zero_if_any_is_flat(scores, k):
    x = scores.double() - scores.double().mean(2, keepdim=True)
    return cautious(scores, k) * bool((x.std((1, 2), correction=0) > 0).all())


@proof.wrong(says="variance across")
def variance(scores, k):
    z = _z(scores)
    return z.mean(0) - k * z.var(0, correction=0)


@proof.wrong(says="sum across models")
def summed(scores, k):
    z = _z(scores)
    return z.sum(0) - k * z.std(0, correction=0)


@proof.wrong(says="changes its input")
def in_place(scores, k):
    scores -= scores.mean(2, keepdim=True)
    z = _z(scores)
    return z.mean(0) - k * z.std(0, correction=0)


@proof.wrong(hidden=True)
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
    scaled = []
    for model in np.asarray(scores):
        model = model - model.mean(axis=1, keepdims=True)
        scaled.append(model / model.std() if model.std() > 1e-9 else 0 * model)
    return (np.mean(scaled, axis=0) - k * np.std(scaled, axis=0)).tolist()
