"""Selection rules for a verifier, whose reward says right or wrong: keep what passes."""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ..base import CourseError, Prompt, require
from .pool import Pool
from .scoring import finite_reward, keep
from .selection import Selection

Key = Callable[[Any, str, dict[str, Any]], Hashable]  # prompt, text, info


def threshold(
    pool: Pool, by: str | None = None, minimum: float = 1.0, at_most: int | None = None
) -> Selection:
    """Every candidate with reward ≥ ``minimum``, or the best ``at_most`` of them per prompt.

    (ReST-EM, 2312.06585, has at most 10.) Ties go to the lowest candidate index; with a 0/1
    verifier all that pass tie, so ``at_most`` keeps the first that pass.
    """
    scores = finite_reward(pool, by)
    passed = (scores >= np.float32(minimum)) & pool.present.numpy()  # (P, N)
    counts = _capped(passed.sum(1), at_most)
    return keep(pool, scores, counts, "threshold", by=by, minimum=minimum, at_most=at_most)


def distinct_paths(
    pool: Pool,
    by: str | None = None,
    minimum: float = 1.0,
    key: Key | None = None,
    at_most: int | None = None,
) -> Selection:
    """Of each prompt's candidates with reward ≥ ``minimum``, the first for each distinct path.

    A path is ``key(prompt, text, info)``, e.g. a candidate's equations as a tuple; the default is
    the text with its white space evened out (RFT, 2308.01825). The first (lowest candidate index)
    stands for its path whatever its reward, and ``at_most`` keeps the paths seen first.
    """
    passed = (finite_reward(pool, by) >= np.float32(minimum)) & pool.present.numpy()  # (P, N)
    first = _first_of_each(pool, passed, key or _plain_text)
    counts = _capped(first.sum(1).astype(int), at_most)
    return keep(pool, first, counts, "distinct_paths", by=by, minimum=minimum, at_most=at_most)


def _plain_text(prompt: Prompt, text: str, info: dict[str, Any]) -> str:
    return " ".join(text.split())


def _first_of_each(pool: Pool, passed: np.ndarray, key: Key) -> np.ndarray:
    """(P, N) float64: 1 for the first candidate of each path among those that ``passed``."""
    first = np.zeros(passed.shape)
    for i, row in enumerate(passed):
        seen = set()
        for j in np.nonzero(row)[0]:
            path = key(pool.prompts[i], pool.texts[i][j], pool.info[i])
            try:
                first[i, j] = path not in seen
                seen.add(path)
            except TypeError as error:
                raise CourseError(
                    "key must return a value that can be put in a set; got a "
                    f"{type(path).__name__}. Return a tuple or a string."
                ) from error
    return first


def _capped(counts: np.ndarray, at_most: int | None) -> np.ndarray:
    """``counts`` (P,), none of them above ``at_most``."""
    require(
        at_most is None or at_most >= 1,
        f"at_most must be 1 or more, or None for no limit; got {at_most}.",
    )
    return counts if at_most is None else np.minimum(counts, at_most)
