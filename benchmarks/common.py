"""What the benchmarks share: their two options, fair timing, and how results are printed."""

import argparse
import json
import logging
import multiprocessing
import os
import resource
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "ACTIVE")  # a benchmark wants the machine for itself
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def options(description):
    """--quick (under a minute) and --json (machine-readable on standard output)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller version, under a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def job_options(description, folder):
    """:func:`options` for benchmarks made of many training runs, and what they print with.

    (parser, say).
    """
    os.environ["OMP_NUM_THREADS"] = "1"  # one thread a process, set before torch is imported
    parser = options(description)
    parser.add_argument("--out", default=folder, help=f"folder for the runs (default {folder})")
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count(),
        help="processes at once (default: one a core)",
    )

    def say(line):
        if "--json" not in sys.argv:
            print(line, flush=True)

    return parser, say


def quiet_peers():
    """TRL, datasets and transformers without their warnings and bars, so that nothing but the
    benchmark prints.
    """
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    from datasets import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    disable_progress_bars()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def seconds(function):
    """Wall-clock seconds of one call, and what it returned."""
    started = time.perf_counter()
    value = function()
    return time.perf_counter() - started, value


def best_of(function, repeats):
    """The least seconds of several calls (the machine's noise only ever adds), and the last
    value.
    """
    times = []
    for _ in range(repeats):
        t, value = seconds(function)
        times.append(t)
    return min(times), value


def matrix_product_limit(flops_per_token, seconds_each=0.5):
    """Tokens per second if nothing but this machine's fastest float32 matrix product were needed.

    And its GFLOP/s.
    """
    import torch

    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    a @ b
    best, until = float("inf"), time.perf_counter() + seconds_each
    while time.perf_counter() < until:
        t, _ = seconds(lambda: a @ b)
        best = min(best, t)
    rate = 2 * 2048**3 / best
    return rate / flops_per_token, rate / 1e9


def peak_mb():
    """Peak resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_fresh_process(arguments):
    """Run this benchmark's file again with ``arguments``; returns the JSON it prints.

    For memory, which only a new process shows.
    """
    out = subprocess.run(
        [sys.executable, sys.argv[0], *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(out.stdout.strip().splitlines()[-1])


def run_jobs(job, tasks, workers, say):
    """What ``job(task)`` wrote for every task, as JSON. A task's last element is its file: tasks
    whose file is there are done already.

    The others run ``workers`` at a time, each in a process of its own with one thread.
    """
    missing = [task for task in tasks if not Path(task[-1]).is_file()]
    if missing:
        started = time.perf_counter()
        with ProcessPoolExecutor(
            min(workers, len(missing)), mp_context=multiprocessing.get_context("spawn")
        ) as pool:
            for done, future in enumerate(
                as_completed([pool.submit(job, task) for task in missing]), 1
            ):
                say(
                    f"{time.perf_counter() - started:6.0f} s  {done} of {len(missing)}  "
                    f"{Path(future.result()).stem}"
                )
    return [json.loads(Path(task[-1]).read_text()) for task in tasks]


def finish(args, result, lines):
    """Print the result as JSON or as text; ratios are shown beside their aims."""
    if args.json:
        print(json.dumps(result, indent=1))
        return
    print("\n".join(lines))
    for name, value in result["ratios"].items():
        aim = result["aims"].get(name)
        verdict = (
            ""
            if aim is None
            else f"   aim {'at most' if name in result.get('at_most', []) else 'at least'} "
            f"{aim:g}: "
            + (
                "met"
                if (value <= aim if name in result.get("at_most", []) else value >= aim)
                else "NOT met"
            )
        )
        print(f"{name}: {value:.3g}{verdict}")
