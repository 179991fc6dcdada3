"""The arithmetic world's assets: a base policy that knows equations and short problems, and an SFT
policy that is far from perfect.

The base is pretrained in two phases: bare equations, with the loss on results alone, together with
the texts of problems; then, beside equations, problems of one or two steps with their solutions.
The SFT policy has seen one solution each of some longer problems.
"""

import numpy as np
import torch

from ..base import versions
from ..estimators import bootstrap_interval, pass_at_k
from ..methods import Checkpoint, finetune, fingerprint, train
from ..models import GoldReward, Policy, examples_of, load_policy, response_logits, sample, score
from ..worlds import (
    EASY,
    LIMIT,
    SFT_PROBLEMS,
    SIZES,
    Arithmetic,
    draw_problem,
    in_words,
    word_tokenizer,
    write_solution,
)
from .parts import SEED, Parts, save_half

FULL = {
    "width": 128,
    "layers": 4,
    "equation_steps": 1500,
    "problem_steps": 3000,
    "sequences": 20000,
    "easy": 96000,
    "sft_problems": SFT_PROBLEMS,
    "sft_epochs": 20,
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


def draw_equation(rng):
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


def new_policy(world, size, seed=SEED):
    """An untrained Llama with a word for every number from 0 to LIMIT."""
    from transformers import LlamaConfig, LlamaForCausalLM

    rows = [row for split in SIZES for row in world.problems(split)]
    easy = [wording for _, _, wordings in EASY.values() for wording in wordings]
    symbols = (
        " ".join(str(v) for v in range(LIMIT + 1))
        + " + - * / = << >> #### First then Start with next"
    )
    tokenizer = word_tokenizer(
        [
            *(row["question"] for row in rows),
            *(row["solution"] for row in rows),
            *(w for w in easy_texts(easy)),
            symbols,
        ],
        marks=".,?",
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size["width"],
        intermediate_size=3 * size["width"],
        num_hidden_layers=size["layers"],
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    return Policy(LlamaForCausalLM(config), tokenizer, source="arithmetic/base")


def easy_texts(wordings):
    """The wordings with every placeholder taken out, for their words."""
    from string import Formatter

    return ["".join(text for text, *_ in Formatter().parse(w)) for w in wordings]


def pretrain(policy, world, size, phase, checkpoint=None, seed=SEED):
    """One phase of pretraining, in place. Phase 1: equations and problem texts.

    Phase 2: equations and problems of one or two steps. Returns facts.
    """
    rng = np.random.default_rng([seed, phase])
    tokenizer, first = policy.tokenizer, phase == 1
    equals = tokenizer.convert_tokens_to_ids("▁=")
    rows = tokenizer(
        [
            " ".join(draw_equation(rng) for _ in range(12 if first else 8))
            for _ in range(size["sequences"])
        ],
        add_special_tokens=False,
    )["input_ids"]
    equations = [(row[:1], row[1:]) for row in rows]
    if first:
        user = tokenizer.convert_tokens_to_ids("<|user|>")
        others = [
            ([user], row)
            for row in tokenizer(
                [p["question"] for p in world.problems("train")], add_special_tokens=False
            )["input_ids"]
        ]
    else:
        drawn = [draw_problem(rng, EASY) for _ in range(size["easy"])]
        others = examples_of(
            policy,
            [
                in_words(kind, numbers, rng, int(rng.integers(len(EASY[kind][2]))), EASY)
                for kind, numbers, _ in drawn
            ],
            [write_solution(expression, rng) for _, _, expression in drawn],
        )
    count, steps = (
        (len(equations), size["equation_steps"]) if first else (len(others), size["problem_steps"])
    )
    batch = 48 if first else 64

    def loss_of(rows):
        """Results of equations count fully.

        The text of problems at 0.3 (phase 1) and solutions fully (phase 2).
        """
        short = rows[:16] if not first else rows
        examples = [equations[i % len(equations)] for i in short] + [
            others[i % len(others)] for i in (rows[::4] if first else rows)
        ]
        logits, targets, row = response_logits(policy, examples)
        before = torch.tensor([t for p, r in examples for t in (p[-1], *r[:-1])])
        keep = (row >= len(short)) | (before == equals)
        loss = torch.nn.functional.cross_entropy(
            logits[keep].float(), targets[keep], reduction="none"
        )
        weight = torch.where(row[keep] >= len(short), 0.3 if first else 1.0, 1.0)
        return (loss * weight).sum(), int(keep.sum())

    key = [policy, size, phase, seed]
    log = train(
        policy.model,
        loss_of,
        count,
        epochs=steps * batch / count,
        lr=3e-3 if first else 2e-3,
        batch_size=batch,
        seed=seed,
        checkpoint=None if checkpoint is None else Checkpoint(checkpoint, fingerprint(key)),
        label=f"pretraining, phase {phase}",
    )
    return {
        "steps": len(log.losses),
        "last_loss": round(float(np.mean(log.losses[-20:])), 3),
        "equations_right": round(equations_right(policy), 4),
    }


def equations_right(policy, count=1200, seed=99):
    """Share of random equations whose result is the most likely next token."""
    rng = np.random.default_rng(seed)
    rows = policy.tokenizer(
        [" ".join(draw_equation(rng) for _ in range(8)) for _ in range(count // 8)],
        add_special_tokens=False,
    )["input_ids"]
    examples = [(row[:1], row[1:]) for row in rows]
    with torch.inference_mode():
        logits, targets, _ = response_logits(policy, examples)
    before = torch.tensor([t for p, r in examples for t in (p[-1], *r[:-1])])
    keep = before == policy.tokenizer.convert_tokens_to_ids("▁=")
    return float((logits[keep].argmax(-1) == targets[keep]).float().mean())


def build(out, size=FULL, log=print):
    """Build every arithmetic asset under ``out``/arithmetic. Returns the manifest."""
    world = Arithmetic()
    parts = Parts(out, "arithmetic", fingerprint([size, SEED, versions()]), log)
    folder, part = parts.folder, parts.part

    def make_base():
        policy = new_policy(world, size)
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            f"phase_{phase}": pretrain(
                policy, world, size, phase, folder / f"phase{phase}.checkpoint"
            )
            for phase in (1, 2)
        }
        save_half(policy, folder / "base")
        return {
            "seed": SEED,
            "parameters": sum(p.numel() for p in policy.model.parameters()),
            **facts,
        }

    def make_policy():
        base = load_policy(folder / "base", device="cpu")
        prompts, infos = world.prompts("train", limit=size["sft_problems"], seed=0)
        policy = finetune(
            base,
            list(zip(prompts, [i["solution"] for i in infos], strict=True)),
            epochs=size["sft_epochs"],
            lr=2e-3,
            batch_size=64,
            seed=SEED,
        )
        save_half(policy, folder / "policy")
        return {"seed": SEED, "problems": len(prompts), "steps": len(policy.training_log.losses)}

    def make_pool(split):
        policy = load_policy(folder / "policy", device="cpu")
        policy.source = "arithmetic/policy"
        prompts, infos = world.prompts(split, limit=size["pool_prompts"], seed=0)
        pool = score(
            sample(
                policy, prompts, n=size["pool_n"], max_tokens=world.max_tokens, info=infos, seed=201
            ),
            GoldReward(world, name="verifier"),
        )
        pool.light().save(folder / "pools" / f"{split}.npz")
        curve = pass_at_k(
            pool.rewards["verifier"], ks := [k for k in (1, 4, 16, 64) if k <= pool.N]
        )
        return {
            "seed": 201,
            "prompts": pool.P,
            "n": pool.N,
            **{
                f"pass_at_{k}": str(bootstrap_interval(column))
                for k, column in zip(ks, curve.T, strict=True)
            },
        }

    part("base", make_base)
    part("policy", make_policy)
    for split in ("heldout", "templates"):
        part(f"pools/{split}.npz", lambda split=split: make_pool(split))
    return parts.done(size)
