"""A plan beside what came: tokens, operations, bytes and seconds of the tiny policy's four steps.

    python benchmarks/planning.py [--quick] [--json] [--save FILE] [--own-time]

Two small jobs are run and their accounts kept, `course plan` predicts one four times as large as
the larger of them, and that job is run: predicted over actual for every number. Aim: within 30 %.
The plan is given the means of a reply's and a prompt's tokens in the small job; nothing of the
large one. --save writes the rates for `course plan --rate FILE`. On a machine that other work
shares, --own-time counts the seconds that this process had a processor instead of wall-clock.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread, set before torch is imported
from common import options

from course_lib.base import Account

POLICY, REWARD = "helpdesk/policy", "helpdesk/reward-8000"
N, EPOCHS, BATCH = 16, 3, 32
FULL, QUICK = (32, 128), (8, 32)  # prompts of the small jobs
AIM = 0.3


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--save", help="write the measured rates to this JSON file")
    parser.add_argument("--own-time", action="store_true", help="seconds of a processor instead")
    args = parser.parse_args()
    from course_lib.scale.catalogue import gpu_named, model_named
    from course_lib.scale.measured import measured_rates
    from course_lib.scale.planning import plan
    from course_lib.scale.plans import Cards, Work
    from course_lib.scale.storage import density_of

    sizes = QUICK if args.quick else FULL
    own = args.own_time
    job(4, own)  # what is loaded once is not the job's
    small = [job(size, own) for size in sizes]
    model, reward, cpu = model_named(POLICY), model_named(REWARD), gpu_named("cpu")
    runs = [run for run, _ in small]
    if args.save:
        said = json.dumps({"model": POLICY, "runs": runs}, indent=1)
        Path(args.save).write_text(said, encoding="utf-8")
    rates = measured_rates(runs, model, cpu, reward)
    work = Work(**{**runs[-1]["work"], **rates.found, "prompts": 4 * sizes[-1]})
    density = density_of(small[-1][1])
    made = plan(model, work, Cards(cpu), reward, rates=rates, density=density)
    actual, pool = job(4 * sizes[-1], own)
    rows = compared(made, actual, pool)
    if args.json:
        print(json.dumps({"small": sizes, "large": work.prompts, "rows": rows}, indent=1))
        return
    print(f"{work.prompts} prompts × {N}, planned from {sizes[0]} and {sizes[1]} prompts")
    for what, row in rows.items():
        within = "" if abs(row["ratio"] - 1) <= AIM else "  outside 30 %"
        print(
            f"  {what:22} predicted {row['predicted']:12.4g}  actual {row['actual']:12.4g}  "
            f"ratio {row['ratio']:.2f}{within}"
        )


@contextlib.contextmanager
def accounted(own: bool) -> Iterator[Account]:
    """An account; with ``own`` its seconds are those that this process had a processor."""
    started = time.process_time()
    with Account() as account:
        yield account
    if own:
        account.seconds = time.process_time() - started


def job(prompts: int, own: bool) -> tuple[dict[str, Any], Any]:
    """The four steps on so many prompts: work and accounts by stage, and the pool."""
    import course_lib as course
    from course_lib import assets

    policy = course.load_policy(assets.path(POLICY))
    reward = course.load_reward_model(assets.path(REWARD))
    asked, info = course.load_world("helpdesk").prompts("train", limit=prompts)
    with accounted(own) as sampled:
        pool = course.sample(policy, asked, n=N, info=info)
    with accounted(own) as scored:
        pool = course.score(pool, reward)
    best = course.select_best(pool)
    with accounted(own) as trained:
        course.finetune(policy, best, epochs=EPOCHS, batch_size=BATCH)
    work = {
        "prompts": len(asked),
        "n": N,
        "tokens": float(pool.lengths.float().mean()),
        "prompt_tokens": sum(map(len, policy.encode(asked))) / len(asked),
        "epochs": EPOCHS,
        "batch_size": BATCH,
    }
    accounts = {"sample": sampled, "score": scored, "train": trained}
    return {"work": work} | {name: one.to_dict() for name, one in accounts.items()}, pool


def compared(made: Any, actual: dict[str, Any], pool: Any) -> dict[str, dict[str, float]]:
    """What → predicted, actual, and the one over the other."""
    from course_lib.scale.output import write_pools
    from course_lib.scale.rates import COUNTED

    rows = {}
    for name, counted in COUNTED.items():
        stage, account = made.stage(name), actual[name]
        rows[f"{name}: tokens"] = (stage.tokens, account[counted])
        rows[f"{name}: operations"] = (stage.flops, account["flops"])
        rows[f"{name}: seconds"] = (stage.seconds, account["seconds"])
    rows["seconds together"] = (made.seconds, sum(actual[name]["seconds"] for name in COUNTED))
    with tempfile.TemporaryDirectory() as folder:
        for kind, size in made.storage.items():
            file = Path(folder) / f"pool.{kind}"
            pool.save(file) if kind == "npz" else write_pools([pool], file)
            rows[f"{kind}: bytes"] = (size, file.stat().st_size)
    return {what: {"predicted": a, "actual": b, "ratio": a / b} for what, (a, b) in rows.items()}


if __name__ == "__main__":
    main()
