"""``course score``: step 2, adding a reward to a pool."""

from argparse import Namespace
from pathlib import Path

from ..base import free_to_write, require


def score_command(args: Namespace) -> None:
    from ..experiments import make_reward
    from ..models import score
    from ..pools import read_pool
    from ..worlds import load_world

    pool = read_pool(args.pool, args.skip_bad)
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
    reward = make_reward(args.reward, load_world(args.world, args.data), args.device)
    pool = score(pool, reward, name)
    pool.save(out)
    print(f"{pool} → {out}")


def default_name(reward: str) -> str:
    """What a reward is called in the pool; a learned one is the proxy of gold."""
    return reward if reward in ("gold", "verifier") else "proxy"
