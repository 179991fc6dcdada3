"""Loading checkpoints: devices, tokenizers, configurations, weights, each with a clear error."""

import contextlib
from pathlib import Path

import torch

from ..base import CourseError, progress, require


def device_of(name=None):
    """The torch device to use: ``name`` when given, else cuda when there is one, else cpu."""
    if name:
        try:
            return torch.empty(0, device=name).device
        except Exception as error:
            raise CourseError(
                f"the device {name!r} cannot be used here ({type(error).__name__}: "
                f"{str(error).splitlines()[0]}). Use cpu, or leave --device out."
            ) from error
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(device, dtype):
    """Mixed precision for ``dtype`` float16 or bfloat16 on a GPU; nothing otherwise."""
    if device.type == "cuda" and dtype in (torch.float16, torch.bfloat16):
        return torch.autocast(device.type, dtype=dtype)
    return contextlib.nullcontext()


@contextlib.contextmanager
def evaluating(model):
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


def check_source(source, what):
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
    looks_like_hub = (
        text.count("/") == 1 and not text.startswith((".", "/", "~")) and not path.parent.is_dir()
    )
    require(
        looks_like_hub,
        f"no {what} at {source}. Give an existing folder or a hub name such as "
        "Qwen/Qwen3-0.6B-Base.",
    )


def load_tokenizer(source):
    """The tokenizer at ``source``.

    Gives a pad token when one can be had without changing the vocabulary. Raises otherwise.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except Exception as error:
        raise CourseError(
            f"no tokenizer could be loaded from {source} ({type(error).__name__}). "
            "The folder needs tokenizer.json and tokenizer_config.json: save it with "
            "tokenizer.save_pretrained."
        ) from error
    if tokenizer.pad_token_id is None:
        raise CourseError(
            f"the tokenizer of {source} has no pad token. Set one that is not the end token, "
            "e.g. tokenizer.pad_token = tokenizer.unk_token, "
            "and save it beside the model; padding with the end token would teach the model "
            "never to stop."
        )
    return tokenizer


def load_config(source):
    """The configuration at ``source``, or a clear error."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(source)
    except Exception as error:
        raise CourseError(
            f"the configuration of {source} could not be read ({type(error).__name__}: "
            f"{error}). Check the name, or the network for a hub model."
        ) from error


def load_weights(auto_class, source, dtype):
    """``auto_class.from_pretrained``, refusing checkpoints that are cut short or lack weights.

    Those would be random numbers.
    """
    try:
        with progress.no_loading_bars():
            model, loading = auto_class.from_pretrained(
                source, dtype=dtype, output_loading_info=True
            )
    except Exception as error:
        raise CourseError(
            f"the weights of {source} could not be loaded ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}). The files may be cut short: copy or download them "
            "again."
        ) from error
    missing = sorted(loading["missing_keys"])
    require(
        not missing,
        f"{source} does not hold the weights "
        f"{', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}: they were filled with "
        "random numbers, so its output would mean nothing. "
        "Use the folder the model was saved to after training.",
    )
    return model
