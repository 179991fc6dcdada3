"""Proof of the check of ex02.nucleus: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex02", "nucleus")
nucleus = proof.solved("nucleus")


@proof.probe()
def nucleus_inputs(rng):
    for i in range(30):
        R = int(rng.integers(1, 5))
        V = int(rng.integers(1, 10))
        # sixty-fourths: their sums are exact, ties are frequent
        rows = rng.multinomial(64, rng.dirichlet(np.full(V, 0.7)), R) / 64
        p = rng.integers(0, 65) / 64 if i % 2 else rng.choice([0.05, 0.3, 0.6, 0.8, 0.9, 0.95])
        yield torch.tensor(rows, dtype=torch.float32), float(p)


def divided(kept):
    """Each row divided by its sum."""
    return kept / kept.sum(1, keepdim=True)


def sorted_sums(probs):
    """What most solutions begin with."""
    ordered, index = probs.sort(dim=1, descending=True, stable=True)
    return ordered, index, ordered.cumsum(1)


def put_back(probs, index, ordered, dropped):
    """What most solutions end with."""
    return divided(in_their_columns(probs, index, ordered, dropped))


def in_their_columns(probs, index, ordered, dropped):
    """What is not dropped, in its own columns."""
    return torch.zeros_like(probs).scatter(1, index, ordered.masked_fill(dropped, 0.0))


@proof.wrong(says="with which the sum reaches p belongs")
def one_too_few(probs, p):
    ordered, index, sums = sorted_sums(probs)
    dropped = sums > p
    dropped[:, 0] = False
    return put_back(probs, index, ordered, dropped)


@proof.wrong(says="larger than needed")
def one_too_many(probs, p):
    ordered, index, sums = sorted_sums(probs)
    shifted = torch.cat([torch.zeros_like(sums[:, :2]), sums[:, :-2]], dim=1)
    before = shifted[:, : sums.shape[1]]
    dropped = before >= p
    dropped[:, 0] = False
    return put_back(probs, index, ordered, dropped)


@proof.wrong(says="divide it by its sum")
def not_renormalised(probs, p):
    ordered, index, sums = sorted_sums(probs)
    dropped = sums - ordered >= p
    dropped[:, 0] = False
    return in_their_columns(probs, index, ordered, dropped)


@proof.wrong(says="places in the sorted row")
def left_sorted(probs, p):
    ordered, _, sums = sorted_sums(probs)
    kept = ordered.masked_fill((sums - ordered >= p) & (sums > ordered), 0.0)
    return divided(kept)


@proof.wrong(says="wrong places")
def gathered(probs, p):
    ordered, index, sums = sorted_sums(probs)
    kept = ordered.masked_fill((sums - ordered >= p) & (sums > ordered), 0.0).gather(1, index)
    return divided(kept)


@proof.wrong(says="each probability by itself")
def single_words(probs, p):
    return probs.masked_fill(probs < p, 0.0)


@proof.wrong(says="order in which")
def not_sorted(probs, p):
    return divided(probs.masked_fill((probs.cumsum(1) - probs >= p), 0.0))


@proof.wrong(says="likeliest")
def from_below(probs, p):
    ordered, index = probs.sort(dim=1)
    return put_back(probs, index, ordered, ordered.cumsum(1) - ordered >= p)


@proof.wrong(says="no word is left")
def may_lose_all(probs, p):
    ordered, index, sums = sorted_sums(probs)
    enough = (sums >= p).int().argmax(1)
    dropped = torch.arange(probs.shape[1])[None] > enough[:, None]
    return put_back(probs, index, ordered, dropped | (ordered[:, :1] > p))


@proof.wrong(says="reaches p: no more are needed")
def strictly_more(probs, p):
    ordered, index, sums = sorted_sums(probs)
    dropped = sums - ordered > p
    dropped[:, 0] = False
    return put_back(probs, index, ordered, dropped)


@proof.wrong(says="as likely as the last one")
def by_threshold(probs, p):
    ordered, _, sums = sorted_sums(probs)
    dropped = sums - ordered >= p
    dropped[:, 0] = False
    lowest = ordered.masked_fill(dropped, 2.0).amin(1, keepdim=True)
    kept = probs.masked_fill(probs < lowest, 0.0)
    return divided(kept)


@proof.wrong(says="they are not removed")
def removed(probs, p):
    ordered, _, sums = sorted_sums(probs)
    size = int((sums[0] < p).sum()) + 1
    return divided(ordered[:, :size])


@proof.wrong(says="their probabilities")
def a_mask(probs, p):
    return (nucleus(probs, p) > 0).float()


@proof.wrong(says="places of the first row")
def first_row_decides(probs, p):
    stays = nucleus(probs, p)[:1] > 0
    return divided(probs * stays)


@proof.wrong(says="divided by p")
def divided_by_p(probs, p):
    return not_renormalised(probs, p) / p


@proof.wrong(says="changes its input")
def in_place(probs, p):
    probs[nucleus(probs, p) == 0] = 0.0
    return divided(probs)


@proof.wrong(says="divide each by its own sum")
def one_sum_for_all(probs, p):
    kept = not_renormalised(probs, p)
    return kept / kept.sum()


@proof.wrong(says="marks of what stays")
def mask_left_sorted(probs, p):
    ordered, _, sums = sorted_sums(probs)
    kept = probs.masked_fill((sums - ordered >= p) & (sums > ordered), 0.0)
    return divided(kept)


@proof.wrong(says="not the first of probs")
def first_column_stays(probs, p):
    ordered, index, sums = sorted_sums(probs)
    stays = torch.zeros_like(probs, dtype=torch.bool).scatter(1, index, sums - ordered < p)
    stays[:, 0] = True
    return divided(probs * stays)


@proof.wrong(says="along the row")
def over_rows(probs, p):
    ordered, index = probs.sort(dim=0, descending=True, stable=True)
    dropped = ordered.cumsum(0) - ordered >= max(p, 1e-9)
    kept = torch.zeros_like(probs).scatter(0, index, ordered.masked_fill(dropped, 0.0))
    return kept / kept.sum(0, keepdim=True)


@proof.wrong(says="each probability by itself")
def single_words_divided(probs, p):
    return divided(probs.masked_fill(probs < p, 0.0))


@proof.wrong(says="as many words as the first")
def first_row_counts(probs, p):
    ordered, index, sums = sorted_sums(probs)
    size = max(1, int((sums - ordered < p)[0].sum()))
    dropped = torch.arange(probs.shape[1]) >= size
    return put_back(probs, index, ordered, dropped.expand(len(probs), -1))


@proof.wrong(says="carried on")
def total_not_begun_again(probs, p):
    out, total = [], 0.0
    for row in probs.tolist():
        kept = [0.0] * len(row)
        for k in sorted(range(len(row)), key=lambda k: -row[k]):
            kept[k] = row[k]
            total += row[k]
            if total >= p:
                break
        out.append([v / sum(kept) for v in kept])
    return out


@proof.wrong(says="inside the loop")
def returns_in_the_loop(probs, p):
    for row in probs:
        return nucleus(row[None], p)


@proof.wrong(says="keep their proportion")
def rest_to_the_likeliest(probs, p):
    kept = not_renormalised(probs, p)
    return kept.scatter_add(1, kept.argmax(1, keepdim=True), 1 - kept.sum(1, keepdim=True))


@proof.wrong(says="IndexError")
def first_that_reaches(probs, p):
    ordered, index, sums = sorted_sums(probs)
    size = torch.tensor([int((row >= p).nonzero()[0, 0]) + 1 for row in sums])
    dropped = torch.arange(probs.shape[1])[None] >= size[:, None]
    return put_back(probs, index, ordered, dropped)


@proof.wrong(says="looked up by its probability")
def looked_up(probs, p):
    out = []
    for row in probs.tolist():
        kept, total = [0.0] * len(row), 0.0
        for v in sorted(row, reverse=True):
            kept[row.index(v)] = v
            total += v
            if total >= p:
                break
        out.append([v / sum(kept) for v in kept])
    return out


@proof.wrong(says="larger and less tidy")
def four_words_at_most(probs, p):
    kept = nucleus(probs, p)
    kept[:, 4:] = 0.0
    return kept / kept.sum(1, keepdim=True).clamp(min=1e-9)


@proof.right
def with_a_loop(probs, p):
    out = []
    for row in probs.tolist():
        kept, total = [0.0] * len(row), 0.0
        for k in sorted(range(len(row)), key=lambda k: -row[k]):
            kept[k] = row[k]
            total += row[k]
            if total >= p:
                break
        out.append([v / total for v in kept])
    return out


@proof.right
def with_numpy(probs, p):
    a = np.asarray(probs, dtype=np.float64)
    order = np.argsort(-a, axis=1, kind="stable")
    sums = np.take_along_axis(a, order, 1).cumsum(1)
    size = np.minimum((sums < p).sum(1) + 1, a.shape[1])
    rank = order.argsort(1)
    kept = np.where(rank < size[:, None], a, 0)
    return kept / kept.sum(1, keepdims=True)


@proof.right
def with_the_inverse_order(probs, p):
    index = (-probs).argsort(dim=1, stable=True)
    ordered = probs.gather(1, index)
    before = torch.nn.functional.pad(ordered.cumsum(1), (1, 0))[:, :-1]
    keep = (before < p) | (torch.arange(probs.shape[1]) == 0)
    kept = (ordered * keep).gather(1, index.argsort(dim=1))
    return divided(kept)
