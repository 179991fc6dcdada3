"""Questions as cards: by keys and by mouse, two tries, what is kept and where."""

import dataclasses
import itertools
import json

import pytest

from course_lib.classroom import quiz, record
from course_lib.classroom.web.link import reply_to

SITE = "<script>document.documentElement.setAttribute('data-course-site', '')</script>"
LINK = "ck-link-test"
WIDGET = f'<div class="{LINK}" style="display:none"><input></div>'


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own for every test."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


def panel(page, item_id):
    """The panel of an item."""
    return page.locator(".ckq-item", has=page.get_by_text(quiz.item_of(item_id)["question"]))


def verdict(box):
    return box.locator(".ckq-verdict").inner_text()


def check(box):
    box.get_by_role("button", name="Check").click()


def move(box, step, way):
    box.get_by_role("button", name=f"move step '{step}' {way}").click()


def steps_of(box):
    """The texts of the steps as they stand."""
    return box.locator(".ckq-words").evaluate_all("all => all.map(e => e.firstChild.textContent)")


# ---- single choice -----------------------------------------------------------------------------


def test_two_tries_by_keyboard_and_the_answer_only_after_the_second(page_of):
    page = page_of(quiz.ask("01"))
    options = quiz.item_of("01-formulation")["options"]
    box = panel(page, "01-formulation")
    box.get_by_label(options[0]["text"]).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # in a form: Check
    assert verdict(box).startswith("✗ Not this one. That is a number.")
    assert verdict(box).endswith("You have one more try.")
    assert not any(option["why"] in box.inner_text() for option in options[1:])
    assert box.locator("details").count() == 0 and "✓" not in box.inner_text()

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # arrows stay in the group, and move the choice
    assert box.get_by_label(options[2]["text"]).is_checked()
    assert verdict(box) == "" and "✗ tried" in box.inner_text()
    page.keyboard.press("Enter")
    assert verdict(box).startswith("✗ Not this one either.")
    assert f"The answer: {options[1]['text']}" in box.inner_text()
    box.get_by_text("The other options").click()
    assert options[0]["why"] in box.inner_text() and options[3]["why"] in box.inner_text()

    box.get_by_label(options[1]["text"]).check()
    assert verdict(box) == "" and "✗" not in box.inner_text(), "a new round"


def test_arrows_go_round_in_the_group(page_of):
    page = page_of(quiz.ask("01"))
    inputs = panel(page, "01-formulation").get_by_role("radio")
    inputs.nth(0).focus()
    for at in (3, 2, 1):
        page.keyboard.press("ArrowUp")
        assert inputs.nth(at).is_checked()
        assert inputs.nth(at).evaluate("e => e === document.activeElement")


def test_right_at_the_second_try_says_that_it_counts_half(page_of):
    page = page_of(quiz.ask("01"))
    box = panel(page, "01-formulation")
    check(box)
    assert verdict(box) == "Choose one of the answers first."
    for k in (3, 3, 1):
        box.get_by_role("radio").nth(k).check()
        check(box)
        if k == 3:
            continue
        assert verdict(box).startswith("✓ Right at the second try. One text out")
        assert "counts half" in verdict(box)
    assert "✓ right" in box.inner_text()


def test_the_same_wrong_answer_is_no_second_try(page_of):
    page = page_of(quiz.ask("01"))
    box = panel(page, "01-formulation")
    box.get_by_role("radio").nth(3).check()
    check(box)
    check(box)
    assert verdict(box) == "That was your first try. Choose another answer."


# ---- ordering ----------------------------------------------------------------------------------


def test_steps_move_by_named_buttons_keys_and_dragging(page_of):
    page = page_of(quiz.ask("01"))
    steps = [step["text"] for step in quiz.item_of("01-steps")["steps"]]
    box = panel(page, "01-steps")
    offered = steps_of(box)
    assert offered == [steps[k] for k in quiz.shuffled(quiz.item_of("01-steps"))]
    move(box, offered[1], "up")
    assert steps_of(box)[:2] == [offered[1], offered[0]]
    assert box.get_by_role("button", name=f"move step '{offered[1]}' up").is_disabled()
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == f"move step '{offered[1]}' down", "at the end the other button has the focus"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert steps_of(box)[:3] == [offered[0], offered[2], offered[1]]
    page.wait_for_function(
        "words => [...document.querySelectorAll('.ckq-item [role=status]')]"
        ".some(e => e.textContent.includes(words))",
        arg="Now in place 3 of 5",
    )
    order = steps_of(box)
    rows = box.locator(".ckq-order li")
    rows.nth(0).scroll_into_view_if_needed()
    start, end = rows.nth(0).bounding_box(), rows.nth(4).bounding_box()
    page.mouse.move(start["x"] + 100, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + 100, end["y"] + end["height"] - 4, steps=12)
    page.mouse.up()
    assert steps_of(box) == [*order[1:], order[0]]


def test_a_first_wrong_order_says_what_is_out_of_place_and_no_more(page_of):
    page = page_of(quiz.ask("01"))
    item = quiz.item_of("01-steps")
    box = panel(page, "01-steps")
    steps = [step["text"] for step in item["steps"]]
    for step in reversed(steps):  # to the top, the last first
        while steps_of(box)[0] != step:
            move(box, step, "up")
    move(box, steps[0], "down")
    check(box)
    assert verdict(box) == "✗ Not yet. 3 of 5 steps are in place. You have one more try."
    marks = box.locator(".ckq-mark").all_inner_texts()
    assert marks == ["✗ out of place"] * 2 + ["✓ in place"] * 3
    assert not any(step["why"] in box.inner_text() for step in item["steps"])
    check(box)
    assert verdict(box) == "That was your first try. Move a step."
    move(box, steps[3], "down")
    assert verdict(box) == "" and box.locator(".ckq-mark").all_inner_texts() == [""] * 5
    check(box)
    assert verdict(box).startswith("✗ Not this order.")
    shown = box.locator("details[open] li").all_inner_texts()
    assert shown == [f"{step['text']} {step['why']}" for step in item["steps"]]


def test_orders_score_as_in_python(page_of):
    page = page_of(quiz.ask("01"))
    item = quiz.item_of("01-steps")
    offered = quiz.shuffled(item)
    orders = list(itertools.permutations(range(5)))[::7]
    rules = json.dumps(quiz.ask("01").data["rules"])
    scored = page.evaluate(
        f"orders => orders.map(courseKit.answers({rules}).scoreOfOrder)", [list(o) for o in orders]
    )
    letters = [[quiz.LETTERS[offered.index(k)] for k in order] for order in orders]
    assert scored == pytest.approx([quiz.evaluate(item, given)[0] for given in letters])


# ---- case --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width, beside", [(1280, True), (390, False)])
def test_a_case_shows_the_rubric_beside_the_answer(page_of, fits, accessible, width, beside):
    page = page_of(quiz.ask("01"), width=width)
    item = quiz.item_of("01-chatbot")
    box = panel(page, "01-chatbot")
    text = box.get_by_label(item["question"])
    box.get_by_role("button", name="Show a model answer").click()
    assert verdict(box) == "Write your answer first."
    assert not box.get_by_text("A model answer", exact=True).is_visible()
    text.focus()
    page.keyboard.type("four, and a")
    page.keyboard.press("Enter")
    page.keyboard.type("judge")
    assert text.input_value() == "four, and a\njudge"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert box.get_by_text(item["model_answer"]).is_visible()
    points = box.get_by_role("checkbox")
    assert points.nth(0).evaluate("e => e === document.activeElement"), "where one goes on"
    page.keyboard.press("Space")
    points.nth(3).check()
    assert "2 of 6 points" in box.inner_text()
    left, right = text.bounding_box(), points.nth(0).bounding_box()
    assert (right["x"] > left["x"] + left["width"]) is beside
    box.get_by_role("button", name="Keep my mark").click()
    assert verdict(box).startswith("2 of 6 points. From three quarters")
    for k in (1, 2, 4):
        points.nth(k).check()
    box.get_by_role("button", name="Keep my mark").click()
    assert verdict(box) == "✓ 5 of 6 points. That counts as right."
    fits(page)
    accessible(page)


# ---- what is kept ------------------------------------------------------------------------------


def answered_by_python(page, hearer=quiz.heard):
    """Do what the kernel does with the last message."""
    text = page.locator(f".{LINK} input").input_value()
    reply = reply_to(text, hearer)
    page.locator(f".{LINK} input").evaluate("(e, reply) => { e.placeholder = reply; }", reply)
    return json.loads(text)


def linked(card):
    """A card with a hidden field, as beside a kernel."""
    return WIDGET, dataclasses.replace(card, link=LINK)


def test_answers_reach_the_progress_file_and_come_back_after_a_reload(page_of):
    page = page_of(*linked(quiz.ask("01")))
    box = panel(page, "01-formulation")
    for k, attempt in ((0, 1), (1, 2)):
        box.get_by_role("radio").nth(k).check()
        check(box)
        sent = answered_by_python(page)
        assert (sent["item"], sent["try"]) == ("01-formulation", attempt)
        assert set(sent) == {"item", "answer", "try", "at"}
        box.get_by_text("Kept in progress.json.").wait_for()
    kept = record.load_progress()["01-formulation"]
    assert [answer["score"] for answer in kept["answers"]] == [0, 0.5]

    order = panel(page, "01-steps")
    check(order)
    answered_by_python(page)
    case = panel(page, "01-chatbot")
    case.get_by_role("textbox").fill("four candidates")
    case.get_by_role("button", name="Show a model answer").click()
    answered_by_python(page)
    case.get_by_role("checkbox").nth(1).check()
    case.get_by_role("button", name="Keep my mark").click()
    answered_by_python(page)
    case.get_by_text("Kept in progress.json.").wait_for()
    standing = page.locator(".ckq-standing").inner_text()
    assert standing == quiz.summary("01") == "Lesson 01: 3 of 5 questions answered, 0 right."

    page = page_of(*linked(quiz.ask("01")))  # the cell is run again, another day
    assert page.locator(".ckq-standing").inner_text() == standing
    box = panel(page, "01-formulation")
    assert box.get_by_role("radio").nth(1).is_checked()
    assert verdict(box).startswith("✓ Right at the second try.")
    assert verdict(panel(page, "01-steps")).endswith("You have one more try.")
    case = panel(page, "01-chatbot")
    assert case.get_by_role("textbox").input_value() == "four candidates"
    assert case.get_by_role("checkbox").nth(1).is_checked()
    assert verdict(case).startswith("1 of 6 points.")
    box.get_by_role("radio").nth(0).check()
    check(box)
    assert "Practice: it counts again from" in box.inner_text()


def test_what_cannot_be_kept_is_said(page_of):
    page = page_of(*linked(quiz.ask("01")))
    record.progress_path().write_text("spoilt")
    box = panel(page, "01-formulation")
    box.get_by_role("radio").nth(1).check()
    check(box)
    answered_by_python(page)
    box.get_by_text("Not saved: progress.json cannot be read").wait_for()


@pytest.mark.slow
def test_a_kernel_that_does_not_answer_is_noticed(page_of):
    page = page_of(*linked(quiz.ask("01")))
    box = panel(page, "01-formulation")
    box.get_by_role("radio").nth(1).check()
    check(box)
    box.get_by_text("Not saved yet: Python does not answer.").wait_for()
    answered_by_python(page)  # late: it was busy
    box.get_by_text("Kept in progress.json.").wait_for()


def test_without_a_kernel_the_card_says_that_nothing_is_saved(page_of):
    page = page_of(quiz.ask("01"))
    box = panel(page, "01-formulation")
    box.get_by_role("radio").nth(1).check()
    check(box)
    assert "Not saved here; run the cell to save." in box.inner_text()
    assert page.locator(".ckq-standing").inner_text().startswith("Lesson 01: 0 of 5")


def test_on_the_website_the_browser_keeps_levels_as_the_file_does(page_of, reloaded):
    page = page_of(SITE, quiz.ask("01"), quiz.ask("00"))
    box = panel(page, "01-formulation")
    box.get_by_role("radio").nth(1).check()
    check(box)
    assert "Kept in this browser." in box.inner_text()
    panel(page, "01-chatbot").get_by_role("textbox").fill("four candidates")
    panel(page, "01-chatbot").get_by_role("button", name="Show a model answer").click()
    stored = json.loads(page.evaluate("localStorage['course:progress']"))
    record.write_record({"items": stored["items"], "tasks": stored["tasks"]})
    assert record.load_progress() == stored["items"] and stored["format"] == record.FORMAT
    mine = stored["items"]["01-formulation"]
    theirs = quiz.heard({"item": "01-formulation", "answer": "b", "try": 1})
    assert theirs["practice"], "Python reads the browser's days"
    record.progress_path().unlink()
    entry = quiz.heard({"item": "01-formulation", "answer": "b", "try": 1})["entry"]
    assert mine.keys() == entry.keys() and mine["level"] == entry["level"] == 1
    assert mine["answers"][0].keys() == entry["answers"][0].keys()
    assert len(mine["due"]) == len(entry["due"]) and mine["due"][:10] == entry["due"][:10]
    reloaded(page)
    assert verdict(panel(page, "01-formulation")).startswith("✓ Right.")
    assert "1 of 5 questions answered, 1 right" in page.locator(".ckq-standing").first.inner_text()


def test_on_the_website_the_review_asks_what_the_browser_says_is_due(page_of, reloaded):
    page = page_of(SITE, quiz.review(limit=2, everything=True))
    assert page.locator(".ckq-standing").inner_text().startswith("Nothing is due")
    days = {"01-formulation": "02", "03-steps": "01", "00-steps": "03", "02-beams": "04"}
    items = {
        item_id: {
            "level": 1,
            "due": f"{2999 if item_id == '02-beams' else 2020}-01-{day}T00:00:00+00:00",
            "answers": [{"at": "", "answer": "a", "score": 0}],
        }
        for item_id, day in days.items()
    }
    kept = json.dumps({"format": 1, "items": items, "tasks": {}})
    page.evaluate("kept => { localStorage['course:progress'] = kept; }", kept)
    reloaded(page)
    heads = page.locator(".ckq-head").all_inner_texts()
    assert heads == [
        "Question 1 of 2, from lesson 03, due again",
        "Question 2 of 2, from lesson 01, due again",
    ]
    assert page.locator(".ckq-standing").inner_text() == "3 questions are due again."
    box = panel(page, "01-formulation")
    assert box.get_by_role("radio", checked=True).count() == 0, "asked anew"
    box.get_by_role("radio").nth(1).check()
    check(box)
    assert page.locator(".ckq-standing").inner_text() == "2 questions are due again."


# ---- everywhere --------------------------------------------------------------------------------


@pytest.mark.parametrize("width, dark", [(1280, False), (800, True), (390, True)])
def test_questions_fit_and_axe_finds_nothing(page_of, fits, accessible, width, dark):
    page = page_of(quiz.ask("01"), width=width, dark=dark)
    for name, k in (("formulation", 1), ("win-rate", 0)):
        box = panel(page, f"01-{name}")
        box.get_by_role("radio").nth(k).check()
        check(box)
    check(panel(page, "01-steps"))
    fits(page)
    accessible(page)


def test_without_scripts_the_explanations_are_folded(page_of):
    page = page_of(quiz.ask("01"), scripts=False)
    item = quiz.item_of("01-formulation")
    why = page.get_by_text(item["options"][1]["why"])
    assert page.get_by_text(item["question"]).is_visible() and not why.is_visible()
    page.get_by_text("If you chose b").first.click()
    assert why.is_visible()
