"""The main comparison on several seeds: is one round of RFT above its base and above its matched
random control?

    python benchmarks/seeds.py [--quick] [--json] [--seeds 0 1 2]

Each seed draws its own training prompts, candidates, held-out prompts and data order. A seed's
interval is a paired bootstrap over held-out prompts; the claim is made only when it excludes zero
on every seed.
"""

from common import finish, options

parser = options(__doc__)
parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
args = parser.parse_args()

from course_lib.base import progress, versions
from course_lib.experiments import layout, run

progress.quiet = args.json
small = {"prompts": 192, "held_out": 96} if args.quick else {}
results = [run("helpdesk", tier_name="cpu", seed=s, **small) for s in args.seeds]
names = (
    "rft - base",
    "rft - random_control",
    "best_of_n - base",
    "random_control - base",
    "rft - best_of_n",
)
rows = [["gold", *(f"seed {s}" for s in args.seeds)]]
rows += [
    [
        name,
        *(
            f"{r['differences'][name]['mean']:+.2f} [{r['differences'][name]['low']:+.2f}, "
            f"{r['differences'][name]['high']:+.2f}]"
            for r in results
        ),
    ]
    for name in names
]
rows += [
    [row, *(f"{r['rows'][row]['gold']['mean']:.2f}" for r in results)] for row in results[0]["rows"]
]
rows.append(["seconds", *(f"{r['seconds']:.0f}" for r in results)])
lowest = {
    f"lowest bound of gold, {name}": min(r["differences"][name]["low"] for r in results)
    for name in ("rft - base", "rft - random_control")
}
finish(
    args,
    {
        "ratios": lowest,
        "aims": {name: 0.0 for name in lowest},
        "results": results,
        "versions": versions(),
    },
    layout(rows),
)
