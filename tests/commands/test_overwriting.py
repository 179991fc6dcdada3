"""Nothing is overwritten in silence."""

import json
import shutil

import pytest

from course_lib.pools import Pool

WRITERS = {
    "sample": ["sample", "--prompts", "2", "-n", "2", "--quiet"],
    "score": ["score", "{made}/p.npz", "--reward", "gold", "--name", "g"],
    "select": ["select", "{made}/p.npz", "--by", "gold"],
    "pairs": ["select", "{made}/p.npz", "--by", "gold", "--pairs"],
    "export": ["export", "{made}/p.npz"],
}


def words_of(name, made):
    return [word.format(made=made) for word in WRITERS[name]]


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_replaced_only_when_that_is_asked_for(name, made, course, tmp_path):
    out = tmp_path / ("x.npz" if name in ("sample", "score") else "x.jsonl")
    out.write_text("precious", encoding="utf-8")
    status, _, err = course(*words_of(name, made), "--out", out)
    assert status == 1 and "--force" in err and "another name" in err
    assert out.read_text(encoding="utf-8") == "precious"
    assert course(*words_of(name, made), "--out", out, "--force")[0] == 0
    assert out.read_bytes() != b"precious"


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_is_never_replaced_by_a_file(name, made, course, tmp_path):
    out = tmp_path / ("x.npz" if name in ("sample", "score") else "x.jsonl")
    (out / "inside").mkdir(parents=True)
    status, _, err = course(*words_of(name, made), "--out", out, "--force")
    assert status == 1 and "is a folder" in err
    assert (out / "inside").is_dir()


def test_a_policy_is_replaced_only_when_that_is_asked_for(made, course, tmp_path):
    words = ["finetune", made / "s.jsonl", "--epochs", "1", "--quiet", "--out", tmp_path / "m"]
    assert course(*words)[0] == 0
    before = (tmp_path / "m/model.safetensors").read_bytes()
    status, _, err = course(*words, "--seed", "1")
    assert status == 1 and "--force" in err
    assert (tmp_path / "m/model.safetensors").read_bytes() == before
    assert course(*words, "--lr", "0.01", "--force")[0] == 0
    assert (tmp_path / "m/model.safetensors").read_bytes() != before


def test_a_folder_that_is_no_model_is_not_replaced_even_by_force(
    made, many_pairs, course, tmp_path
):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/thesis.txt").write_text("x", encoding="utf-8")
    for words in (["finetune", made / "s.jsonl"], ["train-reward", many_pairs]):
        status, _, err = course(*words, "--out", tmp_path / "notes", "--force", "--quiet")
        assert status == 1 and "is not a model folder" in err
    assert (tmp_path / "notes/thesis.txt").is_file()


def test_a_reward_model_is_replaced_only_when_that_is_asked_for(many_pairs, course, tmp_path):
    words = ["train-reward", many_pairs, "--epochs", "1", "--max-length", "32", "--quiet"]
    assert course(*words, "--out", tmp_path / "r")[0] == 0
    status, _, err = course(*words, "--out", tmp_path / "r")
    assert status == 1 and "--force" in err
    assert course(*words, "--out", tmp_path / "r", "--force")[0] == 0


def test_a_reward_is_added_to_its_file_but_none_is_replaced(made, course, tmp_path):
    pool = tmp_path / "p.npz"
    shutil.copy(made / "p.npz", pool)
    before = Pool.load(pool).rewards["proxy"]
    status, _, err = course("score", pool, "--reward", "helpdesk/reward-2000")
    assert status == 1 and "has a reward 'proxy' already" in err and "--name" in err
    assert Pool.load(pool).rewards["proxy"].equal(before)
    assert course("score", pool, "--reward", "helpdesk/reward-2000", "--name", "larger")[0] == 0
    assert set(Pool.load(pool).rewards) == {"proxy", "gold", "larger"}
    assert course("score", pool, "--reward", "helpdesk/reward-2000", "--force")[0] == 0
    assert not Pool.load(pool).rewards["proxy"].equal(before)


def test_solved_exercises_and_assets_of_ones_own_are_not_replaced(course, tmp_path):
    assert course("build", "ex01", "--solved", tmp_path / "solved")[0] == 0
    status, _, err = course("build", "ex01", "--solved", tmp_path / "solved")
    assert status == 1 and "--force" in err
    assert course("build", "ex01", "--solved", tmp_path / "solved", "--force")[0] == 0
    (tmp_path / "assets/helpdesk").mkdir(parents=True)
    (tmp_path / "assets/helpdesk/own.txt").write_text("x", encoding="utf-8")
    status, _, err = course(
        "build-assets", "--miniature", "--world", "helpdesk", "--out", tmp_path / "assets"
    )
    assert status == 1 and "--force" in err
    assert (tmp_path / "assets/helpdesk/own.txt").is_file()


SMALL = ["run", "--prompts", "6", "-n", "2", "--held-out", "4", "--epochs", "1", "--quiet"]
SMALL += ["--max-tokens", "12"]


@pytest.mark.slow
def test_a_run_goes_on_with_its_own_settings_and_refuses_others(course, tmp_path):
    first = json.loads(course(*SMALL, "--json", "--out", tmp_path / "r")[1])
    status, _, err = course(*SMALL, "--lr", "0.01", "--seed", "1", "--out", tmp_path / "r")
    assert status == 1 and "lr 0.001, now 0.01" in err and "seed 0, now 1" in err
    assert "--force" in err and "another --out" in err
    file = tmp_path / "r/result.json"
    assert json.loads(file.read_text(encoding="utf-8")) == first
    again = json.loads(course(*SMALL, "--json", "--out", tmp_path / "r")[1])
    assert again == first
    status, out, err = course(*SMALL, "--lr", "0.01", "--force", "--json", "--out", tmp_path / "r")
    assert status == 0, err
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(out) != first
    assert course(*SMALL, "--lr", "0.01", "--quiet", "--out", tmp_path / "r")[0] == 0


def test_a_result_of_an_unknown_run_is_not_replaced(course, tmp_path):
    (tmp_path / "result.json").write_text("{}", encoding="utf-8")
    status, _, err = course(*SMALL, "--out", tmp_path)
    assert status == 1 and "holds the result of another run" in err
    assert (tmp_path / "result.json").read_text(encoding="utf-8") == "{}"
