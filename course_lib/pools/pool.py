"""`Pool`: P prompts × N candidates with everything known about them.

The one thing that travels between lessons.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike

from ..base import CourseError, Prompt, require, simplest
from .provenance import Provenance
from .storage import load_fields, save_fields

# ended by itself · cut at max_tokens · no such candidate (ragged imports)
FINISH = ("stop", "length", "missing")
STOP, LENGTH, MISSING = range(3)


@dataclass
class Pool:
    """P prompts, N candidates each.

    Attributes
    ----------
    prompts : list of P prompts: strings, the user's messages, or lists of chat messages with
        history and system message (see ``base/chat.py``). Equal prompts stay apart: a pool is
        indexed by position.
    texts : P lists of N strings, the candidates as a reader sees them.
    finish : (P, N) int8 tensor of indices into :data:`FINISH`.
    tokens : (P, N, T) int32 tensor of response token ids, end token included, padded with -1; or
        None.
    logprobs : (P, N, T) float32, log-probability in nats of each token under the **model** (T = 1,
        no filter); or None.
    sampling_logprobs : (P, N, T) float32, the same under the **sampling** distribution (after
        temperature, top-k, top-p).
    sum_logprobs : (P, N) float32, log π(y|x) in nats under the model, kept even when ``logprobs``
        is dropped; or None.
    lengths : (P, N) int64, tokens per response with its end token, kept even when ``tokens`` is
        dropped; words when the pool never had tokens. Counted when not given, so a copy with other
        texts or tokens needs ``lengths=None``.
    rewards : name → (P, N) float32 tensor. NaN only where ``finish`` is ``missing``.
    info : P dictionaries of facts about each prompt (topic, split, reference answer ...).
    provenance : how the pool was made (policy, n, temperature, seed ...).
    """

    prompts: list[Prompt]
    texts: list[list[str]]
    finish: torch.Tensor
    tokens: torch.Tensor | None = None
    logprobs: torch.Tensor | None = None
    sampling_logprobs: torch.Tensor | None = None
    sum_logprobs: torch.Tensor | None = None
    lengths: torch.Tensor = None  # type: ignore[assignment]  # counted in __post_init__
    rewards: dict[str, torch.Tensor] = field(default_factory=dict)
    info: list[dict[str, Any]] = field(default_factory=list)
    provenance: Provenance = Provenance()

    def __post_init__(self) -> None:
        if not self.info:
            self.info = [{} for _ in self.prompts]
        if self.sum_logprobs is None and self.logprobs is not None:
            self.sum_logprobs = self.logprobs.sum(-1)
        _check_shape(self)
        if self.lengths is None:
            self.lengths = _counted(self)
        for name, reward in self.rewards.items():
            self._check_reward(name, reward)

    def _check_reward(self, name: str, reward: torch.Tensor) -> None:
        require(
            tuple(reward.shape) == (self.P, self.N),
            f"reward {name!r} must have shape {(self.P, self.N)}; got {tuple(reward.shape)}.",
        )

    @property
    def P(self) -> int:
        """Number of prompts."""
        return len(self.prompts)

    @property
    def N(self) -> int:
        """Candidates per prompt."""
        return self.finish.shape[1]

    @property
    def present(self) -> torch.Tensor:
        """(P, N) bool: False where an import had no such candidate."""
        return self.finish != MISSING

    def __repr__(self) -> str:
        rewards = ", ".join(self.rewards) or "none yet"
        return f"Pool({self.P} prompts × {self.N} candidates, rewards: {rewards})"

    # ---- rewards

    def with_reward(self, name: str, values: ArrayLike | torch.Tensor) -> "Pool":
        """A new pool with reward ``name`` set to ``values`` (P, N).

        Raises on a wrong shape or a NaN where a candidate is present.
        """
        values = torch.as_tensor(values, dtype=torch.float32)
        self._check_reward(name, values)
        bad = torch.isnan(values) & self.present
        if bad.any():
            i, j = bad.nonzero()[0].tolist()
            raise CourseError(
                f"reward {name!r} is NaN for {int(bad.sum())} of {int(self.present.sum())} "
                f"candidates, first at prompt {i}, candidate {j}. "
                "Selecting on NaN would silently keep arbitrary replies: find the reward's "
                "fault, or drop those candidates first."
            )
        return replace(self, rewards={**self.rewards, name: values})

    def reward(self, name: str | None = None) -> torch.Tensor:
        """(P, N) reward by name; with no name, the pool's only reward.

        Raises when the choice is not clear or values are NaN.
        """
        if name is None:
            require(self.rewards, "this pool has no reward yet; score it first.")
            require(
                len(self.rewards) == 1,
                f"this pool has {len(self.rewards)} rewards ({', '.join(self.rewards)}); "
                "say which with by=... (--by on the command line).",
            )
            name = next(iter(self.rewards))
        require(
            name in self.rewards,
            f"no reward {name!r} in this pool; it has: "
            f"{', '.join(self.rewards) or 'none (score it first)'}.",
        )
        values = self.rewards[name]
        require(
            not (torch.isnan(values) & self.present).any(),
            f"reward {name!r} has NaN values; score the pool again or drop those candidates.",
        )
        return values

    # ---- parts and joins

    def take(
        self,
        prompts: Iterable[int] | slice = slice(None),
        candidates: Iterable[int] | slice = slice(None),
    ) -> "Pool":
        """The pool of the prompts and candidates at these positions, in that order."""
        rows = _positions(prompts, self.P)
        columns = _positions(candidates, self.N)
        row_index = torch.tensor(rows, dtype=torch.long)
        column_index = torch.tensor(columns, dtype=torch.long)

        def cut(tensor: torch.Tensor | None) -> Any:
            return None if tensor is None else tensor[row_index][:, column_index]

        logprobs = cut(self.logprobs)
        plain = self.sampling_logprobs is self.logprobs
        return replace(
            self,
            prompts=[self.prompts[i] for i in rows],
            texts=[[self.texts[i][j] for j in columns] for i in rows],
            finish=cut(self.finish),
            tokens=cut(self.tokens),
            logprobs=logprobs,
            sampling_logprobs=logprobs if plain else cut(self.sampling_logprobs),
            sum_logprobs=cut(self.sum_logprobs),
            lengths=cut(self.lengths),
            rewards={name: cut(values) for name, values in self.rewards.items()},
            info=[self.info[i] for i in rows],
            provenance=replace(self.provenance, n=len(columns)),
        )

    def first(self, n: int) -> "Pool":
        """The pool of the first ``n`` candidates of each prompt.

        What sampling with ``n`` would have given.
        """
        require(
            1 <= n <= self.N,
            f"n must be between 1 and {self.N}, the pool's size; got {n}. Sample a larger pool "
            "or lower n.",
        )
        return self.take(candidates=slice(0, n))

    def prompts_at(self, positions: Iterable[int] | slice) -> "Pool":
        """The pool of the prompts at ``positions``, in that order."""
        return self.take(prompts=positions)

    @staticmethod
    def concat(pools: Sequence["Pool"], axis: str = "prompts") -> "Pool":
        """The pools joined along ``axis``.

        ``"prompts"`` joins pools of different prompts and one N, ``"candidates"`` more candidates
        of the same prompts. What some pool lacks (tokens, a reward ...) is dropped; the provenance
        is the first pool's.
        """
        _check_joinable(pools, axis)
        dim = 0 if axis == "prompts" else 1
        first = pools[0]
        prompts, texts, info = _joined_lists(pools, axis)
        shared = [name for name in first.rewards if all(name in pool.rewards for pool in pools)]
        rewards = {name: torch.cat([pool.rewards[name] for pool in pools], dim) for name in shared}
        logprobs = _joined([pool.logprobs for pool in pools], dim)
        plain = all(pool.sampling_logprobs is pool.logprobs for pool in pools)
        sampled = logprobs if plain else _joined([pool.sampling_logprobs for pool in pools], dim)
        return Pool(
            prompts=prompts,
            texts=texts,
            finish=torch.cat([pool.finish for pool in pools], dim),
            tokens=_joined([pool.tokens for pool in pools], dim, fill=-1),
            logprobs=logprobs,
            sampling_logprobs=sampled,
            sum_logprobs=_joined([pool.sum_logprobs for pool in pools], dim),
            lengths=torch.cat([pool.lengths for pool in pools], dim),
            rewards=rewards,
            info=info,
            provenance=replace(first.provenance, n=len(texts[0]) if texts else 0),
        )

    # ---- files and plain lists

    def light(self) -> "Pool":
        """A copy without token ids and per-token log-probabilities, for storing.

        Texts, lengths, sums and rewards stay.
        """
        return replace(self, tokens=None, logprobs=None, sampling_logprobs=None)

    def save(self, path: Path | str) -> None:
        """Write the pool to one compressed ``.npz`` file, atomically.

        No pickle: the file can be loaded from anyone.
        """
        save_fields(vars(self), path)

    @classmethod
    def load(cls, path: Path | str) -> "Pool":
        """Read a pool written by :meth:`save`.

        Raises :class:`CourseError` when the file is missing, cut short or not a pool.
        """
        return cls(**load_fields(path))

    @classmethod
    def from_candidates(
        cls,
        prompts: Sequence[Prompt],
        texts: Sequence[Sequence[str]],
        rewards: Mapping[str, Sequence[Sequence[float]]] | None = None,
        info: Sequence[dict[str, Any]] | None = None,
        provenance: Provenance | None = None,
    ) -> "Pool":
        """A pool from plain lists: ``texts[i]`` holds the candidates of ``prompts[i]``.

        Ragged rows are padded as ``missing``. ``rewards`` maps a name to lists of the same
        raggedness.
        """
        require(
            len(prompts) == len(texts),
            f"got {len(prompts)} prompts and {len(texts)} lists of candidates; they must match "
            "one to one.",
        )
        finish, filled = _padded(texts, rewards or {})
        width = finish.shape[1]
        pool = cls(
            prompts=[simplest(prompt) for prompt in prompts],
            texts=[list(row) + [""] * (width - len(row)) for row in texts],
            finish=finish,
            info=list(info) if info else [],
            provenance=provenance or Provenance(),
        )
        for name, values in filled.items():
            pool = pool.with_reward(name, values)
        return pool


def _check_shape(pool: Pool) -> None:
    shape = (len(pool.prompts), len(pool.texts[0]) if pool.texts else 0)
    require(
        len(pool.texts) == shape[0] and len(pool.info) == shape[0],
        f"a pool needs one list of texts and one info per prompt; got {shape[0]} prompts, "
        f"{len(pool.texts)} lists of texts, {len(pool.info)} infos.",
    )
    require(
        all(len(row) == shape[1] for row in pool.texts),
        "every prompt of a pool has the same number of candidates; fill the gaps with "
        "empty texts whose finish is 'missing'.",
    )
    require(
        tuple(pool.finish.shape) == shape,
        f"finish must have shape {shape}; got {tuple(pool.finish.shape)}.",
    )


def _counted(pool: Pool) -> torch.Tensor:
    """(P, N) int64, tokens per response, or words when there are no tokens."""
    if pool.tokens is not None:
        return (pool.tokens >= 0).sum(-1)
    words = [[len(text.split()) for text in row] for row in pool.texts]
    return torch.tensor(words, dtype=torch.int64).reshape(pool.P, pool.N)


def _positions(wanted: Iterable[int] | slice, size: int) -> list[int]:
    """The positions in a list of ``size`` that a slice or a list of positions names."""
    if isinstance(wanted, slice):
        return list(range(size)[wanted])
    return [int(position) for position in wanted]


def _padded(
    texts: Sequence[Sequence[str]], rewards: Mapping[str, Sequence[Sequence[float]]]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """``finish`` and the rewards of ragged rows: (P, N) each, ``missing`` and NaN in the gaps."""
    width = max((len(row) for row in texts), default=0)
    finish = torch.full((len(texts), width), MISSING, dtype=torch.int8)
    filled = {name: torch.full(finish.shape, float("nan")) for name in rewards}
    for i, row in enumerate(texts):
        finish[i, : len(row)] = STOP
        for name, rows in rewards.items():
            require(
                len(rows[i]) == len(row),
                f"prompt {i} has {len(row)} candidates but {len(rows[i])} {name!r} rewards.",
            )
            filled[name][i, : len(row)] = torch.tensor(rows[i], dtype=torch.float32)
    return finish, filled


def _check_joinable(pools: Sequence[Pool], axis: str) -> None:
    require(len(pools) > 0, "nothing to join: give at least one pool.")
    require(
        axis in ("prompts", "candidates"),
        f"axis must be 'prompts' or 'candidates'; got {axis!r}.",
    )
    if axis == "candidates":
        require(
            all(pool.prompts == pools[0].prompts for pool in pools),
            "pools joined by candidates must have the same prompts in the same order.",
        )
    else:
        require(
            len({pool.N for pool in pools}) == 1,
            f"pools joined by prompts need the same N; got {[pool.N for pool in pools]}.",
        )


def _joined_lists(pools: Sequence[Pool], axis: str) -> tuple[list, list, list]:
    """Prompts, texts and info of the joined pool."""
    if axis == "prompts":
        prompts = [prompt for pool in pools for prompt in pool.prompts]
        texts = [row for pool in pools for row in pool.texts]
        info = [facts for pool in pools for facts in pool.info]
        return prompts, texts, info
    texts = []
    for rows in zip(*[pool.texts for pool in pools], strict=True):  # one prompt's, of each pool
        texts.append([text for row in rows for text in row])
    return list(pools[0].prompts), texts, list(pools[0].info)


def _joined(
    parts: Sequence[torch.Tensor | None], dim: int, fill: float = 0.0
) -> torch.Tensor | None:
    """The tensors of several pools in one; None when some pool has none.

    Those of tokens (P, N, T) are padded with ``fill`` to the longest T.
    """
    tensors = [part for part in parts if part is not None]
    if len(tensors) < len(parts):
        return None
    if tensors[0].dim() == 3:
        width = max(tensor.shape[2] for tensor in tensors)
        tensors = [
            torch.nn.functional.pad(tensor, (0, width - tensor.shape[2]), value=fill)
            for tensor in tensors
        ]
    return torch.cat(tensors, dim)
