"""Fixtures are small named facts."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch

torch.set_num_threads(1)  # tests share their cores

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data used by some tests; they are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data not found: place it in ../shared/data to run this test")
    return SHARED_DATA
