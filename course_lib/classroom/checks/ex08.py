"""Checks of exercise 08, repairing pipelines.

What the reader's answer must do, property by property.
"""

import torch

from .outcome import Wrong
from .registry import need as need
from .registry import task

L08 = "lesson 08"


def _two(t, args, names):
    """The reader's two results as plain lists, and the call with what it gave."""
    got = t.run(*args)
    shown, wanted = f"{t.call_text(args)} gave {got!r}", f"the result should be two lists, {names}"
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
    first, second = ([x.item() if hasattr(x, "item") else x for x in side] for side in got)
    t.holds(
        not any(isinstance(x, (list, tuple)) for x in first + second),
        f"{wanted}; in yours there are lists within a list. Join them to one.",
        shown,
    )
    return first, second, shown


def _split(t, prompts, share, ascending=False):
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
        "an index is missing or there twice. Duplicates are kept: every index is in exactly "
        "one list.",
        shown,
    )
    if ascending:
        t.holds(
            (train, test) == (sorted(train), sorted(test)), "each list should be ascending.", shown
        )
    return sorted(train), sorted(test), shown


@task(
    "ex08",
    points=4,
    minutes=18,
    difficulty="medium",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'Data: what is in the training set?'",
    hints=(
        "Give each prompt a key that is equal for prompts that are the same. Then split the "
        "keys, not the prompts.",
        "str.split() without an argument cuts at every run of blanks, so joining its result "
        "with one space collapses them. A dictionary keeps its keys in the order of first "
        "appearance.",
        "Collect for each key the list of its indices. Go through these lists in reverse; "
        "before each, stop if the test set is already large enough. What is left is training.",
    ),
)
def split_prompts(t):
    with t.part(1, "the last prompts go to test, until they are enough"):
        train, test, shown = _split(t, ["a", "b", "c", "d"], 0.25)
        t.holds(
            not (train == [3] and test == [0, 1, 2]),
            "the two lists are the wrong way round: (train, test).",
            shown,
        )
        t.holds(test != [0], "the first prompt went to test. Begin with the last group.", shown)
        t.holds(
            len(test) != 3,
            "three prompts of four are in the test set. The share is that of the test set, not "
            "of training.",
            shown,
        )
        t.holds(
            len(test) != 2,
            "one prompt of four is already at least the share of 0.25. Stop as soon as there "
            "are enough.",
            shown,
        )
        t.holds(test == [3], "these are not the last prompts that fill the share.", shown)
        train, test, shown = _split(t, ["a", "b", "c", "d", "e"], 0.5, ascending=True)
        t.holds(
            len(test) != 2,
            "two prompts of five are less than the share of 0.5. At least the share is wanted.",
            shown,
        )
        t.holds(test == [2, 3, 4], "these are not the last prompts that fill the share.", shown)
        _split(t, ["a", "b", "c", "a"], 0.25, ascending=True)
        train, test, shown = _split(t, ["a", "b"], 0.0)
        t.holds(
            test == [], "with a share of 0 the test set has enough before anything is moved.", shown
        )
    with t.part(1, "a prompt and its duplicates stay together"):
        train, test, shown = _split(t, ["a", "b", "c", "a"], 0.25)
        t.holds(
            3 not in test or 0 in test,
            "the same prompt is in training and in test: a leak. Move whole groups.",
            shown,
        )
        t.holds(
            test != [0, 3],
            "the groups are in the order in which they appear last. Order groups by first "
            "appearance, not by last.",
            shown,
        )
        t.holds(test == [2], "the last group by first appearance should go to test.", shown)
        train, test, shown = _split(t, ["z", "a", "z", "a"], 0.5)
        t.holds(
            test != [0, 2],
            "the groups are in alphabetical order here. Order them by first appearance.",
            shown,
        )
        t.holds(
            len(test) != 4,
            "the last group alone holds two prompts of four, which is enough. Count prompts, "
            "not groups, and stop.",
            shown,
        )
        t.holds(
            test == [1, 3],
            "the last group by first appearance should go to test, all of it.",
            shown,
        )
    with t.part(1, "the share is counted in prompts, not in groups"):
        train, test, shown = _split(t, ["a", "b", "c", "c", "c", "c"], 0.5)
        t.holds(
            1 not in test,
            "the last group alone holds four of the six prompts, more than half. Count "
            "prompts, not groups.",
            shown,
        )
        t.holds(
            len(test) == 4,
            "the last group fills the share by itself; a group is moved whole.",
            shown,
        )
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
    with t.part(1, "case and blanks make no difference, and nothing else does"):
        for other, message in (
            ("Reset It", "capital letters make two prompts of one: a leak."),
            ("reset  it", "two blanks in a row make two prompts of one: a leak."),
            (" reset it ", "blanks at the ends make two prompts of one: a leak."),
            (
                "reset\tit",
                "a tab makes two prompts of one: a leak. Tabs and line ends are blanks too.",
            ),
            ("reset\nit", "a line end makes two prompts of one: a leak. Line ends are blanks too."),
            (
                "reset    it",
                "four blanks in a row make two prompts of one: a leak. Collapse runs of any "
                "length.",
            ),
        ):
            train, test, shown = _split(t, ["reset it", "print", "send", other], 0.25)
            t.holds(3 not in test or 0 in test, message, shown)
            t.holds(test == [2], "the last group by first appearance should go to test.", shown)
        train, test, shown = _split(t, ["reset it", "print", "resetit", "print?"], 0.5)
        t.holds(
            test != [1, 3],
            "a blank between two words was removed. Runs of blanks become one space, not none.",
            shown,
        )
        t.holds(
            1 not in test,
            "a question mark was removed. Only capital letters and runs of blanks make no "
            "difference.",
            shown,
        )
        t.holds(
            test == [2, 3],
            "these are four different prompts, and the last two should go to test.",
            shown,
        )


def _kept(t, args, right, mistakes, otherwise):
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
        "the result should be a list. What zip, filter and a generator give can be read only "
        "once: put list() around it.",
        shown,
    )
    rows, wanted = (
        [
            list(row) if isinstance(row, (list, tuple)) or hasattr(row, "tolist") else row
            for row in pairs
        ]
        for pairs in (got, right)
    )
    for value, message in mistakes:
        t.holds(
            rows != [list(row) if isinstance(row, tuple) else row for row in value], message, shown
        )
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
        "One loop over the three lists zipped with strict=True; keep prompt and reply of the "
        "rows whose reward is high enough.",
    ),
)
def keep_aligned(t):
    with t.part(1, "a kept prompt has its own reply"):
        _kept(
            t,
            (["p"], ["r"], [1.0], 0.5),
            [("p", "r")],
            [
                (["p"], "these are the prompts alone. A pair is (prompt, reply)."),
                (["r"], "these are the replies alone. A pair is (prompt, reply)."),
                ([("r", "p")], "the pair is turned around: the prompt comes first."),
                ([("p", "r", 1.0)], "a pair is (prompt, reply), without the reward."),
                (
                    [["p"], ["r"]],
                    "these are two lists. Return one list of pairs: pairs cannot get out of step.",
                ),
                ([], "the only reply is above the threshold, and nothing is kept."),
            ],
            "one pair should be kept, (prompt, reply)",
        )
        _kept(
            t,
            (["p", "q"], ["r", "s"], [0.0, 1.0], 0.5),
            [("q", "s")],
            [
                (
                    [("q", "r")],
                    "prompt 'q' got the reply to 'p': the prompts are filtered and the replies "
                    "are not. Filter rows.",
                ),
                (
                    [("p", "s")],
                    "prompt 'p' got the reply to 'q': the replies are filtered and the prompts "
                    "are not. Filter rows.",
                ),
                ([("p", "r")], "the row below the threshold is kept and the one above it dropped."),
                (
                    [("p", "r"), ("q", "s")],
                    "nothing was dropped: the first reward is below the threshold.",
                ),
                (
                    [],
                    "the second reward is above the threshold, and nothing is kept. Does the "
                    "loop end at the first row?",
                ),
            ],
            "one pair should be kept: the prompt above the threshold, with its own reply",
        )
    with t.part(1, "keeps all that are good enough, in order, duplicates too"):
        _kept(
            t,
            (["p", "q"], ["r", "s"], [0.5, 1.0], 0.5),
            [("p", "r"), ("q", "s")],
            [([("q", "s")], "a reward equal to the threshold is dropped; 'at least' keeps it.")],
            "both rewards reach the threshold",
        )
        _kept(
            t,
            (["p", "q", "v", "w"], ["r", "s", "t", "u"], [1.0, 0.0, 0.0, 2.0], 0.5),
            [("p", "r"), ("w", "u")],
            [
                (
                    [("w", "u")],
                    "only the best is kept. Every row that reaches the threshold stays.",
                ),
                ([("p", "r")], "the last row is missing. Does the loop end at the first bad row?"),
                (
                    [("p", "r"), ("v", "t"), ("w", "u")],
                    "of two bad rows side by side the second is kept: does the loop delete "
                    "from the list it goes over?",
                ),
            ],
            "the first and the last row should be kept, in their order",
        )
        _kept(
            t,
            (["p", "p"], ["r", "s"], [1.0, 2.0], 0.5),
            [("p", "r"), ("p", "s")],
            [
                (
                    [("p", "s")],
                    "a prompt that occurs twice lost one of its replies: is a dictionary keyed "
                    "by prompt?",
                ),
                ([("p", "r")], "a prompt that occurs twice lost one of its replies."),
                (
                    [("p", "r"), ("p", "r")],
                    "both rows got the first reply: index() finds the first equal prompt.",
                ),
            ],
            "a prompt that occurs twice has two rows",
        )
        _kept(
            t,
            (["p", "q", "q"], ["r", "s", "s"], [1.0, 1.0, 1.0], 0.5),
            [("p", "r"), ("q", "s"), ("q", "s")],
            [
                (
                    [("p", "r")] * 3,
                    "all rows became the first: index() finds the first equal reward.",
                ),
                (
                    [("p", "r"), ("q", "s")],
                    "two equal rows became one. They are two training examples; keep both.",
                ),
            ],
            "all three rows should be kept",
        )
        _kept(
            t,
            (["p", "q"], ["r", "r"], [1.0, 0.0], 0.5),
            [("p", "r")],
            [
                (
                    [("p", "r"), ("q", "r")],
                    "a row was kept because another row with the same reply is good. Look at "
                    "its own reward.",
                )
            ],
            "two prompts with the same reply are two rows",
        )
        _kept(
            t,
            (["p", "q"], ["r", "s"], [-2.0, -1.0], -1.5),
            [("q", "s")],
            [
                ([], "rewards and thresholds may be negative."),
                (
                    [("p", "r"), ("q", "s")],
                    "rewards and thresholds may be negative; is an absolute value taken?",
                ),
            ],
            "rewards and thresholds may be negative",
        )
        _kept(
            t,
            (["p"], ["r"], [0.0], 0.5),
            [],
            [],
            "nothing is good enough here, so the list should be empty",
        )
    with t.part(1, "lists of different lengths are refused"):
        for lists in (
            (["p", "q"], ["r"], [1.0, 1.0]),
            (["p"], ["r", "s"], [1.0, 1.0]),
            (["p", "q"], ["r", "s"], [1.0]),
        ):
            t.run(["p"], ["r"], [1.0], 0.5)  # so that an empty stub is not told about lengths
            shown = t.call_text((*lists, 0.5))
            try:
                t.value(*[list(x) for x in lists], 0.5)
            except ValueError:
                continue
            except Exception as error:
                raise Wrong(
                    "lists of different lengths should stop with a ValueError; yours stop "
                    f"with {type(error).__name__}.",
                    shown,
                ) from None
            raise Wrong(
                "the three lists differ in length and nobody is told. Stop with a ValueError, "
                "whichever of the three differs.",
                shown,
            )


def _example(t, args):
    ids, mask, shown = _two(t, args, "(ids, mask)")
    return (ids, mask), shown


@task(
    "ex08",
    points=4,
    minutes=10,
    difficulty="medium",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'What is trained: which tokens carry loss?'",
    hints=(
        "Everything that comes after the prompt is learnt, and nothing else. So first build "
        "the part that is learnt.",
        "The mask depends on places, not on which tokens stand there: so many zeros, then so "
        "many ones.",
        "The learnt part is the reply, with [end] after it if finished. Zeros for the length "
        "of the prompt, ones for the length of the learnt part.",
    ),
)
def training_ids(t):
    with t.part(1, "prompt, reply and, when finished, the end token"):
        (ids, mask), shown = _example(t, ([5], [7], 2, True))
        t.holds(
            set(ids) - {0, 1} and not (ids == [0, 1, 1] and mask == [5, 7, 2]),
            "the two lists are the wrong way round: (ids, mask).",
            shown,
        )
        t.holds(
            ids != [5, 7],
            "the end token is missing: a policy that never learns it does not stop.",
            shown,
        )
        t.holds(
            ids != [7, 2],
            "the prompt is missing from ids. It carries no loss, but the reply is read after it.",
            shown,
        )
        t.holds(ids != [5, 2, 7, 2], "there is an end token after the prompt too.", shown)
        t.holds(
            ids == [5, 7, 2],
            "ids should be the prompt, the reply and the end token, in this order.",
            shown,
        )
        (ids, mask), shown = _example(t, ([5, 6], [7, 8, 9], 1, True))
        t.holds(
            ids[-1:] != [2],
            "the end token here is 1: use the argument, not a number of your own.",
            shown,
        )
        t.holds(
            ids == [5, 6, 7, 8, 9, 1],
            "ids should be the prompt, the reply and the end token, in this order.",
            shown,
        )
    with t.part(1, "a reply that was cut gets no end token"):
        (ids, mask), shown = _example(t, ([5], [7], 2, False))
        t.holds(
            ids != [5, 7, 2],
            "the reply was cut at the limit and you end it all the same: the policy learns to "
            "stop in mid-sentence.",
            shown,
        )
        t.holds(
            ids == [5, 7],
            "a reply that was cut is still trained on: prompt and reply, without an end token.",
            shown,
        )
        t.holds(len(mask) == 2, "the mask should be as long as ids.", shown)
    with t.part(1, "the prompt is masked, and only the prompt"):
        (ids, mask), shown = _example(t, ([5, 6, 4], [7, 0], 2, False))
        t.holds(len(mask) == len(ids), "the mask should be as long as ids.", shown)
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
        t.holds(
            mask != [0, 0, 0, 1, 0],
            "the last token of the reply is not learnt. Its id is 0, which is a token like any "
            "other.",
            shown,
        )
        t.holds(
            mask != [1, 1, 1, 0, 0],
            "the mask is turned around: the prompt is learnt and the reply is not.",
            shown,
        )
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
        t.holds(
            mask == [0, 0, 0, 1, 1], "the mask should be 0 on the prompt and 1 on the reply.", shown
        )
        (ids, mask), shown = _example(t, ([5, 6], [6, 7], 2, False))
        t.holds(
            mask != [0, 0, 0, 1],
            "a token of the reply that also stands in the prompt is masked. The mask depends "
            "on places, not on tokens.",
            shown,
        )
        t.holds(
            mask != [0, 1, 1, 1],
            "a token of the prompt that also stands in the reply is learnt. The mask depends "
            "on places, not on tokens.",
            shown,
        )
        t.holds(
            mask == [0, 0, 1, 1], "the mask should be 0 on the prompt and 1 on the reply.", shown
        )
    with t.part(1, "the end token is learnt, and only the reply's"):
        (ids, mask), shown = _example(t, ([5, 6], [7], 2, True))
        t.holds(len(mask) == len(ids), "the mask should be as long as ids.", shown)
        t.holds(
            mask != [0, 0, 1, 0],
            "the end token is in ids but carries no loss: the policy does not learn to stop.",
            shown,
        )
        t.holds(
            mask != [0, 0, 0, 1],
            "the end token is learnt and the reply's token is not: count the end token too "
            "when you place the ones.",
            shown,
        )
        t.holds(
            mask == [0, 0, 1, 1],
            "the mask should be 0 on the prompt, 1 on the reply and on its end token.",
            shown,
        )
        (ids, mask), shown = _example(t, ([5, 2], [7], 2, False))
        t.holds(
            mask != [0, 1, 1],
            "an end token inside the prompt is learnt; only the reply's is.",
            shown,
        )
        t.holds(
            mask == [0, 0, 1] and ids == [5, 2, 7],
            "an end token inside the prompt is a part of the prompt.",
            shown,
        )
        (ids, mask), shown = _example(t, ([5], [], 2, True))
        t.holds(
            ids == [5, 2] and mask == [0, 1],
            "an empty finished reply still has its end token, and it is learnt.",
            shown,
        )


def _entry(t, args, key, right, mistakes=(), otherwise="the result is not right"):
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
    near = [message for other, message in mistakes if abs(float(value) - other) < 1e-5]
    near += ["the number is rounded. Return it as it is."] * (abs(float(value) - right) < 0.05)
    t.holds(abs(float(value) - right) < 1e-5, near[0] if near else f"{key!r}: {otherwise}.", shown)


@task(
    "ex08",
    points=4,
    minutes=15,
    difficulty="medium",
    idea="analysing a flawed improvement pipeline",
    read=f"{L08}, 'On paper: three numbers in a report'",
    hints=(
        "The selecting reward is used once, to find a place in each row. From there on only "
        "the judge speaks.",
        "judge[torch.arange(P), index] takes one candidate of each row. The control's index "
        "needs u and N only.",
        "Two vectors of P numbers by the judge, one at the argmax of selecting, one at floor(u "
        "* N) as whole numbers. Their means, and the mean of the first less the second.",
    ),
)
def honest_report(t):
    one = torch.tensor([[4.0, 9.0, 1.0]]), torch.tensor([[6.0, 2.0, 3.0]]), torch.tensor([0.3])
    two = (
        torch.tensor([[1.0, 7.0, 5.0, 3.0], [6.0, 2.0, 9.0, 0.0]]),
        torch.tensor([[5.0, 12.5, 0.0, 8.0], [8.0, 2.0, 0.75, 9.0]]),
        torch.tensor([0.8, 0.2]),
    )
    tied = torch.tensor([[4.0, 4.0, 4.0]]), torch.tensor([[1.0, 5.0, 2.0]]), torch.tensor([0.0])
    selector = "this is the selector's own mean. It is high by construction: let the judge speak."
    place = "this is the place of the candidate in its row. Take the judge's reward at this place."
    with t.part(2, "selected: chosen by one reward, judged by the other"):
        _entry(
            t,
            one,
            "selected",
            2.0,
            [
                (9.0, selector),
                (
                    6.0,
                    "this is the judge's best candidate. The judge must take no part in the "
                    "choice: argmax of selecting.",
                ),
                (4.0, "this is the selecting reward of the judge's choice. The two are exchanged."),
                (3.0, "this is the candidate with the lowest selecting reward."),
                (1.0, place),
                (
                    11 / 3,
                    "this is the mean of all three candidates. Choose one in each row: argmax "
                    "with dim=1.",
                ),
            ],
            "the judge's value of the candidate with the highest selecting reward is wanted",
        )
        _entry(
            t,
            two,
            "selected",
            6.625,
            [
                (8.0, selector),
                (
                    10.75,
                    "this is the judge's best candidate. The judge must take no part in the "
                    "choice.",
                ),
                (13.25, "this is the sum over prompts. Take the mean."),
                (12.5, "this is the first prompt only."),
                (
                    0.75,
                    "this is one candidate of all rows together. Choose one in each row: "
                    "argmax with dim=1.",
                ),
                (6.0, "fractions are lost: are the judge's rewards made whole numbers?"),
                (
                    3.8125,
                    "every index is taken from every row here. Pair row and index: "
                    "judge[torch.arange(P), index].",
                ),
                (0.375, "one index serves all prompts: is it an argmax without dim=1?"),
            ],
            "the mean over prompts is wanted, one candidate a prompt, with the argmax over "
            "candidates (dim=1)",
        )
        _entry(
            t,
            tied,
            "selected",
            1.0,
            [
                (2.0, "of equal selecting rewards the last wins; the lowest index should."),
                (
                    5.0,
                    "of equal selecting rewards the judge picks its own favourite; the lowest "
                    "index should win.",
                ),
                (8 / 3, "tied candidates are averaged; the lowest index should win."),
            ],
            "with a tie the lowest index should win",
        )
    with t.part(1, "control: the candidate at floor(u N), judged by the judge"):
        t.holds(
            len({repr(t.run(*two)) for _ in range(5)}) == 1,
            "the same input does not always give the same result. Draw nothing of your own: "
            "the chance is in u.",
            t.call_text(two),
        )
        _entry(
            t,
            one,
            "control",
            6.0,
            [
                (
                    4.0,
                    "this is the selecting reward of the random candidate. The control has the "
                    "same judge.",
                ),
                (
                    11 / 3,
                    "this is the mean of all candidates, not a random one of them. A control "
                    "is made as the treatment is: one candidate a prompt.",
                ),
                (
                    2.0,
                    "0.3 times 3 is 0.9, which is rounded down, not up or to the nearest, and "
                    "places count from 0.",
                ),
            ],
            "the random candidate of this prompt is another one",
        )
        _entry(
            t,
            two,
            "control",
            8.0,
            [
                (
                    4.5,
                    "this is the selecting reward of the random candidate. The control has the "
                    "same judge.",
                ),
                (5.65625, "this is the mean of all candidates, not a random one of them."),
                (
                    6.5,
                    "the control does not follow u: each prompt has its own u, and its index "
                    "is u times N, rounded down.",
                ),
                (5.0, "0.2 times 4 is 0.8, which is rounded down, not up or to the nearest."),
                (
                    4.0,
                    "the index is u times (N - 1): the last candidate is then almost never "
                    "drawn. Multiply by N.",
                ),
                (
                    10.25,
                    "the index is u times P, the number of prompts. Multiply by N, the number "
                    "of candidates.",
                ),
                (8.5, "one u serves all prompts. Each prompt has its own."),
                (
                    7.5,
                    "every index is taken from every row here. Pair row and index, as for "
                    "selected.",
                ),
                (16.0, "this is the sum over prompts. Take the mean."),
            ],
            "the random candidate of each prompt is the one at floor(u N)",
        )
        _entry(
            t,
            tied,
            "control",
            1.0,
            [
                (
                    2.0,
                    "here u is 0, and the last candidate is drawn. Round down; to round up and "
                    "take 1 off is something else.",
                )
            ],
            "with u = 0 the first candidate is drawn",
        )
    with t.part(1, "difference: selected less control, paired"):
        _entry(
            t,
            one,
            "difference",
            -4.0,
            [
                (4.0, "the sign is turned, or an absolute value taken: selected less control."),
                (
                    3.0,
                    "this sets the selector's score against the judge's. Both terms are the "
                    "judge's.",
                ),
                (5.0, "this is the difference by the selecting reward. Use the judge."),
                (
                    2 - 11 / 3,
                    "this is selected less the mean of all candidates. Subtract the control.",
                ),
            ],
            "the mean of selected less control is wanted; it may be negative",
        )
        _entry(
            t,
            two,
            "difference",
            -1.375,
            [
                (1.375, "the sign is turned: selected less control."),
                (5.875, "absolute differences are averaged. Keep the sign of each prompt."),
                (-2.75, "this is the sum over prompts. Take the mean."),
                (0.0, "this sets the selector's score against the judge's."),
            ],
            "the mean of selected less control is wanted",
        )
        got = t.run(*two)
        t.holds(
            set(got) == {"selected", "control", "difference"},
            "the dictionary should have three keys, selected, control and difference, and no "
            "other.",
            f"{t.call_text(two)} gave {got!r}",
        )


def _facts(**changed):
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


def _named(t, right, message, instead=None, **changed):
    """The reader's name for this run must be ``right``; ``instead``.

    Wrong name → what to say of it in place of ``message``.
    """
    got = t.run(_facts(**changed))
    shown = f"diagnose({_facts(**changed)}) gave {got!r}"
    t.holds(isinstance(got, str), "the result should be one name, a text.", shown)
    t.holds(
        got in ("leak", "cut", "copies", "proxy", "control", "none"),
        "this is none of the six names.",
        shown,
    )
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
        "Rule 4 joins two conditions with and; the second is gold_change <= 0. Rule 5 "
        "subtracts the control's change before it compares.",
    ),
)
def diagnose(t):
    with t.part(2, "a run without a fault, and each fault alone"):
        smaller = {
            "proxy": "gold rose less than the proxy, but it rose. Rule 4 asks whether "
            "gold_change is above 0."
        }
        _named(
            t,
            "leak",
            "some training prompts are test prompts, and the diagnosis does not say so. If the "
            "rule is there, does a later line overwrite its answer?",
            train_in_test=0.5,
        )
        _named(
            t,
            "none",
            "no rule of the table holds for this run.",
            {
                "leak": "the share train_in_test is 0, which is not above 0.",
                "cut": "the share cut is 0, which is not above 0.05.",
                "copies": "the value of distinct is 0.6, which is not below 0.35.",
                "proxy": "the proxy rose, but gold rose too. Rule 4 needs both of its conditions.",
                "control": "gold rose by 1 more than for the control, which is not below 0.25. "
                "Which is subtracted from which?",
            },
        )
        _named(
            t,
            "cut",
            "two replies in five do not end properly, and the diagnosis does not say so.",
            cut=0.4,
        )
        _named(
            t,
            "copies",
            "the replies hardly differ, and the diagnosis does not say so. Fewer different "
            "word pairs, so a low value, is the sign.",
            distinct=0.2,
        )
        _named(
            t,
            "proxy",
            "the proxy rose and gold fell, and the diagnosis does not say so.",
            gold_change=-1.0,
            control_gold_change=-2.0,
        )
        _named(
            t,
            "control",
            "the control gained nearly as much, and the diagnosis does not say so. Is rule 5 "
            "reached when the proxy rose, and does it take gold_change less "
            "control_gold_change?",
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
            "gold fell, but so did the proxy, and the control fell much further: no rule of "
            "the table holds. Rule 4 needs both of its conditions.",
            proxy_change=-1.0,
            gold_change=-0.5,
            control_gold_change=-2.0,
        )
        _named(
            t,
            "control",
            "the gain is large and the control's is larger still. Keep the sign of the "
            "difference: below 0 is below 0.25 too.",
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
    with t.part(1, "a value at a threshold is neither above nor below it"):
        _named(t, "none", "the share cut is exactly 0.05, which is not above it.", cut=0.05)
        _named(
            t,
            "cut",
            "the share cut is 0.051, above the threshold. Is another threshold used, or is the "
            "share rounded?",
            cut=0.051,
        )
        _named(
            t,
            "none",
            "the value of distinct is exactly 0.35, which is not below it.",
            distinct=0.35,
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
    with t.part(1, "of several faults the first in the order is named"):
        order = "the first rule of the table that holds should be named, not a later one."
        _named(t, "proxy", order, gold_change=-1.0, control_gold_change=0.0)
        _named(t, "copies", order, distinct=0.1, control_gold_change=0.9)
        _named(t, "copies", order, distinct=0.1, gold_change=-1.0)
        _named(t, "cut", order, cut=0.5, distinct=0.1)
        _named(t, "cut", order, cut=0.5, gold_change=-1.0)
        _named(t, "leak", order, train_in_test=0.1, cut=0.5)
        _named(t, "leak", order, train_in_test=0.1, cut=0.5, distinct=0.1, gold_change=-1.0)
