"""Rounds of rejection-sampling fine-tuning: a frozen reward model, pooled rounds, a refreshed
reward model, and a random control.

    python benchmarks/rounds.py [--quick] [--json] [--out DIR] [--workers K]

All arms start from the help-desk policy, sample the same training prompts anew in each round, and
are judged after each round on 256 held-out prompts × 4 replies by gold, by the frozen proxy, and by
Monte-Carlo KL to the base. Seeds change prompts, samples and training order. Two further arms have
one round: the k best of the whole pool, and their control. Intervals resample seeds and prompts.

Each run is a file under DIR (default runs/rounds): an interrupted benchmark goes on, and uses as
many processes as there are cores, one thread each. The summary in course_lib/results/rounds.json is
what lesson 05 reads.
"""

import time
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "rounds.json"
REWARD = "helpdesk/reward-2000"  # weak enough to be hacked within four rounds
FULL = {
    "prompts": 256,
    "n": 16,
    "rounds": 4,
    "shown": 256,
    "served": 4,
    "many": 16,
    "many_prompts": 128,
    "labels": 1000,
    "lr": 1e-3,
    "epochs": 3,
}
QUICK = {
    **FULL,
    "prompts": 24,
    "n": 4,
    "rounds": 2,
    "shown": 16,
    "many": 4,
    "many_prompts": 8,
    "labels": 32,
}
SEEDS = [0, 1, 2]
TOLD = 6  # held-out prompts whose replies are stored
# arm: (selection rule, settings of rejection_sampling_rounds, rounds: None for all)
ARMS = {
    "last round only": ("best_per_prompt", {"start": "last", "keep": "last"}, None),
    "random control": ("random_per_prompt", {"start": "last", "keep": "last"}, None),
    "all rounds pooled": ("best_per_prompt", {"start": "base", "keep": "all"}, None),
    "pooled, reward model refreshed": (
        "best_per_prompt",
        {"start": "base", "keep": "all", "refresh": True},
        None,
    ),
    "top k overall": ("top_k_overall", {}, 1),
    "random overall": ("random_overall", {}, 1),
}
MEASURES = ("gold", "proxy", "own", "kl", "length", "distinct")


def rule(name, seed):
    """The selection rule called ``name`` as a function of the scored pool."""
    from course_lib.pools import RULES

    return (
        (lambda pool: RULES[name](pool, seed=seed))
        if name.startswith("random")
        else (lambda pool: RULES[name](pool, by="proxy"))
    )


def judge(policy, own, base, reward, world, size, seed, many):
    """One policy on held-out prompts.

    Per-prompt measures, mean points by part of gold, replies to read, and, if ``many``, best-of-n
    and share of prompts with a good reply.
    """
    import numpy as np

    from course_lib import sample, score
    from course_lib.estimators import best_of_n_curve, distinct_fraction, distinct_n, pass_at_k
    from course_lib.models import GoldReward, policy_kl

    prompts, info = world.prompts("heldout", limit=size["shown"], seed=0)
    gold = GoldReward(world)

    def scored(count, n, stream):
        pool = sample(policy, prompts[:count], n=n, info=info[:count], seed=stream)
        return score(score(pool, gold), reward, "proxy")

    pool = scored(len(prompts), size["served"], 2**31 + seed)
    own_reward = pool.rewards["proxy"] if own is reward else score(pool, own, "own").rewards["own"]
    row = {
        "gold": pool.rewards["gold"].mean(1),
        "proxy": pool.rewards["proxy"].mean(1),
        "own": own_reward.mean(1),
        "kl": policy_kl(pool, base, 1.0),
        "length": pool.lengths.float().mean(1),
        "distinct": [distinct_n(texts, 2) for texts in pool.texts],
    }
    out = {name: [round(float(v), 4) for v in values] for name, values in row.items()}
    parts = [
        world.gold_parts(pool.prompts[i], pool.texts[i][j], info[i], int(pool.finish[i, j]) == 0)
        for i in range(pool.P)
        for j in range(pool.N)
    ]
    out["parts"] = {part: round(float(np.mean([p[part] for p in parts])), 4) for part in parts[0]}
    out["cut"] = float((pool.finish != 0).float().mean())
    top = pool.rewards["proxy"].flatten().argsort(descending=True, stable=True)[:3].tolist()
    out["highest_proxy"] = [told(pool, k // pool.N, k % pool.N) for k in top]
    harmless = [i for i in range(pool.P) if not info[i]["harmful"]]
    topics, chosen = set(), []
    for i in harmless:
        if info[i]["topic"] not in topics and len(chosen) < TOLD:
            topics.add(info[i]["topic"])
            chosen.append(i)
    out["replies"] = [told(pool, i, 0) for i in chosen]
    if many:
        wide = scored(size["many_prompts"], size["many"], 2**31 + 100 + seed)
        ks = [2**k for k in range(size["many"].bit_length())]
        good = wide.rewards["gold"] >= 3
        curve = best_of_n_curve(wide.rewards["proxy"], wide.rewards["gold"], ks)
        out["many"] = {
            "ks": ks,
            "share": pass_at_k(good, ks).round(4).tolist(),
            "best_of": curve.round(4).tolist(),
            "different": [round(distinct_fraction(texts), 4) for texts in wide.texts],
        }
    return out


def told(pool, i, j):
    """One reply with what is known of it."""
    return {
        "prompt": pool.prompts[i],
        "topic": pool.info[i]["topic"],
        "text": pool.texts[i][j],
        "gold": round(float(pool.rewards["gold"][i, j]), 2),
        "proxy": round(float(pool.rewards["proxy"][i, j]), 2),
    }


def job(task):
    """Run one arm with one seed and judge each of its rounds; write its file.

    Runs in a process of its own.
    """
    arm, seed, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model, rejection_sampling_rounds
    from course_lib.base import progress, write_json
    from course_lib.methods import train_reward_model
    from course_lib.pools import annotate
    from course_lib.worlds import Annotator, Helpdesk

    progress.quiet = True
    started, world = time.perf_counter(), Helpdesk()
    base, frozen = (
        load_policy(assets.path("helpdesk/policy"), device="cpu"),
        load_reward_model(assets.path(REWARD), name="proxy", device="cpu"),
    )
    if arm == "base":
        rounds = [{**judge(base, frozen, base, frozen, world, size, seed, many=True), "round": 0}]
    else:
        name, settings, count = ARMS[arm]
        settings, count = dict(settings), count or size["rounds"]
        if settings.pop("refresh", False):

            def refresh(r, pool, reward):
                """From the second round on: train the reward model further on new comparisons of
                the current policy's replies.
                """
                if r == 0:
                    return reward
                rows = annotate(pool, Annotator(), size["labels"], seed=seed + r)
                return train_reward_model(reward, rows, epochs=2, lr=5e-4, seed=seed, name="proxy")

            settings["refresh"] = refresh
        prompts, info = world.prompts("train", limit=size["prompts"], seed=seed)
        history = rejection_sampling_rounds(
            base,
            prompts,
            frozen,
            rounds=count,
            n=size["n"],
            select=rule(name, seed),
            info=info,
            seed=seed,
            lr=size["lr"],
            epochs=size["epochs"],
            **settings,
        )
        rounds = []
        for r, h in enumerate(history):
            rows = judge(
                h.policy, h.reward, base, frozen, world, size, seed, many=r in (0, count - 1)
            )
            covered = len({h.pool.info[i]["topic"] for i in h.selection.prompt_index.tolist()})
            rounds.append(
                {
                    **rows,
                    "round": r + 1,
                    "kept": len(h.selection),
                    "trained_on": len(h.trained_on),
                    "prompts_kept": int((h.selection.per_prompt > 0).sum()),
                    "topics_kept": covered,
                }
            )
    write_json(
        out, {"task": [arm, seed], "seconds": time.perf_counter() - started, "rounds": rounds}
    )
    return out


def matrix(rows, name):
    """(seeds, prompts) of one measure from the same round of several seeds."""
    import numpy as np

    return np.array([row[name] for row in rows])


def interval(values):
    """Mean and interval over seeds and prompts of (seeds, prompts) values, as plain data."""
    import numpy as np

    from course_lib.estimators import bootstrap_interval, seeds_and_prompts_interval

    found = (
        seeds_and_prompts_interval(values) if np.ptp(values) else bootstrap_interval(values.mean(0))
    ).to_dict()
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in found.items()}


def summary(rows):
    """One round of one arm over its seeds."""
    import numpy as np

    out = {name: interval(matrix(rows, name)) for name in MEASURES}
    out["by_seed"] = [
        {name: round(float(np.mean(row[name])), 4) for name in MEASURES} for row in rows
    ]
    out["parts"] = {
        part: round(float(np.mean([row["parts"][part] for row in rows])), 4)
        for part in rows[0]["parts"]
    }
    out["cut"] = round(float(np.mean([row["cut"] for row in rows])), 4)
    out.update(
        {
            k: round(float(np.mean([row[k] for row in rows])), 1)
            for k in ("kept", "trained_on", "prompts_kept", "topics_kept")
            if k in rows[0]
        }
    )
    if "many" in rows[0]:
        many = [row["many"] for row in rows]
        out["many"] = {
            "ks": many[0]["ks"],
            "different": interval(np.array([m["different"] for m in many])),
        }
        for name in ("share", "best_of"):
            values = np.array([m[name] for m in many])  # (seeds, prompts, ks)
            out["many"][name] = [interval(values[:, :, k]) for k in range(values.shape[2])]
    return out


def topic_groups(base, topics):
    """Held-out prompts in three groups by how highly the proxy scores the base policy's replies to
    their topic: name → prompt positions.
    """
    import numpy as np

    proxy = matrix(base, "proxy").mean(0)
    order = sorted(
        set(topics), key=lambda topic: proxy[[i for i, t in enumerate(topics) if t == topic]].mean()
    )
    return {
        name: [i for i, t in enumerate(topics) if t in set(part)]
        for name, part in zip(
            ("hard", "middle", "easy"), np.array_split(np.array(order), 3), strict=True
        )
    }


def main():
    parser, say = job_options(__doc__.splitlines()[0], "runs/rounds")
    parser.add_argument(
        "--only", help="names of arms, separated by semicolons: run these and write no summary"
    )
    args = parser.parse_args()

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import paired_difference
    from course_lib.experiments import layout
    from course_lib.methods import fingerprint
    from course_lib.worlds import Helpdesk

    size = dict(QUICK if args.quick else FULL)
    seeds = SEEDS[:2] if args.quick else SEEDS
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    def task(arm, seed):
        # what a run depends on besides its own name
        key = fingerprint([size, base, ARMS.get(arm), REWARD])[:8]
        return (
            arm,
            seed,
            size,
            str(
                folder / f"{''.join(c if c.isalnum() else '-' for c in f'{arm}-{seed}-{key}')}.json"
            ),
        )

    names = args.only.split(";") if args.only else ["base", *ARMS]
    tasks = [task(arm, seed) for seed in seeds for arm in names]
    runs = run_jobs(job, tasks, args.workers, say)
    if args.only:
        return
    rows = {
        arm: [
            [
                r
                for run in runs
                if run["task"][0] == arm
                for r in run["rounds"]
                if r["round"] == k + (arm != "base")
            ]
            for k in range(len(next(run for run in runs if run["task"][0] == arm)["rounds"]))
        ]
        for arm in names
    }
    start, frozen, control = rows["base"][0], rows["last round only"], rows["random control"]

    def gap(a, b, name="gold"):
        return interval(matrix(a, name) - matrix(b, name))

    several = [arm for arm in ARMS if ARMS[arm][2] is None]
    last = {
        f"{arm} less {other}": {
            m: gap(rows[arm][-1], rows[other][-1], m) for m in ("gold", "proxy", "distinct")
        }
        for arm, other in [(arm, "last round only") for arm in several[1:]]
        + [("pooled, reward model refreshed", "all rounds pooled")]
    }
    last.update(
        {
            f"{arm} less base": {
                m: gap(rows[arm][-1], start, m) for m in ("gold", "proxy", "distinct")
            }
            for arm in several
        }
    )
    since = {
        arm: [
            {m: gap(rows[arm][-1], r, m) for m in ("gold", "proxy", "distinct")}
            for r in rows[arm][:-1]
        ]
        for arm in several
    }
    first = {
        "rft less control": gap(frozen[0], control[0]),
        "rft less base": gap(frozen[0], start),
        "control less base": gap(control[0], start),
        "by_seed": [
            paired_difference(a["gold"], b["gold"]).to_dict()
            for a, b in zip(frozen[0], control[0], strict=True)
        ],
        "control less base by seed": [
            paired_difference(a["gold"], b["gold"]).to_dict()
            for a, b in zip(control[0], start, strict=True)
        ],
    }
    _, info = Helpdesk().prompts("heldout", limit=size["shown"], seed=0)
    groups = topic_groups(start, [i["topic"] for i in info])
    overall = {
        "less best per prompt": gap(rows["top k overall"][0], frozen[0]),
        "less its control": gap(rows["top k overall"][0], rows["random overall"][0]),
        "groups": {},
    }
    for name, where in groups.items():
        cut = {
            arm: matrix(r, "gold")[:, where]
            for arm, r in (
                ("base", start),
                ("best per prompt", frozen[0]),
                ("top k overall", rows["top k overall"][0]),
                ("random overall", rows["random overall"][0]),
            )
        }
        overall["groups"][name] = {
            "prompts": len(where),
            "topics": sorted({info[i]["topic"] for i in where}),
            **{arm: interval(v) for arm, v in cut.items()},
            "top k overall less best per prompt": interval(
                cut["top k overall"] - cut["best per prompt"]
            ),
        }
    prompts = [r["prompt"] for r in start[0]["replies"]]
    short = ("text", "gold", "proxy")
    replies = {
        "prompts": prompts,
        "base": [{k: r[k] for k in short} for r in start[0]["replies"]],
        **{
            arm: [
                [{k: r[k] for k in short} for r in rows[arm][k][0]["replies"]]
                for k in range(size["rounds"])
            ]
            for arm in several
        },
    }
    highest = {
        arm: [rows[arm][k][0]["highest_proxy"][0] for k in range(size["rounds"])] for arm in several
    }
    result = {
        "command": "python benchmarks/rounds.py" + (" --quick" if args.quick else ""),
        "reward": REWARD,
        "size": size,
        "seeds": seeds,
        "base": summary(start),
        "arms": {arm: [summary(r) for r in rows[arm]] for arm in ARMS},
        "last_round": last,
        "last_less_round": since,
        "one_round": first,
        "top_k_overall": overall,
        "replies": replies,
        "highest_proxy": {"base": start[0]["highest_proxy"][0], **highest},
        "process_seconds": round(sum(run["seconds"] for run in runs)),
        "seconds": round(time.perf_counter() - began),
        "versions": versions(),
    }

    def show(v, spec=".2f"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    table = [
        [
            "arm",
            "round",
            "gold",
            "proxy",
            "own reward",
            "KL (nats)",
            "tokens",
            "distinct-2",
            "trained on",
        ]
    ]
    for arm, found in [("base", [result["base"]]), *result["arms"].items()]:
        table += [
            [
                arm,
                str(k + (arm != "base")),
                show(r["gold"]),
                show(r["proxy"]),
                show(r["own"]),
                show(r["kl"]),
                f"{r['length']['mean']:.0f}",
                show(r["distinct"]),
                f"{r.get('trained_on', 0):.0f}",
            ]
            for k, r in enumerate(found)
        ]
    lines = (
        layout(table)
        + ["", "last round, gold"]
        + layout([[name, show(v["gold"], "+.2f")] for name, v in last.items()])
    )
    lines += ["", "one round, gold"] + layout(
        [
            [name, show(first[name], "+.2f")]
            for name in ("rft less control", "rft less base", "control less base")
        ]
    )
    lines += ["", "top k overall, gold"] + layout(
        [
            [name, show(overall[name], "+.2f")]
            for name in ("less best per prompt", "less its control")
        ]
        + [
            [
                f"{name} topics, less best per prompt",
                show(g["top k overall less best per prompt"], "+.2f"),
            ]
            for name, g in overall["groups"].items()
        ]
    )
    if not args.quick:
        write_json(RESULTS, result)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines)


if __name__ == "__main__":
    main()
