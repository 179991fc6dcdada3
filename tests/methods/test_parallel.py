"""Several processes that train one model, played by threads: each has what another would have."""

import threading
from dataclasses import replace

import pytest
import torch

from course_lib.base import CourseError, Hooks
from course_lib.methods import (
    Alone,
    FineTuning,
    everyone,
    finetune,
    grpo,
    is_main,
    processes,
    share,
    taking_part,
)
from course_lib.methods.optimiser import own_parts
from course_lib.methods.parallel import check_equal
from course_lib.models import tiny_policy

PROMPTS = ["How do I reset my password?", "Hi.", "What is two plus two?", "Tell me about the sea"]
PAIRS = [(PROMPTS[k % 4], "word " * (1 + k % 5)) for k in range(11)]
WEIGHTS = [0.5 + k % 3 for k in range(11)]
TRAINING = FineTuning(epochs=2.0, lr=1e-2, batch_size=4, accumulate=2, seed=3)
PATIENCE = 300  # seconds that a thread waits for the others before the test fails


class Room:
    """Where threads meet: one sets down what it brings, and takes what all have brought."""

    def __init__(self, size):
        self.size, self.barrier = size, threading.Barrier(size)
        self.brought = [None] * size

    def exchange(self, rank, value):
        self.brought[rank] = value
        self.barrier.wait(PATIENCE)
        found = list(self.brought)
        self.barrier.wait(PATIENCE)
        return found


class Player(Alone):
    """A thread that plays process ``rank``."""

    def __init__(self, room, rank):
        self.room, self.rank, self.size = room, rank, room.size

    def summed(self, tensors):
        everyones = self.room.exchange(self.rank, [tensor.clone() for tensor in tensors])
        for tensor, all_of_it in zip(tensors, zip(*everyones, strict=True), strict=True):
            tensor.copy_(torch.stack(all_of_it).sum(0))

    def gathered(self, value):
        return self.room.exchange(self.rank, value)


def among(size, work):
    """What ``work(rank)`` gave or raised in each of ``size`` processes."""
    room, results = Room(size), [None] * size

    def play(rank):
        with taking_part(Player(room, rank)):
            try:
                results[rank] = work(rank)
            except Exception as error:
                results[rank] = error

    threads = [threading.Thread(target=play, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture(scope="module")
def policy():
    return tiny_policy([*PROMPTS, "word"], width=16, layers=1, vocabulary=300)


def weights_of(policy):
    return torch.cat([w.detach().flatten() for w in policy.model.parameters()])


def close(one, other):
    """Equal but for the order in which float32 numbers were added up."""
    return torch.allclose(weights_of(one), weights_of(other), rtol=0, atol=1e-4)


def grpo_among(size, policy, reward, **changes):
    """Each thread has a policy of its own: threads that read with one would disturb each other."""
    own = [policy.copy() for _ in range(size)]
    return among(size, lambda rank: grpo(own[rank], PROMPTS, reward, **{**GRPO, **changes}))


def test_alone_is_the_default_and_the_main_process():
    assert isinstance(processes(), Alone) and is_main()
    assert everyone(lambda: 7) == [7] and list(share(3)) == [0, 1, 2]
    tensor = torch.ones(2)
    processes().summed([tensor])
    assert tensor.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_shares_are_everything_once_in_order(count, size):
    found = among(size, lambda rank: (list(share(count)), own_parts(list(range(count)), 2)))
    assert sum((at for at, _ in found), []) == list(range(count))
    assert max(len(at) for at, _ in found) - min(len(at) for at, _ in found) <= 1
    dealt = sorted(item for _, parts in found for part in parts for item in part)
    assert dealt == list(range(count))


def test_everyone_gets_what_each_made():
    assert among(3, lambda rank: everyone(lambda: rank * 10)) == [[0, 10, 20]] * 3
    assert among(2, lambda rank: is_main()) == [True, False]


def test_a_fault_in_one_stops_all_and_says_where():
    def work(rank):
        return everyone(lambda: 1 // (1 - rank))

    first, second = among(2, work)
    assert isinstance(second, ZeroDivisionError)
    assert isinstance(first, CourseError) and "process 1 of 2" in str(first)
    assert "ZeroDivisionError" in str(first)


def test_where_weights_are_cut_up_a_fault_speaks_to_nobody():
    """The others are in the midst of reading together, and would take it for weights."""

    class Cut(Alone):
        size, cut = 2, True

        def gathered(self, value):
            raise AssertionError("they do not listen")

    with taking_part(Cut()), pytest.raises(ZeroDivisionError):
        everyone(lambda: 1 // 0)


def test_a_different_beginning_is_refused():
    assert among(2, lambda rank: check_equal(5, "seed")) == [None, None]
    for error in among(2, lambda rank: check_equal(rank, "seed")):
        assert isinstance(error, CourseError) and "seed" in str(error)


@pytest.mark.parametrize("size", [2, 3])
def test_fine_tuning_is_that_of_one_process(policy, size):
    """The last batch has 3 replies: of 2 × 3 parts some have none."""
    alone = finetune(policy, PAIRS, TRAINING, weights=WEIGHTS)
    several = among(size, lambda rank: finetune(policy, PAIRS, TRAINING, weights=WEIGHTS))
    for student in several:
        log, before = student.training_log, alone.training_log
        assert log.losses == pytest.approx(before.losses, abs=1e-5)
        assert log.tokens == before.tokens
        assert close(student, alone)
        assert torch.equal(weights_of(student), weights_of(several[0]))
    assert not close(alone, policy)


def test_other_weights_at_the_start_are_refused(policy):
    other = policy.copy()
    with torch.no_grad():
        next(other.model.parameters()).add_(1e-3)
    errors = among(2, lambda rank: finetune((policy, other)[rank], PAIRS, TRAINING))
    assert all(isinstance(e, CourseError) and "weights" in str(e) for e in errors)


class Stopped(Exception):
    pass


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1), (2, 3)])
def test_a_checkpoint_goes_on_with_more_or_fewer_processes(policy, tmp_path, first, then):
    settings = replace(TRAINING, checkpoint_every=1)
    file = tmp_path / "checkpoint.pt"

    def stop(step):
        if step == 4:
            raise Stopped

    def begin(rank):
        hooks = Hooks(before_step=stop)
        return finetune(policy, PAIRS, settings, checkpoint=file, hooks=hooks)

    assert all(isinstance(end, Stopped) for end in among(first, begin))
    assert file.is_file()
    steps = []

    def finish(rank):
        return finetune(
            policy, PAIRS, settings, checkpoint=file, hooks=Hooks(before_step=steps.append)
        )

    alone = finetune(policy, PAIRS, settings)
    for student in among(then, finish):
        assert student.training_log.losses == pytest.approx(alone.training_log.losses, abs=1e-5)
        assert close(student, alone)
    assert min(steps) == 4


def words(prompt, text, info):
    return float(len(text) % 7)


GRPO = {"steps": 2, "n": 4, "prompts_per_step": 3, "max_tokens": 6, "lr": 1e-2, "accumulate": 2}


@pytest.mark.parametrize("size", [2, 4])
def test_grpo_draws_the_candidates_of_one_process(policy, size):
    """Four processes share three prompts: one has none."""
    seen = []

    def watched(prompt, text, info):
        seen.append((prompt, text))
        return words(prompt, text, info)

    alone = grpo(policy, PROMPTS, watched, minibatch=5, updates=2, **GRPO)
    before, seen = sorted(seen), []
    several = grpo_among(size, policy, watched, minibatch=5, updates=2)
    assert sorted(seen) == before  # each once, by one of them
    for student in several:
        for name in ("reward", "loss", "kl", "length", "entropy"):
            one, other = (log.column(name) for log in (alone.training_log, student.training_log))
            assert other == pytest.approx(one, abs=1e-5), name
        assert close(student, alone)
        assert torch.equal(weights_of(student), weights_of(several[0]))


def test_a_reward_that_fails_in_one_process_stops_all(policy):
    def fails(prompt, text, info):
        if prompt == bad:
            raise RuntimeError("no such file")
        return 1.0

    bad = PROMPTS[0]
    errors = grpo_among(2, policy, fails, prompts_per_step=4)
    kinds = sorted(type(error).__name__ for error in errors)
    assert kinds == ["CourseError", "RuntimeError"]
    assert all("no such file" in str(error) for error in errors)
