"""Runs on files people have: split by prompt, no data folder, what was left out is said."""

import json

import pytest

from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.experiments import finetune_from_file, run, train_reward_from_file
from course_lib.models import load_policy, tiny_policy
from course_lib.pools import Pool, read_selection

PROMPTS = 16


def ask(i):
    return f"What is {i} and {i}?"


def right(i):
    return f"It is {2 * i}. The answer is {2 * i}."


def wrong(i):
    return f"It is {2 * i + 1}. The answer is {2 * i + 1}."


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


@pytest.fixture
def passes(tmp_path):
    """Rollouts in four passes over all prompts, with references and no rewards."""
    rows = [
        {
            "question": ask(i),
            "response": right(i) if j % 2 else wrong(i),
            "ground_truth": str(2 * i),
        }
        for j in range(4)
        for i in range(PROMPTS)
    ]
    return write(tmp_path / "passes.jsonl", rows)


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    place = tmp_path_factory.mktemp("tiny") / "policy"
    texts = [text for i in range(PROMPTS) for text in (ask(i), right(i), wrong(i))]
    tiny_policy(texts, "qwen3", width=32, vocabulary=320, seed=1).save(place)
    return place


@pytest.fixture
def trained_on(monkeypatch):
    """The prompts and replies that fine-tuning was given, by the run that gives them."""
    seen = {}

    def record(base, chosen, *others):
        seen["prompts"], seen["texts"] = chosen.prompts, chosen.texts
        return base

    monkeypatch.setattr("course_lib.experiments.rollouts_run.trained", record)
    return seen


@pytest.mark.parametrize("world", ["helpdesk", "gsm8k"])
def test_answers_in_the_file_are_enough_for_the_verifier(passes, trained_on, world):
    result = run(world, rollouts=passes, reward="verifier")
    assert (result["prompts"], result["candidates"]) == (PROMPTS, 4 * PROMPTS)
    assert result["decidable"] == 1 and result["selected"] == 2 * PROMPTS
    assert trained_on["texts"] and all("The answer is" in text for text in trained_on["texts"])


def test_no_prompt_is_trained_on_and_held_out(tmp_path, trained_on, monkeypatch):
    """Also where the rows of one prompt stand apart in the pool."""
    rows = [
        {"prompt": ask(i), "responses": [right(i), wrong(i)], "rewards": [1, 0.5]}
        for _ in range(3)
        for i in range(PROMPTS)
    ]
    held_out = []
    monkeypatch.setattr(
        "course_lib.experiments.rollouts_run._losses",
        lambda base, student, chosen: held_out.extend(chosen.prompts),
    )
    result = run("helpdesk", rollouts=write(tmp_path / "r.jsonl", rows))
    assert result["prompts"] == 3 * PROMPTS, "rows with several replies stay apart"
    assert held_out and not set(held_out) & set(trained_on["prompts"])
    assert len(set(held_out) | set(trained_on["prompts"])) == PROMPTS


def test_score_and_finetune_need_no_data_folder(passes, policy, tmp_path, capsys):
    out = tmp_path / "scored.npz"
    for world in ("helpdesk", "gsm8k"):
        words = ["score", passes, "--world", world, "--reward", "verifier", "--out", out, "--quiet"]
        assert main([str(word) for word in [*words, "--force"]]) == 0
        assert Pool.load(out).reward("verifier").mean() == 0.5
    words = ["finetune", passes, "--world", "gsm8k", "--policy", policy, "--epochs", "0.1"]
    assert main([str(word) for word in [*words, "--out", tmp_path / "m", "--quiet"]]) == 0
    with pytest.raises(CourseError, match="--data DIR"):
        run("gsm8k", prompts=4)


def test_finetune_says_what_it_left_out(policy, tmp_path, capsys):
    rows = [{"prompt": ask(i), "completion": text, "label": text == right(i)}
            for i in range(8) for text in (right(i), wrong(i))]  # fmt: skip
    file = write(tmp_path / "kto.jsonl", rows)
    facts = finetune_from_file(file, tmp_path / "m", policy=policy, epochs=1)
    assert facts["replies"] == 8 and facts["left_out"] == {"label is false": 8}
    words = ["finetune", file, "--policy", policy, "--epochs", "1", "--out", tmp_path / "n"]
    assert main([str(word) for word in [*words, "--quiet"]]) == 0
    assert "left out: 8 (label is false)" in capsys.readouterr().out


def pairs(count, long=""):
    return [{"prompt": ask(i), "chosen": right(i) + long, "rejected": wrong(i) + long}
            for i in range(count)]  # fmt: skip


def test_a_reward_run_says_what_was_dropped(tmp_path):
    """By the file itself, and because the cut left nothing that differs."""
    rows = pairs(PROMPTS) + [
        {**row, "prompt": row["prompt"] + " Well?"} for row in pairs(4, " so" * 99)
    ]
    rows += [{"prompt": "Same?", "chosen": "Yes.", "rejected": "Yes."}]
    path = write(tmp_path / "pairs.jsonl", rows)
    result = train_reward_from_file(path, max_length=40, epochs=0.1, held_out=0.1)
    cut = "equal when cut to 40 tokens"
    assert result["dropped"]["equal replies"] == 1 and 1 <= result["dropped"][cut] <= 4
    assert f"left out: 1 (equal replies), {result['dropped'][cut]} ({cut})" in result["text"]
    assert result["train_pairs"] + result["dropped"][cut] + result["held_out_pairs"] == PROMPTS + 4


def say(role, text):
    return {"role": role, "content": text}


def test_dialogues_go_through_every_run(policy, tmp_path):
    """System message and history reach the model: what a policy is trained on is longer by them."""
    history = [say("system", "Be brief."), say("user", "Hi."), say("assistant", "Hello!")]
    rows = []
    for i in range(12):
        shared = [*history, say("user", ask(i))]
        sides = {"chosen": right(i), "rejected": wrong(i) + " Or not." * (i % 3)}
        rows.append({key: [*shared, say("assistant", text)] for key, text in sides.items()})
    dialogues = write(tmp_path / "dialogues.jsonl", rows)
    report = train_reward_from_file(dialogues, epochs=0.1)
    assert report["train_pairs"] + report["held_out_pairs"] == 12
    result = run("helpdesk", rollouts=dialogues, epochs=0.1)
    assert result["prompts"] == 12 and result["selected"] == 12
    facts = finetune_from_file(dialogues, tmp_path / "m", policy=policy, epochs=0.1)
    assert facts["replies"] == 12
    chosen = read_selection(dialogues)
    rendered = load_policy(policy).render(chosen.prompts)
    assert all("Be brief." in text and "Hello!" in text for text in rendered)


@pytest.mark.parametrize("first", ['[{"chosen": "a", "rejected": "b"}]', "5", "null", "true"])
def test_a_reward_run_on_no_objects_is_one_clear_line(tmp_path, capsys, first):
    (tmp_path / "p.jsonl").write_text(first + "\n")
    assert main(["train-reward", str(tmp_path / "p.jsonl"), "--quiet"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("course: ") and "Traceback" not in err


def test_keys_on_the_command_line(tmp_path, capsys):
    rows = [{"ex": {"q": ask(i)}, "outs": [right(i), wrong(i)], "quality": [1, 0]}
            for i in range(12)]  # fmt: skip
    odd = write(tmp_path / "odd.jsonl", rows)
    keys = ["--keys", "prompt=ex.q,responses=outs,rewards=quality", "--quiet"]
    for words in (
        ["report", odd, "--json"],
        ["select", odd, "--out", tmp_path / "s.jsonl"],
        ["export", odd, "--out", tmp_path / "e.jsonl"],
        [
            "score",
            odd,
            "--reward",
            "verifier",
            "--world",
            "arithmetic",
            "--out",
            tmp_path / "p.npz",
        ],
        ["train-reward", odd, "--epochs", "0.1"],
    ):
        status = main([str(word) for word in [*words, *keys]])
        err = capsys.readouterr().err
        # these rows have no answers, which the verifier says in its own words
        assert status == 0 or (words[0] == "score" and "needs 'answer'" in err), err
    assert len((tmp_path / "s.jsonl").read_text().splitlines()) == 12
    assert main(["report", str(odd), "--keys", "prompt=ex.x,responses=outs", "--quiet"]) == 1
    assert "no 'x' on the way to 'ex.x'" in capsys.readouterr().err
    assert main(["export", str(odd), *keys, "--out", str(tmp_path / "z.csv")]) == 1
    assert "to_csv" in capsys.readouterr().err
