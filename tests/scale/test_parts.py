"""A large job in parts, in one process: sources, parts on disk, output, and what commands make."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from course_lib import load_policy, sample
from course_lib.assets import resolve
from course_lib.base import CourseError, require
from course_lib.commands.cli import main
from course_lib.experiments import tier
from course_lib.models import FunctionReward, Sampling
from course_lib.pools import RULES, Pool, Selection, parts_in, pools_in, read_pool
from course_lib.scale.jobs import Done, Place, part_size, sample_in_parts
from course_lib.scale.output import check_output, rows_of, write_pools
from course_lib.scale.parts import Parts, parts_of, placed
from course_lib.scale.prompts import Listed, first_prompts, limited, source_of
from course_lib.scale.sampling import PolicyOf
from course_lib.scale.worker import Shipped, Steps, here

SHORT = Sampling(n=3, max_tokens=6)
DIALOGUE = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "My screen is dark."}]  # fmt: skip


@pytest.fixture(scope="module")
def policy():
    return load_policy(resolve("helpdesk/policy"))


def rows(count):
    return [{"prompt": f"question {i}", "topic": i % 3} for i in range(count)]


def as_lines(path, written, between="\n"):
    path.write_text(between.join(json.dumps(row) for row in written) + between, encoding="utf-8")
    return path


# ---- where prompts come from -------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3, 10, 64])
def test_json_lines_are_read_from_where_a_part_begins(tmp_path, size):
    written = rows(10)
    file = as_lines(tmp_path / "p.jsonl", written)
    file.write_text("\n" + file.read_text(encoding="utf-8").replace("\n", "\n\n", 4), "utf-8")
    source = source_of(file, size)
    assert source.count == 10 and not isinstance(source, Listed)
    for start in range(10):
        for stop in range(start + 1, 11):
            prompts, info = source.part((start, stop))
            assert prompts == [row["prompt"] for row in written[start:stop]]
            assert info == [{"topic": row["topic"]} for row in written[start:stop]]
    assert limited(source, 4).count == 4 and limited(source, 40).count == 10


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_marks_at_the_beginning_and_ends_of_lines_of_windows(tmp_path, newline):
    file = as_lines(tmp_path / "p.jsonl", [{"prompt": "é one"}, {"prompt": DIALOGUE}], newline)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert source_of(file, 1).part((0, 2))[0] == ["é one", DIALOGUE]
    assert first_prompts(source_of(file, 1)) == ["é one", DIALOGUE]


def test_parquet_is_read_by_row_groups(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    written = rows(11)
    table = pyarrow.Table.from_pylist(written)
    parquet.write_table(table, tmp_path / "p.parquet", row_group_size=4)
    source = source_of(tmp_path / "p.parquet", 5)
    assert source.count == 11
    for start, stop in [(0, 11), (0, 1), (3, 5), (4, 8), (10, 11), (2, 9)]:
        prompts, info = source.part((start, stop))
        assert prompts == [row["prompt"] for row in written[start:stop]]
        assert [one["topic"] for one in info] == [row["topic"] for row in written[start:stop]]


def test_other_files_are_read_whole(tmp_path):
    (tmp_path / "p.txt").write_text("a\n\nb\n", encoding="utf-8")
    assert source_of(tmp_path / "p.txt", 1).part((1, 2)) == (["b"], [{}])
    with gzip.open(tmp_path / "p.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"prompt": "packed"}\n')
    assert source_of(tmp_path / "p.jsonl.gz", 1).part((0, 1))[0] == ["packed"]


@pytest.mark.parametrize(
    "text, words",
    [
        ('{"prompt": "a"}\n{"prompt": }\n', "line 2: found broken JSON"),
        ('{"prompt": "a"}\n\n{"text": "b"}\n', "line 3: found the keys text; expected 'prompt'"),
        ("", "is empty"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, text, words):
    (tmp_path / "p.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=words):
        source_of(tmp_path / "p.jsonl")


def test_a_file_that_changed_is_said(tmp_path):
    file = as_lines(tmp_path / "p.jsonl", rows(6))
    source = source_of(file, 2)
    for written in (rows(5), [{"prompt": "one more"}, *rows(6)]):
        as_lines(file, written)
        with pytest.raises(CourseError, match="has changed since this job began"):
            source.part((2, 4))
    file.unlink()
    with pytest.raises(CourseError, match="has gone since this job began"):
        source.part((2, 4))


def test_a_parquet_file_is_looked_at_before_the_work(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "p.parquet"
    for written, words in (
        ([*rows(5), {"prompt": None}], "row 6: found the keys none; expected 'prompt'"),
        ([{"text": "a"}], "row 1: found the keys text"),
    ):
        parquet.write_table(pyarrow.Table.from_pylist(written), file)
        with pytest.raises(CourseError, match=words):
            source_of(file)
    parquet.write_table(pyarrow.Table.from_pylist(rows(6)), file)
    source = source_of(file)
    parquet.write_table(pyarrow.Table.from_pylist(rows(5)), file)
    with pytest.raises(CourseError, match="has changed since this job began"):
        source.part((3, 6))


# ---- parts -------------------------------------------------------------------------------------


def test_a_job_is_cut_into_parts():
    assert parts_of(7, 3) == [(0, 3), (3, 6), (6, 7)] and parts_of(3, 3) == [(0, 3)]
    assert part_size(Sampling(n=16, max_tokens=96), None) == 256
    assert part_size(SHORT, 5) == 5


def made_by(policy, tmp_path, name, part, **changes):
    source = Listed(*[list(x) for x in zip(*[(f"q {i}", {"i": i}) for i in range(7)], strict=True)])
    place = Place(tmp_path / name, part=part, **changes)
    done = sample_in_parts(source, Shipped(policy), SHORT, place, asked={"policy": "p"})
    return done, read_pool(tmp_path / name)


def test_parts_change_no_candidate(policy, tmp_path):
    whole = sample(policy, [f"q {i}" for i in range(7)], SHORT, info=[{"i": i} for i in range(7)])
    for part in (1, 2, 3, 7, 50):
        done, pool = made_by(policy, tmp_path, f"{part}.npz", part)
        assert pool.texts == whole.texts and pool.info == whole.info
        assert pool.tokens.equal(whole.tokens) and pool.finish.equal(whole.finish)
        torch.testing.assert_close(pool.logprobs, whole.logprobs, rtol=1e-5, atol=1e-5)
        assert pool.sampling_logprobs is pool.logprobs, "what is one tensor is stored once"
        assert (done.prompts, done.replies, done.tokens) == (7, 21, int(pool.lengths.sum()))
        assert done.made_now == done.tokens
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        f"{part}.npz" for part in (1, 2, 3, 7, 50)
    ), "no part is left behind"


def test_a_folder_of_parts_is_a_pool_and_goes_on(policy, tmp_path):
    done, pool = made_by(policy, tmp_path, "folder", 3)
    assert parts_in(tmp_path / "folder") == [(0, 3), (3, 6), (6, 7)]
    assert [one.P for one in pools_in(tmp_path / "folder")] == [3, 3, 1]
    assert made_by(policy, tmp_path, "folder", 3)[0].made_now == 0
    damaged = tmp_path / "folder" / "0000003-0000006" / "pool.npz"
    before = damaged.read_bytes()
    damaged.write_bytes(before[:-20])
    shutil.rmtree(tmp_path / "folder" / "0000006-0000007")
    with pytest.warns(UserWarning, match="a part of folder .* is damaged"):
        again, same = made_by(policy, tmp_path, "folder", 3)
    assert damaged.read_bytes() == before and same.texts == pool.texts
    assert again.tokens == done.tokens and 0 < again.made_now < done.tokens
    assert made_by(policy, tmp_path, "folder", 3)[0].made_now == 0


def test_another_job_is_refused_and_keeps_its_parts(policy, tmp_path):
    made_by(policy, tmp_path, "folder", 3)
    with pytest.raises(CourseError, match="another job .*part 3, now 2"):
        made_by(policy, tmp_path, "folder", 2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(CourseError, match="holds no job"):
        made_by(policy, tmp_path, "mine", 3)
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "dear"
    (tmp_path / "folder" / "job.json").write_text("{", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be read"):
        made_by(policy, tmp_path, "folder", 3)


def test_a_hole_between_parts_is_said(policy, tmp_path):
    made_by(policy, tmp_path, "folder", 2)
    shutil.rmtree(tmp_path / "folder" / "0000002-0000004")
    with pytest.raises(CourseError, match="the job that writes it is not done"):
        read_pool(tmp_path / "folder")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="holds no pool"):
        read_pool(tmp_path / "empty")


def test_what_a_worker_refuses_stops_the_job_and_loses_nothing(policy, tmp_path):
    file = as_lines(tmp_path / "p.jsonl", rows(6))
    source, place = source_of(file), Place(tmp_path / "out.npz", part=2)

    def reward(prompt, text, info):
        require(prompt != "question 5", "no reward for question 5.")
        return 0.0

    give = Shipped(FunctionReward(reward, "bad"))
    with pytest.raises(CourseError, match="no reward for question 5"):
        sample_in_parts(source, Shipped(policy), SHORT, place, reward=give, asked={})
    assert len(list(place.folder.glob("*-*/done.json"))) == 2 and not place.out.exists()
    with pytest.raises(CourseError, match="4 of the 6 prompts of its job, which is not done"):
        read_pool(place.folder)


def test_parts_are_in_the_order_of_their_numbers(tmp_path):
    for start in (0, 9_999_990, 10_000_000):
        stop = {0: 9_999_990, 9_999_990: 10_000_000}.get(start, 10_000_001)
        folder = tmp_path / f"{start:07d}-{stop:07d}"
        folder.mkdir()
        (folder / "pool.npz").touch()
    spans = [(0, 9_999_990), (9_999_990, 10_000_000), (10_000_000, 10_000_001)]
    assert parts_in(tmp_path) == spans


def test_parts_whose_file_cannot_be_written_serve_another(policy, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    prompts = [f"q {i}" for i in range(4)]
    source = Listed(prompts, [{"i": i if i < 3 else "three"} for i in range(4)])

    def job(name):
        place = Place(tmp_path / name, part=2)
        return sample_in_parts(source, Shipped(policy), SHORT, place, asked={})

    with pytest.raises(CourseError, match="differ in kind .* kept in .*o.parquet.parts"):
        job("o.parquet")
    (tmp_path / "o.parquet.parts").rename(tmp_path / "o.jsonl.parts")
    assert job("o.jsonl").made_now == 0
    assert read_pool(tmp_path / "o.jsonl").prompts == prompts
    assert [file.name for file in tmp_path.iterdir()] == ["o.jsonl"]


# ---- output ------------------------------------------------------------------------------------


@pytest.fixture
def pools():
    first = Pool.from_candidates(["a", DIALOGUE], [["x", "y"], ["z"]], info=[{"k": 1}, {"k": 2}])
    second = Pool.from_candidates(["c"], [["u", "v"]], info=[{"k": 3}])
    first = first.with_reward("proxy", [[1.0, 0.5], [2.0, float("nan")]])
    return [first, second.with_reward("proxy", [[-1.0, 0.25]])]


@pytest.mark.parametrize("name", ["o.jsonl", "o.jsonl.gz", "o.npz", "o"])
def test_pools_one_after_another_are_read_back_as_one(tmp_path, pools, name):
    assert write_pools(iter(pools), tmp_path / name) == 3
    back, whole = read_pool(tmp_path / name), Pool.concat(pools)
    assert back.prompts == whole.prompts and back.texts == whole.texts
    assert back.info == whole.info and back.finish.equal(whole.finish)
    torch.testing.assert_close(back.rewards["proxy"], whole.rewards["proxy"], equal_nan=True)


def test_parquet_is_read_back_too(tmp_path, pools):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pools[0] = pools[0].prompts_at([0])
    write_pools(iter(pools), tmp_path / "o.parquet")
    back, whole = read_pool(tmp_path / "o.parquet"), Pool.concat(pools)
    assert back.prompts == whole.prompts and back.texts == whole.texts and back.info == whole.info
    torch.testing.assert_close(back.rewards["proxy"], whole.rewards["proxy"])
    other = Pool.from_candidates(["d"] * 300, [["u", "v"]] * 300, info=[{"other": "kind"}] * 300)
    with pytest.raises(CourseError, match="differs in kind between rows"):
        write_pools([other, pools[1]], tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()


def test_equal_prompts_with_one_reply_stay_apart(tmp_path):
    pools = [Pool.from_candidates(["same"], [["x"]]), Pool.from_candidates(["same"], [["y"]])]
    assert [row["prompt_index"] for row in rows_of(pools)] == [0, 1]
    write_pools(pools, tmp_path / "o.jsonl")
    assert read_pool(tmp_path / "o.jsonl").texts == [["x"], ["y"]]
    ragged = [
        Pool.from_candidates(["same", other], [[text], ["u", "v"]])
        for other, text in (("b", "x"), ("c", "y"))
    ]
    write_pools(ragged, tmp_path / "r.jsonl")
    back = read_pool(tmp_path / "r.jsonl")
    assert back.prompts == ["same", "b", "same", "c"] and back.texts == Pool.concat(ragged).texts


def test_what_lacks_a_package_is_refused_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # an import of it fails
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.chdir(tmp_path)
    assert course("sample", *FEW, "--part", "3", "--out", "o.parquet") == 1
    assert "pip install pyarrow" in capsys.readouterr().err
    assert course("sample", *FEW, "--engine", "ray", "--out", "o.npz") == 1
    assert "pip install -e '.[scale]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_names_that_cannot_be_written_are_refused_before_the_work(tmp_path):
    for name in ("o.csv", "o.txt"):
        with pytest.raises(CourseError, match="cannot be written"):
            check_output(tmp_path / name)
    with pytest.raises(CourseError, match="no prompts"):
        write_pools([], tmp_path / "o.jsonl")


# ---- the engine of one process -----------------------------------------------------------------


def test_a_worker_is_started_once(tmp_path):
    class Counting(Steps):
        started = 0

        def __call__(self):
            Counting.started += 1
            return lambda span: {"prompts": span[1] - span[0]}

    facts = list(here(Counting(tmp_path), [(0, 2), (2, 3)]))
    assert facts == [{"prompts": 2}, {"prompts": 1}] and Counting.started == 1


def test_a_done_job_says_its_rate():
    assert str(Done(2, 8, 100, made_now=50, seconds=10.0)).endswith("100 tokens, 5 tokens a second")
    assert str(Done(2, 8, 100, made_now=0, seconds=10.0)).endswith("8 replies, 100 tokens")


# ---- the commands ------------------------------------------------------------------------------


RULES_OF_ONE_PROMPT = {
    "best_per_prompt": ("-k", "2"),
    "threshold": ("--minimum", "0.5"),
    "distinct_paths": ("--minimum", "-1"),
    "regularised_best": (),
}


def test_rules_that_may_choose_part_by_part():
    assert {name for name, rule in RULES.items() if rule.by_prompt} == set(RULES_OF_ONE_PROMPT)


def course(*args):
    return main([*args, "--quiet"])


FEW = ("--prompts", "7", "-n", "2", "--max-tokens", "8")


def test_sampling_in_parts_writes_the_same_candidates(tmp_path, capsys):
    assert course("sample", *FEW, "--out", str(tmp_path / "a.npz")) == 0
    assert course("sample", *FEW, "--part", "3", "--out", str(tmp_path / "b.npz")) == 0
    assert course("sample", *FEW, "--part", "3", "--out", str(tmp_path / "c")) == 0
    a, b, c = (read_pool(tmp_path / name) for name in ("a.npz", "b.npz", "c"))
    assert a.texts == b.texts == c.texts and a.prompts == b.prompts and a.info == b.info
    assert a.provenance == b.provenance
    assert a.tokens.equal(b.tokens) and b.logprobs.equal(c.logprobs)
    capsys.readouterr()
    assert course("sample", *FEW, "--part", "3", "--out", str(tmp_path / "b.npz")) == 1
    assert "nothing is replaced unasked" in capsys.readouterr().err


def test_the_worker_finds_the_precision_for_its_own_device(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    half = replace(tier("small"), device=None)
    load = PolicyOf("helpdesk/policy", "helpdesk/policy", "chat", None, None, half)
    assert load().model.dtype == torch.float32
    monkeypatch.setattr("course_lib.scale.sampling.dtype_here", lambda sizes, device: torch.half)
    assert load().model.dtype == torch.float16
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert course("sample", *FEW, "--part", "4", "--out", "parts", "--tier", "cpu") == 0
    job = json.loads((tmp_path / "parts" / "job.json").read_text(encoding="utf-8"))
    assert (job["precision"], job["device"]) == ("float32", tier("cpu").device)


def test_a_file_of_prompts_in_parts(tmp_path):
    file = as_lines(tmp_path / "p.jsonl", rows(7))
    own = ("--prompts-file", str(file), "--prompts", "6", "-n", "2", "--max-tokens", "8")
    assert course("sample", *own, "--out", str(tmp_path / "a.npz")) == 0
    assert course("sample", *own, "--part", "4", "--out", str(tmp_path / "b.jsonl")) == 0
    a, b = read_pool(tmp_path / "a.npz"), read_pool(tmp_path / "b.jsonl")
    assert a.texts == b.texts and a.info == b.info and a.P == 6 and a.finish.equal(b.finish)


def test_scoring_and_selecting_from_parts(tmp_path, capsys):
    assert course("sample", *FEW, "--part", "3", "--out", str(tmp_path / "c")) == 0
    reward = ("--reward", "helpdesk/reward-500")
    scored = tmp_path / "scored"
    assert course("score", str(tmp_path / "c"), *reward, "--out", str(scored)) == 0
    assert course("score", str(tmp_path / "c"), *reward, "--out", str(tmp_path / "s.npz")) == 0
    assert parts_in(scored) == [(0, 3), (3, 6), (6, 7)]
    in_parts, at_once = read_pool(scored), read_pool(tmp_path / "s.npz")
    assert in_parts.rewards["proxy"].equal(at_once.rewards["proxy"])
    assert in_parts.tokens.equal(at_once.tokens)
    assert course("select", str(scored), "--out", str(tmp_path / "best.jsonl")) == 0
    kept = [json.loads(line) for line in (tmp_path / "best.jsonl").open(encoding="utf-8")]
    best = Selection(at_once, torch.arange(7), at_once.rewards["proxy"].argmax(1))
    assert [row["completion"] for row in kept] == best.texts
    for rule, more in RULES_OF_ONE_PROMPT.items():
        for name in ("s.npz", "scored"):
            out = tmp_path / f"{rule}-{name}.jsonl"
            assert (
                course("select", str(tmp_path / name), "--rule", rule, *more, "--out", str(out))
                == 0
            )
        assert out.read_bytes() == (tmp_path / f"{rule}-s.npz.jsonl").read_bytes()
    capsys.readouterr()
    assert course("score", str(tmp_path / "c"), *reward) == 1
    assert "give --out" in capsys.readouterr().err
    assert course("score", str(tmp_path / "c"), *reward, "--out", str(tmp_path / "c")) == 1
    assert "a place of its own" in capsys.readouterr().err
    other = ("--out", str(tmp_path / "other"))
    for more, words in {
        ("--part", "2", *other): "leave --part out",
        ("--keys", "prompt=a,responses=b", *other): "takes no --keys",
        ("--force", *other): "--force replaces a file",
    }.items():
        assert course("score", str(tmp_path / "c"), *reward, *more) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    keys = ("--keys", "prompt=a,responses=b", "--out", str(tmp_path / "k.jsonl"))
    assert course("select", str(scored), *keys) == 1
    assert "takes no --keys" in capsys.readouterr().err
    assert course("score", str(tmp_path / "c"), "--reward", "gold", "--out", str(scored)) == 1
    assert "another job" in capsys.readouterr().err


def test_a_file_read_or_judged_otherwise_is_another_job(tmp_path, capsys):
    row = {"prompt": "1+1?", "responses": ["The answer is 2", "#### 2"], "other": ["3", "4"]}
    file = as_lines(tmp_path / "r.jsonl", [{**row, "answer": "2"}])
    score = ("score", str(file), "--world", "gsm8k", "--reward", "verifier", "--part", "1")
    score += ("--out", str(tmp_path / "scored"))
    assert course(*score, "--answers", "lenient") == 0
    assert course(*score, "--answers", "lenient") == 0
    capsys.readouterr()
    assert course(*score, "--answers", "strict") == 1
    assert "another job (answers lenient, now strict)" in capsys.readouterr().err
    keys = ("--answers", "lenient", "--keys", "prompt=prompt,responses=other,answer=answer")
    assert course(*score, *keys) == 1
    assert "another job (keys " in capsys.readouterr().err


def test_a_run_with_parts_of_its_own_size_is_the_same_run(tmp_path):
    few = ("run", "--tier", "cpu", "--prompts", "8", "--held-out", "16", "-n", "2", "--epochs", "1",
           "--max-tokens", "8", "--temperatures", "1")  # fmt: skip
    results = []
    for name, more in {"a": (), "b": ("--part", "3")}.items():
        assert course(*few, *more, "--out", str(tmp_path / name)) == 0
        results.append(json.loads((tmp_path / name / "result.json").read_text(encoding="utf-8")))
    a, b = ({name: row["gold"] for name, row in one["rows"].items()} for one in results)
    assert a == b


@pytest.mark.parametrize("command", ["run", "sample", "score"])
def test_several_processes_of_a_launch_do_not_do_the_same_work(monkeypatch, capsys, command):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    more = ("a.npz",) if command == "score" else ("--out", "never")
    assert course(command, *more) == 1
    assert "one process's, and several were started" in capsys.readouterr().err
    monkeypatch.delenv("WORLD_SIZE")
    assert course(command, *more, "--workers", "2") == 1
    assert "--workers need --engine ray" in capsys.readouterr().err


@pytest.mark.slow
def test_a_job_that_is_killed_goes_on(tmp_path):
    out = tmp_path / "o.npz"
    command = [sys.executable, "-m", "course_lib", "sample", "--prompts", "40", "-n", "4", "--part",
               "4", "--quiet", "--out"]  # fmt: skip
    process = subprocess.Popen([*command, str(out)])
    parts = tmp_path / "o.npz.parts"
    while process.poll() is None and len(list(parts.glob("*-*/done.json"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    assert not out.exists() and len(list(parts.glob("*-*/done.json"))) >= 3
    subprocess.run([*command, str(out)], check=True)
    subprocess.run([*command, str(tmp_path / "whole.npz")], check=True)
    assert out.read_bytes() == (tmp_path / "whole.npz").read_bytes() and not parts.exists()


def test_workers_are_told_whole_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    assert placed("model") == str(tmp_path.resolve() / "model")
    assert placed("helpdesk/policy") == "helpdesk/policy"
    assert placed("Qwen/Qwen3-0.6B-Base") == "Qwen/Qwen3-0.6B-Base"
    as_lines(tmp_path / "p.jsonl", rows(3))
    assert source_of("p.jsonl", 2).path == str(tmp_path.resolve() / "p.jsonl")


def test_parts_that_only_the_workers_see_are_said(tmp_path):
    def elsewhere(start, spans):
        for first, stop in spans:
            yield {"prompts": stop - first, "replies": 0, "tokens": 1}

    place = Place(tmp_path / "out.jsonl", elsewhere, part=2)
    with pytest.raises(CourseError, match="2 parts that are not in .* all machines share"):
        sample_in_parts(Listed(["a", "b", "c"], [{}] * 3), None, SHORT, place, asked={})


@pytest.mark.parametrize("name", ["pool.npz", "."])
def test_a_pool_is_not_trained_on_before_anything_was_chosen(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    assert course("finetune", name, "--out", "never") == 1
    assert f"course select {name} --out best.jsonl" in capsys.readouterr().err


def test_what_is_no_pools_file_is_said(tmp_path):
    with pytest.raises(CourseError, match="is a folder; .*read_pool"):
        Pool.load(tmp_path)
    with pytest.raises(CourseError, match="is no pool's file .*read_pool"):
        Pool.load(as_lines(tmp_path / "p.jsonl", rows(1)))


def test_parts_are_known_by_what_was_asked(tmp_path):
    parts = Parts(tmp_path / "new", 5, 2, {"policy": "p"})
    assert parts.begin() == [(0, 2), (2, 4), (4, 5)]
    assert json.loads((tmp_path / "new" / "job.json").read_text(encoding="utf-8")) == {
        "count": 5,
        "part": 2,
        "policy": "p",
    }
