"""What every world has, worlds by name, and a new world made of as little as can be."""

import json
from inspect import getmembers, signature

import pytest

from course_lib import Pool, score
from course_lib.base import CourseError
from course_lib.models import GoldReward
from course_lib.pools import distinct_paths
from course_lib.worlds import GSM8K, WORLDS, Arithmetic, BaseWorld, Helpdesk, World, load_world

MEMBERS = {name: member for name, member in getmembers(World) if not name.startswith("_")}


class Echo(BaseWorld):
    """A world in which a reply is good when it repeats the prompt."""

    name = "echo"
    max_tokens = 8

    def prompts(self, split="train", limit=None, seed=0):
        return ["a b"], [{}]

    def gold(self, prompt, text, info, finished=True):
        return float(text == prompt)

    def gold_parts(self, prompt, text, info, finished=True):
        return {"same": self.gold(prompt, text, info, finished)}


def problems(folder):
    """Files in GSM8K's format, ten problems each."""
    for split, first in (("train", 1), ("test", 101)):
        rows = [
            {"question": f"What is {first + k} + 0?", "answer": f"#### {first + k}"}
            for k in range(10)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text)
    return folder


DATA = {"gsm8k": problems}  # a world that needs data → what makes a folder of it


@pytest.fixture(params=list(WORLDS))
def any_world(request, tmp_path):
    make = DATA.get(request.param)
    return load_world(request.param, data=make(tmp_path) if make else None)


@pytest.mark.parametrize("world", [Helpdesk, Arithmetic, GSM8K, Echo])
def test_every_class_has_every_member(world):
    check_members(world)


def test_every_world_has_every_member(any_world):
    check_members(type(any_world))


def check_members(world):
    for name, member in MEMBERS.items():
        if isinstance(member, property):
            getattr(world, name)  # an attribute of the class
        else:
            wanted, given = signature(member).parameters, signature(getattr(world, name)).parameters
            assert list(wanted) == list(given)
            assert [p.default for p in wanted.values()] == [p.default for p in given.values()]


def test_the_members_there_are():
    """A member that the library asks for must stand in the protocol."""
    assert set(MEMBERS) == {
        "name",
        "system",
        "max_tokens",
        "needs",
        "policy",
        "verifiable",
        "reward_system",
        "prompts",
        "gold",
        "gold_parts",
        "path",
    }


def test_worlds_go_by_their_names(any_world, request):
    assert any_world.name == request.node.callspec.params["any_world"]


def test_splits_share_no_prompt_and_fewer_prompts_are_the_first_ones(any_world):
    train, facts = any_world.prompts("train", limit=6, seed=1)
    heldout, _ = any_world.prompts("heldout", limit=6, seed=1)
    assert len(train) == len(facts) == len(heldout) == 6
    assert all(isinstance(prompt, str) and prompt for prompt in train)
    assert not set(any_world.prompts("train")[0]) & set(any_world.prompts("heldout")[0])
    fewer, few_facts = any_world.prompts("train", limit=3, seed=1)
    assert (fewer, few_facts) == (train[:3], facts[:3])
    if any_world.needs:
        assert all(any_world.needs in fact for fact in facts)


@pytest.mark.parametrize("limit", [0, 10**9])
def test_a_limit_outside_the_world_is_refused(any_world, limit):
    with pytest.raises(CourseError, match="limit"):
        any_world.prompts("train", limit=limit)


def test_gold_is_a_number_and_its_parts_are_named(any_world):
    (prompt,), (fact,) = any_world.prompts("train", limit=1, seed=0)
    for text in ("", "Nonsense.", prompt):
        assert isinstance(float(any_world.gold(prompt, text, fact, True)), float)
        assert any_world.gold_parts(prompt, text, fact, True)


def test_a_new_world_judges_and_tells_paths_apart(monkeypatch):
    monkeypatch.setitem(WORLDS, "echo", lambda data: Echo())
    world = load_world("echo")
    prompts, info = world.prompts()
    pool = Pool.from_candidates(prompts, [["a b", "b", "a  b", "a b"]], info=info)
    pool = score(pool, GoldReward(world))
    assert pool.reward("gold").tolist() == [[1, 0, 0, 1]]
    kept = distinct_paths(pool, by="gold", minimum=0.0, key=world.path)
    assert kept.candidate_index.tolist() == [0, 1]
