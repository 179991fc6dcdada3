"""Files of a folder or a zip file, listed and read safely.

Links are not followed. What lies in a zip file is read in memory, by its number, never unpacked
under its name, and never beyond a size; a zip file in a zip file is not opened.
"""

import contextlib
import functools
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..base import CourseError, require
from .notebooks import MOST_BYTES

MOST_OF_A_ZIP = 200_000_000  # bytes of a zip file that lies in a folder
MOST_OF_A_LIST = 8_000_000  # bytes of its list of contents
MOST_ITEMS = 20_000  # files in one folder of the first level, or in one such zip file
DEEPEST = 20
SKIPPED = {"__MACOSX", "__pycache__", "node_modules", "Thumbs.db", "desktop.ini"}


@dataclass
class Item:
    """A file, a link or an empty folder, where it lies, and how it is read.

    Attributes
    ----------
    parts : its path, below the folder or in the zip file, as it is written there.
    kind : "file", "link" or "folder".
    size : in bytes, as declared.
    modified : by the file system or the zip file.
    problem : why it cannot be read; "".
    """

    parts: tuple[str, ...]
    kind: str = "file"
    size: int = 0
    modified: datetime = datetime(1980, 1, 1)
    problem: str = ""
    reader: Callable[[int], bytes] | None = None

    def read(self, most: int = MOST_BYTES) -> bytes:
        """Its bytes. Raises :class:`~..base.CourseError` in words where that cannot be done."""
        require(not self.problem, self.problem)
        require(self.kind != "link", "it is a link to another place, and links are not followed.")
        require(self.kind == "file" and self.reader, "it is a folder.")
        require(
            self.size <= most,
            f"it has {self.size / 1e6:,.0f} MB, and at most {most / 1e6:.0f} are read. "
            "Clear the outputs and hand it in again.",
        )
        try:
            data = self.reader(most + 1)
        except CourseError:
            raise
        except Exception as error:  # whatever a broken or hostile archive brings forth
            raise CourseError(f"it cannot be read ({_named(error)}).") from None
        require(len(data) <= most, f"it has more than {most / 1e6:.0f} MB, which are not read.")
        return data


def _named(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, RuntimeError) and "password" in str(error):
        return "it is locked with a password"
    return "the archive is damaged" if isinstance(error, zipfile.BadZipFile) else "it is damaged"


def items_in(path: Path) -> list[Item]:
    """All items of a folder, or of a zip file, in order.

    A zip file in a folder counts as a folder of its name.
    """
    if path.is_file() and path.suffix.lower() == ".zip":
        return sorted(_zip_items(path, (), most=0), key=_order)
    if not path.is_dir():
        about = path.stat()
        reader = functools.partial(read_file, path.resolve())
        when = datetime.fromtimestamp(about.st_mtime)
        return [Item((path.name,), "file", about.st_size, when, "", reader)]
    found: list[Item] = []
    zips: list[tuple[Path, tuple[str, ...]]] = []
    counts: dict[str, int] = {}
    for item, place in _walked(path, ()):
        top = item.parts[0]
        counts[top] = counts.get(top, 0) + 1
        if counts[top] > MOST_ITEMS and len(item.parts) > 1:
            if counts[top] == MOST_ITEMS + 1:
                problem = f"it holds more than {MOST_ITEMS:,} files; the rest was left."
                found.append(Item((top,), "folder", problem=problem))
            continue
        if item.kind == "file" and item.parts[-1].lower().endswith(".zip") and not item.problem:
            zips.append((place, item.parts))
        else:
            found.append(item)
    for place, parts in zips:
        found += _zip_items(place, parts, most=MOST_OF_A_ZIP)
    return sorted(found, key=_order)


def _order(item: Item) -> tuple:
    return item.parts, item.kind


def _walked(folder: Path, parts: tuple[str, ...]) -> Iterator[tuple[Item, Path]]:
    """Every file, link and empty folder below ``folder``, hidden ones left out."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield (
            Item(
                parts or (folder.name,), "folder", problem=f"it cannot be read ({error.strerror})."
            ),
            folder,
        )
        return
    entries = [e for e in entries if not e.name.startswith(".") and e.name not in SKIPPED]
    if not entries and parts:
        yield Item(parts, "folder"), folder
    for entry in entries:
        place, mine = folder / entry.name, (*parts, entry.name)
        if entry.is_symlink():
            yield Item(mine, "link"), place
        elif entry.is_dir(follow_symlinks=False):
            if len(mine) >= DEEPEST:
                yield Item(mine, "folder", problem="it is nested too deep."), place
            else:
                yield from _walked(place, mine)
        else:
            yield _file_item(entry, mine), place


def _file_item(entry: os.DirEntry, parts: tuple[str, ...]) -> Item:
    try:
        about = entry.stat(follow_symlinks=False)
        when = datetime.fromtimestamp(about.st_mtime)
    except (OSError, ValueError, OverflowError):
        return Item(parts, problem="it cannot be read.")
    if not stat.S_ISREG(about.st_mode):
        return Item(parts, problem="it is no ordinary file.")
    return Item(parts, "file", about.st_size, when, "", lambda most: read_file(entry.path, most))


def read_file(path: str | Path, most: int) -> bytes:
    """Up to ``most`` bytes of an ordinary file; links are not followed, pipes do not block."""
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    fd = os.open(path, flags)
    with open(fd, "rb") as file:
        require(stat.S_ISREG(os.fstat(file.fileno()).st_mode), "it is no ordinary file.")
        return file.read(most)


# ---- zip files ---------------------------------------------------------------------------------


def _zip_items(path: Path, prefix: tuple[str, ...], most: int) -> list[Item]:
    """The contents of a zip file below ``prefix``; ``most``: its limits hold (a student's own)."""
    try:
        if most:
            _small_enough(path, most)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except CourseError as error:
        return [Item(prefix or (path.name,), problem=str(error))]
    except Exception as error:
        problem = f"it is no zip file that can be read ({_named(error)})."
        return [Item(prefix or (path.name,), problem=problem)]
    if most and len(entries) > MOST_ITEMS:
        problem = f"it holds {len(entries):,} files; at most {MOST_ITEMS:,} are read."
        return [Item(prefix or (path.name,), problem=problem)]
    archive = _Archive(path, keep=not most)
    items = [_zip_item(archive, number, entry, prefix) for number, entry in enumerate(entries)]
    kept = [item for item in items if item is not None]
    return kept or [Item(prefix or (path.name,), "folder")]


class _Archive:
    """Reads files of a zip file by number. It stays open where many are to be read."""

    def __init__(self, path: Path, keep: bool) -> None:
        self.path, self.keep = path, keep
        self.opened: zipfile.ZipFile | None = None

    def read(self, number: int, most: int) -> bytes:
        archive = self.opened or zipfile.ZipFile(self.path)
        try:
            with archive.open(archive.infolist()[number]) as file:
                return file.read(most)
        finally:
            if self.keep:
                self.opened = archive
            else:
                archive.close()


def _zip_item(
    archive: _Archive, number: int, entry: zipfile.ZipInfo, prefix: tuple[str, ...]
) -> Item | None:
    """One file of a zip file; None for folders, and for what systems put beside the files."""
    names = tuple(part for part in entry.filename.replace("\\", "/").split("/") if part)
    inner = [part for part in names if part not in (".", "..")]
    hidden = any(part.startswith(".") or part in SKIPPED for part in inner)
    if not inner or hidden or entry.is_dir():
        return None
    try:
        when = datetime(*entry.date_time)
    except ValueError:
        when = datetime(1980, 1, 1)
    kind = "link" if stat.S_ISLNK(entry.external_attr >> 16) else "file"
    parts = (*prefix, *(part for part in names if part != "."))
    problem = "it is locked with a password." if entry.flag_bits & 1 else ""
    reader = functools.partial(archive.read, number)
    return Item(parts, kind, entry.file_size, when, problem, reader)


def _small_enough(path: Path, most: int) -> None:
    """Refuse a zip file whose size, or whose list of contents, is beyond all use."""
    size = path.stat().st_size
    require(size > 0, "it is empty.")
    require(size <= most, f"it has {size / 1e6:,.0f} MB, and at most {most / 1e6:.0f} are read.")
    with contextlib.suppress(OSError), open(path, "rb") as file:
        file.seek(max(size - 66_000, 0))
        end = file.read(66_000)
        at = end.rfind(b"PK\x05\x06")
        listed = int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0
        # a size that does not fit in four bytes is written as all ones
        require(listed <= MOST_OF_A_LIST, "its list of contents is larger than any homework's.")
