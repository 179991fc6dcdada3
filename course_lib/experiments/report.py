"""What is in a pool: rewards, lengths, and best-of-n curves, with intervals over prompts."""

from ..estimators import best_of_n_curve, bootstrap_interval
from ..pools import Pool

NS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def pool_report(pool: Pool, by: str | None = None, gold: str | None = None) -> dict:
    """The report on a pool as plain data (the ``--json`` of ``course report``).

    ``by`` is the selecting reward, by default the first that is not ``gold``; ``gold`` is the
    evaluating one, by default ``gold`` where the pool has it, else ``by``. Intervals need two
    prompts; curves also need a complete pool.
    """
    by = by or next((name for name in pool.rewards if name != "gold"), None)
    by = by or next(iter(pool.rewards), None)
    gold = gold or ("gold" if "gold" in pool.rewards else by)
    result = {
        "prompts": pool.P,
        "candidates": int(pool.present.sum()),
        "cut": float((pool.finish == 1)[pool.present].float().mean()),
        "skipped": len(pool.provenance.skipped or ()),
        "settings": pool.provenance.to_dict(),
        "rewards": {},
    }
    if pool.P > 1:
        result["rewards"] = {
            name: bootstrap_interval(values.nanmean(1).double()).to_dict()
            for name, values in pool.rewards.items()
        }
    complete = bool(pool.present.all())
    if by and complete and pool.P > 1:
        result["best_of_n"] = _best_of_n(pool, by, gold)
    return result


def _best_of_n(pool: Pool, by: str, gold: str) -> dict:
    """Both rewards of the best of n by ``by``: a list of intervals for each, one per n."""
    ns = [n for n in NS if n <= pool.N]
    selecting = pool.reward(by)
    evaluating = pool.reward(gold)
    found = {"selecting": by, "evaluating": gold, "n": ns}
    for name, values in ((by, selecting), (gold, evaluating)):
        curve = best_of_n_curve(selecting, values, ns)  # (P, len(ns))
        found[name] = [bootstrap_interval(curve[:, k]).to_dict() for k in range(len(ns))]
    return found


def report_text(pool: Pool, result: dict) -> str:
    """:func:`pool_report` of ``pool`` for a reader."""
    lines = [f"{pool}", f"{result['cut']:.1%} of replies cut at the token limit"]
    if result["skipped"]:
        lines.append(f"{result['skipped']} bad lines of the file skipped")
    for reason, count in (pool.provenance.dropped or {}).items():
        lines.append(f"{count} lines of the file left out: {reason}")
    for name, interval in result["rewards"].items():
        lines.append(f"  {name}: {_shown(interval)}")
    if "best_of_n" in result:
        curves = result["best_of_n"]
        by = curves["selecting"]
        lines.append(f"best-of-n, selected by {by}:")
        names = dict.fromkeys((by, curves["evaluating"]))
        for k, n in enumerate(curves["n"]):
            columns = [f"{name} {_shown(curves[name][k])}" for name in names]
            lines.append(f"  n = {n:4}  " + "  ".join(columns))
    return "\n".join(lines)


def _shown(interval: dict[str, float]) -> str:
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
