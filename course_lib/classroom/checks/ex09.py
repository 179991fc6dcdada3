"""Checks of exercise 09, planning a real run.

What the reader's answer must do, property by property.
"""

from math import sqrt

from .compare import in_a_line, same_value
from .plain import plain_value
from .registry import need as need
from .registry import task
from .trial import Trial

L09A, L09B = "lesson 09a", "lesson 09b"
BOTH = ("total", "half-width")
TWO_TIMINGS = ([3.0, 1.0], 5, 2.0)  # seconds, M, t: the mean is 2 and the standard deviation 2**0.5

# messages of several cases
BY_MEANS = "each list seems to count with its mean, not with its sum."
DIVIDE_BY_K_LESS_ONE = "the standard deviation is too small: divide by K - 1, not by K (ddof=1)."
HOW_MANY = "this is how many are missing. Which ones is wanted, as a list."
THE_PROMPTS = "these are the prompts themselves. Pairs (first, count) are wanted."
NOT_THEIR_SIZE = "W is the number of shards, not their size."
BLANKS_OF_THE_REPLY = "the space and the line break of the reply are lost."


@task(
    "ex09",
    points=3,
    minutes=5,
    difficulty="easy",
    idea="what fits in memory",
    read=f"{L09B}, 'Does it fit?'",
    hints=(
        "Add up the bytes of one trained parameter, and those of one frozen parameter. Then "
        "multiply.",
        "A billion parameters of one byte each are 10^9 bytes, which is one GB. So bytes a "
        "parameter times billions gives GB, with no other factor.",
        "(4 + 4 + 8) times the sum of trained, plus 2 times the sum of frozen.",
    ),
)
def training_gigabytes(t: Trial) -> None:
    with t.part(1, "a trained model: weights, gradients, both moments"):
        _one_trained(t)
    with t.part(1, "frozen models: half precision and nothing else"):
        _one_frozen(t)
    with t.part(1, "all models together, of any size"):
        _two_trained_one_frozen(t)
        _one_trained_two_frozen(t)
        t.untidy()


def _one_trained(t: Trial) -> None:
    mistakes = [
        (4.0, "these are the weights alone. Training also holds gradients and Adam's moments."),
        (8.0, "these are weights and gradients, or the moments alone. Training holds all three."),
        (
            12.0,
            "12 bytes a parameter: either the gradients are missing, or Adam has one moment here. "
            "It has two.",
        ),
        (
            14.0,
            "14 bytes a parameter: the weights of a trained model are kept in float32, not in half "
            "precision.",
        ),
        (
            18.0,
            "18 bytes a parameter: 2 of them belong to the frozen copy, and here there is none.",
        ),
        (2.0, "that is what a frozen parameter needs. This one is trained."),
        (16e9, "these are bytes. GB of 10^9 bytes are wanted."),
        (
            0.0,
            "nothing of the trained model is counted. Does the empty list of frozen models stand "
            "in the way?",
        ),
        (
            16e-9,
            "this has been divided by 10^9 once too often: sizes are given in billions already.",
        ),
        (16e9 / 2**30, "this is divided by 2^30. Here a GB has 10^9 bytes."),
        ([1.0] * 16, "a number times a list repeats the list. Take its sum first."),
    ]
    trained, frozen = t.run([1.0], []), t.run([], [1.0])
    t.holds(
        not same_value((trained, frozen), (2.0, 0.25), 1e-9),
        "this is divided by 8, as if the numbers were bits. They are bytes already.",
        f"{t.call_text(([1.0], []))} gave 2.0",
    )
    t.same(
        ([1.0], []),
        16.0,
        mistakes,
        tolerance=1e-9,
        otherwise="one billion trained parameters need another number of GB",
    )


def _one_frozen(t: Trial) -> None:
    mistakes = [
        (4.0, "a frozen model is held in half precision: not 4 bytes a parameter."),
        (16.0, "a frozen model has no gradient and no moments."),
        (0.0, "a frozen model takes memory too: it has to be loaded."),
        (18.0, "a frozen model is not trained: it has no gradient and no moments."),
        (6.0, "a frozen model has no gradient."),
    ]
    t.same(
        ([], [1.0]),
        2.0,
        mistakes,
        otherwise="one billion frozen parameters need another number of GB",
    )


def _two_trained_one_frozen(t: Trial) -> None:
    mistakes = [
        (12.0, "only the first trained model is counted."),
        (
            20.0,
            "only the last or the largest trained model is counted. All are in memory together.",
        ),
        (
            8.0,
            "the first trained model is counted and nothing else. Does a return stand inside the "
            "loop?",
        ),
        (36.0, "each trained model is counted with one billion parameters, whatever its size."),
        (34.0, "this depends on how many models there are. Their sizes are in the lists."),
        (16.0, BY_MEANS),
        (24.0, "the frozen model is not counted when others are trained."),
    ]
    t.same(
        ([0.5, 1.0], [2.0]),
        28.0,
        mistakes,
        otherwise="two trained models and a frozen one need another number of GB",
    )


def _one_trained_two_frozen(t: Trial) -> None:
    mistakes = [(10.0, "only the first frozen model is counted."), (12.0, BY_MEANS)]
    t.same(
        ([0.5], [1.0, 3.0]),
        16.0,
        mistakes,
        otherwise="one trained model and two frozen ones need another number of GB",
    )


@task(
    "ex09",
    points=4,
    minutes=12,
    difficulty="medium",
    idea="forecasting a long run",
    read=f"{L09B}, 'How long will it take?'",
    hints=(
        "Two kinds of luck are under the root: that of the M parts to come, and that of the mean "
        "of only K timings, which is then multiplied by M.",
        "np.mean, and np.std with ddof=1 so that it divides by K - 1. K is len(seconds).",
        "Return M * m and t * s * sqrt(M + M * M / K), with a comma between; mind that s is not "
        "squared outside the root.",
    ),
)
def forecast(t: Trial) -> None:
    with t.part(1, "the total: M parts of the mean length"):
        _total_of_two_timings(t)
        _total_of_three_timings(t)
    with t.part(2, "the half-width: both kinds of luck"):
        _half_width_of_two_timings(t)
    with t.part(1, "any K, any M, equal timings"):
        _half_width_of_four_timings(t)
        _equal_timings(t)
        _half_a_part(t)
        t.untidy()


def _total_of_two_timings(t: Trial) -> None:
    mistakes = [
        (2.0, "this is the mean of one part. The total of M parts is wanted."),
        (14.0, "the parts that were timed are done. Only the M more are to be forecast."),
        (6.0, "M counts only the parts that are still to run: do not take the timed ones off."),
        (4.0, "this is the time of the parts that were timed."),
        (20 / 3, "the mean divides by the number of timings, here 2."),
        (20.0, "this multiplies the sum of the timed parts by M: take their mean."),
        (
            10.0 - 2 * sqrt(35),
            "this is the lower end of the interval. Return the total first, then the half-width.",
        ),
        (2 * sqrt(35), "this is the half-width. Return the total first."),
    ]
    total = t.one_of(TWO_TIMINGS, 0, BOTH)
    total.same(
        TWO_TIMINGS,
        10.0,
        mistakes,
        otherwise="five parts of two seconds on average take another time",
    )


def _total_of_three_timings(t: Trial) -> None:
    three = ([2.0, 5.0, 2.0], 2, 1.0)
    total = t.one_of(three, 0, BOTH)
    total.same(
        three,
        6.0,
        [(4.0, "this uses the median. The formula has the mean.")],
        otherwise="the total is not M times the mean of three timings",
    )


def _half_width_of_two_timings(t: Trial) -> None:
    mistakes = [
        (2 * sqrt(17.5), DIVIDE_BY_K_LESS_ONE),
        (
            2 * sqrt(10),
            "this has the luck of the parts to come alone. The mean of K timings is uncertain too.",
        ),
        (
            10.0,
            "this has the uncertainty of the mean alone. The parts to come have luck of their own.",
        ),
        (
            10 * sqrt(2),
            "this multiplies the spread of one part by M, as if all parts were slow or fast "
            "together.",
        ),
        (2 * sqrt(2), "this is the range of one part, not of the sum of M."),
        (
            1.96 * sqrt(35),
            "this uses 1.96. The spread was estimated from few timings, so use the given t.",
        ),
        (4.303 * sqrt(35), "this uses 4.303, which belongs to three timings. Use the given t."),
        (sqrt(35), "the quantile t is missing."),
        (4 * sqrt(17.5), "this uses the variance. The formula has the standard deviation."),
        (
            2 * sqrt(60),
            "the variance of the mean falls with the number of timings: M² is divided by K.",
        ),
        (2 * sqrt(80 / 3), "K is the number of timings, here 2."),
        (4 * sqrt(35), "this is the width of the interval. Half of it is wanted."),
        (2 * sqrt(34), "M² / K need not be a whole number: divide with /, not with //."),
        (2 * sqrt(30), "only M² is divided by K, not M + M²."),
        (2 * sqrt(15), "under the root the M that is divided by K is squared."),
        (10 + 2 * sqrt(35), "this is the upper end of the interval. Return the half-width."),
        (35 * sqrt(2), "the root is missing."),
    ]
    half_width = t.one_of(TWO_TIMINGS, 1, BOTH)
    half_width.same(
        TWO_TIMINGS, 2 * sqrt(35), mistakes, otherwise="the half-width is not that of the formula"
    )


def _half_width_of_four_timings(t: Trial) -> None:
    four = ([1.0, 1.0, 3.0, 3.0], 4, 3.0)
    mistakes = [
        (6 * sqrt(8), DIVIDE_BY_K_LESS_ONE),
        (3 * sqrt(4 / 3 * 12), "K is the number of timings, here 4."),
    ]
    half_width = t.one_of(four, 1, BOTH)
    half_width.same(
        four,
        3 * sqrt(4 / 3 * 8),
        mistakes,
        otherwise="with four timings the half-width is not that of the formula",
    )


def _equal_timings(t: Trial) -> None:
    steady = ([2.0, 2.0], 5, 12.7)
    half_width = t.one_of(steady, 1, BOTH)
    half_width.same(
        steady, 0.0, otherwise="equal timings have no spread, so the half-width follows"
    )


def _half_a_part(t: Trial) -> None:
    part = ([1.5, 2.5], 0.5, 2.0)
    mistakes = [
        (0.0, "M need not be a whole number: do not round it."),
        (0.75, "the timings need not be whole numbers: do not round them."),
    ]
    total = t.one_of(part, 0, BOTH)
    total.same(part, 1.0, mistakes, otherwise="half a part takes another time")


@task(
    "ex09",
    points=4,
    minutes=6,
    difficulty="easy",
    idea="sharding and resuming",
    read=f"{L09B}, 'Losing the machine'",
    hints=(
        "Which numbers can be in the answer? Go through those, not through what is on disk.",
        "range(parts) gives the numbers 0 to parts - 1, in order. `in` asks a dictionary for a key "
        "and does not look at the value.",
        "A list of those k of range(parts) for which k is not a key of done.",
    ),
)
def missing_parts(t: Trial) -> None:
    with t.part(1, "nothing done, everything done"):
        _nothing_done(t)
        _everything_done(t)
    with t.part(1, "gaps are found, whatever the order"):
        _gap(t)
        _any_order(t)
    with t.part(1, "an empty result is a result"):
        _empty_result(t)
        _false_results(t)
    with t.part(1, "other keys are ignored"):
        _other_numbers(t)
        _a_name_among_keys(t)
        t.untidy()


def _nothing_done(t: Trial) -> None:
    mistakes = [
        ([1, 2, 3], "parts are numbered from 0."),
        ([1, 2], "parts are numbered from 0."),
        ([], "nothing is on disk, so something is left to make."),
        (3, HOW_MANY),
        ([0, 1, 2, 3], "one too many: with parts=3 there is no part 3."),
        ([0, 1], "one too few: the last part is left out."),
        ([2, 1, 0], "lowest first, please."),
        ({0, 1, 2}, "this is a set. A list is wanted, lowest first."),
        (["0", "1", "2"], "parts are numbers, not texts."),
        ([0], "this is the first missing part alone. Does a return stand inside the loop?"),
    ]
    t.same(
        (3, {}), [0, 1, 2], mistakes, otherwise="nothing is on disk, so every part is to be made"
    )


def _everything_done(t: Trial) -> None:
    mistakes = [
        (
            [0, 1],
            "both parts are on disk, and they are listed as missing. Look for a part, as a number, "
            "among the keys of done.",
        ),
        ([2], "one too many: with parts=2 there is no part 2."),
    ]
    t.same((2, {0: "a", 1: "b"}), [], mistakes, otherwise="everything is on disk")


def _gap(t: Trial) -> None:
    mistakes = [
        ([3], "this goes on after the last part that is done, and leaves a gap before it."),
        ([2, 3], "this counts how many are done and goes on there. It matters which are done."),
        ([0, 2], "these are the parts that are done. Those still to make are wanted."),
        ([3, 1], "lowest first, please."),
        ([1, 2, 3], "part 2 comes after a gap, and is done all the same."),
        ([1], "this stops at the last part that is done, or at the first gap. Go on to the end."),
        (1, "this is the first missing part alone. All are wanted, as a list."),
        (2, HOW_MANY),
    ]
    t.same(
        (4, {0: "a", 2: "b"}),
        [1, 3],
        mistakes,
        otherwise="parts 0 and 2 are on disk, the others are not",
    )


def _any_order(t: Trial) -> None:
    t.same(
        (3, {2: "c", 0: "a"}),
        [1],
        otherwise="the order in which parts were finished should not matter",
    )


def _empty_result(t: Trial) -> None:
    by_truth = (
        "part 0 is on disk; its result is empty, since no reply was right. Ask whether the key is "
        "there, not whether the result is true."
    )
    done = {0: [], 1: ["reply"]}
    t.same((2, done), [], [([0], by_truth)], otherwise="both parts are on disk")


def _false_results(t: Trial) -> None:
    looks_at_the_result = "the key is there. Do not look at the result."
    mistakes = [
        ([0, 1], "both keys are there. Do not look at the results."),
        ([1], looks_at_the_result),
        ([0], looks_at_the_result),
    ]
    t.same((2, {0: 0.0, 1: None}), [], mistakes, otherwise="both parts are on disk")


def _other_numbers(t: Trial) -> None:
    no_parts = "5 and -1 are not parts of this run."
    mistakes = [
        ([], "three keys are on disk, but not all of them are parts of this run."),
        ([-1, 1, 5], no_parts),
        ([1, 5, -1], no_parts),
        ([1, 5], no_parts),
    ]
    t.same(
        (2, {0: "a", 5: "b", -1: "c"}),
        [1],
        mistakes,
        otherwise="5 and -1 are not parts of this run",
    )


def _a_name_among_keys(t: Trial) -> None:
    mistakes = [
        ([], "three keys are on disk, but one is not a part."),
        ([1, "control-policy"], "'control-policy' is not a part."),
        (
            [0, 1, 2],
            "parts 0 and 2 are on disk. Have the numbers become texts beside 'control-policy'? An "
            "np.array of both does that.",
        ),
    ]
    t.same(
        (3, {0: "a", "control-policy": "w", 2: "b"}),
        [1],
        mistakes,
        otherwise="'control-policy' is not a part",
    )


@task(
    "ex09",
    points=4,
    minutes=12,
    difficulty="medium",
    idea="sharding and resuming",
    read=f"{L09A}, 'More machines'",
    hints=(
        "P // W prompts for each worker, and P % W prompts are left over. Who gets those?",
        "divmod(P, W) gives both numbers. The first P % W shards get one prompt more. Keep a "
        "running first prompt, and add each count to it.",
        "Start with W = min(P, W) and first = 0. For worker k: count is P // W, plus 1 when k < P "
        "% W; note (first, count); then first += count.",
    ),
)
def shards(t: Trial) -> None:
    with t.part(1, "pairs (first, how many), when it divides evenly"):
        _one_worker(t)
        _two_workers(t)
    with t.part(2, "no remainder is dropped, sizes differ by at most one, larger first"):
        _remainder_of_one(t)
        _remainder_of_two(t)
        _rounded_up_too_far(t)
    with t.part(1, "no empty shard"):
        _more_workers_than_prompts(t)
        _one_prompt(t)
        t.untidy()


def _one_worker(t: Trial) -> None:
    mistakes = [
        ([(1, 4)], "prompts are numbered from 0."),
        ([(0, 3)], "the second number is how many prompts, not the number of the last one."),
        ([(0, 5)], "one too many: this goes beyond the last prompt."),
        ([(4, 0)], "the first prompt comes first in the pair, then how many."),
        ([(0, 1)], "three prompts are in no shard."),
        ([range(4)], "this is a range. Pairs (first, count) are wanted."),
        ([4], "this is how many. The first prompt is wanted too: pairs (first, count)."),
        ((0, 4), "a list of pairs is wanted, also with one worker."),
        ([[0, 1, 2, 3]], THE_PROMPTS),
        ([(0, 1), (1, 1), (2, 1), (3, 1)], NOT_THEIR_SIZE),
    ]
    t.same((4, 1), [(0, 4)], mistakes, otherwise="one worker gets everything, from prompt 0 on")


def _two_workers(t: Trial) -> None:
    mistakes = [
        ([(0, 3), (3, 6)], "these are (start, stop). The second number is how many."),
        ([3, 3], "these are the counts. The first prompt is wanted too: pairs (first, count)."),
        (
            [(0, 3), (0, 3)],
            "each shard starts at 0, so the same prompts are done twice and the others never.",
        ),
        ([(0, 3), (1, 3)], "the second shard begins inside the first."),
        ([[0, 1, 2], [3, 4, 5]], THE_PROMPTS),
        (
            [[0, 2, 4], [1, 3, 5]],
            "a shard has neighbouring prompts, and is written as (first, count).",
        ),
        ([(0, 2), (2, 2), (4, 2)], NOT_THEIR_SIZE),
    ]
    t.same(
        (6, 2),
        [(0, 3), (3, 3)],
        mistakes,
        otherwise="six prompts over two workers are cut in another way",
    )


def _remainder_of_one(t: Trial) -> None:
    mistakes = [
        (
            [(0, 3), (2, 2)],
            "prompt 2 is in both shards and prompt 4 in none: when the first shard is larger, the "
            "second begins later.",
        ),
        ([(0, 2), (2, 2)], "the last prompt is in no shard: the remainder is dropped."),
        ([(0, 2), (2, 3)], "the larger shard should come first."),
        ([(0, 2), (2, 2), (4, 1)], "these are three shards for two workers."),
        ([(0, 3), (3, 3)], "this goes beyond the last prompt."),
        (
            [(0, 2.5), (2.5, 2.5)],
            "half a prompt cannot be sampled: divide with // and see what is left over.",
        ),
    ]
    t.same(
        (5, 2),
        [(0, 3), (3, 2)],
        mistakes,
        otherwise="five prompts over two workers are cut in another way",
    )


def _remainder_of_two(t: Trial) -> None:
    to_one_worker = (
        "the whole remainder goes to one worker. Spread it: sizes differ by at most one."
    )
    larger_first = "the larger shards should come first."
    mistakes = [
        ([(0, 4), (4, 2), (6, 2)], to_one_worker),
        ([(0, 2), (2, 2), (4, 4)], to_one_worker),
        ([(0, 2), (2, 3), (5, 3)], larger_first),
        ([(0, 3), (3, 2), (5, 2)], "a prompt is in no shard: the remainder is larger than one."),
        ([(0, 3), (3, 2), (5, 3)], larger_first),
    ]
    t.same(
        (8, 3),
        [(0, 3), (3, 3), (6, 2)],
        mistakes,
        otherwise="eight prompts over three workers are cut in another way",
    )


def _rounded_up_too_far(t: Trial) -> None:
    too_little = "sizes differ by two: rounding up leaves too little for the last worker."
    t.same(
        (7, 3),
        [(0, 3), (3, 2), (5, 2)],
        [([(0, 3), (3, 3), (6, 1)], too_little)],
        otherwise="seven prompts over three workers are cut in another way",
    )


def _more_workers_than_prompts(t: Trial) -> None:
    mistakes = [
        ([(0, 1), (1, 1), (2, 0), (2, 0)], "two of these shards are empty."),
        ([(0, 0)] * 4, "all these shards are empty."),
        ([(0, 2)], "two workers could share this."),
        (
            [(0, 1), (1, 1), (2, 1), (3, 1)],
            "there are only two prompts, and four shards with a prompt in each.",
        ),
        ([(0, 0), (0, 0), (0, 0), (0, 2)], "three of these shards are empty."),
    ]
    t.same(
        (2, 4), [(0, 1), (1, 1)], mistakes, otherwise="two prompts cannot keep four workers busy"
    )


def _one_prompt(t: Trial) -> None:
    t.same((1, 3), [(0, 1)], otherwise="one prompt is one shard")


@task(
    "ex09",
    points=3,
    minutes=10,
    difficulty="easy",
    idea="adoption in LLMs",
    read=f"{L09A}, 'Replies from anywhere'",
    hints=(
        "One dictionary for each pair. The two keys stay the same in both forms; only what stands "
        "under them changes.",
        "For chat, a text becomes a list with one dictionary in it, with the keys role and "
        "content.",
        "Write a small function that turns (role, text) into [{'role': ..., 'content': ...}] when "
        "chat is true, else gives the text back; use it for both keys.",
    ),
)
def trl_rows(t: Trial) -> None:
    with t.part(1, "texts under prompt and completion"):
        _one_pair(t)
    with t.part(1, "nothing is lost or changed"):
        _order_of_many(t, False)
        _no_pairs(t)
        _blanks_stay(t)
        _three_pairs(t)
        _pair_twice(t)
    with t.part(1, "chat messages"):
        _order_of_many(t, True)
        _one_chat(t)
        _two_chats(t)
        t.untidy()


def _row(prompt: object, completion: object) -> dict:
    """One row of the training set."""
    return {"prompt": prompt, "completion": completion}


def _message(role: str, text: str) -> list[dict]:
    """A chat of one message."""
    return [{"role": role, "content": text}]


def _asked(text: str) -> list[dict]:
    return _message("user", text)


def _said(text: str) -> list[dict]:
    return _message("assistant", text)


def _one_pair(t: Trial) -> None:
    mistakes = [
        ([_row("p", "pr")], "the prompt is in the completion too, so it would be trained on."),
        ([_row("r", "p")], "prompt and reply have changed places."),
        (
            [{"text": "pr"}],
            "with one text the trainer cannot tell the prompt from the reply, and trains on both. "
            "Keep two keys.",
        ),
        ([{"prompt": "p", "response": "r"}], "the trainer reads the key completion, not response."),
        ([{"prompt": "p", "reply": "r"}], "the trainer reads the key completion, not reply."),
        (
            [("p", "r")],
            "these are pairs. A row is a dictionary with the keys prompt and completion.",
        ),
        (_row("p", "r"), "this is one row. A list of rows is wanted."),
        (_row(["p"], ["r"]), "these are columns. A list of rows is wanted."),
        ([{"p": "r"}], "prompt and completion are the names of the keys, not the texts."),
        ([_row(_asked("p"), _said("r"))], "these are chat messages, and chat is False here."),
    ]
    got = t.run([("p", "r")])
    t.holds(
        not _adds_to_a_text(got),
        "the keys are right, and a text was changed: something is added to it. It should stay as "
        "it is, without an end token or a blank.",
        f"{t.call_text(([('p', 'r')],))} gave {in_a_line(got)}",
    )
    t.same(
        ([("p", "r")],),
        [_row("p", "r")],
        mistakes,
        otherwise="a row should have the two texts under the keys prompt and completion",
    )


def _adds_to_a_text(rows: object) -> bool:
    """Whether this is the row of ("p", "r") with something beside p or r."""
    one = rows[0] if isinstance(rows, list) and len(rows) == 1 else None
    if not isinstance(one, dict) or one.keys() != {"prompt", "completion"}:
        return False
    prompt, reply = one["prompt"], one["completion"]
    if not isinstance(prompt, str) or not isinstance(reply, str) or (prompt, reply) == ("p", "r"):
        return False
    return "p" in prompt and "r" in reply and "p" not in reply and "r" not in prompt


def _no_pairs(t: Trial) -> None:
    t.same(([],), [], otherwise="without pairs there are no rows")


def _order_of_many(t: Trial, chat: bool) -> None:
    """A set has the right order of a few pairs now and then, of many never."""
    pairs = [(f"prompt {k}", f"reply {(7 * k) % 11}") for k in range(11)]
    got = plain_value(t.run(pairs, chat))
    right = [_row(_asked(p), _said(r)) if chat else _row(p, r) for p, r in pairs]
    in_another = isinstance(got, list) and sorted(map(str, got)) == sorted(map(str, right))
    t.holds(
        got == right or not in_another,
        "the rows have changed their order: is something sorted, or a set used?",
        "11 pairs",
    )


def _blanks_stay(t: Trial) -> None:
    mistakes = [
        ([_row("p", "r")], "spaces and the line break are lost."),
        ([_row("p ", "r")], BLANKS_OF_THE_REPLY),
        ([_row("p ", " r")], "the line break of the reply is lost."),
        ([_row("p ", "r\n")], "the space of the reply is lost."),
        ([_row("p", " r\n")], "the space of the prompt is lost."),
    ]
    t.same(
        ([("p ", " r\n")],),
        [_row("p ", " r\n")],
        mistakes,
        otherwise="the texts should stay as they are",
    )


def _three_pairs(t: Trial) -> None:
    a, b, c = _row("q", "1"), _row("p", "2"), _row("q", "3")
    one_lost = "of two replies to one prompt one is lost."
    other_order = "the rows have changed their order."
    mistakes = [
        ([c, b], one_lost),
        ([a, b], one_lost),
        ([b, a, c], other_order),
        ([a, c, b], other_order),
        ([a], "only the first pair is there."),
        ([c], "only the last pair is there."),
        (
            [c, c, c],
            "all rows show the last pair: the same dictionary was appended each time. Make a new "
            "one for each pair.",
        ),
        ([b, c, a], other_order),
        ([c, a, b], other_order),
        ([c, b, a], other_order),
    ]
    t.same(
        ([("q", "1"), ("p", "2"), ("q", "3")],),
        [a, b, c],
        mistakes,
        otherwise="three pairs give three rows, in the same order",
    )


def _pair_twice(t: Trial) -> None:
    row = _row("p", "r")
    t.same(
        ([("p", "r"), ("p", "r")],),
        [row, row],
        [([row], "the pair is there twice, and one row is lost.")],
        otherwise="a pair that is there twice gives two rows",
    )


def _one_chat(t: Trial) -> None:
    mistakes = [
        ([_row("p", "r")], "chat is True, and these are still plain texts."),
        (
            [_row({"role": "user", "content": "p"}, {"role": "assistant", "content": "r"})],
            "each value is one message. A list of messages is wanted, even of one.",
        ),
        ([_row(_asked("p"), _message("user", "r"))], "the reply has the role of the user."),
        (
            [_row(_message("assistant", "p"), _message("user", "r"))],
            "the roles have changed places.",
        ),
        (
            [_row(_message("system", "p"), _said("r"))],
            "the prompt has the role of the system. It is what the user asks.",
        ),
        (
            [{"messages": _asked("p") + _said("r")}],
            "one list of both messages does not say where the completion starts. Keep two keys.",
        ),
        ([_row(_asked("p"), "r")], "the completion is still a plain text."),
        ([_row("p", _said("r"))], "the prompt is still a plain text."),
        (
            [_row(_asked("p"), _asked("p") + _said("r"))],
            "the prompt's message is in the completion too, so it would be trained on.",
        ),
        (
            [_row(_asked("p") + _said("r"), _said("r"))],
            "the reply's message is in the prompt too, which gives it away.",
        ),
    ]
    t.same(
        ([("p", "r")], True),
        [_row(_asked("p"), _said("r"))],
        mistakes,
        otherwise="with chat=True each value should be a list of one message with the two keys "
        "role and content; the roles are user and assistant, in small letters",
    )


def _two_chats(t: Trial) -> None:
    one = _row(_asked("p"), _said(" r\n"))
    two = _row(_asked("q"), _said(""))
    mistakes = [
        ([one], "an empty reply is a reply: its row is lost."),
        (
            [two, two],
            "both rows show the last pair: the same message was used again. Make a new one for "
            "each pair.",
        ),
        ([{**one, "completion": _said("r")}, two], BLANKS_OF_THE_REPLY),
    ]
    t.same(
        ([("p", " r\n"), ("q", "")], True),
        [one, two],
        mistakes,
        otherwise="two pairs give two rows, with the texts as they are",
    )
