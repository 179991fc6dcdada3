"""Real weights on real problems: SFT on GSM8K's training solutions, then RFT beside its random
control and beside more SFT, each policy at its best temperature; best of n, and the majority of n.

    python benchmarks/real_weights.py --model FOLDER --data FOLDER --out FOLDER [--sft N]
        [--problems N] [--test N] [-n K] [--seeds 0 1 2] [--store --weights WORDS]

Everything is kept in stages under --out: the same command goes on where it was killed. What the
arms are is in course_lib/experiments/real_run.py. --store writes
course_lib/results/real_weights.json, which README, lesson 09b and docs/measured.md read.

A whole run, for a GPU. A forecast, not measured: about 40 minutes a seed on one H100, from 12,000
sampled tokens a second and 35 seconds for 3,000 solutions, which an earlier version reached there:

    python benchmarks/real_weights.py --model FOLDER --data FOLDER --out FOLDER --sft 3000
        --choose 200 --problems 4273 -n 16 --test 1319 --n-test 16 --epochs 2 --batch-size 32
        --dtype bfloat16 --part 128 --seeds 0 1 2 --store --weights WORDS
"""

import argparse
import os
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import common  # noqa: F401  (offline, and encodings)

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "real_weights.json"
MOST_BYTES = 60_000  # of the stored file


def arguments(given=None):
    """The command line."""
    from course_lib.experiments.real_run import Asked

    usual = Asked(model="", data="")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", required=True, help="folder of a pretrained causal LM")
    parser.add_argument("--data", required=True, help="folder with train.jsonl and test.jsonl")
    parser.add_argument("--out", default="runs/real_weights", help="folder for the stages")
    parser.add_argument("--weights", default="", help="what is to be said of the weights")
    parser.add_argument("--store", action="store_true", help="write the file that lessons read")
    for name, words in (
        ("sft", "solved training problems for SFT"),
        ("choose", "training problems that temperatures are chosen on"),
        ("problems", "training problems that are sampled"),
        ("test", "test problems"),
        ("n_choose", "replies to each problem that temperatures are chosen on"),
        ("n_test", "replies to each test problem"),
        ("part", "prompts whose replies are kept on disk together"),
    ):
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=int, default=getattr(usual, name), help=words)
    parser.add_argument("-n", type=int, default=usual.n, help="replies to each sampled problem")
    parser.add_argument("--longest", type=int, help="leave out problems with longer solutions")
    parser.add_argument("--max-tokens", type=int, default=usual.sampling.max_tokens)
    parser.add_argument("--memory", type=float, help="MiB for candidates in flight")
    parser.add_argument("--epochs", type=float, default=usual.training.epochs, help="of SFT")
    parser.add_argument("--more-epochs", type=float, default=usual.more_epochs, help="after SFT")
    parser.add_argument("--lr", type=float, default=usual.training.lr)
    parser.add_argument("--batch-size", type=int, default=usual.training.batch_size)
    parser.add_argument("--accumulate", type=int, default=usual.training.accumulate)
    parser.add_argument(
        "--checkpoint-every", type=int, default=25, help="training steps that a kill may cost"
    )
    parser.add_argument(
        "--temperatures", type=float, nargs="+", default=list(usual.temperatures), help="to try"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(usual.seeds))
    parser.add_argument("--dtype", help="float32, bfloat16 or float16; default: what fits")
    parser.add_argument("--device", help="cpu or cuda; default: cuda where there is one")
    args = parser.parse_args(given)
    if args.store and not args.weights:
        parser.error("--store needs --weights: the words that go beside every number")
    return args


def asked_for(args):
    """The run that a command line asks for."""
    import torch

    from course_lib.experiments.real_run import Asked

    usual = Asked(model=args.model, data=args.data)
    own = ("weights", "sft", "choose", "problems", "test", "n", "n_choose", "n_test", "longest")
    own += ("more_epochs", "dtype", "device", "part")
    on_gpu = args.device != "cpu" and torch.cuda.is_available()
    mixed = getattr(torch, args.dtype) if args.dtype and on_gpu else None
    training = replace(
        usual.training,
        epochs=args.epochs,
        lr=args.lr,
        batch_size=args.batch_size,
        accumulate=args.accumulate,
        checkpoint_every=args.checkpoint_every,
        dtype=None if mixed == torch.float32 else mixed,
    )
    sampling = replace(usual.sampling, max_tokens=args.max_tokens)
    if args.memory is not None:
        sampling = replace(sampling, memory_mb=args.memory)
    return replace(
        usual,
        **{name: getattr(args, name) for name in own},
        temperatures=tuple(args.temperatures),
        seeds=tuple(args.seeds),
        training=training,
        sampling=sampling,
    )


def telling():
    """Hooks that print a line for every part and every step, so that a log shows where a run is."""
    from course_lib.base import Hooks

    began = time.perf_counter()
    done = {"part": 0, "step": 0}

    def tell(kind):
        done[kind] += 1
        spent = time.perf_counter() - began
        print(f"{spent:7.0f} s  {done['step']} steps, {done['part']} parts", flush=True)

    return Hooks(on_part=lambda: tell("part"), on_step=lambda _: tell("step"))


def device_in_words(device):
    """The card's name, or how many threads of which processor."""
    import torch

    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return f"CPU, {torch.get_num_threads()} threads (of {os.cpu_count()} cores)"


def command_of(given):
    """The command, without the places of this machine."""
    places = {"--model": "FOLDER", "--data": "FOLDER", "--out": "FOLDER"}
    shown = [places.get(before, word) for before, word in zip(["", *given], given, strict=False)]
    return "python benchmarks/real_weights.py " + " ".join(
        word if word in places.values() else shlex.quote(word) for word in shown
    )


def lines_of(result):
    """The result as text."""
    from course_lib.experiments import layout, real_run

    sampled = [seed["sampled"] for seed in result["by_seed"]]
    facts = [
        f"{one['replies']:,} replies to training problems, {one['right']:.1%} right, "
        f"{one['paths']:,} distinct right paths; {one['solved']:.1%} of problems solved"
        for one in sampled
    ]
    return [
        f"{result['weights'] or result['asked']['model']} · {result['device']}",
        *facts,
        "",
        *layout(real_run.table(result)),
        "",
        "differences, paired by problem, 95 %",
        *layout(real_run.differences_table(result)),
    ]


def main(given=None):
    given = sys.argv[1:] if given is None else given
    args = arguments(given)

    from course_lib.base import require, versions, write_json
    from course_lib.experiments import real_run

    result = {
        "command": command_of(given),
        "device": device_in_words(args.device),
        "versions": versions(),
        **real_run.run(asked_for(args), args.out, telling()),
    }
    file = Path(args.out) / "result.json"
    write_json(file, result)
    size = file.stat().st_size
    if args.store:
        require(size < MOST_BYTES, f"the result has {size:,} bytes; {MOST_BYTES:,} may be stored.")
        write_json(RESULTS, result)
    print("\n".join(lines_of(result)))
    return result


if __name__ == "__main__":
    main()
