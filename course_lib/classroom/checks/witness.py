"""What ``course check`` runs in a reader's kernel after a check; see ``running.py``.

It is sent as text, so that nothing that the notebook has loaded or changed takes part. The checks
are loaded anew from their files under their own name; what the notebook had under it comes back.
"""

import importlib.util
import json
import sys
from typing import Any

PACKAGE = "course_lib.classroom.checks"


def tell(value: Any, task: str, here: str, nonce: str) -> None:
    """Print ``nonce`` and what the checks in the folder ``here`` say of an answer."""
    before = _loaded()
    for name in before:
        del sys.modules[name]
    try:
        said = json.dumps(_outcome(value, task, here))
    finally:
        for name in _loaded():
            del sys.modules[name]
        sys.modules.update(before)
    sys.stdout.write(f"\n{nonce}{said}\n")


def _loaded() -> dict[str, Any]:
    """The modules of the checks, by name."""
    return {name: sys.modules[name] for name in [*sys.modules] if f"{name}.".startswith(PACKAGE)}


def _outcome(value: Any, task: str, here: str) -> dict[str, Any]:
    place = importlib.util.spec_from_file_location(
        PACKAGE, f"{here}/__init__.py", submodule_search_locations=[here]
    )
    checks = sys.modules[PACKAGE] = importlib.util.module_from_spec(place)
    place.loader.exec_module(checks)
    exercise, name = task.split(".")
    return checks.tasks(exercise)[name].outcome(value).to_dict()
