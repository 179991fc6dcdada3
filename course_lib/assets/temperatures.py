"""Pools of the help desk's policy at other temperatures, so that lessons can compare them without
sampling again.

The prompts and the seed are those of the stored held-out pool, whose first candidates are the pool
of temperature 1: it is not stored twice.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from ..base import require, versions
from ..methods import fingerprint
from ..models import GoldReward, Policy, RewardModel, load_policy, load_reward_model, sample, score
from ..pools import Pool
from ..worlds import Helpdesk
from . import FOLDER
from .helpdesk import HELDOUT_SEED
from .parts import SEED, Parts

REWARDS = ("reward-8000", "reward-500")
TEMPERATURES = (0.1, 0.3, 0.5, 0.7, 1.3)
FULL = {"prompts": 64, "n": 64}
MINIATURE = {"prompts": 4, "n": 8}
SAMPLED_WITH = HELDOUT_SEED


def build(out: Path, size: dict = FULL, log: Callable[[str], None] = print) -> dict:
    """Build the pools under ``out``/temperatures from the models under ``out``/helpdesk.

    Returns the manifest.
    """
    models = out / "helpdesk"
    require(
        models.is_dir(),
        f"the temperatures' pools are sampled from the help desk's policy, and {models} is not "
        "there. Build the world helpdesk first.",
    )
    policy = load_policy(models / "policy", device="cpu")
    policy.source = "helpdesk/policy"
    learned = [load_reward_model(models / name, name=name, device="cpu") for name in REWARDS]
    key = fingerprint([size, SAMPLED_WITH, TEMPERATURES, versions(), policy, learned])
    parts = Parts(out, "temperatures", key, log)
    for temperature in TEMPERATURES:
        file = parts.folder / f"{temperature}.npz"
        parts.part(file.name, make_pool, file, policy, learned, size, temperature)
    return parts.done(size)


def make_pool(
    file: Path,
    policy: Policy,
    learned: Sequence[RewardModel],
    size: dict,
    temperature: float,
) -> dict:
    """Sample and score the pool of one temperature and save it. Returns facts."""
    world = Helpdesk()
    prompts, infos = world.prompts("heldout", limit=size["prompts"], seed=SEED)
    pool = sample(
        policy, prompts, n=size["n"], temperature=temperature, info=infos, seed=SAMPLED_WITH
    )
    for reward in (GoldReward(world), *learned):
        pool = score(pool, reward)
    pool.light().save(file)
    return {
        "seed": SAMPLED_WITH,
        "prompts": pool.P,
        "n": pool.N,
        "temperature": temperature,
        "tokens": int(pool.lengths.sum()),
    }


def pools(folder: Path | None = None) -> dict[float, Pool]:
    """{temperature: pool}, from low to high: the same prompts, candidates and seed at each.

    Each is scored by gold and by two reward models. ``folder``: where the assets are (default: the
    package's own).
    """
    folder = folder or FOLDER
    require(
        (folder / "temperatures").is_dir(),
        "the pools of other temperatures are missing. Run `course build-assets --world "
        "temperatures`, or install the package anew.",
    )
    files = (folder / "temperatures").glob("*.npz")
    found = {float(file.stem): Pool.load(file) for file in files}
    any_pool = next(iter(found.values()))
    heldout = Pool.load(folder / "helpdesk/pools/heldout.npz")
    stored = heldout.prompts_at(range(any_pool.P)).first(any_pool.N)
    require(
        stored.prompts == any_pool.prompts,
        "the pools of other temperatures have other prompts than the held-out pool: build the "
        "assets again.",
    )
    stored.rewards = {name: stored.reward(name) for name in ("gold", *REWARDS)}
    return dict(sorted({**found, 1.0: stored}.items()))
