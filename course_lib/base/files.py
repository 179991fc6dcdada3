"""Atomic files: a reader of a path sees the old content or the new, never half of either."""

import errno
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import CourseError, require

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EFBIG: "the file-size limit was reached",
    errno.EACCES: "permission was denied",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the disk reported an error",
    errno.ENAMETOOLONG: "the name is too long",
}
# these are explained for the path itself only: code inside may look for files of its own
_REASONS_OF_THE_PATH = {
    errno.ENOENT: "its folder cannot be made there",
    errno.ENOTDIR: "a part of this path is a file",
}
if hasattr(errno, "EDQUOT"):  # not on every system
    _REASONS[errno.EDQUOT] = "the disk quota is used up"


def _error_number(error: Exception) -> int | None:
    """The system's number of an error met while writing, or None when it has none."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    # libraries that write files themselves report the system's error as text
    found = re.search(r"os error (\d+)", str(error))
    if found:
        return int(found.group(1))
    if re.search(r"No space left|PytorchStreamWriter|inline_container", str(error)):
        return errno.ENOSPC
    return None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn a system's refusal to write ``path`` into a clear error; let all others pass."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        number = _error_number(error) or 0
        reason = _REASONS.get(number)
        if reason is None and _is_about(error, path):
            reason = _REASONS_OF_THE_PATH.get(number)
        if reason is None:
            raise
        raise CourseError(
            f"could not write {path}: {reason}. Nothing that was there before has changed. "
            "Free some space or choose another folder with --out, then run the same command "
            "again: finished stages are kept."
        ) from error


def _is_about(error: Exception, path: Path) -> bool:
    """Whether a system's error names a folder that ``path`` lies in."""
    named = getattr(error, "filename", None)
    if not isinstance(named, str):
        return False
    return Path(named) in (path, *path.parents) or Path(named).parent == path.parent


@contextmanager
def atomic_write(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary neighbour of ``path``; on success flush it to disk and rename it into place.

    On any failure the temporary file is removed and whatever stood at ``path`` is untouched.
    Raises :class:`CourseError` for a full disk, a size limit, a quota or missing permission.
    """
    path = Path(path)
    temporary: str | None = None
    with _explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(
                prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
            )
            with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
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
def atomic_directory(path: Path | str) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``path``; on success one rename makes it ``path``.

    An existing ``path`` is replaced only after the new folder is complete. Raises as
    :func:`atomic_write` does.
    """
    path = Path(path)
    temporary: Path | None = None
    with _explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = _new_folder_beside(path, ".tmp")
            os.chmod(temporary, 0o755)
            yield temporary
            if path.exists():
                # a folder that is not empty cannot be renamed over: the old one steps aside first
                old = _new_folder_beside(path, ".old")
                os.replace(path, old / path.name)
                os.replace(temporary, path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.replace(temporary, path)
            temporary = None
        finally:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)


def _new_folder_beside(path: Path, suffix: str) -> Path:
    prefix = f".{path.name}.{_this_process()}."
    return Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=path.parent))


def _this_process() -> str:
    host = re.sub(r"[^\w-]", "-", platform.node())[:40]
    return f"{host}_{os.getpid()}"


def abandoned(path: Path) -> list[Path]:
    """Temporary folders beside ``path`` whose process on this machine was killed."""
    found = []
    for folder in path.parent.glob(f".{path.name}.*.tmp"):
        owner = folder.name.removeprefix(f".{path.name}.").split(".")[0]
        host, _, number = owner.rpartition("_")
        if host == _this_process().rpartition("_")[0] and not _alive(int(number)):
            found.append(folder)
    return found


def _alive(process: int) -> bool:
    """Whether a process of this machine is running; in doubt, yes."""
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def write_json(path: Path | str, value: Any) -> None:
    """Write ``value`` as JSON, atomically, with keys in the order given."""
    with atomic_write(path, "w") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path | str) -> Any:
    """Read one JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def free_to_write(path: Path | str, force: bool = False, folder: bool = False) -> None:
    """Raise where writing a file (or a ``folder``) to ``path`` would replace what is there.

    ``force``: it may be replaced, but never a folder by a file or a file by a folder. Ask before
    the work, not after it.
    """
    path = Path(path)
    if folder and path.is_dir() and not any(path.iterdir()):
        return
    require(
        not path.exists() or force,
        f"{path} is there already, and nothing is replaced unasked. Give another name, or "
        "--force to replace it.",
    )
    kind, wanted = ("folder", "file") if path.is_dir() else ("file", "folder")
    require(
        not path.exists() or path.is_dir() == folder,
        f"{path} is a {kind}, and a {wanted} is to be written. Give another name.",
    )


def free_for_model(path: Path | str) -> None:
    """Raise unless ``path`` is free, an empty folder, or a model folder that may be replaced.

    Ask before the work, not after it.
    """
    path = Path(path)
    if not path.exists():
        return
    if path.is_dir():
        empty = not any(path.iterdir())
        model = any((path / name).is_file() for name in ("config.json", "adapter_config.json"))
        if empty or model:
            return
    raise CourseError(
        f"{path} exists and is not a model folder; writing there would replace what it holds. "
        "Choose another folder with --out."
    )
