"""Commands on poor consoles, and when nobody reads what they print any more."""

import io
import os
import subprocess
import sys

import pytest

from course_lib.base import terminal
from course_lib.commands.cli import main

POOR = ("ascii", "cp1252", "cp437")
COMMANDS = {
    "plain": [],
    "run": [
        *["run", "--prompts", "6", "-n", "2", "--held-out", "4", "--epochs", "1"],
        *["--max-tokens", "12"],
    ],
    "rollouts": [
        *["run", "--world", "arithmetic", "--policy", "arithmetic/policy", "--reward", "verifier"],
        *["--rollouts", "{made}/rollouts.jsonl", "--epochs", "1"],
    ],
    "sample": ["sample", "--prompts", "2", "-n", "2", "--out", "{tmp}/p.npz"],
    "score": ["score", "{made}/p.npz", "--reward", "gold", "--name", "g", "--out", "{tmp}/p.npz"],
    "select": ["select", "{made}/p.npz", "--by", "gold", "--out", "{tmp}/s.jsonl"],
    "pairs": ["select", "{made}/p.npz", "--by", "gold", "--pairs", "--out", "{tmp}/s.jsonl"],
    "finetune": ["finetune", "{made}/s.jsonl", "--epochs", "1", "--out", "{tmp}/m"],
    "report": ["report", "{made}/a.npz"],
    "report as JSON": ["report", "{made}/a.npz", "--json"],
    "export": ["export", "{made}/p.npz", "--out", "{tmp}/e.jsonl"],
    "train-reward": ["train-reward", "{pairs}", "--epochs", "1", "--max-length", "32"],
    "findings": ["findings", "--lesson", "06"],
    "progress": ["progress"],
    "doctor": ["doctor"],
    "release": ["release", "ex01", "--out", "{tmp}/release"],
    "help of select": ["select", "--help"],
    "help of run": ["run", "--help"],
    "an error": ["report", "nowhere → at all.npz"],
}


def console(monkeypatch, encoding):
    """Standard output and error as on a console with this encoding, strict as Python's are."""
    raw = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(raw, encoding, errors="strict"))
    return raw


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(name, marks=pytest.mark.slow) for name in POOR[1:])]
)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_prints_on_a_poor_console(
    name, encoding, made, many_pairs, tmp_path, monkeypatch
):
    places = {"made": made, "tmp": tmp_path, "pairs": many_pairs}
    words = [word.format(**places) for word in COMMANDS[name]]
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    raw = console(monkeypatch, encoding)
    try:
        status = main(words)
    except SystemExit as end:  # --help
        status = end.code
    sys.stdout.flush()
    assert status == (1 if name == "an error" else 0)
    said = raw.getvalue().decode(encoding)
    assert len(said) > 5 and "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("encoding", POOR)
def test_in_a_process_of_its_own(encoding, made, tmp_path):
    """As a console of that encoding is set up by Python itself."""
    command = [sys.executable, "-m", "course_lib", "select", str(made / "p.npz"), "--by", "gold"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "s.jsonl")],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).startswith("Selection(12 of 48 candidates")


@pytest.mark.skipif(sys.platform == "win32", reason="closes a pipe as Unix does")
@pytest.mark.parametrize(
    "words",
    [
        ["progress"],
        ["--help"],
        ["run", "--help"],
        [],
        pytest.param(["report", "{made}/a.npz"], marks=pytest.mark.slow),
        pytest.param(["doctor"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_closed_pipe_ends_a_command_quietly(words, made, tmp_path):
    """As ``course progress | head`` does once head has read enough."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "course_lib", *[word.format(made=made) for word in words]],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "COURSE_PROGRESS": str(tmp_path / "progress.json")},
        )
    finally:
        os.close(writing)
    assert done.stderr == b""
    # argparse passes over an error of writing help, where the text is too long for a buffer
    assert done.returncode in ((0, 141) if words in ([], ["--help"], ["run", "--help"]) else (141,))


def test_another_error_of_the_system_is_not_taken_for_a_closed_pipe(monkeypatch):
    def broken(argv):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("course_lib.commands.cli.run_command_line", broken)
    with pytest.raises(OSError, match="Input/output error"):
        main(["progress"])


def test_long_lines_break_at_words_in_a_terminal_alone():
    text = "short\n  a line of several words that is longer than the window\n\n0   1"
    assert terminal.fitted(text, None) == text == terminal.fitted(text, 80)
    broken = terminal.fitted(text, 30).split("\n")
    assert max(map(len, broken)) <= 30
    assert broken[1:3] == ["  a line of several words that", "    is longer than the window"]
    assert " ".join(" ".join(broken).split()) == " ".join(text.split())
    assert terminal.columns_of(io.StringIO()) is None
