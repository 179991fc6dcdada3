"""Reward models: ``transformers`` sequence classifiers with one label."""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch

from ..base import atomic_directory, free_for_model, note, progress, require
from ..estimators import agreement_interval
from ..pools import MISSING
from .attention import Packing, attention, supports
from .loading import check_source, device_of, evaluating, load_config, load_tokenizer, load_weights
from .logprobs import batches_by_tokens


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
        rendered = [
            self.tokenizer.apply_chat_template(
                [*before, {"role": "user", "content": p}, {"role": "assistant", "content": t}],
                tokenize=False,
            )
            for p, t in zip(prompts, texts, strict=True)
        ]
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
                hidden = self.model.base_model(
                    input_ids=ids, position_ids=packing.positions, use_cache=False, packing=packing
                ).last_hidden_state
            return self.model.score(hidden[0, last.to(self.device)])[:, 0]
        pad = self.tokenizer.pad_token_id
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(r) for r in rows], batch_first=True, padding_value=pad
        ).to(self.device)
        mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long().to(self.device)
        return self.model(input_ids=ids, attention_mask=mask).logits[:, 0]

    def score_texts(self, prompts, texts, budget=16384):
        """Scores (K,) float32 of K conversations, in the order given.

        Batches are sorted by length and hold ``budget`` tokens.
        """
        rows = self.encode(prompts, texts)
        out = torch.empty(len(rows))
        with (
            evaluating(self.model),
            progress.bar(len(rows), f"scoring ({self.name})", "reply") as bar,
        ):
            for group in batches_by_tokens([len(r) for r in rows], budget):
                out[group] = self.logits([rows[i] for i in group]).float().cpu()
                bar.update(len(group))
        return out

    def score_pool(self, pool):
        """(P, N) rewards; equal texts of a prompt are scored once.

        NaN where a candidate is missing.
        """
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

    Raises :class:`CourseError` when the source is a causal LM, has more than one label, lacks a pad
    token or chat template, or when its head was not in the checkpoint: ``transformers`` would then
    fill the head with random numbers and every score would be noise.
    """
    from transformers import AutoModelForSequenceClassification

    source = str(source)
    check_source(source, "reward model")
    config = load_config(source)
    kinds = config.architectures or []
    require(
        not any("CausalLM" in k for k in kinds),
        f"{source} is a causal language model ({', '.join(kinds)}), not a reward model. A "
        "reward model is a sequence classifier with one label: train one with "
        "train_reward_model, or give another folder.",
    )
    require(
        config.num_labels == 1,
        f"{source} has {config.num_labels} labels; a reward model has one. Train it with "
        "num_labels=1.",
    )
    tokenizer = load_tokenizer(source)
    require(
        tokenizer.chat_template,
        f"the tokenizer of {source} has no chat template, so conversations cannot be written "
        "the way the reward model was trained. Set tokenizer.chat_template and save it again.",
    )
    device = device_of(device)
    if dtype is None:
        dtype = torch.float32 if device.type == "cpu" else "auto"
    model = load_weights(AutoModelForSequenceClassification, source, dtype)
    model.config.pad_token_id = tokenizer.pad_token_id
    return RewardModel(model.to(device).eval(), tokenizer, name=name, system=system, source=source)


def new_reward_model(policy, layers=None, seed=0, name="proxy"):
    """An untrained reward model on a copy of ``policy``'s backbone (its first ``layers`` layers),
    with a new one-number head.
    """
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
        loaded = model.base_model.load_state_dict(
            policy.model.base_model.state_dict(), strict=False
        )
        require(
            not loaded.missing_keys,
            f"the policy's backbone lacks {loaded.missing_keys[:3]}; it cannot serve as a "
            "reward model's.",
        )
        torch.nn.init.normal_(model.score.weight, std=0.01)
    return RewardModel(model.to(policy.device), policy.tokenizer, name=name, system=policy.system)


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
        return (
            f"accuracy {self.accuracy} on {self.pairs} pairs, {self.ties} ties, log loss "
            f"{self.log_loss:.3f} nats\n"
            f"calibration (predicted→observed (pairs)): {rows}\ncorrelation of score margin "
            f"with length margin {self.length_correlation:+.2f}"
        )


def preference_report(reward_model, pairs, bins=5):
    """Accuracy with a 95 % interval over prompts, ties, log loss, calibration and length
    correlation on comparisons.

    Calibration compares the predicted probability σ(|margin|) that the higher-scored reply is
    preferred with how often it is, in ``bins`` groups of equal size. Length correlation is
    Pearson's, between the margin in score and in tokens.
    """
    require(len(pairs) > 0, "no comparisons to report on.")
    prompts = [p["prompt"] for p in pairs]
    better, worse = [
        reward_model.score_texts(prompts, [p[side] for p in pairs]).double().numpy()
        for side in ("chosen", "rejected")
    ]
    margin = better - worse
    ties = int((margin == 0).sum())
    right = (margin > 0) + 0.5 * (margin == 0)
    predicted = 1 / (1 + np.exp(-np.abs(margin)))
    groups = [
        g
        for g in np.array_split(np.argsort(predicted, kind="stable"), min(bins, len(pairs)))
        if len(g)
    ]
    sizes = [
        np.array([len(r) for r in reward_model.encode(prompts, [p[side] for p in pairs])])
        for side in ("chosen", "rejected")
    ]
    longer = (sizes[0] - sizes[1]).astype(float)
    correlation = (
        float(np.corrcoef(margin, longer)[0, 1]) if margin.std() > 0 and longer.std() > 0 else 0.0
    )
    return PreferenceReport(
        agreement_interval(right, prompts),
        ties,
        len(pairs),
        float(np.logaddexp(0, -margin).mean()),
        [(float(predicted[g].mean()), float(right[g].mean()), len(g)) for g in groups],
        correlation,
    )
