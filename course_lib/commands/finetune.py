"""``course finetune``: step 4, fine-tuning a policy on selected replies."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from ..base import free_for_model, free_to_write, require


def finetune_command(args: Namespace) -> int | None:
    from ..scale.accelerated import with_engine

    return with_engine(args, _finetune)


def _finetune(args: Namespace) -> None:
    from ..experiments import finetune_from_file, world_of_file
    from ..methods import is_main
    from ..pools import read_selection

    pool = args.selection.endswith(".npz") or Path(args.selection).is_dir()
    require(
        not pool,
        f"{args.selection} is a pool, and replies that were chosen are expected. Choose them "
        f"first: course select {args.selection} --out best.jsonl",
    )
    free_for_model(args.out)
    free_to_write(args.out, args.force, folder=True)
    facts = finetune_from_file(
        read_selection(args.selection, args.skip_bad, args.keys),
        args.out,
        world_of_file(args.world, args.data),
        args.policy,
        tier_name=args.tier,
        device=args.device,
        template=args.template,
        dtype=args.dtype,
        epochs=args.epochs,
        lr=args.lr,
        batch_size=args.batch_size,
        accumulate=args.accumulate,
        seed=args.seed,
    )
    if is_main():
        _tell(facts, args)


def _tell(facts: dict[str, Any], args: Namespace) -> None:
    for reason, count in facts["left_out"].items():
        print(f"left out: {count} ({reason})")
    if facts["unused_rewards"]:
        print(
            f"the file's rewards ({', '.join(facts['unused_rewards'])}) do not count here: all "
            "replies but those left out were trained on. `course select` keeps the best."
        )
    first, last = facts["losses"]
    chosen = "" if args.lr is not None else f", lr {facts['lr']:g} ({facts['lr_reason']})"
    print(
        f"trained on {facts['replies']} replies, {facts['tokens']:,} tokens{chosen}, "
        f"{facts['seconds']:.0f} s: loss {first:.3f} → {last:.3f} nats per token → {args.out}"
    )
