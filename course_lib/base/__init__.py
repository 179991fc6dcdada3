"""What knows nothing of the course.

Errors, settings, hooks, files, JSON lines, progress bars, accounts, versions.
"""

from . import progress, terminal
from .accounts import Account, flops_per_token, hold, note, spent
from .chat import (
    Message,
    Prompt,
    check_prompt,
    last_turn,
    messages_of,
    prompt_key,
    simplest,
    transcript,
)
from .errors import CourseError, require
from .files import (
    abandoned,
    atomic_directory,
    atomic_write,
    free_for_model,
    free_to_write,
    read_json,
    write_json,
)
from .hooks import Hooks, nothing
from .jsonl import object_of, read_jsonl, string
from .numbers import number, whole
from .progress import in_notebook, no_loading_bars, on_colab
from .rows import parquet_file
from .settings import changed, key_of, no_key
from .versions import VERSION, versions

__all__ = [
    "Account",
    "CourseError",
    "Hooks",
    "Message",
    "Prompt",
    "VERSION",
    "abandoned",
    "atomic_directory",
    "atomic_write",
    "changed",
    "check_prompt",
    "flops_per_token",
    "free_for_model",
    "free_to_write",
    "hold",
    "in_notebook",
    "key_of",
    "last_turn",
    "messages_of",
    "no_key",
    "no_loading_bars",
    "note",
    "nothing",
    "number",
    "object_of",
    "parquet_file",
    "on_colab",
    "progress",
    "prompt_key",
    "read_json",
    "read_jsonl",
    "require",
    "simplest",
    "spent",
    "string",
    "terminal",
    "transcript",
    "versions",
    "whole",
    "write_json",
]
