"""`sample`: N candidates for every prompt, fast, in flat memory, reproducible candidate by candidate.

What costs time is generating tokens, so three things are arranged here: a prompt is read once and its keys and values
serve all of its candidates; candidates that have ended leave the batch; the batch is as large as a memory budget allows.

Candidate j of prompt i reads its own stream of uniforms, keyed by (seed, i, j), one per token, and turns each into a
token by the inverse of the cumulative distribution. So it is the same candidate whatever the batch size, N, order,
chunking or number of workers, up to rounding: two batch shapes may differ in the last bits of a logit, which changes a
token only when its uniform falls in that gap: rare, and not seen in any of our tests.
"""

import numpy as np
import torch

from . import progress
from .attention import Packing, SharedPrefixCache, attention, supports
from .budget import note
from .errors import require
from .policy import evaluating
from .pool import LENGTH, STOP, Pool

METHODS = ("sample", "beam", "diverse_beam")


def uniforms(seed, prompts, candidates, length):
    """(K, length) float64 in [0, 1): row k is the stream of candidate ``candidates[k]`` of prompt ``prompts[k]``."""
    out = np.empty((len(prompts), length))
    for row, i, j in zip(out, prompts, candidates):
        key = np.array([seed, (int(i) << 32) | int(j)], dtype=np.uint64)
        np.random.Generator(np.random.Philox(key=key)).random(out=row)
    return out


def filtered(weights, top_k=0, top_p=1.0):
    """``weights`` (R, V), not necessarily summing to one, with zeros outside the top-k and the top-p nucleus.

    The nucleus is the smallest set of most likely tokens whose probability reaches ``top_p`` (it always holds one token).
    """
    if top_k and top_k < weights.shape[-1]:
        kth = weights.topk(top_k, dim=-1).values[:, -1:]
        weights = weights.masked_fill(weights < kth, 0.0)
    if top_p < 1.0:
        ordered, index = weights.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered
        dropped = before >= top_p * ordered.sum(-1, keepdim=True)
        dropped[:, 0] = False
        weights = weights.masked_fill(torch.zeros_like(dropped).scatter(-1, index, dropped), 0.0)
    return weights


def draw(logits, u, temperature=1.0, top_k=0, top_p=1.0):
    """One token per row by inverse CDF.

    logits (R, V), u (R,) in [0, 1). Returns tokens (R,), their log-probability under the model (temperature 1, unfiltered)
    and under the distribution sampled from, both (R,) in nats. Temperature 0 takes the most likely token.
    """
    logits = logits.float()
    if temperature == 0:
        best, token = logits.max(-1)
        logp = best - logits.logsumexp(-1)
        return token, logp, torch.zeros_like(logp)
    plain = temperature == 1.0 and top_p >= 1.0 and not top_k
    scaled = logits if temperature == 1.0 else logits / temperature
    top = scaled.amax(-1, keepdim=True)
    weights = (scaled - top).exp_()
    if not plain:
        weights = filtered(weights, top_k, top_p)
    cdf = weights.cumsum(-1, dtype=torch.float64 if weights.shape[-1] > 4096 else torch.float32)
    total = cdf[:, -1:].contiguous()
    token = torch.searchsorted(cdf, u[:, None].to(cdf.dtype) * total, right=True)
    token = torch.minimum(token, torch.searchsorted(cdf, total))  # the last token that has any probability
    logp_sampling = weights.gather(1, token).log() - total.log().float()
    if plain:
        logp = logp_sampling
    else:
        logp = logits.gather(1, token) - logits.logsumexp(-1, keepdim=True)
    return token[:, 0], logp[:, 0], logp_sampling[:, 0]


class _Capture(SharedPrefixCache):
    """Takes the prompts' keys and values as they are computed, packed in one row."""

    def __init__(self):
        super(SharedPrefixCache, self).__init__(layers=[])
        self.seen = {}

    def update(self, key, value, layer_idx, *args, **kwargs):
        self.seen[layer_idx] = (key, value)
        return key, value

    def get_seq_length(self, layer_idx=0):
        return 0


class _Shared:
    """Decoding with prompts stored once. The way for models that :func:`course_lib.attention.supports`."""

    def __init__(self, policy, ids):
        """Read the prompts ``ids`` (lists of token ids) once: packed in one row, no padding."""
        self.policy, self.lengths = policy, torch.tensor([len(p) for p in ids], device=policy.device)
        packing = Packing.of([len(p) for p in ids], policy.device)
        capture = _Capture()
        with attention(policy.model, "course_packed"):
            self.first_logits = policy.model(
                input_ids=torch.tensor([[t for p in ids for t in p]], device=policy.device), position_ids=packing.positions, use_cache=True,
                past_key_values=capture, logits_to_keep=self.lengths.cumsum(0) - 1, packing=packing).logits[0]
        P, L = len(ids), -(-int(self.lengths.max()) // 16) * 16  # a multiple of 16, so that sums do not depend on the neighbours' lengths
        self.mask = torch.arange(L, device=policy.device)[None] < self.lengths[:, None]
        slots = self.mask.flatten().nonzero()[:, 0]

        def padded(x):
            return x.new_zeros(P * L, x.shape[1], x.shape[3]).index_copy_(0, slots, x[0].transpose(0, 1)).view(P, L, x.shape[1], -1).transpose(1, 2).contiguous()

        self.prefix = [tuple(padded(x) for x in capture.seen[layer]) for layer in sorted(capture.seen)]

    def start(self, rows_per_prompt, max_tokens):
        self.cache = SharedPrefixCache(self.prefix, self.mask, rows_per_prompt, max_tokens)
        self.position = self.lengths.repeat_interleave(rows_per_prompt)[:, None]
        return self.first_logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens):
        """Logits (R, V) after giving each row its next token (R,)."""
        with attention(self.policy.model, "course_shared"):
            logits = self.policy.model(input_ids=tokens[:, None], position_ids=self.position, past_key_values=self.cache, use_cache=True, shared=self.cache).logits[:, -1]
        self.position += 1
        self.cache.step += 1
        return logits

    def keep(self, rows):
        self.cache.keep(rows)
        self.position = self.position[rows]


class _Repeated:
    """Decoding with the library's own cache, the prompt's part repeated for every row. The way for any other causal LM."""

    def __init__(self, policy, ids):
        self.policy = policy
        longest = max(len(p) for p in ids)
        pad = policy.tokenizer.pad_token_id
        self.ids = torch.tensor([[pad] * (longest - len(p)) + list(p) for p in ids], device=policy.device)
        self.prompt_mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in ids], device=policy.device)

    def _positions(self, ids):
        """Position ids as a keyword, for the models that take them."""
        import inspect
        if "position_ids" not in inspect.signature(self.policy.model.forward).parameters:
            return {}
        return {"position_ids": (self.mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1]:]}

    def _forward(self, ids):
        out = self.policy.model(input_ids=ids, attention_mask=self.mask, past_key_values=self.cache, use_cache=True, **self._positions(ids))
        self.cache = out.past_key_values
        return out.logits[:, -1]

    def start(self, rows_per_prompt, max_tokens):
        self.cache, self.mask = None, self.prompt_mask
        logits = self._forward(self.ids)
        self.cache.batch_repeat_interleave(rows_per_prompt)
        self.mask = self.mask.repeat_interleave(rows_per_prompt, 0)
        return logits.repeat_interleave(rows_per_prompt, 0)

    def step(self, tokens):
        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        return self._forward(tokens[:, None])

    def keep(self, rows):
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]


def bytes_per_row(policy, max_tokens):
    """About how much memory one candidate needs while it is being generated: its keys and values, and a few rows of logits."""
    config = policy.model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    size = next(policy.model.parameters()).element_size()
    return 2 * config.num_hidden_layers * heads * width * max_tokens * size * 3 // 2 + 16 * config.vocab_size + 16 * config.hidden_size


def stop_tokens(policy, stop):
    """Token ids from ``stop``: ids or strings that are one token each; None means the policy's own end tokens."""
    if stop is None:
        return policy.stop_ids
    ids = []
    for s in [stop] if isinstance(stop, (int, str)) else stop:
        if isinstance(s, str):
            pieces = policy.tokenizer(s, add_special_tokens=False)["input_ids"]
            require(len(pieces) == 1, f"the stop string {s!r} is {len(pieces)} tokens for this tokenizer; give strings that are one token each, or token ids.")
            s = pieces[0]
        ids.append(int(s))
    return ids


def sample(policy, prompts, n=16, temperature=1.0, top_p=1.0, top_k=0, max_tokens=96, seed=0, stop=None, method="sample", memory_mb=384,
           info=None, first_prompt=0, first_candidate=0):
    """N candidates for every prompt, as a :class:`~course_lib.pool.Pool` of P × N.

    Parameters: ``temperature`` (0 is greedy, for n=1 only), ``top_p`` in (0, 1], ``top_k`` (0: off), ``max_tokens`` per
    response, end token included; ``stop``: token ids or one-token strings that end a response (default: the model's own
    end tokens); ``method``: "sample", or "beam" (the likeliest replies a search finds, the likeliest first) / "diverse_beam":
    not independent samples, kept for comparison; ``memory_mb``: memory for the candidates in flight; ``info``: P dictionaries kept with the prompts.
    ``first_prompt`` and ``first_candidate`` number the prompts and candidates, so that a part of a larger job draws
    exactly what the whole would.

    Raises :class:`~course_lib.errors.CourseError` on n < 1, no prompts, or settings out of range.
    """
    prompts = list(prompts)
    require(not isinstance(n, bool) and int(n) == n and n >= 1, f"n is the number of candidates per prompt and must be a whole number of at least 1; got {n}.")
    n = int(n)
    require(len(prompts) > 0, "no prompts to sample for: give at least one.")
    strange = [p for p in prompts if not isinstance(p, str)]
    require(not strange, f"prompts must be strings; got {type(strange[0]).__name__ if strange else ''}.")
    require(temperature >= 0, f"temperature must be 0 (greedy) or above; got {temperature}.")
    require(0 < top_p <= 1, f"top_p must be above 0 and at most 1 (1 switches it off); got {top_p}.")
    require(top_k >= 0, f"top_k must be 0 (off) or a positive number of tokens; got {top_k}.")
    require(max_tokens >= 1, f"max_tokens must be at least 1; got {max_tokens}.")
    require(0 <= seed < 2**64, f"seed must be a whole number from 0; got {seed}.")
    require(method in METHODS, f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    require(temperature > 0 or n == 1 or method != "sample", f"temperature 0 is greedy: all {n} candidates of a prompt would be the same reply. Use n=1, or a temperature above 0.")
    settings = {"policy": policy.source, "n": n, "temperature": temperature, "top_p": top_p, "top_k": top_k, "max_tokens": max_tokens, "seed": seed, "method": method,
                "vocabulary": policy.vocabulary}
    stops = stop_tokens(policy, stop)
    ids = policy.encode(prompts)
    empty = [i for i, p in enumerate(ids) if not p]
    require(not empty, f"prompt {empty[0] if empty else 0} has no tokens, so there is nothing to continue. Use a chat template, or give it some text.")
    if method == "sample":
        tokens, logp, logq = _sample_tokens(policy, ids, n, temperature, top_p, top_k, max_tokens, seed, stops, memory_mb, first_prompt, first_candidate)
    else:
        tokens = _beam_tokens(policy, ids, n, method, max_tokens, stops)
        logp = logq = None
    written = int((tokens >= 0).sum())
    note("sampled", policy.model, written, passed=written + sum(map(len, ids)))
    last = tokens.gather(2, ((tokens >= 0).sum(-1, keepdim=True) - 1).clamp(min=0).long())[..., 0]
    ended = torch.isin(last, torch.tensor(stops, dtype=last.dtype))
    finish = torch.where(ended, STOP, LENGTH).to(torch.int8)
    rows = tokens.flatten(0, 1).tolist()
    rows = [row[: row.index(-1)] if -1 in row else row for row in rows]
    flat = policy.decode([row[:-1] if done else row for row, done in zip(rows, ended.flatten().tolist())])
    texts = [flat[i * n:(i + 1) * n] for i in range(len(prompts))]
    return Pool(prompts=prompts, texts=texts, finish=finish, tokens=tokens, logprobs=logp, sampling_logprobs=logq, info=list(info) if info else [], settings=settings)


def _sample_tokens(policy, ids, n, temperature, top_p, top_k, max_tokens, seed, stops, memory_mb, first_prompt, first_candidate):
    """The sampling loop. Returns tokens (P, N, T) int32 padded with -1, and two (P, N, T) float32 tensors of log-probabilities."""
    P = len(ids)
    rows_at_once = max(1, int(memory_mb * 2**20 / bytes_per_row(policy, max_tokens)))
    per_prompt = min(n, rows_at_once)
    group_size = max(1, rows_at_once // per_prompt)
    group_size = -(-P // -(-P // group_size))  # equal groups: a small last one would cost as many steps as a large one
    plain = temperature == 1.0 and top_p >= 1.0 and not top_k
    tokens = torch.full((P, n, max_tokens), -1, dtype=torch.int32)
    logp = torch.zeros(P, n, max_tokens)
    logq = logp if plain else torch.zeros(P, n, max_tokens)
    order = sorted(range(P), key=lambda i: len(ids[i]))  # neighbours of like length share a chunk
    engine_class = _Shared if supports(policy.model) else _Repeated
    used = 0
    with evaluating(policy.model), progress.bar(P * n, "sampling", "reply") as bar:
        for at in range(0, P, group_size):
            group = order[at: at + group_size]
            engine = engine_class(policy, [ids[i] for i in group])
            for start in range(0, n, per_prompt):
                width = min(per_prompt, n - start)
                prompt = torch.tensor(group).repeat_interleave(width)
                candidate = torch.arange(start, start + width).repeat(len(group))
                u = torch.from_numpy(uniforms(seed, prompt + first_prompt, candidate + first_candidate, max_tokens)).to(policy.device)
                out = _decode(engine, u, width, max_tokens, temperature, top_k, top_p, stops, bar)
                for target, value in zip((tokens, logp, logq) if not plain else (tokens, logp), out):
                    target[prompt, candidate] = value
                used = max(used, int((out[0] >= 0).sum(-1).max()))
    tokens, logp = tokens[..., :used].clone(), logp[..., :used].clone()
    return tokens, logp, logp if plain else logq[..., :used].clone()


def _decode(engine, u, width, max_tokens, temperature, top_k, top_p, stops, bar):
    """Generate all rows of one chunk. Returns tokens (R, T) int32 and their two log-probabilities (R, T), on the CPU."""
    R, device = u.shape[0], u.device
    tokens = torch.full((R, max_tokens), -1, dtype=torch.int32, device=device)
    logp, logq = torch.zeros(2, R, max_tokens, device=device)
    row = torch.arange(R, device=device)     # which output row each row of the batch is
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


def _beam_tokens(policy, ids, n, method, max_tokens, stops, penalty=1.0):
    """N hypotheses per prompt by beam search or diverse beam search: (P, N, T) int32 padded with -1.

    Beam search is the library's ``generate`` with ``length_penalty=0``, so that beams are ranked by the log-probability of the whole
    reply (end token included) and come likeliest first, as in argTopN; its default divides by the length, which puts longer replies
    in front. A search may still miss likelier replies. Diverse beam search (Vijayakumar et al., 1610.02424) is no longer part of
    it, so it stands here with N groups of one beam: at each step group g takes the token with the highest log-probability
    less ``penalty`` times the number of earlier groups that took that token.
    """
    out = torch.full((len(ids), n, max_tokens), -1, dtype=torch.int32)
    stop = torch.tensor(stops, device=policy.device)
    ranking = {"length_penalty": 0.0} if n > 1 else {}  # one beam is greedy decoding, and generate warns of the setting there
    with evaluating(policy.model), progress.bar(len(ids), method, "prompt") as bar:
        for i, prompt in enumerate(ids):
            if method == "beam":
                rows = policy.model.generate(
                    torch.tensor([prompt], device=policy.device), attention_mask=torch.ones(1, len(prompt), dtype=torch.long, device=policy.device), do_sample=False,
                    num_beams=n, num_return_sequences=n, max_new_tokens=max_tokens, eos_token_id=stops, pad_token_id=policy.tokenizer.pad_token_id, **ranking)[:, len(prompt):]
                done = torch.isin(rows, stop)
                rows = rows.masked_fill((done.cumsum(1) - done.int()) > 0, -1)
                out[i, :, : rows.shape[1]] = rows.int().cpu()
            else:
                engine = (_Shared if supports(policy.model) else _Repeated)(policy, [prompt])
                logits = engine.start(n, max_tokens)
                alive = torch.ones(n, dtype=torch.bool, device=policy.device)
                for t in range(max_tokens):
                    score = logits.float().log_softmax(-1)
                    taken = torch.zeros_like(score[0])
                    token = torch.zeros(n, dtype=torch.long, device=policy.device)
                    for g in range(n):
                        token[g] = (score[g] - penalty * taken).argmax()
                        taken[token[g]] += 1
                    out[i, :, t] = torch.where(alive, token, -1).int().cpu()
                    alive &= ~torch.isin(token, stop)
                    if not alive.any() or t == max_tokens - 1:
                        break
                    logits = engine.step(token)
            bar.update(1)
    return out[..., : max(1, int((out >= 0).sum(-1).max()))].clone()
