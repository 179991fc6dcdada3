"""``course sample``: step 1, sampling a pool of candidates."""

from argparse import Namespace

from ..base import free_to_write
from .engines import asked, check_engine, in_parts, place_of
from .sample_server import server_command


def sample_command(args: Namespace) -> None:
    check_engine(args)
    from ..experiments import sample_from_world
    from ..worlds import load_world

    if args.engine == "server":
        server_command(args)
        return
    world = load_world(args.world, args.data)
    if in_parts(args):
        from ..scale.sampling import sample_from_world_in_parts

        done = sample_from_world_in_parts(
            world, args.policy, place_of(args), device=args.device, **asked(args)
        )
        print(f"{done} → {args.out}")
        return
    free_to_write(args.out, args.force)
    pool = sample_from_world(world, args.policy, device=args.device, **asked(args))
    pool.save(args.out)
    print(f"{pool} → {args.out}")
