"""The website, opened from its files, without a server."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from course_lib import authoring
from course_lib.authoring import site
from course_lib.authoring.facts import exercise_facts, lesson_facts
from course_lib.authoring.links import pages_of
from course_lib.base import CourseError

pytest.importorskip("myst_nb", reason="the site's packages are not installed: make .venv/.site")
pytest.importorskip("sphinxcontrib.katex", reason="sphinxcontrib-katex is not installed")
if shutil.which("node") is None:
    pytest.skip("node is not installed; formulas need it", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
ROOT = authoring.ROOT
LINKED = ("docs", "site", "exercises", "pyproject.toml", "ARCHITECTURE.md", "CONTRIBUTING.md")
ALSO = ("course_lib", "benchmarks", "tests", "LICENSE", "README.md", "CHANGELOG.md", "Makefile")
LESSON = "notebooks/01_best_of_n.html"
PAGES = ["index.html", "notebooks/00_start_here.html", LESSON, "exercises/ex01_best_of_n.html"]
OTHERS = ["map.html", "progress.html", "search.html", "docs/students.html", "docs/measured.html"]


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """The repository, with lesson 01's questions and an explorer as they are now."""
    from course_lib.classroom import explore, quiz
    from course_lib.pools import Pool

    root = tmp_path_factory.mktemp("repository")
    for name in LINKED + ALSO:
        (root / name).symlink_to(ROOT / name)
    (root / "notebooks").mkdir()
    (root / "notebooks" / "src").symlink_to(ROOT / "notebooks" / "src")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, root / "notebooks")
    values = [[float(j) for j in range(8)], [float(-j) for j in range(8)]]
    pool = Pool.from_candidates(
        ["first", "second"], [[f"reply {j}" for j in range(8)]] * 2, {"gold": values}
    )
    cards = [quiz.ask("01"), explore.best_of_n_slider(pool, by="gold", n=4)]
    path = root / "notebooks" / "01_best_of_n.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:  # its stored cards may be older than the scripts
        if cell["cell_type"] == "code":
            cell["outputs"] = [each for each in cell["outputs"] if not _is_card(each)]
    notebook["cells"] += [_shown(card, k) for k, card in enumerate(cards)]
    notebook["cells"] += _prediction()
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return root


def _is_card(output):
    return "window.courseKit" in "".join(output.get("data", {}).get("text/html", ""))


def _shown(card, k):
    output = {
        "output_type": "display_data",
        "data": {"text/html": card.html(), "text/plain": "card"},
        "metadata": {},
    }
    return {
        "cell_type": "code",
        "execution_count": 99,
        "id": f"card-{k}",
        "metadata": {},
        "outputs": [output],
        "source": "card",
    }


def _prediction():
    """A question and its answer, which is closed at first."""
    from course_lib.classroom import quiz

    asked = _shown(quiz.predict("01-site", "How much?", 0, 4, 0.1, "points", start=1), 8)
    shown = asked["outputs"][0] | {"data": {"text/html": "<p>It is 3 points.</p>"}}
    answer = {**asked, "id": "answer", "outputs": [shown], "source": 'show.guess("01-site", gain)'}
    printed = {"output_type": "stream", "name": "stdout", "text": "and printed\n"}
    answer["outputs"].append(printed)
    return [asked, answer | {"metadata": {"tags": ["answer"]}}]


@pytest.fixture(scope="session")
def built(root, tmp_path_factory):
    """The whole site; a warning of its build is an error."""
    return site.build_site(root, tmp_path_factory.mktemp("site") / "html")


@pytest.fixture
def opened(browser, built):
    """opened(page, width=1280, dark=False): a page of the site in Chromium.

    Fails the test at its end for an error on the console or a request that leaves the machine.
    """
    found, contexts = [], []

    def open_page(name, width=1280, dark=False, scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("console", lambda m: m.type in ("error", "warning") and found.append(m.text))
        page.on("request", lambda r: r.url.startswith(("http", "ws")) and found.append(r.url))
        page.goto((built / name).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert found == []


def grave(page):
    """What axe finds that is serious, on the whole page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # without preload: it would read style sheets by requests, which a file may not
    violations = axe.Axe().run(page, options={"preload": False}).response["violations"]
    found = [v for v in violations if v["impact"] in ("serious", "critical")]
    return [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found]


# ---- what is built ----


@pytest.mark.slow
def test_pages_are_small_and_carry_no_script_twice(built):
    sizes = site.weigh(built)
    assert set(PAGES + OTHERS) <= set(sizes) and max(sizes.values()) < site.LARGEST
    lesson = (built / LESSON).read_text(encoding="utf-8")
    scripts = re.findall(r'src="../_static/kit/([^"]+)"', lesson)
    assert "window.courseKit" not in lesson and len(scripts) == len(set(scripts)) >= 2
    assert "<math" in lesson and "$\\" not in lesson, "formulas are MathML"
    assert "find_spec" not in lesson and "colab-badge" not in lesson, "only notebooks need these"


@pytest.mark.slow
def test_pages_say_nothing_that_only_a_notebooks_reader_needs(built):
    said = {page: page.read_text(encoding="utf-8") for page in (built / "notebooks").glob("*.html")}
    for words in ("in the course's folder", "opened it on Colab", "idgets cannot run", "Without w"):
        assert [page.name for page, text in said.items() if words in text] == []
    assert any("Where you stand</span></a> shows them" in text for text in said.values())


def test_a_lesson_loses_what_only_a_notebooks_reader_needs():
    text = "Your answers are kept in `course-progress.json`, in the course's\nfolder.\nGo on: 5 %."
    assert site.on_the_site(text) == (
        "Your answers are kept in this browser; [Where you stand](../progress.md) shows them."
        "\nGo on: 5\N{NO-BREAK SPACE}%."
    )
    assert site.on_the_site("`7 % 2` and `x % 2`") == "`7 % 2` and `x % 2`"


def test_a_formula_takes_the_full_stop_behind_it_and_no_other(monkeypatch):
    from docutils import nodes

    monkeypatch.syspath_prepend(str(ROOT / "site" / "ext"))
    import mathml

    parts = [nodes.emphasis("", "others"), nodes.Text("."), nodes.math("", "x"), nodes.Text(".")]
    paragraph = nodes.paragraph("", "", *parts)
    mathml.keep_together(parts[2])
    assert [child.astext() for child in paragraph.children] == ["others", "", "x", ""]
    assert (parts[2]["before"], parts[2]["after"]) == (".", ".")


@pytest.mark.slow
def test_every_link_leads_somewhere(built):
    texts = {path: path.read_text(encoding="utf-8") for path in built.rglob("*.html")}
    parsed = {path: _links_and_ids(text) for path, text in texts.items()}
    outside = set()
    for path, (links, _) in parsed.items():
        for link in links:
            if link.startswith("data:"):
                continue
            if link.startswith("https://"):
                outside.add(link.split("/")[2])
                continue
            target, anchor = urldefrag(unquote(link))
            there = (path.parent / target).resolve() if target else path
            assert there.is_file(), (path.name, link)
            if anchor and there.suffix == ".html":
                assert unquote(anchor) in parsed[there][1], (path.name, link)
    assert outside <= {"github.com", "arxiv.org", "colab.research.google.com", "nodejs.org"}


def _links_and_ids(text):
    from html.parser import HTMLParser

    links, ids = [], set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            for name, value in attrs:
                if name in ("href", "src") and tag != "base":
                    links.append(value)
                elif name == "id":
                    ids.add(value)

    Reader().feed(text)
    return links, ids


@pytest.mark.slow
def test_a_link_into_a_notebook_holds_on_the_site(built):
    """JupyterLab's anchor of a heading is there beside Sphinx's own."""
    _, ids = _links_and_ids((built / LESSON).read_text(encoding="utf-8"))
    assert {"What-it-costs", "what-it-costs", "How-the-gain-grows-with-n"} <= ids
    assert "How-the-gain-grows-with-$n$" in ids


def test_the_facts_of_lessons_are_read_from_their_sources():
    lessons = lesson_facts()
    assert [f.number for f in lessons] == list(pages_of().lessons)
    assert all(15 <= f.minutes <= 120 and f.question.endswith("?") for f in lessons[:1] + lessons)
    assert lessons[1].builds_on == ("00",)
    tasks = exercise_facts()[0].sections
    assert tasks[0].startswith("Task 1") and tasks[0].endswith("The best of N")


def test_a_link_to_a_file_that_is_not_there_is_an_error(tmp_path):
    (tmp_path / "there.txt").write_text("")
    kept = site.with_whole_links("[a](../there.txt)", "docs/x.md", set(), tmp_path, "https://g")
    assert kept == "[a](https://g/blob/main/there.txt)"
    with pytest.raises(CourseError, match="not there"):
        site.with_whole_links("[a](gone.md)", "docs/x.md", set(), tmp_path, "https://g")


def test_without_node_the_message_says_what_to_do(monkeypatch):
    from course_lib.authoring import formulas

    monkeypatch.setattr(formulas.shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="Install Node.js"):
        formulas.mathml([("x", False)])


def test_a_formula_that_cannot_be_read_is_named():
    from course_lib.authoring import formulas

    with pytest.raises(CourseError, match=r"nosuchmacro"):
        formulas.mathml([(r"\nosuchmacro{x}", False)])


# ---- in the browser ----


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 800, 390])
@pytest.mark.parametrize("name", PAGES + OTHERS)
def test_pages_open_from_a_file_and_fit(opened, fits, name, width):
    page = opened(name, width=width, dark=width == 800)
    assert page.locator("h1").count() == 1
    page.wait_for_load_state("load")
    fits(page)


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    "name", ["index.html", LESSON, "exercises/ex01_best_of_n.html", "map.html"]
)
def test_axe_finds_nothing_serious(opened, name, dark):
    page = opened(name, dark=dark)
    page.wait_for_timeout(300)
    assert grave(page) == []


@pytest.mark.slow
def test_dark_and_light_follow_the_system_and_a_button(opened, reloaded):
    page = opened(LESSON, dark=True)

    def ground():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = ground()
    page.get_by_role("button", name="Light theme").click()
    assert ground() != dark
    reloaded(page)
    assert ground() != dark, "the choice is kept"
    card = page.locator('.ck:not([data-kind="quiz"])').first
    assert card.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.slow
def test_a_question_is_answered_by_keyboard_and_kept(opened, reloaded):
    from course_lib.classroom import quiz

    item = quiz.item_of("01-formulation")
    right = next(o["text"] for o in item["options"] if o.get("right"))
    page = opened(LESSON, width=390)
    box = page.locator(".ckq-item", has=page.get_by_text(item["question"]))
    box.get_by_label(right).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert "✓" in box.locator(".ckq-verdict").inner_text()
    reloaded(page, page.url.replace(LESSON, "progress.html"))
    page.get_by_text("1 of 2 questions").first.wait_for()


def test_an_answer_is_closed_and_stands_beside_the_guess(opened, reloaded):
    page = opened(LESSON)
    answer = page.get_by_text("It is 3 points.")
    assert not answer.is_visible()
    opener = page.locator("summary", has_text="Show what came out").last
    opener.focus()
    page.keyboard.press("Enter")
    assert answer.is_visible() and page.get_by_text("and printed").is_visible()
    beside = page.locator('[data-guess="01-site"]')
    assert not beside.is_visible()
    box = page.locator(".ck", has=page.get_by_label("How much?", exact=True))
    box.get_by_label("How much?", exact=True).press("ArrowRight")
    box.get_by_role("button", name="Keep my guess").click()
    assert beside.inner_text() == "You guessed: 1.1 points."
    reloaded(page)
    opener.press("Enter")
    assert beside.inner_text() == "You guessed: 1.1 points."


@pytest.mark.slow
def test_an_explorer_draws_while_its_slider_moves(opened):
    page = opened(LESSON)
    n = page.get_by_label("n", exact=True)
    n.focus()
    page.keyboard.press("ArrowRight")
    assert n.get_attribute("aria-valuetext") == "8 candidates"
    assert "reply 7" in page.locator(".ck-chosen").last.inner_text()


@pytest.mark.slow
def test_search_works_from_a_file_by_keys(opened):
    page = opened("index.html", width=390)
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search the course")
    field.fill("win rate")
    page.locator(".find li").first.wait_for()
    assert "Win rate" in page.locator(".find li").first.inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/01_best_of_n.html#*")


@pytest.mark.slow
def test_previous_and_next_and_the_menu(opened):
    page = opened(LESSON, width=390)
    beside = page.get_by_role("navigation", name="Neighbours")
    assert [a.get_attribute("href") for a in beside.get_by_role("link").all()] == [
        "00_start_here.html",
        "../exercises/ex01_best_of_n.html",
        "02_n_best_candidates.html",
    ]
    page.get_by_text("Menu", exact=True).click()
    menu = page.get_by_role("navigation", name="All pages")
    assert menu.get_by_role("link", name="01 Best-of-N").first.get_attribute("aria-current")
    page.keyboard.press("Escape")
    assert not menu.is_visible()


@pytest.mark.slow
def test_without_scripts_the_text_and_what_stands_for_cards_are_there(opened):
    page = opened(LESSON, scripts=False)
    assert page.locator("blockquote").last.inner_text().startswith("reply")
    assert page.locator("[data-theme-button]").is_hidden(), "what needs scripts is not offered"


@pytest.mark.slow
def test_slides_of_marked_cells_need_no_network(browser, root, tmp_path):
    from course_lib.authoring import slides

    if not Path(ROOT / "site" / "node_modules" / "reveal.js").is_dir():
        pytest.skip("reveal.js is not installed: npm ci in site/")
    path = root / "notebooks" / "01_best_of_n.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for k, cell in enumerate(notebook["cells"]):
        cell["metadata"]["tags"] = ["slide"] if k == 0 or cell["id"] == "card-1" else []
    path.write_text(json.dumps(notebook), encoding="utf-8")
    out = slides.build_slides(root, tmp_path / "slides", ["01"])
    asked, errors = [], []
    page = browser.new_page()
    page.on("request", lambda r: r.url.startswith("http") and asked.append(r.url))
    page.on("console", lambda m: m.type == "error" and errors.append(m.text))
    page.goto((out / "01_best_of_n.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    assert page.evaluate("Reveal.getTotalSlides()") == 2
    assert page.locator("section h1").inner_text().startswith("Best-of-N")
    page.keyboard.press("End")
    assert page.locator("section.present .ck input[type=range]").count() >= 1
    page.close()
    assert asked == [] and errors == []


def test_slides_of_lessons_without_a_marked_cell_are_refused(root, tmp_path):
    from course_lib.authoring import slides

    if not Path(ROOT / "site" / "node_modules" / "reveal.js").is_dir():
        pytest.skip("reveal.js is not installed: npm ci in site/")
    kept = tmp_path / "slides" / "index.html"
    kept.parent.mkdir()
    kept.touch()
    with pytest.raises(CourseError, match="no lesson 99; the lessons are 00, 01"):
        slides.build_slides(root, tmp_path / "slides", ["99"])
    assert kept.is_file()
