"""``course finetune``: step 4, fine-tuning a policy on selected replies."""

from argparse import Namespace

from ..base import free_for_model, free_to_write


def finetune_command(args: Namespace) -> None:
    from ..experiments import finetune_from_file
    from ..worlds import load_world

    free_for_model(args.out)
    free_to_write(args.out, args.force, folder=True)
    facts = finetune_from_file(
        args.selection,
        args.out,
        load_world(args.world, args.data),
        args.policy,
        device=args.device,
        template=args.template,
        dtype=args.dtype,
        epochs=args.epochs,
        lr=args.lr,
        batch_size=args.batch_size,
        accumulate=args.accumulate,
        seed=args.seed,
    )
    first, last = facts["losses"]
    chosen = "" if args.lr is not None else f", lr {facts['lr']:g} ({facts['lr_reason']})"
    print(
        f"trained on {facts['replies']} replies, {facts['tokens']:,} tokens{chosen}, "
        f"{facts['seconds']:.0f} s: loss {first:.3f} → {last:.3f} nats per token → {args.out}"
    )
