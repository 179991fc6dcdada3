"""``course plan``: what it prints, what it takes, and what it refuses."""

import json
import subprocess
import sys

import pytest

MILLION = ["plan", "--model", "8B", "--prompts", "1e6", "-n", "16", "--tokens", "512"]


def test_the_million_prompts_of_an_8b_model(course):
    status, out, err = course(*MILLION, "--gpus", "64", "--gpu", "h100", "--reward", "8B")
    assert (status, err) == (0, "")
    text = " ".join(out.split())
    for word in ("GPU hours", "slowest stage", "assumed:", "memory of one GPU", "on disk"):
        assert word in text
    assert "not measured" in text and "NVIDIA's data sheet" in text
    assert "1,000,000 prompts × 16 on 64 × H100" in text


def test_json(course):
    status, out, _ = course(*MILLION, "--json")
    made = json.loads(out)
    assert status == 0 and made["gpus"] == 1 and made["reward"] is None
    assert set(made["stages"]) == {"sample", "train"}
    assert made["stages"]["sample"]["tokens"] == 16e6 * 512
    assert made["stages"]["train"]["seconds"] is None and made["gpu_hours"] is None
    assert {"what", "value", "from"} == set(made["assumed"][0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--model", "8 B"], "no space"),
        (["--model", "eight"], "no model 'eight'"),
        (["--gpus", "0"], "gpus must be"),
        (["--gpu", "b300"], "t4, l4, a10"),
        (["--prompts", "0"], "prompts must be"),
        (["--keep", "2"], "from 0 to 1"),
        (["--efficiency", "decode=2"], "from 0 to 1"),
        (["--network", "0"], "network must be"),
        (["--lora", "-1"], "lora"),
        (["--rate", "nowhere.json"], "no rates at nowhere.json"),
        (["--like", "nowhere.npz"], "nowhere.npz"),
        (["--reward", "gold"], "no model 'gold'"),
    ],
)
def test_bad_input_is_told_what_to_do(course, options, expected):
    status, out, err = course(*MILLION, *options)
    assert status == 1 and out == ""
    assert expected in " ".join(err.split()) and "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--prompts", "1.5"], "expected a whole number"),
        (["--prompts", "many"], "expected a whole number"),
        (["--prompts", "inf"], "expected a whole number"),
        (["--efficiency", "half"], "expected a share"),
        (["--efficiency", "speed=0.5"], "expected a share"),
    ],
)
def test_words_that_are_no_numbers(course, capsys, options, expected):
    with pytest.raises(SystemExit, match="2"):
        course(*MILLION, *options)
    assert expected in capsys.readouterr().err


def test_shares_are_changed_by_name(course):
    def seconds(*options):
        made = json.loads(course(*MILLION, "--lora", "8", "--json", *options)[1])
        return made["stages"]["sample"]["seconds"], made["stages"]["train"]["seconds"]

    usual, named = seconds(), seconds("--efficiency", "train=0.7")
    assert named == (usual[0], pytest.approx(usual[1] / 2))
    assert seconds("--efficiency", "0.7")[1] == pytest.approx(named[1])


def test_a_pool_and_a_run_of_ones_own(course, made, tmp_path):
    pool = made / "p.npz"
    rates = {"sample": {"tokens_per_second": 1000}}
    (tmp_path / "r.json").write_text(json.dumps(rates), encoding="utf-8")
    tiny = ["plan", "--model", "helpdesk/policy", "--gpu", "cpu", "--prompts", "100", "-n", "10"]
    status, out, _ = course(*tiny, "--like", pool, "--rate", tmp_path / "r.json", "--json")
    plan = json.loads(out)
    tokens = plan["stages"]["sample"]["tokens"]
    assert status == 0 and 5_000 < tokens < 96_000
    assert plan["stages"]["sample"]["seconds"] == pytest.approx(tokens / 1000)
    assert any(row["from"] == "measured on p.npz" for row in plan["assumed"])


def test_a_plan_loads_no_model_library():
    code = (
        "import sys; from course_lib.commands.cli import main; "
        "main(['plan', '--model', '8B', '--prompts', '10']); "
        "assert not {'torch', 'transformers', 'ray'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
