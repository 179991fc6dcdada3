"""Running lessons and writing them down."""

import contextlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from ..base import CourseError, atomic_write, require
from .lessons import COLAB, METADATA, prepare, repository_address
from .output import clean, machine_traces

LARGEST = 400_000  # bytes of one notebook
CELL_TIMEOUT = 300  # seconds
PACKAGE = Path(__file__).resolve().parents[2]  # the folder that holds course_lib
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _root(source):
    """The repository: the nearest folder above ``source`` with a pyproject.toml."""
    for folder in Path(source).resolve().parents:
        if (folder / "pyproject.toml").is_file():
            return folder
    raise CourseError(
        f"no pyproject.toml above {source}: lessons are built inside a copy of the repository, "
        "which holds its address."
    )


def _lesson(source, out):
    root = _root(source)
    out = Path(out).resolve()
    folder = out.relative_to(root).as_posix() if out.is_relative_to(root) else "notebooks"
    return prepare(source, repository_address(root / "pyproject.toml"), folder)


@contextlib.contextmanager
def environment(**values):
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


def run(lesson, folder):
    """Run the lesson's cells in a clean kernel whose working directory is ``folder``; returns cells
    with outputs.

    The kernel finds this very copy of the package first, so the lesson's first cell has nothing to
    install.

    Raises :class:`CourseError` that names the lesson and the cell when one fails, takes over 300
    seconds, or prints a path of this machine.
    """
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
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    at = 0
    with (
        tempfile.TemporaryDirectory() as scratch,
        environment(
            PYTHONPATH=path,
            HF_HUB_OFFLINE="1",
            COURSE_PROGRESS=str(Path(scratch) / "progress.json"),
        ),
    ):
        try:
            with client.setup_kernel():
                for at, cell in enumerate(notebook.cells):  # noqa: B007 (the position is part of the message)
                    client.execute_cell(cell, at)
        except CellExecutionError as error:
            raise CourseError(
                f"{lesson.name}, cell {at} failed with {error.ename}: "
                f"{error.evalue}\n\n{lesson.cells[at]['source']}\n\n{COLOUR.sub('', error.traceback)}"
            ) from error
        except CellTimeoutError as error:
            raise CourseError(
                f"{lesson.name}, cell {at} took over {CELL_TIMEOUT} "
                f"seconds:\n\n{lesson.cells[at]['source']}"
            ) from error
        except DeadKernelError as error:
            raise CourseError(
                f"{lesson.name}, cell {at} ended the kernel (out of "
                f"memory?):\n\n{lesson.cells[at]['source']}"
            ) from error
    done = []
    for at, (cell, ran) in enumerate(zip(lesson.cells, notebook.cells, strict=True)):
        if cell["cell_type"] == "code":
            outputs, noise = clean(ran.outputs)
            if noise:
                print(
                    f"{lesson.name}, cell {at} wrote to stderr, which is left out: {noise}",
                    file=sys.stderr,
                )
            traces = machine_traces(outputs)
            require(
                not traces,
                f"{lesson.name}, cell {at} prints something of this machine, "
                f"{traces and traces[0]!r}; print names, not paths or addresses.",
            )
            cell = cell | {"execution_count": ran.execution_count, "outputs": outputs}
        done.append(cell)
    return done


def build(sources, out, execute=True, check=False):
    """Build py:percent ``sources`` into notebooks in the folder ``out``; returns their paths.

    ``execute=False`` writes them without outputs. ``check=True`` writes nothing and returns the
    differences instead, see :func:`differences`. Raises :class:`CourseError` for a failing cell or
    a notebook of 400 kB and more; what stood there stays.
    """
    if check:
        return differences(sources, out)
    out, paths = Path(out), []
    for source in sources:
        lesson, started = _lesson(source, out), time.perf_counter()
        out.mkdir(parents=True, exist_ok=True)
        cells = run(lesson, out) if execute else lesson.cells
        text = (
            json.dumps(
                {"cells": cells, "metadata": lesson.metadata, "nbformat": 4, "nbformat_minor": 5},
                indent=1,
                ensure_ascii=False,
                sort_keys=True,
            )
            + "\n"
        )
        size = len(text.encode())
        require(
            size < LARGEST,
            f"{lesson.name} is {size / 1000:.0f} kB; a notebook stays under "
            f"{LARGEST / 1000:.0f} kB. Make its pictures smaller or fewer.",
        )
        paths.append(out / f"{lesson.name}.ipynb")
        with atomic_write(paths[-1], "w") as file:
            file.write(text)
        print(
            f"{lesson.name}: {len(cells)} cells, {size / 1000:.0f} kB, "
            f"{time.perf_counter() - started:.0f} s",
            file=sys.stderr,
        )
    return paths


def differences(sources, out):
    """How the notebooks in ``out`` differ from their sources: a list of lines. Nothing is run."""
    lines = []
    for source in sources:
        lesson, path = _lesson(source, out), Path(out) / f"{Path(source).stem}.ipynb"
        if not path.is_file():
            lines.append(f"{lesson.name}: there is no notebook.")
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        found = notebook["cells"]
        if len(found) != len(lesson.cells):
            lines.append(
                f"{lesson.name}: {len(found)} cells in the notebook, {len(lesson.cells)} in "
                "the source."
            )
        for at, (have, want) in enumerate(zip(found, lesson.cells, strict=False)):
            for part, of in (
                ("type", lambda c: c["cell_type"]),
                ("source", lambda c: "".join(c["source"])),
                ("tags", lambda c: c["metadata"].get("tags", [])),
                ("id", lambda c: c.get("id")),
            ):
                if of(have) != of(want):
                    lines.append(
                        f"{lesson.name}, cell {at}: the {part} differs: {_short(of(have))} in "
                        f"the notebook, {_short(of(want))} in the source."
                    )
                    break
            if have["cell_type"] == "code" and have.get("execution_count") is None:
                lines.append(f"{lesson.name}, cell {at}: not executed.")
        have, want = (
            {key: metadata[key] for key in COLAB if key in metadata}
            for metadata in (notebook["metadata"], lesson.metadata)
        )
        if have != want:
            lines.append(
                f"{lesson.name}: the notebook asks Colab for {have or 'no GPU'}, the source "
                f"for {want or 'no GPU'}."
            )
        if "widgets" in notebook["metadata"]:
            lines.append(
                f"{lesson.name}: the notebook holds widget state, which GitHub and nbconvert "
                "cannot show."
            )
    return lines


def _short(value):
    """One line of a long value."""
    text = " ".join(str(value).split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
