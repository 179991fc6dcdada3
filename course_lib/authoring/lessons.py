"""One lesson: its source as notebook cells, with the badge and the first cell written in."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..base import require

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
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
SETUP = """import importlib.util
if importlib.util.find_spec("course_lib") is None:  # on Colab: add the course, replace nothing that is already there
    %pip install --quiet --no-deps "git+{address}"
    from course_lib.commands.doctor import check_versions
    check_versions()  # says what to do where a package of Colab's own does not fit"""


def repository_address(pyproject):
    """The repository's address, kept in one place.

    ``[project.urls] Repository`` of ``pyproject.toml``.
    """
    return tomllib.loads(Path(pyproject).read_text(encoding="utf-8"))["project"]["urls"][
        "Repository"
    ]


@dataclass(frozen=True)
class Lesson:
    """A lesson's ``name`` (``01_best_of_n``), the folder its notebook goes to, relative to the
    repository, its ``cells`` and its ``metadata``.

    Each cell is a dictionary as in a notebook file: ``cell_type``, ``id``, ``source`` (one string),
    ``metadata`` (only ``tags``). ``metadata`` is the notebook's: that of every lesson, and Colab's
    request for a GPU where the source has one.
    """

    name: str
    folder: str
    cells: list
    metadata: dict


def prepare(source, address, folder="notebooks"):
    """The :class:`Lesson` in the py:percent file ``source``.

    Adds the Colab badge under the title and, before the first code cell, the cell that finds or
    installs the package. A source whose jupytext header says ``accelerator: GPU`` and ``colab:
    gpuType: T4`` gets a notebook that Colab opens with that GPU. Raises
    :class:`~course_lib.base.CourseError` when the first cell is not markdown with a title, or the
    header asks for anything else of Colab.
    """
    import jupytext

    source = Path(source)
    read = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    parsed, asked = read.cells, {key: read.metadata[key] for key in COLAB if key in read.metadata}
    require(
        asked in ({}, COLAB),
        f"the header of {source.name} asks Colab for {asked}; a lesson that needs a GPU asks "
        f"for exactly {COLAB}.",
    )
    title = parsed[0].source.split("\n") if parsed and parsed[0].cell_type == "markdown" else [""]
    require(
        title[0].startswith("# "),
        f"{source.name} must begin with a markdown cell whose first line is the title (`# Title`).",
    )
    notebook = f"{folder}/{source.stem}.ipynb"
    where = address.removeprefix("https://github.com/").removesuffix(".git").strip("/")
    badge = (
        "[![Open in "
        f"Colab]({BADGE})](https://colab.research.google.com/github/{where}/blob/main/{notebook})"
    )
    cells = [("markdown", "\n".join([title[0], "", badge, *title[1:]]), [])]
    body = [
        (cell.cell_type, cell.source, list(cell.metadata.get("tags", []))) for cell in parsed[1:]
    ]
    first_code = next((i for i, (kind, *_) in enumerate(body) if kind == "code"), len(body))
    cells += (
        body[:first_code] + [("code", SETUP.format(address=address), ["setup"])] + body[first_code:]
    )
    return Lesson(
        source.stem,
        folder,
        [_cell(source.stem, position, *cell) for position, cell in enumerate(cells)],
        METADATA | asked,
    )


def _cell(name, position, kind, text, tags):
    """A notebook cell whose id depends on its place alone."""
    cell = {
        "cell_type": kind,
        "id": hashlib.sha256(f"{name} {position}".encode()).hexdigest()[:12],
        "metadata": {"tags": tags} if tags else {},
        "source": text,
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
