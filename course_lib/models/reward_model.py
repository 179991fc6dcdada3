"""Reward models: ``transformers`` sequence classifiers with one label."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ..base import CourseError, Prompt, note, progress, require, whole
from ..estimators import Interval, agreement_interval
from ..pools import MISSING, Pool
from .adapters import merged
from .attention import attention, shifts
from .loading import (
    check_decoder,
    check_positions,
    check_source,
    device_of,
    drops,
    dtype_for,
    evaluating,
    load_config,
    load_tokenizer,
    load_weights,
    to_device,
    vocabulary_size,
)
from .logprobs import batches_by_tokens
from .packing import Packing
from .policy import Policy, save_pretrained
from .proving import packs
from .rendering import conversations

HEADS = (torch.nn.Linear,)
# models whose packed scores were compared with the library's, and how that went
_same_head: WeakKeyDictionary[torch.nn.Module, bool] = WeakKeyDictionary()


@dataclass
class RewardModel:
    """A sequence classifier with one label, its tokenizer, and the name its rewards go by.

    Attributes
    ----------
    model : the sequence classifier.
    tokenizer : its ``transformers`` tokenizer.
    name : what its rewards are called in a pool.
    system : the system message written before every conversation, or None.
    source : where it came from.
    facts : what is known of its training, such as the pairs that were dropped.
    """

    model: torch.nn.Module
    tokenizer: Any
    name: str = "proxy"
    system: str | None = None
    source: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        """The device of the model's weights."""
        return next(self.model.parameters()).device

    def encode(self, prompts: Sequence[Prompt], texts: Sequence[str]) -> list[list[int]]:
        """Token ids of whole conversations, end token included, one list per (prompt, text)."""
        rows = conversations(self.tokenizer, prompts, texts, self.system)
        if not rows:
            return []
        # the template has written the special tokens already
        return self.tokenizer(rows, add_special_tokens=False)["input_ids"]

    def logits(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Scores (B,) of a batch of token-id rows, with gradients when they are on.

        A row's score is read where ``transformers`` reads it: at its last token that is not the
        pad token.
        """
        check_positions(self.model, max(len(row) for row in rows), "a conversation")
        read = sum(len(row) for row in rows)
        note("trained" if torch.is_grad_enabled() else "scored", self.model, read)
        if self._packs():
            return self._packed_scores(rows)
        return self._padded_scores(rows)

    def _packs(self) -> bool:
        """Whether packed rows have the scores that the library's own pass gives them."""
        if not packs(self.model) or not isinstance(getattr(self.model, "score", None), HEADS):
            return False
        if self.model not in _same_head:
            tokens = [i for i in range(vocabulary_size(self.model)) if i != self._pad][:64]
            rows = [tokens[:5], tokens[5:14] or tokens[:2]]
            # autocast keeps its copies of weights, and those of a trial have no gradients
            with evaluating(self.model), torch.autocast(self.device.type, enabled=False):
                packed = self._packed_scores(rows)
                own = torch.cat([self._padded_scores([row]) for row in rows])
            near = 1e-3 if packed.dtype == torch.float32 else 0.1
            _same_head[self.model] = torch.allclose(packed, own, rtol=near, atol=near)
        return _same_head[self.model]

    @property
    def _pad(self) -> int | None:
        """The token that the library skips at the end of a row."""
        config: Any = self.model.config
        return config.get_text_config().pad_token_id

    def _packed_scores(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Scores (B,) from all rows laid end to end: the head reads one token of each row."""
        model: Any = self.model
        whole = [list(row) for row in rows]
        packing, ids = Packing.of_rows(whole, self.device, share=not drops(model))
        with attention(model, "course_packed"):
            hidden = model.base_model(
                input_ids=ids,  # (1, S)
                position_ids=packing.positions,
                use_cache=False,
                packing=packing,
            ).last_hidden_state  # (1, S, width)
        lengths = torch.tensor([len(row) for row in rows])  # (B,)
        starts = lengths.cumsum(0) - lengths
        read = starts + torch.tensor([self._read_at(row) for row in rows])
        places = packing.of_sequences(to_device(read, self.device))
        return model.score(hidden[0, places])[:, 0]

    def _read_at(self, row: Sequence[int]) -> int:
        """The place in ``row`` of its last token that is not the pad token; 0 if there is none."""
        at = len(row) - 1
        while at > 0 and row[at] == self._pad:
            at -= 1
        return at

    def _padded_scores(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Scores (B,) by the library's own pass over a batch padded on the right."""
        # without a pad token the library takes one row at a time, and where padding would count as
        # length so do we
        if len(rows) > 1 and (self._pad is None or shifts(self.model)):
            return torch.cat([self._padded_scores([row]) for row in rows])
        lengths = torch.tensor([len(row) for row in rows])  # (B,)
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(row) for row in rows],
            batch_first=True,
            padding_value=self._pad or 0,
        )  # (B, L)
        mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()  # (B, L)
        out = self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device))
        return out.logits[:, 0]

    def score_texts(
        self, prompts: Sequence[Prompt], texts: Sequence[str], budget: int = 16384
    ) -> torch.Tensor:
        """Scores (K,) float32 of K conversations, in the order given.

        Batches are sorted by length and hold ``budget`` tokens.
        """
        rows = self.encode(prompts, texts)
        groups = batches_by_tokens([len(row) for row in rows], budget)
        out = torch.empty(len(rows))
        bar = progress.bar(len(rows), f"scoring ({self.name})", "reply")
        with evaluating(self.model), bar:
            for group in groups:
                out[group] = self.logits([rows[i] for i in group]).float().cpu()
                bar.update(len(group))
        return out

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) rewards; equal texts of a prompt are scored once.

        NaN where a candidate is missing.
        """
        place: dict[tuple[int, str], int] = {}  # (prompt, text) → its place among the scored
        places = []
        for i, row in enumerate(pool.texts):
            for text in row:
                places.append(place.setdefault((i, text), len(place)))
        prompts = [pool.prompts[i] for i, _ in place]
        texts = [text for _, text in place]
        distinct = self.score_texts(prompts, texts)
        scores = distinct[torch.tensor(places)].reshape(pool.P, pool.N)
        return scores.masked_fill(pool.finish == MISSING, float("nan"))

    def save(self, path: Path | str) -> None:
        """Write model and tokenizer as one ordinary ``from_pretrained`` folder, atomically."""
        save_pretrained(self.model, self.tokenizer, path)


def load_reward_model(
    source: str | Path,
    name: str = "proxy",
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    system: str | None = None,
) -> RewardModel:
    """Load a one-label sequence classifier from a folder or the hub.

    Raises :class:`~course_lib.base.CourseError` when the source is a causal LM, has more than one
    label, lacks a chat template, or when its head was not in the checkpoint: ``transformers`` would
    then fill the head with random numbers and every score would be noise. Its pad token is the
    configuration's, else the tokenizer's.
    """
    from transformers import AutoModelForSequenceClassification

    source = str(source)
    check_source(source, "reward model")
    config = load_config(source)
    kinds = config.architectures or []
    require(
        not any("CausalLM" in kind for kind in kinds),
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
    model = load_weights(AutoModelForSequenceClassification, source, dtype_for(device, dtype))
    text: Any = model.config.get_text_config()
    if text.pad_token_id is None:
        text.pad_token_id = tokenizer.pad_token_id
    return RewardModel(model.to(device).eval(), tokenizer, name=name, system=system, source=source)


def new_reward_model(
    policy: Policy, layers: int | None = None, seed: int = 0, name: str = "proxy"
) -> RewardModel:
    """An untrained reward model on a copy of ``policy``'s backbone, with a new one-number head.

    ``layers``: keep the backbone's first layers only. ``seed`` draws the head. Raises
    :class:`~course_lib.base.CourseError` for models that ``transformers`` has no such classifier
    for, and for encoders.
    """
    from transformers import AutoModelForSequenceClassification

    check_decoder(policy.model.config, type(policy.model).__name__)
    config: Any = copy.deepcopy(policy.model.config)
    config.num_labels = 1
    config.architectures = None
    if layers is not None:
        _keep_layers(config, layers)
    config.pad_token_id = policy.pad_id
    backbone: Any = merged(policy.model).base_model
    name_of = type(policy.model).__name__
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            model = AutoModelForSequenceClassification.from_config(config)
        except ValueError as error:
            raise CourseError(
                f"transformers has no sequence classifier for {name_of}, so no reward model can be "
                "made of it. Use a policy of another kind (Llama, Qwen, Gemma, GPT-2 ...)."
            ) from error
        require(
            isinstance(getattr(model, "score", None), HEADS),
            f"the classifier of {name_of} reads its first token, as encoders do; a reward model "
            "reads the last. Use a policy of another kind (Llama, Qwen, Gemma, GPT-2 ...).",
        )
        # not strict: with fewer layers, the policy has weights that find no place
        loaded = model.base_model.load_state_dict(backbone.state_dict(), strict=False)
        require(
            not loaded.missing_keys,
            f"the policy's backbone lacks {loaded.missing_keys[:3]}; it cannot serve as a "
            "reward model's.",
        )
        torch.nn.init.normal_(model.score.weight, std=0.01)
    return RewardModel(model.to(policy.device), policy.tokenizer, name=name, system=policy.system)


def _keep_layers(config: Any, layers: int) -> None:
    """Cut ``config`` down to its first layers."""
    have = getattr(config, "num_hidden_layers", None)
    require(have is not None, "this kind of model cannot be cut to fewer layers; leave layers out.")
    layers = whole(layers, "layers", 1, have)
    if layers == have:
        return
    try:
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:layers]
    except AttributeError as error:
        raise CourseError(
            "the layers of this kind of model are not a list that can be cut; leave layers out."
        ) from error


@dataclass
class PreferenceReport:
    """How a reward model does on held-out comparisons.

    Attributes
    ----------
    accuracy : share of comparisons ranked as the annotator did, with its interval over prompts. A
        tie counts as half.
    ties : number of comparisons with equal scores.
    pairs : number of comparisons.
    log_loss : mean of −log σ(margin), in nats.
    calibration : (predicted probability, observed share, pairs) of each group of comparisons.
    length_correlation : Pearson's correlation of the margin in score with that in tokens.
    """

    accuracy: Interval
    ties: int
    pairs: int
    log_loss: float
    calibration: list[tuple[float, float, int]]
    length_correlation: float

    def __str__(self) -> str:
        rows = "  ".join(f"{p:.2f}→{a:.2f} ({n})" for p, a, n in self.calibration)
        return (
            f"accuracy {self.accuracy} on {self.pairs} pairs, {self.ties} ties, "
            f"log loss {self.log_loss:.3f} nats\n"
            f"calibration (predicted→observed (pairs)): {rows}\n"
            f"correlation of score margin with length margin {self.length_correlation:+.2f}"
        )


def preference_report(
    reward_model: RewardModel, pairs: Sequence[Mapping[str, Any]], bins: int = 5
) -> PreferenceReport:
    """How ``reward_model`` does on the comparisons ``pairs``, as a :class:`PreferenceReport`.

    Accuracy with a 95 % interval over prompts, ties, log loss, calibration and length correlation.
    A comparison has the texts "prompt", "chosen" and "rejected". Calibration compares the predicted
    probability σ(|margin|) that the higher-scored reply is preferred with how often it is, in
    ``bins`` groups of equal size. Length correlation is Pearson's, between the margin in score and
    in tokens.
    """
    require(len(pairs) > 0, "no comparisons to report on.")
    prompts = [pair["prompt"] for pair in pairs]
    scores, lengths = {}, {}
    for side in ("chosen", "rejected"):
        texts = [pair[side] for pair in pairs]
        scores[side] = reward_model.score_texts(prompts, texts).double().numpy()  # (K,)
        lengths[side] = np.array([len(row) for row in reward_model.encode(prompts, texts)])
    margin = scores["chosen"] - scores["rejected"]  # (K,)
    longer = (lengths["chosen"] - lengths["rejected"]).astype(float)  # (K,)
    right = (margin > 0) + 0.5 * (margin == 0)  # (K,) 1, ½ or 0
    return PreferenceReport(
        accuracy=agreement_interval(right, prompts),
        ties=int((margin == 0).sum()),
        pairs=len(pairs),
        log_loss=float(np.logaddexp(0, -margin).mean()),
        calibration=_calibration(margin, right, bins),
        length_correlation=_correlation(margin, longer),
    )


def _calibration(
    margin: np.ndarray, right: np.ndarray, bins: int
) -> list[tuple[float, float, int]]:
    """(mean predicted probability, share right, size) of ``bins`` groups by probability."""
    predicted = 1 / (1 + np.exp(-np.abs(margin)))  # (K,) in [½, 1)
    order = np.argsort(predicted, kind="stable")
    table = []
    for group in np.array_split(order, min(bins, len(order))):
        if len(group):
            probability = float(predicted[group].mean())
            table.append((probability, float(right[group].mean()), len(group)))
    return table


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 when either does not vary."""
    if a.std() > 0 and b.std() > 0:
        return float(np.corrcoef(a, b)[0, 1])
    return 0.0
