"""The clinic of lesson 08: every broken pipeline of course_lib/clinic.py, its repaired twin and its
random control, on three seeds.

    python benchmarks/clinic.py [--quick] [--json] [--out DIR] [--workers K]

Each run is a file under DIR (default runs/clinic), so an interrupted benchmark goes on. A run
stores what its author would see (training loss, scores of all and of the selected candidates, the
reported score before and after) and a careful measurement by prompt: gold, gold at temperature 0,
KL, length, distinct-2, share of unfinished replies, on held-out prompts that no pipeline trains on.
Equal runs of two cases (the standard healthy pipeline is the repaired twin of several) are made
once. Intervals resample seeds and prompts. The summary is course_lib/results/clinic.json.
"""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "clinic.json"
SEEDS, SHOWN = [0, 1, 2], 6
QUICK = {"prompts": 24, "n": 4, "epochs": 1, "test_prompts": 16, "served": 2}


def job(task):
    """One pipeline run and its measurements; write its file. Runs in a process of its own.

    ``role``: broken, healthy or control.
    """
    name, role, setting, seed, out = task
    if Path(out).is_file():  # another process of this benchmark was here first
        return out
    import numpy as np
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model
    from course_lib.base import progress, write_json
    from course_lib.experiments import clinic

    progress.quiet, started = True, time.perf_counter()
    case, setting = clinic.case(name), clinic.Setting(**setting)
    pipeline = {
        "broken": case.broken,
        "healthy": case.healthy,
        "control": replace(case.healthy, select=clinic.choose_at_random),
    }[role]
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(f"helpdesk/{setting.reward}"), device="cpu")
    outcome = clinic.run(pipeline, setting, seed, base, reward)
    measures, pool = clinic.careful(outcome.policy, base, setting, seed)
    curve = {"gold": [], "own": []}
    for policy in outcome.checkpoints if role != "control" else []:  # only what is shown
        fresh = clinic.replies(policy, setting, *clinic.fresh_prompts(setting), seed, 2)
        own = clinic.reported(
            pipeline,
            policy,
            setting,
            reward,
            seed,
            2,
            None if setting.topics == "quarters" else fresh,
        )
        curve["gold"].append(fresh.rewards["gold"].mean(1).tolist())
        curve["own"].append(own.tolist())

    def rounded(values, digits=3):
        return np.round(np.asarray(values, float), digits).tolist()

    shown = np.linspace(0, pool.P - 1, SHOWN).astype(int)

    def samples(pool):
        return [
            {
                "prompt": pool.prompts[i],
                "reply": pool.texts[i][0],
                "gold": round(float(pool.rewards["gold"][i, 0]), 2),
            }
            for i in shown
        ]

    # the same for many runs
    known = (
        Path(out).parent
        / f"base-{setting.topics}-{setting.test_prompts}-{setting.served}-{seed}.json"
    )
    if not known.is_file():
        before, first = clinic.careful(base, base, setting, seed)
        write_json(
            known,
            {"base": {k: rounded(v) for k, v in before.items()}, "base_samples": samples(first)},
        )
    write_json(
        out,
        {
            "case": name,
            "role": role,
            "seed": seed,
            "seconds": time.perf_counter() - started,
            "shipped": outcome.shipped,
            "measures": {k: rounded(v) for k, v in measures.items()},
            "base": json.loads(known.read_text())["base"],
            "curve": {k: [rounded(row) for row in v] for k, v in curve.items()},
            "losses": rounded(outcome.losses),
            "selected": outcome.selected,
            "samples": samples(pool),
            "base_samples": json.loads(known.read_text())["base_samples"],
        },
    )
    return out


def thin(losses, points=24):
    """Mean losses of at most ``points`` stretches of equal length: [step, loss] pairs."""
    import numpy as np

    parts = np.array_split(np.arange(len(losses)), min(points, len(losses)))
    return [[int(p[-1]) + 1, round(float(np.mean([losses[i] for i in p])), 3)] for p in parts]


def main():
    parser, say = job_options(__doc__.splitlines()[0], "runs/clinic")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=SEEDS,
        help="seeds to run now (the summary needs at least two)",
    )
    args = parser.parse_args()

    import numpy as np

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.estimators import seeds_and_prompts_interval
    from course_lib.experiments import clinic, layout
    from course_lib.methods import fingerprint

    began, folder = time.perf_counter(), Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    seeds = args.seeds[:2] if args.quick else args.seeds
    cases = [clinic.case(name) for name in ("sign", "zip")] if args.quick else clinic.CASES
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")

    def task(case, role, seed):
        """One run; the file's name is a fingerprint of the pipeline, so that equal runs are one
        file.
        """
        pipeline, setting = (
            (case.broken, case.setting)
            if role == "broken"
            else (case.healthy, case.setting)
            if role == "control"
            else case.repaired
        )
        if args.quick:
            setting = replace(setting, **QUICK)
        steps = {step: getattr(f, "__name__", f) for step, f in vars(pipeline).items()}
        slug = fingerprint(
            [base, steps, asdict(setting), role == "control", "random" if role == "control" else ""]
        )[:12]
        return (case.name, role, asdict(setting), seed, str(folder / f"{slug}-{seed}.json"))

    wanted = {
        (case.name, role, seed): task(case, role, seed)
        for seed in seeds
        for case in cases
        for role in ("broken", "healthy", "control")
    }
    unique = {t[-1]: t for t in wanted.values()}
    run_jobs(job, list(unique.values()), args.workers, say)
    found = {key: json.loads(Path(t[-1]).read_text()) for key, t in wanted.items()}

    def interval(rows):
        rows = np.asarray(rows, float)
        return {
            k: round(v, 4)
            for k, v in seeds_and_prompts_interval(rows).to_dict().items()
            if k in ("mean", "low", "high")
        }

    def side(name, role):
        """One column of a case's table, with its curves."""
        runs = [found[name, role, seed] for seed in seeds]
        measured = {
            "careful": {m: interval([r["measures"][m] for r in runs]) for m in clinic.MEASURES},
            "gold_over_base": interval(
                [np.subtract(r["measures"]["gold"], r["base"]["gold"]) for r in runs]
            ),
            "gold_by_seed": [round(float(np.mean(r["measures"]["gold"])), 3) for r in runs],
        }
        if role == "control":
            return measured
        return {
            **measured,
            "curve": {
                k: [
                    interval([r["curve"][k][at] for r in runs])
                    for at in range(len(runs[0]["curve"][k]))
                ]
                for k in ("own", "gold")
            },
            "losses": thin(np.mean([r["losses"] for r in runs], axis=0)),
            "shipped": [r["shipped"] + 1 for r in runs],
            "selected": {
                k: np.round(np.mean([r["selected"][k] for r in runs], axis=0), 3).tolist()
                for k in ("all", "selected")
            },
            "reported": {
                "before": interval([r["curve"]["own"][0] for r in runs]),
                "after": interval(
                    [
                        r["curve"]["own"][
                            r["shipped"] + 1 if clinic.case(name).setting.rounds > 1 else -1
                        ]
                        for r in runs
                    ]
                ),
            },
            "samples": runs[0]["samples"],
        }

    def gap(name, one, other, measure="gold"):
        return interval(
            [
                np.subtract(
                    found[name, one, s]["measures"][measure],
                    found[name, other, s]["measures"][measure],
                )
                for s in seeds
            ]
        )

    result = {
        "command": "python benchmarks/clinic.py" + (" --quick" if args.quick else ""),
        "seeds": seeds,
        "cases": {},
    }
    for case in cases:
        runs = [found[case.name, "broken", s] for s in seeds]
        result["cases"][case.name] = {
            "setting": wanted[case.name, "broken", seeds[0]][2],
            "healthy_setting": wanted[case.name, "healthy", seeds[0]][2],
            "reports": case.broken.reports,
            "base": {m: interval([r["base"][m] for r in runs]) for m in clinic.MEASURES},
            "base_samples": runs[0]["base_samples"],
            **{role: side(case.name, role) for role in ("broken", "healthy", "control")},
            "broken_minus_healthy": gap(case.name, "broken", "healthy"),
            "broken_minus_control": gap(case.name, "broken", "control"),
            "healthy_minus_control": gap(case.name, "healthy", "control"),
            "length_gap": gap(case.name, "broken", "healthy", "length"),
            "cut_gap": gap(case.name, "broken", "healthy", "cut"),
        }
    result |= {
        "process_seconds": sum(
            json.loads(Path(t[-1]).read_text())["seconds"] for t in unique.values()
        ),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }

    def show(v):
        return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

    rows = [
        [
            "case",
            "reported before",
            "after",
            "gold: base",
            "broken",
            "repaired",
            "control",
            "broken - repaired",
            "broken - control",
            "KL",
            "length",
            "cut",
            "greedy: base",
            "broken",
        ]
    ]
    for name, c in result["cases"].items():
        rows.append(
            [
                name,
                show(c["broken"]["reported"]["before"]),
                show(c["broken"]["reported"]["after"]),
                show(c["base"]["gold"]),
                *(show(c[k]["careful"]["gold"]) for k in ("broken", "healthy", "control")),
                show(c["broken_minus_healthy"]),
                show(c["broken_minus_control"]),
                *(f"{c['broken']['careful'][m]['mean']:.2f}" for m in ("kl", "length", "cut")),
                f"{c['base']['greedy']['mean']:.2f}",
                f"{c['broken']['careful']['greedy']['mean']:.2f}",
            ]
        )
    if not args.quick and len(seeds) > 2:
        write_json(RESULTS, result)
    finish(args, {**result, "ratios": {}, "aims": {}}, layout(rows))


if __name__ == "__main__":
    main()
