"""What proves ex09's check of training_gigabytes: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex09", "training_gigabytes")


@proof.probe()
def training_gigabytes_inputs(rng):
    def sizes(fewest):
        drawn = rng.uniform(0.05, 70, int(rng.integers(fewest, 4)))
        return np.round(drawn, 2).tolist()

    for k in range(24):
        fewest = 0 if k % 3 else 1
        yield sizes(fewest), sizes(fewest)


@proof.wrong(says="weights alone")
def weights_only(trained, frozen):
    return 4 * sum(trained) + 2 * sum(frozen)


@proof.wrong(says="It has two")
def one_moment(trained, frozen):
    return (4 + 4 + 4) * sum(trained) + 2 * sum(frozen)


@proof.wrong(says="not in half precision")
def half_weights(trained, frozen):
    return (2 + 4 + 8) * sum(trained) + 2 * sum(frozen)


@proof.wrong(says="here there is none")
def always_eighteen(trained, frozen):
    return 18 * sum(trained)


@proof.wrong(says="these are bytes")
def in_bytes(trained, frozen):
    return 1e9 * (16 * sum(trained) + 2 * sum(frozen))


@proof.wrong(says="2^30")
def binary_gigabytes(trained, frozen):
    return 1e9 * (16 * sum(trained) + 2 * sum(frozen)) / 2**30


@proof.wrong(says="not 4 bytes")
def frozen_in_full(trained, frozen):
    return 16 * sum(trained) + 4 * sum(frozen)


@proof.wrong(says="no gradient and no moments")
def all_trained(trained, frozen):
    return 16 * (sum(trained) + sum(frozen))


@proof.wrong(says="takes memory too")
def frozen_free(trained, frozen):
    return 16.0 * sum(trained)


@proof.wrong(says="first trained model")
def only_first(trained, frozen):
    return 16 * sum(trained[:1]) + 2 * sum(frozen)


@proof.wrong(says="mean")
def by_means(trained, frozen):
    trained_mean = sum(trained) / max(1, len(trained))
    frozen_mean = sum(frozen) / max(1, len(frozen))
    return 16 * trained_mean + 2 * frozen_mean


@proof.wrong(says="All are in memory")
def only_largest(trained, frozen):
    return 16 * max(trained, default=0) + 2 * max(frozen, default=0)


@proof.wrong(says="inside the loop")
def returns_early(trained, frozen):
    total = 0
    for size in trained:
        total += 16 * size
        return total
    return total + 2 * sum(frozen)


@proof.wrong(says="how many models")
def by_number(trained, frozen):
    return 16 * len(trained) + 2 * len(frozen)


@proof.wrong(says="stand in the way")
def in_pairs(trained, frozen):
    return sum(16 * a + 2 * b for a, b in zip(trained, frozen))


@proof.wrong(says="once too often")
def divides_again(trained, frozen):
    return (16 * sum(trained) + 2 * sum(frozen)) / 1e9


@proof.wrong(says="stopped with")
def index_zero(trained, frozen):
    return 16 * trained[0] + 2 * frozen[0]


@proof.wrong(says="larger and less tidy")
def whole_numbers(trained, frozen):
    return float(round(16 * sum(trained) + 2 * sum(frozen)))


@proof.wrong(says="as if the numbers were bits")
def bits(trained, frozen):
    return (16 * sum(trained) + 2 * sum(frozen)) / 8


@proof.right
def model_by_model(trained, frozen):
    total = 0.0
    for size in trained:
        total += size * 4 + size * 4 + size * 8
    for size in frozen:
        total += size * 2
    return total


@proof.right
def with_tensors(trained, frozen):
    sizes = torch.tensor([*trained, *frozen], dtype=torch.float64) * 1e9
    each = torch.tensor([16.0] * len(trained) + [2.0] * len(frozen), dtype=torch.float64)
    return (sizes * each).sum() / 1e9
