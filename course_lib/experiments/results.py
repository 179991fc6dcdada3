"""The folder of a run: what was asked, its stages, its result."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base import CourseError, nothing, read_json, require, write_json
from ..methods import Ahead, Stages

MEASURED = ("seconds", "account", "peak_bytes")  # differs from one making to the next


@dataclass(frozen=True)
class Out:
    """Where a run's results go.

    Attributes
    ----------
    folder : for stages and the result; None keeps nothing.
    ahead : makes the parts of sampled pools elsewhere, see :class:`~course_lib.methods.Stages`.
    force : whether a run with other settings that is there may be replaced.
    say : is told what is about to be done.
    """

    folder: str | Path | None = None
    force: bool = False
    say: Callable[[str], object] = nothing
    ahead: Ahead | None = None


def open_folder(
    out: Out, asked: dict[str, Any], scratch: str | Path | None = None
) -> Stages | None:
    """The stages under ``out``, where what was ``asked`` is noted; None without a folder.

    Checkpoints of a training lie in ``scratch`` where that is given.
    Raises where a run with other settings is there already, unless ``out`` allows it.
    """
    if out.folder is None:
        return None
    stages, force = Stages(out.folder, scratch, out.ahead), out.force
    note, result = stages.folder / "run.json", stages.folder / "result.json"
    asked = {name: plain(value) for name, value in asked.items()}
    advice = (
        "Nothing is replaced unasked: give another --out, or --force to go on there; finished "
        "stages are kept, the result is replaced."
    )
    # what failed before its first stage has left nothing to lose
    begun = result.is_file() or (stages.folder / "stages").is_dir()
    if begun and note.is_file() and not force:
        different = differences(_noted(note), asked)
        require(
            not different, f"{out.folder} holds a run with other settings ({different}). {advice}"
        )
    require(
        force or note.is_file() or not result.is_file(),
        f"{out.folder} holds the result of another run. {advice}",
    )
    write_json(note, asked)
    return stages


def plain(value: Any) -> Any:
    """``value`` as JSON gives it back."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _noted(note: Path) -> dict[str, Any]:
    try:
        return read_json(note)
    except ValueError:
        raise CourseError(
            f"{note} cannot be read, so it is not known what run is there. Give another --out, or "
            "--force."
        ) from None


def differences(before: dict[str, Any], now: dict[str, Any], limit: int = 4) -> str:
    """What two runs were asked that differs, in words: "n 4, now 8"."""
    flat_before, flat_now = _flat(before), _flat(now)
    found = []
    for name in dict.fromkeys([*flat_before, *flat_now]):
        old, new = flat_before.get(name), flat_now.get(name)
        if old != new:
            found.append(f"{name} {old}, now {new}")
    more = f"; and {len(found) - limit} more" if len(found) > limit else ""
    return "; ".join(found[:limit]) + more


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Nested settings by their own names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value) if isinstance(value, dict) else {name: value}
    return flat


def keep_result(stages: Stages, result: dict[str, Any]) -> dict[str, Any]:
    """Write ``result.json``, or give back the one that is there where only times differ.

    A repeated run reads its stages from disk: how long that takes says nothing about the run.
    """
    file = stages.folder / "result.json"
    if file.is_file():
        try:
            before = read_json(file)
        except ValueError:
            before = None
        if before is not None and lasting(before) == lasting(plain(result)):
            return before
    write_json(file, result)
    return result


def lasting(result: Any) -> Any:
    """A result without what is measured anew each time."""
    if isinstance(result, dict):
        return {name: lasting(one) for name, one in result.items() if name not in MEASURED}
    if isinstance(result, list):
        return [lasting(one) for one in result]
    return result
