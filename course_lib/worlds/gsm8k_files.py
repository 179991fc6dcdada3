"""GSM8K's two files: where they are looked for, and how they are fetched.

They are in the public repository openai/grade-school-math under the MIT licence and do not come
with this course. What is fetched is compared with the size and the checksum of the files as they
are there.
"""

import hashlib
import http.client
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..base import CourseError, atomic_write, progress

PLACES = ("gsm8k", "data/gsm8k", "grade-school-math/grade_school_math/data", "drive/MyDrive/gsm8k")
REPOSITORY = "https://github.com/openai/grade-school-math"
# one state of the repository, so that nothing changes under the checksums
COMMIT = "3101c7d5072418e28b9008a6636bde82a006892c"
SOURCE = (
    f"https://raw.githubusercontent.com/openai/grade-school-math/{COMMIT}/grade_school_math/data"
)
BY_HAND = (
    f"By hand: git clone --depth 1 {REPOSITORY} puts them into "
    "grade-school-math/grade_school_math/data, one of the places looked in; or save train.jsonl "
    "and test.jsonl of that folder with a browser and put them into a folder called gsm8k here (on "
    "Colab: the folder icon on the left, then the upload button)."
)
MISSING = (
    "the GSM8K files train.jsonl and test.jsonl were not found. They are in the public repository "
    "openai/grade-school-math (MIT licence). With a network:\n"
    "  from course_lib.worlds import fetch_gsm8k; fetch_gsm8k()\n"
    f"{BY_HAND}\nOr give the folder that holds them: --data DIR (in Python: data=DIR)."
)
TRIES, PATIENCE = 3, 30.0  # attempts at a file, and seconds to wait for an answer
PIECE = 2**16  # bytes


@dataclass(frozen=True)
class Original:
    """A file as its authors published it."""

    size: int
    sha256: str

    def is_at(self, path: Path) -> bool:
        """Whether the file at ``path`` is this one, to the last byte."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


ORIGINALS = {
    "train.jsonl": Original(
        4_166_206, "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465"
    ),
    "test.jsonl": Original(
        749_738, "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14"
    ),
}


def find_gsm8k(folder: str | Path | None = None) -> Path:
    """The folder with GSM8K's ``train.jsonl`` and ``test.jsonl`` (or ``.gz``).

    ``folder``, or the first of :data:`PLACES` below the working folder.
    """
    for place in [Path(folder)] if folder else [Path(p) for p in PLACES]:
        if all(_has(place, name) for name in ("train", "test")):
            return place
    if folder is None:
        raise CourseError(MISSING)
    raise CourseError(
        f"{folder} has no train.jsonl and test.jsonl. {MISSING[0].upper()}{MISSING[1:]}"
    )


def _has(place: Path, name: str) -> bool:
    return (place / f"{name}.jsonl").is_file() or (place / f"{name}.jsonl.gz").is_file()


def fetch_gsm8k(folder: str | Path = "gsm8k", source: str = SOURCE) -> Path:
    """Fetch GSM8K's two files (5 MB: 7,473 and 1,319 problems) into ``folder``, and return that.

    A file that is there and right is not fetched again. ``source``: the address of the folder they
    are fetched from. Raises :class:`~course_lib.base.CourseError` without a network, for a file
    that is not the original one, and for another file of that name in ``folder``, which stays.
    """
    folder = Path(folder)
    for name, original in ORIGINALS.items():
        path = folder / name
        if original.is_at(path):
            continue
        if path.exists():
            raise CourseError(
                f"{path} is there and is not GSM8K's original file. Move it away, or fetch into "
                "another folder."
            )
        _fetch(f"{source}/{name}", path, original)
    return folder


def _fetch(address: str, path: Path, original: Original) -> None:
    """The file at ``address`` to ``path``, whole and as published, or a clear error."""
    for attempt in range(TRIES):
        try:
            with atomic_write(path) as file:
                found = _copied(address, file, original)
                if found[0] < original.size:
                    raise ConnectionError(f"ended after {found[0]:,} of {original.size:,} bytes")
                if found != (original.size, original.sha256):
                    raise CourseError(
                        f"what came from {address} is not GSM8K's {path.name} (its size or its "
                        f"checksum is another). Nothing was kept. {BY_HAND}"
                    )
            return
        # no network, no such host, a broken connection, 404
        except (OSError, http.client.HTTPException) as error:
            if attempt == TRIES - 1:
                raise CourseError(
                    f"{path.name} could not be fetched from {address} "
                    f"({type(error).__name__}: {error}). {BY_HAND}"
                ) from error


def _copied(address: str, file: IO[Any], original: Original) -> tuple[int, str]:
    """Copy what is at ``address`` into ``file``: how many bytes, and their checksum."""
    digest, size = hashlib.sha256(), 0
    with (
        urllib.request.urlopen(address, timeout=PATIENCE) as answer,
        progress.bar(original.size, address.rsplit("/", 1)[-1], "byte") as bar,
    ):
        # one byte more than there should be is enough to know
        while size <= original.size and (piece := answer.read(PIECE)):
            digest.update(piece)
            file.write(piece)
            size += len(piece)
            bar.update(len(piece))
    return size, digest.hexdigest()
