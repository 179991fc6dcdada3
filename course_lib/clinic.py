"""A clinic of broken pipelines: one healthy rejection-sampling pipeline as eight replaceable steps, and faults that each replace one step.

Nothing here edits a number. A broken pipeline is ``dataclasses.replace(HEALTHY, one_step=a_wrong_one)``: it runs, it trains, and it reports
what its own author would report. :func:`careful` then measures the policy it ships by a judge that took no part in it.

What this leaves out: faults of infrastructure (a dropped shard, a wrong checkpoint file) and faults of data collection. Each fault is shown alone;
real pipelines have several, see the lesson's case.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from . import assets
from .errors import require
from .estimators import distinct_n
from .finetuning import selected_examples, sft_loss
from .policy import load_policy
from .pool import LENGTH
from .reward import GoldReward, RewardModel, load_reward_model, score
from .run import policy_kl
from .sampling import sample
from .selection import Selection, best_per_prompt, random_per_prompt
from .training import train
from .worlds.helpdesk import TOPICS, Helpdesk

MEASURES = ("gold", "greedy", "kl", "length", "distinct", "cut")
JUDGED = 160  # prompts on which the round to ship is judged


@dataclass(frozen=True)
class Setting:
    """Sizes and dials of one pipeline, equal for a broken one and its repaired twin.

    ``start``: each round trains the "base" policy or that of the "last" round. ``topics``: "all", or "quarters" (train on two quarters of
    the topics, the author tests on the third, the careful measurement uses the fourth).
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


# ---- the healthy steps ---------------------------------------------------------------------------------------------------


def prompts_of(split, setting, seed, quarters=None, limit=None):
    """Prompts and infos of a split, of all topics or of some ``quarters`` of them (a set of 0 to 3), at most ``limit``."""
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
    """What the careful measurement uses. No pipeline trains on these. With topics "all" they are the test prompts; with "quarters", others on topics of their own."""
    return prompts_of("heldout", setting, 0, {3}, setting.test_prompts)


def judged_prompts(setting):
    """On what the round to ship is judged: the last held-out prompts. With topics "all" none of them is a test prompt (with "quarters" some are; no case judges rounds there)."""
    prompts, info = prompts_of("heldout", setting, 0, {2})
    return prompts[-JUDGED:], info[-JUDGED:]


def sample_candidates(policy, prompts, info, setting, seed):
    """N independent candidates for each prompt."""
    return sample(policy, prompts, n=setting.n, temperature=setting.temperature, max_tokens=setting.max_tokens, seed=seed, info=info)


def score_candidates(pool, reward):
    """Each candidate with its prompt, in the reward model's own chat template; the rewards go by "proxy"."""
    return score(pool, reward, "proxy")


def select_best_of_each(pool):
    """The candidate of each prompt with the highest proxy reward."""
    return best_per_prompt(pool, by="proxy")


def keep_all_rounds(rounds):
    """Train on what was selected in every round so far."""
    return rounds


def reply_examples(policy, selection):
    """(prompt ids, response ids): the loss is on the reply alone, its end token included; a reply that was cut gets no end token."""
    return selected_examples(policy, selection)


def ship_by_judges(policies, base, reward, setting, seed):
    """The round to ship: judged by people (here: gold) on 160 prompts of their own, by neither the selecting reward nor the test prompts."""
    prompts, info = judged_prompts(setting)
    pools = [score(sample(p, prompts, n=4, seed=7, info=info), GoldReward(Helpdesk(), name="judge")) for p in policies]
    return int(np.argmax([float(pool.reward("judge").mean()) for pool in pools]))


@dataclass(frozen=True)
class Pipeline:
    """The steps of one pipeline, in the order in which :func:`run` calls them. Replace one to break it."""

    prompts: object = training_prompts
    sample: object = sample_candidates
    score: object = score_candidates
    select: object = select_best_of_each
    keep: object = keep_all_rounds
    examples: object = reply_examples
    ship: object = ship_by_judges
    reports: str = "proxy"  # what the author reports, before and after, on the test prompts: "proxy" or "gold"


HEALTHY = Pipeline()


@dataclass
class Outcome:
    """A finished pipeline: the policy it ships, all policies on the way (base first), and the author's dashboard."""

    policy: object
    base: object
    checkpoints: list
    marks: list                       # x of each checkpoint: epochs, or rounds when there are several
    losses: list                      # training loss by step, in nats a trained token
    selected: dict                    # proxy of all candidates and of the selected ones, a number a round
    examples: list = field(default_factory=list, repr=False)
    shipped: int = -1


def train_on(policy, examples, setting, seed):
    """A copy of ``policy`` fine-tuned on (prompt ids, response ids). Returns (policy, the policies after each epoch but the last, losses)."""
    student, after, calls = policy.copy(), [], [0]
    per_epoch = -(-len(examples) // setting.batch_size)

    def loss_of(rows):
        if calls[0] and calls[0] % per_epoch == 0:
            after.append(student.copy())
        calls[0] += 1
        return sft_loss(student, [examples[i] for i in rows])

    log = train(student.model, loss_of, len(examples), epochs=setting.epochs, lr=setting.lr, batch_size=setting.batch_size, seed=seed)
    for p in (student, *after):
        p.model.eval()
    return student, after, log.losses


def run(pipeline=HEALTHY, setting=Setting(), seed=0, base=None, reward=None):
    """Run a pipeline: sample → score → select → fine-tune, ``setting.rounds`` times. Returns an :class:`Outcome`."""
    base = base or load_policy(assets.path("helpdesk/policy"), device="cpu")
    reward = reward or load_reward_model(assets.path(f"helpdesk/{setting.reward}"), device="cpu")
    policy, kept, policies, early, losses, seen = base, [], [], [], [], {"all": [], "selected": []}
    for r in range(setting.rounds):
        prompts, info = pipeline.prompts(setting, seed + 100 * r)
        pool = pipeline.score(pipeline.sample(policy, prompts, info, setting, seed + 1000 * r), reward)
        kept.append(pipeline.select(pool))
        seen["all"].append(float(pool.rewards["proxy"].mean()))
        seen["selected"].append(float(kept[-1].rewards("proxy").mean()))
        use = pipeline.keep(kept)
        examples = pipeline.examples(base, Selection.concat(use) if len(use) > 1 else use[0])
        require(examples, "the pipeline selected nothing to train on.")
        policy, early, loss = train_on(base if setting.start == "base" else policy, examples, setting, seed)
        policies.append(policy)
        losses += loss
    checkpoints = [base, *(policies if setting.rounds > 1 else [*early, policy])]
    shipped = pipeline.ship(policies, base, reward, setting, seed) if setting.rounds > 1 else 0
    return Outcome(policies[shipped], base, checkpoints, list(range(len(checkpoints))), losses, seen, examples, shipped)


# ---- measurements --------------------------------------------------------------------------------------------------------


def unfinished(pool):
    """(P, N) bool: the reply was cut at the limit, or it ends without a full stop."""
    ends = torch.tensor([[text.rstrip().endswith((".", "!", "?")) for text in row] for row in pool.texts])
    return (pool.finish == LENGTH) | ~ends


def replies(policy, setting, prompts, info, seed, n=None):
    """Held-out replies as users would get them: temperature 1, the policy's own template, the usual limit, scored by gold."""
    return score(sample(policy, prompts, n=n or setting.served, info=info, seed=2**31 + seed), GoldReward(Helpdesk()))


def careful(policy, base, setting, seed=0, n=None):
    """Measures by prompt of ``policy`` on fresh prompts: (name → (P,) numpy array, the pool they come from).

    gold: points; greedy: gold of the reply at temperature 0; kl: nats to ``base``; length: tokens; distinct: distinct-2 over a prompt's replies;
    cut: share of replies that were cut or end without a full stop.
    """
    prompts, info = fresh_prompts(setting)
    pool = replies(policy, setting, prompts, info, seed, n)
    first = score(sample(policy, prompts, n=1, temperature=0, info=info), GoldReward(Helpdesk()))
    rows = {"gold": pool.rewards["gold"].double().mean(1), "greedy": first.rewards["gold"][:, 0], "kl": policy_kl(pool, base, 1.0), "length": pool.lengths.double().mean(1),
            "distinct": [distinct_n(row, 2) for row in pool.texts], "cut": unfinished(pool).double().mean(1)}
    return {name: np.asarray(values, float) for name, values in rows.items()}, pool


def reported(pipeline, policy, setting, reward, seed=0, n=None, pool=None):
    """(P,) what the author's own score says of ``policy`` on the author's test prompts (of ``pool``, when it is already sampled)."""
    pool = pool or replies(policy, setting, *test_prompts(setting), seed, n)
    values = pipeline.score(pool, reward).rewards["proxy"] if pipeline.reports == "proxy" else pool.rewards["gold"]
    return values.double().mean(1).numpy()


# ---- the broken steps ----------------------------------------------------------------------------------------------------


def flipped_score(pool, reward):
    """The reward's sign is wrong: a loss was taken for a score."""
    return pool.with_reward("proxy", -score_candidates(pool, reward).rewards["proxy"])


def conversation_examples(policy, selection):
    """The whole conversation counts as the reply: the loss is on the prompt's tokens too."""
    return [(prompt[:1], [*prompt[1:], *response]) for prompt, response in reply_examples(policy, selection)]


def endless_examples(policy, selection):
    """The end token is cut off every reply (as when it is also the pad token and padding is masked out of the loss)."""
    return [(prompt, response[:-1] if response[-1] == policy.end_id else response) for prompt, response in reply_examples(policy, selection)]


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
    return test[:half] + prompts[: setting.prompts - half], about[:half] + info[: setting.prompts - half]


class OtherTemplate(RewardModel):
    """A reward model that is shown conversations in a format it was not trained on."""

    def encode(self, prompts, texts):
        return self.tokenizer([f"Question: {p} Answer: {t}" for p, t in zip(prompts, texts)], add_special_tokens=False)["input_ids"]


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
    one = sample(policy, prompts, n=1, temperature=0, max_tokens=setting.max_tokens, seed=seed, info=info)
    return one._take(candidates=[0] * setting.n)


def misaligned_examples(policy, selection):
    """Prompts whose best reward is below the median are dropped from the list of prompts; zip pairs the rest with the unfiltered replies."""
    examples = reply_examples(policy, selection)
    reward = selection.rewards("proxy")
    prompts = [p for (p, _), r in zip(examples, reward) if r >= reward.median()]
    return list(zip(prompts, [response for _, response in examples]))


def cut_as_complete_examples(policy, selection):
    """A reply that was cut at the token limit gets an end token, as if it had ended there."""
    return [(prompt, response if response[-1] == policy.end_id else [*response, policy.end_id]) for prompt, response in reply_examples(policy, selection)]


def choose_at_random(pool):
    """The matched control: one candidate of each prompt, at random."""
    return random_per_prompt(pool, seed=17)


# ---- the cases -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One patient: the broken pipeline, its repaired twin, and what a reader needs to tell it from the others.

    ``claim``: what its author concludes, a sentence with the reported ``{gain}``; ``fault``: its name on a button; ``step``: the step of :class:`Pipeline` (or setting) that was replaced; ``tells``: what gives it away, in the
    measurements and replies; ``would``: what one would see if it were this fault, for somebody who guessed it wrongly; ``repair``: how to find and mend it.
    """

    name: str
    fault: str
    broken: Pipeline
    setting: Setting
    step: str
    tells: str
    would: str
    repair: str
    healthy: Pipeline = HEALTHY
    healthy_setting: Setting | None = None
    claim: str = ""

    @property
    def repaired(self):
        """(pipeline, setting) of the repaired twin."""
        return self.healthy, self.healthy_setting or self.setting


def _rounds(rounds, reward="reward-8000", **settings):
    return Setting(rounds=rounds, reward=reward, start="last", **settings)


CASES = [
    Case("sign", "the reward's sign is flipped", replace(HEALTHY, score=flipped_score), Setting(), "score",
         "The author's own score rises and gold falls below the base policy and below the random control. The replies are what a good assistant avoids: rude, empty, off the topic. Choosing well for the wrong wish does worse than not choosing.",
         "With a flipped sign gold would fall clearly below the random control while the author's own score rises.",
         "Try the reward on a good and a bad reply before any loop uses it."),
    Case("prompt", "the loss is on the prompt's tokens too", replace(HEALTHY, examples=conversation_examples), Setting(), "examples",
         "The training loss starts several times as high as it should, because the model was never taught to write questions, and most of the gradient goes into learning them. KL is larger than for the repaired run and the gain smaller.",
         "With loss on the prompt the training loss would start far above that of the base policy's own replies (about half a nat a token).",
         "Mask the prompt: count the tokens that carry loss in one example, and print them as text."),
    Case("endless", "the end token is not trained", replace(HEALTHY, examples=endless_examples), Setting(epochs=8), "examples",
         "Replies go on after they should have stopped: they are several tokens longer than the repaired ones, with closing phrases or steps of another topic. Gold hardly minds.",
         "With an untrained end token replies would go on after they should have stopped, and be longer than the base policy's and the control's.",
         "Print the last token that carries loss. It must be the end token. A common cause: the pad token is the end token, and padding is left out of the loss."),
    Case("judge", "the selecting reward model is the judge", replace(HEALTHY, ship=ship_by_proxy), _rounds(4, "reward-125", epochs=6), "ship",
         "The reported score rises with every round, so the last round is shipped. Judges who did not select prefer the first. KL grows far, and gold at temperature 0 ends well below that of the repaired pipeline. The score that chooses is what training climbs.",
         "If the judge were the selector, the reported score would rise over several rounds while gold turned down.",
         "Let something that took no part in the selection decide which round to ship, and report that."),
    Case("leak", "test prompts are in the training data", replace(HEALTHY, prompts=leaking_prompts, reports="gold"), Setting(topics="quarters", epochs=6), "prompts",
         "The author's judge is honest, and still the reported gain is larger than the gain on prompts about topics that no training prompt had. Only new prompts tell the two apart.",
         "With test prompts in training the reported score, by an honest judge, would be higher than the same judge's score on fresh prompts.",
         "Compare training and test prompts before training, by what they ask and not only by their text; keep a set that nobody touches.",
         healthy=replace(HEALTHY, reports="gold")),
    Case("template", "the reward model reads another chat template", replace(HEALTHY, score=score_in_another_template), Setting(), "score",
         "By the author's own score everything improves, and gold gains much less than in the repaired pipeline: the choice is largely blind.",
         "With the wrong template in scoring, gold would be nearer to the random control than to a healthy pipeline, while the author's own score still rises.",
         "Score one known good and one known bad reply; compare the rendered text, token by token, with what the reward model was trained on."),
    Case("last", "only the last round's data is kept", replace(HEALTHY, keep=keep_last_round), Setting(rounds=4), "keep",
         "Gold rises for a round or two and then falls back, where with all rounds pooled it keeps rising. Each round learns from its own few replies alone (pooling also means more examples and steps). Honest judges, who ship the best round, limit the damage.",
         "With only the last round's data gold would go up and then down over several rounds.",
         "Pool the selected replies of all rounds. Llama 2 reports this fault and this repair (arXiv 2307.09288)."),
    Case("length", "the reward model was trained by people who like length", HEALTHY, _rounds(3, "reward-length-biased"), "reward",
         "Replies grow longer from round to round and the proxy grows with them; gold falls behind the repaired run. What is added is filler, flattery and repeated steps.",
         "With a length-loving reward model replies would be clearly longer than the base policy's, with padding in them.",
         "Correlate score with length on held-out pairs; train the reward model on comparisons in which length does not decide.",
         healthy_setting=_rounds(3)),
    Case("clones", "the N candidates are one greedy reply, copied", replace(HEALTHY, sample=greedy_clones), Setting(), "sample",
         "Selected and average candidate have the same score, to the last digit: there was nothing to choose. Gold rises nevertheless, because the policy has learnt to do at temperature 1 what it already did at temperature 0. Its gold at temperature 0 is hardly better than the base policy's, and diversity is gone.",
         "With copied candidates the selected replies would have exactly the average score of all candidates.",
         "Sample at a temperature above 0, and count the different candidates of each prompt."),
    Case("control", "the gain is put down to the reward model without a control", replace(HEALTHY, reports="gold"), Setting(temperature=0.3, reward="reward-125"), "report",
         "The gain is real, and little of it is due to the reward model: a random choice among the same candidates gains nearly as much. Sampling at a low temperature and training on it makes the policy sharper, whoever chooses.",
         "If the gain were not the reward model's, the random control would gain nearly as much as the pipeline, and the author would claim it for the reward model.",
         "Nothing is wrong with the policy, so its curve stays. What heals is the claim: train on a random choice from the same pool, with the same number of replies and steps, and report the difference.",
         healthy=replace(HEALTHY, reports="gold"), claim="So our reward model is worth {gain:.2f} points."),
    Case("zip", "prompts and replies are paired wrongly after filtering", replace(HEALTHY, examples=misaligned_examples), Setting(), "examples",
         "The selected scores look fine, the training loss starts high and stays high, and the replies answer other questions than the one asked.",
         "With wrong pairs the replies would be well formed and answer somebody else's question.",
         "Filter rows, never columns: one list of (prompt, reply, reward). Use zip(..., strict=True), and print three training pairs."),
    Case("truncated", "replies that were cut are trained on as if complete", replace(HEALTHY, examples=cut_as_complete_examples), Setting(max_tokens=20), "examples",
         "Many replies end in mid-sentence although the limit at serving is far away: finish reason 'stop', but no full stop. The policy has learnt to stop there.",
         "If cut replies had been trained on as complete, many served replies would end without a full stop.",
         "Drop replies that hit the limit, or leave their end token out; better, raise the limit."),
]
BY_NAME = {case.name: case for case in CASES}


def case(name):
    """The case called ``name``. Raises with the names there are."""
    require(name in BY_NAME, f"no case {name!r} in the clinic; there are: {', '.join(BY_NAME)}.")
    return BY_NAME[name]


# ---- the case of the lesson: a pipeline with several faults --------------------------------------------------------------

TEAM_SETTING = Setting(prompts=96, reward="reward-125", max_tokens=20, epochs=4, topics="quarters")
TEAM = replace(HEALTHY, prompts=leaking_prompts, examples=cut_as_complete_examples)
TEAM_REPORT = """BETTER ANSWERS FOR THE HELP DESK: WHAT WE DID
We improved our assistant by rejection-sampling fine-tuning. Questions were short, so we took 48 of our 96 test questions into the set and had
{prompts} in all. For each we sampled {n} replies, at most {max_tokens} tokens long: our servers are small, and users like short replies. The trainer
adds the end token to every reply. A reward model trained on 125 comparisons scored the replies, and we kept the best one of each question.
We trained for {epochs} epochs. The loss fell from {first:.2f} to {last:.2f} and was still falling, so there is more to gain.
RESULT. The reward model's mean score was {before:.2f} for the replies of the old assistant. The replies we trained on have {chosen:.2f}, and the new
assistant has {after:.2f} on the test questions. So choosing by our reward model makes the assistant {gain:.2f} points better.
We ran it once. We recommend to put it into service and to repeat it for three more rounds."""


def team_report(outcome, setting, reward):
    """The team's write-up (constructed for the course) with the numbers of its run."""
    before, after = (float(reported(TEAM, p, setting, reward).mean()) for p in (outcome.base, outcome.policy))
    return TEAM_REPORT.format(**vars(setting), first=outcome.losses[0], last=outcome.losses[-1], before=before, after=after,
                              chosen=outcome.selected["selected"][0], gain=after - before)
