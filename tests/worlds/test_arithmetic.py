"""The arithmetic world: right answers, many paths, no leak between splits, a verifier hard to fool.

The answers are worked out by other means.
"""

import re

import numpy as np
import pytest

from course_lib import Pool, assets
from course_lib.base import CourseError
from course_lib.estimators import pass_at_k
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
    write_solution,
)

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
    for kind, (make, _, _) in KINDS.items():
        of_kind = (r["numbers"] for r in WORLD.problems("train") if r["kind"] == kind)
        numbers = next(n for n in of_kind if len(set(n)) == len(n))
        solutions = [write_solution(make(*numbers), rng) for _ in range(300)]
        assert len(set(map(equation_path, solutions))) >= 6


def test_the_splits_share_no_problem():
    kept = {split: {(r["kind"], *r["numbers"]) for r in WORLD.problems(split)} for split in SIZES}
    assert not kept["train"] & (kept["heldout"] | kept["templates"])
    assert {r["template"] for r in WORLD.problems("templates")} == {2}
    assert {r["template"] for r in WORLD.problems("heldout")} == {0, 1}
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


@pytest.mark.slow
def test_the_bundled_policy_is_neither_hopeless_nor_perfect():
    """pass@1 between .25 and .5 and pass@16 at least .7 on held-out problems.

    So there is something to gain, and right replies to gain it from.
    """
    pool = Pool.load(assets.path("arithmetic/pools/heldout.npz"))
    one, sixteen = pass_at_k(pool.rewards["verifier"], [1, 16]).mean(0)
    assert pool.P >= 200 and 0.25 <= one <= 0.5 and sixteen >= 0.7
    prompts, info = WORLD.prompts("heldout", limit=pool.P, seed=0)
    assert pool.prompts == prompts
    assert pool.rewards["verifier"].tolist() == [
        [WORLD.gold(p, t, i) for t in row]
        for p, row, i in zip(prompts, pool.texts, info, strict=True)
    ]
    trained_on = set(WORLD.prompts("train", limit=SFT_PROBLEMS, seed=0)[0])
    assert not trained_on & set(prompts)
