"""Checks of exercise 05, a round of rejection-sampling fine-tuning.

What the reader's answer must do, property by property.
"""

from math import exp, log

import torch

from .plain import plain_value
from .registry import need as need
from .registry import task
from .trial import Trial

L05 = "lesson 05"
BOTH = ("best", "control")
LOSS_TOLERANCE = 1e-5
F, T = False, True  # masks are written with them
SQUARE = torch.tensor([[4.0, 5.0], [2.0, 0.0]])

# messages of several cases
OVER_PROMPTS = "the highest is taken over prompts. Take it over candidates: dim=1."
SINGLE_NUMBER = "one index for each prompt is wanted, in a tensor or list; this is a single number."
SORTED = "the control should not look at the rewards: is something sorted here?"
LAST_COMES_FIRST = (
    "of equal rewards the last come first here. A list sorted upwards and then turned around turns "
    "its ties around, too."
)
LOWER_CANDIDATE_FIRST = (
    "of equal rewards the lower candidate comes first here. The earlier prompt goes before that."
)
OTHER_ORDER = "these are the right pairs in another order: the highest reward comes first."
K_OF_EACH = "this is k of each prompt. k counts for the whole matrix."
PROMPT_COUNTS = "prompt tokens count here; only the reply's should."
NO_MASK = "a token that is not marked counts: the mask is not used."
ALL_PLACES = "the sum is divided by all places; divide by the number of marked ones."
SCORES = "these are the scores themselves. log_softmax makes log-probabilities of them."
OVERFLOW = "exp of a large score overflows. log_softmax does it safely."
ORDER_LOST = "the order of first appearance is lost: is something sorted, or a set used?"


@task(
    "ex05",
    points=4,
    minutes=10,
    difficulty="easy",
    idea="rejection sampling for fine-tuning",
    read=f"{L05}, 'The loop, live'",
    hints=(
        "The best looks at the rewards and not at u. The control looks at u and at how many "
        "candidates there are, and not at the rewards.",
        "argmax over candidates (dim=1) for the best. For the control multiply each u by N, the "
        "number of columns, and round down.",
        "torch.floor gives 2.0, and an index must be 2: .long() makes integers of a tensor. Return "
        "both with a comma between.",
    ),
)
def best_and_control(t: Trial) -> None:
    with t.part(1, "best: the index of the highest reward of each prompt"):
        _best_of_one_prompt(t)
        _best_of_two_prompts(t)
    with t.part(1, "best: negative rewards, and ties go to the lowest index"):
        _best_of_negative_rewards(t)
        _best_of_equal_rewards(t)
    with t.part(1, "control: u·N, rounded down, an integer"):
        _control_of_four(t)
        _control_of_two(t)
        _control_when_u_is_0(t)
    with t.part(1, "control: each prompt by its own u, whatever the rewards"):
        _control_when_u_falls_on_the_best(t)
        _control_of_two_prompts(t)
        t.untidy()


def _best_of_one_prompt(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 3.0, 2.0]])
    u = torch.tensor([0.9])
    best = t.one_of((rewards, u), 0, BOTH)
    mistakes = [
        ([3.0], "these are the best rewards, not their indices."),
        ([0], "that is the index of the lowest reward."),
        ([2], "that is the control. Return best first, then control."),
        ([0, 0, 0], OVER_PROMPTS),
        (1, SINGLE_NUMBER),
    ]
    best.same((rewards, u), [1], mistakes, otherwise="that is not the index of the highest reward")


def _best_of_two_prompts(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 0.0]])
    u = torch.tensor([0.9, 0.9])
    best = t.one_of((rewards, u), 0, BOTH)
    mistakes = [
        ([3.0, 5.0], "these are the best rewards, not their indices."),
        ([1, 1], "the second prompt gets the index of the first."),
        ([1, 1, 0], OVER_PROMPTS),
        ([1, 3], "an index counts within its prompt, from 0."),
        (3, "this is one index into the whole matrix; each prompt needs its own: dim=1."),
    ]
    best.same(
        (rewards, u),
        [1, 0],
        mistakes,
        otherwise="these are not the indices of the highest reward of each row",
    )
    _integers(t, best, (rewards, u), "best")


def _best_of_negative_rewards(t: Trial) -> None:
    rewards = torch.tensor([[-3.0, -1.0]])
    u = torch.tensor([0.1])
    best = t.one_of((rewards, u), 0, BOTH)
    absolute = "-1 is higher than -3: is the reward compared by its absolute value, or with 0?"
    best.same((rewards, u), [1], [([0], absolute)], otherwise="-1 is higher than -3")


def _best_of_equal_rewards(t: Trial) -> None:
    rewards = torch.tensor([[0.0, 1.0, 1.0]])
    u = torch.tensor([0.1])
    best = t.one_of((rewards, u), 0, BOTH)
    last_wins = "of two equal rewards the last wins; the lowest index should."
    best.same(
        (rewards, u), [1], [([2], last_wins)], otherwise="with a tie the lowest index should win"
    )


def _control_of_four(t: Trial) -> None:
    rewards = torch.tensor([[2.0, 9.0, 7.0, 1.0]])
    u = torch.tensor([0.65])  # times 4: 2.6
    control = t.one_of((rewards, u), 1, BOTH)
    mistakes = [
        (
            [3],
            "this is one too high. Is the product rounded up, or to the nearest? Round down: "
            "otherwise the index could even be N, which does not exist.",
        ),
        (
            [1],
            "is u multiplied by N - 1, or is this the best again? The last candidate needs its "
            "chance as well: multiply by N.",
        ),
        (
            [0],
            "is u multiplied by the number of prompts, rounded down too early, or looked up among "
            "sorted rewards? It is multiplied by N, the number of candidates, then rounded down; "
            "the rewards play no part.",
        ),
        ([2.6], "this is not rounded down yet; an index is a whole number."),
        ([0.65], "that is u itself. Multiply by N and round down."),
        ([7.0], "this is a reward; the index that u gives is wanted."),
        (2, SINGLE_NUMBER),
    ]
    control.same((rewards, u), [2], mistakes, otherwise="that is not u times N, rounded down")
    _integers(t, control, (rewards, u), "control")


def _control_of_two(t: Trial) -> None:
    rewards = torch.tensor([[9.0, 2.0]])
    u = torch.tensor([0.99])
    control = t.one_of((rewards, u), 1, BOTH)
    mistakes = [
        (
            [3],
            "there are two candidates here, and index 3 does not exist. Take N from the shape of "
            "rewards.",
        ),
        ([2], "index 2 does not exist with two candidates: round down."),
        ([0], SORTED),
    ]
    control.same((rewards, u), [1], mistakes, otherwise="with N = 2 the control is another")


def _control_when_u_is_0(t: Trial) -> None:
    rewards = torch.tensor([[2.0, 3.0, 9.0]])
    u = torch.tensor([0.0])
    control = t.one_of((rewards, u), 1, BOTH)
    mistakes = [
        ([1], SORTED),
        (
            [-1],
            "with u = 0 this gives -1, which Python takes as the last candidate. Rounding up and "
            "taking 1 away is not the same as rounding down.",
        ),
    ]
    control.same((rewards, u), [0], mistakes, otherwise="with u = 0 the control is another")


def _control_when_u_falls_on_the_best(t: Trial) -> None:
    u = torch.tensor([0.3])
    best_left_out = (
        "here u falls on the best candidate, and you take another. A control that leaves the best "
        "out is worse than random: the best keeps its chance."
    )

    rewards = torch.tensor([[1.0, 9.0, 2.0, 3.0]])
    control = t.one_of((rewards, u), 1, BOTH)
    control.same(
        (rewards, u),
        [1],
        [([0], best_left_out), ([2], best_left_out), ([3], SORTED)],
        otherwise="the control should be the same whatever the rewards",
    )

    other_rewards = torch.tensor([[9.0, 1.0, 3.0, 2.0]])
    control = t.one_of((other_rewards, u), 1, BOTH)
    control.same(
        (other_rewards, u),
        [1],
        otherwise="the control changes when the rewards do; it should not look at them",
    )


def _control_of_two_prompts(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 4.0, 2.0, 3.0], [1.0, 4.0, 2.0, 3.0]])
    u = torch.tensor([0.1, 0.9])
    control = t.one_of((rewards, u), 1, BOTH)
    mistakes = [
        ([0, 0], "every prompt gets the first u; each has its own."),
        ([3, 3], "every prompt gets the last u; each has its own."),
        ([0, 1], "multiply u by N, the number of candidates, not by P."),
    ]
    control.same(
        (rewards, u),
        [0, 3],
        mistakes,
        otherwise="the controls of two prompts with u = 0.1 and 0.9 are others",
    )


def _integers(t: Trial, made: Trial, args: tuple, which: str) -> None:
    """Indices are integers, not only by value."""
    got = made.run(*args)
    t.holds(
        not any(isinstance(x, float) for x in plain_value(got)),
        f"the {which} is right as a number, but it is of a floating-point type, and such a "
        "number cannot look anything up. Make integers of it.",
        f"{made.call_text(args)} gave {got!r}",
    )


@task(
    "ex05",
    points=3,
    minutes=12,
    difficulty="medium",
    idea="rejection sampling for fine-tuning",
    read=f"{L05}, 'What to keep'",
    hints=(
        "Forget the rows for a moment: all P·N candidates stand in one line, and you take the "
        "first k. Then say of each which prompt it belongs to.",
        "Make a list of all pairs in the order of the tie rule, and sort it by reward, downwards. "
        "Python's sorted leaves equal items in the order they had.",
        "sorted(pairs, key=...)[:k], where the key of a pair is minus its reward. reverse=True "
        "with a key keeps the order of ties as well; sorting (reward, p, j) tuples backwards does "
        "not.",
    ),
)
def top_k_overall(t: Trial) -> None:
    with t.part(1, "takes the k highest of the whole matrix, as (prompt, candidate)"):
        _the_highest(t)
        _the_two_highest(t)
    with t.part(1, "of equal rewards the earlier prompt, then the lower candidate"):
        _all_rewards_equal(t)
        _three_equal_rewards(t)
        _fifty_equal_rewards(t)
    with t.part(1, "any P and N, also all of them"):
        _wider_than_high(t)
        _all_of_them(t)
        t.untidy()


def _the_highest(t: Trial) -> None:
    mistakes = [
        ([(1, 0)], "the pair is turned around: prompt first, then candidate."),
        ([5.0], "these are rewards; the pairs (prompt, candidate) that have them are wanted."),
        ([1], "this counts through the whole matrix. Give the prompt and the candidate."),
        ([(1, 1)], "that is the lowest reward of the matrix."),
        ([(0, 1), (1, 0)], K_OF_EACH),
        ((0, 1), "the result should be a list of pairs, also when there is only one."),
        ([(5.0, 0, 1)], "the pairs should not hold the reward."),
        ([(1, 2)], "prompts and candidates count from 0."),
        ([(0.5, 1)], "a prompt's index is a whole number: divide with //, not /."),
        (
            [[0], [1]],
            "these are all prompts and then all candidates. Put them together to pairs: zip, or "
            "torch.stack with dim=1.",
        ),
        (
            [[1], [0]],
            "this is the best of each prompt, row by row. Look at the whole matrix at once.",
        ),
        (([(0, 1)], 1), "return the pairs alone; the coverage is counted further down."),
    ]
    t.same((SQUARE, 1), [(0, 1)], mistakes, otherwise="that is not the place of the highest reward")


def _the_two_highest(t: Trial) -> None:
    mistakes = [
        (
            [(0, 1), (1, 0)],
            "this is the best of each prompt. Top-k overall looks at all candidates together, and "
            "may keep two of one prompt.",
        ),
        ([(0, 0), (0, 1)], OTHER_ORDER),
        ([(0, 1)], "k pairs are wanted, also when two are from one prompt."),
        ([(1, 1), (1, 0)], "these are the lowest."),
        ([(0, 1), (0, 0), (1, 0), (1, 1)], K_OF_EACH),
    ]
    t.same(
        (SQUARE, 2),
        [(0, 1), (0, 0)],
        mistakes,
        otherwise="these are not the places of the two highest rewards",
    )


def _all_rewards_equal(t: Trial) -> None:
    rewards = torch.tensor([[2.0, 2.0], [2.0, 2.0]])
    mistakes = [
        ([(1, 1), (1, 0)], LAST_COMES_FIRST),
        ([(0, 0), (1, 0)], LOWER_CANDIDATE_FIRST),
        ([(0, 1), (0, 0)], "of equal rewards within a prompt the lower candidate comes first."),
        (
            [(1, 0), (1, 1)],
            "of equal rewards the earlier prompt comes first. torch.topk, torch.sort and "
            "np.argsort promise no order of ties, unless told so.",
        ),
        ([(0, 0)], "k pairs are wanted; equal rewards are not the same candidate."),
        (
            [(0, 0), (0, 0)],
            "the same pair is there twice. Whoever looks a reward up by its value, as index does, "
            "always finds the first place that has it.",
        ),
    ]
    t.same(
        (rewards, 2),
        [(0, 0), (0, 1)],
        mistakes,
        otherwise="all rewards are equal, and the order is not that of the tie rule",
    )


def _three_equal_rewards(t: Trial) -> None:
    rewards = torch.tensor([[1.0, 3.0], [3.0, 3.0]])
    mistakes = [
        ([(1, 1), (1, 0)], LAST_COMES_FIRST),
        ([(1, 0), (0, 1)], LOWER_CANDIDATE_FIRST),
        (
            [(0, 1), (0, 0)],
            "both are from the first prompt, although those of the second have higher rewards than "
            "its candidate 0. k counts for the whole matrix, not for a prompt.",
        ),
        (
            [(0, 1), (0, 2)],
            "there is no candidate 2 here: the place in the line is divided by N, and N is the "
            "number of columns.",
        ),
    ]
    t.same(
        (rewards, 2),
        [(0, 1), (1, 0)],
        mistakes,
        otherwise="three candidates tie, and the two kept are not the first by the tie rule",
    )


def _fifty_equal_rewards(t: Trial) -> None:
    # 1 in every second place; the 30 highest are the first 30 of these
    rewards = torch.arange(100.0).view(10, 10) % 2
    right = [divmod(place, 10) for place in range(1, 60, 2)]
    got = [tuple(int(x) for x in pair) for pair in t.run(rewards, 30)]
    t.holds(
        got == right,
        "among 50 equal rewards the order is not that of the tie rule. torch.topk, torch.sort and "
        "np.argsort promise no order of ties, unless told so.",
        "rewards=torch.arange(100.0).view(10, 10) % 2, k=30",
    )


def _wider_than_high(t: Trial) -> None:
    rewards = torch.tensor([[0.0, 1.0, 2.0], [5.0, 4.0, 3.0]])
    mistakes = [
        (
            [(1, 1), (2, 0)],
            "there is no prompt 2 here: the prompt is the place in the line divided by N, not by "
            "P.",
        ),
        ([(1, 1), (1, 0)], OTHER_ORDER),
    ]
    t.same(
        (rewards, 2),
        [(1, 0), (1, 1)],
        mistakes,
        otherwise="with two prompts and three candidates the places are not right",
    )


def _all_of_them(t: Trial) -> None:
    rewards = torch.tensor([[-1000.0], [-3000.0], [-2000.0]])
    mistakes = [
        ([(0, 0), (1, 0), (2, 0)], OTHER_ORDER),
        ([(1, 0), (2, 0), (0, 0)], "-1000 is higher than -3000."),
        (
            [(0, 0), (0, 0), (0, 0)],
            "the same pair is taken again and again. How do you mark a candidate as taken? Here "
            "the rewards are lower than that mark.",
        ),
    ]
    t.same(
        (rewards, 3),
        [(0, 0), (2, 0), (1, 0)],
        mistakes,
        otherwise="with N = 1 and k = 3 all three are kept, and their order is not right",
    )


@task(
    "ex05",
    points=4,
    minutes=15,
    difficulty="medium",
    idea="rejection sampling for fine-tuning",
    read=f"{L05}, 'On paper: which tokens count'",
    hints=(
        "Write down a row of six tokens with a prompt of three, and under each place the token "
        "that comes next. Which of these are reply tokens?",
        "torch.arange(1, T) holds the place of the next token for each of the T - 1 predictions. "
        "Lengths of shape (B, 1) compare with all of them at once.",
        "The next token is in the reply when its place is at least the prompt's length and less "
        "than the total length; & joins two masks.",
    ),
)
def response_mask(t: Trial) -> None:
    with t.part(1, "marks the places whose next token is in the reply"):
        _next_token_in_the_reply(t)
        _truth_values(t)
    with t.part(1, "padding does not count, the end token does, even with the same id"):
        _padding_like_the_end(t)
        _padding_like_a_token(t)
        _a_cut_reply(t)
    with t.part(1, "each row by its own lengths"):
        _own_lengths(t)
    with t.part(1, "replies of one token, and of none"):
        _end_token_alone(t)
        _no_reply(t)
        t.untidy()


def _rows(ids: list, prompt_lengths: list, total_lengths: list) -> tuple[torch.Tensor, ...]:
    """The arguments of ``response_mask`` from plain lists."""
    return torch.tensor(ids), torch.tensor(prompt_lengths), torch.tensor(total_lengths)


def _three_of_three() -> tuple[torch.Tensor, ...]:
    """One row: three tokens of the prompt, three of the reply."""
    return _rows([[11, 12, 13, 14, 15, 2]], [3], [6])


def _next_token_in_the_reply(t: Trial) -> None:
    mistakes = [
        (
            [[F, F, F, T, T]],
            "the first reply token is left out: it is predicted at the place before it, the "
            "prompt's last.",
        ),
        (
            [[F, F, F, T, T, T]],
            "this marks the reply tokens themselves, T places. Mark the places before them, where "
            "they are predicted: T - 1 places.",
        ),
        ([[F, F, T, T, T, F]], "the last place predicts nothing, so the mask has T - 1 places."),
        ([[T, T, T, T, T]], PROMPT_COUNTS),
        ([[F, T, T, T, T]], "this begins one place too early: a prompt token counts."),
        ([[F, F, T, T, F]], "the end token is left out. It is how the policy learns to stop."),
        ([[T, T, F, F, F]], "this is turned around: it marks the prompt."),
        ([[F, F, F, F, F]], "nothing is marked, so nothing would be learned."),
        ([[-100, -100, 14, 15, 2]], "these are the tokens to predict; truth values are wanted."),
        (
            [[0, 0, 14, 15, 2]],
            "these are the tokens to predict, and 0 for the others; truth values are wanted.",
        ),
        (
            [[F, T, T, T, F]],
            "this is moved two places, not one: the output at place t predicts the token at t + 1.",
        ),
        ([F, F, T, T, T], "the batch is lost: one row gives shape (1, T - 1)."),
    ]
    t.same(
        _three_of_three(),
        [[F, F, T, T, T]],
        mistakes,
        otherwise="these are not the places before the three reply tokens",
    )


def _truth_values(t: Trial) -> None:
    got = t.run(*_three_of_three())
    t.holds(
        all(isinstance(x, bool) for row in plain_value(got) for x in row),
        "the mask is made of numbers. Used as an index, 0 and 1 would pick places 0 and 1: give "
        "truth values.",
        f"{t.call_text(_three_of_three())} gave {got!r}",
    )


def _padding_like_the_end(t: Trial) -> None:
    padded = _rows([[11, 12, 13, 14, 2, 2, 2]], [2], [5])
    mistakes = [
        ([[F, T, T, T, T, T]], "padding counts here: the reply ends at total_lengths."),
        (
            [[F, T, T, F, F, F]],
            "the end token is left out. Here padding has the same id, so the ids cannot tell them "
            "apart; total_lengths counts the end token in.",
        ),
        ([[F, T, T, T, T, F]], "this goes one place too far: one padding token counts."),
        ([[T, T, T, T, F, F]], PROMPT_COUNTS),
        ([[F, F, T, T, F, F]], "the first reply token is left out."),
    ]
    t.same(
        padded,
        [[F, T, T, T, F, F]],
        mistakes,
        otherwise="padding should not count, and the end token should",
    )


def _padding_like_a_token(t: Trial) -> None:
    padded = _rows([[11, 12, 0, 14, 2, 0, 0]], [2], [5])
    zero_left_out = (
        "a token with id 0 is inside this reply, and you leave it out as if it were padding. Only "
        "the lengths say what is padding."
    )
    t.same(
        padded,
        [[F, T, T, T, F, F]],
        [([[F, F, T, T, F, F]], zero_left_out)],
        otherwise="only the lengths say what is padding, not the ids",
    )


def _a_cut_reply(t: Trial) -> None:
    cut = _rows([[11, 12, 13, 2, 2]], [2], [3])
    padding_for_the_end = (
        "this reply was cut before its end token, and you take the first padding token for it. "
        "Only the lengths say where a reply ends."
    )
    t.same(
        cut,
        [[F, T, F, F]],
        [([[F, T, T, F]], padding_for_the_end)],
        otherwise="this reply was cut: it is one token long and has no end token, and what follows "
        "is padding",
    )


def _own_lengths(t: Trial) -> None:
    two = _rows([[11, 12, 13, 2, 0], [11, 14, 15, 16, 2]], [3, 1], [4, 5])
    mistakes = [
        ([[F, F, T, F], [F, F, T, F]], "the second row gets the lengths of the first."),
        ([[F, F, T, F], [F, F, T, T]], "the second row gets the prompt length of the first."),
        ([[F, F, T, F], [T, T, T, F]], "the second row gets the total length of the first."),
        (
            [[T, T, T, T], [T, T, T, T]],
            "both rows get the shortest prompt and the longest total; each has its own.",
        ),
    ]
    t.same(
        two,
        [[F, F, T, F], [T, T, T, T]],
        mistakes,
        otherwise="each row has its own prompt length and total length",
    )


def _end_token_alone(t: Trial) -> None:
    t.same(
        _rows([[11, 12, 2]], [2], [3]),
        [[F, T]],
        [([[F, F]], "the only reply token is the end token, and it counts.")],
        otherwise="a reply may be the end token alone",
    )


def _no_reply(t: Trial) -> None:
    empty = _rows([[11, 12, 13, 0], [11, 12, 2, 0]], [3, 2], [3, 3])
    t.same(
        empty,
        [[F, F, F], [F, T, F]],
        otherwise="the first row has no reply at all, so nothing counts in it",
    )


@task(
    "ex05",
    points=4,
    minutes=20,
    difficulty="hard",
    idea="rejection sampling for fine-tuning",
    read=f"{L05}, 'On paper: which tokens count'",
    hints=(
        "Three steps: scores to log-probabilities, the log-probability of each token that really "
        "came next, and the mean over the marked ones.",
        "The scores at place t belong to the token at t + 1: logits[:, :-1] goes with ids[:, 1:]. "
        "log_softmax(dim=-1) gives log-probabilities; gather picks the one of each token.",
        "gather(2, ids[:, 1:, None]) has shape (B, T - 1, 1); take away the last dimension, index "
        "with the mask, then minus the mean. No .item(), no numpy.",
    ),
)
def sft_loss(t: Trial) -> None:
    with t.part(1, "one token: minus its log-probability, from the place before it"):
        _one_token(t)
    with t.part(1, "the mean over the marked tokens of the batch, each counting the same"):
        _one_of_two_marked(t)
        _three_marked_in_two_rows(t)
    with t.part(1, "gradients flow to the scores of the marked places, and to no others"):
        _gradient(t)
    with t.part(1, "large scores, and any number of rows, places and tokens"):
        _large_scores(t)
        _equal_scores(t)
        t.untidy()


def _one_token(t: Trial) -> None:
    # probabilities of token 1: 3/4 at place 0, 7/8 at place 1
    logits = torch.tensor([[[0.0, log(3)], [0.0, log(7)]]])
    ids = torch.tensor([[0, 1]])
    mask = torch.tensor([[True]])
    mistakes = [
        (log(0.75), "the sign: a log-probability is negative, and the loss is minus it."),
        (
            -log(0.875),
            "token 1 is compared with the output at its own place. It was predicted one place "
            "before: logits[:, :-1] with ids[:, 1:].",
        ),
        (
            -log(0.25),
            "the output at place 0 is compared with the token at place 0. It predicts the token at "
            "place 1: ids[:, 1:].",
        ),
        (0.75, "this is the probability; take its logarithm."),
        (4 / 3, "this is the perplexity, exp of the loss; the loss itself is wanted."),
        (-0.75, "this is minus the probability; take its logarithm."),
        (-log(3), SCORES),
        (log(3), SCORES),
        (0.25, "this is one minus the probability; take minus the logarithm of it."),
        (
            0.0,
            "is the softmax taken over places, or is the result always 0? Take it over the V "
            "tokens: dim=-1.",
        ),
        (-log(0.3), "the softmax is taken over places. Take it over the V tokens: dim=-1."),
        (-log(0.75) / log(2), "this is in bits; nats are wanted: the natural logarithm."),
        (
            log(1 + exp(-0.5)),
            "softmax is taken twice: cross_entropy wants the scores, and does log_softmax itself.",
        ),
        (
            log(8),
            "the shift is turned around: the output at place 1 is compared with the token at place "
            "0.",
        ),
        (
            -(log(0.75) + log(0.25)) / 2,
            "this is the mean over all V tokens of the vocabulary; take the one that really came "
            "next.",
        ),
        (
            float("nan"),
            "this is not a number, as the mean of no tokens is: is the mask turned around?",
        ),
    ]
    t.same(
        (logits, ids, mask),
        -log(0.75),
        mistakes,
        tolerance=LOSS_TOLERANCE,
        otherwise="the output at place 0 gives the token at place 1 the probability 3/4, and this "
        "is not its loss",
    )


def _one_of_two_marked(t: Trial) -> None:
    logits = torch.tensor([[[0.0, log(3)], [0.0, log(7)], [0.0, 0.0]]])
    ids = torch.tensor([[0, 1, 1]])
    mask = torch.tensor([[False, True]])
    mistakes = [
        (-(log(0.75) + log(0.875)) / 2, NO_MASK),
        (-log(0.75), "this is the token that is not marked: the mask is turned around."),
        (-log(0.875) / 2, ALL_PLACES),
        (-log(0.875) / 3, ALL_PLACES),
        (-(log(0.75) + log(0.875)), NO_MASK),
        (
            -(log(0.875) + log(0.5)) / 2,
            "masked scores of zero are still counted as predictions: choose places with the mask "
            "after the log_softmax.",
        ),
    ]
    t.same(
        (logits, ids, mask),
        -log(0.875),
        mistakes,
        tolerance=LOSS_TOLERANCE,
        otherwise="only the second of two tokens is marked, and this is not its loss; what is not "
        "marked should not count in any way",
    )


def _three_marked_in_two_rows(t: Trial) -> None:
    logits = torch.tensor(
        [[[0.0, log(3)], [log(7), 0.0], [0.0, 0.0]], [[0.0, log(7)], [log(3), 0.0], [0.0, 0.0]]]
    )
    ids = torch.tensor([[0, 1, 0], [0, 1, 1]])
    mask = torch.tensor([[True, True], [False, True]])
    first_row = log(0.75) + log(0.875)
    all_three = log(0.75) + log(0.875) + log(0.25)
    at_every_place = 3 * log(0.75) + 3 * log(0.25) + 2 * log(0.125) + log(0.875)
    mistakes = [
        (
            -(first_row / 2 + log(0.25)) / 2,
            "this is the mean of the two rows' means, so tokens of the short reply count more. "
            "Take the sum over all marked tokens by their number.",
        ),
        (-all_three, "this is the sum over the marked tokens, not their mean."),
        (
            -all_three / 2,
            "the sum is divided by the number of rows; divide by the number of marked tokens.",
        ),
        (-all_three / 4, ALL_PLACES),
        (-first_row / 2, "only the first row counts."),
        (
            -(2 * log(0.75) + log(0.875)) / 3,
            "this takes the likeliest token of each place; take the token that really came next.",
        ),
        (
            -at_every_place / 9,
            "every marked token is looked up at every marked place; each belongs to one place.",
        ),
        (
            -log((0.75 + 0.875 + 0.25) / 3),
            "this is the logarithm of a mean; take the mean of the logarithms.",
        ),
        (-all_three / 6, ALL_PLACES),
    ]
    t.same(
        (logits, ids, mask),
        -all_three / 3,
        mistakes,
        tolerance=LOSS_TOLERANCE,
        otherwise="the first row has two marked tokens, the second one, and this is not their mean "
        "loss",
    )


def _gradient(t: Trial) -> None:
    logits = torch.tensor([[[0.0, log(3)], [0.0, log(7)], [0.0, 0.0]]])
    ids = torch.tensor([[0, 1, 1]])
    mask = torch.tensor([[False, True]])
    shown = "logits of shape (1, 3, 2) with requires_grad=True, mask [[False, True]]"
    (grad,) = t.gradients((logits, ids, mask), (0,))  # (1, 3, 2)
    before, marked, after = grad[0]
    right = torch.tensor([0.125, -0.125])
    t.holds(
        bool((grad != 0).any()),
        "the result needs a gradient, but none reaches the logits. torch.tensor(...) and .detach() "
        "make a new start: compute on the logits themselves.",
        shown,
    )
    t.holds(bool(grad.isfinite().all()), "the gradient has values that are not finite.", shown)
    t.holds(
        before.abs().max() < 1e-6 and after.abs().max() < 1e-6,
        "the gradient reaches places that are not marked.",
        shown,
    )
    t.holds(
        bool((marked - right).abs().max() < 1e-5),
        "the gradient at the marked place is not that of minus log softmax: is a part of it "
        "detached, or is something wrong in value as well?",
        shown,
    )


def _large_scores(t: Trial) -> None:
    logits = torch.tensor([[[200.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    ids = torch.tensor([[0, 1]])
    mask = torch.tensor([[True]])
    small_number_added = (
        "a small number added before the logarithm changes the result here. log_softmax needs none."
    )
    mistakes = [
        (
            float("inf"),
            "softmax gives 0 here, and its logarithm is minus infinity. log_softmax does both in "
            "one step, without that loss.",
        ),
        (float("nan"), OVERFLOW),
        (-log(1e-12), small_number_added),
        (-log(1e-8), small_number_added),
        (-log(1e-10), small_number_added),
        (100.0, "cross-entropy clamps or divides here?"),
    ]
    t.same(
        (logits, ids, mask),
        200.0,
        mistakes,
        tolerance=LOSS_TOLERANCE,
        otherwise="with a score of 200 for another token, the loss is large but finite",
    )

    logits = torch.tensor([[[500.0, 0.0], [0.0, 0.0]]])
    ids = torch.tensor([[0, 0]])
    mask = torch.tensor([[True]])
    t.same(
        (logits, ids, mask),
        0.0,
        [(float("nan"), OVERFLOW)],
        tolerance=LOSS_TOLERANCE,
        otherwise="the token with a score of 500 is certain, so its loss is another",
    )


def _equal_scores(t: Trial) -> None:
    logits = torch.zeros(3, 4, 5, dtype=torch.float64)
    ids = torch.tensor([[0, 1, 2, 3], [4, 4, 4, 4], [3, 2, 1, 0]])
    mask = torch.tensor([[True, True, False], [False, False, True], [False, True, True]])
    t.same(
        (logits, ids, mask),
        log(5),
        tolerance=LOSS_TOLERANCE,
        otherwise="all five tokens are equally likely everywhere, and this is not the loss of that",
    )


@task(
    "ex05",
    points=3,
    minutes=10,
    difficulty="easy",
    idea="putting the steps of rejection-sampling fine-tuning in order",
    read=f"{L05}, 'Round after round'",
    hints=(
        "Decide first which rounds count. Then go through their pairs, and keep a pair only if "
        "this very pair is not in the result yet.",
        "rounds[-1] is the last round. What must be compared is the pair (prompt, reply), not the "
        "prompt alone and not the reply alone.",
        "dict.fromkeys(pairs) keeps each pair once, in order; a set loses the order. Begin with a "
        "new list, so that rounds stay as they are.",
    ),
)
def pool_rounds(t: Trial) -> None:
    with t.part(1, "keep='all': every round's pairs, oldest round first"):
        _rounds_in_order(t)
        _two_rounds(t)
        _two_prompts_one_reply(t)
        _keep_left_out(t)
    with t.part(1, "the same prompt and reply once, where it appeared first"):
        _order_of_many(t)
        _pairs_that_come_again(t)
        _pairs_that_share_a_side(t)
        _twice_in_one_round(t)
    with t.part(1, "keep='last': the last round alone"):
        _order_of_the_last(t)
        _the_last_of_three(t)
        _last_round_with_an_old_pair(t)
        _last_round_empty(t)
        t.untidy()


def _rounds_in_order(t: Trial) -> None:
    """That a set was used is told whatever order it happens to have."""
    rounds = [
        [(f"prompt {i}", f"reply {(7 * i) % 9}") for i in range(k, k + 5)] for k in (5, 0, 10)
    ]
    right = [list(pair) for pairs in rounds for pair in pairs]
    turned = [list(pair) for pairs in rounds[::-1] for pair in pairs]
    got = plain_value(t.run(rounds, "all"))
    shown = "three rounds of 5 pairs each"
    turned_round = "the oldest round should come first: are the rounds turned round?"
    t.holds(got != turned, turned_round, shown)
    as_text = [sorted(map(str, pairs)) for pairs in (got, right) if isinstance(pairs, list)]
    t.holds(got == right or len(as_text) < 2 or as_text[0] != as_text[1], ORDER_LOST, shown)


def _two_rounds(t: Trial) -> None:
    two = [[("q", "a")], [("q", "b")]]
    dictionary = "a dictionary has one reply for a prompt; give a list of pairs."
    mistakes = [
        (
            [("q", "b")],
            "of two replies to the same prompt only one is left. They are different pairs and both "
            "stay; or are the early rounds left out?",
        ),
        (
            [("q", "a")],
            "of two replies to the same prompt only one is left. They are different pairs, and "
            "both stay; or is only the first round taken?",
        ),
        (
            [("q", "b"), ("q", "a")],
            "the oldest round should come first: are the rounds turned around, or is a set used?",
        ),
        ([[("q", "a")], [("q", "b")]], "the rounds are still apart: give one list of pairs."),
        (["a", "b"], "these are replies alone; keep the pairs (prompt, reply)."),
        ([("a", "q"), ("b", "q")], "the pairs are turned around: prompt first."),
        ({"q": "a"}, dictionary),
        ({"q": "b"}, dictionary),
        (
            [["q", "q"], ["a", "b"]],
            "these are all prompts and then all replies; keep each prompt with its reply.",
        ),
    ]
    t.same(
        (two, "all"),
        [("q", "a"), ("q", "b")],
        mistakes,
        otherwise="two rounds with one pair each give another training set",
    )


def _two_prompts_one_reply(t: Trial) -> None:
    one = [[("q", "a"), ("p", "a")]]
    both_stay = "two prompts with the same reply are different pairs, and both stay."
    mistakes = [
        ([("q", "a")], both_stay),
        ([("p", "a")], both_stay),
        ([("p", "a"), ("q", "a")], ORDER_LOST),
    ]
    t.same(
        (one, "all"),
        [("q", "a"), ("p", "a")],
        mistakes,
        otherwise="one round of two pairs gives another training set",
    )


def _keep_left_out(t: Trial) -> None:
    two = [[("q", "a")], [("q", "b")]]
    default_changed = (
        'without keep, all rounds count: keep="all" in the first line of the function should stay.'
    )
    t.same(
        (two,),
        [("q", "a"), ("q", "b")],
        [([("q", "b")], default_changed)],
        otherwise="without keep, all rounds count",
    )


def _pairs_that_come_again(t: Trial) -> None:
    again = [[("z", "b"), ("q", "a")], [("q", "a"), ("c", "d")], [("z", "b")]]
    mistakes = [
        (
            [("z", "b"), ("q", "a"), ("q", "a"), ("c", "d"), ("z", "b")],
            "pairs that appear again are still there twice.",
        ),
        ([("c", "d"), ("q", "a"), ("z", "b")], ORDER_LOST),
        (
            [("q", "a"), ("c", "d"), ("z", "b")],
            "a pair stands where it appeared last; first is wanted.",
        ),
        ([("c", "d")], "pairs that appear again are gone altogether; one of each stays."),
        (
            [("z", "b"), ("q", "a"), ("c", "d"), ("z", "b")],
            "a pair is compared with its neighbours or the round before only; compare with all "
            "earlier ones.",
        ),
    ]
    t.same(
        (again, "all"),
        [("z", "b"), ("q", "a"), ("c", "d")],
        mistakes,
        otherwise="each pair should be there once, in order of first appearance",
    )


def _order_of_many(t: Trial) -> None:
    for size in (4, 9):  # a set has another order for most inputs, not for all
        pairs = [(f"prompt {i}", f"reply {(7 * i) % size}") for i in range(size)]
        got = t.run([pairs, pairs], "all")
        t.holds(
            sorted(map(str, got)) != sorted(map(str, pairs)) or list(map(tuple, got)) == pairs,
            ORDER_LOST,
            f"two equal rounds of {size} pairs",
        )


def _pairs_that_share_a_side(t: Trial) -> None:
    pairs = [("q", "ab"), ("p", "c"), ("q", "c"), ("qa", "b")]
    mistakes = [
        (
            [pairs[0], pairs[1], pairs[3]],
            "a pair is left out because its prompt and its reply have both been there, in two "
            "other pairs. Compare the pairs.",
        ),
        (
            pairs[:3],
            "two different pairs look the same when prompt and reply are joined to one text. "
            "Compare the pairs.",
        ),
    ]
    t.same(
        ([pairs], "all"), pairs, mistakes, otherwise="all four pairs are different, and all stay"
    )


def _twice_in_one_round(t: Trial) -> None:
    pair = ("q", "a")
    t.same(
        ([[pair, pair]], "all"),
        [pair],
        [([pair, pair], "a pair can appear twice within one round, too.")],
        otherwise="a pair that appears twice in one round should be there once",
    )


def _the_last_of_three(t: Trial) -> None:
    three = [[("q", "a")], [("r", "d")], [("q", "b")]]
    mistakes = [
        ([("q", "a"), ("r", "d"), ("q", "b")], "keep='last' still gives all rounds."),
        ([("q", "a")], "that is the first round."),
        ([("r", "d"), ("q", "b")], "these are all rounds but the first."),
        (
            [("r", "d")],
            "that is the second round. The last one is at the end of the list, however many there "
            "are.",
        ),
        (("q", "b"), "this is one pair; give the list of the last round's pairs."),
    ]
    t.same(
        (three, "last"),
        [("q", "b")],
        mistakes,
        otherwise="with keep='last' only the last round counts",
    )


def _last_round_with_an_old_pair(t: Trial) -> None:
    two = [[("q", "a")], [("q", "a"), ("p", "c"), ("p", "c")]]
    mistakes = [
        (
            [("p", "c")],
            "a pair of the last round is left out because an earlier round has it, but here the "
            "earlier rounds do not count; or is only the last pair kept?",
        ),
        (
            [("q", "a"), ("p", "c"), ("p", "c")],
            "a pair appears twice within the last round; keep it once.",
        ),
        ([("p", "c"), ("q", "a")], ORDER_LOST),
    ]
    t.same(
        (two, "last"),
        [("q", "a"), ("p", "c")],
        mistakes,
        otherwise="the last round has two different pairs",
    )


def _order_of_the_last(t: Trial) -> None:
    pairs = [(f"prompt {i}", f"reply {(7 * i) % 9}") for i in range(9)]
    got = t.run([pairs[:1], pairs], "last")
    t.holds(
        sorted(map(str, got)) != sorted(map(str, pairs)) or list(map(tuple, got)) == pairs,
        "the order of first appearance is lost in the last round: is a set used?",
        "a last round of 9 pairs",
    )


def _last_round_empty(t: Trial) -> None:
    two = [[("q", "a")], []]
    t.same(
        (two, "last"),
        [],
        [([("q", "a")], "the last round is empty, and you take an earlier one.")],
        otherwise="the last round is empty, so the training set is, too",
    )
