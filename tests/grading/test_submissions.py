"""Whose notebook lies where, in folders, zip files and downloads, hostile ones included."""

import io
import json
import os
import random
import zipfile
from datetime import UTC, datetime

import pytest

from course_lib.base import CourseError
from course_lib.grading import archives, submissions
from course_lib.grading.submissions import safe, submissions_in


def notebook(said="from course_lib.classroom.checks import ex03 as check"):
    cells = [{"cell_type": "code", "source": said, "metadata": {}}]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}).encode()


NOTEBOOK, OTHER = notebook(), notebook("from course_lib.classroom.checks import ex02 as check")


@pytest.fixture
def tree(tmp_path):
    """tree({"a/b.ipynb": bytes, "c/": None}): a folder with these files, each a second newer."""

    def make(files):
        root = tmp_path / "in"
        for at, (name, data) in enumerate(dict.fromkeys(files, NOTEBOOK).items()):
            data = files[name] if isinstance(files, dict) else data
            place = root / name
            if name.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            os.utime(place, (1.7e9 + at, 1.7e9 + at))
        return root

    return make


def zipped(files):
    """Bytes of a zip file with {name or ZipInfo: bytes}."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def students(path, exercise="ex03"):
    return {s.student: s for s in submissions_in(path, exercise)}


def test_files_and_folders(tree):
    got = students(tree(["bob.ipynb", "alice/ex03.ipynb", "carl/work/ex03/ex03.ipynb", "list.csv"]))
    assert list(got) == ["alice", "bob", "carl"]
    assert all(s.data == NOTEBOOK and not s.problem and s.late is None for s in got.values())
    assert got["carl"].name == "ex03.ipynb" and got["carl"].shown == "carl"


def test_one_file_and_one_zip(tree, tmp_path):
    root = tree(["alice.ipynb", "bob.ipynb"])
    assert list(students(root / "alice.ipynb")) == ["alice"]
    (tmp_path / "all.zip").write_bytes(zipped({"a.ipynb": NOTEBOOK, "b/ex03.ipynb": NOTEBOOK}))
    assert list(students(tmp_path / "all.zip")) == ["a", "b"]


def test_a_folder_of_zip_files(tree):
    inner = {"ex03_reward_models.ipynb": NOTEBOOK, "__MACOSX/._ex03.ipynb": b"x", ".x.ipynb": b""}
    files = {"alice.zip": zipped(inner), "bob.zip": zipped({"my/work/ex03.ipynb": NOTEBOOK})}
    got = students(tree(files | {"carl.zip": b"PK no", "dora.zip": zipped({}), "eve.zip": b""}))
    assert list(got) == ["alice", "bob", "carl", "dora", "eve"]
    assert got["alice"].data == got["bob"].data == NOTEBOOK and got["alice"].notes == []
    assert "no zip file" in got["carl"].problem and "no notebook" in got["dora"].problem
    assert got["eve"].problem


def test_canvas(tree):
    files = {
        "lovelaceada_12345_67890_ex03.ipynb": NOTEBOOK,
        "turingalan_LATE_222_67891_ex03.ipynb": NOTEBOOK,
        "smithjohn_1_70001_ex03.ipynb": OTHER,
        "smithjohn_1_70002_ex03-1.ipynb": NOTEBOOK,
        "smithjohn_2_70003_ex03.ipynb": NOTEBOOK,
        "LATE_anon_xY12z_70004_ex03.ipynb": NOTEBOOK,
        "zuse_LATE_7_70005_work.zip": zipped({"zuse_9_99999_ex03.ipynb": NOTEBOOK}),
        "noether_8_text.html": b"<p>",
        "o_brien_9_70006_my_notebook_2.ipynb": NOTEBOOK,
    }
    got = students(tree(files))
    assert list(got) == [
        "anon_xY12z", "lovelaceada_12345", "noether_8", "o_brien_9", "smithjohn_1", "smithjohn_2",
        "turingalan_222", "zuse_7",
    ]  # fmt: skip
    assert {s.system for s in got.values()} == {"canvas"}
    ada, late = got["lovelaceada_12345"], {name for name, s in got.items() if s.late}
    assert (ada.identity, ada.shown, ada.name) == ("12345", "lovelaceada", "ex03.ipynb")
    assert late == {"anon_xY12z", "turingalan_222", "zuse_7"} and ada.late is False
    assert got["smithjohn_1"].data == NOTEBOOK and "1 other" in got["smithjohn_1"].notes[0]
    assert got["o_brien_9"].name == "my_notebook_2.ipynb" and got["zuse_7"].data == NOTEBOOK
    assert got["noether_8"].problem == "there is no notebook; there is noether_8_text.html."


@pytest.mark.parametrize("numbers", [(70001, 70002), (70002, 70001)])
def test_of_two_tries_on_canvas_the_newest_counts(tree, numbers):
    names = [f"smith_1_{number}_ex03.ipynb" for number in numbers]
    marks = [notebook(f"# {n}\nchecks import ex03") for n in numbers]
    got = students(tree(dict(zip(names, marks, strict=True))))
    assert b"# 70002" in got["smith_1"].data


def test_the_higher_of_two_numbers_in_a_name_counts(tree):
    names = ["s_1_700_ex03.ipynb", "s_1_700_ex03-2.ipynb", "s_1_700_ex03-10.ipynb"]
    root = tree({name: notebook(f"# {name}") for name in names})
    for name in names:
        os.utime(root / name, (1.7e9, 1.7e9))
    assert b"ex03-10" in students(root)["s_1"].data


def test_moodle(tree):
    files = [
        "Ada Lovelace_12345_assignsubmission_file_/ex03.ipynb",
        "Alan_T_77_assignsubmission_file_ex03.ipynb",
        "Müller Anna_78_assignsubmission_file/deep/ex03.ipynb",
    ]
    got = students(tree(dict.fromkeys(files, NOTEBOOK)))
    assert list(got) == ["Ada Lovelace_12345", "Alan_T_77", "Müller Anna_78"]
    assert {s.system for s in got.values()} == {"moodle"}
    ada, alan = got["Ada Lovelace_12345"], got["Alan_T_77"]
    assert (ada.identity, ada.shown, ada.name) == ("12345", "Ada Lovelace", "ex03.ipynb")
    assert (alan.identity, alan.shown, alan.name) == ("77", "Alan_T", "ex03.ipynb")


METADATA = """---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@x.org
  :created_at: 2026-02-02 15:58:23.948203000 Z
  :results:
    :submitters:
    - :name: Not A. Person
submission_102:
  :submitters:
  - :name: "Alan \\"T\\" Turing"
    :email: alan@x.org
  - :name: 'Grace O''Hopper'
    :sid: '7'
    :email: grace@x.org
  :created_at: 2026-02-03 01:02:03 +0100
submission_103:
  :submitters:
  - :name: |-
      submission_101:
      :email: ada@x.org
"""


@pytest.mark.parametrize("wrapper", ["", "assignment_5_export/"])
def test_gradescope(tree, wrapper):
    files = {f"{wrapper}submission_{n}/ex03.ipynb": NOTEBOOK for n in (101, 102, 103, 104)}
    got = students(tree(files | {f"{wrapper}submission_metadata.yml": METADATA.encode()}))
    assert {"ada@x.org", "alan@x.org", "grace@x.org", "submission_104"} < set(got)
    assert len(got) == 5 and {s.system for s in got.values()} == {"gradescope"}
    ada, grace = got["ada@x.org"], got["grace@x.org"]
    assert (ada.shown, ada.identity, ada.data) == ("Ada Lovelace", "0042", NOTEBOOK)
    assert ada.submitted == datetime(2026, 2, 2, 15, 58, 23, tzinfo=UTC)
    assert (grace.shown, grace.identity) == ("Grace O'Hopper", "7")
    assert grace.submitted.astimezone(UTC).hour == 0
    assert got["alan@x.org"].shown == "Alan _T_ Turing"


def test_nbgrader(tree):
    files = {
        "submitted/ada/ex03/ex03_reward_models.ipynb": NOTEBOOK,
        "submitted/ada/ex03/timestamp.txt": b"2026-02-02 15:58:23.948203 Europe/Berlin",
        "submitted/ada/ex02/ex02_n_best.ipynb": OTHER,
        "submitted/bob/ex03/ex03.ipynb": NOTEBOOK,
        "submitted/bob/ex03/timestamp.txt": b"yesterday Foo/../../Bar",
        "source/ex03/ex03.ipynb": NOTEBOOK,
    }
    got = students(tree(files))
    assert list(got) == ["ada", "bob"] and got["ada"].data == NOTEBOOK
    assert got["ada"].submitted.astimezone(UTC).hour == 14 and got["bob"].submitted is None


def test_of_several_notebooks_that_of_the_exercise_is_taken(tree):
    files = {
        "alice/ex03.ipynb": NOTEBOOK,
        "alice/ex03 (1).ipynb": notebook("# newer\nfrom course_lib.classroom.checks import ex03"),
        "alice/ex02.ipynb": OTHER,
        "alice/ex03_cut.ipynb": NOTEBOOK[:-9],
        "alice/scratch.ipynb": notebook("x"),
        "bob/ex02.ipynb": OTHER,
        "bob/ex02_b.ipynb": OTHER,
        "carl/a.ipynb": notebook("checks.report('ex03')"),
        "carl/ex03.py": b"# %%\nx = 1",
        "dora/ex03.py": b"# %%\nx = 1",
        "eve/ex03.ipynb": NOTEBOOK,
        "eve/.ipynb_checkpoints/ex03-checkpoint.ipynb": NOTEBOOK,
    }
    got = students(tree(files))
    assert b"# newer" in got["alice"].data and "4 other notebooks" in got["alice"].notes[0]
    assert "looks like another exercise's" in got["bob"].notes[1] and got["bob"].data == OTHER
    assert b"report" in got["carl"].data and got["dora"].data == b"# %%\nx = 1"
    assert got["eve"].notes == []
    root = tree({"fay.ipynb": OTHER})
    assert students(root)["fay"].notes == [
        "the notebook looks like another exercise's, not ex03's."
    ]
    assert students(root, "ex02")["fay"].notes == students(root, "")["fay"].notes == []


def test_folders_of_sections_and_of_the_exercise(tree):
    got = students(tree(["s1/alice/ex03.ipynb", "s1/bob/ex03.ipynb", "s2/c/ex03.ipynb",
                         "s2/d/ex03/ex03.ipynb", "s2/e/report.pdf"]))  # fmt: skip
    assert list(got) == ["alice", "bob", "c", "d", "e"]


@pytest.mark.parametrize("wrapper", ["ex03", "submissions", "hw3/notebooks"])
def test_folders_around_everything(tree, wrapper):
    assert list(students(tree([f"{wrapper}/alice.ipynb", f"{wrapper}/bob.ipynb"]))) == [
        "alice",
        "bob",
    ]


def test_a_folder_around_a_download_is_refused(tree):
    canvas = {"a_1_700_ex03.ipynb": NOTEBOOK, "b_2_701_ex03.ipynb": NOTEBOOK}
    for files in (
        {f"my download/{name}": data for name, data in canvas.items()},
        {"canvas.zip": zipped(canvas)},
        {"export/submission_metadata.yml": b"", "export/submission_1/ex03.ipynb": NOTEBOOK},
    ):
        root = tree(files)
        with pytest.raises(CourseError, match="give its own path"):
            submissions_in(root)
        (top,) = root.iterdir()
        assert submissions_in(top)
        top.rename(root.parent / f"{len(files)}{top.name}")
    only = tree({"m_13_777_x.zip": zipped(canvas)})
    assert list(students(only)) == ["m_13"]


def test_two_students_never_share_a_name(tree):
    files = ["alice.ipynb", "alice/ex03.ipynb", "s - x/a.ipynb", "Alice.ipynb", "x.py", "x.ipynb"]
    got = students(tree(files))
    assert len(got) == 6 and "Alice" in got


def test_a_student_makes_nobody_elses_submission(tree):
    forged = {
        "bob_12_99999_ex03.ipynb": NOTEBOOK,
        "bob/ex03.ipynb": NOTEBOOK,
        "submitted/bob/ex03/ex03.ipynb": NOTEBOOK,
        "Bob_12_assignsubmission_file_/ex03.ipynb": NOTEBOOK,
        "submission_metadata.yml": METADATA.encode(),
        "../bob/ex03.ipynb": NOTEBOOK,
        "/bob/ex03.ipynb": NOTEBOOK,
        "..\\bob\\ex03.ipynb": NOTEBOOK,
    }
    inside = {f"alice/{name}": data for name, data in forged.items() if name[0] not in "./"}
    files = inside | {"mallory.zip": zipped(forged), "m_13_777_x.zip": zipped(forged)}
    assert list(students(tree(files))) == ["alice", "m_13", "mallory"]


def test_names_are_cleaned_and_kept_apart(tree):
    names = ["a\nb", "a\tb", "a\u202eb", "a\u200bb", "a\ufffdb", "=cmd()", "<b>", " x", "x", "..."]
    got = students(tree([f"{name}/ex03.ipynb" for name in names if name != "..."]))
    assert len(got) == len(names) - 1 and "a\ufffdb" in got and "x" in got
    for name in got:
        assert name == safe(name) and not set(name) & set("\n\t\u202e\u200b<>/\\")
    assert got.keys() == students(tree([])).keys(), "the same each time"


def test_a_name_cannot_be_made_to_equal_a_cleaned_one(tree):
    first = next(iter(students(tree(["a\nb/ex03.ipynb"]))))
    assert first.startswith("a b ~") or first.startswith("a\ufffdb ~")
    assert len(students(tree([f"{first}/ex03.ipynb"]))) == 2


def test_names_that_are_no_text(tree):
    root = tree(["x/ex03.ipynb"])
    folder = os.path.join(os.fsencode(root), b"\xff\xfe")
    os.mkdir(folder)
    with open(os.path.join(folder, b"ex\x80.ipynb"), "wb") as file:
        file.write(NOTEBOOK)
    got = submissions_in(root, "ex03")
    assert len(got) == 2
    for one in got:
        (one.student + one.shown + one.name).encode()


@pytest.mark.parametrize(
    "text, cleaned",
    [
        ("../../etc", "__.._etc"),
        ("..", "_"),
        ("a" * 300, "a" * 100),
        ("é ü 名前", "é ü 名前"),
        ("a\u2066b\x7f", "a\ufffdb\ufffd"),
        ("\ud800", "\ufffd"),
    ],
)
def test_safe_names(text, cleaned):
    assert safe(text) == cleaned


def test_links_are_not_followed(tree, tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(NOTEBOOK)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ex03.ipynb").write_bytes(NOTEBOOK)
    root = tree(["bob/ex03.ipynb", "dora/"])
    (root / "alice.ipynb").symlink_to(secret)
    (root / "carl").symlink_to(tmp_path / "folder")
    (root / "dora" / "ex03.ipynb").symlink_to(secret)
    (root / "loop").symlink_to(root)
    got = students(root)
    assert list(got) == ["alice", "bob", "carl", "dora", "loop"]
    for name in ("alice", "carl", "dora", "loop"):
        assert "links are not followed" in got[name].problem and got[name].data is None


def test_links_in_zip_files_are_not_followed(tree):
    link = zipfile.ZipInfo("ex03.ipynb")
    link.external_attr = 0o120777 << 16
    got = students(tree({"alice.zip": zipped({link: b"/etc/passwd"})}))
    assert "links are not followed" in got["alice"].problem


def test_pipes_and_unreadable_files(tree, monkeypatch):
    root = tree(["alice/ex03.ipynb", "bob/ex03.ipynb", "carl/"])
    os.mkfifo(root / "carl" / "ex03.ipynb")
    real = os.open

    def refuse(path, *rest, **more):
        if "alice" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **more)

    monkeypatch.setattr(archives.os, "open", refuse)
    got = students(root)
    assert got["alice"].problem == "it cannot be read (permission denied)." and got["bob"].data
    assert got["carl"].problem == "it is no ordinary file."


def test_large_files_are_refused_by_size_alone(tree, monkeypatch):
    root = tree(["alice/", "bob/ex03.ipynb"])
    with open(root / "alice" / "ex03.ipynb", "wb") as file:
        file.truncate(100_000_000)
    real = archives.read_file

    def only_bob(path, most):
        assert "alice" not in str(path)
        return real(path, most)

    monkeypatch.setattr(archives, "read_file", only_bob)
    assert "has 100 MB, and at most 32" in students(root)["alice"].problem


def test_zip_bombs(tree):
    bomb = zipped({"ex03.ipynb": b" " * 40_000_000})
    lying = bytearray(zipped({"ex03.ipynb": b" " * 40_000_000}))
    at = lying.rindex(b"PK\x01\x02")
    lying[at + 24 : at + 28] = (1000).to_bytes(4, "little")  # declares 1,000 bytes
    nested = zipped({"inner.zip": bomb})
    got = students(tree({"a.zip": bomb, "b.zip": bytes(lying), "c.zip": nested, "d.zip": NOTEBOOK}))
    assert "40 MB" in got["a"].problem and "damaged" in got["b"].problem
    assert "A zip file in a zip file is not opened" in got["c"].problem
    assert all(s.data is None for s in got.values())


def test_locked_and_damaged_zip_files(tree):
    locked = bytearray(zipped({"ex03.ipynb": NOTEBOOK}))
    at = locked.rindex(b"PK\x01\x02")
    locked[at + 8] |= 1
    damaged = bytearray(zipped({"ex03.ipynb": NOTEBOOK}))
    damaged[45] ^= 0xFF
    got = students(tree({"a.zip": bytes(locked), "b.zip": bytes(damaged)}))
    assert "password" in got["a"].problem and "damaged" in got["b"].problem


def test_zip_files_with_endless_lists(tree, monkeypatch):
    many = zipped({f"{n}.txt": b"" for n in range(300)} | {"ex03.ipynb": NOTEBOOK})
    root = tree({"alice.zip": many, "bob.ipynb": NOTEBOOK})
    monkeypatch.setattr(archives, "MOST_OF_A_LIST", 5000)
    assert "list of contents" in students(root)["alice"].problem
    monkeypatch.setattr(archives, "MOST_OF_A_LIST", 10**9)
    monkeypatch.setattr(archives, "MOST_ITEMS", 200)
    assert "301 files" in students(root)["alice"].problem


def test_folders_with_endless_files(tree, monkeypatch):
    monkeypatch.setattr(archives, "MOST_ITEMS", 50)
    files = [f"alice/{n:03}.txt" for n in range(80)] + ["bob/ex03.ipynb"]
    got = students(tree(files))
    assert "more than 50 files" in got["alice"].problem and got["bob"].data


def test_deep_folders(tree):
    got = students(tree([f"alice/{'d/' * 30}ex03.ipynb", "bob.ipynb"]))
    assert "nested too deep" in got["alice"].problem


def test_empty_files_and_other_files(tree):
    files = {
        "alice.ipynb": b"",
        "bob/notes.pdf": b"%PDF",
        "carl/": b"",
        "dora.docx": b"PK",
        "e.rar": b"",
    }
    got = students(tree(files))
    problems = {name: s.problem for name, s in got.items()}
    assert problems == {
        "alice": "the file is empty.",
        "bob": "there is no notebook; there is notes.pdf.",
        "carl": "there is no notebook: the folder is empty.",
        "dora": "there is no notebook; there is dora.docx.",
        "e": "there is no notebook; there is e.rar.",
    }


def test_all_together_have_a_size(tree, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_TOGETHER", 2 * len(NOTEBOOK) + 10)
    got = students(
        tree({"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK, "c.ipynb": NOTEBOOK + b" " * 99})
    )
    assert [bool(s.data) for s in got.values()] == [True, True, False]
    assert "Grade it by itself" in got["c"].problem


def test_thousands_of_entries_in_one_zip(tmp_path):
    names = [f"student{n:04}_{n}_{n + 1000}_ex03.ipynb" for n in range(3000)]
    (tmp_path / "all.zip").write_bytes(zipped(dict.fromkeys(names, NOTEBOOK)))
    got = submissions_in(tmp_path / "all.zip", "ex03")
    assert len(got) == 3000 and all(s.data == NOTEBOOK for s in got)
    assert [s.student for s in got] == sorted(s.student for s in got)


def test_wrong_paths_are_said(tree, tmp_path):
    with pytest.raises(CourseError, match="there is no"):
        submissions_in(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="holds no submission"):
        submissions_in(tree({"readme.md": b""}))


def test_whatever_lies_in_the_folder_there_is_a_submission_or_a_problem(tmp_path):
    rng = random.Random(5)
    parts = ["alice", "..", "bob_1_777_ex03.ipynb", "x" * 200, "é", "\u202e", "submitted", "ex03"]
    parts += ["submission_metadata.yml", "A_1_assignsubmission_file_", "a.zip", ".ipynb", "-", " "]
    base = zipped({"ex03.ipynb": NOTEBOOK, "a/b.ipynb": NOTEBOOK, "../c.ipynb": b""})
    for n in range(400):
        root = tmp_path / str(n)
        root.mkdir()
        for _ in range(rng.randrange(1, 6)):
            names = [rng.choice(parts).replace("..", "dots") for _ in range(rng.randrange(1, 4))]
            data = bytearray(rng.choice([base, NOTEBOOK, METADATA.encode(), rng.randbytes(50)]))
            for _ in range(rng.randrange(4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            place = root.joinpath(
                *names[:-1], names[-1] + rng.choice(["", ".ipynb", ".zip", ".py"])
            )
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
            except OSError:
                continue
        (root / "whole.zip").write_bytes(data)
        for path in (root, root / "whole.zip"):
            try:
                got = submissions_in(path, "ex03")
            except CourseError:
                continue
            assert len({s.student for s in got}) == len(got)
            assert all((s.data is None) == bool(s.problem) for s in got)
            assert got == submissions_in(path, "ex03")


def test_damaged_zip_files_of_every_kind(tmp_path):
    rng = random.Random(6)
    whole = zipped({"a/ex03.ipynb": NOTEBOOK, "b/x.ipynb": NOTEBOOK, "c.ipynb": b"x" * 300})
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(len(data))] = rng.choice([0, 255, 1, rng.randrange(256)])
        (tmp_path / "x.zip").write_bytes(data[: rng.choice([None, None, rng.randrange(len(data))])])
        for path in (tmp_path, tmp_path / "x.zip"):
            try:
                got = submissions_in(path, "ex03")
            except CourseError:
                continue
            assert all((s.data is None) == bool(s.problem) for s in got)
