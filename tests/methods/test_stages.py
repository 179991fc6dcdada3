"""Stages on disk: keys that see every difference, and work that is never done twice."""

import numpy as np
import pytest
import torch

from course_lib.base import Account, CourseError, Hooks, note
from course_lib.methods import FineTuning, Stages, fingerprint, stages, trained
from course_lib.models import sample, tiny_policy
from course_lib.pools import best_per_prompt

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
    assert sorted(file.relative_to(partial).as_posix() for file in partial.rglob("*.*")) == [
        "0000000-0000001/done.json",
        "0000000-0000001/pool.npz",
        "0000001-0000002/done.json",
        "0000001-0000002/pool.npz",
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


# ---- damage ------------------------------------------------------------------------------------


def damage(file, how, rng):
    """Change one file as a bad disk or a half copy would. Returns False where nothing changed."""
    content = bytearray(file.read_bytes())
    if how == "missing":
        file.unlink()
        return True
    at = int(rng.integers(max(1, len(content))))
    if how == "cut":
        file.write_bytes(content[:at])
        return True
    if how == "longer":
        file.write_bytes(content + b"\0more")
        return True
    content[at] ^= 1 << int(rng.integers(8))
    file.write_bytes(content)
    return True


HOWS = ("flipped", "cut", "missing", "longer")


def equal_pools(one, other):
    return (
        one.texts == other.texts
        and one.prompts == other.prompts
        and one.info == other.info
        and torch.equal(one.tokens, other.tokens)
        and torch.equal(one.logprobs, other.logprobs)
    )


@pytest.mark.parametrize("trial", range(60))
def test_a_damaged_stage_mends_itself(tmp_path, policy, pool, trial):
    """Flipped, cut, missing bytes in any file: the stage is made again, with the same account."""
    rng = np.random.default_rng(trial)
    stages = Stages(tmp_path)

    def part(start, stop):
        note("sampled", policy.model, 10)
        return pool.prompts_at(range(start, stop))

    stages.pool("p", {"k": 1}, part, 3)
    files = sorted(file for file in tmp_path.rglob("*") if file.is_file())
    file = files[trial % len(files)]
    damage(file, HOWS[trial // len(files) % len(HOWS)], rng)
    with pytest.warns(UserWarning, match="is damaged .* made again"), Account() as account:
        again = Stages(tmp_path).pool("p", {"k": 1}, part, 3)
    assert equal_pools(again, pool) and account.tokens_sampled == 10
    with Account() as account:
        stages.pool("p", {"k": 1}, lambda *a: pytest.fail("made again"), 3)
    assert account.tokens_sampled == 10
    assert len(list((tmp_path / "stages").iterdir())) == 1


@pytest.mark.parametrize("trial", range(24))
def test_a_damaged_part_is_made_again_and_no_other(tmp_path, pool, trial):
    rng = np.random.default_rng(trial)
    made = []

    def part(start, stop):
        if start == 2 and not made.count("x"):
            made.append("x")
            raise KeyboardInterrupt
        made.append(start)
        return pool.prompts_at(range(start, stop))

    with pytest.raises(KeyboardInterrupt):
        Stages(tmp_path).pool("p", {}, part, 3, part=1)
    files = sorted(file for file in tmp_path.rglob("0000000-*/*"))
    damage(files[trial % 2], HOWS[trial // 2 % 4], rng)
    with pytest.warns(UserWarning, match="a part of .* is damaged"):
        again = Stages(tmp_path).pool("p", {}, part, 3, part=1)
    assert equal_pools(again, pool) and made == [0, 1, "x", 0, 2]


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(24))
def test_a_damaged_policy_or_checkpoint_ends_in_the_same_policy(tmp_path, policy, pool, trial):
    """As a whole run would: sampling, choosing, training."""
    rng = np.random.default_rng(trial)
    chosen = best_per_prompt(pool.with_reward("length", pool.lengths.float()))
    settings = FineTuning(epochs=2, batch_size=1, checkpoint_every=1)
    clean = fingerprint(trained(policy, chosen, settings, Stages(tmp_path / "clean")))

    stopped = Stages(tmp_path / "out")
    if trial % 2:
        trained(policy, chosen, settings, stopped)
        files = sorted(file for file in (tmp_path / "out").rglob("*") if file.is_file())
    else:
        with pytest.raises(KeyboardInterrupt):
            trained(policy, chosen, settings, stopped, hooks=Hooks(on_step=_stop_at_2))
        files = sorted((tmp_path / "out").rglob("checkpoint.pt"))
    how = HOWS[:3][trial // 2 % 3] if trial % 2 else HOWS[trial // 2 % 2]
    damage(files[int(rng.integers(len(files)))], how, rng)
    with pytest.warns(UserWarning, match="is damaged"):
        again = trained(policy, chosen, settings, Stages(tmp_path / "out"))
    assert fingerprint(again) == clean


def _stop_at_2(step):
    if step == 2:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_no_damage_of_ten_thousand_is_missed(tmp_path, pool):
    """Whatever byte is flipped, cut off or put behind: the folder is known to be damaged."""
    Stages(tmp_path).pool("p", {"k": 1}, lambda start, stop: pool, 3)
    (place,) = (tmp_path / "stages").iterdir()
    files = sorted(file for file in place.iterdir())
    clean = {file: file.read_bytes() for file in files}
    facts = stages.unsealed(place)
    assert facts is not None
    rng = np.random.default_rng(0)
    for trial in range(10_000):
        file = files[trial % len(files)]
        damage(file, HOWS[int(rng.integers(len(HOWS)))], rng)
        found = stages.unsealed(place)
        # a blank more in done.json changes nothing that is read
        assert found is None or (found == facts and file.name == "done.json")
        file.write_bytes(clean[file])
    assert stages.unsealed(place) == facts
