import copy
import html
import json
from datetime import UTC, datetime, timedelta

import pytest

from course_lib.base import CourseError
from course_lib.classroom import checks, quiz, record
from course_lib.classroom.quiz import answers
from course_lib.classroom.quiz.items import lesson_of
from course_lib.classroom.quiz.mastery import by_lesson
from course_lib.classroom.web.link import reply_to

LESSONS = sorted(path.stem for path in quiz.FOLDER.glob("*.json"))
ITEMS = [
    item
    for lesson in LESSONS
    for item in json.loads((quiz.FOLDER / f"{lesson}.json").read_text(encoding="utf-8"))
]


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own for every test."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def tasks_of_the_exercises():
    return [task for name in checks.exercises() for task in checks.tasks(name).values()]


def row_of(idea):
    """The row of one idea on the map."""
    return {row["idea"]: row for row in quiz.mastery()}[idea]


def make_due(item_id):
    """As if the days until this item is asked again had passed."""
    kept = record.read_record()
    kept["items"][item_id]["due"] = "2026-01-01T00:00:00+00:00"
    record.write_record(kept)


def right_order(item):
    """The letters, as offered, of an ordering item's right answer."""
    offered = quiz.shuffled(item)
    return "".join(quiz.LETTERS[offered.index(k)] for k in range(len(offered)))


# ---- the items themselves ----------------------------------------------------------------------


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_two_to_five_items_of_several_kinds(lesson):
    items = quiz.items(lesson)
    assert 2 <= len(items) <= 5 and len({item["kind"] for item in items}) >= 2


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["id"])
def test_every_item_is_complete(item):
    quiz.validate(item)
    assert quiz.item_of(item["id"]) == item, "the id begins with its lesson"
    if item["kind"] == "single":
        lengths = [len(option["text"]) for option in item["options"]]
        assert max(lengths) < 4 * min(lengths) + 60, (
            "the right answer should not stand out by its length"
        )
    if item["kind"] == "order":
        assert quiz.shuffled(item) != list(range(len(item["steps"]))), (
            "not offered in the right order"
        )
        assert quiz.shuffled(item) == quiz.shuffled(copy.deepcopy(item)), (
            "the same for every reader"
        )


def test_ids_are_unique():
    assert len({item["id"] for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda i: i.pop("idea"), "'idea' is missing"),
        (lambda i: i.update(kind="essay"), "kind must be one of"),
        (lambda i: i["options"][0].pop("why"), "needs text and why"),
        (lambda i: i["options"][0].update(right=True), "exactly one option must be right"),
        (lambda i: i.update(options=i["options"][:1]), "must be a list of 2"),
        (lambda i: i["options"][0].update(text=i["options"][1]["text"]), "have the same text"),
    ],
)
def test_incomplete_items_are_refused(change, message):
    item = copy.deepcopy(quiz.item_of("01-formulation"))
    change(item)
    with pytest.raises(CourseError, match=message):
        quiz.validate(item)


# ---- answering ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item", [i for i in ITEMS if i["kind"] == "single"], ids=lambda item: item["id"]
)
def test_single_choice_explains_every_option(item):
    for k, option in enumerate(item["options"]):
        score, text = quiz.evaluate(item, quiz.LETTERS[k])
        assert score == float(option["right"])
        assert text.startswith("Right." if option["right"] else "Not quite")
        assert all(other["why"] in text for other in item["options"])


@pytest.mark.parametrize(
    "item", [i for i in ITEMS if i["kind"] == "order"], ids=lambda item: item["id"]
)
def test_ordering_is_right_only_in_the_right_order(item):
    letters = right_order(item)
    assert quiz.evaluate(item, letters)[0] == 1
    assert quiz.evaluate(item, list(letters))[0] == 1
    swapped = letters[1] + letters[0] + letters[2:]
    score, text = quiz.evaluate(item, swapped)
    assert 0 < score < 0.75
    assert "place 1" in text
    assert all(step["why"] in text for step in item["steps"])
    assert quiz.evaluate(item, letters[::-1])[0] == 0


@pytest.mark.parametrize(
    "item_id, given, message",
    [
        ("01-formulation", "z", "one letter from a to d"),
        ("01-formulation", "", "one letter"),
        ("01-steps", "aab", "each of the letters abcde once"),
        ("01-chatbot", "  ", "write your answer"),
        ("01-nothing", "a", "no quiz item '01-nothing'"),
        ("77-x", "a", "no quiz for lesson '77'"),
    ],
)
def test_wrong_input_is_explained_and_not_kept(item_id, given, message, progress):
    with pytest.raises(CourseError, match=message):
        quiz.answer(item_id, given)
    assert not progress.exists()


def test_case_shows_the_rubric_after_an_answer_and_keeps_the_own_mark():
    item = quiz.item_of("01-chatbot")
    text = quiz.answer("01-chatbot", "Best-of-4, measured on held-out questions.")
    assert item["model_answer"] in text and all(row["point"] in text for row in item["rubric"])
    assert record.load_progress()["01-chatbot"]["answers"] == [], "not marked by the computer"
    assert quiz.summary("01").startswith("Lesson 01: 0 of")
    assert quiz.ask("01").data["kept"]["01-chatbot"]["draft"].startswith("Best-of-4"), (
        "a draft is kept for another day"
    )
    assert quiz.mark("01-chatbot", [1, 4]) == f"Noted: 2 of {len(item['rubric'])} points."
    (kept,) = record.load_progress()["01-chatbot"]["answers"]
    assert kept["answer"].startswith("Best-of-4")
    assert kept["score"] == pytest.approx(2 / len(item["rubric"]), abs=1e-3)
    with pytest.raises(CourseError, match="points 1 to"):
        quiz.mark("01-chatbot", [0])


# ---- progress ----------------------------------------------------------------------------------


def test_levels_rise_with_right_answers_and_fall_with_wrong_ones(progress):
    dues = []
    for given, level in (("b", 1), ("b", 2), ("a", 0), ("b", 1)):
        quiz.answer("01-formulation", given)
        entry = record.load_progress()["01-formulation"]
        assert entry["level"] == level
        dues.append(entry["due"])
    assert dues[1] > dues[0] > dues[2], "the more often right, the later it is due"
    assert len(entry["answers"]) == 4
    assert json.loads(progress.read_text())["format"] == record.FORMAT
    assert quiz.summary("01").startswith("Lesson 01: 1 of")


def test_by_default_progress_lies_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.chdir(tmp_path)
    quiz.answer("01-formulation", "b")
    assert (tmp_path / "course-progress.json").is_file()


def test_a_broken_progress_file_is_named_and_left_alone(progress):
    progress.write_text('{"format": 1, "items"')
    with pytest.raises(CourseError, match="progress.json cannot be read"):
        quiz.answer("01-formulation", "b")
    assert progress.read_text() == '{"format": 1, "items"'
    assert quiz.ask("01").data["items"], "the questions are still shown"


# ---- showing -----------------------------------------------------------------------------------


def test_text_shows_every_question_without_its_answer():
    text = quiz.ask("01").text
    for item in quiz.items("01"):
        assert item["question"] in text and f'quiz.answer("{item["id"]}"' in text
        assert not any(
            row["why"] in text for row in item.get("options", item.get("steps", item.get("rubric")))
        )


def test_a_card_has_all_that_the_browser_needs():
    card = quiz.ask("01")
    assert [item["id"] for item in card.data["items"]] == [i["id"] for i in quiz.items("01")]
    single, order, case = (
        next(item for item in card.data["items"] if item["id"] == f"01-{name}")
        for name in ("formulation", "steps", "chatbot")
    )
    assert quiz.item_of("01-formulation")["options"][single["right"]]["right"] is True
    assert order["offered"] == quiz.shuffled(quiz.item_of("01-steps"))
    assert case["model"] and len(case["rubric"]) == 6
    assert card.link == "", "no kernel hears here"
    assert "text/html" in card._repr_mimebundle_()


def test_without_scripts_what_is_right_stands_only_in_what_is_folded():
    still = quiz.ask("01").fallback
    for item in quiz.items("01"):
        for row in item.get("options", item.get("steps", item.get("rubric"))):
            why = html.escape(row["why"])
            at = still.index(why)
            assert still.rfind("<details>", 0, at) > still.rfind("</details>", 0, at)
    unfolded = "".join(part.split("</details>")[-1] for part in still.split("<details>"))
    assert "Right" not in unfolded and "Not this one" not in unfolded
    choices = sum(len(item.get("options", ())) for item in quiz.items("01"))
    assert choices and still.count("<summary>If you chose") == choices


def test_a_second_try_counts_half_and_the_question_comes_back_tomorrow():
    first = quiz.heard({"item": "01-formulation", "answer": "a", "try": 1})
    assert first["entry"]["answers"][0]["score"] == 0 and not first["practice"]
    second = quiz.heard({"item": "01-formulation", "answer": "b", "try": 2})
    (kept,) = second["entry"]["answers"]
    assert (kept["score"], kept["try"], second["entry"]["level"]) == (0.5, 2, 0)
    assert len(record.load_progress()["01-formulation"]["answers"]) == 2
    asked = len(quiz.items("01"))
    assert quiz.summary("01").endswith(f"1 of {asked} questions answered, 0 right.")
    assert second["file"] == "progress.json"


def test_a_near_order_scores_less_at_the_second_try_than_the_right_one():
    item = quiz.item_of("01-steps")
    letters = right_order(item)
    near = letters[1] + letters[0] + letters[2:]
    for attempt in (1, 2):
        entry = quiz.heard({"item": "01-steps", "answer": near, "try": attempt})["entry"]
    assert entry["answers"][-1]["score"] == answers.NEAR * answers.SECOND < answers.SECOND


@pytest.mark.parametrize("first", [["b"], ["a", "c"]], ids=["right at once", "wrong twice"])
def test_what_is_answered_again_before_its_day_is_practice(first):
    for k, letter in enumerate(first, 1):
        quiz.heard({"item": "01-formulation", "answer": letter, "try": k})
    before = record.load_progress()
    said = quiz.heard({"item": "01-formulation", "answer": "b", "try": 1})
    assert said["practice"] and record.load_progress() == before
    after = datetime.now(UTC) + timedelta(days=9)
    assert not answers.waits(before["01-formulation"], after)


def test_a_card_keeps_the_text_of_a_case_and_the_points_of_its_mark():
    message = {"item": "01-chatbot", "answer": "<b>four</b> candidates"}
    assert quiz.heard(message)["entry"] == {
        "level": 0,
        "due": None,
        "answers": [],
        "draft": "<b>four</b> candidates",
    }
    (kept,) = quiz.heard({**message, "points": [1, 4]})["entry"]["answers"]
    assert kept["answer"] == "<b>four</b> candidates" and kept["points"] == [1, 4]
    assert kept["score"] == pytest.approx(2 / 6, abs=1e-3)
    assert quiz.heard({**message, "points": [1]})["practice"]


def test_a_card_is_told_why_nothing_could_be_kept(progress):
    progress.write_text("spoilt")
    message = {"item": "01-formulation", "answer": "b", "try": 1, "at": "x"}
    reply = json.loads(reply_to(json.dumps(message), quiz.heard))
    assert reply["at"] == "x" and "cannot be read as quiz progress" in reply["error"]
    card = quiz.ask("01")
    assert "cannot be read" in card.data["error"] and "cannot be read" in repr(card)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"at": "x"}',
        '{"at": "x", "item": "01-nothing", "answer": "a", "try": 1}',
        '{"at": "x", "item": "01-formulation", "answer": "z", "try": 1}',
        '{"at": "x", "item": "01-formulation", "answer": "b", "try": 3}',
        '{"at": "x", "item": "01-formulation", "answer": null, "try": 1}',
        '{"at": "x", "item": "01-chatbot", "answer": 3}',
        '{"at": "x", "item": "01-chatbot", "answer": "a", "points": [0]}',
    ],
)
def test_a_message_that_is_none_gives_an_error_and_keeps_no_answer(text):
    assert json.loads(reply_to(text, quiz.heard))["error"]
    assert not any(entry["answers"] for entry in record.load_progress().values())


def test_every_idea_has_items_of_two_kinds():
    kinds = {}
    for lesson in quiz.lessons():
        for item in quiz.items(lesson):
            kinds.setdefault(item["idea"], set()).add(item["kind"])
    lacking = [idea for idea in quiz.IDEAS if len(kinds.get(idea, ())) < 2]
    assert not lacking


def test_ids_are_unique_and_name_their_lesson():
    seen = set()
    for lesson in quiz.lessons():
        for item in quiz.items(lesson):
            assert item["id"].startswith(f"{lesson}-")
            assert item["id"] not in seen
            seen.add(item["id"])


def test_what_is_due_comes_back_the_longest_overdue_first():
    assert quiz.due() == [] and "Nothing is due" in repr(quiz.review())
    record.record("01-win-rate", "b", 1.0)  # due in three days
    record.record("01-steps", "abcde", 0.0)  # in one
    assert quiz.due() == []
    now = datetime.now(UTC)
    in_two = quiz.due(now + timedelta(days=2))
    in_nine = quiz.due(now + timedelta(days=9))
    assert [item["id"] for item in in_two] == ["01-steps"]
    assert [item["id"] for item in in_nine] == ["01-steps", "01-win-rate"]


def test_every_task_of_the_exercises_is_on_the_map():
    on_map = [task for row in quiz.mastery() for task in row["tasks"]]
    assert sorted(on_map) == sorted(task.id for task in tasks_of_the_exercises())


def test_lessons_and_exercises_of_a_clone_share_one_progress_file(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    kept_in = {
        "notebooks": tmp_path,
        "exercises": tmp_path,
        "elsewhere": tmp_path / "elsewhere",
    }
    for name in kept_in:
        (tmp_path / name).mkdir()
    for name, folder in kept_in.items():
        monkeypatch.chdir(tmp_path / name)
        assert record.progress_path() == folder / "course-progress.json"


def test_review_asks_what_is_due():
    record.record("01-steps", "abcde", 0.0)
    make_due("01-steps")
    card = quiz.review()
    assert [item["id"] for item in card.data["items"]] == ["01-steps"]
    assert "1 question is due again." in repr(card)
    assert len(quiz.review(everything=True).data["items"]) == len(ITEMS)
    with pytest.raises(CourseError, match="limit must be a number from 1"):
        quiz.review(0)


def test_the_listed_tasks_are_those_of_the_checks():
    assert quiz.listed_tasks() == quiz.registered_tasks(), (
        "checks have changed: write the list anew with course_lib.classroom.quiz.write_tasks()"
    )


def test_every_lesson_and_exercise_with_questions_has_a_notebook():
    root = quiz.FOLDER.parents[2]
    names = [
        path.stem
        for folder in ("notebooks", "exercises")
        for path in root.glob(f"{folder}/*.ipynb")
    ]
    assert sorted(quiz.NOTEBOOKS.values()) == sorted(names)
    assert sorted(quiz.NOTEBOOKS) == quiz.lessons()


def test_an_exercise_belongs_to_the_last_lesson_of_its_number():
    assert [lesson_of(name) for name in ("ex04", "ex09")] == ["04", "09b"]
    homes = by_lesson(quiz.mastery())
    assert set(homes) <= set(quiz.NOTEBOOKS) and {"09a", "09b"} <= set(homes)
    only_practised = [{"idea": "an idea", "lessons": ["ex09"]}]
    assert list(by_lesson(only_practised)) == ["09b"]


def test_the_map_puts_every_idea_in_one_of_four_states_at_its_first_lesson():
    record.record("01-win-rate", "b", 1.0)
    record.record_task("ex01.win_share", 3, 3)
    record.record("02-temperature", "b", 0.0)
    states = {row["idea"]: row["state"] for row in quiz.mastery()}
    assert states["win rate n/(n+1) and ties"] == "mastered"
    assert states["temperature and N"] == "begun"
    assert states["over-optimisation"] == "not yet"
    assert set(states.values()) <= set(quiz.SHAPES)
    make_due("02-temperature")
    text = quiz.mastery_text(quiz.mastery())
    assert text.startswith("1 question is due again")
    assert "lesson 02: " in text.splitlines()[1]
    assert "◆ due again" in text and "● mastered" in text
    homes = [idea["idea"] for lesson in quiz.progress().data["lessons"] for idea in lesson["ideas"]]
    assert sorted(homes) == sorted(states)


def test_links_of_the_map_lead_from_where_the_notebook_is(monkeypatch, tmp_path):
    root = quiz.FOLDER.parents[2]
    for folder, lesson, exercise in (
        ("notebooks", "01_best_of_n.ipynb", "../exercises/ex01_best_of_n.ipynb"),
        ("exercises", "../notebooks/01_best_of_n.ipynb", "ex01_best_of_n.ipynb"),
        (".", "./notebooks/01_best_of_n.ipynb", "./exercises/ex01_best_of_n.ipynb"),
    ):
        monkeypatch.chdir(root / folder)
        still = quiz.progress().fallback
        assert f'href="{lesson}"' in still and f'href="{exercise}"' in still
    monkeypatch.chdir(tmp_path)
    assert "href" not in quiz.progress().fallback
    assert 'href="up/notebooks/01_best_of_n.ipynb"' in quiz.progress("up").fallback


def test_mastery_needs_every_item_of_an_idea_right_and_its_tasks_done():
    idea = "comparison with RLHF"
    mine = [item for item in quiz.items("07") if item["idea"] == idea]
    row = row_of(idea)
    assert row["answered"] == 0 and not row["mastered"]
    for lesson in quiz.lessons():
        for item in quiz.items(lesson):
            if item["idea"] == idea:
                record.record(item["id"], "x", 1.0)
    row = row_of(idea)
    assert row["right"] == row["items"]
    assert row["points"] == 0 < row["most"]
    assert not row["mastered"]
    for task in tasks_of_the_exercises():
        if task.idea == idea:
            record.record_task(task.id, task.points, task.points)
    row = row_of(idea)
    assert row["points"] == row["most"] and row["mastered"]
    record.record(mine[0]["id"], "x", 0.0)
    assert not row_of(idea)["mastered"]
    assert "begun" in quiz.mastery_text(quiz.mastery())


def test_a_case_is_not_evaluated():
    with pytest.raises(CourseError, match="is a case analysis"):
        quiz.evaluate(quiz.item_of("01-chatbot"), "a")


@pytest.mark.parametrize("given", [None, 5, ["a", "b", 3]])
def test_an_answer_of_another_type_is_told(given):
    with pytest.raises(CourseError, match="answer with letters"):
        quiz.answer("ex01-order", given)
    with pytest.raises(CourseError, match="such as"):
        quiz.mark("ex01-case", 1)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        b'{"format": 1, "items": [], "tasks": {}}',
        b'{"format": 1, "items": {}, "tasks": []}',
        b'{"format": 1, "items": {}, "tasks": {"ex01.best_of_n": 3}}',
    ],
)
def test_a_spoilt_progress_file_is_told_and_left_alone(progress, text):
    progress.write_bytes(text)
    for use in (quiz.mastery, lambda: record.record_task("ex01.best_of_n", 1, 3)):
        with pytest.raises(CourseError, match="cannot be read as quiz progress"):
            use()
    assert progress.read_bytes() == text
