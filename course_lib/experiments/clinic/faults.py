"""Faults: each replaces one step of the healthy pipeline."""

from dataclasses import replace

import numpy as np

from ...models import RewardModel, sample
from ...pools import random_per_prompt
from .pipeline import (
    judged_prompts,
    reply_examples,
    sample_candidates,
    score_candidates,
    test_prompts,
    training_prompts,
)


def flipped_score(pool, reward):
    """The reward's sign is wrong: a loss was taken for a score."""
    return pool.with_reward("proxy", -score_candidates(pool, reward).rewards["proxy"])


def conversation_examples(policy, selection):
    """The whole conversation counts as the reply: the loss is on the prompt's tokens too."""
    return [
        (prompt[:1], [*prompt[1:], *response])
        for prompt, response in reply_examples(policy, selection)
    ]


def endless_examples(policy, selection):
    """The end token is cut off every reply (as when it is also the pad token and padding is masked
    out of the loss).
    """
    return [
        (prompt, response[:-1] if response[-1] == policy.end_id else response)
        for prompt, response in reply_examples(policy, selection)
    ]


def ship_by_proxy(policies, base, reward, setting, seed):
    """The round to ship is the one that the selecting reward likes best."""
    prompts, info = judged_prompts(setting)
    pools = [score_candidates(sample(p, prompts, n=4, seed=7, info=info), reward) for p in policies]
    return int(np.argmax([float(pool.rewards["proxy"].mean()) for pool in pools]))


def leaking_prompts(setting, seed):
    """Half of the training prompts are the author's test prompts."""
    test, about = test_prompts(setting)
    half = min(setting.prompts // 2, len(test))
    prompts, info = training_prompts(setting, seed)
    return test[:half] + prompts[: setting.prompts - half], about[:half] + info[
        : setting.prompts - half
    ]


class OtherTemplate(RewardModel):
    """A reward model that is shown conversations in a format it was not trained on."""

    def encode(self, prompts, texts):
        return self.tokenizer(
            [f"Question: {p} Answer: {t}" for p, t in zip(prompts, texts, strict=True)],
            add_special_tokens=False,
        )["input_ids"]


def score_in_another_template(pool, reward):
    """The reward model reads "Question: … Answer: …" without role marks and end token."""
    return score_candidates(pool, OtherTemplate(reward.model, reward.tokenizer, reward.name))


def sample_without_template(policy, prompts, info, setting, seed):
    """The policy is given the bare question, without its chat template."""
    return sample_candidates(replace(policy, template="plain"), prompts, info, setting, seed)


def keep_last_round(rounds):
    """Train on the last round's selection only."""
    return rounds[-1:]


def greedy_clones(policy, prompts, info, setting, seed):
    """Greedy decoding, then N copies of the one reply: N candidates on paper."""
    one = sample(
        policy, prompts, n=1, temperature=0, max_tokens=setting.max_tokens, seed=seed, info=info
    )
    return one.take(candidates=[0] * setting.n)


def misaligned_examples(policy, selection):
    """Prompts whose best reward is below the median are dropped from the list of prompts.

    Zip pairs the rest with the unfiltered replies.
    """
    examples = reply_examples(policy, selection)
    reward = selection.rewards("proxy")
    prompts = [p for (p, _), r in zip(examples, reward, strict=True) if r >= reward.median()]
    return list(zip(prompts, [response for _, response in examples], strict=False))


def cut_as_complete_examples(policy, selection):
    """A reply that was cut at the token limit gets an end token, as if it had ended there."""
    return [
        (prompt, response if response[-1] == policy.end_id else [*response, policy.end_id])
        for prompt, response in reply_examples(policy, selection)
    ]


def choose_at_random(pool):
    """The matched control: one candidate of each prompt, at random."""
    return random_per_prompt(pool, seed=17)
