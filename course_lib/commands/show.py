"""Printing a command's result."""

import json
import sys
from collections.abc import Callable

from ..base import terminal


def show(result: object, as_json: bool, text: Callable[[], str]) -> None:
    """Print ``result`` as JSON, or ``text()`` in lines that fit the terminal."""
    if as_json:
        # JSON has a spelling in ASCII for every character: nothing is lost on a poor console
        print(json.dumps(result, indent=1, ensure_ascii=not terminal.shows_unicode(sys.stdout)))
    else:
        print(terminal.fitted(text(), terminal.columns_of(sys.stdout)))
