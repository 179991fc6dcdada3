"""A memory planner: what fits on a GPU.

By model size, the number and length of replies in one part of a training step, and what is done to
save memory: LoRA, activations computed again, idle models in main memory.
"""

import html
from collections.abc import Sequence
from itertools import product
from typing import Any

from ...base import require
from ...estimators import GB, PROMPT, Savings, phases
from .. import plots
from ..plots import Figure
from ..plots.memory import SHORT
from ..web import Card, picture

SIZES = (0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 4.0, 8.0)  # billions of parameters
TOKENS = (50, 100, 200, 400, 800, 1600)  # of one reply
MOST_REPLIES = 32
# GB of 10⁹ bytes as torch sees them: a T4's 15 GB are 15.8 of these
CARDS: tuple[tuple[str, float], ...] = (("T4", 15.8), ("24 GB", 24), ("80 GB", 80))
TIGHT = 0.1  # of a card: the libraries' workspace, and memory in pieces too small to use
RANK = 16  # of LoRA
Plan = dict[str, dict[str, float]]
PLAIN = Savings()


def plan(billions: float, replies: int, tokens: int = 200, savings: Savings = PLAIN) -> Plan:
    """GB of what is held in each phase, see :func:`~course_lib.estimators.phases`."""
    return phases(billions * 1e9, replies, tokens, savings)


def verdict(needed: float, limit: float) -> str:
    """Whether ``needed`` GB fit into ``limit`` GB, in words."""
    left = limit - needed
    if left < 0:
        return "does not fit"
    return "too tight to rely on" if left < TIGHT * limit else "fits"


def verdicts(billions: float, replies: int, limit: float) -> tuple[list[str], Figure]:
    """One line a phase that says whether it fits in ``limit`` GB, and the figure."""
    rows = plan(billions, replies)
    lines = []
    for name, parts in rows.items():
        needed = sum(parts.values())
        lines.append(f"{name}: {verdict(needed, limit)} ({needed:.1f} of {limit:g} GB).")
    title = f"Memory for {billions:g} billion parameters, {replies} replies in a part"
    return lines, plots.memory(rows, limit, f"{limit:g} GB", title, quiet=True)


def coefficients(billions: float, savings: Savings) -> list[list[Any]]:
    """[phase, [part, bytes, bytes a reply, bytes a token of the replies] …] of each.

    A plan is linear in these, so they are read off :func:`plan` itself.
    """
    none, short, long = (plan(billions, *at, savings) for at in ((0, 0), (1, 0), (1, 1000)))
    rows: list[list[Any]] = []
    for phase, parts in long.items():
        row: list[Any] = [phase]
        for part, size in parts.items():
            fixed, one = none[phase].get(part, 0.0), short[phase].get(part, 0.0)
            shares = (fixed, one - fixed, (size - one) / 1000)
            row.append([part, *(round(GB * share) for share in shares)])
        rows.append(row)
    return rows


def memory_planner(billions: float = 0.6, replies: int = 4, limit: float = 15.8) -> Card:
    """Choose a model, a card, and what is in a part of a training step; see what fits.

    ``billions`` of parameters, ``replies`` of 200 tokens in a part, ``limit``: the card's GB; all
    three can be moved.
    """
    require(billions > 0, f"billions of parameters must be above 0; got {billions}.")
    require(
        1 <= replies <= MOST_REPLIES,
        f"replies in a part must be from 1 to {MOST_REPLIES}; got {replies}.",
    )
    require(limit > 0, f"a card has more than 0 GB; got {limit}.")
    lines, figure = verdicts(billions, replies, limit)
    sizes = _with(SIZES, billions)
    cards = list(CARDS)
    if limit not in [size for _, size in cards]:
        cards.append((f"{limit:g} GB", limit))
    data = {
        "sizes": sizes,
        "tokens": list(TOKENS),
        "most": MOST_REPLIES,
        "cards": cards,
        "tight": TIGHT,
        "short": SHORT,
        "rank": RANK,
        "prompt": PROMPT,
        "rests": "other models",  # is there only where idle models stay on the card
        # of each size, in the order lora, recompute: no no, no yes, yes no, yes yes
        "plans": [
            [
                coefficients(size, Savings(RANK * lora, recompute, resting=False))
                for lora, recompute in product((False, True), repeat=2)
            ]
            for size in sizes
        ],
        "start": {
            "size": sizes.index(billions),
            "replies": replies - 1,
            "tokens": TOKENS.index(200),
            "card": [size for _, size in cards].index(limit),
        },
    }
    fallback = "".join(f"<p>{html.escape(line)}</p>" for line in lines) + picture(figure)
    return Card("memory", data, "\n".join(lines), fallback)


def _with(values: Sequence[float], one: float) -> list[float]:
    """``values`` with ``one`` among them, upwards."""
    return sorted({*values, one})
