"""Rollouts as JSON lines: every shape in and out, bad lines, duplicates, and the real files."""

import gzip
import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.base import CourseError
from course_lib.pools import (
    LENGTH,
    MISSING,
    SHAPES,
    STOP,
    SYSTEMS,
    Pool,
    best_per_prompt,
    hh_pairs,
    load_model_solutions,
    preference_pairs,
    read_rollouts,
    system_report,
    write_pairs,
    write_rollouts,
    write_selection,
)


def write(path, *rows):
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    )
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rollouts.jsonl"


def read(file, *rows):
    """The pool of a file that holds ``rows``."""
    return read_rollouts(write(file, *rows))


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


# ---- the shapes


@pytest.mark.parametrize("prompt, replies", [("prompt", "responses"), ("question", "completions")])
def test_lists(file, prompt, replies):
    pool = read(
        file,
        {prompt: "p", replies: ["a", ""], "rewards": [0.5, -1], "id": 7},
        {prompt: "q", replies: ["c"], "rewards": [2]},
    )
    assert pool.prompts == ["p", "q"]
    assert pool.texts == [["a", ""], ["c", ""]]
    assert pool.finish.tolist() == [[STOP, STOP], [STOP, MISSING]]
    reward = pool.reward()
    assert reward[0].tolist() == [0.5, -1]
    assert reward[1, 0] == 2 and reward[1, 1].isnan()
    assert pool.info == [{"id": 7}, {}]
    assert pool.provenance.n == 2 and pool.provenance.skipped == ()


def test_named_rewards_and_none(file):
    rewards = {"proxy": [1, 2], "gold": [True, False]}
    pool = read(file, {"prompt": "p", "responses": ["a", "b"], "rewards": rewards})
    assert pool.reward("proxy").tolist() == [[1, 2]]
    assert pool.reward("gold").tolist() == [[1, 0]]
    bare = {"prompt": "p", "responses": ["a"]}
    assert read(file, bare, {**bare, "rewards": None}).rewards == {}


@pytest.mark.parametrize("prompt, reply", [("input", "output"), ("prompt", "completion")])
def test_rows_with_one_prompt_are_its_candidates_wherever_they_stand(file, prompt, reply):
    rows = [
        {prompt: p, reply: t, "reward": r, "topic": "x", "seed": s}
        for p, t, r, s in [("p", "a", 1, 1), ("p", "b", 2, 2), ("q", "c", 3, 1), ("p", "d", 4, 1)]
    ]
    pool = read(file, *rows)
    assert pool.prompts == ["p", "q"]
    assert pool.texts == [["a", "b", "d"], ["c", "", ""]]
    assert pool.reward()[0].tolist() == [1, 2, 4]
    assert pool.info == [{"topic": "x", "seed": [1, 2, 1]}, {"topic": "x", "seed": 1}]


def test_duplicate_prompts_stay_apart_in_lists(file):
    row = {"prompt": "p", "responses": ["a", "b"], "rewards": [1, 2]}
    assert read(file, row, row).prompts == ["p", "p"]


def test_pairs(file):
    pool = read(file, {"prompt": "p", "chosen": "good", "rejected": "bad", "source": "s"})
    assert pool.texts == [["good", "bad"]]
    assert pool.reward("preference").tolist() == [[1, 0]]
    assert pool.info == [{"source": "s"}]


def message(role, content):
    return {"role": role, "content": content}


def test_chat_messages(file):
    system, user = message("system", "s"), message("user", "hi")
    old, last = message("assistant", "yes?"), message("user", "why?")
    row = {"prompt": [system, user, old, last], "completion": [message("assistant", "because")]}
    pool = read(file, {**row, "reward": 1})
    assert pool.prompts == [[system, user, old, last]] and pool.texts == [["because"]]
    assert pool.info == [{}]
    with pytest.raises(CourseError, match="ends with a message from the assistant"):
        read(file, {"prompt": [user, old], "completion": "a"})
    replies = {"chosen": [message("assistant", "a")], "rejected": [message("assistant", "")]}
    pool = read(file, {"prompt": [last], **replies})
    assert pool.prompts == ["why?"] and pool.texts == [["a", ""]] and pool.info == [{}]


def test_finish_reasons(file):
    row = {"prompt": "p", "responses": ["a", "b"]}
    pool = read(
        file,
        {**row, "finish_reason": ["length", "stop"]},
        {**row, "finish_reason": ["eos", "stop"]},
    )
    assert pool.finish.tolist() == [[LENGTH, STOP], [STOP, STOP]]
    assert pool.info == [{}, {"finish_reason": ["eos", "stop"]}]


def test_gzip_and_byte_order_mark(tmp_path):
    path = tmp_path / "r.jsonl.gz"
    line = json.dumps({"prompt": "p", "responses": ["é"]}).encode()
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + line + b"\r\n"))
    pool = read_rollouts(path)
    assert pool.texts == [["é"]]
    write_rollouts(pool, path)
    written = path.read_bytes()
    assert written[:2] == b"\x1f\x8b"
    assert written[4:8] == bytes(4), "no time stamp"


# ---- bad lines

GOOD = {"prompt": "p", "responses": ["a", "b"], "rewards": [1, 2]}
SECRET = "zanzibar"  # stands for a prompt or reply: no message may quote it


@pytest.mark.parametrize(
    "bad, words",
    [
        ('{"prompt": "zanzibar", "resp', "broken JSON"),
        ('{"prompt": "zanzibar"} {}', "broken JSON"),
        ('["zanzibar"]', "JSON list"),
        ({"text": SECRET}, "found the keys text; expected one of the shapes"),
        ({**GOOD, "responses": SECRET}, "found str under 'responses'"),
        ({**GOOD, "responses": []}, "an empty list"),
        ({**GOOD, "responses": [SECRET, None]}, "found null as a reply"),
        ({**GOOD, "responses": [SECRET, 3]}, "found int as a reply"),
        ({**GOOD, "prompt": 3}, "found int under 'prompt'"),
        ({**GOOD, "prompt": [{"role": "system", "content": SECRET}]}, "none from the user"),
        ({**GOOD, "prompt": [SECRET]}, "without a role"),
        ({**GOOD, "prompt": [{"role": "user", "content": [SECRET]}]}, "found list under 'content'"),
        (
            {**GOOD, "responses": [[{"role": "user", "content": SECRET}], "b"]},
            "expected role 'assistant'",
        ),
        ({**GOOD, "responses": [[], "b"]}, "found 0 chat messages"),
        ({**GOOD, "rewards": [1]}, "found 1 rewards 'reward' for 2 replies"),
        ({**GOOD, "rewards": [1, 2, 3]}, "found 3 rewards 'reward' for 2 replies"),
        ({**GOOD, "rewards": 1}, "found int under 'rewards'"),
        ({**GOOD, "rewards": [1, "2"]}, "found str as a reward"),
        ({**GOOD, "rewards": [1, None]}, "found null as a reward"),
        ({**GOOD, "rewards": [1, float("nan")]}, "found NaN as a reward"),
        ({**GOOD, "rewards": [1, float("inf")]}, "found infinity"),
        ({**GOOD, "rewards": [1, 1e39]}, "too large"),
        ({**GOOD, "rewards": [1, 10**400]}, "too large"),
        ({**GOOD, "rewards": {"gold": [1, 2]}}, "found rewards gold; expected reward"),
        ({"prompt": "p", "responses": ["a", "b"]}, "found rewards none; expected reward"),
        (
            {"input": SECRET, "output": "a", "reward": 1},
            "found shape input/output/reward, but the file began with prompt/responses/rewards",
        ),
    ],
)
def test_a_bad_line_is_named_and_can_be_skipped(file, bad, words):
    write(file, GOOD, "", bad, GOOD)
    with pytest.raises(CourseError) as error:
        read_rollouts(file)
    said = str(error.value)
    assert f"{file} line 3: " in said and words in said and "--skip-bad" in said
    assert SECRET not in said
    pool = read_rollouts(file, skip_bad=True)
    assert pool.P == 2
    (skipped,) = pool.provenance.skipped
    assert skipped["line"] == 3 and words in skipped["reason"]


def test_a_bad_first_line_does_not_fix_the_shape(file):
    write(file, {**GOOD, "rewards": [1]}, {"input": "p", "output": "a"})
    assert read_rollouts(file, skip_bad=True).prompts == ["p"]


def test_bytes_that_are_not_utf8(file):
    file.write_bytes(json.dumps(GOOD).encode() + b"\n\xff\xfe{}\n")
    with pytest.raises(CourseError, match="line 2: found bytes that are not UTF-8"):
        read_rollouts(file)


def test_empty_missing_and_hopeless_files(file, tmp_path):
    with pytest.raises(CourseError, match="no file at"):
        read_rollouts(file)
    with pytest.raises(CourseError, match="is empty"):
        read(file, "", " ")
    with pytest.raises(CourseError, match="no usable line: all 2"):
        read_rollouts(write(file, "{", "["), skip_bad=True)
    with pytest.raises(CourseError, match="hh_pairs"):
        read(file, {"chosen": "a", "rejected": "b"})


# ---- round trips

words = st.text(st.characters(codec="utf-8"), max_size=8)
infos = st.dictionaries(
    st.sampled_from(
        ["id", "topic", "info", "prompt", "reward", "finish_reason", "prompt_index", "messages"]
    ),
    st.none() | st.integers() | words | st.lists(st.integers(), max_size=2) | st.just({"a": 1}),
    max_size=3,
)


@st.composite
def pools(draw):
    prompts = draw(st.lists(st.sampled_from(["p", "q", "\u2028x\n"]), min_size=1, max_size=4))
    texts = [draw(st.lists(words, min_size=1, max_size=3)) for _ in prompts]
    names = draw(st.sampled_from([[], ["reward"], ["proxy"], ["proxy", "reward"]]))
    number = st.floats(
        width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100
    )
    rewards = {name: [[draw(number) for _ in row] for row in texts] for name in names}
    pool = Pool.from_candidates(prompts, texts, rewards, [draw(infos) for _ in prompts])
    size = pool.finish.numel()
    cut = torch.tensor(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    pool.finish[cut.reshape(pool.finish.shape) & pool.present] = LENGTH
    return pool


def assert_same(a, b):
    assert (a.prompts, a.texts, a.info) == (b.prompts, b.texts, b.info)
    assert torch.equal(a.finish, b.finish) and a.rewards.keys() == b.rewards.keys()
    for name in a.rewards:
        one, other = (pool.rewards[name].nan_to_num(nan=7e37) for pool in (a, b))
        assert torch.equal(one, other)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if "chosen" not in shape])
@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(pool=pools())
def test_round_trip(tmp_path, shape, name, pool):
    path = tmp_path / name
    write_rollouts(pool, path, shape)
    back = read_rollouts(path)
    assert back.provenance.shape == shape
    assert_same(pool, back)


def test_round_trip_of_pairs(file):
    pool = Pool.from_candidates(
        ["p", "p"],
        [["good", "bad"], ["", "worse"]],
        {"preference": [[1, 0], [1, 0]]},
        [{"id": 1}, {}],
    )
    shape = "prompt/chosen/rejected"
    write_rollouts(pool, file, shape)
    assert_same(pool, read_rollouts(file))
    write_rollouts(pool.with_reward("preference", [[0, 1], [1, 0]]), file, shape)
    assert read_rollouts(file).texts == [["bad", "good"], ["", "worse"]]
    with pytest.raises(CourseError, match="equal preferences"):
        write_rollouts(pool.with_reward("preference", [[1, 1], [1, 0]]), file, shape)
    with pytest.raises(CourseError, match="has 1 replies"):
        write_rollouts(pool.first(1), file, shape)


def test_the_written_keys_are_those_of_the_shape(file):
    pool = Pool.from_candidates(["p", "q"], [["a"], ["b"]], {"reward": [[1], [2]]})
    for shape, keys in SHAPES.items():
        if "chosen" not in shape:
            write_rollouts(pool, file, shape)
            assert [tuple(row) for row in lines(file)] == [keys, keys]


def test_missing_candidates_in_the_middle_move_to_the_end(file):
    pool = Pool.from_candidates(["p"], [["a", "b", "c"]], {"reward": [[1, 2, 3]]})
    pool.finish[0, 1] = MISSING
    other = Pool.from_candidates(["q"], [["d", "e", "f"]], {"reward": [[4, 5, 6]]})
    write_rollouts(Pool.concat([pool, other]), file)
    back = read_rollouts(file)
    assert back.texts == [["a", "c", ""], ["d", "e", "f"]]
    assert back.reward()[0, :2].tolist() == [1, 3]


def test_what_cannot_be_written_is_refused_and_nothing_changes(file):
    pool = Pool.from_candidates(["p", "q"], [["a"], ["b"]])
    write_rollouts(pool, file)
    before = file.read_bytes()
    with pytest.raises(CourseError, match="no shape 'csv'"):
        write_rollouts(pool, file, "csv")
    for value, why in (({1, 2}, "set"), (float("nan"), "JSON"), ("\ud800", "surrogate")):
        pool.info[1] = {"x": value}
        with pytest.raises(CourseError, match=f"row 2 .*{why}"):
            write_rollouts(pool, file)
    pool.info[1] = {}
    pool.finish[1, 0] = MISSING
    with pytest.raises(CourseError, match="first prompt 1"):
        write_rollouts(pool, file)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_selections_and_pairs_for_trl(file):
    pool = Pool.from_candidates(["p", "p"], [["a", "b"], ["c", "d"]], {"reward": [[1, 2], [4, 3]]})
    write_selection(best_per_prompt(pool).to_rows(), file)
    assert [list(row.items())[:2] for row in lines(file)] == [
        [("prompt", "p"), ("completion", "b")],
        [("prompt", "p"), ("completion", "c")],
    ]
    # prompt_index keeps the two equal prompts apart
    assert read_rollouts(file).texts == [["b"], ["c"]]
    write_pairs(preference_pairs(pool), file)
    assert read_rollouts(file).texts == [["b", "a"], ["c", "d"]]
    whole = {"prompt": "p", "chosen": "a", "rejected": "b"}
    with pytest.raises(CourseError, match="row 2 has null under 'rejected'"):
        write_pairs([whole, {"prompt": "p", "chosen": "a"}], file)
    assert read_rollouts(file).texts == [["b", "a"], ["c", "d"]]


# ---- human pairs

START = "\n\nHuman: hi\n\nAssistant:"


def hh(tmp_path, *pairs):
    path = tmp_path / "hh.jsonl.gz"
    rows = [json.dumps({"chosen": a, "rejected": b}) + "\n" for a, b in pairs]
    path.write_bytes(gzip.compress("".join(rows).encode()))
    return path


def test_hh_pairs_are_split_at_the_last_shared_turn(tmp_path):
    longer = START + " yes?\n\nHuman: why\n\nAssistant:"
    path = hh(
        tmp_path,
        (START + " good", START + " bad"),
        (longer + " one", longer + " only"),
        (START + "", START + " x"),
        (START + " same", START + " same "),
        (START + " a\n\nHuman: b\n\nAssistant: c", START + " d\n\nHuman: b\n\nAssistant: c"),
    )
    pairs, counts = hh_pairs(path, return_counts=True)
    assert pairs[:3] == [
        {"prompt": START, "chosen": "good", "rejected": "bad"},
        {"prompt": longer, "chosen": "one", "rejected": "only"},
        {"prompt": START, "chosen": "", "rejected": "x"},
    ]
    assert pairs[3] == {
        "prompt": START,
        "chosen": "a\n\nHuman: b\n\nAssistant: c",
        "rejected": "d\n\nHuman: b\n\nAssistant: c",
    }
    assert counts == {"read": 5, "kept": 4, "identical": 1, "early": 1, "empty": 1, "skipped": []}


def test_hh_errors_never_quote_the_text(tmp_path):
    path = hh(
        tmp_path,
        (START + " a", START + " b"),
        ("\n\nHuman: zanzibar\n\nAssistant: x", "\n\nHuman: zebra\n\nAssistant: y"),
        (START + " c", 3),
    )
    with pytest.raises(CourseError, match="line 2: ") as error:
        hh_pairs(path)
    pairs, counts = hh_pairs(path, skip_bad=True, return_counts=True)
    assert len(pairs) == 1 and [s["line"] for s in counts["skipped"]] == [2, 3]
    assert "zanzibar" not in f"{error.value} {counts}"


def test_real_hh_pairs(shared_data):
    pairs, counts = hh_pairs(shared_data / "hh-rlhf" / "harmless-base.jsonl.gz", return_counts=True)
    assert counts == {
        "read": 1800,
        "kept": 1800,
        "identical": 0,
        "early": 2,
        "empty": 4,
        "skipped": [],
    }
    well_formed = [
        pair["prompt"].startswith("\n\nHuman:") and pair["prompt"].endswith("\n\nAssistant:")
        for pair in pairs
    ]
    assert sum(well_formed) == 1800  # a count: the texts stay out of any failure message


# ---- the released model solutions


def test_real_model_solutions(shared_data):
    pool = read_rollouts(shared_data / "gsm8k" / "model_solutions.jsonl")
    assert (pool.P, pool.N) == (660, 4) and set(pool.rewards) == {"verifier", "label"}
    assert torch.equal(pool.reward("verifier"), pool.reward("label"))
    report = system_report(pool)
    assert {name: round(x.mean, 4) for name, x in report["accuracy"].items()} == {
        "6b_finetuning": 0.2212,
        "6b_verification": 0.4030,
        "175b_finetuning": 0.3409,
        "175b_verification": 0.5621,
    }
    assert {name: round(x.mean, 4) for name, x in report["difference"].items()} == {
        "6b_verification − 6b_finetuning": 0.1818,
        "175b_verification − 175b_finetuning": 0.2212,
        "6b_verification − 175b_finetuning": 0.0621,
    }
    assert all(x.excludes_zero for x in report["difference"].values())
    right = pool.reward("label").sum(1)
    some, some_not = right > 0, right < 4
    assert report["pass_at"][1] == pytest.approx(1008 / 2640)
    assert report["pass_at"][4] == pytest.approx(some.double().mean().item())
    assert report["decidable"].mean == pytest.approx((some & some_not).double().mean().item())


SOLUTION = {
    "question": "2 + 2?",
    "ground_truth": "2 + 2 = 4\nA: 4",
    **{system: {"solution": "A: 4", "is_correct": True} for system in SYSTEMS},
}


def test_model_solutions_with_bad_lines(file):
    broken = {**SOLUTION, "6b_finetuning": None}
    write(file, SOLUTION, broken, SOLUTION)
    with pytest.raises(CourseError, match="line 2: found no solution of 6b_finetuning"):
        read_rollouts(file)
    pool = read_rollouts(file, skip_bad=True)
    again = load_model_solutions(file, skip_bad=True)
    assert pool.prompts == again.prompts == ["2 + 2?"] * 2
    assert pool.info == again.info and [info["id"] for info in pool.info] == [0, 1]
    assert pool.provenance == again.provenance
    assert pool.provenance.systems == SYSTEMS and pool.provenance.skipped[0]["line"] == 2
    with pytest.raises(CourseError, match="found shape prompt/responses/rewards, but the file"):
        read(file, SOLUTION, GOOD)


def test_the_report_needs_the_four_systems():
    with pytest.raises(CourseError, match="load_model_solutions"):
        system_report(Pool.from_candidates(["p"], [["a"]], {"verifier": [[1]]}))
