"""Files on which a reader went wrong: what it makes of them now, or in which words it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.base import CourseError
from course_lib.pools import LENGTH, STOP, read_pairs, read_rollouts, read_selection


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.jsonl"


def write(path, *rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def read(file, *rows, **more):
    return read_rollouts(write(file, *rows), **more)


def say(role, text, **more):
    return {"role": role, "content": text, **more}


# ---- which reply is better


@pytest.mark.parametrize("key", ["label", "winner", "preference"])
@pytest.mark.parametrize("code", [0, 1, 2, "0", "1"])
def test_a_number_for_the_winner_is_refused(file, key, code):
    with pytest.raises(CourseError, match="from 0 or from 1; .*model_a"):
        read(file, {"prompt": "q", "response_a": "a", "response_b": "b", key: code})


def test_the_reward_that_was_named_decides_over_a_label(file):
    rows = [{"prompt": "q", "completion": str(i), "rm": float(i), "label": i == 0}
            for i in range(2)]  # fmt: skip
    write(file, *rows)
    pairs = read_pairs(file, keys="rewards=rm")
    assert [(pair["chosen"], pair["rejected"]) for pair in pairs] == [("1", "0")]
    assert read_selection(file, keys="rewards=rm").texts == ["0", "1"]
    pairs = read_pairs(file, keys="prompt=prompt,responses=completion,rewards=rm")
    assert [pair["chosen"] for pair in pairs] == ["1"]


def test_a_reward_beside_a_label_is_kept_and_one_must_be_named_for_pairs(file):
    rows = [{"prompt": "q", "completion": str(i), "reward": i, "label": i == 0} for i in range(2)]
    assert set(read(file, *rows).rewards) == {"reward", "label"}
    with pytest.raises(CourseError, match="holds 2 rewards .*--keys rewards=NAME"):
        read_pairs(file)
    assert [pair["chosen"] for pair in read_pairs(file, keys="rewards=label")] == ["0"]


def test_a_number_that_is_no_verdict_is_the_answer(file):
    rows = [{"prompt": f"q{i}", "response": "r", "label": i} for i in (0, 1, 18)]
    for order in (rows, rows[::-1]):
        pool = read(file, *order)
        assert not pool.rewards
        assert [info["answer"] for info in pool.info] == [str(row["label"]) for row in order]
    assert set(read(file, *rows[:2]).rewards) == {"label"}


@pytest.mark.parametrize("word", ["NaN", "1e400", "-Infinity"])
@pytest.mark.parametrize("row", [
    '{"prompt": "q", "response": "r", "score": %s}',
    '{"prompt": "q", "response": "r", "accuracy": %s}',
    '{"prompt": "q", "responses": ["r", "s"], "my_rewards": [0, %s]}',
    '{"prompt": "q", "completions": [{"text": "r", "score": %s}, {"text": "s", "score": 1}]}',
])  # fmt: skip
def test_rewards_that_are_not_finite_are_refused(file, row, word):
    file.write_text(row % word + "\n")
    with pytest.raises(CourseError, match="expected a finite number"):
        read_rollouts(file)


# ---- what stands in replies that are objects


def test_marks_and_ends_of_replies_that_are_messages_are_kept(file):
    replies = [say("assistant", "r1", score=0.1, finish_reason="length"),
               say("assistant", "r2", score=0.9, finish_reason="stop")]  # fmt: skip
    pool = read(file, {"prompt": "q", "responses": replies})
    assert pool.texts == [["r1", "r2"]]
    assert pool.reward("score").tolist() == [[pytest.approx(0.1), pytest.approx(0.9)]]
    assert pool.finish.tolist() == [[LENGTH, STOP]]


def test_the_ends_of_sampled_outputs_are_kept(file):
    outputs = [{"text": "r", "finish_reason": end} for end in ("length", "stop")]
    assert read(file, {"prompt": "q", "outputs": outputs}).finish.tolist() == [[LENGTH, STOP]]


def test_the_messages_of_several_choices_are_several_replies(file):
    row = {"prompt": "q", "choices": [{"message": say("assistant", text)} for text in "rs"]}
    pool = read(file, row, keys="prompt=prompt,responses=choices.message")
    assert (pool.prompts, pool.texts) == (["q"], [["r", "s"]])


# ---- files and the console


@pytest.mark.parametrize("name", ["examples", "samples", "data"])
def test_a_row_alone_with_a_list_of_objects_is_a_row(file, name):
    row = {"prompt": "q", "responses": ["r"], name: [{"prompt": "other", "responses": ["s"]}]}
    assert read(file, row).prompts == ["q"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_the_output_is_one_clear_line(file):
    write(file, {"prompt": "q", "responses": ["r", "s"], "rewards": [0, 1]})
    words = [sys.executable, "-m", "course_lib", "report", str(file)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "no space left" in done.stderr


# ---- the prompt


def test_a_named_prompt_keeps_system_message_and_history(file):
    row = {"system": "Be brief.", "history": [["h", "r"]], "my": "q"}
    whole = [say("system", "Be brief."), say("user", "h"), say("assistant", "r"), say("user", "q")]
    for replies in ({"chosen": "a", "rejected": "b"}, {"response": "a"}):
        assert read(file, row | replies, keys="prompt=my").prompts == [whole]
