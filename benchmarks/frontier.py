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
MEASURES = ("gold", "proxy", "kl", "length")
COLUMNS = [
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


def rft(settings, base, reward, prompts, info, size, seed):
    """Rounds of RFT within the budget. Returns policy, tokens used, new labels, history."""
    from course_lib import finetune, score, select_best
    from course_lib.base import hold
    from course_lib.methods import train_reward_model
    from course_lib.pools import Selection, annotate
    from course_lib.worlds import Annotator

    n, rounds = settings["N"], settings["rounds"]
    # while training; sampling, scoring and training follow each other
    hold(policy=base.model)
    count = size["replies"] // n // rounds
    policy = base
    used = labels = 0
    selections, history = [], []
    for r in range(rounds):
        tokens = size["budget"] * (r + 1) / rounds - used
        pool = sample_to_budget(policy, prompts, info, r * count, n, count, tokens, seed + 1000 * r)
        used += int(pool.lengths.sum())
        if "refresh" in settings and r > 0:
            asked = max(16, settings["refresh"] * size["replies"] // FULL["replies"])
            rows = annotate(pool, Annotator(), asked, seed=seed + r)
            labels += len(rows)
            reward = train_reward_model(reward, rows, epochs=2, lr=5e-4, seed=seed)
        selections.append(select_best(score(pool, reward)))
        policy = finetune(
            base,
            Selection.concat(selections) if r else selections[0],
            lr=settings["lr"],
            epochs=settings["epochs"],
            seed=seed,
        )
        mean = float(selections[-1].pool.reward().mean())
        history.append({"reward": mean, "tokens": used})
    return policy, used, labels, history


def train_dpo(settings, base, reward, prompts, info, size, seed):
    """DPO on one pool that fills the budget. Returns policy, tokens used, new labels, history."""
    from course_lib import score
    from course_lib.methods import dpo, pairs_from

    n = settings["n"]
    count = size["replies"] // n
    pool = sample_to_budget(base, prompts, info, 0, n, count, size["budget"], seed)
    policy = dpo(
        base,
        pairs_from(base, score(pool, reward)),
        beta=settings["beta"],
        lr=settings["lr"],
        epochs=settings["epochs"],
        seed=seed,
    )
    return policy, int(pool.lengths.sum()), 0, policy.training_log.steps


def train_online(method, settings, base, reward, prompts, info, size, seed):
    """An online method until the budget ends it. Returns policy and history."""
    from course_lib.methods import grpo, ppo

    rows = settings["prompts_per_step"] * settings.get("n", 1)
    common = {
        "info": info,
        "steps": 2 * size["replies"] // rows,  # the budget ends it
        "seed": seed,
        "token_budget": size["budget"],
        **settings,
    }
    if method == "PPO":
        policy = ppo(base, prompts, reward, **common)
    else:
        policy = grpo(base, prompts, reward, method=method.lower(), **common)
    return policy, policy.training_log.steps


def train_job(method, value, seed, size):
    """One training run.

    Returns the policy, its account, the tokens of the budget it used, new labels, and history.
    """
    import torch

    from course_lib import assets, load_policy, load_reward_model
    from course_lib.base import Account
    from course_lib.worlds import Helpdesk

    dial, _, fixed = METHODS[method]
    settings = {**fixed, dial: value}
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(REWARD), device="cpu")
    prompts, info = Helpdesk().prompts("train", seed=seed)
    given = (settings, base, reward, prompts, info, size, seed)
    with Account() as account:
        if method.startswith("RFT"):
            policy, used, labels, history = rft(*given)
        elif method == "DPO":
            policy, used, labels, history = train_dpo(*given)
        else:
            policy, history = train_online(method, *given)
            used = account.tokens_sampled
            labels = 0
    assert all(torch.isfinite(p).all() for p in policy.model.parameters())
    some = history[:: max(1, len(history) // 16)]
    history = [{name: round(float(v), 4) for name, v in step.items()} for step in some]
    return policy, account, used, labels, history


def best_of_n_points(pool):
    """The points of best-of-N by the proxy, and before them one candidate taken at random."""
    from course_lib.estimators import best_of_n_curve, kl_best_of_n_bound

    ns = [n for n in METHODS["best-of-N"][1] if n <= pool.N]
    proxy, gold = pool.rewards["proxy"], pool.rewards["gold"]
    gold_curve = best_of_n_curve(proxy, gold, ns)  # (P, len(ns))
    proxy_curve = best_of_n_curve(proxy, proxy, ns)
    common = {
        "length": pool.lengths.float().mean(1),
        "tokens": 0,
        "labels": 0,
        "account": None,
        "history": [],
    }
    points = [{"value": 1, "gold": gold.mean(1), "proxy": proxy.mean(1), "kl": [0.0] * pool.P}]
    for k, n in enumerate(ns):
        kl = [kl_best_of_n_bound(n)] * pool.P
        points.append({"value": n, "gold": gold_curve[:, k], "proxy": proxy_curve[:, k], "kl": kl})
    return [{**point, **common} for point in points]


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
    prompts, info = world.prompts("heldout", seed=0)
    where = slice(-size["choose"], None) if part == "choose" else slice(0, size["show"])

    def judged(policy, n):
        pool = sample(policy, prompts[where], n=n, info=info[where], seed=2**31 + seed)
        return score(score(pool, GoldReward(world)), reward, "proxy")

    if method == "best-of-N":
        points = best_of_n_points(judged(base, size["bon"]))
    else:
        policy, account, used, labels, history = train_job(method, value, seed, size)
        pool = judged(policy, size["served"])
        point = {
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
        points = [point]
    for point in points:
        for name in MEASURES:
            point[name] = [round(float(v), 4) for v in point[name]]
    seconds = time.perf_counter() - started
    write_json(out, {"task": [method, value, seed, part], "seconds": seconds, "points": points})
    return out


def summary(points):
    """The points of one value over seeds: intervals, means by seed, and what they cost."""
    import numpy as np

    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval

    matrix = {m: np.array([p[m] for p in points]) for m in MEASURES}  # (seeds, prompts) each
    out = {}
    for m, values in matrix.items():
        several = len(values) > 1 and np.ptp(values)
        found = (
            seeds_and_prompts_interval(values) if several else bootstrap_interval(values.mean(0))
        )
        out[m] = found.to_dict()
    out["by_seed"] = [
        {m: round(float(values[k].mean()), 4) for m, values in matrix.items()}
        for k in range(len(points))
    ]
    accounts = [p["account"] for p in points if p["account"]]
    out["tokens"] = float(np.mean([p["tokens"] for p in points]))
    out["labels"] = float(np.mean([p["labels"] for p in points]))
    for m in ("tokens_trained", "tokens_scored", "tokens_read", "flops", "seconds"):
        out[m] = float(np.mean([a[m] for a in accounts])) if accounts else 0.0
    out["models"] = len(accounts[0]["models"]) if accounts and accounts[0]["models"] else None
    return out


def gap(points, others):
    """Interval of the difference in gold of two methods, by seed and prompt."""
    import numpy as np

    from course_lib.estimators import seeds_and_prompts_interval

    difference = np.array([p["gold"] for p in points]) - np.array([p["gold"] for p in others])
    return seeds_and_prompts_interval(difference).to_dict()


def show(v, spec=".2f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def table_row(name, method):
    """One method's row of the table."""
    shown = method["shown"]
    return [
        name,
        f"{method['dial']} = {method['best']:g}",
        show(shown["gold"]),
        show(shown["proxy"]),
        ("≤ " if name == "best-of-N" else "") + show(shown["kl"]),
        f"{shown['length']['mean']:.0f}",
        f"{shown['tokens']:,.0f}",
        f"{shown['tokens_trained']:,.0f}",
        f"{shown['labels']:,.0f}",
        str(shown["models"] or "-"),
        f"{shown['seconds']:.0f}",
    ]


def lines_of(result, edge):
    """The result for a reader; ``edge``: methods whose best value ends its grid."""
    from course_lib.experiments import layout

    methods = result["methods"]
    lines = [
        f"every method may sample {result['size']['budget']:,} tokens; chosen on seeds "
        f"{result['choosing_seeds']}, shown on seeds {result['shown_seeds']}; base: gold "
        f"{show(result['base']['gold'])}",
        "",
    ]
    lines += layout([COLUMNS, *(table_row(name, method) for name, method in methods.items())])
    lines += [
        f"best value at the edge of its grid: {', '.join(edge) or 'none'}; intervals from "
        f"{len(result['shown_seeds'])} seeds are somewhat narrow when the spread is between seeds",
        "",
        "the whole grid (choosing seeds): gold at KL",
    ]
    rows = []
    for name, method in methods.items():
        points = [
            f"{v}: {g['gold']['mean']:.2f} at {g['kl']['mean']:.2f}"
            for v, g in method["grid"].items()
            if v != "1"
        ]
        rows.append([name, *points])
    lines += layout(rows)
    lines += ["", "gold, RFT one round minus"]
    rows = []
    for name, v in result["rft_minus"].items():
        apart = v["low"] > 0 or v["high"] < 0
        rows.append([name, show(v, "+.2f"), "excludes zero" if apart else "includes zero"])
    return lines + layout(rows)


class Plan:
    """Which training runs to make, and where their files are."""

    def __init__(self, args):
        from course_lib import assets, load_policy, sample
        from course_lib.methods import fingerprint
        from course_lib.worlds import Helpdesk

        self.size = dict(QUICK if args.quick else FULL)
        self.names = QUICK_METHODS if args.quick else tuple(METHODS)
        self.choosing = CHOOSING[:1] if args.quick else CHOOSING
        self.shown = SHOWN[:2] if args.quick else SHOWN
        self.grids = {}
        for name in self.names:
            grid = METHODS[name][1]
            self.grids[name] = grid[1:3] if args.quick else grid
        base = load_policy(assets.path("helpdesk/policy"), device="cpu")
        prompts, _ = Helpdesk().prompts("train", seed=0)
        count = self.size["replies"] // 16
        one = sample(base, prompts[:count], n=16, seed=0)
        self.size["budget"] = int(one.lengths.sum())
        self.folder = Path(args.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        # what a run depends on besides its own name
        self.keys = {
            name: fingerprint([self.size, base, METHODS[name][2], REWARD])[:8]
            for name in self.names
        }
        self.order = sorted(self.names, key=lambda name: name != "PPO")  # the longest first

    def task(self, method, value, seed, part):
        at = "" if method == "best-of-N" else value
        name = f"{method}-{at}-{seed}-{part}-{self.keys[method]}"
        slug = "".join(c if c.isalnum() else "-" for c in name)
        return (method, value, seed, part, self.size, str(self.folder / f"{slug}.json"))

    def to_choose(self):
        """Every value of every grid. One pool of best-of-N serves all its values."""
        return [
            self.task(name, value, seed, "choose")
            for name in self.order
            for seed in self.choosing
            for value in (self.grids[name] if name != "best-of-N" else [0])
        ]

    def to_show(self, best):
        """The chosen values, on other seeds and prompts."""
        return [
            self.task(name, best[name] if name != "best-of-N" else 0, seed, "show")
            for name in self.order
            for seed in self.shown
        ]


def chosen(plan, results):
    """(method → value → points, method → the value with the highest gold)."""
    import numpy as np

    grid = {name: {} for name in plan.names}
    for result in results:
        name = result["task"][0]
        for point in result["points"]:
            if point["value"] in (*plan.grids[name], 1):
                grid[name].setdefault(point["value"], []).append(point)
    best = {}
    for name in plan.names:
        gold = {v: np.mean([p["gold"] for p in points]) for v, points in grid[name].items()}
        best[name] = max((v for v in grid[name] if v in plan.grids[name]), key=gold.get)
    return grid, best


def main():
    parser, say = job_options(__doc__, "runs/frontier")
    parser.add_argument("--figure", help="also draw the frontier to this file")
    args = parser.parse_args()

    from course_lib.base import versions, write_json

    plan = Plan(args)
    names = plan.names
    began = time.perf_counter()
    tasks = plan.to_choose()
    grid, best = chosen(plan, run_jobs(job, tasks, args.workers, say))
    final = {name: [] for name in names}
    best_of_n = {}
    for result in run_jobs(job, plan.to_show(best), args.workers, say):
        name = result["task"][0]
        for point in result["points"]:
            if name == "best-of-N":
                best_of_n.setdefault(point["value"], []).append(point)
            if point["value"] == best[name]:
                final[name].append(point)
    base_points = best_of_n[1]
    files = [Path(task[-1]) for task in tasks + plan.to_show(best)]
    methods = {
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
    }
    one_round = final["RFT, one round"]
    result = {
        "command": "python benchmarks/frontier.py" + (" --quick" if args.quick else ""),
        "size": plan.size,
        "choosing_seeds": plan.choosing,
        "shown_seeds": plan.shown,
        "methods": methods,
        "best_of_n": {str(n): summary(points) for n, points in best_of_n.items()},
        "base": summary(base_points),
        "rft_minus": {
            name: gap(one_round, final[name]) for name in names if name != "RFT, one round"
        },
        "process_seconds": sum(json.loads(file.read_text())["seconds"] for file in files),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    edge = []
    for name in names:
        ends = plan.grids[name][0], plan.grids[name][-1]
        if name != "best-of-N" and len(plan.grids[name]) > 2 and best[name] in ends:
            edge.append(name)
    if not args.quick:
        write_json(RESULTS, result)
    if args.figure:
        from course_lib.classroom.plots import frontier

        frontier(result, quiet=args.json).savefig(args.figure, dpi=150)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines_of(result, edge))


if __name__ == "__main__":
    main()
