"""What proves ex08's check of split_prompts: probes, wrong solutions, other right ones."""

import numpy as np

from course_lib.authoring.proofs import Proof

proof = Proof("ex08", "split_prompts")


@proof.probe()
def split_prompts_inputs(rng):
    words = [
        "open it",
        "print",
        "reset my password",
        "Print ",
        "PRINT",
        "open  it",
        "Open\tit",
        "openit",
        "reset my  Password",
        "save the file",
        "save  the\nfile",
        "send",
        "close",
        "print?",
    ]
    for _ in range(30):
        P = int(rng.integers(2, 16))
        prompts = [words[k] for k in rng.integers(0, len(words), P)]
        yield prompts, float(rng.choice([0.125, 0.25, 0.5, 0.75]))
    many = [f"Question {k}" for k in rng.integers(0, 40, 60)]
    yield many, 0.25


def _key(prompt):
    """The same text for prompts that are the same."""
    return " ".join(prompt.lower().split())


def _groups(prompts, key=_key):
    """key → indices of its prompts, in order of first appearance."""
    groups = {}
    for i, prompt in enumerate(prompts):
        groups.setdefault(key(prompt), []).append(i)
    return groups


def _split_by(prompts, share, key=_key, order=None, enough=None):
    """The reference with one thing exchanged.

    ``order``: groups → lists of indices. ``enough``: whether the test set may stay as it is.
    """
    groups = _groups(prompts, key)
    listed = order(groups) if order else list(groups.values())
    enough = enough or (lambda test: len(test) >= share * len(prompts))
    test = []
    for members in reversed(listed):
        if enough(test):
            break
        test = test + members
    train = [i for i in range(len(prompts)) if i not in test]
    return train, sorted(test)


@proof.wrong(says="the same prompt is in training and in test")
def cut_at_an_index(prompts, share):
    k = len(prompts) - int(np.ceil(share * len(prompts)))
    return list(range(k)), list(range(k, len(prompts)))


@proof.wrong(says="capital letters")
def exact_text(prompts, share):
    return _split_by(prompts, share, key=lambda p: p)


@proof.wrong(says="two blanks in a row")
def lower_and_strip(prompts, share):
    return _split_by(prompts, share, key=lambda p: p.lower().strip())


@proof.wrong(says="tab")
def one_replace(prompts, share):
    return _split_by(prompts, share, key=lambda p: p.lower().strip().replace("  ", " "))


@proof.wrong(says="any length")
def two_at_a_time(prompts, share):
    def key(p):
        spaced = p.lower().replace("\t", " ").replace("\n", " ").strip()
        return spaced.replace("  ", " ")

    return _split_by(prompts, share, key=key)


@proof.wrong(says="missing")
def drops_duplicates(prompts, share):
    train, test = _split_by(prompts, share)
    seen, first = set(), []
    for i, p in enumerate(prompts):
        if p.lower() not in seen:
            first.append(i)
        seen.add(p.lower())
    return [i for i in train if i in first], [i for i in test if i in first]


@proof.wrong(says="wrong way round")
def swapped(prompts, share):
    return _split_by(prompts, share)[::-1]


@proof.wrong(says="first prompt went to test")
def from_the_front(prompts, share):
    return _split_by(prompts, share, order=lambda g: list(g.values())[::-1])


@proof.wrong(says="less than the share")
def rounds_down(prompts, share):
    return _split_by(prompts, share, enough=lambda test: len(test) >= int(share * len(prompts)))


@proof.wrong(says="Stop as soon as")
def more_than(prompts, share):
    return _split_by(prompts, share, enough=lambda test: len(test) > share * len(prompts))


@proof.wrong(says="not groups")
def share_of_groups(prompts, share):
    groups = list(_groups(prompts).values())
    k = len(groups) - int(np.ceil(share * len(groups)))
    return sorted(sum(groups[:k], [])), sorted(sum(groups[k:], []))


@proof.wrong(says="alphabetical")
def sorted_groups(prompts, share):
    return _split_by(prompts, share, order=lambda g: [g[k] for k in sorted(g)])


@proof.wrong(says="not by last")
def by_last_appearance(prompts, share):
    def order(groups):
        return sorted(groups.values(), key=lambda members: members[-1])

    return _split_by(prompts, share, order=order)


@proof.wrong(says="these are prompts")
def the_prompts(prompts, share):
    train, test = _split_by(prompts, share)
    return [prompts[i] for i in train], [prompts[i] for i in test]


@proof.wrong(says="one space, not none")
def no_blanks_at_all(prompts, share):
    return _split_by(prompts, share, key=lambda p: "".join(p.lower().split()))


@proof.wrong(says="a question mark was removed")
def no_punctuation(prompts, share):
    return _split_by(prompts, share, key=lambda p: _key(p.replace("?", "")))


@proof.wrong(says="a line end makes")
def spaces_and_tabs(prompts, share):
    def key(p):
        words = p.lower().replace("\t", " ").split(" ")
        return " ".join(word for word in words if word)

    return _split_by(prompts, share, key=key)


@proof.wrong(says="ascending")
def group_by_group(prompts, share):
    train, test = _split_by(prompts, share)
    keys = [_key(p) for p in prompts]
    return sorted(train, key=lambda i: keys.index(keys[i])), test


@proof.wrong(says="ascending")
def as_moved(prompts, share):
    train, test = _split_by(prompts, share)
    return train, test[::-1]


@proof.wrong(says="A set has no order")
def as_sets(prompts, share):
    return tuple(map(set, _split_by(prompts, share)))


@proof.wrong(says="True and False")
def as_masks(prompts, share):
    train, test = _split_by(prompts, share)
    indices = range(len(prompts))
    return [i in train for i in indices], [i in test for i in indices]


@proof.wrong(says="lists within a list")
def lists_of_groups(prompts, share):
    train, test = _split_by(prompts, share)
    return train, [test]


@proof.wrong(says="return nothing")
def sort_returns_none(prompts, share):
    train, test = _split_by(prompts, share)
    return train, test.sort()


@proof.wrong(says="not of training")
def share_of_training(prompts, share):
    return _split_by(prompts, 1 - share)


@proof.wrong(says="Count prompts, not groups")
def groups_against_prompts(prompts, share):
    asked = []  # one entry for each group that was asked about

    def enough(test):
        asked.append(test)
        return len(asked) - 1 >= share * len(prompts)

    return _split_by(prompts, share, enough=enough)


@proof.wrong(says="before anything is moved")
def looks_after_moving(prompts, share):
    def enough(test):
        return bool(test) and len(test) >= share * len(prompts)

    return _split_by(prompts, share, enough=enough)


@proof.right
def by_first_index(prompts, share):
    import re

    keys = [re.sub(r"\s+", " ", p.lower()).strip() for p in prompts]
    first = np.array([keys.index(k) for k in keys])
    for cut in sorted({*first.tolist(), len(prompts)}, reverse=True):
        if (first >= cut).sum() >= share * len(prompts):
            break
    return np.flatnonzero(first < cut), np.flatnonzero(first >= cut)


@proof.right
def one_by_one(prompts, share):
    keys = [" ".join(p.casefold().split()) for p in prompts]
    names = []
    for k in keys:
        if k not in names:
            names.append(k)
    test = set()
    while sum(k in test for k in keys) < share * len(keys):
        test.add(names.pop())
    train_indices = [i for i, k in enumerate(keys) if k not in test]
    test_indices = [i for i, k in enumerate(keys) if k in test]
    return train_indices, test_indices
