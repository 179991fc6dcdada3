# %% [markdown]
# # Exercise 09: planning a real run
#
# **You will:** write what stands between four lines that work and a run of some hours: does it fit, how long does it take, what is left to do after the machine was lost, who does which prompts, and how the chosen replies reach another trainer. At the end you lose a machine and go on. Then you judge a report.
#
# **Builds on:** lesson 09.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.training_gigabytes.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import math

import numpy as np
import torch

from course_lib.checks import ex09 as check

# %% [markdown] task="training_gigabytes"
# ## Task 1. Does it fit?
#
# Methods differ in which models they train and which they only hold. A **trained** parameter needs its weight in float32, a gradient in float32, and Adam's two moments in float32: 4 + 4 + 8 bytes. A **frozen** parameter is held in half precision: 2 bytes, and nothing else.
#
# `trained` and `frozen` are lists with the sizes of models **in billions of parameters**; either may be empty. The table says what goes in, for models of 0.6 billion:
#
# | method | trained | frozen |
# |---|---|---|
# | best of N | none: `[]` | policy, reward model: `[0.6, 0.6]` |
# | RFT | the student: `[0.6]` | the policy that sampled: `[0.6]` |
# | PPO | policy and critic: `[0.6, 0.6]` | reference and reward model: `[0.6, 0.6]` |
#
# Return all of it together, in GB of $10^9$ bytes. Logits, keys and values, and activations are left out.

# %% role="task" task="training_gigabytes"
def training_gigabytes(trained, frozen):
    """GB (10^9 bytes) of all parameters, with gradients and Adam's moments. trained, frozen: lists of sizes in billions. Returns a float."""
    # SOLUTION
    per_trained, per_frozen = 4 + 4 + 8, 2
    return float(per_trained * sum(trained) + per_frozen * sum(frozen))
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
from math import sqrt

from course_lib.checks.core import task

L09 = "lesson 09"
BOTH = ("total", "half-width")


@task("ex09", points=3, minutes=5, difficulty="easy", idea="what fits in memory", read=f"{L09}, 'Does it fit? By hand'", hints=(
    "Add up the bytes of one trained parameter, and those of one frozen parameter. Then multiply.",
    "A billion parameters of one byte each are 10^9 bytes, which is one GB. So bytes a parameter times billions gives GB, with no other factor.",
    "(4 + 4 + 8) times the sum of trained, plus 2 times the sum of frozen."))
def training_gigabytes(t):
    with t.part(1, "a trained model: weights, gradients, both moments"):
        t.same(([1.0], []), 16.0, [
            (4.0, "these are the weights alone. Training also holds gradients and Adam's moments."), (8.0, "these are weights and gradients, or the moments alone. Training holds all three."),
            (12.0, "12 bytes a parameter: either the gradients are missing, or Adam has one moment here. It has two."), (14.0, "14 bytes a parameter: the weights of a trained model are kept in float32, not in half precision."),
            (18.0, "18 bytes a parameter: 2 of them belong to the frozen copy, and here there is none."), (2.0, "that is what a frozen parameter needs. This one is trained."), (16e9, "these are bytes. GB of 10^9 bytes are wanted."), (0.0, "nothing of the trained model is counted. Does the empty list of frozen models stand in the way?"), (16e-9, "this has been divided by 10^9 once too often: sizes are given in billions already."),
            (16e9 / 2**30, "this is divided by 2^30. Here a GB has 10^9 bytes."), ([1.0] * 16, "a number times a list repeats the list. Take its sum first.")], tolerance=1e-9, otherwise="one billion trained parameters need another number of GB")
    with t.part(1, "frozen models: half precision and nothing else"):
        t.same(([], [1.0]), 2.0, [
            (4.0, "a frozen model is held in half precision: not 4 bytes a parameter."), (16.0, "a frozen model has no gradient and no moments."), (0.0, "a frozen model takes memory too: it has to be loaded."),
            (18.0, "a frozen model is not trained: it has no gradient and no moments."), (6.0, "a frozen model has no gradient.")], otherwise="one billion frozen parameters need another number of GB")
    with t.part(1, "all models together, of any size"):
        t.same(([0.5, 1.0], [2.0]), 28.0, [
            (12.0, "only the first trained model is counted."), (20.0, "only the last or the largest trained model is counted. All are in memory together."), (8.0, "the first trained model is counted and nothing else. Does a return stand inside the loop?"), (36.0, "each trained model is counted with one billion parameters, whatever its size."), (34.0, "this depends on how many models there are. Their sizes are in the lists."), (16.0, "each list seems to count with its mean, not with its sum."), (24.0, "the frozen model is not counted when others are trained.")],
            otherwise="two trained models and a frozen one need another number of GB")
        t.same(([0.5], [1.0, 3.0]), 16.0, [(10.0, "only the first frozen model is counted."), (12.0, "each list seems to count with its mean, not with its sum.")], otherwise="one trained model and two frozen ones need another number of GB")

# %% role="hidden"
@probe("training_gigabytes")
def training_gigabytes_inputs(rng):
    for k in range(24):
        yield tuple(np.round(rng.uniform(0.05, 70, int(rng.integers(0 if k % 3 else 1, 4))), 2).tolist() for _ in range(2))

# %% role="wrong"
@wrong("training_gigabytes", says="weights alone")
def weights_only(trained, frozen):
    return 4 * sum(trained) + 2 * sum(frozen)


@wrong("training_gigabytes", says="It has two")
def one_moment(trained, frozen):
    return (4 + 4 + 4) * sum(trained) + 2 * sum(frozen)


@wrong("training_gigabytes", says="not in half precision")
def half_weights(trained, frozen):
    return (2 + 4 + 8) * sum(trained) + 2 * sum(frozen)


@wrong("training_gigabytes", says="here there is none")
def always_eighteen(trained, frozen):
    return 18 * sum(trained)


@wrong("training_gigabytes", says="These are bytes".lower())
def in_bytes(trained, frozen):
    return 1e9 * (16 * sum(trained) + 2 * sum(frozen))


@wrong("training_gigabytes", says="2^30")
def binary_gigabytes(trained, frozen):
    return 1e9 * (16 * sum(trained) + 2 * sum(frozen)) / 2**30


@wrong("training_gigabytes", says="not 4 bytes")
def frozen_in_full(trained, frozen):
    return 16 * sum(trained) + 4 * sum(frozen)


@wrong("training_gigabytes", says="no gradient and no moments")
def all_trained(trained, frozen):
    return 16 * (sum(trained) + sum(frozen))


@wrong("training_gigabytes", says="takes memory too")
def frozen_free(trained, frozen):
    return 16.0 * sum(trained)


@wrong("training_gigabytes", says="first trained model")
def only_first(trained, frozen):
    return 16 * sum(trained[:1]) + 2 * sum(frozen)


@wrong("training_gigabytes", says="mean")
def by_means(trained, frozen):
    return 16 * (sum(trained) / max(1, len(trained))) + 2 * (sum(frozen) / max(1, len(frozen)))


@wrong("training_gigabytes", says="All are in memory")
def only_largest(trained, frozen):
    return 16 * max(trained, default=0) + 2 * max(frozen, default=0)


@wrong("training_gigabytes", says="inside the loop")
def returns_early(trained, frozen):
    total = 0
    for size in trained:
        total += 16 * size
        return total
    return total + 2 * sum(frozen)


@wrong("training_gigabytes", says="how many models")
def by_number(trained, frozen):
    return 16 * len(trained) + 2 * len(frozen)


@wrong("training_gigabytes", says="stand in the way")
def in_pairs(trained, frozen):
    return sum(16 * a + 2 * b for a, b in zip(trained, frozen))


@wrong("training_gigabytes", says="once too often")
def divides_again(trained, frozen):
    return (16 * sum(trained) + 2 * sum(frozen)) / 1e9


@wrong("training_gigabytes", says="stopped with")
def index_zero(trained, frozen):
    return 16 * trained[0] + 2 * frozen[0]


@wrong("training_gigabytes", hidden=True)
def whole_numbers(trained, frozen):
    return float(round(16 * sum(trained) + 2 * sum(frozen)))

# %% role="right"
@right("training_gigabytes")
def model_by_model(trained, frozen):
    total = 0.0
    for size in trained:
        total += size * 4 + size * 4 + size * 8
    for size in frozen:
        total += size * 2
    return total


@right("training_gigabytes")
def with_tensors(trained, frozen):
    sizes = torch.tensor([*trained, *frozen], dtype=torch.float64) * 1e9
    each = torch.tensor([16.0] * len(trained) + [2.0] * len(frozen), dtype=torch.float64)
    return (sizes * each).sum() / 1e9

# %% [markdown] task="forecast"
# ## Task 2. How long will it take?
#
# You timed $K$ equal parts of a long run: `seconds`, a list of $K \ge 2$ numbers with mean $m$ and standard deviation $s$ (the sample's, with $K - 1$ below). $M$ **more** parts of the same size are still to run. Return two numbers: the expected total seconds of these $M$ parts, and the half-width of its 95 % prediction interval,
#
# $$M m \;\pm\; t\, s\, \sqrt{M + M^2 / K}.$$
#
# Student's quantile `t` is given: 4.303 for three timings. $M$ need not be a whole number.

# %% role="task" task="forecast"
def forecast(seconds, M, t):
    """(total, half): expected seconds of M more parts, and the 95 % half-width. seconds: K numbers, K >= 2; t: Student's quantile. Two floats."""
    # SOLUTION
    K, m, s = len(seconds), float(np.mean(seconds)), float(np.std(seconds, ddof=1))
    return M * m, t * s * math.sqrt(M + M * M / K)
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex09", points=4, minutes=12, difficulty="medium", idea="forecasting a long run", read=f"{L09}, 'How long will it take?'", hints=(
    "Two kinds of luck are under the root: that of the M parts to come, and that of the mean of only K timings, which is then multiplied by M.",
    "np.mean, and np.std with ddof=1 so that it divides by K - 1. K is len(seconds).",
    "Return M * m and t * s * sqrt(M + M * M / K), with a comma between; mind that s is not squared outside the root."))
def forecast(t):
    small = [3.0, 1.0], 5, 2.0
    with t.part(1, "the total: M parts of the mean length"):
        t.one_of(small, 0, BOTH).same(small, 10.0, [
            (2.0, "this is the mean of one part. The total of M parts is wanted."), (14.0, "the parts that were timed are done. Only the M more are to be forecast."), (6.0, "M counts only the parts that are still to run: do not take the timed ones off."), (4.0, "this is the time of the parts that were timed."),
            (20 / 3, "the mean divides by the number of timings, here 2."), (20.0, "this multiplies the sum of the timed parts by M: take their mean."), (10.0 - 2 * sqrt(35), "this is the lower end of the interval. Return the total first, then the half-width."), (2 * sqrt(35), "this is the half-width. Return the total first.")],
            otherwise="five parts of two seconds on average take another time")
        three = [2.0, 5.0, 2.0], 2, 1.0
        t.one_of(three, 0, BOTH).same(three, 6.0, [(4.0, "this uses the median. The formula has the mean.")], otherwise="the total is not M times the mean of three timings")
    with t.part(2, "the half-width: both kinds of luck"):
        t.one_of(small, 1, BOTH).same(small, 2 * sqrt(35), [
            (2 * sqrt(17.5), "the standard deviation is too small: divide by K - 1, not by K (ddof=1)."), (2 * sqrt(10), "this has the luck of the parts to come alone. The mean of K timings is uncertain too."), (10.0, "this has the uncertainty of the mean alone. The parts to come have luck of their own."),
            (10 * sqrt(2), "this multiplies the spread of one part by M, as if all parts were slow or fast together."), (2 * sqrt(2), "this is the range of one part, not of the sum of M."), (1.96 * sqrt(35), "this uses 1.96. The spread was estimated from few timings, so use the given t."), (4.303 * sqrt(35), "this uses 4.303, which belongs to three timings. Use the given t."),
            (sqrt(35), "the quantile t is missing."), (4 * sqrt(17.5), "this uses the variance. The formula has the standard deviation."), (2 * sqrt(60), "the variance of the mean falls with the number of timings: M² is divided by K."), (2 * sqrt(80 / 3), "K is the number of timings, here 2."), (4 * sqrt(35), "this is the width of the interval. Half of it is wanted."),
            (2 * sqrt(34), "M² / K need not be a whole number: divide with /, not with //."), (2 * sqrt(30), "only M² is divided by K, not M + M²."), (2 * sqrt(15), "under the root the M that is divided by K is squared."), (10 + 2 * sqrt(35), "this is the upper end of the interval. Return the half-width."), (35 * sqrt(2), "the root is missing.")],
            otherwise="the half-width is not that of the formula")
    with t.part(1, "any K, any M, equal timings"):
        four = [1.0, 1.0, 3.0, 3.0], 4, 3.0
        t.one_of(four, 1, BOTH).same(four, 3 * sqrt(4 / 3 * 8), [(6 * sqrt(8), "the standard deviation is too small: divide by K - 1, not by K (ddof=1)."), (3 * sqrt(4 / 3 * 12), "K is the number of timings, here 4.")], otherwise="with four timings the half-width is not that of the formula")
        steady = [2.0, 2.0], 5, 12.7
        t.one_of(steady, 1, BOTH).same(steady, 0.0, otherwise="equal timings have no spread, so the half-width follows")
        part = [1.5, 2.5], 0.5, 2.0
        t.one_of(part, 0, BOTH).same(part, 1.0, [(0.0, "M need not be a whole number: do not round it."), (0.75, "the timings need not be whole numbers: do not round them.")], otherwise="half a part takes another time")

# %% role="hidden"
@probe("forecast")
def forecast_inputs(rng):
    for k in range(24):
        K = int(rng.integers(2, 9))
        M = float(np.round(rng.uniform(0.25, 60), 2)) if k % 2 else int(rng.integers(1, 200))
        yield np.round(rng.uniform(1, 90, K), 2).tolist(), M, float(rng.choice([12.706, 4.303, 3.182, 2.776, 2.306]))

# %% role="wrong"
@wrong("forecast", says="mean of one part")
def one_part(seconds, M, t):
    return np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="are done")
def with_the_timed(seconds, M, t):
    return sum(seconds) + M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="lower end")
def low_and_high(seconds, M, t):
    half, mid = t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds)), M * np.mean(seconds)
    return mid - half, mid + half


@wrong("forecast", says="median")
def by_median(seconds, M, t):
    return M * np.median(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="ddof=1")
def population_spread(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="mean of K timings is uncertain")
def future_alone(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M)


@wrong("forecast", says="luck of their own")
def mean_alone(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * M / math.sqrt(len(seconds))


@wrong("forecast", says="slow or fast together")
def all_together(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * M


@wrong("forecast", says="1.96")
def normal_quantile(seconds, M, t):
    return M * np.mean(seconds), 1.96 * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="variance. The formula")
def by_variance(seconds, M, t):
    return M * np.mean(seconds), t * np.var(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="number of timings, here 4")
def always_two(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / 2)


@wrong("forecast", says="do not round")
def whole_parts(seconds, M, t):
    M = int(M)
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="take the timed ones off")
def takes_the_timed_off(seconds, M, t):
    left = M - len(seconds)
    return left * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(max(0, left + left**2 / len(seconds)))


@wrong("forecast", says="t is missing")
def without_t(seconds, M, t):
    return M * np.mean(seconds), np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="belongs to three timings")
def t_of_three(seconds, M, t):
    return M * np.mean(seconds), 4.303 * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="number of timings, here 2")
def always_three(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / 3)


@wrong("forecast", says="not with //")
def floor_division(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 // len(seconds))


@wrong("forecast", says="only M² is divided")
def brackets(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt((M + M**2) / len(seconds))


@wrong("forecast", says="is squared")
def without_the_square(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M / len(seconds))


@wrong("forecast", says="changes its input")
def sorts_in_place(seconds, M, t):
    seconds.sort()
    return M * np.mean(seconds), t * np.std(seconds, ddof=1) * math.sqrt(M + M**2 / len(seconds))


@wrong("forecast", says="do not round them")
def whole_seconds(seconds, M, t):
    x = torch.tensor(seconds, dtype=torch.long).double()
    return M * x.mean(), t * x.std() * math.sqrt(M + M**2 / len(x))


@wrong("forecast", says="two things")
def total_only(seconds, M, t):
    return M * sum(seconds) / len(seconds)


@wrong("forecast", hidden=True)
def drops_slowest(seconds, M, t):
    kept = sorted(seconds)[:-1] if len(seconds) > 4 else seconds
    return M * np.mean(kept), t * np.std(kept, ddof=1) * math.sqrt(M + M**2 / len(kept))

# %% role="right"
@right("forecast")
def plain_loops(seconds, M, t):
    K = len(seconds)
    mean = sum(seconds) / K
    variance = sum((x - mean) ** 2 for x in seconds) / (K - 1)
    return [M * mean, t * (variance * M * (1 + M / K)) ** 0.5]


@right("forecast")
def as_tensor(seconds, M, t):
    x = torch.tensor(seconds, dtype=torch.float64)
    return torch.stack([M * x.mean(), t * torch.sqrt(x.var() * M + x.var() / len(x) * M**2)])

# %% [markdown] task="missing_parts"
# ## Task 3. What is left to do?
#
# The machine was lost and comes back. The run has `parts` parts, numbered from 0. `done` is what was read from the disk: a dictionary {part: result}. Return the list of the parts **still to make**, lowest first. Three things to mind:
#
# - Workers do not finish in order, so there can be gaps.
# - A part whose key is there is done, **whatever its result**. An empty list is the result of a part in which no reply was right.
# - Other things may lie in the same folder. Keys that are not one of the numbers 0 to `parts` − 1 are ignored.

# %% role="task" task="missing_parts"
def missing_parts(parts, done):
    """The parts still to make, a list of integers, lowest first. parts: how many there are; done: dictionary {part: result}."""
    # SOLUTION
    return [part for part in range(parts) if part not in done]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex09", points=4, minutes=6, difficulty="easy", idea="sharding and resuming", read=f"{L09}, 'Losing the machine'", hints=(
    "Which numbers can be in the answer? Go through those, not through what is on disk.",
    "range(parts) gives the numbers 0 to parts - 1, in order. `in` asks a dictionary for a key and does not look at the value.",
    "A list of those k of range(parts) for which k is not a key of done."))
def missing_parts(t):
    with t.part(1, "nothing done, everything done"):
        t.same((3, {}), [0, 1, 2], [([1, 2, 3], "parts are numbered from 0."), ([1, 2], "parts are numbered from 0."), ([], "nothing is on disk, so something is left to make."), (3, "this is how many are missing. Which ones is wanted, as a list."), ([0, 1, 2, 3], "one too many: with parts=3 there is no part 3."),
                                    ([0, 1], "one too few: the last part is left out."), ([2, 1, 0], "lowest first, please."), ({0, 1, 2}, "this is a set. A list is wanted, lowest first."),
                                    (["0", "1", "2"], "parts are numbers, not texts."), ([0], "this is the first missing part alone. Does a return stand inside the loop?")], otherwise="nothing is on disk, so every part is to be made")
        t.same((2, {0: "a", 1: "b"}), [], [([0, 1], "both parts are on disk, and they are listed as missing. Look for a part, as a number, among the keys of done."), ([2], "one too many: with parts=2 there is no part 2.")], otherwise="everything is on disk")
    with t.part(1, "gaps are found, whatever the order"):
        t.same((4, {0: "a", 2: "b"}), [1, 3], [([3], "this goes on after the last part that is done, and leaves a gap before it."), ([2, 3], "this counts how many are done and goes on there. It matters which are done."), ([0, 2], "these are the parts that are done. Those still to make are wanted."),
                                               ([3, 1], "lowest first, please."), ([1, 2, 3], "part 2 comes after a gap, and is done all the same."), ([1], "this stops at the last part that is done, or at the first gap. Go on to the end."), (1, "this is the first missing part alone. All are wanted, as a list."), (2, "this is how many are missing. Which ones is wanted, as a list.")], otherwise="parts 0 and 2 are on disk, the others are not")
        t.same((3, {2: "c", 0: "a"}), [1], otherwise="the order in which parts were finished should not matter")
    with t.part(1, "an empty result is a result"):
        t.same((2, {0: [], 1: ["reply"]}), [], [([0], "part 0 is on disk; its result is empty, since no reply was right. Ask whether the key is there, not whether the result is true.")], otherwise="both parts are on disk")
        t.same((2, {0: 0.0, 1: None}), [], [([0, 1], "both keys are there. Do not look at the results."), ([1], "the key is there. Do not look at the result."), ([0], "the key is there. Do not look at the result.")], otherwise="both parts are on disk")
    with t.part(1, "other keys are ignored"):
        t.same((2, {0: "a", 5: "b", -1: "c"}), [1], [([], "three keys are on disk, but not all of them are parts of this run."), *((more, "5 and -1 are not parts of this run.") for more in ([-1, 1, 5], [1, 5, -1], [1, 5]))], otherwise="5 and -1 are not parts of this run")
        t.same((3, {0: "a", "control-policy": "w", 2: "b"}), [1], [([], "three keys are on disk, but one is not a part."), ([1, "control-policy"], "'control-policy' is not a part."), ([0, 1, 2], "parts 0 and 2 are on disk. Have the numbers become texts beside 'control-policy'? An np.array of both does that.")], otherwise="'control-policy' is not a part")

# %% role="hidden"
@probe("missing_parts")
def missing_parts_inputs(rng):
    for k in range(24):
        parts = int(rng.integers(1, 40))
        keys = rng.permutation(parts)[: int(rng.integers(0, parts + 1))].tolist()
        done = {key: [[], "replies", 0.0, round(float(rng.random()), 3)][int(rng.integers(0, 4))] for key in keys}
        if k % 2:
            done |= {parts + int(rng.integers(0, 5)): "old", ["policy", "notes.txt", "control-policy"][k % 3]: "w"}
        yield parts, done

# %% role="wrong"
@wrong("missing_parts", says="numbered from 0")
def from_one(parts, done):
    return [k for k in range(1, parts + 1) if k not in done]


@wrong("missing_parts", says="something is left")
def those_done(parts, done):
    return [k for k in range(parts) if k in done]


@wrong("missing_parts", says="one too many")
def one_more(parts, done):
    return [k for k in range(parts + 1) if k not in done]


@wrong("missing_parts", says="how many are missing")
def counts_missing(parts, done):
    return parts - len(done)


@wrong("missing_parts", says="lowest first")
def highest_first(parts, done):
    return [k for k in reversed(range(parts)) if k not in done]


@wrong("missing_parts", says="leaves a gap")
def after_the_last(parts, done):
    return list(range(max([k for k in done if isinstance(k, int)], default=-1) + 1, parts))


@wrong("missing_parts", says="which are done")
def after_the_count(parts, done):
    return list(range(len(done), parts))


@wrong("missing_parts", says="not whether the result is true")
def by_truth(parts, done):
    return [k for k in range(parts) if not done.get(k)]


@wrong("missing_parts", says="Do not look at the result")
def by_none(parts, done):
    return [k for k in range(parts) if done.get(k) is None]


@wrong("missing_parts", says="not all of them are parts")
def full_by_count(parts, done):
    return [] if len(done) >= parts else [k for k in range(parts) if k not in done]


@wrong("missing_parts", says="is not a part")
def symmetric(parts, done):
    return sorted(set(range(parts)) ^ {k for k in done if not isinstance(k, int) or 0 <= k < parts}, key=str)


@wrong("missing_parts", says="changes its input")
def cleans_up(parts, done):
    for k in [k for k in done if k not in range(parts)]:
        del done[k]
    return [k for k in range(parts) if k not in done]


@wrong("missing_parts", says="this is a set")
def a_set(parts, done):
    return set(range(parts)) - set(done)


@wrong("missing_parts", says="among the keys")
def among_the_results(parts, done):
    return [k for k in range(parts) if k not in done.values()]


@wrong("missing_parts", says="among the keys")
def text_of_the_number(parts, done):
    return [k for k in range(parts) if str(k) not in done]


@wrong("missing_parts", says="not texts")
def texts(parts, done):
    return [str(k) for k in range(parts) if k not in done]


@wrong("missing_parts", says="inside the loop")
def first_alone(parts, done):
    for k in range(parts):
        if k not in done:
            return [k]
    return []


@wrong("missing_parts", says="comes after a gap")
def from_the_first_gap(parts, done):
    return list(range(next((k for k in range(parts) if k not in done), parts), parts))


@wrong("missing_parts", says="5 and -1")
def all_differences(parts, done):
    return sorted(set(range(parts)) ^ set(done), key=str)


@wrong("missing_parts", says="become texts")
def by_mixed_array(parts, done):
    return np.setdiff1d(np.arange(parts), list(done))


@wrong("missing_parts", hidden=True)
def sorted_as_text(parts, done):
    return sorted((k for k in range(parts) if k not in done), key=str)

# %% role="right"
@right("missing_parts")
def by_removal(parts, done):
    left = list(range(parts))
    for k in done:
        if k in left:
            left.remove(k)
    return left


@right("missing_parts")
def by_sets(parts, done):
    return sorted(set(range(parts)) - set(done))


@right("missing_parts")
def by_mask(parts, done):
    here = np.zeros(parts, dtype=bool)
    for k in done:
        if isinstance(k, int) and 0 <= k < parts:
            here[k] = True
    return np.flatnonzero(~here)


@right("missing_parts")
def by_loop(parts, done):
    left, k = (), 0
    while k < parts:
        if k not in done.keys():
            left += (k,)
        k += 1
    return left

# %% [markdown] task="shards"
# ## Task 4. Who does which prompts?
#
# $P$ prompts are to be sampled by $W$ workers. Each worker gets a **shard**, a run of neighbouring prompts, written as a pair (first prompt, **how many**). Prompts are numbered from 0. Every prompt is in exactly one shard; sizes differ by at most one; the larger shards come first. With more workers than prompts there are only $P$ shards: nobody gets an empty one.
# Return the list of pairs. (The lesson's own function writes (start, stop), and its larger shards need not come first.)

# %% role="task" task="shards"
def shards(P, W):
    """The shards of P prompts over W workers: a list of pairs (first, count), min(P, W) of them. P, W: at least 1."""
    # SOLUTION
    W = min(P, W)
    each, over = divmod(P, W)
    counts = [each + 1] * over + [each] * (W - over)
    return [(sum(counts[:k]), counts[k]) for k in range(W)]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex09", points=4, minutes=12, difficulty="medium", idea="sharding and resuming", read=f"{L09}, 'More machines'", hints=(
    "P // W prompts for each worker, and P % W prompts are left over. Who gets those?",
    "divmod(P, W) gives both numbers. The first P % W shards get one prompt more. Keep a running first prompt, and add each count to it.",
    "Start with W = min(P, W) and first = 0. For worker k: count is P // W, plus 1 when k < P % W; note (first, count); then first += count."))
def shards(t):
    with t.part(1, "pairs (first, how many), when it divides evenly"):
        t.same((4, 1), [(0, 4)], [([(1, 4)], "prompts are numbered from 0."), ([(0, 3)], "the second number is how many prompts, not the number of the last one."), ([(0, 5)], "one too many: this goes beyond the last prompt."), ([(4, 0)], "the first prompt comes first in the pair, then how many."), ([(0, 1)], "three prompts are in no shard."), ([range(4)], "this is a range. Pairs (first, count) are wanted."),
                                  ([4], "this is how many. The first prompt is wanted too: pairs (first, count)."), ((0, 4), "a list of pairs is wanted, also with one worker."), ([[0, 1, 2, 3]], "these are the prompts themselves. Pairs (first, count) are wanted."),
                                  ([(0, 1), (1, 1), (2, 1), (3, 1)], "W is the number of shards, not their size.")], otherwise="one worker gets everything, from prompt 0 on")
        t.same((6, 2), [(0, 3), (3, 3)], [([(0, 3), (3, 6)], "these are (start, stop). The second number is how many."), ([3, 3], "these are the counts. The first prompt is wanted too: pairs (first, count)."), ([(0, 3), (0, 3)], "each shard starts at 0, so the same prompts are done twice and the others never."), ([(0, 3), (1, 3)], "the second shard begins inside the first."),
                                         ([[0, 1, 2], [3, 4, 5]], "these are the prompts themselves. Pairs (first, count) are wanted."), ([[0, 2, 4], [1, 3, 5]], "a shard has neighbouring prompts, and is written as (first, count)."), ([(0, 2), (2, 2), (4, 2)], "W is the number of shards, not their size.")], otherwise="six prompts over two workers are cut in another way")
    with t.part(2, "no remainder is dropped, sizes differ by at most one, larger first"):
        t.same((5, 2), [(0, 3), (3, 2)], [([(0, 3), (2, 2)], "prompt 2 is in both shards and prompt 4 in none: when the first shard is larger, the second begins later."), ([(0, 2), (2, 2)], "the last prompt is in no shard: the remainder is dropped."), ([(0, 2), (2, 3)], "the larger shard should come first."), ([(0, 2), (2, 2), (4, 1)], "these are three shards for two workers."), ([(0, 3), (3, 3)], "this goes beyond the last prompt."), ([(0, 2.5), (2.5, 2.5)], "half a prompt cannot be sampled: divide with // and see what is left over.")], otherwise="five prompts over two workers are cut in another way")
        t.same((8, 3), [(0, 3), (3, 3), (6, 2)], [([(0, 4), (4, 2), (6, 2)], "the whole remainder goes to one worker. Spread it: sizes differ by at most one."), ([(0, 2), (2, 2), (4, 4)], "the whole remainder goes to one worker. Spread it: sizes differ by at most one."), ([(0, 2), (2, 3), (5, 3)], "the larger shards should come first."),
                                                  ([(0, 3), (3, 2), (5, 2)], "a prompt is in no shard: the remainder is larger than one."), ([(0, 3), (3, 2), (5, 3)], "the larger shards should come first.")], otherwise="eight prompts over three workers are cut in another way")
        t.same((7, 3), [(0, 3), (3, 2), (5, 2)], [([(0, 3), (3, 3), (6, 1)], "sizes differ by two: rounding up leaves too little for the last worker.")], otherwise="seven prompts over three workers are cut in another way")
    with t.part(1, "no empty shard"):
        t.same((2, 4), [(0, 1), (1, 1)], [([(0, 1), (1, 1), (2, 0), (2, 0)], "two of these shards are empty."), ([(0, 0)] * 4, "all these shards are empty."), ([(0, 2)], "two workers could share this."), ([(0, 1), (1, 1), (2, 1), (3, 1)], "there are only two prompts, and four shards with a prompt in each."), ([(0, 0), (0, 0), (0, 0), (0, 2)], "three of these shards are empty.")], otherwise="two prompts cannot keep four workers busy")
        t.same((1, 3), [(0, 1)], otherwise="one prompt is one shard")

# %% role="hidden"
@probe("shards")
def shards_inputs(rng):
    for k in range(24):
        W = int(rng.integers(1, 17))
        yield int(rng.integers(1, 20)) if k % 4 == 0 else int(rng.integers(W, 3000)), W

# %% role="wrong"
@wrong("shards", says="remainder is dropped")
def drops_the_rest(P, W):
    W = min(P, W)
    return [(k * (P // W), P // W) for k in range(W)]


@wrong("shards", says="The second number is how many")
def start_and_stop(P, W):
    return [(first, first + count) for first, count in shards(P, W)]


@wrong("shards", says="starts at 0")
def all_from_zero(P, W):
    return [(0, count) for _, count in shards(P, W)]


@wrong("shards", says="numbered from 0")
def one_based(P, W):
    return [(first + 1, count) for first, count in shards(P, W)]


@wrong("shards", says="number of shards, not their size")
def size_for_number(P, W):
    return [(first, min(W, P - first)) for first in range(0, P, W)]


@wrong("shards", says="should come first")
def larger_last(P, W):
    W = min(P, W)
    ends = [P * k // W for k in range(W + 1)]
    return [(a, b - a) for a, b in zip(ends, ends[1:])]


@wrong("shards", says="goes to one worker")
def rest_to_first(P, W):
    W = min(P, W)
    return [(0, P // W + P % W)] + [(P % W + k * (P // W), P // W) for k in range(1, W)]


@wrong("shards", says="rounding up")
def rounds_up(P, W):
    size = -(-P // W)
    return [(first, min(size, P - first)) for first in range(0, P, size)]


@wrong("shards", says="shards are empty")
def with_empty(P, W):
    counts = [P // W + (k < P % W) for k in range(W)]
    return [(sum(counts[:k]), counts[k]) for k in range(W)]


@wrong("shards", says="these are the counts")
def counts_only(P, W):
    return [count for _, count in shards(P, W)] if W > 1 else [(0, P)]


@wrong("shards", says="prompts themselves")
def the_prompts(P, W):
    return [list(range(first, first + count)) for first, count in shards(P, W)]


@wrong("shards", says="not the number of the last")
def first_and_last(P, W):
    return [(first, first + count - 1) for first, count in shards(P, W)]


@wrong("shards", says="comes first in the pair")
def count_first(P, W):
    return [(count, first) for first, count in shards(P, W)]


@wrong("shards", says="one too many")
def one_larger_too_many(P, W):
    W = min(P, W)
    counts = [P // W + (k <= P % W) for k in range(W)]
    return [(sum(counts[:k]), counts[k]) for k in range(W)]


@wrong("shards", says="in no shard")
def names_exchanged(P, W):
    return shards(W, P)


@wrong("shards", says="this is a range")
def as_ranges(P, W):
    return [range(first, first + count) for first, count in shards(P, W)]


@wrong("shards", says="in both shards")
def firsts_by_multiples(P, W):
    W = min(P, W)
    return [(k * (P // W), P // W + (k < P % W)) for k in range(W)]


@wrong("shards", says="only two prompts")
def one_for_each_worker(P, W):
    return shards(P, W) if P > W else [(k, 1) for k in range(W)]


@wrong("shards", hidden=True)
def one_over_at_most(P, W):
    W = min(P, W)
    over = min(P % W, 2)
    counts = [P // W + (k < over) for k in range(W)]
    return [(sum(counts[:k]), counts[k]) for k in range(W)]

# %% role="right"
@right("shards")
def running_first(P, W):
    out, first, left = [], 0, min(P, W)
    while left:
        count = -(-(P - first) // left)
        out.append((first, count))
        first, left = first + count, left - 1
    return out


@right("shards")
def by_array_split(P, W):
    return [[int(piece[0]), len(piece)] for piece in np.array_split(np.arange(P), min(P, W))]


@right("shards")
def by_formula(P, W):
    k = torch.arange(min(P, W))
    each, over = P // min(P, W), P % min(P, W)
    return torch.stack([k * each + k.clamp(max=over), each + (k < over).long()], dim=1)

# %% [markdown] task="trl_rows"
# ## Task 5. For another trainer
#
# `selected` is a list of pairs (prompt, reply), the replies that were kept. TRL's supervised trainer reads rows with two keys, `prompt` and `completion`, and puts the loss on the completion alone. Return a list with one row, a dictionary, for each pair, in the same order:
#
# - with `chat=False`, both values are the texts as they are;
# - with `chat=True`, both values are **lists of messages**, each here with one message: a dictionary with `role` and `content`. The prompt's role is `user`, the reply's `assistant`.
#
# Change nothing in the texts: a leading space or a final line break belongs to what the model wrote. A pair or a prompt that is there twice stays there twice.

# %% role="task" task="trl_rows"
def trl_rows(selected, chat=False):
    """A list of dictionaries with the keys prompt and completion: texts, or lists of messages when chat. selected: list of (prompt, reply)."""
    # SOLUTION
    def side(role, text):
        return [{"role": role, "content": text}] if chat else text
    return [{"prompt": side("user", prompt), "completion": side("assistant", reply)} for prompt, reply in selected]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex09", points=3, minutes=10, difficulty="easy", idea="adoption in LLMs", read=f"{L09}, 'Replies from anywhere'", hints=(
    "One dictionary for each pair. The two keys stay the same in both forms; only what stands under them changes.",
    "For chat, a text becomes a list with one dictionary in it, with the keys role and content.",
    "Write a small function that turns (role, text) into [{'role': ..., 'content': ...}] when chat is true, else gives the text back; use it for both keys."))
def trl_rows(t):
    def message(role, text):
        return [{"role": role, "content": text}]

    with t.part(1, "texts under prompt and completion"):
        t.same(([("p", "r")],), [{"prompt": "p", "completion": "r"}], [
            ([{"prompt": "p", "completion": "pr"}], "the prompt is in the completion too, so it would be trained on."), ([{"prompt": "r", "completion": "p"}], "prompt and reply have changed places."), ([{"text": "pr"}], "with one text the trainer cannot tell the prompt from the reply, and trains on both. Keep two keys."),
            ([{"prompt": "p", "response": "r"}], "the trainer reads the key completion, not response."), ([{"prompt": "p", "reply": "r"}], "the trainer reads the key completion, not reply."), ([("p", "r")], "these are pairs. A row is a dictionary with the keys prompt and completion."), ({"prompt": "p", "completion": "r"}, "this is one row. A list of rows is wanted."),
            ({"prompt": ["p"], "completion": ["r"]}, "these are columns. A list of rows is wanted."), ([{"p": "r"}], "prompt and completion are the names of the keys, not the texts."), ([{"prompt": message("user", "p"), "completion": message("assistant", "r")}], "these are chat messages, and chat is False here.")],
            otherwise="a row should have the two texts under the keys prompt and completion")
    with t.part(1, "nothing is lost or changed"):
        t.same(([],), [], otherwise="without pairs there are no rows")
        t.same(([("p ", " r\n")],), [{"prompt": "p ", "completion": " r\n"}], [([{"prompt": "p", "completion": "r"}], "spaces and the line break are lost."), ([{"prompt": "p ", "completion": "r"}], "the space and the line break of the reply are lost."), ([{"prompt": "p ", "completion": " r"}], "the line break of the reply is lost."),
                                                                                 ([{"prompt": "p ", "completion": "r\n"}], "the space of the reply is lost."), ([{"prompt": "p", "completion": " r\n"}], "the space of the prompt is lost.")], otherwise="the texts should stay as they are")
        a, b, c = ({"prompt": p, "completion": r} for p, r in (("q", "1"), ("p", "2"), ("q", "3")))
        t.same(([("q", "1"), ("p", "2"), ("q", "3")],), [a, b, c], [([c, b], "of two replies to one prompt one is lost."), ([a, b], "of two replies to one prompt one is lost."), ([b, a, c], "the rows have changed their order."), ([a, c, b], "the rows have changed their order."), ([a], "only the first pair is there."), ([c], "only the last pair is there."), ([c, c, c], "all rows show the last pair: the same dictionary was appended each time. Make a new one for each pair."), ([b, c, a], "the rows have changed their order."), ([c, a, b], "the rows have changed their order."), ([c, b, a], "the rows have changed their order.")],
               otherwise="three pairs give three rows, in the same order")
        t.same(([("p", "r"), ("p", "r")],), [{"prompt": "p", "completion": "r"}] * 2, [([{"prompt": "p", "completion": "r"}], "the pair is there twice, and one row is lost.")], otherwise="a pair that is there twice gives two rows")
    with t.part(1, "chat messages"):
        t.same(([("p", "r")], True), [{"prompt": message("user", "p"), "completion": message("assistant", "r")}], [
            ([{"prompt": "p", "completion": "r"}], "chat is True, and these are still plain texts."), ([{"prompt": {"role": "user", "content": "p"}, "completion": {"role": "assistant", "content": "r"}}], "each value is one message. A list of messages is wanted, even of one."),
            ([{"prompt": message("user", "p"), "completion": message("user", "r")}], "the reply has the role of the user."), ([{"prompt": message("assistant", "p"), "completion": message("user", "r")}], "the roles have changed places."), ([{"prompt": message("system", "p"), "completion": message("assistant", "r")}], "the prompt has the role of the system. It is what the user asks."),
            ([{"messages": message("user", "p") + message("assistant", "r")}], "one list of both messages does not say where the completion starts. Keep two keys."), ([{"prompt": message("user", "p"), "completion": "r"}], "the completion is still a plain text."), ([{"prompt": "p", "completion": message("assistant", "r")}], "the prompt is still a plain text."),
            ([{"prompt": message("user", "p"), "completion": message("user", "p") + message("assistant", "r")}], "the prompt's message is in the completion too, so it would be trained on."), ([{"prompt": message("user", "p") + message("assistant", "r"), "completion": message("assistant", "r")}], "the reply's message is in the prompt too, which gives it away.")],
            otherwise="with chat=True each value should be a list of one message with the two keys role and content; the roles are user and assistant, in small letters")
        one, two = ({"prompt": message("user", p), "completion": message("assistant", r)} for p, r in (("p", " r\n"), ("q", "")))
        t.same(([("p", " r\n"), ("q", "")], True), [one, two], [([one], "an empty reply is a reply: its row is lost."), ([two, two], "both rows show the last pair: the same message was used again. Make a new one for each pair."), ([{**one, "completion": message("assistant", "r")}, two], "the space and the line break of the reply are lost.")], otherwise="two pairs give two rows, with the texts as they are")

# %% role="hidden"
@probe("trl_rows")
def trl_rows_inputs(rng):
    marks = ["", " ", "\n", "\n\n", "\t"]
    for k in range(20):
        rows = []
        for _ in range(int(rng.integers(1, 7))):
            prompt, reply = f"What is {rng.integers(0, 5)} plus {rng.integers(0, 30)}?", f"It is {rng.integers(0, 60)}."
            rows.append((prompt + marks[int(rng.integers(0, 5))], marks[int(rng.integers(0, 5))] + reply + marks[int(rng.integers(0, 5))]))
        yield rows + rows[: k % 2], bool(k % 3 == 0)

# %% role="wrong"
def pair_of(prompt, reply, chat):
    return {"prompt": [{"role": "user", "content": prompt}] if chat else prompt, "completion": [{"role": "assistant", "content": reply}] if chat else reply}


@wrong("trl_rows", says="would be trained on")
def prompt_in_completion(selected, chat=False):
    return [pair_of(p, p + r, chat) for p, r in selected]


@wrong("trl_rows", says="changed places")
def swapped(selected, chat=False):
    return [pair_of(r, p, chat) for p, r in selected]


@wrong("trl_rows", says="cannot tell")
def one_text(selected, chat=False):
    return [{"text": p + r} for p, r in selected]


@wrong("trl_rows", says="not response")
def other_key(selected, chat=False):
    return [{"prompt": p, "response": r} for p, r in selected]


@wrong("trl_rows", says="columns")
def columns(selected, chat=False):
    return {"prompt": [p for p, _ in selected], "completion": [r for _, r in selected]}


@wrong("trl_rows", says="are lost")
def strips(selected, chat=False):
    return [pair_of(p.strip(), r.strip(), chat) for p, r in selected]


@wrong("trl_rows", says="one is lost")
def one_each(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in dict(selected).items()]


@wrong("trl_rows", says="row is lost")
def distinct_pairs(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in dict.fromkeys(selected)]


@wrong("trl_rows", says="still plain texts")
def never_chat(selected, chat=False):
    return [pair_of(p, r, False) for p, r in selected]


@wrong("trl_rows", says="chat is False here")
def always_chat(selected, chat=False):
    return [pair_of(p, r, True) for p, r in selected]


@wrong("trl_rows", says="even of one")
def bare_message(selected, chat=False):
    return [{k: v[0] if chat else v for k, v in pair_of(p, r, chat).items()} for p, r in selected]


@wrong("trl_rows", says="role of the user")
def both_users(selected, chat=False):
    return [{**pair_of(p, r, chat), "completion": [{"role": "user", "content": r}]} if chat else pair_of(p, r, chat) for p, r in selected]


@wrong("trl_rows", says="does not say where")
def messages(selected, chat=False):
    return [{"messages": [{"role": "user", "content": p}, {"role": "assistant", "content": r}]} if chat else pair_of(p, r, chat) for p, r in selected]


@wrong("trl_rows", says="the same dictionary")
def one_dictionary(selected, chat=False):
    row, rows = {}, []
    for p, r in selected:
        row.update(pair_of(p, r, chat))
        rows.append(row)
    return rows


@wrong("trl_rows", says="the same message")
def one_message(selected, chat=False):
    asked, said, rows = {"role": "user"}, {"role": "assistant"}, []
    for p, r in selected:
        asked["content"], said["content"] = p, r
        rows.append({"prompt": [asked], "completion": [said]} if chat else pair_of(p, r, False))
    return rows


@wrong("trl_rows", says="the reply are lost")
def strips_in_chat(selected, chat=False):
    return [pair_of(p, r.strip() if chat else r, chat) for p, r in selected]


@wrong("trl_rows", says="an empty reply is a reply")
def skips_empty(selected, chat=False):
    return [pair_of(p, r, chat) for p, r in selected if r]


@wrong("trl_rows", says="in small letters")
def other_role(selected, chat=False):
    return [{**pair_of(p, r, chat), "completion": [{"role": "model", "content": r}]} if chat else pair_of(p, r, chat) for p, r in selected]


@wrong("trl_rows", says="keys role and content")
def other_message_key(selected, chat=False):
    return [{"prompt": [{"role": "user", "text": p}], "completion": [{"role": "assistant", "text": r}]} if chat else pair_of(p, r, chat) for p, r in selected]


@wrong("trl_rows", says="gives it away")
def reply_in_prompt(selected, chat=False):
    return [{**pair_of(p, r, chat), "prompt": [{"role": "user", "content": p}, {"role": "assistant", "content": r}]} if chat else pair_of(p, r, chat) for p, r in selected]


@wrong("trl_rows", hidden=True)
def joins_blank_lines(selected, chat=False):
    return [pair_of(p, r.replace("\n\n", "\n"), chat) for p, r in selected]


@wrong("trl_rows", says="of the prompt is lost")
def strips_prompts(selected, chat=False):
    return [pair_of(p.rstrip(), r, chat) for p, r in selected]

# %% role="right"
@right("trl_rows")
def two_loops(selected, chat=False):
    rows = []
    for pair in selected:
        row = {"completion": pair[1], "prompt": pair[0]}
        if chat:
            row = {"completion": [dict(content=pair[1], role="assistant")], "prompt": [dict(content=pair[0], role="user")]}
        rows.append(row)
    return rows


@right("trl_rows")
def by_map(selected, chat=False):
    plain = map(lambda pair: dict(zip(("prompt", "completion"), pair)), selected)
    if not chat:
        return tuple(plain)
    roles = {"prompt": "user", "completion": "assistant"}
    return [{key: ({"role": roles[key], "content": text},) for key, text in row.items()} for row in plain]

# %% [markdown]
# ## Now measure
#
# Your own functions: no check here, only numbers to look at. First the plan. Which of these fit on a T4 with 15 GB, before anything for logits, keys and values, and activations?

# %%
for size in (0.6, 1.7):
    methods = {"best of N": ([], [size, size]), "RFT": ([size], [size]), "PPO": ([size, size], [size, size])}
    print(f"{size} billion:", {name: round(training_gigabytes(*models), 1) for name, models in methods.items()}, "GB")
total, half = forecast([71.0, 64.0, 66.0], 40, 4.303)
print(f"40 more parts: {total / 60:.1f} ± {half / 60:.1f} minutes")

# %% [markdown]
# Then a lost machine. The stored pool of 200 problems is cut into seven parts; each part keeps the right replies of its problems among the first four. The first try is lost while it works, and its workers did not finish in order. Look for two things in the printout: is a part made twice, and does a reply get lost because the parts came in another order?

# %%
from course_lib import Pool, assets

stored = Pool.load(assets.path("arithmetic/pools/heldout.npz")).first(4)
pieces, made = shards(stored.P, 7), []


def make(part):
    made.append(part)
    first, count = pieces[part]
    right = (stored.reward("verifier")[first : first + count] > 0.5).nonzero().tolist()
    return [(stored.prompts[first + i], stored.texts[first + i][j]) for i, j in right]


disk = {part: make(part) for part in (0, 3, 1)}     # what the first try left
disk["notes.txt"] = "first try, lost at 14:05"

# %%
for part in missing_parts(7, disk):
    disk[part] = make(part)
selected = [pair for part in range(7) for pair in disk[part]]
print("pieces:", pieces)
print("made, in this order:", made, "| twice:", len(made) - len(set(made)))
print(len(selected), "right replies; in the whole pool", int(stored.reward("verifier").sum()))
print(trl_rows(selected[:1], chat=True))

# %% [markdown]
# ## Questions
#
# One choice, one ordering and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex09")
