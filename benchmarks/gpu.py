"""What fits on a GPU: a model with the shape of Qwen3-0.6B, random weights, bfloat16: sampling, and
one step of SFT, GRPO and PPO.

    python benchmarks/gpu.py [--quick] [--json] [--tiny]

It needs a CUDA GPU; --tiny runs the same lines on a small shape, on any machine.

Random weights say nothing of quality, but speed and memory are those of the real thing. Weights
being trained are float32 with mixed-precision arithmetic, the reference is bfloat16. Peak memory is
what tensors took, to be held against the 15 GB of a T4.
"""

import sys

from common import finish, options, seconds

parser = options(__doc__)
parser.add_argument(
    "--tiny", action="store_true", help="a small shape, to try the lines without a GPU"
)
args = parser.parse_args()

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from course_lib import finetune, sample
from course_lib.base import Account, flops_per_token, versions
from course_lib.experiments import layout
from course_lib.methods import grpo, ppo
from course_lib.models import FunctionReward, Policy, byte_tokenizer, device_of

device = device_of()
if device.type != "cuda" and not args.tiny:
    sys.exit(
        "no CUDA GPU here, so there is nothing to measure. --tiny tries the same lines on a "
        "small shape."
    )
text = (
    "A shop sells pens for 3 coins each and boxes for 12 coins each. How many coins do 4 pens "
    "and 2 boxes cost? " * 2
)
tokenizer = byte_tokenizer([text], 400)
shape = (
    dict(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        vocab_size=2048,
    )
    if args.tiny
    else dict(
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151936,
    )
)
torch.manual_seed(0)
dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
with torch.device(device):
    model = (
        Qwen3ForCausalLM(
            Qwen3Config(
                **shape,
                tie_word_embeddings=True,
                max_position_embeddings=4096,
                bos_token_id=None,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        .to(dtype)
        .eval()
    )
policy = Policy(model, tokenizer, source="Qwen3-0.6B's shape, random weights")
P, N, T = (2, 4, 8) if args.tiny else (8, 8, 128) if args.quick else (8, 32, 256)
prompts, rows = [f"{i} {text}" for i in range(P)], []
reward = FunctionReward(lambda prompt, text, info: float(len(text) % 7), "length")
half = dtype if device.type == "cuda" else None


def measure(name, function, replies=0):
    with Account() as account:
        t, value = seconds(function)
    rows.append(
        {
            "step": name,
            "seconds": t,
            "peak_gb": account.peak_bytes / 2**30,
            "tokens_sampled": account.tokens_sampled,
            "tokens_trained": account.tokens_trained,
            "flops": account.flops,
            "tokens_per_second": (account.tokens_sampled or account.tokens_trained) / t,
            "samples_per_second": replies / t,
        }
    )
    return value


sample(policy, prompts[:1], n=2, max_tokens=8)  # the first kernels take long to load
pool = measure(
    f"sample {P} × {N}, {T} tokens",
    lambda: sample(policy, prompts, n=N, max_tokens=T, memory_mb=8000),
    P * N,
)
pairs = [(p, row[0]) for p, row in zip(pool.prompts, pool.texts, strict=True)]
measure(
    f"SFT, one step of {len(pairs)}",
    lambda: finetune(
        policy, pairs, epochs=1, batch_size=len(pairs), lr=1e-6, dtype=half, accumulate=2
    ),
)
measure(
    f"GRPO, one step of {P} × 4",
    lambda: grpo(
        policy,
        prompts,
        reward,
        steps=1,
        prompts_per_step=P,
        n=4,
        lr=1e-6,
        max_tokens=T,
        accumulate=4 * P // 2,
        dtype=half,
    ),
    P * 4,
)
measure(
    f"PPO, one step of {P} × 4",
    lambda: ppo(
        policy,
        prompts,
        reward,
        steps=1,
        prompts_per_step=P,
        n=4,
        lr=1e-6,
        max_tokens=T,
        accumulate=4 * P // 2,
        updates=1,
        dtype=half,
    ),
    P * 4,
)
lines = [
    f"{torch.cuda.get_device_name(0) if device.type == 'cuda' else 'CPU'}, "
    f"{sum(p.numel() for p in model.parameters()):,} parameters, {flops_per_token(model):.2e} "
    f"FLOPs a token, {dtype}"
]
lines += layout(
    [
        ["", "seconds", "peak GB", "tokens/s", "samples/s", "TFLOP/s"],
        *[
            [
                r["step"],
                f"{r['seconds']:.2f}",
                f"{r['peak_gb']:.1f}",
                f"{r['tokens_per_second']:,.0f}",
                f"{r['samples_per_second']:.1f}",
                f"{r['flops'] / r['seconds'] / 1e12:.2f}",
            ]
            for r in rows
        ],
    ]
)
finish(
    args,
    {
        "ratios": {},
        "aims": {},
        "rows": rows,
        "device": str(device),
        "tiny": args.tiny,
        "versions": versions(),
    },
    lines,
)
