"""Pools: what they hold, their parts and joins, and that what is saved comes back."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.base import CourseError
from course_lib.models import sample, tiny_policy
from course_lib.pools import Pool, Provenance

PROMPTS = ["one two", "three", "three"]


@pytest.fixture(scope="module")
def pool():
    policy = tiny_policy(PROMPTS * 5, width=32, vocabulary=290)
    p = sample(policy, PROMPTS, n=4, max_tokens=6, info=[{"id": i} for i in range(3)])
    p = p.with_reward("proxy", p.sum_logprobs)
    return p.with_reward("gold", torch.arange(12.0).reshape(3, 4))


def assert_same(a, b):
    assert a.prompts == b.prompts
    assert a.texts == b.texts
    assert a.info == b.info
    for name in ("finish", "tokens", "logprobs", "sampling_logprobs", "sum_logprobs", "lengths"):
        x, y = getattr(a, name), getattr(b, name)
        assert (x is None) == (y is None), name
        assert x is None or (torch.equal(x, y) and x.dtype == y.dtype), name
    assert list(a.rewards) == list(b.rewards)
    assert all(torch.equal(a.rewards[name], b.rewards[name]) for name in a.rewards)
    assert a.provenance == b.provenance


# ---- files


def test_round_trip(pool, tmp_path):
    for name, p in (("full", pool), ("light", pool.light())):
        p.save(tmp_path / f"{name}.npz")
        assert_same(p, Pool.load(tmp_path / f"{name}.npz"))
    assert (tmp_path / "light.npz").stat().st_size < (tmp_path / "full.npz").stat().st_size


def test_saving_twice_gives_the_same_bytes(pool, tmp_path):
    pool.save(tmp_path / "a.npz")
    pool.save(tmp_path / "b.npz")
    Pool.load(tmp_path / "a.npz").save(tmp_path / "c.npz")
    first, again, loaded = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert first == again == loaded


def test_unreadable_pools_are_named(tmp_path, pool):
    with pytest.raises(CourseError, match="no pool at"):
        Pool.load(tmp_path / "none.npz")
    pool.save(tmp_path / "p.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "p.npz").read_bytes()[:300])
    with pytest.raises(CourseError, match="not a readable pool.*cut short"):
        Pool.load(tmp_path / "cut.npz")


def test_the_file_says_how_the_pool_was_made(pool, tmp_path):
    pool.light().save(tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz") as data:
        settings = json.loads(data["meta"].tobytes())["settings"]
        assert data["lengths"].tolist() == pool.lengths.tolist()
    assert list(settings) == [
        "policy",
        "n",
        "temperature",
        "top_p",
        "top_k",
        "max_tokens",
        "seed",
        "method",
        "vocabulary",
    ]
    assert Provenance.from_dict(settings) == pool.provenance


# ---- provenance


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n": 0},
        {"policy": "p", "n": 2, "temperature": 1.0, "top_k": 0, "seed": 0, "vocabulary": "v"},
        {"source": "f", "shape": "s", "skipped": [], "n": 3},
        {"source": "f", "shape": "s", "systems": ["a", "b"], "n": 2, "skipped": [{"line": 2}]},
    ],
)
def test_provenance_is_the_same_plain_data_again(settings):
    again = Provenance.from_dict(settings).to_dict()
    assert again == settings and list(again) == list(settings), "order counts: it is in the files"


def test_provenance_passes_over_what_it_does_not_know():
    assert Provenance.from_dict({"n": 2, "colour": "red"}) == Provenance(n=2)


# ---- parts and joins


def test_first_and_joining(pool):
    two = pool.first(2)
    assert two.N == 2 and two.provenance.n == 2 and two.texts[1] == pool.texts[1][:2]
    assert_same(Pool.concat([pool.prompts_at([0]), pool.prompts_at([1, 2])]), pool)
    rest = pool.take(candidates=[2, 3])
    assert_same(Pool.concat([two, rest], axis="candidates"), pool)
    with pytest.raises(CourseError, match="between 1 and 4"):
        pool.first(5)
    with pytest.raises(CourseError, match="same N"):
        Pool.concat([pool, two])


def test_taking_rows_and_columns(pool):
    part = pool.take(prompts=[2, 0], candidates=slice(1, 3))
    assert part.prompts == [pool.prompts[2], pool.prompts[0]]
    assert part.texts == [pool.texts[2][1:3], pool.texts[0][1:3]]
    assert torch.equal(part.reward("gold"), torch.tensor([[9.0, 10.0], [1.0, 2.0]]))
    assert torch.equal(part.lengths, pool.lengths[[2, 0]][:, 1:3])


def test_duplicate_prompts_stay_apart(pool):
    assert pool.P == 3 and pool.prompts[1] == pool.prompts[2]


# ---- lengths


def test_lengths_are_tokens_and_outlive_them(pool):
    tokens = (pool.tokens >= 0).sum(-1)
    light = pool.light()
    assert light.tokens is None
    assert torch.equal(pool.lengths, tokens) and torch.equal(light.lengths, tokens)
    joined = Pool.concat([light.prompts_at([1]), pool.prompts_at([0])])
    assert torch.equal(joined.lengths, tokens[[1, 0]])


def test_lengths_are_words_without_tokens():
    p = Pool.from_candidates(["a", "b"], [["one two", ""], ["x"]])
    assert p.lengths.tolist() == [[2, 0], [1, 0]] and p.lengths.dtype == torch.int64
    longer = replace(p, texts=[["a b c", "d"], ["e", ""]], lengths=None)
    assert longer.lengths.tolist() == [[3, 1], [1, 0]]
    assert Pool.from_candidates(["a"], [[]]).lengths.shape == (1, 0)


# ---- rewards


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
    assert p.present.tolist() == [[True, True], [True, False]]
    assert p.texts[0][1] == ""
    with pytest.raises(CourseError, match="candidates but 1"):
        Pool.from_candidates(["a"], [["x", "y"]], {"r": [[1]]})
