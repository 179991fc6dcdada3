"""The four steps end to end, and the table that says honestly what they bought.

All on held-out prompts: the base policy, best-of-n by the proxy, best-of-n by gold (the ceiling for
any reward model), the policy after rejection-sampling fine-tuning, and its matched control,
fine-tuned in the same way on the same number of randomly chosen replies. But for the ceiling each
is there twice: at the temperature it was sampled at, and at the one that is best for it, chosen on
prompts that are neither trained on nor shown. Gold selects nothing else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base import Account, flops_per_token, require
from ..estimators import paired_difference
from ..methods import Request, Round, Rounds, Stages, rejection_sampling_rounds, trained
from ..models import GoldReward, Policy
from ..pools import RULES, Pool, Rule, Selection, check_minimum, random_per_prompt
from ..worlds import World
from .defaults import default_lr
from .measures import (
    BEST,
    ROWS,
    Arms,
    Row,
    Served,
    at_best,
    best_temperature,
    repaid_after,
    serve,
    served,
    serving,
    signalless,
    summary,
)
from .own_prompts import OwnPrompts
from .prompting import FewShot, asked_world, load_asked, stops_for
from .settings import RunSettings
from .sources import JudgedByProxy, make_reward
from .tiers import dtype_here

DIFFERENCES = (
    ("rft", "base"),
    ("rft", "random_control"),
    ("best_of_n", "base"),
    ("rft", "best_of_n"),
    ("random_control", "base"),
)
EVALUATION_SEED = 2**32  # far from the seeds of training
CHOOSING_SEED = 2**33  # and of what is shown
TUNED = ("base", "best_of_n", "rft", "random_control")  # rows with a temperature of their own


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
    own_dtype = dtype_here(settings)
    half = settings.training.dtype if own_dtype is not None else None
    how = {"device": settings.device, "system": world.system, "dtype": own_dtype}
    base = load_asked(policy_name, settings.template, **how)
    base.source = policy_name
    own = isinstance(world, OwnPrompts)
    require(
        not own or reward not in (None, "gold", "verifier"),
        "your own prompts have no gold and no verifier: give a reward model with --reward DIR.",
    )
    reward_name = str(reward or ("verifier" if world.verifiable else settings.reward))
    world = asked_world(world, base, policy_name, settings.shots)
    proxy = make_reward(reward_name, world, settings.device, own_dtype)
    rule = rule_for(settings, reward_name, world)
    prompts = world.every if isinstance(world, OwnPrompts) else ()
    loop = replace(
        settings.loop,
        sampling=replace(settings.sampling, stop=stops_for(base, world, settings.stop, prompts)),
        training=replace(settings.loop.training, dtype=half),
        select=selector(rule.name, world, settings.sampling.seed, settings.minimum),
    )
    if settings.lr_by_model and policy is not None:
        loop = replace(
            loop, training=replace(loop.training, lr=default_lr(base.model, loop.training.lora)[0])
        )
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


@dataclass
class Comparison:
    """What is served: the rows, and the temperatures chosen for them."""

    arms: Arms
    best: dict[str, float]  # row → the temperature chosen for it; empty where none was
    chosen_from: dict[str, dict[float, float]]  # row → temperature → gold where it was chosen
    asked: float  # mean length of a prompt in tokens
    tokens_to_choose: int
    tokens_to_compare: int


class Replies:
    """Scored replies of the three policies to some prompts, each pool sampled once."""

    def __init__(
        self,
        plan: Plan,
        policies: dict[str, Policy],
        prompts: list,
        info: list,
        seed: int,
        name: str,
        stages: Stages | None,
    ) -> None:
        self.plan, self.policies, self.stages = plan, policies, stages
        self.prompts, self.info, self.seed, self.name = prompts, info, seed, name
        self.kept: dict[tuple, Served] = {}

    def of(self, policy: str, temperature: float, n: int) -> Served:
        """``n`` replies a prompt of a policy at a temperature."""
        key = (policy, temperature, n)
        if key not in self.kept:
            sampling = replace(
                self.plan.loop.sampling, n=n, temperature=temperature, seed=self.seed
            )
            part = self.plan.settings.part_for(n) if self.plan.settings.part else None
            request = Request(self.prompts, self.info, sampling, part)
            colder = temperature != self.plan.settings.temperature
            name = f"{self.name}-{policy}" + (f"-{temperature:g}-{n}" if colder else "")
            rewards = [self.plan.proxy, self.plan.gold]
            self.kept[key] = serve(self.policies[policy], request, rewards, self.stages, name)
        return self.kept[key]

    @property
    def tokens(self) -> int:
        """Tokens sampled so far."""
        return tokens_of([one.pool for one in self.kept.values()])


def choose_temperatures(plan: Plan, replies: Replies) -> dict[str, dict[float, np.ndarray]]:
    """Row → temperature → gold (P,) on prompts that are not shown: what a temperature is chosen by.

    The base policy is judged by all its candidates, best-of-n by the best of them.
    """
    settings = plan.settings
    found: dict[str, dict[float, np.ndarray]] = {name: {} for name in TUNED}
    for temperature in settings.temperatures_tried:
        wide = replies.of("base", temperature, settings.n).pool
        gold = wide.rewards["gold"].double()
        best = gold.gather(1, served(wide, settings.n, "proxy"))
        found["base"][temperature] = gold.mean(1).numpy()
        found["best_of_n"][temperature] = best.mean(1).numpy()
        for name in ("rft", "random_control"):
            pool = replies.of(name, temperature, settings.groups).pool
            found[name][temperature] = pool.rewards["gold"].double().mean(1).numpy()
    return found


def choosing_prompts(plan: Plan) -> tuple[list, list]:
    """Training prompts that take no part in training, where there are enough; else the last."""
    settings = plan.settings
    prompts, info = plan.world.prompts("train", seed=plan.loop.sampling.seed)
    at = settings.prompts
    if len(prompts) < at + settings.choosing:
        at = max(0, len(prompts) - settings.choosing)
    where = slice(at, at + settings.choosing)
    return list(prompts[where]), list(info[where])


def serve_all(plan: Plan, done: Trained, stages: Stages | None) -> Comparison:
    """The replies of all three policies to prompts that took no part in training.

    First, on other prompts, the temperature that is best for each method.
    """
    settings, seed = plan.settings, plan.loop.sampling.seed
    n, groups, usual = settings.n, settings.groups, settings.temperature
    policies = {
        "base": plan.base,
        "rft": done.treatment[-1].policy,
        "random_control": done.control,
    }
    choosing = Replies(
        plan, policies, *choosing_prompts(plan), CHOOSING_SEED + seed, "choose", stages
    )
    tried: dict[str, dict[float, np.ndarray]] = {}
    if len(settings.temperatures_tried) > 1:
        tried = choose_temperatures(plan, choosing)
    best = {name: best_temperature(gold) for name, gold in tried.items()}

    prompts, info = plan.world.prompts("heldout", limit=settings.held_out, seed=seed)
    shown = Replies(plan, policies, prompts, info, EVALUATION_SEED + seed, "eval", stages)
    wide = shown.of("base", usual, groups * n)
    rows = {
        "base": Row(wide),
        "best_of_n": Row(wide, n, "proxy"),
        "best_of_n_gold": Row(wide, n, "gold"),
        "rft": Row(shown.of("rft", usual, groups)),
        "random_control": Row(shown.of("random_control", usual, groups)),
    }
    for name, temperature in best.items():
        if temperature == usual:
            rows[name + BEST] = rows[name]
        elif name == "best_of_n":
            rows[name + BEST] = Row(shown.of("base", temperature, groups * n), n, "proxy")
        else:
            rows[name + BEST] = Row(shown.of(name, temperature, groups))
    return Comparison(
        arms=Arms(rows, plan.base, groups, usual),
        best=best,
        chosen_from={
            name: {temperature: float(values.mean()) for temperature, values in gold.items()}
            for name, gold in tried.items()
        },
        asked=float(np.mean([len(ids) for ids in plan.base.encode(prompts)])),
        tokens_to_choose=choosing.tokens,
        tokens_to_compare=shown.tokens,
    )


def compare(plan: Plan, stages: Stages | None) -> dict[str, Any]:
    """Train both arms, serve, measure: the result as plain data."""
    done = train_both(plan, stages)
    shown = serve_all(plan, done, stages)
    arms = shown.arms
    rows, per_prompt = {}, {}
    for name in ROWS:
        if name not in arms.rows:
            continue
        per_prompt[name], kind = arms.row(name)
        rows[name] = {key: summary(values) for key, values in per_prompt[name].items()}
        rows[name]["kl"]["kind"] = kind
        rows[name]["temperature"] = arms.rows[name].served.temperature
    pairs = list(DIFFERENCES)
    if shown.best:
        pairs += [(a + BEST, b + BEST) for a, b in DIFFERENCES]
    differences = {}
    for a, b in pairs:
        difference = paired_difference(per_prompt[a]["gold"], per_prompt[b]["gold"])
        differences[f"{a} - {b}"] = difference.to_dict()
    costs = serving(arms, per_prompt, shown.asked, flops_per_token, plan.proxy)
    to_train = tokens_of([r.pool for r in done.treatment] + done.control_pools)
    gain = differences[f"{at_best('rft', rows)} - {at_best('base', rows)}"]["mean"]
    settings = plan.settings
    return {
        "rows": rows,
        "differences": differences,
        "temperatures": {
            name: {"best": shown.best[name], "gold": {f"{t:g}": v for t, v in gold.items()}}
            for name, gold in shown.chosen_from.items()
        },
        "fine_tuning_cost": done.cost.to_dict(),
        "serving_flops": costs["serving_flops"],
        **repaid_after(done.cost.flops, costs, gain),
        "tokens_sampled": to_train + shown.tokens_to_choose + shown.tokens_to_compare,
        "tokens_to_choose": shown.tokens_to_choose,
        "tokens_to_compare": shown.tokens_to_compare,
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
        "choosing": settings.choosing if shown.best else 0,
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
