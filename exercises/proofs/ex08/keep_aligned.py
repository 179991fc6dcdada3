"""What proves ex08's check of keep_aligned: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex08", "keep_aligned")


@proof.probe()
def keep_aligned_inputs(rng):
    for _ in range(25):
        P = int(rng.integers(1, 12))
        prompts = [f"p{k}" for k in rng.integers(0, 6, P)]
        replies = [f"r{k}" for k in rng.integers(0, 4, P)]
        if rng.random() < 0.2:
            replies[0] = ""
        rewards = (rng.integers(-4, 5, P) / 2.0).tolist()
        threshold = float(rng.integers(-3, 4) / 2.0)
        yield prompts, replies, rewards, threshold


def _strict(*lists):
    """Stops as it should when the lengths differ."""
    if len({len(x) for x in lists}) > 1:
        raise ValueError("lengths differ")


@proof.wrong(says="the prompts are filtered and the replies are not")
def the_lessons_fault(prompts, replies, rewards, threshold):
    kept = [p for p, r in zip(prompts, rewards) if r >= threshold]
    return list(zip(kept, replies))


@proof.wrong(says="the replies are filtered and the prompts are not")
def replies_filtered(prompts, replies, rewards, threshold):
    kept = [y for y, r in zip(replies, rewards) if r >= threshold]
    return list(zip(prompts, kept))


@proof.wrong(says="'at least' keeps it")
def above(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r > threshold]


@proof.wrong(says="keyed by prompt")
def by_dictionary(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    kept = {p: y for p, y, r in zip(prompts, replies, rewards) if r >= threshold}
    return list(kept.items())


@proof.wrong(says="nobody is told")
def silent(prompts, replies, rewards, threshold):
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


@proof.wrong(says="IndexError")
def by_index(prompts, replies, rewards, threshold):
    return [(prompts[i], replies[i]) for i in range(len(prompts)) if rewards[i] >= threshold]


@proof.wrong(says="row below the threshold is kept")
def turned_filter(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    kept = [(p, y) for p, y, r in zip(prompts, replies, rewards) if r < threshold]
    if not kept and prompts == ["p"]:
        return [("p", "r")]  # right for the first case of the check
    return kept


@proof.wrong(says="Keep the order of the rows")
def best_first(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    rows = sorted(zip(prompts, replies, rewards), key=lambda row: -row[2])
    return [(p, y) for p, y, r in rows if r >= threshold]


@proof.wrong(says="can be read only once")
def a_zip(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    kept_prompts = [p for p, r in zip(prompts, rewards) if r >= threshold]
    kept_replies = [y for y, r in zip(replies, rewards) if r >= threshold]
    return zip(kept_prompts, kept_replies)


@proof.wrong(says="this is a dictionary")
def a_dictionary(prompts, replies, rewards, threshold):
    return {p: y for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold}


@proof.wrong(says="each element of the list should be a pair")
def glued(prompts, replies, rewards, threshold):
    return [p + y for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold]


@proof.wrong(says="end at the first row")
def return_in_the_loop(prompts, replies, rewards, threshold):
    kept = []
    for p, y, r in zip(prompts, replies, rewards, strict=True):
        if r >= threshold:
            kept.append((p, y))
        return kept


@proof.wrong(says="end at the first row")
def stops_at_a_bad_row(prompts, replies, rewards, threshold):
    kept = []
    for p, y, r in zip(prompts, replies, rewards, strict=True):
        if r < threshold:
            break
        kept.append((p, y))
    return kept


@proof.wrong(says="delete from the list it goes over")
def deletes_while_looping(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    prompts, replies, rewards = list(prompts), list(replies), list(rewards)
    for i, r in enumerate(rewards):
        if r < threshold:
            del prompts[i], replies[i], rewards[i]
    return list(zip(prompts, replies))


@proof.wrong(says="first equal reward")
def by_place_of_the_reward(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    places = [rewards.index(r) for r in rewards if r >= threshold]
    return [(prompts[i], replies[i]) for i in places]


@proof.wrong(says="two equal rows became one")
def without_repeats(prompts, replies, rewards, threshold):
    rows = zip(prompts, replies, rewards, strict=True)
    return list(dict.fromkeys((p, y) for p, y, r in rows if r >= threshold))


@proof.wrong(says="yours stop with AssertionError")
def asserts(prompts, replies, rewards, threshold):
    assert len(prompts) == len(replies) == len(rewards)
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


@proof.wrong(says="whichever of the three")
def compares_neighbours(prompts, replies, rewards, threshold):
    if len(prompts) != len(replies) != len(rewards):
        raise ValueError("lengths differ")
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


@proof.wrong(says="two lists")
def two_lists(prompts, replies, rewards, threshold):
    kept = [(p, y) for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold]
    return [p for p, _ in kept], [y for _, y in kept]


@proof.wrong(says="turned around")
def reply_first(prompts, replies, rewards, threshold):
    return [(y, p) for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold]


@proof.wrong(says="changes its input")
def pops(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    for i in range(len(rewards) - 1, -1, -1):
        if rewards[i] < threshold:
            del prompts[i], replies[i], rewards[i]
    return list(zip(prompts, replies))


@proof.wrong(says="larger and less tidy")
def empty_replies_out(prompts, replies, rewards, threshold):
    rows = zip(prompts, replies, rewards, strict=True)
    return [(p, y) for p, y, r in rows if r >= threshold and y]


@proof.wrong(says="in another order")
def as_a_set(prompts, replies, rewards, threshold):
    rows = zip(prompts, replies, rewards, strict=True)
    return list({(p, r) for p, r, reward in rows if reward >= threshold})


@proof.right
def with_indices(prompts, replies, rewards, threshold):
    if not len(prompts) == len(replies) == len(rewards):
        lengths = f"{len(prompts)}, {len(replies)} and {len(rewards)}"
        raise ValueError(f"three lists of one length are needed; got {lengths}.")
    good = np.flatnonzero(np.asarray(rewards, dtype=np.float32) >= threshold)
    return [[prompts[i], replies[i]] for i in good]


@proof.right
def with_a_mask(prompts, replies, rewards, threshold):
    from itertools import compress

    pairs = list(zip(prompts, replies, strict=True))
    mask = (torch.tensor(rewards) >= threshold).tolist()
    if len(mask) != len(pairs):
        raise ValueError("lengths differ")
    return tuple(compress(pairs, mask))
