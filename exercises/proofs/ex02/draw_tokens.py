"""Proof of the check of ex02.draw_tokens: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex02", "draw_tokens")
draw_tokens = proof.solved("draw_tokens")


@proof.probe()
def draw_tokens_inputs(rng):
    for i in range(30):
        R = int(rng.integers(1, 7))
        V = int(rng.integers(1, 10))
        rows = rng.multinomial(64, rng.dirichlet(np.full(V, 0.6)), R) / 64
        u = rng.integers(0, 128, R) / 128  # every second one may lie on an edge
        if i % 5 == 0:  # rows that add up to less than 1, and points beyond their last end
            rows = rows * (1 - 2.0**-18)
            beyond = rng.random(R) < 0.5
            u = np.where(beyond, 1 - 2.0**-20, (rng.integers(0, 64, R) + 0.5) / 64)
        yield torch.tensor(rows, dtype=torch.float32), torch.tensor(u, dtype=torch.float32)


def ends_before(probs, u):
    """How many pieces of each row end at or before u."""
    return (probs.cumsum(1) <= u[:, None]).sum(1)


@proof.wrong(says="that is the likeliest word")
def greedy(probs, u):
    return probs.argmax(1)


@proof.wrong(says="the second call")
def rolls_dice(probs, u):
    return torch.multinomial(probs, 1)[:, 0]


@proof.wrong(says="counted from 1")
def from_one(probs, u):
    return ends_before(probs, u) + 1


@proof.wrong(says="belongs to the one on its right")
def left_edges(probs, u):
    return (probs.cumsum(1) < u[:, None]).sum(1).clamp(max=probs.shape[1] - 1)


@proof.wrong(says="not where it ends")
def no_running_sum(probs, u):
    return (probs <= u[:, None]).sum(1).clamp(max=probs.shape[1] - 1)


@proof.wrong(says="along the row")
def over_rows(probs, u):
    return (probs.cumsum(0) <= u[:, None]).sum(1)


@proof.wrong(says="with the first u")
def one_u(probs, u):
    return draw_tokens(probs, u[:1].expand(len(u)))


@proof.wrong(says="probabilities of the first")
def one_row(probs, u):
    return draw_tokens(probs[:1].expand(len(u), -1), u)


@proof.wrong(says="from its right end")
def backwards(probs, u):
    return draw_tokens(probs, 1 - u)


@proof.wrong(says="no word has this index")
def out_of_range(probs, u):
    return torch.searchsorted(probs.cumsum(1), u[:, None], right=True)[:, 0]


@proof.wrong(says="the last word of the first row has probability 0")
def clamped(probs, u):
    return ends_before(probs, u).clamp(max=probs.shape[1] - 1)


@proof.wrong(says="argmax of a row")
def first_end_beyond(probs, u):
    return (probs.cumsum(1) > u[:, None]).int().argmax(1)


@proof.wrong(says="this is a probability")
def returns_probabilities(probs, u):
    return probs.gather(1, draw_tokens(probs, u)[:, None])[:, 0]


@proof.wrong(says="should have shape (1,)")
def one_column(probs, u):
    return draw_tokens(probs, u)[:, None]


@proof.wrong(says="changes its input")
def in_place(probs, u):
    probs[:] = probs.cumsum(1)
    return (probs <= u[:, None]).sum(1)


@proof.wrong(says="words sorted")
def sorted_first(probs, u):
    ordered, index = probs.sort(dim=1, descending=True)
    return index.gather(1, draw_tokens(ordered, u)[:, None])[:, 0]


@proof.wrong(says="is 1 taken off")
def one_before(probs, u):
    return (draw_tokens(probs, u) - 1).clamp(min=0)


@proof.wrong(says="whole numbers")
def float_indices(probs, u):
    return draw_tokens(probs, u).float()


@proof.wrong(says="carried on")
def end_not_begun_again(probs, u):
    out, end = [], 0.0
    for row, point in zip(probs.tolist(), u.tolist()):
        for k in range(len(row)):
            end += row[k]
            if point < end:
                break
        out.append(k)
    return out


@proof.wrong(says="no word is drawn")
def appends_nothing(probs, u):
    out = []
    for row, point in zip(probs, u):
        beyond = (row.cumsum(0) > point).nonzero()
        if len(beyond):
            out.append(int(beyond[0, 0]))
    return out


@proof.wrong(says="likeliest word came out")
def likeliest_beyond(probs, u):
    drawn = ends_before(probs, u)
    return torch.where(drawn < probs.shape[1], drawn, probs.argmax(1))


@proof.wrong(says="first row alone")
def last_of_the_first_row(probs, u):
    return ends_before(probs, u).clamp(max=int(probs[0].nonzero().max()))


@proof.wrong(says="inside the loop")
def returns_in_the_loop(probs, u):
    for row, point in zip(probs, u):
        return draw_tokens(row[None], point[None])


@proof.wrong(says="larger and less tidy")
def six_words_only(probs, u):
    return draw_tokens(probs[:, :6], u)


@proof.right
def with_loops(probs, u):
    out = []
    for row, point in zip(probs.tolist(), u.tolist()):
        end, at = 0.0, None
        for k, p in enumerate(row):
            if p == 0:
                continue
            end, at = end + p, k
            if point < end:
                break
        out.append(at)
    return out


@proof.right
def stretched(probs, u):
    ends = probs.double().cumsum(1)
    points = u.double() * ends[:, -1]
    k = torch.searchsorted(ends, points[:, None], right=True)[:, 0]
    last = torch.tensor([int(row.nonzero().max()) for row in probs])
    return torch.minimum(k, last)


@proof.right
def with_numpy(probs, u):
    out = []
    for row, point in zip(np.asarray(probs, dtype=np.float64), np.asarray(u)):
        at = np.searchsorted(row.cumsum(), point, side="right")
        last = np.flatnonzero(row)[-1]
        out.append(min(at, last))
    return np.array(out)
