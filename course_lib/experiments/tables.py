"""Results of runs as text."""

from ..estimators import Interval
from .comparison import ROWS, TITLES


def table(result):
    """The result of :func:`run` as text."""
    if "rows" not in result:
        return rollouts_table(result)
    rounds = "one round" if result["rounds"] == 1 else f"{result['rounds']} rounds"
    columns = (
        ("gold", "gold", ".2f"),
        ("proxy", "proxy", ".2f"),
        ("KL to base (nats)", "kl", ".2f"),
        ("length", "length", ".1f"),
        ("distinct-2", "distinct", ".2f"),
        ("tokens/reply", "tokens", ".0f"),
        ("ms/reply", "milliseconds", ".1f"),
    )
    body = []
    for row in ROWS:
        cells = []
        for _, key, spec in columns:
            v = result["rows"][row][key]
            mark = {"bound": "≤ "}.get(v.get("kind"), "")
            cells.append(
                f"{mark}{v['mean']:{spec}}"
                if v["low"] == v["high"]
                else f"{mark}{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"
            )
        body.append([TITLES[row].format(n=result["n"], rounds=rounds), *cells])
    lines = layout([["", *(c[0] for c in columns)], *body])
    lines.append("")
    for name, d in result["differences"].items():
        verdict = "excludes zero" if d["low"] > 0 or d["high"] < 0 else "includes zero"
        lines.append(
            f"gold, {name.replace('_', ' '):24} {d['mean']:+.2f} [{d['low']:+.2f}, "
            f"{d['high']:+.2f}]  {verdict}"
        )
    after = [
        f"after {queries:,.0f} queries" if queries is not None else "never"
        for queries in (result["break_even_queries"], result["break_even_at_equal_quality"])
    ]
    rival = (
        f"against the best-of-n of equal gold reward, n = {result['equal_quality_n']:.1f}, "
        f"{after[1]}"
        if result["equal_quality_n"]
        else "no best-of-n of this pool reaches its gold reward"
    )
    lines.append(
        f"\nfine-tuning cost {result['fine_tuning_cost']['flops']:.1e} FLOPs. It repays itself "
        f"against serving best-of-{result['n']} {after[0]}; {rival}."
    )
    lines.append(
        f"\n95 % intervals over {result['held_out']} held-out prompts · "
        f"{result['tokens_sampled']:,} tokens sampled · {result['seconds']:.0f} s · seed "
        f"{result['seed']}"
    )
    lines.append(
        "tokens and ms: what serving one reply costs. '≤' marks the upper bound log n − "
        "(n−1)/n, used where rewards tie."
    )
    return "\n".join(lines)


def layout(rows):
    """Rows of cells as aligned lines, the first column to the left."""
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(w) if c == 0 else cell.rjust(w)
            for c, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def rollouts_table(result):
    """The result of :func:`run_on_rollouts` as text."""

    def show(d, spec=".3f"):
        return format(
            Interval(d["mean"], d["low"], d["high"], d.get("level", 0.95), d.get("n", 0)), spec
        )

    lines = [
        f"{result['candidates']:,} replies to {result['prompts']:,} prompts from "
        f"{result['rollouts']}, reward: {result['reward']}"
        + (f", {result['skipped']} bad lines skipped" if result["skipped"] else "")
    ]
    if "agreement" in result:
        a = result["agreement"]
        lines.append(
            f"our verifier agrees with the file's labels on {a['agree']:,} of "
            f"{a['compared']:,} replies"
        )
        for row in a["disagree"]:
            lines.append(
                f"  problem {row['prompt']}, {row['system']}: read {row['answer']}, reference "
                f"{row['reference']}, label {row['label']} ({row['reason']})"
            )
    if "systems" in result:
        lines += ["", "accuracy"] + layout(
            [[f"  {name}", show(v)] for name, v in result["systems"].items()]
        )
        lines += ["", "difference"] + layout(
            [[f"  {name}", show(v)] for name, v in result["differences"].items()]
        )
    if "pass_at" in result:
        what = "of these systems" if "systems" in result else "candidates"
        lines += ["", f"at least one right among k {what}"] + layout(
            [[f"  k = {k}", show(v)] for k, v in result["pass_at"].items()]
        )
        lines.append(f"decidable prompts (some right, some wrong): {result['decidable']:.1%}")
    loss = result["held_out_loss"]
    lines += [
        "",
        f"selected {result['selected']:,} replies; fine-tuned {result['policy']} on "
        f"{result['trained_on']:,} of them",
        f"held-out loss (nats per token, {result['held_out_replies']} replies): before "
        f"{show(loss['before'])}, after {show(loss['after'])}, difference "
        f"{show(loss['difference'], '+.3f')}",
        f"\n95 % intervals over prompts · {result['seconds']:.0f} s · seed {result['seed']}",
    ]
    return "\n".join(lines)
