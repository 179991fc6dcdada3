"""README.md says what the lessons say."""

import re

from course_lib import authoring
from course_lib.authoring.facts import lesson_facts
from course_lib.authoring.links import colab, pages_of

ROOT = authoring.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_lessons_is_that_of_the_sources():
    rows = re.findall(r"^\| (\d\d) \| (.+) \|$", README, re.MULTILINE)
    lessons = lesson_facts()
    assert [number for number, _ in rows] == [facts.number for facts in lessons]
    address = authoring.repository_address(ROOT / "pyproject.toml")
    exercises = pages_of().exercises
    for facts, (_, row) in zip(lessons, rows, strict=True):
        minutes = f"{facts.minutes} + {facts.deeper}" if facts.deeper else str(facts.minutes)
        assert f"[{facts.page.short}]({facts.page.path})" in row
        assert f"| {minutes} |" in row and facts.question in row
        assert colab(facts.page.path, address) in row
        exercise = exercises.get(facts.number)
        assert exercise is None or f"]({exercise.path})" in row


def test_it_is_short_and_its_links_lead_somewhere():
    prose = re.sub(r"^\|.*\|$|<picture>.*?</picture>", "", README, flags=re.MULTILINE | re.DOTALL)
    assert len(prose.split()) < 750
    links = re.findall(r"\]\(([^)\s]+)\)", README) + re.findall(r'src(?:set)?="([^"]+)"', README)
    inside = [link.partition("#")[0] for link in links if not link.startswith("https://")]
    assert inside and all((ROOT / link).exists() for link in inside)


def test_the_picture_is_that_of_the_stored_pool(tmp_path, capsys):
    from course_lib.authoring import picture

    picture.main(tmp_path)
    for name in ("hero-light.svg", "hero-dark.svg"):
        assert (tmp_path / name).read_bytes() == (ROOT / "docs" / name).read_bytes()
    assert f'alt="{capsys.readouterr().out.strip()}"' in README
