"""Silent errors in scoring, made on purpose: none raises, and each gives plausible numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..base import no_loading_bars, require
from ..models import RewardModel

CUT = 23  # tokens that "end cut off" leaves, before the end token
TEMPLATE = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>"
PADDINGS = {
    "left padding, with its mask": ("left", True),
    "left padding, mask forgotten": ("left", False),
    "right padding, last column": ("right", True),
}
BATCH = 32  # rows that are padded together


def read_as(
    reward_model: RewardModel, prompts: Sequence[str], texts: Sequence[str], others: Sequence[str]
) -> dict[str, list[list[int]]]:
    """Token ids of K conversations as trained, and as six mistakes would write them.

    ``others``: a wrong prompt for each reply. Raises :class:`~course_lib.base.CourseError` when the
    three are not of one length.
    """
    require(
        len(prompts) == len(texts) == len(others),
        f"give a prompt and a wrong prompt for each of {len(texts)} replies; got {len(prompts)} "
        f"and {len(others)}.",
    )
    tokenizer = reward_model.tokenizer
    rows = reward_model.encode(prompts, texts)
    end = rows[0][-1:] if rows else []

    def ended(pieces: list[str]) -> list[list[int]]:
        return [ids + end for ids in tokenizer(pieces, add_special_tokens=False)["input_ids"]]

    both = list(zip(prompts, texts, strict=True))
    return {
        "as trained": rows,
        "no prompt": reward_model.encode([""] * len(texts), list(texts)),
        "the next prompt": reward_model.encode(others, texts),
        "no template": ended([f"{prompt} {text}" for prompt, text in both]),
        "another template": ended([TEMPLATE.format(*pair) for pair in both]),
        "no end token": [ids[:-1] for ids in rows],
        "end cut off": [ids[:CUT] + end if len(ids) > CUT + 1 else ids for ids in rows],
    }


def last_column(
    reward_model: RewardModel,
    rows: Sequence[Sequence[int]],
    side: str = "left",
    masked: bool = True,
) -> torch.Tensor:
    """(K, width) hidden states at the last column of batches that are filled up on one ``side``.

    ``masked``: whether the model is told which tokens are padding.
    """
    body: Any = reward_model.model.base_model
    out = []
    for k in range(0, len(rows), BATCH):
        batch = reward_model.tokenizer.pad(
            {"input_ids": list(rows[k : k + BATCH])}, padding_side=side, return_tensors="pt"
        )
        mask = batch["attention_mask"] if masked else None
        with torch.inference_mode():
            hidden = body(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
        out.append(hidden[:, -1])
    return torch.cat(out)


def with_random_head(source: str | Path, seed: int = 0) -> RewardModel:
    """A *language model* opened as a classifier: its missing head is made of random numbers.

    ``transformers`` says so in a warning, which is off here, as in many scripts.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, logging

    tokenizer = AutoTokenizer.from_pretrained(str(source))
    loud = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with torch.random.fork_rng(), no_loading_bars():
            torch.manual_seed(seed)
            model = AutoModelForSequenceClassification.from_pretrained(str(source), num_labels=1)
    finally:
        logging.set_verbosity(loud)
    model.config.pad_token_id = tokenizer.pad_token_id
    return RewardModel(model.eval(), tokenizer, "random head")


def misread_scores(
    reward_model: RewardModel,
    headless: RewardModel,
    prompts: Sequence[str],
    texts: Sequence[str],
    others: Sequence[str],
) -> Mapping[str, torch.Tensor]:
    """Name → (K,) scores as trained, with a harmless change of padding, and with nine mistakes.

    ``headless``: a model with a random head; ``others``: a wrong prompt for each reply.
    """
    rows = read_as(reward_model, prompts, texts, others)
    head: Any = reward_model.model.score
    scores = {}
    with torch.inference_mode():
        for name, ids in rows.items():
            parts = [reward_model.logits(ids[k : k + BATCH]) for k in range(0, len(ids), BATCH)]
            scores[name] = torch.cat(parts)
        for name, (side, masked) in PADDINGS.items():
            read = last_column(reward_model, rows["as trained"], side, masked)
            scores[name] = head(read)[:, 0]
    return {**scores, "random head": headless.score_texts(prompts, texts)}
