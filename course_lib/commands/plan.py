"""``course plan``: what a job will cost, before it is begun."""

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from .show import show

SHARES = ("decode", "read", "train")


def count(text: str) -> int:
    """A whole number, as 1000000, 1_000_000 or 1e6, for argparse."""
    try:
        value = float(text)
        if value != int(value):
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"expected a whole number, such as 1000 or 1e6; got {text!r}"
        ) from None
    return int(value)


def shares(text: str) -> dict[str, float]:
    """``0.5`` for every share, or ``decode=0.5,read=0.4``, for argparse."""
    found = {}
    try:
        if "=" not in text:
            return dict.fromkeys(SHARES, float(text))
        for part in text.split(","):
            name, value = part.split("=")
            if name not in SHARES:
                raise ValueError
            found[name] = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a share such as 0.5, or decode=0.5,read=0.4,train=0.35; got {text!r}"
        ) from None
    return found


def add_plan(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The parser of ``course plan``."""
    p = command(
        "plan",
        "what a job will cost: tokens, GPU hours, memory, storage, the slowest stage",
        plan_command,
    )
    _work_arguments(p)
    _machine_arguments(p)
    p.add_argument("--json", action="store_true", help="print the result as JSON")


def _work_arguments(p: argparse.ArgumentParser) -> None:
    """What is to be done."""
    p.add_argument(
        "--model",
        required=True,
        help="a size such as 8B or 0.6B, a model's name, or a folder with a config.json",
    )
    p.add_argument("--reward", help="the reward model, as --model (default: a function, no GPU)")
    p.add_argument("--prompts", type=count, required=True, help="how many, such as 1e6")
    p.add_argument("-n", type=count, default=16, help="candidates per prompt")
    p.add_argument(
        "--tokens",
        type=float,
        help="of a reply, on average (default: those of --like or --rate, or 512)",
    )
    p.add_argument(
        "--prompt-tokens",
        type=float,
        help="of a prompt, on average (default: those of --rate, or 100)",
    )
    p.add_argument(
        "--keep",
        type=float,
        help="share of the candidates that is trained on (default: the best of each prompt)",
    )
    p.add_argument("--epochs", type=float, default=1.0, help="of fine-tuning")
    p.add_argument("--batch-size", type=count, default=256, help="replies a training step")
    p.add_argument(
        "--lora", type=count, default=0, metavar="RANK", help="train adapters of this rank"
    )
    p.add_argument(
        "--like",
        metavar="POOL",
        help="a pool of yours (.npz or rollouts): storage, and --tokens where it is not given, are "
        "measured on it",
    )


def _machine_arguments(p: argparse.ArgumentParser) -> None:
    """Where it is done, and how fast that is."""
    p.add_argument("--gpus", type=count, default=1, help="how many")
    p.add_argument("--gpu", default="h100", help="t4, l4, a10, a100, h100, h200 or cpu")
    p.add_argument(
        "--network",
        type=float,
        metavar="GB/S",
        help="what a GPU can send to other machines, its share of its machine's: 1.6 where 8 share "
        "100 Gbit/s (default: the GPU's usual)",
    )
    p.add_argument(
        "--efficiency",
        type=shares,
        metavar="SHARE",
        help="share of the limits that is reached: one number, or decode=0.5,read=0.4,train=0.35 "
        "(default: these three)",
    )
    p.add_argument(
        "--rate",
        metavar="FILE",
        help="measured rates in place of limits: the folder of a `course run` on the same kind of "
        'machine, or JSON such as {"sample": {"tokens_per_second": 1200}}, of one GPU',
    )


def plan_command(args: Namespace) -> None:
    """Print a plan."""
    from ..scale.catalogue import gpu_named, model_named
    from ..scale.measured import read_rates
    from ..scale.planning import plan
    from ..scale.plans import Cards, Efficiency, Work
    from ..scale.storage import GEMMA, density_of
    from ..scale.telling import told

    model, gpu = model_named(args.model), gpu_named(args.gpu)
    reward = model_named(args.reward) if args.reward else None
    rates = read_rates(args.rate, model, gpu, reward) if args.rate else None
    found = {"tokens": 512.0, "prompt_tokens": 100.0} | dict(rates.found if rates else {})
    density = GEMMA
    if args.like:
        from ..pools import read_pool

        pool = read_pool(args.like)
        density = density_of(pool, f"measured on {Path(args.like).name}")
        found["tokens"] = float(pool.lengths.float().mean())
    for name in ("tokens", "prompt_tokens"):
        if getattr(args, name) is not None:
            found[name] = getattr(args, name)
    work = Work(
        args.prompts,
        args.n,
        keep=args.keep,
        epochs=args.epochs,
        batch_size=args.batch_size,
        lora=args.lora,
        **found,
    )
    network = None if args.network is None else 1e9 * args.network
    cards = Cards(gpu, args.gpus, network)
    made = plan(model, work, cards, reward, Efficiency(**args.efficiency or {}), rates, density)
    show(made.to_dict(), args.json, lambda: told(made))
