"""The cases of the clinic: a fault, its symptoms and its repair."""

from dataclasses import dataclass, replace

from ...base import require
from ...models import RewardModel
from .faults import (
    conversation_examples,
    cut_as_complete_examples,
    endless_examples,
    flipped_score,
    greedy_clones,
    keep_last_round,
    leaking_prompts,
    misaligned_examples,
    score_in_another_template,
    ship_by_proxy,
)
from .measurements import reported
from .pipeline import HEALTHY, Outcome, Pipeline, Setting


@dataclass(frozen=True)
class Case:
    """One patient: the broken pipeline, its repaired twin, and how to tell it from the others.

    Attributes
    ----------
    fault : its name on a button.
    step : the step of :class:`Pipeline` (or setting) that was replaced.
    tells : what gives it away, in the measurements and replies.
    would : what one would see if it were this fault, for somebody who guessed it wrongly.
    repair : how to find and mend it.
    claim : what its author concludes, a sentence with the reported ``{gain}``.
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
    def repaired(self) -> tuple[Pipeline, Setting]:
        """(pipeline, setting) of the repaired twin."""
        return self.healthy, self.healthy_setting or self.setting


CASES = [
    Case(
        name="sign",
        fault="the reward's sign is flipped",
        broken=replace(HEALTHY, score=flipped_score),
        setting=Setting(),
        step="score",
        tells=(
            "The author's own score rises and gold falls below the base policy and below the "
            "random control, at temperature 0 as well. The replies are what a good assistant "
            "avoids: filler without a step, steps of another topic, help with what must be "
            "refused. Choosing well for the wrong wish does worse than not choosing."
        ),
        would=(
            "With a flipped sign gold would fall clearly below the random control while the "
            "author's own score rises."
        ),
        repair="Try the reward on a good and a bad reply before any loop uses it.",
    ),
    Case(
        name="prompt",
        fault="the loss is on the prompt's tokens too",
        broken=replace(HEALTHY, examples=conversation_examples),
        setting=Setting(),
        step="examples",
        tells=(
            "The training loss starts many times as high as it should, because the model was "
            "never taught to write questions, and most of the gradient goes into learning them. "
            "KL is larger than for the repaired run and most of its gain is lost. At temperature "
            "0 the loss hardly shows."
        ),
        would=(
            "With loss on the prompt the training loss would start far above that of the base "
            "policy's own replies (less than half a nat a token)."
        ),
        repair=(
            "Mask the prompt: count the tokens that carry loss in one example, and print them "
            "as text."
        ),
    ),
    Case(
        name="endless",
        fault="the end token is not trained",
        broken=replace(HEALTHY, examples=endless_examples),
        setting=Setting(epochs=8),
        step="examples",
        tells=(
            "Replies go on after they should have stopped: they are several tokens longer than "
            "the repaired ones, with phrases after the point where an answer ends. "
            "Gold does not show it."
        ),
        would=(
            "With an untrained end token replies would go on after they should have stopped, and "
            "be longer than the base policy's and the control's."
        ),
        repair=(
            "Print the last token that carries loss. It must be the end token. A common cause: "
            "the pad token is the end token, and padding is left out of the loss."
        ),
    ),
    Case(
        name="judge",
        fault="the selecting reward model is the judge",
        broken=replace(HEALTHY, ship=ship_by_proxy),
        setting=Setting(rounds=4, reward="reward-125", start="last", epochs=6),
        step="ship",
        tells=(
            "The reported score rises with every round, so the last round is shipped. Judges who "
            "did not select prefer an earlier round in each of the three runs: gold is, on "
            "average, highest after the first and then falls, while KL grows far. The score that "
            "chooses is what training climbs."
        ),
        would=(
            "If the judge were the selector, the reported score would rise over several rounds "
            "while gold turned down."
        ),
        repair=(
            "Let something that took no part in the selection decide which round to ship, and "
            "report that."
        ),
    ),
    Case(
        name="leak",
        fault="test prompts are in the training data",
        broken=replace(HEALTHY, prompts=leaking_prompts, reports="gold"),
        setting=Setting(topics="quarters", epochs=6),
        step="prompts",
        tells=(
            "The author's judge is honest, and still the reported gain is larger, on average, "
            "than the gain on prompts about topics that no training prompt had. On those the "
            "pipeline is no better than its repaired twin; its report is. Only new prompts can "
            "tell."
        ),
        would=(
            "With test prompts in training the reported score, by an honest judge, would be "
            "higher than the same judge's score on fresh prompts."
        ),
        repair=(
            "Compare training and test prompts before training, by what they ask and not only by "
            "their text; keep a set that nobody touches."
        ),
        healthy=replace(HEALTHY, reports="gold"),
    ),
    Case(
        name="template",
        fault="the reward model reads another chat template",
        broken=replace(HEALTHY, score=score_in_another_template),
        setting=Setting(),
        step="score",
        tells=(
            "By the author's own score everything improves, and gold gains about half as much as "
            "in the repaired pipeline, on average: the choice is half blind. How much is lost "
            "differs from run to run, so three seeds do not tell it from chance, neither from "
            "the repaired pipeline nor from the random control. And the base policy's score is "
            "not what the same reward model gives it elsewhere."
        ),
        would=(
            "With the wrong template in scoring, gold would end between the random control and "
            "a healthy pipeline, while the author's own score still rises."
        ),
        repair=(
            "Score one known good and one known bad reply; compare the rendered text, token by "
            "token, with what the reward model was trained on."
        ),
    ),
    Case(
        name="last",
        fault="only the last round's data is kept",
        broken=replace(HEALTHY, keep=keep_last_round),
        setting=Setting(rounds=4),
        step="keep",
        tells=(
            "Gold rises for two rounds and falls back by the fourth, where with all rounds pooled "
            "it does not fall. Each round learns from its own few replies alone (pooling also "
            "means more examples and steps). Honest judges limit the damage: they ship round 2, "
            "with no difference we can detect from the repaired pipeline."
        ),
        would=(
            "With only the last round's data gold would go up and then down over several rounds."
        ),
        repair=(
            "Pool the selected replies of all rounds. Llama 2 reports this fault and this repair "
            "(arXiv 2307.09288)."
        ),
    ),
    Case(
        name="length",
        fault="the reward model was trained by people who like length",
        broken=HEALTHY,
        setting=Setting(rounds=3, reward="reward-length-biased", start="last"),
        step="reward",
        tells=(
            "Replies grow longer from round to round and the proxy grows with them. Gold rises "
            "too, and falls behind the repaired run on average; three seeds do not tell that "
            "from chance. What is added is polite phrases, filler and repeated steps."
        ),
        would=(
            "With a length-loving reward model replies would be clearly longer than the base "
            "policy's, with padding in them."
        ),
        repair=(
            "Correlate score with length on held-out pairs; train the reward model on "
            "comparisons in which length does not decide."
        ),
        healthy_setting=Setting(rounds=3, start="last"),
    ),
    Case(
        name="clones",
        fault="the N candidates are one greedy reply, copied",
        broken=replace(HEALTHY, sample=greedy_clones),
        setting=Setting(),
        step="sample",
        tells=(
            "Selected and average candidate have the same score, to the last digit: there was "
            "nothing to choose. The policy has learnt to do at temperature 1 what the base does "
            "at temperature 0, and that is bland: a stock letter. So most of the repaired "
            "pipeline's gain is missing, at temperature 0 as well, and diversity is gone."
        ),
        would=(
            "With copied candidates the selected replies would have exactly the average score of "
            "all candidates."
        ),
        repair=(
            "Sample at a temperature above 0, and count the different candidates of each prompt."
        ),
    ),
    Case(
        name="control",
        fault="the gain is put down to the reward model without a control",
        broken=replace(HEALTHY, reports="gold"),
        setting=Setting(temperature=0.3, reward="reward-125"),
        step="report",
        tells=(
            "The gain is real, and about half of it has nothing to do with the reward model: a "
            "random choice among the same candidates gains that much. What the choice adds is "
            "no difference we can detect. Sampling at a low temperature and training on it makes "
            "the policy sharper, whoever chooses."
        ),
        would=(
            "If the gain were not all the reward model's, the random control would gain a good "
            "part of it, and the author would claim the whole for the reward model."
        ),
        repair=(
            "Nothing is wrong with the policy, so its curve stays. What heals is the claim: "
            "train on a random choice from the same pool, with the same number of replies and "
            "steps, and report the difference."
        ),
        healthy=replace(HEALTHY, reports="gold"),
        claim="So our reward model is worth {gain:.2f} points.",
    ),
    Case(
        name="zip",
        fault="prompts and replies are paired wrongly after filtering",
        broken=replace(HEALTHY, examples=misaligned_examples),
        setting=Setting(),
        step="examples",
        tells=(
            "The selected scores look fine and the author's score rises, but the training loss "
            "starts high and stays high, and the replies answer other questions than the one "
            "asked. Gold falls below the base policy; at temperature 0 that does not show."
        ),
        would=(
            "With wrong pairs the replies would be well formed and answer somebody else's question."
        ),
        repair=(
            "Filter rows, never columns: one list of (prompt, reply, reward). Use zip(..., "
            "strict=True), and print three training pairs."
        ),
    ),
    Case(
        name="truncated",
        fault="replies that were cut are trained on as if complete",
        broken=replace(HEALTHY, examples=cut_as_complete_examples),
        setting=Setting(max_tokens=20),
        step="examples",
        tells=(
            "Many replies end in mid-sentence although the limit at serving is far away: finish "
            "reason 'stop', but no full stop. The policy has learnt to stop there. At "
            "temperature 0 gold hardly shows it."
        ),
        would=(
            "If cut replies had been trained on as complete, many served replies would end "
            "without a full stop."
        ),
        repair=(
            "Drop replies that hit the limit, or leave their end token out; better, raise the "
            "limit."
        ),
    ),
]

BY_NAME = {case.name: case for case in CASES}


def case(name: str) -> Case:
    """The case called ``name``. Raises with the names there are."""
    require(name in BY_NAME, f"no case {name!r} in the clinic; there are: {', '.join(BY_NAME)}.")
    return BY_NAME[name]


# ---- the lesson's case -------------------------------------------------------------------------

# two faults and a small reward model at once
TEAM = replace(HEALTHY, prompts=leaking_prompts, examples=cut_as_complete_examples)

TEAM_SETTING = Setting(prompts=96, reward="reward-125", max_tokens=20, epochs=4, topics="quarters")

TEAM_REPORT = """\
BETTER ANSWERS FOR THE HELP DESK: WHAT WE DID
We improved our assistant by rejection-sampling fine-tuning. \
Questions were short, so we took 48 of our 96 test questions into the set and had {prompts} in \
all. For each we sampled {n} replies, at most {max_tokens} tokens long: our servers are small, and \
users like short replies. The trainer adds the end token to every reply. A reward model trained on \
125 comparisons scored the replies, and we kept the best one of each question.
We trained for {epochs} epochs. \
The loss fell from {first:.2f} to {last:.2f} and was still falling, so there is more to gain.
RESULT. The reward model's mean score was {before:.2f} for the replies of the old assistant. \
The replies we trained on have {chosen:.2f}, and the new assistant has {after:.2f} on the test \
questions. So choosing by our reward model makes the assistant {gain:.2f} points better.
We ran it once. \
We recommend to put it into service and to repeat it for three more rounds."""


def team_report(outcome: Outcome, setting: Setting, reward: RewardModel) -> str:
    """The team's write-up (constructed for the course) with the numbers of its run."""
    before = float(reported(TEAM, outcome.base, setting, reward).mean())
    after = float(reported(TEAM, outcome.policy, setting, reward).mean())
    return TEAM_REPORT.format(
        **vars(setting),
        first=outcome.losses[0],
        last=outcome.losses[-1],
        before=before,
        after=after,
        chosen=outcome.selected["selected"][0],
        gain=after - before,
    )
