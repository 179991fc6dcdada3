"""What a reader of the course asks for: findings, where they stand, and JupyterLab."""

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable
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
    from ..classroom.record import is_own

    path = find_notebook(args.exercise)
    print(f"Running {path.name} in a fresh Python ...", file=sys.stderr, flush=True)
    rows = standing(path)
    if is_own(path):
        remember(rows)
    show(rows, args.json, lambda: text_of(rows))
    return int(any(row["points"] < row["most"] for row in rows))


def progress_command(args: Namespace) -> None:
    """``course progress``: the map of ideas."""
    from ..classroom import quiz

    found = quiz.mastery()
    show(found, args.json, lambda: quiz.mastery_text(found))


def lab_command(args: Namespace) -> int:
    """``course lab``: JupyterLab over the course, at lesson 00; returns its exit status."""
    require(
        FIRST.is_file(),
        "the notebooks are not beside the package: `course lab` works in a clone of the "
        "repository. Open notebooks/ with jupyter lab there.",
    )
    require(
        importlib.util.find_spec("jupyterlab"),
        "JupyterLab is not installed: pip install -c constraints.txt -e '.[lab]'",
    )
    root = FIRST.parents[1]
    sign([*root.glob("notebooks/[0-9][0-9]_*.ipynb"), *root.glob("exercises/ex[0-9][0-9]_*.ipynb")])
    # Control-C is Jupyter's: it asks, and ends its kernels
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.call(lab_line(root), cwd=root, env=surroundings(Path(folder)))
    finally:
        signal.signal(signal.SIGINT, before)


def lab_line(root: Path) -> list[str]:
    """The command that starts JupyterLab over the folder ``root``, at lesson 00."""
    command = [sys.executable, "-m", "jupyter", "lab"]
    # in containers; Jupyter refuses otherwise
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return [
        *command,
        f"--ServerApp.root_dir={root}",  # else the lesson's folder, from which no exercise is seen
        f"--LabApp.default_url=/lab/tree/{FIRST.relative_to(root).as_posix()}",
    ]


def surroundings(folder: Path) -> dict[str, str]:
    """JupyterLab's environment: it asks nothing about its news, and its terminals find ``course``.

    ``folder``: where the first is written down; nothing of the reader's own settings is changed.
    """
    settings = folder / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True)
    off = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    settings.write_text(json.dumps(off), encoding="utf-8")
    paths = filter(None, [str(folder), os.environ.get("JUPYTER_CONFIG_PATH")])
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        **os.environ,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(paths),
        "PATH": os.pathsep.join(programs),
    }


def sign(notebooks: Iterable[Path]) -> None:
    """Mark notebooks as trusted, as ``jupyter trust`` does: else Jupyter drops what they draw.

    For the course's own: what would run in the browser is of the package that runs this.
    """
    try:
        import nbformat.sign
    except ImportError:  # no Jupyter here: nobody to trust them
        return
    notary = nbformat.sign.NotebookNotary()
    for path in notebooks:
        with contextlib.suppress(ValueError):  # not a notebook any more: Jupyter says so
            notary.sign(nbformat.read(path, as_version=4))
