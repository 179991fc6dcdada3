"""`sample`: N candidates for every prompt, fast, in flat memory, reproducible one by one.

What costs time is generating tokens, so three things are arranged here: a prompt is read once and
its keys and values serve all of its candidates; candidates that have ended leave the batch; the
batch is as large as memory allows, and half as large where memory ran out.

Candidate j of prompt i reads its own stream of uniforms, keyed by (seed, i, j), one per token, and
turns each into a token by the inverse of the cumulative distribution. So it is the same candidate
whatever the batch size, N, order, chunking or number of workers, up to rounding: two batch shapes
may differ in the last bits of a logit, which changes a token only when its uniform falls in that
gap. In float32 that is rare, and not seen in any of our tests. In half precision it is not: with
another ``memory_mb``, 20 of 512 candidates of the bundled policy change in bfloat16 and 4 in
float16, and 13 of 16 of Gemma 3 270M's in bfloat16 (``benchmarks/half_precision.py``). They are
samples of the same distribution all the same. Where candidates must come again one by one, sample
in float32, or keep the whole call as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..base import (
    CourseError,
    Prompt,
    changed,
    note,
    progress,
    require,
    whole,
)
from ..pools import LENGTH, STOP, Pool, Provenance
from .asking import check_room, checked_prompts, encoded
from .beams import beam_search, diverse_beam_search
from .decoding import Engine
from .drawing import draw, exact_floats, uniforms
from .loading import evaluating
from .policy import Policy
from .proving import new_engine
from .room import halved, rows_at_once
from .settings import Sampling
from .stops import Stops

GOES_ON, BY_TOKEN, BY_TEXT = range(3)  # what ended a candidate
MOST = 2**32 - 1  # the highest number of a prompt or candidate in a stream's key
# steps between two looks of the host at what has ended: each look makes it wait for a GPU
LOOKS_EVERY = {"cuda": 16, "mps": 16}


def sample(
    policy: Policy,
    prompts: Iterable[Prompt],
    settings: Sampling = Sampling(),
    info: Iterable[dict[str, Any]] | None = None,
    first_prompt: int = 0,
    first_candidate: int = 0,
    **changes: Any,
) -> Pool:
    """N candidates for every prompt, as a :class:`~course_lib.pools.Pool` of P × N.

    ``settings`` say how candidates are drawn, and ``changes`` are fields of
    :class:`~course_lib.models.Sampling`: ``sample(policy, prompts, n=16, temperature=0.7)``.
    ``info``: P dictionaries kept with the prompts. ``first_prompt`` and ``first_candidate`` number
    the prompts and candidates, so that a part of a larger job draws exactly what the whole would.

    A prompt is a string or a list of chat messages. Raises :class:`~course_lib.base.CourseError` on
    no prompts, settings out of range, prompts that leave no room for a reply, and models that are
    not causal or whose logits are not numbers.
    """
    settings = changed(settings, changes).normal()
    asked = checked_prompts(prompts)
    streams = Streams(
        settings.seed,
        whole(first_prompt, "first_prompt", 0, MOST - len(asked)),
        whole(first_candidate, "first_candidate", 0, MOST - settings.n),
    )
    stops = Stops.of(policy, settings.stop)
    ids = encoded(policy, asked)
    check_room(policy.model, ids, settings.max_tokens)
    if settings.method == "sample":
        drawn = sampled(policy, ids, settings, stops, streams)
    else:
        drawn = _searched(policy, ids, settings, stops)
    written = int((drawn.tokens >= 0).sum())
    note("sampled", policy.model, written, passed=written + sum(map(len, ids)))

    return Pool(
        prompts=asked,
        texts=texts_of(policy, drawn, stops),
        finish=torch.where(drawn.ended > GOES_ON, STOP, LENGTH).to(torch.int8),
        tokens=drawn.tokens,
        logprobs=drawn.logprobs,
        sampling_logprobs=drawn.sampling_logprobs,
        info=list(info) if info else [],
        provenance=_provenance(policy, settings),
    )


def _searched(
    policy: Policy, ids: Sequence[Sequence[int]], settings: Sampling, stops: Stops
) -> "Drawn":
    """What a beam search finds."""
    require(
        not stops.texts,
        "beam search ends at token ids only; give ids as stop, or leave it out.",
    )
    search = beam_search if settings.method == "beam" else diverse_beam_search
    tokens = search(policy, ids, settings, stops.ids)
    return Drawn(tokens, ended=_last_token_stops(tokens, stops.ids))


def _provenance(policy: Policy, settings: Sampling) -> Provenance:
    """How a pool was made: what it carries with it."""
    return Provenance(
        policy=policy.source,
        n=settings.n,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        max_tokens=settings.max_tokens,
        seed=settings.seed,
        method=settings.method,
        vocabulary=policy.vocabulary,
    )


# ---- chunks: which candidates are decoded together ---------------------------------------------


@dataclass(frozen=True)
class Chunk:
    """The candidates ``candidates`` of each prompt in ``group``: R rows, decoded together.

    ``group`` holds positions of prompts in the caller's list.
    """

    group: Sequence[int]
    candidates: range

    def rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Each row's prompt and candidate, (R,) each: the rows of a prompt side by side."""
        width = len(self.candidates)
        prompt = torch.tensor(self.group).repeat_interleave(width)
        first = self.candidates.start
        candidate = torch.arange(first, first + width).repeat(len(self.group))
        return prompt, candidate


def chunk_plan(lengths: Sequence[int], n: int, rows_at_once: int) -> list[list[Chunk]]:
    """The chunks of ``n`` candidates for every prompt, at most ``rows_at_once`` rows each.

    ``lengths``: tokens of each prompt. One list per group of prompts, which is read once for all
    chunks in the list. A chunk holds all candidates of as many prompts as fit; when one prompt's do
    not fit, a part of them.
    """
    P = len(lengths)
    width = min(n, rows_at_once)
    group_size = max(1, rows_at_once // width)
    # equal groups: a small last one would cost as many steps as a large one
    number_of_groups = -(-P // group_size)
    group_size = -(-P // number_of_groups)
    order = sorted(range(P), key=lambda i: lengths[i])  # neighbours of like length share a chunk
    plan = []
    for at in range(0, P, group_size):
        group = order[at : at + group_size]
        plan.append([Chunk(group, range(j, min(j + width, n))) for j in range(0, n, width)])
    return plan


def smaller(chunks: Sequence[Chunk], lengths: Sequence[int]) -> list[list[Chunk]]:
    """What is left of one group, planned again with half as many rows at once."""
    group = chunks[0].group
    first, stop = chunks[0].candidates.start, chunks[-1].candidates.stop
    rows = halved(len(group) * len(chunks[0].candidates))
    plan = chunk_plan([lengths[i] for i in group], stop - first, rows)
    return [
        [
            Chunk(
                [group[i] for i in chunk.group],
                range(first + chunk.candidates.start, first + chunk.candidates.stop),
            )
            for chunk in chunks
        ]
        for chunks in plan
    ]


# ---- decoding ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Streams:
    """The numbering of a job's streams of uniforms: one per prompt and candidate."""

    seed: int
    first_prompt: int
    first_candidate: int

    def of(self, prompt: torch.Tensor, candidate: torch.Tensor, length: int) -> torch.Tensor:
        """(R, ``length``) float64 in [0, 1) for rows of these prompts and candidates, (R,) each."""
        prompt = prompt + self.first_prompt
        candidate = candidate + self.first_candidate
        return torch.from_numpy(uniforms(self.seed, prompt, candidate, length))


@dataclass
class Drawn:
    """Tokens (..., T) int32 padded with -1, and the log-probability of each in nats, (..., T).

    Under the model, and under the distribution sampled from. A search has none. ``ended`` (...)
    int8 says what ended each: :data:`GOES_ON`, :data:`BY_TOKEN` or :data:`BY_TEXT`.
    """

    tokens: torch.Tensor
    ended: torch.Tensor
    logprobs: torch.Tensor | None = None
    sampling_logprobs: torch.Tensor | None = None

    @classmethod
    def empty(cls, P: int, N: int, T: int, plain: bool) -> "Drawn":
        """Nothing drawn yet, (P, N, T) each; of plain sampling both log-probabilities are one."""
        logp = torch.zeros(P, N, T)
        return cls(
            tokens=torch.full((P, N, T), -1, dtype=torch.int32),
            ended=torch.zeros(P, N, dtype=torch.int8),
            logprobs=logp,
            sampling_logprobs=logp if plain else torch.zeros(P, N, T),
        )

    def put(self, part: "Drawn", chunk: "Chunk") -> None:
        """The rows of a chunk, (R, T) each, at their places."""
        at = chunk.rows()
        self.tokens[at] = part.tokens
        self.ended[at] = part.ended
        assert self.logprobs is not None and part.logprobs is not None
        self.logprobs[at] = part.logprobs
        assert self.sampling_logprobs is not None and part.sampling_logprobs is not None
        if self.sampling_logprobs is not self.logprobs:
            self.sampling_logprobs[at] = part.sampling_logprobs

    def trimmed(self) -> "Drawn":
        """Without the steps that no candidate has; in memory of its own."""
        used = int((self.tokens >= 0).sum(-1).max())
        assert self.logprobs is not None and self.sampling_logprobs is not None
        logp = self.logprobs[..., :used].clone()
        logq = logp
        if self.sampling_logprobs is not self.logprobs:
            logq = self.sampling_logprobs[..., :used].clone()
        return Drawn(self.tokens[..., :used].clone(), self.ended, logp, logq)


def sampled(
    policy: Policy,
    ids: Sequence[Sequence[int]],
    settings: Sampling,
    stops: Stops,
    streams: Streams,
) -> Drawn:
    """The candidates of all prompts, (P, N, T) each, chunk by chunk.

    Where sampling is plain, both log-probabilities are one and the same tensor.
    """
    P, N, T = len(ids), settings.n, settings.max_tokens
    every = Drawn.empty(P, N, T, settings.plain)
    ending = Ending(policy, stops)
    lengths = [len(prompt) for prompt in ids]
    rows = rows_at_once(policy, T, settings.memory_mb, max(lengths), N)
    todo = chunk_plan(lengths, N, rows)
    with evaluating(policy.model), progress.bar(P * N, "sampling", "reply") as bar:
        while todo:
            chunks = todo.pop(0)
            engine = None
            while chunks:
                chunk, before = chunks[0], bar.n
                u = streams.of(*chunk.rows(), T).to(policy.device, exact_floats(policy.device))
                try:
                    engine = engine or new_engine(policy, [ids[i] for i in chunk.group])
                    out = decode(engine, u, len(chunk.candidates), settings, ending, bar)
                except torch.OutOfMemoryError:
                    bar.update(before - bar.n)
                    break
                every.put(out, chunk)
                chunks = chunks[1:]
            if chunks:  # memory ran out: the rest of them in halves, the same candidates
                engine = None
                del u
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                todo = smaller(chunks, lengths) + todo
    return every.trimmed()


class Ending:
    """Which rows of a batch end, by their last token or by their text."""

    def __init__(self, policy: Policy, stops: Stops) -> None:
        self.policy = policy
        self.stops = stops
        self.ids = torch.tensor(stops.ids, dtype=torch.long, device=policy.device)
        self.may_end = stops.may_end(policy) if stops.texts else None

    def by_token(self, token: torch.Tensor) -> torch.Tensor:
        """(B,) int8: BY_TOKEN where the token (B,) ends its row, else GOES_ON."""
        return torch.isin(token, self.ids).to(torch.int8)

    def by_text(self, tokens: torch.Tensor, first: int) -> dict[int, int]:
        """Row → how many of its tokens there are when a stop text stands in it.

        ``tokens`` (B, t), padded with -1, of which those from step ``first`` on are new.
        """
        if self.may_end is None:
            return {}
        # a text is read only where a token may have made it complete
        new = tokens[:, first:].long()
        may = self.may_end[new.clamp(min=0)] & (new >= 0) & ~torch.isin(new, self.ids)
        found: dict[int, int] = {}
        for b, step in may.nonzero().tolist():  # the steps of a row in their order
            until = first + step + 1
            if b not in found and self.stops.reached(self._text(tokens[b, :until])):
                found[b] = until
        return found

    def _text(self, tokens: torch.Tensor) -> str:
        return self.policy.decode([tokens.tolist()])[0]


def decode(
    engine: Engine,
    u: torch.Tensor,
    rows_per_prompt: int,
    settings: Sampling,
    ending: Ending,
    bar: Any,
) -> Drawn:
    """Generate all R rows of one chunk, from their uniforms ``u`` (R, T): (R, T) each, on the CPU.

    Tokens are padded with -1. Raises :class:`~course_lib.base.CourseError` where the model gives
    logits that are not numbers.
    """
    R, T = u.shape
    out = _Rows(R, T, u.device)
    every = LOOKS_EVERY.get(u.device.type, 1)
    logits = engine.start(rows_per_prompt, T)  # (B, V), B = R at first
    seen = 0  # steps that the host has looked at
    for t in range(T):
        token, lp, lq = draw(
            logits, u[out.row, t], settings.temperature, settings.top_k, settings.top_p
        )  # (B,) each
        out.write(t, token, lp, lq, ending.by_token(token))
        if (t + 1) % every == 0 or t == T - 1:
            out.end_by_text(ending.by_text(out.tokens[out.row, : t + 1], seen), t)
            seen = t + 1
            remaining, broken = torch.stack([out.alive.sum(), out.broken]).tolist()
            if broken:
                raise _not_numbers(logits, t)
            if remaining == 0 or t == T - 1:
                bar.update(len(out.row))
                break
            # dropping rows copies the cache, so it waits until enough of them have ended
            if remaining <= engine.drops_below * len(out.row):
                going_on = out.alive.nonzero()[:, 0]
                bar.update(len(out.row) - remaining)
                engine.keep(going_on)
                token = token[going_on]
                out.keep(going_on)
        logits = engine.step(token)
    return out.drawn()


class _Rows:
    """What R rows have written, and which of them go on.

    The batch shrinks: ``row[b]`` is the output row of its row b, and ``alive[b]`` whether b goes
    on. Rows that have ended stay in the batch for a while, and what they draw is not written.
    """

    def __init__(self, R: int, T: int, device: torch.device) -> None:
        self.tokens = torch.full((R, T), -1, dtype=torch.int32, device=device)
        self.logp, self.logq = torch.zeros(2, R, T, device=device)
        self.ended = torch.zeros(R, dtype=torch.int8, device=device)
        self.row = torch.arange(R, device=device)
        self.alive = torch.ones(R, dtype=torch.bool, device=device)
        self.broken = torch.zeros((), dtype=torch.long, device=device)

    def write(
        self,
        t: int,
        token: torch.Tensor,
        lp: torch.Tensor,
        lq: torch.Tensor,
        now: torch.Tensor,
    ) -> None:
        """Step ``t`` of the batch, (B,) each; ``now`` says what ends each. Reads nothing back."""
        row, alive = self.row, self.alive
        self.tokens[row, t] = torch.where(alive, token.int(), -1)
        self.logp[row, t] = torch.where(alive, lp, 0.0)
        self.logq[row, t] = torch.where(alive, lq, 0.0)
        self.ended[row] = torch.where(alive, now, self.ended[row])
        self.alive = alive & (now == GOES_ON)
        self.broken = self.broken + (~torch.isfinite(lp)).sum()

    def end_by_text(self, found: dict[int, int], t: int) -> None:
        """Cut the rows of the batch in ``found`` to as many tokens, of the ``t`` + 1 there are."""
        for b, until in found.items():
            r = int(self.row[b])
            self.tokens[r, until : t + 1] = -1
            self.logp[r, until : t + 1] = 0.0
            self.logq[r, until : t + 1] = 0.0
            self.ended[r] = BY_TEXT
            self.alive[b] = False

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with the rows of the batch at these positions."""
        self.row = self.row[rows]
        self.alive = self.alive[rows]

    def drawn(self) -> Drawn:
        """All of it, on the CPU."""
        return Drawn(self.tokens.cpu(), self.ended.cpu(), self.logp.cpu(), self.logq.cpu())


def _not_numbers(logits: torch.Tensor, t: int) -> CourseError:
    """What to say of logits that are NaN or infinite."""
    advice = "Its weights may be damaged: check them, or load the model again."
    if logits.dtype == torch.float16:
        advice = "float16 overflows easily: load the model in bfloat16 or float32."
    return CourseError(
        f"the model's logits are not numbers (NaN or infinite) at token {t} of a reply. {advice}"
    )


# ---- what the pool holds -----------------------------------------------------------------------


def _last_token_stops(tokens: torch.Tensor, stops: list[int]) -> torch.Tensor:
    """(P, N) int8: BY_TOKEN where a candidate's last token is one of ``stops``, else GOES_ON."""
    lengths = (tokens >= 0).sum(-1, keepdim=True)  # (P, N, 1)
    last = tokens.gather(2, (lengths - 1).clamp(min=0).long())[..., 0]  # (P, N)
    return torch.isin(last, torch.tensor(stops, dtype=last.dtype)).to(torch.int8)


def texts_of(policy: Policy, drawn: Drawn, stops: Stops) -> list[list[str]]:
    """P lists of N texts, without what ended them."""
    P, N, _ = drawn.tokens.shape
    lengths = (drawn.tokens >= 0).sum(-1)  # (P, N)
    shown = (lengths - (drawn.ended == BY_TOKEN).long()).flatten().tolist()
    rows = drawn.tokens.flatten(0, 1).tolist()
    flat = policy.decode([row[:count] for row, count in zip(rows, shown, strict=True)])
    by_text = (drawn.ended == BY_TEXT).flatten().tolist()
    flat = [stops.cut(text) if cut else text for text, cut in zip(flat, by_text, strict=True)]
    return [flat[i * N : (i + 1) * N] for i in range(P)]
