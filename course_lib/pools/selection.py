"""`Selection`: which candidates of a pool were kept, and by which rule."""

from dataclasses import dataclass, field

import numpy as np
import torch

from ..base import require
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
    weights: torch.Tensor | None = None
    rule: str = ""
    settings: dict = field(default_factory=dict)

    def __post_init__(self):
        prompt, candidate = (
            torch.as_tensor(index, dtype=torch.int64)
            for index in (self.prompt_index, self.candidate_index)
        )
        weights = (
            torch.ones(len(prompt))
            if self.weights is None
            else torch.as_tensor(self.weights, dtype=torch.float32)
        )
        require(
            prompt.dim() == 1 and prompt.shape == candidate.shape == weights.shape,
            "prompt_index, candidate_index and weights must be (K,) and of one length; got shapes "
            f"{tuple(prompt.shape)}, {tuple(candidate.shape)} and {tuple(weights.shape)}.",
        )
        P, N = self.pool.P, self.pool.N
        inside = (prompt >= 0) & (prompt < P) & (candidate >= 0) & (candidate < N)
        require(
            inside.all(),
            f"{int((~inside).sum())} of {len(prompt)} indices are outside this pool of {P} "
            f"prompts × {N} candidates; "
            "use the pool the indices were made from.",
        )
        require(
            self.pool.present[prompt, candidate].all(),
            "a missing candidate was selected; keep to candidates where pool.present is True.",
        )
        require(
            len(torch.unique(prompt * N + candidate)) == len(prompt),
            "a candidate was selected twice; keep each once and use weights to make one count "
            "more.",
        )
        for name, value in (
            ("prompt_index", prompt),
            ("candidate_index", candidate),
            ("weights", weights),
        ):
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.prompt_index)

    def __repr__(self):
        used = int((self.per_prompt > 0).sum())
        return (
            f"Selection({len(self)} of {int(self.pool.present.sum())} candidates, from "
            f"{used} of {self.pool.P} prompts, by {self.rule or 'hand'})"
        )

    @property
    def prompts(self):
        """K strings: the prompt of each kept candidate."""
        return [self.pool.prompts[i] for i in self.prompt_index.tolist()]

    @property
    def texts(self):
        """K strings: the kept candidates."""
        return [
            self.pool.texts[i][j]
            for i, j in zip(self.prompt_index.tolist(), self.candidate_index.tolist(), strict=True)
        ]

    def rewards(self, name=None):
        """(K,) float32 rewards of the kept candidates, by name.

        With no name, the pool's only reward.
        """
        return self.pool.reward(name)[self.prompt_index, self.candidate_index]

    @property
    def per_prompt(self):
        """(P,) int64: how many candidates of each prompt were kept."""
        return torch.bincount(self.prompt_index, minlength=self.pool.P)

    @property
    def mask(self):
        """(P, N) bool: True where a candidate was kept."""
        mask = torch.zeros(self.pool.P, self.pool.N, dtype=torch.bool)
        mask[self.prompt_index, self.candidate_index] = True
        return mask

    def to_rows(self):
        """K dictionaries with ``prompt``, ``completion``, ``prompt_index``, ``candidate_index``,
        ``weight`` and ``finish_reason``.
        """
        finish = [
            FINISH[f] for f in self.pool.finish[self.prompt_index, self.candidate_index].tolist()
        ]
        columns = zip(
            self.prompts,
            self.texts,
            self.prompt_index.tolist(),
            self.candidate_index.tolist(),
            self.weights.tolist(),
            finish,
            strict=True,
        )
        return [
            dict(
                zip(
                    (
                        "prompt",
                        "completion",
                        "prompt_index",
                        "candidate_index",
                        "weight",
                        "finish_reason",
                    ),
                    row,
                    strict=True,
                )
            )
            for row in columns
        ]

    @staticmethod
    def concat(selections):
        """Join selections from several pools, e.g. the best of **all** rounds; the pools are joined
        by prompts and need one N.

        To control a joined selection, join the controls of its parts.
        """
        require(len(selections) > 0, "nothing to join: give at least one selection.")
        starts = np.cumsum([0, *(s.pool.P for s in selections)]).tolist()
        return Selection(
            Pool.concat([s.pool for s in selections]),
            torch.cat(
                [s.prompt_index + start for s, start in zip(selections, starts, strict=False)]
            ),
            torch.cat([s.candidate_index for s in selections]),
            torch.cat([s.weights for s in selections]),
            rule="concat",
            settings={"parts": [{"rule": s.rule, **s.settings} for s in selections]},
        )
