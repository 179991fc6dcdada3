"""Statistics of texts: how much they repeat, how alike they are."""

from collections.abc import Sequence

import numpy as np

from ..base import require
from .arrays import as_texts


def distinct_n(texts: Sequence[str], n: int = 2) -> float:
    """distinct-n of a list of texts, in [0, 1]: different n-grams of words divided by all n-grams.

    0 when there are none. It falls as texts are added, so compare lists of equal length only.
    Source: 1510.03055.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    grams = []
    for text in as_texts(texts):
        words = text.split()
        for i in range(len(words) - n + 1):
            grams.append(tuple(words[i : i + n]))
    return len(set(grams)) / len(grams) if grams else 0.0


def distinct_fraction(texts: Sequence[str]) -> float:
    """Share of different texts among N, in (0, 1]: 1 when no two are equal, 1/N when all are.

    It falls as N grows: compare equal N only.
    """
    texts = as_texts(texts)
    require(len(texts) > 0, "no texts: give at least one.")
    return len(set(texts)) / len(texts)


def mean_similarity(texts: Sequence[str]) -> np.ndarray:
    """(N,) mean similarity of each text to the other N − 1, in [0, 1]; zeros for a single text.

    Similarity is the F1 of two bags of words (split on white space, case kept): 2·|shared words| /
    (|a| + |b|), and 1 for two empty texts.
    """
    bags = [text.split() for text in texts]
    column: dict[str, int] = {}  # word → its column
    for bag in bags:
        for word in bag:
            column.setdefault(word, len(column))
    rows = []
    for bag in bags:
        rows.append(np.bincount([column[word] for word in bag], minlength=len(column)))
    counts = np.array(rows)  # (N, words)
    shared = np.array([np.minimum(row, counts).sum(1) for row in counts])  # (N, N)
    total = counts.sum(1)[:, None] + counts.sum(1)  # (N, N)
    f1 = np.where(total > 0, 2 * shared / np.maximum(total, 1), 1.0)
    # a text is like itself to 1, which does not count
    return (f1.sum(1) - 1) / max(len(texts) - 1, 1)
