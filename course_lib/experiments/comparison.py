"""The four steps end to end, and the table that says honestly what they bought.

Five rows, all on held-out prompts: the base policy, best-of-n by the proxy, best-of-n by gold (the
ceiling for any reward model), the policy after rejection-sampling fine-tuning, and its matched
control, fine-tuned in the same way on the same number of randomly chosen replies. Gold never
selects anything but the ceiling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base import Account, flops_per_token, require
from ..estimators import paired_difference
from ..methods import Request, Round, Rounds, Stages, rejection_sampling_rounds, trained
from ..models import GoldReward, Policy, device_of
from ..pools import RULES, Pool, Rule, Selection, check_minimum, random_per_prompt
from ..worlds import World
from .defaults import default_lr
from .measures import ROWS, Arms, Served, repaid_after, serve, serving, signalless, summary
from .own_prompts import OwnPrompts
from .prompting import FewShot, asked_world, load_asked, stops_for
from .settings import RunSettings
from .sources import JudgedByProxy, make_reward

DIFFERENCES = (
    ("rft", "base"),
    ("rft", "random_control"),
    ("best_of_n", "base"),
    ("rft", "best_of_n"),
    ("random_control", "base"),
)
EVALUATION_SEED = 2**32  # far from the seeds of training


@dataclass
class Plan:
    """What a comparison is made of: a world, and what the settings name, looked up and loaded."""

    world: World
    base: Policy
    proxy: Any
    gold: Any
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
    """Load what ``settings`` name. Raises for a world, policy, reward or rule that does not fit.

    A learning rate that nobody gave follows from the policy, unless it is the tier's own.
    """
    if policy is None:
        require(
            settings.bundled == bool(world.policy),
            f"no default policy for the world {world.name!r} on the tier {settings.name!r}: give "
            "one with --policy DIR or a hub name.",
        )
    policy_name = str(policy or world.policy or settings.policy)
    on_gpu = device_of(settings.device).type == "cuda"
    half = settings.training.dtype if on_gpu else None
    how = {"device": settings.device, "system": world.system, "dtype": half}
    base = load_asked(policy_name, settings.template, **how)
    base.source = policy_name
    own = isinstance(world, OwnPrompts)
    require(
        not own or reward not in (None, "gold", "verifier"),
        "your own prompts have no gold and no verifier: give a reward model with --reward DIR.",
    )
    reward_name = str(reward or ("verifier" if world.verifiable else settings.reward))
    world = asked_world(world, base, policy_name, settings.shots)
    proxy = make_reward(reward_name, world, settings.device)
    rule = rule_for(settings, reward_name, world)
    prompts = world.every if isinstance(world, OwnPrompts) else ()
    loop = replace(
        settings.loop,
        sampling=replace(settings.sampling, stop=stops_for(base, world, settings.stop, prompts)),
        training=replace(settings.loop.training, dtype=half),
        select=selector(rule.name, world, settings.sampling.seed, settings.minimum),
    )
    if settings.lr_by_model and policy is not None:
        loop = replace(loop, training=replace(loop.training, lr=default_lr(base.model)[0]))
    gold = JudgedByProxy() if own else GoldReward(world)
    return Plan(world, base, proxy, gold, settings, loop, policy_name, reward_name, rule.name)


def rule_for(settings: RunSettings, reward_name: str, world: World) -> Rule:
    """The selection rule of a run, by default what fits the reward."""
    name = settings.rule or ("threshold" if reward_name == "verifier" else "best_per_prompt")
    require(name in RULES, f"no selection rule {name!r}; the rules are: {', '.join(RULES)}.")
    verdicts = reward_name in ("gold", "verifier") and world.verifiable
    check_minimum(RULES[name], settings.minimum, verdicts)
    return RULES[name]


def plan_text(plan: Plan) -> str:
    """What a run is about to do, in a few words."""
    settings, loop = plan.settings, plan.loop
    n, groups = settings.n, settings.groups
    rounds = "" if loop.rounds == 1 else f" in each of {loop.rounds} rounds"
    asked = f"{plan.base.template} prompts"
    if isinstance(plan.world, FewShot):
        asked += f" with {plan.world.shots} solved examples"
    texts = [repr(one) for one in loop.sampling.stop or () if isinstance(one, str)]
    stops = f", ended by {' or '.join(texts)}" if texts else ""
    return (
        f"{settings.prompts} × {n} replies to train on{rounds}, {settings.held_out} × "
        f"{groups * (n + 2)} for the comparison, of at most {loop.sampling.max_tokens} tokens; "
        f"{asked}{stops}; learning rate {loop.training.lr:g}"
    )


def selector(
    rule: str, world: World, seed: int = 0, minimum: float | None = None
) -> Callable[[Pool], Selection]:
    """The function of a scored pool that keeps candidates by ``rule``.

    ``seed`` is for a rule that draws, ``minimum`` for one that keeps what reaches a least reward.
    """
    chosen = RULES[rule]
    options = chosen.from_options(by="proxy", seed=seed, minimum=minimum)
    settings = {**options, **chosen.for_world(world)}

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
    rule = RULES[plan.rule]
    with Account() as cost:
        treatment = rejection_sampling_rounds(
            plan.base, prompts, plan.proxy, loop, info=info, out=stages
        )
    if loop.rounds == 1:
        chosen = treatment[0].selection
        if plan.rule == "best_per_prompt":
            random = random_per_prompt(chosen.pool, 1, seed)
        else:
            random = rule.control_of(chosen, seed)
        control = trained(plan.base, random, loop.training, stages, "control-policy", loop.hooks)
        return Trained(treatment, control, [], cost)

    def select(pool: Pool) -> Selection:
        return rule.control_of(loop.select(pool), seed)

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
    to_train = tokens_of([r.pool for r in done.treatment] + done.control_pools)
    to_compare = tokens_of([arms.base.pool, arms.rft.pool, arms.random_control.pool])
    settings = plan.settings
    return {
        "rows": rows,
        "differences": differences,
        "fine_tuning_cost": done.cost.to_dict(),
        "serving_flops": costs["serving_flops"],
        **repaid_after(done.cost.flops, costs, differences["rft - base"]["mean"]),
        "tokens_sampled": to_train + to_compare,
        "tokens_to_compare": to_compare,
        "no_signal": signalless([r.pool for r in done.treatment], "proxy"),
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
        "judge": plan.gold.name if not isinstance(plan.gold, JudgedByProxy) else "proxy",
        "template": plan.base.template,
        "shots": plan.world.shots if isinstance(plan.world, FewShot) else 0,
        "lr": plan.loop.training.lr,
        "minimum": settings.minimum,
    }


def tokens_of(pools: Sequence[Pool]) -> int:
    """Tokens of all replies of these pools."""
    return sum(int(pool.lengths.sum()) for pool in pools)
