"""Proof of the check of ex02.distinct_bigrams: probes, wrong and right solutions."""

import numpy as np

from course_lib.authoring.proofs import Proof

proof = Proof("ex02", "distinct_bigrams")
distinct_bigrams = proof.solved("distinct_bigrams")


@proof.probe()
def distinct_bigrams_inputs(rng):
    words = "open Open the menu menu. reset your password then Thanks".split()
    for i in range(24):
        shortest = 0 if i % 3 else 2
        texts = []
        for _ in range(int(rng.integers(1, 7))):
            blank = (" ", "  ")[int(rng.integers(2))]
            known = words[: int(rng.integers(2, 11))]
            texts.append(blank.join(rng.choice(known, int(rng.integers(shortest, 13))).tolist()))
        yield (texts,)


def all_pairs(texts):
    """The pairs of neighbouring words of all texts."""
    return [pair for text in texts for pair in zip(text.split(), text.split()[1:])]


def distinct(found):
    """The share of different ones."""
    return len(set(found)) / len(found) if found else 0.0


@proof.wrong(says="number of different pairs")
def counts(texts):
    return len(set(all_pairs(texts)))


@proof.wrong(says="single words")
def single_words(texts):
    return distinct([word for text in texts for word in text.split()])


@proof.wrong(says="pairs of letters")
def letters(texts):
    return distinct([pair for text in texts for pair in zip(text, text[1:])])


@proof.wrong(says="number of words")
def by_words(texts):
    words = sum(len(text.split()) for text in texts)
    return len(set(all_pairs(texts))) / words if words else 0.0


@proof.wrong(says="order matters")
def without_order(texts):
    return distinct([tuple(sorted(pair)) for pair in all_pairs(texts)])


@proof.wrong(says="in one pair only")
def every_second(texts):
    found = []
    for text in texts:
        words = text.split()
        found += zip(words[::2], words[1::2])
    return distinct(found)


@proof.wrong(says="mean of the texts")
def mean_of_texts(texts):
    return sum(distinct_bigrams([text]) for text in texts) / len(texts) if texts else 0.0


@proof.wrong(says="from the first text into the second")
def joined(texts):
    return distinct_bigrams([" ".join(texts)])


@proof.wrong(says="repeated texts")
def without_copies(texts):
    return distinct_bigrams(sorted(set(texts)))


@proof.wrong(says="share of repeated")
def repeated_share(texts):
    return 1 - distinct_bigrams(texts)


@proof.wrong(says="ZeroDivisionError")
def divides_by_zero(texts):
    return len(set(all_pairs(texts))) / len(all_pairs(texts))


@proof.wrong(says="any number of blanks")
def split_at_one_blank(texts):
    found = []
    for text in texts:
        words = text.split(" ")
        found += zip(words, words[1:])
    return distinct(found)


@proof.wrong(says="leave the words")
def lower_case(texts):
    return distinct_bigrams([text.lower() for text in texts])


@proof.wrong(says="punctuation")
def without_punctuation(texts):
    import re

    return distinct_bigrams([" ".join(re.findall(r"\w+", text)) for text in texts])


@proof.wrong(says="in a tuple")
def words_glued(texts):
    return distinct(["".join(pair) for pair in all_pairs(texts)])


@proof.wrong(says="makes the whole result 0")
def zero_for_one_short_text(texts):
    return 0.0 if any(len(text.split()) < 2 for text in texts) else distinct_bigrams(texts)


@proof.wrong(says="stand there once")
def stand_once(texts):
    pairs = all_pairs(texts)
    return sum(pairs.count(pair) == 1 for pair in pairs) / len(pairs) if pairs else 0.0


@proof.wrong(says="neighbours only")
def any_two_words(texts):
    from itertools import combinations

    return distinct([pair for text in texts for pair in combinations(text.split(), 2)])


@proof.wrong(says="missing at the end")
def last_pair_missing(texts):
    found = []
    for text in texts:
        words = text.split()
        found += zip(words[:-2], words[1:])
    return distinct(found)


@proof.wrong(says="two words each")
def triples(texts):
    found = []
    for text in texts:
        words = text.split()
        found += zip(words, words[1:], words[2:])
    return distinct(found)


@proof.wrong(says="equal neighbours")
def unequal_only(texts):
    return distinct([(a, b) for a, b in all_pairs(texts) if a != b])


@proof.wrong(says="no word follows it")
def round_the_end(texts):
    found = []
    for text in texts:
        words = text.split()
        found += [(words[k - 1], words[k]) for k in range(len(words))]
    return distinct(found)


@proof.wrong(says="takes a pair away")
def words_less_one(texts):
    n = sum(len(text.split()) - 1 for text in texts)
    return len(set(all_pairs(texts))) / n if n else 0.0


@proof.wrong(says="the result is 0")
def always_zero(texts):
    return 0.0


@proof.wrong(says="larger and less tidy")
def short_texts_only(texts):
    cut = [text if "  " in text else " ".join(text.split()[:8]) for text in texts]
    return distinct_bigrams(cut)


@proof.right
def by_counter(texts):
    from collections import Counter

    count = Counter()
    for text in texts:
        words = text.split()
        for i in range(len(words) - 1):
            count[words[i] + " " + words[i + 1]] += 1
    return len(count) / max(sum(count.values()), 1)


@proof.right
def by_numpy(texts):
    pairs = [" ".join(pair) for pair in all_pairs(texts)]
    return np.float32(len(np.unique(pairs)) / len(pairs)) if pairs else 0
