"""Proof of the check of ex04.pick_reward_model: probes, wrong solutions and other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "pick_reward_model")
pick_reward_model = proof.solved("pick_reward_model")


@proof.probe()
def pick_reward_model_inputs(rng):
    for k in range(40):
        P, N = int(rng.integers(2, 24)), 1 if k == 0 else int(rng.integers(2, 9))
        L = int(rng.integers(1, P + 1))
        labels = int(rng.integers(2, 2 * L + 2))
        a, b = (
            torch.tensor(np.argsort(rng.random((P, N)), axis=1) / 2.0 + rng.integers(-3, 4))
            for _ in range(2)
        )
        yield a, b, torch.tensor(rng.integers(-8, 9, (L, N)) / 4.0), labels


@proof.wrong(says="scores of its own")
def by_own_scores(first, second, gold, labels):
    m = labels // 2
    return int(second[:m].max(1).values.mean() > first[:m].max(1).values.mean())


@proof.wrong(says="argmax")
def takes_the_lowest(first, second, gold, labels):
    return pick_reward_model(-first, -second, gold, labels)


@proof.wrong(says="own prompt's row")
def every_row_for_every_choice(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[:m][:, s[:m].argmax(1)].mean() for s in (first, second))
    return int(b > a)


@proof.wrong(says="own prompt's row")
def nearest_to_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (((s[:m] - gold[:m]) ** 2).mean() for s in (first, second))
    return int(a > b)


@proof.wrong(says="own prompt's row")
def by_accuracy(first, second, gold, labels):
    m = labels // 2
    a, b = (
        ((s[:m, :, None] - s[:m, None]).sign() * (gold[:m, :, None] - gold[:m, None]).sign()).sum()
        for s in (first, second)
    )
    return int(b > a)


@proof.wrong(says="right way round")
def constant_first(first, second, gold, labels):
    return 0


@proof.wrong(says="exchanged")
def constant_second(first, second, gold, labels):
    return 1


@proof.wrong(says="more than 2 labels")
def one_label_each(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2 * min(labels, len(gold)))


@proof.wrong(says="more than 2 labels")
def all_gold(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2 * len(gold))


@proof.wrong(says="odd label")
def rounds_up(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2 * min((labels + 1) // 2, len(gold)))


@proof.wrong(says="second prompt does not seem to count")
def first_prompt(first, second, gold, labels):
    return pick_reward_model(first, second, gold, 2)


@proof.wrong(says="prompts won")
def counts_wins(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[torch.arange(m), s[:m].argmax(1)] for s in (first, second))
    d = (b > a).sum() - (a > b).sum()
    return int(d > 0 or (d == 0 and b.sum() > a.sum()))


@proof.wrong(says="nor the highest gold")
def highest_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[torch.arange(m), s[:m].argmax(1)].max() for s in (first, second))
    return int(b > a)


@proof.wrong(says="prompts won")
def wins_alone(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[torch.arange(m), s[:m].argmax(1)] for s in (first, second))
    return int((b > a).sum() > (a > b).sum())


@proof.wrong(says="two labels all the same")
def one_label_where_equal(first, second, gold, labels):
    total, left = 0.0, labels
    for row, a, b in zip(gold, first.argmax(1), second.argmax(1)):
        left -= 1 if a == b else 2
        if left < 0:
            break
        total += float(row[b] - row[a])
    return int(total > 0)


@proof.wrong(says="they only say which reply is chosen")
def scores_of_the_best_by_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (s[torch.arange(m), gold[:m].argmax(1)].mean() for s in (first, second))
    return int(b > a)


@proof.wrong(says="choose a reply on both")
def one_choice_of_all(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[:m].flatten()[s[:m].argmax()] for s in (first, second))
    return int(b > a)


@proof.wrong(says="another prompt than the first")
def last_prompts(first, second, gold, labels):
    m, L = labels // 2, len(gold)
    return pick_reward_model(first[L - m : L], second[L - m : L], gold[L - m :], labels)


@proof.wrong(says="equal")
def ties_to_second(first, second, gold, labels):
    return 1 - pick_reward_model(second, first, gold, labels)


@proof.wrong(says="gold of a reply")
def returns_gold(first, second, gold, labels):
    m = labels // 2
    return max(float(gold[torch.arange(m), s[:m].argmax(1)].mean()) for s in (first, second))


@proof.wrong(says="counted from 0")
def from_one(first, second, gold, labels):
    return 1 + pick_reward_model(first, second, gold, labels)


@proof.wrong(says="stopped with")
def forgets_to_cut(first, second, gold, labels):
    g = [gold[torch.arange(len(s)), s.argmax(1)].mean() for s in (first, second)]
    return int(g[1] > g[0])


@proof.wrong(hidden=True)
def at_most_three(first, second, gold, labels):
    return pick_reward_model(first, second, gold, min(labels, 6))


@proof.right
def pick_by_loop(first, second, gold, labels):
    total = 0.0
    for i in range(labels // 2):
        total += float(gold[i, second[i].argmax()]) - float(gold[i, first[i].argmax()])
    return 1 if total > 0 else 0


@proof.right
def pick_in_numpy(first, second, gold, labels):
    first, second, gold = (
        np.asarray(x, dtype=np.float32)[: labels // 2] for x in (first, second, gold)
    )
    means = [np.take_along_axis(gold, s.argmax(1)[:, None], 1).mean() for s in (first, second)]
    return np.argmax(means)
