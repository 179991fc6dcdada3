"""Reward against KL at one sampled-token budget: best-of-N, RFT, RAFT++, DPO, GRPO, RLOO and PPO on
the help desk.

    python benchmarks/frontier.py [--quick] [--json] [--out DIR] [--figure FILE.png] [--workers K]

Every method may sample as many tokens as 512 prompts × 16 replies of the base policy take, scores
them with the same proxy reward model, and is tried at four values of its own main dial. The dial is
chosen by gold reward on one seed and 128 held-out prompts; the chosen value is then trained on
three other seeds and judged on 256 other held-out prompts. Nothing else is tuned for any method;
the settings that stay fixed stand below. Intervals resample seeds and prompts. Online methods may
pass the budget by one step (a 64th).

Each training run is a file under DIR (default runs/frontier): an interrupted benchmark goes on, and
uses as many processes as there are cores, one thread each. The summary in
course_lib/results/frontier.json is what the lessons read.
"""

import json
import time
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "frontier.json"
CHOOSING, SHOWN = [10], [0, 1, 2]
FULL = {"replies": 8192, "choose": 128, "show": 256, "served": 4, "bon": 128}
QUICK = {"replies": 256, "choose": 32, "show": 32, "served": 4, "bon": 16}
# method: (dial, grid, fixed settings)
METHODS = {
    "best-of-N": ("N", [4, 16, 64, 128], {}),
    "RFT, one round": ("N", [8, 16, 32, 64], {"lr": 1e-3, "epochs": 3, "rounds": 1}),
    "RFT, three rounds pooled": ("N", [4, 8, 16, 32], {"lr": 1e-3, "epochs": 3, "rounds": 3}),
    "RFT, three rounds pooled, reward model refreshed": (
        "N",
        [4, 8, 16, 32],
        {"lr": 1e-3, "epochs": 3, "rounds": 3, "refresh": 1000},
    ),
    "RAFT++": ("lr", [1e-5, 3e-5, 1e-4, 3e-4], {"n": 8, "prompts_per_step": 16, "updates": 2}),
    "DPO": ("beta", [0.1, 0.3, 1.0, 3.0], {"lr": 3e-4, "epochs": 3, "n": 16}),
    "GRPO": ("lr", [3e-5, 1e-4, 3e-4, 1e-3], {"n": 8, "prompts_per_step": 16, "beta": 0.05}),
    "RLOO": ("lr", [3e-5, 1e-4, 3e-4, 1e-3], {"n": 8, "prompts_per_step": 16, "beta": 0.05}),
    "PPO": (
        "lr",
        [3e-5, 1e-4, 3e-4, 1e-3],
        {"prompts_per_step": 128, "beta": 0.05, "updates": 2, "critic_lr": 1e-3},
    ),
}
QUICK_METHODS = ("best-of-N", "RFT, one round", "DPO", "GRPO", "PPO")
REWARD = "helpdesk/reward-8000"


def sample_to_budget(policy, prompts, info, at, n, count, tokens, seed):
    """A pool of prompts ``at``, ``at`` + 1, … (around the end) whose replies are at most
    ``tokens`` tokens in all: about ``count`` of them, more when replies are short.
    """
    from course_lib import Pool, sample

    def more(start, number):
        where = [(at + start + k) % len(prompts) for k in range(number)]
        return sample(
            policy,
            [prompts[i] for i in where],
            n=n,
            info=[info[i] for i in where],
            seed=seed,
            first_prompt=start,
        )

    pool = more(0, count)
    each = float(pool.lengths.sum(1).float().mean())
    missing = int((tokens - int(pool.lengths.sum())) / each)
    if missing > 0:
        pool = Pool.concat([pool, more(count, missing)])
    within = int((pool.lengths.sum(1).cumsum(0) <= tokens).sum())
    return pool.prompts_at(range(max(1, within)))


def train_job(method, value, seed, size):
    """One training run.

    Returns the policy, its account and the tokens of the budget it used (None for best-of-N).
    """
    import torch

    from course_lib import assets, finetune, load_policy, load_reward_model, score, select_best
    from course_lib.base import Account, hold
    from course_lib.methods import dpo, grpo, pairs_from, ppo, train_reward_model
    from course_lib.pools import Selection, annotate
    from course_lib.worlds import Annotator, Helpdesk

    world, dial, fixed = Helpdesk(), METHODS[method][0], dict(METHODS[method][2])
    base, reward = (
        load_policy(assets.path("helpdesk/policy"), device="cpu"),
        load_reward_model(assets.path(REWARD), device="cpu"),
    )
    prompts, info = world.prompts("train", seed=seed)
    settings = {**fixed, dial: value}
    budget, history = size["budget"], []
    with Account() as account:
        if method.startswith("RFT"):
            n, rounds = settings["N"], settings["rounds"]
            # while training; sampling, scoring and training follow each other
            hold(policy=base.model)
            count, policy, used, labels, each = size["replies"] // n // rounds, base, 0, 0, []
            for r in range(rounds):
                pool = sample_to_budget(
                    policy,
                    prompts,
                    info,
                    r * count,
                    n,
                    count,
                    budget * (r + 1) / rounds - used,
                    seed + 1000 * r,
                )
                used += int(pool.lengths.sum())
                if "refresh" in settings and r > 0:
                    rows = annotate(
                        pool,
                        Annotator(),
                        max(16, settings["refresh"] * size["replies"] // FULL["replies"]),
                        seed=seed + r,
                    )
                    labels += len(rows)
                    reward = train_reward_model(reward, rows, epochs=2, lr=5e-4, seed=seed)
                each.append(select_best(score(pool, reward)))
                policy = finetune(
                    base,
                    Selection.concat(each) if r else each[0],
                    lr=settings["lr"],
                    epochs=settings["epochs"],
                    seed=seed,
                )
                history.append({"reward": float(each[-1].pool.reward().mean()), "tokens": used})
        elif method == "DPO":
            count, labels = size["replies"] // settings["n"], 0
            pool = score(
                sample_to_budget(base, prompts, info, 0, settings["n"], count, budget, seed), reward
            )
            used = int(pool.lengths.sum())
            policy = dpo(
                base,
                pairs_from(base, pool),
                beta=settings["beta"],
                lr=settings["lr"],
                epochs=settings["epochs"],
                seed=seed,
            )
            history = policy.training_log.steps
        else:
            rows = settings["prompts_per_step"] * settings.get("n", 1)
            # the budget ends it
            labels, common = (
                0,
                {
                    "info": info,
                    "steps": 2 * size["replies"] // rows,
                    "seed": seed,
                    "token_budget": budget,
                    **settings,
                },
            )
            if method == "PPO":
                policy = ppo(base, prompts, reward, **common)
            else:
                policy = grpo(base, prompts, reward, method=method.lower(), **common)
            history, used = policy.training_log.steps, account.tokens_sampled
    assert all(torch.isfinite(p).all() for p in policy.model.parameters())
    keep = range(0, len(history), max(1, len(history) // 16))
    return (
        policy,
        account,
        used,
        labels,
        [{k: round(float(v), 4) for k, v in history[i].items()} for i in keep],
    )


def job(task):
    """Train and judge one point; write its file. Runs in a process of its own."""
    method, value, seed, part, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model, sample, score
    from course_lib.base import progress, write_json
    from course_lib.estimators import best_of_n_curve, kl_best_of_n_bound
    from course_lib.models import GoldReward, policy_kl
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    world, started = Helpdesk(), time.perf_counter()
    base, reward = (
        load_policy(assets.path("helpdesk/policy"), device="cpu"),
        load_reward_model(assets.path(REWARD), device="cpu"),
    )
    prompts, info = world.prompts("heldout", seed=0)
    where = slice(-size["choose"], None) if part == "choose" else slice(0, size["show"])
    prompts, info = prompts[where], info[where]
    if method == "best-of-N":
        pool = score(
            score(
                sample(base, prompts, n=size["bon"], info=info, seed=2**31 + seed),
                GoldReward(world),
            ),
            reward,
            "proxy",
        )
        ns = [n for n in METHODS[method][1] if n <= pool.N]
        curves = {
            name: best_of_n_curve(pool.rewards["proxy"], pool.rewards[name], ns)
            for name in ("gold", "proxy")
        }
        per = [
            {
                "value": n,
                "gold": curves["gold"][:, k],
                "proxy": curves["proxy"][:, k],
                "kl": [kl_best_of_n_bound(n)] * pool.P,
                "length": pool.lengths.float().mean(1),
                "tokens": 0,
                "labels": 0,
                "account": None,
                "history": [],
            }
            for k, n in enumerate(ns)
        ]
        per.insert(
            0,
            {
                **per[0],
                "value": 1,
                "gold": pool.rewards["gold"].mean(1).tolist(),
                "proxy": pool.rewards["proxy"].mean(1).tolist(),
                "kl": [0.0] * pool.P,
            },
        )
    else:
        policy, account, used, labels, history = train_job(method, value, seed, size)
        pool = score(
            score(
                sample(policy, prompts, n=size["served"], info=info, seed=2**31 + seed),
                GoldReward(world),
            ),
            reward,
            "proxy",
        )
        per = [
            {
                "value": value,
                "gold": pool.rewards["gold"].mean(1),
                "proxy": pool.rewards["proxy"].mean(1),
                "kl": policy_kl(pool, base, 1.0),
                "length": pool.lengths.float().mean(1),
                "tokens": used,
                "labels": labels,
                "account": account.to_dict(),
                "history": history,
            }
        ]
    for row in per:
        row.update(
            {
                name: [round(float(v), 4) for v in row[name]]
                for name in ("gold", "proxy", "kl", "length")
            }
        )
    write_json(
        out,
        {
            "task": [method, value, seed, part],
            "seconds": time.perf_counter() - started,
            "points": per,
        },
    )
    return out


def main():
    parser, say = job_options(__doc__.splitlines()[0], "runs/frontier")
    parser.add_argument("--figure", help="also draw the frontier to this file")
    args = parser.parse_args()

    import numpy as np

    from course_lib import assets, load_policy, sample
    from course_lib.base import versions, write_json
    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval
    from course_lib.experiments import layout
    from course_lib.methods import fingerprint
    from course_lib.worlds import Helpdesk

    size = dict(QUICK if args.quick else FULL)
    names = QUICK_METHODS if args.quick else tuple(METHODS)
    choosing, shown = (CHOOSING[:1], SHOWN[:2]) if args.quick else (CHOOSING, SHOWN)
    grids = {name: METHODS[name][1][1:3] if args.quick else METHODS[name][1] for name in names}
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    prompts, info = Helpdesk().prompts("train", seed=0)
    count = size["replies"] // 16
    size["budget"] = int(sample(base, prompts[:count], n=16, seed=0).lengths.sum())
    began = time.perf_counter()
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    # what a run depends on besides its own name
    keys = {name: fingerprint([size, base, METHODS[name][2], REWARD])[:8] for name in names}

    def task(method, value, seed, part):
        slug = "".join(
            c if c.isalnum() else "-"
            for c in f"{method}-{'' if method == 'best-of-N' else value}-{seed}-{part}-{keys[method]}"
        )
        return (method, value, seed, part, size, str(folder / f"{slug}.json"))

    order = sorted(names, key=lambda name: name != "PPO")  # the longest first
    tasks = [
        task(name, v, s, "choose")
        for name in order
        for s in choosing
        for v in (grids[name] if name != "best-of-N" else [0])
    ]
    grid = {name: {} for name in names}
    for result in run_jobs(job, tasks, args.workers, say):
        for point in result["points"]:
            if point["value"] in (*grids[result["task"][0]], 1):
                grid[result["task"][0]].setdefault(point["value"], []).append(point)
    best = {
        name: max(
            (v for v in grid[name] if v in grids[name]),
            key=lambda v: np.mean([p["gold"] for p in grid[name][v]]),
        )
        for name in names
    }
    every = list(tasks)
    tasks = [
        task(name, best[name] if name != "best-of-N" else 0, s, "show")
        for name in order
        for s in shown
    ]
    every += tasks
    final, bon, base_points = {name: [] for name in names}, {}, []
    for result in run_jobs(job, tasks, args.workers, say):
        name = result["task"][0]
        for point in result["points"]:
            if name == "best-of-N":
                bon.setdefault(point["value"], []).append(point)
                if point["value"] == 1:
                    base_points.append(point)
            if point["value"] == best[name]:
                final[name].append(point)

    def summary(points):
        matrix = {m: np.array([p[m] for p in points]) for m in ("gold", "proxy", "kl", "length")}
        out = {
            m: seeds_and_prompts_interval(v).to_dict()
            if len(v) > 1 and np.ptp(v)
            else bootstrap_interval(v.mean(0)).to_dict()
            for m, v in matrix.items()
        }
        accounts = [p["account"] for p in points if p["account"]]
        out["by_seed"] = [
            {m: round(float(p.mean()), 4) for m, p in zip(matrix, rows, strict=True)}
            for rows in zip(*matrix.values(), strict=True)
        ]
        out["tokens"] = float(np.mean([p["tokens"] for p in points]))
        out["labels"] = float(np.mean([p["labels"] for p in points]))
        for m in ("tokens_trained", "tokens_scored", "tokens_read", "flops", "seconds"):
            out[m] = float(np.mean([a[m] for a in accounts])) if accounts else 0.0
        out["models"] = len(accounts[0]["models"]) if accounts and accounts[0]["models"] else None
        return out

    def gap(points, others):
        """Interval of the difference in gold of two methods, by seed and prompt."""
        return seeds_and_prompts_interval(
            np.array([p["gold"] for p in points]) - np.array([p["gold"] for p in others])
        ).to_dict()

    result = {
        "command": "python benchmarks/frontier.py" + (" --quick" if args.quick else ""),
        "size": size,
        "choosing_seeds": choosing,
        "shown_seeds": shown,
        "methods": {
            name: {
                "dial": METHODS[name][0],
                "fixed": METHODS[name][2],
                "best": best[name],
                "grid": {str(v): summary(points) for v, points in grid[name].items()},
                "shown": summary(final[name]),
                "over_base": gap(final[name], base_points),
                "history": final[name][0]["history"],
            }
            for name in names
        },
        "best_of_n": {str(n): summary(points) for n, points in bon.items()},
        "base": summary(base_points),
        "rft_minus": {
            name: gap(final["RFT, one round"], final[name])
            for name in names
            if name != "RFT, one round"
        },
        "process_seconds": sum(json.loads(Path(t[-1]).read_text())["seconds"] for t in every),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }

    def show(v, spec=".2f"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    lines = [
        f"every method may sample {size['budget']:,} tokens; chosen on seeds {choosing}, shown "
        f"on seeds {shown}; base: gold {show(result['base']['gold'])}",
        "",
    ]
    edge = [
        name
        for name in names
        if name != "best-of-N"
        and len(grids[name]) > 2
        and best[name] in (grids[name][0], grids[name][-1])
    ]
    rows = [
        [
            "method",
            "dial",
            "gold",
            "proxy",
            "KL (nats)",
            "length",
            "tokens sampled",
            "trained on",
            "new labels",
            "models while training",
            "seconds",
        ]
    ]
    for name in names:
        s = result["methods"][name]["shown"]
        rows.append(
            [
                name,
                f"{METHODS[name][0]} = {best[name]:g}",
                show(s["gold"]),
                show(s["proxy"]),
                ("≤ " if name == "best-of-N" else "") + show(s["kl"]),
                f"{s['length']['mean']:.0f}",
                f"{s['tokens']:,.0f}",
                f"{s['tokens_trained']:,.0f}",
                f"{s['labels']:,.0f}",
                str(s["models"] or "-"),
                f"{s['seconds']:.0f}",
            ]
        )
    lines += layout(rows) + [
        f"best value at the edge of its grid: {', '.join(edge) or 'none'}; intervals from "
        f"{len(shown)} seeds are somewhat narrow when the spread is between seeds"
    ]
    lines += ["", "the whole grid (choosing seeds): gold at KL"]
    lines += layout(
        [
            [
                name,
                *(
                    f"{v}: {g['gold']['mean']:.2f} at {g['kl']['mean']:.2f}"
                    for v, g in result["methods"][name]["grid"].items()
                    if v != "1"
                ),
            ]
            for name in names
        ]
    )
    lines += ["", "gold, RFT one round minus"] + layout(
        [
            [
                name,
                show(v, "+.2f"),
                "excludes zero" if v["low"] > 0 or v["high"] < 0 else "includes zero",
            ]
            for name, v in result["rft_minus"].items()
        ]
    )
    if not args.quick:
        write_json(RESULTS, result)
    if args.figure:
        from course_lib.classroom.plots import frontier

        frontier(result, quiet=args.json).savefig(args.figure, dpi=150)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines)


if __name__ == "__main__":
    main()
