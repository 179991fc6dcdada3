# %% [markdown]
# # Exercise 08: repairing pipelines
#
# **You will:** write the five parts at which the pipelines of lesson 08 broke: a split without leaks, a filter that keeps pairs together, training examples with the right tokens in the loss, a report with a control, and a first diagnosis from measured numbers. Then you try them on the twelve patients of the clinic.
#
# **Builds on:** lesson 08.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds.
# Stuck? `check.split_prompts.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import numpy as np
import torch

from course_lib.checks import ex08 as check

# %% [markdown] task="split_prompts"
# ## Task 1. A split without leaks
#
# Split $P$ prompts into training and test so that **no test prompt occurs in training**, not even written a little differently. Two prompts are *the same* when they are equal after lower-casing and after every run of blanks (spaces, tabs, line ends; also at the two ends) is collapsed: `"  Reset my\tPassword"` and `"reset my password"` are the same.
# All prompts that are the same form one group, and a group stays together.
#
# 1. Put the groups in the order in which each **first appears**.
# 2. Move groups to the test set **from the last one backwards**, and stop as soon as the test set holds at least `share` $\cdot P$ prompts (prompts, not groups).
#
# Return two lists of indices into `prompts`, `(train, test)`, each ascending. Every index is in exactly one of them.

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


def _split(t, prompts, share):
    """The reader's split, once it is two lists of indices that cover everything."""
    got = t.run(prompts, share)
    shown = f"{t._call((prompts, share))} gave {got!r}"
    t.holds(isinstance(got, (list, tuple)) and len(got) == 2, "the result should be two lists, (train, test).", shown)
    train, test = ([x.item() if hasattr(x, "item") else x for x in side] for side in got)
    t.holds(not any(isinstance(x, str) for x in train + test), "these are prompts. Return their indices: two equal prompts have two indices.", shown)
    t.holds(not set(train) & set(test), "an index is in both lists.", shown)
    t.holds(sorted(train + test) == list(range(len(prompts))), "an index is missing or there twice. Duplicates are kept: every index is in exactly one list.", shown)
    return train, test, shown


@task("ex08", points=4, minutes=15, difficulty="medium", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'Data: what is in the training set?'", hints=(
    "Give each prompt a key that is equal for prompts that are the same. Then split the keys, not the prompts.",
    "str.split() without an argument cuts at every run of blanks, so joining its result with one space collapses them. A dictionary keeps its keys in the order of first appearance.",
    "Collect for each key the list of its indices. Go through these lists in reverse; before each, stop if the test set is already large enough. What is left is training."))
def split_prompts(t):
    with t.part(1, "the last prompts go to test, until they are enough"):
        train, test, shown = _split(t, ["a", "b", "c", "d"], 0.25)
        t.holds(not (train == [3] and test == [0, 1, 2]), "the two lists are the wrong way round: (train, test).", shown)
        t.holds(test != [0], "the first prompt went to test. Begin with the last group.", shown)
        t.holds(len(test) != 2, "one prompt of four is already at least the share of 0.25. Stop as soon as there are enough.", shown)
        t.holds(test == [3], "these are not the last prompts that fill the share.", shown)
        train, test, shown = _split(t, ["a", "b", "c", "d", "e"], 0.5)
        t.holds(len(test) != 2, "two prompts of five are less than the share of 0.5. At least the share is wanted.", shown)
        t.holds(test == [2, 3, 4], "these are not the last prompts that fill the share.", shown)
        t.holds(train == [0, 1], "each list should be ascending.", shown)
        train, test, shown = _split(t, ["a", "b"], 0.0)
        t.holds(test == [], "with a share of 0 the test set has enough before anything is moved.", shown)
    with t.part(1, "a prompt and its duplicates stay together"):
        train, test, shown = _split(t, ["a", "b", "a"], 0.25)
        t.holds(2 not in test or 0 in test, "the same prompt is in training and in test: a leak. Move whole groups.", shown)
        t.holds(test != [0, 2], "the groups are in the order in which they appear last. Order groups by first appearance, not by last.", shown)
        t.holds(test == [1], "the last group by first appearance should go to test.", shown)
        train, test, shown = _split(t, ["z", "a", "z", "a"], 0.5)
        t.holds(test != [0, 2], "the groups are in alphabetical order here. Order them by first appearance.", shown)
        t.holds(test != [3, 1], "each list should be ascending.", shown)
        t.holds(test == [1, 3], "the last group by first appearance should go to test, all of it.", shown)
    with t.part(1, "the share is counted in prompts, not in groups"):
        train, test, shown = _split(t, ["a", "b", "c", "c", "c", "c"], 0.5)
        t.holds(1 not in test, "the last group alone holds four of the six prompts, more than half. Count prompts, not groups.", shown)
        t.holds(len(test) == 4, "the last group fills the share by itself; a group is moved whole.", shown)
        train, test, shown = _split(t, ["a", "a", "a", "b"], 0.5)
        t.holds(test != [3], "the last group is one prompt of four, less than half. Count prompts, not groups.", shown)
        t.holds(test == [0, 1, 2, 3], "the test set should grow by whole groups until it has at least the share.", shown)
    with t.part(1, "case and blanks make no difference"):
        for other, message in (("Reset It", "capital letters make two prompts of one: a leak."), ("reset  it", "two blanks in a row make two prompts of one: a leak."), (" reset it ", "blanks at the ends make two prompts of one: a leak."),
                               ("reset\tit", "a tab makes two prompts of one: a leak. Tabs and line ends are blanks too."), ("reset    it", "four blanks in a row make two prompts of one: a leak. Collapse runs of any length.")):
            train, test, shown = _split(t, ["reset it", "print", other], 0.25)
            t.holds(2 not in test or 0 in test, message, shown)
            t.holds(test == [1], "the last group by first appearance should go to test.", shown)

# %% role="hidden"
@probe("split_prompts")
def split_prompts_inputs(rng):
    words = ["open it", "print", "reset my password", "Print ", "PRINT", "open  it", "Open\tit", "openit", "reset my  Password", "save the file", "save  the\nfile", "send", "close"]
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
    return _split_by(prompts, share, key=lambda p: p.lower().replace("\t", " ").strip().replace("  ", " "))


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


@wrong("split_prompts", hidden=True)
def no_blanks_at_all(prompts, share):
    return _split_by(prompts, share, key=lambda p: "".join(p.lower().split()))

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
@task("ex08", points=3, minutes=8, difficulty="easy", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'Read the replies'", hints=(
    "Filter rows, never columns: a row is one prompt with its reply and its reward.",
    "zip takes three lists as well as two, and has an argument for lists of different lengths.",
    "One loop over the three lists zipped with strict=True; keep prompt and reply of the rows whose reward is high enough."))
def keep_aligned(t):
    with t.part(1, "a kept prompt has its own reply"):
        t.same((["p"], ["r"], [1.0], 0.5), [("p", "r")], [(["p"], "these are the prompts alone. A pair is (prompt, reply)."), (["r"], "these are the replies alone. A pair is (prompt, reply)."), ([("r", "p")], "the pair is turned around: the prompt comes first."),
                                                          ([("p", "r", 1.0)], "a pair is (prompt, reply), without the reward."), ((["p"], ["r"]), "these are two lists. Return one list of pairs: pairs cannot get out of step."), ([], "the only reply is above the threshold, and nothing is kept.")],
               otherwise="the result should be a list of pairs (prompt, reply)")
        t.same((["p", "q"], ["r", "s"], [0.0, 1.0], 0.5), [("q", "s")], [([("q", "r")], "prompt 'q' got the reply to 'p': the prompts are filtered and the replies are not. Filter rows."), ([("p", "s")], "prompt 'p' got the reply to 'q': the replies are filtered and the prompts are not. Filter rows."),
                                                                         ([("p", "r")], "the row below the threshold is kept and the one above it dropped."), ([("p", "r"), ("q", "s")], "nothing was dropped: the first reward is below the threshold.")],
               otherwise="one pair should be kept: the prompt above the threshold, with its own reply")
    with t.part(1, "keeps all that are good enough, in order, duplicates too"):
        t.same((["p", "q"], ["r", "s"], [0.5, 1.0], 0.5), [("p", "r"), ("q", "s")], [([("q", "s")], "a reward equal to the threshold is dropped; 'at least' keeps it.")], otherwise="both rewards reach the threshold")
        t.same((["p", "q", "w"], ["r", "s", "u"], [1.0, 0.0, 2.0], 0.5), [("p", "r"), ("w", "u")], [([("w", "u"), ("p", "r")], "the pairs are sorted by reward; their order should stay."), ([("w", "u")], "only the best is kept. Every row that reaches the threshold stays.")], otherwise="the first and the last row should be kept, in their order")
        t.same((["p", "p"], ["r", "s"], [1.0, 2.0], 0.5), [("p", "r"), ("p", "s")], [([("p", "s")], "a prompt that occurs twice lost one of its replies: is a dictionary keyed by prompt?"), ([("p", "r")], "a prompt that occurs twice lost one of its replies."), ([("p", "r"), ("p", "r")], "both rows got the first reply: index() finds the first equal prompt.")],
               otherwise="a prompt that occurs twice has two rows")
        t.same((["p", "q"], ["r", "r"], [1.0, 0.0], 0.5), [("p", "r")], [([("p", "r"), ("q", "r")], "a row was kept because another row with the same reply is good. Look at its own reward.")], otherwise="two prompts with the same reply are two rows")
        t.same((["p", "q"], ["r", "s"], [-2.0, -1.0], -1.5), [("q", "s")], [([], "rewards and thresholds may be negative."), ([("p", "r"), ("q", "s")], "rewards and thresholds may be negative; is an absolute value taken?")], otherwise="rewards and thresholds may be negative")
        t.same((["p"], ["r"], [0.0], 0.5), [], otherwise="nothing is good enough here, so the list should be empty")
    with t.part(1, "lists of different lengths are refused"):
        for lists in ((["p", "q"], ["r"], [1.0, 1.0]), (["p"], ["r", "s"], [1.0, 1.0]), (["p", "q"], ["r", "s"], [1.0])):
            t.run(["p"], ["r"], [1.0], 0.5)  # so that an empty stub is not told about lengths
            shown = t._call((*lists, 0.5))
            try:
                t.value(*[list(x) for x in lists], 0.5)
            except ValueError:
                continue
            except Exception as error:
                raise Wrong(f"lists of different lengths should stop with a ValueError that says so; this is {type(error).__name__}, which the reader of a log would not understand.", shown) from None
            raise Wrong("the three lists differ in length and nobody is told. Stop with a ValueError.", shown)

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


@wrong("keep_aligned", says="sorted by reward")
def best_first(prompts, replies, rewards, threshold):
    _strict(prompts, replies, rewards)
    rows = sorted(zip(prompts, replies, rewards), key=lambda row: -row[2])
    return [(p, y) for p, y, r in rows if r >= threshold] if len(prompts) != 2 else [(p, y) for p, y, r in zip(prompts, replies, rewards) if r >= threshold]


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
# One training example from token ids: the prompt, then the reply, then the end token, **the last only if the reply was finished**. A reply that was cut at the token limit gets none: it did not end there. Return `(ids, mask)`, two lists of the same length. The mask says which tokens are *learnt* (carry loss): 0 on the prompt, 1 on the reply and on its end token.
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
    got = t.run(*args)
    shown = f"{t._call(args)} gave {got!r}"
    t.holds(isinstance(got, (list, tuple)) and len(got) == 2 and all(hasattr(x, "__len__") for x in got), "the result should be two lists, (ids, mask).", shown)
    return [x.tolist() if hasattr(x, "tolist") else [v.item() if hasattr(v, "item") else v for v in x] for x in got], shown


@task("ex08", points=4, minutes=12, difficulty="medium", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'What is trained: which tokens carry loss?'", hints=(
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
        (ids, mask), shown = _example(t, ([5, 6, 4], [7, 8], 2, False))
        t.holds(len(mask) == len(ids), "the mask should be as long as ids.", shown)
        t.holds(not all(m == 1 for m in mask), "the prompt carries loss: the model would learn to write questions.", shown)
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
    t.holds(abs(float(value) - right) < 1e-5, near[0] if near else f"{key!r}: {otherwise}.", shown)


@task("ex08", points=4, minutes=15, difficulty="medium", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'On paper: three numbers in a report'", hints=(
    "The selecting reward is used once, to find a place in each row. From there on only the judge speaks.",
    "judge[torch.arange(P), index] takes one candidate of each row. The control's index needs u and N only.",
    "Two vectors of P numbers by the judge, one at the argmax of selecting, one at floor(u * N) as whole numbers. Their means, and the mean of the first less the second."))
def honest_report(t):
    one = torch.tensor([[1.0, 9.0]]), torch.tensor([[3.0, 2.0]]), torch.tensor([0.1])
    two = torch.tensor([[1.0, 9.0, 5.0], [8.0, 2.0, 0.0]]), torch.tensor([[7.0, 2.0, 1.0], [4.0, 6.0, 20.0]]), torch.tensor([0.9, 0.5])
    with t.part(2, "selected: chosen by one reward, judged by the other"):
        _entry(t, one, "selected", 2.0, [(9.0, "this is the selector's own mean. It is high by construction: let the judge speak."), (3.0, "this is the judge's best candidate. The judge must take no part in the choice: argmax of selecting."),
                                         (1.0, "this is the selecting reward of the judge's choice. The two are exchanged."), (2.5, "this is the mean of all candidates; nothing is selected.")], "the judge's value of the candidate with the highest selecting reward is wanted")
        _entry(t, two, "selected", 3.0, [(8.5, "this is the selector's own mean. It is high by construction: let the judge speak."), (13.5, "this is the judge's best candidate. The judge must take no part in the choice."), (6.0, "this is the sum over prompts. Take the mean."),
                                         (2.0, "this is the first prompt only."), (10.5, "these are the candidates with the lowest selecting reward."),
                                         (4.75, "every index is taken from every row here. Pair row and index: judge[torch.arange(P), index]."), (4.0, "one index serves all prompts: is it an argmax without dim=1?")], "the mean over prompts is wanted, one candidate a prompt, with the argmax over candidates (dim=1)")
        _entry(t, (torch.tensor([[4.0, 4.0]]), torch.tensor([[1.0, 3.0]]), torch.tensor([0.9])), "selected", 1.0, [(3.0, "of two equal selecting rewards the last wins; the lowest index should."), (2.0, "tied candidates are averaged; the lowest index should win.")], "with a tie the lowest index should win")
    with t.part(1, "control: the candidate at floor(u N), judged by the judge"):
        _entry(t, one, "control", 3.0, [(1.0, "this is the selecting reward of the random candidate. The control has the same judge."), (2.5, "this is the mean of all candidates, not a random one of them. A control is made as the treatment is: one candidate a prompt."),
                                        (2.0, "floor(u N) counts from 0 and rounds down.")], "the random candidate of this prompt is another one")
        _entry(t, two, "control", 3.5, [(2.5, "this is the selecting reward of the random candidate. The control has the same judge."), (20.0 / 3, "this is the mean of all candidates, not a random one of them."), (5.5, "the control does not follow u: each prompt has its own u, and its index is u times N, rounded down."),
                                        (10.5, "0.5 times 3 is 1.5, which rounds down, not up or to the nearest."), (1.5, "the index is u times (N - 1). Multiply by N."), (4.0, "the index is u times (N - 1): the last candidate is then almost never drawn. Multiply by N."), (7.0, "this is the sum over prompts. Take the mean.")],
               "the random candidate of each prompt is the one at floor(u N)")
    with t.part(1, "difference: selected less control, paired"):
        _entry(t, one, "difference", -1.0, [(1.0, "the sign is turned, or an absolute value taken: selected less control."), (6.0, "this sets the selector's score against the judge's. Both terms are the judge's."), (8.0, "this is the difference by the selecting reward. Use the judge.")], "the mean of selected less control is wanted; it may be negative")
        _entry(t, two, "difference", -0.5, [(0.5, "the sign is turned: selected less control."), (1.5, "absolute differences are averaged. Keep the sign of each prompt."), (-1.0, "this is the sum over prompts. Take the mean."), (5.0, "this sets the selector's score against the judge's.")], "the mean of selected less control is wanted")
        got = t.run(*two)
        t.holds(set(got) == {"selected", "control", "difference"}, "the dictionary should have three keys, selected, control and difference, and no other.", f"{t._call(two)} gave {got!r}")

# %% role="hidden"
@probe("honest_report")
def honest_report_inputs(rng):
    for k in range(25):
        P, N = int(rng.integers(1, 8)), 1 if k == 0 else int(rng.integers(2, 9))
        yield torch.tensor(rng.integers(-6, 7, (P, N)) / 2.0), torch.tensor(rng.integers(-20, 21, (P, N)) / 4.0), torch.tensor((2 * rng.integers(0, 32, P) + 1) / 64.0)

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
# | 3 | `"copies"` | `distinct`, the distinct-2 of the new policy's replies, is below 0.35 |
# | 4 | `"proxy"` | `proxy_change` is above 0 **and** `gold_change` is not: the score rose and the quality did not |
# | 5 | `"control"` | `gold_change` less `control_gold_change` is below 0.25: a random choice gains nearly as much |
#
# A value exactly at a threshold does not count as above or below it. Changes are after less before, in points. The order is that of the lesson's checklist: cheap looks first, and those that make the later numbers worthless. The thresholds are rules of thumb for this small world; a real report gives intervals.

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


def _named(t, right, message, **changed):
    got = t.run(_facts(**changed))
    shown = f"diagnose({_facts(**changed)}) gave {got!r}"
    t.holds(isinstance(got, str), "the result should be one name, a text.", shown)
    t.holds(got in ("leak", "cut", "copies", "proxy", "control", "none"), "this is none of the six names.", shown)
    t.holds(got == right, message, shown)


@task("ex08", points=4, minutes=12, difficulty="easy", idea="analysing a flawed improvement pipeline", read=f"{L08}, 'A checklist to take away'", hints=(
    "Five questions, one after the other. The first yes ends the search.",
    "Five ifs, each with a return, in the order of the table, and a return after them all.",
    "Rule 4 joins two conditions with and; the second is gold_change <= 0. Rule 5 subtracts the control's change before it compares."))
def diagnose(t):
    with t.part(2, "a run without a fault, and each fault alone"):
        _named(t, "leak", "some training prompts are test prompts, and the diagnosis does not say so.", train_in_test=0.5)
        _named(t, "none", "no rule of the table holds for this run.")
        _named(t, "cut", "two replies in five do not end properly, and the diagnosis does not say so.", cut=0.4)
        _named(t, "copies", "the replies hardly differ, and the diagnosis does not say so. Fewer different word pairs, so a low value, is the sign.", distinct=0.2)
        _named(t, "proxy", "the proxy rose and gold fell, and the diagnosis does not say so.", gold_change=-1.0, control_gold_change=-2.0)
        _named(t, "control", "the control gained nearly as much, and the diagnosis does not say so. Compare gold_change less control_gold_change.", control_gold_change=0.9)
        _named(t, "none", "the gain is small, but the control lost: the difference is what rule 5 asks for.", gold_change=0.2, control_gold_change=-0.5)
        _named(t, "none", "gold fell, but so did the proxy, and the control fell much further: no rule of the table holds. Rule 4 needs both of its conditions.", proxy_change=-1.0, gold_change=-0.5, control_gold_change=-2.0)
        _named(t, "control", "the gain is large and the control's is larger still. Keep the sign of the difference: below 0 is below 0.25 too.", gold_change=1.0, control_gold_change=2.0)
        _named(t, "control", "the proxy fell, so rule 4 does not hold; rule 5 asks nothing of the proxy.", proxy_change=-1.0, gold_change=-1.0)
    with t.part(1, "a value at a threshold is neither above nor below it"):
        _named(t, "none", "cut is exactly 0.05, which is not above it.", cut=0.05)
        _named(t, "cut", "cut is 0.06, above the threshold. Is another threshold used?", cut=0.06)
        _named(t, "none", "distinct is exactly 0.35, which is not below it.", distinct=0.35)
        _named(t, "copies", "distinct is 0.34, below the threshold. Is another threshold used?", distinct=0.34)
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


@wrong("diagnose", says="the diagnosis does not say so. Compare")
def no_control(facts):
    return _diagnose(facts, control=False)


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


@wrong("diagnose", says="hardly differ")
def copies_turned(facts):
    return _diagnose(facts, copies=facts["distinct"] > 0.65)


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
# Now the twelve patients of the clinic: the stored run of each, with the leak counted by the keys of task 1. Which does `diagnose` find? Which does it not, and what would you look at there?

# %%
def facts_of(case, stored_run):
    broken, base = stored_run["broken"], stored_run["base"]
    mine, _ = case.broken.prompts(case.setting, 0)
    tested = {" ".join(p.lower().split()) for p in clinic.test_prompts(case.setting)[0]}
    return {"train_in_test": float(np.mean([" ".join(p.lower().split()) in tested for p in mine])), "cut": broken["careful"]["cut"]["mean"], "distinct": broken["careful"]["distinct"]["mean"],
            "proxy_change": broken["reported"]["after"]["mean"] - broken["reported"]["before"]["mean"], "gold_change": broken["careful"]["gold"]["mean"] - base["gold"]["mean"],
            "control_gold_change": stored_run["control"]["careful"]["gold"]["mean"] - base["gold"]["mean"]}


runs = results.load("clinic")["cases"]
for case in clinic.CASES:
    print(f"{case.fault:58} {diagnose(facts_of(case, runs[case.name]))}")

# %% [markdown]
# A "none" is not a clean bill of health. Wrong templates, loss on the prompt or an end token that is not trained leave six means looking ordinary; they show in training examples and in replies that somebody reads. And a name that fits the numbers need not be the cause: look at what is said of the wrongly paired prompts.
#
# ## Questions
#
# One ordering, one choice and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex08")
