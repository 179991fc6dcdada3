"""Cards where they meet other front ends: a frame of Colab's, VS Code, a page without styles."""

import html
import json

import pytest

from course_lib.classroom import quiz, show
from course_lib.classroom.web import link

COLAB = """<script>window.google = {colab: {kernel: {invokeFunction: async (name, args) => ({
data: {"application/json": {...JSON.parse(args[0]), file: "heard by " + name,
entry: {level: 1, due: null, answers: [{score: 1, try: 1}]}}}})}}}</script>"""
DARK, LIGHT = "rgb(31, 31, 31)", "rgb(255, 255, 255)"


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))


def framed(inner, theme=""):
    """An output alone in a frame that may run scripts and nothing else; Colab allows more."""
    page = f'<html lang="en" {theme}><body><div id="output-area">{inner}</div></body></html>'
    return (
        '<iframe title="output" sandbox="allow-scripts" width="760" height="860" '
        f'srcdoc="{html.escape(page)}"></iframe>'
    )


def test_questions_are_checked_and_kept_in_a_frame(page_of):
    card = quiz.ask("00")
    asked = card.html().replace('class="ck"', 'class="ck" data-link="the-callback"')
    frame = page_of(framed(COLAB + asked)).frame_locator("iframe")
    panel = frame.locator(".ckq-item").nth(1)
    panel.get_by_text("That A prefers what A picked").click()
    panel.get_by_role("button", name="Check").click()
    assert panel.locator(".ckq-verdict").inner_text().startswith("✓ Right.")
    panel.get_by_text("Kept in heard by the-callback.").wait_for()


@pytest.mark.parametrize(
    ("theme", "system", "ground"),
    [("", "light", LIGHT), ("", "dark", LIGHT), ('theme="dark"', "light", DARK)],
)
def test_colab_says_whether_it_is_dark(page_of, theme, system, ground):
    shown = show.replies("How?", ["So."])._repr_mimebundle_()["text/html"]
    both = quiz.ask("00").html() + shown
    frame = page_of(framed(both, theme), dark=system == "dark").frame_locator("iframe")
    for name in (".ck", ".ck-still"):
        box = frame.locator(name).first
        assert box.evaluate("e => getComputedStyle(e).getPropertyValue('--ck-bg')") == (
            "#fff" if ground == LIGHT else "#1f1f1f"
        )
    assert frame.locator(".ck").evaluate("e => getComputedStyle(e).backgroundColor") == ground


@pytest.mark.parametrize("kind", ["vscode-dark", "vscode-light", "vscode-high-contrast"])
def test_colours_of_vs_code(page_of, accessible, kind):
    light = kind == "vscode-light"
    ground, ink, soft = (LIGHT, "#3b3b3b", "#3b3b3b") if light else (DARK, "#ccc", "#9d9d9d")
    shown = show.replies("How?", ["So."], scores={"gold": [1.0]}, notes=["a note"])
    page = page_of(quiz.ask("00"), shown._repr_mimebundle_()["text/html"])
    page.evaluate(
        """([kind, ground, ink, soft]) => {
            document.body.className = kind;
            const style = document.documentElement.style;
            style.setProperty("--vscode-editor-background", ground);
            style.setProperty("--vscode-editor-foreground", ink);
            style.setProperty("--vscode-descriptionForeground", soft);
            document.body.style.background = ground;
        }""",
        [kind, ground, ink, soft],
    )
    assert page.locator(".ck").evaluate("e => getComputedStyle(e).backgroundColor") == ground
    accessible(page)


def test_replies_without_styles_are_not_marked_and_the_question_stands_out():
    about = {"topic": "password"}
    shown = show.replies("How do I reset my password?", ["Open the sign-in page."], about=about)
    page = shown._repr_mimebundle_()["text/html"]
    assert "<mark" not in page and ">How do I reset my password?</b>" in page


def test_what_is_kept_on_colab_is_said(monkeypatch):
    message = {"item": "00-who-judges", "answer": "b", "try": 1, "at": "x"}
    said = json.loads(link.reply_to(json.dumps(message), quiz.heard))
    assert said["file"] == "progress.json"
    monkeypatch.setattr("course_lib.classroom.record.on_colab", lambda: True)
    assert quiz.heard(message)["file"].endswith("deletes with its machine: download it to keep it")
    monkeypatch.setenv("COURSE_PROGRESS", "/content/drive/MyDrive/progress.json")
    from course_lib.classroom import record

    assert record.kept_in() == "progress.json"
