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
AGAINST = (
    ("distinct", "sft"),
    ("distinct", "start"),
    ("distinct", "control"),
    ("distinct", "duplicates"),
)
LR = 1e-3
BATCH = 64
ONLINE_LR = 3e-4
# REINFORCE sees +1 for right and -1 for wrong and has no baseline, so that an all-wrong group
# pushes everything down
ONLINE = {
    "RAFT": {"method": "raft", "advantage": "positive"},
    "GRPO": {"method": "grpo", "beta": 0.0},
    "GRPO without all-wrong groups": {"method": "grpo", "beta": 0.0, "drop": "wrong"},
    "REINFORCE": {"method": "reinforce"},
    "REINFORCE without all-wrong groups": {"method": "reinforce", "drop": "wrong"},
}
ONLINE_AGAINST = (
    ("GRPO", "RAFT"),
    ("GRPO without all-wrong groups", "GRPO"),
    ("REINFORCE without all-wrong groups", "REINFORCE"),
    ("GRPO", "REINFORCE without all-wrong groups"),
)


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
    ks = [k for k in (1, 4, 16) if k <= size["n"]]
    for split, limit in (("heldout", size["held_out"]), ("templates", size["templates"])):
        prompts, info = world.prompts(split, limit=limit, seed=1)
        pool = sample(policy, prompts, n=size["n"], max_tokens=world.max_tokens, info=info, seed=99)
        pool = score(pool, GoldReward(world), "verifier")
        curve = pass_at_k(pool.rewards["verifier"], ks)  # (P, len(ks))
        statuses = [
            world.verify("", text, facts)["status"]
            for texts, facts in zip(pool.texts, pool.info, strict=True)
            for text in texts
        ]
        out[split] = {
            "ks": ks,
            "pass": [[round(float(v), 4) for v in row] for row in curve.T],
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
    chosen = []
    solutions = list(zip(prompts, [i["solution"] for i in info], strict=True))
    began = time.perf_counter()
    if arm in ARMS:
        chosen = data_set(arm, k, Pool.concat([Pool.load(p) for p in pools]), seed)
    # the same number of steps for every arm
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


def online_job(task):
    """Train one online method and judge it."""
    name, seed, size, out = task
    from course_lib.base import write_json
    from course_lib.methods import grpo
    from course_lib.models import FunctionReward

    world, policy = start()
    prompts, info = world.prompts("train", limit=2 * size["problems"], seed=0)
    # not those it was fine-tuned on
    prompts = prompts[size["problems"] :]
    info = info[size["problems"] :]
    settings = dict(ONLINE[name])
    began = time.perf_counter()
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


def over_prompts_or_seeds(rows):
    """Interval of (seeds, prompts) values, over prompts alone where there is one seed."""
    import numpy as np

    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval

    if len(rows) > 1:
        return seeds_and_prompts_interval(np.array(rows)).to_dict()
    return bootstrap_interval(rows[0]).to_dict()


class Runs:
    """What the training runs found: ``offline`` by (arm, k, seed), ``online`` by (name, seed)."""

    def __init__(self, size, offline, online):
        self.size = size
        self.offline = offline
        self.online = online
        ks = offline["start", 0, 0]["heldout"]["ks"]
        self.ends = {f"pass@{k}": ks.index(k) for k in (ks[0], ks[-1])}

    def values(self, run, which, split="heldout"):
        """(P,) pass@k by problem; ``which`` is "pass@1" or that of the largest k."""
        import numpy as np

        return np.array(run[split]["pass"][self.ends[which]])

    def rival(self, b, k, s):
        """The run that ``b`` stands for.

        An arm of the same k and seed, or SFT continued, or the policy all arms start from.
        """
        if b in ARMS:
            return self.offline[b, k, s]
        return self.offline[b, 0, s if b == "sft" else 0]

    def row(self, run):
        """One arm's line of the table."""
        from course_lib.estimators import bootstrap_interval

        out = {}
        for split in ("heldout", "templates"):
            for which in self.ends:
                found = bootstrap_interval(self.values(run, which, split))
                out[f"{split}, {which}"] = found.to_dict()
        for name in ("distinct_paths", "solved", "unreadable", "decidable"):
            out[name] = run["heldout"][name]
        for name in ("kept", "kept_right", "epochs"):
            out[name] = run[name]
        return out

    def arms(self):
        """The arms of seed 0, by k and in the order of the arms."""
        order = ("start", "sft", *ARMS)
        keys = [key for key in self.offline if key[2] == 0]
        keys.sort(key=lambda key: (key[1], order.index(key[0])))
        return {
            f"{arm}, k = {k}" if k else arm: self.row(self.offline[arm, k, s]) for arm, k, s in keys
        }

    def differences(self):
        """Paired differences of seed 0, over problems."""
        from course_lib.estimators import paired_difference

        found = {}
        for which in self.ends:
            for k in self.size["k"]:
                for a, b in (*AGAINST, ("duplicates", "sft"), ("control", "sft")):
                    there = (a, k, 0) in self.offline
                    if there and (b not in ARMS or (b, k, 0) in self.offline):
                        mine = self.values(self.offline[a, k, 0], which)
                        others = self.values(self.rival(b, k, 0), which)
                        name = f"{which}: k = {k}, {a} - {b}"
                        found[name] = paired_difference(mine, others).to_dict()
        return found

    def over_seeds(self):
        """Differences at one k over seeds of sampling and training; empty for one seed."""
        import numpy as np

        from course_lib.estimators import seeds_and_prompts_interval

        at, seeds = self.size["seeds_at"], self.size["seeds"]
        found = {}
        for which in self.ends if len(seeds) > 1 else ():
            for a, b in AGAINST:
                rows = []
                for s in seeds:
                    mine = self.values(self.offline[a, at, s], which)
                    rows.append(mine - self.values(self.rival(b, at, s), which))
                gap = np.array(rows)  # (seeds, P)
                found[f"{which}: k = {at}, {a} - {b}"] = {
                    **seeds_and_prompts_interval(gap).to_dict(),
                    "by_seed": [round(float(v), 4) for v in gap.mean(1)],
                }
        return found

    def method(self, name):
        """One online method, over its seeds."""
        import numpy as np

        each = [self.online[name, s] for s in self.size["online_seeds"]]
        accounts = [r["account"] for r in each]
        found = {
            which: over_prompts_or_seeds([self.values(r, which) for r in each])
            for which in self.ends
        }
        return {
            **found,
            "kl": float(np.mean([r["kl"] for r in each])),
            "entropy_first": each[0]["entropy"][0],
            "entropy_last": float(np.mean([r["entropy"][-1] for r in each])),
            "tokens_sampled": float(np.mean([a["tokens_sampled"] for a in accounts])),
            "tokens_trained": float(np.mean([a["tokens_trained"] for a in accounts])),
            "reward": [round(float(v), 4) for v in np.mean([r["reward"] for r in each], 0)],
            "entropy": [round(float(v), 4) for v in np.mean([r["entropy"] for r in each], 0)],
        }

    def online_differences(self):
        found = {}
        for which in self.ends:
            for a, b in ONLINE_AGAINST:
                rows = [
                    self.values(self.online[a, s], which) - self.values(self.online[b, s], which)
                    for s in self.size["online_seeds"]
                ]
                found[f"{which}: {a} - {b}"] = over_prompts_or_seeds(rows)
        return found


def sampled_pools(size, folder, workers, say):
    """(seed → the files of its pools, tokens sampled in all)."""
    import numpy as np

    cuts = np.linspace(0, size["problems"], 5).astype(int).tolist()
    tasks = []
    for s in size["seeds"]:
        n = size["seeds_at"] if s else max(size["k"])
        for a, b in pairwise(cuts):
            tasks.append((a, b, n, s, size, str(folder / f"pool-{s}-{a}.json")))
    notes = run_jobs(sample_job, tasks, workers, say)
    pools = {s: [str(folder / f"pool-{s}-{a}.npz") for a in cuts[:-1]] for s in size["seeds"]}
    return pools, sum(note["tokens"] for note in notes)


def offline_tasks(size, folder, pools):
    """The training runs on stored replies: all k on seed 0, one k on the others."""

    def task(arm, k, seed):
        return (arm, k, seed, size, pools[seed], str(folder / f"{arm}-{k}-{seed}.json"))

    tasks = [task("start", 0, 0)] + [task("sft", 0, s) for s in size["seeds"]]
    for k in sorted(size["k"], key=lambda k: k != size["seeds_at"]):
        for arm in ARMS:
            if k == 1 and arm == "duplicates":
                continue  # one reply a problem has no duplicates
            tasks += [task(arm, k, s) for s in size["seeds"] if s == 0 or k == size["seeds_at"]]
    return tasks


def online_tasks(size, folder):
    return [
        (name, s, size, str(folder / f"online-new-{i}-{s}.json"))
        for i, name in enumerate(ONLINE)
        for s in size["online_seeds"]
    ]


def show(v, spec=".3f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def verdict(v):
    return "excludes zero" if v["low"] > 0 or v["high"] < 0 else "includes zero"


def lines_of(result, ends):
    """The result for a reader."""
    from course_lib.experiments import layout

    size = result["size"]
    columns = [f"{split}, {which}" for split in ("heldout", "templates") for which in ends]
    table = [["", "kept", "right", "epochs", *columns, "distinct paths"]]
    for name, arm in result["arms"].items():
        right = "" if arm["kept_right"] is None else f"{arm['kept_right']:.0%}"
        passes = [show(arm[c]) for c in columns]
        paths = f"{arm['distinct_paths']:.2f}"
        table.append([name, f"{arm['kept']:,}", right, f"{arm['epochs']:.1f}", *passes, paths])
    lines = layout(table)
    paths = [f"k = {k}: {v['distinct_paths']:.2f}" for k, v in result["sampled"].items()]
    lines += [
        "",
        f"distinct right paths per problem among {size['problems']:,} training problems: "
        + ", ".join(paths),
        "",
    ]
    differences = result["differences"].items()
    lines += layout([[name, show(v, "+.3f"), verdict(v)] for name, v in differences])
    if result["over_seeds"]:
        lines += [
            "",
            f"over {len(size['seeds'])} seeds of sampling and training (such an interval is "
            "somewhat narrow when the spread is between seeds: look at the seeds, last column)",
        ]
        over_seeds = result["over_seeds"].items()
        rows = [[n, show(v, "+.3f"), verdict(v), str(v["by_seed"])] for n, v in over_seeds]
        lines += layout(rows)
    table = [["", *ends, "KL", "entropy, first and last step"]]
    for name, method in result["online"].items():
        entropy = f"{method['entropy_first']:.3f} {method['entropy_last']:.3f}"
        passes = [show(method[which]) for which in ends]
        table.append([name, *passes, f"{method['kl']:.2f}", entropy])
    lines += ["", "online", *layout(table), ""]
    differences = result["online_differences"].items()
    return lines + layout([[name, show(v, "+.3f"), verdict(v)] for name, v in differences])


def main():
    parser, say = job_options(__doc__, "runs/verifiable")
    args = parser.parse_args()

    from course_lib import Pool, assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.methods import fingerprint
    from course_lib.worlds import Arithmetic

    size = dict(QUICK if args.quick else FULL)
    began = time.perf_counter()
    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    key = fingerprint([size, policy, ONLINE, LR, BATCH, ONLINE_LR])
    folder = Path(args.out) / key[:10]
    folder.mkdir(parents=True, exist_ok=True)
    pools, tokens = sampled_pools(size, folder, args.workers, say)
    offline = run_jobs(train_job, offline_tasks(size, folder, pools), args.workers, say)
    online = run_jobs(online_job, online_tasks(size, folder), args.workers, say)
    runs = Runs(
        size,
        {(r["arm"], r["k"], r["seed"]): r for r in offline},
        {(r["name"], r["seed"]): r for r in online},
    )
    whole = Pool.concat([Pool.load(p) for p in pools[0]])
    path = Arithmetic().path
    files = folder.glob("*.json")
    result = {
        "command": "python benchmarks/verifiable.py" + (" --quick" if args.quick else ""),
        "size": size,
        "sampled": {str(k): facts_of(whole.first(k), path) for k in size["k"]},
        "arms": runs.arms(),
        "differences": runs.differences(),
        "over_seeds": runs.over_seeds(),
        "online": {name: runs.method(name) for name in ONLINE},
        "online_differences": runs.online_differences(),
        "tokens_sampled": tokens,
        "process_seconds": sum(json.loads(f.read_text()).get("seconds", 0) for f in files),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    aims = {
        f"lowest bound, {name}": v["low"]
        for name, v in (result["over_seeds"] or result["differences"]).items()
        if name.startswith("pass@1:")
        and name.endswith(("distinct - sft", "distinct - start", "distinct - control"))
    }
    lines = lines_of(result, runs.ends)
    finish(args, {"ratios": aims, "aims": {name: 0.0 for name in aims}, **result}, lines)


if __name__ == "__main__":
    main()
