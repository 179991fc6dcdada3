"""Proof of the check of ex03.usable_pairs: probes, wrong and right solutions."""

import numpy as np

from course_lib.authoring.proofs import Proof

proof = Proof("ex03", "usable_pairs")
usable_pairs = proof.solved("usable_pairs")


@proof.probe()
def usable_pairs_inputs(rng):
    for _ in range(20):
        pairs = []
        for _ in range(int(rng.integers(1, 9)) + 3):
            first = rng.integers(0, 3, int(rng.integers(1, 7)))
            second = another_end(rng, first)
            pairs.append(
                {
                    "prompt": f"p{int(rng.integers(100))}",
                    "chosen": in_words(first),
                    "rejected": in_words(second) or "a",
                }
            )
        yield pairs, int(rng.integers(1, 7))


def in_words(numbers):
    return " ".join("abc"[i] for i in numbers)


def another_end(rng, first):
    """Mostly the same words with another beginning, so that the ends are often equal."""
    if rng.random() < 0.7:
        beginning = rng.integers(0, 3, int(rng.integers(0, 3)))
        return np.concatenate([beginning, first[int(rng.integers(0, 2)) :]])
    return rng.integers(0, 3, int(rng.integers(1, 7)))


def last_words(text, n):
    return text.split()[-n:]


def kept_where(pairs, seen):
    """The pairs whose texts differ by what is ``seen`` of them, and the number of the others."""
    kept = [p for p in pairs if seen(p["chosen"]) != seen(p["rejected"])]
    return kept, len(pairs) - len(kept)


@proof.wrong(says="Cut before you compare")
def whole_texts(pairs, max_words):
    return kept_where(pairs, lambda text: text)


@proof.wrong(says="the ones at the end")
def first_words(pairs, max_words):
    return kept_where(pairs, lambda text: text.split()[:max_words])


@proof.wrong(says="letters are compared")
def by_letters(pairs, max_words):
    return kept_where(pairs, lambda text: text[-max_words:])


@proof.wrong(says="counts from the end")
def negative_start(pairs, max_words):
    def seen(text):
        words = text.split()
        return words[len(words) - max_words :]

    return kept_where(pairs, seen)


@proof.wrong(says="exactly max_words")
def one_too_many(pairs, max_words):
    return usable_pairs(pairs, max_words + 1)


@proof.wrong(says="length of the other")
def both_to_the_shorter(pairs, max_words):
    def same(a, b):
        n = min(len(a), len(b), max_words)
        return a[-n:] == b[-n:]

    kept = [p for p in pairs if not same(p["chosen"].split(), p["rejected"].split())]
    return kept, len(pairs) - len(kept)


@proof.wrong(says="empty word")
def splits_at_blanks(pairs, max_words):
    return kept_where(pairs, lambda text: text.split(" ")[-max_words:])


@proof.wrong(says="punctuation")
def strips_full_stops(pairs, max_words):
    def seen(text):
        return [word.strip(".") for word in last_words(text, max_words)]

    return kept_where(pairs, seen)


@proof.wrong(says="in another order.")
def sorted_by_length(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return sorted(kept, key=lambda p: len(p["chosen"])), dropped


@proof.wrong(says="not their share")
def share_dropped(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return kept, dropped / max(len(pairs), 1)


@proof.wrong(says="counted twice")
def counts_twice(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return kept, dropped + sum(p["chosen"] == p["rejected"] for p in pairs)


@proof.wrong(says="positions")
def positions(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return [i for i, p in enumerate(pairs) if p in kept], dropped


@proof.wrong(says="one word too short")
def one_short(pairs, max_words):
    return kept_where(pairs, lambda text: text.split()[-max_words + 1 :])


@proof.wrong(says="not how many were kept")
def counts_kept(pairs, max_words):
    kept = usable_pairs(pairs, max_words)[0]
    return kept, len(kept)


@proof.wrong(says="kept pairs alone")
def only_kept(pairs, max_words):
    return usable_pairs(pairs, max_words)[0]


@proof.wrong(says="not which ones")
def gives_the_dropped(pairs, max_words):
    kept = usable_pairs(pairs, max_words)[0]
    return kept, [p for p in pairs if p not in kept] or 0


@proof.wrong(says="keep the pair as it was")
def keeps_cut_texts(pairs, max_words):
    cut = []
    for p in pairs:
        chosen = " ".join(last_words(p["chosen"], max_words))
        rejected = " ".join(last_words(p["rejected"], max_words))
        cut.append({**p, "chosen": chosen, "rejected": rejected})
    return kept_where(cut, lambda text: text)


@proof.wrong(says="loop runs over")
def removes_while_looping(pairs, max_words):
    pairs, count = list(pairs), len(pairs)
    for p in pairs:
        if last_words(p["chosen"], max_words) == last_words(p["rejected"], max_words):
            pairs.remove(p)
    return pairs, count - len(pairs)


@proof.wrong(says="not between pairs")
def unique_pairs(pairs, max_words):
    kept = []
    for p in usable_pairs(pairs, max_words)[0]:
        if p not in kept:
            kept.append(p)
    return kept, len(pairs) - len(kept)


@proof.wrong(says="another order are another text")
def sets_of_words(pairs, max_words):
    return kept_where(pairs, lambda text: set(last_words(text, max_words)))


@proof.wrong(says="capitals")
def lower_case(pairs, max_words):
    return kept_where(pairs, lambda text: last_words(text.lower(), max_words))


@proof.wrong(says="is lost")
def loses_the_prompt(pairs, max_words):
    kept, dropped = usable_pairs(pairs, max_words)
    return [{"chosen": p["chosen"], "rejected": p["rejected"]} for p in kept], dropped


@proof.wrong(says="changes its input")
def cuts_in_place(pairs, max_words):
    for p in pairs:
        for side in ("chosen", "rejected"):
            p[side] = " ".join(last_words(p[side], max_words))
    return kept_where(pairs, lambda text: text)


@proof.wrong(says="should be dropped")
def keeps_all(pairs, max_words):
    return pairs, 0


@proof.wrong(says="larger and less tidy")
def five_words_at_most(pairs, max_words):
    return usable_pairs(pairs, min(max_words, 3))


@proof.right
def with_a_loop(pairs, max_words):
    kept, dropped = [], 0
    for p in pairs:
        a, b = p["chosen"].split(), p["rejected"].split()
        a = a[max(0, len(a) - max_words) :]
        b = b[max(0, len(b) - max_words) :]
        if " ".join(a) == " ".join(b):
            dropped += 1
        else:
            kept.append(dict(p))
    return [kept, dropped]


@proof.right
def with_rsplit(pairs, max_words):
    from collections import deque

    def seen(text):
        return deque(text.split(), max_words)

    same = np.array([seen(p["chosen"]) == seen(p["rejected"]) for p in pairs], dtype=bool)
    return tuple(p for p, s in zip(pairs, same) if not s), same.sum()
