"""The main comparison on several seeds: is one round of RFT above its base, above its matched
random control and above best-of-16, each at its best temperature?

    python benchmarks/seeds.py [--quick] [--json] [--out DIR] [--workers K] [--seeds 0 1 2]

Each seed draws its own training prompts, candidates, held-out prompts and data order, and chooses
every method's temperature on prompts of its own. A seed's interval is a paired bootstrap over
held-out prompts. Each run is a file under DIR (default runs/seeds): an interrupted benchmark goes
on.
"""

import time
from pathlib import Path

from common import finish, job_options, run_jobs

NAMES = (
    "rft - base",
    "rft - random_control",
    "best_of_n - base",
    "random_control - base",
    "rft - best_of_n",
)
SMALL = {"prompts": 48, "held_out": 24, "n": 8}


def job(task):
    """One seed's run; writes its result."""
    seed, small, out = task
    import torch

    torch.set_num_threads(1)
    from course_lib.base import progress, write_json
    from course_lib.experiments import run

    progress.quiet = True
    write_json(out, run("helpdesk", tier_name="cpu", seed=seed, **small))
    return out


def lines_of(results, seeds):
    """The results as text."""
    from course_lib.experiments import layout
    from course_lib.experiments.measures import BEST

    def show(value):
        return f"{value['mean']:+.2f} [{value['low']:+.2f}, {value['high']:+.2f}]"

    rows = [["gold", *(f"seed {seed}" for seed in seeds)]]
    for name in NAMES:
        rows.append([f"{name}, T = 1", *(show(r["differences"][name]) for r in results)])
    for name in NAMES:
        best = " - ".join(part + BEST for part in name.split(" - "))
        rows.append([f"{name}, best T", *(show(r["differences"][best]) for r in results)])
    for row in results[0]["rows"]:
        cells = [
            f"{r['rows'][row]['gold']['mean']:.2f} at {r['rows'][row]['temperature']:g}"
            for r in results
        ]
        rows.append([row, *cells])
    tried = [["gold where the temperature was chosen", *results[0]["temperatures"]["base"]["gold"]]]
    for name in results[0]["temperatures"]:
        found = [r["temperatures"][name]["gold"] for r in results]
        means = [sum(one[t] for one in found) / len(found) for t in found[0]]
        tried.append([name, *(f"{mean:.2f}" for mean in means)])
    return [*layout(rows), "", *layout(tried)]


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/seeds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()

    from course_lib import assets, load_policy
    from course_lib.base import versions
    from course_lib.experiments.measures import BEST
    from course_lib.methods import fingerprint

    began = time.perf_counter()
    small = SMALL if args.quick else {}
    seeds = args.seeds[:2] if args.quick else args.seeds
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    folder = Path(args.out) / fingerprint([small, base])[:10]
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(seed, small, str(folder / f"{seed}.json")) for seed in seeds]
    results = run_jobs(job, tasks, args.workers, say)
    lowest = {
        f"lowest bound of gold at the best temperatures, rft - {other}": min(
            r["differences"][f"rft{BEST} - {other}{BEST}"]["low"] for r in results
        )
        for other in ("base", "random_control", "best_of_n")
    }
    finish(
        args,
        {
            "ratios": lowest,
            "aims": {name: 0.0 for name in lowest},
            "results": results,
            "seconds": time.perf_counter() - began,
            "versions": versions(),
        },
        lines_of(results, seeds),
    )


if __name__ == "__main__":
    main()
