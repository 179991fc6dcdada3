"""One forward pass: policies, log-probabilities, sampling, reward models. No optimiser."""

from .adapters import adapter_facts
from .confidence import SelfCertainty
from .decoding import Engine, RepeatedCacheEngine, SharedPrefixEngine
from .drawing import draw, filtered, uniforms
from .loading import autocast, device_of, evaluating
from .logprobs import (
    batches_by_tokens,
    policy_kl,
    response_logits,
    response_losses,
    sequence_logprobs,
    summed_loss,
    token_logprobs,
)
from .norms import fused_norms
from .policy import Policy, examples_of, load_policy
from .reward_model import (
    PreferenceReport,
    RewardModel,
    load_reward_model,
    new_reward_model,
    preference_report,
)
from .rewards import Ensemble, FunctionReward, GoldReward, Reward, combine, score
from .sampling import sample
from .savings import recomputing, resting
from .settings import Sampling
from .tiny import TinyShape, byte_tokenizer, tiny_policy

__all__ = [
    "Engine",
    "Ensemble",
    "FunctionReward",
    "GoldReward",
    "Policy",
    "PreferenceReport",
    "RepeatedCacheEngine",
    "Reward",
    "RewardModel",
    "Sampling",
    "SelfCertainty",
    "SharedPrefixEngine",
    "TinyShape",
    "adapter_facts",
    "autocast",
    "batches_by_tokens",
    "byte_tokenizer",
    "combine",
    "device_of",
    "draw",
    "evaluating",
    "examples_of",
    "filtered",
    "fused_norms",
    "load_policy",
    "load_reward_model",
    "new_reward_model",
    "policy_kl",
    "preference_report",
    "recomputing",
    "response_logits",
    "response_losses",
    "resting",
    "sample",
    "score",
    "sequence_logprobs",
    "summed_loss",
    "tiny_policy",
    "token_logprobs",
    "uniforms",
]
