"""The four steps end to end, and the table that says honestly what they bought.

Five rows, all on held-out prompts: the base policy, best-of-n by the proxy, best-of-n by gold (the
ceiling for any reward model), the policy after rejection-sampling fine-tuning, and its matched
control, fine-tuned in the same way on the same number of randomly chosen replies. Gold never
selects anything but the ceiling.
"""

import time

import numpy as np
import torch

from ..assets import resolve
from ..base import Account, flops_per_token, require, versions, write_json
from ..estimators import (
    best_of_n_curve,
    bootstrap_interval,
    break_even,
    distinct_n,
    equal_quality_n,
    kl_best_of_n_bound,
    kl_best_of_n_estimate,
    paired_difference,
    serving_flops,
)
from ..methods import Stages, rejection_sampling_rounds, sampled, trained
from ..models import GoldReward, device_of, load_policy, policy_kl, score
from ..pools import RULES, matched_control, random_per_prompt
from ..worlds import load_world
from .rollouts_run import run_on_rollouts
from .sources import make_reward
from .tiers import tier

ROWS = ("base", "best_of_n", "best_of_n_gold", "rft", "random_control")

TITLES = {
    "base": "base policy",
    "best_of_n": "best-of-{n} by the proxy",
    "best_of_n_gold": "best-of-{n} by gold (ceiling)",
    "rft": "RFT, {rounds}",
    "random_control": "its random control",
}


def served(pool, n, by=None):
    """(P, groups) candidate indices.

    The reply each group of ``n`` candidates serves, its best by reward ``by`` or, with None, one
    per group unselected.
    """
    groups = pool.N // n
    if by is None:
        return torch.arange(groups).expand(pool.P, groups)
    values = pool.reward(by)[:, : groups * n].reshape(pool.P, groups, n)
    return values.argmax(-1) + n * torch.arange(groups)


def measures(pool, index, kl):
    """Per-prompt measures (name → (P,) float64) of the replies at ``index`` (P, G).

    ``kl`` is (P,) in nats.
    """
    texts = [[pool.texts[i][j] for j in row] for i, row in enumerate(index.tolist())]
    return {
        "gold": pool.rewards["gold"].gather(1, index).double().mean(1).numpy(),
        "proxy": pool.rewards["proxy"].gather(1, index).double().mean(1).numpy(),
        "kl": np.asarray(kl, float),
        "length": pool.lengths.gather(1, index).double().mean(1).numpy(),
        "distinct": np.array([distinct_n(row, 2) for row in texts]),
    }


def run(
    world="helpdesk",
    policy=None,
    reward=None,
    n=None,
    prompts=None,
    rounds=1,
    seed=0,
    out=None,
    data=None,
    tier_name=None,
    rule=None,
    rollouts=None,
    skip_bad=False,
    start="base",
    keep="all",
    held_out=None,
    device=None,
    template="chat",
    epochs=None,
    lr=None,
    temperature=None,
):
    """Run the loop and return its result as plain data (the ``--json`` of ``course run``).

    ``world`` is a name or a world object. Unset sizes come from the tier. ``out``: a folder for
    stages, so that a killed run resumes, and for ``result.json``. With ``rollouts`` (a JSONL file)
    its replies take the place of sampling, see :func:`run_on_rollouts`.
    """
    with Account() as account:
        result = _run(
            world,
            policy,
            reward,
            n,
            prompts,
            rounds,
            seed,
            out,
            data,
            tier_name,
            rule,
            rollouts,
            skip_bad,
            start,
            keep,
            held_out,
            device,
            template,
            epochs,
            lr,
            temperature,
        )
    result = {
        **result,
        "seconds": round(account.seconds, 2),
        "account": account.to_dict(),
        "seed": seed,
        "versions": versions(),
    }
    if out is not None:
        write_json(Stages(out).folder / "result.json", result)
    return result


def _run(
    world,
    policy,
    reward,
    n,
    prompts,
    rounds,
    seed,
    out,
    data,
    tier_name,
    rule,
    rollouts,
    skip_bad,
    start,
    keep,
    held_out,
    device,
    template,
    epochs,
    lr,
    temperature,
):
    """The work of :func:`run`: its result without the account."""
    t = tier(tier_name)
    if isinstance(world, str):
        world = load_world(world, data)
    own = getattr(world, "policy", None)  # the bundled policy of a world that has one
    if own and tier_name is None:
        t = tier("cpu")
    n, count, held_out = [
        given if given is not None else default
        for given, default in ((n, t.n), (prompts, t.prompts), (held_out, t.held_out))
    ]
    temperature = t.temperature if temperature is None else temperature
    require(n >= 1, f"n is the number of candidates per prompt and must be at least 1; got {n}.")
    require(rounds >= 1, f"rounds must be at least 1; got {rounds}.")
    require(seed >= 0, f"seed must be a whole number from 0; got {seed}.")
    require(
        held_out >= 2, f"held-out prompts: at least 2 are needed for an interval; got {held_out}."
    )
    require(
        temperature > 0,
        "temperature must be above 0 for this comparison, which needs different candidates; "
        f"got {temperature}.",
    )
    require(
        (epochs is None or epochs > 0) and (lr is None or lr > 0),
        f"epochs and lr must be above 0; got {epochs} and {lr}.",
    )
    stages = Stages(out) if out is not None else None
    if rollouts is not None:
        return run_on_rollouts(
            world, rollouts, reward, policy, stages, seed, skip_bad, template, device, t, epochs, lr
        )
    if policy is None:
        require(
            t.bundled == bool(own),
            f"no default policy for the world {world.name!r} on the tier {t.name!r}: give one "
            "with --policy DIR or a hub name.",
        )
    policy_name = str(policy or own or t.policy)
    half = (
        getattr(torch, t.dtype)
        if t.dtype != "float32" and device_of(device).type == "cuda"
        else None
    )
    base = load_policy(
        resolve(policy_name), device=device, system=world.system, template=template, dtype=half
    )
    base.source = policy_name
    reward_name = reward or ("verifier" if getattr(world, "verifiable", False) else t.reward)
    proxy = make_reward(str(reward_name), world, device)
    gold = GoldReward(world)
    texts, infos = world.prompts("train", limit=count, seed=seed)
    max_tokens = min(world.max_tokens, t.max_tokens)
    training = {
        "epochs": epochs or t.epochs,
        "lr": lr or t.lr,
        "batch_size": t.batch_size,
        "accumulate": t.accumulate,
        "dtype": half,
    }
    rule = rule or ("threshold" if reward_name == "verifier" else "best_per_prompt")
    require(rule in RULES, f"no selection rule {rule!r}; the rules are: {', '.join(RULES)}.")

    def select(pool):
        return RULES[rule](pool, by="proxy", **RULES[rule].for_world(world))

    # treatment and control: the same prompts, settings and training, and in the first round the
    # same pool and number of
    # replies; only the choice differs. In later rounds each samples from its own policy.
    shared = dict(
        rounds=rounds,
        n=n,
        start=start,
        keep=keep,
        info=infos,
        temperature=temperature,
        max_tokens=max_tokens,
        seed=seed,
        out=stages,
        sampling={"memory_mb": t.memory_mb},
        **training,
    )
    with Account() as cost:
        treatment = rejection_sampling_rounds(base, texts, proxy, select=select, **shared)
    chosen, control_rounds = treatment[0].selection, []
    if rounds == 1:
        control_selection = (
            matched_control(chosen, seed)
            if rule != "best_per_prompt"
            else random_per_prompt(chosen.pool, 1, seed)
        )
        control = trained(
            base, control_selection, {"seed": seed, **training}, stages, "control-policy"
        )
    else:
        control_rounds = rejection_sampling_rounds(
            base, texts, proxy, select=lambda pool: matched_control(select(pool), seed), **shared
        )
        control = control_rounds[-1].policy
    rft = treatment[-1].policy

    # the comparison, on prompts that took no part above
    eval_texts, eval_infos = world.prompts("heldout", limit=held_out, seed=seed)
    sizes = {
        "temperature": temperature,
        "max_tokens": max_tokens,
        "memory_mb": t.memory_mb,
        "seed": 2**32 + seed,
    }
    pools, clock = {}, {}
    for name, who, width in (
        ("base", base, t.groups * n),
        ("rft", rft, t.groups),
        ("random_control", control, t.groups),
    ):
        before = time.perf_counter()
        pool = sampled(who, eval_texts, eval_infos, {"n": width, **sizes}, stages, f"eval-{name}")
        clock[name] = (time.perf_counter() - before) / max(1, int(pool.lengths.sum()))
        pools[name] = score(score(pool, proxy), gold)
    base_pool = pools["base"]
    per_prompt, tokens_each = {}, base_pool.lengths.double().mean(1).numpy()
    for row in ROWS:
        pool = base_pool if row in ("base", "best_of_n", "best_of_n_gold") else pools[row]
        index = served(
            pool,
            n if row.startswith("best") else 1,
            {"best_of_n": "proxy", "best_of_n_gold": "gold"}.get(row),
        )
        index = index[:, : t.groups] if row in ("base",) else index
        if row == "base":
            kl = np.zeros(pool.P)
        elif row == "best_of_n":
            ties = len(torch.unique(pool.rewards["proxy"])) < pool.P * 4
            log_best = pool.sampling_logprobs.sum(-1).gather(1, index).double()
            kl = (
                np.full(pool.P, kl_best_of_n_bound(n))
                if ties
                else kl_best_of_n_estimate(log_best, n).mean(1)
            )
        elif row == "best_of_n_gold":
            kl = np.full(pool.P, kl_best_of_n_bound(n))
        else:
            kl = policy_kl(pool, base, temperature)
        per_prompt[row] = measures(pool, index, kl)
        per_prompt[row]["tokens"] = (
            tokens_each * n if row.startswith("best") else pool.lengths.double().mean(1).numpy()
        )
        per_prompt[row]["milliseconds"] = (
            per_prompt[row]["tokens"] * clock["base" if row.startswith("best") else row] * 1000
        )
    rows = {
        row: {name: summary(values) for name, values in parts.items()}
        for row, parts in per_prompt.items()
    }
    for row, kind in (
        ("base", "exact"),
        ("best_of_n", "bound" if ties else "estimate"),
        ("best_of_n_gold", "bound"),
        ("rft", "estimate"),
        ("random_control", "estimate"),
    ):
        rows[row]["kl"]["kind"] = kind
    differences = {
        f"{a} - {b}": paired_difference(per_prompt[a]["gold"], per_prompt[b]["gold"]).to_dict()
        for a, b in (
            ("rft", "base"),
            ("rft", "random_control"),
            ("best_of_n", "base"),
            ("rft", "best_of_n"),
            ("random_control", "base"),
        )
    }
    # from its second round on the control samples for itself
    extra = [h.pool for h in control_rounds[1:]]
    tokens = sum(int(p.lengths.sum()) for p in [h.pool for h in treatment] + extra) + sum(
        int(p.lengths.sum()) for p in pools.values()
    )
    # what serving a query costs, and after how many queries fine-tuning has paid for itself against
    # best-of-n
    asked, replies = (
        float(np.mean([len(p) for p in base.encode(eval_texts)])),
        {
            row: float(per_prompt[row]["tokens"].mean()) / (n if row.startswith("best") else 1)
            for row in ("best_of_n", "rft")
        },
    )
    judged = flops_per_token(proxy.model) if hasattr(proxy, "model") else 0.0
    serving = {
        row: serving_flops(
            flops_per_token(base.model), asked, replies[row], n if row == "best_of_n" else 1, judged
        )
        for row in replies
    }
    sizes = [k for k in (1, 2, 4, 8, 16, 32, 64, 128) if k <= base_pool.N]
    as_good = equal_quality_n(
        sizes,
        best_of_n_curve(base_pool.reward("proxy"), base_pool.reward("gold"), sizes)
        .mean(0)
        .tolist(),
        rows["rft"]["gold"]["mean"],
    )
    rival = (
        serving_flops(flops_per_token(base.model), asked, replies["best_of_n"], as_good, judged)
        if as_good < np.inf
        else np.inf
    )
    result = {
        "rows": rows,
        "differences": differences,
        "fine_tuning_cost": cost.to_dict(),
        "serving_flops": serving,
        "break_even_queries": finite(break_even(cost.flops, serving["best_of_n"], serving["rft"])),
        "equal_quality_n": finite(as_good),
        "break_even_at_equal_quality": finite(break_even(cost.flops, rival, serving["rft"]))
        if as_good < np.inf
        else None,
        "tokens_sampled": tokens,
        "trained_on": len(treatment[-1].trained_on),
        "n": n,
        "rounds": rounds,
        "world": world.name,
        "policy": policy_name,
        "reward": str(reward_name),
        "rule": rule,
        "prompts": count,
        "held_out": held_out,
        "tier": t.name,
    }
    return result


def finite(value):
    """``value``, or None when it is infinite: JSON has no infinity."""
    return float(value) if np.isfinite(value) else None


def summary(values):
    """{"mean", "low", "high"}: mean with its 95 % bootstrap interval over prompts."""
    if np.ptp(values) == 0:
        return {"mean": float(values[0]), "low": float(values[0]), "high": float(values[0])}
    interval = bootstrap_interval(values)
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
