"""Lesson 09, cell by cell, as somebody with a 15 GB GPU would run it: seconds, memory and disk of
each cell, and what the preflight had said against what came.

    python benchmarks/rehearsal.py [--data FOLDER] [--scale SHARE] [--gib GIB] [--out FILE]
    python benchmarks/rehearsal.py --tiny

It needs a CUDA GPU; --tiny runs the same cells with a tiny checkpoint, on any machine.

The cells are those of notebooks/src/, in their order, each lesson in a namespace of its own. In
place of the hub's models stand folders with random weights of Qwen3-0.6B's shape in float16, so
that no score means anything, and memory and time are those of the real thing. Each cell is a JSON
line in --out as soon as it is done. The first exception ends the run.
"""

import ast
import contextlib
import gc
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common import Rows, options, quiet_peers

ROOT = Path(__file__).resolve().parents[1]
LESSONS = ("09a", "09b")
FEWEST = 64  # prompts: a lesson shows sixty, and times two parts of a test, 64 prompts each
WITHIN = {"memory": 0.15, "time": 0.30}


def arguments(given: Sequence[str] | None = None) -> Any:
    """The options of this benchmark."""
    parser = options(__doc__)
    parser.add_argument("--tiny", action="store_true", help="a tiny checkpoint, on any machine")
    parser.add_argument("--data", help="a folder with GSM8K's train.jsonl and test.jsonl")
    parser.add_argument("--scale", type=float, default=0.5, help="share of prompts and held-out")
    parser.add_argument("--gib", type=float, default=14.7, help="memory of the GPU, in GiB")
    parser.add_argument("--budget", type=float, default=530, help="seconds of the whole")
    parser.add_argument("--lessons", default=",".join(LESSONS), help="which, such as 09a")
    parser.add_argument("--out", help="a file for the rows, a JSON line each")
    parser.add_argument("--source", default=str(ROOT / "notebooks" / "src"), help="their folder")
    return parser.parse_args(given)


if __name__ == "__main__":
    asked = arguments()

import torch
from limits import as_small_as
from random_checkpoint import easy_answers, make_checkpoint, solution_tokenizer

from course_lib import experiments
from course_lib.base import Account, versions
from course_lib.models import device_of
from course_lib.worlds import load_world

QWEN = dict(
    hidden_size=1024,
    intermediate_size=3072,
    num_hidden_layers=28,
    num_attention_heads=16,
    num_key_value_heads=8,
    head_dim=128,
    vocab_size=151_936,
)
TINY = dict(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=16,
    vocab_size=4096,
)


# ---- cells -------------------------------------------------------------------------------------


def code_cells(source: Path) -> list[tuple[int, str]]:
    """(line, code) of every code cell of a py:percent file."""
    cells: list[tuple[int, list[str]]] = []
    code = False
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# %%"):
            code = "[markdown]" not in line
            if code:
                cells.append((number + 1, []))
        elif code:
            cells[-1][1].append(line)
    joined = [(number, "\n".join(lines)) for number, lines in cells]
    return [(number, text) for number, text in joined if text.strip()]


def run_cell(text: str, name: str, line: int, names: dict[str, Any]) -> str:
    """Run a cell as a notebook does, the last value shown; what it printed and showed, as text."""
    tree = ast.parse(text, name)
    ast.increment_lineno(tree, line - 1)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, name, "exec"), names)
        value = eval(compile(ast.Expression(last.value), name, "eval"), names) if last else None
    return printed.getvalue() + shown_text(value)


def shown_text(value: Any) -> str:
    """What a notebook would show of ``value``, as text; made as a notebook makes it."""
    if value is None:
        return ""
    bundle = getattr(value, "_repr_mimebundle_", None)
    if bundle is not None:
        made = bundle()
        made = made[0] if isinstance(made, tuple) else made
        return str((made or {}).get("text/plain", ""))
    html = getattr(value, "_repr_html_", None)
    if html is not None:
        html()
    return str(value)


# ---- memory and disk ---------------------------------------------------------------------------


def live_bytes(device: torch.device) -> int:
    """Bytes of tensors that are held now: on a GPU as it says, else those Python can reach."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    held = {}
    for one in gc.get_objects():
        # a type test alone: asking a proxy for its class would wake what it stands for
        if issubclass(type(one), torch.Tensor) and not one.is_meta:
            storage = one.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
    return sum(held.values())


def written_bytes() -> int | None:
    """Bytes this process has written to files so far; None where the system does not tell."""
    try:
        facts = Path("/proc/self/io").read_text(encoding="ascii")
    except OSError:
        return None
    return int(facts.split("wchar:")[1].split()[0])


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


# ---- in place of the hub -----------------------------------------------------------------------


@contextlib.contextmanager
def in_a_folder(folder: Path) -> Iterator[None]:
    """Work in ``folder``, temporary files there, too; processes find the course all the same."""
    before, temporary, places = Path.cwd(), tempfile.tempdir, os.environ.get("PYTHONPATH")
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([places] if places else [])])
    try:
        yield
    finally:
        os.chdir(before)
        tempfile.tempdir = temporary
        os.environ.pop("PYTHONPATH")
        if places is not None:
            os.environ["PYTHONPATH"] = places


@contextlib.contextmanager
def in_place_of(tier: Any) -> Iterator[None]:
    """The machine is found to be of this tier; tiers that are asked for by name stay."""
    chosen = experiments.tier

    def here(name: str | None = None) -> Any:
        return tier if name is None else chosen(name)

    experiments.tier = here
    try:
        yield
    finally:
        experiments.tier = chosen


def problems(data: str | None, folder: Path, tiny: bool) -> Path:
    """GSM8K's two files, or problems of the stand-in in their format, below ``folder``.

    With few different answers: a model with random weights is to be right now and then.
    """
    place = folder / "gsm8k"
    place.mkdir()
    if data is None:
        experiments.write_sums(place, train=300 if tiny else 2000, test=200)
    else:
        for name in ("train.jsonl", "test.jsonl"):
            shutil.copy(Path(data) / name, place / name)
    for file in place.iterdir():
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        easy = "".join(json.dumps(row) + "\n" for row in easy_answers(rows))
        file.write_text(easy, encoding="utf-8")
    return place


def rehearsed_tier(args: Any, policy: str, reward: str, held_out: int) -> Any:
    """The T4's tier with these folders, and fewer prompts.

    With --tiny fewer tokens, too.
    """
    tier = experiments.TIERS["t4"]
    scale = 0.25 if args.tiny else args.scale
    changes: dict[str, Any] = {"policy": policy, "reward": reward}
    changes["prompts"] = max(FEWEST, int(tier.prompts * scale))
    few = FEWEST + 8 if args.tiny else 2 * FEWEST
    changes["held_out"] = min(held_out, max(few, int(tier.held_out * scale)))
    if args.tiny:
        sampling = replace(tier.loop.sampling, n=16, max_tokens=24)
        changes["loop"] = replace(tier.loop, sampling=sampling)
    return replace(tier, **changes)


# ---- the walk ----------------------------------------------------------------------------------


@dataclass
class Walk:
    """A rehearsal: where it runs, and what is written down."""

    rows: Rows
    device: torch.device
    folder: Path
    lessons: Sequence[tuple[str, Path]]

    def cell(self, lesson: str, place: tuple[int, int], text: str, names: dict[str, Any]) -> bool:
        """Run one cell and write it down; whether the next one may be run."""
        number, line = place
        printed: list[str] = []
        written = written_bytes()
        account = Account()

        def run() -> dict[str, Any]:
            if self.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            with account:
                printed.append(run_cell(text, f"{lesson}[{number}]", line, names))
                if self.device.type == "cuda":
                    torch.cuda.synchronize()
            return self.after(account, written)

        first = next((row for row in text.splitlines() if row.strip()), "")
        row = self.rows.attempt(run, row="cell", lesson=lesson, cell=number, line=line, code=first)
        if "error" in row or "left_out" in row:
            self.rows.add(row="stopped", lesson=lesson, cell=number, text=text)
            return False
        if printed[0].strip():
            self.rows.add(row="shown", lesson=lesson, cell=number, text=printed[0].strip()[:1500])
        return True

    def after(self, account: Account, written: int | None) -> dict[str, Any]:
        """Memory and disk after a cell, and what its account says."""
        now = written_bytes()
        facts: dict[str, Any] = {
            "seconds": account.seconds,
            "live_gb": live_bytes(self.device) / 1e9,
            "disk_gb": folder_bytes(self.folder) / 1e9,
            "tokens_sampled": account.tokens_sampled,
            "tokens_trained": account.tokens_trained,
            "tokens_scored": account.tokens_scored,
        }
        if self.device.type == "cuda":
            facts["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9
        if now is not None and written is not None:
            facts["written_gb"] = (now - written) / 1e9
        return {name: value for name, value in facts.items() if value or name == "live_gb"}

    def lesson(self, name: str, source: Path) -> bool:
        """All cells of one lesson in one namespace; whether all were run."""
        names: dict[str, Any] = {"__name__": "__main__"}
        whole = True
        for number, (line, text) in enumerate(code_cells(source)):
            if not self.cell(name, (number, line), text, names):
                whole = False
                break
        self.compared(name, names)
        names.clear()
        gc.collect()
        self.rows.add(row="end", lesson=name, whole=whole, live_gb=live_bytes(self.device) / 1e9)
        return whole

    def compared(self, lesson: str, names: dict[str, Any]) -> None:
        """What was said before against what came, as far as a lesson has both: its last cell.

        Of a lesson: ``ledger``, ``plan`` (its preflight) and ``by_parts`` (seconds by stage, from
        the first parts).
        """
        if {"ledger", "plan"} <= set(names):
            known = names["plan"], names["ledger"], names.get("by_parts") or {}
            self.rows.attempt(lambda: ratios(*known), row="said and came", lesson=lesson)


def ratios(plan: Any, ledger: Any, by_parts: dict[str, float]) -> dict[str, Any]:
    """For every stage: what was said divided by what came, and whether that is close enough.

    Time is that of the first parts, where there is one: the preflight's is a T4's.
    """
    stages: dict[str, Any] = {}
    for stage, spent in ledger.seconds.items():
        first = by_parts.get(stage)
        told = {
            "time": (plan.minutes.get(stage) if first is None else first / 60, spent / 60),
            "memory": (plan.peak_gb.get(stage), ledger.peak_gb.get(stage)),
        }
        facts: dict[str, Any] = {"by_parts": first is not None}
        for kind, (said, came) in told.items():
            facts[f"{kind}_said"], facts[f"{kind}_came"] = said, came
            if said and came:
                facts[f"{kind}_ratio"] = said / came
                facts[f"{kind}_close"] = abs(said / came - 1) <= WITHIN[kind]
        stages[stage] = facts
    return {"unit": "minutes and GB", "stages": stages}


def rehearse(args: Any) -> list[dict[str, Any]]:
    """The whole; the rows."""
    import matplotlib

    matplotlib.use("Agg")
    say = (lambda line: None) if args.json else (lambda line: print(line[:600], flush=True))
    rows = Rows(args.out, args.budget, say)
    device = device_of()
    lessons = [
        (name, next(Path(args.source).glob(f"{name}_*.py"))) for name in args.lessons.split(",")
    ]
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    try:
        with as_small_as(args.gib, device), in_a_folder(folder):
            place = problems(args.data, folder, args.tiny)
            started = time.perf_counter()
            shape = TINY if args.tiny else QWEN
            lines = (place / "train.jsonl").read_text(encoding="utf-8").splitlines()
            told = [json.loads(line) for line in lines]
            size, length = shape["vocab_size"], 12 if args.tiny else 90
            made = solution_tokenizer(told, size, length)
            models = make_checkpoint(folder, shape, *made, torch.float16, device)
            del made
            gc.collect()
            test = len(load_world("gsm8k", data=str(place)).prompts("heldout")[0])
            tier = rehearsed_tier(args, *models, test)
            rows.add(
                row="run",
                device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
                gib=args.gib if device.type == "cuda" else None,
                tiny=args.tiny,
                prompts=tier.prompts,
                held_out=tier.held_out,
                data="GSM8K" if args.data else "the stand-in's sums",
                made_in=time.perf_counter() - started,
                versions=versions(),
            )
            walk = Walk(rows, device, folder, lessons)
            with in_place_of(tier):
                for name, source in lessons:
                    if not walk.lesson(name, source):
                        break
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows.rows


def main(args: Any) -> None:
    """Run it as a program; the exit status says whether every cell was run."""
    if not torch.cuda.is_available() and not args.tiny:
        sys.exit("no CUDA GPU here. --tiny runs the same cells with a tiny checkpoint.")
    quiet_peers()
    rows = rehearse(args)
    if args.json:
        print(json.dumps({"rows": rows}, indent=1))
    ends = [row["whole"] for row in rows if row["row"] == "end"]
    sys.exit(0 if ends and all(ends) else 1)


if __name__ == "__main__":
    main(asked)
