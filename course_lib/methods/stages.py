"""Finished stages on disk, found again by everything that affects them.

A stage is a folder ``NAME-KEY`` whose key is a hash of its inputs: settings, prompts, the weights
of the models used, the world. It appears in one rename when complete, so a run that is killed goes
on with the stages it finished, and a changed setting never meets an old result. Long stages keep
their parts in ``NAME-KEY.partial`` meanwhile. Accounts belong to stages: what each cost lies beside
it, so that the account of a resumed run is that of the whole.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from ..base import Account, atomic_directory, read_json, require, spent, write_json
from ..pools import Pool

STAGES_VERSION = 3  # raised when the meaning of a stage changes
NOT_THE_MODEL = ("_name_or_path", "transformers_version", "dtype", "architectures")

Result = TypeVar("Result")


def fingerprint(value: Any) -> str:
    """A hexadecimal digest of JSON-able values, tensors, policies and reward models.

    Of a policy or reward model: weights, tokenizer, template and configuration.
    """
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if hasattr(value, "model") and hasattr(value, "tokenizer"):
        _feed_model(digest, value)
    elif isinstance(value, dict):
        for key in sorted(value):
            digest.update(f"<{key}>".encode())
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(f"[{len(value)}]".encode())
        for item in value:
            _feed(digest, item)
    elif hasattr(value, "numpy") and hasattr(value, "shape"):
        digest.update(f"{tuple(value.shape)}{value.dtype}".encode())
        digest.update(value.detach().cpu().numpy().tobytes())
    else:
        digest.update(json.dumps(value).encode() + b"\0")


def _feed_model(digest: Any, value: Any) -> None:
    """Everything that makes a policy or reward model give what it gives."""
    for name, tensor in sorted(value.model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(dtype=torch.uint8).numpy().tobytes())
    tokenizer = value.tokenizer
    if hasattr(tokenizer, "backend_tokenizer"):
        digest.update(tokenizer.backend_tokenizer.to_str().encode())
    else:
        digest.update(repr(tokenizer).encode())
    config = value.model.config.to_dict()
    facts = [
        tokenizer.chat_template,
        getattr(value, "system", None),
        getattr(value, "template", None),
        type(value).__name__,
        [tokenizer.eos_token_id, tokenizer.pad_token_id, getattr(value, "stop_ids", None)],
        {name: config[name] for name in config if name not in NOT_THE_MODEL},
    ]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())


class Stages:
    """The stages of one run under ``folder``."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        # of the stages seen so far, by NAME-KEY: treatment and control have stages of one name
        self.accounts: dict[str, dict] = {}
        require(
            not self.folder.is_file(),
            f"{folder} is a file; --out names a folder for the results. Choose another name.",
        )

    def place(self, name: str, inputs: Any) -> Path:
        """The folder of stage ``name`` for ``inputs``, whether it exists yet or not."""
        key = fingerprint([STAGES_VERSION, inputs])[:16]
        return self.folder / "stages" / f"{name}-{key}"

    def account(self, name: str) -> dict[str, Any]:
        """What the stage ``name`` cost: the one seen last, where several have that name."""
        # a name may itself hold a dash, the key does not
        found = [self.accounts[at] for at in self.accounts if at.rpartition("-")[0] == name]
        return found[-1]

    def _enter(self, place: Path, account: dict[str, Any]) -> None:
        self.accounts.pop(place.name, None)  # the last one seen comes last
        self.accounts[place.name] = account

    def stage(
        self,
        name: str,
        inputs: Any,
        make: Callable[[Path, Path], None],
        load: Callable[[Path], Result],
    ) -> Result:
        """``load(folder)`` of the finished stage; when there is none, it is first made.

        ``make(folder, partial)`` fills ``folder``; ``partial`` is a folder that outlives a crash,
        for parts and checkpoints. What the stage cost, now or when it was made, is then in
        ``accounts``.
        """
        place = self.place(name, inputs)
        done = place / "done.json"
        if done.is_file():
            self._enter(place, read_json(done)["account"])
            spent(self.accounts[place.name])
            return load(place)
        partial = place.with_name(place.name + ".partial")
        for leftover in place.parent.glob(f".{place.name}.*.tmp"):  # of a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        with atomic_directory(place) as folder:
            with Account() as account:
                make(folder, partial)
            self._enter(place, account.to_dict())
            kept = {"stage": name, "account": self.accounts[place.name]}
            write_json(folder / "done.json", kept)
        shutil.rmtree(partial, ignore_errors=True)
        return load(place)

    def pool(
        self,
        name: str,
        inputs: Any,
        make_part: Callable[[int, int], Pool],
        count: int,
        part: int = 128,
    ) -> Pool:
        """A pool of ``count`` prompts made in parts.

        ``make_part(start, stop)`` gives the pool of those prompts. Parts survive a crash.
        """

        def make(folder: Path, partial: Path) -> None:
            starts = range(0, count, part)
            if len(starts) == 1:
                made = [make_part(0, count)]
            else:
                made = [
                    _part(partial, start, min(count, start + part), make_part) for start in starts
                ]
            pool = Pool.concat(made)
            require(
                count == pool.P,
                f"the stage {name} was to have {count} prompts; its parts have {pool.P}. Its "
                f"make_part must give the prompts from start to stop.",
            )
            pool.save(folder / "pool.npz")

        def load(folder: Path) -> Pool:
            return Pool.load(folder / "pool.npz")

        return self.stage(name, {"pool": inputs, "count": count}, make, load)


def _part(folder: Path, start: int, stop: int, make_part: Callable[[int, int], Pool]) -> Pool:
    """One part of a pool: read from ``folder``, or made and kept there with its account."""
    file = folder / f"{start:07d}-{stop:07d}.npz"
    cost = file.with_suffix(".json")
    if file.is_file() and cost.is_file():
        spent(read_json(cost))
        return Pool.load(file)
    with Account() as account:
        made = make_part(start, stop)
    # the account first: a part that is there has its account, whenever the process was killed
    write_json(cost, account.to_dict())
    made.save(file)
    return made
