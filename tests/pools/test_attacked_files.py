"""Files on which a reader went wrong: what it makes of them now, or in which words it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.base import CourseError
from course_lib.pools import (
    LENGTH,
    STOP,
    Pool,
    read_pairs,
    read_rollouts,
    read_selection,
    write_rollouts,
)


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
@pytest.mark.parametrize("code", [0, 1, 2, 1.0, "0", "1"])
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
    for keys in ("rewards=label", "prompt=prompt,responses=completion,rewards=label"):
        assert [pair["chosen"] for pair in read_pairs(file, keys=keys)] == ["0"]
        assert read_selection(file, keys=keys).texts == ["0"]


def test_a_number_that_is_no_verdict_is_the_answer(file):
    rows = [{"prompt": f"q{i}", "response": "r", "label": i} for i in (0, 1, 18)]
    for order in (rows, rows[::-1]):
        pool = read(file, *order)
        assert not pool.rewards
        assert [info["answer"] for info in pool.info] == [str(row["label"]) for row in order]
    assert set(read(file, *rows[:2]).rewards) == {"label"}
    for label in (-1, float("nan")):
        with pytest.raises(CourseError, match="expected"):
            read(file, *rows[:2], {**rows[2], "label": label})


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


@pytest.mark.slow
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


ASK = "What is two and three?"
STEPS = {"chosen": "Step 1: add. The answer is 5.", "rejected": "Step 1: add. The answer is 6."}


@pytest.mark.parametrize("asked", [
    {"trajectory": [{"from": "user", "value": ASK}]},
    {"context_messages": [say("user", ASK)]},
    {"context": ASK},
    {"context": [say("user", ASK)]},
    {"post": ASK},
    {"history": ASK},
])  # fmt: skip
def test_what_stands_before_a_pair_is_its_prompt(file, asked):
    pool = read(file, asked | STEPS)
    assert pool.prompts == [ASK] and pool.texts == [list(STEPS.values())]


@pytest.mark.parametrize("asked", [{"stem": ASK}, {"turns": [say("user", ASK)]}])
def test_no_prompt_is_made_of_what_replies_share_while_other_text_is_there(file, asked):
    with pytest.raises(CourseError, match=f"text under {next(iter(asked))}; .*--keys") as error:
        read(file, asked | STEPS | {"source": "x", "id": "7"})
    assert "two" not in str(error.value) and "Step" not in str(error.value)
    assert read(file, asked | STEPS, keys=f"prompt={next(iter(asked))}").prompts == [ASK]
    marks = {"source": "Stack Exchange", "scores": [1, 0]}
    assert read(file, STEPS | marks).prompts == ["Step 1: add. The answer is"]


TURNS = [say("user", "h"), say("assistant", "r")]
BOTH = [*TURNS, say("user", "q")]


@pytest.mark.parametrize("row, prompt", [
    ({"history": TURNS, "prompt": "q"}, BOTH),
    ({"history": TURNS, "prompt": BOTH}, BOTH),
    ({"question": "q", "context": "c"}, "q\n\nc"),
    ({"prompt": "q", "context": "c"}, "q\n\nc"),
    ({"prompt": "c: q", "context": "c"}, "c: q"),
    ({"history": TURNS, "prompt": [say("system", "s"), say("user", "q")]},
     [say("system", "s"), *BOTH]),
    ({"history": [say("system", "s"), *TURNS], "prompt": "q"}, [say("system", "s"), *BOTH]),
    ({"system_message": "s", "prompt": "q"}, [say("system", "s"), say("user", "q")]),
    ({"system_prompt": "s", "prompt": "q"}, [say("system", "s"), say("user", "q")]),
    ({"instruction": "q", "prompt": "Below is: q"}, "Below is: q"),
    ({"prompt": "h\n<extra_id_1>Assistant\nr\n<extra_id_1>User\nq"}, BOTH),
    ({"prompt": "<extra_id_0>System\ns\n<extra_id_1>User\nq\n<extra_id_1>Assistant\n"},
     [say("system", "s"), say("user", "q")]),
])  # fmt: skip
@pytest.mark.parametrize("replies", [{"response": "x"}, {"responses": ["x", "y"]},
                                     {"chosen": "x", "rejected": "y"}])  # fmt: skip
def test_all_parts_of_a_prompt_are_kept(file, row, prompt, replies):
    assert read(file, row | replies).prompts == [prompt]


@pytest.mark.parametrize("row", [
    {"instruction": "Be concise.", "prompt": "zanzibar"},
    {"instruction": "Be concise.", "question": "zanzibar"},
    {"prompt": "q", "question": "zanzibar"},
    {"prompt": "q", "input": "zanzibar"},
    {"prompt": "q", "history": "zanzibar"},
    {"instruction": "Be concise.", "input": {"a": "zanzibar"}},
    {"prompt": "q", "history": ["zanzibar"]},
])  # fmt: skip
@pytest.mark.parametrize("replies", [{"response": "x"}, {"completion": "x"},
                                     {"chosen": "x", "rejected": "y"}])  # fmt: skip
def test_where_part_of_a_prompt_would_be_lost_the_row_is_refused(file, row, replies):
    with pytest.raises(CourseError, match="expected") as error:
        read(file, row | replies)
    assert "zanzibar" not in str(error.value)


def test_an_instruction_beside_a_prompt_may_be_named(file):
    row = {"instruction": "Be concise.", "prompt": "q", "response": "x"}
    assert read(file, row, keys="prompt=prompt").prompts == ["q"]
    whole = [say("system", "Be concise."), say("user", "q")]
    named = read(
        file, {"instruction": "q", "input": "more", "output": "x"}, keys="prompt=instruction"
    )
    assert named.prompts == ["q"] and "more" in str(named.info)
    assert read(file, row, keys="prompt=prompt,system=instruction").prompts == [whole]


# ---- replies that repeat the prompt


def asks(i):
    return f"What is the capital of country {i}?"


@pytest.mark.parametrize("shape", ["prompt/responses/rewards", "question/completions/rewards",
                                   "input/output/reward", "prompt/completion/reward",
                                   "prompt/chosen/rejected"])  # fmt: skip
def test_replies_that_begin_with_their_question_are_written_and_read(tmp_path, shape):
    texts = [[f"{asks(i)} Paris.", f"{asks(i)}\n  Rome."] for i in range(6)]
    pool = Pool.from_candidates([asks(i) for i in range(6)], texts, {"preference": [[1, 0]] * 6})
    write_rollouts(pool, tmp_path / "r.jsonl", shape)
    assert read_rollouts(tmp_path / "r.jsonl").texts == texts


def test_prompts_are_cut_off_where_a_whole_file_repeats_them_and_it_is_said(file):
    rows = [{"prompt": asks(i), "generated_text": f"{asks(i)}\n    x = 1"} for i in range(5)]
    pool = read(file, *rows)
    assert pool.texts == [["    x = 1"]] * 5, "with its indentation"
    assert pool.provenance.dropped == {"prompts at the beginning of replies, cut off": 5}
    others = [*rows, {"prompt": asks(9), "generated_text": "x"}]
    for kept in (rows[:3], others):
        assert [t for [t] in read(file, *kept).texts] == [row["generated_text"] for row in kept]


CHATML = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
LLAMA = ("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
         "<|start_header_id|>assistant<|end_header_id|>\n\n")  # fmt: skip


@pytest.mark.parametrize("asked, before, end, prompt", [
    (CHATML, CHATML, "<|im_end|>\n", "q"),
    ("q", CHATML, "<|im_end|>", "q"),
    ("q", "\n\nHuman: q\n\nAssistant: ", "", "\n\nHuman: q\n\nAssistant:"),
    ("q", "\n\nHuman: h\n\nAssistant: r\n\nHuman: q\n\nAssistant: ", "",
     "\n\nHuman: h\n\nAssistant: r\n\nHuman: q\n\nAssistant:"),
    (LLAMA, LLAMA, "<|eot_id|>", LLAMA.strip()),
    ("q", LLAMA, "<|eot_id|>", LLAMA),
    (None, LLAMA, "<|eot_id|>", LLAMA.strip()),
    ("q", "<s>[INST] q [/INST]", " </s>", "<s>[INST] q [/INST]"),
    (None, "<s>[INST] q [/INST]", " </s>", "<s>[INST] q [/INST]"),
])  # fmt: skip
def test_the_turns_of_text_dialogues_are_no_part_of_the_replies(file, asked, before, end, prompt):
    row = {side: f"{before}{side} one{end}" for side in ("chosen", "rejected")}
    pool = read(file, {"prompt": asked} | row if asked else row)
    assert pool.texts == [["chosen one", "rejected one"]]
    assert [pool.prompts[0].strip()] == [prompt.strip()]
    if asked:
        pool = read(file, {"prompt": asked, "completion": row["chosen"]})
        assert pool.texts == [["chosen one"]] and pool.prompts[0].strip() == prompt.strip()


def test_text_dialogues_that_part_before_what_is_asked_are_no_pair(file):
    row = {key: f"\n\nHuman: {key}\n\nAssistant: r\n\nHuman: q\n\nAssistant: x"
           for key in ("chosen", "rejected")}  # fmt: skip
    with pytest.raises(CourseError, match="part before their last message"):
        read(file, row | {"prompt": "q"})


def test_a_system_message_stays_beside_text_dialogues(file):
    row = {side: f"{CHATML}{side}" for side in ("chosen", "rejected")} | {"system": "s"}
    whole = [say("system", "s"), say("user", "q")]
    assert read(file, row).prompts == [whole] == read(file, row | {"prompt": "q"}).prompts


# ---- weights


def test_a_reply_of_weight_0_is_left_out_and_counted(file):
    rows = [{"messages": [say("user", f"q{i}"), say("assistant", f"r{i}", weight=i)]}
            for i in (0, 1)]  # fmt: skip
    rows.append({"messages": [*TURNS[:1], say("assistant", "r", weight=0), *BOTH[2:],
                              say("assistant", "x")]})  # fmt: skip
    chosen = read_selection(write(file, *rows))
    assert chosen.texts == ["r1", "x"]
    assert chosen.settings["left_out"] == {"weight is 0": 1}
