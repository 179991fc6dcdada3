"""What every world has, worlds by name, and a new world made of as little as can be."""

from inspect import getmembers, signature

import pytest

from course_lib import Pool, score
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


@pytest.mark.parametrize("world", [Helpdesk, Arithmetic, GSM8K, Echo])
def test_every_world_has_every_member(world):
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


def test_worlds_by_name(tmp_path):
    for name in WORLDS:
        assert load_world(name, data=tmp_path).name == name


def test_a_new_world_judges_and_tells_paths_apart(monkeypatch):
    monkeypatch.setitem(WORLDS, "echo", lambda data: Echo())
    world = load_world("echo")
    prompts, info = world.prompts()
    pool = Pool.from_candidates(prompts, [["a b", "b", "a  b", "a b"]], info=info)
    pool = score(pool, GoldReward(world))
    assert pool.reward("gold").tolist() == [[1, 0, 0, 1]]
    kept = distinct_paths(pool, by="gold", minimum=0.0, key=world.path)
    assert kept.candidate_index.tolist() == [0, 1]
