"""Files of rows, whatever they are packed in: known by their first bytes, refused with advice."""

import gzip
import json
import sys

import pytest

from course_lib.base import CourseError, read_jsonl

ROWS = [{"a": 1, "b": "é"}, {"a": 2, "b": "[x]"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def rows_in(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_jsonl(path, dict)[0]


FORMS = {
    "lines": LINES,
    "CRLF": LINES.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + LINES,
    "blank lines": "\n\n" + LINES,
    "array": json.dumps(ROWS),
    "printed array": json.dumps(ROWS, indent=2),
    "array after a byte order mark": "\ufeff" + json.dumps(ROWS, indent=1),
    "array by lines": "[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n",
    "printed one by one": "\n".join(json.dumps(row, indent=2) for row in ROWS) + "\n",
    "object with data": json.dumps({"data": ROWS}),
    "printed object": json.dumps({"version": 1, "instances": ROWS}, indent=2),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("zipped", [False, True])
def test_lines_arrays_and_gzip(tmp_path, form, zipped):
    content = FORMS[form].encode()
    if zipped:
        content = gzip.compress(content)
    for name in ("rows.jsonl", "rows.json", "rows.json.gz"):  # the name says nothing
        assert rows_in(tmp_path / name, content) == ROWS


def test_one_object_over_several_lines_is_one_row(tmp_path):
    assert rows_in(tmp_path / "r.json", json.dumps(ROWS[0], indent=2)) == ROWS[:1]


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.Table.from_pylist([{**row, "c": [{"d": 0.5}], "none": None} for row in ROWS])
    parquet.write_table(table, tmp_path / "rows.parquet")
    rows, _ = read_jsonl(tmp_path / "rows.parquet", dict)
    assert rows == [{**row, "c": [{"d": 0.5}]} for row in ROWS]
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "rows.parquet").read_bytes()[:200])
    with pytest.raises(CourseError, match="not a readable Parquet file"):
        read_jsonl(tmp_path / "cut.parquet", dict)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CourseError, match="pip install pyarrow"):
        rows_in(tmp_path / "rows.parquet", b"PAR1" + bytes(40))


REFUSED = [
    (LINES.encode("utf-16"), "UTF-16. Save it as UTF-8"),
    (LINES.encode("utf-16-le"), "UTF-16 or UTF-32"),
    (json.dumps(ROWS)[:-1] + ",]", r"line 1 .*none after the last"),
    (json.dumps(ROWS, indent=1)[:-4], "begins as a JSON array and is broken"),
    (b'["\xff"]', "not UTF-8"),
    (gzip.compress(LINES.encode())[:-9], "not a complete gzip file"),
    ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ("<!DOCTYPE html><html>", "web page"),
    (b"PK\x03\x04", "zip file"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    ("[" * 100_000, "nested too deeply|broken"),
    ("[]", "is empty"),
    ("", "is empty"),
    ("5\n" + LINES, "line 1: found a JSON int"),
    ("null\n" + LINES, "line 1: found a JSON NoneType"),
    ("true\n" + LINES, "line 1: found a JSON bool"),
    ("[1]\n" + LINES, "line 1: found a JSON list"),
    ("[1, null]", "item 1: found a JSON int"),
    (LINES.replace("}\n", "},\n"), "line 1: found broken JSON"),
]


@pytest.mark.parametrize("content, words", REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_no_file_of_rows_is_refused_with_advice(tmp_path, content, words):
    with pytest.raises(CourseError, match=words):
        rows_in(tmp_path / "rows.jsonl", content)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(CourseError, match="is a folder"):
        read_jsonl(tmp_path, dict)


def test_bad_items_of_an_array_can_be_skipped(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps([ROWS[0], 5, ROWS[1]]))
    rows, skipped = read_jsonl(tmp_path / "r.json", dict, skip_bad=True)
    assert rows == ROWS and [one["line"] for one in skipped] == [2]
