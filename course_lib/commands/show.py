"""Printing a command's result."""

import json
from collections.abc import Callable


def show(result: object, as_json: bool, text: Callable[[], str]) -> None:
    """Print ``result`` as JSON, or ``text()``."""
    if as_json:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        print(text())
