"""The picture on top of README.md: ``python -m course_lib.authoring.picture``.

One question of the stored pool, the reply that is chosen among n, and the mean over all questions.
Two files, for light and dark; drawn as SVG text, so that they are small and sharp.
"""

import html
import textwrap
from dataclasses import dataclass
from pathlib import Path

from .. import assets
from ..estimators import best_of_n_curve
from ..pools import Pool
from .places import ROOT

QUESTION = 97  # of the stored pool: short to read
ROWS = (("reward-8000", 1), ("reward-8000", 16), ("reward-8000", 64), ("reward-125", 64))
CURVES = (("reward-8000", "good reward model", "good"), ("reward-125", "weak reward model", "weak"))
SIZES = [2**k for k in range(9)]
WIDTH, HEIGHT = 1200, 472
TYPE = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


@dataclass(frozen=True)
class Look:
    """Colours of one picture."""

    ink: str
    soft: str
    panel: str
    ask: str
    edge: str
    good: str
    weak: str


LOOKS = {
    "light": Look("#1d2329", "#58626d", "#f3f2ed", "#dcecf6", "#d5d3ca", "#0072b2", "#c74e00"),
    "dark": Look("#e6e9ec", "#a4aeb9", "#1e252d", "#173347", "#3a444f", "#56b4e9", "#ff9147"),
}


def picture(pool: Pool, look: Look) -> str:
    """The picture as SVG."""
    replies = _replies(pool, look)
    curves = _curves(pool, look)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="{TYPE}" fill="{look.ink}">{replies}{curves}</svg>\n'
    )


def _text(x: float, y: float, words: str, size: float = 17, **more: str) -> str:
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}"{extra}>{html.escape(words)}</text>'


def _replies(pool: Pool, look: Look) -> str:
    """The question, and under it the reply that is chosen among n."""
    parts = [
        f'<rect x="96" y="8" width="604" height="44" rx="16" fill="{look.ask}"/>',
        _text(116, 36, str(pool.prompts[QUESTION])),
    ]
    y = 74.0
    for reward, n in ROWS:
        j = int(pool.reward(reward)[QUESTION, :n].argmax())
        gold = float(pool.reward("gold")[QUESTION, j])
        lines = textwrap.wrap(pool.texts[QUESTION][j], 62)
        height = 24 * len(lines) + 26
        weak = reward != ROWS[0][0]
        colour = look.weak if weak else look.good
        if weak:
            parts.append(
                _text(96, y + 14, "and chosen by a weak reward model:", 15, fill=look.soft)
            )
            y += 24
        parts += [
            _text(4, y + 30, f"n = {n}", 17, font_weight="600"),
            f'<rect x="96" y="{y:g}" width="604" height="{height}" rx="12" fill="{look.panel}"/>',
            f'<rect x="96" y="{y:g}" width="5" height="{height}" rx="2" fill="{colour}"/>',
        ]
        parts += [_text(116, y + 30 + 24 * k, line) for k, line in enumerate(lines)]
        value = f"{gold:.1f}".replace("-", "−")
        parts.append(
            _text(688, y + height - 12, f"gold {value}", 15, text_anchor="end", font_weight="600")
        )
        y += height + 12
    return "".join(parts)


def _curves(pool: Pool, look: Look) -> str:
    """Mean gold of the best of n over all questions."""
    left, top, width, height = 772, 74, 268, 310
    low, high = 0.0, 2.5

    def x(n: int) -> float:
        return left + width * SIZES.index(n) / (len(SIZES) - 1)

    def y(value: float) -> float:
        return top + height * (high - value) / (high - low)

    parts = [_text(left - 30, 36, f"gold of the best of n, mean of {pool.P} questions", 16)]
    for value in (0, 1, 2):
        parts.append(
            f'<path d="M{left} {y(value):g}h{width}" stroke="{look.edge}" fill="none"/>'
            + _text(left - 12, y(value) + 5, str(value), 15, text_anchor="end", fill=look.soft)
        )
    for n in SIZES[::2]:
        words = str(n)
        parts.append(
            _text(x(n), top + height + 26, words, 15, text_anchor="middle", fill=look.soft)
        )
    parts.append(
        _text(left + width / 2, top + height + 54, "n, replies to choose from", 16,
              text_anchor="middle", fill=look.soft)
    )  # fmt: skip
    gold = pool.reward("gold")
    for reward, name, kind in CURVES:
        colour = getattr(look, kind)
        means = best_of_n_curve(pool.reward(reward), gold, SIZES).mean(0).tolist()
        points = [(x(n), y(mean)) for n, mean in zip(SIZES, means, strict=True)]
        line = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(f'<path d="M{line}" stroke="{colour}" stroke-width="3.5" fill="none"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="5" fill="{colour}"/>' for a, b in points]
        for k, word in enumerate(name.split(" ", 1)):
            parts.append(
                _text(points[-1][0] + 14, points[-1][1] + 2 + 18 * k, word, 15, fill=colour,
                      font_weight="600")
            )  # fmt: skip
    return "".join(parts)


def alt(pool: Pool) -> str:
    """The picture in words, for README.md."""
    gold = pool.reward("gold")
    good, weak = (
        best_of_n_curve(pool.reward(reward), gold, SIZES).mean(0).tolist() for reward, *_ in CURVES
    )
    return (
        f"A question to a help desk, and the reply chosen among n = 1, 16 and 64. By a good reward "
        f"model the mean gold of the chosen reply rises from {good[0]:.1f} to {good[6]:.1f} at "
        f"n = 64; by a weak one it rises to {max(weak):.1f} and falls to {weak[-1]:.1f} at n = 256."
    )


def main(folder: Path = ROOT / "docs") -> None:
    """Write ``hero-light.svg`` and ``hero-dark.svg`` into ``folder`` and print the words."""
    pool = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
    for name, look in LOOKS.items():
        (folder / f"hero-{name}.svg").write_text(picture(pool, look), encoding="utf-8")
    print(alt(pool))


if __name__ == "__main__":
    main()
