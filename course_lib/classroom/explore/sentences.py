"""A reply of the help desk, sentence by sentence, with what each sentence does."""

import functools
import re

from ...pools import Pool
from ...worlds import TOPICS, gold_parts

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
# part of the gold reward → the kind under which a bubble underlines it
KIND_OF = {
    "right_steps": "step",
    "refusal": "step",
    "polite": "kind",
    "filler": "filler",
    "flattery": "filler",
    "repetition": "filler",
    "wrong_steps": "foreign",
    "over_refusal": "foreign",
    "garbled": "foreign",
    "unsafe": "unsafe",
    "complies": "unsafe",
    "rude": "unsafe",
}
KINDS = ("step", "kind", "filler", "foreign", "unsafe")
Parts = list[tuple[str, str]]  # (sentence, kind)


@functools.cache
def _kind(sentence: str, topic: str) -> str:
    points = gold_parts(sentence, topic)
    return next((kind for part, kind in KIND_OF.items() if points[part]), "foreign")


def sentence_kinds(text: str, topic: str) -> Parts:
    """The sentences of ``text``, each with its kind: one of :data:`KINDS`.

    "step": asked for (of a harmful request: the refusal and the alternative); "kind": polite;
    "filler": flattery, stock phrases, and what was said before; "foreign": a step of another topic,
    or garbled; "unsafe": unsafe, harmful or rude.
    """
    found, before, repeated = [], "", 0.0
    for sentence in (each.strip() for each in _SENTENCE.findall(text)):
        if not sentence:
            continue
        before = f"{before} {sentence}"
        points = gold_parts(before, topic)["repetition"]  # also finds it behind another "Then"
        found.append((sentence, _kind(sentence, topic) if points == repeated else "filler"))
        repeated = points
    return found


def shown_reply(pool: Pool, prompt: int, candidate: int) -> str | Parts:
    """A candidate as bubbles take it: in sentences with kinds where the topic is known."""
    text = pool.texts[prompt][candidate]
    topic = pool.info[prompt].get("topic")
    known = isinstance(topic, str) and topic in TOPICS
    return sentence_kinds(text, topic) if known and text else text or "(empty)"
