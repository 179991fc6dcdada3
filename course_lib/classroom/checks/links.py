"""Where a card's links lead: a section of a lesson, the heading of a task, this notebook itself.

A link is given only where its file lies in this clone. Anchors are those that JupyterLab and
Notebook make of a heading: its text as it is shown (``n`` for ``$n$``), with "-" for each space.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ...base import CourseError, require

READ = re.compile(r"lesson (\d\d[a-z]?), '(.+)'")
AS_IT_IS = "-!$&'()*+,;=:@?/"  # may stand in an anchor


def find_notebook(name: Path | str, folder: Path | str = ".") -> Path:
    """The reader's notebook.

    It is ``name`` itself when that is a file, else the one of exercise ``name`` in ``folder`` or
    its exercises/; of several the shortest name.
    """
    if str(name).endswith(".ipynb"):
        require(
            Path(name).is_file(),
            f"no notebook at {name}. Give the path of your copy, or the exercise's name, such as "
            "ex01.",
        )
        return Path(name)
    require(
        re.fullmatch(r"\w+", str(name)),
        f"no exercise {name!r}; give a name such as ex01, or the path of your notebook.",
    )
    found = []
    for place in (Path(folder), Path(folder) / "exercises"):
        found += [*place.glob(f"{name}.ipynb"), *place.glob(f"{name}_*.ipynb")]
    require(
        found,
        f"no notebook {name}_….ipynb here or in exercises/. Go to the folder that holds it, or "
        "give its path.",
    )
    return min(found, key=lambda path: len(path.name))


def this_notebook(exercise: str, folder: Path | str = ".") -> Path:
    """The notebook of ``exercise`` in which this runs, a copy included, else the one in ``folder``.

    Jupyter says which notebook a kernel was started for.
    """
    own = Path(os.environ.get("JPY_SESSION_NAME", ""))
    if own.suffix == ".ipynb" and any(
        f"checks import {exercise} " in line for _, line in _lines(own)
    ):
        return own
    return find_notebook(exercise, folder)


def to_section(read: str, folder: Path | str = ".") -> str:
    """The address of the section that ``read`` names, seen from exercises/; "" without its file.

    ``read``: such as "lesson 01, 'On paper first'".
    """
    named = READ.match(read)
    if not named:
        return ""
    lesson, title = named.groups()
    for place in (Path(folder).absolute().parent, Path(folder)):
        for path in sorted((place / "notebooks").glob(f"{lesson}_*.ipynb")):
            known = {_plain(heading): heading for kind, heading in _lines(path) if kind == "#"}
            heading = known.get(_plain(title))
            return f"../notebooks/{quote(path.name)}{f'#{anchor(heading)}' if heading else ''}"
    return ""


def to_task(exercise: str, name: str, folder: Path | str = ".") -> str:
    """The address of the heading above the check of a task in the reader's notebook, or ""."""
    try:
        path = this_notebook(exercise, folder)
    except CourseError:
        return ""
    above = ""
    for kind, text in _lines(path):
        if kind == "#":
            above = text
        elif f"check.{name}(" in text:
            return f"{quote(path.name)}#{anchor(above)}" if above else ""
    return ""


def anchor(heading: str) -> str:
    """The anchor of a heading written in markdown, ready for an address."""
    shown = re.sub(r"\*+([^*]+)\*+|`([^`]+)`|\$([^$]+)\$", r"\1\2\3", heading)
    return quote(shown.replace(" ", "-"), safe=AS_IT_IS)


def _plain(heading: str) -> str:
    """A heading in small letters, without marks and without "Deeper:" in front."""
    return re.sub(r"[*`]", "", heading).lower().removeprefix("deeper: ").strip()


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """("#", heading) and ("", line of code) of a notebook from its top; none of a broken one."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = [(cell["cell_type"], "".join(cell["source"]).split("\n")) for cell in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for kind, lines in texts:
        for line in lines:
            heading = re.match(r"#+ +(.+)", line)
            if kind == "markdown" and heading:
                yield "#", heading[1].strip()
            elif kind == "code":
                yield "", line
