"""What the assets of all worlds share.

Parts that survive an interruption, untrained policies, half-size weights, and the manifest.
"""

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ..base import atomic_directory, read_json, versions, write_json
from ..models import Policy, RewardModel
from . import files_of

SEED = 0
NOT_STORED = shutil.ignore_patterns("samples", "progress.json", "*.checkpoint")


class Parts:
    """The parts of one world's assets, made in order in a hidden folder under ``out``.

    An interrupted build goes on with what is there; with another ``key`` it begins anew.
    """

    def __init__(self, out: Path, world: str, key: str, log: Callable[[str], None]) -> None:
        self.out = Path(out)
        self.world = world
        self.key = key
        self.log = log
        self.started = time.perf_counter()
        self.folder = self.out / f".{world}.partial"
        self.file = self.folder / "progress.json"
        saved = read_json(self.file) if self.file.is_file() else {}
        if saved.get("key") == key:
            self.facts = saved["facts"]
        else:
            self.facts = {}
            shutil.rmtree(self.folder, ignore_errors=True)
            write_json(self.file, {"key": key, "facts": {}})
        self.spent = sum(fact["seconds"] for fact in self.facts.values())

    @property
    def seconds(self) -> float:
        """Seconds of work so far, interruptions left out."""
        return self.spent + time.perf_counter() - self.started

    def part(self, name: str, make: Callable[..., dict], *args: object) -> None:
        """Make a part by ``make(*args)`` unless an interrupted build has.

        Notes what ``make`` returns about it.
        """
        if name not in self.facts:
            before = time.perf_counter()
            values = make(*args)
            self.facts[name] = {**values, "seconds": round(time.perf_counter() - before, 1)}
            write_json(self.file, {"key": self.key, "facts": self.facts})
        facts = "  ".join(f"{key} {value}" for key, value in self.facts[name].items())
        self.log(f"{self.seconds:6.0f} s  {name}  {facts}")

    def done(self, size: dict) -> dict:
        """Put the finished folder in its place and write the world's part of the manifest.

        Returns the manifest.
        """
        with atomic_directory(self.out / self.world) as final:
            shutil.copytree(self.folder, final, dirs_exist_ok=True, ignore=NOT_STORED)
        shutil.rmtree(self.folder)
        facts = {
            "seconds": round(self.seconds),
            "versions": versions(),
            "size": size,
            "assets": self.facts,
        }
        manifest = write_manifest(self.out, self.world, facts)
        self.log(
            f"{round(self.seconds):6} s  {len(manifest['files'])} files, "
            f"{manifest['bytes'] / 1e6:.1f} MB in all"
        )
        return manifest


def write_manifest(out: Path, world: str, facts: dict) -> dict:
    """Enter a world's ``facts``, and every file under ``out``, in its manifest. Returns it."""
    place = out / "manifest.json"
    manifest = {"command": "course build-assets", "worlds": {}}
    if place.is_file():
        manifest = read_json(place)
    manifest["worlds"][world] = facts
    manifest["files"] = {
        file.relative_to(out).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in files_of(out)
    }
    manifest["bytes"] = sum(file["bytes"] for file in manifest["files"].values())
    write_json(place, manifest)
    return manifest


def adopt(out: Path, apart: Path, world: str, log: Callable[[str], None]) -> dict:
    """Move a world that was built under ``apart`` to ``out``. Returns ``out``'s manifest."""
    facts = read_json(apart / "manifest.json")["worlds"][world]
    with atomic_directory(out / world) as final:
        shutil.copytree(apart / world, final, dirs_exist_ok=True)
    manifest = write_manifest(out, world, facts)
    log(f"{world} is in its place; {manifest['bytes'] / 1e6:.1f} MB in all")
    return manifest


def untrained(tokenizer: object, size: dict, source: str, seed: int) -> Policy:
    """A small Llama with random weights; ``size`` gives its ``width`` and its ``layers``."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size["width"],
        intermediate_size=3 * size["width"],
        num_hidden_layers=size["layers"],
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    return Policy(LlamaForCausalLM(config), tokenizer, source=source)


def parameters_of(policy: Policy) -> int:
    """The number of a policy's parameters."""
    return sum(p.numel() for p in policy.model.parameters())


def save_half(thing: Policy | RewardModel, path: Path) -> None:
    """Save weights as float16 to halve the size.

    ``config.json`` says float32, which is what they are loaded as.
    """
    thing.model.half()
    thing.save(path)
    thing.model.float()
    config = read_json(path / "config.json")
    config["dtype"] = "float32"
    write_json(path / "config.json", config)
