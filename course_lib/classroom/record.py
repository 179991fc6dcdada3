"""The progress file: answers and points, kept in ``course-progress.json``.

It imports nothing but files and errors.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..base import CourseError, read_json, require, write_json

DAYS = (1, 3, 7, 21, 60)  # until an item is due again, by level: 0 after a wrong answer

RIGHT = 0.75  # a score from here on counts as right

FORMAT = 1


def progress_path():
    """Where answers are kept.

    Notebooks in notebooks/ and exercises/ of a clone share one file, in the folder above.
    """
    if given := os.environ.get("COURSE_PROGRESS"):
        return Path(given)
    here = Path.cwd()
    clone = here.name in ("notebooks", "exercises") and all(
        (here.parent / name).is_dir() for name in ("notebooks", "exercises")
    )
    return (here.parent if clone else here) / "course-progress.json"


def load_progress():
    """Answers so far: item id → {"level", "due", "answers": [{"at", "answer", "score"}, ...]}.

    Empty when there are none.
    """
    return read_record()["items"]


def load_tasks():
    """Points in exercises so far: task id → {"points", "most", "at"}, the best of all tries."""
    return read_record()["tasks"]


def record_task(task_id, points, most):
    """Keep a task's points when they are higher than before."""
    kept = read_record()
    if points > kept["tasks"].get(task_id, {"points": -1})["points"]:
        kept["tasks"][task_id] = {
            "points": points,
            "most": most,
            "at": datetime.now(UTC).replace(microsecond=0).isoformat(),
        }
        write_record(kept)


def write_record(kept):
    write_json(progress_path(), {"format": FORMAT, **kept})


def read_record():
    path = progress_path()
    if not path.is_file():
        return {"items": {}, "tasks": {}}
    try:
        kept = read_json(path)
        require(
            kept["format"] == FORMAT,
            f"{path.name} has format {kept['format']}, this version reads {FORMAT}. Move it "
            "away to start anew.",
        )
        found = {"items": kept["items"], "tasks": kept.get("tasks", {})}
        if not all(
            isinstance(part, dict) and all(isinstance(entry, dict) for entry in part.values())
            for part in found.values()
        ):
            raise TypeError("items and tasks are dictionaries of dictionaries")
        return found
    except CourseError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path.name} cannot be read as quiz progress ({type(error).__name__}). Move it "
            "away to start anew; nothing was changed."
        ) from error


def record(item_id, answer, score):
    """Keep one answer with its score in [0, 1]; at least 0.75 counts as right.

    Returns the item's record.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    kept = read_record()
    entry = kept["items"].setdefault(item_id, {"level": 0, "due": None, "answers": []})
    entry["answers"].append(
        {"at": now.isoformat(), "answer": answer, "score": round(float(score), 3)}
    )
    entry["level"] = min(entry["level"] + 1, len(DAYS) - 1) if score >= RIGHT else 0
    entry["due"] = (now + timedelta(days=DAYS[entry["level"]])).isoformat()
    write_record(kept)
    return entry
