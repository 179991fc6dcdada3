"""A policy: a causal language model, its tokenizer and the way prompts are written for it."""

import hashlib
from dataclasses import dataclass, replace

import torch

from ..base import atomic_directory, free_for_model, progress, require
from .loading import check_source, device_of, load_config, load_tokenizer, load_weights


@dataclass
class Policy:
    """A ``transformers`` causal LM with its tokenizer.

    ``template`` is "chat" (the tokenizer's chat template) or "plain" (the prompt's text as it is).
    ``source`` says where it came from. ``dtype`` is the precision of training arithmetic (mixed
    precision on a GPU).
    """

    model: torch.nn.Module
    tokenizer: object
    system: str | None = None
    template: str = "chat"
    source: str = ""

    @property
    def device(self):
        return next(self.model.parameters()).device

    @property
    def stop_ids(self):
        """Token ids that end a response.

        The end token and any others the generation config names.
        """
        ids = (
            self.model.generation_config.eos_token_id
            if self.model.generation_config is not None
            else None
        )
        ids = [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
        if self.tokenizer.eos_token_id is not None and self.tokenizer.eos_token_id not in ids:
            ids.append(self.tokenizer.eos_token_id)
        return ids

    @property
    def vocabulary(self):
        """A short name for the tokenizer's vocabulary.

        Pools carry it, so that token ids are never read with another one.
        """
        known = getattr(self.tokenizer, "course_vocabulary", None)
        if known is None:
            listing = "\n".join(
                f"{token} {i}" for token, i in sorted(self.tokenizer.get_vocab().items())
            )
            known = self.tokenizer.course_vocabulary = hashlib.sha256(listing.encode()).hexdigest()[
                :16
            ]
        return known

    @property
    def end_id(self):
        """The token that a trained response ends with."""
        require(
            self.tokenizer.eos_token_id is not None,
            "the tokenizer has no end token (eos_token); responses could never be taught to "
            "end. Set tokenizer.eos_token.",
        )
        return self.tokenizer.eos_token_id

    def render(self, prompts):
        """The text the model sees for each prompt, ready for the reply to follow."""
        if self.template == "plain":
            return [str(p) for p in prompts]
        before = [{"role": "system", "content": self.system}] if self.system else []
        return [
            self.tokenizer.apply_chat_template(
                [*before, {"role": "user", "content": p}],
                tokenize=False,
                add_generation_prompt=True,
            )
            for p in prompts
        ]

    def encode(self, prompts):
        """Token ids of each rendered prompt (list of lists).

        The template writes its own special tokens, so none are added twice.
        """
        if not prompts:
            return []
        return self.tokenizer(self.render(prompts), add_special_tokens=self.template == "plain")[
            "input_ids"
        ]

    def encode_responses(self, texts, end=True):
        """Token ids of responses, followed by the end token."""
        if not texts:
            return []
        ids = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[*row, self.end_id] if end else row for row in ids]

    def decode(self, ids):
        """Texts of rows of token ids, special tokens left out."""
        return self.tokenizer.batch_decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def copy(self):
        """An independent copy, to be trained while this one stays the reference."""
        import copy

        return replace(self, model=copy.deepcopy(self.model))

    def save(self, path, extra=None):
        """Write model and tokenizer as one ordinary ``from_pretrained`` folder, atomically.

        ``extra(folder)`` may add files.
        """
        free_for_model(path)
        with atomic_directory(path) as folder:
            with progress.no_loading_bars():
                self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
            if extra:
                extra(folder)


def load_policy(source, device=None, dtype=None, system=None, template="chat"):
    """Load a causal LM and its tokenizer from a folder or the hub.

    ``dtype`` defaults to float32 on a CPU and to the checkpoint's own on a GPU. Raises
    :class:`CourseError` when the folder does not exist, is not a causal LM, or its tokenizer lacks
    a pad token, an end token or (for ``template="chat"``) a chat template.
    """
    from transformers import AutoModelForCausalLM

    source = str(source)
    check_source(source, "model")
    require(template in ("chat", "plain"), f"template must be 'chat' or 'plain'; got {template!r}.")
    kinds = load_config(source).architectures or []
    require(
        not any("SequenceClassification" in k for k in kinds),
        f"{source} is a sequence classifier ({', '.join(kinds)}), not a causal language model: "
        "it gives rewards, not replies. Use it with --reward, and a causal LM with --policy.",
    )
    tokenizer = load_tokenizer(source)
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
    device = device_of(device)
    if dtype is None:
        dtype = torch.float32 if device.type == "cpu" else "auto"
    model = load_weights(AutoModelForCausalLM, source, dtype)
    return Policy(
        model.to(device).eval(), tokenizer, system=system, template=template, source=source
    )


def examples_of(policy, prompts, texts):
    """(prompt ids, response ids with the end token) for each prompt and text, to train on or to
    compute log-probabilities of.
    """
    return list(zip(policy.encode(prompts), policy.encode_responses(texts), strict=True))
