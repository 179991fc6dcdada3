"""World ``helpdesk``: an office assistant, a programmatic gold reward, and simulated annotators.

24 topics with three right steps each, and 8 requests that must be refused with an alternative. A
reply is a few short sentences. Because every sentence comes from a known stock, the gold reward can
say exactly what is right and wrong in a reply, with named parts, and no reward model is ever judged
by itself.

Most of the desk's replies are stock letters, so its likeliest reply is bland. In the world
``helpdesk-careful`` nobody sends letters, and the likeliest reply is nearly the best.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..base import require
from .helpdesk_gold import POINTS, gold_parts, harmlessness, helpfulness
from .helpdesk_letters import write_letter
from .helpdesk_stock import (
    FILLER,
    FLATTERY,
    GREETINGS,
    HARMFUL,
    HELP,
    PHRASINGS,
    POLITE_CLOSE,
    POLITE_OPEN,
    RUDE,
    TOPICS,
    UNSAFE,
    right_steps,
)
from .world import BaseWorld, Info

LETTERS_SHARE = 0.65

# ---- the text the base policy learns from


def write_reply(topic: str, rng: np.random.Generator, letters: float = LETTERS_SHARE) -> str:
    """One reply of the desk: the text the base policy learns from.

    ``letters``: the share of stock letters, see :mod:`course_lib.worlds.helpdesk_letters`; the
    others are a colleague's own words, see :func:`write_own_reply`.
    """
    return write_letter(topic, rng) if rng.random() < letters else write_own_reply(topic, rng)


def write_own_reply(topic: str, rng: np.random.Generator) -> str:
    """One reply as a tired and uneven colleague writes it.

    Quality varies on purpose, within and between replies.
    """
    care = rng.beta(1.6, 1.6)  # how much attention this reply got
    said = _opening(rng)
    if topic in HARMFUL:
        more, steps = _answer_to_harm(topic, care, rng)
    else:
        more, steps = _answer(topic, care, rng)
    said += more
    _spoil(steps, care, rng)
    said += _in_sentences(steps, rng)
    if rng.random() < 0.2:
        said.append(_one_of(FILLER, rng))
    if rng.random() < 0.35 or not said:
        said.append(_one_of(POLITE_CLOSE, rng))
    return " ".join(said)


def _one_of(sentences: Sequence[str], rng: np.random.Generator) -> str:
    return str(rng.choice(sentences))


def _sentence(step: str) -> str:
    return step[0].upper() + step[1:] + "."


def _opening(rng: np.random.Generator) -> list[str]:
    said = []
    for sentences, chance in ((POLITE_OPEN, 0.35), (FLATTERY, 0.22), (RUDE, 0.12), (FILLER, 0.25)):
        if rng.random() < chance:
            said.append(_one_of(sentences, rng))
    return said


def _answer_to_harm(
    topic: str, care: float, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Sentences of refusal, or the steps that must not be given."""
    _, refusal, alternative, harm = HARMFUL[topic]
    if rng.random() < 0.25 + 0.5 * care:
        said = [_sentence(refusal)]
        if rng.random() < 0.3 + 0.5 * care:
            said.append(_sentence(alternative))
        return said, []
    return [], list(harm) if rng.random() < 0.7 else [_one_of(harm, rng)]


def _answer(topic: str, care: float, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Some of the right steps, at times in disorder, and now and then a refusal without reason."""
    steps = [step for step in right_steps(topic) if rng.random() < 0.3 + 0.55 * care]
    if len(steps) > 1 and rng.random() < 0.3:
        rng.shuffle(steps)
    said = []
    if rng.random() < 0.08:
        _, refusal, _, _ = HARMFUL[_one_of(list(HARMFUL), rng)]
        said.append(refusal + ".")
    return said, steps


def _spoil(steps: list[str], care: float, rng: np.random.Generator) -> None:
    """Put in steps of other topics, a repetition and unsafe advice, each by chance."""
    strays = 0
    if rng.random() > care * 0.7:
        strays = int(rng.choice([0, 1, 2], p=[0.45, 0.4, 0.15]))
    for _ in range(strays):
        other = _one_of(list(HELP), rng)
        at = int(rng.integers(0, len(steps) + 1))
        steps.insert(at, _one_of(HELP[other][1], rng))
    if steps and rng.random() < 0.1:
        at = int(rng.integers(1, len(steps) + 1))
        steps.insert(at, steps[int(rng.integers(0, len(steps)))])
    if rng.random() < 0.06:
        steps.append(_one_of(UNSAFE, rng))


def _in_sentences(steps: list[str], rng: np.random.Generator) -> list[str]:
    """The steps as sentences, most of them with "First", "Then" or "Finally"."""
    said = []
    for k, step in enumerate(steps):
        if len(steps) == 1 or rng.random() < 0.25:
            said.append(_sentence(step))
        elif k == 0:
            said.append(f"First, {step}.")
        elif k == len(steps) - 1:
            said.append(f"Finally, {step}.")
        else:
            said.append(f"Then {step}.")
    return said


# ---- annotators and the world


@dataclass(frozen=True)
class Annotator:
    """A simulated annotator: prefers reply a over b with probability σ((u_a − u_b)/noise).

    That is the Bradley–Terry model. ``u`` is the gold reward (``part`` = "gold", "helpful" or
    "harmless") plus ``length_bias`` points for every ten words and ``flattery_bias`` points for
    every flattering sentence.
    """

    noise: float = 1.0
    length_bias: float = 0.0
    flattery_bias: float = 0.0
    part: str = "gold"

    def __post_init__(self) -> None:
        require(
            self.noise > 0,
            f"noise must be above 0 (it divides the difference in points); got {self.noise}.",
        )
        require(
            self.part in ("gold", "helpful", "harmless"),
            f"part must be 'gold', 'helpful' or 'harmless'; got {self.part!r}.",
        )

    def utility(self, text: str, topic: str, finished: bool = True) -> float:
        """Points this annotator sees in a reply."""
        parts = gold_parts(text, topic, finished)
        if self.part == "helpful":
            points = helpfulness(parts)
        elif self.part == "harmless":
            points = harmlessness(parts)
        else:
            points = sum(parts.values())
        words = len(text.split())
        flattering = parts["flattery"] / POINTS["flattery"]  # how many sentences
        return points + self.length_bias * words / 10 + self.flattery_bias * flattering

    def prefers_first(self, u_a: ArrayLike, u_b: ArrayLike, rng: np.random.Generator) -> np.ndarray:
        """True where the first of two replies with utilities ``u_a``, ``u_b`` is preferred.

        The utilities are arrays of one shape, which the result has too.
        """
        z = (np.asarray(u_a, float) - np.asarray(u_b, float)) / self.noise
        return rng.random(z.shape) < 0.5 * (1 + np.tanh(z / 2))  # σ(z), without overflow


@dataclass
class Helpdesk(BaseWorld):
    """The help-desk world: prompts by topic × phrasing, gold reward in points, annotators.

    ``letters`` is the share of stock letters among the replies that its policy has learned from.
    """

    name: str = "helpdesk"
    policy: str | None = "helpdesk/policy"
    letters: float = LETTERS_SHARE
    needs: str | None = "topic"
    system: str | None = None
    max_tokens: int = 96
    verifiable: bool = False
    held_out_every: int = field(default=4, repr=False)

    def split_of(self, topic: str, phrasing: int, variant: int) -> str:
        """The split of one of a topic's 22 phrasings: "train" or "heldout".

        ``phrasing`` is one of 11 sentence forms, ``variant`` one of 2 ways to name the need.
        """
        at = list(TOPICS).index(topic)
        return "heldout" if (phrasing + 5 * variant + at) % self.held_out_every == 0 else "train"

    def prompts(
        self, split: str = "train", limit: int | None = None, seed: int = 0
    ) -> tuple[list[str], list[Info]]:
        """All prompts of a split, shuffled by ``seed``, at most ``limit``: texts and infos.

        An info has ``topic``, ``phrasing`` (0 to 21) and ``harmful``. No topic × phrasing of the
        held-out split occurs in the training split, with any greeting.
        """
        require(
            split in ("train", "heldout"), f"split must be 'train' or 'heldout'; got {split!r}."
        )
        require(seed >= 0, f"seed must be a whole number from 0; got {seed}.")
        rows = self._all_prompts(split)
        limit = len(rows) if limit is None else limit
        require(
            1 <= limit <= len(rows),
            f"limit must be between 1 and {len(rows)}, the number of {split} prompts in the "
            f"help-desk world; got {limit}.",
        )
        order = np.random.default_rng(seed).permutation(len(rows))[:limit]
        return [rows[i][0] for i in order], [rows[i][1] for i in order]

    def _all_prompts(self, split: str) -> list[tuple[str, Info]]:
        rows = []
        for topic, (needs, *_) in TOPICS.items():
            for variant, need in enumerate(needs):
                for phrasing, form in enumerate(PHRASINGS):
                    if self.split_of(topic, phrasing, variant) != split:
                        continue
                    for greeting in GREETINGS:
                        info = {
                            "topic": topic,
                            "phrasing": phrasing + len(PHRASINGS) * variant,
                            "harmful": topic in HARMFUL,
                        }
                        rows.append((greeting + form.format(need=need), info))
        return rows

    def gold_parts(
        self, prompt: str, text: str, info: Info, finished: bool = True
    ) -> dict[str, float]:
        """Named parts of the gold reward, in points."""
        return gold_parts(text, info["topic"], finished)

    def gold(self, prompt: str, text: str, info: Info, finished: bool = True) -> float:
        """The gold reward of a reply, in points (about -5 to 3.8)."""
        return math.fsum(gold_parts(text, info["topic"], finished).values())

    def ideal_reply(self, info: Info) -> str:
        """A reply with the highest gold reward."""
        steps = right_steps(info["topic"])
        if info["topic"] in HARMFUL:
            return " ".join([POLITE_OPEN[0], *map(_sentence, steps)])
        return f"{POLITE_OPEN[0]} First, {steps[0]}. Then {steps[1]}. Finally, {steps[2]}."


def careful_helpdesk() -> Helpdesk:
    """The world ``helpdesk-careful``: the same desk where every reply is a colleague's own."""
    return Helpdesk(name="helpdesk-careful", policy="helpdesk-careful/policy", letters=0.0)
