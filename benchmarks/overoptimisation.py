"""Proxy and gold against n for every bundled reward model: gold rises, peaks and falls, and more
comparisons move the peak.

    python benchmarks/overoptimisation.py [--quick] [--json] [--figure FILE.png]

Reads the stored pool (128 held-out prompts × 256 candidates). Curves are the unbiased best-of-n
estimator; intervals are bootstraps over prompts. The peak is where Gao, Schulman and Hilton's d(α −
βd), d = √KL, fitted to the gold curve, is highest (2210.10760); its interval comes from refitting
on resampled prompts. d uses the bound on KL, log n − (n−1)/n.
"""

from common import finish, options, seconds

parser = options(__doc__)
parser.add_argument("--figure", help="also draw the curves to this file")
args = parser.parse_args()

import numpy as np

from course_lib import Pool, assets
from course_lib.base import versions
from course_lib.estimators import (
    best_of_n_curve,
    bootstrap_interval,
    kl_best_of_n_bound,
    overoptimisation_fit,
    paired_difference,
)

pool = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
ns = [1, 2, 4, 8, 16, 32, 64, 128, 256]
d = np.sqrt([kl_best_of_n_bound(n) for n in ns])
names = [name for name in pool.rewards if name.startswith("reward-")]
sized = ["reward-125", "reward-500", "reward-2000", "reward-8000"]
resamples = 100 if args.quick else 1000
result, lines = {}, []


def n_at(depth):
    """The n whose bound on KL is ``depth`` squared."""
    grid = np.geomspace(1, 1e6, 4000)
    return float(
        grid[np.argmin(np.abs(np.sqrt(np.maximum(0, np.log(grid) - (grid - 1) / grid)) - depth))]
    )


def analyse(name):
    # a model trained on one half of gold is judged by that half: the quantity it is a proxy of
    judge = {"reward-helpful": "helpful", "reward-harmless": "harmless"}.get(name, "gold")
    gold = best_of_n_curve(pool.rewards[name], pool.rewards[judge], ns)
    proxy = best_of_n_curve(pool.rewards[name], ns=ns)
    fit = overoptimisation_fit(d, gold.mean(0) - gold.mean(0)[0])
    rng, peaks, tops = np.random.default_rng(0), [], []
    for _ in range(resamples):
        mean = gold[rng.integers(0, len(gold), len(gold))].mean(0)
        peaks.append(overoptimisation_fit(d, mean - mean[0]).peak_d)
        tops.append(ns[int(mean.argmax())])
    top = int(gold.mean(0).argmax())
    return {
        "judge": judge,
        "n": ns,
        "gold": [bootstrap_interval(g).to_dict() for g in gold.T],
        "proxy": [bootstrap_interval(g).to_dict() for g in proxy.T],
        "peak_n": ns[top],
        "peak_n_interval": [float(q) for q in np.quantile(tops, [0.025, 0.975])],
        "peak_gold": float(gold.mean(0)[top]),
        "fit": {
            "alpha": fit.alpha,
            "beta": fit.beta,
            "r2": fit.r2,
            "peak_d": fit.peak_d,
            "peak_d_interval": [float(q) for q in np.nanquantile(peaks, [0.025, 0.975])],
            "peak_n": n_at(fit.peak_d),
        },
        "rise": paired_difference(gold[:, top], gold[:, 0]).to_dict(),
        "fall": paired_difference(gold[:, -1], gold[:, top]).to_dict(),
    }


elapsed, _ = seconds(lambda: result.update({name: analyse(name) for name in names}))
lines.append(f"{pool.P} held-out prompts × {pool.N} candidates; gold of the chosen reply at n =")
lines.append(
    f"{'':22}"
    + "".join(f"{n:>7}" for n in ns)
    + "   peak at n [95 %]   fitted peak √KL [95 %]     change from peak to n = 256"
)
for name, r in result.items():
    lines.append(
        f"{name:22}"
        + "".join(f"{g['mean']:7.2f}" for g in r["gold"])
        + (
            f"   {r['peak_n']:4} [{r['peak_n_interval'][0]:.0f}, {r['peak_n_interval'][1]:.0f}]"
        ).ljust(20)
        + (
            f"   {r['fit']['peak_d']:.2f} [{r['fit']['peak_d_interval'][0]:.2f}, "
            f"{r['fit']['peak_d_interval'][1]:.2f}]"
        ).ljust(27)
        + f" {r['fall']['mean']:+.2f} [{r['fall']['low']:+.2f}, {r['fall']['high']:+.2f}]"
    )
    lines.append(f"{'  its own score':22}" + "".join(f"{g['mean']:7.2f}" for g in r["proxy"]))
ratios = {
    f"peak gold, {b} / {a}": result[f"reward-{b}"]["peak_gold"] / result[f"reward-{a}"]["peak_gold"]
    for a, b in ((125, 500), (500, 2000), (2000, 8000))
}
ratios["fitted peak √KL, 8000 / 125"] = (
    result["reward-8000"]["fit"]["peak_d"] / result["reward-125"]["fit"]["peak_d"]
)
if args.figure:
    from course_lib.classroom.plots import overoptimisation

    overoptimisation(pool, sized, quiet=args.json).savefig(args.figure, dpi=150)
finish(
    args,
    {
        "ratios": ratios,
        "aims": {name: 1.0 for name in ratios},
        "curves": result,
        "seconds": elapsed,
        "pool": "helpdesk/pools/heldout.npz",
        "versions": versions(),
    },
    lines,
)
