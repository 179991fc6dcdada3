"""Silent errors in scoring, and a look at a reward model after each pass of its training."""

import pytest
import torch

from course_lib import assets, load_policy, load_reward_model
from course_lib.base import CourseError
from course_lib.experiments import misreadings
from course_lib.methods import train_reward_model

PROMPTS = ["How do I print a document?", "How do I reset my password?"]
TEXTS = ["Read the manual.", "First, open the sign-in page. Then choose forgot password. " * 3]


@pytest.fixture(scope="module")
def reward_model():
    return load_reward_model(assets.path("helpdesk/reward-500"))


def test_each_mistake_changes_the_tokens_it_says(reward_model):
    rows = misreadings.read_as(reward_model, PROMPTS, TEXTS, PROMPTS[::-1])
    right = rows["as trained"]
    end = right[0][-1]
    assert rows["no end token"] == [row[:-1] for row in right]
    assert rows["the next prompt"] == reward_model.encode(PROMPTS[::-1], TEXTS)
    assert rows["end cut off"][0] == right[0] and len(rows["end cut off"][1]) == 24
    assert all(row[-1] == end for name, r in rows.items() if name != "no end token" for row in r)
    marks = set(right[0]) - set(rows["no template"][0])
    assert len(marks) >= 2, "the marks of who speaks are gone"
    with pytest.raises(CourseError, match="each of 2 replies; got 1 and 2"):
        misreadings.read_as(reward_model, PROMPTS[:1], TEXTS, PROMPTS)


def test_only_right_padding_without_errors_leaves_the_scores(reward_model):
    headless = misreadings.with_random_head(assets.path("helpdesk/policy"))
    found = misreadings.misread_scores(reward_model, headless, PROMPTS, TEXTS, PROMPTS[::-1])
    right = reward_model.score_texts(PROMPTS, TEXTS)
    same = [name for name, scores in found.items() if torch.allclose(scores, right, atol=1e-3)]
    assert same == ["as trained", "left padding, with its mask"]
    assert len(found) == 11


def test_a_random_head_is_that_of_its_seed_and_leaves_the_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    heads = [
        misreadings.with_random_head(assets.path("helpdesk/policy"), seed).model.score.weight
        for seed in (0, 0, 1)
    ]
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_a_model_is_judged_after_each_pass_as_it_then_is():
    policy = load_policy(assets.path("helpdesk/policy"))
    pairs = [{"prompt": PROMPTS[0], "chosen": TEXTS[0], "rejected": TEXTS[1]}] * 4
    seen, changes = [], {"layers": 1, "batch_size": 2, "lr": 1e-3}
    model = train_reward_model(
        policy,
        pairs,
        epochs=2,
        after_pass=lambda rm: seen.append(rm.score_texts(PROMPTS[:1], TEXTS[:1]).item()),
        **changes,
    )
    unwatched = train_reward_model(policy, pairs, epochs=2, **changes)
    assert len(seen) == 2 and seen[0] != seen[1]
    assert seen[1] == pytest.approx(model.score_texts(PROMPTS[:1], TEXTS[:1]).item(), abs=1e-5)
    assert model.facts["losses"] == unwatched.facts["losses"], "looking changes nothing"
