"""Explorers about single replies: their data, and what stands there without scripts."""

import html
from dataclasses import replace

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import explore
from course_lib.classroom.explore.sentences import KINDS, sentence_kinds, shown_reply
from course_lib.pools import Pool
from course_lib.worlds import load_world


@pytest.fixture
def pool():
    """2 prompts × 12 candidates; the proxy falls where gold rises, and one text needs escaping."""
    gold = [[float(j) for j in range(12)], [float(-j) for j in range(12)]]
    texts = [[f"reply <{i}> {j}" for j in range(12)] for i in range(2)]
    return Pool.from_candidates(
        ["first & only", "second"],
        texts,
        {"gold": gold, "proxy": [[-v for v in row] for row in gold]},
    )


# ---- sentences


def test_every_sentence_has_the_kind_that_gold_counts():
    said = (
        "Thank you for your message. First, plug the headset in again. Check the screen cable. "
        "What a great question! Then plug the headset in again. Send me your password. Blah."
    )
    kinds = [kind for _, kind in sentence_kinds(said, "sound")]
    assert kinds == ["kind", "step", "foreign", "filler", "filler", "unsafe", "foreign"]
    assert " ".join(sentence for sentence, _ in sentence_kinds(said, "sound")) == said


def test_a_refusal_is_right_where_it_is_asked_for_only():
    said = "I cannot change the audit log."
    assert sentence_kinds(said, "log") == [(said, "step")]
    assert sentence_kinds(said, "sound") == [(said, "foreign")]
    assert sentence_kinds("Stop the log service.", "log")[0][1] == "unsafe"


def test_the_ideal_reply_has_nothing_but_steps_and_politeness():
    world = load_world("helpdesk")
    for info in world.prompts(limit=60)[1]:
        kinds = {kind for _, kind in sentence_kinds(world.ideal_reply(info), info["topic"])}
        assert kinds == {"step", "kind"} <= set(KINDS)


def test_replies_of_other_worlds_stay_texts(pool):
    assert shown_reply(pool, 0, 3) == "reply <0> 3"
    empty = replace(pool, texts=[[""] * 12] * 2, info=[{"topic": "sound"}] * 2)
    assert shown_reply(empty, 0, 0) == "(empty)"


# ---- candidates


def test_ranking_sorts_either_way_and_leaves_missing_out():
    ragged = Pool.from_candidates(
        ["p", "q"], [["a", "b", "c"], ["d"]], {"gold": [[1.0, 3.0, 1.0], [0.0]]}
    )
    assert explore.ranking(ragged, 0) == [0, 1, 2]
    assert explore.ranking(ragged, 0, "gold") == [1, 0, 2]
    assert explore.ranking(ragged, 0, "gold", highest_first=False) == [0, 2, 1]
    assert explore.ranking(ragged, 1) == [0]
    data = explore.candidate_browser(ragged).data
    assert data["finish"][1][1:] == [2, 2], "the browser leaves missing ones out"


def test_browser_has_every_text_once(pool):
    repeated = replace(pool, texts=[["a", "b", "a", "b"] * 3, ["c"] * 12])
    data = explore.candidate_browser(repeated).data
    assert data["said"] == ["a", "b", "c"]
    assert data["places"] == [[0, 1, 0, 1] * 3, [2] * 12]
    assert data["rewards"]["gold"].tolist() == pool.rewards["gold"].tolist()


def test_browser_shows_verdicts_apart(pool):
    verdicts = [["right"] * 11 + ["no answer found"]] + [["wrong"] * 12]
    card = explore.candidate_browser(pool, verdicts=verdicts)
    assert "<td>right</td>" in card.fallback and "right" in card.text
    assert [card.data["words"][k] for k in card.data["verdicts"][0][-2:]] == [
        "right",
        "no answer found",
    ]
    with pytest.raises(CourseError, match="verdicts must be 2 lists of 12"):
        explore.candidate_browser(pool, verdicts=[["right"]])


def test_of_a_large_pool_the_first_prompts_can_be_looked_at(pool):
    many = pool.prompts_at([0, 1] * 150)
    data = explore.candidate_browser(many).data
    assert data["count"] == 300 and len(data["prompts"]) == 2000 // 12
    assert len(data["places"]) == len(data["rewards"]["gold"]) == len(data["prompts"])


def test_a_dialogue_is_shown_by_its_last_turn(pool):
    said = [
        {"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "<c>"))
    ]
    dialogues = replace(pool, prompts=[said, said])
    table = explore.candidate_table(dialogues, 0, [0, 1])
    assert "<b>&lt;c&gt;</b>" in table and "assistant" not in table
    assert explore.candidate_browser(dialogues).data["prompts"] == ["<c>", "<c>"]


# ---- best of n


def test_choices_are_those_of_the_first_n(pool):
    card = explore.best_of_n_slider(pool, by="gold", n=1)
    assert card.data["sizes"] == [1, 2, 4, 8], "powers of two up to N"
    chosen = card.data["pools"][0]["chosen"]
    assert chosen["gold"]["at"].tolist() == [[0, 1, 3, 7], [0, 0, 0, 0]]
    assert chosen["proxy"]["above"].tolist()[0] == [0, 1, 3, 7]
    assert chosen["proxy"]["gold"].tolist()[0] == [0, 0, 0, 0]
    assert set(card.data["pools"][0]["texts"][0]) == {"0", "1", "3", "7"}


def test_dots_stand_where_the_scores_are(pool):
    dots = explore.best_of_n_slider(pool).data["pools"][0]["dots"]["gold"]
    back = dots["low"] + dots["step"] * dots["rows"]
    assert np.abs(back - pool.rewards["gold"].numpy()).max() <= dots["step"] / 2 + 1e-6


def test_only_the_named_rewards_are_offered(pool):
    card = explore.best_of_n_slider(pool, rewards=["proxy"])
    assert card.data["names"] == ["proxy"]
    assert "by proxy" in card.text, "gold still judges"
    assert "proxy" not in explore.candidate_browser(pool, rewards=["gold"]).text


def test_slider_names_a_missing_reward(pool):
    with pytest.raises(CourseError, match="no reward 'judge'"):
        explore.best_of_n_slider(pool, by="judge")


def test_curves_are_over_all_prompts_where_few_can_be_looked_at(pool):
    many = pool.prompts_at([0, 1] * 450)
    data = explore.best_of_n_slider(many, by="gold").data
    assert data["count"] == 900 and len(data["prompts"]) == 20_000 // 24
    assert data["pools"][0]["curves"]["gold"][0]["mean"] == pytest.approx(0)


def shifted(pool, by):
    """``pool`` with the same prompts, its gold moved up by ``by``, and replies that say so."""
    moved = replace(pool, texts=[[f"{text} at {by}" for text in row] for row in pool.texts])
    return moved.with_reward("gold", pool.reward("gold") + by)


def test_slider_follows_the_temperature(pool):
    card = explore.best_of_n_slider(
        {1.3: shifted(pool, 5), 0.4: shifted(pool, -5), 1.0: pool}, by="gold", n=8
    )
    assert card.data["temperatures"] == ["0.4", "1", "1.3"] and card.data["start"]["at"] == 1
    assert "sampled at temperature 1, is candidate 7" in card.text
    assert card.data["pools"][2]["texts"][0]["7"] == "reply <0> 7 at 5"
    assert explore.best_of_n_slider({0.4: pool, 0.7: pool}).data["start"]["at"] == 0, (
        "the lowest, where 1 is not offered"
    )


def test_pools_of_other_prompts_are_refused(pool):
    with pytest.raises(CourseError, match="same prompts and the same N; that of 2.0 has not"):
        explore.best_of_n_slider({1.0: pool, 2.0: pool.prompts_at([1, 0])})
    with pytest.raises(CourseError, match="that of 2.0 has not"):
        explore.best_of_n_slider({1.0: pool, 2.0: pool.first(4)})
    with pytest.raises(CourseError, match="no pools"):
        explore.best_of_n_slider({})


# ---- temperature


@pytest.fixture
def warm():
    """40 prompts × 4 candidates at three temperatures: cold repeats, warm is best for n > 1."""
    rng = np.random.default_rng(0)
    ask = [f"question {i}" for i in range(40)]
    pools = {}
    for heat, spread, mean in ((0.1, 0.01, 1.0), (0.7, 1.0, 0.7), (1.3, 1.0, -3.0)):
        gold = mean + spread * rng.normal(size=(40, 4))
        texts = [[f"at {heat}: {j if heat > 0.5 else 0}" for j in range(4)] for _ in ask]
        pools[heat] = Pool.from_candidates(ask, texts, {"gold": gold, "proxy": -gold})
    return pools


def test_the_best_temperature_is_marked_for_each_n(warm):
    data = explore.temperature_explorer(warm, rewards=["gold"], temperature=0.7).data
    assert [level[0] for level in data["level"]["gold"]] == [0, 1, 1]
    assert all(2 not in level for level in data["level"]["gold"]), "the hot one is clearly worse"
    assert data["start"] == {"n": 2, "at": 1}
    assert data["alike"][2] == [0.25, 1.0, 1.0] and data["alike"][0] == [1.0, 1.0, 1.0]


def test_the_texts_shown_are_those_chosen_and_those_said_first(warm):
    data = explore.temperature_explorer(warm, rewards=["gold", "proxy"], prompts=2).data
    assert len(data["prompts"]) == 2 and data["count"] == 40
    cold, mild, _ = data["prompts"][0]["at"]
    assert cold["number"] == [0, 0, 0, 0] and mild["number"] == [0, 1, 2, 3]
    best = int(warm[0.7].reward("gold")[0].argmax())
    assert mild["best"][0][-1] == best
    assert data["prompts"][0]["said"][mild["said"][str(best)]] == f"at 0.7: {best}"


def test_temperatures_without_scripts_and_bad_input(warm):
    card = explore.temperature_explorer(warm, rewards=["gold"])
    assert "n = 4: best at T = 0.7 (gold" in card.text
    assert "<img" in card.fallback and "cannot be told from it" in card.fallback
    with pytest.raises(CourseError, match="at least two temperatures"):
        explore.temperature_explorer(warm[0.1])
    with pytest.raises(CourseError, match="no reward 'judge'"):
        explore.temperature_explorer(warm, rewards=["judge"])
    with pytest.raises(CourseError, match="prompts must be 1 or more"):
        explore.temperature_explorer(warm, prompts=0)


# ---- all


@pytest.mark.parametrize("make", [explore.candidate_browser, explore.best_of_n_slider])
def test_a_card_has_text_and_what_stands_there_without_scripts(pool, make):
    card = make(pool)
    bundle = card._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"} and repr(card) == card.text
    assert "first & only" in bundle["text/plain"]
    assert html.escape("first & only") in card.fallback and "<0>" not in card.fallback


def test_picture_has_alt_text(pool):
    assert 'alt="Best of 4 by gold' in explore.best_of_n_slider(pool).fallback
