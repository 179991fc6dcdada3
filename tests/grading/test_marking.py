"""Marking: names hidden, marks in the gradebook, a server that only its own page can speak to."""

import http.client
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from printed import HOSTILE

from course_lib.base import CourseError
from course_lib.classroom.quiz import item_of
from course_lib.grading.desk import MOST_BYTES, page, served
from course_lib.grading.finals import sheets
from course_lib.grading.gradebook import Batch, Entry, Gradebook
from course_lib.grading.marking import BIRDS, Desk, pseudonyms, questions_of

TEXTS = {
    "anna": "Loss 0.02 is no success: the model remembers.\nCalibrate it.",
    "ben": "<img src=x onerror=alert(1)> =cmd \u202e </script><script>alert(2)</script>",
    "cleo": "Loss 0.02 is no success:  the model remembers.\nCalibrate it.",
    "dora": "",
}
MOST = len(item_of("ex03-case")["rubric"])


def filled(path, texts=TEXTS, exercise="ex03", item="ex03-case"):
    """A gradebook with one answer a student."""
    with Gradebook(path, create=True) as book:
        with book.transaction():
            batch = book.add_batch(
                Batch(0, exercise, "v1", "0.1", "s", "{}", "bubblewrap", False, "", "", None)
            )
        for student, text in texts.items():
            with book.transaction():
                entry = book.add_submission(Entry(0, exercise, student, "a.ipynb", "00ff"))
                book.add_grading(entry, batch.id, [])
                if text:
                    given = {"kind": "case", "answer": text, "own_points": [1, 2]}
                    book.put_answers(entry, {item: given, "ex03-dropped": {"answer": "b"}})
    return path


@pytest.fixture
def book(tmp_path):
    return filled(tmp_path / "g.sqlite")


@pytest.fixture
def desk(book):
    return Desk(book, "ex03", "Prof. X")


def marks_of(path):
    """Student → (points, note, author) of each mark that counts."""
    with Gradebook(path) as book:
        return {
            entry.student: [(m.points, m.note, m.author) for m in book.marks(entry.id)]
            for entry in book.entries("ex03")
        }


# ---- the desk ----------------------------------------------------------------------------------


def test_questions_are_the_cases_with_a_point_for_each_row_of_the_rubric():
    found = {question.item: question for question in questions_of("ex03")}
    assert list(found) == ["ex03-case", "03-silent"]
    assert found["ex03-case"].most == MOST == len(found["ex03-case"].rubric)
    assert len(questions_of("ex09")) == 3


def test_answers_have_no_names_and_the_same_pseudonyms_at_every_visit(desk, book):
    first, again = desk.answers(), Desk(book, "ex03", "Y").answers()
    assert [(a.key, a.called) for a in first] == [(a.key, a.called) for a in again]
    assert len({a.called for a in first}) == 4 and {a.item for a in first} == {"ex03-case"}
    told = page(desk)
    assert not any(name in told for name in TEXTS), "no student's name reaches the page"
    assert [bool(a.text) for a in first] == [True, True, True, False], "who gave nothing is last"
    assert sorted(a.same for a in first) == [0, 0, 1, 1], "spaces tell no texts apart"
    assert first[0].own_points == [1, 2]


def test_pseudonyms_never_collide():
    students = [f"student{k}" for k in range(20_000)]
    found = pseudonyms("ex03", students)
    assert len(set(found.values())) == len(students)
    few = pseudonyms("ex03", students[:50])
    same = sum(few[student] == found[student] for student in few)
    assert same >= 45, "they stay when others join, but for a rare twin"
    assert all(name.split()[0] in BIRDS for name in found.values()) and len(set(BIRDS)) == 64
    assert pseudonyms("ex04", students[:1]) != pseudonyms("ex03", students[:1])


def test_a_mark_goes_to_the_gradebook_and_into_the_points(desk, book):
    anna = next(a for a in desk.answers() if a.text == TEXTS["anna"])
    desk.mark(anna.key, 2, "more on calibration")
    desk.mark(anna.key, 2.5, "more on calibration")
    desk.mark(anna.key, 2.5, " more on calibration ")
    assert marks_of(book)["anna"] == [(2.5, "more on calibration", "Prof. X")]
    with Gradebook(book) as opened:
        rows = opened.connection.execute("SELECT count(*) FROM mark").fetchone()
        total = {sheet.student: (sheet.total, sheet.most) for sheet in sheets(opened, "ex03")}
    assert rows == (2,), "every mark is kept, and the same one twice is one"
    assert total["anna"] == (2.5, MOST) and total["ben"] == (0, 0)
    found = next(a for a in desk.answers() if a.key == anna.key)
    assert (found.points, found.note, found.author) == (2.5, "more on calibration", "Prof. X")
    assert desk.standing() == f"ex03-case: 1 of 4 marked, mean 2.5 of {MOST}."


def test_wrong_marks_are_refused_and_nothing_is_written(desk, book):
    key = desk.answers()[0].key
    for points in (-1, MOST + 1, 0.3, float("nan"), float("inf"), "2", None, True):
        with pytest.raises(CourseError, match="in halves"):
            desk.mark(key, points)
    for other in ("", "ex03-case/x", "x/y", f"{key}0"):
        with pytest.raises(CourseError, match="not on the desk"):
            desk.mark(other, 1)
    with pytest.raises(CourseError, match="note is a text"):
        desk.mark(key, 1, ["x"])
    assert not any(marks_of(book).values())


def test_an_answer_that_was_handed_in_anew_is_not_marked_unread(desk, book):
    anna = next(a for a in desk.answers() if a.text == TEXTS["anna"])
    with Gradebook(book) as opened, opened.transaction():
        opened.add_submission(Entry(0, "ex03", "anna", "b.ipynb", "11ff"))
    with pytest.raises(CourseError, match="handed in anew"):
        desk.mark(anna.key, 1)
    assert len({a.called for a in desk.answers()} & {anna.called}) == 1, "the pseudonym stays"


def test_where_there_is_nothing_to_mark_it_is_said(tmp_path, book):
    empty = filled(tmp_path / "e.sqlite", {"anna": ""})
    for args, words in (
        ((empty, "ex03", "X"), "no notebook of ex03 in e.sqlite carries a written answer"),
        ((book, "ex04", "X"), "no notebook of ex04"),
        ((book, "../x", "X"), "no notebook of"),
        ((book, "ex03", " "), "--author"),
        ((tmp_path / "none.sqlite", "ex03", "X"), "no gradebook"),
    ):
        with pytest.raises(CourseError, match=words):
            Desk(*args)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_an_answer_says_stays_inside_its_data(text, tmp_path):
    path = filled(tmp_path / "h.sqlite", {"anna": "x"})
    with Gradebook(path) as book:
        with book.transaction():
            entry = book.add_submission(Entry(0, "ex03", f"n{text}", "a.ipynb", "00fe"))
            book.put_answers(entry, {"ex03-case": {"answer": text, "own_points": text}})
        if text.strip("\0\r\n\t "):
            book.mark(entry, "ex03-case", 1, MOST, text, "X")
    told = page(Desk(path, "ex03", "X"))
    told.encode()
    plain = page(Desk(filled(tmp_path / "p.sqlite", {"anna": "x"}), "ex03", "X"))
    assert re.findall("<[^>]*>", told) == re.findall("<[^>]*>", plain)
    data = json.loads(told.split('id="data">')[1].split("</script>")[0])
    assert len(data["answers"]) == 2 and all(len(a["text"]) <= 20_000 for a in data["answers"])


# ---- the server --------------------------------------------------------------------------------


@pytest.fixture
def server(desk):
    with served(desk) as running:
        yield running


def ask(server, method="GET", path=None, body=None, **headers):
    """(status, headers, text) of a request."""
    link = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=120)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/{server.token}/" if path is None else path
    link.request(method, path, body, headers)
    reply = link.getresponse()
    found = reply.status, dict(reply.getheaders()), reply.read().decode()
    link.close()
    return found


def post(server, told, path=None, **headers):
    headers = {"Content_Type": "application/json", **headers}
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return ask(server, "POST", path or f"/{server.token}/mark", body, **headers)


def test_the_page_is_sealed(server):
    status, headers, text = ask(server)
    assert status == 200 and "ex03: written answers" in text
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer" and "http" not in text.lower()
    assert server.server_address[0] == "127.0.0.1"


def test_who_does_not_know_the_token_gets_nothing_and_writes_nothing(server, desk, book):
    key = desk.answers()[0].key
    mark = {"key": key, "points": 1}
    short = server.token[:-1]
    for path in ("/", "/mark", f"/{short}/", f"/{short}/mark", f"/{server.token}", "/x/../", "//"):
        for status, _, text in (ask(server, path=path), post(server, mark, path)):
            assert status == 404 and key not in text and server.token not in text
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=120) as raw:
        raw.sendall(f"GET /é/ HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
        assert b" 404 " in raw.recv(100)
    assert not any(marks_of(book).values())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "localhost.evil.example:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
    ],
)
def test_other_sites_cannot_write_even_with_the_token(server, desk, book, headers):
    mark = {"key": desk.answers()[0].key, "points": 1}
    assert post(server, mark, **headers)[0] == 403
    if "Host" in headers:
        assert ask(server, **headers)[0] == 403, "nor read"
    assert not any(marks_of(book).values())


def test_the_page_may_write(server, desk, book):
    key = desk.answers()[0].key
    for host in server.hosts:
        assert post(server, {"key": key, "points": 1}, Host=host, Origin=f"http://{host}")[0] == 200
    status, _, text = post(server, {"key": key, "points": 0.5, "note": "<b>"})
    assert status == 200 and json.loads(text) == {"saved": key}
    assert [m for m in marks_of(book).values() if m] == [[(0.5, "<b>", "Prof. X")]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"key": 3}',
        b'{"key": "x", "points": 1}',
        b'{"points": 1}',
        {"points": 99},
        {"points": None},
        {"points": "1"},
        {"points": float("nan")},
        {"points": 1, "note": {"a": 1}},
    ],
)
def test_a_garbled_mark_is_answered_in_words_and_the_server_goes_on(server, desk, book, body):
    if isinstance(body, dict):
        body = {"key": desk.answers()[0].key, **body}
    status, _, text = post(server, body)
    assert status == 400 and json.loads(text)["error"]
    assert ask(server)[0] == 200 and not any(marks_of(book).values())


def test_a_mark_that_is_too_long_or_says_no_length_is_not_read(server, book):
    assert post(server, b"x" * (MOST_BYTES + 1))[0] == 413
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=120) as raw:
        head = f"POST /{server.token}/mark HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
        raw.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
        assert b" 413 " in raw.recv(100)


def test_a_port_in_use_is_said(server, desk):
    with pytest.raises(CourseError, match="--port"), served(desk, server.server_port):
        pass
    with pytest.raises(CourseError, match="--port"), served(desk, 70_000):
        pass


# ---- the command, and the page in a browser ----------------------------------------------------


def test_the_command_serves_until_it_is_interrupted(book):
    import os
    import signal

    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-m", "course_lib", "mark", str(book), "ex03", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--author", "X"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
    )
    try:
        line = process.stdout.readline()
        assert re.search(r"http://127\.0\.0\.1:\d+/[\w-]{43}/$", line.strip())
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0 and "ex03-case: 0 of 4 marked." in said


@pytest.fixture
def marking(browser, server):
    """The page, open; fails at its end when the page wrote an error."""
    found = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.on("pageerror", lambda error: found.append(str(error)))
    # a refused mark is an error to the browser, too
    told = ("Failed to load resource",)
    opened.on(
        "console",
        lambda m: m.type == "error" and not m.text.startswith(told) and found.append(m.text),
    )
    opened.on("dialog", lambda dialog: found.append(dialog.message))
    opened.goto(server.address)
    yield opened
    context.close()
    assert found == []


def test_a_class_is_marked_with_the_keyboard_alone(marking, book):
    keys = marking.keyboard
    cards = marking.locator(".dk-answer")
    assert cards.count() == 4
    keys.press("j")
    assert cards.nth(0).evaluate("e => e === document.activeElement")
    keys.press("2")
    keys.press(".")
    marking.get_by_text("Saved.").first.wait_for()
    keys.press("n")
    keys.type("j is a letter, 3 a digit")
    keys.press("Escape")
    keys.press("j")
    keys.press("k")
    keys.press("u")
    assert cards.nth(1).evaluate("e => e === document.activeElement")
    keys.press("9" if MOST < 9 else "0")
    keys.press("0")
    marking.get_by_text("2 of 4 marked").wait_for()
    marking.wait_for_function(
        "() => [...document.querySelectorAll('.dk-state')]"
        ".filter(e => e.textContent === 'Saved.').length === 2"
    )
    marks = sorted(mark for found in marks_of(book).values() for mark in found)
    assert marks == [(0, "", "Prof. X"), (2.5, "j is a letter, 3 a digit", "Prof. X")]
    marking.reload()
    assert cards.nth(0).locator(".ck-told").inner_text() == f"2.5 of {MOST}"
    assert cards.nth(0).locator("textarea").input_value() == "j is a letter, 3 a digit"


def test_points_that_change_while_a_mark_is_on_its_way_are_kept_too(marking, book):
    """Back to what stood there before, in the middle of saving another."""
    marking.set_default_timeout(120_000)
    keys, held = marking.keyboard, []
    keys.press("j")
    keys.press("2")
    marking.locator(".dk-state", has_text="Saved.").wait_for()
    marking.route("**/mark", lambda route: route.continue_() if held else held.append(route))
    keys.press("3")
    while not held:
        marking.wait_for_timeout(50)
    keys.press("2")
    back = lambda reply: json.loads(reply.request.post_data)["points"] == 2  # noqa: E731
    with marking.expect_response(back):
        held[0].continue_()
    marking.locator(".dk-state", has_text="Saved.").wait_for()
    points = [mark[0] for found in marks_of(book).values() for mark in found]
    assert points == [2]


def test_a_students_text_is_text_on_the_page(marking):
    said = marking.locator(".dk-text").all_inner_texts()
    assert any("<img src=x onerror=alert(1)> =cmd" in text for text in said)
    assert marking.locator(".dk-answer img, .dk-answer script").count() == 0


def test_a_mark_that_is_refused_is_said_and_kept_for_another_try(marking, server, desk, book):
    key = marking.keyboard
    server.desk.questions = {}
    key.press("j")
    key.press("1")
    marking.locator(".dk-bad").get_by_text("this answer is not on the desk").wait_for()
    server.desk.questions = Desk(book, "ex03", "X").questions
    key.press("1")
    marking.get_by_text("Saved.").first.wait_for()
    assert sum(map(len, marks_of(book).values())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_and_passes_axe(browser, server, width, dark):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    scheme = "dark" if dark else "light"
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    opened = context.new_page()
    opened.goto(server.address)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    ground = opened.locator("main").evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
    found = axe.Axe().run(opened).response["violations"]
    context.close()
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
