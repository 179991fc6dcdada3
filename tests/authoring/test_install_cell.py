"""The first cell of every notebook, run as Colab runs it: its own lines, in an environment that has
every package but the course.

The repository stands in the place of its address, and nothing is fetched.
"""

import json
import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import IPython
import pytest

hatchling = pytest.importorskip("hatchling", reason="what builds it: pip install -e '.[dev]'")

from course_lib.authoring.lessons import SETUP  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
COURSE = ("rejection_sampling_course", "_editable_impl_rejection", "course_lib")
RUN = """
import importlib, importlib.metadata as metadata, json, sys
from IPython.core.interactiveshell import InteractiveShell
cell = open(sys.argv[1], encoding="utf-8").read()
shell = InteractiveShell.instance()
before = {one.metadata["Name"]: one.version for one in metadata.distributions()}
shell.run_cell(cell).raise_error()
importlib.invalidate_caches()  # metadata remembers what a folder held
after = {one.metadata["Name"]: one.version for one in metadata.distributions()}
import course_lib
first = course_lib.__file__
shell.run_cell(cell).raise_error()  # once more: it is found and nothing runs
added = sorted(set(after) - set(before))
kept = all(after[name] == version for name, version in before.items())
print("\\n" + json.dumps({"file": first, "added": added, "kept": kept}))
"""


def only_the_course_is_missing(folder: Path) -> Path:
    """The Python of a new environment that has this one's packages, and not the course."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    lent = folder / "lent"
    lent.mkdir()
    for module in (IPython, hatchling):
        for entry in Path(module.__file__).parents[1].iterdir():
            link = lent / entry.name
            if not entry.name.startswith(COURSE) and not link.exists():
                link.symlink_to(entry)
    Path(own, "lent.pth").write_text(str(lent), encoding="utf-8")
    return python


@pytest.mark.slow
def test_the_first_cell_installs_the_course_and_nothing_else(tmp_path):
    python = only_the_course_is_missing(tmp_path / "colab")
    cell = tmp_path / "cell.py"
    cell.write_text(SETUP.format(address=f"file://{ROOT}"), encoding="utf-8")
    environment = {
        **os.environ,
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say: build with what is here
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "HOME": str(tmp_path),
    }
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):  # IPython would look into an active environment
        environment.pop(name, None)
    done = subprocess.run(
        [str(python), "-c", RUN, str(cell)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=tmp_path,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["added"] == ["rejection-sampling-course"]
    assert told["kept"], "a package that was there has another version"
    assert Path(told["file"]).is_relative_to(tmp_path)
