"""How a model is asked: by its chat template, or as a base model is, in plain text with examples.

A base model has read text and was taught no turns. Its folder may hold a chat template whose marks
it never learned; then it never writes the end mark, and a verifier reads the answer of some later,
invented question. Such a model gets plain prompts, solved examples before each question, and the
beginning of the next question as its stop.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from ..assets import resolve
from ..base import require
from ..models import Policy, load_policy
from ..pools import Pool
from ..worlds import BaseWorld, Info, World, few_shot

SHOTS = 4  # solved examples for a base model that nobody gave a number for
# the first of them that stands in a reply is where it is cut
NEXT_QUESTION = ("\n\nQuestion:", "\nQuestion:", "Question:")
NEXT_TURN = ("\n\nUser:",)


class Asker(Protocol):
    """What is known of a policy without its weights: enough to write prompts for it."""

    template: str
    tokenizer: Any

    @property
    def stop_ids(self) -> list[int]:
        """Token ids that end a response."""


def is_base(source: str | Path, tokenizer: Any) -> bool:
    """Whether a model was only pretrained: by its name (-Base, -pt), or without a chat template."""
    name = Path(str(source).rstrip("/\\")).name
    return bool(re.search(r"[-_](base|pt)$", name, re.IGNORECASE)) or not tokenizer.chat_template


def load_asked(source: str | Path, template: str | None = None, **how: Any) -> Policy:
    """:func:`~course_lib.models.load_policy` with the template that fits the model.

    ``template`` "chat" or "plain" decides; None is "plain" for a base model, see :func:`is_base`.
    """
    if template is not None:
        return load_policy(resolve(source), template=template, **how)
    policy = load_policy(resolve(source), template="plain", **how)
    if not is_base(source, policy.tokenizer):
        policy.template = "chat"
    return policy


class FewShot(BaseWorld):
    """A world whose prompts are plain text: ``shots`` solved examples, then the question.

    The examples are the last of the training prompts in the order of the seed. The bare question
    stays in ``info["question"]``, and that is what gold sees.
    """

    def __init__(self, world: Any, shots: int) -> None:
        self.world, self.shots = world, shots
        self.name, self.policy, self.needs = world.name, world.policy, world.needs
        self.verifiable, self.max_tokens = world.verifiable, world.max_tokens
        self.reward_system = world.reward_system

    def examples(self, seed: int = 0) -> list[tuple[str, str]]:
        """Pairs of question and solution."""
        if self.shots == 0:
            return []
        questions, info = self.world.prompts("train", seed=seed)
        solved = [self.world.ideal_reply(one) for one in info[-self.shots :]]
        return list(zip(questions[-self.shots :], solved, strict=True))

    def prompts(
        self, split: str = "train", limit: int | None = None, seed: int = 0
    ) -> tuple[list[str], list[Info]]:
        """The world's prompts with the examples before each. No example is among them."""
        examples = self.examples(seed)
        questions, info = self.world.prompts(split, limit, seed)
        if split == "train" and limit is None and examples:
            questions, info = questions[: -self.shots], info[: -self.shots]
        asked = {question for question, _ in examples}
        require(
            split != "train" or not asked & set(questions),
            f"{len(questions)} training prompts leave no {self.shots} problems as examples: lower "
            "--prompts or --shots.",
        )
        info = [{**one, "question": q} for one, q in zip(info, questions, strict=True)]
        return few_shot(questions, examples), info

    def gold(self, prompt: str, text: str, info: Info, finished: bool = True) -> float:
        """The world's own."""
        return self.world.gold(info.get("question", prompt), text, info, finished)

    def gold_parts(
        self, prompt: str, text: str, info: Info, finished: bool = True
    ) -> dict[str, Any]:
        """The world's own."""
        return self.world.gold_parts(info.get("question", prompt), text, info, finished)

    def path(self, prompt: str, text: str, info: Info) -> Any:
        """The world's own."""
        return self.world.path(info.get("question", prompt), text, info)


@dataclass
class OfQuestions:
    """A reward model that reads the bare question where a pool's prompts hold examples too."""

    reward: Any

    def __getattr__(self, name: str) -> Any:
        if name == "reward":  # not there yet, while it is being copied
            raise AttributeError(name)
        return getattr(self.reward, name)

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32; NaN where a candidate is missing."""
        prompts = []
        for prompt, info in zip(pool.prompts, pool.info, strict=True):
            question = info.get("question")
            asked = isinstance(question, str) and isinstance(prompt, str)
            bare = asked and prompt.endswith(f"Question: {question}\nAnswer:")
            prompts.append(question if bare else prompt)
        return self.reward.score_pool(replace(pool, prompts=prompts))


def asked_world(world: World, policy: Asker, source: str | Path, shots: int | None) -> World:
    """The world as ``policy`` is asked: with examples where it is a base model, or they are wanted.

    ``shots`` None: :data:`SHOTS` for a base model where the world has solutions to show. Raises
    where examples are wanted and cannot be had.
    """
    solved = hasattr(world, "ideal_reply")
    if shots is None:
        base = policy.template == "plain" and is_base(source, policy.tokenizer)
        return FewShot(world, SHOTS) if base and solved else world
    require(shots >= 0, f"shots are solved examples before each question, 0 or more; got {shots}.")
    require(
        shots == 0 or policy.template == "plain",
        "solved examples stand in plain prompts: give --template plain, or leave --shots out.",
    )
    require(
        shots == 0 or solved,
        f"{world.name!r} has no solutions to show: leave --shots out.",
    )
    return FewShot(world, shots) if policy.template == "plain" and solved else world


def stops_for(
    policy: Asker, world: World, stop: Sequence[str] | str | None, prompts: Sequence[Any] = ()
) -> list[int | str] | None:
    """What ends a reply: ``stop``, or what fits the prompts, beside the model's own end tokens.

    None where it is the end tokens alone.
    """
    texts: list[int | str] = [stop] if isinstance(stop, int | str) else list(stop or ())
    if not texts and isinstance(world, FewShot):
        texts = list(NEXT_QUESTION)
    dialogues = any(not isinstance(prompt, str) for prompt in prompts)
    if not texts and policy.template == "plain" and dialogues:
        texts = list(NEXT_TURN)
    return [*texts, *policy.stop_ids] if texts else None
