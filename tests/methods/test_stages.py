"""Stages on disk: keys that see every difference, and work that is never done twice."""

import pytest
import torch

from course_lib.base import Account, CourseError, note
from course_lib.methods import Stages, fingerprint
from course_lib.models import sample, tiny_policy

PROMPTS = ["one two", "three", "three"]


@pytest.fixture(scope="module")
def policy():
    return tiny_policy(PROMPTS * 5, width=32, vocabulary=290)


@pytest.fixture(scope="module")
def pool(policy):
    return sample(policy, PROMPTS, n=4, max_tokens=6, info=[{"id": i} for i in range(3)])


def test_fingerprints_see_every_difference(policy, pool):
    other = policy.copy()
    assert fingerprint(policy) == fingerprint(other)
    with torch.no_grad():
        next(other.model.parameters()).view(-1)[0] += 1e-3
    assert fingerprint(policy) != fingerprint(other)
    tuned = policy.copy()
    tuned.model.generation_config.eos_token_id = [3, 4]
    assert fingerprint(policy) != fingerprint(tuned)
    assert fingerprint(pool.tokens) != fingerprint(pool.tokens[:2])


def test_fingerprints_of_plain_values():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1, "b": [2]}) != fingerprint({"a": 1, "b": [3]})
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint([[1, 23]]) != fingerprint([[12, 3]])


def test_a_stage_is_made_once_and_parts_survive(tmp_path, policy, pool):
    stages, made = Stages(tmp_path), []

    def part(start, stop):
        if len(made) == 2:
            made.append("x")
            raise KeyboardInterrupt
        made.append(start)
        note("sampled", policy.model, 10)
        return pool.prompts_at(range(start, stop))

    with pytest.raises(KeyboardInterrupt):
        stages.pool("p", {"k": 1}, part, 3, part=1)
    (partial,) = (tmp_path / "stages").glob("*.partial")
    assert sorted(file.name for file in partial.iterdir()) == [
        "0000000-0000001.json",
        "0000000-0000001.npz",
        "0000001-0000002.json",
        "0000001-0000002.npz",
    ], "each part has what it cost beside it"
    with Account() as account:
        again = stages.pool("p", {"k": 1}, part, 3, part=1)
    assert made == [0, 1, "x", 2], "the two finished parts were not made again"
    assert account.tokens_sampled == 30, "what they cost is counted all the same"
    assert again.prompts == pool.prompts and again.texts == pool.texts and again.info == pool.info
    for name in ("finish", "tokens", "logprobs", "sampling_logprobs", "sum_logprobs", "lengths"):
        assert torch.equal(getattr(again, name), getattr(pool, name)), name
    assert again.provenance == pool.provenance, "without an account"
    stages.pool("p", {"k": 1}, lambda *a: pytest.fail("made again"), 3, part=1)
    assert len(list((tmp_path / "stages").iterdir())) == 1, "no partial folder is left"


def test_a_stage_resumed_with_other_parts_loses_no_prompt(tmp_path, pool):
    """Parts of another size are not taken for parts of this one."""
    stages, made = Stages(tmp_path), []

    def part(start, stop):
        if len(made) == 1:
            made.append("x")
            raise KeyboardInterrupt
        made.append((start, stop))
        return pool.prompts_at(range(start, stop))

    with pytest.raises(KeyboardInterrupt):
        stages.pool("p", {"k": 1}, part, 3, part=1)
    again = stages.pool("p", {"k": 1}, part, 3, part=2)
    assert again.prompts == pool.prompts and made == [(0, 1), "x", (0, 2), (2, 3)]


def test_a_stage_with_too_few_prompts_is_not_stored(tmp_path, pool):
    with pytest.raises(CourseError, match="was to have 3 prompts; its parts have 2"):
        Stages(tmp_path).pool("p", {}, lambda *a: pool.prompts_at([0, 1]), 3)


def test_out_must_be_a_folder(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(CourseError, match="is a file"):
        Stages(tmp_path / "f")
