"""How many bytes a token of a reply takes on disk, by format: measured, not derived.

Text and token ids are compressed in ``.npz`` and ``.parquet`` files, by how much depends on what
models write; log-probabilities hardly are. So it is measured on a pool.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import CourseError, require

if TYPE_CHECKING:
    from ..pools import Pool

KINDS = ("npz", "jsonl", "parquet")


@dataclass(frozen=True)
class Density:
    """What a file takes.

    Attributes
    ----------
    per_token : format → bytes a token of a reply, with its share of prompts and rewards.
    source : where that is from.
    fixed : format → bytes of any file, small as it may be.
    """

    per_token: Mapping[str, float]
    source: str
    fixed: Mapping[str, float] = field(default_factory=dict)

    def bytes(self, tokens: float) -> dict[str, float]:
        """Format → bytes of a pool with so many tokens in its replies."""
        return {
            kind: self.fixed.get(kind, 0) + tokens * each for kind, each in self.per_token.items()
        }

    def described(self) -> list[tuple[str, str, str]]:
        """(what, value, where it is from) of each format."""
        held = {"npz": "token ids and log-probabilities too", "parquet": "compressed text"}
        rows = []
        for name, size in self.per_token.items():
            value = f"{size:.1f} bytes a token ({held.get(name, 'text')})"
            rows.append((f"a pool as {name}", value, self.source))
        return rows


# 96 replies at temperature 1, of 7,648 tokens; elsewhere a second log-probability adds half to npz
GEMMA = Density(
    {"npz": 7.0, "jsonl": 4.1, "parquet": 2.8},
    "measured on Gemma 3 270M's replies to GSM8K, temperature 1",
)


def density_of(pool: "Pool", source: str = "measured on your pool") -> Density:
    """What ``pool`` and half of it take, written in each format. Without pyarrow no Parquet.

    Raises :class:`~course_lib.base.CourseError` for fewer than 2 prompts.
    """
    require(pool.P >= 2, f"half of a pool is measured, too: it needs 2 prompts; got {pool.P}.")
    half = pool.prompts_at(range(pool.P // 2))
    few, many = int(half.lengths.sum()), int(pool.lengths.sum())
    require(0 < few < many, "this pool has no tokens to measure.")
    each, fixed = {}, {}
    for kind in KINDS:
        try:
            less, more = _written(half, kind), _written(pool, kind)
        except CourseError:
            continue
        each[kind] = max(0, more - less) / (many - few)
        fixed[kind] = max(0.0, more - each[kind] * many)
    return Density(each, source, fixed)


def _written(pool: "Pool", kind: str) -> int:
    """Bytes of the pool's file."""
    from .output import write_pools  # torch is not needed where nothing is measured

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"pool.{kind}"
        pool.save(file) if kind == "npz" else write_pools([pool], file)
        return file.stat().st_size
