"""The face: cards and explorers that run in the browser, and what stands there without scripts."""

from .card import SCROLLS, Card, fold, keys, packed, picture, script, still, table
from .link import LinkedCard, opened

__all__ = [
    "SCROLLS",
    "Card",
    "LinkedCard",
    "fold",
    "keys",
    "opened",
    "packed",
    "picture",
    "script",
    "still",
    "table",
]
