"""What proves ex06's check of distinct_right: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex06", "distinct_right")
distinct_right = proof.solved("distinct_right")


@proof.probe()
def distinct_right_inputs(rng):
    for _ in range(24):
        P, N = int(rng.integers(1, 6)), int(rng.integers(1, 14))
        stock = []
        for _ in range(4):
            steps = int(rng.integers(0, 4))
            terms = rng.integers(1, 9, (steps, 2)).tolist()
            stock.append(tuple(f"{a}+{b}={a + b}" for a, b in terms))
        stock.append(stock[0][::-1])
        paths = [[stock[i] for i in row] for row in rng.integers(0, 5, (P, N)).tolist()]
        correct = rng.random((P, N)) < rng.uniform(0.1, 1)
        yield paths, torch.tensor(correct.astype(np.float32))


def problems(paths, correct):
    """Of each problem its paths, and for each of them 1.0 or 0.0."""
    return zip(paths, correct.tolist())


def with_kept(paths, correct):
    """Of each problem its paths, and the indices that are right to keep."""
    return zip(paths, distinct_right(paths, correct))


@proof.wrong(says="indices are wanted")
def the_paths(paths, correct):
    return [[row[j] for j in found] for row, found in with_kept(paths, correct)]


@proof.wrong(says="how many")
def how_many(paths, correct):
    return [len(found) for found in distinct_right(paths, correct)]


@proof.wrong(says="it is a copy")
def all_right_ones(paths, correct):
    return [[j for j, r in enumerate(row) if r] for row in correct.tolist()]


@proof.wrong(says="last reply of a path")
def last_ones(paths, correct):
    kept = []
    for row, right in problems(paths, correct):
        last = {path: j for j, path in enumerate(row) if right[j]}
        kept.append(sorted(last.values()))
    return kept


@proof.wrong(says="not right")
def right_or_not(paths, correct):
    return distinct_right(paths, torch.ones_like(correct))


@proof.wrong(says="used up")
def wrong_ones_count(paths, correct):
    firsts = distinct_right(paths, torch.ones_like(correct))
    return [[j for j in found if right[j]] for found, right in problems(firsts, correct)]


@proof.wrong(says="count all replies")
def numbered_among_right(paths, correct):
    right_paths = []
    for row, right in problems(paths, correct):
        right_paths.append([path for path, r in zip(row, right) if r])
    return distinct_right(right_paths, torch.ones_like(correct))


@proof.wrong(says="move up")
def leaves_problems_out(paths, correct):
    return [found for found in distinct_right(paths, correct) if found]


@proof.wrong(says="nothing seen")
def seen_everywhere(paths, correct):
    seen, kept = set(), []
    for row, right in problems(paths, correct):
        kept.append([])
        for j, path in enumerate(row):
            if right[j] and path not in seen:
                seen.add(path)
                kept[-1].append(j)
    return kept


@proof.wrong(says="begin at 0")
def numbered_through(paths, correct):
    N = correct.shape[1]
    return [[p * N + j for j in found] for p, found in enumerate(distinct_right(paths, correct))]


@proof.wrong(says="another order")
def order_ignored(paths, correct):
    return distinct_right([[tuple(sorted(path)) for path in row] for row in paths], correct)


@proof.wrong(says="begin alike")
def first_equation_only(paths, correct):
    return distinct_right([[path[:1] for path in row] for row in paths], correct)


@proof.wrong(says="end alike")
def last_equation_only(paths, correct):
    return distinct_right([[path[-1:] for path in row] for row in paths], correct)


@proof.wrong(says="IndexError")
def last_equation_stops(paths, correct):
    ends = [[(path[-1], len(path), path[0]) for path in row] for row in paths]
    return distinct_right(ends, correct)


@proof.wrong(says="path like the others")
def without_empty_paths(paths, correct):
    return [[j for j in found if row[j]] for row, found in with_kept(paths, correct)]


@proof.wrong(says="should ascend")
def indices_descend(paths, correct):
    return [found[::-1] for found in distinct_right(paths, correct)]


@proof.wrong(says="1 for kept")
def marked(paths, correct):
    return [[j in found for j in range(len(row))] for row, found in with_kept(paths, correct)]


@proof.wrong(says="not a set or a dictionary")
def as_sets(paths, correct):
    return [set(found) for found in distinct_right(paths, correct)]


@proof.wrong(says="it is not kept")
def asks_for_true_itself(paths, correct):
    return [[j for j, right in enumerate(row) if right is True] for row in correct.tolist()]


@proof.wrong(says="inside the loop")
def first_problem_only(paths, correct):
    return distinct_right(paths, correct)[:1]


@proof.wrong(says="without a -1")
def filled_up(paths, correct):
    kept = distinct_right(paths, correct)
    most = max(map(len, kept))
    return [found + [-1] * (most - len(found)) for found in kept]


@proof.wrong(says="next to its original")
def neighbours_only(paths, correct):
    kept = []
    for row, right in problems(paths, correct):
        kept.append([])
        for j, path in enumerate(row):
            a_copy = j > 0 and right[j - 1] and row[j - 1] == path
            if right[j] and not a_copy:
                kept[-1].append(j)
    return kept


@proof.wrong(says="changes its input")
def marks_copies(paths, correct):
    found = distinct_right(paths, correct)
    correct.zero_()
    return found


@proof.wrong(says="larger and less tidy")
def at_most_three(paths, correct):
    return [found[:3] for found in distinct_right(paths, correct)]


@proof.right
def looking_back(paths, correct):
    kept = []
    for row, right in problems(paths, correct):
        kept.append([])
        for j, path in enumerate(row):
            before = any(right[i] and row[i] == path for i in range(j))
            if right[j] and not before:
                kept[-1].append(j)
    return kept


@proof.right
def backwards(paths, correct):
    kept = []
    for row, right in zip(paths, np.asarray(correct)):
        first = {}
        for j in reversed(range(len(row))):
            if right[j] == 1:
                first[row[j]] = j
        kept.append(np.array(sorted(first.values()), dtype=int))
    return kept
