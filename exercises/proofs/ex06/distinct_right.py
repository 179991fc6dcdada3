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
        stock = [
            tuple(
                f"{a}+{b}={a + b}"
                for a, b in rng.integers(1, 9, (int(rng.integers(0, 4)), 2)).tolist()
            )
            for _ in range(4)
        ]
        stock.append(stock[0][::-1])
        yield (
            [[stock[int(i)] for i in row] for row in rng.integers(0, 5, (P, N))],
            torch.tensor((rng.random((P, N)) < rng.uniform(0.1, 1)).astype(np.float32)),
        )


def kept_by(paths, correct, key=lambda path: path, wrong_ones=False):
    return [
        list(
            {key(row[j]): j for j in reversed(range(len(row))) if wrong_ones or right[j]}.values()
        )[::-1]
        for row, right in zip(paths, correct.tolist())
    ]


@proof.wrong(says="indices are wanted")
def the_paths(paths, correct):
    return [[row[j] for j in found] for row, found in zip(paths, distinct_right(paths, correct))]


@proof.wrong(says="how many")
def how_many(paths, correct):
    return [len(found) for found in distinct_right(paths, correct)]


@proof.wrong(says="it is a copy")
def all_right_ones(paths, correct):
    return [[j for j, r in enumerate(row) if r] for row in correct.tolist()]


@proof.wrong(says="last reply of a path")
def last_ones(paths, correct):
    return [
        sorted({path: j for j, path in enumerate(row) if right[j]}.values())
        for row, right in zip(paths, correct.tolist())
    ]


@proof.wrong(says="not right")
def right_or_not(paths, correct):
    return distinct_right(paths, torch.ones_like(correct))


@proof.wrong(says="used up")
def wrong_ones_count(paths, correct):
    return [
        [j for j in found if right[j]]
        for found, right in zip(distinct_right(paths, torch.ones_like(correct)), correct.tolist())
    ]


@proof.wrong(says="count all replies")
def numbered_among_right(paths, correct):
    return distinct_right(
        [[p for p, r in zip(row, right) if r] for row, right in zip(paths, correct.tolist())],
        torch.ones_like(correct),
    )


@proof.wrong(says="move up")
def leaves_problems_out(paths, correct):
    return [found for found in distinct_right(paths, correct) if found]


@proof.wrong(says="nothing seen")
def seen_everywhere(paths, correct):
    seen, kept = set(), []
    for row, right in zip(paths, correct.tolist()):
        kept.append(
            [j for j, path in enumerate(row) if right[j] and not (path in seen or seen.add(path))]
        )
    return kept


@proof.wrong(says="begin at 0")
def numbered_through(paths, correct):
    return [
        [i * len(row) + j for j in found]
        for i, (row, found) in enumerate(zip(paths, distinct_right(paths, correct)))
    ]


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
    return distinct_right(
        [[(path[-1], len(path), path[0]) for path in row] for row in paths], correct
    )


@proof.wrong(says="path like the others")
def without_empty_paths(paths, correct):
    return [
        [j for j in found if row[j]] for row, found in zip(paths, distinct_right(paths, correct))
    ]


@proof.wrong(says="should ascend")
def indices_descend(paths, correct):
    return [found[::-1] for found in distinct_right(paths, correct)]


@proof.wrong(says="1 for kept")
def marked(paths, correct):
    return [
        [j in found for j in range(len(row))]
        for row, found in zip(paths, distinct_right(paths, correct))
    ]


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
    found = distinct_right(paths, correct)
    return [row + [-1] * (max(map(len, found)) - len(row)) for row in found]


@proof.wrong(says="next to its original")
def neighbours_only(paths, correct):
    return [
        [
            j
            for j in range(len(row))
            if right[j] and (j == 0 or not right[j - 1] or row[j] != row[j - 1])
        ]
        for row, right in zip(paths, correct.tolist())
    ]


@proof.wrong(says="changes its input")
def marks_copies(paths, correct):
    found = distinct_right(paths, correct)
    correct.zero_()
    return found


@proof.wrong(hidden=True)
def at_most_three(paths, correct):
    return [found[:3] for found in distinct_right(paths, correct)]


@proof.right
def looking_back(paths, correct):
    return [
        [
            j
            for j in range(len(row))
            if correct[i, j] and not any(correct[i, l] and row[l] == row[j] for l in range(j))
        ]
        for i, row in enumerate(paths)
    ]


@proof.right
def backwards(paths, correct):
    out = []
    for row, right in zip(paths, np.asarray(correct)):
        out.append(
            np.array(
                sorted(
                    {
                        path: j for j, path in reversed(list(enumerate(row))) if right[j] == 1
                    }.values()
                ),
                dtype=int,
            )
        )
    return out
