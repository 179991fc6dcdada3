"""Rounds of rejection-sampling fine-tuning: a frozen reward model, pooled rounds, a refreshed
reward model, and a random control.

    python benchmarks/rounds.py [--quick] [--json] [--out DIR] [--workers K]

All arms start from the help-desk policy, sample the same training prompts anew in each round, and
are judged after each round on 192 held-out prompts × 4 replies by gold, by the frozen proxy, and by
Monte-Carlo KL to the base. After the first and the last round gold is also measured at the
temperature that is best for the policy, chosen by gold on prompts that share no wording with those
shown. Seeds change prompts, samples and training order. Two further arms have one round: the k best
of the whole pool, and their control. Intervals are for other seeds and other prompts of the same
topics.

Each run is a file under DIR (default runs/rounds): an interrupted benchmark goes on, and uses as
many processes as there are cores, one thread each. The summary in course_lib/results/rounds.json is
what lesson 05 reads.
"""

import time
from pathlib import Path

from common import finish, job_options, run_jobs
from frontier import TEMPERATURES, held_out

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "rounds.json"
REWARD = "helpdesk/reward-2000"  # weak enough to be hacked within four rounds
FULL = {
    "prompts": 192,
    "n": 16,
    "rounds": 4,
    "show": 192,
    "choose": 64,
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
    "show": 16,
    "choose": 8,
    "many": 4,
    "many_prompts": 8,
    "labels": 32,
}
SEEDS = [0, 1, 2]
TOLD = 6  # held-out prompts whose replies are stored
TOPICS_SHOWN = []  # of the prompts that are shown, filled in by main
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

    if name.startswith("random"):
        return lambda pool: RULES[name](pool, seed=seed)
    return lambda pool: RULES[name](pool, by="proxy")


# ---- judging one policy ------------------------------------------------------------------------


def judge(policy, own, base, reward, world, size, seed, many):
    """One policy on held-out prompts.

    Per-prompt measures, mean points by part of gold, replies to read, and, if ``many``, best-of-n
    and share of prompts with a good reply.
    """
    from course_lib import sample, score
    from course_lib.estimators import distinct_n
    from course_lib.models import GoldReward, policy_kl

    prompts, info = held_out(world, size, "show")
    gold = GoldReward(world)

    def scored(count, n, stream):
        pool = sample(policy, prompts[:count], n=n, info=info[:count], seed=stream)
        return score(score(pool, gold), reward, "proxy")

    pool = scored(len(prompts), size["served"], 2**31 + seed)
    own_reward = pool.rewards["proxy"] if own is reward else score(pool, own, "own").rewards["own"]
    measures = {
        "gold": pool.rewards["gold"].mean(1),
        "proxy": pool.rewards["proxy"].mean(1),
        "own": own_reward.mean(1),
        "kl": policy_kl(pool, base, 1.0),
        "length": pool.lengths.float().mean(1),
        "distinct": [distinct_n(texts, 2) for texts in pool.texts],
    }
    out = {name: [round(float(v), 4) for v in values] for name, values in measures.items()}
    out["parts"] = mean_parts(pool, world)
    out["cut"] = float((pool.finish != 0).float().mean())
    out["highest_proxy"] = highest_proxy(pool)
    out["replies"] = [told(pool, i, 0) for i in first_of_each_topic(info)]
    if many:
        wide = scored(size["many_prompts"], size["many"], 2**31 + 100 + seed)
        out["many"] = of_many(wide)
        out["at_best"] = at_best_temperature(policy, world, size, seed)
    return out


def at_best_temperature(policy, world, size, seed):
    """Gold of one reply at the temperature that is best on other prompts."""
    from course_lib import sample, score
    from course_lib.models import GoldReward

    def gold_at(part, temperature, stream):
        prompts, info = held_out(world, size, part)
        pool = sample(
            policy,
            prompts,
            n=size["served"],
            temperature=temperature,
            info=info,
            seed=stream,
        )
        return score(pool, GoldReward(world)).rewards["gold"].mean(1)

    tried = {t: float(gold_at("choose", t, 2**31 + 200 + seed).mean()) for t in TEMPERATURES}
    best = max(tried, key=tried.get)
    shown = gold_at("show", best, 2**31 + 300 + seed)
    return {
        "temperature": best,
        "tried": {f"{t:g}": round(v, 4) for t, v in tried.items()},
        "gold": [round(float(v), 4) for v in shown],
    }


def mean_parts(pool, world):
    """Mean points by part of gold, over all replies."""
    import numpy as np

    parts = []
    for i in range(pool.P):
        for j in range(pool.N):
            finished = int(pool.finish[i, j]) == 0
            parts.append(
                world.gold_parts(pool.prompts[i], pool.texts[i][j], pool.info[i], finished)
            )
    return {name: round(float(np.mean([part[name] for part in parts])), 4) for name in parts[0]}


def highest_proxy(pool, count=3):
    """The replies with the highest proxy reward of all, to read."""
    order = pool.rewards["proxy"].flatten().argsort(descending=True, stable=True)
    return [told(pool, k // pool.N, k % pool.N) for k in order[:count].tolist()]


def first_of_each_topic(info):
    """Positions of the first harmless prompts about different topics, at most TOLD."""
    first = {}
    for i, about in enumerate(info):
        if not about["harmful"] and len(first) < TOLD:
            first.setdefault(about["topic"], i)
    return list(first.values())


def of_many(pool):
    """Best-of-n and the share of prompts with a good reply, from more replies to each prompt."""
    from course_lib.estimators import best_of_n_curve, distinct_fraction, pass_at_k

    ks = [2**k for k in range(pool.N.bit_length())]
    good = pool.rewards["gold"] >= 3
    curve = best_of_n_curve(pool.rewards["proxy"], pool.rewards["gold"], ks)
    return {
        "ks": ks,
        "share": pass_at_k(good, ks).round(4).tolist(),
        "best_of": curve.round(4).tolist(),
        "different": [round(distinct_fraction(texts), 4) for texts in pool.texts],
    }


def told(pool, i, j):
    """One reply with what is known of it."""
    return {
        "prompt": pool.prompts[i],
        "topic": pool.info[i]["topic"],
        "text": pool.texts[i][j],
        "gold": round(float(pool.rewards["gold"][i, j]), 2),
        "proxy": round(float(pool.rewards["proxy"][i, j]), 2),
    }


# ---- running one arm ---------------------------------------------------------------------------


def refreshing(size, seed):
    """From the second round on: train the reward model on comparisons of the current policy."""
    from course_lib.methods import train_reward_model
    from course_lib.pools import annotate
    from course_lib.worlds import Annotator

    def refresh(r, pool, reward):
        if r == 0:
            return reward
        rows = annotate(pool, Annotator(), size["labels"], seed=seed + r)
        return train_reward_model(reward, rows, epochs=2, lr=5e-4, seed=seed, name="proxy")

    return refresh


def rounds_of(arm, base, frozen, world, size, seed):
    """Run one arm with one seed and judge each of its rounds."""
    from course_lib import rejection_sampling_rounds

    name, settings, count = ARMS[arm]
    settings = dict(settings)
    count = count or size["rounds"]
    if settings.pop("refresh", False):
        settings["refresh"] = refreshing(size, seed)
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
        first_or_last = r in (0, count - 1)
        judged = judge(h.policy, h.reward, base, frozen, world, size, seed, many=first_or_last)
        topics = {h.pool.info[i]["topic"] for i in h.selection.prompt_index.tolist()}
        rounds.append(
            {
                **judged,
                "round": r + 1,
                "kept": len(h.selection),
                "trained_on": len(h.trained_on),
                "prompts_kept": int((h.selection.per_prompt > 0).sum()),
                "topics_kept": len(topics),
            }
        )
    return rounds


def job(task):
    """Run one arm with one seed and judge each of its rounds; write its file.

    Runs in a process of its own.
    """
    arm, seed, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model
    from course_lib.base import progress, write_json
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    started = time.perf_counter()
    world = Helpdesk()
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    frozen = load_reward_model(assets.path(REWARD), name="proxy", device="cpu")
    if arm == "base":
        judged = judge(base, frozen, base, frozen, world, size, seed, many=True)
        rounds = [{**judged, "round": 0}]
    else:
        rounds = rounds_of(arm, base, frozen, world, size, seed)
    seconds = time.perf_counter() - started
    write_json(out, {"task": [arm, seed], "seconds": seconds, "rounds": rounds})
    return out


# ---- the summary: ``rows`` are one round of one arm, one a seed ---------------------------------


def matrix(rows, name):
    """(seeds, prompts) of one measure from the same round of several seeds."""
    import numpy as np

    return np.array([row[name] for row in rows])


def interval(values, where=None):
    """Mean and interval for other seeds and prompts of (seeds, prompts) values, as plain data.

    ``where``: positions of the prompts among those shown, by default the first ones.
    """
    import numpy as np

    from course_lib.estimators import between_seeds_interval

    topics = np.array(TOPICS_SHOWN)[list(range(values.shape[1]) if where is None else where)]
    found = between_seeds_interval(values, groups=topics).to_dict()
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in found.items()}


def gap(rows, others, name="gold"):
    """Interval of the difference in a measure, by seed and prompt."""
    return interval(matrix(rows, name) - matrix(others, name))


def gaps(rows, others):
    """The difference in gold, proxy and distinct-2, and in gold at best temperatures if known."""
    import numpy as np

    found = {name: gap(rows, others, name) for name in ("gold", "proxy", "distinct")}
    if "at_best" in rows[0] and "at_best" in others[0]:
        best, other = (
            np.array([row["at_best"]["gold"] for row in side]) for side in (rows, others)
        )
        found["at_best"] = interval(best - other)
    return found


def summary(rows):
    """One round of one arm over its seeds."""
    import numpy as np

    def mean_of(values, digits=4):
        return round(float(np.mean(list(values))), digits)

    out = {name: interval(matrix(rows, name)) for name in MEASURES}
    out["by_seed"] = [{name: mean_of(row[name]) for name in MEASURES} for row in rows]
    if "at_best" in rows[0]:
        out["at_best"] = interval(np.array([row["at_best"]["gold"] for row in rows]))
        out["best_temperatures"] = [row["at_best"]["temperature"] for row in rows]
    out["parts"] = {part: mean_of(row["parts"][part] for row in rows) for part in rows[0]["parts"]}
    out["cut"] = mean_of(row["cut"] for row in rows)
    for name in ("kept", "trained_on", "prompts_kept", "topics_kept"):
        if name in rows[0]:  # the base policy was not trained
            out[name] = mean_of((row[name] for row in rows), 1)
    if "many" in rows[0]:
        many = [row["many"] for row in rows]
        different = np.array([m["different"] for m in many])  # (seeds, prompts)
        out["many"] = {"ks": many[0]["ks"], "different": interval(different)}
        for name in ("share", "best_of"):
            values = np.array([m[name] for m in many])  # (seeds, prompts, ks)
            out["many"][name] = [interval(values[:, :, k]) for k in range(values.shape[2])]
    return out


def by_round(runs, arm):
    """The rows of one arm: a list of rounds, each one row a seed."""
    of_arm = [run for run in runs if run["task"][0] == arm]
    return [list(rows) for rows in zip(*(run["rounds"] for run in of_arm), strict=True)]


def several_rounds():
    """The arms that run all rounds."""
    return [arm for arm, (_, _, count) in ARMS.items() if count is None]


def one_round(frozen, control, start):
    """What the first round is worth: RFT, its random control and the base policy."""
    from course_lib.estimators import paired_difference

    def by_seed(rows, others):
        pairs = zip(rows, others, strict=True)
        return [paired_difference(a["gold"], b["gold"]).to_dict() for a, b in pairs]

    return {
        "rft minus control": gap(frozen, control),
        "rft minus base": gap(frozen, start),
        "control minus base": gap(control, start),
        "at best temperatures": {
            "rft minus control": gaps(frozen, control)["at_best"],
            "rft minus base": gaps(frozen, start)["at_best"],
            "control minus base": gaps(control, start)["at_best"],
        },
        "by_seed": by_seed(frozen, control),
        "control minus base by seed": by_seed(control, start),
    }


def last_round(rows, start):
    """What the last round of each arm is worth, against its rivals and the base policy."""
    several = several_rounds()
    pairs = [(arm, "last round only") for arm in several[1:]]
    pairs.append(("pooled, reward model refreshed", "all rounds pooled"))
    last = {f"{arm} minus {other}": gaps(rows[arm][-1], rows[other][-1]) for arm, other in pairs}
    for arm in several:
        last[f"{arm} minus base"] = gaps(rows[arm][-1], start)
    return last


def last_minus_round(rows):
    """The last round of each arm minus each earlier one."""
    return {
        arm: [gaps(rows[arm][-1], earlier) for earlier in rows[arm][:-1]]
        for arm in several_rounds()
    }


def topic_groups(base, topics):
    """Held-out prompts in three groups of topics, "hard", "middle" and "easy".

    By how highly the proxy scores the base policy's replies to a topic: name → prompt positions.
    """
    import numpy as np

    proxy = matrix(base, "proxy").mean(0)  # (prompts,)

    def easiness(topic):
        return proxy[[i for i, t in enumerate(topics) if t == topic]].mean()

    thirds = np.array_split(np.array(sorted(set(topics), key=easiness)), 3)
    groups = {}
    for name, part in zip(("hard", "middle", "easy"), thirds, strict=True):
        groups[name] = [i for i, topic in enumerate(topics) if topic in set(part)]
    return groups


def top_k_overall(rows, start, info):
    """The arm "top k overall" against its rivals, also by how easy the topic is."""
    first = {
        "base": start,
        "best per prompt": rows["last round only"][0],
        "top k overall": rows["top k overall"][0],
        "random overall": rows["random overall"][0],
    }
    groups = {}
    for name, where in topic_groups(start, [about["topic"] for about in info]).items():
        gold = {arm: matrix(r, "gold")[:, where] for arm, r in first.items()}
        groups[name] = {
            "prompts": len(where),
            "topics": sorted({info[i]["topic"] for i in where}),
            **{arm: interval(values, where) for arm, values in gold.items()},
            "top k overall minus best per prompt": interval(
                gold["top k overall"] - gold["best per prompt"], where
            ),
        }
    return {
        "minus best per prompt": gap(first["top k overall"], first["best per prompt"]),
        "minus its control": gap(first["top k overall"], first["random overall"]),
        "groups": groups,
    }


def replies_to_read(rows, start, rounds):
    """The replies of the first seed to a few prompts: of the base, and of each arm round by round.

    Then the reply with the highest proxy reward.
    """

    def short(row):
        return [{k: reply[k] for k in ("text", "gold", "proxy")} for reply in row["replies"]]

    replies = {
        "prompts": [reply["prompt"] for reply in start[0]["replies"]],
        "base": short(start[0]),
    }
    highest = {"base": start[0]["highest_proxy"][0]}
    for arm in several_rounds():
        of_first_seed = [rows[arm][r][0] for r in range(rounds)]
        replies[arm] = [short(row) for row in of_first_seed]
        highest[arm] = [row["highest_proxy"][0] for row in of_first_seed]
    return replies, highest


# ---- printing ----------------------------------------------------------------------------------


HEAD = [
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


def show(v, spec=".2f"):
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"


def row_of(arm, number, row):
    """One line of the printed table."""
    return [
        arm,
        str(number),
        show(row["gold"]),
        show(row["proxy"]),
        show(row["own"]),
        show(row["kl"]),
        f"{row['length']['mean']:.0f}",
        show(row["distinct"]),
        f"{row.get('trained_on', 0):.0f}",
    ]


def lines_of(result):
    """The result as text."""
    from course_lib.experiments import layout

    table = [HEAD, row_of("base", 0, result["base"])]
    for arm, found in result["arms"].items():
        table += [row_of(arm, r + 1, row) for r, row in enumerate(found)]

    last = [[name, show(v["gold"], "+.2f")] for name, v in result["last_round"].items()]
    one = [
        [name, show(result["one_round"][name], "+.2f")]
        for name in ("rft minus control", "rft minus base", "control minus base")
    ]
    one += [
        [f"{name}, at best T", show(v, "+.2f")]
        for name, v in result["one_round"]["at best temperatures"].items()
    ]
    overall = [
        [name, show(result["top_k_overall"][name], "+.2f")]
        for name in ("minus best per prompt", "minus its control")
    ]
    for name, group in result["top_k_overall"]["groups"].items():
        minus = show(group["top k overall minus best per prompt"], "+.2f")
        overall.append([f"{name} topics, minus best per prompt", minus])
    return [
        *layout(table),
        "",
        "last round, gold",
        *layout(last),
        "",
        "one round, gold",
        *layout(one),
        "",
        "top k overall, gold",
        *layout(overall),
    ]


def task_of(arm, seed, size, base, folder):
    """One run; its file's name holds a fingerprint of what it depends on besides its own name."""
    from course_lib.methods import fingerprint

    key = fingerprint([size, base, ARMS.get(arm), REWARD])[:8]
    slug = "".join(c if c.isalnum() else "-" for c in f"{arm}-{seed}-{key}")
    return (arm, seed, size, str(folder / f"{slug}.json"))


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/rounds")
    parser.add_argument(
        "--only", help="names of arms, separated by semicolons: run these and write no summary"
    )
    args = parser.parse_args()

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.worlds import Helpdesk

    size = dict(QUICK if args.quick else FULL)
    seeds = SEEDS[:2] if args.quick else SEEDS
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    names = args.only.split(";") if args.only else ["base", *ARMS]
    tasks = [task_of(arm, seed, size, base, folder) for seed in seeds for arm in names]
    runs = run_jobs(job, tasks, args.workers, say)
    if args.only:
        return

    rows = {arm: by_round(runs, arm) for arm in names}
    start = rows["base"][0]
    _, info = held_out(Helpdesk(), size, "show")
    TOPICS_SHOWN[:] = [about["topic"] for about in info]
    replies, highest = replies_to_read(rows, start, size["rounds"])
    result = {
        "command": "python benchmarks/rounds.py" + (" --quick" if args.quick else ""),
        "reward": REWARD,
        "size": size,
        "seeds": seeds,
        "base": summary(start),
        "arms": {arm: [summary(r) for r in rows[arm]] for arm in ARMS},
        "last_round": last_round(rows, start),
        "last_minus_round": last_minus_round(rows),
        "population": "other prompts about the same topics, other seeds of training",
        "one_round": one_round(rows["last round only"][0], rows["random control"][0], start),
        "top_k_overall": top_k_overall(rows, start, info),
        "replies": replies,
        "highest_proxy": highest,
        "process_seconds": round(sum(run["seconds"] for run in runs)),
        "seconds": round(time.perf_counter() - began),
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines_of(result))


if __name__ == "__main__":
    main()
