"""A card on a page of its own, in a real browser: no kernel, no network."""

import pytest

HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Card</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
)


def pytest_collection_modifyitems(items):
    """The quick subset sees each card once; other widths and themes count as slow."""
    seen = set()
    for item in items:
        asked = getattr(item, "callspec", None)
        here = item.path.parent.name == "web"
        if not here or asked is None or not {"width", "dark"} & set(asked.params):
            continue
        if item.originalname in seen:
            item.add_marker(pytest.mark.slow)
        seen.add(item.originalname)


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


STORE = "JSON.stringify(Object.entries(localStorage).sort())"


@pytest.fixture
def reloaded():
    """reloaded(page, address=None): the page anew, or another that has the same store.

    A browser may hand a store of files to a new document a moment after it was written to, so this
    reloads until one began with it. What the page makes of it is for the test.
    """

    def reload(page, address=None):
        stored = page.evaluate(STORE)
        # before the page's own scripts; a frame without a store has nothing to say
        page.add_init_script(f"try {{ window.storeAtStart = {STORE}; }} catch {{}}")
        for _ in range(60):
            page.goto(address) if address else page.reload()
            if page.evaluate("window.storeAtStart") == stored:
                return
            page.wait_for_timeout(500)
        raise AssertionError(f"no new document began with what was stored: {stored}")

    return reload


@pytest.fixture
def fits():
    """fits(page): nothing is wider than the window."""

    def check(page):
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window

    return check


@pytest.fixture
def accessible():
    """accessible(page): axe finds nothing serious or critical among the cards."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe is not installed: pip install -e '.[dev]'",
    )

    def check(page):
        found = axe.Axe().run(page, context=".ck, .ck-still").response["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        assert grave == [], [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in grave]

    return check
