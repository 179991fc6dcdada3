"""Proof of the check of ex04.pick_reward_model: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "pick_reward_model")
pick_reward_model = proof.solved("pick_reward_model")


@proof.probe()
def pick_reward_model_inputs(rng):
    for k in range(40):
        P = int(rng.integers(2, 24))
        N = 1 if k == 0 else int(rng.integers(2, 9))
        L = int(rng.integers(1, P + 1))
        labels = int(rng.integers(2, 2 * L + 2))
        first = random_ranks(rng, P, N)
        second = random_ranks(rng, P, N)
        gold = rng.integers(-8, 9, (L, N)) / 4.0
        yield first, second, torch.tensor(gold), labels


def random_ranks(rng, P, N):
    """Scores without ties, (P, N), on a scale of their own."""
    return torch.tensor(np.argsort(rng.random((P, N)), axis=1) / 2.0 + rng.integers(-3, 4))


def gold_of_choices(scores, gold, m):
    """The gold of what a model chooses on the first m prompts, (m,)."""
    return gold[torch.arange(m), scores[:m].argmax(1)]


def order_agrees(scores, gold):
    """Pairs of candidates that scores order as gold does, minus those that they do not."""
    by_scores = (scores[:, :, None] - scores[:, None]).sign()  # (m, N, N)
    by_gold = (gold[:, :, None] - gold[:, None]).sign()
    return (by_scores * by_gold).sum()


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
    a, b = (gold[:m][:, scores[:m].argmax(1)].mean() for scores in (first, second))
    return int(b > a)


@proof.wrong(says="own prompt's row")
def nearest_to_gold(first, second, gold, labels):
    m = labels // 2
    a, b = (((scores[:m] - gold[:m]) ** 2).mean() for scores in (first, second))
    return int(a > b)


@proof.wrong(says="own prompt's row")
def by_accuracy(first, second, gold, labels):
    m = labels // 2
    return int(order_agrees(second[:m], gold[:m]) > order_agrees(first[:m], gold[:m]))


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
    a = gold_of_choices(first, gold, labels // 2)
    b = gold_of_choices(second, gold, labels // 2)
    lead = (b > a).sum() - (a > b).sum()
    return int(lead > 0 or (lead == 0 and b.sum() > a.sum()))


@proof.wrong(says="nor the highest gold")
def highest_gold(first, second, gold, labels):
    a = gold_of_choices(first, gold, labels // 2)
    b = gold_of_choices(second, gold, labels // 2)
    return int(b.max() > a.max())


@proof.wrong(says="prompts won")
def wins_alone(first, second, gold, labels):
    a = gold_of_choices(first, gold, labels // 2)
    b = gold_of_choices(second, gold, labels // 2)
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
    best = gold[:m].argmax(1)
    a, b = (scores[torch.arange(m), best].mean() for scores in (first, second))
    return int(b > a)


@proof.wrong(says="choose a reply on both")
def one_choice_of_all(first, second, gold, labels):
    m = labels // 2
    a, b = (gold[:m].flatten()[scores[:m].argmax()] for scores in (first, second))
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
    a = gold_of_choices(first, gold, labels // 2)
    b = gold_of_choices(second, gold, labels // 2)
    return max(float(a.mean()), float(b.mean()))


@proof.wrong(says="counted from 0")
def from_one(first, second, gold, labels):
    return 1 + pick_reward_model(first, second, gold, labels)


@proof.wrong(says="stopped with")
def forgets_to_cut(first, second, gold, labels):
    a, b = (gold_of_choices(scores, gold, len(scores)).mean() for scores in (first, second))
    return int(b > a)


@proof.wrong(says="larger and less tidy")
def at_most_three(first, second, gold, labels):
    return pick_reward_model(first, second, gold, min(labels, 6))


@proof.right
def with_one_hot(first, second, gold, labels):
    m = labels // 2
    means = []
    for scores in (first, second):
        chosen = torch.nn.functional.one_hot(scores[:m].argmax(1), gold.shape[1]).float()
        means.append(torch.bmm(gold[:m, None], chosen[:, :, None]).mean())
    return int(means[1] > means[0])


@proof.right
def pick_by_loop(first, second, gold, labels):
    total = 0.0
    for i in range(labels // 2):
        total += float(gold[i, second[i].argmax()]) - float(gold[i, first[i].argmax()])
    return 1 if total > 0 else 0


@proof.right
def pick_in_numpy(first, second, gold, labels):
    m = labels // 2
    first, second, gold = (np.asarray(x, dtype=np.float32)[:m] for x in (first, second, gold))
    means = [
        np.take_along_axis(gold, scores.argmax(1)[:, None], 1).mean() for scores in (first, second)
    ]
    return np.argmax(means)
