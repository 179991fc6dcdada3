"""Bundled models and pools.

``course build-assets`` rebuilds them; ``manifest.json`` says what each one is.
"""

import hashlib
from pathlib import Path

from ..base import read_json, require

FOLDER = Path(__file__).parent


def path(name):
    """The path of a bundled asset, such as ``helpdesk/policy``. Raises when it is not there."""
    found = FOLDER / name
    require(
        found.exists(),
        f"the bundled asset {name!r} is missing. Run `course build-assets` to make it again, "
        "or install the package anew.",
    )
    return found


def files_of(folder):
    """The asset files under ``folder``, sorted: everything but code and the manifest."""
    return sorted(
        p
        for p in Path(folder).rglob("*")
        if p.is_file()
        and p.suffix not in (".py", ".pyc")
        and p.name != "manifest.json"
        and "__pycache__" not in p.parts
        and not any(part.endswith(".partial") for part in p.parts)
    )


def check(folder=FOLDER):
    """What is wrong with the files under ``folder`` against its manifest.

    A list of sentences, empty when all is well.
    """
    folder = Path(folder)
    if not (folder / "manifest.json").is_file():
        return ["the manifest is missing"]
    listed, problems = read_json(folder / "manifest.json")["files"], []
    for name, facts in listed.items():
        file = folder / name
        if not file.is_file():
            problems.append(f"{name} is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != facts["sha256"]:
            problems.append(f"{name} differs from the manifest")
    extra = {p.relative_to(folder).as_posix() for p in files_of(folder)} - set(listed)
    return problems + [f"{name} is not in the manifest" for name in sorted(extra)]


def resolve(source):
    """A bundled asset's folder when ``source`` names one, else ``source`` itself."""
    from .. import assets

    if (
        str(source).startswith(("helpdesk/", "arithmetic/"))
        and (assets.FOLDER / str(source)).exists()
    ):
        return str(assets.path(str(source)))
    return str(source)
