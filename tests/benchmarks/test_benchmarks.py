"""The parts of the long benchmarks that decide whether a comparison is fair, and the results
stored in the repository.
"""

import ast
import importlib
import inspect
import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import frontier  # noqa: E402
import synthetic_class  # noqa: E402
import verifiable  # noqa: E402

from course_lib import assets, load_policy, results, sample, score  # noqa: E402
from course_lib.base import CourseError  # noqa: E402
from course_lib.grading.box import sandbox_problem  # noqa: E402
from course_lib.methods import finetune  # noqa: E402
from course_lib.models import GoldReward  # noqa: E402
from course_lib.worlds import load_world  # noqa: E402


@pytest.fixture(scope="module")
def arithmetic_pool():
    world = load_world("arithmetic")
    prompts, info = world.prompts("train", limit=60, seed=0)
    return score(
        sample(
            load_policy(assets.path("arithmetic/policy"), device="cpu"),
            prompts,
            n=8,
            max_tokens=world.max_tokens,
            info=info,
            seed=3,
        ),
        GoldReward(world),
        "verifier",
    )


def test_a_pool_fills_its_budget_and_never_passes_it():
    policy = load_policy(assets.path("helpdesk/policy"), device="cpu")
    world = load_world("helpdesk")
    prompts, info = world.prompts("train", seed=0)
    for count in (4, 16, 30):  # too few at first, about right, too many
        pool = frontier.sample_to_budget(policy, prompts, info, 5, 4, count, 16 * 4 * 26, seed=1)
        used = int(pool.lengths.sum())
        assert 16 * 4 * 26 * 0.85 < used <= 16 * 4 * 26
        assert pool.prompts == prompts[5 : 5 + pool.P]
    # the cut and the top-up leave every candidate as it was
    assert pool.texts == sample(policy, prompts[5 : 5 + pool.P], n=4, seed=1).texts


@pytest.mark.slow
def test_the_arms_of_the_verifiable_benchmark(arithmetic_pool):
    right = float(arithmetic_pool.rewards["verifier"].mean())
    distinct, same, duplicates, control = (
        verifiable.data_set(arm, 8, arithmetic_pool, 0) for arm in verifiable.ARMS
    )
    assert len(distinct) == len(same) == len(duplicates) == len(control) > 40
    assert distinct.rewards("verifier").min() == duplicates.rewards("verifier").min() == 1
    assert same.rewards("verifier").min() == 1
    assert torch.equal(same.per_prompt, distinct.per_prompt), "only the paths differ"
    # unverified: as good as the pool, no better
    standard_error = math.sqrt(right * (1 - right) / len(control))
    assert abs(float(control.rewards("verifier").mean()) - right) < 4 * standard_error
    path = load_world("arithmetic").path
    for chosen, expected in ((distinct, True), (duplicates, False)):
        rows = zip(chosen.prompt_index.tolist(), chosen.texts, strict=True)
        keys = [(i, path("", text, {})) for i, text in rows]
        assert (len(set(keys)) == len(keys)) == expected


@pytest.mark.slow
def test_more_pairs_beside_a_selection(arithmetic_pool):
    """``also`` is plain concatenation.

    The same examples in the same number of batches, weights kept.
    """
    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    chosen = verifiable.data_set("distinct", 8, arithmetic_pool, 0)
    solutions = [
        (p, i["solution"])
        for p, i in zip(arithmetic_pool.prompts, arithmetic_pool.info, strict=True)
    ]
    trained = finetune(policy, chosen, also=solutions, epochs=1, batch_size=64)
    assert len(trained.training_log.losses) == -(-(len(chosen) + len(solutions)) // 64)
    both = finetune(policy, [], also=solutions, epochs=1, batch_size=64)
    assert len(both.training_log.losses) == 1


def imported_from_the_course(tree):
    """(local name, module, name) of every `from course_lib... import ...` of a source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "course_lib":
            for alias in node.names:
                yield alias.asname or alias.name, node.module, alias.name


def found(module, name):
    """What `from module import name` gives."""
    value = getattr(importlib.import_module(module), name, None)
    return importlib.import_module(f"{module}.{name}") if value is None else value


@pytest.mark.parametrize("file", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda f: f.stem)
def test_what_a_benchmark_takes_from_the_course_is_there(file):
    """They run for hours and are rarely run: a name that moved is noticed here."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    taken = {local: found(*where) for local, *where in imported_from_the_course(tree)}
    modules = {local: value for local, value in taken.items() if inspect.ismodule(value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            assert module is None or hasattr(module, node.attr), f"line {node.lineno}: {node.attr}"


# ---- grading -----------------------------------------------------------------------------------


def test_a_synthetic_class_is_seeded_and_has_its_shares():
    first, again = (synthetic_class.Classroom("ex01", 3).submissions(100, 6) for _ in range(2))
    assert first == again
    assert len({one.data for one in first}) == 100, "equal files would be graded once"
    shares = {kind: round(100 * share) for kind, share in synthetic_class.SHARES.items()}
    assert Counter(one.kind for one in first) == shares
    for one in first:
        assert one.peer == (one.student < "student-006")
        if one.fault != "file cut short":
            sources = [cell["source"] for cell in json.loads(one.data)["cells"]]
            assert any("import torch" in source for source in sources)
    assert {one.fault for one in first} == {"", *synthetic_class.FAULTS}


def test_answers_of_the_bank_stand_alone():
    for task, answers in synthetic_class.answers_of("ex01").items():
        assert len(answers.right) >= 3 and len(answers.wrong) >= 10
        for source in answers.right + answers.wrong:
            names = {}
            exec("import numpy as np\nimport torch\n" + source, names)
            assert callable(names[task])
            assert "proof" not in source


@pytest.mark.slow
def test_the_benchmark_of_grading_in_its_shortest_form():
    if sandbox_problem():
        pytest.skip(sandbox_problem())
    words = ["--submissions", "12", "--peers", "0", "--json"]
    command = [sys.executable, str(ROOT / "benchmarks" / "grading.py"), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["submissions"] == 12 and result["unexpected"] == []
    assert result["kinds"]["right"]["share"] == 1 and result["kinds"]["empty"]["share"] == 0
    assert set(result["kinds"]) == {*synthetic_class.SHARES, "broken: syntax error"}
    assert "nbgrader" not in result and "times nbgrader's rate" not in result["ratios"]
    assert result["ratios"]["seconds a submission"] > 0 and result["peak_mb"] > 100


# ---- stored results ----------------------------------------------------------------------------


def intervals(value):
    """Every {"mean", "low", "high"} in nested plain data."""
    if isinstance(value, dict):
        if {"mean", "low", "high"} <= set(value):
            yield value
        for inner in value.values():
            yield from intervals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from intervals(inner)


@pytest.mark.parametrize("name", sorted(path.stem for path in results.FOLDER.glob("*.json")))
def test_stored_results_are_complete_and_small(name):
    result = results.load(name)
    assert (results.FOLDER / f"{name}.json").stat().st_size < 300_000
    assert result["command"].startswith(f"python benchmarks/{name}.py")
    assert result["versions"]["torch"]
    assert (ROOT / "benchmarks" / f"{name}.py").is_file()
    stored = list(intervals(result))
    assert len(stored) >= 2
    assert all(i["low"] <= i["mean"] <= i["high"] for i in stored)


def test_an_unknown_result_is_an_error_that_says_what_there_is():
    with pytest.raises(CourseError, match="frontier"):
        results.load("nothing")


def test_the_frontier_is_at_one_budget_and_says_what_was_tried():
    result = results.load("frontier")
    assert set(result["methods"]) == set(frontier.METHODS)
    assert result["comparisons"] == len(frontier.METHODS) - 1 == len(result["rft_minus"])
    for name, method in result["methods"].items():
        kind, fixed, dials = frontier.METHODS[name]
        seeds = frontier.SEEDS[:1] if name == "best-of-N" else frontier.SEEDS
        assert (method["kind"], method["fixed"], method["seeds"]) == (kind, fixed, seeds)
        assert result["choosing_seed"] not in method["seeds"]
        first, *others = dials
        tried = [point["dials"] for point in method["grid"].values()]
        assert {point[first] for point in tried} == set(dials[first])
        for dial in others:  # at the best value of the first
            assert set(dials[dial]) <= {point.get(dial) for point in tried}
        # the best of what was tried on the choosing seed and prompts, and nothing else
        best = max(method["grid"].values(), key=lambda point: point["gold"]["mean"])
        assert method["best"] == best["dials"]
        assert method["shown"]["temperature"] == best["temperature"]
        if name != "best-of-N":
            budget = result["size"]["budget"] * method["fixed"].get("times", 1)
            assert 0.9 < method["cost"]["tokens"] / budget < 1.05


def test_prompts_to_choose_on_share_no_wording_with_those_shown():
    world = load_world("helpdesk")
    sides = [frontier.held_out(world, frontier.FULL, part) for part in ("choose", "show")]
    wordings = [{(i["topic"], i["phrasing"]) for i in info} for _, info in sides]
    assert not wordings[0] & wordings[1]
    assert [len(prompts) for prompts, _ in sides] == [
        frontier.FULL["choose"],
        frontier.FULL["show"],
    ]
    assert len({topic for topic, _ in wordings[1]}) == 32, "all topics are shown"


@pytest.mark.slow
def test_the_page_of_measurements_is_what_the_stored_results_say():
    import measured

    written = measured.PAGE.read_text(encoding="utf-8")
    kept = written.split(measured.SPEED[0])[1].split(measured.SPEED[1])[0]
    assert measured.page(kept) == written, "run `python benchmarks/measured.py`"
    assert measured.page(kept.replace("Speed", "Haste")) != written
