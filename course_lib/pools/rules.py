"""The selection rules by name, with all that a command or an explorer has to know of each.

A new rule is one function, in ``reward_rules.py`` or ``verifier_rules.py``, and one entry in
:data:`RULES`: ``course select``, ``course run`` and the explorer of selection rules read it there.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..base import require
from .pool import Pool
from .reward_rules import (
    best_per_prompt,
    matched_control,
    overall_control,
    random_overall,
    random_per_prompt,
    regularised_best,
    rso,
    soft_best,
    top_k_overall,
)
from .selection import Selection
from .verifier_rules import distinct_paths, threshold

Control = Callable[[Selection, int], Selection]
APART = 2**16  # between the seeds of a random rule and of its control


@dataclass(frozen=True)
class Dial:
    """One parameter of a rule that a user may set.

    Attributes
    ----------
    default : the parameter's value when it is left alone.
    option : the option of ``course select`` that sets it: "k", "seed", or "" for none.
    slider : the slider of the explorer that sets it: "k" (for each prompt), "strength", "minimum",
        or "" for none.
    overall : the parameter counts candidates of the whole pool, not of each prompt.
    """

    default: Any
    option: str = ""
    slider: str = ""
    overall: bool = False


@dataclass(frozen=True)
class Rule:
    """A selection rule: ``rule(pool, by="proxy", k=8)`` gives a :class:`Selection`.

    Attributes
    ----------
    name, function : what users call it, and the function of the pool.
    dials : parameter → :class:`Dial`.
    control : its random control, a function of (selection, seed); None for a rule that is random
        itself.
    needs : what it looks at. "reward": it takes ``by``. "logprobs": those of the pool, see
        ``instead``. "path": it takes ``key``, the world's function of a candidate's path.
    sentence : its setting in words, with dials in braces; and ``{by}``, ``{P}`` prompts, and
        ``{each}``, the explorer's k for each prompt. A rule without one is not in the explorer.
    instead : what to set where the pool has no log-probabilities.
    in_run : what ``course run`` sets.
    """

    name: str
    function: Callable[..., Selection]
    dials: Mapping[str, Dial]
    control: Control | None = matched_control
    needs: tuple[str, ...] = ("reward",)
    sentence: str = ""
    instead: Mapping[str, Any] = field(default_factory=dict)
    in_run: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, pool: Pool, **settings: Any) -> Selection:
        return self.function(pool, **settings)

    def control_of(self, selection: Selection, seed: int = 0) -> Selection:
        """The random control of a selection that this rule made.

        That of a rule which is random itself is another draw, never its own.
        """
        if self.control is None:
            return matched_control(selection, seed + APART)
        return self.control(selection, seed)

    @property
    def by_prompt(self) -> bool:
        """Whether it looks at the candidates of one prompt at a time, and draws none.

        Such a rule may choose from the parts of a pool one by one.
        """
        overall = any(dial.overall for dial in self.dials.values())
        return not overall and "seed" not in self.dials

    @property
    def has_minimum(self) -> bool:
        """Whether it keeps what reaches a least reward."""
        return "minimum" in self.dials

    @property
    def sliders(self) -> tuple[str, ...]:
        """The explorer's sliders that it listens to."""
        return tuple(dial.slider for dial in self.dials.values() if dial.slider)

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``course select`` that it takes."""
        reward = ("by",) if "reward" in self.needs else ()
        return (*reward, *(dial.option for dial in self.dials.values() if dial.option))

    def from_options(
        self, by: str | None = None, minimum: float | None = None, **options: Any
    ) -> dict[str, Any]:
        """The parameters that these options of ``course select`` set; None sets nothing."""
        settings: dict[str, Any] = {}
        if by is not None and "reward" in self.needs:
            settings["by"] = by
        if minimum is not None and self.has_minimum:
            settings["minimum"] = minimum
        for name, dial in self.dials.items():
            if options.get(dial.option) is not None:
                settings[name] = options[dial.option]
        return settings

    def from_sliders(
        self, pool: Pool, by: str, seed: int = 0, **sliders: float
    ) -> tuple[dict[str, Any], str]:
        """The parameters that the explorer's sliders set for ``pool``, and a sentence on them."""
        settings = self.from_options(by, seed=seed)
        for name, dial in self.dials.items():
            if dial.slider:
                value = sliders[dial.slider]
                settings[name] = value * pool.P if dial.overall else value
        if "logprobs" in self.needs and pool.sum_logprobs is None:
            settings.update(self.instead)
        shown = {name: dial.default for name, dial in self.dials.items()} | settings
        shown |= {"by": by, "P": pool.P, "each": sliders.get("k")}
        return settings, self.sentence.format(**shown)

    def for_world(self, world: Any) -> dict[str, Any]:
        """The parameters that ``course run`` sets: the rule's own, and the world's path."""
        settings = dict(self.in_run)
        if "path" in self.needs and hasattr(world, "path"):
            settings["key"] = world.path
        return settings


def check_minimum(rule: Rule, minimum: float | None, verdicts: bool) -> None:
    """Raise where a least reward is given to a rule that takes none, or is missing.

    ``verdicts``: the reward says right or wrong, 1 or 0, so that 1 is a least reward that means
    something. Scores of a reward model have no zero and no one.
    """
    require(
        minimum is None or rule.has_minimum,
        f"the rule {rule.name!r} does not take --minimum {minimum}; leave it out.",
    )
    require(
        minimum is None or math.isfinite(minimum),
        f"minimum is the least reward that is kept, a finite number; got {minimum}.",
    )
    require(
        verdicts or minimum is not None or not rule.has_minimum,
        f"the rule {rule.name!r} keeps what reaches a least reward, and this reward is no verdict "
        "of 1 or 0: its scale has no natural zero. Say the least reward with --minimum; "
        "`course report` shows what rewards a pool has.",
    )


K = Dial(1, option="k", slider="k")
K_OVERALL = Dial(None, option="k", slider="k", overall=True)
AT_MOST = Dial(None, option="k")
MINIMUM = Dial(1.0, slider="minimum")
SEED = Dial(0, option="seed")

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "best_per_prompt",
            best_per_prompt,
            dials={"k": K},
            sentence="k = {k} of each prompt",
        ),
        Rule(
            "top_k_overall",
            top_k_overall,
            dials={"k": K_OVERALL},
            control=overall_control,
            sentence="k = {k} in the whole pool, {each} for each of {P} prompts on average",
        ),
        Rule(
            "soft_best",
            soft_best,
            dials={"k": K, "lam": Dial(1.0, slider="strength"), "seed": SEED},
            sentence="k = {k} of each prompt, λ = {lam}",
        ),
        Rule(
            "regularised_best",
            regularised_best,
            dials={"k": K, "beta": Dial(0.1, slider="strength"), "regulariser": Dial("logprob")},
            needs=("reward", "logprobs"),
            sentence="k = {k} of each prompt, β = {beta} for {regulariser}",
            instead={"regulariser": "similarity"},
        ),
        Rule(
            "rso",
            rso,
            dials={
                "k": Dial(8, option="k", slider="k"),
                "beta": Dial(0.5, slider="strength"),
                "seed": SEED,
            },
            sentence="k = {k} of each prompt, β = {beta}",
        ),
        Rule(
            "threshold",
            threshold,
            dials={"minimum": MINIMUM, "at_most": AT_MOST},
            sentence="every candidate with {by} of at least {minimum:.2f}",
            in_run={"at_most": 4},
        ),
        Rule(
            "distinct_paths",
            distinct_paths,
            dials={"minimum": Dial(1.0), "at_most": AT_MOST},
            needs=("reward", "path"),
        ),
        Rule(
            "random_per_prompt",
            random_per_prompt,
            dials={"k": K, "seed": SEED},
            control=None,
            needs=(),
            sentence="k = {k} of each prompt, without a look at the reward",
        ),
        Rule(
            "random_overall",
            random_overall,
            dials={"k": Dial(None, option="k", overall=True), "seed": SEED},
            control=None,
            needs=(),
        ),
    )
}
