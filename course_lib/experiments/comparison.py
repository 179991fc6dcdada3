"""The four steps end to end, and the table that says honestly what they bought.

Five rows, all on held-out prompts: the base policy, best-of-n by the proxy, best-of-n by gold (the
ceiling for any reward model), the policy after rejection-sampling fine-tuning, and its matched
control, fine-tuned in the same way on the same number of randomly chosen replies. Gold never
selects anything but the ceiling.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..assets import resolve
from ..base import Account, flops_per_token, require
from ..estimators import paired_difference
from ..methods import Request, Round, Rounds, Stages, rejection_sampling_rounds, trained
from ..models import GoldReward, Policy, device_of, load_policy
from ..pools import RULES, Pool, Selection, matched_control, random_per_prompt
from ..worlds import World
from .measures import ROWS, Arms, Served, repaid_after, serve, serving, summary
from .settings import RunSettings
from .sources import make_reward

DIFFERENCES = (
    ("rft", "base"),
    ("rft", "random_control"),
    ("best_of_n", "base"),
    ("rft", "best_of_n"),
    ("random_control", "base"),
)
EVALUATION_SEED = 2**32  # far from the seeds of training
APART = 2**16  # between the seeds of a random treatment and of its control


@dataclass
class Plan:
    """What a comparison is made of: a world, and what the settings name, looked up and loaded."""

    world: World
    base: Policy
    proxy: Any
    gold: GoldReward
    settings: RunSettings
    loop: Rounds
    policy_name: str
    reward_name: str
    rule: str


@dataclass
class Trained:
    """Both arms as trained, and what the treatment cost."""

    treatment: list[Round]
    control: Policy
    control_pools: list[Pool]
    cost: Account


def plan_of(world: World, policy: Any, reward: Any, settings: RunSettings) -> Plan:
    """Load what ``settings`` name. Raises for a world, policy, reward or rule that does not fit."""
    if policy is None:
        require(
            settings.bundled == bool(world.policy),
            f"no default policy for the world {world.name!r} on the tier {settings.name!r}: give "
            "one with --policy DIR or a hub name.",
        )
    policy_name = str(policy or world.policy or settings.policy)
    on_gpu = device_of(settings.device).type == "cuda"
    half = settings.training.dtype if on_gpu else None
    base = load_policy(
        resolve(policy_name),
        device=settings.device,
        system=world.system,
        template=settings.template,
        dtype=half,
    )
    base.source = policy_name
    reward_name = str(reward or ("verifier" if world.verifiable else settings.reward))
    proxy = make_reward(reward_name, world, settings.device)
    max_tokens = min(world.max_tokens, settings.max_tokens)
    loop = replace(
        settings.loop,
        sampling=replace(settings.sampling, max_tokens=max_tokens),
        training=replace(settings.loop.training, dtype=half),
    )
    rule = settings.rule or ("threshold" if reward_name == "verifier" else "best_per_prompt")
    require(rule in RULES, f"no selection rule {rule!r}; the rules are: {', '.join(RULES)}.")
    loop = replace(loop, select=selector(rule, world, loop.sampling.seed))
    gold = GoldReward(world)
    return Plan(world, base, proxy, gold, settings, loop, policy_name, reward_name, rule)


def selector(rule: str, world: World, seed: int = 0) -> Callable[[Pool], Selection]:
    """The function of a scored pool that keeps candidates by ``rule``.

    ``seed`` is for a rule that draws.
    """
    chosen = RULES[rule]
    settings = {**chosen.from_options(by="proxy", seed=seed), **chosen.for_world(world)}

    def select(pool: Pool) -> Selection:
        return chosen(pool, **settings)

    return select


def train_both(plan: Plan, stages: Stages | None) -> Trained:
    """Treatment and control: the same prompts, settings and training.

    In the first round the same pool and number of replies; only the choice differs. In later rounds
    each samples from its own policy.
    """
    settings, loop, seed = plan.settings, plan.loop, plan.loop.sampling.seed
    prompts, info = plan.world.prompts("train", limit=settings.prompts, seed=seed)
    # a treatment that is random itself must not be compared with its own draw
    control_seed = seed + APART if RULES[plan.rule].control is None else seed
    with Account() as cost:
        treatment = rejection_sampling_rounds(
            plan.base, prompts, plan.proxy, loop, info=info, out=stages
        )
    if loop.rounds == 1:
        chosen = treatment[0].selection
        if plan.rule == "best_per_prompt":
            random = random_per_prompt(chosen.pool, 1, control_seed)
        else:
            random = matched_control(chosen, control_seed)
        control = trained(plan.base, random, loop.training, stages, "control-policy", loop.hooks)
        return Trained(treatment, control, [], cost)

    def select(pool: Pool) -> Selection:
        return matched_control(loop.select(pool), control_seed)

    rounds = rejection_sampling_rounds(
        plan.base, prompts, plan.proxy, replace(loop, select=select), info=info, out=stages
    )
    # from its second round on the control samples for itself
    return Trained(treatment, rounds[-1].policy, [r.pool for r in rounds[1:]], cost)


def serve_all(plan: Plan, done: Trained, stages: Stages | None) -> tuple[Arms, float]:
    """The replies of all three policies to prompts that took no part in training.

    Also the mean length of those prompts in tokens.
    """
    settings, seed = plan.settings, plan.loop.sampling.seed
    n, groups = settings.n, settings.groups
    prompts, info = plan.world.prompts("heldout", limit=settings.held_out, seed=seed)

    def replies(policy: Policy, name: str, width: int) -> Served:
        sampling = replace(plan.loop.sampling, n=width, seed=EVALUATION_SEED + seed)
        request = Request(prompts, info, sampling)
        return serve(policy, request, [plan.proxy, plan.gold], stages, f"eval-{name}")

    arms = Arms(
        base=replies(plan.base, "base", groups * n),
        rft=replies(done.treatment[-1].policy, "rft", groups),
        random_control=replies(done.control, "random_control", groups),
        base_policy=plan.base,
        n=n,
        groups=groups,
        temperature=settings.temperature,
    )
    asked = float(np.mean([len(ids) for ids in plan.base.encode(prompts)]))
    return arms, asked


def compare(plan: Plan, stages: Stages | None) -> dict[str, Any]:
    """Train both arms, serve, measure: the result as plain data."""
    done = train_both(plan, stages)
    arms, asked = serve_all(plan, done, stages)
    rows, per_prompt = {}, {}
    for name in ROWS:
        per_prompt[name], kind = arms.row(name)
        rows[name] = {key: summary(values) for key, values in per_prompt[name].items()}
        rows[name]["kl"]["kind"] = kind
    differences = {}
    for a, b in DIFFERENCES:
        difference = paired_difference(per_prompt[a]["gold"], per_prompt[b]["gold"])
        differences[f"{a} - {b}"] = difference.to_dict()
    costs = serving(arms, per_prompt, asked, flops_per_token, plan.proxy)
    pools = [r.pool for r in done.treatment] + done.control_pools
    pools += [arms.base.pool, arms.rft.pool, arms.random_control.pool]
    settings = plan.settings
    return {
        "rows": rows,
        "differences": differences,
        "fine_tuning_cost": done.cost.to_dict(),
        "serving_flops": costs["serving_flops"],
        **repaid_after(done.cost.flops, costs),
        "tokens_sampled": sum(int(pool.lengths.sum()) for pool in pools),
        "trained_on": len(done.treatment[-1].trained_on),
        "n": settings.n,
        "rounds": plan.loop.rounds,
        "world": plan.world.name,
        "policy": plan.policy_name,
        "reward": plan.reward_name,
        "rule": plan.rule,
        "prompts": settings.prompts,
        "held_out": settings.held_out,
        "tier": settings.name,
    }
