"""Sampling from a server that fails: what is lost, what comes twice, how many requests a second.

    python benchmarks/serving.py [--quick] [--json]

The stand-in of ``course_lib/scale/loopback.py`` serves on this machine, and writes a text that says
which prompt and seed it is for. So each of the (prompt, candidate) of the pool can be checked:

- kills: 1,000 prompts × 8, 5 % of requests fail in all of the stand-in's ways, and the client's
  process is killed (kill -9) at 10 moments. Each new one goes on from the journal.
- rates: requests a second at 1 and at 32 in flight, where a reply takes no time and where it takes
  50 ms, in one run.
- memory: what a client grows by, for a job and for one ten times as large, from file to file.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common

from course_lib.models import Sampling
from course_lib.pools import Pool
from course_lib.scale.loopback import Behaviour, Scribe, serving
from course_lib.scale.on_server import BLOCK, sample_source
from course_lib.scale.prompts import Listed, source_of
from course_lib.scale.server import Asking, Connection, Server, request_seed

FAILING = 0.05
SEED = 7


def asked(count: int) -> Listed:
    """Prompts that differ, and a fact beside each."""
    return Listed([f"question {i}" for i in range(count)], [{"number": i} for i in range(count)])


def client(url: str, count: int, n: int, out: str, at_once: int) -> None:
    """One run of the job: a process that is killed, or ends."""
    sampling = Sampling(n=n, seed=SEED)
    server = Server(Connection(url, tries=12), Asking("scribe", sampling=sampling))
    sample_source(server, asked(count), out, at_once)


def lines(path: Path) -> int:
    """Finished lines of a file that another process writes."""
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def done(journal: Path) -> set[str]:
    """The prompts that a journal holds."""
    if not journal.is_file():
        return set()
    rows = journal.read_bytes().split(b"\n")[1:-1]  # the last one ended with its line
    return {f"question {json.loads(row)['prompt']}" for row in rows}


def killed(folder: Path, count: int, n: int, kills: int, at_once: int = 32) -> dict[str, Any]:
    """The job, killed ``kills`` times at random moments, and what came of it."""
    out = folder / "pool.npz"
    journal = folder / "pool.npz.partial.jsonl"
    # a clean process that has the library loaded, from which each client is forked
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course_lib.scale.on_server"])
    chance = random.Random(SEED)
    moments = sorted(chance.sample(range(1, count), kills))
    behaviour = Behaviour(faults=FAILING, seed=SEED, after=0.1, slow=0.1)
    found, asked_again = [], 0
    kept: set[str] = set()  # prompts that the journal had at the last kill
    # a pace at which a kill comes within the job and not behind it
    with serving(Scribe(wait=0.02), behaviour) as url:
        for moment in [*moments, None]:
            before = len(behaviour.served)
            process = context.Process(target=client, args=(url, count, n, str(out), at_once))
            process.start()
            while moment is not None and process.is_alive() and lines(journal) <= moment:
                time.sleep(0.001)
            if moment is not None:
                process.kill()
                found.append(lines(journal))
            process.join()
            asked_again += sum(one["prompt"] in kept for one in behaviour.served[before:])
            kept = done(journal)
    return {
        "kills": kills,
        "lines_at_kills": found,
        "asked_again": asked_again,
        "last_status": process.exitcode,
        "faults": dict(behaviour.drawn),
        **checked(Pool.load(out), behaviour, count, n),
        "journal_left": journal.exists(),
    }


def checked(pool: Pool, behaviour: Behaviour, count: int, n: int) -> dict[str, Any]:
    """How the pool agrees with what the stand-in gave."""
    given: dict[str, set[str]] = {}
    for one in behaviour.served:
        given.setdefault(one["prompt"], set()).update(one["texts"])
    wanted = [
        [Scribe.reply(prompt, request_seed(SEED, i, j)) for j in range(n)]
        for i, prompt in enumerate(pool.prompts)
    ]
    texts = [text for row in pool.texts for text in row]
    foreign = sum(
        text not in given.get(str(prompt), ())
        for prompt, row in zip(pool.prompts, pool.texts, strict=True)
        for text in row
    )
    right = [[reply.text for reply in row] for row in wanted]
    return {
        "candidates": len(texts),
        "missing": count * n - len(texts),
        "duplicates": len(texts) - len(set(texts)),
        "foreign": foreign,
        "in_place": right == pool.texts and pool.prompts == list(asked(count).prompts),
        "given": sum(len(one["texts"]) for one in behaviour.served),
    }


def rate(folder: Path, count: int, at_once: int, wait: float) -> dict[str, Any]:
    """Requests a second without faults."""
    with serving(Scribe(wait)) as url:
        server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=8)))
        seconds, served = common.seconds(
            lambda: sample_source(server, asked(count), folder / f"{at_once}-{wait}.npz", at_once)
        )
    return {
        "requests": count,
        "seconds": round(seconds, 2),
        "per_second": served.requests / seconds,
    }


def peak_of(url: str, folder: Path, count: int) -> dict[str, Any]:
    """Peak memory of a client of its own, from a file of prompts to a file of replies."""
    file = folder / f"{count}.jsonl"
    with open(file, "w", encoding="utf-8") as rows:
        for i in range(count):
            rows.write(json.dumps({"prompt": f"question {i}", "number": i}) + "\n")
    found = common.in_a_fresh_process(["--client", url, str(file), "--json"])
    return {"prompts": count, **found}


def lean_client(url: str, file: str) -> None:
    """A client whose prompts and replies stay in files; prints what it needed."""
    server = Server(Connection(url), Asking("scribe", sampling=Sampling(n=4)))
    before = resident_mb()
    sample_source(server, source_of(file, BLOCK), file.removesuffix(".jsonl") + "-out.jsonl", 32)
    grown = resident_mb() - before
    print(json.dumps({"grown_mb": round(grown, 1), "peak_mb": round(common.peak_mb(), 1)}))


def resident_mb() -> float:
    """Memory that this process holds now, in MB; not a number where it is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    except OSError:  # Linux only
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--client", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        lean_client(*options.client)
        return
    count, n, kills = (100, 4, 2) if options.quick else (1000, 8, 10)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found["kills"] = killed(folder, count, n, kills)
        few = 100 if options.quick else 400
        for wait in (0.0, 0.05):
            for at_once in (1, 32):
                row = rate(folder, few, at_once, wait)
                found[f"{at_once} at once, replies of {1000 * wait:.0f} ms"] = row
        with serving(Scribe()) as url:
            for size in (2 * count, 20 * count):
                found[f"memory, {size} prompts × 4"] = peak_of(url, folder, size)
    fast = [found[f"{k} at once, replies of 50 ms"]["per_second"] for k in (1, 32)]
    result = {"rows": found, "ratios": {"32 at once against 1 (50 ms)": fast[1] / fast[0]}}
    text = [f"{name}: {value}" for name, value in found.items()]
    common.finish(options, {**result, "aims": {}}, text)


if __name__ == "__main__":
    sys.exit(main())
