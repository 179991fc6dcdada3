"""Finished stages on disk, found again by everything that affects them.

A stage is a folder ``NAME-KEY`` whose key is a hash of its inputs: settings, prompts, the weights
of the models used, the world. It appears in one rename when complete, so a run that is killed goes
on with the stages it finished, and a changed setting never meets an old result. Long stages keep
their parts in ``NAME-KEY.partial`` meanwhile.
"""

import hashlib
import json
import shutil
from pathlib import Path

from ..base import Account, atomic_directory, read_json, require, spent, write_json
from ..pools import Pool

STAGES_VERSION = 2  # raised when the meaning of a stage changes


def fingerprint(value):
    """A hexadecimal digest of JSON-able values, tensors, policies and reward models (weights,
    tokenizer, template).
    """
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest, value):
    if hasattr(value, "model") and hasattr(value, "tokenizer"):
        for name, tensor in sorted(value.model.state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(
                tensor.detach().cpu().contiguous().flatten().view(dtype=_BYTES()).numpy().tobytes()
            )
        digest.update(
            value.tokenizer.backend_tokenizer.to_str().encode()
            if hasattr(value.tokenizer, "backend_tokenizer")
            else repr(value.tokenizer).encode()
        )
        config = {
            k: v
            for k, v in value.model.config.to_dict().items()
            if k not in ("_name_or_path", "transformers_version", "dtype", "architectures")
        }
        tokens = [
            value.tokenizer.eos_token_id,
            value.tokenizer.pad_token_id,
            getattr(value, "stop_ids", None),
        ]
        digest.update(
            json.dumps(
                [
                    value.tokenizer.chat_template,
                    getattr(value, "system", None),
                    getattr(value, "template", None),
                    type(value).__name__,
                    tokens,
                    config,
                ],
                sort_keys=True,
                default=str,
            ).encode()
        )
    elif isinstance(value, dict):
        for key in sorted(value):
            digest.update(f"<{key}>".encode())
            _feed(digest, value[key])
    elif isinstance(value, (list, tuple)):
        digest.update(f"[{len(value)}]".encode())
        for item in value:
            _feed(digest, item)
    elif hasattr(value, "numpy") and hasattr(value, "shape"):
        digest.update(
            f"{tuple(value.shape)}{value.dtype}".encode() + value.detach().cpu().numpy().tobytes()
        )
    else:
        digest.update(json.dumps(value).encode() + b"\0")


def _BYTES():
    import torch

    return torch.uint8


class Stages:
    """The stages of one run under ``folder``."""

    def __init__(self, folder):
        self.folder = Path(folder)
        require(
            not self.folder.is_file(),
            f"{folder} is a file; --out names a folder for the results. Choose another name.",
        )

    def place(self, name, inputs):
        """The folder of stage ``name`` for ``inputs``, whether it exists yet or not."""
        return self.folder / "stages" / f"{name}-{fingerprint([STAGES_VERSION, inputs])[:16]}"

    def stage(self, name, inputs, make, load):
        """``load(folder)`` of the finished stage; when there is none, first ``make(folder,
        partial)`` it.

        ``make`` fills ``folder``; ``partial`` is a folder that outlives a crash, for parts and
        checkpoints. What the stage cost is kept with it, so that the account of a resumed run is
        that of the whole.
        """
        place = self.place(name, inputs)
        if (place / "done.json").is_file():
            spent(read_json(place / "done.json").get("account"))
        else:
            partial = place.with_name(place.name + ".partial")
            # of a process that was killed
            for leftover in place.parent.glob(f".{place.name}.*.tmp"):
                shutil.rmtree(leftover, ignore_errors=True)
            with atomic_directory(place) as folder:
                with Account() as account:
                    make(folder, partial)
                write_json(folder / "done.json", {"stage": name, "account": account.to_dict()})
            shutil.rmtree(partial, ignore_errors=True)
        return load(place)

    def pool(self, name, inputs, make_part, count, part=128):
        """A pool of ``count`` prompts made in parts.

        ``make_part(start, stop)`` gives the pool of those prompts. Parts survive a crash.
        """

        def make(folder, partial):
            parts = []
            for start in range(0, count, part):
                file = partial / f"{start:07d}.npz"
                cost = file.with_suffix(".json")
                if file.is_file() and cost.is_file():
                    parts.append(Pool.load(file))
                    spent(read_json(cost))
                    continue
                with Account() as account:
                    parts.append(make_part(start, min(count, start + part)))
                if count > part:
                    write_json(cost, account.to_dict())
                    parts[-1].save(file)
            Pool.concat(parts).save(folder / "pool.npz")

        return self.stage(
            name,
            {"pool": inputs, "count": count},
            make,
            lambda folder: Pool.load(folder / "pool.npz"),
        )
