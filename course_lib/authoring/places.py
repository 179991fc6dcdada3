"""Where the sources lie: the root of the repository this package was imported from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
