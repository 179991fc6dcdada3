"""Finished stages on disk, found again by everything that affects them.

A stage is a folder ``NAME-KEY`` whose key is a hash of its inputs: settings, prompts, the weights
of the models used, the world. It appears in one rename when complete, so a run that is killed goes
on with the stages it finished, and a changed setting never meets an old result. Long stages keep
their parts in ``NAME-KEY.partial`` meanwhile. Accounts belong to stages: what each cost lies beside
it, so that the account of a resumed run is that of the whole.

A stage and a part know the checksums of their files. One that is damaged is said and made again.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from ..base import Account, abandoned, atomic_directory, read_json, require, spent, write_json
from ..models import adapter_facts
from ..pools import Pool

STAGES_VERSION = 4  # raised when the meaning of a stage changes
DONE = "done.json"  # what a finished stage knows of itself
NOT_THE_MODEL = ("_name_or_path", "transformers_version", "dtype", "architectures")

Result = TypeVar("Result")
Span = tuple[int, int]  # prompts of a part: the first, and the one after the last
# (policy, what is sampled, folder of parts, the parts to make) → makes them with keep_part
Ahead = Callable[[Any, Any, Path, list[Span]], None]


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
        digest.update(f"{{{len(value)}}}".encode())
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
        # how the last batch was padded or cut is no part of a tokenizer
        known = json.loads(tokenizer.backend_tokenizer.to_str())
        known.pop("padding", None)
        known.pop("truncation", None)
        digest.update(json.dumps(known, sort_keys=True).encode())
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
        adapter_facts(value.model),
        [name for name, weight in value.model.named_parameters() if not weight.requires_grad],
    ]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())


class Stages:
    """The stages of one run under ``folder``.

    With ``scratch``, another folder, checkpoints of a training lie there: they are large and soon
    gone, so a folder that is copied over a network need not hold them. ``ahead`` makes the parts of
    sampled pools on other processes or machines, the same ones.
    """

    def __init__(
        self,
        folder: str | Path,
        scratch: str | Path | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.scratch = None if scratch is None else Path(scratch)
        self.ahead = ahead
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

    def checkpoint(self, partial: Path) -> Path:
        """The file for checkpoints of the stage whose parts lie in ``partial``."""
        if self.scratch is None:
            return partial / "checkpoint.pt"
        return self.scratch / f"{partial.stem}.checkpoint.pt"

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
        if place.exists():
            known = unsealed(place)
            if known is not None:
                self._enter(place, known["account"])
                spent(known["account"])
                return load(place)
            _set_aside(place, f"the stage {name}")
        partial = place.with_name(place.name + ".partial")
        for leftover in abandoned(place):
            shutil.rmtree(leftover, ignore_errors=True)
        with atomic_directory(place) as folder:
            with Account() as account:
                make(folder, partial)
            self._enter(place, account.to_dict())
            _seal(folder, {"stage": name, "account": self.accounts[place.name]})
        shutil.rmtree(partial, ignore_errors=True)
        self.checkpoint(partial).unlink(missing_ok=True)
        return load(place)

    def pool(
        self,
        name: str,
        inputs: Any,
        make_part: Callable[[int, int], Pool],
        count: int,
        part: int = 128,
        ahead: Callable[[Path, list[Span]], None] | None = None,
    ) -> Pool:
        """A pool of ``count`` prompts made in parts.

        ``make_part(start, stop)`` gives the pool of those prompts. Parts survive a crash.
        ``ahead(folder, spans)``, where there is one, has the lacking parts made by others first;
        what it leaves out is made here.
        """

        def make(folder: Path, partial: Path) -> None:
            starts = range(0, count, part)
            if len(starts) == 1:
                if ahead is not None:
                    warnings.warn(
                        f"the {count} prompts of {name} are one part, which this process makes "
                        "alone; with smaller parts (--part) others help.",
                        stacklevel=2,
                    )
                made = [make_part(0, count)]
            else:
                spans = [(start, min(count, start + part)) for start in starts]
                lacking = [span for span in spans if not part_place(partial, *span).exists()]
                if ahead is not None and lacking:
                    ahead(partial, lacking)
                made = [
                    keep_part(partial, span, make_part, own=ahead is None or span not in lacking)
                    for span in spans
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


def part_place(folder: Path, start: int, stop: int) -> Path:
    """Where the part of the prompts from ``start`` to ``stop`` is kept."""
    return folder / f"{start:07d}-{stop:07d}"


def keep_part(
    folder: Path, span: Span, make_part: Callable[[int, int], Pool], own: bool = True
) -> Pool:
    """One part of a pool: read from ``folder``, or made and kept there with its account.

    ``own``: whether the seconds it took count here; those of others who work at the same time do
    not.
    """
    place = part_place(folder, *span)
    if place.exists():
        known = unsealed(place)
        if known is not None:
            spent(known["account"] if own else {**known["account"], "seconds": 0.0})
            return Pool.load(place / "pool.npz")
        _set_aside(place, f"a part of {folder.name}")
    with Account() as account:
        made = make_part(*span)
    with atomic_directory(place) as part:
        made.save(part / "pool.npz")
        _seal(part, {"account": account.to_dict()})
    return made


# ---- whole or damaged --------------------------------------------------------------------------


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in ``folder``, by its path in there with slashes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): _checksum(file) for file in files}


def _checksum(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _seal(folder: Path, facts: dict[str, Any]) -> None:
    """Write ``done.json`` with ``facts``, the checksums of all other files, and its own."""
    facts = {**facts, "files": checksums(folder)}
    write_json(folder / DONE, {**facts, "seal": fingerprint(facts)})


def unsealed(folder: Path) -> dict[str, Any] | None:
    """What ``done.json`` says of ``folder``; None unless every file is as it was written."""
    try:
        facts = read_json(folder / DONE)
        seal = facts.pop("seal")
        there = checksums(folder)
        whole = (
            fingerprint(facts) == seal
            and len(facts["files"]) > 0
            and all(there.get(name) == value for name, value in facts["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return facts if whole else None


def _set_aside(place: Path, what: str) -> None:
    """Take a damaged folder away, and say so."""
    warnings.warn(
        f"{what} in {place.parent} is damaged (a file is missing, cut short or changed); it is "
        "made again.",
        stacklevel=2,
    )
    # renamed first: another process never sees half of it go
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as bin_:
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            os.replace(place, Path(bin_) / place.name)
