"""The sixteen findings of the course, each computed from stored pools and results or live, with
its interval.
"""

from .registry import MODULES, Finding, Row, Table, finding, known, measure, show

__all__ = [
    "Finding",
    "MODULES",
    "Row",
    "Table",
    "finding",
    "known",
    "measure",
    "show",
]
