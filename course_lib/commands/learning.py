"""What a reader of the course asks for: findings, where they stand, and JupyterLab."""

import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from ..base import require
from .show import show

FIRST = Path(__file__).resolve().parents[2] / "notebooks" / "00_start_here.ipynb"


def findings_command(args: Namespace) -> None:
    """``course findings``: the course's findings, measured."""
    from ..experiments import findings

    table = findings.show(args.lesson)
    show([row.to_dict() for row in table.rows], args.json, lambda: repr(table))


def check_command(args: Namespace) -> int:
    """``course check``: returns 1 while a point is missing."""
    from ..classroom.checks import find_notebook, remember, standing, text_of

    path = find_notebook(args.exercise)
    print(f"Running {path.name} in a fresh Python ...", file=sys.stderr, flush=True)
    rows = standing(path)
    remember(rows)
    show(rows, args.json, lambda: text_of(rows))
    return int(any(row["points"] < row["most"] for row in rows))


def progress_command(args: Namespace) -> None:
    """``course progress``: the map of ideas."""
    from ..classroom import quiz

    found = quiz.mastery()
    show(found, args.json, lambda: quiz.mastery_text(found))


def lab_command(args: Namespace) -> int:
    """``course lab``: JupyterLab at lesson 00; returns its exit status."""
    require(
        FIRST.is_file(),
        "the notebooks are not beside the package: `course lab` works in a clone of the "
        "repository. Open notebooks/ with jupyter lab there.",
    )
    root = FIRST.parents[1]
    command = [sys.executable, "-m", "jupyter", "lab"]
    # in containers; Jupyter refuses otherwise
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return subprocess.call([*command, str(FIRST.relative_to(root))], cwd=root)
