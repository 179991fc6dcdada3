"""The `course` command on a miniature of the bundled models.

Results, JSON, bad input, kill and resume.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from course_lib import assets
from course_lib.assets.build import build
from course_lib.commands.cli import main
from course_lib.experiments import ROWS
from course_lib.pools import Pool

ENV = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def mini(tmp_path_factory):
    """A miniature of every bundled asset, built by the same code in a few seconds."""
    folder = tmp_path_factory.mktemp("mini")
    build(folder, miniature=True, log=lambda line: None)
    return folder


@pytest.fixture
def arguments(mini):
    return [
        "run",
        "--policy",
        str(mini / "helpdesk/policy"),
        "--reward",
        str(mini / "helpdesk/reward-8000"),
        "-n",
        "4",
        "--prompts",
        "24",
        "--held-out",
        "12",
        "--quiet",
    ]


def course(capsys, *args):
    status = main([str(a) for a in args])
    out = capsys.readouterr()
    return status, out.out, out.err


@pytest.mark.slow
def test_miniature_matches_its_own_manifest_and_a_change_shows(mini, tmp_path):
    assert assets.check(mini) == []
    copy = tmp_path / "copy"
    shutil.copytree(mini, copy)
    with open(copy / "helpdesk/policy/config.json", "a") as f:
        f.write(" ")
    (copy / "helpdesk/reward-125/model.safetensors").unlink()
    (copy / "helpdesk/extra.bin").write_text("")
    assert assets.check(copy) == [
        "helpdesk/policy/config.json differs from the manifest",
        "helpdesk/reward-125/model.safetensors is missing",
        "helpdesk/extra.bin is not in the manifest",
    ]


@pytest.mark.slow
def test_building_again_gives_the_same_files(mini, tmp_path):
    build(tmp_path, miniature=True, log=lambda line: None)
    a, b = (json.loads((f / "manifest.json").read_text())["files"] for f in (mini, tmp_path))
    assert a == b


def test_bundled_assets_are_as_in_the_manifest_and_small():
    assert assets.check() == []
    manifest = json.loads((assets.FOLDER / "manifest.json").read_text())
    assert manifest["bytes"] < 20e6 and all(
        world["seconds"] < 3600 for world in manifest["worlds"].values()
    )
    assert {
        "policy",
        "reward-125",
        "reward-500",
        "reward-2000",
        "reward-8000",
        "reward-length-biased",
        "reward-helpful",
        "reward-harmless",
    } <= set(manifest["worlds"]["helpdesk"]["assets"])


def test_bundled_models_load_as_they_are():
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    policy = AutoModelForCausalLM.from_pretrained(assets.path("helpdesk/policy"))
    reward = AutoModelForSequenceClassification.from_pretrained(assets.path("helpdesk/reward-8000"))
    tokenizer = AutoTokenizer.from_pretrained(assets.path("helpdesk/policy"))
    assert (
        str(policy.dtype) == "torch.float32"
        and reward.config.num_labels == 1
        and tokenizer.chat_template
    )
    text = "Of course, I can help. First, open the sign-in page."
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_run_prints_the_table_and_the_same_json(arguments, capsys, tmp_path):
    status, text, _ = course(capsys, *arguments, "--out", tmp_path)
    assert (
        status == 0
        and "its random control" in text
        and "95 % intervals over 12 held-out prompts" in text
    )
    status, out, _ = course(capsys, *arguments, "--out", tmp_path, "--json")
    result = json.loads(out)
    assert set(result["rows"]) == set(ROWS) and {
        "tokens_sampled",
        "seconds",
        "seed",
        "versions",
    } <= set(result)
    for row in result["rows"].values():
        for name in ("gold", "proxy", "kl", "length", "distinct"):
            assert row[name]["low"] <= row[name]["mean"] <= row[name]["high"]
    assert result["rows"]["best_of_n"]["proxy"]["mean"] > result["rows"]["base"]["proxy"]["mean"]
    assert (
        result["rows"]["best_of_n_gold"]["gold"]["mean"]
        >= result["rows"]["best_of_n"]["gold"]["mean"]
    )
    assert result["rows"]["base"]["kl"]["mean"] == 0 and result["rows"]["rft"]["kl"]["mean"] > 0
    assert json.loads((tmp_path / "result.json").read_text())["rows"] == result["rows"]


@pytest.mark.slow
def test_two_rounds_and_other_rules(arguments, capsys, tmp_path):
    for extra in (
        ["--rounds", "2", "--start", "last", "--keep", "last"],
        ["--rule", "top_k_overall"],
        ["--reward", "gold"],
    ):
        status, out, err = course(capsys, *arguments, *extra, "--json", "--out", tmp_path)
        assert status == 0, err
        assert set(json.loads(out)["rows"]) == set(ROWS)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_killed_at_any_moment_and_run_again(arguments, tmp_path):
    """kill -9 after ever longer times; the final rerun gives the rows of an undisturbed run."""
    command = [
        sys.executable,
        "-m",
        "course_lib",
        *arguments,
        "--json",
        "--prompts",
        "64",
        "--epochs",
        "6",
    ]
    clean = json.loads(
        subprocess.run(
            [*command, "--out", tmp_path / "clean"],
            env=ENV,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    killed = 0
    for delay in (1.5, 3.0, 3.7, 4.4, 5.1, 6.0):
        process = subprocess.Popen(
            [*command, "--out", tmp_path / "killed"],
            env=ENV,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay)
        if process.poll() is None:
            killed += 1
            process.send_signal(signal.SIGKILL)
        process.wait()
    again = json.loads(
        subprocess.run(
            [*command, "--out", tmp_path / "killed"],
            env=ENV,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert killed >= 2
    for row in ROWS:
        for name in ("gold", "proxy", "kl", "length", "distinct"):
            assert again["rows"][row][name] == clean["rows"][row][name], (row, name)


def test_the_four_steps_one_at_a_time(mini, capsys, tmp_path):
    pool, chosen, pairs, student = (
        tmp_path / n for n in ("pool.npz", "chosen.jsonl", "pairs.jsonl", "student")
    )
    policy = mini / "helpdesk/policy"
    steps = [
        ("sample", "--policy", policy, "-n", "4", "--prompts", "20", "--out", pool),
        ("score", pool, "--reward", mini / "helpdesk/reward-500"),
        ("score", pool, "--reward", "gold"),
        ("select", pool, "--by", "proxy", "--out", chosen),
        ("select", pool, "--by", "proxy", "--pairs", "--out", pairs),
        ("finetune", chosen, "--policy", policy, "--epochs", "1", "--out", student),
        ("report", pool),
        ("export", pool, "--out", tmp_path / "rollouts.jsonl"),
        ("select", pool, "--by", "proxy", "--control", "--out", tmp_path / "control.jsonl"),
    ]
    for step in steps:
        status, out, err = course(capsys, *step, "--quiet")
        assert status == 0, err
    assert (
        len(chosen.read_text().splitlines())
        == 20
        == len((tmp_path / "control.jsonl").read_text().splitlines())
    )
    assert set(json.loads(pairs.read_text().splitlines()[0])) >= {"prompt", "chosen", "rejected"}
    assert (
        set(Pool.load(pool).rewards) == {"proxy", "gold"}
        and (student / "model.safetensors").is_file()
    )
    status, out, _ = course(capsys, "report", pool, "--json")
    curve = json.loads(out)["best_of_n"]["proxy"]
    assert [c["mean"] for c in curve] == sorted(c["mean"] for c in curve)
    status, out, err = course(
        capsys,
        "run",
        "--policy",
        policy,
        "--rollouts",
        tmp_path / "rollouts.jsonl",
        "--reward",
        "proxy",
        "--json",
        "--epochs",
        "2",
    )
    assert status == 0, err
    assert (
        json.loads(out)["selected"] == 20 and json.loads(out)["held_out_loss"]["after"]["mean"] > 0
    )


@pytest.mark.parametrize(
    "change, says",
    [
        (["--policy", "nowhere/at/all"], "no model at nowhere/at/all"),
        (["--policy", "{mini}/helpdesk/reward-500"], "sequence classifier"),
        (["--reward", "{mini}/helpdesk/policy"], "causal language model"),
        (["--reward", "verifier"], "has no verifier"),
        (["-n", "0"], "at least 1; got 0"),
        (["--rounds", "0"], "rounds must be at least 1"),
        (["--prompts", "0"], "limit must be between"),
        (["--world", "moon"], "no world 'moon'"),
        (["--world", "gsm8k"], "--data DIR"),
        (["--rule", "best"], "no selection rule 'best'"),
        (["--rollouts", "nowhere.jsonl"], "-n cannot be used with --rollouts"),
        (["--seed", "-1"], "seed must be"),
        (["--held-out", "1"], "at least 2 are needed"),
        (["--temperature", "0"], "temperature must be above 0"),
        (["--epochs", "0"], "epochs and lr must be above 0"),
        (["--device", "gpu9"], "cannot be used here"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, mini, capsys, change, says):
    status, out, err = course(capsys, *arguments, *[c.replace("{mini}", str(mini)) for c in change])
    assert (
        status == 1
        and says in err
        and err.startswith("course: ")
        and "Traceback" not in err
        and out == ""
    )


def test_broken_rollouts_name_the_line(mini, capsys, tmp_path):
    lines = [
        json.dumps(
            {
                "prompt": f"How do I reset my password {i}?",
                "responses": ["Open the sign-in page.", ""],
                "rewards": [1, 0],
            }
        )
        for i in range(12)
    ]
    lines[4] = '{"prompt": "x", "responses": ['
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join(lines))
    base = [
        "run",
        "--policy",
        mini / "helpdesk/policy",
        "--rollouts",
        file,
        "--reward",
        "reward",
        "--epochs",
        "1",
        "--quiet",
    ]
    status, _, err = course(capsys, *base)
    assert status == 1 and "line 5" in err and "--skip-bad" in err
    status, out, err = course(capsys, *base, "--skip-bad", "--json")
    assert status == 0, err
    assert json.loads(out)["skipped"] == 1 and json.loads(out)["prompts"] == 11


def test_out_folder_that_is_a_file(arguments, capsys, tmp_path):
    (tmp_path / "f").write_text("")
    status, _, err = course(capsys, *arguments, "--out", tmp_path / "f")
    assert status == 1 and "is a file" in err


def test_doctor(capsys):
    status, out, _ = course(capsys, "doctor", "--json")
    facts = json.loads(out)
    assert (
        status == 0
        and facts["ready"]
        and facts["packages"]["torch"]
        and facts["assets"] == "as in the manifest"
    )
    assert "tier" in course(capsys, "doctor")[1]


def test_import_is_light():
    code = (
        "import sys, time; t = time.perf_counter(); import course_lib; "
        "print(time.perf_counter() - t, 'torch' in sys.modules, 'transformers' in "
        "sys.modules, 'numpy' in sys.modules)"
    )
    out = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert (
        all(o[1:] == ["False", "False", "False"] for o in out)
        and min(float(o[0]) for o in out) < 0.3
    )


def test_every_public_name_exists():
    import course_lib

    for name in course_lib.__all__:
        assert getattr(course_lib, name) is not None


# ---- real data ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_gsm8k_model_solutions(shared_data, capsys, tmp_path):
    """Real answers as a pool: every verdict agrees with the label, verification beats fine-tuning,
    and the held-out loss falls.
    """
    folder = shared_data / "gsm8k"
    status, out, err = course(
        capsys,
        "run",
        "--world",
        "gsm8k",
        "--data",
        folder,
        "--rollouts",
        folder / "model_solutions.jsonl",
        "--reward",
        "verifier",
        "--out",
        tmp_path,
        "--json",
        "--quiet",
    )
    assert status == 0, err
    result = json.loads(out)
    assert result["agreement"]["compared"] == 2640
    assert result["agreement"]["agree"] + len(result["agreement"]["disagree"]) == 2640
    for name, difference in result["differences"].items():
        if "6b_verification − 6b_finetuning" in name or "175b_verification" in name:
            assert difference["low"] > 0, name
    assert result["held_out_loss"]["difference"]["high"] < -1
    assert (
        0 < result["decidable"] < 1
        and result["pass_at"]["4"]["mean"] > result["pass_at"]["1"]["mean"]
    )


@pytest.mark.slow
def test_reward_model_on_human_preferences(shared_data, capsys):
    """A tiny reward model on hh-rlhf reports its held-out accuracy with an interval, whatever it
    is, and never the text.
    """
    status, out, err = course(
        capsys,
        "train-reward",
        shared_data / "hh-rlhf" / "harmless-base.jsonl.gz",
        "--epochs",
        "1",
        "--json",
        "--quiet",
        "--max-length",
        "256",
    )
    assert status == 0, err
    result = json.loads(out)
    assert (
        0.3
        < result["accuracy"]["low"]
        < result["accuracy"]["mean"]
        < result["accuracy"]["high"]
        < 0.9
    )
    assert result["held_out_pairs"] > 200 and len(out) < 3000


# ---- nothing is lost ---------------------------------------------------------------------------


@pytest.fixture
def selection(mini, capsys, tmp_path):
    """A selection of short, often cut replies, as `course select` writes it."""
    assert (
        course(
            capsys,
            "sample",
            "--policy",
            mini / "helpdesk/policy",
            "-n",
            "3",
            "--prompts",
            "12",
            "--max-tokens",
            "6",
            "--out",
            tmp_path / "p.npz",
            "--quiet",
        )[0]
        == 0
    )
    assert course(capsys, "score", tmp_path / "p.npz", "--reward", "gold", "--quiet")[0] == 0
    assert (
        course(capsys, "select", tmp_path / "p.npz", "--out", tmp_path / "s.jsonl", "--quiet")[0]
        == 0
    )
    return tmp_path / "s.jsonl"


def test_a_folder_or_file_that_is_no_model_is_never_replaced(selection, mini, capsys, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "precious.txt").write_text("x")
    for out in (tmp_path / "d", selection):
        status, _, err = course(
            capsys,
            "finetune",
            selection,
            "--policy",
            mini / "helpdesk/policy",
            "--out",
            out,
            "--quiet",
        )
        assert status == 1 and "is not a model folder" in err
    assert (tmp_path / "d" / "precious.txt").read_text() == "x" and selection.read_text()


def test_cut_replies_keep_their_finish_reason_through_the_files(selection, mini, capsys, tmp_path):
    rows = [json.loads(line) for line in selection.read_text().splitlines()]
    assert {"length"} <= {r["finish_reason"] for r in rows}
    status, out, err = course(
        capsys,
        "finetune",
        selection,
        "--policy",
        mini / "helpdesk/policy",
        "--epochs",
        "1",
        "--out",
        tmp_path / "m",
        "--quiet",
    )
    assert status == 0, err
    from course_lib import load_policy

    policy = load_policy(mini / "helpdesk/policy", device="cpu")
    expected = sum(
        len(ids) - (r["finish_reason"] == "length")
        for r, ids in zip(
            rows, policy.encode_responses([r["completion"] for r in rows]), strict=True
        )
    )
    assert f"{expected:,} tokens" in out


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file-size limit")
def test_no_room_for_the_model_is_explained_and_training_is_kept(selection, mini, tmp_path):
    command = (
        f"ulimit -f 60; exec {sys.executable} -m course_lib finetune {selection} --policy "
        f"{mini / 'helpdesk/policy'} --epochs 1 --out {tmp_path / 'm'} --quiet"
    )
    done = subprocess.run(["bash", "-c", command], env=ENV, capture_output=True, text=True)
    assert (
        done.returncode != 0 and "Traceback" not in done.stderr and "file-size limit" in done.stderr
    ), done.stderr
    assert not (tmp_path / "m").exists()


def test_a_checkpoint_of_another_run_is_refused(mini, tmp_path):
    from course_lib import finetune, load_policy
    from course_lib.base import CourseError

    policy, pairs = (
        load_policy(mini / "helpdesk/policy", device="cpu"),
        [("Hi.", "Have a nice day.")] * 8,
    )
    finetune(policy, pairs, epochs=1, batch_size=4, checkpoint=tmp_path / "c.pt")
    assert (tmp_path / "c.pt").is_file(), "the caller removes it once the result is safe"
    again = finetune(policy, pairs, epochs=1, batch_size=4, checkpoint=tmp_path / "c.pt")
    assert len(again.training_log.losses) == 2
    with pytest.raises(CourseError, match="checkpoint of another run"):
        finetune(policy, pairs, epochs=1, lr=1e-5, batch_size=4, checkpoint=tmp_path / "c.pt")


def test_cut_short_weights_are_named(mini, capsys, arguments, tmp_path):
    shutil.copytree(mini / "helpdesk/policy", tmp_path / "p")
    weights = tmp_path / "p/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    status, _, err = course(capsys, *arguments, "--policy", tmp_path / "p")
    assert status == 1 and "may be cut short" in err


def test_gold_without_a_topic_says_so(mini, capsys, tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"prompt": "x", "responses": ["a", "b"]}) + "\n")
    status, _, err = course(
        capsys, "score", tmp_path / "r.jsonl", "--reward", "gold", "--out", tmp_path / "p.npz"
    )
    assert status == 1 and "needs 'topic'" in err
