"""``course score``: step 2, adding a reward to a pool."""

from argparse import Namespace
from pathlib import Path

from ..base import free_to_write, require
from .engines import check_engine, in_parts, place_of


def score_command(args: Namespace) -> None:
    check_engine(args)
    from ..experiments import reward_for, world_of_file
    from ..models import score
    from ..pools import read_pool

    require(args.reward, "which reward? Give --reward DIR, gold or verifier.")
    name = args.name or default_name(args.reward)
    # answers to read are a problem's, whatever world the command would else take
    kind = "gsm8k" if args.answers and args.world == "helpdesk" else args.world
    world = world_of_file(kind, args.data, args.answers)
    if in_parts(args):
        from ..scale.sampling import score_file_in_parts

        require(args.out, "a pool scored in parts needs a place of its own: give --out.")
        how = {"name": name, "device": args.device, "skip_bad": args.skip_bad, "keys": args.keys}
        done = score_file_in_parts(Path(args.pool), args.reward, world, place_of(args), **how)
        print(f"{done} → {args.out}")
        return
    pool = read_pool(args.pool, args.skip_bad, args.keys)
    out = args.out or args.pool
    require(
        str(out).endswith(".npz"),
        f"a reward is added to a pool's own file (.npz) alone; got {out}. Say with --out where the "
        "scored pool goes.",
    )
    added = Path(out).resolve() == Path(args.pool).resolve()
    if not added:
        free_to_write(out, args.force)
    require(
        not added or name not in pool.rewards or args.force,
        f"{args.pool} has a reward {name!r} already, and nothing is replaced unasked. Give the new "
        "one another --name, or --force to replace it.",
    )
    reward = reward_for(pool, args.reward, world, args.device)
    pool = score(pool, reward, name)
    pool.save(out)
    print(f"{pool} → {out}")


def default_name(reward: str) -> str:
    """What a reward is called in the pool; a learned one is the proxy of gold."""
    return reward if reward in ("gold", "verifier") else "proxy"
