"""LoRA and its kin of peft: saved small beside the name of their base, loaded onto it."""

import copy
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

from ..base import CourseError, read_json, require

ADAPTER = "adapter_config.json"  # what peft writes
BASE = "base"  # the base's folder beside the adapter, where it has no other home


def is_adapted(model: torch.nn.Module) -> bool:
    """Whether ``model`` carries an adapter of peft's."""
    peft = sys.modules.get("peft")  # a model of peft's cannot be there without it
    return peft is not None and isinstance(model, peft.PeftModel)


def adapter_facts(model: Any) -> list[Any]:
    """What no weight shows of adapters: their settings, such as alpha, and which are in use."""
    if not is_adapted(model):
        return []
    configs = {name: config.to_dict() for name, config in model.peft_config.items()}
    return [configs, list(_active(model)), _switched_off(model)]


def check_adapter(model: Any) -> None:
    """Raise :class:`~course_lib.base.CourseError` for adapters that put tokens before the prompt.

    Prompt and prefix tuning: their logits stand at other places than the tokens given.
    """
    require(
        not is_adapted(model) or not model.active_peft_config.is_prompt_learning,
        "the policy has an adapter that puts tokens of its own before the prompt (prompt or prefix "
        "tuning); log-probabilities and training are for LoRA and its kin.",
    )


def without_adapter(model: torch.nn.Module) -> Any:
    """The causal LM that an adapter sits on, with what it adds; ``model`` itself where none is."""
    adapted: Any = model
    return adapted.get_base_model() if is_adapted(model) else model


def with_adapter(model: torch.nn.Module, rank: int, seed: int = 0) -> torch.nn.Module:
    """``model`` with a new adapter of ``rank`` on every linear layer but the head, to be trained.

    LoRA (2106.09685) by peft: W + 2·BA, where B starts at 0, so the model says what it said.
    ``model`` itself is changed; its own weights are no longer trained. One that has an adapter is
    returned as it is. Raises :class:`~course_lib.base.CourseError` without peft.
    """
    if is_adapted(model):
        return model
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise CourseError(
            f"lora={rank} trains an adapter (LoRA), which needs the peft package: pip install "
            "peft. lora=0 trains all weights."
        ) from error
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            return get_peft_model(model, config)  # type: ignore[arg-type]
        except ValueError as error:
            raise CourseError(
                f"{type(model).__name__} has no layers that an adapter can be put on ({error}); "
                "leave lora at 0."
            ) from error


def merged(model: torch.nn.Module) -> torch.nn.Module:
    """``model`` itself, or a copy with its adapter's changes added to the weights."""
    if not is_adapted(model):
        return model
    check_adapter(model)
    adapted: Any = copy.deepcopy(model)
    return adapted.merge_and_unload()


def save_adapted(model: Any, folder: Path) -> None:
    """Write the adapter in use to ``folder``, and its base unless that lies as it is on disk.

    Raises :class:`~course_lib.base.CourseError` where several are in use or all are switched off.
    """
    active = list(_active(model))
    require(
        len(active) == 1 and not _switched_off(model),
        f"the model has {len(active)} adapters in use"
        + (", and they are switched off" if _switched_off(model) else "")
        + "; a policy is saved with one. Merge them, or set one with set_adapter.",
    )
    others = [name for name in model.peft_config if name not in active]
    if others:
        warnings.warn(
            f"of the adapters only the one in use, {active[0]!r}, is saved, not "
            f"{', '.join(others)}.",
            stacklevel=2,
        )
    model.save_pretrained(folder, selected_adapters=active)
    if active[0] != "default":  # peft puts it into a folder of its own
        inside = folder / active[0]
        for file in inside.iterdir():
            shutil.move(str(file), folder / file.name)
        inside.rmdir()
    base = copy.deepcopy(model)
    if any(getattr(module, "merged", False) for module in base.modules()):
        base.unmerge_adapter()
    base = base.unload()
    if not _lies_at(base, str(base.config._name_or_path or "")):
        base.save_pretrained(folder / BASE)


def _active(model: Any) -> list[str]:
    active = model.active_adapters
    return list(active() if callable(active) else active)


def _switched_off(model: torch.nn.Module) -> bool:
    return any(getattr(module, "_disable_adapters", False) for module in model.modules())


def _lies_at(model: torch.nn.Module, named: str) -> bool:
    """Whether the folder ``named`` holds the very weights of ``model``."""
    from safetensors import safe_open

    folder = Path(named)
    if not named or not (folder / "config.json").is_file():
        return False
    own = model.state_dict()
    found = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(str(file), framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118  # it is no dictionary
                if name not in own:
                    return False
                stored = opened.get_tensor(name).to(own[name].dtype)
                if not torch.equal(stored, own[name].cpu()):
                    return False
                found += 1
    return found > 0


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
