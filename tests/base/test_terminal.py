"""Text on consoles that lack characters."""

import io
import json
import sys

import pytest

from course_lib.base import terminal
from course_lib.base.terminal import HANDLER, PLAIN, make_printable, stand_in
from course_lib.commands.show import show

POOR = ("ascii", "cp1252", "cp437", "latin-1")


@pytest.mark.parametrize("encoding", POOR)
def test_every_text_can_be_printed(encoding):
    text = "16 × 4, 0.5 ± 0.1 → “x” ≤ π · é ﬁ 漢 ‖ σ ŷ − ½ \ud800 🙂"
    written = text.encode(encoding, HANDLER).decode(encoding)
    assert len(written) >= len(text) and "16 " in written


def test_what_stands_in_is_ascii():
    assert all(value.isascii() for value in PLAIN.values())
    assert (stand_in("×"), stand_in("→"), stand_in("±"), stand_in("−")) == ("x", "->", "+-", "-")
    assert (stand_in("é"), stand_in("σ"), stand_in("²"), stand_in("漢")) == (
        "e",
        "sigma",
        "^2",
        "?",
    )


def test_a_stream_is_made_printable_and_others_stay():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    make_printable(stream, io.StringIO(), None)
    stream.write("3 × 4 → 12")
    stream.flush()
    assert raw.getvalue() == b"3 x 4 -> 12"


def test_json_loses_nothing_on_a_poor_console(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp437", errors=HANDLER))
    show({"text": "3 × 4 → 漢"}, True, str)
    sys.stdout.flush()
    assert json.loads(raw.getvalue().decode("cp437")) == {"text": "3 × 4 → 漢"}
    assert terminal.shows_unicode(io.TextIOWrapper(raw, encoding="utf-8"))
    assert not terminal.shows_unicode(sys.stdout)
