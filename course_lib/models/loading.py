"""Loading checkpoints: devices, tokenizers, configurations, weights, each with a clear error."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ..base import CourseError, progress, require


def device_of(name: str | torch.device | None = None) -> torch.device:
    """The torch device to use: ``name`` when given, else cuda when there is one, else cpu.

    An Apple GPU is taken by its name only, ``mps``: nothing was run on one.
    """
    if name:
        try:
            return torch.empty(0, device=name).device
        except Exception as error:
            raise CourseError(
                f"the device {name!r} cannot be used here ({type(error).__name__}: "
                f"{str(error).splitlines()[0]}). Use cpu, or leave --device out."
            ) from error
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype_for(device: torch.device, dtype: torch.dtype | str | None) -> torch.dtype | str:
    """``dtype`` when given, else float32 on a CPU and the checkpoint's own on a GPU."""
    if dtype is not None:
        return dtype
    return torch.float32 if device.type == "cpu" else "auto"


def autocast(
    device: torch.device, dtype: torch.dtype | None
) -> contextlib.AbstractContextManager[Any]:
    """Mixed precision for ``dtype`` float16 or bfloat16 on a GPU; nothing otherwise."""
    if device.type == "cuda" and dtype in (torch.float16, torch.bfloat16):
        return torch.autocast(device.type, dtype=dtype)
    return contextlib.nullcontext()


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU on ``device``, without making the program wait for the GPU's work."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def vocabulary_size(model: Any) -> int:
    """How many token ids ``model`` can read."""
    return model.get_input_embeddings().weight.shape[0]


def positions(model: Any) -> int | None:
    """The longest sequence that ``model`` was made for, in tokens; None where there is no limit."""
    config = model.config.get_text_config(decoder=True)
    most = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0:
        return None
    # RoBERTa's kin count positions from behind the pad token's
    embeddings = getattr(model.base_model, "embeddings", None)
    padding = getattr(embeddings, "padding_idx", None)
    return most - padding - 1 if isinstance(padding, int) else most


def check_positions(model: Any, longest: int, what: str) -> None:
    """Raise :class:`~course_lib.base.CourseError` where ``longest`` tokens pass the positions."""
    most = positions(model)
    require(
        most is None or longest <= most,
        f"{what} has {longest} tokens, but the model has only {most} positions. Shorten it, leave "
        "it out, or use a model for longer texts.",
    )


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """``model`` in evaluation mode without gradients inside the block.

    Its mode is restored after.
    """
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def drops(model: torch.nn.Module) -> bool:
    """Whether ``model`` leaves numbers out at random now: it is training, and has dropout."""
    if not model.training:
        return False
    for part in model.modules():
        chance = part.p if isinstance(part, torch.nn.Dropout) else 0.0
        if chance or getattr(part, "attention_dropout", 0.0):
            return True
    return False


# what may be given where a model was not found
EXAMPLES = {
    "model": "Qwen/Qwen3-0.6B-Base",
    "reward model": "Skywork/Skywork-Reward-V2-Qwen3-0.6B; a bundled one is helpdesk/reward-8000, "
    "and a reward may also be gold or verifier",
}


def offline_hint(source: str) -> str:
    """What to add to an error about a hub model where the environment forbids to download it."""
    named = [name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if is_on(name)]
    if not named or Path(source).is_dir():
        return ""
    return (
        f" {' and '.join(named)} is set in the environment, so nothing is downloaded: unset it to "
        "load a hub model (in a notebook: restart the kernel, and before anything is imported "
        f"del os.environ[{named[0]!r}])."
    )


def is_on(name: str) -> bool:
    """Whether a variable of the environment switches something on, as ``huggingface_hub`` reads."""
    return os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")


def check_source(source: str | Path, what: str) -> None:
    """Raise unless ``source`` is a model folder or looks like a hub name (``owner/name``)."""
    path = Path(source)
    if path.is_dir():
        require(
            (path / "config.json").is_file(),
            f"{source} has no config.json, so it is not a {what} folder. Give a folder written "
            "by save_pretrained.",
        )
        return
    text = str(source)
    # a path to a folder that is not there must not be asked for on the hub
    looks_like_hub = (
        text.count("/") == 1 and not text.startswith((".", "/", "~")) and not path.parent.is_dir()
    )
    require(
        looks_like_hub,
        f"no {what} at {source}. Give an existing folder or a hub name such as {EXAMPLES[what]}.",
    )


def load_tokenizer(source: str) -> Any:
    """The tokenizer at ``source``.

    Raises :class:`~course_lib.base.CourseError` when there is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except Exception as error:
        raise CourseError(
            f"no tokenizer could be loaded from {source} ({type(error).__name__}). "
            "The folder needs tokenizer.json and tokenizer_config.json: save it with "
            f"tokenizer.save_pretrained.{offline_hint(source)}"
        ) from error
    return tokenizer


def load_config(source: str) -> Any:
    """The configuration at ``source``, or a clear error."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(source)
    except Exception as error:
        raise CourseError(
            f"the configuration of {source} could not be read ({type(error).__name__}: "
            f"{error}). Check the name, or the network for a hub model.{offline_hint(source)}"
        ) from error


def check_decoder(config: Any, name: str) -> None:
    """Raise :class:`~course_lib.base.CourseError` for models that need a second input."""
    require(
        not getattr(config, "is_encoder_decoder", False),
        f"{name} is an encoder with a decoder; prompts here are continued by a causal language "
        "model (Llama, Qwen, Gemma, GPT-2 ...).",
    )


def without_weights(auto_class: Any, source: str, config: Any) -> Any:
    """The model of ``config`` on the device "meta", with what ``source`` says of generation."""
    from transformers import GenerationConfig

    with torch.device("meta"):
        model = auto_class.from_config(config)
    with contextlib.suppress(OSError):  # many folders have no generation_config.json
        model.generation_config = GenerationConfig.from_pretrained(source)
    return model.eval()


def load_weights(auto_class: Any, source: str, dtype: torch.dtype | str) -> Any:
    """``auto_class.from_pretrained``, refusing checkpoints that are cut short or lack weights.

    Missing weights would be random numbers.
    """
    try:
        with progress.no_loading_bars():
            model, loading = auto_class.from_pretrained(
                source, dtype=dtype, output_loading_info=True
            )
    except Exception as error:
        if "Unrecognized configuration class" in str(error):
            raise CourseError(
                f"{source} holds a model of a kind that {auto_class.__name__} does not know, so it "
                "cannot be used here. A policy is a causal language model (Llama, Qwen, Gemma, "
                "GPT-2 ...); a reward model is a sequence classifier."
            ) from error
        raise CourseError(
            f"the weights of {source} could not be loaded ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}). The files may be cut short: copy or download them "
            f"again.{offline_hint(source)}"
        ) from error
    missing = sorted(loading["missing_keys"])
    named = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
    require(
        not missing,
        f"{source} does not hold the weights {named}: they were filled with random numbers, so "
        "its output would mean nothing. Use the folder the model was saved to after training.",
    )
    return model
