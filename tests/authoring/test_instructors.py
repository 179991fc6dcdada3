"""docs/instructors.md says what the commands, the limits and the tests are."""

import re
import shlex
from dataclasses import asdict

import pytest

from course_lib import authoring
from course_lib.commands.parser import build_parser
from course_lib.grading.box import Limits

ROOT = authoring.ROOT
GUIDE = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
GRADING = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    course (.+?)(?:  +#.*)?$", re.MULTILINE)
NAMED = {"ADDRESS", "SUBMISSIONS"}  # stand for something


def commands(text):
    return [line.replace("…", "").strip() for line in COMMAND.findall(text)]


def test_there_are_commands_for_a_whole_term():
    called = {" ".join(line.split()[:2]) for line in commands(GUIDE)}
    wanted = {"release --all", "grade ex03", "mark grades.sqlite"}
    wanted |= {f"gradebook {what}" for what in ("show", "override", "late", "feedback", "export")}
    assert wanted | {"gradebook report"} <= called


@pytest.mark.parametrize("line", sorted({*commands(GUIDE), *commands(GRADING)}))
def test_a_command_is_one(line):
    args = build_parser().parse_args(shlex.split(line))
    assert callable(args.function)


def test_tasks_and_exercises_in_commands_are_there():
    from course_lib.authoring.exercises import exercise_sources
    from course_lib.classroom.checks import tasks

    for line in commands(GUIDE) + commands(GRADING):
        words = shlex.split(line)
        for exercise in {word for word in words if re.fullmatch(r"ex\d\d", word)}:
            assert exercise_sources([exercise])
        if words[:2] == ["gradebook", "override"]:
            assert words[3] in tasks("ex03")
        for word in words:
            if found := re.search(r"(ex\d\d_\w+)\.ipynb", word):
                assert (ROOT / "exercises" / f"{found[1]}.ipynb").is_file()


def test_the_limits_are_those_of_a_box():
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", GUIDE, re.MULTILINE))
    limits = asdict(Limits())
    shown = {
        "time in all": f"{limits['seconds']:g} s",
        "processor time of each process": f"{int(limits['seconds']) + 1} s",
        "memory of all processes together": f"{limits['memory_mb']} MiB",
        "address space of each process": f"{limits['address_mb']} MiB",
        "processes at a time": f"{limits['processes']}",
        "its private `/tmp`; one file in it": f"{limits['disk_mb']} MiB; {limits['file_mb']} MiB",
        "all that it says": f"{limits['output_mb']} MiB",
    }
    assert {name: rows[name] for name in shown} == shown


def test_each_defence_has_a_case_or_a_test():
    (section,) = re.findall(
        r"^## What grading defends against\n(.*?)^## ", GUIDE, re.MULTILINE | re.DOTALL
    )
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \|$", section, re.MULTILINE)
    shown = [re.findall(r"`([\w.]+)`", row) for row in rows if "`" in row]
    assert len(shown) >= 15 and all(shown)
    for name in {name for row in shown for name in row}:
        places = [f"tests/hostile/cases/{name}.txt", f"tests/grading/{name}"]
        assert any((ROOT / place).is_file() for place in places), name


@pytest.mark.parametrize("page", ["instructors.md", "grading.md", "teaching.md", "students.md"])
def test_links_lead_to_files_and_headings(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = ROOT / "docs" / (path or page)
        assert target.resolve().exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in slugs, link
