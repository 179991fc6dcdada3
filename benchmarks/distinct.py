"""Do distinct right paths drive the gain of RFT with a verifier? As many distinct as duplicate
replies, at k = 64, three seeds.

    python benchmarks/distinct.py [--quick] [--json] [--out DIR] [--workers K]

`benchmarks/verifiable.py` compares them at k = 64 on one seed and at k = 16 on three, and its
duplicates come from all right replies alike, so mostly from easy problems. Here k = 64 has three
seeds, each with samples and training of its own, and three arms of the same size: one right reply
for each distinct path; **as many right replies of the same problem**, drawn without regard to paths
(only the paths differ); and as many right replies of all problems, drawn alike (paths and coverage
differ). All with the SFT solutions and the same number of steps, judged on the same 500 held-out
problems × 16; 1,000 training problems and 200 steps, so smaller than the other benchmark. The
summary is course_lib/results/distinct.json.
"""

import time
from itertools import pairwise
from pathlib import Path

from common import finish, job_options, run_jobs
from verifiable import BATCH, FULL, LR, QUICK, data_set, judge, sample_job, start

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "distinct.json"
ARMS = ("distinct", "same problems", "duplicates")


def same_problems(distinct, seed):
    """The control in which only paths differ.

    Of each problem as many right replies as ``distinct`` keeps, at random, as a selection.
    """
    import numpy as np

    from course_lib.pools import Selection

    rng = np.random.default_rng([seed, 7])
    right = distinct.pool.reward("verifier").numpy() > 0
    counts = distinct.per_prompt.numpy()
    pairs = [
        (i, j)
        for i, count in enumerate(counts)
        if count
        for j in sorted(rng.choice(np.flatnonzero(right[i]), count, replace=False))
    ]
    return Selection(distinct.pool, *np.array(pairs).T, rule="same problems")


def train_job(task):
    """Train one arm and judge it."""
    arm, k, seed, size, pools, out = task
    from course_lib import Pool, finetune
    from course_lib.base import write_json

    world, policy = start()
    prompts, info = world.prompts("train", limit=size["problems"], seed=0)
    pool = Pool.concat([Pool.load(p) for p in pools])
    distinct = data_set("distinct", k, pool, seed)
    chosen = (
        distinct
        if arm == "distinct"
        else same_problems(distinct, seed)
        if arm == "same problems"
        else data_set("duplicates", k, pool, seed)
    )
    solutions = list(zip(prompts, [i["solution"] for i in info], strict=True))
    began = time.perf_counter()
    epochs = size["steps"] / -(-(len(chosen) + len(solutions)) // BATCH)
    trained = finetune(
        policy, chosen, also=solutions, epochs=epochs, lr=LR, batch_size=BATCH, seed=seed
    )
    paths = {
        (int(i), world.path("", text, {}))
        for i, text in zip(chosen.prompt_index, chosen.texts, strict=True)
    }
    write_json(
        out,
        {
            "arm": arm,
            "seed": seed,
            "kept": len(chosen),
            "paths": len(paths),
            "problems": int((chosen.per_prompt > 0).sum()),
            "seconds": time.perf_counter() - began,
            **judge(trained, world, size),
        },
    )
    return out


def main():
    parser, say = job_options(__doc__, "runs/distinct")
    args = parser.parse_args()

    import numpy as np

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import seeds_and_prompts_interval
    from course_lib.experiments import layout
    from course_lib.methods import fingerprint

    size = {
        **(QUICK if args.quick else {**FULL, "problems": 1000, "steps": 200, "held_out": 500}),
        "templates": 8,
    }
    began = time.perf_counter()
    k = max(size["k"])
    seeds = [0, 1] if args.quick else [0, 1, 2]
    folder = (
        Path(args.out)
        / fingerprint([size, seeds, load_policy(assets.path("arithmetic/policy"), device="cpu")])[
            :10
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    cuts = list(range(0, size["problems"] + 1, min(1000, size["problems"])))
    tasks = [
        (a, b, k, s, size, str(folder / f"pool-{s}-{a}.json"))
        for s in seeds
        for a, b in pairwise(cuts)
    ]
    notes = run_jobs(sample_job, tasks, args.workers, say)
    pools = {s: [str(folder / f"pool-{s}-{a}.npz") for a in cuts[:-1]] for s in seeds}
    jobs = [
        (arm, k, s, size, pools[s], str(folder / f"{arm}-{s}.json")) for s in seeds for arm in ARMS
    ]
    runs = {(r["arm"], r["seed"]): r for r in run_jobs(train_job, jobs, args.workers, say)}
    ks = runs["distinct", 0]["heldout"]["ks"]
    differences, levels = {}, {}
    for at, name in ((0, f"pass@{ks[0]}"), (len(ks) - 1, f"pass@{ks[-1]}")):
        values = {
            arm: np.array([runs[arm, s]["heldout"]["pass"][at] for s in seeds]) for arm in ARMS
        }
        levels[name] = {arm: seeds_and_prompts_interval(v).to_dict() for arm, v in values.items()}
        for rival in ARMS[1:]:
            gap = values["distinct"] - values[rival]
            differences[f"{name}: distinct - {rival}"] = {
                **seeds_and_prompts_interval(gap).to_dict(),
                "by_seed": [round(float(v), 4) for v in gap.mean(1)],
            }
    kept = {
        arm: {fact: [runs[arm, s][fact] for s in seeds] for fact in ("kept", "paths", "problems")}
        for arm in ARMS
    }
    result = {
        "command": "python benchmarks/distinct.py" + (" --quick" if args.quick else ""),
        "size": size,
        "k": k,
        "seeds": seeds,
        "kept": kept,
        "levels": levels,
        "differences": differences,
        "tokens_sampled": sum(n["tokens"] for n in notes),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    lines = [f"k = {k}, {len(seeds)} seeds, {size['held_out']} held-out problems × {size['n']}"]
    lines += layout(
        [["", "kept", "distinct paths", "problems", *levels]]
        + [
            [
                arm,
                *(str(kept[arm][fact]) for fact in kept[arm]),
                *(
                    f"{v[arm]['mean']:.3f} [{v[arm]['low']:.3f}, {v[arm]['high']:.3f}]"
                    for v in levels.values()
                ),
            ]
            for arm in ARMS
        ]
    )
    lines += layout(
        [
            [name, f"{d['mean']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]", str(d["by_seed"])]
            for name, d in differences.items()
        ]
    )
    finish(
        args,
        {
            "ratios": {f"lowest bound, {name}": d["low"] for name, d in differences.items()},
            "aims": {},
            **result,
        },
        lines,
    )


if __name__ == "__main__":
    main()
