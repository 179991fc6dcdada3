# %% [markdown]
# # Exercise 08: repairing pipelines
#
# **You will:** write the five parts at which the pipelines of lesson 08 broke: a split without leaks, a filter that keeps pairs together, training examples with the right tokens in the loss, a report with a control, and a first diagnosis from measured numbers. Then you try them on the twelve patients of the clinic.
#
# **Builds on:** lesson 08.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.split_prompts.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import numpy as np
import torch

from course_lib.checks import ex08 as check

# %% [markdown] task="split_prompts"
# ## Task 1. A split without leaks
#
# Split $P$ prompts into training and test so that **no test prompt occurs in training**, not even written a little differently. Two prompts are *the same* when they are equal after two changes: all letters are lower case, and every run of blanks (spaces, tabs, line ends) is one space, with none at the two ends. So `"  Reset my\tPassword"` and `"reset my password"` are the same.
# All prompts that are the same form one group, and a group stays together.
#
# 1. Put the groups in the order in which each **first appears**.
# 2. Move groups to the test set **from the last one backwards**, and stop as soon as the test set holds at least `share` $\cdot P$ prompts (prompts, not groups).
#
# Return two lists of indices into `prompts`, `(train, test)`, each ascending. Every index is in exactly one of them.
#
# An example: `["send", "print", "Send", "close"]` has three groups, the first with two prompts. For a share of 0.5 the test set needs two prompts: "close" moves, then "print", and the result is `([0, 2], [1, 3])`.

# %% role="task" task="split_prompts"
def split_prompts(prompts, share):
    """(train, test): two ascending lists of indices, no test prompt in training. prompts: P strings; share: from 0 to 1."""
    # SOLUTION
    groups = {}
    for i, prompt in enumerate(prompts):
        groups.setdefault(" ".join(prompt.lower().split()), []).append(i)
    held_out = []
    for members in reversed(list(groups.values())):
        if len(held_out) >= share * len(prompts):
            break
        held_out += members
    return [i for i in range(len(prompts)) if i not in held_out], sorted(held_out)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
import torch

from course_lib.checks.core import Wrong, task

L08 = "lesson 08"


def _two(t, args, names):
    """The reader's two results as plain lists, and the call with what it gave."""
    got = t.run(*args)
    shown, wanted = f"{t._call(args)} gave {got!r}", f"the result should be two lists, {names}"
    t.holds(isinstance(got, (list, tuple)) and len(got) == 2, f"{wanted}.", shown)
    t.holds(all(side is not None for side in got), f"{wanted}; one of yours is None. The methods append() and sort() change a list and return nothing.", shown)
    t.holds(not any(isinstance(side, (set, frozenset)) for side in got), f"{wanted}. A set has no order.", shown)
    t.holds(all(hasattr(side, "__iter__") and not isinstance(side, (str, dict)) for side in got), f"{wanted}.", shown)
    first, second = ([x.item() if hasattr(x, "item") else x for x in side] for side in got)
    t.holds(not any(isinstance(x, (list, tuple)) for x in first + second), f"{wanted}; in yours there are lists within a list. Join them to one.", shown)
    return first, second, shown


def _split(t, prompts, share, ascending=False):
    """The reader's split, sorted, once it is two lists of indices that cover everything."""
    train, test, shown = _two(t, (prompts, share), "(train, test)")
    t.holds(not any(isinstance(x, str) for x in train + test), "these are prompts. Return their indices: two equal prompts have two indices.", shown)
    t.holds(not any(isinstance(x, bool) for x in train + test), "these are True and False. Return the indices themselves.", shown)
    t.holds(not set(train) & set(test), "an index is in both lists.", shown)
    t.holds(sorted(train + test) == list(range(len(prompts))), "an index is missing or there twice. Duplicates are kept: every index is in exactly one list.", shown)
    if ascending:
        t.holds((train, test) == (sorted(train), sorted(test)), "each list should be ascending.", shown)
    return sorted(train), sorted(test), shown


@task("ex08", points=4, minutes=18, difficulty="medium", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'Data: what is in the training set?'", hints=(
    "Give each prompt a key that is equal for prompts that are the same. Then split the keys, not the prompts.",
    "str.split() without an argument cuts at every run of blanks, so joining its result with one space collapses them. A dictionary keeps its keys in the order of first appearance.",
    "Collect for each key the list of its indices. Go through these lists in reverse; before each, stop if the test set is already large enough. What is left is training."))
def split_prompts(t):
    with t.part(1, "the last prompts go to test, until they are enough"):
        train, test, shown = _split(t, ["a", "b", "c", "d"], 0.25)
        t.holds(not (train == [3] and test == [0, 1, 2]), "the two lists are the wrong way round: (train, test).", shown)
        t.holds(test != [0], "the first prompt went to test. Begin with the last group.", shown)
        t.holds(len(test) != 3, "three prompts of four are in the test set. The share is that of the test set, not of training.", shown)
        t.holds(len(test) != 2, "one prompt of four is already at least the share of 0.25. Stop as soon as there are enough.", shown)
        t.holds(test == [3], "these are not the last prompts that fill the share.", shown)
        train, test, shown = _split(t, ["a", "b", "c", "d", "e"], 0.5, ascending=True)
        t.holds(len(test) != 2, "two prompts of five are less than the share of 0.5. At least the share is wanted.", shown)
        t.holds(test == [2, 3, 4], "these are not the last prompts that fill the share.", shown)
        _split(t, ["a", "b", "c", "a"], 0.25, ascending=True)
        train, test, shown = _split(t, ["a", "b"], 0.0)
        t.holds(test == [], "with a share of 0 the test set has enough before anything is moved.", shown)
    with t.part(1, "a prompt and its duplicates stay together"):
        train, test, shown = _split(t, ["a", "b", "c", "a"], 0.25)
        t.holds(3 not in test or 0 in test, "the same prompt is in training and in test: a leak. Move whole groups.", shown)
        t.holds(test != [0, 3], "the groups are in the order in which they appear last. Order groups by first appearance, not by last.", shown)
        t.holds(test == [2], "the last group by first appearance should go to test.", shown)
        train, test, shown = _split(t, ["z", "a", "z", "a"], 0.5)
        t.holds(test != [0, 2], "the groups are in alphabetical order here. Order them by first appearance.", shown)
        t.holds(len(test) != 4, "the last group alone holds two prompts of four, which is enough. Count prompts, not groups, and stop.", shown)
        t.holds(test == [1, 3], "the last group by first appearance should go to test, all of it.", shown)
    with t.part(1, "the share is counted in prompts, not in groups"):
        train, test, shown = _split(t, ["a", "b", "c", "c", "c", "c"], 0.5)
        t.holds(1 not in test, "the last group alone holds four of the six prompts, more than half. Count prompts, not groups.", shown)
        t.holds(len(test) == 4, "the last group fills the share by itself; a group is moved whole.", shown)
        train, test, shown = _split(t, ["a", "a", "a", "b"], 0.5)
        t.holds(test != [3], "the last group is one prompt of four, less than half. Count prompts, not groups.", shown)
        t.holds(test == [0, 1, 2, 3], "the test set should grow by whole groups until it has at least the share.", shown)
    with t.part(1, "case and blanks make no difference, and nothing else does"):
        for other, message in (("Reset It", "capital letters make two prompts of one: a leak."), ("reset  it", "two blanks in a row make two prompts of one: a leak."), (" reset it ", "blanks at the ends make two prompts of one: a leak."),
                               ("reset\tit", "a tab makes two prompts of one: a leak. Tabs and line ends are blanks too."), ("reset\nit", "a line end makes two prompts of one: a leak. Line ends are blanks too."),
                               ("reset    it", "four blanks in a row make two prompts of one: a leak. Collapse runs of any length.")):
            train, test, shown = _split(t, ["reset it", "print", "send", other], 0.25)
            t.holds(3 not in test or 0 in test, message, shown)
            t.holds(test == [2], "the last group by first appearance should go to test.", shown)
        train, test, shown = _split(t, ["reset it", "print", "resetit", "print?"], 0.5)
        t.holds(test != [1, 3], "a blank between two words was removed. Runs of blanks become one space, not none.", shown)
        t.holds(1 not in test, "a question mark was removed. Only capital letters and runs of blanks make no difference.", shown)
        t.holds(test == [2, 3], "these are four different prompts, and the last two should go to test.", shown)

# %% role="hidden"
@probe("split_prompts")
def split_prompts_inputs(rng):
    words = ["open it", "print", "reset my password", "Print ", "PRINT", "open  it", "Open\tit", "openit", "reset my  Password", "save the file", "save  the\nfile", "send", "close", "print?"]
    for _ in range(30):
        P = int(rng.integers(2, 16))
        yield [words[k] for k in rng.integers(0, len(words), P)], float(rng.choice([0.125, 0.25, 0.5, 0.75]))
    yield [f"Question {k}" for k in rng.integers(0, 40, 60).tolist()], 0.25

# %% role="wrong"
def _split_by(prompts, share, key=lambda p: " ".join(p.lower().split()), order=None, enough=None):
    """The reference with one thing exchanged."""
    groups = {}
    for i, p in enumerate(prompts):
        groups.setdefault(key(p), []).append(i)
    listed = order(groups) if order else list(groups.values())
    test = []
    for members in reversed(listed):
        if (enough or (lambda test: len(test) >= share * len(prompts)))(test):
            break
        test = test + members
    return [i for i in range(len(prompts)) if i not in test], sorted(test)


@wrong("split_prompts", says="the same prompt is in training and in test")
def cut_at_an_index(prompts, share):
    k = len(prompts) - int(np.ceil(share * len(prompts)))
    return list(range(k)), list(range(k, len(prompts)))


@wrong("split_prompts", says="capital letters")
def exact_text(prompts, share):
    return _split_by(prompts, share, key=lambda p: p)


@wrong("split_prompts", says="two blanks in a row")
def lower_and_strip(prompts, share):
    return _split_by(prompts, share, key=lambda p: p.lower().strip())


@wrong("split_prompts", says="tab")
def one_replace(prompts, share):
    return _split_by(prompts, share, key=lambda p: p.lower().strip().replace("  ", " "))


@wrong("split_prompts", says="any length")
def two_at_a_time(prompts, share):
    return _split_by(prompts, share, key=lambda p: p.lower().replace("\t", " ").replace("\n", " ").strip().replace("  ", " "))


@wrong("split_prompts", says="missing")
def drops_duplicates(prompts, share):
    train, test = _split_by(prompts, share)
    seen, first = set(), []
    for i, p in enumerate(prompts):
        if p.lower() not in seen:
            first.append(i)
        seen.add(p.lower())
    return [i for i in train if i in first], [i for i in test if i in first]


@wrong("split_prompts", says="wrong way round")
def swapped(prompts, share):
    return _split_by(prompts, share)[::-1]


@wrong("split_prompts", says="first prompt went to test")
def from_the_front(prompts, share):
    return _split_by(prompts, share, order=lambda g: list(g.values())[::-1])


@wrong("split_prompts", says="less than the share")
def rounds_down(prompts, share):
    return _split_by(prompts, share, enough=lambda test: len(test) >= int(share * len(prompts)))


@wrong("split_prompts", says="Stop as soon as")
def more_than(prompts, share):
    return _split_by(prompts, share, enough=lambda test: len(test) > share * len(prompts))


@wrong("split_prompts", says="not groups")
def share_of_groups(prompts, share):
    groups = {}
    for i, p in enumerate(prompts):
        groups.setdefault(" ".join(p.lower().split()), []).append(i)
    k = len(groups) - int(np.ceil(share * len(groups)))
    train, test = [sorted(sum(part, [])) for part in (list(groups.values())[:k], list(groups.values())[k:])]
    return train, test


@wrong("split_prompts", says="alphabetical")
def sorted_groups(prompts, share):
    return _split_by(prompts, share, order=lambda g: [g[k] for k in sorted(g)])


@wrong("split_prompts", says="not by last")
def by_last_appearance(prompts, share):
    return _split_by(prompts, share, order=lambda g: sorted(g.values(), key=lambda members: members[-1]))


@wrong("split_prompts", says="these are prompts")
def the_prompts(prompts, share):
    train, test = _split_by(prompts, share)
    return [prompts[i] for i in train], [prompts[i] for i in test]


@wrong("split_prompts", says="one space, not none")
def no_blanks_at_all(prompts, share):
    return _split_by(prompts, share, key=lambda p: "".join(p.lower().split()))


@wrong("split_prompts", says="a question mark was removed")
def no_punctuation(prompts, share):
    return _split_by(prompts, share, key=lambda p: " ".join(p.lower().replace("?", "").split()))


@wrong("split_prompts", says="a line end makes")
def spaces_and_tabs(prompts, share):
    return _split_by(prompts, share, key=lambda p: " ".join(x for x in p.lower().replace("\t", " ").split(" ") if x))


@wrong("split_prompts", says="ascending")
def group_by_group(prompts, share):
    train, test = _split_by(prompts, share)
    keys = [" ".join(p.lower().split()) for p in prompts]
    return sorted(train, key=lambda i: keys.index(keys[i])), test


@wrong("split_prompts", says="ascending")
def as_moved(prompts, share):
    train, test = _split_by(prompts, share)
    return train, test[::-1]


@wrong("split_prompts", says="A set has no order")
def as_sets(prompts, share):
    return tuple(map(set, _split_by(prompts, share)))


@wrong("split_prompts", says="True and False")
def as_masks(prompts, share):
    return tuple([i in side for i in range(len(prompts))] for side in _split_by(prompts, share))


@wrong("split_prompts", says="lists within a list")
def lists_of_groups(prompts, share):
    train, test = _split_by(prompts, share)
    return train, [test]


@wrong("split_prompts", says="return nothing")
def sort_returns_none(prompts, share):
    train, test = _split_by(prompts, share)
    return train, test.sort()


@wrong("split_prompts", says="not of training")
def share_of_training(prompts, share):
    return _split_by(prompts, 1 - share)


@wrong("split_prompts", says="Count prompts, not groups")
def groups_against_prompts(prompts, share):
    moved = []
    return _split_by(prompts, share, enough=lambda test: moved.append(0) or len(moved) - 1 >= share * len(prompts))


@wrong("split_prompts", says="before anything is moved")
def looks_after_moving(prompts, share):
    return _split_by(prompts, share, enough=lambda test: bool(test) and len(test) >= share * len(prompts))

# %% role="right"
@right("split_prompts")
def by_first_index(prompts, share):
    import re
    keys = [re.sub(r"\s+", " ", p.lower()).strip() for p in prompts]
    first = np.array([keys.index(k) for k in keys])
    for cut in sorted({*first.tolist(), len(prompts)}, reverse=True):
        if (first >= cut).sum() >= share * len(prompts):
            break
    return np.flatnonzero(first < cut), np.flatnonzero(first >= cut)


@right("split_prompts")
def one_by_one(prompts, share):
    keys = [" ".join(p.casefold().split()) for p in prompts]
    names = []
    for k in keys:
        if k not in names:
            names.append(k)
    test = set()
    while sum(k in test for k in keys) < share * len(keys):
        test.add(names.pop())
    return tuple([i for i, k in enumerate(keys) if (k in test) == side] for side in (False, True))

# %% [markdown] task="keep_aligned"
# ## Task 2. A filter that keeps pairs together
#
# `prompts`, `replies` and `rewards` are three lists of length $P$ that belong together: reply $i$ answers prompt $i$ and has reward $i$. Return the list of pairs `(prompt, reply)` whose reward is **at least** `threshold`, in their order. The lesson's broken step filtered the prompts and not the replies, and `zip` said nothing.
#
# So that no later mistake of this kind goes by in silence: when the three lists differ in length, stop with a `ValueError`.

# %% role="task" task="keep_aligned"
def keep_aligned(prompts, replies, rewards, threshold):
    """The pairs (prompt, reply) with reward >= threshold, in order. prompts, replies: P strings; rewards: P numbers. ValueError when lengths differ."""
    # SOLUTION
    rows = zip(prompts, replies, rewards, strict=True)
    return [(prompt, reply) for prompt, reply, reward in rows if reward >= threshold]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _kept(t, args, right, mistakes, otherwise):
    """The reader's pairs must be ``right``; a pair may be a tuple or a list."""
    got = t.run(*args)
    shown = f"{t._call(args)} gave {got!r}"
    t.holds(not isinstance(got, dict), "this is a dictionary, in which a prompt has one reply at most. Return a list of pairs.", shown)
    t.holds(hasattr(got, "__len__") and not isinstance(got, (str, set)), "the result should be a list. What zip, filter and a generator give can be read only once: put list() around it.", shown)
    rows, wanted = ([list(row) if isinstance(row, (list, tuple)) or hasattr(row, "tolist") else row for row in pairs] for pairs in (got, right))
    for value, message in mistakes:
        t.holds(rows != [list(row) if isinstance(row, tuple) else row for row in value], message, shown)
    t.holds(all(isinstance(row, list) and len(row) == 2 for row in rows), "each element of the list should be a pair, (prompt, reply).", shown)
    t.holds(rows == wanted or sorted(map(str, rows)) != sorted(map(str, wanted)), "the pairs are the right ones in another order. Keep the order of the rows.", shown)
    t.holds(rows == wanted, f"{otherwise}.", shown)


@task("ex08", points=3, minutes=8, difficulty="easy", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'Read the replies'", hints=(
    "Filter rows, never columns: a row is one prompt with its reply and its reward.",
    "zip takes three lists as well as two, and has an argument for lists of different lengths.",
    "One loop over the three lists zipped with strict=True; keep prompt and reply of the rows whose reward is high enough."))
def keep_aligned(t):
    with t.part(1, "a kept prompt has its own reply"):
        _kept(t, (["p"], ["r"], [1.0], 0.5), [("p", "r")], [(["p"], "these are the prompts alone. A pair is (prompt, reply)."), (["r"], "these are the replies alone. A pair is (prompt, reply)."), ([("r", "p")], "the pair is turned around: the prompt comes first."),
                                                            ([("p", "r", 1.0)], "a pair is (prompt, reply), without the reward."), ([["p"], ["r"]], "these are two lists. Return one list of pairs: pairs cannot get out of step."), ([], "the only reply is above the threshold, and nothing is kept.")],
              "one pair should be kept, (prompt, reply)")
        _kept(t, (["p", "q"], ["r", "s"], [0.0, 1.0], 0.5), [("q", "s")], [([("q", "r")], "prompt 'q' got the reply to 'p': the prompts are filtered and the replies are not. Filter rows."), ([("p", "s")], "prompt 'p' got the reply to 'q': the replies are filtered and the prompts are not. Filter rows."),
                                                                           ([("p", "r")], "the row below the threshold is kept and the one above it dropped."), ([("p", "r"), ("q", "s")], "nothing was dropped: the first reward is below the threshold."),
                                                                           ([], "the second reward is above the threshold, and nothing is kept. Does the loop end at the first row?")],
              "one pair should be kept: the prompt above the threshold, with its own reply")
    with t.part(1, "keeps all that are good enough, in order, duplicates too"):
        _kept(t, (["p", "q"], ["r", "s"], [0.5, 1.0], 0.5), [("p", "r"), ("q", "s")], [([("q", "s")], "a reward equal to the threshold is dropped; 'at least' keeps it.")], "both rewards reach the threshold")
        _kept(t, (["p", "q", "v", "w"], ["r", "s", "t", "u"], [1.0, 0.0, 0.0, 2.0], 0.5), [("p", "r"), ("w", "u")], [([("w", "u")], "only the best is kept. Every row that reaches the threshold stays."), ([("p", "r")], "the last row is missing. Does the loop end at the first bad row?"),
                                                                                                                     ([("p", "r"), ("v", "t"), ("w", "u")], "of two bad rows side by side the second is kept: does the loop delete from the list it goes over?")],
              "the first and the last row should be kept, in their order")
        _kept(t, (["p", "p"], ["r", "s"], [1.0, 2.0], 0.5), [("p", "r"), ("p", "s")], [([("p", "s")], "a prompt that occurs twice lost one of its replies: is a dictionary keyed by prompt?"), ([("p", "r")], "a prompt that occurs twice lost one of its replies."), ([("p", "r"), ("p", "r")], "both rows got the first reply: index() finds the first equal prompt.")],
              "a prompt that occurs twice has two rows")
        _kept(t, (["p", "q", "q"], ["r", "s", "s"], [1.0, 1.0, 1.0], 0.5), [("p", "r"), ("q", "s"), ("q", "s")], [([("p", "r")] * 3, "all rows became the first: index() finds the first equal reward."), ([("p", "r"), ("q", "s")], "two equal rows became one. They are two training examples; keep both.")],
              "all three rows should be kept")
        _kept(t, (["p", "q"], ["r", "r"], [1.0, 0.0], 0.5), [("p", "r")], [([("p", "r"), ("q", "r")], "a row was kept because another row with the same reply is good. Look at its own reward.")], "two prompts with the same reply are two rows")
        _kept(t, (["p", "q"], ["r", "s"], [-2.0, -1.0], -1.5), [("q", "s")], [([], "rewards and thresholds may be negative."), ([("p", "r"), ("q", "s")], "rewards and thresholds may be negative; is an absolute value taken?")], "rewards and thresholds may be negative")
        _kept(t, (["p"], ["r"], [0.0], 0.5), [], [], "nothing is good enough here, so the list should be empty")
    with t.part(1, "lists of different lengths are refused"):
        for lists in ((["p", "q"], ["r"], [1.0, 1.0]), (["p"], ["r", "s"], [1.0, 1.0]), (["p", "q"], ["r", "s"], [1.0])):
            t.run(["p"], ["r"], [1.0], 0.5)  # so that an empty stub is not told about lengths
            shown = t._call((*lists, 0.5))
            try:
                t.value(*[list(x) for x in lists], 0.5)
            except ValueError:
                continue
            except Exception as error:
                raise Wrong(f"lists of different lengths should stop with a ValueError; yours stop with {type(error).__name__}.", shown) from None
            raise Wrong("the three lists differ in length and nobody is told. Stop with a ValueError, whichever of the three differs.", shown)

# %% role="hidden"
@probe("keep_aligned")
def keep_aligned_inputs(rng):
    for _ in range(25):
        P = int(rng.integers(1, 12))
        prompts, replies = [[f"{side}{k}" for k in rng.integers(0, most, P)] for side, most in (("p", 6), ("r", 4))]
        if rng.random() < 0.2:
            replies[0] = ""
        yield prompts, replies, (rng.integers(-4, 5, P) / 2.0).tolist(), float(rng.integers(-3, 4) / 2.0)

# %% role="wrong"
def _strict(*lists):
    if len({len(x) for x in lists}) > 1:
        raise ValueError("lengths differ")


@wrong("keep_aligned", says="the prompts are filtered and the replies are not")
def the_lessons_fault(prompts, replies, rewards, threshold):
    return list(zip([p for p, r in zip(prompts, rewards) if r >= threshold], replies))


@wrong("keep_aligned", says="the replies are filtered and the prompts are not")
def replies_filtered(prompts, replies, rewards, threshold):
    return list(zip(prompts, [y for y, r in zip(replies, rewards) if r >= threshold]))


@wrong("keep_aligned", says="'at least' keeps it")
def above(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r > threshold]


@wrong("keep_aligned", says="keyed by prompt")
def by_dictionary(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    return list({p: y for p, y, r in zip(prompts, replies, rewards) if r >= threshold}.items())


@wrong("keep_aligned", says="nobody is told")
def silent(prompts, replies, rewards, threshold):
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


@wrong("keep_aligned", says="IndexError")
def by_index(prompts, replies, rewards, threshold):
    return [(prompts[i], replies[i]) for i in range(len(prompts)) if rewards[i] >= threshold]


@wrong("keep_aligned", says="row below the threshold is kept")
def turned_filter(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r < threshold] or [("p", "r")] * (prompts == ["p"])


@wrong("keep_aligned", says="Keep the order of the rows")
def best_first(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    rows = sorted(zip(prompts, replies, rewards), key=lambda row: -row[2])
    return [(p, y) for p, y, r in rows if r >= threshold]


@wrong("keep_aligned", says="can be read only once")
def a_zip(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    return zip([p for p, r in zip(prompts, rewards) if r >= threshold], [y for y, r in zip(replies, rewards) if r >= threshold])


@wrong("keep_aligned", says="this is a dictionary")
def a_dictionary(prompts, replies, rewards, threshold):
    return {p: y for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold}


@wrong("keep_aligned", says="each element of the list should be a pair")
def glued(prompts, replies, rewards, threshold):
    return [p + y for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold]


@wrong("keep_aligned", says="end at the first row")
def return_in_the_loop(prompts, replies, rewards, threshold):
    kept = []
    for p, y, r in zip(prompts, replies, rewards, strict=True):
        if r >= threshold:
            kept.append((p, y))
        return kept


@wrong("keep_aligned", says="end at the first row")
def stops_at_a_bad_row(prompts, replies, rewards, threshold):
    kept = []
    for p, y, r in zip(prompts, replies, rewards, strict=True):
        if r < threshold:
            break
        kept.append((p, y))
    return kept


@wrong("keep_aligned", says="delete from the list it goes over")
def deletes_while_looping(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    prompts, replies, rewards = list(prompts), list(replies), list(rewards)
    for i, r in enumerate(rewards):
        if r < threshold:
            del prompts[i], replies[i], rewards[i]
    return list(zip(prompts, replies))


@wrong("keep_aligned", says="first equal reward")
def by_place_of_the_reward(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    return [(prompts[rewards.index(r)], replies[rewards.index(r)]) for r in rewards if r >= threshold]


@wrong("keep_aligned", says="two equal rows became one")
def without_repeats(prompts, replies, rewards, threshold):
    return list(dict.fromkeys((p, y) for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold))


@wrong("keep_aligned", says="yours stop with AssertionError")
def asserts(prompts, replies, rewards, threshold):
    assert len(prompts) == len(replies) == len(rewards)
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


@wrong("keep_aligned", says="whichever of the three")
def compares_neighbours(prompts, replies, rewards, threshold):
    if len(prompts) != len(replies) != len(rewards):
        raise ValueError("lengths differ")
    return [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


@wrong("keep_aligned", says="two lists")
def two_lists(prompts, replies, rewards, threshold):
    kept = [(p, y) for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold]
    return [p for p, _ in kept], [y for _, y in kept]


@wrong("keep_aligned", says="turned around")
def reply_first(prompts, replies, rewards, threshold):
    return [(y, p) for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold]


@wrong("keep_aligned", says="changes its input")
def pops(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    for i in range(len(rewards) - 1, -1, -1):
        if rewards[i] < threshold:
            del prompts[i], replies[i], rewards[i]
    return list(zip(prompts, replies))


@wrong("keep_aligned", hidden=True)
def empty_replies_out(prompts, replies, rewards, threshold):
    return [(p, y) for p, y, r in zip(prompts, replies, rewards, strict=True) if r >= threshold and y]

# %% role="right"
@right("keep_aligned")
def with_indices(prompts, replies, rewards, threshold):
    if not len(prompts) == len(replies) == len(rewards):
        raise ValueError(f"three lists of one length are needed; got {len(prompts)}, {len(replies)} and {len(rewards)}.")
    good = np.flatnonzero(np.asarray(rewards, dtype=np.float32) >= threshold)
    return [[prompts[i], replies[i]] for i in good]


@right("keep_aligned")
def with_a_mask(prompts, replies, rewards, threshold):
    from itertools import compress
    pairs = list(zip(prompts, replies, strict=True))
    mask = (torch.tensor(rewards) >= threshold).tolist()
    if len(mask) != len(pairs):
        raise ValueError("lengths differ")
    return tuple(compress(pairs, mask))

# %% [markdown] task="training_ids"
# ## Task 3. What the optimiser sees
#
# One training example from token ids: the prompt, then the reply, then the end token, **but the end token only if the reply was finished**. A reply that was cut at the token limit gets none: it did not end there. What there is of it is learnt all the same. Return `(ids, mask)`, two lists of the same length. The mask says which tokens are *learnt* (carry loss): 0 on the prompt, 1 on the reply and on its end token.
# `reply` comes without an end token. (Mask position $t$ belongs to `ids[t]`; the shift by one that predicting needs is made elsewhere.)

# %% role="task" task="training_ids"
def training_ids(prompt, reply, end, finished):
    """(ids, mask) of one example. prompt, reply: lists of token ids; end: the end token's id; finished: whether the reply ended by itself."""
    # SOLUTION
    learnt = list(reply) + ([end] if finished else [])
    return list(prompt) + learnt, [0] * len(prompt) + [1] * len(learnt)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _example(t, args):
    ids, mask, shown = _two(t, args, "(ids, mask)")
    return (ids, mask), shown


@task("ex08", points=4, minutes=10, difficulty="medium", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'What is trained: which tokens carry loss?'", hints=(
    "Everything that comes after the prompt is learnt, and nothing else. So first build the part that is learnt.",
    "The mask depends on places, not on which tokens stand there: so many zeros, then so many ones.",
    "The learnt part is the reply, with [end] after it if finished. Zeros for the length of the prompt, ones for the length of the learnt part."))
def training_ids(t):
    with t.part(1, "prompt, reply and, when finished, the end token"):
        (ids, mask), shown = _example(t, ([5], [7], 2, True))
        t.holds(set(ids) - {0, 1} and not (ids == [0, 1, 1] and mask == [5, 7, 2]), "the two lists are the wrong way round: (ids, mask).", shown)
        t.holds(ids != [5, 7], "the end token is missing: a policy that never learns it does not stop.", shown)
        t.holds(ids != [7, 2], "the prompt is missing from ids. It carries no loss, but the reply is read after it.", shown)
        t.holds(ids != [5, 2, 7, 2], "there is an end token after the prompt too.", shown)
        t.holds(ids == [5, 7, 2], "ids should be the prompt, the reply and the end token, in this order.", shown)
        (ids, mask), shown = _example(t, ([5, 6], [7, 8, 9], 1, True))
        t.holds(ids[-1:] != [2], "the end token here is 1: use the argument, not a number of your own.", shown)
        t.holds(ids == [5, 6, 7, 8, 9, 1], "ids should be the prompt, the reply and the end token, in this order.", shown)
    with t.part(1, "a reply that was cut gets no end token"):
        (ids, mask), shown = _example(t, ([5], [7], 2, False))
        t.holds(ids != [5, 7, 2], "the reply was cut at the limit and you end it all the same: the policy learns to stop in mid-sentence.", shown)
        t.holds(ids == [5, 7], "a reply that was cut is still trained on: prompt and reply, without an end token.", shown)
        t.holds(len(mask) == 2, "the mask should be as long as ids.", shown)
    with t.part(1, "the prompt is masked, and only the prompt"):
        (ids, mask), shown = _example(t, ([5, 6, 4], [7, 0], 2, False))
        t.holds(len(mask) == len(ids), "the mask should be as long as ids.", shown)
        t.holds(not all(m == 1 for m in mask), "the prompt carries loss: the model would learn to write questions.", shown)
        t.holds(any(m == 1 for m in mask) or -100 in mask, "nothing is learnt. A reply that was cut is learnt up to where it was cut.", shown)
        t.holds(mask != [0, 0, 0, 1, 0], "the last token of the reply is not learnt. Its id is 0, which is a token like any other.", shown)
        t.holds(mask != [1, 1, 1, 0, 0], "the mask is turned around: the prompt is learnt and the reply is not.", shown)
        t.holds(mask != [0, 0, 1, 1, 1] and mask != [0, 0, 1, 1, 0], "the mask is shifted by one: its position t belongs to ids[t].", shown)
        t.holds(mask != [0, 0, 0, 0, 1], "the first token of the reply is not learnt: is the mask shifted by one?", shown)
        t.holds(-100 not in mask, "the mask is 0 and 1; -100 is what a later step writes into the labels.", shown)
        t.holds(mask == [0, 0, 0, 1, 1], "the mask should be 0 on the prompt and 1 on the reply.", shown)
        (ids, mask), shown = _example(t, ([5, 6], [6, 7], 2, False))
        t.holds(mask != [0, 0, 0, 1], "a token of the reply that also stands in the prompt is masked. The mask depends on places, not on tokens.", shown)
        t.holds(mask != [0, 1, 1, 1], "a token of the prompt that also stands in the reply is learnt. The mask depends on places, not on tokens.", shown)
        t.holds(mask == [0, 0, 1, 1], "the mask should be 0 on the prompt and 1 on the reply.", shown)
    with t.part(1, "the end token is learnt, and only the reply's"):
        (ids, mask), shown = _example(t, ([5, 6], [7], 2, True))
        t.holds(len(mask) == len(ids), "the mask should be as long as ids.", shown)
        t.holds(mask != [0, 0, 1, 0], "the end token is in ids but carries no loss: the policy does not learn to stop.", shown)
        t.holds(mask != [0, 0, 0, 1], "the end token is learnt and the reply's token is not: count the end token too when you place the ones.", shown)
        t.holds(mask == [0, 0, 1, 1], "the mask should be 0 on the prompt, 1 on the reply and on its end token.", shown)
        (ids, mask), shown = _example(t, ([5, 2], [7], 2, False))
        t.holds(mask != [0, 1, 1], "an end token inside the prompt is learnt; only the reply's is.", shown)
        t.holds(mask == [0, 0, 1] and ids == [5, 2, 7], "an end token inside the prompt is a part of the prompt.", shown)
        (ids, mask), shown = _example(t, ([5], [], 2, True))
        t.holds(ids == [5, 2] and mask == [0, 1], "an empty finished reply still has its end token, and it is learnt.", shown)

# %% role="hidden"
@probe("training_ids")
def training_ids_inputs(rng):
    for k in range(25):
        end = int(rng.integers(0, 4))
        prompt = rng.integers(0, 12, int(rng.integers(1, 9))).tolist()
        reply = [int(x) for x in rng.integers(0, 12, int(rng.integers(0 if k < 3 else 1, 9))) if x != end]
        yield prompt, reply, end, bool(rng.random() < 0.5)

# %% role="wrong"
@wrong("training_ids", says="stop in mid-sentence")
def always_ends(prompt, reply, end, finished):
    return prompt + reply + [end], [0] * len(prompt) + [1] * (len(reply) + 1)


@wrong("training_ids", says="end token is missing")
def never_ends(prompt, reply, end, finished):
    return prompt + reply, [0] * len(prompt) + [1] * len(reply)


@wrong("training_ids", says="does not learn to stop")
def end_masked(prompt, reply, end, finished):
    return prompt + reply + [end] * finished, [0] * len(prompt) + [1] * len(reply) + [0] * finished


@wrong("training_ids", says="learn to write questions")
def prompt_in_the_loss(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [1] * len(ids)


@wrong("training_ids", says="shifted by one")
def shifted_left(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [0] * (len(prompt) - 1) + [1] * (len(ids) - len(prompt) + 1)


@wrong("training_ids", says="first token of the reply")
def shifted_right(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [0] * (len(prompt) + 1) + [1] * (len(ids) - len(prompt) - 1)


@wrong("training_ids", says="places, not on tokens")
def by_value(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [int(i not in prompt) for i in ids]


@wrong("training_ids", says="turned around")
def inverted(prompt, reply, end, finished):
    return prompt + reply + [end] * finished, [1] * len(prompt) + [0] * (len(reply) + finished)


@wrong("training_ids", says="as long as ids")
def mask_of_the_reply(prompt, reply, end, finished):
    return prompt + reply + [end] * finished, [1] * (len(reply) + finished)


@wrong("training_ids", says="changes its input")
def in_place(prompt, reply, end, finished):
    P = len(prompt)
    prompt += reply
    if finished:
        prompt.append(end)
    return prompt, [0] * P + [1] * (len(prompt) - P)


@wrong("training_ids", says="count the end token too")
def ones_from_the_back(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [0] * (len(ids) - len(reply)) + [1] * len(reply)


@wrong("training_ids", says="-100")
def as_labels(prompt, reply, end, finished):
    return prompt + reply + [end] * finished, [-100] * len(prompt) + [1] * (len(reply) + finished)


@wrong("training_ids", says="use the argument")
def fixed_end(prompt, reply, end, finished):
    return prompt + reply + [2] * finished, [0] * len(prompt) + [1] * (len(reply) + finished)


@wrong("training_ids", says="still trained on")
def drops_cut_replies(prompt, reply, end, finished):
    return (prompt + reply + [end], [0] * len(prompt) + [1] * (len(reply) + 1)) if finished else ([], [])


@wrong("training_ids", says="an end token inside the prompt")
def ends_are_learnt(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [int(k >= len(prompt) or i == end) for k, i in enumerate(ids)]


@wrong("training_ids", says="a token like any other")
def zero_is_padding(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [int(k >= len(prompt) and i != 0) for k, i in enumerate(ids)]


@wrong("training_ids", says="learnt up to where it was cut")
def cut_replies_are_not_learnt(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, [0] * len(prompt) + [int(finished)] * (len(ids) - len(prompt))


@wrong("training_ids", says="return nothing")
def append_returns_none(prompt, reply, end, finished):
    return (prompt + reply).append(end) if finished else prompt + reply, [0] * len(prompt) + [1] * (len(reply) + finished)


@wrong("training_ids", says="lists within a list")
def a_list_in_the_list(prompt, reply, end, finished):
    return [prompt, reply + [end] * finished], [0] * len(prompt) + [1] * (len(reply) + finished)


@wrong("training_ids", hidden=True)
def at_most_eight(prompt, reply, end, finished):
    ids = prompt + reply + [end] * finished
    return ids, ([0] * len(prompt) + [1] * (len(reply) + finished))[:8] + [0] * max(0, len(ids) - 8)

# %% role="right"
@right("training_ids")
def token_by_token(prompt, reply, end, finished):
    ids, mask = [], []
    for part, learn in ((prompt, False), (reply, True)):
        for i in part:
            ids.append(i)
            mask.append(learn)
    if finished:
        ids.append(end)
        mask.append(True)
    return ids, mask


@right("training_ids")
def with_tensors(prompt, reply, end, finished):
    ids = torch.tensor([*prompt, *reply, *[end] * bool(finished)])
    return ids, (torch.arange(len(ids)) >= len(prompt)).float()

# %% [markdown] task="honest_report"
# ## Task 4. A report that may be believed
#
# `selecting` and `judge` hold two rewards of the same $P \times N$ candidates: $r$, which selects, and the judge's, which took no part in it. `u` holds $P$ uniform numbers in $[0, 1)$. Return a dictionary of three floats, **all by the judge**:
#
# - `"selected"`: the judge's mean over prompts of the candidate $\arg\max_i r(x, \hat{y}_i)$; ties go to the lowest index.
# - `"control"`: the judge's mean of a random candidate of each prompt, the one at index $\lfloor u N \rfloor$ (counted from 0).
# - `"difference"`: the mean over prompts of selected less control.

# %% role="task" task="honest_report"
def honest_report(selecting, judge, u):
    """{"selected", "control", "difference"}: judge's means. selecting, judge: tensors (P, N); u: (P,) in [0, 1)."""
    # SOLUTION
    rows = torch.arange(len(judge))
    chosen = judge[rows, selecting.argmax(dim=1)].double()
    random = judge[rows, (u * judge.shape[1]).long()].double()
    return {"selected": float(chosen.mean()), "control": float(random.mean()), "difference": float((chosen - random).mean())}
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _entry(t, args, key, right, mistakes=(), otherwise="the result is not right"):
    """One number of the reader's report must be ``right``."""
    got = t.run(*args)
    shown = f"{t._call(args)} gave {got!r}"
    t.holds(isinstance(got, dict), 'the result should be a dictionary with the keys "selected", "control" and "difference".', shown)
    t.holds(key in got, f"the key {key!r} is missing from the dictionary.", shown)
    value = got[key]
    t.holds(not (hasattr(value, "__len__") and getattr(value, "ndim", 1)), f"{key!r} should be one number: the mean over prompts.", shown)
    near = [message for other, message in mistakes if abs(float(value) - other) < 1e-5]
    near += ["the number is rounded. Return it as it is."] * (abs(float(value) - right) < 0.05)
    t.holds(abs(float(value) - right) < 1e-5, near[0] if near else f"{key!r}: {otherwise}.", shown)


@task("ex08", points=4, minutes=15, difficulty="medium", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'On paper: three numbers in a report'", hints=(
    "The selecting reward is used once, to find a place in each row. From there on only the judge speaks.",
    "judge[torch.arange(P), index] takes one candidate of each row. The control's index needs u and N only.",
    "Two vectors of P numbers by the judge, one at the argmax of selecting, one at floor(u * N) as whole numbers. Their means, and the mean of the first less the second."))
def honest_report(t):
    one = torch.tensor([[4.0, 9.0, 1.0]]), torch.tensor([[6.0, 2.0, 3.0]]), torch.tensor([0.3])
    two = torch.tensor([[1.0, 7.0, 5.0, 3.0], [6.0, 2.0, 9.0, 0.0]]), torch.tensor([[5.0, 12.5, 0.0, 8.0], [8.0, 2.0, 0.75, 9.0]]), torch.tensor([0.8, 0.2])
    tied = torch.tensor([[4.0, 4.0, 4.0]]), torch.tensor([[1.0, 5.0, 2.0]]), torch.tensor([0.0])
    selector = "this is the selector's own mean. It is high by construction: let the judge speak."
    place = "this is the place of the candidate in its row. Take the judge's reward at this place."
    with t.part(2, "selected: chosen by one reward, judged by the other"):
        _entry(t, one, "selected", 2.0, [(9.0, selector), (6.0, "this is the judge's best candidate. The judge must take no part in the choice: argmax of selecting."), (4.0, "this is the selecting reward of the judge's choice. The two are exchanged."),
                                         (3.0, "this is the candidate with the lowest selecting reward."), (1.0, place), (11 / 3, "this is the mean of all three candidates. Choose one in each row: argmax with dim=1.")], "the judge's value of the candidate with the highest selecting reward is wanted")
        _entry(t, two, "selected", 6.625, [(8.0, selector), (10.75, "this is the judge's best candidate. The judge must take no part in the choice."), (13.25, "this is the sum over prompts. Take the mean."), (12.5, "this is the first prompt only."),
                                           (0.75, "this is one candidate of all rows together. Choose one in each row: argmax with dim=1."), (6.0, "fractions are lost: are the judge's rewards made whole numbers?"),
                                           (3.8125, "every index is taken from every row here. Pair row and index: judge[torch.arange(P), index]."), (0.375, "one index serves all prompts: is it an argmax without dim=1?")], "the mean over prompts is wanted, one candidate a prompt, with the argmax over candidates (dim=1)")
        _entry(t, tied, "selected", 1.0, [(2.0, "of equal selecting rewards the last wins; the lowest index should."), (5.0, "of equal selecting rewards the judge picks its own favourite; the lowest index should win."), (8 / 3, "tied candidates are averaged; the lowest index should win.")], "with a tie the lowest index should win")
    with t.part(1, "control: the candidate at floor(u N), judged by the judge"):
        t.holds(len({repr(t.run(*two)) for _ in range(5)}) == 1, "the same input does not always give the same result. Draw nothing of your own: the chance is in u.", t._call(two))
        _entry(t, one, "control", 6.0, [(4.0, "this is the selecting reward of the random candidate. The control has the same judge."), (11 / 3, "this is the mean of all candidates, not a random one of them. A control is made as the treatment is: one candidate a prompt."),
                                        (2.0, "0.3 times 3 is 0.9, which is rounded down, not up or to the nearest, and places count from 0.")], "the random candidate of this prompt is another one")
        _entry(t, two, "control", 8.0, [(4.5, "this is the selecting reward of the random candidate. The control has the same judge."), (5.65625, "this is the mean of all candidates, not a random one of them."), (6.5, "the control does not follow u: each prompt has its own u, and its index is u times N, rounded down."),
                                        (5.0, "0.2 times 4 is 0.8, which is rounded down, not up or to the nearest."), (4.0, "the index is u times (N - 1): the last candidate is then almost never drawn. Multiply by N."),
                                        (10.25, "the index is u times P, the number of prompts. Multiply by N, the number of candidates."), (8.5, "one u serves all prompts. Each prompt has its own."), (7.5, "every index is taken from every row here. Pair row and index, as for selected."), (16.0, "this is the sum over prompts. Take the mean.")],
               "the random candidate of each prompt is the one at floor(u N)")
        _entry(t, tied, "control", 1.0, [(2.0, "here u is 0, and the last candidate is drawn. Round down; to round up and take 1 off is something else.")], "with u = 0 the first candidate is drawn")
    with t.part(1, "difference: selected less control, paired"):
        _entry(t, one, "difference", -4.0, [(4.0, "the sign is turned, or an absolute value taken: selected less control."), (3.0, "this sets the selector's score against the judge's. Both terms are the judge's."), (5.0, "this is the difference by the selecting reward. Use the judge."),
                                            (2 - 11 / 3, "this is selected less the mean of all candidates. Subtract the control.")], "the mean of selected less control is wanted; it may be negative")
        _entry(t, two, "difference", -1.375, [(1.375, "the sign is turned: selected less control."), (5.875, "absolute differences are averaged. Keep the sign of each prompt."), (-2.75, "this is the sum over prompts. Take the mean."), (0.0, "this sets the selector's score against the judge's.")], "the mean of selected less control is wanted")
        got = t.run(*two)
        t.holds(set(got) == {"selected", "control", "difference"}, "the dictionary should have three keys, selected, control and difference, and no other.", f"{t._call(two)} gave {got!r}")

# %% role="hidden"
@probe("honest_report")
def honest_report_inputs(rng):
    for k in range(25):
        P, N = int(rng.integers(1, 8)), 1 if k == 0 else int(rng.integers(2, 9))
        yield torch.tensor(rng.integers(-6, 7, (P, N)) / 2.0), torch.tensor(rng.integers(-20, 21, (P, N)) / 4.0), torch.tensor(rng.integers(0, 64, P) / 64.0)

# %% role="wrong"
def _means(chosen, random):
    return {"selected": float(chosen.mean()), "control": float(random.mean()), "difference": float((chosen - random).mean())}


def _at(values, index):
    return values[torch.arange(len(values)), index]


def _drawn(judge, u):
    return _at(judge, (u * judge.shape[1]).long())


@wrong("honest_report", says="by construction")
def own_mean(selecting, judge, u):
    return _means(selecting.max(dim=1).values, _drawn(judge, u))


@wrong("honest_report", says="judge must take no part")
def oracle(selecting, judge, u):
    return _means(judge.max(dim=1).values, _drawn(judge, u))


@wrong("honest_report", says="exchanged")
def exchanged(selecting, judge, u):
    return _means(_at(selecting, judge.argmax(1)), _drawn(selecting, u))


@wrong("honest_report", says="mean of all candidates, not a random one")
def average_control(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), judge.mean(1))


@wrong("honest_report", says="selecting reward of the random candidate")
def control_by_selector(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _drawn(selecting, u))


@wrong("honest_report", says="sign is turned")
def turned_difference(selecting, judge, u):
    m = _means(_at(judge, selecting.argmax(1)), _drawn(judge, u))
    return {**m, "difference": -m["difference"]}


@wrong("honest_report", says="Keep the sign")
def absolute_differences(selecting, judge, u):
    chosen, random = _at(judge, selecting.argmax(1)), _drawn(judge, u)
    return {**_means(chosen, random), "difference": float((chosen - random).abs().mean() if len(judge) > 1 else (chosen - random).mean())}


@wrong("honest_report", says="Multiply by N")
def times_n_less_one(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * (judge.shape[1] - 1)).long()))


@wrong("honest_report", says="not up or to the nearest")
def rounded(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * judge.shape[1]).round().long().clamp(max=judge.shape[1] - 1)))


@wrong("honest_report", says="sum over prompts")
def summed(selecting, judge, u):
    return {k: v * len(judge) for k, v in _means(_at(judge, selecting.argmax(1)), _drawn(judge, u)).items()}


@wrong("honest_report", says="one number")
def not_averaged(selecting, judge, u):
    chosen, random = _at(judge, selecting.argmax(1)), _drawn(judge, u)
    return {"selected": chosen, "control": random, "difference": chosen - random}


@wrong("honest_report", says="should be a dictionary")
def a_tuple(selecting, judge, u):
    return tuple(_means(_at(judge, selecting.argmax(1)), _drawn(judge, u)).values())


@wrong("honest_report", says="lowest index should")
def last_tie(selecting, judge, u):
    N = judge.shape[1]
    return _means(_at(judge, N - 1 - selecting.flip(1).argmax(1)), _drawn(judge, u))


@wrong("honest_report", says="by the selecting reward")
def difference_by_selector(selecting, judge, u):
    m = _means(_at(judge, selecting.argmax(1)), _drawn(judge, u))
    return {**m, "difference": float((selecting.max(1).values - _drawn(selecting, u)).mean())}


@wrong("honest_report", says="every index is taken from every row")
def rows_not_paired(selecting, judge, u):
    return {**_means(_at(judge, selecting.argmax(1)), _drawn(judge, u)), "selected": float(judge[:, selecting.argmax(1)].mean())}


@wrong("honest_report", says="argmax without dim")
def one_argmax(selecting, judge, u):
    return _means(judge[:, int(selecting.argmax()) % judge.shape[1]], _drawn(judge, u))


@wrong("honest_report", says="does not follow u")
def first_as_control(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), judge[:, 0])


@wrong("honest_report", says="argmax with dim=1")
def over_prompts(selecting, judge, u):
    P, N = judge.shape
    chosen, random = judge[selecting.argmax(0), torch.arange(N)].mean(), _drawn(judge, u).mean()
    return {"selected": float(chosen), "control": float(random), "difference": float(chosen - random)}


@wrong("honest_report", says="lowest selecting reward")
def the_worst(selecting, judge, u):
    return _means(_at(judge, selecting.argmin(1)), _drawn(judge, u))


@wrong("honest_report", says="its own favourite")
def judge_breaks_ties(selecting, judge, u):
    best = selecting == selecting.max(1, keepdim=True).values
    return _means(judge.masked_fill(~best, -torch.inf).max(1).values, _drawn(judge, u))


@wrong("honest_report", says="place of the candidate")
def places(selecting, judge, u):
    return _means(selecting.argmax(1).double(), (u * judge.shape[1]).long().double())


@wrong("honest_report", says="of all rows together")
def best_of_the_table(selecting, judge, u):
    return {**_means(judge.flatten()[selecting.argmax()].expand(len(judge)), _drawn(judge, u))}


@wrong("honest_report", says="fractions are lost")
def whole_numbers(selecting, judge, u):
    return _means(_at(judge.long(), selecting.argmax(1)).double(), _drawn(judge.long(), u).double())


@wrong("honest_report", says="rounded. Return it")
def two_digits(selecting, judge, u):
    return {key: round(value, 2) for key, value in _means(_at(judge, selecting.argmax(1)), _drawn(judge, u)).items()}


@wrong("honest_report", says="not up or to the nearest")
def n_less_one_rounded(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * (judge.shape[1] - 1)).round().long()))


@wrong("honest_report", says="to round up and take 1 off")
def ceiling_less_one(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * judge.shape[1]).ceil().long() - 1))


@wrong("honest_report", says="number of prompts")
def times_p(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * len(judge)).long().clamp(max=judge.shape[1] - 1)))


@wrong("honest_report", says="one u serves all prompts")
def first_u(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), judge[:, int(u[0] * judge.shape[1])])


@wrong("honest_report", says="the chance is in u")
def draws_again(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, torch.randint(judge.shape[1], (len(judge),))))


@wrong("honest_report", says="every index is taken from every row here. Pair row and index, as")
def control_not_paired(selecting, judge, u):
    return {**_means(_at(judge, selecting.argmax(1)), _drawn(judge, u)), "control": float(judge[:, (u * judge.shape[1]).long()].mean())}


@wrong("honest_report", says="less the mean of all candidates")
def less_the_mean(selecting, judge, u):
    m = _means(_at(judge, selecting.argmax(1)), _drawn(judge, u))
    return {**m, "difference": m["selected"] - float(judge.mean())}


@wrong("honest_report", hidden=True)
def small_n(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * judge.shape[1]).long().clamp(max=3)))

# %% role="right"
@right("honest_report")
def report_by_loop(selecting, judge, u):
    chosen, drawn = 0.0, 0.0
    P, N = judge.shape
    for p in range(P):
        best = 0
        for i in range(N):
            if selecting[p, i] > selecting[p, best]:
                best = i
        chosen += float(judge[p, best]) / P
        drawn += float(judge[p, int(float(u[p]) * N)]) / P
    return {"difference": chosen - drawn, "control": drawn, "selected": chosen}


@right("honest_report")
def report_with_numpy(selecting, judge, u):
    selecting, judge, u = (np.asarray(x, dtype=np.float32) for x in (selecting, judge, u))
    chosen = np.take_along_axis(judge, selecting.argmax(1)[:, None], 1)[:, 0]
    drawn = np.take_along_axis(judge, np.floor(u * judge.shape[1]).astype(int)[:, None], 1)[:, 0]
    return {"selected": chosen.mean(), "control": torch.tensor(drawn.mean()), "difference": np.mean(chosen - drawn)}

# %% [markdown] task="diagnose"
# ## Task 5. A first diagnosis
#
# `facts` is a dictionary of six measured numbers of a run. Return the name of the **first** rule in this order that holds, or `"none"`:
#
# | order | name | the rule holds when |
# |---|---|---|
# | 1 | `"leak"` | `train_in_test`, the share of the training prompts that are test prompts, is above 0 |
# | 2 | `"cut"` | `cut`, the share of the new policy's replies that do not end properly, is above 0.05 |
# | 3 | `"copies"` | `distinct`, the distinct-2 of the new policy's replies (the share of different word pairs), is below 0.35 |
# | 4 | `"proxy"` | `proxy_change`, of the score that the author reports, is above 0 **and** `gold_change` is not: the score rose and the quality did not |
# | 5 | `"control"` | `gold_change` less `control_gold_change`, that of the random control, is below 0.25: a random choice gains nearly as much |
#
# A value exactly at a threshold does not count as above or below it. Changes are after less before, in points. What makes the later numbers worthless comes first. The thresholds are rules of thumb for this small world; a real report gives intervals.

# %% role="task" task="diagnose"
def diagnose(facts):
    """Name of the first rule that holds, or "none". facts: train_in_test, cut, distinct, proxy_change, gold_change, control_gold_change (floats)."""
    # SOLUTION
    rules = {
        "leak": facts["train_in_test"] > 0,
        "cut": facts["cut"] > 0.05,
        "copies": facts["distinct"] < 0.35,
        "proxy": facts["proxy_change"] > 0 and facts["gold_change"] <= 0,
        "control": facts["gold_change"] - facts["control_gold_change"] < 0.25,
    }
    return next((name for name, holds in rules.items() if holds), "none")
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
def _facts(**changed):
    """A run without a fault, with some facts changed."""
    return {"train_in_test": 0.0, "cut": 0.0, "distinct": 0.6, "proxy_change": 1.0, "gold_change": 1.0, "control_gold_change": 0.0, **changed}


def _named(t, right, message, instead=None, **changed):
    """The reader's name for this run must be ``right``; ``instead``: wrong name → what to say of it in place of ``message``."""
    got = t.run(_facts(**changed))
    shown = f"diagnose({_facts(**changed)}) gave {got!r}"
    t.holds(isinstance(got, str), "the result should be one name, a text.", shown)
    t.holds(got in ("leak", "cut", "copies", "proxy", "control", "none"), "this is none of the six names.", shown)
    t.holds(got == right, (instead or {}).get(got, message), shown)


@task("ex08", points=4, minutes=10, difficulty="easy", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'A checklist to take away'", hints=(
    "Five questions, one after the other. The first yes ends the search.",
    "Five ifs, each with a return, in the order of the table, and a return after them all.",
    "Rule 4 joins two conditions with and; the second is gold_change <= 0. Rule 5 subtracts the control's change before it compares."))
def diagnose(t):
    with t.part(2, "a run without a fault, and each fault alone"):
        smaller = {"proxy": "gold rose less than the proxy, but it rose. Rule 4 asks whether gold_change is above 0."}
        _named(t, "leak", "some training prompts are test prompts, and the diagnosis does not say so. If the rule is there, does a later line overwrite its answer?", train_in_test=0.5)
        _named(t, "none", "no rule of the table holds for this run.", {
            "leak": "the share train_in_test is 0, which is not above 0.", "cut": "the share cut is 0, which is not above 0.05.", "copies": "the value of distinct is 0.6, which is not below 0.35.",
            "proxy": "the proxy rose, but gold rose too. Rule 4 needs both of its conditions.", "control": "gold rose by 1 more than for the control, which is not below 0.25. Which is subtracted from which?"})
        _named(t, "cut", "two replies in five do not end properly, and the diagnosis does not say so.", cut=0.4)
        _named(t, "copies", "the replies hardly differ, and the diagnosis does not say so. Fewer different word pairs, so a low value, is the sign.", distinct=0.2)
        _named(t, "proxy", "the proxy rose and gold fell, and the diagnosis does not say so.", gold_change=-1.0, control_gold_change=-2.0)
        _named(t, "control", "the control gained nearly as much, and the diagnosis does not say so. Is rule 5 reached when the proxy rose, and does it take gold_change less control_gold_change?", smaller, proxy_change=2.0, control_gold_change=0.9)
        _named(t, "none", "the gain is small, but the control lost: the difference is what rule 5 asks for.", smaller, gold_change=0.2, control_gold_change=-0.5)
        _named(t, "none", "gold fell, but so did the proxy, and the control fell much further: no rule of the table holds. Rule 4 needs both of its conditions.", proxy_change=-1.0, gold_change=-0.5, control_gold_change=-2.0)
        _named(t, "control", "the gain is large and the control's is larger still. Keep the sign of the difference: below 0 is below 0.25 too.", gold_change=1.0, control_gold_change=2.0)
        _named(t, "control", "the proxy fell, so rule 4 does not hold; rule 5 asks nothing of the proxy.", proxy_change=-1.0, gold_change=-1.0)
    with t.part(1, "a value at a threshold is neither above nor below it"):
        _named(t, "none", "the share cut is exactly 0.05, which is not above it.", cut=0.05)
        _named(t, "cut", "the share cut is 0.051, above the threshold. Is another threshold used, or is the share rounded?", cut=0.051)
        _named(t, "none", "the value of distinct is exactly 0.35, which is not below it.", distinct=0.35)
        _named(t, "copies", "the value of distinct is 0.34, below the threshold. Is another threshold used?", distinct=0.34)
        _named(t, "none", "the difference to the control is exactly 0.25, which is not below it.", control_gold_change=0.75)
        _named(t, "proxy", "gold did not change at all: it is not above 0, and the proxy rose.", gold_change=0.0, control_gold_change=-1.0)
        _named(t, "none", "the proxy did not change: it is not above 0, so rule 4 does not hold.", proxy_change=0.0, gold_change=0.0, control_gold_change=-1.0)
        _named(t, "leak", "one training prompt in a hundred is a test prompt. That is above 0.", train_in_test=0.01)
    with t.part(1, "of several faults the first in the order is named"):
        order = "the first rule of the table that holds should be named, not a later one."
        _named(t, "proxy", order, gold_change=-1.0, control_gold_change=0.0)
        _named(t, "copies", order, distinct=0.1, control_gold_change=0.9)
        _named(t, "copies", order, distinct=0.1, gold_change=-1.0)
        _named(t, "cut", order, cut=0.5, distinct=0.1)
        _named(t, "cut", order, cut=0.5, gold_change=-1.0)
        _named(t, "leak", order, train_in_test=0.1, cut=0.5)
        _named(t, "leak", order, train_in_test=0.1, cut=0.5, distinct=0.1, gold_change=-1.0)

# %% role="hidden"
@probe("diagnose")
def diagnose_inputs(rng):
    for _ in range(60):
        yield ({"train_in_test": float(rng.choice([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.5])), "cut": float(rng.choice([0.0, 0.01, 0.03, 0.04, 0.05, 0.07, 0.3])), "distinct": float(rng.choice([0.1, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8])),
                "proxy_change": float(rng.integers(-4, 13) / 8), "gold_change": float(rng.integers(-8, 17) / 8), "control_gold_change": float(rng.integers(-8, 17) / 8)},)

# %% role="wrong"
def _diagnose(facts, order=("leak", "cut", "copies", "proxy", "control"), **other):
    """The reference with one rule or the order exchanged."""
    rules = {"leak": facts["train_in_test"] > 0, "cut": facts["cut"] > 0.05, "copies": facts["distinct"] < 0.35, "proxy": facts["proxy_change"] > 0 >= facts["gold_change"],
             "control": facts["gold_change"] - facts["control_gold_change"] < 0.25, **other}
    return next((name for name in order if rules[name]), "none")


@wrong("diagnose", says="not a later one")
def last_wins(facts):
    return _diagnose(facts, ("control", "proxy", "copies", "cut", "leak"))


@wrong("diagnose", says="not a later one")
def gold_first(facts):
    return _diagnose(facts, ("proxy", "leak", "cut", "copies", "control"))


@wrong("diagnose", says="needs both of its conditions")
def gold_fell(facts):
    return _diagnose(facts, proxy=facts["gold_change"] <= 0)


@wrong("diagnose", says="Is rule 5 reached")
def no_control(facts):
    return _diagnose(facts, control=False)


@wrong("diagnose", says="Is rule 5 reached")
def proxy_less_control(facts):
    return _diagnose(facts, control=facts["proxy_change"] - facts["control_gold_change"] < 0.25)


@wrong("diagnose", says="Is rule 5 reached")
def nested(facts):
    name = _diagnose(facts)
    return "none" if name == "control" and facts["proxy_change"] > 0 else name


@wrong("diagnose", says="Which is subtracted from which")
def control_less_gold(facts):
    return _diagnose(facts, control=facts["control_gold_change"] - facts["gold_change"] < 0.25)


@wrong("diagnose", says="gold rose too")
def proxy_alone(facts):
    return _diagnose(facts, proxy=facts["proxy_change"] > 0)


@wrong("diagnose", says="gold rose less than the proxy, but it rose")
def proxy_above_gold(facts):
    return _diagnose(facts, proxy=facts["proxy_change"] > facts["gold_change"])


@wrong("diagnose", says="which is not above 0.")
def leak_at_zero(facts):
    return _diagnose(facts, leak=facts["train_in_test"] >= 0)


@wrong("diagnose", says="does a later line overwrite")
def last_else(facts):
    return "control" if facts["gold_change"] - facts["control_gold_change"] < 0.25 else "none"


@wrong("diagnose", says="the difference is what rule 5")
def not_subtracted(facts):
    return _diagnose(facts, control=facts["gold_change"] < 0.25 or facts["control_gold_change"] > 0.75)


@wrong("diagnose", says="Keep the sign of the difference")
def absolute_gap(facts):
    return _diagnose(facts, control=abs(facts["gold_change"] - facts["control_gold_change"]) < 0.25)


@wrong("diagnose", says="exactly 0.05")
def at_least(facts):
    return _diagnose(facts, cut=facts["cut"] >= 0.05)


@wrong("diagnose", says="exactly 0.35")
def at_most(facts):
    return _diagnose(facts, copies=facts["distinct"] <= 0.35)


@wrong("diagnose", says="gold did not change at all")
def gold_below(facts):
    return _diagnose(facts, proxy=facts["proxy_change"] > 0 and facts["gold_change"] < 0)


@wrong("diagnose", says="0.6, which is not below")
def copies_turned(facts):
    return _diagnose(facts, copies=facts["distinct"] > 0.35)


@wrong("diagnose", says="hardly differ")
def no_copies(facts):
    return _diagnose(facts, copies=False)


@wrong("diagnose", says="some training prompts are test prompts")
def always_copies(facts):
    return "copies"


@wrong("diagnose", says="does every way through it end in a return")
def no_last_return(facts):
    name = _diagnose(facts)
    return name if name != "none" else None


@wrong("diagnose", says="one name")
def all_faults(facts):
    return [name for name in ("leak", "cut", "copies", "proxy", "control") if _diagnose(facts, (name,)) == name]


@wrong("diagnose", says="Is another threshold used")
def tenth(facts):
    return _diagnose(facts, cut=facts["cut"] > 0.1)


@wrong("diagnose", says="is the share rounded")
def two_digits_of_each(facts):
    return _diagnose({key: round(value, 2) for key, value in facts.items()})


@wrong("diagnose", says="one training prompt in a hundred")
def small_leaks_pass(facts):
    return _diagnose(facts, leak=facts["train_in_test"] > 0.05)


@wrong("diagnose", says="asks nothing of the proxy")
def needs_a_rise(facts):
    return _diagnose(facts, control=facts["proxy_change"] > -0.2 and facts["gold_change"] - facts["control_gold_change"] < 0.25)

# %% role="right"
@right("diagnose")
def five_ifs(facts):
    if facts["train_in_test"] > 0:
        return "leak"
    if facts["cut"] > 0.05:
        return "cut"
    if facts["distinct"] < 0.35:
        return "copies"
    gold = facts["gold_change"]
    if facts["proxy_change"] > 0 and not gold > 0:
        return "proxy"
    return "none" if gold - facts["control_gold_change"] >= 0.25 else "control"


@right("diagnose")
def with_an_array(facts):
    f = {k: np.float64(v) for k, v in facts.items()}
    holds = np.array([f["train_in_test"] > 0, f["cut"] > 0.05, f["distinct"] < 0.35, (f["proxy_change"] > 0) & (f["gold_change"] <= 0), f["gold_change"] < f["control_gold_change"] + 0.25, True])
    return ["leak", "cut", "copies", "proxy", "control", "none"][int(holds.argmax())]

# %% [markdown]
# ## Now measure
#
# Your own functions on stored data; no check here, only numbers to look at. First the report, on the stored pool of held-out prompts: two reward models select, gold judges. **Your prediction:** how many times as large is the difference by gold for the reward model from 8,000 comparisons as for the one from 125? (Each reward has a scale of its own, so their own means cannot be compared with gold or with each other.)

# %%
from course_lib import Pool, assets, clinic, results

stored = Pool.load(assets.path("helpdesk/pools/heldout.npz")).first(16)
gold, u = stored.reward("gold").double(), torch.tensor(np.random.default_rng(8).random(len(stored.texts)))
for name in ("reward-125", "reward-8000"):
    r = stored.reward(name).double()
    told = honest_report(r, gold, u)
    print(f"{name:12} its own mean {float(r.max(1).values.mean()):5.2f}   by gold: " + "   ".join(f"{key} {value:5.2f}" for key, value in told.items()))

# %% [markdown]
# By gold both means lie above the random control, which is the same for both, and the difference is about three times as large for the reward model from 8,000 comparisons.
#
# Now the twelve patients of the clinic: the stored run of each, its six facts in the order of the table (the proxy's change is that of whatever its author reports), with the leak counted by the keys of task 1. Which does `diagnose` find? Which does it not, and what would you look at there?

# %%
def facts_of(case, stored_run):
    broken, base = stored_run["broken"], stored_run["base"]
    mine, _ = case.broken.prompts(case.setting, 0)
    tested = {" ".join(p.lower().split()) for p in clinic.test_prompts(case.setting)[0]}
    return {"train_in_test": float(np.mean([" ".join(p.lower().split()) in tested for p in mine])), "cut": broken["careful"]["cut"]["mean"], "distinct": broken["careful"]["distinct"]["mean"],
            "proxy_change": broken["reported"]["after"]["mean"] - broken["reported"]["before"]["mean"], "gold_change": broken["careful"]["gold"]["mean"] - base["gold"]["mean"],
            "control_gold_change": stored_run["control"]["careful"]["gold"]["mean"] - base["gold"]["mean"]}


runs = results.load("clinic")["cases"]
print(f"{'fault':59}{'diagnosis':11}  leak   cut  distinct  proxy   gold  control")
for case in clinic.CASES:
    facts = facts_of(case, runs[case.name])
    leak, cut, distinct, proxy, gold_rise, control = facts.values()
    print(f"{case.fault:59}{diagnose(facts):11}{leak:6.2f}{cut:6.2f}{distinct:10.2f}{proxy:7.2f}{gold_rise:7.2f}{control:9.2f}")

# %% [markdown]
# A "none" is not a clean bill of health: six of the twelve get it.
#
# - Another template and loss on the prompt cost most of the gain, the last round's data and a love of length a part of it, an end token that is not trained makes replies longer. No rule asks for these. Look at training examples, a good and a bad reply of your own, lengths, and replies that somebody reads.
# - The judge that is the selector is what rule 4 is made for, but gold rose by 0.24 there. In the lesson the interval of this rise includes 0: a rule on means does not know how sure they are.
# - A name that fits the numbers need not be the cause: the flipped sign is called "proxy", and the wrongly paired prompts "control".
#
# ## Questions
#
# One ordering, one choice and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex08")
