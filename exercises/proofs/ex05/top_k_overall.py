"""What proves ex05's check of top_k_overall: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex05", "top_k_overall")
top_k_overall = proof.solved("top_k_overall")


@proof.probe()
def top_k_overall_inputs(rng):
    for k in range(24):
        P = 1 if k % 7 == 3 else int(rng.integers(2, 7))
        N = 1 if k % 9 == 4 else int(rng.integers(2, 9))
        spread = 3 if k % 2 else 40  # many ties, or few
        rewards = rng.integers(-spread, spread, (P, N)) / 2.0
        kept = P * N if k % 8 == 0 else int(rng.integers(1, P * N + 1))
        yield torch.tensor(rewards), kept


def best_places(rewards, k):
    """Places of the k highest rewards in the whole matrix, ties in order."""
    return rewards.flatten().argsort(descending=True, stable=True)[:k]


def in_a_line(rewards, k, divisor):
    """The k best places, each divided by ``divisor``."""
    return [divmod(place, divisor) for place in best_places(rewards, k).tolist()]


@proof.wrong(says="best of each prompt")
def top_per_prompt(rewards, k):
    best = [(p, int(rewards[p].argmax())) for p in range(len(rewards))]
    return sorted(best, key=lambda pair: -float(rewards[pair]))[:k]


@proof.wrong(says="k of each prompt")
def k_of_each(rewards, k):
    pairs = []
    for p, row in enumerate(rewards):
        pairs += [(p, j) for j in best_places(row, k).tolist()]
    return pairs


@proof.wrong(says="turned around")
def candidate_first(rewards, k):
    return [(j, p) for p, j in top_k_overall(rewards, k)]


@proof.wrong(says="these are rewards")
def the_rewards(rewards, k):
    return rewards.flatten().sort(descending=True).values[:k]


@proof.wrong(says="counts through the whole matrix")
def flat_places(rewards, k):
    return best_places(rewards, k)


@proof.wrong(says="divided by N")
def divided_by_p(rewards, k):
    return in_a_line(rewards, k, rewards.shape[0])


@proof.wrong(says="the last come first")
def turned_ties(rewards, k):
    rows = [(float(rewards[p, j]), p, j) for p, j in np.ndindex(*rewards.shape)]
    return [(p, j) for _, p, j in sorted(rows, reverse=True)[:k]]


@proof.wrong(says="promise no order")
def unstable_topk(rewards, k):
    if rewards.numel() > 16:
        places = rewards.flatten().topk(k).indices
    else:
        places = best_places(rewards, k)
    return [divmod(place, rewards.shape[1]) for place in places.tolist()]


@proof.wrong(says="lower candidate comes first here")
def by_columns(rewards, k):
    pairs = [(p, j) for j in range(rewards.shape[1]) for p in range(rewards.shape[0])]
    return sorted(pairs, key=lambda pair: -float(rewards[pair]))[:k]


@proof.wrong(says="another order")
def by_place(rewards, k):
    return sorted(top_k_overall(rewards, k))


@proof.wrong(says="lowest reward")
def lowest_k(rewards, k):
    return in_a_line(-rewards, k, rewards.shape[1])


@proof.wrong(says="equal rewards are not the same")
def keyed_by_reward(rewards, k):
    first = {}
    for p, row in enumerate(rewards.tolist()):
        for j, r in enumerate(row):
            first.setdefault(r, (p, j))
    return [first[r] for r in sorted(first, reverse=True)[:k]]


@proof.wrong(says="changes its input")
def strikes_out(rewards, k):
    out = []
    for _ in range(k):
        i = int(rewards.argmax())
        out.append((i // rewards.shape[1], i % rewards.shape[1]))
        rewards[out[-1]] = -1e9
    return out


def marked(rewards, k, mark):
    """One after the other, those taken overwritten by ``mark``."""
    left, out = rewards.clone(), []
    for _ in range(k):
        i = int(left.argmax())
        out.append((i // left.shape[1], i % left.shape[1]))
        left[out[-1]] = mark
    return out


@proof.wrong(says="lower than that mark")
def marked_by_zero(rewards, k):
    return marked(rewards, k, 0.0)


@proof.wrong(says="lower than that mark")
def marked_by_minus_100(rewards, k):
    return marked(rewards, k, -100.0)


@proof.wrong(says="by its value")
def found_by_value(rewards, k):
    line = rewards.flatten().tolist()
    best = sorted(line, reverse=True)[:k]
    return [divmod(line.index(r), rewards.shape[1]) for r in best]


@proof.wrong(says="coverage is counted")
def with_coverage(rewards, k):
    pairs = top_k_overall(rewards, k)
    return pairs, len({p for p, _ in pairs})


@proof.wrong(says="no candidate 2")
def four_columns(rewards, k):
    return in_a_line(rewards, k, 4)


@proof.wrong(says="np.argsort")
def as_an_unstable_sort_may_order(rewards, k):
    # np.argsort keeps ties in order up to 16 numbers; beyond that it depends on the machine
    flat = rewards.flatten().tolist()

    def key(place):
        return -flat[place], place if len(flat) <= 16 else place % 7

    order = sorted(range(len(flat)), key=key)
    return [divmod(place, rewards.shape[1]) for place in order[:k]]


@proof.wrong(says="larger and less tidy")
def at_most_eight_kept(rewards, k):
    if 8 <= rewards.numel() <= 48:
        k = min(k, 8)
    return top_k_overall(rewards, k)


@proof.wrong(says="not for a prompt")
def of_each_prompt_and_cut(rewards, k):
    pairs = []
    for p, row in enumerate(rewards.tolist()):
        pairs += [(p, j) for j in sorted(range(len(row)), key=lambda j: -row[j])[:k]]
    return pairs[:k]


@proof.right
def by_stable_sort(rewards, k):
    order = torch.sort(rewards.flatten(), descending=True, stable=True).indices[:k]
    return torch.stack([order // rewards.shape[1], order % rewards.shape[1]], dim=1)


@proof.right
def by_lexsort(rewards, k):
    R = np.asarray(rewards, dtype=np.float32)
    p, j = np.unravel_index(np.argsort(-R, axis=None, kind="stable")[:k], R.shape)
    return list(zip(p.tolist(), j.tolist()))


@proof.right
def by_heap(rewards, k):
    import heapq

    pairs = np.ndindex(*rewards.shape)
    return heapq.nsmallest(k, pairs, key=lambda pair: (-rewards[pair].item(), pair))


@proof.right
def one_after_another(rewards, k):
    left, out = rewards.clone(), []
    for _ in range(k):
        best = None
        for p in range(left.shape[0]):
            for j in range(left.shape[1]):
                if (p, j) not in out and (best is None or left[p, j] > left[best]):
                    best = (p, j)
        out.append(best)
    return out
