"""Atomic files: what fails leaves nothing half done, and says why."""

import errno
import os
import subprocess
import sys

import pytest

from course_lib.base import CourseError, atomic_directory, atomic_write, read_json, write_json


def test_a_failed_write_keeps_the_old_file(tmp_path):
    write_json(tmp_path / "f.json", {"old": 1})
    with pytest.raises(RuntimeError):
        with atomic_write(tmp_path / "f.json", "w") as f:
            f.write("half")
            raise RuntimeError
    assert read_json(tmp_path / "f.json") == {"old": 1}
    assert os.listdir(tmp_path) == ["f.json"]


def test_a_full_disk_is_explained_and_loses_nothing(tmp_path, monkeypatch):
    write_json(tmp_path / "f.json", {"old": 1})

    def full(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        CourseError, match="the disk is full. Nothing that was there before has changed"
    ):
        write_json(tmp_path / "f.json", {"new": 2})
    assert read_json(tmp_path / "f.json") == {"old": 1}
    assert os.listdir(tmp_path) == ["f.json"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX file-size limit")
def test_a_real_file_size_limit(tmp_path):
    """A process that may write 2 kB a file.

    Saving a pool fails with the explanation and leaves the folder clean.
    """
    code = f"""
import os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
import torch
from course_lib.base.errors import CourseError
from course_lib.pools import Pool
texts = [[os.urandom(99).hex()] for _ in range(50)]
pool = Pool.from_candidates(['a'] * 50, texts)
try:
    pool.save({str(tmp_path / "p.npz")!r})
except CourseError as e:
    print(e)
"""
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "file-size limit" in out
    assert os.listdir(tmp_path) == []


def test_directories_appear_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError):
        with atomic_directory(tmp_path / "d") as folder:
            (folder / "a").write_text("1")
            raise RuntimeError
    assert os.listdir(tmp_path) == []
    for text in ("1", "2"):
        with atomic_directory(tmp_path / "d") as folder:
            (folder / "a").write_text(text)
    assert (tmp_path / "d" / "a").read_text() == "2"
    assert os.listdir(tmp_path) == ["d"]
