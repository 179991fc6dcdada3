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
from verifiable import LR, ONLINE, ONLINE_LR, start

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

    pool = score(
        sample(policy, prompts, n=n, max_tokens=world.max_tokens, info=info, seed=99),
        GoldReward(world),
        "verifier",
    )
    right = pool.rewards["verifier"].bool().tolist()
    paths = [
        Counter(world.path("", text, {}) for text, good in zip(texts, row, strict=True) if good)
        for texts, row in zip(pool.texts, right, strict=True)
    ]
    ks = [k for k in (1, 2, 4, 8, 16, 32) if k <= n]
    on = pool.tokens >= 0
    return {
        "ks": ks,
        "pass": [
            [round(float(v), 5) for v in column]
            for column in pass_at_k(pool.rewards["verifier"], ks).T
        ],
        "paths": [sorted(counts.values()) for counts in paths],
        "right": pool.rewards["verifier"].sum(1).int().tolist(),
        "texts": [len(set(row)) for row in pool.texts],
        "entropy": [
            round(float(-(r * m).sum() / m.sum()), 5)
            for r, m in zip(pool.logprobs, on, strict=True)
        ],
    }


def judge(policy, world, size):
    prompts, info = world.prompts("heldout", limit=size["held_out"], seed=1)
    return breadth(policy, world, prompts, info, size["n"])


def online(policy, world, name, prompts, info, steps, size, seed):
    """One online run of a method of verifiable.ONLINE."""
    from course_lib.methods import grpo
    from course_lib.models import FunctionReward

    settings = dict(ONLINE[name])
    low = -1.0 if settings["method"] == "reinforce" else 0.0
    reward = FunctionReward(
        lambda prompt, text, info: 1.0 if world.gold(prompt, text, info) else low, "verifier"
    )
    return grpo(
        policy,
        prompts,
        reward,
        info,
        steps=steps,
        prompts_per_step=size["prompts"],
        n=size["group"],
        lr=ONLINE_LR,
        max_tokens=world.max_tokens,
        seed=seed,
        **settings,
    )


def passk_job(task):
    """Train one method, by its name in TRAINED, and judge it; "start" is judged as it is."""
    name, seed, size, out = task
    from course_lib import finetune, sample, score
    from course_lib.base import write_json
    from course_lib.models import GoldReward
    from course_lib.pools import distinct_paths
    from course_lib.worlds import SFT_PROBLEMS

    (world, policy), began, facts = start(), time.perf_counter(), {}
    replies = size["steps"] * size["prompts"] * size["group"]
    if name == "RFT":
        prompts, info = unseen(world, replies // size["rft_n"])
        pool = score(
            sample(
                policy,
                prompts,
                n=size["rft_n"],
                max_tokens=world.max_tokens,
                info=info,
                seed=900 + seed,
            ),
            GoldReward(world),
            "verifier",
        )
        kept = distinct_paths(pool, by="verifier", key=world.path)
        old, about = world.prompts("train", limit=SFT_PROBLEMS, seed=0)
        also = list(zip(old, [i["solution"] for i in about], strict=True))
        trained = finetune(
            policy,
            kept,
            also=also,
            epochs=size["rft_steps"] / -(-(len(kept) + len(also)) // BATCH),
            lr=LR,
            batch_size=BATCH,
            seed=seed,
        )
        facts = {"kept": len(kept), "tokens_sampled": int(pool.lengths.sum())}
    elif name != "start":
        prompts, info = unseen(world, size["steps"] * size["prompts"])
        trained = online(policy, world, name, prompts, info, size["steps"], size, seed)
        facts = {
            "kl": trained.training_log.steps[-1]["kl"],
            "tokens_sampled": trained.training_log.account.tokens_sampled,
            "reward": [round(v, 4) for v in trained.training_log.column("reward")],
        }
    write_json(
        out,
        {
            "name": name,
            "seed": seed,
            **facts,
            **judge(policy if name == "start" else trained, world, size),
            "seconds": time.perf_counter() - began,
        },
    )
    return out


def plan(size, folder):
    """The tasks, seed by seed: each ends in its file."""
    trained = [
        (name, s, size, str(folder / f"passk-{i}-{s}.json"))
        for s in size["seeds"]
        for i, name in enumerate(TRAINED)
    ]
    return [("start", 0, size, str(folder / "start.json")), *trained]


def settled_in_all(rows):
    """The rows without the problems for which one of them has no value (too few right replies to
    compare paths).
    """
    import numpy as np

    rows = np.array(rows)
    return rows[:, ~np.isnan(rows).any(0)]


def settled(args):
    """(size, folder) of this run."""
    from course_lib import assets, load_policy
    from course_lib.methods import fingerprint

    size = dict(QUICK if args.quick else FULL)
    folder = (
        Path(args.out)
        / fingerprint(
            [
                size,
                load_policy(assets.path("arithmetic/policy"), device="cpu"),
                ONLINE,
                LR,
                ONLINE_LR,
                BATCH,
            ]
        )[:10]
    )
    folder.mkdir(parents=True, exist_ok=True)
    return size, folder


def main():
    parser, say = job_options(__doc__.splitlines()[0], "runs/passk")
    args = parser.parse_args()

    import numpy as np

    from course_lib.base import versions, write_json
    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval
    from course_lib.experiments import layout
    from course_lib.experiments.findings.verifiable import distinct_among

    began = time.perf_counter()
    size, folder = settled(args)
    runs = {
        (r["name"], r["seed"]): r
        for r in run_jobs(passk_job, plan(size, folder), args.workers, say)
    }
    seeds, base = size["seeds"], runs["start", 0]
    ks = base["ks"]

    measures = {f"pass@{k}": (lambda r, at=at: np.array(r["pass"][at])) for at, k in enumerate(ks)}
    measures["distinct right paths per problem"] = lambda r: np.array(
        [len(counts) for counts in r["paths"]], dtype=float
    )
    measures[f"distinct paths among {size['among']} right replies"] = lambda r: np.array(
        [distinct_among(counts, size["among"]) for counts in r["paths"]]
    )
    measures["distinct texts, share"] = lambda r: np.array(r["texts"]) / size["n"]
    measures["entropy, nats a token"] = lambda r: np.array(r["entropy"])

    def level(name, value):
        each = settled_in_all([value(runs[name, s]) for s in (seeds if name != "start" else [0])])
        return (
            seeds_and_prompts_interval(np.array(each))
            if len(each) > 1
            else bootstrap_interval(each[0])
        ).to_dict()

    def gap(a, b, value):
        rows = np.array(
            settled_in_all(
                [value(runs[a, s]) - value(runs[b, s if b != "start" else 0]) for s in seeds]
            )
        )
        return {
            **seeds_and_prompts_interval(rows).to_dict(),
            "by_seed": [round(float(v), 4) for v in rows.mean(1)],
        }

    table = {
        name: {what: level(name, value) for what, value in measures.items()}
        for name in ("start", *TRAINED)
    }
    minus = {
        name: {what: gap(name, "start", value) for what, value in measures.items()}
        for name in TRAINED
    }
    grpo_minus_raft = {what: gap("GRPO", "RAFT", value) for what, value in measures.items()}
    curves = {
        name: [
            [
                round(float(v), 3)
                for v in np.mean(
                    [runs[name, s]["pass"][at] for s in (seeds if name != "start" else [0])], 0
                )
            ]
            for at in range(len(ks))
        ]
        for name in ("start", *TRAINED)
    }
    result = {
        "command": "python benchmarks/passk.py" + (" --quick" if args.quick else ""),
        "size": size,
        "seeds": seeds,
        "ks": ks,
        "levels": table,
        "minus_start": minus,
        "grpo_minus_raft": grpo_minus_raft,
        "curves": curves,
        "kept": float(np.mean([runs["RFT", s]["kept"] for s in seeds])),
        "tokens_sampled": {
            name: float(np.mean([runs[name, s]["tokens_sampled"] for s in seeds]))
            for name in TRAINED
        },
        "process_seconds": sum(r["seconds"] for r in runs.values()),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }

    def show(v, spec=".3f"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    columns = [
        "pass@1",
        f"pass@{ks[-1]}",
        "distinct right paths per problem",
        "entropy, nats a token",
    ]
    lines = layout(
        [["", *columns], *[[name, *(show(row[c]) for c in columns)] for name, row in table.items()]]
    )
    lines += ["", "less the start"] + layout(
        [
            ["", *columns],
            *[[name, *(show(row[c], "+.3f") for c in columns)] for name, row in minus.items()],
        ]
    )
    lines += [
        "",
        "GRPO less RAFT: "
        + ", ".join(f"{what} {show(v, '+.3f')}" for what, v in grpo_minus_raft.items()),
    ]
    if not args.quick:
        write_json(RESULTS, result)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines)


if __name__ == "__main__":
    main()
