"""Handed-in files of every format are read, and everything else is refused in words."""

import json
import random
import sys

import pytest

from course_lib.base import CourseError
from course_lib.grading.notebooks import read_notebook


def made(*cells, **more):
    """Bytes of a notebook of format 4.5 with (kind, source) cells."""
    listed = [{"cell_type": kind, "source": source, "metadata": {}} for kind, source in cells]
    return json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more)


def read(data, name=""):
    """(kind, source) of the cells, and the notes."""
    got = read_notebook(data if isinstance(data, bytes) else data.encode(), name)
    return [(cell.kind, cell.source) for cell in got.cells], got.notes


@pytest.mark.parametrize("minor", range(6))
def test_format_four(minor):
    data = made(("code", "x = 1\n"), ("markdown", ["# A\n", "b"]), nbformat_minor=minor)
    assert read(data) == ([("code", "x = 1\n"), ("markdown", "# A\nb")], [])
    assert read_notebook(data.encode()).format == (4, minor)


def test_format_three():
    cells = [
        {"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": []},
        {"cell_type": "heading", "level": 2, "source": "Title"},
    ]
    data = json.dumps({"worksheets": [{"cells": cells}, {}, 3], "nbformat": 3, "metadata": {}})
    assert read(data) == (
        [("code", "x = 1\ny"), ("markdown", "## Title")],
        ["the notebook has the old format 3."],
    )


def test_colab_and_vs_code():
    cell = {
        "cell_type": "code",
        "source": ["#@title Answer\n", "x = 1"],
        "metadata": {"id": "a", "cellView": "form", "vscode": {"languageId": "python"}},
        "execution_count": None,
        "outputs": [{"output_type": "stream", "text": ["1"]}],
    }
    about = {"colab": {"provenance": []}, "widgets": {"x": {}}, "kernelspec": {"name": "python3"}}
    got = read_notebook(json.dumps({"cells": [cell], "metadata": about}).encode())
    assert got.cells[0].source == "#@title Answer\nx = 1" and got.notes == []
    assert got.cells[0].outputs == cell["outputs"] and got.cells[0].metadata["id"] == "a"
    assert sorted(got.metadata) == ["colab", "kernelspec"]


def test_another_language_is_said():
    about = {"kernelspec": {"name": "ir", "language": "R"}}
    assert read(made(("code", "x"), metadata=about))[1] == [
        "the notebook says that its language is 'R'."
    ]


def test_texts_are_the_text_cells():
    data = made(("code", "x"), ("markdown", "an answer"), ("raw", "r")).encode()
    assert read_notebook(data).texts == ["an answer"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings(encoding):
    cells, notes = read(made(("code", "é = 1")).encode(encoding))
    assert cells == [("code", "é = 1")] and len(notes) == (encoding != "utf-8-sig")


def test_what_is_not_utf_8_is_replaced_and_said():
    text = json.dumps({"cells": [{"cell_type": "code", "source": "# Üb"}]}, ensure_ascii=False)
    cells, notes = read(text.encode("latin-1"))
    assert cells == [("code", "# \ufffdb")]
    assert notes == ["some characters of the file could not be read."]


def test_sources_can_be_stored():
    data = made(("code", "a\r\nb\rc\0\ud800\ufeff"), ("code", "\ufeffx"))
    cells, _ = read(data)
    assert cells == [("code", "a\nb\nc\ufffd\ufffd\ufeff"), ("code", "x")]
    "".join(source for _, source in cells).encode()


def test_strange_cells_are_left_out_and_said():
    wrong = [1, None, "x", [], {"cell_type": "code", "source": {"a": 1}}, {"cell_type": [2]}, {}]
    data = made(("code", "x"))[:-1] + "}"
    told = json.loads(data)
    told["cells"] += wrong
    told["cells"] += [{"cell_type": "code", "source": [1]}, {"cell_type": "code", "source": None}]
    cells, notes = read(json.dumps(told))
    assert [cell for cell in cells if cell[1]] == [("code", "x")]
    assert "cell 2 is a number and was left out." in notes
    assert "cell 6 has no text and was left out." in notes


def test_wrong_types_beside_the_cells_do_no_harm():
    data = made(("code", "x"), metadata=[1], nbformat="4", nbformat_minor=None)
    got = read_notebook(data.encode())
    assert got.metadata == {} and got.format == (0, 0)
    cell = {"cell_type": "code", "source": "x", "metadata": 3, "outputs": {"a": 1}}
    got = read_notebook(json.dumps({"cells": [cell]}).encode())
    assert got.cells[0].metadata == {} and got.cells[0].outputs == []


def test_not_a_number_and_double_keys():
    data = '{"cells": [], "metadata": {"x": NaN, "y": -Infinity}, "cells": [{"source": "a",'
    got = read_notebook((data + '"cell_type": "code"}]}').encode())
    assert got.cells[0].source == "a" and got.metadata == {"x": None, "y": None}
    assert got.notes == ["the file has a key twice; the last one counts."]


DEEP = sys.getrecursionlimit() * 20


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "empty"),
        (b" \n\0\0", "empty"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"PK\x03\x04....", "zip archive"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'{\n  "cells": [\n    {"cell_type": "co', "cut off"),
        (b'{"cells": [],', "cut off"),
        (b'{"cells": [1 2]}', "damaged: in line 1"),
        (b'{"cells": [\n<<<<<<< HEAD\n', "git merge"),
        (b"[1, 2]", "holds a list"),
        (b"{}", "no cells"),
        (b'{"cells": {"a": 1}}', "no cells"),
        (b'{"cells": null, "worksheets": 3}', "no cells"),
        (b"just some words", "neither a notebook"),
        (b"\x93\x12\xff\xfe\x00", "neither a notebook"),
        (b'{"cells": ' + b"[" * DEEP, "too deep"),
        (b'{"cells": [], "metadata": ' + b"[" * 90 + b"]" * 90 + b"}", "too deep"),
        (b'{"a":' * DEEP, "too deep"),
        (b'{"cells": [' + b"[]," * 1_100_000 + b"[]]}", "too many parts"),
        (b'{"cells": [' + b"1," * 6000 + b"1]}", "6001 cells"),
        (b'{"cells": [' + b"9" * 10_000 + b"]}", "cannot be read"),
        (b'{"cells":[{"cell_type":"code","source":"' + b"x" * 1_000_001 + b'"}]}', "characters"),
        (b"{" + b" " * 33_000_000, "33 MB"),
    ],
)
def test_what_is_no_notebook_is_said(data, says):
    with pytest.raises(CourseError, match=says):
        read_notebook(data)


def test_percent_scripts():
    script = "# ---\n# jupyter:\n# ---\n\n# %%\nx = 1\n# %time x\n\n# %% [markdown]\n# # Title\n#\n"
    script += "# text\n\n#%%\ny = 2\n# In[3]:\nz = 3\n# %% [markdown]\n'''\nquoted\n'''"
    cells, notes = read(script, "ex03.py")
    assert cells[1:] == [
        ("code", "x = 1\n%time x"),
        ("markdown", "# Title\n\ntext"),
        ("code", "y = 2"),
        ("code", "z = 3"),
        ("markdown", "quoted"),
    ]
    assert notes == ["a .py file was handed in, not a notebook."]


def test_plain_and_broken_scripts():
    assert read("def f(x):\n    return x")[0] == [("code", "def f(x):\n    return x")]
    assert read("def f(x:\n    return", "a.py")[0] == [("code", "def f(x:\n    return")]


def test_colabs_scripts():
    script = '# -*- coding: utf-8 -*-\n"""Ex.ipynb\n\nAutomatically generated by Colab.\n"""\n\n'
    script += 'import os\n\n@wrap\ndef f(x):\n    return x\n\n"""# My answer"""\n\ny = f(2)\n'
    cells, _ = read(script)
    assert cells == [
        ("markdown", "Ex.ipynb\n\nAutomatically generated by Colab.\n"),
        ("code", "import os\n\n@wrap\ndef f(x):\n    return x"),
        ("markdown", "# My answer"),
        ("code", "y = f(2)"),
    ]


def test_whatever_the_bytes_it_is_a_notebook_or_refused():
    rng = random.Random(17)
    whole = made(("code", ["x = 1\n", "y"]), ("markdown", "# A"), metadata={"a": [1, {"b": None}]})
    pieces = [b'"', b"{", b"}", b"[", b"]", b",", b"\\u", b"null", b"1e999", b"\xff", b"\0", b"NaN"]
    pieces += [b'"cells":', b'"source":', b"# %%\n", b"def f(x):\n", b"\xef\xbb\xbf", b"-", b" "]
    outcomes = set()
    for n in range(6000):
        data = bytearray(whole.encode() if n % 3 else rng.randbytes(rng.randrange(60)))
        for _ in range(rng.randrange(1, 6)):
            start = rng.randrange(len(data) + 1)
            end = start + rng.choice([0, 0, 1, 3, 20])
            data[start:end] = rng.choice(pieces) * rng.choice([1, 1, 1, 5])
        try:
            got = read_notebook(bytes(data), rng.choice(["", "a.py"]))
            "".join(cell.source for cell in got.cells).encode()
            assert all(isinstance(cell.metadata, dict) for cell in got.cells)
            outcomes.add("read")
        except CourseError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_a_value_of_any_type_at_any_place():
    """Each value of a notebook is replaced by one of another type, one after the other."""
    told = json.loads(made(("code", ["x", "y"]), ("markdown", "z"), metadata={"kernelspec": {}}))
    told["cells"][0] |= {"outputs": [{"text": ["a"]}], "id": "i", "metadata": {"tags": ["t"]}}

    def places(value, path=()):
        yield path
        keys = list(value) if isinstance(value, dict) else []
        keys = range(len(value)) if isinstance(value, list) else keys
        for key in keys:
            yield from places(value[key], (*path, key))

    for path in list(places(told))[1:]:
        for other in (None, 3, -1.5, True, "text", [], {}, [[]], {"a": {}}, ["x", 1]):
            copy = json.loads(json.dumps(told))
            at = copy
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = other
            try:
                read_notebook(json.dumps(copy).encode())
            except CourseError as error:
                assert path == ("cells",), error
