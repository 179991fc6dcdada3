"""`run`: repeated runs, small runs, settings."""

import json

import pytest

from course_lib.base import CourseError
from course_lib.experiments import TIERS, run

SMALL = {"prompts": 8, "n": 2, "held_out": 8, "epochs": 1}


@pytest.mark.slow
def test_a_repeated_run_reports_the_times_of_the_first(tmp_path):
    """Nothing is sampled again, so nothing new can be known about how long sampling takes."""
    first = run(out=tmp_path, **SMALL)
    stored = json.loads((tmp_path / "result.json").read_text())
    again = run(out=tmp_path, **SMALL)
    assert again["rows"] == first["rows"] == stored["rows"]
    assert json.loads((tmp_path / "result.json").read_text())["rows"] == first["rows"]
    assert again["rows"]["base"]["milliseconds"]["mean"] > 0


def test_a_small_run_is_small():
    """Few prompts without a word on the held-out ones: few of them too, in proportion."""
    settings = TIERS["cpu"].changed(prompts=32, n=4)
    assert (settings.prompts, settings.held_out, settings.n) == (32, 16, 4)
    for tier in TIERS.values():
        assert tier.changed(prompts=tier.prompts) == tier, "the tier's own numbers stay"
    assert TIERS["cpu"].changed(prompts=32, held_out=64).held_out == 64
    assert TIERS["cpu"].changed(n=4).held_out == 256


def test_settings_are_changed_by_name_wherever_they_lie():
    settings = TIERS["cpu"].changed(n=3, lr=0.5, rounds=2, seed=7, rule=None, device="cpu")
    assert (settings.sampling.n, settings.training.lr, settings.loop.rounds) == (3, 0.5, 2)
    assert settings.sampling.seed == settings.training.seed == 7
    assert settings.rule is None and settings.device == "cpu"
    with pytest.raises(CourseError, match="unknown settings: temprature"):
        settings.changed(temprature=1)
