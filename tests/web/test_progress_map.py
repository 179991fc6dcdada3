"""The map of ideas in the browser: from the progress file, and on the website from its store."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from course_lib.classroom import quiz, record

SITE = "<script>document.documentElement.setAttribute('data-course-site', '')</script>"


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file with one answer due, one idea mastered, one begun."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    record.record("01-win-rate", "b", 1.0)
    record.record_task("ex01.win_share", 3, 3)
    record.record("02-temperature", "b", 0.0)
    record.record("04-turn", "b", 1.0)
    kept = record.read_record()
    kept["items"]["04-turn"]["due"] = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    record.write_record(kept)


def states(page):
    """idea → its state in words, as drawn."""
    rows = page.locator(".ckp-map li").all()
    return {row.locator("b").inner_text(): row.locator(".ckp-state").inner_text() for row in rows}


@pytest.mark.parametrize("width, dark", [(1280, False), (800, True), (390, False)])
def test_the_map_shows_what_python_knows(page_of, fits, accessible, width, dark):
    page = page_of(quiz.progress(".."), width=width, dark=dark)
    assert states(page) == {row["idea"]: row["state"] for row in quiz.mastery()}
    assert page.get_by_role("heading").first.inner_text() == "1 question is due again"
    due = page.locator(".ckp-due li")
    assert "(lesson 04)" in due.inner_text()
    assert (
        due.get_by_role("link").get_attribute("href").endswith("04_choosing_a_reward_model.ipynb")
    )
    assert "3 of 158 points in exercises" in page.locator(".ckp-legend").inner_text()
    fits(page)
    accessible(page)


def test_every_idea_links_to_each_of_its_lessons_once(page_of):
    page = page_of(quiz.progress("up"))
    for row in quiz.mastery():
        box = page.locator(".ckp-map li", has=page.get_by_text(row["idea"], exact=True))
        links = box.get_by_role("link")
        names = links.evaluate_all("all => all.map(a => a.getAttribute('aria-label'))")
        assert names == [quiz.place_name(place) for place in row["lessons"]]
        for link, place in zip(links.all(), row["lessons"], strict=True):
            folder = "exercises" if place.startswith("ex") else "notebooks"
            path = f"up/{folder}/{quiz.NOTEBOOKS[place]}.ipynb"
            assert link.get_attribute("href") == path


def test_a_lesson_of_the_strip_leads_to_its_ideas_by_keyboard(page_of):
    page = page_of(quiz.progress())
    page.get_by_role("button", name="lesson 04: 1 not yet, 1 due again").focus()
    page.keyboard.press("Enter")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "lesson 04"


def test_on_the_website_the_map_is_of_what_the_browser_keeps(page_of, reloaded):
    page = page_of(SITE, quiz.progress("."))
    assert set(states(page).values()) == {"not yet", "begun"}, "points come with the page"
    past = {"level": 0, "due": "2020-01-01T00:00:00+00:00", "answers": [{"score": 1}]}
    kept = json.dumps({"format": 1, "items": {"08-rounds": past}, "tasks": {}})
    page.evaluate("kept => { localStorage['course:progress'] = kept; }", kept)
    reloaded(page)
    assert states(page)["adoption in LLMs"] == "due again"
    link = page.locator(".ckp-due").get_by_role("link")
    assert link.get_attribute("href") == "./notebooks/08_who_uses_it_and_how_it_fails.html"


def test_without_scripts_the_map_is_a_list(page_of):
    page = page_of(quiz.progress("."), scripts=False)
    text = page.locator("main").inner_text()
    assert "◆ due again: over-optimisation (lesson 04, exercise 04)" in text
    assert page.get_by_role("link").count() > 40
