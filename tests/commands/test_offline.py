"""No network is forced on the reader of the lab, and where one is forbidden it is named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import load_policy, load_reward_model
from course_lib.base import CourseError
from course_lib.models.loading import is_on

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("made", "torch", "core", "lab", "test", "peers")


@pytest.fixture
def made(tmp_path):
    """An environment that is installed already, whose programs say what they were given."""
    program = (
        f"#!{sys.executable}\nimport os, sys\n"
        'print(sys.argv[1:], os.environ.get("HF_HUB_OFFLINE"))\n'
    )
    (tmp_path / "bin").mkdir()
    for name in ("course", "python", "ruff", "mypy"):
        (tmp_path / "bin" / name).write_text(program, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in STEPS:
        (tmp_path / f".{name}").write_text("", encoding="utf-8")
    return tmp_path


def offline_in(target, folder, **environment):
    """What HF_HUB_OFFLINE is for the programs of a target."""
    clean = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        ["make", "--no-print-directory", "-s", target, f"VENV={folder}", f"BIN={folder}/bin"],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("[")}


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_lab_leaves_the_network_to_the_reader(made):
    assert offline_in("lab", made) == {"None"}
    assert offline_in("demo", made) == offline_in("quick", made) == {"1"}
    assert offline_in("demo", made, HF_HUB_OFFLINE="0") == {"0"}


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize("load", [load_policy, load_reward_model])
def test_a_forbidden_download_is_named(name, load, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv(name, "1")
    with pytest.raises(CourseError, match=f"{name}.* set in the environment.*unset it"):
        load("nobody/no-such-model")


def test_a_folder_needs_no_network(monkeypatch, tmp_path):
    """Then the variable is not what is wrong."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CourseError) as told:
        load_policy(tmp_path)
    assert "HF_HUB_OFFLINE" not in str(told.value)


def test_what_counts_as_on(monkeypatch):
    for value, on in (("1", True), ("yes", True), ("TRUE", True), ("0", False), ("", False)):
        monkeypatch.setenv("HF_HUB_OFFLINE", value)
        assert is_on("HF_HUB_OFFLINE") == on
