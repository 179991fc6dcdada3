"""``course lab``: over the whole course, at lesson 00, with its notebooks trusted."""

import os
import sys
from pathlib import Path

import pytest

from course_lib.commands.learning import FIRST, lab_line, sign, surroundings

nbformat = pytest.importorskip("nbformat", reason="jupyter is not installed: the [lab] extra")
pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: the [lab] extra")

ROOT = FIRST.parents[1]


def test_exercises_are_in_reach_of_the_lab():
    line = lab_line(ROOT)
    assert f"--ServerApp.root_dir={ROOT}" in line
    (page,) = [word for word in line if "default_url" in word]
    assert page.endswith("/lab/tree/notebooks/00_start_here.ipynb")


def test_the_first_screen_asks_nothing(tmp_path, monkeypatch):
    from jupyterlab_server.config import get_static_page_config

    monkeypatch.setenv("JUPYTER_CONFIG_PATH", surroundings(tmp_path)["JUPYTER_CONFIG_PATH"])
    off = get_static_page_config(level="all")["disabledExtensions"]
    assert off["@jupyterlab/apputils-extension:announcements"]


def test_terminals_of_the_lab_find_the_command(tmp_path):
    first = surroundings(tmp_path)["PATH"].split(os.pathsep)[0]
    assert Path(first) == Path(sys.executable).parent


def test_only_what_was_signed_is_trusted(tmp_path, monkeypatch):
    from nbformat.sign import NotebookNotary

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{", encoding="utf-8")
    sign([broken, FIRST])
    notary = NotebookNotary()
    assert notary.check_signature(nbformat.read(FIRST, as_version=4))
    assert not notary.check_signature(other)
