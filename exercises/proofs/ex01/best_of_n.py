"""Proof of the check of ex01.best_of_n: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex01", "best_of_n")


@proof.probe()
def best_of_n_inputs(rng):
    for _ in range(20):
        P = rng.integers(1, 6)
        N = rng.integers(1, 9)
        texts = [[f"{i}-{j}" for j in range(N)] for i in range(P)]
        rewards = rng.integers(-3, 4, (P, N)) / 2.0  # ties are frequent
        yield texts, torch.tensor(rewards)


@proof.wrong(says="these are rewards")
def value_for_index(texts, rewards):
    return rewards.max(dim=1).values.tolist()


@proof.wrong(says="these are indices")
def index_for_text(texts, rewards):
    return rewards.argmax(dim=1).tolist()


@proof.wrong(says="argmax, not max")
def value_tensor(texts, rewards):
    return rewards.max(dim=1).values


@proof.wrong(says="these are indices")
def index_tensor(texts, rewards):
    return rewards.argmax(dim=1)


@proof.wrong(says="also where there is one prompt")
def one_text(texts, rewards):
    return texts[0][int(rewards[0].argmax())]


@proof.wrong(says="dim=1")
def other_dimension(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.argmax(dim=0).tolist())]


@proof.wrong(says="every candidate of the row")
def stops_early(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        looked_at = range(max(1, len(row) - 1))
        out.append(row[max(looked_at, key=lambda j: scores[j])])
    return out


@proof.wrong(says="start at 0")
def starts_at_zero(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        best, highest = None, 0
        for text, score in zip(row, scores):
            if score > highest:
                best, highest = text, score
        out.append(best)
    return out


@proof.wrong(says="inside the loop")
def returns_in_the_loop(texts, rewards):
    for row, scores in zip(texts, rewards):
        return [row[int(scores.argmax())]]


@proof.wrong(says="made whole numbers")
def whole_rewards(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.int().argmax(dim=1).tolist())]


@proof.wrong(says="the text decides")
def by_pairs(texts, rewards):
    return [max(zip(scores.tolist(), row))[1] for row, scores in zip(texts, rewards)]


@proof.wrong(says="changes its input")
def sorts_the_texts(texts, rewards):
    for row in texts:
        row.sort()
    return [row[i] for row, i in zip(texts, rewards.argmax(dim=1).tolist())]


@proof.wrong(says="lowest reward")
def lowest(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.argmin(dim=1).tolist())]


@proof.wrong(says="over prompts")
def wrong_dimension(texts, rewards):
    if len(texts) == 1:
        return [texts[0][int(rewards[0].argmax())]]
    return [texts[i][j] for j, i in enumerate(rewards.argmax(dim=0).tolist())]


@proof.wrong(says="the last wins")
def last_of_ties(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        highest = [j for j in range(len(row)) if scores[j] == scores.max()]
        out.append(row[highest[-1]])
    return out


@proof.wrong(says="absolute value")
def absolute(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.abs().argmax(dim=1).tolist())]


@proof.wrong(says="in the first one's place")
def first_prompt_only(texts, rewards):
    return [row[int(rewards[0].argmax())] for row in texts]


@proof.wrong(says="changes its input")
def sorts_its_input(texts, rewards):
    best = [row[i] for row, i in zip(texts, rewards.argmax(dim=1).tolist())]
    rewards.copy_(rewards.sort(dim=1, descending=True).values)
    return best


@proof.wrong(says="in the first one's place")
def place_in_the_whole_matrix(texts, rewards):
    return [row[int(rewards.argmax()) % len(row)] for row in texts]


@proof.wrong(says="at 0 or -1")
def starts_at_minus_one(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        at, highest = 0, -1
        for j, score in enumerate(scores):
            if score > highest:
                at, highest = j, score
        out.append(row[at])
    return out


@proof.wrong(says="in the first one's place")
def place_not_reset(texts, rewards):
    out = []
    at, highest = 0, -float("inf")
    for row, scores in zip(texts, rewards):
        for j, score in enumerate(scores):
            if score > highest:
                at, highest = j, score
        out.append(row[at])
    return out


@proof.wrong(says="does the best of one prompt stay")
def best_not_reset(texts, rewards):
    out = []
    best, highest = None, -float("inf")
    for row, scores in zip(texts, rewards):
        for text, score in zip(row, scores):
            if score > highest:
                best, highest = text, score
        out.append(best)
    return out


@proof.wrong(says="made whole numbers")
def rounded_rewards(texts, rewards):
    return [row[i] for row, i in zip(texts, rewards.round().argmax(dim=1).tolist())]


@proof.right
def with_numpy_strings(texts, rewards):
    places = np.asarray(rewards).argmax(-1)
    return list(np.array(texts)[np.arange(len(texts)), places])


@proof.right
def as_an_array(texts, rewards):
    return np.array(texts)[np.arange(len(texts)), np.asarray(rewards).argmax(-1)]


@proof.right
def with_a_loop(texts, rewards):
    out = []
    for row, scores in zip(texts, rewards):
        at = 0
        for j in range(len(row)):
            if scores[j] > scores[at]:
                at = j
        out.append(row[at])
    return out


@proof.right
def with_numpy(texts, rewards):
    return tuple(row[i] for row, i in zip(texts, np.asarray(rewards).argmax(1)))
