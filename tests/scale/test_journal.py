"""The journal: what is done stays done, whatever moment a process is killed at."""

import json

import pytest

from course_lib.base import CourseError
from course_lib.scale.journal import Journal

JOB = {"model": "m", "sampling": {"n": 2, "temperature": 0.7}}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "pool.npz.partial.jsonl"


def begun(place, *numbers, count=5):
    with Journal(place, JOB, count) as journal:
        for number in numbers:
            journal.add(number, {"texts": [f"ü {number}", "b"]})
    return place.read_bytes()


def test_rows_come_back_whatever_their_order(place):
    begun(place, 3, 0)
    with Journal(place, JOB, 5) as journal:
        assert journal.done == 2
        assert list(journal.missing()) == [1, 2, 4]
        assert 3 in journal and 1 not in journal
        assert journal.row(3) == {"prompt": 3, "texts": ["ü 3", "b"]}
        journal.add(1, {"texts": ["new", "b"]})
        assert journal.row(0)["texts"] == ["ü 0", "b"]
        assert journal.row(1)["texts"] == ["new", "b"]


def test_what_is_kept_is_not_written_again(place):
    begun(place, 3)
    with Journal(place, JOB, 5) as journal:
        journal.add(3, {"texts": ["another", "b"]})
        assert journal.row(3)["texts"] == ["ü 3", "b"]
        assert journal.done == 1


def test_cut_off_at_any_byte_it_goes_on(place):
    """As after kill -9 or a full disk: the file is a beginning of what it would have been."""
    whole = begun(place, 2, 0, 4)
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        place.write_bytes(whole[:length])
        kept = max(0, sum(end <= length for end in ends) - 1)  # the first line is the job's
        with Journal(place, JOB, 5) as journal:
            assert journal.done == kept
            for number in (2, 0, 4):
                journal.add(number, {"texts": [f"ü {number}", "b"]})
        assert place.read_bytes() == whole


def test_another_job_is_refused_and_nothing_is_lost(place):
    whole = begun(place, 1, 2)
    other = {"model": "m", "sampling": {"n": 2, "temperature": 1.0}}
    with pytest.raises(CourseError, match="2 finished prompts of another job") as caught:
        Journal(place, other, 5)
    assert '"temperature": 0.7} there' in str(caught.value)
    assert '"temperature": 1.0} asked' in str(caught.value)
    assert "model" not in str(caught.value)  # which is the same
    with pytest.raises(CourseError, match="prompts: 5 there, 6 asked"):
        Journal(place, JOB, 6)
    assert place.read_bytes() == whole


def test_another_jobs_journal_without_work_is_begun_anew(place):
    begun(place, 0)
    place.write_bytes(place.read_bytes().splitlines(keepends=True)[0])
    with Journal(place, {"model": "other"}, 6) as journal:
        journal.add(5, {"texts": ["a"]})
    assert b"other" in place.read_bytes() and b"sampling" not in place.read_bytes()


@pytest.mark.parametrize("text", ["hello\n", '{"a": 1}\n', "[1]\n", "hello", '{"a": 1}'])
def test_a_file_of_somebody_elses_is_left_alone(place, text):
    place.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="not a journal"):
        Journal(place, JOB, 5)
    assert place.read_text(encoding="utf-8") == text


def test_a_broken_line_within_is_named(place):
    lines = begun(place, 0, 1, 2).splitlines(keepends=True)
    place.write_bytes(b"".join([*lines[:2], b'{"prompt": 1, "te\n', lines[3]]))
    before = place.read_bytes()
    with pytest.raises(CourseError, match="line 3 is broken"):
        Journal(place, JOB, 5)
    assert place.read_bytes() == before


@pytest.mark.parametrize("line", [b'{"prompt": 9}\n', b'{"x": 1}\n', b"\x00\x00\n", b"7\n"])
def test_a_last_line_that_is_no_prompts_is_dropped(place, line):
    whole = begun(place, 0)
    place.write_bytes(whole + line)
    with Journal(place, JOB, 5) as journal:
        assert journal.done == 1
    assert place.read_bytes() == whole


def test_two_at_once_are_refused(place):
    pytest.importorskip("fcntl")
    with Journal(place, JOB, 5) as first:
        first.add(0, {"texts": []})
        with pytest.raises(CourseError, match="another process"):
            Journal(place, JOB, 5)
        first.add(1, {"texts": []})
    with Journal(place, JOB, 5) as second:
        assert second.done == 2


def test_removed_it_is_gone_and_so_is_one_without_work(place):
    with Journal(place, JOB, 5) as journal:
        journal.add(0, {"texts": []})
        journal.remove()
    assert not place.exists()
    with Journal(place, JOB, 5):
        assert place.exists()
    assert not place.exists()


def test_a_full_disk_is_explained(place):
    with Journal(place, JOB, 5) as journal:
        journal.add(0, {"texts": ["a"]})
        real = journal.file

        class Full:
            def __getattr__(self, name):
                return getattr(real, name)

            def write(self, data):
                real.write(data[: len(data) // 2])
                raise OSError(28, "No space left on device")

        journal.file = Full()
        with pytest.raises(CourseError, match="No space left"):
            journal.add(1, {"texts": ["b"]})
        journal.file = real
    with Journal(place, JOB, 5) as journal:
        assert list(journal.missing()) == [1, 2, 3, 4]


def test_a_line_that_the_system_takes_half_of_is_explained_and_done_again(place):
    """The real thing: what is buffered cannot be written when the file is closed either."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    begun(place, 0)
    try:
        with pytest.raises(CourseError, match="make room"):
            with Journal(place, JOB, 5) as journal:
                resource.setrlimit(resource.RLIMIT_FSIZE, (place.stat().st_size + 10, hard))
                journal.add(1, {"texts": ["b" * 100]})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Journal(place, JOB, 5) as journal:
        assert list(journal.missing()) == [1, 2, 3, 4]


def test_a_number_a_prompt_is_all_that_is_in_memory(place):
    with Journal(place, JOB, 1000) as journal:
        for number in range(1000):
            journal.add(number, {"texts": ["x" * 1000]})
        assert len(journal.at) * journal.at.itemsize == 8000
        held = [value for name, value in vars(journal).items() if name != "at"]
        assert len(json.dumps(held, default=str)) < 2000
