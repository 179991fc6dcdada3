"""Links that the build makes."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from course_lib import authoring
from course_lib.authoring import links
from course_lib.authoring.exercises import Exercise
from course_lib.base import CourseError

pytest.importorskip("jupytext")

ADDRESS = "https://github.com/owner/course"
ROOT = authoring.ROOT
MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page(folder, stem, title="A title: of something"):
    return links.Page(folder, stem, title)


PAGES = links.Pages(
    {n: page("notebooks", f"{n}_name{n}", f"Name {n}: more") for n in ("00", "01", "02")},
    {"01": page("exercises", "ex01_task", "Exercise 01: a task")},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("as in lesson 01.", "as in [lesson 01](01_name01.ipynb)."),
        ("Lesson 02's curve", "[Lesson 02](02_name02.ipynb)'s curve"),
        ("lesson\n02", "[lesson\n02](02_name02.ipynb)"),
        (
            "lessons 00, 01 and 02",
            "lessons [00](00_name00.ipynb), [01](01_name01.ipynb) and [02](02_name02.ipynb)",
        ),
        ("pools of lesson 02, 64 candidates", "pools of [lesson 02](02_name02.ipynb), 64 candid"),
        ("see exercise 01", "see [exercise 01](../exercises/ex01_task.ipynb)"),
        ("`exercises/ex01`: write", "[`exercises/ex01`](../exercises/ex01_task.ipynb): write"),
        ("exercises/ex01_task.ipynb", "[exercises/ex01_task.ipynb](../exercises/ex01_task.ipynb)"),
        ("(arXiv 2307.09288)", "([arXiv 2307.09288](https://arxiv.org/abs/2307.09288))"),
        ("arXiv\n  2401.01879,", "[arXiv\n  2401.01879](https://arxiv.org/abs/2401.01879),"),
        ("| 01 Name | what |", "| [01 Name](01_name01.ipynb) | what |"),
    ],
)
def test_words_become_links(text, expected):
    made = links.linked(text, "notebooks", PAGES)
    assert made.startswith(expected)
    assert links.linked(made, "notebooks", PAGES) == made, "done twice, it changes nothing"


@pytest.mark.parametrize(
    "text",
    [
        "## Back to lesson 01",
        "`lesson 01` and ``arXiv 2307.09288``",
        "```python\nprint('lesson 01')\n```",
        "$\\text{lesson 01}$ and $$\\text{lesson 02}$$",
        "[as in lesson 01](somewhere.md)",
        "[![lesson 01](lesson 01.svg)](https://a.b/c)",
        "<a href='x'>\nlesson 01</a>",
        "| 40 | 01 |",
        "in 2307.09288 lessons",
    ],
)
def test_code_formulas_headings_and_links_stay(text):
    assert links.linked(text, "notebooks", PAGES) == text


def test_a_page_is_not_linked_to_itself():
    assert links.linked("lesson 01", "notebooks", PAGES, here="01_name01") == "lesson 01"


@pytest.mark.parametrize("text", ["lesson 17", "exercise 03", "lessons 01 and 17"])
def test_what_does_not_exist_is_an_error(text):
    with pytest.raises(CourseError, match="does not exist"):
        links.linked(text, "notebooks", PAGES)


def test_links_from_an_exercise_and_for_one_that_is_handed_out_alone():
    text = links.linked("lesson 01, exercise 01", "exercises", PAGES)
    assert text == "[lesson 01](../notebooks/01_name01.ipynb), [exercise 01](ex01_task.ipynb)"
    whole = links.absolute(f"{text} [a](#b) [c](https://d.e)", "exercises", f"{ADDRESS}.git")
    assert f"({ADDRESS}/blob/main/notebooks/01_name01.ipynb)" in whole
    assert f"({ADDRESS}/blob/main/exercises/ex01_task.ipynb)" in whole
    assert whole.endswith("[a](#b) [c](https://d.e)")
    pictured = links.absolute("[![Open](../x.svg)](https://colab.x/y)", "exercises", ADDRESS)
    assert pictured == "[Open](https://colab.x/y)"


def test_contents_and_bar():
    texts = [
        "# Title\n\n## One, two?",
        "```\n## no heading\n```",
        "## Deeper: $n$ `x`\n\n## Last",
    ]
    assert links.contents(texts) == (
        "**On this page:** [One, two?](#One,-two?) · [Last](#Last)\n\n"
        "**Deeper:** [$n$ x](#Deeper:-n-x)"
    )
    assert links.contents(texts[:1]) == ""
    assert links.bar("01_name01", "notebooks", PAGES) == (
        "---\n\n[← Name 00](00_name00.ipynb) · "
        "[Exercise 01: a task](../exercises/ex01_task.ipynb) · [Name 02 →](02_name02.ipynb)"
    )
    assert links.bar("ex01_task", "exercises", PAGES).endswith(
        "[← Name 01](../notebooks/01_name01.ipynb) · [Name 02 →](../notebooks/02_name02.ipynb)"
    )
    assert links.bar("elsewhere", "notebooks", PAGES) == ""


PARTS = links.Pages(
    {n: page("notebooks", f"{n}_name{n}", f"Name {n}: more") for n in ("01", "02a", "02b", "03")},
    {n: page("exercises", f"ex{n}_task", f"Exercise {n}: a task") for n in ("01", "02")},
)


def test_a_lesson_in_two_parts_has_one_exercise_after_the_second():
    """Numbers such as 02a are linked whole, and follow each other."""
    assert links.linked("lesson 02a, lessons 02a and 02b", "notebooks", PARTS) == (
        "[lesson 02a](02a_name02a.ipynb), "
        "lessons [02a](02a_name02a.ipynb) and [02b](02b_name02b.ipynb)"
    )
    assert links.linked("| 02b Name | what |", "notebooks", PARTS).startswith("| [02b Name](02b_")
    with pytest.raises(CourseError, match="lesson 02, which does not exist; there are 01, 02a"):
        links.linked("lesson 02", "notebooks", PARTS)
    assert [PARTS.exercise_of(n) for n in PARTS.lessons] == ["01", None, "02", None]
    assert [PARTS.lesson_of(n) for n in ("01", "02", "03")] == ["01", "02b", None]
    assert links.bar("02a_name02a", "notebooks", PARTS) == (
        "---\n\n[← Name 01](01_name01.ipynb) · [Name 02b →](02b_name02b.ipynb)"
    )
    assert links.bar("ex02_task", "exercises", PARTS).endswith(
        "[← Name 02b](../notebooks/02b_name02b.ipynb) · [Name 03 →](../notebooks/03_name03.ipynb)"
    )
    assert [links.number_of(stem) for stem in ("02b_name", "ex02_task")] == ["02b", "02"]


def notebooks():
    """Every lesson and every student's exercise, as the build makes them."""
    for source in authoring.lesson_sources():
        yield authoring.prepare(source, ADDRESS)
    for source in authoring.exercise_sources():
        yield Exercise(source).notebook(False, ADDRESS)


def test_every_link_of_every_source_leads_somewhere():
    for lesson in notebooks():
        texts = [cell["source"] for cell in lesson.cells if cell["cell_type"] == "markdown"]
        found = [target for text in texts for target in MARKDOWN_LINK.findall(text)]
        assert found
        headings = re.findall(r"^## (.*)$", "\n".join(texts), re.MULTILINE)
        anchors = {"#" + re.sub("[*`$]", "", heading).replace(" ", "-") for heading in headings}
        for target in found:
            if target.startswith("#"):
                assert unquote(target) in anchors, (lesson.name, target)
            elif not target.startswith("https://"):
                assert (ROOT / lesson.folder / target.partition("#")[0]).exists(), target


def test_a_notebook_has_its_badge_contents_and_bar():
    lesson = authoring.prepare(next(iter(authoring.lesson_sources(["04"]))), ADDRESS)
    first, contents, *_, last = lesson.cells
    image = re.search(r"!\[Open in Colab\]\(([^)]+)\)", first["source"])[1]
    assert (ROOT / "notebooks" / image).read_text().startswith("<svg")
    assert contents["metadata"] == {"tags": ["contents"]}
    assert last["metadata"] == {"tags": ["navigation"]}
    assert last["source"].count("](") == 3
    exercise = Exercise(authoring.exercise_sources(["ex04"])[0]).notebook(False, ADDRESS)
    image = re.search(r"!\[Open in Colab\]\(([^)]+)\)", exercise.cells[0]["source"])[1]
    assert (ROOT / "exercises" / image).is_file()


def test_a_lesson_that_speaks_of_one_that_is_not_there_is_not_built(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    source = tmp_path / "notebooks" / "src" / "01_lesson.py"
    source.parent.mkdir(parents=True)
    source.write_text("# %% [markdown]\n# # A title\n#\n# More in lesson 02.\n")
    with pytest.raises(CourseError, match="lesson 02"):
        authoring.prepare(source, ADDRESS)
    Path(source.parent / "02_next.py").write_text("# %% [markdown]\n# # Next: more\n")
    cells = authoring.prepare(source, ADDRESS).cells
    assert "[lesson 02](02_next.ipynb)" in cells[0]["source"]
    (bar,) = [cell for cell in cells if cell["metadata"] == {"tags": ["navigation"]}]
    assert bar["source"] == "---\n\n[Next →](02_next.ipynb)"
