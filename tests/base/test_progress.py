"""Bars in a notebook: late, in HTML, and gone at the end."""

import pytest
from IPython.display import DisplayHandle

from course_lib.base import progress


@pytest.fixture
def shown(monkeypatch):
    """A notebook as far as bars can tell: what was displayed, in order, and a clock to set."""
    seen, clock = [], [0.0]

    def update(handle, data, **settings):
        seen.append(data)

    def display(data, **settings):
        assert settings == {"raw": True, "display_id": True}
        seen.append(data)
        return DisplayHandle()

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(DisplayHandle, "update", update)
    return seen, clock


def test_short_work_shows_no_bar(shown):
    seen, clock = shown
    with progress.bar(10, "sampling", "reply") as bar:
        for _ in range(10):
            clock[0] += 0.1
            bar.update()
    assert seen == []


def test_long_work_shows_one_that_goes_away(shown):
    seen, clock = shown
    with progress.bar(10, "sampling <a>", "reply") as bar:
        for k in range(10):
            clock[0] += 0.5
            bar.set_postfix(loss=f"{k}", refresh=False)
            bar.update()
    assert seen[0]["text/plain"] == "sampling <a>: 3 of 10 (reply), about 3 s left, loss 2"
    assert 'max="10" value="3"' in seen[0]["text/html"]
    assert "sampling &lt;a&gt;" in seen[0]["text/html"]
    assert len(seen) == 9 and seen[-1] == {}


def test_a_bar_goes_away_when_the_work_fails(shown):
    seen, clock = shown
    with pytest.raises(ZeroDivisionError), progress.bar(2, "training") as bar:
        clock[0] = 9
        bar.update()
        _ = 1 / 0
    assert len(seen) == 2 and seen[-1] == {}


def test_quiet_shows_none(shown, monkeypatch):
    seen, clock = shown
    monkeypatch.setattr(progress, "quiet", True)
    with progress.bar(2, "training") as bar:
        clock[0] = 9
        bar.update()
    assert seen == []
