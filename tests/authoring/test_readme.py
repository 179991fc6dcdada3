"""README.md says what the lessons say."""

import json
import re

from course_lib import authoring
from course_lib.authoring.facts import lesson_facts
from course_lib.authoring.links import colab, pages_of

ROOT = authoring.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_lessons_is_that_of_the_sources():
    rows = re.findall(r"^\| (\d\d[a-z]?) \| (.+) \|$", README, re.MULTILINE)
    lessons = lesson_facts()
    assert [number for number, _ in rows] == [facts.number for facts in lessons]
    address = authoring.repository_address(ROOT / "pyproject.toml")
    pages = pages_of()
    for facts, (_, row) in zip(lessons, rows, strict=True):
        minutes = f"{facts.minutes} + {facts.deeper}" if facts.deeper else str(facts.minutes)
        assert f"[{facts.page.short}]({facts.page.path})" in row
        assert f"| {minutes} |" in row and facts.question in row
        assert colab(facts.page.path, address) in row
        exercise = pages.exercise_of(facts.number)
        assert ("](exercises/" in row) == (exercise is not None)
        assert exercise is None or f"]({pages.exercises[exercise].path})" in row


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


def test_the_code_for_engineers_runs(tmp_path, monkeypatch):
    """As it stands, with fewer prompts; README's four lines are part of it."""
    text = (ROOT / "docs" / "engineers.md").read_text(encoding="utf-8")
    whole, own = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (four,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    calls = re.findall(r"(\w+)\(", re.sub(r" *#.*", "", four))
    assert calls == ["sample", "score", "select_best", "finetune"]
    assert all(f"{name}(" in whole for name in calls)
    names = {}
    exec(whole.replace("limit=256", "limit=4"), names)
    exec(re.sub(r" *#.*", "", four), names)
    assert names["better"].source.endswith("fine-tuned on 4 replies")
    monkeypatch.chdir(tmp_path)
    row = {"prompt": "p", "responses": ["long one", "short"], "rewards": [1.0, 0.0]}
    (tmp_path / "rollouts.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    exec(own, {})
    kept = json.loads((tmp_path / "best.jsonl").read_text(encoding="utf-8"))
    assert (kept["prompt"], kept["completion"]) == ("p", "short")
