"""``course doctor``: what is installed, which device, which tier, and what to do."""

import importlib
import os
import platform
import shutil
from argparse import Namespace

from ..base import require
from .show import show

ROOMS = ("estimators", "worlds", "pools", "models", "methods", "experiments", "classroom.quiz")
WANTED = {
    "torch": "core",
    "transformers": "core",
    "matplotlib": "core",
    "ipywidgets": "core",
    "jupyterlab": "[lab]",
    "nbval": "[dev]",
    "pytest": "[dev]",
    "jupytext": "[dev]",
    "trl": "[peers]",
    "ray": "[scale]",
    "accelerate": "[scale]",
}


def doctor_command(args: Namespace) -> int:
    """``course doctor``: returns 1 when the lessons cannot run."""
    result = examine()
    show(result, args.json, lambda: text(result))
    return 0 if result["ready"] else 1


def unfit_versions() -> tuple[list[str], list[str]]:
    """Core packages that are missing or outside the bounds of this package's own requirements.

    Two lists of lines, (too old or missing, too new).
    """
    from importlib import metadata  # slow, and no other command needs it

    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("rejection-sampling-course") or []
    # run from a copy that was not installed: nothing says what it needs
    except metadata.PackageNotFoundError:
        return [], []
    old, new = [], []
    for requirement in map(Requirement, lines):
        if requirement.marker is not None:  # an extra
            continue
        bounds = requirement.specifier
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            old.append(f"{requirement.name} is not installed, {bounds} is needed")
            continue
        if bounds.contains(version, prereleases=True):
            continue
        line = f"{requirement.name} is {version}, {bounds} is needed"
        broken = [part for part in bounds if not part.contains(version, prereleases=True)]
        below = any(part.operator in (">=", "==", "~=") for part in broken)
        (old if below else new).append(line)
    return old, new


def check_versions() -> None:
    """Raise where a package is missing or too old, print a note where one is too new.

    It is the last line of a notebook's first cell on Colab. The course is installed there with
    ``--no-deps``, so that nothing preinstalled is replaced; then nobody else compares versions.
    """
    old, new = unfit_versions()
    if new:
        print(
            f"Newer than the course was tested with: {'; '.join(new)}. It may work; if a cell "
            "fails, this may be why."
        )
    require(
        not old,
        f"this Colab session has packages the course cannot use: {'; '.join(old)}. Take a "
        "session with a newer runtime "
        "(Runtime → Change runtime type → Runtime version: latest), or install that one "
        "package in a new cell and restart the session.",
    )


def examine() -> dict:
    """Facts about this machine as plain data; ``ready`` is True when the lessons can run."""
    from .. import assets

    found = {name: _installed(name) for name in WANTED}
    missing = [name for name, group in WANTED.items() if group == "core" and not found[name]]
    problems = assets.check()
    disk = round(shutil.disk_usage(".").free / 2**30, 1)
    result = {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "packages": found,
        "advice": [],
    }
    result["broken"] = [] if missing else broken_rooms()
    if found["torch"] and not result["broken"]:
        result |= _device_facts()
    result["assets"] = "; ".join(problems[:3]) or "as in the manifest"
    result["disk_free_gb"] = disk
    result["ready"] = not missing and not problems and not result["broken"]
    result["advice"] = _advice(result, missing)
    return result


def broken_rooms() -> list[str]:
    """What of this library cannot be imported here, and why.

    That packages are installed does not say that they work on this system.
    """
    found = []
    for room in ROOMS:
        try:
            importlib.import_module(f"course_lib.{room}")
        except Exception as error:  # whatever it is, a lesson would meet it
            found.append(f"course_lib.{room}: {type(error).__name__}: {error}")
    return found


def _installed(name: str) -> str | None:
    """The version of a package, None when it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _device_facts() -> dict:
    import torch

    from ..experiments import card, detect, why_tier

    found = card()
    return {
        "device": found.name if found else "cpu",
        "threads": torch.get_num_threads(),
        "tier": detect(),
        "tier_why": why_tier(),
        "mps": torch.backends.mps.is_available(),
    }


def _advice(result: dict, missing: list[str]) -> list[str]:
    """What to do about what :func:`examine` found, the most urgent first."""
    advice = []
    if missing:
        advice.append(
            f"install the core packages that are missing ({', '.join(missing)}): pip install "
            "-c constraints.txt -e ."
        )
    if result["broken"]:
        advice.append(
            f"the course cannot be imported here ({result['broken'][0]}): install it anew, and if "
            "that does not help report these lines."
        )
    tier = result.get("tier", "cpu")
    if tier != "cpu":
        from ..experiments import TIERS
        from ..models.loading import is_on

        advice.append(
            f"lessons 09a, 09b and `course run --tier {tier}` download "
            f"{TIERS[tier].policy} on first use; everything else is bundled."
        )
        if is_on("HF_HUB_OFFLINE"):
            advice.append("HF_HUB_OFFLINE is set, so nothing is downloaded: unset it before that.")
    if result["assets"] != "as in the manifest":
        advice.append(
            "bundled models or pools are missing or changed: run `course build-assets`, or "
            "install the package anew."
        )
    if not result["packages"]["jupyterlab"]:
        advice.append(
            "to open the notebooks here: pip install -c constraints.txt -e '.[lab]' (or use Colab)."
        )
    disk = result["disk_free_gb"]
    if disk < 1:
        advice.append(f"only {disk} GB of disk is free; runs with --out may fail. Free some space.")
    return advice


def text(result: dict) -> str:
    """:func:`examine` for a reader."""
    lines = [
        f"python {result['python']} on {result['system']}, {result['cores']} cores",
        f"device {result.get('device', 'unknown')}, {result.get('threads', '?')} threads, "
        f"{result['disk_free_gb']} GB of disk free",
    ]
    if "tier" in result:
        lines.append(f"tier {result['tier']}: {result['tier_why']}")
    for name, version in result["packages"].items():
        lines.append(f"  {name:13} {version or 'not installed':16} {WANTED[name]}")
    lines += [f"bundled models and pools: {result['assets']}", ""]
    ready = "ready: open lesson 00 with `make lab` or `course lab`"
    lines.append(ready if result["ready"] else "not ready:")
    lines += [f"- {advice}" for advice in result["advice"]]
    return "\n".join(lines)
