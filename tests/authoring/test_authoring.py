import json
import os

import pytest

from course_lib import authoring
from course_lib.authoring.output import clean, machine_traces, without_progress
from course_lib.authoring.write import environment
from course_lib.base import CourseError
from course_lib.commands import cli

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")

SOURCE = """# %% [markdown]
# # A title
# Text.

# %%
x = 1

# %% tags=["nbval-check-output"]
print(x + 1)
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with one lesson source; `write(text)` changes it."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.urls]\nRepository = "https://github.com/owner/course"\n'
    )
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    source = tmp_path / "notebooks" / "src" / "01_lesson.py"
    source.write_text(SOURCE)
    return tmp_path


def build(repository, text=None, **settings):
    source = repository / "notebooks" / "src" / "01_lesson.py"
    if text is not None:
        source.write_text(text)
    return authoring.build([source], repository / "notebooks", **settings)


def built(repository):
    return json.loads((repository / "notebooks" / "01_lesson.ipynb").read_text())


def code_cells(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def test_prepare_writes_badge_first_cell_and_tags(repository):
    lesson = authoring.prepare(
        repository / "notebooks" / "src" / "01_lesson.py", "https://github.com/owner/course.git"
    )
    title, setup, first, second = lesson.cells
    assert title["source"].startswith("# A title\n\n[![Open in Colab]")
    assert (
        "colab.research.google.com/github/owner/course/blob/main/notebooks/01_lesson.ipynb"
        in title["source"]
    )
    assert (
        "--no-deps" in setup["source"]
        and '"git+https://github.com/owner/course.git"' in setup["source"]
    )
    assert len(setup["source"].splitlines()) <= 6
    assert first["metadata"] == {} and second["metadata"] == {"tags": ["nbval-check-output"]}
    assert len({c["id"] for c in lesson.cells}) == 4


def test_hidden_cells_are_folded_and_still_compared(repository):
    sources, out = [repository / "notebooks" / "src" / "01_lesson.py"], repository / "notebooks"
    hidden = '\n# %% tags=["hide"]\ndef f(): pass\n\n# %% tags=["hide", "remove-input"]\nassert x\n'
    build(repository, SOURCE + hidden, execute=False)
    *others, helper, checked = (cell["metadata"] for cell in code_cells(built(repository)))
    assert [metadata["tags"] for metadata in others if "jupyter" in metadata] == [["setup"]]
    assert helper["tags"] == ["hide", "hide-input"]
    assert checked["tags"] == ["hide", "remove-input"]
    for metadata in (helper, checked, others[0]):
        assert metadata["jupyter"] == {"source_hidden": True} and metadata["cellView"] == "form"
    differ = set(line.split(": ")[1] for line in authoring.differences(sources, out))
    assert differ == {"not executed."}
    build(repository, SOURCE + hidden.replace('["hide"]', '["hide", "slide"]'), execute=False)
    sources[0].write_text(SOURCE + hidden)
    assert any("the tags differs" in line for line in authoring.differences(sources, out))


def test_an_answer_is_closed_until_it_is_run(repository):
    cells = '\n# %% tags=["answer"]\nx\n\n# %% tags=["hide", "answer"]\nx\n'
    build(repository, SOURCE + cells, execute=False)
    *_, shown, hidden = (cell["metadata"] for cell in code_cells(built(repository)))
    assert shown == {"tags": ["answer"], "collapsed": True, "jupyter": {"outputs_hidden": True}}
    assert hidden["tags"] == ["hide", "answer", "hide-input"] and hidden["collapsed"] is True
    assert hidden["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert hidden["cellView"] == "form"


def test_prepare_needs_a_title(repository):
    with pytest.raises(CourseError, match="must begin with a markdown cell"):
        build(repository, "# %%\nx = 1\n", execute=False)


def test_first_cell_does_nothing_where_the_package_is_found(repository):
    (setup,) = [
        c
        for c in authoring.prepare(
            repository / "notebooks" / "src" / "01_lesson.py", "https://github.com/o/c"
        ).cells
        if "setup" in c["metadata"].get("tags", [])
    ]
    lines = setup["source"].splitlines()
    assert (
        "find_spec" in lines[2]
        and lines[3].startswith("    %pip")
        and "--no-deps" in lines[3]
        and " -e " not in lines[3]
        and "upgrade" not in lines[3]
    )
    assert all(line.startswith("    ") for line in lines[3:]), (
        "everything below is for where the package was not found"
    )
    assert "check_versions()" in lines[-1]
    # here it is found: nothing runs
    exec("\n".join([*lines[:3], "    raise AssertionError", *lines[4:]]))


GPU = "# ---\n# jupyter:\n#   accelerator: GPU\n#   colab:\n#     gpuType: T4\n# ---\n\n"


def test_a_gpu_is_asked_for_by_the_lessons_header_alone(repository):
    sources, out = [repository / "notebooks" / "src" / "01_lesson.py"], repository / "notebooks"
    build(repository, GPU + SOURCE, execute=False)
    notebook = built(repository)
    assert notebook["metadata"]["accelerator"] == "GPU" and notebook["metadata"]["colab"] == {
        "gpuType": "T4"
    }
    assert len(notebook["cells"]) == 4 and notebook["cells"][0]["source"].startswith("# A title"), (
        "the header is no cell"
    )
    assert not any("asks Colab" in line for line in authoring.differences(sources, out))
    sources[0].write_text(SOURCE)
    assert (
        "01_lesson: the notebook asks Colab for {'accelerator': 'GPU', 'colab': {'gpuType': "
        "'T4'}}, the source for no GPU." in authoring.differences(sources, out)
    )
    build(repository, execute=False)
    assert not {"accelerator", "colab"} & set(built(repository)["metadata"])
    with pytest.raises(CourseError, match="asks for exactly"):
        build(repository, GPU.replace("T4", "A100") + SOURCE, execute=False)
    with pytest.raises(CourseError, match="asks for exactly"):
        build(
            repository, GPU.replace("#   colab:\n#     gpuType: T4\n", "") + SOURCE, execute=False
        )


@pytest.mark.slow
def test_build_executes_and_repeats_byte_for_byte(repository):
    text = (
        SOURCE + "\n# %%\nimport sys, tqdm\nfor _ in tqdm.tqdm(range(3), file=sys.stderr): "
        "pass\nfrom IPython.display import display\nimport "
        "ipywidgets\nipywidgets.IntSlider()\n\n# %%\nfrom course_lib.base import progress\n"
        "progress.PATIENCE = 0\nwith progress.bar(2, 'sampling') as bar: bar.update()\n"
    )
    build(repository, text)
    first = (repository / "notebooks" / "01_lesson.ipynb").read_bytes()
    notebook = built(repository)
    cells = code_cells(notebook)
    assert [c["execution_count"] for c in cells] == [1, 2, 3, 4, 5]
    assert cells[2]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": "2\n"}]
    kinds = [kind for output in cells[3]["outputs"] for kind in output["data"]]
    assert kinds == ["text/plain"], "no stderr stream and no widget view"
    assert cells[4]["outputs"] == [], "a bar of the course leaves nothing"
    assert "widgets" not in notebook["metadata"] and all(
        "execution" not in c["metadata"] for c in cells
    )
    build(repository)
    assert (repository / "notebooks" / "01_lesson.ipynb").read_bytes() == first
    assert (
        authoring.differences(
            [repository / "notebooks" / "src" / "01_lesson.py"], repository / "notebooks"
        )
        == []
    )


@pytest.mark.slow
def test_a_failing_cell_is_named_and_nothing_is_overwritten(repository):
    build(repository, execute=False)
    before = (repository / "notebooks" / "01_lesson.ipynb").read_bytes()
    with pytest.raises(
        CourseError, match="01_lesson, cell 4 failed with ZeroDivisionError"
    ) as error:
        build(repository, SOURCE + "\n# %%\n1 / 0\n")
    assert "1 / 0" in str(error.value) and "\x1b" not in str(error.value)
    assert (repository / "notebooks" / "01_lesson.ipynb").read_bytes() == before


@pytest.mark.slow
def test_a_machine_path_or_a_large_notebook_is_refused(repository):
    with pytest.raises(CourseError, match="cell 4 prints something of this machine"):
        build(repository, SOURCE + '\n# %%\nprint("/home/ann/data")\n')
    with pytest.raises(CourseError, match="a notebook stays under 400 kB"):
        build(repository, SOURCE + "\n# %% [markdown]\n# " + "x" * 400_000 + "\n", execute=False)
    assert not (repository / "notebooks" / "01_lesson.ipynb").exists()


def test_check_reports_each_kind_of_difference(repository):
    sources = [repository / "notebooks" / "src" / "01_lesson.py"]
    out = repository / "notebooks"
    assert authoring.differences(sources, out) == ["01_lesson: there is no notebook."]
    build(repository, execute=False)
    assert [line.split(": ")[1] for line in authoring.differences(sources, out)] == [
        "not executed."
    ] * 3
    notebook = built(repository)
    for cell in code_cells(notebook):
        cell["execution_count"] = 1
    write = (out / "01_lesson.ipynb").write_text

    def differences(change):
        changed = json.loads(json.dumps(notebook))
        change(changed)
        write(json.dumps(changed))
        return "\n".join(authoring.differences(sources, out))

    assert differences(lambda n: None) == ""
    assert (
        "cell 2: the source differs: 'x = 2' in the notebook, 'x = 1' in the source"
        in differences(lambda n: n["cells"][2].update(source="x = 2"))
    )
    assert differences(lambda n: n["cells"][2].update(source=["x = ", "1"])) == "", (
        "a list of lines is the same source"
    )
    assert "cell 3: the tags differs" in differences(lambda n: n["cells"][3].update(metadata={}))
    assert "cell 2: the type differs" in differences(
        lambda n: n["cells"][2].update(cell_type="markdown")
    )
    assert "3 cells in the notebook, 4 in the source" in differences(lambda n: n["cells"].pop())
    assert "widget state" in differences(lambda n: n["metadata"].update(widgets={}))
    assert "cell 2" in differences(lambda n: n["cells"].insert(2, n["cells"].pop(3))), (
        "order counts"
    )


def test_build_with_check_writes_nothing(repository):
    assert build(repository, check=True) == ["01_lesson: there is no notebook."]
    assert not (repository / "notebooks" / "01_lesson.ipynb").exists()


@pytest.mark.parametrize(
    "text, left",
    [
        (
            "Loading weights:   0%|          | 0/29 [00:00<?, ?it/s]\rLoading weights: "
            "100%|███| 29/29 [00:00<00:00, 14089.52it/s]\n",
            "",
        ),
        ("sampling:  50%|█████     | 8/16 [00:01<00:01,  7.9reply/s]\r\x1b[K", ""),
        ("UserWarning: the tokenizer was changed", "UserWarning: the tokenizer was changed"),
        (
            "scoring: 10%|█  | 1/10 [00:00<00:00]\rTraceback (most recent call last)",
            "Traceback (most recent call last)",
        ),
    ],
)
def test_progress_bars_are_told_from_warnings(text, left):
    assert without_progress(text) == left


def test_clean_keeps_stand_ins_and_drops_widgets():
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": "a warning\n"},
        {
            "output_type": "display_data",
            "data": {
                **view,
                "text/plain": "Loading weights:   0%|          | 0/29 [00:00<?, ?it/s]",
            },
            "metadata": {},
        },
        {"output_type": "display_data", "data": dict(view), "metadata": {}},
        {"output_type": "display_data", "data": {}, "metadata": {}},  # a bar that has ended
        {"output_type": "display_data", "data": {"text/html": " "}, "metadata": {}},
        {
            "output_type": "execute_result",
            "data": {**view, "text/plain": "the table", "text/html": "<table>"},
            "metadata": {},
            "execution_count": 1,
        },
    ]
    kept, noise = clean(outputs)
    assert noise == "a warning"
    assert [output["data"] for output in kept] == [
        {"text/plain": "the table", "text/html": "<table>"}
    ]
    assert "application/vnd.jupyter.widget-view+json" in outputs[5]["data"], (
        "the caller's outputs are not changed"
    )


def test_machine_traces_are_found_in_texts_and_not_in_pictures():
    def shown(**data):
        return [
            {
                "output_type": "display_data",
                "data": {kind.replace("_", "/"): text for kind, text in data.items()},
                "metadata": {},
            }
        ]

    assert machine_traces(shown(text_plain="<Figure at 0x7f0123456789>"))
    assert machine_traces(shown(text_html="saved to /tmp/abc"))
    assert machine_traces([{"output_type": "stream", "name": "stdout", "text": "C:\\Users\\ann"}])
    assert not machine_traces(shown(image_png="AAAA/tmp/AAAA"))
    assert not machine_traces(shown(text_html='<img src="data:image/png;base64,AAAA/tmp/AAAA">'))
    assert not machine_traces(shown(text_plain="helpdesk/policy"))


def test_the_command_compares_and_names_unknown_lessons(capsys):
    found = authoring.check_all()
    assert cli.main(["build", "--check"]) == int(bool(found))
    said = capsys.readouterr().err
    assert all(line in said for line in found)
    assert ("run `course build` and commit" in said) == bool(found)
    assert cli.main(["build", "--check", "ninety"]) == 1
    assert "no lesson 'ninety'" in capsys.readouterr().err
    with pytest.raises(CourseError, match="no lesson 'ninety'"):
        authoring.check_all(["ninety"])
    assert [s.stem for s in authoring.lesson_sources(["01"])] == ["01_best_of_n"]


def test_the_command_writes_solved_exercises_elsewhere_alone(tmp_path, capsys):
    assert cli.main(["build", "ex01", "--solved", str(tmp_path / "solved")]) == 0
    (written,) = (tmp_path / "solved").iterdir()
    assert capsys.readouterr().out == f"{written}\n"
    inside = authoring.ROOT / "exercises" / "solved"
    assert cli.main(["build", "ex01", "--solved", str(inside)]) == 1
    assert not inside.exists()


def test_building_leaves_the_environment_as_it_was(repository, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with environment(COURSE_PROGRESS="a", HF_HUB_OFFLINE="1"):
        assert os.environ["COURSE_PROGRESS"] == "a" and os.environ["HF_HUB_OFFLINE"] == "1"
    assert "COURSE_PROGRESS" not in os.environ and os.environ["HF_HUB_OFFLINE"] == "0"
