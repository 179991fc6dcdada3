"""A memory planner: what fits on a GPU.

By model size, precision, the number and length of replies in one part of a training step, and
whether all weights are trained or only LoRA's.
"""

import html
from collections.abc import Sequence
from itertools import product
from typing import Any

from ...base import require
from ...estimators import GB, phases
from .. import plots
from ..plots import Figure
from ..web import Card, picture

SIZES = (0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 4.0, 6.0, 8.0)  # billions of parameters
TOKENS = (50, 100, 200, 400, 800, 1600)  # of one reply
MOST_REPLIES = 32
CARDS: tuple[tuple[str, float], ...] = (("15 GB, a T4", 15), ("24 GB", 24), ("80 GB", 80))
TIGHT = 0.25  # of a card: with less than that left, activations may not fit
# of the weights: LoRA of rank 16 on every linear layer has 1.7 % at 0.6 billion, 0.5 % at 8 billion
LORA_SHARE = 0.015
TRAINED = ("weights", "gradients", "Adam's moments")
FROZEN = ("policy that sampled", "reference and reward model")
Plan = dict[str, dict[str, float]]


def plan(
    billions: float, replies: float, tokens: float = 200, half: bool = True, lora: bool = False
) -> Plan:
    """GB of what is held in each phase: phase → {part: GB}.

    As :func:`~course_lib.estimators.phases`, with two choices more. ``half``: frozen models take 2
    bytes a parameter, else 4; what is trained is float32 in both. ``lora``: only adapters are
    trained, :data:`LORA_SHARE` of all weights, beside the frozen model.
    """
    rows = phases(billions * 1e9, replies, tokens)  # type: ignore[arg-type]
    for parts in rows.values():
        for part in parts:
            if part in TRAINED and lora:
                parts[part] *= LORA_SHARE
            if part in FROZEN and not half:
                parts[part] *= 2
    return rows


def verdict(needed: float, limit: float) -> str:
    """Whether ``needed`` GB fit into ``limit`` GB, in words."""
    left = limit - needed
    if left < 0:
        return "does not fit"
    return "fits, but tight: activations come on top" if left < TIGHT * limit else "fits"


def verdicts(billions: float, replies: int, limit: float) -> tuple[list[str], Figure]:
    """One line a phase that says whether it fits in ``limit`` GB, and the figure."""
    rows = plan(billions, replies)
    lines = []
    for name, parts in rows.items():
        needed = sum(parts.values())
        lines.append(f"{name}: {verdict(needed, limit)} ({needed:.1f} of {limit:g} GB).")
    title = f"Memory for {billions:g} billion parameters, {replies} replies in a part"
    return lines, plots.memory(rows, limit, f"{limit:g} GB", title, quiet=True)


def coefficients(half: bool, lora: bool) -> list[list[Any]]:
    """[phase, [part, bytes, bytes a billion parameters, bytes a token of the replies] …] of each.

    A plan is linear in these, so they are read off :func:`plan` itself.
    """
    nothing, model, token = (
        plan(*at, half=half, lora=lora) for at in ((0, 0, 0), (1, 0, 0), (0, 1, 1))
    )
    return [
        [phase]
        + [
            [part, *(round(GB * v) for v in (fixed, model[phase][part] - fixed))]
            + [round(GB * (token[phase][part] - fixed))]
            for part, fixed in parts.items()
        ]
        for phase, parts in nothing.items()
    ]


def memory_planner(billions: float = 0.6, replies: int = 4, limit: float = 15) -> Card:
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
        "share": LORA_SHARE,
        # in the order half, lora: no no, no yes, yes no, yes yes
        "plans": [coefficients(*chosen) for chosen in product((False, True), repeat=2)],
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
