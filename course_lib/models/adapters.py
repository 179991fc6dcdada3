"""LoRA and other adapters of peft: saved small beside the name of their base, loaded onto it."""

import copy
import sys
from pathlib import Path
from typing import Any

import torch

from ..base import CourseError, read_json

ADAPTER = "adapter_config.json"  # what peft writes
BASE = "base"  # the base's folder beside the adapter, where it has no other home


def is_adapted(model: torch.nn.Module) -> bool:
    """Whether ``model`` carries an adapter of peft's."""
    peft = sys.modules.get("peft")  # a model of peft's cannot be there without it
    return peft is not None and isinstance(model, peft.PeftModel)


def adapter_facts(model: torch.nn.Module) -> dict[str, Any]:
    """The adapters' settings by name, such as alpha, that no weight shows; {} without any."""
    if not is_adapted(model):
        return {}
    configs: Any = model.peft_config
    return {name: config.to_dict() for name, config in configs.items()}


def merged(model: torch.nn.Module) -> torch.nn.Module:
    """``model`` itself, or a copy with its adapter's changes added to the weights."""
    if not is_adapted(model):
        return model
    adapted: Any = copy.deepcopy(model)
    return adapted.merge_and_unload()


def save_adapted(model: Any, folder: Path) -> None:
    """Write the adapter to ``folder``, and its base too unless that is on disk or on the hub."""
    model.save_pretrained(folder)
    named = str(model.get_base_model().config._name_or_path or "")
    if not _has_home(named):
        copy.deepcopy(model).unload().save_pretrained(folder / BASE)


def _has_home(named: str) -> bool:
    """Whether a base of this name can be loaded again."""
    if (Path(named) / "config.json").is_file():
        return True
    return named.count("/") == 1 and not Path(named).is_absolute() and not Path(named).exists()


def base_source(folder: Path | str) -> str | None:
    """Where the base of the adapter in ``folder`` is; None where ``folder`` holds no adapter."""
    folder = Path(folder)
    if not (folder / ADAPTER).is_file():
        return None
    if (folder / BASE / "config.json").is_file():
        return str(folder / BASE)
    try:
        named = read_json(folder / ADAPTER)["base_model_name_or_path"]
    except (ValueError, KeyError, OSError) as error:
        raise CourseError(
            f"{folder / ADAPTER} cannot be read ({type(error).__name__}). Copy the adapter again."
        ) from error
    if not named:
        raise CourseError(
            f"{folder} holds an adapter that does not name its base. Write the base's folder or "
            f"hub name as base_model_name_or_path into {ADAPTER}."
        )
    return str(named)


def load_adapted(base: torch.nn.Module, folder: Path | str) -> torch.nn.Module:
    """``base`` with the adapter in ``folder``, ready to be trained further.

    Raises :class:`~course_lib.base.CourseError` without peft, or where they do not fit.
    """
    try:
        from peft import PeftModel
    except ImportError as error:
        raise CourseError(
            f"{folder} holds an adapter (LoRA), which needs the peft package: pip install peft."
        ) from error
    try:
        return PeftModel.from_pretrained(base, str(folder), is_trainable=True)
    except Exception as error:
        said = (str(error).splitlines() or [""])[0][:200]
        raise CourseError(
            f"the adapter in {folder} could not be put on its base ({type(error).__name__}: "
            f"{said}). The files may be cut short, or belong to another base."
        ) from error
