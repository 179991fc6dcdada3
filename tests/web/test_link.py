"""The link from a card to Python: a hidden widget, or Colab's callback; none without a kernel."""

import json
import sys
from types import ModuleType

import pytest

from course_lib.classroom import quiz, record
from course_lib.classroom.web import link

NAME = "ck-link-quiz-heard"


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """A progress file of its own, and no link yet, for every test."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    link.opened.cache_clear()
    yield
    link.opened.cache_clear()


@pytest.fixture
def shown(monkeypatch):
    """What a cell would show, as a list of bundles, in a notebook."""
    display = pytest.importorskip("IPython.display", reason="IPython is not installed")
    bundles = []
    monkeypatch.setattr(display, "display", lambda bundle, raw: bundles.append(bundle))
    monkeypatch.setattr(link, "in_notebook", lambda: True)
    return bundles


def message(**facts):
    return json.dumps({"item": "01-formulation", "answer": "b", "try": 1, "at": "x", **facts})


def test_without_a_kernel_there_is_no_link():
    assert link.opened(quiz.heard) == ("", None)
    assert 'data-link="' not in quiz.ask("01").html()


def test_a_hidden_widget_hears_and_answers(shown, monkeypatch):
    widgets = pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    made = []

    class Text(widgets.Text):
        def __init__(self):
            super().__init__()
            made.append(self)

    monkeypatch.setattr(widgets, "Text", Text)
    quiz.ask("01")._ipython_display_()
    quiz.review()._ipython_display_()
    (text,) = made  # one for all cards
    widget, card, widget_again, _ = shown
    assert widget == widget_again == {"text/plain": "", link.VIEW: widget[link.VIEW]}
    assert f'data-link="{NAME}"' in card["text/html"] and "01-formulation" in card["text/plain"]
    assert text.layout.display == "none" and NAME in text._dom_classes
    text.value = message()
    reply = json.loads(text.placeholder)
    assert reply["at"] == "x" and reply["entry"]["level"] == 1
    assert record.load_progress()["01-formulation"]["level"] == 1
    text.value = "{"
    assert "cannot be read" in json.loads(text.placeholder)["error"]


def test_on_colab_a_callback_hears(shown, monkeypatch):
    callbacks = {}
    output = ModuleType("google.colab.output")
    output.register_callback = callbacks.__setitem__
    colab = ModuleType("google.colab")
    colab.output = output
    for name, module in {"google.colab": colab, "google.colab.output": output}.items():
        monkeypatch.setitem(sys.modules, name, module)
    quiz.ask("01")._ipython_display_()
    (card,) = shown
    assert f'data-link="{NAME}"' in card["text/html"]
    assert callbacks[NAME](message()).data["entry"]["level"] == 1


def test_a_missing_ipywidgets_leaves_the_card(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    quiz.ask("01")._ipython_display_()
    (card,) = shown
    assert 'data-link="' not in card["text/html"]
