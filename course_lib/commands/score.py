"""``course score``: step 2, adding a reward to a pool."""

from argparse import Namespace
from pathlib import Path

from ..base import free_to_write, require


def score_command(args: Namespace) -> None:
    from ..experiments import reward_for, world_of_file
    from ..models import score
    from ..pools import read_pool

    pool = read_pool(args.pool, args.skip_bad, args.keys)
    out = args.out or args.pool
    require(
        str(out).endswith(".npz"),
        f"the scored pool needs a name ending in .npz; got {out}. Give one with --out.",
    )
    require(args.reward, "which reward? Give --reward DIR, gold or verifier.")
    name = args.name or default_name(args.reward)
    added = Path(out).resolve() == Path(args.pool).resolve()
    if not added:
        free_to_write(out, args.force)
    require(
        not added or name not in pool.rewards or args.force,
        f"{args.pool} has a reward {name!r} already, and nothing is replaced unasked. Give the new "
        "one another --name, or --force to replace it.",
    )
    # answers to read are a problem's, whatever world the command would else take
    kind = "gsm8k" if args.answers and args.world == "helpdesk" else args.world
    world = world_of_file(kind, args.data, args.answers)
    reward = reward_for(pool, args.reward, world, args.device)
    pool = score(pool, reward, name)
    pool.save(out)
    print(f"{pool} → {out}")


def default_name(reward: str) -> str:
    """What a reward is called in the pool; a learned one is the proxy of gold."""
    return reward if reward in ("gold", "verifier") else "proxy"
