"""The arithmetic world: right answers, many paths, no leak between splits, a verifier hard to fool,
and a policy whose usual answer misreads.

The answers are worked out by other means.
"""

import re

import numpy as np
import pytest

from course_lib import Pool, assets
from course_lib.assets.arithmetic import hurried_solutions
from course_lib.base import CourseError
from course_lib.estimators import majority, pass_at_k
from course_lib.worlds import (
    EASY,
    KINDS,
    LIMIT,
    SFT_PROBLEMS,
    SIZES,
    Arithmetic,
    draw_problem,
    equation_holds,
    equation_path,
    equation_report,
    equations,
    in_words,
    is_heldout,
    load_world,
    read_problems,
    rewrite,
    steps_of,
    value_of,
    verify,
    write_hurried_solution,
    write_solution,
)
from course_lib.worlds.problems import MISREAD

WORLD = Arithmetic()
BY_HAND = {
    "collect": lambda a, b, c, d: a + b + c + d,
    "change": lambda a, b, c, d: a - b - c + d,
    "boxes": lambda a, b, c, d, e: a * b + c * d + e,
    "each": lambda m, a, b, c: m * (a + b + c),
    "spend": lambda a, m, b, n, c: a - m * b - n * c,
    "more": lambda a, d, m: a + (a + d) + m * a,
    "share": lambda a, b, c, m: (a + b + c) / m,
    "twice": lambda m, a, b, c: m * (a + b) - c,
}
MISREAD_BY_HAND = {
    "change": lambda a, b, c, d: a - b - c,
    "boxes": lambda a, b, c, d, e: a * b + c * d,
    "each": lambda m, a, b, c: m * a + b + c,
    "spend": lambda a, m, b, n, c: a - m * b - c,
    "more": lambda a, d, m: a + d + m * a,
    "share": lambda a, b, c, m: a + b + c,
    "twice": lambda m, a, b, c: m * a + b - c,
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_answers_and_texts_by_hand(kind):
    rows = [r for r in WORLD.problems("train")[:4000] if r["kind"] == kind]
    assert len(rows) > 300
    for row in rows:
        assert float(row["answer"]) == BY_HAND[kind](*row["numbers"])
        # every number is in the text, and no other
        assert sorted(map(int, re.findall(r"\d+", row["question"]))) == sorted(row["numbers"])


@pytest.mark.parametrize("kinds", [KINDS, EASY])
def test_every_path_is_right_and_within_bounds(kinds):
    rng = np.random.default_rng(0)
    for _ in range(600):
        kind, numbers, expression = draw_problem(rng, kinds)
        for _ in range(3):
            other = rewrite(expression, rng)
            assert value_of(other) == value_of(expression)
            steps = steps_of(other, rng)
            assert steps[-1][3] == value_of(expression)
            known = set(numbers)
            for a, operation, b, c in steps:
                assert {a, b} <= known and 0 <= c <= LIMIT
                assert c == {"+": a + b, "-": a - b, "*": a * b, "/": a / max(b, 1)}[operation]
                known.add(c)
        solution = write_solution(expression, rng)
        assert verify(solution, value_of(expression), "strict").status == "correct"
        assert all(equation_holds(e, tolerance=0) for e in equations(solution))
        assert in_words(kind, numbers, rng, 0, kinds).count("{") == 0


def test_several_right_paths_for_every_kind():
    rng = np.random.default_rng(0)
    for kind, (make, *_) in KINDS.items():
        of_kind = (r["numbers"] for r in WORLD.problems("train") if r["kind"] == kind)
        numbers = next(n for n in of_kind if len(set(n)) == len(n))
        solutions = [write_solution(make(*numbers), rng) for _ in range(300)]
        assert len(set(map(equation_path, solutions))) >= 6


def test_the_splits_share_no_problem():
    kept = {split: {(r["kind"], *r["numbers"]) for r in WORLD.problems(split)} for split in SIZES}
    assert not kept["train"] & (kept["heldout"] | kept["templates"])
    assert {r["template"] for r in WORLD.problems("templates")} == {4}
    assert {r["template"] for r in WORLD.problems("heldout")} == {0, 1, 2, 3}
    assert {r["template"] for r in WORLD.problems("train")} == {0, 1, 2, 3}
    assert all(len(set(kind.wordings)) == 5 for kind in KINDS.values())
    for split, size in SIZES.items():
        rows = WORLD.problems(split)
        assert len(rows) == size == len({r["question"] for r in rows})
    share = np.mean([is_heldout("boxes", [a, b, 3, 4, 5]) for a in range(50) for b in range(50)])
    assert 0.07 < share < 0.13


def test_prompts_follow_the_seed_and_a_limit_is_a_prefix():
    one, infos = WORLD.prompts("heldout", limit=20, seed=3)
    assert one == WORLD.prompts("heldout", limit=50, seed=3)[0][:20]
    assert one != WORLD.prompts("heldout", limit=20, seed=4)[0]
    assert {"id", "answer", "solution", "kind", "template", "numbers"} == set(infos[0])
    assert load_world("arithmetic").prompts("heldout", limit=20, seed=3)[0] == one
    with pytest.raises(CourseError, match="between 1 and 2000"):
        WORLD.prompts("heldout", limit=2001)
    with pytest.raises(CourseError, match="split"):
        WORLD.prompts("test")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("First << 3 * 4 = 12 >>. #### 12", "correct"),
        ("#### 12", "correct"),
        ("#### 12.0", "correct"),
        ("#### 13 #### 12", "correct"),
        ("First << 3 * 4 = 12 >>.", "unreadable"),
        ("", "unreadable"),
        ("The answer is 12", "unreadable"),
        ("####", "unreadable"),
        ("#### twelve", "unreadable"),
        ("#### 12 #### 13", "wrong"),
        ("#### 1 2", "unreadable"),
        ("#### -12", "wrong"),
        ("#### __import__('os').system('true')", "unreadable"),
        ("#### 1e999", "unreadable"),
        ("#### 1/0", "unreadable"),
        ("#### " + "9" * 5000, "unreadable"),
        ("#### 12" + "0" * 40, "wrong"),
        ("#### 6+6", "unreadable"),
    ],
)
def test_the_verifier_tells_wrong_from_unreadable(text, status):
    assert WORLD.verify("", text, {"answer": "12"})["status"] == status
    assert WORLD.gold("", text, {"answer": "12"}) == float(status == "correct")


def test_gold_parts_count_false_steps():
    lucky = "First << 3 * 4 = 13 >>, then << 2 + 2 = 4 >>. #### 12"
    parts = WORLD.gold_parts("", lucky, {"answer": "12"})
    # right by luck: the answer alone is checked
    assert parts["correct"] == 1.0 and parts["steps"] == 2 and parts["false"] == 1
    path = WORLD.path("", "First << 3 * 4 = 12 >>, then << 12 + 1 = 13 >>. #### 13", {})
    assert path == ("3*4=12", "12+1=13")


@pytest.mark.slow
def test_the_same_extractor_counts_gsm8k(shared_data):
    solutions = [p["solution"] for p in read_problems(shared_data / "gsm8k" / "train.jsonl")]
    report = equation_report(solutions)
    assert report["texts"] == len(solutions) and report["with_equations"] > 0.95 * len(solutions)
    assert report["unreadable"] + report["false"] < 0.01 * report["equations"]


# ---- solutions written in a hurry --------------------------------------------------------------


def misreading(row):
    """The value of who misreads a problem, or None where nobody does or it leaves the limits."""
    by_hand = MISREAD_BY_HAND.get(row["kind"])
    value = by_hand(*row["numbers"]) if by_hand else None
    return value if value is not None and 0 <= value <= LIMIT else None


def test_seven_of_eight_kinds_have_one_misreading_and_it_is_never_right():
    assert {kind for kind in KINDS if KINDS[kind].misread} == set(MISREAD_BY_HAND)
    assert set(KINDS) - set(MISREAD_BY_HAND) == {"collect"}
    for row in WORLD.problems("train"):
        if row["kind"] in MISREAD_BY_HAND:
            hurried = MISREAD_BY_HAND[row["kind"]](*row["numbers"])
            assert value_of(KINDS[row["kind"]].misread(*row["numbers"])) == hurried
            assert hurried != float(row["answer"])


def test_a_hurried_solution_is_right_or_misreads_and_its_steps_are_true():
    rng = np.random.default_rng(0)
    for row in WORLD.problems("train")[:1500]:
        solution = write_hurried_solution(row["kind"], row["numbers"], rng)
        right = WORLD.gold("", solution, row)
        answer = int(WORLD.verify("", solution, row)["answer"])
        assert right or answer == misreading(row)
        steps = equations(solution)
        assert steps and all(equation_holds(step, tolerance=0) for step in steps)
        assert all(0 <= int(n) <= LIMIT for n in re.findall(r"\d+", solution))


@pytest.mark.parametrize(("misread", "wrong"), [(0.0, 0), (1.0, 1)])
def test_the_share_of_misreadings_is_a_dial(misread, wrong):
    rng = np.random.default_rng(0)
    rows = [r for r in WORLD.problems("train")[:800] if misreading(r) is not None]
    assert len(rows) > 500
    for row in rows:
        solution = write_hurried_solution(row["kind"], row["numbers"], rng, misread)
        assert WORLD.gold("", solution, row) == 1 - wrong


def test_what_the_policy_learned_from_misreads_in_seven_kinds_and_not_in_the_eighth():
    _, infos = WORLD.prompts("train", limit=SFT_PROBLEMS, seed=0)
    solutions = hurried_solutions(infos)
    assert SFT_PROBLEMS == len(solutions) == 6000
    for kind in KINDS:
        of_kind = [(s, i) for s, i in zip(solutions, infos, strict=True) if i["kind"] == kind]
        wrong = np.mean([1 - WORLD.gold("", s, i) for s, i in of_kind])
        if kind == "collect":
            assert wrong == 0
        else:  # about 750 of each kind: two standard errors are 0.036
            can = np.mean([misreading(i) is not None for _, i in of_kind])
            assert can > 0.9
            assert wrong == pytest.approx(MISREAD * can, abs=0.06)


# ---- the bundled policy ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored():
    """200 held-out problems × 64 replies of the bundled policy, verified."""
    return Pool.load(assets.path("arithmetic/pools/heldout.npz"))


@pytest.fixture(scope="module")
def answers(stored):
    """The answers that were read, by problem; None where there is none."""
    return [
        [WORLD.verify("", text, info)["answer"] for text in texts]
        for texts, info in zip(stored.texts, stored.info, strict=True)
    ]


@pytest.mark.slow
def test_the_stored_verdicts_are_the_verifiers_on_problems_that_nobody_trained_on(stored):
    prompts, info = WORLD.prompts("heldout", limit=stored.P, seed=0)
    assert stored.P >= 200 and stored.N == 64 and stored.prompts == prompts
    assert stored.rewards["verifier"].tolist() == [
        [WORLD.gold(p, t, i) for t in row]
        for p, row, i in zip(prompts, stored.texts, info, strict=True)
    ]
    trained_on = set(WORLD.prompts("train", limit=SFT_PROBLEMS, seed=0)[0])
    assert not trained_on & set(prompts)


@pytest.mark.slow
def test_the_world_holds_a_vote_fails_and_the_verifier_finds_a_right_reply(stored, answers):
    """What the lesson rests on: the likeliest answer is wrong, and the right path is there.

    pass@1 at most .25, the majority of 16 at most .35, pass@16 at least .7.
    """
    one, sixteen = pass_at_k(stored.rewards["verifier"], [1, 16]).mean(0)
    votes = [
        [majority(row[at : at + 16]) == info["answer"] for at in range(0, 64, 16)]
        for row, info in zip(answers, stored.info, strict=True)
    ]
    assert 0.08 <= one <= 0.25 and np.mean(votes) <= 0.35 and sixteen >= 0.7


@pytest.mark.slow
def test_the_commonest_answer_of_most_problems_is_the_kinds_misreading(stored, answers):
    rows = [
        (majority(row), str(misreading(info)))
        for row, info in zip(answers, stored.info, strict=True)
        if misreading(info) is not None
    ]
    assert len(rows) > 150
    assert np.mean([commonest == misread for commonest, misread in rows]) > 0.45
