"""Atomic files: a reader of a path sees the old content or the new, never half of either."""

import errno
import json
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .errors import CourseError


def _explain(error, path):
    """The clear form of an OS error met while writing ``path``.

    Other errors come back unchanged.
    """
    reasons = {
        errno.ENOSPC: "the disk is full",
        errno.EFBIG: "the file-size limit was reached",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "permission was denied",
        errno.EROFS: "the file system is read-only",
    }
    number = error.errno if isinstance(error, OSError) else None
    if number is None:  # libraries that write files themselves report the system's error as text
        found = re.search(r"os error (\d+)", str(error))
        number = (
            int(found.group(1))
            if found
            else errno.ENOSPC
            if re.search(r"No space left|PytorchStreamWriter|inline_container", str(error))
            else None
        )
    if number in reasons:
        return CourseError(
            f"could not write {path}: {reasons[number]}. Nothing that was there before has "
            "changed. "
            "Free some space or choose another folder with --out, then run the same command "
            "again: finished stages are kept."
        )
    return error


@contextmanager
def _explained(path):
    """Turn a system's refusal to write ``path`` into a clear error.

    Anything else passes unchanged.
    """
    try:
        yield
    except Exception as error:
        clear = error if isinstance(error, CourseError) else _explain(error, path)
        if clear is error:
            raise
        raise clear from error


@contextmanager
def atomic_write(path, mode="wb"):
    """Open a temporary neighbour of ``path``; on success flush it to disk and rename it into place.

    On any failure the temporary file is removed and whatever stood at ``path`` is untouched.
    Raises :class:`CourseError` for a full disk, a size limit, a quota or missing permission.
    """
    path = Path(path)
    temporary = None
    with _explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(
                prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
            )
            with os.fdopen(handle, mode, **({} if "b" in mode else {"encoding": "utf-8"})) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
            temporary = None
        finally:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)


@contextmanager
def atomic_directory(path):
    """Yield an empty temporary folder beside ``path``; on success it becomes ``path`` in one
    rename.

    An existing ``path`` is replaced only after the new folder is complete.
    """
    path = Path(path)
    temporary = None
    with _explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(
                tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
            )
            os.chmod(temporary, 0o755)
            yield temporary
            if path.exists():
                old = Path(
                    tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent)
                )
                os.replace(path, old / path.name)
                os.replace(temporary, path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.replace(temporary, path)
            temporary = None
        finally:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)


def write_json(path, value):
    """Write ``value`` as JSON, atomically, with keys in the order given."""
    with atomic_write(path, "w") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(path):
    """Read one JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def free_for_model(path):
    """Raise unless ``path`` is free, an empty folder, or a model folder that may be replaced.

    Ask before the work, not after it.
    """
    path = Path(path)
    if path.exists() and not (
        path.is_dir() and (not any(path.iterdir()) or (path / "config.json").is_file())
    ):
        raise CourseError(
            f"{path} exists and is not a model folder; writing there would replace what it "
            "holds. Choose another folder with --out."
        )
