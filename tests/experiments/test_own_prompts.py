"""A file of one's own prompts."""

import gzip
import json

import pytest

from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.experiments import run
from course_lib.experiments.own_prompts import OwnPrompts, read_prompts
from course_lib.experiments.tables import table
from course_lib.pools import Pool

TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "My mouse is dead."},
]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_file_has_one_prompt_a_line(tmp_path):
    file = write(tmp_path / "p.txt", "\ufeffHow do I reset it?\n\n  And “this”?  \n")
    assert read_prompts(file) == (["How do I reset it?", "And “this”?"], [{}, {}])


def test_json_lines_hold_texts_or_chat_messages(tmp_path):
    rows = [
        {"prompt": "One?", "answer": "1"},
        {"prompt": [{"role": "user", "content": "Two?"}]},
        {"prompt": TURNS, "topic": "mouse"},
    ]
    text = "\n".join(map(json.dumps, rows))
    expected = (["One?", "Two?", TURNS], [{"answer": "1"}, {}, {"topic": "mouse"}])
    assert read_prompts(write(tmp_path / "p.jsonl", text)) == expected
    with gzip.open(tmp_path / "p.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(text)
    assert read_prompts(tmp_path / "p.jsonl.gz") == expected


@pytest.mark.parametrize(
    "name, text, says",
    [
        ("p.txt", "\n \n", "is empty; one prompt a line"),
        ("p.jsonl", '{"question": "x"}', "line 1: found the keys question; expected 'prompt'"),
        ("p.jsonl", '{"prompt": ""}', "an empty prompt"),
        ("p.jsonl", '{"prompt": 5}', "must be a string or a list of chat messages"),
        ("p.jsonl", '{"prompt": [{"role": "user"}]}', "a chat message without text"),
    ],
)
def test_bad_files_are_told(tmp_path, name, text, says):
    with pytest.raises(CourseError, match=says):
        read_prompts(write(tmp_path / name, text))


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(CourseError, match="no file at"):
        read_prompts(tmp_path / "nowhere.txt")
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(CourseError, match="not text in UTF-8"):
        read_prompts(tmp_path / "p.txt")


def test_equal_prompts_stay_on_one_side(tmp_path):
    file = write(tmp_path / "p.txt", "\n".join(f"Question {i % 20}?" for i in range(60)))
    own = OwnPrompts(file, None, None, 96)
    for seed in range(5):
        train, held = own.prompts("train", seed=seed)[0], own.prompts("heldout", seed=seed)[0]
        assert len(train) + len(held) == 60 and not set(train) & set(held)
        assert len(set(held)) == 4
    assert own.prompts("train", 5)[0] == own.prompts("train")[0][:5]
    with pytest.raises(CourseError, match="split must be"):
        own.prompts("test")


QUESTIONS = "\n".join(f"How do I reset password number {i}?" for i in range(20))


def test_sampling_for_own_prompts(tmp_path):
    file = write(tmp_path / "p.txt", QUESTIONS)
    words = ["sample", "--prompts-file", str(file), "-n", "2", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "p.npz")]) == 0
    assert Pool.load(tmp_path / "p.npz").prompts == QUESTIONS.split("\n"), "in the file's order"
    assert main([*words, "--prompts", "3", "--out", str(tmp_path / "q.npz")]) == 0
    assert Pool.load(tmp_path / "q.npz").prompts == QUESTIONS.split("\n")[:3]


def test_sampling_for_a_dialogue(tmp_path):
    file = write(tmp_path / "p.jsonl", json.dumps({"prompt": TURNS}))
    words = ["sample", "--prompts-file", str(file), "-n", "2", "--quiet"]
    assert main([*words, "--out", str(tmp_path / "p.npz")]) == 0
    assert Pool.load(tmp_path / "p.npz").prompts == [TURNS]


@pytest.mark.slow
def test_a_run_on_own_prompts_is_judged_by_its_reward_and_says_so(tmp_path):
    file = write(tmp_path / "p.txt", QUESTIONS)
    result = run(prompts_file=str(file), reward="helpdesk/reward-500", n=2, epochs=1)
    assert (result["world"], result["prompts"], result["held_out"]) == ("own prompts", 16, 4)
    assert result["judge"] == "proxy"
    for row in result["rows"].values():
        assert row["gold"] == row["proxy"]
    assert "your own prompts have no gold" in table(result)


@pytest.mark.parametrize("reward", [[], ["--reward", "gold"], ["--reward", "verifier"]])
def test_own_prompts_need_a_reward_model(tmp_path, capsys, reward):
    file = write(tmp_path / "p.txt", QUESTIONS)
    assert main(["run", "--prompts-file", str(file), "--quiet", *reward]) == 1
    assert "give a reward model with --reward DIR" in capsys.readouterr().err


def test_too_few_prompts_to_hold_some_out(tmp_path, capsys):
    file = write(tmp_path / "p.txt", "One?\nTwo?\n")
    words = ["run", "--prompts-file", str(file), "--reward", "helpdesk/reward-500", "--quiet"]
    assert main(words) == 1
    assert "too few to hold some out" in capsys.readouterr().err
