"""``course doctor``: what is installed, which device, which tier, and what to do."""

import importlib.metadata
import os
import platform
import shutil

from ..base import require

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
}


def unfit_versions():
    """Core packages that are missing or outside the bounds of this package's own requirements.

    Two lists of lines, (too old or missing, too new).
    """
    from packaging.requirements import Requirement

    try:
        needed = [
            Requirement(line)
            for line in importlib.metadata.requires("rejection-sampling-course") or []
        ]
    # run from a copy that was not installed: nothing says what it needs
    except importlib.metadata.PackageNotFoundError:
        return [], []
    old, new = [], []
    for requirement in needed:
        if requirement.marker is not None:  # an extra
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            old.append(f"{requirement.name} is not installed, {requirement.specifier} is needed")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            below = any(
                part.operator in (">=", "==", "~=") and not part.contains(version, prereleases=True)
                for part in requirement.specifier
            )
            (old if below else new).append(
                f"{requirement.name} is {version}, {requirement.specifier} is needed"
            )
    return old, new


def check_versions():
    """The last line of a notebook's first cell on Colab: raises where a package is missing or too
    old, prints a note where one is too new.

    The course is installed there with ``--no-deps``, so that nothing preinstalled is replaced; then
    nobody else compares versions.
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


def examine():
    """Facts about this machine as plain data; ``ready`` is True when the lessons can run."""
    found = {}
    for name in WANTED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    result = {
        "python": platform.python_version(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "packages": found,
        "advice": [],
    }
    missing = [name for name, group in WANTED.items() if group == "core" and not found[name]]
    if missing:
        result["advice"].append(
            f"install the core packages that are missing ({', '.join(missing)}): pip install "
            "-c constraints.txt -e ."
        )
    if found["torch"]:
        import torch

        from ..experiments import TIERS, detect

        result["device"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
        result["threads"], result["tier"] = torch.get_num_threads(), detect()
        if result["tier"] != "cpu":
            result["advice"].append(
                f"lesson 09 and `course run --tier {result['tier']}` download "
                f"{TIERS[result['tier']].policy} on first use; everything else is bundled."
            )
    from .. import assets

    problems = assets.check()
    result["assets"] = "as in the manifest" if not problems else "; ".join(problems[:3])
    if problems:
        result["advice"].append(
            "bundled models or pools are missing or changed: run `course build-assets`, or "
            "install the package anew."
        )
    if not found["jupyterlab"]:
        result["advice"].append(
            "to open the notebooks here: pip install -c constraints.txt -e '.[lab]' (or use Colab)."
        )
    result["disk_free_gb"] = round(shutil.disk_usage(".").free / 2**30, 1)
    if result["disk_free_gb"] < 1:
        result["advice"].append(
            f"only {result['disk_free_gb']} GB of disk is free; runs with --out may fail. Free "
            "some space."
        )
    result["ready"] = not missing and not problems
    return result


def text(result):
    """:func:`examine` for a reader."""
    lines = [
        f"python {result['python']} on {result['system']}, {result['cores']} cores",
        f"device {result.get('device', 'unknown')}, tier {result.get('tier', 'unknown')}, "
        f"{result.get('threads', '?')} threads, {result['disk_free_gb']} GB of disk free",
    ]
    lines += [
        f"  {name:13} {version or 'not installed':16} {WANTED[name]}"
        for name, version in result["packages"].items()
    ]
    lines.append(f"bundled models and pools: {result['assets']}")
    lines += [
        "",
        "ready: open lesson 00 with `make lab` or `course lab`"
        if result["ready"]
        else "not ready:",
    ]
    return "\n".join(lines + [f"- {advice}" for advice in result["advice"]])
