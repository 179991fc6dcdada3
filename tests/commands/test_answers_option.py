"""``--answers strict|lenient``: how a verifier reads replies, from the command line on."""

import json

import pytest

from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.experiments import run
from course_lib.pools import Pool
from course_lib.worlds import Arithmetic, load_world

REPLIES = ["#### 18", "The answer is 18.", "so 18", "#### 19"]
PAID = {None: [1, 1, 1, 0], "lenient": [1, 1, 1, 0], "strict": [1, 0, 0, 0]}


@pytest.fixture
def data(tmp_path):
    for name in ("train", "test"):
        row = {"question": f"{name}: 9 + 9?", "answer": "9 + 9 = <<9+9=18>>18\n#### 18"}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


@pytest.mark.parametrize("answers", list(PAID))
@pytest.mark.parametrize("reference", ["18", r"\boxed{18}", "9 + 9 = 18\n#### 18"])
def test_score_reads_answers_as_asked(data, answers, reference):
    rollouts, out = data / "rollouts.jsonl", data / "scored.npz"
    row = {"prompt": "9 + 9?", "responses": REPLIES, "info": {"answer": reference}}
    rollouts.write_text(json.dumps(row) + "\n")
    words = ["score", rollouts, "--world", "gsm8k", "--data", data, "--reward", "verifier"]
    words += ["--out", out, "--quiet", *(["--answers", answers] if answers else [])]
    assert main([str(word) for word in words]) == 0
    assert Pool.load(out).reward("verifier").tolist() == [PAID[answers]]


def test_worlds_have_their_own_way(data):
    assert load_world("gsm8k", data).mode == "lenient"
    assert load_world("gsm8k", data, "strict").mode == "strict"
    assert load_world("arithmetic").mode == "strict"
    world = load_world("arithmetic", answers="lenient")
    assert world.gold("q", "The answer is 18", {"answer": "18"}) == 1.0
    assert Arithmetic().gold("q", "The answer is 18", {"answer": "18"}) == 0.0


def test_what_cannot_be_read_is_refused(data, capsys):
    with pytest.raises(CourseError, match="no answers to read"):
        load_world("helpdesk", answers="strict")
    with pytest.raises(CourseError, match="lenient"):
        load_world("gsm8k", data, "loose")
    with pytest.raises(CourseError, match="answers"):
        run(Arithmetic(), answers="lenient")
    with pytest.raises(SystemExit):
        main(["run", "--answers", "loose"])
    assert "--answers" in capsys.readouterr().err


@pytest.mark.parametrize("answers, agree", [("lenient", 4), ("strict", 3)])
def test_run_on_released_solutions_passes_it_on(data, answers, agree):
    """The agreement with the file's labels is counted by the same reading."""
    from course_lib.pools import agreement, load_model_solutions

    systems = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    texts = ["A: 18", "A: 18", "A: 17", "The answer is 18"]
    row = {"question": "9 + 9?", "ground_truth": "9 + 9\nA: 18"}
    for system, text in zip(systems, texts, strict=True):
        row[system] = {"solution": text, "is_correct": "18" in text}
    path = data / "solutions.jsonl"
    path.write_text(json.dumps(row) + "\n")
    assert agreement(load_model_solutions(path), answers)["agree"] == agree
