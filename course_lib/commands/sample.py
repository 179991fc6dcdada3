"""``course sample``: step 1, sampling a pool of candidates."""

from argparse import Namespace


def sample_command(args: Namespace) -> None:
    from ..experiments import sample_from_world
    from ..worlds import load_world

    pool = sample_from_world(
        load_world(args.world, args.data),
        args.policy,
        split=args.split,
        prompts=args.prompts,
        device=args.device,
        template=args.template,
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
