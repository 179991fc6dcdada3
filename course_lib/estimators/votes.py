"""Votes among the answers of several samples, for tasks whose answers can be compared."""

from collections.abc import Hashable, Sequence

from ..base import require


def majority(answers: Sequence[Hashable | None]) -> Hashable | None:
    """The answer given most often; of several, the one that came first.

    None has no vote; without any answer the result is None. Source: self-consistency, 2203.11171.
    """
    return weighted_majority(answers, [1.0] * len(answers))


def weighted_majority(
    answers: Sequence[Hashable | None], weights: Sequence[float]
) -> Hashable | None:
    """The answer with the largest sum of ``weights``; of several, the one that came first.

    Each answer votes with its own weight, such as a reward model's probability that it is right.
    None has no vote. Raises :class:`~course_lib.base.CourseError` for negative weights. Source:
    2206.02336 and 2110.14168.
    """
    require(
        len(weights) == len(answers),
        f"one weight an answer is needed; got {len(weights)} for {len(answers)} answers.",
    )
    require(
        all(weight >= 0 for weight in weights),
        f"weights must be 0 or more; the lowest is {min(weights, default=0)}. Turn scores into "
        "probabilities first, for example by a sigmoid.",
    )
    votes: dict[Hashable, float] = {}
    for answer, weight in zip(answers, weights, strict=True):
        if answer is not None:
            votes[answer] = votes.get(answer, 0.0) + weight
    return max(votes, key=votes.__getitem__) if votes else None
