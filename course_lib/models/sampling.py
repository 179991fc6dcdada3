"""`sample`: N candidates for every prompt, fast, in flat memory, reproducible candidate by
candidate.

What costs time is generating tokens, so three things are arranged here: a prompt is read once and
its keys and values serve all of its candidates; candidates that have ended leave the batch; the
batch is as large as a memory budget allows.

Candidate j of prompt i reads its own stream of uniforms, keyed by (seed, i, j), one per token, and
turns each into a token by the inverse of the cumulative distribution. So it is the same candidate
whatever the batch size, N, order, chunking or number of workers, up to rounding: two batch shapes
may differ in the last bits of a logit, which changes a token only when its uniform falls in that
gap: rare, and not seen in any of our tests.
"""

import torch

from ..base import changed, note, progress, require
from ..pools import LENGTH, STOP, Pool, Provenance
from .attention import supports
from .beams import beam_tokens
from .decoding import RepeatedCacheEngine, SharedPrefixEngine, bytes_per_row
from .drawing import draw, uniforms
from .loading import evaluating
from .settings import Sampling

METHODS = ("sample", "beam", "diverse_beam")


def stop_tokens(policy, stop):
    """Token ids from ``stop``: ids or strings that are one token each.

    None means the policy's own end tokens.
    """
    if stop is None:
        return policy.stop_ids
    ids = []
    for s in [stop] if isinstance(stop, (int, str)) else stop:
        if isinstance(s, str):
            pieces = policy.tokenizer(s, add_special_tokens=False)["input_ids"]
            require(
                len(pieces) == 1,
                f"the stop string {s!r} is {len(pieces)} tokens for this tokenizer; give "
                "strings that are one token each, or token ids.",
            )
            s = pieces[0]
        ids.append(int(s))
    return ids


def sample(
    policy,
    prompts,
    settings=Sampling(),
    *,
    info=None,
    first_prompt=0,
    first_candidate=0,
    **changes,
):
    """N candidates for every prompt, as a :class:`~course_lib.pools.Pool` of P × N.

    Parameters: ``temperature`` (0 is greedy, for n=1 only), ``top_p`` in (0, 1], ``top_k`` (0:
    off), ``max_tokens`` per response, end token included; ``stop``: token ids or one-token strings
    that end a response (default: the model's own end tokens); ``method``: "sample", or "beam" (the
    likeliest replies a search finds, the likeliest first) / "diverse_beam": not independent
    samples, kept for comparison; ``memory_mb``: memory for the candidates in flight; ``info``: P
    dictionaries kept with the prompts. ``first_prompt`` and ``first_candidate`` number the prompts
    and candidates, so that a part of a larger job draws exactly what the whole would.

    Raises :class:`~course_lib.base.CourseError` on n < 1, no prompts, or settings out of range.
    """
    s = changed(settings, changes)
    n, temperature, top_p, top_k, max_tokens = s.n, s.temperature, s.top_p, s.top_k, s.max_tokens
    seed, stop, method, memory_mb = s.seed, s.stop, s.method, s.memory_mb
    prompts = list(prompts)
    require(
        not isinstance(n, bool) and int(n) == n and n >= 1,
        "n is the number of candidates per prompt and must be a whole number of at least 1; "
        f"got {n}.",
    )
    n = int(n)
    require(len(prompts) > 0, "no prompts to sample for: give at least one.")
    strange = [p for p in prompts if not isinstance(p, str)]
    require(
        not strange, f"prompts must be strings; got {type(strange[0]).__name__ if strange else ''}."
    )
    require(temperature >= 0, f"temperature must be 0 (greedy) or above; got {temperature}.")
    require(
        0 < top_p <= 1, f"top_p must be above 0 and at most 1 (1 switches it off); got {top_p}."
    )
    require(top_k >= 0, f"top_k must be 0 (off) or a positive number of tokens; got {top_k}.")
    require(max_tokens >= 1, f"max_tokens must be at least 1; got {max_tokens}.")
    require(0 <= seed < 2**64, f"seed must be a whole number from 0; got {seed}.")
    require(method in METHODS, f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    require(
        temperature > 0 or n == 1 or method != "sample",
        f"temperature 0 is greedy: all {n} candidates of a prompt would be the same reply. Use "
        "n=1, or a temperature above 0.",
    )
    provenance = Provenance(
        policy=policy.source,
        n=n,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_tokens=max_tokens,
        seed=seed,
        method=method,
        vocabulary=policy.vocabulary,
    )
    stops = stop_tokens(policy, stop)
    ids = policy.encode(prompts)
    empty = [i for i, p in enumerate(ids) if not p]
    require(
        not empty,
        f"prompt {empty[0] if empty else 0} has no tokens, so there is nothing to continue. "
        "Use a chat template, or give it some text.",
    )
    if method == "sample":
        tokens, logp, logq = _sample_tokens(
            policy,
            ids,
            n,
            temperature,
            top_p,
            top_k,
            max_tokens,
            seed,
            stops,
            memory_mb,
            first_prompt,
            first_candidate,
        )
    else:
        tokens = beam_tokens(policy, ids, n, method, max_tokens, stops)
        logp = logq = None
    written = int((tokens >= 0).sum())
    note("sampled", policy.model, written, passed=written + sum(map(len, ids)))
    last = tokens.gather(2, ((tokens >= 0).sum(-1, keepdim=True) - 1).clamp(min=0).long())[..., 0]
    ended = torch.isin(last, torch.tensor(stops, dtype=last.dtype))
    finish = torch.where(ended, STOP, LENGTH).to(torch.int8)
    rows = tokens.flatten(0, 1).tolist()
    rows = [row[: row.index(-1)] if -1 in row else row for row in rows]
    flat = policy.decode(
        [
            row[:-1] if done else row
            for row, done in zip(rows, ended.flatten().tolist(), strict=True)
        ]
    )
    texts = [flat[i * n : (i + 1) * n] for i in range(len(prompts))]
    return Pool(
        prompts=prompts,
        texts=texts,
        finish=finish,
        tokens=tokens,
        logprobs=logp,
        sampling_logprobs=logq,
        info=list(info) if info else [],
        provenance=provenance,
    )


def _sample_tokens(
    policy,
    ids,
    n,
    temperature,
    top_p,
    top_k,
    max_tokens,
    seed,
    stops,
    memory_mb,
    first_prompt,
    first_candidate,
):
    """The sampling loop.

    Returns tokens (P, N, T) int32 padded with -1, and two (P, N, T) float32 tensors of
    log-probabilities.
    """
    P = len(ids)
    rows_at_once = max(1, int(memory_mb * 2**20 / bytes_per_row(policy, max_tokens)))
    per_prompt = min(n, rows_at_once)
    group_size = max(1, rows_at_once // per_prompt)
    # equal groups: a small last one would cost as many steps as a large one
    group_size = -(-P // -(-P // group_size))
    plain = temperature == 1.0 and top_p >= 1.0 and not top_k
    tokens = torch.full((P, n, max_tokens), -1, dtype=torch.int32)
    logp = torch.zeros(P, n, max_tokens)
    logq = logp if plain else torch.zeros(P, n, max_tokens)
    order = sorted(range(P), key=lambda i: len(ids[i]))  # neighbours of like length share a chunk
    engine_class = SharedPrefixEngine if supports(policy.model) else RepeatedCacheEngine
    used = 0
    with evaluating(policy.model), progress.bar(P * n, "sampling", "reply") as bar:
        for at in range(0, P, group_size):
            group = order[at : at + group_size]
            engine = engine_class(policy, [ids[i] for i in group])
            for start in range(0, n, per_prompt):
                width = min(per_prompt, n - start)
                prompt = torch.tensor(group).repeat_interleave(width)
                candidate = torch.arange(start, start + width).repeat(len(group))
                u = torch.from_numpy(
                    uniforms(seed, prompt + first_prompt, candidate + first_candidate, max_tokens)
                ).to(policy.device)
                out = _decode(engine, u, width, max_tokens, temperature, top_k, top_p, stops, bar)
                for target, value in zip(
                    (tokens, logp, logq) if not plain else (tokens, logp), out, strict=False
                ):
                    target[prompt, candidate] = value
                used = max(used, int((out[0] >= 0).sum(-1).max()))
    tokens, logp = tokens[..., :used].clone(), logp[..., :used].clone()
    return tokens, logp, logp if plain else logq[..., :used].clone()


def _decode(engine, u, width, max_tokens, temperature, top_k, top_p, stops, bar):
    """Generate all rows of one chunk.

    Returns tokens (R, T) int32 and their two log-probabilities (R, T), on the CPU.
    """
    R, device = u.shape[0], u.device
    tokens = torch.full((R, max_tokens), -1, dtype=torch.int32, device=device)
    logp, logq = torch.zeros(2, R, max_tokens, device=device)
    row = torch.arange(R, device=device)  # which output row each row of the batch is
    alive = torch.ones(R, dtype=torch.bool, device=device)
    stop = torch.tensor(stops, device=device)
    logits = engine.start(width, max_tokens)
    for t in range(max_tokens):
        token, lp, lq = draw(logits, u[row, t], temperature, top_k, top_p)
        here = row if bool(alive.all()) else row[alive]
        keep = slice(None) if here is row else alive
        tokens[here, t], logp[here, t], logq[here, t] = token[keep].int(), lp[keep], lq[keep]
        alive &= ~torch.isin(token, stop)
        remaining = int(alive.sum())
        if remaining == 0 or t == max_tokens - 1:
            bar.update(len(row))
            break
        if remaining <= 0.75 * len(row):
            rows = alive.nonzero()[:, 0]
            bar.update(len(row) - remaining)
            engine.keep(rows)
            row, token, alive = row[rows], token[rows], alive[rows]
        logits = engine.step(token)
    return tokens.cpu(), logp.cpu(), logq.cpu()
