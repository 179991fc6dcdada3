"""The assets of the world ``helpdesk-careful``: one small policy."""

from collections.abc import Callable
from pathlib import Path

from ..base import versions
from ..methods import fingerprint
from ..worlds import careful_helpdesk
from . import helpdesk
from .parts import SEED, Parts

FULL = {**helpdesk.FULL, "width": 64, "layers": 2}
MINIATURE = {**helpdesk.MINIATURE, "replies": 320}


def build(out: Path, size: dict = FULL, log: Callable[[str], None] = print) -> dict:
    """Build the policy under ``out``/helpdesk-careful. Returns the manifest."""
    size = {name: size[name] for name in ("replies", "epochs", "width", "layers")}
    parts = Parts(out, "helpdesk-careful", fingerprint([size, SEED, versions()]), log)
    folder = parts.folder / "policy"
    parts.part("policy", helpdesk.make_policy, careful_helpdesk(), size, folder)
    return parts.done(size)
