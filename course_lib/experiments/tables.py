"""Results of runs as text."""

from typing import Any

from ..estimators import Interval
from .measures import BEST, ROWS, at_best

TITLES = {
    "base": "base policy",
    "best_of_n": "best-of-{n} by the proxy",
    "best_of_n_gold": "best-of-{n} by gold (ceiling)",
    "rft": "RFT, {rounds}",
    "random_control": "its random control",
}
AT_BEST = ", at its best T"
FEW = 8  # prompts; below, an interval is flagged
MOST = 0.5  # of prompts without a signal; from there it is a caution
COLUMNS = (  # heading, key, format
    ("gold", "gold", ".2f"),
    ("proxy", "proxy", ".2f"),
    ("KL to base (nats)", "kl", ".2f"),
    ("length", "length", ".1f"),
    ("distinct-2", "distinct", ".2f"),
    ("tokens/reply", "tokens", ".0f"),
    ("ms/reply", "milliseconds", ".1f"),
)


def table(result: dict[str, Any], columns: int | None = None) -> str:
    """The result of :func:`~course_lib.experiments.run` as text.

    ``columns``: of the terminal; where the measures are wider, some stand below the others.
    """
    if "rows" not in result:
        return rollouts_table(result)
    rounds = "one round" if result["rounds"] == 1 else f"{result['rounds']} rounds"
    body = []
    for row in ROWS:
        if row not in result["rows"]:
            continue
        measures = result["rows"][row]
        cells = [_cell(measures[key], spec) for _, key, spec in COLUMNS]
        title = TITLES[row.removesuffix(BEST)].format(n=result["n"], rounds=rounds)
        title += AT_BEST if row.endswith(BEST) else ""
        body.append([title, f"{measures['temperature']:g}", *cells])
    heads = ["", "T", *(heading for heading, _, _ in COLUMNS)]
    lines = [*folded([heads, *body], columns), ""]
    best = {name: value for name, value in result["differences"].items() if BEST in name}
    usual = {name: value for name, value in result["differences"].items() if name not in best}
    temperature = result["rows"]["base"]["temperature"]
    lines += [f"differences in gold, both at T = {temperature:g}"]
    lines += [_difference(name, value) for name, value in usual.items()]
    if best:
        lines += ["", "differences in gold, each at the temperature that is best for it"]
        lines += [_difference(name.replace(BEST, ""), value) for name, value in best.items()]
    lines.append(f"\n{_repaid(result)}")
    to_compare = result["tokens_to_compare"]
    lines.append(
        f"\n95 % intervals over {result['held_out']} held-out prompts · "
        f"{result['tokens_sampled']:,} tokens sampled, {to_compare:,} of them for this comparison "
        f"· {result['seconds']:.0f} s · seed {result['seed']}"
    )
    if result["choosing"]:
        lines.append(
            f"best T: chosen by {result['judge']} on {result['choosing']} other prompts "
            f"({result['tokens_to_choose']:,} tokens)"
        )
    lines.append(
        "tokens and ms: what serving one reply costs. '≤' marks the upper bound log n − "
        "(n−1)/n, used where rewards tie."
    )
    return "\n".join([*lines, *cautions(result)])


def cautions(result: dict[str, Any]) -> list[str]:
    """Sentences on numbers of a result that mean less than they seem to, or nothing."""
    lines = []
    if result.get("judge") == "proxy":
        lines.append(
            "caution: your own prompts have no gold. What stands under gold is the reward that "
            "also selects, so gains are too large: judge the replies by something else."
        )
    lines += few_prompts(result["held_out"])
    lines += no_signal(result["no_signal"], "training prompts")
    return lines


def few_prompts(count: int) -> list[str]:
    """A caution where an interval over so few prompts says little."""
    if count >= FEW:
        return []
    return [
        f"caution: an interval over {count} prompts means little, and is likely too narrow; "
        f"take at least {FEW}."
    ]


def no_signal(share: float | None, what: str = "prompts") -> list[str]:
    """How many prompts say nothing about which reply is better; a caution where it is most."""
    if not share:
        return []
    line = f"{share:.1%} of {what} have no signal: all their replies have the same reward"
    if share < MOST:
        return [f"{line}."]
    return [f"caution: {line}, so choosing among them is drawing at random."]


def _cell(value: dict[str, Any], spec: str) -> str:
    """A mean with its interval; "≤" before a bound."""
    mark = "≤ " if value.get("kind") == "bound" else ""
    mean, low, high = (format(value[key], spec) for key in ("mean", "low", "high"))
    if value["low"] == value["high"]:
        return f"{mark}{mean}"
    return f"{mark}{mean} [{low}, {high}]"


def _difference(name: str, value: dict[str, float]) -> str:
    mean, low, high = value["mean"], value["low"], value["high"]
    verdict = "excludes zero" if low > 0 or high < 0 else "includes zero"
    title = name.replace("_", " ")
    return f"  {title:24} {mean:+.2f} [{low:+.2f}, {high:+.2f}]  {verdict}"


def _repaid(result: dict[str, Any]) -> str:
    """After how many queries fine-tuning has paid for itself, if it bought anything."""

    def after(queries: float | None) -> str:
        return f"after {queries:,.0f} queries" if queries is not None else "never"

    cost = f"fine-tuning cost {result['fine_tuning_cost']['flops']:.1e} FLOPs."
    rows = result["rows"]
    gain = result["differences"][f"{at_best('rft', rows)} - {at_best('base', rows)}"]
    if gain["mean"] <= 0:
        how = "below the base policy's" if gain["high"] < 0 else "no higher than the base policy's"
        return (
            f"{cost} It does not repay itself: the fine-tuned policy's gold reward is {how} "
            f"({gain['mean']:+.2f} [{gain['low']:+.2f}, {gain['high']:+.2f}])."
        )
    rival = "no best-of-n of this pool reaches its gold reward"
    if result["equal_quality_n"]:
        rival = (
            "against the best-of-n of equal gold reward, n = "
            f"{result['equal_quality_n']:.1f}, {after(result['break_even_at_equal_quality'])}"
        )
    doubt = "" if gain["low"] > 0 else " There is no gain over the base that we can detect."
    return (
        f"{cost} It repays itself against serving best-of-{result['n']} "
        f"{after(result['break_even_queries'])}; {rival}.{doubt}"
    )


def layout(rows: list[list[str]]) -> list[str]:
    """Rows of cells as aligned lines, the first column to the left."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def folded(rows: list[list[str]], columns: int | None = None) -> list[str]:
    """The same in blocks of at most ``columns``, each with the first column again."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    blocks: list[list[int]] = [[]]
    for k, width in enumerate(widths[1:], 1):
        taken = widths[0] + sum(2 + widths[each] for each in blocks[-1])
        if columns and blocks[-1] and taken + 2 + width > columns:
            blocks.append([])
        blocks[-1].append(k)
    lines: list[str] = []
    for block in blocks:
        lines += [""] if lines else []
        lines += layout([[row[0], *(row[k] for k in block)] for row in rows])
    return lines


def rollouts_table(result: dict[str, Any]) -> str:
    """The result of a run on rollouts as text."""
    skipped = f", {result['skipped']} bad lines skipped" if result["skipped"] else ""
    for reason, count in result.get("dropped", {}).items():
        skipped += f", {count} left out ({reason})"
    lines = [
        f"{result['candidates']:,} replies to {result['prompts']:,} prompts from "
        f"{result['rollouts']}, reward: {result['reward']}{skipped}"
    ]
    if "agreement" in result:
        lines += _agreement(result["agreement"])
    if "systems" in result:
        lines += ["", "accuracy", *_intervals(result["systems"])]
        lines += ["", "difference", *_intervals(result["differences"])]
    if "pass_at" in result:
        what = "of these systems" if "systems" in result else "candidates"
        rates = {f"k = {k}": value for k, value in result["pass_at"].items()}
        lines += ["", f"at least one right among k {what}", *_intervals(rates)]
        lines.append(f"decidable prompts (some right, some wrong): {result['decidable']:.1%}")
    loss = result["held_out_loss"]
    lines += [
        "",
        f"selected {result['selected']:,} replies; fine-tuned {result['policy']} on "
        f"{result['trained_on']:,} of them",
        f"held-out loss (nats per token, {result['held_out_replies']} replies): before "
        f"{_interval(loss['before'])}, after {_interval(loss['after'])}, difference "
        f"{_interval(loss['difference'], '+.3f')}",
        f"\n95 % intervals over prompts · learning rate {result['lr']:g} · "
        f"{result['seconds']:.0f} s · seed {result['seed']}",
        *few_prompts(result["prompts"]),
        *no_signal(result["no_signal"]),
    ]
    return "\n".join(lines)


def _agreement(agreement: dict[str, Any]) -> list[str]:
    """How our verdicts compare with a file's labels, and each reply where they differ."""
    lines = [
        f"our verifier agrees with the file's labels on {agreement['agree']:,} of "
        f"{agreement['compared']:,} replies"
    ]
    for row in agreement["disagree"]:
        lines.append(
            f"  problem {row['prompt']}, {row['system']}: read {row['answer']}, reference "
            f"{row['reference']}, label {row['label']} ({row['reason']})"
        )
    return lines


def _interval(value: dict[str, float], spec: str = ".3f") -> str:
    level, n = value.get("level", 0.95), value.get("n", 0)
    return format(Interval(value["mean"], value["low"], value["high"], level, n), spec)


def _intervals(values: dict[str, dict]) -> list[str]:
    """Named intervals as aligned lines."""
    return layout([[f"  {name}", _interval(value)] for name, value in values.items()])
