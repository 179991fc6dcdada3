"""What the tests of commands share: files to work on, made once."""

import json

import pytest

from course_lib.commands.cli import main


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder with a scored pool, one of word problems, a selection, pairs and rollouts."""
    folder = tmp_path_factory.mktemp("made")
    few = ["--prompts", "12", "-n", "4", "--quiet"]
    steps = [
        ["sample", *few, "--out", "p.npz"],
        ["score", "p.npz", "--reward", "helpdesk/reward-500"],
        ["score", "p.npz", "--reward", "gold"],
        # enough of them that ten problems have a right reply
        ["sample", "--world", "arithmetic", "--prompts", "20", "-n", "32", "--out", "a.npz"],
        ["score", "a.npz", "--world", "arithmetic", "--reward", "verifier"],
        ["select", "p.npz", "--by", "gold", "--out", "s.jsonl"],
        ["select", "p.npz", "--by", "gold", "--pairs", "--out", "pairs.jsonl"],
        ["export", "a.npz", "--out", "rollouts.jsonl"],
    ]
    for name, *words in steps:
        files = [
            str(folder / word) if word.endswith((".npz", ".jsonl")) else word for word in words
        ]
        assert main([name, *files]) == 0, name
    return folder


@pytest.fixture
def course(capsys):
    """(exit status, standard output, standard error) of a ``course`` command."""

    def run(*words):
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(scope="session")
def many_pairs(tmp_path_factory):
    """A file of forty preference pairs."""
    file = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [
        {"prompt": f"How are you, {i}?", "chosen": "Very well, thank you.", "rejected": "No."}
        for i in range(40)
    ]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file
