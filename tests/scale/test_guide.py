"""The guide docs/at_work.md: every command is one that there is, and its numbers are so."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.commands.cli import main
from course_lib.commands.parser import build_parser
from course_lib.scale import telling
from course_lib.scale.loopback import PolicyWriter, serving

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "at_work.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL)
LINES = [line for kind, text in BLOCKS if kind == "bash" for line in text.splitlines()]
COMMANDS = [shlex.split(line)[1:] for line in LINES if line.startswith("course ")]
PLANS = re.findall(r"^\| `(--model .*?)` \| (.*?) \|$", GUIDE, re.MULTILINE)
STARTS_MUCH = {"ray", "accelerate"}  # tens of seconds each on a busy machine
SERVER = re.compile(r"http://127\.0\.0\.1:\d+/v1")
TOOLS = ("course ", "python -m course_lib.scale.loopback ", "printf ")


def test_the_guide_has_commands_that_are_read_here():
    assert len(COMMANDS) >= 20 and len(PLANS) == 5
    assert all(line.startswith(TOOLS) for line in LINES)
    named = {command[0] for command in COMMANDS}
    assert named >= {"plan", "sample", "score", "select", "finetune", "train-reward", "report"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_understood(command):
    args = build_parser().parse_args(command)
    assert callable(args.function)


def test_every_option_that_is_spoken_of_exists():
    options = set()
    for action in build_parser()._actions:
        for sub in (getattr(action, "choices", None) or {}).values():
            options |= {name for one in sub._actions for name in one.option_strings}
    spoken = set(re.findall(r"`(--[a-z][a-z-]*)", GUIDE))
    assert spoken and spoken <= options


def test_links_within_the_repository_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", GUIDE):
        if not target.startswith("http"):
            assert (ROOT / "docs" / target).exists(), target
    for file, anchor in re.findall(r"\]\((\w+\.md)#([\w-]+)\)", GUIDE):
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        slugs = {re.sub(r"[^\w\- ]", "", head).lower().replace(" ", "-") for head in heads}
        assert anchor in slugs, (file, anchor)


@pytest.mark.parametrize(("options", "cells"), PLANS)
def test_the_table_of_costs_is_what_plans_say(options, cells, capsys):
    assert main(["plan", *shlex.split(options), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    said = [
        telling.time(made["seconds"]),
        telling.hours(made["gpu_hours"]),
        made["slowest"],
        telling.size(made["storage"]["npz"]),
    ]
    assert " | ".join(said) == cells


def test_what_is_said_of_training_on_fewer_gpus(capsys):
    """A shared network is 15 times as slow; 16 GPUs are as fast; larger steps and LoRA help."""

    def train(*more):
        assert main(["plan", "--model", "8B", "--prompts", "1e6", "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)["stages"]["train"]

    shared = ("--network", "1.6")
    fast, many = train("--gpus", "64"), train("--gpus", "64", *shared)
    few = train("--gpus", "16", *shared)
    assert fast["bound"] == "operations" and many["bound"] == few["bound"] == "network"
    assert many["seconds"] == pytest.approx(15.5 * fast["seconds"], rel=0.01)
    assert few["seconds"] == pytest.approx(many["seconds"], rel=0.05)
    assert few["hours"] == pytest.approx(many["hours"] / 4, rel=0.05)
    larger = train("--gpus", "64", *shared, "--batch-size", "2048")
    assert larger["seconds"] < many["seconds"] / 7
    assert train("--gpus", "64", *shared, "--lora", "16")["bound"] == "operations"
    assert train()["seconds"] is None and train("--lora", "16")["seconds"] is not None


def followed(folder, skipped, monkeypatch):
    """Every block in its order, in ``folder``; commands with an engine in ``skipped`` left out."""
    monkeypatch.chdir(folder)
    with serving(PolicyWriter("helpdesk/policy")) as url:
        for kind, text in BLOCKS:
            if kind == "python":
                if "joined()" in text:
                    continue  # a script for accelerate
                exec(compile(text, "the guide", "exec"), {})
                continue
            for line in text.splitlines():
                words = shlex.split(SERVER.sub(url, line))
                if words[0] == "course" and not skipped & set(words):
                    assert main([*words[1:], "--quiet"]) == 0, line
                elif words[0] == "printf":
                    subprocess.run(line, shell=True, check=True)


@pytest.mark.slow
def test_the_guide_can_be_followed(tmp_path, monkeypatch):
    """All but what starts Ray or accelerate."""
    followed(tmp_path, STARTS_MUCH, monkeypatch)
    made = {
        "pool.npz",
        "best.jsonl",
        "better",
        "served.jsonl",
        "short.jsonl",
        "mine.npz",
        "control",
    }
    assert made <= set(os.listdir(tmp_path))


@pytest.mark.long
def test_the_guide_can_be_followed_to_the_cluster(tmp_path):
    """What starts Ray and accelerate, each in its own process, behind what it needs."""
    pytest.importorskip("ray", reason="pip install -e '.[scale]'")
    pytest.importorskip("accelerate", reason="pip install -e '.[scale]'")
    first = [["sample", "--prompts", "24", "-n", "4", "--out", "pool.npz"]]
    first += [["score", "pool.npz", "--reward", "gold", "--name", "judge"]]
    first += [["select", "pool.npz", "--by", "judge", "--out", "best.jsonl"]]
    first += [["select", "pool.npz", "--by", "judge", "--pairs", "--out", "pairs.jsonl"]]
    (script,) = [text for kind, text in BLOCKS if kind == "python" and "joined()" in text]
    (tmp_path / "online.py").write_text(script, encoding="utf-8")
    launch = re.search(r"`accelerate (launch .*? online\.py)`", GUIDE)[1]
    commands = [["course_lib", *c] for c in first + [c for c in COMMANDS if STARTS_MUCH & set(c)]]
    commands += [["accelerate.commands.accelerate_cli", *shlex.split(launch)]]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for command in commands:
        ended = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=1200,
        )
        assert ended.returncode == 0, (command, ended.stderr)
    assert {"parts", "scored.jsonl", "better-2", "reward", "online"} <= set(os.listdir(tmp_path))
