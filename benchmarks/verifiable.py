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
    score(pool, GoldReward(world), "verifier").save(str(out).replace(".json", ".npz"))
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
        pick = np.sort(np.random.default_rng([seed, k]).permutation(len(right))[: len(distinct)])
        return Selection(
            pool, right.prompt_index[pick], right.candidate_index[pick], rule="duplicates"
        )
    return overall_control(distinct, seed)


def facts_of(pool, key):
    """Of a pool: distinct right paths and right replies per problem, and the share of problems
    solved at least once.
    """
    import torch

    from course_lib.pools import distinct_paths

    right = pool.reward("verifier").sum(1)
    return {
        "distinct_paths": float(
            distinct_paths(pool, by="verifier", key=key).per_prompt.float().mean()
        ),
        "right": float(right.mean()),
        "solved": float((right > 0).float().mean()),
        "decidable": float(((right > 0) & (right < pool.N)).to(torch.float32).mean()),
    }


def judge(policy, world, size):
    """pass@k by problem on the held-out problems, and facts on both held-out splits."""
    from course_lib import sample, score
    from course_lib.estimators import pass_at_k
    from course_lib.models import GoldReward

    out = {}
    for split in ("heldout", "templates"):
        prompts, info = world.prompts(
            split, limit=size["held_out" if split == "heldout" else "templates"], seed=1
        )
        pool = score(
            sample(policy, prompts, n=size["n"], max_tokens=world.max_tokens, info=info, seed=99),
            GoldReward(world),
            "verifier",
        )
        ks = [k for k in (1, 4, 16) if k <= size["n"]]
        out[split] = {
            "ks": ks,
            "pass": [
                [round(float(v), 4) for v in row]
                for row in pass_at_k(pool.rewards["verifier"], ks).T
            ],
            **facts_of(pool, world.path),
        }
        statuses = [
            world.verify("", t, i)["status"]
            for row, i in zip(pool.texts, pool.info, strict=True)
            for t in row
        ]
        out[split]["unreadable"] = statuses.count("unreadable") / len(statuses)
    return out


def train_job(task):
    """Train one arm and judge it."""
    arm, k, seed, size, pools, out = task
    from course_lib import Pool, finetune
    from course_lib.base import Account, write_json

    world, policy = start()
    prompts, info = world.prompts("train", limit=size["problems"], seed=0)
    chosen, solutions, began = (
        [],
        list(zip(prompts, [i["solution"] for i in info], strict=True)),
        time.perf_counter(),
    )
    if arm in ARMS:
        chosen = data_set(arm, k, Pool.concat([Pool.load(p) for p in pools]), seed)
    epochs = size["steps"] / -(-(len(chosen) + len(solutions)) // BATCH)
    with Account() as account:
        trained = (
            policy
            if arm == "start"
            else finetune(
                policy, chosen, also=solutions, epochs=epochs, lr=LR, batch_size=BATCH, seed=seed
            )
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


def online_job(task):
    """Train one online method and judge it."""
    name, seed, size, out = task
    from course_lib.base import write_json
    from course_lib.methods import grpo
    from course_lib.models import FunctionReward

    world, policy = start()
    # not those it was fine-tuned on
    prompts, info = (
        part[size["problems"] :]
        for part in world.prompts("train", limit=2 * size["problems"], seed=0)
    )
    settings, began = dict(ONLINE[name]), time.perf_counter()
    low = -1.0 if settings["method"] == "reinforce" else 0.0
    reward = FunctionReward(
        lambda prompt, text, info: 1.0 if world.gold(prompt, text, info) else low, "verifier"
    )
    trained = grpo(
        policy,
        prompts,
        reward,
        info,
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


def main():
    parser, say = job_options(__doc__.splitlines()[0], "runs/verifiable")
    args = parser.parse_args()

    import numpy as np

    from course_lib import Pool, assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import (
        bootstrap_interval,
        paired_difference,
        seeds_and_prompts_interval,
    )
    from course_lib.experiments import layout
    from course_lib.methods import fingerprint
    from course_lib.worlds import Arithmetic

    size, began = dict(QUICK if args.quick else FULL), time.perf_counter()
    folder = (
        Path(args.out)
        / fingerprint(
            [
                size,
                load_policy(assets.path("arithmetic/policy"), device="cpu"),
                ONLINE,
                LR,
                BATCH,
                ONLINE_LR,
            ]
        )[:10]
    )
    folder.mkdir(parents=True, exist_ok=True)
    cuts = np.linspace(0, size["problems"], 5).astype(int).tolist()
    samples = [
        (
            a,
            b,
            size["seeds_at"] if s else max(size["k"]),
            s,
            size,
            str(folder / f"pool-{s}-{a}.json"),
        )
        for s in size["seeds"]
        for a, b in pairwise(cuts)
    ]
    notes = run_jobs(sample_job, samples, args.workers, say)
    pools = {s: [str(folder / f"pool-{s}-{a}.npz") for a in cuts[:-1]] for s in size["seeds"]}

    def task(arm, k, seed):
        return (arm, k, seed, size, pools[seed], str(folder / f"{arm}-{k}-{seed}.json"))

    tasks = (
        [task("start", 0, 0)]
        + [task("sft", 0, s) for s in size["seeds"]]
        + [
            task(arm, k, s)
            for k in sorted(size["k"], key=lambda k: k != size["seeds_at"])
            for arm in ARMS
            for s in size["seeds"]
            # one reply a problem has no duplicates
            if (s == 0 or k == size["seeds_at"]) and (k > 1 or arm != "duplicates")
        ]
    )
    runs = {(r["arm"], r["k"], r["seed"]): r for r in run_jobs(train_job, tasks, args.workers, say)}
    online_tasks = [
        (name, s, size, str(folder / f"online-new-{i}-{s}.json"))
        for i, name in enumerate(ONLINE)
        for s in size["online_seeds"]
    ]
    online = {
        (r["name"], r["seed"]): r for r in run_jobs(online_job, online_tasks, args.workers, say)
    }

    ks = runs["start", 0, 0]["heldout"]["ks"]
    ends = {f"pass@{k}": ks.index(k) for k in (ks[0], ks[-1])}

    def values(run, which, split="heldout"):
        return np.array(run[split]["pass"][ends[which]])

    def row(run):
        out = {
            f"{split}, {which}": bootstrap_interval(values(run, which, split)).to_dict()
            for split in ("heldout", "templates")
            for which in ends
        }
        return {
            **out,
            **{
                name: run["heldout"][name]
                for name in ("distinct_paths", "solved", "unreadable", "decidable")
            },
        }

    world, whole = Arithmetic(), Pool.concat([Pool.load(p) for p in pools[0]])
    arms = {
        f"{arm}, k = {k}" if k else arm: {
            **row(run),
            **{name: run[name] for name in ("kept", "kept_right", "epochs")},
        }
        for (arm, k, s), run in sorted(
            runs.items(), key=lambda item: (item[0][1], ("start", "sft", *ARMS).index(item[0][0]))
        )
        if s == 0
    }

    def rival(b, k, s):
        """The run that ``b`` stands for.

        An arm of the same k and seed, or SFT continued, or the policy all arms start from.
        """
        return runs[(b, k, s) if b in ARMS else (b, 0, s if b == "sft" else 0)]

    sampled = {str(k): facts_of(whole.first(k), world.path) for k in size["k"]}
    against = (
        ("distinct", "sft"),
        ("distinct", "start"),
        ("distinct", "control"),
        ("distinct", "duplicates"),
    )
    differences = {
        f"{which}: k = {k}, {a} - {b}": paired_difference(
            values(runs[a, k, 0], which), values(rival(b, k, 0), which)
        ).to_dict()
        for which in ends
        for k in size["k"]
        for a, b in (*against, ("duplicates", "sft"), ("control", "sft"))
        if (a, k, 0) in runs and (b not in ARMS or (b, k, 0) in runs)
    }
    at, seeds = size["seeds_at"], size["seeds"]
    over_seeds = {}
    if len(seeds) > 1:
        for which in ends:
            for a, b in against:
                gap = np.array(
                    [values(runs[a, at, s], which) - values(rival(b, at, s), which) for s in seeds]
                )
                over_seeds[f"{which}: k = {at}, {a} - {b}"] = {
                    **seeds_and_prompts_interval(gap).to_dict(),
                    "by_seed": [round(float(v), 4) for v in gap.mean(1)],
                }
    methods = {}
    for name in ONLINE:
        each = [online[name, s] for s in size["online_seeds"]]
        methods[name] = {
            which: (
                seeds_and_prompts_interval(np.array([values(r, which) for r in each]))
                if len(each) > 1
                else bootstrap_interval(values(each[0], which))
            ).to_dict()
            for which in ends
        }
        methods[name].update(
            {
                "kl": float(np.mean([r["kl"] for r in each])),
                "entropy_first": each[0]["entropy"][0],
                "entropy_last": float(np.mean([r["entropy"][-1] for r in each])),
                "tokens_sampled": float(np.mean([r["account"]["tokens_sampled"] for r in each])),
                "tokens_trained": float(np.mean([r["account"]["tokens_trained"] for r in each])),
                "reward": [round(float(v), 4) for v in np.mean([r["reward"] for r in each], 0)],
                "entropy": [round(float(v), 4) for v in np.mean([r["entropy"] for r in each], 0)],
            }
        )

    def online_gap(a, b, which):
        gap = np.array(
            [
                values(online[a, s], which) - values(online[b, s], which)
                for s in size["online_seeds"]
            ]
        )
        return (
            seeds_and_prompts_interval(gap) if len(gap) > 1 else bootstrap_interval(gap[0])
        ).to_dict()

    online_differences = {
        f"{which}: {a} - {b}": online_gap(a, b, which)
        for which in ends
        for a, b in (
            ("GRPO", "RAFT"),
            ("GRPO without all-wrong groups", "GRPO"),
            ("REINFORCE without all-wrong groups", "REINFORCE"),
            ("GRPO", "REINFORCE without all-wrong groups"),
        )
    }
    result = {
        "command": "python benchmarks/verifiable.py" + (" --quick" if args.quick else ""),
        "size": size,
        "sampled": sampled,
        "arms": arms,
        "differences": differences,
        "over_seeds": over_seeds,
        "online": methods,
        "online_differences": online_differences,
        "tokens_sampled": sum(n["tokens"] for n in notes),
        "process_seconds": sum(
            json.loads(f.read_text()).get("seconds", 0) for f in folder.glob("*.json")
        ),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }

    def show(v, spec=".3f"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    def verdict(v):
        return "excludes zero" if v["low"] > 0 or v["high"] < 0 else "includes zero"

    columns = [f"{split}, {which}" for split in ("heldout", "templates") for which in ends]
    lines = layout(
        [
            ["", "kept", "right", "epochs", *columns, "distinct paths"],
            *[
                [
                    name,
                    f"{a['kept']:,}",
                    "" if a["kept_right"] is None else f"{a['kept_right']:.0%}",
                    f"{a['epochs']:.1f}",
                    *(show(a[c]) for c in columns),
                    f"{a['distinct_paths']:.2f}",
                ]
                for name, a in arms.items()
            ],
        ]
    )
    lines += [
        "",
        f"distinct right paths per problem among {size['problems']:,} training problems: "
        + ", ".join(f"k = {k}: {v['distinct_paths']:.2f}" for k, v in sampled.items()),
        "",
    ]
    lines += layout([[name, show(v, "+.3f"), verdict(v)] for name, v in differences.items()])
    lines += (
        [
            "",
            f"over {len(seeds)} seeds of sampling and training (such an interval is somewhat "
            "narrow when the spread is between seeds: look at the seeds, last column)",
        ]
        + layout(
            [
                [name, show(v, "+.3f"), verdict(v), str(v["by_seed"])]
                for name, v in over_seeds.items()
            ]
        )
        if over_seeds
        else []
    )
    lines += ["", "online"] + layout(
        [
            ["", *ends, "KL", "entropy, first and last step"],
            *[
                [
                    name,
                    *(show(m[w]) for w in ends),
                    f"{m['kl']:.2f}",
                    f"{m['entropy_first']:.3f} {m['entropy_last']:.3f}",
                ]
                for name, m in methods.items()
            ],
        ]
    )
    lines += [""] + layout(
        [[name, show(v, "+.3f"), verdict(v)] for name, v in online_differences.items()]
    )
    if not args.quick:
        write_json(RESULTS, result)
    aims = {
        f"lowest bound, {name}": v["low"]
        for name, v in (over_seeds or differences).items()
        if name.startswith("pass@1:")
        and name.endswith(("distinct - sft", "distinct - start", "distinct - control"))
    }
    finish(args, {"ratios": aims, "aims": {name: 0.0 for name in aims}, **result}, lines)


if __name__ == "__main__":
    main()
