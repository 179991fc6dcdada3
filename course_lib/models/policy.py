"""A policy: a causal language model, its tokenizer and the way prompts are written for it."""

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..base import Prompt, atomic_directory, free_for_model, progress, require, transcript
from .adapters import base_source, is_adapted, load_adapted, save_adapted, with_adapter
from .loading import (
    check_decoder,
    check_source,
    device_of,
    dtype_for,
    load_config,
    load_tokenizer,
    load_weights,
    without_weights,
)
from .rendering import rendered


@dataclass
class Policy:
    """A ``transformers`` causal LM with its tokenizer.

    Attributes
    ----------
    model : the causal LM.
    tokenizer : its ``transformers`` tokenizer.
    system : the system message written before every chat, or None. Plain prompts go without it.
    template : "chat" (the tokenizer's chat template) or "plain" (the prompt's text as it is).
    source : where it came from.
    """

    model: torch.nn.Module
    tokenizer: Any
    system: str | None = None
    template: str = "chat"
    source: str = ""

    @property
    def device(self) -> torch.device:
        """The device of the model's weights."""
        return next(self.model.parameters()).device

    @property
    def stop_ids(self) -> list[int]:
        """Token ids that end a response.

        The end token and any others the generation config names.
        """
        generation: Any = self.model.generation_config
        ids = None if generation is None else generation.eos_token_id
        if ids is None:
            ids = []
        ids = [ids] if isinstance(ids, int) else list(ids)
        end = self.tokenizer.eos_token_id
        if end is not None and end not in ids:
            ids.append(end)
        return ids

    @property
    def pad_id(self) -> int:
        """The token that fills up a batch. What stands on it is never read.

        The tokenizer's pad token, else its end token, else 0.
        """
        for known in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id):
            if known is not None:
                return known
        return 0

    @property
    def vocabulary(self) -> str:
        """A short name for the tokenizer's vocabulary.

        Pools carry it, so that token ids are never read with another one.
        """
        size, known = getattr(self.tokenizer, "course_vocabulary", (0, ""))
        if size != len(self.tokenizer):  # tokens may be added
            entries = sorted(self.tokenizer.get_vocab().items())
            listing = "\n".join(f"{token} {i}" for token, i in entries)
            known = hashlib.sha256(listing.encode()).hexdigest()[:16]
            self.tokenizer.course_vocabulary = (len(self.tokenizer), known)
        return known

    @property
    def end_id(self) -> int:
        """The token that a trained response ends with."""
        require(
            self.tokenizer.eos_token_id is not None,
            "the tokenizer has no end token (eos_token); responses could never be taught to "
            "end. Set tokenizer.eos_token.",
        )
        return self.tokenizer.eos_token_id

    def render(self, prompts: Sequence[Prompt]) -> list[str]:
        """The text the model sees for each prompt, ready for the reply to follow."""
        if self.template == "plain":
            return [transcript(prompt) for prompt in prompts]
        return rendered(self.tokenizer, prompts, self.system)

    def encode(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Token ids of each rendered prompt, one list per prompt."""
        if not prompts:
            return []
        # a chat template writes its own special tokens: none may be added a second time
        special = self.template == "plain"
        texts = self.render(prompts)
        rows = self.tokenizer(texts, add_special_tokens=special)["input_ids"]
        end = self.tokenizer.eos_token_id
        if special and end is not None and any(row and row[-1] == end for row in rows):
            # some tokenizers end every text; a prompt goes on
            plain = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
            for row, bare in zip(rows, plain, strict=True):
                if row and row[-1] == end and (not bare or bare[-1] != end):
                    row.pop()
        return rows

    def encode_responses(self, texts: Sequence[str], end: bool = True) -> list[list[int]]:
        """Token ids of responses, followed by the end token unless ``end`` is False."""
        if not texts:
            return []
        ids = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[*row, self.end_id] if end else row for row in ids]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Texts of rows of token ids, special tokens left out."""
        return self.tokenizer.batch_decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def copy(self) -> "Policy":
        """An independent copy, to be trained while this one stays the reference."""
        return replace(self, model=copy.deepcopy(self.model))

    def adapted(self, rank: int, seed: int = 0) -> "Policy":
        """This policy with a new adapter (LoRA) of ``rank`` to be trained; itself at rank 0.

        See :func:`~course_lib.models.adapters.with_adapter`.
        """
        return replace(self, model=with_adapter(self.model, rank, seed)) if rank else self

    def save(self, path: Path | str, extra: Callable[[Path], object] | None = None) -> None:
        """Write model and tokenizer as one ordinary ``from_pretrained`` folder, atomically.

        Of a model with an adapter (LoRA) the adapter, as peft writes it. ``extra(folder)`` may add
        files.
        """
        save_pretrained(self.model, self.tokenizer, path, extra)


def save_pretrained(
    model: Any,
    tokenizer: Any,
    path: Path | str,
    extra: Callable[[Path], object] | None = None,
) -> None:
    """Write ``model`` and ``tokenizer`` to the folder ``path``, whole or not at all."""
    free_for_model(path)
    with atomic_directory(path) as folder:
        with progress.no_loading_bars():
            if is_adapted(model):
                save_adapted(model, folder)
            else:
                model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if extra:
            extra(folder)


def load_policy(
    source: str | Path,
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    system: str | None = None,
    template: str = "chat",
) -> Policy:
    """Load a causal LM and its tokenizer from a folder or the hub, or an adapter from a folder.

    ``dtype`` defaults to float32 on a CPU and to the checkpoint's own on a GPU. On the device
    "meta" there are no weights: enough to write prompts, and to know what ends a reply. Raises
    :class:`~course_lib.base.CourseError` when the folder does not exist, is not a causal LM, or its
    tokenizer lacks an end token or (for ``template="chat"``) a chat template.
    """
    source = str(source)
    require(template in ("chat", "plain"), f"template must be 'chat' or 'plain'; got {template!r}.")
    base = base_source(source)
    own = base is None or (Path(source) / "tokenizer_config.json").is_file()
    check_source(base or source, "model")
    tokenizer = load_tokenizer(source if own else str(base))
    device = device_of(device)
    model = _load_model(base or source, device, dtype)
    _check_tokenizer(tokenizer, source, template)
    if base is not None:
        model = load_adapted(model, source).eval()
    return Policy(model, tokenizer, system=system, template=template, source=source)


def _load_model(
    source: str, device: torch.device, dtype: torch.dtype | str | None
) -> torch.nn.Module:
    """The causal LM in ``source``, on ``device`` and in evaluation mode."""
    from transformers import AutoModelForCausalLM

    config = load_config(source)
    check_decoder(config, source)
    kinds = config.architectures or []
    require(
        not any("SequenceClassification" in kind for kind in kinds),
        f"{source} is a sequence classifier ({', '.join(kinds)}), not a causal language model: "
        "it gives rewards, not replies. Use it with --reward, and a causal LM with --policy.",
    )
    if device.type == "meta":
        return without_weights(AutoModelForCausalLM, source, config)
    model = load_weights(AutoModelForCausalLM, source, dtype_for(device, dtype))
    return model.to(device).eval()


def _check_tokenizer(tokenizer: Any, source: str, template: str) -> None:
    """Raise :class:`~course_lib.base.CourseError` where prompts or ends could not be written."""
    require(
        tokenizer.eos_token_id is not None,
        f"the tokenizer of {source} has no end token (eos_token), so replies cannot end. Set "
        "tokenizer.eos_token and save it again.",
    )
    require(
        template == "plain" or tokenizer.chat_template,
        f"the tokenizer of {source} has no chat template. Set tokenizer.chat_template and save "
        "it, or use template='plain' (--template plain) to give prompts as bare text.",
    )


def examples_of(
    policy: Policy, prompts: Sequence[Prompt], texts: Sequence[str]
) -> list[tuple[list[int], list[int]]]:
    """(prompt ids, response ids with the end token) for each prompt and text.

    To train on, or to compute log-probabilities of.
    """
    return list(zip(policy.encode(prompts), policy.encode_responses(texts), strict=True))
