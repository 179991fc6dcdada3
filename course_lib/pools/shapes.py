"""The shapes in which people keep replies, told apart by their keys: one table, read from the top.

| shape | one row holds | reward |
|---|---|---|
| model solutions | a GSM8K problem and four systems' solutions | ``verifier`` and ``label`` |
| lm-eval samples | doc, arguments, resps, metrics | the metrics |
| replies as objects | UltraFeedback's completions, Nectar's answers | overall_score, −rank … |
| response_0/response_1 | PKU-SafeRLHF: two replies, better_response_id | ``preference`` |
| response1/response2 | HelpSteer3: context, two replies, overall_preference | ``preference`` |
| response_1/response_2 | HelpSteer2's preferences: preference_strength | ``preference`` |
| response_j/response_k | StackExchange, paired: the first is preferred | ``preference`` |
| answer_0/answer_1 | WebGPT: two replies, a score each | ``preference`` |
| human_ref_A/human_ref_B | SHP: history, two replies, labels | ``preference`` |
| a/b and a winner | response_a/response_b or conversation_a/conversation_b | ``preference`` |
| summaries/choice | summarize-from-feedback: info.post, two summaries | ``preference`` |
| chosen and rejected lists | RewardBench 2 | ``preference`` |
| prompt/chosen/rejected | a pair: TRL, RewardBench, UltraFeedback-binarized | ``preference`` |
| chosen/rejected | other prompts, or none: Orca, Argilla, Tülu 3, Skywork, hh | ``preference`` |
| chosen_response/rejected_response | a pair of Argilla's | ``preference`` |
| prompt/responses/rewards | a prompt and its N replies | a list, or ``{name: list}``, or none |
| question/completions/rewards | the same, other names | the same |
| helpsteer | prompt, response and five marks | the five |
| dialogue/reply | open-instruct: messages, model_completion, score | the scores |
| instruction/input/output | Alpaca, Dolly | if there is one |
| input/output/reward | one reply: OpenRLHF, verl (score, gts) | a number, ``{name: number}`` |
| prompt/completion/reward | one reply, as TRL reads it; KTO's label | the same; ``label`` |
| a list of replies | some other names for prompt and replies | rewards, scores, reward … |
| dialogue | messages or conversations (ShareGPT): the last one is the reply | if there is one |
| a reply | some other names for prompt and reply | the same |

A pair's ``preference`` is 1 and 0. **To add a shape**: one entry in ``TABLE``, above all entries
that would fit its rows too; its function takes a :class:`~course_lib.pools.records.Row`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..base import CourseError
from . import pair_shapes as pairs
from . import reply_shapes as replies
from .messages import is_messages
from .model_solutions import SYSTEMS
from .records import Record, Row
from .words import listed

Values = Mapping[str, Any]

# ---- the shapes that are written too: name → (prompt, replies, what was thought of them)

LISTS = {
    "prompt/responses/rewards": ("prompt", "responses", "rewards"),
    "question/completions/rewards": ("question", "completions", "rewards"),
}
SINGLES = {
    "input/output/reward": ("input", "output", "reward"),
    "prompt/completion/reward": ("prompt", "completion", "reward"),
}
PAIRS = {"prompt/chosen/rejected": ("prompt", "chosen", "rejected")}
SHAPES = {**LISTS, **SINGLES, **PAIRS}

SOLUTIONS = "model solutions"


@dataclass(frozen=True)
class Shape:
    """How the rows of one shape are known and read.

    Attributes
    ----------
    fits : whether a row is of this shape, by its keys and the types under them.
    read : the row's record. Raises :class:`CourseError` saying what was found.
    same : a key that is the same in all rows that are read; others say the same once more.
    """

    fits: Callable[[Values], bool]
    read: Callable[[Row], Record]
    same: str | None = None


def have(*keys: str) -> Callable[[Values], bool]:
    """True of rows with all these keys."""
    return lambda row: all(key in row for key in keys)


def have_some(*groups: tuple[str, ...]) -> Callable[[Values], bool]:
    """True of rows with a value under one key of each group."""
    return lambda row: all(replies.first_of(row, keys) is not None for keys in groups)


def _is_solution(row: Values) -> bool:
    return "ground_truth" in row and any(system in row for system in SYSTEMS)


def _has_objects(row: Values) -> bool:
    return any(replies.is_objects(row.get(key)) for key in replies.MANY)


def _has_lists(row: Values) -> bool:
    sides = row.get("chosen"), row.get("rejected")
    return all(isinstance(side, list) and side and not is_messages(side) for side in sides)


def _has_a_list(row: Values) -> bool:
    asked = replies.first_of(row, replies.ASKS + replies.DIALOGUES) is not None
    return asked and any(Row(row).is_list(key) for key in replies.MANY)


def _is_stepwise(row: Values) -> bool:
    return isinstance(row.get("labels"), list) and have("prompt", "completions")(row)


def _not_read(row: Row) -> Record:
    raise AssertionError("model solutions are read by parse_solution")


def _winner(name: str) -> Shape:
    a, b = f"{name}_a", f"{name}_b"
    return Shape(have(a, b), partial(pairs.two, a, b, pairs.by_winner))


_of_safety = partial(pairs.by_id, "better_response_id")
_of_helpsteer3 = partial(pairs.by_sign, "overall_preference")
_of_helpsteer2 = partial(pairs.by_sign, "preference_strength")
_of_web = partial(pairs.by_scores, "score_0", "score_1")
# which shape fits is decided from the top
TABLE: dict[str, Shape] = {
    SOLUTIONS: Shape(_is_solution, _not_read),
    "lm-eval samples": Shape(have("doc", "resps"), replies.lm_eval, same="filter"),
    "steps": Shape(_is_stepwise, replies.steps),
    "replies as objects": Shape(_has_objects, replies.objects),
    "response_0/response_1": Shape(
        have("response_0", "response_1"),
        partial(pairs.two, "response_0", "response_1", _of_safety),
    ),
    "response1/response2": Shape(
        have("response1", "response2"),
        partial(pairs.two, "response1", "response2", _of_helpsteer3),
    ),
    "response_1/response_2": Shape(
        have("response_1", "response_2", "preference_strength"),
        partial(pairs.two, "response_1", "response_2", _of_helpsteer2),
    ),
    "response_j/response_k": Shape(
        have("response_j", "response_k"),
        partial(pairs.pair, chosen="response_j", rejected="response_k"),
    ),
    "answer_0/answer_1": Shape(
        have("answer_0", "answer_1"), partial(pairs.two, "answer_0", "answer_1", _of_web)
    ),
    "human_ref_A/human_ref_B": Shape(
        have("human_ref_A", "human_ref_B"),
        partial(pairs.two, "human_ref_A", "human_ref_B", pairs.by_label),
    ),
    "response_a/response_b": _winner("response"),
    "conversation_a/conversation_b": _winner("conversation"),
    "summaries/choice": Shape(have("summaries", "choice"), pairs.summaries),
    "chosen and rejected lists": Shape(_has_lists, pairs.best_and_worse),
    "prompt/chosen/rejected": Shape(have("prompt", "chosen", "rejected"), pairs.pair),
    "chosen/rejected": Shape(have("chosen", "rejected"), pairs.pair),
    "chosen_response/rejected_response": Shape(
        have("chosen_response", "rejected_response"), pairs.pair_of_responses
    ),
    **{
        name: Shape(have(*keys[:2]), partial(replies.in_list, *keys))
        for name, keys in LISTS.items()
    },
    "helpsteer": Shape(have("prompt", "response", *replies.HELPSTEER[:2]), replies.helpsteer),
    "dialogue/reply": Shape(have_some(replies.DIALOGUES, replies.BESIDE), replies.scored_dialogue),
    "instruction/input/output": Shape(
        have_some(("instruction",), ("output", "response")), replies.alpaca
    ),
    **{
        name: Shape(have(*keys[:2]), partial(replies.one_reply, *keys))
        for name, keys in SINGLES.items()
    },
    "a list of replies": Shape(_has_a_list, replies.any_list),
    "dialogue": Shape(have_some(replies.DIALOGUES), replies.dialogue),
    "a reply": Shape(have_some(replies.ASKS, replies.REPLIES), replies.any_reply),
}


def shape_of(row: Values) -> str:
    """The name of the shape that one row has.

    Raises :class:`CourseError` naming the keys found and those of the shapes.
    """
    for name, shape in TABLE.items():
        if shape.fits(row):
            return name
    known = "; ".join("{" + ", ".join(keys) + "}" for keys in SHAPES.values())
    raise CourseError(
        f"found the keys {listed(sorted(row))[:200]}; expected one of the shapes {known}, or "
        f"{len(TABLE) - len(SHAPES)} others (course_lib/pools/shapes.py lists them). Say what "
        "is what with --keys prompt=NAME,responses=NAME (keys=... in Python)."
    )
