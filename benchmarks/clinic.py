"""The clinic of lesson 08: every broken pipeline of course_lib.experiments.clinic, its repaired
twin and its random control, on three seeds.

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
SEEDS = [0, 1, 2]
SHOWN = 6  # replies of a run that are stored
ROLES = ("broken", "healthy", "control")
COLUMNS = [
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
QUICK = {"prompts": 24, "n": 4, "epochs": 1, "test_prompts": 16, "served": 2}


def rounded(values, digits=3):
    import numpy as np

    return np.round(np.asarray(values, float), digits).tolist()


def samples(pool):
    """A few replies to read, from prompts spread over the pool."""
    import numpy as np

    shown = np.linspace(0, pool.P - 1, SHOWN).astype(int)
    return [
        {
            "prompt": pool.prompts[i],
            "reply": pool.texts[i][0],
            "gold": round(float(pool.rewards["gold"][i, 0]), 2),
        }
        for i in shown
    ]


def curves(outcome, pipeline, setting, reward, seed):
    """By checkpoint and prompt: gold, and the score that the pipeline's author reports."""
    from course_lib.experiments import clinic

    curve = {"gold": [], "own": []}
    for policy in outcome.checkpoints:
        fresh = clinic.replies(policy, setting, *clinic.fresh_prompts(setting), seed, 2)
        known = None if setting.topics == "quarters" else fresh
        own = clinic.reported(pipeline, policy, setting, reward, seed, 2, known)
        curve["gold"].append(rounded(fresh.rewards["gold"].mean(1).tolist()))
        curve["own"].append(rounded(own.tolist()))
    return curve


def base_facts(folder, base, setting, seed):
    """The base policy's measurements and samples, from a file that many runs share."""
    from course_lib.base import write_json
    from course_lib.experiments import clinic

    name = f"base-{setting.topics}-{setting.test_prompts}-{setting.served}-{seed}.json"
    known = folder / name
    if not known.is_file():
        before, pool = clinic.careful(base, base, setting, seed)
        measures = {k: rounded(v) for k, v in before.items()}
        write_json(known, {"base": measures, "base_samples": samples(pool)})
    return json.loads(known.read_text())


def job(task):
    """One pipeline run and its measurements; write its file. Runs in a process of its own.

    ``role``: broken, healthy or control.
    """
    name, role, setting, seed, out = task
    if Path(out).is_file():  # another process of this benchmark was here first
        return out
    import torch

    torch.set_num_threads(1)
    from course_lib import assets, load_policy, load_reward_model
    from course_lib.base import progress, write_json
    from course_lib.experiments import clinic

    progress.quiet = True
    started = time.perf_counter()
    case = clinic.case(name)
    setting = clinic.Setting(**setting)
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
    if role != "control":  # only what is shown
        curve = curves(outcome, pipeline, setting, reward, seed)
    known = base_facts(Path(out).parent, base, setting, seed)
    write_json(
        out,
        {
            "case": name,
            "role": role,
            "seed": seed,
            "seconds": time.perf_counter() - started,
            "shipped": outcome.shipped,
            "measures": {k: rounded(v) for k, v in measures.items()},
            "base": known["base"],
            "curve": curve,
            "losses": rounded(outcome.losses),
            "selected": outcome.selected,
            "samples": samples(pool),
            "base_samples": known["base_samples"],
        },
    )
    return out


def thin(losses, points=24):
    """Mean losses of at most ``points`` stretches of equal length: [step, loss] pairs."""
    import numpy as np

    parts = np.array_split(np.arange(len(losses)), min(points, len(losses)))
    return [[int(p[-1]) + 1, round(float(np.mean([losses[i] for i in p])), 3)] for p in parts]


def interval(rows):
    """Mean and interval over seeds and prompts of (seeds, prompts) values, as plain data."""
    import numpy as np

    from course_lib.estimators import seeds_and_prompts_interval

    found = seeds_and_prompts_interval(np.asarray(rows, float)).to_dict()
    return {k: round(v, 4) for k, v in found.items() if k in ("mean", "low", "high")}


def side(name, role, runs):
    """One column of a case's table, with its curves; ``runs`` has one for each seed."""
    import numpy as np

    from course_lib.experiments import clinic

    over_base = [np.subtract(r["measures"]["gold"], r["base"]["gold"]) for r in runs]
    measured = {
        "careful": {m: interval([r["measures"][m] for r in runs]) for m in clinic.MEASURES},
        "gold_over_base": interval(over_base),
        "gold_by_seed": [round(float(np.mean(r["measures"]["gold"])), 3) for r in runs],
    }
    if role == "control":
        return measured
    points = range(len(runs[0]["curve"]["own"]))
    several = clinic.case(name).setting.rounds > 1
    # of several rounds the pipeline ships one, which need not be the last
    after = [r["curve"]["own"][r["shipped"] + 1 if several else -1] for r in runs]
    return {
        **measured,
        "curve": {
            k: [interval([r["curve"][k][at] for r in runs]) for at in points]
            for k in ("own", "gold")
        },
        "losses": thin(np.mean([r["losses"] for r in runs], axis=0)),
        "shipped": [r["shipped"] + 1 for r in runs],
        "selected": {
            k: rounded(np.mean([r["selected"][k] for r in runs], axis=0))
            for k in ("all", "selected")
        },
        "reported": {
            "before": interval([r["curve"]["own"][0] for r in runs]),
            "after": interval(after),
        },
        "samples": runs[0]["samples"],
    }


def gap(one, other, measure="gold"):
    """Interval of the difference of two roles in a measure, by seed and prompt."""
    import numpy as np

    pairs = zip(one, other, strict=True)
    return interval([np.subtract(a["measures"][measure], b["measures"][measure]) for a, b in pairs])


def case_result(case, runs):
    """The entry of one case; ``runs``: role → its runs, one for each seed."""
    from course_lib.experiments import clinic

    broken, healthy, control = (runs[role] for role in ROLES)
    return {
        "reports": case.broken.reports,
        "base": {m: interval([r["base"][m] for r in broken]) for m in clinic.MEASURES},
        "base_samples": broken[0]["base_samples"],
        **{role: side(case.name, role, runs[role]) for role in ROLES},
        "broken_minus_healthy": gap(broken, healthy),
        "broken_minus_control": gap(broken, control),
        "healthy_minus_control": gap(healthy, control),
        "length_gap": gap(broken, healthy, "length"),
        "cut_gap": gap(broken, healthy, "cut"),
    }


def show(v):
    return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"


def table_row(name, case):
    """One case's row of the table."""
    return [
        name,
        show(case["broken"]["reported"]["before"]),
        show(case["broken"]["reported"]["after"]),
        show(case["base"]["gold"]),
        *(show(case[role]["careful"]["gold"]) for role in ROLES),
        show(case["broken_minus_healthy"]),
        show(case["broken_minus_control"]),
        *(f"{case['broken']['careful'][m]['mean']:.2f}" for m in ("kl", "length", "cut")),
        f"{case['base']['greedy']['mean']:.2f}",
        f"{case['broken']['careful']['greedy']['mean']:.2f}",
    ]


def task_of(case, role, seed, base, folder, quick):
    """One run; the file's name is a fingerprint of the pipeline, so that equal runs share a
    file.
    """
    from course_lib.methods import fingerprint

    if role == "broken":
        pipeline, setting = case.broken, case.setting
    elif role == "control":
        pipeline, setting = case.healthy, case.setting
    else:
        pipeline, setting = case.repaired
    if quick:
        setting = replace(setting, **QUICK)
    steps = {step: getattr(f, "__name__", f) for step, f in vars(pipeline).items()}
    is_control = role == "control"
    parts = [base, steps, asdict(setting), is_control, "random" if is_control else ""]
    file = folder / f"{fingerprint(parts)[:12]}-{seed}.json"
    return (case.name, role, asdict(setting), seed, str(file))


def main():
    parser, say = job_options(__doc__, "runs/clinic")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=SEEDS,
        help="seeds to run now (the summary needs at least two)",
    )
    args = parser.parse_args()

    from course_lib import assets, load_policy
    from course_lib.base import versions, write_json
    from course_lib.experiments import clinic, layout

    began = time.perf_counter()
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    seeds = args.seeds[:2] if args.quick else args.seeds
    cases = [clinic.case(name) for name in ("sign", "zip")] if args.quick else clinic.CASES
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    wanted = {
        (case.name, role, seed): task_of(case, role, seed, base, folder, args.quick)
        for seed in seeds
        for case in cases
        for role in ROLES
    }
    unique = {task[-1]: task for task in wanted.values()}
    run_jobs(job, list(unique.values()), args.workers, say)

    def run_of(*key):
        return json.loads(Path(wanted[key][-1]).read_text())

    result = {
        "command": "python benchmarks/clinic.py" + (" --quick" if args.quick else ""),
        "seeds": seeds,
        "cases": {},
    }
    for case in cases:
        runs = {role: [run_of(case.name, role, seed) for seed in seeds] for role in ROLES}
        result["cases"][case.name] = {
            "setting": wanted[case.name, "broken", seeds[0]][2],
            "healthy_setting": wanted[case.name, "healthy", seeds[0]][2],
            **case_result(case, runs),
        }
    result |= {
        "process_seconds": sum(json.loads(Path(file).read_text())["seconds"] for file in unique),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    if not args.quick and len(seeds) > 2:
        write_json(RESULTS, result)
    rows = [COLUMNS, *(table_row(name, case) for name, case in result["cases"].items())]
    finish(args, {**result, "ratios": {}, "aims": {}}, layout(rows))


if __name__ == "__main__":
    main()
