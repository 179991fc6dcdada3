"""Bundled models and pools.

``course build-assets`` rebuilds them; ``manifest.json`` says what each one is.
"""

import hashlib
from pathlib import Path

from ..base import read_json, require

FOLDER = Path(__file__).parent
BUNDLED = ("helpdesk", "helpdesk-careful", "arithmetic")  # worlds with models of their own


def path(name: str) -> Path:
    """The path of a bundled asset, such as ``helpdesk/policy``. Raises when it is not there."""
    found = FOLDER / name
    require(
        found.exists(),
        f"the bundled asset {name!r} is missing. Run `course build-assets` to make it again, "
        "or install the package anew.",
    )
    return found


def files_of(folder: Path | str) -> list[Path]:
    """The asset files under ``folder``, sorted: everything but code and the manifest."""
    return sorted(file for file in Path(folder).rglob("*") if _is_asset(file))


def _is_asset(file: Path) -> bool:
    if not file.is_file() or file.suffix in (".py", ".pyc") or file.name == "manifest.json":
        return False
    unfinished = any(part.endswith((".partial", ".apart")) for part in file.parts)
    return not unfinished and "__pycache__" not in file.parts


def check(folder: Path | str = FOLDER) -> list[str]:
    """What is wrong with the files under ``folder`` against its manifest.

    A list of sentences, empty when all is well.
    """
    folder = Path(folder)
    if not (folder / "manifest.json").is_file():
        return ["the manifest is missing"]
    listed = read_json(folder / "manifest.json")["files"]
    problems = []
    for name, facts in listed.items():
        file = folder / name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != facts["sha256"]:
            problems.append(f"{name} differs from the manifest")
    extra = {file.relative_to(folder).as_posix() for file in files_of(folder)} - set(listed)
    return problems + [f"{name} is not in the manifest" for name in sorted(extra)]


def resolve(source: Path | str) -> str:
    """A bundled asset's folder when ``source`` names one, else ``source`` itself."""
    name = str(source)
    world = name.split("/")[0]
    if "/" in name and world in BUNDLED and (FOLDER / name).exists():
        return str(path(name))
    return name
