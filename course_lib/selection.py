"""Which candidates to keep: selection rules, and for each its matched random control.

Every rule is the same two steps: give each candidate a score, then keep the highest-scoring few of each prompt. A control
is the same code with uniform random numbers in the reward's place, so a difference between the two is due to the reward.

What all rules share: missing candidates (``pool.present`` is False) are never kept, and a prompt without any keeps nothing;
NaN and infinite rewards are refused; **ties go to the lowest candidate index**; the result lists prompts in order and, within a
prompt, the best first. What is random depends on (seed, prompt index) alone: the first prompts of a larger pool keep the same replies.

What this leaves out: speculative rejection (it stops candidates while they are being sampled), and rules that need a second model.
"""

from dataclasses import dataclass, field

import numpy as np
import torch

from .errors import CourseError, require
from .pool import FINISH, Pool

CONTROL, SOFT, RSO, PAIRS = range(4)  # separate random streams, so that no rule shares its luck with its own control


@dataclass(frozen=True, eq=False)
class Selection:
    """K candidates kept from a pool of P prompts × N candidates.

    Attributes
    ----------
    pool : the :class:`~course_lib.pool.Pool` they come from.
    prompt_index, candidate_index : (K,) int64 tensors; row k is candidate ``candidate_index[k]`` of prompt ``prompt_index[k]``.
    weights : (K,) float32 tensor for a weighted loss, ones by default.
    rule, settings : the rule's name and its arguments, for records.

    Raises :class:`CourseError` for indices outside the pool, missing candidates, and a candidate listed twice.
    """

    pool: Pool
    prompt_index: torch.Tensor
    candidate_index: torch.Tensor
    weights: torch.Tensor | None = None
    rule: str = ""
    settings: dict = field(default_factory=dict)

    def __post_init__(self):
        prompt, candidate = (torch.as_tensor(index, dtype=torch.int64) for index in (self.prompt_index, self.candidate_index))
        weights = torch.ones(len(prompt)) if self.weights is None else torch.as_tensor(self.weights, dtype=torch.float32)
        require(prompt.dim() == 1 and prompt.shape == candidate.shape == weights.shape,
                "prompt_index, candidate_index and weights must be (K,) and of one length; got shapes "
                f"{tuple(prompt.shape)}, {tuple(candidate.shape)} and {tuple(weights.shape)}.")
        P, N = self.pool.P, self.pool.N
        inside = (prompt >= 0) & (prompt < P) & (candidate >= 0) & (candidate < N)
        require(inside.all(), f"{int((~inside).sum())} of {len(prompt)} indices are outside this pool of {P} prompts × {N} candidates; "
                "use the pool the indices were made from.")
        require(self.pool.present[prompt, candidate].all(), "a missing candidate was selected; keep to candidates where pool.present is True.")
        require(len(torch.unique(prompt * N + candidate)) == len(prompt),
                "a candidate was selected twice; keep each once and use weights to make one count more.")
        for name, value in (("prompt_index", prompt), ("candidate_index", candidate), ("weights", weights)):
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.prompt_index)

    def __repr__(self):
        used = int((self.per_prompt > 0).sum())
        return f"Selection({len(self)} of {int(self.pool.present.sum())} candidates, from {used} of {self.pool.P} prompts, by {self.rule or 'hand'})"

    @property
    def prompts(self):
        """K strings: the prompt of each kept candidate."""
        return [self.pool.prompts[i] for i in self.prompt_index.tolist()]

    @property
    def texts(self):
        """K strings: the kept candidates."""
        return [self.pool.texts[i][j] for i, j in zip(self.prompt_index.tolist(), self.candidate_index.tolist())]

    def rewards(self, name=None):
        """(K,) float32 rewards of the kept candidates, by name; with no name, the pool's only reward."""
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
        """K dictionaries with ``prompt``, ``completion``, ``prompt_index``, ``candidate_index``, ``weight`` and ``finish_reason``."""
        finish = [FINISH[f] for f in self.pool.finish[self.prompt_index, self.candidate_index].tolist()]
        columns = zip(self.prompts, self.texts, self.prompt_index.tolist(), self.candidate_index.tolist(), self.weights.tolist(), finish)
        return [dict(zip(("prompt", "completion", "prompt_index", "candidate_index", "weight", "finish_reason"), row)) for row in columns]

    @staticmethod
    def concat(selections):
        """Join selections from several pools, e.g. the best of **all** rounds; the pools are joined by prompts and need one N.

        To control a joined selection, join the controls of its parts.
        """
        require(len(selections) > 0, "nothing to join: give at least one selection.")
        starts = np.cumsum([0, *(s.pool.P for s in selections)]).tolist()
        return Selection(Pool.concat([s.pool for s in selections]),
                         torch.cat([s.prompt_index + start for s, start in zip(selections, starts)]),
                         torch.cat([s.candidate_index for s in selections]), torch.cat([s.weights for s in selections]),
                         rule="concat", settings={"parts": [{"rule": s.rule, **s.settings} for s in selections]})


# ---- the two steps: scores, then the highest of each prompt ------------------------------------------------------------------


def _reward(pool, by):
    """(P, N) float32 array, zero where a candidate is missing."""
    values = torch.where(pool.present, pool.reward(by).float(), 0.0)
    require(torch.isfinite(values).all(), "the reward has infinite values; clip them to a finite range, or drop those candidates.")
    return values.numpy()


def _uniform(pool, seed, stream):
    """(P, N) random numbers in [0, 1); row i depends on (seed, i, stream) alone."""
    _check_seed(seed)
    return np.array([np.random.default_rng([seed, i, stream]).random(pool.N) for i in range(pool.P)]).reshape(pool.P, pool.N)


def _order(pool, scores):
    """(P, N) candidate indices, highest score first; ties by lowest index; missing candidates last."""
    return np.lexsort((-scores, ~pool.present.numpy()), axis=1)


def _keep(pool, scores, counts, rule, **settings):
    """The ``counts`` (P,) highest-scoring present candidates of each prompt, as a :class:`Selection`."""
    counts = np.minimum(counts, pool.present.sum(1).numpy())
    kept = np.arange(pool.N) < counts[:, None]
    if "by" in settings:
        settings["by"] = settings["by"] or next(iter(pool.rewards))
    return Selection(pool, np.nonzero(kept)[0], _order(pool, scores)[kept], rule=rule, settings=settings)


def _counts_overall(pool, scores, k):
    """(P,) how many of the ``k`` highest scores of the whole pool each prompt holds; ties go to the earlier prompt, then candidate."""
    present = pool.present.numpy().ravel()
    k = min(pool.P, present.sum()) if k is None else k
    require(_whole(k) and 1 <= k <= present.sum(), f"k must be a whole number between 1 and {present.sum()}, the candidates in the pool; got {k}.")
    best = np.lexsort((-scores.ravel(), ~present))[:k]
    return np.bincount(best // pool.N, minlength=pool.P)


def _whole(value):
    return isinstance(value, int | np.integer)


def _check_k(pool, k):
    require(_whole(k) and 1 <= k <= pool.N,
            f"k must be a whole number between 1 and {pool.N}, the pool's candidates per prompt; got {k}. Sample a larger pool or lower k.")


def _check_seed(seed):
    require(_whole(seed) and seed >= 0, f"seed must be a whole number, 0 or more; got {seed!r}.")


def _check_positive(name, value):
    require(value > 0, f"{name} must be greater than 0; got {value}. Towards 0 the choice becomes the plain best.")


# ---- treatment and control, side by side -----------------------------------------------------------------------------------


def best_per_prompt(pool, by=None, k=1):
    """The ``k`` candidates of each prompt with the highest reward; ties go to the lowest candidate index. (RAFT, 2304.06767, has k = 1.)"""
    _check_k(pool, k)
    return _keep(pool, _reward(pool, by), k, "best_per_prompt", by=by, k=k)


def random_per_prompt(pool, k=1, seed=0):
    """The control of :func:`best_per_prompt`: ``k`` candidates of each prompt, uniformly at random without replacement."""
    _check_k(pool, k)
    return _keep(pool, _uniform(pool, seed, CONTROL), k, "random_per_prompt", k=k, seed=seed)


def top_k_overall(pool, by=None, k=None):
    """The ``k`` candidates (P by default) with the highest reward in the whole pool.

    Compares rewards **between** prompts, which Bradley–Terry never fixed: it takes the prompts with the highest scores and keeps none of many others. Ties go to the earlier prompt,
    then to the lowest candidate index.
    """
    scores = _reward(pool, by)
    return _keep(pool, scores, _counts_overall(pool, scores, k), "top_k_overall", by=by, k=k)


def random_overall(pool, k=None, seed=0):
    """The control of :func:`top_k_overall`: ``k`` candidates (P by default), uniformly at random from the whole pool."""
    scores = _uniform(pool, seed, CONTROL)
    return _keep(pool, scores, _counts_overall(pool, scores, k), "random_overall", k=k, seed=seed)


def matched_control(selection, seed=0):
    """The control of any rule: as many candidates **from each prompt** as ``selection`` kept, uniformly at random, reward unseen."""
    pool = selection.pool
    return _keep(pool, _uniform(pool, seed, CONTROL), selection.per_prompt.numpy(), "matched_control", of=selection.rule, seed=seed)


def overall_control(selection, seed=0):
    """:func:`random_overall` with as many candidates as ``selection`` kept in all."""
    return random_overall(selection.pool, len(selection), seed)


# ---- softer rules --------------------------------------------------------------------------------------------------------


def soft_best(pool, by=None, lam=1.0, k=1, seed=0):
    """Soft best-of-N: pick candidate i of a prompt with probability ∝ exp(rᵢ/λ), ``k`` times without replacement.

    ``lam`` is in the reward's own units: → 0 gives :func:`best_per_prompt`, → ∞ a random choice. Drawn by the Gumbel-top-k trick: adding
    independent Gumbel noise to rᵢ/λ and keeping the k largest is the same as drawing one by one. Source: 2505.03156.
    """
    _check_k(pool, k)
    _check_positive("lam", lam)
    gumbel = -np.log(-np.log(np.maximum(_uniform(pool, seed, SOFT), 1e-300)))
    return _keep(pool, _reward(pool, by) / np.float64(lam) + gumbel, k, "soft_best", by=by, lam=lam, k=k, seed=seed)


def mean_similarity(texts):
    """(N,) mean similarity of each text to the other N − 1, in [0, 1]; zeros for a single text.

    Similarity is the F1 of two bags of words (split on white space, case kept): 2·|shared words| / (|a| + |b|), and 1 for two empty texts.
    """
    bags = [text.split() for text in texts]
    column = {word: c for c, word in enumerate(dict.fromkeys(word for bag in bags for word in bag))}
    counts = np.array([np.bincount([column[word] for word in bag], minlength=len(column)) for bag in bags])
    shared = np.array([np.minimum(row, counts).sum(1) for row in counts])
    total = counts.sum(1)[:, None] + counts.sum(1)
    f1 = np.where(total > 0, 2 * shared / np.maximum(total, 1), 1.0)
    return (f1.sum(1) - 1) / max(len(texts) - 1, 1)


def regularised_best(pool, by=None, beta=0.1, k=1, regulariser="logprob"):
    """The ``k`` candidates of each prompt with the highest r + β·regulariser; ties go to the lowest candidate index.

    ``"logprob"``: log π_ref(y|x) in nats, the sum over tokens, so longer replies pay more. ``"similarity"``: :func:`mean_similarity` to
    the prompt's other candidates, as in minimum-Bayes-risk decoding. ``beta`` = 0 is :func:`best_per_prompt`.
    """
    _check_k(pool, k)
    require(beta >= 0, f"beta must be 0 or more; got {beta}. A negative beta would reward unlikely replies.")
    require(regulariser in ("logprob", "similarity"), f"regulariser must be 'logprob' or 'similarity'; got {regulariser!r}.")
    extra = np.zeros((pool.P, pool.N))
    if regulariser == "logprob":
        require(pool.sum_logprobs is not None, "this pool has no log-probabilities; sample it with this library, or use regulariser='similarity'.")
        extra = torch.where(pool.present, pool.sum_logprobs.double(), 0.0).numpy()
        require(np.isfinite(extra).all(), "sum_logprobs has NaN or infinite values; score the replies under the policy again.")
    else:
        for i, present in enumerate(pool.present.numpy()):
            extra[i, present] = mean_similarity([pool.texts[i][j] for j in np.nonzero(present)[0]])
    return _keep(pool, _reward(pool, by) + beta * extra, k, "regularised_best", by=by, beta=beta, k=k, regulariser=regulariser)


def rso(pool, by=None, beta=0.5, k=8, seed=0):
    """Statistical rejection sampling (RSO, 2309.06657): ``k`` candidates of each prompt, close to draws from π·exp(r/β).

    Go through the remaining candidates in order; accept candidate c if u < exp((r_c − r_max)/β), u uniform, r_max the highest reward still
    there when the round began; take the accepted out and go round again until k are accepted. ``beta`` → 0 gives the k best, → ∞ the first k.
    The paper takes 8 of 64 with β = 0.5. Candidates are listed in the order accepted. Prompts with k or fewer candidates keep all.
    """
    _check_k(pool, k)
    _check_seed(seed)
    _check_positive("beta", beta)
    rewards, rank = _reward(pool, by).astype(np.float64), np.zeros((pool.P, pool.N))
    for i, present in enumerate(pool.present.numpy()):
        rng = np.random.default_rng([seed, i, RSO])
        left, accepted = np.nonzero(present)[0], []
        while len(left) and len(accepted) < k:
            r = rewards[i, left]
            accept = rng.random(len(left)) < np.exp((r - r.max()) / beta)  # the best is always accepted: u < 1
            accepted += left[accept].tolist()
            left = left[~accept]
        rank[i, accepted] = np.arange(len(accepted))
        rank[i, left] = pool.N
    return _keep(pool, -rank, k, "rso", by=by, beta=beta, k=k, seed=seed)


# ---- rules for verifiers -------------------------------------------------------------------------------------------------


def threshold(pool, by=None, minimum=1.0, at_most=None):
    """Every candidate with reward ≥ ``minimum``, or the best ``at_most`` of them per prompt (ReST-EM, 2312.06585, has at most 10).

    Ties go to the lowest candidate index; with a 0/1 verifier all that pass tie, so ``at_most`` keeps the first that pass.
    """
    scores = _reward(pool, by)
    passed = ((scores >= np.float32(minimum)) & pool.present.numpy()).sum(1)
    return _keep(pool, scores, _at_most(passed, at_most), "threshold", by=by, minimum=minimum, at_most=at_most)


def distinct_paths(pool, by=None, minimum=1.0, key=None, at_most=None):
    """Of each prompt's candidates with reward ≥ ``minimum``, the first for each distinct ``key(prompt, text, info)`` (RFT, 2308.01825).

    ``key`` names a candidate's path, e.g. its equations as a tuple; the default is the text with its white space evened out. The first
    (lowest candidate index) stands for its path whatever its reward, and ``at_most`` keeps the paths seen first.
    """
    key = key or (lambda prompt, text, info: " ".join(text.split()))
    passed = (_reward(pool, by) >= np.float32(minimum)) & pool.present.numpy()
    first = np.zeros(passed.shape)
    for i, row in enumerate(passed):
        seen = set()
        for j in np.nonzero(row)[0]:
            path = key(pool.prompts[i], pool.texts[i][j], pool.info[i])
            try:
                first[i, j] = path not in seen
                seen.add(path)
            except TypeError as error:
                raise CourseError(f"key must return a value that can be put in a set; got a {type(path).__name__}. Return a tuple or a string.") from error
    return _keep(pool, first, _at_most(first.sum(1).astype(int), at_most), "distinct_paths", by=by, minimum=minimum, at_most=at_most)


def _at_most(counts, at_most):
    require(at_most is None or at_most >= 1, f"at_most must be 1 or more, or None for no limit; got {at_most}.")
    return counts if at_most is None else np.minimum(counts, at_most)


# ---- pairs for DPO and reward models ---------------------------------------------------------------------------------------


def preference_pairs(pool, by=None, rule="best_worst", margin=0.0, seed=0):
    """At most one pair per prompt: a list of ``prompt``, ``chosen``, ``rejected``, their indices, and ``margin`` (reward difference).

    ``rule="best_worst"`` pairs the highest reward with the lowest (ties: lowest candidate index); ``"random"`` pairs two candidates drawn
    at random (``seed``), the better one chosen. A prompt gives no pair when the difference is not more than ``margin``
    (0: ties are dropped) or when both texts are equal.
    """
    require(rule in ("best_worst", "random"), f"rule must be 'best_worst' or 'random'; got {rule!r}.")
    require(margin >= 0, f"margin must be 0 or more; got {margin}.")
    rewards, pairs = _reward(pool, by), []
    best = _order(pool, rewards if rule == "best_worst" else _uniform(pool, seed, PAIRS))
    worst = _order(pool, -rewards)
    for i, count in enumerate(pool.present.sum(1).tolist()):
        if count < 2:
            continue
        a, b = int(best[i, 0]), int(worst[i, 0] if rule == "best_worst" else best[i, 1])
        a, b = (a, b) if rewards[i, a] >= rewards[i, b] else (b, a)
        gap = float(rewards[i, a]) - float(rewards[i, b])
        if gap > margin and pool.texts[i][a] != pool.texts[i][b]:
            pairs.append({"prompt": pool.prompts[i], "chosen": pool.texts[i][a], "rejected": pool.texts[i][b],
                          "prompt_index": i, "chosen_index": a, "rejected_index": b, "margin": gap})
    return pairs


select_best = best_per_prompt

RULES = {rule.__name__: rule for rule in (best_per_prompt, top_k_overall, soft_best, regularised_best, rso, threshold, distinct_paths,
                                          random_per_prompt, random_overall)}
CONTROLS = {name: overall_control if name == "top_k_overall" else matched_control  # control(selection, seed)
            for name in (*RULES, "concat") if not name.startswith("random")}
