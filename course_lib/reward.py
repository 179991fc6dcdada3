"""Rewards: trained Bradley–Terry models, verifiers, ensembles, and what to know about one before trusting it.

A reward model is a ``transformers`` sequence classifier with one label. It reads the whole conversation, written by its
own chat template, and its score is the label's logit at the last token: one number, meaningful only up to a constant
per prompt.
"""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch

from . import progress
from .attention import Packing, attention, supports
from .budget import note
from .errors import require
from .estimators import grouped_interval, wilson_interval
from .files import atomic_directory, free_for_model
from .policy import (
    Policy,
    batches_by_tokens,
    check_source,
    device_of,
    evaluating,
    load_config,
    load_tokenizer,
    load_weights,
)
from .pool import MISSING
from .training import train


@dataclass
class RewardModel:
    """A sequence classifier with one label, its tokenizer, and the name its rewards go by."""

    model: torch.nn.Module
    tokenizer: object
    name: str = "proxy"
    system: str | None = None
    source: str = ""
    facts: dict = field(default_factory=dict)

    @property
    def device(self):
        return next(self.model.parameters()).device

    def encode(self, prompts, texts):
        """Token ids of whole conversations, end token included, one list per (prompt, text)."""
        before = [{"role": "system", "content": self.system}] if self.system else []
        rendered = [self.tokenizer.apply_chat_template([*before, {"role": "user", "content": p}, {"role": "assistant", "content": t}], tokenize=False)
                    for p, t in zip(prompts, texts)]
        return self.tokenizer(rendered, add_special_tokens=False)["input_ids"] if rendered else []

    def logits(self, rows):
        """Scores (B,) of a batch of token-id rows, with gradients when they are on."""
        lengths = torch.tensor([len(r) for r in rows])
        last = lengths.cumsum(0) - 1
        note("trained" if torch.is_grad_enabled() else "scored", self.model, int(lengths.sum()))
        if supports(self.model) and hasattr(self.model, "score"):
            packing = Packing.of(lengths, self.device)
            ids = torch.tensor([[t for r in rows for t in r]], device=self.device)
            with attention(self.model, "course_packed"):
                hidden = self.model.base_model(input_ids=ids, position_ids=packing.positions, use_cache=False, packing=packing).last_hidden_state
            return self.model.score(hidden[0, last.to(self.device)])[:, 0]
        pad = self.tokenizer.pad_token_id
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(r) for r in rows], batch_first=True, padding_value=pad).to(self.device)
        mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long().to(self.device)
        return self.model(input_ids=ids, attention_mask=mask).logits[:, 0]

    def score_texts(self, prompts, texts, budget=16384):
        """Scores (K,) float32 of K conversations, in the order given. Batches are sorted by length and hold ``budget`` tokens."""
        rows = self.encode(prompts, texts)
        out = torch.empty(len(rows))
        with evaluating(self.model), progress.bar(len(rows), f"scoring ({self.name})", "reply") as bar:
            for group in batches_by_tokens([len(r) for r in rows], budget):
                out[group] = self.logits([rows[i] for i in group]).float().cpu()
                bar.update(len(group))
        return out

    def score_pool(self, pool):
        """(P, N) rewards; equal texts of a prompt are scored once. NaN where a candidate is missing."""
        first, keys = {}, []
        for i, row in enumerate(pool.texts):
            for text in row:
                keys.append(first.setdefault((i, text), len(first)))
        prompts, texts = [pool.prompts[i] for i, _ in first], [t for _, t in first]
        scores = self.score_texts(prompts, texts)[torch.tensor(keys)].reshape(pool.P, pool.N)
        return scores.masked_fill(pool.finish == MISSING, float("nan"))

    def save(self, path):
        """Write model and tokenizer as one ordinary ``from_pretrained`` folder, atomically."""
        free_for_model(path)
        with atomic_directory(path) as folder:
            with progress.no_loading_bars():
                self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


def load_reward_model(source, name="proxy", device=None, dtype=None, system=None):
    """Load a one-label sequence classifier from a folder or the hub.

    Raises :class:`CourseError` when the source is a causal LM, has more than one label, lacks a pad token or chat
    template, or when its head was not in the checkpoint: ``transformers`` would then fill the head with random numbers
    and every score would be noise.
    """
    from transformers import AutoModelForSequenceClassification

    source = str(source)
    check_source(source, "reward model")
    config = load_config(source)
    kinds = config.architectures or []
    require(not any("CausalLM" in k for k in kinds),
            f"{source} is a causal language model ({', '.join(kinds)}), not a reward model. A reward model is a sequence classifier with one label: train one with train_reward_model, or give another folder.")
    require(config.num_labels == 1, f"{source} has {config.num_labels} labels; a reward model has one. Train it with num_labels=1.")
    tokenizer = load_tokenizer(source)
    require(tokenizer.chat_template, f"the tokenizer of {source} has no chat template, so conversations cannot be written the way the reward model was trained. Set tokenizer.chat_template and save it again.")
    device = device_of(device)
    if dtype is None:
        dtype = torch.float32 if device.type == "cpu" else "auto"
    model = load_weights(AutoModelForSequenceClassification, source, dtype)
    model.config.pad_token_id = tokenizer.pad_token_id
    return RewardModel(model.to(device).eval(), tokenizer, name=name, system=system, source=source)


# ---- rewards that are functions ---------------------------------------------------------------------------------------

@dataclass
class FunctionReward:
    """A reward from a function ``(prompt, text, info) -> number``: a verifier, a rule, a test suite."""

    function: object
    name: str = "verifier"

    def score_pool(self, pool):
        """(P, N) float32; NaN where a candidate is missing."""
        rows = [[self.function(p, t, info) if here else float("nan") for t, here in zip(texts, present)]
                for p, texts, info, present in zip(pool.prompts, pool.texts, pool.info, pool.present.tolist())]
        return torch.tensor(rows, dtype=torch.float32).reshape(pool.P, pool.N)


@dataclass
class GoldReward:
    """A world's gold reward: the stand-in for what people want. ``part`` is "gold", "helpful" or "harmless" where the world splits it.

    ``name`` is what the reward is called in a pool, by default its part. When gold *selects*, give it another name, so that
    the selecting reward and the judge stay apart.
    """

    world: object
    part: str = "gold"
    name: str = ""

    def __post_init__(self):
        self.name = self.name or self.part

    def score_pool(self, pool):
        """(P, N) float32; NaN where a candidate is missing."""
        from .worlds import helpdesk

        needed = getattr(self.world, "needs", None)
        lacking = [i for i, info in enumerate(pool.info) if needed and needed not in info]
        require(not lacking, f"the gold reward of the world {self.world.name!r} needs {needed!r} in each prompt's info; prompt {lacking[0] if lacking else 0} has none. Add it to the rollouts, or use another reward.")
        values, seen = torch.full((pool.P, pool.N), float("nan")), {}
        for i, (prompt, info) in enumerate(zip(pool.prompts, pool.info)):
            for j, (text, finish) in enumerate(zip(pool.texts[i], pool.finish[i].tolist())):
                if finish == MISSING:
                    continue
                key = (i, text, finish == 0)
                if key not in seen:
                    if self.part == "gold":
                        seen[key] = self.world.gold(prompt, text, info, finish == 0)
                    else:
                        half = {"helpful": helpdesk.helpfulness, "harmless": helpdesk.harmlessness}[self.part]
                        seen[key] = half(self.world.gold_parts(prompt, text, info, finish == 0))
                values[i, j] = seen[key]
        return values


@dataclass
class Ensemble:
    """Several reward models as one: the mean, the minimum, or the mean less ``k`` standard deviations.

    The members are combined by :func:`combine`, which takes each prompt's mean out of each member. So an ensemble's scores rank the candidates
    of one prompt, and do not compare prompts.
    """

    members: list
    how: str = "mean"
    k: float = 1.0
    name: str = "ensemble"

    def __post_init__(self):
        require(len(self.members) >= 2, f"an ensemble needs at least two reward models; got {len(self.members)}.")
        require(self.how in ("mean", "min", "mean-std"), f"how must be 'mean', 'min' or 'mean-std'; got {self.how!r}.")

    def score_pool(self, pool):
        """(P, N) float32 in standard deviations."""
        scores = torch.stack([m.score_pool(pool) for m in self.members])
        return combine(scores, self.how, self.k)


def combine(scores, how="mean", k=1.0):
    """Combine rewards (M, P, N) of M models into (P, N): "mean", "min" or "mean-std" (mean − k·std across models).

    Scores of different models have no common scale, and no common zero from prompt to prompt: a reward model is identified only up to a constant
    per prompt. So each prompt's mean over its candidates is taken out of each model first, and then each model is divided by its one standard
    deviation over the pool. Without the first step those constants would decide which model is the harshest ("min"), or how much models disagree
    ("mean-std"). NaN where a candidate is missing.
    """
    scores = torch.as_tensor(scores, dtype=torch.float32)
    require(scores.dim() == 3, f"scores must have shape (models, P, N); got {tuple(scores.shape)}.")
    centred = scores - scores.nanmean(2, keepdim=True)
    std = centred.flatten(1).square().nanmean(1).sqrt().clamp(min=1e-8)
    z = centred / std[:, None, None]
    if how == "min":
        return z.amin(0)
    if how == "mean-std":
        return z.mean(0) - k * z.std(0, correction=0)
    require(how == "mean", f"how must be 'mean', 'min' or 'mean-std'; got {how!r}.")
    return z.mean(0)


def score(pool, reward, name=None):
    """``pool`` with one more reward: ``reward`` is a reward model, verifier, ensemble, gold reward, or a plain function.

    The values go by ``name``, or the reward's own name. Raises on NaN, and on a reward that cannot score.
    """
    if callable(reward) and not hasattr(reward, "score_pool"):
        reward = FunctionReward(reward, getattr(reward, "__name__", "verifier"))
    require(hasattr(reward, "score_pool"), f"a reward must be a reward model, an ensemble, or a function of (prompt, text, info); got {type(reward).__name__}. "
                                           "A causal language model gives replies, not rewards.")
    return pool.with_reward(name or reward.name, reward.score_pool(pool))


# ---- preferences and training ------------------------------------------------------------------------------------------

def bradley_terry_loss(chosen, rejected):
    """−log σ(r_chosen − r_rejected) in nats, elementwise, for score tensors of equal shape (Bradley–Terry; Llama 2 eq. 1 without margin)."""
    return torch.nn.functional.softplus(rejected - chosen)


def annotate(pool, annotator, count, seed=0):
    """``count`` simulated comparisons of two different replies to the same prompt.

    Pairs are drawn over the pool's prompts and candidates without repeating a pair; the annotator (see
    :class:`course_lib.worlds.helpdesk.Annotator`) picks the chosen one. The first ``k`` of a longer list are the list of
    ``k`` with the same seed. Returns a list of {"prompt", "chosen", "rejected", "info"}.
    """
    rng = np.random.default_rng(seed)
    possible = [(i, a, b) for i in range(pool.P) for a in range(pool.N) for b in range(a + 1, pool.N) if pool.texts[i][a] != pool.texts[i][b]]
    require(count <= len(possible), f"the pool holds {len(possible)} different pairs of replies; {count} comparisons were asked for. Sample more candidates.")
    taken = rng.permutation(len(possible))
    utility = {}

    def u(i, j):
        if (i, j) not in utility:
            utility[i, j] = annotator.utility(pool.texts[i][j], pool.info[i]["topic"], int(pool.finish[i, j]) == 0)
        return utility[i, j]

    rows = []
    for k in taken[:count]:
        i, a, b = possible[k]
        if not annotator.prefers_first(u(i, a), u(i, b), np.random.default_rng([seed, 1, int(k)])):
            a, b = b, a
        rows.append({"prompt": pool.prompts[i], "chosen": pool.texts[i][a], "rejected": pool.texts[i][b], "info": pool.info[i]})
    return rows


def new_reward_model(policy, layers=None, seed=0, name="proxy"):
    """An untrained reward model on a copy of ``policy``'s backbone (its first ``layers`` layers), with a new one-number head."""
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(policy.model.config)
    config.num_labels, config.architectures = 1, None
    config.num_hidden_layers = layers or config.num_hidden_layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[: config.num_hidden_layers]
    config.pad_token_id = policy.tokenizer.pad_token_id
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(config)
        loaded = model.base_model.load_state_dict(policy.model.base_model.state_dict(), strict=False)
        require(not loaded.missing_keys, f"the policy's backbone lacks {loaded.missing_keys[:3]}; it cannot serve as a reward model's.")
        torch.nn.init.normal_(model.score.weight, std=0.01)
    return RewardModel(model.to(policy.device), policy.tokenizer, name=name, system=policy.system)


def train_reward_model(base, pairs, epochs=1.0, lr=5e-4, batch_size=64, layers=None, seed=0, name="proxy", max_length=2048, **settings):
    """Train a Bradley–Terry reward model on comparisons and return it.

    ``base`` is a :class:`Policy` (its backbone is copied, ``layers`` of it) or a :class:`RewardModel` to go on from (a copy
    is trained). ``pairs`` are dictionaries with "prompt", "chosen", "rejected". Pairs whose two sides are equal, or become
    equal when cut to ``max_length`` tokens from the left, teach nothing and are dropped and counted in ``facts``.
    """
    require(len(pairs) > 0, "no comparisons to train on.")
    model = new_reward_model(base, layers, seed, name) if isinstance(base, Policy) else RewardModel(copy.deepcopy(base.model), base.tokenizer, name, base.system)
    prompts = [p["prompt"] for p in pairs]
    chosen = [row[-max_length:] for row in model.encode(prompts, [p["chosen"] for p in pairs])]
    rejected = [row[-max_length:] for row in model.encode(prompts, [p["rejected"] for p in pairs])]
    kept = [k for k in range(len(pairs)) if chosen[k] != rejected[k]]
    require(len(kept) > 0, "in every pair the chosen and the rejected reply are the same; there is nothing to learn.")

    def loss_of(indices):
        rows = [chosen[kept[i]] for i in indices] + [rejected[kept[i]] for i in indices]
        scores = model.logits(rows).float()
        return bradley_terry_loss(scores[: len(indices)], scores[len(indices):]).sum(), len(indices)

    log = train(model.model, loss_of, len(kept), epochs=epochs, lr=lr, batch_size=batch_size, seed=seed, label=f"reward model ({name})", **settings)
    model.facts = {"pairs": len(kept), "dropped_equal_pairs": len(pairs) - len(kept), "seconds": log.seconds, "losses": log.losses}
    return model


@dataclass
class PreferenceReport:
    """How a reward model does on held-out comparisons. ``accuracy`` counts a tie as half."""

    accuracy: object
    ties: int
    pairs: int
    log_loss: float
    calibration: list
    length_correlation: float

    def __str__(self):
        rows = "  ".join(f"{p:.2f}→{a:.2f} ({n})" for p, a, n in self.calibration)
        return (f"accuracy {self.accuracy} on {self.pairs} pairs, {self.ties} ties, log loss {self.log_loss:.3f} nats\n"
                f"calibration (predicted→observed (pairs)): {rows}\ncorrelation of score margin with length margin {self.length_correlation:+.2f}")


def agreement_interval(right, prompts):
    """95 % interval of a share of comparisons, over prompts. ``right`` (K,) holds 1, 0, or ½ for a tie, ``prompts`` (K,) the prompt of each.

    Wilson's, over pairs, where resampling prompts would give an interval of no width: a single prompt, or all right or all wrong.
    """
    right = np.asarray(right, dtype=float)
    if 0 < right.mean() < 1 and len(np.unique(np.asarray(prompts))) > 1:
        return grouped_interval(right, prompts)
    return wilson_interval(float(right.sum()), len(right))


def preference_report(reward_model, pairs, bins=5):
    """Accuracy with a 95 % interval over prompts, ties, log loss, calibration and length correlation on comparisons.

    Calibration compares the predicted probability σ(|margin|) that the higher-scored reply is preferred with how often it
    is, in ``bins`` groups of equal size. Length correlation is Pearson's, between the margin in score and in tokens.
    """
    require(len(pairs) > 0, "no comparisons to report on.")
    prompts = [p["prompt"] for p in pairs]
    better, worse = [reward_model.score_texts(prompts, [p[side] for p in pairs]).double().numpy() for side in ("chosen", "rejected")]
    margin = better - worse
    ties = int((margin == 0).sum())
    right = (margin > 0) + 0.5 * (margin == 0)
    predicted = 1 / (1 + np.exp(-np.abs(margin)))
    groups = [g for g in np.array_split(np.argsort(predicted, kind="stable"), min(bins, len(pairs))) if len(g)]
    sizes = [np.array([len(r) for r in reward_model.encode(prompts, [p[side] for p in pairs])]) for side in ("chosen", "rejected")]
    longer = (sizes[0] - sizes[1]).astype(float)
    correlation = float(np.corrcoef(margin, longer)[0, 1]) if margin.std() > 0 and longer.std() > 0 else 0.0
    return PreferenceReport(agreement_interval(right, prompts), ties, len(pairs), float(np.logaddexp(0, -margin).mean()),
                            [(float(predicted[g].mean()), float(right[g].mean()), len(g)) for g in groups], correlation)


__all__ = ["RewardModel", "load_reward_model", "FunctionReward", "GoldReward", "Ensemble", "combine", "score", "bradley_terry_loss", "annotate",
           "new_reward_model", "train_reward_model", "PreferenceReport", "preference_report"]
