"""The engine on Ray Data: the same bytes for any number of workers and blocks, and after deaths."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from course_lib import load_policy
from course_lib.assets import resolve
from course_lib.base import CourseError
from course_lib.methods import Request, Stages, sampled
from course_lib.models import FunctionReward, Sampling
from course_lib.pools import read_pool
from course_lib.scale.jobs import Ahead, Place, sample_in_parts
from course_lib.scale.on_ray import OnRay, connect, load_ray
from course_lib.scale.prompts import source_of
from course_lib.scale.worker import Shipped

try:
    load_ray()
    LACKING = ""
except CourseError as error:
    LACKING = str(error)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(LACKING), reason=LACKING)]
SHORT = Sampling(n=2, max_tokens=8)
PROMPTS = 24


@pytest.fixture(scope="module")
def cluster():
    """One Ray for all tests of this file: starting it is what takes longest."""
    ray = load_ray()
    connect(ray, None, 2)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def policy():
    return load_policy(resolve("helpdesk/policy"))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A file of prompts."""
    file = tmp_path_factory.mktemp("asked") / "prompts.jsonl"
    rows = [json.dumps({"prompt": f"My screen {i} is dark.", "i": i}) for i in range(PROMPTS)]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


@dataclass(frozen=True)
class Policies:
    """Gives the policy; notes the process that has it."""

    pids: Path

    def __call__(self):
        (self.pids / str(os.getpid())).touch()
        return load_policy(resolve("helpdesk/policy"))


def words(prompt, text, info):
    return len(text.split()) + info["i"] / 100


def make(asked, out, engine=None, load=None, part=3):
    more = {} if engine is None else {"engine": engine}
    place = Place(out, part=part, **more)
    load = load or Shipped(load_policy(resolve("helpdesk/policy")))
    reward = Shipped(FunctionReward(words, "words"))
    return sample_in_parts(
        source_of(asked, part), load, SHORT, place, reward=reward, asked={"policy": "p"}
    )


@pytest.fixture(scope="module")
def alone(asked, tmp_path_factory):
    """What one process makes."""
    out = tmp_path_factory.mktemp("alone") / "pool.npz"
    make(asked, out)
    assert "words" in read_pool(out).rewards
    return out.read_bytes()


@pytest.mark.parametrize("workers, blocks", [(1, 8), (2, 3)])
def test_workers_and_blocks_change_no_byte(cluster, asked, alone, tmp_path, workers, blocks):
    done = make(asked, tmp_path / "pool.npz", OnRay(workers=workers, blocks=blocks))
    assert (tmp_path / "pool.npz").read_bytes() == alone
    assert done.prompts == PROMPTS and done.made_now == done.tokens
    assert [file.name for file in tmp_path.iterdir()] == ["pool.npz"]


def kill_workers(pids, times, seed, done):
    """Kill a process that is noted in ``pids`` at random moments, ``times`` in all; how many."""
    draw, killed = random.Random(seed), 0
    while killed < times and not done.is_set():
        time.sleep(draw.uniform(0.2, 1.0))
        alive = [int(file.name) for file in pids.iterdir()]
        if alive:
            victim = draw.choice(alive)
            (pids / str(victim)).unlink()
            try:
                os.kill(victim, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                continue
    return killed


@pytest.mark.parametrize("times", [2, pytest.param(10, marks=pytest.mark.long)])
def test_a_worker_that_is_killed_changes_nothing(cluster, asked, alone, tmp_path, times):
    pids = tmp_path / "pids"
    pids.mkdir()
    killed, done = [], threading.Event()
    killer = threading.Thread(target=lambda: killed.append(kill_workers(pids, times, 7, done)))
    killer.start()
    round_ = 0
    while killer.is_alive():
        make(asked, tmp_path / f"{round_}.npz", OnRay(workers=2, blocks=8), Policies(pids), part=3)
        assert (tmp_path / f"{round_}.npz").read_bytes() == alone
        round_ += 1
    done.set()
    killer.join()
    assert killed == [times]


def test_what_a_worker_refuses_is_said_in_its_words(cluster, asked, tmp_path):
    file = tmp_path / "gone.jsonl"
    file.write_bytes(asked.read_bytes())

    def load():
        file.unlink()  # by the worker, once the job has begun
        return load_policy(resolve("helpdesk/policy"))

    with pytest.raises(CourseError, match="has gone since this job began"):
        make(file, tmp_path / "pool.npz", OnRay(workers=1), load)
    assert not (tmp_path / "pool.npz").exists()
    lacking = Policies(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="workers of Ray failed"):
        make(asked, tmp_path / "other.npz", OnRay(workers=1), lacking)


def test_more_workers_than_there_is_room_for(cluster, asked, tmp_path):
    with pytest.raises(CourseError, match="Ask for fewer"):
        make(asked, tmp_path / "pool.npz", OnRay(workers=2000))


def test_a_run_samples_on_ray_what_it_samples_alone(cluster, policy, tmp_path):
    request = Request([f"q {i}" for i in range(5)], None, SHORT, part=2)
    pools, accounts = [], []
    for name, ahead in (("a", None), ("b", Ahead(OnRay(workers=1)))):
        stages = Stages(tmp_path / name, ahead=ahead)
        pools.append(sampled(policy, request, stages))
        accounts.append(stages.account("samples"))
    assert pools[0].texts == pools[1].texts and pools[0].logprobs.equal(pools[1].logprobs)
    for name in ("tokens_sampled", "flops"):
        assert accounts[0][name] == accounts[1][name] > 0


def test_the_command_joins_a_cluster(cluster, asked, tmp_path):
    command = [sys.executable, "-m", "course_lib", "sample", "--prompts-file", str(asked)]
    command += ["-n", "2", "--max-tokens", "8", "--part", "8", "--quiet"]
    address = cluster.get_runtime_context().gcs_address
    joined = ["--engine", "ray", "--address", address, "--workers", "1"]
    ray = subprocess.run(
        [*command, *joined, "--out", str(tmp_path / "r.jsonl")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ray.returncode == 0, ray.stderr
    assert ray.stdout.startswith("24 prompts, 48 replies") and ray.stderr == ""
    subprocess.run([*command, "--out", str(tmp_path / "h.jsonl")], check=True)
    assert (tmp_path / "r.jsonl").read_bytes() == (tmp_path / "h.jsonl").read_bytes()


def test_a_cluster_that_is_not_there(tmp_path, asked):
    command = [sys.executable, "-m", "course_lib", "sample", "--prompts", "2", "--out",
               str(tmp_path / "x.npz"), "--engine", "ray", "--address", "127.0.0.1:1"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "no Ray cluster answers at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
