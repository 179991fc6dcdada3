"""Tiny checkpoints of real architectures, with random weights: to test and teach loading code where
no hub can be reached.

They are Qwen3 and Llama in everything but size. What they say is noise until they are trained.
"""

import torch

from ..base import require
from .policy import Policy

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + "
    "'<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ARCHITECTURES = ("qwen3", "llama")


def byte_tokenizer(texts, vocabulary=2048):
    """A byte-level BPE tokenizer trained on ``texts``, with ChatML's special tokens and template,
    as Qwen's is.
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
    texts,
    architecture="qwen3",
    width=64,
    layers=2,
    heads=4,
    kv_heads=2,
    vocabulary=2048,
    max_positions=2048,
    seed=0,
    system=None,
):
    """A :class:`~course_lib.models.Policy` of a real architecture, random weights, and a tokenizer
    trained on ``texts``.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

    require(
        architecture in ARCHITECTURES,
        f"architecture must be one of {', '.join(ARCHITECTURES)}; got {architecture!r}.",
    )
    tokenizer = byte_tokenizer(texts, vocabulary)
    config_class, model_class = {
        "qwen3": (Qwen3Config, Qwen3ForCausalLM),
        "llama": (LlamaConfig, LlamaForCausalLM),
    }[architecture]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=width // heads,
        max_position_embeddings=max_positions,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = model_class(config).eval()
    return Policy(
        model, tokenizer, system=system, source=f"tiny {architecture} with random weights"
    )
