"""What a GPU gives: sampling against its peers and against the bytes that must move, training
against `Trainer` and against the machine's own matrix products.

    python benchmarks/gpu.py [--quick] [--only PARTS] [--out FILE] [--profile] [--model FOLDER]
    python benchmarks/gpu.py --tiny

It needs a CUDA GPU; --tiny runs the same lines on small shapes, on any machine.

Weights are random, in the shapes of Qwen3-0.6B and Gemma 3 270M, unless --model gives a folder:
that says nothing of quality, but speed and memory are those of the real thing. Each row is written
to --out as a JSON line as soon as it is known; a row that fails is kept with its error, and the
rest goes on. docs/gpu.md says what each number means.
"""

import gc
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from common import Rows, finish, options, quiet_peers

PARTS = ("machine", "sampling", "training", "online", "float16")
BUDGET = {"whole": 235, "quick": 48, "tiny": 100}  # seconds
GIB_OF_A_T4 = 14.7  # of 15.8 GB, what torch sees
AIMS = {
    "sample / faster peer": 1.5,
    "sample / byte limit": 0.25,
    "SFT / matrix-product rate": 0.25,
    "SFT / Trainer": 1.0,
}


def arguments(given: Sequence[str] | None = None) -> Any:
    """The options of this benchmark."""
    parser = options(__doc__)
    parser.add_argument("--tiny", action="store_true", help="small shapes, on any machine")
    parser.add_argument("--only", default=",".join(PARTS), help="parts: " + ", ".join(PARTS))
    parser.add_argument("--out", help="a file for the rows, a JSON line each")
    parser.add_argument("--budget", type=float, help="seconds of the whole")
    parser.add_argument("--profile", action="store_true", help="a decoding step by kernels")
    parser.add_argument("--model", help="a folder with real weights to sample from, too")
    args = parser.parse_args(given)
    unknown = set(args.only.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"--only: no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return args


if __name__ == "__main__":
    asked = arguments()

import torch
from limits import (
    FORMULA,
    as_small_as,
    copy_bandwidth,
    decode_limit,
    product_rate,
    synchronize,
    training_flops,
    weight_bytes,
)
from peers import generate, generate_batch, trainer_seconds

from course_lib import finetune, sample
from course_lib.base import Account, Hooks, versions
from course_lib.methods import grpo, ppo, selected_examples
from course_lib.models import FunctionReward, Policy, byte_tokenizer, device_of, load_policy
from course_lib.pools import Pool, Provenance, Selection

TEXT = (
    "A shop sells pens for 3 coins each and boxes for 12 coins each. How many coins do 4 pens "
    "and 2 boxes cost? Think of the pens first and of the boxes then."
)
QWEN = dict(
    hidden_size=1024,
    intermediate_size=3072,
    num_hidden_layers=28,
    num_attention_heads=16,
    num_key_value_heads=8,
    head_dim=128,
    vocab_size=151_936,
)
GEMMA = dict(
    hidden_size=640,
    intermediate_size=2048,
    num_hidden_layers=18,
    num_attention_heads=4,
    num_key_value_heads=1,
    head_dim=256,
    vocab_size=262_144,
    sliding_window=512,
    query_pre_attn_scalar=256,
)
TINY = dict(
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    vocab_size=2048,
)
EVERY = 6  # of Gemma's layers, the one that sees all


@dataclass(frozen=True)
class Sizes:
    """How much of everything is run."""

    prompts: int = 16
    candidates: tuple[int, ...] = (64, 16)
    tokens: int = 256
    batches: tuple[int, ...] = (256, 512, 1024)  # rows of a `generate`
    waves: tuple[int, ...] = (64, 256)  # requests of a `generate_batch` at once
    shapes: tuple[str, ...] = ("qwen", "gemma")
    replies: int = 128
    reply_tokens: int = 512
    batch: int = 32
    accumulate: int = 4
    online_tokens: int = 128
    row_limit: float = 60  # seconds


SIZES = {
    "whole": Sizes(),
    "quick": Sizes(
        candidates=(64,),
        tokens=128,
        batches=(256,),
        waves=(64,),
        shapes=("qwen",),
        replies=96,
        row_limit=15,
    ),
    "tiny": Sizes(
        prompts=2,
        candidates=(4, 2),
        tokens=8,
        batches=(4, 8),
        waves=(4,),
        replies=8,
        reply_tokens=12,
        batch=4,
        accumulate=2,
        online_tokens=6,
        row_limit=30,
    ),
}


# ---- models ------------------------------------------------------------------------------------


def new_model(kind: str, tiny: bool, device: torch.device, dtype: torch.dtype) -> Any:
    """A causal model of a known shape with random weights; "qwen" or "gemma"."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, Qwen3Config, Qwen3ForCausalLM

    general = dict(
        tie_word_embeddings=True,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=None,  # no reply ends early, whoever writes it
        pad_token_id=0,
    )
    config: Any
    if kind == "qwen":
        config = Qwen3Config(**(TINY if tiny else QWEN), **general)
    else:
        small = {**TINY, "num_key_value_heads": 1, "sliding_window": 16}
        shape = {**GEMMA, **small} if tiny else GEMMA
        layers = range(1, shape["num_hidden_layers"] + 1)
        every = 2 if tiny else EVERY
        kinds = ["full_attention" if k % every == 0 else "sliding_attention" for k in layers]
        config = Gemma3TextConfig(**shape, layer_types=kinds, **general)
    torch.manual_seed(0)
    with torch.device(device):
        model = (Qwen3ForCausalLM if kind == "qwen" else Gemma3ForCausalLM)(config)
    return model.to(dtype).eval()


def policies(
    sizes: Sizes, args: Any, device: torch.device, dtype: torch.dtype
) -> list[tuple[str, Callable[[], Policy]]]:
    """(name, a function that makes the policy) of every model to sample from."""
    tokenizer = byte_tokenizer([TEXT], 300)

    def random(kind: str) -> Callable[[], Policy]:
        return lambda: Policy(
            new_model(kind, args.tiny, device, dtype), tokenizer, template="plain", source=kind
        )

    made = [(kind, random(kind)) for kind in sizes.shapes]
    if args.model:
        own = partial(load_policy, args.model, device=device, dtype=dtype, template="plain")
        made.insert(0, ("folder", own))
    return made


def endless(policy: Policy) -> Policy:
    """The same policy, whose replies never end by themselves: every peer writes as many tokens."""
    import copy

    policy.model.generation_config.eos_token_id = None
    tokenizer = copy.deepcopy(policy.tokenizer)
    tokenizer.eos_token = None
    return replace(policy, tokenizer=tokenizer)


def emptied() -> None:
    """Give back what no name holds, and forget the peak."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gb() -> float | None:
    """The most that tensors took on the GPU; None without one."""
    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else None


def timed(function: Callable[[], int], device: torch.device) -> dict[str, Any]:
    """Tokens a second of ``function``, which returns how many tokens it wrote."""
    emptied()
    synchronize(device)
    started = time.perf_counter()
    tokens = function()
    synchronize(device)
    seconds = time.perf_counter() - started
    return {
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_second": tokens / seconds,
        "peak_gb": peak_gb(),
    }


# ---- the machine -------------------------------------------------------------------------------


def machine(rows: Rows, device: torch.device, tiny: bool) -> dict[str, float]:
    """What this machine does in one operation: copies and matrix products."""
    size, width, repeats = (2**22, 256, 2) if tiny else (2**30, 8192, 20)
    half = {"bfloat16": torch.bfloat16, "float16": torch.float16}

    def measured() -> dict[str, float]:
        found = {"copy": copy_bandwidth(device, size, repeats)}
        for name, dtype in half.items():
            found[name] = product_rate(device, dtype, width, repeats)
        return found

    row = rows.attempt(
        measured,
        row="machine",
        unit="bytes/s read and written, and operations/s",
        device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
    )
    return {name: row.get(name, math.nan) for name in ("copy", *half)}


# ---- sampling ----------------------------------------------------------------------------------


def sampling(rows: Rows, name: str, make: Callable[[], Policy], run: "Run") -> None:
    """`sample` against its peers and against the byte limit, for one model."""
    sizes, device = run.sizes, run.device
    policy = endless(make())
    prompts = [f"{i}. {TEXT}" for i in range(sizes.prompts)]
    ids = policy.encode(prompts)
    lengths = [len(one) for one in ids]
    about = {"row": "sampling", "model": name, "dtype": str(policy.model.dtype).split(".")[1]}
    rows.add(
        **about,
        who="shape",
        parameters=sum(p.numel() for p in policy.model.parameters()),
        weight_bytes=weight_bytes(policy.model),
        prompt_tokens=sum(lengths) / len(lengths),
        tokens=sizes.tokens,
    )
    ours = {}
    for n in sizes.candidates:

        def drawn(n: int = n) -> int:
            sample(policy, prompts, n=n, max_tokens=min(8, sizes.tokens))  # loads the kernels
            return 0

        def whole(n: int = n) -> int:
            return int(sample(policy, prompts, n=n, max_tokens=sizes.tokens).lengths.sum())

        rows.attempt(lambda d=drawn: {"warm_up": d()}, sizes.row_limit, **about, who="warm", n=n)
        ours[n] = rows.attempt(
            lambda w=whole: timed(w, device), sizes.row_limit, **about, who="sample", n=n
        )
    if run.args.profile:
        step = partial(profiled, policy, prompts, run)
        rows.attempt(step, sizes.row_limit, **about, who="profile")
    generated = rates_of_generate(rows, policy, ids, about, run)
    batched = rates_of_generate_batch(rows, policy, ids, about, run)
    for n in sizes.candidates:
        compare(rows, about, n, ours[n], {**generated, **batched}, policy, lengths, run)


def rates_of_generate(
    rows: Rows, policy: Policy, ids: Sequence[Sequence[int]], about: dict, run: "Run"
) -> dict[tuple[str, int], float]:
    """Tokens a second of `generate` by rows at once, until more rows make it slower.

    All batches of a run are alike, so that one batch gives the rate of all.
    """
    found: dict[tuple[str, int], float] = {}
    P = len(ids)
    for batch in run.sizes.batches:
        n = max(1, batch // P)
        if n > max(run.sizes.candidates):
            break

        def one(n: int = n) -> dict[str, Any]:
            generate(policy.model, ids, n, 4, policy.pad_id)
            return timed(
                lambda: generate(policy.model, ids, n, run.sizes.tokens, policy.pad_id), run.device
            )

        row = rows.attempt(one, run.sizes.row_limit, **about, who="generate", batch=P * n)
        rate = row.get("tokens_per_second")
        if rate is None or rate < max(found.values(), default=0):
            break
        found["generate", P * n] = rate
    return found


def rates_of_generate_batch(
    rows: Rows, policy: Policy, ids: Sequence[Sequence[int]], about: dict, run: "Run"
) -> dict[tuple[str, int], float]:
    """The same of continuous batching, by requests at once."""
    found: dict[tuple[str, int], float] = {}
    P = len(ids)
    attention = policy.model.config._attn_implementation
    # first with the memory it takes by itself, then with what the requests need
    tries = [(wave, sized) for wave in run.sizes.waves for sized in (run.args.tiny, True)]
    for wave, sized in dict.fromkeys(tries):
        n = max(1, wave // P)
        if found.get(("generate_batch", P * n)):
            continue

        def one(n: int = n, sized: bool = sized) -> dict[str, Any]:
            tokens = run.sizes.tokens
            return timed(lambda: generate_batch(policy.model, ids, n, tokens, sized), run.device)

        facts = {**about, "who": "generate_batch", "batch": P * n, "sized": sized}
        row = rows.attempt(one, run.sizes.row_limit / 2, **facts, attention=attention)
        rate = row.get("tokens_per_second")
        if rate is None:
            continue
        if rate < max(found.values(), default=0):
            break
        found["generate_batch", P * n] = rate
    return found


def compare(
    rows: Rows,
    about: dict,
    n: int,
    ours: dict[str, Any],
    peers: dict[tuple[str, int], float],
    policy: Policy,
    lengths: Sequence[int],
    run: "Run",
) -> None:
    """The ratios of one N: to the faster peer with as many rows at most, and to the byte limit."""
    facts: dict[str, Any] = {}
    limit = decode_limit(policy.model, lengths, n, run.sizes.tokens, run.machine["copy"])
    facts["byte_limit_tokens_per_second"] = limit
    rate = ours.get("tokens_per_second")
    most = len(lengths) * n
    can = {name: peer for name, peer in peers.items() if name[1] <= most}
    if rate is not None:
        facts["sample / byte limit"] = rate / limit
        if can:
            best = max(can, key=lambda name: can[name])
            facts["peer"] = f"{best[0]}, {best[1]} rows"
            facts["sample / faster peer"] = rate / can[best]
    rows.add(**about, who="ratios", n=n, **facts)


def profiled(policy: Policy, prompts: Sequence[str], run: "Run") -> dict[str, Any]:
    """One decoding step: where its time goes, by kernel.

    From the difference of two runs, one of which goes ``more`` steps further, so that only the
    public function is used.
    """
    n, more = run.sizes.candidates[0], 8
    short = max(2, min(64, run.sizes.tokens // 2))

    def events(tokens: int) -> tuple[dict[str, tuple[float, int]], float]:
        kinds = [torch.profiler.ProfilerActivity.CPU]
        if run.device.type == "cuda":
            kinds.append(torch.profiler.ProfilerActivity.CUDA)
        with torch.profiler.profile(activities=kinds) as profile:
            started = time.perf_counter()
            sample(policy, prompts, n=n, max_tokens=tokens)
            synchronize(run.device)
            seconds = time.perf_counter() - started
        found = {}
        for event in profile.key_averages():
            on_device = str(event.device_type).endswith("CUDA")
            spent = event.self_device_time_total if on_device else event.self_cpu_time_total
            found[f"{'gpu' if on_device else 'host'} {event.key}"] = (spent, event.count)
        return found, seconds

    sample(policy, prompts, n=n, max_tokens=short + more)
    (before, t0), (after, t1) = events(short), events(short + more)
    none = (0.0, 0)
    step = {
        key: [(after[key][k] - before.get(key, none)[k]) / more for k in (0, 1)] for key in after
    }
    return profile_facts(step, (t1 - t0) / more)


LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cudaLaunchKernelExC")


def profile_facts(step: dict[str, list[float]], seconds: float) -> dict[str, Any]:
    """The dearest twelve kernels of a step, its launches, and its time on device and host.

    ``step``: "gpu NAME" or "host NAME" → (microseconds, calls) a step.
    """
    gpu = {key[4:]: value for key, value in step.items() if key.startswith("gpu ")}
    host = {key[5:]: value for key, value in step.items() if key.startswith("host ")}
    dearest = sorted((gpu or host).items(), key=lambda one: -one[1][0])[:12]
    return {
        "step_ms": 1e3 * seconds,
        "gpu_ms": sum(value[0] for value in gpu.values()) / 1e3,
        "host_ms": sum(value[0] for value in host.values()) / 1e3,
        "launches": sum(value[1] for name, value in host.items() if name in LAUNCHES),
        "kernels": sum(value[1] for value in gpu.values()),
        "dearest": [
            {"name": name[:100], "ms": value[0] / 1e3, "calls": value[1]} for name, value in dearest
        ],
    }


# ---- training ----------------------------------------------------------------------------------


def replies_of(policy: Policy, lengths: Sequence[int]) -> Selection:
    """A selection of random replies with these lengths in tokens, one to each prompt."""
    most, generator = max(lengths), torch.Generator().manual_seed(0)
    vocabulary = policy.model.get_input_embeddings().weight.shape[0]
    tokens = torch.randint(3, vocabulary, (len(lengths), 1, most), generator=generator)
    tokens[torch.arange(most) >= torch.tensor(lengths)[:, None, None]] = -1
    pool = Pool(
        prompts=[f"{i}. {TEXT}" for i in range(len(lengths))],
        texts=[[""] for _ in lengths],
        finish=torch.ones(len(lengths), 1, dtype=torch.int8),
        tokens=tokens.int(),
        provenance=Provenance(vocabulary=policy.vocabulary),
    )
    return Selection(pool, torch.arange(len(lengths)), torch.zeros(len(lengths)).long())


def our_training(
    policy: Policy, selection: Selection, settings: dict[str, Any], device: torch.device
) -> dict[str, Any]:
    """One epoch of `finetune`, its first step left out, as :func:`peers.trainer_seconds` has it."""
    emptied()
    marks: list[tuple[float, int]] = []
    with Account() as account:

        def mark(_: int) -> None:
            synchronize(device)
            marks.append((time.perf_counter(), account.tokens_trained))

        student = finetune(
            policy, selection, epochs=1, lr=1e-6, hooks=Hooks(on_step=mark), **settings
        )
    (first, before), (last, after) = marks[0], marks[-1]
    losses = student.training_log.losses
    if not all(math.isfinite(loss) for loss in losses):
        raise ValueError(f"losses are not finite: {losses}")
    return {"tokens": after - before, "seconds": last - first, "steps": len(marks)}


def their_training(
    policy: Policy, examples: Sequence[Any], settings: dict[str, Any]
) -> dict[str, Any]:
    """One epoch of `Trainer` on a float32 copy."""
    emptied()
    student = policy.copy()
    student.model.float().train()
    return trainer_seconds(student.model, examples, settings, policy.pad_id)


def rates(found: dict[str, Any], flops: float, tokens: int, peak: float) -> dict[str, Any]:
    """What was found, with tokens/s, operations/s and the share of the matrix-product rate."""
    each = flops / tokens
    speed = found["tokens"] / found["seconds"] if found["seconds"] else math.nan
    return {
        **found,
        "tokens_per_second": speed,
        "flops_per_second": speed * each,
        "share_of_products": speed * each / peak,
        "peak_gb": peak_gb(),
    }


def training(rows: Rows, policy: Policy, run: "Run") -> None:
    """SFT against `Trainer`: replies of one length, and of mixed lengths."""
    sizes, device = run.sizes, run.device
    half = torch.bfloat16 if device.type == "cuda" else None
    settings = {"batch_size": sizes.batch, "accumulate": sizes.accumulate, "dtype": half}
    T = sizes.reply_tokens
    generator = torch.Generator().manual_seed(1)
    mixed = torch.randint(T // 4, T + 1, (sizes.replies,), generator=generator).tolist()
    for name, lengths in (("equal", [T] * sizes.replies), ("mixed", mixed)):
        selection = replies_of(policy, lengths)
        examples = selected_examples(policy, selection)
        counts = [(len(prompt), len(reply)) for prompt, reply in examples]
        flops, tokens = training_flops(policy.model, counts), sum(map(sum, counts))
        about = {"row": "training", "method": "SFT", "lengths": name, "replies": len(lengths)}
        known = (flops, tokens, run.machine["bfloat16"])

        def ours(selection: Selection = selection, known: Any = known) -> dict[str, Any]:
            return rates(our_training(policy, selection, settings, device), *known)

        def theirs(examples: Any = examples, known: Any = known) -> dict[str, Any]:
            return rates(their_training(policy, examples, settings), *known)

        a = rows.attempt(ours, sizes.row_limit, **about, who="finetune")
        b = rows.attempt(theirs, sizes.row_limit, **about, who="Trainer")
        facts = {"flops_per_token": flops / tokens}
        if "tokens_per_second" in a:
            facts["SFT / matrix-product rate"] = a["share_of_products"]
            if "tokens_per_second" in b:
                facts["SFT / Trainer"] = a["tokens_per_second"] / b["tokens_per_second"]
        rows.add(**about, who="ratios", **facts)
        emptied()


def online(rows: Rows, policy: Policy, run: "Run") -> None:
    """One step of GRPO and of PPO: seconds and peak memory."""
    sizes = run.sizes
    P = min(8, sizes.prompts)
    prompts = [f"{i}. {TEXT}" for i in range(P)]
    reward = FunctionReward(lambda prompt, text, info: float(len(text) % 7), "length")
    half = torch.bfloat16 if run.device.type == "cuda" else None
    settings = dict(
        steps=1,
        prompts_per_step=P,
        n=4,
        lr=1e-6,
        max_tokens=sizes.online_tokens,
        accumulate=4,
        dtype=half,
        updates=1,
    )

    def step(method: Callable) -> dict[str, Any]:
        emptied()
        with Account() as account:
            method(policy, prompts, reward, **settings)
            synchronize(run.device)
        return {
            "seconds": account.seconds,
            "tokens_sampled": account.tokens_sampled,
            "tokens_trained": account.tokens_trained,
            "peak_gb": peak_gb(),
        }

    for method in (grpo, ppo):
        about = {"row": "online", "method": method.__name__, "replies": 4 * P}
        rows.attempt(lambda m=method: step(m), sizes.row_limit, **about)


# ---- float16 in a T4's memory ------------------------------------------------------------------


def float16(rows: Rows, run: "Run") -> None:
    """Sampling and SFT in a T4's precision, in a T4's memory: finite, and how fast."""
    sizes, device = run.sizes, run.device
    about = {"row": "float16", "gib": GIB_OF_A_T4 if device.type == "cuda" else None}
    with as_small_as(GIB_OF_A_T4, device):
        made = new_model("qwen", run.args.tiny, device, torch.float16)
        policy = Policy(made, byte_tokenizer([TEXT], 300), template="plain", source="qwen")
        prompts = [f"{i}. {TEXT}" for i in range(sizes.prompts)]

        def drawn() -> int:
            pool = sample(endless(policy), prompts, n=16, max_tokens=sizes.tokens)
            assert pool.logprobs is not None and bool(torch.isfinite(pool.logprobs).all())
            return int(pool.lengths.sum())

        rows.attempt(lambda: timed(drawn, device), sizes.row_limit, **about, who="sample", n=16)
        count = max(4, sizes.replies // 4)
        selection = replies_of(policy, [sizes.reply_tokens] * count)
        settings = {"batch_size": count // 2, "accumulate": max(2, count // 4)}
        settings["dtype"] = torch.float16

        def trained() -> dict[str, Any]:
            found = our_training(policy, selection, settings, device)
            rate = found["tokens"] / max(found["seconds"], 1e-9)
            return {**found, "tokens_per_second": rate, "peak_gb": peak_gb()}

        rows.attempt(trained, sizes.row_limit, **about, who="finetune", part=2)


# ---- the whole ---------------------------------------------------------------------------------


@dataclass
class Run:
    """What every part needs: sizes, device, what the machine does, and the options."""

    sizes: Sizes
    device: torch.device
    args: Any
    machine: dict[str, float]


def measure(args: Any) -> list[dict[str, Any]]:
    """All parts that were asked for; the rows."""
    size = "tiny" if args.tiny else "quick" if args.quick else "whole"
    device = device_of("cpu" if args.tiny and not torch.cuda.is_available() else None)
    say = (lambda line: None) if args.json else (lambda line: print(line, flush=True))
    rows = Rows(args.out, args.budget or BUDGET[size], say)
    only = set(args.only.split(","))
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    rows.add(row="run", size=size, only=args.only, versions=versions(), training_flops=FORMULA)
    known = machine(rows, device, args.tiny)  # always: what the others are held against
    run = Run(SIZES[size], device, args, known)
    if "sampling" in only:
        for name, make in policies(run.sizes, args, device, dtype):
            rows.attempt(
                lambda n=name, m=make: sampling(rows, n, m, run) or {}, row="done", of=name
            )
            emptied()
    if only & {"training", "online"}:
        made = new_model("qwen", args.tiny, device, dtype)
        policy = Policy(made, byte_tokenizer([TEXT], 300), template="plain", source="qwen")
        for name, part in (("training", training), ("online", online)):
            if name in only:
                rows.attempt(lambda p=part: p(rows, policy, run) or {}, row="done", of=name)
                emptied()
        del made, policy
        emptied()
    if "float16" in only:
        rows.attempt(lambda: float16(rows, run) or {}, row="done", of="float16")
    return rows.rows


def main(args: Any) -> None:
    """Run it as a program."""
    if not torch.cuda.is_available() and not args.tiny:
        sys.exit(
            "no CUDA GPU here, so there is nothing to measure. --tiny tries the same lines on "
            "small shapes."
        )
    quiet_peers()
    rows = measure(args)
    ratios = {}
    for row in rows:
        if row.get("who") != "ratios":
            continue
        which = row.get("model", row.get("lengths"))
        for name in AIMS:
            if name in row:
                n = f", N={row['n']}" if "n" in row else ""
                ratios[f"{name} ({which}{n})"] = row[name]
    # small shapes say nothing of a GPU
    aims = {} if args.tiny else {name: AIMS[name.split(" (")[0]] for name in ratios}
    finish(args, {"ratios": ratios, "aims": aims, "rows": rows}, [])


if __name__ == "__main__":
    main(asked)
