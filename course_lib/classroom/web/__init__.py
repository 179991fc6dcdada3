"""The face: cards and explorers that run in the browser, and what stands there without scripts."""

from .card import Card, fold, packed, picture, script, still, table
from .link import LinkedCard, opened

__all__ = ["Card", "LinkedCard", "fold", "opened", "packed", "picture", "script", "still", "table"]
