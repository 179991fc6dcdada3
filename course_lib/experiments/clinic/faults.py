"""Faults: each replaces one step of the healthy pipeline."""

from collections.abc import Sequence

import numpy as np

from ...models import Policy, RewardModel, sample
from ...pools import Pool, Selection, random_per_prompt
from .pipeline import (
    Example,
    Prompts,
    Setting,
    judged_prompts,
    reply_examples,
    score_candidates,
    test_prompts,
    training_prompts,
)

# ---- prompts -----------------------------------------------------------------------------------


def leaking_prompts(setting: Setting, seed: int) -> Prompts:
    """Half of the training prompts are the author's test prompts."""
    test, about_test = test_prompts(setting)
    prompts, info = training_prompts(setting, seed)
    half = min(setting.prompts // 2, len(test))
    rest = setting.prompts - half
    return test[:half] + prompts[:rest], about_test[:half] + info[:rest]


# ---- sample ------------------------------------------------------------------------------------


def greedy_clones(
    policy: Policy, prompts: Sequence[str], info: Sequence[dict], setting: Setting, seed: int
) -> Pool:
    """Greedy decoding, then N copies of the one reply: N candidates on paper."""
    one = sample(
        policy,
        prompts,
        n=1,
        temperature=0,
        max_tokens=setting.max_tokens,
        seed=seed,
        info=info,
    )
    return Pool.concat([one] * setting.n, axis="candidates")


# ---- score -------------------------------------------------------------------------------------


def flipped_score(pool: Pool, reward: RewardModel) -> Pool:
    """The reward's sign is wrong: a loss was taken for a score."""
    scored = score_candidates(pool, reward)
    return pool.with_reward("proxy", -scored.rewards["proxy"])


class OtherTemplate(RewardModel):
    """A reward model that is shown conversations in a format it was not trained on."""

    def encode(self, prompts: Sequence[str], texts: Sequence[str]) -> list[list[int]]:
        """Token ids of "Question: … Answer: …", without role marks and end token."""
        shown = [f"Question: {p} Answer: {t}" for p, t in zip(prompts, texts, strict=True)]
        return self.tokenizer(shown, add_special_tokens=False)["input_ids"]


def score_in_another_template(pool: Pool, reward: RewardModel) -> Pool:
    """The reward model reads "Question: … Answer: …" without role marks and end token."""
    return score_candidates(pool, OtherTemplate(reward.model, reward.tokenizer, reward.name))


# ---- select and keep ---------------------------------------------------------------------------


def choose_at_random(pool: Pool) -> Selection:
    """The matched control: one candidate of each prompt, at random."""
    return random_per_prompt(pool, seed=17)


def keep_last_round(rounds: list[Selection]) -> list[Selection]:
    """Train on the last round's selection only."""
    return rounds[-1:]


# ---- examples ----------------------------------------------------------------------------------


def conversation_examples(policy: Policy, selection: Selection) -> list[Example]:
    """The whole conversation counts as the reply: the loss is on the prompt's tokens too."""
    # the first token has nothing before it to be predicted from
    return [
        (prompt[:1], [*prompt[1:], *response])
        for prompt, response in reply_examples(policy, selection)
    ]


def endless_examples(policy: Policy, selection: Selection) -> list[Example]:
    """The end token is cut off every reply.

    As when it is also the pad token and padding is masked out of the loss.
    """
    examples = []
    for prompt, response in reply_examples(policy, selection):
        ended = response[-1] == policy.end_id
        examples.append((prompt, response[:-1] if ended else response))
    return examples


def misaligned_examples(policy: Policy, selection: Selection) -> list[Example]:
    """Prompts whose best reward is below the median are dropped, from the list of prompts alone.

    Zip pairs the rest with the unfiltered replies.
    """
    examples = reply_examples(policy, selection)
    rewards = selection.rewards("proxy")
    median = rewards.median()
    prompts = [p for (p, _), reward in zip(examples, rewards, strict=True) if reward >= median]
    responses = [response for _, response in examples]
    # strict=False is the fault: the lists no longer have one length, and nobody notices
    return list(zip(prompts, responses, strict=False))


def cut_as_complete_examples(policy: Policy, selection: Selection) -> list[Example]:
    """A reply that was cut at the token limit gets an end token, as if it had ended there."""
    examples = []
    for prompt, response in reply_examples(policy, selection):
        ended = response[-1] == policy.end_id
        examples.append((prompt, response if ended else [*response, policy.end_id]))
    return examples


# ---- ship --------------------------------------------------------------------------------------


def ship_by_proxy(
    policies: Sequence[Policy], base: Policy, reward: RewardModel, setting: Setting, seed: int
) -> int:
    """The round to ship is the one that the selecting reward likes best."""
    prompts, info = judged_prompts(setting)
    means = []
    for policy in policies:
        pool = score_candidates(sample(policy, prompts, n=4, seed=7, info=info), reward)
        means.append(float(pool.rewards["proxy"].mean()))
    return int(np.argmax(means))
