"""`Selection`: which candidates of a pool were kept, and by which rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..base import Prompt, require
from .pool import FINISH, Pool


@dataclass(frozen=True, eq=False)
class Selection:
    """K candidates kept from a pool of P prompts × N candidates.

    Attributes
    ----------
    pool : the :class:`~course_lib.pools.Pool` they come from.
    prompt_index, candidate_index : (K,) int64 tensors; row k is candidate ``candidate_index[k]`` of
        prompt ``prompt_index[k]``.
    weights : (K,) float32 tensor for a weighted loss, ones by default.
    rule, settings : the rule's name and its arguments, for records.

    Raises :class:`CourseError` for indices outside the pool, missing candidates, and a candidate
    listed twice.
    """

    pool: Pool
    prompt_index: torch.Tensor
    candidate_index: torch.Tensor
    weights: torch.Tensor = None  # type: ignore[assignment]  # set in __post_init__
    rule: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        prompt = torch.as_tensor(self.prompt_index, dtype=torch.int64)
        candidate = torch.as_tensor(self.candidate_index, dtype=torch.int64)
        weights = torch.ones(len(prompt)) if self.weights is None else self.weights
        weights = torch.as_tensor(weights, dtype=torch.float32)
        _check_indices(self.pool, prompt, candidate, weights)
        # a frozen dataclass sets its own fields like this
        object.__setattr__(self, "prompt_index", prompt)
        object.__setattr__(self, "candidate_index", candidate)
        object.__setattr__(self, "weights", weights)

    def __len__(self) -> int:
        return len(self.prompt_index)

    def __repr__(self) -> str:
        used = int((self.per_prompt > 0).sum())
        return (
            f"Selection({len(self)} of {int(self.pool.present.sum())} candidates, from "
            f"{used} of {self.pool.P} prompts, by {self.rule or 'hand'})"
        )

    @property
    def prompts(self) -> list[Prompt]:
        """The prompt of each of the K kept candidates."""
        return [self.pool.prompts[i] for i in self.prompt_index.tolist()]

    @property
    def texts(self) -> list[str]:
        """K strings: the kept candidates."""
        places = zip(self.prompt_index.tolist(), self.candidate_index.tolist(), strict=True)
        return [self.pool.texts[i][j] for i, j in places]

    def rewards(self, name: str | None = None) -> torch.Tensor:
        """(K,) float32 rewards of the kept candidates, by name.

        With no name, the pool's only reward.
        """
        return self.pool.reward(name)[self.prompt_index, self.candidate_index]

    @property
    def per_prompt(self) -> torch.Tensor:
        """(P,) int64: how many candidates of each prompt were kept."""
        return torch.bincount(self.prompt_index, minlength=self.pool.P)

    @property
    def mask(self) -> torch.Tensor:
        """(P, N) bool: True where a candidate was kept."""
        mask = torch.zeros(self.pool.P, self.pool.N, dtype=torch.bool)
        mask[self.prompt_index, self.candidate_index] = True
        return mask

    def to_rows(self) -> list[dict[str, Any]]:
        """K dictionaries, as :func:`write_selection` writes them.

        The keys are ``prompt``, ``completion``, ``prompt_index``, ``candidate_index``, ``weight``
        and ``finish_reason``.
        """
        finish = self.pool.finish[self.prompt_index, self.candidate_index]
        columns = {
            "prompt": self.prompts,
            "completion": self.texts,
            "prompt_index": self.prompt_index.tolist(),
            "candidate_index": self.candidate_index.tolist(),
            "weight": self.weights.tolist(),
            "finish_reason": [FINISH[f] for f in finish.tolist()],
        }
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    @staticmethod
    def concat(selections: Sequence["Selection"]) -> "Selection":
        """Join selections from several pools, e.g. the best of **all** rounds.

        The pools are joined by prompts and need one N. To control a joined selection, join the
        controls of its parts.
        """
        require(len(selections) > 0, "nothing to join: give at least one selection.")
        sizes = [selection.pool.P for selection in selections]
        starts = np.cumsum([0, *sizes[:-1]]).tolist()  # where each pool begins in the joined one
        moved = [
            selection.prompt_index + start
            for selection, start in zip(selections, starts, strict=True)
        ]
        return Selection(
            Pool.concat([selection.pool for selection in selections]),
            torch.cat(moved),
            torch.cat([selection.candidate_index for selection in selections]),
            torch.cat([selection.weights for selection in selections]),
            rule="concat",
            settings={"parts": [{"rule": s.rule, **s.settings} for s in selections]},
        )


def _check_indices(
    pool: Pool, prompt: torch.Tensor, candidate: torch.Tensor, weights: torch.Tensor
) -> None:
    """Raise unless the three are (K,) and name K different candidates that are there."""
    require(
        prompt.dim() == 1 and prompt.shape == candidate.shape == weights.shape,
        "prompt_index, candidate_index and weights must be (K,) and of one length; got shapes "
        f"{tuple(prompt.shape)}, {tuple(candidate.shape)} and {tuple(weights.shape)}.",
    )
    P, N = pool.P, pool.N
    inside = (prompt >= 0) & (prompt < P) & (candidate >= 0) & (candidate < N)
    require(
        inside.all(),
        f"{int((~inside).sum())} of {len(prompt)} indices are outside this pool of {P} "
        f"prompts × {N} candidates; use the pool the indices were made from.",
    )
    require(
        pool.present[prompt, candidate].all(),
        "a missing candidate was selected; keep to candidates where pool.present is True.",
    )
    require(
        len(torch.unique(prompt * N + candidate)) == len(prompt),
        "a candidate was selected twice; keep each once and use weights to make one count more.",
    )
