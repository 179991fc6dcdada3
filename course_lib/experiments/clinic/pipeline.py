"""A clinic of broken pipelines: one healthy pipeline, and faults that each replace one step of it.

The healthy one is rejection-sampling fine-tuning as eight replaceable steps. Nothing here edits a
number. A broken pipeline is ``dataclasses.replace(HEALTHY, one_step=a_wrong_one)``: it runs, it
trains, and it reports what its own author would report. :func:`careful` then measures the policy it
ships by a judge that took no part in it.

What this leaves out: faults of infrastructure (a dropped shard, a wrong checkpoint file) and faults
of data collection. Each fault is shown alone; real pipelines have several, see the lesson's case.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ... import assets
from ...base import Hooks, require
from ...methods import selected_examples, sft_loss, train
from ...models import (
    GoldReward,
    Policy,
    RewardModel,
    load_policy,
    load_reward_model,
    sample,
    score,
)
from ...pools import Pool, Selection, best_per_prompt
from ...worlds import TOPICS, Helpdesk

MEASURES = ("gold", "greedy", "kl", "length", "distinct", "cut")

JUDGED = 160  # prompts on which the round to ship is judged

Prompts = tuple[list[str], list[dict]]  # prompts, and what the world knows of each
Example = tuple[list[int], list[int]]  # prompt ids, response ids


@dataclass(frozen=True)
class Setting:
    """Sizes and dials of one pipeline, equal for a broken one and its repaired twin.

    ``start``: each round trains the "base" policy or that of the "last" round. ``topics``: "all",
    or "quarters" (train on two quarters of the topics, the author tests on the third, the careful
    measurement uses the fourth).
    """

    prompts: int = 128
    n: int = 8
    rounds: int = 1
    epochs: int = 3
    lr: float = 1e-3
    batch_size: int = 16
    reward: str = "reward-8000"
    temperature: float = 1.0
    max_tokens: int = 96
    start: str = "base"
    topics: str = "all"
    test_prompts: int = 96
    served: int = 4


# ---- prompts -----------------------------------------------------------------------------------


def prompts_of(
    split: str,
    setting: Setting,
    seed: int,
    quarters: Container[int] | None = None,
    limit: int | None = None,
) -> Prompts:
    """Prompts and infos of a split, at most ``limit``.

    Of all topics, or with ``setting.topics`` "quarters" of those in ``quarters`` (a set of 0 to 3).
    """
    prompts, info = Helpdesk().prompts(split, seed=seed)
    if setting.topics == "quarters":
        order = list(TOPICS)
        rows = [k for k, about in enumerate(info) if order.index(about["topic"]) % 4 in quarters]
        prompts = [prompts[k] for k in rows]
        info = [info[k] for k in rows]
    return prompts[:limit], info[:limit]


def training_prompts(setting: Setting, seed: int) -> Prompts:
    """Prompts of the training split only."""
    return prompts_of("train", setting, seed, {0, 1}, setting.prompts)


def test_prompts(setting: Setting) -> Prompts:
    """What the author tests on. Held out."""
    return prompts_of("heldout", setting, 0, {2}, setting.test_prompts)


def fresh_prompts(setting: Setting) -> Prompts:
    """What the careful measurement uses. No pipeline trains on these.

    With topics "all" they are the test prompts; with "quarters", others on topics of their own.
    """
    return prompts_of("heldout", setting, 0, {3}, setting.test_prompts)


def judged_prompts(setting: Setting) -> Prompts:
    """On what the round to ship is judged: the last held-out prompts.

    With topics "all" none of them is a test prompt (with "quarters" some are; no case judges rounds
    there).
    """
    prompts, info = prompts_of("heldout", setting, 0, {2})
    return prompts[-JUDGED:], info[-JUDGED:]


# ---- the healthy steps -------------------------------------------------------------------------


def sample_candidates(
    policy: Policy, prompts: Sequence[str], info: Sequence[dict], setting: Setting, seed: int
) -> Pool:
    """N independent candidates for each prompt."""
    return sample(
        policy,
        prompts,
        n=setting.n,
        temperature=setting.temperature,
        max_tokens=setting.max_tokens,
        seed=seed,
        info=info,
    )


def score_candidates(pool: Pool, reward: RewardModel) -> Pool:
    """Each candidate with its prompt, in the reward model's own chat template.

    The rewards go by "proxy".
    """
    return score(pool, reward, "proxy")


def select_best_of_each(pool: Pool) -> Selection:
    """The candidate of each prompt that the reward model scores highest."""
    return best_per_prompt(pool, by="proxy")


def keep_all_rounds(rounds: list[Selection]) -> list[Selection]:
    """Train on what was selected in every round so far."""
    return rounds


def reply_examples(policy: Policy, selection: Selection) -> list[Example]:
    """(prompt ids, response ids): the loss is on the reply alone, its end token included.

    A reply that was cut gets no end token.
    """
    return selected_examples(policy, selection)


def ship_by_judges(
    policies: Sequence[Policy], base: Policy, reward: RewardModel, setting: Setting, seed: int
) -> int:
    """The round to ship: judged by people, here by gold, on 160 prompts of their own.

    Neither the selecting reward nor the test prompts take part.
    """
    prompts, info = judged_prompts(setting)
    judge = GoldReward(Helpdesk(), name="judge")
    means = []
    for policy in policies:
        pool = score(sample(policy, prompts, n=4, seed=7, info=info), judge)
        means.append(float(pool.reward("judge").mean()))
    return int(np.argmax(means))


# ---- the pipeline ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pipeline:
    """The steps of one pipeline, in the order in which :func:`run` calls them.

    Replace one to break it.
    """

    prompts: Callable[[Setting, int], Prompts] = training_prompts
    sample: Callable[[Policy, Sequence[str], Sequence[dict], Setting, int], Pool] = (
        sample_candidates
    )
    score: Callable[[Pool, RewardModel], Pool] = score_candidates
    select: Callable[[Pool], Selection] = select_best_of_each
    keep: Callable[[list[Selection]], list[Selection]] = keep_all_rounds
    examples: Callable[[Policy, Selection], list[Example]] = reply_examples
    ship: Callable[[Sequence[Policy], Policy, RewardModel, Setting, int], int] = ship_by_judges
    # what the author reports, before and after, on the test prompts: "proxy" or "gold"
    reports: str = "proxy"


HEALTHY = Pipeline()


@dataclass
class Outcome:
    """A finished pipeline: the policy it ships, the policies on the way, the author's dashboard.

    Attributes
    ----------
    checkpoints : all policies on the way, the base first.
    marks : x of each checkpoint: epochs, or rounds when there are several.
    losses : training loss by step, in nats a trained token.
    selected : mean proxy reward of "all" candidates and of the "selected" ones, a number a round.
    examples : what the last round trained on.
    shipped : the round that is shipped, counted from 0.
    """

    policy: Policy
    base: Policy
    checkpoints: list[Policy]
    marks: list[int]
    losses: list[float]
    selected: dict[str, list[float]]
    examples: list[Example] = field(default_factory=list, repr=False)
    shipped: int = -1


def train_on(
    policy: Policy, examples: Sequence[Example], setting: Setting, seed: int
) -> tuple[Policy, list[Policy], list[float]]:
    """A copy of ``policy`` fine-tuned on (prompt ids, response ids).

    Returns (policy, the policies after each epoch but the last, losses).
    """
    student = policy.copy()
    after: list[Policy] = []

    def loss_of(rows: Sequence[int]) -> tuple[torch.Tensor, int]:
        return sft_loss(student, [examples[i] for i in rows])

    def keep_copy(epochs_done: int) -> None:
        if epochs_done < setting.epochs:
            after.append(student.copy())

    log = train(
        student.model,
        loss_of,
        len(examples),
        epochs=setting.epochs,
        lr=setting.lr,
        batch_size=setting.batch_size,
        seed=seed,
        hooks=Hooks(on_epoch=keep_copy),
    )
    for trained in (student, *after):
        trained.model.eval()
    return student, after, log.losses


def run(
    pipeline: Pipeline = HEALTHY,
    setting: Setting = Setting(),
    seed: int = 0,
    base: Policy | None = None,
    reward: RewardModel | None = None,
) -> Outcome:
    """Run a pipeline: sample → score → select → fine-tune, ``setting.rounds`` times."""
    base = base or load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = reward or load_reward_model(assets.path(f"helpdesk/{setting.reward}"), device="cpu")
    policy = base
    kept: list[Selection] = []  # one a round
    policies: list[Policy] = []  # one a round
    losses: list[float] = []
    seen: dict[str, list[float]] = {"all": [], "selected": []}

    for r in range(setting.rounds):
        prompts, info = pipeline.prompts(setting, seed + 100 * r)
        pool = pipeline.sample(policy, prompts, info, setting, seed + 1000 * r)
        pool = pipeline.score(pool, reward)
        selection = pipeline.select(pool)
        kept.append(selection)
        seen["all"].append(float(pool.rewards["proxy"].mean()))
        seen["selected"].append(float(selection.rewards("proxy").mean()))

        use = pipeline.keep(kept)
        together = Selection.concat(use) if len(use) > 1 else use[0]
        examples = pipeline.examples(base, together)
        require(examples, "the pipeline selected nothing to train on.")
        start = base if setting.start == "base" else policy
        policy, early, losses_of_round = train_on(start, examples, setting, seed)
        policies.append(policy)
        losses += losses_of_round

    if setting.rounds > 1:
        checkpoints = [base, *policies]
        shipped = pipeline.ship(policies, base, reward, setting, seed)
    else:
        checkpoints = [base, *early, policy]
        shipped = 0
    return Outcome(
        policy=policies[shipped],
        base=base,
        checkpoints=checkpoints,
        marks=list(range(len(checkpoints))),
        losses=losses,
        selected=seen,
        examples=examples,
        shipped=shipped,
    )
