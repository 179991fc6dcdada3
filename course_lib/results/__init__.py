"""Stored results of the long benchmarks, which lessons read.

Each names the command that made it, its seeds and versions.
"""

from pathlib import Path

from ..base import read_json, require

FOLDER = Path(__file__).parent


def load(name: str) -> dict:
    """The stored result ``name``, such as "frontier", as plain data.

    Raises with the names there are.
    """
    file = FOLDER / f"{name}.json"
    known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.json"))) or "none"
    require(
        file.is_file(),
        f"no stored result {name!r}; there are: {known}. Make it with "
        f"`python benchmarks/{name}.py`.",
    )
    return read_json(file)
