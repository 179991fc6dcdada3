"""What is in a pool: rewards, lengths, best-of-n curves and pass@k, intervals over prompts."""

from collections.abc import Sequence

import numpy as np
import torch

from ..base import require
from ..estimators import best_of_n_curve, bootstrap_interval, pass_at_k
from ..pools import LENGTH, Pool, is_verdict
from .measures import signalless
from .tables import few_prompts, no_signal

NS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def pool_report(
    pool: Pool,
    by: str | None = None,
    gold: str | None = None,
    ks: Sequence[int] | None = None,
) -> dict:
    """The report on a pool as plain data (the ``--json`` of ``course report``).

    ``by`` is the selecting reward, by default the first that is not ``gold``; ``gold`` is the
    evaluating one, by default ``gold`` where the pool has it, else ``by``. ``ks``: for pass@k of
    rewards that say right or wrong, by default 1, 2, 4 … and N. Intervals need two prompts; curves
    also need a complete pool. ``cut`` is None where the pool cannot know. Raises
    :class:`~course_lib.base.CourseError` for a k above N.
    """
    by = by or next((name for name in pool.rewards if name != "gold"), None)
    by = by or next(iter(pool.rewards), None)
    gold = gold or ("gold" if "gold" in pool.rewards else by)
    verdicts = [name for name in pool.rewards if _says_right_or_wrong(pool, name)]
    check_ks(pool, ks, verdicts)
    result = {
        "prompts": pool.P,
        "candidates": int(pool.present.sum()),
        "cut": cut_share(pool),
        "length": lengths_of(pool),
        "skipped": len(pool.provenance.skipped or ()),
        "settings": pool.provenance.to_dict(),
        "no_signal": {name: signalless([pool], name) for name in pool.rewards},
        "rewards": {},
    }
    if pool.P > 1:
        result["rewards"] = {
            name: bootstrap_interval(values.nanmean(1).double()).to_dict()
            for name, values in pool.rewards.items()
        }
    if by and bool(pool.present.all()) and pool.P > 1:
        result["best_of_n"] = _best_of_n(pool, by, gold)
        result["pass_at"] = {name: _pass_at(pool, name, ks) for name in verdicts}
    return result


def _says_right_or_wrong(pool: Pool, name: str) -> bool:
    """Whether a reward is 1 and 0. A mark that is 1 everywhere may be the lowest of five."""
    wrong = pool.rewards[name][pool.present] == 0
    return is_verdict(pool, name) and bool(wrong.any() or "verif" in name)


def check_ks(pool: Pool, ks: Sequence[int] | None, verdicts: Sequence[str]) -> None:
    """Raise unless pass@k can be had for every one of ``ks``."""
    if ks is None:
        return
    for k in ks:
        require(
            1 <= k <= pool.N,
            f"pass@{k} needs {k} candidates of each prompt, and this pool has {pool.N}: give a k "
            f"between 1 and {pool.N}, or sample a larger pool.",
        )
    require(
        verdicts,
        "pass@k is for a reward that says right or wrong, 1 or 0, and this pool has none; score it "
        "with --reward verifier.",
    )
    require(
        bool(pool.present.all()),
        "pass@k needs as many candidates of every prompt, and some are missing in this pool.",
    )


def cut_share(pool: Pool) -> float | None:
    """The share of replies cut at the token limit; None where nobody wrote down how they ended.

    That is a file of replies without a single one marked as cut.
    """
    cut = pool.finish == LENGTH
    if pool.provenance.max_tokens is None and not cut.any():
        return None
    return float(cut[pool.present].float().mean())


def lengths_of(pool: Pool) -> dict:
    """How long the replies are: the mean with its interval, the median, the longest, the unit."""
    lengths = pool.lengths.double()
    there = lengths[pool.present]
    means = lengths.masked_fill(~pool.present, torch.nan).nanmean(1)  # (P,)
    means = means[~means.isnan()]
    found = {
        "unit": "words" if pool.tokens is None and pool.provenance.source else "tokens",
        "mean": float(there.mean()),
        "median": float(np.median(there)),
        "longest": int(there.max()),
    }
    if len(means) > 1:
        found["interval"] = bootstrap_interval(means).to_dict()
    return found


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


def _pass_at(pool: Pool, name: str, ks: Sequence[int] | None) -> dict:
    """pass@k with its interval for each k, as text."""
    ks = sorted({*NS, pool.N} if ks is None else set(ks))
    ks = [k for k in ks if k <= pool.N]
    rates = pass_at_k(pool.reward(name), ks)  # (P, len(ks))
    return {str(k): bootstrap_interval(rates[:, i]).to_dict() for i, k in enumerate(ks)}


# ---- for a reader ------------------------------------------------------------------------------


def report_text(pool: Pool, result: dict) -> str:
    """:func:`pool_report` of ``pool`` for a reader."""
    lines = [f"{pool}", _cut(result["cut"]), _length(result["length"])]
    if result["skipped"]:
        lines.append(f"{result['skipped']} bad lines of the file skipped")
    for reason, count in (pool.provenance.dropped or {}).items():
        lines.append(f"left out of the file: {count} ({reason})")
    for name, interval in result["rewards"].items():
        lines.append(f"  {name}: {_shown(interval)}")
    if "best_of_n" in result:
        lines += _curves(result["best_of_n"])
    for name, rates in result.get("pass_at", {}).items():
        lines.append(f"pass@k, at least one right of k by {name}:")
        lines += [f"  k = {k:>4}  {_shown(rate)}" for k, rate in rates.items()]
    for name, share in result["no_signal"].items():
        lines += no_signal(share, f"prompts, by {name},")
    lines += few_prompts(result["prompts"])
    return "\n".join(lines)


def _cut(share: float | None) -> str:
    if share is None:
        return "whether replies were cut at a token limit is not known: the file does not say"
    return f"{share:.1%} of replies cut at the token limit"


def _length(length: dict) -> str:
    mean = _shown(length["interval"], ".1f") if "interval" in length else f"{length['mean']:.1f}"
    return (
        f"length in {length['unit']}: mean {mean}, median {length['median']:.0f}, longest "
        f"{length['longest']}"
    )


def _curves(curves: dict) -> list[str]:
    by = curves["selecting"]
    lines = [f"best-of-n, selected by {by}:"]
    names = dict.fromkeys((by, curves["evaluating"]))
    for k, n in enumerate(curves["n"]):
        columns = [f"{name} {_shown(curves[name][k])}" for name in names]
        lines.append(f"  n = {n:4}  " + "  ".join(columns))
    return lines


def _shown(interval: dict[str, float], spec: str = ".3f") -> str:
    mean, low, high = (format(interval[key], spec) for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
