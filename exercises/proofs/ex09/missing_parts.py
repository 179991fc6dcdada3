"""What proves ex09's check of missing_parts: probes, wrong solutions, other right ones."""

import numpy as np

from course_lib.authoring.proofs import Proof

proof = Proof("ex09", "missing_parts")


@proof.probe()
def missing_parts_inputs(rng):
    for k in range(24):
        parts = int(rng.integers(1, 40))
        order = rng.permutation(parts)
        finished = order[: int(rng.integers(0, parts + 1))].tolist()
        done = {}
        for part in finished:
            results = [[], "replies", 0.0, round(float(rng.random()), 3)]
            done[part] = results[int(rng.integers(0, 4))]
        if k % 2:  # keys that are no part
            done[parts + int(rng.integers(0, 5))] = "old"
            done[["policy", "notes.txt", "control-policy"][k % 3]] = "w"
        yield parts, done


def missing(parts, done):
    """The right answer, for mistakes made elsewhere."""
    return [k for k in range(parts) if k not in done]


@proof.wrong(says="numbered from 0")
def from_one(parts, done):
    return [k for k in range(1, parts + 1) if k not in done]


@proof.wrong(says="something is left")
def those_done(parts, done):
    return [k for k in range(parts) if k in done]


@proof.wrong(says="one too many")
def one_more(parts, done):
    return [k for k in range(parts + 1) if k not in done]


@proof.wrong(says="how many are missing")
def counts_missing(parts, done):
    return parts - len(done)


@proof.wrong(says="lowest first")
def highest_first(parts, done):
    return [k for k in reversed(range(parts)) if k not in done]


@proof.wrong(says="leaves a gap")
def after_the_last(parts, done):
    last = max([k for k in done if isinstance(k, int)], default=-1)
    return list(range(last + 1, parts))


@proof.wrong(says="which are done")
def after_the_count(parts, done):
    return list(range(len(done), parts))


@proof.wrong(says="not whether the result is true")
def by_truth(parts, done):
    return [k for k in range(parts) if not done.get(k)]


@proof.wrong(says="Do not look at the result")
def by_none(parts, done):
    return [k for k in range(parts) if done.get(k) is None]


@proof.wrong(says="not all of them are parts")
def full_by_count(parts, done):
    return [] if len(done) >= parts else missing(parts, done)


@proof.wrong(says="is not a part")
def symmetric(parts, done):
    parts_and_names = {k for k in done if not isinstance(k, int) or 0 <= k < parts}
    return sorted(set(range(parts)) ^ parts_and_names, key=str)


@proof.wrong(says="changes its input")
def cleans_up(parts, done):
    for k in list(done):
        if k not in range(parts):
            del done[k]
    return missing(parts, done)


@proof.wrong(says="this is a set")
def a_set(parts, done):
    return set(range(parts)) - set(done)


@proof.wrong(says="among the keys")
def among_the_results(parts, done):
    return [k for k in range(parts) if k not in done.values()]


@proof.wrong(says="among the keys")
def text_of_the_number(parts, done):
    return [k for k in range(parts) if str(k) not in done]


@proof.wrong(says="not texts")
def texts(parts, done):
    return [str(k) for k in range(parts) if k not in done]


@proof.wrong(says="inside the loop")
def first_alone(parts, done):
    for k in range(parts):
        if k not in done:
            return [k]
    return []


@proof.wrong(says="comes after a gap")
def from_the_first_gap(parts, done):
    first = min(missing(parts, done), default=parts)
    return list(range(first, parts))


@proof.wrong(says="5 and -1")
def all_differences(parts, done):
    return sorted(set(range(parts)) ^ set(done), key=str)


@proof.wrong(says="become texts")
def by_mixed_array(parts, done):
    return np.setdiff1d(np.arange(parts), list(done))


@proof.wrong(says="larger and less tidy")
def sorted_as_text(parts, done):
    return sorted(missing(parts, done), key=str)


@proof.right
def by_removal(parts, done):
    left = list(range(parts))
    for k in done:
        if k in left:
            left.remove(k)
    return left


@proof.right
def by_sets(parts, done):
    return sorted(set(range(parts)) - set(done))


@proof.right
def by_mask(parts, done):
    here = np.zeros(parts, dtype=bool)
    for k in done:
        if isinstance(k, int) and 0 <= k < parts:
            here[k] = True
    return np.flatnonzero(~here)


@proof.right
def by_loop(parts, done):
    left, k = (), 0
    while k < parts:
        if k not in done.keys():
            left += (k,)
        k += 1
    return left
