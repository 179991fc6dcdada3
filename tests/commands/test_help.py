"""What plain ``course`` and ``--help`` say."""

import argparse
import re

import pytest

from course_lib.base import progress
from course_lib.commands.help import rule_lines
from course_lib.commands.parser import build_parser
from course_lib.pools import RULES

COMMANDS = next(
    action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)
).choices


def test_plain_course_says_where_to_begin(course):
    status, out, err = course()
    assert (status, err) == (0, "")
    assert all(word in out for word in ("course lab", "course run", "course doctor", "--help"))
    assert all(name in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_every_default_named(name):
    text = " ".join(COMMANDS[name].format_help().split())
    for action in COMMANDS[name]._actions:
        assert action.help, f"{name} {action.dest}"
        named = action.default not in (None, False, argparse.SUPPRESS)
        if named and action.option_strings:
            assert f"(default: {action.default}" in text, f"{name} {action.option_strings[-1]}"
    assert "default: None" not in text and "default: False" not in text


def test_what_the_tier_decides_is_said_to_be_so():
    text = " ".join(COMMANDS["run"].format_help().split())
    for option in ("-n N", "--temperature TEMPERATURE", "--prompts PROMPTS", "--epochs EPOCHS"):
        assert re.search(rf"{option} [^(]*\(default: the tier's\)", text), option


@pytest.mark.parametrize("name", ["run", "select"])
def test_help_lists_the_rules_with_a_line_each(name):
    text = COMMANDS[name].format_help()
    for rule in RULES:
        assert re.search(rf"^  {rule} +\S.*\S$", text, re.MULTILINE), rule


def test_the_lines_are_those_of_the_rules():
    """They are read from the source, because importing it would import torch."""
    lines = rule_lines()
    assert list(lines) == list(RULES)
    for name, rule in RULES.items():
        first = rule.function.__doc__.split("\n")[0].replace("``", "")
        assert lines[name] == first and ":func:" not in first


@pytest.mark.parametrize("lesson", ["1", "01", "lesson01", "lesson 1", "Lesson-01", "01_best_of_n"])
def test_a_lesson_by_any_of_its_names(lesson):
    from course_lib.experiments.findings.registry import known

    assert {one.lesson for one in known(lesson)} == {"01"}


def test_a_lesson_without_findings_is_refused(course):
    for lesson in ("99", "zero"):
        status, _, err = course("findings", "--lesson", lesson)
        assert status == 1 and "lessons with findings: 01, 02" in err


@pytest.mark.slow
def test_a_reward_that_is_not_there_suggests_one_that_would_be_taken(course, made, tmp_path):
    status, _, err = course(
        "score", made / "p.npz", "--reward", "nosuch", "--out", tmp_path / "q.npz"
    )
    assert status == 1 and "no reward model at nosuch" in err
    assert "Reward" in err and "helpdesk/reward-8000" in err and "verifier" in err
    assert "0.6B-Base" not in err


def test_quiet_is_over_when_the_command_is(course):
    assert course("findings", "--lesson", "0", "--quiet")[0] == 1
    assert progress.quiet is False
