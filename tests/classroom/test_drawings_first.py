"""The drawings of lessons 00 to 03: the numbers in them are right, and they are small."""

import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch

import course_lib as course
from course_lib import assets
from course_lib.base import CourseError
from course_lib.classroom import drawings
from course_lib.classroom.drawings import beams, draws, heads, ink, margins, next_word, prefix
from course_lib.classroom.drawings.steps import spread_out
from course_lib.classroom.drawings.stored import question
from course_lib.estimators import best_of_n_curve
from course_lib.methods import bradley_terry_loss

NAMES = ("loop", "tail", "softmax", "beam_tree", "shared_prefix", "scalar_head", "margin")


@pytest.fixture(scope="module")
def drawn():
    return {name: getattr(drawings, name)(quiet=True) for name in NAMES}


def said(figure):
    """All words in a drawing, with one space between."""
    texts = ET.fromstring(figure.svg()).iter("{http://www.w3.org/2000/svg}text")
    return " ".join(" ".join(text.itertext()) for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_small_as_wide_as_the_page_and_says_what_it_shows(drawn, name):
    figure = drawn[name]
    assert figure.size[0] == 700 and len(figure.svg()) < 25_000
    start, _, rest = figure.summary.partition(": ")
    assert len(start) < 90 and rest.endswith((".", "”")) and len(figure.summary) < 600
    assert figure.summary.split()[0] in re.search(r'alt="([^"]*)"', figure.image())[1]
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", figure.svg())]
    assert min(sizes) >= ink.SMALL and len(said(figure).split()) < 100


def test_a_drawing_says_its_summary_outside_notebooks(capsys):
    assert capsys.readouterr().out == "" and drawings.margin().summary in capsys.readouterr().out


def test_angle_brackets_survive_the_address_of_a_picture():
    words = ["a", "b"]
    figure = drawings.softmax(words, [0.0, -9.0], temperatures=(1,), quiet=True)
    assert ">99 %" in said(figure)
    assert "&" not in re.search(r'src="([^"]*)"', figure.image())[1]


def test_the_loop_keeps_the_highest_and_shows_four_that_begin_differently(drawn):
    stored = question()
    best = int(stored.scores[:16].argmax())
    assert stored.replies[best] in drawn["loop"].summary and "… and 12 more" in said(drawn["loop"])
    shown = spread_out(stored.replies[:16], stored.scores[:16])
    assert best in shown and shown == sorted(shown) and len(shown) == 4
    assert len({stored.replies[j].split()[0] for j in shown}) == 4
    assert int(stored.scores[:16].argmin()) in shown
    two = drawings.loop("Why?", ["No.", "Because it is so."], [0.25, -3.5], quiet=True)
    assert "from −3.5 to 0.2" in two.summary and "more" not in said(two).replace("more “", "")


def test_replies_that_all_begin_alike_leave_the_best_one():
    assert spread_out(["Yes.", "Yes.", "Yes."], np.array([0.0, 2.0, 1.0])) == [1]
    assert drawings.loop("Why?", ["Yes.", "Yes."], [0, 1], quiet=True).summary


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"prompt": "Why?"}, "together"),
        ({"prompt": "Why?", "replies": ["a", "b"], "scores": [1]}, "need a finite score each"),
        ({"prompt": "Why?", "replies": ["a"], "scores": [1]}, "at least two"),
        ({"prompt": "Why?", "replies": ["a", "b"], "scores": [1, math.nan]}, "finite"),
    ],
)
def test_the_loop_says_what_is_wrong(given, says):
    with pytest.raises(CourseError, match=says):
        drawings.loop(**given)


def test_the_means_of_the_maximum_are_the_estimators(drawn):
    gold = question().gold
    means = best_of_n_curve(gold[None], ns=draws.SIZES)[0]
    for n, mean in zip(draws.SIZES, means, strict=True):
        assert f"{mean:.1f} for n = {n}" in drawn["tail"].summary
    assert f"the highest of them at {gold[:16].max():.1f}" in drawn["tail"].summary
    few = drawings.tail([0.0, 1.0, 2.0, 3.0], n=2, quiet=True)
    assert len(drawings.tail(n=64, quiet=True).svg()) < 25_000
    assert "1.5 for n = 1, 3.0 for n = 4" in few.summary and "n = 16" not in few.summary


def test_the_scale_holds_its_ends():
    scale = draws.Scale(-2.0, 3.0)
    assert scale(-2) == draws.LEFT and scale(3) == draws.RIGHT and scale(0.5) == 350


@pytest.mark.parametrize(
    ("rewards", "n", "says"),
    [([1, 1, 1], 2, "equal"), ([1, 2], 3, "between 1 and 2"), ([[1, 2]], 1, "one prompt")],
)
def test_the_tail_says_what_is_wrong(rewards, n, says):
    with pytest.raises(CourseError, match=says):
        drawings.tail(rewards, n)


def test_bars_are_softmax_and_sum_to_one():
    words, logits = next_word.first_words()
    temperatures = (1, 0.5, 0.1)
    names, bars = next_word.next_words(words, logits, temperatures)
    assert np.allclose(bars.sum(1), 1) and names[-1] == next_word.OTHERS
    for temperature, row in zip(temperatures, bars, strict=True):
        true = torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, 0)
        assert np.allclose(row[:-1], true.sort(descending=True).values[: next_word.MOST])
    names, bars = next_word.next_words(["a", "b"], np.log([0.2, 0.8]), [0.5])
    assert names == ["b", "a"] and np.allclose(bars, [[16 / 17, 1 / 17]])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"words": ["a"]}, "together"),
        ({"words": ["a", "b"], "logits": [1.0]}, "finite logit each"),
        ({"temperatures": (1, 0)}, "above 0"),
        ({"temperatures": ()}, "one to four"),
    ],
)
def test_softmax_says_what_is_wrong(given, says):
    with pytest.raises(CourseError, match=says):
        drawings.softmax(**given)


@pytest.fixture(scope="module")
def policy():
    return course.load_policy(assets.path("helpdesk/policy"))


def test_the_tree_is_the_policys(policy):
    """Each log-probability, and that each dropped word is the likeliest that was dropped."""
    for node in beams.TREE:
        begun = f" {node.start}" if node.start else ""
        text = f"{begun} {node.text.removesuffix(' …')}"
        read = policy.tokenizer(policy.render([question().asked])[0]).input_ids
        whole = policy.tokenizer(policy.render([question().asked])[0] + text).input_ids
        assert whole[: len(read)] == read
        with torch.inference_mode():
            scores = policy.model(torch.tensor([whole])).logits[0].log_softmax(-1)
        steps = range(len(read), len(whole))
        assert sum(float(scores[k - 1, whole[k]]) for k in steps) == pytest.approx(
            node.logp, abs=0.006
        )


def test_the_kept_branches_are_what_beam_search_returns(policy):
    pool = course.sample(policy, [question().asked], n=2, method="beam", seed=0)
    kept = [node for node in beams.TREE if node.kept and node.place[0] == 2]
    for node, text in zip(kept, pool.texts[0], strict=True):
        assert text.startswith(f"{node.start} {node.text}")


def test_the_tree_drops_less_than_it_keeps():
    for column in (0, 1, 2):
        logps = [(node.kept, node.logp) for node in beams.TREE if node.place[0] == column]
        assert min(v for kept, v in logps if kept) > max(v for kept, v in logps if not kept)


def test_tokens_of_the_shared_prefix(drawn):
    assert prefix.tokens_computed(400, 8, 100) == (4000, 1200)
    assert prefix.tokens_computed(7, 1, 3) == (10, 10)
    assert "4,000" in said(drawn["shared_prefix"]) and "1,200" in said(drawn["shared_prefix"])
    many = drawings.shared_prefix(30, 64, 20, quiet=True)
    assert "3,200" in many.summary and "1,310" in many.summary and "64 in all" in said(many)
    with pytest.raises(CourseError, match="n must be a whole number above 0"):
        drawings.shared_prefix(10, 0, 10)


def test_the_heads_show_the_policys_next_word_and_the_stored_reward(drawn):
    words, logits = next_word.first_words(heads.BEGUN[0])
    shares = torch.softmax(torch.tensor(logits), 0)
    top = int(shares.argmax())
    assert f"{100 * shares[top]:.0f} % to “{words[top]}”" in drawn["scalar_head"].summary
    stored = question()
    model = course.load_reward_model(assets.path("helpdesk/reward-8000"))
    again = float(model.score_texts([stored.asked], [stored.replies[heads.REPLY]])[0])
    assert again == pytest.approx(stored.scores[heads.REPLY], abs=1e-3)
    assert f"last token, {again:.1f}." in drawn["scalar_head"].summary


def test_chance_loss_and_pull_of_a_comparison():
    for pair in margins.stored_comparisons():
        at = torch.tensor([pair.margin], dtype=torch.float64, requires_grad=True)
        loss = bradley_terry_loss(at, torch.zeros(1, dtype=torch.float64))
        loss.backward()
        assert pair.loss == pytest.approx(loss.item()) and pair.chance == pytest.approx(
            at.sigmoid().item()
        )
        assert pair.pull == pytest.approx(-at.grad.item())
    sure, coin = margins.stored_comparisons()
    assert sure.chance > 0.95 and abs(coin.chance - 0.5) < 0.02


def test_words_fit_where_they_are_put():
    text = "We have passed on your question about your payment card."
    lines = ink.wrapped(text, 180, most=2)
    assert len(lines) == 2 and lines[1].endswith(" …") and text.startswith(lines[0])
    assert all(ink.width_of(line) <= 180 for line in lines)
    assert ink.wrapped(text, 9000) == [text] and ink.fitted("a b", 9000) == "a b"
    assert ink.fitted("Happy to help. Open it.", ink.width_of("Happy to help …") + 1) == (
        "Happy to help …"
    )


def test_numbers_as_they_are_written():
    assert ink.number(-1.25) == "−1.2" and ink.number(3, 0) == "3"
    shares = (0, 0.001, 0.304, 0.996, 1)
    assert [ink.percent(p) for p in shares] == ["0 %", "<1 %", "30 %", ">99 %", "100 %"]
