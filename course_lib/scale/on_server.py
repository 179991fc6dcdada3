"""``course sample --engine server``: a job of many prompts against one server, kept as it goes."""

import hashlib
import json
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from ..base import CourseError, Prompt, free_to_write, key_of, progress, require
from ..experiments import OwnPrompts, asked_prompts, is_base, settings_for, sizes_for
from ..pools import Pool, Provenance
from ..worlds import World, load_world
from .endpoint import GivenUpError
from .journal import Journal
from .output import KINDS, check_output, check_replaced, write_pools
from .patience import StoppedError
from .prompts import Listed, Source, first_prompts, limited, source_of
from .replies import Reply
from .server import Asking, Connection, Server, served_model

BLOCK = 256  # prompts of a pool that is written in one piece
FEW = 4  # prompts given up in a row that end a job, and no fewer than are in flight
CERTAIN = 8  # prompts whose candidates are all copies, until the job says so


@dataclass(frozen=True)
class Served:
    """What a job of a server came to.

    Attributes
    ----------
    prompts, n : candidates per prompt, and prompts.
    kept : prompts that an earlier run had done.
    requests : answered ones of this run.
    again : tries after the first, of all of them.
    tokens : written in this run, as the server counts them.
    took : seconds of this run's sampling.
    left_out : settings that the server refused and was asked without.
    logprobs : whether the pool has sums of log-probabilities.
    failed : prompts that could not be done and were left out.
    """

    prompts: int
    n: int
    kept: int
    requests: int
    again: int
    tokens: int
    took: float
    left_out: tuple[str, ...]
    logprobs: bool
    failed: int = 0

    def __str__(self) -> str:
        parts = [f"{self.prompts} prompts × {self.n} candidates"]
        if self.kept:
            parts.append(f"{self.kept} prompts were there")
        rate = self.requests / self.took if self.took > 0 else 0.0
        parts.append(f"{self.requests} requests ({rate:.1f} a second, {self.again} tried again)")
        parts.append(f"{self.tokens} tokens" if self.tokens else "the server counts no tokens")
        parts.append(f"log-probabilities: {'the sums' if self.logprobs else 'none'}")
        if self.failed:
            parts.append(f"{self.failed} prompts could not be done and are left out")
        if self.left_out:
            parts.append(f"the server refuses {', '.join(self.left_out)}, so it was left out")
        return "; ".join(parts)


def sample_on_server(
    world: World | str,
    out: Path | str,
    connection: Connection,
    *,
    split: str = "train",
    prompts: int | None = None,
    asking: dict[str, Any] | None = None,
    force: bool = False,
    **sampling: Any,
) -> Served:
    """Sample ``prompts`` prompts of a world from a server, and write their pool to ``out``.

    ``asking``: as in :func:`~course_lib.experiments.sample_from_world`, ``per_request`` and
    ``logprobs`` of :class:`Asking`, and ``skip_failed`` of :func:`sample_source`. Without a
    template a model whose name is a base model's gets plain prompts, all others the server's chat
    template. ``sampling``: fields of :class:`~course_lib.models.Sampling`, missing ones as there.

    What is done stands in ``OUT.partial.jsonl`` until ``out`` is written: the same call goes on
    from there. Raises :class:`~course_lib.base.CourseError` where tries do not help.
    """
    check_output(out)
    free_to_write(out, force, folder=not str(out).endswith(KINDS))
    check_replaced(out)
    world = load_world(world) if isinstance(world, str) else world
    model = served_model(connection)
    given = dict(asking or {})
    per_request = given.pop("per_request", None)
    logprobs = given.pop("logprobs", None) or "auto"
    skip = bool(given.pop("skip_failed", False))
    asker = Remote(model, given.get("template"))
    if given.get("prompts_file") is not None:
        source = limited(source_of(given["prompts_file"], BLOCK), prompts)
        require(not given.get("shots"), "a file of prompts has no solutions: leave --shots out.")
        sizes = sizes_for(world, given.get("tier"))
        few = first_prompts(source)
        like = OwnPrompts.of(few, None, None, sizes.max_tokens)
        settings = settings_for(sizes, like, asker, few, sampling)
        system = None
    else:
        texts, info, settings = asked_prompts(
            world,
            asker,
            model,
            own=None,
            split=split,
            limit=prompts,
            asking=given,
            sampling=sampling,
        )
        source, system = Listed(texts, info), world.system
    wanted = Asking(model, asker.template, system, settings, per_request, logprobs)
    return sample_source(Server(connection, wanted), source, out, connection.at_once, skip)


class Remote:
    """A model behind a server, as far as prompts are written for it."""

    tokenizer = SimpleNamespace(chat_template="the server's own")
    stop_ids: list[int] = []

    def __init__(self, model: str, template: str | None) -> None:
        fits = "plain" if is_base(model, self.tokenizer) else "chat"
        self.template = template or fits


def sample_source(
    server: Server,
    source: Source,
    out: Path | str,
    at_once: int = 32,
    skip_failed: bool = False,
) -> Served:
    """Sample all prompts of ``source`` from ``server``, and write their pool to ``out``.

    Only what is in flight is in memory, and a number a prompt. A prompt that the server refuses, or
    that no try brings an answer to, holds up no other; at the end it is an error, or with
    ``skip_failed`` it is left out of the pool.
    """
    out = Path(out)
    job = key_of(server.asking)
    job |= job.pop("sampling")
    job["digest"] = digest_of(source)
    place = out.with_name(out.name + ".partial.jsonl")
    with Journal(place, job, source.count) as journal:
        kept = journal.done
        started = time.perf_counter()
        failed = drawn(server, source, journal, at_once)
        if failed and not (skip_failed and journal.done):
            number, error = min(failed.items())
            raise CourseError(
                f"{len(failed)} of {source.count} prompts could not be done, the first is number "
                f"{number}: {error} All others are kept: run the same command again for these, or "
                "leave them out with --skip-failed."
            )
        took = time.perf_counter() - started
        require(
            digest_of(source) == job["digest"],
            "the file of prompts was changed while this job ran. Put it back as it was, and run "
            "the same command again.",
        )
        logprobs = _all_have_logprobs(journal)
        write_pools(pools_of(server.asking, source, journal, logprobs), out)
        journal.remove()
    return Served(
        prompts=source.count,
        n=server.asking.sampling.n,
        kept=kept,
        requests=server.requests,
        again=server.patience.again,
        tokens=server.tokens,
        took=took,
        left_out=server.left_out,
        logprobs=logprobs,
        failed=len(failed),
    )


def digest_of(source: Source) -> str:
    """A digest of all prompts: two jobs with one digest ask the same."""
    digest = hashlib.sha256()
    for _, prompt in _numbered(source, range(source.count)):
        digest.update(json.dumps(prompt).encode() + b"\n")
    return digest.hexdigest()[:32]


def drawn(
    server: Server, source: Source, journal: Journal, at_once: int
) -> dict[int, GivenUpError]:
    """Ask for every prompt that the journal misses, and write each down as it comes.

    Returns the prompts that were given up, and why. Raises what would stop any prompt, and what
    stopped so many in a row that the server must be to blame, once everything in flight has come in
    and is written down.
    """
    todo = _Todo(source, journal)
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    workers = min(at_once, source.count - journal.done)
    threads = [
        threading.Thread(target=_work, args=(server, todo, results), daemon=True)
        for _ in range(workers)
    ]
    copies = Copies(server.asking)
    failure: Exception | None = None
    failed: dict[int, GivenUpError] = {}
    in_a_row, most = 0, max(FEW, at_once)
    try:
        with progress.bar(source.count, "sampling", "prompt") as bar:
            bar.update(journal.done)
            for thread in threads:
                thread.start()
            while workers:
                number, found = results.get()
                if number is None:
                    workers -= 1
                    if found is not None:
                        failure = failure or found
                        server.patience.stop()
                    continue
                if isinstance(found, GivenUpError):
                    failed[number] = found
                    in_a_row += 1
                    if in_a_row == most:
                        failure = failure or found
                        server.patience.stop()
                    continue
                in_a_row = 0
                for done, replies in copies.passed(number, found):
                    journal.add(done, _row(replies))
                bar.update()
                bar.set_postfix(again=server.patience.again, refresh=False)
        for done, replies in copies.rest():
            journal.add(done, _row(replies))
    finally:
        server.patience.stop()  # an interrupted job asks nothing more
    if failure is not None:
        raise failure
    return failed


class _Todo:
    """The prompts that are not done, handed out to threads one at a time."""

    def __init__(self, source: Source, journal: Journal) -> None:
        self.prompts = _numbered(source, list(journal.missing()))
        self.lock = threading.Lock()

    def next(self) -> tuple[int, Prompt] | None:
        """The next prompt and its number, or None."""
        with self.lock:
            return next(self.prompts, None)


def _work(server: Server, todo: _Todo, results: "queue.SimpleQueue[Any]") -> None:
    """A thread: prompts in, ``(number, replies or error)`` out.

    At its end ``(None, error or None)``.
    """
    failure: Exception | None = None
    try:
        while not server.patience.ended.is_set():
            one = todo.next()
            if one is None:
                break
            try:
                results.put((one[0], server.candidates(*one)))
            except GivenUpError as error:
                results.put((one[0], error))
    except StoppedError:
        pass
    except Exception as error:  # it belongs to the job, not to this thread
        failure = error
    server.endpoint.close()
    results.put((None, failure))


def _numbered(source: Source, numbers: Sequence[int]) -> Iterator[tuple[int, Prompt]]:
    """Each of the prompts ``numbers``, in rising order, read a block at a time."""
    first = 0
    block: list[Prompt] = []
    for number in numbers:
        if not first <= number < first + len(block):
            first = number - number % BLOCK
            block = source.part((first, min(first + BLOCK, source.count)))[0]
        yield number, block[number - first]


class Copies:
    """Watches for a server that gives every candidate of a request one seed.

    What may be copies is held back until some prompt has two different replies.
    """

    def __init__(self, asking: Asking) -> None:
        several = asking.sampling.n > 1 and asking.per_request != 1
        self.in_doubt = several and asking.sampling.temperature > 0
        self.held: list[tuple[int, list[Reply]]] = []

    def passed(self, number: int, replies: list[Reply]) -> list[tuple[int, list[Reply]]]:
        """What may be written down now. Raises once the first prompts had copies only."""
        self.held.append((number, replies))
        if self.in_doubt and len({reply.text for reply in replies}) > 1:
            self.in_doubt = False
        if self.in_doubt and len(self.held) >= CERTAIN:
            raise CourseError(
                f"of each of {CERTAIN} prompts all {len(replies)} candidates were equal, so none "
                "was kept. SGLang gives a request's candidates one seed under "
                "--enable-deterministic-inference: ask with --per-request 1. Where a model is so "
                "certain that equal replies are right, that gives them too."
            )
        return [] if self.in_doubt else self.rest()

    def rest(self) -> list[tuple[int, list[Reply]]]:
        """What is held back: too few prompts to tell."""
        held, self.held = self.held, []
        return held


# ---- from the journal to pools


def _row(replies: Sequence[Reply]) -> dict[str, Any]:
    """A prompt's line of the journal."""
    row: dict[str, Any] = {
        "texts": [reply.text for reply in replies],
        "finish": [reply.finish for reply in replies],
    }
    if any(reply.logprob is not None for reply in replies):
        row["logprobs"] = [reply.logprob for reply in replies]
        row["tokens"] = [reply.tokens for reply in replies]
    return row


def _all_have_logprobs(journal: Journal) -> bool:
    """Whether every candidate has a log-probability; a server may give some without."""
    done = (number for number in range(journal.count) if number in journal)
    rows = (journal.row(number).get("logprobs") for number in done)
    return all(row is not None and None not in row for row in rows)


def pools_of(asking: Asking, source: Source, journal: Journal, logprobs: bool) -> Iterator[Pool]:
    """The finished job as pools of consecutive prompts, in order; what is not done is left out."""
    sampling = asking.sampling
    lacking = journal.count - journal.done
    provenance = Provenance(
        policy=asking.model,
        n=sampling.n,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_tokens,
        seed=sampling.seed,
        method="server",
        dropped={"not answered by the server": lacking} if lacking else None,
    )
    for start in range(0, source.count, BLOCK):
        stop = min(start + BLOCK, source.count)
        prompts, info = source.part((start, stop))
        there = [number for number in range(start, stop) if number in journal]
        if not there:
            continue
        rows = [journal.row(number) for number in there]
        sums = lengths = None
        if logprobs:
            sums = torch.tensor([row["logprobs"] for row in rows], dtype=torch.float32)
            lengths = torch.tensor([row["tokens"] for row in rows], dtype=torch.int64)
        yield Pool(
            prompts=[prompts[number - start] for number in there],
            texts=[row["texts"] for row in rows],
            finish=torch.tensor([row["finish"] for row in rows], dtype=torch.int8),
            sum_logprobs=sums,
            lengths=lengths,
            info=[info[number - start] for number in there],
            provenance=provenance,
        )
