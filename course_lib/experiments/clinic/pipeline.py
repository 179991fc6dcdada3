"""A clinic of broken pipelines: one healthy rejection-sampling pipeline as eight replaceable steps,
and faults that each replace one step.

Nothing here edits a number. A broken pipeline is ``dataclasses.replace(HEALTHY,
one_step=a_wrong_one)``: it runs, it trains, and it reports what its own author would report.
:func:`careful` then measures the policy it ships by a judge that took no part in it.

What this leaves out: faults of infrastructure (a dropped shard, a wrong checkpoint file) and faults
of data collection. Each fault is shown alone; real pipelines have several, see the lesson's case.
"""

from dataclasses import dataclass, field

import numpy as np

from ... import assets
from ...base import require
from ...methods import selected_examples, sft_loss, train
from ...models import GoldReward, load_policy, load_reward_model, sample, score
from ...pools import Selection, best_per_prompt
from ...worlds import TOPICS, Helpdesk

MEASURES = ("gold", "greedy", "kl", "length", "distinct", "cut")

JUDGED = 160  # prompts on which the round to ship is judged


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


def prompts_of(split, setting, seed, quarters=None, limit=None):
    """Prompts and infos of a split, of all topics or of some ``quarters`` of them (a set of 0 to
    3), at most ``limit``.
    """
    prompts, info = Helpdesk().prompts(split, seed=seed)
    if setting.topics == "quarters":
        order = list(TOPICS)
        rows = [k for k, about in enumerate(info) if order.index(about["topic"]) % 4 in quarters]
        prompts, info = [prompts[k] for k in rows], [info[k] for k in rows]
    return prompts[:limit], info[:limit]


def training_prompts(setting, seed):
    """Prompts of the training split only."""
    return prompts_of("train", setting, seed, {0, 1}, setting.prompts)


def test_prompts(setting):
    """What the author tests on. Held out."""
    return prompts_of("heldout", setting, 0, {2}, setting.test_prompts)


def fresh_prompts(setting):
    """What the careful measurement uses. No pipeline trains on these.

    With topics "all" they are the test prompts; with "quarters", others on topics of their own.
    """
    return prompts_of("heldout", setting, 0, {3}, setting.test_prompts)


def judged_prompts(setting):
    """On what the round to ship is judged: the last held-out prompts.

    With topics "all" none of them is a test prompt (with "quarters" some are; no case judges rounds
    there).
    """
    prompts, info = prompts_of("heldout", setting, 0, {2})
    return prompts[-JUDGED:], info[-JUDGED:]


def sample_candidates(policy, prompts, info, setting, seed):
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


def score_candidates(pool, reward):
    """Each candidate with its prompt, in the reward model's own chat template.

    The rewards go by "proxy".
    """
    return score(pool, reward, "proxy")


def select_best_of_each(pool):
    """The candidate of each prompt with the highest proxy reward."""
    return best_per_prompt(pool, by="proxy")


def keep_all_rounds(rounds):
    """Train on what was selected in every round so far."""
    return rounds


def reply_examples(policy, selection):
    """(prompt ids, response ids): the loss is on the reply alone, its end token included.

    A reply that was cut gets no end token.
    """
    return selected_examples(policy, selection)


def ship_by_judges(policies, base, reward, setting, seed):
    """The round to ship: judged by people (here.

    Gold) on 160 prompts of their own, by neither the selecting reward nor the test prompts.
    """
    prompts, info = judged_prompts(setting)
    pools = [
        score(sample(p, prompts, n=4, seed=7, info=info), GoldReward(Helpdesk(), name="judge"))
        for p in policies
    ]
    return int(np.argmax([float(pool.reward("judge").mean()) for pool in pools]))


@dataclass(frozen=True)
class Pipeline:
    """The steps of one pipeline, in the order in which :func:`run` calls them.

    Replace one to break it.
    """

    prompts: object = training_prompts
    sample: object = sample_candidates
    score: object = score_candidates
    select: object = select_best_of_each
    keep: object = keep_all_rounds
    examples: object = reply_examples
    ship: object = ship_by_judges
    # what the author reports, before and after, on the test prompts: "proxy" or "gold"
    reports: str = "proxy"


HEALTHY = Pipeline()


@dataclass
class Outcome:
    """A finished pipeline: the policy it ships, all policies on the way (base first), and the
    author's dashboard.
    """

    policy: object
    base: object
    checkpoints: list
    # x of each checkpoint: epochs, or rounds when there are several
    marks: list
    losses: list  # training loss by step, in nats a trained token
    # proxy of all candidates and of the selected ones, a number a round
    selected: dict
    examples: list = field(default_factory=list, repr=False)
    shipped: int = -1


def train_on(policy, examples, setting, seed):
    """A copy of ``policy`` fine-tuned on (prompt ids, response ids).

    Returns (policy, the policies after each epoch but the last, losses).
    """
    student, after, calls = policy.copy(), [], [0]
    per_epoch = -(-len(examples) // setting.batch_size)

    def loss_of(rows):
        if calls[0] and calls[0] % per_epoch == 0:
            after.append(student.copy())
        calls[0] += 1
        return sft_loss(student, [examples[i] for i in rows])

    log = train(
        student.model,
        loss_of,
        len(examples),
        epochs=setting.epochs,
        lr=setting.lr,
        batch_size=setting.batch_size,
        seed=seed,
    )
    for p in (student, *after):
        p.model.eval()
    return student, after, log.losses


def run(pipeline=HEALTHY, setting=Setting(), seed=0, base=None, reward=None):
    """Run a pipeline: sample → score → select → fine-tune, ``setting.rounds`` times.

    Returns an :class:`Outcome`.
    """
    base = base or load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = reward or load_reward_model(assets.path(f"helpdesk/{setting.reward}"), device="cpu")
    policy, kept, policies, early, losses, seen = base, [], [], [], [], {"all": [], "selected": []}
    for r in range(setting.rounds):
        prompts, info = pipeline.prompts(setting, seed + 100 * r)
        pool = pipeline.score(
            pipeline.sample(policy, prompts, info, setting, seed + 1000 * r), reward
        )
        kept.append(pipeline.select(pool))
        seen["all"].append(float(pool.rewards["proxy"].mean()))
        seen["selected"].append(float(kept[-1].rewards("proxy").mean()))
        use = pipeline.keep(kept)
        examples = pipeline.examples(base, Selection.concat(use) if len(use) > 1 else use[0])
        require(examples, "the pipeline selected nothing to train on.")
        policy, early, loss = train_on(
            base if setting.start == "base" else policy, examples, setting, seed
        )
        policies.append(policy)
        losses += loss
    checkpoints = [base, *(policies if setting.rounds > 1 else [*early, policy])]
    shipped = pipeline.ship(policies, base, reward, setting, seed) if setting.rounds > 1 else 0
    return Outcome(
        policies[shipped],
        base,
        checkpoints,
        list(range(len(checkpoints))),
        losses,
        seen,
        examples,
        shipped,
    )
