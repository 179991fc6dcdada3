"""The scripts that only a GPU can give numbers: each line that a CPU can run, on small shapes."""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import common  # noqa: E402
import gpu  # noqa: E402
import limits  # noqa: E402
import peers  # noqa: E402

from course_lib.models import tiny_policy  # noqa: E402

CPU = torch.device("cpu")


def config(**changes):
    """A decoder's configuration, as far as the limits read it."""
    known = dict(
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        hidden_size=32,
    )
    made = SimpleNamespace(**{**known, **changes})
    made.get_text_config = lambda decoder: made
    return made


@pytest.fixture(scope="module")
def policy():
    return tiny_policy(["three pens and four boxes cost seven coins"], width=32, vocabulary=300)


# ---- what must move, and what must be computed -------------------------------------------------


def test_bytes_of_a_decoding_run_by_hand():
    each = limits.position_bytes(config(), size=2)
    assert each == 2 * 2 * 8 * 2
    # two prompts of 3 and 5 tokens, two replies each, three tokens: steps with 1 and 2 own tokens
    seen = (4 * 1 + 8) + (4 * 2 + 8)
    assert limits.decode_bytes(config(), 1000, [3, 5], 2, 3, 2) == 3 * 1000 + seen * each
    # a window of 4: of each prompt 3 positions are seen at the first of these steps, then 2
    windowed = config(layer_types=["sliding_attention"], sliding_window=4)
    seen = (4 * 1 + 3 + 3) + (4 * 2 + 2 + 2)
    assert limits.decode_bytes(windowed, 1000, [3, 5], 2, 3, 2) == 3 * 1000 + seen * each


def test_the_byte_limit_of_qwen_on_an_h100():
    """What the issue that asked for it had by hand: 189,000 tokens a second."""
    qwen = config(**gpu.QWEN)
    assert 28 * limits.position_bytes(qwen, 2) == 114_688
    moved = limits.decode_bytes(qwen, 1_192_099_840, [60] * 16, 64, 256, 2)
    assert 16 * 64 * 256 / (moved / 3.02e12) == pytest.approx(189_000, rel=0.01)


def test_a_window_without_kinds_of_layers_is_every_layers():
    assert limits.windows(config(num_hidden_layers=2)) == [None, None]
    assert limits.windows(config(num_hidden_layers=2, sliding_window=7)) == [7, 7]


def test_weights_that_are_only_looked_up_are_not_read(policy):
    model = policy.model
    total = sum(p.numel() * 4 for p in model.parameters())
    assert limits.weight_bytes(model) == total, "tied: the head reads the embedding"
    untied = SimpleNamespace(
        parameters=lambda: [torch.zeros(10, 4), torch.zeros(10, 4)],
        get_input_embeddings=lambda: SimpleNamespace(weight=torch.zeros(10, 4)),
        get_output_embeddings=lambda: SimpleNamespace(weight=torch.zeros(10, 4)),
    )
    assert limits.weight_bytes(untied) == 160


def test_operations_of_training_are_those_that_torch_counts(policy):
    """Three times a forward pass, less the products above the diagonal, which are never needed."""
    model, length = policy.model, 12
    model.set_attn_implementation("eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.zeros(1, length, dtype=torch.long))
    model.set_attn_implementation("sdpa")
    shape = model.config
    products = 4 * shape.num_attention_heads * shape.head_dim * shape.num_hidden_layers
    above = products * (length**2 - length * (length + 1) // 2)
    counted = counter.get_total_flops() - above
    assert limits.training_flops(model, [(0, length)]) == 3 * counted
    # of a prompt's tokens no logits are needed
    head = model.get_output_embeddings().weight.numel()
    assert limits.training_flops(model, [(5, length - 5)]) == 3 * counted - 6 * head * 5


def test_the_machine_is_measured_by_its_own_copies_and_products():
    assert limits.copy_bandwidth(CPU, 2**20, 2) > 1e6
    assert limits.product_rate(CPU, torch.float32, 64, 2) > 1e6


def test_a_smaller_card_says_so_and_is_itself_again(monkeypatch):
    """With a card of 80 GiB that is not there."""
    gib, asked = 2**30, []
    card = SimpleNamespace(total_memory=80 * gib, major=9, name="a card")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda *_: card)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (70 * gib, 80 * gib))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda *_: 4 * gib)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", asked.append)
    before = torch.cuda.get_device_properties, torch.cuda.mem_get_info
    with limits.as_small_as(16, torch.device("cuda")):
        told = torch.cuda.get_device_properties(0)
        assert (told.total_memory, told.major, told.name) == (16 * gib, 9, "a card")
        assert torch.cuda.mem_get_info() == (12 * gib, 16 * gib)
    assert asked == [0.2, 1.0]
    assert before == (torch.cuda.get_device_properties, torch.cuda.mem_get_info)


# ---- rows --------------------------------------------------------------------------------------


def test_rows_are_in_the_file_at_once_and_a_failure_ends_nothing(tmp_path):
    out, said = tmp_path / "deep" / "rows.jsonl", []
    rows = common.Rows(out, 60, said.append)
    rows.attempt(lambda: {"rate": 12345.6}, row="good")
    assert json.loads(out.read_text())["rate"] == 12345.6
    rows.attempt(lambda: 1 / 0, row="bad")
    rows.add(row="after", flag=True)
    kept = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["row"] for row in kept] == ["good", "bad", "after"]
    assert kept[1]["error"].startswith("ZeroDivisionError: division by zero (test_gpu_scripts.py")
    assert "rate 12,346" in said[0] and "flag True" in said[2]


def test_a_row_may_take_so_long_and_is_not_begun_without_time():
    rows = common.Rows(None, 60, lambda line: None)
    ended = []
    slow = lambda: ended.append(time.sleep(20))  # noqa: E731
    assert "OutOfTimeError" in rows.attempt(slow, 0.1, row="slow")["error"]
    assert not ended
    rows.until = time.perf_counter() + 1
    assert rows.attempt(lambda: {}, row="late")["left_out"] == "no time left"


def test_the_limit_around_a_limit_still_holds():
    with pytest.raises(common.OutOfTimeError, match="not done in 0"):
        with common.at_most(0.3):
            with common.at_most(60):
                pass
            time.sleep(20)


# ---- peers -------------------------------------------------------------------------------------


def test_generate_writes_what_was_asked(policy):
    policy = gpu.endless(policy)
    assert peers.generate(policy.model, [[5, 6, 7], [8, 9]], 3, 4, pad=0) == 2 * 3 * 4
    assert policy.stop_ids == []


def test_padding_has_no_label_and_the_prompt_neither():
    made = peers.collator(pad=0)([([5, 6], [7]), ([5], [8, 9, 9])])
    assert made["input_ids"].tolist() == [[5, 6, 7, 0], [5, 8, 9, 9]]
    assert made["labels"].tolist() == [[-100, -100, 7, -100], [-100, 8, 9, 9]]
    assert made["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


@pytest.mark.slow
def test_the_trainer_trains_and_counts_tokens_without_padding(policy):
    pytest.importorskip("accelerate", reason="Trainer needs it: pip install -e '.[peers]'")
    common.quiet_peers()
    student = policy.copy()
    before = [p.clone() for p in student.model.parameters()]
    examples = [([5, 6], [7, 8, 9]), ([5], [8])] * 4
    settings = {"batch_size": 4, "accumulate": 2, "dtype": None}
    found = peers.trainer_seconds(student.model, examples, settings, pad=0)
    assert found["steps"] == 2 and found["seconds"] > 0
    assert 4 * 2 <= found["tokens"] <= 4 * 5  # of the second step's four examples
    pairs = zip(before, student.model.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)


def test_what_a_profile_says_of_a_step():
    step = {
        "gpu small": [100.0, 28.0],
        "gpu large": [900.0, 2.0],
        "host cudaLaunchKernel": [50.0, 30.0],
        "host aten::mm": [20.0, 2.0],
    }
    facts = gpu.profile_facts(step, 0.002)
    assert facts["step_ms"] == 2 and facts["gpu_ms"] == 1 and facts["host_ms"] == 0.07
    assert facts["launches"] == 30 and facts["kernels"] == 30
    assert [one["name"] for one in facts["dearest"]] == ["large", "small"]


# ---- the whole, small --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_gpu_benchmark_on_small_shapes(tmp_path):
    pytest.importorskip("accelerate", reason="Trainer needs it: pip install -e '.[peers]'")
    out = tmp_path / "rows.jsonl"
    common.quiet_peers()
    args = gpu.arguments(["--tiny", "--json", "--profile", "--out", str(out)])
    gpu.measure(args)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row for row in rows if "error" in row or "left_out" in row] == []
    sampled = [row for row in rows if row["row"] == "sampling" and row["who"] == "sample"]
    assert [(row["model"], row["n"], row["tokens"]) for row in sampled] == [
        (model, n, 2 * n * 8) for model in ("qwen", "gemma") for n in (4, 2)
    ]
    ratios = [row for row in rows if row.get("who") == "ratios"]
    assert len(ratios) == 6
    for row in ratios[:4]:
        assert row["sample / byte limit"] > 0 and row["sample / faster peer"] > 0
    trained = [row for row in rows if row["row"] == "training" and row["who"] != "ratios"]
    equal = [row["tokens"] for row in trained if row["lengths"] == "equal"]
    assert equal[0] == equal[1], "the same replies for both"
    assert {row["row"] for row in rows} >= {"machine", "online", "float16"}
    profile = next(row for row in rows if row.get("who") == "profile")
    assert len(profile["dearest"]) == 12


def test_a_part_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        gpu.arguments(["--only", "sampling,speed"])
    assert "no part speed" in capsys.readouterr().err
