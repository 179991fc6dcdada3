"""One lesson: its source as notebook cells, with badge, links and the first cell written in."""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base import require
from .links import badge, bar, contents, linked, pages_of
from .paths import begins_deeper
from .places import ROOT

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# what a lesson may ask Colab for, in the header of its source
COLAB = {"accelerator": "GPU", "colab": {"gpuType": "T4"}}
CHECKED = "# checks what the text says of these numbers\n"  # what is seen of a folded cell
CLOSED = "jp-MarkdownHeadingCollapsed"  # JupyterLab and Notebook 7 hide what follows this heading
SETUP = """# on Colab this installs the course; elsewhere it does nothing
import importlib.util
if importlib.util.find_spec("course_lib") is None:  # add the course, replace nothing
    %pip install --quiet --no-deps "git+{address}"
    from course_lib.commands.doctor import check_versions
    check_versions()  # says what to do where a package of Colab's own does not fit"""


def repository_address(pyproject: Path | str) -> str:
    """The repository's address, kept in one place: ``[project.urls] Repository`` of a pyproject."""
    read = tomllib.loads(Path(pyproject).read_text(encoding="utf-8"))
    return read["project"]["urls"]["Repository"]


@dataclass(frozen=True)
class Lesson:
    """A lesson as it becomes a notebook.

    Attributes
    ----------
    name : such as ``01_best_of_n``.
    folder : where its notebook goes, relative to the repository.
    cells : dictionaries as in a notebook file: ``cell_type``, ``id``, ``source`` (one string),
        ``metadata`` (``tags``, and what folds a cell's code away).
    metadata : the notebook's: that of every lesson, Colab's request for a GPU where the source has
        one, and the Deeper parts that Colab opens closed.
    """

    name: str
    folder: str
    cells: list[dict]
    metadata: dict


def notebook_text(lesson: Lesson) -> str:
    """A notebook file's text: the same on every machine."""
    content = {
        "cells": lesson.cells,
        "metadata": lesson.metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def prepare(source: Path | str, address: str, folder: str = "notebooks") -> Lesson:
    """The :class:`Lesson` in the py:percent file ``source``.

    Closes the parts marked ``## Deeper: …`` (:mod:`.paths`). Adds the Colab badge under the title,
    links to the sections, links to the lessons, exercises and papers the text speaks of
    (:mod:`.links`), a bar to the neighbours at the end and, before the first code cell, the cell
    that finds or installs the package. A source whose jupytext header says ``accelerator: GPU`` and
    ``colab: gpuType: T4`` gets a notebook that Colab opens with that GPU.

    Raises :class:`~course_lib.base.CourseError` when the first cell is not markdown with a title,
    the text speaks of a lesson that does not exist, or the header asks for anything else of Colab.
    """
    import jupytext

    source = Path(source)
    read = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    asked = {key: read.metadata[key] for key in COLAB if key in read.metadata}
    require(
        asked in ({}, COLAB),
        f"the header of {source.name} asks Colab for {asked}; a lesson that needs a GPU asks "
        f"for exactly {COLAB}.",
    )
    parsed = read.cells
    begins_with_text = parsed and parsed[0].cell_type == "markdown"
    title, *rest = parsed[0].source.split("\n") if begins_with_text else [""]
    require(
        title.startswith("# "),
        f"{source.name} must begin with a markdown cell whose first line is the title (`# Title`).",
    )
    top = badge(f"{folder}/{source.stem}.ipynb", folder, address)
    cells = [(cell.cell_type, cell.source, list(cell.metadata.get("tags", []))) for cell in parsed]
    cells[0] = ("markdown", "\n".join([title, "", top, *rest]), cells[0][2])
    cells = _with_links(cells, source, folder)
    code = [at for at, (kind, *_) in enumerate(cells) if kind == "code"]
    first_code = code[0] if code else len(cells)
    cells.insert(first_code, ("code", SETUP.format(address=address), ["setup"]))
    made = [_cell(source.stem, position, *cell) for position, cell in enumerate(cells)]
    return Lesson(source.stem, folder, made, METADATA | _for_colab(asked, made))


def _for_colab(asked: dict, cells: Sequence[dict]) -> dict:
    """What the notebook asks of Colab: a GPU, and its Deeper parts closed."""
    closed = [cell["id"] for cell in cells if cell["metadata"].get(CLOSED)]
    if not closed:
        return asked
    return asked | {"colab": {**asked.get("colab", {}), "collapsed_sections": closed}}


def _with_links(cells: list[tuple], source: Path, folder: str) -> list[tuple]:
    """The cells with links in their text, the page's contents and the bar to its neighbours."""
    above = [place for place in source.resolve().parents if (place / "pyproject.toml").is_file()]
    pages = pages_of(above[0] if above else ROOT)
    texts = [text for kind, text, _ in cells if kind == "markdown"]
    sections, ends = contents(texts), bar(source.stem, folder, pages)
    done = [
        (kind, linked(text, folder, pages, source.stem) if kind == "markdown" else text, tags)
        for kind, text, tags in cells
    ]
    top = [("markdown", sections, ["contents"])] if sections else []
    end = [("markdown", ends, ["navigation"])] if ends else []
    return [done[0], *top, *done[1:], *end]


def _shown(tags: Sequence[str]) -> dict:
    """A cell's metadata. The tag ``hide`` folds its code away: in Jupyter, Colab and the website.

    With ``remove-input`` beside it the website leaves the code out. The first cell of the build's
    own is folded, too. The tag ``answer`` closes what
    came out until the cell is run; on the website it stands folded.
    """
    shown: dict = {"tags": [*tags]} if tags else {}
    jupyter = {}
    if {"hide", "setup"} & set(tags):
        jupyter["source_hidden"] = True
        shown["cellView"] = "form"
        if {"remove-input", "setup"}.isdisjoint(tags):
            shown["tags"].append("hide-input")
    if "answer" in tags:
        jupyter["outputs_hidden"] = True
        shown["collapsed"] = True  # Colab's word for it
    return shown | ({"jupyter": jupyter} if jupyter else {})


def _cell(name: str, position: int, kind: str, text: str, tags: Sequence[str]) -> dict:
    """A notebook cell whose id depends on its place alone."""
    if "remove-input" in tags:
        text = CHECKED + text
    cell = {
        "cell_type": kind,
        "id": hashlib.sha256(f"{name} {position}".encode()).hexdigest()[:12],
        "metadata": _shown(tags),
        "source": text,
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    elif begins_deeper(cell):
        cell["metadata"] |= {CLOSED: True, "id": cell["id"]}  # Colab knows a cell by the latter
    return cell
