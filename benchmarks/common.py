"""What the benchmarks share: their two options, fair timing, and how results are printed."""

import argparse
import contextlib
import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "ACTIVE")  # a benchmark wants the machine for itself
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from course_lib.base import terminal

terminal.make_printable(sys.stdout, sys.stderr)


def options(documentation: str) -> argparse.ArgumentParser:
    """--quick (under a minute) and --json (machine-readable on standard output).

    A benchmark's description is the first paragraph of its ``documentation``.
    """
    parser = argparse.ArgumentParser(description=documentation.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smaller version, under a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def job_options(
    documentation: str, folder: str
) -> tuple[argparse.ArgumentParser, Callable[[str], None]]:
    """:func:`options` for benchmarks made of many training runs, and what they print with.

    (parser, say).
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # one thread a process, set before torch is imported
    parser = options(documentation)
    parser.add_argument("--out", default=folder, help=f"folder for the runs (default {folder})")
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count(),
        help="processes at once (default: one a core)",
    )

    def say(line: str) -> None:
        if "--json" not in sys.argv:
            print(line, flush=True)

    return parser, say


def quiet_peers() -> None:
    """Let nothing but the benchmark print: TRL and the like without warnings and bars."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    from transformers.utils import logging as transformers_logging

    with contextlib.suppress(ImportError):  # of the peers only TRL needs it
        from datasets import disable_progress_bars

        disable_progress_bars()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def seconds(function: Callable[[], object]) -> tuple[float, object]:
    """Wall-clock seconds of one call, and what it returned."""
    started = time.perf_counter()
    value = function()
    return time.perf_counter() - started, value


def best_of(function: Callable[[], object], repeats: int) -> tuple[float, object]:
    """The least seconds of several calls, and the last value.

    The least, because the machine's noise only ever adds.
    """
    times = []
    for _ in range(repeats):
        t, value = seconds(function)
        times.append(t)
    return min(times), value


def matrix_product_limit(flops_per_token: float, seconds_each: float = 0.5) -> tuple[float, float]:
    """Tokens per second if nothing but this machine's fastest float32 matrix product were needed.

    And its GFLOP/s.
    """
    import torch

    a = torch.randn(2048, 2048)
    b = torch.randn(2048, 2048)
    a @ b  # the first product loads libraries
    best = float("inf")
    until = time.perf_counter() + seconds_each
    while time.perf_counter() < until:
        t, _ = seconds(lambda: a @ b)
        best = min(best, t)
    rate = 2 * 2048**3 / best
    return rate / flops_per_token, rate / 1e9


def peak_mb() -> float:
    """Peak resident memory of this process so far, in MB; not a number where it is not told."""
    try:
        import resource  # Unix only
    except ImportError:
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_fresh_process(arguments: Sequence[str]) -> dict:
    """Run this benchmark's file again with ``arguments``; returns the JSON it prints.

    For memory, which only a new process shows.
    """
    command = [sys.executable, sys.argv[0], *arguments]
    out = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    return json.loads(out.stdout.strip().splitlines()[-1])


def run_jobs(
    job: Callable[[tuple], str],
    tasks: Sequence[tuple],
    workers: int,
    say: Callable[[str], None],
) -> list[dict]:
    """What ``job(task)`` wrote for every task, as JSON.

    A task's last element is its file: tasks whose file is there are done already. The others run
    ``workers`` at a time, each in a process of its own with one thread.
    """
    missing = [task for task in tasks if not Path(task[-1]).is_file()]
    if missing:
        started = time.perf_counter()
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(missing)), mp_context=spawn) as pool:
            futures = [pool.submit(job, task) for task in missing]
            for done, future in enumerate(as_completed(futures), 1):
                name = Path(future.result()).stem
                spent = time.perf_counter() - started
                say(f"{spent:6.0f} s  {done} of {len(missing)}  {name}")
    return [json.loads(Path(task[-1]).read_text(encoding="utf-8")) for task in tasks]


def finish(args: argparse.Namespace, result: dict, lines: Sequence[str]) -> None:
    """Print the result as JSON or as text; ratios are shown beside their aims."""
    if args.json:
        print(json.dumps(result, indent=1))
        return
    print("\n".join(lines))
    at_most = result.get("at_most", [])
    for name, value in result["ratios"].items():
        aim = result["aims"].get(name)
        verdict = "" if aim is None else f"   aim {against_aim(value, aim, name in at_most)}"
        print(f"{name}: {value:.3g}{verdict}")


def against_aim(value: float, aim: float, at_most: bool) -> str:
    """An aim, and whether ``value`` meets it."""
    if at_most:
        return f"at most {aim:g}: {'met' if value <= aim else 'NOT met'}"
    return f"at least {aim:g}: {'met' if value >= aim else 'NOT met'}"


# ---- rows, written as they are found: for machines that are lent for minutes


class OutOfTimeError(Exception):
    """A row took longer than it may."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End what runs inside with :class:`OutOfTimeError` after ``seconds``.

    May be nested. Where the system has no such alarm (Windows, or outside the main thread),
    nothing ends it.
    """
    main = threading.current_thread() is threading.main_thread()
    if not hasattr(signal, "setitimer") or not main:
        yield
        return

    def ring(*_: object) -> None:
        raise OutOfTimeError(f"not done in {seconds:.0f} s")

    started = time.perf_counter()
    before = signal.signal(signal.SIGALRM, ring)
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)  # of a limit around this one
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        rest = max(0.01, outer - (time.perf_counter() - started)) if outer else 0
        signal.setitimer(signal.ITIMER_REAL, rest)


class Rows:
    """JSON lines of a benchmark, each in the file before the next one is begun.

    ``out``: the file, or None. ``budget``: seconds of the whole, counted from here; what is not
    begun by then is written down as left out. ``say`` prints a line.
    """

    def __init__(
        self, out: str | Path | None, budget: float, say: Callable[[str], None] = print
    ) -> None:
        self.out, self.say = out, say
        self.rows: list[dict[str, Any]] = []
        self.until = time.perf_counter() + budget
        if out is not None:
            Path(out).parent.mkdir(parents=True, exist_ok=True)
            Path(out).write_text("", encoding="utf-8")

    @property
    def left(self) -> float:
        """Seconds that are left of the budget."""
        return self.until - time.perf_counter()

    def add(self, **facts: Any) -> dict[str, Any]:
        """Write one row."""
        self.rows.append(facts)
        if self.out is not None:
            with open(self.out, "a", encoding="utf-8") as file:
                file.write(json.dumps(facts) + "\n")
                file.flush()
                os.fsync(file.fileno())
        self.say("  ".join(f"{name} {shown(value)}" for name, value in facts.items()))
        return facts

    def attempt(
        self, function: Callable[[], dict[str, Any]], limit: float = 600, **facts: Any
    ) -> dict[str, Any]:
        """Write ``facts`` and what ``function()`` gives, or why it gave nothing.

        It may take ``limit`` seconds and what is left of the budget. The row has "error" when it
        failed and "left_out" when there was no time to begin.
        """
        if self.left < 2:
            return self.add(**facts, left_out="no time left")
        started = time.perf_counter()
        try:
            with at_most(min(limit, self.left)):
                found = function()
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            reason = str(error).strip()[:600]
            found = {"error": f"{type(error).__name__}: {reason} ({where})"}
        return self.add(**facts, **found, took=round(time.perf_counter() - started, 2))


def shown(value: object) -> str:
    """A value of a row as text: numbers short."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if whole else str(value)
