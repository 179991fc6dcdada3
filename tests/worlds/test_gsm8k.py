"""The GSM8K world: reading answers, equations, the files, and the released model solutions."""

import gzip
import json
import re
import shutil
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.base import CourseError
from course_lib.pools import SYSTEMS, agreement, load_model_solutions
from course_lib.worlds import (
    GSM8K,
    equation_holds,
    equation_path,
    equation_report,
    equations,
    evaluate,
    extract_answer,
    find_answer,
    load_world,
    parse_number,
    read_problems,
    verifier,
    verify,
)


@pytest.fixture(scope="session")
def solutions(shared_data):
    return load_model_solutions(shared_data / "gsm8k" / "model_solutions.jsonl")


# ---- numbers and answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "written, value",
    [
        ("18", 18),
        ("1,234", 1234),
        ("1,234,567.5", Fraction(2469135, 2)),
        ("-5", -5),
        ("−5", -5),
        ("+5", 5),
        ("$18", 18),
        ("-$5", -5),
        ("$-5", -5),
        (r"\$18", 18),
        ("18.", 18),
        ("18.0", 18),
        (".5", Fraction(1, 2)),
        ("20%", 20),
        ("1/2", Fraction(1, 2)),
        ("-1/2", Fraction(-1, 2)),
        ("2 1/2", Fraction(5, 2)),
        ("-2 1/2", Fraction(-5, 2)),
        (r"\frac{1}{2}", Fraction(1, 2)),
        ("0018", 18),
        ("€1.50", Fraction(3, 2)),
        ("", None),
        ("x", None),
        ("1/0", None),
        ("1/0.0", None),
        ("1e9", 10**9),
        ("1e61", None),
        ("1.2.3", None),
        ("1 2", None),
        ("--5", None),
        ("٣", 3),
        ("1_000", 1000),
        ("3,4", None),
        ("0x10", None),
        ("nan", None),
        ("inf", None),
        ("9" * 61, None),
        ("9" * 60, 10**60 - 1),
        ("__import__('os')", None),
    ],
)
def test_parse_number(written, value):
    assert parse_number(written) == value


@pytest.mark.parametrize(
    "text, answer, marker",
    [
        ("so 9 * 2 = 18\n#### 18", 18, "####"),
        ("#### $1,234.", 1234, "####"),
        ("7 then\nA: 18", 18, "A:"),
        ("The answer is 18. I used 2 steps.", 18, "answer is"),
        ("**Answer:** $18 for 3 days", 18, "answer is"),
        ("the final answer is **18**", 18, "answer is"),
        (r"so \boxed{18} and 3 more", None, r"\boxed"),
        (r"\boxed{\frac{3}{4}}", Fraction(3, 4), r"\boxed"),
        (r"answer is $\boxed{18}$", 18, r"\boxed"),
        ("first 5, then 18 eggs", None, "last number"),
        ("#### 5\n#### 18", 18, "####"),  # the last marker decides
        ("#### 5 wait, the answer is 18", 18, "answer is"),
        (r"\boxed{#### 18}", 18, "####"),  # nested markers
        # a marker needs a number behind it
        ("A: Janet has 16.\nThe answer is 18.", 18, "answer is"),
        (
            "At Job A: $15. At B he has 18",
            18,
            "last number",
        ),  # "A:" counts only at the start of a line
        ("#### Step 1\nso 18", 18, "last number"),
        # no calculation is done for the reply
        ("he has 16-3", None, "last number"),
        ("he has 16 - 3", None, "last number"),
        ("he has 16 - 3 = 13", 13, "last number"),
        ("it is -3", -3, "last number"),
        ("model v2 costs 18", 18, "last number"),
        ("only v2", None, None),
        ("", None, None),
        ("eighteen", None, None),
        ("٣٤", 34, "last number"),
        ("18 first\n#### 1e999999999", None, "####"),  # malformed: no other number is tried
        ("18 first\n#### 1/0", None, "####"),
        ("18 first\n#### " + "9" * 5000, None, "####"),
        ("18, then 1e999999999", None, "last number"),
        ("1.2.3", None, "last number"),
    ],
)
def test_find_answer(text, answer, marker):
    assert find_answer(text) == (answer, marker)


@pytest.mark.parametrize(
    "text, answer",
    [
        ("#### 18", 18),
        ("A: 18", 18),
        ("A: 5\n#### 18", 18),
        ("#### 18 so the answer is 5", 18),
        ("the answer is 18", None),
        (r"\boxed{18}", None),
        ("18", None),
        ("####", None),
        ("#### eighteen", None),
    ],
)
def test_strict_mode_knows_only_the_two_markers(text, answer):
    assert extract_answer(text, "strict") == answer


def test_a_wrong_mode_is_refused():
    with pytest.raises(CourseError, match="lenient"):
        find_answer("18", "loose")


@pytest.mark.parametrize(
    "piece",
    [
        "#",
        "####",
        "#### ",
        "#### 1",
        "\\boxed{",
        "\\boxed{ ",
        "answer is",
        "answer is\n",
        "A:",
        "A:\n",
        "9",
        "9,",
        "9.",
        "9 ",
        "1/",
        "1e1",
        "$",
        "-",
        "(",
        "<",
        "<<",
        "<<1=1>>",
        "\n",
        " ",
        "\\frac{1}{",
        "٣",
        "1 1/",
    ],
)
@pytest.mark.slow
def test_the_longest_replies_end(piece):
    """No time is asserted; a rule with quadratic cost would take minutes here."""
    text = piece * (200_000 // len(piece))
    for reply in (text, text + "x", "#### " + text):
        find_answer(reply)
        find_answer(reply, "strict")
        equations(reply)
        evaluate(reply)
        parse_number(reply)


@given(st.text(alphabet="0123456789.,-+$%/#A: \\boxed{}frac()e<>=\n*answeri", max_size=80))
def test_any_text_gives_a_verdict(text):
    for mode in ("lenient", "strict"):
        verdict = verify(text, "18", mode)
        assert verdict.status in ("correct", "wrong", "unreadable")
        assert (verdict.status == "unreadable") == (verdict.answer is None)
        assert (verdict.status == "correct") == (verdict.answer == 18)
    # and none of these raises
    equations(text)
    equation_holds(text)


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(
        ["#### {}", "A: {}", "The answer is {}.", "\\boxed{{{}}}", "so it is {} dollars"]
    ),
    st.booleans(),
)
def test_any_written_integer_is_read(number, form, commas):
    text = form.format(f"{number:,}" if commas else number)
    assert extract_answer("3 + 4 = 7\n" + text) == number
    assert verify(text, number).status == "correct"
    assert verify(text, number + 1).status == "wrong"


def test_wrong_and_unreadable_are_told_apart():
    assert verify("#### 17", "18").status == "wrong"
    assert verify("I do not know", "18").status == "unreadable"
    assert verify("#### 17.99", "18").status == "wrong"
    assert verify("#### 18.00", "18").status == "correct"
    assert verifier("q", "#### 18", {"answer": "18"}) == 1.0
    assert verifier("q", "#### 17", {"answer": "18"}) == verifier("q", "", {"answer": "18"}) == 0.0


def test_a_reference_must_be_a_number():
    with pytest.raises(CourseError, match="reference"):
        verify("18", "eighteen")
    with pytest.raises(CourseError, match="info"):
        verifier("q", "18", {"topic": "eggs"})


# ---- equations ---------------------------------------------------------------------------------


def test_equations_have_one_spelling():
    assert equations("a <<48 / 2=24.0>>24 and $<<1,000*.50=500>>500 <<broken") == [
        "48/2=24",
        "1000*0.5=500",
    ]
    assert equations("none") == [] and equation_path("none") == ()
    assert equations("<<<<1+1=2>>>>") == ["1+1=2"]


def test_paths_keep_order_and_numbers():
    same = "other words <<2 * 3 = 6.0>> then <<6+1=7>>"
    assert equation_path("x <<2*3=6>> <<6+1=7>>") == equation_path(same)
    assert equation_path("<<2*3=6>><<6+1=7>>") != equation_path("<<6+1=7>><<2*3=6>>")
    assert equation_path("<<2*3=6>>") != equation_path("<<3*2=6>>")
    assert equation_path("<<10*2=20>>") != equation_path("<<1*2=2>>")
    assert len({equation_path("<<2*3=6>>"), equation_path("<<2*3=6>>")}) == 1


@pytest.mark.parametrize(
    "expression, value",
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("8-3-2", 3),
        ("16/4/2", 2),
        ("7//2", 3),
        ("-5*-2", 10),
        ("2-(-3)", 5),
        ("--1", 1),
        ("1/3", Fraction(1, 3)),
        (".5*4", 2),
        ("5.", 5),
        (" 1 + 1 ", 2),
        ("", None),
        ("1+", None),
        ("1/0", None),
        ("1//0", None),
        ("(1", None),
        ("1)", None),
        ("2(3)", None),
        ("2**3", None),
        ("1e3", None),
        ("x+1", None),
        ("5%", None),
        ("()", None),
        ("(" * 49 + "1" + ")" * 49, 1),
        ("(" * 50 + "1" + ")" * 50, None),
        ("(" * 5000 + "1" + ")" * 5000, None),
        ("-" * 5000 + "1", None),
        ("1+" * 50 + "1", None),
        ("9" * 61, None),
        ("9" * 5000, None),
        ("__import__('os')", None),
    ],
)
def test_evaluate(expression, value):
    assert evaluate(expression) == value


def in_brackets(expressions):
    """Two expressions joined by an operation, in brackets."""
    parts = st.tuples(expressions, st.sampled_from(["+", "-", "*", "/"]), expressions)
    return parts.map(lambda part: "(" + "".join(part) + ")")


@given(st.recursive(st.integers(0, 99).map(str), in_brackets, max_leaves=8))
def test_evaluate_agrees_with_python(expression):
    try:
        # our own expression, made above
        right = eval(re.sub(r"\d+", r"Fraction(\g<0>)", expression))
    except ZeroDivisionError:
        right = None
    assert evaluate(expression) == right


def test_equation_holds():
    assert equation_holds("48/2=24") is True and equation_holds("48/2=25") is False
    assert equation_holds("10/3=3.3333") is True and equation_holds("10/3=3.33") is False
    assert equation_holds("10/3=3.3333", tolerance=0) is False
    for unreadable in ("x+1=2", "48/2", "="):
        assert equation_holds(unreadable) is None
    assert equation_holds("2+2=4=2*2") is True and equation_holds("2+2=4=5") is False


# ---- files -------------------------------------------------------------------------------------


def problem(question, answer="18"):
    return json.dumps({"question": question, "answer": f"2*9=<<2*9=18>>18\n#### {answer}"})


def test_duplicate_questions_stay_apart(tmp_path):
    (tmp_path / "train.jsonl").write_text(
        "\n".join([problem("q"), problem("q", "5"), "", problem("r", "1,000")]) + "\n"
    )
    world = GSM8K(tmp_path)
    assert [(p["id"], p["question"], p["answer"]) for p in world.problems("train")] == [
        (0, "q", "18"),
        (1, "q", "5"),
        (2, "r", "1000"),
    ]
    prompts, infos = world.prompts("train")
    assert sorted(zip([i["id"] for i in infos], prompts, strict=True)) == [
        (0, "q"),
        (1, "q"),
        (2, "r"),
    ]


def test_gzip_is_read(tmp_path):
    (tmp_path / "test.jsonl.gz").write_bytes(gzip.compress(problem("q").encode()))
    assert GSM8K(tmp_path).prompts("heldout") == (
        ["q"],
        [{"id": 0, "answer": "18", "solution": "2*9=<<2*9=18>>18\n#### 18"}],
    )
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress(problem("q" * 5000).encode())[:-20])
    with pytest.raises(CourseError, match="complete gzip"):
        GSM8K(tmp_path).prompts("train")


def test_missing_folder_and_files_are_explained(tmp_path):
    with pytest.raises(CourseError, match="no folder"):
        GSM8K(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="data="):
        GSM8K(None)
    with pytest.raises(CourseError, match=r"no train.jsonl or train.jsonl.gz"):
        GSM8K(tmp_path).prompts("train")
    with pytest.raises(CourseError, match="'validation'"):
        GSM8K(tmp_path).prompts("validation")


@pytest.mark.parametrize(
    "line, words",
    [
        ('{"question": "q", "answer": ', "broken JSON"),
        ('{"question": "q"}', "'answer'"),
        ('{"question": 3, "answer": "#### 1"}', "found int"),
        ('{"question": "q", "answer": "no number"}', "####"),
        ('{"question": "q", "answer": "A: 3"}', "####"),
        ("[1]", "JSON list"),
        ("[" * 100_000, "nested"),
        ('{"question": "\\ud800", "answer": "#### 1"}', "surrogate"),
        ('{"question": ' + "1" * 5000 + "}", "broken JSON"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, words):
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join([problem("q"), "", line, problem("r")]))
    with pytest.raises(CourseError, match="train.jsonl line 3: ") as error:
        read_problems(path)
    assert words in str(error.value) and "--skip-bad" in str(error.value)
    assert [p["question"] for p in read_problems(path, skip_bad=True)] == ["q", "r"]


def test_an_empty_file_is_explained(tmp_path):
    (tmp_path / "train.jsonl").write_text("\n\n")
    with pytest.raises(CourseError, match="empty"):
        GSM8K(tmp_path).prompts("train")


def test_prompts_are_a_seeded_prefix(tmp_path):
    (tmp_path / "train.jsonl").write_text("\n".join(problem(f"q{i}") for i in range(50)))
    world = GSM8K(tmp_path)
    every, infos = world.prompts("train", seed=3)
    assert len(set(every)) == 50 and [f"q{i['id']}" for i in infos] == every
    assert world.prompts("train", limit=7, seed=3) == (every[:7], infos[:7])
    assert world.prompts("train", limit=7, seed=4)[0] != every[:7]
    for limit in (0, 51):
        with pytest.raises(CourseError, match="between 1 and 50"):
            world.prompts("train", limit=limit)


def test_the_world_judges(tmp_path):
    (tmp_path / "train.jsonl").write_text(problem("q"))
    world = GSM8K(tmp_path)
    (prompt,), (info,) = world.prompts("train")
    assert world.gold(prompt, world.ideal_reply(info), info) == 1.0
    assert world.gold(prompt, "#### 17", info) == 0.0
    assert world.gold_parts(prompt, "about 18", info) == {
        "correct": 1.0,
        "status": "correct",
        "answer": "18",
        "marker": "last number",
        "reference": "18",
    }
    assert world.verify(prompt, "none", info) == {
        "status": "unreadable",
        "answer": None,
        "marker": None,
    }
    assert GSM8K(tmp_path, mode="strict").gold(prompt, "about 18", info) == 0.0
    assert world.path(prompt, world.ideal_reply(info), info) == ("2*9=18",)
    json.dumps([info, world.gold_parts(prompt, "1/2", info)])


# ---- the real files ----------------------------------------------------------------------------


@pytest.mark.slow
def test_real_training_problems(shared_data):
    world = GSM8K(shared_data / "gsm8k")
    problems = world.problems("train")
    assert len(problems) == 7473 and len(world.problems("heldout")) == 660
    assert all(world.gold("", p["solution"], p) == 1.0 for p in problems)
    assert equation_report([p["solution"] for p in problems]) == {
        "texts": 7473,
        "with_equations": 7378,
        "equations": 23716,
        "mean": pytest.approx(3.1736, abs=1e-4),
        "unreadable": 0,
        "inexact": 0,
        "false": 0,
    }


def test_real_references_agree_between_files(shared_data, solutions):
    problems = read_problems(shared_data / "gsm8k" / "test.jsonl")
    assert solutions.prompts == [p["question"] for p in problems]
    assert [info["answer"] for info in solutions.info] == [p["answer"] for p in problems]


@pytest.mark.parametrize(
    "mode, statuses, markers",
    [
        (
            "lenient",
            {"correct": 1008, "wrong": 1625, "unreadable": 7},
            {"A:": 2633, "last number": 7},
        ),
        ("strict", {"correct": 1008, "wrong": 1625, "unreadable": 7}, {"A:": 2633, None: 7}),
    ],
)
def test_our_verdicts_agree_with_the_released_labels(solutions, mode, statuses, markers):
    report = agreement(solutions, mode)
    assert report["compared"] == report["agree"] == 2640 and report["disagree"] == []
    assert report["status"] == statuses and report["markers"] == markers
    assert len(report["unmarked"]) == 7 and not any(row["label"] for row in report["unmarked"])


def test_a_disagreement_is_listed(solutions):
    labels = solutions.reward("label").clone()
    labels[3, 1] = 1 - labels[3, 1]
    (row,) = agreement(solutions.with_reward("label", labels))["disagree"]
    assert (row["prompt"], row["candidate"], row["system"]) == (3, 1, "6b_verification")
    assert row["label"] != (row["verdict"] == "correct")
    assert row["answer"] and row["reference"] and "A:" in row["reason"]


def test_equations_in_model_solutions(solutions):
    report = equation_report([text for row in solutions.texts for text in row])
    assert (report["equations"], report["unreadable"]) == (8268, 19)
    assert (report["inexact"], report["false"]) == (160, 28)


def test_model_solutions_with_a_bad_line(tmp_path, shared_data):
    lines = (shared_data / "gsm8k" / "model_solutions.jsonl").read_text().splitlines()[:3]
    row = json.loads(lines[1])
    del row["175b_finetuning"]
    path = tmp_path / "solutions.jsonl"
    path.write_text("\n".join([lines[0], json.dumps(row), lines[2]]))
    with pytest.raises(CourseError, match="line 2: found no solution of 175b_finetuning"):
        load_model_solutions(path)
    pool = load_model_solutions(path, skip_bad=True)
    assert (
        pool.P == 2
        and pool.N == 4
        and pool.provenance.systems == SYSTEMS
        and [s["line"] for s in pool.provenance.skipped] == [2]
    )


def test_the_world_loads_by_name(shared_data, tmp_path):
    shutil.copy(shared_data / "gsm8k" / "test.jsonl", tmp_path)
    assert len(load_world("gsm8k", data=tmp_path).prompts("heldout", limit=5)[0]) == 5
