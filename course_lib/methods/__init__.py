"""All that changes weights: fine-tuning, rounds, reward training, RLHF, and stages on disk."""

from .distillation import LogRank, backward_beta
from .dpo import dpo, dpo_loss, labelled_pairs, pairs_from, sums
from .early_stopping import beginnings, survivors, tokens_written
from .grpo import ADVANTAGES, METHODS, Objective, advantages, grpo, grpo_loss, kept_groups
from .online import clipped, collect, minibatches, now, padded
from .optimiser import Checkpoint, Stepper, TrainingLog, order_of_epoch, train
from .parallel import Alone, Processes, everyone, is_main, processes, share, taking_part
from .ppo import gae, new_critic, policy_loss, ppo, token_rewards, value_loss, values_before, whiten
from .reward_training import bradley_terry_loss, train_reward_model
from .rounds import Request, Round, rejection_sampling_rounds, rounds_from, sampled
from .settings import (
    DPO,
    GRPO,
    PPO,
    FineTuning,
    Online,
    RewardTraining,
    Rounds,
    Training,
)
from .sft import finetune, held_out_loss, selected_examples, sft_loss, trained
from .stages import DONE, Ahead, Span, Stages, fingerprint, keep_part, part_place, unsealed

__all__ = [
    "Alone",
    "Processes",
    "LogRank",
    "ADVANTAGES",
    "Ahead",
    "METHODS",
    "Span",
    "Stages",
    "TrainingLog",
    "Training",
    "Stepper",
    "Rounds",
    "Round",
    "RewardTraining",
    "Request",
    "PPO",
    "Online",
    "Objective",
    "GRPO",
    "FineTuning",
    "DONE",
    "DPO",
    "Checkpoint",
    "advantages",
    "backward_beta",
    "beginnings",
    "bradley_terry_loss",
    "clipped",
    "collect",
    "dpo",
    "dpo_loss",
    "everyone",
    "finetune",
    "fingerprint",
    "gae",
    "grpo",
    "grpo_loss",
    "held_out_loss",
    "keep_part",
    "kept_groups",
    "is_main",
    "labelled_pairs",
    "minibatches",
    "new_critic",
    "now",
    "order_of_epoch",
    "padded",
    "part_place",
    "pairs_from",
    "policy_loss",
    "ppo",
    "processes",
    "rejection_sampling_rounds",
    "rounds_from",
    "sampled",
    "selected_examples",
    "sft_loss",
    "share",
    "sums",
    "survivors",
    "taking_part",
    "token_rewards",
    "tokens_written",
    "train",
    "train_reward_model",
    "trained",
    "unsealed",
    "value_loss",
    "values_before",
    "whiten",
]
