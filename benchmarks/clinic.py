"""The clinic of lesson 08: every broken pipeline of course_lib/experiments/clinic, its repaired
twin and its random control, on three seeds.

    python benchmarks/clinic.py [--quick] [--json] [--out DIR] [--workers K]

Each run is a file under DIR (default runs/clinic), so an interrupted benchmark goes on. A run
stores what its author would see (training loss, scores of all and of the selected candidates, the
reported score before and after) and a careful measurement by prompt: gold, gold at temperature 0,
KL, length, distinct-2, share of unfinished replies, on held-out prompts that no pipeline trains on.
Equal runs of two cases (the standard healthy pipeline is the repaired twin of several) are made
once. Intervals are for other seeds and other prompts of the same topics. The summary is
course_lib/results/clinic.json.
"""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path

from common import finish, job_options, run_jobs

RESULTS = Path(__file__).parents[1] / "course_lib" / "results" / "clinic.json"
SEEDS, SHOWN = [0, 1, 2], 6
ROLES = ("broken", "healthy", "control")
QUICK = {"prompts": 24, "n": 4, "epochs": 1, "test_prompts": 16, "served": 2}


def pipeline_of(case, role):
    """The pipeline of a case in one ``role``: "broken", "healthy" or "control"."""
    from course_lib.experiments import clinic

    if role == "broken":
        return case.broken
    if role == "control":
        return replace(case.healthy, select=clinic.choose_at_random)
    return case.healthy


def setting_of(case, role):
    """The setting that goes with it: the control has that of the broken pipeline."""
    return case.repaired[1] if role == "healthy" else case.setting


def rounded(values, digits=3):
    """``values`` as a plain list of rounded numbers."""
    import numpy as np

    return np.round(np.asarray(values, float), digits).tolist()


def samples(pool):
    """The first reply to a few prompts, spread over the pool."""
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


def curves_of(checkpoints, pipeline, setting, reward, seed):
    """Gold on fresh prompts and the author's own score, by checkpoint and prompt."""
    from course_lib.experiments import clinic

    curve = {"gold": [], "own": []}
    for policy in checkpoints:
        fresh = clinic.replies(policy, setting, *clinic.fresh_prompts(setting), seed, 2)
        # with "quarters" the author tests on other prompts
        pool = None if setting.topics == "quarters" else fresh
        own = clinic.reported(pipeline, policy, setting, reward, seed, 2, pool)
        curve["gold"].append(fresh.rewards["gold"].mean(1).tolist())
        curve["own"].append(own.tolist())
    return curve


def base_of(base, setting, seed, folder):
    """The careful measurement of the base policy, from its file: it is the same for many runs."""
    from course_lib.base import write_json
    from course_lib.experiments import clinic

    name = f"base-{setting.topics}-{setting.test_prompts}-{setting.served}-{seed}.json"
    file = folder / name
    if not file.is_file():
        measures, pool = clinic.careful(base, base, setting, seed)
        measured = {name: rounded(values) for name, values in measures.items()}
        write_json(file, {"base": measured, "base_samples": samples(pool)})
    return json.loads(file.read_text(encoding="utf-8"))


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
    setting = clinic.Setting(**setting)
    pipeline = pipeline_of(clinic.case(name), role)
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = load_reward_model(assets.path(f"helpdesk/{setting.reward}"), device="cpu")

    outcome = clinic.run(pipeline, setting, seed, base, reward)
    measures, pool = clinic.careful(outcome.policy, base, setting, seed)
    shown = [] if role == "control" else outcome.checkpoints  # of the control no curve is shown
    curve = curves_of(shown, pipeline, setting, reward, seed)
    before = base_of(base, setting, seed, Path(out).parent)
    write_json(
        out,
        {
            "case": name,
            "role": role,
            "seed": seed,
            "seconds": time.perf_counter() - started,
            "topics": [about["topic"] for about in clinic.fresh_prompts(setting)[1]],
            "shipped": outcome.shipped,
            "measures": {name: rounded(values) for name, values in measures.items()},
            "base": before["base"],
            "curve": {name: [rounded(row) for row in rows] for name, rows in curve.items()},
            "losses": rounded(outcome.losses),
            "selected": outcome.selected,
            "samples": samples(pool),
            "base_samples": before["base_samples"],
        },
    )
    return out


def task_of(case, role, seed, base, folder, changes):
    """One run; the file's name is a fingerprint of the pipeline: equal runs are one file."""
    from course_lib.methods import fingerprint

    # the control's own step is told by its role
    pipeline = case.broken if role == "broken" else case.healthy
    setting = replace(setting_of(case, role), **changes)
    steps = {step: getattr(f, "__name__", f) for step, f in vars(pipeline).items()}
    control = role == "control"
    slug = fingerprint([base, steps, asdict(setting), control, "random" if control else ""])[:12]
    return (case.name, role, asdict(setting), seed, str(folder / f"{slug}-{seed}.json"))


# ---- the summary: ``runs`` are those of one case and role, one a seed ---------------------------


def interval(rows, topics=None):
    """Mean and interval for other seeds and prompts of (seeds, prompts) values, as plain data.

    ``topics``: what the prompts are about, which makes topics the units.
    """
    import numpy as np

    from course_lib.estimators import between_seeds_interval

    rows = np.asarray(rows, float)
    groups = topics if topics and len(topics) == rows.shape[1] else None
    found = between_seeds_interval(rows, groups=groups).to_dict()
    return {name: round(found[name], 4) for name in ("mean", "low", "high")}


def thin(losses, points=24):
    """Mean losses of at most ``points`` stretches of equal length: [step, loss] pairs."""
    import numpy as np

    parts = np.array_split(np.arange(len(losses)), min(points, len(losses)))
    return [[int(p[-1]) + 1, round(float(np.mean([losses[i] for i in p])), 3)] for p in parts]


def measured(runs):
    """The careful measurement of one role."""
    import numpy as np

    from course_lib.experiments import clinic

    over_base = [np.subtract(run["measures"]["gold"], run["base"]["gold"]) for run in runs]
    topics = runs[0]["topics"]
    return {
        "careful": {
            m: interval([run["measures"][m] for run in runs], topics) for m in clinic.MEASURES
        },
        "gold_over_base": interval(over_base, topics),
        "gold_by_seed": [round(float(np.mean(run["measures"]["gold"])), 3) for run in runs],
    }


def own_topics(setting):
    """What the author's test prompts are about: with "quarters" not what the fresh ones are."""
    from course_lib.experiments import clinic

    return [about["topic"] for about in clinic.test_prompts(clinic.Setting(**setting))[1]]


def reported_after(run, several_rounds):
    """By prompt, what the author reports of the policy that is shipped."""
    # the first checkpoint is the base policy
    return run["curve"]["own"][run["shipped"] + 1 if several_rounds else -1]


def dashboard(runs, several_rounds, about):
    """What the author of one role saw, and the curves that are shown of it.

    ``about``: the topics of the author's test prompts.
    """
    import numpy as np

    def along(name):
        checkpoints = range(len(runs[0]["curve"][name]))
        topics = about if name == "own" else runs[0]["topics"]
        return [interval([run["curve"][name][at] for run in runs], topics) for at in checkpoints]

    def rounds_of(name):
        means = np.mean([run["selected"][name] for run in runs], axis=0)
        return np.round(means, 3).tolist()

    before = [run["curve"]["own"][0] for run in runs]
    after = [reported_after(run, several_rounds) for run in runs]
    return {
        "curve": {name: along(name) for name in ("own", "gold")},
        "losses": thin(np.mean([run["losses"] for run in runs], axis=0)),
        "shipped": [run["shipped"] + 1 for run in runs],
        "selected": {name: rounds_of(name) for name in ("all", "selected")},
        "reported": {"before": interval(before), "after": interval(after)},
        "samples": runs[0]["samples"],
    }


def gap(runs, others, measure="gold"):
    """Interval of the difference in a measure, by seed and prompt."""
    import numpy as np

    differences = []
    for one, other in zip(runs, others, strict=True):
        differences.append(np.subtract(one["measures"][measure], other["measures"][measure]))
    return interval(differences, runs[0]["topics"])


def reported_gap(runs, others, several_rounds, about):
    """Interval of the difference between two reports, by seed and prompt of the author's test."""
    import numpy as np

    differences = []
    for one, other in zip(runs, others, strict=True):
        after = [reported_after(run, several_rounds) for run in (one, other)]
        differences.append(np.subtract(*after))
    return interval(differences, about)


def summary(case, broken, healthy, control, settings):
    """One case of the stored result; ``settings``: of the broken and of the healthy pipeline."""
    from course_lib.experiments import clinic

    several, about = case.setting.rounds > 1, own_topics(settings[0])
    return {
        "setting": settings[0],
        "healthy_setting": settings[1],
        "reports": case.broken.reports,
        "base": {
            m: interval([run["base"][m] for run in broken], broken[0]["topics"])
            for m in clinic.MEASURES
        },
        "base_samples": broken[0]["base_samples"],
        "broken": {**measured(broken), **dashboard(broken, several, about)},
        "healthy": {**measured(healthy), **dashboard(healthy, several, about)},
        "control": measured(control),
        "broken_minus_healthy": gap(broken, healthy),
        "broken_minus_control": gap(broken, control),
        "healthy_minus_control": gap(healthy, control),
        "greedy_gap": gap(broken, healthy, "greedy"),
        "reported_gap": reported_gap(broken, healthy, several, about),
        "length_gap": gap(broken, healthy, "length"),
        "cut_gap": gap(broken, healthy, "cut"),
    }


HEAD = [
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


def row_of(name, case):
    """One line of the printed table."""

    def show(v):
        return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

    broken = case["broken"]
    careful = broken["careful"]
    return [
        name,
        show(broken["reported"]["before"]),
        show(broken["reported"]["after"]),
        show(case["base"]["gold"]),
        show(careful["gold"]),
        show(case["healthy"]["careful"]["gold"]),
        show(case["control"]["careful"]["gold"]),
        show(case["broken_minus_healthy"]),
        show(case["broken_minus_control"]),
        f"{careful['kl']['mean']:.2f}",
        f"{careful['length']['mean']:.2f}",
        f"{careful['cut']['mean']:.2f}",
        f"{case['base']['greedy']['mean']:.2f}",
        f"{careful['greedy']['mean']:.2f}",
    ]


def main():
    parser, say = job_options(__doc__.split("\n\n")[0], "runs/clinic")
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
    changes = QUICK if args.quick else {}
    base = load_policy(assets.path("helpdesk/policy"), device="cpu")

    wanted = {}
    for seed in seeds:
        for case in cases:
            for role in ROLES:
                task = task_of(case, role, seed, base, folder, changes)
                wanted[case.name, role, seed] = task
    unique = {task[-1]: task for task in wanted.values()}
    run_jobs(job, list(unique.values()), args.workers, say)
    found = {
        key: json.loads(Path(task[-1]).read_text(encoding="utf-8")) for key, task in wanted.items()
    }

    result = {
        "command": "python benchmarks/clinic.py" + (" --quick" if args.quick else ""),
        "seeds": seeds,
        "cases": {},
    }
    for case in cases:
        runs = [[found[case.name, role, seed] for seed in seeds] for role in ROLES]
        settings = [wanted[case.name, role, seeds[0]][2] for role in ("broken", "healthy")]
        result["cases"][case.name] = summary(case, *runs, settings)
    seconds = [json.loads(Path(file).read_text(encoding="utf-8"))["seconds"] for file in unique]
    result |= {
        "process_seconds": sum(seconds),
        "seconds": time.perf_counter() - began,
        "versions": versions(),
    }
    rows = [HEAD, *(row_of(name, case) for name, case in result["cases"].items())]
    if not args.quick and len(seeds) > 2:
        write_json(RESULTS, result)
    finish(args, {**result, "ratios": {}, "aims": {}}, layout(rows))


if __name__ == "__main__":
    main()
