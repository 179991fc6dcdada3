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
from course_lib.base import CourseError
from course_lib.commands import learning
from course_lib.commands.cli import main
from course_lib.experiments import ROWS
from course_lib.pools import Pool, read_selection

ENV = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
MEASURES = ("gold", "proxy", "kl", "length", "distinct")


@pytest.fixture(scope="session")
def mini(tmp_path_factory):
    """A miniature of the help desk's assets, built by the same code in a few seconds."""
    folder = tmp_path_factory.mktemp("mini")
    build(folder, miniature=True, worlds=["helpdesk"], log=lambda line: None)
    return folder


@pytest.fixture(scope="session")
def mini_of_all(tmp_path_factory):
    """A miniature of every bundled asset."""
    folder = tmp_path_factory.mktemp("mini-of-all")
    build(folder, miniature=True, log=lambda line: None)
    return folder


@pytest.fixture
def arguments(mini):
    """A short `course run` on the miniature."""
    models = ["--policy", mini / "helpdesk/policy", "--reward", mini / "helpdesk/reward-8000"]
    sizes = ["-n", 4, "--prompts", 24, "--held-out", 12, "--max-tokens", 24]
    return [str(word) for word in ("run", *models, *sizes, "--quiet")]


def course(capsys, *args):
    """(exit status, standard output, standard error) of a `course` command."""
    status = main([str(a) for a in args])
    out = capsys.readouterr()
    return status, out.out, out.err


@pytest.mark.slow
def test_miniature_matches_its_own_manifest_and_a_change_shows(mini_of_all, tmp_path):
    mini = mini_of_all
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
def test_building_again_gives_the_same_files(mini_of_all, tmp_path):
    mini = mini_of_all
    build(tmp_path, miniature=True, log=lambda line: None)
    first = json.loads((mini / "manifest.json").read_text())
    again = json.loads((tmp_path / "manifest.json").read_text())
    assert first["files"] == again["files"]


def test_bundled_assets_are_as_in_the_manifest_and_small():
    assert assets.check() == []
    manifest = json.loads((assets.FOLDER / "manifest.json").read_text())
    assert manifest["bytes"] < 20e6
    parts = {
        "policy",
        "reward-125",
        "reward-500",
        "reward-2000",
        "reward-8000",
        "reward-length-biased",
        "reward-helpful",
        "reward-harmless",
    }
    assert parts <= set(manifest["worlds"]["helpdesk"]["assets"])


def test_bundled_models_load_as_they_are():
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

    policy = AutoModelForCausalLM.from_pretrained(assets.path("helpdesk/policy"))
    reward = AutoModelForSequenceClassification.from_pretrained(assets.path("helpdesk/reward-8000"))
    tokenizer = AutoTokenizer.from_pretrained(assets.path("helpdesk/policy"))
    assert str(policy.dtype) == "torch.float32"
    assert reward.config.num_labels == 1
    assert tokenizer.chat_template
    text = "Of course, I can help. First, open the sign-in page."
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


@pytest.mark.slow
def test_run_prints_the_table_and_the_same_json(arguments, capsys, tmp_path):
    status, text, _ = course(capsys, *arguments, "--out", tmp_path)
    assert status == 0
    assert "its random control" in text
    assert "95 % intervals over 12 held-out prompts" in text
    status, out, _ = course(capsys, *arguments, "--out", tmp_path, "--json")
    result = json.loads(out)
    rows = result["rows"]
    assert set(rows) == set(ROWS)
    assert {"tokens_sampled", "seconds", "seed", "versions"} <= set(result)
    for row in rows.values():
        for name in MEASURES:
            assert row[name]["low"] <= row[name]["mean"] <= row[name]["high"]
    assert rows["best_of_n"]["proxy"]["mean"] > rows["base"]["proxy"]["mean"]
    assert rows["best_of_n_gold"]["gold"]["mean"] >= rows["best_of_n"]["gold"]["mean"]
    assert rows["base"]["kl"]["mean"] == 0
    assert rows["rft"]["kl"]["mean"] > 0
    assert json.loads((tmp_path / "result.json").read_text())["rows"] == result["rows"]


@pytest.mark.slow
def test_two_rounds_and_other_rules(arguments, capsys, tmp_path):
    for number, extra in enumerate(
        (
            ["--rounds", "2", "--start", "last", "--keep", "last"],
            ["--rule", "top_k_overall"],
            ["--reward", "gold"],
        )
    ):
        out_folder = tmp_path / str(number)
        status, out, err = course(capsys, *arguments, *extra, "--json", "--out", out_folder)
        assert status == 0, err
        assert set(json.loads(out)["rows"]) == set(ROWS)


def entries(folder):
    """How many files and folders are below; those that go while it looks are passed over."""
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_killed_at_any_moment_and_run_again(arguments, tmp_path):
    """kill -9 after ever more files; the final rerun gives the rows of an undisturbed run."""
    command = [sys.executable, "-m", "course_lib", *arguments, "--json"]

    def finished(out):
        done = subprocess.run(
            [*command, "--out", out], env=ENV, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    clean = finished(tmp_path / "clean")
    killed = 0
    folder = tmp_path / "killed"
    for files in (1, 4, 12, 40):
        process = subprocess.Popen(
            [*command, "--out", folder],
            env=ENV,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # by what it has written, not by the clock: machines are fast and slow
        while process.poll() is None and entries(folder) < files:
            time.sleep(0.01)
        if process.poll() is None:
            killed += 1
            process.send_signal(signal.SIGKILL)
        process.wait()
    again = finished(tmp_path / "killed")
    assert killed >= 1
    for row in ROWS:
        for name in MEASURES:
            assert again["rows"][row][name] == clean["rows"][row][name], (row, name)


@pytest.mark.slow
def test_the_four_steps_one_at_a_time(mini, capsys, tmp_path):
    pool = tmp_path / "pool.npz"
    chosen, control = tmp_path / "chosen.jsonl", tmp_path / "control.jsonl"
    pairs, rollouts = tmp_path / "pairs.jsonl", tmp_path / "rollouts.jsonl"
    student = tmp_path / "student"
    policy = mini / "helpdesk/policy"
    steps = [
        ("sample", "--policy", policy, "-n", "4", "--prompts", "20", "--out", pool),
        ("score", pool, "--reward", mini / "helpdesk/reward-500"),
        ("score", pool, "--reward", "gold"),
        ("select", pool, "--by", "proxy", "--out", chosen),
        ("select", pool, "--by", "proxy", "--pairs", "--out", pairs),
        ("finetune", chosen, "--policy", policy, "--epochs", "1", "--out", student),
        ("report", pool),
        ("export", pool, "--out", rollouts),
        ("select", pool, "--by", "proxy", "--control", "--out", control),
    ]
    for step in steps:
        status, out, err = course(capsys, *step, "--quiet")
        assert status == 0, err
    assert len(chosen.read_text().splitlines()) == 20
    assert len(control.read_text().splitlines()) == 20
    assert set(json.loads(pairs.read_text().splitlines()[0])) >= {"prompt", "chosen", "rejected"}
    assert set(Pool.load(pool).rewards) == {"proxy", "gold"}
    assert (student / "model.safetensors").is_file()
    assert not (tmp_path / "student.checkpoint.pt").exists()
    status, out, _ = course(capsys, "report", pool, "--json")
    curve = json.loads(out)["best_of_n"]["proxy"]
    assert [c["mean"] for c in curve] == sorted(c["mean"] for c in curve)
    words = ["--policy", policy, "--rollouts", rollouts, "--reward", "proxy", "--epochs", 2]
    status, out, err = course(capsys, "run", *words, "--json")
    assert status == 0, err
    result = json.loads(out)
    assert result["selected"] == 20
    assert result["held_out_loss"]["after"]["mean"] > 0


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
        (["--rollouts", "nowhere.jsonl"], "--n, --max-tokens cannot be used with --rollouts"),
        (["--seed", "-1"], "seed must be"),
        (["--held-out", "1"], "at least 2 are needed"),
        (["--temperature", "0"], "temperature must be above 0"),
        (["--epochs", "0"], "epochs and lr must be above 0"),
        (["--device", "gpu9"], "cannot be used here"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, mini, capsys, change, says):
    status, out, err = course(capsys, *arguments, *[c.replace("{mini}", str(mini)) for c in change])
    assert status == 1
    assert says in err
    assert err.startswith("course: ")
    assert "Traceback" not in err
    assert out == ""


def test_broken_rollouts_name_the_line(mini, capsys, tmp_path):
    replies = {"responses": ["Open the sign-in page.", ""], "rewards": [1, 0]}
    lines = [
        json.dumps({"prompt": f"How do I reset my password {i}?", **replies}) for i in range(12)
    ]
    lines[4] = '{"prompt": "x", "responses": ['
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join(lines))
    base = ["run", "--policy", mini / "helpdesk/policy", "--rollouts", file]
    base += ["--reward", "reward", "--epochs", "1", "--quiet"]
    status, _, err = course(capsys, *base)
    assert status == 1 and "line 5" in err and "--skip-bad" in err
    status, out, err = course(capsys, *base, "--skip-bad", "--json")
    assert status == 0, err
    assert json.loads(out)["skipped"] == 1
    assert json.loads(out)["prompts"] == 11


def test_out_folder_that_is_a_file(arguments, capsys, tmp_path):
    (tmp_path / "f").write_text("")
    status, _, err = course(capsys, *arguments, "--out", tmp_path / "f")
    assert status == 1 and "is a file" in err


def test_doctor(capsys):
    status, out, _ = course(capsys, "doctor", "--json")
    facts = json.loads(out)
    assert status == 0
    assert facts["ready"]
    assert facts["packages"]["torch"]
    assert facts["assets"] == "as in the manifest"
    assert "tier" in course(capsys, "doctor")[1]


def test_import_is_light():
    """How long it takes is printed by benchmarks/startup.py."""
    code = "import sys, course_lib; print(*sys.modules)"
    loaded = set(run_python(code).split())
    assert not loaded & {"torch", "transformers", "numpy", "matplotlib", "ipywidgets"}


def run_python(code):
    """What a fresh Python prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["build", "--help"]])
def test_help_does_not_wait_for_torch(words):
    code = (
        "import contextlib, sys\n"
        "from course_lib.commands.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({words})\n"
        "print(sorted({'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    *text, loaded = run_python(code).splitlines()
    assert text[0].startswith("usage: course")
    assert loaded == "[]"


def test_lab_opens_lesson_00(monkeypatch, capsys):
    calls = []

    def call(command, cwd, env):
        calls.append((command, cwd))
        return 0

    monkeypatch.setattr(learning, "sign", lambda notebooks: None)
    monkeypatch.setattr(learning.subprocess, "call", call)
    assert course(capsys, "lab")[0] == 0
    ((command, cwd),) = calls
    assert command[1:4] == ["-m", "jupyter", "lab"]
    first = command[-1].partition("/lab/tree/")[2]
    assert first.endswith("/00_start_here.ipynb") and (cwd / first).is_file()
    monkeypatch.setattr(learning, "FIRST", cwd / "nowhere.ipynb")
    status, _, err = course(capsys, "lab")
    assert status == 1 and "works in a clone of the repository" in err


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
    words = ["--world", "gsm8k", "--data", folder, "--reward", "verifier"]
    words += ["--rollouts", folder / "model_solutions.jsonl", "--epochs", 1, "--out", tmp_path]
    status, out, err = course(capsys, "run", *words, "--json", "--quiet")
    assert status == 0, err
    result = json.loads(out)
    agreement = result["agreement"]
    assert agreement["compared"] == 2640
    assert agreement["agree"] + len(agreement["disagree"]) == 2640
    for name, difference in result["differences"].items():
        if "6b_verification − 6b_finetuning" in name or "175b_verification" in name:
            assert difference["low"] > 0, name
    assert result["held_out_loss"]["difference"]["high"] < -1
    assert 0 < result["decidable"] < 1
    assert result["pass_at"]["4"]["mean"] > result["pass_at"]["1"]["mean"]


@pytest.mark.slow
def test_reward_model_on_human_preferences(shared_data, capsys):
    """A tiny reward model on hh-rlhf reports its held-out accuracy with an interval, whatever it
    is, and never the text.
    """
    pairs = shared_data / "hh-rlhf" / "harmless-base.jsonl.gz"
    words = ["--epochs", 1, "--max-length", 256, "--json", "--quiet"]
    status, out, err = course(capsys, "train-reward", pairs, *words)
    assert status == 0, err
    result = json.loads(out)
    accuracy = result["accuracy"]
    assert 0.3 < accuracy["low"] < accuracy["mean"] < accuracy["high"] < 0.9
    assert result["held_out_pairs"] > 200
    assert len(out) < 3000


# ---- nothing is lost ---------------------------------------------------------------------------


@pytest.fixture
def selection(mini, capsys, tmp_path):
    """A selection of short, often cut replies, as `course select` writes it."""
    pool, chosen = tmp_path / "p.npz", tmp_path / "s.jsonl"
    sizes = ["-n", 3, "--prompts", 12, "--max-tokens", 6]
    steps = [
        ("sample", "--policy", mini / "helpdesk/policy", *sizes, "--out", pool),
        ("score", pool, "--reward", "gold"),
        ("select", pool, "--out", chosen),
    ]
    for step in steps:
        assert course(capsys, *step, "--quiet")[0] == 0
    return chosen


def test_a_folder_or_file_that_is_no_model_is_never_replaced(selection, mini, capsys, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "precious.txt").write_text("x")
    words = ["finetune", selection, "--policy", mini / "helpdesk/policy", "--quiet"]
    for out in (tmp_path / "d", selection):
        status, _, err = course(capsys, *words, "--out", out)
        assert status == 1 and "is not a model folder" in err
    assert (tmp_path / "d" / "precious.txt").read_text() == "x"
    assert selection.read_text()


def test_cut_replies_keep_their_finish_reason_through_the_files(selection, mini, capsys, tmp_path):
    rows = [json.loads(line) for line in selection.read_text().splitlines()]
    assert {"length"} <= {r["finish_reason"] for r in rows}
    words = ["--policy", mini / "helpdesk/policy", "--epochs", 1, "--out", tmp_path / "m"]
    status, out, err = course(capsys, "finetune", selection, *words, "--quiet")
    assert status == 0, err
    from course_lib import load_policy

    policy = load_policy(mini / "helpdesk/policy", device="cpu")
    replies = policy.encode_responses([r["completion"] for r in rows])
    # a reply that was cut has no end token
    cut = [r["finish_reason"] == "length" for r in rows]
    expected = sum(len(ids) - was_cut for ids, was_cut in zip(replies, cut, strict=True))
    assert f"{expected:,} tokens" in out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file-size limit")
def test_no_room_for_the_model_is_explained_and_training_is_kept(selection, mini, tmp_path):
    command = (
        f"ulimit -f 60; exec {sys.executable} -m course_lib finetune {selection} --policy "
        f"{mini / 'helpdesk/policy'} --epochs 1 --out {tmp_path / 'm'} --quiet"
    )
    done = subprocess.run(["bash", "-c", command], env=ENV, capture_output=True, text=True)
    assert done.returncode != 0
    # what torch writes fails without the system's number, and is taken for a full disk
    told = "file-size limit" in done.stderr or "the disk is full" in done.stderr
    assert told and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "m").exists()


def test_a_checkpoint_of_another_run_is_refused(mini, tmp_path):
    from course_lib import finetune, load_policy

    policy = load_policy(mini / "helpdesk/policy", device="cpu")
    pairs = [("Hi.", "Have a nice day.")] * 8
    how = {"epochs": 2, "batch_size": 4, "checkpoint_every": 1, "checkpoint": tmp_path / "c.pt"}
    finetune(policy, pairs, **how)
    assert (tmp_path / "c.pt").is_file(), "the caller removes it once the result is safe"
    again = finetune(policy, pairs, **how)
    assert len(again.training_log.losses) == 4
    with pytest.raises(CourseError, match="checkpoint of another run"):
        finetune(policy, pairs, lr=1e-5, **how)


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


def test_weights_of_a_selection_come_from_its_lines(tmp_path):
    """Also where the lines of one prompt differ in them; empty replies are left out."""
    rows = [("a", "one", 1.0), ("a", "two", 0.25), ("b", "three", 2.0), ("b", "", 2.0)]
    lines = [{"prompt": p, "completion": c, "weight": w} for p, c, w in rows]
    lines.append({"prompt": "c", "completion": "four"})
    (tmp_path / "s.jsonl").write_text("\n".join(map(json.dumps, lines)))
    chosen = read_selection(tmp_path / "s.jsonl")
    assert chosen.texts == ["one", "two", "three", "four"]
    assert chosen.weights.tolist() == [1.0, 0.25, 2.0, 1.0]
    (tmp_path / "none.jsonl").write_text(json.dumps({"prompt": "a", "completion": ""}))
    with pytest.raises(CourseError, match="holds no replies to train on"):
        read_selection(tmp_path / "none.jsonl")
