"""Tiny random models of the causal-LM classes of ``transformers``, and a tokenizer for them."""

import dataclasses
import inspect
from functools import cache
from typing import Any

import torch

from course_lib.models import Policy, byte_tokenizer

# One size for all, under each name that some configuration calls it by.
SIZES: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "n_embd", "d_model", "word_embed_proj_dim"), 32),
    **dict.fromkeys(("embedding_size", "attention_hidden_size", "lru_width"), 32),
    **dict.fromkeys(("intermediate_size", "n_inner", "ffn_dim", "decoder_ffn_dim"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_layers", "encoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("decoder_attention_heads", "encoder_attention_heads", "mamba_n_heads"), 4),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), 128),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts"), 4),
    **dict.fromkeys(("num_key_value_heads", "num_experts_per_tok"), 2),
    **dict.fromkeys(("head_dim", "qk_nope_head_dim", "qk_rope_head_dim"), 8),
    **dict.fromkeys(("state_size", "mamba_d_state"), 8),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 16),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "v_head_dim", "qk_head_dim"), 16),
    **dict.fromkeys(("n_shared_experts", "n_group", "topk_group", "first_k_dense_replace"), 1),
    **dict.fromkeys(("linear_num_key_heads", "mamba_expand"), 2),
    **dict.fromkeys(("linear_num_value_heads", "conv_kernel"), 4),
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), 8),
    "mamba_d_head": 16,
}
HYBRID = {
    "num_hidden_layers": 4,
    "layer_types": ["linear_attention"] * 3 + ["full_attention"],
}
SPECIAL: dict[str, dict[str, Any]] = {
    "bert": {"is_decoder": True},
    "roberta": {"is_decoder": True},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4},
    **dict.fromkeys(
        ("deepseek_v2", "deepseek_v3", "glm4_moe_lite", "minicpm3", "youtu", "axk1"),
        {"num_key_value_heads": 4},
    ),
    "mamba2": {"num_heads": 4, "head_dim": 16, "n_groups": 1},
    "qwen3_next": HYBRID,
    "qwen3_5_text": HYBRID,
    "lfm2": {"layer_types": ["conv", "full_attention"]},
}


@cache
def tokenizer() -> Any:
    """A byte tokenizer of a few hundred tokens, shared by all."""
    return byte_tokenizer(["the cat sat on the mat", "12 + 30 = 42"], vocabulary=300)


def tiny_model(model_type: str, seed: int = 0, head: str = "CausalLM", **changes: Any) -> Any:
    """A model of ``model_type`` with random weights, wide enough that its context counts.

    ``head`` is "CausalLM" or "SequenceClassification".
    """
    from transformers import (
        CONFIG_MAPPING,
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
    )

    config_class = CONFIG_MAPPING[model_type]
    known = set(inspect.signature(config_class.__init__).parameters)
    if dataclasses.is_dataclass(config_class):
        known |= {field.name for field in dataclasses.fields(config_class)}
    ids = tokenizer()
    sizes = {name: value for name, value in SIZES.items() if name in known}
    special = {
        "vocab_size": len(ids),
        "pad_token_id": ids.pad_token_id,
        "eos_token_id": ids.eos_token_id,
        "bos_token_id": ids.pad_token_id,
        **SPECIAL.get(model_type, {}),
        **changes,
    }
    if head == "SequenceClassification":
        special["num_labels"] = 1
    # without dropout, so that two passes in training can be compared
    dropout = {name: 0.0 for name in known if "drop" in name and not name.startswith("layer")}
    config = config_class(**{**sizes, **dropout, **special})
    auto = AutoModelForCausalLM
    if head == "SequenceClassification":
        auto = AutoModelForSequenceClassification
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = auto.from_config(config).eval()
        # the usual small start would hide a wrong attention: nearly all of a logit is its own token
        for name, weight in model.named_parameters():
            if weight.dim() >= 2 and "embed" not in name:
                weight.data.mul_(4.0)
    return model


def tiny(model_type: str, seed: int = 0, **changes: Any) -> Policy:
    """A :class:`Policy` around :func:`tiny_model`, with plain prompts."""
    model = tiny_model(model_type, seed, **changes)
    return Policy(model, tokenizer(), template="plain", source=f"tiny {model_type}")
