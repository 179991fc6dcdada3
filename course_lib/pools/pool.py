"""`Pool`: P prompts × N candidates with everything known about them.

The one thing that travels between lessons.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from ..base import CourseError, atomic_write, require

# ended by itself · cut at max_tokens · no such candidate (ragged imports)
FINISH = ("stop", "length", "missing")
STOP, LENGTH, MISSING = range(3)
FORMAT = 1


@dataclass
class Pool:
    """P prompts, N candidates each.

    Attributes
    ----------
    prompts : list of P strings, the user's messages. Equal prompts stay apart: a pool is indexed by
        position.
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
    rewards : name → (P, N) float32 tensor. NaN only where ``finish`` is ``missing``.
    info : P dictionaries of facts about each prompt (topic, split, reference answer ...).
    settings : how the pool was made (policy, n, temperature, seed ...).
    """

    prompts: list
    texts: list
    finish: torch.Tensor
    tokens: torch.Tensor | None = None
    logprobs: torch.Tensor | None = None
    sampling_logprobs: torch.Tensor | None = None
    sum_logprobs: torch.Tensor | None = None
    rewards: dict = field(default_factory=dict)
    info: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)

    def __post_init__(self):
        if not self.info:
            self.info = [{} for _ in self.prompts]
        if self.sum_logprobs is None and self.logprobs is not None:
            self.sum_logprobs = self.logprobs.sum(-1)
        shape = (len(self.prompts), len(self.texts[0]) if self.texts else 0)
        require(
            len(self.texts) == shape[0] and len(self.info) == shape[0],
            f"a pool needs one list of texts and one info per prompt; got {shape[0]} prompts, "
            f"{len(self.texts)} lists of texts, {len(self.info)} infos.",
        )
        require(
            all(len(row) == shape[1] for row in self.texts),
            "every prompt of a pool has the same number of candidates; fill the gaps with "
            "empty texts whose finish is 'missing'.",
        )
        require(
            tuple(self.finish.shape) == shape,
            f"finish must have shape {shape}; got {tuple(self.finish.shape)}.",
        )
        for name, reward in self.rewards.items():
            self._check_reward(name, reward)

    def _check_reward(self, name, reward):
        require(
            tuple(reward.shape) == (self.P, self.N),
            f"reward {name!r} must have shape {(self.P, self.N)}; got {tuple(reward.shape)}.",
        )

    @property
    def P(self):
        """Number of prompts."""
        return len(self.prompts)

    @property
    def N(self):
        """Candidates per prompt."""
        return self.finish.shape[1]

    @property
    def present(self):
        """(P, N) bool: False where an import had no such candidate."""
        return self.finish != MISSING

    @property
    def lengths(self):
        """(P, N) int64, tokens per response with its end token.

        Words when the pool has no tokens.
        """
        if self.tokens is not None:
            return (self.tokens >= 0).sum(-1)
        if "lengths" in self.settings:
            return torch.tensor(self.settings["lengths"])
        return torch.tensor(
            [[len(text.split()) for text in row] for row in self.texts], dtype=torch.int64
        ).reshape(self.P, self.N)

    def __repr__(self):
        return (
            f"Pool({self.P} prompts × {self.N} candidates, rewards: "
            f"{', '.join(self.rewards) or 'none yet'})"
        )

    def with_reward(self, name, values):
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

    def reward(self, name=None):
        """(P, N) reward by name; with no name, the pool's only reward.

        Raises when the choice is not clear or values are NaN.
        """
        if name is None:
            require(
                len(self.rewards) == 1,
                f"this pool has {len(self.rewards)} rewards "
                f"({', '.join(self.rewards) or 'none'}); say which with by=...",
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

    def _take(self, prompts=slice(None), candidates=slice(None)):
        """Index prompts and candidates by lists of positions or slices."""
        rows = range(self.P)[prompts] if isinstance(prompts, slice) else [int(i) for i in prompts]
        cols = (
            range(self.N)[candidates]
            if isinstance(candidates, slice)
            else [int(j) for j in candidates]
        )
        r, c = (
            torch.tensor(list(rows), dtype=torch.long),
            torch.tensor(list(cols), dtype=torch.long),
        )

        def cut(t):
            return None if t is None else t[r][:, c]

        settings = {**self.settings, "n": len(c)}
        if "lengths" in settings:
            settings["lengths"] = cut(torch.tensor(settings["lengths"])).tolist()
        return replace(
            self,
            prompts=[self.prompts[i] for i in rows],
            texts=[[self.texts[i][j] for j in cols] for i in rows],
            finish=cut(self.finish),
            tokens=cut(self.tokens),
            logprobs=cut(self.logprobs),
            sampling_logprobs=cut(self.sampling_logprobs),
            sum_logprobs=cut(self.sum_logprobs),
            rewards={k: cut(v) for k, v in self.rewards.items()},
            info=[self.info[i] for i in rows],
            settings=settings,
        )

    def first(self, n):
        """The pool of the first ``n`` candidates of each prompt.

        What sampling with ``n`` would have given.
        """
        require(
            1 <= n <= self.N,
            f"n must be between 1 and {self.N}, the pool's size; got {n}. Sample a larger pool "
            "or lower n.",
        )
        return self._take(candidates=slice(0, n))

    def prompts_at(self, positions):
        """The pool of the prompts at ``positions``, in that order."""
        return self._take(prompts=positions)

    @staticmethod
    def concat(pools, axis="prompts"):
        """Join pools of different prompts (``axis="prompts"``, same N) or more candidates of the
        same prompts (``"candidates"``).
        """
        require(len(pools) > 0, "nothing to join: give at least one pool.")
        require(
            axis in ("prompts", "candidates"),
            f"axis must be 'prompts' or 'candidates'; got {axis!r}.",
        )
        first = pools[0]
        if axis == "candidates":
            require(
                all(p.prompts == first.prompts for p in pools),
                "pools joined by candidates must have the same prompts in the same order.",
            )
        else:
            require(
                len({p.N for p in pools}) == 1,
                f"pools joined by prompts need the same N; got {[p.N for p in pools]}.",
            )
        dim = 0 if axis == "prompts" else 1

        def join(name, fill):
            parts = [getattr(p, name) for p in pools]
            if any(part is None for part in parts):
                return None
            width = max((part.shape[2] for part in parts if part.dim() == 3), default=0)
            parts = [
                torch.nn.functional.pad(t, (0, width - t.shape[2]), value=fill)
                if t.dim() == 3
                else t
                for t in parts
            ]
            return torch.cat(parts, dim)

        shared = [name for name in first.rewards if all(name in p.rewards for p in pools)]
        settings = {k: v for k, v in first.settings.items() if k != "lengths"}
        tokens = join("tokens", -1)
        if axis == "prompts":
            prompts, texts, info = (
                sum([p.prompts for p in pools], []),
                sum([p.texts for p in pools], []),
                sum([p.info for p in pools], []),
            )
        else:
            prompts, texts, info = (
                list(first.prompts),
                [sum(rows, []) for rows in zip(*[p.texts for p in pools], strict=True)],
                list(first.info),
            )
        if tokens is None:
            settings["lengths"] = torch.cat([p.lengths for p in pools], dim).tolist()
        settings["n"] = len(texts[0]) if texts else 0
        return Pool(
            prompts=prompts,
            texts=texts,
            finish=torch.cat([p.finish for p in pools], dim),
            tokens=tokens,
            logprobs=join("logprobs", 0.0),
            sampling_logprobs=join("sampling_logprobs", 0.0),
            sum_logprobs=join("sum_logprobs", 0.0),
            rewards={k: torch.cat([p.rewards[k] for p in pools], dim) for k in shared},
            info=info,
            settings=settings,
        )

    def light(self):
        """A copy without token ids and per-token log-probabilities.

        Texts, lengths, sums and rewards stay. For storing.
        """
        return replace(
            self,
            tokens=None,
            logprobs=None,
            sampling_logprobs=None,
            settings={**self.settings, "lengths": self.lengths.tolist()},
        )

    # ---- disk -------------------------------------------------------------------------------------------------

    def save(self, path):
        """Write the pool to one compressed ``.npz`` file, atomically.

        No pickle: the file can be loaded from anyone.
        """
        meta = {
            "format": FORMAT,
            "prompts": self.prompts,
            "info": self.info,
            "settings": {k: v for k, v in self.settings.items() if k != "lengths"},
            "texts": self.texts,
        }
        arrays = {
            "meta": np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), dtype=np.uint8),
            "finish": self.finish.numpy().astype(np.int8),
        }
        for name in ("logprobs", "sampling_logprobs", "sum_logprobs"):
            value = getattr(self, name)
            if value is not None and not (name == "sampling_logprobs" and value is self.logprobs):
                arrays[name] = value.numpy()
        if self.tokens is not None:
            small = self.tokens.max() < 2**15 if self.tokens.numel() else True
            arrays["tokens"] = self.tokens.numpy().astype(np.int16 if small else np.int32)
        else:
            arrays["lengths"] = self.lengths.numpy().astype(np.int32)
        for name, reward in self.rewards.items():
            arrays[f"reward:{name}"] = reward.numpy()
        with atomic_write(path) as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path):
        """Read a pool written by :meth:`save`.

        Raises :class:`CourseError` when the file is missing, cut short or not a pool.
        """
        path = Path(path)
        require(
            path.is_file(), f"no pool at {path}. Make one with `course sample`, or check the path."
        )
        try:
            with np.load(path, allow_pickle=False) as data:
                arrays = {k: data[k] for k in data.files}
            meta = json.loads(arrays.pop("meta").tobytes().decode())
        except Exception as error:
            raise CourseError(
                f"{path} is not a readable pool ({type(error).__name__}: {error}). It may be "
                "cut short: delete it and sample again."
            ) from error
        require(
            meta.get("format") == FORMAT,
            f"{path} has pool format {meta.get('format')}, this version reads {FORMAT}. Sample "
            "again, or use the version that wrote it.",
        )
        settings = meta["settings"]
        if "lengths" in arrays:
            settings["lengths"] = arrays["lengths"].tolist()
        tensors = {
            k: torch.from_numpy(arrays[k])
            for k in ("logprobs", "sampling_logprobs", "sum_logprobs")
            if k in arrays
        }
        if "logprobs" in tensors and "sampling_logprobs" not in tensors:
            tensors["sampling_logprobs"] = tensors["logprobs"]
        tokens = torch.from_numpy(arrays["tokens"].astype(np.int32)) if "tokens" in arrays else None
        rewards = {
            k.removeprefix("reward:"): torch.from_numpy(v)
            for k, v in arrays.items()
            if k.startswith("reward:")
        }
        return cls(
            prompts=meta["prompts"],
            texts=meta["texts"],
            finish=torch.from_numpy(arrays["finish"]),
            tokens=tokens,
            rewards=rewards,
            info=meta["info"],
            settings=settings,
            **tensors,
        )

    @classmethod
    def from_candidates(cls, prompts, texts, rewards=None, info=None, settings=None):
        """A pool from plain lists: ``texts[i]`` holds the candidates of ``prompts[i]``, ragged rows
        are padded as ``missing``.

        ``rewards`` maps a name to lists of the same raggedness.
        """
        require(
            len(prompts) == len(texts),
            f"got {len(prompts)} prompts and {len(texts)} lists of candidates; they must match "
            "one to one.",
        )
        width = max((len(row) for row in texts), default=0)
        finish = torch.full((len(prompts), width), MISSING, dtype=torch.int8)
        filled = {name: torch.full(finish.shape, float("nan")) for name in (rewards or {})}
        for i, row in enumerate(texts):
            finish[i, : len(row)] = STOP
            for name, rows in (rewards or {}).items():
                require(
                    len(rows[i]) == len(row),
                    f"prompt {i} has {len(row)} candidates but {len(rows[i])} {name!r} rewards.",
                )
                filled[name][i, : len(row)] = torch.tensor(rows[i], dtype=torch.float32)
        pool = cls(
            prompts=list(prompts),
            texts=[list(row) + [""] * (width - len(row)) for row in texts],
            finish=finish,
            info=list(info) if info else [],
            settings=dict(settings or {}),
        )
        for name, value in filled.items():
            pool = pool.with_reward(name, value)
        return pool
