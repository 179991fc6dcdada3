"""Tokens per second of `sample` against `generate` and against the machine's matrix products, in
the same run.

    python benchmarks/sampling.py [--quick] [--json]

`generate` is tried in two ways, the usual ones: all prompts padded into one batch with
num_return_sequences=N (in batches small enough not to thrash), and one prompt at a time. All sample
at temperature 1 from the same policy, up to 96 tokens. Ratios come from runs that alternate, so
that a machine whose speed drifts treats both alike.
"""

import statistics
from functools import partial

from common import best_of, finish, in_a_fresh_process, matrix_product_limit, options, peak_mb

parser = options(__doc__)
parser.add_argument(
    "--memory-of",
    type=int,
    metavar="N",
    help="(internal) sample N per prompt and print peak memory",
)
args = parser.parse_args()

import torch

from course_lib import assets, load_policy, sample
from course_lib.base import flops_per_token, versions
from course_lib.worlds import Helpdesk

policy = load_policy(assets.path("helpdesk/policy"), device="cpu")
PROMPTS, _ = Helpdesk().prompts("heldout", limit=32)
MAX_TOKENS = 96


def ours(n, prompts=PROMPTS):
    return int(sample(policy, prompts, n=n, max_tokens=MAX_TOKENS).lengths.sum())


def batched_generate(n, prompts=PROMPTS, rows=512):
    """`generate` on padded batches of at most ``rows`` sequences.

    Counts tokens up to and including the end token.
    """
    tokenizer = policy.tokenizer
    total = 0
    each = max(1, rows // n)
    for start in range(0, len(prompts), each):
        batch = tokenizer(
            policy.render(prompts[start : start + each]),
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
        )
        with torch.inference_mode():
            out = policy.model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                do_sample=True,
                top_k=0,
                top_p=1.0,
                temperature=1.0,
                num_return_sequences=n,
                max_new_tokens=MAX_TOKENS,
                pad_token_id=tokenizer.pad_token_id,
            )
        total += count(out[:, batch["input_ids"].shape[1] :])
    return total


def count(rows):
    done = torch.isin(rows, torch.tensor(policy.stop_ids))
    return int(((done.cumsum(1) - done.int()) == 0).sum())


def one_at_a_time(n):
    return sum(batched_generate(n, [p]) for p in PROMPTS)


if args.memory_of:
    ours(4)  # warm up: libraries and thread pools are not what is measured
    ours(args.memory_of)
    print(f'{{"peak_mb": {peak_mb():.1f}}}')
    raise SystemExit

sizes = [64] if args.quick else [4, 16, 64, 256]
ours(4), batched_generate(4)
limit, gflops = matrix_product_limit(flops_per_token(policy.model))
table, ratios = {}, {}
for n in sizes:
    rounds = 1 if args.quick else 2 if n == 256 else 5 if n == 64 else 3
    rates = {"sample": [], "generate": [], "one prompt at a time": [], "limit": []}
    for _ in range(rounds):
        for name, function in (
            ("sample", ours),
            ("generate", batched_generate),
            ("one prompt at a time", one_at_a_time),
        ):
            t, tokens = best_of(partial(function, n), 2 if name == "sample" else 1)
            rates[name].append(tokens / t)
        rates["limit"].append(matrix_product_limit(flops_per_token(policy.model))[0])
    table[n] = {name: statistics.median(r) for name, r in rates.items() if r}
    fastest = [
        max(g, o) for g, o in zip(rates["generate"], rates["one prompt at a time"], strict=True)
    ]
    ratios[f"sample / fastest generate, N={n}"] = statistics.median(
        s / g for s, g in zip(rates["sample"], fastest, strict=True)
    )
    ratios[f"sample / matrix-product limit, N={n}"] = statistics.median(
        s / g for s, g in zip(rates["sample"], rates["limit"], strict=True)
    )
memory = {
    n: in_a_fresh_process(["--memory-of", str(n)])["peak_mb"]
    for n in ((64, 256) if args.quick else (64, 1024))
}
small, large = sorted(memory)
ratios[f"peak memory, N={large} / N={small}"] = memory[large] / memory[small]
aims = {
    "sample / fastest generate, N=64": 5.0,
    "sample / matrix-product limit, N=64": 0.25,
    f"peak memory, N={large} / N={small}": 1.3,
}
lines = [
    f"{len(PROMPTS)} prompts, {sum(p.numel() for p in policy.model.parameters()):,} "
    f"parameters, {torch.get_num_threads()} threads, matrix products {gflops:.0f} GFLOP/s = "
    f"{limit:,.0f} tokens/s",
    f"{'N':>5}  "
    + "  ".join(f"{name:>20}" for name in ("sample", "generate", "one prompt at a time", "limit"))
    + "   (tokens per second)",
]
lines += [
    f"{n:5}  "
    + "  ".join(
        f"{row.get(name, float('nan')):20,.0f}"
        for name in ("sample", "generate", "one prompt at a time", "limit")
    )
    for n, row in table.items()
]
lines.append("peak memory (MB): " + ", ".join(f"N={n}: {m:.0f}" for n, m in memory.items()))
finish(
    args,
    {
        "ratios": ratios,
        "aims": aims,
        "at_most": [f"peak memory, N={large} / N={small}"],
        "tokens_per_second": table,
        "peak_mb": memory,
        "gflops": gflops,
        "threads": torch.get_num_threads(),
        "versions": versions(),
    },
    lines,
)
