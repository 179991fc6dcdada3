import html
from dataclasses import replace

import pytest

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import explore
from course_lib.classroom.explore import facts_of
from course_lib.pools import Pool

WIDGET = "application/vnd.jupyter.widget-view+json"


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


def test_ranking_sorts_either_way_and_leaves_missing_out():
    ragged = Pool.from_candidates(
        ["p", "q"], [["a", "b", "c"], ["d"]], {"gold": [[1.0, 3.0, 1.0], [0.0]]}
    )
    assert explore.ranking(ragged, 0) == [0, 1, 2]
    assert explore.ranking(ragged, 0, "gold") == [1, 0, 2]
    assert explore.ranking(ragged, 0, "gold", highest_first=False) == [0, 2, 1]
    assert explore.ranking(ragged, 1) == [0]


def test_browser_follows_prompt_order_and_page(pool):
    view = explore.candidate_browser(pool)
    c = view.controls
    assert "reply &lt;0&gt; 0" in c["table"].value
    assert "first &amp; only" in c["table"].value
    assert "<0>" not in c["table"].value
    c["order"].value = ("gold", True)
    table = c["table"].value
    assert table.index("reply &lt;0&gt; 11") < table.index("reply &lt;0&gt; 10")
    c["page"].value = 2
    assert "reply &lt;0&gt; 0<" in c["table"].value
    assert "reply &lt;0&gt; 11<" not in c["table"].value
    c["prompt"].value = 1
    assert c["page"].value == 1
    assert "reply &lt;1&gt; 0<" in c["table"].value, "a new prompt starts at its first page"


def test_browser_shows_verdicts_apart(pool):
    verdicts = [["right"] * 11 + ["no answer found"]] + [["wrong"] * 12]
    view = explore.candidate_browser(pool, verdicts=verdicts)
    assert "<td>right</td>" in view.html and "right" in view.text
    with pytest.raises(CourseError, match="verdicts must be 2 lists of 12"):
        explore.candidate_browser(pool, verdicts=[["right"]])


def test_slider_changes_the_chosen_reply(pool):
    view = explore.best_of_n_slider(pool, by="gold", n=1)
    c = view.controls
    before = bytes(c["image"].value)
    assert "reply &lt;0&gt; 0<" in c["reply"].value
    c["n"].value = 8
    assert "reply &lt;0&gt; 7<" in c["reply"].value
    assert before != bytes(c["image"].value)
    assert bytes(c["image"].value).startswith(b"\x89PNG")
    c["reward"].value = "proxy"
    assert "reply &lt;0&gt; 0<" in c["reply"].value
    assert "7 of 8 candidates have a higher gold" in c["reply"].value
    c["prompt"].value = 1
    assert "reply &lt;1&gt; 7<" in c["reply"].value
    assert list(c["n"].options) == [1, 2, 4, 8], "powers of two up to N"


def test_only_the_named_rewards_are_offered(pool):
    view = explore.best_of_n_slider(pool, rewards=["proxy"])
    assert list(view.controls["reward"].options) == ["proxy"]
    assert "by proxy" in view.text, "gold still judges"
    assert "proxy" not in explore.candidate_browser(pool, rewards=["gold"]).text


def test_slider_names_a_missing_reward(pool):
    with pytest.raises(CourseError, match="no reward 'judge'"):
        explore.best_of_n_slider(pool, by="judge")


def shifted(pool, by):
    """``pool`` with the same prompts, its gold moved up by ``by``, and replies that say so."""
    moved = replace(pool, texts=[[f"{text} at {by}" for text in row] for row in pool.texts])
    return moved.with_reward("gold", pool.reward("gold") + by)


def test_slider_follows_the_temperature(pool):
    view = explore.best_of_n_slider(
        {1.3: shifted(pool, 5), 0.4: shifted(pool, -5), 1.0: pool}, by="gold", n=8
    )
    c = view.controls
    assert [value for _, value in c["temperature"].options] == [0.4, 1.0, 1.3]
    assert c["temperature"].value == 1.0
    assert "sampled at temperature 1, is candidate 7" in c["reply"].value
    assert "temperature 1," in view.text
    before = c["caption"].value
    c["temperature"].value = 1.3
    assert "at 5" in c["reply"].value
    assert "gold 12.00" in c["reply"].value
    assert c["caption"].value != before
    c["temperature"].value = 0.4
    assert "at -5" in c["reply"].value and "gold 2.00" in c["reply"].value


def test_without_temperatures_there_is_no_such_control(pool):
    view = explore.best_of_n_slider(pool)
    assert "temperature" not in view.controls and "temperature" not in view.text
    cold = explore.best_of_n_slider({0.4: pool, 0.7: pool}).controls["temperature"]
    assert cold.value == 0.4, "the lowest, where 1 is not offered"


def test_a_dialogue_is_shown_by_its_last_turn(pool):
    said = [
        {"role": r, "content": c} for r, c in (("user", "a"), ("assistant", "b"), ("user", "<c>"))
    ]
    dialogues = replace(pool, prompts=[said, said])
    table = explore.candidate_table(dialogues, 0, [0, 1])
    assert "<b>&lt;c&gt;</b>" in table and "assistant" not in table


def test_pools_of_other_prompts_are_refused(pool):
    with pytest.raises(CourseError, match="same prompts and the same N; that of 2.0 has not"):
        explore.best_of_n_slider({1.0: pool, 2.0: pool.prompts_at([1, 0])})
    with pytest.raises(CourseError, match="that of 2.0 has not"):
        explore.best_of_n_slider({1.0: pool, 2.0: pool.first(4)})
    with pytest.raises(CourseError, match="no pools"):
        explore.best_of_n_slider({})


@pytest.mark.parametrize("make", [explore.candidate_browser, explore.best_of_n_slider])
def test_output_holds_widget_and_stand_in(pool, make):
    bundle = make(pool)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", WIDGET}
    assert bundle[WIDGET]["version_major"] == 2 and bundle[WIDGET]["model_id"]
    assert "first" in bundle["text/plain"] and "first &amp; only" in bundle["text/html"]


@pytest.mark.parametrize("make", [explore.candidate_browser, explore.best_of_n_slider])
def test_without_ipywidgets_the_stand_in_is_all(pool, make, monkeypatch):
    monkeypatch.setattr(explore.view, "widgets", lambda: None)
    view = make(pool)
    assert set(view._repr_mimebundle_()) == {"text/plain", "text/html"} and view.controls == {}
    assert repr(view) == view.text


def test_stand_in_picture_has_alt_text(pool):
    view = explore.best_of_n_slider(pool)
    assert 'alt="Best of 4 by gold' in view.html


def test_only_core_widgets_are_used(pool):
    """Core widgets are the ones every front end has; anything else breaks on Colab."""
    from ipywidgets import Widget

    def walk(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from walk(child)

    for view in (explore.candidate_browser(pool), explore.best_of_n_slider(pool)):
        assert not any(type(w).__name__ in ("Dropdown", "Select") for w in walk(view.widget)), (
            "JupyterLab takes the arrow keys of menus"
        )
        assert all(
            isinstance(w, Widget) and w._model_module == "@jupyter-widgets/controls"
            for w in walk(view.widget)
        )


def test_frontier_explorer_follows_method_and_dial():
    found = results.load("frontier")
    view = explore.frontier_explorer(found, "PPO")
    c = view.controls
    grid = found["methods"]["PPO"]["grid"]
    best = found["methods"]["PPO"]["best"]
    assert list(grid.values())[c["dial"].value]["dials"] == best, "it opens at the chosen dials"
    c["dial"].value = c["dial"].max
    last = list(grid)[-1]
    assert f"PPO with {last}. At its best temperature" in c["words"].value
    assert f"gold {grid[last]['gold']['mean']:.2f}" in c["words"].value
    before = c["image"].value
    c["method"].value = "DPO"
    assert "DPO with beta = " in c["words"].value and c["image"].value != before
    c["dial"].value = 0
    first = list(found["methods"]["DPO"]["grid"])[0]
    assert f"DPO with {first}. At" in c["words"].value
    for name in found["methods"]:
        c["method"].value = name
        assert f"{name} with " in html.unescape(c["words"].value)
        assert c["dial"].max == len(found["methods"][name]["grid"]) - 1
    with pytest.raises(CourseError, match="no method 'XYZ'"):
        explore.frontier_explorer(found, "XYZ")


def test_frontier_explorer_says_what_choosing_by_the_proxy_costs():
    def numbers(gold, proxy):
        return {
            name: {"mean": v, "low": v - 0.1, "high": v + 0.1}
            for name, v in (("gold", gold), ("proxy", proxy), ("kl", 1.0))
        }

    def point(gold, proxy):
        return {**numbers(gold, proxy), "temperature": 0.3, "at_1": numbers(gold - 1, proxy)}

    grid = {"lr = 0.1": point(2.0, 1.0), "lr = 1": point(0.5, 3.0)}
    result = {"methods": {"PPO": {"grid": grid}}, "base": point(0.0, 0.0)}
    lines = facts_of(result, "PPO", "lr = 1")
    assert "Highest gold with lr = 0.1; highest proxy with lr = 1." in lines
    assert "Choosing by the proxy would cost 1.50 points of gold." in lines
    grid["lr = 1"] = point(0.5, 0.5)
    assert not any("cost" in line for line in facts_of(result, "PPO", "lr = 1"))
