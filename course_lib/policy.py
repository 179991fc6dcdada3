"""A policy: a causal language model, its tokenizer and the way prompts are written for it."""

import contextlib
import hashlib
import inspect
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from . import progress
from .attention import Packing, attention, supports
from .budget import note
from .errors import CourseError, require
from .files import atomic_directory, free_for_model


def device_of(name=None):
    """The torch device to use: ``name`` when given, else cuda when there is one, else cpu."""
    if name:
        try:
            return torch.empty(0, device=name).device
        except Exception as error:
            raise CourseError(f"the device {name!r} cannot be used here ({type(error).__name__}: {str(error).splitlines()[0]}). Use cpu, or leave --device out.") from error
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(device, dtype):
    """Mixed precision for ``dtype`` float16 or bfloat16 on a GPU; nothing otherwise."""
    if device.type == "cuda" and dtype in (torch.float16, torch.bfloat16):
        return torch.autocast(device.type, dtype=dtype)
    return contextlib.nullcontext()


@contextlib.contextmanager
def evaluating(model):
    """``model`` in evaluation mode without gradients inside the block; its mode is restored after."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def check_source(source, what):
    """Raise unless ``source`` is a model folder or looks like a hub name (``owner/name``)."""
    path = Path(source)
    if path.is_dir():
        require((path / "config.json").is_file(), f"{source} has no config.json, so it is not a {what} folder. Give a folder written by save_pretrained.")
        return
    text = str(source)
    looks_like_hub = text.count("/") == 1 and not text.startswith((".", "/", "~")) and not path.parent.is_dir()
    require(looks_like_hub, f"no {what} at {source}. Give an existing folder or a hub name such as Qwen/Qwen3-0.6B-Base.")


def load_tokenizer(source):
    """The tokenizer at ``source``; gives a pad token when one can be had without changing the vocabulary. Raises otherwise."""
    from transformers import AutoTokenizer
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except Exception as error:
        raise CourseError(f"no tokenizer could be loaded from {source} ({type(error).__name__}). "
                          "The folder needs tokenizer.json and tokenizer_config.json: save it with tokenizer.save_pretrained.") from error
    if tokenizer.pad_token_id is None:
        raise CourseError(f"the tokenizer of {source} has no pad token. Set one that is not the end token, e.g. tokenizer.pad_token = tokenizer.unk_token, "
                          "and save it beside the model; padding with the end token would teach the model never to stop.")
    return tokenizer


def load_config(source):
    """The configuration at ``source``, or a clear error."""
    from transformers import AutoConfig
    try:
        return AutoConfig.from_pretrained(source)
    except Exception as error:
        raise CourseError(f"the configuration of {source} could not be read ({type(error).__name__}: {error}). Check the name, or the network for a hub model.") from error


def load_weights(auto_class, source, dtype):
    """``auto_class.from_pretrained``, refusing checkpoints that are cut short or lack weights: those would be random numbers."""
    try:
        with progress.no_loading_bars():
            model, loading = auto_class.from_pretrained(source, dtype=dtype, output_loading_info=True)
    except Exception as error:
        raise CourseError(f"the weights of {source} could not be loaded ({type(error).__name__}: {str(error).splitlines()[0]}). The files may be cut short: copy or download them again.") from error
    missing = sorted(loading["missing_keys"])
    require(not missing, f"{source} does not hold the weights {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}: they were filled with random numbers, so its output would mean nothing. "
                         "Use the folder the model was saved to after training.")
    return model


@dataclass
class Policy:
    """A ``transformers`` causal LM with its tokenizer.

    ``template`` is "chat" (the tokenizer's chat template) or "plain" (the prompt's text as it is). ``source`` says where
    it came from. ``dtype`` is the precision of training arithmetic (mixed precision on a GPU).
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
        """Token ids that end a response: the end token and any others the generation config names."""
        ids = self.model.generation_config.eos_token_id if self.model.generation_config is not None else None
        ids = [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
        if self.tokenizer.eos_token_id is not None and self.tokenizer.eos_token_id not in ids:
            ids.append(self.tokenizer.eos_token_id)
        return ids

    @property
    def vocabulary(self):
        """A short name for the tokenizer's vocabulary. Pools carry it, so that token ids are never read with another one."""
        known = getattr(self.tokenizer, "course_vocabulary", None)
        if known is None:
            listing = "\n".join(f"{token} {i}" for token, i in sorted(self.tokenizer.get_vocab().items()))
            known = self.tokenizer.course_vocabulary = hashlib.sha256(listing.encode()).hexdigest()[:16]
        return known

    @property
    def end_id(self):
        """The token that a trained response ends with."""
        require(self.tokenizer.eos_token_id is not None, "the tokenizer has no end token (eos_token); responses could never be taught to end. Set tokenizer.eos_token.")
        return self.tokenizer.eos_token_id

    def render(self, prompts):
        """The text the model sees for each prompt, ready for the reply to follow."""
        if self.template == "plain":
            return [str(p) for p in prompts]
        before = [{"role": "system", "content": self.system}] if self.system else []
        return [self.tokenizer.apply_chat_template([*before, {"role": "user", "content": p}], tokenize=False, add_generation_prompt=True) for p in prompts]

    def encode(self, prompts):
        """Token ids of each rendered prompt (list of lists). The template writes its own special tokens, so none are added twice."""
        if not prompts:
            return []
        return self.tokenizer(self.render(prompts), add_special_tokens=self.template == "plain")["input_ids"]

    def encode_responses(self, texts, end=True):
        """Token ids of responses, followed by the end token."""
        if not texts:
            return []
        ids = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[*row, self.end_id] if end else row for row in ids]

    def decode(self, ids):
        """Texts of rows of token ids, special tokens left out."""
        return self.tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def copy(self):
        """An independent copy, to be trained while this one stays the reference."""
        import copy
        return replace(self, model=copy.deepcopy(self.model))

    def save(self, path, extra=None):
        """Write model and tokenizer as one ordinary ``from_pretrained`` folder, atomically. ``extra(folder)`` may add files."""
        free_for_model(path)
        with atomic_directory(path) as folder:
            with progress.no_loading_bars():
                self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
            if extra:
                extra(folder)


def load_policy(source, device=None, dtype=None, system=None, template="chat"):
    """Load a causal LM and its tokenizer from a folder or the hub.

    ``dtype`` defaults to float32 on a CPU and to the checkpoint's own on a GPU. Raises :class:`CourseError` when the
    folder does not exist, is not a causal LM, or its tokenizer lacks a pad token, an end token or (for ``template="chat"``) a chat template.
    """
    from transformers import AutoModelForCausalLM

    source = str(source)
    check_source(source, "model")
    require(template in ("chat", "plain"), f"template must be 'chat' or 'plain'; got {template!r}.")
    kinds = load_config(source).architectures or []
    require(not any("SequenceClassification" in k for k in kinds),
            f"{source} is a sequence classifier ({', '.join(kinds)}), not a causal language model: it gives rewards, not replies. Use it with --reward, and a causal LM with --policy.")
    tokenizer = load_tokenizer(source)
    require(tokenizer.eos_token_id is not None, f"the tokenizer of {source} has no end token (eos_token), so replies cannot end. Set tokenizer.eos_token and save it again.")
    require(template == "plain" or tokenizer.chat_template,
            f"the tokenizer of {source} has no chat template. Set tokenizer.chat_template and save it, or use template='plain' (--template plain) to give prompts as bare text.")
    device = device_of(device)
    if dtype is None:
        dtype = torch.float32 if device.type == "cpu" else "auto"
    model = load_weights(AutoModelForCausalLM, source, dtype)
    return Policy(model.to(device).eval(), tokenizer, system=system, template=template, source=source)


def examples_of(policy, prompts, texts):
    """(prompt ids, response ids with the end token) for each prompt and text, to train on or to compute log-probabilities of."""
    return list(zip(policy.encode(prompts), policy.encode_responses(texts)))


def batches_by_tokens(lengths, budget):
    """Indices cut into consecutive groups, longest sequences first, of at most ``budget`` tokens (at least one sequence)."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    groups, total = [], 0
    for i in order:
        if not groups or total + lengths[i] > budget:
            groups.append([])
            total = 0
        groups[-1].append(i)
        total += lengths[i]
    return groups


def response_logits(policy, examples):
    """Logits at every response token of a batch, and the tokens themselves.

    ``examples`` is a list of (prompt ids, response ids). Returns (logits (K, V), targets (K,), row (K,)) where K is the
    number of response tokens in the batch and ``row`` says which example each belongs to. Prompt positions are never
    projected to the vocabulary. Models that cannot take packed rows get a right-padded batch; the result is the same.
    """
    device = policy.device
    lengths = [len(p) + len(r) for p, r in examples]
    note("trained" if torch.is_grad_enabled() else "read", policy.model, sum(lengths))
    sizes = torch.tensor([len(r) for _, r in examples])
    targets = torch.tensor([t for _, r in examples for t in r], device=device)
    row = torch.arange(len(examples)).repeat_interleave(sizes).to(device)
    if supports(policy.model):
        starts = torch.tensor([0, *lengths[:-1]]).cumsum(0)
        at = torch.cat([torch.arange(s + len(p) - 1, s + len(p) + len(r) - 1) for s, (p, r) in zip(starts.tolist(), examples)]).to(device)
        packing = Packing.of(lengths, device)
        ids = torch.tensor([[t for p, r in examples for t in (*p, *r)]], device=device)
        keeps = "logits_to_keep" in inspect.signature(policy.model.forward).parameters  # a critic's number per token needs no saving
        with attention(policy.model, "course_packed"):
            logits = policy.model(input_ids=ids, position_ids=packing.positions, use_cache=False, packing=packing, **({"logits_to_keep": at} if keeps else {})).logits[0]
        logits = logits if keeps else logits[at]
    else:
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor([*p, *r]) for p, r in examples], batch_first=True, padding_value=policy.tokenizer.pad_token_id).to(device)
        mask = (torch.arange(ids.shape[1])[None] < torch.tensor(lengths)[:, None]).long().to(device)
        column = torch.cat([torch.arange(len(p) - 1, len(p) + len(r) - 1) for p, r in examples]).to(device)
        logits = policy.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[row, column]
    return logits, targets, row


def token_logprobs(policy, examples, temperature=1.0, budget=8192):
    """log π(token) in nats of every response token: a list of float32 tensors, one per example, in the order given.

    ``examples``: (prompt ids, response ids). With a ``temperature``, under the model at that temperature.
    """
    out = [None] * len(examples)
    with evaluating(policy.model):
        for group in batches_by_tokens([len(p) + len(r) for p, r in examples], budget):
            logits, targets, _ = response_logits(policy, [examples[i] for i in group])
            logp = -torch.nn.functional.cross_entropy(logits.float() / temperature, targets, reduction="none")
            for i, part in zip(group, logp.cpu().split([len(examples[i][1]) for i in group])):
                out[i] = part.clone()
    return out


def sequence_logprobs(policy, examples, temperature=1.0, budget=8192):
    """log π(y|x) in nats of every response, (K,) float32."""
    return torch.stack([part.sum() for part in token_logprobs(policy, examples, temperature, budget)]) if examples else torch.zeros(0)
