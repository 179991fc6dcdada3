"""Threads that wait sleep, whichever of torch and the course was imported first."""

import os
import subprocess
import sys

import pytest

SAY = (
    "import os, threading; from course_lib.base.threads import NAME; "
    "print(any(t.name == NAME for t in threading.enumerate()), os.environ['OMP_WAIT_POLICY'], "
    "torch.get_num_threads() == before)"
)


def said(program, **environment):
    clean = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-c", f"{program}; {SAY}"]
    done = subprocess.run(
        command, env={**clean, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.slow
def test_after_torch_an_idle_team_keeps_the_others_asleep(threads):
    first = f"import torch; torch.set_num_threads({threads}); before = {threads}; import course_lib"
    assert said(first) == ["True", "PASSIVE", "True"]


@pytest.mark.slow
def test_the_idle_team_is_there_too_where_torch_has_worked_before():
    """As in a notebook whose first cell computes something with torch."""
    work = "import torch; torch.set_num_threads(2); torch.ones(10**6).mul(2).sum()"
    assert said(f"{work}; before = 2; import course_lib") == ["True", "PASSIVE", "True"]


@pytest.mark.slow
def test_before_torch_the_policy_is_enough():
    first = "import course_lib, torch; before = torch.get_num_threads()"
    assert said(first) == ["False", "PASSIVE", "True"]


@pytest.mark.slow
def test_what_the_user_has_set_stays():
    first = "import torch; before = torch.get_num_threads(); import course_lib"
    assert said(first, OMP_WAIT_POLICY="ACTIVE") == ["False", "ACTIVE", "True"]
