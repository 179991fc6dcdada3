"""A card on a page of its own, in a real browser: no kernel, no network."""

import os
import shutil

import pytest

CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Card</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
)


@pytest.fixture(scope="session")
def browser():
    """Chromium, started once."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium found: apt-get install chromium, or set CHROMIUM to its path")
    with playwright.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page_of(browser, tmp_path):
    """page_of(card, width=1280, dark=False): a page that shows one card, or several.

    Fails the test at its end when the page wrote an error or asked for anything outside.
    """
    found, contexts = [], []

    def opened(*cards, width=1280, dark=False, motion=False, scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="no-preference" if motion else "reduce",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("console", lambda m: m.type == "error" and found.append(m.text))
        page.on("request", lambda r: r.url.startswith(("http", "ws")) and found.append(r.url))
        file = tmp_path / f"card{len(contexts)}.html"
        body = "\n".join(card if isinstance(card, str) else card.html() for card in cards)
        file.write_text(f"{HEAD}<body><main>{body}</main></body></html>", encoding="utf-8")
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture
def fits():
    """fits(page): nothing is wider than the window."""

    def check(page):
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window

    return check
