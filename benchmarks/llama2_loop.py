"""Llama 2's loop in miniature: two rounds of rejection sampling with all rounds pooled, then PPO on
top, against a third round instead.

    python benchmarks/llama2_loop.py [--quick] [--json] [--out DIR] [--workers K]

Each round samples 128 prompts × 8 replies and trains the base policy on the best replies of all
rounds so far. PPO then starts from the policy of round 2 and may sample as many tokens as round 3
does: that is the control, rejection sampling alone at the same number of sampled tokens. PPO's
learning rate is chosen from three by gold on seed 10 and other prompts; seeds 0, 1 and 2 are shown.
Gold, proxy and KL on 128 held-out prompts × 4 replies; intervals are for other seeds and other
prompts of the same topics. Each run is a file under DIR (default runs/llama2_loop). The summary is
course_lib/results/llama2_loop.json.
"""

import time
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "llama2_loop.json"
FULL = {"prompts": 128, "n": 8, "epochs": 3, "held": 128, "served": 4, "rows": 64}
QUICK = {"prompts": 24, "n": 4, "epochs": 1, "held": 16, "served": 2, "rows": 16}
CHOOSING, SHOWN, RATES = 10, [0, 1, 2], [1e-4, 3e-4, 6e-4]
STAGES = ("base", "RS, round 1", "RS, round 2", "RS, round 3", "RS, round 2, then PPO")


def job(task):
    """One seed: all stages for its learning rates; write its file."""
    seed, rates, part, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import (
        assets,
        finetune,
        load_policy,
        load_reward_model,
        sample,
        score,
        select_best,
    )
    from course_lib.base import progress, write_json
    from course_lib.methods import ppo
    from course_lib.models import GoldReward, policy_kl
    from course_lib.pools import Selection
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    started = time.perf_counter()
    world = Helpdesk()
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path("helpdesk/reward-8000"), name="proxy", device="cpu")
    prompts, info = world.prompts("heldout", seed=0)
    where = slice(-size["held"], None) if part == "choose" else slice(0, size["held"])
    prompts, info = prompts[where], info[where]
    train_prompts, train_info = world.prompts("train", seed=seed)
    stages, kept, policy, tokens = {}, [], base, 0

    def judge(policy, tokens):
        pool = score(
            score(
                sample(policy, prompts, n=size["served"], info=info, seed=2**31 + seed),
                GoldReward(world),
            ),
            reward,
        )
        values = {
            "gold": pool.rewards["gold"].mean(1),
            "proxy": pool.rewards["proxy"].mean(1),
            "kl": policy_kl(pool, base, 1.0),
        }
        return {
            **{k: [round(float(x), 4) for x in v] for k, v in values.items()},
            "tokens": tokens,
            "sample": pool.texts[0][0],
        }

    stages["base"] = judge(base, 0)
    for r in range(3):
        part_of = slice(r * size["prompts"], (r + 1) * size["prompts"])
        pool = score(
            sample(
                policy,
                train_prompts[part_of],
                n=size["n"],
                info=train_info[part_of],
                seed=seed + 1000 * r,
            ),
            reward,
        )
        kept.append(select_best(pool))
        if r == 2:
            budget = int(pool.lengths.sum())
            for lr in rates:  # PPO goes on from round 2, with the tokens that round 3 samples
                student = ppo(
                    policy,
                    train_prompts,
                    reward,
                    train_info,
                    steps=10_000 // size["rows"],
                    prompts_per_step=size["rows"],
                    n=1,
                    lr=lr,
                    seed=seed,
                    token_budget=budget,
                )
                stages[f"PPO {lr:g}"] = judge(
                    student, tokens + student.training_log.account.tokens_sampled
                )
        tokens += int(pool.lengths.sum())
        policy = finetune(
            base,
            Selection.concat(kept) if r else kept[0],
            lr=1e-3,
            epochs=size["epochs"],
            batch_size=16,
            seed=seed,
        )
        stages[f"RS, round {r + 1}"] = judge(policy, tokens)
    write_json(
        out,
        {
            "seed": seed,
            "prompt": prompts[0],
            "stages": stages,
            "seconds": time.perf_counter() - started,
        },
    )
    return out


def main():
    parser, say = job_options(__doc__, "runs/llama2_loop")
    args = parser.parse_args()

    import numpy as np

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import between_seeds_interval
    from course_lib.experiments import layout
    from course_lib.methods import fingerprint
    from course_lib.worlds import Helpdesk

    began = time.perf_counter()
    size = QUICK if args.quick else FULL
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    key = fingerprint([load_policy(assets.path("helpdesk/policy"), device="cpu"), size])[:8]

    def task(seed, rates, part):
        return (
            seed,
            rates,
            part,
            size,
            str(folder / f"{part}-{seed}-{'-'.join(f'{r:g}' for r in rates)}-{key}.json"),
        )

    rates = RATES[:1] if args.quick else RATES
    (tried,) = run_jobs(job, [task(CHOOSING, rates, "choose")], 1, say)
    grid = {f"{r:g}": float(np.mean(tried["stages"][f"PPO {r:g}"]["gold"])) for r in rates}
    best = max(rates, key=lambda r: grid[f"{r:g}"])
    runs = run_jobs(
        job,
        [task(s, [best], "show") for s in (SHOWN[:2] if args.quick else SHOWN)],
        args.workers,
        say,
    )
    _, info = Helpdesk().prompts("heldout", limit=size["held"], seed=0)
    topics = [about["topic"] for about in info]
    name_of = {stage: f"PPO {best:g}" if "PPO" in stage else stage for stage in STAGES}

    def values(stage, measure):
        return np.array([r["stages"][name_of[stage]][measure] for r in runs])

    def interval(rows):
        full = between_seeds_interval(rows, groups=topics)
        return {k: round(v, 4) for k, v in full.to_dict().items() if k in ("mean", "low", "high")}

    def gap(one, other, measure):
        return interval(values(one, measure) - values(other, measure))

    result = {
        "command": "python benchmarks/llama2_loop.py" + (" --quick" if args.quick else ""),
        "seeds": [r["seed"] for r in runs],
        "choosing_seed": CHOOSING,
        "size": size,
        "ppo_rates": grid,
        "ppo_rate": best,
        "prompt": runs[0]["prompt"],
        "stages": {
            s: {
                **{m: interval(values(s, m)) for m in ("gold", "proxy", "kl")},
                "tokens": float(values(s, "tokens").mean()),
                "sample": runs[0]["stages"][name_of[s]]["sample"],
            }
            for s in STAGES
        },
        "gaps": {
            f"{a} minus {b}": {m: gap(a, b, m) for m in ("gold", "proxy")}
            for a, b in (
                (STAGES[1], STAGES[0]),
                (STAGES[2], STAGES[1]),
                (STAGES[3], STAGES[2]),
                (STAGES[4], STAGES[2]),
                (STAGES[4], STAGES[3]),
            )
        },
        "process_seconds": sum(r["seconds"] for r in [tried, *runs]),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)

    def show(v):
        return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

    rows = [["stage", "gold", "proxy", "KL", "tokens sampled"]] + [
        [s, *(show(v[m]) for m in ("gold", "proxy", "kl")), f"{v['tokens']:,.0f}"]
        for s, v in result["stages"].items()
    ]
    lines = (
        layout(rows)
        + [
            f"{name}: gold {show(g['gold'])}, proxy {show(g['proxy'])}"
            for name, g in result["gaps"].items()
        ]
        + [f"PPO's learning rate: {best:g}, gold on the choosing seed {grid}"]
    )
    finish(args, {**result, "ratios": {}, "aims": {}}, lines)


if __name__ == "__main__":
    main()
