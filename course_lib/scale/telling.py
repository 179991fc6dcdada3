"""A plan in words and tables."""

from collections.abc import Sequence

from ..estimators import GB
from .plans import NEVER, Plan, Stage

WAITS = {
    "bytes": "memory's bandwidth",
    "operations": "operations",
    "network": "the network",
    "measured": "measured rates",
}
BYTES = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))


def told(plan: Plan) -> str:
    """What ``course plan`` prints."""
    work, cards = plan.work, plan.cards
    lines = [
        f"{plan.model.name}: {work.prompts:,} prompts × {work.n} on {cards.count} × "
        f"{cards.gpu.name}",
        "",
        *table(
            ("stage", "tokens", "operations", "GPU hours", "wall-clock", "waits for"),
            stages_of(plan),
        ),
        "",
        f"together {time(plan.seconds)} of wall-clock, {hours(plan.hours)} GPU hours; "
        f"the slowest stage is {plan.slowest}",
        "",
        *table(("memory of one GPU", "of GB", "GPUs a copy", "parts"), memory_of(plan)),
        "",
        *table(("on disk", "the pool"), [(name, size(b)) for name, b in plan.storage.items()]),
        "",
        *table(("what moves", ""), [(name, size(b)) for name, b in plan.moves.items()]),
    ]
    if plan.advice:
        lines += ["", *(f"! {line}" for line in plan.advice)]
    lines += ["", "assumed:"]
    lines += [f"  {what}: {value} ({source})" for what, value, source in plan.assumed]
    return "\n".join(lines + ["", honest(plan)])


def honest(plan: Plan) -> str:
    """What the times rest on."""
    measured = [stage.name for stage in plan.stages if stage.bound == "measured"]
    if len(measured) == len(plan.stages):
        return "Times are from rates that were measured on a smaller job."
    begin = f"Measured rates: {', '.join(measured)}. The rest is" if measured else "Times are"
    return (
        f"{begin} published limits times assumed shares, not measured: no number of a GPU here was "
        "measured with this version. Run a small part and give its rates with --rate."
    )


def stages_of(plan: Plan) -> list[tuple[str, ...]]:
    """A row a stage."""
    rows = []
    for stage in plan.stages:
        waits = WAITS[stage.bound] if stage.seconds is not None else "does not fit"
        row = (stage.name, f"{stage.tokens:.3g}", f"{stage.flops:.2g}", hours(stage.hours))
        rows.append((*row, time(stage.seconds), waits))
    return rows


def memory_of(plan: Plan) -> list[tuple[str, ...]]:
    """A row a stage: memory of one of its GPUs."""
    rows = []
    for stage in plan.stages:
        needed = sum(stage.memory.values())
        parts = ", ".join(f"{name} {size(b)}" for name, b in largest(stage))
        of = f"{needed / GB:.1f} of {plan.cards.gpu.memory / GB:.0f}"
        rows.append((stage.name, of, copies(stage), parts))
    return rows


def copies(stage: Stage) -> str:
    """On how many GPUs a copy lies."""
    if stage.least >= NEVER:
        return "none is enough"
    if stage.seconds is None:
        return f"needs {stage.least:,}"
    return f"{stage.each}" if stage.each == stage.least else f"{stage.each} (fits on {stage.least})"


def largest(stage: Stage) -> list[tuple[str, float]]:
    """The three largest parts of a stage's memory."""
    return sorted(stage.memory.items(), key=lambda part: -part[1])[:3]


def size(amount: float) -> str:
    """Bytes in the unit that suits them."""
    for unit, name in BYTES:
        if amount >= 0.9995 * unit:
            return f"{digits(amount / unit, 3)} {name}"
    return "0 B"


def time(seconds: float | None) -> str:
    """A duration in the unit that suits it."""
    if seconds is None:
        return "—"
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{digits(seconds / unit, 3)} {name}"
    return f"{digits(seconds, 2)} s"


def hours(value: float | None) -> str:
    """GPU hours."""
    return "—" if value is None else digits(value, 2)


def digits(value: float, kept: int) -> str:
    """A number with at least so many digits, and no power of ten where it is large."""
    return f"{value:.{kept}g}" if value < 10**kept - 0.5 else f"{value:,.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns side by side."""
    every = [tuple(head), *rows]
    widths = [max(len(row[k]) for row in every) for k in range(len(head))]
    lines = []
    for row in every:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines
