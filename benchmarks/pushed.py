"""Replies of two policies that learned from one reward model, one of them pushed too far.

    python benchmarks/pushed.py [--quick] [--json] [--out DIR] [--workers K]

RFT with the dials that benchmarks/frontier.py chose, and PPO with ten times the learning rate that
was chosen for it, each trained as there on the choosing seed, and the base policy. Each writes
replies to held-out questions that had no part in the choice, at the temperature that was best for
it. Gold and reward-8000 judge all of them, and one reply to each of the first questions is kept to
be read. course_lib/results/pushed.json is what lesson 07 reads.
"""

import json
import time
from pathlib import Path

import frontier
from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "pushed.json"
SHOWN = 32  # questions whose replies are kept
PUSH = 10  # times the learning rate
PUSHED = f"PPO, {PUSH} times the learning rate"
SCORE = "reward-8000"


def tasks_of(stored, quick):
    """name → (method, dials, temperature) of each policy, from the stored frontier."""
    methods = stored["methods"]
    rft = methods["RFT"]
    pushed = {**methods["PPO"]["best"], "lr": PUSH * methods["PPO"]["best"]["lr"]}
    (point,) = [p for p in methods["PPO"]["grid"].values() if p["dials"] == pushed]
    found = {
        "base": ("best-of-N", {}, stored["base"]["temperature"]),
        "RFT": ("RFT", rft["best"], rft["shown"]["temperature"]),
        PUSHED: ("PPO", pushed, point["temperature"]),
    }
    if quick:
        found.pop(PUSHED)
    return found


def job(task):
    """Train one policy, let it answer, and write what it wrote and how it was judged."""
    method, dials, temperature, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model, sample, score
    from course_lib.base import progress, write_json
    from course_lib.models import GoldReward
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    world = Helpdesk()
    policy = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(frontier.REWARD), device="cpu")
    if method != "best-of-N":
        policy, *_ = frontier.train_job(method, dials, frontier.CHOOSING, size)
    prompts, info = frontier.held_out(world, size, "show")
    seed = 2**31 + frontier.CHOOSING
    pool = sample(policy, prompts, n=size["served"], temperature=temperature, info=info, seed=seed)
    pool = score(score(pool, GoldReward(world)), reward, SCORE)
    topics = [about["topic"] for about in info]
    judged = {name: pool.reward(name) for name in ("gold", SCORE)}
    facts = {
        "dials": dials,
        "temperature": temperature,
        **{
            name: frontier.interval([values.mean(1).tolist()], topics)
            for name, values in judged.items()
        },
        "by_prompt": {name: frontier.listed(values.mean(1)) for name, values in judged.items()},
        "replies": [
            {"text": pool.texts[i][0], **{k: round(v[i, 0].item(), 2) for k, v in judged.items()}}
            for i in range(min(SHOWN, pool.P))
        ],
    }
    write_json(out, facts)
    return out


def main():
    parser, say = job_options(__doc__, "runs/pushed")
    args = parser.parse_args()

    from course_lib import results
    from course_lib.base import versions, write_json
    from course_lib.estimators import paired_difference
    from course_lib.worlds import Helpdesk

    stored = results.load("frontier")
    size = frontier.QUICK if args.quick else frontier.FULL
    size = {**size, "budget": stored["size"]["budget"] // (32 if args.quick else 1)}
    folder = Path(args.out) / ("quick" if args.quick else "full")
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    named = tasks_of(stored, args.quick)
    files = [str(folder / f"{k}.json") for k in range(len(named))]
    tasks = [(*task, size, file) for task, file in zip(named.values(), files, strict=True)]
    policies = dict(zip(named, run_jobs(job, tasks, args.workers, say), strict=True))
    prompts, info = frontier.held_out(Helpdesk(), size, "show")
    topics = [about["topic"] for about in info]
    values = {name: row.pop("by_prompt") for name, row in policies.items()}
    minus_rft = {
        name: {
            measure: paired_difference(found, values["RFT"][measure], groups=topics).to_dict()
            for measure, found in measures.items()
        }
        for name, measures in values.items()
        if name != "RFT"
    }
    result = {
        "command": "python benchmarks/pushed.py" + (" --quick" if args.quick else ""),
        "population": "other wordings of the desk's 32 topics, one seed of training",
        "seed": frontier.CHOOSING,
        "prompts": prompts[:SHOWN],
        "info": info[:SHOWN],
        "policies": policies,
        "minus_rft": minus_rft,
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, json.loads(json.dumps(result)))
    lines = [
        f"{name:32} gold {row['gold']['mean']:.2f}   {SCORE} {row[SCORE]['mean']:.2f}"
        for name, row in policies.items()
    ]
    finish(args, {"ratios": {}, "aims": {}, **result}, lines)


if __name__ == "__main__":
    main()
