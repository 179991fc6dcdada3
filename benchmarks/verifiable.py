"""RFT with an exact verifier on word problems whose usual answer misreads: distinct paths, the same
problems without regard to paths, duplicates, an unverified control, and SFT continued.

    python benchmarks/verifiable.py [--quick] [--json] [--out DIR] [--workers K]

The bundled policy, tuned on solutions written in a hurry, samples k replies to each of 1,500
problems it has not seen. Data sets are made of the first k = 4, 16, 64: one right reply for each
distinct path (the list of equations); as many right replies **of the same problems**, drawn without
regard to paths; as many right replies of all problems, drawn alike; and as many replies of the
whole pool, unverified. "SFT" goes on with hurried solutions of these problems. Every arm trains the
policy for the same number of steps on its set alone.

The temperature is a dial of every arm, the start included: it is chosen by pass@1 on training
problems that no arm trains on, and each arm is shown on held-out problems at 1 and at its best.
Differences are paired over problems; at k = 16 three seeds, each with samples and training of its
own, are shown. Each run is a file under DIR (default runs/verifiable): an interrupted benchmark
goes on. course_lib/results/verifiable.json is what the lessons read.
"""

import json
import time
from itertools import pairwise
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "verifiable.json"
FULL = {
    "problems": 1500,
    "k": [4, 16, 64],
    "steps": 120,
    "choose": 100,
    "held_out": 300,
    "templates": 100,
    "n": 16,
    "seeds": [0, 1, 2],
    "seeds_at": 16,
}
QUICK = {
    "problems": 48,
    "k": [4],
    "steps": 3,
    "choose": 8,
    "held_out": 16,
    "templates": 8,
    "n": 4,
    "seeds": [0],
    "seeds_at": 4,
}
ARMS = ("distinct", "same problems", "duplicates", "control")
ALWAYS = ("distinct", "control")  # at every k; the others at one
TEMPERATURES = (1.0, 0.8, 0.6, 0.4, 0.2)
LR, BATCH = 1e-3, 64


def start():
    """World and SFT policy in a job's process."""
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy
    from course_lib.base import progress
    from course_lib.worlds import Arithmetic

    progress.quiet = True
    return Arithmetic(), load_policy(assets.path("arithmetic/policy"), device="cpu")


def unseen(world, first, count):
    """``count`` training problems that the policy was not tuned on, from the ``first`` of them."""
    from course_lib.worlds import SFT_PROBLEMS

    at = SFT_PROBLEMS + first
    prompts, info = world.prompts("train", limit=at + count, seed=0)
    return prompts[at:], info[at:]


# ---- sampling ----------------------------------------------------------------------------------


def sample_job(task):
    """Replies to problems ``first`` to ``last``; the file is a pool beside a note."""
    first, last, n, seed, size, out = task
    from course_lib import sample, score
    from course_lib.base import write_json
    from course_lib.models import GoldReward

    world, policy = start()
    prompts, info = unseen(world, first, last - first)
    pool = sample(
        policy,
        prompts,
        n=n,
        max_tokens=world.max_tokens,
        info=info,
        seed=700 + seed,
        first_prompt=first,
    )
    pool = score(pool, GoldReward(world), "verifier")
    pool.light().save(str(out).replace(".json", ".npz"))
    write_json(out, {"first": first, "last": last, "tokens": int(pool.lengths.sum())})
    return out


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


def data_set(arm, k, pool, seed):
    """The replies an arm trains on, as a selection."""
    import numpy as np

    from course_lib.pools import Selection, distinct_paths, overall_control, threshold
    from course_lib.worlds import Arithmetic

    pool = pool.first(k)
    distinct = distinct_paths(pool, by="verifier", key=Arithmetic().path)
    if arm == "distinct":
        return distinct
    if arm == "same problems":
        return same_problems(distinct, seed)
    if arm == "duplicates":
        right = threshold(pool, by="verifier")
        order = np.random.default_rng([seed, k]).permutation(len(right))
        pick = np.sort(order[: len(distinct)])
        return Selection(
            pool, right.prompt_index[pick], right.candidate_index[pick], rule="duplicates"
        )
    return overall_control(distinct, seed)


def facts_of(pool, key):
    """Of a pool: distinct right paths and right replies per problem, and shares of problems.

    Those solved at least once, and those that are decidable: some replies right and some not.
    """
    import torch

    from course_lib.pools import distinct_paths

    right = pool.reward("verifier").sum(1)  # (P,)
    paths = distinct_paths(pool, by="verifier", key=key).per_prompt  # (P,)
    decidable = (right > 0) & (right < pool.N)
    return {
        "distinct_paths": float(paths.float().mean()),
        "right": float(right.mean()),
        "solved": float((right > 0).float().mean()),
        "decidable": float(decidable.to(torch.float32).mean()),
    }


# ---- judging -----------------------------------------------------------------------------------


def replies(policy, world, prompts, info, n, temperature, seed):
    """A pool with verdicts."""
    from course_lib import sample, score
    from course_lib.models import GoldReward

    pool = sample(
        policy,
        prompts,
        n=n,
        temperature=temperature,
        max_tokens=world.max_tokens,
        info=info,
        seed=seed,
    )
    return score(pool, GoldReward(world), "verifier")


def best_temperature(policy, world, size):
    """(temperature, {temperature: pass@1}) by the replies to problems that are not shown."""
    prompts, info = unseen(world, 12000, size["choose"])
    tried = {}
    for temperature in TEMPERATURES:
        pool = replies(policy, world, prompts, info, 8, temperature, 98)
        tried[temperature] = float(pool.reward("verifier").mean())
    return max(tried, key=tried.get), tried


def of_pool(pool, world, ks):
    """pass@k and the majority's verdict by problem, and facts."""
    from course_lib.estimators import pass_at_k
    from course_lib.experiments.findings import votes_right

    columns = pass_at_k(pool.reward("verifier"), ks).T  # (len(ks), P)
    verdicts = [
        [world.verify("", text, about) for text in texts]
        for texts, about in zip(pool.texts, pool.info, strict=True)
    ]
    statuses = [verdict["status"] for row in verdicts for verdict in row]
    return {
        "ks": ks,
        "pass": [[round(float(v), 4) for v in column] for column in columns],
        "majority": votes_right(verdicts).astype(int).tolist(),
        **facts_of(pool, world.path),
        "unreadable": statuses.count("unreadable") / len(statuses),
    }


def judge(policy, world, size):
    """A policy on both held-out splits at 1, and on held-out problems at its best temperature."""
    ks = [k for k in (1, 4, 16) if k <= size["n"]]
    best, tried = best_temperature(policy, world, size)
    out = {"temperature": best, "tried": {f"{t:g}": round(v, 4) for t, v in tried.items()}}
    for split, limit in (("heldout", size["held_out"]), ("templates", size["templates"])):
        prompts, info = world.prompts(split, limit=limit, seed=1)
        for name, temperature in (("", 1.0), (" at best T", best)):
            if name and temperature == 1.0:
                out[split + name] = out[split]
                continue
            pool = replies(policy, world, prompts, info, size["n"], temperature, 99)
            out[split + name] = of_pool(pool, world, ks)
    return out


# ---- training ----------------------------------------------------------------------------------


def train_job(task):
    """Train one arm and judge it."""
    arm, k, seed, size, pools, out = task
    from course_lib import Pool, finetune
    from course_lib.assets.arithmetic import hurried_solutions
    from course_lib.base import Account, write_json

    world, policy = start()
    began = time.perf_counter()
    kept, right = 0, None
    trained = policy
    with Account() as account:
        if arm == "sft":
            prompts, info = unseen(world, 0, size["problems"])
            chosen = list(zip(prompts, hurried_solutions(info, seed=1 + seed), strict=True))
        elif arm in ARMS:
            chosen = data_set(arm, k, Pool.concat([Pool.load(p) for p in pools]), seed)
            right = float(chosen.rewards("verifier").mean())
        if arm != "start":
            kept = len(chosen)
            # so many that every arm takes the same number of steps
            epochs = size["steps"] / -(-kept // BATCH)
            trained = finetune(policy, chosen, epochs=epochs, lr=LR, batch_size=BATCH, seed=seed)
    write_json(
        out,
        {
            "arm": arm,
            "k": k,
            "seed": seed,
            "kept": kept,
            "kept_right": right,
            "steps": 0 if arm == "start" else len(trained.training_log.losses),
            "account": account.to_dict(),
            **judge(trained, world, size),
            "seconds": time.perf_counter() - began,
        },
    )
    return out


# ---- what is run -------------------------------------------------------------------------------


def folder_of(out, size):
    """A folder for this run, named by a fingerprint of all that its files depend on."""
    from course_lib import assets, load_policy
    from course_lib.methods import fingerprint

    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    key = fingerprint([size, policy, LR, BATCH, TEMPERATURES])
    folder = Path(out) / key[:10]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sample_tasks(size, folder):
    """Four parts of the problems for each seed; the first seed has the largest k."""
    import numpy as np

    cuts = np.linspace(0, size["problems"], 5).astype(int).tolist()
    tasks = []
    for seed in size["seeds"]:
        n = size["seeds_at"] if seed else max(size["k"])
        for first, last in pairwise(cuts):
            tasks.append((first, last, n, seed, size, str(folder / f"pool-{seed}-{first}.json")))
    return tasks


def train_tasks(size, folder, pools):
    """Every arm at every k on the first seed, and at one k on all seeds, which come first."""

    def task(arm, k, seed):
        name = arm.replace(" ", "-")
        return (arm, k, seed, size, pools[seed], str(folder / f"{name}-{k}-{seed}.json"))

    tasks = [task("start", 0, 0)]
    tasks += [task("sft", 0, seed) for seed in size["seeds"]]
    for k in sorted(size["k"], key=lambda k: k != size["seeds_at"]):
        for arm in ARMS if k == size["seeds_at"] else ALWAYS:
            seeds = [s for s in size["seeds"] if s == 0 or k == size["seeds_at"]]
            tasks += [task(arm, k, seed) for seed in seeds]
    return tasks


# ---- the summary -------------------------------------------------------------------------------

AGAINST = ("start", "sft", "control", "same problems", "duplicates")
SPLITS = ("heldout", "heldout at best T", "templates", "templates at best T")


def ends_of(run):
    """The smallest and the largest k of pass@k: name → its place in the run's rows."""
    ks = run["heldout"]["ks"]
    return {f"pass@{k}": ks.index(k) for k in (ks[0], ks[-1])}


def values(run, at, split="heldout"):
    """(problems,) pass@k, the k at place ``at``."""
    import numpy as np

    return np.array(run[split]["pass"][at], float)


def over_seeds_interval(rows):
    """Interval for other seeds and problems of (seeds, problems), or for problems of one row."""
    from course_lib.estimators import between_seeds_interval, bootstrap_interval

    if len(rows) > 1:
        return between_seeds_interval(rows).to_dict()
    return bootstrap_interval(rows[0]).to_dict()


def arm_row(runs, ends):
    """One arm: pass@k on both splits with intervals, and facts of its first seed."""
    import numpy as np

    row = {}
    for split in SPLITS:
        for which, at in ends.items():
            rows = np.array([values(run, at, split) for run in runs])
            row[f"{split}, {which}"] = over_seeds_interval(rows)
    majority = np.array([run["heldout"]["majority"] for run in runs], float)
    row["majority"] = over_seeds_interval(majority)
    first = runs[0]
    for name in ("distinct_paths", "solved", "unreadable", "decidable"):
        row[name] = first["heldout"][name]
    for name in ("kept", "kept_right", "steps", "temperature", "tried"):
        row[name] = first[name]
    row["seeds"] = len(runs)
    return row


def arm_rows(runs, ends):
    """Every arm by k, in the order of the arms."""
    order = ("start", "sft", *ARMS)
    keys = sorted({(k, order.index(arm)) for arm, k, _ in runs})
    rows = {}
    for k, at in keys:
        arm = order[at]
        of = [runs[key] for key in sorted(runs) if key[:2] == (arm, k)]
        rows[f"{arm}, k = {k}" if k else arm] = arm_row(of, ends)
    return rows


def rival(runs, arm, k, seed):
    """The run that ``arm`` stands for, of the same k and seed where it has them, or None."""
    if arm in ARMS:
        return runs.get((arm, k, seed))
    return runs[arm, 0, seed if arm == "sft" else 0]


def differences_of(runs, ends, k, seeds):
    """Differences of "distinct", and of the control, from the others at one k."""
    import numpy as np

    pairs = [("distinct", other) for other in AGAINST] + [("control", "start"), ("sft", "start")]
    out = {}
    for split in SPLITS:
        for which, at in ends.items():
            for a, b in pairs:
                rows = np.array(
                    [
                        values(rival(runs, a, k, s), at, split)
                        - values(rival(runs, b, k, s), at, split)
                        for s in seeds
                    ]
                )
                out[f"{split}, {which}: {a} - {b}"] = {
                    **over_seeds_interval(rows),
                    "by_seed": [round(float(v), 4) for v in rows.mean(1)],
                }
    return out


# ---- printing ----------------------------------------------------------------------------------


def show(v, spec=".3f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def verdict(v):
    return "excludes zero" if v["low"] > 0 or v["high"] < 0 else "includes zero"


def lines_of(result, ends):
    """The result as text."""
    from course_lib.experiments import layout

    columns = [f"{split}, {which}" for split in SPLITS for which in ends]
    arms = [["", "kept", "right", "best T", *columns, "majority"]]
    for name, arm in result["arms"].items():
        right = "" if arm["kept_right"] is None else f"{arm['kept_right']:.0%}"
        arms.append(
            [
                name,
                f"{arm['kept']:,}",
                right,
                f"{arm['temperature']:g}",
                *(f"{arm[c]['mean']:.3f}" for c in columns),
                f"{arm['majority']['mean']:.3f}",
            ]
        )
    paths = [f"k = {k}: {v['distinct_paths']:.2f}" for k, v in result["sampled"].items()]
    gaps = [
        [name, show(v, "+.3f"), verdict(v), str(v["by_seed"])]
        for name, v in result["differences"].items()
    ]
    return [
        *layout(arms),
        "",
        f"distinct right paths per problem among {result['size']['problems']:,} training "
        f"problems: {', '.join(paths)}",
        "",
        f"differences at k = {result['size']['seeds_at']}, {len(result['size']['seeds'])} seeds",
        *layout(gaps),
    ]


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/verifiable")
    args = parser.parse_args()

    from course_lib import Pool
    from course_lib.base import versions, write_json
    from course_lib.worlds import Arithmetic

    size = dict(QUICK if args.quick else FULL)
    began = time.perf_counter()
    folder = folder_of(args.out, size)

    to_sample = sample_tasks(size, folder)
    notes = run_jobs(sample_job, to_sample, args.workers, say)
    pools = {seed: [] for seed in size["seeds"]}
    for _, _, _, seed, _, file in to_sample:
        pools[seed].append(file.replace(".json", ".npz"))
    trained = run_jobs(train_job, train_tasks(size, folder, pools), args.workers, say)
    runs = {(run["arm"], run["k"], run["seed"]): run for run in trained}

    ends = ends_of(runs["start", 0, 0])
    whole = Pool.concat([Pool.load(file) for file in pools[0]])
    path = Arithmetic().path
    files = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    result = {
        "command": "python benchmarks/verifiable.py" + (" --quick" if args.quick else ""),
        "population": "other problems of the same eight kinds, other seeds of sampling and "
        "training",
        "size": size,
        "temperatures": list(TEMPERATURES),
        "sampled": {str(k): facts_of(whole.first(k), path) for k in size["k"]},
        "arms": arm_rows(runs, ends),
        "differences": differences_of(runs, ends, size["seeds_at"], size["seeds"]),
        "tokens_sampled": sum(note["tokens"] for note in notes),
        "process_seconds": sum(file.get("seconds", 0) for file in files),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    first = next(iter(ends))
    aims = {
        name: v["low"]
        for name, v in result["differences"].items()
        if name in {f"heldout at best T, {first}: distinct - {b}" for b in ("start", "control")}
    }
    finish(
        args,
        {"ratios": aims, "aims": {name: 0.0 for name in aims}, **result},
        lines_of(result, ends),
    )


if __name__ == "__main__":
    main()
