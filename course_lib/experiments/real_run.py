"""Real weights and real problems: SFT, then RFT beside its control, each at its best temperature.

One seed is one whole chain::

    pretrained → SFT on solved problems → n replies to other problems → distinct right paths
                  │                                                       │
                  ├─ SFT continued: the human solutions alone             │
                  ├─ RFT: the human solutions and those paths         ←───┤
                  └─ random control: they and as many random replies  ←───┘

All three go on from the SFT policy, for the same number of steps. The union of human solutions and
paths is RFT's (2308.01825), and so is T = 0.7 for sampling; there the union trains the pretrained
model anew, here it continues the SFT policy. A path is a list of marked equations; that they hold
is not checked. A reply is right where it says so behind "####".

The temperature of a policy is chosen on training problems that nothing else uses. Problems of the
test come from the other file. Everything is kept in stages: a killed run goes on.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base import Hooks, key_of, no_key, require, whole
from ..estimators import (
    Interval,
    between_seeds_interval,
    bootstrap_interval,
    paired_difference,
    pass_at_k,
)
from ..methods import FineTuning, Request, Stages, sampled, trained
from ..models import GoldReward, Policy, Sampling, load_policy, score
from ..pools import STOP, Pool, Selection, distinct_paths, matched_control
from ..worlds import GSM8K, few_shot
from .findings import votes_right

SFT, CONTINUED, RFT, CONTROL = "SFT", "SFT continued", "RFT", "random control"
POLICIES = (SFT, CONTINUED, RFT, CONTROL)
PAIRS = ((RFT, CONTROL), (RFT, CONTINUED), (RFT, SFT), (CONTROL, CONTINUED), (CONTINUED, SFT))
DIGITS = string.digits + string.ascii_lowercase  # a count of right replies is one of these
PLAIN = 1.0  # the temperature that every policy is shown at besides its own
SAMPLES, CHOOSING, TESTING = 1, 2, 3  # added to ten times a seed: streams of their own


@dataclass(frozen=True)
class Asked:
    """What a run on real weights is.

    Attributes
    ----------
    model : folder or name of the pretrained model.
    data : folder with GSM8K's ``train.jsonl`` and ``test.jsonl``.
    weights : what is to be said of the weights, beside every number.
    sft : solved training problems that SFT learns from.
    choose : training problems that temperatures are chosen on.
    problems : training problems that are sampled for RFT.
    test : problems of the test file.
    n, n_choose, n_test : replies to each of these.
    longest : problems whose reference solution has more tokens are left out, everywhere; None
        leaves none out.
    temperatures : those to choose among; 1 is one of them.
    sampling : of the replies that RFT chooses from, whose ``max_tokens`` holds everywhere; its
        ``n`` and ``seed`` are set from the others.
    training : of SFT and of what follows; its seed is set. The learning rate is 1e-5, since
        one small trial lost sums that Gemma 3 270M could do at 3e-5 (docs/log.md).
    more_epochs : how long the three policies after SFT are trained: so many passes over human
        solutions and paths together.
    seeds : of whole chains.
    dtype, device : of the model, see :func:`~course_lib.models.load_policy`.
    part : prompts whose replies are kept on disk together.
    """

    model: str
    data: str
    weights: str = no_key("")
    sft: int = 384
    choose: int = 32
    problems: int = 256
    test: int = 128
    n: int = 8
    n_choose: int = 4
    n_test: int = 4
    longest: int | None = None
    temperatures: tuple[float, ...] = (1.0, 0.7, 0.4)
    sampling: Sampling = Sampling(temperature=0.7, max_tokens=320)
    training: FineTuning = FineTuning(epochs=1, lr=1e-5, batch_size=8)
    more_epochs: float = 1.0
    seeds: tuple[int, ...] = (0,)
    dtype: str | None = None
    device: str | None = no_key(None)
    part: int = no_key(16)

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that no run can have."""
        for name in ("sft", "choose", "problems", "n", "n_choose", "part"):
            whole(getattr(self, name), name, 1)
        whole(self.test, "test (an interval needs two problems)", 2)
        whole(self.n_test, "n_test", 1, len(DIGITS) - 1)
        require(
            PLAIN in self.temperatures and min(self.temperatures) > 0,
            "temperatures must be above 0, and 1 one of them; got "
            f"{', '.join(f'{t:g}' for t in self.temperatures)}.",
        )
        require(
            len(self.seeds) > 0 and len(set(self.seeds)) == len(self.seeds),
            f"seeds must be one or more, each once; got {self.seeds}.",
        )


@dataclass(frozen=True)
class Problems:
    """Prompts of one split with what is known of them."""

    prompts: list[str]
    info: list[dict[str, Any]]

    def cut(self, start: int, stop: int) -> "Problems":
        """Those from ``start`` to ``stop``."""
        return Problems(self.prompts[start:stop], self.info[start:stop])

    def solved(self) -> Pool:
        """A pool of one reply each: the human solution, written as a reply."""
        return Pool.from_candidates(
            self.prompts, [[f" {info['solution']}"] for info in self.info], info=self.info
        )


def problems_for(policy: Policy, world: GSM8K, asked: Asked) -> dict[str, Problems]:
    """The problems of "sft", "choose", "problems" and "test". No training problem is in two.

    Raises :class:`~course_lib.base.CourseError` where there are too few.
    """
    found = {}
    train = _short_ones(policy, world, "train", asked.longest)
    start = 0
    for name in ("sft", "choose", "problems"):
        stop = start + getattr(asked, name)
        found[name] = train.cut(start, stop)
        start = stop
    test = _short_ones(policy, world, "heldout", asked.longest)
    for name, needed, there in (
        ("train", start, len(train.prompts)),
        ("test", asked.test, len(test.prompts)),
    ):
        require(
            needed <= there,
            f"{needed} {name} problems are asked for, and there are {there} whose solution is "
            "short enough. Ask for fewer, or raise longest.",
        )
    return {**found, "test": test.cut(0, asked.test)}


def _short_ones(policy: Policy, world: GSM8K, split: str, longest: int | None) -> Problems:
    """The problems of ``split``, shuffled, whose solution has at most ``longest`` tokens."""
    questions, infos = world.prompts(split)
    lengths = map(len, policy.encode_responses([f" {info['solution']}" for info in infos]))
    kept = [i for i, length in enumerate(lengths) if longest is None or length <= longest]
    return Problems(few_shot([questions[i] for i in kept]), [infos[i] for i in kept])


# ---- one seed ----------------------------------------------------------------------------------


def run(asked: Asked, folder: Path | str, hooks: Hooks = Hooks()) -> dict[str, Any]:
    """The whole run, kept under ``folder``, and its result as plain data.

    ``policies``: by name, pass@1 and pass@n as intervals over test problems (over seeds, too, where
    there are several). ``differences``: the same of pairs of policies, paired by problem.
    ``by_seed``: what these are computed from, of each seed: the right replies to every test
    problem as a text of one character each (``0`` to ``9``, then ``a`` for 10 and so on).
    """
    asked.check()
    world = GSM8K(asked.data, mode="strict")
    dtype = None if asked.dtype is None else getattr(torch, asked.dtype)
    pretrained = load_policy(asked.model, asked.device, dtype, template="plain")
    chain = Chain(asked, world, problems_for(pretrained, world, asked), Stages(folder), hooks)
    seeds = [chain.of_seed(pretrained, seed) for seed in asked.seeds]
    return {
        "weights": asked.weights,
        "asked": _shown(asked),
        "account": chain.account(),
        **summary(seeds, asked.n_test),
        "by_seed": seeds,
    }


def _shown(asked: Asked) -> dict[str, Any]:
    """The settings as plain data, without the places of this machine."""
    shown = key_of(asked)
    for name in ("model", "data"):
        shown[name] = Path(shown[name]).name
    return shown


@dataclass(frozen=True)
class Chain:
    """What the steps of a seed share."""

    asked: Asked
    world: GSM8K
    problems: dict[str, Problems]
    stages: Stages
    hooks: Hooks = field(default_factory=Hooks)

    def of_seed(self, pretrained: Policy, seed: int) -> dict[str, Any]:
        """Everything of one seed: facts of what was sampled and kept, and every policy judged."""
        asked = self.asked
        human = self.problems["sft"].solved()
        start = self.tuned(pretrained, human, asked.training.epochs, seed)
        judged = {SFT: self.judged(start, seed)}

        pool = self.replies(start, "problems", asked.n, asked.sampling.temperature, seed)
        paths = distinct_paths(pool, by="verifier", key=self.world.path)
        require(
            len(paths) > 0,
            f"none of {pool.P * pool.N} replies is right, so there is nothing to select. Ask for "
            "more problems, a higher n, or more SFT.",
        )
        random = matched_control(paths, seed)
        sets = {
            CONTINUED: human,
            RFT: Pool.concat([human, as_pool(paths)]),
            CONTROL: Pool.concat([human, as_pool(random)]),
        }
        size = asked.training.batch_size
        steps = max(1, round(asked.more_epochs * -(-sets[RFT].P // size)))
        for name, data in sets.items():
            policy = self.tuned(start, data, steps / -(-data.P // size), seed)
            judged[name] = self.judged(policy, seed)
        return {
            "seed": seed,
            "sampled": {**facts_of(pool, paths), "control_right": _share(random)},
            "steps": {"SFT": -(-human.P // size) * asked.training.epochs, "after": steps},
            "policies": judged,
        }

    def tuned(self, policy: Policy, data: Pool, epochs: float, seed: int) -> Policy:
        """``policy`` trained on all of ``data``, a pool of one reply each."""
        settings = replace(self.asked.training, epochs=epochs, seed=seed)
        everything = Selection(data, torch.arange(data.P), torch.zeros(data.P))
        return trained(policy, everything, settings, self.stages, "policy", self.hooks)

    def replies(self, policy: Policy, split: str, n: int, temperature: float, seed: int) -> Pool:
        """``n`` replies to each problem of ``split``, with the verifier's reward."""
        streams = {"problems": SAMPLES, "choose": CHOOSING, "test": TESTING}
        sampling = replace(
            self.asked.sampling, n=n, temperature=temperature, seed=10 * seed + streams[split]
        )
        asked = self.problems[split]
        request = Request(asked.prompts, asked.info, sampling, self.asked.part)
        pool = sampled(policy, request, self.stages, split, self.hooks)
        return score(pool, GoldReward(self.world), "verifier")

    def judged(self, policy: Policy, seed: int) -> dict[str, Any]:
        """A policy on the test, at 1 and at the temperature that is best on other problems.

        Of equals the first of ``temperatures``.
        """
        tried = {}
        for temperature in self.asked.temperatures:
            pool = self.replies(policy, "choose", self.asked.n_choose, temperature, seed)
            tried[temperature] = float(pool.reward("verifier").mean())
        best = max(tried, key=lambda temperature: tried[temperature])
        at = {}
        for temperature in dict.fromkeys((PLAIN, best)):
            pool = self.replies(policy, "test", self.asked.n_test, temperature, seed)
            at[f"{temperature:g}"] = self.on_test(pool)
        shown = {f"{temperature:g}": round(rate, 4) for temperature, rate in tried.items()}
        return {"temperature": best, "tried": shown, "at": at}

    def on_test(self, pool: Pool) -> dict[str, Any]:
        """Right replies and the majority's verdict by problem, and what the replies look like."""
        verdicts = [
            [self.world.verify("", text, info) for text in texts]
            for texts, info in zip(pool.texts, pool.info, strict=True)
        ]
        read = [verdict["answer"] is not None for row in verdicts for verdict in row]
        return {
            "right": as_text(pool.reward("verifier").sum(1).int().tolist()),
            "majority": as_text(votes_right(verdicts).astype(int).tolist()),
            "readable": round(float(np.mean(read)), 4),
            "ended": round(float((pool.finish == STOP).float().mean()), 4),
            "tokens": round(float(pool.lengths.float().mean()), 1),
        }

    def account(self) -> dict[str, float]:
        """What all stages cost together."""
        accounts = self.stages.accounts.values()
        names = ("tokens_sampled", "tokens_trained", "seconds")
        return {name: round(sum(account[name] for account in accounts)) for name in names}


def as_pool(kept: Selection) -> Pool:
    """The kept replies as a pool of one reply each, so that pools of any N can be joined."""
    pool, rows = kept.pool, kept.prompt_index
    return Pool(
        prompts=kept.prompts,
        texts=[[text] for text in kept.texts],
        finish=pool.finish[rows, kept.candidate_index][:, None],
        info=[pool.info[i] for i in rows.tolist()],
    )


def facts_of(pool: Pool, paths: Selection) -> dict[str, float | int]:
    """Of what was sampled: how much is right, solved, and how many paths there are."""
    right = pool.reward("verifier")
    return {
        "replies": pool.P * pool.N,
        "right": round(float(right.mean()), 4),
        "solved": round(float((right.sum(1) > 0).float().mean()), 4),
        "paths": len(paths),
        "tokens": round(float(pool.lengths.float().mean()), 1),
    }


def _share(kept: Selection) -> float:
    """The share of right ones among kept replies."""
    return round(float(kept.rewards("verifier").mean()), 4)


# ---- all seeds ---------------------------------------------------------------------------------


def as_text(counts: Sequence[int]) -> str:
    """Counts below 36, a character each."""
    return "".join(DIGITS[count] for count in counts)


def counts_in(text: str) -> np.ndarray:
    """(P,) the counts that :func:`as_text` wrote."""
    return np.array([DIGITS.index(character) for character in text])


def solved_by(text: str, n: int, k: int) -> np.ndarray:
    """(P,) pass@k of every problem, where ``text`` has its right replies of ``n``."""
    return pass_at_k(np.arange(n)[None] < counts_in(text)[:, None], [k])[:, 0]


Measure = Callable[[dict[str, Any]], np.ndarray]  # a policy as judged → (P,) shares


def measures(n: int) -> dict[str, Measure]:
    """What is told of a policy, by name: each at its best temperature and at 1."""

    def passes(k: int, own: bool) -> Measure:
        return lambda judged: solved_by(_at(judged, own)["right"], n, k)

    def votes(own: bool) -> Measure:
        return lambda judged: counts_in(_at(judged, own)["majority"]).astype(float)

    told: dict[str, Measure] = {}
    for own, where in ((True, "at its T"), (False, "at 1")):
        told[f"pass@1 {where}"] = passes(1, own)
        told[f"pass@{n} {where}"] = passes(n, own)
        told[f"majority of {n} {where}"] = votes(own)
    return told


def _at(judged: dict[str, Any], own: bool) -> dict[str, Any]:
    return judged["at"][f"{judged['temperature'] if own else PLAIN:g}"]


def summary(seeds: Sequence[dict[str, Any]], n: int) -> dict[str, Any]:
    """Intervals of every policy and of pairs of them, from what each seed found."""
    told = measures(n)
    policies: dict[str, Any] = {}
    for name in POLICIES:
        judged = [seed["policies"][name] for seed in seeds]
        policies[name] = {"temperature": [one["temperature"] for one in judged]}
        for measure, of in told.items():
            rows = np.stack([of(one) for one in judged])  # (seeds, P)
            policies[name][measure] = _share_of(rows).to_dict()
    pairs = {f"{a} − {b}": _differences(seeds, told, a, b) for a, b in PAIRS}
    best = f"pass@{n} at its T"
    for how in (best, f"majority of {n} at its T"):
        first = [told[how](seed["policies"][SFT]) for seed in seeds]
        second = [told["pass@1 at its T"](seed["policies"][RFT]) for seed in seeds]
        name = f"{SFT}, {'verifier' if how == best else 'majority'} of {n} − {RFT}, one reply"
        pairs[name] = {"pass@1 at its T": _difference(first, second).to_dict()}
    return {"policies": policies, "differences": pairs}


def _share_of(rows: np.ndarray) -> Interval:
    """Of shares (seeds, P): over problems, and over seeds where there are several."""
    if len(rows) == 1:
        return bootstrap_interval(rows[0])
    found = between_seeds_interval(rows)
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def _differences(
    seeds: Sequence[dict[str, Any]], told: dict[str, Measure], a: str, b: str
) -> dict[str, Any]:
    """``a`` minus ``b`` in every measure."""
    return {
        measure: _difference(
            [of(seed["policies"][a]) for seed in seeds],
            [of(seed["policies"][b]) for seed in seeds],
        ).to_dict()
        for measure, of in told.items()
    }


def _difference(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> Interval:
    """Paired by problem; with several seeds for other seeds, too."""
    if len(first) == 1:
        return paired_difference(first[0], second[0])
    return between_seeds_interval(np.stack(first) - np.stack(second))


# ---- tables ------------------------------------------------------------------------------------


def table(result: dict[str, Any]) -> list[list[str]]:
    """A head and one row a policy, and the SFT policy's best of n by verifier and by majority."""
    n = result["asked"]["n_test"]
    own, plain = "at its T", "at 1"
    rows = [
        ["", "T", "one reply, at T", "one reply, at 1", f"any of {n}, at T", f"any of {n}, at 1"]
    ]
    for name, found in result["policies"].items():
        values = [found[f"pass@{k} {where}"] for k in (1, n) for where in (own, plain)]
        rows.append([name, _temperatures(found), *map(_shown_interval, values)])
    start = result["policies"][SFT]
    for how, measure in (
        (f"best of {n} by the verifier", f"pass@{n}"),
        (f"majority of {n}", f"majority of {n}"),
    ):
        values = [start[f"{measure} {where}"] for where in (own, plain)]
        rows.append([f"{SFT}, {how}", _temperatures(start), *map(_shown_interval, values), "", ""])
    return rows


def shown(result: dict[str, Any]) -> tuple[list[str], list[Interval]]:
    """Names and intervals of one reply at each one's best temperature, for ``plots.intervals``.

    A row a policy, and the SFT policy's best of n by verifier and by majority.
    """
    n = result["asked"]["n_test"]
    values = {name: found["pass@1 at its T"] for name, found in result["policies"].items()}
    start = result["policies"][SFT]
    values[f"{SFT}, best of {n} by the verifier"] = start[f"pass@{n} at its T"]
    values[f"{SFT}, majority of {n}"] = start[f"majority of {n} at its T"]
    return list(values), [Interval(**value) for value in values.values()]


def differences_table(result: dict[str, Any]) -> list[list[str]]:
    """A head and one row a pair: differences at each one's best T and at 1, and a verdict."""
    n = result["asked"]["n_test"]
    names = ("pass@1 at its T", "pass@1 at 1", f"pass@{n} at 1")
    rows = [["", "one reply, each at its T", "told apart", "one reply, at 1", f"any of {n}, at 1"]]
    for pair, found in result["differences"].items():
        first = found[names[0]]
        apart = "yes" if first["low"] > 0 or first["high"] < 0 else "no"
        cells = [_shown_interval(found[name], "+.3f") if name in found else "" for name in names]
        rows.append([pair, cells[0], apart, *cells[1:]])
    return rows


def _temperatures(found: dict[str, Any]) -> str:
    return ", ".join(f"{temperature:g}" for temperature in found["temperature"])


def _shown_interval(value: dict[str, float], spec: str = ".3f") -> str:
    text = f"{value['mean']:{spec}} [{value['low']:{spec}}, {value['high']:{spec}}]"
    return text.replace("-", "−")
