"""Fixtures are small named facts."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch

torch.set_num_threads(1)  # tests share their cores

# whole files that the quick subset leaves out: edge cases, many like each other
NOT_QUICK = {
    "test_adapters", "test_annotator", "test_answers_at_random", "test_architectures",
    "test_arithmetic", "test_attacked_files", "test_box", "test_candidate_browser",
    "test_candidates", "test_check", "test_clinic_desk", "test_console", "test_declared",
    "test_drawings_first", "test_drawings_later", "test_edits", "test_explore_curves",
    "test_explore_replies", "test_failing_pipelines", "test_front_ends", "test_frontier",
    "test_gpu_scripts", "test_grading_run", "test_gsm8k", "test_guesses", "test_hostile",
    "test_judge", "test_keyboard", "test_keys", "test_kills", "test_marking", "test_memory",
    "test_misreadings", "test_over_optimisation", "test_overoptimisation", "test_overwriting",
    "test_plots", "test_predict", "test_preferences", "test_progress_map", "test_quiz_cards",
    "test_rehearsal", "test_release", "test_rlhf_figures", "test_rollouts", "test_rounds",
    "test_run", "test_selection_explorer", "test_shapes", "test_strange_models", "test_submissions",
    "test_temperature", "test_verifiable_lesson", "test_world",
}  # fmt: skip


# files that take half a minute or more: begun first, so that no worker waits for one at the end
FIRST = [
    "test_real_weights", "test_command", "test_browser", "test_prose", "test_exercises",
    "test_real_model", "test_rehearsal", "test_hostile", "test_noise", "test_kills",
    "test_results", "test_grading_run", "test_predictions_in_jupyter", "test_cautions",
    "test_on_ray", "test_accelerated", "test_release", "test_judge", "test_gpu_scripts",
    "test_run", "test_tiers", "test_overwriting",
]  # fmt: skip


def pytest_configure(config):
    """Workers take files in the order of the tests, not those with the most tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(config, items):
    """Mark them, and leave out the longest unless they are asked for: ``-m long``."""
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else 99)
    for item in items:
        if item.path.stem in NOT_QUICK:
            item.add_marker(pytest.mark.slow)
    if "long" not in config.getoption("markexpr"):
        longest = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=longest)
        items[:] = [item for item in items if item not in longest]


SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data used by some tests; they are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data not found: place it in ../shared/data to run this test")
    return SHARED_DATA


CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)


@pytest.fixture(scope="session")
def browser():
    """Chromium, started once."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium found: apt-get install chromium, or set CHROMIUM to its path")
    with playwright.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


FRONT_ENDS = {"lab": "lab/tree", "notebook": "notebooks"}  # JupyterLab, Notebook 7


@pytest.fixture
def jupyter(tmp_path):
    """jupyter(app) starts JupyterLab ("lab") or Notebook 7 ("notebook") over ``tmp_path``.

    Gives a function: the address of a notebook there. Nothing of this machine's settings is used.
    """
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: pip install -e '.[lab]'")
    pytest.importorskip("notebook", reason="notebook is not installed: pip install -e '.[dev]'")
    started = []

    def start(app):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        token = secrets.token_hex(8)
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            "HF_HUB_OFFLINE": "1",
            "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
            "JUPYTER_DATA_DIR": str(tmp_path / "data"),
            "HOME": str(tmp_path),
        }
        environment.pop("COURSE_PROGRESS", None)
        environment.pop("PYTEST_CURRENT_TEST", None)  # else checks take the kernel for nbval's
        command = [sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root"]
        command += ["--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={token}"]
        command += [f"--ServerApp.root_dir={tmp_path}", "--LabApp.news_url=None"]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        log = tmp_path / "server.log"
        with open(log, "w") as written:
            process = subprocess.Popen(
                command, env=environment, stdout=written, stderr=written, cwd=tmp_path
            )
        started.append(process)
        until = time.time() + 600
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={token}", timeout=2)
                break
            except OSError:
                assert process.poll() is None, log.read_text()[-2000:]
                assert time.time() < until, log.read_text()[-2000:]
                time.sleep(0.3)
        return lambda path: (
            f"http://127.0.0.1:{port}/{FRONT_ENDS[app]}/{path}?token={token}"
            + ("&reset" if app == "lab" else "")
        )

    yield start
    for process in started:
        process.terminate()
        process.wait(20)
