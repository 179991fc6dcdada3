"""The arithmetic world's assets: a base policy that knows equations and short problems, and an SFT
policy that is far from perfect.

The base is pretrained in two phases: bare equations, with the loss on results alone, together with
the texts of problems; then, beside equations, problems of one or two steps with their solutions.
The SFT policy has seen one solution each of some longer problems, most of them written in a hurry:
its likeliest answer misreads, and the right ones are a minority of its samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

import numpy as np
import torch

from ..base import key_of, versions
from ..estimators import bootstrap_interval, pass_at_k
from ..methods import Checkpoint, Training, finetune, fingerprint, train
from ..models import (
    GoldReward,
    Policy,
    SelfCertainty,
    examples_of,
    load_policy,
    response_logits,
    sample,
    score,
)
from ..worlds import (
    EASY,
    LIMIT,
    SFT_PROBLEMS,
    SIZES,
    Arithmetic,
    Info,
    draw_problem,
    in_words,
    word_tokenizer,
    write_hurried_solution,
    write_solution,
)
from .parts import SEED, Parts, parameters_of, save_half, untrained

FULL = {
    "width": 128,
    "layers": 4,
    "equation_steps": 1500,
    "problem_steps": 3000,
    "sequences": 20000,
    "easy": 96000,
    "sft_problems": SFT_PROBLEMS,
    "sft_epochs": 10,
    "pool_prompts": 200,
    "pool_n": 64,
}
MINIATURE = {
    "width": 32,
    "layers": 1,
    "equation_steps": 4,
    "problem_steps": 4,
    "sequences": 64,
    "easy": 64,
    "sft_problems": 64,
    "sft_epochs": 1,
    "pool_prompts": 8,
    "pool_n": 4,
}
# (prompt ids, response ids)
Example = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Phase:
    """One phase of pretraining: how equations and other examples are mixed, and how it trains.

    A batch of rows gives its first ``equations_a_batch`` equations and, of the others, every
    ``others_every``-th. ``others_weight`` scales the loss of the others' tokens.
    """

    number: int
    steps: str  # which entry of the size
    equations_a_row: int
    equations_a_batch: int
    others_every: int
    others_weight: float
    batch_size: int
    lr: float


PHASES = (
    # equations, with the texts of problems at a lower weight
    Phase(1, "equation_steps", 12, 48, 4, 0.3, batch_size=48, lr=3e-3),
    # problems of one or two steps with their solutions, with some equations
    Phase(2, "problem_steps", 8, 16, 1, 1.0, batch_size=64, lr=2e-3),
)


def build(out: Path, size: dict = FULL, log: Callable[[str], None] = print) -> dict:
    """Build every arithmetic asset under ``out``/arithmetic. Returns the manifest."""
    world = Arithmetic()
    parts = Parts(out, "arithmetic", fingerprint([size, SEED, versions()]), log)
    parts.part("base", make_base, world, size, parts.folder)
    parts.part("policy", make_policy, world, size, parts.folder)
    for split in ("heldout", "templates"):
        parts.part(f"pools/{split}.npz", make_pool, world, size, parts.folder, split)
    return parts.done(size)


def make_base(world: Arithmetic, size: dict, folder: Path) -> dict:
    """Pretrain the base policy and save it in ``folder``/base. Returns facts."""
    policy = new_policy(world, size)
    folder.mkdir(parents=True, exist_ok=True)
    facts = {}
    for phase in PHASES:
        checkpoint = folder / f"phase{phase.number}.checkpoint"
        facts[f"phase_{phase.number}"] = pretrain(policy, world, size, phase, checkpoint)
    save_half(policy, folder / "base")
    return {"seed": SEED, "parameters": parameters_of(policy), **facts}


def make_policy(world: Arithmetic, size: dict, folder: Path) -> dict:
    """Fine-tune the base on a hurried solution each of some problems; save it in ``folder``/policy.

    See :func:`course_lib.worlds.write_hurried_solution`.
    """
    base = load_policy(folder / "base", device="cpu")
    prompts, infos = world.prompts("train", limit=size["sft_problems"], seed=0)
    solutions = hurried_solutions(infos)
    policy = finetune(
        base,
        list(zip(prompts, solutions, strict=True)),
        epochs=size["sft_epochs"],
        lr=2e-3,
        batch_size=64,
        seed=SEED,
    )
    save_half(policy, folder / "policy")
    return {"seed": SEED, "problems": len(prompts), "steps": len(policy.training_log.losses)}


def hurried_solutions(infos: Sequence[Info], seed: int = SEED) -> list[str]:
    """One solution of each problem, as it is written in a hurry."""
    rng = np.random.default_rng([seed, 3])
    return [write_hurried_solution(info["kind"], info["numbers"], rng) for info in infos]


def make_pool(world: Arithmetic, size: dict, folder: Path, split: str) -> dict:
    """Sample and verify the pool of a split; save it in ``folder``/pools. Returns facts."""
    policy = load_policy(folder / "policy", device="cpu")
    policy.source = "arithmetic/policy"
    prompts, infos = world.prompts(split, limit=size["pool_prompts"], seed=0)
    pool = sample(
        policy, prompts, n=size["pool_n"], max_tokens=world.max_tokens, info=infos, seed=201
    )
    pool = score(pool, GoldReward(world, name="verifier"))
    pool = score(pool, SelfCertainty(policy))
    pool.light().save(folder / "pools" / f"{split}.npz")
    facts = {"seed": 201, "prompts": pool.P, "n": pool.N}
    ks = [k for k in (1, 4, 16, 64) if k <= pool.N]
    curve = pass_at_k(pool.rewards["verifier"], ks)  # (P, len(ks))
    for k, column in zip(ks, curve.T, strict=True):
        facts[f"pass_at_{k}"] = str(bootstrap_interval(column))
    return facts


def new_policy(world: Arithmetic, size: dict, seed: int = SEED) -> Policy:
    """An untrained Llama with a word for every number from 0 to LIMIT."""
    rows = [row for split in SIZES for row in world.problems(split)]
    easy = [wording for kind in EASY.values() for wording in kind.wordings]
    numbers = " ".join(str(value) for value in range(LIMIT + 1))
    texts = [
        *(row["question"] for row in rows),
        *(row["solution"] for row in rows),
        *easy_texts(easy),
        f"{numbers} + - * / = << >> #### First then Start with next",
    ]
    tokenizer = word_tokenizer(texts, marks=".,?")
    return untrained(tokenizer, size, "arithmetic/base", seed)


def easy_texts(wordings: Sequence[str]) -> list[str]:
    """The wordings with every placeholder taken out, for their words."""
    return ["".join(text for text, *_ in Formatter().parse(wording)) for wording in wordings]


def draw_equation(rng: np.random.Generator) -> str:
    """A random true equation with numbers of at most LIMIT, as text.

    40 % sums, 30 % differences, 20 % products, 10 % quotients.
    """
    operation = "+-*/"[rng.choice(4, p=[0.4, 0.3, 0.2, 0.1])]
    if operation == "+":
        c = int(rng.integers(2, LIMIT + 1))
        a = int(rng.integers(0, c + 1))
        return f"<< {a} + {c - a} = {c} >>"
    if operation == "-":
        a = int(rng.integers(1, LIMIT + 1))
        b = int(rng.integers(0, a + 1))
        return f"<< {a} - {b} = {a - b} >>"
    m = int(rng.integers(2, 8))
    k = int(rng.integers(1, LIMIT // m + 1))
    if operation == "/":
        return f"<< {m * k} / {m} = {k} >>"
    a, b = (m, k) if rng.random() < 0.5 else (k, m)
    return f"<< {a} * {b} = {m * k} >>"


def equation_examples(
    policy: Policy, rng: np.random.Generator, count: int, a_row: int
) -> list[Example]:
    """``count`` examples of ``a_row`` equations each; the first token is the prompt."""
    texts = [" ".join(draw_equation(rng) for _ in range(a_row)) for _ in range(count)]
    rows = policy.tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [(row[:1], row[1:]) for row in rows]


def problem_texts(policy: Policy, world: Arithmetic) -> list[Example]:
    """The questions of the training split, without their solutions."""
    user = policy.tokenizer.convert_tokens_to_ids("<|user|>")
    texts = [problem["question"] for problem in world.problems("train")]
    rows = policy.tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [([user], row) for row in rows]


def easy_problems(policy: Policy, rng: np.random.Generator, count: int) -> list[Example]:
    """``count`` problems of one or two steps with their solutions."""
    # one list after the other: the order of the draws is part of the assets
    drawn = [draw_problem(rng, EASY) for _ in range(count)]
    questions = []
    for kind, numbers, _ in drawn:
        wording = int(rng.integers(len(EASY[kind].wordings)))
        questions.append(in_words(kind, numbers, rng, wording, EASY))
    solutions = [write_solution(expression, rng) for _, _, expression in drawn]
    return examples_of(policy, questions, solutions)


def previous_tokens(examples: Sequence[Example]) -> torch.Tensor:
    """(T,) the token before each response token of all examples, end to end."""
    return torch.tensor([token for p, r in examples for token in (p[-1], *r[:-1])])


def pretrain(
    policy: Policy,
    world: Arithmetic,
    size: dict,
    phase: Phase,
    checkpoint: Path | None = None,
    seed: int = SEED,
) -> dict:
    """One phase of pretraining, in place. Returns facts.

    Of an equation only the results count, of other examples every token, by the phase's weight.
    """
    rng = np.random.default_rng([seed, phase.number])
    equals = policy.tokenizer.convert_tokens_to_ids("▁=")
    equations = equation_examples(policy, rng, size["sequences"], phase.equations_a_row)
    if phase.number == 1:
        others = problem_texts(policy, world)
        count = len(equations)
    else:
        others = easy_problems(policy, rng, size["easy"])
        count = len(others)
    steps = size[phase.steps]

    def loss_of(rows: Sequence[int]) -> tuple[torch.Tensor, int]:
        """(summed loss in nats, number of tokens that count) of a batch."""
        mine = [equations[i % len(equations)] for i in rows[: phase.equations_a_batch]]
        examples = mine + [others[i % len(others)] for i in rows[:: phase.others_every]]
        logits, targets, row = response_logits(policy, examples)  # (T, V), (T,), (T,)
        is_other = row >= len(mine)
        keep = is_other | (previous_tokens(examples) == equals)
        loss = torch.nn.functional.cross_entropy(
            logits[keep].float(), targets[keep], reduction="none"
        )
        weight = torch.where(is_other[keep], phase.others_weight, 1.0)
        return (loss * weight).sum(), int(keep.sum())

    settings = Training(
        epochs=steps * phase.batch_size / count,
        lr=phase.lr,
        batch_size=phase.batch_size,
        seed=seed,
    )
    kept = None
    if checkpoint is not None:
        key = [policy, key_of(phase), key_of(settings), count]
        kept = Checkpoint(checkpoint, fingerprint(key))
    label = f"pretraining, phase {phase.number}"
    log = train(policy.model, loss_of, count, settings, checkpoint=kept, label=label)
    return {
        "steps": len(log.losses),
        "last_loss": round(float(np.mean(log.losses[-20:])), 3),
        "equations_right": round(equations_right(policy), 4),
    }


def equations_right(policy: Policy, count: int = 1200, seed: int = 99) -> float:
    """Share of random equations whose result is the most likely next token."""
    rng = np.random.default_rng(seed)
    examples = equation_examples(policy, rng, count // 8, 8)
    with torch.inference_mode():
        logits, targets, _ = response_logits(policy, examples)  # (T, V), (T,)
    is_result = previous_tokens(examples) == policy.tokenizer.convert_tokens_to_ids("▁=")
    right = logits[is_result].argmax(-1) == targets[is_result]
    return float(right.float().mean())
