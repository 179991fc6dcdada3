"""Large and untidy inputs, one maker for each task: many rows, no square, ties, negative numbers.

Small and tidy inputs let mistakes through that fit them (at most eight candidates, values on a
grid, as many prompts as candidates). A visible check tries the cases of a fixed seed and compares
the result by a number alone, so that no answer stands here; hidden probes try those of a secret
one. ``course prove`` tells when a print in ``prints.json`` no longer fits (:func:`write_prints`).
"""

import json
import math
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .plain import plain_value

SEED = 20
NEAR = 3e-5  # of a print, relatively: right answers may be in float32
PRINTS = Path(__file__).with_name("prints.json")
GOLDEN = (math.sqrt(5) - 1) / 2

MAKERS: dict[str, Callable[[random.Random], Iterator[tuple]]] = {}


def maker(function: Callable) -> Callable:
    """Register a maker of inputs by its name, ``exNN_task``."""
    exercise, task = function.__name__.split("_", 1)
    MAKERS[f"{exercise}.{task}"] = function
    return function


def untidy_inputs(task: str, seed: int) -> list[tuple]:
    """The arguments of the untidy cases of a task ("ex01.best_of_n") that follow from a seed."""
    return list(MAKERS[task](random.Random(seed))) if task in MAKERS else []


def untidy_cases(task: str) -> Iterator[tuple[tuple, list]]:
    """(arguments, print of the right result) of each untidy case of a visible check."""
    prints = json.loads(PRINTS.read_text(encoding="utf-8"))
    return zip(untidy_inputs(task, SEED), prints[task], strict=True)


def write_prints(rights: dict[str, Callable]) -> None:
    """Write the prints of what right functions give: task → function."""
    prints = {
        task: [print_of(function(*args)) for args in untidy_inputs(task, SEED)]
        for task, function in rights.items()
    }
    PRINTS.write_text(json.dumps(prints, indent=0) + "\n", encoding="utf-8")


def print_of(value: Any) -> list:
    """[form, number] of a value: how it is built, and a weighted sum of all that it holds."""
    form, leaves = _flat(plain_value(value))
    weights = (0.5 + (k * GOLDEN) % 1 for k in range(1, len(leaves) + 1))
    number = sum(w * x for w, x in zip(weights, leaves, strict=True))
    return [f"{zlib.crc32(form.encode()):08x}", float(f"{number:.9g}")]


def fits(value: Any, right: list) -> bool:
    """Whether a value has this print, but for rounding."""
    form, number = print_of(value)
    return form == right[0] and abs(number - right[1]) <= NEAR * max(1.0, abs(right[1]))


def _flat(value: Any) -> tuple[str, list[float]]:
    if isinstance(value, dict):
        value = [[key, value[key]] for key in sorted(value, key=str)]
    if isinstance(value, list):
        inner = [_flat(x) for x in value]
        return f"[{''.join(form for form, _ in inner)}]", [x for _, some in inner for x in some]
    if isinstance(value, str):
        return "s", [zlib.crc32(value.encode("utf-8", "surrogatepass")) / 2**32]
    if isinstance(value, (bool, int, float)):
        return ".", [value if abs(value) < 1e15 else -1e5]  # nan and infinity are not below
    return "?", [0.0]


# ---- what the makers have in common ------------------------------------------------------------


def whole(r: random.Random, low: int, high: int) -> int:
    """A whole number from low to high; ``random`` alone is the same in every version of Python."""
    return low + int(r.random() * (high - low + 1))


def some(r: random.Random, n: int, low: int, high: int, by: int = 4) -> list[float]:
    """n numbers from low / by to high / by, in steps of 1 / by."""
    return [whole(r, low, high) / by for _ in range(n)]


def table(r: random.Random, rows: int, n: int, low: int, high: int, by: int = 4) -> torch.Tensor:
    """As :func:`some`, (rows, n)."""
    return torch.tensor([some(r, n, low, high, by) for _ in range(rows)])


def one_of(r: random.Random, choices: Any) -> Any:
    return choices[whole(r, 0, len(choices) - 1)]


def shares(r: random.Random, n: int) -> list[float]:
    """n probabilities, sixty-fourths, many of them equal or 0."""
    counts = [0] * n
    at = 0
    for _ in range(64):
        at = whole(r, 0, n - 1) if r.random() < 0.5 else at
        counts[at] += 1
    return [count / 64 for count in counts]


def doubles(*columns: list) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(column, dtype=torch.float64) for column in columns)


# ---- exercise 01 -------------------------------------------------------------------------------


@maker
def ex01_best_of_n(r: random.Random) -> Iterator[tuple]:
    for P, N, high in ((13, 11, 3), (5, 12, -1)):
        texts = [[f"reply {whole(r, 0, 99)} {i} {j}" for j in range(N)] for i in range(P)]
        yield texts, table(r, P, N, -9, high)


@maker
def ex01_win_share(r: random.Random) -> Iterator[tuple]:
    for P in (37, 11):
        yield torch.tensor(some(r, P, -6, 3)), torch.tensor(some(r, P, -6, 3))


@maker
def ex01_expected_best(r: random.Random) -> Iterator[tuple]:
    for N, n in ((14, 5), (12, 9)):
        yield some(r, N, -9, 5), n


@maker
def ex01_cheapest_n(r: random.Random) -> Iterator[tuple]:
    for _ in range(8):
        ns = [1]
        while len(ns) < 11:
            ns.append(ns[-1] + whole(r, 1, 9))
        yield ns, some(r, 11, -12, 9), one_of(r, (0.375, 0.5, 0.625, 0.875)), whole(r, 1, ns[-1])


# ---- exercise 02 -------------------------------------------------------------------------------


@maker
def ex02_softmax_at(r: random.Random) -> Iterator[tuple]:
    yield table(r, 5, 13, -40, 40), 0.7
    yield table(r, 11, 4, -20, 20) + table(r, 11, 1, -300, 300, 1), 2.0


@maker
def ex02_nucleus(r: random.Random) -> Iterator[tuple]:
    for R, V, p in ((7, 13, 0.9), (11, 9, 40 / 64)):
        yield torch.tensor([shares(r, V) for _ in range(R)]), p


@maker
def ex02_draw_tokens(r: random.Random) -> Iterator[tuple]:
    for R, V in ((23, 13), (11, 9)):
        yield torch.tensor([shares(r, V) for _ in range(R)]), torch.tensor(some(r, R, 0, 127, 128))


@maker
def ex02_distinct_bigrams(r: random.Random) -> Iterator[tuple]:
    words = "open Open the menu menu. reset your password then Thanks".split()
    for most in (14, 4):
        texts = []
        for _ in range(12):
            blank = one_of(r, (" ", "  "))
            texts.append(blank.join(one_of(r, words) for _ in range(whole(r, 0, most))))
        yield (texts,)


@maker
def ex02_best_temperature(r: random.Random) -> Iterator[tuple]:
    for P, N, n in ((7, 11, 4), (3, 12, 9), (11, 9, 1), (5, 13, 2), (4, 10, 5)):
        grid = sorted((0.1, 0.2, 0.4, 0.7, 1.0, 1.3), key=lambda _: r.random())
        yield {T: table(r, P, N, int(-40 - 60 * T), int(40 * T) - 10, 16) for T in grid}, n


# ---- exercise 03 -------------------------------------------------------------------------------


@maker
def ex03_preference_probability(r: random.Random) -> Iterator[tuple]:
    yield doubles(some(r, 13, -24, 24), some(r, 13, -24, 24))
    yield table(r, 3, 11, -24, 24).double(), table(r, 3, 11, -24, 24).double()


@maker
def ex03_bradley_terry(r: random.Random) -> Iterator[tuple]:
    for K in (23, 11):
        yield doubles(some(r, K, -16, 9), some(r, K, -16, 9))


@maker
def ex03_usable_pairs(r: random.Random) -> Iterator[tuple]:
    for max_words in (5, 9):
        pairs = []
        for _ in range(14):
            one = [one_of(r, "abc") for _ in range(whole(r, 1, 12))]
            other = [one_of(r, "abc") for _ in range(whole(r, 1, 3))] + one[whole(r, 0, 1) :]
            pair = {"chosen": " ".join(one), "rejected": "  ".join(other)}
            pairs.append({"prompt": f"p{whole(r, 0, 99)}", **pair})
        yield pairs, max_words


@maker
def ex03_fit_reward(r: random.Random) -> Iterator[tuple]:
    yield table(r, 13, 9, -4, 4, 2), table(r, 13, 9, -4, 4, 2), 7, 0.3
    yield table(r, 23, 3, -4, 4, 2), table(r, 23, 3, -4, 4, 2), 12, 0.7
    yield table(r, 6, 11, -4, 4, 2), table(r, 6, 11, -4, 4, 2), 9, 0.2


@maker
def ex03_calibration(r: random.Random) -> Iterator[tuple]:
    for M, k in ((44, 11), (39, 3)):
        predicted = sorted(range(1, 1000), key=lambda _: r.random())[:M]
        outcome = [float(r.random() < 0.6) for _ in range(M)]
        yield *doubles([x / 1000 for x in predicted], outcome), k


# ---- exercise 04 -------------------------------------------------------------------------------


@maker
def ex04_kl_bound(r: random.Random) -> Iterator[tuple]:
    for low, high in ((9, 20), (171, 300), (1_001, 9_999), (100_001, 999_999)):
        yield (whole(r, low, high),)


@maker
def ex04_best_of_n_distribution(r: random.Random) -> Iterator[tuple]:
    for K, n in ((13, 11), (17, 200), (11, 3)):
        weights = np.array(some(r, K, 0, 5, 1)) + (np.arange(K) == K - 1)
        yield weights / weights.sum(), np.array(some(r, K, -9, 5)), n


@maker
def ex04_exact_kl(r: random.Random) -> Iterator[tuple]:
    for K in (13, 17):
        before = np.array(some(r, K, 1, 29, 1))
        after = np.array([max(0.0, x) for x in some(r, K, -4, 11, 1)]) + (np.arange(K) == 0)
        before[-1] = after[-1] = 0.0
        yield after / after.sum(), before / before.sum()


@maker
def ex04_pick_reward_model(r: random.Random) -> Iterator[tuple]:
    for P, N, L in ((12, 11, 9), (23, 9, 11), (13, 4, 13), (11, 12, 10), (14, 9, 12), (9, 10, 9)):
        labels = whole(r, 2, 2 * L + 1)
        yield ranks(r, P, N), ranks(r, P, N), table(r, L, N, -12, 8), labels


def ranks(r: random.Random, P: int, N: int) -> torch.Tensor:
    """Scores without ties, (P, N), on a scale of their own."""
    start = whole(r, -20, 3)
    rows = [sorted(range(N), key=lambda _: r.random()) for _ in range(P)]
    return torch.tensor([[start + place / 2 for place in row] for row in rows])


@maker
def ex04_cautious(r: random.Random) -> Iterator[tuple]:
    for M, P, N, k in ((9, 5, 11, 0.7), (3, 11, 4, 2.5)):
        models = []
        for _ in range(M):
            scale = whole(r, 1, 5)
            models.append(scale * table(r, P, N, -6, 6) + table(r, P, 1, -9, 4, 1))
        models[1] = torch.full((P, N), 1.5)
        yield torch.stack(models).double(), k


# ---- exercise 05 -------------------------------------------------------------------------------


@maker
def ex05_best_and_control(r: random.Random) -> Iterator[tuple]:
    for P, N in ((11, 13), (23, 9)):
        yield table(r, P, N, -9, 2, 2), torch.tensor(some(r, P, 0, 4095, 4096))


@maker
def ex05_top_k_overall(r: random.Random) -> Iterator[tuple]:
    for P, N, k in ((11, 5, 23), (3, 12, 17), (13, 9, 117)):
        yield table(r, P, N, -9, 4, 2), k


@maker
def ex05_response_mask(r: random.Random) -> Iterator[tuple]:
    for B, T in ((11, 14), (3, 23)):
        total = [whole(r, 2, T) for _ in range(B)]
        prompt = [whole(r, 1, n) for n in total]
        ids = [[whole(r, 0, 9) for _ in range(T)] for _ in range(B)]
        yield torch.tensor(ids), torch.tensor(prompt), torch.tensor(total)


@maker
def ex05_sft_loss(r: random.Random) -> Iterator[tuple]:
    for B, T, V in ((5, 11, 13), (11, 4, 9)):
        logits = torch.stack([table(r, T, V, -12, 12) for _ in range(B)])
        ids = [[whole(r, 0, V - 1) for _ in range(T)] for _ in range(B)]
        mask = [[r.random() < 0.6 for _ in range(T - 1)] for _ in range(B)]
        mask[0][0] = True
        yield logits, torch.tensor(ids), torch.tensor(mask)


@maker
def ex05_pool_rounds(r: random.Random) -> Iterator[tuple]:
    for keep in ("all", "last"):
        rounds = []
        for _ in range(6):
            pairs = [(f"prompt {whole(r, 0, 5)}", f"reply {whole(r, 0, 3)}") for _ in range(11)]
            rounds.append(pairs)
        yield rounds, keep


# ---- exercise 06 -------------------------------------------------------------------------------


@maker
def ex06_verdict(r: random.Random) -> Iterator[tuple]:
    for _ in range(14):
        a, b = whole(r, 11, 9000), whole(r, 11, 9000)
        shapes = [f"{a}", f"{a:,}", f"${a:,}", f"-{a}", f"-${a:,}", f"{a}.0", f"{a}.50"]
        shapes += [f"{a}., I think", f"{a} + {b}", f"{a}e{b}", f"{a}E+{b}", f"{a}eggs", "", "none"]
        marks = " ".join(f"####{' ' * whole(r, 0, 3)}{one_of(r, shapes)}" for _ in range(3))
        reference = one_of(r, (f"{a}", f"{a}", f"{a}", f"-{a}", f"{a}.5"))
        yield f"<<{b}+{a}={a + b}>> so {a}. {marks}", reference


@maker
def ex06_pass_at_k(r: random.Random) -> Iterator[tuple]:
    for P, N, k in ((5, 13, 4), (3, 300, 180), (11, 9, 2), (13, 40, 11)):
        rows = [[float(r.random() < p / P) for _ in range(N)] for p in range(P)]
        yield torch.tensor(rows), k


@maker
def ex06_path_of(r: random.Random) -> Iterator[tuple]:
    for n in (11, 9):
        yield (" then ".join(_equation(r) for _ in range(n)) + f". #### {whole(r, 0, 999)}",)


def _equation(r: random.Random) -> str:
    numbers = []
    for _ in range(3):
        n = whole(r, 0, 10 ** whole(r, 1, 6))
        forms = (f"{n}", f"{n:,}", f"0{n}", f"{n}.0", f"{n:,}.{whole(r, 1, 99)}0", f"0.0{n}")
        numbers.append(one_of(r, (" ", "")) + one_of(r, forms) + one_of(r, (" ", "")))
    return f"<<{numbers[0]}{one_of(r, '+-*/')}{numbers[1]}={numbers[2]}>>"


@maker
def ex06_distinct_right(r: random.Random) -> Iterator[tuple]:
    for P, N in ((5, 13), (11, 9)):
        stock = [(), ("2+3=5",), ("3+2=5",), ("2+3=5", "5+1=6"), ("5+1=6", "2+3=5"), ("5+1=6",)]
        paths = [[one_of(r, stock) for _ in range(N)] for _ in range(P)]
        yield paths, torch.tensor([[float(r.random() < 0.6) for _ in range(N)] for _ in range(P)])


@maker
def ex06_decidable(r: random.Random) -> Iterator[tuple]:
    for P, N in ((23, 9), (11, 13)):
        limits = [one_of(r, (0.0, 0.1, 0.5, 0.9, 1.0)) for _ in range(P)]
        yield (torch.tensor([[float(r.random() < p) for _ in range(N)] for p in limits]),)


# ---- exercise 07 -------------------------------------------------------------------------------


@maker
def ex07_group_advantage(r: random.Random) -> Iterator[tuple]:
    for P, N in ((5, 11), (13, 9)):
        rewards = table(r, P, N, -15, 9)
        rewards[2] = rewards[2, 0]
        yield (rewards,)


@maker
def ex07_rloo_advantage(r: random.Random) -> Iterator[tuple]:
    for P, N in ((5, 13), (11, 9)):
        yield (table(r, P, N, -15, 9),)


@maker
def ex07_ppo_clip(r: random.Random) -> Iterator[tuple]:
    for R, T, clip in ((5, 11, 0.2), (13, 3, 0.35)):
        old = -table(r, R, T, 1, 40, 8).double()
        yield old + table(r, R, T, -24, 14, 8).double(), old, table(r, R, T, -9, 9).double(), clip


@maker
def ex07_dpo_loss(r: random.Random) -> Iterator[tuple]:
    for B, beta in ((13, 0.3), (11, 1.5)):
        yield *doubles(*(some(r, B, -99, -40) for _ in range(4))), beta


@maker
def ex07_break_even(r: random.Random) -> Iterator[tuple]:
    for _ in range(24):
        yield tuple(whole(r, 1, high) / 8 for high in (400_000, 320, 300))


# ---- exercise 08 -------------------------------------------------------------------------------


@maker
def ex08_split_prompts(r: random.Random) -> Iterator[tuple]:
    words = ["open it", "Open\tit ", "openit", "print", "PRINT", "print?", "save  the\nfile"]
    words += ["save the file", "send", "close", "Reset my  password", "reset my password"]
    for P, share in ((25, 0.375), (60, 0.25), (17, 0.75)):
        yield [one_of(r, words) + one_of(r, ("", "", " 1", " 2")) for _ in range(P)], share


@maker
def ex08_keep_aligned(r: random.Random) -> Iterator[tuple]:
    for P in (23, 11):
        prompts = [f"p{whole(r, 0, 6)}" for _ in range(P)]
        replies = [one_of(r, ("", "r1", "r2 ", " r3\n", "p1")) for _ in range(P)]
        yield prompts, replies, some(r, P, -9, 5, 2), whole(r, -5, 1) / 2


@maker
def ex08_training_ids(r: random.Random) -> Iterator[tuple]:
    for finished in (True, False):
        end = whole(r, 0, 4)
        prompt = [whole(r, 0, 12) for _ in range(13)]
        reply = [x for x in (whole(r, 0, 12) for _ in range(14)) if x != end]
        yield prompt, reply, end, finished


@maker
def ex08_honest_report(r: random.Random) -> Iterator[tuple]:
    for P, N in ((11, 13), (23, 9)):
        u = torch.tensor(some(r, P, 0, 63, 64))
        yield table(r, P, N, -9, 5, 2), table(r, P, N, -30, 20), u


@maker
def ex08_diagnose(r: random.Random) -> Iterator[tuple]:
    for _ in range(20):
        facts = {
            "train_in_test": one_of(r, (0.0,) * 9 + (0.003,)),
            "cut": one_of(r, (0.0, 0.01, 0.04, 0.049, 0.06)),
            "distinct": one_of(r, (0.34, 0.36, 0.5, 0.7, 0.8)),
            "proxy_change": whole(r, -4, 12) / 8,
            "gold_change": whole(r, -9, 17) / 8,
            "control_gold_change": whole(r, -9, 9) / 8,
        }
        yield (facts,)


# ---- exercise 09 -------------------------------------------------------------------------------


@maker
def ex09_training_gigabytes(r: random.Random) -> Iterator[tuple]:
    for trained, frozen in ((5, 3), (2, 11)):
        yield some(r, trained, 1, 700, 10), some(r, frozen, 1, 700, 10)


@maker
def ex09_forecast(r: random.Random) -> Iterator[tuple]:
    for K, M, t in ((11, 17.5, 2.228), (9, 300, 2.306), (2, 7, 12.706)):
        yield some(r, K, 1, 700, 8), M, t


@maker
def ex09_missing_parts(r: random.Random) -> Iterator[tuple]:
    for parts in (23, 40):
        done = {}
        for part in sorted(range(-2, parts + 5), key=lambda _: r.random())[: parts // 2]:
            done[part] = one_of(r, ([], "replies", 0.0, 0.5, None, ["a"]))
        yield parts, {**done, "policy": "w", "3": "old"}


@maker
def ex09_shards(r: random.Random) -> Iterator[tuple]:
    yield from ((101, 13), (whole(r, 900, 2999), 17), (11, whole(r, 12, 40)), (95, 12))


@maker
def ex09_trl_rows(r: random.Random) -> Iterator[tuple]:
    marks = ("", " ", "\n", "\n\n", "\t")
    for chat in (False, True):
        pairs = []
        for _ in range(13):
            prompt = f"{one_of(r, marks)}What is {whole(r, 0, 4)} plus 1?{one_of(r, marks)}"
            pairs.append((prompt, f"{one_of(r, marks)}{whole(r, 0, 6)}.{one_of(r, marks)}"))
        yield pairs + pairs[:2], chat
