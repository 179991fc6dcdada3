"""RFT as distillation of best-of-n: how far it is from its target, and what colder sampling adds.

    python benchmarks/distilled.py [--quick] [--json] [--out DIR] [--workers K]

SFT on best replies minimises KL(π_n ‖ π_θ), π_n the distribution that best-of-n samples from. Here
one pool of training prompts × 16 gives the best replies, and the policy is trained on them for half
an epoch, 1, 2, 3 and 6 epochs. On held-out prompts KL(π_16 ‖ π_θ) is estimated from best-of-16
replies of the base policy, with log π_16(y) = log π(y) + log 16 + 15·log F(r(y)), where F(r) is the
share of the bundled pool's 256 replies to the prompt with a reward of at most r. Beside it stand
gold of best-of-16 at temperature 1, and of one reply of the trained policy at 1 and at the
temperature that is best for it, chosen on prompts that share no wording with those shown.

Ten seeds. Each run is a file under DIR (default runs/distilled): an interrupted benchmark goes
on. course_lib/results/distilled.json is what lesson 05 reads.
"""

import time
from pathlib import Path

from common import finish, job_options, run_jobs
from frontier import TEMPERATURES, held_out, listed

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "distilled.json"
REWARD = "reward-8000"
FULL = {"prompts": 384, "n": 16, "epochs": [0, 0.5, 1, 2, 3, 6], "choose": 64, "served": 4}
QUICK = {"prompts": 16, "n": 4, "epochs": [0, 1], "choose": 4, "served": 2}
SEEDS = list(range(10))


def target(size):
    """The bundled pool, and of each of its prompts n-candidate groups' best: (P, G) indices."""
    from course_lib import Pool, assets
    from course_lib.experiments.measures import served

    pool = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
    if size["prompts"] < 64:
        pool = pool.prompts_at(range(12))
    return pool, served(pool, size["n"], REWARD)


def log_target(pool, index, n):
    """(P, G) log π_n(y) in nats of the replies at ``index``: ranks taken within the pool."""
    import numpy as np
    import torch

    rewards = pool.reward(REWARD).double()
    chosen = rewards.gather(1, index)  # (P, G)
    share = (rewards[:, None, :] <= chosen[:, :, None]).double().mean(-1)  # (P, G)
    return pool.sum_logprobs.gather(1, index).double() + np.log(n) + (n - 1) * torch.log(share)


def forward_kl(policy, pool, index, n):
    """(P,) estimates of KL(π_n ‖ π_θ) in nats."""
    from course_lib.models import examples_of, sequence_logprobs

    prompts = [prompt for prompt in pool.prompts for _ in range(index.shape[1])]
    texts = [pool.texts[i][j] for i, row in enumerate(index.tolist()) for j in row]
    own = sequence_logprobs(policy, examples_of(policy, prompts, texts)).reshape(index.shape)
    return (log_target(pool, index, n) - own).mean(1)


def gold_at(policy, world, prompts, info, temperature, n, seed):
    """(P,) gold of one reply."""
    from course_lib import sample, score
    from course_lib.models import GoldReward

    pool = sample(policy, prompts, n=n, temperature=temperature, info=info, seed=seed)
    return score(pool, GoldReward(world)).rewards["gold"].mean(1)


def job(task):
    """One seed: a pool, and a policy for each number of epochs."""
    seed, size, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, finetune, load_policy, load_reward_model, sample, score
    from course_lib.base import progress, write_json
    from course_lib.pools import select_best
    from course_lib.worlds import Helpdesk

    progress.quiet = True
    began = time.perf_counter()
    world = Helpdesk()
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(f"helpdesk/{REWARD}"), device="cpu")
    prompts, info = world.prompts("train", limit=size["prompts"], seed=seed)
    pool = score(sample(base, prompts, n=size["n"], info=info, seed=500 + seed), reward)
    kept = select_best(pool)
    stored, index = target(size)
    choosing = held_out(world, size, "choose")
    rows = []
    for epochs in size["epochs"]:
        policy = base
        if epochs:
            policy = finetune(base, kept, epochs=epochs, lr=1e-3, batch_size=32, seed=seed)
        tried = {
            t: float(gold_at(policy, world, *choosing, t, size["served"], 77 + seed).mean())
            for t in TEMPERATURES
        }
        best = max(tried, key=tried.get)
        shown = (stored.prompts, stored.info)
        rows.append(
            {
                "epochs": epochs,
                "forward_kl": listed(forward_kl(policy, stored, index, size["n"])),
                "gold": listed(gold_at(policy, world, *shown, 1.0, size["served"], 99 + seed)),
                "temperature": best,
                "gold_at_best": listed(
                    gold_at(policy, world, *shown, best, size["served"], 99 + seed)
                ),
            }
        )
    write_json(out, {"seed": seed, "rows": rows, "seconds": time.perf_counter() - began})
    return out


def lines_of(result):
    """The result as text."""
    from course_lib.experiments import layout

    def show(v, spec=".2f"):
        return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

    n = result["size"]["n"]
    rows = [["epochs", f"KL(π_{n} ‖ π_θ)", "gold, T = 1", "gold, best T", "T"]]
    for row in result["rows"]:
        temperatures = ", ".join(f"{t:g}" for t in row["temperatures"])
        rows.append(
            [
                f"{row['epochs']:g}",
                show(row["forward_kl"]),
                show(row["gold"]),
                show(row["gold_at_best"]),
                temperatures,
            ]
        )
    return [
        *layout(rows),
        f"gold of best-of-{n} at T = 1: {show(result['best_of_n'])}",
        f"minus it, at the last row: T = 1 {show(result['minus_best_of_n'], '+.2f')}, "
        f"best T {show(result['minus_best_of_n_at_best'], '+.2f')}",
    ]


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/distilled")
    args = parser.parse_args()

    import numpy as np

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import best_of_n_curve, between_seeds_interval, bootstrap_interval
    from course_lib.methods import fingerprint

    size = dict(QUICK if args.quick else FULL)
    seeds = SEEDS[:2] if args.quick else SEEDS
    began = time.perf_counter()
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    folder = Path(args.out) / fingerprint([size, base, REWARD, TEMPERATURES])[:10]
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(seed, size, str(folder / f"distilled-{seed}.json")) for seed in seeds]
    runs = run_jobs(job, tasks, args.workers, say)

    stored, _ = target(size)
    topics = [about["topic"] for about in stored.info]
    of_best = best_of_n_curve(stored.reward(REWARD), stored.reward("gold"), [size["n"]])[:, 0]

    def over(name, k, minus=0.0):
        rows = np.array([run["rows"][k][name] for run in runs], float)
        return between_seeds_interval(rows - minus, groups=topics).to_dict()

    rows = [
        {
            "epochs": epochs,
            **{name: over(name, k) for name in ("forward_kl", "gold", "gold_at_best")},
            "fall": over("forward_kl", k, np.array(runs[0]["rows"][0]["forward_kl"])),
            "temperatures": [run["rows"][k]["temperature"] for run in runs],
        }
        for k, epochs in enumerate(size["epochs"])
    ]
    chosen = [3 if 3 in size["epochs"] else size["epochs"][-1]]
    at = size["epochs"].index(chosen[0])
    result = {
        "command": "python benchmarks/distilled.py" + (" --quick" if args.quick else ""),
        "population": "other prompts about the same topics, other seeds of training",
        "size": size,
        "seeds": seeds,
        "reward": REWARD,
        "rows": rows,
        "best_of_n": bootstrap_interval(of_best, groups=topics).to_dict(),
        "epochs_compared": chosen[0],
        "minus_best_of_n": over("gold", at, of_best),
        "minus_best_of_n_at_best": over("gold_at_best", at, of_best),
        "process_seconds": sum(run["seconds"] for run in runs),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick:
        write_json(RESULTS, result)
    finish(args, {"ratios": {}, "aims": {}, **result}, lines_of(result))


if __name__ == "__main__":
    main()
