"""Pools, atomic files and stages.

What is saved comes back, and what fails leaves nothing half done.
"""

import errno
import os
import subprocess
import sys

import pytest
import torch

from course_lib.base import CourseError, atomic_directory, atomic_write, read_json, write_json
from course_lib.methods import Stages, fingerprint
from course_lib.models import sample, tiny_policy
from course_lib.pools import Pool

PROMPTS = ["one two", "three", "three"]


@pytest.fixture(scope="module")
def policy():
    return tiny_policy(PROMPTS * 5, width=32, vocabulary=290)


@pytest.fixture(scope="module")
def pool(policy):
    p = sample(policy, PROMPTS, n=4, max_tokens=6, info=[{"id": i} for i in range(3)])
    return p.with_reward("proxy", p.sum_logprobs).with_reward(
        "gold", torch.arange(12.0).reshape(3, 4)
    )


def same(a, b):
    assert (
        a.prompts == b.prompts
        and a.texts == b.texts
        and a.info == b.info
        and list(a.rewards) == list(b.rewards)
    )
    for name in ("finish", "tokens", "logprobs", "sampling_logprobs", "sum_logprobs"):
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None) and (x is None or torch.equal(x, y)), name
    assert all(torch.equal(a.rewards[k], b.rewards[k]) for k in a.rewards) and torch.equal(
        a.lengths, b.lengths
    )


def test_round_trip(pool, tmp_path):
    for name, p in (("full", pool), ("light", pool.light())):
        p.save(tmp_path / f"{name}.npz")
        same(p, Pool.load(tmp_path / f"{name}.npz"))
    assert (tmp_path / "light.npz").stat().st_size < (tmp_path / "full.npz").stat().st_size


def test_saving_twice_gives_the_same_bytes(pool, tmp_path):
    pool.save(tmp_path / "a.npz"), pool.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_unreadable_pools_are_named(tmp_path, pool):
    with pytest.raises(CourseError, match="no pool at"):
        Pool.load(tmp_path / "none.npz")
    pool.save(tmp_path / "p.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "p.npz").read_bytes()[:300])
    with pytest.raises(CourseError, match="not a readable pool.*cut short"):
        Pool.load(tmp_path / "cut.npz")


def test_first_and_joining(pool):
    two = pool.first(2)
    assert two.N == 2 and two.texts[1] == pool.texts[1][:2]
    same(Pool.concat([pool.prompts_at([0]), pool.prompts_at([1, 2])]), pool)
    rest = pool._take(candidates=[2, 3])
    same(Pool.concat([two, rest], axis="candidates"), pool)
    with pytest.raises(CourseError, match="between 1 and 4"):
        pool.first(5)
    with pytest.raises(CourseError, match="same N"):
        Pool.concat([pool, two])


def test_duplicate_prompts_stay_apart(pool):
    assert pool.P == 3 and pool.prompts[1] == pool.prompts[2]


def test_wrong_rewards_are_refused(pool):
    with pytest.raises(CourseError, match=r"shape \(3, 4\)"):
        pool.with_reward("x", torch.zeros(4, 3))
    bad = torch.zeros(3, 4)
    bad[1, 2] = float("nan")
    with pytest.raises(
        CourseError, match="NaN for 1 of 12 candidates, first at prompt 1, candidate 2"
    ):
        pool.with_reward("x", bad)
    with pytest.raises(CourseError, match="say which"):
        pool.reward()
    with pytest.raises(CourseError, match="no reward 'y'"):
        pool.reward("y")


def test_ragged_candidates_are_marked_missing():
    p = Pool.from_candidates(["a", "b"], [["x", ""], ["y"]], {"r": [[1, 2], [3]]})
    assert p.present.tolist() == [[True, True], [True, False]] and p.texts[0][1] == ""
    with pytest.raises(CourseError, match="candidates but 1"):
        Pool.from_candidates(["a"], [["x", "y"]], {"r": [[1]]})


# ---- files -------------------------------------------------------------------------------------


def test_a_failed_write_keeps_the_old_file(tmp_path):
    write_json(tmp_path / "f.json", {"old": 1})
    with pytest.raises(RuntimeError):
        with atomic_write(tmp_path / "f.json", "w") as f:
            f.write("half")
            raise RuntimeError
    assert read_json(tmp_path / "f.json") == {"old": 1} and os.listdir(tmp_path) == ["f.json"]


def test_a_full_disk_is_explained_and_loses_nothing(tmp_path, monkeypatch):
    write_json(tmp_path / "f.json", {"old": 1})

    def full(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        CourseError, match="the disk is full. Nothing that was there before has changed"
    ):
        write_json(tmp_path / "f.json", {"new": 2})
    assert read_json(tmp_path / "f.json") == {"old": 1} and os.listdir(tmp_path) == ["f.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file-size limit")
def test_a_real_file_size_limit(pool, tmp_path):
    """A process that may write 2 kB a file.

    Saving a pool fails with the explanation and leaves the folder clean.
    """
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "import torch; from course_lib.pools import Pool; from course_lib.base.errors import "
        "CourseError\n"
        "import os; p = Pool.from_candidates(['a'] * 50, [[os.urandom(99).hex()] for _ in "
        "range(50)])\n"
        f"try: p.save({str(tmp_path / 'p.npz')!r})\nexcept CourseError as e: print(e)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "file-size limit" in out and os.listdir(tmp_path) == []


def test_directories_appear_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError):
        with atomic_directory(tmp_path / "d") as folder:
            (folder / "a").write_text("1")
            raise RuntimeError
    assert os.listdir(tmp_path) == []
    for text in ("1", "2"):
        with atomic_directory(tmp_path / "d") as folder:
            (folder / "a").write_text(text)
    assert (tmp_path / "d" / "a").read_text() == "2" and os.listdir(tmp_path) == ["d"]


# ---- stages ------------------------------------------------------------------------------------


def test_fingerprints_see_every_difference(policy, pool):
    other = policy.copy()
    assert fingerprint(policy) == fingerprint(other)
    with torch.no_grad():
        next(other.model.parameters()).view(-1)[0] += 1e-3
    assert fingerprint(policy) != fingerprint(other)
    assert (
        fingerprint({"a": 1, "b": [2]})
        == fingerprint({"b": [2], "a": 1})
        != fingerprint({"a": 1, "b": [3]})
    )
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"]) and fingerprint(
        [[1, 23]]
    ) != fingerprint([[12, 3]])
    tuned = policy.copy()
    tuned.model.generation_config.eos_token_id = [3, 4]
    assert fingerprint(policy) != fingerprint(tuned)
    assert fingerprint(pool.tokens) != fingerprint(pool.tokens[:2])


def test_a_stage_is_made_once_and_parts_survive(tmp_path, pool):
    stages, made = Stages(tmp_path), []

    def part(start, stop):
        if len(made) == 2:
            made.append("x")
            raise KeyboardInterrupt
        made.append(start)
        return pool.prompts_at(range(start, stop))

    with pytest.raises(KeyboardInterrupt):
        stages.pool("p", {"k": 1}, part, 3, part=1)
    again = stages.pool("p", {"k": 1}, part, 3, part=1)
    assert made == [0, 1, "x", 2], "the two finished parts were not made again"
    same(again, pool)
    stages.pool("p", {"k": 1}, lambda *a: pytest.fail("made again"), 3, part=1)
    assert len(list((tmp_path / "stages").iterdir())) == 1, "no partial folder is left"


def test_out_must_be_a_folder(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(CourseError, match="is a file"):
        Stages(tmp_path / "f")
