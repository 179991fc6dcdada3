"""pass@1 against pass@k: what RFT, RAFT and GRPO with a verifier do to the policy's breadth.

    python benchmarks/passk.py [--quick] [--json] [--out DIR] [--workers K]

The bundled SFT policy is trained on problems it has not seen, with the same number of sampled
replies each time: online by RAFT and by GRPO (fresh samples every step), or offline by RFT: one
sample, of which one right reply for each distinct path is kept, together with the solutions that
the policy was fine-tuned on (2308.01825). Each trained policy and the start answer the same
held-out problems 32 times. All differences are paired over problems; trained policies have three
seeds.

Each run is a file under DIR (default runs/passk), so an interrupted benchmark goes on.
course_lib/results/passk.json is what lesson 06 reads.
"""

import time
from collections import Counter
from pathlib import Path

from common import finish, job_options, run_jobs
from verifiable import LR, ONLINE, ONLINE_LR, reward_of, start

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "passk.json"
FULL = {
    "held_out": 400,
    "n": 32,
    "among": 4,
    "steps": 40,
    "prompts": 32,
    "group": 8,
    "rft_n": 16,
    "rft_steps": 160,
    "seeds": [0, 1, 2],
}
QUICK = {
    "held_out": 24,
    "n": 4,
    "among": 2,
    "steps": 2,
    "prompts": 4,
    "group": 4,
    "rft_n": 4,
    "rft_steps": 2,
    "seeds": [0, 1],
}
TRAINED = ("RFT", "RAFT", "GRPO")
BATCH = 64


def unseen(world, count):
    """``count`` training problems that the SFT policy was not fine-tuned on."""
    from course_lib.worlds import SFT_PROBLEMS

    return [
        part[SFT_PROBLEMS:] for part in world.prompts("train", limit=SFT_PROBLEMS + count, seed=0)
    ]


def breadth(policy, world, prompts, info, n):
    """What a policy does with ``n`` replies to each problem.

    Pass@k, how often each right path came, different texts and entropy, by problem.
    """
    from course_lib import sample, score
    from course_lib.estimators import pass_at_k
    from course_lib.models import GoldReward

    pool = sample(policy, prompts, n=n, max_tokens=world.max_tokens, info=info, seed=99)
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


def judge(policy, world, size):
    """:func:`breadth` on the held-out problems."""
    prompts, info = world.prompts("heldout", limit=size["held_out"], seed=1)
    return breadth(policy, world, prompts, info, size["n"])


def rft(policy, world, size, seed):
    """(policy, facts): RFT on one right reply for each distinct path, beside the old solutions."""
    from course_lib import finetune, sample, score
    from course_lib.models import GoldReward
    from course_lib.pools import distinct_paths
    from course_lib.worlds import SFT_PROBLEMS

    # as many replies as the online methods sample
    replies = size["steps"] * size["prompts"] * size["group"]
    prompts, info = unseen(world, replies // size["rft_n"])
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

    old, about = world.prompts("train", limit=SFT_PROBLEMS, seed=0)
    also = list(zip(old, [i["solution"] for i in about], strict=True))
    steps_of_epoch = -(-(len(kept) + len(also)) // BATCH)
    trained = finetune(
        policy,
        kept,
        also=also,
        epochs=size["rft_steps"] / steps_of_epoch,
        lr=LR,
        batch_size=BATCH,
        seed=seed,
    )
    return trained, {"kept": len(kept), "tokens_sampled": int(pool.lengths.sum())}


def online(policy, world, name, size, seed):
    """(policy, facts): one online run of a method of verifiable.ONLINE."""
    from course_lib.methods import grpo

    settings = dict(ONLINE[name])
    prompts, info = unseen(world, size["steps"] * size["prompts"])
    trained = grpo(
        policy,
        prompts,
        reward_of(world, settings["method"]),
        info,
        steps=size["steps"],
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
        "tokens_sampled": log.account.tokens_sampled,
        "reward": [round(v, 4) for v in log.column("reward")],
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
    judged = judge(trained, world, size)
    seconds = time.perf_counter() - began
    write_json(out, {"name": name, "seed": seed, **facts, **judged, "seconds": seconds})
    return out


def plan(size, folder):
    """The tasks, seed by seed: each ends in its file."""
    trained = [
        (name, s, size, str(folder / f"passk-{i}-{s}.json"))
        for s in size["seeds"]
        for i, name in enumerate(TRAINED)
    ]
    return [("start", 0, size, str(folder / "start.json")), *trained]


def settled(args):
    """(size, folder) of this run."""
    from course_lib import assets, load_policy
    from course_lib.methods import fingerprint

    size = dict(QUICK if args.quick else FULL)
    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    key = fingerprint([size, policy, ONLINE, LR, ONLINE_LR, BATCH])
    folder = Path(args.out) / key[:10]
    folder.mkdir(parents=True, exist_ok=True)
    return size, folder


# ---- the summary -------------------------------------------------------------------------------


def settled_in_all(rows):
    """The rows without the problems for which one of them has no value.

    That is where there are too few right replies to compare paths.
    """
    import numpy as np

    rows = np.array(rows)
    return rows[:, ~np.isnan(rows).any(0)]


def measures_of(size, ks):
    """name → function of a run that gives one value a problem."""
    import numpy as np

    from course_lib.experiments.findings import distinct_among

    measures = {
        f"pass@{k}": (lambda run, at=at: np.array(run["pass"][at])) for at, k in enumerate(ks)
    }

    def distinct_paths(run):
        return np.array([len(counts) for counts in run["paths"]], dtype=float)

    def distinct_among_few(run):
        return np.array([distinct_among(counts, size["among"]) for counts in run["paths"]])

    measures["distinct right paths per problem"] = distinct_paths
    measures[f"distinct paths among {size['among']} right replies"] = distinct_among_few
    measures["distinct texts, share"] = lambda run: np.array(run["texts"]) / size["n"]
    measures["entropy, nats a token"] = lambda run: np.array(run["entropy"])
    return measures


def level(runs, value):
    """Interval of one measure over seeds and problems, or over problems when there is one run."""
    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval

    rows = settled_in_all([value(run) for run in runs])  # (seeds, problems)
    if len(rows) > 1:
        return seeds_and_prompts_interval(rows).to_dict()
    return bootstrap_interval(rows[0]).to_dict()


def gap(runs, others, value):
    """Interval of the difference in one measure, by seed and problem."""
    from course_lib.estimators import seeds_and_prompts_interval

    pairs = zip(runs, others, strict=True)
    rows = settled_in_all([value(one) - value(other) for one, other in pairs])
    return {
        **seeds_and_prompts_interval(rows).to_dict(),
        "by_seed": [round(float(v), 4) for v in rows.mean(1)],
    }


def curves_of(runs, ks):
    """pass@k by problem, mean over seeds: a list for each k."""
    import numpy as np

    means = [np.mean([run["pass"][at] for run in runs], 0) for at in range(len(ks))]
    return [[round(float(v), 3) for v in row] for row in means]


def summary(runs, size):
    """The stored result from ``runs``: name → its runs, one a seed; "start" has one."""
    import numpy as np

    ks = runs["start"][0]["ks"]
    measures = measures_of(size, ks)
    start_each = runs["start"] * len(size["seeds"])  # the same for every seed

    def every_measure(function, *sides):
        return {what: function(*sides, value) for what, value in measures.items()}

    return {
        "ks": ks,
        "levels": {name: every_measure(level, of) for name, of in runs.items()},
        "minus_start": {name: every_measure(gap, runs[name], start_each) for name in TRAINED},
        "grpo_minus_raft": every_measure(gap, runs["GRPO"], runs["RAFT"]),
        "curves": {name: curves_of(of, ks) for name, of in runs.items()},
        "kept": float(np.mean([run["kept"] for run in runs["RFT"]])),
        "tokens_sampled": {
            name: float(np.mean([run["tokens_sampled"] for run in runs[name]])) for name in TRAINED
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

    gaps = [f"{what} {show(v, '+.3f')}" for what, v in result["grpo_minus_raft"].items()]
    return [
        *table(result["levels"], ".3f"),
        "",
        "less the start",
        *table(result["minus_start"], "+.3f"),
        "",
        f"GRPO less RAFT: {', '.join(gaps)}",
    ]


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
