"""The face: cards and explorers that run in the browser, and what stands there without scripts."""

from .card import Card, fold, packed, picture, script, still, table

__all__ = ["Card", "fold", "packed", "picture", "script", "still", "table"]
