"""Questions at the end of a lesson.

Single choice, ordering, and case analysis, each with an explanation for every option.
"""

from .answers import answer, case_text, evaluate, item_text, mark
from .cards import Card, CaseCard, OrderCard, SingleCard, ask, review
from .items import FOLDER, IDEAS, KINDS, LETTERS, item_of, items, lessons, shuffled, validate
from .mastery import due, mastery, mastery_text, summary

__all__ = [
    "Card",
    "CaseCard",
    "FOLDER",
    "IDEAS",
    "KINDS",
    "LETTERS",
    "OrderCard",
    "SingleCard",
    "answer",
    "ask",
    "case_text",
    "due",
    "evaluate",
    "item_of",
    "item_text",
    "items",
    "lessons",
    "mark",
    "mastery",
    "mastery_text",
    "review",
    "shuffled",
    "summary",
    "validate",
]
