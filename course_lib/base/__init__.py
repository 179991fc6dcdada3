"""What knows nothing of the course.

Errors, settings, hooks, files, JSON lines, progress bars, accounts, versions.
"""

from . import progress
from .accounts import Account, flops_per_token, hold, note, spent
from .errors import CourseError, require
from .files import atomic_directory, atomic_write, free_for_model, read_json, write_json
from .hooks import Hooks
from .jsonl import read_jsonl, string
from .progress import in_notebook, no_loading_bars
from .settings import changed, key_of, no_key
from .versions import VERSION, versions

__all__ = [
    "Account",
    "CourseError",
    "Hooks",
    "VERSION",
    "atomic_directory",
    "atomic_write",
    "changed",
    "flops_per_token",
    "free_for_model",
    "hold",
    "in_notebook",
    "key_of",
    "no_key",
    "no_loading_bars",
    "note",
    "progress",
    "read_json",
    "read_jsonl",
    "require",
    "spent",
    "string",
    "versions",
    "write_json",
]
