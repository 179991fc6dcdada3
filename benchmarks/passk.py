"""pass@1 against pass@k: what RFT and online training with a verifier do to a policy's breadth, and
whether a lower temperature would have done the same.

    python benchmarks/passk.py [--quick] [--json] [--out DIR] [--workers K]

The bundled policy is trained on problems it has not seen, with the same number of sampled replies
each time: offline by RFT on one right reply for each distinct path (2308.01825), or online with
fresh samples every step. The online methods are RAFT; GRPO, with and without its division by the
group's standard deviation (2503.20783); REINFORCE with rewards of 1 and −1, with and without groups
that are all wrong, and without any group whose rewards are equal (Reinforce-Rej, 2504.11343); and
GRPO on problems that the start policy solves sometimes and not always, which it pays for out of the
same replies (DAPO's filter, 2503.14476, made once).

Learning rates are not tuned for each; all online methods have the same. Every policy and the start
answer the same held-out problems 32 times at temperature 1 and at the temperature that is best for
it, chosen by pass@1 on other problems. Differences are paired over problems, and over seeds.

Each run is a file under DIR (default runs/passk), so an interrupted benchmark goes on.
course_lib/results/passk.json is what lesson 06 reads.
"""

import time
from collections import Counter
from pathlib import Path

from common import finish, job_options, run_jobs
from verifiable import LR, TEMPERATURES, best_temperature, over_seeds_interval, start, unseen

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "passk.json"
FULL = {
    "held_out": 240,
    "n": 32,
    "among": 4,
    "choose": 100,
    "steps": 24,
    "prompts": 32,
    "group": 8,
    "rft_n": 16,
    "rft_epochs": 3,
    "seeds": [0, 1, 2],
}
QUICK = {
    "held_out": 12,
    "n": 4,
    "among": 2,
    "choose": 4,
    "steps": 2,
    "prompts": 4,
    "group": 4,
    "rft_n": 4,
    "rft_epochs": 1,
    "seeds": [0, 1],
}
# REINFORCE sees +1 for right and -1 for wrong and has no baseline, so that an all-wrong group
# pushes everything down
ONLINE = {
    "RAFT": {"method": "raft", "advantage": "positive"},
    "GRPO": {"method": "grpo", "beta": 0.0},
    "GRPO without std": {"method": "grpo", "beta": 0.0, "advantage": "group"},
    "GRPO on decidable problems": {"method": "grpo", "beta": 0.0},
    "REINFORCE": {"method": "reinforce"},
    "REINFORCE without all-wrong groups": {"method": "reinforce", "drop": "wrong"},
    "Reinforce-Rej": {"method": "reinforce", "drop": "equal"},
}
TRAINED = ("RFT", *ONLINE)
BATCH, ONLINE_LR = 64, 3e-4
FILTERED_BY = 4  # replies a problem by which decidable ones are found


def breadth(policy, world, prompts, info, n, temperature=1.0):
    """What a policy does with ``n`` replies to each problem.

    Pass@k, how often each right path came, different texts and entropy, by problem.
    """
    from course_lib import sample, score
    from course_lib.estimators import pass_at_k
    from course_lib.models import GoldReward

    pool = sample(
        policy,
        prompts,
        n=n,
        temperature=temperature,
        max_tokens=world.max_tokens,
        info=info,
        seed=99,
    )
    pool = score(pool, GoldReward(world), "verifier")
    verdicts = pool.rewards["verifier"]  # (P, N) of 0 and 1
    ks = [k for k in (1, 2, 4, 8, 16, 32) if k <= n]
    columns = pass_at_k(verdicts, ks).T  # (len(ks), P)

    paths, entropy = [], []
    for i in range(pool.P):
        right = [t for t, good in zip(pool.texts[i], verdicts[i].tolist(), strict=True) if good]
        counts = Counter(world.path("", text, {}) for text in right)
        paths.append(sorted(counts.values()))
        written = pool.tokens[i] >= 0  # (N, T); the rest is padding
        entropy.append(round(float(-(pool.logprobs[i] * written).sum() / written.sum()), 5))
    return {
        "ks": ks,
        "pass": [[round(float(v), 5) for v in column] for column in columns],
        "paths": paths,
        "right": verdicts.sum(1).int().tolist(),
        "texts": [len(set(texts)) for texts in pool.texts],
        "entropy": entropy,
    }


def judge(policy, world, size, also=()):
    """:func:`breadth` on the held-out problems at 1, at the best temperature, and at ``also``."""
    prompts, info = world.prompts("heldout", limit=size["held_out"], seed=1)
    best, tried = best_temperature(policy, world, size)
    at = {}
    for temperature in {1.0, best, *also}:
        found = breadth(policy, world, prompts, info, size["n"], temperature)
        at[f"{temperature:g}"] = found
    return {
        "temperature": best,
        "tried": {f"{t:g}": round(v, 4) for t, v in tried.items()},
        "at": at,
    }


def rft(policy, world, size, seed):
    """(policy, facts): RFT on one right reply for each distinct path."""
    from course_lib import finetune, sample, score
    from course_lib.base import Account
    from course_lib.models import GoldReward
    from course_lib.pools import distinct_paths

    # as many replies as the online methods sample
    replies = size["steps"] * size["prompts"] * size["group"]
    prompts, info = unseen(world, 0, replies // size["rft_n"])
    pool = sample(
        policy,
        prompts,
        n=size["rft_n"],
        max_tokens=world.max_tokens,
        info=info,
        seed=900 + seed,
    )
    pool = score(pool, GoldReward(world), "verifier")
    kept = distinct_paths(pool, by="verifier", key=world.path)
    with Account() as account:
        trained = finetune(
            policy, kept, epochs=size["rft_epochs"], lr=LR, batch_size=BATCH, seed=seed
        )
    return trained, {
        "kept": len(kept),
        "tokens_sampled": int(pool.lengths.sum()),
        "tokens_trained": account.tokens_trained,
    }


def reward_of(world, method):
    """The verifier as a reward: 1 for right, and for wrong 0, with REINFORCE -1."""
    from course_lib.models import FunctionReward

    low = -1.0 if method == "reinforce" else 0.0

    def verdict(prompt, text, info):
        return 1.0 if world.gold(prompt, text, info) else low

    return FunctionReward(verdict, "verifier")


def decidable_only(policy, world, prompts, info, seed):
    """(prompts, infos, pool): those that the policy solves sometimes and not always."""
    from course_lib import sample, score
    from course_lib.estimators import decidable
    from course_lib.models import GoldReward

    pool = sample(
        policy,
        prompts,
        n=FILTERED_BY,
        max_tokens=world.max_tokens,
        info=info,
        seed=800 + seed,
    )
    pool = score(pool, GoldReward(world), "verifier")
    kept = decidable(pool.reward("verifier")).nonzero()[0]
    if not len(kept):  # of a few problems in a quick run
        kept = range(len(prompts))
    return [prompts[i] for i in kept], [info[i] for i in kept], pool


def online(policy, world, name, size, seed):
    """(policy, facts): one online run."""
    from course_lib.methods import grpo

    settings = dict(ONLINE[name])
    steps = size["steps"]
    prompts, info = unseen(world, 0, steps * size["prompts"])
    spent = 0
    if name == "GRPO on decidable problems":
        prompts, info, pool = decidable_only(policy, world, prompts, info, seed)
        spent = int(pool.lengths.sum())
        # the replies that found them are taken off the steps
        steps = max(1, steps - pool.P * pool.N // (size["prompts"] * size["group"]))
    trained = grpo(
        policy,
        prompts,
        reward_of(world, settings["method"]),
        info,
        steps=steps,
        prompts_per_step=size["prompts"],
        n=size["group"],
        lr=ONLINE_LR,
        max_tokens=world.max_tokens,
        seed=seed,
        **settings,
    )
    log = trained.training_log
    return trained, {
        "kl": log.steps[-1]["kl"],
        "tokens_sampled": spent + log.account.tokens_sampled,
        "tokens_trained": log.account.tokens_trained,
        "problems": len(prompts),
        "steps": steps,
        **{name: [round(v, 4) for v in log.column(name)] for name in ("reward", "entropy", "kept")},
    }


def passk_job(task):
    """Train one method, by its name in TRAINED, and judge it; "start" is judged as it is."""
    name, seed, size, out = task
    from course_lib.base import write_json

    world, policy = start()
    began = time.perf_counter()
    if name == "start":
        trained, facts = policy, {}
    elif name == "RFT":
        trained, facts = rft(policy, world, size, seed)
    else:
        trained, facts = online(policy, world, name, size, seed)
    also = (0.6, 0.2) if name == "start" and size["n"] > 4 else ()
    judged = judge(trained, world, size, also)
    seconds = time.perf_counter() - began
    write_json(out, {"name": name, "seed": seed, **facts, **judged, "seconds": seconds})
    return out


def plan(size, folder):
    """The tasks, seed by seed: each ends in its file."""
    trained = [
        (name, s, size, str(folder / f"passk-{name.replace(' ', '-')}-{s}.json"))
        for s in size["seeds"]
        for name in TRAINED
    ]
    return [("start", 0, size, str(folder / "start.json")), *trained]


def settled(args):
    """(size, folder) of this run."""
    from course_lib import assets, load_policy
    from course_lib.methods import fingerprint

    size = dict(QUICK if args.quick else FULL)
    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    key = fingerprint([size, policy, ONLINE, LR, ONLINE_LR, BATCH, TEMPERATURES])
    folder = Path(args.out) / key[:10]
    folder.mkdir(parents=True, exist_ok=True)
    return size, folder


# ---- the summary -------------------------------------------------------------------------------

LATE = (
    ("GRPO without std", "GRPO"),
    ("GRPO on decidable problems", "GRPO"),
    ("GRPO", "RAFT"),
    ("GRPO", "RFT"),
    ("RAFT", "RFT"),
    ("REINFORCE without all-wrong groups", "REINFORCE"),
    ("Reinforce-Rej", "REINFORCE without all-wrong groups"),
    ("GRPO", "REINFORCE without all-wrong groups"),
)


def settled_in_all(rows):
    """The rows without the problems for which one of them has no value.

    That is where there are too few right replies to compare paths.
    """
    import numpy as np

    rows = np.array(rows, float)
    return rows[:, ~np.isnan(rows).any(0)]


def at_1(run):
    """What was found at temperature 1."""
    return run["at"]["1"]


def at_best(run):
    """What was found at the run's best temperature."""
    return run["at"][f"{run['temperature']:g}"]


def measures_of(size, ks):
    """name → function of what was found at a temperature; it gives one value a problem."""
    import numpy as np

    from course_lib.experiments.findings import distinct_among

    measures = {
        f"pass@{k}": (lambda found, at=at: np.array(found["pass"][at])) for at, k in enumerate(ks)
    }

    def distinct_paths(found):
        return np.array([len(counts) for counts in found["paths"]], dtype=float)

    def distinct_among_few(found):
        return np.array([distinct_among(counts, size["among"]) for counts in found["paths"]])

    measures["distinct right paths per problem"] = distinct_paths
    measures[f"distinct paths among {size['among']} right replies"] = distinct_among_few
    measures["distinct texts, share"] = lambda found: np.array(found["texts"]) / size["n"]
    measures["entropy, nats a token"] = lambda found: np.array(found["entropy"])
    return measures


def level(found, value):
    """Interval of one measure for other seeds and problems; ``found``: one a run."""
    return over_seeds_interval(settled_in_all([value(one) for one in found]))


def gap(found, others, value):
    """Interval of the difference in one measure, by seed and problem."""
    if len(others) == 1:
        others = others * len(found)
    if len(found) == 1:
        found = found * len(others)
    pairs = list(zip(found, others, strict=True))
    rows = settled_in_all([value(one) - value(other) for one, other in pairs])
    if (rows == rows[:1]).all():
        rows = rows[:1]
    return {**over_seeds_interval(rows), "by_seed": [round(float(v), 4) for v in rows.mean(1)]}


def curves_of(found, ks):
    """pass@k by problem, mean over seeds: a list for each k."""
    import numpy as np

    means = [np.mean([one["pass"][at] for one in found], 0) for at in range(len(ks))]
    return [[round(float(v), 3) for v in row] for row in means]


def summary(runs, size):
    """The stored result from ``runs``: name → its runs, one a seed; "start" has one."""
    import numpy as np

    start_run = runs["start"][0]
    ks = at_1(start_run)["ks"]
    measures = measures_of(size, ks)
    cold = {float(t): found for t, found in start_run["at"].items() if t != "1"}

    def every(function, *sides):
        return {what: function(*sides, value) for what, value in measures.items()}

    usual = {name: [at_1(run) for run in of] for name, of in runs.items()}
    best = {name: [at_best(run) for run in of] for name, of in runs.items()}
    late = {f"{a} - {b}": (a, b) for a, b in LATE}
    return {
        "ks": ks,
        "temperatures": {name: [run["temperature"] for run in of] for name, of in runs.items()},
        "levels": {name: every(level, of) for name, of in usual.items()},
        "levels_at_best": {name: every(level, of) for name, of in best.items()},
        "minus_start": {name: every(gap, usual[name], usual["start"]) for name in TRAINED},
        "minus_start_at_best": {name: every(gap, best[name], best["start"]) for name in TRAINED},
        "cold_start_minus_start": {
            f"{t:g}": every(gap, [found], usual["start"]) for t, found in sorted(cold.items())
        },
        "minus_cold_start": {
            f"{t:g}": {name: every(gap, usual[name], [found]) for name in ("GRPO", "RFT", "RAFT")}
            for t, found in sorted(cold.items())
        },
        "differences": {name: every(gap, usual[a], usual[b]) for name, (a, b) in late.items()},
        "differences_at_best": {
            name: every(gap, best[a], best[b]) for name, (a, b) in late.items()
        },
        "curves": {
            **{name: curves_of(of, ks) for name, of in usual.items()},
            **{f"start at {t:g}": curves_of([found], ks) for t, found in sorted(cold.items())},
        },
        "kept": float(np.mean([run["kept"] for run in runs["RFT"]])),
        "costs": {
            name: {
                what: float(np.mean([run[what] for run in runs[name]]))
                for what in ("tokens_sampled", "tokens_trained")
            }
            for name in TRAINED
        },
        "training": {
            name: {what: runs[name][0][what] for what in ("reward", "entropy", "kept")}
            for name in ONLINE
        },
    }


def lines_of(result):
    """The result as text."""
    from course_lib.experiments import layout

    def show(v, spec=".3f"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    columns = [
        "pass@1",
        f"pass@{result['ks'][-1]}",
        "distinct right paths per problem",
        "entropy, nats a token",
    ]

    def table(rows, spec):
        body = [[name, *(show(row[c], spec) for c in columns)] for name, row in rows.items()]
        return layout([["", *columns], *body])

    lines = [f"best temperatures: {result['temperatures']}"]
    for title, name, spec in (
        ("at temperature 1", "levels", ".3f"),
        ("each at its best temperature", "levels_at_best", ".3f"),
        ("minus the start, both at 1", "minus_start", "+.3f"),
        ("minus the start, each at its best", "minus_start_at_best", "+.3f"),
        ("the start colder, minus the start at 1", "cold_start_minus_start", "+.3f"),
        ("differences, both at 1", "differences", "+.3f"),
        ("differences, each at its best", "differences_at_best", "+.3f"),
    ):
        lines += ["", title, *table(result[name], spec)]
    return lines


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/passk")
    args = parser.parse_args()

    from course_lib.base import versions, write_json

    began = time.perf_counter()
    size, folder = settled(args)
    done = run_jobs(passk_job, plan(size, folder), args.workers, say)
    found = {(run["name"], run["seed"]): run for run in done}
    runs = {"start": [found["start", 0]]}
    for name in TRAINED:
        runs[name] = [found[name, seed] for seed in size["seeds"]]

    result = {
        "command": "python benchmarks/passk.py" + (" --quick" if args.quick else ""),
        "population": "other problems of the same eight kinds, other seeds of sampling and "
        "training",
        "size": size,
        "seeds": size["seeds"],
        **summary(runs, size),
        "process_seconds": sum(run["seconds"] for run in done),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines_of(result))


if __name__ == "__main__":
    main()
