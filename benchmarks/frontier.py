"""The methods beside each other on the help desk, at one budget of sampled tokens and each at its
best temperature: best-of-N, RFT, RAFT++, DPO, iterative DPO, GRPO, RLOO, PPO and vBoN.

    python benchmarks/frontier.py [--quick] [--json] [--out DIR] [--figure FILE.png] [--workers K]

Every method may sample as many tokens as 256 prompts × 16 replies of the base policy take, and
scores them with the same reward model. The temperature it is served at is a dial of every method,
the base policy included. Training methods have two more: RFT its N and learning rate, DPO β and
learning rate, the online methods learning rate and the weight of the KL penalty; the second is
tried at the best value of the first. All have the same schedule of the learning rate. Dials are
chosen by gold on one seed and on held-out prompts; the chosen values are trained on other seeds and
judged on held-out prompts that share no wording with those, on ten seeds each. The arm "at GRPO's
FLOPs" may sample more, so that it costs about as many operations.

Intervals are for other seeds and other prompts of the same 32 topics, with topics as the units.
Where methods are compared, it is said which differences are left when all are corrected for their
number (Bonferroni). Each training run is a file under DIR (default runs/frontier): an interrupted
benchmark goes on. course_lib/results/frontier.json is what the lessons read.
"""

import json
import time
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "frontier.json"
CHOOSING = 10
REWARD = "helpdesk/reward-8000"
TEMPERATURES = (1.0, 0.7, 0.5, 0.3, 0.1)
FULL = {"replies": 4096, "choose": 96, "show": 192, "served": 4, "bon": 64, "labels": 1000}
QUICK = {"replies": 128, "choose": 8, "show": 12, "served": 2, "bon": 4, "labels": 32}
TRAINED = {"lr": 1e-3, "epochs": 3}
ONLINE = {"n": 8, "prompts_per_step": 16, "schedule": "cosine"}
PAIRS = {"lr": 3e-4, "epochs": 3, "n": 16, "pairs": 4}
SEEDS = list(range(10))  # shown; best-of-N trains nothing and takes the first
# method: kind, fixed settings, dials in the order they are tried
METHODS = {
    "best-of-N": ("best", {}, {"N": [4, 16, 64]}),
    "RFT": ("rft", TRAINED, {"N": [4, 8, 16, 32], "lr": [5e-4, 2e-3]}),
    "RFT at GRPO's FLOPs": ("rft", {**TRAINED, "times": 3.5}, {"N": [16, 32]}),
    "RFT, three rounds pooled": ("rft", {**TRAINED, "rounds": 3}, {"N": [4, 8, 16]}),
    "RFT, three rounds, reward model refreshed": (
        "rft",
        {**TRAINED, "rounds": 3, "refresh": True},
        {"N": [4, 8, 16]},
    ),
    "RAFT++": ("raft++", {**ONLINE, "updates": 2}, {"lr": [3e-5, 1e-4, 3e-4]}),
    "DPO": ("dpo", PAIRS, {"beta": [0.1, 0.3, 1.0], "lr": [1e-4, 1e-3]}),
    "DPO, three rounds": ("dpo", {**PAIRS, "rounds": 3}, {"beta": [0.1, 0.3, 1.0]}),
    "GRPO": ("grpo", {**ONLINE, "beta": 0.05}, {"lr": [1e-4, 3e-4, 1e-3], "beta": [0.0, 0.2]}),
    "GRPO without std": (
        "grpo",
        {**ONLINE, "beta": 0.05, "advantage": "group"},
        {"lr": [1e-4, 3e-4, 1e-3], "beta": [0.0, 0.2]},
    ),
    "RLOO": ("rloo", {**ONLINE, "beta": 0.05}, {"lr": [1e-4, 3e-4, 1e-3], "beta": [0.0, 0.2]}),
    "PPO": (
        "ppo",
        {
            "prompts_per_step": 128,
            "updates": 2,
            "critic_lr": 1e-3,
            "schedule": "cosine",
            "beta": 0.05,
        },
        {"lr": [1e-4, 3e-4, 1e-3], "beta": [0.2]},
    ),
    "vBoN": ("vbon", {**ONLINE, "base_n": 8}, {"target_n": [16, 64], "lr": [3e-4]}),
}
DEFAULTS = {"vBoN": {"lr": 1e-3}}  # of a dial that is not among the fixed settings
# differences shown beside those of RFT
PAIRS_SHOWN = (
    ("GRPO without std", "GRPO"),
    ("RLOO", "GRPO without std"),
    ("DPO, three rounds", "DPO"),
    ("RFT, three rounds pooled", "RFT"),
    ("RFT, three rounds, reward model refreshed", "RFT, three rounds pooled"),
    ("RFT at GRPO's FLOPs", "GRPO"),
)
QUICK_METHODS = ("best-of-N", "RFT", "DPO", "GRPO", "PPO", "vBoN")


# ---- prompts -----------------------------------------------------------------------------------


def held_out(world, size, part):
    """Held-out prompts to "choose" on or to "show": they share no wording of a topic."""
    prompts, info = world.prompts("heldout", seed=0)
    wordings = sorted({(about["topic"], about["phrasing"]) for about in info})
    choosing = set(wordings[::4])
    kept = [
        (prompt, about)
        for prompt, about in zip(prompts, info, strict=True)
        if ((about["topic"], about["phrasing"]) in choosing) == (part == "choose")
    ][: size[part]]
    return [prompt for prompt, _ in kept], [about for _, about in kept]


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


# ---- training ----------------------------------------------------------------------------------


def train_rft(base, reward, data, settings, size, seed):
    """RFT: rounds of sampling, selecting and training the base on all that was selected.

    Returns (policy, sampled tokens, new labels, history).
    """
    from course_lib import finetune, score, select_best
    from course_lib.base import hold
    from course_lib.methods import train_reward_model
    from course_lib.pools import Selection, annotate
    from course_lib.worlds import Annotator

    n, rounds, times = settings["N"], settings.get("rounds", 1), settings.get("times", 1)
    count = int(size["replies"] * times) // n // rounds  # prompts a round
    budget = size["budget"] * times
    # while training; sampling, scoring and training follow each other
    hold(policy=base.model)
    policy, used, labels = base, 0, 0
    selections, history = [], []
    for r in range(rounds):
        left = budget * (r + 1) / rounds - used
        pool = sample_to_budget(policy, *data, r * count, n, count, left, seed + 1000 * r)
        used += int(pool.lengths.sum())
        if settings.get("refresh") and r > 0:
            rows = annotate(pool, Annotator(), size["labels"], seed=seed + r)
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
    """DPO on the best and worst of each prompt, in rounds: each samples from the policy so far."""
    from course_lib import score
    from course_lib.methods import dpo, pairs_from

    n, rounds = settings["n"], settings.get("rounds", 1)
    count = size["replies"] // n // rounds
    policy, used, history = base, 0, []
    for r in range(rounds):
        left = size["budget"] * (r + 1) / rounds - used
        pool = sample_to_budget(policy, *data, r * count, n, count, left, seed + 1000 * r)
        used += int(pool.lengths.sum())
        policy = dpo(
            policy,
            pairs_from(base, score(pool, reward), k=settings["pairs"]),
            reference=base,
            beta=settings["beta"],
            lr=settings["lr"],
            epochs=settings["epochs"],
            seed=seed,
        )
        history += policy.training_log.steps
    return policy, used, 0, history


def train_online(kind, base, reward, data, settings, size, seed):
    """PPO, GRPO, RLOO or RAFT++ until the budget ends it. Returns the policy."""
    from course_lib.methods import grpo, ppo

    prompts, info = data
    replies_per_step = settings["prompts_per_step"] * settings.get("n", 1)
    common = {
        "info": info,
        "steps": max(1, size["replies"] // replies_per_step),
        "seed": seed,
        "token_budget": size["budget"],
        **settings,
    }
    if kind == "ppo":
        return ppo(base, prompts, reward, **common)
    return grpo(base, prompts, reward, method=kind, **common)


def train_vbon(base, reward, data, settings, size, seed):
    """Best-of-n's distribution by the backward KL: RLOO on the rank among the base's replies.

    Half of the budget is the base's replies, among which ranks are taken.
    """
    from course_lib import score
    from course_lib.methods import LogRank, backward_beta, grpo

    prompts, info = data
    n = settings["base_n"]
    half = size["budget"] // 2
    count = size["replies"] // 2 // n
    pool = sample_to_budget(base, prompts, info, 0, n, count, half, seed)
    pool = score(pool, reward)
    steps = max(1, size["replies"] // 2 // (settings["prompts_per_step"] * settings["n"]))
    policy = grpo(
        base,
        pool.prompts,
        LogRank(reward, pool),
        info=pool.info,
        method="rloo",
        beta=backward_beta(settings["target_n"]),
        lr=settings["lr"],
        n=settings["n"],
        prompts_per_step=settings["prompts_per_step"],
        schedule=settings["schedule"],
        steps=steps,
        token_budget=size["budget"] - int(pool.lengths.sum()),
        seed=seed,
    )
    return policy, 0, policy.training_log.steps


def train_job(method, dials, seed, size):
    """One training run: the policy, its account, tokens of the budget, labels, thinned history."""
    import torch

    from course_lib import assets, load_policy, load_reward_model
    from course_lib.base import Account
    from course_lib.worlds import Helpdesk

    kind, fixed, _ = METHODS[method]
    settings = {**DEFAULTS.get(method, {}), **fixed, **dials}
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(REWARD), device="cpu")
    data = Helpdesk().prompts("train", seed=seed)
    with Account() as account:
        if kind == "rft":
            policy, used, labels, history = train_rft(base, reward, data, settings, size, seed)
        elif kind == "dpo":
            policy, used, labels, history = train_dpo(base, reward, data, settings, size, seed)
        elif kind == "vbon":
            policy, labels, history = train_vbon(base, reward, data, settings, size, seed)
            used = account.tokens_sampled
        else:
            policy = train_online(kind, base, reward, data, settings, size, seed)
            used, labels = account.tokens_sampled, 0
            history = policy.training_log.steps
    assert all(torch.isfinite(p).all() for p in policy.model.parameters())
    thin = history[:: max(1, len(history) // 16)]
    return policy, account, used, labels, [rounded(row) for row in thin]


def rounded(row):
    """A dictionary of numbers, rounded."""
    return {name: round(float(value), 4) for name, value in row.items()}


# ---- judging -----------------------------------------------------------------------------------


def served_at(pool, base, temperature):
    """What one reply is worth, by prompt."""
    from course_lib.models import policy_kl

    return {
        "gold": listed(pool.rewards["gold"].mean(1)),
        "proxy": listed(pool.rewards["proxy"].mean(1)),
        "kl": listed(policy_kl(pool, base, 1.0)),
        "length": listed(pool.lengths.float().mean(1)),
        "temperature": temperature,
    }


def listed(values):
    return [round(float(value), 4) for value in values]


def best_of_n_at(pool, temperature, sizes):
    """N → gold, proxy, bound on KL from the base at that temperature, and length, by prompt."""
    from course_lib.estimators import best_of_n_curve, kl_best_of_n_bound

    proxy, gold = pool.rewards["proxy"], pool.rewards["gold"]
    sizes = [n for n in sizes if n <= pool.N]
    by_gold = best_of_n_curve(gold, gold, sizes)
    gold_of_best = best_of_n_curve(proxy, gold, sizes)
    proxy_of_best = best_of_n_curve(proxy, proxy, sizes)
    length = listed(pool.lengths.float().mean(1))
    return {
        str(n): {
            "gold": listed(gold_of_best[:, k]),
            "ceiling": listed(by_gold[:, k]),
            "proxy": listed(proxy_of_best[:, k]),
            "kl": [round(kl_best_of_n_bound(n), 4)] * pool.P,
            "length": length,
            "temperature": temperature,
        }
        for k, n in enumerate(sizes)
    }


def job(task):
    """Train and judge one point; write its file. Runs in a process of its own."""
    method, dials, seed, part, temperatures, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model, sample, score
    from course_lib.base import progress, write_json
    from course_lib.models import GoldReward
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    started = time.perf_counter()
    world = Helpdesk()
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(REWARD), device="cpu")
    prompts, info = held_out(world, size, part)
    facts = {}
    policy, n = base, size["bon"]
    if method != "best-of-N":
        policy, account, used, labels, history = train_job(method, dials, seed, size)
        n = size["served"]
        facts = {
            "tokens": used,
            "labels": labels,
            "account": account.to_dict(),
            "history": history,
        }
    at = {}
    for temperature in temperatures:
        pool = sample(policy, prompts, n=n, temperature=temperature, info=info, seed=2**31 + seed)
        pool = score(score(pool, GoldReward(world)), reward, "proxy")
        at[f"{temperature:g}"] = (
            {"1": served_at(pool, base, temperature)}
            if method != "best-of-N"
            else best_of_n_at(pool, temperature, [1, *METHODS[method][2]["N"]])
        )
    seconds = time.perf_counter() - started
    write_json(out, {"task": [method, dials, seed, part], "seconds": seconds, "at": at, **facts})
    return out


# ---- the summary -------------------------------------------------------------------------------


def gold_of(run, temperature, n="1"):
    """(P,) gold of a run at a temperature."""
    import numpy as np

    return np.array(run["at"][f"{temperature:g}"][n]["gold"])


def best_served(run, ns=("1",)):
    """(mean gold, temperature, N) of the best temperature, and N, of one run."""
    found = []
    for temperature, sizes in run["at"].items():
        for n in ns:
            if n in sizes:
                gold = sizes[n]["gold"]
                found.append((sum(gold) / len(gold), float(temperature), n))
    return max(found)


def interval(matrix, topics, level=0.95):
    """An interval for other seeds and prompts, or for other prompts where there is one seed."""
    import numpy as np

    from course_lib.estimators import between_seeds_interval, bootstrap_interval

    matrix = np.asarray(matrix, float)
    if len(matrix) == 1 or np.ptp(matrix) == 0:
        if np.ptp(matrix) == 0:
            same = float(matrix.flat[0])
            return {"mean": same, "low": same, "high": same, "level": level, "n": len(matrix)}
        return bootstrap_interval(matrix[0], level=level, groups=topics).to_dict()
    return between_seeds_interval(matrix, level=level, groups=topics).to_dict()


def summary(runs, temperature, topics, n="1"):
    """Means with intervals over seeds and prompts at one temperature, and costs."""
    import numpy as np

    key = f"{temperature:g}"
    out, means = {"temperature": temperature}, {}
    for name in ("gold", "proxy", "kl", "length"):
        matrix = np.array([run["at"][key][n][name] for run in runs])
        out[name] = interval(matrix, topics)
        means[name] = [round(float(row.mean()), 4) for row in matrix]
    out["by_seed"] = [{name: means[name][s] for name in means} for s in range(len(runs))]
    return out


def costs(runs):
    """What training took, on average over seeds."""
    import numpy as np

    accounts = [run["account"] for run in runs if "account" in run]

    def mean_of(numbers):
        return float(np.mean(list(numbers)))

    if not accounts:
        return {"tokens": 0.0, "labels": 0.0, "models": None, "flops": 0.0, "seconds": 0.0}
    kept = ("tokens_trained", "tokens_scored", "tokens_read", "flops", "seconds")
    return {
        "tokens": mean_of(run["tokens"] for run in runs),
        "labels": mean_of(run["labels"] for run in runs),
        "models": len(accounts[0]["models"]),
        **{name: mean_of(account[name] for account in accounts) for name in kept},
    }


def tried_point(run, dials, n, temperature, topics):
    """A value of the dials that was tried: gold, proxy and KL at its best temperature and at 1."""

    def at(served):
        found = run["at"][f"{served:g}"][n]
        return {what: interval([found[what]], topics) for what in ("gold", "proxy", "kl")}

    return {"dials": dials, "temperature": temperature, **at(temperature), "at_1": at(1.0)}


def pair_of(runs, others):
    """Runs of two methods seed by seed: the seeds that both have; the base's one run fits all."""
    if len(others) == 1:
        others = others * len(runs)
    if len(runs) == 1:
        runs = runs * len(others)
    count = min(len(runs), len(others))
    return list(zip(runs[:count], others[:count], strict=True))


def gap(one, other, topics, comparisons):
    """Interval of the difference in gold of two (runs, temperature, n), by seed and prompt."""
    import numpy as np

    (runs, t, n), (others, u, m) = one, other
    rows = np.array([gold_of(a, t, n) - gold_of(b, u, m) for a, b in pair_of(runs, others)])
    corrected = interval(rows, topics, 1 - 0.05 / comparisons)
    return {
        **interval(rows, topics),
        "by_seed": [round(float(row.mean()), 4) for row in rows],
        "corrected": [corrected["low"], corrected["high"]],
    }


# ---- printing ----------------------------------------------------------------------------------

HEAD = ["method", "dials", "T", "gold", "at T = 1", "proxy", "KL", "sampled", "trained on", "FLOPs"]


def show(v, spec=".2f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def told(dials):
    return ", ".join(f"{name} = {value:g}" for name, value in dials.items())


def row_of(name, method):
    """One line of the printed table."""
    shown, cost = method["shown"], method["cost"]
    return [
        name,
        told(method["best"]),
        f"{shown['temperature']:g}",
        show(shown["gold"]),
        show(method["at_1"]["gold"]),
        f"{shown['proxy']['mean']:.2f}",
        f"{shown['kl']['mean']:.2f}",
        f"{cost['tokens']:,.0f}",
        f"{cost.get('tokens_trained', 0):,.0f}",
        f"{cost['flops']:.1e}",
    ]


def lines_of(result):
    """The result as text."""
    from course_lib.experiments import layout

    methods = result["methods"]
    rows = [HEAD, ["base", "", f"{result['base']['temperature']:g}", show(result["base"]["gold"]),
                   show(result["base_at_1"]["gold"]), "", "", "", "", ""]]  # fmt: skip
    rows += [row_of(name, method) for name, method in methods.items()]
    grid = []
    for name, method in methods.items():
        cells = [
            f"{dials}: {point['gold']['mean']:.2f} at {point['temperature']:g}"
            for dials, point in method["grid"].items()
        ]
        grid.append([name, *cells])
    width = max(map(len, grid))
    gaps = []
    for name, v in result["rft_minus"].items():
        low, high = v["corrected"]
        told_apart = "excludes zero" if v["low"] > 0 or v["high"] < 0 else "includes zero"
        if low > 0 or high < 0:
            told_apart += ", also corrected"
        gaps.append([name, show(v, "+.2f"), told_apart, str(v["by_seed"])])
    return [
        f"every method may sample {result['size']['budget']:,} tokens; dials chosen on seed "
        f"{CHOOSING} and other prompts",
        "",
        *layout(rows),
        "",
        "what was tried (choosing seed): gold at the best temperature",
        *layout([row + [""] * (width - len(row)) for row in grid]),
        "",
        f"gold of RFT minus, each at its best temperature ({len(gaps)} comparisons)",
        *layout(gaps),
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


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/frontier")
    parser.add_argument("--figure", help="also draw the frontier to this file")
    args = parser.parse_args()

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.methods import fingerprint
    from course_lib.worlds import Helpdesk

    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    size = size_of(args.quick, base)
    temperatures = TEMPERATURES[:2] if args.quick else TEMPERATURES
    names = [name for name in METHODS if not args.quick or name in QUICK_METHODS]
    names.sort(key=lambda name: name != "PPO")  # the longest first
    began = time.perf_counter()
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: fingerprint([size, base, METHODS[name][:2], REWARD])[:8] for name in names}
    files = []

    def task(name, dials, seed, part, at):
        slug = "".join(c if c.isalnum() else "-" for c in f"{name}-{told(dials)}-{seed}-{part}")
        shown = "-".join(f"{t:g}" for t in at)
        file = str(folder / f"{slug}-{shown}-{keys[name]}.json")
        files.append(file)
        return (name, dials, seed, part, list(at), size, file)

    def seeds_of(name):
        if name == "best-of-N":
            return SEEDS[:1]
        return SEEDS[:2] if args.quick else SEEDS

    # the first dial, then the second at the best value of the first
    choosing_topics = [about["topic"] for about in held_out(Helpdesk(), size, "choose")[1]]
    grid = {name: {} for name in names}
    best, chosen = {}, {name: {} for name in names}
    for stage in (0, 1):
        tasks = []
        for name in names:
            dials = list(METHODS[name][2].items())
            if stage >= len(dials):
                continue
            dial, values = dials[stage]
            if name == "best-of-N":
                tasks.append(task(name, {}, CHOOSING, "choose", temperatures))
                continue
            for value in values[:1] if args.quick else values:
                point = {**chosen[name], dial: value}
                tasks.append(task(name, point, CHOOSING, "choose", temperatures))
        for run in run_jobs(job, tasks, args.workers, say):
            name, dials, _, _ = run["task"]
            points = [(dials, "1")]
            if name == "best-of-N":
                _, base_best, _ = best_served(run)
                sizes = [n for n in METHODS[name][2]["N"] if str(n) in run["at"]["1"]]
                points = [({"N": n}, str(n)) for n in sizes]
            for of, n in points:
                _, temperature, _ = best_served(run, (n,))
                grid[name][told(of)] = tried_point(run, of, n, temperature, choosing_topics)
        for name in names:
            first = list(METHODS[name][2])[0]
            best[name] = max(grid[name].values(), key=lambda point: point["gold"]["mean"])
            if stage == 0:
                chosen[name] = {first: best[name]["dials"][first]}

    def at_of(name):
        if name == "best-of-N":
            return sorted({1.0, base_best, best[name]["temperature"]}, reverse=True)
        return sorted({1.0, best[name]["temperature"]}, reverse=True)

    tasks = [
        task(name, {} if name == "best-of-N" else best[name]["dials"], seed, "show", at_of(name))
        for name in names
        for seed in seeds_of(name)
    ]
    runs = {name: [] for name in names}
    for run in run_jobs(job, tasks, args.workers, say):
        runs[run["task"][0]].append(run)

    topics = [about["topic"] for about in held_out(Helpdesk(), size, "show")[1]]
    pool = runs["best-of-N"]
    base_side = (pool, base_best, "1")
    sides = {}
    for name in names:
        n = str(best[name]["dials"]["N"]) if name == "best-of-N" else "1"
        sides[name] = (runs[name], best[name]["temperature"], n)
    others = [name for name in METHODS if name in names and name != "RFT"]
    methods = {}
    for name in METHODS:
        if name not in names:
            continue
        of, temperature, n = sides[name]
        methods[name] = {
            "kind": METHODS[name][0],
            "fixed": METHODS[name][1],
            "best": best[name]["dials"],
            "grid": grid[name],
            "seeds": seeds_of(name),
            "shown": summary(of, temperature, topics, n),
            "at_1": summary(of, 1.0, topics, n),
            "over_base": gap(sides[name], base_side, topics, len(names)),
            "over_base_at_1": gap((of, 1.0, n), (pool, 1.0, "1"), topics, len(names)),
            "cost": costs(of),
            "history": of[0].get("history", []),
        }
    ns = [1, *METHODS["best-of-N"][2]["N"]]
    best_of_n = {
        f"{temperature:g}": {
            str(n): summary(pool, temperature, topics, str(n))
            for n in ns
            if str(n) in pool[0]["at"][f"{temperature:g}"]
        }
        for temperature in at_of("best-of-N")
    }
    result = {
        "command": "python benchmarks/frontier.py" + (" --quick" if args.quick else ""),
        "population": "other wordings of the desk's 32 topics, other seeds of training",
        "size": size,
        "temperatures": list(temperatures),
        "choosing_seed": CHOOSING,
        "methods": methods,
        "best_of_n": best_of_n,
        "base": summary(pool, base_best, topics),
        "base_at_1": summary(pool, 1.0, topics),
        "comparisons": len(others),
        "rft_minus": {name: gap(sides["RFT"], sides[name], topics, len(others)) for name in others},
        "rft_minus_at_1": {
            name: gap(
                (runs["RFT"], 1.0, "1"), (runs[name], 1.0, sides[name][2]), topics, len(others)
            )
            for name in others
        },
        "pairs": {
            f"{a} - {b}": gap(sides[a], sides[b], topics, len(PAIRS_SHOWN))
            for a, b in PAIRS_SHOWN
            if a in names and b in names
        },
        "process_seconds": sum(
            json.loads(Path(file).read_text(encoding="utf-8"))["seconds"] for file in set(files)
        ),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    if args.figure:
        from course_lib.classroom.plots import frontier

        frontier(result, quiet=args.json).savefig(args.figure, dpi=150)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines_of(result))


if __name__ == "__main__":
    main()
