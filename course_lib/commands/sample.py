"""``course sample``: step 1, sampling a pool of candidates."""

from argparse import Namespace

from ..base import free_to_write


def sample_command(args: Namespace) -> None:
    from ..experiments import sample_from_world
    from ..worlds import load_world

    free_to_write(args.out, args.force)
    pool = sample_from_world(
        load_world(args.world, args.data),
        args.policy,
        split=args.split,
        prompts=args.prompts,
        device=args.device,
        asking={
            "template": args.template,
            "shots": args.shots,
            "prompts_file": args.prompts_file,
            "tier": args.tier,
        },
        stop=args.stop,
        seed=args.seed,
        n=args.n,
        temperature=args.temperature,
        top_p=args.top_p,
        top_k=args.top_k,
        max_tokens=args.max_tokens,
        method=args.method,
    )
    pool.save(args.out)
    print(f"{pool} → {args.out}")
