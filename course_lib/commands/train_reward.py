"""``course train-reward``: a reward model from a file of preference pairs."""

from argparse import Namespace

from ..base import free_for_model, free_to_write
from .show import show


def train_reward_command(args: Namespace) -> int | None:
    from ..scale.accelerated import with_engine

    return with_engine(args, _train_reward)


def _train_reward(args: Namespace) -> None:
    from ..experiments import train_reward_from_file
    from ..methods import is_main

    if args.out:
        free_for_model(args.out)
        free_to_write(args.out, args.force, folder=True)
    result = train_reward_from_file(
        args.pairs,
        policy=args.policy,
        held_out=args.held_out,
        epochs=args.epochs,
        lr=args.lr,
        max_length=args.max_length,
        seed=args.seed,
        skip_bad=args.skip_bad,
        keys=args.keys,
        device=args.device,
        out=args.out,
    )
    if is_main():
        show(result, args.json, lambda: result["text"])
