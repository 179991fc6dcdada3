"""Guesses before an answer: the card by keys and by mouse, in every width; and where it is kept."""

import dataclasses
import json
import os

import pytest

from course_lib.classroom import quiz, record

SITE = "<script>document.documentElement.setAttribute('data-course-site', '')</script>"
LINK = "ck-link-test"
WIDGET = f'<div class="{LINK}" style="display:none"><input></div>'
BESIDE = '<p data-guess="01-gain" hidden></p><p data-guess="01-other" hidden></p>'
OPTIONS = ["the mean", "the best of 16", "no difference"]


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own for every test."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


def gain(**changed):
    asked = {"low": 0, "high": 4, "step": 0.1, "unit": "points", **changed}
    return quiz.predict("01-gain", "How much better is the best of 16 than one reply?", **asked)


def which():
    return quiz.predict("01-which", "Which one is longer?", options=OPTIONS)


def said(page):
    return page.locator(".ckp-said").first.inner_text()


def note(page):
    return page.locator(".ckp-note").first.inner_text()


def keep(page):
    page.get_by_role("button", name="Keep my guess").first.click()


def test_a_number_is_kept_in_the_browser_and_there_again(page_of, reloaded):
    page = page_of(SITE, BESIDE, gain())
    slider = page.get_by_label("How much better")
    assert slider.get_attribute("aria-valuetext") == "2 points"
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    assert page.locator("output").inner_text() == "1.2 points" and said(page) == ""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert said(page) == "Your guess: 1.2 points. The answer stands below." and note(page) == ""
    beside = page.locator("[data-guess]")
    assert beside.first.inner_text() == "You guessed: 1.2 points."
    assert not beside.last.is_visible()
    kept = json.loads(page.evaluate("localStorage.getItem('course:progress')"))
    assert kept["format"] == 1 and kept["items"] == {}
    assert kept["guesses"]["01-gain"]["value"] == 1.2
    record.write_record({k: v for k, v in kept.items() if k != "format"})
    assert quiz.guess("01-gain") == 1.2, "what the browser keeps is a progress file"

    reloaded(page)
    assert slider.get_attribute("aria-valuetext") == "1.2 points"
    assert said(page).startswith("Your guess: 1.2 points.")
    assert beside.first.inner_text() == "You guessed: 1.2 points."
    slider.press("Home")
    assert said(page) == "Kept so far: 1.2 points."
    keep(page)
    assert said(page).startswith("Your guess: 0 points.")
    assert beside.first.inner_text() == "You guessed: 0 points."


def test_a_choice_needs_to_be_made(page_of, reloaded):
    page = page_of(SITE, which())
    keep(page)
    assert said(page) == "Choose one of them first."
    page.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    keep(page)
    assert said(page).startswith("Your guess: the best of 16.")
    reloaded(page)
    assert page.get_by_label("the best of 16").is_checked()


def test_answers_in_the_browsers_store_stay(page_of):
    page = page_of(SITE, quiz.ask("01"), gain())
    page.get_by_label(quiz.item_of("01-formulation")["options"][1]["text"]).check()
    page.get_by_role("button", name="Check").first.click()
    keep(page)
    kept = json.loads(page.evaluate("localStorage.getItem('course:progress')"))
    assert kept["items"]["01-formulation"]["level"] == 1 and "01-gain" in kept["guesses"]


def answered(page, reply):
    """What the card tells the kernel when its guess is kept, and hears ``reply``."""
    keep(page)
    message = json.loads(page.locator(f".{LINK} input").input_value())
    text = json.dumps({"at": message["at"], **reply})
    page.evaluate(
        "([css, text]) => document.querySelector(css).placeholder = text", [f".{LINK} input", text]
    )
    page.wait_for_function("document.querySelector('.ckp-note').textContent")
    return message


def test_the_kernel_hears_the_guess_and_says_where_it_is(page_of):
    page = page_of(WIDGET, dataclasses.replace(gain(start=1.2), link=LINK))
    message = answered(page, {"file": "course-progress.json"})
    assert (message["name"], message["value"]) == ("01-gain", 1.2)
    assert said(page) == "Your guess: 1.2 points. Run the next cell."
    assert note(page) == "Kept in course-progress.json."
    answered(page, {"error": "the disk is full."})
    assert note(page) == "Not saved: the disk is full."


def test_without_a_kernel_the_card_says_that_nothing_is_saved(page_of):
    page = page_of(gain(unit="%", step=1))
    keep(page)
    assert said(page) == "Your guess: 2 %."
    assert note(page) == "Not saved here; run this cell to save it."


def test_what_is_kept_stands_in_the_card(page_of):
    record.record_guess("01-gain", -0.3)
    page = page_of(gain(low=-1, high=1))
    assert page.get_by_label("How much").get_attribute("aria-valuetext") == "−0.3 points"
    assert said(page) == "Your guess: −0.3 points. Run the next cell."


def test_numbers_read_the_same_in_the_browser_and_in_python(page_of):
    from course_lib.classroom.guesses import in_words

    for value in (-1, 0, 1, 0.5, 12):
        page = page_of(gain(low=-1, high=12, step=0.5, start=value))
        assert page.locator("output").inner_text() == in_words(value, "points")
    page = page_of(gain(low=0, high=20_000, step=500, start=12_500, unit="prompts"))
    assert page.locator("output").inner_text() == in_words(12_500, "prompts") == "12,500 prompts"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_axe_finds_nothing(page_of, fits, accessible, width, dark):
    page = page_of(SITE, gain(), which(), width=width, dark=dark)
    page.get_by_role("radio").nth(1).check()
    for button in page.get_by_role("button").all():
        button.click()
    if folder := os.environ.get("BROWSER_SHOTS"):
        page.screenshot(path=f"{folder}/predict-{width}-{dark}.png")
    fits(page)
    accessible(page)


def test_without_scripts_the_question_stands_there(page_of):
    page = page_of(gain(), which(), scripts=False)
    text = page.locator("main").inner_text()
    assert "How much better is the best of 16 than one reply?" in text
    assert "From 0 to 4 points." in text and "the mean; the best of 16; no difference." in text
