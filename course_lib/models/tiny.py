"""Tiny checkpoints of real architectures, with random weights.

To test and teach loading code where no hub can be reached. They are Qwen3 and Llama in everything
but size. What they say is noise until they are trained.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from ..base import changed, require
from .policy import Policy

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + "
    "'<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ARCHITECTURES = ("qwen3", "llama")


@dataclass(frozen=True)
class TinyShape:
    """The size of a tiny checkpoint.

    Attributes
    ----------
    width : numbers per token in the hidden layers; feed-forward layers are three times as wide.
    layers : transformer layers.
    heads : attention heads; ``width`` is divided among them.
    kv_heads : heads of keys and values.
    vocabulary : the most tokens the tokenizer may have.
    max_positions : the longest sequence, in tokens.
    """

    width: int = 64
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    vocabulary: int = 2048
    max_positions: int = 2048


def byte_tokenizer(texts: Iterable[str], vocabulary: int = 2048) -> Any:
    """A byte-level BPE tokenizer trained on ``texts``, at most ``vocabulary`` tokens.

    It has ChatML's special tokens and template, as Qwen's has.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=special,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHATML
    return fast


def tiny_policy(
    texts: Iterable[str],
    architecture: str = "qwen3",
    shape: TinyShape = TinyShape(),
    *,
    seed: int = 0,
    system: str | None = None,
    **changes: int,
) -> Policy:
    """A :class:`~course_lib.models.Policy` of a real architecture, with random weights.

    Its tokenizer is trained on ``texts``. ``architecture`` is "qwen3" or "llama"; ``seed`` draws
    the weights; ``changes`` are fields of :class:`TinyShape`: ``tiny_policy(texts, width=32)``.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

    require(
        architecture in ARCHITECTURES,
        f"architecture must be one of {', '.join(ARCHITECTURES)}; got {architecture!r}.",
    )
    shape = changed(shape, changes)
    tokenizer = byte_tokenizer(texts, shape.vocabulary)
    classes: dict[str, tuple[Any, Any]] = {
        "qwen3": (Qwen3Config, Qwen3ForCausalLM),
        "llama": (LlamaConfig, LlamaForCausalLM),
    }
    config_class, model_class = classes[architecture]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=3 * shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.width // shape.heads,
        max_position_embeddings=shape.max_positions,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = model_class(config).eval()
    source = f"tiny {architecture} with random weights"
    return Policy(model, tokenizer, system=system, source=source)
