"""`sample`: N candidates for every prompt, fast, in flat memory, reproducible one by one.

What costs time is generating tokens, so three things are arranged here: a prompt is read once and
its keys and values serve all of its candidates; candidates that have ended leave the batch; the
batch is as large as a memory budget allows.

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
from .decoding import Engine, bytes_per_row
from .drawing import draw, uniforms
from .loading import evaluating
from .policy import Policy
from .proving import new_engine
from .settings import Sampling
from .stops import Stops

GOES_ON, BY_TOKEN, BY_TEXT = range(3)  # what ended a candidate
MOST = 2**32 - 1  # the highest number of a prompt or candidate in a stream's key


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
    tokens = torch.full((P, N, T), -1, dtype=torch.int32)
    logp = torch.zeros(P, N, T)
    logq = logp if settings.plain else torch.zeros(P, N, T)
    ended = torch.zeros(P, N, dtype=torch.int8)
    ending = Ending(policy, stops)
    used = 0  # the most tokens of any candidate

    budget = settings.memory_mb * 2**20
    rows_at_once = max(1, int(budget / bytes_per_row(policy, T)))
    plan = chunk_plan([len(prompt) for prompt in ids], N, rows_at_once)
    with evaluating(policy.model), progress.bar(P * N, "sampling", "reply") as bar:
        for chunks in plan:
            engine = new_engine(policy, [ids[i] for i in chunks[0].group])
            for chunk in chunks:
                prompt, candidate = chunk.rows()  # (R,) each
                u = streams.of(prompt, candidate, T).to(policy.device)  # (R, T)
                width = len(chunk.candidates)
                out = decode(engine, u, width, settings, ending, bar)
                tokens[prompt, candidate] = out.tokens
                ended[prompt, candidate] = out.ended
                assert out.logprobs is not None and out.sampling_logprobs is not None
                logp[prompt, candidate] = out.logprobs
                if logq is not logp:
                    logq[prompt, candidate] = out.sampling_logprobs
                used = max(used, int((out.tokens >= 0).sum(-1).max()))

    logp_used = logp[..., :used].clone()
    logq_used = logp_used if logq is logp else logq[..., :used].clone()
    return Drawn(tokens[..., :used].clone(), ended, logp_used, logq_used)


class Ending:
    """Which rows of a batch end, by their last token or by their text."""

    def __init__(self, policy: Policy, stops: Stops) -> None:
        self.policy = policy
        self.stops = stops
        self.ids = torch.tensor(stops.ids, dtype=torch.long, device=policy.device)
        self.may_end = stops.may_end(policy) if stops.texts else None

    def of(self, token: torch.Tensor, tokens: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
        """(B,) int8, what ends each row now. ``token`` (B,) is the last one of ``tokens[row]``."""
        ended = torch.isin(token, self.ids).to(torch.int8)
        if self.may_end is None:
            return ended
        # a text is read only where the last token may have made it complete
        for b in (self.may_end[token] & (ended == GOES_ON)).nonzero()[:, 0].tolist():
            written = tokens[row[b]]
            text = self.policy.decode([written[written >= 0].tolist()])[0]
            if self.stops.reached(text):
                ended[b] = BY_TEXT
        return ended


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
    device = u.device
    tokens = torch.full((R, T), -1, dtype=torch.int32, device=device)
    logp, logq = torch.zeros(2, R, T, device=device)
    ended = torch.zeros(R, dtype=torch.int8, device=device)
    # the batch shrinks: row[b] is the output row of its row b, and alive[b] whether b goes on
    row = torch.arange(R, device=device)
    alive = torch.ones(R, dtype=torch.bool, device=device)

    logits = engine.start(rows_per_prompt, T)  # (B, V), B = R at first
    for t in range(T):
        token, lp, lq = draw(
            logits, u[row, t], settings.temperature, settings.top_k, settings.top_p
        )  # (B,) each
        # rows that have ended are still in the batch, and what they draw is not written
        writing = slice(None) if bool(alive.all()) else alive
        here = row[writing]
        tokens[here, t] = token[writing].int()
        logp[here, t] = lp[writing]
        logq[here, t] = lq[writing]

        now = ending.of(token, tokens, row)  # (B,)
        ended[here] = now[writing]
        alive &= now == GOES_ON
        remaining, broken = torch.stack([alive.sum(), (~torch.isfinite(lp)).sum()]).tolist()
        if broken:
            raise _not_numbers(logits, t)
        if remaining == 0 or t == T - 1:
            bar.update(len(row))
            break
        # dropping rows copies the cache, so it waits until a quarter of them have ended
        if remaining <= 0.75 * len(row):
            going_on = alive.nonzero()[:, 0]
            bar.update(len(row) - remaining)
            engine.keep(going_on)
            row = row[going_on]
            token = token[going_on]
            alive = alive[going_on]
        logits = engine.step(token)
    return Drawn(tokens.cpu(), ended.cpu(), logp.cpu(), logq.cpu())


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
