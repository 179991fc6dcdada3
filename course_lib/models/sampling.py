"""`sample`: N candidates for every prompt, fast, in flat memory, reproducible one by one.

What costs time is generating tokens, so three things are arranged here: a prompt is read once and
its keys and values serve all of its candidates; candidates that have ended leave the batch; the
batch is as large as a memory budget allows.

Candidate j of prompt i reads its own stream of uniforms, keyed by (seed, i, j), one per token, and
turns each into a token by the inverse of the cumulative distribution. So it is the same candidate
whatever the batch size, N, order, chunking or number of workers, up to rounding: two batch shapes
may differ in the last bits of a logit, which changes a token only when its uniform falls in that
gap: rare, and not seen in any of our tests.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..base import changed, note, progress, require
from ..pools import LENGTH, STOP, Pool, Provenance
from .beams import beam_search, diverse_beam_search
from .decoding import Engine, bytes_per_row, new_engine
from .drawing import draw, uniforms
from .loading import evaluating
from .policy import Policy
from .settings import Sampling


def sample(
    policy: Policy,
    prompts: Iterable[str],
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

    Raises :class:`~course_lib.base.CourseError` on n < 1, no prompts, or settings out of range.
    """
    settings = changed(settings, changes)
    settings.check()
    settings = replace(settings, n=int(settings.n))  # 4.0 counts as 4
    prompts = list(prompts)
    check_prompts(prompts)

    stops = stop_tokens(policy, settings.stop)
    ids = encoded(policy, prompts)
    if settings.method == "beam":
        drawn = Drawn(beam_search(policy, ids, settings, stops))
    elif settings.method == "diverse_beam":
        drawn = Drawn(diverse_beam_search(policy, ids, settings, stops))
    else:
        streams = Streams(settings.seed, first_prompt, first_candidate)
        drawn = sampled(policy, ids, settings, stops, streams)
    written = int((drawn.tokens >= 0).sum())
    note("sampled", policy.model, written, passed=written + sum(map(len, ids)))

    finish = finished(drawn.tokens, stops)
    return Pool(
        prompts=prompts,
        texts=texts_of(policy, drawn.tokens, finish),
        finish=finish,
        tokens=drawn.tokens,
        logprobs=drawn.logprobs,
        sampling_logprobs=drawn.sampling_logprobs,
        info=list(info) if info else [],
        provenance=_provenance(policy, settings),
    )


# ---- check and encode --------------------------------------------------------------------------


def check_prompts(prompts: Sequence[object]) -> None:
    """Raise :class:`~course_lib.base.CourseError` unless these are strings, at least one."""
    require(len(prompts) > 0, "no prompts to sample for: give at least one.")
    for prompt in prompts:
        require(isinstance(prompt, str), f"prompts must be strings; got {type(prompt).__name__}.")


def stop_tokens(policy: Policy, stop: int | str | Sequence[int | str] | None) -> list[int]:
    """Token ids from ``stop``: ids or strings that are one token each.

    None means the policy's own end tokens.
    """
    if stop is None:
        return policy.stop_ids
    ids = []
    for one in [stop] if isinstance(stop, int | str) else stop:
        if isinstance(one, str):
            pieces = policy.tokenizer(one, add_special_tokens=False)["input_ids"]
            require(
                len(pieces) == 1,
                f"the stop string {one!r} is {len(pieces)} tokens for this tokenizer; give "
                "strings that are one token each, or token ids.",
            )
            one = pieces[0]
        ids.append(int(one))
    return ids


def encoded(policy: Policy, prompts: Sequence[str]) -> list[list[int]]:
    """Token ids of each prompt. Raises :class:`~course_lib.base.CourseError` where one has none."""
    ids = policy.encode(prompts)
    for i, prompt in enumerate(ids):
        require(
            prompt,
            f"prompt {i} has no tokens, so there is nothing to continue. "
            "Use a chat template, or give it some text.",
        )
    return ids


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

    Under the model, and under the distribution sampled from. A search has none.
    """

    tokens: torch.Tensor
    logprobs: torch.Tensor | None = None
    sampling_logprobs: torch.Tensor | None = None


def sampled(
    policy: Policy,
    ids: Sequence[Sequence[int]],
    settings: Sampling,
    stops: list[int],
    streams: Streams,
) -> Drawn:
    """The candidates of all prompts, (P, N, T) each, chunk by chunk.

    Where sampling is plain, both log-probabilities are one and the same tensor.
    """
    P, N, T = len(ids), settings.n, settings.max_tokens
    tokens = torch.full((P, N, T), -1, dtype=torch.int32)
    logp = torch.zeros(P, N, T)
    logq = logp if settings.plain else torch.zeros(P, N, T)
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
                out_tokens, out_logp, out_logq = decode(engine, u, width, settings, stops, bar)
                tokens[prompt, candidate] = out_tokens
                logp[prompt, candidate] = out_logp
                if logq is not logp:
                    logq[prompt, candidate] = out_logq
                used = max(used, int((out_tokens >= 0).sum(-1).max()))

    logp_used = logp[..., :used].clone()
    logq_used = logp_used if logq is logp else logq[..., :used].clone()
    return Drawn(tokens[..., :used].clone(), logp_used, logq_used)


def decode(
    engine: Engine,
    u: torch.Tensor,
    rows_per_prompt: int,
    settings: Sampling,
    stops: list[int],
    bar: Any,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Generate all R rows of one chunk, from their uniforms ``u`` (R, T).

    Returns tokens (R, T) int32 padded with -1 and their two log-probabilities (R, T), on the CPU.
    """
    R, T = u.shape
    device = u.device
    tokens = torch.full((R, T), -1, dtype=torch.int32, device=device)
    logp, logq = torch.zeros(2, R, T, device=device)
    stop = torch.tensor(stops, device=device)
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

        alive &= ~torch.isin(token, stop)
        remaining = int(alive.sum())
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
    return tokens.cpu(), logp.cpu(), logq.cpu()


# ---- what the pool holds -----------------------------------------------------------------------


def finished(tokens: torch.Tensor, stops: list[int]) -> torch.Tensor:
    """(P, N) int8: STOP where a candidate's last token is one of ``stops``, else LENGTH."""
    lengths = (tokens >= 0).sum(-1, keepdim=True)  # (P, N, 1)
    last = tokens.gather(2, (lengths - 1).clamp(min=0).long())[..., 0]  # (P, N)
    ended = torch.isin(last, torch.tensor(stops, dtype=last.dtype))
    return torch.where(ended, STOP, LENGTH).to(torch.int8)


def texts_of(policy: Policy, tokens: torch.Tensor, finish: torch.Tensor) -> list[list[str]]:
    """P lists of N texts, without the token that ended them."""
    P, N, _ = tokens.shape
    lengths = (tokens >= 0).sum(-1)  # (P, N)
    shown = (lengths - (finish == STOP).long()).flatten().tolist()
    rows = tokens.flatten(0, 1).tolist()
    flat = policy.decode([row[:count] for row, count in zip(rows, shown, strict=True)])
    return [flat[i * N : (i + 1) * N] for i in range(P)]
