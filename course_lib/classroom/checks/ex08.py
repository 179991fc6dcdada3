"""Checks of exercise 08, repairing pipelines.

What the reader's answer must do, property by property.
"""

from collections.abc import Iterable, Sequence

import torch

from .outcome import Wrong
from .registry import need as need
from .registry import task
from .trial import Trial

L08 = "lesson 08"
FAULTS = ("leak", "cut", "copies", "proxy", "control", "none")

# arguments of honest_report: selecting and judge (P, N), u (P,)
ONE_ROW = (torch.tensor([[4.0, 9.0, 1.0]]), torch.tensor([[6.0, 2.0, 3.0]]), torch.tensor([0.3]))
TWO_ROWS = (
    torch.tensor([[1.0, 7.0, 5.0, 3.0], [6.0, 2.0, 9.0, 0.0]]),
    torch.tensor([[5.0, 12.5, 0.0, 8.0], [8.0, 2.0, 0.75, 9.0]]),
    torch.tensor([0.8, 0.2]),
)
EQUAL_REWARDS = (
    torch.tensor([[4.0, 4.0, 4.0]]),
    torch.tensor([[1.0, 5.0, 2.0]]),
    torch.tensor([0.0]),
)

# messages of several cases
NOT_THE_LAST = "these are not the last prompts that fill the share."
LAST_GROUP = "the last group by first appearance should go to test."
IDS_IN_ORDER = "ids should be the prompt, the reply and the end token, in this order."
AS_LONG_AS_IDS = "the mask should be as long as ids."
ZEROS_THEN_ONES = "the mask should be 0 on the prompt and 1 on the reply."
OWN_MEAN = "this is the selector's own mean. It is high by construction: let the judge speak."
SUM_OVER_PROMPTS = "this is the sum over prompts. Take the mean."
CONTROL_BY_SELECTOR = (
    "this is the selecting reward of the random candidate. The control has the same judge."
)


def _none_of(t: Trial, got: object, mistakes: Sequence[tuple], shown: str) -> None:
    """The reader's result must be none of these: pairs of a value and what is wrong with it."""
    for value, message in mistakes:
        t.holds(got != value, message, shown)


def _two(t: Trial, args: tuple, names: str) -> tuple[list, list, str]:
    """The reader's two results as plain lists, and the call with what it gave."""
    got = t.run(*args)
    shown = f"{t.call_text(args)} gave {got!r}"
    wanted = f"the result should be two lists, {names}"
    t.holds(isinstance(got, (list, tuple)) and len(got) == 2, f"{wanted}.", shown)
    t.holds(
        all(side is not None for side in got),
        f"{wanted}; one of yours is None. The methods append() and sort() change a list and "
        "return nothing.",
        shown,
    )
    t.holds(
        not any(isinstance(side, (set, frozenset)) for side in got),
        f"{wanted}. A set has no order.",
        shown,
    )
    t.holds(
        all(hasattr(side, "__iter__") and not isinstance(side, (str, dict)) for side in got),
        f"{wanted}.",
        shown,
    )
    first, second = map(_plain, got)
    t.holds(
        not any(isinstance(x, (list, tuple)) for x in first + second),
        f"{wanted}; in yours there are lists within a list. Join them to one.",
        shown,
    )
    return first, second, shown


def _plain(side: Iterable) -> list:
    """A list, array or tensor as a list of Python's own values."""
    return [x.item() if hasattr(x, "item") else x for x in side]


def _split(
    t: Trial, prompts: list[str], share: float, ascending: bool = False
) -> tuple[list, list, str]:
    """The reader's split, sorted, once it is two lists of indices that cover everything."""
    train, test, shown = _two(t, (prompts, share), "(train, test)")
    t.holds(
        not any(isinstance(x, str) for x in train + test),
        "these are prompts. Return their indices: two equal prompts have two indices.",
        shown,
    )
    t.holds(
        not any(isinstance(x, bool) for x in train + test),
        "these are True and False. Return the indices themselves.",
        shown,
    )
    t.holds(not set(train) & set(test), "an index is in both lists.", shown)
    t.holds(
        sorted(train + test) == list(range(len(prompts))),
        "an index is missing or there twice. Duplicates are kept: every index is in exactly one "
        "list.",
        shown,
    )
    in_order = sorted(train), sorted(test)
    if ascending:
        t.holds((train, test) == in_order, "each list should be ascending.", shown)
    return *in_order, shown


@task(
    "ex08",
    points=4,
    minutes=18,
    difficulty="medium",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'Data: what is in the training set?'",
    hints=(
        "Give each prompt a key that is equal for prompts that are the same. Then split the keys, "
        "not the prompts.",
        "str.split() without an argument cuts at every run of blanks, so joining its result with "
        "one space collapses them. A dictionary keeps its keys in the order of first appearance.",
        "Collect for each key the list of its indices. Go through these lists in reverse; before "
        "each, stop if the test set is already large enough. What is left is training.",
    ),
)
def split_prompts(t: Trial) -> None:
    with t.part(1, "the last prompts go to test, until they are enough"):
        _enough_in_test(t)
        _at_least_the_share(t)
        _nothing_in_test(t)
    with t.part(1, "a prompt and its duplicates stay together"):
        _a_duplicate_at_the_end(t)
        _duplicates_in_turn(t)
    with t.part(1, "the share is counted in prompts, not in groups"):
        _large_last_group(t)
        _small_last_group(t)
    with t.part(1, "case and blanks make no difference, and nothing else does"):
        _spellings_of_one_prompt(t)
        _different_prompts(t)
        t.untidy()


def _enough_in_test(t: Trial) -> None:
    train, test, shown = _split(t, ["a", "b", "c", "d"], 0.25)
    t.holds(
        not (train == [3] and test == [0, 1, 2]),
        "the two lists are the wrong way round: (train, test).",
        shown,
    )
    t.holds(test != [0], "the first prompt went to test. Begin with the last group.", shown)
    t.holds(
        len(test) != 3,
        "three prompts of four are in the test set. The share is that of the test set, not of "
        "training.",
        shown,
    )
    t.holds(
        len(test) != 2,
        "one prompt of four is already at least the share of 0.25. Stop as soon as there are "
        "enough.",
        shown,
    )
    t.holds(test == [3], NOT_THE_LAST, shown)


def _at_least_the_share(t: Trial) -> None:
    train, test, shown = _split(t, ["a", "b", "c", "d", "e"], 0.5, ascending=True)
    t.holds(
        len(test) != 2,
        "two prompts of five are less than the share of 0.5. At least the share is wanted.",
        shown,
    )
    t.holds(test == [2, 3, 4], NOT_THE_LAST, shown)
    _split(t, ["a", "b", "c", "a"], 0.25, ascending=True)


def _nothing_in_test(t: Trial) -> None:
    train, test, shown = _split(t, ["a", "b"], 0.0)
    t.holds(
        test == [], "with a share of 0 the test set has enough before anything is moved.", shown
    )


def _a_duplicate_at_the_end(t: Trial) -> None:
    train, test, shown = _split(t, ["a", "b", "c", "a"], 0.25)
    t.holds(
        3 not in test or 0 in test,
        "the same prompt is in training and in test: a leak. Move whole groups.",
        shown,
    )
    t.holds(
        test != [0, 3],
        "the groups are in the order in which they appear last. Order groups by first appearance, "
        "not by last.",
        shown,
    )
    t.holds(test == [2], LAST_GROUP, shown)


def _duplicates_in_turn(t: Trial) -> None:
    train, test, shown = _split(t, ["z", "a", "z", "a"], 0.5)
    t.holds(
        test != [0, 2],
        "the groups are in alphabetical order here. Order them by first appearance.",
        shown,
    )
    t.holds(
        len(test) != 4,
        "the last group alone holds two prompts of four, which is enough. Count prompts, not "
        "groups, and stop.",
        shown,
    )
    t.holds(
        test == [1, 3], "the last group by first appearance should go to test, all of it.", shown
    )


def _large_last_group(t: Trial) -> None:
    train, test, shown = _split(t, ["a", "b", "c", "c", "c", "c"], 0.5)
    t.holds(
        1 not in test,
        "the last group alone holds four of the six prompts, more than half. Count prompts, not "
        "groups.",
        shown,
    )
    t.holds(
        len(test) == 4, "the last group fills the share by itself; a group is moved whole.", shown
    )


def _small_last_group(t: Trial) -> None:
    train, test, shown = _split(t, ["a", "a", "a", "b"], 0.5)
    t.holds(
        test != [3],
        "the last group is one prompt of four, less than half. Count prompts, not groups.",
        shown,
    )
    t.holds(
        test == [0, 1, 2, 3],
        "the test set should grow by whole groups until it has at least the share.",
        shown,
    )


def _spellings_of_one_prompt(t: Trial) -> None:
    spellings = [
        ("Reset It", "capital letters make two prompts of one: a leak."),
        ("reset  it", "two blanks in a row make two prompts of one: a leak."),
        (" reset it ", "blanks at the ends make two prompts of one: a leak."),
        ("reset\tit", "a tab makes two prompts of one: a leak. Tabs and line ends are blanks too."),
        ("reset\nit", "a line end makes two prompts of one: a leak. Line ends are blanks too."),
        (
            "reset    it",
            "four blanks in a row make two prompts of one: a leak. Collapse runs of any length.",
        ),
    ]
    for other, message in spellings:
        train, test, shown = _split(t, ["reset it", "print", "send", other], 0.25)
        t.holds(3 not in test or 0 in test, message, shown)
        t.holds(test == [2], LAST_GROUP, shown)


def _different_prompts(t: Trial) -> None:
    train, test, shown = _split(t, ["reset it", "print", "resetit", "print?"], 0.5)
    t.holds(
        test != [1, 3],
        "a blank between two words was removed. Runs of blanks become one space, not none.",
        shown,
    )
    t.holds(
        1 not in test,
        "a question mark was removed. Only capital letters and runs of blanks make no difference.",
        shown,
    )
    t.holds(
        test == [2, 3],
        "these are four different prompts, and the last two should go to test.",
        shown,
    )


def _as_lists(pairs: Iterable) -> list:
    """Pairs as lists; what is no pair stays as it is."""
    return [
        list(row) if isinstance(row, (list, tuple)) or hasattr(row, "tolist") else row
        for row in pairs
    ]


def _kept(t: Trial, args: tuple, right: list, mistakes: Sequence[tuple], otherwise: str) -> None:
    """The reader's pairs must be ``right``; a pair may be a tuple or a list."""
    got = t.run(*args)
    shown = f"{t.call_text(args)} gave {got!r}"
    t.holds(
        not isinstance(got, dict),
        "this is a dictionary, in which a prompt has one reply at most. Return a list of pairs.",
        shown,
    )
    t.holds(
        hasattr(got, "__len__") and not isinstance(got, (str, set)),
        "the result should be a list. What zip, filter and a generator give can be read only once: "
        "put list() around it.",
        shown,
    )
    rows = _as_lists(got)
    wanted = _as_lists(right)
    _none_of(t, rows, [(_as_lists(value), message) for value, message in mistakes], shown)
    t.holds(
        all(isinstance(row, list) and len(row) == 2 for row in rows),
        "each element of the list should be a pair, (prompt, reply).",
        shown,
    )
    t.holds(
        rows == wanted or sorted(map(str, rows)) != sorted(map(str, wanted)),
        "the pairs are the right ones in another order. Keep the order of the rows.",
        shown,
    )
    t.holds(rows == wanted, f"{otherwise}.", shown)


@task(
    "ex08",
    points=3,
    minutes=8,
    difficulty="easy",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'Read the replies'",
    hints=(
        "Filter rows, never columns: a row is one prompt with its reply and its reward.",
        "zip takes three lists as well as two, and has an argument for lists of different lengths.",
        "One loop over the three lists zipped with strict=True; keep prompt and reply of the rows "
        "whose reward is high enough.",
    ),
)
def keep_aligned(t: Trial) -> None:
    with t.part(1, "a kept prompt has its own reply"):
        _one_row(t)
        _one_row_of_two(t)
    with t.part(1, "keeps all that are good enough, in order, duplicates too"):
        _order_of_many(t)
        _at_the_threshold(t)
        _two_rows_of_four(t)
        _prompt_that_comes_twice(t)
        _row_that_comes_twice(t)
        _one_reply_to_two_prompts(t)
        _negative_rewards(t)
        _nothing_good_enough(t)
        t.untidy()
    with t.part(1, "lists of different lengths are refused"):
        _lengths_differ(t)


def _one_row(t: Trial) -> None:
    mistakes = [
        (["p"], "these are the prompts alone. A pair is (prompt, reply)."),
        (["r"], "these are the replies alone. A pair is (prompt, reply)."),
        ([("r", "p")], "the pair is turned around: the prompt comes first."),
        ([("p", "r", 1.0)], "a pair is (prompt, reply), without the reward."),
        (
            [["p"], ["r"]],
            "these are two lists. Return one list of pairs: pairs cannot get out of step.",
        ),
        ([], "the only reply is above the threshold, and nothing is kept."),
    ]
    _kept(
        t,
        (["p"], ["r"], [1.0], 0.5),
        [("p", "r")],
        mistakes,
        "one pair should be kept, (prompt, reply)",
    )


def _one_row_of_two(t: Trial) -> None:
    mistakes = [
        (
            [("q", "r")],
            "prompt 'q' got the reply to 'p': the prompts are filtered and the replies are not. "
            "Filter rows.",
        ),
        (
            [("p", "s")],
            "prompt 'p' got the reply to 'q': the replies are filtered and the prompts are not. "
            "Filter rows.",
        ),
        ([("p", "r")], "the row below the threshold is kept and the one above it dropped."),
        ([("p", "r"), ("q", "s")], "nothing was dropped: the first reward is below the threshold."),
        (
            [],
            "the second reward is above the threshold, and nothing is kept. Does the loop end at "
            "the first row?",
        ),
    ]
    _kept(
        t,
        (["p", "q"], ["r", "s"], [0.0, 1.0], 0.5),
        [("q", "s")],
        mistakes,
        "one pair should be kept: the prompt above the threshold, with its own reply",
    )


def _at_the_threshold(t: Trial) -> None:
    _kept(
        t,
        (["p", "q"], ["r", "s"], [0.5, 1.0], 0.5),
        [("p", "r"), ("q", "s")],
        [([("q", "s")], "a reward equal to the threshold is dropped; 'at least' keeps it.")],
        "both rewards reach the threshold",
    )


def _order_of_many(t: Trial) -> None:
    """A set has the right order of a few pairs now and then, of many never."""
    prompts = [f"prompt {k}" for k in range(11)]
    replies = [f"reply {(7 * k) % 11}" for k in range(11)]
    got = _as_lists(t.run(prompts, replies, [1.0] * 11, 0.5))
    right = [list(pair) for pair in zip(prompts, replies, strict=True)]
    in_another = sorted(map(str, got)) == sorted(map(str, right))
    t.holds(
        got == right or not in_another,
        "the pairs are the right ones in another order: is something sorted, or a set used? Keep "
        "the order of the rows.",
        "11 rows that are all good enough",
    )


def _two_rows_of_four(t: Trial) -> None:
    mistakes = [
        ([("w", "u")], "only the best is kept. Every row that reaches the threshold stays."),
        ([("p", "r")], "the last row is missing. Does the loop end at the first bad row?"),
        (
            [("p", "r"), ("v", "t"), ("w", "u")],
            "of two bad rows side by side the second is kept: does the loop delete from the list "
            "it goes over?",
        ),
    ]
    _kept(
        t,
        (["p", "q", "v", "w"], ["r", "s", "t", "u"], [1.0, 0.0, 0.0, 2.0], 0.5),
        [("p", "r"), ("w", "u")],
        mistakes,
        "the first and the last row should be kept, in their order",
    )


def _prompt_that_comes_twice(t: Trial) -> None:
    mistakes = [
        (
            [("p", "s")],
            "a prompt that occurs twice lost one of its replies: is a dictionary keyed by prompt?",
        ),
        ([("p", "r")], "a prompt that occurs twice lost one of its replies."),
        (
            [("p", "r"), ("p", "r")],
            "both rows got the first reply: index() finds the first equal prompt.",
        ),
    ]
    _kept(
        t,
        (["p", "p"], ["r", "s"], [1.0, 2.0], 0.5),
        [("p", "r"), ("p", "s")],
        mistakes,
        "a prompt that occurs twice has two rows",
    )


def _row_that_comes_twice(t: Trial) -> None:
    mistakes = [
        ([("p", "r")] * 3, "all rows became the first: index() finds the first equal reward."),
        (
            [("p", "r"), ("q", "s")],
            "two equal rows became one. They are two training examples; keep both.",
        ),
    ]
    _kept(
        t,
        (["p", "q", "q"], ["r", "s", "s"], [1.0, 1.0, 1.0], 0.5),
        [("p", "r"), ("q", "s"), ("q", "s")],
        mistakes,
        "all three rows should be kept",
    )


def _one_reply_to_two_prompts(t: Trial) -> None:
    by_the_reply = (
        "a row was kept because another row with the same reply is good. Look at its own reward."
    )
    _kept(
        t,
        (["p", "q"], ["r", "r"], [1.0, 0.0], 0.5),
        [("p", "r")],
        [([("p", "r"), ("q", "r")], by_the_reply)],
        "two prompts with the same reply are two rows",
    )


def _negative_rewards(t: Trial) -> None:
    mistakes = [
        ([], "rewards and thresholds may be negative."),
        (
            [("p", "r"), ("q", "s")],
            "rewards and thresholds may be negative; is an absolute value taken?",
        ),
    ]
    _kept(
        t,
        (["p", "q"], ["r", "s"], [-2.0, -1.0], -1.5),
        [("q", "s")],
        mistakes,
        "rewards and thresholds may be negative",
    )


def _nothing_good_enough(t: Trial) -> None:
    _kept(
        t,
        (["p"], ["r"], [0.0], 0.5),
        [],
        [],
        "nothing is good enough here, so the list should be empty",
    )


def _lengths_differ(t: Trial) -> None:
    _refused(t, ["p", "q"], ["r"], [1.0, 1.0])
    _refused(t, ["p"], ["r", "s"], [1.0, 1.0])
    _refused(t, ["p", "q"], ["r", "s"], [1.0])


def _refused(t: Trial, *lists: list) -> None:
    """The reader's function must stop with a ValueError, which ``run`` would not let through."""
    t.run(["p"], ["r"], [1.0], 0.5)  # so that an empty stub is not told about lengths
    shown = t.call_text((*lists, 0.5))
    error = t.stopped(*lists, 0.5)
    if error and issubclass(error, ValueError):
        return
    if error:
        raise Wrong(
            "lists of different lengths should stop with a ValueError; yours stop "
            f"with {error.__name__}.",
            shown,
        )
    raise Wrong(
        "the three lists differ in length and nobody is told. Stop with a ValueError, whichever of "
        "the three differs.",
        shown,
    )


def _example(
    t: Trial, prompt: list[int], reply: list[int], end: int, finished: bool
) -> tuple[list, list, str]:
    """The reader's (ids, mask) as plain lists, and the call with what it gave."""
    return _two(t, (prompt, reply, end, finished), "(ids, mask)")


@task(
    "ex08",
    points=4,
    minutes=10,
    difficulty="medium",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'What is trained: which tokens carry loss?'",
    hints=(
        "Everything that comes after the prompt is learnt, and nothing else. So first build the "
        "part that is learnt.",
        "The mask depends on places, not on which tokens stand there: so many zeros, then so many "
        "ones.",
        "The learnt part is the reply, with [end] after it if finished. Zeros for the length of "
        "the prompt, ones for the length of the learnt part.",
    ),
)
def training_ids(t: Trial) -> None:
    with t.part(1, "prompt, reply and, when finished, the end token"):
        _one_token_each(t)
        _other_end_token(t)
    with t.part(1, "a reply that was cut gets no end token"):
        _cut_reply(t)
    with t.part(1, "the prompt is masked, and only the prompt"):
        _prompt_masked(t)
        _token_on_both_sides(t)
    with t.part(1, "the end token is learnt, and only the reply's"):
        _end_learnt(t)
        _end_inside_the_prompt(t)
        _empty_reply(t)
        t.untidy()


def _one_token_each(t: Trial) -> None:
    ids, mask, shown = _example(t, [5], [7], 2, True)
    turned = ids == [0, 1, 1] and mask == [5, 7, 2]
    t.holds(
        set(ids) - {0, 1} and not turned,
        "the two lists are the wrong way round: (ids, mask).",
        shown,
    )
    mistakes = [
        ([5, 7], "the end token is missing: a policy that never learns it does not stop."),
        (
            [7, 2],
            "the prompt is missing from ids. It carries no loss, but the reply is read after it.",
        ),
        ([5, 2, 7, 2], "there is an end token after the prompt too."),
    ]
    _none_of(t, ids, mistakes, shown)
    t.holds(ids == [5, 7, 2], IDS_IN_ORDER, shown)


def _other_end_token(t: Trial) -> None:
    ids, mask, shown = _example(t, [5, 6], [7, 8, 9], 1, True)
    t.holds(
        ids[-1:] != [2],
        "the end token here is 1: use the argument, not a number of your own.",
        shown,
    )
    t.holds(ids == [5, 6, 7, 8, 9, 1], IDS_IN_ORDER, shown)


def _cut_reply(t: Trial) -> None:
    ids, mask, shown = _example(t, [5], [7], 2, False)
    t.holds(
        ids != [5, 7, 2],
        "the reply was cut at the limit and you end it all the same: the policy learns to stop in "
        "mid-sentence.",
        shown,
    )
    t.holds(
        ids == [5, 7],
        "a reply that was cut is still trained on: prompt and reply, without an end token.",
        shown,
    )
    t.holds(len(mask) == 2, AS_LONG_AS_IDS, shown)


def _prompt_masked(t: Trial) -> None:
    ids, mask, shown = _example(t, [5, 6, 4], [7, 0], 2, False)
    t.holds(len(mask) == len(ids), AS_LONG_AS_IDS, shown)
    t.holds(
        not all(m == 1 for m in mask),
        "the prompt carries loss: the model would learn to write questions.",
        shown,
    )
    t.holds(
        any(m == 1 for m in mask) or -100 in mask,
        "nothing is learnt. A reply that was cut is learnt up to where it was cut.",
        shown,
    )
    mistakes = [
        (
            [0, 0, 0, 1, 0],
            "the last token of the reply is not learnt. Its id is 0, which is a token like any "
            "other.",
        ),
        ([1, 1, 1, 0, 0], "the mask is turned around: the prompt is learnt and the reply is not."),
    ]
    _none_of(t, mask, mistakes, shown)
    t.holds(
        mask != [0, 0, 1, 1, 1] and mask != [0, 0, 1, 1, 0],
        "the mask is shifted by one: its position t belongs to ids[t].",
        shown,
    )
    t.holds(
        mask != [0, 0, 0, 0, 1],
        "the first token of the reply is not learnt: is the mask shifted by one?",
        shown,
    )
    t.holds(
        -100 not in mask,
        "the mask is 0 and 1; -100 is what a later step writes into the labels.",
        shown,
    )
    t.holds(mask == [0, 0, 0, 1, 1], ZEROS_THEN_ONES, shown)


def _token_on_both_sides(t: Trial) -> None:
    ids, mask, shown = _example(t, [5, 6], [6, 7], 2, False)
    mistakes = [
        (
            [0, 0, 0, 1],
            "a token of the reply that also stands in the prompt is masked. The mask depends on "
            "places, not on tokens.",
        ),
        (
            [0, 1, 1, 1],
            "a token of the prompt that also stands in the reply is learnt. The mask depends on "
            "places, not on tokens.",
        ),
    ]
    _none_of(t, mask, mistakes, shown)
    t.holds(mask == [0, 0, 1, 1], ZEROS_THEN_ONES, shown)


def _end_learnt(t: Trial) -> None:
    ids, mask, shown = _example(t, [5, 6], [7], 2, True)
    t.holds(len(mask) == len(ids), AS_LONG_AS_IDS, shown)
    mistakes = [
        (
            [0, 0, 1, 0],
            "the end token is in ids but carries no loss: the policy does not learn to stop.",
        ),
        (
            [0, 0, 0, 1],
            "the end token is learnt and the reply's token is not: count the end token too when "
            "you place the ones.",
        ),
    ]
    _none_of(t, mask, mistakes, shown)
    t.holds(
        mask == [0, 0, 1, 1],
        "the mask should be 0 on the prompt, 1 on the reply and on its end token.",
        shown,
    )


def _end_inside_the_prompt(t: Trial) -> None:
    ids, mask, shown = _example(t, [5, 2], [7], 2, False)
    t.holds(
        mask != [0, 1, 1], "an end token inside the prompt is learnt; only the reply's is.", shown
    )
    t.holds(
        mask == [0, 0, 1] and ids == [5, 2, 7],
        "an end token inside the prompt is a part of the prompt.",
        shown,
    )


def _empty_reply(t: Trial) -> None:
    ids, mask, shown = _example(t, [5], [], 2, True)
    t.holds(
        ids == [5, 2] and mask == [0, 1],
        "an empty finished reply still has its end token, and it is learnt.",
        shown,
    )


def _entry(
    t: Trial, args: tuple, key: str, right: float, mistakes: Sequence[tuple], otherwise: str
) -> None:
    """One number of the reader's report must be ``right``."""
    got = t.run(*args)
    shown = f"{t.call_text(args)} gave {got!r}"
    t.holds(
        isinstance(got, dict),
        'the result should be a dictionary with the keys "selected", "control" and "difference".',
        shown,
    )
    t.holds(key in got, f"the key {key!r} is missing from the dictionary.", shown)
    value = got[key]
    t.holds(
        not (hasattr(value, "__len__") and getattr(value, "ndim", 1)),
        f"{key!r} should be one number: the mean over prompts.",
        shown,
    )
    messages = [message for other, message in mistakes if abs(float(value) - other) < 1e-5]
    if abs(float(value) - right) < 0.05:
        messages.append("the number is rounded. Return it as it is.")
    messages.append(f"{key!r}: {otherwise}.")
    t.holds(abs(float(value) - right) < 1e-5, messages[0], shown)


@task(
    "ex08",
    points=4,
    minutes=15,
    difficulty="medium",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'On paper: three numbers in a report'",
    hints=(
        "The selecting reward is used once, to find a place in each row. From there on only the "
        "judge speaks.",
        "judge[torch.arange(P), index] takes one candidate of each row. The control's index needs "
        "u and N only.",
        "Two vectors of P numbers by the judge, one at the argmax of selecting, one at floor(u * "
        "N) as whole numbers. Their means, and the mean of the first minus the second.",
    ),
)
def honest_report(t: Trial) -> None:
    with t.part(2, "selected: chosen by one reward, judged by the other"):
        _selected_in_one_row(t)
        _selected_in_two_rows(t)
        _selected_among_equals(t)
    with t.part(1, "control: the candidate at floor(u N), judged by the judge"):
        _control_in_one_row(t)
        _control_in_two_rows(t)
        _control_when_u_is_0(t)
    with t.part(1, "difference: selected minus control, paired"):
        _difference_in_one_row(t)
        _difference_in_two_rows(t)
        _three_keys(t)
        t.untidy()


def _selected_in_one_row(t: Trial) -> None:
    place = "this is the place of the candidate in its row. Take the judge's reward at this place."
    mistakes = [
        (9.0, OWN_MEAN),
        (
            6.0,
            "this is the judge's best candidate. The judge must take no part in the choice: argmax "
            "of selecting.",
        ),
        (4.0, "this is the selecting reward of the judge's choice. The two are exchanged."),
        (3.0, "this is the candidate with the lowest selecting reward."),
        (1.0, place),
        (
            11 / 3,
            "this is the mean of all three candidates. Choose one in each row: argmax with dim=1.",
        ),
    ]
    _entry(
        t,
        ONE_ROW,
        "selected",
        2.0,
        mistakes,
        "the judge's value of the candidate with the highest selecting reward is wanted",
    )


def _selected_in_two_rows(t: Trial) -> None:
    mistakes = [
        (8.0, OWN_MEAN),
        (10.75, "this is the judge's best candidate. The judge must take no part in the choice."),
        (13.25, SUM_OVER_PROMPTS),
        (12.5, "this is the first prompt only."),
        (
            0.75,
            "this is one candidate of all rows together. Choose one in each row: argmax with "
            "dim=1.",
        ),
        (6.0, "fractions are lost: are the judge's rewards made whole numbers?"),
        (
            3.8125,
            "every index is taken from every row here. Pair row and index: judge[torch.arange(P), "
            "index].",
        ),
        (0.375, "one index serves all prompts: is it an argmax without dim=1?"),
    ]
    _entry(
        t,
        TWO_ROWS,
        "selected",
        6.625,
        mistakes,
        "the mean over prompts is wanted, one candidate a prompt, with the argmax over candidates "
        "(dim=1)",
    )


def _selected_among_equals(t: Trial) -> None:
    mistakes = [
        (2.0, "of equal selecting rewards the last wins; the lowest index should."),
        (
            5.0,
            "of equal selecting rewards the judge picks its own favourite; the lowest index should "
            "win.",
        ),
        (8 / 3, "tied candidates are averaged; the lowest index should win."),
    ]
    _entry(t, EQUAL_REWARDS, "selected", 1.0, mistakes, "with a tie the lowest index should win")


def _control_in_one_row(t: Trial) -> None:
    mistakes = [
        (4.0, CONTROL_BY_SELECTOR),
        (
            11 / 3,
            "this is the mean of all candidates, not a random one of them. A control is made as "
            "the treatment is: one candidate a prompt.",
        ),
        (
            2.0,
            "0.3 times 3 is 0.9, which is rounded down, not up or to the nearest, and places count "
            "from 0.",
        ),
    ]
    _entry(
        t, ONE_ROW, "control", 6.0, mistakes, "the random candidate of this prompt is another one"
    )


def _control_in_two_rows(t: Trial) -> None:
    mistakes = [
        (4.5, CONTROL_BY_SELECTOR),
        (5.65625, "this is the mean of all candidates, not a random one of them."),
        (
            6.5,
            "the control does not follow u: each prompt has its own u, and its index is u times N, "
            "rounded down.",
        ),
        (5.0, "0.2 times 4 is 0.8, which is rounded down, not up or to the nearest."),
        (
            4.0,
            "the index is u times (N - 1): the last candidate is then almost never drawn. Multiply "
            "by N.",
        ),
        (
            10.25,
            "the index is u times P, the number of prompts. Multiply by N, the number of "
            "candidates.",
        ),
        (8.5, "one u serves all prompts. Each prompt has its own."),
        (7.5, "every index is taken from every row here. Pair row and index, as for selected."),
        (16.0, SUM_OVER_PROMPTS),
    ]
    _entry(
        t,
        TWO_ROWS,
        "control",
        8.0,
        mistakes,
        "the random candidate of each prompt is the one at floor(u N)",
    )


def _control_when_u_is_0(t: Trial) -> None:
    rounded_up = (
        "here u is 0, and the last candidate is drawn. Round down; to round up and take 1 off is "
        "something else."
    )
    _entry(
        t,
        EQUAL_REWARDS,
        "control",
        1.0,
        [(2.0, rounded_up)],
        "with u = 0 the first candidate is drawn",
    )


def _difference_in_one_row(t: Trial) -> None:
    mistakes = [
        (4.0, "the sign is turned, or an absolute value taken: selected minus control."),
        (3.0, "this sets the selector's score against the judge's. Both terms are the judge's."),
        (5.0, "this is the difference by the selecting reward. Use the judge."),
        (2 - 11 / 3, "this is selected minus the mean of all candidates. Subtract the control."),
    ]
    _entry(
        t,
        ONE_ROW,
        "difference",
        -4.0,
        mistakes,
        "the mean of selected minus control is wanted; it may be negative",
    )


def _difference_in_two_rows(t: Trial) -> None:
    mistakes = [
        (1.375, "the sign is turned: selected minus control."),
        (5.875, "absolute differences are averaged. Keep the sign of each prompt."),
        (-2.75, SUM_OVER_PROMPTS),
        (0.0, "this sets the selector's score against the judge's."),
    ]
    _entry(
        t, TWO_ROWS, "difference", -1.375, mistakes, "the mean of selected minus control is wanted"
    )


def _three_keys(t: Trial) -> None:
    got = t.run(*TWO_ROWS)
    t.holds(
        set(got) == {"selected", "control", "difference"},
        "the dictionary should have three keys, selected, control and difference, and no other.",
        f"{t.call_text(TWO_ROWS)} gave {got!r}",
    )


def _facts(**changed: float) -> dict[str, float]:
    """A run without a fault, with some facts changed."""
    return {
        "train_in_test": 0.0,
        "cut": 0.0,
        "distinct": 0.6,
        "proxy_change": 1.0,
        "gold_change": 1.0,
        "control_gold_change": 0.0,
        **changed,
    }


def _named(
    t: Trial, right: str, message: str, instead: dict[str, str] | None = None, **changed: float
) -> None:
    """The reader's name for this run must be ``right``.

    ``changed``: the facts that differ from a run without a fault. ``instead``: wrong name → what to
    say of it in place of ``message``.
    """
    facts = _facts(**changed)
    got = t.run(facts)
    shown = f"diagnose({facts}) gave {got!r}"
    t.holds(isinstance(got, str), "the result should be one name, a text.", shown)
    t.holds(got in FAULTS, "this is none of the six names.", shown)
    t.holds(got == right, (instead or {}).get(got, message), shown)


@task(
    "ex08",
    points=4,
    minutes=10,
    difficulty="easy",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'A checklist to take away'",
    hints=(
        "Five questions, one after the other. The first yes ends the search.",
        "Five ifs, each with a return, in the order of the table, and a return after them all.",
        "Rule 4 joins two conditions with and; the second is gold_change <= 0. Rule 5 subtracts "
        "the control's change before it compares.",
    ),
)
def diagnose(t: Trial) -> None:
    with t.part(2, "a run without a fault, and each fault alone"):
        _leak_and_no_fault(t)
        _cut_copies_and_proxy(t)
        _against_the_control(t)
    with t.part(1, "a value at a threshold is neither above nor below it"):
        _at_thresholds(t)
    with t.part(1, "of several faults the first in the order is named"):
        _several_faults(t)
        t.untidy()


def _leak_and_no_fault(t: Trial) -> None:
    instead = {
        "leak": "the share train_in_test is 0, which is not above 0.",
        "cut": "the share cut is 0, which is not above 0.05.",
        "copies": "the value of distinct is 0.6, which is not below 0.35.",
        "proxy": "the proxy rose, but gold rose too. Rule 4 needs both of its conditions.",
        "control": "gold rose by 1 more than for the control, which is not below 0.25. Which is "
        "subtracted from which?",
    }
    _named(
        t,
        "leak",
        "some training prompts are test prompts, and the diagnosis does not say so. If the rule is "
        "there, does a later line overwrite its answer?",
        train_in_test=0.5,
    )
    _named(t, "none", "no rule of the table holds for this run.", instead)


def _cut_copies_and_proxy(t: Trial) -> None:
    _named(
        t,
        "cut",
        "two replies in five do not end properly, and the diagnosis does not say so.",
        cut=0.4,
    )
    _named(
        t,
        "copies",
        "the replies hardly differ, and the diagnosis does not say so. Fewer different word pairs, "
        "so a low value, is the sign.",
        distinct=0.2,
    )
    _named(
        t,
        "proxy",
        "the proxy rose and gold fell, and the diagnosis does not say so.",
        gold_change=-1.0,
        control_gold_change=-2.0,
    )


def _against_the_control(t: Trial) -> None:
    smaller = {
        "proxy": "gold rose less than the proxy, but it rose. Rule 4 asks whether gold_change is "
        "above 0."
    }
    _named(
        t,
        "control",
        "the control gained nearly as much, and the diagnosis does not say so. Is rule 5 reached "
        "when the proxy rose, and does it take gold_change minus control_gold_change?",
        smaller,
        proxy_change=2.0,
        control_gold_change=0.9,
    )
    _named(
        t,
        "none",
        "the gain is small, but the control lost: the difference is what rule 5 asks for.",
        smaller,
        gold_change=0.2,
        control_gold_change=-0.5,
    )
    _named(
        t,
        "none",
        "gold fell, but so did the proxy, and the control fell much further: no rule of the table "
        "holds. Rule 4 needs both of its conditions.",
        proxy_change=-1.0,
        gold_change=-0.5,
        control_gold_change=-2.0,
    )
    _named(
        t,
        "control",
        "the gain is large and the control's is larger still. Keep the sign of the difference: "
        "below 0 is below 0.25 too.",
        gold_change=1.0,
        control_gold_change=2.0,
    )
    _named(
        t,
        "control",
        "the proxy fell, so rule 4 does not hold; rule 5 asks nothing of the proxy.",
        proxy_change=-1.0,
        gold_change=-1.0,
    )


def _at_thresholds(t: Trial) -> None:
    _named(t, "none", "the share cut is exactly 0.05, which is not above it.", cut=0.05)
    _named(
        t,
        "cut",
        "the share cut is 0.051, above the threshold. Is another threshold used, or is the share "
        "rounded?",
        cut=0.051,
    )
    _named(
        t, "none", "the value of distinct is exactly 0.35, which is not below it.", distinct=0.35
    )
    _named(
        t,
        "copies",
        "the value of distinct is 0.34, below the threshold. Is another threshold used?",
        distinct=0.34,
    )
    _named(
        t,
        "none",
        "the difference to the control is exactly 0.25, which is not below it.",
        control_gold_change=0.75,
    )
    _named(
        t,
        "proxy",
        "gold did not change at all: it is not above 0, and the proxy rose.",
        gold_change=0.0,
        control_gold_change=-1.0,
    )
    _named(
        t,
        "none",
        "the proxy did not change: it is not above 0, so rule 4 does not hold.",
        proxy_change=0.0,
        gold_change=0.0,
        control_gold_change=-1.0,
    )
    _named(
        t,
        "leak",
        "one training prompt in a hundred is a test prompt. That is above 0.",
        train_in_test=0.01,
    )


def _several_faults(t: Trial) -> None:
    order = "the first rule of the table that holds should be named, not a later one."
    _named(t, "proxy", order, gold_change=-1.0, control_gold_change=0.0)
    _named(t, "copies", order, distinct=0.1, control_gold_change=0.9)
    _named(t, "copies", order, distinct=0.1, gold_change=-1.0)
    _named(t, "cut", order, cut=0.5, distinct=0.1)
    _named(t, "cut", order, cut=0.5, gold_change=-1.0)
    _named(t, "leak", order, train_in_test=0.1, cut=0.5)
    _named(t, "leak", order, train_in_test=0.1, cut=0.5, distinct=0.1, gold_change=-1.0)
