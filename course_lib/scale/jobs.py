"""Sampling and scoring as large jobs: cut into parts, made by an engine, written to one place.

``course sample --engine`` and ``course score --engine``. Which engine makes the parts, with how
many workers, changes nothing in what is written; the size of a part may change the last bits of
log-probabilities and scores, so it is part of the job.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..base import CourseError, free_to_write, progress, require, whole
from ..methods import Request, Span, part_place
from ..models import Policy, Reward, Sampling
from ..pools import Pool, parts_in
from .output import KINDS, check_output, write_pools
from .parts import Parts, digest, parts_of, sealed
from .prompts import Listed, Source
from .worker import Engine, Shipped, Steps, facts_of, here

REPLIES = 4096  # of a part that is scored, where nobody says how many


@dataclass(frozen=True)
class Place:
    """Where a job writes, by whom its parts are made, and how many prompts a part has.

    Attributes
    ----------
    out : see :func:`~course_lib.scale.output.write_pools`.
    engine : who makes the parts.
    part : prompts a part; None is the library's own size.
    force : whether a file at ``out`` may be replaced.
    """

    out: Path
    engine: Engine = here
    part: int | None = None
    force: bool = False

    @property
    def folder(self) -> Path:
        """Where the parts lie: ``out`` itself, or beside it while it is being made."""
        return self.out if not self.is_file else self.out.with_name(self.out.name + ".parts")

    @property
    def is_file(self) -> bool:
        """Whether ``out`` is one file."""
        return str(self.out).endswith(KINDS)

    def check(self) -> None:
        """Raise where ``out`` cannot be written."""
        check_output(self.out)
        if self.is_file:
            free_to_write(self.out, self.force)
        require(
            self.is_file or not self.force,
            f"--force replaces a file, and {self.out} is a folder of parts, whose job goes on. "
            "Leave --force out; for a new job delete that folder or give another --out.",
        )


@dataclass(frozen=True)
class Done:
    """What a job did: prompts, replies and tokens of all parts, those made now, and seconds."""

    prompts: int
    replies: int
    tokens: int
    made_now: int
    seconds: float

    def __str__(self) -> str:
        rate = self.made_now / self.seconds if self.seconds and self.made_now else 0.0
        speed = f", {rate:,.0f} tokens a second" if rate else ""
        return f"{self.prompts:,} prompts, {self.replies:,} replies, {self.tokens:,} tokens{speed}"


def sample_in_parts(
    source: Source,
    policy: Callable[[], Policy],
    sampling: Sampling,
    place: Place,
    *,
    reward: Callable[[], Reward] | None = None,
    asked: dict[str, Any],
) -> Done:
    """Sample, and score where there is a ``reward``, all prompts of ``source``.

    ``policy`` and ``reward`` load the models, once a worker. ``asked`` names what they are, and
    what else decides the replies: it is what a job that goes on is known by.
    """
    place.check()
    sampling = sampling.normal()
    size = part_size(sampling, place.part)
    settings = {key: value for key, value in asdict(sampling).items() if key != "memory_mb"}
    parts = Parts(place.folder, source.count, size, {**asked, "sampling": settings})
    steps = Steps(place.folder, source, policy, sampling, reward)
    return carried_out(parts, steps, place)


def part_size(sampling: Sampling, part: int | None) -> int:
    """Prompts whose candidates are made together: ``part``, or the library's own number."""
    return Request([], None, sampling, part).prompts_a_part()


def score_in_parts(
    pool: Path,
    reward: Callable[[], Reward],
    place: Place,
    *,
    name: str,
    asked: dict[str, Any],
    held: Pool,
) -> Done:
    """Add a reward to a pool: a folder of parts, or a file, whose pool is ``held``.

    A folder of parts is read part by part by the workers, and its parts stay as they are cut.
    """
    place.check()
    require(
        place.folder.resolve() != pool.resolve(),
        f"the scored pool needs a place of its own; got {pool} twice. Give another --out.",
    )
    if pool.is_dir():
        require(
            place.part is None, f"{pool} is in parts, which stay as they are cut: leave --part out."
        )
        spans = parts_in(pool)
        give: Callable[[Span], Pool] = FromFolder(pool.resolve())
        count, size = spans[-1][1], spans[0][1]
        sizes = sorted({stop - start for start, stop in spans})
        require(
            spans == parts_of(count, size),
            f"{pool} has parts of {sizes} prompts; expected one size, and a smaller one at the end "
            "alone.",
        )
        what = {"pool": sealed(pool, spans)}
    else:
        give, count = FromPool(held), held.P
        size = place.part and whole(place.part, "part (None is the library's own)", 1)
        size = size or max(1, REPLIES // held.N)
        what = {"pool": digest(pool)}
    parts = Parts(place.folder, count, size, {**asked, **what, "name": name})
    return carried_out(parts, Steps(place.folder, reward=reward, name=name, pools=give), place)


@dataclass(frozen=True)
class FromFolder:
    """The pools of a folder of parts, by span."""

    folder: Path

    def __call__(self, span: Span) -> Pool:
        """The pool of one part."""
        return Pool.load(part_place(self.folder, *span) / "pool.npz")


@dataclass(frozen=True)
class FromPool:
    """Parts of a pool that is in memory, by span."""

    pool: Pool

    def __call__(self, span: Span) -> Pool:
        """The pool of these prompts."""
        return self.pool.prompts_at(slice(*span))


def carried_out(parts: Parts, steps: Steps, place: Place) -> Done:
    """Have the engine make what is lacking, then write the output."""
    lacking = parts.begin()
    started, made = time.perf_counter(), 0
    label = "scoring" if steps.pools is not None else "sampling"
    with progress.bar(parts.spans[-1][1], label, "prompt") as bar:
        bar.update(parts.spans[-1][1] - sum(stop - start for start, stop in lacking))
        for facts in place.engine(steps, lacking) if lacking else ():
            made += facts["tokens"]
            seconds = time.perf_counter() - started
            bar.update(facts["prompts"])
            bar.set_postfix({"tokens/s": f"{made / seconds:,.0f}"}, refresh=False)
    unseen = [span for span in lacking if not part_place(parts.folder, *span).exists()]
    require(
        not unseen,
        f"the workers made {len(unseen)} parts that are not in {parts.folder}, as this machine "
        "sees it. --out must name a folder that all machines share.",
    )
    seconds = time.perf_counter() - started
    totals = {"prompts": 0, "replies": 0, "tokens": 0}

    def counted() -> Iterator[Pool]:
        for pool in parts.pools():
            for key, value in facts_of(pool).items():
                totals[key] += value
            yield pool

    if place.is_file:
        _joined(counted(), place)
    else:
        for _ in counted():
            pass
    return Done(**totals, made_now=made, seconds=seconds)


def _joined(pools: Iterator[Pool], place: Place) -> None:
    """Write the file, then take the parts away; where that fails, say how they still serve."""
    try:
        write_pools(pools, place.out)
    except CourseError as error:
        raise CourseError(
            f"{error} The parts are kept in {place.folder}: the same command goes on from there, "
            "and for another --out NAME, once that folder is renamed to NAME.parts."
        ) from None
    # in one step: what is left of a folder that goes bit by bit is no job that could go on
    gone = place.folder.with_name(f".{place.folder.name}.old")
    shutil.rmtree(gone, ignore_errors=True)
    place.folder.replace(gone)
    shutil.rmtree(gone, ignore_errors=True)


@dataclass(frozen=True)
class Ahead:
    """Makes the parts of a run's sampled pools by an engine, see ``ahead`` of ``Stages``."""

    engine: Engine

    def __call__(self, policy: Any, request: Any, folder: Path, lacking: list[Span]) -> None:
        """Have ``lacking`` made in ``folder``."""
        steps = Steps(
            folder.resolve(),
            Listed(request.prompts, request.info),
            Shipped(policy),
            request.sampling,
        )
        with progress.bar(sum(b - a for a, b in lacking), "sampling", "prompt") as bar:
            for facts in self.engine(steps, lacking):
                bar.update(facts["prompts"])
