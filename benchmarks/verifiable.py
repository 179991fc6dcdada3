"""RFT with an exact verifier on word problems: distinct paths, duplicates, an unverified control;
and RAFT against GRPO.

    python benchmarks/verifiable.py [--quick] [--json] [--out DIR] [--workers K]

The bundled SFT policy samples k replies to each of the problems it was fine-tuned on. Four data
sets are made of the first k = 1, 4, 16, 64: the SFT solutions alone; with one right reply for each
distinct path (the list of equations); with as many right replies drawn at random without regard to
paths; and with as many replies drawn at random from the whole pool, unverified. Every arm trains
the SFT policy for the same number of steps on its set, then answers held-out problems 16 times
each. Differences are paired over problems; for one k three seeds, each with samples and training of
its own, are shown. Then RAFT, GRPO and REINFORCE train online, on problems the policy has not seen
(of those it was fine-tuned on it solves too many), at one learning rate, not tuned for each, with
and without groups whose replies are all wrong. (With GRPO's baseline such a group has no gradient
anyway: leaving it out only changes what the loss is divided by. REINFORCE without a baseline pushes
it down.)

Each training run is a file under DIR (default runs/verifiable), so an interrupted benchmark goes
on. The summary in course_lib/results/verifiable.json is what the lessons read.
"""

import json
import time
from itertools import pairwise
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "verifiable.json"
FULL = {
    "problems": 4000,
    "k": [1, 4, 16, 64],
    "steps": 300,
    "held_out": 800,
    "templates": 250,
    "n": 16,
    "seeds": [0, 1, 2],
    "seeds_at": 16,
    "online_steps": 20,
    "online_prompts": 32,
    "online_n": 8,
    "online_seeds": [0, 1, 2],
}
QUICK = {
    "problems": 64,
    "k": [1, 4],
    "steps": 4,
    "held_out": 32,
    "templates": 16,
    "n": 4,
    "seeds": [0],
    "seeds_at": 4,
    "online_steps": 2,
    "online_prompts": 4,
    "online_n": 4,
    "online_seeds": [0],
}
ARMS = ("distinct", "duplicates", "control")
LR, BATCH, ONLINE_LR = 1e-3, 64, 3e-4
# REINFORCE sees +1 for right and -1 for wrong and has no baseline, so that an all-wrong group
# pushes everything down
ONLINE = {
    "RAFT": {"method": "raft", "advantage": "positive"},
    "GRPO": {"method": "grpo", "beta": 0.0},
    "GRPO without all-wrong groups": {"method": "grpo", "beta": 0.0, "drop": "wrong"},
    "REINFORCE": {"method": "reinforce"},
    "REINFORCE without all-wrong groups": {"method": "reinforce", "drop": "wrong"},
}


def start():
    """World and SFT policy in a job's process."""
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy
    from course_lib.base import progress
    from course_lib.worlds import Arithmetic

    progress.quiet = True
    return Arithmetic(), load_policy(assets.path("arithmetic/policy"), device="cpu")


def sample_job(task):
    """Replies to problems ``first`` to ``last``; the file is a pool beside a note."""
    first, last, n, seed, size, out = task
    from course_lib import sample, score
    from course_lib.base import write_json
    from course_lib.models import GoldReward

    world, policy = start()
    prompts, info = world.prompts("train", limit=size["problems"], seed=0)
    pool = sample(
        policy,
        prompts[first:last],
        n=n,
        max_tokens=world.max_tokens,
        info=info[first:last],
        seed=700 + seed,
        first_prompt=first,
    )
    pool = score(pool, GoldReward(world), "verifier")
    pool.save(str(out).replace(".json", ".npz"))
    write_json(out, {"first": first, "last": last, "tokens": int(pool.lengths.sum())})
    return out


def data_set(arm, k, pool, seed):
    """The replies an arm adds to the SFT solutions, as a selection."""
    import numpy as np

    from course_lib.pools import Selection, distinct_paths, overall_control, threshold
    from course_lib.worlds import Arithmetic

    pool = pool.first(k)
    distinct = distinct_paths(pool, by="verifier", key=Arithmetic().path)
    if arm == "distinct":
        return distinct
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


def judge(policy, world, size):
    """pass@k by problem on the held-out problems, and facts on both held-out splits."""
    from course_lib import sample, score
    from course_lib.estimators import pass_at_k
    from course_lib.models import GoldReward

    ks = [k for k in (1, 4, 16) if k <= size["n"]]
    out = {}
    for split, limit in (("heldout", size["held_out"]), ("templates", size["templates"])):
        prompts, info = world.prompts(split, limit=limit, seed=1)
        pool = sample(policy, prompts, n=size["n"], max_tokens=world.max_tokens, info=info, seed=99)
        pool = score(pool, GoldReward(world), "verifier")
        columns = pass_at_k(pool.rewards["verifier"], ks).T  # (len(ks), P)
        statuses = []
        for texts, about in zip(pool.texts, pool.info, strict=True):
            statuses += [world.verify("", text, about)["status"] for text in texts]
        out[split] = {
            "ks": ks,
            "pass": [[round(float(v), 4) for v in column] for column in columns],
            **facts_of(pool, world.path),
            "unreadable": statuses.count("unreadable") / len(statuses),
        }
    return out


def train_job(task):
    """Train one arm and judge it."""
    arm, k, seed, size, pools, out = task
    from course_lib import Pool, finetune
    from course_lib.base import Account, write_json

    world, policy = start()
    prompts, info = world.prompts("train", limit=size["problems"], seed=0)
    solutions = list(zip(prompts, [i["solution"] for i in info], strict=True))
    began = time.perf_counter()
    chosen = []
    if arm in ARMS:
        chosen = data_set(arm, k, Pool.concat([Pool.load(p) for p in pools]), seed)
    # so many that every arm takes the same number of steps
    epochs = size["steps"] / -(-(len(chosen) + len(solutions)) // BATCH)
    trained = policy
    with Account() as account:
        if arm != "start":
            trained = finetune(
                policy, chosen, also=solutions, epochs=epochs, lr=LR, batch_size=BATCH, seed=seed
            )
    write_json(
        out,
        {
            "arm": arm,
            "k": k,
            "seed": seed,
            "kept": len(chosen),
            "kept_right": float(chosen.rewards("verifier").mean()) if len(chosen) else None,
            "epochs": epochs,
            "steps": 0 if arm == "start" else len(trained.training_log.losses),
            "account": account.to_dict(),
            "seconds": time.perf_counter() - began,
            **judge(trained, world, size),
        },
    )
    return out


def reward_of(world, method):
    """The verifier as a reward: 1 for right, and for wrong 0, with REINFORCE -1."""
    from course_lib.models import FunctionReward

    low = -1.0 if method == "reinforce" else 0.0

    def verdict(prompt, text, info):
        return 1.0 if world.gold(prompt, text, info) else low

    return FunctionReward(verdict, "verifier")


def online_job(task):
    """Train one online method and judge it."""
    name, seed, size, out = task
    from course_lib.base import write_json
    from course_lib.methods import grpo

    world, policy = start()
    prompts, info = world.prompts("train", limit=2 * size["problems"], seed=0)
    unseen = slice(size["problems"], None)  # not those it was fine-tuned on
    settings = dict(ONLINE[name])
    began = time.perf_counter()
    trained = grpo(
        policy,
        prompts[unseen],
        reward_of(world, settings["method"]),
        info[unseen],
        steps=size["online_steps"],
        prompts_per_step=size["online_prompts"],
        n=size["online_n"],
        lr=ONLINE_LR,
        max_tokens=world.max_tokens,
        seed=seed,
        **settings,
    )
    log = trained.training_log
    write_json(
        out,
        {
            "name": name,
            "seed": seed,
            "account": log.account.to_dict(),
            "seconds": time.perf_counter() - began,
            "kl": log.steps[-1]["kl"],
            "entropy": [round(v, 4) for v in log.column("entropy")],
            "reward": [round(v, 4) for v in log.column("reward")],
            "kept": log.column("kept"),
            **judge(trained, world, size),
        },
    )
    return out


# ---- what is run -------------------------------------------------------------------------------


def folder_of(out, size):
    """A folder for this run, named by a fingerprint of all that its files depend on."""
    from course_lib import assets, load_policy
    from course_lib.methods import fingerprint

    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    key = fingerprint([size, policy, ONLINE, LR, BATCH, ONLINE_LR])
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
        return (arm, k, seed, size, pools[seed], str(folder / f"{arm}-{k}-{seed}.json"))

    tasks = [task("start", 0, 0)]
    tasks += [task("sft", 0, seed) for seed in size["seeds"]]
    for k in sorted(size["k"], key=lambda k: k != size["seeds_at"]):
        for arm in ARMS:
            if k == 1 and arm == "duplicates":
                continue  # one reply a problem has no duplicates
            seeds = [s for s in size["seeds"] if s == 0 or k == size["seeds_at"]]
            tasks += [task(arm, k, seed) for seed in seeds]
    return tasks


def online_tasks(size, folder):
    """Every online method on every seed."""
    return [
        (name, seed, size, str(folder / f"online-new-{i}-{seed}.json"))
        for i, name in enumerate(ONLINE)
        for seed in size["online_seeds"]
    ]


# ---- the summary -------------------------------------------------------------------------------

# arms whose difference is shown, on all seeds those against which "distinct" has to stand
AGAINST = (
    ("distinct", "sft"),
    ("distinct", "start"),
    ("distinct", "control"),
    ("distinct", "duplicates"),
)
BESIDE = (("duplicates", "sft"), ("control", "sft"))
ONLINE_PAIRS = (
    ("GRPO", "RAFT"),
    ("GRPO without all-wrong groups", "GRPO"),
    ("REINFORCE without all-wrong groups", "REINFORCE"),
    ("GRPO", "REINFORCE without all-wrong groups"),
)


def ends_of(run):
    """The smallest and the largest k of pass@k: name → its place in the run's rows."""
    ks = run["heldout"]["ks"]
    return {f"pass@{k}": ks.index(k) for k in (ks[0], ks[-1])}


def values(run, at, split="heldout"):
    """(problems,) pass@k, the k at place ``at``."""
    import numpy as np

    return np.array(run[split]["pass"][at])


def over_seeds_interval(rows):
    """Interval over seeds and problems of (seeds, problems), over problems when there is one."""
    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval

    if len(rows) > 1:
        return seeds_and_prompts_interval(rows).to_dict()
    return bootstrap_interval(rows[0]).to_dict()


def arm_row(run, ends):
    """One trained policy: pass@k on both splits with intervals, and facts."""
    from course_lib.estimators import bootstrap_interval

    row = {}
    for split in ("heldout", "templates"):
        for which, at in ends.items():
            row[f"{split}, {which}"] = bootstrap_interval(values(run, at, split)).to_dict()
    for name in ("distinct_paths", "solved", "unreadable", "decidable"):
        row[name] = run["heldout"][name]
    for name in ("kept", "kept_right", "epochs"):
        row[name] = run[name]
    return row


def arm_rows(runs, ends):
    """Every arm of the first seed, by k, in the order of the arms."""
    order = ("start", "sft", *ARMS)
    first_seed = [(k, order.index(arm)) for arm, k, seed in runs if seed == 0]
    rows = {}
    for k, at in sorted(first_seed):
        arm = order[at]
        rows[f"{arm}, k = {k}" if k else arm] = arm_row(runs[arm, k, 0], ends)
    return rows


def rival(runs, arm, k, seed):
    """The run that ``arm`` stands for, or None.

    An arm of the same k and seed, or SFT continued, or the policy all arms start from.
    """
    if arm in ARMS:
        return runs.get((arm, k, seed))
    return runs[arm, 0, seed if arm == "sft" else 0]


def differences_of(runs, ends, ks):
    """Differences of two arms of the first seed, paired over problems."""
    from course_lib.estimators import paired_difference

    out = {}
    for which, at in ends.items():
        for k in ks:
            for a, b in (*AGAINST, *BESIDE):
                one, other = runs.get((a, k, 0)), rival(runs, b, k, 0)
                if one is None or other is None:
                    continue
                difference = paired_difference(values(one, at), values(other, at))
                out[f"{which}: k = {k}, {a} - {b}"] = difference.to_dict()
    return out


def differences_over_seeds(runs, ends, k, seeds):
    """Differences of two arms at one k, over seeds and problems; {} when there is one seed."""
    import numpy as np

    if len(seeds) < 2:
        return {}
    out = {}
    for which, at in ends.items():
        for a, b in AGAINST:
            rows = [values(runs[a, k, s], at) - values(rival(runs, b, k, s), at) for s in seeds]
            gap = np.array(rows)  # (seeds, problems)
            out[f"{which}: k = {k}, {a} - {b}"] = {
                **over_seeds_interval(gap),
                "by_seed": [round(float(v), 4) for v in gap.mean(1)],
            }
    return out


def online_row(runs, ends):
    """One online method over its seeds."""
    import numpy as np

    def mean_of(numbers):
        return float(np.mean(list(numbers)))

    def mean_curve(name):
        return [round(float(v), 4) for v in np.mean([run[name] for run in runs], 0)]

    levels = {}
    for which, at in ends.items():
        levels[which] = over_seeds_interval(np.array([values(run, at) for run in runs]))
    return {
        **levels,
        "kl": mean_of(run["kl"] for run in runs),
        "entropy_first": runs[0]["entropy"][0],
        "entropy_last": mean_of(run["entropy"][-1] for run in runs),
        "tokens_sampled": mean_of(run["account"]["tokens_sampled"] for run in runs),
        "tokens_trained": mean_of(run["account"]["tokens_trained"] for run in runs),
        "reward": mean_curve("reward"),
        "entropy": mean_curve("entropy"),
    }


def online_differences_of(online, ends, seeds):
    """Differences of two online methods, by seed and problem."""
    import numpy as np

    out = {}
    for which, at in ends.items():
        for a, b in ONLINE_PAIRS:
            gap = [values(online[a, s], at) - values(online[b, s], at) for s in seeds]
            out[f"{which}: {a} - {b}"] = over_seeds_interval(np.array(gap))
    return out


# ---- printing ----------------------------------------------------------------------------------


def show(v, spec=".3f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def verdict(v):
    return "excludes zero" if v["low"] > 0 or v["high"] < 0 else "includes zero"


def lines_of(result, ends):
    """The result as text."""
    from course_lib.experiments import layout

    columns = [f"{split}, {which}" for split in ("heldout", "templates") for which in ends]
    arms = [["", "kept", "right", "epochs", *columns, "distinct paths"]]
    for name, arm in result["arms"].items():
        right = "" if arm["kept_right"] is None else f"{arm['kept_right']:.0%}"
        arms.append(
            [
                name,
                f"{arm['kept']:,}",
                right,
                f"{arm['epochs']:.1f}",
                *(show(arm[c]) for c in columns),
                f"{arm['distinct_paths']:.2f}",
            ]
        )
    paths = [f"k = {k}: {v['distinct_paths']:.2f}" for k, v in result["sampled"].items()]
    lines = [
        *layout(arms),
        "",
        f"distinct right paths per problem among {result['size']['problems']:,} training "
        f"problems: {', '.join(paths)}",
        "",
        *layout(differences_rows(result["differences"])),
    ]
    if result["over_seeds"]:
        lines += [
            "",
            f"over {len(result['size']['seeds'])} seeds of sampling and training (such an interval "
            "is somewhat narrow when the spread is between seeds: look at the seeds, last column)",
        ]
        over_seeds = differences_rows(result["over_seeds"])
        for row, v in zip(over_seeds, result["over_seeds"].values(), strict=True):
            row.append(str(v["by_seed"]))
        lines += layout(over_seeds)

    online = [["", *ends, "KL", "entropy, first and last step"]]
    for name, m in result["online"].items():
        entropy = f"{m['entropy_first']:.3f} {m['entropy_last']:.3f}"
        online.append([name, *(show(m[which]) for which in ends), f"{m['kl']:.2f}", entropy])
    gaps = differences_rows(result["online_differences"])
    return [*lines, "", "online", *layout(online), "", *layout(gaps)]


def differences_rows(differences):
    """Rows of a printed table: name, interval, whether it excludes zero."""
    return [[name, show(v, "+.3f"), verdict(v)] for name, v in differences.items()]


def aims_of(differences):
    """The lowest bounds that are aimed to be above zero."""
    rivals = ("distinct - sft", "distinct - start", "distinct - control")
    return {
        f"lowest bound, {name}": v["low"]
        for name, v in differences.items()
        if name.startswith("pass@1:") and name.endswith(rivals)
    }


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
    done = run_jobs(online_job, online_tasks(size, folder), args.workers, say)
    online = {(run["name"], run["seed"]): run for run in done}

    ends = ends_of(runs["start", 0, 0])
    whole = Pool.concat([Pool.load(file) for file in pools[0]])
    path = Arithmetic().path
    by_method = {name: [online[name, s] for s in size["online_seeds"]] for name in ONLINE}
    files = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")]
    result = {
        "command": "python benchmarks/verifiable.py" + (" --quick" if args.quick else ""),
        "size": size,
        "sampled": {str(k): facts_of(whole.first(k), path) for k in size["k"]},
        "arms": arm_rows(runs, ends),
        "differences": differences_of(runs, ends, size["k"]),
        "over_seeds": differences_over_seeds(runs, ends, size["seeds_at"], size["seeds"]),
        "online": {name: online_row(each, ends) for name, each in by_method.items()},
        "online_differences": online_differences_of(online, ends, size["online_seeds"]),
        "tokens_sampled": sum(note["tokens"] for note in notes),
        "process_seconds": sum(file.get("seconds", 0) for file in files),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    aims = aims_of(result["over_seeds"] or result["differences"])
    finish(
        args,
        {"ratios": aims, "aims": {name: 0.0 for name in aims}, **result},
        lines_of(result, ends),
    )


if __name__ == "__main__":
    main()
