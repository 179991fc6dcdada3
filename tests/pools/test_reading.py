"""What becomes of files: prompts with history, rows of one prompt, mappings, what is left out."""

import json

import pytest
import torch

from course_lib.base import CourseError
from course_lib.pools import (
    MISSING,
    STOP,
    Pool,
    annotate,
    best_per_prompt,
    preference_pairs,
    read_pairs,
    read_pool,
    read_rollouts,
    read_selection,
    write_pairs,
    write_rollouts,
    write_selection,
)
from course_lib.worlds import load_world


def write(path, *rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.jsonl"


def read(file, *rows, **more):
    return read_rollouts(write(file, *rows), **more)


def say(role, text):
    return {"role": role, "content": text}


def ask(i):
    return f"What is {i} and {i}?"


def dialogue(i, last="Are you sure?"):
    return [say("user", ask(i)), say("assistant", f"{2 * i}"), say("user", last)]


# ---- prompts


def test_an_alpaca_prompt_is_the_instruction(file):
    rows = [
        {"instruction": ask(i), "input": "", "output": str(j)} for j in range(4) for i in (1, 2)
    ]
    pool = read(file, *rows)
    assert pool.prompts == [ask(1), ask(2)] and pool.N == 4
    assert read_selection(file).prompts == [ask(1)] * 4 + [ask(2)] * 4


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": " ", "input": "", "output": "a"},
        {"prompt": "", "completion": "a"},
        {"prompt": [say("user", "\n")], "completion": "a"},
        {"messages": [say("system", "s"), say("assistant", "a")]},
        {"prompt": "", "chosen": "a", "rejected": "b"},
        {"conversations": [{"from": "human", "value": ""}, {"from": "gpt", "value": "a"}]},
    ],
)
def test_an_empty_prompt_is_a_bad_line(file, row):
    with pytest.raises(CourseError, match="empty prompt|none from the user"):
        read(file, row)


def test_dialogues_with_one_last_turn_stay_apart(file):
    rows = [{"prompt": dialogue(i), "completion": [say("assistant", "Yes.")]} for i in range(24)]
    pool = read(file, *rows)
    assert pool.prompts == [dialogue(i) for i in range(24)] and pool.info == [{}] * 24


def test_another_system_message_is_another_prompt_and_reaches_training(file):
    systems = ["Be brief.", "Be kind.", "Be brief."]
    rows = [{"messages": [say("system", s), say("user", "Hi."), say("assistant", s)]}
            for s in systems]  # fmt: skip
    rows.append({"messages": [say("user", "Hi."), say("assistant", "Hi.")]})
    chosen = read_selection(write(file, *rows))
    brief, kind = ([say("system", s), say("user", "Hi.")] for s in systems[:2])
    assert chosen.prompts == [brief, brief, kind, "Hi."]


@pytest.mark.parametrize(
    "row, words",
    [
        ({"messages": [say("user", "zanzibar")]}, "there is no reply"),
        ({"messages": [say("assistant", "zanzibar")]}, "reply without a prompt"),
        ({"messages": [say("user", "a"), say("assistant", None)]}, "found NoneType"),
        (
            {"messages": [say("user", "a"), {**say("assistant", None), "tool_calls": [1]}]},
            "'tool_calls'",
        ),
        ({"messages": [say("narrator", "zanzibar"), say("assistant", "a")]}, "unknown role"),
        (
            {"messages": [say("user", [{"type": "image", "image": "x"}]), say("assistant", "a")]},
            "not text",
        ),
        ({"chosen": "zanzibar", "rejected": "uganda"}, "share no beginning"),
        (
            {
                "chosen": [say("user", "zanzibar"), say("assistant", "a")],
                "rejected": [say("user", "uganda"), say("assistant", "b")],
            },
            "part before their last message",
        ),
        (
            {
                "chosen": [*dialogue(1), say("assistant", "a")],
                "rejected": [*dialogue(1)[:1], say("assistant", "b")],
            },
            "part before their last message",
        ),
        ({"prompt": "p", "completions": ["a", "b"], "labels": [True, False]}, "steps of one reply"),
    ],
)
def test_what_is_no_prompt_with_a_reply_is_refused_without_quoting_it(file, row, words):
    with pytest.raises(CourseError, match=words) as error:
        read(file, row)
    assert "zanzibar" not in str(error.value)


def test_a_text_prompt_gives_way_to_the_dialogue_it_is_part_of(file):
    sides = {side: [*dialogue(1), say("assistant", side)] for side in ("chosen", "rejected")}
    pool = read(file, {"prompt": "Are you sure?", **sides}, {"prompt": "another", **sides})
    assert pool.prompts == [dialogue(1)] * 2
    assert pool.info == [{}, {"prompt": "another"}], "no text is lost"


def test_implicit_text_parts_at_a_turn_or_a_word(file):
    rows = [
        {"chosen": "Q: 2+2?\n\nAssistant: It is 4.", "rejected": "Q: 2+2?\n\nAssistant: It is 5."},
        {"chosen": "The sea is wide.", "rejected": "The sea is wild."},
        {"chosen": "Name a bird. Owl", "rejected": "Name a bird. Owl or"},
    ]
    pool = read(file, *rows)
    assert pool.prompts == ["Q: 2+2?\n\nAssistant:", "The sea is", "Name a bird."]
    assert pool.texts == [["It is 4.", "It is 5."], ["wide.", "wild."], ["Owl", "Owl or"]]


def test_text_dialogues_that_part_before_a_reply_are_no_pair(file):
    texts = [f"\n\nHuman: {word}\n\nAssistant: x" for word in ("zanzibar", "zebra")]
    with pytest.raises(CourseError, match="part before their first reply") as error:
        read_pairs(write(file, dict(zip(("chosen", "rejected"), texts, strict=True))))
    assert "zanzibar" not in str(error.value)


def test_pairs_with_and_without_their_prompt_may_stand_in_one_file(file):
    sides = {side: [say("user", ask(1)), say("assistant", side)] for side in ("chosen", "rejected")}
    assert read(file, {"prompt": ask(1), **sides}, sides).prompts == [ask(1)] * 2


# ---- rows of one prompt


def test_rollouts_in_passes_are_grouped_by_prompt(file):
    rows = [
        {"input": ask(i), "output": f"{j}", "reward": j % 2} for j in range(4) for i in range(24)
    ]
    pool = read(file, *rows)
    assert (pool.P, pool.N) == (24, 4) and pool.texts[5] == list("0123")


def test_lists_of_one_reply_in_passes_are_grouped_too(file):
    rows = [{"prompt": ask(i), "responses": [f"{j}"]} for j in range(4) for i in range(24)]
    assert read(file, *rows).texts == [list("0123")] * 24


@pytest.mark.parametrize("number", ["prompt_index", "id", "index", "question_id"])
def test_numbers_of_prompts_tell_equal_prompts_apart(file, number):
    rows = [{"prompt": "p", "completion": f"{i}{j}", number: i} for j in range(2) for i in (7, 8)]
    assert read(file, *rows).texts == [["70", "71"], ["80", "81"]]


def test_numbers_of_rows_and_of_candidates_do_not(file):
    rows = [
        {"prompt": p, "completion": f"{j}", "id": f"{p}{j}", "index": j}
        for j in range(3)
        for p in "ab"
    ]
    assert read(file, *rows).texts == [["0", "1", "2"]] * 2


@pytest.mark.parametrize("yes, no", [(True, False), (1, 0), ("True", "false"),
                                     ("desirable", "undesirable")])  # fmt: skip
def test_labels_in_other_words(file, yes, no):
    rows = [{"prompt": "p", "completion": f"{word}", "label": word} for word in (yes, no)]
    assert read_selection(write(file, *rows)).texts == [f"{yes}"]


def test_rewards_as_an_object_a_reply(file):
    row = {"prompt": "p", "responses": ["a", "b"], "rewards": [{"x": 1, "y": 0}, {"x": 0, "y": 2}]}
    pool = read(file, row)
    assert pool.reward("x").tolist() == [[1, 0]] and pool.reward("y").tolist() == [[0, 2]]


def test_a_system_message_beside_whole_dialogues_is_part_of_the_prompt(file):
    sides = {side: [*dialogue(1), say("assistant", side)] for side in ("chosen", "rejected")}
    whole = [say("system", "Be brief."), *dialogue(1)]
    system = {"system": "Be brief."}
    assert read(file, {**system, **sides}).prompts == [whole]
    assert read(file, {**system, "prompt": "Are you sure?", **sides}).prompts == [whole]


def test_labels_and_scores_beside_lists_of_replies(file):
    row = {"prompt": "p", "responses": ["a", "b"], "labels": [False, True]}
    assert read_selection(write(file, row)).texts == ["b"]
    row = {"prompt": "p", "outputs": [{"text": "a"}, {"text": "b"}], "scores": [0, 1]}
    assert read(file, row).reward("score").tolist() == [[0, 1]]


def test_a_number_written_as_text_is_no_reward_and_not_passed_over(file):
    with pytest.raises(CourseError, match="found str as a reward 'score'"):
        read(file, {"question": "p", "response": "a", "score": "0.5"})


def test_a_blank_system_message_is_none(file):
    row = {"messages": [say("system", " "), say("user", "Hi."), say("assistant", "Hi!")]}
    assert read(file, row).prompts == ["Hi."]


@pytest.mark.parametrize(
    "key", ["answer", "ground_truth", "gts", "target", "solution", "reference_answer"]
)
def test_the_reference_is_where_verifiers_look(file, key):
    row = {"prompt": "p", "responses": ["a"], key: "\\boxed{6}"}
    assert read(file, row).info[0]["answer"] == "\\boxed{6}"
    assert read(file, {**row, key: 6}).info[0]["answer"] == "6"


def test_lm_eval_rows_of_a_second_filter_are_left_out_and_counted(file):
    row = {"doc": {"question": "p"}, "arguments": [["p", {}]], "resps": [["a"]], "exact_match": 1}
    pool = read(file, {**row, "filter": "strict"}, {**row, "filter": "flexible"})
    assert pool.texts == [["a"]]
    assert pool.provenance.dropped == {"the same reply under another filter": 1}


# ---- a mapping


ODD = {"meta": {"q": ask(1), "gold": "2"}, "outs": [{"t": "2", "s": 0.5}, {"t": "3", "s": 0}]}


def test_keys_say_what_is_what(file):
    keys = "prompt=meta.q,responses=outs.t,rewards=outs.s,answer=meta.gold"
    pool = read(file, ODD, keys=keys)
    assert (pool.prompts, pool.texts) == ([ask(1)], [["2", "3"]])
    assert pool.reward().tolist() == [[0.5, 0]] and pool.info[0]["answer"] == "2"
    as_dictionary = dict(part.split("=") for part in keys.split(","))
    assert read_rollouts(file, keys=as_dictionary).texts == pool.texts
    one = read(file, {"a": {"b": ["x", "y"]}, "c": "r", "d": 1}, {"a": {"b": ["x", "y"]}, "c": "s",
               "d": 0}, keys="prompt=a.b.1,response=c,reward=d")  # fmt: skip
    assert one.prompts == ["y"] and one.texts == [["r", "s"]]
    pairs = read_pairs(write(file, {"q": "p", "w": "a", "l": "b"}),
                       keys="prompt=q,chosen=w,rejected=l")  # fmt: skip
    assert [(p["prompt"], p["chosen"], p["rejected"]) for p in pairs] == [("p", "a", "b")]


def test_keys_beside_a_known_shape(file):
    row = {"doc": {"question": "q"}, "arguments": [["few-shot q", {}]], "resps": [["a"]], "m": 0.5}
    pool = read(file, row, keys="prompt=doc.question,rewards=m")
    assert pool.prompts == ["q"] and pool.reward().tolist() == [[0.5]]


@pytest.mark.parametrize(
    "keys, words",
    [
        ("prompt=meta.question,responses=outs.t", "no 'question' on the way .* q, gold"),
        ("prompt=nothing", "the keys there are meta, outs"),
        ("prompt=meta.q.x,responses=outs.t", "found str on the way"),
        ("prompt=meta.q,responses=outs.7", "a list of 2"),
        ("promt=meta.q", "a field is one of prompt"),
        ("prompt", "FIELD=KEY"),
        ("chosen=outs", "together"),
        ("responses=outs,completion=outs", "twice"),
    ],
)
def test_a_mapping_that_does_not_fit_names_the_keys_that_are_there(file, keys, words):
    with pytest.raises(CourseError, match=words):
        read(file, ODD, keys=keys)


# ---- what is left out


def test_of_kto_only_wanted_replies_are_trained_on(file):
    rows = [{"prompt": ask(i), "completion": f"{j}", "label": j == 1}
            for i in range(3) for j in range(2)]  # fmt: skip
    chosen = read_selection(write(file, *rows))
    assert chosen.texts == ["1"] * 3
    assert chosen.settings["left_out"] == {"label is false": 3}


def test_of_pairs_only_chosen_replies_are_trained_on(file):
    write(file, {"prompt": "p", "chosen": "a", "rejected": "b"})
    chosen = read_selection(file)
    assert chosen.texts == ["a"] and chosen.settings["left_out"] == {"not preferred": 1}


def test_rewards_that_do_not_count_are_named(file):
    write(file, {"prompt": "p", "responses": ["a", "b"], "rewards": [0, 1]})
    chosen = read_selection(file)
    assert chosen.texts == ["a", "b"] and chosen.settings["unused_rewards"] == ["reward"]


def test_pairs_of_any_file_and_what_gave_none(file):
    rows = [
        {"prompt": "p", "responses": ["a", "b", "c"], "rewards": [0, 2, 1]},
        {"prompt": "q", "responses": ["a"], "rewards": [0]},
        {"prompt": "r", "responses": ["a", "b"], "rewards": [1, 1]},
        {"prompt": "s", "responses": ["a", "a"], "rewards": [0, 1]},
    ]
    pairs = read_pairs(write(file, *rows))
    assert [(p["chosen"], p["rejected"]) for p in pairs] == [("b", "a")]
    assert pairs.dropped == {"only one reply": 1, "equal rewards": 1, "equal replies": 1}
    with pytest.raises(CourseError, match="holds 2 rewards"):
        read_pairs(write(file, {"prompt": "p", "responses": ["a", "b"],
                                "rewards": {"x": [0, 1], "y": [1, 0]}}))  # fmt: skip


def test_each_rejected_reply_of_a_preference_gives_a_pair(file):
    row = {"prompt": "p", "chosen": ["a"], "rejected": ["b", "c", "a"], "num_correct": 1}
    pairs = read_pairs(write(file, row))
    assert [(p["chosen"], p["rejected"]) for p in pairs] == [("a", "b"), ("a", "c")]


@pytest.mark.parametrize("first", ["[1]", "5", "null", "true", '[{"chosen": "a"}]'])
def test_a_first_line_that_is_no_object_is_a_clear_error(file, first):
    file.write_text(first + "\n")
    with pytest.raises(CourseError):
        read_pairs(file)


def test_missing_candidates_are_not_compared():
    info = [{"topic": load_world("helpdesk").prompts(limit=1)[1][0]["topic"]}]
    pool = Pool.from_candidates(["p", "q"], [["a"], ["b", "c"]], info=info * 2)
    assert (pool.finish == MISSING).sum() == 1
    from course_lib.worlds import Annotator

    with pytest.raises(CourseError, match="holds 1 different pairs"):
        annotate(pool, Annotator(), 2)


# ---- out again


@pytest.fixture
def mixed():
    """A pool with a dialogue among its prompts."""
    return Pool.from_candidates(
        [ask(1), dialogue(2)], [["2", "3"], ["Yes.", "No."]], {"reward": [[1, 0], [0, 1]]}
    )


def test_a_pool_keeps_dialogues(mixed, tmp_path):
    mixed.save(tmp_path / "p.npz")
    assert Pool.load(tmp_path / "p.npz").prompts == mixed.prompts
    single = Pool.from_candidates([[say("user", "Hi.")]], [["a"]])
    assert single.prompts == ["Hi."], "in the simplest form"


@pytest.mark.parametrize("shape", ["prompt/responses/rewards", "question/completions/rewards",
                                   "input/output/reward", "prompt/completion/reward"])  # fmt: skip
def test_dialogues_are_written_and_read(mixed, tmp_path, shape):
    for name in ("r.jsonl", "r.json", "r.jsonl.gz", "r.json.gz"):
        write_rollouts(mixed, tmp_path / name, shape)
        back = read_rollouts(tmp_path / name)
        assert (back.prompts, back.texts) == (mixed.prompts, mixed.texts)
        assert torch.equal(back.reward(), mixed.reward()) and (back.finish == STOP).all()


def test_one_dialogue_makes_a_file_conversational(mixed, file):
    write_selection(best_per_prompt(mixed).to_rows(), file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[0]["prompt"] == [say("user", ask(1))]
    assert rows[1]["prompt"] == dialogue(2)
    assert [row["completion"] for row in rows] == [[say("assistant", t)] for t in ("2", "No.")]
    assert read_selection(file).prompts == mixed.prompts
    write_pairs(preference_pairs(mixed), file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert all(isinstance(row[key], list) for row in rows for key in ("prompt", "chosen"))
    assert [pair["prompt"] for pair in read_pairs(file)] == mixed.prompts
    with pytest.raises(CourseError, match="ends with a message from the assistant"):
        write_selection([{"prompt": dialogue(1)[:2], "completion": "a"}], file)


def test_other_names_of_files_are_refused_with_advice(mixed, tmp_path):
    for name in ("z.csv", "z.parquet", "z", "z.txt"):
        with pytest.raises(CourseError, match="give a name that ends in .jsonl"):
            write_rollouts(mixed, tmp_path / name)
    (tmp_path / "z.csv").write_text("prompt,response\n")
    with pytest.raises(CourseError, match="JSON lines, with pandas"):
        read_pool(tmp_path / "z.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["z.csv"]


# ---- small files in public shapes

SIZES = {
    "alpaca_sft.jsonl": (24, 1),
    "helpsteer2.jsonl": (24, 2),
    "json_array.json": (24, 2),
    "kto_unpaired.jsonl": (24, 2),
    "multiturn_same_last.jsonl": (24, 1),
    "openinstruct_scored.jsonl": (24, 3),
    "openrlhf_roundrobin.jsonl": (24, 4),
    "rewardbench2.jsonl": (24, 4),
    "rlhfbook_latexgold.jsonl": (24, 2),
    "trl_implicit_chat.jsonl": (24, 2),
    "ultrafeedback_binarized.jsonl": (24, 2),
    "verl_dump.jsonl": (24, 4),
}


@pytest.mark.parametrize("name", SIZES)
def test_files_in_public_shapes(shared_data, name):
    path = shared_data / "files" / name
    if not path.is_file():
        pytest.skip(f"no {name}")
    pool = read_pool(path)
    assert (pool.P, pool.N) == SIZES[name]
    assert all(pool.prompts) and pool.present.all()
