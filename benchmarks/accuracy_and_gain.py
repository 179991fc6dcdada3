"""Does the more accurate reward model give the better best-of-n? Reward models trained on different
comparisons.

    python benchmarks/accuracy_and_gain.py [--quick] [--json] [--out DIR] [--workers K]

All models have the same start (the policy's first two layers) and the same number of comparisons of
replies to the same 512 training prompts; they differ in which pairs were compared:

    random pairs         two of the 16 replies to a prompt, by an annotator who slips now and then
    without slips        the same pairs, by one who never does
    pass or fail         pairs of a reply with 2 or more points and one with fewer, without slips:
    the labels say "good enough" and no more

and there are three models with 500 random comparisons each, other ones for every seed. Each model
is judged on 128 held-out prompts: accuracy on pairs of candidates that gold does not tie (all of
them, and those among the best quarter by gold), and the gold reward of best-of-n. Everything is
kept by prompt, so that differences can be paired. Each model is a file under DIR (default
runs/accuracy_and_gain): an interrupted benchmark goes on. The summary in
course_lib/results/accuracy_and_gain.json is what lesson 04 reads.
"""

import time
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "accuracy_and_gain.json"
NS = [1, 4, 16, 32]
SEEDS = {
    "random pairs": [0, 1, 2],
    "without slips": [0, 1, 2, 3, 4],
    "pass or fail": [0, 1, 2, 3, 4],
    "random pairs, 500": [0, 1, 2],
}
FULL = {"prompts": 512, "candidates": 16, "comparisons": 2000, "held": 128, "n": 64}
QUICK = {"prompts": 64, "candidates": 8, "comparisons": 64, "held": 16, "n": 32}


def comparisons(arm, pool, count, seed):
    """``count`` comparisons of replies in ``pool`` for one arm."""
    from course_lib.pools import annotate
    from course_lib.worlds import Annotator, gold_parts

    if arm == "pass or fail":

        def passes(text, info):
            return sum(gold_parts(text, info["topic"]).values()) >= 2

        # the annotator sees nothing but pass or fail; of the pairs on which that says anything, the
        # first ``count``
        many = annotate(pool, Annotator(noise=1e-6), min(6 * count, 40 * pool.P), seed=seed)
        told = [
            p
            for p in many
            if passes(p["chosen"], p["info"]) and not passes(p["rejected"], p["info"])
        ]
        return told[:count]
    sure = arm == "without slips"
    return annotate(pool, Annotator(noise=1e-6) if sure else Annotator(), count, seed=seed)


def measures(scores, gold):
    """Accuracy and best-of-n gold by prompt, as plain lists rounded to 4 digits."""
    from course_lib.estimators import best_of_n_curve
    from course_lib.experiments.findings.choosing import pair_accuracy

    curve = best_of_n_curve(scores, gold, NS)
    return {
        "accuracy": pair_accuracy(scores, gold).round(4).tolist(),
        "accuracy_top": pair_accuracy(scores, gold, 0.25).round(4).tolist(),
        "gold": {str(n): column.round(4).tolist() for n, column in zip(NS, curve.T, strict=True)},
    }


def train_one(task):
    """Train and judge one reward model; writes its file."""
    arm, seed, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import Pool, assets, load_policy, load_world, sample
    from course_lib.base import write_json
    from course_lib.methods import train_reward_model

    started = time.perf_counter()
    policy = load_policy(assets.path("helpdesk/policy"), device="cpu")
    prompts, info = load_world("helpdesk").prompts("train", limit=size["prompts"], seed=5)
    cached = Path(out).parent / "comparisons.npz"
    if not cached.is_file():
        sample(policy, prompts, n=size["candidates"], seed=77, info=info).save(cached)
    count = size["comparisons"] // 4 if arm.endswith("500") else size["comparisons"]
    pairs = comparisons(arm, Pool.load(cached), count, seed)
    model = train_reward_model(
        policy,
        pairs,
        epochs=4 if count < 1000 else 3,
        lr=1e-3,
        batch_size=32 if count < 1000 else 64,
        layers=2,
        seed=seed,
    )
    held = (
        Pool.load(assets.path("helpdesk/pools/heldout.npz"))
        .prompts_at(range(size["held"]))
        .first(size["n"])
    )
    scores = model.score_pool(held).numpy()
    write_json(
        Path(out),
        {
            "arm": arm,
            "seed": seed,
            "pairs": len(pairs),
            "seconds": time.perf_counter() - started,
            **measures(scores, held.reward("gold").numpy()),
        },
    )
    return out


def main():
    parser, say = job_options(__doc__, "runs/accuracy_and_gain")
    args = parser.parse_args()
    size = QUICK if args.quick else FULL

    import numpy as np

    from course_lib import Pool, assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import between_seeds_interval
    from course_lib.methods import fingerprint

    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    folder = Path(args.out) / fingerprint([size, base])[:10]
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {arm: found[:2] for arm, found in SEEDS.items()} if args.quick else SEEDS
    tasks = [
        (arm, seed, size, str(folder / f"{arm.replace(' ', '-').replace(',', '')}-{seed}.json"))
        for arm, found in seeds.items()
        for seed in found
    ]
    began = time.perf_counter()
    run_jobs(train_one, tasks[:1], 1, say)  # it samples the replies that all compare
    runs = run_jobs(train_one, tasks, args.workers, say)
    arms = {arm: [run for run in runs if run["arm"] == arm] for arm in seeds}

    def stack(name, what):
        return np.array([run["gold"][what] if what.isdigit() else run[what] for run in arms[name]])

    stored = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
    topics = np.array([about["topic"] for about in stored.info[: size["held"]]])

    def interval(values):  # prompts whose candidates all have one gold reward have no pairs
        known = ~np.isnan(values).any(0)
        return between_seeds_interval(values[:, known], groups=topics[known]).to_dict()

    def difference(name, other, what):
        one, two = stack(name, what), stack(other, what)
        seeds = min(len(one), len(two))
        return one[:seeds] - two[:seeds]

    summary = {
        name: {
            "pairs": found[0]["pairs"],
            **{
                what: interval(stack(name, what))
                for what in ("accuracy", "accuracy_top", *map(str, NS))
            },
        }
        for name, found in arms.items()
    }
    pairs = (("pass or fail", "without slips"), ("without slips", "random pairs"))
    minus = {
        f"{name} minus {other}": {
            what: interval(difference(name, other, what))
            for what in ("accuracy", "accuracy_top", *map(str, NS))
        }
        for name, other in pairs
    }
    result = {
        "command": "python benchmarks/accuracy_and_gain.py",
        "size": size,
        "ns": NS,
        "seeds": seeds,
        "summary": summary,
        "population": "other prompts about the same topics, other comparisons",
        "minus": minus,
        "runs": {
            arm: [
                {k: v for k, v in run.items() if k in ("seed", "pairs", "accuracy", "gold")}
                for run in found
            ]
            for arm, found in arms.items()
        },
        "process_seconds": sum(run["seconds"] for run in runs),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
        "ratios": {},
        "aims": {},
    }
    if not args.quick:
        write_json(RESULTS, result)
    lines = [
        f"{size['held']} held-out prompts × {size['n']} candidates; intervals over seeds and "
        "prompts",
        f"{'':20}"
        + "".join(
            f"{w:>24}" for w in ("accuracy", "in the top quarter", *(f"gold, n = {n}" for n in NS))
        ),
    ]
    for name, s in summary.items():
        lines.append(
            f"{name:20}"
            + "".join(
                f"{s[w]['mean']:8.3f} [{s[w]['low']:.3f}, {s[w]['high']:.3f}]".rjust(24)
                for w in ("accuracy", "accuracy_top", *map(str, NS))
            )
        )
    for name, s in minus.items():
        lines.append(
            f"{name:32}"
            + "".join(
                f"{s[w]['mean']:+8.3f} [{s[w]['low']:+.3f}, {s[w]['high']:+.3f}]".rjust(24)
                for w in ("accuracy", "accuracy_top", *map(str, NS))
            )
        )
    finish(args, result, lines)


if __name__ == "__main__":
    main()
