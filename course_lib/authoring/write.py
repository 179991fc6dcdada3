"""Running lessons and writing them down."""

import contextlib
import dataclasses
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base import CourseError, atomic_write, require
from .lessons import COLAB, METADATA, Lesson, notebook_text, prepare, repository_address
from .output import clean, machine_traces

LARGEST = 400_000  # bytes of one notebook
CELL_TIMEOUT = 300  # seconds
PACKAGE = Path(__file__).resolve().parents[2]  # the folder that holds course_lib
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _root(source: Path | str) -> Path:
    """The repository: the nearest folder above ``source`` with a pyproject.toml."""
    for folder in Path(source).resolve().parents:
        if (folder / "pyproject.toml").is_file():
            return folder
    raise CourseError(
        f"no pyproject.toml above {source}: lessons are built inside a copy of the repository, "
        "which holds its address."
    )


def _lesson(source: Path | str, out: Path | str) -> Lesson:
    """The lesson in ``source``, whose notebook goes into the folder ``out``."""
    root = _root(source)
    out = Path(out).resolve()
    folder = out.relative_to(root).as_posix() if out.is_relative_to(root) else "notebooks"
    return prepare(source, repository_address(root / "pyproject.toml"), folder)


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Environment variables for the kernel, taken back afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _kernel_environment() -> Iterator[None]:
    """What a kernel sees: this very copy of the package first, no network, no reader's progress."""
    others = [path for path in [os.environ.get("PYTHONPATH")] if path]
    with tempfile.TemporaryDirectory() as scratch:
        values = {
            "PYTHONPATH": os.pathsep.join([str(PACKAGE), *others]),
            "HF_HUB_OFFLINE": "1",
            "COURSE_PROGRESS": str(Path(scratch) / "progress.json"),
        }
        with environment(**values):
            yield


def run(lesson: Lesson, folder: Path | str) -> list[dict]:
    """The lesson's cells with outputs, run in a clean kernel whose working directory is ``folder``.

    The kernel finds this very copy of the package first, so the lesson's first cell has nothing to
    install.

    Raises :class:`CourseError` that names the lesson and the cell when one fails, takes over 300
    seconds, or prints a path of this machine.
    """
    ran = _executed(lesson, folder)
    cells = zip(lesson.cells, ran, strict=True)
    return [_committed(lesson.name, at, cell, result) for at, (cell, result) in enumerate(cells)]


def _executed(lesson: Lesson, folder: Path | str) -> list:
    """The cells as nbclient leaves them. Raises as :func:`run` does for a cell that fails."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.from_dict(
        {"cells": lesson.cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    )
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    at = 0

    def at_fault(what: str) -> CourseError:
        source = lesson.cells[at]["source"]
        return CourseError(f"{lesson.name}, cell {at} {what}\n\n{source}")

    with _kernel_environment():
        try:
            with client.setup_kernel():
                for at, cell in enumerate(notebook.cells):  # noqa: B007 (part of the message)
                    client.execute_cell(cell, at)
        except CellExecutionError as error:
            failed = at_fault(f"failed with {error.ename}: {error.evalue}")
            raise CourseError(f"{failed}\n\n{COLOUR.sub('', error.traceback)}") from error
        except CellTimeoutError as error:
            raise at_fault(f"took over {CELL_TIMEOUT} seconds:") from error
        except DeadKernelError as error:
            raise at_fault("ended the kernel (out of memory?):") from error
    return notebook.cells


def _committed(name: str, at: int, cell: dict, ran: object) -> dict:
    """Cell ``at`` of the lesson ``name`` with the outputs that may be committed."""
    if cell["cell_type"] != "code":
        return cell
    outputs, noise = clean(ran.outputs)
    if noise:
        print(f"{name}, cell {at} wrote to stderr, which is left out: {noise}", file=sys.stderr)
    traces = machine_traces(outputs)
    require(
        not traces,
        f"{name}, cell {at} prints something of this machine, "
        f"{traces and traces[0]!r}; print names, not paths or addresses.",
    )
    return cell | {"execution_count": ran.execution_count, "outputs": outputs}


def build(
    sources: Sequence[Path | str],
    out: Path | str,
    execute: bool = True,
    check: bool = False,
) -> list:
    """Build py:percent ``sources`` into notebooks in the folder ``out``; returns their paths.

    ``execute=False`` writes them without outputs. ``check=True`` writes nothing and returns the
    differences instead, see :func:`differences`. Raises :class:`CourseError` for a failing cell or
    a notebook of 400 kB and more; what stood there stays.
    """
    if check:
        return differences(sources, out)
    out = Path(out)
    paths = []
    for source in sources:
        started = time.perf_counter()
        lesson = _lesson(source, out)
        out.mkdir(parents=True, exist_ok=True)
        cells = run(lesson, out) if execute else lesson.cells
        text = notebook_text(dataclasses.replace(lesson, cells=cells))
        size = len(text.encode())
        require(
            size < LARGEST,
            f"{lesson.name} is {size / 1000:.0f} kB; a notebook stays under "
            f"{LARGEST / 1000:.0f} kB. Make its pictures smaller or fewer.",
        )
        path = out / f"{lesson.name}.ipynb"
        with atomic_write(path, "w") as file:
            file.write(text)
        paths.append(path)
        seconds = time.perf_counter() - started
        print(
            f"{lesson.name}: {len(cells)} cells, {size / 1000:.0f} kB, {seconds:.0f} s",
            file=sys.stderr,
        )
    return paths


def differences(sources: Sequence[Path | str], out: Path | str) -> list[str]:
    """How the notebooks in ``out`` differ from their sources: a list of lines. Nothing is run."""
    lines = []
    for source in sources:
        lesson = _lesson(source, out)
        path = Path(out) / f"{Path(source).stem}.ipynb"
        if path.is_file():
            lines += _notebook_differences(lesson, json.loads(path.read_text(encoding="utf-8")))
        else:
            lines.append(f"{lesson.name}: there is no notebook.")
    return lines


def _notebook_differences(lesson: Lesson, notebook: dict) -> list[str]:
    """How a notebook differs from its lesson: a list of lines."""
    lines = []
    found = notebook["cells"]
    if len(found) != len(lesson.cells):
        lines.append(
            f"{lesson.name}: {len(found)} cells in the notebook, {len(lesson.cells)} in the source."
        )
    # not strict: one may have more cells, which the line above says
    for at, (have, want) in enumerate(zip(found, lesson.cells, strict=False)):
        lines += [f"{lesson.name}, cell {at}: {line}" for line in _cell_differences(have, want)]
    asks = {key: notebook["metadata"][key] for key in COLAB if key in notebook["metadata"]}
    should = {key: lesson.metadata[key] for key in COLAB if key in lesson.metadata}
    if asks != should:
        lines.append(
            f"{lesson.name}: the notebook asks Colab for {asks or 'no GPU'}, the source "
            f"for {should or 'no GPU'}."
        )
    if "widgets" in notebook["metadata"]:
        lines.append(
            f"{lesson.name}: the notebook holds widget state, which GitHub and nbconvert "
            "cannot show."
        )
    return lines


def _compared(cell: dict) -> dict:
    """The parts of a cell that its source decides."""
    return {
        "type": cell["cell_type"],
        "source": "".join(cell["source"]),  # a string, or a list of lines
        "tags": cell["metadata"].get("tags", []),
        "id": cell.get("id"),
    }


def _cell_differences(have: dict, want: dict) -> list[str]:
    """The first part in which a notebook's cell differs, and whether it was not executed."""
    lines = []
    expected = _compared(want)
    for part, value in _compared(have).items():
        if value != expected[part]:
            lines.append(
                f"the {part} differs: {_short(value)} in the notebook, "
                f"{_short(expected[part])} in the source."
            )
            break
    if have["cell_type"] == "code" and have.get("execution_count") is None:
        lines.append("not executed.")
    return lines


def _short(value: object) -> str:
    """One line of a long value."""
    text = " ".join(str(value).split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
