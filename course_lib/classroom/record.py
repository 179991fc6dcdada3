"""The progress file: answers, points and guesses, kept in ``course-progress.json``.

A leaf: it imports nothing but files and errors, so that saving a point takes milliseconds.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..base import CourseError, on_colab, read_json, require, write_json

DAYS = (1, 3, 7, 21, 60)  # until an item is due again, by level: 0 after a wrong answer

RIGHT = 0.75  # a score from here on counts as right

FORMAT = 1


def progress_path() -> Path:
    """Where answers are kept.

    Notebooks in notebooks/ and exercises/ of a clone share one file, in the folder above.
    """
    if given := os.environ.get("COURSE_PROGRESS"):
        return Path(given)
    folders = ("notebooks", "exercises")
    here = Path.cwd()
    in_a_clone = here.name in folders and all((here.parent / name).is_dir() for name in folders)
    return (here.parent if in_a_clone else here) / "course-progress.json"


def is_own(notebook: Path) -> bool:
    """Whether a notebook is the reader's own: in the working folder, or in the course's.

    Others are somebody else's, whose points an instructor looks at.
    """
    homes = (Path.cwd(), progress_path().resolve().parent)
    folders = [place for home in homes for place in (home, home / "exercises")]
    return notebook.resolve().parent in folders


def kept_in() -> str:
    """The progress file in words: its name, and on Colab that it does not stay there."""
    path = progress_path()
    if not on_colab() or "drive" in path.absolute().parts:
        return path.name
    return f"{path.name}, which Colab deletes with its machine: download it to keep it"


def load_progress() -> dict[str, dict]:
    """Answers so far: item id → {"level", "due", "answers": [{"at", "answer", "score"}, ...]}.

    Empty when there are none.
    """
    return read_record()["items"]


def load_tasks() -> dict[str, dict]:
    """Points in exercises so far: task id → {"points", "most", "at"}, the best of all tries."""
    return read_record()["tasks"]


def load_guesses() -> dict[str, dict]:
    """Guesses so far: name of the question → {"value", "at"}, the last one of each."""
    return read_record()["guesses"]


def record_guess(name: str, value: float | str) -> None:
    """Keep a guess, in the place of one before."""
    kept = read_record()
    kept["guesses"][name] = {"value": value, "at": _now().isoformat()}
    write_record(kept)


def record_task(task_id: str, points: float, most: float) -> None:
    """Keep a task's points when they are higher than before."""
    kept = read_record()
    before = kept["tasks"].get(task_id, {"points": -1})
    if points > before["points"]:
        kept["tasks"][task_id] = {"points": points, "most": most, "at": _now().isoformat()}
        write_record(kept)


def record(
    item_id: str, answer: Any, score: float, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Keep one answer with its score in [0, 1]; at least 0.75 counts as right.

    ``facts``: what else is kept with it, such as {"try": 2}. Returns the item's record.
    """
    now = _now()
    kept = read_record()
    entry = entry_of(kept, item_id)
    entry["answers"].append(
        {"at": now.isoformat(), "answer": answer, "score": round(float(score), 3), **(facts or {})}
    )
    entry["level"] = min(entry["level"] + 1, len(DAYS) - 1) if score >= RIGHT else 0
    entry["due"] = (now + timedelta(days=DAYS[entry["level"]])).isoformat()
    write_record(kept)
    return entry


def entry_of(kept: Mapping[str, Any], item_id: str) -> dict[str, Any]:
    """The record of an item in what :func:`read_record` gave; a new one where there is none."""
    return kept["items"].setdefault(item_id, {"level": 0, "due": None, "answers": []})


def _now() -> datetime:
    """The time in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def write_record(kept: Mapping[str, Any]) -> None:
    """Write what :func:`read_record` gave, changed, in one step."""
    write_json(progress_path(), {"format": FORMAT, **kept})


def read_record() -> dict[str, dict[str, dict]]:
    """All that is kept: "items" (item id → answers), "tasks" (task id → points), and "guesses".

    Raises :class:`~course_lib.base.CourseError` for a file that cannot be read; it is left alone.
    """
    path = progress_path()
    if not path.is_file():
        return {"items": {}, "tasks": {}, "guesses": {}}
    try:
        kept = read_json(path)
        require(
            kept["format"] == FORMAT,
            f"{path.name} has format {kept['format']}, this version reads {FORMAT}. Move it "
            "away to start anew.",
        )
        later = {part: kept.get(part, {}) for part in ("tasks", "guesses")}  # not in old files
        found = {"items": kept["items"], **later}
        for part in found.values():
            _check_part(part)
        return found
    except CourseError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path.name} cannot be read as quiz progress ({type(error).__name__}). Move it "
            "away to start anew; nothing was changed."
        ) from error


def _check_part(part: Any) -> None:
    if not isinstance(part, dict) or not all(isinstance(entry, dict) for entry in part.values()):
        raise TypeError("every part is a dictionary of dictionaries")
