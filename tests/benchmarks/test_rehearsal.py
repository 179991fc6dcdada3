"""Lesson 09 walked cell by cell through the lines that only a GPU's user runs, on a CPU."""

import gc
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import random_checkpoint  # noqa: E402
import rehearsal  # noqa: E402

from course_lib import load_policy, load_reward_model, sample  # noqa: E402
from course_lib.experiments import sums  # noqa: E402
from course_lib.worlds import equations, find_answer  # noqa: E402

CPU = torch.device("cpu")


def test_cells_of_a_source_are_its_code_in_order(tmp_path):
    source = tmp_path / "a.py"
    source.write_text(
        "# ---\n# jupyter:\n# ---\n\n# %% [markdown]\n# text\n\n"
        '# %% tags=["hide"]\nx = 1\n\n# %%\ny = x\ny + 1\n\n# %%\n',
        encoding="utf-8",
    )
    cells = rehearsal.code_cells(source)
    assert [(line, text.strip()) for line, text in cells] == [(9, "x = 1"), (12, "y = x\ny + 1")]


def test_a_cell_shows_its_last_value_and_an_error_names_its_line():
    names = {}
    assert rehearsal.run_cell("x = 2\nprint('hi')\nx + 1", "cell", 10, names) == "hi\n3"
    assert names["x"] == 2
    with pytest.raises(ZeroDivisionError) as caught:
        rehearsal.run_cell("y = 1\ny / 0", "cell", 10, names)
    assert caught.traceback[-1].lineno + 1 == 11


def test_a_tensor_that_a_name_keeps_alive_is_counted():
    before = rehearsal.live_bytes(CPU)
    names = {"kept": torch.zeros(250_000)}
    views = names["kept"][:10]  # the same memory once more
    assert rehearsal.live_bytes(CPU) - before == pytest.approx(1_000_000, abs=20_000)
    names.clear()
    del views
    assert rehearsal.live_bytes(CPU) - before == pytest.approx(0, abs=20_000)


def test_random_weights_write_replies_that_a_verifier_can_read(tmp_path):
    rows = random_checkpoint.easy_answers(sums("train", 200))
    assert {row["answer"].split("#### ")[1] for row in rows} == {"1", "2", "3"}
    tokenizer, drawn = random_checkpoint.solution_tokenizer(rows, 4096, length=12)
    assert len(tokenizer) == 4096 and 400 < len(drawn) < 1000
    text = rows[0]["question"] + "\n" + rows[0]["answer"]
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text and len(ids) < len(text) / 2
    folders = random_checkpoint.make_checkpoint(
        tmp_path, rehearsal.TINY, tokenizer, drawn, torch.float16, CPU
    )
    policy = load_policy(folders[0], template="plain", dtype=torch.float16)
    assert next(policy.model.parameters()).dtype == torch.float16
    pool = sample(policy, [rows[0]["question"]], n=256, max_tokens=48, stop=random_checkpoint.END)
    assert set(pool.tokens[pool.tokens >= 0].tolist()) <= set(drawn)
    replies = pool.texts[0]
    answers = [find_answer(reply)[0] for reply in replies]
    assert 0.4 < sum(answer is not None for answer in answers) / 256 < 0.98
    assert sum(bool(equations(reply)) for reply in replies) > 64
    assert 6 < float(pool.lengths.double().mean()) < 20
    assert load_reward_model(folders[1]).model.config.num_labels == 1


def test_what_was_said_is_held_against_what_came():
    plan = SimpleNamespace(minutes={"test": 6.0, "training": 1.0}, peak_gb={"test": 11.0})
    ledger = SimpleNamespace(seconds={"test": 300, "training": 100}, peak_gb={"test": 10.0})
    stages = rehearsal.ratios(plan, ledger, {"training": 50.0})["stages"]
    assert stages["test"]["memory_ratio"] == pytest.approx(1.1) and stages["test"]["memory_close"]
    assert stages["test"]["time_ratio"] == pytest.approx(1.2) and stages["test"]["time_close"]
    assert stages["training"]["time_ratio"] == 0.5 and not stages["training"]["time_close"]
    assert "memory_ratio" not in stages["training"]


@pytest.mark.slow
@pytest.mark.parametrize("lessons", [["09a"], pytest.param(["09a", "09b"], marks=pytest.mark.long)])
def test_lesson_09_on_the_lines_of_a_gpu(tmp_path, lessons):
    """Its tier is the T4's, its models are folders, and no cell may know of the stand-in."""
    out = tmp_path / "rows.jsonl"
    options = ["--tiny", "--json", "--out", str(out), "--budget", "900"]
    args = rehearsal.arguments([*options, "--lessons", ",".join(lessons)])
    before = Path.cwd(), rehearsal.experiments.tier
    gc.collect()
    of_others = rehearsal.live_bytes(CPU) / 1e9  # what earlier tests of this process keep
    rehearsal.rehearse(args)
    assert (Path.cwd(), rehearsal.experiments.tier) == before
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    stopped = [row for row in rows if "error" in row or row["row"] == "stopped"]
    assert stopped == []
    ends = {row["lesson"]: row for row in rows if row["row"] == "end"}
    assert set(ends) == set(lessons) and all(row["whole"] for row in ends.values())
    for lesson in lessons:
        cells = [row for row in rows if row["row"] == "cell" and row["lesson"] == lesson]
        assert sum(row.get("tokens_sampled", 0) for row in cells) > 1000
        assert all(row["live_gb"] >= 0 and row["seconds"] >= 0 for row in cells)
        assert ends[lesson]["live_gb"] - of_others < 1e-3, "a lesson leaves nothing behind"
    if "09b" in lessons:
        (compared,) = [row for row in rows if row["row"] == "said and came"]
        assert {"sampling", "training", "test"} <= set(compared["stages"])
