"""Bundled models and pools. ``course build-assets`` rebuilds them; ``manifest.json`` says what each one is."""

from pathlib import Path

from ..errors import require

FOLDER = Path(__file__).parent


def path(name):
    """The path of a bundled asset, such as ``helpdesk/policy``. Raises when it is not there."""
    found = FOLDER / name
    require(found.exists(), f"the bundled asset {name!r} is missing from {FOLDER.name}/. Run `course build-assets` to make it again, or install the package anew.")
    return found
