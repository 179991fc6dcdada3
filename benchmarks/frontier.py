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


def train_rft(base, reward, data, settings, size, seed):
    """RFT: rounds of sampling, selecting and training the base on all that was selected.

    Returns (policy, sampled tokens, new labels, history).
    """
    from course_lib import finetune, score, select_best
    from course_lib.base import hold
    from course_lib.methods import train_reward_model
    from course_lib.pools import Selection, annotate
    from course_lib.worlds import Annotator

    n, rounds = settings["N"], settings["rounds"]
    count = size["replies"] // n // rounds  # prompts a round
    # while training; sampling, scoring and training follow each other
    hold(policy=base.model)
    policy, used, labels = base, 0, 0
    selections, history = [], []
    for r in range(rounds):
        left = size["budget"] * (r + 1) / rounds - used
        pool = sample_to_budget(policy, *data, r * count, n, count, left, seed + 1000 * r)
        used += int(pool.lengths.sum())
        if "refresh" in settings and r > 0:
            wanted = settings["refresh"] * size["replies"] // FULL["replies"]
            rows = annotate(pool, Annotator(), max(16, wanted), seed=seed + r)
            labels += len(rows)
            reward = train_reward_model(reward, rows, epochs=2, lr=5e-4, seed=seed)
        scored = score(pool, reward)
        selections.append(select_best(scored))
        policy = finetune(
            base,
            Selection.concat(selections) if r else selections[0],
            lr=settings["lr"],
            epochs=settings["epochs"],
            seed=seed,
        )
        history.append({"reward": float(scored.reward().mean()), "tokens": used})
    return policy, used, labels, history


def train_dpo(base, reward, data, settings, size, seed):
    """DPO on pairs of one pool. Returns (policy, sampled tokens, new labels, history)."""
    from course_lib import score
    from course_lib.methods import dpo, pairs_from

    n = settings["n"]
    pool = sample_to_budget(base, *data, 0, n, size["replies"] // n, size["budget"], seed)
    pool = score(pool, reward)
    policy = dpo(
        base,
        pairs_from(base, pool),
        beta=settings["beta"],
        lr=settings["lr"],
        epochs=settings["epochs"],
        seed=seed,
    )
    return policy, int(pool.lengths.sum()), 0, policy.training_log.steps


def train_online(method, base, reward, data, settings, size, seed):
    """PPO, GRPO, RLOO or RAFT++ until the budget ends it. Returns the policy."""
    from course_lib.methods import grpo, ppo

    prompts, info = data
    replies_per_step = settings["prompts_per_step"] * settings.get("n", 1)
    common = {
        "info": info,
        "steps": 2 * size["replies"] // replies_per_step,  # more than the budget allows
        "seed": seed,
        "token_budget": size["budget"],
        **settings,
    }
    if method == "PPO":
        return ppo(base, prompts, reward, **common)
    return grpo(base, prompts, reward, method=method.lower(), **common)


def train_job(method, value, seed, size):
    """One training run.

    Returns the policy, its account, the tokens of the budget it used, the new labels and a thinned
    history.
    """
    import torch

    from course_lib import assets, load_policy, load_reward_model
    from course_lib.base import Account
    from course_lib.worlds import Helpdesk

    dial, _, fixed = METHODS[method]
    settings = {**fixed, dial: value}
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(REWARD), device="cpu")
    data = Helpdesk().prompts("train", seed=seed)
    with Account() as account:
        if method.startswith("RFT"):
            policy, used, labels, history = train_rft(base, reward, data, settings, size, seed)
        elif method == "DPO":
            policy, used, labels, history = train_dpo(base, reward, data, settings, size, seed)
        else:
            policy = train_online(method, base, reward, data, settings, size, seed)
            used, labels = account.tokens_sampled, 0
            history = policy.training_log.steps
    assert all(torch.isfinite(p).all() for p in policy.model.parameters())
    thin = history[:: max(1, len(history) // 16)]
    return policy, account, used, labels, [rounded(row) for row in thin]


def rounded(row):
    """A dictionary of numbers, rounded."""
    return {name: round(float(value), 4) for name, value in row.items()}


def best_of_n_points(pool):
    """Best-of-N from one pool of the base policy: a point for N = 1, and one for each N."""
    from course_lib.estimators import best_of_n_curve, kl_best_of_n_bound

    proxy, gold = pool.rewards["proxy"], pool.rewards["gold"]  # (P, N)
    ns = [n for n in METHODS["best-of-N"][1] if n <= pool.N]
    gold_of_best = best_of_n_curve(proxy, gold, ns)  # (P, len(ns))
    proxy_of_best = best_of_n_curve(proxy, proxy, ns)
    shared = {
        "length": pool.lengths.float().mean(1),
        "tokens": 0,
        "labels": 0,
        "account": None,
        "history": [],
    }
    points = [
        {
            "value": 1,
            "gold": gold.mean(1),
            "proxy": proxy.mean(1),
            "kl": [0.0] * pool.P,
            **shared,
        }
    ]
    for k, n in enumerate(ns):
        points.append(
            {
                "value": n,
                "gold": gold_of_best[:, k],
                "proxy": proxy_of_best[:, k],
                "kl": [kl_best_of_n_bound(n)] * pool.P,
                **shared,
            }
        )
    return points


def job(task):
    """Train and judge one point; write its file. Runs in a process of its own."""
    method, value, seed, part, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model, sample, score
    from course_lib.base import progress, write_json
    from course_lib.models import GoldReward, policy_kl
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    started = time.perf_counter()
    world = Helpdesk()
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(REWARD), device="cpu")
    where = slice(-size["choose"], None) if part == "choose" else slice(0, size["show"])
    prompts, info = (column[where] for column in world.prompts("heldout", seed=0))

    def judged(policy, n):
        pool = sample(policy, prompts, n=n, info=info, seed=2**31 + seed)
        return score(score(pool, GoldReward(world)), reward, "proxy")

    if method == "best-of-N":
        points = best_of_n_points(judged(base, size["bon"]))
    else:
        policy, account, used, labels, history = train_job(method, value, seed, size)
        pool = judged(policy, size["served"])
        points = [
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
    for point in points:
        for name in ("gold", "proxy", "kl", "length"):
            point[name] = [round(float(v), 4) for v in point[name]]
    seconds = time.perf_counter() - started
    write_json(out, {"task": [method, value, seed, part], "seconds": seconds, "points": points})
    return out


# ---- the summary: ``points`` are those of one method and value, one a seed ----------------------


def summary(points):
    """Means with intervals over seeds and prompts, and costs."""
    import numpy as np

    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval

    def mean_of(numbers):
        return float(np.mean(list(numbers)))

    out, means = {}, {}
    for name in ("gold", "proxy", "kl", "length"):
        matrix = np.array([point[name] for point in points])  # (seeds, prompts)
        if len(matrix) > 1 and np.ptp(matrix):
            out[name] = seeds_and_prompts_interval(matrix).to_dict()
        else:
            out[name] = bootstrap_interval(matrix.mean(0)).to_dict()
        means[name] = [round(float(row.mean()), 4) for row in matrix]
    out["by_seed"] = [{name: means[name][s] for name in means} for s in range(len(points))]

    out["tokens"] = mean_of(point["tokens"] for point in points)
    out["labels"] = mean_of(point["labels"] for point in points)
    accounts = [point["account"] for point in points if point["account"]]
    for name in ("tokens_trained", "tokens_scored", "tokens_read", "flops", "seconds"):
        out[name] = mean_of(account[name] for account in accounts) if accounts else 0.0
    models = accounts[0]["models"] if accounts else None
    out["models"] = len(models) if models else None
    return out


def gap(points, others):
    """Interval of the difference in gold of two methods, by seed and prompt."""
    import numpy as np

    from course_lib.estimators import seeds_and_prompts_interval

    gold = np.array([point["gold"] for point in points])
    gold_of_others = np.array([point["gold"] for point in others])
    return seeds_and_prompts_interval(gold - gold_of_others).to_dict()


def collected(runs):
    """method → value → its points, one a seed."""
    found = {}
    for run in runs:
        values = found.setdefault(run["task"][0], {})
        for point in run["points"]:
            values.setdefault(point["value"], []).append(point)
    return found


def best_value(points_of, values):
    """Of ``values`` the one with the highest gold; the first of equals."""
    import numpy as np

    gold = {v: np.mean([p["gold"] for p in points]) for v, points in points_of.items()}
    return max((v for v in gold if v in values), key=gold.__getitem__)


def compared(grid, best, judged):
    """The methods beside each other: what was tried, and what the best values of the dials give."""
    final = {name: judged[name][value] for name, value in best.items()}
    best_of_n = judged["best-of-N"]
    base_points = best_of_n[1]
    methods = {}
    for name, points in final.items():
        methods[name] = {
            "dial": METHODS[name][0],
            "fixed": METHODS[name][2],
            "best": best[name],
            "grid": {str(value): summary(tried) for value, tried in grid[name].items()},
            "shown": summary(points),
            "over_base": gap(points, base_points),
            "history": points[0]["history"],
        }
    rft = final["RFT, one round"]
    return {
        "methods": methods,
        "best_of_n": {str(n): summary(points) for n, points in best_of_n.items()},
        "base": summary(base_points),
        "rft_minus": {
            name: gap(rft, points) for name, points in final.items() if name != "RFT, one round"
        },
    }


# ---- printing ----------------------------------------------------------------------------------

HEAD = [
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


def show(v, spec=".2f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def row_of(name, method):
    """One line of the printed table."""
    shown = method["shown"]
    bound = "≤ " if name == "best-of-N" else ""
    return [
        name,
        f"{method['dial']} = {method['best']:g}",
        show(shown["gold"]),
        show(shown["proxy"]),
        bound + show(shown["kl"]),
        f"{shown['length']['mean']:.0f}",
        f"{shown['tokens']:,.0f}",
        f"{shown['tokens_trained']:,.0f}",
        f"{shown['labels']:,.0f}",
        str(shown["models"] or "-"),
        f"{shown['seconds']:.0f}",
    ]


def at_the_edge(name, values, best):
    """Is the best value the first or the last of a grid? A wider one might have a better."""
    return name != "best-of-N" and len(values) > 2 and best in (values[0], values[-1])


def lines_of(result, grids):
    """The result as text."""
    from course_lib.experiments import layout

    methods = result["methods"]
    edge = [name for name in methods if at_the_edge(name, grids[name], methods[name]["best"])]
    grid_rows = []
    for name, method in methods.items():
        tried = {v: point for v, point in method["grid"].items() if v != "1"}
        cells = [
            f"{v}: {point['gold']['mean']:.2f} at {point['kl']['mean']:.2f}"
            for v, point in tried.items()
        ]
        grid_rows.append([name, *cells])
    gap_rows = []
    for name, v in result["rft_minus"].items():
        excludes = v["low"] > 0 or v["high"] < 0
        gap_rows.append([name, show(v, "+.2f"), "excludes zero" if excludes else "includes zero"])
    return [
        f"every method may sample {result['size']['budget']:,} tokens; "
        f"chosen on seeds {result['choosing_seeds']}, shown on seeds {result['shown_seeds']}; "
        f"base: gold {show(result['base']['gold'])}",
        "",
        *layout([HEAD, *(row_of(name, method) for name, method in methods.items())]),
        f"best value at the edge of its grid: {', '.join(edge) or 'none'}; intervals from "
        f"{len(result['shown_seeds'])} seeds are somewhat narrow when the spread is between seeds",
        "",
        "the whole grid (choosing seeds): gold at KL",
        *layout(grid_rows),
        "",
        "gold, RFT one round minus",
        *layout(gap_rows),
    ]


# ---- the whole ---------------------------------------------------------------------------------


def size_of(quick, base):
    """The sizes of this run, with its budget: the tokens of 16 replies of the base a prompt."""
    from course_lib import sample
    from course_lib.worlds import Helpdesk

    size = dict(QUICK if quick else FULL)
    prompts, _ = Helpdesk().prompts("train", seed=0)
    count = size["replies"] // 16
    size["budget"] = int(sample(base, prompts[:count], n=16, seed=0).lengths.sum())
    return size


def task_of(method, value, seed, part, size, key, folder):
    """One run; ``key``: a fingerprint of what it depends on besides its own name."""
    shown = "" if method == "best-of-N" else value
    name = f"{method}-{shown}-{seed}-{part}-{key}"
    slug = "".join(c if c.isalnum() else "-" for c in name)
    return (method, value, seed, part, size, str(folder / f"{slug}.json"))


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/frontier")
    parser.add_argument("--figure", help="also draw the frontier to this file")
    args = parser.parse_args()

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.methods import fingerprint

    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    size = size_of(args.quick, base)
    names = QUICK_METHODS if args.quick else tuple(METHODS)
    choosing, shown = (CHOOSING[:1], SHOWN[:2]) if args.quick else (CHOOSING, SHOWN)
    grids = {name: METHODS[name][1][1:3] if args.quick else METHODS[name][1] for name in names}
    began = time.perf_counter()
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: fingerprint([size, base, METHODS[name][2], REWARD])[:8] for name in names}

    def tasks_of(part, seeds, values_of):
        tasks = []
        for name in sorted(names, key=lambda name: name != "PPO"):  # the longest first
            # one pool has every N
            values = [0] if name == "best-of-N" else values_of[name]
            for seed in seeds:
                for value in values:
                    tasks.append(task_of(name, value, seed, part, size, keys[name], folder))
        return tasks

    to_choose = tasks_of("choose", choosing, grids)
    tried = collected(run_jobs(job, to_choose, args.workers, say))
    grid = {
        name: {v: points for v, points in tried[name].items() if v in (*grids[name], 1)}
        for name in names
    }
    best = {name: best_value(grid[name], grids[name]) for name in names}

    to_show = tasks_of("show", shown, {name: [best[name]] for name in names})
    judged = collected(run_jobs(job, to_show, args.workers, say))
    files = [Path(task[-1]) for task in (*to_choose, *to_show)]
    result = {
        "command": "python benchmarks/frontier.py" + (" --quick" if args.quick else ""),
        "size": size,
        "choosing_seeds": choosing,
        "shown_seeds": shown,
        **compared(grid, best, judged),
        "process_seconds": sum(
            json.loads(file.read_text(encoding="utf-8"))["seconds"] for file in files
        ),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    if args.figure:
        from course_lib.classroom.plots import frontier

        frontier(result, quiet=args.json).savefig(args.figure, dpi=150)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines_of(result, grids))


if __name__ == "__main__":
    main()
