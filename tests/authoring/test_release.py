"""Release: bundles, secrets, and nbgrader's own programs on a bundle."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from course_lib import authoring
from course_lib.authoring import exercises as ex
from course_lib.authoring import proofs, release
from course_lib.base import CourseError
from course_lib.classroom import checks
from course_lib.commands import cli

NBGRADER = (
    Path(os.environ.get("NBGRADER_ENV", authoring.ROOT / ".venv-nbgrader")) / "bin" / "nbgrader"
)


def course_release(*words) -> int:
    return cli.main(["release", *map(str, words)])


def test_links_of_a_bundle_hold_where_it_stands_alone(tmp_path):
    assert course_release("ex05", "--out", tmp_path) == 0
    (path,) = (tmp_path / "ex05").glob("*.ipynb")
    texts = [
        cell["source"]
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    ]
    links = re.findall(r"\]\(([^)]+)\)", "\n".join(texts))
    assert links and all(link.startswith(("https://", "#")) for link in links)
    assert "[Open in Colab](https://colab" in texts[0] and ".svg" not in texts[0]


def test_two_cohorts_get_the_same_bundle_and_different_secrets(tmp_path):
    keys = tmp_path / "keys.json"
    for cohort in ("spring", "autumn"):
        out = tmp_path / cohort
        assert course_release("ex01", "--out", out, "--cohort", cohort, "--keys", keys) == 0
    spring, autumn = (tmp_path / cohort / "ex01" for cohort in ("spring", "autumn"))
    assert sorted(p.name for p in spring.iterdir()) == ["README.md", "ex01_best_of_n.ipynb"]
    assert all((autumn / p.name).read_bytes() == p.read_bytes() for p in spring.iterdir())
    kept = json.loads(keys.read_text())
    assert kept["spring"] != kept["autumn"] and oct(keys.stat().st_mode)[-3:] == "600"
    for secret in map(str, kept.values()):
        assert not any(secret in p.read_text() for p in tmp_path.rglob("ex01/*"))
    assert release.secret_of("spring", keys) == kept["spring"], (
        "a second release keeps the cohort's secret"
    )
    for name, proof in proofs.proofs_of("ex01").items():
        inputs = proof.drawn(kept["spring"])
        answers = {
            repr(checks.plain_value(args)): checks.Trial(proof.reference).run(*args)
            for args in inputs
        }

        def copied(*args, answers=answers):
            return answers.get(repr(checks.plain_value(args)), next(iter(answers.values())))

        assert proof.share_right(copied, kept["spring"]) == 1, name
        assert proof.share_right(copied, kept["autumn"]) < 1, name


def test_bundles_hold_no_solution(tmp_path):
    for source in ex.exercise_sources():
        folder = release.release_exercise(source, tmp_path)
        text = "".join(p.read_text() for p in folder.iterdir())
        assert "# SOLUTION" not in text and "@probe" not in text and "@wrong" not in text


HIDDEN = ("exercises/src/", "exercises/proofs/", "tests/")
OF_AUTHORS = re.compile(r"^(\s*# SOLUTION|@proof\..*)$", re.MULTILINE)


def without_sources(names, texts):
    """Nothing of an instructor's own among these files, by place and by content."""
    assert not [name for name in names if name.startswith(HIDDEN)]
    assert [name for name in names if name.startswith("course_lib/classroom/checks/")]
    assert not [name for name, text in texts if OF_AUTHORS.search(text)]


@pytest.mark.slow
def test_neither_wheel_nor_source_archive_holds_solutions_or_proofs(tmp_path):
    pytest.importorskip("hatchling", reason="what builds the package is not installed here")
    from hatchling.builders.sdist import SdistBuilder
    from hatchling.builders.wheel import WheelBuilder

    root = str(authoring.ROOT)
    (wheel,) = WheelBuilder(root).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        code = [name for name in names if name.endswith(".py")]
        without_sources(names, [(name, archive.read(name).decode()) for name in code])
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"course_lib"}
    (sources,) = SdistBuilder(root).build(directory=str(tmp_path), versions=["standard"])
    with tarfile.open(sources) as archive:
        files = {member.name.split("/", 1)[1]: member for member in archive if member.isfile()}
        code = [name for name in files if name.endswith(".py")]
        read = ((name, archive.extractfile(files[name]).read().decode()) for name in code)
        without_sources(list(files), read)
    assert "exercises/ex01_best_of_n.ipynb" in files


def test_git_archive_gives_the_tree_a_student_may_see(tmp_path):
    """The command of docs/instructors.md, by the attributes as they stand here."""
    if not (authoring.ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no clone, or git is not installed")
    git = ["git", "-c", f"safe.directory={authoring.ROOT}"]
    archive = ["archive", "--worktree-attributes", "HEAD"]
    made = subprocess.run([*git, *archive], cwd=authoring.ROOT, capture_output=True)
    assert made.returncode == 0, made.stderr
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        files = {member.name: member for member in archive if member.isfile()}
        code = [name for name in files if name.endswith(".py")]
        read = ((name, archive.extractfile(files[name]).read().decode()) for name in code)
        without_sources(list(files), read)
    assert {"exercises/ex01_best_of_n.ipynb", "README.md", "pyproject.toml"} <= set(files)
    guide = (authoring.ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    assert "git archive HEAD" in guide


def test_what_is_said_of_the_secret_is_what_grading_does(tmp_path, capsys):
    keys, out = tmp_path / "keys.json", tmp_path / "out"
    assert course_release("ex01", "--out", out, "--cohort", "spring", "--keys", keys) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "`course grade --cohort spring` draws hidden inputs from it" in said
    told = (out / "ex01" / "README.md").read_text(encoding="utf-8")
    assert "graded on others, too" in told
    secret = release.secret_of("spring", keys)
    for name, proof in proofs.proofs_of("ex01").items():
        inputs = [repr(checks.plain_value(args)) for args in proof.drawn(secret)]
        visible = {
            repr(checks.plain_value(call.args))
            for call in checks.tasks("ex01")[name].trial(proof.reference).asked
        }
        assert inputs and sum(text in visible for text in inputs) < len(inputs) / 2, name


def test_refuses_to_overwrite_to_leak_and_to_guess(tmp_path):
    (source,) = ex.exercise_sources(["ex01"])
    release.release_exercise(source, tmp_path)
    with pytest.raises(CourseError, match="is there already"):
        release.release_exercise(source, tmp_path)
    with pytest.raises(CourseError, match="no secret for the cohort 'winter'"):
        release.secret_of("winter", tmp_path / "keys.json")
    out = tmp_path / "x"
    inside = out / "keys.json"
    assert course_release("ex01", "--out", out, "--cohort", "a", "--keys", inside) == 1
    assert course_release("--out", tmp_path / "y") == 1


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": "x"}', '{"a": true}', b"\xff\xfe"])
def test_a_broken_file_of_secrets_stops_the_release_before_it_writes(tmp_path, text, capsys):
    keys = tmp_path / "keys.json"
    keys.write_bytes(text if isinstance(text, bytes) else text.encode())
    out = tmp_path / "out"
    assert course_release("ex01", "--out", out, "--cohort", "a", "--keys", keys) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert not out.exists()


def test_a_release_writes_all_or_nothing(tmp_path, capsys):
    out = tmp_path / "out"
    (out / "ex03").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    assert course_release("--all", "--out", out) == 1
    assert len(list(out.iterdir())) == 1
    assert course_release("ex01", "--out", tmp_path / "file") == 1
    assert course_release("ex01", "--out", tmp_path / "new", "--cohort", " ") == 1
    assert not (tmp_path / "new").exists()
    said = capsys.readouterr().err
    for part in ("ex03 is there already", "is a file", "needs a name"):
        assert part in said


@pytest.mark.parametrize("source", ex.exercise_sources(), ids=lambda source: source.stem)
def test_nbgrader_metadata_marks_tasks_and_checks(source, tmp_path):
    folder = release.release_exercise(source, tmp_path, nbgrader=True)
    cells = json.loads((folder / f"{source.stem}.ipynb").read_text())["cells"]
    marked = [c["metadata"]["nbgrader"] for c in cells if "nbgrader" in c["metadata"]]
    tasks = ex.Exercise(source).tasks()
    assert len(marked) == 2 * len(tasks) and len({m["grade_id"] for m in marked}) == len(marked)
    assert sum(m.get("points", 0) for m in marked) == sum(t.points for t in tasks.values())
    assert all(
        c["source"].count("### BEGIN SOLUTION") == c["source"].count("### END SOLUTION") == 1
        for c in cells
        if c["metadata"].get("nbgrader", {}).get("solution")
    ), "or generate_assignment clears the whole cell"
    assert all(m["solution"] != m["grade"] and m["locked"] == m["grade"] for m in marked)


@pytest.mark.slow
@pytest.mark.skipif(
    not NBGRADER.is_file(), reason="nbgrader has no environment of its own here: make nbgrader"
)
def test_the_real_nbgrader_validates_and_autogrades_a_bundle(tmp_path):
    """By nbgrader 0.9.6 itself: every point for a solved submission (that warns on the way), none
    for the untouched one, some for a half right one.
    """
    (source,) = ex.exercise_sources(["ex01"])
    exercise = ex.Exercise(source)
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "Python 3",
                "language": "python",
            }
        )
    )
    course = tmp_path / "course"
    bundle = release.release_exercise(source, tmp_path / "bundle", nbgrader=True)
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "HOME": str(tmp_path),
        "COURSE_PROGRESS": str(tmp_path / "progress.json"),
        "PYTHONPATH": str(authoring.ROOT),
        "PATH": f"{NBGRADER.parent}{os.pathsep}{os.environ['PATH']}",
    }

    def nbgrader(*words):
        found = subprocess.run(
            [str(NBGRADER), *words],
            cwd=course,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        return found.returncode, found.stdout + found.stderr

    handed_out = json.loads((bundle / f"{exercise.stem}.ipynb").read_text())
    solved = json.loads(json.dumps(handed_out))
    solutions = [s for kind, s in exercise.notebook_cells(True) if kind == "code"]
    code = [
        c
        for c in solved["cells"]
        if c["cell_type"] == "code" and c["metadata"].get("tags") != ["setup"]
    ]
    for cell, text in zip(code, solutions, strict=True):
        cell["source"] = text
    half = json.loads(json.dumps(handed_out))
    for cell in solved["cells"] + half["cells"]:
        if cell["source"].startswith("def win_share"):
            cell["source"] = (
                "import warnings\ndef win_share(a, b):\n    warnings.warn('look')\n    return "
                "float(((a > b).double() + 0.5 * (a == b).double()).mean())"
            )
    next(c for c in half["cells"] if c["source"].startswith("import warnings"))["source"] = (
        "def win_share(a, b):\n    return float((a > b).double().mean())"
    )
    for folder, notebook in (
        ("source/ex01", handed_out),
        ("submitted/ada/ex01", solved),
        ("submitted/bob/ex01", handed_out),
        ("submitted/cyd/ex01", half),
    ):
        (course / folder).mkdir(parents=True)
        (course / folder / f"{exercise.stem}.ipynb").write_text(json.dumps(notebook))
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'test'\n"
    )
    code_, said = nbgrader("validate", f"submitted/ada/ex01/{exercise.stem}.ipynb")
    assert code_ == 0 and "Success" in said, said
    code_, said = nbgrader("validate", f"submitted/bob/ex01/{exercise.stem}.ipynb")
    assert "FAILED ON 4 CELL" in said and "returns nothing yet" in said, said
    code_, said = nbgrader("generate_assignment", "ex01", "--create")
    assert code_ == 0, said
    made = "".join(
        "".join(c["source"])
        for c in json.loads((course / "release" / "ex01" / f"{exercise.stem}.ipynb").read_text())[
            "cells"
        ]
    )
    assert (
        all(f"def {name}(" in made for name in exercise.tasks())
        and "Share of prompts where a has" in made
        and "BEGIN SOLUTION" not in made
    ), "signatures and docstrings stay"
    code_, said = nbgrader("autograde", "ex01", "--create")
    assert code_ == 0, said
    code_, said = nbgrader("export", "--to", "grades.csv")
    assert code_ == 0, said
    rows = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
    score = {
        row[rows[0].index("student_id")]: float(row[rows[0].index("raw_score")]) for row in rows[1:]
    }
    assert score == {
        "ada": float(sum(t.points for t in exercise.tasks().values())),
        "bob": 0.0,
        "cyd": 2.0,
    }
    assert not list(course.rglob("course-progress.json"))
